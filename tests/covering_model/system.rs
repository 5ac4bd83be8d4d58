//! The whole system as a state machine for the checker: intakes, packs on their way, logs, destinations.

use stateright::{Model, Property};

use duecourse::engine::cover::Admission;

use super::destination::{Destination, Fault};
use super::pieces::{
    BOUNDARY, Bounds, Checks, Configuration, DESTINATIONS, Entry, FLIGHT_MAX, INTAKES, LOG_MAX, Pack,
    RECORDS, SOURCES, Span,
};

/// An intake process. Nobody tells it when another took a source over: then it is a zombie and
/// keeps reading and writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Intake {
    pub configuration: Configuration,
    /// Of each source it reads, the last offset it has sent: the `previous` of its next range.
    /// What it has read beyond that nobody sees, so the model chooses with each flush how far that was.
    pub flushed: [Option<i8>; SOURCES],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    pub intakes: [Intake; INTAKES],
    /// Sorted: packs may arrive in any order, so their order here means nothing.
    pub flight: [Option<Pack>; FLIGHT_MAX],
    /// Appended and not yet applied; the oldest first.
    pub logs: [[Option<Entry>; LOG_MAX]; DESTINATIONS],
    /// Which logs hold the announcement of version 2.
    pub announced: [bool; DESTINATIONS],
    /// The first offset that each source still holds. An intake may have read more before that went.
    pub gone: [i8; SOURCES],
    /// Which logs were told to skip what is gone.
    pub told: [bool; DESTINATIONS],
    pub destinations: [Destination; DESTINATIONS],
    pub restarts_left: u8,
    pub copies_left: u8,
}

/// What becomes of a pack when it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is appended to the log at once.
    Arrives,
    /// It is on its way for as long as it takes, while others overtake it.
    Delayed,
    /// It is appended at once, and a copy is on its way.
    Doubled,
    Lost,
}

impl Fate {
    const ALL: [Fate; 4] = [Fate::Arrives, Fate::Delayed, Fate::Doubled, Fate::Lost];

    fn arrives(self) -> bool {
        matches!(self, Fate::Arrives | Fate::Doubled)
    }

    fn flies(self) -> bool {
        matches!(self, Fate::Delayed | Fate::Doubled)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// An intake has read each source up to and including an offset, and sends what it has not
    /// sent before to both destinations, in one pack for each.
    ReadAndFlush { intake: usize, to: [Option<i8>; SOURCES], fates: [Fate; DESTINATIONS] },
    /// A delayed pack is appended to its destination's log.
    Arrive { slot: usize },
    /// It is appended, and will be once more.
    ArriveTwice { slot: usize },
    /// It never arrives.
    Lose { slot: usize },
    /// The coming version is announced in one log.
    Announce { destination: usize },
    /// Decide applies the oldest record of a log.
    Decide { destination: usize },
    /// Retention takes the records of a source before an offset.
    Forget { source: usize, to: i8 },
    /// The operator's order to go on without them is appended to one log.
    Skip { destination: usize },
    /// An intake dies and starts again, with the sources it had.
    Crash { intake: usize },
    /// The group gives a source to the other intake, and the old one does not notice.
    TakeOver { intake: usize, source: usize },
}

#[derive(Clone, Copy, Debug)]
pub struct Covering {
    pub bounds: Bounds,
    pub checks: Checks,
}

impl State {
    fn first(other: Configuration, bounds: Bounds) -> State {
        State {
            intakes: [
                Intake { configuration: Configuration::Right, flushed: [Some(-1), None] },
                Intake { configuration: other, flushed: [None, Some(-1)] },
            ],
            flight: [None; FLIGHT_MAX],
            logs: [[None; LOG_MAX]; DESTINATIONS],
            announced: [false; DESTINATIONS],
            gone: [0; SOURCES],
            told: [false; DESTINATIONS],
            destinations: [Destination::EMPTY; DESTINATIONS],
            restarts_left: bounds.restarts,
            copies_left: bounds.copies,
        }
    }

    pub fn is_complete(&self) -> bool {
        self.destinations.iter().all(Destination::is_complete)
    }

    fn has_fault(&self, wanted: Fault) -> bool {
        self.destinations.iter().any(|destination| destination.fault == Some(wanted))
    }

    fn in_flight(&self) -> usize {
        self.flight.iter().flatten().count()
    }

    fn log_length(&self, destination: usize) -> usize {
        self.logs[destination].iter().flatten().count()
    }

    /// Where an intake begins to read a source: from what decide has published, which lags its log. It does not
    /// begin where what it needs is gone.
    fn start(&self, source: usize, checks: Checks) -> Option<i8> {
        let covered = self.destinations.iter().map(|destination| destination.covered[source]);
        let from = if checks.lowest_start { covered.min() } else { covered.max() };
        let from = from.flatten().unwrap_or(-1);
        (from + 1 >= self.gone[source]).then_some(from)
    }

    /// The source that lost records, if one did.
    fn loser(&self) -> Option<usize> {
        (0..SOURCES).find(|source| self.gone[*source] > 0)
    }

    /// The order to skip what is gone, for one log.
    fn tell(&mut self, destination: usize) {
        if let Some(source) = self.loser() {
            self.told[destination] = true;
            self.append(destination, Entry::Skipped { source: source as u8, to: self.gone[source] });
        }
    }

    /// The last offset up to which an intake may fill one pack from a source.
    fn reach(&self, intake: usize, source: usize, checks: Checks) -> Option<i8> {
        let Intake { configuration, flushed } = self.intakes[intake];
        let first = flushed[source]? + 1;
        let in_all_logs = self.announced == [true; DESTINATIONS] || !checks.announced_before_start;
        let may_read = |offset: i8| {
            // A version begins in the future: no record of its time exists until all logs announce it,
            // and an intake passes its start only after it has read each announcement.
            let exists = offset < BOUNDARY || in_all_logs;
            let may_pass = configuration.version(offset) == 1 || in_all_logs;
            // A pack has one version: what was read under another is sent first.
            exists && may_pass && configuration.version(offset) == configuration.version(first)
        };
        (first..RECORDS).take_while(|offset| may_read(*offset)).last()
    }

    /// All the packs that an intake could send now: from one source up to any offset, or from both
    /// one record or all that can be read (the ranges of a pack are judged apart from each other).
    fn flushes(
        &self,
        intake: usize,
        model: &Covering,
        fates: &[[Fate; DESTINATIONS]],
        actions: &mut Vec<Action>,
    ) {
        let Intake { configuration, flushed } = self.intakes[intake];
        let reach = [0, 1].map(|source| self.reach(intake, source, model.checks));
        let mut push = |to: [Option<i8>; SOURCES]| {
            for fates in fates {
                actions.push(Action::ReadAndFlush { intake, to, fates: *fates });
            }
        };
        for source in 0..SOURCES {
            let (Some(flushed), Some(reach)) = (flushed[source], reach[source]) else { continue };
            for last in (flushed + 1)..=reach {
                let mut to = [None; SOURCES];
                to[source] = Some(last);
                push(to);
            }
        }
        let ([Some(first), Some(second)], [Some(most), Some(most_too)]) = (flushed, reach) else { return };
        if configuration.version(most) != configuration.version(most_too) {
            return; // a pack has one version
        }
        for to in [first + 1, most] {
            for to_too in [second + 1, most_too] {
                push([Some(to), Some(to_too)]);
            }
        }
    }

    /// What may become of the two packs of a flush.
    fn fates(&self, bounds: Bounds) -> Vec<[Fate; DESTINATIONS]> {
        let room = [self.has_room(0, bounds), self.has_room(1, bounds)];
        let free = bounds.flight.saturating_sub(self.in_flight());
        let mut found = Vec::new();
        for first in Fate::ALL {
            for second in Fate::ALL {
                let flying = usize::from(first.flies()) + usize::from(second.flies());
                let copies = u8::from(first == Fate::Doubled) + u8::from(second == Fate::Doubled);
                let fits = (room[0] || !first.arrives()) && (room[1] || !second.arrives());
                if fits && flying <= free && copies <= self.copies_left {
                    found.push([first, second]);
                }
            }
        }
        found
    }

    fn flush(&mut self, intake: usize, to: [Option<i8>; SOURCES], fates: [Fate; DESTINATIONS]) {
        let Intake { configuration, flushed } = self.intakes[intake];
        let spans =
            std::array::from_fn(|source| Some(Span { previous: flushed[source]?, last: to[source]? }));
        let version = to.into_iter().flatten().map(|last| configuration.version(last)).max().unwrap_or(1);
        for (destination, fate) in fates.into_iter().enumerate() {
            let pack = Pack { destination: destination as u8, version, spans };
            if fate.arrives() {
                self.append(destination, Entry::Pack(pack));
            }
            if fate.flies() {
                // `None` sorts first, so a free slot is in front.
                self.flight[0] = Some(pack);
                self.flight.sort_unstable();
            }
            self.copies_left -= u8::from(fate == Fate::Doubled);
        }
        for source in 0..SOURCES {
            self.intakes[intake].flushed[source] = to[source].or(flushed[source]);
        }
    }

    fn has_room(&self, destination: usize, bounds: Bounds) -> bool {
        self.log_length(destination) < bounds.log.max(1)
    }

    fn append(&mut self, destination: usize, entry: Entry) {
        if let Some(free) = self.logs[destination].iter_mut().find(|slot| slot.is_none()) {
            *free = Some(entry);
        }
    }

    fn remove_from_flight(&mut self, slot: usize) {
        self.flight[slot] = None;
        self.flight.sort_unstable();
    }

    fn decide(&mut self, destination: usize, checks: Checks) {
        if let Some(entry) = self.logs[destination][0].take() {
            self.destinations[destination] = self.destinations[destination].after(entry, checks);
        }
    }

    /// Whether some pack, in flight or next in its log, holds a range with such a verdict.
    fn meets(&self, checks: Checks, wanted: fn(Admission) -> bool) -> bool {
        let next_in_logs = self.logs.iter().filter_map(|log| match log[0] {
            Some(Entry::Pack(pack)) => Some(pack),
            _ => None,
        });
        self.flight.into_iter().flatten().chain(next_in_logs).any(|pack| {
            let destination = &self.destinations[usize::from(pack.destination)];
            destination.verdicts(&pack, checks).into_iter().flatten().any(wanted)
        })
    }

    /// From here, with no further failure, does everything get applied exactly once?
    /// The rightly configured intake starts again with both sources, reads to the end and sends, and
    /// decide applies it all. Asked only where nothing is under way: `Arrive` and `Decide` lead there
    /// from every state.
    fn can_finish(&self, checks: Checks) -> bool {
        if self.in_flight() > 0 || self.logs != [[None; LOG_MAX]; DESTINATIONS] {
            return true;
        }
        let mut state = *self;
        for destination in 0..DESTINATIONS {
            if !state.announced[destination] {
                state.announced[destination] = true;
                state.destinations[destination] =
                    state.destinations[destination].after(Entry::Announced, checks);
            }
        }
        if state.loser().is_some_and(|source| state.start(source, checks).is_none()) && checks.skip {
            for destination in 0..DESTINATIONS {
                state.tell(destination);
                state.decide(destination, checks);
            }
        }
        let right = state.intakes.iter().position(|intake| intake.configuration == Configuration::Right);
        let Some(right) = right else { return false };
        state.intakes[right].flushed = std::array::from_fn(|source| state.start(source, checks));
        for source in [0, 0, 1, 1] {
            // Twice each: up to the boundary, and beyond it.
            let mut to = [None; SOURCES];
            to[source] = state.reach(right, source, checks);
            if to[source].is_some() {
                state.flush(right, to, [Fate::Arrives; DESTINATIONS]);
                (0..DESTINATIONS).for_each(|destination| state.decide(destination, checks));
            }
        }
        state.is_complete()
    }
}

impl Model for Covering {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        self.bounds.others.iter().map(|other| State::first(*other, self.bounds)).collect()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.destinations.iter().any(|destination| destination.fault.is_some()) {
            return; // a found fault is an end
        }
        let fates = state.fates(self.bounds);
        for intake in 0..INTAKES {
            for source in 0..SOURCES {
                if state.restarts_left > 0 && state.intakes[intake].flushed[source].is_none() {
                    actions.push(Action::TakeOver { intake, source });
                }
            }
            state.flushes(intake, self, &fates, actions);
            if state.restarts_left > 0 {
                actions.push(Action::Crash { intake });
            }
        }
        for slot in 0..FLIGHT_MAX {
            let Some(pack) = state.flight[slot] else { continue };
            if slot > 0 && state.flight[slot - 1] == state.flight[slot] {
                continue; // the same pack twice: one of them is enough
            }
            actions.push(Action::Lose { slot });
            if state.has_room(usize::from(pack.destination), self.bounds) {
                actions.push(Action::Arrive { slot });
                if state.copies_left > 0 {
                    actions.push(Action::ArriveTwice { slot });
                }
            }
        }
        for source in (0..SOURCES).filter(|_| self.bounds.losses && state.loser().is_none()) {
            if state.destinations.iter().all(|destination| destination.covered[source].is_some()) {
                actions.extend((1..RECORDS).map(|to| Action::Forget { source, to }));
            }
        }
        for destination in 0..DESTINATIONS {
            if !state.announced[destination] && state.has_room(destination, self.bounds) {
                actions.push(Action::Announce { destination });
            }
            if state.log_length(destination) > 0 {
                actions.push(Action::Decide { destination });
            }
            if state.loser().is_some() && !state.told[destination] && state.has_room(destination, self.bounds)
            {
                actions.push(Action::Skip { destination });
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = *last;
        match action {
            Action::ReadAndFlush { intake, to, fates } => state.flush(intake, to, fates),
            Action::Arrive { slot } | Action::ArriveTwice { slot } => {
                let pack = state.flight[slot]?;
                state.append(usize::from(pack.destination), Entry::Pack(pack));
                if matches!(action, Action::ArriveTwice { .. }) {
                    state.copies_left -= 1;
                } else {
                    state.remove_from_flight(slot);
                }
            }
            Action::Lose { slot } => state.remove_from_flight(slot),
            Action::Announce { destination } => {
                state.announced[destination] = true;
                state.append(destination, Entry::Announced);
            }
            Action::Decide { destination } => state.decide(destination, self.checks),
            Action::Forget { source, to } => state.gone[source] = to,
            Action::Skip { destination } => state.tell(destination),
            Action::Crash { intake } => {
                state.restarts_left -= 1;
                for source in 0..SOURCES {
                    if state.intakes[intake].flushed[source].is_some() {
                        state.intakes[intake].flushed[source] = state.start(source, self.checks);
                    }
                }
            }
            Action::TakeOver { intake, source } => {
                state.restarts_left -= 1;
                state.intakes[intake].flushed[source] = state.start(source, self.checks);
            }
        }
        if self.bounds.log == 0 {
            (0..DESTINATIONS).for_each(|destination| state.decide(destination, self.checks));
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(NEVER_TWICE, |_, state: &State| !state.has_fault(Fault::AppliedTwice)),
            Property::always(NEVER_OVER_GAP, |_, state: &State| !state.has_fault(Fault::AppliedOverGap)),
            Property::always(NEVER_WRONG_VERSION, |_, state: &State| {
                !state.has_fault(Fault::AppliedUnderWrongVersion)
            }),
            Property::always(COVERAGE_TRUE, |_, state: &State| !state.has_fault(Fault::CoverageUntrue)),
            Property::always(CAN_FINISH, |model: &Covering, state: &State| state.can_finish(model.checks)),
            Property::sometimes(ALL_APPLIED, |_, state: &State| state.is_complete()),
            Property::sometimes(STALE_MET, |model: &Covering, state: &State| {
                state.meets(model.checks, |verdict| verdict == Admission::Stale)
            }),
            Property::sometimes(GAP_MET, |model: &Covering, state: &State| {
                state.meets(model.checks, |verdict| verdict == Admission::Gap)
            }),
            Property::sometimes(WRONG_VERSION_MET, |model: &Covering, state: &State| {
                state.meets(model.checks, |verdict| verdict == Admission::WrongVersion)
            }),
        ]
    }
}

pub const NEVER_TWICE: &str = "no fact is applied twice";
pub const NEVER_OVER_GAP: &str = "no fact is applied over a gap or out of order";
pub const NEVER_WRONG_VERSION: &str = "no fact is applied that a wrong version made";
pub const COVERAGE_TRUE: &str = "what is covered is what was applied, and it never falls";
pub const CAN_FINISH: &str = "from every state all facts can still be applied exactly once";
pub const ALL_APPLIED: &str = "all facts are applied";
pub const STALE_MET: &str = "a range arrives that was applied before";
pub const GAP_MET: &str = "a range arrives over a gap";
pub const WRONG_VERSION_MET: &str = "a range arrives that a wrong version made";
