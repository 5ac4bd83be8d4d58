//! `duecourse rules`: whether rules, limits and wording load, whether they decide as written down, and
//! their release through the log.

pub mod ablate;
mod release;
mod signing;
mod status;

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};

use super::run::Profile;
use super::scenario::{Outcome, compare, example_fires, files};
use super::{Exit, Failure, inputs};
use crate::codec::hex::hex;
use crate::config::bundle::{self, Checked};
use crate::config::source::SourceMapping;
use crate::engine::limit::{Demand, LimitForce};
use crate::engine::rule::{Rule, RuleOrigin, RuleStatus};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

/// Rules, limits, signals and wording.
#[derive(Debug, Subcommand)]
enum What {
    /// Load everything and say what is wrong, where, and what to do.
    Check(CheckArguments),
    /// Play the examples in rule files, and scenarios, and compare what is decided with what they say.
    Test(TestArguments),
    Ablate(ablate::Arguments),
    Activate(release::ActivateArguments),
    GoLive(release::GoLiveArguments),
    Status(status::StatusArguments),
    Sign(signing::SignArguments),
    Keygen(signing::KeygenArguments),
}

#[derive(Debug, Args)]
struct CheckArguments {
    /// Folder laid out like `config/` [default: the built-in rules]
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Operating point: at most 0.1 % or at most 1 % false positives
    #[arg(long, value_enum, default_value_t = Profile::Strict)]
    profile: Profile,
    /// Measure what is fed against this source alone [default: all that are shipped]
    #[arg(long, value_name = "NAME|FILE")]
    source: Option<String>,
    /// End with 1 if anything is found: for pipelines that are to hold back what makes no sense
    #[arg(long, conflicts_with_all = ["bundle", "signals", "figures"])]
    strict: bool,
    /// List every signal instead: its subject, purpose, legal basis, source fields, and how far it reaches
    #[arg(long, conflicts_with = "bundle")]
    signals: bool,
    /// List every dated figure instead: value, basis, source and status; those that the institution chose itself first
    #[arg(long, conflicts_with_all = ["bundle", "signals"])]
    figures: bool,
    /// Print the canonical bundle instead: what an activation event carries
    #[arg(long)]
    bundle: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "A scenario is a text file; tests/golden holds one for each rule, limit and notice.")]
struct TestArguments {
    /// Scenario files, or folders of them
    #[arg(value_name = "SCENARIO", default_value = "tests/golden")]
    scenarios: Vec<PathBuf>,
    /// Folder laid out like `config/` [default: the built-in rules]
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Operating point of the scenarios; examples in rule files name their own
    #[arg(long, value_enum, default_value_t = Profile::Strict)]
    profile: Profile,
    /// Write what is decided into the scenarios instead of comparing
    #[arg(long)]
    update: bool,
}

/// # Errors
/// Exit 3 when the rules do not load, 4 when a scenario cannot be read; 1 is no failure: a check was made.
pub fn execute(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.what {
        What::Check(arguments) => check(&arguments),
        What::Test(arguments) => test(&arguments),
        What::Ablate(arguments) => ablate::execute(&arguments),
        What::Activate(arguments) => release::activate(&arguments),
        What::GoLive(arguments) => release::go_live(&arguments),
        What::Status(arguments) => status::status(&arguments),
        What::Sign(arguments) => signing::sign(&arguments),
        What::Keygen(arguments) => signing::keygen(&arguments),
    }
}

/// The canonical bundle of a rules folder at that operating point, or of a file that holds one.
///
/// # Errors
/// Exit 3 with everything that is wrong with it.
fn bundle_of(path: Option<&Path>, profile: bundle::Profile) -> Result<String, Failure> {
    let Some(file) = path.filter(|path| !path.is_dir()) else {
        return Ok(inputs::rules(path, profile)?.bundle);
    };
    let named = |error: anyhow::Error| Failure::configuration(error.context(file.display().to_string()));
    let text = std::fs::read_to_string(file).map_err(|error| named(error.into()))?;
    // `rules check --bundle` ends its line.
    let text = text.trim_end_matches('\n');
    bundle::check(text).map_err(|error| named(error.into()))?;
    Ok(text.to_owned())
}

fn check(arguments: &CheckArguments) -> Result<Exit, Failure> {
    let rules = inputs::rules(arguments.rules.as_deref(), arguments.profile.into())?;
    if arguments.bundle {
        println!("{}", rules.bundle);
        return Ok(Exit::Done);
    }
    let checked = bundle::check(&rules.bundle).map_err(Failure::configuration)?;
    if arguments.signals {
        print!("{}", bundle::signal_listing(&checked));
        return Ok(Exit::Done);
    }
    if arguments.figures {
        let (own, given): (Vec<_>, Vec<_>) =
            bundle::dated_figures(&rules.bundle).into_iter().partition(bundle::DatedFigure::is_own);
        print!("{}", bundle::figures_table(own.iter().chain(&given)));
        return Ok(Exit::Done);
    }
    print!("{}", summary(&checked));
    for figure in bundle::dated_figures(&rules.bundle).iter().filter(|figure| figure.is_own()) {
        println!("own choice: {} {} = {} (no text sets it)", figure.file, figure.key, figure.value);
    }
    let found = found(arguments, &checked)?;
    found.iter().for_each(|found| println!("finding: {found}"));
    Ok(if arguments.strict && !found.is_empty() { Exit::Mismatch } else { Exit::Done })
}

/// What loads and makes no sense, each with its place.
fn found(arguments: &CheckArguments, checked: &Checked) -> Result<Vec<String>, Failure> {
    let names: Vec<&str> = match &arguments.source {
        Some(name) => vec![name],
        None => SourceMapping::shipped_names(),
    };
    let sources: Vec<SourceMapping> = names
        .into_iter()
        .map(SourceMapping::load)
        .collect::<Result<_, _>>()
        .map_err(Failure::configuration)?;
    let produced = |feed| sources.iter().any(|source| source.gives(feed));
    let found = bundle::findings(&checked.rule_set, &checked.rules_off, &produced);
    Ok(found
        .iter()
        .map(|found| match bundle::place_of(&found.about, arguments.rules.as_deref(), &checked.paths) {
            Some((path, line)) => format!("{path}:{line}: {}: {found}", found.about),
            None => format!("{}: {found}", found.about),
        })
        .collect())
}

fn summary(checked: &Checked) -> String {
    let set = &checked.rule_set;
    let mut lines = vec![format!("rule set {} loads, sha256 {}", set.version, hex(&set.sha256))];
    lines.extend(set.limits.iter().map(|limit| {
        let force = match limit.force {
            LimitForce::Refuse => "beyond it refuse",
            LimitForce::CheckFurther => "beyond it check further",
        };
        let demand = match &limit.demand {
            Demand::Count { max, .. } => format!("at most {max}"),
            Demand::Assessment { .. } => "risk assessed before the sale".to_owned(),
        };
        format!("  limit  {} {}: {demand}, {force}", limit.id, limit.version)
    }));
    lines.extend(checked.limits_off.iter().map(|id| format!("  limit  {id}: off")));
    lines.extend(
        set.rules.iter().map(|rule| format!("  rule   {} {}: {}", rule.id, rule.version, mode(rule))),
    );
    lines.push(format!(
        "  {} signals, {} reasons in two languages",
        set.signals.len(),
        set.notices.reasons.len()
    ));
    lines.extend(checked.relabelled.iter().map(|change| {
        let names = |purpose: crate::engine::purpose::Purpose| {
            purpose.uses().map(crate::engine::purpose::Use::name).collect::<Vec<_>>().join("+")
        };
        format!(
            "relabelled: {} from {} to {}, authorisation {} of {}",
            change.signal,
            names(change.from),
            names(change.to),
            change.authorisation,
            change.decided_on
        )
    }));
    lines.extend(inputs::warnings(checked));
    lines.join("\n") + "\n"
}

fn mode(rule: &Rule) -> String {
    match (rule.status, &rule.origin) {
        (RuleStatus::Enforced, RuleOrigin::Limit { .. }) => "enforced, a dated figure".to_owned(),
        (RuleStatus::Enforced, RuleOrigin::Measured(Some(record))) => {
            format!("enforced, {} per mille precise ({}, {})", record.per_mille, record.data, record.date)
        }
        (RuleStatus::Enforced, RuleOrigin::Measured(None)) => {
            "observes only, its precision is not measured".to_owned()
        }
        (RuleStatus::Shadow, _) => "observes only".to_owned(),
        (RuleStatus::Off, _) => "off".to_owned(),
    }
}

fn test(arguments: &TestArguments) -> Result<Exit, Failure> {
    let rules = inputs::rules(arguments.rules.as_deref(), arguments.profile.into())?;
    let mut exit = examples(arguments)?;
    for path in &arguments.scenarios {
        for file in files(path).map_err(Failure::input)? {
            match compare(&file, &rules.bundle, arguments.update).map_err(Failure::input)? {
                Outcome::Same => println!("ok       {}", file.display()),
                Outcome::Differs { line, written, played } => {
                    println!("differs  {}:{line}\n  written: {written}\n  played:  {played}", file.display());
                    exit = Exit::Mismatch;
                }
            }
        }
    }
    if exit == Exit::Mismatch {
        eprintln!(
            "{}",
            anyhow!("if the new decisions are right, run it again with --update and review the change")
        );
    }
    Ok(exit)
}

/// Plays the examples that rules and limits carry, each at its operating point.
fn examples(arguments: &TestArguments) -> Result<Exit, Failure> {
    let mut exit = Exit::Done;
    for profile in bundle::Profile::ALL {
        let rules = inputs::rules(arguments.rules.as_deref(), profile)?;
        let checked = bundle::check(&rules.bundle).map_err(Failure::configuration)?;
        for example in checked.examples.iter().filter(|example| example.profile == profile) {
            let name = format!("{} example {} ({})", example.file, example.place + 1, profile.name());
            let fires = example_fires(example, &rules.bundle)
                .with_context(|| name.clone())
                .map_err(Failure::input)?;
            if fires == example.fires {
                println!("ok       {name}");
            } else {
                let said = |fires: bool| if fires { "fires" } else { "silent" };
                println!("differs  {name}\n  written: {}\n  played:  {}", said(example.fires), said(fires));
                exit = Exit::Mismatch;
            }
        }
    }
    Ok(exit)
}
