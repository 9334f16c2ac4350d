//! The accept loop: connections with deadlines, a bound on their number, and a stop that cuts off no request.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use futures_util::future::Either;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::Upgraded;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

use super::direct;
use super::shares::{ConnectionShares, Share};
use super::stream::{self, Signals, Stream};
use crate::api::App;
use crate::api::access::client::Peer;
use crate::api::problem::security::{About, SecurityEvent};
use crate::api::problem::{Problem, Trouble};
use crate::config::Config;

/// The number of connections that the kernel may hold until we accept them.
const BACKLOG: i32 = 4096;

/// The longest request line with headers, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// The most headers of a request.
const MAX_HEADERS: usize = 64;

/// The pause after a failed accept (such as for lack of file descriptors), so that the loop cannot spin.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// The pause between two rounds of upkeep.
const UPKEEP: Duration = Duration::from_secs(2);

/// A slot is a connection's place among `ApiLimits::connections`, with its share of those of its address. A
/// WebSocket keeps both.
#[derive(Clone)]
pub struct Slot(#[allow(dead_code)] Arc<(OwnedSemaphorePermit, Share)>);

/// Listens on every configured address, or returns the one on which it cannot. With port 0 the first address
/// decides which port all have.
pub fn listen(config: &Config) -> Result<Vec<TcpListener>, (SocketAddr, io::Error)> {
    let mut port = config.port;
    let mut listeners = Vec::new();
    for host in &config.hosts {
        let address = SocketAddr::new(*host, port);
        // `::` must not take 0.0.0.0 away from another listener. Alone it accepts both.
        let apart = config.hosts.iter().any(std::net::IpAddr::is_ipv4);
        match bind(address, apart) {
            Ok(listener) => {
                port = listener.local_addr().map_or(port, |address| address.port());
                listeners.push(listener);
            }
            // A machine without IPv6 has only one of the two loopback addresses.
            Err(error)
                if host.is_loopback()
                    && host.is_ipv6()
                    && error.kind() != io::ErrorKind::AddrInUse
                    && apart => {}
            Err(error) => return Err((address, error)),
        }
    }
    Ok(listeners)
}

fn bind(address: SocketAddr, apart: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(apart)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Serves until `shutdown`, and then lets the requests in flight finish, for `Config::drain` at most. It does
/// not wait for WebSockets, which the hub closes.
pub async fn serve(
    listeners: Vec<TcpListener>,
    router: Router,
    app: Arc<App>,
    shutdown: CancellationToken,
) {
    let server = Arc::new(Server {
        slots: Arc::new(Semaphore::new(app.config.api.connections)),
        shares: ConnectionShares::new(&app.config),
        connections: TaskTracker::new(),
        cut: CancellationToken::new(),
        stopped: AtomicBool::new(false),
        router,
        app,
    });
    let loops = TaskTracker::new();
    for listener in listeners {
        loops.spawn(accept(server.clone(), listener, shutdown.clone()));
    }
    loops.close();
    tokio::select! {
        biased;
        () = shutdown.cancelled() => {}
        () = upkeep(&server.app) => {}
    }
    server.stopped.store(true, Ordering::Release);
    server.app.stopping.cancel();
    loops.wait().await;
    server.connections.close();
    if tokio::time::timeout(server.app.config.drain, server.connections.wait()).await.is_err() {
        tracing::warn!(
            left = server.connections.len(),
            "connections are cut at the end of the drain"
        );
        server.cut.cancel();
        server.connections.wait().await;
    }
    server.app.security.flush(true);
}

/// Folds the samples that histograms gather, because nobody may ever scrape them. It also sweeps the keys
/// that the limits gather, and logs how many lines of security events were left out.
async fn upkeep(app: &Arc<App>) {
    let mut ticks = tokio::time::interval(UPKEEP);
    loop {
        ticks.tick().await;
        app.security.flush(false);
        let app = app.clone();
        let work = tokio::task::spawn_blocking(move || {
            app.metrics.upkeep();
            app.limits.sweep();
        });
        // The work does not panic, and if it did, the next round would come soon.
        let _ = work.await;
    }
}

/// `Server` is the state that all connections share.
struct Server {
    app: Arc<App>,
    router: Router,
    slots: Arc<Semaphore>,
    shares: Arc<ConnectionShares>,
    connections: TaskTracker,
    cut: CancellationToken,
    /// Whether one of the tokens may have been cancelled.
    stopped: AtomicBool,
}

async fn accept(server: Arc<Server>, listener: TcpListener, shutdown: CancellationToken) {
    let accepting = async {
        loop {
            match listener.accept().await {
                Ok((tcp, peer)) => {
                    let Some(share) = server.shares.admit(peer.ip()) else {
                        refuse(&server.app, &tcp);
                        continue;
                    };
                    // Until there is a slot, nothing more is accepted, and further connections wait in the
                    // kernel's queue.
                    let slot = server.slots.clone().acquire_owned().await;
                    let slot = slot.expect("the semaphore is never closed");
                    let slot = Slot(Arc::new((slot, share)));
                    let connection = connection(server.clone(), tcp, peer, slot);
                    server.connections.spawn(connection);
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_RETRY).await;
                }
            }
        }
    };
    tokio::select! {
        biased;
        () = shutdown.cancelled() => {}
        () = accepting => {}
    }
}

/// Says why the connection is refused, as far as that goes without waiting, and hangs up.
fn refuse(app: &App, tcp: &TcpStream) {
    app.security.note(SecurityEvent::LimitOfConnections, About::default());
    let detail = "your address holds as many connections as it may (POLLUX_API_CONNECTIONS_SHARE)";
    let _ = tcp.try_write(&stream::raw(&Problem::new(Trouble::TooManyRequests, detail)));
}

async fn connection(server: Arc<Server>, tcp: TcpStream, peer: SocketAddr, slot: Slot) {
    let app = server.app.clone();
    app.metrics.connections.increment(1.0);
    // Neither setting is vital: without it small answers are late, not wrong.
    let _ = tcp.set_nodelay(true);
    let limits = &app.config.api;
    let signals = Arc::new(Signals::default());
    let stream = Stream::new(tcp, limits.write_timeout, signals.clone());
    let spoken = signals.clone();
    let serving = server.clone();
    // The router of a node that only counts has no route for votes, so this way past it must be closed too.
    let takes_votes = app.config.roles.web;
    let service = service_fn(move |mut request: Request<Incoming>| {
        spoken.spoken.store(true, Ordering::Relaxed);
        let serving = serving.clone();
        if takes_votes && direct::target(request.method(), request.uri()).is_some() {
            return Either::Left(async move {
                Ok(direct::answer_directly(&serving.app, peer.ip(), request).await)
            });
        }
        request.extensions_mut().insert(Peer(peer.ip()));
        if request.headers().contains_key(http::header::UPGRADE) {
            request.extensions_mut().insert(slot.clone());
        }
        Either::Right(serving.router.clone().call(request.map(Body::new)))
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_timeout)
            .max_buf_size(MAX_HEAD)
            .max_headers(MAX_HEADERS)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
    );
    let mut stopping = pin!(app.stopping.cancelled());
    let mut cut = pin!(server.cut.cancelled());
    let (mut registered, mut draining) = (false, false);
    let outcome = poll_fn(|cx| {
        // Once polled, the tokens wake this task when they are cancelled. Polling them each time would take
        // locks that all connections share, several for every request.
        let ask = !registered || server.stopped.load(Ordering::Acquire);
        if ask && !draining && stopping.as_mut().poll(cx).is_ready() {
            draining = true;
            connection.as_mut().graceful_shutdown();
        }
        if let Poll::Ready(outcome) = connection.as_mut().poll(cx) {
            return Poll::Ready(Some(outcome));
        }
        if ask && cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        registered = true;
        Poll::Pending
    })
    .await;
    if let Some(Err(error)) = outcome {
        let late = error.is_timeout() && !signals.spoken.load(Ordering::Relaxed);
        signals.late.store(late, Ordering::Relaxed);
        tracing::debug!(%error, "a connection ended");
    }
    app.metrics.connections.decrement(1.0);
}

/// Returns the socket below an upgraded connection, and the bytes that were read of it already.
pub fn reclaim(upgraded: Upgraded) -> Option<(TcpStream, Bytes)> {
    let parts = upgraded.downcast::<TokioIo<Stream>>().ok()?;
    Some((parts.io.into_inner().into_tcp()?, parts.read_buf))
}
