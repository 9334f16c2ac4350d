//! The clock and the source of randomness. The server learns the time and draws randomness here alone, so
//! that the seeded simulation can replace both.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use pollux_core::id::{BallotId, PollId, UnixMillis};
use rand::rngs::{StdRng, SysRng};
use rand::{Rng, SeedableRng, TryRng};

/// `Ambient` gives the time and randomness.
pub trait Ambient: Send + Sync + 'static {
    /// Returns the time of the wall clock.
    fn now(&self) -> UnixMillis;
    /// Fills `bytes` with random bytes that are fit for secrets.
    fn fill(&self, bytes: &mut [u8]);
}

/// `SharedAmbient` is the handle on time and randomness that every part of the server holds.
pub type SharedAmbient = Arc<dyn Ambient>;

impl dyn Ambient {
    /// Draws a new poll id.
    pub fn poll_id(&self) -> PollId {
        PollId::new(self.now(), self.random())
    }

    /// Draws a new ballot id.
    pub fn ballot_id(&self) -> BallotId {
        BallotId::new(self.now(), self.random())
    }

    /// Draws `N` random bytes.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

/// `SystemAmbient` asks the machine's clock, and a generator that the operating system seeds.
pub struct SystemAmbient(Mutex<StdRng>);

impl SystemAmbient {
    /// Seeds the generator from the operating system. Panics if the operating system has no randomness to
    /// give.
    pub fn new() -> Self {
        let mut seed = [0; 32];
        SysRng.try_fill_bytes(&mut seed).expect("the operating system gives randomness");
        Self(Mutex::new(StdRng::from_seed(seed)))
    }
}

impl Default for SystemAmbient {
    fn default() -> Self {
        Self::new()
    }
}

impl Ambient for SystemAmbient {
    fn now(&self) -> UnixMillis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMillis(since.as_millis() as u64)
    }

    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().fill_bytes(bytes);
    }
}
