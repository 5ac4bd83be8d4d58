//! Declarations and warnings: what was agreed for a card, assessed of a request or declared of a unit, and
//! who was warned (S21).

use crate::engine::attributes::{Attributes, Field};
use crate::engine::base::{Currency, Fingerprint, Money, TimeMs, Token};
use crate::engine::declared::{CardFunction, CardProfile, Owner};
use crate::engine::fact::{FactBody, Feed, HolderKind, UsageKind};
use crate::engine::measure::Lane;
use crate::engine::report::Standing;
use crate::engine::subject::{Subject, SubjectKind};

use super::grounds::Touched;
use super::occasions::kind_number;
use super::retention::Class;
use super::rules::Case;
use super::signals::Entry;
use super::{Occasion, Plain};

/// One declaration about a holder.
pub(super) struct Declaration {
    pub holder: Token,
    pub at: TimeMs,
    pub event: Fingerprint,
    what: What,
}

enum What {
    Profile {
        card: Subject,
        profile: CardProfile,
    },
    Assessment {
        opening: Token,
        passed: bool,
    },
    Owners(Vec<Owner>),
    /// That the sharing of this phone number was explained.
    Explained(Token),
}

impl What {
    /// Whether the later one of two takes the place of the other.
    fn is_about_the_same(&self, other: &What) -> bool {
        match (self, other) {
            (What::Profile { card, .. }, What::Profile { card: of, .. }) => card == of,
            (What::Assessment { opening, .. }, What::Assessment { opening: of, .. }) => opening == of,
            (What::Owners(_), What::Owners(_)) => true,
            _ => false,
        }
    }
}

impl Plain {
    pub(super) fn declare(&mut self, occasion: Occasion, body: &FactBody) {
        let what = match body {
            FactBody::CardProfiled { card, profile } => {
                What::Profile { card: card.subject, profile: (**profile).clone() }
            }
            FactBody::RiskAssessed { opening, passed, .. } => {
                What::Assessment { opening: *opening, passed: *passed }
            }
            FactBody::OwnersDeclared { owners, .. } => What::Owners(owners.clone()),
            _ => return,
        };
        let (holder, at, event) = (occasion.route.token, occasion.at, occasion.source);
        self.declared.push(Declaration { holder, at, event, what });
    }

    /// Takes out what an event declared of a holder; explanations are not corrected.
    pub(super) fn undeclare(&mut self, holder: Token, event: Fingerprint) {
        let stays = |known: &Declaration| matches!(known.what, What::Explained(_));
        self.declared.retain(|known| (known.holder, known.event) != (holder, event) || stays(known));
    }

    /// A holder explained why others use a phone number, too; the first time counts.
    pub(super) fn explain_sharing(&mut self, occasion: Occasion, number: Token) {
        let (holder, at, event) = (occasion.route.token, occasion.at, occasion.source);
        if !self.is_explained(holder, number) {
            self.declared.push(Declaration { holder, at, event, what: What::Explained(number) });
        }
    }

    pub(super) fn is_explained(&self, holder: Token, number: Token) -> bool {
        let of_holder = self.declared.iter().filter(|known| known.holder == holder);
        of_holder.into_iter().any(|known| matches!(known.what, What::Explained(of) if of == number))
    }

    /// What was declared of things that are known no more goes, and what was declared anew since (S20).
    pub(super) fn forget_declared(&mut self, holder: Token) {
        let horizon = self.horizon(Class::Declarations);
        let of_holder = self.holders.get(&holder);
        let is_known = |what: &What| {
            of_holder.is_some_and(|openings| match what {
                What::Profile { card, .. } => openings.knows_holding(*card),
                What::Assessment { opening, .. } => openings.knows_opening(*opening),
                What::Owners(_) | What::Explained(_) => !openings.knows_nothing(),
            })
        };
        let old = |known: &Declaration| known.holder == holder && known.at <= horizon;
        let mut gone = Vec::new();
        for (place, known) in self.declared.iter().enumerate().filter(|(_, known)| old(known)) {
            let is_replaced = self.declared.iter().enumerate().any(|(other, later)| {
                let is_later = later.at > known.at || (later.at == known.at && other > place);
                old(later) && is_later && known.what.is_about_the_same(&later.what)
            });
            if is_replaced || !is_known(&known.what) {
                gone.push(place);
            }
        }
        let mut place = 0;
        self.declared.retain(|_| {
            place += 1;
            !gone.contains(&(place - 1))
        });
    }

    /// The last of some declarations of a holder: of equal times the one applied later.
    fn last_declared<T>(&self, holder: Token, until: TimeMs, pick: impl Fn(&What) -> Option<T>) -> Option<T> {
        let mut last: Option<(TimeMs, T)> = None;
        for known in self.declared.iter().filter(|known| known.holder == holder && known.at <= until) {
            if let Some(picked) = pick(&known.what)
                && last.as_ref().is_none_or(|(at, _)| *at <= known.at)
            {
                last = Some((known.at, picked));
            }
        }
        last.map(|(_, picked)| picked)
    }

    /// Whether the last assessment of a request was passed, whenever it was made; none without one.
    pub(super) fn is_assessed(&self, holder: Token, request: Token) -> Option<bool> {
        self.last_declared(holder, TimeMs(i64::MAX), |what| match what {
            What::Assessment { opening, passed } if *opening == request => Some(*passed),
            _ => None,
        })
    }

    /// What a use says, held against what was agreed for the card by then.
    pub(super) fn with_profile(
        &self,
        said: Attributes,
        occasion: Occasion,
        card: Subject,
        (usage, device, region): (UsageKind, Token, Option<Token>),
    ) -> Attributes {
        let profile = self.last_declared(occasion.route.token, occasion.at, |what| match what {
            What::Profile { card: of, profile } if *of == card => Some(profile.clone()),
            _ => None,
        });
        let said = said.with(Field::CardProfiled, Some(i64::from(profile.is_some())));
        let Some(profile) = profile else { return said };
        let lacks = |function| Some(i64::from(!profile.functions.has(function)));
        let outside_functions = match usage {
            UsageKind::CallPlaced | UsageKind::CallPlacedAltered => lacks(CardFunction::Voice),
            UsageKind::MessageSent => lacks(CardFunction::Sms),
            UsageKind::Data => lacks(CardFunction::Data),
            UsageKind::CallReceived | UsageKind::Unstated => None,
        };
        let outside_device = match profile.device {
            Some(bound) if device != Token(0) => Some(i64::from(bound != device)),
            _ => None,
        };
        let outside_region = match (profile.region, region) {
            (Some(agreed), Some(seen)) => Some(i64::from(agreed != seen)),
            _ => None,
        };
        said.with(Field::OutsideFunctions, outside_functions)
            .with(Field::OutsideDevice, outside_device)
            .with(Field::OutsideRegion, outside_region)
            .with(Field::ProfileRisk, Some(profile.risk as i64))
            .with(Field::ProfileTraffic, Some(profile.traffic as i64))
            .with(Field::ProfileScene, Some(profile.scene as i64))
    }

    /// What a request says of who asks; of a unit, its owners as declared by the request's time.
    pub(super) fn with_holder(
        &self,
        said: Attributes,
        holder: Token,
        kind: HolderKind,
        at: TimeMs,
    ) -> Attributes {
        let number = Some(kind_number(kind));
        let said = said.with(Field::HolderKind, number).with(Field::PartyHolderKind, number);
        if kind == HolderKind::Person {
            return said;
        }
        let owners = self.last_declared(holder, at, |what| match what {
            What::Owners(owners) => Some(owners.clone()),
            _ => None,
        });
        let owners = owners.unwrap_or_default();
        let shares = owners.iter().map(|owner| i64::from(owner.per_mille)).sum();
        said.with(Field::OwnersDeclared, i64::try_from(owners.len()).ok())
            .with(Field::OwnersShare, Some(shares))
    }

    /// Measures of the lanes anomaly and authority on an account that have not ended, by what is known now.
    pub(super) fn measures_standing(&self, account: Subject, at: TimeMs) -> i128 {
        let stands = self.measures.values().filter(|held| {
            let head = held.set.head();
            held.ended.is_none()
                && head.party.subject == account
                && matches!(head.lane, Lane::Anomaly | Lane::Authority)
                && at < held.set.notice().end
        });
        stands.count() as i128
    }

    /// A measure of victim protection was set on a case: its logs note it, once for each event.
    pub(super) fn note_warning(&mut self, case: Case<'_>) {
        let mut subjects = vec![case.party.subject, Subject::new(SubjectKind::Holder, case.holder)];
        if let Some(other) = case.other {
            subjects.push(Subject::new(SubjectKind::Pair, case.party.subject.token.pair(other)));
        }
        subjects.retain(|subject| {
            let log = self.logs.get(subject).into_iter().flatten();
            let horizon = self.horizon(Class::Log(subject.kind));
            let of_event = |entry: &Entry| entry.event == case.source && entry.at > horizon;
            !log.filter(|entry| of_event(entry)).any(|entry| entry.feed == Feed::VictimWarnedPayer)
        });
        let fen = case.amount.and_then(Money::fen);
        let entry = Entry {
            feed: Feed::VictimWarnedPayer,
            at: case.at,
            amount: fen.map(|minor| Money { minor, currency: Currency::CNY }),
            other: case.other.unwrap_or(Token(0)),
            event: case.source,
            marks: 0,
            target: None,
        };
        self.insert_entries(subjects.into_iter().map(|subject| (subject, entry.clone())).collect());
    }

    /// What was warned of did not happen as it was told: the notes of it leave a log. Gives those that counted.
    pub(super) fn unwarn(&mut self, subject: Subject, original: Fingerprint) -> Vec<Touched> {
        let horizon = self.horizon(Class::Log(subject.kind));
        let is_note = |entry: &mut Entry| (entry.event, entry.feed) == (original, Feed::VictimWarnedPayer);
        let log = self.logs.get_mut(&subject);
        let notes: Vec<Entry> = log.map_or(Vec::new(), |log| log.extract_if(.., is_note).collect());
        let counted = notes.into_iter().filter(|note| note.at > horizon);
        counted.map(|note| Touched { subject, feed: note.feed, at: note.at }).collect()
    }

    /// What a payee hears of a transfer's payer is noted on the account that was paid, once for each name.
    pub(super) fn note_passed_on(&mut self, told: &Standing) {
        let account = told.target.subject;
        let horizon = self.horizon(Class::Log(account.kind));
        let counts = |entry: &&Entry| entry.at > horizon && entry.at == told.at && entry.event == told.event;
        let mut noted = self.logs.get(&account).into_iter().flatten().filter(counts);
        if noted.any(|entry| entry.feed == Feed::PassedOnPayee) {
            return;
        }
        let entry = Entry {
            feed: Feed::PassedOnPayee,
            at: told.at,
            amount: told.amount,
            other: told.about.token,
            event: told.event,
            marks: 0,
            target: None,
        };
        self.insert_entries(vec![(account, entry)]);
    }
}
