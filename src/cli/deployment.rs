//! What every command over Kafka reads: the configuration, how to reach the brokers, the keys.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, anyhow};

use super::Failure;
use crate::codec::keys::{KeyFile, Keys};
use crate::codec::output::{GENERATION_KEY, GenerationMark, OpenGeneration};
use crate::config::{Config, Time};
use crate::engine::input::TimeMode;
use crate::log::kafka::{Connection, read_latest};

/// Where the configuration comes from.
#[derive(Clone, Debug, clap::Args)]
pub struct ConfigArguments {
    /// Configuration file (TOML); `duecourse config print` shows every key.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Overrides one configuration key; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
}

impl ConfigArguments {
    /// Loads it.
    ///
    /// # Errors
    /// Exit 3 with every problem found.
    pub fn load(&self) -> Result<Config, Failure> {
        Config::load(self.config.as_deref(), &self.sets).map_err(Failure::configuration)
    }
}

/// How this process reaches the brokers.
///
/// # Errors
/// Exit 3 when a file of `kafka.property_files` cannot be read.
pub fn connection(config: &Config, command: &str) -> Result<Connection, Failure> {
    let mut properties = config.kafka.properties.clone();
    for (name, path) in &config.kafka.property_files {
        let value = std::fs::read_to_string(path)
            .with_context(|| format!("kafka.property_files.\"{name}\" = `{path}`"))
            .map_err(Failure::configuration)?;
        properties.insert(name.clone(), value.trim_end_matches(['\r', '\n']).to_owned());
    }
    let token_file = config.kafka.oauth_token_file.as_str();
    let name = match config.kafka.instance() {
        Some(instance) => format!("{}-{command}-{instance}", config.kafka.group),
        None => format!("{}-{command}-{}", config.kafka.group, std::process::id()),
    };
    Ok(Connection {
        bootstrap_servers: config.kafka.bootstrap_servers.clone(),
        client_id: name,
        reader_group: config.kafka.reader_group(),
        properties,
        oauth_token_file: (!token_file.is_empty()).then(|| PathBuf::from(token_file)),
    })
}

/// The deployment's keys.
///
/// # Errors
/// Exit 3 when the key file cannot be read or is for another number of facts partitions, or production would use the
/// development key.
pub fn keys(config: &Config) -> Result<Keys, Failure> {
    let keys = match config.keys.file.as_str() {
        "" => Keys::development(),
        file => Keys::from_provider(&KeyFile(Path::new(file)))
            .context("keys.file")
            .map_err(Failure::configuration)?,
    };
    if keys.is_development() && config.production {
        return Err(Failure::configuration(anyhow!(
            "production refuses the development key: set keys.file to a file with 64 random hexadecimal digits"
        )));
    }
    let facts_partitions = config.kafka.facts_partitions;
    match keys.partitions().map(NonZeroU32::get) {
        Some(1) if facts_partitions > 1 => eprintln!(
            "note: the key of keys.file is for one facts partition, and kafka.facts_partitions is {facts_partitions}: it \
             can be used, and no next generation can be made of its facts"
        ),
        Some(keeps) if keeps != facts_partitions => {
            return Err(Failure::configuration(anyhow!(
                "the key of keys.file was made for facts partitions: {keeps}, and kafka.facts_partitions is \
                 {facts_partitions}: make it by `keys new` or `keys next` with --partitions {facts_partitions}"
            )));
        }
        _ => {}
    }
    Ok(keys.caching(usize::try_from(config.intake.token_cache_entries).unwrap_or(usize::MAX)))
}

/// What was there when this generation of the facts was opened: nothing, unless `rekey` made it.
///
/// # Errors
/// Exit 4 when `rekey` has not finished making it, 6 when brokers do not answer.
pub fn opened_generation(config: &Config, connection: &Connection) -> Result<OpenGeneration, Failure> {
    let decided = read_latest(connection, &config.topics.decided.name).map_err(Failure::reading)?;
    match decided.get(GENERATION_KEY).and_then(|value| GenerationMark::read(value)) {
        Some(GenerationMark::Open(opened)) => Ok(opened),
        Some(GenerationMark::Unfinished { from }) => Err(Failure::input(anyhow!(
            "the facts are not whole: `rekey` has not finished making them of {from}"
        ))),
        Some(GenerationMark::Closed { .. }) | None => Ok(OpenGeneration::default()),
    }
}

#[must_use]
pub fn time_mode(config: &Config) -> TimeMode {
    match config.time {
        Time::Broker => TimeMode::Broker,
        Time::Event => TimeMode::Event,
    }
}

/// A flag that SIGTERM and SIGINT raise; the command then drains and leaves.
///
/// # Errors
/// When the process may not handle signals.
pub fn stop_flag() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).map_err(Failure::unreachable)?;
    }
    Ok(stop)
}
