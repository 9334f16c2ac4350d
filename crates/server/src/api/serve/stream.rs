//! A TCP stream that does what hyper leaves to us: it gives up a peer that does not read, lets one that still
//! writes receive our last answer, and answers with a problem document what hyper refuses by itself.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use crate::api::problem::{Problem, Trouble};
use crate::api::serve::front::SECURITY;

/// `Signals` passes signals between a connection's task and its stream.
#[derive(Default)]
pub struct Signals {
    /// Whether a request was read. Silence after that is an idle connection, not a slow one.
    pub spoken: AtomicBool,
    /// Whether the headers did not arrive in time, which is said before closing.
    pub late: AtomicBool,
}

/// The time that a client may take to close once we have. Closing while bytes of the client are unread would
/// reset the connection, and might lose the answer that says why it was closed.
const LINGER: Duration = Duration::from_secs(2);

/// The stream is what lies below an HTTP connection.
pub struct Stream {
    // It is `Some` until the stream is taken apart.
    tcp: Option<TcpStream>,
    signals: Arc<Signals>,
    stall: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
    instead: Option<Bytes>,
    /// Whether the last write took less than it was given, so that the next one begins inside an answer.
    inside: bool,
    lingering: Option<Pin<Box<Sleep>>>,
}

impl Stream {
    /// Wraps a connection whose peer may leave our bytes unread for `stall`.
    pub fn new(tcp: TcpStream, stall: Duration, signals: Arc<Signals>) -> Self {
        Self {
            tcp: Some(tcp),
            signals,
            stall,
            stalled: None,
            instead: None,
            inside: false,
            lingering: None,
        }
    }

    /// Returns the connection itself.
    pub fn into_tcp(mut self) -> Option<TcpStream> {
        self.tcp.take()
    }

    fn tcp(&mut self) -> Pin<&mut TcpStream> {
        Pin::new(self.tcp.as_mut().expect("the stream is whole while it is used"))
    }

    /// Reads and discards until the other side closes.
    fn discard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut bytes = [0; 4096];
        // The loop goes on for as many rounds as a scheduler's turn allows. The task is woken for the rest.
        loop {
            let mut buf = ReadBuf::new(&mut bytes);
            match ready!(self.tcp().poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => {}
                _ => return Poll::Ready(()),
            }
        }
    }

    /// Returns the outcome of a write, which fails if it is blocked for too long.
    fn unless_stalled<T>(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.stalled = None;
            return outcome;
        }
        let time = self.stall;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(time)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Does the same for a write of so many bytes, and notes whether fewer were taken.
    fn unless_cut(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<usize>>,
        offered: usize,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(written)) = outcome {
            self.inside = written < offered;
        }
        self.unless_stalled(cx, outcome)
    }

    /// Writes the substitute, and then reports the original as written.
    fn write_instead(&mut self, cx: &mut Context<'_>, original: usize) -> Poll<io::Result<usize>> {
        while let Some(rest) = self.instead.take().filter(|rest| !rest.is_empty()) {
            let outcome = self.tcp().poll_write(cx, &rest);
            let outcome = self.unless_stalled(cx, outcome);
            let mut rest = rest;
            match outcome {
                Poll::Ready(Ok(written)) => rest.advance(written),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.instead = Some(rest);
                    return Poll::Pending;
                }
            }
            self.instead = Some(rest);
        }
        Poll::Ready(Ok(original))
    }
}

/// Returns a problem document for hyper's own answer to something that is not HTTP, which is a bare status.
/// None of our answers with these statuses is empty, so the two cannot be confused.
fn substitute(head: &[u8]) -> Option<Bytes> {
    let rest = head.strip_prefix(b"HTTP/1.1 ")?;
    let code = rest.get(..3)?;
    let trouble = match code {
        b"400" => Trouble::MalformedRequest,
        b"414" | b"431" => Trouble::HeadersTooLarge,
        _ => return None,
    };
    let empty = head.windows(19).any(|part| part.eq_ignore_ascii_case(b"content-length: 0\r\n"));
    if !empty {
        return None;
    }
    let detail = match trouble {
        Trouble::MalformedRequest => "this is not an HTTP/1.1 request",
        _ => "the request line and the headers are too long",
    };
    Some(raw(&Problem::new(trouble, detail)))
}

/// Writes a problem as a whole HTTP/1.1 answer, the last of its connection. It has not passed the router, so
/// the security headers are added here.
pub fn raw(problem: &Problem) -> Bytes {
    let body = problem.to_json();
    let status = problem.trouble().row().status;
    let mut answer = format!(
        "HTTP/1.1 {} {}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nconnection: close\r\n",
        status.as_u16(),
        status.canonical_reason().unwrap_or_default(),
        body.len(),
    )
    .into_bytes();
    for (name, value) in SECURITY {
        answer.extend_from_slice(
            &[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat(),
        );
    }
    answer.extend_from_slice(b"\r\n");
    answer.extend_from_slice(&body);
    answer.into()
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.tcp().poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.instead.is_none() && !self.inside {
            self.instead = substitute(buf);
        }
        if self.instead.is_some() {
            return self.write_instead(cx, buf.len());
        }
        let outcome = self.tcp().poll_write(cx, buf);
        self.unless_cut(cx, outcome, buf.len())
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let bare = |head: &IoSlice<'_>| substitute(head).is_some();
        if self.instead.is_some() || !self.inside && bufs.first().is_some_and(bare) {
            let first = bufs.iter().find(|buf| !buf.is_empty()).map_or(&[][..], |buf| buf);
            return self.poll_write(cx, first);
        }
        let outcome = self.tcp().poll_write_vectored(cx, bufs);
        self.unless_cut(cx, outcome, bufs.iter().map(|buf| buf.len()).sum())
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tcp().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            ready!(self.tcp().poll_shutdown(cx))?;
            self.lingering = Some(Box::pin(sleep(LINGER)));
        }
        if self.discard(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let lingering = self.lingering.as_mut().expect("set above");
        lingering.as_mut().poll(cx).map(Ok)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(tcp) = &self.tcp
            && self.signals.late.load(Ordering::Relaxed)
        {
            let detail = "the request's headers did not arrive in time";
            // The socket's buffer is empty; if it is not, nobody was reading anyway.
            let _ = tcp.try_write(&raw(&Problem::new(Trouble::RequestTimeout, detail)));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[test]
    fn only_hypers_own_refusals_are_replaced() {
        let bare = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        let ours = substitute(bare).unwrap();
        assert!(ours.starts_with(b"HTTP/1.1 400 Bad Request\r\n"));
        assert!(substitute(&ours).is_none());
        assert!(substitute(b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n").is_none());
        assert!(substitute(b"").is_none());
        for (name, _) in SECURITY {
            let text = String::from_utf8(ours.to_vec()).unwrap();
            assert!(text.contains(&format!("\r\n{name}: ")), "{name}");
        }
    }

    #[tokio::test]
    async fn what_a_refusal_looks_like_inside_an_answer_is_written_as_it_is() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (tcp, _) = listener.accept().await.unwrap();
        let mut stream = Stream::new(tcp, Duration::from_secs(60), Arc::default());
        let bare = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
        for vectored in [false, true] {
            let mut written = 0;
            // Once the connection takes no more at once, the next write continues an answer.
            let long = vec![b'x'; 1 << 20];
            loop {
                let count = stream.write(&long).await.unwrap();
                written += count;
                if count < long.len() {
                    break;
                }
            }
            let mut read = vec![0; written];
            peer.read_exact(&mut read).await.unwrap();
            let count = match vectored {
                true => stream.write_vectored(&[IoSlice::new(bare)]).await.unwrap(),
                false => stream.write(bare).await.unwrap(),
            };
            assert_eq!(count, bare.len());
            let mut rest = vec![0; bare.len()];
            peer.read_exact(&mut rest).await.unwrap();
            assert_eq!(rest, bare);
        }
    }
}
