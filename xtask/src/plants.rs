//! This table lists the bugs that `make plant` plants. Each is one that a live-poll server has had, or that
//! its author would swear not to have written. They are in an order in which neighbours share what has to be
//! built again.

use crate::plant::Plant;

const CHECKER: &[&str] = &["-p", "pollux-checker"];
const CORE: &[&str] = &["-p", "pollux-core"];
const SIMULATION: &[&str] = &["-p", "pollux-server", "--test", "simulation", "every_seed"];
const REPEATS: &[&str] = &["-p", "pollux-server", "--test", "simulation", "a_seed_repeats"];
const REVOKED: &[&str] = &["-p", "pollux-server", "--test", "watch", "revoked::"];
const SHELF: &[&str] = &["-p", "pollux-server", "--test", "watch", "shelf::"];
const WATCH: &[&str] = &["-p", "pollux-server", "--test", "watch", "states::"];
const PROCESSOR: &[&str] = &["-p", "pollux-server", "--test", "processor"];
const API: &[&str] = &["-p", "pollux-server", "--test", "api", "--test", "api_live"];
const TEXT: &[&str] = &["-p", "pollux-core", "--test", "text"];
const TEXTS: &[&str] = &["-p", "pollux-server", "--test", "api_texts"];
const WHO: &[&str] = &["-p", "pollux-server", "--test", "api_identity"];
const SOCKETS: &[&str] = &["-p", "pollux-server", "--test", "api_sockets"];
const CLOCKS: &[&str] = &["-p", "pollux-server", "--test", "api_clocks"];
const EVENT: &[&str] = &["-p", "pollux-core", "--test", "event"];
const RACES: &[&str] = &["-p", "pollux-server", "--test", "api_races"];
const EVENTS: &[&str] = &["-p", "pollux-server", "--test", "api_events"];
const FIGURES: &[&str] = &["-p", "pollux-server", "--test", "api_figures"];
const WORDS: &[&str] = &["-p", "pollux-server", "--test", "api_words"];
const KINDS: &[&str] = &["-p", "pollux-server", "--test", "api_kinds"];
const REPLAY: &[&str] = &["-p", "pollux-server", "--lib", "replay::"];
const IDENTITY: &[&str] = &["-p", "pollux-server", "--lib", "access::"];
const STORE: &[&str] = &["-p", "pollux-server", "--lib", "store::"];
const POSTGRES: &[&str] = &["-p", "pollux-server", "--test", "postgres", "workers::"];
const DOCUMENTS: &[&str] = &["-p", "pollux-server", "--test", "postgres", "documents::"];
const LOG: &[&str] = &["-p", "pollux-server", "--lib", "log::"];
const ROOM: &[&str] = &["-p", "pollux-server", "--test", "api_room"];
const ONE_ADDRESS: &[&str] =
    &["-p", "pollux-server", "--lib", "--test", "api_crowd", "one_address"];
const LIMITS: &[&str] = &["-p", "pollux-server", "--lib", "limits::"];
const READY: &[&str] = &["-p", "pollux-server", "--test", "api_ready"];
const CACHES: &[&str] = &["-p", "pollux-server", "--test", "api_caches"];
const SECURITY: &[&str] = &["-p", "pollux-server", "--test", "api_security"];
const SECURITY_LINES: &[&str] = &["-p", "pollux-server", "--lib", "security::"];
const PRIVATE: &[&str] = &["-p", "pollux-server", "--lib", "private::"];
const COMPOSE: &[&str] = &["-p", "pollux-cluster", "--lib", "alone::"];
const FOLDER: &[&str] = &["-p", "pollux", "--test", "folder"];
const SETTINGS: &[&str] = &["-p", "pollux", "--bins", "settings::"];
/// `SPLIT`, `FROZEN` and `POWER` each run one scenario, on a real cluster of its own.
const SPLIT: &[&str] = &["-p", "pollux", "--test", "faults", "a leader and ZooKeeper"];
const FROZEN: &[&str] = &["-p", "pollux", "--test", "faults", "two of three"];
const POWER: &[&str] = &["-p", "pollux", "--test", "faults", "power cut"];

/// `BREAKS` names, for each invariant of ARCHITECTURE.md by its number, one of the bugs that break it.
pub const BREAKS: &[(u8, &str)] = &[
    (1, "answer before the log has acknowledged"),
    (2, "commit the offset without the tallies (SQLite)"),
    (3, "drop the compare-and-set (SQLite)"),
    (3, "drop the compare-and-set (PostgreSQL)"),
    (4, "announce before the commit"),
    (5, "a version goes back for a viewer who reconnects"),
    (6, "a ballot's id is drawn behind the simulation's back"),
    (7, "a queue without a bound"),
    (8, "lose a close in a power cut"),
    (9, "a recount that finds no difference"),
    (10, "a token that another one has taken the place of still shows"),
];

/// `PLANTS` has all the bugs.
pub const PLANTS: &[Plant] = &[
    // These bugs are in the checker itself.
    Plant {
        name: "the checker accepts a lost ballot",
        file: "crates/checker/src/lib.rs",
        right: "Told::Recorded => found.len() == 1",
        wrong: "Told::Recorded => found.len() <= 1",
        tests: CHECKER,
    },
    Plant {
        name: "the checker accepts a ballot counted twice",
        file: "crates/checker/src/lib.rs",
        right: "Told::Recorded => found.len() == 1",
        wrong: "Told::Recorded => !found.is_empty()",
        tests: CHECKER,
    },
    Plant {
        name: "the checker overlooks the end of a log",
        file: "crates/checker/src/lib.rs",
        right: "for (partition, offset, bytes) in records {",
        wrong: "for (partition, offset, bytes) in records.into_iter().take(4) {",
        tests: CHECKER,
    },
    // These bugs are in what a text is.
    Plant {
        name: "options that look the same are two",
        file: "crates/core/src/rule.rs",
        right: "position(|other| *other == key)",
        wrong: "position(|other| *other == *text)",
        tests: TEXT,
    },
    Plant {
        name: "a vote in the other encoding is of no option",
        file: "crates/core/src/kind/choice/mod.rs",
        right: "let key = text::key(text);",
        wrong: "let key = Cow::Borrowed(text);",
        tests: TEXT,
    },
    Plant {
        name: "an override in a text turns what follows",
        file: "crates/core/src/text.rs",
        right: "} else if !is_ignorable(c) {",
        wrong: "} else if !is_ignorable(c) || c == '\\u{202E}' {",
        tests: TEXT,
    },
    Plant {
        name: "an update gives a voter with a space in the name a second vote",
        file: "crates/server/src/api/vote/name.rs",
        right: "await?.seen.is_some())",
        wrong: "await?.seen.is_some() && false)",
        tests: TEXTS,
    },
    // These bugs are in the fold, and in the sum over partitions.
    Plant {
        name: "count a duplicate again",
        file: "crates/core/src/tally.rs",
        right: "    if let Some(status) = before {\n        return Decision::Repeated(status);\n    }",
        wrong: "",
        tests: CORE,
    },
    Plant {
        name: "count what comes after the close",
        file: "crates/core/src/tally.rs",
        right: "tally.gate != Gate::Open || ",
        wrong: "",
        tests: CORE,
    },
    Plant {
        name: "leave the replaced ballot's mark in the tally",
        file: "crates/core/src/tally.rs",
        right: "Some((_, answer)) => tally.take_away(rules.form, answer),",
        wrong: "Some(_) => {}",
        tests: CORE,
    },
    Plant {
        name: "a step of a rating is counted on the statement before",
        file: "crates/core/src/kind/rating/mod.rs",
        right: "mark(i * usize::from(self.steps) + usize::from(step - self.lowest), 1);",
        wrong: "mark(i.saturating_sub(1) * usize::from(self.steps) + usize::from(step - self.lowest), 1);",
        tests: CORE,
    },
    Plant {
        name: "a ballot may rank one option again and again",
        file: "crates/core/src/kind/ranking/mod.rs",
        right: "&& ids.iter().enumerate().all(is_once)",
        wrong: "&& ids.iter().enumerate().any(is_once)",
        tests: CORE,
    },
    Plant {
        name: "a ballot gives more points than it has",
        file: "crates/core/src/kind/points/mod.rs",
        right: "(1..=self.budget.into()).contains(&sum)",
        wrong: "(1..=20 * u64::from(self.budget)).contains(&sum)",
        tests: CORE,
    },
    Plant {
        name: "the median of an even number is the lower middle one",
        file: "crates/core/src/kind/number/figures.rs",
        right: "let upper = self.at(counts, people / 2)?;",
        wrong: "let upper = lower;",
        tests: CORE,
    },
    Plant {
        name: "a number is counted one value too high",
        file: "crates/core/src/kind/number/mod.rs",
        right: "            mark(slot, 1);",
        wrong: "            mark((slot + 1).min(self.slots() - 1), 1);",
        tests: CORE,
    },
    Plant {
        name: "the right answer is told before the close",
        file: "crates/server/src/watch/view.rs",
        right: "let closed = poll.status == PollStatus::Closed && sees_numbers(poll, audience);",
        wrong: "let closed = sees_numbers(poll, audience);",
        tests: KINDS,
    },
    Plant {
        name: "the right answer is pushed to everybody who sees the numbers",
        file: "crates/server/src/watch/view.rs",
        right: "    keeps || poll.missed_closes_at.is_some()",
        wrong: "    poll.missed_closes_at.is_some()",
        tests: SOCKETS,
    },
    Plant {
        name: "a ballot of another kind is allowed",
        file: "crates/core/src/kind/mod.rs",
        right: "            _ => false,",
        wrong: "            _ => true,",
        tests: CORE,
    },
    Plant {
        name: "hidden means are shown",
        file: "crates/server/src/watch/view.rs",
        right: "let counts = numbers.then(|| standing.counts());",
        wrong: "let counts = Some(standing.counts());",
        tests: KINDS,
    },
    Plant {
        name: "turnout shows where the organiser hides it",
        file: "crates/server/src/watch/view.rs",
        right: "Turnout::Hidden => Shown::Nothing,",
        wrong: "Turnout::Hidden => Shown::Turnout,",
        tests: API,
    },
    Plant {
        name: "where turnout shows a changed mind does, too",
        file: "crates/core/src/standing.rs",
        right: "u64::from(tally.phase) + tally.voters",
        wrong: "tally.changes",
        tests: CORE,
    },
    Plant {
        name: "a new round takes the version of turnout back",
        file: "crates/core/src/standing.rs",
        right: "self.tallies().map(|at| weight_of_hidings(at.tally.round.saturating_sub(1))).sum()",
        wrong: "0",
        tests: CORE,
    },
    Plant {
        name: "an older ballot of a voter replaces the newer one",
        file: "crates/core/src/tally.rs",
        right: "standing > Some(ballot.id)",
        wrong: "false",
        tests: CORE,
    },
    Plant {
        name: "a ballot that the server named is ordered by its clock",
        file: "crates/core/src/tally.rs",
        right: "ballot.named_by == NamedBy::Client && ",
        wrong: "",
        tests: CORE,
    },
    Plant {
        name: "a record says not who named its ballot",
        file: "crates/server/src/api/vote/record.rs",
        right: "        named_by,\n        answer,",
        wrong: "        named_by: NamedBy::Client,\n        answer,",
        tests: CLOCKS,
    },
    Plant {
        name: "a voter with an id from a fast clock is locked out",
        file: "crates/server/src/api/vote/record.rs",
        right: "seen.is_some_and(|seen| seconds_ahead(app, ballot, seen.time()).is_none())",
        wrong: "seen.is_some_and(|_| false)",
        tests: CLOCKS,
    },
    Plant {
        name: "a socket without a cookie is somebody new each time",
        file: "crates/server/src/api/live/handshake.rs",
        right: "tokio::spawn(watch(app, upgrade, interest, cookie,",
        wrong: "let cookie = cookie.or_else(|| Some(app.ambient.random()));\n    tokio::spawn(watch(app, upgrade, interest, cookie,",
        tests: WHO,
    },
    Plant {
        name: "a retry with a cookie that came later is another voter's",
        file: "crates/server/src/api/vote/record.rs",
        right: "if retried && let Some(first) = Box::pin(",
        wrong: "if false && let Some(first) = Box::pin(",
        tests: WHO,
    },
    Plant {
        name: "everybody is told what only a poll's owner is",
        file: "crates/server/src/watch/entry.rs",
        right: "            true if owner && view::tells_owner_more(poll) => Self::Owner,\n",
        wrong: "",
        tests: SOCKETS,
    },
    Plant {
        name: "a poll's time counts from when it was written",
        file: "crates/core/src/poll/mod.rs",
        right: "UnixMillis(now.0 + u64::from(seconds) * 1000)",
        wrong: "UnixMillis(self.created_at.0 + u64::from(seconds) * 1000).max(now)",
        tests: CLOCKS,
    },
    Plant {
        name: "a reset keeps the old counts",
        file: "crates/core/src/tally.rs",
        right: "self.counts.fill(0);",
        wrong: "",
        tests: CORE,
    },
    Plant {
        name: "a record that comes again opens the poll again",
        file: "crates/core/src/tally.rs",
        right: "let new = phase > tally.phase &&",
        wrong: "let new = phase != tally.phase &&",
        tests: CORE,
    },
    Plant {
        name: "an older tally replaces a newer one",
        file: "crates/core/src/standing.rs",
        right: "known.age() < tally.age()",
        wrong: "known.age() != tally.age()",
        tests: CORE,
    },
    Plant {
        name: "final before every partition has closed",
        file: "crates/core/src/standing.rs",
        right: ".all(|t| phase(t) == self.poll.phase)",
        wrong: ".any(|t| phase(t) == self.poll.phase)",
        tests: CORE,
    },
    Plant {
        name: "a reset poll shows the counts of the round before",
        file: "crates/core/src/standing.rs",
        right: "tally.round >= self.poll.round",
        wrong: "tally.round > 0",
        tests: CORE,
    },
    Plant {
        name: "a vote that does not move the version",
        file: "crates/core/src/tally.rs",
        right: "        tally.changes += 1;\n",
        wrong: "",
        tests: SIMULATION,
    },
    // These bugs are on the path of a vote.
    Plant {
        name: "answer before the log has acknowledged",
        file: "crates/server/src/api/vote/record.rs",
        right: "let appended = append(app, record, patience).await;",
        wrong: "let _ = tokio::time::timeout(Duration::ZERO, append(app, record, patience)).await; let position = pollux_core::id::Position { partition: 0, offset: None }; let appended = Ok::<_, Problem>(Appended { position, waited: false });",
        tests: SIMULATION,
    },
    Plant {
        name: "say 503 where the outcome is unknown",
        file: "crates/server/src/api/vote/append.rs",
        right: "Trouble::OutcomeUnknown",
        wrong: "Trouble::NotRecorded",
        tests: SIMULATION,
    },
    Plant {
        name: "a retry gets a new ballot id",
        file: "crates/server/src/api/vote/record.rs",
        right: "let (ballot, named_by) = cast.ballot_id(app, now)?;",
        wrong: "let (_, named_by) = cast.ballot_id(app, now)?; let ballot = BallotId::new(now, app.ambient.random());",
        tests: SIMULATION,
    },
    Plant {
        name: "say closed while the ballot may still be counted",
        file: "crates/server/src/api/vote/late.rs",
        right: "standing.is_final()",
        wrong: "!standing.poll.id.0.is_nil()",
        tests: SIMULATION,
    },
    Plant {
        name: "drop the compare-and-set (memory)",
        file: "crates/server/src/store/memory/state.rs",
        right: "if progress.next_offset != commit.from {",
        wrong: "if false {",
        tests: SIMULATION,
    },
    Plant {
        name: "commit the offset without the tallies",
        file: "crates/core/src/fold.rs",
        right: "let changed = tally.changes != changes;",
        wrong: "let changed = tally.changes < changes;",
        tests: SIMULATION,
    },
    Plant {
        name: "do not look up what may have been decided before",
        file: "crates/server/src/processor/batch.rs",
        right: "if past.state.may_have_seen(*id) {",
        wrong: "if false {",
        tests: SIMULATION,
    },
    Plant {
        name: "announce before the commit",
        file: "crates/server/src/processor/worker.rs",
        right: "            self.processor.store.commit(self.slice.partition, &commit).await?;",
        wrong: "            self.announcer.enqueue(commit.tallies.clone(), commit.to);\n            self.processor.store.commit(self.slice.partition, &commit).await?;",
        tests: SIMULATION,
    },
    Plant {
        name: "announce more than is committed",
        file: "crates/server/src/processor/announcer.rs",
        right: "(!pending.idle).then_some((tallies, pending.next))",
        wrong: "(!pending.idle).then_some((tallies, pending.next + 1))",
        tests: SIMULATION,
    },
    Plant {
        name: "keep as told what was only sent",
        file: "crates/server/src/processor/announcer.rs",
        right: "            log.announce(tallies).await?;",
        wrong: "            let _ = log.announce(tallies).await;",
        tests: SIMULATION,
    },
    Plant {
        name: "a control record that passes a ballot in line",
        file: "crates/server/src/log/waiting/mod.rs",
        right: "let counts = !last;",
        wrong: "let counts = false;",
        tests: LOG,
    },
    Plant {
        name: "a record that has left the line and is sent all the same",
        file: "crates/server/src/log/waiting/mod.rs",
        right: "let waiter = line.records.remove(&place)?;",
        wrong: "line.records.get(&place)?;\n        return None;",
        tests: LOG,
    },
    Plant {
        name: "go on after a commit that was fenced off",
        file: "crates/server/src/processor/worker.rs",
        right: "            self.processor.store.commit(self.slice.partition, &commit).await?;",
        wrong: "            let _ = self.processor.store.commit(self.slice.partition, &commit).await;",
        tests: SIMULATION,
    },
    Plant {
        name: "throw away ballots of polls that an older store lacks",
        file: "crates/server/src/processor/worker.rs",
        right: "if let Some((offset, poll)) = batch.ahead(&phases) {",
        wrong: "if let Some((offset, poll)) = batch.ahead(&phases).filter(|_| false) {",
        tests: PROCESSOR,
    },
    Plant {
        name: "lose a close in a power cut",
        file: "crates/server/src/processor/batch.rs",
        right: "(Outcome::Moved, _) => self.commit.durable = true,",
        wrong: "(Outcome::Moved, _) => {}",
        tests: PROCESSOR,
    },
    Plant {
        name: "do not announce what the worker before had committed",
        file: "crates/server/src/processor/worker.rs",
        right: "if let Some(from) = untold {",
        wrong: "if let Some(from) = untold.filter(|_| false) {",
        tests: PROCESSOR,
    },
    Plant {
        name: "throw away a record of a newer version",
        file: "crates/server/src/processor/batch.rs",
        right: "batch.newer = Some((record.offset, version));\n                    break;",
        wrong: "let _ = version;\n                    Err(DeadReason::Unreadable(\"newer\"))",
        tests: PROCESSOR,
    },
    Plant {
        name: "lose the control record that got lost",
        file: "crates/server/src/processor/housekeeping.rs",
        right: "appended.is_some_and(|at| committed <= *at) && committed < *end",
        wrong: "appended.is_some_and(|at| committed <= *at)",
        tests: PROCESSOR,
    },
    // These bugs are in what is shown, and to whom.
    Plant {
        name: "a version goes back for a viewer who reconnects",
        file: "crates/server/src/watch/hub/seats.rs",
        right: "now < known.until && known.changes == changes",
        wrong: "now < known.until",
        tests: WATCH,
    },
    Plant {
        name: "a poll is put down before a slow viewer has heard of it",
        file: "crates/server/src/watch/hub/shelf.rs",
        right: "state.due.is_some() || state.queued || state.seq > told",
        wrong: "state.due.is_some() || state.queued",
        tests: SHELF,
    },
    Plant {
        name: "a hidden vote shows when its poll is read back for it",
        file: "crates/server/src/watch/shelf.rs",
        right: "(shelved.version, shelved.public)",
        wrong: "(shelved.version, 0)",
        tests: SHELF,
    },
    Plant {
        name: "a poll on the shelf does not rank",
        file: "crates/server/src/watch/shelf.rs",
        right: "polls.extend(shelved.poll)",
        wrong: "_ = (&polls, shelved.poll)",
        tests: SHELF,
    },
    Plant {
        name: "a viewer is not sent the last vote",
        file: "crates/server/src/watch/viewer.rs",
        right: "poll.version(audience) <= sub.sent",
        wrong: "poll.version(audience) <= sub.sent + 1",
        tests: WATCH,
    },
    Plant {
        name: "every vote is a message",
        file: "crates/server/src/watch/hub/tick.rs",
        right: "state.next_at = Some(now + self.limits.tick);",
        wrong: "",
        tests: WATCH,
    },
    Plant {
        name: "hidden numbers in the totals",
        file: "crates/server/src/watch/view.rs",
        right: "total_votes: numbers.then(|| standing.total_votes()),",
        wrong: "total_votes: Some(standing.total_votes()),",
        tests: API,
    },
    Plant {
        name: "hidden numbers in the offsets",
        file: "crates/server/src/api/vote/receipt.rs",
        right: "    view::sees_numbers(poll, Audience::Public)\n}",
        wrong: "    !poll.id.0.is_nil()\n}",
        tests: API,
    },
    Plant {
        name: "drop the `opened` control record",
        file: "crates/server/src/log/control.rs",
        right: "Control::of(poll, now)?;",
        wrong: "Control::of(poll, now).filter(|control| control.phase > 1)?;",
        tests: API,
    },
    Plant {
        name: "a poll stays open past its closing time",
        file: "crates/server/src/processor/housekeeping.rs",
        right: "poll.close(now).unwrap_or(false).then_some((poll, expected))",
        wrong: "(poll.close(now).is_err()).then_some((poll, expected))",
        tests: API,
    },
    Plant {
        name: "anybody's token changes a poll",
        file: "crates/server/src/api/lookup/owned.rs",
        right: "    asker.may(app, &standing.poll.owner, right)?;\n",
        wrong: "    let _ = right;\n",
        tests: API,
    },
    Plant {
        name: "a change is made whatever the phase it is meant for",
        file: "crates/server/src/api/change/poll.rs",
        right: "phase.filter(|phase| *phase != poll.phase)",
        wrong: "phase.filter(|_| false)",
        tests: API,
    },
    Plant {
        name: "a creation under the same key makes a second poll",
        file: "crates/server/src/store/memory/state.rs",
        right: "let known = now.0.saturating_sub(at.0) <= IDEMPOTENCY_MILLIS",
        wrong: "let known = now.0.saturating_sub(at.0) > IDEMPOTENCY_MILLIS",
        tests: API,
    },
    Plant {
        name: "a voter has the same pseudonym in every poll",
        file: "crates/core/src/id.rs",
        right: "mac.update(poll.0.as_bytes());",
        wrong: "let _ = poll;",
        tests: IDENTITY,
    },
    Plant {
        name: "an edited cookie is believed",
        file: "crates/server/src/api/access/cookie.rs",
        right: "self.generations.iter().rev().any(ours).then_some(*value)",
        wrong: "(signature.len() == 16 || self.generations.iter().rev().any(ours)).then_some(*value)",
        tests: IDENTITY,
    },
    Plant {
        name: "a rotated secret names the voters of older polls",
        file: "crates/server/src/api/access/keys.rs",
        right: "let key = &self.at(poll.time()).voters;",
        wrong: "let key = &self.at(UnixMillis(u64::MAX)).voters;",
        tests: IDENTITY,
    },
    Plant {
        name: "the first hop that a client names is believed",
        file: "crates/server/src/api/access/client.rs",
        right: "            if !trusted(hop) {\n                break;\n            }\n",
        wrong: "",
        tests: API,
    },
    Plant {
        name: "close by a clock that was set",
        file: "crates/server/src/processor/clock.rs",
        right: "if by.unsigned_abs() >= SET {",
        wrong: "if by.unsigned_abs() >= SET && by > 0 {",
        tests: PROCESSOR,
    },
    Plant {
        name: "let the log's write-ahead file grow",
        file: "crates/server/src/log/embedded/checkpoint.rs",
        right: "if self.size.grown() < EVERY {",
        wrong: "if self.size.grown() < 1000 * EVERY {",
        tests: LOG,
    },
    // These bugs are in the look back at a voter's ballots.
    Plant {
        name: "let the chain of a voter's ballots grow without end",
        file: "crates/core/src/fold.rs",
        right: "let end = if link.is_chained() { Some(offset) } else { link.prev };",
        wrong: "let end = Some(offset);",
        tests: STORE,
    },
    Plant {
        name: "forget the ballots past a voter's eighth (SQLite)",
        file: "crates/server/src/store/embedded/past.rs",
        right: "            && let Some(row) = reads::later_ballot(self.conn, key, voter, ballot)?",
        wrong: "            && let Some(row) = None::<StoredBallot>",
        tests: STORE,
    },
    Plant {
        name: "look for an old ballot through all rows (SQLite)",
        file: "crates/server/src/store/embedded/reads.rs",
        right: "INDEXED BY later_ballots",
        wrong: "NOT INDEXED",
        tests: STORE,
    },
    Plant {
        name: "look for an old ballot through all of its voter's rows (PostgreSQL)",
        file: "crates/server/src/store/postgres/reads.rs",
        right: "          AND uuid_send(b.voter) || uuid_send(b.ballot) = \\\n              uuid_send({voter}) || uuid_send({ballot})) \\",
        wrong: "          AND b.voter = {voter} AND b.ballot = {ballot}) \\",
        tests: POSTGRES,
    },
    Plant {
        name: "the last release's change of a poll is not seen (PostgreSQL)",
        file: "crates/server/src/store/postgres/migrations/V14__documents.sql",
        right: "AFTER UPDATE OF question ON polls",
        wrong: "AFTER UPDATE OF turnout ON polls",
        tests: DOCUMENTS,
    },
    Plant {
        name: "an older node goes on showing options that were taken out (PostgreSQL)",
        file: "crates/server/src/store/postgres/migrations/V14__documents.sql",
        right: "    DELETE FROM options o WHERE o.poll = NEW.id AND o.option > cardinality(texts);\n",
        wrong: "",
        tests: DOCUMENTS,
    },
    // These bugs are in what is kept.
    Plant {
        name: "drop the compare-and-set (PostgreSQL)",
        file: "crates/server/src/store/postgres/commit.rs",
        right: "WHERE partition = $1 AND next_offset = $2",
        wrong: "WHERE partition = $1 AND $2 >= 0",
        tests: POSTGRES,
    },
    Plant {
        name: "a ballot's id is drawn behind the simulation's back",
        file: "crates/server/src/api/vote/ballot.rs",
        right: "BallotId::new(now, app.ambient.random())",
        wrong: "BallotId::new(now, rand::random())",
        tests: REPEATS,
    },
    Plant {
        name: "drop the compare-and-set (SQLite)",
        file: "crates/server/src/store/embedded/writer.rs",
        right: "WHERE partition = ?1 AND next_offset = ?2",
        wrong: "WHERE partition = ?1 AND ?2 >= 0",
        tests: STORE,
    },
    Plant {
        name: "count on where a log lost its end and has grown again",
        file: "crates/server/src/processor/worker.rs",
        right: "let Some(row) = rows.last() else { return Ok(()) };",
        wrong: "let Some(row) = rows.last().filter(|_| false) else { return Ok(()) };",
        tests: PROCESSOR,
    },
    Plant {
        name: "do not copy the dead letters of the worker before",
        file: "crates/server/src/processor/copier.rs",
        right: "Owed { any: from < next, from, next, last: next };",
        wrong: "Owed { any: false, from, next, last: next };",
        tests: PROCESSOR,
    },
    Plant {
        name: "commit the offset without the tallies (SQLite)",
        file: "crates/server/src/store/embedded/writer.rs",
        right: "write_tallies(conn, &mut keys, (partition, partitions), commit)?;",
        wrong: "let _ = (partition, partitions);",
        tests: STORE,
    },
    Plant {
        name: "acknowledge before the fsync",
        file: "crates/server/src/log/embedded/writer.rs",
        right: "            None => self.make_durable(batches),",
        wrong: "            None => {\n                Answers { waiters, outcome: Ok(bases) }.give();\n                let _ = self.make_durable(batches);\n                return;\n            }",
        tests: LOG,
    },
    Plant {
        name: "no fsync at all",
        file: "crates/server/src/log/embedded/file.rs",
        right: "\"PRAGMA synchronous = FULL;",
        wrong: "\"PRAGMA synchronous = OFF;",
        tests: LOG,
    },
    Plant {
        name: "read what is not what was written",
        file: "crates/server/src/log/embedded/batch.rs",
        right: "            Some(digest) if digest == chain::link(before, partition, self.count, &self.records) => {",
        wrong: "            Some(_) => {",
        tests: LOG,
    },
    Plant {
        name: "begin with a log that lost its synced end",
        file: "crates/server/src/log/embedded/file.rs",
        right: "if synced.end > head.end {",
        wrong: "if synced.end > head.end + 1_000_000 {",
        tests: LOG,
    },
    Plant {
        name: "pass over synced commits behind a damaged frame",
        file: "crates/server/src/log/embedded/passed_over.rs",
        right: "commits >= 2",
        wrong: "commits > 1_000_000",
        tests: LOG,
    },
    Plant {
        name: "a queue without a bound",
        file: "crates/server/src/log/embedded/queue.rs",
        right: "state.waiting + state.underway >= self.bound",
        wrong: "false",
        tests: LOG,
    },
    Plant {
        name: "count a record in the wrong partition",
        file: "crates/core/src/fold.rs",
        right: "ballot_partition(ballot.poll, ballot.voter, part.partitions) != part.partition",
        wrong: "part.partition >= part.partitions",
        tests: FOLDER,
    },
    Plant {
        name: "a recount that finds no difference",
        file: "crates/pollux/src/recount.rs",
        right: "if counted.unwrap_or(&fresh) != store",
        wrong: "if counted.is_none() && counted.unwrap_or(&fresh) != store",
        tests: FOLDER,
    },
    Plant {
        name: "a word that is hidden or waits is in the view",
        file: "crates/server/src/watch/view/kind/words.rs",
        right: "word.text.clone().filter(|_| word.state == State::Shown)",
        wrong: "word.text.clone()",
        tests: WORDS,
    },
    Plant {
        name: "a deleted poll keeps the key of its texts",
        file: "crates/core/src/poll/mod.rs",
        right: "self.text_key = None;\n        self.next_phase();",
        wrong: "self.next_phase();",
        tests: CORE,
    },
    Plant {
        name: "a digest of keys alone",
        file: "crates/server/src/processor/batch.rs",
        right: "digest.take(record.offset, &record.key, &record.value);",
        wrong: "digest.take(record.offset, &record.key, b\"\");",
        tests: SIMULATION,
    },
    Plant {
        name: "a digest that the next batch does not go on from",
        file: "crates/server/src/processor/worker.rs",
        right: "(self.next, self.digest) = (commit.to, digest);",
        wrong: "(self.next, self.digest) = (commit.to, Digest::new(commit.from));",
        tests: SIMULATION,
    },
    Plant {
        name: "a recount that takes altered records for those that were counted",
        file: "crates/pollux/src/recount/digest_check.rs",
        right: "if self.found.hash != kept.hash {",
        wrong: "if self.found.to < kept.to {",
        tests: FOLDER,
    },
    // These bugs are in what is told beside a poll.
    Plant {
        name: "a result's hash leaves out the voters",
        file: "crates/core/src/result.rs",
        right: "\\\"voters\\\":{voters}}}\\n",
        wrong: "\\\"voters\\\":0}}\\n",
        tests: CORE,
    },
    Plant {
        name: "a hidden poll's pulse is counted aloud",
        file: "crates/server/src/api/figures/pulse.rs",
        right: "if view::sees_numbers(&standing.poll, audience) {",
        wrong: "if view::sees_numbers(&standing.poll, audience) || !standing.poll.revealed {",
        tests: FIGURES,
    },
    Plant {
        name: "a replay counts who changed their mind twice",
        file: "crates/server/src/api/figures/replay/fold.rs",
        right: "replaced: decided.replaced",
        wrong: "replaced: decided.replaced.filter(|_| false)",
        tests: REPLAY,
    },
    Plant {
        name: "a replay that is not the result is shown",
        file: "crates/server/src/api/figures/replay/make.rs",
        right: "same.then(|| serde_json::to_vec(&view)",
        wrong: "(same || standing.is_final()).then(|| serde_json::to_vec(&view)",
        tests: REPLAY,
    },
    Plant {
        name: "a token that another one has taken the place of still shows",
        file: "crates/server/src/watch/grants.rs",
        right: "Self::Owner(hash) if hash == *owner => Role::Owner,",
        wrong: "Self::Owner(_) => Role::Owner,",
        tests: REVOKED,
    },
    Plant {
        name: "who reads slowly keeps the numbers that are hidden again",
        file: "crates/core/src/standing.rs",
        right: "u64::from(hidings) << 32",
        wrong: "u64::from(hidings) * 0",
        tests: REVOKED,
    },
    Plant {
        name: "who subscribes again is sent what was encoded before",
        file: "crates/server/src/watch/hub/seats.rs",
        right: "            self.shared.renew(&mut sub.entry.state.lock());\n            return Ok(());",
        wrong: "            return Ok(());",
        tests: REVOKED,
    },
    Plant {
        name: "a poll's new token leaves its version as it was",
        file: "crates/server/src/api/poll/token.rs",
        right: "Ok(poll.set_owner(Keys::token_hash(&token)))",
        wrong: "(poll.owner, poll.revision) = (Keys::token_hash(&token), poll.revision + 1);\n        Ok(true)",
        tests: SIMULATION,
    },
    Plant {
        name: "a stage's token outlives the owner's that it goes with",
        file: "crates/server/src/watch/grants.rs",
        right: "Self::Stage(hash) if hash == *owner => Role::Stage,",
        wrong: "Self::Stage(_) => Role::Stage,",
        tests: SIMULATION,
    },
    // These bugs are in events.
    Plant {
        name: "an event's version that a reopening leaves as it was",
        file: "crates/core/src/event.rs",
        right: "polls.map(|item| 2 * item.version + u64::from(item.is_final))",
        wrong: "polls.map(|item| item.version + u64::from(item.is_final))",
        tests: EVENT,
    },
    Plant {
        name: "a step of the stage is made whatever is there",
        file: "crates/server/src/api/event/stage.rs",
        right: "if now == from || now == step.to {",
        wrong: "if now == from || now != from {",
        tests: EVENTS,
    },
    Plant {
        name: "an owner operates the server",
        file: "crates/core/src/right.rs",
        right: "(_, Right::Operator) => Err(Refusal::NotTheOperators),",
        wrong: "(_, Right::Operator) => Ok(()),",
        tests: IDENTITY,
    },
    Plant {
        name: "a change that lost a race is answered as if it were made",
        file: "crates/server/src/api/change/mod.rs",
        right: "Ok(Err(ChangeError::Conflict)) => return Ok(None),",
        wrong: "Ok(Err(ChangeError::Conflict)) => {}",
        tests: RACES,
    },
    Plant {
        name: "a stage's token does all that the owner's does",
        file: "crates/core/src/right.rs",
        right: "(Role::Stage, Right::Owner) => Err(Refusal::OnlyAStages),",
        wrong: "(Role::Stage, Right::Owner) => Ok(()),",
        tests: EVENTS,
    },
    Plant {
        name: "everybody is shown an event's drafts",
        file: "crates/server/src/watch/view/event.rs",
        right: "there && (staff || item.poll.status != PollStatus::Draft)",
        wrong: "there && (staff || item.poll.status != PollStatus::Deleted)",
        tests: EVENTS,
    },
    Plant {
        name: "a follower stays with the poll before",
        file: "crates/server/src/watch/hub/follow.rs",
        right: "if following.poll == current {",
        wrong: "if following.poll.is_some() || following.poll == current {",
        tests: EVENTS,
    },
    Plant {
        name: "a node does not compare its events with the store",
        file: "crates/server/src/watch/feed.rs",
        right: "left.extend(hub.events().into_iter().map(Missing::Event));",
        wrong: "left.extend(hub.events().into_iter().take(0).map(Missing::Event));",
        tests: SIMULATION,
    },
    // Only a real cluster shows these bugs.
    Plant {
        name: "acknowledge what one broker has",
        file: "crates/server/src/log/kafka/producer.rs",
        right: ".set(\"enable.idempotence\", \"true\")\n        .set(\"acks\", \"all\")",
        wrong: ".set(\"enable.idempotence\", \"false\")\n        .set(\"acks\", \"1\")",
        tests: SPLIT,
    },
    Plant {
        name: "answer before Kafka has acknowledged",
        file: "crates/server/src/log/kafka/producer.rs",
        right: "            Append::Waiting,\n        )",
        wrong: "            |_| Append::Ready(Some(Ok(Position { partition, offset: None }))),\n        )",
        tests: FROZEN,
    },
    Plant {
        name: "brokers acknowledge votes that they have not flushed",
        file: "crates/server/src/log/kafka/topics.rs",
        right: "settings.insert(flush::SETTING, flush::EACH.to_owned());",
        wrong: "let _ = (flush::SETTING, flush::EACH);",
        tests: POWER,
    },
    // These bugs are at the edges: codes, caches, files, addresses.
    Plant {
        name: "a poll that is over for long takes its code back",
        file: "crates/server/src/watch/codes.rs",
        right: "now.0.saturating_sub(at.0) < CODE_IS_SURE_MILLIS",
        wrong: "now.0.saturating_sub(at.0) < u64::MAX",
        tests: CLOCKS,
    },
    Plant {
        name: "others may read what a copy let them read",
        file: "crates/server/src/boot/private.rs",
        right: "if now & OTHERS == 0 {",
        wrong: "if now & OTHERS != OTHERS {",
        tests: PRIVATE,
    },
    Plant {
        name: "a cache may keep a page with somebody's cookie",
        file: "crates/server/src/api/serve/front.rs",
        right: "if control.is_none_or(|control| control != \"no-store\") {",
        wrong: "if control.is_none() {",
        tests: CACHES,
    },
    Plant {
        name: "a log that hangs is forgotten with the clients that have left",
        file: "crates/server/src/log/stall.rs",
        right: "self.waiting > 0 || self.left.is_some()",
        wrong: "self.waiting > 0",
        tests: READY,
    },
    Plant {
        name: "a replay is decoded where votes are taken",
        file: "crates/server/src/api/figures/replay/make.rs",
        right: "fold = aside.run(move || fold.page(records, until)).await?;",
        wrong: "fold = fold.page(records, until);",
        tests: REPLAY,
    },
    Plant {
        name: "one address may hold every connection",
        file: "crates/server/src/api/serve/shares.rs",
        right: "if *count >= self.most {",
        wrong: "if *count >= usize::MAX {",
        tests: ONE_ADDRESS,
    },
    Plant {
        name: "an IPv6 site guesses with all its networks",
        file: "crates/server/src/api/access/limits/guesses.rs",
        right: "|| wrong(&window.of_site, site(address)) >= of_site;",
        wrong: "|| wrong(&window.of_site, site(address)) == u32::MAX;",
        tests: LIMITS,
    },
    Plant {
        name: "an IPv6 site makes polls with all its networks",
        file: "crates/server/src/api/access/limits/keyed.rs",
        right: "if address.is_ipv6() { self.of_site",
        wrong: "if address.is_ipv4() { self.of_site",
        tests: LIMITS,
    },
    Plant {
        name: "polls that close at one moment are closed one by one",
        file: "crates/server/src/processor/housekeeping.rs",
        right: "MOST_A_STEP: usize = 1_024;",
        wrong: "MOST_A_STEP: usize = 1;",
        tests: PROCESSOR,
    },
    Plant {
        name: "who is refused fills the disk",
        file: "crates/server/src/api/problem/security.rs",
        right: "let writes = window.written < LINES;",
        wrong: "let writes = window.written < u32::MAX;",
        tests: SECURITY,
    },
    Plant {
        name: "a ballot's id goes on record",
        file: "crates/server/src/api/problem/security.rs",
        right: "below.split('/').next()?.parse().ok()",
        wrong: "below.split('/').find_map(|part| part.parse().ok())",
        tests: SECURITY_LINES,
    },
    Plant {
        name: "polls on their way to being open take no room",
        file: "crates/server/src/api/access/capacity.rs",
        right: "open + on_their_way < most",
        wrong: "open < most",
        tests: ROOM,
    },
    Plant {
        name: "a poll that is closed is still counted as open",
        file: "crates/server/src/watch/polls.rs",
        right: "if std::mem::replace(&mut state.open, open && !state.gone) {",
        wrong: "if std::mem::replace(&mut state.open, open && !state.gone) && open {",
        tests: ROOM,
    },
    Plant {
        name: "a setting's limits are not heeded",
        file: "crates/server/src/config/form.rs",
        right: "text.trim().parse().ok().filter(|number| range.contains(number))",
        wrong: "text.trim().parse().ok().filter(|_| true)",
        tests: SETTINGS,
    },
    Plant {
        name: "what is wrong with former secrets is told with the secrets",
        file: "crates/server/src/config/form.rs",
        right: "ValueForm::new(\"SECRETS\", read, |_| String::new()).secret()",
        wrong: "ValueForm::new(\"SECRETS\", read, |_| String::new())",
        tests: SETTINGS,
    },
    Plant {
        name: "a browser keeps what is shown to an owner alone",
        file: "crates/server/src/api/poll/read.rs",
        right: "Audience::Owner => return Ok(answer::ok(&poll)),",
        wrong: "Audience::Owner => ('o', true),",
        tests: CACHES,
    },
    Plant {
        name: "a change that is found made behind the client's back is on no record",
        file: "crates/server/src/api/change/mod.rs",
        right: "if *found == after {",
        wrong: "if *found == before {",
        tests: SECURITY,
    },
    Plant {
        name: "who comes through a proxy of the machine hears a backend's words",
        file: "crates/server/src/api/access/asker.rs",
        right: "is_local: near && !passed_on,",
        wrong: "is_local: near && (passed_on || !passed_on),",
        tests: READY,
    },
    Plant {
        name: "a password that everybody knows outlives the release that knew it",
        file: "cluster/compose/postgres.sh",
        right: "if [ -s \"$PGDATA/PG_VERSION\" ]; then",
        wrong: "if false; then",
        tests: COMPOSE,
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// Makes `make test`, and not only `make plant`, fail when the code that a bug replaces has changed.
    #[test]
    fn every_bug_has_its_place() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for plant in PLANTS {
            if let Err(error) = crate::plant::healthy(&root, plant) {
                panic!("{error}");
            }
        }
    }
}
