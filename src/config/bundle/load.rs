//! Bundle text to rule set: reads the files in the order in which they need each other.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::examples::Example;
use super::files::{SettingsFile, semantics_unnamed};
use super::purposes::Relabelled;
use super::retention::RetentionFile;
use super::{
    BundleError, Problem, Problems, Profile, SCHEMA, calendar, examples, figures, flow_limits, gather, leads,
    limits, lives, notices, protections, retention, rules, settings, signals, values,
};
use crate::config::expression;
use crate::config::nearest::plain;
use crate::engine::base::SpanMs;
use crate::engine::notice::NoticeTexts;
use crate::engine::partition::{SETTLEMENT_BASIS, SETTLEMENT_REASON};
use crate::engine::rule::Rule;
use crate::engine::ruleset::RuleSet;
use crate::engine::signal::Signal;
use crate::engine::{LoadRules, SEMANTICS, SEMANTICS_UNNAMED};

/// A bundle that loads, and what a person should know besides.
#[derive(Clone, Debug)]
pub struct Checked {
    pub rule_set: RuleSet,
    /// What loads and deserves a look, such as rules that only observe.
    pub warnings: Vec<Problem>,
    /// Data that serves a purpose it was not collected for, with the authorisation.
    pub relabelled: Vec<Relabelled>,
    /// Limits on file that are not in force.
    pub limits_off: Vec<String>,
    /// Tables of lives on file that are not in force.
    pub lives_off: Vec<String>,
    /// Leads on file that are not in force.
    pub leads_off: Vec<String>,
    /// What those with a condition would be.
    pub rules_off: Vec<Rule>,
    /// What the rules' and limits' own examples expect.
    pub examples: Vec<Example>,
    /// Where the terms of retention come from, if it declares any.
    pub retention: Option<(RetentionFile, SettingsFile)>,
    /// Paths of its files, below the rules folder.
    pub paths: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: String,
    #[serde(default)]
    profile: String,
    files: BTreeMap<String, Value>,
}

/// The files of a bundle while it is being checked, and what was found.
pub(super) struct Bundle {
    files: BTreeMap<String, Value>,
    pub profile: Profile,
    pub problems: Problems,
    pub warnings: Problems,
}

impl Bundle {
    /// The file at `path` in its shape; `None`, with a problem noted, when it is missing or otherwise.
    pub(super) fn file<T: DeserializeOwned>(&mut self, path: &str) -> Option<T> {
        let Some(value) = self.files.get(path) else {
            self.problems.add(path, "", "this file is missing from the bundle");
            return None;
        };
        match T::deserialize(value) {
            Ok(file) => Some(file),
            Err(error) => {
                self.problems.add(path, "", plain(&error.to_string()));
                None
            }
        }
    }

    pub(super) fn contains(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    /// Every file of a folder in its shape: (path, name without folder and `.toml`, file), by path.
    pub(super) fn folder<T: DeserializeOwned>(&mut self, folder: &str) -> Vec<(String, String, T)> {
        let mut found = Vec::new();
        for (path, name) in self.paths(folder) {
            if let Some(file) = self.file(&path) {
                found.push((path, name, file));
            }
        }
        found
    }

    /// The file at `path`, if it has this shape; what is wrong with it was noted elsewhere.
    pub(super) fn quietly<T: DeserializeOwned>(&self, path: &str) -> Option<T> {
        T::deserialize(self.files.get(path)?).ok()
    }

    pub(super) fn is_there(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    /// Whether the file at `path` has such a key at its top.
    pub(super) fn has(&self, path: &str, key: &str) -> bool {
        self.files.get(path).is_some_and(|file| file.get(key).is_some())
    }

    /// Paths of the files of a folder, each with its name without `.toml`.
    pub(super) fn paths(&self, folder: &str) -> Vec<(String, String)> {
        let stem = |path: &str| {
            let name = path.strip_prefix(folder)?.strip_prefix('/')?;
            Some(name.strip_suffix(".toml").unwrap_or(name).to_owned())
        };
        self.files.keys().filter_map(|path| Some((path.clone(), stem(path)?))).collect()
    }

    /// The value, or `None` with the problem noted at `key`.
    pub(super) fn note<T>(&mut self, file: &str, key: &str, result: Result<T, String>) -> Option<T> {
        result.map_err(|message| self.problems.add(file, key, message)).ok()
    }

    /// Notes what is wrong with the condition of a file, at the place where it names what it should not.
    pub(super) fn blame(&mut self, file: &str, name: &str, message: impl Into<String>) {
        let within = self.place_of(file, name);
        self.problems.add_within(file, "condition", within, message);
    }

    /// Whether the condition of a file reads a name.
    pub(super) fn reads(&self, file: &str, name: &str) -> bool {
        self.place_of(file, name).is_some()
    }

    /// Where the condition of a file first reads a name.
    fn place_of(&self, file: &str, name: &str) -> Option<(usize, usize)> {
        expression::place_of(self.files.get(file)?.get("condition")?.as_str()?, name)
    }

    /// A name as it may stand in rules, outputs and metrics.
    pub(super) fn check_name(&mut self, file: &str, key: &str, name: &str) {
        let plain =
            name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if !plain || name.len() > 64 || !name.starts_with(|first: char| first.is_ascii_lowercase()) {
            self.problems.add(
                file,
                key,
                format!(
                    "`{name}` is no name; use lower-case letters, digits and `_`, a letter first, 64 at most"
                ),
            );
        }
    }
}

/// What rules, limits and protections are checked against.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub signals: &'a [Signal],
    pub notices: Option<&'a NoticeTexts>,
    /// Minutes east of UTC in which dates begin.
    pub zone: i32,
    /// The longest that a measure may be set for.
    pub measure_for_max: SpanMs,
}

impl Context<'_> {
    /// For how long a measure is set, as it is written.
    pub fn measure_for(self, written: &str) -> Result<SpanMs, String> {
        values::span_within(written, rules::MEASURE_FOR_MIN, self.measure_for_max)
    }
}

/// See `super::check`.
pub(super) fn check(text: &str) -> Result<Checked, BundleError> {
    let mut bundle = read(text)?;
    let settings = settings::settings(&mut bundle);
    let zone = settings.as_ref().map_or(0, |found| found.utc_offset_minutes);
    let mut notices = notices::notices(&mut bundle, settings.as_ref());
    let (signals, relabelled) = signals::signals(&mut bundle, notices.as_ref());
    let figures_read = settings.as_ref().map(|found| &found.figures);
    let retention = retention::retention(&mut bundle, figures_read, &signals, zone);
    let mut limits = limits::limits(&mut bundle, notices.as_ref(), zone);
    let measure_for_max = settings.as_ref().map_or(settings::UNBOUNDED, |found| found.measure_for_max);
    let context = Context { signals: &signals, notices: notices.as_ref(), zone, measure_for_max };
    let flow = flow_limits::flow_limits(&mut bundle, context);
    let mut rules = rules::rules(&mut bundle, context);
    for rule in &rules {
        let same = limits.in_force.iter().any(|limit| limit.id == rule.id)
            || flow.rules.iter().any(|limit| limit.id == rule.id);
        if same {
            bundle.problems.add(
                &format!("rules/{}.toml", rule.id),
                "",
                "a limit has this name; rename the rule",
            );
        }
    }
    rules.extend(flow.rules);
    rules.sort_by(|a, b| a.id.cmp(&b.id));
    limits.off.extend(flow.off);
    limits.off.sort();
    let protections = protections::protections(&mut bundle, context);
    let (lives, lives_off) = lives::lives(&mut bundle, context, &rules);
    let (leads, leads_off) = leads::leads(&mut bundle, context, &lives);
    for lead in &leads.rules {
        if rules.iter().any(|rule| rule.id == lead.terms.id) {
            let file = format!("leads/{}.toml", lead.terms.id);
            bundle.problems.add(&file, "", "a rule or limit has this name; rename one of them");
        }
    }
    if let Some(notices) = &notices {
        let within_max = settings.as_ref().map_or(settings::UNBOUNDED, |found| found.answer_within_max);
        lives::answerable(&mut bundle, &lives, notices, within_max);
    }
    if settings.as_ref().is_some_and(|found| found.figures.settlement_check_for.is_some()) {
        let texts = notices.as_ref();
        let of = "settlement_check_for";
        let reasons = texts.map(|texts| &texts.reasons);
        notices::check_key(&mut bundle, "settings.toml", &format!("{of}.reason"), reasons, SETTLEMENT_REASON);
        let bases = texts.map(|texts| &texts.bases);
        notices::check_key(&mut bundle, "settings.toml", of, bases, SETTLEMENT_BASIS);
    }
    let calendar = calendar::calendar(&mut bundle, zone);
    let examples = examples::examples(&mut bundle);
    if let Some(notices) = &mut notices {
        // What is left with places is the wording of limits, which now stands there with their figures.
        notices.reasons.retain(|_, reason| !figures::has_places(reason));
        notices.reasons.extend(flow.reasons);
    }
    let specials = rules::specials(&bundle);
    let declared = bundle.quietly("retention.toml").zip(bundle.quietly("settings.toml"));
    let paths = bundle.files.into_keys().collect();
    bundle.problems.into_result()?;
    let (Some(settings), Some(notices)) = (settings, notices) else {
        return Err(whole("settings or notices are incomplete".to_owned()));
    };
    Ok(Checked {
        rule_set: RuleSet {
            version: settings.version,
            sha256: Sha256::digest(text.as_bytes()).into(),
            semantics: settings.semantics,
            signals,
            rules,
            limits: limits.in_force,
            protections,
            lives,
            leads,
            specials,
            notices,
            calendar,
            settings: settings.figures,
            retention,
        },
        warnings: bundle.warnings.0,
        relabelled,
        limits_off: limits.off,
        lives_off,
        leads_off,
        rules_off: flow.rules_off,
        examples,
        retention: declared,
        paths,
    })
}

fn whole(message: String) -> BundleError {
    BundleError { problems: vec![Problem::new("", "", message)] }
}

fn read(text: &str) -> Result<Bundle, BundleError> {
    let value: Value = serde_json::from_str(text).map_err(|error| whole(format!("is no JSON: {error}")))?;
    if gather::canonical(&value) != text {
        return Err(whole(
            "is not canonical: keys sorted, no white space; make it with `rules check`".to_owned(),
        ));
    }
    let document = Document::deserialize(&value).map_err(|error| whole(plain(&error.to_string())))?;
    if document.schema != SCHEMA {
        return Err(whole(format!("has schema `{}`; this program reads `{SCHEMA}`", document.schema)));
    }
    Ok(Bundle {
        files: document.files,
        profile: Profile::from_name(&document.profile).map_err(whole)?,
        problems: Problems::default(),
        warnings: Problems::default(),
    })
}

/// Compiles bundles for partitions, each text once: many partitions activate the same one.
#[derive(Debug)]
pub struct Loader {
    speaks: u32,
    /// Is told each warning of what it compiles.
    tell: Option<fn(&Problem)>,
    loaded: Mutex<Vec<([u8; 32], Arc<RuleSet>)>>,
}

impl Default for Loader {
    fn default() -> Loader {
        Loader::speaking(SEMANTICS)
    }
}

/// How many compiled bundles are kept; older ones are compiled again when a replay needs them.
const LOADED_MAX: usize = 8;

impl Loader {
    #[must_use]
    pub fn new() -> Loader {
        Loader::default()
    }

    /// One that loads nothing which asks for more than these engine semantics.
    #[must_use]
    pub fn speaking(speaks: u32) -> Loader {
        Loader { speaks: speaks.min(SEMANTICS), tell: None, loaded: Mutex::default() }
    }

    /// The same, telling what loads and deserves a look, once for each rule set.
    #[must_use]
    pub fn telling(self, tell: fn(&Problem)) -> Loader {
        Loader { tell: Some(tell), ..self }
    }
}

/// What of a bundle says which engine semantics it asks for. Everything else may be of a later program.
#[derive(Deserialize)]
struct Asking {
    files: AskingFiles,
}

#[derive(Deserialize)]
struct AskingFiles {
    #[serde(rename = "settings.toml")]
    settings: AskingSettings,
}

#[derive(Deserialize)]
struct AskingSettings {
    #[serde(default = "semantics_unnamed")]
    semantics: u32,
}

/// The number of engine semantics that a bundle asks for; of what is no bundle, the oldest.
#[must_use]
pub fn semantics_asked(bundle: &str) -> u32 {
    serde_json::from_str::<Asking>(bundle).map_or(SEMANTICS_UNNAMED, |asking| asking.files.settings.semantics)
}

impl LoadRules for Loader {
    fn speaks(&self) -> u32 {
        self.speaks
    }

    fn asked(&self, bundle: &str) -> u32 {
        semantics_asked(bundle)
    }

    fn load(&self, bundle: &str) -> Result<Arc<RuleSet>, String> {
        let asked = semantics_asked(bundle);
        if asked > self.speaks {
            return Err(format!(
                "the rule set asks for engine semantics {asked}, and this worker speaks up to {}: another that does goes on here",
                self.speaks
            ));
        }
        let sha256: [u8; 32] = Sha256::digest(bundle.as_bytes()).into();
        // The list is whole between any two statements, so a panic elsewhere cannot have spoilt it.
        let mut loaded = self.loaded.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((_, rules)) = loaded.iter().find(|(known, _)| *known == sha256) {
            return Ok(Arc::clone(rules));
        }
        let checked = check(bundle).map_err(|error| error.to_string())?;
        if let Some(tell) = self.tell {
            checked.warnings.iter().for_each(tell);
        }
        let rules = Arc::new(checked.rule_set);
        if loaded.len() == LOADED_MAX {
            loaded.remove(0);
        }
        loaded.push((sha256, Arc::clone(&rules)));
        Ok(rules)
    }
}
