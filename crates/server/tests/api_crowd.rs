//! One address takes all it can get, connections, requests and join codes, and others still get their part.

#![allow(clippy::unwrap_used)]

mod api_support;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use api_support::served::{Served, TestViewer, is_problem, rest, serve};
use api_support::{Answer, Ask, OPERATOR, World};
use futures_util::future::join_all;
use pollux_server::config::Config;
use pollux_server::store::memory::{Faults, StoreFaults};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

const HEALTH: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

/// Opens a connection from this address.
async fn from(served: &Served, address: &str) -> TcpStream {
    let address: IpAddr = address.parse().unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(address, 0)).unwrap();
    socket.connect(served.address).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn through_a_proxy_that_nobody_named_all_share_the_limits_of_one() {
    let world = World::with(|config| config.api.per_address = (1, 3)).await;
    let statuses = async |ask: Ask| {
        let mut all = Vec::new();
        for _ in 0..5 {
            all.push(world.call(ask.request()).await.status.as_u16());
        }
        all
    };
    let health = || Ask::get("/healthz");
    assert_eq!(statuses(health()).await, [200; 5], "this machine itself has no limit");
    let ada = statuses(health().header("x-forwarded-for", "192.0.2.1")).await;
    assert_eq!(ada, [200, 200, 200, 429, 429]);
    for header in ["x-forwarded-for", "forwarded", "via", "x-real-ip"] {
        assert_eq!(statuses(health().header(header, "192.0.2.2")).await, [429; 5], "{header}");
    }
}

#[tokio::test]
async fn a_crowd_at_one_address_leaves_room_for_others() {
    let served = serve(|config| config.api.connections = 8).await;
    let mut held = Vec::new();
    for _ in 0..6 {
        held.push(from(&served, "127.0.0.1").await);
    }
    for _ in 0..20 {
        let mut more = from(&served, "127.0.0.1").await;
        is_problem(&rest(&mut more).await, 429);
    }
    let mut other = from(&served, "127.0.0.2").await;
    other.write_all(HEALTH).await.unwrap();
    assert!(rest(&mut other).await.starts_with("HTTP/1.1 200"), "another address has a place");

    // A WebSocket keeps its place after its handshake, and each place is free again at its end.
    drop(held.pop());
    let mut viewer = served.socket("", None).await;
    viewer.next().await;
    let mut more = from(&served, "127.0.0.1").await;
    is_problem(&rest(&mut more).await, 429);
    drop(viewer);
    drop(held);
    let mut again = 0;
    while !is_served(&served).await {
        again += 1;
        assert!(again < 1_000, "the places of those who have left are not free");
    }
}

async fn is_served(served: &Served) -> bool {
    let mut tcp = from(served, "127.0.0.1").await;
    let _ = tcp.write_all(HEALTH).await;
    rest_if_any(&mut tcp).await.starts_with("HTTP/1.1 200")
}

/// Returns what is answered; a refusal may come as a reset, because the server does not wait for the request.
async fn rest_if_any(tcp: &mut TcpStream) -> String {
    use tokio::io::AsyncReadExt;
    let mut answer = Vec::new();
    let _ = tcp.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_trusted_proxy_carries_as_many_as_there_are() {
    let served = serve(|config| {
        config.api.connections = 8;
        config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    let mut held = Vec::new();
    for _ in 0..7 {
        held.push(from(&served, "127.0.0.1").await);
    }
    let mut last = from(&served, "127.0.0.1").await;
    last.write_all(HEALTH).await.unwrap();
    assert!(rest(&mut last).await.starts_with("HTTP/1.1 200"));
}

/// Opens a WebSocket for a client behind the proxy that this machine is.
async fn socket_behind_proxy(served: &Served, address: &str) -> TestViewer {
    let mut request = format!("ws://{}/ws", served.address).into_client_request().unwrap();
    request.headers_mut().insert("x-forwarded-for", address.parse().unwrap());
    let (socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    TestViewer { socket, heard: Vec::new() }
}

#[tokio::test]
async fn a_crowd_of_sockets_has_the_requests_of_its_address_and_no_more() {
    let served = serve(|config| {
        config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
        config.api.per_address = (1, 10);
    })
    .await;
    let (poll, _) = served.world.poll(r#"{"question":"Which?","options":["a","b"]}"#).await;
    let (mut recorded, mut refused) = (0, 0);
    let mut sockets = Vec::new();
    for _ in 0..3 {
        sockets.push(socket_behind_proxy(&served, "192.0.2.7").await);
    }
    for socket in &mut sockets {
        for _ in 0..5 {
            let vote = serde_json::json!({ "type": "vote", "poll": poll, "optionId": 1, "ref": 7 });
            socket.say(vote).await;
            let told = socket
                .until(|told| told["type"] == "vote.recorded" || told["type"] == "error")
                .await;
            assert_eq!(told["ref"], 7, "{told}");
            recorded += usize::from(told["type"] == "vote.recorded");
            refused += usize::from(told["problem"]["status"] == 429);
        }
    }
    assert_eq!(recorded + refused, 15);
    // The handshakes are three of the ten requests; a few seconds may have passed.
    assert!((7..=12).contains(&recorded), "{recorded} votes of 15");
    let mut other = socket_behind_proxy(&served, "192.0.2.8").await;
    other.vote(&poll, 1).await;
}

const UNLISTED: &str = r#"{"question":"Which?","options":["a","b"],"listed":false}"#;

/// Starts a server behind a proxy, with a poll that no list shows, and returns the poll's id, code and
/// owner's token.
async fn behind_proxy(configure: impl FnOnce(&mut Config)) -> (World, [String; 3]) {
    let world = World::with(|config| {
        config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
        configure(config);
    })
    .await;
    let made = world.call(Ask::post("/api/polls", UNLISTED).request()).await.json();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    let poll = [text("id"), text("code"), text("ownerToken")];
    world.settle().await;
    (world, poll)
}

/// Returns the status that a client at this address is answered who asks for this code.
async fn look_up(world: &World, code: &str, address: &str) -> u16 {
    let ask = Ask::get(format!("/api/polls/{code}")).header("x-forwarded-for", address);
    world.call(ask.request()).await.status.as_u16()
}

#[tokio::test(start_paused = true)]
async fn a_whole_ipv6_site_is_told_a_bounded_number_of_codes() {
    let (world, [_, code, _]) = behind_proxy(|_| {}).await;
    let mut told = 0;
    for n in 0..2_000 {
        let status = look_up(&world, &format!("{n:06}"), &format!("2001:db8:1:{n:x}::1")).await;
        told += usize::from(status != 429);
    }
    assert_eq!(told, 600);
    assert_eq!(look_up(&world, &code, "2001:db8:1:ffff::1").await, 429, "right ones as well");
    assert_eq!(look_up(&world, &code, "2001:db8:2::1").await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_right_code_among_many_wrong_ones_at_once_is_not_told() {
    let (world, [id, code, token]) = behind_proxy(|config| config.watch.closed_polls = 0).await;
    let close = Ask::post(format!("/api/polls/{id}/close"), "").token(&token);
    assert_eq!(world.call(close.request()).await.status, 200);
    world.settle().await;
    let slow = Duration::from_millis(50)..Duration::from_millis(51);
    let reads = Faults { delay: slow, ..Faults::NONE };
    world.store.set_faults(StoreFaults { reads, ..StoreFaults::NONE });
    let codes: Vec<_> = (0..200).map(|n| format!("{n:06}")).collect();
    let wrong = join_all(codes.iter().map(|code| look_up(&world, code, "192.0.2.7")));
    let right = async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        look_up(&world, &code, "192.0.2.7").await
    };
    let (wrong, right) = tokio::join!(wrong, right);
    assert!(wrong.iter().all(|status| *status == 404), "all were under way already");
    assert_eq!(right, 429);
    assert_eq!(look_up(&world, &code, "192.0.2.8").await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_hall_behind_one_address_joins_and_votes_while_strangers_guess() {
    let (world, [_, code, _]) = behind_proxy(|config| config.api.guesses_in_all = 100).await;
    for n in 0..200 {
        look_up(&world, &format!("{n:06}"), &format!("198.51.100.{n}")).await;
    }
    let hall = "192.0.2.7";
    for phone in 0..5_000 {
        let page = Ask::get(format!("/p/{code}")).header("accept", "text/html");
        let event = Ask::get(format!("/api/events/{code}"));
        let vote = Ask::post(format!("/api/polls/{code}/vote"), r#"{"optionId":1}"#);
        for (ask, wanted) in [(page, 200), (event, 200), (vote, 202)] {
            let answer = world.call(ask.header("x-forwarded-for", hall).request()).await;
            assert_eq!(answer.status, wanted, "phone {phone}: {answer}");
        }
        tokio::time::advance(Duration::from_millis(2)).await;
    }
}

const POLL: &str = r#"{"question":"Which?","options":["a","b"]}"#;

/// Creates something as a client at this address, with a token or without.
async fn make(world: &World, path: &str, body: &str, address: &str, token: Option<&str>) -> Answer {
    let ask = Ask::post(path, body).header("x-forwarded-for", address);
    let ask = token.into_iter().fold(ask, Ask::token);
    world.call(ask.request()).await
}

#[tokio::test(start_paused = true)]
async fn an_address_makes_a_bounded_number_of_polls_and_events_and_loses_nothing_by_it() {
    let (world, [_, code, _]) = behind_proxy(|config| config.api.creations = (1, 3)).await;
    let (crowd, other) = ("192.0.2.7", "192.0.2.8");
    for _ in 0..20 {
        let broken = make(&world, "/api/polls", r#"{"question":""}"#, crowd, None).await;
        assert_eq!(broken.status, 422, "what is not made costs nothing: {broken}");
    }
    let event = make(&world, "/api/events", r#"{"title":"Here"}"#, crowd, None).await;
    assert_eq!(event.status, 201, "{event}");
    let (id, owner) = (event.json()["id"].clone(), event.json()["ownerToken"].clone());
    let add = format!("/api/events/{}/polls", id.as_str().unwrap());
    let first = make(&world, &add, POLL, crowd, owner.as_str()).await;
    assert_eq!(first.status, 201, "{first}");
    assert_eq!(make(&world, "/api/polls", POLL, crowd, None).await.status, 201);

    for (path, body, token) in [
        ("/api/polls", POLL, None),
        ("/api/events", r#"{"title":"There"}"#, None),
        (&*add, POLL, owner.as_str()),
    ] {
        let refused = make(&world, path, body, crowd, token).await;
        assert_eq!(refused.status, 429, "{path}: {refused}");
        assert_eq!(refused.json()["type"], "/docs/errors/too-many-requests");
        let wait: u64 = refused.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&wait), "{path}: {refused}");
        let by_operator = make(&world, path, body, crowd, Some(OPERATOR)).await;
        assert_eq!(by_operator.status, 201, "{path}: {by_operator}");
        let elsewhere = make(&world, path, body, other, token).await;
        assert_eq!(elsewhere.status, 201, "{path}: {elsewhere}");
    }

    // What exists already goes on, from that very address.
    let open = first.json()["id"].as_str().unwrap().to_owned();
    let open = Ask::post(format!("/api/polls/{open}/open"), "").header("x-forwarded-for", crowd);
    let opened = world.call(open.token(owner.as_str().unwrap()).request()).await;
    assert_eq!(opened.status, 200, "{opened}");
    let vote = Ask::post(format!("/api/polls/{code}/vote"), r#"{"optionId":1}"#);
    let vote = world.call(vote.header("x-forwarded-for", crowd).request()).await;
    assert_eq!(vote.status, 202, "{vote}");
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(make(&world, "/api/polls", POLL, crowd, None).await.status, 201, "a minute later");
}
