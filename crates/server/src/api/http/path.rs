//! The paths of requests.

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;

use super::query::bad;
use crate::api::problem::Problem;

/// `Params` holds the parameters of a path, in order.
pub struct Params<const N: usize>(pub [String; N]);

impl<S: Send + Sync, const N: usize> FromRequestParts<S> for Params<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| bad("the path is not UTF-8 once it is percent-decoded"))?;
        let values: Vec<_> = params.iter().map(|(_, value)| value.to_owned()).collect();
        values.try_into().map(Self).map_err(|_| bad("the path has the wrong number of parts"))
    }
}

/// Returns a route's template without the prefix.
pub fn short(template: &str) -> &str {
    match template.strip_prefix("/api") {
        Some("") => "/",
        Some(rest) => rest,
        None => template,
    }
}
