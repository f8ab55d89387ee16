//! What is there, what is missing, what will be done.

use super::*;
use crate::deployment::{Plan, StableRevision, Traffic};
use crate::evidence::{EvidenceSeen, Scan, ScanState};
use crate::exit::Missing;
use crate::ids::{PlanHash, Slot};
use crate::observation::{AlarmState, ImageState};
use crate::phases::{make_plan, traffic_of};
use crate::release::Findings;
use crate::spec::{Step, Strategy};
use crate::testing::*;
use crate::wiring::Wiring;

const LINEAR: &str = "\
environment: production
strategy: linear
replicas: 4
linear:
  increment: 50
  pause: 5m
autoRollback:
  alarms: [web-production-errors]
";

fn made(deployment: &Deployment, world: &Observation) -> Decision {
    make_plan(deployment, wiring(&deployment.spec), world, at(5))
}

fn planned(decision: Decision) -> Plan {
    assert_eq!(
        (&decision.actions, &decision.outcome),
        (&Vec::new(), &Outcome::Done)
    );
    match decision.events.as_slice() {
        [Event::Planned { plan }] => (**plan).clone(),
        other => panic!("not planned: {other:?}"),
    }
}

fn blocked(missing: &[(&str, &str)]) -> Decision {
    let missing = missing
        .iter()
        .map(|(what, remedy)| Missing {
            what: (*what).to_owned(),
            remedy: (*remedy).to_owned(),
            notify: Vec::new(),
        })
        .collect();
    Decision {
        outcome: Outcome::Blocked(missing),
        ..done()
    }
}

/// The plan of a file for the world that is given, and what it should be but for the hash.
fn assert_planned(file: &str, world: &Observation, change: impl FnOnce(&mut Plan)) {
    let deployment = requested(file);
    let made = planned(made(&deployment, world));
    let mut expected = plan(&deployment.spec);
    change(&mut expected);
    expected.hash = made.hash.clone();
    assert_eq!(made, expected);
}

#[test]
fn each_strategy_has_its_plan() {
    // Expected: each bake and a minute for its tasks; blue-green's test beside it.
    for (file, seconds) in [
        (CANARY, 300 + 60 + 60),
        (WORKER, 300 + 60 + 60),
        (BLUE_GREEN, 120 + 60 + 120),
        (ROLLING, 60),
        (RECREATE, 60),
        (LINEAR, 300 + 60 + 60),
    ] {
        let world = at_rest(&requested(file).spec);
        assert_planned(file, &world, |plan| plan.expected_seconds = seconds);
    }
}

#[test]
fn traffic_moves_as_the_strategy_and_the_balancer_say() {
    let strategy = |file: &str| spec(file).strategy;
    for (file, balanced, expected) in [
        (CANARY, true, Traffic::Weighted),
        (CANARY, false, Traffic::Tasks),
        (LINEAR, true, Traffic::Weighted),
        (LINEAR, false, Traffic::Tasks),
        (BLUE_GREEN, true, Traffic::Weighted),
        (BLUE_GREEN, false, Traffic::Tasks),
        (ROLLING, true, Traffic::Rolling),
        (ROLLING, false, Traffic::Rolling),
        (RECREATE, true, Traffic::Recreate),
        (RECREATE, false, Traffic::Recreate),
    ] {
        assert_eq!(traffic_of(&strategy(file), balanced), expected);
    }
}

#[test]
fn the_slot_that_serves_is_stable_and_the_other_gets_the_candidate() {
    let stable = |slot| StableRevision {
        slot,
        task_definition: "web:2".to_owned(),
        digest: Some(digest("2")),
        desired: 4,
    };
    // By the weights, whatever else runs.
    let world = with_candidate(&spec(CANARY), 4, 100);
    assert_planned(CANARY, &world, |plan| {
        plan.candidate = Slot::Blue;
        plan.stable = Some(stable(Slot::Green));
        plan.forward_before = Some(forward(100));
    });
    // By the tasks, where nothing else tells.
    let mut world = with_candidate(&spec(WORKER), 4, 0);
    world.slots.insert(Slot::Blue, service("web:1", 0));
    assert_planned(WORKER, &world, |plan| {
        plan.candidate = Slot::Blue;
        plan.stable = Some(stable(Slot::Green));
    });
}

#[test]
fn a_first_deployment_takes_one_step_to_all_traffic() {
    let whole = |bake_seconds| {
        vec![Step {
            weight: weight(100),
            bake_seconds,
        }]
    };
    for (file, candidate, bake_seconds, expected_seconds) in [
        (CANARY, Slot::Green, 0, 60),
        (LINEAR, Slot::Green, 0, 60),
        // Without weights, there is nothing to say that blue serves.
        (WORKER, Slot::Blue, 0, 60),
        (BLUE_GREEN, Slot::Green, 120, 300),
        (ROLLING, Slot::Blue, 0, 60),
        (RECREATE, Slot::Blue, 0, 60),
    ] {
        let mut world = at_rest(&spec(file));
        world.slots.insert(Slot::Blue, service("web:0", 0));
        assert_planned(file, &world, |plan| {
            plan.stable = None;
            plan.candidate = candidate;
            plan.steps = whole(bake_seconds);
            plan.expected_seconds = expected_seconds;
        });
    }
}

#[test]
fn full_traffic_needs_what_stable_has_where_that_is_more_than_the_file_says() {
    for (tasks, capacity) in [(3, 4), (4, 4), (9, 9)] {
        let mut world = at_rest(&spec(CANARY));
        world.slots.insert(Slot::Blue, service("web:1", tasks));
        assert_planned(CANARY, &world, |plan| {
            plan.capacity = capacity;
            plan.stable.as_mut().unwrap().desired = tasks;
        });
    }
}

#[test]
fn every_watched_alarm_is_in_the_plan() {
    let mut world = at_rest(&spec(CANARY));
    world.alarms.push(alarm("second", AlarmState::InsufficientData));
    assert_planned(CANARY, &world, |plan| {
        plan.alarms = vec![ALARM.to_owned(), "second".to_owned()];
    });
}

#[test]
fn the_hash_tells_plans_and_deployments_apart() {
    let deployment = requested(CANARY);
    let world = at_rest(&deployment.spec);
    let hash = |deployment: &Deployment, world: &Observation| planned(made(deployment, world)).hash;
    let first = hash(&deployment, &world);
    assert_eq!(first, hash(&deployment, &world));
    assert_ne!(first, PlanHash::of(b""));

    let mut another = requested(CANARY);
    another.id = "web-production-8".parse().unwrap();
    assert_ne!(first, hash(&another, &world));
    let mut image = requested(CANARY);
    image.revision.digest = digest("3");
    assert_ne!(first, hash(&image, &world));
    let mut more = world.clone();
    more.slots.insert(Slot::Blue, service("web:1", 5));
    assert_ne!(first, hash(&deployment, &more));
}

#[test]
fn nothing_is_planned_in_a_freeze() {
    let mut deployment = requested(CANARY);
    freeze(&mut deployment, 100, 200);
    let world = at_rest(&deployment.spec);
    let at_second = |seconds| {
        let wiring = wiring(&deployment.spec);
        make_plan(&deployment, wiring, &world, at(seconds))
    };
    let frozen = blocked(&[(
        "a time without freeze: holidays until 2026-11-20T09:03:20Z",
        "deploy after it, or end the freeze in the deployment file",
    )]);
    planned(at_second(99));
    assert_eq!(at_second(100), frozen);
    assert_eq!(at_second(199), frozen);
    planned(at_second(200));
}

#[test]
fn an_image_that_ecr_does_not_have_blocks() {
    let deployment = requested(CANARY);
    let mut world = at_rest(&deployment.spec);
    let what = format!("image {} in ECR", digest("2"));
    let missing = blocked(&[(&what, "push it to repository web again")]);
    for image in [None, Some(ImageState::Missing)] {
        world.image = image;
        assert_eq!(made(&deployment, &world), missing);
    }
}

#[test]
fn a_stable_image_that_is_gone_blocks_until_it_is_set_aside() {
    let mut deployment = requested(CANARY);
    let mut world = at_rest(&deployment.spec);
    world.stable_image = Some(ImageState::Missing);
    assert_eq!(
        made(&deployment, &world),
        blocked(&[(
            "the stable revision's image in ECR: a rollback could not start new tasks",
            "push that image again, or deploy with `--override stable-image`"
        )])
    );
    set_aside(&mut deployment, "stable-image");
    planned(made(&deployment, &world));
    // Where stable's image is not named by digest, nobody can say.
    world.stable_image = None;
    planned(made(&requested(CANARY), &world));
}

#[test]
fn a_stable_task_definition_that_is_inactive_blocks_until_it_is_set_aside() {
    let mut deployment = requested(CANARY);
    let mut world = at_rest(&deployment.spec);
    // What the other slot has is replaced in any case.
    world.slots.get_mut(&Slot::Green).unwrap().inactive = true;
    planned(made(&deployment, &world));
    world.slots.get_mut(&Slot::Blue).unwrap().inactive = true;
    assert_eq!(
        made(&deployment, &world),
        blocked(&[(
            "an active task definition of the stable revision: a rollback could not go back to web:1",
            "register it again and set the ECS service to that, or deploy with `--override \
             stable-task-definition`"
        )])
    );
    set_aside(&mut deployment, "stable-task-definition");
    planned(made(&deployment, &world));
}

#[test]
fn an_alarm_that_fires_or_cannot_be_read_blocks_until_it_is_set_aside() {
    let remedy = "repair it, or deploy with `--override alarm:web-production-errors`";
    for (state, what) in [
        (
            AlarmState::Alarm,
            "alarm web-production-errors out of ALARM (8 errors)",
        ),
        (
            AlarmState::Unreadable,
            "alarm web-production-errors: it does not exist or can't be read",
        ),
    ] {
        let mut deployment = requested(CANARY);
        let mut world = at_rest(&deployment.spec);
        world.alarms = vec![alarm("second", AlarmState::Ok), alarm(ALARM, state)];
        assert_eq!(made(&deployment, &world), blocked(&[(what, remedy)]));
        set_aside(&mut deployment, "alarm:second");
        assert_eq!(made(&deployment, &world), blocked(&[(what, remedy)]));
        set_aside(&mut deployment, "alarm:web-production-errors");
        planned(made(&deployment, &world));
    }
}

#[test]
fn a_suite_without_task_definition_blocks() {
    let deployment = requested(CANARY);
    let mut world = at_rest(&deployment.spec);
    world.unknown_suites = vec![suite("smoke"), suite("load")];
    let remedy =
        |name| format!("register `web-production-test-{name}`, or take the suite out of postDeploymentTests");
    assert_eq!(
        made(&deployment, &world),
        blocked(&[
            ("a task definition for test suite smoke", &remedy("smoke")),
            ("a task definition for test suite load", &remedy("load")),
        ])
    );
}

#[test]
fn weights_that_are_not_at_rest_block() {
    let deployment = requested(CANARY);
    let remedy = "set one target group to 100 and the other to 0";
    let rule = |what: &str| blocked(&[(&format!("a listener rule at rest: {what}"), remedy)]);
    let mut world = at_rest(&deployment.spec);
    for (green, what) in [
        (25, "blue has 75 %, green has 25 %"),
        (1, "blue has 99 %, green has 1 %"),
        (99, "blue has 1 %, green has 99 %"),
    ] {
        world.forward = Some(forward(green));
        assert_eq!(made(&deployment, &world), rule(what));
    }
    world.forward.as_mut().unwrap().target_groups.remove(0);
    world.forward.as_mut().unwrap().target_groups[0].1 = 100;
    assert_eq!(made(&deployment, &world), rule("blue has none, green has 100 %"));
    world.forward = None;
    assert_eq!(made(&deployment, &world), rule("blue has none, green has none"));
}

#[test]
fn tasks_in_both_slots_block_where_nothing_else_tells_who_serves() {
    let deployment = requested(WORKER);
    let world = with_candidate(&deployment.spec, 1, 0);
    assert_eq!(
        made(&deployment, &world),
        blocked(&[(
            "one slot at rest: both ECS services have tasks",
            "set the desired count of the one that is not wanted to 0"
        )])
    );
}

#[test]
fn a_service_that_does_not_exist_blocks_with_whatever_else_is_missing() {
    let deployment = requested(CANARY);
    let mut world = at_rest(&deployment.spec);
    world.slots.remove(&Slot::Green);
    let service = (
        "ECS service web-green in cluster production",
        "create it from infra/service.yaml, or name the `cluster` in the file",
    );
    assert_eq!(made(&deployment, &world), blocked(&[service]));
    world.image = None;
    let what = format!("image {} in ECR", digest("2"));
    assert_eq!(
        made(&deployment, &world),
        blocked(&[(&what, "push it to repository web again"), service])
    );
    // A service that the target does not have is not asked for.
    let rolling = requested(ROLLING);
    let wiring: Wiring = wiring(&rolling.spec);
    assert_eq!(wiring.services.len(), 1);
    planned(made(&rolling, &at_rest(&rolling.spec)));
}

#[test]
fn a_bluegreen_that_is_not_tested_takes_no_time_for_it() {
    let mut deployment = requested(BLUE_GREEN);
    if let Strategy::BlueGreen(bluegreen) = &mut deployment.spec.strategy {
        bluegreen.test_duration_seconds = 0;
    }
    let plan = planned(made(&deployment, &at_rest(&deployment.spec)));
    assert_eq!(plan.expected_seconds, 60);
    assert_eq!(plan.steps.len(), 1);
    assert_eq!(plan.steps[0].bake_seconds, 0);
}

const SCANNED: &str = "\
environment: production
strategy: rolling
replicas: 4
evidence:
  scan: {critical: 0}
autoRollback:
  alarms: [web-production-errors]
";

fn with_scan(world: &mut Observation, scan: ScanState) {
    let seen = EvidenceSeen {
        scan: Some(scan),
        ..EvidenceSeen::nothing(digest("2"))
    };
    world.evidence = Some(seen);
}

fn clean_scan() -> ScanState {
    ScanState::Done(Scan {
        digest: digest("2"),
        at: None,
        findings: Findings::default(),
    })
}

#[test]
fn a_plan_waits_for_a_scan_and_says_so_once() {
    let mut deployment = requested(SCANNED);
    let mut world = at_rest(&deployment.spec);
    let status = "IN_PROGRESS".to_owned();
    with_scan(&mut world, ScanState::Pending { status });
    let waiting = made(&deployment, &world);
    let reason = "ECR's scan of web:v2".to_owned();
    let seconds = 20;
    let outcome = Outcome::Wait {
        seconds,
        reason: reason.clone(),
    };
    assert_eq!(waiting.outcome, outcome);
    assert_eq!(waiting.events, [Event::Waiting { reason }]);
    tell(&mut deployment, 5, waiting.events[0].clone());
    assert_eq!(made(&deployment, &world).events, []);
    // What is missing is said at once: nobody waits for a scan to hear of it.
    deployment.spec.evidence.as_mut().unwrap().ticket = true;
    assert!(matches!(made(&deployment, &world).outcome, Outcome::Blocked(missing) if missing.len() == 1));
}

#[test]
fn what_is_known_of_the_image_is_part_of_what_is_approved() {
    let deployment = requested(SCANNED);
    let mut world = at_rest(&deployment.spec);
    with_scan(&mut world, clean_scan());
    let first = planned(made(&deployment, &world));
    let scan = first.evidence.as_ref().and_then(|used| used.scan.clone());
    assert_eq!(scan.map(|scan| scan.findings), Some(Findings::default()));
    let high = Findings {
        high: 1,
        ..Findings::default()
    };
    with_scan(
        &mut world,
        ScanState::Done(Scan {
            digest: digest("2"),
            at: None,
            findings: high,
        }),
    );
    assert_ne!(planned(made(&deployment, &world)).hash, first.hash);
    // Without the section, what was seen changes nothing.
    let plain = requested(CANARY);
    let mut seen = at_rest(&plain.spec);
    let before = planned(made(&plain, &seen));
    with_scan(&mut seen, clean_scan());
    assert_eq!(planned(made(&plain, &seen)), before);
    let text = serde_json::to_string(&before).unwrap();
    assert!(!text.contains("evidence"), "{text}");
}

#[test]
fn a_hotfix_needs_a_section_that_says_what_it_may_do() {
    let mut deployment = requested(CANARY);
    set_aside(&mut deployment, crate::deployment::HOTFIX);
    let world = at_rest(&deployment.spec);
    let expected = blocked(&[(
        "a `hotfix` section in the deployment file",
        "add one that says what a hotfix may leave out, or deploy without `--hotfix`",
    )]);
    assert_eq!(made(&deployment, &world), expected);
}
