//! Published evidence, read back (`codec::output` writes it).

use serde::Deserialize;
use serde_json::{Number, Value};

/// What a disposition or an observation was decided on. Missing parts are empty: older outputs lack some.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Evidence {
    pub strength_millionths: u64,
    pub comparisons: Vec<Comparison>,
    pub signs: Vec<Comparison>,
    pub signals: Vec<Signal>,
    pub count: Option<Count>,
    pub softened: Option<Softened>,
    pub braked: bool,
    pub near_misses: Vec<NearMiss>,
    pub cleared_without: Vec<String>,
    pub digest: String,
    pub shortened: bool,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Comparison {
    pub text: String,
    left: Number,
    pub operator: String,
    right: Number,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Signal {
    pub name: String,
    pub subject: String,
    pub value: i64,
    pub cold: bool,
    pub window: Option<String>,
    /// Number of the customer's authorisation it was read under.
    #[serde(default)]
    pub authorisation: Option<String>,
    pub events_count: u64,
    pub events: Vec<Event>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Event {
    pub event: String,
    pub at: String,
    pub amount: i64,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Count {
    pub held: u32,
    pub elsewhere: Option<u32>,
    pub count_max: u32,
}

#[derive(Clone, Debug, Deserialize)]
pub struct RuleRead {
    pub id: String,
    pub version: u32,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Softened {
    pub by: RuleRead,
    pub asked: String,
    #[serde(default)]
    pub authorisations: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct NearMiss {
    pub rule: RuleRead,
    pub missed: Vec<Missed>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Missed {
    #[serde(flatten)]
    pub shown: Comparison,
    /// The history behind its values was not yet complete: nobody could say.
    #[serde(default)]
    pub uncertain: bool,
}

impl Evidence {
    /// The evidence of a published record; empty when it has none or it is of another form.
    #[must_use]
    pub fn of(record: &Value) -> Evidence {
        record
            .pointer("/data/evidence")
            .and_then(|found| Evidence::deserialize(found).ok())
            .unwrap_or_default()
    }

    /// An event that is listed, by its fingerprint.
    #[must_use]
    pub fn event(&self, fingerprint: &str) -> Option<&Event> {
        self.signals.iter().flat_map(|signal| &signal.events).find(|event| event.event == fingerprint)
    }
}

impl Comparison {
    #[must_use]
    pub fn left(&self) -> i128 {
        integer(&self.left)
    }

    #[must_use]
    pub fn right(&self) -> i128 {
        integer(&self.right)
    }
}

/// A written integer. One beyond 64 bits was read as the nearest float: good enough to be shown.
fn integer(number: &Number) -> i128 {
    number.as_i128().unwrap_or_else(|| number.as_f64().unwrap_or_default() as i128)
}
