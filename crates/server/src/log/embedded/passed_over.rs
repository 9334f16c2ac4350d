//! SQLite's recovery may silently pass over synced commits; this check finds them.
//!
//! Recovery reads the write-ahead log up to the first frame that is not whole, and takes the rest
//! for a commit that a crash cut short. A crash does leave that, but only the frames of *one*
//! commit, because each commit was synced before the next was written. Where two commits stand
//! behind the broken frame, the first of them was synced, and the frame was damaged later.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::Path;

/// The bytes before the first frame (`HEADER`), and before each frame's page (`FRAME_HEADER`).
const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// Returns the byte at which a write-ahead log is damaged, if it has lost what was synced.
pub(super) fn damage(wal: &Path) -> io::Result<Option<u64>> {
    let file = match File::open(wal) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    let mut file = BufReader::with_capacity(1 << 20, file);
    let mut header = [0; HEADER];
    // Frames are written only after the header is synced.
    if length < (HEADER + FRAME_HEADER) as u64 || !fill(&mut file, &mut header)? {
        return Ok(None);
    }
    let Some(wal) = Wal::read(&header) else { return Ok(Some(0)) };
    let mut frame = vec![0; FRAME_HEADER + wal.page];
    let (mut sum, mut at) = (wal.sum, HEADER as u64);
    let (mut broken, mut commits) = (None, 0);
    while fill(&mut file, &mut frame)? {
        if broken.is_none() {
            sum = wal.add(wal.add(sum, &frame[..8]), &frame[FRAME_HEADER..]);
            if !wal.is_ours(&frame) || sum != (word(&frame, 16), word(&frame, 20)) {
                broken = Some(at);
            }
        }
        if broken.is_some() && wal.is_ours(&frame) && word(&frame, 4) != 0 {
            commits += 1;
        }
        at += frame.len() as u64;
    }
    Ok(broken.filter(|_| commits >= 2))
}

/// Fills the buffer, and returns whether that many bytes were left.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// `Wal` holds the content of the header; see
/// <https://sqlite.org/fileformat2.html#the_write_ahead_log>.
struct Wal {
    /// Whether checksums read the bytes as big-endian words.
    big: bool,
    page: usize,
    /// A value that is drawn anew whenever the write-ahead log begins anew; frames with another one
    /// are left over from before.
    salt: [u8; 8],
    sum: (u32, u32),
}

impl Wal {
    /// Reads the header; `None` if it is damaged.
    fn read(header: &[u8; HEADER]) -> Option<Self> {
        let magic = word(header, 0);
        let page = word(header, 8) as usize;
        let salt = header[16..24].try_into().ok()?;
        let mut wal = Self { big: magic & 1 == 1, page, salt, sum: (0, 0) };
        wal.sum = wal.add((0, 0), &header[..24]);
        let whole = magic & !1 == 0x377f_0682 && wal.sum == (word(header, 24), word(header, 28));
        whole.then_some(wal)
    }

    fn is_ours(&self, frame: &[u8]) -> bool {
        frame[8..16] == self.salt
    }

    /// Continues a checksum over these bytes.
    fn add(&self, (mut a, mut b): (u32, u32), bytes: &[u8]) -> (u32, u32) {
        for pair in bytes.chunks_exact(8) {
            let [x, y] = [0, 4].map(|at| word(pair, at));
            let [x, y] = if self.big { [x, y] } else { [x.swap_bytes(), y.swap_bytes()] };
            a = a.wrapping_add(x).wrapping_add(b);
            b = b.wrapping_add(y).wrapping_add(a);
        }
        (a, b)
    }
}
