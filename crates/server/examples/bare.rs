//! The yardstick of `make bench`: an axum handler that parses the same JSON body as a vote and answers, and
//! does nothing else. It is written as a competent person would write it, with axum's own extractors and
//! `axum::serve`, and with the product's allocator and build profile. It has no limits and no deadlines, and
//! stores nothing.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `Vote` is the body of a vote.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vote {
    option_id: u8,
    voter_id: String,
    ballot_id: String,
}

/// `Receipt` is the answer to a vote.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    ballot_id: String,
    poll_id: String,
    status: &'static str,
    position: Position,
}

/// `Position` is the position of a record, made up from the vote.
#[derive(Serialize)]
struct Position {
    partition: u32,
    offset: u64,
}

async fn vote(Path(poll_id): Path<String>, Json(vote): Json<Vote>) -> (StatusCode, Json<Receipt>) {
    let position =
        Position { partition: u32::from(vote.option_id), offset: vote.voter_id.len() as u64 };
    let receipt = Receipt { ballot_id: vote.ballot_id, poll_id, status: "recorded", position };
    (StatusCode::ACCEPTED, Json(receipt))
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or_else(|| "0".into());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, Router::new().route("/api/polls/{id}/vote", post(vote))).await
}
