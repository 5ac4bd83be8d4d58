//! `duecourse retention`: how long each class of data is kept, why, and how well that is established.

use std::path::Path;

use serde_json::json;

use super::deployment::ConfigArguments;
use super::{Exit, Failure};
use crate::config::Config;
use crate::config::bundle::{self, Checked, Term};
use crate::engine::base::SpanMs;
use crate::log::kafka::COMPACTED_WITHIN;

/// How long each class of state, each topic and snapshots are kept, after what, on which basis.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// One JSON document instead of a table
    #[arg(long)]
    json: bool,
}

/// # Errors
/// Exit 3 when configuration or rules do not load.
pub fn execute(arguments: Arguments) -> Result<Exit, Failure> {
    let config = arguments.config.load()?;
    let dir = Some(Path::new(&config.rules.dir)).filter(|_| !config.rules.dir.is_empty());
    let checked = match dir {
        Some(dir) => bundle::check_dir(dir, config.rules.profile),
        None => bundle::check_embedded(config.rules.profile),
    };
    let checked = checked.map_err(|error| Failure::configuration(anyhow::Error::new(error)))?;
    let all = all(&config, &checked).map_err(|why| Failure::configuration(anyhow::anyhow!(why)))?;
    if arguments.json {
        let rows: Vec<_> = all
            .iter()
            .map(|term| {
                json!({
                    "class": term.class, "what": term.what, "kept_ms": term.kept.map(|kept| kept.0),
                    "after": term.from, "at_most_ms": term.at_most.map(|most| most.0),
                    "basis": term.basis, "source": term.source, "status": term.status,
                })
            })
            .collect();
        println!("{}", json!({ "retention": rows }));
    } else {
        print!("{}", bundle::retention_table(&all));
    }
    Ok(Exit::Done)
}

/// Every class: of the state, then topics, then snapshots.
///
/// # Errors
/// When the rule set declares no terms.
pub fn all(config: &Config, checked: &Checked) -> Result<Vec<Term>, String> {
    let mut terms = bundle::retention_terms(checked)?;
    let facts_ms = config.facts_retention_ms()?;
    let forever = |kept_ms: i64| (kept_ms >= 0).then_some(SpanMs(kept_ms));
    let policy = |class: &str, what, from, kept, basis: &str| Term {
        class: class.to_owned(),
        what,
        from,
        kept,
        at_most: None,
        basis: basis.to_owned(),
        source: "configuration".to_owned(),
        status: "policy".to_owned(),
    };
    terms.push(policy(
        "topic facts",
        "pseudonymous facts, and reports",
        "the broker's time of the record",
        forever(facts_ms),
        "个人信息保护法 第十九条: longer than the oldest snapshot and an outage, and as long as a recount is wanted",
    ));
    let what = [
        "what was decided, with its evidence",
        "notices on their way to the person",
        "what would have been decided",
        "what authorities were told of their orders",
        "what was referred to authorities, and their answers",
        "where refused records stand, and why they were refused",
        "the source topics that `topics create` made",
        "rule releases, and orders to hold",
    ];
    for ((key, term), what) in config.retention.all().into_iter().zip(what) {
        let class = if key == "sources" { "topics of sources".to_owned() } else { format!("topic {key}") };
        terms.push(Term {
            status: term.status.clone(),
            ..policy(&class, what, "the broker's time of the record", forever(term.kept_ms()?), &term.basis)
        });
    }
    let compacted = "compacted; each key's latest, and a measure's entry goes with its end";
    terms.push(policy(
        "topic measures",
        compacted,
        "the measure's end",
        Some(COMPACTED_WITHIN),
        "个人信息保护法 第十九条: what is in force",
    ));
    terms.push(policy(
        "snapshots",
        "the state, as above",
        "the next whole snapshot",
        Some(snapshots_kept(config)),
        "个人信息保护法 第四十七条: written anew in turn",
    ));
    terms.push(policy(
        "orders to hold",
        "what was forgotten of the holder while the order held, and nothing is decided by",
        "the order's end or release",
        Some(SpanMs(0)),
        "个人信息保护法 第四十七条 (a statutory term: storage alone goes on); 反洗钱法 第三十四条 for records of that class",
    ));
    Ok(terms)
}

/// A chain has at most twelve links, and the newest chains are kept: what is gone from the state is gone from
/// all that is stored when as many whole ones were written after it.
fn snapshots_kept(config: &Config) -> SpanMs {
    let interval = i64::try_from(config.snapshots.interval_ms).unwrap_or(i64::MAX);
    let links = i64::try_from(crate::decide::CHANGES_MAX).unwrap_or(i64::MAX).saturating_add(1);
    SpanMs(interval.saturating_mul(links).saturating_mul(i64::from(config.snapshots.kept) + 1))
}
