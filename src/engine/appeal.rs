//! Appeals and human decisions: what people file, ask and decide about a measure (APL 32, AML 39, PIPL 24).

use std::sync::Arc;

use super::base::{Bilingual, Fingerprint, TimeMs, Token};
use super::disposition::{AppealRef, DispositionId, Head};
use super::life::words;
use super::measure::{Measure, MeasureKind};

words! {
    /// Papers that an appeal brings or that are asked for. The order is part of the packed form.
    Paper {
        IdentityDocument "identity_document",
        TransactionExplanation "transaction_explanation",
        ContractOrInvoice "contract_or_invoice",
        BusinessLicence "business_licence",
        IncomeProof "income_proof",
        RelationshipProof "relationship_proof",
        DeviceOrCardProof "device_or_card_proof",
        PoliceReceipt "police_receipt",
        Other "other",
    }
}

words! {
    /// Why a person appeals. The order is part of the packed form.
    AppealReason {
        OrdinaryUse "ordinary_use",
        NotMine "not_mine",
        WrongData "wrong_data",
        NeededForLiving "needed_for_living",
        AlreadyVerified "already_verified",
        Other "other",
    }
}

/// A set of papers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Papers(u16);

impl Papers {
    #[must_use]
    pub fn with(self, paper: Paper) -> Papers {
        Papers(self.0 | 1 << paper as u16)
    }

    /// In their fixed order.
    pub fn all(self) -> impl Iterator<Item = Paper> {
        let words = <Paper as super::life::Word>::ALL.iter().copied();
        words.filter(move |paper| self.0 & (1 << *paper as u16) != 0)
    }

    #[must_use]
    pub fn bits(self) -> u16 {
        self.0
    }

    /// `None` when a bit stands for no paper.
    #[must_use]
    pub fn from_bits(bits: u16) -> Option<Papers> {
        (bits >> <Paper as super::life::Word>::ALL.len() == 0).then_some(Papers(bits))
    }
}

/// What a person decided about an automated measure on request (PIPL 24).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HumanDecision {
    /// It stands, and from here on it is that person's.
    Confirm,
    Lift,
    /// A milder measure of the same ladder takes its place.
    Milder(MeasureKind),
}

/// A step of an appeal or of a request for a human decision, as facts say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppealStep {
    Filed {
        reason: AppealReason,
        papers: Papers,
        /// What it brings that nobody has decided on, by its id.
        evidence: Option<Fingerprint>,
    },
    Accepted,
    PapersAsked(Papers),
    PapersGiven(Papers),
    HumanRequested,
    HumanDecided {
        decision: HumanDecision,
        decider: Token,
        /// Key into the answers of the rule set.
        reason: Option<Arc<str>>,
    },
}

/// An appeal against one measure, or a request for a human decision on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppealCase {
    /// Its state, by the table's name for it.
    pub state: Arc<str>,
    /// Deadlines count from here: when it was filed or requested.
    pub since: TimeMs,
    /// How often a state was entered: a deadline of an earlier entering is void.
    pub entered: u32,
    /// The deadline of its state.
    pub due: Option<TimeMs>,
    /// Something is to be decided.
    pub open: bool,
    /// What was brought so far.
    pub evidence: Vec<Fingerprint>,
    /// The time to appeal ran out while it was open: the measure is kept until it is decided.
    pub outlived: bool,
}

impl AppealCase {
    /// Before anything happened.
    #[must_use]
    pub fn begun(state: Arc<str>) -> AppealCase {
        let (since, evidence) = (TimeMs::MIN, Vec::new());
        AppealCase { state, since, entered: 0, due: None, open: false, evidence, outlived: false }
    }
}

words! {
    /// What the institution says about an appeal or a request, as it goes its way.
    AppealAnswer {
        Received "received",
        Accepted "accepted",
        PapersAsked "papers_asked",
        Upheld "upheld",
        Forwarded "forwarded",
        Overdue "overdue",
        HumanDecisionDue "human_decision_due",
        Confirmed "confirmed",
    }
}

/// Something is said about an appeal; the person is told as of everything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppealAnswered {
    pub head: Head,
    /// The measure it is about.
    pub of: DispositionId,
    pub measure: Measure,
    pub appeal: AppealRef,
    pub answer: AppealAnswer,
    /// Why it was upheld or confirmed, from the table of disclosable answers.
    pub reason: Option<Bilingual>,
    /// What is asked for.
    pub papers: Papers,
    /// Until when there is to be an answer.
    pub due: Option<TimeMs>,
    /// The lane's next remedies.
    pub remedies: Bilingual,
    pub utc_offset_minutes: i32,
}
