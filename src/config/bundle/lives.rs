//! `lives/*.toml`: what may follow what in the life of a measure, an appeal, an order, an entry, a rule, a lead.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::files::{Figure, LifeFile, LifeStepDecl};
use super::limits::is_enabled;
use super::load::{Bundle, Context};
use super::measure_lives::{self, Caps};
use super::notices::{check_key, title};
use super::values::{date, named, span_within, standing};
use super::verifying::word;
use crate::engine::base::SpanMs;
use crate::engine::life::{
    AppealAct, AppealEvent, AppealGuard, Due, Life, Lives, OfAppeal, OfEntry, OfLead, OfMeasure, OfOrder,
    OfRule, State, Step,
};
use crate::engine::life::{Vocabulary, Word};
use crate::engine::measure::MEASURE_NAMES;
use crate::engine::notice::NoticeTexts;
use crate::engine::rule::Rule;

/// All tables that are in force, and the names of those that are not.
pub(super) fn lives(bundle: &mut Bundle, context: Context<'_>, rules: &[Rule]) -> (Lives, Vec<String>) {
    let mut lives = Lives::default();
    let mut off = Vec::new();
    let mut caps = Caps::new();
    for (path, id, file) in bundle.folder::<LifeFile>("lives") {
        bundle.check_name(&path, "", &id);
        check_key(bundle, &path, "basis", context.notices.map(|texts| &texts.bases), &file.basis);
        let figures = file.spans.values().chain(file.terms.values()).chain(file.caps.values());
        let statuses: Vec<&str> = figures.map(|figure| figure.status.as_str()).collect();
        if !is_enabled(bundle, &path, file.enabled, &statuses) {
            off.push(id);
            continue;
        }
        let is_plain = file.of.is_empty() && file.terms.is_empty() && file.caps.is_empty();
        if file.kind != OfMeasure::KIND && !is_plain {
            bundle.problems.add(&path, "of", "only the life of a measure names measures");
        }
        match file.kind.as_str() {
            OfMeasure::KIND => {
                caps.append(&mut measure_lives::caps(bundle, &path, &file, context));
                measure(bundle, &path, &id, &file, context, &mut lives);
            }
            OfAppeal::KIND => one(bundle, &path, &id, &file, context, &mut lives.appeal),
            OfOrder::KIND => one(bundle, &path, &id, &file, context, &mut lives.order),
            OfEntry::KIND => one(bundle, &path, &id, &file, context, &mut lives.entry),
            OfRule::KIND => one(bundle, &path, &id, &file, context, &mut lives.rule),
            OfLead::KIND => one(bundle, &path, &id, &file, context, &mut lives.lead),
            other => {
                let known = [
                    OfMeasure::KIND,
                    OfAppeal::KIND,
                    OfOrder::KIND,
                    OfEntry::KIND,
                    OfRule::KIND,
                    OfLead::KIND,
                ];
                let known = known.map(|kind| (kind, ()));
                bundle.note(&path, "kind", named("kind of life", other, known));
            }
        }
    }
    measure_lives::fitting(bundle, &lives, &caps, rules);
    super::authority_lives::worded(bundle, context, &lives);
    (lives, off)
}

/// Where appeals are followed, a person is told why; where people decide for a milder measure, too. A filed appeal has
/// a deadline that the law allows, for it is what the notice promises; only what an authority ordered is passed on.
pub(super) fn answerable(bundle: &mut Bundle, lives: &Lives, notices: &NoticeTexts, within_max: SpanMs) {
    let Some(appeal) = &lives.appeal else { return };
    let path = format!("lives/{}.toml", appeal.id);
    if !notices.answers.contains_key("unstated") {
        bundle.problems.add(&path, "", "appeals need notices/answers.toml, with a text `unstated` at least");
    }
    for step in appeal.steps.iter().filter(|step| step.on == AppealEvent::Filed) {
        let Some(state) = appeal.state(step.to) else { continue };
        let key = format!("states.{}", state.name);
        if step.acts.contains(&AppealAct::Forward) {
            if !step.only_if.contains(&AppealGuard::OfAuthority) {
                let message = "`forward` needs the guard `of_authority`: what we set is ours to answer";
                bundle.problems.add(&path, "steps", message);
            }
            continue;
        }
        match state.due {
            None => bundle.problems.add(&path, &key, "an appeal is filed here and nothing is due"),
            Some(due) if due.after > within_max => {
                let message =
                    "a filed appeal is answered later here than `answer_within_max` in settings.toml";
                bundle.problems.add(&path, &key, message);
            }
            Some(_) => {}
        }
    }
    let sets_milder = appeal.steps.iter().any(|step| step.acts.contains(&AppealAct::SetMilder));
    if sets_milder && !notices.reasons.contains_key("human_decision_milder") {
        let message = "`set_milder` needs the reason `human_decision_milder` in notices/reasons.toml";
        bundle.problems.add(&path, "steps", message);
    }
}

/// The table of some measures.
fn measure(
    bundle: &mut Bundle,
    path: &str,
    id: &str,
    file: &LifeFile,
    context: Context<'_>,
    lives: &mut Lives,
) {
    let mut of = Vec::new();
    if file.of.is_empty() {
        bundle.problems.add(path, "of", "is empty; name the measures that live so");
    }
    for name in &file.of {
        let known = MEASURE_NAMES.map(|name| (name, name));
        let Some(name) = bundle.note(path, "of", named("measure", name, known)) else { continue };
        if lives.of_measure(name).is_some() || of.contains(&name) {
            bundle.problems.add(path, "of", format!("`{name}` has a life already"));
        }
        of.push(name);
    }
    if let Some(life) = life(bundle, path, id, file, context) {
        measure_lives::sound(bundle, path, &of, &life, context);
        lives.measures.push((of, life));
    }
}

/// The one table of its kind.
fn one<V: Vocabulary>(
    bundle: &mut Bundle,
    path: &str,
    id: &str,
    file: &LifeFile,
    context: Context<'_>,
    place: &mut Option<Life<V>>,
) {
    if let Some(known) = place {
        let message = format!("`{}` has a table already: {}", V::KIND, known.id);
        bundle.problems.add(path, "kind", message);
    }
    *place = life(bundle, path, id, file, context);
}

fn life<V: Vocabulary>(
    bundle: &mut Bundle,
    path: &str,
    id: &str,
    file: &LifeFile,
    context: Context<'_>,
) -> Option<Life<V>> {
    if file.version == 0 {
        bundle.problems.add(path, "version", "versions count from 1");
    }
    if file.source.trim().is_empty() {
        bundle.problems.add(path, "source", "is empty; say which law or practice the table follows");
    }
    let title = title(bundle, path, "title", file.title.clone());
    let spans = spans(bundle, path, file, context.zone, V::FIGURES);
    let states = states(bundle, path, file, &spans);
    let terms = terms(bundle, path, file, context);
    let number = |name: &str| {
        let known = states.iter().enumerate().map(|(number, state)| (&*state.name, number));
        find("state", name, known)
    };
    let mut steps: Vec<Step<V>> = Vec::new();
    let mut all_read = true;
    for (place, decl) in file.steps.iter().enumerate() {
        let key = format!("steps[{}]", place + 1);
        match bundle.note(path, &key, steps_of(decl, number)) {
            Some(read) => steps.extend(read),
            None => all_read = false,
        }
    }
    let first = bundle.note(path, "first", number(&file.first))?;
    if all_read {
        sound(bundle, path, first, &states, &steps);
    }
    let (id, version, basis) = (id.to_owned(), file.version, file.basis.clone());
    let figures = V::FIGURES.iter().map(|name| match spans.get(*name) {
        Some(span) => Some(*span),
        None => {
            bundle.problems.add(path, &format!("spans.{name}"), "is missing; this kind of life needs it");
            None
        }
    });
    let figures = figures.collect::<Option<Vec<SpanMs>>>()?;
    Some(Life { id, version, title, basis, first, states, steps, terms, figures })
}

/// The dated figures of the table, by name.
fn spans(
    bundle: &mut Bundle,
    path: &str,
    file: &LifeFile,
    zone: i32,
    figures: &[&str],
) -> BTreeMap<String, SpanMs> {
    let mut spans = BTreeMap::new();
    for (name, declared) in &file.spans {
        let key = |part: &str| format!("spans.{name}.{part}");
        figure(bundle, path, &format!("spans.{name}"), declared, zone);
        let bounds = (SpanMs(60_000), SpanMs::days(2_000));
        if let Some(span) = bundle.note(path, &key("value"), span_within(&declared.value, bounds.0, bounds.1))
        {
            spans.insert(name.clone(), span);
        }
        if !figures.contains(&name.as_str())
            && !file.states.values().any(|state| state.due.as_ref() == Some(name))
        {
            bundle.problems.add(path, &format!("spans.{name}"), "no state has this deadline");
        }
    }
    spans
}

/// A dated figure says since when it holds, on what basis, and how well that is established.
pub(super) fn figure(bundle: &mut Bundle, path: &str, key: &str, figure: &Figure, zone: i32) {
    bundle.note(path, &format!("{key}.effective_from"), date(&figure.effective_from, zone));
    bundle.note(path, &format!("{key}.status"), standing(&figure.status));
    for (part, text) in [("basis", &figure.basis), ("source", &figure.source)] {
        if text.trim().is_empty() {
            let key = format!("{key}.{part}");
            bundle.problems.add(path, &key, "is empty; say where the figure comes from");
        }
    }
}

/// How long each measure lasts that a step sets, by its name.
fn terms(bundle: &mut Bundle, path: &str, file: &LifeFile, context: Context<'_>) -> BTreeMap<String, SpanMs> {
    let mut terms = BTreeMap::new();
    for (name, declared) in &file.terms {
        let key = format!("terms.{name}");
        figure(bundle, path, &key, declared, context.zone);
        let within = context.measure_for(&declared.value);
        terms.extend(bundle.note(path, &format!("{key}.value"), within).map(|term| (name.clone(), term)));
    }
    terms
}

fn states(bundle: &mut Bundle, path: &str, file: &LifeFile, spans: &BTreeMap<String, SpanMs>) -> Vec<State> {
    let mut states = Vec::new();
    for (name, decl) in &file.states {
        let key = format!("states.{name}");
        bundle.check_name(path, &key, name);
        let title = title(bundle, path, &key, decl.title.clone());
        let after = match &decl.due {
            None => Ok(None),
            Some(span) => {
                let known = spans.iter().map(|(name, span)| (name.as_str(), *span));
                find("span", span, known).map(Some)
            }
        };
        let after = bundle.note(path, &format!("{key}.due"), after).flatten();
        if decl.worsens && decl.due.is_none() {
            bundle.problems.add(path, &format!("{key}.worsens"), "only a deadline worsens; give it a `due`");
        }
        let due = after.map(|after| Due { after, worsens: decl.worsens });
        let is_last = !file.steps.iter().any(|step| step.from.iter().any(|from| from == name));
        states.push(State { name: Arc::from(name.as_str()), title, due, is_last });
    }
    states
}

fn find<'a, T>(what: &str, name: &str, known: impl IntoIterator<Item = (&'a str, T)>) -> Result<T, String> {
    let mut names = Vec::new();
    for (candidate, value) in known {
        if candidate == name {
            return Ok(value);
        }
        names.push(candidate);
    }
    Err(match crate::config::nearest::nearest(name, names.iter().copied()) {
        Some(near) => format!("unknown {what} `{name}`; did you mean `{near}`?"),
        None => format!("unknown {what} `{name}`; known: {}", names.join(", ")),
    })
}

/// The steps that one declaration stands for: one from each of its states.
fn steps_of<V: Vocabulary>(
    decl: &LifeStepDecl,
    number: impl Fn(&str) -> Result<usize, String>,
) -> Result<Vec<Step<V>>, String> {
    let on = word("event", &decl.on)?;
    let only_if = decl.only_if.iter().map(|name| word("guard", name)).collect::<Result<Vec<_>, _>>()?;
    let acts = decl.acts.iter().map(|name| word("act", name)).collect::<Result<Vec<_>, _>>()?;
    let to = number(&decl.to)?;
    if decl.from.is_empty() {
        return Err("starts in no state; name one or more in `from`".to_owned());
    }
    let one = |from: &String| {
        Ok(Step { from: number(from)?, on, only_if: only_if.clone(), to, acts: acts.clone() })
    };
    decl.from.iter().map(one).collect()
}

/// A table in which something could never happen, or never end, is wrong.
fn sound<V: Vocabulary>(bundle: &mut Bundle, path: &str, first: usize, states: &[State], steps: &[Step<V>]) {
    let name = |number: usize| states.get(number).map_or("", |state| &*state.name);
    for (place, step) in steps.iter().enumerate() {
        let taken = steps.iter().take(place).find(|earlier| {
            let same = earlier.from == step.from && earlier.on == step.on;
            same && earlier.only_if.iter().all(|guard| step.only_if.contains(guard))
        });
        if taken.is_some() {
            let message = format!(
                "`{}` on `{}` is never taken: an earlier step of the same event always is",
                name(step.from),
                step.on.name()
            );
            bundle.problems.add(path, "steps", message);
        }
    }
    for (number, state) in states.iter().enumerate() {
        let key = format!("states.{}", state.name);
        let awaits = steps.iter().any(|step| step.from == number && step.on == V::DUE);
        if V::HAS_OWN_END && state.due.is_some() {
            bundle.problems.add(path, &key, "has a `due`; what lives so ends when it says itself");
        } else if awaits != state.due.is_some() && !V::HAS_OWN_END {
            let message = if awaits {
                "waits for a deadline and has none; give it a `due`"
            } else {
                "has a deadline that nothing follows on; add a step"
            };
            bundle.problems.add(path, &key, message);
        }
    }
    let forward =
        reached(first, |from| steps.iter().filter(move |step| step.from == from).map(|step| step.to));
    for (number, state) in states.iter().enumerate() {
        let key = format!("states.{}", state.name);
        if !forward.contains(&number) {
            bundle.problems.add(path, &key, "is never reached from the first state");
        }
        let onward =
            reached(number, |from| steps.iter().filter(move |step| step.from == from).map(|step| step.to));
        if !onward.iter().any(|reached| states.get(*reached).is_some_and(|state| state.is_last)) {
            bundle.problems.add(path, &key, "never comes to an end: no last state can be reached from it");
        }
    }
}

/// All numbers that can be reached, the first included.
fn reached<I: Iterator<Item = usize>>(first: usize, next: impl Fn(usize) -> I) -> BTreeSet<usize> {
    let mut reached = BTreeSet::from([first]);
    let mut open = vec![first];
    while let Some(from) = open.pop() {
        open.extend(next(from).filter(|to| reached.insert(*to)));
    }
    reached
}
