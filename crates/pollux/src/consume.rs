//! `pollux consume` prints the records that a topic holds, and those that come.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{BufWriter, IsTerminal, Stdout, Write, stdout};

use pollux_core::id::{Offset, Partition};
use pollux_server::log::kafka::consumer::{Consumed, Consumer, ReadPlan, Start, TopicRecord};
use pollux_server::watch::view::rfc3339;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::exit::Outcome;
use crate::kafka::{self, Topic};
use crate::serve::Signals;
use crate::settings::{Kafka, Only};
use crate::terminal::{self, list, plain, quantity};

/// The output is flushed after this many records, or earlier if no record is waiting.
const AT_ONCE: u64 = 1024;

/// Print the records of a Kafka topic
#[derive(clap::Args)]
#[command(
    after_help = "Prints each record's partition, offset, append time, key, value and headers, separated \
    by tabs. Records are in order within each partition. Without --group no trace is left on the brokers. \
    In a group the partitions are shared among its members, and an offset is committed once its record is \
    printed, so that the group continues there next time. Ctrl-C ends it.\n\n\
    Examples:\n  pollux consume\n  pollux consume --from-beginning --no-follow | wc -l\n  \
    pollux consume --topic tallies --offset -5 --json | jq .value\n  \
    pollux consume --partition 3 --offset 1042 --count 1\n  \
    pollux consume --group mine --from-beginning"
)]
pub struct Args {
    /// Topic, without its prefix
    #[arg(long, default_value = "votes")]
    topic: Topic,
    /// Read only this partition
    #[arg(long, value_name = "NUMBER", conflicts_with = "group")]
    partition: Option<Partition>,
    /// Where to start: beginning, latest, an offset, or -N for the last N records of each partition
    /// [default: latest, or beginning with --no-follow]
    #[arg(long, value_name = "WHERE", value_parser = start, allow_hyphen_values = true)]
    offset: Option<Start>,
    /// Same as --offset beginning
    #[arg(long, conflicts_with = "offset")]
    from_beginning: bool,
    /// Join this consumer group; --offset applies only where the group has committed no offset
    #[arg(long, value_name = "NAME", value_parser = group)]
    group: Option<String>,
    /// Stop after this many records
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Stop at the end of the topic instead of waiting for more records
    #[arg(long)]
    no_follow: bool,
    #[command(flatten)]
    kafka: Only<Kafka>,
}

fn start(text: &str) -> Result<Start, String> {
    let wrong = "none of beginning, latest, an offset such as 1042, and -N for the last N";
    match text {
        "beginning" | "earliest" => Ok(Start::Beginning),
        "latest" | "end" => Ok(Start::End),
        _ => match text.strip_prefix('-') {
            Some(last) => last.parse().map(Start::Last).map_err(|_| wrong.into()),
            None => text.parse().map(Start::Offset).map_err(|_| wrong.into()),
        },
    }
}

fn group(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("a group has a name".into()),
        name => Ok(name.to_owned()),
    }
}

/// Prints records until told to stop, or until there are no more.
pub async fn run(args: Args, json: bool) -> Outcome {
    let config = kafka::settings(&args.kafka)?.kafka;
    let start = match args.offset {
        Some(start) => start,
        None if args.from_beginning || args.no_follow => Start::Beginning,
        None => Start::End,
    };
    let plan = ReadPlan {
        topic: args.topic.name(&config.topic_prefix),
        partition: args.partition,
        start,
        group: args.group.clone(),
        follow: !args.no_follow,
    };
    let mut consumer = Consumer::open(&config, plan).await.map_err(kafka::failure)?;
    let mut signals = Signals::listen()?;
    let printed = print(&mut consumer, &args, json, &mut signals).await;
    let closed = consumer.close().await.map_err(kafka::failure);
    let count = printed?;
    if stdout().is_terminal() {
        terminal::tell(quantity(count, "record"));
    }
    closed
}

/// Prints the records and returns how many there were.
async fn print(
    consumer: &mut Consumer,
    args: &Args,
    json: bool,
    signals: &mut Signals,
) -> Outcome<u64> {
    let mut page = Page { json, out: BufWriter::new(stdout()), count: 0, held: BTreeMap::new() };
    while args.count.is_none_or(|most| page.count < most) {
        let event = tokio::select! {
            biased;
            _ = signals.next() => break,
            event = consumer.next() => event.map_err(kafka::failure)?,
        };
        match event {
            Some(Consumed::Record(record)) => page.write(&record)?,
            Some(Consumed::Assigned(held)) => {
                let group = args.group.as_deref().unwrap_or_default();
                match held.as_slice() {
                    [] => terminal::tell(format_args!(
                        "group {group}: this member holds no partitions"
                    )),
                    held => terminal::tell(format_args!(
                        "group {group}: this member holds partitions {}",
                        list(held)
                    )),
                }
            }
            None => break,
        }
        if consumer.is_idle() || page.count.is_multiple_of(AT_ONCE) {
            page.flush(consumer)?;
        }
    }
    page.flush(consumer)?;
    Ok(page.count)
}

/// `Page` holds the printed records that are not flushed yet.
struct Page {
    json: bool,
    out: BufWriter<Stdout>,
    count: u64,
    /// The offset of the last record of each partition.
    held: BTreeMap<Partition, Offset>,
}

impl Page {
    fn write(&mut self, record: &TopicRecord) -> Outcome {
        let line = if self.json { as_json(record) } else { as_text(record) };
        writeln!(self.out, "{line}")?;
        self.count += 1;
        self.held.insert(record.partition, record.offset);
        Ok(())
    }

    /// Flushes the output. Only then are its records done: a record counts as read once it has left us.
    fn flush(&mut self, consumer: &Consumer) -> Outcome {
        self.out.flush()?;
        for (partition, offset) in std::mem::take(&mut self.held) {
            consumer.done(partition, offset);
        }
        Ok(())
    }
}

fn as_text(TopicRecord { partition, offset, at, key, value, headers }: &TopicRecord) -> String {
    let at = at.map_or("-".into(), rfc3339);
    let key = key.as_ref().map_or("-".into(), |key| plain(key));
    let value = value.as_ref().map_or("(tombstone)".into(), |value| plain(value));
    let mut line = format!("{partition}\t{offset}\t{at}\t{key}\t{value}");
    for (name, value) in headers {
        line += &format!("\t{}={}", plain(name.as_bytes()), plain(value));
    }
    line
}

/// `Line` is the JSON of a record.
#[derive(Serialize)]
struct Line<'a> {
    partition: Partition,
    offset: Offset,
    at: Option<String>,
    key: Option<Cow<'a, str>>,
    value: Option<Shown<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<&'a str, Cow<'a, str>>,
}

/// `Shown` is a record's value: as the JSON that it mostly is, byte for byte, or else as text.
#[derive(Serialize)]
#[serde(untagged)]
enum Shown<'a> {
    Json(&'a RawValue),
    Text(Cow<'a, str>),
}

impl<'a> Shown<'a> {
    fn new(value: &'a [u8]) -> Self {
        // JSON with a line break in it is shown as text, so that each record stays on one line.
        let one_line = !value.iter().any(|byte| matches!(byte, b'\n' | b'\r'));
        match serde_json::from_slice(value) {
            Ok(json) if one_line => Self::Json(json),
            _ => Self::Text(String::from_utf8_lossy(value)),
        }
    }
}

fn as_json(TopicRecord { partition, offset, at, key, value, headers }: &TopicRecord) -> String {
    let headers = headers.iter();
    let headers = headers.map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value)));
    let line = Line {
        partition: *partition,
        offset: *offset,
        at: at.map(rfc3339),
        key: key.as_ref().map(|key| String::from_utf8_lossy(key)),
        value: value.as_ref().map(|value| Shown::new(value)),
        headers: headers.collect(),
    };
    serde_json::to_string(&line).expect("a line is plain data")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use pollux_core::id::UnixMillis;

    use super::*;

    #[test]
    fn places_are_typed_as_with_the_usual_tools() {
        assert_eq!(start("beginning"), Ok(Start::Beginning));
        assert_eq!(start("earliest"), Ok(Start::Beginning));
        assert_eq!(start("end"), Ok(Start::End));
        assert_eq!(start("1042"), Ok(Start::Offset(1042)));
        assert_eq!(start("-5"), Ok(Start::Last(5)));
        for wrong in ["", "-", "1.5", "--5", "yesterday", "+-1"] {
            assert!(start(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_record_is_a_line_whatever_is_in_it() {
        let record = |value: Option<&'static [u8]>| TopicRecord {
            partition: 3,
            offset: 7,
            at: Some(UnixMillis(1_763_740_800_123)),
            key: Some("k".into()),
            value: value.map(Into::into),
            headers: Vec::new(),
        };
        let text = as_text(&record(Some(b"{\"a\":1}")));
        assert_eq!(text, "3\t7\t2025-11-21T16:00:00.123Z\tk\t{\"a\":1}");
        assert_eq!(
            as_json(&record(Some(b"{\"b\":1,\"a\":2}"))),
            "{\"partition\":3,\"offset\":7,\"at\":\"2025-11-21T16:00:00.123Z\",\"key\":\"k\",\
             \"value\":{\"b\":1,\"a\":2}}"
        );
        let dead = record(Some(b"\x1b[31m\nnot \xff ours"));
        assert!(as_text(&dead).ends_with("\t\\u{1b}[31m\\nnot \\xff ours"));
        assert!(as_json(&dead).ends_with("\"value\":\"\\u001b[31m\\nnot \u{fffd} ours\"}"));
        assert!(as_json(&record(Some(b"{\n}"))).ends_with("\"value\":\"{\\n}\"}"));
        let dead = TopicRecord { headers: vec![("reason".into(), "a\tb".into())], ..dead };
        assert!(as_text(&dead).ends_with(" ours\treason=a\\tb"));
        assert!(as_json(&dead).ends_with(",\"headers\":{\"reason\":\"a\\tb\"}}"));
        assert!(as_text(&record(None)).ends_with("(tombstone)"));
        assert!(as_json(&record(None)).ends_with("\"value\":null}"));
    }
}
