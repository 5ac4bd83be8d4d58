//! JSON Schemas of the outputs, generated from the structs that write them.

use schemars::{JsonSchema, Schema, schema_for};
use serde_json::{Value, json};

use super::dead_letter::UnmatchedData;
use super::decided::DecidedData;
use super::disposition::{self, AcceptedData, EndedData, LapsedData, SetData};
use super::envelope::CloudEvent;
use super::measure::{self, InForceData};
use super::notice::{self, EndedNoticeData, SetNoticeData};
use super::observation::{self, ObservationData};

/// Every output's name and JSON Schema (2020-12), in a fixed order. The name of a CloudEvent is its `type`.
#[must_use]
pub fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        event::<AcceptedData<'_>>(disposition::OPENING_ACCEPTED),
        event::<SetData<'_>>(disposition::MEASURE_SET),
        event::<EndedData<'_>>(disposition::MEASURE_ENDED),
        event::<LapsedData<'_>>(disposition::RESERVATION_LAPSED),
        event::<SetNoticeData<'_>>(notice::OF_SET),
        event::<EndedNoticeData<'_>>(notice::OF_ENDED),
        event::<InForceData<'_>>(measure::IN_FORCE),
        event::<ObservationData<'_>>(observation::OBSERVED),
        plain("duecourse.decided.v1", schema_for!(DecidedData)),
        plain("duecourse.dead_letter.unmatched.v1", schema_for!(UnmatchedData)),
    ]
}

fn event<T: JsonSchema>(event_type: &'static str) -> (&'static str, Value) {
    let (name, mut schema) = plain(event_type, schema_for!(CloudEvent<T>));
    for (field, value) in
        [("specversion", "1.0"), ("type", event_type), ("datacontenttype", "application/json")]
    {
        if let Some(field) = schema.pointer_mut(&format!("/properties/{field}")) {
            *field = json!({ "const": value });
        }
    }
    (name, schema)
}

fn plain(name: &'static str, schema: Schema) -> (&'static str, Value) {
    let mut schema = schema.to_value();
    if let Some(object) = schema.as_object_mut() {
        object.insert("title".to_owned(), json!(name));
    }
    (name, schema)
}
