//! What voters write, as the documents show it, and why a ballot did not read.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::http::fields::{Fields, string, whole};
use crate::api::http::json::{self, name};
use crate::api::problem::Problem;

/// A ballot as it is written; only for the documentation (see [`super::ballot::Cast`]).
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Vote, description = "Exactly one of `option`, `optionId`, `options`, `optionIds` and `answer`; a rating takes `answer`.")]
pub struct VoteBody {
    /// The text of the option.
    pub option: Option<String>,
    /// The id of the option.
    #[schema(minimum = 1, maximum = 100)]
    pub option_id: Option<u8>,
    /// The texts of the options.
    pub options: Option<Vec<String>>,
    /// The ids of the options.
    pub option_ids: Option<Vec<u8>>,
    /// As the poll's kind has it. Of a choice: the ids of the options. Of a rating: for each
    /// statement a step of the scale, or null to skip it.
    pub answer: Option<Vec<Option<u8>>>,
    /// A UUIDv7 of the client's; with it a lost answer can be asked for again by sending the
    /// same ballot.
    #[schema(format = "uuid")]
    pub ballot_id: Option<String>,
    /// Who votes, where the poll takes names; at most 128 bytes.
    #[schema(max_length = 128)]
    pub voter_id: Option<String>,
    /// The poll's round that it was wished of: should another have begun by now, it is too late (409).
    #[schema(minimum = 1)]
    pub round: Option<u32>,
    /// For clients that keep no cookies: the `voter` of an earlier receipt, to be the same voter.
    pub voter: Option<String>,
}

/// Why a ballot did not read: the same reading once more, member by member, off the hot path.
#[cold]
pub fn diagnose_vote(body: &[u8], error: &serde_json::Error) -> Problem {
    let members = match json::object(body) {
        Ok(members) => members,
        Err(problem) => return problem,
    };
    let mut fields = Fields { members, broken: Vec::new() };
    let array = |value: Value, one: fn(Value) -> Result<(), String>| match value {
        Value::Array(items) => items
            .into_iter()
            .enumerate()
            .try_for_each(|(i, item)| one(item).map_err(|detail| format!("item {i} {detail}"))),
        other => Err(format!("must be an array; it is {}", name(&other))),
    };
    for field in ["option", "ballotId", "voterId", "voter"] {
        fields.take(field, |given| given.map_or(Ok(()), |v| string(v).map(drop)));
    }
    for field in ["optionId", "round"] {
        fields.take(field, |given| given.map_or(Ok(()), |v| whole(v).map(drop)));
    }
    fields
        .take("options", |given| given.map_or(Ok(()), |v| array(v, |item| string(item).map(drop))));
    fields.take("optionIds", |given| {
        given.map_or(Ok(()), |v| array(v, |item| whole(item).map(drop)))
    });
    fields.members.remove("answer");
    match fields
        .finish("option, optionId, options, optionIds, answer, ballotId, voterId, voter, round")
    {
        Err(problem) => problem,
        Ok(()) => json::not_json(error),
    }
}
