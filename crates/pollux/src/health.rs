//! `pollux health`: whether a server takes votes, as an exit code.

use std::io::{Write, stdout};

use hyper::Method;

use crate::client::{Server, call};
use crate::exit::Outcome;

/// Ask a server whether it takes votes (for container health checks)
#[derive(clap::Args)]
#[command(
    after_help = "Exits 0 when the log takes votes, 4 when it does not or nobody answers.\n\n\
    Examples:\n  pollux health\n  pollux health --url http://polls.internal:5000"
)]
pub struct Args {
    /// The server
    #[arg(long, env = "POLLUX_URL", default_value = "http://localhost:5000")]
    url: Server,
}

/// Ask.
pub async fn run(args: Args, json: bool) -> Outcome {
    let answer: serde_json::Value = call(&args.url, Method::GET, "/readyz", None).await?;
    if json {
        writeln!(stdout(), "{answer}")?;
    } else {
        eprintln!("{} takes votes", args.url);
    }
    Ok(())
}
