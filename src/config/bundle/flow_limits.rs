//! `limits/*.toml` with a condition: dated figures of a law or notice about what may go through an
//! account or card. Each dated figure becomes a rule of the lane of limits.

use std::collections::BTreeMap;

use super::condition::{Reader, readable};
use super::figures::filled;
use super::files::{FigureDecl, FlowFigure, FlowLimitFile};
use super::limits::{dates, is_enabled, not_overlapping, source};
use super::load::{Bundle, Context};
use super::notices::{check_key, title};
use super::purposes::{joined, lane_use, note_purpose, purpose};
use super::rules::{SUBJECTS, condition, constant, each_is_read, fits, measure, risk};
use super::triggers::triggers;
use super::values::{named, standing};
use crate::config::expression::Constant;
use crate::engine::base::{Bilingual, SpanMs, TimeMs};
use crate::engine::measure::MeasureKind;
use crate::engine::purpose::{Purpose, Use};
use crate::engine::rule::{Rule, RuleOrigin, RuleStatus, Trigger};
use crate::engine::signal::Signal;
use crate::engine::subject::SubjectKind;
use crate::engine::verifying::Risk;

/// Rules made of limits in force, and the names of those kept off.
pub(super) struct FlowLimits {
    pub rules: Vec<Rule>,
    pub off: Vec<String>,
    /// What those kept off would be.
    pub rules_off: Vec<Rule>,
    /// Their reasons with the figures of each dated entry, by the key that its rule names.
    pub reasons: BTreeMap<String, Bilingual>,
}

pub(super) fn flow_limits(bundle: &mut Bundle, context: Context<'_>) -> FlowLimits {
    let mut limits =
        FlowLimits { rules: Vec::new(), off: Vec::new(), rules_off: Vec::new(), reasons: BTreeMap::new() };
    for (path, id) in bundle.paths("limits") {
        if !bundle.has(&path, "condition") {
            continue;
        }
        let Some(file) = bundle.file::<FlowLimitFile>(&path) else {
            continue;
        };
        bundle.check_name(&path, "", &id);
        check_key(bundle, &path, "reason", context.notices.map(|texts| &texts.reasons), &file.reason);
        let made = dated(bundle, &path, &id, &file, context, &mut limits.reasons);
        let statuses: Vec<&str> = file.dated.iter().map(|figure| figure.status.as_str()).collect();
        if is_enabled(bundle, &path, file.enabled, &statuses) {
            limits.rules.extend(made);
        } else {
            limits.off.push(id);
            limits.rules_off.extend(made);
        }
    }
    limits.rules.sort_by(|a, b| (&a.id, a.version).cmp(&(&b.id, b.version)));
    limits
}

/// What all dated figures of a limit have in common.
struct Common<'a> {
    title: Bilingual,
    subject: SubjectKind,
    triggers: Vec<Trigger>,
    measure: MeasureKind,
    measure_for: SpanMs,
    own_purpose: Purpose,
    risk: Risk,
    file: &'a FlowLimitFile,
    signals: &'a [Signal],
}

fn dated(
    bundle: &mut Bundle,
    path: &str,
    id: &str,
    file: &FlowLimitFile,
    context: Context<'_>,
    reasons: &mut BTreeMap<String, Bilingual>,
) -> Vec<Rule> {
    if file.dated.is_empty() {
        bundle.problems.add(path, "dated", "is empty; a limit has at least one dated figure");
    }
    let Some(common) = common(bundle, path, file, context) else {
        return Vec::new();
    };
    let mut rules = Vec::new();
    let mut spans = Vec::new();
    for (place, figure) in file.dated.iter().enumerate() {
        let key = |part: &str| format!("dated.{place}.{part}");
        check_key(bundle, path, &key("basis"), context.notices.map(|texts| &texts.bases), &figure.basis);
        let dates =
            dates(bundle, path, &key, (&figure.effective_from, figure.effective_to.as_deref()), context.zone);
        source(bundle, path, &key, &figure.source);
        bundle.note(path, &key("status"), standing(&figure.status));
        if figure.version == 0 {
            bundle.problems.add(path, &key("version"), "versions count from 1");
        }
        let Some(dates) = dates else {
            continue;
        };
        spans.push((figure.version, dates));
        let template = context.notices.and_then(|texts| texts.reasons.get(&file.reason));
        if let Some((mut rule, value)) = one(bundle, path, id, (&key, figure, dates), &common) {
            let told = template.map(|template| filled(template, value.as_ref(), rule.measure_for));
            if let Some(told) = told.and_then(|told| bundle.note(path, "reason", told)) {
                rule.reason = format!("{}/{id}/{}", file.reason, rule.version);
                reasons.insert(rule.reason.clone(), told);
            }
            rules.push(rule);
        }
    }
    not_overlapping(bundle, path, spans);
    rules
}

fn common<'a>(
    bundle: &mut Bundle,
    path: &str,
    file: &'a FlowLimitFile,
    context: Context<'a>,
) -> Option<Common<'a>> {
    let signals = context.signals;
    let subjects = SUBJECTS.map(|kind| (kind.name(), kind));
    let title = title(bundle, path, "title", file.title.clone());
    let subject = bundle.note(path, "subject", named("subject of a limit", &file.subject, subjects));
    let measure = bundle.note(path, "measure", measure(&file.measure));
    let measure_for = bundle.note(path, "measure_for", context.measure_for(&file.measure_for));
    let own_purpose = bundle.note(path, "purpose", purpose(&file.purpose));
    let risk = bundle.note(path, "risk", risk(file.risk.as_deref()));
    let (subject, measure) = (subject?, measure?);
    bundle.note(path, "measure", fits(measure, subject))?;
    let triggers = triggers(bundle, path, subject, &file.triggers, signals)?;
    Some(Common {
        title,
        subject,
        triggers,
        measure,
        measure_for: measure_for?,
        own_purpose: own_purpose?,
        risk: risk?,
        file,
        signals,
    })
}

/// A dated entry: how its keys are named, what it says, and when it holds.
type Entry<'a> = (&'a dyn Fn(&str) -> String, &'a FlowFigure, (TimeMs, Option<TimeMs>));

fn one(
    bundle: &mut Bundle,
    path: &str,
    id: &str,
    (key, figure, (effective_from, effective_to)): Entry<'_>,
    common: &Common<'_>,
) -> Option<(Rule, Option<Constant>)> {
    let mut constants: Vec<Constant> = Vec::new();
    for (name, figure) in [("value", &figure.value), ("value_2", &figure.value_2)] {
        if let Some(figure) = figure {
            constants.push(bundle.note(path, &key(name), positive(name, figure))?);
        }
    }
    let text = &common.file.condition;
    each_is_read(bundle, path, &constants, text, &|name| key(name.trim_start_matches("limit.")));
    let condition = condition(bundle, path, text, common.signals, &constants)?;
    let reader = Reader {
        subject: common.subject,
        measure: Some(common.measure),
        triggers: &common.triggers,
        signals: common.signals,
    };
    readable(bundle, path, &condition, &reader);
    let mut read: Vec<&Signal> = Vec::new();
    condition.signals(&mut |number| read.extend(common.signals.get(number)));
    let sources = read.iter().map(|signal| (signal.name.as_str(), signal.purpose));
    // Its lane is that of limits, its measure often one on an account: the data must serve both.
    let uses: Vec<Use> = lane_use(common.measure.lane()).into_iter().chain([Use::OpeningLimit]).collect();
    let purpose = note_purpose(bundle, path, joined(common.own_purpose, sources, &uses))?;
    let value = constants.into_iter().find(|constant| constant.name == "limit.value");
    let rule = Rule {
        quality: None,
        id: id.to_owned(),
        version: figure.version,
        title: common.title.clone(),
        status: RuleStatus::Enforced,
        subject: common.subject,
        triggers: common.triggers.clone(),
        condition,
        measure: common.measure,
        measure_for: common.measure_for,
        purpose,
        basis: figure.basis.clone(),
        reason: common.file.reason.clone(),
        origin: RuleOrigin::Limit { effective_from, effective_to },
        harm_budget: None,
        risk: common.risk,
    };
    Some((rule, value))
}

fn positive(name: &str, figure: &FigureDecl) -> Result<Constant, String> {
    if matches!(figure, FigureDecl::Number(value) if *value < 0) {
        return Err("is below 0; a figure of a law is not".to_owned());
    }
    constant(format!("limit.{name}"), figure)
}
