//! What an owner decides about words: which are shown, which are hidden, and which are erased for good.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;
use pollux_core::kind::Kind;
use pollux_core::kind::words::Verdict;
use pollux_core::poll::Poll;
use pollux_core::rule::Violation;
use pollux_core::seal::Name;
use pollux_core::standing::Standing;
use utoipa::ToSchema;

use super::words;
use crate::api::App;
use crate::api::access::asker::Asker;
use crate::api::change::poll::change_upon;
use crate::api::change::{Bearer, Course, refused, until};
use crate::api::http::fields::{Fields, boolean};
use crate::api::http::path::Params;
use crate::api::http::{answer, body};
use crate::api::problem::{Problem, Trouble};
use crate::watch::view::{self, Audience, PollView};

/// The most ids in one request.
const MOST_IDS: usize = 500;
/// The most bytes of a request's body, unless all bodies may have more: as many ids fit with room to spare.
const MOST_BYTES: usize = 24 * 1024;
/// The members that hold ids.
const LISTS: [&str; 4] = ["show", "hide", "erase", "clear"];

/// A `WordsVerdict` is what an owner decides about words. It has at least one of its members, with at most 500 ids in
/// all, none of them in two lists.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", min_properties = 1)]
#[expect(dead_code, reason = "it is only for the documents")]
pub struct WordsVerdict {
    /// Whether a new word is shown only once you have approved it. False shows every word that waits.
    #[schema(nullable = false)]
    approve: Option<bool>,
    /// The ids of the words to show.
    #[schema(nullable = false, max_items = 500)]
    show: Option<Vec<WordId>>,
    /// The ids of the words to hide.
    #[schema(nullable = false, max_items = 500)]
    hide: Option<Vec<WordId>>,
    /// The ids of the words to erase. Nobody can read them from then on, and nobody can say them in this poll again.
    #[schema(nullable = false, max_items = 500)]
    erase: Option<Vec<WordId>>,
    /// The ids of the words about which nothing shall be decided any more: each waits again if words wait for approval,
    /// and is shown otherwise. A word that was erased stays erased.
    #[schema(nullable = false, max_items = 500)]
    clear: Option<Vec<WordId>>,
}

/// A `WordId` is the id of a word, as `listWords` tells it.
#[derive(ToSchema)]
#[schema(pattern = "^[0-9a-f]{32}$", example = "5f1c0ad3a76a4f0f9d4b1be1a0c3d2e4")]
#[expect(dead_code, reason = "it is only for the documents")]
pub struct WordId(String);

/// Decide which words of a poll are shown. Words can also be erased for good.
#[utoipa::path(
    post, path = "/api/polls/{id}/moderate", tag = "owner", operation_id = "moderateWords",
    params(("id" = String, Path, description = "The poll's id or join code")),
    request_body(content = WordsVerdict, example = json!({"approve": true})),
    responses((status = 200, body = PollView, description = "The poll as you see it. A word that is not shown leaves what everybody sees with the poll's next version; its votes stay counted")),
    security(("owner" = [])),
    extensions(("x-troubles" = json!([
        Trouble::ChangedMeanwhile, Trouble::ChangeUnknown, Trouble::WrongStatus,
    ]))),
)]
pub async fn moderate(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    asker: Asker,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let bearer = Bearer::of(asker)?;
    let (head, body) = request.into_parts();
    let limit = app.config.api.body.max(MOST_BYTES);
    let verdict = read(&body::json_up_to(&app, &head.headers, body, limit).await?)?;
    let moderate = move |poll: &mut Poll, standing: &Standing| {
        if let Kind::Words(_) = &poll.kind {
            check(&verdict, &words::known(standing))?;
        }
        poll.moderate(&verdict).map(Course::from).map_err(refused)
    };
    let changed = change_upon(&app, id, bearer, until(&app), moderate).await?;
    // What this node has heard is at least as new as what was changed.
    let standing = app.hub.standing(changed.poll.id).unwrap_or(changed);
    Ok(answer::ok(&view::poll(&standing, Audience::Owner)))
}

/// Reads the body, and checks what can be checked without the poll.
fn read(body: &[u8]) -> Result<Verdict, Problem> {
    let mut fields = Fields::of(body)?;
    if fields.members.is_empty() {
        let detail = format!("must have at least one of approve, {}", LISTS.join(", "));
        return Err(Problem::rule("", detail));
    }
    let mut approve = None;
    fields.take("approve", |given| {
        approve =
            given.map_or(Err("must be true or false; it is null".into()), boolean).map(Some)?;
        Ok(())
    });
    let mut seen: BTreeSet<Name> = BTreeSet::new();
    let mut count = 0;
    let [show, hide, erase, clear] = LISTS.map(|list| {
        let ids = ids(&mut fields, list);
        count += ids.len();
        for (i, id) in ids.iter().enumerate() {
            if seen.contains(id) {
                fields.wrong_at(format!("/{list}/{i}"), "is in another list, too");
            }
        }
        seen.extend(&ids);
        ids
    });
    if count > MOST_IDS {
        fields.wrong_at(String::new(), &format!("may have at most {MOST_IDS} ids; it has {count}"));
    }
    fields.finish(&format!("approve, {}", LISTS.join(", ")))?;
    Ok(Verdict { approve, show, hide, erase, clear })
}

fn ids(fields: &mut Fields, list: &str) -> Vec<Name> {
    let texts = fields.texts(list).unwrap_or_default();
    let mut ids = Vec::with_capacity(texts.len());
    for (i, text) in texts.iter().enumerate() {
        match text.parse() {
            Ok(id) => ids.push(id),
            Err(_) => fields.wrong_at(
                format!("/{list}/{i}"),
                "must be the id of a word: 32 lower-case hexadecimal digits",
            ),
        }
    }
    ids
}

/// Checks that the poll has every word that the owner decides about.
fn check(verdict: &Verdict, known: &BTreeSet<Name>) -> Result<(), Problem> {
    let given = [&verdict.show, &verdict.hide, &verdict.erase, &verdict.clear];
    let lists = LISTS.into_iter().zip(given);
    let ids = lists.flat_map(|(list, ids)| ids.iter().enumerate().map(move |it| (list, it)));
    let unknown = ids.filter(|(_, (_, id))| !known.contains(id)).map(|(list, (i, _))| {
        Violation::new(format!("/{list}/{i}"), "is the id of no word that came in this poll")
    });
    let broken: Vec<_> = unknown.collect();
    if broken.is_empty() { Ok(()) } else { Err(Problem::rules(broken)) }
}
