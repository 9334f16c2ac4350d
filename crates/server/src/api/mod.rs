//! HTTP and WebSocket in. SKELETON.

use std::sync::Arc;

use crate::ambient::SharedAmbient;
use crate::config::Config;
use crate::log::Log;
use crate::store::Store;
use crate::watch::hub::Hub;

/// What every handler holds.
pub struct App {
    /// Settings and limits.
    pub config: Config,
    /// The clock and the dice.
    pub ambient: SharedAmbient,
    /// The durable log.
    pub log: Arc<dyn Log>,
    /// The truth.
    pub store: Arc<dyn Store>,
    /// The newest state, in memory.
    pub hub: Arc<Hub>,
}
