//! The words for roles, and the problems for rights that were refused. What is refused is decided in the core
//! ([`pollux_core::right`]).

use pollux_core::right::{Refusal, Role};

use crate::api::problem::security::SecurityEvent;
use crate::api::problem::{Problem, Trouble};

/// Returns the word for a role in the security log.
pub fn word(role: Role) -> &'static str {
    match role {
        Role::Anyone | Role::Stranger => "nobody",
        Role::Stage => "stage",
        Role::Owner => "owner",
        Role::Operator => "operator",
    }
}

/// Returns the problem 403 for a token that is not the one required.
pub fn wrong_token(whose: &str) -> Problem {
    Problem::new(Trouble::WrongToken, format!("this is not the {whose} token"))
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoToken => {
                Self::new(Trouble::NoToken, "send the header Authorization: Bearer <ownerToken>")
            }
            Refusal::NotTheOwners => wrong_token("owner's"),
            Refusal::OnlyAStages => {
                let detail = "this is the token of a stage: it can only show and reveal";
                let problem = Self::new(Trouble::WrongToken, detail);
                problem.noted_as(SecurityEvent::StageTokenRefused)
            }
            Refusal::NotTheOperators => {
                wrong_token("operator's").noted_as(SecurityEvent::OperatorTokenWrong)
            }
        }
    }
}
