//! Rights: the one place that decides whether somebody may do something.
//!
//! Whoever asks has a [`Role`] towards the thing that is asked about. A request's role comes from the
//! token it shows, a viewer's from what it has proven so far. [`may`] then says whether that role has
//! the [`Right`] that something requires, and nothing else does.

/// A `Role` is what an asker is to something that has an owner.
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

/// A `Right` is what an action requires of whoever asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// The right to change it and to see all of it, which the owner has.
    Owner,
    /// The right to show and reveal, which the owner and the stage have.
    Stage,
    /// The right to whatever concerns more than one owner, and to be free of limits, which the
    /// operator has.
    Operator,
}

/// A refusal says why a right was refused.
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
