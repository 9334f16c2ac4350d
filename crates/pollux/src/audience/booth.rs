//! Where ballots are cast: over HTTP, as phones do, or wherever a command brings them.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Method, Uri};

use super::Ballot;
use crate::client::{Answer, Connection, NoAnswer};

/// Takes one ballot at a time.
pub trait Booth: Send + 'static {
    /// Try once to cast it.
    fn cast(&mut self, ballot: &Ballot) -> impl Future<Output = Attempt> + Send;
}

/// What came of one attempt.
pub enum Attempt {
    /// The ballot is durable.
    Acknowledged(Answered),
    /// Certainly not recorded; the same again may be, after this while.
    NotNow(String, Option<Duration>),
    /// It may be recorded: the same again tells, after this while.
    Unknown(String, Option<Duration>),
    /// It will never be recorded like this.
    Refused(String, Answered),
}

/// What the answer was, for the ledger.
#[derive(Debug, Default)]
pub struct Answered {
    /// Its HTTP status, if it came over HTTP.
    pub status: Option<u16>,
    /// Its body: of an acknowledged ballot the receipt, as JSON.
    pub body: Bytes,
}

impl From<Answer> for Answered {
    fn from(answer: Answer) -> Self {
        Self { status: Some(answer.status.as_u16()), body: answer.body }
    }
}

/// A keep-alive connection to a server.
pub struct HttpBooth {
    connection: Connection,
    route: Uri,
}

impl HttpBooth {
    /// Votes at this route; nothing is connected yet.
    pub fn new(connection: Connection, route: Uri) -> Self {
        Self { connection, route }
    }
}

impl Booth for HttpBooth {
    async fn cast(&mut self, ballot: &Ballot) -> Attempt {
        const JSON: (HeaderName, HeaderValue) =
            (CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let body = ballot.body.clone();
        let answer = match self.connection.send(Method::POST, &self.route, &[JSON], body).await {
            Ok(answer) => answer,
            Err(error @ NoAnswer::NotSent(_)) => return Attempt::NotNow(error.to_string(), None),
            Err(error @ NoAnswer::Unknown(_)) => return Attempt::Unknown(error.to_string(), None),
        };
        let after = answer.retry_after;
        match answer.status.as_u16() {
            200..300 => Attempt::Acknowledged(answer.into()),
            429 | 503 => Attempt::NotNow(answer.problem(), after),
            500..600 => Attempt::Unknown(answer.problem(), after),
            _ => Attempt::Refused(answer.problem(), answer.into()),
        }
    }
}
