//! `tidegate rollback`.

use api::model::StopRequest;
use clap::Args;

use super::abort;
use crate::context::Context;
use crate::reference::{self, Reference};
use crate::status::{CliError, Status};

/// What to take back, and why.
#[derive(Debug, Args)]
pub struct RollbackArgs {
    /// Which: an id, the beginning of one, or SERVICE/ENVIRONMENT for the running or newest one there.
    #[arg(value_name = "DEPLOYMENT")]
    pub deployment: Reference,
    /// Why; it goes into the journal.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
}

/// Takes a deployment back: a running one is stopped, a completed one gets a reversal of its own.
///
/// # Errors
/// There is nothing to go back to, the window is over, or Tidegate can't be asked.
pub async fn run(args: RollbackArgs, cx: &Context) -> Result<Status, CliError> {
    let api = cx.api().await?;
    let id = reference::find(&api, &args.deployment).await?.id;
    let answer = api.rollback(&id, &StopRequest { reason: args.reason }).await?;
    abort::told(cx, &answer)
}
