//! List entries: what a listed person holds and asks for, within the entry's term (S16).
//!
//! The table says what follows; that everything ends with the entry, and with its revocation, does not
//! depend on a table.

use std::sync::Arc;

use super::authority::Answer;
use super::happens::order_evidence;
use super::publish::{Draft, Of};
use super::{Active, EngineError, Out, Partition};
use crate::engine::base::{Fingerprint, SpanMs, TimeMs, Token};
use crate::engine::disposition::{Disposition, DispositionId, EndCause};
use crate::engine::entry::{
    Category, EntryFact, EntryMoment, EntrySays, EntryState, EntryTerms, ListedEntry, Reach, Regime, capped,
};
use crate::engine::fact::{Fact, Product};
use crate::engine::holder::Holding;
use crate::engine::input::{Effect, UnmatchedReason};
use crate::engine::life::{EntryAct, EntryEvent, EntryGuard, Life, OfEntry};
use crate::engine::measure::Lane;
use crate::engine::notice::RuleName;
use crate::engine::order::Outcome;
use crate::engine::purpose::Purpose;
use crate::engine::subject::{Party, Subject, SubjectKind};
use crate::engine::timer::Timer;
use crate::engine::verifying::Risk;

/// The rule name of what is answered while no table is in force.
const ENTRY: &str = "entry";

/// Which entry of which holder.
#[derive(Clone, Copy)]
pub(super) struct Which {
    pub holder: Token,
    pub heard: Fingerprint,
}

/// An event and its time, or what was due and when.
type Cause = (Fingerprint, TimeMs);

impl Active {
    fn entry_life(&self) -> Option<&Life<OfEntry>> {
        self.set.lives.entry.as_ref()
    }
}

/// The order in which an entry reaches what a person holds: by its first step, then by subject.
fn held_first(holding: &Holding) -> (Option<TimeMs>, Subject) {
    (holding.steps.iter().map(|step| step.at).min(), holding.subject)
}

/// The longest term of a category, and of all entries of a person without a break.
fn longest(life: &Life<OfEntry>, category: Category) -> Option<(SpanMs, SpanMs)> {
    let [a, b, continuous] = life.figures.as_slice() else { return None };
    Some((if category == Category::A { *a } else { *b }, *continuous))
}

impl Partition {
    pub(super) fn apply_entry(
        &mut self,
        fact: &Fact,
        said: &EntryFact,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let holder = fact.route.token;
        let authority = self.holders.get(&holder).and_then(|state| state.authority.as_ref());
        let mut entries = authority.iter().flat_map(|authority| &authority.entries);
        let known = entries.find(|entry| entry.name == said.name).map(|entry| entry.heard);
        let has_table = self.rules.as_ref().is_some_and(|active| active.entry_life().is_some());
        if !has_table && (known.is_none() || said.says != EntrySays::Revoked) {
            let reason = UnmatchedReason::OrdersNotConfigured;
            out.push(Effect::Unmatched { event: fact.event, reason });
            return Ok(());
        }
        let heard = known.unwrap_or_else(|| {
            let (heard, name, last_heard) = (fact.event, said.name.clone(), fact.at);
            let entry = EntryState { heard, name, listed: None, revoked: false, last_heard };
            let state = self.holders.get_or_default(holder);
            state.authority.get_or_insert_default().entries.push(entry);
            fact.event
        });
        let (which, cause) = (Which { holder, heard }, (fact.event, fact.at));
        let Some(entry) = self.entry_mut(which) else { return Ok(()) };
        entry.last_heard = entry.last_heard.max(fact.at);
        match (&said.says, &entry.listed) {
            (EntrySays::Listed(_), Some(_)) => self.answer_entry(which, Outcome::Known, cause, out),
            (EntrySays::Listed(terms), None) => return self.list(which, terms, cause, out),
            (EntrySays::Revoked, None) => {
                entry.revoked = true;
                self.answer_entry(which, Outcome::Remembered, cause, out);
            }
            (EntrySays::Revoked, Some(_)) => {
                return self.live_entry(which, EntryEvent::Revoked, Outcome::Released, cause, out);
            }
        }
        Ok(())
    }

    fn entry_mut(&mut self, which: Which) -> Option<&mut EntryState> {
        self.holders.get_mut(&which.holder)?.entry_mut(which.heard)
    }

    pub(super) fn listed(&self, which: Which) -> Option<&ListedEntry> {
        self.holders.get(&which.holder)?.entry(which.heard)?.listed.as_ref()
    }

    fn listed_mut(&mut self, which: Which) -> Option<&mut ListedEntry> {
        self.entry_mut(which)?.listed.as_mut()
    }

    /// The text of an entry is known now: it acts, waits, or never acts.
    fn list(
        &mut self,
        which: Which,
        terms: &EntryTerms,
        cause: Cause,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let (event, at) = cause;
        let (newest, read) = (self.newest_time, self.partition_time);
        let Some(active) = self.rules.clone() else { return Ok(()) };
        let Some(life) = active.entry_life() else { return Ok(()) };
        let (Some(first), Some((longest, continuous))) =
            (life.beginning(), longest(life, terms.test.category()))
        else {
            return Ok(());
        };
        let state = Arc::clone(&first.name);
        let until = terms.end.min(terms.start.plus(longest));
        let Some(entry) = self.entry_mut(which) else { return Ok(()) };
        let revoked = entry.revoked;
        let (terms, measures) = (terms.clone(), Vec::new());
        let (start, regime) = (terms.start, terms.regime);
        let is_over = false;
        entry.listed = Some(ListedEntry { terms, event, at, until, state, since: None, is_over, measures });
        if regime == Regime::Legacy {
            return self.live_entry(which, EntryEvent::Listed, Outcome::HistoryOnly, cause, out);
        }
        if revoked {
            return self.live_entry(which, EntryEvent::Revoked, Outcome::Released, cause, out);
        }
        self.cap_entries(which.holder, continuous);
        let until = self.listed(which).map_or(until, |listed| listed.until);
        if until <= start || until <= at || until <= newest {
            return self.live_entry(which, EntryEvent::Due, Outcome::Over, cause, out);
        }
        self.set_entry_timer(until, which, EntryMoment::Ends);
        if at < start && read < start {
            self.set_entry_timer(start, which, EntryMoment::Starts);
            return self.live_entry(which, EntryEvent::Listed, Outcome::Waits, cause, out);
        }
        self.live_entry(which, EntryEvent::Started, Outcome::Set, (event, at.max(start)), out)
    }

    /// Cuts the ends of a person's entries so that together they last no longer without a break (J3).
    fn cap_entries(&mut self, holder: Token, continuous: SpanMs) {
        let Some(authority) = self.holders.get_mut(&holder).and_then(|state| state.authority.as_mut()) else {
            return;
        };
        let mut counted: Vec<&mut EntryState> = authority
            .entries
            .iter_mut()
            .filter(|entry| entry.listed.as_ref().is_some_and(|one| one.terms.regime == Regime::Current))
            .collect();
        let intervals: Vec<(TimeMs, TimeMs)> = counted
            .iter()
            .filter_map(|entry| entry.listed.as_ref())
            .map(|listed| (listed.terms.start, listed.until))
            .collect();
        let ends = capped(&intervals, continuous);
        let mut moved = Vec::new();
        for (entry, end) in counted.iter_mut().zip(ends) {
            let heard = entry.heard;
            if let Some(listed) = entry.listed.as_mut().filter(|one| !one.is_over && end < one.until) {
                listed.until = end;
                moved.push((end, Which { holder, heard }));
            }
        }
        for (end, which) in moved {
            self.set_entry_timer(end, which, EntryMoment::Ends);
        }
    }

    fn set_entry_timer(&mut self, due: TimeMs, which: Which, moment: EntryMoment) {
        self.timers.set(due, Timer::Entry { holder: which.holder, entry: which.heard, moment });
    }

    /// Something is due in the life of an entry.
    pub(super) fn entry_due(
        &mut self,
        (holder, entry, moment): (Token, Fingerprint, EntryMoment),
        due: TimeMs,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let which = Which { holder, heard: entry };
        let Some(listed) = self.listed(which) else { return Ok(()) };
        let cause = (listed.event, due);
        let begun = listed.since.is_some();
        match moment {
            EntryMoment::Starts => self.live_entry(which, EntryEvent::Started, Outcome::Set, cause, out),
            EntryMoment::Ends if listed.until == due => {
                let outcome = if begun { Outcome::Expired } else { Outcome::Over };
                self.live_entry(which, EntryEvent::Due, outcome, cause, out)
            }
            EntryMoment::Ends => Ok(()),
        }
    }

    /// Takes the step of the table, if there is one, and does what it says.
    fn live_entry(
        &mut self,
        which: Which,
        on: EntryEvent,
        outcome: Outcome,
        cause: Cause,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let active = self.rules.clone();
        let Some(listed) = self.listed(which) else { return Ok(()) };
        let is_legacy = listed.terms.regime == Regime::Legacy;
        let life = active.as_ref().and_then(|active| active.entry_life());
        let step = life.and_then(|life| {
            life.next(&listed.state, on, |guard| match guard {
                EntryGuard::Legacy => is_legacy,
            })
        });
        let entered = life.zip(step).and_then(|(life, step)| life.state(step.to));
        if let (Some(state), Some(listed)) = (entered, self.listed_mut(which)) {
            listed.state = Arc::clone(&state.name);
        }
        let ends = matches!(on, EntryEvent::Revoked | EntryEvent::Due);
        for act in step.iter().flat_map(|step| &step.acts) {
            match (act, &active) {
                // The older regime never acts, whatever a table says.
                (EntryAct::Set, Some(active)) if !is_legacy => self.begin_entry(which, cause, active, out)?,
                (EntryAct::Set, _) => {}
                (EntryAct::End, _) => self.end_entry(which, on, cause, out),
                (EntryAct::Answer, _) => self.answer_entry(which, outcome, cause, out),
            }
        }
        if step.is_none() {
            let acted = self.listed(which).is_some_and(|listed| !listed.is_over && listed.since.is_some());
            if ends && acted {
                self.end_entry(which, on, cause, out);
                self.answer_entry(which, outcome, cause, out);
            } else if on == EntryEvent::Revoked {
                self.answer_entry(which, Outcome::Over, cause, out);
            }
        }
        if let Some(listed) = self.listed_mut(which).filter(|_| ends) {
            listed.is_over = true;
            listed.until = listed.until.min(cause.1.max(listed.terms.start));
        }
        Ok(())
    }

    /// The entry acts from now on: on everything that the person holds now.
    fn begin_entry(
        &mut self,
        which: Which,
        cause: Cause,
        active: &Active,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        if let Some(listed) = self.listed_mut(which) {
            listed.since = Some(cause.1);
        }
        let holdings = self.holders.get(&which.holder).map(|state| state.holdings.clone());
        let mut holdings: Vec<Holding> = holdings.into_iter().flatten().collect();
        holdings.sort_by_key(held_first);
        let mut open: Vec<(Party, Product)> = Vec::new();
        // Without its reference nobody could be told of what it is; `unreferenced` says where that is so.
        let is_reached = |holding: &&Holding| holding.is_open_at(cause.1) && holding.sealed.is_known();
        for holding in holdings.iter().filter(is_reached) {
            let party = Party { subject: holding.subject, sealed: holding.sealed.clone() };
            open.extend(holding.product_at(cause.1).map(|product| (party, product)));
        }
        self.keep_a_line(which.holder, cause.1);
        for (party, product) in open {
            self.restrict(which, (&party, product), cause.1, active, out)?;
        }
        Ok(())
    }

    /// One phone line of a listed person is kept (J6): the one held longest; as long as it is held.
    pub(super) fn keep_a_line(&mut self, holder: Token, at: TimeMs) {
        let Some(state) = self.holders.get(&holder) else { return };
        let is_line =
            |holding: &&Holding| holding.subject.kind == SubjectKind::PhoneCard && holding.is_open_at(at);
        let lines = || state.holdings.iter().filter(is_line);
        let kept = state.authority.as_ref().and_then(|authority| authority.kept_line);
        let still = kept.filter(|kept| lines().any(|line| line.subject == *kept));
        let eldest = lines().min_by_key(|line| held_first(line)).map(|line| line.subject);
        if let Some(authority) = self.holders.get_mut(&holder).and_then(|state| state.authority.as_mut()) {
            authority.kept_line = still.or(eldest);
        }
    }

    /// Sets the measure of an entry on one thing that the person holds, unless it has one of this entry.
    pub(super) fn restrict(
        &mut self,
        which: Which,
        (party, product): (&Party, Product),
        at: TimeMs,
        active: &Active,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let Some(state) = self.holders.get(&which.holder) else { return Ok(()) };
        let kept = state.authority.as_ref().and_then(|authority| authority.kept_line);
        let Some(listed) = self.listed(which) else { return Ok(()) };
        let is_measured = listed.measures.iter().any(|(_, subject)| *subject == party.subject);
        if kept == Some(party.subject) || is_measured {
            return Ok(());
        }
        let until = listed.until;
        let set = self.make_entry_measure(which, Reach::of_holding(product), party, (at, until), active)?;
        out.extend(set.map(|(_, set)| Effect::Disposed(Box::new(set))));
        Ok(())
    }

    pub(super) fn make_entry_measure(
        &mut self,
        which: Which,
        reach: Reach,
        party: &Party,
        (at, end): (TimeMs, TimeMs),
        active: &Active,
    ) -> Result<Option<(DispositionId, Disposition)>, EngineError> {
        let entry = self.holders.get(&which.holder).and_then(|state| state.entry(which.heard)).cloned();
        let (Some(entry), Some(life)) = (entry, active.entry_life()) else { return Ok(None) };
        let Some(listed) = &entry.listed else { return Ok(None) };
        let Some(measure) = listed.terms.measure(&entry.name, reach).filter(|_| at < end) else {
            return Ok(None);
        };
        let draft = Draft {
            rule: RuleName { id: life.id.clone(), version: life.version },
            lane: Lane::Authority,
            measure,
            reason: reach.reason(),
            basis: &life.basis,
            party,
            holder: which.holder,
            event: listed.event,
            at,
            end,
            purpose: Purpose::AUTHORITY,
            evidence: order_evidence(),
            ground: None,
            of: Of::First(Risk::default()),
        };
        let set = self.make_measure(draft, reach == Reach::Opening, active)?;
        let id = set.head().id;
        if let Some(listed) = self.listed_mut(which) {
            listed.measures.push((id, party.subject));
        }
        Ok(Some((id, Disposition::MeasureSet(set))))
    }

    /// Ends everything that the entry set and that still stands.
    fn end_entry(&mut self, which: Which, on: EntryEvent, (event, at): Cause, out: Out<'_>) {
        let measures = self.listed(which).map_or_else(Vec::new, |listed| listed.measures.clone());
        let how = if on == EntryEvent::Revoked { EndCause::Released } else { EndCause::Expired };
        let window = self.rules.as_ref().map(|active| active.set.settings.appeal_window);
        for (id, subject) in measures {
            if self.measures.get(&id).is_none_or(|measure| measure.ended) {
                continue;
            }
            self.end_measure(id, how, event, at, None, out);
            if subject.kind == SubjectKind::Opening {
                // The person asks anew.
                self.change_request(which.holder, subject.token, |request| {
                    request.lapsed |= request.answer.disposition() == Some(id);
                });
            } else if let Some(window) = window {
                self.timers.set(at.plus(window), Timer::MeasureForgotten(id));
            }
        }
    }

    /// Tells the authority what became of its entry.
    fn answer_entry(&self, which: Which, outcome: Outcome, cause: Cause, out: Out<'_>) {
        let Some(entry) = self.holders.get(&which.holder).and_then(|state| state.entry(which.heard)) else {
            return;
        };
        let life = self.rules.as_ref().and_then(|active| active.entry_life());
        let rule = match life {
            Some(life) => RuleName { id: life.id.clone(), version: life.version },
            None => RuleName { id: ENTRY.to_owned(), version: 0 },
        };
        let holder = which.holder;
        // An entry is about the person and about nothing that has a reference of its own.
        let party = Party { subject: Subject::new(SubjectKind::Holder, holder), sealed: Default::default() };
        let (name, kind, measure) = (entry.name.clone(), None, None);
        self.answer_authority(
            Answer { rule, party, holder, name, outcome, kind, case: None, measure },
            cause,
            out,
        );
    }
}
