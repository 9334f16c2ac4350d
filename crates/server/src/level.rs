//! A value that tasks wait on, and wake from in the order in which they came.
//!
//! tokio's own `watch` wakes in an order drawn from a generator of its own, and then no run of
//! the simulation could be repeated.

use std::pin::pin;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// The value.
pub struct Level<T> {
    value: Mutex<T>,
    changed: Notify,
}

impl<T: Copy> Level<T> {
    /// Begin with this value.
    pub fn new(value: T) -> Self {
        Self { value: Mutex::new(value), changed: Notify::new() }
    }

    /// The value now.
    pub fn get(&self) -> T {
        *self.value.lock()
    }

    /// Change it, and wake those who wait if that is said to have been done.
    pub fn change(&self, change: impl FnOnce(&mut T) -> bool) {
        if change(&mut self.value.lock()) {
            self.changed.notify_waiters();
        }
    }

    /// Wait until the value is one of these.
    pub async fn wait_for(&self, suits: impl Fn(T) -> bool) {
        loop {
            let mut changed = pin!(self.changed.notified());
            // Before the look, so that no change falls between the two.
            changed.as_mut().enable();
            if suits(self.get()) {
                return;
            }
            changed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn who_waits_wakes_in_the_order_they_came() {
        let level = Arc::new(Level::new(0));
        let order = Arc::new(Mutex::new(Vec::new()));
        let waiting: Vec<_> = (0..20)
            .map(|i| {
                let (level, order) = (level.clone(), order.clone());
                tokio::spawn(async move {
                    level.wait_for(|value| value > 0).await;
                    order.lock().push(i);
                })
            })
            .collect();
        tokio::task::yield_now().await;
        level.change(|value| {
            *value = 1;
            true
        });
        for task in waiting {
            task.await.expect("no task panics");
        }
        assert_eq!(*order.lock(), (0..20).collect::<Vec<_>>());
    }
}
