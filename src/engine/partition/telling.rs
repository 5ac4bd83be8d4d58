//! Telling: which signals of other subjects stand at their level, and who is told of it (S9, DESIGN D3).

use std::collections::HashSet;
use std::sync::Arc;

use super::readings::ratio;
use super::{Active, EngineError, Out, Partition};
use crate::engine::attributes::{Attributes, Field};
use crate::engine::base::{Fingerprint, Money, SpanMs, TimeMs, Token};
use crate::engine::calendar::Calendar;
use crate::engine::fact::{Fact, FactBody, Feed, Side};
use crate::engine::report::{CROSSING_RECEIVERS_MAX, ReportBody, Standing};
use crate::engine::signal::{Aggregate, Question, Reads, ReportLevel, Signal, Tell};
use crate::engine::state::{Meeting, TokenHash};
use crate::engine::subject::{Party, SealedRef, Subject, SubjectKind};
use crate::engine::told::Told;
use crate::engine::window::{AsOf, AskedFor, Bound, Entry, Most, Values};

/// A signal that others are told of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ToldSignal {
    pub number: usize,
    pub report: ReportLevel,
    /// The feeds that it is asked after: of one that tells holders, those it reads.
    pub feeds: u32,
    /// What its value does not exceed, if it is asked of a log.
    bound: Option<Bound>,
}

impl ToldSignal {
    pub fn of(number: usize, signal: &Signal) -> Option<ToldSignal> {
        let report = signal.report?;
        let feeds = match report.tell {
            // A confirmation is no happening that a holder could be told of with that event.
            Tell::Event => !Feed::FraudConfirmedTerminal.bit(),
            // Nobody pays a shared subject.
            Tell::Payer | Tell::Payee => 0,
            Tell::Holders => signal.question().map_or(0, Question::feeds_read),
        };
        let bound = signal.question().and_then(|question| Most::bound(question.aggregate));
        Some(ToldSignal { number, report, feeds, bound })
    }

    /// Whether it may be at its level, as far as the log's bounds say.
    pub fn may_stand(&self, most: &Most) -> bool {
        self.bound.is_none_or(|bound| {
            u64::try_from(most.value(bound)).is_ok_and(|value| value >= self.report.level)
        })
    }
}

impl Partition {
    /// A shared subject was met: note by whom, and tell whom it concerns.
    pub(super) fn meet(
        &mut self,
        fact: &Fact,
        body: &FactBody,
        at: TimeMs,
        entry_event: Fingerprint,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let FactBody::Met { feed, holder, target, amount } = body else { return Ok(()) };
        let Some(active) = self.rules.clone() else { return Ok(()) };
        let about = fact.route;
        let horizon = self.horizons.log(about.kind);
        let mut met_by = None;
        if active.plans.get(about.kind).is_some_and(|plan| plan.reads(*feed)) && at > horizon {
            let by = self.met_by.shared(*feed, *holder, target);
            met_by = Some(Arc::clone(&by));
            let meetings = self.meetings.get_or_default(about);
            while meetings.front().is_some_and(|oldest| oldest.at <= horizon) {
                meetings.pop_front();
            }
            let meeting = Meeting { at, event: entry_event, by };
            if meetings.len() == meetings.capacity() {
                // By an eighth at a time, as logs do.
                meetings.reserve_exact(meetings.len() / 8 + 1);
            }
            if meetings.back().is_none_or(|newest| newest.at <= at) {
                meetings.push_back(meeting);
            } else {
                meetings.insert(meetings.partition_point(|earlier| earlier.at <= at), meeting);
            }
        }
        // Whoever is told of it shares what the meeting has.
        let target = met_by.as_ref().map_or(target, |by| &by.target);
        let amount_asked = amount.and_then(Money::fen);
        let asked = AskedFor { entry: Some(entry_event), amount: amount_asked, other: None, left_out: None };
        let as_of = AsOf { at, horizon, bound: None, event: asked };
        let most = self.logs.get(&about).map_or_else(Most::default, |log| log.most(&self.store));
        let mut readings = self.take_readings();
        let asked_after = |told: &&ToldSignal| told.feeds & feed.bit() != 0 && told.may_stand(&most);
        for told in active.index.told_of(about.kind).iter().filter(asked_after) {
            let ToldSignal { number, report, .. } = *told;
            let values = &mut readings.values;
            let Some(value) = self.at_level(number, report, about, as_of, &active, values) else { continue };
            let telling = Telling {
                number,
                about,
                report,
                value,
                event: fact.event,
                entry_event,
                amount: *amount,
                as_of,
            };
            self.tell(&telling, *holder, target, &active, out)?;
        }
        self.keep_readings(readings);
        let party = Party { subject: about, sealed: SealedRef::default() };
        let said = Attributes::default().with(Field::Amount, amount_asked);
        let scene = self.shared_scene(*feed, &party, said, (fact.event, entry_event), at);
        self.run_leads(&scene, None, &active, out)
    }

    /// An account took part in a transfer: tell the other side, if it is ours, what concerns it.
    pub(super) fn tell_other_side(
        &mut self,
        fact: &Fact,
        body: &FactBody,
        at: TimeMs,
        entry_event: Fingerprint,
        active: &Arc<Active>,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let signals = active.index.told_of(SubjectKind::Counterparty);
        let FactBody::Transfer { side, account, counterparty, amount, other_side: Some(other), .. } = body
        else {
            return Ok(());
        };
        if signals.is_empty() {
            return Ok(());
        }
        let asked = AskedFor {
            entry: Some(entry_event),
            amount: amount.fen(),
            other: Some(counterparty.short()),
            left_out: None,
        };
        let horizon = self.horizons.log(account.subject.kind);
        let as_of = AsOf { at, horizon, bound: None, event: asked };
        let most = self.logs.get(&account.subject).map_or_else(Most::default, |log| log.most(&self.store));
        let mut values = Values::default();
        for told in signals.iter().filter(|told| told.may_stand(&most)) {
            let ToldSignal { number, report, .. } = *told;
            // About a payee the payer is told, or about a payer the payee, and never the other way round.
            if report.tell == Tell::Payer && *side != Side::Payee
                || report.tell == Tell::Payee && *side != Side::Payer
            {
                continue;
            }
            let Some(value) = self.at_level(number, report, account.subject, as_of, active, &mut values)
            else {
                continue;
            };
            let telling = Telling {
                number,
                about: Subject::new(SubjectKind::Counterparty, account.subject.token),
                report,
                value,
                event: fact.event,
                entry_event,
                amount: Some(*amount),
                as_of,
            };
            self.tell(&telling, other.holder, &other.account, active, out)?;
        }
        Ok(())
    }

    /// Tells the holder of the event and, at a crossing, the other holders in the window.
    fn tell(
        &mut self,
        telling: &Telling,
        holder: Token,
        target: &Party,
        active: &Arc<Active>,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let about = telling.about;
        let (Some(name), Some(signal)) =
            (active.index.signal_name(telling.number), active.set.signals.get(telling.number))
        else {
            return Ok(());
        };
        let calendar = &active.set.calendar;
        let (others, until) = match (telling.report.tell, signal.question()) {
            (Tell::Holders, Some(question)) => {
                let (crossing, until) = self.crossing(question, telling, calendar);
                let others = crossing.then(|| self.others_in_window(question, telling, holder, calendar));
                (others.unwrap_or_default(), until)
            }
            // It holds for this event and nothing else.
            _ => (Vec::new(), telling.as_of.at.plus(SpanMs(1))),
        };
        let untold_count =
            u32::try_from(others.len().saturating_sub(CROSSING_RECEIVERS_MAX)).unwrap_or(u32::MAX);
        let receivers = others.into_iter().take(CROSSING_RECEIVERS_MAX);
        let all = std::iter::once((holder, target.clone(), true))
            .chain(receivers.map(|meeting| (meeting.by.holder, meeting.by.target.clone(), false)));
        for (holder, target, reply) in all {
            let standing = Standing {
                signal: Arc::clone(name),
                about,
                holder,
                target,
                value: telling.value,
                until,
                event: telling.event,
                at: telling.as_of.at,
                reply,
                amount: telling.amount.filter(|_| reply),
                untold_count,
            };
            if telling.report.tell == Tell::Holders {
                self.remember_told(about, &standing);
            }
            let destination = holder.partition(self.identity.partitions);
            self.send(destination, ReportBody::Standing(standing), active, out)?;
        }
        Ok(())
    }

    /// The value of a signal over a log, if it is at its level.
    fn at_level(
        &mut self,
        number: usize,
        report: ReportLevel,
        of: Subject,
        as_of: AsOf,
        active: &Active,
        values: &mut Values,
    ) -> Option<u64> {
        let value = match values.get(number) {
            Some((known, _)) => known.into(),
            None => self.told_value(number, of, as_of, active, values),
        };
        u64::try_from(value).ok().filter(|value| *value >= report.level)
    }

    /// The value of a signal over a log, for those who are told of it.
    fn told_value(
        &mut self,
        number: usize,
        of: Subject,
        as_of: AsOf,
        active: &Active,
        values: &mut Values,
    ) -> i128 {
        match active.set.signals.get(number).map(|signal| &signal.reads) {
            Some(Reads::Log(question)) => {
                i128::from(self.log_value(number, question, of, as_of, active, values).0)
            }
            Some(Reads::Ratio { of: over, to, scale }) => {
                let over = self.told_value(*over, of, as_of, active, values);
                ratio(over, self.told_value(*to, of, as_of, active, values), *scale)
            }
            Some(Reads::Difference { of: over, to }) => {
                let over = self.told_value(*over, of, as_of, active, values);
                over - self.told_value(*to, of, as_of, active, values)
            }
            Some(Reads::MeasuresStanding) => i128::from(self.measures_standing(of, as_of.at)),
            Some(Reads::SinceOpened) | None => 0,
        }
    }

    /// Whether the event took the value to its level, and when it falls below if nothing more happens.
    fn crossing(&self, question: &Question, telling: &Telling, calendar: &Calendar) -> (bool, TimeMs) {
        let Some(log) = self.logs.get(&telling.about) else { return (false, telling.as_of.at) };
        let behind = || log.behind(question, &self.store, calendar, telling.as_of).rev();
        let level = telling.report.level;
        let without = behind().filter(|entry| entry.event != telling.entry_event);
        let crossing = nth_newest(question, level, without).is_none();
        let at_level = nth_newest(question, level, behind());
        (crossing, at_level.map_or(TimeMs::MIN, |at| at.plus(question.window.span_max())))
    }

    /// The last meeting of each other holder in a window, last seen first.
    fn others_in_window(
        &self,
        question: &Question,
        telling: &Telling,
        holder: Token,
        calendar: &Calendar,
    ) -> Vec<Meeting> {
        let (after, until) = telling.as_of.bounds(question, calendar);
        let meetings = self.meetings.get(&telling.about).into_iter().flatten().rev();
        let in_window =
            meetings.take_while(|meeting| meeting.at > after).filter(|meeting| meeting.at <= until);
        let mut known: HashSet<Token, TokenHash> = HashSet::from_iter([holder]);
        let last =
            in_window.filter(|meeting| question.reads(meeting.by.feed) && known.insert(meeting.by.holder));
        last.cloned().collect()
    }

    fn remember_told(&mut self, about: Subject, standing: &Standing) {
        self.told.get_or_default(about).note(Told {
            signal: Arc::clone(&standing.signal),
            holder: standing.holder,
            until: standing.until,
        });
    }

    /// After entries of a shared subject were taken out: tell of signals that fell early.
    pub(super) fn tell_of_falls(
        &mut self,
        about: Subject,
        feed: Feed,
        fact: &Fact,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let Some(active) = self.rules.clone() else { return Ok(()) };
        for told in active.index.told_of(about.kind) {
            let ToldSignal { number, report, feeds, .. } = *told;
            let Some(signal) = active.set.signals.get(number) else { continue };
            if report.tell != Tell::Holders || feeds & feed.bit() == 0 {
                continue;
            }
            let newest = self
                .logs
                .get(&about)
                .and_then(|log| log.entries(&self.store).next_back().map(|entry| entry.at));
            let as_of = AsOf {
                at: newest.unwrap_or(fact.at),
                horizon: self.horizons.log(about.kind),
                bound: None,
                event: AskedFor::default(),
            };
            let value = self.told_value(number, about, as_of, &active, &mut Values::default());
            if value >= i128::from(report.level) {
                continue;
            }
            let Some(told) = self.told.get_mut(&about) else { continue };
            let fallen = told.take(&signal.name);
            let forgotten = self.horizons.telling.max(fact.at);
            for known in fallen.into_iter().filter(|known| known.until > forgotten) {
                let body = ReportBody::Fallen {
                    signal: Arc::clone(&known.signal),
                    about,
                    holder: known.holder,
                    event: fact.event,
                    at: fact.at,
                };
                self.send(known.holder.partition(self.identity.partitions), body, &active, out)?;
            }
        }
        Ok(())
    }
}

/// A signal at its level, told because of one event.
struct Telling {
    /// Its number in the rule set.
    number: usize,
    about: Subject,
    report: ReportLevel,
    value: u64,
    event: Fingerprint,
    entry_event: Fingerprint,
    amount: Option<Money>,
    as_of: AsOf,
}

/// Of the entries behind a count or distinct count, newest first: the time of the one by which the value
/// comes to a level; none if it stays below. The loader admits no other aggregate and no other window
/// than a sliding one where holders are told. Looks at no more entries than it must.
fn nth_newest(question: &Question, level: u64, newest_first: impl Iterator<Item = Entry>) -> Option<TimeMs> {
    let place = usize::try_from(level.saturating_sub(1)).unwrap_or(usize::MAX);
    if question.aggregate != Aggregate::Distinct {
        return newest_first.map(|entry| entry.at).nth(place);
    }
    let mut seen: HashSet<u64, TokenHash> = HashSet::default();
    newest_first.filter(|entry| seen.insert(entry.other)).map(|entry| entry.at).nth(place)
}
