//! The conformance suite: the contract of [`Store`], sentence by sentence, against every backend.
//! To add a backend, implement [`Backend`] and name it in a `store_conformance!` line, here or, if
//! it needs a server, in a test of `tests/`. For those tests this module is public under the
//! feature `conformance`.

// The name of a check says what it checks.
#![allow(clippy::unwrap_used, missing_docs)]

pub mod ballots;
pub mod events;
pub mod model;
pub mod polls;
pub mod words;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use pollux_core::ballot::{Ballot, NamedBy, Status};
use pollux_core::event::{Event, EventDraft};
use pollux_core::fold::Trail;
use pollux_core::gate::Gate;
use pollux_core::id::{
    BallotId, EventId, Generation, Offset, Partition, PollId, UnixMillis, VoterId,
};
use pollux_core::kind::words::Said;
use pollux_core::kind::{self, Answer, choice};
use pollux_core::poll::{Draft, Poll};
use pollux_core::seal::TextKey;
use pollux_core::standing::TallyAt;
use pollux_core::tally::{self, Tally, VoterState};
use tempfile::TempDir;
use uuid::Uuid;

use super::embedded::EmbeddedStore;
use super::memory::MemoryStore;
use super::{BallotRow, Commit, Created, NameRow, Store};
use crate::config::StoreLimits;

/// `Backend` makes the stores that the suite runs against.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Makes an empty store.
    async fn fresh(&self, partitions: u32) -> Arc<dyn Store>;

    /// Returns the same store as it is after its process has ended and begun again.
    async fn reopen(&self, store: Arc<dyn Store>) -> Arc<dyn Store>;
}

/// `Memory` is the backend in memory. Its state outlives its users, so to reopen it is to keep it.
pub struct Memory;

#[async_trait]
impl Backend for Memory {
    async fn fresh(&self, partitions: u32) -> Arc<dyn Store> {
        MemoryStore::new(partitions)
    }

    async fn reopen(&self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        store
    }
}

/// `Embedded` is the embedded backend, in a folder of its own. Its map of voters is so small that merges are
/// frequent.
pub struct Embedded {
    pub voters: usize,
    last: Mutex<Option<(TempDir, u32)>>,
}

impl Embedded {
    /// Makes the backend with a map that is merged once it holds this many voters.
    pub fn with(voters: usize) -> Self {
        Self { voters, last: Mutex::default() }
    }

    fn limits(&self) -> StoreLimits {
        StoreLimits { voters: self.voters, readers: 2, ..StoreLimits::default() }
    }
}

#[async_trait]
impl Backend for Embedded {
    async fn fresh(&self, partitions: u32) -> Arc<dyn Store> {
        let folder = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::open(folder.path(), partitions, self.limits()).unwrap();
        *self.last.lock() = Some((folder, partitions));
        store
    }

    async fn reopen(&self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        store.shut().await;
        drop(store);
        let last = self.last.lock();
        let (folder, partitions) = last.as_ref().unwrap();
        EmbeddedStore::open(folder.path(), *partitions, self.limits()).unwrap()
    }
}

/// Makes the whole suite the tests of a module with the backend's name. The expression makes a
/// backend.
#[macro_export]
macro_rules! store_conformance {
    (@checks $make:expr; $($module:ident: $($check:ident),+;)+) => {
        $($(
            #[tokio::test]
            async fn $check() {
                $crate::store::conformance::$module::$check(&$make).await;
            }
        )+)+
    };
    ($($backend:ident = $make:expr),+) => { $(
        mod $backend {
            $crate::store_conformance! { @checks $make;
                polls: creates_and_reads_back, gives_the_first_free_code,
                    frees_a_code_a_month_after_the_close, keeps_the_code_of_an_open_poll,
                    opens_no_poll_whose_code_has_passed_on,
                    remembers_idempotency_keys_for_a_day, creating_twice_is_creating_once,
                    changes_only_the_expected_revision, lists_newest_first,
                    lists_by_status_and_page, finds_due_polls,
                    gives_due_polls_a_page_at_a_time, closes_many_and_none_that_has_changed,
                    gives_unsettled_polls_past_those_that_are_settled,
                    keeps_unsettled_polls_until_every_partition_has_heard,
                    a_change_survives_a_restart;
                events: keeps_an_event_and_its_changes, an_events_polls_take_its_code,
                    a_code_leads_to_one_poll_or_event, frees_an_events_code_a_month_after_its_end,
                    remembers_keys_of_events, keeps_a_logo_as_long_as_it_is_worn;
                ballots: begins_where_it_left_off, refuses_another_generation,
                    fences_the_second_worker, commits_all_or_nothing,
                    keeps_digests_in_place_of_those_they_go_on_from,
                    loads_the_known_and_the_unknown, keeps_every_voter_state, keeps_every_answer,
                    keeps_the_greatest_numbers,
                    chains_a_voters_rows, finds_ballots_past_the_chain, finds_ballots_that_were_never_numbered, remembers_every_decision,
                    tells_the_fate_in_every_status, tells_replaced_from_counted,
                    tells_the_fate_of_what_the_server_named,
                    does_not_tell_others, tells_tallies_since, keeps_the_greatest_announced,
                    gives_ballots_in_log_order, keeps_dead_letters;
                words: gives_names_with_every_tally, begins_anew_with_each_round,
                    gives_no_name_before_its_tally, a_fenced_commit_leaves_no_names,
                    a_failed_commit_leaves_no_names, keeps_a_thousand_names_in_every_partition,
                    keeps_what_voters_said, lists_many_polls_of_words,
                    keeps_a_key_through_every_change, keeps_a_key_that_is_not_given_back,
                    destroys_the_key_of_a_deleted_poll, an_erased_word_stays_erased,
                    counts_on_after_the_deletion, keeps_the_key_of_a_draft_of_another_kind;
            }
        }
    )+ };
}

#[cfg(test)]
store_conformance! {
    memory = crate::store::conformance::Memory,
    embedded = crate::store::conformance::Embedded::with(10_000),
    embedded_merging = crate::store::conformance::Embedded::with(2)
}

/// The time at which the polls and events of the suite are created, in milliseconds.
pub const NOW: u64 = 1_790_000_000_000;

/// Returns the moment this many milliseconds after 1970.
pub fn at(millis: u64) -> UnixMillis {
    UnixMillis(millis)
}

/// Returns the id of the suite's n-th poll, made n milliseconds after [`NOW`].
pub fn poll_id(n: u64) -> PollId {
    PollId::new(at(NOW + n), [n as u8; 10])
}

/// Returns a ballot id; a greater `n` gives a greater id.
pub fn ballot_id(n: u64) -> BallotId {
    BallotId::new(at(NOW + n), [1; 10])
}

/// Returns the suite's n-th voter.
pub fn voter(n: u8) -> VoterId {
    VoterId([n; 16])
}

/// Returns the generation with this number.
pub fn generation(n: u128) -> Generation {
    Generation(Uuid::from_u128(n))
}

/// Returns the answer of a choice that marks these options.
pub fn choosing(ids: &[u8]) -> Answer {
    Answer::options(ids.iter().copied()).unwrap()
}

/// Makes an open poll of three options, any number of which may be chosen.
pub fn open_poll(n: u64) -> Poll {
    let mut poll = draft_poll(n);
    poll.open(poll.created_at).unwrap();
    poll
}

/// Makes a draft of three options, any number of which may be chosen.
pub fn draft_poll(n: u64) -> Poll {
    let options = ["a", "b", "c"].map(str::to_owned).to_vec();
    let choice = choice::Draft { options, kind: None, max_choices: Some(3) };
    let draft = Draft::new(format!("Question {n}?"), kind::KindDraft::Choice(choice));
    Poll::draft(poll_id(n), draft, [n as u8; 32], at(NOW + n)).unwrap()
}

/// Makes a draft of words, of which a ballot may hold three, with a key of its own.
pub fn words_draft(n: u64) -> Poll {
    let draft = Draft::new(format!("Question {n}?"), kind::KindDraft::Words(Default::default()));
    let mut poll = Poll::draft(poll_id(n), draft, [n as u8; 32], at(NOW + n)).unwrap();
    poll.give_text_key(|| std::array::from_fn(|i| (i as u8 + 1).wrapping_mul(n as u8 + 7)));
    poll
}

/// Returns all secrets of a key, each of 32 bytes.
pub fn secrets_of(key: &TextKey) -> Vec<[u8; 32]> {
    // A version, the key of names, and of each node its depth, path and seed.
    let bytes = key.to_bytes();
    let (naming, nodes) = bytes[1..].split_first_chunk().unwrap();
    let seeds = nodes.chunks_exact(1 + 8 + 32).map(|node| node[9..].try_into().unwrap());
    std::iter::once(*naming).chain(seeds).collect()
}

/// Returns which of these secrets or texts are in a file of the folder, or of a folder in it.
pub fn found_in<'a, T: AsRef<[u8]>>(folder: &Path, wanted: &'a [T]) -> Vec<&'a T> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(found_in(&path, wanted));
            continue;
        }
        // A server may take a file away at any time.
        let bytes = std::fs::read(path).unwrap_or_default();
        let here = |text: &&T| memmem(&bytes, text.as_ref());
        found.extend(wanted.iter().filter(here));
    }
    found
}

fn memmem(bytes: &[u8], wanted: &[u8]) -> bool {
    let (first, rest) = wanted.split_first().unwrap();
    let mut left = bytes;
    while let Some(at) = left.iter().position(|byte| byte == first) {
        left = &left[at + 1..];
        if left.starts_with(rest) {
            return true;
        }
    }
    false
}

/// Makes an open poll of words.
pub fn words_poll(n: u64) -> Poll {
    let mut poll = words_draft(n);
    poll.open(poll.created_at).unwrap();
    poll
}

/// Returns the answer that says these words, sealed under the poll's key.
pub fn saying(poll: &Poll, texts: &[&str]) -> Answer {
    let key = poll.text_key.as_ref().unwrap();
    Answer::Words(Said::of(texts.iter().map(|text| key.seal(text).unwrap())))
}

/// Creates the poll under the code 100000 + n, and returns it as it is kept.
pub async fn create(store: &dyn Store, poll: Poll) -> Poll {
    let code = format!("{}", 100_000 + poll.id.time().0 - NOW);
    match store.create(poll, vec![code], None).await.unwrap() {
        Created::New(poll) => poll,
        other => panic!("{other:?}"),
    }
}

/// Returns the id of the suite's n-th event, made n milliseconds after [`NOW`].
pub fn event_id(n: u64) -> EventId {
    EventId::new(at(NOW + n), [n as u8; 10])
}

/// Returns the suite's n-th event, which is not in any store yet.
pub fn new_event(n: u64) -> Event {
    let draft = EventDraft { title: Some(format!("Event {n}")), ..EventDraft::default() };
    Event::new(event_id(n), draft, [n as u8; 32], at(NOW + n)).unwrap()
}

/// Creates the event under the code 200000 + n, and returns it as it is kept.
pub async fn create_event(store: &dyn Store, n: u64) -> Event {
    let code = format!("{}", 200_000 + n);
    match store.create_event(new_event(n), vec![code], None).await.unwrap() {
        Created::New(event) => event,
        other => panic!("{other:?}"),
    }
}

/// Changes a poll as its owner does.
pub async fn change(store: &dyn Store, poll: &mut Poll, how: impl FnOnce(&mut Poll)) {
    let expected = poll.revision;
    how(poll);
    store.change(poll, expected).await.unwrap();
}

/// `Worker` works on a partition: it folds as the processor does, and commits.
pub struct Worker<'a> {
    pub store: &'a dyn Store,
    pub partition: Partition,
    pub next: Offset,
}

impl<'a> Worker<'a> {
    /// Begins to work on a partition at the store's offset.
    pub async fn begin(store: &'a dyn Store, partition: Partition) -> Self {
        let next = store.begin(partition, generation(1)).await.unwrap().next_offset;
        Self { store, partition, next }
    }

    /// Returns the tally of a poll as the store loads it.
    pub async fn tally(&self, poll: &Poll) -> Tally {
        let loaded = self.store.load(self.partition, &[poll.id], &[]).await.unwrap();
        let (_, tally) = loaded.polls[0].clone().unwrap();
        tally.map_or_else(Tally::new, |at| at.tally)
    }

    /// Makes a tally of this partition, committed up to `next_offset`.
    pub fn at(&self, poll: &Poll, tally: Tally, next_offset: Offset) -> TallyAt {
        let (partition, generation) = (self.partition, generation(1));
        TallyAt { poll: poll.id, partition, generation, next_offset, tally }
    }

    /// Commits one ballot, taken in the poll's present phase and folded onto what the store knows.
    /// Returns the row that was committed, unless the ballot was a repetition.
    pub async fn vote(
        &mut self,
        poll: &Poll,
        voter: VoterId,
        ballot: BallotId,
        options: &[u8],
    ) -> Option<BallotRow> {
        self.vote_named_by(NamedBy::Client, poll, voter, ballot, options).await
    }

    /// Commits one ballot as [`Self::vote`] does; the server may have named it.
    pub async fn vote_named_by(
        &mut self,
        named_by: NamedBy,
        poll: &Poll,
        voter: VoterId,
        ballot: BallotId,
        options: &[u8],
    ) -> Option<BallotRow> {
        self.cast(named_by, poll, voter, ballot, choosing(options)).await
    }

    /// Commits one ballot with these words, as [`Self::vote`] does.
    pub async fn say(
        &mut self,
        poll: &Poll,
        voter: VoterId,
        ballot: BallotId,
        texts: &[&str],
    ) -> Option<BallotRow> {
        self.cast(NamedBy::Client, poll, voter, ballot, saying(poll, texts)).await
    }

    async fn cast(
        &mut self,
        named_by: NamedBy,
        poll: &Poll,
        voter: VoterId,
        ballot: BallotId,
        answer: Answer,
    ) -> Option<BallotRow> {
        let (store, partition, id) = (self.store, self.partition, poll.id);
        let mut tally = self.tally(poll).await;
        let mut past = store.load(partition, &[], &[(id, voter)]).await.unwrap().voters.remove(0);
        let before = match past.state.may_have_seen(ballot) {
            true => store.decided(partition, &[(id, voter, ballot)]).await.unwrap()[0],
            false => None,
        };
        let at = at(NOW);
        let (round, phase) = (poll.round, poll.phase);
        let cast = Ballot { poll: id, voter, id: ballot, named_by, answer, round, phase, at };
        let decision = tally::count(&poll.rules(), &mut tally, &mut past.state, &cast, before);
        let row = decision.status().map(|decided| BallotRow {
            offset: self.next,
            poll: id,
            voter,
            ballot,
            answer: cast.answer,
            decided,
            at,
            after: past.state,
            link: past.trail.next(),
        });
        self.commit(poll, tally, row.iter().cloned().collect(), false).await;
        row
    }

    /// Commits the control record of the poll's present phase.
    pub async fn control(&mut self, poll: &Poll) {
        let mut tally = self.tally(poll).await;
        tally::control(&poll.rules(), &mut tally, poll.phase, poll.round, poll.gate());
        self.commit(poll, tally, Vec::new(), true).await;
    }

    async fn commit(&mut self, poll: &Poll, tally: Tally, ballots: Vec<BallotRow>, durable: bool) {
        let (from, to) = (self.next, self.next + 1);
        let names = new_names(poll, &self.tally(poll).await, &tally);
        let tallies = vec![self.at(poll, tally, to)];
        let commit = Commit { from, to, durable, tallies, names, ballots, ..Commit::default() };
        self.store.commit(self.partition, &commit).await.unwrap();
        self.next = to;
    }
}

/// Returns the names that a tally has and did not have before.
pub fn new_names(poll: &Poll, before: &Tally, after: &Tally) -> Vec<NameRow> {
    let (poll, round) = (poll.id, after.round);
    let old = if before.round == round { before.names.len() } else { 0 };
    let words = after.names.words().iter().enumerate().skip(old);
    words.map(|(at, word)| NameRow { poll, round, slot: at + 1, word: word.clone() }).collect()
}

/// Makes the rows of a voter who voted so often, at the offsets from `from` on.
pub fn often(poll: &Poll, voter: VoterId, from: Offset, times: u64) -> Vec<BallotRow> {
    let mut trail = Trail::default();
    let row = |offset: Offset| {
        let (ballot, answer) = (ballot_id(offset - from), choosing(&[1]));
        let counted = Some((ballot, answer.clone()));
        let after = VoterState { round: 1, counted, seen: Some(ballot) };
        let link = trail.next();
        trail = Trail::after(offset, link);
        let (poll, decided, at) = (poll.id, Status::Counted, at(NOW));
        BallotRow { offset, poll, voter, ballot, answer, decided, at, after, link }
    };
    (from..from + times).map(row).collect()
}

/// Makes a tally of an open poll in its first round with these counts.
pub fn some_tally(counts: &[u64]) -> Tally {
    let voters = counts.iter().sum();
    Tally {
        phase: 1,
        round: 1,
        gate: Gate::Open,
        counts: counts.into(),
        voters,
        changes: voters,
        ..Tally::new()
    }
}
