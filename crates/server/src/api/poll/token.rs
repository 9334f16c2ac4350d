//! The reissue of a poll's owner's token.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use pollux_core::poll::ChangeRefused;
use pollux_core::rule::Violation;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::create::owner_url;
use crate::api::App;
use crate::api::access::asker::Asker;
use crate::api::access::keys::Keys;
use crate::api::change::{self, Bearer, until};
use crate::api::http::answer;
use crate::api::http::path::Params;
use crate::api::problem::{Problem, Trouble};

/// A `NewToken` is the new owner's token of a poll, for an owner who lost theirs.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewToken {
    /// The id of the poll.
    pub poll_id: String,
    /// The owner's token: from now on the only valid one.
    pub owner_token: String,
    /// The owner's page, with the token in the URL's fragment.
    pub owner_url: String,
}

/// Reissue the owner's token of a poll.
#[utoipa::path(
    post, path = "/api/polls/{id}/token", tag = "owner", operation_id = "reissueToken",
    params(("id" = String, Path, description = "The poll's id or join code")),
    responses((status = 200, body = NewToken, description = "The new token; the old one is no longer valid")),
    security(("operator" = [])),
    extensions(("x-troubles" = json!([
        Trouble::ChangedMeanwhile, Trouble::ChangeUnknown, Trouble::RulesBroken,
    ]))),
)]
pub async fn reissue(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    asker: Asker,
) -> Result<Response, Problem> {
    asker.require_operator(&app)?;
    let serial = app.ambient.random();
    let bearer = Bearer::of(asker)?;
    let keys = app.clone();
    let standing = change::poll::change(&app, id, bearer, None, until(&app), move |poll| {
        if poll.event.is_some() {
            let detail = "the token is the event's: reissue that one (POST /api/events/{id}/token)";
            return Err(ChangeRefused::Invalid(vec![Violation::new("", detail)]));
        }
        let token = keys.keys.owner_token(poll.id.0, serial);
        Ok(poll.set_owner(Keys::token_hash(&token)))
    })
    .await?;
    let token = app.keys.owner_token(standing.poll.id.0, serial);
    let body = NewToken {
        poll_id: standing.poll.id.to_string(),
        owner_url: owner_url(&app, &standing.poll, &token),
        owner_token: token,
    };
    Ok(answer::ok(&body))
}
