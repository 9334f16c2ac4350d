//! A `Process` is never mistaken for another: it is known by its id and the moment at which it started.
//!
//! Ids are used again. A pid file that outlived its process must not get a stranger killed, so every signal
//! goes through a pidfd, after a check that the process is the one that was meant.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};

pub use rustix::process::Signal;

/// `Process` is one process, told from all others that had or will have its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// The process id, its own while it lives.
    pub pid: u32,
    /// The clock ticks between the boot and its start.
    started: u64,
    /// The id of the boot in which it started.
    boot: String,
}

/// `State` says whether a process exists, and whether it may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The process exists and may run.
    Running,
    /// The process exists and is stopped by a signal.
    Paused,
    /// The process is gone; a zombie counts as gone.
    Dead,
}

/// `Stat` holds the fields of `/proc/PID/stat` that are of use here.
struct Stat {
    state: State,
    parent: u32,
    started: u64,
}

impl Process {
    /// Returns the process that has this id now.
    pub fn of(pid: u32) -> Result<Self> {
        let stat = stat(pid).with_context(|| format!("process {pid} is gone"))?;
        Ok(Self { pid, started: stat.started, boot: boot()? })
    }

    /// Writes the pid file.
    pub fn write(&self, file: &Path) -> Result<()> {
        fs::write(file, format!("{} {} {}\n", self.pid, self.started, self.boot))
            .with_context(|| format!("writing {}", file.display()))
    }

    /// Reads a pid file; `None` if there is none.
    pub fn read(file: &Path) -> Result<Option<Self>> {
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("reading {}", file.display())),
        };
        let parsed = || {
            let mut words = text.split_whitespace();
            let (pid, started) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
            Some(Self { pid, started, boot: words.next()?.to_owned() })
        };
        parsed().map(Some).with_context(|| format!("{} is no pid file", file.display()))
    }

    /// Returns whether the process runs, is paused or is dead.
    pub fn state(&self) -> State {
        self.stat().map_or(State::Dead, |stat| stat.state)
    }

    /// Returns whether its id is still taken, be it by a zombie that nobody has reaped.
    pub fn has_id(&self) -> bool {
        self.stat().is_some()
    }

    /// Returns `None` once the process is gone, also when another process has its id.
    fn stat(&self) -> Option<Stat> {
        let same = |found: &Stat| found.started == self.started;
        stat(self.pid).filter(same).filter(|_| boot().is_ok_and(|boot| boot == self.boot))
    }

    /// Sends it a signal; returns false if it is gone.
    pub fn signal(&self, signal: Signal) -> Result<bool> {
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else {
            return Ok(false);
        };
        // The handle comes before the check: what is checked is then what gets the signal.
        let handle = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(handle) => handle,
            Err(Errno::SRCH) => return Ok(false),
            Err(error) => return Err(error).context("pidfd_open"),
        };
        if self.state() == State::Dead {
            return Ok(false);
        }
        match pidfd_send_signal(handle, signal) {
            Ok(()) => Ok(true),
            Err(Errno::SRCH) => Ok(false),
            Err(error) => Err(error).with_context(|| format!("signalling process {}", self.pid)),
        }
    }

    /// Signals the process, then its children, and returns the children. The parent is signalled first, or
    /// it could start new ones. Children are looked for twice: a dead parent's children are no longer its
    /// own, and a living parent may have started some meanwhile.
    pub fn signal_all(&self, signal: Signal) -> Result<Vec<Self>> {
        let mut children = self.children()?;
        self.signal(signal)?;
        let late = self.children()?.into_iter().filter(|child| !children.contains(child));
        children.extend(late.collect::<Vec<_>>());
        for child in &children {
            child.signal(signal)?;
        }
        Ok(children)
    }

    /// Returns the processes that it has started and that are not yet reaped, zombies included.
    pub fn children(&self) -> Result<Vec<Self>> {
        let mut children = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            if let Some(stat) = stat(pid).filter(|stat| stat.parent == self.pid) {
                children.push(Self { pid, started: stat.started, boot: self.boot.clone() });
            }
        }
        Ok(children)
    }
}

/// Reads `/proc/PID/stat`; `None` if there is no such process.
fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything. The first field after it is the third of the file.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let state = match *fields.first()? {
        "Z" | "X" | "x" => State::Dead,
        "T" | "t" => State::Paused,
        _ => State::Running,
    };
    Some(Stat {
        state,
        parent: fields.get(1)?.parse().ok()?,
        started: fields.get(19)?.parse().ok()?,
    })
}

fn boot() -> Result<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").context("the boot's id")?;
    Ok(id.trim().to_owned())
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]

    use std::process::{Child, Command, Stdio};

    use super::*;

    pub(crate) fn sleeper() -> Child {
        Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
    }

    #[test]
    fn a_stranger_with_the_same_id_is_left_alone() {
        let mut child = sleeper();
        let process = Process::of(child.id()).unwrap();
        let dead = Process { started: process.started - 1, ..process.clone() };
        assert_eq!(dead.state(), State::Dead);
        assert!(!dead.signal(Signal::KILL).unwrap());
        let other_boot = Process { boot: "another".into(), ..process.clone() };
        assert!(!other_boot.signal(Signal::KILL).unwrap());
        assert_eq!(process.state(), State::Running, "still there");

        assert!(process.signal(Signal::KILL).unwrap());
        child.wait().unwrap();
        assert_eq!(process.state(), State::Dead);
        assert!(!process.signal(Signal::KILL).unwrap());
    }

    #[test]
    fn a_zombie_is_dead_and_a_stopped_process_is_paused() {
        let mut child = sleeper();
        let process = Process::of(child.id()).unwrap();
        let becomes = |wanted: State| {
            let started = std::time::Instant::now();
            while process.state() != wanted {
                assert!(started.elapsed().as_secs() < 10, "not {wanted:?}: {:?}", process.state());
                std::thread::yield_now();
            }
        };
        process.signal(Signal::STOP).unwrap();
        becomes(State::Paused);
        process.signal(Signal::CONT).unwrap();
        becomes(State::Running);
        process.signal(Signal::KILL).unwrap();
        becomes(State::Dead);
        assert!(process.has_id(), "nobody has reaped it");
        child.wait().unwrap();
        assert!(!process.has_id());
    }

    #[test]
    fn a_pid_file_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("it.pid");
        assert_eq!(Process::read(&file).unwrap(), None);
        let me = Process::of(std::process::id()).unwrap();
        me.write(&file).unwrap();
        assert_eq!(Process::read(&file).unwrap(), Some(me));
        fs::write(&file, "nonsense").unwrap();
        assert!(Process::read(&file).is_err());
    }
}
