//! The one error table.
//!
//! Each row is a kind of trouble with its stable slug. The `type` of a problem document is
//! `/docs/errors/{slug}`, where this server serves the text `docs/errors/{slug}.md`.

use http::StatusCode;
use serde::{Serialize, Serializer};

/// A trouble is a kind of thing that can go wrong, as far as a client can tell.
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

/// A `TroubleRow` is what the error table has about one trouble.
pub struct TroubleRow {
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
}

/// The error table, in the order of [`Trouble`].
#[rustfmt::skip]
pub const TABLE: [TroubleRow; 27] = [
    row(Trouble::MalformedJson, "malformed-json", 400, "The body is not valid JSON", None),
    row(Trouble::MalformedRequest, "malformed-request", 400, "The request is malformed", None),
    row(Trouble::NoToken, "no-token", 401, "A token is needed", None),
    row(Trouble::WrongToken, "wrong-token", 403, "The token is not the right one", None),
    row(Trouble::ForeignOrigin, "foreign-origin", 403, "Pages of this origin may not connect", None),
    row(Trouble::NoSuchPoll, "no-such-poll", 404, "There is no such poll", None),
    row(Trouble::NoSuchBallot, "no-such-ballot", 404, "Nothing is known of this ballot yet", None),
    row(Trouble::NoSuchRoute, "no-such-route", 404, "There is nothing at this path", None),
    row(Trouble::MethodNotAllowed, "method-not-allowed", 405, "This path does not take this method", None),
    row(Trouble::RequestTimeout, "request-timeout", 408, "The request did not arrive in time", None),
    row(Trouble::PollNotOpen, "poll-not-open", 409, "The poll is not open", None),
    row(Trouble::WrongStatus, "wrong-status", 409, "The poll's status does not allow this", None),
    row(Trouble::ChangedMeanwhile, "changed-meanwhile", 409, "It was changed meanwhile", None),
    row(Trouble::BodyTooLarge, "body-too-large", 413, "The body is too large", None),
    row(Trouble::NotJson, "not-json", 415, "The body must be JSON", None),
    row(Trouble::RulesBroken, "rules-broken", 422, "The request breaks the rules", None),
    row(Trouble::KeyReused, "idempotency-key-reused", 422, "The idempotency key belongs to another request", None),
    row(Trouble::UpgradeRequired, "upgrade-required", 426, "This path speaks WebSocket", None),
    row(Trouble::TooManyRequests, "too-many-requests", 429, "Too many requests", Some(1)),
    row(Trouble::HeadersTooLarge, "headers-too-large", 431, "The request's headers are too large", None),
    row(Trouble::NotRecorded, "not-recorded", 503, "The ballot is not recorded", Some(1)),
    row(Trouble::StoreUnavailable, "store-unavailable", 503, "The store is unavailable", Some(1)),
    row(Trouble::NotReady, "not-ready", 503, "The server does not take votes now", Some(1)),
    row(Trouble::TooManyViewers, "too-many-viewers", 503, "Too many viewers", Some(5)),
    row(Trouble::TooManyPolls, "too-many-polls", 503, "Too many open polls", Some(60)),
    row(Trouble::OutcomeUnknown, "outcome-unknown", 504, "It is not known whether the ballot is recorded", Some(1)),
    row(Trouble::ChangeUnknown, "change-unknown", 504, "It is not known whether the change was made", Some(1)),
];

const fn row(
    trouble: Trouble,
    slug: &'static str,
    status: u16,
    title: &'static str,
    retry_after: Option<u64>,
) -> TroubleRow {
    let status = match StatusCode::from_u16(status) {
        Ok(status) => status,
        Err(_) => panic!("a status"),
    };
    TroubleRow { trouble, slug, status, title, retry_after }
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
    pub fn row(self) -> &'static TroubleRow {
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
