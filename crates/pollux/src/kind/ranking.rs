//! What the command line knows of a ranking: an audience ranks the first options high, and a bar shows an option's
//! points.

use std::num::TryFromIntError;

use pollux_core::kind::RowId;
use pollux_core::kind::ranking::{Form, Order};
use pollux_server::watch::view::kind::ranking::{RankingOptionView, RankingView};
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::{BarRow, bar};
use crate::terminal::grouped;

/// Returns the sample polls of the demo.
pub fn samples() -> [Value; 1] {
    [json!({
        "question": "What should we build first?",
        "kind": "ranking",
        "options": ["A mobile app", "A calendar", "Single sign-on", "An archive"],
        "places": 3,
        "open": true,
    })]
}

/// Returns what an answer may say.
pub fn form(described: &RankingView) -> Result<Form, TryFromIntError> {
    Ok(Form { options: described.options.len().try_into()?, places: described.places })
}

/// Returns the number of options, each of which has its own popularity.
pub fn ranks(form: Form) -> u8 {
    form.options
}

/// Gives one place, or as many more as there are. Each goes to a favourite, or, if that has a place already, to the
/// next option that has none.
pub fn draw(form: Form, rank: impl Fn(&mut StdRng) -> u8, dice: &mut StdRng) -> Order {
    let mut order: Vec<RowId> = Vec::new();
    for _ in 0..dice.random_range(1..=form.places) {
        let favourite = rank(dice);
        let mut from_there = (0..form.options).map(|n| (favourite + n) % form.options + 1);
        order.extend(from_there.find(|option| !order.contains(option)));
    }
    Order::of(order)
}

/// A sheet of ballots has these columns for the options that were ranked.
pub const COLUMNS: [&str; 2] = ["answer", "ranked"];

/// Returns the answer that ranks the options in the organiser's order.
pub fn in_order(ranking: &RankingView) -> Value {
    (1..=ranking.places).collect()
}

/// Says which answers a ranking takes.
pub fn describe(ranking: &RankingView) -> String {
    format!(
        "this poll is a ranking: give --answer with the numbers of 1 to {} of its {} options, the best first",
        ranking.places,
        ranking.options.len()
    )
}

/// `NewPoll` has the flag that makes the options of a new poll those of a ranking.
#[derive(clap::Args)]
#[group(skip)]
pub struct NewPoll {
    /// Most options that a ballot may rank; makes the new poll a ranking
    #[arg(
        long,
        value_name = "COUNT",
        requires = "option",
        conflicts_with_all = ["statement", "budget"]
    )]
    places: Option<u64>,
}

impl NewPoll {
    /// Writes the kind and the places into the poll's body, if they are given.
    pub fn write(&self, body: &mut Value) {
        if let Some(places) = self.places {
            body["kind"] = "ranking".into();
            body["places"] = places.into();
        }
    }
}

/// Returns a row for each option, with its points as a bar and the mean of its places as a note.
pub fn rows(ranking: &RankingView) -> Vec<BarRow<'_>> {
    let most = ranking.options.iter().filter_map(|option| option.points).max().unwrap_or(0);
    let rows = ranking.options.iter().map(|RankingOptionView { text, points, mean, .. }| BarRow {
        text: text.into(),
        bar: points.map(|points| bar(points, most)),
        number: points.map_or("–".into(), grouped),
        note: match (points, mean) {
            (None, _) => String::new(),
            (_, None) => "place –".into(),
            (_, Some(mean)) => format!("place {mean:.1}"),
        },
    });
    rows.collect()
}
