//! The OpenAPI 3.1 document, built from the handlers. Problems that follow from what an operation takes are
//! added here by rule, so that no handler has to repeat them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use utoipa::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder, Server};

use super::operations::Operations;
use crate::api::App;
use crate::api::http::answer;
use crate::api::problem::{FieldError, ProblemDocument, Trouble};

/// The extension in which a handler names its troubles.
const TROUBLES: &str = "x-troubles";

/// `Head` is the head of the document, with the schemas that all operations share.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Pollux",
        description = "Live polls whose votes are durable before they are acknowledged, and counted exactly once.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    tags(
        (name = "polls", description = "Creating and reading polls"),
        (name = "events", description = "Polls under one title and one join code, one of which is on stage"),
        (name = "voting", description = "Casting ballots. 202 means that the ballot is durable. If an answer is lost, send the ballot again with the same `ballotId`: it counts once"),
        (name = "watching", description = "Server-sent events; the WebSocket at `/ws` carries the same"),
        (name = "owner", description = "Requests that take the `ownerToken`"),
        (name = "server", description = "Health and metrics"),
    ),
    components(schemas(ProblemDocument, FieldError)),
)]
struct Head;

/// Builds the document.
pub fn whole() -> utoipa::openapi::OpenApi {
    let mut document = Head::openapi();
    document.merge(Operations::openapi());
    add_token_schemes(&mut document);
    add_all_problems(&mut document);
    document
}

fn add_token_schemes(document: &mut utoipa::openapi::OpenApi) {
    let components = document.components.get_or_insert_default();
    for (name, description) in [
        ("owner", "The poll's `ownerToken`, or the operator's token"),
        ("stage", "The `stageToken` of the poll or its event, which can only show and reveal"),
        ("operator", "The operator's token (`POLLUX_ADMIN_TOKEN`)"),
    ] {
        let scheme =
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description));
        components.add_security_scheme(name, SecurityScheme::Http(scheme.build()));
    }
}

fn add_all_problems(document: &mut utoipa::openapi::OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let operations =
            [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            add_problems(path, operation);
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

/// Returns the troubles of an operation: first those that follow from what it takes, then those that its
/// handler names in `x-troubles`, which is removed from the document.
fn troubles(path: &str, operation: &mut Operation) -> Vec<Trouble> {
    use Trouble::*;
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
    let nobody = SecurityRequirement::default();
    if operation.security.as_ref().is_some_and(|tokens| !tokens.contains(&nobody)) {
        list.extend([NoToken, WrongToken]);
    }
    let named = operation.extensions.take().and_then(|mut named| named.remove(TROUBLES));
    let slugs = named.iter().flat_map(|named| named.as_array().into_iter().flatten());
    list.extend(slugs.map(|slug| {
        let trouble = slug.as_str().and_then(Trouble::named);
        trouble.expect("a handler names its troubles by their slugs")
    }));
    list
}

/// Answers with the document. It names its server in full, because the reader of a copy (Postman, a generator
/// of clients) cannot tell from a path where it came from.
pub async fn document(State(app): State<Arc<App>>) -> Response {
    let json = app.openapi.get_or_init(|| {
        let mut document = whole();
        document.servers = Some(vec![Server::new(app.public_url())]);
        document.to_pretty_json().expect("the document is plain data").into()
    });
    answer::served(json)
}
