//! `pollux topics` creates the Kafka topics, and checks whether they keep the promise that no acknowledged
//! vote is lost.

use std::fmt::Write as _;
use std::io::{Write, stdout};

use clap::Subcommand;
use pollux_core::id::Generation;
use pollux_server::ambient::SystemAmbient;
use pollux_server::config::KafkaConfig;
use pollux_server::log::kafka::OpenError;
use pollux_server::log::kafka::flush::{self, Altered};
use pollux_server::log::kafka::topics::{self, PartitionState, Prepared, Topic};
use serde_json::json;

use crate::exit::{Failure, Outcome, REFUSED};
use crate::kafka;
use crate::settings::{Kafka, Only, Topics};
use crate::terminal::{list, quantity};

/// Create the Kafka topics, or check them
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    pollux topics create --kafka-broker localhost:9092\n  \
    pollux topics describe\n  \
    pollux topics describe --json | jq .topics[].settings")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Create the topics that do not exist, and begin the log; a node does the same when it starts
    #[command(
        after_help = "Topics that exist are not changed. Exits 3 and lists every fault if the topics do \
        not keep the promise that no acknowledged vote is lost, unless --kafka-weak accepts that.\n\n\
        Examples:\n  pollux topics create --kafka-broker localhost:9092\n  \
        pollux topics create --kafka-partitions 24 --topic-prefix staging."
    )]
    Create {
        #[command(flatten)]
        kafka: Only<Topics>,
    },
    /// Have brokers flush votes as --kafka-flush says, on a topic that exists
    #[command(
        after_help = "Sets flush.messages=1 on the topic of the votes, or with --kafka-flush off removes \
        it; all other settings of the topic stay. Nodes need not be stopped; each warns until its next start. The \
        account needs the right to alter the topic's settings (AlterConfigs).\n\n\
        Examples:\n  pollux topics alter --kafka-broker localhost:9092\n  \
        pollux topics alter --kafka-flush off"
    )]
    Alter {
        #[command(flatten)]
        kafka: Only<Topics>,
    },
    /// Show the topics' partitions, replicas and settings, and whether they keep the promise
    #[command(
        after_help = "Changes nothing. Exits 3 if the topics do not keep the promise that no \
        acknowledged vote is lost. Votes that are not flushed are a warning, unless --kafka-flush is required.\n\n\
        Examples:\n  pollux topics describe --kafka-broker localhost:9092\n  \
        pollux topics describe --json | jq .faults"
    )]
    Describe {
        #[command(flatten)]
        kafka: Only<Kafka>,
    },
}

/// Creates or describes the topics.
pub async fn run(args: Args, json: bool) -> Outcome {
    match args.action {
        Action::Create { kafka } => {
            let config = kafka::settings(&kafka)?.kafka;
            let made = topics::create(&config, &SystemAmbient::new()).await;
            let Prepared { topics, generation, faults, warnings, created, .. } =
                made.map_err(kafka::failure)?;
            let found = Found { topics, generation: Some(generation), faults, warnings };
            print(&found, Some(&created), json)
        }
        Action::Alter { kafka } => {
            let config = kafka::settings(&kafka)?.kafka;
            let Altered { topic, was, is } = flush::alter(&config).await.map_err(kafka::failure)?;
            let done = if was == is { "stays" } else { "is set" };
            let text = format!("{topic}: {}={is} {done}", flush::SETTING);
            let told = json!({ "topic": topic, "setting": flush::SETTING, "was": was, "is": is });
            Ok(writeln!(stdout(), "{}", if json { told.to_string() } else { text })?)
        }
        Action::Describe { kafka } => {
            let found = look(&kafka::settings(&kafka)?.kafka).await?;
            print(&found, None, json)?;
            match found.faults.len() as u64 {
                0 => Ok(()),
                faults => {
                    let faults = quantity(faults, "fault");
                    Err(Failure::new(REFUSED, format!("the promise does not hold: {faults}")))
                }
            }
        }
    }
}

/// `Found` holds the topics that were found, their faults, and what else weakens the promise.
struct Found {
    topics: Vec<Topic>,
    generation: Option<Generation>,
    faults: Vec<String>,
    warnings: Vec<String>,
}

async fn look(config: &KafkaConfig) -> Outcome<Found> {
    let topics = topics::describe(config).await.map_err(kafka::failure)?;
    let mut faults = topics::check(config, &topics);
    let warnings = topics::warnings(config, &topics);
    let generation = match topics::generation(config, &topics).await {
        Ok(generation) => generation,
        Err(OpenError::Refused(wrong)) => {
            faults.extend(wrong);
            None
        }
        Err(error) => return Err(kafka::failure(error)),
    };
    Ok(Found { topics, generation, faults, warnings })
}

fn print(found: &Found, created: Option<&[String]>, json: bool) -> Outcome {
    let Found { topics, generation, faults, warnings } = found;
    if json {
        let mut told = json!({
            "generation": generation, "topics": topics,
            "holds": faults.is_empty(), "faults": faults, "warnings": warnings,
        });
        if let Some(created) = created {
            told["created"] = json!(created);
        }
        return Ok(writeln!(stdout(), "{told}")?);
    }
    let mut text = String::new();
    if let Some(created) = created {
        let what = if created.is_empty() {
            "nothing: all topics are there".into()
        } else {
            created.join(", ")
        };
        let _ = writeln!(text, "made        {what}");
    }
    let _ = match generation {
        Some(generation) => writeln!(text, "generation  {generation}"),
        None => writeln!(text, "generation  none: the log has not begun"),
    };
    topics.iter().for_each(|topic| show(topic, &mut text));
    text.push('\n');
    match faults.as_slice() {
        [] if warnings.is_empty() => text.push_str("The promise holds.\n"),
        [] => text.push_str("The promise holds as long as brokers lose no power:\n"),
        faults => {
            text.push_str("The promise does not hold:\n");
            faults.iter().for_each(|fault| _ = writeln!(text, "  - {fault}"));
        }
    }
    warnings.iter().for_each(|warning| _ = writeln!(text, "  - {warning}"));
    Ok(stdout().write_all(text.as_bytes())?)
}

/// Writes a topic's size and settings, then a line for each of its partitions.
fn show(Topic { name, partitions, settings }: &Topic, text: &mut String) {
    let replicas = partitions.iter().map(|partition| partition.replicas.len() as u64);
    let _ = writeln!(
        text,
        "\n{name}: {}, {} each",
        quantity(partitions.len() as u64, "partition"),
        quantity(replicas.min().unwrap_or(0), "replica"),
    );
    for (setting, value) in settings {
        let _ = writeln!(text, "  {setting}={value}");
    }
    let _ = writeln!(text, "  {:<11}{:<8}{:<12}in sync", "partition", "leader", "replicas");
    for PartitionState { partition, leader, replicas, in_sync } in partitions {
        let leader = leader.map_or("none".into(), |leader| leader.to_string());
        let behind = if in_sync.len() < replicas.len() { "  (some are behind)" } else { "" };
        let _ = writeln!(
            text,
            "  {partition:<11}{leader:<8}{:<12}{}{behind}",
            list(replicas),
            list(in_sync),
        );
    }
}
