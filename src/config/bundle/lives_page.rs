//! The tables of lives as a page for a lawyer: a diagram and a table of each, in Chinese and in English.
//!
//! It is made of the tables that the engine looks steps up in, so the page and what is done cannot differ.

use std::fmt::Write as _;

use super::life_words::said as word;
use super::values::written;
use crate::engine::base::Bilingual;
use crate::engine::life::{Life, Lives, State, Step, Vocabulary, Word};

/// All tables as Markdown; those named in `off` say that they act only once somebody switches them on.
#[must_use]
pub fn lives_page(lives: &Lives, off: &[String]) -> String {
    let mut page = String::new();
    for (of, life) in &lives.measures {
        let of: Vec<String> = of.iter().map(|name| format!("`{name}`")).collect();
        table(&mut page, life, &of.join(", "), off);
    }
    if let Some(life) = &lives.appeal {
        table(&mut page, life, "", off);
    }
    if let Some(life) = &lives.order {
        table(&mut page, life, "", off);
    }
    if let Some(life) = &lives.entry {
        table(&mut page, life, "", off);
    }
    if let Some(life) = &lives.rule {
        table(&mut page, life, "", off);
    }
    if let Some(life) = &lives.lead {
        table(&mut page, life, "", off);
    }
    page
}

/// Writing to a string cannot fail.
macro_rules! put {
    ($page:expr, $($text:tt)*) => { let _ = writeln!($page, $($text)*); };
}

fn table<V: Vocabulary>(page: &mut String, life: &Life<V>, of: &str, off: &[String]) {
    put!(page, "## {} · {}\n", life.title.zh, life.title.en);
    let of = if of.is_empty() { String::new() } else { format!("; {of}") };
    put!(page, "`config/lives/{}.toml`, version {}, basis `{}`{of}.\n", life.id, life.version, life.basis);
    if off.contains(&life.id) {
        put!(
            page,
            "**默认关闭**：其中的数字未经正式文本核对，启用前须由法律人员确认。**Ships switched off**: its figures were not read \
             in the official text; have counsel confirm them before it is switched on.\n"
        );
    }
    put!(page, "```mermaid\nstateDiagram-v2");
    for (number, state) in life.states.iter().enumerate() {
        put!(page, "    s{number}: {}<br/>{}", state.title.zh, state.title.en);
    }
    put!(page, "    [*] --> s{}", life.first);
    for step in &life.steps {
        put!(page, "    s{} --> s{}: {}", step.from, step.to, said(step));
    }
    for (number, _) in life.states.iter().enumerate().filter(|(_, state)| state.is_last) {
        put!(page, "    s{number} --> [*]");
    }
    put!(page, "```\n");
    put!(
        page,
        "| 状态 state | 期限 deadline | 发生 on | 条件 if | 之后 then | 作出 do |\n|---|---|---|---|---|---|"
    );
    for (number, state) in life.states.iter().enumerate() {
        let steps: Vec<&Step<V>> = life.steps.iter().filter(|step| step.from == number).collect();
        if steps.is_empty() {
            put!(page, "| {} | - | - | - | - | - |", name(state));
        }
        for (place, step) in steps.iter().enumerate() {
            let (of, due) = if place == 0 { (name(state), deadline(state)) } else { Default::default() };
            let to = life.state(step.to).map(name).unwrap_or_default();
            let to = if step.to == number { "不变 · stays".to_owned() } else { to };
            let guards = words(step.only_if.iter().map(|guard| guard.name()));
            let acts = words(step.acts.iter().map(|act| act.name()));
            put!(page, "| {of} | {due} | {} | {guards} | {to} | {acts} |", word(step.on.name()));
        }
    }
    if !life.terms.is_empty() {
        put!(page, "\n| 后续处理 what follows | 至多 lasts at most |\n|---|---|");
        for (measure, term) in &life.terms {
            put!(page, "| `{measure}` | {} |", written(*term));
        }
    }
    if !life.figures.is_empty() {
        put!(page, "\n| 数字 figure | 值 value |\n|---|---|");
        for (name, span) in V::FIGURES.iter().zip(&life.figures) {
            put!(page, "| `spans.{name}` | {} |", written(*span));
        }
    }
    page.push('\n');
}

fn said<V: Vocabulary>(step: &Step<V>) -> String {
    let guards: Vec<&str> = step.only_if.iter().map(|guard| guard.name()).collect();
    let acts: Vec<&str> = step.acts.iter().map(|act| act.name()).collect();
    let mut said = step.on.name().to_owned();
    if !guards.is_empty() {
        said += &format!(" [{}]", guards.join(", "));
    }
    if !acts.is_empty() {
        said += &format!(" / {}", acts.join(", "));
    }
    said
}

fn name(state: &State) -> String {
    let Bilingual { zh, en } = &state.title;
    format!("{zh} · {en}")
}

/// Its span, and on which time it comes (DESIGN D9).
fn deadline(state: &State) -> String {
    match state.due {
        Some(due) if due.worsens => {
            format!("{}, 全部来源读到之后 once every source is read", written(due.after))
        }
        Some(due) => written(due.after),
        None => "-".to_owned(),
    }
}

fn words<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.map(word).collect();
    if words.is_empty() { "-".to_owned() } else { words.join("<br/>") }
}
