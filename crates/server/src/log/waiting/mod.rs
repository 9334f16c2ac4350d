//! Records wait in line here while the log takes none, for example because a broker is gone and the
//! others have not yet agreed who leads. A record that the log refuses is certainly not on it, so
//! it can be handed over again. A caller with enough time does not notice the fault: its append
//! succeeds later.
//!
//! ```text
//!  append ──▶ the log takes it ──▶ acknowledged
//!     │            ▲   │ refused after all (it returns to its old place in the line)
//!     ▼ refused    │   ▼
//!    the partition's line, in the order of the calls ──▶ no room, no time left, or the log is shut: not recorded
//! ```
//!
//! Each partition has one line, and no record passes by while others stand in it. A control record
//! must stand behind all earlier records on the log. It is therefore handed over only once none of
//! these can be refused any more.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_trait::async_trait;
use metrics::gauge;
use parking_lot::Mutex;
use pollux_core::announcement::Announcement;
use pollux_core::id::{Generation, Offset, Partition};
use tokio::sync::oneshot;

use super::{
    Append, AppendError, AppendOutcome, DeadRecord, Feed, Log, Membership, NewRecord, ReadError,
    Record,
};

/// The pause between two attempts to hand over the first record of a line.
const AGAIN: Duration = Duration::from_millis(50);
/// The reason that is given to those who would have to wait when the log is shut.
const SHUT: &str = "the log is shut";

/// `Waiting` puts a line in front of a log: its callers wait while that log takes no records.
pub struct Waiting {
    shared: Arc<Shared>,
}

/// `Shared` holds the log and its lines. The callers and the tasks that retry share it.
struct Shared {
    log: Arc<dyn Log>,
    lines: Vec<Mutex<Line>>,
    /// The number of records in all lines, of which there may be `most`.
    waiting: AtomicUsize,
    most: usize,
    shut: AtomicBool,
}

/// A line holds the records that wait for one partition. Its lock is held while a record is handed
/// over, so that the order of the line is the order on the log; no caller waits while holding it.
#[derive(Default)]
struct Line {
    /// The records, in the order of the calls.
    records: BTreeMap<u64, WaitingRecord>,
    /// The next caller's place.
    next: u64,
    /// The number of records that were handed over and may still be refused. Control records are
    /// left out, because they need not wait for each other.
    undecided: usize,
    /// Whether a task retries until the line is empty.
    is_retrying: bool,
}

/// `WaitingRecord` is a record that waits in line, with its caller.
struct WaitingRecord {
    record: NewRecord,
    last: bool,
    caller: oneshot::Sender<HandedOver>,
}

/// `HandedOver` is the append of a record that the log did not refuse at once, with the record's
/// share in [`Line::undecided`].
struct HandedOver {
    append: Append,
    counted: Counted,
}

/// `Counted` is one record's share in [`Line::undecided`]. Dropping it takes the share away.
struct Counted {
    shared: Arc<Shared>,
    partition: Partition,
    counts: bool,
}

impl Drop for Counted {
    fn drop(&mut self) {
        if self.counts {
            let mut line = self.shared.line(self.partition).lock();
            line.undecided -= 1;
            self.shared.go_on(&mut line, self.partition);
        }
    }
}

impl Waiting {
    /// Puts lines in front of this log. At most `most` records wait in them, over all partitions.
    pub fn new(log: Arc<dyn Log>, most: usize) -> Arc<Self> {
        let lines = (0..log.partitions()).map(|_| Mutex::default()).collect();
        let (waiting, shut) = (AtomicUsize::new(0), AtomicBool::new(false));
        gauge!("pollux_log_waiting").set(0.0);
        Arc::new(Self { shared: Arc::new(Shared { log, lines, waiting, most, shut }) })
    }

    /// Empties all lines for good. The callers in line are told that their records are not
    /// recorded, and from then on no record can wait.
    pub fn empty_for_good(&self) {
        self.shared.shut.store(true, Ordering::Release);
        for line in &self.shared.lines {
            self.shared.empty(&mut line.lock());
        }
    }

    fn take(&self, partition: Partition, record: NewRecord, last: bool) -> Append {
        let shared = &self.shared;
        if partition as usize >= shared.lines.len() {
            return shared.log.append(partition, record);
        }
        let mut line = shared.line(partition).lock();
        let place = line.next;
        line.next += 1;
        let place = Place { shared: shared.clone(), partition, place, record, last };
        let mut stood = false;
        let handed = match place.passes(&line) {
            true => shared.hand_over(&mut line, partition, &place.record, last),
            false => None,
        };
        let state = match handed {
            Some(handed) => State::Handed(handed),
            None => match place.stand(&mut line) {
                Ok(state) => {
                    stood = true;
                    state
                }
                Err(why) => return Append::refused(why),
            },
        };
        drop(line);
        Append::InLine(Box::new(Ticket { place, state, stood }))
    }
}

impl Shared {
    fn line(&self, partition: Partition) -> &Mutex<Line> {
        &self.lines[partition as usize]
    }

    /// Hands over records from the front of the line until it is empty, the log takes no more, or
    /// the next record must wait for those that are undecided.
    fn go_on(self: &Arc<Self>, line: &mut Line, partition: Partition) {
        while let Some(first) = line.records.first_entry() {
            let (place, waiter) = (*first.key(), first.get());
            if waiter.caller.is_closed() {
                self.leave(line, place);
                continue;
            }
            let (record, last) = (waiter.record.clone(), waiter.last);
            if last && line.undecided > 0 {
                return;
            }
            let Some(handed) = self.hand_over(line, partition, &record, last) else { return };
            let Some(waiter) = self.leave(line, place) else { return };
            if let Err(mut unheard) = waiter.caller.send(handed)
                && std::mem::take(&mut unheard.counted.counts)
            {
                line.undecided -= 1;
            }
        }
    }

    /// Hands a record over. Returns `None` if the log refuses it at once.
    fn hand_over(
        self: &Arc<Self>,
        line: &mut Line,
        partition: Partition,
        record: &NewRecord,
        last: bool,
    ) -> Option<HandedOver> {
        let append = self.log.append(partition, record.clone());
        if let Append::Ready(Some(Err(AppendError::NotRecorded(_)))) = append {
            return None;
        }
        let counts = !last;
        line.undecided += usize::from(counts);
        let counted = Counted { shared: self.clone(), partition, counts };
        Some(HandedOver { append, counted })
    }

    /// Removes a record from the line.
    fn leave(&self, line: &mut Line, place: u64) -> Option<WaitingRecord> {
        let waiter = line.records.remove(&place)?;
        self.waiting.fetch_sub(1, Ordering::AcqRel);
        gauge!("pollux_log_waiting").decrement(1.0);
        Some(waiter)
    }

    fn empty(&self, line: &mut Line) {
        while let Some(place) = line.records.first_key_value().map(|(place, _)| *place) {
            self.leave(line, place);
        }
    }
}

/// Retries until the line is empty.
async fn retry(shared: Arc<Shared>, partition: Partition) {
    loop {
        tokio::time::sleep(AGAIN).await;
        let mut line = shared.line(partition).lock();
        shared.go_on(&mut line, partition);
        if line.records.is_empty() {
            line.is_retrying = false;
            return;
        }
    }
}

/// A place is a caller's place in the order of calls. If the log takes the record and refuses it
/// later, the record waits at this same place.
struct Place {
    shared: Arc<Shared>,
    partition: Partition,
    place: u64,
    record: NewRecord,
    last: bool,
}

impl Place {
    /// Returns whether nothing stands in front of the record, so that it can pass without waiting.
    fn passes(&self, line: &Line) -> bool {
        line.records.is_empty() && !(self.last && line.undecided > 0)
    }

    /// Stands in line, unless there is no room.
    fn stand(&self, line: &mut Line) -> Result<State, String> {
        let Shared { waiting, most, shut, .. } = &*self.shared;
        // The lock of the line is held. If the flag is not set yet, the line will be emptied after
        // this, and the record with it.
        if shut.load(Ordering::Acquire) {
            return Err(SHUT.into());
        }
        if waiting.fetch_add(1, Ordering::AcqRel) >= *most {
            waiting.fetch_sub(1, Ordering::AcqRel);
            return Err(format!("{most} records wait for the log already"));
        }
        gauge!("pollux_log_waiting").increment(1.0);
        let (caller, called) = oneshot::channel();
        let waiter = WaitingRecord { record: self.record.clone(), last: self.last, caller };
        line.records.insert(self.place, waiter);
        if !std::mem::replace(&mut line.is_retrying, true) {
            tokio::spawn(retry(self.shared.clone(), self.partition));
        }
        Ok(State::Standing(called))
    }
}

/// A ticket is an append that may have to wait in line.
pub struct Ticket {
    place: Place,
    state: State,
    stood: bool,
}

/// The state says whether the record was handed over or stands in line.
enum State {
    Handed(HandedOver),
    Standing(oneshot::Receiver<HandedOver>),
}

impl Ticket {
    /// Returns whether the record stood in line at any time.
    pub(super) fn has_stood(&self) -> bool {
        self.stood
    }

    /// Leaves the line. Returns `false` if the record does not stand in it, because the log has the
    /// record already or the line was emptied.
    pub(super) fn withdraw(&self) -> bool {
        let mut line = self.place.shared.line(self.place.partition).lock();
        self.place.shared.leave(&mut line, self.place.place).is_some()
    }
}

impl Future for Ticket {
    type Output = AppendOutcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match &mut self.state {
                State::Handed(handed) => {
                    let outcome = ready!(Pin::new(&mut handed.append).poll(cx));
                    let Err(AppendError::NotRecorded(_)) = outcome else {
                        return Poll::Ready(outcome);
                    };
                    let state = {
                        let mut line = self.place.shared.line(self.place.partition).lock();
                        self.place.stand(&mut line)
                    };
                    match state {
                        // The old state is dropped here, after the record stands in line again:
                        // only now does it no longer count as undecided.
                        Ok(state) => (self.state, self.stood) = (state, true),
                        Err(_) => return Poll::Ready(outcome),
                    }
                }
                State::Standing(called) => match ready!(Pin::new(called).poll(cx)) {
                    Ok(handed) => self.state = State::Handed(handed),
                    Err(_) => return Poll::Ready(Err(AppendError::NotRecorded(SHUT.into()))),
                },
            }
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if matches!(self.state, State::Standing(_)) {
            self.withdraw();
        }
    }
}

#[async_trait]
impl Log for Waiting {
    fn append(&self, partition: Partition, record: NewRecord) -> Append {
        self.take(partition, record, false)
    }

    fn append_last(&self, partition: Partition, record: NewRecord) -> Append {
        self.take(partition, record, true)
    }

    /// Returns `Ok` while less than three quarters of the room in the lines is taken, even if a
    /// cause that passes by itself keeps the log from taking records: they wait. Any other cause is
    /// an error at once.
    fn ready(&self) -> Result<(), String> {
        let Shared { log, waiting, most, .. } = &*self.shared;
        let is_ready = log.ready().is_ok();
        let hindrance = log.hindrance();
        if !is_ready && hindrance.is_none() {
            // It is asked again, for the cause may just have passed.
            log.ready()?;
        }
        let waiting = waiting.load(Ordering::Acquire);
        if waiting < most - most / 4 {
            return Ok(());
        }
        let why = hindrance.unwrap_or_else(|| "it does not take them fast enough".into());
        Err(format!("{waiting} of at most {most} records wait in line: {why}"))
    }

    fn hindrance(&self) -> Option<String> {
        self.shared.log.hindrance()
    }

    fn damage(&self) -> Option<String> {
        self.shared.log.damage()
    }

    fn weakness(&self) -> Option<String> {
        self.shared.log.weakness()
    }

    async fn shut(&self) {
        self.empty_for_good();
        self.shared.log.shut().await;
    }

    fn generation(&self) -> Generation {
        self.shared.log.generation()
    }

    fn partitions(&self) -> u32 {
        self.shared.log.partitions()
    }

    async fn read(
        &self,
        partition: Partition,
        from: Offset,
        most: usize,
        wait: Duration,
    ) -> Result<Vec<Record>, ReadError> {
        self.shared.log.read(partition, from, most, wait).await
    }

    async fn end(&self, partition: Partition) -> Result<Offset, ReadError> {
        self.shared.log.end(partition).await
    }

    async fn join(&self) -> Result<Box<dyn Membership>, ReadError> {
        self.shared.log.join().await
    }

    async fn announce(&self, announcements: Vec<Announcement>) -> Result<(), AppendError> {
        self.shared.log.announce(announcements).await
    }

    async fn copy_dead(
        &self,
        partition: Partition,
        dead: Vec<DeadRecord>,
    ) -> Result<(), AppendError> {
        self.shared.log.copy_dead(partition, dead).await
    }

    async fn feed(&self) -> Result<Box<dyn Feed>, ReadError> {
        self.shared.log.feed().await
    }
}
