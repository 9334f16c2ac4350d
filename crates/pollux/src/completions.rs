//! `pollux completions`: what a shell needs to complete our commands and flags.

use clap_complete::Shell;

use crate::exit::Outcome;

/// Print the completions of a shell
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    pollux completions bash > /etc/bash_completion.d/pollux\n  \
    pollux completions zsh > ~/.zfunc/_pollux\n  \
    pollux completions fish > ~/.config/fish/completions/pollux.fish")]
pub struct Args {
    /// Which shell
    shell: Shell,
}

/// Print them.
pub fn run(args: Args, mut command: clap::Command) -> Outcome {
    // Written to memory first: clap_complete panics when its writer fails, as `| head` makes it.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "pollux", &mut script);
    Ok(std::io::Write::write_all(&mut std::io::stdout(), &script)?)
}
