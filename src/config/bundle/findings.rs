//! What loads and makes no sense: rules that can never fire or that read what nobody feeds, rules that
//! another makes useless, and signals that nobody feeds or reads. `rules check` prints them.

mod never;
mod order;
mod shadow;

use std::collections::BTreeSet;
use std::fmt;

use never::{Setting, contradiction, holds_always};
use shadow::shadows;

use super::condition::signals_read;
use crate::engine::fact::Feed;
use crate::engine::rule::{Condition, Rule, RuleOrigin, RuleStatus, Trigger};
use crate::engine::ruleset::RuleSet;
use crate::engine::signal::{Question, Reads, Signal, Tell};
use crate::engine::subject::SubjectKind;

/// What is the matter with a file that loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    NeverFires,
    AlwaysHolds,
    NeverTriggered,
    /// It reads a signal that no source feeds.
    ReadsUnfed,
    Shadowed,
    /// An enforced rule that nothing brakes (D28).
    NoHarmBudget,
    SignalNotFed,
    SignalNotRead,
}

impl Finding {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Finding::NeverFires => "never_fires",
            Finding::AlwaysHolds => "always_holds",
            Finding::NeverTriggered => "never_triggered",
            Finding::ReadsUnfed => "reads_unfed",
            Finding::Shadowed => "shadowed",
            Finding::NoHarmBudget => "no_harm_budget",
            Finding::SignalNotFed => "signal_not_fed",
            Finding::SignalNotRead => "signal_not_read",
        }
    }
}

/// A finding about a rule, limit, protection or lead (by its id) or a signal (by its name).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    pub what: Finding,
    /// Its id or name.
    pub about: String,
    pub message: String,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what.name(), self.message)
    }
}

/// Everything found, by kind and name. `off` are limits kept on file, `produced` the feeds that some
/// source gives.
#[must_use]
pub fn findings(rules: &RuleSet, off: &[Rule], produced: &dyn Fn(Feed) -> bool) -> Vec<Found> {
    let mut found = Vec::new();
    for (about, subject, condition) in conditions(rules) {
        let setting = Setting { signals: &rules.signals, subject };
        let add = |what, message: String| Found { what, about: about.to_owned(), message };
        found.extend(contradiction(condition, setting).map(|why| add(Finding::NeverFires, why)));
        found.extend(unfed(condition, &rules.signals, produced).map(|why| add(Finding::ReadsUnfed, why)));
    }
    for rule in rules.rules.iter().filter(|rule| rule.status != RuleStatus::Off) {
        let add = |what, message: String| Found { what, about: rule.id.clone(), message };
        if holds_always(&rule.condition, Setting { signals: &rules.signals, subject: rule.subject }) {
            let why = "its condition holds whatever happens: every trigger fires it".to_owned();
            found.push(add(Finding::AlwaysHolds, why));
        }
        if !rule.triggers.iter().any(|trigger| is_produced(*trigger, &rules.signals, produced)) {
            let why = "no source gives an event that triggers it".to_owned();
            found.push(add(Finding::NeverTriggered, why));
        }
        let is_own = matches!(rule.origin, RuleOrigin::Measured(_));
        if is_own && rule.status == RuleStatus::Enforced && rule.harm_budget.is_none() {
            let why =
                "nothing brakes it or raises an alarm, however many people it meets; give it a harm budget";
            found.push(add(Finding::NoHarmBudget, why.to_owned()));
        }
        // One that waits for a special measure is hardly ever asked.
        let mut always = rules.rules.iter().filter(|other| !rules.specials.contains_key(&other.id));
        if let Some(other) = always.find(|other| shadows(other, rule)) {
            let why = format!(
                "whenever it fires, `{}` fires too and does as much; one of the two can go",
                other.id
            );
            found.push(add(Finding::Shadowed, why));
        }
    }
    let read = read_by_anybody(rules, off);
    for (number, signal) in rules.signals.iter().enumerate() {
        let add = |what, message: String| Found { what, about: signal.name.clone(), message };
        if !read.contains(&number) {
            let why = "no rule, limit, protection, lead or other signal reads it".to_owned();
            found.push(add(Finding::SignalNotRead, why));
        }
        if let Some(part) = unfed_part(signal, &rules.signals, produced) {
            let of = if part.name == signal.name { "it" } else { &format!("its part `{}`", part.name) };
            found.push(add(Finding::SignalNotFed, format!("no source gives an event that feeds {of}")));
        }
    }
    found.sort();
    found
}

/// The conditions of what is not off, each with its id and the kind of party that it is about.
fn conditions(rules: &RuleSet) -> impl Iterator<Item = (&str, SubjectKind, &Condition)> {
    let of_rules = rules.rules.iter().filter(|rule| rule.status != RuleStatus::Off);
    let of_rules = of_rules.map(|rule| (rule.id.as_str(), rule.subject, &rule.condition));
    let of_protections = rules.protections.iter().map(|one| (one.id.as_str(), one.subject, &one.condition));
    let of_leads = rules.leads.rules.iter().filter(|lead| lead.status != RuleStatus::Off);
    let of_leads = of_leads.map(|lead| (lead.terms.id.as_str(), lead.subject, &lead.condition));
    of_rules.chain(of_protections).chain(of_leads)
}

/// That a condition reads signals which nobody feeds, if it does.
fn unfed(condition: &Condition, signals: &[Signal], produced: &dyn Fn(Feed) -> bool) -> Option<String> {
    let read = signals_read(condition, signals).into_iter();
    let unfed = read.filter(|signal| unfed_part(signal, signals, produced).is_some());
    let names: Vec<String> = unfed.map(|signal| format!("`{}`", signal.name)).collect();
    let names = match names.as_slice() {
        [] => return None,
        [one] => one.clone(),
        [some @ .., last] => format!("{} and {last}", some.join(", ")),
    };
    Some(format!("reads {names}, which no source feeds"))
}

/// The signal or the part of it, if it is made of others, that no source feeds.
fn unfed_part<'a>(
    signal: &'a Signal,
    signals: &'a [Signal],
    produced: &dyn Fn(Feed) -> bool,
) -> Option<&'a Signal> {
    let is_unfed = |signal: &&Signal| signal.question().is_some_and(|question| !is_fed(question, produced));
    match signal.reads {
        Reads::Ratio { of, to, .. } | Reads::Difference { of, to } => {
            [of, to].into_iter().filter_map(|part| signals.get(part)).find(is_unfed)
        }
        // Who pays is told of the payee's measures (S21).
        Reads::MeasuresStanding => (!produced(Feed::TransferPayer)).then_some(signal),
        Reads::Log(_) | Reads::SinceOpened => Some(signal).filter(is_unfed),
    }
}

/// Whether some source gives what a question counts, and what answers it if it asks for answers.
fn is_fed(question: &Question, produced: &dyn Fn(Feed) -> bool) -> bool {
    let any = |feeds: u32| Feed::ALL.into_iter().any(|feed| feeds & feed.bit() != 0 && produced(feed));
    any(question.feeds) && (question.returned_by == 0 || any(question.returned_by))
}

fn is_produced(trigger: Trigger, signals: &[Signal], produced: &dyn Fn(Feed) -> bool) -> bool {
    match trigger {
        Trigger::Feed(feed) => produced(feed),
        Trigger::Report(number) => {
            signals.get(number).is_some_and(|signal| unfed_part(signal, signals, produced).is_none())
        }
    }
}

/// Numbers of the signals that something reads: conditions, triggers, what is noted of a report, and those
/// that others are made of.
fn read_by_anybody(rules: &RuleSet, off: &[Rule]) -> BTreeSet<usize> {
    let mut read = BTreeSet::new();
    let of_rules = rules.rules.iter().chain(off).map(|rule| &rule.condition);
    let of_protections = rules.protections.iter().map(|protection| &protection.condition);
    let of_leads = rules.leads.rules.iter().map(|lead| &lead.condition);
    for condition in of_rules.chain(of_protections).chain(of_leads) {
        condition.signals(&mut |number| {
            read.insert(number);
        });
    }
    for trigger in rules.rules.iter().flat_map(|rule| &rule.triggers) {
        if let Trigger::Report(number) = trigger {
            read.insert(*number);
        }
    }
    let signal = |number: &usize| rules.signals.get(*number);
    // A payee's account notes what it is told of a payment (S21), and a signal of its own counts the notes.
    let counts_notes = |signal: &Signal| {
        signal.questions(&rules.signals).any(|question| question.reads(Feed::PassedOnPayee))
    };
    if read.iter().filter_map(signal).any(counts_notes) {
        let is_noted = |signal: &Signal| signal.report.is_some_and(|report| report.tell == Tell::Payee);
        let signals = rules.signals.iter().enumerate();
        read.extend(signals.filter(|(_, signal)| is_noted(signal)).map(|(number, _)| number));
    }
    let made: Vec<Reads> = read.iter().filter_map(signal).map(|signal| signal.reads).collect();
    for reads in made {
        if let Reads::Ratio { of, to, .. } | Reads::Difference { of, to } = reads {
            read.extend([of, to]);
        }
    }
    read
}

#[cfg(test)]
mod tests;
