//! The reader of what organisers write of an event, field by field.

use pollux_core::event::{EventDraft, Layout};
use pollux_core::id::PollId;
use serde_json::Value;

use super::shape::TakeIn;
use crate::api::http::fields::{Fields, string, word};
use crate::api::http::json::name;
use crate::api::problem::Problem;

/// A step moves the stage from one poll to another.
pub struct StageStep {
    /// The poll that comes on stage, or `None` for an empty stage.
    pub to: Option<PollId>,
    /// What the asker sees on stage, if the request says so.
    pub from: Option<Option<PollId>>,
}

/// Reads a new event.
pub fn create(body: &[u8]) -> Result<EventDraft, Problem> {
    let mut fields = Fields::of(body)?;
    if !fields.members.contains_key("title") {
        fields.wrong("title", "is required");
    }
    let draft = write(&mut fields);
    fields.finish("title, accent, layout, embed")?;
    Ok(draft)
}

/// Reads changes of an event.
pub fn patch(body: &[u8]) -> Result<EventDraft, Problem> {
    let mut fields = Fields::of(body)?;
    let mut draft = write(&mut fields);
    if let Some(ids) = fields.strings("order") {
        let order = ids.iter().enumerate().map(|(i, id)| {
            id.parse().map_err(|_| fields.wrong_at(format!("/order/{i}"), "must be a poll's id"))
        });
        draft.order = Some(order.filter_map(Result::ok).collect());
    }
    fields.finish("title, accent, layout, order, embed")?;
    Ok(draft)
}

fn write(fields: &mut Fields) -> EventDraft {
    let mut draft = EventDraft::default();
    fields.take("title", |given| {
        draft.title = Some(string(given.unwrap_or_default())?);
        Ok(())
    });
    fields.take("accent", |given| {
        draft.accent = Some(given.map(string).transpose()?);
        Ok(())
    });
    fields.take("layout", |given| {
        let words = [("bars", Layout::Bars), ("columns", Layout::Columns)];
        draft.layout = Some(given.map_or(Ok(Layout::default()), |v| word(v, &words))?);
        Ok(())
    });
    draft.embed = fields.strings("embed");
    draft
}

/// Reads which poll comes on stage.
pub fn show(body: &[u8]) -> Result<StageStep, Problem> {
    let mut fields = Fields::of(body)?;
    let to = poll_or_none(&mut fields, "poll");
    if to.is_none() {
        fields.wrong("poll", "is required: the id of a poll, or null");
    }
    let from = poll_or_none(&mut fields, "from");
    fields.finish("poll, from")?;
    Ok(StageStep { to: to.flatten(), from })
}

/// Reads a member that is the id of a poll, or null. Returns `None` if the member is missing.
fn poll_or_none(fields: &mut Fields, member: &str) -> Option<Option<PollId>> {
    let given = fields.members.remove(member)?;
    let poll = given.as_str().and_then(|text| text.parse().ok());
    let wrong = match &given {
        Value::Null => None,
        Value::String(_) if poll.is_some() => None,
        Value::String(_) => Some("must be the id of a poll, or null".to_owned()),
        other => Some(format!("must be the id of a poll, or null; it is {}", name(other))),
    };
    if let Some(detail) = wrong {
        fields.wrong(member, detail);
    }
    Some(poll)
}

/// Reads the poll to take in and its token. Returns `None` if the body is a new poll's.
pub fn take_in(body: &[u8]) -> Result<Option<TakeIn>, Problem> {
    let mut fields = Fields::of(body)?;
    if !fields.members.contains_key("pollId") && !fields.members.contains_key("pollToken") {
        return Ok(None);
    }
    let mut text = |field: &str| match fields.members.remove(field).map(string) {
        Some(Ok(text)) => text,
        wrong => {
            let detail = wrong.and_then(Result::err).unwrap_or_else(|| "is required".into());
            fields.wrong(field, detail);
            String::new()
        }
    };
    let take_in = TakeIn { poll_id: text("pollId"), poll_token: text("pollToken") };
    fields.finish("pollId, pollToken")?;
    Ok(Some(take_in))
}
