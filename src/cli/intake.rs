//! `duecourse intake`: source topics to facts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::Args;

use super::decide::log_warning;
use super::deployment::{ConfigArguments, connection, keys, stop_flag, time_mode};
use super::endpoint::Endpoint;
use super::{Exit, Failure};
use crate::codec::keys::Keys;

use crate::config::source::SourceMapping;
use crate::config::{Config, bundle};
use crate::engine::base::SpanMs;
use crate::engine::input::TimeMode;
use crate::intake::classify::{Classifier, ClassifierSettings};
use crate::intake::desk::{SourceSetup, Tally};
use crate::intake::first_start::FirstStart;
use crate::intake::orders::OrderPolicy;
use crate::intake::pack::PackBounds;
use crate::intake::release::ReleasePolicy;
use crate::intake::run::{IntakeError, Setup, run};
use crate::intake::sender::SenderTopics;
use crate::intake::versions::Versions;
use crate::log::LogError;

/// Read the configured source topics, pseudonymise, and write facts.
///
/// Personal data stops here: what leaves carries keyed tokens and sealed references. Refused records
/// go to the dead letters as a pointer with a reason. SIGTERM drains, commits and leaves.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Exit once what was present at the start has been delivered.
    #[arg(long)]
    until_end: bool,
}

/// # Errors
/// Exit 3 for what the configuration or a topic is not, 6 when brokers do not answer.
pub fn execute(arguments: Arguments) -> Result<Exit, Failure> {
    let config = arguments.config.load()?;
    let endpoint = Endpoint::open(&config, None)?;
    let stop = stop_flag()?;
    let tally = work(&config, arguments.until_end, &stop, &mut |tally| {
        endpoint.intake_turned(tally);
        endpoint.health.set_ready(true);
    })?;
    Ok(exit(&tally))
}

/// Reads until `stop`, or the end, and prints what became of the records.
///
/// # Errors
/// As `execute`.
pub(super) fn work(
    config: &Config,
    until_end: bool,
    stop: &AtomicBool,
    observe: &mut dyn FnMut(&Tally),
) -> Result<Tally, Failure> {
    let tally = run(setup(config, until_end)?, stop, observe).map_err(failure)?;
    observe(&tally);
    report(&tally);
    Ok(tally)
}

pub(super) fn exit(tally: &Tally) -> Exit {
    let refused: u64 = tally.refused.values().sum();
    if refused > 0 { Exit::DoneWithDeadLetters } else { Exit::Done }
}

fn report(tally: &Tally) {
    let refused: u64 = tally.refused.values().sum();
    println!(
        "accepted {}, refused {refused}, facts {} in {} packs",
        tally.accepted, tally.facts, tally.packs
    );
    for (reason, count) in &tally.refused {
        println!("  refused {reason}: {count}");
    }
    for (field, count) in &tally.undeclared {
        println!("  dropped undeclared {field}: {count}");
    }
}

fn failure(error: IntakeError) -> Failure {
    match error {
        IntakeError::Log(error @ LogError::Unreachable(_))
        | IntakeError::Consumer(error @ LogError::Unreachable(_)) => Failure::unreachable(error),
        error => Failure::configuration(error),
    }
}

fn setup(config: &Config, until_end: bool) -> Result<Setup, Failure> {
    if config.sources.is_empty() {
        return Err(Failure::configuration(anyhow::anyhow!(
            "no source is configured: add a [[sources]] with name, topic, mapping and generation"
        )));
    }
    let keys = Arc::new(keys(config)?);
    let intake = &config.intake;
    if config.rules.signing_keys.is_empty() && !config.production {
        eprintln!("note: rules.signing_keys is empty, so rule sets are activated without a signature");
    }
    Ok(Setup {
        connection: connection(config, "intake")?,
        group: config.kafka.intake_group(),
        instance: config.kafka.instance().map(str::to_owned),
        session_timeout_ms: config.kafka.session_timeout_ms,
        queue_kib: config.kafka.queue_kib,
        topics: SenderTopics {
            facts: config.topics.facts.name.clone(),
            dead_letters: config.topics.dead_letters.name.clone(),
        },
        decided_topic: config.topics.decided.name.clone(),
        facts_partitions: config.kafka.facts_partitions,
        sources: sources(config, &keys)?,
        versions: versions(config)?,
        first_start: first_start(config)?,
        keys,
        time: time_mode(config),
        skew_max: span(intake.skew_ms_max),
        pack: PackBounds { bytes_max: intake.pack_bytes_max as usize, ..PackBounds::default() },
        linger: Duration::from_millis(intake.pack_ms_max),
        cover_every: Duration::from_millis(intake.idle_cover_ms),
        until_end,
    })
}

fn span(ms: u64) -> SpanMs {
    SpanMs(i64::try_from(ms).unwrap_or(i64::MAX))
}

/// Every source with a classifier for every version of the list.
pub(super) fn sources(config: &Config, keys: &Arc<Keys>) -> Result<Vec<SourceSetup>, Failure> {
    let mut sources = Vec::new();
    for source in &config.sources {
        let mut classifiers = BTreeMap::new();
        for version in &config.intake.versions {
            let mapping = config.mapping(source, version.number);
            classifiers.insert(version.number, classifier(config, &source.name, mapping, keys)?);
        }
        sources.push(SourceSetup {
            name: Arc::from(source.name.as_str()),
            topic: source.topic.clone(),
            generation: source.generation,
            partitions: config.kafka.source_partitions,
            classifiers,
        });
    }
    Ok(sources)
}

fn classifier(config: &Config, source: &str, mapping: &str, keys: &Arc<Keys>) -> Result<Classifier, Failure> {
    let mapping = SourceMapping::load(mapping).map_err(Failure::configuration)?;
    let settings = ClassifierSettings {
        institution: config.institution.clone(),
        facts_partitions: config.kafka.facts_partitions,
        ahead_max: match time_mode(config) {
            TimeMode::Broker => Some(span(config.intake.future_ms_max)),
            TimeMode::Event => None,
        },
        releases: ReleasePolicy {
            // Once a source is named for them, no other may carry them.
            elsewhere: !config.rules.control_source.is_empty() && config.rules.control_source != source,
            ..releases(config)?
        },
        orders: orders(config)?,
    };
    Ok(Classifier::new(
        Arc::new(mapping),
        Arc::clone(keys),
        settings,
        Arc::new(bundle::Loader::speaking(config.rules.speaks())),
    ))
}

/// What this deployment demands of rule releases.
pub(super) fn releases(config: &Config) -> Result<ReleasePolicy, Failure> {
    let keys = config.signing_keys().map_err(|why| Failure::configuration(anyhow::anyhow!(why)))?;
    Ok(ReleasePolicy { keys, production: config.production, elsewhere: false })
}

/// Whose orders this deployment obeys.
fn orders(config: &Config) -> Result<OrderPolicy, Failure> {
    let keys = config.authority_keys().map_err(|why| Failure::configuration(anyhow::anyhow!(why)))?;
    Ok(OrderPolicy { keys })
}

pub(super) fn versions(config: &Config) -> Result<Versions, Failure> {
    let list = config.intake_versions().map_err(|why| Failure::configuration(anyhow::anyhow!(why)))?;
    Versions::new(list).map_err(Failure::configuration)
}

fn first_start(config: &Config) -> Result<Option<FirstStart>, Failure> {
    if !config.rules.activate_on_first_start {
        return Ok(None);
    }
    let profile = config.rules.profile;
    let text = match config.rules.dir.as_str() {
        "" => bundle::embedded(profile),
        dir => bundle::from_dir(std::path::Path::new(dir), profile),
    };
    let bundle = text.map_err(Failure::configuration)?;
    if let Ok(checked) = bundle::check(&bundle) {
        checked.warnings.iter().for_each(log_warning);
    }
    Ok(Some(FirstStart { bundle: Arc::from(bundle), goes_live: config.rules.go_live_on_first_start }))
}
