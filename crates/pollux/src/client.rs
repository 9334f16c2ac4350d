//! This HTTP client is for the commands that talk to a server: it has one keep-alive connection, and says of
//! every failed request whether the server could have seen it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::exit::{Failure, Outcome};

/// An answer may have this many bytes.
const MAX_ANSWER_BYTES: usize = 16 << 20;
/// Connecting may take this long.
const CONNECT: Duration = Duration::from_secs(5);
/// An answer may take this long: a little longer than the server's own deadline.
pub const ANSWER: Duration = Duration::from_secs(10);

/// `Server` is the address of a server, `http://host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The host and the port, `host:port`.
    pub authority: String,
    /// The path in front of every route, without a slash at the end; mostly empty.
    prefix: String,
}

impl FromStr for Server {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let uri: Uri = text.parse().map_err(|_| "not a URL such as http://localhost:5000")?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => {
                return Err("https is not supported: give the address of the server itself, \
                            behind its proxy, as http://host:port"
                    .into());
            }
            _ => return Err("not a URL such as http://localhost:5000".into()),
        }
        let host = uri.host().filter(|host| !host.is_empty()).ok_or("the URL names no host")?;
        let port = uri.port_u16().unwrap_or(80);
        Ok(Self {
            authority: format!("{host}:{port}"),
            prefix: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority, self.prefix)
    }
}

impl Server {
    /// Returns the path of a route on this server.
    pub fn path(&self, route: &str) -> String {
        format!("{}{route}", self.prefix)
    }

    /// Returns the URL of the server's WebSocket.
    pub fn socket(&self, query: &str) -> String {
        format!("ws://{}{}/ws?{query}", self.authority, self.prefix)
    }
}

/// `Answer` is a complete answer of a server.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The value of `Retry-After`, which is in seconds, if the header is there.
    pub retry_after: Option<Duration>,
    /// The body.
    pub body: Bytes,
}

/// `NoAnswer` says why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// The request never left, so that the server cannot have acted on it.
    #[error("cannot connect: {0}")]
    NotSent(String),
    /// The request, or a part of it, left, so that the server may have acted on it.
    #[error("no answer: {0}")]
    Unknown(String),
}

/// `Connection` is a keep-alive connection, which is opened when first needed and again after it broke.
pub struct Connection {
    server: Server,
    host: HeaderValue,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Connection {
    /// Returns a connection to this server, which is not yet open.
    pub fn new(server: &Server) -> Self {
        let host = HeaderValue::from_str(&server.authority)
            .expect("an authority that parsed is a header value");
        Self { server: server.clone(), host, sender: None }
    }

    /// Opens the connection, unless it is open.
    pub async fn connect(&mut self) -> Result<(), NoAnswer> {
        if self.sender.as_ref().is_some_and(|sender| !sender.is_closed()) {
            return Ok(());
        }
        let not_sent = |error: &dyn fmt::Display| NoAnswer::NotSent(error.to_string());
        let stream = timeout(CONNECT, TcpStream::connect(&self.server.authority))
            .await
            .map_err(|_| not_sent(&"timed out"))?
            .map_err(|error| not_sent(&error))?;
        stream.set_nodelay(true).map_err(|error| not_sent(&error))?;
        let (sender, connection) = http1::Builder::new()
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| not_sent(&error))?;
        // The task ends when the sender is dropped or the server closes. The sender reports its error.
        tokio::spawn(connection);
        self.sender = Some(sender);
        Ok(())
    }

    /// Sends a request and reads the whole answer. Any error closes the connection.
    pub async fn send(
        &mut self,
        method: Method,
        path: &Uri,
        headers: &[(HeaderName, HeaderValue)],
        body: Bytes,
    ) -> Result<Answer, NoAnswer> {
        self.connect().await?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = path.clone();
        request.headers_mut().insert(HOST, self.host.clone());
        for (name, value) in headers {
            request.headers_mut().insert(name.clone(), value.clone());
        }
        let mut sender = self.sender.take().expect("just connected");
        let exchange = async {
            sender.ready().await.map_err(|error| NoAnswer::NotSent(error.to_string()))?;
            let response = sender.try_send_request(request).await.map_err(|mut error| {
                let never_left = error.take_message().is_some();
                let text = error.error().to_string();
                if never_left { NoAnswer::NotSent(text) } else { NoAnswer::Unknown(text) }
            })?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, MAX_ANSWER_BYTES)
                .collect()
                .await
                .map_err(|error| NoAnswer::Unknown(error.to_string()))?
                .to_bytes();
            let retry_after = head
                .headers
                .get(RETRY_AFTER)
                .and_then(|value| value.to_str().ok()?.parse().ok())
                .map(Duration::from_secs);
            Ok(Answer { status: head.status, retry_after, body })
        };
        let answer = timeout(ANSWER, exchange)
            .await
            .unwrap_or_else(|_| Err(NoAnswer::Unknown("timed out".into())))?;
        self.sender = Some(sender);
        Ok(answer)
    }
}

/// `Problem` is the part of a problem document (RFC 9457) that is shown to a person.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// The kind of problem.
    pub title: String,
    /// The problem in this case.
    pub detail: String,
    /// The problems of single fields.
    pub errors: Vec<FieldProblem>,
}

/// `FieldProblem` says what is wrong with one field.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct FieldProblem {
    /// The JSON pointer of the field.
    pub pointer: String,
    /// A sentence that says what is wrong with it.
    pub detail: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.title)?;
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        for FieldProblem { pointer, detail } in &self.errors {
            write!(f, "\n  {pointer}: {detail}")?;
        }
        Ok(())
    }
}

impl Answer {
    /// Returns what the server says is wrong.
    pub fn problem(&self) -> String {
        let problem: Problem = serde_json::from_slice(&self.body).unwrap_or_default();
        if problem.title.is_empty() {
            format!("the server answered {}", self.status)
        } else {
            format!("the server answered {}: {problem}", self.status.as_u16())
        }
    }
}

/// Sends one request and reads its JSON answer. Anything but a success becomes a failure with its exit code.
pub async fn call<T: DeserializeOwned>(
    server: &Server,
    method: Method,
    route: &str,
    body: Option<&serde_json::Value>,
) -> Outcome<T> {
    call_as(None, server, method, route, body).await
}

/// Does the same as [`call`], with this token.
pub async fn call_as<T: DeserializeOwned>(
    token: Option<&str>,
    server: &Server,
    method: Method,
    route: &str,
    body: Option<&serde_json::Value>,
) -> Outcome<T> {
    let path: Uri = server
        .path(route)
        .parse()
        .map_err(|_| Failure::usage(format!("{route:?} is not a valid path of a URL")))?;
    let mut headers = Vec::new();
    if body.is_some() {
        headers.push((CONTENT_TYPE, HeaderValue::from_static("application/json")));
    }
    if let Some(token) = token {
        let value = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| Failure::usage("the token contains characters that no token has"))?;
        headers.push((AUTHORIZATION, value));
    }
    let bytes = body.map_or_else(Bytes::new, |body| body.to_string().into());
    let answer = match Connection::new(server).send(method.clone(), &path, &headers, bytes).await {
        Ok(answer) => answer,
        Err(NoAnswer::Unknown(why)) if method != Method::GET => {
            return Err(Failure::new(
                crate::exit::UNKNOWN,
                format!("it is unknown whether {server} made the change: {why}"),
            ));
        }
        Err(error) => return Err(Failure::unreachable(format!("{server}: {error}"))),
    };
    if !answer.status.is_success() {
        return Err(match answer.status.as_u16() {
            // The server is busy, and may answer later.
            429 | 503 => Failure::unreachable(answer.problem()),
            504 => Failure::new(crate::exit::UNKNOWN, answer.problem()),
            400..500 => Failure::refused(answer.problem()),
            _ => Failure::failed(answer.problem()),
        });
    }
    serde_json::from_slice(&answer.body)
        .map_err(|error| Failure::failed(format!("{server} does not answer like Pollux: {error}")))
}

/// Returns the route of a poll that was named by its id or join code. What cannot be either is refused,
/// which keeps the path safe.
pub fn poll_route(poll: &str) -> Outcome<String> {
    let poll = poll.trim();
    if poll.is_empty() || !poll.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Err(Failure::usage(format!(
            "{poll:?} is neither a poll's id (a UUID) nor a join code (six digits)"
        )));
    }
    Ok(format!("/api/polls/{poll}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn servers_are_urls() {
        let server: Server = "http://localhost:5000/".parse().unwrap();
        assert_eq!(server.to_string(), "http://localhost:5000");
        assert_eq!(server.socket("poll=1"), "ws://localhost:5000/ws?poll=1");
        let server: Server = "http://[::1]/base/".parse().unwrap();
        assert_eq!(server.path("/healthz"), "/base/healthz");
        assert_eq!(server.authority, "[::1]:80");
        for wrong in ["localhost:5000", "https://a", "", "ftp://a", "/x"] {
            assert!(wrong.parse::<Server>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_ids_and_codes_reach_a_path() {
        assert_eq!(poll_route("482913").unwrap(), "/api/polls/482913");
        for wrong in ["", "../x", "a b", "a?b", "a/b"] {
            assert!(poll_route(wrong).is_err(), "{wrong}");
        }
    }
}
