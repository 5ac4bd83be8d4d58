//! A deployment that never changed its key, made of one that did: its facts under the first key, and what they lead
//! to. So both decide of the same facts in the same order, which two deployments at work never do.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use duecourse::codec::facts;
use duecourse::codec::keys::Keys;
use duecourse::codec::keys::names::Names;
use duecourse::codec::output::{OutputContext, OutputError, Topic, encode_effect};
use duecourse::config::bundle::Loader;
use duecourse::engine::fact::Fact;
use duecourse::engine::input::{Effect, FactsRecord, TimeMode};
use duecourse::engine::partition::Partition;
use duecourse::intake::first_start;
use duecourse::intake::rekey::{NextLog, Rekey, Translation};
use duecourse::log::LogError;
use duecourse::log::kafka::read_topic;
use serde_json::Value;

use crate::deployment::Deployment;

/// The values of a facts topic, by partition.
pub fn logs_of(deployment: &Deployment, topic: &str) -> Vec<Vec<Vec<u8>>> {
    let mut logs: BTreeMap<u32, Vec<Vec<u8>>> = BTreeMap::new();
    let spans = read_topic(&deployment.connection, topic, &mut |record| {
        logs.entry(record.partition).or_default().push(record.value.unwrap_or_default().to_vec());
        ControlFlow::Continue(())
    });
    (0..).zip(spans.unwrap()).map(|(partition, _)| logs.remove(&partition).unwrap_or_default()).collect()
}

/// Source, its partition, offset there, and which of the record's facts.
pub type Place = (String, u32, i64, u16);

/// Every fact of a facts partition that sources gave, by where it came from.
pub fn facts_of(log: &[Vec<u8>]) -> BTreeMap<Place, Fact> {
    let mut all = BTreeMap::new();
    for value in log {
        let FactsRecord::Facts(pack) = facts::decode(value).unwrap() else { continue };
        for packed in pack.facts {
            let source = &pack.ranges[usize::from(packed.range)].source;
            // Of when intake started.
            if *source != first_start::source() {
                let place = (source.name.to_string(), source.partition, packed.offset, packed.ordinal);
                all.insert(place, packed.fact);
            }
        }
    }
    all
}

/// How many reports stand in it.
pub fn reports_in(log: &[Vec<u8>]) -> usize {
    log.iter().filter(|value| matches!(facts::decode(value), Ok(FactsRecord::Reports(_)))).count()
}

/// The facts of all generations under the first key, and what a deployment that never had another decides of them.
pub struct Unchanged {
    keys: Arc<Keys>,
    pub logs: Vec<Vec<Vec<u8>>>,
    published: BTreeMap<Topic, Vec<Value>>,
    pub in_force: BTreeMap<Vec<u8>, Value>,
}

impl Unchanged {
    /// Of the facts topic of the next generation; and what the first key calls what the next one sets.
    pub fn of(logs: &[Vec<Vec<u8>>], then: &Arc<Keys>, now: &Arc<Keys>) -> (Unchanged, Names) {
        let count = logs.len();
        let mut unchanged = Unchanged {
            keys: Arc::clone(then),
            logs: vec![Vec::new(); count],
            published: BTreeMap::new(),
            in_force: BTreeMap::new(),
        };
        let translation = Translation::new(Arc::clone(now), Arc::clone(then), count as u32).unwrap();
        let loader = Loader::new();
        let mut rekey = Rekey::new(translation, TimeMode::Event, &loader, &mut unchanged);
        for (partition, log) in (0..).zip(logs) {
            let mut one = rekey.partition(partition);
            log.iter().for_each(|value| one.take(&facts::decode(value).unwrap()).unwrap());
        }
        let (translation, differences) = rekey.finish();
        assert!(differences.are_none(), "{differences:?}");
        (unchanged, translation.names().clone())
    }

    pub fn of_topic(&self, topic: Topic) -> &[Value] {
        self.published.get(&topic).map_or(&[], Vec::as_slice)
    }
}

impl NextLog for Unchanged {
    fn append(&mut self, partition: u32, record: &FactsRecord) -> Result<(), LogError> {
        let mut value = Vec::new();
        facts::encode(record, &mut value);
        self.logs[partition as usize].push(value);
        Ok(())
    }

    fn decided(&mut self, partition: &Partition, effect: &Effect) -> Result<(), OutputError> {
        let rules = partition.rules().map(AsRef::as_ref);
        let context =
            OutputContext::under(&self.keys, "demo-bank", rules, duecourse::config::orders::case_code);
        let mut records = Vec::new();
        match encode_effect(effect, &context, &mut records) {
            // What a purpose keeps back stands nowhere.
            Ok(()) | Err(OutputError::PurposeRefused { .. }) => {}
            Err(error) => return Err(error),
        }
        for record in records {
            let value = record.value.map(|value| serde_json::from_slice::<Value>(&value).unwrap());
            match (record.topic, value) {
                (Topic::Measures, None) => drop(self.in_force.remove(&record.key)),
                (Topic::Measures, Some(value)) => drop(self.in_force.insert(record.key, value)),
                (topic, Some(value)) => self.published.entry(topic).or_default().push(value),
                (_, None) => {}
            }
        }
        Ok(())
    }
}
