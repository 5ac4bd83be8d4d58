//! A rule set, loaded: everything dated, declared or worded that decisions depend on.
//!
//! It reaches a partition as a fact (DESIGN D28), so that the same log always decides the same.

use std::collections::BTreeMap;

use super::base::SpanMs;
use super::calendar::Calendar;
use super::lead::Leads;
use super::life::{Appealed, Lives};
use super::limit::Limit;
use super::notice::{Answering, NoticeTexts, Recourse};
use super::protection::Protection;
use super::retention::Retention;
use super::rule::{Quality, Rule};
use super::signal::{Reads, Signal};
use super::subject::SubjectKind;

/// Signals, rules, limits, wording and the few figures that decide, in one immutable value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleSet {
    /// The bundle's own version, named in every disposition's output.
    pub version: u32,
    /// SHA-256 of the canonical bundle text.
    pub sha256: [u8; 32],
    /// The engine semantics that it is written for: what a later number decides otherwise it does not ask for (D13).
    pub semantics: u32,
    pub signals: Vec<Signal>,
    /// In the order of their ids: the order in which they are evaluated and published.
    pub rules: Vec<Rule>,
    /// In the order of their ids.
    pub limits: Vec<Limit>,
    /// In the order of their ids.
    pub protections: Vec<Protection>,
    pub lives: Lives,
    pub leads: Leads,
    /// Rules that are asked only while a special measure stands, by id, and its name (APL 35).
    pub specials: BTreeMap<String, String>,
    pub notices: NoticeTexts,
    pub calendar: Calendar,
    pub settings: Settings,
    pub retention: Retention,
}

/// Figures that decide and are neither a rule nor a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// A repeated event id is recognised while its first event is not older than this.
    pub duplicate_horizon: SpanMs,
    /// An event older than partition time less this is late (D10).
    pub lateness: SpanMs,
    /// How long a successful appeal keeps a rule from using older events, unless the decision says.
    pub override_for: SpanMs,
    /// How long an accepted request keeps its slot when nothing is heard of it (D23).
    pub reservation_for: SpanMs,
    /// How long a refusal or a further check stands before it ends by itself (D26).
    pub answer_for: SpanMs,
    /// A measure can be appealed against until this long after its end.
    pub appeal_window: SpanMs,
    /// Whether a holder keeps one phone card that works (law.md J6).
    pub keep_one_line: bool,
    /// For how long the verification stands that a spent harm budget leaves, if that is less than the rule's own
    /// term (D28); `None`: as long as the rule says.
    pub braked_for: Option<SpanMs>,
    /// How long a transfer waits to be verified when its settlement differs from its initiation (APL 19);
    /// `None` where that is not compared.
    pub settlement_check_for: Option<SpanMs>,
}

impl RuleSet {
    /// Whether steps that are applied under it say of a holding whether a person or a unit has it. An engine of
    /// earlier semantics kept no such thing, and what it applied has to be the same in its snapshot and in a replay.
    #[must_use]
    pub fn keeps_holder_kinds(&self) -> bool {
        self.semantics >= 3
    }

    /// What a notice says of an appeal and of a request for a human decision (S17).
    #[must_use]
    pub fn recourse(&self, of: &Appealed<'_>) -> Recourse {
        let life = self.lives.appeal.as_ref();
        let promised = life.and_then(|life| life.promise(of));
        Recourse {
            answering: promised.unwrap_or(Answering::Within(self.notices.answer_within)),
            person_on_request: life.is_some_and(|life| life.person_on_request(of)),
        }
    }

    /// The bounds of quality of a rule, or of what is referred by one, in a version (S19, S23).
    #[must_use]
    pub fn quality_of(&self, id: &str, version: u32) -> Option<Quality> {
        let rule = self.rules.iter().find(|rule| rule.id == id && rule.version == version);
        if let Some(rule) = rule {
            return rule.quality;
        }
        let mut leads = self.leads.rules.iter();
        leads.find(|lead| lead.terms.id == id && lead.terms.version == version)?.quality
    }

    /// The longest window of any signal, plus lateness: what a subject's log must keep.
    #[must_use]
    pub fn retention(&self) -> SpanMs {
        let questions = self.signals.iter().filter_map(Signal::question);
        let window_max = questions.map(|question| question.reach().0).max().unwrap_or(0);
        SpanMs(window_max.saturating_add(self.settings.lateness.0))
    }

    /// What the log of a kind of subject must keep: the longest window of the signals that ask it, plus
    /// lateness (S20). A rule set without terms of retention keeps all logs alike.
    #[must_use]
    pub fn log_retention(&self, kind: SubjectKind) -> SpanMs {
        if !self.retention.logs_by_kind {
            return self.retention();
        }
        let of_kind = self.signals.iter().filter(|signal| signal.subject.log_kind() == kind);
        let reach = of_kind.filter_map(Signal::question).map(|question| question.reach().0).max();
        SpanMs(reach.unwrap_or(0).saturating_add(self.settings.lateness.0))
    }

    /// The two signals that one of our own parties' signals is made of; nothing for the others.
    #[must_use]
    pub fn parts_of(&self, signal: usize) -> Vec<usize> {
        match self.signals.get(signal).filter(|signal| signal.subject.lives_with_holder()).map(|s| s.reads) {
            Some(Reads::Ratio { of, to, .. } | Reads::Difference { of, to }) => vec![of, to],
            _ => Vec::new(),
        }
    }
}
