//! `duecourse rules ablate`: what each rule adds, by taking it away. Scenarios and examples are played
//! with and without it; the alerts of a finished run are scored with and without it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use crate::cli::run::Profile;
use crate::cli::scenario::{Removal, files, played, played_without, script_of};
use crate::cli::score::{self, Labels, Scores};
use crate::cli::{Exit, Failure, inputs};
use crate::config::bundle::{self, Checked};
use crate::engine::rule::{Rule, RuleStatus};

/// Say what removing each rule would change, as a table.
#[derive(Debug, Args)]
#[command(after_help = "Example:  duecourse rules ablate --rules config tests/golden\n\n\
    With a finished run it also says which labelled accounts and events no other rule finds. Rules on \
    accounts and cards decide apart from each other, so the run need not be repeated for each; openings \
    are answered by the first rule that fires, and have no labels.")]
pub(super) struct Arguments {
    /// Scenario files, or folders of them
    #[arg(value_name = "SCENARIO", default_value = "tests/golden")]
    scenarios: Vec<PathBuf>,
    /// Folder laid out like `config/` [default: the built-in rules]
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Operating point
    #[arg(long, value_enum, default_value_t = Profile::Strict)]
    profile: Profile,
    /// Output folder of a finished `run`, to count what its labels lose
    #[arg(long, value_name = "DIR", requires = "labels")]
    out: Option<PathBuf>,
    /// Labels of that run
    #[arg(long, value_name = "F", requires = "out")]
    labels: Option<PathBuf>,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Exit, Failure> {
    let rules = inputs::rules(arguments.rules.as_deref(), arguments.profile.into())?;
    let checked = bundle::check(&rules.bundle).map_err(Failure::configuration)?;
    let mut texts = Vec::new();
    for path in &arguments.scenarios {
        for file in files(path).map_err(Failure::input)? {
            let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string());
            texts.push(text.map_err(Failure::input)?);
        }
    }
    print!("{}", table(&removals(&checked, &rules.bundle, &texts).map_err(Failure::input)?));
    if let (Some(out), Some(labels)) = (&arguments.out, &arguments.labels) {
        print!("\n{}", labelled(out, labels)?);
    }
    Ok(Exit::Done)
}

/// What the scenarios lose without each rule that is not off, in id order. A rule's own examples at the
/// bundle's operating point are played, too.
///
/// # Errors
/// A scenario that cannot be played.
pub fn removals(
    checked: &Checked,
    bundle: &str,
    scenarios: &[String],
) -> anyhow::Result<BTreeMap<String, (Rule, Removal)>> {
    let play = |text: &str| played(text, bundle);
    let played: Vec<String> = scenarios.iter().map(|text| play(text)).collect::<anyhow::Result<_>>()?;
    let mut removals = BTreeMap::new();
    for rule in checked.rule_set.rules.iter().filter(|rule| rule.status != RuleStatus::Off) {
        let mut removal = Removal::default();
        let acts = format!(", {} version ", rule.id);
        // Without a rule that says nothing in it, a scenario is the same.
        for (text, with) in scenarios.iter().zip(&played).filter(|(_, with)| with.contains(&acts)) {
            removal.add(&rule.id, with, &played_without(text, bundle, &rule.id)?);
        }
        for example in checked.examples.iter().filter(|example| example.rule == rule.id && example.fires) {
            let text = script_of(example);
            let with = play(&text)?;
            removal.add(&rule.id, &with, &played_without(&text, bundle, &rule.id)?);
        }
        removals.insert(rule.id.clone(), (rule.clone(), removal));
    }
    Ok(removals)
}

/// The removals as a Markdown table.
#[must_use]
pub fn table(removals: &BTreeMap<String, (Rule, Removal)>) -> String {
    let mut table = String::from(
        "| without | status | scenarios and examples that change | its measures and observations gone | \
         other dispositions that change | events nobody sees any more | elsewhere still seen by |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for (id, (rule, removal)) in removals {
        let status = match (rule.status, rule.may_act()) {
            (RuleStatus::Enforced, true) => "enforced",
            (RuleStatus::Off, _) => "off",
            _ => "shadow",
        };
        let still: Vec<&str> = removal.still.iter().map(String::as_str).collect();
        let Removal { scenarios, lost, others, unseen, .. } = removal;
        // Writing to a string cannot fail.
        let _ = writeln!(
            table,
            "| `{id}` | {status} | {scenarios} | {lost} | {others} | {unseen} | {} |",
            still.join(", ")
        );
    }
    table
}

/// What a run's labels lose without each rule, as a Markdown table.
fn labelled(out: &Path, labels: &Path) -> Result<String, Failure> {
    let labels = Labels::read(labels).map_err(Failure::input)?;
    let (all, without) = score::without_each(out, &labels)?;
    let mut table = String::from(
        "| without | accounts found | falsely alerted | events found | falsely alerted | schemes touched |\n\
         |---|---|---|---|---|---|\n",
    );
    let row = |name: &str, scores: &Scores| {
        let (account, event) = (&scores.levels.account, &scores.levels.event);
        format!(
            "| {name} | {} | {} | {} | {} | {} |\n",
            account.hit, account.false_count, event.hit, event.false_count, scores.levels.scheme.any
        )
    };
    table += &row("(nothing removed)", &all);
    table.extend(without.iter().map(|(rule, scores)| row(&format!("`{rule}`"), scores)));
    Ok(table)
}
