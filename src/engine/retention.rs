//! Retention: how long each class of state is kept, and what is forgotten then (ARCHITECTURE S20, DESIGN D17).
//!
//! Whether a thing is forgotten follows from the thing itself and newest time, and once forgotten it stays
//! so: when it leaves memory therefore decides nothing.

use super::base::{SpanMs, TimeMs};
use super::ruleset::RuleSet;
use super::subject::SubjectKind;

/// How long classes of state are kept that neither windows nor deadlines bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Each kind of subject's log reaches as far back as its own signals; else all as far as the longest.
    pub logs_by_kind: bool,
    /// Of a request to open that waits for nothing any more: from its last step on.
    pub openings: SpanMs,
    /// Of an account or card: from its closing on.
    pub holdings: SpanMs,
    /// Of a rule's last firing on a party: from the firing's end on.
    pub firings: SpanMs,
    /// Of an override after an appeal: from the override's end on.
    pub overrides: SpanMs,
    /// Of an authorisation: from when it was over on.
    pub authorisations: SpanMs,
    /// Of what was declared of a card, request or unit that is known no more: from its time on.
    pub declarations: SpanMs,
    /// Of an authority's word: from its end on, or from when it was heard of alone.
    pub orders: SpanMs,
    /// Of what is counted of a rule: from the first activation without it on, and of harm from its interval's end.
    pub counts: SpanMs,
    /// Of the mark that somebody was counted at a destination in a year (S24): from the year's end on.
    pub persons_marked: SpanMs,
    /// Of how many persons were counted at a destination in a year: from the year's end on.
    pub persons_counted: SpanMs,
    /// In this span of newest time all of the state is looked through once for what is forgotten.
    pub sweep: SpanMs,
}

impl Retention {
    /// Of rule sets that declare no terms: as before there were any.
    pub const WITHOUT_END: Retention = Retention {
        logs_by_kind: false,
        openings: SpanMs(i64::MAX),
        holdings: SpanMs(i64::MAX),
        firings: SpanMs(i64::MAX),
        overrides: SpanMs(i64::MAX),
        authorisations: SpanMs(i64::MAX),
        declarations: SpanMs(i64::MAX),
        orders: SpanMs(i64::MAX),
        counts: SpanMs(i64::MAX),
        persons_marked: SpanMs(i64::MAX),
        persons_counted: SpanMs(i64::MAX),
        sweep: SpanMs(i64::MAX),
    };
}

/// Numbers of kinds go from 1 to this.
const KINDS: usize = SubjectKind::ALL.len();

/// The spans of a rule set by which things are forgotten, worked out once.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    logs: [SpanMs; KINDS],
    retention: Retention,
    lateness: SpanMs,
}

impl Terms {
    #[must_use]
    pub fn of(set: &RuleSet) -> Terms {
        Terms {
            logs: SubjectKind::ALL.map(|kind| set.log_retention(kind)),
            retention: set.retention,
            lateness: set.settings.lateness,
        }
    }

    #[must_use]
    pub fn sweep(&self) -> SpanMs {
        self.retention.sweep
    }
}

/// What ended, or happened, at or before these times is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizons {
    /// Entries and meetings, by the number of the log's kind of subject less one.
    pub logs: [TimeMs; KINDS],
    pub openings: TimeMs,
    pub holdings: TimeMs,
    pub firings: TimeMs,
    pub overrides: TimeMs,
    pub authorisations: TimeMs,
    pub declarations: TimeMs,
    pub orders: TimeMs,
    pub persons_marked: TimeMs,
    pub persons_counted: TimeMs,
    /// Standings, and who was told of them: they hold until a time, and no event can come later than late.
    pub telling: TimeMs,
}

impl Default for Horizons {
    fn default() -> Horizons {
        let none = TimeMs::MIN;
        Horizons {
            logs: [none; KINDS],
            openings: none,
            holdings: none,
            firings: none,
            overrides: none,
            authorisations: none,
            declarations: none,
            orders: none,
            persons_marked: none,
            persons_counted: none,
            telling: none,
        }
    }
}

impl Horizons {
    /// Logs alone, all alike.
    #[must_use]
    pub fn of_logs(horizon: TimeMs) -> Horizons {
        Horizons { logs: [horizon; KINDS], ..Horizons::default() }
    }

    /// By a rule set's terms as of a newest time, and never before `floor`.
    #[must_use]
    pub fn of(terms: &Terms, newest: TimeMs, floor: &Horizons) -> Horizons {
        let Terms { logs, retention, lateness } = terms;
        let by_age = |span: SpanMs, floor: TimeMs| newest.minus(span).max(floor);
        let mut horizons = Horizons {
            logs: floor.logs,
            openings: by_age(retention.openings, floor.openings),
            holdings: by_age(retention.holdings, floor.holdings),
            firings: by_age(retention.firings, floor.firings),
            overrides: by_age(retention.overrides, floor.overrides),
            authorisations: by_age(retention.authorisations, floor.authorisations),
            declarations: by_age(retention.declarations, floor.declarations),
            orders: by_age(retention.orders, floor.orders),
            persons_marked: by_age(retention.persons_marked, floor.persons_marked),
            persons_counted: by_age(retention.persons_counted, floor.persons_counted),
            telling: by_age(*lateness, floor.telling),
        };
        for (horizon, span) in horizons.logs.iter_mut().zip(logs) {
            *horizon = by_age(*span, *horizon);
        }
        horizons
    }

    /// Of the log of a kind of subject.
    #[must_use]
    pub fn log(&self, kind: SubjectKind) -> TimeMs {
        self.logs.get(place(kind)).copied().unwrap_or(TimeMs::MIN)
    }
}

/// The place of a kind in what is kept for each.
#[must_use]
pub fn place(kind: SubjectKind) -> usize {
    usize::from(kind as u8) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_place() {
        let places: Vec<usize> = SubjectKind::ALL.into_iter().map(place).collect();
        assert_eq!(places, (0..KINDS).collect::<Vec<_>>());
    }
}
