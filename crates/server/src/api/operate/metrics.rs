//! The metrics of the HTTP side. Handles are made once, so that counting a vote is an addition.
//!
//! Metrics have base units, counters end in `_total`, and no label has a value that a client chooses.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

use foldhash::fast::FixedState;
use http::{Method, StatusCode};
use metrics::{
    Counter, Gauge, Histogram, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::api::http::path::short;
use crate::api::problem::Trouble;
use crate::log::Log;
use crate::watch::hub::Hub;

const APPEND_SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.12, 0.25, 0.5, 1.0, 3.0, 8.0];

/// Returns the recorder of the process. Several servers in one process, as in tests, share it.
fn recorder() -> &'static PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER.get_or_init(|| {
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &APPEND_SECONDS)
            .expect("there are buckets");
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another recorder of metrics is in place; /metrics will stay empty");
        }
        describe_counter!("pollux_votes_total", "Ballots that were recorded or refused, by outcome");
        describe_histogram!(
            "pollux_append_seconds",
            "Time from handing a ballot to the log until the log answered"
        );
        describe_histogram!("pollux_log_commit_seconds", "Time of one commit of the log, including its sync");
        describe_histogram!("pollux_log_group_records", "Records that one commit made durable");
        describe_counter!("pollux_http_requests_total", "Requests that were answered, by route, method and status");
        describe_gauge!("pollux_http_connections", "Connections that are open now");
        describe_gauge!(
            "pollux_partitions_stuck",
            "Partitions that cannot be counted at the moment; the process's log says why"
        );
        describe_histogram!(
            "pollux_vote_to_screen_seconds",
            "Time from the log's acknowledgement of a ballot until the tick that sent the state with it"
        );
        describe_counter!(
            "pollux_security_events_total",
            "Security events, by name"
        );
        describe_gauge!("pollux_log_weak", "1: Kafka's topics may lose acknowledged votes");
        describe_gauge!("pollux_log_damaged", "1: records of the log are not what was written");
        describe_gauge!("pollux_viewers", "Sockets and streams that watch now");
        describe_gauge!("pollux_open_polls", "Polls that are open now");
        describe_gauge!("pollux_loaded_polls", "Open polls that are kept whole in memory");
        handle
    })
}

/// `Metrics` holds the handles of the metrics.
pub struct Metrics {
    recorded: Counter,
    not_recorded: Counter,
    unknown: Counter,
    rejected: Counter,
    append: Histogram,
    /// The number of open connections.
    pub connections: Gauge,
    viewers: Gauge,
    open_polls: Gauge,
    loaded_polls: Gauge,
    log_weak: Gauge,
    requests: HashMap<&'static str, Route, FixedState>,
    unrouted: Route,
}

/// `Route` holds the counters of one route, each made when it is first needed.
struct Route {
    template: &'static str,
    cells: [[OnceLock<Counter>; STATUSES.len() + 1]; METHODS.len() + 1],
}

const METHODS: [Method; 6] =
    [Method::GET, Method::POST, Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS];

const STATUSES: [u16; 22] = [
    101, 200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 426, 429, 431,
    500, 503, 504,
];

impl Route {
    fn new(template: &'static str) -> Self {
        Self { template, cells: Default::default() }
    }

    fn answered(&self, method: &Method, status: StatusCode) {
        let row = METHODS.iter().position(|m| m == method).unwrap_or(METHODS.len());
        let column = STATUSES.iter().position(|s| *s == status.as_u16()).unwrap_or(STATUSES.len());
        let cell = &self.cells[row][column];
        cell.get_or_init(|| {
            let method = METHODS.get(row).map_or("other", Method::as_str).to_owned();
            let status = STATUSES.get(column).map_or("other".into(), u16::to_string);
            counter!("pollux_http_requests_total",
                "route" => self.template, "method" => method, "status" => status)
        })
        .increment(1);
    }
}

impl Metrics {
    /// Creates the handles for these routes.
    pub fn new(templates: impl IntoIterator<Item = &'static str>) -> Self {
        recorder();
        let vote = |outcome: &'static str| counter!("pollux_votes_total", "outcome" => outcome);
        Self {
            recorded: vote("recorded"),
            not_recorded: vote("not_recorded"),
            unknown: vote("unknown"),
            rejected: vote("rejected"),
            append: histogram!("pollux_append_seconds"),
            connections: gauge!("pollux_http_connections"),
            viewers: gauge!("pollux_viewers"),
            open_polls: gauge!("pollux_open_polls"),
            loaded_polls: gauge!("pollux_loaded_polls"),
            log_weak: gauge!("pollux_log_weak"),
            requests: templates.into_iter().map(|t| (t, Route::new(t))).collect(),
            unrouted: Route::new("none"),
        }
    }

    /// Counts a ballot that was answered with success, or with this trouble.
    pub fn vote(&self, trouble: Option<Trouble>) {
        match trouble {
            None => &self.recorded,
            Some(Trouble::NotRecorded) => &self.not_recorded,
            Some(Trouble::OutcomeUnknown) => &self.unknown,
            Some(_) => &self.rejected,
        }
        .increment(1);
    }

    /// Records how long the log took to answer.
    pub fn appended(&self, took: Duration) {
        self.append.record(took);
    }

    /// Counts the answer to a request.
    pub fn answered(&self, route: Option<&str>, method: &Method, status: StatusCode) {
        route
            .and_then(|route| self.requests.get(short(route)))
            .unwrap_or(&self.unrouted)
            .answered(method, status);
    }

    /// Renders all metrics in Prometheus' text format.
    pub fn render(&self, hub: &Hub, log: &dyn Log) -> String {
        self.log_weak.set(if log.weakness().is_some() { 1.0 } else { 0.0 });
        self.viewers.set(hub.viewers() as f64);
        self.open_polls.set(hub.open_polls() as f64);
        self.loaded_polls.set(hub.loaded_polls() as f64);
        recorder().render()
    }

    /// Folds what the histograms have gathered. Otherwise they grow until somebody scrapes them.
    pub fn upkeep(&self) {
        recorder().run_upkeep();
    }
}
