//! A vote's way on a cluster: when it passed each station, as the clocks there had it.

use std::fmt::Write;
use std::time::Duration;

use pollux_core::id::UnixMillis;
use pollux_server::config::{Config, KafkaConfig};
use pollux_server::watch::view::rfc3339;
use serde_json::{Map, Value, json};

use super::search::Found;
use crate::kafka::Topic;

/// When a vote passed each station.
pub struct Way {
    stations: [Station; 5],
    /// How long nodes collect changes before they send them to screens.
    tick: Duration,
    /// The line that shows the record.
    kcat: String,
}

struct Station {
    name: &'static str,
    /// Who looked at which clock.
    whose: &'static str,
    at: Option<UnixMillis>,
}

impl Way {
    /// Of this record.
    pub fn new(
        config: &Config,
        found: &Found,
        committed: Option<UnixMillis>,
        announced: Option<UnixMillis>,
    ) -> Self {
        let station = |name, whose, at| Station { name, whose, at };
        let ballot = &found.ballot;
        Self {
            stations: [
                station(
                    "cast",
                    "the time in the ballot's id: the phone's clock",
                    Some(ballot.id.time()),
                ),
                station("taken", "by a web node, or by `pollux produce`", Some(ballot.at)),
                station("appended", "the partition's leader has it on its log", found.appended),
                station("committed", "PostgreSQL: ballot, tally and offset at once", committed),
                station("announced", "on the topic tallies, to every node", announced),
            ],
            tick: config.watch.tick,
            kcat: kcat(&config.kafka, found),
        }
    }

    /// Times, and the milliseconds between each and the one before.
    pub fn to_json(&self) -> Value {
        let (mut times, mut millis) = (Map::new(), Map::new());
        let mut before = None;
        for Station { name, at, .. } in &self.stations {
            times.insert((*name).into(), json!(at.map(rfc3339)));
            millis.insert((*name).into(), json!(between(before, *at)));
            before = at.or(before);
        }
        json!({ "times": times, "millis": millis, "kcat": self.kcat })
    }
}

/// From one to the other; negative if their clocks differ.
fn between(from: Option<UnixMillis>, to: Option<UnixMillis>) -> Option<i64> {
    Some(to?.0 as i64 - from?.0 as i64)
}

impl std::fmt::Display for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut before = None;
        for Station { name, whose, at } in &self.stations {
            let time = at.map_or("not known".into(), rfc3339);
            // The date is said once.
            let time = if before.is_some() {
                time.split('T').next_back().unwrap_or_default()
            } else {
                &time
            };
            let millis = between(before, *at).map_or(String::new(), |ms| format!("{ms:+} ms"));
            writeln!(f, "  {name:<10}{time:>24}  {millis:>9}  {whose}")?;
            before = at.or(before);
        }
        let tick = format!("≤ {} ms", self.tick.as_millis());
        let sent = "to every screen: each node sends the newest that often";
        writeln!(f, "  {:<10}{:>24}  {tick:>9}  {sent}", "sent", "")?;
        let first = self.stations[0].at;
        if let Some(all) = between(first, before) {
            writeln!(f, "  {:<10}{:>24}  {:>9}", "in all", "", format!("{all:+} ms"))?;
        }
        writeln!(f, "  with kcat  {}", self.kcat)
    }
}

/// The `kcat` command that shows the same record. A password is left to the shell.
fn kcat(config: &KafkaConfig, found: &Found) -> String {
    let topic = Topic::Votes.name(&config.topic_prefix);
    let mut line = format!("kcat -b {}", config.broker.join(","));
    let mut set = |name: &str, value: &str| _ = write!(line, " -X {name}={value}");
    match (config.tls, config.sasl.is_some()) {
        (false, false) => {}
        (true, false) => set("security.protocol", "ssl"),
        (false, true) => set("security.protocol", "sasl_plaintext"),
        (true, true) => set("security.protocol", "sasl_ssl"),
    }
    for (name, file) in [
        ("ssl.ca.location", &config.ca),
        ("ssl.certificate.location", &config.certificate),
        ("ssl.key.location", &config.key),
    ] {
        if let Some(file) = file {
            set(name, &format!("'{}'", file.display()));
        }
    }
    if let Some(sasl) = config.sasl {
        set("sasl.mechanism", sasl.name());
        set("sasl.username", config.user.as_deref().unwrap_or_default());
        set("sasl.password", "\"$POLLUX_KAFKA_PASSWORD\"");
    }
    let Found { partition, offset, .. } = found;
    let _ = write!(line, " -C -t {topic} -p {partition} -o {offset} -c 1 -f '%p %o %T %k %s\\n'");
    line
}
