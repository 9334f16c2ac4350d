//! Whatever happens to the files of a log, either it is reported or nothing is lost. What is read is never
//! anything but what was acknowledged.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::damage::image;
use super::*;

/// These functions do what a disk, a file system or a person does to files. Each returns a description of it.
const HARMS: [fn(&Path, &Path, &mut SmallRng) -> String; 6] =
    [flip, tear, misdirect, shorten, remove, put_back];

/// Returns one of the three files that is not empty, with its bytes.
fn victim(folder: &Path, dice: &mut SmallRng) -> (PathBuf, Vec<u8>) {
    loop {
        let name = ["log.db", "log.db-wal", "log.db-synced"][dice.random_range(0..3)];
        let file = folder.join(name);
        match fs::read(&file) {
            Ok(bytes) if !bytes.is_empty() => return (file, bytes),
            _ => {}
        }
    }
}

fn flip(folder: &Path, _: &Path, dice: &mut SmallRng) -> String {
    let (file, mut bytes) = victim(folder, dice);
    let (at, bit) = (dice.random_range(0..bytes.len()), dice.random_range(0..8));
    bytes[at] ^= 1 << bit;
    fs::write(&file, bytes).unwrap();
    format!("bit {bit} of byte {at} of {} flipped", file.display())
}

/// Zeroes a sector, as if it had never been written.
fn tear(folder: &Path, _: &Path, dice: &mut SmallRng) -> String {
    let (file, mut bytes) = victim(folder, dice);
    let at = dice.random_range(0..bytes.len()) / 512 * 512;
    let to = bytes.len().min(at + 512);
    bytes[at..to].fill(0);
    fs::write(&file, bytes).unwrap();
    format!("bytes {at} to {to} of {} zeroed", file.display())
}

/// Copies bytes to another place, as if a write had gone there.
fn misdirect(folder: &Path, _: &Path, dice: &mut SmallRng) -> String {
    let (file, mut bytes) = victim(folder, dice);
    let length = bytes.len().min([512, 4_096, 16_384][dice.random_range(0..3)]);
    let [from, to] = [0; 2].map(|_| dice.random_range(0..=bytes.len() - length) / 512 * 512);
    bytes.copy_within(from..from + length, to);
    fs::write(&file, bytes).unwrap();
    format!("{length} bytes of {} from {from} written over {to}", file.display())
}

fn shorten(folder: &Path, _: &Path, dice: &mut SmallRng) -> String {
    let (file, bytes) = victim(folder, dice);
    let to = dice.random_range(0..bytes.len());
    fs::write(&file, &bytes[..to]).unwrap();
    format!("{} cut at {to} of {}", file.display(), bytes.len())
}

fn remove(folder: &Path, _: &Path, dice: &mut SmallRng) -> String {
    let name = ["log.db-wal", "log.db-synced"][dice.random_range(0..2)];
    let _ = fs::remove_file(folder.join(name));
    format!("{name} removed")
}

/// Puts an older copy back, with or without its write-ahead log.
fn put_back(folder: &Path, older: &Path, dice: &mut SmallRng) -> String {
    let with_wal = dice.random();
    fs::copy(older.join("log.db"), folder.join("log.db")).unwrap();
    let wal = folder.join("log.db-wal");
    let _ = fs::remove_file(&wal);
    if with_wal {
        let _ = fs::copy(older.join("log.db-wal"), wal);
    }
    format!("an older copy put back (with its write-ahead log: {with_wal})")
}

/// Writes for a while: groups of any size to any partition, with stops in between. Returns the files that a
/// stop or a kill leaves, those of some time before, and what was acknowledged by partition.
async fn write(dice: &mut SmallRng) -> (TempDir, TempDir, [Vec<String>; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let (mut acknowledged, mut older) = ([Vec::new(), Vec::new()], None);
    let runs = dice.random_range(1..4);
    for run in 0..runs {
        let log = open(folder.path()).unwrap();
        for _ in 0..dice.random_range(1..25) {
            let mut group = Vec::new();
            for _ in 0..dice.random_range(1..6) {
                let partition = dice.random_range(0..2_u32);
                let text = format!("{:x}", dice.random::<u128>()).repeat(dice.random_range(1..30));
                group.push((partition, text.clone(), log.append(partition, record(text))));
            }
            for (partition, text, append) in group {
                append.await.unwrap();
                acknowledged[partition as usize].push(text);
            }
            if older.is_none() {
                older = Some(image(folder.path()));
            }
        }
        if run + 1 == runs && dice.random() {
            let killed = image(folder.path());
            log.shut().await;
            return (killed, older.unwrap(), acknowledged);
        }
        log.shut().await;
    }
    (folder, older.unwrap(), acknowledged)
}

/// Returns everything on the log, after a start and for a mere reader, or why it is refused.
async fn read(folder: &Path) -> Result<[Vec<String>; 2], String> {
    let log = open(folder).map_err(|error| error.to_string())?;
    log.shut().await;
    let reader = EmbeddedLog::open_read_only(folder).map_err(|error| error.to_string())?;
    let mut read = [Vec::new(), Vec::new()];
    for (partition, read) in (0..).zip(&mut read) {
        let records = reader.read(partition, 0, usize::MAX).map_err(|error| error.to_string())?;
        let texts = records.iter().skip(1).map(|record| String::from_utf8_lossy(&record.value));
        read.extend(texts.map(|text| text.into_owned()));
        let damage = reader.inspect(partition).map_err(|error| error.to_string())?.damage;
        assert_eq!(damage, [], "a reading did not notice it");
    }
    Ok(read)
}

#[tokio::test]
async fn whatever_happens_to_the_files_is_told_or_loses_nothing() {
    let (mut told, mut harmless) = (0, 0);
    for seed in 0..40 {
        let mut dice = SmallRng::seed_from_u64(seed);
        let (folder, older, acknowledged) = write(&mut dice).await;
        let control = image(folder.path());
        assert_eq!(read(control.path()).await.as_ref(), Ok(&acknowledged), "seed {seed}: unharmed");
        for _ in 0..6 {
            let folder = image(folder.path());
            let harm = HARMS[dice.random_range(0..HARMS.len())];
            let mark = fs::read(folder.path().join("log.db-synced")).unwrap();
            let done = harm(folder.path(), older.path(), &mut dice);
            let marked = fs::read(folder.path().join("log.db-synced")).is_ok_and(|now| now == mark);
            match read(folder.path()).await {
                Ok(read) => {
                    assert!(read == acknowledged, "seed {seed}: {done}: and nothing is said");
                    harmless += 1;
                }
                Err(said) => {
                    assert!(marked, "seed {seed}: {done}: the mark alone stops nobody: {said}");
                    told += 1;
                }
            }
        }
    }
    assert!(told > 60 && harmless > 60, "{told} told, {harmless} harmless");
}
