//! A made-up day of a small institution, from a seed: native events, in order, and what a person at
//! the institution does in between (an appeal is decided, once its notice is out).
//!
//! The institution keeps bank accounts and sells phone cards. A quiet month comes first, so that the
//! windows of thirty days are full when the day begins; nothing in the day is taken from real data.
//! Ordinary traffic is in `traffic`, what is worth telling in `scenes`.

mod random;
mod scenes;
mod traffic;

use crate::codec::event::envelope::to_structured;
use crate::codec::event::{Event, EventTime, OwnParty, PartyKind};
use crate::engine::base::TimeMs;
use crate::engine::fact::AppealOutcome;

pub use random::Random;

/// 2026-12-01T00:00:00+08:00: when the day begins.
pub const DAY_START: TimeMs = TimeMs(1_796_054_400_000);
/// How much history comes before it.
pub const HISTORY_DAYS: i64 = 31;
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 1440 * MINUTE_MS;

/// How much happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub customers: u32,
    /// Transfers and payments on each day of the history, and on the day itself.
    pub history_daily: u32,
    pub day: u32,
}

impl Default for Size {
    fn default() -> Size {
        Size { customers: 12_000, history_daily: 1500, day: 40_000 }
    }
}

/// What happens next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A line as a source would send it. A few are broken, as some always are.
    Line(String),
    /// An appeal against the newest measure on this party is decided, by a person who has its notice.
    AppealDecided { party: Own, outcome: AppealOutcome },
    /// Something to tell whoever watches.
    Told(&'static str),
}

/// A party by its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    pub holder: String,
    pub reference: String,
    pub kind: PartyKind,
}

/// A step and when it is heard of; steps come in that order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timed {
    pub at: TimeMs,
    pub step: Step,
}

/// The month and the day, in order.
#[must_use]
pub fn day(seed: u64, size: Size, institution: &str) -> Vec<Timed> {
    let mut plan = Plan { institution: institution.to_owned(), steps: Vec::new(), events: 0 };
    let mut random = Random::new(seed);
    traffic::plan(&mut plan, &mut random, size);
    scenes::plan(&mut plan);
    // Stable: what is planned first for a millisecond happens first.
    plan.steps.sort_by_key(|step| step.at);
    plan.steps
}

/// Steps as they are planned, in any order.
struct Plan {
    institution: String,
    steps: Vec<Timed>,
    events: u64,
}

impl Plan {
    fn event(&mut self, at: TimeMs, event: &Event<'_>) {
        self.late_event(at, at, event);
    }

    /// An event of `at` that is heard of only later.
    fn late_event(&mut self, at: TimeMs, heard: TimeMs, event: &Event<'_>) {
        self.events += 1;
        let id = format!("EV-{:07}", self.events);
        let line = to_structured(&id, "/made-up/core", EventTime(at), event);
        self.steps.push(Timed { at: heard, step: Step::Line(line) });
    }

    fn line(&mut self, at: TimeMs, line: impl Into<String>) {
        self.steps.push(Timed { at, step: Step::Line(line.into()) });
    }

    fn tell(&mut self, at: TimeMs, text: &'static str) {
        self.steps.push(Timed { at, step: Step::Told(text) });
    }

    fn party(&self, own: &Own) -> OwnParty<'static> {
        OwnParty::new(self.institution.clone(), own.holder.clone(), own.reference.clone(), own.kind)
    }
}

/// The event by which an appeal against `appeal_ref` is decided.
#[must_use]
pub fn appeal_decided(
    institution: &str,
    party: &Own,
    appeal_ref: &str,
    outcome: AppealOutcome,
    at: TimeMs,
) -> String {
    use crate::codec::event::field::OutcomeName;
    use crate::codec::event::review::AppealDecided;
    let event = Event::AppealDecided(AppealDecided {
        party: OwnParty::new(institution, party.holder.as_str(), party.reference.as_str(), party.kind),
        appeal_ref: appeal_ref.into(),
        outcome: OutcomeName(outcome),
        decider: None,
        reason: None,
        override_days: None,
    });
    to_structured(&format!("AP-{}", appeal_ref.replace('-', "")), "/made-up/review", EventTime(at), &event)
}

/// A customer's number.
fn customer(number: u32) -> String {
    format!("CUST-{number:05}")
}

/// A customer's bank account.
fn account(number: u32) -> Own {
    Own { holder: customer(number), reference: format!("ACC-{number:05}"), kind: PartyKind::Account }
}

/// A time of the day itself.
fn at(hour: i64, minute: i64) -> TimeMs {
    TimeMs(DAY_START.0 + (hour * 60 + minute) * MINUTE_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Size = Size { customers: 400, history_daily: 10, day: 500 };

    #[test]
    fn a_seed_gives_one_day_and_another_seed_another() {
        let steps = day(7, SMALL, "bank");
        assert_eq!(steps, day(7, SMALL, "bank"));
        assert_ne!(steps, day(8, SMALL, "bank"));
        assert!(steps.is_sorted_by_key(|step| step.at));
    }

    #[test]
    fn the_day_has_every_kind_of_step_and_starts_after_a_month() {
        let steps = day(7, SMALL, "bank");
        assert!(steps.first().is_some_and(|step| step.at.0 <= DAY_START.0 - 30 * DAY_MS));
        assert!(steps.iter().any(|step| matches!(step.step, Step::AppealDecided { .. })));
        assert!(steps.iter().any(|step| matches!(step.step, Step::Told(_))));
        let lines = steps.iter().filter(|step| matches!(step.step, Step::Line(_))).count();
        assert!(lines > 400 + 31 * 10 + 500, "{lines}");
    }
}
