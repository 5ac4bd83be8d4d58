//! Two generations of one deployment: what each configuration names, and what stands in its topics.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::anyhow;

use crate::cli::Failure;
use crate::cli::deployment::connection;
use crate::codec::output::{CLOSED_KEY, GENERATION_KEY, GenerationMark, OutRecord};
use crate::config::Config;
use crate::log::LogError;
use crate::log::kafka::{
    AckedProducer, Connection, OutMessage, group_members, group_offsets, read_latest, topic_spans,
};

const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(60);
/// A process that was stopped may be a member of its group until its session has run out; and some more.
const AWAY_MARGIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// One of the two.
pub(super) struct Side<'a> {
    pub config: &'a Config,
    pub connection: Connection,
}

/// What stands beside progress in a topic `decided`, by key.
pub(super) type Marks = BTreeMap<Vec<u8>, GenerationMark>;

impl<'a> Side<'a> {
    pub(super) fn new(config: &'a Config) -> Result<Side<'a>, Failure> {
        Ok(Side { config, connection: connection(config, "rekey")? })
    }

    pub(super) fn facts(&self) -> &'a str {
        &self.config.topics.facts.name
    }

    pub(super) fn decided(&self) -> &'a str {
        &self.config.topics.decided.name
    }

    pub(super) fn marks(&self) -> Result<Marks, Failure> {
        let latest = read_latest(&self.connection, self.decided())?;
        let mark = |(key, value): (Vec<u8>, Vec<u8>)| Some((key, GenerationMark::read(&value)?));
        Ok(latest.into_iter().filter_map(mark).collect())
    }

    /// The old generation: whole, and nobody's yet.
    pub(super) fn is_not_closed(&self) -> Result<(), Failure> {
        let marks = self.marks()?;
        if let Some(GenerationMark::Closed { next }) = marks.get(CLOSED_KEY) {
            return Err(Failure::usage(anyhow!(
                "{} is closed: its facts go on in {next}; `rekey --back` opens it again",
                self.facts()
            )));
        }
        match marks.get(GENERATION_KEY) {
            Some(GenerationMark::Unfinished { from }) => Err(Failure::usage(anyhow!(
                "{} is itself not finished: it is being made of {from}",
                self.facts()
            ))),
            _ => Ok(()),
        }
    }

    /// The new generation: nothing yet, or begun by this command and of the same facts.
    pub(super) fn may_become_of(&self, old: &Side<'_>) -> Result<(), Failure> {
        let refused = |why: String| Err(Failure::usage(anyhow!("{why}")));
        let is_empty = read_latest(&self.connection, self.decided())?.is_empty();
        match self.marks()?.get(GENERATION_KEY) {
            Some(GenerationMark::Unfinished { from }) if from == old.facts() => Ok(()),
            Some(GenerationMark::Unfinished { from }) => {
                refused(format!("{} is being made of {from}, and not of {}", self.facts(), old.facts()))
            }
            Some(GenerationMark::Open(open)) => refused(format!(
                "{} is finished: it is generation {}, and goes on",
                self.facts(),
                open.number
            )),
            Some(GenerationMark::Closed { .. }) | None if !is_empty => {
                refused(format!("{} is in use: name new topics for the next generation", self.decided()))
            }
            Some(GenerationMark::Closed { .. }) | None => {
                for topic in [self.facts(), &self.config.topics.measures.name] {
                    let spans = topic_spans(&self.connection, topic)?;
                    if spans.iter().any(|(_, end)| *end > 0) {
                        return refused(format!("{topic} is not empty: name a new topic"));
                    }
                }
                Ok(())
            }
        }
    }

    /// The mark of a generation that is not whole, in place of everything that could be begun with.
    pub(super) fn unfinished(&self, old: &Side<'_>) -> Vec<(&'a str, OutRecord)> {
        let mark = GenerationMark::Unfinished { from: old.facts().to_owned() };
        let partitions = (0..self.config.kafka.facts_partitions).map(|one| one.to_string().into_bytes());
        let keys = partitions.chain([GENERATION_KEY.to_vec()]);
        keys.map(|key| (self.decided(), mark.record(&key))).collect()
    }

    /// Where each facts partition ends, if all of it is there from its beginning and is decided.
    pub(super) fn decided_to_its_end(&self) -> Result<Vec<u64>, Failure> {
        let (facts, kafka) = (self.facts(), &self.config.kafka);
        let spans = topic_spans(&self.connection, facts)?;
        if spans.len() != kafka.facts_partitions as usize {
            return Err(Failure::configuration(anyhow!(
                "{facts} has {} partitions and the configuration says {}",
                spans.len(),
                kafka.facts_partitions
            )));
        }
        if let Some((partition, (first, _))) = (0..).zip(&spans).find(|(_, (first, _)): &(u32, _)| *first > 0)
        {
            return Err(Failure::input(anyhow!(
                "facts partition {partition} of {facts} begins at offset {first}: its retention has taken what came \
                 before, and a generation is made of its whole history. Keep facts for as long as a generation lasts \
                 (kafka.facts_retention)"
            )));
        }
        let committed =
            group_offsets(&self.connection, &kafka.decide_group(), facts, kafka.facts_partitions)?;
        for (partition, ((_, end), committed)) in (0_u32..).zip(spans.iter().zip(&committed)) {
            if committed.unwrap_or(0) < *end {
                return Err(Failure::usage(anyhow!(
                    "facts partition {partition} of {facts} is decided to offset {} of {end}: what came of the rest \
                     would never be published. Run `decide --until-end` with the old configuration first",
                    committed.unwrap_or(0)
                )));
            }
        }
        Ok(spans.into_iter().map(|(_, end)| end.unsigned_abs()).collect())
    }

    /// Writes records, each by its key.
    pub(super) fn write(&self, records: &[(&str, OutRecord)]) -> Result<(), Failure> {
        let mut producer = AckedProducer::connect_gapless(&self.connection, "rekey", 5)?;
        for (topic, record) in records {
            producer.send(OutMessage {
                topic,
                key: Some(&record.key),
                value: record.value.as_deref(),
                ..OutMessage::default()
            })?;
        }
        Ok(producer.flush(ACKNOWLEDGED_WITHIN)?)
    }

    /// How a transaction came out: where it is in doubt, the marks tell.
    pub(super) fn settle(
        &self,
        outcome: Result<(), LogError>,
        is_done: impl Fn(&Marks) -> bool,
    ) -> Result<(), Failure> {
        match outcome {
            Ok(()) => Ok(()),
            Err(LogError::Unreachable(why)) => match is_done(&self.marks()?) {
                true => Ok(()),
                false => Err(LogError::Unreachable(why).into()),
            },
            Err(error) => Err(error.into()),
        }
    }
}

/// Refuses two configurations that are not two generations of one deployment.
pub(super) fn fits(old: &Config, next: &Config) -> Result<(), Failure> {
    let refused = |why: &str| Err(Failure::configuration(anyhow!("the two configurations: {why}")));
    let (then, now) = (&old.topics, &next.topics);
    for (key, one, other) in [
        ("facts", &then.facts, &now.facts),
        ("decided", &then.decided, &now.decided),
        ("measures", &then.measures, &now.measures),
    ] {
        if one.name == other.name {
            return refused(&format!("topics.{key}.name must be another one in the next generation"));
        }
    }
    if then.dead_letters.name != now.dead_letters.name {
        return refused("topics.dead_letters.name must be the same: what was refused stays refused");
    }
    if old.institution != next.institution || old.time != next.time {
        return refused("institution and time must be the same");
    }
    let sources = |config: &Config| -> Vec<(String, String, u32)> {
        let of =
            |source: &crate::config::Source| (source.name.clone(), source.topic.clone(), source.generation);
        config.sources.iter().map(of).collect()
    };
    if sources(old) != sources(next) || old.kafka.source_partitions != next.kafka.source_partitions {
        return refused("sources must be the same: intake goes on in them where the old generation ended");
    }
    if old.kafka.facts_partitions != next.kafka.facts_partitions {
        return refused("kafka.facts_partitions must be the same: every subject stays in its partition");
    }
    if next.keys.file.is_empty() {
        return refused("keys.file of the next generation must name its key, made by `keys next`");
    }
    Ok(())
}

/// Waits until nobody is at work on either.
pub(super) fn wait_until_away(sides: &[&Side<'_>]) -> Result<(), Failure> {
    for side in sides {
        let kafka = &side.config.kafka;
        let session = Duration::from_millis(u64::from(kafka.session_timeout_ms));
        let deadline = Instant::now() + session + AWAY_MARGIN;
        for group in [kafka.intake_group(), kafka.decide_group()] {
            loop {
                let members = group_members(&side.connection, &group)?;
                if members == 0 {
                    break;
                }
                if Instant::now() >= deadline {
                    return Err(Failure::usage(anyhow!(
                        "{members} processes are at work in group {group}: stop intake and decide first"
                    )));
                }
                std::thread::sleep(LOOK_EVERY);
            }
        }
    }
    Ok(())
}
