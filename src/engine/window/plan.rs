//! What is asked of the logs of one kind of subject, laid out for evaluation.
//!
//! Questions that differ in window and aggregate only share a set: whether an entry counts is found out
//! once for all of them. Of those that read amounts and those that do not, the former count a part of the
//! latter's entries, those that are *paid*: with an amount in their currency. They share a set, too. Those
//! that differ in the aggregate only share a lane, which is one window over a set.

use super::packed::{Packed, Pattern, number_of};
use crate::engine::base::SpanMs;
use crate::engine::calendar::Calendar;
use crate::engine::fact::Feed;
use crate::engine::retention::place;
use crate::engine::ruleset::RuleSet;
use crate::engine::signal::{Aggregate, Question, Window};
use crate::engine::subject::SubjectKind;

/// A question and what is worked out of it once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planned {
    pub question: Question,
    feeds: u32,
    pattern: Pattern,
    is_bounded: bool,
    /// The number of the currency that it reads; 0 if it reads no amounts.
    currency: u64,
}

impl Planned {
    pub fn new(question: &Question) -> Planned {
        let currency = if question.reads_amount() { number_of(question.currency) } else { 0 };
        // A mark that must be there and must not be there: no entry counts.
        let feeds = if question.only & question.without == 0 { question.feeds_read() } else { 0 };
        Planned {
            question: *question,
            feeds,
            pattern: Packed::pattern(question.only, question.without, currency),
            is_bounded: question.amount_min.is_some() || question.amount_max.is_some(),
            currency,
        }
    }

    /// Whether the question counts an entry, whatever the event it is asked for.
    pub fn admits(&self, entry: &Packed) -> bool {
        self.feeds & entry.feed_bit() != 0
            && entry.matches(&self.pattern)
            && (!self.is_bounded || self.is_within(entry.minor()))
    }

    fn is_within(&self, minor: i64) -> bool {
        self.question.amount_min.is_none_or(|min| min <= minor)
            && self.question.amount_max.is_none_or(|max| minor <= max)
    }

    /// Whether another question counts the same entries, apart from its window and from what they are paid in.
    fn admits_alike(&self, other: &Planned) -> bool {
        let what = |planned: &Planned| {
            let question = &planned.question;
            let bounds = (question.amount_min, question.amount_max, question.only, question.without);
            (question.feeds, question.returned_by, bounds, question.delay)
        };
        what(self) == what(other)
    }

    /// What answers it over a long log, by number of its lane; none but a look at each entry of its window.
    fn answered_by(&self) -> Option<fn(usize) -> By> {
        let question = &self.question;
        // What adds up can be had without an event by taking that event's part off.
        let adds_up = matches!(
            question.aggregate,
            Aggregate::Count | Aggregate::Sum | Aggregate::Average | Aggregate::Deviation
        );
        match (question.aggregate, question.resembling) {
            (Aggregate::Count, Some(_)) => Some(By::Amounts),
            (_, Some(_)) => None,
            _ if question.without_event && !adds_up => None,
            (Aggregate::LargestShare, _) => Some(By::Shares),
            (Aggregate::Returned, _) => Some(By::Returned),
            _ => Some(By::Lane),
        }
    }
}

/// Questions over the same entries.
#[derive(Clone, Debug)]
pub(super) struct Set {
    /// One of them, for what they have in common: one that reads no amounts, if there is any.
    pub planned: Planned,
    /// What the paid ones among the entries bear, where not all are.
    paid: Option<Pattern>,
    /// The number of the currency that they read; 0 if none reads amounts.
    currency: u64,
    /// The shortest window first.
    pub lanes: Vec<usize>,
    pub distinct: bool,
    pub largest: bool,
    pub smallest: bool,
    pub squares: bool,
    /// Whether any of them leaves out the event it is asked for.
    pub without_event: bool,
}

impl Set {
    fn new(planned: &Planned) -> Set {
        Set {
            planned: *planned,
            paid: None,
            currency: planned.currency,
            lanes: Vec::new(),
            distinct: false,
            largest: false,
            smallest: false,
            squares: false,
            without_event: false,
        }
    }

    /// Whether an entry that counts is one that those read that read amounts.
    pub fn is_paid(&self, entry: &Packed) -> bool {
        self.paid.as_ref().is_none_or(|pattern| entry.matches(pattern))
    }

    /// Whether a question belongs here. One that bounds amounts has a currency, and so have all of its set.
    fn takes(&self, planned: &Planned) -> bool {
        let in_one = self.currency == planned.currency || self.currency == 0 || planned.currency == 0;
        in_one && self.planned.admits_alike(planned)
    }

    /// Takes in a question that belongs here.
    fn join(&mut self, planned: &Planned) {
        if self.currency == planned.currency || planned.currency == 0 && self.paid.is_some() {
            return;
        }
        // Until now all of them read amounts, or none: from now on the paid ones are a part.
        let reads_amounts = if planned.currency == 0 { self.planned } else { *planned };
        self.paid = Some(reads_amounts.pattern);
        self.currency = reads_amounts.currency;
        if planned.currency == 0 {
            self.planned = *planned;
        }
    }
}

/// Questions over the same entries and the same window.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    pub set: usize,
    pub window: Window,
    /// Whether a deviation is asked for.
    pub squares: bool,
    pub answers: Vec<Answer>,
}

/// What a window is asked for, and by which signal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub aggregate: Aggregate,
    /// Whether it leaves out the event it is asked for.
    pub without_event: bool,
    /// Its number in the rule set.
    pub signal: usize,
}

/// A question of the plan and the signals that ask it.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub planned: Planned,
    pub by: By,
}

/// By what a question is answered over a long log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// A look at each entry of its window.
    Scan,
    /// The running values of a lane.
    Lane(usize),
    /// The amounts of a lane in order: it counts those like the event's.
    Amounts(usize),
    /// What each other side has of a lane's sum.
    Shares(usize),
    /// In which directions a lane's other sides were met.
    Returned(usize),
}

/// The questions asked of logs of one kind of subject. Made anew for each rule set.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub(super) questions: Vec<Asked>,
    pub(super) sets: Vec<Set>,
    pub(super) lanes: Vec<Lane>,
    /// A signal's number in the rule set to the place of its question.
    places: Vec<Option<usize>>,
    /// Union of the feeds that any of them reads.
    feeds: u32,
    pub(super) reach_max: SpanMs,
    calendar: Calendar,
    /// Changes with every rule set, so that logs notice that their running values are outdated.
    epoch: u32,
}

/// The plans of a rule set, by kind of subject.
#[derive(Clone, Debug)]
pub struct Plans(Box<[Plan]>);

impl Plans {
    #[must_use]
    pub fn new(rules: &RuleSet, epoch: u32) -> Plans {
        Plans(SubjectKind::ALL.into_iter().map(|kind| Plan::new(rules, kind, epoch)).collect())
    }

    #[must_use]
    pub fn get(&self, kind: SubjectKind) -> Option<&Plan> {
        self.0.get(place(kind))
    }

    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.0.first().map_or(0, Plan::epoch)
    }
}

impl Plan {
    #[must_use]
    pub fn new(rules: &RuleSet, kind: SubjectKind, epoch: u32) -> Plan {
        let mut plan = Plan { epoch, calendar: rules.calendar.clone(), ..Plan::default() };
        for signal in &rules.signals {
            plan.add(signal.question().filter(|_| signal.subject.log_kind() == kind));
        }
        plan
    }

    /// Adds the next signal, if it asks a question here. Equal questions share one place: a signal
    /// declared twice is computed once (D16).
    pub(super) fn add(&mut self, question: Option<&Question>) {
        let signal = self.places.len();
        let place = question.map(|question| self.place_of(question));
        let asked = place.and_then(|place| self.questions.get(place));
        if let Some(asked) = asked
            && let By::Lane(number) = asked.by
            && let Some(lane) = self.lanes.get_mut(number)
        {
            let Question { aggregate, without_event, .. } = asked.planned.question;
            lane.answers.push(Answer { aggregate, without_event, signal });
        }
        self.places.push(place);
    }

    fn place_of(&mut self, question: &Question) -> usize {
        if let Some(place) = self.questions.iter().position(|known| known.planned.question == *question) {
            return place;
        }
        let (place, planned) = (self.questions.len(), Planned::new(question));
        self.feeds |= question.feeds_read();
        self.reach_max = self.reach_max.max(question.reach());
        let by = planned.answered_by().map_or(By::Scan, |by| by(self.lane_of(&planned)));
        self.questions.push(Asked { planned, by });
        place
    }

    /// The lane of a question that is not scanned, made with its set if they are not there yet.
    fn lane_of(&mut self, planned: &Planned) -> usize {
        let known = self.sets.iter().position(|set| set.takes(planned));
        let number = known.unwrap_or(self.sets.len());
        match known.and_then(|known| self.sets.get_mut(known)) {
            Some(set) => set.join(planned),
            None => self.sets.push(Set::new(planned)),
        }
        let window = planned.question.window;
        let known = self.lanes.iter().position(|lane| lane.set == number && lane.window == window);
        let lane = known.unwrap_or(self.lanes.len());
        if known.is_none() {
            self.lanes.push(Lane { set: number, window, squares: false, answers: Vec::new() });
        }
        let lanes = &self.lanes;
        if let Some(its_set) = self.sets.get_mut(number) {
            if known.is_none() {
                let span = |lane: &usize| lanes.get(*lane).map(|lane| lane.window.span_max());
                let place = its_set.lanes.partition_point(|shorter| span(shorter) <= span(&lane));
                its_set.lanes.insert(place, lane);
            }
            its_set.without_event |= planned.question.without_event && planned.question.resembling.is_none();
            match planned.question.aggregate {
                Aggregate::Distinct => its_set.distinct = true,
                Aggregate::Max => its_set.largest = true,
                Aggregate::Min => its_set.smallest = true,
                Aggregate::Deviation => its_set.squares = true,
                _ => {}
            }
        }
        if let Some(its_lane) = self.lanes.get_mut(lane) {
            its_lane.squares |= planned.question.aggregate == Aggregate::Deviation;
        }
        lane
    }

    /// Whether any signal of this kind reads the feed; what none reads is not kept.
    #[must_use]
    pub fn reads(&self, feed: Feed) -> bool {
        self.feeds & feed.bit() != 0
    }

    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    #[must_use]
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// The number of a lane's set.
    pub(super) fn set_of(&self, lane: usize) -> Option<usize> {
        self.lanes.get(lane).map(|lane| lane.set)
    }

    /// How many signals the rule set has.
    pub(super) fn signals_count(&self) -> usize {
        self.places.len()
    }

    pub(super) fn asked(&self, signal: usize) -> Option<&Asked> {
        self.questions.get((*self.places.get(signal)?)?)
    }
}
