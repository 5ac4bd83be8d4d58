//! `duecourse decide`: facts to dispositions, notices and measures, exactly once.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::anyhow;
use clap::Args;

use super::deployment::{ConfigArguments, connection, keys, stop_flag, time_mode};
use super::endpoint::Endpoint;
use super::{Exit, Failure, snapshots};
use crate::config::Config;
use crate::config::bundle::{Loader, Problem};
use crate::decide::DecideError;
use crate::decide::driver::{Host, Pace, Setup, decide};
use crate::decide::machine::Surroundings;
use crate::decide::observe::Observe;
use crate::decide::view::ReadView;
use crate::log::LogError;
use crate::log::kafka::{Admin, Connection, DecideOptions, KafkaDecideLog, OutputTopics};

/// Decide about facts and publish dispositions, notices and measures, each exactly once.
///
/// State comes back from snapshots and the facts themselves. SIGTERM drains, commits, takes snapshots
/// and leaves the group.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Exit once what was present at the start is decided.
    #[arg(long)]
    until_end: bool,
}

/// # Errors
/// Exit 3 for what the configuration or the facts do not allow, 6 when brokers do not answer.
pub fn execute(arguments: Arguments) -> Result<Exit, Failure> {
    let config = arguments.config.load()?;
    let view = Arc::new(ReadView::default());
    let endpoint = Endpoint::open(&config, Some(Arc::clone(&view)))?;
    let stop = stop_flag()?;
    work(&config, arguments.until_end, &stop, view, endpoint.observer())?;
    endpoint.print_latencies();
    Ok(Exit::Done)
}

/// Joins the group and decides until `stop`, or the end.
///
/// # Errors
/// As `execute`.
pub(super) fn work(
    config: &Config,
    until_end: bool,
    stop: &AtomicBool,
    view: Arc<ReadView>,
    observe: Arc<dyn Observe>,
) -> Result<(), Failure> {
    let setup = setup(config, until_end, view, observe)?;
    let connection = connection(config, "decide")?;
    check_retention(config, &connection)?;
    let log = KafkaDecideLog::join(&connection, options(config))?;
    decide(log, setup, stop).map_err(failure)
}

/// Facts that go before the snapshots they follow could not be replayed (DESIGN D12).
fn check_retention(config: &Config, connection: &Connection) -> Result<(), Failure> {
    let topic = &config.topics.facts.name;
    let kept_ms = match Admin::connect(connection)?.describe(topic) {
        Ok(Some(facts)) => facts.retention_ms,
        // Joining says that it is not there.
        Ok(None) => return Ok(()),
        Err(LogError::Refused(why)) => {
            tracing::warn!(why, "how long facts are kept could not be seen");
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let wanted_ms = config.facts_retention_ms_min();
    if (0..wanted_ms).contains(&kept_ms) {
        return Err(Failure::configuration(anyhow!(
            "topic `{topic}` keeps facts for {} s, and a snapshot to go on from may be {} s old: lengthen its \
             retention.ms (kafka.facts_retention says {}), or shorten snapshots.interval_ms",
            kept_ms / 1_000,
            wanted_ms / 1_000,
            config.kafka.facts_retention
        )));
    }
    Ok(())
}

/// What is in force and deserves a look, when the rules that decide are loaded.
pub(super) fn log_warning(warning: &Problem) {
    tracing::warn!("{warning}");
}

fn failure(error: DecideError) -> Failure {
    match error {
        DecideError::Log(error) => error.into(),
        error => Failure::configuration(error),
    }
}

fn options(config: &Config) -> DecideOptions {
    let (kafka, topics) = (&config.kafka, &config.topics);
    let transactional_id = match (kafka.transactional_id.as_str(), kafka.instance()) {
        ("", Some(instance)) => format!("{}.{instance}", kafka.decide_group()),
        ("", None) => format!("{}.{}", kafka.decide_group(), uuid::Uuid::new_v4()),
        (given, _) => given.to_owned(),
    };
    DecideOptions {
        group: kafka.decide_group(),
        instance: kafka.instance().map(str::to_owned),
        transactional_id,
        facts_topic: topics.facts.name.clone(),
        topics: OutputTopics {
            dispositions: topics.dispositions.name.clone(),
            notices: topics.notices.name.clone(),
            measures: topics.measures.name.clone(),
            decided: topics.decided.name.clone(),
            shadow: topics.shadow.name.clone(),
            authority: topics.authority.name.clone(),
            leads: topics.leads.name.clone(),
            dead_letters: topics.dead_letters.name.clone(),
        },
        session_timeout_ms: kafka.session_timeout_ms,
        transaction_timeout_ms: kafka.transaction_timeout_ms,
        queue_kib: kafka.queue_kib,
    }
}

fn setup(
    config: &Config,
    until_end: bool,
    view: Arc<ReadView>,
    observe: Arc<dyn Observe>,
) -> Result<Setup, Failure> {
    Ok(Setup {
        partitions: config.kafka.facts_partitions,
        time: time_mode(config),
        surroundings: Surroundings {
            keys: Arc::new(keys(config)?),
            institution: Arc::from(config.institution.as_str()),
            loader: Arc::new(Loader::speaking(config.rules.speaks()).telling(log_warning)),
            observe,
        },
        snapshots: Some(Arc::new(snapshots::open(config)?.of_semantics(config.rules.speaks()))),
        view,
        pace: Pace {
            commit_every: Duration::from_millis(config.decide.commit_interval_ms),
            commit_idle: Duration::from_millis(config.decide.idle_commit_interval_ms),
            snapshot_every: Duration::from_millis(config.snapshots.interval_ms),
            waiting_bytes_max: usize::try_from(config.decide.waiting_bytes_max).unwrap_or(usize::MAX),
            ..Pace::default()
        },
        host: Host::default(),
        until_end,
    })
}
