//! A setting that nothing reads promises what is not there.

use super::code::{Source, words};

const DECLARED: &str = "config/settings.rs";
/// Where settings are held against their bounds, which does not yet use them.
const BOUNDED: &str = "config/check.rs";

/// Settings that no source reads.
pub fn unread(sources: &[Source]) -> Vec<String> {
    let declared = sources.iter().filter(|source| source.path == DECLARED);
    let names: Vec<&str> = declared.flat_map(|source| source.code.lines().filter_map(field)).collect();
    let is_read = |name: &str| sources.iter().any(|source| reads(source, name));
    names.into_iter().filter(|name| !is_read(name)).map(|name| format!("{DECLARED}: {name}")).collect()
}

fn field(line: &str) -> Option<&str> {
    line.strip_prefix("    pub ")?.split_once(": ").map(|(name, _)| name)
}

fn reads(source: &Source, name: &str) -> bool {
    words(&source.code, name).any(|place| {
        let of_path = |letter: char| letter.is_alphanumeric() || letter == '.' || letter == '_';
        let before = source.code[..place].rsplit(|letter| !of_path(letter)).next().unwrap_or_default();
        let is_bound = source.path == BOUNDED && before.starts_with("config.");
        before.ends_with('.') && !is_bound
    })
}

#[test]
fn a_setting_that_is_only_bounded_is_found() {
    let sources = [
        Source::of(DECLARED, "pub struct Decide {\n    pub pace_ms: u64,\n    pub threads: u32,\n}\n"),
        Source::of(BOUNDED, "fn bounds() { check(config.decide.pace_ms, config.decide.threads) }"),
        Source::of("cli/decide.rs", "fn pace() { config.decide.pace_ms }"),
    ];
    assert_eq!(unread(&sources), ["config/settings.rs: threads"]);
}
