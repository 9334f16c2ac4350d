//! The spy watches a node's log: nothing may be announced that is not committed, and how far a partition is
//! decided only once every tally of it is announced.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use pollux_core::announcement::Announcement;
use pollux_core::id::{Generation, Offset, Partition, PollId};
use pollux_core::standing::TallyAt;
use pollux_server::log::memory::MemoryNode;
use pollux_server::log::{
    Append, AppendError, DeadRecord, Feed, Log, Membership, NewRecord, ReadError, Record,
};
use pollux_server::store::memory::MemoryStore;
use tokio::sync::Notify;

/// `Violation` notes what was seen that must never happen. A panic in a node's task would only kill the task.
#[derive(Default)]
pub struct Violation {
    first: Mutex<Option<String>>,
    seen: Notify,
}

impl Violation {
    fn note(&self, what: String) {
        self.first.lock().get_or_insert(what);
        self.seen.notify_one();
    }

    /// Waits for a violation, and returns it.
    pub async fn happens(&self) -> String {
        loop {
            self.seen.notified().await;
            if let Some(what) = self.first.lock().clone() {
                return what;
            }
        }
    }
}

/// `AnnouncedUpTo` keeps the offset up to which each tally was announced by any node, and has arrived, by poll
/// and partition.
pub type AnnouncedUpTo = Mutex<BTreeMap<(PollId, Partition), Offset>>;

/// `Spy` watches one node's log.
pub struct Spy {
    pub announced: Arc<AnnouncedUpTo>,
    pub log: Arc<MemoryNode>,
    pub store: Arc<MemoryStore>,
    pub violation: Arc<Violation>,
}

impl Spy {
    /// Notes a violation unless every tally that was committed below this offset has been announced.
    fn all_announced(&self, tallies: &[TallyAt], partition: Partition, below: Offset) {
        let announced = self.announced.lock();
        for at in tallies.iter().filter(|at| at.partition == partition && at.next_offset <= below) {
            if announced.get(&(at.poll, partition)).is_none_or(|told| *told < at.next_offset) {
                let what = format!("{partition} was told up to {below} before {at:?} was");
                self.violation.note(what);
            }
        }
    }

    /// Checks invariant 4: only committed, absolute tallies are announced.
    fn check(&self, announcement: &Announcement) {
        let dump = self.store.dump();
        let committed = match announcement {
            Announcement::Poll(poll) => {
                let stored = dump.polls.iter().find(|stored| stored.id == poll.id);
                stored.is_some_and(|stored| stored.revision >= poll.revision)
            }
            Announcement::Event(event) => {
                let stored = dump.events.iter().find(|stored| stored.id == event.id);
                stored.is_some_and(|stored| stored.revision >= event.revision)
            }
            Announcement::Tally(tally) => {
                let place = (tally.poll, tally.partition);
                let stored = dump.tallies.iter().find(|at| (at.poll, at.partition) == place);
                stored.is_some_and(|stored| stored.next_offset >= tally.next_offset)
            }
            Announcement::Progress { partition, next_offset, .. } => {
                let stored = dump.progress.iter().find(|(stored, _)| stored == partition);
                self.all_announced(&dump.tallies, *partition, *next_offset);
                stored.is_some_and(|(_, stored)| {
                    self.all_announced(&dump.tallies, *partition, stored.announced);
                    stored.next_offset >= *next_offset
                })
            }
        };
        if !committed {
            self.violation.note(format!("announced before it was committed: {announcement:?}"));
        }
    }
}

#[async_trait]
impl Log for Spy {
    fn generation(&self) -> Generation {
        self.log.generation()
    }

    fn partitions(&self) -> u32 {
        self.log.partitions()
    }

    fn append(&self, partition: Partition, record: NewRecord) -> Append {
        self.log.append(partition, record)
    }

    fn hindrance(&self) -> Option<String> {
        self.log.hindrance()
    }

    async fn read(
        &self,
        partition: Partition,
        from: Offset,
        most: usize,
        wait: Duration,
    ) -> Result<Vec<Record>, ReadError> {
        self.log.read(partition, from, most, wait).await
    }

    async fn end(&self, partition: Partition) -> Result<Offset, ReadError> {
        self.log.end(partition).await
    }

    async fn join(&self) -> Result<Box<dyn Membership>, ReadError> {
        self.log.join().await
    }

    async fn announce(&self, announcements: Vec<Announcement>) -> Result<(), AppendError> {
        for announcement in &announcements {
            self.check(announcement);
        }
        self.log.announce(announcements.clone()).await?;
        let mut announced = self.announced.lock();
        for announcement in announcements {
            if let Announcement::Tally(at) = announcement {
                let known = announced.entry((at.poll, at.partition)).or_default();
                *known = at.next_offset.max(*known);
            }
        }
        Ok(())
    }

    async fn copy_dead(
        &self,
        partition: Partition,
        dead: Vec<DeadRecord>,
    ) -> Result<(), AppendError> {
        let committed = self.store.dump().dead;
        for record in &dead {
            if !committed.iter().any(|(at, it)| (*at, it.offset) == (partition, record.offset)) {
                self.violation.note(format!("copied before it was committed: {record:?}"));
            }
        }
        self.log.copy_dead(partition, dead).await
    }

    async fn feed(&self) -> Result<Box<dyn Feed>, ReadError> {
        self.log.feed().await
    }

    fn ready(&self) -> Result<(), String> {
        self.log.ready()
    }

    async fn shut(&self) {
        self.log.shut().await;
    }
}
