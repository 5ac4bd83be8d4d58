//! Forgetting: what is kept of anybody ends, unless an order holds it (S20, DESIGN D17, PIPL 19, 47).
//!
//! A holder is rid of what is forgotten before anything is applied to them; what is forgotten in rows that
//! nothing touches is looked for bit by bit, as newest time goes on. So the state, and with it every whole
//! snapshot, is free of it a declared span after its term, and when it goes decides nothing.

use super::{Out, Partition};
use crate::engine::base::{TimeMs, Token};
use crate::engine::calendar::Calendar;
use crate::engine::disposition::DispositionId;
use crate::engine::fact::Fact;
use crate::engine::input::{Effect, UnmatchedReason};
use crate::engine::kept::{Hold, HoldClass, Records};
use crate::engine::order::OrderName;
use crate::engine::retention::Horizons;
use crate::engine::state::MeasureState;
use crate::engine::subject::{Subject, SubjectKind};
use crate::engine::table::SHARDS;
use crate::engine::timer::Timer;

impl Partition {
    /// After newest time or the rule set changed: what is forgotten now.
    pub(super) fn move_horizons(&mut self) {
        self.horizons = match &self.rules {
            Some(active) => Horizons::of(&active.terms, self.newest_time, &self.floor),
            None => self.floor,
        };
        self.horizons_of = self.newest_time;
    }

    /// Before a fact or report is applied: rids its holder of what is forgotten.
    pub(super) fn forget_of(&mut self, route: Subject) {
        if route.kind == SubjectKind::Holder {
            self.forget_of_holder(route.token);
        }
    }

    fn forget_of_holder(&mut self, holder: Token) {
        let horizons = self.horizons;
        if !self.holders.get(&holder).is_some_and(|state| state.has_forgotten(&horizons)) {
            return;
        }
        let Some(state) = self.holders.get_mut(&holder) else { return };
        let records = state.forget(&horizons);
        if state.is_empty() {
            self.holders.remove(&holder);
        }
        self.keep(holder, records);
    }

    fn keep(&mut self, holder: Token, records: Records) {
        if let Some(kept) = self.kept.get_mut(&holder) {
            kept.keep(records);
        }
    }

    /// The time to appeal against an ended measure is over, and nothing is still to be decided about it.
    pub(super) fn keep_measure(&mut self, id: DispositionId, measure: MeasureState) {
        let holder = measure.holder;
        self.keep(holder, Records { measures: vec![(id, measure)], ..Records::default() });
    }

    /// An order to hold what is kept of a holder, or its extension.
    pub(super) fn order_hold(
        &mut self,
        fact: &Fact,
        name: &OrderName,
        class: HoldClass,
        until: TimeMs,
        out: Out<'_>,
    ) {
        if until <= self.newest_time {
            out.push(Effect::Unmatched { event: fact.event, reason: UnmatchedReason::HoldOver });
            return;
        }
        let holder = fact.route.token;
        let hold = Hold { name: name.clone(), class, until };
        let replaced = self.kept.get_or_default(holder).order(hold);
        if let Some(replaced) = replaced {
            self.timers.cancel(replaced.until, Timer::HoldsEnd(holder));
        }
        self.timers.set(until, Timer::HoldsEnd(holder));
    }

    pub(super) fn release_hold(&mut self, fact: &Fact, name: &OrderName, out: Out<'_>) {
        let holder = fact.route.token;
        match self.kept.get_mut(&holder).and_then(|kept| kept.release(name)) {
            // Its timer would name the holder until the time it was set for.
            Some(released) => self.timers.cancel(released.until, Timer::HoldsEnd(holder)),
            None => out.push(Effect::Unmatched { event: fact.event, reason: UnmatchedReason::HoldUnknown }),
        }
        self.drop_if_over(holder);
    }

    pub(super) fn end_holds(&mut self, holder: Token, due: TimeMs) {
        if let Some(kept) = self.kept.get_mut(&holder) {
            kept.end(due);
        }
        self.drop_if_over(holder);
    }

    fn drop_if_over(&mut self, holder: Token) {
        if self.kept.get(&holder).is_some_and(|kept| kept.is_over()) {
            self.kept.remove(&holder);
        }
    }

    /// Looks through the share of the state whose turn has come since the last time.
    pub(super) fn sweep(&mut self) {
        let Some(active) = self.rules.clone() else { return };
        let span = i128::from(active.terms.sweep().0.max(1));
        let turns = i128::from(self.newest_time.0) * SHARDS as i128 / span;
        let turn = i64::try_from(turns).unwrap_or(i64::MAX);
        // The next turn begins where newest time times SHARDS reaches it.
        let due = (turns + 1).saturating_mul(span).div_euclid(SHARDS as i128);
        self.sweep_due = if turns < 0 { TimeMs::MIN } else { TimeMs(i64::try_from(due).unwrap_or(i64::MAX)) };
        if self.swept == turn {
            return;
        }
        let before = std::mem::replace(&mut self.swept, turn);
        // The first turn of all has nothing behind it; after a long time each shard comes once.
        let count = if before == i64::MIN { 0 } else { turn.saturating_sub(before).min(SHARDS as i64) };
        for turn in (0..count).map(|back| turn - back) {
            let shard = usize::try_from(turn.rem_euclid(SHARDS as i64)).unwrap_or(0);
            self.sweep_shard(shard, &active.set.calendar);
        }
        if count > 0 {
            self.seen.forget(self.newest_time, self.duplicate_horizon());
            self.forget_specials();
        }
    }

    fn sweep_shard(&mut self, shard: usize, calendar: &Calendar) {
        let horizons = self.horizons;
        for holder in
            self.holders.keys_in(shard, |_, state| state.is_empty() || state.has_forgotten(&horizons))
        {
            self.forget_of_holder(holder);
            if self.holders.get(&holder).is_some_and(|state| state.is_empty()) {
                self.holders.remove(&holder);
            }
        }
        self.sweep_logs(shard, &horizons);
        self.reached.sweep(shard, calendar, &horizons);
        self.meetings.sweep(
            shard,
            |of, meetings| meetings.front().is_none_or(|oldest| oldest.at <= horizons.log(of.kind)),
            |of, meetings| {
                meetings.retain(|meeting| meeting.at > horizons.log(of.kind));
                !meetings.is_empty()
            },
        );
        self.told.sweep(
            shard,
            |_, told| !told.is_later_than(horizons.telling),
            |_, told| {
                told.forget(horizons.telling);
                !told.is_empty()
            },
        );
        self.firings.sweep(
            shard,
            |_, firings| firings.iter().any(|(_, firing)| firing.until <= horizons.firings),
            |_, firings| {
                firings.retain(|(_, firing)| firing.until > horizons.firings);
                !firings.is_empty()
            },
        );
        self.overrides.sweep(
            shard,
            |_, overrides| overrides.iter().any(|(_, known)| known.until <= horizons.overrides),
            |_, overrides| {
                overrides.retain(|(_, known)| known.until > horizons.overrides);
                !overrides.is_empty()
            },
        );
    }

    /// Snapshots leave out forgotten entries already: only a log that is gone is a change.
    fn sweep_logs(&mut self, shard: usize, horizons: &Horizons) {
        let store = &self.store;
        let old = self.logs.keys_in(shard, |subject, log| {
            let oldest = log.entries(store).next();
            oldest.is_none_or(|oldest| oldest.at <= horizons.log(subject.kind))
        });
        for subject in old {
            let Some(log) = self.logs.get_derived_mut(&subject) else { continue };
            log.forget(&mut self.store, horizons.log(subject.kind));
            if log.is_empty() {
                self.logs.remove(&subject);
            }
        }
    }
}
