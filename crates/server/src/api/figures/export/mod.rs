//! The export of a poll's results as a file. The command `pollux export` writes the same sheet.

mod kind;

use std::io::{self, Write};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Request, StatusCode};
use pollux_core::right::Right;
use pollux_core::standing::Standing;
use serde::Serialize;
use utoipa::ToSchema;

use self::kind::ExportedLine;
use super::sheet::{Columns, Sheet};
use crate::api::App;
use crate::api::access::asker::Asker;
use crate::api::http::answer;
use crate::api::http::path::Params;
use crate::api::http::query::{Query, bad};
use crate::api::lookup::owned;
use crate::api::problem::Problem;
use crate::watch::view::{self, Audience, PollView, rfc3339};

/// An export holds the results of a poll, to be kept.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Export)]
pub struct ExportView {
    /// The moment of the export. RFC 3339, UTC.
    #[schema(format = "date-time")]
    pub exported_at: String,
    /// The poll as its owner sees it.
    pub poll: PollView,
    /// The results in the organiser's order: a line for each option of a choice or of a poll for points, for each
    /// step of each statement of a rating, for each place of each option of a ranking, or for each value of a number.
    pub results: Vec<ExportedLine>,
}

/// Writes results, hidden ones too, as CSV (RFC 4180) with a header.
pub fn csv(polls: &[Standing], out: impl Write) -> io::Result<()> {
    let own = |standing: &Standing| kind::columns(&standing.poll.kind);
    let columns = Columns::of(&kind::COLUMNS, polls.iter().map(own));
    let header = ["pollId", "code", "question", "status", "final", "round"].into_iter();
    let header = header.chain(columns.names());
    let header = header.chain(["votes", "share", "totalVotes", "totalVoters"]);
    let mut sheet = Sheet::new(out, header)?;
    for standing in polls {
        let PollView { id, code, question, status, is_final, round, .. } =
            view::poll(standing, Audience::Owner);
        let of_poll = [
            id,
            code.unwrap_or_default(),
            question,
            status,
            is_final.to_string(),
            round.to_string(),
        ];
        let totals = [standing.total_votes(), standing.total_voters()].map(|n| n.to_string());
        for line in kind::lines(standing) {
            let (votes, share) = line.votes();
            let counted = [votes.to_string(), share.to_string()];
            let of_kind = columns.cells(own(standing), &line.cells());
            let cells = of_poll.iter().chain(&of_kind).chain(&counted).chain(&totals);
            sheet.row(cells.map(String::as_str))?;
        }
    }
    sheet.finish()
}

/// Export a poll's results as a file.
#[utoipa::path(
    get, path = "/api/polls/{id}/export", tag = "owner", operation_id = "exportPoll",
    params(
        ("id" = String, Path, description = "The poll's id or join code"),
        ("format" = Option<String>, Query, description = "`csv` or `json`; `csv` if left out", pattern = "^(csv|json)$"),
    ),
    responses((status = 200, description = "The results, hidden ones too, as a file to save",
        content((String = "text/csv"), (ExportView = "application/json")),
        headers(("Content-Disposition" = String)))),
    security(("owner" = [])),
)]
pub async fn read(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    asker: Asker,
    request: Request<Body>,
) -> Result<Response, Problem> {
    asker.require_token()?;
    let csv_wanted = match Query::of(request.uri())?.one("format")? {
        None | Some("csv") => true,
        Some("json") => false,
        Some(_) => return Err(bad("the query parameter format must be csv or json")),
    };
    let stored = owned::poll(&app, &id, &asker, Right::Owner).await?;
    // What this node has heard is at least as new as what it read.
    let standing = app.hub.standing(stored.poll.id).unwrap_or(stored);
    let name = match &*standing.poll.code {
        "" => standing.poll.id.to_string(),
        code => code.to_owned(),
    };
    if !csv_wanted {
        let export = ExportView {
            exported_at: rfc3339(app.ambient.now()),
            poll: view::poll(&standing, Audience::Owner),
            results: kind::lines(&standing),
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_DISPOSITION, saved_as(&name, "json"));
        return Ok(answer::json(StatusCode::OK, &export, &headers));
    }
    let mut sheet = Vec::new();
    csv(&[standing], &mut sheet).expect("memory takes what is written");
    let mut response = Response::new(sheet.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_DISPOSITION, saved_as(&name, "csv"));
    Ok(response)
}

fn saved_as(name: &str, ending: &str) -> HeaderValue {
    let text = format!("attachment; filename=\"pollux-{name}.{ending}\"");
    HeaderValue::try_from(text).expect("digits, or an id")
}
