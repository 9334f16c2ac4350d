//! The pages under `/docs/errors`, made from the Markdown in the folder `docs/errors`.

use std::sync::LazyLock;

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use super::files;

macro_rules! texts {
    ($($slug:literal),* $(,)?) => {
        [$(($slug, include_str!(concat!("../../../../docs/errors/", $slug, ".md")))),*]
    };
}

/// The slug and the text of each page, in the slugs' order.
const TEXTS: [(&str, &str); 27] = texts![
    "body-too-large",
    "change-unknown",
    "changed-meanwhile",
    "foreign-origin",
    "headers-too-large",
    "idempotency-key-reused",
    "malformed-json",
    "malformed-request",
    "method-not-allowed",
    "no-such-ballot",
    "no-such-poll",
    "no-such-route",
    "no-token",
    "not-json",
    "not-ready",
    "not-recorded",
    "outcome-unknown",
    "poll-not-open",
    "request-timeout",
    "rules-broken",
    "store-unavailable",
    "too-many-polls",
    "too-many-requests",
    "too-many-viewers",
    "upgrade-required",
    "wrong-status",
    "wrong-token",
];

/// The page that lists all pages.
static INDEX: LazyLock<String> = LazyLock::new(|| {
    let mut body = String::from("<h1>Problem types</h1>\n<ul>\n");
    for (slug, text) in TEXTS {
        let title = escape(title(text));
        body += &format!("<li><a href=\"/docs/errors/{slug}\">{title}</a></li>\n");
    }
    document("Problem types", &(body + "</ul>\n"))
});

/// Returns the slugs that have pages, in alphabetical order.
#[cfg(test)]
pub fn slugs() -> impl Iterator<Item = &'static str> {
    TEXTS.iter().map(|(slug, _)| *slug)
}

/// Returns the page that lists all problem types.
pub fn index() -> &'static str {
    &INDEX
}

/// Returns the page of one problem type.
pub fn page(slug: &str) -> Option<String> {
    let (_, text) = TEXTS.iter().find(|(known, _)| *known == slug)?;
    Some(document(title(text), &html(text)))
}

/// Returns the page for an address that does not exist.
pub fn not_found() -> String {
    document(
        "Nothing here",
        "<h1>There is nothing here</h1>\n<p>The address may be mistyped. \
        <a href=\"/\">Join a poll by its code</a>, or read about <a href=\"/docs\">the API</a>.</p>\n",
    )
}

/// Returns the title of a text, which is its first line.
fn title(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim_start_matches("# ")
}

fn document(title: &str, body: &str) -> String {
    files::text("document.html").replace("{title}", &escape(title)).replace("{body}", body)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Returns a text of Markdown as HTML. The policy of every page forbids HTML that was not meant, so HTML in the
/// Markdown stays text.
fn html(markdown: &str) -> String {
    let events = Parser::new(markdown).map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        // A block that scrolls must be within reach of the keyboard.
        Event::Start(Tag::CodeBlock(_)) => Event::Html("<pre tabindex=\"0\"><code>".into()),
        Event::End(TagEnd::CodeBlock) => Event::Html("</code></pre>\n".into()),
        other => other,
    });
    let mut out = String::new();
    pulldown_cmark::html::push_html(&mut out, events);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_markdown_that_is_used_becomes_html() {
        let text = "# A & B\n\nOne\ntwo **three** `<x>`.\n\n- a [link](/docs)\n- b\n  more\n\n```json\n{\"a\": 1}\n```\nend\n";
        assert_eq!(
            html(text),
            "<h1>A &amp; B</h1>\n<p>One\ntwo <strong>three</strong> <code>&lt;x&gt;</code>.</p>\n\
             <ul>\n<li>a <a href=\"/docs\">link</a></li>\n<li>b\nmore</li>\n</ul>\n\
             <pre tabindex=\"0\"><code>{\"a\": 1}\n</code></pre>\n<p>end</p>\n"
        );
    }

    #[test]
    fn every_text_of_the_folder_is_a_page() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .expect("the texts are in the repository")
            .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
            .collect();
        files.sort();
        assert_eq!(files, slugs().map(|slug| format!("{slug}.md")).collect::<Vec<_>>());
    }

    #[test]
    fn html_in_the_markdown_stays_text() {
        assert_eq!(html("<script>[a](b"), "&lt;script&gt;[a](b");
        assert_eq!(html("a <b>c</b>"), "<p>a &lt;b&gt;c&lt;/b&gt;</p>\n");
    }
}
