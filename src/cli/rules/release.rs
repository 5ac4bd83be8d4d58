//! `rules activate` and `rules go-live`: an event on the control source's topic, and the wait until every
//! facts partition has it. Intake makes one fact of it for each; from there it is like everything else.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use clap::Args;

use super::status::{moment, read, table};
use super::{bundle_of, signing};
use crate::cli::deployment::{ConfigArguments, connection};
use crate::cli::run::Profile;
use crate::cli::{Exit, Failure, inputs, intake};
use crate::codec::event::control::{RuleSetActivated, WentLive};
use crate::codec::event::envelope::to_structured;
use crate::codec::event::{Event, EventTime, EventType, Text};
use crate::codec::output::DecidedProgress;
use crate::codec::signing::Released;
use crate::config::source::{Format, SourceMapping};
use crate::config::{Config, Source, bundle};
use crate::engine::SEMANTICS_UNNAMED;
use crate::engine::cover::SourceId;
use crate::intake::classify::RECORD_BYTES_MAX;
use crate::intake::covered::Decided;
use crate::intake::refusal::RefusalCode;
use crate::log::kafka::{AckedProducer, OutMessage, read_topic};

/// Between two looks at how far the facts partitions have come.
const LOOK_EVERY: Duration = Duration::from_millis(400);
const ACKNOWLEDGED_WITHIN_MAX: Duration = Duration::from_secs(30);
/// Control events keep their order: one partition carries them all.
const PARTITION: u32 = 0;

/// Let a rule set decide, from one position on in every facts partition.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:  duecourse rules activate --config F --bundle my-rules/ --sign-key risk.key \
    --assessment PIA-2026-7\n\n\
    Writes one event to the topic of rules.control_source and waits until every facts partition has applied \
    it. Signals that the new rule set declares as the old one did keep what they have counted. Exit 5 means \
    refused, with the reason; exit 6 that not every partition has it yet: `rules status` goes on telling."
)]
pub struct ActivateArguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Rules folder, or file with a canonical bundle [default: rules.dir, or the built-in rules]
    #[arg(long, value_name = "DIR|FILE")]
    bundle: Option<PathBuf>,
    /// Operating point of a folder's rules [default: rules.profile]; a canonical bundle has its own
    #[arg(long, value_enum)]
    profile: Option<Profile>,
    /// Detached signature of the bundle, made by `rules sign`
    #[arg(long, value_name = "FILE", conflicts_with = "sign_key")]
    signature: Option<PathBuf>,
    /// Private key to sign it with here and now
    #[arg(long, value_name = "FILE")]
    sign_key: Option<PathBuf>,
    /// Id of the impact assessment (PIPL 55, 56); production demands it
    #[arg(long, value_name = "ID")]
    assessment: Option<String>,
    /// Let a version that is not above the active one decide again, for this recorded reason
    #[arg(long, value_name = "REASON")]
    rollback: Option<String>,
    /// Although some worker does not speak the engine semantics that it asks for: its facts partitions stop there
    /// until one that does takes them
    #[arg(long)]
    before_all_workers: bool,
    #[command(flatten)]
    delivery: Delivery,
}

/// From here on measures are enforced; before it everything only observes.
#[derive(Debug, Args)]
#[command(after_help = "Example:  duecourse rules go-live --config F --reason 'board decision 2026-41'")]
pub struct GoLiveArguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Why now and who decided; recorded in the event
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    delivery: Delivery,
}

#[derive(Debug, Args)]
struct Delivery {
    /// Time of the event, RFC 3339 [default: now; under `time = event` the newest time decided]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Seconds to wait until every facts partition has applied it; 0 does not wait
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    wait: u64,
}

/// # Errors
/// Exit 3 for rules, signature or configuration that intake would refuse, 6 when brokers do not answer
/// or not every facts partition has it in time.
pub fn activate(arguments: &ActivateArguments) -> Result<Exit, Failure> {
    let config = arguments.config.load()?;
    let source = control(&config)?;
    let profile = arguments.profile.map_or(config.rules.profile, Into::into);
    let configured = Some(PathBuf::from(&config.rules.dir)).filter(|dir| !dir.as_os_str().is_empty());
    let bundle = bundle_of(arguments.bundle.as_deref().or(configured.as_deref()), profile)?;
    let checked = bundle::check(&bundle).map_err(Failure::configuration)?;
    inputs::warnings(&checked).iter().for_each(|warning| eprintln!("{warning}"));
    let set = checked.rule_set;
    let sha256 = crate::codec::hex::hex(&set.sha256);
    let decided = read(&config)?;
    let versions = decided.partitions().iter().flatten().filter_map(|one| one.deciding.rules.as_ref());
    let active: Vec<_> = versions.collect();
    if active.len() == decided.partitions().len() && active.iter().all(|rules| rules.sha256 == sha256) {
        println!("rule set {} decides already, sha256 {sha256}", set.version);
        print!("{}", table(&decided));
        return Ok(Exit::Done);
    }
    let newest = active.iter().map(|rules| rules.version).max();
    if let Some(newest) = newest.filter(|newest| set.version <= *newest && arguments.rollback.is_none()) {
        return Err(Failure::configuration(anyhow!(
            "rule set {} is not above {newest}, which decides now: raise `version` in settings.toml, or give \
             --rollback REASON",
            set.version
        )));
    }
    let asked = bundle::semantics_asked(&bundle);
    if let Some(why) = unspoken(&decided, asked).filter(|_| !arguments.before_all_workers) {
        return Err(Failure::configuration(why));
    }
    let signature = match (&arguments.signature, &arguments.sign_key) {
        (Some(file), _) => Some(signing::signature(file)?),
        (None, Some(key)) => {
            let rollback = arguments.rollback.as_deref();
            let released = Released { institution: &config.institution, rollback, bundle: &bundle };
            Some(signing::signed(key, &released)?)
        }
        (None, None) => None,
    };
    let at = moment(&config, &decided, arguments.delivery.at.as_deref())?;
    let text = |text: &Option<String>| text.clone().map(Text::from);
    let event = RuleSetActivated {
        bundle: Text::from(bundle.as_str()),
        sha256: Text::from(sha256.clone()),
        signing_key: signature.as_ref().map(|signature| Text::from(signature.key.clone())),
        signature: signature.as_ref().map(|signature| Text::from(signature.signature.clone())),
        assessment: text(&arguments.assessment),
        rollback: text(&arguments.rollback),
    };
    let release =
        intake::releases(&config)?.activation(&event, &config.institution, at).map_err(refused_here)?;
    if release.signed_by.is_none() {
        eprintln!(
            "note: no signature is asked for here (rules.signing_keys is empty); this release is unsigned"
        );
    }
    let line = to_structured(&event_id(), "duecourse/rules", EventTime(at), &Event::RuleSetActivated(event));
    println!("rule set {}, sha256 {sha256}", set.version);
    deliver(&config, source, &line, arguments.delivery.wait, &|decided: &Decided| {
        decided
            .partitions()
            .iter()
            .flatten()
            .all(|one| one.deciding.rules.as_ref().is_some_and(|rules| rules.sha256 == sha256))
    })
}

/// # Errors
/// As `activate`.
pub fn go_live(arguments: &GoLiveArguments) -> Result<Exit, Failure> {
    let config = arguments.config.load()?;
    let source = control(&config)?;
    let decided = read(&config)?;
    let at = moment(&config, &decided, arguments.delivery.at.as_deref())?;
    let event = WentLive { reason: Some(Text::from(arguments.reason.as_str())) };
    intake::releases(&config)?.go_live(&event).map_err(refused_here)?;
    let line = to_structured(&event_id(), "duecourse/rules", EventTime(at), &Event::WentLive(event));
    println!("going live: {}", arguments.reason);
    deliver(&config, source, &line, arguments.delivery.wait, &|decided: &Decided| {
        decided.partitions().iter().flatten().all(|one| one.deciding.live_since.is_some())
    })
}

fn refused_here(code: RefusalCode) -> Failure {
    Failure::configuration(anyhow!("intake would refuse this, {}: {}", code.name(), code.doc()))
}

/// Why a rule set must not be released yet: somebody who decides does not speak what it asks for (D13).
fn unspoken(decided: &Decided, asked: u32) -> Option<anyhow::Error> {
    let spoken = |one: &DecidedProgress| one.deciding.speaks.unwrap_or(SEMANTICS_UNNAMED);
    let partitions: Vec<u32> = decided
        .partitions()
        .iter()
        .flatten()
        .filter(|one| spoken(one) < asked)
        .map(|one| one.facts_partition)
        .collect();
    (!partitions.is_empty()).then(|| {
        anyhow!(
            "the rule set asks for engine semantics {asked}, and the workers of facts partitions {partitions:?} do not \
             speak them: upgrade those first, or give --before-all-workers, and these partitions stop there meanwhile"
        )
    })
}

/// A name of its own for each release: the same rule set may come back by a rollback.
fn event_id() -> String {
    format!("rules-{}", uuid::Uuid::new_v4().simple())
}

/// The source that carries control events.
fn control(config: &Config) -> Result<&Source, Failure> {
    let name = &config.rules.control_source;
    let source = config.sources.iter().find(|source| !name.is_empty() && source.name == *name);
    let source = source.ok_or_else(|| {
        Failure::configuration(anyhow!(
            "rules.control_source is empty: add a [[sources]] with mapping \"control\" and name it there"
        ))
    })?;
    let mapping = SourceMapping::load(&source.mapping).map_err(Failure::configuration)?;
    if mapping.format != Format::Native || !mapping.accepts(EventType::RuleSetActivated) {
        return Err(Failure::configuration(anyhow!(
            "the mapping of source `{name}` does not take rule releases; `control` is made for them"
        )));
    }
    Ok(source)
}

/// Writes the event, and waits until every facts partition has covered it. `is_done` tells from what is
/// decided then whether it was also applied.
fn deliver(
    config: &Config,
    source: &Source,
    line: &str,
    wait_s: u64,
    is_done: &dyn Fn(&Decided) -> bool,
) -> Result<Exit, Failure> {
    if line.len() > RECORD_BYTES_MAX {
        return Err(Failure::configuration(anyhow!(
            "the event has {} bytes; a record has at most {RECORD_BYTES_MAX}",
            line.len()
        )));
    }
    let offset = write(config, source, line)?;
    println!("written to {}, partition {PARTITION}, offset {offset}", source.topic);
    if wait_s == 0 {
        return Ok(Exit::Done);
    }
    let id =
        SourceId { name: source.name.as_str().into(), generation: source.generation, partition: PARTITION };
    let deadline = Instant::now() + Duration::from_secs(wait_s);
    let decided = loop {
        let decided = read(config)?;
        let covered = |one: &Option<DecidedProgress>| {
            let sources = one.as_ref().map(|one| &one.coverage.sources);
            sources.and_then(|sources| sources.get(&id)).is_some_and(|covered| covered.last >= offset)
        };
        let waiting: Vec<usize> = (0..)
            .zip(decided.partitions())
            .filter(|(_, one)| !covered(one))
            .map(|(partition, _)| partition)
            .collect();
        if waiting.is_empty() {
            break decided;
        }
        if Instant::now() >= deadline {
            print!("{}", table(&decided));
            return Err(Failure::unreachable(anyhow!(
                "facts partitions {waiting:?} have not applied it within {wait_s} s; it will be as soon as intake \
                 and decide run: `duecourse rules status` shows it"
            )));
        }
        std::thread::sleep(LOOK_EVERY);
    };
    if is_done(&decided) {
        print!("{}", table(&decided));
        return Ok(Exit::Done);
    }
    println!("refused: {}", why_refused(config, source, offset)?);
    print!("{}", table(&decided));
    Ok(Exit::DoneWithDeadLetters)
}

/// Appends the event to the topic and finds out where it stands.
fn write(config: &Config, source: &Source, line: &str) -> Result<i64, Failure> {
    let connection = connection(config, "rules")?;
    let mut producer = AckedProducer::connect_gapless(&connection, "rules", 0)?;
    producer.send(OutMessage {
        topic: &source.topic,
        partition: Some(PARTITION),
        value: Some(line.as_bytes()),
        ..OutMessage::default()
    })?;
    producer.flush(ACKNOWLEDGED_WITHIN_MAX)?;
    let mut found = None;
    read_topic(&connection, &source.topic, &mut |record| {
        if record.partition == PARTITION && record.value == Some(line.as_bytes()) {
            found = Some(record.offset);
        }
        std::ops::ControlFlow::Continue(())
    })?;
    let lost = || Failure::unreachable(anyhow!("the event was acknowledged and is not in {}", source.topic));
    found.ok_or_else(lost)
}

/// The reason in intake's dead letter; without one the facts partitions refused it.
fn why_refused(config: &Config, source: &Source, offset: i64) -> Result<String, Failure> {
    let mut reason = None;
    read_topic(&connection(config, "rules")?, &config.topics.dead_letters.name, &mut |record| {
        let letter: serde_json::Value =
            serde_json::from_slice(record.value.unwrap_or_default()).unwrap_or_default();
        let is = |name: &str, wanted: serde_json::Value| letter.get(name) == Some(&wanted);
        if is("source", source.name.as_str().into())
            && is("generation", source.generation.into())
            && is("partition", PARTITION.into())
            && is("offset", offset.into())
        {
            reason = letter.get("reason").and_then(|reason| reason.as_str()).map(str::to_owned);
        }
        std::ops::ControlFlow::Continue(())
    })
    .context("the dead letters")
    .map_err(Failure::unreachable)?;
    Ok(match reason {
        Some(code) => {
            let doc = RefusalCode::from_name(&code).map_or("", RefusalCode::doc);
            format!("{code}. {doc}")
        }
        None => {
            "rules_not_newer. Its version is not above that of the rule set that decides, and it gives no \
                 reason to roll back."
                .to_owned()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::base::TimeMs;

    fn config(sets: &[&str]) -> Config {
        Config::load(None, &sets.iter().map(|set| (*set).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    const SOURCES: &str = "sources=[{ name = \"control\", topic = \"c\", mapping = \"control\", generation = 1 }, \
                           { name = \"rows\", topic = \"r\", mapping = \"labelled-csv\", generation = 1 }]";

    #[test]
    fn control_events_need_a_source_that_takes_them() {
        assert_eq!(control(&config(&[SOURCES, "rules.control_source=control"])).unwrap().topic, "c");
        let none = control(&config(&[SOURCES])).unwrap_err();
        assert!(none.to_string().contains("rules.control_source is empty"));
        let other = control(&config(&[SOURCES, "rules.control_source=rows"])).unwrap_err();
        assert!(other.to_string().contains("does not take rule releases"));
    }

    #[test]
    fn without_a_clock_the_time_is_given_or_the_newest_decided() {
        let nothing = Decided::default();
        let by_event = config(&["time=event"]);
        assert_eq!(moment(&by_event, &nothing, Some("1970-01-01T00:00:01Z")).unwrap(), TimeMs(1_000));
        assert_eq!(moment(&by_event, &nothing, None).unwrap_err().exit(), Exit::Usage);
        assert_eq!(moment(&by_event, &nothing, Some("noon")).unwrap_err().exit(), Exit::Usage);
        assert!(moment(&config(&[]), &nothing, None).unwrap() > TimeMs(1_700_000_000_000));
    }
}
