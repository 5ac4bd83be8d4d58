//! Where a person's data is looked for: an output folder, or the topics of a deployment. What is read of either
//! is the same.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

use crate::cli::Failure;
use crate::cli::deployment::{self, ConfigArguments};
use crate::cli::keys::load_keys;
use crate::codec::facts;
use crate::codec::keys::Keys;
use crate::codec::manifest::facts_folder;
use crate::codec::output::Topic;
use crate::config::Config;
use crate::engine::base::TimeMs;
use crate::engine::cover::{Admission, ConfigVersion, Coverage};
use crate::engine::fact::Fact;
use crate::engine::input::FactsRecord;
use crate::log::kafka::{Connection, read_topic};
use crate::log::local::{FrameReader, facts_path};

/// An output folder, or a deployment.
pub(super) enum Store {
    Folder(PathBuf),
    Topics(Box<Config>, Connection),
}

impl Store {
    /// # Errors
    /// Exit 3 for the configuration.
    pub fn open(out: Option<&Path>, deployment: &ConfigArguments) -> Result<Store, Failure> {
        if let Some(out) = out {
            return Ok(Store::Folder(out.to_owned()));
        }
        let config = deployment.load()?;
        let connection = deployment::connection(&config, "subject-access")?;
        Ok(Store::Topics(Box::new(config), connection))
    }

    /// The keys under which it names people; `key` is a folder's.
    ///
    /// # Errors
    /// Exit 3 when there is no such key.
    pub fn keys(&self, key: Option<&Path>) -> Result<Arc<Keys>, Failure> {
        match self {
            Store::Folder(_) => load_keys(key),
            Store::Topics(config, _) => deployment::keys(config).map(Arc::new),
        }
    }

    pub fn partitions(&self) -> u32 {
        match self {
            Store::Folder(_) => 1,
            Store::Topics(config, _) => config.kafka.facts_partitions,
        }
    }

    /// Every fact that was applied, with its partition, oldest first in each.
    ///
    /// # Errors
    /// Exit 4 when a record cannot be read or the generation is not whole, 6 when brokers do not answer.
    pub fn facts(&self, on: &mut dyn FnMut(u32, &Fact)) -> Result<(), Failure> {
        let mut applied = Applied::default();
        let mut see = |partition, bytes: &[u8]| -> Result<(), Failure> {
            let record = facts::decode(bytes).context("a facts record cannot be read");
            applied.see(partition, &record.map_err(Failure::input)?, on);
            Ok(())
        };
        match self {
            Store::Folder(out) => {
                let path = facts_path(&facts_folder(out), 0);
                let mut reader = FrameReader::open(&path).map_err(Failure::input)?;
                while let Some(payload) = reader.next_payload().map_err(Failure::input)? {
                    see(0, payload)?;
                }
                Ok(())
            }
            Store::Topics(config, connection) => {
                deployment::opened_generation(config, connection)?;
                let mut failed = None;
                read_topic(connection, &config.topics.facts.name, &mut |record| match see(
                    record.partition,
                    record.value.unwrap_or_default(),
                ) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(failure) => {
                        failed = Some(failure);
                        ControlFlow::Break(())
                    }
                })?;
                failed.map_or(Ok(()), Err)
            }
        }
    }

    /// What was published, record by record; those of one partition in their order.
    ///
    /// # Errors
    /// Exit 4 when a file cannot be read, 6 when brokers do not answer.
    pub fn published(&self, topic: Topic, on: &mut dyn FnMut(&str)) -> Result<(), Failure> {
        match self {
            Store::Folder(out) => {
                let path = out.join(format!("{}.ndjson", topic.name()));
                let file = File::open(&path).with_context(|| format!("cannot read {}", path.display()));
                for line in BufReader::new(file.map_err(Failure::input)?).lines() {
                    on(&line.map_err(Failure::input)?);
                }
            }
            Store::Topics(config, connection) => {
                let topics = &config.topics;
                let name =
                    if topic == Topic::Notices { &topics.notices.name } else { &topics.dispositions.name };
                read_topic(connection, name, &mut |record| {
                    if let Some(text) = record.value.and_then(|value| std::str::from_utf8(value).ok()) {
                        on(text);
                    }
                    ControlFlow::Continue(())
                })?;
            }
        }
        Ok(())
    }
}

/// Tells facts that are applied from those that intake only wrote again (ARCHITECTURE C1 to C4).
///
/// Of a log whose beginning retention has taken, the first range of a source that is left is where it begins,
/// and the version of the first record the one that was in force.
#[derive(Default)]
struct Applied {
    partitions: BTreeMap<u32, Coverage>,
}

impl Applied {
    fn see(&mut self, partition: u32, record: &FactsRecord, on: &mut dyn FnMut(u32, &Fact)) {
        let coverage = self.partitions.entry(partition).or_default();
        let pack = match record {
            FactsRecord::Facts(pack) => pack,
            FactsRecord::VersionAnnounced(version) => return coverage.announce(*version),
            FactsRecord::SourceSkipped(skip) => {
                coverage.skip(skip);
                return;
            }
            FactsRecord::Reports(_) => return,
        };
        if coverage.versions.is_empty() {
            coverage.announce(ConfigVersion { from: TimeMs::MIN, number: pack.version });
        }
        pack.ranges.iter().for_each(|range| coverage.join(range));
        let verdicts: Vec<Admission> =
            pack.ranges.iter().map(|range| coverage.admit(pack.version, range)).collect();
        for packed in &pack.facts {
            let verdict = verdicts.get(usize::from(packed.range));
            if matches!(verdict, Some(Admission::Apply { after }) if packed.offset > *after) {
                on(partition, &packed.fact);
            }
        }
        for (range, verdict) in pack.ranges.iter().zip(&verdicts) {
            if matches!(verdict, Admission::Apply { .. }) {
                coverage.advance(range);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::base::{Fingerprint, Token};
    use crate::engine::cover::{Range, SourceId};
    use crate::engine::fact::FactBody;
    use crate::engine::input::{FactsPack, PackedFact};
    use crate::engine::subject::{Subject, SubjectKind};

    /// Offsets beyond `previous` up to `last`, a fact at each, named by its offset.
    fn pack(version: u32, previous: i64, last: i64) -> FactsRecord {
        let source = SourceId { name: "s".into(), generation: 1, partition: 0 };
        let at = TimeMs(1_000);
        let range = Range { source, baseline: false, previous, last, timestamps: (at, at), through: at };
        let fact = |offset: i64| Fact {
            event: Fingerprint(offset.unsigned_abs()),
            at,
            route: Subject::new(SubjectKind::Holder, Token(1)),
            body: FactBody::WentLive,
        };
        let packed = |offset| PackedFact { range: 0, offset, ordinal: 0, time: at, fact: fact(offset) };
        FactsRecord::Facts(FactsPack {
            version,
            ranges: vec![range],
            facts: (previous + 1..=last).map(packed).collect(),
        })
    }

    fn seen(records: &[(u32, FactsRecord)]) -> Vec<(u32, u64)> {
        let (mut applied, mut seen) = (Applied::default(), Vec::new());
        for (partition, record) in records {
            applied.see(*partition, record, &mut |partition, fact| seen.push((partition, fact.event.0)));
        }
        seen
    }

    #[test]
    fn what_intake_wrote_again_is_held_once() {
        // Begun in the middle: what stood before is not retained.
        let again = [(0, pack(1, 6, 8)), (0, pack(1, 6, 8)), (0, pack(1, 7, 9)), (1, pack(1, 6, 8))];
        assert_eq!(seen(&again), [(0, 7), (0, 8), (0, 9), (1, 7), (1, 8)]);
    }

    #[test]
    fn what_is_over_a_gap_or_of_another_version_is_not_held_yet() {
        let gap = [(0, pack(1, 0, 1)), (0, pack(1, 3, 4)), (0, pack(1, 1, 4))];
        assert_eq!(seen(&gap), [(0, 1), (0, 2), (0, 3), (0, 4)]);
        let next = FactsRecord::VersionAnnounced(ConfigVersion { from: TimeMs(500), number: 2 });
        let versions = [(0, pack(1, 0, 1)), (0, next), (0, pack(1, 1, 2)), (0, pack(2, 1, 2))];
        assert_eq!(seen(&versions), [(0, 1), (0, 2)]);
    }
}
