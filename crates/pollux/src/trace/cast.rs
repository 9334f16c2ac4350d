//! This module casts the ballot that is to be traced, over a WebSocket as a page does, and notes what the
//! phone is told and when.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hyper::Method;
use pollux_core::id::{BallotId, UnixMillis};
use pollux_server::ambient::{Ambient, SystemAmbient};
use pollux_server::watch::view::PollView;
use serde::Deserialize;
use serde_json::json;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Problem, Server, call, poll_route};
use crate::exit::{Failure, Outcome, UNKNOWN};
use crate::kind::Vote;

/// The connection may take this long, and so may the decision.
const PATIENCE: Duration = Duration::from_secs(30);

/// `Seen` is what the phone saw, by its own clock.
pub struct Seen {
    /// The ballot's id, which carries the time at which it was cast.
    pub ballot: BallotId,
    /// The time at which the phone was told that the ballot is recorded.
    pub answered: UnixMillis,
    /// The time at which the phone was told that the ballot is decided.
    pub decided: UnixMillis,
}

/// `Said` is a message of the server to the voter.
#[derive(Deserialize)]
struct Said {
    r#type: String,
    #[serde(default)]
    problem: Problem,
}

/// Casts a ballot as a new voter, and waits until the phone is told that it is decided.
pub async fn cast(server: &Server, poll: &str, vote: &Vote) -> Outcome<Seen> {
    let poll: PollView = call(server, Method::GET, &poll_route(poll)?, None).await?;
    let (member, answer) = vote.member(&poll.kind)?;
    let unreachable = |why: String| Failure::unreachable(format!("{server}: {why}"));
    let url = server.socket(&format!("poll={}", poll.id));
    let connected = timeout(PATIENCE, tokio_tungstenite::connect_async(&url)).await;
    let (mut socket, _) = connected
        .map_err(|_| unreachable("timed out".into()))?
        .map_err(|error| unreachable(error.to_string()))?;
    let ambient = SystemAmbient::new();
    let ballot = (&ambient as &dyn Ambient).ballot_id();
    let mut message = json!({
        "type": "vote", "poll": poll.id, "ballotId": ballot, "ref": "trace",
    });
    message[member] = answer;
    let unknown = |why: String| {
        Failure::new(UNKNOWN, format!("{server} did not say what became of ballot {ballot}: {why}"))
    };
    let sent = socket.send(Message::text(message.to_string())).await;
    sent.map_err(|error| unknown(error.to_string()))?;
    let mut answered = None;
    let told = async {
        while let Some(message) = socket.next().await {
            let Message::Text(text) = message.map_err(|error| unknown(error.to_string()))? else {
                continue;
            };
            let said: Said = serde_json::from_str(&text)?;
            match (said.r#type.as_str(), answered) {
                ("vote.recorded", _) => answered = Some(ambient.now()),
                ("error", _) => return Err(Failure::refused(said.problem.to_string())),
                (kind, Some(answered)) if kind.starts_with("vote.") => {
                    return Ok(Seen { ballot, answered, decided: ambient.now() });
                }
                _ => {}
            }
        }
        Err(unknown("the connection was closed".into()))
    };
    timeout(PATIENCE, told).await.unwrap_or_else(|_| Err(unknown("timed out".into())))
}
