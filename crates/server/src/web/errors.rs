//! The pages under `/docs/errors`, made from the Markdown in the folder `docs/errors`.
//!
//! [`html`] reads only the Markdown that those files use: headings, paragraphs, flat lists, fenced code,
//! `code`, **strong** and [links](/). Everything else is text, and is escaped.

use std::sync::LazyLock;

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

/// The block that the latest lines belong to.
#[derive(Clone, Copy, PartialEq)]
enum Block {
    None,
    Paragraph,
    List,
    Code,
}

impl Block {
    fn close(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Paragraph => "</p>\n",
            Self::List => "</li></ul>\n",
            Self::Code => "</code></pre>\n",
        }
    }
}

fn html(markdown: &str) -> String {
    let mut out = String::new();
    let mut block = Block::None;
    for line in markdown.lines() {
        if line.starts_with("```") {
            out += block.close();
            let opens = block != Block::Code;
            out += if opens { "<pre tabindex=\"0\"><code>" } else { "" };
            block = if opens { Block::Code } else { Block::None };
        } else if block == Block::Code {
            out += &escape(line);
            out.push('\n');
        } else if let Some(heading) = line.strip_prefix("## ") {
            out += &format!("{}<h2>{}</h2>\n", block.close(), inline(heading));
            block = Block::None;
        } else if let Some(heading) = line.strip_prefix("# ") {
            out += &format!("{}<h1>{}</h1>\n", block.close(), inline(heading));
            block = Block::None;
        } else if let Some(item) = line.strip_prefix("- ") {
            out += if block == Block::List { "</li>\n<li>" } else { block.close() };
            out += if block == Block::List { "" } else { "<ul><li>" };
            out += &inline(item);
            block = Block::List;
        } else if line.trim().is_empty() {
            out += block.close();
            block = Block::None;
        } else {
            out += if block == Block::None { "<p>" } else { "\n" };
            out += &inline(line.trim());
            block = if block == Block::None { Block::Paragraph } else { block };
        }
    }
    out + block.close()
}

/// Returns a line with its `code`, **strong** and [links](/) as HTML. What stands between backticks is left
/// as it is.
fn inline(line: &str) -> String {
    let mut out = String::new();
    for (i, part) in escape(line).split('`').enumerate() {
        if i % 2 == 1 {
            out += &format!("<code>{part}</code>");
            continue;
        }
        for (i, part) in part.split("**").enumerate() {
            out += &if i % 2 == 1 { format!("<strong>{part}</strong>") } else { linked(part) };
        }
    }
    out
}

fn linked(text: &str) -> String {
    let Some((before, rest)) = text.split_once('[') else { return text.to_owned() };
    match rest.split_once("](").and_then(|(name, rest)| Some((name, rest.split_once(')')?))) {
        Some((name, (to, after))) => {
            format!("{before}<a href=\"{to}\">{name}</a>{}", linked(after))
        }
        None => text.to_owned(),
    }
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
             <ul><li>a <a href=\"/docs\">link</a></li>\n<li>b\nmore</li></ul>\n\
             <pre tabindex=\"0\"><code>{&quot;a&quot;: 1}\n</code></pre>\n<p>end</p>\n"
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
    fn what_is_not_markdown_stays_text() {
        assert_eq!(html("<script>[a](b"), "<p>&lt;script&gt;[a](b</p>\n");
    }
}
