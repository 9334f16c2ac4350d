//! Types: each has a doc comment whose first sentence is whole, and whose subject is the type.

use super::{TextFile, Untidy, derives_help};

/// Finite verbs that are no nouns. A noun such as “counts” is a verb only directly behind the subject.
const VERBS: &[&str] = &[
    "is", "are", "was", "were", "has", "have", "had", "does", "do", "did", "may", "can", "cannot",
    "must", "will", "would", "should", "holds", "keeps", "says", "tells", "belongs", "becomes",
    "stands", "follows", "knows", "gives", "takes", "goes", "comes", "begins", "ends", "leads",
    "hears", "makes", "sends", "waits", "happens", "needs", "wants", "asks", "hold", "keep", "say",
    "tell", "mean", "means",
];
/// A sentence may begin with a verb whose subject is the type. A word in “s” is one if one of these follows.
const OBJECTS: &[&str] = &[
    "a", "an", "the", "one", "its", "their", "all", "every", "each", "both", "some", "what", "how",
    "whether", "to", "down",
];
/// A verb behind one of these belongs to a clause inside the sentence.
const OPENERS: &[&str] = &[
    "which", "that", "who", "whom", "whose", "where", "when", "while", "why", "how", "what",
    "whatever", "whoever", "whether", "because", "if", "unless", "although",
];
/// One of these opens such a clause, too, unless a preposition stands before it: “the poll it belongs to”.
const PRONOUNS: &[&str] =
    &["it", "they", "we", "you", "he", "she", "nobody", "somebody", "everybody"];
const PREPOSITIONS: &[&str] = &[
    "of", "to", "in", "on", "at", "by", "for", "with", "from", "without", "about", "into", "over",
    "under", "above", "below", "between", "among", "before", "after", "than", "like", "per", "as",
];
const ARTICLES: &[&str] = &["a", "an", "the"];
/// An article behind one of these opens no clause, although it follows a word: “all the polls”.
const NO_NOUNS: &[&str] = &["and", "or", "but", "nor", "not", "all", "both", "only", "such"];

pub fn check(files: &[TextFile]) -> Vec<Untidy> {
    files.iter().flat_map(of_rust).chain(files.iter().flat_map(of_screens)).collect()
}

fn of_rust(file: &TextFile) -> Vec<Untidy> {
    if !file.is_rust() {
        return Vec::new();
    }
    let lines = file.production_lines();
    let mut faults = Vec::new();
    for (n, line) in lines.iter().enumerate() {
        let Some(name) = rust_type(line) else { continue };
        let (doc, attributes) = above(&lines[..n]);
        // What a macro names says what it is there; what a function alone knows may do without.
        let is_excused = name.starts_with('$') || line.starts_with(' ') && doc.is_empty();
        if !attributes.iter().any(|line| derives_help(line)) && !is_excused {
            faults.extend(wrong(name, &doc).map(|what| Untidy::new(&file.path, n + 1, what)));
        }
    }
    faults
}

/// Checks the types of the screens that have a comment.
fn of_screens(file: &TextFile) -> Vec<Untidy> {
    if !file.is_screen() || file.path.contains(".test.") {
        return Vec::new();
    }
    let lines: Vec<_> = file.text.lines().collect();
    let mut faults = Vec::new();
    for (n, line) in lines.iter().enumerate() {
        let Some(name) = screen_type(line) else { continue };
        let doc = above_in_screen(&lines[..n]);
        // A component's properties are what its comment says.
        if !doc.is_empty() && !doc.starts_with("eslint") && name != "Props" {
            faults.extend(wrong(name, &doc).map(|what| Untidy::new(&file.path, n + 1, what)));
        }
    }
    faults
}

/// Returns the name of the type that a line declares. A type alias inside an `impl` is none of its own.
fn rust_type(line: &str) -> Option<&str> {
    let is_indented = line.starts_with(' ');
    let mut rest = line.trim_start();
    if let Some(public) = rest.strip_prefix("pub") {
        rest = match public.strip_prefix('(') {
            Some(scope) => scope.split_once(") ")?.1,
            None => public.strip_prefix(' ')?,
        };
    }
    let (word, rest) = rest.split_once(' ')?;
    let declares = matches!(word, "struct" | "enum" | "trait") || word == "type" && !is_indented;
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    declares.then(|| rest.split(|c| !is_part(c)).next().unwrap_or_default())
}

fn screen_type(line: &str) -> Option<&str> {
    let rest = line.trim_start();
    let rest = rest.strip_prefix("export ").unwrap_or(rest);
    let (word, rest) = rest.split_once(' ')?;
    let name = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let is_name = name.starts_with(|c: char| c.is_uppercase());
    (matches!(word, "type" | "interface" | "class" | "enum") && is_name).then_some(name)
}

/// The first paragraph of the doc comment directly above, and the attributes that stand there.
fn above<'a>(lines: &[&'a str]) -> (String, Vec<&'a str>) {
    let (mut doc, mut attributes) = (Vec::new(), Vec::new());
    let mut is_inside = false;
    for line in lines.iter().rev().map(|line| line.trim()) {
        if let Some(said) = line.strip_prefix("///") {
            doc.push(said.trim());
        } else if line.starts_with("#[") || is_inside || line.ends_with(")]") {
            is_inside = !line.starts_with("#[");
            attributes.push(line);
        } else {
            break;
        }
    }
    let doc: Vec<_> = doc.into_iter().rev().take_while(|said| !said.is_empty()).collect();
    (doc.join(" "), attributes)
}

/// The comment directly above a line of a screen.
fn above_in_screen(lines: &[&str]) -> String {
    let mut said = Vec::new();
    let is_block = lines.last().is_some_and(|line| line.trim_end().ends_with("*/"));
    for line in lines.iter().rev().map(|line| line.trim()) {
        if !is_block && !line.starts_with("//") {
            break;
        }
        said.push(line.trim_matches(['/', '*', ' ']));
        if is_block && line.starts_with("/*") {
            break;
        }
    }
    said.reverse();
    said.join(" ").trim().to_owned()
}

/// Says what is wrong with the first sentence about a type.
fn wrong(name: &str, doc: &str) -> Option<String> {
    let first = first_sentence(doc);
    let parts = parts_of(name);
    let words: Vec<_> = words(first).collect();
    match subject(&words, &parts) {
        _ if doc.is_empty() => Some(format!("`{name}` has no doc comment")),
        _ if begins_with_verb(&words) => None,
        None => Some(format!("{first:?} has no verb of its own: say what `{name}` is or does")),
        Some(subject) if !subject.iter().any(|word| word.names(&parts)) => {
            Some(format!("{first:?} is not about `{name}`: its subject is something else"))
        }
        Some(_) => None,
    }
}

fn begins_with_verb(words: &[Word]) -> bool {
    let [first, second, ..] = words else { return false };
    let is_verb = first.is(VERBS) || first.text.ends_with('s') && second.is(OBJECTS);
    !first.is_code && is_verb
}

fn first_sentence(doc: &str) -> &str {
    let ends = doc.match_indices(['.', ';']).map(|(at, _)| at + 1);
    let end = ends.into_iter().find(|end| doc[*end..].starts_with(' '));
    &doc[..end.unwrap_or(doc.len())]
}

/// `Word` is a word of a sentence, or a piece of code in it.
struct Word {
    /// The word in lower case, or the code as it is.
    text: String,
    is_code: bool,
    /// Whether a comma or a colon follows.
    pauses: bool,
}

impl Word {
    fn is(&self, list: &[&str]) -> bool {
        !self.is_code && list.contains(&self.text.as_str())
    }

    /// Whether this is the type itself, by its name or by a word of its name.
    fn names(&self, parts: &[String]) -> bool {
        if self.is_code {
            return parts_of(&self.text).iter().any(|part| parts.contains(part));
        }
        let same = |part: &String| {
            let y = part.strip_suffix('y').map(|stem| format!("{stem}ies"));
            *part == self.text
                || format!("{part}s") == self.text
                || format!("{}s", self.text) == *part
                || y.is_some_and(|plural| plural == self.text)
        };
        parts.iter().any(same)
    }
}

fn words(sentence: &str) -> impl Iterator<Item = Word> {
    let pieces = sentence.split('`').enumerate();
    pieces.flat_map(|(n, piece)| {
        let word = |text: &str, is_code| Word {
            pauses: text.ends_with([',', ':', ';']),
            text: match is_code {
                true => text.to_owned(),
                false => text.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase(),
            },
            is_code,
        };
        let all: Vec<_> = match n % 2 {
            1 => vec![word(piece, true)],
            _ => piece.split_whitespace().map(|text| word(text, false)).collect(),
        };
        all.into_iter().filter(|word| !word.text.is_empty())
    })
}

/// The words of a name in lower case: `EventDraft` has “event” and “draft”.
fn parts_of(name: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for c in name.chars().filter(|c| c.is_alphanumeric()) {
        if c.is_uppercase() || parts.is_empty() {
            parts.push(String::new());
        }
        parts.last_mut().into_iter().for_each(|part| part.extend(c.to_lowercase()));
    }
    parts
}

/// Finds the verb of the sentence itself, and returns what stands before it. A verb inside a clause (“that is read”) is
/// passed over, and so is each that goes on from it (“and written”).
fn subject<'a>(words: &'a [Word], parts: &[String]) -> Option<&'a [Word]> {
    let (mut open, mut last_inside) = (0, None);
    for (n, word) in words.iter().enumerate() {
        let before = n.checked_sub(1).map(|n| &words[n]);
        let behind_name = before.is_some_and(|before| !before.pauses && before.names(parts));
        let behind_that = before.is_some_and(|before| before.is(&["which", "that", "who"]));
        let ends = !word.is_code && word.text.ends_with('s');
        let is_verb = word.is(VERBS) || ends && (behind_name || behind_that);
        if is_verb {
            let goes_on = before.is_some_and(|before| before.is(NO_NOUNS)) && last_inside.is_some();
            if open == 0 && !goes_on {
                return Some(&words[..n]);
            }
            open = i32::max(open - 1, 0);
            last_inside = Some(n + 1); // The next word stands behind a verb.
        } else if word.is(OPENERS) || last_inside != Some(n) && opens_silently(before, word) {
            open += 1;
        }
    }
    None
}

/// Whether a clause begins here without a word that says so: “the polls a viewer sees”.
fn opens_silently(before: Option<&Word>, word: &Word) -> bool {
    let Some(before) = before else { return false };
    let follows_noun = !before.pauses && !before.is(NO_NOUNS) && !before.is(ARTICLES);
    (word.is(PRONOUNS) || word.is(ARTICLES)) && follows_noun && !before.is(PREPOSITIONS)
        || word.is(PRONOUNS) && before.text == "as"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_about_the_type_is_let_through() {
        for (name, doc) in [
            ("Batch", "`Batch` folds one batch of records."),
            ("Batch", "A batch folds records, which are read in order."),
            ("EventDraft", "A draft holds what an organiser writes of an event."),
            ("Rules", "The rules of a poll are those that its organiser set."),
            ("Reader", "The reader that owns the file holds it. More follows."),
            ("Polls", "Polls and events are written by revision."),
            ("Desk", "Counts the votes of a poll."),
            ("Hub", "The [`Hub`](super::Hub) keeps the newest standing."),
        ] {
            assert_eq!(wrong(name, doc), None, "{doc}");
        }
    }

    #[test]
    fn what_is_no_sentence_or_is_about_something_else_is_found() {
        for (name, doc) in [
            ("Poll", "A new poll."),
            ("Rows", "The rows of a table."),
            ("Dump", "Everything that the store holds."),
            ("Fault", "Where something is wrong, and what."),
            ("Known", "What is known of one partition, and of the next."),
            ("Place", "The place a viewer has."),
            ("Rest", "The bytes that are read and are not written."),
            ("View", "A poll, as far as you may see it."),
            ("Tally", "Votes that count."),
            ("Mark", "Options are what a choice offers."),
            ("Gate", ""),
        ] {
            assert!(wrong(name, doc).is_some(), "{doc}");
        }
    }

    #[test]
    fn types_are_found_with_their_comments() {
        let text = "/// A new poll.\n#[derive(Debug)]\n#[schema(\n    title = \"x\",\n)]\npub(crate) struct Poll<'a> {\n}\n\
                    /// Count.\n#[derive(clap::Args)]\nstruct Count;\nimpl A for B {\n    type Error = C;\n}\n";
        let lines = |path: &str, text: &str| -> Vec<usize> {
            check(&[TextFile::new(path, text)]).into_iter().map(|fault| fault.line).collect()
        };
        assert_eq!(lines("crates/core/src/a.rs", text), [6]);
        let text = "/**\n * A row.\n */\nexport type Row = {};\n/** A `Seat` is taken. */\nclass Seat {}\ntype Bare = 1;\n";
        assert_eq!(lines("web/src/a.ts", text), [4]);
    }
}
