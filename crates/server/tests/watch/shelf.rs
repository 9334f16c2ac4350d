//! Open polls beyond the limit are put down when nobody uses them, and nobody can tell.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pollux_core::announcement::Announcement;
use pollux_core::poll::{Poll, PollStatus, Results};
use pollux_core::standing::Standing;
use pollux_server::config::WatchLimits;
use pollux_server::watch::hub::Missing;
use pollux_server::watch::stream::event_stream;
use pollux_server::watch::viewer::Interest;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::world::*;

/// Returns a hub with room for two idle polls, a leaderboard of two places, and one poll in the first message
/// of viewers.
fn small() -> World {
    World::new(WatchLimits {
        loaded_polls: 2,
        leaderboard: 2,
        leaderboard_sent: 2,
        overview: 1,
        ..WatchLimits::default()
    })
}

/// Waits long enough for idle polls to be put down.
async fn a_while() {
    tokio::time::sleep(Duration::from_secs(20)).await;
}

/// Returns what the store has of a poll, with this many votes for each option.
fn stored(poll: &Arc<Poll>, counts: Option<[u64; 2]>) -> Standing {
    let mut standing = Standing::new(poll.clone(), PARTITIONS);
    if let Some(counts) = counts {
        standing.take_tally(tally(poll, 0, counts));
    }
    standing
}

fn in_memory(world: &World, polls: &[Arc<Poll>]) -> Vec<bool> {
    // Asking with `poll` would count as use.
    polls.iter().map(|poll| !world.hub.shelved(poll.id)).collect()
}

/// Makes five polls with votes, of which the first two lead and the last is the newest; the other two are put
/// down, unless a viewer has yet to be sent them.
async fn five_polls(world: &World) -> Vec<Arc<Poll>> {
    let polls: Vec<_> = (1..=5).map(|n| world.open(n, Results::Live)).collect();
    for (poll, votes) in polls.iter().zip([9, 8, 3, 2, 1]) {
        world.tally(poll, 0, [votes, 0]);
    }
    a_while().await;
    polls
}

#[tokio::test(start_paused = true)]
async fn polls_that_lead_or_are_newest_or_watched_stay_and_the_rest_are_put_down() {
    let world = small();
    let third = poll(3, Results::Live, true);
    let polls: Vec<_> = (1..=5).map(|n| world.open(n, Results::Live)).collect();
    let _viewer = event_stream(&world.hub, one(&third), None);
    for (poll, votes) in polls.iter().zip([9, 8, 3, 2, 1]) {
        world.tally(poll, 0, [votes, 0]);
    }
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert_eq!(in_memory(&world, &polls), [true; 5], "they were used a moment ago");
    a_while().await;
    assert_eq!(in_memory(&world, &polls), [true, true, true, false, true]);
    assert_eq!((world.hub.open_polls(), world.hub.loaded_polls()), (5, 4));
    assert_eq!(world.hub.unfinished_polls().len(), 5);
    assert!(world.hub.poll(polls[3].id).is_none() && world.hub.by_code(&polls[3].code).is_none());
    assert_eq!(world.hub.shelved_by_code(&polls[3].code), Some((polls[3].id, true)));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_read_back_unchanged_sends_no_message() {
    let world = small();
    let mut viewer = event_stream(&world.hub, everything(), None);
    let polls = five_polls(&world).await;
    rest(&mut viewer).await;
    a_while().await;
    assert_eq!(in_memory(&world, &polls), [true, true, false, false, true]);
    world.hub.merge(stored(&polls[2], Some([3, 0])));
    a_while().await;
    assert_eq!(rest(&mut viewer).await, [json!(null); 0]);
    assert_eq!(world.hub.open_polls(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_vote_reads_a_shelved_poll_back_and_viewers_are_sent_it() {
    let world = small();
    let mut viewer = event_stream(&world.hub, everything(), None);
    let polls = five_polls(&world).await;
    rest(&mut viewer).await;
    let announcement = Announcement::Tally(tally(&polls[3], 0, [2, 7]));
    assert_eq!(world.hub.apply(announcement), Err(Missing::Poll(polls[3].id)));
    world.hub.merge(stored(&polls[3], Some([2, 7])));
    let told = rest(&mut viewer).await;
    let kinds: Vec<_> = told.iter().map(|message| message["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["poll.updated", "leaderboard.changed"], "{told:?}");
    assert_eq!(told[0]["poll"]["totalVotes"], 9);
    assert_eq!(world.hub.leaderboard(2).polls[0].poll_id, polls[0].id.to_string());
    assert_eq!(world.hub.leaderboard(2).polls[1].total_votes, 9);
}

#[tokio::test(start_paused = true)]
async fn a_hidden_vote_in_a_shelved_poll_is_sent_to_nobody() {
    let world = small();
    let mut viewer = event_stream(&world.hub, everything(), None);
    let hidden = world.open(1, Results::Hidden);
    world.open(2, Results::Live);
    world.open(3, Results::Live);
    rest(&mut viewer).await;
    a_while().await;
    assert_eq!(in_memory(&world, std::slice::from_ref(&hidden)), [false]);
    world.hub.merge(stored(&hidden, Some([1, 0])));
    assert_eq!(rest(&mut viewer).await, [json!(null); 0]);
    assert_eq!(world.hub.standing(hidden.id).unwrap().total_votes(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_shelved_poll_is_sent_to_those_who_saw_it() {
    let world = small();
    let mut viewer = event_stream(&world.hub, everything(), None);
    let polls = five_polls(&world).await;
    rest(&mut viewer).await;
    for (poll, deleted) in polls[2..4].iter().zip([false, true]) {
        let mut poll = poll.clone();
        let change = Arc::make_mut(&mut poll);
        match deleted {
            true => change.delete(NOW).unwrap(),
            false => assert!(change.close(NOW).unwrap()),
        };
        let announcement = Announcement::Poll(poll.clone());
        assert_eq!(world.hub.apply(announcement), Err(Missing::Poll(poll.id)));
        world.hub.merge(stored(&poll, None));
        let told = next(&mut viewer).await;
        assert_eq!((&told["type"], &told["poll"]["id"]), (&json!("poll.closed"), &json!(poll.id)));
    }
    assert_eq!(world.hub.open_polls(), 3);
    assert!(world.hub.poll(polls[3].id).is_none(), "it is deleted");
    assert_eq!(world.hub.poll(polls[2].id).unwrap().status, PollStatus::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_shelved_poll_is_read_back_when_it_comes_onto_the_board() {
    let world = small();
    let mut polls = five_polls(&world).await;
    let interest = Interest { leaderboard: true, ..Interest::default() };
    let mut viewer = event_stream(&world.hub, interest, None);
    next(&mut viewer).await;
    world.change(&mut polls[0], |poll| _ = poll.close(NOW).unwrap());
    let wanted = world.hub.sought().await;
    assert_eq!(wanted, [polls[2].id], "the third is second now");
    world.hub.merge(stored(&polls[2], Some([3, 0])));
    let told = rest(&mut viewer).await;
    let board = &told.last().unwrap()["leaderboard"]["polls"];
    let places: Vec<_> = board
        .as_array()
        .unwrap()
        .iter()
        .map(|place| place["totalVotes"].as_u64().unwrap())
        .collect();
    assert_eq!(places, [8, 3]);
    a_while().await;
    assert!(in_memory(&world, &polls)[2], "what has a place on it stays");
}

#[tokio::test(start_paused = true)]
async fn a_shelved_poll_that_has_closed_gets_no_place_on_the_board() {
    let world = small();
    let mut polls = five_polls(&world).await;
    world.change(&mut polls[0], |poll| _ = poll.close(NOW).unwrap());
    assert_eq!(world.hub.sought().await, [polls[2].id]);
    let mut closed = polls[2].clone();
    Arc::make_mut(&mut closed).close(NOW).unwrap();
    world.hub.merge(stored(&closed, Some([3, 0])));
    let next = tokio::time::timeout(Duration::from_secs(5), world.hub.sought()).await;
    assert_eq!(next.unwrap(), [polls[3].id], "the fourth is second now");
}

#[tokio::test(start_paused = true)]
async fn a_viewer_greeted_without_a_shelved_poll_is_sent_it_once_it_is_read_back() {
    let world = small();
    let mut polls = five_polls(&world).await;
    world.change(&mut polls[4], |poll| _ = poll.close(NOW).unwrap());
    let mut viewer = event_stream(&world.hub, everything(), None);
    assert_eq!(next(&mut viewer).await["polls"], json!([]), "the newest is on the shelf");
    assert_eq!(world.hub.sought().await, [polls[3].id]);
    world.hub.merge(stored(&polls[3], Some([2, 0])));
    let told = rest(&mut viewer).await;
    let it = told.iter().find(|message| message["poll"]["id"] == json!(polls[3].id));
    assert_eq!(it.unwrap()["poll"]["totalVotes"], 2, "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_viewer_of_everything_misses_no_shelved_poll() {
    let world = small();
    let mut viewer = event_stream(&world.hub, everything(), None);
    next(&mut viewer).await;
    let polls = five_polls(&world).await;
    assert_eq!(in_memory(&world, &polls), [true; 5], "there is somebody who has not heard of them");
    let told = rest(&mut viewer).await;
    let of =
        |poll: &Arc<Poll>| told.iter().rfind(|message| message["poll"]["id"] == json!(poll.id));
    let votes: Vec<_> =
        polls.iter().map(|poll| of(poll).unwrap()["poll"]["totalVotes"].clone()).collect();
    assert_eq!(votes, [9, 8, 3, 2, 1]);
    a_while().await;
    assert_eq!(in_memory(&world, &polls), [true, true, false, false, true]);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_poll_that_the_store_has_lost() {
    let world = small();
    let mut polls = five_polls(&world).await;
    world.change(&mut polls[0], |poll| _ = poll.close(NOW).unwrap());
    assert_eq!(world.hub.sought().await, [polls[2].id]);
    world.hub.unknown(polls[2].id);
    assert_eq!(world.hub.sought().await, [polls[3].id], "the next one comes up");
    assert_eq!(world.hub.open_polls(), 3);
}

/// `Side` is a hub with the store behind it, and a viewer who watches everything from the start.
struct Side {
    world: World,
    store: BTreeMap<usize, Standing>,
    viewer: pollux_server::watch::stream::EventStream,
    /// The last state that the viewer was sent of each poll.
    told: BTreeMap<String, Value>,
}

impl Side {
    fn new(loaded_polls: usize) -> Self {
        let limits = WatchLimits {
            loaded_polls,
            leaderboard: 3,
            leaderboard_sent: 1,
            overview: 2,
            ..WatchLimits::default()
        };
        let world = World::new(limits);
        let viewer = event_stream(&world.hub, everything(), None);
        Self { world, store: BTreeMap::new(), viewer, told: BTreeMap::new() }
    }

    /// Gives poll `n` these votes, or closes it.
    fn step(&mut self, n: usize, votes: Option<u64>) {
        let Some(standing) = self.store.get_mut(&n) else {
            let poll = self.world.open(n as u64, Results::Live);
            self.store.insert(n, stored(&poll, None));
            return;
        };
        let before = standing.total_votes();
        let announcement = match votes {
            Some(votes) if standing.poll.status == PollStatus::Open => {
                let tally = tally(&standing.poll, 0, [before + votes, 0]);
                standing.take_tally(tally.clone());
                Announcement::Tally(tally)
            }
            _ => {
                let mut poll = standing.poll.clone();
                _ = Arc::make_mut(&mut poll).close(NOW).unwrap();
                standing.take_poll(poll.clone());
                Announcement::Poll(poll)
            }
        };
        if self.world.hub.apply(announcement).is_err() {
            self.world.hub.merge(standing.clone());
        }
    }

    /// Lets time pass: what the hub wants is read back, and the viewer reads unless it is slow.
    async fn pass(&mut self, seconds: u64, slow: bool) {
        let until = tokio::time::Instant::now() + Duration::from_secs(seconds);
        loop {
            tokio::select! {
                biased;
                wanted = self.world.hub.sought() => {
                    for id in wanted {
                        let standing = self.store.values().find(|it| it.poll.id == id).unwrap();
                        self.world.hub.merge(standing.clone());
                    }
                }
                message = next(&mut self.viewer), if !slow => {
                    if let Some(id) = message["poll"]["id"].as_str() {
                        let version = |poll: &Value| poll["version"].as_u64();
                        let poll = message["poll"].clone();
                        let before = self.told.insert(id.to_owned(), poll.clone());
                        assert!(before.as_ref().and_then(version) <= version(&poll));
                    }
                }
                () = tokio::time::sleep_until(until) => return,
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// A viewer of everything ends at the same states, and the leaderboard is the same, whether all polls are
    /// in memory or hardly any.
    #[test]
    fn with_a_shelf_everybody_is_sent_the_same(
        steps in prop::collection::vec(
            (1_usize..8, prop::option::weighted(0.9, 0_u64..5), 1_u64..25, any::<bool>()),
            1..40,
        ),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let (mut with, mut without) = (Side::new(0), Side::new(100));
            for (n, votes, pause, slow) in steps {
                for side in [&mut with, &mut without] {
                    side.step(n, votes);
                    side.pass(pause, slow).await;
                }
            }
            for side in [&mut with, &mut without] {
                side.pass(30, false).await;
            }
            assert_eq!(with.told, without.told);
            let board = |side: &Side| {
                let board = side.world.hub.leaderboard(3);
                (board.options, board.polls)
            };
            assert_eq!(board(&with), board(&without));
            let open = |side: &Side| side.world.hub.open_polls();
            assert_eq!(open(&with), open(&without));
            assert!(without.world.hub.loaded_polls() == open(&without));
        });
    }
}
