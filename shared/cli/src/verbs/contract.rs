//! `tidegate contract`.

use api::model::StopRequest;
use clap::{Args, Subcommand};
use tidegate_core::ids::Target;

use super::abort;
use crate::context::Context;
use crate::status::{CliError, Status};

/// What to do with a contract.
#[derive(Debug, Args)]
pub struct ContractArgs {
    /// What.
    #[command(subcommand)]
    pub verb: ContractVerb,
}

/// What to do with a contract.
#[derive(Debug, Subcommand)]
pub enum ContractVerb {
    /// Ask for it now, in a deployment of its own. Not while the code can still be taken back, or is watched.
    Run(RunArgs),
    /// Drop it: it is not made until a deployment plans it again.
    Cancel(CancelArgs),
}

/// Whose contract.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Where: SERVICE/ENVIRONMENT.
    #[arg(value_name = "TARGET")]
    pub target: Target,
}

/// Whose contract, and why.
#[derive(Debug, Args)]
pub struct CancelArgs {
    /// Where: SERVICE/ENVIRONMENT.
    #[arg(value_name = "TARGET")]
    pub target: Target,
    /// Why; it goes into the journal.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
}

/// Has an outstanding contract made, or drops it.
///
/// # Errors
/// There is none, something is in the way, or Tidegate can't be asked.
pub async fn run(args: ContractArgs, cx: &Context) -> Result<Status, CliError> {
    let api = cx.api().await?;
    let answer = match args.verb {
        ContractVerb::Run(RunArgs { target }) => api.run_contract(&target).await?,
        ContractVerb::Cancel(CancelArgs { target, reason }) => {
            api.cancel_contract(&target, &StopRequest { reason }).await?
        }
    };
    abort::told(cx, &answer)
}
