//! `cargo run --profile bench-run -p tidegate-explore -- ci`: looks for runs that break an invariant.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool")]

mod program;

use std::process::ExitCode;

fn main() -> ExitCode {
    program::main()
}
