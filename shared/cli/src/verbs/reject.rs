//! `tidegate reject`.

use api::model::DecisionRequest;
use clap::Args;
use tidegate_core::spec::GatePhase;

use super::approve::{asked, gate_phase};
use crate::context::Context;
use crate::reference::{self, Reference};
use crate::status::{CliError, Status};

/// What to refuse, and why.
#[derive(Debug, Args)]
pub struct RejectArgs {
    /// Which: an id, the beginning of one, or SERVICE/ENVIRONMENT for the one that runs there.
    #[arg(value_name = "DEPLOYMENT")]
    pub deployment: Reference,
    /// Before which phase [default: the gate that is open].
    #[arg(long, value_name = "PHASE", value_parser = gate_phase)]
    pub before: Option<GatePhase>,
    /// Why; the author reads it.
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub reason: String,
}

/// Rejects.
///
/// # Errors
/// Nothing is asked for, the decision does not count, or Tidegate can't be asked.
pub async fn run(args: RejectArgs, cx: &Context) -> Result<Status, CliError> {
    let api = cx.api().await?;
    let deployment = reference::find(&api, &args.deployment).await?;
    let plan_hash = asked(&deployment, args.before)?.1.plan_hash.to_string();
    let request = DecisionRequest {
        approve: false,
        plan_hash,
        before: args.before,
        reason: args.reason,
    };
    let answer = api.decide(&deployment.id, &request).await?;
    cx.out.show(&answer, || {
        format!(
            "{}: {id} stops\nfollow it with `tidegate get {id} --watch`",
            answer.outcome,
            id = deployment.id
        )
    })?;
    Ok(Status::Ok)
}
