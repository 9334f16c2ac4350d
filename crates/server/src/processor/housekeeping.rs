//! What nobody asks for but time brings: polls whose closing time has come are closed, and
//! control records that some partition has not seen are appended again. Every node does this;
//! doing it twice changes nothing.

use pollux_core::poll::Poll;
use tokio_util::sync::CancellationToken;

use super::Processor;
use crate::log::control;
use crate::store::{ChangeError, StoreError};

/// Look now and then, until told to stop.
pub async fn run(processor: Processor, stop: CancellationToken) {
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(processor.limits.housekeeping) => {}
        }
        if let Err(error) = round(&processor).await {
            tracing::debug!(%error, "housekeeping is tried again later");
        }
    }
}

async fn round(processor: &Processor) -> Result<(), StoreError> {
    let now = processor.ambient.now();
    for poll in processor.store.due(now).await? {
        close(processor, poll).await?;
    }
    for poll in processor.store.unsettled().await? {
        control::append(&*processor.log, &poll, now).await;
    }
    Ok(())
}

/// Close a poll whose time has come, unless somebody changed it in between.
async fn close(processor: &Processor, mut poll: Poll) -> Result<(), StoreError> {
    let expected = poll.revision;
    let now = processor.ambient.now();
    if !poll.close(now).unwrap_or(false) {
        return Ok(());
    }
    match processor.store.change(&poll, expected).await {
        Ok(()) => {
            control::publish(&*processor.log, &poll, now).await;
            Ok(())
        }
        Err(ChangeError::Conflict) => Ok(()),
        Err(ChangeError::Store(error)) => Err(error),
    }
}
