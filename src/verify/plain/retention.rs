//! What is forgotten, and orders to hold (S20). Holds keep what is forgotten in the engine's state and decide
//! nothing, so here only their own life is followed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::base::{SpanMs, TimeMs, Token};
use crate::engine::fact::{FactBody, OpeningStep};
use crate::engine::input::{Effect, UnmatchedReason};
use crate::engine::ruleset::RuleSet;
use crate::engine::signal::Signal;
use crate::engine::subject::{Subject, SubjectKind};

use super::openings::Openings;
use super::signals::log_kind;
use super::{Occasion, Plain};

/// Of a holder, by issuer and number, and until when.
pub(super) type Holds = BTreeMap<(Arc<str>, Arc<str>), TimeMs>;

/// Things that are forgotten alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    Log(SubjectKind),
    Openings,
    Holdings,
    Firings,
    Overrides,
    Authorisations,
    Declarations,
    /// What authorities said.
    Orders,
    /// Standings and who was told.
    Telling,
}

const CLASSES: [Class; 8] = [
    Class::Openings,
    Class::Holdings,
    Class::Firings,
    Class::Overrides,
    Class::Authorisations,
    Class::Declarations,
    Class::Orders,
    Class::Telling,
];

/// How long something of a class is kept.
fn term(rules: &RuleSet, class: Class) -> SpanMs {
    let retention = rules.retention;
    match class {
        Class::Log(kind) => {
            let reach = |signal: &Signal| {
                let is_kept_with_it = !retention.logs_by_kind || log_kind(signal) == kind;
                let question = signal.question().filter(|_| is_kept_with_it)?;
                Some(question.window.span_max().0.saturating_add(question.delay.0))
            };
            let longest = rules.signals.iter().filter_map(reach).max().unwrap_or(0);
            SpanMs(longest.saturating_add(rules.settings.lateness.0))
        }
        Class::Openings => retention.openings,
        Class::Holdings => retention.holdings,
        Class::Firings => retention.firings,
        Class::Overrides => retention.overrides,
        Class::Authorisations => retention.authorisations,
        Class::Declarations => retention.declarations,
        Class::Orders => retention.orders,
        Class::Telling => rules.settings.lateness,
    }
}

impl Plain {
    /// What ended, or happened, at or before this is forgotten.
    pub(super) fn horizon(&self, class: Class) -> TimeMs {
        let floor = self.floors.get(&class).copied().unwrap_or(TimeMs::MIN);
        self.rules.as_ref().map_or(floor, |rules| floor.max(self.newest_time.minus(term(rules, class))))
    }

    /// What is forgotten when a rule set ends stays so under the next.
    pub(super) fn raise_floors(&mut self) {
        let logs = SubjectKind::ALL.map(Class::Log);
        for class in CLASSES.into_iter().chain(logs) {
            let horizon = self.horizon(class);
            self.floors.insert(class, horizon);
        }
    }

    /// Before a holder's fact or report is applied: what is forgotten of their openings goes.
    pub(super) fn forget_of(&mut self, holder: Token) {
        self.forget_authorisations(holder);
        let (openings, holdings) = (self.horizon(Class::Openings), self.horizon(Class::Holdings));
        if let Some(known) = self.holders.get_mut(&holder) {
            known.forget_openings(openings);
            known.forget_holdings(holdings);
        }
        self.forget_declared(holder);
        self.forget_orders(holder);
        self.forget_entries(holder);
    }

    /// Orders to hold, and their release.
    pub(super) fn hold(&mut self, occasion: Occasion, body: &FactBody) {
        let holds = self.holds.entry(occasion.route.token).or_default();
        holds.retain(|_, until| *until > self.newest_time);
        let reason = match body {
            FactBody::HoldOrdered { until, .. } if *until <= self.newest_time => {
                Some(UnmatchedReason::HoldOver)
            }
            FactBody::HoldOrdered { name, until, .. } => {
                holds.insert((Arc::clone(&name.issuer), Arc::clone(&name.number)), *until);
                None
            }
            FactBody::HoldReleased { name } => {
                match holds.remove(&(Arc::clone(&name.issuer), Arc::clone(&name.number))) {
                    Some(_) => None,
                    None => Some(UnmatchedReason::HoldUnknown),
                }
            }
            _ => None,
        };
        if let Some(reason) = reason {
            self.effects.push(Effect::Unmatched { event: occasion.event, reason });
        }
    }
}

impl Openings {
    /// Openings that wait for nothing and of which nothing later was heard, with what was answered to them;
    /// and old answers to openings that are not known.
    fn forget_openings(&mut self, horizon: TimeMs) {
        let of_steps = self.steps.iter().filter(|step| step.is_of_opening).map(|step| step.opening);
        let of_requests = self.requests.iter().map(|request| request.opening.subject.token);
        let mut known: Vec<Token> = of_steps.chain(of_requests).collect();
        known.sort_unstable();
        known.dedup();
        let mut kept = Vec::new();
        for opening in known {
            if self.is_waiting(opening) || self.heard_of(opening).iter().any(|at| *at > horizon) {
                kept.push(opening);
            }
        }
        self.requests.retain(|request| kept.contains(&request.opening.subject.token));
        for step in &mut self.steps {
            step.is_of_opening &= kept.contains(&step.opening);
        }
        self.answers.retain(|answer| kept.contains(&answer.opening) || answer.at > horizon);
        self.drop_steps();
    }

    /// A request that was answered, and neither settled nor lapsed.
    fn is_waiting(&self, opening: Token) -> bool {
        let request = self.requests.iter().find(|request| request.opening.subject.token == opening);
        request.is_some_and(|request| {
            request.is_published && !request.lapsed && !self.is_settled(opening, TimeMs(i64::MAX))
        })
    }

    /// The times of all that was heard of an opening.
    fn heard_of(&self, opening: Token) -> Vec<TimeMs> {
        let requests = self.requests.iter().filter(|request| request.opening.subject.token == opening);
        let of_requests = requests.flat_map(|request| [Some(request.at), request.reserved_until]);
        let steps = self.steps.iter().filter(|step| step.is_of_opening && step.opening == opening);
        let answers = self.answers.iter().filter(|answer| answer.opening == opening);
        of_requests
            .flatten()
            .chain(steps.map(|step| step.at))
            .chain(answers.map(|answer| answer.at))
            .collect()
    }

    fn forget_holdings(&mut self, horizon: TimeMs) {
        let is_over = |holding: &Subject| {
            let steps = || self.steps.iter().filter(|step| step.is_of_holding && step.holding == *holding);
            self.is_closed(*holding, TimeMs(i64::MAX)) && steps().all(|step| step.at <= horizon)
        };
        let over: Vec<Subject> = self.holdings().into_iter().filter(is_over).collect();
        for step in &mut self.steps {
            step.is_of_holding &= !over.contains(&step.holding);
        }
        self.drop_steps();
    }

    /// Whether anything is known of an account or card.
    pub(super) fn knows_holding(&self, holding: Subject) -> bool {
        self.steps.iter().any(|step| step.is_of_holding && step.holding == holding)
    }

    /// Whether anything is known of an opening, but the platform's answers.
    pub(super) fn knows_opening(&self, opening: Token) -> bool {
        self.requests.iter().any(|request| request.opening.subject.token == opening)
            || self.steps.iter().any(|step| step.is_of_opening && step.opening == opening)
    }

    pub(super) fn knows_nothing(&self) -> bool {
        self.requests.is_empty() && !self.steps.iter().any(|step| step.is_of_holding || step.is_of_opening)
    }

    fn drop_steps(&mut self) {
        self.steps.retain(|step| step.is_of_opening || step.is_of_holding);
    }
}

/// Whether a step says something of the opening itself.
pub(super) fn is_of_opening(kind: OpeningStep) -> bool {
    matches!(kind, OpeningStep::Opened | OpeningStep::Abandoned)
}
