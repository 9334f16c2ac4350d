//! The socket is a WebSocket to a node, as a script opens it that keeps no cookies.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// Opening a socket may take this long.
const OPENED: Duration = Duration::from_secs(10);

/// `Socket` is an open WebSocket.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    /// Opens a socket to the node at this port, with this query.
    pub async fn open(port: u16, query: &str) -> Result<Self> {
        let request = format!("ws://127.0.0.1:{port}/ws?{query}").into_client_request()?;
        let opening = tokio_tungstenite::connect_async(request);
        let (stream, _) = timeout(OPENED, opening).await.context("no handshake in time")??;
        Ok(Self { stream })
    }

    /// Sends a message.
    pub async fn send(&mut self, message: &Value) -> Result<()> {
        Ok(self.stream.send(Message::text(message.to_string())).await?)
    }

    /// Returns the next message with content.
    pub async fn next(&mut self, patience: Duration) -> Result<Value> {
        loop {
            let message = timeout(patience, self.stream.next()).await.context("silent")?;
            match message.context("the socket has ended")?? {
                Message::Text(text) => return Ok(serde_json::from_str(&text)?),
                Message::Close(why) => bail!("the socket was closed: {why:?}"),
                _ => {}
            }
        }
    }
}
