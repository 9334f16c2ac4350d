//! The accept loop and the sockets run over real TCP: slow clients, garbage, a stop that cuts no request,
//! votes over a WebSocket, and a hidden poll whose counts no output may tell.

#![allow(clippy::unwrap_used)]

mod api_support;

use std::time::Duration;

use api_support::Ask;
use api_support::served::{is_problem, serve};
use futures_util::StreamExt;
use pollux_core::announcement::Announcement;
use pollux_core::gate::Gate;
use pollux_core::id::PollId;
use pollux_core::standing::TallyAt;
use pollux_core::tally::Tally;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower::ServiceExt;

const CLASSIC: &str = r#"{"question":"Which?","options":["JavaScript","Python"]}"#;

#[tokio::test]
async fn what_is_not_http_gets_a_problem_too() {
    let served = serve(|_| {}).await;
    is_problem(&served.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n").await, 400);
    is_problem(&served.raw(b"GET / HTTP/9.9\r\n\r\n").await, 400);
    let long = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(20_000));
    is_problem(&served.raw(long.as_bytes()).await, 431);
}

#[tokio::test]
async fn a_client_that_dribbles_or_never_speaks_is_closed() {
    let served = serve(|config| {
        config.api.header_timeout = Duration::from_millis(200);
        config.api.body_timeout = Duration::from_millis(200);
    })
    .await;
    is_problem(&served.raw(b"").await, 408);
    is_problem(&served.raw(b"GET / HT").await, 408);
    let (id, _) = served.world.poll(CLASSIC).await;
    let head = format!(
        "POST /polls/{id}/vote HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: 100\r\nconnection: close\r\n\r\n{{"
    );
    is_problem(&served.raw(head.as_bytes()).await, 408);
    // An idle connection after a request is closed without an answer.
    let healthy = served.raw(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(healthy.matches("HTTP/1.1").count(), 1, "{healthy}");
}

#[tokio::test]
async fn a_stop_cuts_no_request() {
    let mut served = serve(|_| {}).await;
    let (id, _) = served.world.poll(CLASSIC).await;
    let delay = Duration::from_millis(300);
    served.world.fail(pollux_server::log::memory::LogFaults {
        delay: delay..delay * 2,
        ..Default::default()
    });
    let body = r#"{"optionId":1}"#;
    let request = format!(
        "POST /polls/{id}/vote HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut tcp = TcpStream::connect(served.address).await.unwrap();
    tcp.write_all(request.as_bytes()).await.unwrap();
    while served.world.app.log.end(0).await.is_err() {}
    tokio::time::sleep(Duration::from_millis(100)).await;
    served.shutdown.cancel();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    (&mut served.server).await.unwrap();
    assert!(TcpStream::connect(served.address).await.is_err());
}

#[tokio::test]
async fn a_vote_over_a_websocket_is_recorded_and_then_counted() {
    let served = serve(|_| {}).await;
    let (id, _) = served.world.poll(CLASSIC).await;
    let mut socket = served.socket(&format!("?poll={id}"), None).await;
    assert_eq!(socket.next().await["type"], "hello");
    socket.say(format!(r#"{{"type":"vote","poll":"{id}","option":"Python","ref":7}}"#)).await;
    let (mut recorded, mut counted, mut shown) = (false, false, false);
    while !(recorded && counted && shown) {
        let message = socket.next().await;
        match message["type"].as_str().unwrap() {
            "vote.recorded" => {
                assert!(!counted, "recorded comes first");
                assert_eq!(message["ref"], 7);
                recorded = true;
            }
            "vote.counted" => counted = true,
            "poll.updated" => shown |= message["poll"]["options"][1]["votes"] == 1,
            other => panic!("{other}: {message}"),
        }
    }
    for (say, slug) in [
        (r#"garbage"#, "malformed-json"),
        (r#"{"type":"dance"}"#, "rules-broken"),
        (r#"{"type":"vote","poll":"999999","option":"x"}"#, "no-such-poll"),
        (r#"{"type":"subscribe"}"#, "rules-broken"),
        (r#"{"type":"auth","token":"wrong"}"#, "wrong-token"),
    ] {
        socket.say(say).await;
        let error = socket.next().await;
        assert_eq!(error["type"], "error", "{say}");
        assert_eq!(error["problem"]["type"], format!("/docs/errors/{slug}"), "{say}");
    }
}

#[tokio::test]
async fn a_foreign_origin_or_an_unknown_poll_is_refused_before_the_upgrade() {
    let served = serve(|_| {}).await;
    let key = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n";
    let ask = |path: &str, more: &str| {
        format!(
            "GET {path} HTTP/1.1\r\nhost: here\r\nupgrade: websocket\r\nconnection: upgrade, close\r\n{key}{more}\r\n"
        )
    };
    let foreign = ask("/", "origin: https://evil.example\r\n");
    is_problem(&served.raw(foreign.as_bytes()).await, 403);
    is_problem(&served.raw(ask("/ws?poll=999999", "").as_bytes()).await, 404);
    let mut tcp = TcpStream::connect(served.address).await.unwrap();
    tcp.write_all(ask("/", "origin: http://here\r\n").as_bytes()).await.unwrap();
    let mut head = [0; 12];
    tcp.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 101");
}

/// `Asked` is a hidden poll of one kind: its own members, its counts slot by slot, and a vote in it.
type Asked = (&'static str, &'static [u64], &'static str);

/// The counts, the voters and the changes of mind are prime numbers, so that no other number looks like them.
const KINDS: [Asked; 5] = [
    (r#""options":["a","b"],"maxChoices":2"#, &[7919, 7907], r#"{"optionId":1}"#),
    (r#""statements":["a"],"steps":2"#, &[7919, 7907], r#"{"answer":[1]}"#),
    (r#""kind":"ranking","options":["a","b"],"places":1"#, &[7919, 7907], r#"{"answer":[1]}"#),
    (
        r#""kind":"points","options":["a","b"],"budget":7"#,
        &[7919, 6997, 7907, 6991],
        r#"{"answer":[7,0]}"#,
    ),
    (r#""kind":"number","max":1,"solution":611953279"#, &[7919, 7907], r#"{"answer":1}"#),
];
/// The right answer to the number, which nobody is told before the close.
const SOLUTION: u64 = 611_953_279;
const VOTERS: u64 = 9001;
const CHANGED: u64 = 773;

/// Returns everything that is sent to the public, over HTTP, streams and sockets, beside a poll with these
/// numbers.
async fn outputs((members, counts, vote): Asked, rest: &str) -> String {
    let hidden = format!(r#"{{"question":"Secret?",{members},{rest}}}"#);
    let served = serve(|_| {}).await;
    let world = &served.world;
    let (id, token) = world.poll(&hidden).await;
    let (open_id, _) = world.poll(CLASSIC).await;
    let mut events = Vec::new();
    for path in ["/events".to_owned(), format!("/polls/{id}/events"), format!("/events?poll={id}")]
    {
        let response = world.router.clone().oneshot(Ask::get(&path).request()).await.unwrap();
        // Each stream is read all along, because it sends the latest state to whoever reads, not a backlog.
        let mut stream = response.into_body().into_data_stream();
        let reader = tokio::spawn(async move {
            let mut whole = Vec::new();
            while let Some(chunk) = stream.next().await {
                whole.extend_from_slice(&chunk.unwrap());
            }
            whole
        });
        events.push((path, reader));
    }
    let mut sockets = Vec::new();
    for query in ["".to_owned(), format!("?poll={id}"), "?leaderboard".into()] {
        let url = format!("ws://{}/ws{query}", served.address);
        sockets.push(tokio_tungstenite::connect_async(&url).await.unwrap().0);
    }
    world.settle().await;
    let poll: PollId = id.parse().unwrap();
    let tally = |poll, counts: Vec<u64>, voters| {
        let changes = 1 + voters + CHANGED;
        let tally = Tally { phase: 1, gate: Gate::Open, voters, changes, counts, ..Tally::new() };
        let generation = world.app.log.generation();
        let at = TallyAt { poll, partition: 0, generation, next_offset: 20_000, tally };
        Announcement::Tally(at)
    };
    let open = open_id.parse().unwrap();
    let numbers = vec![tally(poll, counts.to_vec(), VOTERS), tally(open, vec![31, 0], 31)];
    world.app.log.announce(numbers).await.unwrap();
    world.settle().await;

    let own = world.call(Ask::get(format!("/api/polls/{id}")).token(&token).request()).await;
    assert!(own.json().to_string().contains(&counts[0].to_string()), "the owner sees them");
    let solution = &own.json()["solution"];
    assert_eq!(!solution.is_null(), members.contains("solution"), "the owner sees it");
    let mut outputs = String::new();
    for path in [
        "/",
        "/polls",
        "/api/polls?status=open",
        "/leaderboard",
        "/metrics",
        "/openapi.json",
        "/readyz",
    ] {
        let mut answer = world.call(Ask::get(path).request()).await;
        if path == "/metrics" {
            answer.body = in_whole_numbers(&answer.body);
        }
        outputs += &format!("{path}\n{:?}\n{answer}\n", answer.headers);
        outputs += &String::from_utf8_lossy(&answer.body);
    }
    for ask in [
        Ask::get(format!("/polls/{id}")),
        Ask::get(format!("/polls/{id}")).token("wrong"),
        Ask::post(format!("/polls/{id}/vote?wait=counted"), vote),
        Ask::post(format!("/polls/{id}/vote"), r#"{"optionId":9}"#),
    ] {
        let answer = world.call(ask.request()).await;
        outputs += &format!("{ask}\n{:?}\n{answer}\n", answer.headers);
        if let Some(position) = answer.json().get("position") {
            let hidden = !rest.contains("live");
            assert!(position.is_null() || !hidden, "offsets count ballots");
        }
    }
    world.settle().await;
    world.stop.cancel();
    world.app.stopping.cancel();
    for (path, reader) in events {
        let whole = reader.await.unwrap();
        assert!(!whole.is_empty(), "{path}");
        outputs += &format!("{path}\n{}", String::from_utf8_lossy(&whole));
    }
    for mut socket in sockets {
        while let Ok(Some(Ok(message))) =
            tokio::time::timeout(Duration::from_secs(5), socket.next()).await
        {
            outputs += &message.into_text().unwrap_or_default();
        }
    }
    assert!(outputs.contains("31"), "the open poll's counts do turn up");
    outputs
}

/// Returns the metrics without the fractions of their numbers, which have any digits. Counts are whole.
fn in_whole_numbers(metrics: &[u8]) -> Vec<u8> {
    let whole = |line: &str| match line.rsplit_once(' ') {
        Some((name, value)) => format!("{name} {}\n", value.split('.').next().unwrap()),
        None => format!("{line}\n"),
    };
    std::str::from_utf8(metrics).unwrap().lines().map(whole).collect::<String>().into()
}

/// Asserts that none of these numbers turns up, nor one that a version, a change or one more vote would make
/// of it.
fn tells_none(outputs: &str, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers.into_iter().flat_map(|number| number..number + 4) {
        let at = outputs.find(&number.to_string());
        let before = at.map(|at| &outputs[at.saturating_sub(200)..at]);
        assert_eq!(before, None, "before {number}");
    }
}

/// Returns the numbers that would tell something of the counts: each of them, what any of them add up to, and how often
/// somebody has voted.
fn telling(counts: &[u64]) -> Vec<u64> {
    let sums = (1..1 << counts.len()).map(|set: usize| {
        let parts = counts.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1);
        parts.map(|(_, count)| count).sum()
    });
    sums.chain([VOTERS + CHANGED, SOLUTION]).collect()
}

#[tokio::test]
async fn no_output_tells_a_hidden_polls_counts() {
    for asked in KINDS {
        let outputs = outputs(asked, r#""results":"hidden","turnout":"hidden""#).await;
        tells_none(&outputs, telling(asked.1).into_iter().chain([VOTERS]));
    }
}

#[tokio::test]
async fn where_turnout_shows_no_output_tells_anything_more() {
    for (asked, results) in
        KINDS.into_iter().flat_map(|asked| ["hidden", "afterVote"].map(|r| (asked, r)))
    {
        let outputs = outputs(asked, &format!(r#""results":"{results}""#)).await;
        let shown = format!(r#""totalVotes":null,"totalVoters":{VOTERS}"#);
        assert!(outputs.matches(&shown).count() >= 6, "over HTTP, streams and sockets: {outputs}");
        tells_none(&outputs, telling(asked.1));
    }
}

#[tokio::test]
async fn no_output_tells_the_right_answer_before_the_close() {
    for results in ["live", "afterVote", "hidden"] {
        let outputs = outputs(KINDS[4], &format!(r#""results":"{results}""#)).await;
        tells_none(&outputs, [SOLUTION]);
    }
}
