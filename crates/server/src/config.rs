//! Every setting and every limit, each declared once: its variable, how it is written, its field, its
//! default, and what the help says of it. The command line (`crates/pollux`) fills them in; nothing else in the
//! server reads the environment.
//!
//! To add one, add a row below and run `INSTA_UPDATE=always cargo test -p pollux --bins --test cli`, which
//! writes the help's snapshots, docs/settings.md and the README's rows anew. Of `POLLUX_A_B` the flag is `--a-b`.

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
pub use self::types::{DbTls, FormerSecret, LogFormat, Password, Roles, Sasl};

settings! {
    /// All of it.
    pub struct Config = |config| config;
    Settings {
        /// Port to listen on; 0 picks a free one
        PORT: port(0..=u16::MAX) => port: u16 = 5000;
        /// Addresses to listen on, separated by commas; 0.0.0.0 lets phones in
        POLLUX_HOST: addresses() => hosts: Vec<IpAddr> =
            vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        /// What a cluster's node does: web takes votes and shows results, processor counts
        POLLUX_ROLES: roles() => roles: Roles = Roles::ALL;
        /// Folder of the embedded log and store
        POLLUX_DATA: path("FOLDER") => data: PathBuf = "./pollux-data".into();
        /// Base of links and QR codes, as phones reach it
        POLLUX_PUBLIC_URL: url().optional().absent("the address listened on") => public_url: Option<String> = None;
        /// What voters' pseudonyms and cookies are made with, 16 bytes or more; better set in the environment
        /// than here, where others on this machine may read it; a cluster's nodes share one
        POLLUX_SECRET: secret("SECRET").optional().absent("made, and kept in the data folder, or by a cluster's first \
            node in the database")
            => secret: Option<String> = None;
        /// The secrets before POLLUX_SECRET, oldest first, each as SECRET@TIME with the moment from which the
        /// next is in force, such as …@2026-12-01T03:00:00Z, separated by commas; better set in the environment
        POLLUX_FORMER_SECRETS: former_secrets().absent("it was never rotated")
            => former_secrets: Vec<FormerSecret> = Vec::new();
        /// The operator's token, 16 bytes or more; better set in the environment
        POLLUX_ADMIN_TOKEN: secret("TOKEN").optional().absent("made, kept in the data folder, and printed once; a \
            cluster's is derived from the secret, and printed by the first node that ever starts")
            => admin_token: Option<String> = None;
        /// Whether only the operator may create polls
        POLLUX_OPERATOR_CREATES: switch() => operator_creates: bool = false;
        /// Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed: addresses or networks such as
        /// 10.0.0.0/8, separated by commas
        POLLUX_TRUSTED_PROXIES: networks() => trusted_proxies: Vec<IpNet> = Vec::new();
        /// Origins besides our own that may open a WebSocket or call the API from a page, such as
        /// https://example.org, separated by commas
        POLLUX_ALLOWED_ORIGINS: origins() => allowed_origins: Vec<String> = Vec::new();
        /// How long browsers that came over HTTPS use nothing else, such as 365d (Strict-Transport-Security);
        /// 0s leaves it to the proxy in front
        POLLUX_HSTS: time_or_none() => hsts: Duration = Duration::ZERO;
        /// Partitions of a log that is made anew; an existing log keeps its own
        POLLUX_PARTITIONS: count(1..=1024) => partitions: u32 = 1;
        /// How long a start waits for Kafka and PostgreSQL to answer
        POLLUX_WAIT: time_or_none() => wait: Duration = Duration::from_secs(30);
        /// How long a stop may take before what is left is cut
        // Longer than Kafka's timeout, so that whoever was sent is answered.
        POLLUX_DRAIN: time_or_none() => drain: Duration = Duration::from_secs(25);
        /// What the log on stderr tells, such as warn or pollux_server=debug
        POLLUX_LOG: text("FILTER") => log_filter: String = "info".into();
        /// How the log on stderr is written: human or json
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
    /// How to reach Kafka, the topics on it, and limits. Without a broker the log is embedded.
    pub struct KafkaConfig = |config| config.kafka;
    Settings {
        /// Some of Kafka's brokers, separated by commas; with DB_HOST this is a cluster's node
        KAFKA_BROKER: brokers() => broker: Vec<String> = Vec::new();
        /// What the names of the topics votes, votes.dead, tallies and polls begin with
        POLLUX_TOPIC_PREFIX: topic_prefix() => topic_prefix: String = String::new();
        /// Partitions of a topic votes that is made anew; an existing one keeps its own
        POLLUX_KAFKA_PARTITIONS: count(1..=1024) => partitions: u32 = 12;
        /// Replicas of topics that are made anew; with fewer than 3 see --kafka-weak
        POLLUX_KAFKA_REPLICATION: count(1..) => replication: u32 = 3;
        /// Take topics that cannot keep the promise, such as those of a single broker: for a try
        POLLUX_KAFKA_WEAK: switch() => weak: bool = false;
        /// Whether to speak TLS with Kafka
        POLLUX_KAFKA_TLS: switch() => tls: bool = false;
        /// The certificate authority that Kafka's certificates are checked with, PEM
        POLLUX_KAFKA_CA: file().optional().absent("the system's") => ca: Option<PathBuf> = None;
        /// Our own certificate, PEM, if Kafka wants one
        POLLUX_KAFKA_CERTIFICATE: file().optional() => certificate: Option<PathBuf> = None;
        /// The key to our own certificate, PEM
        POLLUX_KAFKA_KEY: file().optional() => key: Option<PathBuf> = None;
        /// How to log in at Kafka: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
        POLLUX_KAFKA_SASL: choice("MECHANISM", Sasl::ALL, Sasl::name).optional() => sasl: Option<Sasl> = None;
        /// As whom to log in at Kafka
        POLLUX_KAFKA_USER: text("NAME").optional() => user: Option<String> = None;
        /// The password for it; better set in the environment than here
        POLLUX_KAFKA_PASSWORD: password().optional() => password: Option<Password> = None;
    }
    Limits {
        /// Records of one partition waiting to be acknowledged; past it appends to it are refused
        POLLUX_KAFKA_PARTITION_QUEUE: count(1..) => partition_queue: usize = 16_384;
        /// Votes that wait while Kafka takes none; past it further ones are refused
        POLLUX_KAFKA_WAITING: count(1..) => waiting: usize = 65_536;
        /// How long a batch for a partition waits for company
        POLLUX_KAFKA_LINGER: time() => linger: Duration = Duration::from_millis(2);
        /// After so long without an acknowledgement it is unknown whether a vote was recorded
        // Longer than a broker's session and an election; below the deadline of a vote, so that the answer is the log's.
        POLLUX_KAFKA_TIMEOUT: time() => timeout: Duration = Duration::from_secs(15);
        /// Most bytes read ahead of the processor in one partition
        POLLUX_KAFKA_READ_AHEAD: bytes(1..) => read_ahead: usize = 2 << 20;
    }
}

settings! {
    /// Limits of the HTTP side.
    pub struct ApiLimits = |config| config.api;
    Limits {
        /// Most connections at once; further ones wait in the kernel's queue
        POLLUX_API_CONNECTIONS: count(1..) => connections: usize = 50_000;
        /// How many of them one address may hold, in percent; trusted proxies are exempt
        // Further ones are refused; from 100 on they wait like all others.
        POLLUX_API_CONNECTIONS_SHARE: count(1..) => connections_share: u32 = 75;
        /// Longest body, in bytes
        POLLUX_API_BODY: bytes(1..) => body: usize = 16 * 1024;
        /// Largest logo of an event, in bytes
        POLLUX_API_LOGO: bytes(1..) => logo: usize = 64 * 1024;
        /// A request's headers must have arrived within this
        POLLUX_API_HEADER_TIMEOUT: time() => header_timeout: Duration = Duration::from_secs(10);
        /// A request's body must have arrived within this
        POLLUX_API_BODY_TIMEOUT: time() => body_timeout: Duration = Duration::from_secs(10);
        /// A client that leaves our bytes unread for so long is given up
        POLLUX_API_WRITE_TIMEOUT: time() => write_timeout: Duration = Duration::from_secs(30);
        /// A request must be answered within this
        POLLUX_API_DEADLINE: time() => deadline: Duration = Duration::from_secs(8);
        /// A vote must be answered within this; it waits as long for brokers that are being replaced
        POLLUX_API_VOTE_DEADLINE: time() => vote_deadline: Duration = Duration::from_secs(20);
        /// How long ?wait=counted waits
        POLLUX_API_WAIT: time() => wait: Duration = Duration::from_secs(5);
        /// How far ahead of our clock a ballot id may be
        POLLUX_API_AHEAD: time() => ahead: Duration = Duration::from_secs(60);
        /// Requests and messages per second and address, and the burst above it; loopback is exempt
        // 5,000 phones behind one address make some ten requests each when they join and vote.
        POLLUX_API_PER_ADDRESS: rate() => per_address: (u32, u32) = (2_000, 50_000);
        /// Ballots per second and voter in one poll, and the burst above it
        POLLUX_API_PER_VOTER: rate() => per_voter: (u32, u32) = (5, 20);
        /// Polls and events made per minute and address, of IPv6 per network (a /64), and the burst;
        /// loopback and the operator's token are exempt
        // 200 teachers behind one address each make three at once, and nine an hour from then on.
        POLLUX_API_CREATIONS: rate() => creations: (u32, u32) = (30, 600);
        /// Polls and events made per minute and IPv6 site (a /48), and the burst
        POLLUX_API_CREATIONS_OF_SITE: rate() => creations_of_site: (u32, u32) = (60, 1_200);
        /// Wrong join codes per minute and address, of IPv6 per network (a /64)
        POLLUX_API_GUESSES: count(1..) => guesses: u32 = 60;
        /// Wrong join codes per minute and IPv6 site (a /48)
        POLLUX_API_GUESSES_OF_SITE: count(1..) => guesses_of_site: u32 = 600;
        /// Wrong join codes per minute in all; past it each address and site has a tenth of its own
        POLLUX_API_GUESSES_IN_ALL: count(1..) => guesses_in_all: u32 = 6_000;
        /// How long log and store may take to say how they are
        POLLUX_API_PROBE: time() => probe: Duration = Duration::from_secs(1);
        /// Records read for one replay; a longer vote is not replayed
        // Each of its ballots takes some 150 bytes of memory meanwhile.
        POLLUX_API_REPLAY_RECORDS: count(1..) => replay_records: usize = 1_000_000;
        /// Replays kept for whoever asks next
        POLLUX_API_REPLAYS: count(1..) => replays: usize = 16;
    }
}

settings! {
    /// Limits of the log. Kafka's lingers in its own way and keeps no tail.
    pub struct LogLimits = |config| config.log;
    Limits {
        /// Records waiting to be durable; past it appends are refused
        POLLUX_LOG_QUEUE: count(1..) => queue: usize = 65_536;
        /// Records in one group commit
        POLLUX_LOG_GROUP: count(1..) => group: usize = 4_096;
        /// How long a group commit waits for company when the one before it was not alone
        POLLUX_LOG_LINGER: time() => linger: Duration = Duration::from_millis(1);
        /// An embedded log that leaves records unacknowledged for so long is not ready: its disk hangs
        // Longer than a slow card needs for a commit, shorter than a request's deadline.
        POLLUX_LOG_STALL: time() => stall: Duration = Duration::from_secs(5);
        /// Bytes of recent records kept in memory for readers
        POLLUX_LOG_TAIL_BYTES: bytes(1..) => tail_bytes: usize = 32 << 20;
        /// Bytes of an embedded log that are read again each second to find damage; 0: none
        POLLUX_LOG_SCRUB_BYTES: bytes(0..) => scrub_bytes: usize = 1 << 20;
        /// Announcements a feed may be behind before it is lost
        POLLUX_LOG_FEED: count(1..) => feed: usize = 16_384;
    }
}

settings! {
    /// Limits of the embedded store.
    pub struct StoreLimits = |config| config.store;
    Limits {
        /// Changes and commits waiting for the store's writer; past it callers wait
        POLLUX_STORE_QUEUE: count(1..) => queue: usize = 256;
        /// Reads of the store under way at once; past it callers wait
        POLLUX_STORE_READERS: count(1..) => readers: usize = 4;
        /// Voters whose latest state is kept in memory, about 90 bytes each and at most twice as many
        // Past it they are merged into the index on disk; while that is under way as many again, and one batch,
        // are held. The hash table doubles just past 7/8 of a power of two.
        POLLUX_STORE_VOTERS: count(1..) => voters: usize = (1 << 19) / 8 * 7;
        /// Size at which the store's write-ahead log is copied back, in bytes
        POLLUX_STORE_WAL_BYTES: bytes(1..) => wal_bytes: usize = 32 << 20;
    }
}

settings! {
    /// Where PostgreSQL is, and the limits of the store in it. Without a host the store is embedded.
    pub struct PostgresConfig = |config| config.db;
    Settings {
        /// PostgreSQL's host; set together with the brokers' addresses
        DB_HOST: text("HOST").optional() => host: Option<String> = None;
        /// PostgreSQL's port
        DB_PORT: port(1..=u16::MAX) => port: u16 = 5432;
        /// Account in PostgreSQL; it owns the tables
        DB_USER: text("USER").optional() => user: Option<String> = None;
        /// Its password; better set in the environment than here, where others on this machine may read it
        DB_PASSWORD: password() => password: Password = Password::default();
        /// Database in PostgreSQL; its tables are made at the first start
        DB_NAME: text("NAME") => name: String = "polling".into();
        /// TLS to PostgreSQL: off, require (to whoever answers) or verify (to the server that the authority
        /// knows under the name in DB_HOST)
        POLLUX_DB_TLS: choice("MODE", DbTls::ALL, DbTls::name) => tls: DbTls = DbTls::Off;
        /// The certificate authority that PostgreSQL's certificate is checked with, PEM
        POLLUX_DB_CA: file().optional().absent("the system's") => ca: Option<PathBuf> = None;
    }
    Limits {
        /// Connections to PostgreSQL at once; past it callers wait
        POLLUX_DB_CONNECTIONS: count(1..) => connections: usize = 16;
        /// How long a caller waits for a connection
        POLLUX_DB_WAIT: time() => wait: Duration = Duration::from_secs(2);
        /// How long making a connection to PostgreSQL may take
        POLLUX_DB_CONNECT: time() => connect: Duration = Duration::from_secs(2);
        /// How long an answer of PostgreSQL may take
        // To a statement, and to all of one call.
        POLLUX_DB_STATEMENT: time() => statement: Duration = Duration::from_secs(5);
        /// How long a statement waits for another worker's lock; longer than the next one
        POLLUX_DB_LOCK: time() => lock: Duration = Duration::from_secs(3);
        /// PostgreSQL ends a transaction whose process does nothing for so long
        // So long may a stopped worker hold others up.
        POLLUX_DB_IDLE_IN_TRANSACTION: time() => idle_in_transaction: Duration = Duration::from_secs(2);
        /// Voters remembered so that new ones need not be looked up, about 20 bytes each
        POLLUX_DB_VOTERS: count(1..) => voters: usize = 4 << 20;
    }
}

settings! {
    /// Limits of the processor.
    pub struct ProcessorLimits = |config| config.processor;
    Limits {
        /// Records in one batch of the processor
        POLLUX_PROCESSOR_BATCH: count(1..) => batch: usize = 8_192;
        /// How long a batch may wait for more records once it has one
        POLLUX_PROCESSOR_LINGER: time() => linger: Duration = Duration::from_millis(5);
        /// Polls whose tallies a worker keeps between batches
        POLLUX_PROCESSOR_POLLS: count(1..) => polls: usize = 10_000;
        /// Between two looks for due, unsettled and missed things
        POLLUX_PROCESSOR_HOUSEKEEPING: time() => housekeeping: Duration = Duration::from_millis(500);
        /// Pause before a failed read, load or commit is tried again
        POLLUX_PROCESSOR_RETRY: time() => retry: Duration = Duration::from_millis(200);
    }
}

settings! {
    /// Limits of the fan-out.
    pub struct WatchLimits = |config| config.watch;
    Limits {
        /// Shortest time between two updates of one poll
        POLLUX_WATCH_TICK: time() => tick: Duration = Duration::from_millis(100);
        /// Most viewers at once
        POLLUX_WATCH_VIEWERS: count(1..) => viewers: usize = 40_000;
        /// Polls in the first message of a viewer of everything, and updates a tick for one
        POLLUX_WATCH_OVERVIEW: count(1..) => overview: usize = 50;
        /// Polls one viewer may subscribe to
        POLLUX_WATCH_SUBSCRIPTIONS: count(1..) => subscriptions: usize = 100;
        /// Places on the leaderboard that is kept
        POLLUX_WATCH_LEADERBOARD: count(1..) => leaderboard: usize = 100;
        /// Of those, the places that sockets and streams are sent
        POLLUX_WATCH_LEADERBOARD_SENT: count(1..) => leaderboard_sent: usize = 10;
        /// Polls that may be open at once; a tenth more for polls made before, and for the operator
        POLLUX_WATCH_OPEN_POLLS: count(1..) => open_polls: usize = 20_000;
        /// Open polls kept in memory whole though nobody uses them; more are read back when they are used
        // 4 KiB each, 23 at the worst: 230 MB.
        POLLUX_WATCH_LOADED_POLLS: count(0..) => loaded_polls: usize = 10_000;
        /// Closed polls kept in memory
        POLLUX_WATCH_CLOSED_POLLS: count(1..) => closed_polls: usize = 10_000;
        /// Events kept in memory
        POLLUX_WATCH_EVENTS: count(1..) => events: usize = 1_000;
        /// Polls that the events kept in memory list, drafts among them
        // Past it the oldest event is forgotten.
        POLLUX_WATCH_EVENT_POLLS: count(1..) => event_polls: usize = 20_000;
        /// Voters remembered before their ballots are counted, where results show after the vote
        POLLUX_WATCH_RECENT_VOTERS: count(1..) => recent_voters: usize = 65_536;
        /// Polls whose course over time is kept
        POLLUX_WATCH_TRENDS: count(1..) => trends: usize = 256;
        /// Votes that the times from the vote to the screen are told of
        POLLUX_WATCH_LATENCY_SAMPLES: count(1..) => latency_samples: usize = 1_024;
        /// Longest message from a client, in bytes
        POLLUX_WATCH_MESSAGE: bytes(1..) => message: usize = 4 * 1024;
        /// Messages per second from one client, and the burst above it
        POLLUX_WATCH_MESSAGES: rate() => messages: (u32, u32) = (10, 50);
        /// Answers waiting for one client that does not read; past it the socket is closed
        POLLUX_WATCH_REPLIES: count(1..) => replies: usize = 64;
        /// The kernel's send buffer of a WebSocket, in bytes: what a slow viewer may be behind
        POLLUX_WATCH_SEND_BUFFER: bytes(1..) => send_buffer: usize = 64 * 1024;
        /// How long a closed socket may take to say goodbye
        POLLUX_WATCH_GOODBYE: time() => goodbye: Duration = Duration::from_secs(2);
        /// A socket silent for so long is asked with a ping; after twice that it is closed
        POLLUX_WATCH_SILENCE: time() => silence: Duration = Duration::from_secs(30);
    }
}

impl Config {
    /// Whether this is a cluster's node: log on Kafka, store in PostgreSQL. Else both are embedded.
    pub fn is_cluster(&self) -> bool {
        !self.kafka.broker.is_empty() && self.db.host.is_some()
    }

    /// Settings that contradict each other: a line each, which names both and says why.
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
                "a vote's answer must be Kafka's, not that nobody waited for it",
                kafka.timeout < api.vote_deadline,
            );
        } else {
            below(
                "POLLUX_LOG_LINGER",
                "POLLUX_API_VOTE_DEADLINE",
                "a vote waits at least as long for company",
                log.linger < api.vote_deadline,
            );
            below(
                "POLLUX_LOG_LINGER",
                "POLLUX_LOG_STALL",
                "else a log that waits for company is taken for one that hangs",
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
                "else no statement lives to see the lock",
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
