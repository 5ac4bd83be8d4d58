//! Plays events: classifier, packed facts, one partition, encoders.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::script::{Directive, Happened, Script, Zone};
use super::{police, tell};
use crate::cli::explain::{Published, record_with, text_of_lead};
use crate::codec::event::EventType;
use crate::codec::facts;
use crate::codec::hex::{hex, id_hex};
use crate::codec::keys::Keys;
use crate::codec::output::{OutRecord, OutputContext, Topic, encode_effect};
use crate::config::bundle::Loader;
use crate::config::orders::case_code;
use crate::config::source::SourceMapping;
use crate::engine::LoadRules;
use crate::engine::base::{SpanMs, TimeMs};
use crate::engine::cover::{ConfigVersion, Range, SourceId};
use crate::engine::disposition::{AppealRef, Disposition, DispositionId};
use crate::engine::input::{Effect, FactsPack, FactsRecord, PackedFact, TimeMode};
use crate::engine::lead::{LeadNews, LeadRef};
use crate::engine::partition::{Identity, Partition};
use crate::intake::classify::{Classified, Classifier, ClassifierSettings, SourceRecord};
use crate::intake::orders::OrderPolicy;
use crate::intake::release::ReleasePolicy;

/// The institution that scenarios play at.
pub(super) const INSTITUTION: &str = "demo-bank";
/// How long the rules were in force before the first event, unless the scenario says.
const RULES_BEFORE: SpanMs = SpanMs::days(60);
const VERSION: u32 = 1;

pub(super) struct Stage {
    keys: Arc<Keys>,
    classifier: Classifier,
    loader: Arc<Loader>,
    partition: Partition,
    /// Each with the offset of its next record; more than one with a broker's clock.
    sources: Vec<(SourceId, i64)>,
    show_notices: bool,
    zone: Zone,
    /// A rule that the scenario was written for is switched off.
    is_cut: bool,
    /// Records so far: the offset of the next, in the source and in the facts alike.
    records: u32,
    last_appeal: Option<AppealRef>,
    last_lead: Option<LeadRef>,
    /// Measures that were set: name, the party's reference, id.
    measures: Vec<(&'static str, String, DispositionId)>,
    /// Ids of the rules and limits that fired so far.
    pub(super) fired: BTreeSet<String>,
    /// References that were given out, of measures and of leads.
    references: Vec<String>,
    /// All that was published.
    published: Vec<OutRecord>,
}

impl Stage {
    pub(super) fn new(script: &Script, bundle: &str) -> anyhow::Result<Stage> {
        let keys = Arc::new(Keys::development());
        let mut mapping = SourceMapping::shipped("native")
            .ok_or_else(|| anyhow!("the mapping `native` is not shipped"))??;
        if script.directives.contains(&Directive::AbnormalDevices) {
            mapping.abnormal_customers.device = mapping.shared_subjects.device.take();
        }
        let settings = ClassifierSettings {
            institution: INSTITUTION.to_owned(),
            facts_partitions: 1,
            ahead_max: None,
            releases: ReleasePolicy::default(),
            orders: OrderPolicy { keys: police::keys()? },
        };
        let loader = Arc::new(Loader::new());
        let rules: Arc<dyn LoadRules + Send + Sync> = Arc::<Loader>::clone(&loader);
        let classifier = Classifier::new(Arc::new(mapping), Arc::clone(&keys), settings, rules);
        let named = script.directives.iter().find_map(|directive| match directive {
            Directive::Sources(names) => Some(names.clone()),
            _ => None,
        });
        let time = if named.is_some() { TimeMode::Broker } else { TimeMode::Event };
        let sources = named.unwrap_or_else(|| vec!["scenario".to_owned()]);
        let source = |name: String| (SourceId { name: name.into(), generation: 1, partition: 0 }, 1);
        let sources = sources.into_iter().map(source).collect();
        let identity = Identity { partition: 0, partitions: 1, id_key: keys.id_key(), time };
        let mut stage = Stage {
            keys,
            classifier,
            loader,
            partition: Partition::new(identity),
            sources,
            show_notices: script.directives.contains(&Directive::ShowNotices),
            zone: script.zone,
            is_cut: script.directives.iter().any(|directive| matches!(directive, Directive::Off(_))),
            records: 0,
            last_appeal: None,
            last_lead: None,
            measures: Vec::new(),
            fired: BTreeSet::new(),
            references: Vec::new(),
            published: Vec::new(),
        };
        stage.begin(script, bundle)?;
        Ok(stage)
    }

    /// Announces the intake's version, activates the rules and goes live (unless the scenario does that itself),
    /// as a first start does.
    fn begin(&mut self, script: &Script, bundle: &str) -> anyhow::Result<()> {
        let bundle = with_directives(bundle, &script.directives)?;
        let since = script.directives.iter().find_map(|directive| match directive {
            Directive::RulesSince(since) => Some(*since),
            _ => None,
        });
        let at = since.unwrap_or_else(|| script.first.minus(RULES_BEFORE));
        let announced = FactsRecord::VersionAnnounced(ConfigVersion { from: TimeMs::MIN, number: VERSION });
        self.partition.apply(0, &announced, &*self.loader, &mut Vec::new())?;
        let sha256 = hex(&Sha256::digest(bundle.as_bytes()));
        let activated = json!({ "bundle": bundle, "sha256": sha256 });
        self.join_sources(at)?;
        let mut events = vec![(EventType::RuleSetActivated, activated)];
        if !script.directives.contains(&Directive::BeforeGoLive) {
            events.push((EventType::WentLive, json!({})));
        }
        for (kind, data) in events {
            let told = self.happen(&Happened { at, kind, id: None, via: None, data })?;
            if let Some(line) = told.first() {
                return Err(anyhow!("the rules could not be activated: {line}"));
            }
        }
        Ok(())
    }

    /// Sources beyond the first have nothing to say at the start; from then on time waits for them.
    fn join_sources(&mut self, at: TimeMs) -> anyhow::Result<()> {
        for (source, next) in self.sources.iter_mut().skip(1) {
            let range = Range {
                source: source.clone(),
                baseline: true,
                previous: 0,
                last: 1,
                timestamps: (at, at),
                through: at,
            };
            *next = 2;
            let pack = FactsPack { version: VERSION, ranges: vec![range], facts: Vec::new() };
            self.partition.apply(0, &FactsRecord::Facts(pack), &*self.loader, &mut Vec::new())?;
        }
        Ok(())
    }

    /// Lets one event happen; what was decided, line by line.
    pub(super) fn happen(&mut self, event: &Happened) -> anyhow::Result<Vec<String>> {
        self.records += 1;
        let id = event.id.clone().unwrap_or_else(|| format!("E{}", self.records));
        let mut data = event.data.clone();
        if let Some(reference) = data.get_mut("appeal_ref").filter(|text| **text == "@last") {
            let Some(last) = self.last_appeal else {
                // With a rule off there may be nothing to appeal against, so nobody does.
                return if self.is_cut {
                    Ok(Vec::new())
                } else {
                    Err(anyhow!("there is no appeal reference yet"))
                };
            };
            *reference = json!(last.to_string());
        }
        if let Some(reference) = data.get_mut("lead_ref").filter(|text| **text == "@last") {
            let Some(last) = self.last_lead else {
                return if self.is_cut { Ok(Vec::new()) } else { Err(anyhow!("there is no lead yet")) };
            };
            *reference = json!(last.to_string());
        }
        if let Some(id) = data.get_mut("disposition_id")
            && let Some(name) = id.as_str().and_then(|text| text.strip_prefix('@'))
        {
            let (wanted, of) = name.split_once('/').map_or((name, None), |(name, of)| (name, Some(of)));
            let fits = |(measure, reference, _): &&(&str, String, _)| {
                (wanted == "last" || wanted == *measure) && of.is_none_or(|of| of == reference)
            };
            let Some((_, _, found)) = self.measures.iter().rev().find(fits) else {
                return if self.is_cut {
                    Ok(Vec::new())
                } else {
                    Err(anyhow!("no measure `{name}` was set yet; write `@last` or `@` and its name"))
                };
            };
            *id = json!(id_hex(*found));
        }
        police::sign(event.kind, &mut data)?;
        let time = self.zone.written(event.at)?;
        let line = json!({
            "specversion": "1.0", "id": id, "source": "/scenario", "type": event.kind.name(), "time": time, "data": data,
        })
        .to_string();
        let record = SourceRecord { bytes: line.as_bytes(), headers: &[], timestamp: event.at };
        let classified = match self.classifier.classify(&record) {
            Ok(classified) => classified,
            Err(refusal) => return Ok(vec![format!("= refused by intake: {}", refusal.code.name())]),
        };
        let effects = self.decide(classified, event.via.as_deref())?;
        let mut told = Vec::new();
        for effect in &effects {
            self.tell(effect, &mut told)?;
        }
        Ok(told)
    }

    /// Packs the facts as intake does, reads them back as decide does, and applies them.
    fn decide(&mut self, classified: Classified, via: Option<&str>) -> anyhow::Result<Vec<Effect>> {
        let named = |(source, _): &&mut (SourceId, i64)| via.is_none_or(|via| *source.name == *via);
        let Some((source, next)) = self.sources.iter_mut().find(named) else {
            return Err(anyhow!("`via` names no source; the directive `sources` does"));
        };
        let offset = *next;
        *next += 1;
        let range = Range {
            source: source.clone(),
            baseline: offset == 1,
            previous: offset - 1,
            last: offset,
            timestamps: (classified.at, classified.at),
            through: classified.at,
        };
        let facts = classified.facts.into_iter().zip(0..).map(|((_, fact), ordinal)| PackedFact {
            range: 0,
            offset,
            ordinal,
            time: classified.at,
            fact,
        });
        let pack = FactsPack { version: VERSION, ranges: vec![range], facts: facts.collect() };
        let mut bytes = Vec::new();
        facts::encode(&FactsRecord::Facts(pack), &mut bytes);
        let record = facts::decode(&bytes).context("packed facts")?;
        let mut effects = Vec::new();
        self.partition.apply(u64::from(self.records), &record, &*self.loader, &mut effects)?;
        Ok(effects)
    }

    /// What `explain` says of each reference; nothing where it cannot tell.
    pub(super) fn explained(&self) -> Vec<(String, Option<String>)> {
        let of = |reference: &str| {
            let bearing = |topic: Topic| -> Vec<Value> {
                let its = self.published.iter().filter(|record| record.topic == topic);
                let texts = its.filter_map(|record| std::str::from_utf8(record.value.as_deref()?).ok());
                texts.filter_map(|text| record_with(text, reference)).collect()
            };
            let (dispositions, notices) = (bearing(Topic::Dispositions), bearing(Topic::Notices));
            match LeadRef::parse(reference) {
                Some(_) => text_of_lead(&bearing(Topic::Leads)),
                None => {
                    Published { dispositions, notices }.text(self.partition.rules().map(|rules| &**rules))
                }
            }
        };
        self.references.iter().map(|reference| (reference.clone(), of(reference))).collect()
    }

    fn tell(&mut self, effect: &Effect, told: &mut Vec<String>) -> anyhow::Result<()> {
        if let Effect::Disposed(disposition) = effect
            && let Disposition::MeasureSet(set) = &**disposition
        {
            self.last_appeal = Some(set.notice().appeal);
            self.references.push(set.notice().appeal.to_string());
            let reference = self.keys.open(&set.head().party.sealed).unwrap_or_default();
            self.measures.push((set.measure().name(), reference, set.head().id));
            self.fired.insert(set.head().rule.id.clone());
        }
        if let Effect::Lead(news) = effect {
            if let LeadNews::Sent(sent) = &**news {
                self.last_lead = Some(sent.reference);
                self.references.push(sent.reference.to_string());
            }
            if !matches!(**news, LeadNews::Moved(_)) {
                self.fired.insert(news.head().rule.id.clone());
            }
        }
        if let Effect::Observed(observed) = effect {
            self.fired.insert(observed.head.rule.id.clone());
        }
        tell::effect(effect, &tell::Teller { keys: &self.keys, zone: self.zone }, told);
        let rules = self.partition.rules().ok_or_else(|| anyhow!("no rules are in force"))?;
        let context = OutputContext::under(&self.keys, INSTITUTION, Some(rules), case_code);
        let mut records = Vec::new();
        encode_effect(effect, &context, &mut records)?;
        if self.show_notices {
            records.iter().try_for_each(|record| tell::notice(record, told))?;
        }
        self.published.append(&mut records);
        Ok(())
    }
}

/// Where a rule, or one that refers, is declared.
fn rule_file(document: &Value, rule: &str) -> String {
    let lead = format!("leads/{rule}.toml");
    let is_lead = document.get("files").is_some_and(|files| files.get(&lead).is_some());
    if is_lead { lead } else { format!("rules/{rule}.toml") }
}

/// The bundle as a scenario wants it.
fn with_directives(bundle: &str, directives: &[Directive]) -> anyhow::Result<String> {
    let mut document: Value = serde_json::from_str(bundle)?;
    for directive in directives {
        let (file, changes) = match directive {
            Directive::Enforce(rule) => {
                let assumed =
                    json!({ "data": "assumed by a scenario", "date": "2026-01-01", "per_mille": 0 });
                (rule_file(&document, rule), vec![("precision", assumed), ("status", json!("enforced"))])
            }
            Directive::Enable(id) if document.pointer(&format!("/files/lives~1{id}.toml")).is_some() => {
                (format!("lives/{id}.toml"), vec![("enabled", json!(true))])
            }
            Directive::Enable(limit) => (format!("limits/{limit}.toml"), vec![("enabled", json!(true))]),
            Directive::Off(id) if document.pointer(&format!("/files/rules~1{id}.toml")).is_some() => {
                (format!("rules/{id}.toml"), vec![("status", json!("off"))])
            }
            Directive::Off(lead) if document.pointer(&format!("/files/leads~1{lead}.toml")).is_some() => {
                (format!("leads/{lead}.toml"), vec![("enabled", json!(false))])
            }
            Directive::Off(limit) => (format!("limits/{limit}.toml"), vec![("enabled", json!(false))]),
            Directive::Budget(rule, hours) => {
                let budget = json!({ "hours_max": hours, "per": "1d" });
                (format!("rules/{rule}.toml"), vec![("harm_budget", budget)])
            }
            Directive::Quality(rule, [overturned, verified, least]) => {
                let quality = json!({
                    "overturned_per_mille_max": overturned,
                    "verified_per_mille_max": verified,
                    "measures_min": least,
                });
                (rule_file(&document, rule), vec![("quality", quality)])
            }
            Directive::Zone(offset) => {
                let mut zone = document.pointer("/files/settings.toml/zone").cloned().unwrap_or_default();
                zone["value"] = json!(offset);
                ("settings.toml".to_owned(), vec![("zone", zone)])
            }
            Directive::Risk(rule, risk) => (format!("rules/{rule}.toml"), vec![("risk", json!(risk))]),
            Directive::Measure(rule, measure, span) => {
                let asked = vec![("measure", json!(measure)), ("measure_for", json!(span))];
                (format!("rules/{rule}.toml"), asked)
            }
            Directive::RulesSince(_)
            | Directive::ShowNotices
            | Directive::Sources(_)
            | Directive::AbnormalDevices
            | Directive::BeforeGoLive => continue,
        };
        let table =
            document.get_mut("files").and_then(|files| files.get_mut(&file)).and_then(Value::as_object_mut);
        let table = table.ok_or_else(|| anyhow!("the rules have no {file}"))?;
        table.extend(changes.into_iter().map(|(key, value)| (key.to_owned(), value)));
    }
    Ok(crate::config::bundle::canonical(&document))
}
