//! Every setting of the server: one row each, with its flag, its environment variable, what it
//! means and how its text is read.

use pollux_server::config::{Config, Password};

use super::read::{
    Limit, addresses, base_url, brokers, db_tls, file, former_secrets, joined, networks,
    networks_shown, origins, partitions, port, put, roles, sasl, secret, server_port, show_roles,
    shown, switch, topic_prefix,
};
use crate::terminal::parse_duration;

/// One setting.
pub struct Setting {
    /// `--flag`, without the dashes.
    pub flag: &'static str,
    /// The environment variable.
    pub variable: &'static str,
    /// What stands for its value in the help.
    pub value: &'static str,
    /// One sentence.
    pub help: &'static str,
    /// Where the help lists it.
    pub heading: Heading,
    /// Read a value into the configuration, or say what it should have been.
    pub set: fn(&mut Config, &str) -> Result<(), String>,
    /// The value as it would be typed; empty when there is none.
    pub show: fn(&Config) -> String,
}

impl Setting {
    /// Whether its value must not stand in a message.
    pub fn is_secret(&self) -> bool {
        matches!(self.value, "SECRET" | "TOKEN" | "PASSWORD")
    }
}

/// The parts of the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heading {
    /// What one commonly sets.
    Settings,
    /// Bounds with sound defaults; shown by `--help` only.
    Limits,
}

const fn setting(
    flag: &'static str,
    variable: &'static str,
    value: &'static str,
    help: &'static str,
    set: fn(&mut Config, &str) -> Result<(), String>,
    show: fn(&Config) -> String,
) -> Setting {
    Setting { flag, variable, value, help, heading: Heading::Settings, set, show }
}

/// A limit's row; its variable is derived from the place in [`Config`], its text is read by type.
macro_rules! limit {
    ($flag:literal, $variable:literal, $help:literal, $group:ident . $field:ident) => {
        Setting {
            flag: $flag,
            variable: $variable,
            value: "LIMIT",
            help: $help,
            heading: Heading::Limits,
            set: |config, text| put(&mut config.$group.$field, Limit::read(text)),
            show: |config| config.$group.$field.show(),
        }
    };
}

/// All of them, in the order of the help.
pub const SETTINGS: &[Setting] = &[
    setting(
        "port",
        "PORT",
        "PORT",
        "Port to listen on; 0 picks a free one",
        |config, text| put(&mut config.port, port(text)),
        |config| config.port.to_string(),
    ),
    setting(
        "host",
        "POLLUX_HOST",
        "ADDRESSES",
        "Addresses to listen on, separated by commas; 0.0.0.0 lets phones in",
        |config, text| put(&mut config.hosts, addresses(text)),
        |config| joined(&config.hosts),
    ),
    setting(
        "roles",
        "POLLUX_ROLES",
        "ROLES",
        "What a cluster's node does: web takes votes and shows results, processor counts",
        |config, text| put(&mut config.roles, roles(text)),
        |config| show_roles(config.roles),
    ),
    setting(
        "data",
        "POLLUX_DATA",
        "FOLDER",
        "Folder of the embedded log and store",
        |config, text| put(&mut config.data, Ok(text.into())),
        |config| config.data.display().to_string(),
    ),
    setting(
        "public-url",
        "POLLUX_PUBLIC_URL",
        "URL",
        "Base of links and QR codes, as phones reach it [default: the address listened on]",
        |config, text| put(&mut config.public_url, base_url(text).map(Some)),
        |config| config.public_url.clone().unwrap_or_default(),
    ),
    setting(
        "secret",
        "POLLUX_SECRET",
        "SECRET",
        "What voters' pseudonyms and cookies are made with, 16 bytes or more; better set in the \
         environment than here, where others on this machine may read it; a cluster's nodes share \
         one [default: made, and kept in the data folder, or by a cluster's first node in the \
         database]",
        |config, text| put(&mut config.secret, secret(text).map(Some)),
        |_| String::new(),
    ),
    setting(
        "former-secrets",
        "POLLUX_FORMER_SECRETS",
        "SECRETS",
        "The secrets before POLLUX_SECRET, oldest first, each as SECRET@TIME with the moment from which the \
         next is in force, such as …@2026-12-01T03:00:00Z, separated by commas; better set in the \
         environment [default: it was never rotated]",
        |config, text| put(&mut config.former_secrets, former_secrets(text)),
        |_| String::new(),
    ),
    setting(
        "admin-token",
        "POLLUX_ADMIN_TOKEN",
        "TOKEN",
        "The operator's token, 16 bytes or more; better set in the environment [default, embedded: \
         made, kept in the data folder, and printed once; cluster: derived from the secret, and \
         printed by the first node that ever starts]",
        |config, text| put(&mut config.admin_token, secret(text).map(Some)),
        |_| String::new(),
    ),
    setting(
        "operator-creates",
        "POLLUX_OPERATOR_CREATES",
        "true|false",
        "Whether only the operator may create polls",
        |config, text| put(&mut config.operator_creates, switch(text)),
        |config| config.operator_creates.to_string(),
    ),
    setting(
        "trusted-proxies",
        "POLLUX_TRUSTED_PROXIES",
        "NETWORKS",
        "Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed: addresses or networks \
         such as 10.0.0.0/8, separated by commas",
        |config, text| put(&mut config.trusted_proxies, networks(text)),
        |config| networks_shown(&config.trusted_proxies),
    ),
    setting(
        "allowed-origins",
        "POLLUX_ALLOWED_ORIGINS",
        "ORIGINS",
        "Origins besides our own that may open a WebSocket or call the API from a page, such as \
         https://example.org, separated by commas",
        |config, text| put(&mut config.allowed_origins, origins(text)),
        |config| config.allowed_origins.join(","),
    ),
    setting(
        "hsts",
        "POLLUX_HSTS",
        "TIME",
        "How long browsers that came over HTTPS use nothing else, such as 365d \
         (Strict-Transport-Security); 0s leaves it to the proxy in front",
        |config, text| put(&mut config.hsts, parse_duration(text)),
        |config| config.hsts.show(),
    ),
    setting(
        "partitions",
        "POLLUX_PARTITIONS",
        "COUNT",
        "Partitions of a log that is made anew; an existing log keeps its own",
        |config, text| put(&mut config.partitions, partitions(text)),
        |config| config.partitions.to_string(),
    ),
    setting(
        "wait",
        "POLLUX_WAIT",
        "TIME",
        "How long a start waits for Kafka and PostgreSQL to answer",
        |config, text| put(&mut config.wait, parse_duration(text)),
        |config| config.wait.show(),
    ),
    setting(
        "drain",
        "POLLUX_DRAIN",
        "TIME",
        "How long a stop may take before what is left is cut",
        |config, text| put(&mut config.drain, parse_duration(text)),
        |config| config.drain.show(),
    ),
    setting(
        "db-host",
        "DB_HOST",
        "HOST",
        "PostgreSQL's host; set together with the brokers' addresses",
        |config, text| put(&mut config.db.host, Ok(Some(text.into()))),
        |config| config.db.host.clone().unwrap_or_default(),
    ),
    setting(
        "db-port",
        "DB_PORT",
        "PORT",
        "PostgreSQL's port",
        |config, text| put(&mut config.db.port, server_port(text)),
        |config| config.db.port.to_string(),
    ),
    setting(
        "db-user",
        "DB_USER",
        "USER",
        "Account in PostgreSQL; it owns the tables",
        |config, text| put(&mut config.db.user, Ok(Some(text.into()))),
        |config| config.db.user.clone().unwrap_or_default(),
    ),
    setting(
        "db-password",
        "DB_PASSWORD",
        "PASSWORD",
        "Its password; better set in the environment than here, where others on this machine may \
         read it",
        |config, text| put(&mut config.db.password, Ok(Password(text.into()))),
        |_| String::new(),
    ),
    setting(
        "db-name",
        "DB_NAME",
        "NAME",
        "Database in PostgreSQL; its tables are made at the first start",
        |config, text| put(&mut config.db.name, Ok(text.into())),
        |config| config.db.name.clone(),
    ),
    setting(
        "db-tls",
        "POLLUX_DB_TLS",
        "MODE",
        "TLS to PostgreSQL: off, require (to whoever answers) or verify (to the server that the \
         authority knows under the name in DB_HOST)",
        |config, text| put(&mut config.db.tls, db_tls(text)),
        |config| config.db.tls.name().to_owned(),
    ),
    setting(
        "db-ca",
        "POLLUX_DB_CA",
        "FILE",
        "The certificate authority that PostgreSQL's certificate is checked with, PEM [default: \
         the system's]",
        |config, text| put(&mut config.db.ca, file(text)),
        |config| shown(&config.db.ca),
    ),
    setting(
        "kafka-broker",
        "KAFKA_BROKER",
        "HOST:PORT,…",
        "Some of Kafka's brokers, separated by commas; with DB_HOST this is a cluster's node",
        |config, text| put(&mut config.kafka.broker, brokers(text)),
        |config| config.kafka.broker.join(","),
    ),
    setting(
        "topic-prefix",
        "POLLUX_TOPIC_PREFIX",
        "TEXT",
        "What the names of the topics votes, votes.dead, tallies and polls begin with",
        |config, text| put(&mut config.kafka.topic_prefix, topic_prefix(text)),
        |config| config.kafka.topic_prefix.clone(),
    ),
    setting(
        "kafka-partitions",
        "POLLUX_KAFKA_PARTITIONS",
        "COUNT",
        "Partitions of a topic votes that is made anew; an existing one keeps its own",
        |config, text| put(&mut config.kafka.partitions, partitions(text)),
        |config| config.kafka.partitions.to_string(),
    ),
    setting(
        "kafka-replication",
        "POLLUX_KAFKA_REPLICATION",
        "COUNT",
        "Replicas of topics that are made anew; with fewer than 3 see --kafka-weak",
        |config, text| put(&mut config.kafka.replication, Limit::read(text)),
        |config| config.kafka.replication.to_string(),
    ),
    setting(
        "kafka-weak",
        "POLLUX_KAFKA_WEAK",
        "true|false",
        "Take topics that cannot keep the promise, such as those of a single broker: for a try",
        |config, text| put(&mut config.kafka.weak, switch(text)),
        |config| config.kafka.weak.to_string(),
    ),
    setting(
        "kafka-tls",
        "POLLUX_KAFKA_TLS",
        "true|false",
        "Whether to speak TLS with Kafka",
        |config, text| put(&mut config.kafka.tls, switch(text)),
        |config| config.kafka.tls.to_string(),
    ),
    setting(
        "kafka-ca",
        "POLLUX_KAFKA_CA",
        "FILE",
        "The certificate authority that Kafka's certificates are checked with, PEM [default: the \
         system's]",
        |config, text| put(&mut config.kafka.ca, file(text)),
        |config| shown(&config.kafka.ca),
    ),
    setting(
        "kafka-certificate",
        "POLLUX_KAFKA_CERTIFICATE",
        "FILE",
        "Our own certificate, PEM, if Kafka wants one",
        |config, text| put(&mut config.kafka.certificate, file(text)),
        |config| shown(&config.kafka.certificate),
    ),
    setting(
        "kafka-key",
        "POLLUX_KAFKA_KEY",
        "FILE",
        "The key to our own certificate, PEM",
        |config, text| put(&mut config.kafka.key, file(text)),
        |config| shown(&config.kafka.key),
    ),
    setting(
        "kafka-sasl",
        "POLLUX_KAFKA_SASL",
        "MECHANISM",
        "How to log in at Kafka: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512",
        |config, text| put(&mut config.kafka.sasl, sasl(text).map(Some)),
        |config| config.kafka.sasl.map_or(String::new(), |sasl| sasl.name().to_owned()),
    ),
    setting(
        "kafka-user",
        "POLLUX_KAFKA_USER",
        "NAME",
        "As whom to log in at Kafka",
        |config, text| put(&mut config.kafka.user, Ok(Some(text.to_owned()))),
        |config| config.kafka.user.clone().unwrap_or_default(),
    ),
    setting(
        "kafka-password",
        "POLLUX_KAFKA_PASSWORD",
        "SECRET",
        "The password for it; better set in the environment than here",
        |config, text| put(&mut config.kafka.password, Ok(Some(Password(text.into())))),
        |_| String::new(),
    ),
    limit!(
        "kafka-partition-queue",
        "POLLUX_KAFKA_PARTITION_QUEUE",
        "Records of one partition waiting to be acknowledged; past it appends to it are refused",
        kafka.partition_queue
    ),
    limit!(
        "kafka-linger",
        "POLLUX_KAFKA_LINGER",
        "How long a batch for a partition waits for company",
        kafka.linger
    ),
    limit!(
        "kafka-timeout",
        "POLLUX_KAFKA_TIMEOUT",
        "After so long without an acknowledgement it is unknown whether a vote was recorded",
        kafka.timeout
    ),
    limit!(
        "kafka-read-ahead",
        "POLLUX_KAFKA_READ_AHEAD",
        "Most bytes read ahead of the processor in one partition",
        kafka.read_ahead
    ),
    limit!(
        "api-connections",
        "POLLUX_API_CONNECTIONS",
        "Most connections at once; further ones wait in the kernel's queue",
        api.connections
    ),
    limit!(
        "api-connections-share",
        "POLLUX_API_CONNECTIONS_SHARE",
        "How many of them one address may hold, in percent; trusted proxies are exempt",
        api.connections_share
    ),
    limit!("api-body", "POLLUX_API_BODY", "Longest body, in bytes", api.body),
    limit!("api-logo", "POLLUX_API_LOGO", "Largest logo of an event, in bytes", api.logo),
    limit!(
        "api-header-timeout",
        "POLLUX_API_HEADER_TIMEOUT",
        "A request's headers must have arrived within this",
        api.header_timeout
    ),
    limit!(
        "api-body-timeout",
        "POLLUX_API_BODY_TIMEOUT",
        "A request's body must have arrived within this",
        api.body_timeout
    ),
    limit!(
        "api-write-timeout",
        "POLLUX_API_WRITE_TIMEOUT",
        "A client that leaves our bytes unread for so long is given up",
        api.write_timeout
    ),
    limit!(
        "api-deadline",
        "POLLUX_API_DEADLINE",
        "A request must be answered within this",
        api.deadline
    ),
    limit!("api-wait", "POLLUX_API_WAIT", "How long ?wait=counted waits", api.wait),
    limit!(
        "api-ahead",
        "POLLUX_API_AHEAD",
        "How far ahead of our clock a ballot id may be",
        api.ahead
    ),
    limit!(
        "api-per-address",
        "POLLUX_API_PER_ADDRESS",
        "Requests and messages per second and address, and the burst above it; loopback is exempt",
        api.per_address
    ),
    limit!(
        "api-per-voter",
        "POLLUX_API_PER_VOTER",
        "Ballots per second and voter in one poll, and the burst above it",
        api.per_voter
    ),
    limit!(
        "api-creations",
        "POLLUX_API_CREATIONS",
        "Polls and events made per minute and address, of IPv6 per network (a /64), and the burst; \
         loopback and the operator's token are exempt",
        api.creations
    ),
    limit!(
        "api-creations-of-site",
        "POLLUX_API_CREATIONS_OF_SITE",
        "Polls and events made per minute and IPv6 site (a /48), and the burst",
        api.creations_of_site
    ),
    limit!(
        "api-guesses",
        "POLLUX_API_GUESSES",
        "Wrong join codes per minute and address, of IPv6 per network (a /64)",
        api.guesses
    ),
    limit!(
        "api-guesses-of-site",
        "POLLUX_API_GUESSES_OF_SITE",
        "Wrong join codes per minute and IPv6 site (a /48)",
        api.guesses_of_site
    ),
    limit!(
        "api-guesses-in-all",
        "POLLUX_API_GUESSES_IN_ALL",
        "Wrong join codes per minute in all; past it each address and site has a tenth of its own",
        api.guesses_in_all
    ),
    limit!(
        "api-probe",
        "POLLUX_API_PROBE",
        "How long log and store may take to say how they are",
        api.probe
    ),
    limit!(
        "api-replay-records",
        "POLLUX_API_REPLAY_RECORDS",
        "Records read for one replay; a longer vote is not replayed",
        api.replay_records
    ),
    limit!("api-replays", "POLLUX_API_REPLAYS", "Replays kept for whoever asks next", api.replays),
    limit!(
        "log-queue",
        "POLLUX_LOG_QUEUE",
        "Records waiting to be durable; past it appends are refused",
        log.queue
    ),
    limit!("log-group", "POLLUX_LOG_GROUP", "Records in one group commit", log.group),
    limit!(
        "log-linger",
        "POLLUX_LOG_LINGER",
        "How long a group commit waits for company when the one before it was not alone",
        log.linger
    ),
    limit!(
        "log-stall",
        "POLLUX_LOG_STALL",
        "An embedded log that leaves records unacknowledged for so long is not ready: its disk hangs",
        log.stall
    ),
    limit!(
        "log-tail-bytes",
        "POLLUX_LOG_TAIL_BYTES",
        "Bytes of recent records kept in memory for readers",
        log.tail_bytes
    ),
    limit!(
        "log-scrub-bytes",
        "POLLUX_LOG_SCRUB_BYTES",
        "Bytes of an embedded log that are read again each second to find damage; 0: none",
        log.scrub_bytes
    ),
    limit!(
        "log-feed",
        "POLLUX_LOG_FEED",
        "Announcements a feed may be behind before it is lost",
        log.feed
    ),
    limit!(
        "store-queue",
        "POLLUX_STORE_QUEUE",
        "Changes and commits waiting for the store's writer; past it callers wait",
        store.queue
    ),
    limit!(
        "store-readers",
        "POLLUX_STORE_READERS",
        "Reads of the store under way at once; past it callers wait",
        store.readers
    ),
    limit!(
        "store-voters",
        "POLLUX_STORE_VOTERS",
        "Voters whose latest state is kept in memory, about 90 bytes each and at most twice as many",
        store.voters
    ),
    limit!(
        "store-wal-bytes",
        "POLLUX_STORE_WAL_BYTES",
        "Size at which the store's write-ahead log is copied back, in bytes",
        store.wal_bytes
    ),
    limit!(
        "db-connections",
        "POLLUX_DB_CONNECTIONS",
        "Connections to PostgreSQL at once; past it callers wait",
        db.connections
    ),
    limit!("db-wait", "POLLUX_DB_WAIT", "How long a caller waits for a connection", db.wait),
    limit!(
        "db-connect",
        "POLLUX_DB_CONNECT",
        "How long making a connection to PostgreSQL may take",
        db.connect
    ),
    limit!(
        "db-statement",
        "POLLUX_DB_STATEMENT",
        "How long an answer of PostgreSQL may take",
        db.statement
    ),
    limit!(
        "db-lock",
        "POLLUX_DB_LOCK",
        "How long a statement waits for another worker's lock; longer than the next one",
        db.lock
    ),
    limit!(
        "db-idle-in-transaction",
        "POLLUX_DB_IDLE_IN_TRANSACTION",
        "PostgreSQL ends a transaction whose process does nothing for so long",
        db.idle_in_transaction
    ),
    limit!(
        "db-voters",
        "POLLUX_DB_VOTERS",
        "Voters remembered so that new ones need not be looked up, about 20 bytes each",
        db.voters
    ),
    limit!(
        "processor-batch",
        "POLLUX_PROCESSOR_BATCH",
        "Records in one batch of the processor",
        processor.batch
    ),
    limit!(
        "processor-linger",
        "POLLUX_PROCESSOR_LINGER",
        "How long a batch may wait for more records once it has one",
        processor.linger
    ),
    limit!(
        "processor-polls",
        "POLLUX_PROCESSOR_POLLS",
        "Polls whose tallies a worker keeps between batches",
        processor.polls
    ),
    limit!(
        "processor-housekeeping",
        "POLLUX_PROCESSOR_HOUSEKEEPING",
        "Between two looks for due, unsettled and missed things",
        processor.housekeeping
    ),
    limit!(
        "processor-retry",
        "POLLUX_PROCESSOR_RETRY",
        "Pause before a failed read, load or commit is tried again",
        processor.retry
    ),
    limit!(
        "watch-tick",
        "POLLUX_WATCH_TICK",
        "Shortest time between two updates of one poll",
        watch.tick
    ),
    limit!("watch-viewers", "POLLUX_WATCH_VIEWERS", "Most viewers at once", watch.viewers),
    limit!(
        "watch-overview",
        "POLLUX_WATCH_OVERVIEW",
        "Polls in the first message of a viewer of everything, and updates a tick for one",
        watch.overview
    ),
    limit!(
        "watch-subscriptions",
        "POLLUX_WATCH_SUBSCRIPTIONS",
        "Polls one viewer may subscribe to",
        watch.subscriptions
    ),
    limit!(
        "watch-leaderboard",
        "POLLUX_WATCH_LEADERBOARD",
        "Places on the leaderboard that is kept",
        watch.leaderboard
    ),
    limit!(
        "watch-leaderboard-sent",
        "POLLUX_WATCH_LEADERBOARD_SENT",
        "Of those, the places that sockets and streams are sent",
        watch.leaderboard_sent
    ),
    limit!(
        "watch-open-polls",
        "POLLUX_WATCH_OPEN_POLLS",
        "Polls that may be open at once; a tenth more for polls made before, and for the operator",
        watch.open_polls
    ),
    limit!(
        "watch-loaded-polls",
        "POLLUX_WATCH_LOADED_POLLS",
        "Open polls kept in memory whole though nobody uses them; more are read back when they are used",
        watch.loaded_polls
    ),
    limit!(
        "watch-closed-polls",
        "POLLUX_WATCH_CLOSED_POLLS",
        "Closed polls kept in memory",
        watch.closed_polls
    ),
    limit!("watch-events", "POLLUX_WATCH_EVENTS", "Events kept in memory", watch.events),
    limit!(
        "watch-event-polls",
        "POLLUX_WATCH_EVENT_POLLS",
        "Polls that the events kept in memory list, drafts among them",
        watch.event_polls
    ),
    limit!(
        "watch-recent-voters",
        "POLLUX_WATCH_RECENT_VOTERS",
        "Voters remembered before their ballots are counted, where results show after the vote",
        watch.recent_voters
    ),
    limit!(
        "watch-trends",
        "POLLUX_WATCH_TRENDS",
        "Polls whose course over time is kept",
        watch.trends
    ),
    limit!(
        "watch-latency-samples",
        "POLLUX_WATCH_LATENCY_SAMPLES",
        "Votes that the times from the vote to the screen are told of",
        watch.latency_samples
    ),
    limit!(
        "watch-message",
        "POLLUX_WATCH_MESSAGE",
        "Longest message from a client, in bytes",
        watch.message
    ),
    limit!(
        "watch-messages",
        "POLLUX_WATCH_MESSAGES",
        "Messages per second from one client, and the burst above it",
        watch.messages
    ),
    limit!(
        "watch-replies",
        "POLLUX_WATCH_REPLIES",
        "Answers waiting for one client that does not read; past it the socket is closed",
        watch.replies
    ),
    limit!(
        "watch-send-buffer",
        "POLLUX_WATCH_SEND_BUFFER",
        "The kernel's send buffer of a WebSocket, in bytes: what a slow viewer may be behind",
        watch.send_buffer
    ),
    limit!(
        "watch-goodbye",
        "POLLUX_WATCH_GOODBYE",
        "How long a closed socket may take to say goodbye",
        watch.goodbye
    ),
    limit!(
        "watch-silence",
        "POLLUX_WATCH_SILENCE",
        "A socket silent for so long is asked with a ping; after twice that it is closed",
        watch.silence
    ),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_default_reads_back_as_itself() {
        let default = Config::default();
        for setting in SETTINGS {
            let text = (setting.show)(&default);
            if text.is_empty() {
                continue;
            }
            let mut config = default.clone();
            (setting.set)(&mut config, &text).unwrap();
            assert_eq!(format!("{config:?}"), format!("{default:?}"), "{}", setting.flag);
        }
    }

    #[test]
    fn every_setting_has_a_row() {
        // Each leaf of the configuration, by the path it has in its debug output.
        let default = format!("{:#?}", Config::default());
        let mut path: Vec<String> = Vec::new();
        let mut leaves = BTreeSet::new();
        for line in default.lines().skip(1) {
            let depth = (line.len() - line.trim_start().len()) / 4;
            path.truncate(depth.saturating_sub(1));
            let Some((name, value)) = line.trim().split_once(": ") else { continue };
            if value.ends_with('{') {
                path.push(name.to_owned());
            } else {
                let name = path.iter().map(String::as_str).chain([name]).collect::<Vec<_>>();
                let name = name.join("-").replace('_', "-").replace("hosts", "host");
                let name = name.replace("kafka-topic-prefix", "topic-prefix");
                let name = name.replace("roles-web", "roles").replace("roles-processor", "roles");
                leaves.insert(name);
            }
        }
        let rows: BTreeSet<_> = SETTINGS.iter().map(|setting| setting.flag.to_owned()).collect();
        assert_eq!(leaves, rows);
    }

    #[test]
    fn the_sample_says_the_defaults() {
        let default = Config::default();
        for line in include_str!("../../../../.env.sample").lines() {
            let Some((name, value)) = line.strip_prefix('#').and_then(|line| line.split_once('='))
            else {
                continue;
            };
            let compose = include_str!("../../../../docker-compose.yml");
            if compose.contains(&format!("${{{name}:-{value}}}")) {
                continue;
            }
            let setting = SETTINGS.iter().find(|setting| setting.variable == name);
            let shown = setting.map(|setting| (setting.show)(&default)).unwrap_or_default();
            assert!(setting.is_some(), "{line}");
            assert!(shown.is_empty() || shown == value, "{line}: the default is {shown}");
        }
    }

    #[test]
    fn names_are_unique_and_follow_one_rule() {
        let mut seen = BTreeSet::new();
        for Setting { flag, variable, .. } in SETTINGS {
            assert!(seen.insert(flag) && seen.insert(variable), "{flag} is there twice");
            let expected = flag.to_uppercase().replace('-', "_");
            assert!(*variable == expected || *variable == format!("POLLUX_{expected}"), "{flag}");
        }
    }

    #[test]
    fn wrong_texts_are_refused() {
        for (flag, wrong) in [
            ("port", "65536"),
            ("host", "phones"),
            ("host", ","),
            ("public-url", "example.org"),
            ("secret", "short"),
            ("operator-creates", "perhaps"),
            ("allowed-origins", "https://example.org/path"),
            ("partitions", "0"),
            ("drain", "soon"),
            ("db-port", "0"),
            ("db-connections", "0"),
            ("api-per-voter", "5"),
            ("log-queue", "0"),
            ("watch-tick", "0s"),
            ("log-queue", "-1"),
            ("kafka-broker", ","),
            ("kafka-broker", "kafka1"),
            ("kafka-broker", "kafka1:0"),
            ("kafka-broker", "kafka1:9092,:9092"),
            ("kafka-broker", "http://kafka1:9092"),
            ("topic-prefix", "a b"),
            ("topic-prefix", &"x".repeat(201)),
            ("kafka-replication", "0"),
            ("kafka-ca", "/no/such/file.pem"),
            ("kafka-sasl", "KERBEROS"),
            ("db-tls", "prefer"),
            ("db-ca", "/no/such/file.pem"),
        ] {
            let setting = SETTINGS.iter().find(|setting| setting.flag == flag).unwrap();
            assert!((setting.set)(&mut Config::default(), wrong).is_err(), "{flag}={wrong}");
        }
    }
}
