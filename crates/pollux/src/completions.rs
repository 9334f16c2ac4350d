//! `pollux completions` prints a script with which a shell completes our commands and flags.

use clap_complete::Shell;

use crate::exit::Outcome;

/// Print a completion script for a shell
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    pollux completions bash > /etc/bash_completion.d/pollux\n  \
    pollux completions zsh > ~/.zfunc/_pollux\n  \
    pollux completions fish > ~/.config/fish/completions/pollux.fish")]
pub struct Args {
    /// The shell
    shell: Shell,
}

/// Prints the script.
pub fn run(args: Args, mut command: clap::Command) -> Outcome {
    // The script is written to memory first: clap_complete panics if its writer fails, as with `| head`.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "pollux", &mut script);
    Ok(std::io::Write::write_all(&mut std::io::stdout(), &script)?)
}
