//! Leads: what the institution refers to the authority that fits the risk, and what came of it (APL 14, 22, 26;
//! ARCHITECTURE S23).
//!
//! A lead is no measure and never becomes one: it has no end, no notice and no way to act, nobody is restricted
//! by it, and it carries the fields that its table names and nothing else.

use std::fmt;
use std::sync::Arc;

use super::base::{Bilingual, Fingerprint, SpanMs, TimeMs, Token};
use super::condition::Condition;
use super::disposition::{AppealRef, DispositionId};
use super::evidence::Evidence;
use super::fact::Feed;
use super::life::words;
use super::notice::RuleName;
use super::order::{Level, OrderName};
use super::purpose::Purpose;
use super::rule::{PrecisionRecord, Quality, RuleStatus};
use super::subject::{Party, Subject, SubjectKind};
use super::verifying::Risk;

words! {
    /// What a rule may refer.
    LeadKind {
        /// A device that many cards are put into (APL 14(1)(i)).
        SimBoxDevice "sim_box_device",
        /// Calls that show another number than the line's own (APL 14(1)(ii)).
        CallerSpoofing "caller_spoofing",
    }
}

words! {
    /// What became of a lead, as the authority says (APL 26).
    LeadOutcome {
        Confirmed "confirmed",
        NotConfirmed "not_confirmed",
        /// It was looked at and nothing follows.
        NoAction "no_action",
    }
}

words! {
    /// What a table may let go along with a lead, besides what every lead says of itself.
    LeadField {
        /// The card's or account's own reference; of a device or another shared subject, its token.
        Subject "subject",
        /// Values of the signals that the condition read.
        Signals "signals",
        /// The comparisons that held.
        Comparisons "comparisons",
    }
}

/// The reference by which an authority answers: as an appeal reference, after `L-`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeadRef(AppealRef);

impl LeadRef {
    /// Folds 64 keyed bits into a reference.
    #[must_use]
    pub fn from_bits(bits: u64) -> LeadRef {
        LeadRef(AppealRef::from_bits(bits))
    }

    /// The number behind the reference, for codecs.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0.number()
    }

    /// Reads a reference as a person may write it. `L` is no symbol of an appeal reference, so neither is
    /// taken for the other.
    #[must_use]
    pub fn parse(text: &str) -> Option<LeadRef> {
        let text = text.trim_start();
        let rest = text.strip_prefix('L').or_else(|| text.strip_prefix('l'))?;
        AppealRef::parse(rest).map(LeadRef)
    }
}

impl fmt::Display for LeadRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "L-{}", self.0)
    }
}

impl fmt::Debug for LeadRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whom a kind of lead goes to, by the risk that its rule states (APL 26: the authority that fits the type and
/// level of the risk).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadAuthority {
    /// The name of the destination.
    pub name: Arc<str>,
    pub title: Bilingual,
    pub level: Level,
}

/// What is the same for every lead of a table (`config/leads/*.toml`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadTerms {
    /// The name of its file, by which its leads are counted (S19).
    pub id: String,
    pub version: u32,
    pub title: Bilingual,
    /// Key into the table of legal bases.
    pub basis: String,
    /// Why it is referred, in plain words.
    pub reason: Bilingual,
    pub risk: Risk,
    pub authority: LeadAuthority,
    pub fields: Vec<LeadField>,
    /// An answer is due this long after the lead.
    pub answer_within: SpanMs,
}

impl LeadTerms {
    #[must_use]
    pub fn name(&self) -> RuleName {
        RuleName { id: self.id.clone(), version: self.version }
    }
}

/// A rule whose only output is a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadRule {
    pub terms: LeadTerms,
    pub kind: LeadKind,
    pub status: RuleStatus,
    /// A card or account of a holder, or a shared subject in its own partition.
    pub subject: SubjectKind,
    pub triggers: Vec<Feed>,
    pub condition: Condition,
    pub purpose: Purpose,
    /// Without one it only observes (D28).
    pub precision: Option<PrecisionRecord>,
    pub quality: Option<Quality>,
    /// After it saw something in a subject it looks away from it this long.
    pub again_after: SpanMs,
    /// So many of its leads may wait for an answer in a partition; more are only observed.
    pub open_max: u32,
}

impl LeadRule {
    /// Whether it may refer rather than only observe.
    #[must_use]
    pub fn may_act(&self) -> bool {
        self.status == RuleStatus::Enforced && self.precision.is_some()
    }

    /// Whether an event that feeds a subject sets it off.
    #[must_use]
    pub fn is_set_off_by(&self, feed: Feed, subject: SubjectKind) -> bool {
        self.status != RuleStatus::Off && self.subject == subject && self.triggers.contains(&feed)
    }
}

/// What may be referred in a rule set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leads {
    /// In the order of their ids.
    pub rules: Vec<LeadRule>,
    /// Internet accounts that are linked to a card: referred on an order and on nothing else (APL 22).
    pub linked: Option<LeadTerms>,
}

/// What is referred, and on what it rests. Linked internet accounts cannot be named without the order that
/// asks for them (law.md L10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Referral {
    Seen(LeadKind),
    LinkedAccounts(OrderName),
}

impl Referral {
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Referral::Seen(kind) => super::life::Word::name(*kind),
            Referral::LinkedAccounts(_) => "internet_account",
        }
    }
}

/// What every record about a lead says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadHead {
    pub id: DispositionId,
    pub rule: RuleName,
    /// What it is about; a shared subject has no reference of the institution's.
    pub party: Party,
    /// None of a shared subject.
    pub holder: Option<Token>,
    pub event: Fingerprint,
    pub at: TimeMs,
    pub purpose: Purpose,
}

/// A lead leaves for an authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadSent {
    pub head: LeadHead,
    pub referral: Referral,
    pub reference: LeadRef,
    pub authority: LeadAuthority,
    pub reason: Bilingual,
    pub basis: Bilingual,
    pub fields: Vec<LeadField>,
    pub answer_due: TimeMs,
    pub evidence: Evidence,
}

/// A lead went on in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadMoved {
    pub head: LeadHead,
    /// The lead.
    pub moved: DispositionId,
    pub reference: LeadRef,
    /// `sim_box_device` and so on.
    pub kind: &'static str,
    pub authority: Arc<str>,
    pub from: Arc<str>,
    pub to: Arc<str>,
    /// What was answered; none at a deadline.
    pub outcome: Option<LeadOutcome>,
    /// The answer is late: people should ask.
    pub alarm: bool,
}

/// What would have been referred: it goes to `shadow` and no authority hears of it (D28).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadObserved {
    pub head: LeadHead,
    pub kind: LeadKind,
    pub evidence: Evidence,
}

/// What leaves about leads.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "boxed as a whole where it is kept")]
pub enum LeadNews {
    Sent(LeadSent),
    Moved(LeadMoved),
    Observed(LeadObserved),
}

impl LeadNews {
    #[must_use]
    pub fn head(&self) -> &LeadHead {
        match self {
            LeadNews::Sent(sent) => &sent.head,
            LeadNews::Moved(moved) => &moved.head,
            LeadNews::Observed(observed) => &observed.head,
        }
    }
}

/// A lead as the state of its subject's partition knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadState {
    pub id: DispositionId,
    pub reference: LeadRef,
    pub referral: Referral,
    pub rule: RuleName,
    pub party: Party,
    pub holder: Option<Token>,
    pub event: Fingerprint,
    pub at: TimeMs,
    pub answer_due: TimeMs,
    pub purpose: Purpose,
    pub authority: Arc<str>,
    /// Name of the state of its table that it is in.
    pub state: Arc<str>,
    /// Something may still follow.
    pub is_open: bool,
}

/// What becomes due in a lead's life. The numbers are part of snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum LeadMoment {
    AnswerDue = 1,
    /// It was not answered for so long that it is given up.
    GivenUp = 2,
    Forgotten = 3,
}

impl LeadMoment {
    pub const ALL: [LeadMoment; 3] = [LeadMoment::AnswerDue, LeadMoment::GivenUp, LeadMoment::Forgotten];
}

/// Where a fact about something lives: with its holder, or by itself.
#[must_use]
pub fn route_of(party: Subject, holder: Option<Token>) -> Subject {
    holder.map_or(party, |holder| Subject::new(SubjectKind::Holder, holder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lead_reference_is_no_appeal_reference() {
        for bits in [0, 7, u64::MAX] {
            let lead = LeadRef::from_bits(bits);
            let text = lead.to_string();
            assert_eq!(LeadRef::parse(&text), Some(lead));
            assert_eq!(LeadRef::parse(&text.to_lowercase().replace('-', " ")), Some(lead));
            assert_eq!(AppealRef::parse(&text), None);
            assert_eq!(LeadRef::parse(&AppealRef::from_bits(bits).to_string()), None);
        }
    }

    #[test]
    fn what_a_rule_refers_is_never_a_linked_account() {
        let names: Vec<&str> = <LeadKind as crate::engine::life::Word>::ALL
            .iter()
            .map(|kind| Referral::Seen(*kind).name())
            .collect();
        assert_eq!(names, ["sim_box_device", "caller_spoofing"]);
    }
}
