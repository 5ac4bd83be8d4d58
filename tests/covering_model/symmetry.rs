//! Sources, destinations and intakes are interchangeable: of the eight states that differ only in
//! their numbering, the search keeps the one with the smallest number.
//!
//! A state is small enough to be written as one number without loss, which is also what it hashes as.

use std::hash::{Hash, Hasher};

use stateright::Representative;

use super::destination::Destination;
use super::pieces::{Entry, FLIGHT_MAX, LOG_MAX, Pack, Span};
use super::system::{Intake, State};

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.number(&Codes::of(self, false), false, false).hash(hasher);
    }
}

impl Representative for State {
    fn representative(&self) -> State {
        let codes = [Codes::of(self, false), Codes::of(self, true)];
        let mut least = (u128::MAX, 0, false, false);
        for (sources, codes) in codes.iter().enumerate() {
            for destinations in [false, true] {
                for intakes in [false, true] {
                    let number = self.number(codes, destinations, intakes);
                    if number < least.0 {
                        least = (number, sources, destinations, intakes);
                    }
                }
            }
        }
        let mut chosen = *self;
        if least.1 == 1 {
            chosen.swap_sources();
        }
        if least.2 {
            chosen.swap_destinations();
        }
        if least.3 {
            chosen.intakes.swap(0, 1);
        }
        chosen.flight.sort_unstable();
        chosen
    }
}

/// The parts of a state as numbers, the sources swapped or not.
struct Codes {
    intakes: [u128; 2],
    destinations: [u128; 2],
    flight: [u128; FLIGHT_MAX],
    gone: u128,
}

const INTAKE_BITS: u32 = 8;
const DESTINATION_BITS: u32 = 36;
const PACK_BITS: u32 = 15;

impl Codes {
    fn of(state: &State, swapped: bool) -> Codes {
        let destination = |number: usize| {
            let announced = u128::from(state.told[number]) << 1 | u128::from(state.announced[number]);
            let log = entry_code(state.logs[number], swapped);
            (destination_code(&state.destinations[number], swapped) << 2 | announced) << 16 | log
        };
        Codes {
            intakes: [intake_code(state.intakes[0], swapped), intake_code(state.intakes[1], swapped)],
            destinations: [destination(0), destination(1)],
            flight: [pack_code(state.flight[0], swapped), pack_code(state.flight[1], swapped)],
            gone: {
                let [first, second] = pair(state.gone, swapped);
                (first as u128) << 2 | second as u128
            },
        }
    }
}

impl State {
    /// The state as a number, with destinations and intakes swapped or not.
    fn number(&self, codes: &Codes, destinations: bool, intakes: bool) -> u128 {
        let mut number = u128::from(self.restarts_left) << 2 | u128::from(self.copies_left);
        number = number << 4 | codes.gone;
        let [first, second] = codes.intakes;
        let [first, second] = if intakes { [second, first] } else { [first, second] };
        number = (number << INTAKE_BITS | first) << INTAKE_BITS | second;
        let [first, second] = codes.destinations;
        let [first, second] = if destinations { [second, first] } else { [first, second] };
        number = (number << DESTINATION_BITS | first) << DESTINATION_BITS | second;
        // The lowest bit of a pack is its destination.
        let readdressed = |pack: u128| if destinations && pack != 0 { pack ^ 1 } else { pack };
        let (first, second) = (readdressed(codes.flight[0]), readdressed(codes.flight[1]));
        (number << PACK_BITS | first.min(second)) << PACK_BITS | first.max(second)
    }

    fn swap_sources(&mut self) {
        self.intakes.iter_mut().for_each(|intake| intake.flushed.swap(0, 1));
        self.packs(|pack| pack.spans.swap(0, 1));
        self.gone.swap(0, 1);
        for entry in self.logs.iter_mut().flatten().flatten() {
            if let Entry::Skipped { source, .. } = entry {
                *source = 1 - *source;
            }
        }
        for destination in &mut self.destinations {
            destination.covered.swap(0, 1);
            destination.applied.swap(0, 1);
        }
    }

    fn swap_destinations(&mut self) {
        self.packs(|pack| pack.destination = 1 - pack.destination);
        self.logs.swap(0, 1);
        self.announced.swap(0, 1);
        self.told.swap(0, 1);
        self.destinations.swap(0, 1);
    }

    fn packs(&mut self, change: fn(&mut Pack)) {
        self.flight.iter_mut().flatten().for_each(change);
        for entry in self.logs.iter_mut().flatten().flatten() {
            if let Entry::Pack(pack) = entry {
                change(pack);
            }
        }
    }
}

/// An offset from -1 to 3, or none: 3 bits.
fn offset_code(offset: Option<i8>) -> u128 {
    match offset {
        Some(offset) => (offset + 2) as u128,
        None => 0,
    }
}

fn pair<T: Copy>([first, second]: [T; 2], swapped: bool) -> [T; 2] {
    if swapped { [second, first] } else { [first, second] }
}

fn intake_code(intake: Intake, swapped: bool) -> u128 {
    let [first, second] = pair(intake.flushed, swapped);
    (intake.configuration as u128) << 6 | offset_code(first) << 3 | offset_code(second)
}

/// 18 bits.
pub fn destination_code(destination: &Destination, swapped: bool) -> u128 {
    let [first, second] = pair(destination.covered, swapped);
    let covered = offset_code(first) << 3 | offset_code(second);
    let [first, second] = pair(destination.applied, swapped);
    let applied = offset_code(Some(first)) << 3 | offset_code(Some(second));
    let fault = destination.fault.map_or(0, |fault| fault as u128 + 1);
    ((covered << 6 | applied) << 3 | fault) << 1 | u128::from(destination.announced)
}

fn span_code(span: Option<Span>) -> u128 {
    span.map_or(0, |span| ((span.previous + 1) as u128) << 3 | (span.last + 1) as u128)
}

/// 15 bits; 0 is none.
fn pack_code(pack: Option<Pack>, swapped: bool) -> u128 {
    let Some(pack) = pack else { return 0 };
    let [first, second] = pair(pack.spans, swapped);
    ((span_code(first) << 6 | span_code(second)) << 2 | u128::from(pack.version)) << 1
        | u128::from(pack.destination)
}

/// 16 bits; 0 is none.
pub fn entry_code(entry: [Option<Entry>; LOG_MAX], swapped: bool) -> u128 {
    match entry[0] {
        None => 0,
        Some(Entry::Announced) => 1,
        Some(Entry::Skipped { source, to }) => {
            let source = if swapped { 1 - source } else { source };
            u128::from(source) << 4 | (to as u128) << 2 | 3
        }
        Some(Entry::Pack(pack)) => pack_code(Some(pack), swapped) << 1,
    }
}
