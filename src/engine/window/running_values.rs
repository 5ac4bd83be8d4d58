//! The running values of all long logs of a partition, apart from the logs: no snapshot has them, so what is
//! copied for one does not take them along, however busy a customer is.

use std::num::NonZeroU32;

use super::running::Running;

/// Where the running values of a log are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place(NonZeroU32);

impl Place {
    fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// Invariant: a place that a log knows is known to no other log, and is not free.
#[derive(Debug, Default)]
pub(super) struct RunningValues {
    places: Vec<Option<Box<Running>>>,
    free: Vec<Place>,
}

impl RunningValues {
    pub fn get(&self, place: Option<Place>) -> Option<&Running> {
        self.places.get(place?.index())?.as_deref()
    }

    /// Takes a log's values out: they are put back, or the log has none any more.
    pub fn take(&mut self, place: &mut Option<Place>) -> Option<Box<Running>> {
        let place = place.take()?;
        let taken = self.places.get_mut(place.index())?.take();
        self.free.push(place);
        taken
    }

    /// Puts values where a log finds them again.
    pub fn put(&mut self, running: Box<Running>) -> Option<Place> {
        let place = match self.free.pop() {
            Some(place) => place,
            None => {
                self.places.push(None);
                Place(NonZeroU32::new(u32::try_from(self.places.len()).ok()?)?)
            }
        };
        *self.places.get_mut(place.index())? = Some(running);
        Some(place)
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.places.iter().flatten().count()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Plan;
    use super::*;

    #[test]
    fn a_place_is_given_out_again_when_its_values_are_gone() {
        let mut values = RunningValues::default();
        let new = || Box::new(Running::new(&Plan::default()));
        let (mut first, mut second) = (values.put(new()), values.put(new()));
        let first_stood_at = values.get(first).map(std::ptr::from_ref);
        assert!(first_stood_at != values.get(second).map(std::ptr::from_ref));
        assert!(values.take(&mut second).is_some() && second.is_none());
        assert!(values.take(&mut second).is_none());
        let third = values.put(new());
        assert_eq!(values.places.len(), 2);
        assert!(values.get(third).is_some());
        assert_eq!(values.get(first).map(std::ptr::from_ref), first_stood_at);
        values.take(&mut first);
        assert_eq!(values.len(), 1);
    }
}
