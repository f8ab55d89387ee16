//! Plan: what is there, what is missing, what will be done.

use jiff::Timestamp;

use super::contract;
use super::cost::{Course, forecast_of};
use crate::change::{self, Around, Change, alarms_made, container_settings, index, planned};
use crate::cost::Forecast;
use crate::decision::{Decision, Outcome};
use crate::deployment::{Deployment, Plan, StableRevision, Traffic};
use crate::event::Event;
use crate::evidence::{EvidenceUsed, judge};
use crate::exit::Missing;
use crate::ids::{PlanHash, Slot, Weight};
use crate::observation::{AlarmState, ImageState, Observation};
use crate::permissions::needed;
use crate::spec::{BlueGreen, Step, Strategy};
use crate::wiring::Wiring;

/// Makes the plan, or lists every missing requirement with its remedy. Nothing is touched.
///
/// The wiring was found by reading AWS; the observation was made with it.
pub fn make_plan(
    deployment: &Deployment,
    wiring: Wiring,
    observation: &Observation,
    now: Timestamp,
) -> Decision {
    let mut missing = requirements(deployment, &wiring, observation, now);
    let judged = judge(deployment, observation.evidence.as_ref(), now);
    missing.extend(judged.iter().flat_map(|judged| judged.missing.clone()));
    let (stable, candidate) = match roles(deployment, &wiring, observation) {
        Ok(roles) => roles,
        Err(one) => {
            missing.push(one);
            return Decision::only(Outcome::Blocked(missing));
        }
    };
    missing.extend(way_back(deployment, stable.as_ref(), observation));
    let cost = forecast(deployment, &wiring, observation, (stable.as_ref(), candidate));
    missing.extend(cost.as_ref().err().cloned());
    missing.extend(contract::missing(deployment, observation));
    missing.extend(contract::of_contract(deployment, stable.as_ref()));
    missing.extend(index::refusals(
        &observation.tables,
        change::indexes(&deployment.spec),
        deployment.overrides(index::OVERRIDE),
    ));
    let Some(ImageState::Found { uri, .. }) = &observation.image else {
        return Decision::only(Outcome::Blocked(missing));
    };
    if !missing.is_empty() {
        return Decision::only(Outcome::Blocked(missing));
    }
    if let Some((seconds, reason)) = judged.as_ref().and_then(|judged| judged.pending.clone()) {
        return Decision::wait(seconds, reason).explained(deployment);
    }
    let known = Known {
        image: uri.clone(),
        evidence: judged.map(|judged| judged.used),
        cost: cost.ok().flatten(),
    };
    let plan = assemble(deployment, wiring, observation, (stable, candidate), known);
    Decision {
        events: vec![Event::Planned { plan: plan.into() }],
        actions: Vec::new(),
        outcome: Outcome::Done,
    }
}

/// What a plan knows of its image.
struct Known {
    image: String,
    evidence: Option<EvidenceUsed>,
    cost: Option<Forecast>,
}

/// Tasks that full traffic needs.
fn capacity(deployment: &Deployment, stable: Option<&StableRevision>) -> u32 {
    let replicas = deployment.spec.replicas;
    replicas.max(stable.map_or(0, |stable| stable.desired))
}

fn forecast(
    deployment: &Deployment,
    wiring: &Wiring,
    observation: &Observation,
    (stable, candidate): (Option<&StableRevision>, Slot),
) -> Result<Option<Forecast>, Missing> {
    let steps = steps_of(&deployment.spec.strategy, stable.is_some());
    let mut seconds: Vec<(Step, u64)> = steps.iter().map(|step| (*step, seconds_of(step))).collect();
    if let Some((_, first)) = seconds.first_mut() {
        *first += test_seconds(&deployment.spec.strategy);
    }
    let course = Course {
        wiring,
        stable,
        candidate,
        capacity: capacity(deployment, stable),
        steps: &seconds,
    };
    forecast_of(deployment, &course, observation)
}

fn assemble(
    deployment: &Deployment,
    wiring: Wiring,
    observation: &Observation,
    (stable, candidate): (Option<StableRevision>, Slot),
    known: Known,
) -> Plan {
    let traffic = traffic_of(&deployment.spec.strategy, wiring.balancer.is_some());
    let contracting = deployment.kind.is_contract();
    let steps = match contracting {
        true => Vec::new(),
        false => steps_of(&deployment.spec.strategy, stable.is_some()),
    };
    let capacity = capacity(deployment, stable.as_ref());
    let around = Around {
        target: &deployment.target,
        wiring: &wiring,
        observation,
    };
    let changes = match contracting {
        true => change::contracting(&deployment.spec, observation),
        false => planned(&deployment.spec, &around),
    };
    let copied = stable.as_ref().map_or(candidate, |stable| stable.slot);
    let mut plan = Plan {
        container: container_settings(
            &deployment.spec.configuration.container,
            observation.container.get(&copied),
        ),
        traffic,
        candidate,
        image: known.image,
        capacity,
        expected_seconds: expected_seconds(deployment, &steps, &changes),
        changes,
        contract: contract::planned(deployment, observation),
        steps,
        alarms: observation
            .alarms
            .iter()
            .map(|alarm| alarm.name.clone())
            .collect(),
        forward_before: observation.forward.clone(),
        evidence: known.evidence,
        cost: known.cost,
        stable,
        wiring,
        permissions: None,
        hash: PlanHash::of(b""),
    };
    if let Some(known) = &observation.permissions {
        let needed = needed(deployment, &plan, known).len();
        plan.permissions = Some(u32::try_from(needed).unwrap_or(u32::MAX));
    }
    // Two deployments of one plan are two things to approve: the id is part of the hash.
    let content = (&deployment.id, &deployment.revision, &plan);
    plan.hash = PlanHash::of(&serde_json::to_vec(&content).unwrap_or_default());
    plan
}

/// What a rollback would lack: it goes back to stable's own task definition.
fn way_back(
    deployment: &Deployment,
    stable: Option<&StableRevision>,
    observation: &Observation,
) -> Option<Missing> {
    let slot = observation.slots.get(&stable?.slot)?;
    let lacks = slot.inactive && !deployment.overrides("stable-task-definition");
    lacks.then(|| {
        Missing::new(
            format!(
                "an active task definition of the stable revision: a rollback could not go back to {}",
                slot.task_definition.rsplit('/').next().unwrap_or_default()
            ),
            "register it again and set the ECS service to that, or deploy with `--override \
             stable-task-definition`"
                .to_owned(),
        )
    })
}

/// How this strategy moves traffic.
pub fn traffic_of(strategy: &Strategy, balanced: bool) -> Traffic {
    match strategy {
        Strategy::Recreate => Traffic::Recreate,
        Strategy::Rolling => Traffic::Rolling,
        Strategy::BlueGreen(_) | Strategy::Canary(_) | Strategy::Linear(_) if balanced => Traffic::Weighted,
        Strategy::BlueGreen(_) | Strategy::Canary(_) | Strategy::Linear(_) => Traffic::Tasks,
    }
}

/// The steps that the strategy asks for. Without a stable revision there is no one to share
/// traffic with: one step to 100.
fn steps_of(strategy: &Strategy, has_stable: bool) -> Vec<Step> {
    let whole = |bake_seconds| {
        vec![Step {
            weight: Weight::FULL,
            bake_seconds,
        }]
    };
    match strategy {
        Strategy::Recreate | Strategy::Rolling => whole(0),
        Strategy::BlueGreen(BlueGreen {
            test_duration_seconds,
            ..
        }) => whole(*test_duration_seconds),
        Strategy::Canary(_) | Strategy::Linear(_) if !has_stable => whole(0),
        Strategy::Canary(canary) | Strategy::Linear(canary) => canary.steps.clone(),
    }
}

fn expected_seconds(deployment: &Deployment, steps: &[Step], changes: &[Change]) -> u64 {
    let test = match steps.is_empty() {
        true => 0,
        false => test_seconds(&deployment.spec.strategy),
    };
    steps.iter().map(seconds_of).sum::<u64>()
        + test
        + changes.iter().map(Change::expected_seconds).sum::<u64>()
}

fn seconds_of(step: &Step) -> u64 {
    /// Start of tasks until healthy, as seen on Fargate with a small image.
    const SCALING: u64 = 60;
    u64::from(step.bake_seconds) + SCALING
}

fn test_seconds(strategy: &Strategy) -> u64 {
    match strategy {
        Strategy::BlueGreen(bluegreen) => bluegreen.test_duration_seconds.into(),
        Strategy::Recreate | Strategy::Rolling | Strategy::Canary(_) | Strategy::Linear(_) => 0,
    }
}

type Roles = (Option<StableRevision>, Slot);

/// Which slot serves now, and which one gets the candidate.
fn roles(deployment: &Deployment, wiring: &Wiring, observation: &Observation) -> Result<Roles, Missing> {
    let stable = |slot: Slot| {
        let state = observation.slots.get(&slot).filter(|state| state.desired > 0)?;
        Some(StableRevision {
            slot,
            task_definition: state.task_definition.clone(),
            digest: state.digest.clone(),
            desired: state.desired,
        })
    };
    for (slot, name) in &wiring.services {
        if !observation.slots.contains_key(slot) {
            return Err(Missing::new(
                format!("ECS service {name} in cluster {}", wiring.cluster),
                "create it from infra/service.yaml, or name the `cluster` in the file".to_owned(),
            ));
        }
    }
    match traffic_of(&deployment.spec.strategy, wiring.balancer.is_some()) {
        Traffic::Rolling | Traffic::Recreate => Ok((stable(Slot::Blue), Slot::Blue)),
        Traffic::Weighted => {
            let serving = serving_slot(wiring, observation)?;
            Ok((stable(serving), serving.other()))
        }
        Traffic::Tasks => match (stable(Slot::Blue), stable(Slot::Green)) {
            (Some(_), Some(_)) => Err(Missing::new(
                "one slot at rest: both ECS services have tasks".to_owned(),
                "set the desired count of the one that is not wanted to 0".to_owned(),
            )),
            (Some(blue), None) => Ok((Some(blue), Slot::Green)),
            (None, green) => Ok((green, Slot::Blue)),
        },
    }
}

fn serving_slot(wiring: &Wiring, observation: &Observation) -> Result<Slot, Missing> {
    let balancer = wiring.balancer.as_ref();
    let weight = |slot| {
        let group = balancer?.target_groups.get(&slot)?;
        observation.forward.as_ref()?.weight_of(group)
    };
    match (weight(Slot::Blue), weight(Slot::Green)) {
        (Some(Weight::FULL), Some(Weight::ZERO)) => Ok(Slot::Blue),
        (Some(Weight::ZERO), Some(Weight::FULL)) => Ok(Slot::Green),
        (blue, green) => {
            let shown = |w: Option<Weight>| w.map_or_else(|| "none".to_owned(), |w| w.to_string());
            Err(Missing::new(
                format!(
                    "a listener rule at rest: blue has {}, green has {}",
                    shown(blue),
                    shown(green)
                ),
                "set one target group to 100 and the other to 0".to_owned(),
            ))
        }
    }
}

/// Everything that must hold before anything is touched, with what to do about each.
fn requirements(
    deployment: &Deployment,
    wiring: &Wiring,
    observation: &Observation,
    now: Timestamp,
) -> Vec<Missing> {
    let mut missing = Vec::new();
    let mut lacks = |what: String, remedy: String| missing.push(Missing::new(what, remedy));
    if let Some(freeze) = deployment.freeze_at(now) {
        lacks(
            format!(
                "a time without freeze: {} until {:.0}",
                freeze.reason, freeze.until
            ),
            "deploy after it, or end the freeze in the deployment file".to_owned(),
        );
    }
    if deployment.hotfix().is_some() && deployment.spec.hotfix.is_none() {
        lacks(
            "a `hotfix` section in the deployment file".to_owned(),
            "add one that says what a hotfix may leave out, or deploy without `--hotfix`".to_owned(),
        );
    }
    let pushed = matches!(observation.image, Some(ImageState::Found { .. }));
    if !pushed {
        lacks(
            format!("image {} in ECR", deployment.revision.digest),
            format!("push it to repository {} again", deployment.revision.repository),
        );
    }
    if observation.stable_image == Some(ImageState::Missing) && !deployment.overrides("stable-image") {
        lacks(
            "the stable revision's image in ECR: a rollback could not start new tasks".to_owned(),
            "push that image again, or deploy with `--override stable-image`".to_owned(),
        );
    }
    let made = alarms_made(&deployment.target, &deployment.spec, wiring);
    for alarm in &observation.alarms {
        let name = format!("alarm:{}", alarm.name);
        let what = match alarm.state {
            AlarmState::Ok | AlarmState::InsufficientData => continue,
            AlarmState::Alarm => format!("alarm {} out of ALARM ({})", alarm.name, alarm.reason),
            // It is made before the candidate gets traffic, and no traffic moves while it can't be read.
            AlarmState::Unreadable if made.contains(&alarm.name) => continue,
            AlarmState::Unreadable => format!("alarm {}: it does not exist or can't be read", alarm.name),
        };
        if !deployment.overrides(&name) {
            lacks(what, format!("repair it, or deploy with `--override {name}`"));
        }
    }
    for taken in &observation.taken {
        lacks(
            format!("{taken} made by Tidegate: there is one of that name from elsewhere"),
            format!(
                "delete it or give it another name, or hand it over: write \"Made by Tidegate for {}.\" into its \
                 description, of a dashboard into its text",
                deployment.target
            ),
        );
    }
    if let Some(reason) = &observation.refused_flags {
        lacks(
            format!("flags that can be set: {reason}"),
            "mend `configuration.flags` in the deployment file, or what AppConfig has".to_owned(),
        );
    }
    let keeps_logs = deployment.spec.monitoring.as_ref();
    let asked = keeps_logs.is_some_and(|one| one.log_retention_days.is_some());
    // Which container is the application's, its image says.
    if asked && pushed && observation.log_groups.is_empty() {
        lacks(
            "a log group that the application's container writes to (awslogs)".to_owned(),
            "give the container a log group, or take `logRetention` out of `monitoring`".to_owned(),
        );
    }
    for suite in &observation.unknown_suites {
        lacks(
            format!("a task definition for test suite {}", suite.0),
            format!(
                "register `{}-{}-test-{}`, or take the suite out of postDeploymentTests",
                deployment.target.service, deployment.target.environment, suite.0
            ),
        );
    }
    for function in &observation.unknown_functions {
        lacks(
            format!("Lambda function {function}, which the deployment file names"),
            "create it, let Tidegate call it (its stack's parameters `SuiteFunctionPattern` and `AnalyzerPattern`), or take it out of \
             the file"
                .to_owned(),
        );
    }
    missing
}
