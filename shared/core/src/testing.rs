//! What the tests of the decisions share: deployment files, a deployment at each point of its way,
//! and the world as it looks when nothing is wrong. A test changes the one thing that it is about.
//!
//! Stable is `web:1` in blue with 4 tasks, the candidate is `web:2` in green. With one ECS service,
//! both are in blue.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::analysis::{Check, Samples, Verdict};
use crate::deployment::{
    Deployment, Kind, Origin, Override, Phase, Plan, Request, Revision, StableRevision, Stage, Traffic,
};
use crate::event::Event;
use crate::exit::{AbortCause, Exit, ExitState};
use crate::ids::{Digest, Epoch, PlanHash, Slot, SpecHash, Weight};
use crate::observation::{Alarm, AlarmState, ImageState, Observation, Rollout, SlotState};
use crate::spec::{Freeze, Spec, Step, Strategy, SuiteName};
use crate::target::TargetState;
use crate::wiring::{Balancer, Forward, Wiring};

/// A deployment file with two steps, 25 % for 5 minutes and then all of it, and more lines after them, which begin with
/// the end of the last one.
macro_rules! two_steps {
    ($more:literal) => {
        concat!(
            "environment: production\nstrategy: canary\nreplicas: 4\n",
            "canary:\n  steps:\n    - weight: 25\n      pause: 5m\n    - weight: 100",
            $more
        )
    };
}
pub(crate) use two_steps;

/// Two steps behind a load balancer.
pub(crate) const CANARY: &str = two_steps!(
    "
  analysis:
    interval: 1m
    threshold: 3
    inconclusiveLimit: 4
    metrics:
      - name: error_rate
        max: 1
healthCheck:
  path: /health
  initialDelay: 40s
timeouts:
  healthy: 10m
  suite: 15m
"
);

/// The same steps of a service that takes its work from elsewhere.
pub(crate) const WORKER: &str = two_steps!(
    "
loadBalancer: false
autoRollback:
  alarms: [web-production-errors]
timeouts:
  healthy: 10m
"
);

/// Tested for 2 minutes, switched, watched for 2 minutes.
pub(crate) const BLUE_GREEN: &str = "\
environment: production
strategy: bluegreen
replicas: 4
trafficSwitch:
  testDuration: 2m
postDeploymentTests: [smoke, load]
autoRollback:
  alarms: [web-production-errors]
timeouts:
  healthy: 10m
  suite: 15m
";

/// One ECS service, replaced task by task.
pub(crate) const ROLLING: &str = "\
environment: production
strategy: rolling
replicas: 4
timeouts:
  healthy: 10m
";

/// One ECS service, stopped and started.
pub(crate) const RECREATE: &str = "\
environment: production
strategy: recreate
replicas: 4
timeouts:
  healthy: 10m
";

/// What a check comes to.
pub(crate) fn checked(verdict: Verdict, reason: &str) -> Event {
    Event::Checked {
        check: Check {
            verdict,
            measurements: Vec::new(),
            reason: reason.to_owned(),
            condition_breached: None,
            from: at(0),
            until: at(60),
        },
        passed: 1,
        failed: 0,
        inconclusive: 0,
    }
}

/// The alarm that every plan here watches.
pub(crate) const ALARM: &str = "web-production-errors";

/// Seconds after the deployment was asked for at which the shift begins.
pub(crate) const SHIFT_BEGINS: i64 = 100;
/// At which the candidate begins to be tested, where it is.
pub(crate) const TEST_BEGINS: i64 = 200;
/// At which the first weight is decided.
pub(crate) const RAISE_BEGINS: i64 = 350;
/// At which the first weight is reached, in the middle of a minute.
pub(crate) const BAKE_BEGINS: i64 = 370;
/// At which its first window begins: the next whole minute.
pub(crate) const FIRST_WINDOW: i64 = 420;
/// At which the rollback begins.
pub(crate) const ROLLBACK_BEGINS: i64 = 1000;

/// So many seconds after the deployment was asked for, on a whole minute.
pub(crate) fn at(seconds: i64) -> Timestamp {
    let start: Timestamp = "2026-11-20T09:00:00Z".parse().unwrap();
    start + SignedDuration::from_secs(seconds)
}

/// The digest of 64 equal digits.
pub(crate) fn digest(digit: &str) -> Digest {
    format!("sha256:{}", digit.repeat(64)).parse().unwrap()
}

pub(crate) fn weight(percent: u8) -> Weight {
    Weight::new(percent).unwrap()
}

pub(crate) fn suite(name: &str) -> SuiteName {
    SuiteName(name.to_owned())
}

/// What the real parser makes of a deployment file.
pub(crate) fn spec(file: &str) -> Spec {
    crate::spec::parse("production-config.yaml", file).unwrap().spec
}

/// ARN of a slot's target group.
pub(crate) fn target_group(slot: Slot) -> String {
    format!("arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/web-{slot}/1")
}

/// The listener rule with so much for green, the candidate.
pub(crate) fn forward(green: u32) -> Forward {
    Forward {
        target_groups: vec![
            (target_group(Slot::Blue), 100 - green),
            (target_group(Slot::Green), green),
        ],
        stickiness: Some((true, Some(300))),
    }
}

/// What was asked for, by a push.
pub(crate) fn request(file: &str) -> Request {
    Request {
        id: "web-production-7".parse().unwrap(),
        target: "web/production".parse().unwrap(),
        kind: Kind::Forward,
        epoch: Epoch(7),
        revision: Revision {
            repository: "web".to_owned(),
            digest: digest("2"),
            tag: Some("v2".to_owned()),
            pushed_at: at(-10),
            spec_hash: SpecHash::of(file.as_bytes()),
            task_definition: None,
        },
        spec: spec(file).into(),
        origin: Origin::Push {
            event_id: "event-7".to_owned(),
        },
        overrides: Vec::new(),
    }
}

/// A deployment that was just asked for.
pub(crate) fn requested(file: &str) -> Deployment {
    Deployment::new(request(file), at(0))
}

/// Folds one event in.
pub(crate) fn tell(deployment: &mut Deployment, seconds: i64, event: Event) {
    deployment.apply(&event, at(seconds));
}

/// The wiring of a target with two slots, or with only blue where the strategy uses one service.
pub(crate) fn wiring(spec: &Spec) -> Wiring {
    let slots: &[Slot] = match spec.strategy {
        Strategy::Recreate | Strategy::Rolling => &[Slot::Blue],
        Strategy::BlueGreen(_) | Strategy::Canary(_) | Strategy::Linear(_) => &[Slot::Blue, Slot::Green],
    };
    let two = slots.len() == 2;
    Wiring {
        cluster: "production".to_owned(),
        services: slots.iter().map(|slot| (*slot, format!("web-{slot}"))).collect(),
        balancer: (two && spec.load_balancer).then(|| Balancer {
            rule_arn: "arn:aws:elasticloadbalancing:us-east-1:1:listener-rule/app/web/1/2/3".to_owned(),
            target_groups: slots.iter().map(|slot| (*slot, target_group(*slot))).collect(),
            load_balancer_dimension: "app/web/1".to_owned(),
        }),
    }
}

/// The plan of a file, written out by hand: what the plan phase should make of it.
pub(crate) fn plan(spec: &Spec) -> Plan {
    let wiring = wiring(spec);
    let whole = |bake_seconds| {
        vec![Step {
            weight: Weight::FULL,
            bake_seconds,
        }]
    };
    let two = if wiring.balancer.is_some() {
        Traffic::Weighted
    } else {
        Traffic::Tasks
    };
    let (traffic, candidate, steps) = match &spec.strategy {
        Strategy::Recreate => (Traffic::Recreate, Slot::Blue, whole(0)),
        Strategy::Rolling => (Traffic::Rolling, Slot::Blue, whole(0)),
        Strategy::BlueGreen(bluegreen) => (two, Slot::Green, whole(bluegreen.test_duration_seconds)),
        Strategy::Canary(steps) | Strategy::Linear(steps) => (two, Slot::Green, steps.steps.clone()),
    };
    Plan {
        contract: None,
        traffic,
        stable: Some(StableRevision {
            slot: Slot::Blue,
            task_definition: "web:1".to_owned(),
            digest: Some(digest("1")),
            desired: 4,
        }),
        candidate,
        image: format!("registry/web@{}", digest("2")),
        capacity: 4,
        steps,
        changes: crate::change::planned(
            spec,
            &crate::change::Around {
                target: &"web/production".parse().unwrap(),
                wiring: &wiring,
                observation: &at_rest(spec),
            },
        ),
        container: crate::change::container_settings(&spec.configuration.container, None),
        alarms: vec![ALARM.to_owned()],
        forward_before: wiring.balancer.is_some().then(|| forward(0)),
        expected_seconds: 420,
        evidence: None,
        permissions: None,
        cost: None,
        wiring,
        hash: PlanHash::of(b"plan"),
    }
}

/// A deployment with its plan and its task definition, in the prepare phase.
pub(crate) fn planned(file: &str) -> Deployment {
    let mut deployment = requested(file);
    let plan = plan(&deployment.spec).into();
    tell(&mut deployment, 5, Event::Planned { plan });
    let phase = Phase::Prepare;
    tell(&mut deployment, 10, Event::PhaseEntered { phase });
    let arn = "web:2".to_owned();
    tell(&mut deployment, 20, Event::TaskDefinitionRegistered { arn });
    deployment
}

/// A deployment whose shift has just begun.
pub(crate) fn scaling(file: &str) -> Deployment {
    let mut deployment = planned(file);
    let phase = Phase::Shift;
    tell(&mut deployment, SHIFT_BEGINS, Event::PhaseEntered { phase });
    deployment
}

/// A deployment whose candidate is being tested.
pub(crate) fn testing(file: &str) -> Deployment {
    let mut deployment = scaling(file);
    tell(&mut deployment, TEST_BEGINS, Event::TestingStarted { step: 0 });
    deployment
}

/// A deployment whose first weight is being set.
pub(crate) fn raising(file: &str) -> Deployment {
    let mut deployment = scaling(file);
    let weight = plan(&deployment.spec).steps[0].weight;
    let decided = Event::WeightDecided {
        step: 0,
        weight,
        healthy: 4,
        needed: 4,
    };
    tell(&mut deployment, RAISE_BEGINS, decided);
    deployment
}

/// A deployment whose first step bakes.
pub(crate) fn baking(file: &str) -> Deployment {
    let mut deployment = raising(file);
    let weight = plan(&deployment.spec).steps[0].weight;
    tell(
        &mut deployment,
        BAKE_BEGINS,
        Event::WeightReached { step: 0, weight },
    );
    deployment
}

/// A deployment that is past its steps, in the phase that is given.
pub(crate) fn shifted(file: &str, phase: Phase) -> Deployment {
    let mut deployment = baking(file);
    tell(&mut deployment, 800, Event::ShiftDone);
    tell(&mut deployment, 810, Event::PhaseEntered { phase });
    assert_eq!(deployment.shift.stage, Stage::Done);
    deployment
}

/// An alarm that was raised, as the cause of a stop.
pub(crate) fn alarm_raised() -> AbortCause {
    AbortCause::AlarmRaised {
        alarm: ALARM.to_owned(),
        raised_at: Some(at(ROLLBACK_BEGINS)),
        reason: "8 errors".to_owned(),
    }
}

/// Starts the rollback of a deployment, under the next epoch.
pub(crate) fn rolling_back(mut deployment: Deployment) -> Deployment {
    let cause = alarm_raised();
    let epoch = deployment.epoch.next();
    tell(
        &mut deployment,
        ROLLBACK_BEGINS,
        Event::RollbackStarted { epoch, cause },
    );
    deployment
}

/// Sets a requirement aside.
pub(crate) fn set_aside(deployment: &mut Deployment, what: &str) {
    deployment.overrides.push(Override {
        what: what.to_owned(),
        by: "maria".parse().unwrap(),
        reason: "known".to_owned(),
    });
}

/// An ECS service whose rollout has completed.
pub(crate) fn service(task_definition: &str, tasks: u32) -> SlotState {
    let image = if task_definition == "web:2" { "2" } else { "1" };
    SlotState {
        task_definition: task_definition.to_owned(),
        inactive: false,
        digest: Some(digest(image)),
        desired: tasks,
        running: tasks,
        healthy: tasks,
        rollout: Rollout::Completed,
        health_check_matches: true,
    }
}

/// An alarm in that state, which has not fired before.
pub(crate) fn alarm(name: &str, state: AlarmState) -> Alarm {
    Alarm {
        name: name.to_owned(),
        state,
        reason: "8 errors".to_owned(),
        fired_at: None,
    }
}

/// The world before anything was touched: stable serves, nothing is wrong.
pub(crate) fn at_rest(spec: &Spec) -> Observation {
    let wiring = wiring(spec);
    let mut slots = BTreeMap::from([(Slot::Blue, service("web:1", 4))]);
    if wiring.services.contains_key(&Slot::Green) {
        slots.insert(Slot::Green, service("web:0", 0));
    }
    let image = |digit: &str| ImageState::Found {
        uri: format!("registry/web@{}", digest(digit)),
        pushed_at: at(-10),
    };
    Observation {
        slots,
        forward: wiring.balancer.is_some().then(|| forward(0)),
        alarms: vec![alarm(ALARM, AlarmState::Ok)],
        image: Some(image("2")),
        stable_image: Some(image("1")),
        ..Observation::default()
    }
}

/// The world while the candidate runs with so many healthy tasks beside stable (in place of it, with
/// one ECS service) and `green` percent of the traffic.
pub(crate) fn with_candidate(spec: &Spec, tasks: u32, green: u32) -> Observation {
    let mut world = at_rest(spec);
    world.slots.insert(plan(spec).candidate, service("web:2", tasks));
    if let Some(rule) = &mut world.forward {
        *rule = forward(green);
    }
    world
}

/// A minute with so many requests and errors, and quick answers.
pub(crate) fn minute(seconds: i64, requests: f64, errors: f64) -> Samples {
    Samples {
        at: at(seconds),
        requests: Some(requests),
        errors_5xx: Some(errors),
        latency_p99_ms: Some(100.0),
        custom: BTreeMap::new(),
    }
}

/// Adds a freeze.
pub(crate) fn freeze(deployment: &mut Deployment, from: i64, until: i64) {
    deployment.spec.freezes.push(Freeze {
        from: at(from),
        until: at(until),
        reason: "holidays".to_owned(),
    });
}

/// A target of another environment whose last deployment brought an image to its end, and that one.
pub(crate) fn completed_in(environment: &str, digit: &str) -> (TargetState, Deployment) {
    let mut asked = request(CANARY);
    asked.target.environment = environment.parse().unwrap();
    asked.revision.digest = digest(digit);
    let mut target = TargetState::new(asked.target.clone(), asked.spec.clone(), SpecHash::of(b""), at(0));
    let mut deployment = Deployment::new(asked, at(0));
    let plan = plan(&deployment.spec).into();
    tell(&mut deployment, 5, Event::Planned { plan });
    let exit = Exit {
        state: ExitState::Completed,
        at: at(900),
        reason: String::new(),
        remedy: None,
    };
    tell(&mut deployment, 900, Event::Exited { exit: exit.clone() });
    target.release(&deployment, &exit);
    (target, deployment)
}
