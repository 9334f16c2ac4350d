//! The export of a poll's results as a file. The command `pollux export` writes the same sheet.

use std::io::{self, Write};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Request, StatusCode};
use pollux_core::kind::Kind;
use pollux_core::standing::Standing;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sheet::Sheet;
use crate::api::App;
use crate::api::access::asker::Asker;
use crate::api::access::right::Right;
use crate::api::http::answer;
use crate::api::http::path::Params;
use crate::api::http::query::{Query, bad};
use crate::api::lookup::owned;
use crate::api::problem::Problem;
use crate::watch::view::{self, Audience, PollView, rfc3339};

/// The results of a poll, to be kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Export)]
pub struct ExportView {
    /// The moment of the export. RFC 3339, UTC.
    #[schema(format = "date-time")]
    pub exported_at: String,
    /// The poll as its owner sees it.
    pub poll: PollView,
    /// The results in the organiser's order: a line for each option, or for each step of each statement.
    pub results: Vec<ExportedOption>,
}

/// The result of one option, or of one step on a statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportedOption {
    /// The number of the option or the statement: 1, 2, 3, …
    pub option_id: u8,
    /// The text of the option or the statement.
    pub option: String,
    /// The step, for a rating.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<u8>,
    /// The marks that were counted.
    pub votes: u64,
    /// The part, from 0 to 1, of the people counted who marked it. Where many options may be chosen, the
    /// parts add up to more than 1. For a rating it is the part of the people who rated the statement.
    pub share: f64,
    /// The mean step of the statement, for a rating. It is the same on each line of the statement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
}

fn results(standing: &Standing) -> Vec<ExportedOption> {
    let voters = standing.total_voters();
    let counts = standing.counts();
    let lines = (1..).zip(standing.poll.kind.rows(&counts)).flat_map(|(option_id, row)| {
        let line = move |step, votes, people, mean| ExportedOption {
            option_id,
            option: row.text.to_owned(),
            step,
            votes,
            share: part(votes, people),
            mean,
        };
        match row.spread {
            None => vec![line(None, row.votes, voters, None)],
            Some(spread) => {
                let mean = spread.mean().map(fine);
                (spread.lowest..)
                    .zip(spread.counts)
                    .map(|(step, votes)| line(Some(step), *votes, row.votes, mean))
                    .collect()
            }
        }
    });
    lines.collect()
}

fn part(votes: u64, people: u64) -> f64 {
    if people == 0 { 0.0 } else { fine(votes as f64 / people as f64) }
}

/// Rounds to four digits, which is a hundredth of a percent.
fn fine(number: f64) -> f64 {
    (number * 10_000.0).round() / 10_000.0
}

/// Writes results, hidden ones too, as CSV (RFC 4180) with a header.
pub fn csv(polls: &[Standing], out: impl Write) -> io::Result<()> {
    let mut sheet = Sheet::new(out);
    // A sheet without ratings has the columns that it had before there were ratings.
    let scales = polls.iter().any(|standing| matches!(standing.poll.kind, Kind::Rating(_)));
    let mut header = vec![
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
    ];
    if scales {
        header.extend(["step", "mean"]);
    }
    sheet.row(header)?;
    for standing in polls {
        let PollView { id, code, question, status, is_final, round, .. } =
            view::poll(standing, Audience::Owner);
        for ExportedOption { option_id, option, step, votes, share, mean } in results(standing) {
            let mut row = vec![
                id.clone(),
                code.clone().unwrap_or_default(),
                question.clone(),
                status.clone(),
                is_final.to_string(),
                round.to_string(),
                option_id.to_string(),
                option,
                votes.to_string(),
                share.to_string(),
                standing.total_votes().to_string(),
                standing.total_voters().to_string(),
            ];
            if scales {
                row.push(step.map_or(String::new(), |step| step.to_string()));
                row.push(mean.map_or(String::new(), |mean| mean.to_string()));
            }
            sheet.row(row.iter().map(String::as_str))?;
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
            results: results(&standing),
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
