//! The operations of the OpenAPI document: all routes except pages and sockets.

use utoipa::OpenApi;

use crate::api::event::{
    change as events, create as event_create, logo, polls as event_polls, read as event_read,
    stage, token as event_token,
};
use crate::api::figures::{export, leaderboard, pulse, replay, trend};
use crate::api::live::streams;
use crate::api::operate::{address, health, status};
use crate::api::poll::{change as owner, create, list, moderate, read, token, words};
use crate::api::vote::{cast, fate};
/// `Operations` lists the handlers, which hold their documents themselves.
#[rustfmt::skip]
#[derive(OpenApi)]
#[openapi(paths(
    create::create, list::list, read::read, cast::cast, fate::fate, leaderboard::read,
    streams::all_events, streams::poll_events, owner::edit, owner::open, owner::close,
    owner::reopen, owner::reveal, owner::reset, owner::delete, words::list, moderate::moderate,
    token::reissue,
    event_create::create, event_read::read, events::edit, events::delete, event_polls::add,
    stage::show, event_token::stage, event_token::poll_stage, event_token::reissue,
    logo::get, logo::put, logo::delete, health::alive, health::ready, health::metrics,
    pulse::read, pulse::event, trend::read, replay::read, export::read, status::read,
    address::read,
))]
pub struct Operations;
