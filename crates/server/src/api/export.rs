//! A poll's results as a file to save. The command `pollux export` writes the same sheet.

use std::io::{self, Write};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Request, StatusCode};
use pollux_core::standing::Standing;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::identity::{Client, Right};
use super::lookup::{self, Params};
use super::problem::Problem;
use super::query::{Query, bad};
use super::sheet::Sheet;
use crate::watch::view::{self, Audience, PollView, rfc3339};

/// A poll's results, to be kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Export)]
pub struct ExportView {
    /// When they were these. RFC 3339, UTC.
    #[schema(format = "date-time")]
    pub exported_at: String,
    /// The poll as its owner sees it.
    pub poll: PollView,
    /// A line for each option, in the organiser's order.
    pub results: Vec<ExportedOption>,
}

/// One option's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportedOption {
    /// 1, 2, 3, …
    pub option_id: u8,
    /// Its text.
    pub option: String,
    /// Marks counted.
    pub votes: u64,
    /// Of the people counted, the part that marked it: from 0 to 1. Where many may be chosen the
    /// parts add up to more than 1.
    pub share: f64,
}

fn results(standing: &Standing) -> Vec<ExportedOption> {
    let voters = standing.total_voters();
    let counts = standing.counts().into_iter();
    (1..)
        .zip(standing.poll.options.iter().zip(counts))
        .map(|(option_id, (option, votes))| {
            let share = if voters == 0 { 0.0 } else { votes as f64 / voters as f64 };
            // Four digits: nobody counts finer than a hundredth of a percent.
            let share = (share * 10_000.0).round() / 10_000.0;
            ExportedOption { option_id, option: option.clone(), votes, share }
        })
        .collect()
}

/// Results as CSV (RFC 4180) with a header; hidden ones too.
pub fn csv(polls: &[Standing], out: impl Write) -> io::Result<()> {
    let mut sheet = Sheet::new(out);
    sheet.row([
        "pollId",
        "code",
        "question",
        "status",
        "final",
        "round",
        "optionId",
        "option",
        "votes",
        "share",
        "totalVotes",
        "totalVoters",
    ])?;
    for standing in polls {
        let PollView { id, code, question, status, is_final, round, .. } =
            view::poll(standing, Audience::Owner);
        for ExportedOption { option_id, option, votes, share } in results(standing) {
            sheet.row([
                id.as_str(),
                code.as_deref().unwrap_or_default(),
                &question,
                &status,
                &is_final.to_string(),
                &round.to_string(),
                &option_id.to_string(),
                &option,
                &votes.to_string(),
                &share.to_string(),
                &standing.total_votes().to_string(),
                &standing.total_voters().to_string(),
            ])?;
        }
    }
    sheet.finish()
}

/// Save a poll's results.
#[utoipa::path(
    get, path = "/api/polls/{id}/export", tag = "owner", operation_id = "exportPoll",
    params(
        ("id" = String, Path, description = "The poll's id or join code"),
        ("format" = Option<String>, Query, description = "`csv` or `json`; csv if left out", pattern = "^(csv|json)$"),
    ),
    responses((status = 200, description = "The results, hidden ones too, as a file to save",
        content((String = "text/csv"), (ExportView = "application/json")),
        headers(("Content-Disposition" = String)))),
    security(("owner" = [])),
)]
pub async fn read(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let token = super::identity::require_token(request.headers())?;
    let from = Client::of(&app, request.headers(), request.extensions()).address;
    let csv_wanted = match Query::of(request.uri())?.one("format")? {
        None | Some("csv") => true,
        Some("json") => false,
        Some(_) => return Err(bad("the query parameter format must be csv or json")),
    };
    let stored = lookup::owned(&app, &id, from, token, Right::Owner).await?;
    // What this node has heard is newer than, or as new as, what it read.
    let standing = app.hub.standing(stored.poll.id).unwrap_or(stored);
    let name = match &*standing.poll.code {
        "" => standing.poll.id.to_string(),
        code => code.to_owned(),
    };
    if !csv_wanted {
        let export = ExportView {
            exported_at: rfc3339(app.ambient.now()),
            poll: view::poll(&standing, Audience::Owner),
            results: results(&standing),
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_DISPOSITION, saved_as(&name, "json"));
        return Ok(super::answer(StatusCode::OK, &export, &headers));
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
