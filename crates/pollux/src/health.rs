//! `pollux health` says by its exit code whether a server takes votes.

use std::io::{Write, stdout};

use hyper::Method;

use crate::client::{Server, call};
use crate::exit::Outcome;
use crate::terminal;

/// Check whether a server takes votes (for container health checks)
#[derive(clap::Args)]
#[command(
    after_help = "Exits 0 if the log takes votes, 4 if it does not or if the server does not answer.\n\n\
    Examples:\n  pollux health\n  pollux health --url http://polls.internal:5000"
)]
pub struct Args {
    /// The server's URL
    #[arg(long, env = "POLLUX_URL", default_value = "http://localhost:5000")]
    url: Server,
}

/// Asks the server whether it takes votes.
pub async fn run(args: Args, json: bool) -> Outcome {
    let answer: serde_json::Value = call(&args.url, Method::GET, "/readyz", None).await?;
    if json {
        writeln!(stdout(), "{answer}")?;
    } else {
        terminal::tell(format_args!("{} takes votes", args.url));
    }
    Ok(())
}
