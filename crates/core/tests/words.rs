//! A poll of words: which answers it takes, how many names it keeps apart, and what its organiser decides.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeSet;

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine};
use pollux_core::announcement::Announcement;
use pollux_core::ballot::{Ballot, NamedBy};
use pollux_core::gate::Gate;
use pollux_core::id::{BallotId, PollId, UnixMillis, VoterId};
use pollux_core::kind::words::{
    Draft, MAX_DECISIONS, MAX_ERASED, MAX_NAMES, MAX_SEALED_BYTES, MAX_WORD_BYTES, Said, State,
    Verdict, Words,
};
use pollux_core::kind::{Answer, Kind, KindDraft, Written};
use pollux_core::poll::{self, ChangeRefused, Poll};
use pollux_core::record::{Entry, MAX_VALUE_BYTES};
use pollux_core::seal::{Name, Sealed, TextKey, Word};
use pollux_core::tally::{Decision, Tally, VoterState, control, count};

const NOW: UnixMillis = UnixMillis(1_763_740_800_000);

fn asked(max_words: Option<u64>) -> Result<Poll, ChangeRefused> {
    let kind = KindDraft::Words(Draft { max_words, approve: false });
    let draft = poll::Draft::new("In a word?", kind);
    Poll::draft(PollId::new(NOW, [1; 10]), draft, [0; 32], NOW)
}

/// Returns an open poll in which a ballot may have so many words.
fn poll(max_words: u64) -> Poll {
    let mut poll = asked(Some(max_words)).unwrap();
    poll.give_text_key(|| [7; 64]);
    poll.open(NOW).unwrap();
    poll
}

fn words(poll: &Poll) -> &Words {
    let Kind::Words(words) = &poll.kind else { unreachable!("words") };
    words
}

fn key(poll: &Poll) -> &TextKey {
    poll.text_key.as_ref().unwrap()
}

fn broken<T: std::fmt::Debug>(result: Result<T, ChangeRefused>) -> (String, String) {
    let Err(ChangeRefused::Invalid(broken)) = result else { panic!("{result:?}") };
    let [one] = &broken[..] else { panic!("{broken:?}") };
    (one.pointer.clone(), one.detail.clone())
}

#[test]
fn a_ballot_has_one_to_ten_words_and_three_by_default() {
    assert_eq!(words(&asked(None).unwrap()).max_words, 3);
    assert_eq!(words(&asked(Some(10)).unwrap()).max_words, 10);
    for wrong in [0, 11, 259] {
        let detail = format!("must be from 1 to 10; it is {wrong}");
        assert_eq!(broken(asked(Some(wrong))), ("/maxWords".into(), detail));
    }
}

/// Reads an answer in JSON. Returns its words as they are kept, or what is wrong with it.
fn said(poll: &Poll, json: &str) -> Result<Vec<String>, (String, String)> {
    let written = Written { answer: Some(json), ..Written::default() };
    let read = poll.kind.read(&written, poll.text_key.as_ref());
    let answer = read.map_err(|wrong| (wrong.pointer, wrong.detail))?;
    assert!(poll.kind.form().allows(&answer), "what is read is allowed");
    Ok(poll.kind.say(&answer, poll.text_key.as_ref()))
}

#[test]
fn an_answer_is_a_list_of_words() {
    let poll = poll(3);
    let kept = |words: &[&str]| Ok(words.iter().map(|word| word.to_string()).collect());
    assert_eq!(said(&poll, r#"["Rust"]"#), kept(&["Rust"]));
    assert_eq!(said(&poll, r#"[" fast   builds ","Größe"]"#), kept(&["fast builds", "Größe"]));
    assert_eq!(said(&poll, r#"["Rust","RUST","ｒｕｓｔ"]"#), kept(&["Rust"]), "counts once");
    let longest = "\u{20000}".repeat(40);
    assert_eq!(said(&poll, &format!(r#"["{longest}"]"#)), kept(&[&longest]));
    let wrong = |pointer: &str, detail: &str| Err((pointer.to_owned(), detail.to_owned()));
    let list = "must be a list of 1 to 3 words or short phrases";
    for other in [r#""Rust""#, "[1]", "{}", "null", r#"["a",null]"#] {
        assert_eq!(said(&poll, other), wrong("/answer", list), "{other}");
    }
    assert_eq!(said(&poll, "[]"), wrong("/answer", &format!("{list}; it has 0")));
    let four = r#"["a","a","a","a"]"#;
    assert_eq!(said(&poll, four), wrong("/answer", &format!("{list}; it has 4")));
    let one = "must be a list with one word or short phrase; it has 2";
    assert_eq!(said(&self::poll(1), r#"["a","b"]"#), wrong("/answer", one));
    let unseen = "must have something to see; all its characters are invisible";
    for (word, detail) in [
        ("", "must not be empty"),
        (" \\t", "must not be empty"),
        ("\u{200b}", unseen),
        ("\\u0007", "must not contain control characters; it has U+0007"),
        (&"x".repeat(41), "must be at most 40 characters; it has 41"),
    ] {
        assert_eq!(said(&poll, &format!(r#"["a","{word}"]"#)), wrong("/answer/1", detail));
    }
    let heaviest = "e\u{20dd}".repeat(40);
    assert_eq!(said(&poll, &format!(r#"["{heaviest}"]"#)), kept(&[&heaviest]));
    let heavy = "must be at most 160 bytes; it has 163: use fewer characters with many marks";
    let marked = format!("[\"{heaviest}\u{20dd}\"]");
    assert_eq!(said(&poll, &marked), wrong("/answer/0", heavy));
}

#[test]
fn no_word_is_taken_without_the_key_or_after_it_was_erased() {
    let mut poll = poll(3);
    let rust = key(&poll).name("Rust");
    poll.moderate(&Verdict { erase: vec![rust], ..Verdict::default() }).unwrap();
    let erased = ("/answer/1".to_owned(), "was erased here, and cannot be said again".to_owned());
    assert_eq!(said(&poll, r#"["Go","rust"]"#), Err(erased));
    assert_eq!(said(&poll, r#"["Go","rusty"]"#), Ok(vec!["Go".into(), "rusty".into()]));
    poll.text_key = None;
    assert_eq!(said(&poll, r#"["Go"]"#).unwrap_err().0, "/answer");
}

#[test]
fn what_cannot_be_opened_is_said_by_its_name() {
    let (poll, other) = (poll(3), TextKey::new([8; 64]));
    let word = other.seal("Rust").unwrap();
    let name = format!("[{}]", word.name);
    let answer = Answer::Words(Said::of([word, key(&poll).seal("Go").unwrap()]));
    assert_eq!(poll.kind.say(&answer, poll.text_key.as_ref()), [&*name, "Go"]);
    assert_eq!(poll.kind.say(&answer, None).len(), 2);
}

/// Returns a word of this number, without a text that anybody could open.
fn word(n: usize) -> Word {
    Word { name: Name((n as u128).to_be_bytes()), sealed: Sealed([0; 48].into()) }
}

fn numbered(numbers: impl IntoIterator<Item = usize>) -> Answer {
    Answer::Words(Said::of(numbers.into_iter().map(word)))
}

#[test]
fn a_ballot_may_hold_each_word_once_and_as_many_as_the_poll_says() {
    let form = poll(3).kind.form();
    for allowed in [vec![0], vec![2, 1], vec![1, 2, 3]] {
        assert!(form.allows(&numbered(allowed.clone())), "{allowed:?}");
    }
    for refused in [vec![], vec![1, 2, 3, 4], vec![1, 1], vec![1, 2, 1]] {
        assert!(!form.allows(&numbered(refused.clone())), "{refused:?}");
    }
    let sealed = |bytes: usize| {
        let sealed = Sealed(vec![0; bytes].into());
        form.allows(&Answer::Words(Said::of([word(1), Word { sealed, ..word(2) }])))
    };
    assert_eq!(MAX_SEALED_BYTES, 176);
    assert!(sealed(MAX_SEALED_BYTES) && !sealed(MAX_SEALED_BYTES + 1));
}

fn ballot(poll: &Poll, id: u64, answer: Answer) -> Ballot {
    Ballot {
        poll: poll.id,
        voter: VoterId([9; 16]),
        id: BallotId::new(UnixMillis(id), [255; 10]),
        named_by: NamedBy::Client,
        answer,
        round: poll.round,
        phase: poll.phase,
        at: NOW,
    }
}

#[test]
fn the_longest_ballot_fits_into_a_record() {
    let poll = poll(10);
    let texts: Vec<_> =
        (0..10).map(|n| char::from_u32(0x2_0000 + n).unwrap().to_string().repeat(40)).collect();
    assert!(texts.iter().all(|text| text.len() == MAX_WORD_BYTES));
    let json = serde_json::to_string(&texts).unwrap();
    let written = Written { answer: Some(&json), ..Written::default() };
    let answer = poll.kind.read(&written, poll.text_key.as_ref()).unwrap();
    let longest = Ballot {
        round: u32::MAX,
        phase: u32::MAX,
        at: UnixMillis(u64::MAX >> 16),
        named_by: NamedBy::Server,
        ..ballot(&poll, u64::MAX >> 16, answer)
    };
    let bytes = Entry::Ballot(longest.clone()).encode();
    assert!(bytes.len() <= MAX_VALUE_BYTES, "{} bytes", bytes.len());
    assert!(bytes.len() > 3000, "or this is not the longest: {} bytes", bytes.len());
    assert_eq!(Entry::decode(&bytes), Ok(Entry::Ballot(longest)));
}

/// Counts this answer as the voter's next one.
fn say(poll: &Poll, tally: &mut Tally, voter: &mut VoterState, numbers: &[usize]) {
    let ballot = ballot(poll, tally.changes, numbered(numbers.iter().copied()));
    let decision = count(&poll.rules(), tally, voter, &ballot, None);
    assert!(matches!(decision, Decision::Counted { .. }), "{decision:?}");
}

#[test]
fn a_partition_keeps_a_thousand_names_apart_and_counts_the_rest_together() {
    let mut poll = poll(10);
    let mut tally = Tally::new();
    for first in (0..MAX_NAMES).step_by(10) {
        let ten: Vec<_> = (first..first + 10).collect();
        say(&poll, &mut tally, &mut VoterState::default(), &ten);
    }
    assert_eq!((tally.names.len(), tally.counts[0]), (1000, 0));
    assert_eq!(tally.counts[1..], [1; 1000]);
    // Beyond the bound are words 1000 and 1001; the others have slots.
    let [mut one, mut two] = [VoterState::default(), VoterState::default()];
    say(&poll, &mut tally, &mut one, &[0, 1000, 999]);
    say(&poll, &mut tally, &mut two, &[1001, 1000]);
    let shown = |tally: &Tally| [tally.counts[0], tally.counts[1], tally.counts[1000]];
    assert_eq!((tally.names.len(), shown(&tally)), (1000, [3, 2, 2]));
    // Whoever thinks again takes away exactly what they added.
    say(&poll, &mut tally, &mut one, &[1000, 1]);
    assert_eq!((shown(&tally), tally.counts[2]), ([3, 1, 1], 2));
    say(&poll, &mut tally, &mut two, &[5]);
    say(&poll, &mut tally, &mut one, &[6]);
    assert_eq!((tally.counts[0], tally.counts[2], tally.voters), (0, 1, 102));
    assert_eq!(tally.counts.iter().sum::<u64>(), 1002);
    // A new round has room again, and begins with whatever is said there first.
    poll.reset(NOW).unwrap();
    control(&poll.rules(), &mut tally, poll.phase, poll.round, Gate::Open);
    assert_eq!((tally.names.len(), &tally.counts[..]), (0, &[0][..]));
    say(&poll, &mut tally, &mut one, &[1001, 7]);
    let names: Vec<_> = tally.names.words().iter().map(|word| word.name).collect();
    assert_eq!(names, [word(1001).name, word(7).name]);
    assert_eq!((&tally.counts[..], tally.voters), (&[0, 1, 1][..], 1));
    // Closing and reopening keeps what was counted.
    poll.close(NOW).unwrap();
    control(&poll.rules(), &mut tally, poll.phase, poll.round, Gate::Closed);
    poll.reopen(NOW).unwrap();
    control(&poll.rules(), &mut tally, poll.phase, poll.round, Gate::Open);
    say(&poll, &mut tally, &mut one, &[7]);
    assert_eq!((tally.names.len(), &tally.counts[..]), (2, &[0, 0, 1][..]));
}

/// Returns a name of this number.
fn name(n: usize) -> Name {
    word(n).name
}

fn states<const N: usize>(poll: &Poll, names: [usize; N]) -> [State; N] {
    names.map(|n| words(poll).moderation.state(name(n)))
}

#[test]
fn an_organiser_shows_hides_and_erases_words() {
    use State::{Erased, Hidden, Shown, Waiting};
    let mut poll = poll(3);
    let mut take = |verdict: Verdict| {
        let before = poll.revision;
        let changed = poll.moderate(&verdict).unwrap();
        assert_eq!(poll.revision, before + u64::from(changed));
        (changed, states(&poll, [1, 2, 3, 4]))
    };
    let named = |list: &[usize]| list.iter().map(|n| name(*n)).collect::<Vec<_>>();
    let mut decide = |approve, [show, hide, erase]: [&[usize]; 3]| {
        let [show, hide, erase] = [show, hide, erase].map(named);
        take(Verdict { approve, show, hide, erase, ..Verdict::default() })
    };
    assert_eq!(decide(None, [&[], &[], &[]]), (false, [Shown; 4]));
    assert_eq!(decide(None, [&[], &[2], &[3]]), (true, [Shown, Hidden, Erased, Shown]));
    assert_eq!(decide(None, [&[], &[2], &[3]]), (false, [Shown, Hidden, Erased, Shown]));
    assert_eq!(decide(Some(true), [&[4], &[], &[]]), (true, [Waiting, Hidden, Erased, Shown]));
    assert_eq!(decide(None, [&[2], &[4], &[]]), (true, [Waiting, Shown, Erased, Hidden]));
    assert_eq!(decide(None, [&[3], &[3], &[]]), (false, [Waiting, Shown, Erased, Hidden]));
    assert_eq!(decide(Some(false), [&[], &[], &[]]), (true, [Shown, Shown, Erased, Hidden]));
    assert_eq!(decide(None, [&[], &[], &[2]]), (true, [Shown, Erased, Erased, Hidden]));
    // Without a decision a word is as when it came, but what was erased stays so.
    let mut clear =
        |approve| take(Verdict { approve, clear: named(&[2, 3, 4]), ..Verdict::default() });
    assert_eq!(clear(None), (true, [Shown, Erased, Erased, Shown]));
    assert_eq!(clear(None), (false, [Shown, Erased, Erased, Shown]));
    assert_eq!(clear(Some(true)), (true, [Waiting, Erased, Erased, Waiting]));
}

#[test]
fn a_verdict_is_taken_as_a_whole_or_not_at_all() {
    let mut poll = poll(3);
    let hide = |numbers: std::ops::Range<usize>| Verdict {
        hide: numbers.map(name).collect(),
        ..Verdict::default()
    };
    assert_eq!(poll.moderate(&hide(0..MAX_DECISIONS)), Ok(true));
    let before = poll.clone();
    let (pointer, detail) = broken(poll.moderate(&hide(MAX_DECISIONS - 5..MAX_DECISIONS + 1)));
    assert!(pointer.is_empty() && detail.contains("2000"), "{detail}");
    let erase = |numbers: std::ops::Range<usize>| Verdict {
        approve: Some(true),
        show: vec![name(0)],
        erase: numbers.map(name).collect(),
        ..Verdict::default()
    };
    let (pointer, detail) = broken(poll.moderate(&erase(1..MAX_ERASED + 2)));
    assert!(pointer == "/erase" && detail.contains("200"), "{detail}");
    assert_eq!(poll, before, "nothing of it was taken");
    assert_eq!(poll.moderate(&erase(1..MAX_ERASED + 1)), Ok(true));
    assert_eq!(
        states(&poll, [0, 1, MAX_ERASED, MAX_ERASED + 1]),
        [State::Shown, State::Erased, State::Erased, State::Hidden]
    );
    assert_eq!(poll.moderate(&hide(0..MAX_DECISIONS)), Ok(true), "the erased take up no room");
}

#[test]
fn polls_of_other_kinds_and_deleted_polls_take_no_verdict() {
    let draft = poll::Draft::new("Which?", ["A", "B"]);
    let mut choice = Poll::draft(PollId::new(NOW, [1; 10]), draft, [0; 32], NOW).unwrap();
    let detail = "a poll of the kind single has no words".to_owned();
    assert_eq!(broken(choice.moderate(&Verdict::default())), (String::new(), detail));
    let mut poll = poll(3);
    poll.close(NOW).unwrap();
    let hide = Verdict { hide: vec![name(1)], ..Verdict::default() };
    assert_eq!(poll.moderate(&hide), Ok(true), "a closed one does");
    poll.delete(NOW).unwrap();
    assert!(matches!(poll.moderate(&hide), Err(ChangeRefused::Status(_))));
}

#[test]
fn a_poll_has_one_key_for_its_whole_life() {
    let draft = |kind: KindDraft| poll::Draft::new("In a word?", kind);
    let asks_words = || draft(KindDraft::Words(Draft::default()));
    let mut poll = asked(None).unwrap();
    assert_eq!(poll.text_key, None);
    poll.give_text_key(|| [1; 64]);
    let first = poll.text_key.clone();
    assert_eq!(first, Some(TextKey::new([1; 64])));
    poll.give_text_key(|| unreachable!("it has a key"));
    poll.edit(draft(["A", "B"].into()), NOW).unwrap();
    poll.give_text_key(|| unreachable!("a choice holds no texts"));
    poll.edit(asks_words(), NOW).unwrap();
    poll.give_text_key(|| unreachable!("it still has its key"));
    poll.open(NOW).unwrap();
    poll.close(NOW).unwrap();
    poll.reset(NOW).unwrap();
    poll.reopen(NOW).unwrap();
    assert_eq!(poll.text_key, first);
    poll.delete(NOW).unwrap();
    assert_eq!(poll.text_key, None, "deleting destroys it");
}

/// Returns whether a part of the key is in these bytes: as it is, as hexadecimal digits, as a list in JSON or in base64.
fn has_key(bytes: &[u8], key: &TextKey) -> bool {
    let key = key.to_bytes();
    let hex = |part: &[u8]| part.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    key.windows(16).any(|part| {
        let list = serde_json::to_string(part).unwrap();
        let forms = [
            part.to_vec(),
            hex(part).into(),
            hex(part).to_uppercase().into(),
            list.trim_matches(['[', ']']).into(),
            BASE64_STANDARD.encode(&part[..15]).into(),
            BASE64_URL_SAFE_NO_PAD.encode(&part[..15]).into(),
        ];
        forms.iter().any(|form| bytes.windows(form.len()).any(|window| window == form))
    })
}

#[test]
fn the_key_is_in_no_json_and_in_no_announcement() {
    let mut poll = asked(None).unwrap();
    poll.give_text_key(|| std::array::from_fn(|n| (n as u8).wrapping_mul(77).wrapping_add(13)));
    poll.open(NOW).unwrap();
    let whole = key(&poll).clone();
    poll.moderate(&Verdict { erase: vec![whole.name("Rust")], ..Verdict::default() }).unwrap();
    let json = serde_json::to_vec(&poll).unwrap();
    let announced = Announcement::Poll(poll.clone().into()).encode();
    for secret in [&whole, key(&poll)] {
        assert!(has_key(&secret.to_bytes(), secret), "or nothing would be found");
        for bytes in [&json, &announced, &format!("{poll:?}").into()] {
            assert!(!has_key(bytes, secret));
        }
    }
    assert!(json.windows(6).any(|window| window == b"erased"), "the decisions are in it");
    assert_eq!(serde_json::from_slice::<Poll>(&json).unwrap().text_key, None);
    let Ok(Announcement::Poll(read)) = Announcement::decode(&announced) else { panic!() };
    assert_eq!(Poll { text_key: poll.text_key.clone(), ..Poll::clone(&read) }, poll);
    let names: BTreeSet<_> = words(&read).moderation.erased.clone();
    assert_eq!(names, BTreeSet::from([whole.name("Rust")]));
}
