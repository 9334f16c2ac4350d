//! The rights of roles: the one place that decides whether whoever sends a request may do something. What a viewer
//! of a socket is shown is decided by its proofs (`watch/grants.rs`).

use crate::api::problem::security::SecurityEvent;
use crate::api::problem::{Problem, Trouble};
use crate::watch::grants::Proof;

/// The role of an asker towards something that has an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The asker shows no token.
    Anyone,
    /// The asker shows a token that proves nothing here.
    Stranger,
    /// The asker holds a stage token.
    Stage,
    /// The asker holds the owner's token.
    Owner,
    /// The asker holds the operator's token.
    Operator,
}

impl Role {
    /// Returns the role that a token's proof gives.
    pub fn of(proof: Option<Proof>) -> Self {
        match proof {
            Some(Proof::Operator) => Self::Operator,
            Some(Proof::Owner(_)) => Self::Owner,
            Some(Proof::Stage(_)) => Self::Stage,
            None => Self::Stranger,
        }
    }

    /// Returns the word for the role in the security log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Anyone | Self::Stranger => "nobody",
            Self::Stage => "stage",
            Self::Owner => "owner",
            Self::Operator => "operator",
        }
    }
}

/// A right that something requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// The right to change it and to see all of it, which the owner has.
    Owner,
    /// The right to show and reveal, which the owner and the stage have.
    Stage,
    /// The right to whatever concerns more than one owner, and to be free of limits, which the operator has.
    Operator,
}

/// Why a right was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A token is needed.
    NoToken,
    /// The token is not the owner's.
    NotTheOwners,
    /// The token is a stage token, which does not give this right.
    OnlyAStages,
    /// The token is not the operator's.
    NotTheOperators,
}

/// Returns whether this role has this right, or why not.
pub fn may(role: Role, right: Right) -> Result<(), Refusal> {
    match (role, right) {
        (Role::Operator, _) => Ok(()),
        (Role::Anyone, _) => Err(Refusal::NoToken),
        (_, Right::Operator) => Err(Refusal::NotTheOperators),
        (Role::Stranger, _) => Err(Refusal::NotTheOwners),
        (Role::Stage, Right::Owner) => Err(Refusal::OnlyAStages),
        (Role::Stage, Right::Stage) | (Role::Owner, Right::Owner | Right::Stage) => Ok(()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_has_its_rights_and_no_others() {
        use Refusal::{NoToken, NotTheOperators, NotTheOwners, OnlyAStages};
        let no = Err::<(), Refusal>;
        #[rustfmt::skip]
        let table = [
            //                 to run it         to step it        to operate the server
            (Role::Anyone,   [no(NoToken),      no(NoToken),      no(NoToken)]),
            (Role::Stranger, [no(NotTheOwners), no(NotTheOwners), no(NotTheOperators)]),
            (Role::Stage,    [no(OnlyAStages),  Ok(()),           no(NotTheOperators)]),
            (Role::Owner,    [Ok(()),           Ok(()),           no(NotTheOperators)]),
            (Role::Operator, [Ok(()),           Ok(()),           Ok(())]),
        ];
        for (role, answers) in table {
            let asked = [Right::Owner, Right::Stage, Right::Operator].map(|right| may(role, right));
            assert_eq!(asked, answers, "{role:?}");
        }
    }
}
