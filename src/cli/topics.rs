//! `duecourse topics create`: the topics a deployment needs, as they must be.

use clap::{Args, Subcommand};

use super::deployment::{ConfigArguments, connection};
use super::{Exit, Failure};
use crate::config::{Config, TopicTerm};
use crate::log::kafka::{Admin, TopicSpec};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Create every topic of the configuration that does not exist; running it again changes nothing.
    ///
    /// Source topics are made with LogAppendTime and without compaction, since intake refuses others.
    /// A topic that exists with another number of partitions is an error: that number never changes
    /// under live state.
    Create(ConfigArguments),
}

/// # Errors
/// Exit 3 when a topic exists otherwise than configured, 6 when brokers do not answer.
pub fn execute(arguments: Arguments) -> Result<Exit, Failure> {
    let What::Create(arguments) = arguments.what;
    let config = arguments.load()?;
    let admin = Admin::connect(&connection(&config, "topics")?)?;
    let specs = specs(&config)?;
    let created = admin.create_topics(&specs)?;
    for spec in &specs {
        let state = if created.contains(&spec.name) { "created" } else { "exists" };
        println!("{state} {} ({} partitions)", spec.name, spec.partitions);
    }
    Ok(Exit::Done)
}

/// The topics of a configuration.
pub(super) fn specs(config: &Config) -> Result<Vec<TopicSpec>, Failure> {
    let (topics, kafka) = (&config.topics, &config.kafka);
    let (facts, replication) = (kafka.facts_partitions, kafka.replication);
    let why = |why| Failure::configuration(anyhow::anyhow!("kafka.facts_retention {why}"));
    let retention_ms = config.facts_retention_ms().map_err(|text: String| why(text))?;
    let kept = |key: &'static str, term: &TopicTerm| {
        term.kept_ms().map_err(|why| Failure::configuration(anyhow::anyhow!("retention.{key} {why}")))
    };
    let terms = &config.retention;
    let stream = |name: &str, kept_ms| TopicSpec::stream(name, facts, replication, kept_ms);
    let mut specs = vec![
        TopicSpec::facts(&topics.facts.name, facts, replication, retention_ms),
        stream(&topics.dispositions.name, kept("dispositions", &terms.dispositions)?),
        stream(&topics.notices.name, kept("notices", &terms.notices)?),
        stream(&topics.shadow.name, kept("shadow", &terms.shadow)?),
        stream(&topics.authority.name, kept("authority", &terms.authority)?),
        stream(&topics.leads.name, kept("leads", &terms.leads)?),
        TopicSpec::compacted(&topics.measures.name, facts, replication),
        // Small, and read whole at every start: one partition each.
        TopicSpec::compacted(&topics.decided.name, 1, replication),
        TopicSpec::stream(
            &topics.dead_letters.name,
            1,
            replication,
            kept("dead_letters", &terms.dead_letters)?,
        ),
    ];
    for source in &config.sources {
        if !specs.iter().any(|spec| spec.name == source.topic) {
            let is_control = source.name == config.rules.control_source;
            let kept_ms =
                if is_control { kept("control", &terms.control)? } else { kept("sources", &terms.sources)? };
            specs.push(TopicSpec::source(&source.topic, kafka.source_partitions, replication, kept_ms));
        }
    }
    Ok(specs)
}
