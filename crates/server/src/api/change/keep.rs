//! Keeping something new under a join code: once, even if the request comes twice.

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

/// Codes offered to the store at a time.
const CODES: usize = 8;

/// The header `Idempotency-Key`, if it is there.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let bytes = value.as_bytes();
    if !(16..=255).contains(&bytes.len()) || !bytes.iter().all(u8::is_ascii_graphic) {
        return Err(bad("the header Idempotency-Key must be 16 to 255 visible ASCII characters"));
    }
    Ok(Some(String::from_utf8_lossy(bytes).into_owned()))
}

/// Whoever makes something that stays spends of what their address may make; the operator does not.
pub fn spend(app: &App, asker: &Asker) -> Result<(), Problem> {
    if asker.is_operator(app) {
        return Ok(());
    }
    app.limits.creation(asker.client.address)
}

/// Keep something new, and tell everybody.
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

/// What became of something new.
enum Kept<T> {
    /// It is kept.
    New(T),
    /// The same request had made it before.
    Before(T),
    /// Whether it is kept the store has not said.
    Unknown(Problem),
}

/// Have the store keep something under a join code, ever longer ones until one is free.
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

/// Random digits, the first not 0, so that nobody loses it in a spreadsheet.
fn code(app: &App, digits: usize) -> String {
    let least = 10_u64.pow(digits as u32 - 1);
    // A bias of 10¹² in 2⁶⁴ is of no use to anybody.
    let random = u64::from_be_bytes(app.ambient.random());
    (least + random % (9 * least)).to_string()
}
