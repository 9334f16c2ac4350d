//! The screens: pages, styles and modules that `build.rs` builds from `web/` and embeds in the binary, and
//! the pages that explain each problem type.
//!
//! The name of every file under `/assets/` contains a hash of its content, so it may be cached for ever.
//! Pages carry an `ETag`, and browsers ask for them each time. The policy forbids inline script and style,
//! foreign hosts, and turning text into HTML.

mod errors;
mod files;

use axum::body::Body;
use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    HeaderName, IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use files::Content;

/// The content security policy. It allows no inline script or style, nothing from elsewhere, no frame around
/// us, and no way from a string to HTML (`require-trusted-types-for`).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'; frame-ancestors 'none'";
/// The end of the policy, which [`let_frame`] replaces.
const UNFRAMED: &str = "'none'";

/// The caching of assets, whose names change with their content.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// The caching of pages. A browser keeps them but asks each time, which costs a 304.
const ASK: &str = "no-cache";

/// The header that says whether a page of another origin may load an answer without CORS, for example as an
/// image.
pub const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Returns the answer to a `GET` of one of our pages or files, or `None` when the path is not ours.
///
/// `/leaderboard` and `/polls/{id}` are routes of the API as well. They are pages only for clients that ask
/// for HTML.
///
/// `kind` is the kind of the poll that a voting page shows, where it is known. The build makes a page for each
/// kind, which brings along the script that this kind needs.
pub fn asset(path: &str, headers: &HeaderMap, kind: Option<&str>) -> Option<Response<Body>> {
    let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    let page = |name: &str| Some(answer(name, files::file(name, headers)?, ASK, headers));
    let voting =
        || kind.and_then(|kind| page(&format!("vote.{kind}.html"))).or_else(|| page("vote.html"));
    match segments[..] {
        [""] => page("vote.html"),
        ["p", poll] if !poll.is_empty() => voting(),
        ["polls", poll] if !poll.is_empty() && wants_html(headers) => voting().map(vary),
        ["studio", ..] => page("studio.html"),
        ["present", poll] if !poll.is_empty() => page("present.html"),
        ["overlay" | "embed", poll] if !poll.is_empty() => page("overlay.html"),
        ["leaderboard"] if wants_html(headers) => page("leaderboard.html").map(vary),
        ["favicon.ico" | "favicon.svg"] => page("favicon.svg"),
        ["assets", name] => {
            let name = format!("assets/{name}");
            Some(answer(&name, files::file(&name, headers)?, FOR_EVER, headers))
        }
        ["docs", "errors"] => Some(written(errors::index().to_owned(), headers)),
        ["docs", "errors", slug] => Some(written(errors::page(slug)?, headers)),
        _ => None,
    }
}

/// Returns the id of the poll or event that a page of this path shows, if other sites may show the page in a
/// frame. Only read-only pages may be framed.
pub fn framed(path: &str) -> Option<&str> {
    let (page, id) = path.strip_prefix('/')?.split_once('/')?;
    (matches!(page, "overlay" | "embed") && !id.is_empty() && !id.contains('/')).then_some(id)
}

/// Lets the pages of these origins frame this page; `*` lets all.
pub fn let_frame(page: &mut Response<Body>, origins: &[String]) {
    let policy = POLICY.trim_end_matches(UNFRAMED);
    if !origins.is_empty()
        && let Ok(policy) = HeaderValue::try_from(format!("{policy}{}", origins.join(" ")))
    {
        page.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
        // A page that isolates itself frames only pages that allow it in this header.
        page.headers_mut().insert(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    }
}

/// Returns the id of the poll or event that a page of this path votes in, if it is a voting page.
pub fn voted_in(path: &str) -> Option<&str> {
    let (page, id) = path.strip_prefix('/')?.split_once('/')?;
    (matches!(page, "p" | "polls") && !id.is_empty() && !id.contains('/')).then_some(id)
}

/// Returns the page for a browser that asks for an address that does not exist.
pub fn not_found() -> Response<Body> {
    let mut response = written(errors::not_found(), &HeaderMap::new());
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

/// Returns whether the client accepts `text/html` by name. A browser that opens an address does; a page's
/// `fetch` and curl do not.
pub fn wants_html(headers: &HeaderMap) -> bool {
    lists(headers, &ACCEPT, "text/html")
}

/// Returns whether a header of accepted values names this one, and does not refuse it with `q=0`.
fn lists(headers: &HeaderMap, header: &HeaderName, what: &str) -> bool {
    let listed = headers.get_all(header).iter().filter_map(|value| value.to_str().ok());
    listed.flat_map(|value| value.split(',')).any(|entry| {
        let mut parts = entry.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(what));
        let refused =
            |part: &str| part.strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0_f32));
        named && !parts.any(refused)
    })
}

/// Marks an answer that depends on `Accept`, so that a cache keeps one for each.
pub fn vary(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept, accept-encoding"));
    response
}

fn written(html: String, headers: &HeaderMap) -> Response<Body> {
    answer(".html", files::written(html), ASK, headers)
}

fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml; charset=utf-8",
        Some("png") => "image/png",
        Some("webp") => "image/webp",
        _ => "application/octet-stream",
    }
}

/// Answers with a content, or with 304 when the client has it already.
fn answer(
    name: &str,
    content: Content,
    cache: &'static str,
    headers: &HeaderMap,
) -> Response<Body> {
    let known = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag.as_bytes() == content.etag.as_bytes() || tag == "*");
    let (status, body) = if known {
        (StatusCode::NOT_MODIFIED, Body::empty())
    } else {
        (StatusCode::OK, Body::from(content.bytes))
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let fixed: [(HeaderName, &'static str); 6] = [
        (CONTENT_TYPE, kind(name)),
        (CACHE_CONTROL, cache),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (VARY, "accept-encoding"),
    ];
    for (name, value) in fixed {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    if let Some(encoding) = content.encoding {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response.headers_mut().insert(ETAG, content.etag);
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use http::header::ACCEPT_ENCODING;
    use pollux_core::kind::Kind;

    use super::files::File;
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
        for path in [
            "/",
            "/p/482913",
            "/present/482913",
            "/overlay/1",
            "/studio",
            "/studio/polls/1",
            "/docs/errors",
        ] {
            assert!(asset(path, &curl, None).is_some(), "{path}");
        }
        for path in ["/leaderboard", "/polls/482913"] {
            assert!(asset(path, &curl, None).is_none(), "{path}");
            let vary = asset(path, &browser, None).unwrap().headers()[VARY].clone();
            assert_eq!(vary, "accept, accept-encoding", "{path}");
        }
        assert!(!wants_html(&accepting("application/json, text/html;q=0")));
        for path in ["", "/p/", "/p", "/polls", "/polls/1/vote", "/docs", "/api/polls", "/assets"] {
            assert!(asset(path, &browser, None).is_none(), "{path}");
        }
    }

    #[test]
    fn no_path_leads_out_of_the_assets() {
        for name in ["../vote.html", "..", "", "vote.html", "x/", "%2e%2e"] {
            assert!(asset(&format!("/assets/{name}"), &HeaderMap::new(), None).is_none(), "{name}");
        }
        assert!(asset("/docs/errors/../README", &HeaderMap::new(), None).is_none());
    }

    #[test]
    fn everything_is_locked_down() {
        for path in ["/", "/present/1", "/favicon.ico", "/docs/errors"] {
            let response = asset(path, &HeaderMap::new(), None).unwrap();
            let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.starts_with("default-src 'none'"), "{path}");
            assert!(policy.contains("base-uri 'none'"), "{path}");
            assert!(!policy.contains("unsafe"), "{path}");
            assert_eq!(response.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
            assert_eq!(response.headers()[REFERRER_POLICY], "no-referrer", "{path}");
        }
    }

    /// Returns the names of the files that a built page or module refers to: a page's links, and a module's
    /// static imports.
    fn names(text: &str) -> BTreeSet<String> {
        let quoted = text.split(['"', '`']).filter(|part| part.starts_with("/assets/"));
        let imports = ["from\"./", "import\"./"]
            .into_iter()
            .flat_map(|mark| text.split(mark).skip(1))
            .filter_map(|rest| rest.split('"').next())
            .map(|file| format!("assets/{file}"));
        quoted.map(|path| path[1..].to_owned()).chain(imports).collect()
    }

    fn built(name: &str) -> &'static File {
        files::FILES.iter().find(|file| file.name == name).unwrap_or_else(|| panic!("{name}"))
    }

    fn pages() -> impl Iterator<Item = &'static File> {
        files::FILES.iter().filter(|file| file.name.ends_with(".html"))
    }

    /// Returns a page and all files that it loads before anybody does anything.
    fn loads(page: &str) -> BTreeSet<String> {
        let (mut all, mut left) = (BTreeSet::new(), vec![page.to_owned()]);
        while let Some(name) = left.pop() {
            let text = String::from_utf8_lossy(built(&name).plain);
            if all.insert(name) {
                left.extend(names(&text));
            }
        }
        all
    }

    #[test]
    fn whatever_a_page_names_is_there_and_cached_for_ever() {
        let mut seen = 0;
        for page in pages() {
            for name in loads(page.name).iter().filter(|name| *name != page.name) {
                let response = asset(&format!("/{name}"), &HeaderMap::new(), None).unwrap();
                assert_eq!(response.headers()[CACHE_CONTROL], FOR_EVER, "{name}");
                assert_eq!(response.status(), StatusCode::OK);
                seen += 1;
            }
        }
        assert!(seen > 10, "{seen}");
        assert!(asset("/assets/vote-00000000.js", &HeaderMap::new(), None).is_none());
    }

    #[test]
    fn nothing_is_inline_and_no_text_becomes_html() {
        for page in pages() {
            let html = files::text(page.name);
            for forbidden in ["<style", " style=", "<script>", " onclick", "javascript:"] {
                assert!(!html.contains(forbidden), "{}: {forbidden}", page.name);
            }
        }
    }

    #[test]
    fn only_what_is_read_only_can_be_framed() {
        for (path, id) in [
            ("/overlay/1", Some("1")),
            ("/embed/482913", Some("482913")),
            ("/present/1", None),
            ("/p/1", None),
            ("/overlay/", None),
            ("/embed/1/2", None),
        ] {
            assert_eq!(framed(path), id, "{path}");
        }
        let mut page = asset("/embed/1", &HeaderMap::new(), None).unwrap();
        let policy = |page: &Response<Body>| {
            page.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned()
        };
        let_frame(&mut page, &[]);
        assert!(policy(&page).ends_with("frame-ancestors 'none'"));
        let_frame(&mut page, &["https://a.example".into(), "https://b.example".into()]);
        assert!(policy(&page).ends_with("frame-ancestors https://a.example https://b.example"));
        assert!(policy(&page).starts_with("default-src 'none'"));
    }

    #[tokio::test]
    async fn the_page_of_a_poll_brings_along_what_its_kind_needs() {
        let kind = |json: &str| serde_json::from_str::<Kind>(json).unwrap();
        let single = r#"{"options":["a","b"],"kind":"single","maxChoices":1}"#;
        let multiple = r#"{"options":["a","b"],"kind":"multiple","maxChoices":2}"#;
        let rating = r#"{"kind":"rating","statements":["a"],"steps":5,"lowest":1,"lowLabel":"","highLabel":"","symbol":"stars"}"#;
        let ranking = r#"{"kind":"ranking","options":["a","b"],"places":2}"#;
        let points = r#"{"kind":"points","options":["a","b"],"budget":100}"#;
        let number = r#"{"kind":"number","min":0,"max":2,"step":1,"unit":""}"#;
        let path = "/p/482913";
        let plain = asset(path, &HeaderMap::new(), None).unwrap();
        let tag = plain.headers()[ETAG].clone();
        assert!(!body(plain).await.contains("modulepreload"));
        for (json, of) in [
            (single, "choice"),
            (multiple, "choice"),
            (rating, "rating"),
            (ranking, "ranking"),
            (points, "points"),
            (number, "number"),
        ] {
            let kind = kind(json);
            let word = kind.word();
            let page = asset(path, &HeaderMap::new(), Some(word)).unwrap();
            let own = page.headers()[ETAG].clone();
            assert_ne!(own, tag, "{word}");
            let page = body(page).await;
            let (_, link) =
                page.split_once(r#"<link rel="modulepreload" crossorigin href="/"#).unwrap();
            let (name, _) = link.split_once('"').unwrap();
            assert!(name.starts_with(&format!("assets/ballot-{of}-")), "{name}");
            let script = asset(&format!("/{name}"), &HeaderMap::new(), None).unwrap();
            assert_eq!(script.headers()[CACHE_CONTROL], FOR_EVER, "{name}");

            // A browser that has the page is told so only while the poll's kind is the same.
            for (known, status) in [(&own, StatusCode::NOT_MODIFIED), (&tag, StatusCode::OK)] {
                let headers = HeaderMap::from_iter([(IF_NONE_MATCH, known.clone())]);
                assert_eq!(asset(path, &headers, Some(word)).unwrap().status(), status, "{word}");
            }
            let packed = HeaderMap::from_iter([(ACCEPT_ENCODING, "br".parse().unwrap())]);
            let packed = asset(path, &packed, Some(word)).unwrap();
            assert_eq!(packed.headers()[CONTENT_ENCODING], "br", "{word}");
        }
        let unknown = asset(path, &HeaderMap::new(), Some("none")).unwrap();
        assert_eq!(unknown.headers()[ETAG], tag, "a kind without a page has the plain one");
    }

    #[test]
    fn a_voting_page_is_known_by_its_path() {
        for (path, id) in [
            ("/p/482913", Some("482913")),
            ("/polls/1", Some("1")),
            ("/p/", None),
            ("/polls/1/2", None),
            ("/present/1", None),
            ("/", None),
        ] {
            assert_eq!(voted_in(path), id, "{path}");
        }
    }

    #[tokio::test]
    async fn what_is_known_is_not_sent_again() {
        let first = asset("/", &HeaderMap::new(), None).unwrap();
        let etag = first.headers()[ETAG].clone();
        let listed = format!("\"other\", W/{}", etag.to_str().unwrap());
        for known in [etag.to_str().unwrap(), listed.as_str(), "*"] {
            let headers = HeaderMap::from_iter([(IF_NONE_MATCH, known.parse().unwrap())]);
            let again = asset("/", &headers, None).unwrap();
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{known}");
            assert_eq!(body(again).await, "");
        }
        let other = HeaderMap::from_iter([(IF_NONE_MATCH, "\"other\"".parse().unwrap())]);
        assert_eq!(asset("/", &other, None).unwrap().status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn problem_types_have_pages() {
        let slugs: Vec<_> = errors::slugs().collect();
        assert!(slugs.is_sorted());
        assert_eq!(slugs.len(), TABLE.len());
        for row in &TABLE {
            let page = asset(&format!("/docs/errors/{}", row.slug), &HeaderMap::new(), None);
            let html = body(page.unwrap_or_else(|| panic!("{} has no page", row.slug))).await;
            assert!(html.contains(&format!("<h1>{}</h1>", row.title)), "{}", row.slug);
            let status = format!("<code>{}</code>, status {}.", row.slug, row.status.as_u16());
            assert!(html.contains(&status), "{}", row.slug);
        }
        for slug in slugs {
            let html =
                body(asset(&format!("/docs/errors/{slug}"), &HeaderMap::new(), None).unwrap())
                    .await;
            assert!(html.contains("<h1>") && html.contains("<h2>"), "{slug}");
            assert!(!html.contains("{body}") && !html.contains("```"), "{slug}");
        }
        assert!(asset("/docs/errors/none-such", &HeaderMap::new(), None).is_none());
    }
}
