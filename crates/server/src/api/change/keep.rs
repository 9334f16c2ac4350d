//! The creation of something that is kept under a join code: once, even if the request comes twice.

use std::future::Future;
use std::sync::Arc;

use http::HeaderMap;
use tokio::time::{Instant, timeout_at};

use super::{Owned, no_answer, settle, until};
use crate::api::App;
use crate::api::access::asker::Asker;
use crate::api::http::query::bad;
use crate::api::lookup::ask::{ask, silent, store_problem};
use crate::api::lookup::code::CODE_DIGITS;
use crate::api::problem::{Problem, Trouble};
use crate::store::{Created, IdempotencyKey, StoreError};

/// The number of codes that are offered to the store at a time.
const CODES: usize = 8;

/// Reads the header `Idempotency-Key`, if it is there.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let bytes = value.as_bytes();
    if !(16..=255).contains(&bytes.len()) || !bytes.iter().all(u8::is_ascii_graphic) {
        return Err(bad("the header Idempotency-Key must be 16 to 255 visible ASCII characters"));
    }
    Ok(Some(String::from_utf8_lossy(bytes).into_owned()))
}

/// Takes one from what the asker's address may create. The operator has no such limit.
pub fn spend(app: &App, asker: &Asker) -> Result<(), Problem> {
    if asker.is_operator(app) {
        return Ok(());
    }
    app.limits.creation(asker.client.address)
}

/// Keeps something new in the store, and announces it.
pub async fn keep<T: Owned>(
    app: &Arc<App>,
    new: T,
    key: Option<IdempotencyKey>,
) -> Result<T::Found, Problem> {
    let until = until(app);
    let id = new.id();
    let create = |codes| new.clone().create(app, codes, key.clone());
    let found = match under_a_code(app, until, create).await? {
        Kept::New(new) => new.fresh(app),
        Kept::Before(before) => {
            let found = timeout_at(until, ask(app, T::read(app, before.id()))).await;
            let found = found.unwrap_or_else(|_| Err(silent()))?;
            found.unwrap_or_else(|| before.fresh(app))
        }
        Kept::Unknown(problem) => {
            return settle::<T>(app, id, until, |_| ()).await.ok_or(problem);
        }
    };
    T::publish(app, &found, until).await;
    Ok(found)
}

/// `Kept` says what became of something new.
enum Kept<T> {
    /// The store keeps it.
    New(T),
    /// The same request had created it before.
    Before(T),
    /// The store has not said whether it keeps it.
    Unknown(Problem),
}

/// Has the store keep something under a join code. The codes get longer until one is free.
async fn under_a_code<T, F: Future<Output = Result<Created<T>, StoreError>>>(
    app: &App,
    until: Instant,
    create: impl Fn(Vec<String>) -> F,
) -> Result<Kept<T>, Problem> {
    for digits in CODE_DIGITS.0..=CODE_DIGITS.1 {
        let codes = (0..CODES).map(|_| code(app, digits)).collect();
        match timeout_at(until, create(codes)).await {
            Ok(Ok(Created::New(new))) => return Ok(Kept::New(new)),
            Ok(Ok(Created::Before(before))) => return Ok(Kept::Before(before)),
            Ok(Ok(Created::KeyReused)) => {
                let detail = "another request was made under this Idempotency-Key";
                return Err(Problem::new(Trouble::KeyReused, detail));
            }
            Ok(Ok(Created::CodesTaken)) => {}
            Ok(Err(error @ StoreError::Unknown(_))) => {
                return Ok(Kept::Unknown(store_problem(&error)));
            }
            Ok(Err(error)) => return Err(store_problem(&error)),
            Err(_) => return Ok(Kept::Unknown(no_answer())),
        }
    }
    Err(Problem::new(Trouble::StoreUnavailable, "no join code is free; try again"))
}

/// Draws a join code. Its first digit is not 0, so that no spreadsheet drops it.
fn code(app: &App, digits: usize) -> String {
    let least = 10_u64.pow(digits as u32 - 1);
    // A bias of 10¹² in 2⁶⁴ is of no use to anybody.
    let random = u64::from_be_bytes(app.ambient.random());
    (least + random % (9 * least)).to_string()
}
