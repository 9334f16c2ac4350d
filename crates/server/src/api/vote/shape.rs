//! The shape of what voters write, as the documents show it, and the diagnosis of ballots that cannot be
//! read.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::http::fields::{Fields, string, whole};
use crate::api::http::json::{self, name};
use crate::api::problem::Problem;

/// A ballot; see [`super::ballot::Cast`] for the type that is read.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Vote, description = "Exactly one of `option`, `optionId`, `options`, `optionIds` and `answer`; a rating takes `answer`.")]
pub struct VoteBody {
    /// The text of the option, or one that looks the same.
    pub option: Option<String>,
    /// The id of the option.
    #[schema(minimum = 1, maximum = 100)]
    pub option_id: Option<u8>,
    /// The texts of the options, or others that look the same.
    pub options: Option<Vec<String>>,
    /// The ids of the options.
    pub option_ids: Option<Vec<u8>>,
    /// The answer, as the poll's kind defines it: for a choice the ids of the options; for a rating a step of
    /// the scale for each statement, or null to skip it.
    pub answer: Option<Vec<Option<u8>>>,
    /// A UUIDv7 that the client creates. With it a lost answer can be asked for again by sending the same
    /// ballot.
    #[schema(format = "uuid")]
    pub ballot_id: Option<String>,
    /// The voter's name, where the poll allows names; at most 128 bytes. Names that look the same are one
    /// voter's.
    #[schema(max_length = 128)]
    pub voter_id: Option<String>,
    /// The round of the poll that the ballot is meant for. If another round has begun by now, the ballot is
    /// too late (409).
    #[schema(minimum = 1)]
    pub round: Option<u32>,
    /// The `voter` of an earlier receipt, with which clients that keep no cookies remain the same voter.
    pub voter: Option<String>,
}

/// Returns why a ballot could not be read. It reads the ballot once more, member by member, off the hot path.
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
