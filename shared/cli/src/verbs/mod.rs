//! One file per verb: its arguments, and what it does.

pub mod abort;
pub mod apply;
pub mod approve;
pub mod audit;
pub mod completions;
pub mod contract;
pub mod deploy;
pub mod get;
pub mod history;
pub mod lint;
pub mod metrics;
pub mod plan;
pub mod push;
pub mod rehearse;
pub mod reject;
pub mod release;
pub mod report;
pub mod rollback;
pub mod runbook;
pub mod simulate;
