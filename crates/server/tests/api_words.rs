//! Polls of words: what voters may say, what owners decide about it, and that no output tells what is not shown.

#![allow(clippy::unwrap_used)]

mod api_support;

use std::sync::Arc;
use std::time::Duration;

use api_support::served::{Served, TestViewer, serve};
use api_support::{Answer, Ask, OPERATOR, World};
use futures_util::StreamExt;
use pollux_core::record::Entry;
use pollux_core::standing::Standing;
use serde_json::{Value, json};
use tower::ServiceExt;

const POLL: &str = r#"{"question":"Which words?","kind":"words","maxWords":10}"#;
/// What strangers may write. Each is one word.
const ODD: [&str; 8] = [
    "Zebrafish",
    "<script>alert('zq')</script>",
    "=HYPERLINK(\"zq\")",
    "שלום עולם זק",
    "zq🎉👩‍👩‍👧‍👦 party",
    "back\\slash \"zq\" quoted",
    "ＺＱ Ｗｉｄｅ",
    "ß̈ ZQ",
];

fn vote(id: &str, words: &[&str]) -> Ask {
    Ask::post(format!("/api/polls/{id}/vote?wait=counted"), json!({"answer": words}).to_string())
}

async fn counted(world: &World, id: &str, words: &[&str]) {
    let answer = world.call(vote(id, words).request()).await;
    assert_eq!(answer.status, 200, "{answer}");
}

/// The id of a ballot that is sent several times.
const BALLOT: &str = "01990a5d-ac96-774b-8cce-b302099a8057";

/// Returns every word of the owner's list.
async fn listed(world: &World, id: &str, token: &str) -> Vec<Value> {
    let path = format!("/api/polls/{id}/words?limit=500");
    let answer = world.call(Ask::get(path).token(token).request()).await;
    assert_eq!(answer.status, 200, "{answer}");
    answer.json()["words"].as_array().unwrap().clone()
}

/// Returns the ids of the words that have these texts.
async fn ids(world: &World, id: &str, token: &str, texts: &[&str]) -> Vec<String> {
    let words = listed(world, id, token).await;
    let id_of = |text: &&str| {
        let found = words.iter().find(|word| word["text"] == **text);
        let found = found.unwrap_or_else(|| panic!("no {text:?} in {words:#?}"));
        found["id"].as_str().unwrap().to_owned()
    };
    texts.iter().map(id_of).collect()
}

async fn moderate(world: &World, id: &str, token: &str, verdict: Value) -> Answer {
    let path = format!("/api/polls/{id}/moderate");
    world.call(Ask::post(path, verdict.to_string()).token(token).request()).await
}

async fn decided(world: &World, id: &str, token: &str, verdict: Value) -> Value {
    let answer = moderate(world, id, token, verdict).await;
    assert_eq!(answer.status, 200, "{answer}");
    answer.json()
}

/// Returns the texts of the words that the public is shown.
async fn shown(world: &World, id: &str) -> Vec<String> {
    let poll = world.call(Ask::get(format!("/api/polls/{id}")).request()).await.json();
    let words = poll["words"].as_array().unwrap_or_else(|| panic!("{poll:#}"));
    words.iter().map(|word| word["text"].as_str().unwrap().to_owned()).collect()
}

/// Returns the forms in which an output may tell a text.
fn forms(text: &str) -> Vec<String> {
    let json = serde_json::to_string(text).unwrap();
    let html = text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    let core = text.split_whitespace().next().unwrap();
    let ascii: String =
        text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect::<Vec<_>>().concat();
    vec![
        text.into(),
        json[1..json.len() - 1].into(),
        html,
        text.to_uppercase(),
        core.into(),
        ascii,
        hex::encode(text),
    ]
}

/// Asserts that no output tells any of these texts or ids.
fn assert_silent(outputs: &[(String, String)], texts: &[&str], ids: &[String], when: &str) {
    for (from, output) in outputs {
        for form in texts.iter().flat_map(|text| forms(text)).chain(ids.iter().cloned()) {
            assert!(!output.contains(&form), "{when}: {from} tells {form:?}: {output}");
        }
    }
}

/// A `Hall` is an event with a poll of words on its stage, and everybody who watches.
struct Hall {
    served: Served,
    event: String,
    event_code: String,
    owner: String,
    poll: String,
    sockets: Vec<(String, TestViewer)>,
}

impl Hall {
    async fn new(approve: bool, results: &str) -> Self {
        let served = serve(|_| {}).await;
        let world = &served.world;
        let event = world.call(Ask::post("/api/events", r#"{"title":"Hall"}"#).request()).await;
        let event = event.json();
        let text = |name: &str| event[name].as_str().unwrap().to_owned();
        let (id, owner, event_code) = (text("id"), text("ownerToken"), text("code"));
        let body = json!({"question": "Which words?", "kind": "words", "maxWords": 10,
            "approve": approve, "results": results, "open": true});
        let add = Ask::post(format!("/api/events/{id}/polls"), body.to_string()).token(&owner);
        let poll = world.call(add.request()).await.json();
        let poll = poll["id"].as_str().unwrap().to_owned();
        let show = Ask::post(format!("/api/events/{id}/show"), json!({"poll": poll}).to_string());
        assert_eq!(world.call(show.token(&owner).request()).await.status, 200);
        world.settle().await;
        let mut sockets = Vec::new();
        for query in
            [String::new(), format!("?poll={poll}"), format!("?event={id}"), "?leaderboard".into()]
        {
            sockets.push((format!("/ws{query}"), served.socket(&query, None).await));
        }
        Self { served, event: id, event_code, owner, poll, sockets }
    }

    fn world(&self) -> &World {
        &self.served.world
    }

    /// Returns all that sockets have heard so far, and forgets it.
    async fn heard(&mut self) -> Vec<(String, String)> {
        let mut outputs = Vec::new();
        for (name, socket) in &mut self.sockets {
            socket.catch_up().await;
            let heard = std::mem::take(&mut socket.heard);
            outputs.push((name.clone(), serde_json::to_string(&heard).unwrap()));
        }
        outputs
    }

    /// Returns every output that anybody can ask for without a token, with what it tells.
    async fn outputs(&mut self) -> Vec<(String, String)> {
        let mut outputs = self.heard().await;
        let (world, poll, event) = (&self.served.world, &self.poll, &self.event);
        let code = &self.event_code;
        for path in [
            format!("/api/polls/{poll}"),
            format!("/api/polls/{code}"),
            format!("/api/polls/{poll}/trend"),
            format!("/api/polls/{poll}/replay"),
            format!("/api/polls/{poll}/pulse"),
            format!("/api/polls/{poll}/export"),
            format!("/api/polls/{poll}/export?format=json"),
            format!("/api/polls/{poll}/words"),
            format!("/api/events/{event}"),
            format!("/api/events/{event}/pulse"),
            "/api/polls".into(),
            "/api/leaderboard".into(),
            "/api/status".into(),
            "/metrics".into(),
            "/readyz".into(),
        ] {
            outputs.push((path.clone(), body(world, Ask::get(path)).await));
        }
        for page in ["p", "polls", "present", "overlay", "embed"] {
            for name in [poll, code] {
                let ask = Ask::get(format!("/{page}/{name}")).header("accept", "text/html");
                outputs.push((format!("/{page}/{name}"), body(world, ask).await));
            }
        }
        for path in ["/api/events".into(), format!("/api/polls/{poll}/events")] {
            outputs.push((path.clone(), stream(world, &path).await));
        }
        outputs
    }
}

/// Returns an answer with its headers, as one text.
async fn body(world: &World, ask: Ask) -> String {
    let answer = world.call(ask.request()).await;
    format!("{:?}\n{}", answer.headers, String::from_utf8_lossy(&answer.body))
}

/// Returns what a stream of events tells within a moment.
async fn stream(world: &World, path: &str) -> String {
    let ask = Ask::get(path).header("accept", "text/event-stream");
    let response = world.router.clone().oneshot(ask.request()).await.unwrap();
    let mut stream = response.into_body().into_data_stream();
    let mut whole = Vec::new();
    while let Ok(Some(chunk)) =
        tokio::time::timeout(Duration::from_millis(150), stream.next()).await
    {
        whole.extend_from_slice(&chunk.unwrap());
    }
    let whole = String::from_utf8_lossy(&whole).into_owned();
    assert!(whole.contains("hello"), "{path}: {whole}");
    whole
}

#[tokio::test]
async fn what_waits_or_is_hidden_or_erased_is_in_no_output() {
    let mut hall = Hall::new(true, "live").await;
    let (id, owner) = (hall.poll.clone(), hall.owner.clone());
    counted(hall.world(), &id, &ODD).await;
    let all = ids(hall.world(), &id, &owner, &ODD).await;
    hall.world().settle().await;
    let outputs = hall.outputs().await;
    assert_silent(&outputs, &ODD, &all, "before the approval");
    assert!(outputs.iter().any(|(_, told)| told.contains("\"unshownVotes\":8")), "they count");

    // Each text is searched for where it must be, too; otherwise a search that finds nothing would prove nothing.
    let own = decided(hall.world(), &id, &owner, json!({"show": all})).await;
    assert_eq!(own["words"].as_array().unwrap().len(), 8, "{own:#}");
    hall.world().settle().await;
    let outputs = hall.outputs().await;
    for text in ODD {
        let telling = outputs.iter().filter(|(_, told)| {
            told.contains(text)
                || told.contains(serde_json::to_string(text).unwrap().trim_matches('"'))
        });
        let telling: Vec<_> = telling.map(|(from, _)| from.clone()).collect();
        assert!(telling.len() >= 7, "{text:?} is in {telling:?}");
    }
    assert_silent(&outputs, &[], &all, "ids are the owner's alone");

    let hidden = json!({"hide": all[..4], "erase": all[4..]});
    let own = decided(hall.world(), &id, &owner, hidden).await;
    // From here on nothing may tell them, whoever was on the way to be told.
    hall.world().settle().await;
    let outputs = hall.outputs().await;
    assert_silent(&outputs, &ODD, &all, "after the hiding");
    let answered = vec![("the answer to the owner".into(), own.to_string())];
    assert_silent(&answered, &ODD, &all, "after the hiding");
    assert_eq!((&own["unshownVotes"], &own["totalVotes"]), (&json!(8), &json!(8)));

    // Whoever says an erased word is refused, and the refusal does not repeat it.
    let refused = hall.world().call(vote(&id, &["fine", ODD[7]]).request()).await;
    assert_eq!(refused.status, 422);
    assert_eq!(refused.json()["errors"][0]["pointer"], "/answer/1", "{refused}");
    let problem = vec![("a problem".into(), refused.to_string())];
    assert_silent(&problem, &ODD, &all, "in a problem");
    // A hidden word can be said again, and stays hidden. Newcomers to the hall are told nothing of it.
    let second = hall.world().call(vote(&id, &[ODD[0]]).request()).await;
    assert_eq!(second.status, 200, "{second}");
    hall.world().settle().await;
    let mut late = hall.served.socket("", None).await;
    late.catch_up().await;
    let mut outputs = hall.outputs().await;
    outputs.push(("a newcomer".into(), serde_json::to_string(&late.heard).unwrap()));
    assert_silent(&outputs, &ODD, &all, "said again");

    // What was hidden is the owner's to read and to show again; what was erased is nobody's.
    let words = listed(hall.world(), &id, &owner).await;
    let texts = |state: &str| {
        let of = words.iter().filter(|word| word["state"] == state);
        of.filter_map(|word| word["text"].as_str()).count()
    };
    assert_eq!((texts("hidden"), texts("erased")), (4, 0), "{words:#?}");
    let export = Ask::get(format!("/api/polls/{id}/export")).token(&owner);
    let export = String::from_utf8(hall.world().call(export.request()).await.body).unwrap();
    assert!(export.contains(ODD[0]) && !export.contains(ODD[4]), "{export}");
    decided(hall.world(), &id, &owner, json!({"show": [all[0]]})).await;
    assert_eq!(shown(hall.world(), &id).await, [ODD[0]]);
}

/// While the numbers are hidden there is no word, no id, and a version that does not tell how many words came.
#[tokio::test]
async fn hidden_results_tell_no_words() {
    for results in ["hidden", "afterVote"] {
        let mut hall = Hall::new(false, results).await;
        let id = hall.poll.clone();
        let version = |view: &Value| view["version"].clone();
        let before = hall.world().call(Ask::get(format!("/api/polls/{id}")).request()).await.json();
        assert_eq!(
            ["words", "moreWords", "otherVotes", "unshownVotes", "totalVotes"].map(|m| &before[m]),
            [&Value::Null; 5],
            "{before:#}"
        );
        counted(hall.world(), &id, &ODD).await;
        let owner = hall.owner.clone();
        let all = ids(hall.world(), &id, &owner, &ODD).await;
        hall.world().settle().await;
        let outputs = hall.outputs().await;
        assert_silent(&outputs, &ODD, &all, results);
        let after = hall.world().call(Ask::get(format!("/api/polls/{id}")).request()).await.json();
        assert_eq!(after["words"], Value::Null);
        // The turnout is shown, so the version tells that one person has voted, but not with how many words.
        assert_eq!(after["totalVoters"], 1);
        let one = version(&after).as_u64().unwrap() - version(&before).as_u64().unwrap();
        assert_eq!(one, 1, "one ballot, whatever is in it");
    }
}

#[tokio::test(start_paused = true)]
async fn each_node_seals_and_shows_and_what_one_hides_is_out_on_the_other() {
    let here = World::new().await;
    let there = here.beside().await;
    let settle = || tokio::time::sleep(Duration::from_secs(1));
    let (id, token) = here.poll(POLL).await;
    settle().await;
    counted(&there, &id, &["Rust", "fast builds", "mud"]).await;
    counted(&here, &id, &["RUST ", "slow"]).await;
    settle().await;
    for node in [&here, &there] {
        let mut words = shown(node, &id).await;
        words.sort();
        assert_eq!(words, ["Rust", "fast builds", "mud", "slow"]);
    }
    let [mud, slow] = ids(&here, &id, &token, &["mud", "slow"]).await.try_into().unwrap();
    decided(&here, &id, &token, json!({"hide": [mud], "erase": [slow]})).await;
    assert!(!shown(&here, &id).await.contains(&"mud".into()), "at once, where it was asked for");
    settle().await;
    let mut words = shown(&there, &id).await;
    words.sort();
    assert_eq!(words, ["Rust", "fast builds"], "within a second on the other node");
    for node in [&here, &there] {
        let refused = node.call(vote(&id, &["ＳＬＯＷ"]).request()).await;
        assert_eq!(refused.status, 422, "neither node seals what was erased: {refused}");
        counted(node, &id, &["new here"]).await;
    }
    // What was closed, opened again and emptied on one node is known with its key on the other.
    for change in ["close", "reopen", "reset"] {
        let path = format!("/api/polls/{id}/{change}");
        assert_eq!(here.call(Ask::post(path, "").token(&token).request()).await.status, 200);
    }
    settle().await;
    assert_eq!(shown(&there, &id).await, [""; 0]);
    counted(&there, &id, &["second round"]).await;
    settle().await;
    for node in [&here, &there] {
        assert_eq!(shown(node, &id).await, ["second round"]);
    }
    let gone = here.call(Ask::new("DELETE", format!("/api/polls/{id}")).token(&token).request());
    assert_eq!(gone.await.status, 204);
    settle().await;
    assert_eq!(there.call(vote(&id, &["late"]).request()).await.status, 404);
}

/// Whichever way a poll comes to another node, it is voted in there.
#[tokio::test(start_paused = true)]
async fn a_poll_has_its_key_on_each_node_however_it_came_there() {
    let here = World::new().await;
    let there = here.beside().await;
    let settle = || tokio::time::sleep(Duration::from_secs(1));
    // A draft of another kind that becomes one of words is opened later.
    let draft = r#"{"question":"Which?","options":["a","b"],"open":false}"#;
    let (id, token) = here.poll(draft).await;
    let patch = r#"{"kind":"words","approve":false,"maxWords":2}"#;
    let patched = Ask::new("PATCH", format!("/api/polls/{id}")).json(patch).token(&token);
    assert_eq!(here.call(patched.request()).await.json()["kind"], "words");
    let open = Ask::post(format!("/api/polls/{id}/open"), "").token(&token);
    assert_eq!(there.call(open.request()).await.status, 200);
    settle().await;
    counted(&here, &id, &["here"]).await;
    // A draft of an event, whose list is in the other node's memory, is shown from there.
    let made = here.call(Ask::post("/api/events", r#"{"title":"Both"}"#).request()).await.json();
    let (event, owner) = (made["id"].as_str().unwrap(), made["ownerToken"].as_str().unwrap());
    settle().await;
    there.call(Ask::get(format!("/api/events/{event}")).request()).await;
    let add = Ask::post(format!("/api/events/{event}/polls"), POLL).token(owner);
    let added = here.call(add.request()).await.json();
    let of_event = added["id"].as_str().unwrap().to_owned();
    settle().await;
    let show =
        Ask::post(format!("/api/events/{event}/show"), json!({"poll": of_event}).to_string());
    let shows = here.call(show.token(owner).request()).await;
    assert_eq!(shows.status, 200, "{shows}");
    settle().await;
    counted(&there, &of_event, &["on stage"]).await;
    // A lone poll joins the event.
    let (lone, lone_token) = here.poll(POLL).await;
    settle().await;
    counted(&there, &lone, &["alone"]).await;
    let join = json!({"pollId": lone, "pollToken": lone_token}).to_string();
    let join = Ask::post(format!("/api/events/{event}/polls"), join).token(owner);
    let joined = here.call(join.request()).await;
    assert_eq!(joined.status, 201, "{joined}");
    settle().await;
    counted(&there, &lone, &["together"]).await;
    settle().await;
    for node in [&here, &there] {
        assert_eq!(shown(node, &id).await, ["here"]);
        assert_eq!(shown(node, &of_event).await, ["on stage"]);
        let mut words = shown(node, &lone).await;
        words.sort();
        assert_eq!(words, ["alone", "together"]);
    }
    // A node that starts later reads the polls with their keys and names.
    let late = here.beside().await;
    counted(&late, &id, &["late"]).await;
    settle().await;
    assert_eq!(shown(&late, &id).await, ["here", "late"]);
}

/// A node that lacks a poll's key says so, and does not blame the voter.
#[tokio::test(start_paused = true)]
async fn without_the_key_a_vote_is_refused_for_now() {
    let world = World::new().await;
    let (id, _) = world.poll(POLL).await;
    let known = world.app.hub.standing(id.parse().unwrap()).unwrap();
    let mut bare = (*known.poll).clone();
    bare.id = world.app.ambient.poll_id();
    bare.text_key = None;
    let id = bare.id.to_string();
    world.app.hub.merge(Standing::new(Arc::new(bare), world.app.log.partitions()));
    let answer = world.call(vote(&id, &["word"]).request()).await;
    assert_eq!(answer.status, 503, "{answer}");
    assert_eq!(answer.json()["type"], "/docs/errors/not-recorded", "{answer}");
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test(start_paused = true)]
async fn a_ballot_sent_again_is_the_same_record() {
    let world = World::new().await;
    let (id, _) = world.poll(POLL).await;
    world.settle().await;
    let long = "ǖ".repeat(40);
    let heavy: Vec<String> = (0..10).map(|n| format!("{n}{}", &"ǖ̃̃".repeat(26))).collect();
    assert!(heavy.iter().all(|word| word.len() > 130 && word.len() <= 160), "{}", heavy[0].len());
    let body = json!({"answer": heavy, "ballotId": BALLOT});
    let path = format!("/api/polls/{id}/vote?wait=counted");
    let ask = Ask::post(path, body.to_string()).header("cookie", "");
    for _ in 0..3 {
        let answer = world.call(ask.request()).await;
        assert_eq!(answer.status, 200, "{answer}");
    }
    let too_long = world.call(vote(&id, &[&format!("{long}{long}")]).request()).await;
    assert_eq!(too_long.json()["errors"][0]["pointer"], "/answer/0", "{too_long}");
    // Words that are the same to people count once, as the first of them was written.
    counted(&world, &id, &["Rust", "rust ", "ＲＵＳＴ", "Röst"]).await;
    world.settle().await;
    let poll = world.call(Ask::get(format!("/api/polls/{id}")).request()).await.json();
    assert_eq!((&poll["totalVoters"], &poll["totalVotes"]), (&json!(2), &json!(12)), "{poll:#}");
    assert_eq!(shown(&world, &id).await.iter().filter(|word| *word == "Rust").count(), 1);

    let mut ballots = Vec::new();
    for partition in 0..world.app.log.partitions() {
        let read = world.app.log.read(partition, 0, 100, Duration::ZERO).await.unwrap();
        for record in read {
            if let Ok(Entry::Ballot(ballot)) = Entry::decode(&record.value) {
                let clear = String::from_utf8_lossy(&record.value).into_owned();
                assert!(!clear.contains("ust") && !clear.contains('ǖ'), "{clear}");
                ballots.push((ballot.id, record.value.clone()));
            }
        }
    }
    let same: Vec<_> = ballots.iter().filter(|(id, _)| id.to_string() == BALLOT).collect();
    assert_eq!((same.len(), ballots.len()), (3, 4));
    assert!(same.iter().all(|(_, value)| *value == same[0].1), "a retry is the same bytes");
}

#[tokio::test(start_paused = true)]
async fn an_owner_reads_the_words_page_by_page() {
    let world = World::new().await;
    let (id, token) = world.poll(POLL).await;
    world.settle().await;
    let texts: Vec<String> = (0..45).map(|n| format!("word {n}")).collect();
    for chunk in texts.chunks(9) {
        let chunk: Vec<&str> = chunk.iter().map(String::as_str).collect();
        counted(&world, &id, &chunk).await;
    }
    let hide = ids(&world, &id, &token, &["word 3", "word 40"]).await;
    let erase = ids(&world, &id, &token, &["word 7"]).await;
    decided(&world, &id, &token, json!({"hide": hide, "erase": erase})).await;
    let page = async |query: &str| {
        let path = format!("/api/polls/{id}/words?{query}");
        world.call(Ask::get(path).token(&token).request()).await
    };
    let whole = page("limit=500").await.json();
    let all = whole["words"].as_array().unwrap().clone();
    assert_eq!(
        ["waiting", "shown", "hidden", "erased"].map(|state| whole[state].as_u64().unwrap()),
        [0, 42, 2, 1]
    );
    assert_eq!(whole["nextCursor"], Value::Null);
    let (mut walked, mut cursor) = (Vec::new(), String::new());
    loop {
        let part = page(&format!("limit=7{cursor}")).await.json();
        walked.extend(part["words"].as_array().unwrap().clone());
        assert_eq!(part["shown"], 42, "over all pages");
        let Some(next) = part["nextCursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(walked, all, "pages miss nothing and repeat nothing");
    let hidden = page("state=hidden").await.json();
    assert_eq!(hidden["words"].as_array().unwrap().len(), 2);
    let owner = world.call(Ask::get(format!("/api/polls/{id}")).token(&token).request()).await;
    assert_eq!(owner.json()["version"], whole["version"]);
    for query in ["state=odd", "limit=0", "limit=501", "cursor=x", "cursor=AAAA"] {
        assert_eq!(page(query).await.status, 400, "{query}");
    }
    // Who may do this: the owner and the operator.
    let stage = Ask::post(format!("/api/polls/{id}/stage"), "").token(&token);
    let stage = world.call(stage.request()).await.json()["stageToken"].as_str().unwrap().to_owned();
    for (token, status) in
        [(Some(OPERATOR), 200), (Some("wrong"), 403), (Some(&stage), 403), (None, 401)]
    {
        let asks = [
            Ask::get(format!("/api/polls/{id}/words")),
            Ask::post(format!("/api/polls/{id}/moderate"), r#"{"show":[]}"#),
        ];
        for ask in asks {
            let ask = token.map_or(ask.clone(), |token| ask.token(token));
            let answer = world.call(ask.request()).await;
            assert_eq!(answer.status, status, "{ask}{answer}");
        }
    }
    let (choice, token) = world.poll(r#"{"question":"?","options":["a","b"]}"#).await;
    let none = Ask::get(format!("/api/polls/{choice}/words")).token(&token);
    assert_eq!(world.call(none.request()).await.status, 422);
    assert_eq!(moderate(&world, &choice, &token, json!({"approve": true})).await.status, 422);
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_verdict_is_said() {
    let world = World::new().await;
    let (id, token) = world.poll(POLL).await;
    world.settle().await;
    counted(&world, &id, &["one", "two"]).await;
    let [one, two] = ids(&world, &id, &token, &["one", "two"]).await.try_into().unwrap();
    let other = "0".repeat(32);
    let many: Vec<String> = (0..501).map(|n| format!("{n:032x}")).collect();
    for (verdict, pointers) in [
        (json!({}), vec![""]),
        (json!({"approve": null}), vec!["/approve"]),
        (json!({"approve": "yes", "hide": one}), vec!["/approve", "/hide"]),
        (json!({"show": [one, other, "ABC"]}), vec!["/show/2"]),
        (json!({"show": [one, other]}), vec!["/show/1"]),
        (json!({"show": [one], "hide": [two, one]}), vec!["/hide/1"]),
        (json!({"hide": [one], "clear": [one]}), vec!["/clear/0"]),
        (json!({"hide": many}), vec![""]),
        (json!({"hide": [], "pin": []}), vec!["/pin"]),
        (json!({"erase": null}), vec!["/erase"]),
    ] {
        let refused = moderate(&world, &id, &token, verdict.clone()).await;
        assert_eq!(refused.status, 422, "{verdict}: {refused}");
        let errors = refused.json()["errors"].as_array().unwrap().clone();
        let named: Vec<_> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
        assert_eq!(named, pointers, "{verdict}: {errors:?}");
    }
    assert_eq!(shown(&world, &id).await, ["one", "two"], "nothing was changed");
    // What is asked for twice is done once, and each change raises the version.
    let first = decided(&world, &id, &token, json!({"hide": [one]})).await;
    let again = decided(&world, &id, &token, json!({"hide": [one]})).await;
    assert_eq!(first["version"], again["version"]);
    let back = decided(&world, &id, &token, json!({"show": [one]})).await;
    assert!(back["version"].as_u64() > again["version"].as_u64());
    // Words that come later wait, until all are shown again; a closed poll is moderated as well.
    decided(&world, &id, &token, json!({"approve": true})).await;
    world.settle().await;
    counted(&world, &id, &["three"]).await;
    assert_eq!(shown(&world, &id).await, ["one"], "two was never approved");
    // A word about which nothing is decided any more waits again.
    decided(&world, &id, &token, json!({"hide": [one]})).await;
    let cleared = decided(&world, &id, &token, json!({"clear": [one]})).await;
    assert_eq!((&cleared["words"], &cleared["unshownVotes"]), (&json!([]), &json!(3)));
    decided(&world, &id, &token, json!({"show": [one]})).await;
    let close = Ask::post(format!("/api/polls/{id}/close"), "").token(&token);
    world.call(close.request()).await;
    decided(&world, &id, &token, json!({"approve": false, "hide": [two]})).await;
    assert_eq!(shown(&world, &id).await, ["one", "three"]);
    // A decision outlives its round, and can be taken back in the next.
    for change in ["reopen", "reset"] {
        let ask = Ask::post(format!("/api/polls/{id}/{change}"), "").token(&token);
        world.call(ask.request()).await;
    }
    world.settle().await;
    counted(&world, &id, &["two"]).await;
    assert_eq!(shown(&world, &id).await, [""; 0]);
    decided(&world, &id, &token, json!({"show": [two]})).await;
    assert_eq!(shown(&world, &id).await, ["two"]);
    let gone = moderate(&world, &id, &token, json!({"show": [format!("{:032x}", 7)]})).await;
    assert_eq!(gone.status, 422);
}

/// Five hundred decisions fit into one request, and two hundred words can be erased.
#[tokio::test(start_paused = true)]
async fn the_limits_of_moderation_are_what_the_papers_say() {
    let world = World::new().await;
    let (id, token) = world.poll(POLL).await;
    world.settle().await;
    let texts: Vec<String> = (0..520).map(|n| format!("w{n}")).collect();
    for chunk in texts.chunks(10) {
        let chunk: Vec<&str> = chunk.iter().map(String::as_str).collect();
        counted(&world, &id, &chunk).await;
    }
    world.settle().await;
    let poll = world.call(Ask::get(format!("/api/polls/{id}")).request()).await.json();
    assert_eq!(poll["words"].as_array().unwrap().len(), 500);
    assert_eq!((&poll["moreWords"], &poll["totalVotes"]), (&json!(20), &json!(520)));
    let all: Vec<_> = listed(&world, &id, &token).await;
    let all: Vec<_> = all.iter().map(|word| word["id"].clone()).collect();
    let own = decided(&world, &id, &token, json!({"hide": all[..500]})).await;
    assert_eq!(own["unshownVotes"], 500);
    let refused = moderate(&world, &id, &token, json!({"erase": all[..201]})).await;
    assert_eq!(refused.json()["errors"][0]["pointer"], "/erase", "{refused}");
    decided(&world, &id, &token, json!({"erase": all[..200]})).await;
    let refused = moderate(&world, &id, &token, json!({"erase": all[200..201]})).await;
    assert_eq!(refused.status, 422, "{refused}");
}

#[tokio::test(start_paused = true)]
async fn words_stay_text_in_a_sheet() {
    let world = World::new().await;
    let (id, token) = world.poll(POLL).await;
    world.settle().await;
    counted(&world, &id, &["=1+1", "-5", "+49 30", "@SUM(A1)", "2026-01-02", "a,b \"c\""]).await;
    let export = Ask::get(format!("/api/polls/{id}/export")).token(&token);
    let sheet = String::from_utf8(world.call(export.request()).await.body).unwrap();
    for cell in
        [",'=1+1,", ",'-5,", ",'+49 30,", ",'@SUM(A1),", ",2026-01-02,", ",\"a,b \"\"c\"\"\","]
    {
        assert!(sheet.contains(cell), "{cell} in {sheet}");
    }
}

#[tokio::test]
async fn words_are_said_over_a_socket() {
    let served = serve(|_| {}).await;
    let (id, _) = served.world.poll(POLL).await;
    served.world.settle().await;
    let mut socket = served.socket(&format!("?poll={id}"), None).await;
    socket.say(json!({"type": "vote", "poll": id, "answer": ["by socket", "BY  socket"]})).await;
    socket.until_type("vote.counted").await;
    let is_there = |message: &Value| message["poll"]["words"][0]["text"] == "by socket";
    if !socket.heard.iter().any(is_there) {
        socket.until(is_there).await;
    }
    socket.say(json!({"type": "vote", "poll": id, "answer": ["", "fine"]})).await;
    let error = socket.until_type("error").await;
    assert_eq!(error["problem"]["errors"][0]["pointer"], "/answer/0", "{error}");
}
