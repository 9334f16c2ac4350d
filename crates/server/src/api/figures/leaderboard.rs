//! The leaderboard, as a client reads it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;

use crate::api::App;
use crate::api::http::answer::cached;
use crate::api::http::query::Query;
use crate::api::problem::Problem;
use crate::watch::view::leaderboard::LeaderboardView;

/// Read what leads over all open, listed polls.
#[utoipa::path(
    get, path = "/api/leaderboard", tag = "polls", operation_id = "getLeaderboard",
    params(("limit" = Option<u8>, Query, description = "The number of places; 10 if left out", minimum = 1, maximum = 100)),
    responses((status = 200, body = LeaderboardView, description = "Equal votes share a rank (1, 1, 3)")),
)]
pub async fn read(
    State(app): State<Arc<App>>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let limit = Query::of(request.uri())?.number("limit", 10, (1, 100))?;
    let board = app.hub.leaderboard(limit);
    let tag = format!("\"{}-{}-{limit}\"", app.hub.epoch(), board.version);
    Ok(cached(request.headers(), &board, &tag, false))
}
