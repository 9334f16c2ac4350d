//! This module prepares the members of a cluster: it writes their settings and creates their data folders.

use std::path::Path;

use anyhow::{Result, anyhow};

use crate::jars::Jars;
use crate::member::Member;
use crate::plan::Plan;
use crate::{MEMBERS, Mode, broker, postgres, zookeeper};

/// Prepares every member of the plan, and returns them in the order of their start.
pub(crate) fn members(plan: &Plan, folder: &Path, jars: &Jars) -> Result<Vec<Member>> {
    // Creating PostgreSQL's files takes as long as formatting KRaft's, so both are done at once.
    std::thread::scope(|scope| {
        let database = scope.spawn(|| postgres::member(folder, &plan.database, None));
        let mut members = Vec::new();
        if plan.mode == Mode::ZooKeeper {
            for n in 1..=MEMBERS {
                members.push(zookeeper::member(folder, n, plan.ports, jars)?);
            }
        }
        for n in 1..=MEMBERS {
            members.push(broker::member(folder, n, plan, jars)?);
        }
        if plan.mode == Mode::KRaft {
            broker::format(folder, jars)?;
        }
        let database = database.join().map_err(|_| anyhow!("preparing PostgreSQL panicked"))?;
        members.push(database?);
        members.sort_by_key(|member| member.ready.wave());
        Ok(members)
    })
}
