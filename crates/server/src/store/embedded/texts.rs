//! What a poll whose voters write texts has beside its row: the key of these texts, and the names that were counted.
//!
//! A key that is replaced or deleted must be gone from the files. So it is kept behind as many zeros as a page has
//! bytes. SQLite keeps only the start of a long value in a page that many rows share, and rows that move from one such
//! page to another leave bytes behind. The rest of the value is on pages of its own, which never move, and which SQLite
//! overwrites when it frees them (`secure_delete`). The write-ahead log is cut off afterwards; see
//! [`Writer::destroy`](super::writer::Writer::destroy).

use std::collections::BTreeMap;

use pollux_core::id::Partition;
use pollux_core::poll::Poll;
use pollux_core::seal::{Name, Sealed, TextKey, Word};
use pollux_core::standing::TallyAt;
use rusqlite::{Connection, Row, params};

use super::PAGE;
use super::query::{many, one};
use super::rows::{PollKey, damaged};
use crate::store::key::{key_to_keep, may_have_key, read_key, take_names};
use crate::store::{NameRow, StoreError};

/// Gives a poll that was read from its row the key of its texts.
pub fn unlock(conn: &Connection, key: PollKey, poll: &mut Poll) -> Result<(), StoreError> {
    if may_have_key(poll) {
        let kept = kept(conn, key)?;
        poll.text_key = kept.map(|bytes| read(&bytes)).transpose()?;
    }
    Ok(())
}

fn kept(conn: &Connection, key: PollKey) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT text_key FROM text_keys WHERE poll = ?1";
    one(conn, sql, [key], |row| Ok(row.get(0)?))
}

fn read(kept: &[u8]) -> Result<TextKey, StoreError> {
    read_key(kept.get(PAGE..).unwrap_or_default())
}

/// Keeps the key of a changed poll. Returns whether that destroys a key.
pub fn keep_key(conn: &Connection, key: PollKey, poll: &Poll) -> Result<bool, StoreError> {
    let old = kept(conn, key)?;
    let had = || old.as_deref().map(read).transpose();
    let Some(new) = key_to_keep(poll, had)? else {
        conn.prepare_cached("DELETE FROM text_keys WHERE poll = ?1")?.execute([key])?;
        return Ok(old.is_some());
    };
    let new = [&[0; PAGE], &*new.to_bytes()].concat();
    let same = old.as_ref() == Some(&new);
    if !same {
        let sql = "INSERT OR REPLACE INTO text_keys (poll, text_key) VALUES (?1, ?2)";
        conn.prepare_cached(sql)?.execute(params![key, new])?;
    }
    Ok(!same && old.is_some())
}

/// Keeps the new names of a commit. It fails if a slot has a name already.
pub fn write_name(
    conn: &Connection,
    key: PollKey,
    partition: Partition,
    row: &NameRow,
) -> Result<(), StoreError> {
    let NameRow { round, slot, word, .. } = row;
    let values = params![key, partition, round, *slot as i64, &word.name.0[..], &word.sealed.0[..]];
    conn.prepare_cached("INSERT INTO names VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?.execute(values)?;
    Ok(())
}

/// Gives tallies of a poll their names; `tallies` may be all that the poll has, or that of one partition.
pub fn name(
    conn: &Connection,
    key: PollKey,
    poll: &Poll,
    tallies: &mut [TallyAt],
) -> Result<(), StoreError> {
    if !poll.kind.holds_texts() {
        return Ok(());
    }
    let only = if let [tally] = tallies { Some(tally.partition) } else { None };
    let sql = format!(
        "SELECT n.partition, n.slot, n.name, n.sealed FROM tallies t CROSS JOIN names n \
         ON n.poll = t.poll AND n.partition = t.partition AND n.round = t.round \
         WHERE t.poll = ?1 {} ORDER BY t.partition, n.slot",
        if only.is_some() { "AND t.partition = ?2" } else { "AND ?2 IS NULL" }
    );
    let mut names: BTreeMap<Partition, Vec<(usize, Word)>> = BTreeMap::new();
    let rows = many(conn, &sql, params![key, only], read_name)?;
    for (partition, slot, word) in rows {
        names.entry(partition).or_default().push((slot, word));
    }
    for tally in tallies {
        take_names(poll, tally, names.remove(&tally.partition).unwrap_or_default())?;
    }
    Ok(())
}

fn read_name(row: &Row<'_>) -> Result<(Partition, usize, Word), StoreError> {
    let name = row.get_ref(2)?.as_blob().map_err(damaged)?;
    let name = name.try_into().map_err(|_| damaged("a name is not 16 bytes"))?;
    let sealed = row.get_ref(3)?.as_blob().map_err(damaged)?;
    let word = Word { name: Name(name), sealed: Sealed(sealed.into()) };
    Ok((row.get(0)?, row.get::<_, i64>(1)? as usize, word))
}
