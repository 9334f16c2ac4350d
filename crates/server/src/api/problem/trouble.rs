//! The one error table.
//!
//! Each row is a kind of trouble with its stable slug. The `type` of a problem document is
//! `/docs/errors/{slug}`, where this server serves the text `docs/errors/{slug}.md`.

use http::StatusCode;
use serde::{Serialize, Serializer};

/// The kinds of things that can go wrong, as far as a client can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// The body is not JSON.
    MalformedJson,
    /// A part of the request other than its body cannot be read.
    MalformedRequest,
    /// The owner's or operator's token is needed.
    NoToken,
    /// The token is not the right one.
    WrongToken,
    /// The request comes from a page of another site.
    ForeignOrigin,
    /// No poll that the asker may see has this id or code.
    NoSuchPoll,
    /// The ballot is not decided yet, or was never recorded.
    NoSuchBallot,
    /// The path does not exist.
    NoSuchRoute,
    /// The path exists, but not for this method.
    MethodNotAllowed,
    /// The request did not arrive in time.
    RequestTimeout,
    /// The poll takes no votes now.
    PollNotOpen,
    /// The poll's status does not allow this.
    WrongStatus,
    /// Somebody else has changed the poll or event, or keeps changing it.
    ChangedMeanwhile,
    /// The body is longer than is accepted.
    BodyTooLarge,
    /// The body is not declared as JSON.
    NotJson,
    /// The body can be read, but breaks the rules.
    RulesBroken,
    /// The idempotency key belongs to another request.
    KeyReused,
    /// The path accepts only a WebSocket handshake.
    UpgradeRequired,
    /// More requests came than are accepted.
    TooManyRequests,
    /// The headers are longer than is accepted.
    HeadersTooLarge,
    /// The ballot is certainly not recorded.
    NotRecorded,
    /// The store cannot be asked now; nothing was changed.
    StoreUnavailable,
    /// The server takes no votes now.
    NotReady,
    /// The limit of viewers is reached.
    TooManyViewers,
    /// The limit of open polls is reached.
    TooManyPolls,
    /// Nobody knows whether the ballot is recorded.
    OutcomeUnknown,
    /// Nobody knows whether the change was made.
    ChangeUnknown,
}

/// A row of the error table.
pub struct Row {
    /// The kind of trouble.
    pub trouble: Trouble,
    /// The stable name, which ends the problem's `type`.
    pub slug: &'static str,
    /// The HTTP status.
    pub status: StatusCode,
    /// A short sentence, which is always the same.
    pub title: &'static str,
    /// The seconds in `Retry-After`, unless the problem sets others.
    pub retry_after: Option<u64>,
    /// What the trouble means.
    pub meaning: &'static str,
    /// What the client can do about it.
    pub remedy: &'static str,
}

/// The error table, in the order of [`Trouble`].
#[rustfmt::skip]
pub const TABLE: [Row; 27] = [
    row(Trouble::MalformedJson, "malformed-json", 400, "The body is not valid JSON", None,
        "The request's body could not be read as one JSON value in UTF-8.",
        "Look at the line and column in `detail`. The body must be one object, with nothing after it."),
    row(Trouble::MalformedRequest, "malformed-request", 400, "The request is malformed", None,
        "A header, the path or the query could not be read.",
        "`detail` names the part and what it should look like."),
    row(Trouble::NoToken, "no-token", 401, "A token is needed", None,
        "Only the owner of the poll, or the operator of the server, may do this.",
        "Send `Authorization: Bearer <ownerToken>`, with the token that the answer to the poll's creation carried."),
    row(Trouble::WrongToken, "wrong-token", 403, "The token is not the right one", None,
        "The token is not this poll's, or was replaced by a newer one.",
        "Check that the token belongs to this poll. The operator can issue a new one with `POST /api/polls/{id}/token`."),
    row(Trouble::ForeignOrigin, "foreign-origin", 403, "Pages of this origin may not connect", None,
        "A browser said that the page which opens the WebSocket comes from another site.",
        "Open the page from this server, or add the origin to `POLLUX_ALLOWED_ORIGINS`."),
    row(Trouble::NoSuchPoll, "no-such-poll", 404, "There is no such poll", None,
        "No poll has this id or join code. A deleted poll is gone, and a draft is shown to its owner only.",
        "Check the id or code."),
    row(Trouble::NoSuchBallot, "no-such-ballot", 404, "Nothing is known of this ballot yet", None,
        "The ballot is not decided yet, or was never recorded for this voter.",
        "If you have a 202 for it, ask again in a moment. If not, send the ballot again with the same `ballotId`: it counts once."),
    row(Trouble::NoSuchRoute, "no-such-route", 404, "There is nothing at this path", None,
        "The server has no such route.",
        "See `/docs` for the routes there are."),
    row(Trouble::MethodNotAllowed, "method-not-allowed", 405, "This path does not take this method", None,
        "The route exists, but not for this HTTP method.",
        "The header `Allow` lists the methods it takes."),
    row(Trouble::RequestTimeout, "request-timeout", 408, "The request did not arrive in time", None,
        "The connection was silent, or sent its request too slowly.",
        "Send the request again on a new connection."),
    row(Trouble::PollNotOpen, "poll-not-open", 409, "The poll is not open", None,
        "The poll is closed, or its closing time has passed. Nothing was recorded for this request.",
        "Nothing, unless the organiser reopens the poll. If an earlier attempt was left unknown, ask `GET /api/polls/{id}/ballots/{ballotId}` what became of it."),
    row(Trouble::WrongStatus, "wrong-status", 409, "The poll's status does not allow this", None,
        "A draft can be edited and opened; an open or closed poll can be closed, reopened and reset.",
        "`detail` says what the poll is now."),
    row(Trouble::ChangedMeanwhile, "changed-meanwhile", 409, "It was changed meanwhile", None,
        "The poll is no longer in the phase that the change was meant for, another poll is on stage by now, or other changes came in between several times over. Nothing was changed.",
        "Read the poll or event: if it is not yet as you want it, repeat the change upon what it is now."),
    row(Trouble::BodyTooLarge, "body-too-large", 413, "The body is too large", None,
        "The request's body is longer than this server takes.",
        "`detail` says how many bytes it takes."),
    row(Trouble::NotJson, "not-json", 415, "The body must be JSON", None,
        "The header `Content-Type` does not say that the body is JSON.",
        "Send `Content-Type: application/json`."),
    row(Trouble::RulesBroken, "rules-broken", 422, "The request breaks the rules", None,
        "The body is JSON, but a field is missing, unknown, of the wrong type or outside its limits.",
        "`errors` names each place with a JSON pointer and says what is wrong there."),
    row(Trouble::KeyReused, "idempotency-key-reused", 422, "The idempotency key belongs to another request", None,
        "A different request was made under the same `Idempotency-Key` within the last day.",
        "Use a new key for a new request; send exactly the same body to repeat one."),
    row(Trouble::UpgradeRequired, "upgrade-required", 426, "This path speaks WebSocket", None,
        "The path takes a WebSocket handshake (RFC 6455, version 13) and nothing else.",
        "Connect with a WebSocket client, such as `wscat -c ws://localhost:5000/ws`."),
    row(Trouble::TooManyRequests, "too-many-requests", 429, "Too many requests", Some(1),
        "More requests came from this voter or address than are taken. The request was not carried out.",
        "Wait for as many seconds as `Retry-After` says."),
    row(Trouble::HeadersTooLarge, "headers-too-large", 431, "The request's headers are too large", None,
        "The request line and headers are longer than this server takes.",
        "Send fewer or shorter headers."),
    row(Trouble::NotRecorded, "not-recorded", 503, "The ballot is not recorded", Some(1),
        "The log did not take this request's ballot: nothing of this request is recorded, or ever will be. An earlier request with the same `ballotId` that was not answered, or with 504, may be.",
        "Send it again after as many seconds as `Retry-After` says."),
    row(Trouble::StoreUnavailable, "store-unavailable", 503, "The store is unavailable", Some(1),
        "The server cannot read or change polls at the moment. Nothing was changed.",
        "Try again after as many seconds as `Retry-After` says. Votes in polls the server knows are still taken."),
    row(Trouble::NotReady, "not-ready", 503, "The server does not take votes now", Some(1),
        "The log does not take records at the moment, or the server is stopping.",
        "Try again after as many seconds as `Retry-After` says, or ask another node."),
    row(Trouble::TooManyViewers, "too-many-viewers", 503, "Too many viewers", Some(5),
        "The server's limit of simultaneous viewers is reached.",
        "Try again later; the poll itself can still be read with `GET`."),
    row(Trouble::TooManyPolls, "too-many-polls", 503, "Too many open polls", Some(60),
        "The server's limit of polls that are open at once is reached. Nothing was made or opened.",
        "Close polls that are over, or make yours as a draft and open it later; the operator can raise `POLLUX_WATCH_OPEN_POLLS`. Polls that are open are not concerned."),
    row(Trouble::OutcomeUnknown, "outcome-unknown", 504, "It is not known whether the ballot is recorded", Some(1),
        "The log did not answer in time. The ballot may be recorded, or may come to be.",
        "Send the same ballot again, with the `ballotId` of this problem: it counts once, whatever became of the first."),
    row(Trouble::ChangeUnknown, "change-unknown", 504, "It is not known whether the change was made", Some(1),
        "The store did not say whether it made the change.",
        "Read the poll to see. A change that names its `phase`, and a creation with an `Idempotency-Key`, can be repeated safely."),
];

#[allow(clippy::too_many_arguments)]
const fn row(
    trouble: Trouble,
    slug: &'static str,
    status: u16,
    title: &'static str,
    retry_after: Option<u64>,
    meaning: &'static str,
    remedy: &'static str,
) -> Row {
    let status = match StatusCode::from_u16(status) {
        Ok(status) => status,
        Err(_) => panic!("a status"),
    };
    Row { trouble, slug, status, title, retry_after, meaning, remedy }
}

impl Serialize for Trouble {
    /// Serializes the trouble as its slug.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.row().slug)
    }
}

impl Trouble {
    /// Returns the trouble with this slug.
    pub fn named(slug: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.slug == slug).map(|row| row.trouble)
    }

    /// Returns the trouble's row of the table.
    pub fn row(self) -> &'static Row {
        let row = &TABLE[self as usize];
        debug_assert_eq!(row.trouble, self, "the table is in the order of the enum");
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_slugs_are_unique() {
        let mut slugs = std::collections::BTreeSet::new();
        for (i, row) in TABLE.iter().enumerate() {
            assert_eq!(row.trouble as usize, i, "{}", row.slug);
            assert!(slugs.insert(row.slug), "{} is there twice", row.slug);
            assert!(row.status.is_client_error() || row.status.is_server_error());
        }
    }
}
