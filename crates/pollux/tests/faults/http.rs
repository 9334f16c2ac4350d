//! The client keeps one connection to a node; it connects when it has to, and again once the connection has
//! broken.

use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// An answer is waited for this long: longer than the server's own deadline for a vote, and than its wait for
/// a decision.
pub const ANSWER: Duration = Duration::from_secs(28);

/// `Client` sends requests to one node.
pub struct Client {
    port: u16,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    /// Creates a client of the node at this port, without a connection yet.
    pub fn new(port: u16) -> Self {
        Self { port, sender: None }
    }

    /// Sends a request and returns status and JSON body. Any failure drops the connection.
    pub async fn send(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        token: Option<&str>,
    ) -> Result<(u16, Value)> {
        let mut sender = match self.sender.take() {
            Some(sender) if !sender.is_closed() => sender,
            _ => self.connect().await?,
        };
        let mut request = Request::builder().method(method).uri(path).header("host", "127.0.0.1");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map_or_else(Bytes::new, |body| body.to_string().into());
        let request = request.body(Full::new(body))?;
        let exchange = async {
            let answer = sender.send_request(request).await?;
            let status = answer.status().as_u16();
            let body = answer.into_body().collect().await?.to_bytes();
            Ok::<_, hyper::Error>((status, body))
        };
        let (status, body) = timeout(ANSWER, exchange).await.context("no answer in time")??;
        self.sender = Some(sender);
        Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }

    /// Asks for this path and returns the answer's `Date` in seconds since 1970.
    pub async fn date(&mut self, path: &str) -> Result<i64> {
        let mut sender = self.connect().await?;
        let request = Request::builder().uri(path).header("host", "127.0.0.1");
        let request = request.body(Full::new(Bytes::new()))?;
        let answer = timeout(ANSWER, sender.send_request(request)).await.context("no answer")??;
        let date = answer.headers().get("date").context("the answer has no date")?;
        Ok(jiff::fmt::rfc2822::parse(date.to_str()?)?.timestamp().as_second())
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>> {
        let connecting = TcpStream::connect(("127.0.0.1", self.port));
        let stream =
            timeout(Duration::from_secs(2), connecting).await.context("no connection")??;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // The connection's task ends with the sender, which is told of its errors.
        tokio::spawn(connection);
        Ok(sender)
    }
}
