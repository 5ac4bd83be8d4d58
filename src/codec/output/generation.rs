//! Marks of generations of the facts, in their topics `decided`: whether one may be used (DESIGN D6).
//!
//! `rekey` writes a mark in place of every facts partition's progress before it writes facts, so that nobody begins
//! with a generation that is not whole. It takes them away, opens the generation and closes the one before in one
//! transaction.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OutRecord, Topic};

const SCHEMA: &str = "duecourse.generation/1";

/// Beside the progress of facts partitions, whose keys are numbers.
pub const GENERATION_KEY: &[u8] = b"generation";
/// As `GENERATION_KEY`, once another generation goes on.
pub const CLOSED_KEY: &[u8] = b"closed";

/// What stands in the topic `decided` of a generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GenerationMark {
    /// Its facts are being written, from those of topic `from`.
    Unfinished { from: String },
    /// Its facts were written whole, and it may be used.
    Open(OpenGeneration),
    /// Its facts go on in topic `next`.
    Closed { next: String },
}

/// A generation that was made of another one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenGeneration {
    /// Its number, as its key says.
    pub number: u32,
    /// The facts topic that it was made of.
    pub from: String,
    /// Of each facts partition: facts below this offset were decided, and what came of them published, before.
    pub facts: Vec<u64>,
    /// The ends of output topics at that moment, by name, partition by partition: what stands before them in a
    /// topic that both generations write to was published by an earlier one.
    pub outputs: BTreeMap<String, Vec<u64>>,
}

/// The state of a generation of the facts, for whoever begins to work on it.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GenerationData {
    /// Always `duecourse.generation/1`.
    schema: String,
    state: State,
    /// The number of an open generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<u32>,
    /// The facts topic that it is made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// Of a closed one: the facts topic that goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// Of an open one: the first offset of each facts partition that was not decided before it was opened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    facts: Vec<u64>,
    /// Of an open one: the ends of output topics when it was opened, by name and partition.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    outputs: BTreeMap<String, Vec<u64>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum State {
    Unfinished,
    Open,
    Closed,
}

impl GenerationMark {
    /// The mark that a value of the topic `decided` is; `None` when it is no mark, but progress.
    #[must_use]
    pub fn read(value: &[u8]) -> Option<GenerationMark> {
        let data: GenerationData = serde_json::from_slice(value).ok()?;
        if data.schema != SCHEMA {
            return None;
        }
        Some(match data.state {
            State::Unfinished => GenerationMark::Unfinished { from: data.from? },
            State::Closed => GenerationMark::Closed { next: data.next? },
            State::Open => GenerationMark::Open(OpenGeneration {
                number: data.number?,
                from: data.from?,
                facts: data.facts,
                outputs: data.outputs,
            }),
        })
    }

    /// The mark as a record under a key.
    #[must_use]
    pub fn record(&self, key: &[u8]) -> OutRecord {
        let mut data = GenerationData {
            schema: SCHEMA.to_owned(),
            state: State::Unfinished,
            number: None,
            from: None,
            next: None,
            facts: Vec::new(),
            outputs: BTreeMap::new(),
        };
        match self {
            GenerationMark::Unfinished { from } => data.from = Some(from.clone()),
            GenerationMark::Closed { next } => {
                (data.state, data.next) = (State::Closed, Some(next.clone()));
            }
            GenerationMark::Open(open) => {
                data.state = State::Open;
                (data.number, data.from) = (Some(open.number), Some(open.from.clone()));
                (data.facts, data.outputs) = (open.facts.clone(), open.outputs.clone());
            }
        }
        // Strings, integers and lists of them always have a JSON form.
        let value = serde_json::to_vec(&data).unwrap_or_default();
        OutRecord { topic: Topic::Decided, key: key.to_vec(), value: Some(value) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::output::{Deciding, encode_decided};
    use crate::engine::base::TimeMs;
    use crate::engine::cover::Coverage;

    #[test]
    fn marks_read_back_and_progress_is_none() {
        let open = OpenGeneration {
            number: 2,
            from: "facts".to_owned(),
            facts: vec![7, 0],
            outputs: BTreeMap::from([("dispositions".to_owned(), vec![3])]),
        };
        for mark in [
            GenerationMark::Unfinished { from: "facts".to_owned() },
            GenerationMark::Open(open),
            GenerationMark::Closed { next: "facts.2".to_owned() },
        ] {
            let value = mark.record(GENERATION_KEY).value.unwrap();
            assert_eq!(GenerationMark::read(&value), Some(mark));
        }
        let progress = encode_decided(0, 7, &Coverage::default(), TimeMs(0), &Deciding::default());
        assert_eq!(GenerationMark::read(&progress.value.unwrap()), None);
        assert_eq!(GenerationMark::read(b"{\"schema\":\"duecourse.generation/1\",\"state\":\"open\"}"), None);
    }
}
