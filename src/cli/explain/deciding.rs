//! The rule set that decided, from the facts log: there it stands as its activation (DESIGN D28).

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use crate::cli::Failure;
use crate::cli::deployment::{self, ConfigArguments};
use crate::codec::facts;
use crate::codec::manifest::facts_folder;
use crate::config::bundle::Loader;
use crate::engine::LoadRules;
use crate::engine::fact::FactBody;
use crate::engine::input::FactsRecord;
use crate::engine::ruleset::RuleSet;
use crate::log::kafka::read_topic;
use crate::log::local::{FrameReader, facts_path};

/// Looks through facts records until a rule set of one version was activated.
struct Search {
    version: u64,
    loader: Loader,
    found: Option<Arc<RuleSet>>,
}

impl Search {
    fn of(version: u64) -> Search {
        Search { version, loader: Loader::new(), found: None }
    }

    /// Looks at one record; true when the search is over. A record that cannot be read, or a bundle that
    /// this program cannot compile, is passed over: `verify` is there to complain of them.
    fn see(&mut self, record: &[u8]) -> bool {
        let Ok(FactsRecord::Facts(pack)) = facts::decode(record) else { return false };
        for packed in &pack.facts {
            if let FactBody::RuleSetActivated { bundle, .. } = &packed.fact.body
                && let Ok(rules) = self.loader.load(bundle)
                && u64::from(rules.version) == self.version
            {
                self.found = Some(rules);
                return true;
            }
        }
        false
    }
}

/// The rule set of that version in the log of an output folder; `None` when none was activated there.
///
/// # Errors
/// `InputUnreadable` when the log cannot be read.
pub fn of_folder(out: &Path, version: u64) -> Result<Option<Arc<RuleSet>>, Failure> {
    let mut search = Search::of(version);
    let mut reader = FrameReader::open(&facts_path(&facts_folder(out), 0)).map_err(Failure::input)?;
    while let Some(payload) = reader.next_payload().map_err(Failure::input)? {
        if search.see(payload) {
            break;
        }
    }
    Ok(search.found)
}

/// The rule set of that version in the facts topic, as far as it is retained.
///
/// # Errors
/// `Configuration`, `Unreachable`.
pub fn of_topic(deployment: &ConfigArguments, version: u64) -> Result<Option<Arc<RuleSet>>, Failure> {
    let config = deployment.load()?;
    let connection = deployment::connection(&config, "explain")?;
    let mut search = Search::of(version);
    read_topic(&connection, &config.topics.facts.name, &mut |record| match record.value {
        Some(value) if search.see(value) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    })?;
    Ok(search.found)
}
