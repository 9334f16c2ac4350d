//! `pollux man` writes a man page for each command, made from the help texts.

use std::path::PathBuf;

use crate::exit::{Failure, Outcome};

/// Write the man pages into a folder
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    pollux man ./man && man ./man/pollux.1\n  \
    pollux man /usr/local/share/man/man1")]
pub struct Args {
    /// Folder to write into; created if it does not exist
    folder: PathBuf,
}

/// Writes the man pages.
pub fn run(args: Args, command: clap::Command) -> Outcome {
    let named = |error| Failure::from(error).context(args.folder.display());
    std::fs::create_dir_all(&args.folder).map_err(named)?;
    clap_mangen::generate_to(command, &args.folder).map_err(named)
}
