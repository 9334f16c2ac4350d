//! The bytes of records and announcements are held still here: a change of these tests is a change of the
//! topics' format.

#![allow(clippy::unwrap_used, missing_docs)]

use pollux_core::announcement::Announcement;
use pollux_core::ballot::{Ballot, NamedBy};
use pollux_core::digest::Digest;
use pollux_core::event::{Event, EventDraft};
use pollux_core::gate::Gate;
use pollux_core::id::{Generation, UnixMillis};
use pollux_core::kind::Answer;
use pollux_core::kind::number::Decimal;
use pollux_core::kind::points::Split;
use pollux_core::kind::ranking::Order;
use pollux_core::kind::rating::Steps;
use pollux_core::kind::words::{Names, Said};
use pollux_core::poll::{Draft, Poll, Turnout};
use pollux_core::record::{Control, Entry, Genesis, Reason, RecordError, ballot_key};
use pollux_core::seal::TextKey;
use pollux_core::standing::TallyAt;
use pollux_core::tally::Tally;
use proptest::prelude::*;

const BALLOT: &str = r#"{"v":1,"type":"ballot","pollId":"01890a5d-ac96-774b-bcce-b302099a8057","voter":"000102030405060708090a0b0c0d0e0f","ballotId":"01890a5d-ac97-7000-8000-000000000001","optionIds":[2,100],"phase":3,"round":1,"at":1763740800000}"#;
const BY_SERVER: &str = r#"{"v":2,"type":"ballot","pollId":"01890a5d-ac96-774b-bcce-b302099a8057","voter":"000102030405060708090a0b0c0d0e0f","ballotId":"01890a5d-ac97-7000-8000-000000000001","optionIds":[2,100],"phase":3,"round":1,"at":1763740800000,"namedBy":"server"}"#;
const RATED: &str = r#"{"v":2,"type":"ballot","pollId":"01890a5d-ac96-774b-bcce-b302099a8057","voter":"000102030405060708090a0b0c0d0e0f","ballotId":"01890a5d-ac97-7000-8000-000000000001","phase":3,"round":1,"at":1763740800000,"answer":{"rating":[4,null,0]},"namedBy":"client"}"#;
const RANKED: &str = r#"{"v":2,"type":"ballot","pollId":"01890a5d-ac96-774b-bcce-b302099a8057","voter":"000102030405060708090a0b0c0d0e0f","ballotId":"01890a5d-ac97-7000-8000-000000000001","phase":3,"round":1,"at":1763740800000,"answer":{"ranking":[3,1]},"namedBy":"client"}"#;
const POINTS: &str = r#"{"v":2,"type":"ballot","pollId":"01890a5d-ac96-774b-bcce-b302099a8057","voter":"000102030405060708090a0b0c0d0e0f","ballotId":"01890a5d-ac97-7000-8000-000000000001","phase":3,"round":1,"at":1763740800000,"answer":{"points":[40,0,60]},"namedBy":"client"}"#;
const NUMBER: &str = r#"{"v":2,"type":"ballot","pollId":"01890a5d-ac96-774b-bcce-b302099a8057","voter":"000102030405060708090a0b0c0d0e0f","ballotId":"01890a5d-ac97-7000-8000-000000000001","phase":3,"round":1,"at":1763740800000,"answer":{"number":42.5},"namedBy":"client"}"#;
const WHOLE: &str = r#"{"v":2,"type":"ballot","pollId":"01890a5d-ac96-774b-bcce-b302099a8057","voter":"000102030405060708090a0b0c0d0e0f","ballotId":"01890a5d-ac97-7000-8000-000000000001","phase":3,"round":1,"at":1763740800000,"answer":{"number":-7},"namedBy":"client"}"#;
const SAID: &str = r#"{"v":2,"type":"ballot","pollId":"01890a5d-ac96-774b-bcce-b302099a8057","voter":"000102030405060708090a0b0c0d0e0f","ballotId":"01890a5d-ac97-7000-8000-000000000001","phase":3,"round":1,"at":1763740800000,"answer":{"words":[{"name":"4896a98d7672a3876ccb3e5a3c1e0138","sealed":"Ky3jsKyTMysyhok_uc-wNIxgwyTIMNd1_-hzTjUb98WfANZVZVb-YXbGW_l6z-Jo"},{"name":"6e2b82ec7bc0dd1d8e0df475f2143508","sealed":"RlkI9ApnjgIIDktITefJfLQfeyH61WE6GC5Paarg8zUzuqTCiK_k1vyq_TfSHVWL"}]},"namedBy":"client"}"#;
const OPENED: &str = r#"{"v":1,"type":"opened","pollId":"01890a5d-ac96-774b-bcce-b302099a8057","phase":1,"round":1,"open":true,"at":1763740800000}"#;
const CLOSED: &str = r#"{"v":1,"type":"closed","pollId":"01890a5d-ac96-774b-bcce-b302099a8057","phase":2,"round":1,"open":false,"at":1763740800001}"#;
const RESET: &str = r#"{"v":1,"type":"reset","pollId":"01890a5d-ac96-774b-bcce-b302099a8057","phase":4,"round":2,"open":true,"at":1763740800002}"#;
const DELETED: &str = r#"{"v":1,"type":"deleted","pollId":"01890a5d-ac96-774b-bcce-b302099a8057","phase":5,"round":2,"open":false,"at":1763740800003}"#;
const GENESIS: &str = r#"{"v":1,"type":"genesis","generation":"01890a5d-ac00-7000-8000-000000000000","partition":3,"partitions":12}"#;

/// The expected values come from Python's `hashlib`; stores keep such digests, so they must never change.
#[test]
fn digests_stay_what_they_are() {
    let records: [(u64, &[u8], &[u8], &str); 3] = [
        (
            0,
            b"genesis",
            b"{\"v\":1}",
            "b216aca1587da7165699756d6e1348dd8a111c91a99128644dba163a00dace6d",
        ),
        (1, b"", b"", "d80137e39d4101e3d9149df5d3a80164f2c652958b844d7550f534aa509ba07b"),
        (7, b"k", b"\xff\0v", "044a3cca016981bbb78da23a7741cac6a56dac0390ddf03af5f4135d4f190a11"),
    ];
    let mut digest = Digest::new(0);
    for (offset, key, value, hash) in records {
        digest.take(offset, key, value);
        let hex: String = digest.hash.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((digest.from, digest.to, &*hex), (0, offset + 1, hash));
    }
}

fn entries() -> Vec<(&'static str, Entry)> {
    let poll = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
    let control = |phase, round, gate, reason, at| {
        Entry::Control(Control { poll, phase, round, gate, reason, at: UnixMillis(at) })
    };
    let ballot = |named_by, answer| {
        Entry::Ballot(Ballot {
            poll,
            voter: "000102030405060708090a0b0c0d0e0f".parse().unwrap(),
            id: "01890a5d-ac97-7000-8000-000000000001".parse().unwrap(),
            named_by,
            answer,
            round: 1,
            phase: 3,
            at: UnixMillis(1_763_740_800_000),
        })
    };
    let key = TextKey::new(std::array::from_fn(|n| n as u8));
    let said = ["Rust", "fast builds"].map(|text| key.seal(text).unwrap());
    vec![
        (BALLOT, ballot(NamedBy::Client, Answer::options([100, 2]).unwrap())),
        (BY_SERVER, ballot(NamedBy::Server, Answer::options([100, 2]).unwrap())),
        (RATED, ballot(NamedBy::Client, Answer::Rating(Steps::of([Some(4), None, Some(0)])))),
        (RANKED, ballot(NamedBy::Client, Answer::Ranking(Order::of([3, 1])))),
        (POINTS, ballot(NamedBy::Client, Answer::Points(Split::of([40, 0, 60])))),
        (NUMBER, ballot(NamedBy::Client, Answer::Number(Decimal::of_millionths(42_500_000)))),
        (WHOLE, ballot(NamedBy::Client, Answer::Number(Decimal::whole(-7)))),
        (SAID, ballot(NamedBy::Client, Answer::Words(Said::of(said)))),
        (OPENED, control(1, 1, Gate::Open, Reason::Opened, 1_763_740_800_000)),
        (CLOSED, control(2, 1, Gate::Closed, Reason::Closed, 1_763_740_800_001)),
        (RESET, control(4, 2, Gate::Open, Reason::Reset, 1_763_740_800_002)),
        (DELETED, control(5, 2, Gate::Deleted, Reason::Deleted, 1_763_740_800_003)),
        (
            GENESIS,
            Entry::Genesis(Genesis {
                generation: Generation("01890a5d-ac00-7000-8000-000000000000".parse().unwrap()),
                partition: 3,
                partitions: 12,
            }),
        ),
    ]
}

#[test]
fn the_bytes_of_records_stay_what_they_are() {
    for (bytes, entry) in entries() {
        assert_eq!(String::from_utf8(entry.encode()).unwrap(), bytes);
        assert_eq!(Entry::decode(bytes.as_bytes()), Ok(entry));
    }
}

#[test]
fn keys_and_partitions_stay_what_they_are() {
    let Entry::Ballot(ballot) = entries()[0].1.clone() else { unreachable!() };
    let key = ballot_key(ballot.poll, ballot.voter);
    assert_eq!(key, "01890a5d-ac96-774b-bcce-b302099a8057/000102030405060708090a0b0c0d0e0f");
    assert_eq!(pollux_core::record::ballot_partition(ballot.poll, ballot.voter, 12), 9);
    assert_eq!(pollux_core::record::ballot_partition(ballot.poll, ballot.voter, 1), 0);
}

const TALLY: &str = r#"{"v":1,"type":"tally","pollId":"01890a5d-ac96-774b-bcce-b302099a8057","partition":3,"generation":"01890a5d-ac00-7000-8000-000000000000","nextOffset":1042,"phase":2,"round":1,"gate":"closed","counts":[12,7],"voters":19,"changes":21}"#;
const PROGRESS: &str = r#"{"v":1,"type":"progress","partition":3,"generation":"01890a5d-ac00-7000-8000-000000000000","nextOffset":1042}"#;
const BEFORE: &str = r#"{"v":1,"type":"poll","pollId":"01890a5d-ac96-774b-bcce-b302099a8057","id":"01890a5d-ac96-774b-bcce-b302099a8057","code":"","question":"Which \"one\"?","options":["Rust","Größe"],"kind":"single","maxChoices":1,"revote":"replace","results":"live","revealed":true,"voterIds":true,"listed":true,"status":"open","phase":1,"round":1,"revision":2,"createdAt":1763740800000,"closesAt":null,"closedAt":null,"owner":[7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7]}"#;
const POLL: &str = r#"{"v":1,"type":"poll","pollId":"01890a5d-ac96-774b-bcce-b302099a8057","id":"01890a5d-ac96-774b-bcce-b302099a8057","code":"","question":"Which \"one\"?","options":["Rust","Größe"],"kind":"single","maxChoices":1,"revote":"replace","results":"live","turnout":"shown","revealed":true,"voterIds":true,"listed":true,"status":"open","phase":1,"round":1,"revision":2,"createdAt":1763740800000,"closesAt":null,"closedAt":null,"owner":[7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7]}"#;

fn announcements() -> Vec<(&'static str, &'static str, Announcement)> {
    let generation = Generation("01890a5d-ac00-7000-8000-000000000000".parse().unwrap());
    let id = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
    let counts = vec![12, 7];
    let (names, gate) = (Names::default(), Gate::Closed);
    let tally = Tally { phase: 2, round: 1, gate, counts, names, voters: 19, changes: 21 };
    let tally = TallyAt { poll: id, partition: 3, generation, next_offset: 1042, tally };
    let draft = Draft::new("Which \"one\"?", ["Rust", "Größe"]);
    let mut poll = Poll::draft(id, draft, [7; 32], UnixMillis(1_763_740_800_000)).unwrap();
    poll.open(UnixMillis(1_763_740_800_001)).unwrap();
    // A poll that was made before turnout was the organiser's choice has no `turnout`, which means hidden.
    let before = Poll { turnout: Turnout::Hidden, ..poll.clone() };
    vec![
        (TALLY, "01890a5d-ac96-774b-bcce-b302099a8057/3", Announcement::Tally(tally)),
        (
            PROGRESS,
            "progress/3",
            Announcement::Progress { partition: 3, generation, next_offset: 1042 },
        ),
        (BEFORE, "01890a5d-ac96-774b-bcce-b302099a8057", Announcement::Poll(before.into())),
        (POLL, "01890a5d-ac96-774b-bcce-b302099a8057", Announcement::Poll(poll.into())),
    ]
}

#[test]
fn a_poll_of_an_event_says_so_and_an_event_is_announced() {
    let (id, now) = ("01890a5d-ac98-7000-8000-000000000001", UnixMillis(1_763_740_800_000));
    let draft = EventDraft { title: Some("Conf".into()), ..EventDraft::default() };
    let mut event = Event::new(id.parse().unwrap(), draft, [0; 32], now).unwrap();
    event.code = "482913".into();
    event.show(Some("01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap()));
    let zeros = format!("[{}0]", "0,".repeat(31));
    let bytes = format!(
        r#"{{"v":1,"type":"event","eventId":"{id}","id":"{id}","code":"482913","title":"Conf","accent":null,"layout":"bars","logo":null,"current":"01890a5d-ac96-774b-bcce-b302099a8057","order":[],"embed":[],"revision":2,"createdAt":1763740800000,"deletedAt":null,"owner":{zeros}}}"#
    );
    let announcement = Announcement::Event(event.clone().into());
    assert_eq!(String::from_utf8(announcement.encode()).unwrap(), bytes);
    assert_eq!(announcement.key(), id);
    assert_eq!(Announcement::decode(bytes.as_bytes()), Ok(announcement));
    let other = bytes.replacen("0001\"", "0002\"", 1);
    assert!(matches!(Announcement::decode(other.as_bytes()), Err(RecordError::Unreadable(_))));

    let draft = Draft::new("Q?", ["a", "b"]);
    let poll = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
    let mut poll = Poll::draft(poll, draft, [0; 32], now).unwrap();
    event.adopt(&mut poll).unwrap();
    let announcement = Announcement::Poll(poll.into());
    let bytes = announcement.encode();
    assert!(String::from_utf8_lossy(&bytes).ends_with(&format!(r#","event":"{id}"}}"#)));
    assert_eq!(Announcement::decode(&bytes), Ok(announcement));
}

#[test]
fn the_bytes_of_announcements_stay_what_they_are() {
    for (bytes, key, announcement) in announcements() {
        assert_eq!(String::from_utf8(announcement.encode()).unwrap(), bytes);
        assert_eq!(announcement.key(), key);
        assert_eq!(Announcement::decode(bytes.as_bytes()), Ok(announcement));
        let newer = bytes.replace("\"v\":1", "\"v\":2");
        assert_eq!(Announcement::decode(newer.as_bytes()), Err(RecordError::Newer(2)));
        let more = bytes.replace("\"v\":1", "\"v\":1,\"colour\":\"blue\"");
        assert!(Announcement::decode(more.as_bytes()).is_ok(), "unknown members are ignored");
        let broken = &bytes[..bytes.len() - 1];
        assert!(matches!(Announcement::decode(broken.as_bytes()), Err(RecordError::Unreadable(_))));
    }
    assert!(Announcement::decode(br#"{"v":1,"type":"rumour"}"#).is_err());
}

#[test]
fn a_tutorial_client_may_leave_out_what_it_cannot_know() {
    let short = r#"{"v":1,"type":"ballot","pollId":"01890a5d-ac96-774b-bcce-b302099a8057","voter":"000102030405060708090a0b0c0d0e0f","ballotId":"01890a5d-ac97-7000-8000-000000000001","optionIds":[2],"colour":"blue"}"#;
    let Ok(Entry::Ballot(ballot)) = Entry::decode(short.as_bytes()) else { panic!("{short}") };
    assert_eq!((ballot.round, ballot.phase, ballot.at), (0, 0, UnixMillis(0)));
}

#[test]
fn who_named_a_ballot_matters_from_version_2_on() {
    let named_by = |value: &str| match Entry::decode(value.as_bytes()) {
        Ok(Entry::Ballot(ballot)) => Ok(ballot.named_by),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error),
    };
    let second = BALLOT.replace("\"v\":1", "\"v\":2");
    let with = |ballot: &str, word: &str| ballot.replace("}", &format!(r#","namedBy":{word}}}"#));
    assert_eq!(named_by(&second), Ok(NamedBy::Client));
    assert_eq!(named_by(&with(&second, "\"client\"")), Ok(NamedBy::Client));
    assert_eq!(named_by(&with(&second, "\"server\"")), Ok(NamedBy::Server));
    // Version 1 had no `namedBy`, so in a version 1 record it means nothing, whatever its value.
    for word in ["\"server\"", "7", r#""server","namedBy":null"#] {
        assert_eq!(named_by(&with(BALLOT, word)), Ok(NamedBy::Client), "{word}");
    }
    // A later Pollux may have written it, so the partition stops, and nothing is lost.
    for unknown in [
        with(&second, "\"oracle\""),
        second.replace("ballot\"", "ranking\""),
        second.replace("\"optionIds\":[2,100],", "\"answer\":[2,1],"),
    ] {
        assert_eq!(named_by(&unknown), Err(RecordError::Newer(2)), "{unknown}");
    }
}

#[test]
fn a_newer_record_is_told_from_garbage() {
    let newer = BALLOT.replace("\"v\":1", "\"v\":3");
    assert_eq!(Entry::decode(newer.as_bytes()), Err(RecordError::Newer(3)));
    assert_eq!(
        Entry::decode(br#"{"v":7,"type":"unheard-of"}"#),
        Err(RecordError::Newer(7)),
        "also when nothing else of it can be read"
    );
    let long = format!(r#"{{"v":2,"x":"{}"}}"#, "x".repeat(5000));
    assert_eq!(Entry::decode(long.as_bytes()), Err(RecordError::Newer(2)), "however long it is");
    for garbage in [
        "",
        "null",
        "{}",
        "\u{0}",
        r#"{"v":1}"#,
        r#"{"v":0,"type":"ballot"}"#,
        r#"{"v":1,"type":"ballot"}"#,
        &BALLOT.replace("[2,100]", "[2,101]"),
        &BALLOT.replace("[2,100]", "[0]"),
        &BALLOT.replace("[2,100]", "[-1]"),
        &BALLOT.replace("0f\"", "0F\""),
        &BALLOT.replace("774b", "474b"),
        &format!("{BALLOT} x"),
        &"[".repeat(4000),
        &format!(r#"{{"v":1,"x":"{}"}}"#, "x".repeat(5000)),
    ] {
        assert!(
            matches!(Entry::decode(garbage.as_bytes()), Err(RecordError::Unreadable(_))),
            "{garbage}"
        );
    }
}

proptest! {
    /// No bytes make the reader panic, and whatever it reads is written back the same.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(entry) = Entry::decode(&bytes) {
            prop_assert_eq!(Entry::decode(&entry.encode()), Ok(entry));
        }
    }

    /// The same holds near the valid records, where the interesting mistakes are.
    #[test]
    fn damaged_records_are_read_or_refused(
        which in 0..entries().len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = entries()[which].0.as_bytes().to_vec();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        // Behind a space it is the same JSON, but not what the fast reader of ballots accepts.
        let spaced = [b" ", &bytes[..]].concat();
        prop_assert_eq!(Entry::decode(&spaced), Entry::decode(&bytes));
        if let Ok(entry) = Entry::decode(&bytes) {
            prop_assert_eq!(Entry::decode(&entry.encode()), Ok(entry));
        }
    }
}
