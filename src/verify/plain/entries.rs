//! List entries, from what was said of each (S16).

use sha2::{Digest, Sha256};

use crate::engine::base::{Fingerprint, TimeMs, Token};
use crate::engine::disposition::{Disposition, DispositionId, EndCause, Head, MeasureSet};
use crate::engine::entry::{Category, EntryFact, EntrySays, EntryTerms, Regime};
use crate::engine::evidence::Evidence;
use crate::engine::fact::Product;
use crate::engine::ident::IdKind;
use crate::engine::input::{Effect, UnmatchedReason};
use crate::engine::life::{EntryAct, EntryEvent, Life, OfEntry};
use crate::engine::measure::{Lane, Listing, Measure};
use crate::engine::notice::{NoticeOf, RuleName};
use crate::engine::order::{OrderName, Outcome};
use crate::engine::purpose::Purpose;
use crate::engine::subject::{Party, SealedRef, Subject, SubjectKind};
use crate::engine::verifying::HowToVerify;

use super::authority::Heard;
use super::openings::Answer;
use super::proceedings::expected;
use super::retention::Class;
use super::time::Timer;
use super::{Cause, Occasion, Plain, PlainError};

/// Everything that was heard of one entry.
pub(super) struct Entry {
    holder: Token,
    name: OrderName,
    listed: Option<(Fingerprint, EntryTerms)>,
    early_revocation: bool,
    /// The times of all that was heard of it before its text.
    heard: Vec<TimeMs>,
    state: String,
    /// Where it stops, by its own end, the longest terms and its revocation.
    until: TimeMs,
    since: Option<TimeMs>,
    is_over: bool,
    measures: Vec<(DispositionId, Subject)>,
    is_forgotten: bool,
}

/// The parts of a measure that differ by what an entry reaches.
struct Reached {
    reason: &'static str,
    make: fn(Listing) -> Measure,
}

const OUTFLOW: Reached = Reached { reason: "listed_outflow", make: Measure::ListedLimitOutflow };
const PAYMENT: Reached =
    Reached { reason: "listed_payment_account", make: Measure::ListedStopPaymentAccount };
const CARD: Reached = Reached { reason: "listed_card", make: Measure::ListedLimitCard };
const OPENING: Reached = Reached { reason: "listed_opening", make: Measure::ListedRefuseOpening };

fn reached(product: Product) -> Reached {
    match product {
        Product::PhoneCard | Product::IotCard => CARD,
        Product::PaymentAccountI | Product::PaymentAccountII | Product::PaymentAccountIII => PAYMENT,
        Product::BankAccountI | Product::BankAccountII | Product::BankAccountIII | Product::DebitCard => {
            OUTFLOW
        }
    }
}

impl Plain {
    fn entry_table(&self) -> Option<Life<OfEntry>> {
        self.rules.as_ref()?.lives.entry.clone()
    }

    pub(super) fn hear_entry(&mut self, occasion: Occasion, said: &EntryFact) -> Result<(), PlainError> {
        let holder = occasion.route.token;
        let cause = Cause { event: occasion.event, at: occasion.at };
        let known = self
            .entries
            .iter()
            .position(|entry| entry.holder == holder && entry.name == said.name && !entry.is_forgotten);
        if self.entry_table().is_none() && !(known.is_some() && said.says == EntrySays::Revoked) {
            let reason = UnmatchedReason::OrdersNotConfigured;
            self.effects.push(Effect::Unmatched { event: occasion.event, reason });
            return Ok(());
        }
        let place = known.unwrap_or_else(|| {
            self.entries.push(Entry {
                holder,
                name: said.name.clone(),
                listed: None,
                early_revocation: false,
                heard: Vec::new(),
                state: String::new(),
                until: TimeMs::MIN,
                since: None,
                is_over: false,
                measures: Vec::new(),
                is_forgotten: false,
            });
            self.entries.len() - 1
        });
        let Some(entry) = self.entries.get_mut(place) else { return Ok(()) };
        entry.heard.push(cause.at);
        match (&said.says, entry.listed.is_some()) {
            (EntrySays::Listed(_), true) => self.tell_lister(place, Outcome::Known, cause),
            (EntrySays::Listed(terms), false) => return self.take_up_entry(place, terms, cause),
            (EntrySays::Revoked, false) => {
                entry.early_revocation = true;
                self.tell_lister(place, Outcome::Remembered, cause);
            }
            (EntrySays::Revoked, true) => {
                return self.entry_step(place, EntryEvent::Revoked, Outcome::Released, cause);
            }
        }
        Ok(())
    }

    fn take_up_entry(&mut self, place: usize, terms: &EntryTerms, cause: Cause) -> Result<(), PlainError> {
        let Some(table) = self.entry_table() else { return Ok(()) };
        let [of_a, of_b, continuous] = table.figures[..] else { return Ok(()) };
        let longest = if terms.test.category() == Category::A { of_a } else { of_b };
        let (newest, read) = (self.newest_time, self.partition_time);
        let Some(entry) = self.entries.get_mut(place) else { return Ok(()) };
        entry.state = table.beginning().map(|state| state.name.to_string()).unwrap_or_default();
        entry.until = terms.end.min(terms.start.plus(longest));
        entry.listed = Some((cause.event, terms.clone()));
        let (holder, is_revoked) = (entry.holder, entry.early_revocation);
        if terms.regime == Regime::Legacy {
            return self.entry_step(place, EntryEvent::Listed, Outcome::HistoryOnly, cause);
        }
        if is_revoked {
            return self.entry_step(place, EntryEvent::Revoked, Outcome::Released, cause);
        }
        self.cut_ends(holder, continuous.0);
        let until = self.entries.get(place).map_or(TimeMs::MIN, |entry| entry.until);
        if until <= terms.start.max(cause.at).max(newest)
            && (until <= terms.start || until <= cause.at.max(newest))
        {
            return self.entry_step(place, EntryEvent::Due, Outcome::Over, cause);
        }
        self.set_timer(until, Timer::EntryEnds(place));
        if terms.start > cause.at.max(read) {
            self.set_timer(terms.start, Timer::EntryStarts(place));
            return self.entry_step(place, EntryEvent::Listed, Outcome::Waits, cause);
        }
        let begins = Cause { at: cause.at.max(terms.start), ..cause };
        self.entry_step(place, EntryEvent::Started, Outcome::Set, begins)
    }

    /// Day by day would be plainest; run by run is as plain: a run of entries without a break is cut
    /// `span_ms` after its own start.
    fn cut_ends(&mut self, holder: Token, span_ms: i64) {
        let mut counted: Vec<(TimeMs, TimeMs, usize)> = Vec::new();
        for (place, entry) in self.entries.iter().enumerate() {
            if let Some((_, terms)) = &entry.listed
                && entry.holder == holder
                && !entry.is_forgotten
                && terms.regime == Regime::Current
            {
                counted.push((terms.start, entry.until, place));
            }
        }
        let mut moved = Vec::new();
        for (start, until, place) in &counted {
            // The start of the run that this interval is in: reach back as long as another one touches.
            let mut began = *start;
            while let Some((earlier, ..)) =
                counted.iter().filter(|(other, end, _)| *other < began && began <= *end).min()
            {
                began = *earlier;
            }
            moved.push((*place, (*until).min(TimeMs(began.0.saturating_add(span_ms)))));
        }
        moved.sort_unstable();
        for (place, until) in moved {
            let Some(entry) = self.entries.get_mut(place) else { continue };
            if !entry.is_over && until < entry.until {
                entry.until = until;
                self.set_timer(until, Timer::EntryEnds(place));
            }
        }
    }

    pub(super) fn entry_starts(&mut self, place: usize, due: TimeMs) -> Result<(), PlainError> {
        let event = self.entries.get(place).and_then(|entry| Some(entry.listed.as_ref()?.0));
        match event {
            Some(event) => {
                self.entry_step(place, EntryEvent::Started, Outcome::Set, Cause { event, at: due })
            }
            None => Ok(()),
        }
    }

    pub(super) fn entry_ends(&mut self, place: usize, due: TimeMs) -> Result<(), PlainError> {
        let Some(entry) = self.entries.get(place).filter(|entry| entry.until == due) else { return Ok(()) };
        let Some((event, _)) = &entry.listed else { return Ok(()) };
        let outcome = if entry.since.is_some() { Outcome::Expired } else { Outcome::Over };
        self.entry_step(place, EntryEvent::Due, outcome, Cause { event: *event, at: due })
    }

    /// Entries of a holder that stopped long ago, with the whole run that they are in, or of which no text came.
    pub(super) fn forget_entries(&mut self, holder: Token) {
        let horizon = self.horizon(Class::Orders);
        let mut over = Vec::new();
        for (place, entry) in self.entries.iter().enumerate() {
            if entry.holder == holder && !entry.is_forgotten && self.kept_to(entry) <= Some(horizon) {
                over.push(place);
            }
        }
        for place in over {
            self.entries.get_mut(place).into_iter().for_each(|entry| entry.is_forgotten = true);
        }
        self.forget_line(holder);
    }

    /// The stop of an entry, or of the last of those that go on from it without a break.
    fn kept_to(&self, entry: &Entry) -> Option<TimeMs> {
        let Some((_, terms)) = &entry.listed else { return entry.heard.iter().max().copied() };
        let goes_on = |other: &&Entry, until: TimeMs| {
            let of = other.listed.as_ref().map(|(_, terms)| (terms.regime, terms.start));
            let is_known = other.holder == entry.holder && !other.is_forgotten;
            is_known
                && of.is_some_and(|(regime, start)| regime == terms.regime && start <= until)
                && until < other.until
        };
        let mut until = entry.until;
        while let Some(next) = self.entries.iter().find(|other| goes_on(other, until)) {
            until = next.until;
        }
        Some(until)
    }

    /// Which line was kept goes with the last entry that it was kept for.
    fn forget_line(&mut self, holder: Token) {
        if !self.entries.iter().any(|entry| entry.holder == holder && !entry.is_forgotten) {
            self.kept_lines.remove(&holder);
        }
    }

    fn entry_step(
        &mut self,
        place: usize,
        on: EntryEvent,
        outcome: Outcome,
        cause: Cause,
    ) -> Result<(), PlainError> {
        let Some(entry) = self.entries.get_mut(place).filter(|entry| !entry.is_forgotten) else {
            return Ok(());
        };
        let is_legacy = entry.listed.as_ref().is_some_and(|(_, terms)| terms.regime == Regime::Legacy);
        let table = self.rules.as_ref().and_then(|rules| rules.lives.entry.clone());
        let step = table.as_ref().and_then(|table| {
            table.steps.iter().find(|step| {
                let from = table.states.get(step.from);
                step.on == on
                    && from.is_some_and(|from| *from.name == *entry.state)
                    && (step.only_if.is_empty() || is_legacy)
            })
        });
        if let (Some(table), Some(step)) = (&table, step) {
            let entered = table.states.get(step.to);
            entry.state = entered.map(|state| state.name.to_string()).unwrap_or_default();
        }
        let ends = matches!(on, EntryEvent::Revoked | EntryEvent::Due);
        match step.map(|step| step.acts.clone()) {
            Some(acts) => {
                for act in acts {
                    match act {
                        EntryAct::Set if is_legacy => {}
                        EntryAct::Set => self.begin_to_act(place, cause)?,
                        EntryAct::End => self.end_listed(place, on, cause),
                        EntryAct::Answer => self.tell_lister(place, outcome, cause),
                    }
                }
            }
            None if ends && !entry.is_over && entry.since.is_some() => {
                self.end_listed(place, on, cause);
                self.tell_lister(place, outcome, cause);
            }
            None if on == EntryEvent::Revoked => self.tell_lister(place, Outcome::Over, cause),
            None => {}
        }
        if let Some(entry) = self.entries.get_mut(place).filter(|_| ends) {
            entry.is_over = true;
            let start = entry.listed.as_ref().map_or(cause.at, |(_, terms)| terms.start);
            entry.until = entry.until.min(cause.at.max(start));
        }
        Ok(())
    }

    /// On everything that the person holds at that time, in the order in which it was first heard of.
    fn begin_to_act(&mut self, place: usize, cause: Cause) -> Result<(), PlainError> {
        let Some(entry) = self.entries.get_mut(place) else { return Ok(()) };
        entry.since = Some(cause.at);
        let holder = entry.holder;
        self.choose_line(holder, cause.at);
        for (subject, sealed) in self.held_things(holder, cause.at) {
            self.reach(place, &Party { subject, sealed }, cause.at)?;
        }
        Ok(())
    }

    fn reach(&mut self, place: usize, party: &Party, at: TimeMs) -> Result<(), PlainError> {
        let Some(entry) = self.entries.get(place) else { return Ok(()) };
        let holder = entry.holder;
        let product = self.holders.get(&holder).and_then(|openings| openings.product(party.subject, at));
        let is_measured = entry.measures.iter().any(|(_, of)| *of == party.subject);
        let Some(product) = product else { return Ok(()) };
        if is_measured || self.kept_lines.get(&holder) == Some(&party.subject) {
            return Ok(());
        }
        let until = entry.until;
        self.set_listed(place, &reached(product), party, (at, until)).map(drop)
    }

    /// Something was opened or stated: entries that act at that time, or later if it is older, reach it.
    pub(super) fn reach_new(&mut self, holder: Token, party: &Party, at: TimeMs) -> Result<(), PlainError> {
        let acting: Vec<(usize, TimeMs)> = self
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.holder == holder && !entry.is_over && !entry.is_forgotten)
            .filter_map(|(place, entry)| Some((place, entry.since?.max(at), entry.until)))
            .filter(|(_, when, until)| when < until)
            .map(|(place, when, _)| (place, when))
            .collect();
        for (place, when) in acting {
            let is_open =
                self.holders.get(&holder).is_some_and(|openings| openings.is_open(party.subject, when));
            if is_open {
                self.choose_line(holder, when);
                self.reach(place, party, when)?;
            }
        }
        Ok(())
    }

    /// The refusal of a listed person's request, if its product is refused to them.
    pub(super) fn refuse_to_listed(
        &mut self,
        holder: Token,
        place_of_request: usize,
        (opening, product): (&Party, Product),
        at: TimeMs,
    ) -> Result<bool, PlainError> {
        if reached(product).reason == OUTFLOW.reason {
            return Ok(false);
        }
        let acts = |entry: &Entry| {
            entry.holder == holder
                && !entry.is_over
                && !entry.is_forgotten
                && entry.since.is_some_and(|since| since <= at)
                && at < entry.until
        };
        let Some(place) = self.entries.iter().position(acts) else { return Ok(false) };
        let Some(rules) = self.rules.clone() else { return Ok(false) };
        let until = self.entries.get(place).map_or(at, |entry| entry.until);
        let end = until.min(at.plus(rules.settings.answer_for));
        let Some(measure) = self.set_listed(place, &OPENING, opening, (at, end))? else { return Ok(false) };
        self.set_timer(end, Timer::MeasureExpires(measure));
        self.set_timer(end.plus(rules.settings.appeal_window), Timer::MeasureForgotten(measure));
        if let Some(request) = self.openings_mut(holder).requests.get_mut(place_of_request) {
            request.answer = Answer::ByRule { measure };
            request.reserved_until = None;
        }
        Ok(true)
    }

    fn set_listed(
        &mut self,
        place: usize,
        what: &Reached,
        party: &Party,
        (at, end): (TimeMs, TimeMs),
    ) -> Result<Option<DispositionId>, PlainError> {
        let (Some(entry), Some(table), Some(rules)) =
            (self.entries.get(place), self.entry_table(), self.rules.clone())
        else {
            return Ok(None);
        };
        let Some((event, terms)) = entry.listed.clone() else { return Ok(None) };
        let (number, issuer) = (entry.name.number.to_string(), entry.name.issuer.to_string());
        let listing = Listing::new(number, issuer, terms.test.category(), (terms.start, terms.end));
        let Some(measure) = listing.map(what.make).filter(|_| at < end) else { return Ok(None) };
        let rule = RuleName { id: table.id.clone(), version: table.version };
        let (lane, purpose, holder) = (Lane::Authority, Purpose::AUTHORITY, entry.holder);
        let key = &self.identity.id_key;
        let id = key.disposition(IdKind::Set, &rule, party.subject, event, at, measure.name());
        let notice = rules.notices.compose(NoticeOf {
            reason: what.reason,
            basis: &table.basis,
            rule: rule.clone(),
            measure: &measure,
            lane,
            start: at,
            end,
            appeal: key.appeal(id),
            verify: HowToVerify::NotAsked,
            recourse: expected(&rules, &measure, lane, false),
        })?;
        let head = Head { id, lane, rule, party: party.clone(), holder, event, at, purpose };
        let evidence = Evidence {
            digest: Sha256::digest([]).into(),
            strength_millionths: 1_000_000,
            ..Evidence::default()
        };
        let set = MeasureSet::new(head, measure, notice, evidence);
        self.effects.push(Effect::Disposed(Box::new(Disposition::MeasureSet(set.clone()))));
        let held = self.held_of_authority(set);
        self.measures.insert(id, held);
        if let Some(entry) = self.entries.get_mut(place) {
            entry.measures.push((id, party.subject));
        }
        Ok(Some(id))
    }

    fn end_listed(&mut self, place: usize, on: EntryEvent, cause: Cause) {
        let Some(entry) = self.entries.get(place) else { return };
        let (holder, measures) = (entry.holder, entry.measures.clone());
        let how = if on == EntryEvent::Revoked { EndCause::Released } else { EndCause::Expired };
        for (id, subject) in measures {
            if !self.stands(id) {
                continue;
            }
            self.end_measure(id, how, cause, None);
            if subject.kind == SubjectKind::Opening {
                for request in &mut self.openings_mut(holder).requests {
                    request.lapsed |= request.answered_by(id);
                }
            } else if let Some(rules) = self.rules.clone() {
                self.set_timer(cause.at.plus(rules.settings.appeal_window), Timer::MeasureForgotten(id));
            }
        }
    }

    fn tell_lister(&mut self, place: usize, outcome: Outcome, cause: Cause) {
        let Some(entry) = self.entries.get(place) else { return };
        let rule = match self.entry_table() {
            Some(table) => RuleName { id: table.id, version: table.version },
            None => RuleName { id: "entry".to_owned(), version: 0 },
        };
        let (holder, name) = (entry.holder, entry.name.clone());
        let party =
            Party { subject: Subject::new(SubjectKind::Holder, holder), sealed: SealedRef::default() };
        self.let_hear(Heard { rule, party, holder, name, set: (None, None), case: None }, outcome, cause);
    }
}
