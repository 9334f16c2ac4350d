//! The OpenAPI 3.1 document, made from the handlers. What can go wrong is added here by rule,
//! so that no handler has to repeat it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder, Server};
use utoipa::{Modify, OpenApi};

use crate::api::App;
use crate::api::event::{
    change as events, create as event_create, logo, polls as event_polls, read as event_read,
    shape as event_shape, stage, token as event_token,
};
use crate::api::figures::{export, leaderboard, pulse, replay, trend};
use crate::api::http::answer;
use crate::api::live::streams;
use crate::api::operate::{address, health, status};
use crate::api::poll::{change as owner, create, list, read, shape as poll_shape, token};
use crate::api::problem::{FieldError, ProblemDocument, Trouble};
use crate::api::vote::{cast, fate, receipt, shape as vote_shape};
use crate::watch::view;

/// The whole of it.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Pollux",
        description = "Live polls whose votes are durable before they are acknowledged, and counted exactly once.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    tags(
        (name = "polls", description = "Making and reading polls"),
        (name = "events", description = "Polls under one title and one code, one of which is on stage"),
        (name = "voting", description = "Casting ballots. 202 means durable; send a ballot again with the same `ballotId` when an answer is lost: it counts once"),
        (name = "watching", description = "Server-sent events; the WebSocket at `/ws` carries the same"),
        (name = "owner", description = "What the holder of `ownerToken` does"),
        (name = "server", description = "Health and metrics"),
    ),
    paths(
        create::create, list::list, read::read, cast::cast, fate::fate, leaderboard::read,
        streams::all_events, streams::poll_events, owner::edit, owner::open, owner::close,
        owner::reopen, owner::reveal, owner::reset, owner::delete, token::reissue,
        event_create::create, event_read::read, events::edit, events::delete, event_polls::add, stage::show,
        event_token::stage, event_token::poll_stage, event_token::reissue, logo::get, logo::put, logo::delete,
        health::alive, health::ready, health::metrics,
        pulse::read, pulse::event, trend::read, replay::read, export::read, status::read, address::read,
    ),
    components(schemas(
        view::PollView, view::kind::KindView, view::kind::choice::ChoiceView,
        view::kind::choice::SelectionView, view::kind::choice::OptionView,
        view::kind::rating::RatingView, view::kind::rating::RatingWord,
        view::kind::rating::SymbolView, view::kind::rating::StatementView,
        view::LeaderboardView, view::RankedOption,
        view::RankedPoll, poll_shape::NewPoll, poll_shape::PollPatch, vote_shape::VoteBody, receipt::Receipt,
        receipt::Place, list::PollList, create::CreatedPoll, token::NewToken, health::Health,
        view::event::EventView, view::event::EventPoll, event_shape::NewEvent,
        event_shape::EventPatch, event_shape::EventPollBody, event_shape::TakeIn, event_shape::Show,
        event_create::CreatedEvent, event_token::StageToken, event_token::NewEventTokens,
        ProblemDocument, FieldError,
        pulse::Pulse, pulse::VoteToScreen, pulse::EventPulse, trend::TrendView, trend::TrendPoint,
        replay::ReplayView, replay::Frame,
        export::ExportView, export::ExportedOption, address::Address,
        status::Status, status::LogStatus, status::ProcessorsStatus, status::StoreStatus,
    )),
    modifiers(&Security, &Problems),
)]
pub struct Document;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        for (name, description) in [
            ("owner", "The poll's `ownerToken`, or the operator's token"),
            (
                "stage",
                "The `stageToken` of the poll or its event: it shows and reveals, nothing else",
            ),
            ("operator", "The operator's token (`POLLUX_ADMIN_TOKEN`)"),
        ] {
            let scheme =
                HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description));
            components.add_security_scheme(name, SecurityScheme::Http(scheme.build()));
        }
    }
}

struct Problems;

impl Modify for Problems {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for (path, item) in &mut document.paths.paths {
            let operations =
                [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
            for operation in operations.into_iter().flatten() {
                add_problems(path, operation);
            }
        }
    }
}

fn add_problems(path: &str, operation: &mut Operation) {
    let mut by_status: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for trouble in troubles(path, operation) {
        let row = trouble.row();
        by_status.entry(row.status.as_u16()).or_default().push(row.title);
    }
    for (status, titles) in by_status {
        let schema = Ref::from_schema_name("Problem");
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response = ResponseBuilder::new()
            .description(titles.join("; or: "))
            .content("application/problem+json", content)
            .build();
        operation.responses.responses.insert(status.to_string(), RefOr::T(response));
    }
}

/// What can go wrong in an operation, by what it takes and does.
fn troubles(path: &str, operation: &Operation) -> Vec<Trouble> {
    use Trouble::*;
    let name = operation.operation_id.as_deref().unwrap_or_default();
    let tag = operation.tags.iter().flatten().next().map_or("", String::as_str);
    let mut list = vec![TooManyRequests];
    if operation.parameters.as_ref().is_some_and(|parameters| !parameters.is_empty()) {
        list.push(MalformedRequest);
    }
    if path.contains("{id}") {
        list.extend([NoSuchPoll, StoreUnavailable]);
    }
    if operation.request_body.is_some() {
        list.extend([MalformedJson, RequestTimeout, BodyTooLarge, NotJson, RulesBroken]);
    }
    match tag {
        "owner" if name == "exportPoll" => list.extend([NoToken, WrongToken]),
        "owner" => list.extend([NoToken, WrongToken, ChangedMeanwhile, ChangeUnknown]),
        "watching" => list.extend([NotReady, TooManyViewers]),
        _ => {}
    }
    match name {
        "createPoll" | "createEvent" => {
            list.extend([NoToken, WrongToken, KeyReused, StoreUnavailable, ChangeUnknown]);
        }
        "getReplay" => list.push(WrongStatus),
        "exportPoll" => {}
        "getStatus" => list.extend([WrongToken, NoSuchPoll]),
        "getLogo" => list.push(NoSuchRoute),
        "addPoll" => list.extend([KeyReused, WrongStatus]),
        "listPolls" => list.extend([NoToken, WrongToken, StoreUnavailable]),
        "castBallot" => list.extend([PollNotOpen, NotRecorded, OutcomeUnknown]),
        "getBallot" => list.push(NoSuchBallot),
        "watchAll" => list.extend([NoSuchPoll, StoreUnavailable]),
        "getMetrics" => list.extend([NoToken, WrongToken]),
        "getReadiness" => list.push(NotReady),
        "openPoll" => list.extend([WrongStatus, RulesBroken]),
        "reissueToken" => list.push(RulesBroken),
        _ if tag == "owner" => list.push(WrongStatus),
        _ => {}
    }
    if matches!(name, "createPoll" | "addPoll" | "openPoll" | "reopenPoll" | "showPoll") {
        list.push(TooManyPolls);
    }
    list
}

/// The document. It names its server in full: whoever reads a copy (Postman, a generator of
/// clients) cannot tell from a path where it came from.
pub async fn document(State(app): State<Arc<App>>) -> Response {
    let json = app.openapi.get_or_init(|| {
        let mut document = Document::openapi();
        document.servers = Some(vec![Server::new(app.public_url())]);
        document.to_pretty_json().expect("the document is plain data").into()
    });
    answer::served(json)
}
