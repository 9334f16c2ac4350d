//! The command line is tested from outside: help, usage, settings and their sources, exit codes. What needs a
//! running server is tested elsewhere.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output, Stdio};

const COMMANDS: [&str; 13] = [
    "serve",
    "demo",
    "simulate",
    "produce",
    "consume",
    "topics",
    "watch",
    "recount",
    "export",
    "trace",
    "health",
    "completions",
    "man",
];

/// Returns `pollux` with an environment that holds no setting of ours, run in this folder.
fn pollux(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pollux"));
    command.current_dir(folder).env_clear().env("COLUMNS", "100");
    command
}

fn run(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    pollux(folder.path()).args(arguments).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn help_of_every_command() {
    let top = run(&["--help"]);
    assert_eq!(code(&top), 0);
    insta::assert_snapshot!("help", stdout(&top));
    for command in COMMANDS {
        let output = run(&[command, "--help"]);
        assert_eq!(code(&output), 0, "{command}");
        let text = stdout(&output);
        assert!(text.contains("Examples:"), "{command} shows no example");
        insta::assert_snapshot!(format!("help-{command}"), text);
    }
    for action in ["create", "alter", "describe"] {
        let output = run(&["topics", action, "--help"]);
        assert_eq!(code(&output), 0, "{action}");
        insta::assert_snapshot!(format!("help-topics-{action}"), stdout(&output));
    }
}

#[test]
fn wrong_usage_exits_2_and_says_why_on_stderr() {
    for arguments in [
        &[][..],
        &["vote"],
        &["serve", "--no-such-flag"],
        &["serve", "--port", "abc"],
        &["serve", "--port", "65536"],
        &["serve", "--log", "pollux=loud"],
        &["simulate", "--rate", "fast"],
        &["simulate", "--skew", "-1"],
        &["simulate", "--duplicates", "2"],
        &["simulate", "--url", "localhost:5000"],
        &["simulate", "--url", "https://localhost"],
        &["produce", "--poll", "482913", "--question", "Why?"],
        &["produce", "--question", "Why?"],
        &["produce", "--in-flight", "0"],
        &["consume", "--offset", "yesterday"],
        &["consume", "--topic", "ballots"],
        &["consume", "--group", "mine", "--partition", "3"],
        &["consume", "--from-beginning", "--offset", "-3"],
        &["consume", "--kafka-broker", "kafka1"],
        &["topics"],
        &["topics", "delete"],
        &["topics", "create", "--kafka-replication", "0"],
        &["demo", "--for", "soon"],
        &["watch"],
        &["watch", "../leaderboard"],
        &["export"],
        &["export", "482913", "--all"],
        &["export", "--all", "--format", "xlsx"],
        &["trace"],
        &["trace", "not-a-ballot"],
        &["trace", "01890a5d-ac96-774b-bcce-b302099a8057", "--cast", "482913"],
        &["trace", "01890a5d-ac96-774b-bcce-b302099a8057", "--option", "2"],
        &["completions", "tcsh-of-old"],
    ] {
        let output = run(arguments);
        assert_eq!(code(&output), 2, "{arguments:?}: {}", stderr(&output));
        assert_eq!(stdout(&output), "", "{arguments:?}");
        assert_ne!(stderr(&output), "", "{arguments:?}");
    }
}

#[test]
fn a_wrong_setting_names_its_source() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), "# ours\nPOLLUX_DRAIN=5s\nPORT=abc\n").unwrap();
    let serve = |command: &mut Command| {
        let output = command.arg("serve").output().unwrap();
        assert_eq!(code(&output), 2);
        stderr(&output)
    };
    let said = serve(&mut pollux(folder.path()));
    assert_eq!(said, "pollux: PORT=abc (from .env line 3): not a port from 0 to 65535\n");
    let said = serve(pollux(folder.path()).env("PORT", "99999"));
    assert_eq!(said, "pollux: PORT=99999 (from the environment): not a port from 0 to 65535\n");
    let output = pollux(folder.path()).args(["serve", "--port=-1"]).output().unwrap();
    assert_eq!(stderr(&output), "pollux: --port -1: not a port from 0 to 65535\n");
    let said = serve(pollux(folder.path()).env("PORT", "0").env("POLLUX_SECRET", "hunter2"));
    assert!(said.contains("POLLUX_SECRET") && !said.contains("hunter2"), "{said}");
}

#[test]
fn misspelt_settings_are_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let output = pollux(folder.path())
        .args(["serve", "--port", "abc"])
        .env("POLLUX_PROT", "80")
        .output()
        .unwrap();
    let said = stderr(&output);
    assert!(
        said.contains("warning: POLLUX_PROT (from the environment) is not a setting"),
        "{said}"
    );
}

#[test]
fn one_cluster_variable_alone_names_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let output = pollux(folder.path()).arg("serve").env("KAFKA_BROKER", "k:9092").output().unwrap();
    assert_eq!(code(&output), 2);
    insta::assert_snapshot!("one-variable-alone", stderr(&output));
}

#[test]
fn a_cluster_that_does_not_answer_exits_4() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = pollux(folder.path())
        .args(["serve", "--port", "0", "--wait", "1s", "--kafka-broker", &nobody.to_string()])
        .args(["--db-host", "127.0.0.1", "--db-user", "pollux", "--db-password", "secret"])
        .env("POLLUX_SECRET", "0123456789abcdef")
        .output()
        .unwrap();
    let said = stderr(&output);
    assert_eq!(code(&output), 4, "{said}");
    assert!(said.contains(&format!("Kafka: no answer from {nobody}")), "{said}");
}

#[test]
fn a_taken_port_is_told_with_its_holder_and_a_free_one() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let output = run(&["serve", "--host", "127.0.0.1", "--port", &port]);
    assert_eq!(code(&output), 1);
    let said = stderr(&output);
    assert!(said.contains(&format!("port {port} is taken by")), "{said}");
    assert!(said.contains("the next free one: --port "), "{said}");
    #[cfg(target_os = "linux")]
    assert!(said.contains(&format!("(pid {})", std::process::id())), "{said}");
}

#[test]
fn a_server_that_is_not_there_exits_4() {
    // This port was free a moment ago, so nobody listens there.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for arguments in [&["simulate"][..], &["watch", "482913"], &["health"]] {
        let output = run(&[arguments, &["--url", &url]].concat());
        assert_eq!(code(&output), 4, "{arguments:?}: {}", stderr(&output));
        assert_eq!(stdout(&output), "");
    }
}

#[test]
fn no_broker_named_exits_2_and_no_broker_there_exits_4() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap().to_string();
    drop(listener);
    let commands = [
        &["topics", "create"][..],
        &["topics", "alter"],
        &["topics", "describe"],
        &["consume"],
        &["produce", "--poll", "482913"],
    ];
    for arguments in commands {
        let output = run(arguments);
        assert_eq!(code(&output), 2, "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains("set KAFKA_BROKER"), "{}", stderr(&output));
    }
    // Each command is patient for a while, so all run at once.
    let folder = tempfile::tempdir().unwrap();
    let asking = commands.map(|arguments| {
        pollux(folder.path())
            .args(arguments)
            .args(["--kafka-broker", &nobody])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    });
    for asking in asking {
        let output = asking.wait_with_output().unwrap();
        assert_eq!(code(&output), 4, "{}", stderr(&output));
        let said = format!("no answer from {nobody}");
        assert!(stderr(&output).contains(&said), "{}", stderr(&output));
    }
}

#[test]
fn half_a_clusters_settings_are_not_taken_for_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    for command in [&["recount"][..], &["export", "--all"]] {
        let output =
            pollux(folder.path()).args(command).env("KAFKA_BROKER", "k:9092").output().unwrap();
        assert_eq!(code(&output), 2, "{command:?}");
        assert!(stderr(&output).contains("DB_HOST"), "{}", stderr(&output));
        // A folder that is named on the command line is used, whatever the environment says of a cluster.
        let output = pollux(folder.path())
            .args(command)
            .args(["--data", "nowhere"])
            .env("KAFKA_BROKER", "k:9092")
            .output()
            .unwrap();
        assert!(stderr(&output).contains("no data folder nowhere"), "{}", stderr(&output));
    }
}

#[test]
fn a_missing_data_folder_is_named() {
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    for arguments in [&["recount"][..], &["export", "--all"], &["trace", id]] {
        let output = run(&[arguments, &["--data", "nowhere"]].concat());
        assert_eq!(code(&output), 1, "{arguments:?}");
        assert!(stderr(&output).contains("no data folder nowhere"), "{}", stderr(&output));
    }
}

#[test]
fn completions_and_man_pages_are_made() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(&["completions", shell]);
        assert_eq!(code(&output), 0, "{shell}");
        assert!(stdout(&output).contains("simulate"), "{shell}");
    }
    let folder = tempfile::tempdir().unwrap();
    let output = pollux(folder.path()).args(["man", "pages"]).output().unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    for command in COMMANDS {
        assert!(folder.path().join(format!("pages/pollux-{command}.1")).is_file(), "{command}");
    }
    assert!(folder.path().join("pages/pollux-topics-describe.1").is_file());
}

/// A shell runs every line that docs/kafka-tutorial.md tells its reader to type. In that shell our commands
/// only say whether they know their flags, and all others do nothing.
#[test]
fn the_commands_of_the_tutorial_are_understood() {
    const SHELL: &str = r#"
        pollux() { "$BINARY" "$@" --help > /dev/null || echo "not understood: pollux $*" >> wrong; echo ran >> ran; }
        cargo() {
            case "$1 $2 $3" in
                "xtask cluster env" | "xtask cluster status") ;;
                "xtask cluster "kill | "xtask cluster "pause | "xtask cluster "resume | "xtask cluster "start) ;;
                *) echo "not understood: cargo $*" >> wrong ;;
            esac
            shift 3
            for name in "$@"; do
                case "$name" in
                    zk[123] | kafka[123] | pg | processor[12] | web[12]) ;;
                    *) echo "no member: $name" >> wrong ;;
                esac
            done
        }
        make() { case "$1" in cluster | cluster-down) ;; *) echo "not understood: make $*" >> wrong ;; esac; }
        curl() { :; }; kcat() { :; }; psql() { :; }; jq() { :; }; wscat() { :; }; tail() { :; }
    "#;
    let folder = tempfile::tempdir().unwrap();
    let mut commands = 0;
    for line in include_str!("../../../docs/kafka-tutorial.md").lines() {
        // A line that talks to ZooKeeper over bash's own sockets is left out.
        let Some(line) = line.strip_prefix("$ ").filter(|line| !line.starts_with('(')) else {
            continue;
        };
        let output = Command::new("bash")
            .args(["-c", &format!("{SHELL}\n{line}")])
            .current_dir(folder.path())
            .env("BINARY", env!("CARGO_BIN_EXE_pollux"))
            .env("CODE", "482913")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert_eq!((code(&output), stderr(&output).as_str()), (0, ""), "{line}");
        commands += 1;
    }
    assert!(commands > 30, "{commands} commands only");
    assert_eq!(std::fs::read_to_string(folder.path().join("wrong")).unwrap_or_default(), "");
    let ran = std::fs::read_to_string(folder.path().join("ran")).unwrap();
    assert!(ran.lines().count() > 10, "{ran}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = pollux(folder.path())
        .args(["completions", "bash"])
        .stdout(Stdio::from(writer))
        .output()
        .unwrap();
    assert_eq!((code(&output), stderr(&output).as_str()), (0, ""));
}
