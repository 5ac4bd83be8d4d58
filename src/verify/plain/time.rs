//! Coverage, time, timers and duplicates (S1 to S4).

use crate::engine::LoadRules;
use crate::engine::base::{Fingerprint, SpanMs, TimeMs, Token};
use crate::engine::cover::{Range, Skip, SourceId};
use crate::engine::disposition::DispositionId;
use crate::engine::fact::FactBody;
use crate::engine::input::{FactsPack, TimeMode};
use crate::engine::life::LeadEvent;
use crate::engine::order::Outcome;

use super::{Occasion, Plain, PlainError};

/// What has been applied of a source, and how far its own time has come.
pub(super) struct Source {
    /// Where its coverage began.
    pub first: i64,
    pub last: i64,
    pub time: TimeMs,
    /// What of it was passed over, each as `(previous, last]`.
    pub skipped: Vec<(i64, i64)>,
}

/// What happens at a time, unless it has become void.
#[derive(Clone, Debug)]
pub(super) enum Timer {
    MeasureExpires(DispositionId),
    MeasureForgotten(DispositionId),
    ReservationLapses {
        holder: Token,
        opening: Token,
    },
    AppealDue {
        measure: DispositionId,
        number: u32,
        worsens: bool,
    },
    /// The deadline of a measure's how-manieth state.
    StateDue {
        measure: DispositionId,
        stay: usize,
        worsens: bool,
    },
    /// Of orders, by their places.
    OrderStarts(usize),
    OrderEnds(usize),
    NoticeDue(usize),
    /// Of list entries.
    EntryStarts(usize),
    EntryEnds(usize),
    /// Of leads.
    LeadAnswerDue(usize),
    LeadGivenUp(usize),
    LeadForgotten(usize),
    /// Of special measures.
    SpecialStarts(usize),
    SpecialEnds(usize),
}

impl Timer {
    /// Timers that ease somebody's position fire on the newest time, the others on partition time.
    fn eases(&self) -> bool {
        match self {
            Timer::MeasureExpires(_) | Timer::MeasureForgotten(_) => true,
            Timer::ReservationLapses { .. } | Timer::OrderStarts(_) | Timer::EntryStarts(_) => false,
            Timer::OrderEnds(_) | Timer::NoticeDue(_) => true,
            Timer::EntryEnds(_) => true,
            Timer::LeadAnswerDue(_) | Timer::LeadGivenUp(_) => false,
            Timer::LeadForgotten(_) => true,
            Timer::SpecialStarts(_) | Timer::SpecialEnds(_) => true,
            Timer::AppealDue { worsens, .. } | Timer::StateDue { worsens, .. } => !worsens,
        }
    }
}

impl Plain {
    pub(super) fn apply_pack(&mut self, pack: &FactsPack, loader: &dyn LoadRules) -> Result<(), PlainError> {
        let admitted: Vec<Option<i64>> =
            pack.ranges.iter().map(|range| self.applies_after(pack.version, range)).collect();
        for (range, after) in pack.ranges.iter().zip(&admitted) {
            if after.is_some() {
                let joining = Source {
                    first: range.previous,
                    last: range.previous,
                    time: range.timestamps.0,
                    skipped: Vec::new(),
                };
                self.sources.entry(range.source.clone()).or_insert(joining);
            }
        }

        // The source record of the fact before, and whether its event is a duplicate.
        let mut record: Option<(&SourceId, i64)> = None;
        let mut is_duplicate = false;
        for (number, packed) in pack.facts.iter().enumerate() {
            let place = usize::from(packed.range);
            let (Some(range), Some(Some(after))) = (pack.ranges.get(place), admitted.get(place)) else {
                continue;
            };
            if packed.offset <= *after {
                continue;
            }
            self.admitted.push(number);
            let fact = &packed.fact;
            let is_first = record != Some((&range.source, packed.offset));
            record = Some((&range.source, packed.offset));

            if self.identity.time == TimeMode::Broker {
                self.move_source(&range.source, packed.time);
                self.fire_timers()?;
            }
            if is_first {
                is_duplicate = self.was_seen(fact.event);
            }
            if is_duplicate {
                continue;
            }
            if self.identity.time == TimeMode::Event {
                self.newest_time = self.newest_time.max(fact.at);
                self.partition_time = self.newest_time;
                self.fire_timers()?;
            }
            self.seen.insert(fact.event, self.newest_time);
            if let FactBody::Corrected { original, .. } = &fact.body {
                self.seen.insert(*original, self.newest_time);
            }
            let occasion = Occasion { event: fact.event, source: fact.event, at: fact.at, route: fact.route };
            self.apply_fact(occasion, &fact.body, loader)?;
            self.look_at_anomalies();
        }

        for (range, after) in pack.ranges.iter().zip(&admitted) {
            if after.is_none() {
                continue;
            }
            if let Some(source) = self.sources.get_mut(&range.source) {
                source.last = source.last.max(range.last);
            }
            if self.identity.time == TimeMode::Broker {
                self.move_source(&range.source, range.through);
                self.fire_timers()?;
            }
        }
        Ok(())
    }

    /// A range of a source that is lost: what this partition has not covered of it never comes (S1).
    pub(super) fn skip(&mut self, skip: &Skip) {
        if let Some(source) = self.sources.get_mut(&skip.source)
            && source.last + 1 < skip.to
        {
            source.skipped.push((source.last, skip.to - 1));
            source.last = skip.to - 1;
            self.blind_until = self.blind_until.max(skip.blind_until);
        }
    }

    /// Whether a range applies, and beyond which offset (S1, C1 to C3).
    fn applies_after(&self, version: u32, range: &Range) -> Option<i64> {
        let (first, last) = range.timestamps;
        if self.version_at(first) != Some(version) || self.version_at(last) != Some(version) {
            return None;
        }
        match self.sources.get(&range.source) {
            None => range.baseline.then_some(range.previous),
            Some(source) => {
                let is_stale = range.last < source.last;
                let is_gap = range.previous > source.last;
                (!is_stale && !is_gap).then_some(source.last)
            }
        }
    }

    /// The configuration version in force at a record timestamp: the one that began last.
    fn version_at(&self, at: TimeMs) -> Option<u32> {
        self.versions.iter().filter(|version| version.from <= at).max().map(|version| version.number)
    }

    /// Broker mode: a source's own time moves, and with it the least and the greatest of all.
    fn move_source(&mut self, source: &SourceId, time: TimeMs) {
        if let Some(source) = self.sources.get_mut(source) {
            source.time = source.time.max(time);
        }
        let newest = |of: &SourceId| {
            let alike = self.sources.keys().filter(|id| id.name == of.name && id.partition == of.partition);
            alike.map(|id| id.generation).max()
        };
        let counting = || self.sources.iter().filter(|(id, _)| newest(id) == Some(id.generation));
        let times = || counting().map(|(_, source)| source.time);
        let least = times().min().unwrap_or(TimeMs::MIN);
        let greatest = times().max().unwrap_or(TimeMs::MIN);
        self.partition_time = self.partition_time.max(least);
        self.newest_time = self.newest_time.max(greatest);
    }

    pub(super) fn set_timer(&mut self, due: TimeMs, timer: Timer) {
        let order = self.next_order();
        self.timers.insert((due, order), timer);
    }

    /// Fires all timers that are due, by (due, order of setting); firing may set new ones.
    fn fire_timers(&mut self) -> Result<(), PlainError> {
        loop {
            let next = self
                .timers
                .iter()
                .take_while(|((due, _), _)| *due <= self.newest_time)
                .find(|((due, _), timer)| timer.eases() || *due <= self.partition_time);
            let Some((key, timer)) = next.map(|(key, timer)| (*key, timer.clone())) else {
                return Ok(());
            };
            self.timers.remove(&key);
            match timer {
                Timer::MeasureExpires(id) => self.expire(id, key.0)?,
                Timer::MeasureForgotten(id) => self.forget(id),
                Timer::ReservationLapses { holder, opening } => self.lapse(holder, opening, key.0),
                Timer::AppealDue { measure, number, .. } => self.proceeding_due(measure, number, key.0),
                Timer::StateDue { measure, stay, .. } => self.state_is_due(measure, stay, key.0)?,
                Timer::OrderStarts(place) => self.order_starts(place, key.0)?,
                Timer::OrderEnds(place) => self.order_ends(place, key.0)?,
                Timer::NoticeDue(place) => self.let_notice_go(place),
                Timer::EntryStarts(place) => self.entry_starts(place, key.0)?,
                Timer::EntryEnds(place) => self.entry_ends(place, key.0)?,
                Timer::LeadAnswerDue(place) => {
                    self.lead_waits_too_long(place, LeadEvent::Due, key.0)?;
                }
                Timer::LeadGivenUp(place) => {
                    self.lead_waits_too_long(place, LeadEvent::GivenUp, key.0)?;
                }
                Timer::LeadForgotten(place) => self.forget_lead(place),
                Timer::SpecialStarts(place) => self.tell_of_special(place, Outcome::Set, key.0),
                Timer::SpecialEnds(place) => self.tell_of_special(place, Outcome::Expired, key.0),
            }
            self.look_at_anomalies();
        }
    }

    fn was_seen(&self, event: Fingerprint) -> bool {
        self.seen.get(&event).is_some_and(|seen_at| self.is_recent(*seen_at))
    }

    /// What is beyond the horizon of the old rule set stays forgotten under the new one.
    pub(super) fn forget_seen(&mut self) {
        let mut seen = std::mem::take(&mut self.seen);
        seen.retain(|_, seen_at| self.is_recent(*seen_at));
        self.seen = seen;
    }

    fn is_recent(&self, seen_at: TimeMs) -> bool {
        let horizon = self.rules.as_ref().map_or(SpanMs(i64::MAX), |rules| rules.settings.duplicate_horizon);
        self.newest_time.0.saturating_sub(seen_at.0) < horizon.0
    }
}
