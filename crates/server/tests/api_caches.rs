//! A cache between the server and many browsers never keeps what makes a browser one voter.

#![allow(clippy::unwrap_used)]

mod api_support;

use api_support::{Answer, Ask, OPERATOR, World};

const POLL: &str = r#"{"question":"Which?","options":["a","b"]}"#;
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// Returns every path that can be read on a server with this poll and this event.
fn paths(poll: &str, event: &str) -> Vec<String> {
    let mut paths: Vec<String> = [
        "/",
        "/api",
        "/studio",
        "/studio/polls/1",
        "/leaderboard",
        "/api/leaderboard",
        "/polls",
        "/api/polls",
        "/docs",
        "/docs/errors",
        "/docs/errors/no-such-poll",
        "/favicon.ico",
        "/api/openapi.json",
        "/api/asyncapi.json",
        "/healthz",
        "/readyz",
        "/metrics",
        "/api/status",
        "/api/address",
        "/nothing/here",
        "/p/000000",
    ]
    .map(String::from)
    .into();
    for id in [poll, event] {
        for page in ["/p", "/polls", "/present", "/overlay", "/embed", "/api/polls", "/api/events"]
        {
            paths.push(format!("{page}/{id}"));
        }
    }
    for beside in ["pulse", "trend", "replay", "export", "ballots/x"] {
        paths.push(format!("/api/polls/{poll}/{beside}"));
    }
    paths
}

/// Returns whether a response sets a cookie, and asserts that it is then one browser's alone. A 304 must set
/// none, because a cache would add it to what it has kept for everybody.
fn is_safe(asked: &str, answer: &Answer) -> bool {
    if answer.cookie().is_none() {
        return false;
    }
    assert_ne!(answer.status, 304, "{asked} sets a cookie: {answer}");
    let control = answer.header("cache-control");
    assert!(control.contains("private") || control == "no-store", "{asked}: {answer}");
    assert!(!control.contains("public") && !control.contains("max-age"), "{asked}: {answer}");
    true
}

#[tokio::test(start_paused = true)]
async fn nothing_that_sets_a_cookie_may_be_kept_for_others() {
    let world = World::new().await;
    let (poll, _) = world.poll(POLL).await;
    let made = world.call(Ask::post("/api/events", r#"{"title":"Monday"}"#).request()).await.json();
    let event = made["id"].as_str().unwrap();
    let mut cookies = 0;
    for path in paths(&poll, event) {
        for accept in [BROWSER, "*/*"] {
            for method in ["GET", "HEAD"] {
                let ask = Ask::new(method, &path).header("accept", accept);
                let first = world.call(ask.request()).await;
                let again = ask.clone().header("if-none-match", first.header("etag"));
                let any = ask.clone().header("if-none-match", "*");
                for ask in [ask, again, any] {
                    let answer = world.call(ask.request()).await;
                    cookies += usize::from(is_safe(&format!("{method} {path} {accept}"), &answer));
                }
            }
        }
    }
    assert!(cookies > 50, "pages make voters of browsers: {cookies}");
    let vote = Ask::post(format!("/api/polls/{poll}/vote"), r#"{"optionId":1}"#);
    assert!(is_safe("a vote", &world.call(vote.request()).await));
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_known_still_gives_a_cookie_to_whoever_has_none() {
    let world = World::new().await;
    for path in ["/", "/p/482913", "/studio", "/overlay/1"] {
        let page = Ask::get(path).header("accept", BROWSER);
        let first = world.call(page.request()).await;
        let known = page.header("if-none-match", first.header("etag"));
        let again = world.call(known.request()).await;
        assert_eq!(again.status, 200, "{path}: a page kept from before the cookies were cleared");
        assert_eq!(again.body, first.body, "{path}");
        let voter = world.call(known.header("cookie", again.cookie().unwrap()).request()).await;
        assert_eq!((voter.status.as_u16(), voter.cookie()), (304, None), "{path}");
        assert_eq!(voter.header("cache-control"), "no-cache", "{path}: all see the same page");
    }
}

/// What is shown only to a token stays in no browser, so that nobody finds it there after the organiser has
/// gone.
#[tokio::test(start_paused = true)]
async fn nothing_that_takes_a_token_is_kept_by_a_browser() {
    let world = World::new().await;
    let hidden = r#"{"question":"Which?","options":["a","b"],"results":"hidden"}"#;
    let (poll, owner) = world.poll(hidden).await;
    let made = world.call(Ask::post("/api/events", r#"{"title":"Monday"}"#).request()).await.json();
    let (event, host) = (made["id"].as_str().unwrap(), made["ownerToken"].as_str().unwrap());
    let stage = Ask::post(format!("/api/events/{event}/stage"), "").token(host);
    let stage = world.call(stage.request()).await.json();
    let stage = stage["stageToken"].as_str().unwrap();
    world.settle().await;
    let mut told = 0;
    for path in paths(&poll, event) {
        for token in [&*owner, host, stage, OPERATOR] {
            let ask = Ask::get(&path).token(token);
            let answer = world.call(ask.request()).await;
            let public = world.call(Ask::get(&path).request()).await;
            if answer.status != 200 || answer.body == public.body {
                continue;
            }
            told += 1;
            assert_eq!(answer.header("cache-control"), "no-store", "{path}: {answer}");
            assert_eq!(answer.header("etag"), "", "{path}: {answer}");
            // Whatever was kept before is not confirmed as the newest, either.
            let again = ask.header("if-none-match", "*");
            assert_eq!(world.call(again.request()).await.status, 200, "{path}");
        }
    }
    assert!(told > 8, "tokens open something: {told}");
}
