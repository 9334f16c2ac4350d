//! Texts that look the same are the same, whoever writes them and in whatever form: options, votes that name
//! an option, and the names of voters.

#![allow(clippy::unwrap_used)]

mod api_support;

use api_support::{Ask, NOON, World};
use pollux_core::ballot::{Ballot, NamedBy};
use pollux_core::id::{BallotId, PollId, UnixMillis, partition_of};
use pollux_core::kind::Answer;
use pollux_core::record::{Entry, ballot_key};
use pollux_server::api::access::keys::Who;
use pollux_server::log::NewRecord;
use pollux_server::store::memory::{Faults, StoreFaults};
use serde_json::{Value, json};

async fn make(world: &World, body: Value) -> (u16, Value) {
    let answer = world.call(Ask::post("/api/polls", body.to_string()).request()).await;
    (answer.status.as_u16(), answer.json())
}

async fn vote(world: &World, poll: &str, body: Value) -> (u16, Value) {
    let path = format!("/api/polls/{poll}/vote?wait=counted");
    let answer = world.call(Ask::post(path, body.to_string()).request()).await;
    (answer.status.as_u16(), answer.json())
}

#[tokio::test(start_paused = true)]
async fn what_an_organiser_writes_is_kept_as_it_is_seen() {
    let world = World::new().await;
    let family = "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}\u{200D}\u{1F466}".repeat(30);
    let body = json!({ "question": " What\tshall we\u{a0}drink?\u{202e} ",
        "options": ["Cre\u{300}me", family, "New\u{a0} York\u{200b}"] });
    let (status, poll) = make(&world, body).await;
    assert_eq!((status, &poll["question"]), (201, &json!("What shall we drink?")), "{poll}");
    let texts: Vec<&Value> =
        poll["options"].as_array().unwrap().iter().map(|option| &option["text"]).collect();
    assert_eq!(texts, [&json!("Cr\u{e8}me"), &json!(family), &json!("New York")]);
    let (status, event) = {
        let body = json!({ "title": "All\u{2003}hands\n2026" }).to_string();
        let answer = world.call(Ask::post("/api/events", body).request()).await;
        (answer.status, answer.json())
    };
    assert_eq!((status.as_u16(), &event["title"]), (201, &json!("All hands 2026")), "{event}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_seen_or_told_apart_is_refused() {
    let world = World::new().await;
    let same = "/options/1: is the same as option 1";
    let alike = "/options/1: looks the same as option 1: change one of them, or leave it out";
    let unseen = "/question: must have something to see; all its characters are invisible";
    for (question, options, detail) in [
        ("Which?", ["Cr\u{e8}me", "Cre\u{300}me"], same),
        ("Which?", ["A", "A\u{200b}"], same),
        ("Which?", ["New York", "New\u{a0}York"], same),
        ("Which?", ["\u{2764}\u{fe0f}", "\u{2764}"], alike),
        ("\u{200b}", ["A", "B"], unseen),
    ] {
        let body = json!({ "question": question, "options": options });
        let (status, problem) = make(&world, body).await;
        assert_eq!((status, &problem["detail"]), (422, &json!(detail)), "{options:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_vote_counts_whichever_way_its_letters_are_encoded() {
    let world = World::new().await;
    let body =
        json!({ "question": "Which?", "options": ["Cre\u{300}me", "Caf\u{e9}"], "maxChoices": 2 });
    let (_, poll) = make(&world, body).await;
    let poll = poll["id"].as_str().unwrap();
    world.settle().await;
    for (name, answer) in [
        ("a", json!({ "option": "Cr\u{e8}me" })),
        ("b", json!({ "option": "Cre\u{300}me" })),
        ("c", json!({ "options": ["Cafe\u{301}", " Cr\u{e8}me\u{feff}"] })),
    ] {
        let mut answer = answer;
        answer["voterId"] = json!(name);
        let (status, receipt) = vote(&world, poll, answer).await;
        assert_eq!((status, &receipt["status"]), (200, &json!("counted")), "{receipt}");
    }
    assert_eq!(world.counted(poll).await, (3, vec![3, 1]));
}

#[tokio::test(start_paused = true)]
async fn names_that_look_the_same_are_one_voters() {
    let world = World::new().await;
    let (poll, _) = world.poll(r#"{"question":"Which?","options":["a","b"]}"#).await;
    world.settle().await;
    let mut ballots = Vec::new();
    for name in
        ["alice", "alice ", "\talice", "al\u{200b}ice", "Ren\u{e9}e", "Rene\u{301}e", "Alice"]
    {
        let (status, receipt) =
            vote(&world, &poll, json!({ "option": "a", "voterId": name })).await;
        assert_eq!((status, &receipt["status"]), (200, &json!("counted")), "{receipt}");
        ballots.push(receipt["ballotId"].as_str().unwrap().to_owned());
    }
    assert_eq!(world.counted(&poll).await, (3, vec![3, 0]), "case can be seen");
    // Each form of the name finds the voter's ballots.
    for name in ["alice", "alice%20"] {
        let path = format!("/api/polls/{poll}/ballots/{}?voterId={name}", ballots[1]);
        assert_eq!(world.call(Ask::get(path).request()).await.status, 200, "{name}");
    }
    for name in ["\u{200b}", " \u{a0}"] {
        let (status, problem) =
            vote(&world, &poll, json!({ "option": "a", "voterId": name })).await;
        let unseen = "/voterId: must have something to see; all its characters are invisible";
        assert_eq!((status, &problem["detail"]), (422, &json!(unseen)), "{problem}");
    }
}

/// A Pollux that took names as they were sent has recorded a ballot of `"alice "` in a poll that is still open.
#[tokio::test(start_paused = true)]
async fn an_update_gives_nobody_a_second_vote() {
    let world = World::new().await;
    let (poll, _) = world.poll(r#"{"question":"Which?","options":["a","b"]}"#).await;
    world.settle().await;
    let id: PollId = poll.parse().unwrap();
    let kept = world.app.store.standing(id).await.unwrap().unwrap().poll;
    let voter = world.app.keys.voter(id, Who::Named("alice "));
    let ballot = BallotId::new(UnixMillis(NOON - 5_000), [1; 10]);
    let recorded = Entry::Ballot(Ballot {
        poll: id,
        voter,
        id: ballot,
        named_by: NamedBy::Server,
        answer: Answer::options([1]).unwrap(),
        round: kept.round,
        phase: kept.phase,
        at: UnixMillis(NOON),
    });
    let key = ballot_key(id, voter);
    let partition = partition_of(key.as_bytes(), world.app.log.partitions());
    let record = NewRecord { key: key.into(), value: recorded.encode().into() };
    world.app.log.append(partition, record).await.unwrap();
    assert_eq!(world.counted(&poll).await, (1, vec![1, 0]));

    // While nobody knows whether that voter has voted, the ballot is no other voter's.
    let away = Faults { unavailable: 1.0, ..Faults::NONE };
    world.store.set_faults(StoreFaults { reads: away, ..StoreFaults::NONE });
    let path = format!("/api/polls/{poll}/vote");
    let body = json!({ "option": "b", "voterId": "alice " }).to_string();
    let answer = world.call(Ask::post(path, body).request()).await;
    assert_eq!(answer.status, 503, "{answer}");
    world.store.set_faults(StoreFaults::NONE);

    let (_, receipt) = vote(&world, &poll, json!({ "option": "b", "voterId": "alice " })).await;
    assert_eq!(receipt["status"], "counted", "{receipt}");
    assert_eq!(world.counted(&poll).await, (1, vec![0, 1]), "the vote is changed");
    let path = format!("/api/polls/{poll}/ballots/{ballot}?voterId=alice%20");
    let found = world.call(Ask::get(path).request()).await;
    assert_eq!(
        (found.status.as_u16(), &found.json()["status"]),
        (200, &json!("replaced")),
        "{found}"
    );
}
