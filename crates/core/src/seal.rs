//! The sealing of what voters write: on the log a text stands encrypted, and under a name from which nobody can guess
//! it who lacks the poll's key.
//!
//! A [`TextKey`] belongs to one poll and lies in the store alone. From it follow the [`Name`] of each text and the
//! key that the text is sealed under. Texts that are the same to people have the same name, and share that key. The
//! same text is sealed to the same bytes each time, so whoever sends a ballot again sends the same record.
//!
//! ```text
//! name  = HMAC-SHA-256( naming key, folded text ), the first 16 bytes
//! key   = BLAKE2b-256( leaf ‖ name ), with the leaf of a binary tree over the first 40 bits of the name
//! child = BLAKE2b-256( parent ‖ bit )
//! text  = AES-256-GCM-SIV( key, zero nonce, name as associated data, text padded with zeros to 32 bytes )
//! ```
//!
//! The tree lets one text be erased for good ([`TextKey::erase`]): the key then holds the roots of all subtrees beside
//! the path to that leaf, and no longer what lies above it. This is the puncturable function of Goldreich, Goldwasser
//! and Micali (GGM, 1986); AES-GCM-SIV is RFC 8452, which allows the nonce to be the same.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use blake2::Blake2b;
use blake2::digest::{Digest, consts::U32};
use hmac::{Hmac, Mac};
use icu_casemap::CaseMapper;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use unicode_normalization::UnicodeNormalization;

use crate::text;

/// The number of bits of a name that choose a leaf. Two texts of one poll share a leaf so seldom that nobody need
/// care: erasing one of them would erase the other.
const DEPTH: u8 = 40;
/// Sealed texts are padded to a multiple of so many bytes, so that their length tells little of them.
pub(crate) const PADDING: usize = 32;
/// The number of bytes by which sealing makes a padded text longer.
pub(crate) const TAG_BYTES: usize = 16;
/// The version of [`TextKey::to_bytes`].
const VERSION: u8 = 1;
/// The length of a tree's node in [`TextKey::to_bytes`]: its depth, its path and its seed.
const NODE_BYTES: usize = 1 + 8 + 32;

/// A name stands for all texts of a poll that are the same to people; see [`fold`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(pub [u8; 16]);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A `NameError` says that the text is not 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a name: 32 lower-case hexadecimal digits")]
pub struct NameError;

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let number = u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32 && digits);
        number.map(|number| Self(number.to_be_bytes())).ok_or(NameError)
    }
}

impl Serialize for Name {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text::Text(text) = Deserialize::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// `Sealed` holds the bytes of an encrypted text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sealed(pub Box<[u8]>);

impl Serialize for Sealed {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&BASE64_URL_SAFE_NO_PAD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Sealed {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text::Text(text) = Deserialize::deserialize(d)?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text.as_bytes());
        bytes.map(|bytes| Self(bytes.into())).map_err(serde::de::Error::custom)
    }
}

/// A word is one text of an answer as it stands on the log: its name, and the text itself, sealed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Word {
    /// The name, by which the text is counted.
    pub name: Name,
    /// The text, as the voter wrote it.
    pub sealed: Sealed,
}

/// Returns what a text is counted by: two texts are the same to people if they differ in case, width, normal form,
/// spaces or characters that are not drawn, and in nothing else.
pub fn fold(text: &str) -> String {
    let wide: String = text::key(text).nfkc().collect();
    let folded: String = CaseMapper::new().fold_string(&wide).nfkc().collect();
    text::key(&folded).into_owned()
}

/// A text key belongs to one poll, and whoever has it can read what voters wrote there.
#[derive(Clone, PartialEq, Eq)]
pub struct TextKey(Arc<Parts>);

/// `Parts` is what a [`TextKey`] consists of.
#[derive(Clone, PartialEq, Eq)]
struct Parts {
    naming: [u8; 32],
    /// The roots of the subtrees that are left, in the order of their paths. At first it is that of the whole tree.
    tree: Vec<Node>,
}

/// A node is the root of a subtree.
#[derive(Clone, PartialEq, Eq)]
struct Node {
    /// The number of bits that lead to it.
    depth: u8,
    /// Those bits, as the greatest ones of [`DEPTH`].
    path: u64,
    seed: [u8; 32],
}

impl fmt::Debug for TextKey {
    /// Tells nothing of the key, because what is written for debugging ends up in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TextKey")
    }
}

impl TextKey {
    /// Makes a key from 64 random bytes.
    pub fn new(random: [u8; 64]) -> Self {
        let (naming, seed) = random.split_at(32);
        let [naming, seed] = [naming, seed].map(|half| half.try_into().expect("32 bytes"));
        Self(Arc::new(Parts { naming, tree: vec![Node { depth: 0, path: 0, seed }] }))
    }

    /// Returns the name of a text.
    pub fn name(&self, text: &str) -> Name {
        let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.0.naming);
        let mut mac = mac.expect("HMAC takes a key of any length");
        mac.update(fold(text).as_bytes());
        Name(mac.finalize().into_bytes()[..16].try_into().expect("32 bytes are enough"))
    }

    /// Seals a text; `None` if it was erased.
    pub fn seal(&self, text: &str) -> Option<Word> {
        let name = self.name(text);
        let cipher = self.cipher(name)?;
        let mut padded = text.as_bytes().to_vec();
        padded.resize(text.len().max(1).next_multiple_of(PADDING), 0);
        let payload = Payload { msg: &padded, aad: &name.0 };
        let sealed = cipher.encrypt(&Nonce::default(), payload).expect("the text is short");
        Some(Word { name, sealed: Sealed(sealed.into()) })
    }

    /// Returns the text of a word; `None` if it was erased, or sealed under another key.
    pub fn open(&self, word: &Word) -> Option<String> {
        let payload = Payload { msg: &word.sealed.0, aad: &word.name.0 };
        let padded = self.cipher(word.name)?.decrypt(&Nonce::default(), payload).ok()?;
        let mut text = String::from_utf8(padded).ok()?;
        text.truncate(text.trim_end_matches('\0').len());
        Some(text)
    }

    /// Returns the key without what could open or seal the texts of this name.
    pub fn erase(&self, name: Name) -> Self {
        let leaf = leaf(name);
        let Some(at) = self.root_over(leaf) else { return self.clone() };
        let mut parts = Parts::clone(&self.0);
        let mut node = parts.tree.remove(at);
        while node.depth < DEPTH {
            let bit = bit(leaf, node.depth);
            parts.tree.push(node.child(!bit));
            node = node.child(bit);
        }
        parts.tree.sort_unstable_by_key(|node| node.path);
        Self(Arc::new(parts))
    }

    /// Returns the place of the root whose subtree has this leaf.
    fn root_over(&self, leaf: u64) -> Option<usize> {
        let tree = &self.0.tree;
        let at = tree.partition_point(|node| node.path <= leaf).checked_sub(1)?;
        tree[at].covers(leaf).then_some(at)
    }

    fn cipher(&self, name: Name) -> Option<Aes256GcmSiv> {
        let leaf = leaf(name);
        let mut node = self.0.tree[self.root_over(leaf)?].clone();
        while node.depth < DEPTH {
            node = node.child(bit(leaf, node.depth));
        }
        Some(Aes256GcmSiv::new(&hash(&node.seed, &name.0).into()))
    }

    /// Returns the key in the form in which a store keeps it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(33 + NODE_BYTES * self.0.tree.len());
        bytes.push(VERSION);
        bytes.extend(self.0.naming);
        for node in &self.0.tree {
            bytes.push(node.depth);
            bytes.extend(node.path.to_be_bytes());
            bytes.extend(node.seed);
        }
        bytes
    }

    /// Returns the key that [`TextKey::to_bytes`] wrote; `None` if the bytes are none.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (naming, nodes) = bytes.strip_prefix(&[VERSION])?.split_first_chunk()?;
        let (nodes, rest) = nodes.as_chunks::<NODE_BYTES>();
        let tree = nodes.iter().map(Node::from_bytes).collect::<Option<Vec<_>>>()?;
        let apart = tree.is_sorted_by(|one, next| one.end() <= next.path);
        (apart && rest.is_empty()).then(|| Self(Arc::new(Parts { naming: *naming, tree })))
    }
}

impl Node {
    fn covers(&self, leaf: u64) -> bool {
        (self.path..self.end()).contains(&leaf)
    }

    /// Returns the first leaf behind the subtree.
    fn end(&self) -> u64 {
        self.path + (1 << (DEPTH - self.depth))
    }

    fn child(&self, bit: bool) -> Self {
        let path = self.path | u64::from(bit) << (DEPTH - 1 - self.depth);
        Self { depth: self.depth + 1, path, seed: hash(&self.seed, &[bit.into()]) }
    }

    fn from_bytes(bytes: &[u8; NODE_BYTES]) -> Option<Self> {
        let (depth, rest) = bytes.split_first()?;
        let (path, seed) = rest.split_first_chunk()?;
        let (path, seed) = (u64::from_be_bytes(*path), seed.try_into().ok()?);
        let node = Self { depth: *depth, path, seed };
        let is_root = *depth <= DEPTH && path >> DEPTH == 0 && path % (1 << (DEPTH - depth)) == 0;
        is_root.then_some(node)
    }
}

/// Returns the place of a name's leaf in the tree.
fn leaf(Name(name): Name) -> u64 {
    u64::from_be_bytes(name[..8].try_into().expect("16 bytes")) >> (64 - DEPTH)
}

/// Returns the bit of a leaf's place that leads on from this depth.
fn bit(leaf: u64, depth: u8) -> bool {
    leaf >> (DEPTH - 1 - depth) & 1 == 1
}

fn hash(key: &[u8; 32], more: &[u8]) -> [u8; 32] {
    Blake2b::<U32>::new().chain_update(key).chain_update(more).finalize().into()
}
