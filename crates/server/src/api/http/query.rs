//! The query of a request, decoded strictly: what cannot be read is a 400 that names it.

use http::Uri;

use crate::api::problem::{Problem, Trouble};

/// A query is the pairs of name and value in order, percent-decoded.
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the query of a URI.
    pub fn of(uri: &Uri) -> Result<Self, Problem> {
        let pairs = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        pairs
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                Ok((decode(name)?, decode(value)?))
            })
            .collect::<Result<_, Problem>>()
            .map(Self)
    }

    /// Returns every value of a parameter.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// Returns the value of a parameter that may be given once.
    pub fn one<'a>(&'a self, name: &str) -> Result<Option<&'a str>, Problem> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            (_, Some(_)) => Err(bad(format!("the query parameter {name} is given twice"))),
        }
    }

    /// Returns whether a parameter is there at all.
    pub fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// Returns a number within a range, or the default.
    pub fn number(
        &self,
        name: &str,
        default: usize,
        range: (usize, usize),
    ) -> Result<usize, Problem> {
        let Some(text) = self.one(name)? else { return Ok(default) };
        let (least, most) = range;
        let number = text.parse().ok().filter(|n| (least..=most).contains(n));
        let plain = text.bytes().all(|byte| byte.is_ascii_digit());
        number.filter(|_| plain).ok_or_else(|| {
            bad(format!("the query parameter {name} must be a whole number from {least} to {most}"))
        })
    }
}

/// Returns the problem 400 about a malformed request.
pub fn bad(detail: impl Into<String>) -> Problem {
    Problem::new(Trouble::MalformedRequest, detail)
}

fn decode(text: &str) -> Result<String, Problem> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut hex = [0];
                let digits = rest.get(..2).ok_or_else(bad_percent)?;
                hex::decode_to_slice(digits, &mut hex).map_err(|_| bad_percent())?;
                rest = &rest[2..];
                hex[0]
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| bad("the query is not UTF-8 once it is percent-decoded"))
}

fn bad_percent() -> Problem {
    bad("the query has a % that two hexadecimal digits do not follow")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn query(text: &str) -> Result<Query, Problem> {
        Query::of(&format!("/?{text}").parse().unwrap())
    }

    #[test]
    fn reads_what_is_well_formed_and_nothing_else() {
        let q = query("poll=1&poll=2&a=%C3%A9+x&b&limit=5").unwrap();
        assert_eq!(q.all("poll").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(q.one("a").unwrap(), Some("é x"));
        assert!(q.has("b") && q.one("poll").is_err());
        assert_eq!(q.number("limit", 1, (1, 9)).unwrap(), 5);
        assert!(q.number("limit", 1, (1, 4)).is_err());
        assert!(query("limit=+5").unwrap().number("limit", 1, (1, 9)).is_err());
        for text in ["a=%", "a=%4", "a=%zz", "a=%ff"] {
            assert!(query(text).is_err(), "{text}");
        }
    }
}
