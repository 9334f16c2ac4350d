//! The network between the processes is a TCP proxy in front of every broker, every ZooKeeper and PostgreSQL.
//! The proxies tell who connects by the process that holds the other end, so each pair of members has a link
//! of its own, to be cut, slowed, or held in one direction.

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
use tokio::sync::{OnceCell, mpsc, oneshot, watch};

/// `ANY` stands for any member that connects.
pub const ANY: &str = "*";
/// At most this many bytes are read at once.
const PIECE: usize = 64 << 10;
/// [`identify`] pauses for this long between two looks.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// `Way` says what happens to bytes in one direction.
#[derive(Clone, Debug, Default)]
pub enum Way {
    /// They pass.
    #[default]
    Open,
    /// Each piece arrives so much later.
    Slow(Duration),
    /// They wait until the link is mended, as with TCP behind a router that drops packets.
    Held,
    /// They wait from the first piece on that contains these bytes.
    HeldFrom(&'static [u8]),
}

/// `Link` describes the connections of one member to another.
#[derive(Clone, Debug, Default)]
pub struct Link {
    /// The direction away from the member that connects.
    pub there: Way,
    /// The direction towards the member that connects.
    pub back: Way,
    /// The cut: connections are closed, and no new ones accepted.
    pub cut: bool,
}

impl Link {
    /// Returns a link on which connections are closed, and no new ones accepted.
    pub fn cut() -> Self {
        Self { cut: true, ..Self::default() }
    }

    /// Returns a link whose bytes away from the connecting member go this way.
    pub fn there(there: Way) -> Self {
        Self { there, ..Self::default() }
    }

    /// Returns a link whose bytes towards the connecting member go this way.
    pub fn back(back: Way) -> Self {
        Self { back, ..Self::default() }
    }

    /// Returns a link that is slow in both directions.
    pub fn slow(late: Duration) -> Self {
        Self { there: Way::Slow(late), back: Way::Slow(late), cut: false }
    }
}

/// `Links` keeps all links by the names of both ends; the one that connects is first.
type Links = BTreeMap<(String, String), Link>;

/// `Net` owns the proxies of all members.
pub struct Net {
    links: Arc<watch::Sender<Links>>,
    /// The number of pieces that were held or slowed, and of connections that were cut.
    touched: Arc<AtomicU64>,
    /// The number of pieces that a [`Way::HeldFrom`] was waiting for.
    caught: Arc<AtomicU64>,
    /// The channel of questions to [`identify`].
    questions: mpsc::UnboundedSender<Question>,
    runtime: Handle,
}

impl Net {
    /// Creates the network between the members whose pid files are in this folder.
    pub fn new(runtime: Handle, folder: &Path) -> Self {
        let (links, touched, caught) = Default::default();
        let (questions, asked) = mpsc::unbounded_channel();
        runtime.spawn(identify(folder.to_owned(), asked));
        Self { links, touched, caught, questions, runtime }
    }

    /// Starts a proxy in front of a member and returns its port.
    pub fn serve(&self, to: &str, target: u16) -> Result<u16> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let _inside = self.runtime.enter();
        let listener = TcpListener::from_std(listener)?;
        let pump = Pump {
            ports: (0, 0),
            from: Arc::default(),
            questions: self.questions.clone(),
            to: to.to_owned(),
            links: self.links.subscribe(),
            touched: self.touched.clone(),
            caught: self.caught.clone(),
        };
        self.runtime.spawn(accept(listener, target, pump));
        Ok(port)
    }

    /// Puts a link into this condition from now on.
    pub fn set(&self, from: &str, to: &str, link: Link) {
        self.links.send_modify(|links| {
            links.insert((from.into(), to.into()), link);
        });
    }

    /// Mends a link; whatever was held goes on its way.
    pub fn mend(&self, from: &str, to: &str) {
        self.links.send_modify(|links| {
            links.remove(&(from.into(), to.into()));
        });
    }

    /// Mends a link; whatever was held is lost with its connections.
    pub fn mend_anew(&self, from: &str, to: &str) {
        self.set(from, to, Link::cut());
        // The pause is long enough for every connection to see that it is cut.
        std::thread::sleep(Duration::from_millis(100));
        self.mend(from, to);
    }

    /// Mends all links.
    pub fn mend_all(&self) {
        self.links.send_modify(Links::clear);
    }

    /// Returns how many pieces were held or slowed, and connections cut, so far.
    pub fn touched(&self) -> u64 {
        self.touched.load(Relaxed)
    }

    /// Returns how many of the pieces that were waited for have come so far.
    pub fn caught(&self) -> u64 {
        self.caught.load(Relaxed)
    }
}

async fn accept(listener: TcpListener, target: u16, pump: Pump) {
    let Ok(here) = listener.local_addr() else { return };
    loop {
        let Ok((client, peer)) = listener.accept().await else { continue };
        let mut pump = pump.clone();
        pump.ports = (peer.port(), here.port());
        pump.from = Arc::default();
        tokio::spawn(async move {
            // A member that is dead or gone refuses at once.
            if let Ok(server) = TcpStream::connect(("127.0.0.1", target)).await {
                connection(client, server, pump).await;
            }
        });
    }
}

/// A `Question` names a connection by its ports, and has the channel for the answer: the name of its member.
type Question = ((u16, u16), oneshot::Sender<String>);

/// Tells which member each connection belongs to, many with one look, because a look goes through every open
/// file of every member.
async fn identify(folder: PathBuf, mut questions: mpsc::UnboundedReceiver<Question>) {
    let mut asked = Vec::new();
    while questions.recv_many(&mut asked, usize::MAX).await > 0 {
        let folder = folder.clone();
        let looked = tokio::task::spawn_blocking(move || owners(&folder)).await;
        let owners = looked.ok().and_then(Result::ok).unwrap_or_default();
        for (ports, answer) in asked.drain(..) {
            // A connection that belongs to nobody has been closed meanwhile.
            let _ = answer.send(owners.get(&ports).cloned().unwrap_or_default());
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

/// Returns the owner of each connection of a member, by the connection's ports: the member's own, and the
/// other end's.
fn owners(folder: &Path) -> Result<BTreeMap<(u16, u16), String>> {
    let sockets = sockets();
    let mut owners = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let file = entry?.path();
        if file.extension().is_none_or(|extension| extension != "pid") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap_or_default();
        let pid = text.split_whitespace().next().unwrap_or_default();
        let name = file.file_stem().context("a pid file has a name")?.to_string_lossy();
        let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) else { continue };
        for fd in open.flatten() {
            let link = fs::read_link(fd.path()).unwrap_or_default();
            let link = link.to_string_lossy();
            let inode = link.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']'));
            if let Some(ports) = inode.and_then(|inode| sockets.get(inode)) {
                owners.insert(*ports, name.clone().into_owned());
            }
        }
    }
    Ok(owners)
}

/// Returns the ports of each socket by its inode, as `/proc` shows it. Java's sockets may be IPv6 ones.
fn sockets() -> BTreeMap<String, (u16, u16)> {
    let mut sockets = BTreeMap::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let text = fs::read_to_string(table).unwrap_or_default();
        for line in text.lines().skip(1) {
            let row: Vec<&str> = line.split_whitespace().collect();
            let port = |column: usize| {
                let port = row.get(column)?.rsplit(':').next()?;
                u16::from_str_radix(port, 16).ok()
            };
            if let (Some(local), Some(remote), Some(inode)) = (port(1), port(2), row.get(9)) {
                sockets.insert((*inode).to_owned(), (local, remote));
            }
        }
    }
    sockets
}

/// `Direction` is that of bytes: from the member that connects, or to it.
#[derive(Clone, Copy)]
enum Direction {
    There,
    Back,
}

/// `Pump` carries the bytes of one connection.
#[derive(Clone)]
struct Pump {
    /// The port of the member that connects, and the proxy's.
    ports: (u16, u16),
    /// The member that connects, looked up once it matters; empty if its connection is gone.
    from: Arc<OnceCell<String>>,
    questions: mpsc::UnboundedSender<Question>,
    to: String,
    links: watch::Receiver<Links>,
    touched: Arc<AtomicU64>,
    caught: Arc<AtomicU64>,
}

async fn connection(client: TcpStream, server: TcpStream, pump: Pump) {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let ((from, to_client), (answers, to_server)) = (client.into_split(), server.into_split());
    let (mut there, mut back) = (pump.clone(), pump);
    // A connection that is closed in one direction goes on in the other; a cut one ends in both.
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
            if self.link().await.cut {
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

    async fn link(&mut self) -> Link {
        let mut mine = self.links.borrow_and_update().clone();
        mine.retain(|(_, to), _| *to == self.to);
        if mine.is_empty() {
            return Link::default();
        }
        let from = self.from.get_or_init(|| async {
            let (answer, answered) = oneshot::channel();
            let _ = self.questions.send((self.ports, answer));
            answered.await.unwrap_or_default()
        });
        let from = from.await.as_str();
        let of = |from: &str| mine.remove(&(from.to_owned(), self.to.clone()));
        // The member's own link comes first, the wildcard last.
        [from, ANY].into_iter().find_map(of).unwrap_or_default()
    }

    /// Waits for as long as the link wants, and returns `false` if the link is cut.
    async fn may_pass(&mut self, direction: Direction, piece: &[u8], held: &mut bool) -> bool {
        let mut counted = false;
        let mut touch = |touched: &AtomicU64| {
            if !std::mem::replace(&mut counted, true) {
                touched.fetch_add(1, Relaxed);
            }
        };
        loop {
            let link = self.link().await;
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
