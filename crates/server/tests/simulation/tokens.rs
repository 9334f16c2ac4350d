//! The tokens of a poll, or of an event and its polls, are kept in the order in which they were given out:
//! each ends the one before.

use std::cell::{Cell, RefCell};

use pollux_server::api::access::keys::Keys;
use serde_json::Value;
use tokio::time::Instant;

/// An `Issue` is the tokens that one answer gave out.
#[derive(Clone, Debug)]
pub struct Issue {
    pub owner: String,
    /// The stage token, if any: a lone poll's stage is shown what everybody is, so nobody asks for its token.
    pub stage: Option<String>,
    /// The hash by which a node names the owner.
    pub hash: [u8; 32],
    /// The end of these tokens, unless they are the newest.
    end: Option<End>,
}

/// `End` is the answer that brought the next token.
#[derive(Clone, Debug)]
struct End {
    at: Instant,
    /// The epoch of the node that gave the answer.
    by: String,
}

impl Issue {
    fn of(answer: &Value) -> Self {
        let text = |name: &str| answer[name].as_str().map(str::to_owned);
        let owner = text("ownerToken").unwrap_or_else(|| panic!("no token in {answer}"));
        let hash = Keys::token_hash(&owner);
        Self { owner, stage: text("stageToken"), hash, end: None }
    }

    /// Returns whether the node of this epoch must know that another token has replaced this one. It must if it
    /// said so itself, or if it started (at `since`) after that was said.
    pub fn is_over_at(&self, epoch: &str, since: Instant) -> bool {
        self.end.as_ref().is_some_and(|end| end.by == epoch || end.at < since)
    }
}

/// `Tokens` keeps all tokens that there ever were of one poll or event.
#[derive(Debug)]
pub struct Tokens {
    /// The path of the poll or event in the API.
    pub path: String,
    issues: RefCell<Vec<Issue>>,
    /// A counter that is odd while a reissue is under way; then nobody can say which token is valid.
    turn: Cell<u64>,
}

impl Tokens {
    /// Creates the record with the tokens that the answer to the creation gave out.
    pub fn new(path: String, created: &Value) -> Self {
        let issues = RefCell::new(vec![Issue::of(created)]);
        Self { path, issues, turn: Cell::new(0) }
    }

    /// Returns how many issues there were.
    pub fn len(&self) -> usize {
        self.issues.borrow().len()
    }

    /// Returns the i-th issue.
    pub fn get(&self, i: usize) -> Issue {
        self.issues.borrow()[i].clone()
    }

    /// Returns the newest issue that anybody was told.
    pub fn newest(&self) -> Issue {
        self.get(self.len() - 1)
    }

    /// Returns the number of the issue that a node means by this owner; `None` if nobody was told its token
    /// yet, or ever.
    pub fn place(&self, owner: &[u8; 32]) -> Option<usize> {
        self.issues.borrow().iter().position(|issue| issue.hash == *owner)
    }

    /// Notes that from now on nobody can say which token is valid.
    pub fn begin_reissue(&self) {
        assert_eq!(self.turn.get() % 2, 0, "one reissue at a time");
        self.turn.set(self.turn.get() + 1);
    }

    /// Notes that the tokens of this answer are valid, and no others.
    pub fn reissued(&self, answer: &Value, by: &str) {
        let mut issues = self.issues.borrow_mut();
        let end = End { at: Instant::now(), by: by.to_owned() };
        issues.last_mut().unwrap().end = Some(end);
        issues.push(Issue::of(answer));
        self.turn.set(self.turn.get() + 1);
    }

    /// Returns the counter, for a later [`Tokens::may_refuse`].
    pub fn turn(&self) -> u64 {
        self.turn.get()
    }

    /// Returns whether the token that was the newest at that turn may be refused by now.
    pub fn may_refuse(&self, turn: u64) -> bool {
        turn % 2 == 1 || turn != self.turn.get()
    }
}
