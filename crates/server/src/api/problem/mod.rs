//! The problems that clients are answered with: the problem documents (RFC 9457), made of the one error table
//! ([`trouble`]), and the security events that go on record ([`security`]).

pub mod security;
pub mod trouble;

use axum::response::{IntoResponse, Response};
use http::HeaderName;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use pollux_core::id::BallotId;
use pollux_core::rule::Violation;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::security::SecurityEvent;

pub use trouble::{TABLE, Trouble};

/// The most broken rules that one problem names.
const MOST_ERRORS: usize = 50;

/// A problem is a trouble that happened, as the client is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem(Box<Happened>);

/// `Happened` holds the trouble and the case at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Happened {
    trouble: Trouble,
    detail: String,
    errors: Vec<Violation>,
    ballot: Option<String>,
    retry_after: Option<u64>,
    headers: Vec<(HeaderName, HeaderValue)>,
    event: Option<SecurityEvent>,
}

impl Problem {
    /// Creates a problem of this trouble, with a sentence about the case at hand.
    pub fn new(trouble: Trouble, detail: impl Into<String>) -> Self {
        Self(Box::new(Happened {
            trouble,
            detail: detail.into(),
            errors: Vec::new(),
            ballot: None,
            retry_after: trouble.row().retry_after,
            headers: Vec::new(),
            event: SecurityEvent::of_trouble(trouble),
        }))
    }

    /// Creates the problem of broken rules, each with its place in the body.
    pub fn rules(mut errors: Vec<Violation>) -> Self {
        let detail = match &errors[..] {
            [one] if one.pointer.is_empty() => one.detail.clone(),
            [one] => format!("{}: {}", one.pointer, one.detail),
            many => format!("{} things are wrong; see errors", many.len()),
        };
        errors.truncate(MOST_ERRORS);
        let mut problem = Self::new(Trouble::RulesBroken, detail);
        problem.0.errors = errors;
        problem
    }

    /// Creates the problem of one broken rule.
    pub fn rule(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::rules(vec![Violation::new(pointer, detail)])
    }

    /// Creates the problem for a poll that does not exist, or that the asker may not see.
    pub fn no_such_poll() -> Self {
        Self::new(Trouble::NoSuchPoll, "no poll has this id or join code")
    }

    /// Returns the ballot that the problem is about.
    pub fn ballot(&self) -> Option<BallotId> {
        self.0.ballot.as_deref()?.parse().ok()
    }

    /// Names the ballot that the problem is about, so that the client can send the same one again.
    pub fn with_ballot(mut self, ballot: impl ToString) -> Self {
        self.0.ballot = Some(ballot.to_string());
        self
    }

    /// Sets the seconds after which the client should try again.
    pub fn with_retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// Adds a header to the answer.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Sets the security event that goes on record, of which the client is not told.
    pub fn noted_as(mut self, event: impl Into<Option<SecurityEvent>>) -> Self {
        self.0.event = event.into();
        self
    }

    /// Returns the security event that the problem is, if it is one.
    pub fn event(&self) -> Option<SecurityEvent> {
        self.0.event
    }

    /// Returns the kind of trouble.
    pub fn trouble(&self) -> Trouble {
        self.0.trouble
    }

    /// Returns the problem document.
    pub fn document(&self) -> ProblemDocument {
        let row = self.0.trouble.row();
        ProblemDocument {
            r#type: format!("/docs/errors/{}", row.slug),
            title: row.title.into(),
            status: row.status.as_u16(),
            detail: self.0.detail.clone(),
            errors: self
                .0
                .errors
                .iter()
                .map(|v| FieldError { pointer: v.pointer.clone(), detail: v.detail.clone() })
                .collect(),
            ballot_id: self.0.ballot.clone(),
        }
    }

    /// Returns the problem document as bytes.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(&self.document()).expect("a problem is plain data")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let row = self.0.trouble.row();
        let mut response = Response::new(self.to_json().into());
        *response.status_mut() = row.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(http::header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.0.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.0.trouble == Trouble::NoToken {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"pollux\""));
        }
        for (name, value) in self.0.headers {
            headers.append(name, value);
        }
        if let Some(event) = self.0.event {
            // The front takes the event out again, because only the front knows the request's route.
            response.extensions_mut().insert(event);
        }
        response
    }
}

/// A `Problem` says what went wrong, as a problem document (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// The kind of problem: a path on this server, where the kind is explained.
    #[schema(example = "/docs/errors/poll-not-open")]
    pub r#type: String,
    /// The kind of problem in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened in the case at hand.
    pub detail: String,
    /// The broken rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// The id of the ballot to send again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ballot_id: Option<String>,
}

/// A `FieldError` is a broken rule and its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// A JSON pointer into the request's body (RFC 6901).
    #[schema(example = "/embed/2")]
    pub pointer: String,
    /// What is wrong there.
    pub detail: String,
}
