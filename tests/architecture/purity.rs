//! The engine is pure (DESIGN D1): no clock, I/O, randomness, threads, floats, logging, serde, and no
//! iteration in an order that a hash decides.

use std::collections::BTreeSet;

use super::code::{Source, words};

/// What the engine may not name, and why.
const BANNED: [(&str, &str); 24] = [
    ("std::fs", "I/O"),
    ("std::io", "I/O"),
    ("std::net", "I/O"),
    ("std::env", "the environment"),
    ("std::process", "the environment"),
    ("std::time", "a clock"),
    ("Instant", "a clock"),
    ("SystemTime", "a clock"),
    ("jiff", "a clock and time zones"),
    ("std::thread", "thread timing"),
    ("Mutex", "thread timing"),
    ("tokio", "thread timing"),
    ("async", "thread timing"),
    ("dashmap", "thread timing and map order"),
    ("rand", "randomness"),
    ("uuid", "randomness"),
    ("RandomState", "randomness"),
    ("f32", "floating point"),
    ("f64", "floating point"),
    ("tracing", "logging"),
    ("println", "logging"),
    ("eprintln", "logging"),
    ("serde", "a wire form"),
    ("serde_json", "a wire form"),
];

/// Ways to walk through a map in its own order.
const WALKS: [&str; 10] = [
    "iter()",
    "iter_mut()",
    "into_iter()",
    "keys()",
    "values()",
    "values_mut()",
    "into_values()",
    "into_keys()",
    "drain()",
    "retain(",
];

/// Words of a comment that says why the order cannot show. It stands on the line or right above it.
const EXCUSE: &str = "map order";

/// The flat image of a partition holds sorted lists under the names of the maps they came from.
const FLAT: &str = "image";

/// A name declared as a hash map or set, and whether it is a field: those are watched in every file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Map {
    name: String,
    is_field: bool,
}

/// Everything in `engine/` that could make the same log decide differently.
pub fn impurities(sources: &[Source]) -> Vec<String> {
    let engine: Vec<&Source> = sources.iter().filter(|source| source.module() == "engine").collect();
    let declared: BTreeSet<Map> = engine.iter().flat_map(|source| hash_maps(&source.code)).collect();
    let fields: Vec<Map> = declared.into_iter().filter(|map| map.is_field).collect();
    let mut complaints = Vec::new();
    for source in engine {
        for (word, why) in BANNED {
            complaints.extend(words(&source.code, word).map(|place| {
                format!("{}:{}: `{word}` brings {why} into the engine", source.path, source.line(place))
            }));
        }
        let locals = hash_maps(&source.code).into_iter().filter(|map| !map.is_field);
        let maps: BTreeSet<Map> = locals.chain(fields.iter().cloned()).collect();
        for place in walks(&source.code, &maps) {
            let line = source.line(place);
            if !is_excused(&source.text, line) && !is_sorted(&source.code, line) {
                complaints.push(format!("{}:{line}: walks a hash map in its own order", source.path));
            }
        }
    }
    complaints
}

fn is_excused(text: &str, line: usize) -> bool {
    // Comments of two lines are read whole.
    let near = text.lines().skip(line.saturating_sub(3)).take(3);
    near.filter_map(|near| near.split_once("//")).any(|(_, comment)| comment.contains(EXCUSE))
}

/// Whether what is taken out of a map is sorted within the next lines.
fn is_sorted(code: &str, line: usize) -> bool {
    code.lines().skip(line.saturating_sub(1)).take(3).any(|near| near.contains(".sort"))
}

/// Fields, variables and parameters that are declared as a hash map or set: `name: HashMap` or
/// `name = HashMap`, with a path or a reference between.
fn hash_maps(code: &str) -> Vec<Map> {
    let mut maps = Vec::new();
    for kind in ["HashMap", "HashSet"] {
        for place in words(code, kind) {
            let mut head = &code[..place];
            while let Some(path) = head.strip_suffix("::") {
                head = &path[..path.len() - last_word(path).len()];
            }
            let plain = head.trim_end().trim_end_matches("mut").trim_end().trim_end_matches('&').trim_end();
            let Some(declared) = plain.strip_suffix([':', '=']) else { continue };
            let name = last_word(declared.trim_end());
            let line = &head[head.rfind('\n').map_or(0, |end| end + 1)..];
            // `pub(crate) name` is a field; any other parenthesis before a name holds parameters.
            let line = line.replace("pub(crate)", "").replace("pub(super)", "");
            let is_local = line.trim_start().starts_with("let ") || line.contains(['(', '|', '&']);
            if !name.is_empty() {
                maps.push(Map { name: name.to_owned(), is_field: !is_local });
            }
        }
    }
    maps
}

/// The word that a piece of code ends in; empty if it ends in something else.
fn last_word(code: &str) -> &str {
    let start = code.rfind(|letter: char| !letter.is_alphanumeric() && letter != '_');
    &code[start.map_or(0, |start| start + 1)..]
}

/// Places where one of the maps is walked through.
fn walks(code: &str, maps: &BTreeSet<Map>) -> Vec<usize> {
    let mut places = Vec::new();
    for map in maps {
        for place in words(code, &map.name) {
            let owner = code[..place].trim_end().strip_suffix('.').map(|before| last_word(before.trim_end()));
            if map.is_field != owner.is_some() || owner == Some(FLAT) {
                continue;
            }
            let rest = code[place + map.name.len()..].trim_start();
            let called =
                rest.strip_prefix('.').is_some_and(|rest| WALKS.iter().any(|walk| rest.starts_with(walk)));
            let receiver = code[..place]
                .trim_end_matches(|letter: char| letter.is_alphanumeric() || "._".contains(letter));
            let looped = [" in &", " in &mut ", " in "].iter().any(|head| receiver.ends_with(head));
            if called || (looped && rest.starts_with('{')) {
                places.push(place);
            }
        }
    }
    places
}

#[test]
fn impure_words_are_found_in_the_engine_alone() {
    let complain = |path: &str, text: &str| impurities(&[Source::of(path, text)]).len();
    assert_eq!(complain("engine/a.rs", "/// No std::time here.\nuse std::collections::BTreeMap;"), 0);
    assert_eq!(complain("decide/a.rs", "use std::time::Instant;"), 0);
    assert_eq!(complain("engine/a.rs", "fn operand() {}"), 0);
    for text in [
        "use std::fs::File;",
        "fn now() -> std::time::SystemTime {}",
        "use serde::Serialize;",
        "let x: f64 = 1.0;",
        "tracing::info!(\"x\");",
        "use tokio::sync;",
        "let x = rand::random();",
    ] {
        assert!(complain("engine/a.rs", text) >= 1, "{text}");
    }
}

#[test]
fn walking_a_hash_map_is_found_and_needs_a_reason() {
    let complain = |text: &str| impurities(&[Source::of("engine/a.rs", text)]).len();
    let field = "struct S { logs: HashMap<u8, u8>, tree: BTreeMap<u8, u8> }\n";
    for walk in [
        "for x in self.logs.values() {}",
        "for (k, v) in &self.logs {}",
        "self.logs.retain(|_, _| true);",
        "self\n.logs\n.iter()\n.count();",
    ] {
        assert_eq!(complain(&format!("{field}{walk}")), 1, "{walk}");
    }
    assert_eq!(complain("struct S { pub(crate) logs: HashMap<u8, u8> }\nfn f() { self.logs.keys() }"), 1);
    assert_eq!(complain("fn f(map: &std::collections::HashMap<u8, u8>) { map.iter(); }"), 1);
    assert_eq!(complain("let mut seen = HashSet::new();\nfor x in seen.drain() {}"), 1);
    assert_eq!(complain("let seen: std::collections::HashSet<u8> = f();\nfor x in &seen {}"), 1);
    assert_eq!(complain(&format!("{field}self.logs.get(&1); for x in self.tree.values() {{}}")), 0);
    // Sorted at once, another thing of the same name, or a reason given.
    assert_eq!(
        complain(&format!("{field}let mut all: Vec<u8> = self.logs.keys().collect();\nall.sort();")),
        0
    );
    assert_eq!(complain(&format!("{field}let logs = vec![1];\nlogs.iter();")), 0);
    assert_eq!(complain(&format!("{field}// A sum, so map order cannot show.\nself.logs.values().sum()")), 0);
}

#[test]
fn a_map_in_one_file_is_watched_in_every_file() {
    let declared = Source::of("engine/a.rs", "struct S { logs: HashMap<u8, u8> }");
    let walked = Source::of("engine/b.rs", "fn f(s: &S) { s.logs.keys(); }");
    assert_eq!(impurities(&[declared, walked]).len(), 1);
}
