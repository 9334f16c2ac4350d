//! The backends of [`super::Log`] that live in this process are held to the contract here.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use pollux_core::id::Generation;

use super::Log;
use super::conformance::{self, Subject, suite};
use crate::config::LogLimits;

mod embedded {
    use super::*;
    use crate::ambient::SystemAmbient;
    use crate::log::embedded::EmbeddedLog;

    async fn subject(partitions: u32, limits: LogLimits) -> Subject {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let open = move || -> Arc<dyn Log> {
            let ambient = Arc::new(SystemAmbient::new());
            EmbeddedLog::open(&path, partitions, limits.clone(), ambient).unwrap()
        };
        let log = open();
        let reopen = move || -> BoxFuture<'static, Arc<dyn Log>> {
            let log = open();
            Box::pin(async { log })
        };
        Subject { log, reopen: Some(Box::new(reopen)), _keep: Box::new(folder) }
    }

    suite!(tokio::test(flavor = "multi_thread", worker_threads = 2));
}

mod memory {
    use super::*;
    use crate::log::memory::{LogFaults, MemoryLog};

    pub(super) async fn subject(partitions: u32, limits: LogLimits) -> Subject {
        memory(partitions, limits, LogFaults::default())
    }

    pub(super) fn memory(partitions: u32, limits: LogLimits, faults: LogFaults) -> Subject {
        let generation = Generation("0199a3a4-0000-7000-8000-000000000001".parse().unwrap());
        let cluster = MemoryLog::new(generation, partitions, limits, faults, 1);
        let log = cluster.node(0);
        let reopen = move || -> BoxFuture<'static, Arc<dyn Log>> {
            let log = cluster.node(0);
            Box::pin(async { log as Arc<dyn Log> })
        };
        Subject { log, reopen: Some(Box::new(reopen)), _keep: Box::new(()) }
    }

    suite!(tokio::test(start_paused = true));
}

/// The memory log with a line in front of it, which must keep all of the log's promises.
mod waiting {
    use super::*;
    use crate::log::Waiting;

    async fn subject(partitions: u32, limits: LogLimits) -> Subject {
        let Subject { log, reopen, _keep } = super::memory::subject(partitions, limits).await;
        let reopen = reopen.unwrap();
        Subject {
            log: Waiting::new(log, 8),
            reopen: Some(Box::new(move || {
                let log = reopen();
                Box::pin(async move { Waiting::new(log.await, 8) as Arc<dyn Log> })
            })),
            _keep,
        }
    }

    suite!(tokio::test(start_paused = true));
}

/// The memory log with the faults that make no append and no read fail: delays, repeated
/// announcements, and acknowledgements that tell no offset.
mod troubled_memory {
    use super::*;
    use crate::log::memory::LogFaults;

    async fn subject(partitions: u32, limits: LogLimits) -> Subject {
        let faults = LogFaults {
            delay: Duration::ZERO..Duration::from_millis(20),
            announcement_delay: Duration::ZERO..Duration::from_millis(20),
            announcement_duplicate: 0.1,
            no_offset: 0.1,
            ..LogFaults::default()
        };
        super::memory::memory(partitions, limits, faults)
    }

    suite!(tokio::test(start_paused = true));
}
