//! What the command line knows of words: an audience says the words of a small vocabulary, the first ones most often,
//! and a bar shows how many people said a word.

use pollux_core::kind::words::{Form, MAX_NAMES, Said, State, Words};
use pollux_core::seal::{Name, TextKey, Word};
use pollux_core::standing::{Cloud, Mention};
use pollux_server::watch::view::kind::words::{WordView, WordsView};
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::{BarRow, bar};
use crate::terminal::{grouped, percent, plain, quantity};

/// An audience says these words, which answer the question of the demo's sample. It favours the first ones.
const VOCABULARY: [&str; 72] = [
    "Testing",
    "Rust",
    "Accessibility",
    "Kafka",
    "Security",
    "PostgreSQL",
    "Code review",
    "Observability",
    "Performance",
    "Documentation",
    "Onboarding",
    "Technical debt",
    "Fast builds",
    "Deployment",
    "Data protection",
    "Open source",
    "Incident response",
    "Pair programming",
    "Design systems",
    "WebAssembly",
    "Privacy",
    "CI pipelines",
    "Monitoring",
    "API design",
    "Datenschutz",
    "Barrierefreiheit",
    "Große Datenmengen",
    "Qualité",
    "Sécurité",
    "Équipe à distance",
    "Accesibilidad",
    "Programación",
    "Español técnico",
    "Segurança",
    "Integração contínua",
    "Prestazioni",
    "Güvenlik",
    "Wydajność",
    "Bezpieczeństwo",
    "Přístupnost",
    "Säkerhet",
    "Sjálfvirkni",
    "Tietoturva",
    "Biztonság",
    "Bảo mật",
    "Безопасность",
    "Тестирование",
    "Доступність",
    "Сигурност",
    "Ασφάλεια",
    "Έλεγχος ποιότητας",
    "Տվյալներ",
    "უსაფრთხოება",
    "נגישות",
    "אבטחת מידע",
    "الأمان",
    "سهولة الوصول",
    "امنیت",
    "सुरक्षा",
    "परीक्षण",
    "নিরাপত্তা",
    "பாதுகாப்பு",
    "ความปลอดภัย",
    "テスト",
    "アクセシビリティ",
    "設計",
    "安全",
    "可观测性",
    "無障礙",
    "보안",
    "테스트 자동화",
    "Less 📧, more 🦀",
];
/// This share of words is written in another case, or with other spaces.
const CARELESS: f64 = 0.1;
/// A recount tells people of so many words of a poll at most.
const TOLD: usize = 20;

/// Returns the sample polls of the demo.
pub fn samples() -> [Value; 1] {
    [json!({
        "question": "What should tomorrow's workshop be about?",
        "kind": "words",
        "maxWords": 3,
        "open": true,
    })]
}

/// Returns what an answer may say.
pub fn form(described: &WordsView) -> Form {
    Form { most: described.max_words }
}

/// Returns the number of words that an audience knows, each of which has its own popularity.
pub fn ranks() -> u8 {
    VOCABULARY.len() as u8
}

/// Says from one word to as many as may be. A favourite may be drawn more than once, which counts once.
pub fn draw(form: Form, rank: impl Fn(&mut StdRng) -> u8, dice: &mut StdRng) -> Value {
    let words = dice.random_range(1..=form.most.max(1));
    let say = |_| {
        let word = VOCABULARY[usize::from(rank(dice))];
        if dice.random_bool(CARELESS) { carelessly(word, dice) } else { word.to_owned() }
    };
    (0..words).map(say).collect()
}

/// Writes a word as somebody does who minds neither case nor spaces.
fn carelessly(word: &str, dice: &mut StdRng) -> String {
    match dice.random_range(0..4) {
        0 => word.to_lowercase(),
        1 => word.to_uppercase(),
        2 => word.replace(' ', "   "),
        _ => format!("  {word} "),
    }
}

/// A sheet of ballots has these columns for the words: their names, and the words themselves.
pub const COLUMNS: [&str; 2] = ["answer", "words"];

/// Returns the words of an answer. In place of one that cannot be read stands its name, and why.
pub fn say(words: &Words, said: &Said, key: Option<&TextKey>) -> Vec<String> {
    let lost = |word: &Word| format!("[{}: {}]", word.name, why_lost(words, word.name, key));
    let text = |word: &Word| key.and_then(|key| key.open(word)).unwrap_or_else(|| lost(word));
    said.iter().map(text).collect()
}

/// Says why a word cannot be read. A poll without a key was deleted, which erases all its words.
fn why_lost(words: &Words, name: Name, key: Option<&TextKey>) -> &'static str {
    match (words.moderation.state(name), key) {
        (State::Erased, _) | (_, None) => "erased",
        (State::Shown | State::Waiting | State::Hidden, Some(_)) => "unreadable",
    }
}

/// Returns an answer that any poll of words takes.
pub fn usual() -> Value {
    json!(["Pollux"])
}

/// Says which answers a poll of words takes.
pub fn describe(words: &WordsView) -> String {
    let wanted = match words.max_words {
        1 => "one word or short phrase, such as [\"rust\"]".to_owned(),
        most => format!("1 to {most} words or short phrases, such as [\"rust\",\"fast builds\"]"),
    };
    format!("this poll takes words: give --answer with a list of {wanted}")
}

/// `NewPoll` has the flags that make a new poll one of words.
#[derive(clap::Args)]
#[group(skip)]
pub struct NewPoll {
    /// Most words that a ballot may have; makes the new poll one of words
    // What another kind needs beside its own flags would be forgotten if it conflicts with this one.
    #[arg(
        long,
        value_name = "COUNT",
        requires = "question",
        group = "subject",
        conflicts_with_all = ["steps", "places", "budget", "min", "step", "unit", "solution"]
    )]
    max_words: Option<u64>,
    /// Show a new word only once its poll's owner has approved it
    #[arg(long, requires = "max_words", conflicts_with_all = ["option", "statement", "max"])]
    approve: bool,
}

impl NewPoll {
    /// Writes the kind and whatever else is given into the poll's body.
    pub fn write(&self, body: &mut Value) {
        let Some(most) = self.max_words else { return };
        (body["kind"], body["maxWords"]) = ("words".into(), most.into());
        if self.approve {
            body["approve"] = true.into();
        }
    }
}

/// Returns a row for each of the first words, at most this many, with the people as a bar and their share as a note.
pub fn rows(words: &WordsView, people: u64, most: usize) -> Vec<BarRow<'_>> {
    let Some(shown) = &words.words else {
        let [number, note] = ["–", ""].map(str::to_owned);
        return vec![BarRow { text: "words".into(), bar: None, number, note }];
    };
    let greatest = shown.iter().map(|word| word.votes).max().unwrap_or(0);
    let rows = shown.iter().take(most).map(|WordView { text, votes }| BarRow {
        text: text.into(),
        bar: Some(bar(*votes, greatest)),
        number: grouped(*votes),
        note: percent(*votes, people),
    });
    rows.collect()
}

/// Returns what the first words, this many, do not tell: how many more there are, and the votes for others.
pub fn summary(words: &WordsView, shown: usize) -> Option<String> {
    let rest = words.words.iter().flatten().skip(shown).count() as u64;
    let more = Some(rest + words.more_words.unwrap_or(0)).filter(|more| *more > 0);
    let votes = |votes: Option<u64>| votes.filter(|votes| *votes > 0);
    let parts = [
        more.map(|more| format!("and {} more", grouped(more))),
        votes(words.other_votes).map(|votes| format!("other words: {}", quantity(votes, "vote"))),
        votes(words.unshown_votes).map(|votes| format!("not shown: {}", quantity(votes, "vote"))),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" · "))
}

/// Returns the lines in which a recount tells people which words were counted, the most frequent ones first.
pub fn recounted(words: &Words, cloud: &Cloud, key: Option<&TextKey>) -> Vec<String> {
    let line = |name: &str, votes: u64, text: &str| {
        format!("    {name:<32}  {:>12}  {text}", quantity(votes, "vote"))
    };
    let said = cloud.words.iter().take(TOLD).map(|mention| {
        let Mention { name, text, votes, state, .. } = mention;
        let text = match text {
            Some(text) => plain(text.as_bytes()) + beside(*state),
            None => format!("({})", why_lost(words, *name, key)),
        };
        line(&name.to_string(), *votes, &text)
    });
    let rest = cloud.words.get(TOLD..).filter(|rest| !rest.is_empty()).map(|rest| {
        let votes = rest.iter().map(|word| word.votes).sum();
        line("", votes, &format!("(and {} more)", grouped(rest.len() as u64)))
    });
    let beyond = format!("(beyond the {} words that a partition keeps)", grouped(MAX_NAMES as u64));
    let other = (cloud.other > 0).then(|| line("", cloud.other, &beyond));
    said.chain(rest).chain(other).collect()
}

/// Returns what is said beside a word that not everybody is shown.
fn beside(state: State) -> &'static str {
    match state {
        State::Shown => "",
        State::Waiting => " (waits for approval)",
        State::Hidden => " (hidden)",
        State::Erased => " (erased)",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::{BTreeMap, BTreeSet};

    use pollux_core::kind::words::{MAX_WORD_BYTES, MAX_WORD_CHARS};
    use pollux_core::text;
    use rand::SeedableRng;

    use super::*;

    fn key() -> TextKey {
        TextKey::new([7; 64])
    }

    #[test]
    fn the_vocabulary_has_many_words_that_are_all_different() {
        let names: BTreeSet<_> = VOCABULARY.iter().map(|word| key().name(word)).collect();
        assert_eq!(names.len(), VOCABULARY.len());
        for word in VOCABULARY {
            assert_eq!(text::normalise(word), word, "it is kept as it stands here");
            assert!(text::count(word) <= MAX_WORD_CHARS && word.len() <= MAX_WORD_BYTES, "{word}");
        }
    }

    #[test]
    fn however_carelessly_it_is_written_a_word_is_the_same() {
        let mut dice = StdRng::seed_from_u64(7);
        for word in VOCABULARY {
            let written: BTreeSet<_> = (0..50).map(|_| carelessly(word, &mut dice)).collect();
            assert!(written.iter().all(|other| key().name(other) == key().name(word)), "{word}");
            assert!(written.len() > 1, "{word}");
        }
    }

    #[test]
    fn an_audience_has_favourites_and_is_careless_now_and_then() {
        let (mut dice, form) = (StdRng::seed_from_u64(7), Form { most: 3 });
        let answers = super::super::Answers::new(pollux_core::kind::Form::Words(form), 1.0);
        let (mut said, mut lengths) = (BTreeMap::<String, u64>::new(), BTreeSet::new());
        for _ in 0..2000 {
            let (_, words) = answers.draw(&mut dice);
            let words = words.as_array().unwrap().clone();
            lengths.insert(words.len());
            words
                .iter()
                .for_each(|word| *said.entry(word.as_str().unwrap().into()).or_default() += 1);
        }
        assert_eq!(lengths, BTreeSet::from([1, 2, 3]));
        let votes = |word: &str| said.get(word).copied().unwrap_or(0);
        assert!(votes("Testing") > votes("Rust") && votes("Rust") > votes("安全"), "{said:?}");
        assert!(VOCABULARY.iter().all(|word| votes(word) > 0), "any word may be said: {said:?}");
        assert!(votes("testing") > 0 && votes("  Rust ") > 0 && votes("Code   review") > 0);
    }

    #[test]
    fn words_that_cannot_be_read_say_why() {
        let word = |text| key().seal(text).unwrap();
        let [rust, slow] = [word("Rust"), word("Slow builds")];
        let strange = TextKey::new([8; 64]).seal("Go").unwrap();
        let said = Said::of([rust.clone(), slow.clone(), strange.clone()]);
        let mut words: Words =
            serde_json::from_value(json!({ "kind": "words", "maxWords": 3 })).unwrap();
        words.moderation.erased.insert(slow.name);
        let key = key().erase(slow.name);
        assert_eq!(
            say(&words, &said, Some(&key)),
            [
                "Rust".into(),
                format!("[{}: erased]", slow.name),
                format!("[{}: unreadable]", strange.name),
            ]
        );
        assert_eq!(say(&words, &said, None)[0], format!("[{}: erased]", rust.name));
    }

    #[test]
    fn a_recount_tells_words_by_name_and_what_became_of_them() {
        let word = |n: u64, text: Option<&str>, state| Mention {
            name: Name(u128::from(n).to_be_bytes()),
            text: text.map(Into::into),
            votes: 1000 / n,
            state,
            slot: n as usize,
        };
        let mut cloud = Cloud {
            words: vec![
                word(1, Some("Rust"), State::Shown),
                word(2, Some("rude\u{1b}"), State::Hidden),
                word(3, None, State::Erased),
                word(4, Some("Go"), State::Waiting),
            ],
            other: 1,
        };
        let words: Words =
            serde_json::from_value(json!({ "kind": "words", "maxWords": 3 })).unwrap();
        let told = |cloud: &Cloud| recounted(&words, cloud, None).join("\n");
        insta::assert_snapshot!(told(&cloud), @r"
        00000000000000000000000000000001   1,000 votes  Rust
        00000000000000000000000000000002     500 votes  rude\u{1b} (hidden)
        00000000000000000000000000000003     333 votes  (erased)
        00000000000000000000000000000004     250 votes  Go (waits for approval)
                                                1 vote  (beyond the 1,000 words that a partition keeps)
        ");
        cloud.words.extend((5..=30).map(|n| word(n, Some("more"), State::Shown)));
        assert!(told(&cloud).contains("  (and 10 more)"), "{}", told(&cloud));
        assert_eq!(told(&cloud).lines().count(), TOLD + 2);
    }
}
