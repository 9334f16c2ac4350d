//! The trend of a poll: how it came to its numbers, for a chart of votes over time.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::App;
use crate::api::access::asker::Asker;
use crate::api::http::answer;
use crate::api::http::path::Params;
use crate::api::lookup::seen::seen;
use crate::api::problem::Problem;
use crate::watch::trend::{Point, Trend};
use crate::watch::view::{rfc3339, sees_numbers};

/// A `Trend` shows a poll's numbers over time, in its present round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Trend)]
pub struct TrendView {
    /// The time that one point stands for, in milliseconds; it doubles as the poll grows older.
    pub step_ms: u64,
    /// The points, oldest first, at most 240, and fewer of a poll that counts more than 100 things: all points
    /// together have at most 24,000 `votes`. A step in which nothing changed has none. A node keeps them since it
    /// first saw the poll; the list is empty if it has none. Null while the numbers are hidden from you.
    #[schema(required, max_items = 240)]
    pub points: Option<Vec<TrendPoint>>,
}

/// A `TrendPoint` shows what was counted at the end of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrendPoint {
    /// The time of the last change in that step. RFC 3339, UTC.
    #[schema(format = "date-time")]
    pub at: String,
    /// The number of people counted by then.
    pub voters: u64,
    /// The marks counted by then: for a choice one number for each option in the organiser's order; for a
    /// rating one for each step of the first statement, then of the second, and so on; for a ranking likewise one
    /// for each place of each option; for points the first option's points and the number of people who gave it any,
    /// then the same of the second, and so on; for a number one for each value, from the least on.
    pub votes: Vec<u64>,
}

impl From<Point> for TrendPoint {
    fn from(Point { at, voters, votes }: Point) -> Self {
        Self { at: rfc3339(at), voters, votes }
    }
}

/// Read a poll's numbers over time.
#[utoipa::path(
    get, path = "/api/polls/{id}/trend", tag = "polls", operation_id = "getTrend",
    params(("id" = String, Path, description = "The poll's id or join code")),
    responses((status = 200, body = TrendView, description = "The numbers counted up to each point")),
    security((), ("owner" = [])),
)]
pub async fn read(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    asker: Asker,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let (standing, audience) = seen(&app, &id, &asker, request.headers()).await?;
    let Trend { step, points, .. } = app.hub.trend(standing.poll.id).unwrap_or_default();
    let seen = sees_numbers(&standing.poll, audience);
    // A longer step would reveal that there are many points.
    let step_ms = if seen { step } else { Trend::default().step };
    let points = seen.then(|| points.into_iter().map(TrendPoint::from).collect());
    let trend = TrendView { step_ms, points };
    Ok(answer::ok(&trend))
}
