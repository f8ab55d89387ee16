//! Cost: forecast in the plan, and looked at once the candidate has all of the traffic.

use super::traffic_of;
use crate::analysis::Verdict;
use crate::cost::{Forecast, Stretch, check, forecast};
use crate::decision::Decision;
use crate::deployment::{Deployment, StableRevision, Traffic};
use crate::event::Event;
use crate::exit::{AbortCause, Missing};
use crate::ids::{Slot, Weight};
use crate::observation::Observation;
use crate::spec::{GatePhase, OnExcess, Step};
use crate::wiring::Wiring;

/// How a candidate is brought to full traffic, as far as that costs something.
pub(super) struct Course<'a> {
    pub wiring: &'a Wiring,
    pub stable: Option<&'a StableRevision>,
    pub candidate: Slot,
    /// Tasks at full traffic of two slots.
    pub capacity: u32,
    /// Each with the seconds for which its tasks run beside stable's.
    pub steps: &'a [(Step, u64)],
}

/// What a plan costs; nothing where the file does not ask.
///
/// # Errors
/// What is missing: prices, or somebody who agrees to more than a limit.
pub(super) fn forecast_of(
    deployment: &Deployment,
    course: &Course<'_>,
    observation: &Observation,
) -> Result<Option<Forecast>, Missing> {
    let Some(asked) = &deployment.spec.cost else {
        return Ok(None);
    };
    let traffic = traffic_of(&deployment.spec.strategy, course.wiring.balancer.is_some());
    let count = |weight| traffic.tasks_for(weight, course.capacity, deployment.spec.replicas);
    let candidates = course.steps.iter().map(|(step, seconds)| Stretch {
        candidate: true,
        tasks: count(step.weight),
        seconds: *seconds,
    });
    let warm = course.stable.map(|stable| Stretch {
        candidate: false,
        tasks: stable.desired,
        seconds: deployment.spec.auto_rollback.window_seconds.into(),
    });
    let beside: Vec<Stretch> = match traffic {
        Traffic::Weighted | Traffic::Tasks => candidates.chain(warm).collect(),
        // The old tasks go as the new ones come.
        Traffic::Rolling => candidates.collect(),
        Traffic::Recreate => Vec::new(),
    };
    let seen = observation.cost.clone().unwrap_or_default();
    let slots = (course.stable.map(|stable| stable.slot), course.candidate);
    let forecast = forecast(asked, &seen, slots, count(Weight::FULL), &beside).map_err(|reason| {
        Missing::new(
            format!("what a month costs: {reason}"),
            "give your own `prices` in the `cost` section, or take the section out".to_owned(),
        )
    })?;
    let gated = deployment.spec.gate(GatePhase::Prepare).is_some();
    if forecast.beyond.is_empty() || asked.consent.is_some() || gated {
        return Ok(Some(forecast));
    }
    Err(Missing::new(
        format!("a cost within the limits: {}", forecast.describe()),
        "raise the limit, make `resources` or `replicas` less, or say in `cost.approvals` who may agree"
            .to_owned(),
    ))
}

/// What to do about the cost of what runs; nothing once it was looked at, unless it is to be taken back for it.
pub(super) fn run_cost(deployment: &Deployment, observation: &Observation) -> Option<Decision> {
    let asked = deployment.spec.cost.as_ref()?;
    let plan = deployment.plan.as_ref()?;
    let planned = plan.cost.as_ref()?;
    if let Some(check) = &deployment.cost {
        let back = check.verdict != Verdict::Pass && asked.on_excess == OnExcess::Rollback;
        let reason = || format!("cost: {}", check.reason);
        return back.then(|| Decision::abort(AbortCause::SuiteFailed { reason: reason() }));
    }
    let seen = observation
        .cost
        .as_ref()
        .and_then(|cost| cost.tasks.get(&plan.candidate));
    Some(match seen {
        Some(seen) => Decision::record(vec![Event::CostChecked {
            check: check(asked, planned, seen),
        }]),
        None => Decision::wait(1, "what runs is about to be priced"),
    })
}
