//! The reader of what organisers write of a poll, field by field, which names all errors at once.

use pollux_core::poll::{Draft, Results, Revote, Turnout};

use crate::api::http::fields::{Fields, boolean, string, time, whole, word};
use crate::api::http::json;
use crate::api::kind;
use crate::api::problem::Problem;

/// The members that every kind of poll has besides the question.
const FIELDS: &str = "revote, results, turnout, voterIds, listed, closesAt, closesAfter, embed";

/// Reads a new poll, and whether it opens at once.
pub fn create(body: &[u8], opens: bool) -> Result<(Draft, bool), Problem> {
    let mut fields = Fields::of(body)?;
    let mut draft = Draft::new("", Vec::<String>::new());
    let given = fields.names();
    write(&mut fields, &mut draft);
    for required in ["question", kind::members(&draft.kind)[0]] {
        if !given.iter().any(|name| name == required) {
            fields.wrong(required, "is required");
        }
    }
    let mut open = opens;
    fields.take("open", |given| {
        open = given.map_or(Ok(opens), boolean)?;
        Ok(())
    });
    fields.finish(&format!("{}, open", known(&draft)))?;
    Ok((draft, open))
}

/// Applies a merge patch to a draft.
pub fn patch(body: &[u8], mut draft: Draft) -> Result<Draft, Problem> {
    let mut fields = Fields::of(body)?;
    // If only one of the two times is written, it replaces the other.
    let set = |name| fields.members.get(name).is_some_and(|value| !value.is_null());
    match (set("closesAt"), set("closesAfter")) {
        (true, false) => draft.closes_after = None,
        (false, true) => draft.closes_at = None,
        _ => {}
    }
    write(&mut fields, &mut draft);
    fields.finish(&known(&draft))?;
    Ok(draft)
}

/// Returns the members that a body for this draft may have.
fn known(draft: &Draft) -> String {
    format!("question, {}, {FIELDS}", kind::members(&draft.kind).join(", "))
}

/// Returns whether a patch changes nothing but the sites that may frame the poll.
pub fn only_embed(body: &[u8]) -> bool {
    json::object(body).is_ok_and(|members| members.len() == 1 && members.contains_key("embed"))
}

/// Replaces what the draft has with every member that is there.
fn write(fields: &mut Fields, draft: &mut Draft) {
    fields.take("question", |given| {
        draft.question = string(given.unwrap_or_default())?;
        Ok(())
    });
    kind::write(fields, &mut draft.kind);
    fields.take("revote", |given| {
        let words = [("replace", Revote::Replace), ("refuse", Revote::Refuse)];
        draft.revote = given.map_or(Ok(Revote::default()), |v| word(v, &words))?;
        Ok(())
    });
    fields.take("results", |given| {
        let words = [
            ("live", Results::Live),
            ("afterVote", Results::AfterVote),
            ("hidden", Results::Hidden),
        ];
        draft.results = given.map_or(Ok(Results::default()), |v| word(v, &words))?;
        Ok(())
    });
    fields.take("turnout", |given| {
        let words = [("shown", Turnout::Shown), ("hidden", Turnout::Hidden)];
        draft.turnout = given.map_or(Ok(Turnout::default()), |v| word(v, &words))?;
        Ok(())
    });
    fields.take("voterIds", |given| {
        draft.voter_ids = given.map_or(Ok(true), boolean)?;
        Ok(())
    });
    fields.take("listed", |given| {
        draft.listed = given.map_or(Ok(true), boolean)?;
        Ok(())
    });
    fields.take("closesAt", |given| {
        draft.closes_at = given.map(time).transpose()?;
        Ok(())
    });
    fields.take("closesAfter", |given| {
        draft.closes_after = given.map(whole).transpose()?;
        Ok(())
    });
    if let Some(embed) = fields.strings("embed") {
        draft.embed = embed;
    }
}
