//! The casting of a ballot: the request, and the answer once the record is durable. This is the server's hot
//! path.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, Request, StatusCode, Uri};

use super::ballot::read;
use super::fate::decision;
use super::receipt::{Decided, Receipt, Recorded};
use super::record::record;
use super::shape::VoteBody;
use crate::api::access::client::Client;
use crate::api::access::keys::Keys;
use crate::api::http::body;
use crate::api::http::path::Params;
use crate::api::http::query::{Query, bad};
use crate::api::problem::{Problem, Trouble};
use crate::api::{App, lookup};

/// The header in which a client says how long it waits (RFC 7240).
const PREFER: HeaderName = HeaderName::from_static("prefer");
/// Room for a receipt with everything in it, in bytes.
const RECEIPT: usize = 320;

/// Cast a ballot.
#[utoipa::path(
    post, path = "/api/polls/{id}/vote", tag = "voting", operation_id = "castBallot",
    params(
        ("id" = String, Path, description = "The poll's id or join code"),
        ("wait" = Option<String>, Query, description = "With `counted` the answer waits up to 5 s for the decision", pattern = "^counted$"),
        ("Prefer" = Option<String>, Header, description = "`wait=SECONDS` (RFC 7240): the longest wait for a log that takes no votes at the moment, instead of 20 s",
            example = "wait=5"),
    ),
    request_body(content = VoteBody, example = json!({"option": "Rust"})),
    responses(
        (status = 202, body = Receipt, description = "The ballot is durable. `Location` says where to ask what became of it",
            headers(("Location" = String), ("Set-Cookie" = String))),
        (status = 200, body = Receipt, description = "The ballot is decided (with `wait=counted`, or because its poll was changed while it waited for the log)"),
    ),
    extensions(("x-troubles" = json!([
        Trouble::PollNotOpen, Trouble::NotRecorded, Trouble::OutcomeUnknown,
    ]))),
)]
pub async fn cast(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let client = Client::of(&app, &head.headers, &head.extensions);
    take(&app, &id, client, &head, body).await
}

/// Answers a request that votes in this poll.
pub async fn take<B>(
    app: &App,
    id: &str,
    client: Client,
    head: &Parts,
    body: B,
) -> Result<Response, Problem>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let cookie = app.keys.cookie(&head.headers);
    let wait = wants_decision(&head.uri)?;
    let body = body::json(app, &head.headers, body).await?;
    let outcome = async {
        let poll = lookup::poll(app, id, client.address).await?;
        let cast = read(&body)?;
        record(app, poll, &cast, cookie, patience(app, &head.headers)).await
    }
    .await;
    app.metrics.vote(outcome.as_ref().err().map(Problem::trouble));
    let recorded = outcome?;
    let set_cookie = recorded.signed.map(|signed| Keys::set_cookie(&signed, client.https));
    let decided = match recorded.decided {
        None if wait => Box::pin(decision(app, &recorded)).await,
        decided => decided,
    };
    Ok(answer(&recorded, decided, set_cookie))
}

/// Returns how long the client waits for the log: the deadline of a vote, or what `Prefer: wait=SECONDS` (RFC
/// 7240) says, if that is less.
fn patience(app: &App, headers: &HeaderMap) -> Duration {
    let most = app.config.api.vote_deadline;
    let Some(prefer) = headers.get(PREFER) else { return most };
    let mut wishes = prefer.to_str().unwrap_or_default().split(',');
    let wait = wishes.find_map(|wish| wish.trim().strip_prefix("wait=")?.parse().ok());
    wait.map_or(most, |seconds| Duration::from_secs(seconds).min(most))
}

fn wants_decision(uri: &Uri) -> Result<bool, Problem> {
    if uri.query().is_none() {
        return Ok(false);
    }
    match Query::of(uri)?.one("wait")? {
        None => Ok(false),
        Some("counted") => Ok(true),
        Some(_) => Err(bad("the query parameter wait takes the value counted")),
    }
}

fn answer(recorded: &Recorded, decided: Option<Decided>, cookie: Option<HeaderValue>) -> Response {
    let mut body = Vec::with_capacity(RECEIPT);
    serde_json::to_writer(&mut body, &recorded.receipt(decided)).expect("a receipt is plain data");
    let mut response = Response::new(body.into());
    // The capacity includes the headers that the front adds.
    *response.headers_mut() = HeaderMap::with_capacity(12);
    let status = if decided.is_some() { StatusCode::OK } else { StatusCode::ACCEPTED };
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let location = HeaderValue::from_maybe_shared(Bytes::from(recorded.location()));
    headers.insert(LOCATION, location.expect("ids and numbers"));
    if let Some(cookie) = cookie {
        headers.insert(SET_COOKIE, cookie);
    }
    response
}
