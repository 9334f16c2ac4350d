//! What organisers and voters write, field by field: every wrong place is named at once.

use jiff::Timestamp;
use pollux_core::id::UnixMillis;
use pollux_core::poll::{Draft, Kind, Results, Revote, Violation};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::json::{self, name, pointer};
use super::problem::Problem;

const FIELDS: &str =
    "question, options, kind, maxChoices, revote, results, voterIds, listed, closesAt, embed";

/// A new poll as it is written; only for the documentation, the reading is done by hand.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewPoll)]
pub struct NewPoll {
    /// 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub question: String,
    /// 2 to 100 texts of 1 to 200 characters, distinct after trimming.
    #[schema(min_items = 2, max_items = 100)]
    pub options: Vec<String>,
    /// single or multiple; single unless `maxChoices` is above 1.
    #[schema(nullable = false)]
    pub kind: Option<String>,
    /// Most options a ballot may mark; by default 1, or all of a multiple choice.
    #[schema(minimum = 1, maximum = 100)]
    pub max_choices: Option<u8>,
    /// replace (default) or refuse.
    pub revote: Option<String>,
    /// live (default), afterVote or hidden.
    pub results: Option<String>,
    /// Whether a `voterId` is taken; default true.
    pub voter_ids: Option<bool>,
    /// Whether lists and the leaderboard show it; default true.
    pub listed: Option<bool>,
    /// RFC 3339; when it closes by itself.
    #[schema(format = "date-time")]
    pub closes_at: Option<String>,
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
    /// 2 to 100 texts of 1 to 200 characters, distinct after trimming.
    #[schema(min_items = 2, max_items = 100, nullable = false)]
    pub options: Option<Vec<String>>,
    /// single or multiple.
    pub kind: Option<String>,
    /// Most options a ballot may mark.
    #[schema(minimum = 1, maximum = 100)]
    pub max_choices: Option<u8>,
    /// replace or refuse.
    pub revote: Option<String>,
    /// live, afterVote or hidden.
    pub results: Option<String>,
    /// Whether a `voterId` is taken.
    pub voter_ids: Option<bool>,
    /// Whether lists and the leaderboard show it.
    pub listed: Option<bool>,
    /// RFC 3339; null: never.
    #[schema(format = "date-time")]
    pub closes_at: Option<String>,
    /// Origins that may frame its overlay; alone it can be changed at any time.
    #[schema(max_items = 20)]
    pub embed: Option<Vec<String>>,
}

/// A ballot as it is written; only for the documentation (see [`super::vote::Cast`]).
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Vote, description = "Exactly one of `option`, `optionId`, `options` and `optionIds`.")]
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
    /// A UUIDv7 of the client's; with it a lost answer can be asked for again by sending the
    /// same ballot.
    #[schema(format = "uuid")]
    pub ballot_id: Option<String>,
    /// Who votes, where the poll takes names; at most 128 bytes.
    #[schema(max_length = 128)]
    pub voter_id: Option<String>,
}

/// Read a new poll, and whether it opens at once.
pub fn create(body: &[u8], opens: bool) -> Result<(Draft, bool), Problem> {
    let mut fields = Fields::of(body)?;
    for required in ["question", "options"] {
        if !fields.members.contains_key(required) {
            fields.wrong(required, "is required");
        }
    }
    let mut draft = Draft::new("", Vec::<String>::new());
    fields.write(&mut draft);
    let mut open = opens;
    fields.take("open", |given| {
        open = given.map_or(Ok(opens), boolean)?;
        Ok(())
    });
    fields.finish(&format!("{FIELDS}, open"))?;
    Ok((draft, open))
}

/// Apply a merge patch to what a draft says now.
pub fn patch(body: &[u8], mut draft: Draft) -> Result<Draft, Problem> {
    let mut fields = Fields::of(body)?;
    // A new kind does not keep the old one's number of choices, nor the other way about.
    let has = |name| fields.members.contains_key(name);
    match (has("kind"), has("maxChoices")) {
        (true, false) => draft.max_choices = None,
        (false, true) => draft.kind = None,
        _ => {}
    }
    fields.write(&mut draft);
    fields.finish(FIELDS)?;
    Ok(draft)
}

/// Whether a patch says nothing but who may frame the poll.
pub fn only_embed(body: &[u8]) -> bool {
    json::object(body).is_ok_and(|members| members.len() == 1 && members.contains_key("embed"))
}

/// The members of a body, taken one by one.
pub(super) struct Fields {
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
        self.options(&mut draft.options);
        self.take("kind", |given| {
            draft.kind = given
                .map(|v| word(v, &[("single", Kind::Single), ("multiple", Kind::Multiple)]))
                .transpose()?;
            Ok(())
        });
        self.take("maxChoices", |given| {
            draft.max_choices = given.map(whole).transpose()?;
            Ok(())
        });
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
        if let Some(embed) = self.strings("embed") {
            draft.embed = embed;
        }
    }

    fn options(&mut self, options: &mut Vec<String>) {
        if let Some(Value::Null) = self.members.get("options") {
            self.members.remove("options");
            return self.wrong("options", "must be an array of strings; it is null");
        }
        if let Some(texts) = self.strings("options") {
            *options = texts;
        }
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

pub(super) fn string(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(format!("must be a string; it is {}", name(&other))),
    }
}

fn boolean(value: Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| format!("must be true or false; it is {}", name(&value)))
}

fn whole(value: Value) -> Result<u64, String> {
    value.as_u64().ok_or_else(|| match value {
        Value::Number(number) => format!("must be a whole number from 1 on; it is {number}"),
        other => format!("must be a whole number; it is {}", name(&other)),
    })
}

pub(super) fn word<T: Copy>(value: Value, words: &[(&str, T)]) -> Result<T, String> {
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
    for field in ["option", "ballotId", "voterId"] {
        fields.take(field, |given| given.map_or(Ok(()), |v| string(v).map(drop)));
    }
    fields.take("optionId", |given| given.map_or(Ok(()), |v| whole(v).map(drop)));
    fields
        .take("options", |given| given.map_or(Ok(()), |v| array(v, |item| string(item).map(drop))));
    fields.take("optionIds", |given| {
        given.map_or(Ok(()), |v| array(v, |item| whole(item).map(drop)))
    });
    match fields.finish("option, optionId, options, optionIds, ballotId, voterId") {
        Err(problem) => problem,
        Ok(()) => json::not_json(error),
    }
}
