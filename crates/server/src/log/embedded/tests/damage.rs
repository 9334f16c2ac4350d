//! The files of a log are damaged, and the tests say by whom it is noticed and what is reported.

use super::*;
use crate::log::control::genesis;

/// `IMAGE` lists the files in the order in which they are copied. The sync mark comes first: if the log is written
/// to meanwhile, an older mark claims less.
const IMAGE: [&str; 3] = ["log.db-synced", "log.db", "log.db-wal"];

/// Copies the files as a crash would leave them now.
pub(super) fn image(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in IMAGE {
        match fs::copy(folder.join(name), copy.path().join(name)) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{name}"),
        }
    }
    copy
}

/// Returns the files' bytes; an empty write-ahead log equals a missing one.
fn bytes(folder: &Path) -> [Vec<u8>; 3] {
    IMAGE.map(|name| fs::read(folder.join(name)).unwrap_or_default())
}

/// Asserts that the log is refused with these words, and that not a byte is changed.
fn told(folder: &Path, words: &[&str]) {
    let before = bytes(folder);
    let said = refused(folder).to_string();
    for words in words {
        assert!(said.contains(words), "no {words:?} in: {said}");
    }
    assert!(bytes(folder) == before, "a file was changed: {said}");
}

/// Returns a log of 40 acknowledged records in partition 0, each a commit, that was killed: most of it is
/// only in the write-ahead log.
async fn killed() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path()).unwrap();
    for i in 0..40 {
        log.append(0, record(format!("{i}"))).await.unwrap();
    }
    let image = image(folder.path());
    log.shut().await;
    image
}

// ---- rows ----

#[tokio::test]
async fn every_row_that_is_not_as_it_was_written_is_found_where_it_stands() {
    let ballot = "CAST(replace(CAST(records AS TEXT), '20', '21') AS BLOB)";
    for (sql, wanted) in [
        (format!("UPDATE batches SET records = {ballot} WHERE base = 21"), &[21][..]),
        ("UPDATE batches SET digest = digest + 1 WHERE base = 21".into(), &[21, 22]),
        ("UPDATE batches SET digest = NULL WHERE base = 21".into(), &[21, 22]),
        ("UPDATE batches SET digest = 'none' WHERE base = 21".into(), &[21, 22]),
        ("UPDATE batches SET records = 7 WHERE base = 21".into(), &[21]),
        ("UPDATE batches SET count = 'two' WHERE base = 21".into(), &[21, 21]),
        ("DELETE FROM batches WHERE base = 21".into(), &[21]),
        (
            // Two rows, whole in themselves, change places.
            "CREATE TEMP TABLE kept AS SELECT * FROM batches WHERE base IN (21, 31);
             UPDATE batches SET records = (SELECT records FROM kept WHERE kept.base = 52 - batches.base),
                                digest = (SELECT digest FROM kept WHERE kept.base = 52 - batches.base)
             WHERE base IN (21, 31)"
                .into(),
            &[21, 22, 31, 32],
        ),
        ("UPDATE batches SET records = records || x'0a' WHERE base IN (21, 31)".into(), &[21, 31]),
    ] {
        let folder = folder_with(40).await;
        tamper(folder.path(), &sql);
        let reader = EmbeddedLog::open_read_only(folder.path()).unwrap();
        let found = reader.inspect(0).unwrap();
        let places: Vec<_> = found.damage.iter().map(|damage| damage.at).collect();
        assert_eq!(places, wanted, "{sql}: {:?}", found.damage);
        assert_eq!(reader.inspect(1).unwrap().damage, [], "{sql}");
        assert_eq!(reader.read(0, 0, 21).unwrap().len(), 21, "{sql}: what is whole is read");
        let error = reader.read(0, 21, 1).unwrap_err();
        assert!(matches!(error, ReadError::Damaged(_)), "{sql}: {error}");
        assert!(error.to_string().contains("log.db at offset 21 of partition 0"), "{sql}: {error}");
        drop(reader);
        told(folder.path(), &["log.db is damaged: at offset 21 of partition 0", "Restore"]);
    }
}

#[tokio::test]
async fn a_record_that_rots_while_the_log_is_in_use_is_found_and_votes_go_on() {
    let folder = folder_with(40).await;
    let log = open(folder.path()).unwrap();
    assert_eq!(log.damage(), None);
    tamper(folder.path(), "UPDATE batches SET records = x'00' WHERE base = 7");
    let told = tokio::time::timeout(LONG, async {
        loop {
            match log.damage() {
                Some(told) => break told,
                None => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    });
    let told = told.await.expect("nobody reads it, and it is found");
    assert!(told.contains("log.db at offset 7 of partition 0"), "{told}");
    log.ready().unwrap();
    log.append(0, record("40")).await.unwrap();
    let error = log.read(0, 7, 1, LONG).await.unwrap_err();
    assert!(matches!(error, ReadError::Damaged(_)), "{error}");
    log.shut().await;
}

// ---- logs from before there were checksums ----

/// Returns a log of this many records in partition 0, as the version before checksums made it.
fn old_log(records: usize) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    tamper(
        folder.path(),
        "PRAGMA page_size = 16384;
         PRAGMA journal_mode = WAL;
         PRAGMA application_id = 1350061159;
         PRAGMA user_version = 1;
         CREATE TABLE batches (
             place     INTEGER PRIMARY KEY, -- partition and base in one, in this order
             partition INTEGER AS (place >> 40) VIRTUAL,
             base      INTEGER AS (place & 1099511627775) VIRTUAL, -- offset of the first record
             count     INTEGER NOT NULL,
             records   BLOB    NOT NULL -- each: key length, value length, key, value, newline
         );",
    );
    let generation = Generation("0199a3a4-0000-7000-8000-000000000001".parse().unwrap());
    let connection = Connection::open(folder.path().join(FILE)).unwrap();
    let insert = |place: u64, record: &NewRecord| {
        let mut records = Vec::new();
        batch::push(&mut records, record);
        let sql = "INSERT INTO batches (place, count, records) VALUES (?1, 1, ?2)";
        connection.execute(sql, (place as i64, records)).unwrap();
    };
    for partition in 0..2 {
        insert(u64::from(partition) << 40, &genesis(generation, partition, 2));
    }
    for i in 0..records {
        insert(i as u64 + 1, &record(format!("{i}")));
    }
    drop(connection);
    folder
}

#[tokio::test]
async fn a_log_without_checksums_is_read_for_ever_and_has_them_from_the_first_new_record_on() {
    let folder = old_log(10);
    let before = fs::read(folder.path().join("log.db")).unwrap();
    let early = EmbeddedLog::open_read_only(folder.path()).unwrap();
    assert_eq!(early.inspect(0).unwrap(), Inspected { end: 11, unchecked: 11, damage: vec![] });
    let log = open(folder.path()).unwrap();
    log.shut().await;
    assert!(fs::read(folder.path().join("log.db")).unwrap() == before, "a start changes nothing");

    let log = open(folder.path()).unwrap();
    for i in 10..13 {
        log.append(0, record(format!("{i}"))).await.unwrap();
    }
    assert_eq!(numbers(&early), (0..13).collect::<Vec<_>>(), "by one who read it before, too");
    log.shut().await;
    let reader = EmbeddedLog::open_read_only(folder.path()).unwrap();
    assert_eq!(numbers(&reader), (0..13).collect::<Vec<_>>());
    assert_eq!(reader.inspect(0).unwrap(), Inspected { end: 14, unchecked: 11, damage: vec![] });
    assert_eq!(reader.inspect(1).unwrap(), Inspected { end: 1, unchecked: 1, damage: vec![] });

    let log = open(folder.path()).unwrap();
    log.append(1, record("first of its partition")).await.unwrap();
    log.shut().await;
    tamper(folder.path(), "UPDATE batches SET records = x'30203020200a' WHERE base = 12");
    told(folder.path(), &["at offset 12 of partition 0"]);
}

// ---- the write-ahead log, and the mark ----

#[tokio::test]
async fn a_write_ahead_log_shorter_than_was_synced_is_noticed() {
    let whole = killed().await;
    let length = fs::metadata(whole.path().join("log.db-wal")).unwrap().len();
    for cut in [0, 32, length / 3, length - 16_384, length - 1] {
        let folder = image(whole.path());
        let wal = fs::File::options().write(true).open(folder.path().join("log.db-wal")).unwrap();
        wal.set_len(cut).unwrap();
        let error = EmbeddedLog::open_read_only(folder.path()).err().unwrap();
        assert!(matches!(error, OpenError::Shortened { synced: 41, .. }), "cut at {cut}: {error}");
        told(folder.path(), &["log.db ends at", "records up to 41 were synced", "log.db-synced"]);
    }
    // The message's advice is followed here, where the records are truly lost.
    let folder = image(whole.path());
    fs::remove_file(folder.path().join("log.db-wal")).unwrap();
    assert!(matches!(refused(folder.path()), OpenError::Shortened { end: 1, synced: 41, .. }));
    fs::remove_file(folder.path().join("log.db-synced")).unwrap();
    open(folder.path()).unwrap().shut().await;
    let log = open(whole.path()).unwrap();
    assert_eq!(log.end(0).await, Ok(41), "the killed one was whole");
    log.shut().await;
}

/// After a power cut the sync mark may be an old one, so damage that SQLite would pass over is noticed without a
/// mark.
#[tokio::test]
async fn a_write_ahead_log_damaged_before_its_end_is_noticed_without_a_mark() {
    let whole = killed().await;
    fs::remove_file(whole.path().join("log.db-synced")).unwrap();
    let length = fs::metadata(whole.path().join("log.db-wal")).unwrap().len() as usize;
    for at in [3, 20, 40, 5_000, length / 2, length - 60_000] {
        let folder = image(whole.path());
        let file = folder.path().join("log.db-wal");
        let mut wal = fs::read(&file).unwrap();
        wal[at] ^= 4;
        fs::write(&file, wal).unwrap();
        told(
            folder.path(),
            &["log.db-wal is damaged at byte", "SQLite would begin without", "wal_checkpoint"],
        );
        let error = EmbeddedLog::open_read_only(folder.path()).err().unwrap();
        assert!(matches!(error, OpenError::WalDamaged { .. }), "{error}");
    }
}

/// The last commit before a power cut may be there in any part: it was not acknowledged.
#[tokio::test]
async fn a_last_commit_that_was_cut_short_is_no_damage() {
    let whole = killed().await;
    fs::remove_file(whole.path().join("log.db-synced")).unwrap();
    let length = fs::metadata(whole.path().join("log.db-wal")).unwrap().len() as usize;
    for (from, to) in [(length - 100, length), (length - 16_408, length - 16_400)] {
        let folder = image(whole.path());
        let file = folder.path().join("log.db-wal");
        let mut wal = fs::read(&file).unwrap();
        wal[from..to].fill(0);
        fs::write(&file, wal).unwrap();
        let log = open(folder.path()).unwrap();
        assert_eq!(log.end(0).await, Ok(40));
        log.append(0, record("39")).await.unwrap();
        log.shut().await;
    }
}

#[tokio::test]
async fn another_copy_of_the_log_is_noticed() {
    let folder = folder_with(10).await;
    let older = image(folder.path());
    let log = open(folder.path()).unwrap();
    log.append(0, record("10")).await.unwrap();
    log.shut().await;
    let put_back = |copy: &Path| {
        fs::copy(copy.join("log.db"), folder.path().join("log.db")).unwrap();
    };
    put_back(older.path());
    told(folder.path(), &["ends at offset 11", "records up to 12 were synced"]);

    // The older copy was written to differently, and further.
    let log = open(older.path()).unwrap();
    for _ in 0..3 {
        log.append(0, record("another")).await.unwrap();
    }
    log.shut().await;
    put_back(older.path());
    told(
        folder.path(),
        &["is not the copy that was written to last", "partition 0 up to offset 12"],
    );
    fs::copy(older.path().join("log.db-synced"), folder.path().join("log.db-synced")).unwrap();
    open(folder.path()).unwrap().shut().await;
}
