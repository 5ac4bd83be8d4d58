//! Dispositions: what the engine publishes (DESIGN D22 to D26, D29, D30).

use std::fmt;
use std::sync::Arc;

use super::appeal::AppealAnswered;
use super::base::{Fingerprint, TimeMs, Token};
use super::evidence::Evidence;
use super::measure::{Lane, Measure};
use super::notice::{Notice, RuleName, Telling};
use super::order::{CaseKind, OrderKind, OrderName, Outcome};
use super::purpose::Purpose;
use super::subject::Party;
use super::verifying::DeliveryChannel;

/// Deterministic id of a disposition: a keyed MAC of what caused it, so consumers can deduplicate.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DispositionId(pub u128);

impl fmt::Debug for DispositionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// An appeal reference: twelve symbols, the last a check digit (D29).
///
/// The alphabet leaves out I, L, O, U and V, so it can be read aloud; its 31 symbols are a prime
/// number, so the weighted check digit finds every single wrong symbol and every swapped pair.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppealRef(u64);

impl AppealRef {
    const ALPHABET: [u8; 31] = *b"0123456789ABCDEFGHJKMNPQRSTWXYZ";
    const SYMBOLS: usize = 11;
    /// 31 to the power of 11: the number of different references.
    const SPACE: u64 = 25_408_476_896_404_831;

    /// Folds 64 keyed bits into a reference.
    #[must_use]
    pub fn from_bits(bits: u64) -> AppealRef {
        AppealRef(bits % AppealRef::SPACE)
    }

    /// The number behind the reference, for codecs.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }

    fn symbols(self) -> [u64; AppealRef::SYMBOLS] {
        let mut rest = self.0;
        let mut symbols = [0; AppealRef::SYMBOLS];
        for symbol in symbols.iter_mut().rev() {
            *symbol = rest % 31;
            rest /= 31;
        }
        symbols
    }

    fn check_digit(symbols: &[u64]) -> u64 {
        // Weights 1 to 11 are distinct and not zero modulo 31.
        symbols.iter().zip(1..).map(|(symbol, weight)| symbol * weight).sum::<u64>() % 31
    }

    /// Reads a reference as a person may write it: any case, with or without dashes and spaces.
    /// `None` when a symbol is unknown, the length is off or the check digit does not match.
    #[must_use]
    pub fn parse(text: &str) -> Option<AppealRef> {
        let mut symbols = Vec::with_capacity(12);
        for byte in text.bytes().filter(|b| !matches!(b, b'-' | b' ')) {
            let upper = byte.to_ascii_uppercase();
            let place = AppealRef::ALPHABET.iter().position(|known| *known == upper)?;
            symbols.push(place as u64);
        }
        let (check, rest) = symbols.split_last()?;
        if rest.len() != AppealRef::SYMBOLS || AppealRef::check_digit(rest) != *check {
            return None;
        }
        Some(AppealRef(rest.iter().fold(0, |number, symbol| number * 31 + symbol)))
    }
}

impl fmt::Display for AppealRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let symbols = self.symbols();
        let check = AppealRef::check_digit(&symbols);
        for (place, symbol) in symbols.iter().chain([&check]).enumerate() {
            if place > 0 && place % 4 == 0 {
                f.write_str("-")?;
            }
            // A remainder of 31 is a valid place in an alphabet of 31.
            let letter = AppealRef::ALPHABET.get(*symbol as usize).copied().unwrap_or(b'?');
            write!(f, "{}", char::from(letter))?;
        }
        Ok(())
    }
}

impl fmt::Debug for AppealRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What every disposition says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub id: DispositionId,
    pub lane: Lane,
    pub rule: RuleName,
    /// What it is about: an account, card or opening of `holder`.
    pub party: Party,
    pub holder: Token,
    /// The event that caused it (for a timer: the event that set the timer).
    pub event: Fingerprint,
    /// Event time of the cause; for a timer, when it was due.
    pub at: TimeMs,
    pub purpose: Purpose,
}

/// A measure, complete: there is no way to make one without its notice, basis, end and appeal
/// reference, which all live in the notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasureSet {
    head: Head,
    measure: Measure,
    notice: Notice,
    evidence: Evidence,
    telling: Telling,
}

impl MeasureSet {
    #[must_use]
    pub fn new(head: Head, measure: Measure, notice: Notice, evidence: Evidence) -> MeasureSet {
        MeasureSet { head, measure, notice, evidence, telling: Telling::Now }
    }

    /// The same with its notice told as its order lays down. Only a measure of an authority can be told
    /// otherwise than at once.
    #[must_use]
    pub fn told(self, telling: Telling) -> MeasureSet {
        if self.head.lane == Lane::Authority { MeasureSet { telling, ..self } } else { self }
    }

    #[must_use]
    pub fn telling(&self) -> &Telling {
        &self.telling
    }

    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    #[must_use]
    pub fn measure(&self) -> &Measure {
        &self.measure
    }

    #[must_use]
    pub fn notice(&self) -> &Notice {
        &self.notice
    }

    #[must_use]
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }
}

/// How a measure came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EndCause {
    /// Its own end was reached.
    Expired,
    /// An appeal was decided for the person; the measure is marked overruled (D26).
    Overturned,
    /// A later answer to the same opening took its place.
    Superseded,
    /// The opening it answered was opened, abandoned or lapsed.
    OpeningSettled,
    /// A person decided, on request, that it should not stand (PIPL 24).
    LiftedByPerson,
    /// A person decided, on request, for a milder measure in its place.
    Replaced,
    /// What it rested on was corrected or cancelled by its source.
    Corrected,
    /// Another step of its life took its place.
    Followed,
    /// Who it concerns was verified as asked: nothing is left of it.
    Verified,
    /// The payer took the transfer back (law.md B11).
    Cancelled,
    /// The authority that ordered it released it.
    Released,
}

impl EndCause {
    pub const ALL: [EndCause; 11] = [
        EndCause::Expired,
        EndCause::Overturned,
        EndCause::Superseded,
        EndCause::OpeningSettled,
        EndCause::LiftedByPerson,
        EndCause::Replaced,
        EndCause::Corrected,
        EndCause::Followed,
        EndCause::Verified,
        EndCause::Cancelled,
        EndCause::Released,
    ];

    /// The measure should not have been set: a person decided so (D26).
    #[must_use]
    pub fn overrules(self) -> bool {
        matches!(self, EndCause::Overturned | EndCause::LiftedByPerson)
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            EndCause::Expired => "expired",
            EndCause::Overturned => "overturned",
            EndCause::Superseded => "superseded",
            EndCause::OpeningSettled => "opening_settled",
            EndCause::LiftedByPerson => "lifted_by_person",
            EndCause::Replaced => "replaced",
            EndCause::Corrected => "corrected",
            EndCause::Followed => "followed",
            EndCause::Verified => "verified",
            EndCause::Cancelled => "cancelled",
            EndCause::Released => "released",
        }
    }

    /// Whether what was found is still spoken for: the rule that set the measure does not fire again
    /// before its term is over (S7).
    #[must_use]
    pub fn keeps_firing(self) -> bool {
        matches!(self, EndCause::Expired | EndCause::Followed | EndCause::Verified | EndCause::Replaced)
    }
}

/// A measure ended. The person is told as they were told when it began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasureEnded {
    pub head: Head,
    /// The measure that ended.
    pub ended: DispositionId,
    pub measure: Measure,
    pub appeal: AppealRef,
    pub cause: EndCause,
    /// With `Overturned` and `Verified`: until when the rule sees only events after the lift (D26).
    pub override_until: Option<TimeMs>,
    pub utc_offset_minutes: i32,
    /// Whether we tell the person. Not when the authority tells them itself.
    pub is_told: bool,
}

/// A measure of an authority goes on until a later end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasureExtended {
    pub head: Head,
    /// The measure that goes on.
    pub extended: DispositionId,
    /// With its later end.
    pub measure: Measure,
    /// Composed anew; the appeal reference is the same.
    pub notice: Notice,
    /// Whether the notice leaves now.
    pub is_told: bool,
}

/// A notice that an order had deferred leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeReleased {
    /// Of the measure that it tells of.
    pub head: Head,
    pub measure: Measure,
    pub notice: Notice,
}

/// What an authority is told of its order or entry: what was done, when, or why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderAnswered {
    pub head: Head,
    pub name: OrderName,
    /// None for an extension, release or answer whose order is not known, and for an entry.
    pub kind: Option<OrderKind>,
    /// The case that the order rests on, if it said so.
    pub case: Option<CaseKind>,
    pub outcome: Outcome,
    /// The measure that carries it out.
    pub measure: Option<DispositionId>,
}

/// A request to open was accepted; its slot is kept until `reserved_until`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpeningAccepted {
    pub head: Head,
    pub reserved_until: TimeMs,
}

/// An accepted request was not used in time and its slot is free again. Nobody is restricted by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReservationLapsed {
    pub head: Head,
}

/// A measure went on in its life and still stands, or what follows stands beside this (S14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasureMoved {
    pub head: Head,
    /// The measure.
    pub moved: DispositionId,
    pub measure: Measure,
    pub appeal: AppealRef,
    /// States of its life, by name.
    pub from: Arc<str>,
    pub to: Arc<str>,
    /// When the state's own deadline comes, if it has one.
    pub due: Option<TimeMs>,
    /// A person has to take over.
    pub asks_staff: bool,
    /// Why what would have followed was not set.
    pub held_back: Option<HeldBack>,
    /// The notice goes out once more, by this way.
    pub told_again: Option<ToldAgain>,
}

/// A notice that goes out once more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldAgain {
    pub by: DeliveryChannel,
    pub notice: Box<Notice>,
}

/// Why a harder step was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeldBack {
    /// An appeal or a verification set its evidence aside (D26).
    Override,
    /// A protection would have it no harder than what stands (D27).
    Protected(RuleName),
    /// The rule's harm budget is spent (D28).
    BudgetSpent,
    /// Its rule acts no more.
    RuleSilent,
    /// A human decision was asked for (PIPL 24).
    AwaitsHuman,
}

impl HeldBack {
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            HeldBack::Override => "override",
            HeldBack::Protected(_) => "protected",
            HeldBack::BudgetSpent => "budget_spent",
            HeldBack::RuleSilent => "rule_silent",
            HeldBack::AwaitsHuman => "awaits_human",
        }
    }
}

/// What goes to the `dispositions` topic.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "boxed as a whole where it is kept")]
pub enum Disposition {
    OpeningAccepted(OpeningAccepted),
    MeasureSet(MeasureSet),
    MeasureEnded(MeasureEnded),
    ReservationLapsed(ReservationLapsed),
    AppealAnswered(AppealAnswered),
    MeasureMoved(Box<MeasureMoved>),
    MeasureExtended(MeasureExtended),
    NoticeReleased(NoticeReleased),
    OrderAnswered(OrderAnswered),
}

impl Disposition {
    #[must_use]
    pub fn head(&self) -> &Head {
        match self {
            Disposition::OpeningAccepted(accepted) => &accepted.head,
            Disposition::MeasureSet(set) => set.head(),
            Disposition::MeasureEnded(ended) => &ended.head,
            Disposition::ReservationLapsed(lapsed) => &lapsed.head,
            Disposition::AppealAnswered(answered) => &answered.head,
            Disposition::MeasureMoved(moved) => &moved.head,
            Disposition::MeasureExtended(extended) => &extended.head,
            Disposition::NoticeReleased(released) => &released.head,
            Disposition::OrderAnswered(answered) => &answered.head,
        }
    }
}

/// What a rule in shadow, or any rule before go-live, would have done. Another type on another
/// topic: it has no notice, no party reference and no way to act (D28).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    pub head: Head,
    pub measure: Measure,
    pub evidence: Evidence,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_appeal_reference_survives_being_written_down() {
        for bits in [0, 1, 30, 31, u64::MAX, 0x1234_5678_9abc_def0] {
            let reference = AppealRef::from_bits(bits);
            let text = reference.to_string();
            assert_eq!(text.len(), 14);
            assert_eq!(AppealRef::parse(&text), Some(reference));
            assert_eq!(AppealRef::parse(&text.to_lowercase().replace('-', " ")), Some(reference));
        }
    }

    #[test]
    fn every_wrong_symbol_and_every_swap_is_noticed() {
        let text = AppealRef::from_bits(0xfeed_beef_cafe_f00d).to_string().replace('-', "");
        let letters: Vec<u8> = text.bytes().collect();
        for place in 0..letters.len() {
            for symbol in AppealRef::ALPHABET {
                let mut wrong = letters.clone();
                wrong[place] = symbol;
                if wrong != letters {
                    assert_eq!(AppealRef::parse(&String::from_utf8(wrong).unwrap()), None);
                }
            }
            if place + 1 < letters.len() && letters[place] != letters[place + 1] {
                let mut swapped = letters.clone();
                swapped.swap(place, place + 1);
                assert_eq!(AppealRef::parse(&String::from_utf8(swapped).unwrap()), None);
            }
        }
    }
}
