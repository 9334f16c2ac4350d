//! The contract about words: the names that partitions count, and the keys of what voters wrote.

use pollux_core::kind::words::{MAX_NAMES, Names, Verdict};
use pollux_core::kind::{KindDraft, choice};
use pollux_core::poll::{Draft, Poll};
use pollux_core::seal::{Name, Sealed, TextKey, Word};
use pollux_core::standing::{Standing, TallyAt};
use pollux_core::tally::Tally;

use super::{
    Backend, NOW, Worker, at, ballot_id, change, create, create_event, new_names, poll_id, saying,
    some_tally, voter, words_draft, words_poll,
};
use crate::store::{ChangeError, Commit, CommitError, Created, Listing, Store, StoreError};

/// Returns the words that a tally has names of, opened with this key.
fn texts(key: &TextKey, tally: &Tally) -> Vec<String> {
    tally.names.words().iter().map(|word| key.open(word).unwrap()).collect()
}

/// Returns the tally that a standing has of a partition.
fn tally_of(standing: &Standing, partition: u32) -> &TallyAt {
    standing.tallies().find(|at| at.partition == partition).unwrap()
}

/// Makes so many words. They are not sealed under any key, which would take long.
fn many_words(count: usize) -> Vec<Word> {
    let word = |n: usize| {
        let name = Name((n as u128 + 1).to_be_bytes());
        Word { name, sealed: Sealed(vec![n as u8; 48].into()) }
    };
    (0..count).map(word).collect()
}

/// Makes a tally with these names, each said once.
fn tally_with(words: Vec<Word>) -> Tally {
    let counts: Vec<u64> = std::iter::once(0).chain(words.iter().map(|_| 1)).collect();
    Tally { names: Names::of(words), ..some_tally(&counts) }
}

pub async fn gives_names_with_every_tally(backend: &dyn Backend) {
    let store = backend.fresh(2).await;
    let mut event = create_event(&*store, 1).await;
    let mut poll = words_draft(1);
    event.adopt(&mut poll).unwrap();
    poll.open(poll.created_at).unwrap();
    store.create(poll.clone(), vec![], None).await.unwrap();
    let (mut zero, mut one) = (Worker::begin(&*store, 0).await, Worker::begin(&*store, 1).await);
    zero.say(&poll, voter(1), ballot_id(1), &["Rust", "fast builds"]).await.unwrap();
    zero.say(&poll, voter(2), ballot_id(2), &["RUST", "Zig"]).await.unwrap();
    one.say(&poll, voter(3), ballot_id(3), &["zig"]).await.unwrap();
    zero.say(&poll, voter(1), ballot_id(4), &["Go"]).await.unwrap();
    let expected = event.revision;
    event.show(Some(poll.id));
    store.change_event(&event, expected, None).await.unwrap();

    let mut store = store;
    for _ in 0..2 {
        let standing = store.standing(poll.id).await.unwrap().unwrap();
        let key = poll.text_key.as_ref().unwrap();
        let here = &tally_of(&standing, 0).tally;
        assert_eq!(texts(key, here), ["Rust", "fast builds", "Zig", "Go"], "as they came");
        assert_eq!(here.counts, [0, 1, 0, 1, 1]);
        assert_eq!(texts(key, &tally_of(&standing, 1).tally), ["zig"]);
        let cloud = standing.cloud();
        let said: Vec<_> =
            cloud.words.iter().map(|w| (w.text.as_deref().unwrap(), w.votes)).collect();
        assert_eq!(said, [("Zig", 2), ("Rust", 1), ("Go", 1)]);

        let expected = Some(standing.clone());
        assert_eq!(store.by_code(&event.code).await.unwrap(), expected);
        let listing = Listing { limit: 9, all: true, ..Listing::default() };
        assert_eq!(store.list(listing).await.unwrap(), std::slice::from_ref(&standing));
        let expected = Some((event.clone(), vec![standing.clone()]));
        assert_eq!(store.event(event.id).await.unwrap(), expected);
        assert_eq!(store.event_by_code(&event.code).await.unwrap(), expected);
        for partition in 0..2 {
            let loaded = store.load(partition, &[poll.id], &[]).await.unwrap();
            let tally = tally_of(&standing, partition).clone();
            assert_eq!(loaded.polls, [Some((poll.clone(), Some(tally.clone())))]);
            let mut bare = tally;
            bare.tally.names = Names::default();
            assert_eq!(store.tallies_since(partition, 0).await.unwrap(), [bare]);
        }
        store = backend.reopen(store).await;
    }
}

pub async fn begins_anew_with_each_round(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    let mut poll = create(&*store, words_poll(1)).await;
    let key = poll.text_key.clone().unwrap();
    let mut worker = Worker::begin(&*store, 0).await;
    worker.say(&poll, voter(1), ballot_id(1), &["a", "b"]).await.unwrap();
    change(&*store, &mut poll, |poll| poll.reset(at(NOW + 5)).unwrap()).await;
    let old = worker.tally(&poll).await;
    assert_eq!(texts(&key, &old), ["a", "b"], "until the partition hears of the reset");
    worker.control(&poll).await;
    assert_eq!(worker.tally(&poll).await.names, Names::default());
    worker.say(&poll, voter(1), ballot_id(2), &["b", "c"]).await.unwrap();
    worker.say(&poll, voter(2), ballot_id(3), &["a"]).await.unwrap();
    let store = backend.reopen(store.clone()).await;
    let standing = store.standing(poll.id).await.unwrap().unwrap();
    let now = &tally_of(&standing, 0).tally;
    assert_eq!(
        (texts(&key, now), &*now.counts),
        (vec!["b".into(), "c".into(), "a".into()], &[0, 1, 1, 1][..])
    );
}

pub async fn gives_no_name_before_its_tally(backend: &dyn Backend) {
    let store = backend.fresh(2).await;
    let poll = create(&*store, words_poll(1)).await;
    let other = create(&*store, words_poll(2)).await;
    let mut worker = Worker::begin(&*store, 0).await;
    worker.say(&poll, voter(1), ballot_id(1), &["a"]).await.unwrap();
    // The names of one poll and partition are not those of another.
    assert_eq!(worker.tally(&other).await, Tally::new());
    let beside = Worker::begin(&*store, 1).await;
    assert_eq!(beside.tally(&poll).await, Tally::new());
}

pub async fn a_fenced_commit_leaves_no_names(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    let poll = create(&*store, words_poll(1)).await;
    let key = poll.text_key.clone().unwrap();
    let mut quick = Worker::begin(&*store, 0).await;
    let slow = Worker::begin(&*store, 0).await;
    quick.say(&poll, voter(1), ballot_id(1), &["a"]).await.unwrap();
    let tally = tally_with(vec![key.seal("x").unwrap(), key.seal("y").unwrap()]);
    let names = new_names(&poll, &Tally::new(), &tally);
    let tallies = vec![slow.at(&poll, tally, 1)];
    let commit = Commit { from: 0, to: 1, tallies, names, ..Commit::default() };
    assert_eq!(store.commit(0, &commit).await, Err(CommitError::Fenced));
    assert_eq!(texts(&key, &quick.tally(&poll).await), ["a"]);
    quick.say(&poll, voter(2), ballot_id(2), &["b"]).await.unwrap();
    assert_eq!(texts(&key, &quick.tally(&poll).await), ["a", "b"]);
}

pub async fn a_failed_commit_leaves_no_names(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    let poll = create(&*store, words_poll(1)).await;
    let key = poll.text_key.clone().unwrap();
    let mut worker = Worker::begin(&*store, 0).await;
    let tally = tally_with(vec![key.seal("x").unwrap()]);
    let names = new_names(&poll, &Tally::new(), &tally);
    let unknown = words_poll(9);
    let tallies = vec![worker.at(&poll, tally, 1), worker.at(&unknown, some_tally(&[0]), 1)];
    let commit = Commit { from: 0, to: 1, tallies, names, ..Commit::default() };
    let failed = store.commit(0, &commit).await;
    assert!(matches!(failed, Err(CommitError::Store(StoreError::Damaged(_)))), "{failed:?}");
    worker.say(&poll, voter(1), ballot_id(1), &["a"]).await.unwrap();
    assert_eq!(texts(&key, &worker.tally(&poll).await), ["a"]);

    // A slot that is taken is not given to another name; nothing else of that commit is made either.
    let before = store.standing(poll.id).await.unwrap();
    let tally = tally_with(vec![key.seal("z").unwrap()]);
    let names = new_names(&poll, &Tally::new(), &tally);
    let tallies = vec![worker.at(&poll, tally, 2)];
    let commit = Commit { from: 1, to: 2, tallies, names, ..Commit::default() };
    let failed = store.commit(0, &commit).await;
    assert!(matches!(failed, Err(CommitError::Store(StoreError::Damaged(_)))), "{failed:?}");
    assert_eq!(store.standing(poll.id).await.unwrap(), before);
    worker.say(&poll, voter(2), ballot_id(2), &["b"]).await.unwrap();
}

pub async fn keeps_a_thousand_names_in_every_partition(backend: &dyn Backend) {
    const PARTITIONS: u32 = 12;
    let store = backend.fresh(PARTITIONS).await;
    let poll = create(&*store, words_poll(1)).await;
    let tally = tally_with(many_words(MAX_NAMES));
    for partition in 0..PARTITIONS {
        let worker = Worker::begin(&*store, partition).await;
        let names = new_names(&poll, &Tally::new(), &tally);
        let tallies = vec![worker.at(&poll, tally.clone(), 1)];
        let commit = Commit { from: 0, to: 1, tallies, names, ..Commit::default() };
        store.commit(partition, &commit).await.unwrap();
    }
    let standing = store.standing(poll.id).await.unwrap().unwrap();
    assert!((0..PARTITIONS).all(|partition| tally_of(&standing, partition).tally == tally));
    assert_eq!(standing.total_votes(), u64::from(PARTITIONS) * MAX_NAMES as u64);
    let loaded = store.load(7, &[poll.id], &[]).await.unwrap();
    assert_eq!(loaded.polls[0].as_ref().unwrap().1.as_ref().unwrap().tally, tally);
}

pub async fn keeps_what_voters_said(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    let poll = create(&*store, words_poll(1)).await;
    let mut worker = Worker::begin(&*store, 0).await;
    let long = ["ü".repeat(40), "👩‍👩‍👧".repeat(8), "z".into()];
    let long: Vec<&str> = long.iter().map(String::as_str).collect();
    let mut rows = Vec::new();
    rows.extend(worker.say(&poll, voter(1), ballot_id(2), &long).await);
    rows.extend(worker.say(&poll, voter(2), ballot_id(3), &["z"]).await);
    rows.extend(worker.say(&poll, voter(2), ballot_id(1), &["never counted"]).await);
    let store = backend.reopen(store).await;
    assert_eq!(store.ballots(0, 0, None, 9).await.unwrap(), rows);
    for (who, id, texts) in [(1, 2, &long[..]), (2, 3, &["z"])] {
        let counted = Some((ballot_id(id), saying(&poll, texts)));
        assert_eq!(store.voter(poll.id, voter(who)).await.unwrap().counted, counted);
        let loaded = store.load(0, &[], &[(poll.id, voter(who))]).await.unwrap();
        assert_eq!(loaded.voters[0].state.counted, counted);
    }
    // A ballot that replaces another takes away exactly what that one added.
    let mut worker = Worker::begin(&*store, 0).await;
    worker.say(&poll, voter(1), ballot_id(9), &["z"]).await.unwrap();
    assert_eq!(worker.tally(&poll).await.counts, [0, 0, 0, 2]);
}

pub async fn lists_many_polls_of_words(backend: &dyn Backend) {
    let store = backend.fresh(2).await;
    let mut expected = Vec::new();
    for n in 1..=40 {
        let poll =
            create(&*store, if n % 3 == 0 { super::open_poll(n) } else { words_poll(n) }).await;
        for partition in 0..2 {
            let mut worker = Worker::begin(&*store, partition).await;
            let who = voter((2 * n) as u8 + partition as u8);
            let said = ["one", "two", "three"][..1 + n as usize % 3].to_vec();
            match n % 3 {
                0 => worker.vote(&poll, who, ballot_id(n), &[1]).await.unwrap(),
                _ => worker.say(&poll, who, ballot_id(n), &said).await.unwrap(),
            };
        }
        expected.push(store.standing(poll.id).await.unwrap().unwrap());
    }
    expected.reverse();
    let named = |standing: &&Standing| standing.cloud().words.len() > 1;
    assert_eq!(expected.iter().filter(named).count(), 27);
    let listed = store.list(Listing { limit: 100, ..Listing::default() }).await.unwrap();
    assert_eq!(listed, expected);
}

/// Checks that a poll's key is the one that is expected, wherever a poll is read.
async fn has_key(store: &dyn Store, poll: &Poll, key: Option<&TextKey>) {
    let standing = store.standing(poll.id).await.unwrap().unwrap();
    let loaded = store.load(0, &[poll.id], &[]).await.unwrap().polls.remove(0).unwrap().0;
    let listing = Listing { limit: 9, all: true, ..Listing::default() };
    let listed = store.list(listing).await.unwrap().remove(0);
    for found in [&*standing.poll, &loaded, &listed.poll] {
        assert_eq!(found, poll);
        assert_eq!(found.text_key.as_ref(), key);
    }
}

pub async fn keeps_a_key_through_every_change(backend: &dyn Backend) {
    let mut store = backend.fresh(1).await;
    let mut poll = words_draft(1);
    poll.closes_at = Some(at(NOW + 9));
    let key = poll.text_key.clone().unwrap();
    let mut poll = create(&*store, poll).await;
    assert_eq!(poll.text_key.as_ref(), Some(&key));
    let again = store.create(words_draft(1), vec![poll.code.clone()], None).await.unwrap();
    assert_eq!(again, Created::Before(poll.clone()));
    let now = at(NOW + 3);
    type Step = fn(&mut Poll, pollux_core::id::UnixMillis);
    let steps: [Step; 6] = [
        |poll, now| poll.open(now).unwrap(),
        |poll, now| assert!(poll.close(now).unwrap()),
        |poll, now| assert!(poll.reopen(now).unwrap()),
        |poll, now| poll.reset(now).unwrap(),
        |poll, _| assert!(poll.set_owner([9; 32])),
        |poll, _| assert!(poll.allow_embed(vec!["*".into()]).unwrap()),
    ];
    for step in steps {
        change(&*store, &mut poll, |poll| step(poll, now)).await;
        has_key(&*store, &poll, Some(&key)).await;
        store = backend.reopen(store).await;
        has_key(&*store, &poll, Some(&key)).await;
    }
    // Housekeeping closes what is due, and appends what is unsettled.
    let mut due = store.due(at(NOW + 10), None, 9).await.unwrap().remove(0);
    assert_eq!(due, poll);
    let expected = due.revision;
    assert!(due.close(at(NOW + 10)).unwrap());
    assert_eq!(store.close(&[(due.clone(), expected)]).await.unwrap(), [true]);
    has_key(&*store, &due, Some(&key)).await;
    assert_eq!(store.unsettled(None, 9).await.unwrap(), [due]);
}

pub async fn keeps_a_key_that_is_not_given_back(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    let poll = create(&*store, words_poll(1)).await;
    let key = poll.text_key.clone().unwrap();
    // An announced poll has no key.
    let mut bare = Poll { text_key: None, ..poll.clone() };
    change(&*store, &mut bare, |poll| poll.reset(at(NOW + 2)).unwrap()).await;
    has_key(&*store, &Poll { text_key: Some(key.clone()), ..bare.clone() }, Some(&key)).await;
    let expected = bare.revision;
    assert!(bare.close(at(NOW + 3)).unwrap());
    assert_eq!(store.close(&[(bare.clone(), expected)]).await.unwrap(), [true]);
    has_key(&*store, &Poll { text_key: Some(key.clone()), ..bare.clone() }, Some(&key)).await;
    // A change that is refused changes no key.
    let foreign = Poll { text_key: words_poll(2).text_key, ..bare.clone() };
    assert_eq!(store.change(&foreign, expected).await, Err(ChangeError::Conflict));
    has_key(&*store, &Poll { text_key: Some(key.clone()), ..bare.clone() }, Some(&key)).await;
    // Erasing holds for a key that is not given back as well.
    let name = key.name("secret");
    let erase = Verdict { erase: vec![name], ..Verdict::default() };
    change(&*store, &mut bare, |poll| assert!(poll.moderate(&erase).unwrap())).await;
    let left = key.erase(name);
    has_key(&*store, &Poll { text_key: Some(left.clone()), ..bare }, Some(&left)).await;
}

pub async fn destroys_the_key_of_a_deleted_poll(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    let mut poll = create(&*store, words_poll(1)).await;
    change(&*store, &mut poll, |poll| poll.delete(at(NOW + 2)).unwrap()).await;
    has_key(&*store, &poll, None).await;
    let store = backend.reopen(store).await;
    has_key(&*store, &poll, None).await;
    assert_eq!(store.unsettled(None, 9).await.unwrap(), [poll]);

    // No key comes back with a poll that is deleted.
    let mut other = create(&*store, words_draft(2)).await;
    let key = other.text_key.clone();
    change(&*store, &mut other, |poll| {
        poll.delete(at(NOW + 2)).unwrap();
        poll.text_key = key;
    })
    .await;
    has_key(&*store, &Poll { text_key: None, ..other }, None).await;
}

pub async fn an_erased_word_stays_erased(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    let mut poll = create(&*store, words_poll(1)).await;
    let key = poll.text_key.clone().unwrap();
    let mut worker = Worker::begin(&*store, 0).await;
    worker.say(&poll, voter(1), ballot_id(1), &["secret", "kept"]).await.unwrap();
    let name = key.name("secret");
    let erase = Verdict { erase: vec![name], ..Verdict::default() };
    change(&*store, &mut poll, |poll| assert!(poll.moderate(&erase).unwrap())).await;
    let left = poll.text_key.clone().unwrap();
    assert_ne!(left, key);
    let mut store = store.clone();
    for _ in 0..2 {
        has_key(&*store, &poll, Some(&left)).await;
        let cloud = store.standing(poll.id).await.unwrap().unwrap().cloud();
        let said: Vec<_> =
            cloud.words.iter().map(|word| (word.text.as_deref(), word.votes)).collect();
        assert_eq!(said, [(None, 1), (Some("kept"), 1)]);
        store = backend.reopen(store).await;
    }
}

pub async fn counts_on_after_the_deletion(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    let mut poll = create(&*store, words_poll(1)).await;
    let open = poll.clone();
    let mut worker = Worker::begin(&*store, 0).await;
    worker.say(&open, voter(1), ballot_id(1), &["a", "b"]).await.unwrap();
    change(&*store, &mut poll, |poll| poll.delete(at(NOW + 2)).unwrap()).await;
    // These ballots stand before the deletion's record on the log, and are counted only now.
    worker.say(&open, voter(1), ballot_id(2), &["c"]).await.unwrap();
    worker.say(&open, voter(2), ballot_id(3), &["b"]).await.unwrap();
    worker.control(&poll).await;
    let tally = worker.tally(&poll).await;
    assert_eq!((tally.counts, tally.names.len()), (vec![0, 0, 1, 1], 3));
}

pub async fn keeps_the_key_of_a_draft_of_another_kind(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    let plain = create(&*store, super::draft_poll(2)).await;
    assert_eq!(plain.text_key, None);
    let mut poll = create(&*store, words_draft(1)).await;
    let options = ["a", "b"].map(str::to_owned).to_vec();
    let choice = KindDraft::Choice(choice::Draft { options, kind: None, max_choices: None });
    change(&*store, &mut poll, |poll| {
        poll.edit(Draft::new("Which?", choice), at(NOW)).unwrap();
        poll.give_text_key(|| unreachable!("a choice holds no texts"));
    })
    .await;
    let found = store.standing(poll_id(1)).await.unwrap().unwrap();
    assert_eq!(*found.poll, poll);
    assert!(poll.text_key.is_some());
    // Made a poll of words again it has the key of before, under which a node may seal that has heard of nothing since.
    let mut again = found.poll.as_ref().clone();
    change(&*store, &mut again, |poll| {
        let words = KindDraft::Words(Default::default());
        poll.edit(Draft::new("Which?", words), at(NOW)).unwrap();
        poll.give_text_key(|| unreachable!("it has a key"));
    })
    .await;
    let found = store.standing(poll_id(1)).await.unwrap().unwrap();
    assert_eq!(found.poll.text_key, poll.text_key);
    // Once it is open as a poll of another kind, it needs the key no more.
    let mut other = found.poll.as_ref().clone();
    change(&*store, &mut other, |poll| {
        let choice = choice::Draft { options: vec!["a".into(), "b".into()], ..Default::default() };
        poll.edit(Draft::new("Which?", KindDraft::Choice(choice)), at(NOW)).unwrap();
        poll.open(at(NOW)).unwrap();
    })
    .await;
    let found = store.standing(poll_id(1)).await.unwrap().unwrap();
    assert_eq!(found.poll.text_key, None);
}
