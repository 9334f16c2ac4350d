//! The bodies of requests: declared as JSON where they must be, whole, and within the limits.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body::Body;
use http_body_util::BodyExt;

use crate::api::App;
use crate::api::problem::{Problem, Trouble};

/// Reads the whole body of a request that must have a JSON body.
pub async fn json<B>(app: &App, headers: &HeaderMap, body: B) -> Result<Bytes, Problem>
where
    B: Body<Data = Bytes> + Unpin,
{
    json_up_to(app, headers, body, app.config.api.body).await
}

/// Reads the whole body of a request that must have a JSON body, up to a limit of its own.
pub async fn json_up_to<B>(
    app: &App,
    headers: &HeaderMap,
    body: B,
    limit: usize,
) -> Result<Bytes, Problem>
where
    B: Body<Data = Bytes> + Unpin,
{
    if !is_json(headers) && !declared_too_large(headers, limit) {
        let detail = match headers.get(CONTENT_TYPE) {
            None => "the header Content-Type: application/json is missing".to_owned(),
            Some(other) => format!("Content-Type is {other:?}; it must be application/json"),
        };
        return Err(Problem::new(Trouble::NotJson, detail));
    }
    let bytes = bytes(app, headers, body, limit).await?;
    if bytes.trim_ascii().is_empty() {
        return Err(Problem::new(
            Trouble::MalformedJson,
            "the body is empty; it must be a JSON object",
        ));
    }
    Ok(bytes)
}

fn declared_too_large(headers: &HeaderMap, limit: usize) -> bool {
    let declared = headers.get(CONTENT_LENGTH).and_then(|n| n.to_str().ok()?.parse().ok());
    declared.is_some_and(|length: u64| length > limit as u64)
}

/// Reads the whole body of a request, whatever its type, up to a limit.
pub async fn bytes<B>(
    app: &App,
    headers: &HeaderMap,
    body: B,
    limit: usize,
) -> Result<Bytes, Problem>
where
    B: Body<Data = Bytes> + Unpin,
{
    if declared_too_large(headers, limit) {
        return Err(too_large(limit));
    }
    let mut gather = pin!(gather(body, limit));
    // Nearly every body has arrived already, and a timer costs something, so one is set only for a body that
    // has not.
    let bytes = match poll_fn(|cx| Poll::Ready(gather.as_mut().poll(cx))).await {
        Poll::Ready(bytes) => bytes?,
        Poll::Pending => {
            let time = app.config.api.body_timeout;
            tokio::time::timeout(time, gather).await.map_err(|_| {
                let detail = format!("the body did not arrive within {} s", time.as_secs());
                Problem::new(Trouble::RequestTimeout, detail)
            })??
        }
    };
    Ok(bytes)
}

async fn gather<B>(mut body: B, limit: usize) -> Result<Bytes, Problem>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| {
            Problem::new(Trouble::MalformedRequest, "the body broke off, or its chunks do not read")
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + data.len() > limit {
            return Err(too_large(limit));
        }
        if whole.is_empty() && body.is_end_stream() {
            return Ok(data);
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

fn too_large(limit: usize) -> Problem {
    Problem::new(Trouble::BodyTooLarge, format!("a body may have at most {limit} bytes"))
}

/// Returns whether the type is `application/json` or ends in `+json`, with or without parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE) else { return false };
    let value = value.as_bytes();
    let end = value.iter().position(|byte| *byte == b';').unwrap_or(value.len());
    let essence = value[..end].trim_ascii();
    essence.eq_ignore_ascii_case(b"application/json")
        || essence
            .last_chunk::<5>()
            .is_some_and(|suffix| suffix.eq_ignore_ascii_case(b"+json") && essence.contains(&b'/'))
}
