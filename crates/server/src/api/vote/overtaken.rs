//! Ballots that waited for the log, and may stand behind a change of their poll that another node has
//! recorded meanwhile, such as its close. Then only what was decided is an answer, never a bare 202.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use pollux_core::id::PollId;
use tokio::time::{Instant, timeout};

use super::fate::decision;
use super::receipt::Recorded;
use crate::api::App;
use crate::api::problem::{Problem, Trouble};

/// Longest look at the poll.
const LOOK: Duration = Duration::from_millis(500);

/// Looks at polls in the store. Thousands of ballots come out of a line at once, and one look
/// tells all of those that were durable before it began.
#[derive(Default)]
pub struct Looks {
    polls: Mutex<HashMap<PollId, Arc<Latest>>>,
}

/// The latest look at one poll: when it began, and the poll's phase, if the store said.
#[derive(Default)]
struct Latest(tokio::sync::Mutex<Option<(Instant, Option<u32>)>>);

impl Looks {
    /// The poll's phase now, if the store says.
    async fn phase(&self, app: &App, id: PollId) -> Option<u32> {
        let asked = Instant::now();
        let mine = self.polls.lock().entry(id).or_default().clone();
        let phase = {
            let mut latest = mine.0.lock().await;
            match *latest {
                Some((begun, phase)) if begun >= asked => phase,
                _ => {
                    let begun = Instant::now();
                    let found = timeout(LOOK, app.store.standing(id)).await;
                    let found = found.ok().and_then(Result::ok).flatten();
                    let phase = found.map(|standing| standing.poll.phase);
                    *latest = Some((begun, phase));
                    phase
                }
            }
        };
        let mut polls = self.polls.lock();
        // The map's and this one: nobody else waits for it.
        if Arc::strong_count(&mine) == 2 {
            polls.remove(&id);
        }
        phase
    }
}

/// The ballot is durable, after a while; what its voter is told.
#[cold]
pub async fn after_waiting(app: &App, recorded: Recorded) -> Result<Recorded, Problem> {
    let phase = app.looks.phase(app, recorded.poll.id).await;
    if phase == Some(recorded.poll.phase) {
        return Ok(recorded);
    }
    let Some(decided) = decision(app, &recorded).await else {
        let detail = "the poll may have been changed while the ballot waited for the log, and it is not \
                      decided yet: send the same ballotId again in a moment to hear what became of it";
        let unknown = Problem::new(Trouble::OutcomeUnknown, detail);
        return Err(unknown.with_ballot(recorded.ballot));
    };
    Ok(Recorded { decided: Some(decided), ..recorded })
}
