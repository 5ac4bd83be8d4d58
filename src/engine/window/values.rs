//! Values that were found together.

/// Values of subjects' signals as of one moment, by the signals' numbers: kept, because equal questions
/// and questions over the same entries are answered together.
#[derive(Debug)]
pub struct Values {
    /// Which moment this is; what was kept of another does not count.
    moment: u32,
    slots: Vec<(u32, bool, i64)>,
}

impl Default for Values {
    fn default() -> Values {
        Values { moment: 1, slots: Vec::new() }
    }
}

impl Values {
    /// Forgets the moment, and keeps its memory for the next.
    pub fn clear(&mut self) {
        self.moment = self.moment.wrapping_add(1);
        if self.moment == 0 {
            *self = Values::default();
        }
    }

    #[must_use]
    pub fn get(&self, signal: usize) -> Option<(i64, bool)> {
        let (_, any, value) = self.slots.get(signal).filter(|(moment, ..)| *moment == self.moment)?;
        Some((*value, *any))
    }

    /// Makes room for as many signals as there are.
    pub(super) fn reserve(&mut self, count: usize) {
        if self.slots.len() < count {
            self.slots.resize(count, (0, false, 0));
        }
    }

    pub(super) fn keep(&mut self, signal: usize, (value, any): (i64, bool)) {
        if let Some(slot) = self.slots.get_mut(signal) {
            *slot = (self.moment, any, value);
        }
    }
}
