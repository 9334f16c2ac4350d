//! What organisers and voters write, field by field: every wrong place is named at once.

use jiff::Timestamp;
use pollux_core::id::UnixMillis;
use pollux_core::poll::{Draft, Results, Revote, Turnout, Violation};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::api::http::json::{self, name, pointer};
use crate::api::poll::kind;
use crate::api::problem::Problem;

/// The members that every kind of poll has, beside the question.
const FIELDS: &str = "revote, results, turnout, voterIds, listed, closesAt, closesAfter, embed";

/// A new poll as it is written; only for the documentation, the reading is done by hand.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewPoll)]
pub struct NewPoll {
    /// 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub question: String,
    /// single, multiple or rating; rating where there are statements, else single unless
    /// `maxChoices` is above 1.
    #[schema(nullable = false)]
    pub kind: Option<String>,
    /// Of a choice, and needed there: 2 to 100 texts of 1 to 200 characters, distinct after
    /// trimming.
    #[schema(min_items = 2, max_items = 100, nullable = false)]
    pub options: Option<Vec<String>>,
    /// Of a choice: most options a ballot may mark; by default 1, or all of a multiple choice.
    #[schema(minimum = 1, maximum = 100)]
    pub max_choices: Option<u8>,
    /// Of a rating, and needed there: 1 to 30 texts of 1 to 200 characters, distinct after trimming.
    #[schema(min_items = 1, max_items = 30, nullable = false)]
    pub statements: Option<Vec<String>>,
    /// Of a rating: how many steps the scale has; default 5.
    #[schema(minimum = 2, maximum = 11)]
    pub steps: Option<u8>,
    /// Of a rating: the lowest step; default 0 for a scale of 11 steps, else 1.
    #[schema(minimum = 0, maximum = 1)]
    pub lowest: Option<u8>,
    /// Of a rating: what the lowest step means.
    #[schema(max_length = 40)]
    pub low_label: Option<String>,
    /// Of a rating: what the highest step means.
    #[schema(max_length = 40)]
    pub high_label: Option<String>,
    /// Of a rating: stars or numbers; default stars for a scale from 1 of up to 5 steps.
    pub symbol: Option<String>,
    /// replace (default) or refuse.
    pub revote: Option<String>,
    /// live (default), afterVote or hidden.
    pub results: Option<String>,
    /// shown (default) or hidden: whether everybody sees how many have voted while the numbers are not shown.
    pub turnout: Option<String>,
    /// Whether a `voterId` is taken; default true.
    pub voter_ids: Option<bool>,
    /// Whether lists and the leaderboard show it; default true.
    pub listed: Option<bool>,
    /// RFC 3339; when it closes by itself.
    #[schema(format = "date-time")]
    pub closes_at: Option<String>,
    /// How many seconds after it opens it closes by itself; instead of `closesAt`.
    #[schema(minimum = 1, maximum = 604800)]
    pub closes_after: Option<u32>,
    /// Origins that may frame its overlay, such as `https://example.org`; `*` alone is anybody.
    #[schema(max_items = 20)]
    pub embed: Option<Vec<String>>,
    /// Whether it opens at once; default true. False makes a draft.
    pub open: Option<bool>,
}

/// Changes of a draft (a JSON merge patch): the members of [`NewPoll`] but `open`, all optional.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = PollPatch)]
pub struct PollPatch {
    /// 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500, nullable = false)]
    pub question: Option<String>,
    /// single, multiple or rating. Another kind begins anew: its options or statements are needed.
    pub kind: Option<String>,
    /// Of a choice: 2 to 100 texts of 1 to 200 characters, distinct after trimming.
    #[schema(min_items = 2, max_items = 100, nullable = false)]
    pub options: Option<Vec<String>>,
    /// Of a choice: most options a ballot may mark.
    #[schema(minimum = 1, maximum = 100)]
    pub max_choices: Option<u8>,
    /// Of a rating: 1 to 30 texts of 1 to 200 characters, distinct after trimming.
    #[schema(min_items = 1, max_items = 30, nullable = false)]
    pub statements: Option<Vec<String>>,
    /// Of a rating: how many steps the scale has.
    #[schema(minimum = 2, maximum = 11)]
    pub steps: Option<u8>,
    /// Of a rating: the lowest step.
    #[schema(minimum = 0, maximum = 1)]
    pub lowest: Option<u8>,
    /// Of a rating: what the lowest step means.
    #[schema(max_length = 40)]
    pub low_label: Option<String>,
    /// Of a rating: what the highest step means.
    #[schema(max_length = 40)]
    pub high_label: Option<String>,
    /// Of a rating: stars or numbers.
    pub symbol: Option<String>,
    /// replace or refuse.
    pub revote: Option<String>,
    /// live, afterVote or hidden.
    pub results: Option<String>,
    /// shown or hidden.
    pub turnout: Option<String>,
    /// Whether a `voterId` is taken.
    pub voter_ids: Option<bool>,
    /// Whether lists and the leaderboard show it.
    pub listed: Option<bool>,
    /// RFC 3339; null: never. Takes the place of `closesAfter`.
    #[schema(format = "date-time")]
    pub closes_at: Option<String>,
    /// In seconds from the opening on; null: never. Takes the place of `closesAt`.
    #[schema(minimum = 1, maximum = 604800)]
    pub closes_after: Option<u32>,
    /// Origins that may frame its overlay; alone it can be changed at any time.
    #[schema(max_items = 20)]
    pub embed: Option<Vec<String>>,
}

/// A ballot as it is written; only for the documentation (see [`crate::api::vote::cast::Cast`]).
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

/// Read a new poll, and whether it opens at once.
pub fn create(body: &[u8], opens: bool) -> Result<(Draft, bool), Problem> {
    let mut fields = Fields::of(body)?;
    let mut draft = Draft::new("", Vec::<String>::new());
    let given = fields.given(["question", "options", "statements"]);
    fields.write(&mut draft);
    for required in ["question", kind::members(&draft.kind)[0]] {
        if !given.contains(&required) {
            fields.wrong(required, "is required");
        }
    }
    let mut open = opens;
    fields.take("open", |given| {
        open = given.map_or(Ok(opens), boolean)?;
        Ok(())
    });
    fields.finish(&format!("{}, open", known(&draft)))?;
    Ok((draft, open))
}

/// Apply a merge patch to what a draft says now.
pub fn patch(body: &[u8], mut draft: Draft) -> Result<Draft, Problem> {
    let mut fields = Fields::of(body)?;
    // Of a time and a time from the opening on, the one that is written stands.
    let set = |name| fields.members.get(name).is_some_and(|value| !value.is_null());
    match (set("closesAt"), set("closesAfter")) {
        (true, false) => draft.closes_after = None,
        (false, true) => draft.closes_at = None,
        _ => {}
    }
    fields.write(&mut draft);
    fields.finish(&known(&draft))?;
    Ok(draft)
}

/// The members that a body of this draft may have.
fn known(draft: &Draft) -> String {
    format!("question, {}, {FIELDS}", kind::members(&draft.kind).join(", "))
}

/// Whether a patch says nothing but who may frame the poll.
pub fn only_embed(body: &[u8]) -> bool {
    json::object(body).is_ok_and(|members| members.len() == 1 && members.contains_key("embed"))
}

/// The members of a body, taken one by one.
pub(crate) struct Fields {
    pub members: Map<String, Value>,
    pub broken: Vec<Violation>,
}

impl Fields {
    pub fn of(body: &[u8]) -> Result<Self, Problem> {
        json::object(body).map(|members| Self { members, broken: Vec::new() })
    }

    pub fn wrong(&mut self, field: &str, detail: impl Into<String>) {
        self.broken.push(Violation::new(pointer(field), detail));
    }

    /// Something is wrong further inside a member.
    pub fn wrong_at(&mut self, pointer: String, detail: &str) {
        self.broken.push(Violation::new(pointer, detail));
    }

    /// Read a member if it is there; null is `None`, which means the default.
    pub fn take(&mut self, field: &str, read: impl FnOnce(Option<Value>) -> Result<(), String>) {
        let Some(value) = self.members.remove(field) else { return };
        let value = if value.is_null() { None } else { Some(value) };
        if let Err(detail) = read(value) {
            self.wrong(field, detail);
        }
    }

    /// Every member that is there replaces what the draft has.
    fn write(&mut self, draft: &mut Draft) {
        self.take("question", |given| {
            draft.question = string(given.unwrap_or_default())?;
            Ok(())
        });
        kind::write(self, &mut draft.kind);
        self.take("revote", |given| {
            let words = [("replace", Revote::Replace), ("refuse", Revote::Refuse)];
            draft.revote = given.map_or(Ok(Revote::default()), |v| word(v, &words))?;
            Ok(())
        });
        self.take("results", |given| {
            let words = [
                ("live", Results::Live),
                ("afterVote", Results::AfterVote),
                ("hidden", Results::Hidden),
            ];
            draft.results = given.map_or(Ok(Results::default()), |v| word(v, &words))?;
            Ok(())
        });
        self.take("turnout", |given| {
            let words = [("shown", Turnout::Shown), ("hidden", Turnout::Hidden)];
            draft.turnout = given.map_or(Ok(Turnout::default()), |v| word(v, &words))?;
            Ok(())
        });
        self.take("voterIds", |given| {
            draft.voter_ids = given.map_or(Ok(true), boolean)?;
            Ok(())
        });
        self.take("listed", |given| {
            draft.listed = given.map_or(Ok(true), boolean)?;
            Ok(())
        });
        self.take("closesAt", |given| {
            draft.closes_at = given.map(time).transpose()?;
            Ok(())
        });
        self.take("closesAfter", |given| {
            draft.closes_after = given.map(whole).transpose()?;
            Ok(())
        });
        if let Some(embed) = self.strings("embed") {
            draft.embed = embed;
        }
    }

    /// An array of strings that cannot be null.
    pub fn texts(&mut self, field: &str) -> Option<Vec<String>> {
        if let Some(Value::Null) = self.members.get(field) {
            self.members.remove(field);
            self.wrong(field, "must be an array of strings; it is null");
            return None;
        }
        self.strings(field)
    }

    /// Which of these members there are.
    fn given<const N: usize>(&self, names: [&'static str; N]) -> Vec<&'static str> {
        names.into_iter().filter(|name| self.members.contains_key(*name)).collect()
    }

    /// An array of strings; null is an empty one.
    pub fn strings(&mut self, field: &str) -> Option<Vec<String>> {
        let items = match self.members.remove(field)? {
            Value::Array(items) => items,
            Value::Null => Vec::new(),
            other => {
                self.wrong(field, format!("must be an array of strings; it is {}", name(&other)));
                return None;
            }
        };
        let mut texts = Vec::with_capacity(items.len());
        for (i, item) in items.into_iter().enumerate() {
            texts.push(string(item).unwrap_or_else(|detail| {
                self.broken.push(Violation::new(format!("/{field}/{i}"), detail));
                String::new()
            }));
        }
        Some(texts)
    }

    /// What is left over is unknown.
    pub fn finish(mut self, known: &str) -> Result<(), Problem> {
        for field in std::mem::take(&mut self.members).keys() {
            self.wrong(field, format!("is not a field of this request; there are {known}"));
        }
        if self.broken.is_empty() { Ok(()) } else { Err(Problem::rules(self.broken)) }
    }
}

pub(crate) fn string(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(format!("must be a string; it is {}", name(&other))),
    }
}

fn boolean(value: Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| format!("must be true or false; it is {}", name(&value)))
}

pub(crate) fn whole(value: Value) -> Result<u64, String> {
    value.as_u64().ok_or_else(|| match value {
        Value::Number(number) => format!("must be a whole number from 1 on; it is {number}"),
        other => format!("must be a whole number; it is {}", name(&other)),
    })
}

pub(crate) fn word<T: Copy>(value: Value, words: &[(&str, T)]) -> Result<T, String> {
    let given = value.as_str();
    words.iter().find(|(word, _)| given == Some(word)).map(|(_, meaning)| *meaning).ok_or_else(
        || {
            let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            format!("must be one of {}", words.join(", "))
        },
    )
}

fn time(value: Value) -> Result<UnixMillis, String> {
    let text = string(value)?;
    let at: Timestamp = text.parse().map_err(|_| {
        "must be a time with its offset as in RFC 3339, such as 2026-11-21T15:00:00Z".to_owned()
    })?;
    Ok(UnixMillis(at.as_millisecond().max(0) as u64))
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
