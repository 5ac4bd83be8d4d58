//! Data of abnormal customers and what a customer authorises about it (APL 18(4), ARCHITECTURE S22,
//! DESIGN D18; law.md L7).
//!
//! Two locks, each by itself: such data is held of a customer only while an anomaly is open on them, and it
//! serves another use than fraud prevention only under an authorisation of that customer, which names the
//! use, the data and an end, and which they can take back at any moment (PIPL 15).

use std::sync::Arc;

use super::base::{Fingerprint, TimeMs};
use super::fact::Feed;
use super::life::{Word, words};
use super::purpose::Purpose;
use super::subject::Subject;

words! {
    /// A use that a customer can open with an authorisation. The list is closed: it holds what serves the
    /// customer, and nothing that DESIGN D20 rules out.
    AuthorisedUse {
        /// Warning or calling the customer as a likely victim (APL 34).
        Victim "victim",
        /// Softening or waiving a measure on the customer (DESIGN D27).
        Protection "protection",
    }
}

impl AuthorisedUse {
    #[must_use]
    pub fn purpose(self) -> Purpose {
        match self {
            AuthorisedUse::Victim => Purpose::VICTIM,
            AuthorisedUse::Protection => Purpose::PROTECTION,
        }
    }

    #[must_use]
    pub fn of_purpose(purpose: Purpose) -> Option<AuthorisedUse> {
        Self::ALL.iter().copied().find(|one| one.purpose() == purpose)
    }
}

words! {
    /// A class of data of Art. 18(4).
    TraceClass {
        /// The device that was used.
        Device "device",
        /// Where it was used.
        Location "location",
    }
}

impl TraceClass {
    /// The feed by which data of this class reaches logs.
    #[must_use]
    pub fn feed(self) -> Feed {
        match self {
            TraceClass::Device => Feed::DeviceSeenCustomer,
            TraceClass::Location => Feed::LocationSeenCustomer,
        }
    }
}

/// Some of the classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TraceClasses(u8);

impl TraceClasses {
    /// All classes together.
    pub const BITS: u8 = 0b11;

    #[must_use]
    pub fn with(self, class: TraceClass) -> TraceClasses {
        TraceClasses(self.0 | 1 << class as u8)
    }

    #[must_use]
    pub fn has(self, class: TraceClass) -> bool {
        self.0 & (1 << class as u8) != 0
    }

    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether all of some feeds that are of Art. 18(4) are of these classes.
    #[must_use]
    pub fn covers(self, feeds: u32) -> bool {
        let of_class = |class: &TraceClass| feeds & class.feed().bit() != 0;
        TraceClass::ALL.iter().filter(|class| of_class(class)).all(|class| self.has(*class))
    }

    #[must_use]
    pub fn bits(self) -> u8 {
        self.0
    }

    /// Reads what `bits` gave; none for bits that no class has.
    #[must_use]
    pub fn from_bits(bits: u8) -> Option<TraceClasses> {
        (bits <= TraceClasses::BITS).then_some(TraceClasses(bits))
    }
}

/// What a customer authorised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The event that it came by; a correction of it finds it again.
    pub event: Fingerprint,
    pub at: TimeMs,
    pub opens: AuthorisedUse,
    pub data: TraceClasses,
    /// It ends by itself: holds in `[at, until)`.
    pub until: TimeMs,
}

/// One authorisation, by the number of its record. A revocation may be heard of before the grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorisation {
    pub number: Arc<str>,
    pub grant: Option<Grant>,
    /// Once revoked it never holds again, of whatever time the question is.
    pub revoked: Option<TimeMs>,
}

impl Authorisation {
    /// The last moment that matters of it; its term to be kept counts from there.
    #[must_use]
    pub fn over_at(&self) -> TimeMs {
        let granted = self.grant.map(|grant| if self.revoked.is_some() { grant.at } else { grant.until });
        granted.max(self.revoked).unwrap_or(TimeMs::MIN)
    }

    fn opens(&self, asked: AskedUse) -> Option<TimeMs> {
        let grant = self.grant.filter(|_| self.revoked.is_none() && self.over_at() > asked.forgotten)?;
        let holds = grant.at <= asked.at && asked.at < grant.until;
        (holds && grant.opens == asked.of && grant.data.covers(asked.feeds)).then_some(grant.at)
    }
}

/// For what an authorisation is looked for.
#[derive(Clone, Copy, Debug)]
pub struct AskedUse {
    pub of: AuthorisedUse,
    /// The feeds that are read.
    pub feeds: u32,
    pub at: TimeMs,
    /// What was over at or before this is forgotten (S20).
    pub forgotten: TimeMs,
}

/// An anomaly that is open on a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenAnomaly {
    /// Data from before is not held.
    pub since: TimeMs,
    /// The parties whose logs hold such data, besides the holder's own.
    pub traced: Vec<Subject>,
}

/// What Art. 18(4) is about, of one holder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    /// In the order in which they were first heard of.
    pub authorisations: Vec<Authorisation>,
    pub anomaly: Option<OpenAnomaly>,
}

impl Traces {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.authorisations.is_empty() && self.anomaly.is_none()
    }

    /// The authorisation with that number, begun if none is known.
    pub fn numbered(&mut self, number: &Arc<str>) -> &mut Authorisation {
        let place = match self.authorisations.iter().position(|known| known.number == *number) {
            Some(place) => place,
            None => {
                let number = Arc::clone(number);
                self.authorisations.push(Authorisation { number, grant: None, revoked: None });
                self.authorisations.len() - 1
            }
        };
        // The place was found or made just above.
        &mut self.authorisations[place]
    }

    /// The number of the authorisation under which a use is open: of several the one granted first.
    #[must_use]
    pub fn opened_by(&self, asked: AskedUse) -> Option<&Arc<str>> {
        let open = self.authorisations.iter().filter_map(|one| Some((one.opens(asked)?, &one.number)));
        // Of equal times the one that was heard of first.
        open.min_by_key(|(granted, _)| *granted).map(|(_, number)| number)
    }

    /// Takes out the grants of an event.
    pub fn undo(&mut self, event: Fingerprint) {
        for known in &mut self.authorisations {
            known.grant.take_if(|grant| grant.event == event);
        }
        self.authorisations.retain(|known| known.grant.is_some() || known.revoked.is_some());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(at: i64, until: i64, data: &[TraceClass]) -> Grant {
        let data = data.iter().fold(TraceClasses::default(), |all, class| all.with(*class));
        let (at, until) = (TimeMs(at), TimeMs(until));
        Grant { event: Fingerprint(at.0.unsigned_abs()), at, opens: AuthorisedUse::Victim, data, until }
    }

    fn asked(at: i64, feeds: u32) -> AskedUse {
        AskedUse { of: AuthorisedUse::Victim, feeds, at: TimeMs(at), forgotten: TimeMs::MIN }
    }

    #[test]
    fn it_opens_its_use_of_its_data_from_the_grant_until_the_end() {
        let device = TraceClass::Device.feed().bit();
        let mut traces = Traces::default();
        traces.numbered(&Arc::from("A-1")).grant = Some(granted(10, 20, &[TraceClass::Device]));
        let by = |traces: &Traces, asked| traces.opened_by(asked).map(|number| number.to_string());
        assert_eq!(by(&traces, asked(9, device)), None);
        assert_eq!(by(&traces, asked(10, device)).as_deref(), Some("A-1"));
        assert_eq!(by(&traces, asked(19, device)).as_deref(), Some("A-1"));
        assert_eq!(by(&traces, asked(20, device)), None);
        assert_eq!(by(&traces, asked(15, device | TraceClass::Location.feed().bit())), None);
        assert_eq!(by(&traces, AskedUse { of: AuthorisedUse::Protection, ..asked(15, device) }), None);
        assert_eq!(by(&traces, AskedUse { forgotten: TimeMs(20), ..asked(15, device) }), None);
    }

    #[test]
    fn a_revoked_one_opens_nothing_of_any_time() {
        let device = TraceClass::Device.feed().bit();
        let mut traces = Traces::default();
        traces.numbered(&Arc::from("A-1")).revoked = Some(TimeMs(18));
        traces.numbered(&Arc::from("A-1")).grant = Some(granted(10, 20, &[TraceClass::Device]));
        assert_eq!(traces.opened_by(asked(12, device)), None);
        assert_eq!(traces.authorisations.len(), 1);
    }

    #[test]
    fn every_use_is_a_named_purpose_that_keeps_no_suspicion() {
        use crate::engine::purpose::Use;
        for one in AuthorisedUse::ALL.iter().copied() {
            assert_eq!(Purpose::from_name(one.name()), Some(one.purpose()));
            assert_eq!(AuthorisedUse::of_purpose(one.purpose()), Some(one));
            assert!(!one.purpose().permits(Use::AnomalyMeasure), "{}", one.name());
        }
    }
}
