//! How much of what goes on beside the payments was in flight, and how much of it came to its end.

use std::collections::BTreeMap;
use std::ops::{AddAssign, ControlFlow};

use duecourse::log::kafka::read_topic;
use serde_json::Value;

use crate::deployment::Deployment;

/// What is undone at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InFlight {
    /// Orders whose measure is in force.
    pub orders: u64,
    /// Appeals that were filed and not decided.
    pub appeals: u64,
    /// People who were told to verify themselves and have not.
    pub verifications: u64,
    /// Leads that left for an authority and were not answered.
    pub leads: u64,
    /// Authorisations that were granted and not revoked.
    pub authorisations: u64,
}

impl InFlight {
    /// Something of each is undone.
    pub fn is_rich(&self) -> bool {
        self.counts().iter().all(|count| *count > 0)
    }

    pub fn counts(&self) -> [u64; 5] {
        [self.orders, self.appeals, self.verifications, self.leads, self.authorisations]
    }
}

impl AddAssign for InFlight {
    fn add_assign(&mut self, other: InFlight) {
        self.orders += other.orders;
        self.appeals += other.appeals;
        self.verifications += other.verifications;
        self.leads += other.leads;
        self.authorisations += other.authorisations;
    }
}

/// Dispositions that only these cases lead to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    pub verified: u64,
    pub overturned: u64,
    pub orders_ended: u64,
    pub appeals_answered: u64,
    pub leads_answered: u64,
}

impl AddAssign for Settled {
    fn add_assign(&mut self, other: Settled) {
        self.verified += other.verified;
        self.overturned += other.overturned;
        self.orders_ended += other.orders_ended;
        self.appeals_answered += other.appeals_answered;
        self.leads_answered += other.leads_answered;
    }
}

/// What dispositions and leads tell of such cases.
pub fn settled(deployment: &Deployment) -> Settled {
    let connection = &deployment.connection;
    let mut settled = Settled::default();
    let mut ended: BTreeMap<String, u64> = BTreeMap::new();
    read_topic(connection, &deployment.topic("dispositions"), &mut |record| {
        let told: Value = serde_json::from_slice(record.value.unwrap_or_default()).unwrap_or_default();
        let text = |pointer: &str| told.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let kind = text("/type");
        settled.appeals_answered += u64::from(kind.contains("appeal_answered"));
        if kind.contains("measure_ended") {
            let is_order = text("/data/lane") == "authority";
            settled.orders_ended += u64::from(is_order);
            *ended.entry(text("/data/cause").to_owned()).or_default() += 1;
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    read_topic(connection, &deployment.topic("leads"), &mut |record| {
        let told: Value = serde_json::from_slice(record.value.unwrap_or_default()).unwrap_or_default();
        settled.leads_answered += u64::from(told.pointer("/data/outcome").is_some());
        ControlFlow::Continue(())
    })
    .unwrap();
    let count = |cause: &str| ended.get(cause).copied().unwrap_or(0);
    Settled { verified: count("verified"), overturned: count("overturned"), ..settled }
}
