//! How an entry is kept: 32 bytes, of which 16 are the two keyed fingerprints that cannot be made smaller.
//! The logs that refer to it share them.

use crate::engine::base::{Currency, Fingerprint, Money, TimeMs};
use crate::engine::fact::Feed;

use super::Entry;

/// An entry, packed. From the top: 48 bits of time, 5 of feed, 4 of marks, 7 of currency; then 3 of how
/// many logs refer to it, 8 more of currency (15 bits of 0: no amount), 53 of minor units.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packed {
    bits: [u64; 2],
    event: Fingerprint,
    other: u64,
}

/// Marks and currency of the entries that count, as bits of `Packed`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pattern {
    mask: [u64; 2],
    wanted: [u64; 2],
}

/// Intake refuses amounts beyond this (`amount_overflow`); what is beyond is held here.
const MINOR_MAX: i64 = (1 << 53) - 1;
/// 4,460 years to either side of 1970; event times are of 2000 to 2100. What is beyond is held here.
const TIME_MAX: i64 = (1 << 47) - 1;

const TIME_SHIFT: u32 = 16;
const FEED_SHIFT: u32 = 11;
const MARKS_SHIFT: u32 = 7;
/// Of the 15 bits of currency, the upper 7 end the first word, the lower 8 begin the second.
const CURRENCY_SHIFT: u32 = 53;
const HELD_SHIFT: u32 = 61;
/// At most three logs take an entry of one event.
const HELD_MAX: u64 = 7;

impl Packed {
    pub const NOTHING: Packed = Packed { bits: [0; 2], event: Fingerprint(0), other: 0 };

    /// An entry that `held` logs are about to refer to.
    pub fn new(entry: &Entry, held: u64) -> Packed {
        debug_assert!(held <= HELD_MAX, "an event feeds three logs at most");
        let time = entry.at.0.clamp(-TIME_MAX - 1, TIME_MAX) as u64;
        let currency = entry.amount.map_or(0, |amount| number_of(amount.currency));
        let minor = entry.amount.map_or(0, |amount| amount.minor.clamp(0, MINOR_MAX)) as u64;
        let upper = time << TIME_SHIFT
            | u64::from(entry.feed as u8) << FEED_SHIFT
            | u64::from(entry.marks & 0xf) << MARKS_SHIFT
            | currency >> 8;
        let lower = held << HELD_SHIFT | (currency & 0xff) << CURRENCY_SHIFT | minor;
        Packed { bits: [upper, lower], event: entry.event, other: entry.other }
    }

    pub fn at(&self) -> TimeMs {
        TimeMs((self.bits[0] as i64) >> TIME_SHIFT)
    }

    pub fn event(&self) -> Fingerprint {
        self.event
    }

    pub fn other(&self) -> u64 {
        self.other
    }

    /// The bit of its feed in a set of feeds.
    pub fn feed_bit(&self) -> u32 {
        1 << self.feed_code()
    }

    fn feed_code(&self) -> u8 {
        (self.bits[0] >> FEED_SHIFT) as u8 & 0x1f
    }

    fn marks(&self) -> u8 {
        (self.bits[0] >> MARKS_SHIFT) as u8 & 0xf
    }

    /// Minor units; 0 without an amount.
    pub fn minor(&self) -> i64 {
        (self.bits[1] & MINOR_MAX as u64) as i64
    }

    /// The number of its currency; 0 without an amount.
    fn currency(&self) -> u16 {
        ((self.bits[0] & 0x7f) << 8 | self.bits[1] >> CURRENCY_SHIFT & 0xff) as u16
    }

    /// Whether it bears all of `only` and none of `without`, and, if a currency is asked for (not 0), has
    /// an amount in it.
    pub fn pattern(only: u8, without: u8, currency: u64) -> Pattern {
        let (upper, lower) = if currency == 0 { (0, 0) } else { (0x7f, 0xff << CURRENCY_SHIFT) };
        Pattern {
            mask: [u64::from((only | without) & 0xf) << MARKS_SHIFT | upper, lower],
            wanted: [
                u64::from(only & 0xf) << MARKS_SHIFT | currency >> 8,
                (currency & 0xff) << CURRENCY_SHIFT,
            ],
        }
    }

    pub fn matches(&self, pattern: &Pattern) -> bool {
        let [upper, lower] = pattern.mask;
        [self.bits[0] & upper, self.bits[1] & lower] == pattern.wanted
    }

    /// How many logs refer to it.
    fn held(&self) -> u64 {
        self.bits[1] >> HELD_SHIFT
    }

    /// Whether a log refers to it, and one more may. A free place may still look like what it held.
    pub fn may_be_shared(&self) -> bool {
        0 < self.held() && self.held() < HELD_MAX
    }

    pub fn hold(&mut self) {
        debug_assert!(self.may_be_shared(), "held by one log already, and by three at most");
        self.bits[1] += 1 << HELD_SHIFT;
    }

    /// One log less refers to it. Gives whether none does now.
    pub fn release(&mut self) -> bool {
        debug_assert!(self.held() > 0, "only a log that refers to an entry lets go of it");
        self.bits[1] -= 1 << HELD_SHIFT;
        self.held() == 0
    }

    /// Of a free place: the one that was freed before it.
    pub fn next_free(&self) -> Option<u32> {
        u32::try_from(self.other).ok()
    }

    pub fn set_next_free(&mut self, next: Option<u32>) {
        self.other = next.map_or(u64::MAX, u64::from);
    }

    /// Whether both are the same entry, however many logs refer to it.
    pub fn is_same(&self, other: &Packed) -> bool {
        let held = HELD_MAX << HELD_SHIFT;
        (self.bits[0], self.bits[1] | held, self.event, self.other)
            == (other.bits[0], other.bits[1] | held, other.event, other.other)
    }

    pub fn unpacked(&self) -> Entry {
        let amount = currency_of(self.currency()).map(|currency| Money { minor: self.minor(), currency });
        Entry {
            at: self.at(),
            event: self.event,
            other: self.other,
            amount,
            // Only a feed's own number was packed.
            feed: Feed::from_code(self.feed_code()).unwrap_or(Feed::TransferPayer),
            marks: self.marks(),
        }
    }
}

/// Three letters as a number in base 26, from 1.
pub(super) fn number_of(currency: Currency) -> u64 {
    currency.bytes().iter().fold(0, |number, letter| number * 26 + u64::from(letter.wrapping_sub(b'A'))) + 1
}

fn currency_of(number: u16) -> Option<Currency> {
    let number = number.checked_sub(1)?;
    let letter = |place: u16| b'A' + (number / place % 26) as u8;
    let letters = [letter(26 * 26), letter(26), letter(1)];
    Currency::parse(std::str::from_utf8(&letters).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_entry_takes_32_bytes() {
        assert_eq!(size_of::<Packed>(), 32);
        assert!(Feed::ALL.iter().all(|feed| (*feed as u8) < 32));
    }

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(
            at in TimeMs::EARLIEST.0 - 10_000_000_000_000..TimeMs::LATEST.0,
            event in any::<u64>(),
            other in any::<u64>(),
            minor in 0..=MINOR_MAX,
            code in "[A-Z]{3}",
            has_amount in any::<bool>(),
            feed in 0..Feed::ALL.len(),
            marks in 0_u8..16,
        ) {
            let currency = Currency::parse(&code).unwrap();
            let entry = Entry {
                at: TimeMs(at),
                event: Fingerprint(event),
                other,
                amount: has_amount.then_some(Money { minor, currency }),
                feed: Feed::ALL[feed],
                marks,
            };
            let mut packed = Packed::new(&entry, 2);
            packed.hold();
            prop_assert_eq!(packed.unpacked(), entry);
            prop_assert_eq!(packed.feed_bit(), entry.feed.bit());
            for wanted in [0, number_of(currency), number_of(Currency::CNY)] {
                let (only, without) = (marks & 0b0101, !marks & 0b0011);
                let has_currency = wanted == 0 || has_amount && wanted == number_of(currency);
                prop_assert_eq!(packed.matches(&Packed::pattern(only, without, wanted)), has_currency);
                prop_assert!(marks == 0 || !packed.matches(&Packed::pattern(0, marks, wanted)));
                prop_assert!(marks == 15 || !packed.matches(&Packed::pattern(!marks & 15, 0, wanted)));
            }
        }
    }
}
