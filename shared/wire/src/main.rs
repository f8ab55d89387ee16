//! `cargo run --profile bench-run -p tidegate-wire -- ci`: every fault at every call to AWS.

mod program;

use std::process::ExitCode;

/// A fifth of the time goes into allocation: the SDK makes some hundred small strings a call.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    program::main()
}
