//! Whether somebody may: the one place that says so.

use crate::api::problem::security::SecurityEvent;
use crate::api::problem::{Problem, Trouble};
use crate::watch::grants::Proof;

/// As whom somebody stands before something that has an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Who shows no token.
    Anyone,
    /// Who shows one that proves nothing here.
    Stranger,
    /// Who holds the stage's token.
    Stage,
    /// Who owns it.
    Owner,
    /// Who runs the server.
    Operator,
}

impl Role {
    /// By what a token has proven.
    pub fn of(proof: Option<Proof>) -> Self {
        match proof {
            Some(Proof::Operator) => Self::Operator,
            Some(Proof::Owner(_)) => Self::Owner,
            Some(Proof::Stage(_)) => Self::Stage,
            None => Self::Stranger,
        }
    }

    /// Its word on record.
    pub fn word(self) -> &'static str {
        match self {
            Self::Anyone | Self::Stranger => "nobody",
            Self::Stage => "stage",
            Self::Owner => "owner",
            Self::Operator => "operator",
        }
    }
}

/// Whose token something takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// The owner's: to change it, and to see all of it.
    Owner,
    /// The owner's or the stage's: to show and reveal.
    Stage,
    /// The operator's: whatever is about more than one owner's, and whatever has a limit.
    Operator,
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A token is needed.
    NoToken,
    /// The token is not the owner's.
    NotTheOwners,
    /// The token is a stage's, and that does not do.
    OnlyAStages,
    /// The token is not the operator's.
    NotTheOperators,
}

/// Whether who has this role has this right, or why not.
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

/// 403.
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
                let detail = "this is the token of a stage: it can show and reveal, nothing else";
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
