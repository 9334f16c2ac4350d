//! A crowd decides who votes, and for what. It is seeded, so that the same crowd votes the same again.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use pollux_core::id::{BallotId, UnixMillis};
use pollux_core::kind::Form;
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

use crate::kind::{Answers, Member};

/// `Habits` say how voters behave.
#[derive(Clone, Debug)]
pub struct Habits {
    /// The number of voters.
    pub voters: u64,
    /// The number of ballots that they cast in all; `None` for no end.
    pub ballots: Option<u64>,
    /// Zipf's exponent over the possible answers: 0 is even, 1 makes a clear favourite.
    pub skew: f64,
    /// The share of ballots that change an earlier vote.
    pub revoters: f64,
    /// The share of ballots that are sent a second time after they were acknowledged.
    pub duplicates: f64,
    /// The random seed.
    pub seed: u64,
}

/// `Ballot` is a ballot that is to be cast.
#[derive(Clone, Debug)]
pub struct Ballot {
    /// The ballot's number, counted from 0 in the order in which ballots are due.
    pub number: u64,
    /// The body of the request.
    pub body: Bytes,
    /// The ballot's id.
    pub id: BallotId,
    /// The `voterId`.
    pub voter: String,
    /// The answer that the voter writes.
    pub answer: Member,
    /// Whether the ballot is sent once more after it was acknowledged.
    pub again: bool,
}

/// `Crowd` draws one ballot after the other.
pub struct Crowd {
    habits: Habits,
    dice: StdRng,
    /// A random name that tells the voters of this crowd from those of another.
    name: String,
    answers: Answers,
    /// The number of voters who have cast a ballot.
    voted: u64,
    cast: u64,
}

impl Crowd {
    /// Returns a crowd that gives answers of this form.
    pub fn new(form: Form, habits: Habits) -> Self {
        let mut dice = StdRng::seed_from_u64(habits.seed);
        Self {
            name: format!("{:08x}", dice.next_u32()),
            dice,
            answers: Answers::new(form, habits.skew),
            voted: 0,
            cast: 0,
            habits,
        }
    }

    /// Returns the next ballot; `None` once all are cast.
    pub fn next(&mut self) -> Option<Ballot> {
        if self.habits.ballots.is_some_and(|ballots| self.cast >= ballots) {
            return None;
        }
        let voter = self.next_voter();
        let answer = self.answers.draw(&mut self.dice);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut random = [0; 10];
        self.dice.fill_bytes(&mut random);
        let id = BallotId::new(UnixMillis(now.as_millis() as u64), random);
        let number = self.cast;
        self.cast += 1;
        let voter = format!("sim-{}-{voter}", self.name);
        let body = body(&answer, id, &voter);
        let again = self.habits.duplicates > 0.0 && self.dice.random_bool(self.habits.duplicates);
        Some(Ballot { number, body, id, voter, answer, again })
    }

    /// Returns a new voter, unless this ballot changes an earlier vote or everybody has voted.
    fn next_voter(&mut self) -> u64 {
        let all_voted = self.voted >= self.habits.voters;
        let changes = self.voted > 0
            && (all_voted
                || (self.habits.revoters > 0.0 && self.dice.random_bool(self.habits.revoters)));
        if changes {
            return self.dice.random_range(0..self.voted);
        }
        self.voted += 1;
        self.voted - 1
    }
}

/// Returns the JSON of a ballot. Nothing in it but the answer's value may need escaping.
fn body((name, value): &Member, id: BallotId, voter: &str) -> Bytes {
    format!("{{\"{name}\":{value},\"ballotId\":\"{id}\",\"voterId\":\"{voter}\"}}").into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use pollux_core::kind::choice;

    use super::*;

    fn choice(most: u8) -> Form {
        Form::Choice(choice::Form { options: 4, most })
    }

    fn habits() -> Habits {
        Habits {
            voters: 1000,
            ballots: Some(2000),
            skew: 1.0,
            revoters: 0.25,
            duplicates: 0.5,
            seed: 7,
        }
    }

    #[test]
    fn a_crowd_keeps_its_habits() {
        let mut crowd = Crowd::new(choice(1), habits());
        let mut by_voter = BTreeMap::<_, u64>::new();
        let mut by_option = BTreeMap::<_, u64>::new();
        let mut again = 0;
        while let Some(ballot) = crowd.next() {
            *by_voter.entry(ballot.voter).or_default() += 1;
            let (name, marked) = ballot.answer;
            *by_option.entry(marked[0].as_u64().unwrap()).or_default() += 1;
            again += u64::from(ballot.again);
            let body: serde_json::Value = serde_json::from_slice(&ballot.body).unwrap();
            assert_eq!((name, &body[name]), ("optionIds", &marked));
            assert_eq!(body["ballotId"], ballot.id.to_string());
        }
        assert_eq!(by_voter.values().sum::<u64>(), 2000);
        assert_eq!(by_voter.len(), 1000, "everybody votes before the ballots run out");
        assert!(by_option[&1] > by_option[&2] && by_option[&2] > by_option[&4], "{by_option:?}");
        assert!((800..1200).contains(&again), "{again}");
    }

    #[test]
    fn the_same_seed_is_the_same_crowd() {
        let votes = |seed| {
            let mut crowd = Crowd::new(choice(3), Habits { seed, ..habits() });
            std::iter::from_fn(move || crowd.next().map(|b| (b.voter, b.answer)))
                .collect::<Vec<_>>()
        };
        assert_eq!(votes(1), votes(1));
        assert_ne!(votes(1), votes(2));
        let marks = |answer: &Member| answer.1.as_array().unwrap().len();
        assert!(votes(1).iter().all(|(_, answer)| (1..=3).contains(&marks(answer))));
    }
}
