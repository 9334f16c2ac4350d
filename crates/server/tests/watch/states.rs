//! Viewers are sent the right states, by a clock that the test moves.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pollux_core::announcement::Announcement;
use pollux_core::poll::{PollStatus, Results};
use pollux_core::standing::{Standing, TallyAt};
use pollux_server::config::WatchLimits;
use pollux_server::watch::grants::{Grant, Proof};
use pollux_server::watch::hub::Missing;
use pollux_server::watch::stream::event_stream;
use pollux_server::watch::view::{self, Audience};
use pollux_server::watch::viewer::{Interest, SubscribeError};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::world::*;

#[tokio::test(start_paused = true)]
async fn hello_shows_the_present_state_and_updates_follow() {
    let world = World::new(WatchLimits::default());
    let poll = world.open(1, Results::Live);
    world.tally(&poll, 0, [2, 1]);
    let mut viewer = event_stream(&world.hub, one(&poll), None);
    let hello = next(&mut viewer).await;
    assert_eq!(hello["type"], "hello");
    assert_eq!(hello["epoch"], world.hub.epoch());
    assert_eq!(hello["leaderboard"], Value::Null);
    assert_eq!(hello["polls"][0]["totalVotes"], 3);
    world.tally(&poll, 1, [5, 0]);
    let update = next(&mut viewer).await;
    assert_eq!(
        (&update["type"], &update["poll"]["totalVotes"]),
        (&json!("poll.updated"), &json!(8))
    );
    assert_eq!(rest(&mut viewer).await, Vec::<Value>::new(), "nothing is sent twice");
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_is_not_shown_an_older_state() {
    let world = World::new(WatchLimits::default());
    let poll = world.open(1, Results::Live);
    tokio::time::sleep(Duration::from_secs(1)).await;
    for interest in [everything(), one(&poll)] {
        for votes in 1..=5 {
            // The viewer comes back again and again within one tick.
            let mut viewer = event_stream(&world.hub, interest.clone(), None);
            let before = next(&mut viewer).await["polls"][0]["totalVotes"].as_u64().unwrap();
            world.tally(&poll, 0, [before + votes, 0]);
            let update = next_poll(&mut viewer).await["poll"].clone();
            assert_eq!(update["totalVotes"], before + votes);
            let mut again = event_stream(&world.hub, interest.clone(), None);
            assert_eq!(next(&mut again).await["polls"][0], update);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_votes_is_one_message_a_tick() {
    let world = World::new(WatchLimits::default());
    let poll = world.open(1, Results::Live);
    let mut viewer = event_stream(&world.hub, one(&poll), None);
    next(&mut viewer).await;
    rest(&mut viewer).await;
    let start = tokio::time::Instant::now();
    world.tally(&poll, 0, [1, 0]);
    next(&mut viewer).await;
    assert_eq!(start.elapsed(), Duration::ZERO, "the first change goes out at once");
    let reader = tokio::spawn(async move { rest(&mut viewer).await });
    for n in 2..=1_000 {
        world.tally(&poll, 0, [n, 0]);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let updates = reader.await.unwrap();
    assert!((9..=11).contains(&updates.len()), "{} updates in a second", updates.len());
    assert_eq!(updates.last().unwrap()["poll"]["totalVotes"], 1_000);
}

#[tokio::test(start_paused = true)]
async fn hidden_numbers_and_their_pace_are_shown_to_nobody_but_the_owner() {
    let world = World::new(WatchLimits::default());
    let mut poll = world.open(1, Results::Hidden);
    let interest = Interest { everything: true, ..one(&poll) };
    let mut public = event_stream(&world.hub, interest, None);
    let mut all = event_stream(&world.hub, everything(), None);
    let grants = vec![(poll.id, Grant::Runs(Proof::Owner(poll.owner)))];
    let mut owner = event_stream(&world.hub, Interest { grants, ..one(&poll) }, None);
    for viewer in [&mut public, &mut all, &mut owner] {
        rest(viewer).await;
    }
    world.tally(&poll, 0, [4, 3]);
    assert_eq!(next(&mut owner).await["poll"]["totalVotes"], 7);
    assert_eq!(rest(&mut public).await, Vec::<Value>::new());
    assert_eq!(rest(&mut all).await, Vec::<Value>::new());
    assert_eq!(world.hub.leaderboard(10).options, []);
    world.change(&mut poll, |poll| _ = poll.reveal().unwrap());
    assert_eq!(next_poll(&mut public).await["poll"]["totalVotes"], 7);
    assert_eq!(next_poll(&mut all).await["poll"]["totalVotes"], 7);
    rest(&mut all).await;
    assert_eq!(world.hub.leaderboard(10).options.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn turnout_is_shown_before_the_numbers_and_no_changed_mind_is() {
    let world = World::new(WatchLimits::default());
    let mut poll = world.open_with_turnout(1);
    let mut public = event_stream(&world.hub, one(&poll), None);
    let mut all = event_stream(&world.hub, everything(), None);
    for viewer in [&mut public, &mut all] {
        assert_eq!(next(viewer).await["polls"][0]["totalVoters"], 0);
        rest(viewer).await;
    }
    world.tally(&poll, 0, [4, 3]);
    let mut seen = 0;
    for viewer in [&mut public, &mut all] {
        let shown = next_poll(viewer).await["poll"].clone();
        assert_eq!((&shown["totalVoters"], &shown["totalVotes"]), (&json!(7), &Value::Null));
        assert_eq!(shown["options"][0]["votes"], Value::Null);
        rest(viewer).await;
        seen = shown["version"].as_u64().unwrap();
    }
    // Two of the seven change their minds.
    let mut changed = tally(&poll, 0, [2, 5]);
    changed.next_offset += 2;
    changed.tally.changes += 2;
    world.hub.apply(Announcement::Tally(changed)).unwrap();
    for viewer in [&mut public, &mut all] {
        assert_eq!(rest(viewer).await, Vec::<Value>::new(), "not even in the pace");
    }
    assert_eq!(world.hub.leaderboard(10).options, []);
    world.change(&mut poll, |poll| assert!(poll.reveal().unwrap()));
    for viewer in [&mut public, &mut all] {
        let shown = next_poll(viewer).await["poll"].clone();
        assert_eq!((&shown["totalVotes"], &shown["options"][1]["votes"]), (&json!(7), &json!(5)));
        assert!(shown["version"].as_u64().unwrap() > seen, "{shown} after {seen}");
    }
    // The numbers are hidden again, and the round before had voters: nobody keeps a number.
    world.change(&mut poll, |poll| poll.reset(NOW).unwrap());
    let mut again = tally(&poll, 0, [1, 0]);
    again.next_offset += 100;
    world.hub.apply(Announcement::Tally(again)).unwrap();
    let last = rest(&mut public).await.pop().unwrap();
    assert_eq!(
        (&last["poll"]["totalVoters"], &last["poll"]["totalVotes"]),
        (&json!(1), &Value::Null)
    );
}

#[tokio::test(start_paused = true)]
async fn who_votes_sees_the_numbers_from_then_on() {
    let world = World::new(WatchLimits::default());
    let poll = world.open(1, Results::AfterVote);
    let (me, other) = ([1; 16], [2; 16]);
    let mut mine = event_stream(&world.hub, one(&poll), Some(me));
    let mut all = event_stream(&world.hub, everything(), Some(me));
    let mut theirs = event_stream(&world.hub, one(&poll), Some(other));
    for viewer in [&mut mine, &mut all, &mut theirs] {
        let hello = next(viewer).await;
        assert_eq!(hello["polls"][0]["totalVotes"], Value::Null);
        rest(viewer).await;
    }
    world.hub.voted(poll.id, me);
    assert_eq!(next_poll(&mut mine).await["poll"]["totalVotes"], 0);
    assert_eq!(next_poll(&mut all).await["poll"]["totalVotes"], 0);
    world.tally(&poll, 0, [1, 0]);
    assert_eq!(next_poll(&mut mine).await["poll"]["totalVotes"], 1);
    assert_eq!(next_poll(&mut all).await["poll"]["totalVotes"], 1);
    assert_eq!(rest(&mut theirs).await, Vec::<Value>::new());
    // A token of something else takes nothing away, and causes no message.
    mine.viewer().grant(poll.id, Grant::Runs(Proof::Owner([99; 32])));
    world.tally(&poll, 0, [2, 0]);
    assert_eq!(next_poll(&mut mine).await["poll"]["totalVotes"], 2);
}

#[tokio::test(start_paused = true)]
async fn a_viewer_of_everything_hears_of_births_and_ends() {
    let world = World::new(WatchLimits::default());
    let mut viewer = event_stream(&world.hub, everything(), None);
    rest(&mut viewer).await;
    let kinds = |messages: Vec<Value>| -> Vec<String> {
        let name = |m: Value| m["type"].as_str().unwrap().to_owned();
        messages.into_iter().map(name).filter(|m| m.starts_with("poll.")).collect()
    };
    let mut poll = world.open(1, Results::Live);
    world.open_as(2, Results::Live, false);
    assert_eq!(kinds(rest(&mut viewer).await), ["poll.created"], "an unlisted one is not told");
    world.tally(&poll, 0, [1, 0]);
    assert_eq!(kinds(rest(&mut viewer).await), ["poll.updated"]);
    world.change(&mut poll, |poll| _ = poll.close(NOW).unwrap());
    let closed = rest(&mut viewer).await;
    assert_eq!(closed.iter().find(|m| m["type"] == "poll.closed").unwrap()["poll"]["final"], false);
    for partition in 0..PARTITIONS {
        world.tally(&poll, partition, [1, 0]);
    }
    let last = rest(&mut viewer).await.pop().unwrap();
    assert_eq!((&last["type"], &last["poll"]["final"]), (&json!("poll.updated"), &json!(true)));
    world.change(&mut poll, |poll| _ = poll.reopen(NOW).unwrap());
    assert_eq!(kinds(rest(&mut viewer).await), ["poll.updated"]);
    world.change(&mut poll, |poll| poll.delete(NOW).unwrap());
    assert_eq!(kinds(rest(&mut viewer).await), ["poll.closed"]);
    assert!(world.hub.poll(poll.id).is_none());
    assert!(world.hub.by_code(&poll.code).is_none());
    // A late announcement does not bring the poll back.
    world.hub.apply(Announcement::Tally(tally(&poll, 0, [9, 9]))).unwrap();
    assert_eq!(rest(&mut viewer).await, Vec::<Value>::new());
}

#[tokio::test(start_paused = true)]
async fn a_deleted_poll_ends_its_subscriptions() {
    let world = World::new(WatchLimits::default());
    let mut poll = world.open(1, Results::Live);
    let mut viewer = event_stream(&world.hub, one(&poll), None);
    rest(&mut viewer).await;
    world.change(&mut poll, |poll| poll.delete(NOW).unwrap());
    let last = rest(&mut viewer).await;
    assert_eq!(last.len(), 1);
    assert_eq!(
        (&last[0]["type"], &last[0]["poll"]["status"]),
        (&json!("poll.closed"), &json!("closed"))
    );
    assert_eq!(viewer.viewer().subscribe(poll.id), Err(SubscribeError::Unknown));
}

#[tokio::test(start_paused = true)]
async fn drafts_are_shown_to_their_owner_only() {
    let world = World::new(WatchLimits::default());
    let mut poll = poll(1, Results::Live, true);
    {
        let poll = Arc::make_mut(&mut poll);
        (poll.status, poll.phase) = (PollStatus::Draft, 0);
    }
    world.hub.merge(Standing::new(poll.clone(), PARTITIONS));
    let mut all = event_stream(&world.hub, everything(), None);
    let mut public = event_stream(&world.hub, one(&poll), None);
    let grants = vec![(poll.id, Grant::Runs(Proof::Owner(poll.owner)))];
    let mut owner = event_stream(&world.hub, Interest { grants, ..one(&poll) }, None);
    assert_eq!(next(&mut all).await["polls"], json!([]));
    assert_eq!(next(&mut public).await["polls"], json!([]));
    assert_eq!(next(&mut owner).await["polls"][0]["status"], "draft");
    world.change(&mut poll, |poll| poll.open(NOW).unwrap());
    for viewer in [&mut all, &mut public, &mut owner] {
        assert_eq!(next_poll(viewer).await["poll"]["status"], "open");
    }
}

#[tokio::test(start_paused = true)]
async fn everything_is_fifty_polls_first_and_fifty_updates_a_tick_and_none_is_passed_over() {
    let world = World::new(WatchLimits::default());
    let polls: Vec<_> = (1..=120).map(|n| world.open(n, Results::Live)).collect();
    let mut viewer = event_stream(&world.hub, everything(), None);
    let hello = next(&mut viewer).await;
    let shown = hello["polls"].as_array().unwrap();
    assert_eq!(shown.len(), 50);
    assert_eq!(shown[0]["id"], polls[119].id.to_string(), "the newest first");
    rest(&mut viewer).await;
    // All polls change all the time; in each second every one of them must come by.
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for n in 1..=30 {
        for poll in &polls {
            world.tally(poll, 0, [n, 0]);
        }
        let mut in_tick = 0;
        let tick = tokio::time::sleep(Duration::from_millis(100));
        tokio::pin!(tick);
        loop {
            tokio::select! {
                biased;
                message = next_poll(&mut viewer) => {
                    in_tick += 1;
                    *seen.entry(message["poll"]["id"].to_string()).or_default() += 1;
                }
                () = &mut tick => break,
            }
        }
        assert!(in_tick <= 50, "{in_tick} in one tick");
    }
    assert_eq!(seen.len(), 120);
    assert!(seen.values().all(|times| (8..=16).contains(times)), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn the_leaderboard_comes_with_its_moves() {
    let world = World::new(WatchLimits::default());
    let (a, mut b) = (world.open(1, Results::Live), world.open(2, Results::Live));
    world.tally(&a, 0, [5, 1]);
    world.tally(&b, 0, [3, 2]);
    let interest = Interest { leaderboard: true, ..Interest::default() };
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut viewer = event_stream(&world.hub, interest, None);
    let hello = next(&mut viewer).await;
    let since = hello["leaderboard"]["version"].as_u64().unwrap();
    assert_eq!(hello["polls"], json!([]));
    assert_eq!(hello["leaderboard"]["options"][0]["votes"], 5);
    world.tally(&b, 1, [3, 0]);
    let change = next(&mut viewer).await;
    assert_eq!(
        (&change["type"], &change["sinceVersion"]),
        (&json!("leaderboard.changed"), &json!(since))
    );
    let by = |poll: &pollux_core::poll::Poll, option: u8, from: Value, to: Value| json!({"pollId": poll.id.to_string(), "optionId": option, "from": from, "to": to});
    assert_eq!(
        change["changes"],
        json!([by(&b, 1, json!(2), json!(1)), by(&a, 1, json!(1), json!(2))])
    );
    world.change(&mut b, |poll| _ = poll.close(NOW).unwrap());
    let change = next(&mut viewer).await;
    assert_eq!(
        change["changes"],
        json!([
            by(&a, 1, json!(2), json!(1)),
            by(&a, 2, json!(4), json!(2)),
            by(&b, 1, json!(1), Value::Null),
            by(&b, 2, json!(3), Value::Null),
        ])
    );
    assert_eq!(change["leaderboard"]["polls"].as_array().unwrap().len(), 1);
    assert_eq!(world.hub.leaderboard(1).options.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn closed_polls_are_forgotten_beyond_the_limit_but_not_while_watched() {
    let world = World::new(WatchLimits { closed_polls: 5, ..WatchLimits::default() });
    let mut polls: Vec<_> = (1..=20).map(|n| world.open(n, Results::Live)).collect();
    let _viewer = event_stream(&world.hub, one(&polls[0]), None);
    for poll in &mut polls {
        world.change(poll, |poll| _ = poll.close(NOW).unwrap());
    }
    let kept: Vec<_> = polls.iter().filter(|p| world.hub.poll(p.id).is_some()).collect();
    assert_eq!(kept.len(), 5);
    assert!(world.hub.poll(polls[0].id).is_some() && world.hub.poll(polls[19].id).is_some());
    assert_eq!(
        world.hub.apply(Announcement::Tally(tally(&polls[3], 0, [1, 1]))),
        Err(Missing::Poll(polls[3].id))
    );
}

#[tokio::test(start_paused = true)]
async fn a_tally_ahead_of_its_poll_asks_for_the_poll() {
    let world = World::new(WatchLimits::default());
    let poll = world.open(1, Results::Live);
    let mut closed = (*poll).clone();
    closed.close(NOW).unwrap();
    let ahead = Announcement::Tally(tally(&closed, 0, [1, 0]));
    assert_eq!(world.hub.apply(ahead), Err(Missing::Poll(poll.id)));
    assert_eq!(world.hub.standing(poll.id).unwrap().total_votes(), 1, "it is applied all the same");
}

#[tokio::test(start_paused = true)]
async fn progress_is_awaited() {
    let world = World::new(WatchLimits::default());
    let generation = pollux_core::id::Generation(poll(1, Results::Live, true).id.0);
    let progress = |next_offset| Announcement::Progress { partition: 1, generation, next_offset };
    let waits = tokio::spawn({
        let hub = world.hub.clone();
        async move { hub.committed(1, 10).await }
    });
    world.hub.apply(progress(10)).unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert!(!waits.is_finished());
    world.hub.apply(progress(11)).unwrap();
    waits.await.unwrap();
    world.hub.apply(progress(3)).unwrap();
    world.hub.committed(1, 10).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Announcements come late, twice and out of order: what every viewer sees only grows, and ends at the
    /// sum of the newest tallies.
    #[test]
    fn versions_never_go_back_and_the_last_state_is_the_final_tally(
        order in prop::collection::vec((0_usize..40, 0_u64..60), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let world = World::new(WatchLimits::default());
            let polls: Vec<_> = (1..=2).map(|n| world.open(n, Results::Live)).collect();
            let all: Vec<TallyAt> = (0..40_u64)
                .map(|n| tally(&polls[n as usize % 2], n as u32 % PARTITIONS, [n, n / 3]))
                .collect();
            let mut one = event_stream(&world.hub, one(&polls[0]), None);
            let mut every = event_stream(&world.hub, everything(), None);
            let mut truth: Vec<_> =
                polls.iter().map(|p| Standing::new(p.clone(), PARTITIONS)).collect();
            let mut seen: [BTreeMap<String, u64>; 2] = Default::default();
            let mut last: [BTreeMap<String, Value>; 2] = Default::default();
            let mut look = |i: usize, message: Value| {
                let polls = message["polls"].as_array().cloned().unwrap_or_default();
                for poll in polls.into_iter().chain([message["poll"].clone()]) {
                    let Some(version) = poll["version"].as_u64() else { continue };
                    let id = poll["id"].to_string();
                    let before = seen[i].insert(id.clone(), version);
                    assert!(before <= Some(version), "{before:?} then {version}");
                    last[i].insert(id, poll);
                }
            };
            for (i, pause) in order {
                truth[i % 2].take_tally(all[i].clone());
                world.hub.apply(Announcement::Tally(all[i].clone())).unwrap();
                let wait = Duration::from_millis(pause);
                while let Ok(message) = tokio::time::timeout(wait, next(&mut one)).await {
                    look(0, message);
                }
                // This viewer is slow: it looks only now and then.
                if pause > 50
                    && let Ok(message) = tokio::time::timeout(wait, next(&mut every)).await
                {
                    look(1, message);
                }
                if pause == 7 {
                    one.viewer().subscribe(polls[0].id).unwrap();
                }
            }
            rest(&mut one).await.into_iter().for_each(|m| look(0, m));
            rest(&mut every).await.into_iter().for_each(|m| look(1, m));
            for (i, truth) in truth.iter().enumerate() {
                let truth = serde_json::to_value(view::poll(truth, Audience::Public)).unwrap();
                let id = truth["id"].to_string();
                assert_eq!(last[1][&id], truth);
                if i == 0 {
                    assert_eq!(last[0][&id], truth);
                }
            }
        });
    }
}
