//! Deployments for tests, made through the journal as real ones are.

use jiff::{SignedDuration, Timestamp};
use tidegate_core::analysis::{Check, Verdict};
use tidegate_core::deployment::{
    Deployment, Kind, Origin, Phase, Plan, Request, Revision, StableRevision, Traffic,
};
use tidegate_core::event::Event;
use tidegate_core::exit::{AbortCause, Exit, ExitState};
use tidegate_core::gates::GateDecision;
use tidegate_core::ids::{Epoch, PlanHash, Slot, SpecHash, Weight};
use tidegate_core::journal::{self, Entry};
use tidegate_core::spec::{self, GatePhase, Strategy};
use tidegate_core::wiring::Wiring;

const FILE: &str = "\
environment: production
strategy: canary
replicas: 4
canary:
  steps:
    - weight: 5
      pause: 10m
    - weight: 25
      pause: 10m
    - weight: 100
  analysis:
    interval: 1m
    threshold: 5
    metrics:
      - name: error_rate
        max: 0.1
gates:
  - before: shift
    approvals:
      - role: tech-lead
      - role: product
    expires: 4h
";

/// When the samples were asked for.
pub fn start() -> Timestamp {
    "2026-03-02T12:00:00Z".parse().unwrap()
}

/// So many seconds after [`start`].
pub fn after(seconds: i64) -> Timestamp {
    start() + SignedDuration::from_secs(seconds)
}

/// A deployment with the journal that it is the fold of.
pub struct Story {
    pub deployment: Deployment,
    pub entries: Vec<Entry>,
}

impl Story {
    /// One that a person just asked for.
    pub fn new() -> Self {
        let spec = spec::parse("file", FILE).unwrap().spec;
        let revision = Revision {
            repository: "web".to_owned(),
            digest: format!("sha256:{}", "ab12".repeat(16)).parse().unwrap(),
            tag: Some("v2".to_owned()),
            pushed_at: start(),
            spec_hash: SpecHash::of(FILE.as_bytes()),
            task_definition: None,
        };
        let origin = Origin::Person {
            person: "maria".parse().unwrap(),
        };
        let request = Request {
            id: "web-production-7-ab12ab12".parse().unwrap(),
            target: "web/production".parse().unwrap(),
            kind: Kind::Forward,
            epoch: Epoch(7),
            revision: revision.clone(),
            spec: spec.into(),
            origin: origin.clone(),
            overrides: Vec::new(),
        };
        let story = Self {
            deployment: Deployment::new(request, start()),
            entries: Vec::new(),
        };
        let requested = Event::DeploymentRequested {
            revision,
            origin,
            epoch: Epoch(7),
            overrides: Vec::new(),
        };
        story.then(0, requested)
    }

    /// And then, so many seconds after the start.
    pub fn then(mut self, seconds: i64, event: Event) -> Self {
        self.entries.extend(journal::append(
            &mut self.deployment,
            vec![event],
            "test",
            after(seconds),
        ));
        self
    }

    /// Planned after 5 seconds.
    pub fn planned(self) -> Self {
        let plan = plan(&self.deployment);
        self.then(5, Event::Planned { plan: plan.into() })
    }

    /// Prepared, and waiting for people since 20 seconds; one has approved.
    pub fn at_gate(self) -> Self {
        let plan_hash = PlanHash::of(b"plan");
        let decision = GateDecision {
            by: "sam".parse().unwrap(),
            role: "product".parse().unwrap(),
            approve: true,
            reason: "ready".to_owned(),
            plan_hash: plan_hash.clone(),
            at: after(30),
        };
        let arn = "arn:aws:ecs:us-east-1:000000000000:task-definition/web-production:12".to_owned();
        self.planned()
            .then(
                6,
                Event::PhaseEntered {
                    phase: Phase::Prepare,
                },
            )
            .then(7, Event::TaskDefinitionRegistered { arn })
            .then(19, Event::PhaseEntered { phase: Phase::Shift })
            .then(
                20,
                Event::GateOpened {
                    before: GatePhase::Shift,
                    expires_at: after(14_420),
                    plan_hash,
                },
            )
            .then(
                30,
                Event::Decided {
                    before: GatePhase::Shift,
                    decision,
                },
            )
    }

    /// In the bake of the second step since 800 seconds, with one check that failed.
    pub fn baking(self) -> Self {
        let five = Weight::new(5).unwrap();
        let quarter = Weight::new(25).unwrap();
        let check = Check {
            verdict: Verdict::Fail,
            measurements: Vec::new(),
            reason: "error_rate is 0.3 %, at most 0.1 % is allowed".to_owned(),
            condition_breached: None,
            from: after(900),
            until: after(960),
        };
        self.at_gate()
            .then(
                60,
                Event::GatePassed {
                    before: GatePhase::Shift,
                },
            )
            .then(61, Event::ScalingStarted { step: 0, tasks: 1 })
            .then(
                110,
                Event::WeightDecided {
                    step: 0,
                    weight: five,
                    healthy: 1,
                    needed: 1,
                },
            )
            .then(
                111,
                Event::WeightReached {
                    step: 0,
                    weight: five,
                },
            )
            .then(712, Event::ScalingStarted { step: 1, tasks: 1 })
            .then(
                790,
                Event::WeightDecided {
                    step: 1,
                    weight: quarter,
                    healthy: 1,
                    needed: 1,
                },
            )
            .then(
                800,
                Event::WeightReached {
                    step: 1,
                    weight: quarter,
                },
            )
            .then(
                960,
                Event::Checked {
                    check,
                    passed: 1,
                    failed: 1,
                    inconclusive: 0,
                },
            )
    }

    /// Rolled back by an alarm at 1000 seconds.
    pub fn rolled_back(self) -> Self {
        let cause = AbortCause::AlarmRaised {
            alarm: "web-production-5xx".to_owned(),
            raised_at: Some(after(999)),
            reason: "2 datapoints above 1.0".to_owned(),
        };
        let exit = Exit {
            state: ExitState::RolledBack,
            at: after(1100),
            reason: "alarm web-production-5xx went to ALARM".to_owned(),
            remedy: Some("repair the image and push again".to_owned()),
        };
        self.baking()
            .then(1000, Event::AbortRequested { cause: cause.clone() })
            .then(
                1001,
                Event::RollbackStarted {
                    epoch: Epoch(8),
                    cause,
                },
            )
            .then(
                1003,
                Event::TrafficReturned {
                    quiesced_at: after(1078),
                },
            )
            .then(1079, Event::TrafficReasserted)
            .then(1095, Event::CandidateScaledIn)
            .then(1100, Event::Exited { exit })
    }
}

/// A deployment in a bake, with its journal.
pub fn baking_with_journal() -> (Deployment, Vec<Entry>) {
    let Story { deployment, entries } = Story::new().baking();
    (deployment, entries)
}

fn plan(deployment: &Deployment) -> Plan {
    let steps = match &deployment.spec.strategy {
        Strategy::Canary(canary) => canary.steps.clone(),
        other => unreachable!("the sample is a canary, not {other:?}"),
    };
    let services = [
        (Slot::Blue, "web-blue".to_owned()),
        (Slot::Green, "web-green".to_owned()),
    ]
    .into();
    Plan {
        contract: None,
        wiring: Wiring {
            cluster: "production".to_owned(),
            services,
            balancer: None,
        },
        traffic: Traffic::Weighted,
        stable: Some(StableRevision {
            slot: Slot::Blue,
            task_definition: "arn:aws:ecs:us-east-1:000000000000:task-definition/web-production:11"
                .to_owned(),
            digest: None,
            desired: 4,
        }),
        candidate: Slot::Green,
        image: "000000000000.dkr.ecr.us-east-1.amazonaws.com/web@sha256:ab12".to_owned(),
        capacity: 4,
        steps,
        changes: Vec::new(),
        container: Vec::new(),
        alarms: vec!["web-production-5xx".to_owned()],
        forward_before: None,
        expected_seconds: 1380,
        evidence: None,
        permissions: None,
        cost: None,
        hash: PlanHash::of(b"plan"),
    }
}
