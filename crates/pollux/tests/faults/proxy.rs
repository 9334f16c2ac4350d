//! The network between the processes: a TCP proxy in front of every broker, every ZooKeeper and
//! PostgreSQL. Whoever connects is told apart by the process that holds the other end, so each
//! pair of members has a link of its own, to be cut, slowed, or held in one direction.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::watch;

/// Any member: for either end of a link.
pub const ANY: &str = "*";
/// What is read at once.
const PIECE: usize = 64 << 10;
/// Within this a member that has just been started has written its pid file.
const IDENTIFIED: Duration = Duration::from_secs(2);

/// What becomes of bytes in one direction.
#[derive(Clone, Debug, Default)]
pub enum Way {
    /// They pass.
    #[default]
    Open,
    /// Each piece comes so much later.
    Slow(Duration),
    /// They wait until the link is mended, as TCP would behind a router that drops packets.
    Held,
    /// The same, from the first piece with these bytes in it on.
    HeldFrom(&'static [u8]),
}

/// How one member's connections to another are.
#[derive(Clone, Debug, Default)]
pub struct Link {
    /// From the one that connects.
    pub there: Way,
    /// To it.
    pub back: Way,
    /// Connections are closed, and no new ones taken.
    pub cut: bool,
}

impl Link {
    pub fn cut() -> Self {
        Self { cut: true, ..Self::default() }
    }

    pub fn there(there: Way) -> Self {
        Self { there, ..Self::default() }
    }

    pub fn back(back: Way) -> Self {
        Self { back, ..Self::default() }
    }

    pub fn slow(late: Duration) -> Self {
        Self { there: Way::Slow(late), back: Way::Slow(late), cut: false }
    }
}

/// By the names of both ends; the one that connects is first.
type Links = BTreeMap<(String, String), Link>;

/// All proxies.
pub struct Net {
    links: Arc<watch::Sender<Links>>,
    /// Pieces that were held or slowed, and connections that were cut.
    touched: Arc<AtomicU64>,
    /// Pieces that [`Way::HeldFrom`] was waiting for.
    caught: Arc<AtomicU64>,
    runtime: Handle,
    /// Where the pid files are.
    folder: PathBuf,
}

impl Net {
    pub fn new(runtime: Handle, folder: &Path) -> Self {
        let (links, touched, caught) = Default::default();
        Self { links, touched, caught, runtime, folder: folder.to_owned() }
    }

    /// A proxy in front of a member; its port.
    pub fn serve(&self, to: &str, target: u16) -> Result<u16> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let _inside = self.runtime.enter();
        let listener = TcpListener::from_std(listener)?;
        let pump = Pump {
            from: String::new(),
            to: to.to_owned(),
            links: self.links.subscribe(),
            touched: self.touched.clone(),
            caught: self.caught.clone(),
        };
        self.runtime.spawn(accept(listener, target, self.folder.clone(), pump));
        Ok(port)
    }

    /// From now on the link is like this.
    pub fn set(&self, from: &str, to: &str, link: Link) {
        self.links.send_modify(|links| drop(links.insert((from.into(), to.into()), link)));
    }

    /// The link is well again; what was held goes on its way.
    pub fn mend(&self, from: &str, to: &str) {
        self.links.send_modify(|links| drop(links.remove(&(from.into(), to.into()))));
    }

    /// The link is well again; what was held is gone with its connections.
    pub fn mend_anew(&self, from: &str, to: &str) {
        self.set(from, to, Link::cut());
        // Every connection sees that it is cut.
        std::thread::sleep(Duration::from_millis(100));
        self.mend(from, to);
    }

    /// All links are well again.
    pub fn mend_all(&self) {
        self.links.send_modify(Links::clear);
    }

    /// Pieces that were held or slowed, and connections that were cut, so far.
    pub fn touched(&self) -> u64 {
        self.touched.load(Relaxed)
    }

    /// Pieces that were waited for and came, so far.
    pub fn caught(&self) -> u64 {
        self.caught.load(Relaxed)
    }
}

async fn accept(listener: TcpListener, target: u16, folder: PathBuf, pump: Pump) {
    let Ok(here) = listener.local_addr() else { return };
    loop {
        let Ok((client, peer)) = listener.accept().await else { continue };
        let (folder, mut pump) = (folder.clone(), pump.clone());
        tokio::spawn(async move {
            // Whoever is dead or gone refuses at once, and nobody need be told apart.
            let Ok(server) = TcpStream::connect(("127.0.0.1", target)).await else { return };
            let Some(from) = identify(folder, peer.port(), here.port()).await else { return };
            pump.from = from;
            connection(client, server, pump).await;
        });
    }
}

/// Whose end of a connection this is; some connections are nobody's any more.
async fn identify(folder: PathBuf, local: u16, remote: u16) -> Option<String> {
    let deadline = tokio::time::Instant::now() + IDENTIFIED;
    loop {
        let folder = folder.clone();
        let owner = tokio::task::spawn_blocking(move || owner(&folder, local, remote)).await;
        if let Ok(Ok(name)) = owner {
            return Some(name);
        }
        if tokio::time::Instant::now() > deadline {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The member that has a socket on the one port, connected to the other.
fn owner(folder: &Path, local: u16, remote: u16) -> Result<String> {
    let inode = inode(local, remote)?;
    let wanted = PathBuf::from(format!("socket:[{inode}]"));
    for entry in fs::read_dir(folder)? {
        let file = entry?.path();
        if file.extension().is_none_or(|extension| extension != "pid") {
            continue;
        }
        let text = fs::read_to_string(&file)?;
        let pid = text.split_whitespace().next().unwrap_or_default();
        let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) else { continue };
        if open.flatten().any(|fd| fs::read_link(fd.path()).is_ok_and(|link| link == wanted)) {
            let name = file.file_stem().context("a pid file has a name")?;
            return Ok(name.to_string_lossy().into_owned());
        }
    }
    anyhow::bail!("it is no member's")
}

/// What `/proc` calls the socket. Java's may be an IPv6 one.
fn inode(local: u16, remote: u16) -> Result<String> {
    let [here, there] = [local, remote].map(|port| format!(":{port:04X}"));
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let text = fs::read_to_string(table).unwrap_or_default();
        let mut rows = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        // Both addresses, and the inode.
        let row =
            rows.find(|row| row.len() > 9 && row[1].ends_with(&here) && row[2].ends_with(&there));
        if let Some(row) = row {
            return Ok(row[9].to_owned());
        }
    }
    anyhow::bail!("nobody is on port {local}")
}

/// Which direction.
#[derive(Clone, Copy)]
enum Direction {
    There,
    Back,
}

/// Carries bytes over one link.
#[derive(Clone)]
struct Pump {
    from: String,
    to: String,
    links: watch::Receiver<Links>,
    touched: Arc<AtomicU64>,
    caught: Arc<AtomicU64>,
}

async fn connection(client: TcpStream, server: TcpStream, pump: Pump) {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let ((from, to_client), (answers, to_server)) = (client.into_split(), server.into_split());
    let (mut there, mut back) = (pump.clone(), pump);
    // One that is closed in one direction only goes on in the other. Cut, it ends in both.
    tokio::join!(
        there.carry(Direction::There, from, to_server),
        back.carry(Direction::Back, answers, to_client)
    );
}

impl Pump {
    async fn carry(
        &mut self,
        direction: Direction,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
    ) {
        let mut bytes = vec![0; PIECE];
        let mut held = false;
        loop {
            if self.link().cut {
                self.touched.fetch_add(1, Relaxed);
                return;
            }
            let read = tokio::select! {
                biased;
                // The next round looks at what has changed.
                changed = self.links.changed() => match changed {
                    Ok(()) => continue,
                    Err(_) => return,
                },
                read = from.read(&mut bytes) => read,
            };
            let length = match read {
                Ok(0) | Err(_) => {
                    let _ = to.shutdown().await;
                    return;
                }
                Ok(length) => length,
            };
            if !self.may_pass(direction, &bytes[..length], &mut held).await
                || to.write_all(&bytes[..length]).await.is_err()
            {
                return;
            }
        }
    }

    fn link(&mut self) -> Link {
        let links = self.links.borrow_and_update();
        let of = |from: &str, to: &str| links.get(&(from.into(), to.into())).cloned();
        of(&self.from, &self.to)
            .or_else(|| of(ANY, &self.to))
            .or_else(|| of(&self.from, ANY))
            .unwrap_or_default()
    }

    /// Wait for as long as the link wants; `false` if it is cut.
    async fn may_pass(&mut self, direction: Direction, piece: &[u8], held: &mut bool) -> bool {
        let mut counted = false;
        let mut touch = |touched: &AtomicU64| {
            if !std::mem::replace(&mut counted, true) {
                touched.fetch_add(1, Relaxed);
            }
        };
        loop {
            let link = self.link();
            if link.cut {
                touch(&self.touched);
                return false;
            }
            let way = match direction {
                Direction::There => link.there,
                Direction::Back => link.back,
            };
            match way {
                Way::Open => {
                    *held = false;
                    return true;
                }
                Way::Slow(late) => {
                    touch(&self.touched);
                    tokio::time::sleep(late).await;
                    return true;
                }
                Way::HeldFrom(wanted) if !*held => {
                    if !piece.windows(wanted.len()).any(|window| window == wanted) {
                        return true;
                    }
                    *held = true;
                    self.caught.fetch_add(1, Relaxed);
                }
                Way::Held | Way::HeldFrom(_) => {
                    touch(&self.touched);
                    if self.links.changed().await.is_err() {
                        return false;
                    }
                }
            }
        }
    }
}
