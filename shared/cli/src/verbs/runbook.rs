//! `tidegate runbook`.

use clap::Args;
use serde::Serialize;
use tidegate_core::ids::{DeploymentId, Target};
use tidegate_core::report::markdown;
use tidegate_core::runbook::runbook;

use crate::context::Context;
use crate::reference::{self, Reference};
use crate::status::{CliError, Status};

/// Of what.
#[derive(Debug, Args)]
pub struct RunbookArgs {
    /// As of which deployment: an id, the beginning of one, or SERVICE/ENVIRONMENT for the running or
    /// newest one there.
    #[arg(value_name = "DEPLOYMENT")]
    pub deployment: Reference,
}

/// A runbook as JSON has it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    target: &'a Target,
    /// The deployment that it is about.
    deployment: &'a DeploymentId,
    /// Markdown.
    runbook: &'a str,
}

/// Writes it to stdout, as Markdown.
///
/// # Errors
/// No such deployment, or Tidegate can't be asked.
pub async fn run(args: RunbookArgs, cx: &Context) -> Result<Status, CliError> {
    let api = cx.api().await?;
    let deployment = reference::find(&api, &args.deployment).await?;
    let text = markdown::render(&runbook(&deployment));
    let told = Told {
        target: &deployment.target,
        deployment: &deployment.id,
        runbook: &text,
    };
    cx.out.show(&told, || text.clone())?;
    Ok(Status::Ok)
}
