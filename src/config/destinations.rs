//! `destinations.toml`: from how many persons in a year a duty begins for a destination (DESIGN D21).
//!
//! It comes with the program, like the codes of orders, and decides nothing: it is what is shown and alarmed at.

use std::sync::LazyLock;

use serde::Deserialize;

use super::bundle::standing;
use super::settings::{Config, MAINLAND};

const SHIPPED: &str = include_str!("../../config/destinations.toml");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    thresholds: Vec<Threshold>,
}

/// Where a destination lies for a threshold to apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lies {
    Anywhere,
    Abroad,
}

/// A text in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Title {
    pub zh: String,
    pub en: String,
}

/// A dated figure, with where it comes from and how well that is established.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    pub id: String,
    pub title: Title,
    pub lies: Lies,
    /// Distinct persons in a calendar year, from which the duty begins.
    pub persons: u64,
    pub effective_from: String,
    pub basis: String,
    pub source: String,
    pub status: String,
}

/// The thresholds that the program comes with.
#[must_use]
pub fn thresholds() -> &'static [Threshold] {
    // A test reads it, so it never is the empty one.
    static SHIPPED_ONES: LazyLock<Vec<Threshold>> = LazyLock::new(|| read(SHIPPED).unwrap_or_default());
    &SHIPPED_ONES
}

fn read(text: &str) -> Result<Vec<Threshold>, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    for threshold in &file.thresholds {
        standing(&threshold.status)?;
        let _: jiff::civil::Date =
            threshold.effective_from.parse().map_err(|_| "effective_from is no date".to_owned())?;
        if threshold.basis.trim().is_empty() || threshold.source.trim().is_empty() || threshold.persons == 0 {
            return Err(format!("{}: says no basis, no source or no number", threshold.id));
        }
    }
    Ok(file.thresholds)
}

/// Those that apply where a destination lies, the least first.
#[must_use]
pub fn applying(jurisdiction: &str) -> Vec<&'static Threshold> {
    let is_abroad = jurisdiction != MAINLAND;
    let applies = |threshold: &&Threshold| threshold.lies == Lies::Anywhere || is_abroad;
    let mut applying: Vec<&Threshold> = thresholds().iter().filter(applies).collect();
    applying.sort_by_key(|threshold| threshold.persons);
    applying
}

impl Config {
    /// Where the destinations lie that persons are counted for, by their name.
    #[must_use]
    pub fn jurisdiction_of(&self, destination: &str) -> &str {
        let topics = self.topics.all();
        let found = topics.iter().find(|(name, _)| *name == destination);
        found.map_or(MAINLAND, |(_, topic)| topic.jurisdiction.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_thresholds_read_and_apply_by_where_it_lies() {
        assert_eq!(read(SHIPPED).unwrap(), thresholds());
        let ids = |jurisdiction| -> Vec<&str> {
            applying(jurisdiction).into_iter().map(|threshold| threshold.id.as_str()).collect()
        };
        assert_eq!(ids(MAINLAND), ["important_data_duties"]);
        assert_eq!(
            ids("singapore"),
            ["contract_or_certification", "security_assessment", "important_data_duties"]
        );
    }

    #[test]
    fn a_figure_without_its_ground_is_refused() {
        let broken = SHIPPED.replacen("basis = \"网络数据安全管理条例第二十八条\"", "basis = \"\"", 1);
        assert!(read(&broken).unwrap_err().contains("important_data_duties"));
        assert!(read(&SHIPPED.replacen("2025-01-01", "soon", 1)).is_err());
        assert!(read(&SHIPPED.replacen("verified_text", "heard", 1)).is_err());
    }
}
