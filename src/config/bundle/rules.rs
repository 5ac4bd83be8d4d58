//! `rules/*.toml`: a condition over signals and the measure it asks for, with every check that keeps
//! a rule lawful, explainable and able to fire.

use std::collections::BTreeMap;

use super::condition::{Reader, readable};
use super::figures::fills_nothing;
use super::files::{FigureDecl, PerMilleDecl, PrecisionDecl, RuleFile, ThresholdDecl};
use super::harm::{harm_budget, quality};
use super::load::{Bundle, Context};
use super::notices::{check_key, title};
use super::profile::Profile;
use super::purposes::{Clash, joined, lane_use, note_purpose, purpose};
use super::triggers::triggers;
use super::values::{date, named, span};
use super::verifying::word;
use crate::config::expression::{self, Constant, Scope, ValueType};
use crate::engine::base::SpanMs;
use crate::engine::measure::{AccountStep, Measure, MeasureKind, VictimStep};
use crate::engine::purpose::Purpose;
use crate::engine::rule::{Condition, PrecisionRecord, Rule, RuleOrigin, RuleStatus, Trigger};
use crate::engine::signal::Signal;
use crate::engine::subject::SubjectKind;
use crate::engine::verifying::Risk;

/// A slip of the pen below this; the longest is a figure of the settings.
pub(super) const MEASURE_FOR_MIN: SpanMs = SpanMs(60_000);

/// The kinds of party that a rule can be about.
pub(super) const SUBJECTS: [SubjectKind; 4] =
    [SubjectKind::Account, SubjectKind::PhoneCard, SubjectKind::IotCard, SubjectKind::Opening];

/// All rules by id.
pub(super) fn rules(bundle: &mut Bundle, context: Context<'_>) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (path, id, file) in bundle.folder::<RuleFile>("rules") {
        bundle.check_name(&path, "", &id);
        check_key(bundle, &path, "reason", context.notices.map(|texts| &texts.reasons), &file.reason);
        check_key(bundle, &path, "basis", context.notices.map(|texts| &texts.bases), &file.basis);
        fills_nothing(bundle, &path, context.notices, &file.reason);
        rules.extend(rule(bundle, &path, id, file, context));
    }
    rules.sort_by(|a, b| a.id.cmp(&b.id));
    rules
}

fn rule(bundle: &mut Bundle, path: &str, id: String, file: RuleFile, context: Context<'_>) -> Option<Rule> {
    let signals = context.signals;
    let subjects = SUBJECTS.map(|kind| (kind.name(), kind));
    let subject = bundle.note(path, "subject", named("subject of a rule", &file.subject, subjects));
    let status = status(bundle, path, &file);
    let measure = bundle.note(path, "measure", measure(&file.measure));
    let measure_for = bundle.note(path, "measure_for", context.measure_for(&file.measure_for));
    let risk = bundle.note(path, "risk", risk(file.risk.as_deref()));
    let own_purpose = bundle.note(path, "purpose", purpose(&file.purpose));
    let thresholds = thresholds_of(bundle, path, &file.thresholds);
    let condition = condition(bundle, path, &file.condition, signals, &thresholds);
    each_is_read(bundle, path, &thresholds, &file.condition, &key_of_threshold);
    let precision = precision(bundle, path, file.precision.as_ref());
    let harm_budget = harm_budget(bundle, path, file.harm_budget.as_ref());
    let quality = file.quality.as_ref().map(|decl| quality(bundle, path, decl));
    if file.version == 0 {
        bundle.problems.add(path, "version", "versions count from 1");
    }
    if file.source.trim().is_empty() {
        bundle.problems.add(
            path,
            "source",
            "is empty; name the law, published indicator or paper that the rule follows",
        );
    }
    if let (Some(special), Some(measure)) = (&file.special_measure, measure) {
        bundle.check_name(path, "special_measure", special);
        // Where somebody is, is no reason to restrict them (D20, APL 35).
        if measure.verification() != measure {
            let message =
                "waits for a special measure, so it may ask for a verification and for nothing harder";
            bundle.problems.add(path, "measure", message);
        }
    }
    let title = title(bundle, path, "title", file.title);
    let (subject, measure) = (subject?, measure?);
    let fits = bundle.note(path, "measure", fits(measure, subject));
    let enforced = file.status == "enforced";
    if enforced && file.harm_budget.is_none() && is_hard(measure) {
        bundle.problems.add(path, "harm_budget", "is missing: an enforced measure beyond verification needs one (D28), such as `{ hours_max = 1000, per = \"1d\" }`");
    }
    let triggers = triggers(bundle, path, subject, &file.triggers, signals)?;
    let condition = condition?;
    readable(
        bundle,
        path,
        &condition,
        &Reader { subject, measure: Some(measure), triggers: &triggers, signals },
    );
    fits?;
    let purpose = joined_with(own_purpose?, &condition, &triggers, signals, measure);
    let purpose = note_purpose(bundle, path, purpose)?;
    if enforced && precision.is_none() {
        bundle.warnings.add(
            path,
            "status",
            "has no record of measured precision, so it only observes; measure it and add [precision]",
        );
    }
    Some(Rule {
        id,
        version: file.version,
        title,
        status: status?,
        subject,
        triggers,
        condition,
        measure,
        measure_for: measure_for?,
        purpose,
        basis: file.basis,
        reason: file.reason,
        origin: RuleOrigin::Measured(precision),
        harm_budget,
        quality,
        risk: risk?,
    })
}

/// The special measures that rules wait for, by the rules' ids.
pub(super) fn specials(bundle: &Bundle) -> BTreeMap<String, String> {
    let files = bundle.paths("rules").into_iter();
    let waiting =
        files.filter_map(|(path, id)| Some((id, bundle.quietly::<RuleFile>(&path)?.special_measure?)));
    waiting.collect()
}

/// The risk that a rule or limit states.
pub(super) fn risk(written: Option<&str>) -> Result<Risk, String> {
    written.map_or(Ok(Risk::default()), |name| word("risk", name))
}

pub(super) fn status_named(text: &str) -> Result<RuleStatus, String> {
    let statuses =
        [("enforced", RuleStatus::Enforced), ("shadow", RuleStatus::Shadow), ("off", RuleStatus::Off)];
    named("status", text, statuses)
}

/// The written status; off outside of the rule's profiles.
fn status(bundle: &mut Bundle, path: &str, file: &RuleFile) -> Option<RuleStatus> {
    let written = bundle.note(path, "status", status_named(&file.status))?;
    let Some(profiles) = &file.profiles else {
        return Some(written);
    };
    if profiles.is_empty() {
        bundle.problems.add(path, "profiles", "is empty; leave it out for both, or write `status = \"off\"`");
    }
    let mut here = false;
    for name in profiles {
        here |= bundle.note(path, "profiles", Profile::from_name(name))? == bundle.profile;
    }
    Some(if here { written } else { RuleStatus::Off })
}

pub(super) fn measure(name: &str) -> Result<MeasureKind, String> {
    named("measure", name, MeasureKind::ALL.map(|kind| (Measure::from(kind).name(), kind)))
}

/// A figure that the condition does not read is left out: what is told is what decides. `key` names it in the
/// file. What is no expression is noted elsewhere.
pub(super) fn each_is_read(
    bundle: &mut Bundle,
    path: &str,
    constants: &[Constant],
    condition: &str,
    key: &dyn Fn(&str) -> String,
) {
    let Ok(tree) = expression::parse(condition) else {
        return;
    };
    let mut unread: Vec<&str> = constants.iter().map(|constant| constant.name.as_str()).collect();
    tree.names(&mut |name, _| unread.retain(|known| *known != name));
    for name in unread {
        bundle.problems.add(path, &key(name), "the condition does not read it; leave it out");
    }
}

/// Where a threshold stands that a condition names so.
pub(super) fn key_of_threshold(name: &str) -> String {
    name.replacen("threshold.", "thresholds.", 1)
}

/// The figures that hold in the bundle's profile, as the condition names them.
pub(super) fn thresholds_of(
    bundle: &mut Bundle,
    path: &str,
    declared: &BTreeMap<String, ThresholdDecl>,
) -> Vec<Constant> {
    let mut found = Vec::new();
    for (name, written) in declared {
        let key = format!("thresholds.{name}");
        bundle.check_name(path, &key, name);
        let figure = figure_at(written, bundle.profile);
        found.extend(bundle.note(path, &key, constant(format!("threshold.{name}"), figure)));
    }
    found
}

/// The figure that holds at an operating point.
pub(super) fn figure_at(written: &ThresholdDecl, profile: Profile) -> &FigureDecl {
    match (written, profile) {
        (ThresholdDecl::Same(figure), _) => figure,
        (ThresholdDecl::Each(each), Profile::Strict) => &each.strict,
        (ThresholdDecl::Each(each), Profile::Wide) => &each.wide,
    }
}

/// A figure out of a file, under the name by which a condition reads it.
pub(super) fn constant(name: String, figure: &FigureDecl) -> Result<Constant, String> {
    match figure {
        FigureDecl::Number(value) if value.unsigned_abs() > expression::CONSTANT_MAX.unsigned_abs() => {
            Err(format!("the largest constant is {}; use a smaller one", expression::CONSTANT_MAX))
        }
        FigureDecl::Number(value) => Ok(Constant { name, value: *value, kind: None }),
        FigureDecl::Span(text) => {
            span(text).map(|span| Constant { name, value: span.0, kind: Some(ValueType::Duration) })
        }
    }
}

/// A condition out of a file, with its problem noted.
pub(super) fn condition(
    bundle: &mut Bundle,
    path: &str,
    text: &str,
    signals: &[Signal],
    constants: &[Constant],
) -> Option<Condition> {
    match expression::compile(text, Scope { signals, constants }) {
        Ok(condition) => Some(condition),
        Err(error) => {
            let within = Some((error.line, error.column));
            bundle.problems.add_within(path, "condition", within, error.message);
            None
        }
    }
}

/// The purpose of a rule that reads and is triggered by these signals.
pub(super) fn joined_with(
    own: Purpose,
    condition: &Condition,
    triggers: &[Trigger],
    signals: &[Signal],
    measure: MeasureKind,
) -> Result<Purpose, Clash> {
    let mut read: Vec<&Signal> = Vec::new();
    condition.signals(&mut |number| read.extend(signals.get(number)));
    read.extend(triggers.iter().filter_map(|trigger| match trigger {
        Trigger::Report(number) => signals.get(*number),
        Trigger::Feed(_) => None,
    }));
    let sources = read.iter().map(|signal| (signal.name.as_str(), signal.purpose));
    let Some(wanted) = lane_use(measure.lane()) else {
        let message = "no rule acts for an authority: only a signed order does".to_owned();
        return Err(Clash { signal: None, message });
    };
    joined(own, sources, &[wanted])
}

pub(super) fn precision(
    bundle: &mut Bundle,
    path: &str,
    decl: Option<&PrecisionDecl>,
) -> Option<PrecisionRecord> {
    let decl = decl?;
    if decl.data.trim().is_empty() {
        bundle.problems.add(path, "precision.data", "is empty; name the data it was measured on");
    }
    let per_mille = match (&decl.per_mille, bundle.profile) {
        (PerMilleDecl::Same(both), _) => *both,
        (PerMilleDecl::Each { strict, .. }, Profile::Strict) => *strict,
        (PerMilleDecl::Each { wide, .. }, Profile::Wide) => *wide,
    };
    if per_mille > 1_000 {
        bundle.problems.add(path, "precision.per_mille", "is true alerts per thousand alerts: at most 1000");
    }
    bundle.note(path, "precision.date", date(&decl.date, 0))?;
    Some(PrecisionRecord { data: decl.data.clone(), date: decl.date.clone(), per_mille })
}

/// Whether a measure keeps somebody from what they want to do.
fn is_hard(measure: MeasureKind) -> bool {
    match measure {
        MeasureKind::Account(step) => step >= AccountStep::DelaySettlement,
        MeasureKind::Victim(step) => step >= VictimStep::CoolOff,
        _ => false,
    }
}

/// A measure acts on one kind of subject (D24), and a rule never refuses an opening (D22).
pub(super) fn fits(measure: MeasureKind, subject: SubjectKind) -> Result<(), String> {
    let fitting = match measure {
        MeasureKind::OpeningRefuse => {
            return Err(
                "no rule may refuse an opening: only a statutory limit can; use `opening_check_further`"
                    .to_owned(),
            );
        }
        MeasureKind::OpeningCheckFurther => SubjectKind::Opening,
        MeasureKind::PhoneCardReverify => SubjectKind::PhoneCard,
        MeasureKind::IotCardReverify => SubjectKind::IotCard,
        MeasureKind::Account(_) | MeasureKind::Victim(_) => SubjectKind::Account,
    };
    if fitting == subject {
        return Ok(());
    }
    Err(format!("acts on `{}`, and this rule is about `{}`", fitting.name(), subject.name()))
}
