//! The committed JSON Schemas of the outputs are what the Rust types say.
//! `UPDATE_SCHEMAS=1 cargo test --test output_schemas` rewrites them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/schemas/outputs")
}

#[test]
fn committed_schemas_of_outputs_have_not_drifted() {
    let folder = folder();
    let mut names = BTreeSet::new();
    for (name, schema) in duecourse::codec::output::schemas() {
        let file = format!("{name}.schema.json");
        let expected = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        let path = folder.join(&file);
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &expected).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == expected,
            "{file} has drifted: run UPDATE_SCHEMAS=1 cargo test --test output_schemas"
        );
        names.insert(file);
    }
    let present: BTreeSet<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(present, names, "a schema without an output, or the other way round");
}

#[test]
fn every_event_schema_names_its_type_and_requires_its_envelope() {
    for (name, schema) in duecourse::codec::output::schemas() {
        let Some(event_type) = schema.pointer("/properties/type/const") else {
            assert!(name.contains("decided") || name.contains("dead_letter"), "{name} has no type");
            continue;
        };
        assert_eq!(event_type, name);
        let required: BTreeSet<&str> =
            schema["required"].as_array().unwrap().iter().map(|field| field.as_str().unwrap()).collect();
        let envelope = ["specversion", "id", "type", "source", "time", "datacontenttype", "data"];
        // What many partitions did together has no time.
        let has_time = |field: &str| field != "time" || !name.contains("rule_shadowed");
        let mut envelope = envelope.iter().filter(|field| has_time(field));
        assert!(envelope.all(|field| required.contains(field)), "{name}: {required:?}");
    }
}
