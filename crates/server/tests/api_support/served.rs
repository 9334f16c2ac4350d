//! The server in memory is served behind real TCP sockets here, and has clients of both kinds.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use pollux_server::api::server;
use pollux_server::config::Config;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message, http};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tokio_util::sync::CancellationToken;

use super::World;

/// `PATIENCE` is longer than anything here should take.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// `Served` is a server behind a TCP port of its own.
pub struct Served {
    pub world: World,
    pub address: SocketAddr,
    pub shutdown: CancellationToken,
    pub server: tokio::task::JoinHandle<()>,
}

/// Starts a server whose settings are changed first, on a free port.
pub async fn serve(configure: impl FnOnce(&mut Config)) -> Served {
    let world = World::with(|config| {
        config.port = 0;
        config.hosts = vec![Ipv4Addr::LOCALHOST.into()];
        configure(config);
    })
    .await;
    let listeners = server::listen(&world.app.config).unwrap();
    let address = listeners[0].local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let running =
        server::serve(listeners, world.router.clone(), world.app.clone(), shutdown.clone());
    let server = tokio::spawn(running);
    Served { world, address, shutdown, server }
}

impl Served {
    /// Opens a TCP connection to the server.
    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends these bytes, and reads until the server closes.
    pub async fn raw(&self, bytes: &[u8]) -> String {
        let mut tcp = self.connect().await;
        tcp.write_all(bytes).await.unwrap();
        rest(&mut tcp).await
    }

    /// Opens a WebSocket with this query, for the voter with this cookie or for nobody yet.
    pub async fn socket(&self, query: &str, cookie: Option<&str>) -> TestViewer {
        self.try_socket(query, cookie).await.unwrap()
    }

    /// Opens a WebSocket, or returns the answer that was no upgrade.
    pub async fn try_socket(&self, query: &str, cookie: Option<&str>) -> Result<TestViewer, Error> {
        let url = format!("ws://{}/ws{query}", self.address);
        let mut request = url.into_client_request().unwrap();
        if let Some(cookie) = cookie {
            request.headers_mut().insert("cookie", cookie.parse().unwrap());
        }
        let (socket, response) = tokio_tungstenite::connect_async(request).await?;
        assert!(
            !response.headers().contains_key(http::header::SET_COOKIE),
            "a handshake names nobody"
        );
        Ok(TestViewer { socket, heard: Vec::new() })
    }
}

/// Reads everything until the server closes.
pub async fn rest(tcp: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    tokio::time::timeout(PATIENCE, tcp.read_to_end(&mut answer)).await.unwrap().unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// Asserts that an answer over TCP is a problem document with this status, and returns the problem.
pub fn is_problem(answer: &str, status: u16) -> Value {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer:?}");
    assert!(answer.contains("application/problem+json"), "{answer:?}");
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    let problem: Value = serde_json::from_str(body).unwrap();
    assert_eq!(problem["status"], status, "{answer:?}");
    problem
}

/// A `TestViewer` is a client over a WebSocket, and keeps all messages that it has received.
pub struct TestViewer {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub heard: Vec<Value>,
}

impl TestViewer {
    /// Sends a text message.
    pub async fn say(&mut self, text: impl ToString) {
        self.socket.send(Message::text(text.to_string())).await.unwrap();
    }

    /// Returns the next frame of any kind.
    pub async fn frame(&mut self) -> Option<Result<Message, Error>> {
        let next = tokio::time::timeout(PATIENCE, self.socket.next()).await;
        next.unwrap_or_else(|_| panic!("nothing more is sent after {:#?}", self.heard.last()))
    }

    /// Returns the next message.
    pub async fn next(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.frame().await.expect("closed").unwrap() {
                let message: Value = serde_json::from_str(&text).unwrap();
                self.heard.push(message.clone());
                return message;
            }
        }
    }

    /// Returns the next message of which this holds.
    pub async fn until(&mut self, holds: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.next().await;
            if holds(&message) {
                return message;
            }
        }
    }

    /// Returns the next message of this type.
    pub async fn until_type(&mut self, kind: &str) -> Value {
        self.until(|message| message["type"] == kind).await
    }

    /// Votes, waits for the receipt, and returns the cookie by which the voter would be recognised.
    pub async fn vote(&mut self, poll: &str, option: u8) -> Option<String> {
        self.say(serde_json::json!({"type": "vote", "poll": poll, "optionId": option})).await;
        let told = self.until_type("vote.recorded").await;
        told["receipt"]["voter"].as_str().map(|voter| format!("pollux_voter={voter}"))
    }

    /// Reads everything that was on its way, which is possible because messages are answered in order.
    pub async fn catch_up(&mut self) {
        self.say(r#"{"type":"unknown","ref":"are you there?"}"#).await;
        self.until(|message| message["ref"] == "are you there?").await;
        self.heard.pop();
    }
}
