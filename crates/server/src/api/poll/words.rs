//! The words of a poll, page by page, for its owner.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Request;
use pollux_core::kind::Kind;
use pollux_core::kind::words::{self, Words};
use pollux_core::right::Right;
use pollux_core::rule::Violation;
use pollux_core::seal::Name;
use pollux_core::standing::{Mention, Shown, Standing};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::App;
use crate::api::access::asker::Asker;
use crate::api::http::answer;
use crate::api::http::path::Params;
use crate::api::http::query::{Query, bad};
use crate::api::lookup::owned;
use crate::api::problem::{Problem, Trouble};

/// The number of words in an answer: without a `limit`, and at most.
const PAGE: (usize, usize) = (100, 500);

/// A `WordList` is a page of a poll's words, newest first.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WordList {
    /// The words with at least one vote in this round.
    #[schema(max_items = 500)]
    pub words: Vec<OwnersWord>,
    /// How many words wait for approval, over all pages.
    pub waiting: u64,
    /// How many words are shown, over all pages.
    pub shown: u64,
    /// How many words are hidden, over all pages.
    pub hidden: u64,
    /// How many words were erased, over all pages.
    pub erased: u64,
    /// The `cursor` of the next page; null on the last page.
    #[schema(required)]
    pub next_cursor: Option<String>,
    /// The owner's version of the poll that this list is of.
    pub version: u64,
}

/// An `OwnersWord` is a word as the poll's owner is told of it, whether it is shown or not.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnersWord {
    /// The id, by which the owner shows, hides or erases the word: 32 hexadecimal digits.
    #[schema(pattern = "^[0-9a-f]{32}$")]
    pub id: String,
    /// The word, as it was first written; null if it was erased.
    #[schema(required)]
    pub text: Option<String>,
    /// The number of people counted who said it.
    pub votes: u64,
    /// The state, which says whether the public is shown the word.
    pub state: WordState,
}

/// The `WordState` says whether the public is shown a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum WordState {
    /// The word is shown to everybody who sees the numbers.
    Shown,
    /// The word waits for the owner's approval.
    Waiting,
    /// The owner has hidden the word.
    Hidden,
    /// The owner has erased the word: nobody can read it any more.
    Erased,
}

impl From<words::State> for WordState {
    fn from(state: words::State) -> Self {
        match state {
            words::State::Shown => Self::Shown,
            words::State::Waiting => Self::Waiting,
            words::State::Hidden => Self::Hidden,
            words::State::Erased => Self::Erased,
        }
    }
}

/// List the words of a poll, newest first, with those that are not shown.
#[utoipa::path(
    get, path = "/api/polls/{id}/words", tag = "owner", operation_id = "listWords",
    params(
        ("id" = String, Path, description = "The poll's id or join code"),
        ("state" = Option<String>, Query, description = "`waiting`, `shown` or `hidden`; all words if left out", pattern = "^(waiting|shown|hidden)$"),
        ("limit" = Option<u16>, Query, description = "The number of words on a page; 100 if left out", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "The `nextCursor` of the previous page", pattern = "^[A-Za-z0-9_-]{24}$"),
    ),
    responses((status = 200, body = WordList, description = "The words with at least one vote")),
    security(("owner" = [])),
    extensions(("x-troubles" = json!([Trouble::RulesBroken]))),
)]
pub async fn list(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    asker: Asker,
    request: Request<Body>,
) -> Result<Response, Problem> {
    asker.require_token()?;
    let query = Query::of(request.uri())?;
    let state = match query.one("state")? {
        None => None,
        Some("waiting") => Some(WordState::Waiting),
        Some("shown") => Some(WordState::Shown),
        Some("hidden") => Some(WordState::Hidden),
        Some(_) => return Err(bad("the query parameter state must be waiting, shown or hidden")),
    };
    let limit = query.number("limit", PAGE.0, (1, PAGE.1))?;
    let after = query.one("cursor")?.map(Place::read).transpose()?;
    let stored = owned::poll(&app, &id, &asker, Right::Owner).await?;
    // What this node has heard is at least as new as what it read.
    let standing = app.hub.standing(stored.poll.id).unwrap_or(stored);
    of(&standing.poll.kind)?;
    Ok(answer::ok(&page(&standing, state, after, limit)))
}

/// Returns what the poll asks, if it asks for words.
fn of(kind: &Kind) -> Result<&Words, Problem> {
    match kind {
        Kind::Words(words) => Ok(words),
        other => {
            let detail = format!("a poll of the kind {} has no words", other.word());
            Err(Problem::rules(vec![Violation::new("", detail)]))
        }
    }
}

fn page(
    standing: &Standing,
    state: Option<WordState>,
    after: Option<Place>,
    limit: usize,
) -> WordList {
    let mut all = standing.cloud().words;
    all.sort_by_key(Place::of);
    let count = |state| all.iter().filter(|word| word.state == state).count() as u64;
    let wanted = |word: &&Mention| state.is_none_or(|state| state == word.state.into());
    let rest = all.iter().filter(wanted).filter(|word| after < Some(Place::of(word)));
    let mut rest = rest.peekable();
    let page: Vec<_> = rest.by_ref().take(limit).collect();
    let more = rest.peek().is_some();
    WordList {
        waiting: count(words::State::Waiting),
        shown: count(words::State::Shown),
        hidden: count(words::State::Hidden),
        erased: count(words::State::Erased),
        next_cursor: page.last().filter(|_| more).map(|last| Place::of(last).write()),
        words: page.into_iter().map(OwnersWord::of).collect(),
        version: standing.version(Shown::Numbers),
    }
}

impl OwnersWord {
    fn of(word: &Mention) -> Self {
        let text = word.text.as_ref().filter(|_| word.state != words::State::Erased);
        Self {
            id: word.name.to_string(),
            text: text.map(|text| text.to_string()),
            votes: word.votes,
            state: word.state.into(),
        }
    }
}

/// Returns the names that a poll's owner can decide about: those that came in this round, and those that were decided
/// about before.
pub fn known(standing: &Standing) -> BTreeSet<Name> {
    let current = standing.tallies().filter(|at| at.tally.round >= standing.poll.round);
    let came = current.flat_map(|at| at.tally.names.words()).map(|word| word.name);
    let mut known: BTreeSet<_> = came.collect();
    if let Kind::Words(words) = &standing.poll.kind {
        let decided = &words.moderation;
        known.extend(decided.shown.iter().chain(&decided.hidden).chain(&decided.erased));
    }
    known
}

/// A place is where a word stands in the list: words of a greater slot came later, and stand first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place(std::cmp::Reverse<u16>, Name);

impl Place {
    fn of(word: &Mention) -> Self {
        Self(std::cmp::Reverse(u16::try_from(word.slot).unwrap_or(u16::MAX)), word.name)
    }

    fn write(self) -> String {
        let Self(std::cmp::Reverse(slot), Name(name)) = self;
        URL_SAFE_NO_PAD.encode([&slot.to_be_bytes()[..], &name].concat())
    }

    fn read(text: &str) -> Result<Self, Problem> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let bytes: Option<[u8; 18]> = bytes.and_then(|bytes| bytes.try_into().ok());
        let [high, low, name @ ..] = bytes.ok_or_else(|| {
            bad("the query parameter cursor is not one that this server gave out")
        })?;
        Ok(Self(std::cmp::Reverse(u16::from_be_bytes([high, low])), Name(name)))
    }
}
