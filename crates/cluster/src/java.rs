//! This module makes the command lines of the cluster's Java processes.

use std::path::Path;
use std::process::Command;

use crate::jars::Jars;
use crate::member::{Member, Ready};
use crate::shared::JAVA_FLAGS;

/// Returns a member that is a Java process with one settings file.
pub(crate) fn member(
    name: String,
    heap: &[&str],
    jars: &Jars,
    main: &str,
    settings: &Path,
    ready: Ready,
) -> Member {
    let settings = settings.display().to_string();
    let what = ["-cp", &jars.classpath, main, &settings];
    let args = heap.iter().chain(JAVA_FLAGS).chain(&what);
    Member {
        name,
        program: "java".into(),
        args: args.map(|arg| (*arg).to_owned()).collect(),
        env: Vec::new(),
        user: None,
        ready,
    }
}

/// Returns a command for one of Kafka's own tools (`org.apache.kafka.tools.TopicCommand`). It prints what
/// was asked for, and warnings.
pub(crate) fn tool(jars: &Jars, main: &str) -> Command {
    let mut command = Command::new("java");
    command
        .args(["-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"])
        .arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
        .args(["-cp", &jars.classpath, main]);
    command
}
