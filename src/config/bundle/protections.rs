//! `protections/*.toml`: what makes a rule's measure milder (D27).

use super::files::ProtectionFile;
use super::load::{Bundle, Context};
use super::notices::{check_key, title};
use super::rules::{SUBJECTS, condition, fits, measure};
use super::triggers::feeds_triggering;
use super::values::named;
use crate::engine::measure::MeasureKind;
use crate::engine::protection::{Protection, Softening};
use crate::engine::purpose::Use;
use crate::engine::rule::Condition;
use crate::engine::signal::Signal;
use crate::engine::subject::SubjectKind;

/// All protections by id.
pub(super) fn protections(bundle: &mut Bundle, context: Context<'_>) -> Vec<Protection> {
    let mut protections = Vec::new();
    for (path, id, file) in bundle.folder::<ProtectionFile>("protections") {
        bundle.check_name(&path, "", &id);
        check_key(bundle, &path, "basis", context.notices.map(|texts| &texts.bases), &file.basis);
        protections.extend(protection(bundle, &path, id, file, context.signals));
    }
    protections.sort_by(|a: &Protection, b| a.id.cmp(&b.id));
    protections
}

fn protection(
    bundle: &mut Bundle,
    path: &str,
    id: String,
    file: ProtectionFile,
    signals: &[Signal],
) -> Option<Protection> {
    if file.version == 0 {
        bundle.problems.add(path, "version", "versions count from 1");
    }
    let title = title(bundle, path, "title", file.title.clone());
    let subjects = SUBJECTS.map(|kind| (kind.name(), kind));
    let subject = bundle.note(path, "subject", named("subject of a protection", &file.subject, subjects));
    let condition = condition(bundle, path, &file.condition, signals, &[]);
    let (subject, condition) = (subject?, condition?);
    let measures = measures(bundle, path, &file, subject)?;
    let rules = rules(bundle, path, file.rules.as_deref());
    let softening = bundle.note(path, "softens_to", softening(&file.softens_to, &measures))?;
    readable(bundle, path, subject, &condition, signals);
    Some(Protection {
        id,
        version: file.version,
        title,
        subject,
        measures,
        rules,
        condition,
        softening,
        basis: file.basis,
    })
}

/// The measures it meets: those that a rule can ask for on such a party.
fn measures(
    bundle: &mut Bundle,
    path: &str,
    file: &ProtectionFile,
    subject: SubjectKind,
) -> Option<Vec<MeasureKind>> {
    if file.measures.is_empty() {
        bundle.problems.add(path, "measures", "is empty; name the measures that it softens");
        return None;
    }
    let mut measures = Vec::new();
    for name in &file.measures {
        let found = measure(name).and_then(|kind| fits(kind, subject).map(|()| kind));
        let found = bundle.note(path, "measures", found)?;
        if measures.contains(&found) {
            bundle.problems.add(path, "measures", format!("`{name}` stands twice"));
        }
        measures.push(found);
    }
    Some(measures)
}

/// The rules and limits that it is for, on file whether in force or not.
fn rules(bundle: &mut Bundle, path: &str, named: Option<&[String]>) -> Vec<String> {
    let mut rules: Vec<String> = Vec::new();
    if named.is_some_and(<[String]>::is_empty) {
        bundle.problems.add(path, "rules", "is empty; name rules or limits, or leave it out for all");
    }
    for name in named.unwrap_or_default() {
        let is_there = ["rules", "limits"].iter().any(|room| bundle.is_there(&format!("{room}/{name}.toml")));
        if !is_there {
            bundle.problems.add(path, "rules", format!("no rule and no limit has the name `{name}`"));
        }
        if rules.contains(name) {
            bundle.problems.add(path, "rules", format!("`{name}` stands twice"));
        }
        rules.push(name.clone());
    }
    rules
}

fn softening(written: &str, measures: &[MeasureKind]) -> Result<Softening, String> {
    if written == "waive" {
        return Ok(Softening::Waive);
    }
    let milder = measure(written).map_err(|why| format!("{why} (or write `waive`)"))?;
    if let Some(place) = measures.iter().position(|asked| !milder.is_milder_than(*asked)) {
        return Err(format!(
            "`{written}` is not milder than the measure in place {} of `measures`; a protection only softens",
            place + 1
        ));
    }
    Ok(Softening::AtMost(milder))
}

/// It is evaluated on whatever made the rule fire, and may read what serves to soften.
fn readable(
    bundle: &mut Bundle,
    path: &str,
    subject: SubjectKind,
    condition: &Condition,
    signals: &[Signal],
) {
    super::condition::only_protects(bundle, path, condition, None);
    for field in super::condition::fields(condition) {
        let said = feeds_triggering(subject).iter().any(|feed| super::condition::feed_says(*feed, field));
        if !said {
            let message = format!("reads {}, which no event about `{}` says", field.name(), subject.name());
            bundle.blame(path, field.name(), message);
        }
    }
    for signal in super::condition::signals_read(condition, signals) {
        if !signal.purpose.permits(Use::Softening) {
            let message = format!(
                "signal `{}` has a purpose that does not permit softening; use data that may protect",
                signal.name
            );
            bundle.blame(path, &signal.name, message);
        }
        let of_party = signal.subject == subject
            || signal.subject == SubjectKind::Holder
            || (signal.subject == SubjectKind::Pair && subject == SubjectKind::Account);
        if !of_party {
            let message = format!(
                "reads `{}` of `{}`, and this protection is about `{}`",
                signal.name,
                signal.subject.name(),
                subject.name()
            );
            bundle.blame(path, &signal.name, message);
        }
    }
}
