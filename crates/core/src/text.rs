//! What a text is: how what people write is kept, compared and counted, as they see it.
//!
//! [`normalise`] returns the form in which a text is kept, and [`key`] the form in which it is compared: two texts
//! have the same key if nobody can tell them apart by looking. ADR 35 says why the rules are as they are.
//! `crates/core/tests/texts.json` has examples, which the screens' own rules (web/src/ui/text.ts) are held to as well.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

/// A text may have so many bytes, and be sent in so many code points, for each character that it may have.
const PER_CHARACTER: usize = 8;

/// The black flag, after which tags spell the region whose flag is shown.
const FLAG: char = '\u{1F3F4}';
/// The tag that ends the name of a region.
const LAST_TAG: char = '\u{E007F}';

/// The characters that are not drawn: Unicode's `Default_Ignorable_Code_Point`, which never changes for an
/// assigned character, and the annotation controls U+FFF9 to U+FFFB.
const IGNORABLE: [(char, char); 18] = [
    ('\u{00AD}', '\u{00AD}'),
    ('\u{034F}', '\u{034F}'),
    ('\u{061C}', '\u{061C}'),
    ('\u{115F}', '\u{1160}'),
    ('\u{17B4}', '\u{17B5}'),
    ('\u{180B}', '\u{180F}'),
    ('\u{200B}', '\u{200F}'),
    ('\u{202A}', '\u{202E}'),
    ('\u{2060}', '\u{206F}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{FE00}', '\u{FE0F}'),
    ('\u{FEFF}', '\u{FEFF}'),
    ('\u{FFA0}', '\u{FFA0}'),
    ('\u{FFF0}', '\u{FFF8}'),
    ('\u{FFF9}', '\u{FFFB}'),
    ('\u{1BCA0}', '\u{1BCA3}'),
    ('\u{1D173}', '\u{1D17A}'),
    ('\u{E0000}', '\u{E0FFF}'),
];

/// Returns the most bytes that a text of at most so many characters may have. It is also the most code points in
/// which the text may be sent: decomposed letters and runs of spaces may make it longer than it is kept.
pub const fn most_bytes(characters: usize) -> usize {
    characters * PER_CHARACTER
}

/// Returns the text in the form in which it is kept.
///
/// It is in Unicode's normal form C. White space of any kind is one plain space, and there is none at the ends.
/// Characters that are not drawn are left out, except where they shape or order what is drawn. A text with nothing
/// to see is empty.
pub fn normalise(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    // Letters that have two codes come first, so that the rules below meet only one of them.
    let composed: String = text.nfc().collect();
    let mut line = Line::default();
    let mut rest = composed.as_str();
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if is_space(c) {
            line.space = true;
        } else if is_direction(c) {
            line.turn(c);
        } else if is_joiner(c) || is_selector(c) {
            line.attach(c);
        } else if !is_ignorable(c) {
            line.show(c);
            let tags = if c == FLAG { region(rest) } else { "" };
            line.text.push_str(tags);
            rest = &rest[tags.len()..];
        }
    }
    // Leaving something out may have brought letters and their accents together.
    line.end().nfc().collect()
}

/// Returns what a text is compared by: two texts have the same key if they look the same.
///
/// Case, width and accents can be seen and stay. So do letters of different scripts that are drawn alike.
pub fn key(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    // Tags that are left after normalising belong to a flag, and are seen.
    let text = normalise(text);
    let seen = text.chars().filter(|c| is_tag(*c) || !is_ignorable(*c)).map(|c| match c {
        '\u{2010}' | '\u{2011}' => '-',
        c => c,
    });
    Cow::Owned(seen.nfc().collect())
}

/// Returns how many characters a text has, as people count them: extended grapheme clusters (UAX #29) in which
/// something is drawn.
pub fn count(text: &str) -> usize {
    text.graphemes(true).filter(|cluster| cluster.chars().any(|c| !is_ignorable(c))).count()
}

/// Returns the first character that no text may have: a control character that is no white space.
pub fn control(text: &str) -> Option<char> {
    text.chars().find(|c| c.is_control() && !is_space(*c))
}

/// Returns whether a text is ASCII and as it should be, so that nothing need be done.
fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let ends_in_space = bytes.first() == Some(&b' ') || bytes.last() == Some(&b' ');
    !ends_in_space
        && bytes.iter().all(|byte| matches!(byte, b' '..=b'~'))
        && !bytes.windows(2).any(|two| two == b"  ")
}

/// Returns whether a character is drawn as empty space. The empty Braille cell is no white space to Unicode.
fn is_space(c: char) -> bool {
    c.is_whitespace() || c == '\u{2800}'
}

fn is_ignorable(c: char) -> bool {
    c >= IGNORABLE[0].0 && IGNORABLE.iter().any(|(first, last)| (*first..=*last).contains(&c))
}

/// Returns whether a character says in which direction its neighbours are written, and nothing beyond them.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}')
}

/// Returns whether a character joins its neighbours or keeps them apart, as emoji and many scripts need it.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{034F}' | '\u{180E}' | '\u{200C}' | '\u{200D}')
}

/// Returns whether a character chooses how the one before it is drawn.
fn is_selector(c: char) -> bool {
    matches!(c, '\u{180B}'..='\u{180D}' | '\u{180F}' | '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}')
}

fn is_tag(c: char) -> bool {
    ('\u{E0020}'..=LAST_TAG).contains(&c)
}

/// Returns the tags at the start of a text if they name a region.
fn region(text: &str) -> &str {
    let end = text.find(|c| !is_tag(c)).unwrap_or(text.len());
    let last = text[..end].find(LAST_TAG).filter(|at| *at > 0);
    last.map_or("", |at| &text[..at + LAST_TAG.len_utf8()])
}

/// A line is a normal text that is being written. What stands after the last character that is drawn waits until
/// another one comes.
#[derive(Default)]
struct Line {
    text: String,
    before: Option<char>,
    space: bool,
    after: Option<char>,
}

impl Line {
    /// Writes a character that is drawn.
    fn show(&mut self, c: char) {
        if self.text.is_empty() {
            self.text.extend(self.before.or(self.after));
        } else {
            self.text.extend(self.before);
            self.text.extend(self.space.then_some(' '));
            self.text.extend(self.after);
        }
        (self.before, self.space, self.after) = (None, false, None);
        self.text.push(c);
    }

    /// Takes a mark of direction. One before a space and one after it are enough.
    fn turn(&mut self, c: char) {
        let place = if self.space { &mut self.after } else { &mut self.before };
        place.get_or_insert(c);
    }

    /// Writes a joiner or a selector, if it can have an effect. It has none after ASCII, but for the bases of
    /// emoji such as 1️⃣, nor after another of its sort.
    fn attach(&mut self, c: char) {
        if self.space || self.before.is_some() {
            return;
        }
        let Some(last) = self.text.chars().next_back() else { return };
        let keycap = is_selector(c) && matches!(last, '0'..='9' | '#' | '*');
        let again = is_joiner(last) || (is_selector(c) && is_selector(last));
        if (keycap || !last.is_ascii()) && !again {
            self.text.push(c);
        }
    }

    /// Returns what was written. A mark of direction at the end orders the signs before it.
    fn end(mut self) -> String {
        if !self.text.is_empty() {
            self.text.extend(self.before.or(self.after));
        }
        self.text
    }
}

/// `Text` is a string in JSON, which is copied only if it contains escapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text<'a>(pub Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrow;
        impl<'de> Visitor<'de> for Borrow {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Borrow)
    }
}
