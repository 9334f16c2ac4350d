//! The ends of the log's partitions, and how many records lie before them.

use std::future::Future;
use std::sync::Arc;

use futures_util::future::try_join_all;
use pollux_core::id::Offset;
use tokio::time::timeout;

use crate::api::App;

/// The error for a backend that was asked and does not answer.
pub const SILENT: &str = "it does not answer";

/// Returns the end of the log in each partition.
pub fn ends(app: &Arc<App>) -> impl Future<Output = Result<Vec<Offset>, String>> + Send + use<> {
    let (log, deadline) = (app.log.clone(), app.config.api.deadline);
    async move {
        let ends = try_join_all((0..log.partitions()).map(|partition| log.end(partition)));
        let ends = timeout(deadline, ends).await.map_err(|_| SILENT)?;
        ends.map_err(|error| error.to_string())
    }
}

/// Returns the number of records before these offsets, without the genesis record of each partition.
pub fn records(offsets: &[u64]) -> u64 {
    offsets.iter().map(|offset| offset.saturating_sub(1)).sum()
}
