//! A value that tasks wait on, and wake from in the order in which they came.
//!
//! The `watch` channel of tokio wakes tasks in an order that it draws from a generator of its own, with which
//! no run of the simulation could be repeated.

use std::pin::pin;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// A level has a value, and wakes the tasks that wait for it to change.
pub struct Level<T> {
    value: Mutex<T>,
    changed: Notify,
}

impl<T: Copy> Level<T> {
    /// Creates a level with this value.
    pub fn new(value: T) -> Self {
        Self { value: Mutex::new(value), changed: Notify::new() }
    }

    /// Returns the current value.
    pub fn get(&self) -> T {
        *self.value.lock()
    }

    /// Changes the value, and wakes all waiting tasks if `change` returns true.
    pub fn change(&self, change: impl FnOnce(&mut T) -> bool) {
        if change(&mut self.value.lock()) {
            self.changed.notify_waiters();
        }
    }

    /// Waits until the value satisfies `suits`.
    pub async fn wait_for(&self, suits: impl Fn(T) -> bool) {
        loop {
            let mut changed = pin!(self.changed.notified());
            // The task is enlisted before it looks at the value, so that no change falls between the two.
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
