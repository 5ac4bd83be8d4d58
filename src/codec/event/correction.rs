//! Corrections: an earlier event was wrong.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::field::{EventTime, Text};
use super::object::optional_object;

/// An earlier event was wrong: `before` is taken out, `after` put in its place. Both are whole: the
/// event as it was sent, and as it should have been. Without `after` the event never happened.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct EventCorrected<'a> {
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub original_event_id: Text<'a>,
    /// The event type of `before` and `after`.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub original_type: Text<'a>,
    #[serde(borrow, default, deserialize_with = "optional_object", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<EventState<'static>>")]
    pub before: Option<EventState<'a>>,
    #[serde(borrow, default, deserialize_with = "optional_object", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<EventState<'static>>")]
    pub after: Option<EventState<'a>>,
}

/// One form of an event: its time and its whole data.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct EventState<'a> {
    pub time: EventTime,
    /// The data of an event of `original_type`.
    #[serde(borrow)]
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub data: &'a RawValue,
}

impl std::fmt::Debug for EventState<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventState").field("time", &self.time).finish_non_exhaustive()
    }
}
