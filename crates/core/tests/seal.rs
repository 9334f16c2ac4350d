//! The sealing of words: its bytes are held still, each text is read back by its own poll's key alone, and what was
//! erased is gone.

#![allow(clippy::unwrap_used, missing_docs)]

use blake2::Blake2b;
use blake2::digest::{Digest, consts::U32};
use pollux_core::seal::{Name, Sealed, TextKey, Word, fold};
use proptest::prelude::*;
use sha2::Sha256;

/// The number of bits of a name that choose a leaf.
const DEPTH: u32 = 40;
/// The place of the first root in the bytes of a key, behind a version and the naming key.
const FIRST_ROOT: usize = 1 + 32;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn golden() -> TextKey {
    TextKey::new(std::array::from_fn(|n| n as u8))
}

/// The expected values come from Python: hashlib, hmac, and AESGCMSIV of the package `cryptography`. Logs and stores
/// keep such bytes, so they must never change.
#[test]
fn names_and_sealed_texts_stay_what_they_are() {
    let (long, longer) = ("x".repeat(32), "x".repeat(33));
    for (text, name, sealed) in [
        (
            "Rust",
            "4896a98d7672a3876ccb3e5a3c1e0138",
            "Ky3jsKyTMysyhok_uc-wNIxgwyTIMNd1_-hzTjUb98WfANZVZVb-YXbGW_l6z-Jo",
        ),
        (
            "fast builds",
            "6e2b82ec7bc0dd1d8e0df475f2143508",
            "RlkI9ApnjgIIDktITefJfLQfeyH61WE6GC5Paarg8zUzuqTCiK_k1vyq_TfSHVWL",
        ),
        (
            "Straße",
            "1e0bbf148a4bbabd60a8b41ea462fa1b",
            "b7uFCJTtlvHOahDj4NSrpUHXwBVR9Fy8_RQ8SAfy_1Zv5joJzKD8emNfOhglNoXh",
        ),
        (
            &long,
            "751c8f2eba73553399e6ebe3f038b10b",
            "Q_0dzse_SJRmLKsVV-BQAyOqwtIPsVEWCc0zEGnoDxsCZ6Q9AqIP3eGQtqis3pf0",
        ),
        (
            &longer,
            "964246e6b537e32d270c67f1b63a5808",
            "TnNNIGZNleFYlS6wCN-9kseXEnz-MII4_QnIWyc8MvapLU0JFTA4Ic7eiFz7I-X60yJBYyCm_8Sc8oTaugsxqs1_v7iA9kRI6gmJI74twMo",
        ),
    ] {
        let word = golden().seal(text).unwrap();
        let json = format!(r#"{{"name":"{name}","sealed":"{sealed}"}}"#);
        assert_eq!(serde_json::to_string(&word).unwrap(), json);
        assert_eq!(serde_json::from_str::<Word>(&json).unwrap(), word);
        assert_eq!(golden().open(&word).as_deref(), Some(text));
    }
}

/// The expected hashes come from Python, too.
#[test]
fn the_bytes_of_a_key_stay_what_they_are() {
    let hash = |key: &TextKey| hex(&Sha256::digest(key.to_bytes()));
    assert_eq!(hash(&golden()), "b0ec46c4f8f26499166347a17d04ea80b91033ebe09e4c18454ba5bd5b650a29");
    let erased = golden().erase(golden().name("Rust"));
    assert_eq!(erased.to_bytes().len(), FIRST_ROOT + 41 * 40);
    assert_eq!(hash(&erased), "2baeca6d22346eee0b100500f47d209acb20a743b32d287bd47baa853825cf12");
}

#[test]
fn a_name_is_32_lower_case_digits() {
    let name: Name = "00112233445566778899aabbccddeeff".parse().unwrap();
    assert_eq!(name.to_string(), "00112233445566778899aabbccddeeff");
    for wrong in
        ["", "0011", "00112233445566778899AABBCCDDEEFF", "+0112233445566778899aabbccddeeff"]
    {
        assert!(wrong.parse::<Name>().is_err(), "{wrong:?}");
    }
    assert!("00112233445566778899aabbccddeeff00".parse::<Name>().is_err());
}

#[test]
fn what_a_key_is_for_debugging_tells_nothing_of_it() {
    assert_eq!(format!("{:?}", golden()), "TextKey");
}

fn keys() -> impl Strategy<Value = TextKey> {
    prop::array::uniform32(any::<u8>()).prop_map(|half| {
        TextKey::new(std::array::from_fn(|n| half[n % 32] ^ if n < 32 { 0 } else { 0x5a }))
    })
}

/// Returns the seeds on the way from the root of a whole key to the leaf of a name.
fn way_to(key: &TextKey, name: Name) -> Vec<[u8; 32]> {
    let bytes = key.to_bytes();
    assert_eq!(bytes.len(), FIRST_ROOT + 41, "the key is whole");
    let mut seed: [u8; 32] = bytes[FIRST_ROOT + 9..].try_into().unwrap();
    let mut way = vec![seed];
    for depth in 0..DEPTH {
        let bit = u128::from_be_bytes(name.0) >> (127 - depth) & 1;
        seed = Blake2b::<U32>::new().chain_update(seed).chain_update([bit as u8]).finalize().into();
        way.push(seed);
    }
    way
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    let text = prop_oneof![3 => "[a-e]{1,2}", 1 => "\\PC{1,40}"];
    let text = text.prop_map(|text| pollux_core::text::normalise(&text));
    prop::collection::vec(text.prop_filter("nothing to see", |text| !text.is_empty()), 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The key that sealed a text opens it, and no other key does. Sealing hides all but the length in steps of 32 bytes.
    #[test]
    fn a_text_is_opened_by_its_own_key(
        key in keys(),
        other in keys(),
        texts in texts(),
        at in any::<prop::sample::Index>(),
    ) {
        prop_assume!(key != other);
        for text in &texts {
            let word = key.seal(text).unwrap();
            prop_assert_eq!(key.open(&word), Some(text.clone()));
            prop_assert_eq!(other.open(&word), None);
            prop_assert_eq!(&key.seal(text), &Some(word.clone()), "the same bytes each time");
            prop_assert_eq!(word.sealed.0.len(), text.len().next_multiple_of(32) + 16);
            let mut damaged = word.clone();
            damaged.sealed.0[at.index(word.sealed.0.len())] ^= 1;
            prop_assert_eq!(key.open(&damaged), None);
            let mut renamed = word.clone();
            renamed.name.0[15] ^= 1;
            prop_assert_eq!(key.open(&renamed), None);
        }
        let same = |one: &str, two: &str| fold(one) == fold(two);
        for two in texts.windows(2) {
            let names = [key.name(&two[0]), key.name(&two[1])];
            prop_assert_eq!(names[0] == names[1], same(&two[0], &two[1]));
            prop_assert_ne!(names[0], other.name(&two[0]));
        }
    }

    /// A text that was erased can be opened and sealed no more, in whatever order and how often it is erased. All
    /// others can, and nothing is left from which the erased key could be computed.
    #[test]
    fn what_was_erased_is_gone_and_nothing_else(
        whole in keys(),
        texts in texts(),
        erased in prop::collection::vec(any::<prop::sample::Index>(), 1..8),
    ) {
        let words: Vec<_> = texts.iter().map(|text| whole.seal(text).unwrap()).collect();
        let erased: Vec<_> = erased.iter().map(|at| at.get(&words).name).collect();
        let erase = |key: TextKey, name: &Name| key.erase(*name);
        let key = erased.iter().fold(whole.clone(), erase);
        prop_assert_eq!(&erased.iter().rev().fold(whole.clone(), erase), &key, "the order does not matter");
        prop_assert_eq!(&erased.iter().fold(key.clone(), erase), &key, "once is enough");
        for (text, word) in texts.iter().zip(&words) {
            let gone = erased.contains(&word.name);
            prop_assert_eq!(key.open(word), (!gone).then(|| text.clone()));
            prop_assert_eq!(key.seal(text), (!gone).then(|| word.clone()));
            prop_assert_eq!(key.name(text), word.name, "the name is known as before");
        }
        let bytes = key.to_bytes();
        let read = TextKey::from_bytes(&bytes).unwrap();
        prop_assert_eq!(&read, &key);
        prop_assert_eq!(read.to_bytes(), &*bytes);
        for name in erased {
            for seed in way_to(&whole, name) {
                prop_assert!(!bytes.windows(32).any(|window| window == seed));
            }
        }
    }

    /// Bytes that no key was written as are none, and no bytes make the reader panic.
    #[test]
    fn bytes_that_are_no_key_are_refused(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        erased in prop::collection::vec("[a-z]{1,3}", 0..3),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let _ = TextKey::from_bytes(&bytes);
        let key = erased.iter().fold(golden(), |key, text| key.erase(key.name(text)));
        let mut damaged = key.to_bytes();
        prop_assert_eq!(TextKey::from_bytes(&damaged[..damaged.len() - 1]), None);
        prop_assert_eq!(TextKey::from_bytes(&[&damaged[..], &[0]].concat()), None);
        let at = at.index(damaged.len());
        damaged[at] = byte;
        if let Some(read) = TextKey::from_bytes(&damaged) {
            prop_assert_eq!(read.to_bytes(), damaged);
            let _ = read.erase(read.name("x")).seal("x");
        }
    }
}

#[test]
fn a_key_whose_roots_overlap_is_none() {
    let bytes = golden().erase(golden().name("Rust")).to_bytes();
    let (head, roots) = bytes.split_at(FIRST_ROOT);
    let roots: Vec<_> = roots.chunks(41).collect();
    let key = |roots: &[&[u8]]| TextKey::from_bytes(&[head, &roots.concat()].concat());
    assert!(key(&roots).is_some());
    assert!(key(&roots[1..]).is_some(), "one more subtree was erased");
    assert_eq!(key(&[&roots[..], &[roots[39]]].concat()), None, "twice the same");
    assert_eq!(key(&[&[roots[1], roots[0]], &roots[2..]].concat()), None, "out of order");
    assert_eq!(TextKey::from_bytes(&[]), None);
    assert_eq!(TextKey::from_bytes(&[&[2], &bytes[1..]].concat()), None, "of a later version");
}

/// Two hundred words can be erased, and the key must stay small enough for a store's row.
#[test]
fn a_key_with_as_many_erased_words_as_there_may_be_is_below_300_kb() {
    let names: Vec<_> = (0..200).map(|n| golden().name(&format!("word {n}"))).collect();
    let key = names.iter().fold(golden(), |key, name| key.erase(*name));
    assert!(key.to_bytes().len() < 300_000, "{} bytes", key.to_bytes().len());
    assert!(
        names.iter().all(|name| {
            key.open(&Word { name: *name, sealed: Sealed([0; 48].into()) }).is_none()
        })
    );
    assert!((0..200).all(|n| key.seal(&format!("word {n}")).is_none()));
    assert!(key.seal("another word").is_some());
}
