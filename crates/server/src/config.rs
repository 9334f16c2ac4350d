//! Every setting and every limit, with its default. The command line and the environment fill
//! these in (`crates/pollux`); nothing else in the server reads the environment.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use pollux_core::id::UnixMillis;

/// A secret of the installation that was rotated away, or will be.
#[derive(Clone, PartialEq, Eq)]
pub struct FormerSecret {
    /// Its text.
    pub text: String,
    /// Polls made before this have it for good.
    pub until: UnixMillis,
}

impl fmt::Debug for FormerSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "…@{}", self.until.0)
    }
}

/// All of it.
#[derive(Clone, Debug)]
pub struct Config {
    /// Addresses to listen on; default both loopbacks.
    pub hosts: Vec<IpAddr>,
    /// Port to listen on; 0 picks a free one.
    pub port: u16,
    /// What this process does.
    pub roles: Roles,
    /// The folder of the embedded log and store.
    pub data: PathBuf,
    /// Base of links and QR codes, without a slash at the end; default the
    /// machine's address in its network, or localhost when nobody else can reach it.
    pub public_url: Option<String>,
    /// The installation's secret. When absent it is made and kept in the folder; a cluster's
    /// nodes must be given it.
    pub secret: Option<String>,
    /// The secrets before it, oldest first, each with the moment from which the next is in force.
    pub former_secrets: Vec<FormerSecret>,
    /// The operator's token. When absent it is made, kept in the folder and printed once; in a
    /// cluster it is derived from the secret.
    pub admin_token: Option<String>,
    /// Whether only the operator may create polls.
    pub operator_creates: bool,
    /// Networks of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Origins besides our own that may open a WebSocket or call the API from a page.
    pub allowed_origins: Vec<String>,
    /// How long browsers that came over HTTPS use nothing else; zero leaves it to whoever is in front.
    pub hsts: Duration,
    /// Partitions of a log that is made anew.
    pub partitions: u32,
    /// How to reach Kafka; without a broker the log is embedded.
    pub kafka: KafkaConfig,
    /// Limits of the HTTP side.
    pub api: ApiLimits,
    /// Limits of the log.
    pub log: LogLimits,
    /// Limits of the embedded store.
    pub store: StoreLimits,
    /// Where PostgreSQL is, and its limits.
    pub db: PostgresConfig,
    /// Limits of the processor.
    pub processor: ProcessorLimits,
    /// Limits of the fan-out.
    pub watch: WatchLimits,
    /// How long a start waits for Kafka and PostgreSQL to answer.
    pub wait: Duration,
    /// How long a stop may take before what is left is cut.
    pub drain: Duration,
}

impl Config {
    /// Whether this is a cluster's node: log on Kafka, store in PostgreSQL. Else both are embedded.
    pub fn is_cluster(&self) -> bool {
        !self.kafka.broker.is_empty() && self.db.host.is_some()
    }
}

/// What a process of a cluster does; an embedded one does all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    /// Take votes and show results.
    pub web: bool,
    /// Count votes.
    pub processor: bool,
}

impl Roles {
    /// Everything.
    pub const ALL: Self = Self { web: true, processor: true };
}

/// How to reach Kafka, and the topics on it.
#[derive(Clone, Debug)]
pub struct KafkaConfig {
    /// `host:port` of some of the brokers; the others are learnt from them.
    pub broker: Vec<String>,
    /// What the names of our topics and groups begin with.
    pub topic_prefix: String,
    /// Partitions of a topic `votes` that is made anew; an existing one keeps its own.
    pub partitions: u32,
    /// Replicas of topics that are made anew.
    pub replication: u32,
    /// Take topics that break the promise, with a warning.
    pub weak: bool,
    /// Whether to speak TLS.
    pub tls: bool,
    /// The certificate authority to trust, a PEM file; the system's when absent.
    pub ca: Option<PathBuf>,
    /// Our own certificate, a PEM file, if the brokers want one.
    pub certificate: Option<PathBuf>,
    /// The key to it, a PEM file.
    pub key: Option<PathBuf>,
    /// How to log in, if the brokers want that.
    pub sasl: Option<Sasl>,
    /// As whom.
    pub user: Option<String>,
    /// With which password.
    pub password: Option<Password>,
    /// Records waiting to be acknowledged in one partition; past it appends to it are refused.
    pub partition_queue: usize,
    /// How long a batch for a partition waits for company.
    pub linger: Duration,
    /// After so long without an acknowledgement the outcome of an append is unknown.
    pub timeout: Duration,
    /// Most bytes read ahead of the processor in one partition.
    pub read_ahead: usize,
}

/// SASL mechanisms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sasl {
    /// The password as it is: over TLS only, or in a network of one's own.
    Plain,
    /// SCRAM with SHA-256.
    ScramSha256,
    /// SCRAM with SHA-512.
    ScramSha512,
}

impl Sasl {
    /// Its registered name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

/// Limits of the HTTP side.
#[derive(Clone, Debug)]
pub struct ApiLimits {
    /// Most connections at once; further ones wait in the kernel's queue.
    pub connections: usize,
    /// How many of them one address may hold, in percent; further ones are refused, from 100 on they
    /// wait like all others. Trusted proxies are exempt.
    pub connections_share: u32,
    /// Longest body, in bytes.
    pub body: usize,
    /// Largest logo of an event, in bytes.
    pub logo: usize,
    /// A connection must have sent a request's headers within this.
    pub header_timeout: Duration,
    /// A request's body must have arrived within this.
    pub body_timeout: Duration,
    /// A client that leaves our bytes unread for so long is given up.
    pub write_timeout: Duration,
    /// A request must be answered within this.
    pub deadline: Duration,
    /// How long `?wait=counted` waits.
    pub wait: Duration,
    /// How far ahead of our clock a ballot id may be.
    pub ahead: Duration,
    /// Requests and messages over sockets per second and address, and the burst above it; loopback
    /// is exempt.
    pub per_address: (u32, u32),
    /// Ballots per second and voter in one poll, and the burst above it.
    pub per_voter: (u32, u32),
    /// New polls and events per minute and address, of IPv6 per network (a /64), and the burst
    /// above it; loopback and the operator are exempt.
    pub creations: (u32, u32),
    /// The same of an IPv6 site (a /48).
    pub creations_of_site: (u32, u32),
    /// Wrong join codes per minute and address, of IPv6 per network (a /64).
    pub guesses: u32,
    /// Wrong join codes per minute and IPv6 site (a /48).
    pub guesses_of_site: u32,
    /// Wrong join codes per minute in all; past it each address and site has a tenth of `guesses`.
    pub guesses_in_all: u32,
    /// How long log and store may take to say how they are.
    pub probe: Duration,
    /// Records read for one replay; a longer vote is not replayed. Each of its ballots takes some
    /// 150 bytes of memory meanwhile.
    pub replay_records: usize,
    /// Replays kept for whoever asks next.
    pub replays: usize,
}

/// Limits of the log. Kafka's lingers in its own way and keeps no tail.
#[derive(Clone, Debug)]
pub struct LogLimits {
    /// Records waiting to be durable; past it appends are refused.
    pub queue: usize,
    /// Records in one group commit.
    pub group: usize,
    /// How long a group waits for company when the one before it was not alone.
    pub linger: Duration,
    /// An embedded log that leaves appends unanswered for so long is not ready: its disk hangs.
    pub stall: Duration,
    /// Bytes of recent records kept in memory for readers.
    pub tail_bytes: usize,
    /// Bytes of an embedded log that are read again each second to find damage; 0: none.
    pub scrub_bytes: usize,
    /// Announcements a feed may be behind before it is lost.
    pub feed: usize,
}

/// Limits of the embedded store.
#[derive(Clone, Debug)]
pub struct StoreLimits {
    /// Changes and commits waiting for the writer; past it callers wait.
    pub queue: usize,
    /// Reads under way at once; past it callers wait.
    pub readers: usize,
    /// Voters whose latest state is kept in memory before it is merged into the index on disk.
    /// At most twice as many, and one batch, are held while a merge is under way: about
    /// 90 bytes each.
    pub voters: usize,
    /// Size at which the write-ahead log is copied back into the database, in bytes.
    pub wal_bytes: usize,
}

/// Where PostgreSQL is, and the limits of the store in it.
#[derive(Clone, Debug)]
pub struct PostgresConfig {
    /// The server; none is used without.
    pub host: Option<String>,
    /// Its port.
    pub port: u16,
    /// The account; it owns the tables.
    pub user: Option<String>,
    /// Its password.
    pub password: Password,
    /// The database.
    pub name: String,
    /// Whether the connection is encrypted, and to whom.
    pub tls: DbTls,
    /// The certificate authority to trust, a PEM file; the system's when absent.
    pub ca: Option<PathBuf>,
    /// Connections of this process at once; past it callers wait.
    pub connections: usize,
    /// How long a caller waits for a connection.
    pub wait: Duration,
    /// How long making a connection may take.
    pub connect: Duration,
    /// How long an answer may take, to a statement and to all of one call.
    pub statement: Duration,
    /// How long a statement waits for another worker's lock. Longer than that worker may hold
    /// it without doing anything.
    pub lock: Duration,
    /// A transaction whose process does nothing for so long is ended by the server: what a
    /// stopped worker holds up.
    pub idle_in_transaction: Duration,
    /// Voters remembered so that those who are new need not be looked up, about 20 bytes each.
    pub voters: usize,
}

/// TLS to PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DbTls {
    /// None: whoever sees the network sees everything.
    Off,
    /// Encrypted, to whoever answers: no help against one who stands between.
    Require,
    /// Encrypted, and only to the server that the certificate authority vouches for by its name.
    Verify,
}

impl DbTls {
    /// As it is set.
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Require => "require",
            Self::Verify => "verify",
        }
    }
}

/// A password: never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Password(pub String);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// Limits of the processor.
#[derive(Clone, Debug)]
pub struct ProcessorLimits {
    /// Records in one batch.
    pub batch: usize,
    /// How long a batch may wait for more records once it has one.
    pub linger: Duration,
    /// Polls whose tallies a worker keeps between batches.
    pub polls: usize,
    /// Between two looks for due, unsettled and missed things.
    pub housekeeping: Duration,
    /// Pause before a failed read, load or commit is tried again.
    pub retry: Duration,
}

/// Limits of the fan-out.
#[derive(Clone, Debug)]
pub struct WatchLimits {
    /// Shortest time between two updates of one poll.
    pub tick: Duration,
    /// Most viewers at once; fewer than `ApiLimits::connections`, so that voters find a place
    /// when every seat is taken.
    pub viewers: usize,
    /// Polls in the first message of a viewer of everything, and updates a tick for one.
    pub overview: usize,
    /// Polls one viewer may subscribe to.
    pub subscriptions: usize,
    /// Places on the leaderboard that is kept.
    pub leaderboard: usize,
    /// Of those, the places that sockets and streams are sent.
    pub leaderboard_sent: usize,
    /// Polls that may be open at once. A tenth more are for polls that are there already, and for
    /// the operator.
    pub open_polls: usize,
    /// Open polls that are in memory whole though nobody uses them at the moment.
    pub loaded_polls: usize,
    /// Closed polls kept in memory.
    pub closed_polls: usize,
    /// Events kept in memory.
    pub events: usize,
    /// Polls that all of these events list; past it the oldest event is forgotten.
    pub event_polls: usize,
    /// Voters remembered as such before their ballots are counted, in polls that show their
    /// numbers after the vote.
    pub recent_voters: usize,
    /// Polls whose course over time is kept.
    pub trends: usize,
    /// Votes that the times from the vote to the screen are told of.
    pub latency_samples: usize,
    /// Longest message from a client, in bytes.
    pub message: usize,
    /// Messages per second from one client, and the burst above it.
    pub messages: (u32, u32),
    /// Answers waiting for one client that does not read; past it the socket is closed.
    pub replies: usize,
    /// A socket that is silent for so long is asked with a ping; after twice that it is closed.
    pub silence: Duration,
    /// The kernel's send buffer of a WebSocket, in bytes: what a slow viewer may be behind.
    pub send_buffer: usize,
    /// How long a closed socket may take to say goodbye.
    pub goodbye: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            hosts: vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            port: 5000,
            roles: Roles::ALL,
            data: "./pollux-data".into(),
            public_url: None,
            secret: None,
            former_secrets: Vec::new(),
            admin_token: None,
            operator_creates: false,
            trusted_proxies: Vec::new(),
            allowed_origins: Vec::new(),
            hsts: Duration::ZERO,
            partitions: 1,
            kafka: KafkaConfig::default(),
            api: ApiLimits::default(),
            log: LogLimits::default(),
            store: StoreLimits::default(),
            db: PostgresConfig::default(),
            processor: ProcessorLimits::default(),
            watch: WatchLimits::default(),
            wait: Duration::from_secs(30),
            drain: Duration::from_secs(10),
        }
    }
}

impl Config {
    /// Settings that contradict each other: a line each, which names both and says why.
    pub fn contradictions(&self) -> Vec<String> {
        let Self { api, log, db, watch, kafka, .. } = self;
        let mut found = Vec::new();
        let mut below = |lower: (&str, String), upper: (&str, String), why: &str, fits: bool| {
            if !fits {
                let ((lower, little), (upper, much)) = (lower, upper);
                found.push(format!("{lower} ({little}) must be below {upper} ({much}): {why}"));
            }
        };
        let time = |time: Duration| format!("{time:?}");
        below(
            ("POLLUX_WATCH_VIEWERS", watch.viewers.to_string()),
            ("POLLUX_API_CONNECTIONS", api.connections.to_string()),
            "when every viewer's seat is taken there must be room left for voters",
            watch.viewers < api.connections,
        );
        if !kafka.broker.is_empty() {
            below(
                ("POLLUX_KAFKA_TIMEOUT", time(kafka.timeout)),
                ("POLLUX_API_DEADLINE", time(api.deadline)),
                "a vote's answer must be Kafka's, not that nobody waited for it",
                kafka.timeout < api.deadline,
            );
        } else {
            below(
                ("POLLUX_LOG_LINGER", time(log.linger)),
                ("POLLUX_API_DEADLINE", time(api.deadline)),
                "a vote waits at least as long for company",
                log.linger < api.deadline,
            );
            below(
                ("POLLUX_LOG_LINGER", time(log.linger)),
                ("POLLUX_LOG_STALL", time(log.stall)),
                "else a log that waits for company is taken for one that hangs",
                log.linger < log.stall,
            );
        }
        if db.host.is_some() {
            below(
                ("POLLUX_DB_IDLE_IN_TRANSACTION", time(db.idle_in_transaction)),
                ("POLLUX_DB_LOCK", time(db.lock)),
                "a worker must outwait one that was stopped holding a lock",
                db.idle_in_transaction < db.lock,
            );
            below(
                ("POLLUX_DB_LOCK", time(db.lock)),
                ("POLLUX_DB_STATEMENT", time(db.statement)),
                "else no statement lives to see the lock",
                db.lock < db.statement,
            );
        }
        found
    }
}

impl Default for KafkaConfig {
    fn default() -> Self {
        Self {
            broker: Vec::new(),
            topic_prefix: String::new(),
            partitions: 12,
            replication: 3,
            weak: false,
            tls: false,
            ca: None,
            certificate: None,
            key: None,
            sasl: None,
            user: None,
            password: None,
            partition_queue: 16_384,
            linger: Duration::from_millis(2),
            // Below the deadline of a request, so that the answer is the log's.
            timeout: Duration::from_secs(5),
            read_ahead: 2 << 20,
        }
    }
}

impl Default for ApiLimits {
    fn default() -> Self {
        Self {
            connections: 50_000,
            connections_share: 75,
            body: 16 * 1024,
            logo: 64 * 1024,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(30),
            deadline: Duration::from_secs(8),
            wait: Duration::from_secs(5),
            ahead: Duration::from_secs(60),
            // 5,000 phones behind one address make some ten requests each when they join and vote.
            per_address: (2_000, 50_000),
            per_voter: (5, 20),
            // 200 teachers behind one address each make three at once, and nine an hour from then on.
            creations: (30, 600),
            creations_of_site: (60, 1_200),
            guesses: 60,
            guesses_of_site: 600,
            guesses_in_all: 6_000,
            probe: Duration::from_secs(1),
            replay_records: 1_000_000,
            replays: 16,
        }
    }
}

impl Default for LogLimits {
    fn default() -> Self {
        Self {
            queue: 65_536,
            group: 4_096,
            linger: Duration::from_millis(1),
            // Longer than a slow card needs for a commit, shorter than a request's deadline.
            stall: Duration::from_secs(5),
            tail_bytes: 32 << 20,
            scrub_bytes: 1 << 20,
            feed: 16_384,
        }
    }
}

impl Default for StoreLimits {
    fn default() -> Self {
        // The hash table doubles just past 7/8 of a power of two.
        Self { queue: 256, readers: 4, voters: (1 << 19) / 8 * 7, wal_bytes: 32 << 20 }
    }
}

impl Default for PostgresConfig {
    fn default() -> Self {
        Self {
            host: None,
            port: 5432,
            user: None,
            password: Password::default(),
            name: "polling".into(),
            tls: DbTls::Off,
            ca: None,
            connections: 16,
            wait: Duration::from_secs(2),
            connect: Duration::from_secs(2),
            statement: Duration::from_secs(5),
            lock: Duration::from_secs(3),
            idle_in_transaction: Duration::from_secs(2),
            voters: 4 << 20,
        }
    }
}

impl Default for ProcessorLimits {
    fn default() -> Self {
        Self {
            batch: 8_192,
            linger: Duration::from_millis(5),
            polls: 10_000,
            housekeeping: Duration::from_millis(500),
            retry: Duration::from_millis(200),
        }
    }
}

impl Default for WatchLimits {
    fn default() -> Self {
        Self {
            tick: Duration::from_millis(100),
            viewers: 40_000,
            overview: 50,
            subscriptions: 100,
            leaderboard: 100,
            leaderboard_sent: 10,
            open_polls: 20_000,
            // 3 KiB each, 24 at the worst: 120 MB.
            loaded_polls: 5_000,
            closed_polls: 10_000,
            events: 1_000,
            event_polls: 20_000,
            recent_voters: 65_536,
            trends: 256,
            latency_samples: 1_024,
            message: 4 * 1024,
            messages: (10, 50),
            replies: 64,
            silence: Duration::from_secs(30),
            send_buffer: 64 * 1024,
            goodbye: Duration::from_secs(2),
        }
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

        config.kafka.timeout = config.api.deadline;
        config.db.idle_in_transaction = config.db.lock;
        config.db.statement = config.db.lock;
        config.watch.viewers = config.api.connections;
        let found = config.contradictions();
        assert_eq!(found.len(), 4, "{found:?}");
        for named in
            ["POLLUX_KAFKA_TIMEOUT (8s)", "POLLUX_API_DEADLINE (8s)", "POLLUX_DB_LOCK (3s)"]
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
