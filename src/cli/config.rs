//! `duecourse config`: whether a configuration can be used, and where each of its values comes from.

use std::path::Path;

use clap::{Args, Subcommand};

use super::deployment::{ConfigArguments, keys};
use super::{Exit, Failure, inputs};
use crate::config::Loaded;
use crate::config::source::SourceMapping;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

/// The configuration of `topics`, `feed`, `intake`, `decide`, `serve` and `verify`.
#[derive(Debug, Subcommand)]
enum What {
    /// Load it, with its rules, keys and source mappings, and say what is wrong and what to do.
    Check(ConfigArguments),
    /// Every key with its value and where that was set: default, file and line, or --set.
    Print(ConfigArguments),
}

/// # Errors
/// Exit 3 when it cannot be used.
pub fn execute(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.what {
        What::Check(arguments) => {
            let loaded = load(&arguments)?;
            let config = &loaded.config;
            let folder = Some(Path::new(&config.rules.dir)).filter(|_| !config.rules.dir.is_empty());
            let rules = inputs::rules(folder, config.rules.profile)?;
            keys(config)?;
            for source in &config.sources {
                for version in
                    config.intake_versions().map_err(|why| Failure::configuration(anyhow::anyhow!(why)))?
                {
                    SourceMapping::load(config.mapping(source, version.number))
                        .map_err(Failure::configuration)?;
                }
            }
            println!(
                "the configuration can be used: {} sources, rules sha256 {}",
                config.sources.len(),
                rules.sha256
            );
            Ok(Exit::Done)
        }
        What::Print(arguments) => {
            print!("{}", load(&arguments)?.print());
            Ok(Exit::Done)
        }
    }
}

fn load(arguments: &ConfigArguments) -> Result<Loaded, Failure> {
    Loaded::load(arguments.config.as_deref(), &arguments.sets).map_err(Failure::configuration)
}
