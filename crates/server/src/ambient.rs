//! The clock and the dice: the only way the server learns the time or draws randomness, so
//! that the seeded simulation can replace both.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use pollux_core::id::{BallotId, PollId, UnixMillis};
use rand::rngs::{StdRng, SysRng};
use rand::{Rng, SeedableRng, TryRng};

/// Where time and randomness come from.
pub trait Ambient: Send + Sync + 'static {
    /// The wall clock.
    fn now(&self) -> UnixMillis;
    /// Fill with random bytes fit for secrets.
    fn fill(&self, bytes: &mut [u8]);
}

/// The one handle everything holds.
pub type SharedAmbient = Arc<dyn Ambient>;

impl dyn Ambient {
    /// A new poll id.
    pub fn poll_id(&self) -> PollId {
        PollId::new(self.now(), self.random())
    }

    /// A new ballot id.
    pub fn ballot_id(&self) -> BallotId {
        BallotId::new(self.now(), self.random())
    }

    /// This many random bytes.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

/// The machine's clock, and a generator seeded by the operating system.
pub struct SystemAmbient(Mutex<StdRng>);

impl SystemAmbient {
    /// Seed from the operating system; panics if it has no randomness to give.
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
