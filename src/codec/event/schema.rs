//! JSON Schemas of the events, generated from their types and committed under `config/schemas/events/`.

use schemars::generate::SchemaSettings;
use schemars::{Schema, json_schema};

use super::field::EventTime;
use super::registry::EventType;

/// The schema of one event type in its structured form: CloudEvents attributes around the data.
#[must_use]
pub fn structured(kind: EventType) -> Schema {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let data = kind.data_schema(&mut generator);
    let time = generator.subschema_for::<EventTime>();
    let mut schema = json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("duecourse/events/{}/1", kind.name()),
        "title": kind.name(),
        "type": "object",
        "properties": {
            "specversion": { "const": super::envelope::SPEC_VERSION },
            "id": { "type": "string", "minLength": 1 },
            "source": { "type": "string", "minLength": 1 },
            "type": { "const": kind.name() },
            "time": time,
            "data": data,
        },
        "required": ["specversion", "id", "source", "type", "time", "data"],
    });
    let definitions = generator.take_definitions(true);
    if !definitions.is_empty() {
        schema.insert("$defs".into(), definitions.into());
    }
    schema
}

/// The committed text of a schema.
#[must_use]
pub fn text(kind: EventType) -> String {
    // A schema is a JSON value already, so writing it cannot fail.
    let mut text = serde_json::to_string_pretty(&structured(kind)).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_schemas_are_those_of_the_types() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/config/schemas/events");
        for kind in EventType::ALL {
            let path = format!("{folder}/{}.schema.json", kind.name());
            if std::env::var_os("UPDATE_SCHEMAS").is_some() {
                std::fs::write(&path, text(*kind)).unwrap();
            }
            let committed = std::fs::read_to_string(&path).unwrap_or_default();
            assert_eq!(committed, text(*kind), "{path} drifted; run with UPDATE_SCHEMAS=1");
        }
        let files = std::fs::read_dir(folder).unwrap().count();
        assert_eq!(files, EventType::ALL.len(), "a schema without a type is left over");
    }
}
