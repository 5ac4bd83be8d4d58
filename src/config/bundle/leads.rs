//! `leads/*.toml`: what may be referred, to whom, with which fields, and since when an answer is due.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::condition::{Reader, fields, readable, signals_read};
use super::files::{Figure, PrecisionDecl, TextPair, ThresholdDecl};
use super::harm::{QualityDecl, quality};
use super::limits::is_enabled;
use super::lives::figure;
use super::load::{Bundle, Context};
use super::notices::{check_key, title};
use super::purposes::{Clash, joined, note_purpose, purpose};
use super::rules::{condition, each_is_read, key_of_threshold, precision, status_named, thresholds_of};
use super::triggers::{feeds_of, feeds_triggering};
use super::values::{named, span_within};
use super::verifying::word;
use crate::config::settings::MAINLAND;
use crate::engine::base::SpanMs;
use crate::engine::fact::Feed;
use crate::engine::lead::{LeadAuthority, LeadField, LeadKind, LeadRule, LeadTerms, Leads};
use crate::engine::life::{Lives, Word};
use crate::engine::order::Level;
use crate::engine::purpose::{Purpose, Use};
use crate::engine::rule::{Condition, Trigger};
use crate::engine::signal::{Reads, Signal};
use crate::engine::subject::SubjectKind;
use crate::engine::verifying::Risk;

/// The kind that only an order brings about.
const LINKED: &str = "internet_account";
/// These only catch slips of the pen: an answer is due within a year, and nothing is looked away from for longer
/// than three. The terms themselves stand in the file of the lead.
const ANSWER_MAX: SpanMs = SpanMs::days(366);
const AGAIN_MAX: SpanMs = SpanMs::days(1_100);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LeadFile {
    pub version: u32,
    /// `sim_box_device`, `caller_spoofing` or `internet_account`.
    pub kind: String,
    pub title: TextPair,
    /// Unless it is said, in force if its figure is established.
    pub enabled: Option<bool>,
    pub basis: String,
    /// Why it is referred, in plain words.
    pub reason: TextPair,
    pub source: String,
    pub risk: Option<String>,
    pub fields: Vec<String>,
    pub answer_within: Figure,
    /// By risk: whom it goes to.
    pub authorities: BTreeMap<String, AuthorityDecl>,
    /// All from here on: not of `internet_account`, which no rule refers.
    pub status: Option<String>,
    pub subject: Option<String>,
    #[serde(default)]
    pub triggers: Vec<String>,
    pub condition: Option<String>,
    #[serde(default)]
    pub thresholds: BTreeMap<String, ThresholdDecl>,
    pub purpose: Option<String>,
    /// After it saw something in a subject it looks away from it this long.
    pub again_after: Option<String>,
    /// So many of its leads may wait for an answer in a partition.
    pub open_max: Option<u32>,
    pub quality: Option<QualityDecl>,
    pub precision: Option<PrecisionDecl>,
}

/// A destination (D21), and which authority that is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuthorityDecl {
    pub name: String,
    pub title: TextPair,
    pub level: String,
    pub jurisdiction: String,
    #[serde(default)]
    pub assessment: String,
}

/// All leads that are in force, and the names of those that are not.
pub(super) fn leads(bundle: &mut Bundle, context: Context<'_>, lives: &Lives) -> (Leads, Vec<String>) {
    let mut leads = Leads::default();
    let mut off = Vec::new();
    for (path, id, file) in bundle.folder::<LeadFile>("leads") {
        bundle.check_name(&path, "", &id);
        check_key(bundle, &path, "basis", context.notices.map(|texts| &texts.bases), &file.basis);
        let is_on = is_enabled(bundle, &path, file.enabled, &[&file.answer_within.status]);
        let terms = terms(bundle, &path, &id, &file, context.zone);
        if file.kind == LINKED {
            by_order_alone(bundle, &path, &file);
            match (is_on, terms) {
                (true, Some(_)) if leads.linked.is_some() => {
                    bundle.problems.add(&path, "kind", "linked internet accounts have a table already");
                }
                (true, terms) => leads.linked = terms,
                (false, _) => off.push(id),
            }
            continue;
        }
        let rule = terms.and_then(|terms| rule(bundle, &path, &file, terms, context.signals));
        if is_on {
            leads.rules.extend(rule);
        } else {
            off.push(id);
        }
    }
    leads.rules.sort_by(|a, b| a.terms.id.cmp(&b.terms.id));
    if lives.lead.is_none() && (leads.linked.is_some() || !leads.rules.is_empty()) {
        bundle.problems.add("leads", "", "what is referred needs the table of its life: lives/lead.toml");
    }
    (leads, off)
}

/// Nothing that we see refers linked accounts (law.md L10).
fn by_order_alone(bundle: &mut Bundle, path: &str, file: &LeadFile) {
    let is_rule = file.status.is_some()
        || file.subject.is_some()
        || !file.triggers.is_empty()
        || file.condition.is_some()
        || file.purpose.is_some()
        || file.quality.is_some()
        || file.precision.is_some()
        || file.again_after.is_some()
        || file.open_max.is_some();
    if is_rule {
        let message = "linked internet accounts are referred on an order and on nothing else (APL 22): no \
                       status, subject, triggers or condition";
        bundle.problems.add(path, "kind", message);
    }
}

fn terms(bundle: &mut Bundle, path: &str, id: &str, file: &LeadFile, zone: i32) -> Option<LeadTerms> {
    if file.version == 0 {
        bundle.problems.add(path, "version", "versions count from 1");
    }
    if file.source.trim().is_empty() {
        bundle.problems.add(path, "source", "is empty; name the law or practice that it follows");
    }
    figure(bundle, path, "answer_within", &file.answer_within, zone);
    let answer_within = span_within(&file.answer_within.value, SpanMs::HOUR, ANSWER_MAX);
    let answer_within = bundle.note(path, "answer_within.value", answer_within);
    let (title, reason) = (
        title(bundle, path, "title", file.title.clone()),
        title(bundle, path, "reason", file.reason.clone()),
    );
    let risk = bundle.note(path, "risk", super::rules::risk(file.risk.as_deref()))?;
    let mut fields = Vec::new();
    for name in &file.fields {
        let Some(field) = bundle.note(path, "fields", word::<LeadField>("field of a lead", name)) else {
            continue;
        };
        if fields.contains(&field) {
            bundle.problems.add(path, "fields", format!("`{name}` stands twice"));
        }
        fields.push(field);
    }
    if !fields.contains(&LeadField::Subject) {
        bundle.problems.add(path, "fields", "lacks `subject`: nobody could tell what the lead is about");
    }
    let authority = authority(bundle, path, file, risk);
    Some(LeadTerms {
        id: id.to_owned(),
        version: file.version,
        title,
        basis: file.basis.clone(),
        reason,
        risk,
        authority: authority?,
        fields,
        answer_within: answer_within?,
    })
}

/// Every authority of the table is a destination and declares where it lies; one of them fits the risk.
fn authority(bundle: &mut Bundle, path: &str, file: &LeadFile, risk: Risk) -> Option<LeadAuthority> {
    let mut fitting = None;
    for (of, decl) in &file.authorities {
        let key = |part: &str| format!("authorities.{of}.{part}");
        let of = bundle.note(path, &format!("authorities.{of}"), word::<Risk>("risk", of));
        bundle.check_name(path, &key("name"), &decl.name);
        let title = title(bundle, path, &key("title"), decl.title.clone());
        let known = Level::ALL.map(|level| (level.name(), level));
        let level = bundle.note(path, &key("level"), named("level", &decl.level, known));
        if decl.jurisdiction != MAINLAND
            && (decl.jurisdiction.is_empty() || decl.assessment.trim().is_empty())
        {
            let message = format!(
                "is `{}` without an assessment: data stays on the mainland unless `assessment` names the number \
                 of a security assessment for export (D21)",
                decl.jurisdiction
            );
            bundle.problems.add(path, &key("jurisdiction"), message);
        }
        if of == Some(risk)
            && let Some(level) = level
        {
            fitting = Some(LeadAuthority { name: Arc::from(decl.name.as_str()), title, level });
        }
    }
    if fitting.is_none() {
        let message = format!("no authority is declared for the risk `{}` that it states", risk.name());
        bundle.problems.add(path, "authorities", message);
    }
    fitting
}

fn rule(
    bundle: &mut Bundle,
    path: &str,
    file: &LeadFile,
    terms: LeadTerms,
    signals: &[Signal],
) -> Option<LeadRule> {
    let kinds: Vec<(&str, LeadKind)> = LeadKind::ALL.iter().map(|kind| (kind.name(), *kind)).collect();
    let kind = bundle.note(path, "kind", named("kind of lead", &file.kind, kinds))?;
    let written = |text: &Option<String>| text.clone().ok_or_else(|| "is missing".to_owned());
    let status = written(&file.status).and_then(|text| status_named(&text));
    let status = bundle.note(path, "status", status);
    let subjects = subjects_of(kind).iter().map(|kind| (kind.name(), *kind));
    let subject =
        written(&file.subject).and_then(|text| named("subject of this kind of lead", &text, subjects));
    let subject = bundle.note(path, "subject", subject)?;
    let triggers = triggers(bundle, path, subject, &file.triggers)?;
    let constants = thresholds_of(bundle, path, &file.thresholds);
    let text = bundle.note(path, "condition", written(&file.condition))?;
    let condition = condition(bundle, path, &text, signals, &constants);
    each_is_read(bundle, path, &constants, &text, &key_of_threshold);
    let condition = condition?;
    if subject.lives_with_holder() {
        let as_triggers: Vec<Trigger> = triggers.iter().map(|feed| Trigger::Feed(*feed)).collect();
        let reader = Reader { subject, measure: None, triggers: &as_triggers, signals };
        readable(bundle, path, &condition, &reader);
    } else {
        of_itself(bundle, path, &condition, subject, signals);
    }
    let own = written(&file.purpose).and_then(|text| purpose(&text));
    let own = bundle.note(path, "purpose", own)?;
    let purpose = note_purpose(bundle, path, purpose_of(own, &condition, signals))?;
    let again_after = written(&file.again_after).and_then(|text| span_within(&text, SpanMs::HOUR, AGAIN_MAX));
    let again_after = bundle.note(path, "again_after", again_after);
    let open_max = bundle.note(path, "open_max", file.open_max.ok_or_else(|| "is missing".to_owned()));
    if open_max == Some(0) {
        bundle.problems.add(path, "open_max", "is 0: a rule that may refer nothing is `shadow`");
    }
    let precision = precision(bundle, path, file.precision.as_ref());
    if file.status.as_deref() == Some("enforced") && precision.is_none() {
        let message =
            "has no record of measured precision, so it only observes; measure it and add [precision]";
        bundle.warnings.add(path, "status", message);
    }
    let quality = file.quality.as_ref().map(|decl| quality(bundle, path, decl));
    Some(LeadRule {
        terms,
        kind,
        status: status?,
        subject,
        triggers,
        condition,
        purpose,
        precision,
        quality,
        again_after: again_after?,
        open_max: open_max?,
    })
}

/// What each kind of lead is about.
fn subjects_of(kind: LeadKind) -> &'static [SubjectKind] {
    match kind {
        LeadKind::SimBoxDevice => &[SubjectKind::Device],
        LeadKind::CallerSpoofing => &[SubjectKind::PhoneCard, SubjectKind::IotCard],
    }
}

fn triggers(bundle: &mut Bundle, path: &str, subject: SubjectKind, written: &[String]) -> Option<Vec<Feed>> {
    // Stock is reported and met by nobody.
    let is_met = |feed: &&Feed| !matches!(feed, Feed::DeviceStockAgent | Feed::DeviceStockOutlet);
    let of = if subject.lives_with_holder() { feeds_triggering(subject) } else { feeds_of(subject) };
    let known: Vec<(&str, Feed)> = of.iter().filter(is_met).map(|feed| (feed.name(), *feed)).collect();
    if written.is_empty() {
        bundle.problems.add(path, "triggers", "is empty; name an event");
    }
    let mut triggers = Vec::new();
    for text in written {
        let what = format!("trigger of a lead about `{}`", subject.name());
        let feed = bundle.note(path, "triggers", named(&what, text, known.iter().copied()))?;
        if triggers.contains(&feed) {
            bundle.problems.add(path, "triggers", format!("`{text}` stands twice"));
        }
        triggers.push(feed);
    }
    (!triggers.is_empty()).then_some(triggers)
}

/// A shared subject has nothing but its own log: no holder, no event of a person's, no made signal.
fn of_itself(
    bundle: &mut Bundle,
    path: &str,
    condition: &Condition,
    subject: SubjectKind,
    signals: &[Signal],
) {
    for signal in signals_read(condition, signals) {
        if signal.subject != subject || !matches!(signal.reads, Reads::Log(_)) {
            let message = format!(
                "reads `{}`; a lead about `{}` reads questions of that subject's own log and nothing else",
                signal.name,
                subject.name()
            );
            bundle.blame(path, &signal.name, message);
        }
    }
    for field in fields(condition) {
        let message = format!("reads {}, which is a person's: a shared subject has none", field.name());
        bundle.blame(path, field.name(), message);
    }
}

fn purpose_of(own: Purpose, condition: &Condition, signals: &[Signal]) -> Result<Purpose, Clash> {
    let read = signals_read(condition, signals);
    let sources = read.iter().map(|signal| (signal.name.as_str(), signal.purpose));
    joined(own, sources, &[Use::AnomalyMeasure])
}
