//! Where the log ends, and how many records that is.

use std::future::Future;
use std::sync::Arc;

use futures_util::future::try_join_all;
use pollux_core::id::Offset;
use tokio::time::timeout;

use crate::api::App;

/// What is said of one that was asked and says nothing.
pub const SILENT: &str = "it does not answer";

/// By partition, where the log ends.
pub fn ends(app: &Arc<App>) -> impl Future<Output = Result<Vec<Offset>, String>> + Send + use<> {
    let (log, deadline) = (app.log.clone(), app.config.api.deadline);
    async move {
        let ends = try_join_all((0..log.partitions()).map(|partition| log.end(partition)));
        let ends = timeout(deadline, ends).await.map_err(|_| SILENT)?;
        ends.map_err(|error| error.to_string())
    }
}

/// How many records lie before these offsets, without the genesis record of each partition.
pub fn records(offsets: &[u64]) -> u64 {
    offsets.iter().map(|offset| offset.saturating_sub(1)).sum()
}
