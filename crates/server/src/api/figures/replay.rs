//! A final poll's vote once more, from the log itself: its records are read and folded again, and
//! what comes out must be the result that is shown.
//!
//! One is made at a time, and kept for whoever asks next. Its records are decoded and folded on one
//! thread beside the runtime's, which votes need for themselves.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use futures_util::future::try_join_all;
use http::header::{CACHE_CONTROL, HeaderValue};
use http::{HeaderMap, Request};
use parking_lot::Mutex;
use pollux_core::ballot::{Ballot, Status};
use pollux_core::fold::{self, Outcome, Past};
use pollux_core::id::{Offset, Partition, PollId, UnixMillis};
use pollux_core::kind::Answer;
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::record::{Control, Entry};
use pollux_core::standing::Standing;
use pollux_core::tally::{DeadReason, Tally};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use crate::api::App;
use crate::api::docs::openapi::served;
use crate::api::lookup::Params;
use crate::api::operate::probe::Probe;
use crate::api::poll::read as polls;
use crate::api::problem::{Problem, Trouble};
use crate::log::{Log, ReadError, Record};
use crate::watch::view::{rfc3339, sees_numbers};

/// Most frames of a replay.
const FRAMES: u64 = 200;
/// Records read at a time.
const PAGE: usize = 8_192;
/// How long a read waits for records that are on the log.
const READ_WAIT: Duration = Duration::from_secs(2);
/// A record taken so long before its poll was made was not taken for it, whatever the nodes' clocks.
const CLOCKS: u64 = 60 * 60 * 1000;
/// What was made from records that do not change is not made again.
const FRESH: Duration = Duration::MAX;

/// How a poll's vote went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Replay)]
pub struct ReplayView {
    /// When the first vote came that counted. RFC 3339, UTC.
    #[schema(format = "date-time")]
    pub from: String,
    /// When the poll closed. RFC 3339, UTC.
    #[schema(format = "date-time")]
    pub to: String,
    /// People counted in the end.
    pub voters: u64,
    /// At equal intervals, from the first vote to the close. The last one is the final result.
    #[schema(min_items = 1, max_items = 200)]
    pub frames: Vec<Frame>,
}

/// What was counted at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ReplayFrame)]
pub struct Frame {
    /// Which. RFC 3339, UTC.
    #[schema(format = "date-time")]
    pub at: String,
    /// Marks counted by then: of a choice for each option in the organiser's order, of a rating for each step
    /// of the first statement, then of the second, and so on.
    pub votes: Vec<u64>,
}

/// The replays that were asked for last, and those being made.
pub struct Replays {
    kept: Mutex<VecDeque<(Key, Arc<Making>)>>,
    /// Making one takes memory.
    making: Arc<Semaphore>,
}

/// A poll's phase: in each that is final there is one result.
type Key = (PollId, u32);
type Making = Probe<Bytes, Failed>;

impl Default for Replays {
    fn default() -> Self {
        Self { kept: Mutex::default(), making: Arc::new(Semaphore::new(1)) }
    }
}

impl Replays {
    /// That of this poll, in the place of the oldest; none while as many are being made as may be.
    fn of(&self, key: Key, most: usize) -> Option<Arc<Making>> {
        let mut kept = self.kept.lock();
        if let Some((_, probe)) = kept.iter().find(|(known, _)| *known == key) {
            return Some(probe.clone());
        }
        if kept.len() >= most {
            let done = kept.iter().position(|(_, probe)| !probe.is_under_way())?;
            kept.remove(done);
        }
        let probe = Arc::new(Probe::default());
        kept.push_back((key, probe.clone()));
        Some(probe)
    }
}

/// Why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Failed {
    /// More records than are read for one.
    TooLong,
    /// The log cannot be read now.
    Unreadable(String),
    /// What the log gives is not what is shown.
    Different,
}

impl From<ReadError> for Failed {
    fn from(error: ReadError) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// Watch a final poll's vote once more.
#[utoipa::path(
    get, path = "/api/polls/{id}/replay", tag = "polls", operation_id = "getReplay",
    params(("id" = String, Path, description = "The poll's id or join code")),
    responses((status = 200, body = ReplayView, description = "Cumulative, folded from the log itself")),
    security((), ("owner" = [])),
)]
pub async fn read(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let headers: &HeaderMap = request.headers();
    let (standing, audience) = polls::seen(&app, &id, headers, request.extensions()).await?;
    let poll = &standing.poll;
    if !standing.is_final() {
        let detail = match poll.status {
            PollStatus::Closed => "the poll is closed, but not all of its votes are counted yet",
            _ => "a poll is replayed once it is closed",
        };
        return Err(Problem::new(Trouble::WrongStatus, detail));
    }
    if !sees_numbers(poll, audience) {
        let detail = "the poll's numbers are hidden until its owner reveals them";
        return Err(Problem::new(Trouble::WrongStatus, detail));
    }
    let limits = &app.config.api;
    let Some(probe) = app.replays.of((poll.id, poll.phase), limits.replays) else {
        return Err(Problem::new(Trouble::StoreUnavailable, "many replays are being made already"));
    };
    let made = probe.ask(FRESH, limits.deadline, || {
        let (log, making, most) =
            (app.log.clone(), app.replays.making.clone(), limits.replay_records);
        async move {
            let _alone = making.acquire().await;
            make(&*log, &standing, most as u64).await
        }
    });
    match made.await {
        Some(Ok(json)) => {
            let mut response = served(&json);
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            Ok(response)
        }
        Some(Err(failed)) => Err(problem(&app, &failed)),
        None => Err(Problem::new(
            Trouble::StoreUnavailable,
            "the replay of a long vote is still being made; ask again in a moment",
        )),
    }
}

fn problem(app: &App, failed: &Failed) -> Problem {
    match failed {
        Failed::TooLong => {
            let most = app.config.api.replay_records;
            let detail = format!(
                "the vote lies among more than {most} records of the log, which is as many as are \
                 read for a replay (POLLUX_API_REPLAY_RECORDS)"
            );
            Problem::new(Trouble::WrongStatus, detail)
        }
        Failed::Unreadable(why) => {
            tracing::warn!(%why, "a vote cannot be replayed now");
            Problem::new(Trouble::StoreUnavailable, "the log cannot be read at the moment")
        }
        Failed::Different => {
            tracing::error!("a replay is not what is shown: run `pollux recount`");
            Problem::new(
                Trouble::StoreUnavailable,
                "what the log gives is not what is shown; the operator should run pollux recount",
            )
        }
    }
}

/// The thread beside the runtime's on which a replay is worked at.
struct Aside(Arc<Semaphore>);

impl Aside {
    fn new() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }

    /// Work there, once what is worked at already is done.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failed> {
        let turn = self.0.clone().acquire_owned().await;
        let work = move || {
            let done = work();
            drop(turn);
            done
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|error| Failed::Unreadable(error.to_string()))
    }
}

/// Read, fold, compare. Partitions at the same time: one that a worker is waiting at for new
/// records gives them to nobody else meanwhile.
async fn make(log: &dyn Log, standing: &Standing, most: u64) -> Result<Bytes, Failed> {
    let poll = &standing.poll;
    let ranges = standing.tallies().map(async |tally| {
        let (partition, until) = (tally.partition, tally.next_offset);
        let from = beginning(log, poll, partition, until, most).await?;
        Ok::<_, Failed>(Part { partition, from, until })
    });
    let mut parts = try_join_all(ranges).await?;
    let aside = Aside::new();
    let mut json = replayed(log, standing, &parts, most, &aside).await?;
    if json.is_none() && parts.iter().any(|part| part.from > 0) {
        // Records of it lay where their times did not say: from the very beginning, then.
        parts.iter_mut().for_each(|part| part.from = 0);
        json = replayed(log, standing, &parts, most, &aside).await?;
    }
    json.ok_or(Failed::Different)
}

/// What is read of a partition.
#[derive(Clone, Copy)]
struct Part {
    partition: Partition,
    from: Offset,
    until: Offset,
}

/// An offset before the poll's first record in this partition, by looking back from its end in
/// ever longer steps: who asks for a replay mostly does so soon after the vote.
async fn beginning(
    log: &dyn Log,
    poll: &Poll,
    partition: Partition,
    until: Offset,
    most: u64,
) -> Result<Offset, Failed> {
    let made = poll.created_at.0.saturating_sub(CLOCKS);
    let mut back = PAGE as u64;
    while back < until {
        let records = log.read(partition, until - back, 1, READ_WAIT).await?;
        let taken = records.first().and_then(|record| match Entry::decode(&record.value) {
            Ok(Entry::Ballot(ballot)) => Some(ballot.at.0).filter(|at| *at > 0),
            Ok(Entry::Control(control)) => Some(control.at.0).filter(|at| *at > 0),
            Ok(Entry::Genesis(_)) | Err(_) => None,
        });
        if taken.is_some_and(|taken| taken < made) {
            return Ok(until - back);
        }
        if back > most {
            return Err(Failed::TooLong);
        }
        back *= 2;
    }
    Ok(0)
}

/// The replay of these parts of the log as JSON, if it is what is shown.
async fn replayed(
    log: &dyn Log,
    standing: &Standing,
    parts: &[Part],
    most: u64,
    aside: &Aside,
) -> Result<Option<Bytes>, Failed> {
    if parts.iter().map(|part| part.until - part.from).sum::<u64>() > most {
        return Err(Failed::TooLong);
    }
    let folds = parts.iter().map(|part| folded(log, &standing.poll, *part, aside));
    let folds = try_join_all(folds).await?;
    let standing = standing.clone();
    aside.run(move || told(folds, &standing)).await
}

/// The replay that these parts come to, if it is what is shown.
fn told(folds: Vec<Fold>, standing: &Standing) -> Option<Bytes> {
    let voters = folds.iter().filter_map(Fold::tally).map(|tally| tally.voters).sum();
    let marks = folds.into_iter().flat_map(|fold| fold.marks).collect();
    let view = show(marks, voters, standing);
    let last = view.frames.last().map(|frame| &frame.votes);
    let same = voters == standing.total_voters() && last == Some(&standing.counts());
    same.then(|| serde_json::to_vec(&view).expect("a view is always JSON").into())
}

async fn folded(log: &dyn Log, poll: &Poll, part: Part, aside: &Aside) -> Result<Fold, Failed> {
    let Part { partition, from, until } = part;
    let mut fold = Fold::new(poll, fold::Part { partition, partitions: log.partitions() });
    let mut next = from;
    while next < until {
        let wanted = PAGE.min((until - next) as usize);
        let records = log.read(partition, next, wanted, READ_WAIT).await?;
        let Some(last) = records.last() else {
            return Err(Failed::Unreadable(format!("partition {partition} ends at {next}")));
        };
        next = last.offset + 1;
        fold = aside.run(move || fold.page(records, until)).await?;
    }
    Ok(fold)
}

/// A ballot that began to count, and the one whose place it took.
struct Mark {
    at: UnixMillis,
    counted: Answer,
    replaced: Option<Answer>,
}

/// One poll in one partition, folded by the core.
struct Fold {
    poll: PollId,
    part: fold::Part,
    past: Past,
    /// Of the present round.
    marks: Vec<Mark>,
    /// The latest time seen: a ballot counts when it comes to stand on the log, whatever its node's
    /// clock says.
    now: UnixMillis,
}

impl Fold {
    fn new(poll: &Poll, part: fold::Part) -> Self {
        let mut past = Past::default();
        past.polls.extend(fold::known(poll, None).map(|known| (poll.id, known)));
        Self { poll: poll.id, part, past, marks: Vec::new(), now: UnixMillis::default() }
    }

    fn tally(&self) -> Option<&Tally> {
        self.past.polls.get(&self.poll).map(|(_, tally)| tally)
    }

    fn round(&self) -> Option<u32> {
        self.tally().map(|tally| tally.round)
    }

    /// These records as well, as far as they lie before `until`.
    fn page(mut self, records: Vec<Record>, until: Offset) -> Self {
        for record in records.into_iter().filter(|record| record.offset < until) {
            if let Ok(entry) = Entry::decode(&record.value) {
                self.apply(record.offset, &entry);
            }
        }
        self
    }

    fn apply(&mut self, offset: Offset, entry: &Entry) {
        let (Entry::Ballot(Ballot { poll, at, .. }) | Entry::Control(Control { poll, at, .. })) =
            entry
        else {
            return;
        };
        if *poll != self.poll {
            return;
        }
        let round = self.round();
        let step = self.past.apply(self.part, offset, entry);
        if !matches!(step.outcome, Outcome::Dead(DeadReason::Misplaced)) {
            self.now = self.now.max(*at);
        }
        if self.round() != round {
            self.marks.clear();
        }
        if let (Outcome::Decided(deed), Entry::Ballot(ballot)) = (step.outcome, entry)
            && deed.status == Status::Counted
        {
            let (at, counted) = (self.now, ballot.answer.clone());
            self.marks.push(Mark { at, counted, replaced: deed.replaced });
        }
    }
}

/// The marks as frames at equal intervals.
fn show(mut marks: Vec<Mark>, voters: u64, standing: &Standing) -> ReplayView {
    // By partition they ascend already; a stable sort keeps each partition's order.
    marks.sort_by_key(|mark| mark.at);
    let closed = standing.poll.closed_at.unwrap_or_default();
    let to = marks.last().map_or(closed, |mark| mark.at.max(closed));
    let from = marks.first().map_or(to, |mark| mark.at);
    let length = to.0 - from.0;
    let steps = length.min(FRAMES - 1);
    let form = standing.poll.kind.form();
    let mut votes = vec![0_u64; form.slots()];
    let mut marks = marks.into_iter().peekable();
    let frames = (0..=steps).map(|step| {
        let at = UnixMillis(from.0 + (length * step).checked_div(steps).unwrap_or(length));
        while let Some(mark) = marks.next_if(|mark| mark.at <= at) {
            form.add(&mark.counted, &mut votes);
            if let Some(answer) = mark.replaced {
                form.take_away(&answer, &mut votes);
            }
        }
        Frame { at: rfc3339(at), votes: votes.clone() }
    });
    let frames = frames.collect();
    ReplayView { from: rfc3339(from), to: rfc3339(to), voters, frames }
}

#[cfg(test)]
mod tests;
