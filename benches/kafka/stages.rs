//! The two parts of intake that need no Kafka, timed by the thread's CPU clock on the same events: what is left
//! of its loop is receiving and handing over.

use std::sync::Arc;
use std::time::Duration;

use duecourse::codec::facts;
use duecourse::codec::keys::Keys;
use duecourse::config::bundle::Loader;
use duecourse::config::source::SourceMapping;
use duecourse::engine::base::TimeMs;
use duecourse::engine::cover::SourceId;
use duecourse::engine::input::FactsRecord;
use duecourse::intake::classify::{Classifier, ClassifierSettings, SourceRecord};
use duecourse::intake::pack::{Flush, PackBounds, Packed, Packer, Start};
use duecourse::intake::release::ReleasePolicy;
use duecourse::telemetry::clock::thread_cpu;

use super::deployment::PARTITIONS;
use crate::traffic::INSTITUTION;

/// The one version of the intake configuration.
const VERSION: u32 = 1;

/// CPU of classifying, and of packing and encoding, all these events.
pub fn classify_and_pack(events: &[String]) -> (Duration, Duration) {
    let settings = ClassifierSettings {
        institution: INSTITUTION.to_owned(),
        facts_partitions: PARTITIONS,
        ahead_max: None,
        releases: ReleasePolicy::default(),
        orders: Default::default(),
    };
    let mapping = Arc::new(SourceMapping::load("native").expect("shipped"));
    let keys = Arc::new(Keys::development());
    let mut classifier = Classifier::new(mapping, keys, settings, Arc::new(Loader::new()));
    let mut packer = Packer::new(PARTITIONS, PackBounds::default());
    let source = SourceId { name: Arc::from("bench"), generation: 1, partition: 0 };
    let start = Start { previous: -1, baseline: true, version: VERSION, time: TimeMs(0) };
    let slot = packer.assign(source, start);
    let (mut classifying, mut packing) = (Duration::ZERO, Duration::ZERO);
    for (number, chunk) in events.chunks(1_000).enumerate() {
        let began = thread_cpu();
        let classified: Vec<_> = chunk
            .iter()
            .map(|line| {
                let record = SourceRecord { bytes: line.as_bytes(), headers: &[], timestamp: TimeMs(0) };
                classifier.classify(&record).map(|classified| classified.facts).unwrap_or_default()
            })
            .collect();
        let between = thread_cpu();
        for (place, facts) in classified.into_iter().enumerate() {
            let offset = (number * 1_000 + place) as u64;
            packer.read(slot, VERSION, offset.cast_signed(), TimeMs(0), facts);
        }
        let mut packs = packer.take_finished();
        packs.extend(packer.flush(Flush::WithFacts));
        encode(packs);
        classifying += between - began;
        packing += thread_cpu() - between;
    }
    (classifying, packing)
}

fn encode(packs: Vec<Packed>) {
    for (_, pack) in packs {
        let mut bytes = Vec::new();
        facts::encode(&FactsRecord::Facts(pack), &mut bytes);
        std::hint::black_box(bytes);
    }
}
