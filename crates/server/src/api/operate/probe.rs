//! A question that many ask but that is put only once at a time. Whoever asks while it is under way waits for
//! the same answer, and a good answer serves everybody for a while.

use std::future::Future;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use parking_lot::Mutex;
use tokio::time::{Instant, timeout};

/// How long a bad answer serves.
const FAILED: Duration = Duration::from_secs(1);

/// A probe is one question, with its last answer.
pub struct Probe<T, E> {
    last: Mutex<Option<Last<T, E>>>,
}

/// `Last` says when the question was put for the last time, and what was answered.
struct Last<T, E> {
    put: Instant,
    answer: Shared<BoxFuture<'static, Option<Result<T, E>>>>,
}

impl<T, E> Default for Probe<T, E> {
    fn default() -> Self {
        Self { last: Mutex::new(None) }
    }
}

impl<T, E> Probe<T, E>
where
    T: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// Returns whether the question was put and is not answered yet.
    pub fn is_under_way(&self) -> bool {
        self.last.lock().as_ref().is_some_and(|last| last.answer.peek().is_none())
    }

    /// Returns the last answer if it is good and not older than `fresh`. Otherwise it puts the question, or
    /// waits for the answer to one that is under way, for at most `patience`. After that it returns `None`,
    /// and the answer serves whoever asks next.
    pub async fn ask<F>(
        &self,
        fresh: Duration,
        patience: Duration,
        question: impl FnOnce() -> F,
    ) -> Option<Result<T, E>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let answer = {
            let mut last = self.last.lock();
            match &*last {
                Some(known) if known.serves(fresh) => known.answer.clone(),
                _ => {
                    // The question is put in a task of its own, so that it goes on when those who wait for it
                    // leave.
                    let task = tokio::spawn(question());
                    let answer = async move { task.await.ok() }.boxed().shared();
                    *last = Some(Last { put: Instant::now(), answer: answer.clone() });
                    tokio::spawn(answer.clone());
                    answer
                }
            }
        };
        timeout(patience, answer).await.ok().flatten()
    }
}

impl<T, E> Last<T, E>
where
    T: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    fn serves(&self, fresh: Duration) -> bool {
        let age = self.put.elapsed();
        match self.answer.peek() {
            None => true,
            Some(Some(Ok(_))) => age < fresh,
            Some(_) => age < fresh.min(FAILED),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::time::{advance, sleep};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Answers after a second with how often it was asked. The third answer is an error.
    fn slow(asked: &Arc<AtomicU32>) -> impl Future<Output = Result<u32, String>> + Send + use<> {
        let asked = asked.clone();
        async move {
            let times = asked.fetch_add(1, Ordering::SeqCst) + 1;
            sleep(SECOND).await;
            if times == 3 { Err("the third time".into()) } else { Ok(times) }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_wait_share_one_answer_for_as_long_as_it_is_fresh() {
        let (probe, asked) = (Probe::default(), Arc::default());
        let ask = || probe.ask(5 * SECOND, 2 * SECOND, || slow(&asked));
        let (a, b) = tokio::join!(ask(), ask());
        assert_eq!((a, b), (Some(Ok(1)), Some(Ok(1))));
        advance(3 * SECOND).await;
        assert_eq!(ask().await, Some(Ok(1)));
        advance(2 * SECOND).await;
        assert_eq!(ask().await, Some(Ok(2)));
        advance(5 * SECOND).await;
        assert_eq!(ask().await, Some(Err("the third time".into())));
        advance(SECOND).await;
        assert_eq!(ask().await, Some(Ok(4)), "what failed is tried again sooner");
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_no_patience_is_not_kept_and_the_answer_serves_the_next() {
        let (probe, asked) = (Probe::default(), Arc::default());
        let ask = || probe.ask(5 * SECOND, SECOND / 4, || slow(&asked));
        assert_eq!(ask().await, None);
        assert_eq!(ask().await, None);
        assert_eq!(asked.load(Ordering::SeqCst), 1, "put once");
        sleep(SECOND).await;
        assert_eq!(ask().await, Some(Ok(1)));
        sleep(60 * SECOND).await;
        assert_eq!(ask().await, None, "an old answer is no answer");
    }
}
