//! Sources, destinations and intakes are interchangeable: of the eight states that differ only in
//! their numbering, the search keeps the smallest.

use stateright::Representative;

use super::pieces::{Entry, Pack};
use super::system::State;

impl Representative for State {
    fn representative(&self) -> State {
        let mut least = *self;
        for numbering in 1..8_u8 {
            let mut other = *self;
            if numbering & 1 != 0 {
                other.intakes.swap(0, 1);
            }
            if numbering & 2 != 0 {
                other.swap_sources();
            }
            if numbering & 4 != 0 {
                other.swap_destinations();
            }
            other.flight.sort_unstable();
            least = least.min(other);
        }
        least
    }
}

impl State {
    fn swap_sources(&mut self) {
        self.intakes.iter_mut().for_each(|intake| intake.flushed.swap(0, 1));
        self.packs(|pack| pack.spans.swap(0, 1));
        for destination in &mut self.destinations {
            destination.covered.swap(0, 1);
            destination.applied.swap(0, 1);
        }
    }

    fn swap_destinations(&mut self) {
        self.packs(|pack| pack.destination = 1 - pack.destination);
        self.logs.swap(0, 1);
        self.announced.swap(0, 1);
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
