//! The world is a whole server in memory for the tests of the HTTP side: the real processor, hub and feed
//! over the memory log and store, with a clock that stands still and dice that are seeded.

#![allow(dead_code, missing_docs, clippy::unwrap_used)]

pub mod schema;
pub mod served;

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use parking_lot::Mutex;
use pollux_core::announcement::Announcement;
use pollux_core::event::Event;
use pollux_core::id::{EventId, Generation, Offset, Partition, PollId, UnixMillis};
use pollux_core::standing::Standing;
use pollux_server::ambient::Ambient;
use pollux_server::api::{App, router};
use pollux_server::config::Config;
use pollux_server::log::memory::{LogFaults, MemoryLog};
use pollux_server::log::{Feed, Log, Waiting};
use pollux_server::processor::Processor;
use pollux_server::store::memory::MemoryStore;
use pollux_server::store::{Listing, Store};
use pollux_server::watch::feed::{self, Announcements, Pace, Source};
use pollux_server::watch::hub::Hub;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// The tests begin at 2026-11-21T12:00:00Z, in milliseconds since 1970.
pub const NOON: u64 = 1_795_262_400_000;
/// This is the operator's token.
pub const OPERATOR: &str = "the-operators-token";

/// `Manual` is a clock that is set by hand, with seeded dice.
pub struct Manual {
    now: Mutex<u64>,
    dice: Mutex<StdRng>,
}

impl Manual {
    /// Sets the clock forward.
    pub fn advance(&self, by: Duration) {
        *self.now.lock() += by.as_millis() as u64;
    }

    /// Sets the clock back.
    pub fn set_back(&self, by: Duration) {
        *self.now.lock() -= by.as_millis() as u64;
    }
}

impl Ambient for Manual {
    fn now(&self) -> UnixMillis {
        UnixMillis(*self.now.lock())
    }

    fn fill(&self, bytes: &mut [u8]) {
        self.dice.lock().fill_bytes(bytes);
    }
}

/// `Backends` gives the feed the log and the store.
struct Backends {
    log: Arc<dyn Log>,
    store: Arc<dyn Store>,
}

/// `Heard` gives the feed the log's announcements.
struct Heard(Box<dyn Feed>);

#[async_trait]
impl Announcements for Heard {
    async fn next(&mut self) -> Option<Vec<Announcement>> {
        self.0.next().await.ok()
    }
}

#[async_trait]
impl Source for Backends {
    async fn join(&self) -> Result<Box<dyn Announcements>, String> {
        let feed = self.log.feed().await.map_err(|error| error.to_string())?;
        Ok(Box::new(Heard(feed)))
    }

    async fn progress(&self) -> Result<Vec<(Partition, Generation, Offset)>, String> {
        let progress = self.store.progress().await.map_err(|error| error.to_string())?;
        Ok(progress.into_iter().map(|(p, at)| (p, at.generation, at.next_offset)).collect())
    }

    async fn open_polls(&self, before: Option<PollId>) -> Result<Vec<Standing>, String> {
        let listing = Listing { limit: 1_000, all: true, before, ..Listing::default() };
        self.store.list(listing).await.map_err(|error| error.to_string())
    }

    async fn standing(&self, id: PollId) -> Result<Option<Standing>, String> {
        self.store.standing(id).await.map_err(|error| error.to_string())
    }

    async fn event(&self, id: EventId) -> Result<Option<(Event, Vec<Standing>)>, String> {
        self.store.event(id).await.map_err(|error| error.to_string())
    }
}

/// `World` is a server in memory.
pub struct World {
    pub app: Arc<App>,
    pub router: Router,
    pub ambient: Arc<Manual>,
    pub cluster: MemoryLog,
    pub store: Arc<MemoryStore>,
    pub stop: CancellationToken,
    transcript: Mutex<String>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl World {
    /// Starts a server with the default settings.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// Starts a server whose settings are changed first.
    pub async fn with(configure: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config {
            public_url: Some("http://polls.example".into()),
            partitions: 2,
            ..Config::default()
        };
        configure(&mut config);
        let ambient =
            Arc::new(Manual { now: Mutex::new(NOON), dice: Mutex::new(StdRng::seed_from_u64(1)) });
        let generation = Generation("01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap());
        let cluster = MemoryLog::new(
            generation,
            config.partitions,
            config.log.clone(),
            LogFaults::default(),
            2,
        );
        cluster.assign(1, (0..config.partitions).collect());
        let store = MemoryStore::new(config.partitions);
        let stop = CancellationToken::new();
        let world = Self::node(config, ambient, cluster, 1, store, stop).await;
        let App { log, config, .. } = &*world.app;
        let shared: Arc<dyn Store> = world.store.clone();
        let limits = config.processor.clone();
        let processor = Processor::new(log.clone(), shared, world.ambient.clone(), limits);
        tokio::spawn(processor.run(world.stop.clone()));
        world
    }

    /// Starts another node of the same cluster, which answers clients and counts nothing.
    pub async fn beside(&self) -> Self {
        let (config, ambient) = (self.app.config.clone(), self.ambient.clone());
        let (cluster, store) = (self.cluster.clone(), self.store.clone());
        Self::node(config, ambient, cluster, 2, store, self.stop.child_token()).await
    }

    async fn node(
        config: Config,
        ambient: Arc<Manual>,
        cluster: MemoryLog,
        member: u32,
        store: Arc<MemoryStore>,
        stop: CancellationToken,
    ) -> Self {
        let mut log: Arc<dyn Log> = cluster.node(member);
        if config.is_cluster() {
            log = Waiting::new(log, config.kafka.waiting);
        }
        let shared: Arc<dyn Store> = store.clone();
        let hub = Hub::new(config.partitions, config.watch.clone(), ambient.clone());
        let source = Arc::new(Backends { log: log.clone(), store: shared.clone() });
        let pace = Pace { retry: Duration::from_millis(50), reconcile: Duration::from_secs(60) };
        let loaded = CancellationToken::new();
        tokio::spawn(feed::run(hub.clone(), source, pace, loaded.clone(), stop.clone()));
        let (ticking, until) = (hub.clone(), stop.clone());
        tokio::spawn(async move { ticking.run(until).await });
        loaded.cancelled().await;
        let app = App::new(config, ambient.clone(), log, shared, hub, b"a secret", OPERATOR);
        let router = router(app.clone());
        Self { app, router, ambient, cluster, store, stop, transcript: Mutex::default() }
    }

    /// Waits until everything on the log is counted and shown.
    pub async fn settle(&self) {
        for partition in 0..self.app.log.partitions() {
            let end = self.app.log.end(partition).await.unwrap();
            if end > 1 {
                self.app.hub.committed(partition, end - 1).await;
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }

    /// Has the log fail in these ways from now on.
    pub fn fail(&self, faults: LogFaults) {
        self.cluster.set_faults(faults);
    }

    /// Settles, and returns the number of voters of a poll, and the votes by option.
    pub async fn counted(&self, poll: &str) -> (u64, Vec<u64>) {
        self.settle().await;
        let poll = self.call(Ask::get(format!("/api/polls/{poll}")).request()).await.json();
        let options = poll["options"].as_array().unwrap();
        let votes = options.iter().map(|option| option["votes"].as_u64().unwrap()).collect();
        (poll["totalVoters"].as_u64().unwrap(), votes)
    }

    /// Sends a request to the router and returns the whole answer.
    pub async fn call(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body: body.to_vec() }
    }

    /// Makes a request, and writes it and its answer into the transcript.
    pub async fn tell(&self, ask: Ask) -> Answer {
        let answer = self.call(ask.request()).await;
        let mut transcript = self.transcript.lock();
        writeln!(transcript, "{ask}\n{answer}").unwrap();
        answer
    }

    /// Returns the transcript so far.
    pub fn transcript(&self) -> String {
        self.transcript.lock().trim_end().to_owned()
    }

    /// Makes a poll, and returns its id and the owner's token.
    pub async fn poll(&self, body: &str) -> (String, String) {
        let answer = self.call(Ask::post("/api/polls", body).request()).await;
        assert_eq!(answer.status, 201, "{answer}");
        let json = answer.json();
        let text = |name: &str| json[name].as_str().unwrap().to_owned();
        (text("id"), text("ownerToken"))
    }
}

/// An `Ask` is a request that a test can write down and send.
#[derive(Clone)]
pub struct Ask {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Ask {
    /// Creates a request without headers and body.
    pub fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), headers: Vec::new(), body: Vec::new() }
    }

    /// Returns the body, if it is JSON.
    pub fn json_body(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Creates a GET request.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new("GET", path)
    }

    /// Creates a POST request with a JSON body.
    pub fn post(path: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self::new("POST", path).json(body)
    }

    /// Sets a JSON body, with its content type.
    pub fn json(self, body: impl Into<Vec<u8>>) -> Self {
        self.header("content-type", "application/json").body(body)
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds a token as its bearer shows it.
    pub fn token(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// Builds the request.
    pub fn request(&self) -> Request<Body> {
        let mut request = Request::builder().method(self.method).uri(&self.path);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request.body(Body::from(self.body.clone())).unwrap()
    }
}

impl std::fmt::Display for Ask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "=== {} {}", self.method, self.path)?;
        for (name, value) in self.headers.iter().filter(|(name, _)| *name != "content-type") {
            writeln!(f, "{name}: {value}")?;
        }
        let body: String = String::from_utf8_lossy(&self.body).chars().take(300).collect();
        if !body.is_empty() {
            writeln!(f, "{}", body.escape_debug().to_string().replace("\\\"", "\""))?;
        }
        Ok(())
    }
}

/// An `Answer` is what the server answers to a request.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// Returns the body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// Returns the cookie that was set, in the form in which it is sent back.
    pub fn cookie(&self) -> Option<String> {
        let cookie = self.headers.get("set-cookie")?.to_str().unwrap();
        Some(cookie.split(';').next().unwrap().to_owned())
    }

    /// Returns a header, or an empty text if it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "--> {}", self.status)?;
        for name in [
            "content-type",
            "location",
            "etag",
            "cache-control",
            "allow",
            "retry-after",
            "www-authenticate",
            "vary",
            "set-cookie",
        ] {
            for value in self.headers.get_all(name) {
                writeln!(f, "{name}: {}", value.to_str().unwrap())?;
            }
        }
        match serde_json::from_slice::<Value>(&self.body) {
            Ok(json) => writeln!(f, "{}", serde_json::to_string_pretty(&json).unwrap()),
            Err(_) => {
                let text: String = String::from_utf8_lossy(&self.body).chars().take(200).collect();
                if text.is_empty() { Ok(()) } else { writeln!(f, "{text}") }
            }
        }
    }
}
