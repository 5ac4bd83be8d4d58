//! What the table of a measure's life must keep to besides: nobody is restricted because of a notice that
//! never came, every step can be told, and no rule's measure ends before its own deadline (APL 11, 18).

use std::collections::BTreeMap;

use super::files::LifeFile;
use super::load::{Bundle, Context};
use super::notices::check_key;
use super::values::written;
use crate::engine::base::{Fingerprint, SpanMs, TimeMs};
use crate::engine::life::{Life, Lives, MeasureAct, MeasureEvent, OfMeasure, Word};
use crate::engine::measure::{Measure, MeasureKind, SceneLapse, VerificationLapse};
use crate::engine::partition::{REASON_FAILED, REASON_NOT_DONE};
use crate::engine::rule::Rule;

/// The longest that each kind of measure may be set for, by a rule or limit, and the file that says so.
pub(super) type Caps = BTreeMap<String, (SpanMs, String)>;

/// The caps of one table, by the measure's name.
pub(super) fn caps(bundle: &mut Bundle, path: &str, file: &LifeFile, context: Context<'_>) -> Caps {
    let mut caps = Caps::new();
    for (name, figure) in &file.caps {
        let key = format!("caps.{name}");
        if !file.of.contains(name) {
            bundle.problems.add(path, &key, "is of no measure that lives so; `of` names them");
        }
        super::lives::figure(bundle, path, &key, figure, context.zone);
        let cap = bundle.note(path, &format!("{key}.value"), context.measure_for(&figure.value));
        caps.extend(cap.map(|cap| (name.clone(), (cap, path.to_owned()))));
    }
    caps
}

/// A table of some measures, by itself.
pub(super) fn sound(
    bundle: &mut Bundle,
    path: &str,
    of: &[&'static str],
    life: &Life<OfMeasure>,
    context: Context<'_>,
) {
    let is_last = |state: usize| life.state(state).is_some_and(|state| state.is_last);
    let name = |state: usize| life.state(state).map_or("", |state| &*state.name);
    let delivered_first = |state: usize| {
        let into = life.steps.iter().filter(|step| step.to == state && step.from != state);
        life.first != state && into.into_iter().all(|step| step.on == MeasureEvent::NoticeDelivered)
    };
    for step in &life.steps {
        let ends = step.acts.iter().filter(|act| act.ends()).count();
        if ends > 1 {
            let message = format!("`{}` on `{}` ends the measure twice", name(step.from), step.on.name());
            bundle.problems.add(path, "steps", message);
        }
        if (ends == 1) != (is_last(step.to) && step.from != step.to) {
            let message = format!(
                "`{}` on `{}`: a measure ends exactly where its life does",
                name(step.from),
                step.on.name()
            );
            bundle.problems.add(path, "steps", message);
        }
        for act in step.acts.iter().filter(|act| act.sets().is_some()) {
            let fits = of.iter().all(|of| sample(of).is_some_and(|of| follows(&of, *act)));
            if !fits {
                let message = format!("`{}` does not follow on each of `of` (D24)", act.name());
                bundle.problems.add(path, "steps", message);
            }
            if step.on == MeasureEvent::Due && !delivered_first(step.from) {
                let message = format!(
                    "`{}` restricts somebody in time although no notice may have come; only a state that \
                     begins with `notice_delivered` may (law.md T3)",
                    name(step.from)
                );
                bundle.problems.add(path, "steps", message);
            }
        }
    }
    texts(bundle, path, life, context);
}

/// Everything that a step sets, and asks for, can be told.
fn texts(bundle: &mut Bundle, path: &str, life: &Life<OfMeasure>, context: Context<'_>) {
    let Some(notices) = context.notices else { return };
    let mut sets: Vec<&'static str> =
        life.steps.iter().flat_map(|step| &step.acts).filter_map(|act| act.sets()).collect();
    sets.sort_unstable();
    sets.dedup();
    for set in &sets {
        if !notices.measures.contains_key(*set) {
            let message = format!("sets `{set}`, which has no text in notices/measures.toml");
            bundle.problems.add(path, "steps", message);
        }
        if !life.terms.contains_key(*set) {
            let message = format!("is missing: a step sets `{set}`, and every measure ends (D26)");
            bundle.problems.add(path, &format!("terms.{set}"), message);
        }
    }
    for term in life.terms.keys().filter(|term| !sets.contains(&term.as_str())) {
        bundle.problems.add(path, &format!("terms.{term}"), "no step sets this measure");
    }
    if !sets.is_empty() {
        for reason in [REASON_FAILED, REASON_NOT_DONE] {
            check_key(bundle, path, "steps.reason", Some(&notices.reasons), reason);
        }
    }
    if life.awaits(MeasureEvent::VerificationPassed) && notices.verifying.methods.is_empty() {
        bundle.problems.add(path, "steps", "asks for a verification, and notices/verifying.toml offers none");
    }
    if life.steps.iter().any(|step| step.acts.contains(&MeasureAct::TellAgain))
        && notices.verifying.channels.is_empty()
    {
        bundle.problems.add(path, "steps", "tells again, and notices/verifying.toml names no way");
    }
}

/// Tables and what is set under them: rules, limits, and what steps set.
pub(super) fn fitting(bundle: &mut Bundle, lives: &Lives, caps: &Caps, rules: &[Rule]) {
    let deadline = |measure: &str| {
        let life = lives.of_measure(measure)?;
        Some((life, life.due_after(MeasureEvent::NoticeDelivered)?.after))
    };
    for rule in rules {
        let measure = Measure::from(rule.measure).name();
        let path = rule_path(rule);
        if let Some((life, after)) = deadline(measure).filter(|(_, after)| rule.measure_for <= *after) {
            let message = format!(
                "is over before the deadline of lives/{}.toml, {} from delivery, can come; make it longer",
                life.id,
                written(after)
            );
            bundle.problems.add(&path, "measure_for", message);
        }
        if let Some((cap, of)) = caps.get(measure).filter(|(cap, _)| rule.measure_for > *cap) {
            let message = format!("is longer than {} ({of}); nobody waits longer for that", written(*cap));
            bundle.problems.add(&path, "measure_for", message);
        }
    }
    for (_, life) in &lives.measures {
        for (measure, term) in &life.terms {
            let path = format!("lives/{}.toml", life.id);
            let key = format!("terms.{measure}");
            if deadline(measure).is_some_and(|(_, after)| *term <= after) {
                bundle.problems.add(&path, &key, "is over before the deadline of its own life can come");
            }
            if caps.get(measure).is_some_and(|(cap, _)| term > cap) {
                bundle.problems.add(&path, &key, "is longer than the cap of that measure's own life");
            }
        }
    }
}

fn rule_path(rule: &Rule) -> String {
    let folder = match rule.origin {
        crate::engine::rule::RuleOrigin::Measured(_) => "rules",
        crate::engine::rule::RuleOrigin::Limit { .. } => "limits",
    };
    format!("{folder}/{}.toml", rule.id)
}

fn follows(standing: &Measure, act: MeasureAct) -> bool {
    standing.followed_by(act, Fingerprint(0), TimeMs(0)).is_some()
}

/// A measure of that name; none for those of authorities, which no table of this kind is about.
fn sample(name: &str) -> Option<Measure> {
    let (event, at) = (Fingerprint(0), TimeMs(0));
    let phone = || VerificationLapse::of(&Measure::PhoneCardReverify, event, at);
    let iot = || SceneLapse::of(&Measure::IotCardReverify, event, at);
    match name {
        "phone_card_limit" => phone().map(Measure::PhoneCardLimit),
        "phone_card_suspend" => phone().map(Measure::PhoneCardSuspend),
        "iot_card_limit" => iot().map(Measure::IotCardLimit),
        "iot_card_pause" => iot().map(Measure::IotCardPause),
        other => MeasureKind::from_name(other).map(Measure::from),
    }
}
