//! `Cluster` is the cluster as a whole: it is prepared, started, harmed and healed by name, and removed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use parking_lot::Mutex;

use crate::database::Database;
use crate::guard::Guard;
use crate::jars::Jars;
use crate::member::{Member, Ready};
use crate::plan::{self, Plan};
use crate::ports::{Port, Ports};
use crate::process::{Process, Signal, State};
use crate::secure::Secure;
use crate::wire;
use crate::{
    MEMBERS, Mode, Options, Proxies, START_DEADLINE, STOP_DEADLINE, broker, java, prepare,
};

/// While waiting, `Cluster` pauses this long between two attempts.
const PAUSE: Duration = Duration::from_millis(50);
/// A start waits this long for a zombie that another process must reap.
const REAPED: Duration = Duration::from_secs(10);
/// A failure is shown with this many of the log's last lines.
const LOG_TAIL: usize = 15;

/// `Cluster` is a running cluster. Dropping it kills its members and removes its folder, unless it was
/// [opened](Self::open) or [detached](Self::detach).
pub struct Cluster {
    folder: PathBuf,
    plan: Mutex<Plan>,
    jars: Jars,
    /// The members that this process has started, kept because they must be reaped.
    children: Mutex<BTreeMap<String, Child>>,
    /// The guard that kills the members when this process ends; `None` if they are to go on.
    guard: Option<Guard>,
    /// Whether the folder stays after a drop, as it does after a failed start, whose logs are needed.
    keep_folder: bool,
    progress: fn(&str),
}

impl Cluster {
    /// Starts a cluster and waits until every member is ready. A folder that a dead cluster left is emptied.
    pub fn start(options: &Options) -> Result<Self> {
        let jars = Jars::resolve(options.mode, &options.progress)?;
        let ports = match options.port {
            Some(base) => Ports::at(base)?,
            None => Ports::free()?,
        };
        let folder = plan::new_folder(&options.folder)?;
        let password = hex::encode(rand::random::<[u8; 12]>());
        let database = Database::new(ports.get(Port::Postgres, 1), &password)?;
        let secret = hex::encode(rand::random::<[u8; 32]>());
        let (mode, proxies) = (options.mode, options.proxies);
        let (secure, members) = (None, Vec::new());
        let mut plan = Plan { mode, ports, database, secure, proxies, secret, members };
        // The plan comes first, so that a folder left by a start that was killed is known as a cluster's.
        plan.write(&folder)?;
        (options.progress)("preparing folders and settings");
        if options.secure {
            plan.secure = Some(Secure::create(&folder, "pollux", &password)?);
        }
        plan.members = prepare::members(&plan, &folder, &jars)?;
        plan.write(&folder)?;
        let guard = Some(Guard::watch(&folder)?);
        let mut cluster = Self {
            folder,
            plan: Mutex::new(plan),
            jars,
            children: Mutex::default(),
            guard,
            keep_folder: false,
            progress: options.progress,
        };
        let up = cluster.bring_up();
        cluster.keep_folder = up.is_err();
        up.map(|()| cluster)
    }

    /// Opens a cluster that another command started. Dropping it leaves the cluster running.
    pub fn open(folder: &Path, progress: fn(&str)) -> Result<Self> {
        let plan = Plan::read(folder)?;
        let jars = Jars::resolve(plan.mode, &progress)?;
        let folder = folder.canonicalize()?;
        let (plan, children) = (Mutex::new(plan), Mutex::default());
        Ok(Self { folder, plan, jars, children, guard: None, keep_folder: true, progress })
    }

    /// Lets the cluster go on when this process ends.
    pub fn detach(mut self) {
        if let Some(guard) = self.guard.take() {
            guard.dismiss();
        }
    }

    /// Starts every member that is not running, resumes those that are paused, and waits until all are ready.
    pub fn bring_up(&self) -> Result<()> {
        let members = self.members();
        for wave in 0..=2 {
            let names: Vec<&str> = members
                .iter()
                .filter(|member| member.ready.wave() == wave)
                .map(|member| member.name.as_str())
                .collect();
            if names.is_empty() {
                continue;
            }
            (self.progress)(&format!("starting {}", names.join(", ")));
            for name in &names {
                match self.state(name)? {
                    State::Dead => self.launch(name)?,
                    State::Paused => self.resume(name)?,
                    State::Running => {}
                }
            }
            self.wait_ready(&names, START_DEADLINE)?;
            if wave == 1 {
                self.finish()?;
            }
        }
        Ok(())
    }

    /// Does what is possible only once the brokers answer. It may be repeated.
    fn finish(&self) -> Result<()> {
        self.wait_until(START_DEADLINE, "every broker knows all others", || {
            for n in 1..=MEMBERS {
                let known = wire::metadata(self.ports().get(Port::Broker, n))?.brokers;
                ensure!(known.len() == usize::from(MEMBERS), "kafka{n} knows of {known:?} only");
            }
            Ok(())
        })?;
        if let Some(secure) = self.secure() {
            broker::add_user(&self.bootstrap(), &self.jars, &secure)?;
        }
        Ok(())
    }

    /// Adds a Pollux node, starts it and waits until it is ready. Its port follows from `number`, which
    /// counts from 1; `roles` are as in `POLLUX_ROLES`; `more` is added to its environment.
    pub fn add_node(
        &self,
        name: &str,
        number: u16,
        program: &Path,
        roles: &str,
        more: &[(&str, String)],
    ) -> Result<()> {
        let port = self.ports().get(Port::Added, number);
        let own = [
            ("PORT", port.to_string()),
            ("POLLUX_HOST", "127.0.0.1".to_owned()),
            ("POLLUX_ROLES", roles.to_owned()),
        ];
        let env = self.environment().into_iter().chain(own).chain(more.iter().cloned());
        self.add(Member {
            name: name.to_owned(),
            program: program.canonicalize().with_context(|| program.display().to_string())?,
            args: vec!["serve".to_owned()],
            env: env.map(|(name, value)| (name.to_owned(), value)).collect(),
            user: None,
            ready: Ready::Http { port, path: "/readyz".to_owned() },
        })
    }

    /// Adds a process of the caller's, a web node for instance, starts it and waits until it is ready. It is
    /// started after the brokers, stopped before them, and killed or paused by its name like any member.
    pub fn add(&self, member: Member) -> Result<()> {
        let name = member.name.clone();
        {
            let mut plan = self.plan.lock();
            ensure!(plan.members.iter().all(|m| m.name != name), "there is a {name} already");
            plan.members.push(member);
            plan.write(&self.folder)?;
        }
        self.start_member(&name)
    }

    /// Sets these variables in a member's environment, and removes those without a value. Its other variables
    /// stay. All of it holds from the member's next start on.
    pub fn set_variables(&self, name: &str, variables: &[(&str, Option<&str>)]) -> Result<()> {
        self.member(name)?;
        let mut plan = self.plan.lock();
        for member in plan.members.iter_mut().filter(|member| member.name == name) {
            for (variable, value) in variables {
                member.set_variable(variable, *value);
            }
        }
        plan.write(&self.folder)
    }

    /// Kills a member and its children with SIGKILL, and waits until it is gone.
    pub fn kill(&self, name: &str) -> Result<()> {
        self.living(name)?.signal_all(Signal::KILL)?;
        self.wait_gone(name, STOP_DEADLINE)
    }

    /// Stops a member and its children with SIGSTOP. Its connections stay open and nobody answers.
    pub fn pause(&self, name: &str) -> Result<()> {
        self.living(name)?.signal_all(Signal::STOP)?;
        self.wait_until(STOP_DEADLINE, "it is paused", || {
            ensure!(self.state(name)? == State::Paused, "{name} goes on");
            Ok(())
        })
    }

    /// Resumes a paused member.
    pub fn resume(&self, name: &str) -> Result<()> {
        let process = self.living(name)?;
        for child in process.children()? {
            child.signal(Signal::CONT)?;
        }
        process.signal(Signal::CONT)?;
        Ok(())
    }

    /// Asks a member to stop and waits until it has; after [`STOP_DEADLINE`] it is killed.
    pub fn stop(&self, name: &str) -> Result<()> {
        let member = self.member(name)?;
        let process = self.living(name)?;
        if process.state() == State::Paused {
            self.resume(name)?;
        }
        process.signal(member.ready.stop_signal())?;
        match self.wait_gone(name, STOP_DEADLINE) {
            Ok(()) => Ok(()),
            Err(_) => self.kill(name),
        }
    }

    /// Starts a member that is not running and waits until it is ready.
    pub fn start_member(&self, name: &str) -> Result<()> {
        self.launch(name)?;
        self.wait_ready(&[name], START_DEADLINE)
    }

    /// Stops a member if it runs, starts it again and waits until it is ready.
    pub fn restart(&self, name: &str) -> Result<()> {
        if self.state(name)? != State::Dead {
            self.stop(name)?;
        }
        self.start_member(name)
    }

    /// Starts a member without waiting: a ZooKeeper whose ensemble has no quorum is never ready.
    pub fn launch(&self, name: &str) -> Result<()> {
        let member = self.member(name)?;
        ensure!(self.state(name)? == State::Dead, "{name} is running already");
        // PostgreSQL takes the process id in its lock file for alive until that process is reaped.
        if let Some(mut old) = self.children.lock().remove(name) {
            old.wait()?;
        }
        if let Some(old) = Process::read(&member.pid_file(&self.folder))? {
            // Its parent may be another process, which alone can reap it and may be slow to do so.
            let _ = self.wait_until(REAPED, "it is reaped", || {
                ensure!(!old.has_id(), "it is a zombie");
                Ok(())
            });
        }
        let child = member.spawn(&self.folder)?;
        self.children.lock().insert(name.to_owned(), child);
        Ok(())
    }

    /// Waits until all of these members are ready. A member that dies meanwhile is an error.
    pub fn wait_ready(&self, names: &[&str], patience: Duration) -> Result<()> {
        let deadline = Instant::now() + patience;
        for name in names {
            let member = self.member(name)?;
            loop {
                let Err(why) = member.ready.check() else { break };
                let dead = self.state(name)? == State::Dead;
                if dead || Instant::now() >= deadline {
                    let what = if dead { "died" } else { "is not ready" };
                    bail!("{name} {what}: {why:#}\n{}", log_tail(&member.log(&self.folder)));
                }
                std::thread::sleep(PAUSE);
            }
            (self.progress)(&format!("{name} is ready"));
        }
        Ok(())
    }

    /// Repeats the attempt until it succeeds. After `patience` it returns the last error, with `what` in it.
    pub fn wait_until<T>(
        &self,
        patience: Duration,
        what: &str,
        attempt: impl Fn() -> Result<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + patience;
        loop {
            match attempt() {
                Err(why) if Instant::now() >= deadline => {
                    return Err(why.context(format!("waited {patience:?} until {what}")));
                }
                Err(_) => std::thread::sleep(PAUSE),
                found => return found,
            }
        }
    }

    /// Returns whether a member's process runs, is paused or is dead.
    pub fn state(&self, name: &str) -> Result<State> {
        let process = Process::read(&self.member(name)?.pid_file(&self.folder))?;
        Ok(process.map_or(State::Dead, |process| process.state()))
    }

    /// Returns a member's process, which may be paused. A dead one is an error.
    pub fn living(&self, name: &str) -> Result<Process> {
        self.member(name)?.living(&self.folder)
    }

    /// Returns the members' names in the order of their start.
    pub fn names(&self) -> Vec<String> {
        self.members().into_iter().map(|member| member.name).collect()
    }

    /// Returns a command for one of Kafka's own tools, named by its class
    /// (`org.apache.kafka.tools.TopicCommand`).
    pub fn tool(&self, class: &str) -> Command {
        java::tool(&self.jars, class)
    }

    /// Returns whether Kafka runs with ZooKeeper or in KRaft mode.
    pub fn mode(&self) -> Mode {
        self.plan.lock().mode
    }

    /// Returns the cluster's ports.
    pub fn ports(&self) -> Ports {
        self.plan.lock().ports
    }

    /// Returns the address and the credentials of PostgreSQL.
    pub fn database(&self) -> Database {
        self.plan.lock().database.clone()
    }

    /// Returns what clients of the secure listeners need, if there are such listeners.
    pub fn secure(&self) -> Option<Secure> {
        self.plan.lock().secure.clone()
    }

    /// Returns the folder of everything that the cluster writes.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the brokers' plain addresses, in the form of `KAFKA_BROKER`.
    pub fn bootstrap(&self) -> String {
        self.bootstrap_of(Port::Broker)
    }

    /// Returns the brokers' addresses through the caller's proxies, if there are proxies.
    pub fn proxied_bootstrap(&self) -> Option<String> {
        self.plan.lock().proxies.map(|proxies| Proxies::addresses(proxies.brokers))
    }

    /// Returns the brokers' addresses of one kind of listener.
    pub fn bootstrap_of(&self, kind: Port) -> String {
        let ports = self.ports();
        let all: Vec<String> = (1..=MEMBERS).map(|n| ports.address(kind, n)).collect();
        all.join(",")
    }

    /// Returns the environment variables that connect a Pollux node to the cluster.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let database = self.database();
        vec![
            ("KAFKA_BROKER", self.bootstrap()),
            ("DB_HOST", database.host),
            ("DB_PORT", database.port.to_string()),
            ("DB_USER", database.user),
            ("DB_PASSWORD", database.password),
            ("DB_NAME", database.name),
            ("POLLUX_SECRET", self.plan.lock().secret.clone()),
        ]
    }

    /// Kills every member and removes the folder with all data.
    pub fn remove(self) -> Result<()> {
        self.kill_all()?;
        plan::remove_folder(&self.folder)
    }

    fn kill_all(&self) -> Result<()> {
        let mut failed = Ok(());
        // A failure does not spare the others; the first one is returned.
        for name in self.names().iter().rev() {
            if self.state(name).is_ok_and(|state| state != State::Dead)
                && let Err(error) = self.kill(name)
            {
                failed = failed.and(Err(error));
            }
        }
        for child in self.children.lock().values_mut() {
            let _ = child.wait();
        }
        failed
    }

    fn wait_gone(&self, name: &str, patience: Duration) -> Result<()> {
        self.wait_until(patience, "it is gone", || {
            ensure!(self.state(name)? == State::Dead, "{name} is still there");
            Ok(())
        })
    }

    /// Returns all members in the order of their start.
    pub(crate) fn members(&self) -> Vec<Member> {
        self.plan.lock().members.clone()
    }

    fn member(&self, name: &str) -> Result<Member> {
        let members = self.members();
        members
            .into_iter()
            .find(|member| member.name == name)
            .with_context(|| format!("there is no {name}; there are {}", self.names().join(", ")))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Without a guard the cluster goes on: it was detached, or opened.
        if self.guard.is_none() {
            return;
        }
        let killed = self.kill_all();
        // The logs of a failed test are needed.
        if std::thread::panicking() || self.keep_folder || killed.is_err() {
            eprintln!("the cluster's logs are in {}", self.folder.display());
        } else {
            let _ = plan::remove_folder(&self.folder);
        }
    }
}

/// Returns the end of a log and its path, for a message.
fn log_tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let tail = lines[lines.len().saturating_sub(LOG_TAIL)..].join("\n");
    format!("{tail}\n({})", log.display())
}
