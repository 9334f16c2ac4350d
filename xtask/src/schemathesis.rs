//! `make schemathesis` makes up requests from the OpenAPI document and sends them to the real binary. Any 5xx
//! is a failure, and so is any answer that the document does not allow.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// The Makefile installs the pinned version at this path.
const TOOL: &str = ".tools/schemathesis/bin/st";
const FOLDER: &str = "target/schemathesis";
const TOKEN: &str = "schemathesis-operators-token";
/// The seed is fixed, so that a run that failed fails again.
const SEED: &str = "1";
/// The whole run may take this many seconds.
const MOST_SECONDS: &str = "60";
/// The server may refuse a request that breaks the schema by any of these statuses. To those that the tool expects it adds
/// 413: a body that is too large is refused before it is read.
const REFUSALS: &str = "[checks.negative_data_rejection]\n\
     expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429]\n";
/// These operations are on a poll. Each has a poll of its own, since one closes its poll and another deletes
/// it.
const ON_A_POLL: [(&str, &str); 16] = [
    ("GET", ""),
    ("PATCH", ""),
    ("DELETE", ""),
    ("POST", "/vote"),
    ("GET", "/ballots/{ballotId}"),
    ("POST", "/open"),
    ("POST", "/close"),
    ("POST", "/reopen"),
    ("POST", "/reveal"),
    ("POST", "/reset"),
    ("POST", "/token"),
    ("POST", "/stage"),
    ("GET", "/pulse"),
    ("GET", "/trend"),
    ("GET", "/replay"),
    ("GET", "/export"),
];
/// These operations are on an event. Each has an event of its own.
const ON_AN_EVENT: [(&str, &str); 10] = [
    ("GET", ""),
    ("PATCH", ""),
    ("DELETE", ""),
    ("POST", "/polls"),
    ("POST", "/show"),
    ("POST", "/stage"),
    ("POST", "/token"),
    ("GET", "/logo"),
    ("PUT", "/logo"),
    ("DELETE", "/logo"),
];

/// `Target` is a running server, which is killed when dropped.
struct Target(Child);

impl Drop for Target {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Builds and starts the server, and sends it requests.
pub fn run() -> Result<()> {
    ensure!(Path::new(TOOL).exists(), "{TOOL} is missing; `make schemathesis` installs it");
    let built = Command::new(env!("CARGO")).args(["build", "-p", "pollux"]).status()?;
    ensure!(built.success(), "the build failed");
    let _ = fs::remove_dir_all(FOLDER);
    fs::create_dir_all(FOLDER)?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let log = fs::File::create(format!("{FOLDER}/server.log"))?;
    let server = Command::new("target/debug/pollux")
        .args(["serve", "--embedded", "--host", "127.0.0.1", "--port", &port.to_string()])
        .args(["--data", &format!("{FOLDER}/data")])
        .env("POLLUX_ADMIN_TOKEN", TOKEN)
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .context("target/debug/pollux")?;
    let _server = Target(server);
    let config = format!("{FOLDER}/schemathesis.toml");
    fs::write(&config, configuration(port)?)?;
    let status = Command::new(TOOL)
        .args(["--config-file", &config, "run"])
        .arg(format!("http://127.0.0.1:{port}/api/openapi.json"))
        .args(["--url", &format!("http://127.0.0.1:{port}")])
        .args(["--seed", SEED, "--max-time", MOST_SECONDS, "--max-examples", "50"])
        .args(["--phases", "examples,coverage,fuzzing", "--continue-on-failure"])
        .args(["--request-timeout", "20", "--generation-database", "none", "--warnings", "off"])
        // The server may refuse what the schema allows, for reasons that a schema cannot state (a cursor
        // is opaque, a key has a length). And a draft does not exist for those to whom it is not shown:
        // the answer is 404, not 403.
        .args(["--exclude-checks", "positive_data_acceptance,ignored_auth"])
        // Streams do not end; the tests of the API read them.
        .args(["--exclude-path", "/api/events", "--exclude-path", "/api/polls/{id}/events"])
        .args(["--header", &format!("Authorization: Bearer {TOKEN}")])
        .status()
        .context(TOOL)?;
    ensure!(status.success(), "schemathesis found something (seed {SEED}; {FOLDER}/server.log)");
    Ok(())
}

/// Returns the configuration, which says which poll or event each operation gets.
fn configuration(port: u16) -> Result<String> {
    let mut text = REFUSALS.to_owned();
    let mut write = |method, route, rest, id| {
        writeln!(
            text,
            "\n[[operations]]\ninclude-name = \"{method} {route}/{{id}}{rest}\"\n\
             parameters = {{ \"path.id\" = \"{id}\" }}"
        )
    };
    for (method, rest) in ON_A_POLL {
        let draft = rest == "/open" || method == "PATCH";
        let body = format!(
            r#"{{"question":"Which?","options":["JavaScript","Python","Rust"],"open":{}}}"#,
            !draft
        );
        write(method, "/api/polls", rest, create(port, "/api/polls", &body)?)?;
    }
    for (method, rest) in ON_AN_EVENT {
        let id = create(port, "/api/events", r#"{"title":"A conference"}"#)?;
        write(method, "/api/events", rest, id)?;
    }
    Ok(text)
}

/// Creates a poll or an event and returns its id.
fn create(port: u16, route: &str, body: &str) -> Result<String> {
    let request = format!(
        "POST {route} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let started = Instant::now();
    let mut tcp = loop {
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(tcp) => break tcp,
            Err(error) if started.elapsed() > Duration::from_secs(20) => return Err(error.into()),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    };
    tcp.write_all(request.as_bytes())?;
    let mut answer = String::new();
    tcp.read_to_string(&mut answer)?;
    let id = answer.split("\"id\":\"").nth(1).and_then(|rest| rest.split('"').next());
    id.map(str::to_owned).with_context(|| format!("nothing was made: {answer}"))
}
