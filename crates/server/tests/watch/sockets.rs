//! Viewers on real sockets keep to the protocol, or misbehave.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use pollux_core::poll::{Poll, Results};
use pollux_server::config::WatchLimits;
use pollux_server::watch::grants::{Grant, Proof};
use pollux_server::watch::handle::ViewerHandle;
use pollux_server::watch::socket::{Inbound, serve_socket};
use pollux_server::watch::viewer::Interest;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::world::*;

/// `Echo` answers every message with itself, and `flood` with as many answers as are asked for.
struct Echo;

#[async_trait]
impl Inbound for Echo {
    async fn message(&self, viewer: &ViewerHandle, text: &str) {
        let times = text.strip_prefix("flood ").map_or(1, |times| times.parse().unwrap());
        for _ in 0..times {
            viewer.reply(format!("{{\"echo\":{}}}", Value::from(text)).as_bytes());
        }
    }
}

/// Returns a client's end of a socket that is served.
async fn connect(world: &World, interest: Interest) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap());
    let (client, server) = tokio::join!(client, listener.accept());
    let hub = world.hub.clone();
    let server = server.unwrap().0;
    tokio::spawn(serve_socket(hub, server, Bytes::new(), interest, None, Arc::new(Echo)));
    client.unwrap()
}

async fn websocket(world: &World, interest: Interest) -> WebSocketStream<TcpStream> {
    let stream = connect(world, interest).await;
    WebSocketStream::from_raw_socket(stream, Role::Client, None).await
}

async fn next(socket: &mut WebSocketStream<TcpStream>) -> Message {
    let next = tokio::time::timeout(Duration::from_secs(30), socket.next());
    next.await.expect("a message in time").expect("an open socket").unwrap()
}

async fn next_json(socket: &mut WebSocketStream<TcpStream>) -> Value {
    loop {
        if let Message::Text(text) = next(socket).await {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

/// Returns the code of the next close frame.
async fn close_code(socket: &mut WebSocketStream<TcpStream>) -> u16 {
    loop {
        if let Message::Close(frame) = next(socket).await {
            return frame.unwrap().code.into();
        }
    }
}

/// Returns the code with which the server closes a socket that sends these raw bytes.
async fn code_for(bytes: &[u8]) -> u16 {
    let world = World::new(WatchLimits::default());
    let mut stream = connect(&world, Interest::default()).await;
    stream.write_all(bytes).await.unwrap();
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
    let code = close_code(&mut socket).await;
    drop(socket);
    gone(&world).await;
    code
}

/// Waits until no viewer is left.
async fn gone(world: &World) {
    until(|| world.hub.viewers() == 0).await;
}

async fn until(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(10), "it does not come true");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Returns a masked frame.
fn frame(first: u8, content: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match content.len() {
        len @ 0..=125 => frame.push(0x80 | len as u8),
        len => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(len as u16).to_be_bytes());
        }
    }
    let mask = [1, 2, 3, 4];
    frame.extend_from_slice(&mask);
    frame.extend(content.iter().zip(mask.iter().cycle()).map(|(a, b)| a ^ b));
    frame
}

#[tokio::test]
async fn what_breaks_the_protocol_is_closed_with_the_right_code() {
    assert_eq!(code_for(b"GET / HTTP/1.1\r\n\r\n").await, 1002);
    assert_eq!(code_for(&[0x81, 2, b'h', b'i']).await, 1002, "unmasked");
    assert_eq!(code_for(&frame(0xC1, b"x")).await, 1002, "a reserved bit");
    assert_eq!(code_for(&frame(0x83, b"x")).await, 1002, "a reserved opcode");
    assert_eq!(code_for(&frame(0x80, b"x")).await, 1002, "a continuation of nothing");
    assert_eq!(code_for(&frame(0x09, b"x")).await, 1002, "a fragmented ping");
    assert_eq!(code_for(&frame(0x89, &[b'x'; 126])).await, 1002, "a long ping");
    assert_eq!(code_for(&[frame(0x01, b"x"), frame(0x81, b"y")].concat()).await, 1002);
    assert_eq!(code_for(&frame(0x88, b"x")).await, 1002, "half a close code");
    assert_eq!(code_for(&frame(0x88, &999_u16.to_be_bytes())).await, 1002, "a wrong close code");
    assert_eq!(code_for(&frame(0x82, b"x")).await, 1003, "binary");
    assert_eq!(code_for(&frame(0x81, b"\xff\xfe")).await, 1007, "not UTF-8");
    assert_eq!(code_for(&frame(0x81, &[b'x'; 4097])).await, 1009, "too long");
    assert_eq!(code_for(&[0x81, 0xFF, 0x7F, 0, 0, 0, 0, 0, 0, 0]).await, 1009, "a boast");
    let parts = [frame(0x01, &[b'x'; 4000]), frame(0x80, &[b'x'; 97])].concat();
    assert_eq!(code_for(&parts).await, 1009, "too long in parts");
    assert_eq!(code_for(&frame(0x88, &1000_u16.to_be_bytes())).await, 1000, "a goodbye");
    assert_eq!(code_for(&frame(0x88, b"")).await, 1000);
}

#[tokio::test]
async fn fragments_pings_and_dribbled_bytes_are_understood() {
    let world = World::new(WatchLimits::default());
    let mut stream = connect(&world, Interest::default()).await;
    stream.set_nodelay(true).unwrap();
    let bytes = [
        frame(0x01, "h\u{e4}".as_bytes().split_at(2).0),
        frame(0x89, b"there?"),
        frame(0x00, "h\u{e4}".as_bytes().split_at(2).1),
        frame(0x80, b"!"),
    ];
    for byte in bytes.concat() {
        stream.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
    assert_eq!(next_json(&mut socket).await["type"], "hello");
    assert_eq!(next(&mut socket).await, Message::Pong(Bytes::from_static(b"there?")));
    assert_eq!(next_json(&mut socket).await["echo"], "h\u{e4}!");
    socket.close(None).await.unwrap();
    gone(&world).await;
}

#[tokio::test]
async fn floods_are_closed() {
    let world = World::new(WatchLimits::default());
    let mut socket = websocket(&world, Interest::default()).await;
    for _ in 0..60 {
        socket.feed(Message::text("x")).await.unwrap();
    }
    socket.flush().await.unwrap();
    assert_eq!(close_code(&mut socket).await, 1008);

    let mut socket = websocket(&world, Interest::default()).await;
    let _ = socket.send(Message::Ping(Bytes::new())).await;
    for _ in 0..60 {
        socket.feed(Message::Ping(Bytes::new())).await.unwrap();
    }
    socket.flush().await.unwrap();
    assert_eq!(close_code(&mut socket).await, 1008);
}

#[tokio::test]
async fn answers_that_nobody_reads_close_the_socket() {
    let world =
        World::new(WatchLimits { silence: Duration::from_secs(1), ..WatchLimits::default() });
    let mut stream = connect(&world, Interest::default()).await;
    stream.write_all(&frame(0x81, b"flood 1000000")).await.unwrap();
    gone(&world).await;
}

#[tokio::test]
async fn silence_is_asked_about_and_then_closed() {
    let limits = WatchLimits { silence: Duration::from_millis(200), ..WatchLimits::default() };
    let world = World::new(limits);
    let start = Instant::now();
    // A client that answers pings stays; one that does not is closed.
    let mut lively = websocket(&world, Interest::default()).await;
    let mut silent = connect(&world, Interest::default()).await;
    let lively = tokio::spawn(async move {
        let mut pings = 0;
        while let Ok(Some(Ok(message))) =
            tokio::time::timeout(Duration::from_secs(1), lively.next()).await
        {
            pings += usize::from(message.is_ping());
            if pings == 5 {
                break;
            }
        }
        pings
    });
    let mut bytes = Vec::new();
    silent.read_to_end(&mut bytes).await.unwrap();
    assert!(bytes.windows(2).any(|w| w == [0x89, 0]), "it was asked");
    assert!(bytes.windows(4).any(|w| w[0] == 0x88 && w[2..] == 1001_u16.to_be_bytes()));
    assert!(start.elapsed() >= Duration::from_millis(400));
    assert_eq!(lively.await.unwrap(), 5);
}

#[tokio::test]
async fn a_stop_says_goodbye() {
    let mut world = World::new(WatchLimits::default());
    let mut socket = websocket(&world, everything()).await;
    assert_eq!(next_json(&mut socket).await["type"], "hello");
    world.stop.cancel();
    assert_eq!(close_code(&mut socket).await, 1001);
    drop(socket);
    (&mut world.running).await.unwrap();
    assert_eq!(world.hub.viewers(), 0);
    let mut late = websocket(&world, everything()).await;
    assert_eq!(close_code(&mut late).await, 1001);
}

#[tokio::test]
async fn too_many_viewers_are_told_to_try_later() {
    let world = World::new(WatchLimits { viewers: 1, ..WatchLimits::default() });
    let mut first = websocket(&world, everything()).await;
    assert_eq!(next_json(&mut first).await["type"], "hello");
    let mut second = websocket(&world, everything()).await;
    assert_eq!(close_code(&mut second).await, 1013);
}

#[tokio::test]
async fn subscriptions_come_and_go() {
    /// `Subscriber` subscribes to a poll, unsubscribes from it, or shows its owner's token, as it is told.
    struct Subscriber(Arc<Poll>);
    #[async_trait]
    impl Inbound for Subscriber {
        async fn message(&self, viewer: &ViewerHandle, text: &str) {
            match text {
                "subscribe" => viewer.subscribe(self.0.id).unwrap(),
                "auth" => viewer.grant(self.0.id, Grant::Runs(Proof::Owner(self.0.owner))),
                _ => viewer.unsubscribe(self.0.id),
            }
        }
    }
    let world = World::new(WatchLimits::default());
    let poll = world.open_as(1, Results::Hidden, false);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let server = listener.accept().await.unwrap().0;
    let inbound = Arc::new(Subscriber(poll.clone()));
    let (hub, none) = (world.hub.clone(), Interest::default());
    tokio::spawn(serve_socket(hub, server, Bytes::new(), none, None, inbound));
    let mut socket = WebSocketStream::from_raw_socket(client, Role::Client, None).await;
    assert_eq!(next_json(&mut socket).await["type"], "hello");
    socket.send(Message::text("subscribe")).await.unwrap();
    assert_eq!(next_json(&mut socket).await["poll"]["totalVotes"], Value::Null);
    socket.send(Message::text("auth")).await.unwrap();
    assert_eq!(next_json(&mut socket).await["poll"]["totalVotes"], 0);
    world.tally(&poll, 0, [1, 0]);
    assert_eq!(next_json(&mut socket).await["poll"]["totalVotes"], 1);
    socket.send(Message::text("unsubscribe")).await.unwrap();
    socket.send(Message::Ping(Bytes::new())).await.unwrap();
    assert!(next(&mut socket).await.is_pong(), "the unsubscription has been heard");
    world.tally(&poll, 0, [2, 0]);
    tokio::time::sleep(Duration::from_millis(300)).await;
    socket.send(Message::Ping(Bytes::from_static(b"2"))).await.unwrap();
    assert!(next(&mut socket).await.is_pong(), "nothing came in between");
}

/// Some viewers never read, and the others notice nothing; those who never read are at last sent not what
/// they missed but the present state.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_delays_nobody_and_skips_states() {
    let limits = WatchLimits {
        tick: Duration::from_millis(1),
        send_buffer: 16 * 1024,
        ..WatchLimits::default()
    };
    let world = World::new(limits);
    let poll = world.open(1, Results::Live);
    let mut stuck = Vec::new();
    for _ in 0..20 {
        let stream = connect(&world, one(&poll)).await;
        socket2::SockRef::from(&stream).set_recv_buffer_size(32 * 1024).unwrap();
        stuck.push(stream);
    }
    let mut reader = websocket(&world, one(&poll)).await;
    next_json(&mut reader).await;
    // There are few enough states that the kernel's retransmissions do not back off for long.
    let states = 600;
    for n in 1..=states {
        world.tally(&poll, 0, [n, 0]);
        let start = Instant::now();
        while next_json(&mut reader).await["poll"]["totalVotes"] != n {}
        assert!(start.elapsed() < Duration::from_secs(2));
    }
    // All sockets are read at once: how soon the kernel tries again depends on how long they were stuck.
    let mut late = tokio::task::JoinSet::new();
    for stream in stuck {
        late.spawn(async move {
            let mut socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
            let (mut messages, mut before) = (0, 0);
            while before < states {
                let message = next_json(&mut socket).await;
                let votes = message["poll"]["totalVotes"].as_u64().unwrap_or(0);
                assert!(votes > before || message["type"] == "hello");
                (messages, before) = (messages + 1, votes);
            }
            messages
        });
    }
    while let Some(messages) = late.join_next().await {
        let messages = messages.unwrap();
        assert!(messages < states * 3 / 4, "{messages} of {states} states were kept for it");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_sockets_all_end_at_the_final_state() {
    let world = World::new(WatchLimits::default());
    let mut poll = world.open(1, Results::Live);
    let mut readers = tokio::task::JoinSet::new();
    for n in 0..2_000 {
        let interest = if n % 2 == 0 { one(&poll) } else { everything() };
        let mut socket = websocket(&world, interest).await;
        readers.spawn(async move {
            let mut version = 0;
            loop {
                let message = next_json(&mut socket).await;
                let poll = if message["type"] == "hello" {
                    &message["polls"][0]
                } else {
                    &message["poll"]
                };
                let Some(now) = poll["version"].as_u64() else { continue };
                assert!(now >= version, "{version} then {now}");
                version = now;
                if poll["final"] == true {
                    return poll.clone();
                }
            }
        });
        if n % 100 == 0 {
            world.tally(&poll, 0, [n, 0]);
        }
    }
    world.change(&mut poll, |poll| _ = poll.close(NOW).unwrap());
    for partition in 0..PARTITIONS {
        world.tally(&poll, partition, [3_000, 7]);
    }
    let mut ended = 0;
    while let Some(poll) = readers.join_next().await {
        assert_eq!(poll.unwrap()["totalVotes"], 9_021);
        ended += 1;
    }
    assert_eq!(ended, 2_000);
    gone(&world).await;
}
