//! Files: their length, their first line, their names, and words that no source holds.

use super::code::{Source, words};

/// No file is longer. The aim is 300.
const LINES_MAX: usize = 450;

/// Parts of names that say nothing about what a thing is.
const EMPTY_NAMES: [&str; 5] = ["Manager", "Helper", "Utils", "Util", "Misc"];

/// Macros that leave something unfinished or behind.
const UNFINISHED: [&str; 3] = ["todo", "unimplemented", "dbg"];

/// Files that are too long or do not open by saying what they are.
pub fn shapes(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        let lines = source.text.lines().count();
        if lines > LINES_MAX {
            complaints.push(format!("{}: {lines} lines, more than {LINES_MAX}", source.path));
        }
        let opening = source.text.lines().next().unwrap_or_default();
        if opening.strip_prefix("//!").is_none_or(|says| says.trim().is_empty()) {
            complaints.push(format!("{}: does not open with `//!`", source.path));
        }
    }
    complaints
}

/// Names and words that are banned.
pub fn banned(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        let parts = source.path.trim_end_matches(".rs").split(['/', '_']);
        for part in parts.filter(|part| EMPTY_NAMES.iter().any(|name| name.eq_ignore_ascii_case(part))) {
            complaints.push(format!("{}: `{part}` says nothing about what is in it", source.path));
        }
        for (name, place) in declared_types(&source.code) {
            if camel_words(name).iter().any(|word| EMPTY_NAMES.contains(word)) {
                complaints.push(format!("{}:{}: `{name}` says nothing", source.path, source.line(place)));
            }
        }
        for word in UNFINISHED {
            let unfinished = words(&source.code, word)
                .filter(|place| source.code[place + word.len()..].starts_with('!'))
                .map(|place| format!("{}:{}: `{word}!`", source.path, source.line(place)));
            complaints.extend(unfinished);
        }
    }
    complaints
}

/// Names of types and traits, with the place of the keyword before them.
fn declared_types(code: &str) -> Vec<(&str, usize)> {
    let mut names = Vec::new();
    for keyword in ["struct", "enum", "trait", "type"] {
        for place in words(code, keyword) {
            let rest = code[place + keyword.len()..].trim_start();
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            names.push((&rest[..end], place));
        }
    }
    names
}

/// The words of a name in camel case.
fn camel_words(name: &str) -> Vec<&str> {
    let capitals = name.char_indices().filter(|(_, letter)| letter.is_uppercase()).map(|(place, _)| place);
    let mut ends: Vec<usize> = capitals.chain([name.len()]).collect();
    ends.insert(0, 0);
    ends.windows(2).map(|pair| &name[pair[0]..pair[1]]).collect()
}

#[test]
fn long_and_silent_files_are_found() {
    let long = "//! Long.\n".to_owned() + &"x\n".repeat(LINES_MAX);
    assert_eq!(shapes(&[Source::of("a.rs", &long)]).len(), 1);
    assert_eq!(shapes(&[Source::of("a.rs", "//! Says.\n")]).len(), 0);
    for silent in ["use x;\n", "//!\n", "// Says.\n", "", "/// Says.\n"] {
        assert_eq!(shapes(&[Source::of("a.rs", silent)]).len(), 1, "{silent:?}");
    }
}

#[test]
fn banned_names_and_words_are_found() {
    let complain = |path: &str, text: &str| banned(&[Source::of(path, text)]).len();
    assert_eq!(complain("a/utility_bill.rs", "struct Utilization; // a Helper\nlet todo = 1;"), 0);
    for (path, text) in [
        ("a/util.rs", ""),
        ("helper/a.rs", ""),
        ("a/time_utils.rs", ""),
        ("a.rs", "pub struct SnapshotManager;"),
        ("a.rs", "trait HelperOf {}"),
        ("a.rs", "fn f() { todo!() }"),
        ("a.rs", "fn f() { dbg!(1); }"),
    ] {
        assert_eq!(complain(path, text), 1, "{path}: {text}");
    }
}
