//! The shape of what voters write, as the documents show it, and the diagnosis of ballots that cannot be
//! read.

use std::borrow::Cow;

use pollux_core::kind::Written;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::api::http::fields::{Fields, string, whole};
use crate::api::http::json;
use crate::api::http::schema::joined;
use crate::api::kind;
use crate::api::problem::Problem;

/// `VoteBody` is the shape of a ballot in a request's body; [`super::ballot`] reads it.
pub struct VoteBody;

/// `Beside` holds the members that stand beside the answer, whatever the kind of the poll.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "it is only for the documents")]
struct Beside {
    /// A UUIDv7 that the client creates. With it a lost answer can be asked for again by sending the same
    /// ballot.
    #[schema(format = "uuid")]
    ballot_id: Option<String>,
    /// The voter's name, where the poll allows names; at most 128 bytes. Names that look the same are one
    /// voter's.
    #[schema(max_length = 128)]
    voter_id: Option<String>,
    /// The round of the poll that the ballot is meant for. If another round has begun by now, the ballot is
    /// too late (409).
    #[schema(minimum = 1)]
    round: Option<u32>,
    /// The `voter` of an earlier receipt, with which clients that keep no cookies remain the same voter.
    voter: Option<String>,
}

/// Returns the rule of how many members an answer is written in.
pub fn how_answered() -> String {
    let members: Vec<String> = Written::members().map(|name| format!("`{name}`")).collect();
    let (last, first) = members.split_last().expect("an answer has members");
    format!("exactly one of {} and {last}", first.join(", "))
}

impl PartialSchema for VoteBody {
    fn schema() -> RefOr<Schema> {
        let how = how_answered();
        let description = format!(
            "E{}. A poll of any kind takes `answer`; the others are for a choice.",
            &how[1..]
        );
        joined(&description, kind::answers().into_iter().chain([Beside::schema()]))
    }
}

impl ToSchema for VoteBody {
    fn name() -> Cow<'static, str> {
        "Vote".into()
    }
}

/// Returns why a ballot could not be read. It reads the ballot once more, member by member, off the hot path.
#[cold]
pub fn diagnose_vote(body: &[u8], error: &serde_json::Error) -> Problem {
    let members = match json::object(body) {
        Ok(members) => members,
        Err(problem) => return problem,
    };
    let mut fields = Fields { members, broken: Vec::new() };
    kind::diagnose(&mut fields);
    for field in ["ballotId", "voterId", "voter"] {
        fields.take(field, |given| given.map_or(Ok(()), |v| string(v).map(drop)));
    }
    fields.take("round", |given| given.map_or(Ok(()), |v| whole(v).map(drop)));
    let answers: Vec<&str> = Written::members().collect();
    match fields.finish(&format!("{}, ballotId, voterId, voter, round", answers.join(", "))) {
        Err(problem) => problem,
        Ok(()) => json::not_json(error),
    }
}
