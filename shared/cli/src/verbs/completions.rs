//! `tidegate completions`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::args::Cli;
use crate::context::Context;
use crate::status::{CliError, Status};

/// For which shell.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell, for example `source <(tidegate completions bash)`.
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

/// Prints the script.
///
/// # Errors
/// Where stdout is closed.
pub fn run(args: CompletionsArgs, cx: &Context) -> Result<Status, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "tidegate", &mut script);
    cx.out.print(&String::from_utf8_lossy(&script))?;
    Ok(Status::Ok)
}
