//! `tidegate abort`.

use api::model::{StopAnswer, StopRequest};
use clap::Args;

use crate::context::Context;
use crate::reference::{self, Reference};
use crate::status::{CliError, Status};

/// What to stop, and why.
#[derive(Debug, Args)]
pub struct AbortArgs {
    /// Which: an id, the beginning of one, or SERVICE/ENVIRONMENT for the one that runs there.
    #[arg(value_name = "DEPLOYMENT")]
    pub deployment: Reference,
    /// Why; it goes into the journal.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
}

/// Stops a deployment.
///
/// # Errors
/// It has ended, or Tidegate can't be asked.
pub async fn run(args: AbortArgs, cx: &Context) -> Result<Status, CliError> {
    let api = cx.api().await?;
    let id = reference::find(&api, &args.deployment).await?.id;
    let answer = api.abort(&id, &StopRequest { reason: args.reason }).await?;
    told(cx, &answer)
}

/// Says what becomes of a wish to stop.
///
/// # Errors
/// Where stdout is closed.
pub fn told(cx: &Context, answer: &StopAnswer) -> Result<Status, CliError> {
    let id = &answer.deployment;
    cx.out.show(answer, || {
        format!(
            "{}: {id}\nfollow it with `tidegate get {id} --watch`",
            answer.outcome
        )
    })?;
    Ok(Status::Ok)
}
