//! The members of a rating, as an organiser writes them.

use pollux_core::kind::rating::{Draft, KindWord, Symbol};

use crate::api::http::fields::{Fields, string, whole, word};

/// The members of a rating in a poll's body.
pub const MEMBERS: [&str; 7] =
    ["statements", "kind", "steps", "lowest", "lowLabel", "highLabel", "symbol"];

/// Applies the members of a rating to a draft.
pub fn write(fields: &mut Fields, draft: &mut Draft) {
    fields.take("kind", |given| {
        given.map_or(Ok(()), |v| word(v, &[(KindWord::Rating.as_str(), ())]))
    });
    // What nobody has chosen follows from the scale.
    if fields.members.contains_key("steps") {
        draft.lowest = None;
    }
    if ["steps", "lowest"].iter().any(|name| fields.members.contains_key(*name)) {
        draft.symbol = None;
    }
    if let Some(statements) = fields.texts("statements") {
        draft.statements = statements;
    }
    fields.take("steps", |given| {
        draft.steps = given.map(whole).transpose()?;
        Ok(())
    });
    fields.take("lowest", |given| {
        draft.lowest = given.map(whole).transpose()?;
        Ok(())
    });
    fields.take("lowLabel", |given| {
        draft.low_label = given.map_or(Ok(String::new()), string)?;
        Ok(())
    });
    fields.take("highLabel", |given| {
        draft.high_label = given.map_or(Ok(String::new()), string)?;
        Ok(())
    });
    fields.take("symbol", |given| {
        let words = [Symbol::Stars, Symbol::Numbers].map(|symbol| (symbol.as_str(), symbol));
        draft.symbol = given.map(|v| word(v, &words)).transpose()?;
        Ok(())
    });
}
