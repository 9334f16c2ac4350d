//! The store outlives a full disk of PostgreSQL's.

use std::fs::File;
use std::io::Write;
use std::process::Command;

use pollux_cluster::Postgres;
use pollux_server::store::conformance::{create, generation, open_poll};
use pollux_server::store::postgres::PostgresStore;
use pollux_server::store::{Ballots, CommitError, Counting, Polls, Store, StoreError};

use super::workers::batch;
use super::{database, until};

/// `SIZE` is room for an empty PostgreSQL and some segments of its write-ahead log.
const SIZE: &str = "size=160m";

/// `SmallDisk` is a file system of its own, unmounted when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// Mounts the file system; returns `None` where mounting is not allowed.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", SIZE, "-o", "mode=755", "pollux-test"]).arg(folder.path());
        mount.output().is_ok_and(|mount| mount.status.success()).then(|| Self(folder))
    }

    fn filler(&self) -> std::path::PathBuf {
        self.0.path().join("filler")
    }

    /// Fills the file system until only this many bytes are free.
    fn fill(&self, free: u64) {
        let mut filler = File::create(self.filler()).unwrap();
        while filler.write_all(&[0; 4096]).is_ok() {}
        let length = filler.metadata().unwrap().len();
        filler.set_len(length - free).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_ridden_out() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("NOT TESTED here: mounting a small disk is not allowed");
        return;
    };
    let server = Postgres::start_in(&disk.0.path().join("server")).unwrap();
    let config = database(&server);
    let store = PostgresStore::open(&config, 1).await.unwrap();
    let poll = create(&*store, open_poll(1)).await;
    let mut next = store.begin(0, generation(1)).await.unwrap().next_offset;
    disk.fill(1 << 20);

    let (mut failures, mut maybe) = (0, None);
    let mut expected = Vec::new();
    while failures < 5 && maybe.is_none() {
        assert!(next < 1_000_000, "the disk never fills");
        let commit = batch(&*store, &poll, 0, next, 1000);
        match store.commit(0, &commit).await {
            Ok(()) => {
                next = commit.to;
                expected.extend(commit.ballots);
            }
            Err(CommitError::Store(StoreError::Unavailable(_))) => failures += 1,
            // PostgreSQL can stop in the middle of a commit: then `begin` will tell.
            Err(CommitError::Store(StoreError::Unknown(_))) => maybe = Some(commit),
            Err(error) => panic!("a full disk is no damage: {error}"),
        }
    }
    assert!(next > 0, "there was room at first");

    std::fs::remove_file(disk.filler()).unwrap();
    if !server.is_alive() {
        server.launch().unwrap();
    }
    until("it answers again", async || store.progress().await.is_ok()).await;
    let found = store.begin(0, generation(1)).await.unwrap().next_offset;
    if let Some(commit) = maybe.filter(|commit| commit.to == found) {
        next = commit.to;
        expected.extend(commit.ballots);
    }
    assert_eq!(found, next, "what was answered is there, and nothing else");
    let commit = batch(&*store, &poll, 0, next, 40);
    store.commit(0, &commit).await.unwrap();
    expected.extend(commit.ballots);
    assert_eq!(store.ballots(0, 0, None, 1 << 20).await.unwrap(), expected);
    let standing = store.standing(poll.id).await.unwrap().unwrap();
    assert_eq!(standing.counts()[0], commit.to, "the tally is that of the last commit");
    store.shut().await;
}
