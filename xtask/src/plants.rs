//! The bugs that `make plant` plants. Each is one that a live-poll server has had, or that its
//! author would swear not to have written.

use crate::plant::Plant;

const SIMULATION: &[&str] = &["-p", "pollux-server", "--test", "simulation", "every_seed"];
const FOLD: &[&str] = &["-p", "pollux-core", "--test", "fold"];
const STORE: &[&str] = &["-p", "pollux-server", "--lib", "store::"];
const LOG: &[&str] = &["-p", "pollux-server", "--lib", "log::"];
const WATCH: &[&str] = &["-p", "pollux-server", "--test", "watch"];
const API: &[&str] = &["-p", "pollux-server", "--test", "api", "--test", "api_live"];

/// All of them.
pub const PLANTS: &[Plant] = &[
    Plant {
        name: "answer before the log has acknowledged",
        file: "crates/server/src/api/vote.rs",
        right: "let position = append(app, &record).await.map_err(|problem| problem.with_ballot(ballot))?;",
        wrong: "let _ = tokio::time::timeout(std::time::Duration::ZERO, append(app, &record)).await; \
                let position = Position { partition: 0, offset: None };",
        tests: SIMULATION,
    },
    Plant {
        name: "say 503 where the outcome is unknown",
        file: "crates/server/src/api/vote.rs",
        right: "Trouble::OutcomeUnknown,\n                \"the log did not say whether it has the ballot\",",
        wrong: "Trouble::NotRecorded,\n                \"the log did not say whether it has the ballot\",",
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
        name: "drop the compare-and-set (memory)",
        file: "crates/server/src/store/memory/state.rs",
        right: "if progress.next_offset != commit.from {",
        wrong: "if false {",
        tests: SIMULATION,
    },
    Plant {
        name: "drop the compare-and-set (SQLite)",
        file: "crates/server/src/store/embedded/writer.rs",
        right: "WHERE partition = ?1 AND next_offset = ?2",
        wrong: "WHERE partition = ?1 AND ?2 >= 0",
        tests: STORE,
    },
    Plant {
        name: "announce before the commit",
        file: "crates/server/src/processor/worker.rs",
        right: "            self.processor.store.commit(self.slice.partition, &commit).await?;",
        wrong: "            self.announce(commit.tallies.clone()).await?;\n            \
                self.processor.store.commit(self.slice.partition, &commit).await?;",
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
        name: "count a duplicate again",
        file: "crates/core/src/tally.rs",
        right: "    if let Some(status) = before {\n        return Decision::Repeated(status);\n    }",
        wrong: "",
        tests: FOLD,
    },
    Plant {
        name: "count what comes after the close",
        file: "crates/core/src/tally.rs",
        right: "tally.gate != Gate::Open || ",
        wrong: "",
        tests: FOLD,
    },
    Plant {
        name: "leave the replaced ballot's mark in the tally",
        file: "crates/core/src/tally.rs",
        right: "Some((_, choice)) => tally.subtract(choice),",
        wrong: "Some(_) => {}",
        tests: FOLD,
    },
    Plant {
        name: "an older tally replaces a newer one",
        file: "crates/core/src/standing.rs",
        right: "old.age() < tally.age()",
        wrong: "old.age() != tally.age()",
        tests: WATCH,
    },
    Plant {
        name: "final before every partition has closed",
        file: "crates/core/src/standing.rs",
        right: "&& self.tallies.iter().all(|t| phase(t) == self.poll.phase)",
        wrong: "&& self.tallies.iter().any(|t| phase(t) == self.poll.phase)",
        tests: SIMULATION,
    },
    Plant {
        name: "hidden numbers in the totals",
        file: "crates/server/src/watch/view.rs",
        right: "total_votes: numbers.then(|| standing.total_votes()),",
        wrong: "total_votes: Some(standing.total_votes()),",
        tests: API,
    },
    Plant {
        name: "acknowledge before the fsync",
        file: "crates/server/src/log/embedded/writer.rs",
        right: "            None => self.make_durable(batches),",
        wrong: "            None => {\n                let waiters = waiters;\n                \
                let early = Answers { waiters, outcome: Ok(()) };\n                early.give();\n                \
                let _ = self.make_durable(batches);\n                return;\n            }",
        tests: LOG,
    },
    Plant {
        name: "a queue without a bound",
        file: "crates/server/src/log/embedded/queue.rs",
        right: "state.waiting.len() + state.underway >= self.bound",
        wrong: "false",
        tests: LOG,
    },
    Plant {
        name: "lose the control record that got lost",
        file: "crates/server/src/processor/housekeeping.rs",
        right: "before.is_some_and(|before| committed <= *before) && committed < end",
        wrong: "before.is_some_and(|before| committed <= *before)",
        tests: SIMULATION,
    },
];
