//! `notices/*.toml`: the table of disclosable wording, checked so that every notice can be composed
//! and read (D25, law.md section 8).

use std::collections::BTreeMap;

use super::figures::without_places;
use super::files::{ChannelsFile, MeasuresFile, TextPair, TextsFile};
use super::load::Bundle;
use super::settings::Settings;
use super::values::named;
use super::verifying::verifying;
use crate::engine::base::{Bilingual, SpanMs};
use crate::engine::measure::{Lane, MEASURE_NAMES, Measure, MeasureKind};
use crate::engine::notice::{Channels, MeasureText, NoticeTexts};

/// Shorter is a code word or a slogan, not a sentence for a person.
const TEXT_CHARS_MIN: usize = 8;
/// A title is a few words.
const TITLE_CHARS_MIN: usize = 4;

/// Reads the texts; `None`, with problems noted, when a whole file is missing.
pub(super) fn notices(bundle: &mut Bundle, settings: Option<&Settings>) -> Option<NoticeTexts> {
    let reasons = texts(bundle, "reasons");
    let bases = texts(bundle, "bases");
    let remedies = remedies(bundle);
    let measures = measures(bundle);
    let answers = answers(bundle);
    let verifying = verifying(bundle);
    let channels: Option<ChannelsFile> = bundle.file("notices/channels.toml");
    let channels = channels?;
    Some(NoticeTexts {
        reasons: reasons?,
        bases: bases?,
        measures: measures?,
        remedies: remedies?,
        answers,
        channels: Channels {
            offline: text(bundle, "notices/channels.toml", "offline", channels.offline),
            online: text(bundle, "notices/channels.toml", "online", channels.online),
        },
        verifying,
        answer_within: settings.map_or(SpanMs::DAY, |found| found.answer_within),
        utc_offset_minutes: settings.map_or(0, |found| found.utc_offset_minutes),
    })
}

fn texts(bundle: &mut Bundle, name: &str) -> Option<BTreeMap<String, Bilingual>> {
    let path = format!("notices/{name}.toml");
    let file: TextsFile = bundle.file(&path)?;
    Some(file.into_iter().map(|(key, pair)| (key.clone(), text(bundle, &path, &key, pair))).collect())
}

/// Reasons of answers to appeals. A bundle of before appeals were followed has none of them.
fn answers(bundle: &mut Bundle) -> BTreeMap<String, Bilingual> {
    if !bundle.is_there("notices/answers.toml") {
        return BTreeMap::new();
    }
    let found = texts(bundle, "answers").unwrap_or_default();
    if !found.contains_key("unstated") {
        let message = "is missing; it is what a person is told when a decision gives no reason";
        bundle.problems.add("notices/answers.toml", "unstated", message);
    }
    found
}

fn remedies(bundle: &mut Bundle) -> Option<BTreeMap<String, Bilingual>> {
    let found = texts(bundle, "remedies")?;
    let path = "notices/remedies.toml";
    for key in found.keys() {
        bundle.note(path, key, named("lane", key, Lane::ALL.map(|lane| (lane.name(), lane))));
    }
    for lane in Lane::ALL.into_iter().filter(|lane| !found.contains_key(lane.name())) {
        bundle.problems.add(path, lane.name(), "this lane has no remedies; a notice names the next ones");
    }
    Some(found)
}

fn measures(bundle: &mut Bundle) -> Option<BTreeMap<String, MeasureText>> {
    let path = "notices/measures.toml";
    let file: MeasuresFile = bundle.file(path)?;
    let known = MeasureKind::ALL.map(|kind| (Measure::from(kind).name(), kind));
    let mut found = BTreeMap::new();
    for (name, decl) in file {
        bundle.note(path, &name, named("measure", &name, MEASURE_NAMES.map(|name| (name, ()))));
        let mut part = |key: &str, pair| text(bundle, path, &format!("{name}.{key}"), pair);
        let texts = MeasureText {
            scope: part("scope", decl.scope),
            still_works: part("still_works", decl.still_works),
            papers: part("papers", decl.papers),
        };
        found.insert(name, texts);
    }
    for (name, _) in known.into_iter().filter(|(name, _)| !found.contains_key(*name)) {
        bundle.problems.add(
            path,
            name,
            "this measure has no text; say what it asks, what still works and which papers help",
        );
    }
    Some(found)
}

/// A text for a person: both languages, whole sentences, no code words.
pub(super) fn text(bundle: &mut Bundle, file: &str, key: &str, pair: TextPair) -> Bilingual {
    words(bundle, file, key, pair, TEXT_CHARS_MIN)
}

/// The title of a rule, limit or signal, for reviewers and reports.
pub(super) fn title(bundle: &mut Bundle, file: &str, key: &str, pair: TextPair) -> Bilingual {
    words(bundle, file, key, pair, TITLE_CHARS_MIN)
}

fn words(bundle: &mut Bundle, file: &str, key: &str, pair: TextPair, chars_min: usize) -> Bilingual {
    let both = Bilingual::from(pair);
    for (language, text) in [("zh", &both.zh), ("en", &both.en)] {
        let key = format!("{key}.{language}");
        if text.chars().count() < chars_min {
            bundle.problems.add(file, &key, "is too short to tell a person anything; write a sentence");
        }
        // Only a reason has places for figures; elsewhere they are code words.
        let is_reason = file.ends_with("/reasons.toml");
        let said = if is_reason { without_places(text) } else { text.clone() };
        if let Some(code) = said.chars().find(|letter| matches!(letter, '_' | '`' | '{' | '}' | '<' | '>')) {
            bundle.problems.add(
                file,
                &key,
                format!("`{code}` belongs to code words; write it as a person would say it"),
            );
        }
    }
    if !is_chinese(&both.zh) {
        bundle.problems.add(file, &format!("{key}.zh"), "is not in Chinese, the default language of notices");
    }
    if is_chinese(&both.en) {
        bundle.problems.add(file, &format!("{key}.en"), "holds Chinese characters; write it in English");
    }
    both
}

fn is_chinese(text: &str) -> bool {
    text.chars().any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter))
}

/// Notes a key that the table lacks, with the nearest it has.
pub(super) fn check_key(
    bundle: &mut Bundle,
    file: &str,
    key: &str,
    table: Option<&BTreeMap<String, Bilingual>>,
    name: &str,
) {
    let Some(table) = table.filter(|table| !table.contains_key(name)) else {
        return;
    };
    let near = crate::config::nearest::nearest(name, table.keys().map(String::as_str));
    let folder = if key.ends_with("reason") { "notices/reasons.toml" } else { "notices/bases.toml" };
    let message = match near {
        Some(near) => format!("`{name}` has no text in {folder}; did you mean `{near}`?"),
        None => format!("`{name}` has no text in {folder}; add it there in both languages"),
    };
    bundle.problems.add(file, key, message);
}
