//! The files into which the screens (`web/`) were built, embedded in the binary with their compressed forms.

use std::collections::HashMap;
use std::sync::LazyLock;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{ACCEPT_ENCODING, HeaderValue};
use sha2::{Digest, Sha256};

use super::lists;

/// A `File` is one that was built into the binary.
pub struct File {
    /// The path in the folder of built files: `vote.html`, `assets/vote-3f2a.js`.
    pub name: &'static str,
    /// The content.
    pub plain: &'static [u8],
    /// The content, gzipped. Over plain HTTP, as on a venue's network, browsers accept no better form.
    pub gzip: Option<&'static [u8]>,
    /// The content in Brotli, which browsers accept over HTTPS only.
    pub brotli: Option<&'static [u8]>,
}

/// All built files, in the order of their names.
pub static FILES: &[File] = &include!(concat!(env!("OUT_DIR"), "/files.rs"));

static BY_NAME: LazyLock<HashMap<&'static str, (&'static File, String)>> =
    LazyLock::new(|| FILES.iter().map(|file| (file.name, (file, etag(file.plain)))).collect());

/// `Content` is what an answer has: bytes, their encoding, and a tag.
pub struct Content {
    /// The bytes, encoded.
    pub bytes: Bytes,
    /// The encoding, `gzip` or `br`; `None` for plain bytes.
    pub encoding: Option<&'static str>,
    /// A strong tag of the content in this encoding.
    pub etag: HeaderValue,
}

/// Returns the file of this name, in the smallest form that the client accepts.
pub fn file(name: &str, headers: &HeaderMap) -> Option<Content> {
    let (file, etag) = BY_NAME.get(name)?;
    let (encoding, bytes) = [("br", file.brotli), ("gzip", file.gzip)]
        .into_iter()
        .find_map(|(name, form)| {
            Some((Some(name), form.filter(|_| lists(headers, &ACCEPT_ENCODING, name))?))
        })
        .unwrap_or((None, file.plain));
    Some(Content { bytes: Bytes::from_static(bytes), encoding, etag: tag(etag, encoding) })
}

/// Returns a text that was generated for this request as a content.
pub fn written(text: String) -> Content {
    let etag = tag(&etag(text.as_bytes()), None);
    Content { bytes: text.into(), encoding: None, etag }
}

/// Returns the text of a file that every build contains.
pub fn text(name: &str) -> &'static str {
    let (file, _) = BY_NAME.get(name).expect("the build made every page");
    std::str::from_utf8(file.plain).expect("pages are UTF-8")
}

fn etag(content: &[u8]) -> String {
    hex::encode(&Sha256::digest(content)[..8])
}

/// Creates the tag of a content. Each encoding has a tag of its own (RFC 9110, section 8.8.3).
fn tag(of: &str, encoding: Option<&str>) -> HeaderValue {
    let form = encoding.map(|name| format!("-{name}")).unwrap_or_default();
    HeaderValue::try_from(format!("\"{of}{form}\"")).expect("hexadecimal digits in quotes")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn taking(encodings: &str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT_ENCODING, encodings.parse().unwrap())])
    }

    #[test]
    fn the_smallest_form_that_is_taken_is_sent() {
        for (accept, form) in [
            ("gzip, deflate, br, zstd", Some("br")),
            ("gzip, deflate", Some("gzip")),
            ("br;q=0, gzip;q=0.5", Some("gzip")),
            ("identity", None),
            ("gzip;q=0", None),
        ] {
            let content = file("vote.html", &taking(accept)).unwrap();
            assert_eq!(content.encoding, form, "{accept}");
        }
        let plain = file("vote.html", &HeaderMap::new()).unwrap();
        let gzip = file("vote.html", &taking("gzip")).unwrap();
        assert!(gzip.bytes.len() < plain.bytes.len());
        assert_ne!(gzip.etag, plain.etag);
    }

    #[test]
    fn every_file_of_text_has_its_compressed_forms() {
        for file in FILES {
            let text = [".html", ".js", ".css", ".svg"].iter().any(|end| file.name.ends_with(end));
            assert!(!text || (file.gzip.is_some() && file.brotli.is_some()), "{}", file.name);
        }
    }
}
