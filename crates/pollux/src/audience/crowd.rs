//! Who votes, and for what: seeded, so that the same crowd votes the same again.

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use pollux_core::id::{BallotId, UnixMillis};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

use super::Poll;

/// How voters behave.
#[derive(Clone, Debug)]
pub struct Habits {
    /// How many there are.
    pub voters: u64,
    /// How many ballots they cast in all; `None`: without end.
    pub ballots: Option<u64>,
    /// Zipf's exponent over the options in their order: 0 is even, 1 is a clear favourite.
    pub skew: f64,
    /// The share of ballots with which somebody changes their mind.
    pub revoters: f64,
    /// The share of ballots that are sent a second time after they were acknowledged.
    pub duplicates: f64,
    /// Where the dice begin.
    pub seed: u64,
}

/// One ballot to be cast.
#[derive(Clone, Debug)]
pub struct Ballot {
    /// Counted from 0 in the order they are due.
    pub number: u64,
    /// The request's body.
    pub body: Bytes,
    /// Its id.
    pub id: BallotId,
    /// The `voterId`.
    pub voter: String,
    /// The options it marks, ascending.
    pub options: Vec<u8>,
    /// Whether to send it once more after it was acknowledged.
    pub again: bool,
}

/// The people, and what they will vote.
pub struct Crowd {
    habits: Habits,
    dice: StdRng,
    /// Tells the voters of this crowd from those of another.
    name: String,
    options: Vec<u8>,
    /// Cumulative weights of the options; the last is the total.
    weights: Vec<f64>,
    most: usize,
    /// Voters who have cast their first ballot.
    voted: u64,
    cast: u64,
}

impl Crowd {
    /// A crowd for this poll.
    pub fn new(poll: &Poll, habits: Habits) -> Self {
        let mut dice = StdRng::seed_from_u64(habits.seed);
        let mut total = 0.0;
        let weights = (1..=poll.options.len())
            .map(|rank| {
                total += (rank as f64).powf(-habits.skew);
                total
            })
            .collect();
        Self {
            name: format!("{:08x}", dice.next_u32()),
            dice,
            options: poll.options.iter().map(|option| option.id).collect(),
            weights,
            most: usize::from(poll.max_choices).clamp(1, poll.options.len().max(1)),
            voted: 0,
            cast: 0,
            habits,
        }
    }

    /// The next ballot; `None` once all are cast.
    pub fn next(&mut self) -> Option<Ballot> {
        if self.habits.ballots.is_some_and(|ballots| self.cast >= ballots) {
            return None;
        }
        let voter = self.somebody();
        let options = self.choose();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut random = [0; 10];
        self.dice.fill_bytes(&mut random);
        let id = BallotId::new(UnixMillis(now.as_millis() as u64), random);
        let number = self.cast;
        self.cast += 1;
        let voter = format!("sim-{}-{voter}", self.name);
        let body = body(&options, self.most > 1, id, &voter);
        let again = self.habits.duplicates > 0.0 && self.dice.random_bool(self.habits.duplicates);
        Some(Ballot { number, body, id, voter, options, again })
    }

    /// Somebody new, unless this ballot changes a mind or everybody has voted.
    fn somebody(&mut self) -> u64 {
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

    /// One option, or, where several may be marked, one to all of these.
    fn choose(&mut self) -> Vec<u8> {
        let marks = if self.most > 1 { self.dice.random_range(1..=self.most) } else { 1 };
        let total = self.weights.last().copied().unwrap_or(0.0);
        let mut chosen = Vec::with_capacity(marks);
        // A favourite may be drawn again and again; a few marks less do no harm.
        for _ in 0..marks {
            let point = self.dice.random::<f64>() * total;
            let place = self.weights.partition_point(|weight| *weight <= point);
            if let Some(option) = self.options.get(place)
                && !chosen.contains(option)
            {
                chosen.push(*option);
            }
        }
        chosen.sort_unstable();
        chosen
    }
}

/// The JSON of a ballot; nothing in it needs escaping.
fn body(options: &[u8], several: bool, id: BallotId, voter: &str) -> Bytes {
    let mut json = String::with_capacity(128);
    if several {
        json.push_str("{\"optionIds\":[");
        for (i, option) in options.iter().enumerate() {
            let _ = write!(json, "{}{option}", if i == 0 { "" } else { "," });
        }
        json.push(']');
    } else {
        let _ = write!(json, "{{\"optionId\":{}", options.first().copied().unwrap_or(1));
    }
    let _ = write!(json, ",\"ballotId\":\"{id}\",\"voterId\":\"{voter}\"}}");
    json.into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use super::super::PollOption;
    use super::*;

    fn crowd(max_choices: u8, habits: Habits) -> Crowd {
        let poll = Poll {
            id: String::new(),
            question: String::new(),
            status: "open".into(),
            max_choices,
            options: (1..=4).map(|id| PollOption { id }).collect(),
            voter_ids: true,
        };
        Crowd::new(&poll, habits)
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
        let mut crowd = crowd(1, habits());
        let mut by_voter = BTreeMap::<_, u64>::new();
        let mut by_option = BTreeMap::<_, u64>::new();
        let mut again = 0;
        while let Some(ballot) = crowd.next() {
            *by_voter.entry(ballot.voter).or_default() += 1;
            *by_option.entry(ballot.options[0]).or_default() += 1;
            again += u64::from(ballot.again);
            let body: serde_json::Value = serde_json::from_slice(&ballot.body).unwrap();
            assert_eq!(body["optionId"], ballot.options[0]);
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
            let mut crowd = crowd(3, Habits { seed, ..habits() });
            std::iter::from_fn(move || crowd.next().map(|b| (b.voter, b.options)))
                .collect::<Vec<_>>()
        };
        assert_eq!(votes(1), votes(1));
        assert_ne!(votes(1), votes(2));
        assert!(votes(1).iter().all(|(_, options)| (1..=3).contains(&options.len())));
    }
}
