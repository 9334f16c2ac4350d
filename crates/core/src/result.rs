//! A poll's result as one line of text, and the line's hash. Two people compare the hash to know
//! that they have the same result, whether they asked the server or recounted the log.
//!
//! The line is exactly this, without spaces and with one line feed (U+000A) at its end:
//!
//! ```text
//! {"pollId":"01890a5d-ac96-774b-bcce-b302099a8057","round":1,"counts":[3,1],"voters":4}
//! ```
//!
//! `pollId` is in lower case. `counts` has the number of each slot: for a choice that of each
//! option, in the organiser's order; the documentation of [`crate::kind`] says it for the others. The hash is SHA-256
//! over the line's bytes, as 64 lower-case hexadecimal digits. For the line above it is
//! `27cf9415e81994eade533ea90ef479495b530d7ce0149900c04bf799414f5410`. Anybody can compute it with
//! `sha256sum`.
//!
//! The line of a poll of words has `names` as well: those of all words with a vote, over all partitions, ascending.
//! `counts` then begins with the votes for words that came when there was no slot left for another name, and goes on
//! with those of each name. This is one line, too:
//!
//! ```text
//! {"pollId":"01890a5d-ac96-774b-bcce-b302099a8057","round":1,"names":["4896a98d7672a3876ccb3e5a3c1e0138",
//! "6e2b82ec7bc0dd1d8e0df475f2143508"],"counts":[1,3,2],"voters":4}
//! ```
//!
//! Its hash is `a162bbd1401eafbfb47f38500a52d6efe273dd2d2317656bc17d8e22ad2055b0`.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::id::PollId;
use crate::seal::Name;

/// Returns a result as its line.
pub fn line(poll: PollId, round: u32, counts: &[u64], voters: u64) -> String {
    let counts = counts.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
    format!(
        "{{\"pollId\":\"{poll}\",\"round\":{round},\"counts\":[{counts}],\"voters\":{voters}}}\n"
    )
}

/// Returns the result of a poll of words as its line: `names` are those with a vote, ascending, and `counts` has the
/// votes of all other words first, and then those of each name.
pub fn words_line(poll: PollId, round: u32, names: &[Name], counts: &[u64], voters: u64) -> String {
    let names = names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(",");
    let line = line(poll, round, counts, voters);
    line.replacen("\"counts\"", &format!("\"names\":[{names}],\"counts\""), 1)
}

/// Returns the hash of a result's line.
pub fn hash(line: &str) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(line) {
        write!(hex, "{byte:02x}").expect("writing to a string cannot fail");
    }
    hex
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::id::UnixMillis;

    fn poll(n: u64) -> PollId {
        PollId::new(UnixMillis(n), [7; 10])
    }

    #[test]
    fn the_example_of_the_documentation_is_what_sha256sum_says() {
        let poll = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        assert_eq!(
            line(poll, 1, &[3, 1], 4),
            "{\"pollId\":\"01890a5d-ac96-774b-bcce-b302099a8057\",\"round\":1,\"counts\":[3,1],\"voters\":4}\n"
        );
        assert_eq!(hash(&line(poll, 1, &[3, 1], 4)), EXAMPLE);
        assert!(include_str!("result.rs").contains(&format!("`{EXAMPLE}`")), "as documented");
    }

    #[test]
    fn so_is_the_example_of_words() {
        let poll = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        let names = ["4896a98d7672a3876ccb3e5a3c1e0138", "6e2b82ec7bc0dd1d8e0df475f2143508"];
        let names = names.map(|name| name.parse().unwrap());
        let line = words_line(poll, 1, &names, &[1, 3, 2], 4);
        let documented: Vec<_> = include_str!("result.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("//! "))
            .skip_while(|line| !line.contains("\"names\""))
            .take(2)
            .collect();
        assert_eq!(line, format!("{}\n", documented.concat()));
        assert!(include_str!("result.rs").contains(&format!("hash is `{}`", hash(&line))));
        assert_eq!(words_line(poll, 1, &[], &[0], 0).matches("\"names\":[],").count(), 1);
    }

    const EXAMPLE: &str = "27cf9415e81994eade533ea90ef479495b530d7ce0149900c04bf799414f5410";

    proptest! {
        /// Every change of a result changes its hash.
        #[test]
        fn whatever_differs_changes_the_hash(
            id in 0..3_u64,
            round in 1..4_u32,
            counts in prop::collection::vec(0..30_u64, 2..5),
            voters in 0..30_u64,
            option: prop::sample::Index,
        ) {
            let own = hash(&line(poll(id), round, &counts, voters));
            let mut other = counts.clone();
            other[option.index(counts.len())] += 1;
            let mut longer = counts.clone();
            longer.push(0);
            let others = [
                hash(&line(poll(id + 1), round, &counts, voters)),
                hash(&line(poll(id), round + 1, &counts, voters)),
                hash(&line(poll(id), round, &other, voters)),
                hash(&line(poll(id), round, &longer, voters)),
                hash(&line(poll(id), round, &counts, voters + 1)),
            ];
            prop_assert_eq!(&own, &hash(&line(poll(id), round, &counts, voters)));
            prop_assert_eq!(own.len(), 64);
            prop_assert!(!others.contains(&own));
        }

        /// The line can be parsed as JSON, too.
        #[test]
        fn the_line_is_json(counts in prop::collection::vec(any::<u64>(), 2..9), voters: u64) {
            let line = line(poll(1), 2, &counts, voters);
            let json: serde_json::Value = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(json, serde_json::json!({
                "pollId": poll(1), "round": 2, "counts": counts, "voters": voters,
            }));
        }
    }
}
