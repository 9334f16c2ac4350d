//! A dead record's copy on `votes.dead` has the record's key and value, cut where they are too
//! long, and headers that say where the record stands on `votes` and why it is dead.

use bytes::Bytes;
use pollux_core::id::{Generation, Partition};
use rdkafka::message::{Header, OwnedHeaders};

use crate::log::DeadRecord;

/// The most bytes of a key and of a value that are copied. A record of `votes` may be as long as
/// the brokers allow; with headers added, its copy would be longer than that and would never be
/// taken.
const MOST: usize = 400 << 10;
/// The most bytes of the reason, which may quote the record.
const REASON: usize = 1024;

/// A copy holds a dead record in the form in which it is sent.
pub(super) struct Copy {
    pub key: Bytes,
    pub value: Bytes,
    pub headers: OwnedHeaders,
}

/// Creates the copy of a dead record.
pub(super) fn copy(generation: Generation, partition: Partition, record: &DeadRecord) -> Copy {
    let DeadRecord { offset, key, value, reason } = record;
    let reason = &reason[..reason.floor_char_boundary(REASON)];
    let mut headers = OwnedHeaders::new()
        .insert(header("generation", &generation.to_string()))
        .insert(header("partition", &partition.to_string()))
        .insert(header("offset", &offset.to_string()))
        .insert(header("reason", reason));
    if key.len().max(value.len()) > MOST {
        headers = headers.insert(header("cut", "true"));
    }
    let cut = |bytes: &Bytes| bytes.slice(..bytes.len().min(MOST));
    Copy { key: cut(key), value: cut(value), headers }
}

fn header<'a>(key: &'a str, value: &'a str) -> Header<'a, &'a str> {
    Header { key, value: Some(value) }
}
