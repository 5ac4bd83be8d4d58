//! Configuration: signals, rules, limits and wording as one bundle; the commands' own settings.
//!
//! The settings are layered: `config/default.toml`, then the user's TOML file, then `--set key=value`.
//! Every value knows where it came from; a key that nobody knows is refused with the nearest name.

pub mod bundle;
mod check;
pub mod destinations;
pub mod expression;
pub mod nearest;
pub mod orders;
mod origin;
mod settings;
pub mod source;

use std::path::Path;

pub use origin::Origin;
pub use settings::{
    Config, Decide, Destination, Http, Intake, IntakeVersion, Kafka, Keys, MAINLAND, Rules, S3, SigningKey,
    Snapshots, Source, Time, TopicTerm, TopicTerms, Topics,
};

use origin::Layers;

/// The defaults, with the explanation of every knob.
pub const DEFAULT: &str = include_str!("../../config/default.toml");

/// Everything wrong with a configuration, each with where it was set and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the configuration cannot be used:\n  {}", problems.join("\n  "))]
pub struct ConfigError {
    pub problems: Vec<String>,
}

impl ConfigError {
    fn one(place: &str, message: impl AsRef<str>) -> ConfigError {
        ConfigError { problems: vec![format!("{place}: {}", message.as_ref())] }
    }

    fn of(problems: Vec<String>) -> Result<(), ConfigError> {
        if problems.is_empty() { Ok(()) } else { Err(ConfigError { problems }) }
    }
}

/// A configuration together with the origin of each value.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub config: Config,
    layers: Layers,
}

impl Config {
    /// The configuration of a command: defaults, then `file`, then `sets` (`key=value` each).
    ///
    /// # Errors
    /// Unknown keys with the nearest name, wrong types, and values out of bounds.
    pub fn load(file: Option<&Path>, sets: &[String]) -> Result<Config, ConfigError> {
        Loaded::load(file, sets).map(|loaded| loaded.config)
    }
}

impl Loaded {
    /// As `Config::load`, keeping origins.
    ///
    /// # Errors
    /// As `Config::load`.
    pub fn load(file: Option<&Path>, sets: &[String]) -> Result<Loaded, ConfigError> {
        let defaults =
            toml::from_str(DEFAULT).map_err(|error| ConfigError::one("default", error.message()))?;
        let mut layers = Layers::defaults(&defaults);
        if let Some(path) = file {
            let text = std::fs::read_to_string(path).map_err(|error| {
                ConfigError::one(&path.display().to_string(), format!("cannot be read: {error}"))
            })?;
            layers.file(path, &text)?;
        }
        for set in sets {
            layers.set(set)?;
        }
        let config: Config = layers.table().try_into().map_err(|error: toml::de::Error| {
            ConfigError::one("configuration", nearest::plain(error.message()))
        })?;
        let loaded = Loaded { config, layers };
        let problems = check::problems(&loaded.config);
        ConfigError::of(problems.into_iter().map(|(key, message)| loaded.placed(key, &message)).collect())?;
        Ok(loaded)
    }

    fn placed(&self, key: &str, message: &str) -> String {
        match self.layers.values.get(key) {
            Some((_, origin)) => format!("{origin}: `{key}` {message}"),
            None => format!("`{key}` {message}"),
        }
    }

    /// Every key with its value and its origin, one a line, as valid TOML. Properties of the client
    /// may be secrets: their values are not shown.
    #[must_use]
    pub fn print(&self) -> String {
        let lines: Vec<(String, &Origin)> = self
            .layers
            .values
            .iter()
            .map(|(key, (value, origin))| {
                let property = |table: &str| key.strip_prefix(table);
                let shown = match (property("kafka.properties."), property("kafka.property_files.")) {
                    (Some(name), _) => format!("kafka.properties.\"{name}\" = \"(not shown)\""),
                    (_, Some(name)) => format!("kafka.property_files.\"{name}\" = {value}"),
                    (None, None) => format!("{key} = {value}"),
                };
                (shown, origin)
            })
            .collect();
        let width = lines.iter().map(|(text, _)| text.chars().count()).max().unwrap_or(0).min(64);
        lines.iter().map(|(text, origin)| format!("{text:width$}  # {origin}\n")).collect()
    }
}

#[cfg(test)]
mod tests;
