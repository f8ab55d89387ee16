//! Runs the subset of the Amazon States Language (JSONPath) that Tidegate's
//! state machines use, on a given clock.
//!
//! The machines that are deployed to AWS are the ones that the local cloud runs
//! and the tests check. This crate is the part that AWS does there: it reads a
//! definition, and says at each moment what has to be done next.
//!
//! # Bird's-eye view
//!
//! ```text
//! substitute ──> Machine::parse ──> Machine            read once, never changes
//!                                      │
//!        input, now, seed ──> Execution::start ──┐
//!        answer, now      ──> Execution::deliver ├──> commands for the host
//!        now              ──> Execution::tick  ──┘
//! ```
//!
//! The crate does no input or output. It knows no clock but the instants that
//! it is given, and no randomness but the seed of the execution. An
//! [`Execution`] is plain data that serialises; a host stores it after each
//! call, then carries out the [`Command`]s. After a crash
//! [`Execution::outstanding`] repeats those that nobody has answered.
//!
//! # Code map
//!
//! - `substitute`, `json`, `fields`, `load`, `load_rules`, `validate`: from
//!   text to a [`Machine`]. Whatever is not in the subset is refused here, with
//!   state and field, never at run time and never silently.
//! - `path`, `template`, `intrinsic`, `choice`, `retry`, `failure`: the parts
//!   of the language, each with its own evaluation.
//! - `execution`: what is stored. Each line of states (the machine's own and
//!   each branch of a Parallel state) is a branch, and is in one state.
//! - `run`: what moves an execution, one file per concern.
//! - `command`, `history`, `error`, `ids`: the vocabulary with the host.
//!
//! # The subset
//!
//! States: Task (a function's ARN, `lambda:invoke` without and with
//! `.waitForTaskToken`, `states:startExecution.sync:2`), Choice, Wait,
//! Parallel, Pass, Succeed, Fail. There is no Map. Intrinsic functions:
//! `States.Format`, `States.JsonToString`, `States.StringToJson`.
//!
//! # Architecture invariants
//!
//! - Nothing here panics on a definition, an input or an answer.
//! - A refused delivery changes nothing.
//! - The same machine, input, seed and deliveries at the same instants give the
//!   same execution, stored and read back in between or not.
//! - An answer at or after its task's deadline never counts, no matter in which
//!   order the host calls `deliver` and `tick`.
//!
//! # Where AWS's documentation leaves room
//!
//! - `States.Timeout` in `ErrorEquals` also takes a missed heartbeat, and
//!   `States.TaskFailed` takes neither.
//! - The failure of a branch keeps its own name on its way to the Parallel
//!   state's Retry and Catch; `States.BranchFailed` there takes any of them.
//! - A retry's delay is rounded to milliseconds.

mod choice;
mod command;
mod error;
mod execution;
mod failure;
mod fields;
mod history;
mod ids;
mod intrinsic;
mod json;
mod load;
mod load_rules;
mod machine;
mod path;
mod retry;
mod run;
mod substitute;
mod template;
mod validate;

pub use command::{Command, Delivery, EndedExecution, Ending, Status};
pub use error::{DeliverError, LoadError, Place};
pub use execution::Execution;
pub use failure::names;
pub use history::{ErrorDetails, EventKind, HistoryEvent, Integration};
pub use ids::{ExecutionId, TaskId, TaskToken};
pub use machine::{Edge, EdgeKind, Machine, StateType, StateView};
pub use run::{MAX_HISTORY_EVENTS, MAX_PAYLOAD_BYTES};
pub use substitute::substitute;
