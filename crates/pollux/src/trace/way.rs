//! The way of a vote says when it passed each station, by the clocks there.

use std::fmt::Write;
use std::time::Duration;

use pollux_core::id::UnixMillis;
use pollux_server::config::{Config, KafkaConfig};
use pollux_server::watch::view::rfc3339;
use serde_json::{Map, Value, json};

use super::cast::Seen;
use super::search::Found;
use crate::kafka::Topic;

/// `Way` holds the times at which a vote passed each station.
pub struct Way {
    stations: Vec<Station>,
    /// The time at which the phone knew that the vote is safe, if `--cast` was the phone.
    answered: Option<UnixMillis>,
    /// How long nodes collect changes before they send them to screens, if no screen was watched.
    tick: Option<Duration>,
    /// The `kcat` command that shows the record, on a cluster.
    kcat: Option<String>,
}

/// `Station` is one place on the way of a vote.
struct Station {
    name: &'static str,
    /// What it means that the station was passed.
    means: &'static str,
    at: Option<UnixMillis>,
}

const fn station(name: &'static str, means: &'static str, at: Option<UnixMillis>) -> Station {
    Station { name, means, at }
}

impl Way {
    /// Returns the way of a record on a cluster; up to the screen, if a phone saw it.
    pub fn on_cluster(
        config: &Config,
        found: &Found,
        committed: Option<UnixMillis>,
        announced: Option<UnixMillis>,
        seen: Option<&Seen>,
    ) -> Self {
        let mut stations = Vec::from(begun(found));
        stations.extend([
            station("appended", "the partition's leader has it on its log", found.appended),
            station("committed", "PostgreSQL: ballot, tally and offset at once", committed),
            station("announced", "on the topic tallies, to every node", announced),
        ]);
        let mut way = Self {
            stations,
            answered: None,
            tick: Some(config.watch.tick),
            kcat: Some(kcat(&config.kafka, found)),
        };
        if let Some(seen) = seen {
            way.see(seen);
        }
        way
    }

    /// Returns the way of a record in a folder, where only the phone keeps times.
    pub fn in_folder(found: &Found, seen: &Seen) -> Self {
        let stations = Vec::from(begun(found));
        let mut way = Self { stations, answered: None, tick: None, kcat: None };
        way.see(seen);
        way
    }

    fn see(&mut self, seen: &Seen) {
        let means = "the voter's screen is told that it is decided";
        self.stations.push(station("shown", means, Some(seen.decided)));
        (self.answered, self.tick) = (Some(seen.answered), None);
    }

    /// Returns the times, and the milliseconds between each and the one before.
    pub fn to_json(&self) -> Value {
        let (mut times, mut millis) = (Map::new(), Map::new());
        let mut before = None;
        for Station { name, at, .. } in &self.stations {
            times.insert((*name).into(), json!(at.map(rfc3339)));
            millis.insert((*name).into(), json!(between(before, *at)));
            before = at.or(before);
        }
        let answered = between(self.stations[0].at, self.answered);
        json!({ "times": times, "millis": millis, "answeredMillis": answered, "kcat": self.kcat })
    }
}

/// Returns the stations at which every way begins.
fn begun(found: &Found) -> [Station; 2] {
    let ballot = &found.ballot;
    [
        station("cast", "the time in the ballot's id: the phone's clock", Some(ballot.id.time())),
        station("taken", "by a web node, or by `pollux produce`", Some(ballot.at)),
    ]
}

/// Returns the milliseconds from one to the other; negative if their clocks differ.
fn between(from: Option<UnixMillis>, to: Option<UnixMillis>) -> Option<i64> {
    Some(to?.0 as i64 - from?.0 as i64)
}

impl std::fmt::Display for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut line = |name, time: &str, millis: &str, means| {
            let line = format!("  {name:<10}{time:>24}  {millis:>9}  {means}");
            writeln!(f, "{}", line.trim_end())
        };
        let signed = |millis| format!("{millis:+} ms");
        let first = self.stations[0].at;
        let mut before = None;
        for Station { name, means, at } in &self.stations {
            let time = at.map_or("not known".into(), rfc3339);
            // The date is printed once, at the first station.
            let time = match before {
                Some(_) => time.split('T').next_back().unwrap_or_default(),
                None => &time,
            };
            line(*name, time, &between(before, *at).map_or(String::new(), signed), *means)?;
            before = at.or(before);
        }
        if let Some(tick) = self.tick {
            let sent = "to every screen: each node sends the newest that often";
            line("sent", "", &format!("≤ {} ms", tick.as_millis()), sent)?;
        }
        if let Some(all) = between(first, before) {
            line("in all", "", &signed(all), "")?;
        }
        if let Some(answered) = between(first, self.answered) {
            line("answered", "", &signed(answered), "after it was cast: recorded, and safe")?;
        }
        match &self.kcat {
            Some(kcat) => writeln!(f, "  with kcat  {kcat}"),
            None => Ok(()),
        }
    }
}

/// Returns the `kcat` command that shows the same record. The shell fills in the password.
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
