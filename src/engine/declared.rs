//! What an institution declares of its customers and their cards: the agreed use of an IoT card, the
//! assessment before it is sold, the beneficial owners of a unit (ARCHITECTURE S21; law.md L4, T8 to T10).
//!
//! Each is kept by event time, like the steps of a holding: what was declared as of a time is the last
//! declaration at or before it, of equal times the one applied later.

use super::attributes::{Attributes, Field};
use super::base::{Fingerprint, TimeMs, Token};
use super::fact::UsageKind;
use super::subject::Subject;

/// A function that an IoT card may be sold with (law.md T10: least function).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum CardFunction {
    Data = 0,
    Voice = 1,
    Sms = 2,
}

impl CardFunction {
    /// The function that a use of the card needs. Being called is nobody's doing, so it needs none.
    #[must_use]
    pub fn needed_for(usage: UsageKind) -> Option<CardFunction> {
        match usage {
            UsageKind::CallPlaced | UsageKind::CallPlacedAltered => Some(CardFunction::Voice),
            UsageKind::MessageSent => Some(CardFunction::Sms),
            UsageKind::Data => Some(CardFunction::Data),
            UsageKind::CallReceived | UsageKind::Unstated => None,
        }
    }
}

/// Some of the functions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CardFunctions(u8);

impl CardFunctions {
    /// All functions together.
    pub const BITS: u8 = 0b111;

    #[must_use]
    pub fn with(self, function: CardFunction) -> CardFunctions {
        CardFunctions(self.0 | 1 << function as u8)
    }

    #[must_use]
    pub fn has(self, function: CardFunction) -> bool {
        self.0 & (1 << function as u8) != 0
    }

    #[must_use]
    pub fn bits(self) -> u8 {
        self.0
    }

    /// Reads what `bits` gave; none for bits that no function has.
    #[must_use]
    pub fn from_bits(bits: u8) -> Option<CardFunctions> {
        (bits <= CardFunctions::BITS).then_some(CardFunctions(bits))
    }
}

/// Declares a closed list of words with numbers from 1: 0 is never written.
macro_rules! numbered {
    ($(#[$about:meta])* $kind:ident { $($(#[$doc:meta])* $word:ident $name:literal $code:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $kind { $($(#[$doc])* $word = $code,)* }

        impl $kind {
            pub const ALL: &'static [$kind] = &[$($kind::$word,)*];
            /// Names and numbers, for conditions and events.
            pub const WORDS: &'static [(&'static str, i64)] = &[$(($name, $code),)*];

            #[must_use]
            pub fn from_code(code: u8) -> Option<$kind> {
                $kind::ALL.iter().copied().find(|word| *word as u8 == code)
            }
        }
    };
}

numbered! {
    /// Where an IoT card's traffic may go (law.md T8).
    TrafficClass {
        /// To agreed addresses only.
        Directed "directed" 1,
        Open "open" 2,
    }
}

numbered! {
    /// What an IoT card is sold for. The law asks for an agreed scene; the list is ours.
    Scene {
        Metering "metering" 1,
        Vehicle "vehicle" 2,
        PaymentTerminal "payment_terminal" 3,
        Camera "camera" 4,
        Wearable "wearable" 5,
        Industrial "industrial" 6,
        Other "other" 7,
    }
}

numbered! {
    /// How risky the seller assessed the card's use to be (APL 12).
    CardRisk {
        Low "low" 1,
        Medium "medium" 2,
        High "high" 3,
    }
}

/// What was agreed for one IoT card when it was sold (APL 12).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardProfile {
    pub functions: CardFunctions,
    /// The one device it is bound to (law.md T9), if that is known.
    pub device: Option<Token>,
    /// The region or access point it is to be used at, if one was agreed.
    pub region: Option<Token>,
    pub traffic: TrafficClass,
    pub scene: Scene,
    pub risk: CardRisk,
}

/// A profile of a card, since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfiledCard {
    pub event: Fingerprint,
    pub at: TimeMs,
    pub card: Subject,
    pub profile: CardProfile,
}

/// The assessment of one request, made by a person before the sale (APL 12).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    pub event: Fingerprint,
    pub at: TimeMs,
    /// The request that was assessed.
    pub opening: Token,
    pub passed: bool,
    /// Who assessed it: a token that is joined with nothing.
    pub assessor: Token,
}

numbered! {
    /// Where a declaration of beneficial owners comes from.
    OwnersSource {
        /// The filing of beneficial owners with the registrar.
        Filing "beneficial_owner_filing" 1,
        /// The public register of companies.
        CompanyRegister "company_register" 2,
        /// What the unit itself said.
        Unit "unit" 3,
    }
}

/// One beneficial owner of a unit (APL 15). The token is of a kind of its own, so that an owner is never
/// joined with a customer, and nothing that happens to the unit reaches them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    pub person: Token,
    /// Thousandths of the unit.
    pub per_mille: u16,
}

/// The beneficial owners of a unit as declared once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnersDeclared {
    pub event: Fingerprint,
    pub at: TimeMs,
    pub owners: Vec<Owner>,
    pub source: OwnersSource,
}

/// That several people use one phone number was explained, and the explanation accepted (law.md B17): what is
/// told of that number counts for the holder no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explained {
    pub at: TimeMs,
    pub number: Token,
}

/// All declarations about one holder, in order of application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    pub profiles: Vec<ProfiledCard>,
    pub assessments: Vec<Assessment>,
    pub owners: Vec<OwnersDeclared>,
    /// Each number once.
    pub explained: Vec<Explained>,
}

/// Which of some declarations of one kind are forgotten, by place: those that lie behind the horizon and are
/// about nothing known, or have a later one of the same thing there.
pub fn forgotten<T>(
    all: &[T],
    horizon: TimeMs,
    at: impl Fn(&T) -> TimeMs,
    same: impl Fn(&T, &T) -> bool,
    is_known: impl Fn(&T) -> bool,
) -> Vec<bool> {
    let old = |one: &T| at(one) <= horizon;
    let is_followed = |place: usize, one: &T| {
        let mut others = all.iter().enumerate();
        others.any(|(other, later)| old(later) && same(one, later) && (at(later), other) > (at(one), place))
    };
    let of = |(place, one): (usize, &T)| old(one) && (!is_known(one) || is_followed(place, one));
    all.iter().enumerate().map(of).collect()
}

/// Takes out what is marked, in order.
fn taken<T>(all: &mut Vec<T>, marked: &[bool]) -> Vec<T> {
    let mut marks = marked.iter();
    all.extract_if(.., |_| marks.next().copied().unwrap_or(false)).collect()
}

impl Declared {
    /// The profile of a card as of a time.
    #[must_use]
    pub fn profile(&self, card: Subject, at: TimeMs) -> Option<&CardProfile> {
        let known = self.profiles.iter().filter(|known| known.card == card && known.at <= at);
        known.max_by_key(|known| known.at).map(|known| &known.profile)
    }

    /// The last assessment of a request, of any time: it may come after the request.
    #[must_use]
    pub fn assessment(&self, opening: Token) -> Option<&Assessment> {
        let of_request = self.assessments.iter().filter(|known| known.opening == opening);
        of_request.max_by_key(|known| known.at)
    }

    /// How many beneficial owners were declared as of a time, and their shares together, in thousandths.
    #[must_use]
    pub fn owners_at(&self, at: TimeMs) -> (i64, i64) {
        let known = self.owners.iter().filter(|known| known.at <= at).max_by_key(|known| known.at);
        let owners = known.map_or(&[][..], |known| &known.owners);
        (owners.len() as i64, owners.iter().map(|owner| i64::from(owner.per_mille)).sum())
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Declared::default()
    }

    /// Notes that the sharing of a number was explained.
    pub fn explain(&mut self, number: Token, at: TimeMs) {
        if !self.explains(number) {
            self.explained.push(Explained { at, number });
        }
    }

    #[must_use]
    pub fn explains(&self, number: Token) -> bool {
        self.explained.iter().any(|known| known.number == number)
    }

    /// Takes out what is marked in each list, and gives it.
    pub fn take(&mut self, [profiles, assessments, owners, explained]: &[Vec<bool>; 4]) -> Declared {
        Declared {
            profiles: taken(&mut self.profiles, profiles),
            assessments: taken(&mut self.assessments, assessments),
            owners: taken(&mut self.owners, owners),
            explained: taken(&mut self.explained, explained),
        }
    }

    /// Takes in what was taken out before.
    pub fn add(&mut self, other: Declared) {
        self.profiles.extend(other.profiles);
        self.assessments.extend(other.assessments);
        self.owners.extend(other.owners);
        self.explained.extend(other.explained);
    }

    /// Takes out what an event declared; what was explained is not corrected.
    pub fn undo(&mut self, event: Fingerprint) {
        self.profiles.retain(|known| known.event != event);
        self.assessments.retain(|known| known.event != event);
        self.owners.retain(|known| known.event != event);
    }
}

/// One use of a card, as far as a profile has something to say about it.
#[derive(Clone, Copy, Debug)]
pub struct CardUse {
    pub usage: UsageKind,
    /// Token 0 when it is not known.
    pub device: Token,
    pub region: Option<Token>,
}

impl CardProfile {
    /// What conditions may read of a use: whether it stays within what was agreed, and what was agreed.
    #[must_use]
    pub fn said_of(&self, used: CardUse, attributes: Attributes) -> Attributes {
        let function = CardFunction::needed_for(used.usage);
        let outside_functions = function.map(|function| i64::from(!self.functions.has(function)));
        let differs = |agreed: Option<Token>, seen: Option<Token>| {
            agreed.zip(seen).map(|(agreed, seen)| i64::from(agreed != seen))
        };
        let device = (used.device != Token::default()).then_some(used.device);
        attributes
            .with(Field::OutsideFunctions, outside_functions)
            .with(Field::OutsideDevice, differs(self.device, device))
            .with(Field::OutsideRegion, differs(self.region, used.region))
            .with(Field::ProfileRisk, Some(self.risk as i64))
            .with(Field::ProfileTraffic, Some(self.traffic as i64))
            .with(Field::ProfileScene, Some(self.scene as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::subject::SubjectKind;

    fn card() -> Subject {
        Subject::new(SubjectKind::IotCard, Token(7))
    }

    fn profile(device: Option<u128>) -> CardProfile {
        CardProfile {
            functions: CardFunctions::default().with(CardFunction::Data),
            device: device.map(Token),
            region: Some(Token(40)),
            traffic: TrafficClass::Directed,
            scene: Scene::Metering,
            risk: CardRisk::Low,
        }
    }

    #[test]
    fn a_use_is_held_against_what_is_known_of_both() {
        let used = |usage, device: u128, region: Option<u128>| CardUse {
            usage,
            device: Token(device),
            region: region.map(Token),
        };
        let said = |used| profile(Some(30)).said_of(used, Attributes::default());
        let call = said(used(UsageKind::CallPlaced, 30, Some(40)));
        assert_eq!(call.get(Field::OutsideFunctions), Some(1));
        assert_eq!(call.get(Field::OutsideDevice), Some(0));
        assert_eq!(call.get(Field::OutsideRegion), Some(0));
        let moved = said(used(UsageKind::Data, 31, Some(41)));
        assert_eq!(moved.get(Field::OutsideFunctions), Some(0));
        assert_eq!((moved.get(Field::OutsideDevice), moved.get(Field::OutsideRegion)), (Some(1), Some(1)));
        // What was not said is not outside, and being called is nobody's doing.
        let unknown = said(used(UsageKind::CallReceived, 0, None));
        assert_eq!(unknown.get(Field::OutsideFunctions), None);
        assert_eq!((unknown.get(Field::OutsideDevice), unknown.get(Field::OutsideRegion)), (None, None));
        assert_eq!(unknown.get(Field::ProfileTraffic), Some(TrafficClass::Directed as i64));
    }

    #[test]
    fn the_last_declaration_at_a_time_holds_and_of_equal_times_the_later() {
        let known = |event: u64, at: i64, device: u128| ProfiledCard {
            event: Fingerprint(event),
            at: TimeMs(at),
            card: card(),
            profile: profile(Some(device)),
        };
        let mut declared = Declared {
            profiles: vec![known(1, 20, 1), known(2, 10, 2), known(3, 20, 3)],
            ..Declared::default()
        };
        let device = |declared: &Declared, at: i64| {
            declared.profile(card(), TimeMs(at)).and_then(|profile| profile.device)
        };
        assert_eq!(device(&declared, 9), None);
        assert_eq!(device(&declared, 19), Some(Token(2)));
        assert_eq!(device(&declared, 20), Some(Token(3)));
        declared.undo(Fingerprint(3));
        assert_eq!(device(&declared, 20), Some(Token(1)));
    }
}
