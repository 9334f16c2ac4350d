//! One viewer's server-sent events: the same messages as over a WebSocket.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll as TaskPoll};

use bytes::Bytes;
use futures_util::Stream;
use tokio::time::Instant;

use super::frame::{Message, MessageType};
use super::handle::{Seat, ViewerHandle};
use super::hub::Hub;
use super::viewer::{BrowserId, Interest, Life, Sink};

/// The field that makes a browser wait 2,000 milliseconds before it connects again.
const RETRY: &str = "retry: 2000\n";

/// An `EventStream` is the body of a `text/event-stream`. It ends when the server stops; dropping
/// it gives up the seat.
pub struct EventStream {
    seat: Seat,
    started: bool,
}

/// Watches by server-sent events. Memory stays bounded if nobody reads the body. Giving up on a
/// client that never reads is left to the HTTP server.
pub fn event_stream(
    hub: &Arc<Hub>,
    interest: Interest,
    browser_id: Option<BrowserId>,
) -> EventStream {
    EventStream { seat: Seat::take(hub, Sink::Pulled, &interest, browser_id), started: false }
}

impl EventStream {
    /// Returns the handle that the API has on this viewer.
    pub fn viewer(&self) -> &ViewerHandle {
        &self.seat.0
    }

    /// Returns the JSON of the next message, without the framing of an event stream; for tests and
    /// simulations.
    pub async fn next_json(&mut self) -> Option<Bytes> {
        loop {
            match std::future::poll_fn(|cx| self.poll_message(cx)).await {
                Some(message) if message.about == MessageType::KeepAlive => {}
                message => return message.map(|message| message.payload()),
            }
        }
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> TaskPoll<Option<Message>> {
        let viewer = &self.seat.0.viewer;
        viewer.waker.register(cx.waker());
        let mut state = viewer.state.lock();
        // A stream that pulls is alive.
        (state.heard, state.asked) = (Instant::now(), false);
        if let Life::Ending(_) = state.life {
            state.life = Life::Ended;
        }
        match viewer.next(&mut state) {
            Some(message) => TaskPoll::Ready(Some(message)),
            None if state.life != Life::Watching => TaskPoll::Ready(None),
            None => TaskPoll::Pending,
        }
    }
}

impl Stream for EventStream {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> TaskPoll<Option<Self::Item>> {
        self.poll_message(cx).map(|message| {
            let message = message?;
            let start = if std::mem::replace(&mut self.started, true) { "" } else { RETRY };
            Some(Ok(block(self.seat.0.hub.epoch(), start, &message)))
        })
    }
}

/// Encodes one server-sent event; JSON has no line ends in it. The id gives epoch and version for
/// information only: a client that comes back is sent the whole state anew, so nothing is resumed.
fn block(epoch: &str, start: &str, message: &Message) -> Bytes {
    if message.about == MessageType::KeepAlive {
        return Bytes::from_static(b": still here\n\n");
    }
    let (name, version, data) = (message.about.name(), message.version, message.payload());
    let mut block = format!("{start}id: {epoch}.{version}\nevent: {name}\ndata: ").into_bytes();
    block.extend_from_slice(&data);
    block.extend_from_slice(b"\n\n");
    block.into()
}
