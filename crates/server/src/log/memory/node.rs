//! A node's handle on the log in memory: it appends, reads, announces and listens as any [`Log`] does.

use super::*;

/// A memory node is one process's connection to a [`MemoryLog`].
pub struct MemoryNode {
    pub(super) cluster: Arc<Cluster>,
    pub(super) member: MemberId,
    pub(super) node: Arc<Mutex<Node>>,
}

impl MemoryNode {
    /// Ends the process. Each record that it appended and was not told about is either lost or
    /// reaches the log all the same; its appends get no answer but `Unknown`.
    pub fn crash(&self) {
        self.node.lock().closed = true;
        let mut state = self.cluster.state.lock();
        let State { planned, dice, .. } = &mut *state;
        for next in planned.values_mut() {
            match next {
                Planned::Land { fate, answer, .. }
                    if answer.as_ref().is_some_and(|a| Arc::ptr_eq(&a.node, &self.node)) =>
                {
                    *answer = None;
                    self.node.lock().waiting.send_modify(|waiting| *waiting -= 1);
                    if dice.random() {
                        *fate = Fate::UnknownLost;
                    }
                }
                Planned::Answer { answer, outcome } if Arc::ptr_eq(&answer.node, &self.node) => {
                    *outcome = Err(AppendError::Unknown("the process crashed".into()));
                }
                _ => {}
            }
        }
    }

    fn room(&self) -> Result<(), String> {
        let node = self.node.lock();
        let most = self.cluster.limits.queue;
        match node.closed {
            true => Err("the log is shut".into()),
            false if *node.waiting.borrow() >= most => {
                Err(format!("{most} records are waiting already"))
            }
            false => Ok(()),
        }
    }

    fn end_of(&self, partition: Partition) -> Result<&Level<Offset>, ReadError> {
        let none = ReadError::OutOfRange { partition, from: 0, end: 0 };
        self.cluster.ends.get(partition as usize).ok_or(none)
    }
}

#[async_trait]
impl Log for MemoryNode {
    fn generation(&self) -> Generation {
        self.cluster.generation
    }

    fn partitions(&self) -> u32 {
        self.cluster.ends.len() as u32
    }

    fn append(&self, partition: Partition, record: NewRecord) -> Append {
        if partition >= self.partitions() {
            return Append::refused(format!("there is no partition {partition}"));
        }
        let (waiter, outcome) = oneshot::channel();
        let mut state = self.cluster.state.lock();
        if let Err(why) = state.faults.hindrance.clone().map_or_else(|| self.room(), Err) {
            return Append::refused(why);
        }
        let (fate, delay) = (state.fate(), state.faults.delay.clone());
        let earliest = Instant::now() + state.draw(&delay);
        let at = {
            let mut node = self.node.lock();
            node.waiting.send_modify(|waiting| *waiting += 1);
            let latest = node.latest.entry(partition).or_insert(earliest);
            *latest = earliest.max(*latest);
            *latest
        };
        let answer = Some(Answer { waiter, node: self.node.clone() });
        self.cluster.plan(&mut state, at, Planned::Land { partition, record, fate, answer });
        Append::Waiting(outcome)
    }

    async fn read(
        &self,
        partition: Partition,
        from: Offset,
        most: usize,
        wait: Duration,
    ) -> Result<Vec<Record>, ReadError> {
        let end = self.end_of(partition)?;
        let now = end.get();
        self.cluster.state.lock().read_fault()?;
        if from > now {
            return Err(ReadError::OutOfRange { partition, from, end: now });
        }
        if from == now {
            let _ = tokio::time::timeout(wait, end.wait_for(|end| end != now)).await;
        }
        let state = self.cluster.state.lock();
        let records = &state.partitions[partition as usize];
        Ok(records.iter().skip(from as usize).take(most).cloned().collect())
    }

    async fn end(&self, partition: Partition) -> Result<Offset, ReadError> {
        self.cluster.state.lock().read_fault()?;
        Ok(self.end_of(partition)?.get())
    }

    async fn join(&self) -> Result<Box<dyn Membership>, ReadError> {
        let mut state = self.cluster.state.lock();
        state.read_fault()?;
        let assignment = self.cluster.assignment(&mut state, self.member).subscribe();
        Ok(Box::new(Assigned { assignment, told: false }))
    }

    async fn copy_dead(
        &self,
        partition: Partition,
        dead: Vec<DeadRecord>,
    ) -> Result<(), AppendError> {
        if self.node.lock().closed {
            return Err(AppendError::NotRecorded("the log is shut".into()));
        }
        let mut state = self.cluster.state.lock();
        let probability = state.faults.not_copied;
        let fate = match state.happens(probability) {
            true => Fate::UnknownLost,
            false => state.fate(),
        };
        let copies = match fate {
            Fate::Recorded { twice: true, .. } => 2,
            Fate::Recorded { .. } | Fate::UnknownRecorded { .. } => 1,
            Fate::NotRecorded | Fate::UnknownLost => 0,
        };
        for _ in 0..copies {
            state.dead.extend(dead.iter().map(|record| (partition, record.clone())));
        }
        told(fate)
    }

    async fn announce(&self, announcements: Vec<Announcement>) -> Result<(), AppendError> {
        let mut state = self.cluster.state.lock();
        if let Some(why) = &state.faults.hindrance {
            return Err(AppendError::NotRecorded(why.clone()));
        }
        let fate = state.fate();
        let delivers = matches!(fate, Fate::Recorded { .. } | Fate::UnknownRecorded { .. });
        for announcement in announcements.into_iter().filter(|_| delivers) {
            // Other nodes hear what a topic can carry, and no more.
            let carried = Announcement::decode(&announcement.encode());
            let announcement = carried.expect("what was just written can be read");
            let feeds: Vec<u64> = state.feeds.keys().copied().collect();
            for feed in feeds {
                self.deliver(&mut state, feed, &announcement);
            }
        }
        told(fate)
    }

    async fn feed(&self) -> Result<Box<dyn Feed>, ReadError> {
        let mut state = self.cluster.state.lock();
        state.read_fault()?;
        state.sequence += 1;
        let id = state.sequence;
        let arrived = state.feeds.entry(id).or_default().arrived.clone();
        Ok(Box::new(MemoryFeed { cluster: self.cluster.clone(), id, arrived }))
    }

    fn ready(&self) -> Result<(), String> {
        self.hindrance().map_or_else(|| self.room(), Err)
    }

    fn hindrance(&self) -> Option<String> {
        self.cluster.state.lock().faults.hindrance.clone()
    }

    fn damage(&self) -> Option<String> {
        self.cluster.state.lock().faults.damage.clone()
    }

    fn weakness(&self) -> Option<String> {
        self.cluster.state.lock().faults.weakness.clone()
    }

    async fn shut(&self) {
        let mut waiting = {
            let mut node = self.node.lock();
            node.closed = true;
            node.waiting.subscribe()
        };
        // An error says that nobody appends any more.
        let _ = waiting.wait_for(|waiting| *waiting == 0).await;
    }
}

impl MemoryNode {
    /// Plans an announcement's delivery to one feed, and perhaps a second delivery.
    fn deliver(&self, state: &mut State, feed: u64, announcement: &Announcement) {
        let (delay, twice) =
            (state.faults.announcement_delay.clone(), state.faults.announcement_duplicate);
        let at = {
            let earliest = Instant::now() + state.draw(&delay);
            let mut node = self.node.lock();
            let latest = node.announced.entry(feed).or_insert(earliest);
            *latest = earliest.max(*latest);
            *latest
        };
        let delivery = || Planned::Deliver { feed, announcement: announcement.clone() };
        self.cluster.plan(state, at, delivery());
        if state.happens(twice) {
            let later = at + state.draw(&delay);
            self.cluster.plan(state, later, delivery());
        }
    }
}

/// Returns the outcome for a caller who is not told an offset.
fn told(fate: Fate) -> Result<(), AppendError> {
    match fate {
        Fate::Recorded { .. } => Ok(()),
        Fate::NotRecorded => Err(AppendError::NotRecorded("a fault of the test".into())),
        _ => Err(AppendError::Unknown("a fault of the test".into())),
    }
}

/// `Assigned` is a member of the group, which holds the partitions that the test assigns.
struct Assigned {
    assignment: watch::Receiver<Vec<Partition>>,
    /// Whether the first assignment was returned, which happens at once.
    told: bool,
}

#[async_trait]
impl Membership for Assigned {
    async fn changed(&mut self) -> Vec<Partition> {
        if self.told && self.assignment.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.told = true;
        self.assignment.borrow_and_update().clone()
    }
}

/// The memory feed delivers the announcements on a [`MemoryLog`].
struct MemoryFeed {
    cluster: Arc<Cluster>,
    id: u64,
    arrived: Arc<Notify>,
}

#[async_trait]
impl Feed for MemoryFeed {
    async fn next(&mut self) -> Result<Vec<Announcement>, FeedLost> {
        loop {
            {
                let mut state = self.cluster.state.lock();
                let probability = state.faults.feed_lost;
                let waiting = state.feeds.get(&self.id).is_some_and(|feed| !feed.queue.is_empty());
                let lost = waiting && state.happens(probability);
                let feed = state.feeds.get_mut(&self.id).ok_or(FeedLost)?;
                feed.lost |= lost;
                if feed.lost {
                    return Err(FeedLost);
                }
                if !feed.queue.is_empty() {
                    return Ok(feed.queue.drain(..).collect());
                }
            }
            self.arrived.notified().await;
        }
    }
}

impl Drop for MemoryFeed {
    fn drop(&mut self) {
        self.cluster.state.lock().feeds.remove(&self.id);
    }
}
