//! The deployment of a contract: what it needs, what it waits for, how it ends.

use jiff::Timestamp;

use super::ending::with_left;
use super::wait_for_freeze;
use crate::change::contracts;
use crate::contract::ContractPlan;
use crate::decision::Decision;
use crate::deployment::{Deployment, Kind, StableRevision};
use crate::exit::{Exit, ExitState, Missing};
use crate::observation::Observation;
use crate::spec::GatePhase;

/// What a deployment that is planned leads to; nothing where its image is older than the code that does without
/// what the outstanding contract takes away, because then that image may need it.
pub(super) fn planned(deployment: &Deployment, observation: &Observation) -> Option<ContractPlan> {
    let outstanding = observation.contracts.outstanding.as_ref();
    let older = outstanding.is_some_and(|one| deployment.revision.pushed_at < one.code_from);
    if older || deployment.kind != Kind::Forward {
        return None;
    }
    Some(ContractPlan {
        changes: contracts(&deployment.spec),
        after_seconds: deployment.spec.contract_after_seconds()?,
    })
}

/// What is missing because of contracts, of a deployment that brings a revision.
pub(super) fn missing(deployment: &Deployment, observation: &Observation) -> Vec<Missing> {
    let known = &observation.contracts;
    let target = &deployment.target;
    let mut missing = Vec::new();
    let planned = planned(deployment, observation);
    if let Some(before) = planned.as_ref().and_then(|planned| known.in_the_way(planned)) {
        missing.push(Missing::new(
            format!(
                "an end of {} ({}), which is asked for at {:.0}: another contract can't be planned before it",
                before.title(),
                before.deployment,
                before.due_at
            ),
            format!(
                "have it made with `tidegate contract run {target}`, drop it with `tidegate contract cancel {target}`, or \
                 keep the file's contracts as they were until then"
            ),
        ));
    }
    let made = known.made_since(deployment.revision.pushed_at);
    if let Some((name, made)) = made.filter(|_| !deployment.overrides("contract")) {
        missing.push(Missing::new(
            format!(
                "what contract {name} took away at {:.0}: this image is older than the code that does without it",
                made.at
            ),
            "repair forward with a new image; or restore a backup, then deploy with `--override contract`".to_owned(),
        ));
    }
    missing
}

/// The very revision that does without what the contract takes away must serve, and people be asked.
pub(super) fn of_contract(deployment: &Deployment, stable: Option<&StableRevision>) -> Option<Missing> {
    let Kind::Contract { of, .. } = &deployment.kind else {
        return None;
    };
    if deployment.gate_rule(GatePhase::Contract).is_none() {
        return Some(Missing::new(
            "people who agree: the file of its deployment has no gate before `contract`".to_owned(),
            "add the gate, and deploy again".to_owned(),
        ));
    }
    let serves = stable.map(|stable| &stable.task_definition);
    (serves != deployment.revision.task_definition.as_ref()).then(|| {
        let name = serves.map_or("nothing", |arn| arn.rsplit('/').next().unwrap_or(arn));
        Missing::new(
            format!(
                "the revision of {of} in service: {name} serves, and may need what the contract takes away"
            ),
            "look at what serves, and deploy code that does without it".to_owned(),
        )
    })
}

/// A contract that was agreed to before a freeze waits for its end.
pub(super) fn frozen(deployment: &Deployment, now: Timestamp) -> Option<Decision> {
    let waits = deployment.kind.is_contract() && !deployment.contract_begun();
    waits.then(|| wait_for_freeze(deployment, now))?
}

/// The end of a contract that was made.
pub(super) fn made(deployment: &Deployment, title: &str, now: Timestamp) -> Decision {
    let exit = Exit {
        state: ExitState::Completed,
        at: now,
        reason: format!(
            "{title} was made; {} serves as before",
            deployment.revision.label()
        ),
        remedy: Some(
            "nothing; older images can't be deployed any more without `--override contract`".to_owned(),
        ),
    };
    Decision::end(exit)
}

/// The end of a contract that was not made, or is half made.
pub(super) fn stopped(deployment: &Deployment, title: &str, now: Timestamp) -> Decision {
    let target = &deployment.target;
    // What was left says it itself.
    let look = if deployment.contract_begun() && deployment.left().next().is_none() {
        "it may be half made: look at its log first. "
    } else {
        ""
    };
    let again = format!(
        "{look}{title} is not tried again by itself; `tidegate contract run {target}` does, `tidegate contract cancel \
         {target}` drops it"
    );
    let remedy = match deployment.gave_way() {
        true => "nothing; it is asked for again when the newer image has had its turn".to_owned(),
        false => again,
    };
    let cause = deployment.abort.as_ref().map(|abort| abort.cause.describe());
    let exit = Exit {
        state: ExitState::Aborted,
        at: now,
        reason: cause.unwrap_or_default(),
        remedy: Some(with_left(deployment, remedy)),
    };
    Decision::end(exit)
}
