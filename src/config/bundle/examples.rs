//! The examples that rules and limits carry: what happens, and whether they fire.

use super::files::{ExampleDecl, FlowLimitFile, RuleFile};
use super::load::Bundle;
use super::profile::Profile;
use super::values::named;

/// One example of a rule or limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The rule's or limit's id.
    pub rule: String,
    /// Path of its file below the rules folder.
    pub file: String,
    /// Its place in the file, from 0.
    pub place: usize,
    /// A scenario, as `cli::scenario` reads it.
    pub events: String,
    /// Whether the rule fires in it.
    pub fires: bool,
    /// The operating point to play it in.
    pub profile: Profile,
    pub is_limit: bool,
}

/// All examples, by file and place.
pub(super) fn examples(bundle: &mut Bundle) -> Vec<Example> {
    let mut examples = Vec::new();
    for (path, id) in bundle.paths("rules") {
        // A file in another shape was noted when the rules were read.
        if let Some(file) = bundle.quietly::<RuleFile>(&path) {
            let profiles = file.profiles.unwrap_or_default();
            let first = Profile::ALL
                .into_iter()
                .find(|profile| profiles.is_empty() || profiles.iter().any(|name| name == profile.name()));
            read(
                bundle,
                (&path, &id, false),
                &file.examples,
                first.unwrap_or(Profile::Strict),
                &mut examples,
            );
        }
    }
    for (path, id) in bundle.paths("limits") {
        if bundle.has(&path, "condition")
            && let Some(file) = bundle.quietly::<FlowLimitFile>(&path)
        {
            read(bundle, (&path, &id, true), &file.examples, Profile::Strict, &mut examples);
        }
    }
    examples
}

fn read(
    bundle: &mut Bundle,
    (path, id, is_limit): (&str, &str, bool),
    written: &[ExampleDecl],
    usual: Profile,
    into: &mut Vec<Example>,
) {
    for (place, example) in written.iter().enumerate() {
        let key = |part: &str| format!("examples.{place}.{part}");
        let fires = named("expectation", &example.expect, [("fires", true), ("silent", false)]);
        let fires = bundle.note(path, &key("expect"), fires);
        let profile = match &example.profile {
            Some(name) => bundle.note(path, &key("profile"), Profile::from_name(name)),
            None => Some(usual),
        };
        if example.events.trim().is_empty() {
            bundle.problems.add(path, &key("events"), "is empty; write what happens, one event a line");
        }
        if let (Some(fires), Some(profile)) = (fires, profile) {
            into.push(Example {
                rule: id.to_owned(),
                file: path.to_owned(),
                place,
                events: example.events.clone(),
                fires,
                profile,
                is_limit,
            });
        }
    }
}
