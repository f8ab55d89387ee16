//! What the interpreter does, one sentence per test.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod data_flow;
mod durability;
mod loading;
mod machines;
mod nested;
mod parallel;
mod retry_and_catch;
mod tokens;
mod waits_and_limits;
mod world;
