//! `cargo run --profile bench-run -p tidegate-explore -- ci`: looks for runs that break an invariant.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool")]

mod program;

use std::process::ExitCode;

/// A quarter of the time goes into allocation: every world is cloned, and every journal grown.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    program::main()
}
