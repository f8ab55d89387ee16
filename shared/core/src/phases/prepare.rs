//! Prepare: the candidate's task definition and health check exist.

use crate::action::Action;
use crate::decision::{Decision, Outcome};
use crate::deployment::{Deployment, Traffic};
use crate::event::Event;
use crate::exit::AbortCause;
use crate::observation::Observation;

/// Registers the candidate's task definition and sets its target group's health check.
pub fn decide_prepare(deployment: &Deployment, observation: &Observation) -> Decision {
    let Some(plan) = &deployment.plan else {
        return no_plan();
    };
    if deployment.revision.task_definition.is_none() {
        if let Some(arn) = &observation.registered_task_definition {
            return Decision::record(vec![Event::TaskDefinitionRegistered { arn: arn.clone() }]);
        }
        let candidate = observation
            .slots
            .get(&plan.candidate)
            .map(|slot| &slot.task_definition);
        let Some(copy_of) = plan.stable.as_ref().map(|s| &s.task_definition).or(candidate) else {
            return Decision::abort(AbortCause::PhaseFailed {
                reason: "there is no task definition to copy".to_owned(),
            });
        };
        return Decision::act(vec![Action::RegisterTaskDefinition {
            copy_of: copy_of.clone(),
            image: plan.image.clone(),
            resources: deployment.spec.resources,
            container: deployment.spec.configuration.container.clone(),
            deployment: deployment.id.clone(),
        }]);
    }
    match (
        &deployment.spec.health_check,
        observation.slots.get(&plan.candidate),
    ) {
        (Some(health_check), Some(slot))
            if plan.traffic == Traffic::Weighted && !slot.health_check_matches =>
        {
            Decision::act(vec![Action::ConfigureHealthCheck {
                slot: plan.candidate,
                health_check: health_check.clone(),
            }])
        }
        (Some(_) | None, Some(_) | None) => Decision::only(Outcome::Done),
    }
}

/// A phase after the plan was started without one: the state machine is not ours.
pub(super) fn no_plan() -> Decision {
    Decision::abort(AbortCause::PhaseFailed {
        reason: "there is no plan yet".to_owned(),
    })
}
