//! Ballots that waited for the log, and may stand after a change of their poll, such as its close, that
//! another node has recorded meanwhile. They are answered with what was decided, and never with a bare 202.

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

/// The longest look at a poll.
const LOOK: Duration = Duration::from_millis(500);

/// `Looks` keeps the looks at polls in the store. Thousands of ballots leave a line at once, and one look serves
/// all of those that were durable before it began.
#[derive(Default)]
pub struct Looks {
    polls: Mutex<HashMap<PollId, Arc<Latest>>>,
}

/// The latest look at one poll has the time when it began, and the poll's phase, if the store answered.
#[derive(Default)]
struct Latest(tokio::sync::Mutex<Option<(Instant, Option<u32>)>>);

impl Looks {
    /// Returns the poll's present phase, if the store answers.
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
        // Only the map and this task hold it, so nobody else waits for it.
        if Arc::strong_count(&mine) == 2 {
            polls.remove(&id);
        }
        phase
    }
}

/// Answers a ballot that is durable after a wait: as recorded if its poll is still in the same phase, and
/// otherwise with what was decided.
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
