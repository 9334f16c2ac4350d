//! The page `/docs`, which shows the OpenAPI document and is written by the server.

use std::fmt::Write;
use std::sync::LazyLock;

use axum::response::Response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use serde_json::Value;

use super::openapi;

const STYLE: &str = include_str!("docs.css");

static PAGE: LazyLock<Bytes> = LazyLock::new(|| {
    let document = serde_json::to_value(openapi::whole()).expect("the document is plain data");
    write_page(&document).expect("a string takes everything").into()
});

/// Answers with the page.
pub async fn page() -> Response {
    file(PAGE.clone(), "text/html; charset=utf-8")
}

/// Answers with the style sheet of the page.
pub async fn style() -> Response {
    file(Bytes::from_static(STYLE.as_bytes()), "text/css; charset=utf-8")
}

fn file(content: Bytes, kind: &'static str) -> Response {
    let mut response = Response::new(content.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn write_page(document: &Value) -> Result<String, std::fmt::Error> {
    let mut page = String::new();
    let info = &document["info"];
    write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>Pollux API</title>\n<link rel=\"stylesheet\" href=\"/docs/docs.css\">\n</head>\n\
         <body>\n<main>\n<h1>Pollux API {}</h1>\n<p>{}</p>\n\
         <p>For tools: <a href=\"/api/openapi.json\">/api/openapi.json</a> (OpenAPI 3.1), \
         <a href=\"/api/asyncapi.json\">/api/asyncapi.json</a> (AsyncAPI 3.0: WebSocket, topics). \
         Every route works with and without the prefix <code>/api</code>. \
         <a href=\"/docs/errors\">What each problem means</a>.</p>\n",
        text(&info["version"]),
        prose(&info["description"]),
    )?;
    for tag in document["tags"].as_array().into_iter().flatten() {
        let name = &tag["name"];
        write!(page, "<h2>{}</h2>\n<p>{}</p>\n", text(name), prose(&tag["description"]))?;
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                if operation["tags"][0] == *name {
                    write_operation(&mut page, path, method, operation)?;
                }
            }
        }
    }
    page.push_str("<h2>Data</h2>\n");
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        write_schema(&mut page, name, schema)?;
    }
    page.push_str("</main>\n</body>\n</html>\n");
    Ok(page)
}

fn write_operation(page: &mut String, path: &str, method: &str, op: &Value) -> std::fmt::Result {
    let id = text(&op["operationId"]);
    write!(
        page,
        "<section id=\"{id}\">\n<h3><code>{} {}</code></h3>\n<p>{}</p>\n",
        escape(&method.to_uppercase()),
        escape(path),
        prose(&op["summary"]),
    )?;
    let parameters = op["parameters"].as_array();
    if parameters.is_some() || op["requestBody"].is_object() {
        page.push_str("<table>\n<tr><th colspan=\"3\">Takes</th></tr>\n");
        for parameter in parameters.into_iter().flatten() {
            writeln!(
                page,
                "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
                text(&parameter["name"]),
                text(&parameter["in"]),
                prose(&parameter["description"]),
            )?;
        }
        for content in op["requestBody"]["content"].as_object().into_iter().flatten() {
            writeln!(
                page,
                "<tr><td>{}</td><td>body</td><td><code>{}</code></td></tr>",
                kind(&content.1["schema"]),
                escape(&content.1["example"].to_string()),
            )?;
        }
        page.push_str("</table>\n");
    }
    page.push_str("<table>\n<tr><th colspan=\"3\">Answers</th></tr>\n");
    for (status, response) in op["responses"].as_object().into_iter().flatten() {
        let body = response["content"].as_object().and_then(|content| content.values().next());
        writeln!(
            page,
            "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(status),
            body.map(|body| kind(&body["schema"])).unwrap_or_default(),
            prose(&response["description"]),
        )?;
    }
    page.push_str("</table>\n</section>\n");
    Ok(())
}

fn write_schema(page: &mut String, name: &str, schema: &Value) -> std::fmt::Result {
    write!(page, "<section id=\"{0}\">\n<h3>{0}</h3>\n", escape(name))?;
    if schema["description"].is_string() {
        writeln!(page, "<p>{}</p>", prose(&schema["description"]))?;
    }
    page.push_str("<table>\n");
    let own = std::iter::once(schema);
    for part in schema["allOf"].as_array().into_iter().flatten().chain(own) {
        if part["$ref"].is_string() {
            writeln!(page, "<tr><td colspan=\"3\">all of {}</td></tr>", kind(part))?;
        }
        for (member, schema) in part["properties"].as_object().into_iter().flatten() {
            writeln!(
                page,
                "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
                escape(member),
                kind(schema),
                prose(&schema["description"]),
            )?;
        }
    }
    page.push_str("</table>\n</section>\n");
    Ok(())
}

/// Returns a word or two for a schema, as HTML.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        let name = escape(name);
        return format!("<a href=\"#{name}\">{name}</a>");
    }
    if let Some(either) = schema["oneOf"].as_array() {
        return either.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    match &schema["type"] {
        Value::String(kind) if kind == "array" => {
            format!("array of {}", self::kind(&schema["items"]))
        }
        Value::String(kind) => match schema["format"].as_str() {
            Some(format) if kind == "string" => format!("{} ({})", escape(kind), escape(format)),
            _ => escape(kind),
        },
        Value::Array(kinds) => {
            kinds.iter().filter_map(Value::as_str).map(escape).collect::<Vec<_>>().join(" or ")
        }
        _ => String::new(),
    }
}

fn text(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}

/// Returns a text as HTML, with whatever stands between backticks as code.
fn prose(value: &Value) -> String {
    let parts = value.as_str().unwrap_or_default().split('`').enumerate();
    parts
        .map(|(i, part)| match i % 2 {
            0 => escape(part),
            _ => format!("<code>{}</code>", escape(part)),
        })
        .collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
