//! Facts of each event, a refusal for each code, and that nothing is left from one record to the next.

mod appeals;
mod corrections;
mod declared;
mod entries;
mod events;
mod lives;
mod mutations;
mod orders;
mod refusals;
mod releases;
mod rows;
mod traces;

use std::sync::LazyLock;

use super::*;
use crate::engine::fact::{Essential, Fact, FactBody, Side, TransferDetails};
use crate::engine::ruleset::RuleSet;

/// Compiles nothing: refuses a bundle that says so.
struct Loader;

impl LoadRules for Loader {
    fn load(&self, bundle: &str) -> Result<Arc<RuleSet>, String> {
        if bundle == "broken" {
            return Err("broken".to_owned());
        }
        crate::config::bundle::compile(
            &crate::config::bundle::embedded(crate::config::bundle::Profile::Strict).unwrap(),
        )
        .map(Arc::new)
        .map_err(|e| e.to_string())
    }

    fn asked(&self, bundle: &str) -> u32 {
        if bundle == "of a later engine" { self.speaks() + 1 } else { self.speaks() }
    }
}

const AT: TimeMs = TimeMs(1_704_067_200_000);

fn settings() -> ClassifierSettings {
    ClassifierSettings {
        institution: "bank-a".to_owned(),
        facts_partitions: 7,
        ahead_max: Some(SpanMs(60_000)),
        releases: ReleasePolicy::default(),
        orders: OrderPolicy::default(),
    }
}

/// One set of keys for all tests: a cache for each of thousands of classifiers takes long to make.
static KEYS: LazyLock<Arc<Keys>> = LazyLock::new(|| Arc::new(Keys::development()));

fn classifier_of(mapping: SourceMapping) -> Classifier {
    Classifier::new(Arc::new(mapping), Arc::clone(&KEYS), settings(), Arc::new(Loader))
}

fn native() -> Classifier {
    classifier_of(SourceMapping::load("native").unwrap())
}

fn labelled(header: &str) -> Classifier {
    let mut classifier = classifier_of(SourceMapping::load("labelled-csv").unwrap());
    classifier.settings.ahead_max = None;
    classifier.set_header(TABLE_EVENTS, header.as_bytes()).unwrap();
    classifier
}

fn classify(classifier: &mut Classifier, text: &str) -> Result<Classified, RefusalCode> {
    let record = SourceRecord { bytes: text.as_bytes(), headers: &[], timestamp: AT };
    classifier.classify(&record).map_err(|refusal| refusal.code)
}

/// A structured event at `AT`.
fn event(kind: &str, data: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"e1","source":"core","type":"{kind}","time":"2024-01-01T08:00:00+08:00","data":{data}}}"#
    )
}

/// A party of holder `h` with ref `r`.
fn party(holder: &str, reference: &str, kind: &str) -> String {
    format!(r#"{{"institution":"bank-a","holder":"{holder}","ref":"{reference}","kind":"{kind}"}}"#)
}

const AMOUNT: &str = r#""amount":{"minor":1050,"currency":"CNY"}"#;
