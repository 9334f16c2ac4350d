//! What a text is: the examples that the screens share, and what holds for every text.

#![allow(clippy::unwrap_used, missing_docs)]

use pollux_core::kind::choice::MAX_OPTION_CHARS;
use pollux_core::kind::{Kind, KindDraft, Written, choice, number, points, ranking, rating};
use pollux_core::poll::{ChangeRefused, Draft, Poll};
use pollux_core::seal::fold;
use pollux_core::text::{Text, control, count, key, most_bytes, normalise};
use pollux_core::{event, id};
use proptest::prelude::*;
use proptest::sample::select;
use serde::Deserialize;
use unicode_normalization::{UnicodeNormalization, is_nfc};

const NOW: id::UnixMillis = id::UnixMillis(1_763_740_800_000);

/// An `Example` is a text of the file, with what becomes of it.
#[derive(Deserialize)]
struct Example {
    why: String,
    given: String,
    text: String,
    key: String,
    count: usize,
    /// What the text is counted by where people write it.
    fold: String,
}

#[test]
fn the_examples_are_kept_compared_and_counted_as_they_say() {
    let examples: Vec<Example> = serde_json::from_str(include_str!("texts.json")).unwrap();
    assert!(examples.len() > 40);
    for Example { why, given, text, key: wanted, count: characters, fold: folded } in examples {
        assert_eq!(normalise(&given), text, "{why}");
        assert_eq!(key(&given), wanted, "{why}");
        assert_eq!(count(&text), characters, "{why}");
        assert_eq!(fold(&given), folded, "{why}");
    }
}

#[test]
fn what_is_folded_stays_folded_whichever_character_it_is() {
    let ideographs = |c: &char| matches!(c, '\u{3400}'..='\u{D7FF}' | '\u{17000}'..='\u{1CFFF}');
    for c in (' '..='\u{1FFFF}').filter(|c| !ideographs(c)) {
        let folded = fold(&format!("a{c}\u{301}b"));
        assert_eq!(fold(&folded), folded, "U+{:04X}", u32::from(c));
    }
}

/// As many characters are not drawn as the screens find in their browser's Unicode (web/src/ui/text.test.ts).
#[test]
fn every_character_that_unicode_does_not_draw_makes_no_difference() {
    let unseen = |c: &char| key(&format!("a{c}b")) == "ab";
    // The planes between are ideographs, or empty; the screens' test visits them, too.
    let chars = ('\u{80}'..='\u{1FFFF}').chain('\u{E0000}'..='\u{E0FFF}');
    assert_eq!(chars.filter(unseen).count(), 4177);
}

/// Generates text of which much is a space, a mark, or not drawn at all.
fn texts() -> impl Strategy<Value = String> {
    let awkward = select(
        "a1#-eé\u{300}\u{301}\u{316}\u{212A}\u{2126} \t\n\u{A0}\u{2800}\u{3000}\u{200B}\u{AD}\u{200C}\u{200D}\u{34F}\u{180E}\
         \u{200E}\u{200F}\u{61C}\u{202E}\u{202C}\u{2067}\u{2069}\u{FE0F}\u{FE00}\u{E0100}\u{2764}\u{1F468}\u{1F3FD}\u{1F3F4}\
         \u{E0067}\u{E0062}\u{E007F}\u{1112}\u{1161}\u{11AB}\u{115F}\u{94D}\u{915}\u{958}\u{6CC}\u{5D0}\u{2011}\u{2010}\
         \u{FFF9}\u{D55C}\u{1D160}\u{FF21}"
            .chars()
            .collect::<Vec<_>>(),
    );
    let any = prop_oneof![4 => awkward, 1 => any::<char>()];
    prop::collection::vec(any, 0..40).prop_map(|chars| chars.into_iter().collect())
}

/// Generates a character that is not drawn and is no part of a flag.
fn unseen() -> impl Strategy<Value = char> {
    select("\u{200B}\u{AD}\u{34F}\u{200C}\u{200D}\u{200E}\u{202E}\u{2060}\u{FE0F}\u{FEFF}\u{3164}\u{E0001}\u{FFFA}".chars().collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_normal_text_stays_as_it_is(given in texts()) {
        let text = normalise(&given);
        prop_assert_eq!(normalise(&text), &*text);
        prop_assert!(is_nfc(&text));
        prop_assert!(!text.contains("  ") && text.trim() == text);
        prop_assert_eq!(count(&text) == 0, text.is_empty());
        // Normal form C at most triples the bytes of a character (UAX #15); nothing else makes a text longer.
        prop_assert!(text.len() <= 3 * given.len());
        let composed: String = given.nfc().collect();
        prop_assert!(text.chars().count() <= composed.chars().count());
    }

    #[test]
    fn the_key_is_what_is_seen(given in texts(), other in texts()) {
        let seen = key(&given).into_owned();
        prop_assert_eq!(key(&seen), &*seen);
        let (kept, decomposed) = (normalise(&given), given.nfd().collect::<String>());
        prop_assert_eq!(key(&kept), &*seen);
        prop_assert_eq!(key(&decomposed), &*seen);
        prop_assert_eq!(seen.is_empty(), kept.is_empty());
        prop_assert!(kept != normalise(&other) || key(&other) == seen);
    }

    /// Two texts that look the same fold to the same, and so do those that differ in case alone.
    #[test]
    fn a_folded_text_stays_as_it_is(given in texts(), plain in "[a-zA-Z0-9 ]{0,12}") {
        let folded = fold(&given);
        prop_assert_eq!(fold(&folded), &*folded);
        prop_assert_eq!(fold(&key(&given)), &*folded);
        prop_assert_eq!(fold(&given.nfd().collect::<String>()), &*folded);
        prop_assert_eq!(folded.is_empty(), key(&given).is_empty());
        prop_assert_eq!(fold(&plain.to_uppercase()), fold(&plain.to_lowercase()));
    }

    #[test]
    fn what_is_not_drawn_makes_no_difference(given in texts(), unseen in unseen(), at in any::<prop::sample::Index>()) {
        // What parts a flag from its tags makes another flag of it.
        let given = given.replace('\u{1F3F4}', "");
        let mut chars: Vec<char> = given.chars().collect();
        chars.insert(at.index(chars.len() + 1), unseen);
        let longer: String = chars.into_iter().collect();
        prop_assert_eq!(key(&longer), key(&given));
    }

    #[test]
    fn no_option_is_kept_that_is_too_long(given in texts(), times in 1..80_usize) {
        if let Ok(poll) = poll(&[&given.repeat(times), "the other"]) {
            let Kind::Choice(choice) = poll.kind else { unreachable!("a choice") };
            prop_assert!(choice.options[0].len() <= most_bytes(MAX_OPTION_CHARS));
            prop_assert!(count(&choice.options[0]) <= MAX_OPTION_CHARS);
            prop_assert_eq!(control(&choice.options[0]), None);
        }
    }
}

fn poll(options: &[&str]) -> Result<Poll, ChangeRefused> {
    let id = id::PollId::new(NOW, [1; 10]);
    Poll::draft(id, Draft::new("Which?", options.iter().copied()), [0; 32], NOW)
}

fn broken<T>(result: Result<T, ChangeRefused>) -> Vec<(String, String)> {
    let Err(ChangeRefused::Invalid(broken)) = result else { return Vec::new() };
    broken.into_iter().map(|one| (one.pointer, one.detail)).collect()
}

fn one(pointer: &str, detail: &str) -> Vec<(String, String)> {
    vec![(pointer.to_owned(), detail.to_owned())]
}

#[test]
fn options_that_look_the_same_are_refused() {
    let same = one("/options/1", "is the same as option 1");
    assert_eq!(broken(poll(&["Cr\u{e8}me", "Cre\u{300}me"])), same);
    assert_eq!(broken(poll(&["New York", "New\u{a0}York"])), same);
    assert_eq!(broken(poll(&["A", "A\u{200b}"])), same);
    let alike = "looks the same as option 1: change one of them, or leave it out";
    assert_eq!(broken(poll(&["\u{2764}", "\u{2764}\u{fe0f}"])), one("/options/1", alike));
    assert_eq!(broken(poll(&["e-mail", "e\u{2011}mail"])), one("/options/1", alike));
    for different in [["rust", "Rust"], ["2", "²"], ["A", "Ａ"], ["a", "а"], ["resume", "résumé"]]
    {
        assert_eq!(broken(poll(&different)), [], "{different:?}");
    }
}

#[test]
fn whatever_an_organiser_writes_must_have_something_to_see() {
    let detail = "must have something to see; all its characters are invisible";
    let id = id::PollId::new(NOW, [1; 10]);
    let asked = Poll::draft(id, Draft::new("\u{200b}", ["A", "B"]), [0; 32], NOW);
    assert_eq!(broken(asked), one("/question", detail));
    assert_eq!(broken(poll(&["A", "\u{3164}"])), one("/options/1", detail));
    let asked = |statement: &str, low: &str| {
        let kind = rating::Draft {
            statements: vec![statement.into()],
            low_label: low.into(),
            ..Default::default()
        };
        Poll::draft(id, Draft::new("Which?", KindDraft::Rating(kind)), [0; 32], NOW)
    };
    assert_eq!(broken(asked("\u{ad}", "")), one("/statements/0", detail));
    let Kind::Rating(rating) = asked("a\tb", "\u{200b}").unwrap().kind else { unreachable!() };
    assert_eq!((&*rating.statements[0], &*rating.low_label), ("a b", ""), "a label may be empty");
    let options = || vec!["A".to_owned(), "\u{3164}".to_owned()];
    for kind in [
        KindDraft::Ranking(ranking::Draft { options: options(), places: None }),
        KindDraft::Points(points::Draft { options: options(), budget: None }),
    ] {
        let asked = Poll::draft(id, Draft::new("Which?", kind), [0; 32], NOW);
        assert_eq!(broken(asked), one("/options/1", detail));
    }
    let unit = |unit: &str| {
        let kind = number::Draft { unit: unit.into(), ..Default::default() };
        Poll::draft(id, Draft::new("Which?", KindDraft::Number(kind)), [0; 32], NOW)
    };
    let Kind::Number(number) = unit(" \u{200b}").unwrap().kind else { unreachable!() };
    assert_eq!(number.unit, "", "a unit may be empty");
    let control = "must not contain control characters; it has U+0007";
    assert_eq!(broken(unit("k\u{7}g")), one("/unit", control));
    let titled = |title: &str| {
        let draft = event::EventDraft { title: Some(title.into()), ..Default::default() };
        event::Event::new(id::EventId::new(NOW, [1; 10]), draft, [0; 32], NOW)
    };
    assert_eq!(broken(titled("\u{2060} ")), one("/title", detail));
    assert_eq!(titled("\u{202e}All  hands").unwrap().title, "All hands");
}

#[test]
fn characters_are_counted_as_people_count_them_and_bytes_are_bounded() {
    let family = "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}\u{200D}\u{1F466}";
    let kept = poll(&[&family.repeat(30), "B"]).unwrap();
    let Kind::Choice(kept) = kept.kind else { unreachable!() };
    assert_eq!((&kept.options[0], count(&kept.options[0])), (&family.repeat(30), 30));
    let long = "must be at most 200 characters; it has 201";
    assert_eq!(broken(poll(&[&"e\u{301}".repeat(201), "B"])), one("/options/0", long));
    assert_eq!(broken(poll(&[&"e\u{301}".repeat(200), "B"])), []);
    let stacked = format!("Z{}", "\u{335}".repeat(1000));
    let heavy = "must be at most 1600 bytes; it has 2001: use fewer characters with many marks";
    assert_eq!(broken(poll(&[&stacked, "B"])), one("/options/0", heavy));
    let sent = "must be sent in at most 1600 code points; it has 1601";
    assert_eq!(broken(poll(&[&format!("A{}", " ".repeat(1600)), "B"])), one("/options/0", sent));
}

fn voted(poll: &Poll, text: &str) -> Result<Vec<String>, String> {
    let choice = choice::Written { option: Some(Text(text.into())), ..Default::default() };
    let written = Written { choice, answer: None };
    let answer = poll.kind.read(&written, None).map_err(|broken| broken.detail)?;
    Ok(poll.kind.say(&answer, None))
}

#[test]
fn a_vote_counts_in_whatever_form_the_option_is_sent() {
    let poll = poll(&["Crème", "New York", "\u{2764}\u{fe0f}"]).unwrap();
    for text in ["Cr\u{e8}me", "Cre\u{300}me", " Cr\u{e8}me\u{200b}"] {
        assert_eq!(voted(&poll, text), Ok(vec!["Crème".into()]), "{text:?}");
    }
    assert_eq!(voted(&poll, "New\u{a0}York"), Ok(vec!["New York".into()]));
    assert_eq!(voted(&poll, "\u{2764}"), Ok(vec!["\u{2764}\u{fe0f}".into()]));
    assert_eq!(voted(&poll, "new york"), Err("\"new york\" is not an option of this poll".into()));
}

/// Polls on old logs and in old stores may have options as they were once allowed to be.
#[test]
fn options_that_were_kept_before_are_still_known_by_their_exact_texts() {
    let mut poll = poll(&["A", "B", "C"]).unwrap();
    let old = ["Cr\u{e8}me", "Cre\u{300}me", "New\u{a0}York"].map(String::from);
    poll.kind = Kind::Choice(choice::Choice {
        options: old.to_vec(),
        kind: Default::default(),
        max_choices: 1,
    });
    for text in &old {
        assert_eq!(voted(&poll, text), Ok(vec![text.clone()]));
    }
    assert_eq!(voted(&poll, "New York"), Ok(vec![old[2].clone()]));
    let either = "looks like options 1 and 2: send the optionId";
    assert_eq!(voted(&poll, "Cr\u{e8}me\u{200b}"), Err(either.into()));
}
