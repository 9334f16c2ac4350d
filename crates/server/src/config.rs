//! Every setting and every limit, each declared once: its variable, its form, its field, its default and its
//! help text. The command line (`crates/pollux`) fills them in; nothing else in the server reads the
//! environment.
//!
//! To add a setting, add a row below and run `INSTA_UPDATE=always cargo test -p pollux --bins --test cli`,
//! which rewrites the help's snapshots, docs/settings.md and the README's rows. The flag of `POLLUX_A_B` is
//! `--a-b`.

mod form;
mod setting;
mod types;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

pub use self::form::parse_duration;
use self::form::*;
use self::setting::settings;
pub use self::setting::{Heading, SETTINGS, Setting};
pub use self::types::{DbTls, Flush, FormerSecret, LogFormat, Password, Roles, Sasl};

settings! {
    /// `Config` is the whole configuration of a server.
    pub struct Config = |config| config;
    Settings {
        /// Listen on this port; 0 picks a free one
        PORT: port(0..=u16::MAX) => port: u16 = 5000;
        /// Listen on these addresses, separated by commas; 0.0.0.0 lets phones in
        POLLUX_HOST: addresses() => hosts: Vec<IpAddr> =
            vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        /// Give a cluster's node these roles: web takes votes and shows results, processor counts
        POLLUX_ROLES: roles() => roles: Roles = Roles::ALL;
        /// Keep the embedded log and store in this folder
        POLLUX_DATA: path("FOLDER") => data: PathBuf = "./pollux-data".into();
        /// Begin links and QR codes with this URL, under which phones reach the server
        POLLUX_PUBLIC_URL: url().optional().absent("the address listened on") => public_url: Option<String> = None;
        /// Derive voters' pseudonyms and cookies from this secret of 16 bytes or more, the same on all nodes
        /// of a cluster; better set in the environment than here, where others on this machine may read it
        POLLUX_SECRET: secret("SECRET").optional().absent("created and kept in the data folder; in a cluster created \
            by the first node and kept in the database")
            => secret: Option<String> = None;
        /// List the secrets before POLLUX_SECRET, oldest first, separated by commas, each as SECRET@TIME with
        /// the moment from which the next is in force, such as …@2026-12-01T03:00:00Z; better set in the
        /// environment
        POLLUX_FORMER_SECRETS: former_secrets().absent("the secret was never rotated")
            => former_secrets: Vec<FormerSecret> = Vec::new();
        /// Accept this as the operator's token, 16 bytes or more; better set in the environment
        POLLUX_ADMIN_TOKEN: secret("TOKEN").optional().absent("created, kept in the data folder and printed once; in a \
            cluster derived from the secret and printed by the first node that ever starts")
            => admin_token: Option<String> = None;
        /// Let only the operator create polls
        POLLUX_OPERATOR_CREATES: switch() => operator_creates: bool = false;
        /// Trust X-Forwarded-For and X-Forwarded-Proto of these proxies: addresses or networks such as
        /// 10.0.0.0/8, separated by commas
        POLLUX_TRUSTED_PROXIES: networks() => trusted_proxies: Vec<IpNet> = Vec::new();
        /// Let pages of these other origins open a WebSocket or call the API: origins such as
        /// https://example.org, separated by commas
        POLLUX_ALLOWED_ORIGINS: origins() => allowed_origins: Vec<String> = Vec::new();
        /// Tell browsers that came over HTTPS to use nothing else for this long, such as 365d
        /// (Strict-Transport-Security); 0s leaves it to the proxy in front
        POLLUX_HSTS: time_or_none() => hsts: Duration = Duration::ZERO;
        /// Create an embedded log with this many partitions; an existing log keeps its own
        POLLUX_PARTITIONS: count(1..=1024) => partitions: u32 = 1;
        /// Wait this long at the start for Kafka and PostgreSQL to answer
        POLLUX_WAIT: time_or_none() => wait: Duration = Duration::from_secs(30);
        /// Let a stop take this long before what is still under way is cut off
        // It is longer than Kafka's timeout, so that every vote that was sent to Kafka is answered.
        POLLUX_DRAIN: time_or_none() => drain: Duration = Duration::from_secs(25);
        /// Filter what is logged on stderr, such as warn or pollux_server=debug
        POLLUX_LOG: text("FILTER") => log_filter: String = "info".into();
        /// Write the log on stderr as human or json
        POLLUX_LOG_FORMAT: choice("FORMAT", LogFormat::ALL, LogFormat::name) => log_format: LogFormat = LogFormat::Human;
    }
    + {
        kafka: KafkaConfig,
        api: ApiLimits,
        log: LogLimits,
        store: StoreLimits,
        db: PostgresConfig,
        processor: ProcessorLimits,
        watch: WatchLimits,
    }
}

settings! {
    /// `KafkaConfig` says how Kafka is reached, and what its topics and limits are. Without a broker the log is embedded.
    pub struct KafkaConfig = |config| config.kafka;
    Settings {
        /// Connect to these of Kafka's brokers, separated by commas; together with DB_HOST this makes a
        /// cluster's node
        KAFKA_BROKER: brokers() => broker: Vec<String> = Vec::new();
        /// Begin the names of the topics votes, votes.dead, tallies and polls with this
        POLLUX_TOPIC_PREFIX: topic_prefix() => topic_prefix: String = String::new();
        /// Create the topic votes with this many partitions; an existing one keeps its own
        POLLUX_KAFKA_PARTITIONS: count(1..=1024) => partitions: u32 = 12;
        /// Create topics with this many replicas; with fewer than 3 see --kafka-weak
        POLLUX_KAFKA_REPLICATION: count(1..) => replication: u32 = 3;
        /// Accept topics that cannot keep the promise, such as those of a single broker, for a trial
        POLLUX_KAFKA_WEAK: switch() => weak: bool = false;
        /// Have brokers flush votes to disk before they acknowledge them: each (the topic votes is created so, and
        /// one that is not so gets a warning), required (such a topic is refused) or off
        POLLUX_KAFKA_FLUSH: choice("FLUSH", Flush::ALL, Flush::name) => flush: Flush = Flush::Each;
        /// Use TLS for connections to Kafka
        POLLUX_KAFKA_TLS: switch() => tls: bool = false;
        /// Check Kafka's certificates with this certificate authority, PEM
        POLLUX_KAFKA_CA: file().optional().absent("the system's") => ca: Option<PathBuf> = None;
        /// Show Kafka this certificate of our own, PEM, if it wants one
        POLLUX_KAFKA_CERTIFICATE: file().optional() => certificate: Option<PathBuf> = None;
        /// Use this key of our own certificate, PEM
        POLLUX_KAFKA_KEY: file().optional() => key: Option<PathBuf> = None;
        /// Log in to Kafka with this mechanism: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
        POLLUX_KAFKA_SASL: choice("MECHANISM", Sasl::ALL, Sasl::name).optional() => sasl: Option<Sasl> = None;
        /// Log in to Kafka under this name
        POLLUX_KAFKA_USER: text("NAME").optional() => user: Option<String> = None;
        /// Log in to Kafka with this password; better set in the environment than here
        POLLUX_KAFKA_PASSWORD: password().optional() => password: Option<Password> = None;
    }
    Limits {
        /// Let this many records of one partition wait to be acknowledged; beyond it appends to the partition
        /// are refused
        POLLUX_KAFKA_PARTITION_QUEUE: count(1..) => partition_queue: usize = 16_384;
        /// Let this many votes wait while Kafka takes none; beyond it further ones are refused
        POLLUX_KAFKA_WAITING: count(1..) => waiting: usize = 65_536;
        /// Let a batch for a partition wait this long for more records
        POLLUX_KAFKA_LINGER: time() => linger: Duration = Duration::from_millis(2);
        /// Wait this long for Kafka to acknowledge a vote; after that the answer is that it is not known
        /// whether the vote was recorded
        // It is longer than a broker's session and an election, and below the deadline of a vote, so that the
        // answer is the log's.
        POLLUX_KAFKA_TIMEOUT: time() => timeout: Duration = Duration::from_secs(15);
        /// Read at most this many bytes ahead of the processor in one partition
        POLLUX_KAFKA_READ_AHEAD: bytes(1..) => read_ahead: usize = 2 << 20;
    }
}

settings! {
    /// `ApiLimits` are the limits of the HTTP side.
    pub struct ApiLimits = |config| config.api;
    Limits {
        /// Accept this many connections at once; further ones wait in the kernel's queue
        POLLUX_API_CONNECTIONS: count(1..) => connections: usize = 50_000;
        /// Let one address hold this percentage of all connections; trusted proxies are exempt
        // Further connections of that address are refused. From 100 on they wait like all others.
        POLLUX_API_CONNECTIONS_SHARE: count(1..) => connections_share: u32 = 75;
        /// Accept bodies up to this many bytes
        POLLUX_API_BODY: bytes(1..) => body: usize = 16 * 1024;
        /// Accept logos of events up to this many bytes
        POLLUX_API_LOGO: bytes(1..) => logo: usize = 64 * 1024;
        /// Wait this long for all headers of a request
        POLLUX_API_HEADER_TIMEOUT: time() => header_timeout: Duration = Duration::from_secs(10);
        /// Wait this long for the whole body of a request
        POLLUX_API_BODY_TIMEOUT: time() => body_timeout: Duration = Duration::from_secs(10);
        /// Disconnect a client that leaves our bytes unread for this long
        POLLUX_API_WRITE_TIMEOUT: time() => write_timeout: Duration = Duration::from_secs(30);
        /// Answer a request within this time
        POLLUX_API_DEADLINE: time() => deadline: Duration = Duration::from_secs(8);
        /// Answer a vote within this time; for as long it waits for brokers that are being replaced
        POLLUX_API_VOTE_DEADLINE: time() => vote_deadline: Duration = Duration::from_secs(20);
        /// Let ?wait=counted wait this long
        POLLUX_API_WAIT: time() => wait: Duration = Duration::from_secs(5);
        /// Accept ballot ids that are this far ahead of our clock
        POLLUX_API_AHEAD: time() => ahead: Duration = Duration::from_secs(60);
        /// Allow each address this many requests and messages per second, and this burst above it; loopback
        /// is exempt
        // 5,000 phones behind one address make some ten requests each when they join and vote.
        POLLUX_API_PER_ADDRESS: rate() => per_address: (u32, u32) = (2_000, 50_000);
        /// Allow each voter this many ballots per second in one poll, and this burst above it
        POLLUX_API_PER_VOTER: rate() => per_voter: (u32, u32) = (5, 20);
        /// Let each address, of IPv6 each network (a /64), create this many polls and events per minute, and
        /// this burst above it; loopback and the operator's token are exempt
        // 200 teachers behind one address can create three each at once, and nine an hour from then on.
        POLLUX_API_CREATIONS: rate() => creations: (u32, u32) = (30, 600);
        /// Let each IPv6 site (a /48) create this many polls and events per minute, and this burst above it
        POLLUX_API_CREATIONS_OF_SITE: rate() => creations_of_site: (u32, u32) = (60, 1_200);
        /// Allow each address, of IPv6 each network (a /64), this many wrong join codes per minute
        POLLUX_API_GUESSES: count(1..) => guesses: u32 = 60;
        /// Allow each IPv6 site (a /48) this many wrong join codes per minute
        POLLUX_API_GUESSES_OF_SITE: count(1..) => guesses_of_site: u32 = 600;
        /// Allow this many wrong join codes per minute in all; beyond it each address and each IPv6 site has
        /// a tenth of an address's limit
        POLLUX_API_GUESSES_IN_ALL: count(1..) => guesses_in_all: u32 = 6_000;
        /// Wait this long for log and store to answer a check of their state
        POLLUX_API_PROBE: time() => probe: Duration = Duration::from_secs(1);
        /// Read at most this many records for one replay; a poll with more is not replayed
        // Each of its ballots takes some 150 bytes of memory while it is replayed.
        POLLUX_API_REPLAY_RECORDS: count(1..) => replay_records: usize = 1_000_000;
        /// Keep this many replays for later requests
        POLLUX_API_REPLAYS: count(1..) => replays: usize = 16;
    }
}

settings! {
    /// `LogLimits` are the limits of the log. Kafka's log has a linger of its own and keeps no tail.
    pub struct LogLimits = |config| config.log;
    Limits {
        /// Let this many records wait to be durable; beyond it appends are refused
        POLLUX_LOG_QUEUE: count(1..) => queue: usize = 65_536;
        /// Put at most this many records into one group commit
        POLLUX_LOG_GROUP: count(1..) => group: usize = 4_096;
        /// Let a group commit wait this long for more records when the one before it held more than one
        POLLUX_LOG_LINGER: time() => linger: Duration = Duration::from_millis(1);
        /// Report an embedded log as not ready when records stay unacknowledged for this long: its disk hangs
        // It is longer than a slow card needs for a commit, and shorter than a request's deadline.
        POLLUX_LOG_STALL: time() => stall: Duration = Duration::from_secs(5);
        /// Keep this many bytes of recent records in memory for readers
        POLLUX_LOG_TAIL_BYTES: bytes(1..) => tail_bytes: usize = 32 << 20;
        /// Read this many bytes of an embedded log again each second to find damage; 0 reads none
        POLLUX_LOG_SCRUB_BYTES: bytes(0..) => scrub_bytes: usize = 1 << 20;
        /// Let a feed be this many announcements behind before it is lost
        POLLUX_LOG_FEED: count(1..) => feed: usize = 16_384;
    }
}

settings! {
    /// `StoreLimits` are those of the embedded store.
    pub struct StoreLimits = |config| config.store;
    Limits {
        /// Let this many changes and commits wait for the store's writer; beyond it callers wait
        POLLUX_STORE_QUEUE: count(1..) => queue: usize = 256;
        /// Run this many reads of the store at once; beyond it callers wait
        POLLUX_STORE_READERS: count(1..) => readers: usize = 4;
        /// Keep the latest state of this many voters in memory, about 90 bytes each and at most twice as many
        // Beyond it they are merged into the index on disk. While that is under way, as many again and one
        // batch are held. The hash table doubles just past 7/8 of a power of two.
        POLLUX_STORE_VOTERS: count(1..) => voters: usize = (1 << 19) / 8 * 7;
        /// Copy the store's write-ahead log back when it reaches this many bytes
        POLLUX_STORE_WAL_BYTES: bytes(1..) => wal_bytes: usize = 32 << 20;
    }
}

settings! {
    /// `PostgresConfig` says where PostgreSQL is, and has the limits of the store in it. Without a host the store is embedded.
    pub struct PostgresConfig = |config| config.db;
    Settings {
        /// Connect to PostgreSQL on this host; set together with KAFKA_BROKER
        DB_HOST: text("HOST").optional() => host: Option<String> = None;
        /// Connect to PostgreSQL on this port
        DB_PORT: port(1..=u16::MAX) => port: u16 = 5432;
        /// Log in to PostgreSQL with this account, which owns the tables
        DB_USER: text("USER").optional() => user: Option<String> = None;
        /// Log in to PostgreSQL with this password; better set in the environment than here, where others on
        /// this machine may read it
        DB_PASSWORD: password() => password: Password = Password::default();
        /// Use this database in PostgreSQL; its tables are created at the first start
        DB_NAME: text("NAME") => name: String = "polling".into();
        /// Use TLS to PostgreSQL: off, require (to whoever answers) or verify (to the server that the
        /// authority knows under the name in DB_HOST)
        POLLUX_DB_TLS: choice("MODE", DbTls::ALL, DbTls::name) => tls: DbTls = DbTls::Off;
        /// Check PostgreSQL's certificate with this certificate authority, PEM
        POLLUX_DB_CA: file().optional().absent("the system's") => ca: Option<PathBuf> = None;
    }
    Limits {
        /// Open this many connections to PostgreSQL; beyond it callers wait
        POLLUX_DB_CONNECTIONS: count(1..) => connections: usize = 16;
        /// Let a caller wait this long for a connection
        POLLUX_DB_WAIT: time() => wait: Duration = Duration::from_secs(2);
        /// Let connecting to PostgreSQL take this long
        POLLUX_DB_CONNECT: time() => connect: Duration = Duration::from_secs(2);
        /// Wait this long for an answer of PostgreSQL
        // The limit holds for each statement, and for all statements of one call together.
        POLLUX_DB_STATEMENT: time() => statement: Duration = Duration::from_secs(5);
        /// Let a statement wait this long for another worker's lock; longer than
        /// POLLUX_DB_IDLE_IN_TRANSACTION
        POLLUX_DB_LOCK: time() => lock: Duration = Duration::from_secs(3);
        /// Let PostgreSQL end a transaction whose process does nothing for this long
        // A stopped worker can hold others up for this long.
        POLLUX_DB_IDLE_IN_TRANSACTION: time() => idle_in_transaction: Duration = Duration::from_secs(2);
        /// Remember this many voters, so that new ones need not be looked up, about 20 bytes each
        POLLUX_DB_VOTERS: count(1..) => voters: usize = 4 << 20;
    }
}

settings! {
    /// `ProcessorLimits` are the limits of the processor.
    pub struct ProcessorLimits = |config| config.processor;
    Limits {
        /// Put at most this many records into one batch of the processor
        POLLUX_PROCESSOR_BATCH: count(1..) => batch: usize = 8_192;
        /// Let a batch wait this long for more records once it has one
        POLLUX_PROCESSOR_LINGER: time() => linger: Duration = Duration::from_millis(5);
        /// Keep the tallies of this many polls in a worker between batches
        POLLUX_PROCESSOR_POLLS: count(1..) => polls: usize = 10_000;
        /// Look this often for polls that are due to close, and for control records that a partition lacks
        POLLUX_PROCESSOR_HOUSEKEEPING: time() => housekeeping: Duration = Duration::from_millis(500);
        /// Pause this long before a failed read, load or commit is tried again
        POLLUX_PROCESSOR_RETRY: time() => retry: Duration = Duration::from_millis(200);
    }
}

settings! {
    /// `WatchLimits` are the limits of the fan-out to viewers.
    pub struct WatchLimits = |config| config.watch;
    Limits {
        /// Leave at least this much time between two updates of one poll
        POLLUX_WATCH_TICK: time() => tick: Duration = Duration::from_millis(100);
        /// Accept this many viewers at once
        POLLUX_WATCH_VIEWERS: count(1..) => viewers: usize = 40_000;
        /// Put at most this many polls into the first message to a viewer of everything, and into its updates
        /// of one tick
        POLLUX_WATCH_OVERVIEW: count(1..) => overview: usize = 50;
        /// Let one viewer subscribe to this many polls
        POLLUX_WATCH_SUBSCRIPTIONS: count(1..) => subscriptions: usize = 100;
        /// Keep this many places of the leaderboard
        POLLUX_WATCH_LEADERBOARD: count(1..) => leaderboard: usize = 100;
        /// Send this many places of the leaderboard to sockets and streams
        POLLUX_WATCH_LEADERBOARD_SENT: count(1..) => leaderboard_sent: usize = 10;
        /// Let this many polls be open at once; a tenth more for polls that exist already, and for the
        /// operator
        POLLUX_WATCH_OPEN_POLLS: count(1..) => open_polls: usize = 20_000;
        /// Keep this many open polls whole in memory though nobody uses them; further ones are read back when
        /// they are used
        // A poll takes 4 KiB, and 23 KiB at the worst: 230 MB for all. One of words takes more; see SECURITY.md.
        POLLUX_WATCH_LOADED_POLLS: count(0..) => loaded_polls: usize = 10_000;
        /// Keep this many closed polls in memory
        POLLUX_WATCH_CLOSED_POLLS: count(1..) => closed_polls: usize = 10_000;
        /// Keep this many events in memory
        POLLUX_WATCH_EVENTS: count(1..) => events: usize = 1_000;
        /// Keep this many polls, drafts among them, in the agendas of the events in memory
        // Beyond it the oldest event is forgotten.
        POLLUX_WATCH_EVENT_POLLS: count(1..) => event_polls: usize = 20_000;
        /// Remember this many voters whose ballots are not counted yet, where results show after the vote
        POLLUX_WATCH_RECENT_VOTERS: count(1..) => recent_voters: usize = 65_536;
        /// Keep the course over time of this many polls
        POLLUX_WATCH_TRENDS: count(1..) => trends: usize = 256;
        /// Measure the times from the vote to the screen over this many votes
        POLLUX_WATCH_LATENCY_SAMPLES: count(1..) => latency_samples: usize = 1_024;
        /// Accept messages of a client up to this many bytes
        POLLUX_WATCH_MESSAGE: bytes(1..) => message: usize = 4 * 1024;
        /// Allow each client this many messages per second, and this burst above it
        POLLUX_WATCH_MESSAGES: rate() => messages: (u32, u32) = (10, 50);
        /// Let this many answers wait for a client that does not read; beyond it the socket is closed
        POLLUX_WATCH_REPLIES: count(1..) => replies: usize = 64;
        /// Give a WebSocket a send buffer of this many bytes in the kernel: a slow viewer may be this far
        /// behind
        POLLUX_WATCH_SEND_BUFFER: bytes(1..) => send_buffer: usize = 64 * 1024;
        /// Let the closing handshake of a socket take this long
        POLLUX_WATCH_GOODBYE: time() => goodbye: Duration = Duration::from_secs(2);
        /// Ping a socket that is silent for this long, and close it after twice as long
        POLLUX_WATCH_SILENCE: time() => silence: Duration = Duration::from_secs(30);
    }
}

impl Config {
    /// Returns whether this is a node of a cluster, with its log on Kafka and its store in PostgreSQL.
    /// Otherwise both are embedded.
    pub fn is_cluster(&self) -> bool {
        !self.kafka.broker.is_empty() && self.db.host.is_some()
    }

    /// Returns a line for each pair of settings that contradict each other. The line names both and says why.
    pub fn contradictions(&self) -> Vec<String> {
        let Self { api, log, db, watch, kafka, .. } = self;
        let said = |variable: &str| {
            let setting = SETTINGS.iter().find(|setting| setting.variable == variable);
            format!("{variable} ({})", setting.map_or(String::new(), |setting| setting.show(self)))
        };
        let mut found = Vec::new();
        let mut below = |lower: &str, upper: &str, why: &str, fits: bool| {
            if !fits {
                found.push(format!("{} must be below {}: {why}", said(lower), said(upper)));
            }
        };
        below(
            "POLLUX_WATCH_VIEWERS",
            "POLLUX_API_CONNECTIONS",
            "when every viewer's seat is taken there must be room left for voters",
            watch.viewers < api.connections,
        );
        if !kafka.broker.is_empty() {
            below(
                "POLLUX_KAFKA_TIMEOUT",
                "POLLUX_API_VOTE_DEADLINE",
                "otherwise the vote's deadline passes before Kafka has answered",
                kafka.timeout < api.vote_deadline,
            );
        } else {
            below(
                "POLLUX_LOG_LINGER",
                "POLLUX_API_VOTE_DEADLINE",
                "a vote waits at least that long for its group commit",
                log.linger < api.vote_deadline,
            );
            below(
                "POLLUX_LOG_LINGER",
                "POLLUX_LOG_STALL",
                "otherwise a log that waits for more records is taken for one that hangs",
                log.linger < log.stall,
            );
        }
        if db.host.is_some() {
            below(
                "POLLUX_DB_IDLE_IN_TRANSACTION",
                "POLLUX_DB_LOCK",
                "a worker must outwait one that was stopped holding a lock",
                db.idle_in_transaction < db.lock,
            );
            below(
                "POLLUX_DB_LOCK",
                "POLLUX_DB_STATEMENT",
                "otherwise every statement times out before it gets the lock",
                db.lock < db.statement,
            );
        }
        found
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::boot;

    #[tokio::test]
    async fn settings_that_contradict_each_other_are_all_named_at_once() {
        let mut config = Config::default();
        assert_eq!(config.contradictions(), [""; 0]);
        config.kafka.broker = vec!["kafka1:9092".into()];
        config.db.host = Some("db".into());
        assert_eq!(config.contradictions(), [""; 0]);

        config.kafka.timeout = config.api.vote_deadline;
        config.db.idle_in_transaction = config.db.lock;
        config.db.statement = config.db.lock;
        config.watch.viewers = config.api.connections;
        let found = config.contradictions();
        assert_eq!(found.len(), 4, "{found:?}");
        for named in
            ["POLLUX_KAFKA_TIMEOUT (20s)", "POLLUX_API_VOTE_DEADLINE (20s)", "POLLUX_DB_LOCK (3s)"]
        {
            assert!(found.iter().any(|line| line.contains(named)), "{named}: {found:?}");
        }
        let refused = boot::start(config).await.err().unwrap();
        assert_eq!(refused.exit_code(), 2);
        for line in found {
            assert!(refused.to_string().contains(&line), "{refused}");
        }
    }
}
