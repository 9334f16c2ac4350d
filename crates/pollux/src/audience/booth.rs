//! A booth is where ballots are cast: over HTTP as phones do, or by the means of another command.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Method, Uri};

use super::crowd::Ballot;
use crate::client::{Answer, Connection, NoAnswer};

/// `Booth` casts one ballot at a time.
pub trait Booth: Send + 'static {
    /// Tries once to cast the ballot.
    fn cast(&mut self, ballot: &Ballot) -> impl Future<Output = Attempt> + Send;
}

/// `Attempt` says what came of one attempt. A text says what went wrong; a time is how long to wait at least.
pub enum Attempt {
    /// The ballot is durable.
    Acknowledged(Answered),
    /// The ballot is certainly not recorded, and may be recorded if it is sent again.
    NotNow(String, Option<Duration>),
    /// The ballot may be recorded; sending it again tells.
    Unknown(String, Option<Duration>),
    /// The ballot will never be recorded as it is.
    Refused(String, Answered),
}

/// `Answered` keeps the answer to a ballot for the ledger.
#[derive(Debug, Default)]
pub struct Answered {
    /// The HTTP status, if the answer came over HTTP.
    pub status: Option<u16>,
    /// The body, which is the receipt as JSON if the ballot was acknowledged.
    pub body: Bytes,
}

impl From<Answer> for Answered {
    fn from(answer: Answer) -> Self {
        Self { status: Some(answer.status.as_u16()), body: answer.body }
    }
}

/// `HttpBooth` casts ballots over a keep-alive connection to a server.
pub struct HttpBooth {
    connection: Connection,
    route: Uri,
}

impl HttpBooth {
    /// Returns a booth that votes at this route, and connects at the first ballot.
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
