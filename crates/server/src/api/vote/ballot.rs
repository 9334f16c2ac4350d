//! The ballot as a client sends it, read and checked.

use pollux_core::ballot::NamedBy;
use pollux_core::id::{BallotId, UnixMillis};
use pollux_core::kind::{Answer, Written};
use pollux_core::poll::Poll;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::shape::diagnose_vote;
use crate::api::App;
use crate::api::http::json::{self, Text};
use crate::api::problem::Problem;

/// A ballot as a client writes it, with exactly one of the first five members.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cast<'a> {
    #[serde(borrow)]
    pub(crate) option: Option<Text<'a>>,
    pub(crate) option_id: Option<u64>,
    pub(crate) options: Option<Vec<Text<'a>>>,
    pub(crate) option_ids: Option<Vec<u64>>,
    pub(crate) answer: Option<&'a RawValue>,
    pub(crate) ballot_id: Option<Text<'a>>,
    pub(crate) voter_id: Option<Text<'a>>,
    pub(crate) voter: Option<Text<'a>>,
    pub(crate) round: Option<u64>,
}

impl Cast<'_> {
    /// Returns the ballot's answer, if the poll allows it.
    pub fn checked(&self, poll: &Poll) -> Result<Answer, Problem> {
        let texts = self.options.as_ref();
        let written = Written {
            option: self.option.as_ref().map(|Text(text)| &**text),
            option_id: self.option_id,
            options: texts.map(|texts| texts.iter().map(|Text(text)| &**text).collect()),
            option_ids: self.option_ids.as_deref(),
            answer: self.answer.map(RawValue::get),
        };
        poll.kind.read(&written).map_err(|broken| Problem::rule(broken.pointer, broken.detail))
    }

    /// Returns the client's ballot id, or a new one.
    pub fn ballot_id(&self, app: &App, now: UnixMillis) -> Result<(BallotId, NamedBy), Problem> {
        let Some(Text(text)) = &self.ballot_id else {
            return Ok((BallotId::new(now, app.ambient.random()), NamedBy::Server));
        };
        let id = text.parse().map_err(|error| Problem::rule("/ballotId", format!("is {error}")))?;
        Ok((id, NamedBy::Client))
    }
}

/// Reads a ballot. One that cannot be read is read again, more slowly, to say where it is wrong.
pub fn read(body: &[u8]) -> Result<Cast<'_>, Problem> {
    // serde would also accept the members in an array, in the order in which they are declared.
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(json::no_object(body));
    }
    serde_json::from_slice(body).map_err(|error| diagnose_vote(body, &error))
}
