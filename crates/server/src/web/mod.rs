//! The screens: pages, styles and modules written by hand, embedded in the binary, and the
//! pages that explain each problem type.
//!
//! Everything a page loads lies under `/assets/{tag}/`, where the tag is a hash of all of it: it
//! may be cached for ever, and a new binary has a new tag. Pages themselves carry an `ETag`. The
//! policy forbids inline script and style, foreign hosts, and turning text into HTML.

mod errors;

use std::sync::LazyLock;

use axum::body::Body;
use bytes::Bytes;
use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH,
    REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use sha2::{Digest, Sha256};

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// No inline script or style, nothing from elsewhere, no frame around us, and no way from a
/// string to HTML (`require-trusted-types-for`).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

/// A name under `/assets/{tag}/` may be kept for ever: another content has another tag.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Kept, but asked about each time, which costs a 304.
const ASK: &str = "no-cache";

/// What pages write where the tag belongs.
const TAG_MARK: &str = "/assets/@/";

macro_rules! files {
    ($($name:literal $kind:expr),* $(,)?) => {
        [$(($name, $kind, include_str!(concat!("static/", $name)))),*]
    };
}

/// What pages load: name, type, content.
const ASSETS: [(&str, &str, &str); 14] = files![
    "api.js" JS,
    "ballot.js" JS,
    "dom.js" JS,
    "favicon.svg" SVG,
    "join.js" JS,
    "keys.js" JS,
    "leaderboard.js" JS,
    "live.js" JS,
    "present.js" JS,
    "qr.js" JS,
    "rows.js" JS,
    "stage.css" CSS,
    "style.css" CSS,
    "vote.js" JS,
];

const JOIN: usize = 0;
const VOTE: usize = 1;
const PRESENT: usize = 2;
const LEADERBOARD: usize = 3;
const PAGES: [(&str, &str, &str); 4] = files![
    "join.html" HTML,
    "vote.html" HTML,
    "present.html" HTML,
    "leaderboard.html" HTML,
];

/// A hash of all assets.
static TAG: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for (name, _, content) in ASSETS {
        hash.update(name);
        hash.update([0]);
        hash.update(content);
        hash.update([0]);
    }
    hex::encode(&hash.finalize()[..6])
});

/// The pages with the tag written in.
static READY: LazyLock<[String; 4]> = LazyLock::new(|| PAGES.map(|(_, _, page)| tagged(page)));

/// Write the tag into a page.
fn tagged(page: &str) -> String {
    page.replace(TAG_MARK, &format!("/assets/{}/", *TAG))
}

/// The answer to a `GET` of one of our pages or assets; `None` when the path is not ours.
///
/// `/leaderboard` and `/polls/{id}` are routes of the API as well: they are ours only for
/// whoever asks for HTML.
pub fn asset(path: &str, headers: &HeaderMap) -> Option<Response<Body>> {
    let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    match segments[..] {
        [""] => Some(page(JOIN, headers)),
        ["p", poll] if !poll.is_empty() => Some(page(VOTE, headers)),
        ["polls", poll] if !poll.is_empty() && wants_html(headers) => {
            Some(vary(page(VOTE, headers)))
        }
        // The owner's link: its fragment, which only the page sees, names the poll.
        ["studio"] => Some(page(VOTE, headers)),
        ["present", poll] if !poll.is_empty() => Some(page(PRESENT, headers)),
        ["leaderboard"] if wants_html(headers) => Some(vary(page(LEADERBOARD, headers))),
        ["favicon.ico"] => named("favicon.svg", ASK, headers),
        ["favicon.svg"] => named("favicon.svg", ASK, headers),
        ["assets", tag, name] => {
            named(name, if tag == TAG.as_str() { FOR_EVER } else { ASK }, headers)
        }
        ["docs", "errors"] => Some(text(HTML, errors::index().to_owned(), ASK, headers)),
        ["docs", "errors", slug] => Some(text(HTML, errors::page(slug)?, ASK, headers)),
        _ => None,
    }
}

/// What a browser gets where nothing is.
pub fn nothing_here() -> Response<Body> {
    let mut response = text(HTML, errors::nowhere(), ASK, &HeaderMap::new());
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

fn page(index: usize, headers: &HeaderMap) -> Response<Body> {
    text(HTML, READY[index].as_str(), ASK, headers)
}

fn named(name: &str, cache: &'static str, headers: &HeaderMap) -> Option<Response<Body>> {
    let (_, kind, content) = ASSETS.iter().find(|(known, _, _)| *known == name)?;
    Some(text(kind, *content, cache, headers))
}

/// Whether `text/html` is among what the client accepts, as it is for a browser that goes to
/// an address and is not for a page's `fetch` or for curl.
fn wants_html(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).any(|accept| {
        accept.split(',').any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let html = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("text/html"));
            let refused = |weight: &str| {
                weight.strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q == 0.0))
            };
            html && !parts.any(refused)
        })
    })
}

/// Another `Accept` gets another answer at this address.
fn vary(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    response
}

/// Something we serve, or 304 when the client has it.
fn text(
    kind: &'static str,
    content: impl Into<Bytes>,
    cache: &'static str,
    headers: &HeaderMap,
) -> Response<Body> {
    let content: Bytes = content.into();
    let etag = format!("\"{}\"", hex::encode(&Sha256::digest(&content)[..8]));
    let known = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == etag || tag == "*");
    let (status, body) = if known {
        (StatusCode::NOT_MODIFIED, Body::empty())
    } else {
        (StatusCode::OK, Body::from(content))
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let fixed: [(HeaderName, &'static str); 5] = [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, cache),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in fixed {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    let etag = HeaderValue::from_str(&etag).expect("hexadecimal digits in quotes");
    response.headers_mut().insert(ETAG, etag);
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::api::problem::TABLE;

    const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

    fn accepting(accept: &str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())])
    }

    async fn body(response: Response<Body>) -> String {
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn pages_are_for_whoever_asks_for_html() {
        let curl = accepting("*/*");
        let browser = accepting(BROWSER);
        for path in ["/", "/p/482913", "/present/482913", "/studio", "/docs/errors"] {
            assert!(asset(path, &curl).is_some(), "{path}");
        }
        for path in ["/leaderboard", "/polls/482913"] {
            assert!(asset(path, &curl).is_none(), "{path}");
            assert_eq!(asset(path, &browser).unwrap().headers()[VARY], "accept", "{path}");
        }
        assert!(!wants_html(&accepting("application/json, text/html;q=0")));
        for path in ["", "/p/", "/p", "/polls", "/polls/1/vote", "/docs", "/api/polls", "/assets"] {
            assert!(asset(path, &browser).is_none(), "{path}");
        }
    }

    #[test]
    fn no_path_leads_out_of_the_assets() {
        for name in ["../mod.rs", "..", "", "join.html", "style.css/", "%2e%2e"] {
            assert!(asset(&format!("/assets/x/{name}"), &HeaderMap::new()).is_none(), "{name}");
        }
        assert!(asset("/docs/errors/../README", &HeaderMap::new()).is_none());
    }

    #[test]
    fn everything_is_locked_down() {
        for path in ["/", "/present/1", "/assets/x/vote.js", "/favicon.ico", "/docs/errors"] {
            let response = asset(path, &HeaderMap::new()).unwrap();
            let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.starts_with("default-src 'none'"), "{path}");
            assert!(!policy.contains("unsafe"), "{path}");
            assert_eq!(response.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
            assert_eq!(response.headers()[REFERRER_POLICY], "no-referrer", "{path}");
        }
    }

    #[tokio::test]
    async fn whatever_a_page_names_is_there_and_cached_for_ever() {
        let mut seen = 0;
        for (name, _, _) in PAGES {
            let page = tagged(PAGES.iter().find(|page| page.0 == name).unwrap().2);
            assert!(!page.contains(TAG_MARK), "{name}");
            for link in page.split('"').filter(|text| text.starts_with("/assets/")) {
                let response = asset(link, &HeaderMap::new()).unwrap_or_else(|| panic!("{link}"));
                assert_eq!(response.headers()[CACHE_CONTROL], FOR_EVER, "{link}");
                assert!(!body(response).await.is_empty(), "{link}");
                seen += 1;
            }
        }
        assert!(seen > 10);
        let stale = asset("/assets/000000000000/vote.js", &HeaderMap::new()).unwrap();
        assert_eq!(stale.headers()[CACHE_CONTROL], ASK);
    }

    #[test]
    fn modules_import_only_what_there_is() {
        for (name, kind, content) in ASSETS {
            for import in content.split("from \"./").skip(1).filter(|_| kind == JS) {
                let file = import.split('"').next().unwrap();
                assert!(ASSETS.iter().any(|(known, _, _)| *known == file), "{name}: {file}");
            }
        }
    }

    #[test]
    fn nothing_is_inline_and_no_text_becomes_html() {
        for (name, _, page) in PAGES {
            for forbidden in ["<style", " style=", "<script>", " onclick", "javascript:"] {
                assert!(!page.contains(forbidden), "{name}: {forbidden}");
            }
        }
        for (name, _, content) in ASSETS {
            for forbidden in
                ["innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "document.write"]
            {
                assert!(!content.contains(forbidden), "{name}: {forbidden}");
            }
        }
    }

    #[test]
    fn a_voters_phone_downloads_little() {
        // Before any compression, so that it holds on a server that does none.
        let voter = ["api.js", "ballot.js", "dom.js", "live.js", "style.css", "vote.js"];
        let assets: usize = ASSETS.iter().filter(|a| voter.contains(&a.0)).map(|a| a.2.len()).sum();
        let total = assets + PAGES[VOTE].2.len();
        assert!(total < 40 * 1024, "{total} bytes");
    }

    #[tokio::test]
    async fn what_is_known_is_not_sent_again() {
        let first = asset("/", &HeaderMap::new()).unwrap();
        let etag = first.headers()[ETAG].clone();
        let listed = format!("\"other\", W/{}", etag.to_str().unwrap());
        for known in [etag.to_str().unwrap(), listed.as_str(), "*"] {
            let headers = HeaderMap::from_iter([(IF_NONE_MATCH, known.parse().unwrap())]);
            let again = asset("/", &headers).unwrap();
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{known}");
            assert_eq!(body(again).await, "");
        }
        let other = HeaderMap::from_iter([(IF_NONE_MATCH, "\"other\"".parse().unwrap())]);
        assert_eq!(asset("/", &other).unwrap().status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn problem_types_have_pages() {
        let slugs: Vec<_> = errors::slugs().collect();
        assert!(slugs.is_sorted());
        assert_eq!(slugs.len(), TABLE.len());
        for row in &TABLE {
            let page = asset(&format!("/docs/errors/{}", row.slug), &HeaderMap::new());
            let html = body(page.unwrap_or_else(|| panic!("{} has no page", row.slug))).await;
            assert!(html.contains(&format!("<h1>{}</h1>", row.title)), "{}", row.slug);
            let status = format!("<code>{}</code>, status {}.", row.slug, row.status.as_u16());
            assert!(html.contains(&status), "{}", row.slug);
        }
        for slug in slugs {
            let html =
                body(asset(&format!("/docs/errors/{slug}"), &HeaderMap::new()).unwrap()).await;
            assert!(html.contains("<h1>") && html.contains("<h2>"), "{slug}");
            assert!(!html.contains("{body}") && !html.contains("```"), "{slug}");
        }
        assert!(asset("/docs/errors/none-such", &HeaderMap::new()).is_none());
    }
}
