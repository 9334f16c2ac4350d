//! The files that a server keeps are readable by its user alone, whatever the umask and however the folder
//! was made.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use support::Server;

/// Returns the permissions of everything in the folder, by name.
fn rights(folder: &Path) -> BTreeMap<String, String> {
    let files = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let rights = |file: fs::DirEntry| {
        let name = file.file_name().into_string().unwrap();
        (name, format!("{:o}", file.metadata().unwrap().mode() & 0o777))
    };
    files.map(rights).collect()
}

#[test]
fn the_files_of_a_folder_made_beforehand_are_its_users_alone() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
    let mut server = Server::start(&folder);
    for umask in ["000", "022"] {
        server.kill();
        for name in rights(&folder).into_keys() {
            fs::remove_file(folder.join(name)).unwrap();
        }
        server.prelude = format!("umask {umask}");
        server.restart();
        // With this umask no file can be read by others, not even for a moment.
        let status = fs::read_to_string(format!("/proc/{}/status", server.pid()));
        if let Ok(status) = status {
            assert!(status.contains("Umask:\t0077"), "{status}");
        }
        let poll = server.poll(&["yes", "no"]);
        server.vote(&poll, "ada").unwrap();
        let found = rights(&folder);
        for name in ["log.db", "log.db-wal", "store.db", "store.db-wal", "secret", "pollux.lock"] {
            assert!(found.contains_key(name), "{name} is not there: {found:?}");
        }
        assert!(found.values().all(|rights| rights == "600"), "{umask}: {found:?}");
    }
    // An older Pollux left such permissions, and so does a copy that was put back.
    server.stop();
    for name in rights(&folder).into_keys() {
        fs::set_permissions(folder.join(name), Permissions::from_mode(0o644)).unwrap();
    }
    server.restart();
    let found = rights(&folder);
    assert!(found.values().all(|rights| rights == "600"), "{found:?}");
}
