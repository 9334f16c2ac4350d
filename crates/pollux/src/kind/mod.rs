//! What the command line knows of the kinds of polls, a file for each kind: what an audience answers at
//! random, which flags make an answer or a new poll, how a result is drawn in a terminal, and under which names
//! ballots are exported.
//!
//! A new kind is a file here and a line in each `match` below.

mod choice;
mod number;
mod points;
mod ranking;
mod rating;
mod words;

use std::borrow::Cow;
use std::num::TryFromIntError;

use pollux_core::kind::{Answer, Form, Kind, Written};
use pollux_core::poll::Poll;
use pollux_core::rule::Violation;
use pollux_core::seal::TextKey;
use pollux_core::standing::Standing;
use pollux_server::watch::view::PollView;
use pollux_server::watch::view::kind::KindView;
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};

pub use self::choice::SAMPLE_VOTE;
use crate::exit::Outcome;

/// Returns the polls that the demo shows, as an organiser writes them. [`SAMPLE_VOTE`] is a vote in the first.
pub fn samples() -> Vec<Value> {
    let more = rating::samples().into_iter().chain(ranking::samples()).chain(points::samples());
    choice::samples()
        .into_iter()
        .chain(more)
        .chain(number::samples())
        .chain(words::samples())
        .collect()
}

/// Returns the poll that an audience creates if it is told of none.
pub fn usual_poll() -> Value {
    choice::usual_poll()
}

/// Returns what an answer may say, from the server's description of a poll's kind.
pub fn form(described: &KindView) -> Result<Form, TryFromIntError> {
    Ok(match described {
        KindView::Choice(choice) => Form::Choice(choice::form(choice)?),
        KindView::Rating(rating) => Form::Rating(rating::form(rating)?),
        KindView::Ranking(ranking) => Form::Ranking(ranking::form(ranking)?),
        KindView::Points(points) => Form::Points(points::form(points)?),
        KindView::Number(number) => Form::Number(number::form(number)?),
        KindView::Words(words) => Form::Words(words::form(words)),
    })
}

/// A `Member` is an answer as a voter writes it: the name and the value of the JSON member that says it in a vote.
pub type Member = (&'static str, Value);

/// Returns the answer that a poll of this kind reads from what a voter wrote. Texts need the poll's `key`.
pub fn read(kind: &Kind, (_, value): &Member, key: Option<&TextKey>) -> Result<Answer, Violation> {
    let json = value.to_string();
    // A choice reads what its own members hold from `answer`, too.
    kind.read(&Written { answer: Some(&json), ..Written::default() }, key)
}

/// `Answers` draws answers at random that a poll allows.
pub struct Answers {
    form: Form,
    popularity: Zipf,
}

impl Answers {
    /// Returns answers to a poll of this form. Zipf's exponent says how much more popular the favourites are:
    /// 0 is even, 1 makes a clear favourite.
    pub fn new(form: Form, exponent: f64) -> Self {
        let ranks = match form {
            Form::Choice(form) => choice::ranks(form),
            Form::Rating(form) => rating::ranks(form),
            Form::Ranking(form) => ranking::ranks(form),
            Form::Points(form) => points::ranks(form),
            Form::Number(form) => number::ranks(form),
            Form::Words(_) => words::ranks(),
        };
        Self { form, popularity: Zipf::new(ranks, exponent) }
    }

    /// Draws an answer.
    pub fn draw(&self, dice: &mut StdRng) -> Member {
        let rank = |dice: &mut StdRng| self.popularity.draw(dice);
        let answer = match self.form {
            Form::Choice(form) => Answer::Choice(choice::draw(form, rank, dice)),
            Form::Rating(form) => Answer::Rating(rating::draw(form, rank, dice)),
            Form::Ranking(form) => Answer::Ranking(ranking::draw(form, rank, dice)),
            Form::Points(form) => Answer::Points(points::draw(form, rank, dice)),
            Form::Number(form) => Answer::Number(number::draw(form, rank, dice)),
            // What a ballot holds of a text depends on the poll's key, which no voter has.
            Form::Words(form) => return ("answer", words::draw(form, rank, dice)),
        };
        answer.to_member()
    }
}

/// `Zipf` draws ranks, counted from 0, of which the lower ones are more popular.
struct Zipf {
    /// The cumulative weights of the ranks. The last one is the total.
    weights: Vec<f64>,
}

impl Zipf {
    fn new(ranks: u8, exponent: f64) -> Self {
        let mut total = 0.0;
        let weight = |rank: u8| {
            total += f64::from(rank).powf(-exponent);
            total
        };
        Self { weights: (1..=ranks).map(weight).collect() }
    }

    fn draw(&self, dice: &mut StdRng) -> u8 {
        let total = self.weights.last().copied().unwrap_or(0.0);
        let point = dice.random::<f64>() * total;
        let rank = self.weights.partition_point(|weight| *weight <= point);
        rank.min(self.weights.len().saturating_sub(1)) as u8
    }
}

/// `Vote` has the flags that say what to answer in a poll of any kind.
#[derive(clap::Args)]
pub struct Vote {
    #[command(flatten)]
    choice: choice::Vote,
    /// Answer to vote with, as the kind of the poll writes it.
    #[arg(
        long,
        value_name = "JSON",
        help = "Answer to vote with: numbers of options in a choice, such as [1,3]; in a rating a step or null for each \
                statement, such as [5,null,3] [default there: the highest step for each]; in a ranking numbers of \
                options, the best first [default there: the organiser's order]; points for each option, such as \
                [40,0,60] [default there: all for the first]; a number, such as 42.5 [default there: the middle]; or \
                words, such as [\"rust\"] [default there: [\"Pollux\"]]",
        requires = "cast",
        conflicts_with = "ballot",
        allow_hyphen_values = true,
        value_parser = answer
    )]
    answer: Option<Value>,
}

fn answer(text: &str) -> Result<Value, String> {
    let value = serde_json::from_str(text).ok();
    let value = value.filter(|value: &Value| value.is_array() || value.is_number());
    value.ok_or_else(|| "neither an array nor a number in JSON".into())
}

impl Vote {
    /// Returns the answer as a vote says it. It is an error if a flag does not fit the poll's kind.
    pub fn member(&self, poll: &KindView) -> Outcome<Member> {
        match (&self.answer, poll) {
            (Some(answer), _) => Ok(("answer", answer.clone())),
            (None, KindView::Choice(_)) => Ok(self.choice.member()),
            (None, KindView::Rating(rating)) => {
                self.choice.refuse(|| rating::describe(rating))?;
                Ok(("answer", rating::highest(rating)))
            }
            (None, KindView::Ranking(ranking)) => {
                self.choice.refuse(|| ranking::describe(ranking))?;
                Ok(("answer", ranking::in_order(ranking)))
            }
            (None, KindView::Points(points)) => {
                self.choice.refuse(|| points::describe(points))?;
                Ok(("answer", points::all_to_the_first(points)))
            }
            (None, KindView::Number(number)) => {
                self.choice.refuse(|| number::describe(number))?;
                Ok(("answer", number::middle(number)))
            }
            (None, KindView::Words(words)) => {
                self.choice.refuse(|| words::describe(words))?;
                Ok(("answer", words::usual()))
            }
        }
    }
}

/// `NewPoll` has the flags that say what a new poll asks whose ballots hold no texts.
#[derive(clap::Args)]
pub struct NewPoll {
    /// Question of the new poll
    #[arg(long, value_name = "TEXT", requires = "subject")]
    question: Option<String>,
    #[command(flatten)]
    choice: choice::NewPoll,
    #[command(flatten)]
    rating: rating::NewPoll,
    #[command(flatten)]
    ranking: ranking::NewPoll,
    #[command(flatten)]
    points: points::NewPoll,
    #[command(flatten)]
    number: number::NewPoll,
}

impl NewPoll {
    /// Returns the poll as an organiser writes it.
    pub fn body(&self) -> Value {
        let Some(question) = &self.question else { return usual_poll() };
        let mut body = json!({ "question": question });
        self.choice.write(&mut body);
        self.rating.write(&mut body);
        self.ranking.write(&mut body);
        self.points.write(&mut body);
        self.number.write(&mut body);
        body
    }
}

/// `NewPollOfAnyKind` has the flags that say what a new poll asks.
#[derive(clap::Args)]
pub struct NewPollOfAnyKind {
    #[command(flatten)]
    plain: NewPoll,
    #[command(flatten)]
    words: words::NewPoll,
}

impl NewPollOfAnyKind {
    /// Returns the poll as an organiser writes it.
    pub fn body(&self) -> Value {
        let mut body = self.plain.body();
        self.words.write(&mut body);
        body
    }
}

/// `COLUMNS` has each kind's own columns in a sheet of ballots. The first of a kind's columns has the answer in
/// numbers or names, and the second one as people read it.
pub const COLUMNS: [&[&str]; 6] = [
    &choice::COLUMNS,
    &rating::COLUMNS,
    &ranking::COLUMNS,
    &points::COLUMNS,
    &number::COLUMNS,
    &words::COLUMNS,
];

/// Returns the columns of [`COLUMNS`] that ballots in polls of this kind fill.
pub fn columns(kind: &Kind) -> &'static [&'static str; 2] {
    match kind {
        Kind::Choice(_) => &choice::COLUMNS,
        Kind::Rating(_) => &rating::COLUMNS,
        Kind::Ranking(_) => &ranking::COLUMNS,
        Kind::Points(_) => &points::COLUMNS,
        Kind::Number(_) => &number::COLUMNS,
        Kind::Words(_) => &words::COLUMNS,
    }
}

/// Returns an answer as people read it, as far as the poll's key can open it.
pub fn say(poll: &Poll, answer: &Answer) -> Vec<String> {
    let key = poll.text_key.as_ref();
    match (&poll.kind, answer) {
        (Kind::Words(words), Answer::Words(said)) => words::say(words, said, key),
        (kind, answer) => kind.say(answer, key),
    }
}

/// Returns an answer in numbers or names, as one cell of a sheet.
pub fn cell(answer: &Answer) -> String {
    match answer {
        Answer::Choice(marked) => choice::cell(*marked),
        Answer::Rating(_) | Answer::Ranking(_) | Answer::Points(_) | Answer::Words(_) => {
            answer.to_member().1.to_string()
        }
        // JSON may have an exponent, which sheets do without.
        Answer::Number(number) => number.to_string(),
    }
}

/// `BarRow` is one line of a poll's picture in a terminal.
pub struct BarRow<'a> {
    /// The text of what was answered.
    pub text: Cow<'a, str>,
    /// The part of the room that the bar takes, and whether the bar is the longest. `None` while hidden.
    pub bar: Option<(f64, bool)>,
    /// The number that the bar stands for.
    pub number: String,
    /// The note beside the bar.
    pub note: String,
}

/// Returns the rows of the poll's picture. Of a kind that has no bound of its own they are at most `most`.
pub fn rows(poll: &PollView, most: usize) -> Vec<BarRow<'_>> {
    match &poll.kind {
        KindView::Choice(choice) => choice::rows(choice, poll.total_voters.unwrap_or(0)),
        KindView::Rating(rating) => rating::rows(rating),
        KindView::Ranking(ranking) => ranking::rows(ranking),
        KindView::Points(points) => points::rows(points),
        KindView::Number(number) => number::rows(number),
        KindView::Words(words) => words::rows(words, poll.total_voters.unwrap_or(0), most),
    }
}

/// Returns a line of figures below the picture of so many rows, of kinds that have some of the poll as a whole.
pub fn summary(poll: &PollView, rows: usize) -> Option<String> {
    match &poll.kind {
        KindView::Number(number) => number::summary(number),
        KindView::Words(words) => words::summary(words, rows),
        KindView::Choice(_) | KindView::Rating(_) | KindView::Ranking(_) | KindView::Points(_) => {
            None
        }
    }
}

/// Returns the lines in which a recount tells people more of a result than its number of votes.
pub fn recounted(standing: &Standing) -> Vec<String> {
    match &standing.poll.kind {
        Kind::Words(words) => {
            words::recounted(words, &standing.cloud(), standing.poll.text_key.as_ref())
        }
        Kind::Choice(_)
        | Kind::Rating(_)
        | Kind::Ranking(_)
        | Kind::Points(_)
        | Kind::Number(_) => Vec::new(),
    }
}

/// Returns the bar of a number among several, of which `most` is the greatest, as a [`BarRow`] has it.
fn bar(number: u64, most: u64) -> (f64, bool) {
    (number as f64 / most.max(1) as f64, number == most && number > 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::{Args, Command};

    use super::*;

    fn described(kind: Value) -> KindView {
        serde_json::from_value(kind).unwrap()
    }

    fn choice() -> KindView {
        let options = ["a", "b"].map(|text| json!({ "id": 1, "text": text, "votes": 0 }));
        described(json!({ "kind": "multiple", "maxChoices": 2, "options": options }))
    }

    fn rating() -> KindView {
        let statements = [1, 2]
            .map(|id| json!({ "id": id, "text": "a", "votes": 0, "mean": 0.0, "spread": [] }));
        described(json!({
            "kind": "rating", "steps": 4, "lowest": 0, "lowLabel": "", "highLabel": "",
            "symbol": "numbers", "statements": statements,
        }))
    }

    fn ranking() -> KindView {
        let option = |id| {
            json!({
                "id": id, "text": "a", "votes": 0, "points": 0, "first": 0, "mean": null, "spread": [],
            })
        };
        let options = [1, 2, 3].map(option);
        described(json!({ "kind": "ranking", "places": 2, "options": options }))
    }

    fn points(budget: u16) -> KindView {
        let options =
            [1, 2, 3].map(|id| json!({ "id": id, "text": "a", "points": 0, "people": 0 }));
        described(json!({ "kind": "points", "budget": budget, "options": options }))
    }

    fn words(most: u8) -> KindView {
        described(json!({
            "kind": "words", "maxWords": most, "approve": false, "words": [], "moreWords": 0,
            "otherVotes": 0, "unshownVotes": 0,
        }))
    }

    fn number() -> KindView {
        described(json!({
            "kind": "number", "min": -1, "max": 2.5, "step": 0.5, "unit": "kg", "solution": null,
            "votes": 0, "mean": null, "median": null, "spread": [0, 0, 0, 0, 0, 0, 0, 0],
            "nearest": null,
        }))
    }

    /// Reads flags as a command does that has the flags of `F`, and those that they refer to.
    fn typed<F: Args>(flags: &[&str]) -> Result<F, String> {
        let other = ["cast", "ballot"].map(|name| clap::Arg::new(name).long(name).num_args(0));
        let command = F::augment_args(Command::new("test")).args(other);
        let typed = command.try_get_matches_from([&["test"], flags].concat());
        let typed = typed.map_err(|error| error.to_string())?;
        F::from_arg_matches(&typed).map_err(|error| error.to_string())
    }

    #[test]
    fn flags_say_a_vote_in_a_poll_of_any_kind() {
        let said = |flags: &[&str], poll: &KindView| {
            let vote: Vote = typed(&[&["--cast"], flags].concat()).unwrap();
            vote.member(poll).map_err(|failure| failure.message)
        };
        assert_eq!(said(&[], &choice()), Ok(("optionId", json!(1))));
        assert_eq!(said(&["--option", "2"], &choice()), Ok(("optionId", json!(2))));
        assert_eq!(said(&["--answer", "[1,2]"], &choice()), Ok(("answer", json!([1, 2]))));
        assert_eq!(said(&[], &rating()), Ok(("answer", json!([3, 3]))));
        let skipping = json!([null, 0]);
        assert_eq!(said(&["--answer", "[null,0]"], &rating()), Ok(("answer", skipping)));
        assert_eq!(said(&[], &ranking()), Ok(("answer", json!([1, 2]))));
        assert_eq!(said(&["--answer", "[3]"], &ranking()), Ok(("answer", json!([3]))));
        assert_eq!(said(&[], &points(9)), Ok(("answer", json!([9, 0, 0]))));
        assert_eq!(said(&["--answer", "[0,1,2]"], &points(9)), Ok(("answer", json!([0, 1, 2]))));
        assert_eq!(said(&[], &number()), Ok(("answer", json!(1))));
        assert_eq!(said(&["--answer", "-0.5"], &number()), Ok(("answer", json!(-0.5))));
        assert_eq!(said(&[], &words(3)), Ok(("answer", json!(["Pollux"]))));
        let typed = json!(["rust", "fast builds"]);
        let flags = ["--answer", r#"["rust","fast builds"]"#];
        assert_eq!(said(&flags, &words(3)), Ok(("answer", typed)));
        let refused = said(&["--option", "2"], &words(3)).unwrap_err();
        insta::assert_snapshot!(refused, @r#"--option is for a choice, and this poll takes words: give --answer with a list of 1 to 3 words or short phrases, such as ["rust","fast builds"]"#);
        let refused = said(&["--option", "2"], &words(1)).unwrap_err();
        insta::assert_snapshot!(refused, @r#"--option is for a choice, and this poll takes words: give --answer with a list of one word or short phrase, such as ["rust"]"#);
        let refused = said(&["--option", "2"], &number()).unwrap_err();
        insta::assert_snapshot!(refused, @"--option is for a choice, and this poll takes a number: give --answer with one from -1 to 2.5, in steps of 0.5");
        let refused = said(&["--option", "2"], &ranking()).unwrap_err();
        insta::assert_snapshot!(refused, @"--option is for a choice, and this poll is a ranking: give --answer with the numbers of 1 to 2 of its 3 options, the best first");
        let refused = said(&["--option", "2"], &points(9)).unwrap_err();
        insta::assert_snapshot!(refused, @"--option is for a choice, and this poll takes points: give --answer with whole points for each of its 3 options, from 1 to 9 in all");
        let refused = said(&["--option", "2"], &rating()).unwrap_err();
        insta::assert_snapshot!(refused, @"--option is for a choice, and this poll is a rating: give --answer with a step from 0 to 3, or null, for each of its 2 statements");
    }

    #[test]
    fn flags_of_two_answers_or_none_are_refused() {
        for flags in [
            &["--cast", "--option", "1", "--answer", "[1]"][..],
            &["--option", "1"],
            &["--answer", "[1]"],
            &["--cast", "--answer", "[1,"],
            &["--cast", "--answer", "five"],
            &["--cast", "--answer", "{}"],
            &["--cast", "--answer", "null"],
        ] {
            assert!(typed::<Vote>(flags).is_err(), "{flags:?}");
        }
    }

    #[test]
    fn flags_make_a_poll_of_any_kind() {
        let made = |flags: &[&str]| typed::<NewPollOfAnyKind>(flags).map(|made| made.body());
        assert_eq!(made(&[]), Ok(usual_poll()));
        assert_eq!(
            made(&["--question", "?", "--option", "a", "--option", "b"]),
            Ok(json!({ "question": "?", "options": ["a", "b"] }))
        );
        assert_eq!(
            made(&["--question", "?", "--statement", "a", "--statement", "b", "--steps", "7"]),
            Ok(json!({ "question": "?", "statements": ["a", "b"], "steps": 7 }))
        );
        let options = ["--question", "?", "--option", "a", "--option", "b"];
        for (flags, kind, member, value) in [
            (["--places", "1"], "ranking", "places", 1),
            (["--budget", "9"], "points", "budget", 9),
        ] {
            let body =
                json!({ "question": "?", "options": ["a", "b"], "kind": kind, member: value });
            assert_eq!(made(&[&options[..], &flags].concat()), Ok(body));
        }
        let bounds = ["--max", "2.5", "--min", "-1", "--step", "0.5"];
        let beside = ["--unit", "kg", "--solution", "-0.25"];
        assert_eq!(
            made(&[&["--question", "?"], &bounds[..], &beside].concat()),
            Ok(json!({
                "question": "?", "kind": "number", "max": 2.5, "min": -1, "step": 0.5, "unit": "kg",
                "solution": -0.25,
            }))
        );
        assert_eq!(
            made(&["--question", "?", "--max", "9"]),
            Ok(json!({ "question": "?", "kind": "number", "max": 9 }))
        );
        assert_eq!(
            made(&["--question", "?", "--max-words", "2", "--approve"]),
            Ok(json!({ "question": "?", "kind": "words", "maxWords": 2, "approve": true }))
        );
        assert_eq!(
            made(&["--question", "?", "--max-words", "1"]),
            Ok(json!({ "question": "?", "kind": "words", "maxWords": 1 }))
        );
        let of_words = ["--question", "?", "--max-words", "2"];
        for other in [
            "--option",
            "--statement",
            "--steps",
            "--places",
            "--budget",
            "--max",
            "--min",
            "--step",
            "--unit",
            "--solution",
        ] {
            assert!(made(&[&of_words[..], &[other, "1"]].concat()).is_err(), "{other}");
        }
        for wrong in [
            &["--max-words", "2"][..],
            &["--question", "?", "--approve"],
            &["--question", "?", "--option", "a", "--option", "b", "--approve"],
            &["--question", "?", "--statement", "a", "--approve"],
            &["--question", "?", "--max", "9", "--approve"],
            &["--question", "?", "--max-words", "two"],
        ] {
            assert!(made(wrong).is_err(), "{wrong:?}");
        }
        for wrong in [
            &["--question", "?"][..],
            &["--max", "9"],
            &["--question", "?", "--min", "0"],
            &["--question", "?", "--unit", "kg"],
            &["--question", "?", "--max", "nine"],
            &["--question", "?", "--max", "9", "--option", "a"],
            &["--question", "?", "--max", "9", "--statement", "a"],
            &["--question", "?", "--option", "a", "--option", "b", "--solution", "1"],
            &["--question", "?", "--statement", "a", "--min", "1"],
            &["--question", "?", "--statement", "a", "--step", "1"],
            &["--question", "?", "--option", "a", "--option", "b", "--unit", "kg"],
            &["--option", "a"],
            &["--statement", "a"],
            &["--question", "?", "--option", "a", "--statement", "b"],
            &["--question", "?", "--option", "a", "--steps", "7"],
            &["--question", "?", "--statement", "a", "--places", "1"],
            &["--question", "?", "--statement", "a", "--budget", "9"],
            &["--question", "?", "--option", "a", "--places", "1", "--budget", "9"],
            &["--places", "1"],
        ] {
            assert!(made(wrong).is_err(), "{wrong:?}");
        }
    }

    /// Returns the kind of a poll as the store keeps it.
    fn kept(kind: Value) -> Kind {
        serde_json::from_value(kind).unwrap()
    }

    #[test]
    fn whatever_is_asked_the_answers_drawn_are_allowed() {
        use pollux_core::kind::words::Names;
        use rand::SeedableRng;
        let mut dice = StdRng::seed_from_u64(7);
        let points = |budget: u16| {
            let options = ["a", "b", "c"];
            kept(json!({ "kind": "points", "budget": budget, "options": options }))
        };
        let words = |most: u8| kept(json!({ "kind": "words", "maxWords": most }));
        for (view, kind) in [
            (choice(), kept(json!({ "kind": "multiple", "maxChoices": 2, "options": ["a", "b"] }))),
            (
                rating(),
                kept(json!({
                    "kind": "rating", "statements": ["a", "b"], "steps": 4, "lowest": 0,
                    "lowLabel": "", "highLabel": "", "symbol": "numbers",
                })),
            ),
            (
                ranking(),
                kept(json!({ "kind": "ranking", "places": 2, "options": ["a", "b", "c"] })),
            ),
            (self::points(1), points(1)),
            (self::points(7), points(7)),
            (self::points(1000), points(1000)),
            (
                number(),
                kept(json!({
                    "kind": "number", "min": -1, "max": 2.5, "step": 0.5, "unit": "kg",
                })),
            ),
            (self::words(1), words(1)),
            (self::words(10), words(10)),
        ] {
            let form = form(&view).unwrap();
            assert_eq!(form, kind.form());
            let answers = Answers::new(form, 1.0);
            let mut counts = vec![0; form.slots()];
            let key = TextKey::new([7; 64]);
            for _ in 0..500 {
                let drawn = answers.draw(&mut dice);
                let answer = read(&kind, &drawn, Some(&key)).expect("it is allowed");
                form.marks(&answer, &Names::default(), |slot, weight| counts[slot] += weight);
            }
            assert!(counts.iter().all(|count| *count > 0), "any mark may be drawn: {counts:?}");
        }
    }
}
