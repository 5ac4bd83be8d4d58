//! Layers: who may import whom, and which library lives where.

use std::collections::{BTreeMap, BTreeSet};

use super::code::{Source, words};

/// Top-level modules and their layer. A module imports only from lower layers, and itself.
const LAYERS: [(&str, u32); 10] = [
    ("engine", 0),
    ("codec", 1),
    ("config", 2),
    ("log", 3),
    ("telemetry", 4),
    ("intake", 5),
    ("decide", 5),
    ("verify", 5),
    ("cli", 6),
    // Only in this crate's own tests; it drives what is below.
    ("simulation", 7),
];

/// Files that see everything: they only name the layers and start the command line.
const ROOTS: [&str; 2] = ["lib.rs", "main.rs"];

/// A library, and the folders or files under `src/` that may name it.
const ROOMS: [(&str, &[&str]); 5] = [
    ("rdkafka", &["log/kafka/", "log/kafka.rs"]),
    ("rdkafka_sys", &["log/kafka/", "log/kafka.rs"]),
    ("anyhow", &["cli/", "main.rs"]),
    ("clap", &["cli/", "main.rs"]),
    // In verify and cli for the reports they print.
    ("serde", &["codec/", "config/", "verify/", "cli/"]),
];

fn layer(module: &str) -> Option<u32> {
    LAYERS.iter().find(|(name, _)| *name == module).map(|(_, layer)| *layer)
}

/// The top-level modules that a file imports, and the line of each first import.
fn imports(source: &Source) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for crate_name in ["crate", "duecourse"] {
        for place in words(&source.code, crate_name) {
            let Some(rest) = source.code[place + crate_name.len()..].strip_prefix("::") else { continue };
            note(source, place, rest, &mut found);
        }
    }
    // `super::super::x` climbs as many modules as it says; in a `mod.rs` one fewer folder is left.
    let depth = source.path.matches('/').count() + usize::from(!source.path.ends_with("mod.rs"));
    let chain = "super::".repeat(depth);
    for place in words(&source.code, "super") {
        let starts_chain = !source.code[..place].ends_with("super::");
        if let Some(rest) = source.code[place..].strip_prefix(&chain).filter(|_| starts_chain && depth > 0) {
            note(source, place, rest, &mut found);
        }
    }
    found
}

/// Notes the first name of a path, or of each branch of a braced group.
fn note(source: &Source, place: usize, rest: &str, found: &mut BTreeMap<String, usize>) {
    let line = source.line(place);
    let mut add = |path: &str| {
        let name: String =
            path.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if layer(&name).is_some() {
            found.entry(name).or_insert(line);
        }
    };
    let Some(group) = rest.strip_prefix('{') else { return add(rest) };
    let mut depth = 0_usize;
    let mut branch = 0;
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                add(&group[branch..at]);
                branch = at + 1;
                if letter == '}' {
                    return;
                }
            }
            _ => {}
        }
    }
}

/// Imports of a layer that is not below.
pub fn upward_imports(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources.iter().filter(|source| !ROOTS.contains(&source.path.as_str())) {
        let Some(own) = layer(source.module()) else {
            complaints.push(format!("{}: `{}` is in no layer", source.path, source.module()));
            continue;
        };
        for (import, line) in imports(source) {
            if import != source.module() && layer(&import).is_some_and(|other| other >= own) {
                complaints.push(format!(
                    "{}:{line}: {} may not import {import}",
                    source.path,
                    source.module()
                ));
            }
        }
    }
    complaints
}

/// Cycles among top-level modules, whatever their layers say.
pub fn cycles(sources: &[Source]) -> Vec<String> {
    let mut edges: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for source in sources.iter().filter(|source| !ROOTS.contains(&source.path.as_str())) {
        let imported = imports(source).into_keys().filter(|import| import != source.module());
        edges.entry(source.module()).or_default().extend(imported);
    }
    let reaches = |from: &str, to: &str| {
        let mut seen = BTreeSet::new();
        let mut open = vec![from.to_owned()];
        while let Some(module) = open.pop() {
            for next in edges.get(module.as_str()).into_iter().flatten() {
                if next == to {
                    return true;
                }
                if seen.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
        false
    };
    edges
        .keys()
        .filter(|module| reaches(module, module))
        .map(|module| format!("{module} imports itself in a circle"))
        .collect()
}

/// Libraries outside of their rooms.
pub fn strays(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        for (library, rooms) in ROOMS {
            if rooms.iter().any(|room| source.path.starts_with(room)) {
                continue;
            }
            if let Some(place) = words(&source.code, library).next() {
                complaints.push(format!(
                    "{}:{}: {library} has no room here",
                    source.path,
                    source.line(place)
                ));
            }
        }
    }
    complaints
}

#[test]
fn upward_and_sideways_imports_are_found() {
    let complain = |path: &str, text: &str| upward_imports(&[Source::of(path, text)]);
    assert!(complain("codec/a.rs", "use crate::engine::base::Token;").is_empty());
    assert!(complain("codec/a.rs", "// use crate::cli;\nuse crate::codec::b;").is_empty());
    for (path, text) in [
        ("engine/a.rs", "use crate::codec::facts;"),
        ("engine/a.rs", "use crate::{engine::base, cli};"),
        ("engine/a.rs", "use crate::{engine::{base, fact}, log::Batch};"),
        ("engine/a.rs", "fn f() -> crate::telemetry::Metrics {}"),
        ("engine/a.rs", "use super::super::config::Config;"),
        ("engine/window/mod.rs", "use super::super::config::Config;"),
        ("engine.rs", "use super::config::Config;"),
        ("intake/a.rs", "use crate::decide::Driver;"),
        ("verify/a.rs", "use duecourse::intake::pack;"),
        ("unknown/a.rs", ""),
    ] {
        assert_eq!(complain(path, text).len(), 1, "{path}: {text}");
    }
    // One `super` too few to leave the layer.
    assert!(complain("engine/window/a.rs", "use super::super::config::Config;").is_empty());
}

#[test]
fn circles_are_found() {
    let one_way = [Source::of("codec/a.rs", "use crate::engine::x;"), Source::of("engine/a.rs", "")];
    assert!(cycles(&one_way).is_empty());
    let circle = [
        Source::of("codec/a.rs", "use crate::engine::x;"),
        Source::of("engine/a.rs", "use crate::config::x;"),
        Source::of("config/a.rs", "use crate::codec::x;"),
    ];
    assert_eq!(cycles(&circle).len(), 3);
}

#[test]
fn stray_libraries_are_found() {
    assert!(strays(&[Source::of("log/kafka/a.rs", "use rdkafka::Message;")]).is_empty());
    assert!(strays(&[Source::of("log/a.rs", "// rdkafka is not here\nlet s = \"rdkafka\";")]).is_empty());
    for (path, text) in [
        ("decide/a.rs", "use rdkafka::Message;"),
        ("log/local/a.rs", "fn f() -> rdkafka::Offset {}"),
        ("engine/a.rs", "use serde::Serialize;"),
        ("intake/a.rs", "fn f() -> anyhow::Result<()> {}"),
    ] {
        assert_eq!(strays(&[Source::of(path, text)]).len(), 1, "{path}: {text}");
    }
}
