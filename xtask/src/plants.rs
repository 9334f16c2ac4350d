//! The bugs that `make plant` plants. Each is one that a live-poll server has had, or that its
//! author would swear not to have written. In an order in which neighbours share what has to be
//! built again.

use crate::plant::Plant;

const CHECKER: &[&str] = &["-p", "pollux-checker"];
const CORE: &[&str] = &["-p", "pollux-core"];
const SIMULATION: &[&str] = &["-p", "pollux-server", "--test", "simulation", "every_seed"];
const WATCH: &[&str] = &["-p", "pollux-server", "--test", "watch", "states::"];
const PROCESSOR: &[&str] = &["-p", "pollux-server", "--test", "processor"];
const API: &[&str] = &["-p", "pollux-server", "--test", "api", "--test", "api_live"];
const EVENT: &[&str] = &["-p", "pollux-core", "--test", "event"];
const EVENTS: &[&str] = &["-p", "pollux-server", "--test", "api_events"];
const FIGURES: &[&str] = &["-p", "pollux-server", "--test", "api_figures"];
const REPLAY: &[&str] = &["-p", "pollux-server", "--lib", "replay::"];
const IDENTITY: &[&str] = &["-p", "pollux-server", "--lib", "identity::"];
const STORE: &[&str] = &["-p", "pollux-server", "--lib", "store::"];
const LOG: &[&str] = &["-p", "pollux-server", "--lib", "log::"];
const FOLDER: &[&str] = &["-p", "pollux", "--test", "folder"];
/// One scenario each, on a real cluster of its own.
const SPLIT: &[&str] = &["-p", "pollux", "--test", "faults", "a leader and ZooKeeper"];
const FROZEN: &[&str] = &["-p", "pollux", "--test", "faults", "two of three"];

/// All of them.
pub const PLANTS: &[Plant] = &[
    // The judge itself.
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
    // The fold, and the sum over partitions.
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
        right: "Some((_, choice)) => tally.subtract(choice),",
        wrong: "Some(_) => {}",
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
        right: "old.age() < tally.age()",
        wrong: "old.age() != tally.age()",
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
    // The path of a vote.
    Plant {
        name: "answer before the log has acknowledged",
        file: "crates/server/src/api/vote.rs",
        right: "let position = append(app, &record).await.map_err(|problem| problem.with_ballot(ballot))?;",
        wrong: "let _ = tokio::time::timeout(std::time::Duration::ZERO, append(app, &record)).await; let position = Position { partition: 0, offset: None };",
        tests: SIMULATION,
    },
    Plant {
        name: "say 503 where the outcome is unknown",
        file: "crates/server/src/api/vote.rs",
        right: "Trouble::OutcomeUnknown,\n                \"the log did not say",
        wrong: "Trouble::NotRecorded,\n                \"the log did not say",
        tests: SIMULATION,
    },
    Plant {
        name: "a retry gets a new ballot id",
        file: "crates/server/src/api/vote.rs",
        right: "let ballot = cast.ballot_id(app)?;",
        wrong: "let _ = cast.ballot_id(app)?; let ballot = app.ballot_id();",
        tests: SIMULATION,
    },
    Plant {
        name: "say closed while the ballot may still be counted",
        file: "crates/server/src/api/vote.rs",
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
        file: "crates/server/src/processor/batch.rs",
        right: "if tally.changes != changes {",
        wrong: "if false {",
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
        wrong: "            self.announce(commit.tallies.clone()).await?;\n            self.processor.store.commit(self.slice.partition, &commit).await?;",
        tests: SIMULATION,
    },
    Plant {
        name: "announce more than is committed",
        file: "crates/server/src/processor/worker.rs",
        right: "let next_offset = self.next;",
        wrong: "let next_offset = self.next + 1;",
        tests: SIMULATION,
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
        right: "self.commit.durable = true;",
        wrong: "",
        tests: PROCESSOR,
    },
    Plant {
        name: "do not announce what the worker before had committed",
        file: "crates/server/src/processor/worker.rs",
        right: "worker.announce(missed).await?;",
        wrong: "drop(missed);",
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
        right: "before.is_some_and(|before| committed <= *before) && committed < end",
        wrong: "before.is_some_and(|before| committed <= *before)",
        tests: PROCESSOR,
    },
    // What is shown, and to whom.
    Plant {
        name: "a version goes back for a viewer who reconnects",
        file: "crates/server/src/watch/hub.rs",
        right: "now < known.until && known.news == news",
        wrong: "now < known.until",
        tests: WATCH,
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
        file: "crates/server/src/watch/tick.rs",
        right: "state.next_at = Some(now + self.limits().tick);",
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
        file: "crates/server/src/api/vote.rs",
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
        right: "if !poll.close(now).unwrap_or(false) {",
        wrong: "if expected < u64::MAX {",
        tests: API,
    },
    Plant {
        name: "anybody's token changes a poll",
        file: "crates/server/src/api/lookup.rs",
        right: "    app.keys.allow(token, &standing.poll.owner, right)?;\n",
        wrong: "    let _ = right;\n",
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
        file: "crates/server/src/api/identity.rs",
        right: "same(&self.signature(value), signature).then_some(*value)",
        wrong: "(signature.len() == 16).then_some(*value)",
        tests: IDENTITY,
    },
    // What is kept.
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
        file: "crates/server/src/processor/worker.rs",
        right: "let owed = (announced < next).then(Instant::now);",
        wrong: "let owed = None;",
        tests: PROCESSOR,
    },
    Plant {
        name: "commit the offset without the tallies (SQLite)",
        file: "crates/server/src/store/embedded/writer.rs",
        right: "write_tallies(conn, &mut keys, partitions, commit)?;",
        wrong: "let _ = partitions;",
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
        name: "a queue without a bound",
        file: "crates/server/src/log/embedded/queue.rs",
        right: "state.waiting + state.underway >= self.bound",
        wrong: "false",
        tests: LOG,
    },
    Plant {
        name: "count a record in the wrong partition",
        file: "crates/server/src/processor/batch.rs",
        right: "ballot_partition(ballot.poll, ballot.voter, partitions) != partition",
        wrong: "partition >= partitions",
        tests: FOLDER,
    },
    Plant {
        name: "a recount that finds no difference",
        file: "crates/pollux/src/recount.rs",
        right: "if log.unwrap_or(&fresh) != store",
        wrong: "if log.is_none() && log.unwrap_or(&fresh) != store",
        tests: FOLDER,
    },
    // What is told beside a poll.
    Plant {
        name: "a result's hash leaves out the voters",
        file: "crates/core/src/result.rs",
        right: "\\\"voters\\\":{voters}}}\\n",
        wrong: "\\\"voters\\\":0}}\\n",
        tests: CORE,
    },
    Plant {
        name: "a hidden poll's pulse is counted aloud",
        file: "crates/server/src/api/pulse.rs",
        right: "if view::sees_numbers(&standing.poll, audience) {",
        wrong: "if view::sees_numbers(&standing.poll, audience) || !standing.poll.revealed {",
        tests: FIGURES,
    },
    Plant {
        name: "a replay counts who changed their mind twice",
        file: "crates/server/src/api/replay.rs",
        right: "replaces.map_or(Choice::NONE, |_| stood)",
        wrong: "replaces.map_or(Choice::NONE, |_| Choice::NONE)",
        tests: REPLAY,
    },
    Plant {
        name: "a replay that is not the result is shown",
        file: "crates/server/src/api/replay.rs",
        right: "Ok(same.then_some(view))",
        wrong: "Ok(Some(view).filter(|_| same || standing.is_final()))",
        tests: REPLAY,
    },
    // Events.
    Plant {
        name: "an event's version that a reopening leaves as it was",
        file: "crates/core/src/event.rs",
        right: "polls.map(|item| 2 * item.version + u64::from(item.is_final))",
        wrong: "polls.map(|item| item.version + u64::from(item.is_final))",
        tests: EVENT,
    },
    Plant {
        name: "a stage's token does all that the owner's does",
        file: "crates/server/src/api/identity.rs",
        right: "(true, ..) | (_, true, Right::Stage) => Ok(()),",
        wrong: "(true, ..) | (_, true, _) => Ok(()),",
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
        file: "crates/server/src/watch/program.rs",
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
    // What only a real cluster shows.
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
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// So that `make test` says when the code has moved on, and not only `make plant`.
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
