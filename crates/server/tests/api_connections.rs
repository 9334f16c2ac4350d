//! Clients are at their worst, over real TCP: too many of them, too much from one, those that do not read, do
//! not finish or do not speak HTTP, and a stop that cannot wait for them. Each gets the answer that the
//! contract names, or is given up, and those who behave are served.

#![allow(clippy::unwrap_used)]

mod api_support;

use std::sync::Arc;
use std::time::Duration;

use api_support::Ask;
use api_support::served::{PATIENCE, Served, is_problem, rest, serve};
use futures_util::future::join_all;
use pollux_core::announcement::Announcement;
use pollux_server::log::memory::LogFaults;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::Error;

const POLL: &str = r#"{"question":"Which?","options":["a","b"]}"#;
const HEALTH: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
const LAST_HEALTH: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
/// `MOMENT` is long enough to see that nothing comes.
const MOMENT: Duration = Duration::from_millis(200);

fn vote(poll: &str, headers: &str, body: &str) -> String {
    format!(
        "POST /polls/{poll}/vote HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{headers}\r\n{body}"
    )
}

fn sized_vote(poll: &str, body: &str) -> String {
    vote(poll, &format!("content-length: {}\r\nconnection: close\r\n", body.len()), body)
}

/// Reads one answer on a connection that stays open: its head and body.
async fn answer(tcp: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let mut byte = [0];
        timeout(PATIENCE, tcp.read_exact(&mut byte)).await.expect("no answer").unwrap();
        bytes.push(byte[0]);
        let Some(head) = bytes.strip_suffix(b"\r\n\r\n") else { continue };
        let head = String::from_utf8(head.to_vec()).unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.unwrap_or("0").parse().unwrap()];
        tcp.read_exact(&mut body).await.unwrap();
        return format!("{head}\r\n\r\n{}", String::from_utf8(body).unwrap());
    }
}

async fn says_nothing(tcp: &mut TcpStream) {
    let mut byte = [0];
    let heard = timeout(MOMENT, tcp.read(&mut byte)).await;
    assert!(heard.is_err(), "{heard:?}");
}

#[tokio::test]
async fn connections_past_the_limit_wait_until_one_is_closed() {
    let served = serve(|config| {
        config.api.connections = 2;
        config.api.connections_share = 100;
    })
    .await;
    let (mut one, two) = (served.connect().await, served.connect().await);
    one.write_all(HEALTH).await.unwrap();
    answer(&mut one).await;
    let mut third = served.connect().await;
    third.write_all(LAST_HEALTH).await.unwrap();
    says_nothing(&mut third).await;
    one.write_all(HEALTH).await.unwrap();
    assert!(answer(&mut one).await.starts_with("HTTP/1.1 200"), "who is in is served");
    drop(two);
    assert!(rest(&mut third).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_second_listening_address_takes_no_place() {
    let served = serve(|config| {
        config.api.connections = 1;
        config.api.connections_share = 100;
        config.hosts = vec!["127.0.0.1".parse().unwrap(), "127.0.0.2".parse().unwrap()];
    })
    .await;
    let other = std::net::SocketAddr::new("127.0.0.2".parse().unwrap(), served.address.port());
    for address in [served.address, other, served.address] {
        let mut tcp = TcpStream::connect(address).await.unwrap();
        tcp.write_all(LAST_HEALTH).await.unwrap();
        assert!(rest(&mut tcp).await.starts_with("HTTP/1.1 200"), "{address}");
    }
}

#[tokio::test]
async fn a_websocket_keeps_its_place_among_the_connections() {
    let served = serve(|config| {
        config.api.connections = 1;
        config.api.connections_share = 100;
    })
    .await;
    let mut viewer = served.socket("", None).await;
    viewer.next().await;
    let mut other = served.connect().await;
    other.write_all(LAST_HEALTH).await.unwrap();
    says_nothing(&mut other).await;
    drop(viewer);
    assert!(rest(&mut other).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn viewers_past_the_limit_are_told_so_and_everybody_else_is_served() {
    let served = serve(|config| config.watch.viewers = 2).await;
    let (id, _) = served.world.poll(POLL).await;
    let mut stream = served.connect().await;
    stream.write_all(b"GET /events HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut head = [0; 15];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    let viewer = served.socket("", None).await;
    let full = |problem: Value, retry: &str| {
        assert_eq!(problem["type"], "/docs/errors/too-many-viewers", "{problem}");
        assert!(retry.parse::<u64>().unwrap() > 0);
    };

    let Err(Error::Http(refused)) = served.try_socket("", None).await else { panic!("let in") };
    assert_eq!(refused.status(), 503);
    let retry = refused.headers()["retry-after"].to_str().unwrap();
    full(serde_json::from_slice(refused.body().as_deref().unwrap()).unwrap(), retry);
    for path in ["/events".to_owned(), "/api/events".into(), format!("/polls/{id}/events")] {
        let get = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let refused = served.raw(get.as_bytes()).await;
        let retry = refused.lines().find_map(|line| line.strip_prefix("retry-after: "));
        full(is_problem(&refused, 503), retry.unwrap());
    }
    let read = Ask::get(format!("/polls/{id}"));
    assert_eq!(served.world.call(read.request()).await.status, 200);
    let cast = served.raw(sized_vote(&id, r#"{"optionId":1}"#).as_bytes()).await;
    assert!(cast.starts_with("HTTP/1.1 202"), "{cast}");

    drop(viewer);
    let began = Instant::now();
    while served.try_socket("", None).await.is_err() {
        assert!(began.elapsed() < PATIENCE, "the place is not given back");
        sleep(Duration::from_millis(10)).await;
    }
}

/// The client asks for long answers and never reads: what has no room in the kernel's buffers waits, but not
/// for ever.
#[tokio::test]
async fn a_client_that_reads_no_answer_is_given_up() {
    let served = serve(|config| {
        config.api.connections = 1;
        config.api.connections_share = 100;
        config.api.write_timeout = Duration::from_millis(300);
    })
    .await;
    let mut deaf = small_buffer(&served).await;
    let asking = tokio::spawn(async move {
        // The client goes on until it notices that the server has closed.
        while deaf.write_all(b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n").await.is_ok() {}
    });
    let mut next = served.connect().await;
    next.write_all(LAST_HEALTH).await.unwrap();
    assert!(rest(&mut next).await.starts_with("HTTP/1.1 200"));
    asking.await.unwrap();
}

async fn small_buffer(served: &Served) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(served.address).await.unwrap()
}

#[tokio::test]
async fn a_stream_that_nobody_reads_is_given_up() {
    let served = serve(|config| {
        config.api.write_timeout = Duration::from_millis(300);
        config.watch.tick = Duration::from_millis(1);
    })
    .await;
    let options: Vec<_> = (0..100).map(|n| format!("{n:0>140}")).collect();
    let body = serde_json::json!({"question": "Which?", "options": options});
    let (id, _) = served.world.poll(&body.to_string()).await;
    let mut deaf = small_buffer(&served).await;
    let get = format!("GET /polls/{id}/events HTTP/1.1\r\nhost: x\r\n\r\n");
    deaf.write_all(get.as_bytes()).await.unwrap();
    let began = Instant::now();
    while served.world.app.hub.viewers() == 0 {
        assert!(began.elapsed() < PATIENCE);
        sleep(Duration::from_millis(1)).await;
    }
    let mut poll = (*served.world.app.hub.poll(id.parse().unwrap()).unwrap()).clone();
    for n in 1.. {
        if served.world.app.hub.viewers() == 0 {
            break;
        }
        assert!(began.elapsed() < 2 * PATIENCE, "it is still there after {n} states");
        // The numbers of a poll of this size are sent a few times a second; changes of the poll are sent each tick.
        poll.revision += 1;
        let changed = Announcement::Poll(Arc::new(poll.clone()));
        served.world.app.log.announce(vec![changed]).await.unwrap();
        sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_413_however_it_comes() {
    let served = serve(|_| {}).await;
    let (id, _) = served.world.poll(POLL).await;
    let large = " ".repeat(1 << 20);
    let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
    let chunked = "transfer-encoding: chunked\r\nconnection: close\r\n";
    let many: String = (0..64).map(|_| chunk(&large[..16 * 1024])).collect();
    for request in [
        sized_vote(&id, &large),
        vote(&id, chunked, &(chunk(&large) + "0\r\n\r\n")),
        vote(&id, chunked, &(many + "0\r\n\r\n")),
        // This body is one byte too long.
        sized_vote(&id, &large[..16 * 1024 + 1]),
        vote(&id, chunked, &(chunk(&large[..16 * 1024]) + &chunk(" ") + "0\r\n\r\n")),
        // These requests announce more than ever comes.
        vote(&id, "content-length: 1000000000000000000\r\n", ""),
        vote(&id, "content-length: 20000\r\nexpect: 100-continue\r\n", ""),
    ] {
        let problem = is_problem(&served.raw(request.as_bytes()).await, 413);
        assert_eq!(problem["type"], "/docs/errors/body-too-large");
    }
    let small = chunk(r#"{"opti"#) + &chunk(r#"onId":1}"#) + "0\r\n\r\n";
    let cast = served.raw(vote(&id, chunked, &small).as_bytes()).await;
    assert!(cast.starts_with("HTTP/1.1 202"), "{cast}");
    for broken in ["zz\r\n{}\r\n0\r\n\r\n", "ffffffffffffffffff\r\n{}", "5\r\n{}\r\n\r\n\r\n\r\n"] {
        is_problem(&served.raw(vote(&id, chunked, broken).as_bytes()).await, 400);
    }
    served.world.settle().await;
    let read = Ask::get(format!("/polls/{id}"));
    assert_eq!(served.world.call(read.request()).await.json()["totalVotes"], 1);
}

#[tokio::test]
async fn a_full_log_is_503_at_once_and_what_was_taken_is_counted() {
    let served = serve(|config| config.log.queue = 2).await;
    let (id, _) = served.world.poll(POLL).await;
    served.world.settle().await;
    let delay = Duration::from_secs(1);
    served.world.fail(LogFaults { delay: delay..delay * 2, ..LogFaults::default() });
    let ask = |n: usize| {
        let body = format!(r#"{{"optionId":1,"voterId":"v{n}"}}"#);
        let (served, request) = (&served, sized_vote(&id, &body));
        async move {
            let began = Instant::now();
            (served.raw(request.as_bytes()).await, began.elapsed())
        }
    };
    let answers = join_all((0..5).map(ask)).await;
    let taken = answers.iter().filter(|(answer, _)| answer.starts_with("HTTP/1.1 202")).count();
    assert_eq!(taken, 2);
    for (answer, time) in answers.iter().filter(|(answer, _)| !answer.contains(" 202 ")) {
        assert_eq!(is_problem(answer, 503)["type"], "/docs/errors/not-recorded");
        assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
        assert!(*time < delay, "refused only after {time:?}");
    }
    served.world.settle().await;
    let read = Ask::get(format!("/polls/{id}"));
    assert_eq!(served.world.call(read.request()).await.json()["totalVotes"], 2);
}

/// Returns every answer on a connection, in order.
fn answers(text: &str) -> Vec<(u16, String)> {
    let mut rest = text;
    let mut found = Vec::new();
    while let Some((head, after)) = rest.split_once("\r\n\r\n") {
        assert!(head.starts_with("HTTP/1.1 "), "{text:?}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.unwrap_or("0").parse().unwrap();
        found.push((head[9..12].parse().unwrap(), after[..length].to_owned()));
        rest = &after[length..];
    }
    assert_eq!(rest, "", "{text:?}");
    found
}

#[tokio::test]
async fn garbage_after_a_good_request_is_told_and_takes_nothing_away() {
    let served = serve(|_| {}).await;
    let (id, _) = served.world.poll(POLL).await;
    let vote = vote(&id, "content-length: 14\r\n", r#"{"optionId":1}"#);
    let long = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(20_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(100));
    for (good, status) in [(HEALTH, 200), (vote.as_bytes(), 202)] {
        for (garbage, wrong) in [
            (&b"\x00\x01\x02\x03\r\n\r\n"[..], 400),
            (b"GET / HTTP/9.9\r\n\r\n", 400),
            (b"<html>\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\ncontent-length: x\r\n\r\n", 400),
            (long.as_bytes(), 431),
            (many.as_bytes(), 431),
        ] {
            for at_once in [true, false] {
                let mut tcp = served.connect().await;
                let mut text = String::new();
                if at_once {
                    tcp.write_all(&[good, garbage].concat()).await.unwrap();
                } else {
                    tcp.write_all(good).await.unwrap();
                    text = answer(&mut tcp).await;
                    tcp.write_all(garbage).await.unwrap();
                }
                text += &rest(&mut tcp).await;
                let answers = answers(&text);
                let statuses: Vec<u16> = answers.iter().map(|(status, _)| *status).collect();
                assert_eq!(statuses, [status, wrong], "{at_once} {garbage:?}: {text}");
                let problem: Value = serde_json::from_str(&answers[1].1).unwrap_or_default();
                assert_eq!(problem["status"], wrong, "{at_once} {garbage:?}: {text}");
            }
        }
    }
}

/// The end of a message is the same for us and for any proxy in front, so nobody smuggles a request into
/// another's.
#[tokio::test]
async fn where_a_message_ends_is_beyond_doubt() {
    let served = serve(|_| {}).await;
    let (id, _) = served.world.poll(POLL).await;
    let body = r#"{"optionId":1}"#;
    let chunked = format!("e\r\n{body}\r\n0\r\n\r\n");
    let hidden = "GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let said = async |headers: &str, body: &str| {
        let mut tcp = served.connect().await;
        tcp.write_all(format!("{}{hidden}", vote(&id, headers, body)).as_bytes()).await.unwrap();
        let text = rest(&mut tcp).await;
        answers(&text).iter().map(|(status, _)| *status).collect::<Vec<_>>()
    };
    assert_eq!(said("transfer-encoding: chunked\r\n", &chunked).await, [202, 404]);
    // A length beside the chunks means nothing, whether too great or too small: the chunks count. What comes
    // after them is not read at all, as RFC 9112 demands.
    for length in [0, body.len(), chunked.len() + hidden.len(), 100_000] {
        for both in [
            format!("content-length: {length}\r\ntransfer-encoding: chunked\r\n"),
            format!("transfer-encoding: chunked\r\ncontent-length: {length}\r\n"),
            format!("transfer-encoding: Chunked\r\ncontent-length: {length}\r\n"),
        ] {
            assert_eq!(said(&both, &chunked).await, [202], "{both:?}");
        }
    }
    // A message that could be read in two ways is refused.
    for doubtful in [
        "content-length: 14\r\ncontent-length: 15\r\n",
        "content-length: 14, 15\r\n",
        "content-length: +14\r\n",
        "content-length: 0xe\r\n",
        "transfer-encoding: identity\r\n",
        "transfer-encoding: chunked, identity\r\ncontent-length: 14\r\n",
        "transfer-encoding : chunked\r\ncontent-length: 14\r\n",
        "transfer-encoding: xchunked\r\ncontent-length: 14\r\n",
        "content-length: 14\r\n content-length: 15\r\n",
    ] {
        assert_eq!(said(doubtful, body).await, [400], "{doubtful:?}");
    }
    for (size, end) in [
        ("-e", "\r\n"),
        ("0xe", "\r\n"),
        ("fffffffffffffffff", "\r\n"),
        ("e", "\n"),
        ("e;\n", "\r\n"),
    ] {
        let chunks = format!("{size}{end}{body}\r\n0\r\n\r\n");
        let statuses = said("transfer-encoding: chunked\r\n", &chunks).await;
        assert_eq!(statuses, [400], "{size:?}");
    }
}

#[tokio::test]
async fn who_dribbles_or_is_silent_is_given_up_at_every_point() {
    let limit = Duration::from_millis(400);
    let served = serve(|config| {
        config.api.header_timeout = limit;
        config.api.body_timeout = limit;
    })
    .await;
    let (id, _) = served.world.poll(POLL).await;
    let head = vote(&id, "content-length: 100\r\n", "");
    let request = [HEALTH, HEALTH].concat();
    // Each case is what is sent at once, what then follows byte by byte, slower than the limit allows, and
    // the status.
    let cases: [(&[u8], &[u8], Option<u16>); 6] = [
        (b"", b"", Some(408)),
        (b"", &request, Some(408)),
        (b"GET /healthz HTTP/1.1\r\nx: ", &[b'y'; 1000], Some(408)),
        (head.as_bytes(), &[b' '; 100], Some(408)),
        (head.as_bytes(), b"", Some(408)),
        // After an answered request an idle connection is closed, whatever else it began.
        (HEALTH, b"", Some(200)),
    ];
    let each = cases.into_iter().map(async |(at_once, slowly, status)| {
        let (mut reader, mut writer) = served.connect().await.into_split();
        let began = Instant::now();
        writer.write_all(at_once).await.unwrap();
        let dribble = async {
            for byte in slowly {
                sleep(Duration::from_millis(50)).await;
                if writer.write_all(&[*byte]).await.is_err() {
                    return;
                }
            }
            std::future::pending().await
        };
        let mut text = Vec::new();
        let read = reader.read_to_end(&mut text);
        tokio::select! {
            biased;
            ended = timeout(PATIENCE, read) => drop(ended.expect("it is still open")),
            () = dribble => {}
        }
        assert!(began.elapsed() < limit + 3 * Duration::from_secs(1), "{:?}", began.elapsed());
        let text = String::from_utf8(text).unwrap();
        let statuses: Vec<_> = answers(&text).into_iter().map(|(status, _)| status).collect();
        assert_eq!(statuses, Vec::from_iter(status), "{:?}", String::from_utf8_lossy(at_once));
    });
    join_all(each).await;
}

#[tokio::test]
async fn a_stop_that_overruns_cuts_what_is_left_and_loses_nothing_acknowledged() {
    let drain = Duration::from_secs(1);
    let mut served = serve(|config| config.drain = drain).await;
    let (id, _) = served.world.poll(POLL).await;
    served.world.settle().await;
    let acknowledged = served.raw(sized_vote(&id, r#"{"optionId":1}"#).as_bytes()).await;
    assert!(acknowledged.starts_with("HTTP/1.1 202"));

    let minute = Duration::from_secs(60);
    served.world.fail(LogFaults { delay: minute..2 * minute, ..LogFaults::default() });
    let mut in_flight = served.connect().await;
    in_flight.write_all(sized_vote(&id, r#"{"optionId":2}"#).as_bytes()).await.unwrap();
    let mut idle = served.connect().await;
    idle.write_all(HEALTH).await.unwrap();
    answer(&mut idle).await;
    let mut bodiless = served.connect().await;
    let head = vote(&id, "content-length: 14\r\nexpect: 100-continue\r\n", "");
    bodiless.write_all(head.as_bytes()).await.unwrap();
    bodiless.read_exact(&mut [0; 25]).await.unwrap();

    let began = Instant::now();
    served.shutdown.cancel();
    let mut text = String::new();
    timeout(PATIENCE, idle.read_to_string(&mut text)).await.unwrap().unwrap();
    assert!(began.elapsed() < drain, "who waits for nothing is not waited for");
    timeout(PATIENCE, &mut served.server).await.unwrap().unwrap();
    let took = began.elapsed();
    assert!(drain <= took && took < drain + Duration::from_secs(2), "{took:?}");
    for mut cut in [in_flight, bodiless] {
        let mut text = Vec::new();
        // The connection is closed or reset: there is no answer, and no half of one.
        let _ = timeout(PATIENCE, cut.read_to_end(&mut text)).await.expect("it is still open");
        assert_eq!(String::from_utf8_lossy(&text), "");
    }
    assert!(TcpStream::connect(served.address).await.is_err());
    let rows = served.world.store.dump().ballots;
    assert_eq!(rows.len(), 1, "what was acknowledged");
}
