//! A disk is full, or fails: the server answers as promised meanwhile, and nothing that was acknowledged is
//! lost.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use support::{Server, run, said};

/// `SmallDisk` is a file system of four megabytes, unmounted when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// Mounts the file system; returns `None` where mounting is not allowed.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m", "pollux-test"])
            .arg(folder.path())
            .output();
        mount.is_ok_and(|mount| mount.status.success()).then(|| Self(folder))
    }

    fn filler(&self) -> std::path::PathBuf {
        self.0.path().join("filler")
    }

    /// Fills the file system until only this many bytes are free.
    fn fill(&self, free: u64) {
        let mut filler = fs::File::create(self.filler()).unwrap();
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

fn recount_is_equal(folder: &Path) {
    let recount = run(["recount", "--data", folder.to_str().unwrap()]);
    assert_eq!(recount.status.code(), Some(0), "{}", said(&recount));
}

#[test]
fn a_full_disk_is_503_and_over_when_there_is_room() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("NOT TESTED here: mounting a small disk is not allowed");
        return;
    };
    let folder = disk.0.path();
    let mut server = Server::start(folder);
    let poll = server.poll(&["A", "B"]);
    disk.fill(300_000);

    let (mut recorded, mut refused) = (0, 0);
    for voter in 0.. {
        assert!(voter < 2000, "the disk never fills");
        match server.vote(&poll, &format!("v{voter}")).unwrap() {
            (202, _) => recorded += 1,
            (503, problem) => {
                assert_eq!(problem["type"], "/docs/errors/not-recorded", "{problem}");
                refused += 1;
            }
            other => panic!("{other:?}"),
        }
        if refused == 10 {
            break;
        }
    }
    assert!(recorded > 0, "there was room at first");
    let (status, problem) = server.get("/readyz").unwrap();
    assert_eq!(status, 503);
    assert!(problem["detail"].as_str().unwrap().contains("full"), "{problem}");
    assert_eq!(server.get("/healthz").unwrap().0, 200);
    let said = server.stderr().matches("votes are refused for now").count();
    assert!((1..5).contains(&said), "said {said} times, for every vote:\n{}", server.stderr());

    fs::remove_file(disk.filler()).unwrap();
    let started = Instant::now();
    while server.get("/readyz").unwrap().0 != 200 {
        assert!(started.elapsed() < Duration::from_secs(10), "it does not recover");
        std::thread::sleep(Duration::from_millis(50));
    }
    for voter in 0..5 {
        assert_eq!(server.vote(&poll, &format!("later {voter}")).unwrap().0, 202);
    }
    recorded += 5;
    assert_eq!(server.votes(&poll, recorded), recorded, "all that was acknowledged, and no more");
    assert_eq!(server.stop().code(), Some(0), "{}", server.stderr());
    recount_is_equal(folder);
}

/// A write that fails for another reason than lack of room leaves it unknown what is on the disk.
#[test]
fn a_disk_that_fails_ends_the_process_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path());
    let poll = server.poll(&["A", "B"]);
    assert_eq!(server.stop().code(), Some(0));
    // The kernel refuses (EFBIG) any write that makes a file longer than a megabyte: `ulimit -f` counts
    // blocks of 512 bytes.
    server.prelude = "trap '' XFSZ; ulimit -f 2048".into();
    server.restart();

    let mut recorded = 0;
    for voter in 0.. {
        assert!(voter < 5000, "no write fails");
        match server.vote(&poll, &format!("v{voter}")) {
            Ok((202, _)) => recorded += 1,
            // The vote was refused, or its fate is unknown: nothing more is promised.
            Ok((503 | 504, _)) => {}
            // The server is gone.
            Err(_) => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(server.ended().code(), Some(1), "{}", server.stderr());
    let said = server.stderr();
    assert!(said.contains("the server cannot go on: "), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    assert!(recorded > 0);

    server.prelude.clear();
    server.restart();
    let shown = server.votes(&poll, recorded);
    assert!(shown >= recorded, "{shown} of {recorded}");
    assert_eq!(server.stop().code(), Some(0), "{}", server.stderr());
    recount_is_equal(folder.path());
}
