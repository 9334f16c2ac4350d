//! The tokens of a poll, or of an event and its polls, in the order in which they were given out:
//! each ends the one before.

use std::cell::{Cell, RefCell};

use pollux_server::api::access::keys::Keys;
use serde_json::Value;
use tokio::time::Instant;

/// What one answer gave out.
#[derive(Clone, Debug)]
pub struct Issue {
    pub owner: String,
    /// A lone poll's stage is shown what everybody is, so nobody asks for its token.
    pub stage: Option<String>,
    /// How a node names the owner.
    pub hash: [u8; 32],
    /// Unless it is the newest one.
    end: Option<End>,
}

/// The answer that brought the next token.
#[derive(Clone, Debug)]
struct End {
    at: Instant,
    /// The epoch of the node that gave it.
    by: String,
}

impl Issue {
    fn of(answer: &Value) -> Self {
        let text = |name: &str| answer[name].as_str().map(str::to_owned);
        let owner = text("ownerToken").unwrap_or_else(|| panic!("no token in {answer}"));
        let hash = Keys::token_hash(&owner);
        Self { owner, stage: text("stageToken"), hash, end: None }
    }

    /// Whether the node of this epoch, which runs since then, cannot but know that another token
    /// has taken the place of this one: it said so itself, or it began after that was said.
    pub fn is_over_at(&self, epoch: &str, since: Instant) -> bool {
        self.end.as_ref().is_some_and(|end| end.by == epoch || end.at < since)
    }
}

/// All tokens there ever were of one poll or event.
#[derive(Debug)]
pub struct Tokens {
    /// Where the API has it.
    pub path: String,
    issues: RefCell<Vec<Issue>>,
    /// Odd while a reissue is under way; then nobody can say which token is valid.
    turn: Cell<u64>,
}

impl Tokens {
    /// As the answer to its creation gave them out.
    pub fn new(path: String, created: &Value) -> Self {
        let issues = RefCell::new(vec![Issue::of(created)]);
        Self { path, issues, turn: Cell::new(0) }
    }

    /// How many were given out.
    pub fn len(&self) -> usize {
        self.issues.borrow().len()
    }

    pub fn get(&self, i: usize) -> Issue {
        self.issues.borrow()[i].clone()
    }

    /// The newest that somebody was told.
    pub fn newest(&self) -> Issue {
        self.get(self.len() - 1)
    }

    /// Which one a node means by this owner; none if nobody was told its token yet, or ever.
    pub fn place(&self, owner: &[u8; 32]) -> Option<usize> {
        self.issues.borrow().iter().position(|issue| issue.hash == *owner)
    }

    /// From now on nobody can say which token is valid.
    pub fn begin_reissue(&self) {
        assert_eq!(self.turn.get() % 2, 0, "one reissue at a time");
        self.turn.set(self.turn.get() + 1);
    }

    /// Those of this answer are valid, and no others.
    pub fn reissued(&self, answer: &Value, by: &str) {
        let mut issues = self.issues.borrow_mut();
        let end = End { at: Instant::now(), by: by.to_owned() };
        issues.last_mut().unwrap().end = Some(end);
        issues.push(Issue::of(answer));
        self.turn.set(self.turn.get() + 1);
    }

    /// To be compared with by [`Tokens::may_refuse`].
    pub fn turn(&self) -> u64 {
        self.turn.get()
    }

    /// Whether the token that was the newest at that turn may be refused by now.
    pub fn may_refuse(&self, turn: u64) -> bool {
        turn % 2 == 1 || turn != self.turn.get()
    }
}
