//! `tidegate approve`.

use api::model::{DecisionAnswer, DecisionRequest};
use clap::Args;
use tidegate_core::deployment::Deployment;
use tidegate_core::gates::GateState;
use tidegate_core::spec::GatePhase;

use crate::context::Context;
use crate::output::note;
use crate::reference::{self, Reference};
use crate::render;
use crate::status::{CliError, Status};

/// What to approve.
#[derive(Debug, Args)]
pub struct ApproveArgs {
    /// Which: an id, the beginning of one, or SERVICE/ENVIRONMENT for the one that runs there.
    #[arg(value_name = "DEPLOYMENT")]
    pub deployment: Reference,
    /// The plan that you looked at: its hash, or the first 12 digits. Without it, the plan that is
    /// asked about now is shown and approved.
    #[arg(long, value_name = "HASH")]
    pub plan: Option<String>,
    /// Before which phase [default: the gate that is open].
    #[arg(long, value_name = "PHASE", value_parser = gate_phase)]
    pub before: Option<GatePhase>,
    /// Why; it goes into the journal.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
}

/// Approves.
///
/// # Errors
/// Nothing is asked for, the approval does not count, or Tidegate can't be asked.
pub async fn run(args: ApproveArgs, cx: &Context) -> Result<Status, CliError> {
    let api = cx.api().await?;
    let deployment = reference::find(&api, &args.deployment).await?;
    let plan_hash = match args.plan {
        Some(hash) => hash,
        None => {
            let (before, state) = asked(&deployment, args.before)?;
            show(cx, &deployment, before);
            state.plan_hash.to_string()
        }
    };
    let request = DecisionRequest {
        approve: true,
        plan_hash,
        before: args.before,
        reason: args.reason,
    };
    let answer = api.decide(&deployment.id, &request).await?;
    cx.out.show(&answer, || words(&deployment, &answer))?;
    Ok(Status::Ok)
}

/// The gate that is open.
///
/// # Errors
/// None is.
pub fn asked(
    deployment: &Deployment,
    before: Option<GatePhase>,
) -> Result<(GatePhase, &GateState), CliError> {
    render::open_gate(deployment, before).ok_or_else(|| {
        CliError::Refused(format!(
            "{} asks for no approval at the moment: `tidegate get {}` shows where it stands",
            deployment.id, deployment.id
        ))
    })
}

/// What is about to be approved, on stderr.
fn show(cx: &Context, deployment: &Deployment, before: GatePhase) {
    if let Some(plan) = &deployment.plan {
        let paint = cx.stderr_paint();
        note(&render::plan(
            &deployment.target,
            &deployment.revision,
            plan,
            true,
            paint,
        ));
        let behind = render::behind(deployment, before);
        if !behind.is_empty() {
            note(&behind);
        }
        note(&format!("approving that {} begins", before.as_str()));
    }
}

fn words(deployment: &Deployment, answer: &DecisionAnswer) -> String {
    if answer.still_needed.is_empty() {
        format!("{}: {} goes on", answer.outcome, deployment.id)
    } else {
        format!("approved; still needed: {}", answer.still_needed)
    }
}

/// A phase that can have a gate.
///
/// # Errors
/// Another word.
pub fn gate_phase(text: &str) -> Result<GatePhase, String> {
    GatePhase::named(text).ok_or_else(|| {
        let names: Vec<&str> = GatePhase::ALL.iter().map(|phase| phase.as_str()).collect();
        format!("phases that can have a gate: {}", names.join(", "))
    })
}
