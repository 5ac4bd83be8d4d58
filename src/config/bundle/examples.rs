//! The examples that rules and limits carry: what happens, and whether they fire.
//!
//! An example may count by its rule's thresholds: `x{threshold.payees - 1}` is one less than the figure
//! that holds at the example's operating point. So it stays an example when the figure is chosen anew.

use std::collections::BTreeMap;

use super::files::{ExampleDecl, FigureDecl, FlowLimitFile, RuleFile, ThresholdDecl};
use super::load::Bundle;
use super::profile::Profile;
use super::rules::figure_at;
use super::values::named;
use crate::config::nearest::nearest;

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

type Thresholds = BTreeMap<String, ThresholdDecl>;

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
            let carrier = Carrier {
                path,
                id,
                is_limit: false,
                usual: first.unwrap_or(Profile::Strict),
                thresholds: file.thresholds,
            };
            read(bundle, &carrier, &file.examples, &mut examples);
        }
    }
    for (path, id) in bundle.paths("limits") {
        if bundle.has(&path, "condition")
            && let Some(file) = bundle.quietly::<FlowLimitFile>(&path)
        {
            let carrier =
                Carrier { path, id, is_limit: true, usual: Profile::Strict, thresholds: BTreeMap::new() };
            read(bundle, &carrier, &file.examples, &mut examples);
        }
    }
    examples
}

/// The rule or limit whose examples are read.
struct Carrier {
    path: String,
    id: String,
    is_limit: bool,
    /// The operating point of an example that names none.
    usual: Profile,
    thresholds: Thresholds,
}

fn read(bundle: &mut Bundle, carrier: &Carrier, written: &[ExampleDecl], into: &mut Vec<Example>) {
    let path = &carrier.path;
    for (place, example) in written.iter().enumerate() {
        let key = |part: &str| format!("examples.{place}.{part}");
        let fires = named("expectation", &example.expect, [("fires", true), ("silent", false)]);
        let fires = bundle.note(path, &key("expect"), fires);
        let profile = match &example.profile {
            Some(name) => bundle.note(path, &key("profile"), Profile::from_name(name)),
            None => Some(carrier.usual),
        };
        if example.events.trim().is_empty() {
            bundle.problems.add(path, &key("events"), "is empty; write what happens, one event a line");
        }
        let (Some(fires), Some(profile)) = (fires, profile) else { continue };
        let events = filled(&example.events, &carrier.thresholds, profile);
        if let Some(events) = bundle.note(path, &key("events"), events) {
            into.push(Example {
                rule: carrier.id.clone(),
                file: path.clone(),
                place,
                events,
                fires,
                profile,
                is_limit: carrier.is_limit,
            });
        }
    }
}

const OPENS: &str = "{threshold.";

/// The events with `{threshold.NAME}`, and `{threshold.NAME - 1}`, replaced by the figures.
fn filled(events: &str, thresholds: &Thresholds, profile: Profile) -> Result<String, String> {
    let mut filled = String::with_capacity(events.len());
    let mut rest = events;
    while let Some((before, after)) = rest.split_once(OPENS) {
        let (inside, after) =
            after.split_once('}').ok_or_else(|| format!("`{OPENS}` is not closed by a brace"))?;
        filled.push_str(before);
        filled.push_str(&figure(inside, thresholds, profile)?.to_string());
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// What `NAME`, `NAME - 2` or `NAME + 2` comes to.
fn figure(inside: &str, thresholds: &Thresholds, profile: Profile) -> Result<i64, String> {
    let words: Vec<&str> = inside.split_whitespace().collect();
    let unclear =
        || format!("`{OPENS}{inside}}}` is unclear; write `{{threshold.NAME}}` or `{{threshold.NAME - 1}}`");
    let (name, change) = match words.as_slice() {
        [name] => (*name, 0),
        [name, sign @ ("-" | "+"), count] => {
            let count: i64 = count.parse().map_err(|_| unclear())?;
            (*name, if *sign == "-" { -count } else { count })
        }
        _ => return Err(unclear()),
    };
    let Some(written) = thresholds.get(name) else {
        let near = nearest(name, thresholds.keys().map(String::as_str));
        let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        return Err(format!("the rule has no threshold `{name}`{near}"));
    };
    match figure_at(written, profile) {
        FigureDecl::Number(value) => Ok(value.saturating_add(change)),
        FigureDecl::Span(_) => {
            Err(format!("threshold `{name}` is a span of time; an example counts by whole numbers"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::files::EachDecl;
    use super::*;

    fn read(events: &str, profile: Profile) -> Result<String, String> {
        let each = EachDecl { strict: FigureDecl::Number(5), wide: FigureDecl::Number(4) };
        let span = ThresholdDecl::Same(FigureDecl::Span("24h".to_owned()));
        let thresholds =
            BTreeMap::from([("payees".to_owned(), ThresholdDecl::Each(each)), ("term".to_owned(), span)]);
        filled(events, &thresholds, profile)
    }

    #[test]
    fn an_example_counts_by_the_figure_of_its_operating_point() {
        let events =
            "+1h x{threshold.payees} a peer=N{n}\n+1h x{threshold.payees - 1} b x{threshold.payees + 2}";
        assert_eq!(read(events, Profile::Strict).unwrap(), "+1h x5 a peer=N{n}\n+1h x4 b x7");
        assert_eq!(read(events, Profile::Wide).unwrap(), "+1h x4 a peer=N{n}\n+1h x3 b x6");
    }

    #[test]
    fn a_figure_that_is_not_there_is_named_with_the_nearest() {
        let error = |events| read(events, Profile::Strict).unwrap_err();
        assert_eq!(
            error("x{threshold.payers}"),
            "the rule has no threshold `payers`; did you mean `payees`?"
        );
        assert!(error("x{threshold.payees").contains("is not closed"));
        assert!(error("x{threshold.payees / 2}").contains("is unclear"));
        assert!(error("x{threshold.term}").contains("is a span of time"));
    }
}
