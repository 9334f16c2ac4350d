//! One viewer's WebSocket, after the upgrade.
//!
//! Whoever has something to send does so itself (`Viewer::pump`). The task in this file reads,
//! waits for a full socket to drain, and closes. While nothing comes in, it holds no buffer.

use std::io::ErrorKind;
use std::net::Shutdown;
use std::sync::Arc;
use std::task::{Context, Poll as TaskPoll};

use async_trait::async_trait;
use bytes::Bytes;
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::frame::{Close, Decoder, Message, Received};
use super::handle::{Seat, ViewerHandle};
use super::hub::Hub;
use super::viewer::{BrowserId, Interest, Life, Sink};

/// `Inbound` takes what a client sends; the API implements it, because only the API knows the
/// messages.
#[async_trait]
pub trait Inbound: Send + Sync + 'static {
    /// Handles one text message. The next message, and pings too, wait until this returns. Replies
    /// go through [`ViewerHandle::reply`].
    async fn message(&self, viewer: &ViewerHandle, text: &str);
}

/// The most bytes that are read at once.
const READ: usize = 4096;

/// `Ready` says whether the socket can be read from, written to, or both.
enum Ready {
    /// Bytes came and are in the decoder.
    Bytes,
    /// The close frame was sent.
    Ended,
    /// The other side is gone, or is sent nothing more.
    Gone,
}

/// Serves a WebSocket, whose handshake is done, until it is closed. `read_ahead` holds the bytes
/// that came after the handshake's last byte.
///
/// The future is small, so that an idle viewer costs little memory. Spawn it as a task of its own,
/// and keep nothing else of the connection alive.
pub async fn serve_socket(
    hub: Arc<Hub>,
    stream: TcpStream,
    read_ahead: Bytes,
    interest: Interest,
    browser_id: Option<BrowserId>,
    inbound: Arc<dyn Inbound>,
) {
    // The connection works without either option.
    let _ = stream.set_nodelay(true);
    let _ = SockRef::from(&stream).set_send_buffer_size(hub.limits().send_buffer);
    let seat = Seat::take(&hub, Sink::Socket(stream), &interest, browser_id);
    drop(hub);
    let mut reader = Reader::new(&seat.0);
    reader.decoder.feed(&read_ahead);
    drop(read_ahead);
    {
        let mut state = seat.0.viewer.state.lock();
        seat.0.viewer.pump(&mut state);
    }
    let ready = loop {
        match reader.decoder.next(seat.0.hub.limits().message) {
            Err(why) => seat.0.end(why),
            Ok(Some(received)) => {
                if !reader.allows(&received) {
                    seat.0.end(Close::FLOOD);
                } else if let Some(text) = take(&seat.0, received) {
                    inbound.message(&seat.0, &text).await;
                    // Nothing was read while a vote waited, so this silence was the server's and
                    // not the client's.
                    seat.0.viewer.state.lock().heard = Instant::now();
                    continue;
                } else {
                    continue;
                }
            }
            Ok(None) => {}
        }
        match std::future::poll_fn(|cx| reader.poll(cx)).await {
            Ready::Bytes => {}
            end => break end,
        }
    };
    if let (Ready::Ended, Sink::Socket(stream)) = (ready, &seat.0.viewer.sink) {
        // Closing with bytes unread would reset the connection, and the client might lose our last
        // frame. So the client gets a while to close first.
        let _ = SockRef::from(stream).shutdown(Shutdown::Write);
        let goodbye = seat.0.hub.limits().goodbye;
        let _ = Box::pin(timeout(goodbye, discard(stream))).await;
    }
}

/// Handles everything but text, which is returned for the API.
fn take(viewer: &ViewerHandle, received: Received) -> Option<String> {
    match received {
        Received::Text(text) => return Some(text),
        Received::Ping(content) => viewer.answer(Message::pong(&content)),
        Received::Close(code) => viewer.end(Close(code, "")),
        Received::Part { .. } | Received::Pong => {}
    }
    None
}

/// Reads and discards until the other side closes.
async fn discard(stream: &TcpStream) {
    let mut bytes = [0; 1024];
    while stream.readable().await.is_ok() {
        match stream.try_read(&mut bytes) {
            Ok(0) => return,
            Ok(_) => {}
            Err(e) if e.kind() == ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

/// The reader is the reading half of a socket.
struct Reader<'a> {
    handle: &'a ViewerHandle,
    decoder: Decoder,
    /// The messages that the client may still send now.
    tokens: f64,
    /// The moment at which `tokens` was last computed.
    since: Instant,
}

impl<'a> Reader<'a> {
    fn new(handle: &'a ViewerHandle) -> Self {
        let (_, burst) = handle.hub.limits().messages;
        let tokens = f64::from(burst);
        Self { handle, decoder: Decoder::default(), tokens, since: Instant::now() }
    }

    /// Whether the client keeps to its rate. Every frame counts except a part of a message that is
    /// not empty, and a close frame.
    fn allows(&mut self, received: &Received) -> bool {
        if matches!(received, Received::Part { empty: false } | Received::Close(_)) {
            return true;
        }
        let (rate, burst) = self.handle.hub.limits().messages;
        let now = Instant::now();
        let earned = (now - self.since).as_secs_f64() * f64::from(rate);
        (self.tokens, self.since) = ((self.tokens + earned).min(f64::from(burst)), now);
        self.tokens -= 1.0;
        self.tokens >= 0.0
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> TaskPoll<Ready> {
        let viewer = &*self.handle.viewer;
        let Sink::Socket(stream) = &viewer.sink else { return TaskPoll::Ready(Ready::Gone) };
        viewer.waker.register(cx.waker());
        let mut state = viewer.state.lock();
        while state.blocked.is_some() && state.life != Life::Dead {
            match stream.poll_write_ready(cx) {
                TaskPoll::Ready(Ok(())) => {
                    let since = state.blocked.take();
                    let before = state.unsent.len();
                    viewer.pump(&mut state);
                    // The socket was ready and took nothing, so it counts as blocked since before.
                    if state.blocked.is_some() && state.unsent.len() == before {
                        state.blocked = since;
                    }
                }
                TaskPoll::Ready(Err(_)) => state.life = Life::Dead,
                TaskPoll::Pending => break,
            }
        }
        let life = state.life;
        let out = state.unsent.is_empty() && state.replies.is_empty();
        drop(state);
        match life {
            Life::Dead => return TaskPoll::Ready(Ready::Gone),
            Life::Ended if out => return TaskPoll::Ready(Ready::Ended),
            _ => {}
        }
        loop {
            match stream.poll_read_ready(cx) {
                TaskPoll::Ready(Ok(())) => {}
                TaskPoll::Ready(Err(_)) => return TaskPoll::Ready(Ready::Gone),
                TaskPoll::Pending => return TaskPoll::Pending,
            }
            let mut bytes = [0; READ];
            match stream.try_read(&mut bytes) {
                Ok(0) => return TaskPoll::Ready(Ready::Gone),
                // Whatever comes after our close is ignored.
                Ok(_) if life != Life::Watching => {}
                Ok(read) => {
                    let mut state = viewer.state.lock();
                    (state.heard, state.asked) = (Instant::now(), false);
                    self.decoder.feed(&bytes[..read]);
                    return TaskPoll::Ready(Ready::Bytes);
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return TaskPoll::Ready(Ready::Gone),
            }
        }
    }
}
