//! The guard kills a cluster's members when the process that started them ends.
//!
//! A test that is killed runs no destructors. So the guard is a small process that waits for the other end
//! of a pipe to close, which the kernel does however a process ends. It then kills each process that a pid
//! file names, unless the id belongs to another process by now.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

/// This shell script is the guard; `$1` is the folder. A pid file holds id, start and boot; see `process.rs`.
/// The start is the 22nd field of `stat`, and the 20th after the name, which may hold spaces.
const SCRIPT: &str = r#"
cat >/dev/null
for file in "$1"/*.pid; do
    read -r pid started boot <"$file" || continue
    [ "$boot" = "$(cat /proc/sys/kernel/random/boot_id)" ] || continue
    stat=$(cat "/proc/$pid/stat" 2>/dev/null) || continue
    set -- "$1" ${stat##*) }
    [ "${21}" = "$started" ] && kill -9 "$pid"
done
"#;

/// `Guard` watches the members as long as it is held. Dropping it kills every member that still runs.
pub(crate) struct Guard(Child);

impl Guard {
    /// Starts a guard of the members in this folder.
    pub(crate) fn watch(folder: &Path) -> Result<Self> {
        let child = Command::new("sh")
            .args(["-c", SCRIPT, "pollux-cluster-guard"])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Its own process group keeps it from being ended by a Ctrl-C before the members are.
            .process_group(0)
            .spawn()
            .context("sh")?;
        Ok(Self(child))
    }

    /// Ends the guard and lets the members live on.
    pub(crate) fn dismiss(mut self) {
        // The guard must die before its pipe closes, or it would kill the members.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use super::*;
    use crate::process::tests::sleeper;
    use crate::process::{Process, State};

    #[test]
    fn when_its_holder_goes_the_members_go_and_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let (mut member, mut stranger) = (sleeper(), sleeper());
        let of = |child: &Child| Process::of(child.id()).unwrap();
        of(&member).write(&folder.path().join("member.pid")).unwrap();
        // This is the pid file of a member that is gone, and whose id a stranger has now.
        let file = folder.path().join("gone.pid");
        of(&stranger).write(&file).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        let mut words: Vec<&str> = text.split_whitespace().collect();
        words[1] = "1";
        fs::write(&file, words.join(" ") + "\n").unwrap();

        Guard::watch(folder.path()).unwrap().dismiss();
        assert_eq!(of(&member).state(), State::Running, "dismissed");
        let before = of(&member);
        drop(Guard::watch(folder.path()).unwrap());
        member.wait().unwrap();
        assert_eq!(before.state(), State::Dead);
        assert_eq!(of(&stranger).state(), State::Running);
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }
}
