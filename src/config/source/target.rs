//! What a mapping can fill: the fields of an event type, by their paths in its schema.

use serde_json::Value;

use crate::codec::event::{EventType, schema};

/// The type of a field, as far as a mapping cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetType {
    Text,
    Integer,
    Flag,
}

/// All fields of an event type that a mapping can fill: dotted path and type. Lists cannot be mapped.
pub fn targets(kind: EventType) -> Vec<(String, TargetType)> {
    let whole = schema::structured(kind).to_value();
    let mut found = Vec::new();
    if let Some(data) = whole.pointer("/properties/data") {
        collect(&whole, data, "", &mut found);
    }
    found
}

fn collect(whole: &Value, schema: &Value, path: &str, found: &mut Vec<(String, TargetType)>) {
    let schema = resolved(whole, schema);
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        for (name, property) in properties {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            collect(whole, property, &path, found);
        }
        return;
    }
    let type_name = match schema.get("type") {
        Some(Value::Array(types)) => types.first().and_then(Value::as_str),
        Some(name) => name.as_str(),
        None => None,
    };
    let target_type = match type_name {
        Some("integer") => TargetType::Integer,
        Some("boolean") => TargetType::Flag,
        Some("string") => TargetType::Text,
        _ => return,
    };
    found.push((path.to_owned(), target_type));
}

/// Follows references, and of an optional field takes the part that is not null.
fn resolved<'s>(whole: &'s Value, schema: &'s Value) -> &'s Value {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let pointer = reference.trim_start_matches('#');
        return whole.pointer(pointer).map_or(schema, |found| resolved(whole, found));
    }
    match schema.get("anyOf").and_then(Value::as_array).and_then(|choices| choices.first()) {
        Some(choice) => resolved(whole, choice),
        None => schema,
    }
}
