//! Contracts: what only older code needs is taken away in a deployment of its own, later, once.

use std::collections::BTreeMap;

use tidegate_core::deployment::Deployment;
use tidegate_core::event::Event;
use tidegate_core::exit::ExitState;
use tidegate_core::ids::{ChangeId, DeploymentId};
use tidegate_local::faults::{CallFate, EventFate};
use tidegate_local::fleet::{AlarmValue, Behaviour, Database};
use tidegate_local::stage::FIRST_DIGEST;
use tidegate_tests::files::SHORT;
use tidegate_tests::{Scene, remedy};

use crate::scenario;

const TARGET: &str = "web/production";

/// How a schedule's event is called among faults.
const SCHEDULED: &str = "Scheduled Event";

/// A column that is added before, and another that is dropped forty minutes later.
const CONTRACT: &str = "\
migrations:
  - {name: add-email, command: [bin/migrate, up, add-email], down: [bin/migrate, down, add-email]}
  - name: drop-mail
    stage: contract
    after: 40m
    command: [bin/migrate, up, drop-mail]
    verify: [bin/migrate, check, drop-mail]
autoRollback: {window: 10m}
gates:
  - before: contract
    approvals: [{role: tech-lead}]
    expires: 1h
";

fn file() -> String {
    format!("{SHORT}{CONTRACT}")
}

fn failing(words: &str) -> Behaviour {
    Behaviour {
        suite_exit_codes: BTreeMap::from([(words.to_owned(), 3)]),
        suite_lines: BTreeMap::from([(words.to_owned(), vec!["ERROR: a view depends on it".to_owned()])]),
        ..Behaviour::default()
    }
}

/// A deployment that has completed and whose contract waits.
async fn outstanding(scene: &Scene, behaviour: Behaviour) -> Deployment {
    scene.given(TARGET, 5, &file()).await;
    scene.people().await;
    scene.push('2', behaviour);
    scene.runs(TARGET, ExitState::Completed).await
}

/// The deployment of the contract, at its gate, and the plan that it asks about.
async fn asked(scene: &Scene) -> (DeploymentId, String) {
    let id = scene.started(TARGET).await;
    let plan = scene.gate(&id).await;
    (id, plan)
}

/// The deployment of the contract, agreed to, at the end that it should have.
async fn agreed(scene: &Scene, state: ExitState) -> Deployment {
    let (id, plan) = asked(scene).await;
    scene.decide("maria", &id, true, &plan).await.unwrap();
    scene.ends(&id, state).await
}

/// How often the contract was begun, in whatever deployment. That one of them starts one task is an invariant.
async fn runs(scene: &Scene) -> usize {
    let (_, all) = scene.heads(&TARGET.parse().unwrap()).await;
    let contract = ChangeId::of("contract", "drop-mail");
    let mut begun = 0;
    for deployment in all {
        let journal = scene.stage.journal(&deployment.id).await;
        let is = |event: &Event| matches!(event, Event::ChangeStarted { id, .. } if *id == contract);
        begun += journal.iter().filter(|entry| is(&entry.event)).count();
    }
    begun
}

async fn dropped(scene: &Scene, id: &DeploymentId) -> Option<String> {
    let journal = scene.stage.journal(id).await;
    journal.into_iter().find_map(|entry| match entry.event {
        Event::ContractDropped { reason, .. } => Some(reason),
        _ => None,
    })
}

async fn waits(scene: &Scene) -> bool {
    scene.stage.target(TARGET).await.unwrap().contract.is_some()
}

#[test]
fn a_contract_is_made_after_its_wait_when_people_agree() {
    scenario(
        "a-contract-is-made-after-its-wait-when-people-agree",
        "Forty minutes after completion its schedule has it asked for; the next deployment of the same file does not make it again.",
        async |scene| {
            let completed = outstanding(scene, Behaviour::default()).await;
            let planned = completed.plan.unwrap().contract.clone().unwrap();
            assert_eq!(planned.names(), ["drop-mail"]);
            scene.wait(2300).await;
            assert_eq!(runs(scene).await, 0);
            let (id, plan) = asked(scene).await;
            assert_eq!(runs(scene).await, 0);
            scene.decide("maria", &id, true, &plan).await.unwrap();
            let made = scene.ends(&id, ExitState::Completed).await;
            assert_eq!((runs(scene).await, waits(scene).await), (1, false));
            let finding = scene.stage.target(TARGET).await.unwrap();
            assert_eq!(finding.stable.unwrap().deployment, completed.id);
            assert_eq!(finding.contracted["drop-mail"].by, made.id);
            scene.push('3', Behaviour::default());
            let next = scene.runs(TARGET, ExitState::Completed).await;
            assert!(next.plan.unwrap().contract.is_none());
            scene.wait(2700).await;
            assert_eq!(runs(scene).await, 1);
        },
    );
}

#[test]
fn a_contract_whose_deployment_was_taken_back_is_not_made() {
    scenario(
        "a-contract-whose-deployment-was-taken-back-is-not-made",
        "Taken back five minutes after completion: what older code needs stays, and people hear of it.",
        async |scene| {
            let completed = outstanding(scene, Behaviour::default()).await;
            scene.wait(300).await;
            let back = scene.stop("olaf", "rollback", &completed.id).await.unwrap();
            scene.ends(&back, ExitState::RolledBack).await;
            scene.wait(120).await;
            let reason = dropped(scene, &completed.id).await.unwrap();
            assert!(reason.contains("was taken back"), "{reason}");
            scene.wait(2700).await;
            assert_eq!((runs(scene).await, waits(scene).await), (0, false));
        },
    );
}

#[test]
fn a_contract_is_left_to_people_where_other_code_serves() {
    scenario(
        "a-contract-is-left-to-people-where-other-code-serves",
        "The next deployment's file does not have it: nobody knows whether that code does without the column.",
        async |scene| {
            let completed = outstanding(scene, Behaviour::default()).await;
            scene.apply(TARGET, SHORT).await.unwrap();
            scene.push('3', Behaviour::default());
            let other = scene.runs(TARGET, ExitState::Completed).await;
            scene.wait(120).await;
            let reason = dropped(scene, &completed.id).await.unwrap();
            assert!(reason.contains(other.id.as_str()), "{reason}");
            scene.wait(2700).await;
            assert_eq!((runs(scene).await, waits(scene).await), (0, false));
        },
    );
}

#[test]
fn the_next_deployment_takes_a_contract_over_with_its_time() {
    scenario(
        "the-next-deployment-takes-a-contract-over-with-its-time",
        "Whoever deploys often gets there, too: the code before did without the column already.",
        async |scene| {
            let first = outstanding(scene, Behaviour::default()).await;
            let due = scene.stage.target(TARGET).await.unwrap().contract.unwrap().due_at;
            scene.wait(900).await;
            scene.push('3', Behaviour::default());
            let second = scene.runs(TARGET, ExitState::Completed).await;
            let taken = scene.stage.target(TARGET).await.unwrap().contract.unwrap();
            assert_eq!((&taken.deployment, taken.due_at), (&second.id, due));
            assert_eq!(dropped(scene, &first.id).await, None);
            let made = agreed(scene, ExitState::Completed).await;
            assert_eq!(made.revision.digest, second.revision.digest);
            assert_eq!(runs(scene).await, 1);
        },
    );
}

#[test]
fn another_contract_is_not_planned_before_the_one_that_waits() {
    scenario(
        "another-contract-is-not-planned-before-the-one-that-waits",
        "A second column in the file while the first one waits: blocked, with what to do.",
        async |scene| {
            outstanding(scene, Behaviour::default()).await;
            let more = file().replace("drop-mail", "drop-phone");
            scene.apply(TARGET, &more).await.unwrap();
            scene.push('3', Behaviour::default());
            let blocked = scene.runs(TARGET, ExitState::Blocked).await.exit.unwrap();
            assert!(
                blocked.reason.contains("contract drop-mail"),
                "{}",
                blocked.reason
            );
            assert!(waits(scene).await);
            scene.contract("olaf", "cancel", TARGET).await.unwrap();
            scene.deploy("ines", TARGET, "v3", &[]).await.unwrap();
            let next = scene.runs(TARGET, ExitState::Completed).await;
            assert_eq!(
                next.plan.unwrap().contract.clone().unwrap().names(),
                ["drop-phone"]
            );
        },
    );
}

#[test]
fn a_contract_whose_schedule_is_lost_is_found_by_the_sweep() {
    scenario(
        "a-contract-whose-schedule-is-lost-is-found-by-the-sweep",
        "EventBridge Scheduler never calls: a minute later the sweep asks.",
        async |scene| {
            outstanding(scene, Behaviour::default()).await;
            scene.cloud(|state| state.faults.event(SCHEDULED, EventFate::Dropped));
            let (id, plan) = asked(scene).await;
            let due = scene.stage.target(TARGET).await.unwrap().contract.unwrap().due_at;
            let late = scene
                .deployment(&id)
                .await
                .requested_at
                .duration_since(due)
                .as_secs();
            assert!((60..=125).contains(&late), "{late} s");
            scene.decide("maria", &id, true, &plan).await.unwrap();
            scene.ends(&id, ExitState::Completed).await;
            assert_eq!(runs(scene).await, 1);
        },
    );
}

#[test]
fn a_schedule_that_is_refused_stops_no_deployment() {
    scenario(
        "a-schedule-that-is-refused-stops-no-deployment",
        "Scheduler denies: the deployment has completed all the same, and the sweep asks when it is time.",
        async |scene| {
            scene.cloud(|state| {
                let denied = tidegate_local::endpoints::Fault::new("AccessDeniedException", "not authorized");
                state.faults.fail("CreateSchedule", denied, 99);
            });
            outstanding(scene, Behaviour::default()).await;
            agreed(scene, ExitState::Completed).await;
        },
    );
}

#[test]
fn a_contract_whose_schedule_calls_twice_is_made_once() {
    scenario(
        "a-contract-whose-schedule-calls-twice-is-made-once",
        "Complete dies as it makes the schedule, the schedule calls twice, and migrate dies as it starts the task: one task.",
        async |scene| {
            scene.cloud(|state| {
                let next = &mut state.faults.numbered.next;
                next.push(("complete", "CreateSchedule", CallFate::KillAfter));
                next.push(("sweep", "StartExecution", CallFate::KillAfter));
                next.push(("migrate", "RunTask", CallFate::KillAfter));
            });
            // The first of them is the migration before the candidate gets traffic.
            outstanding(scene, Behaviour::default()).await;
            scene.cloud(|state| {
                state.faults.event(SCHEDULED, EventFate::Doubled);
                state
                    .faults
                    .numbered
                    .next
                    .push(("migrate", "RunTask", CallFate::KillAfter));
            });
            agreed(scene, ExitState::Completed).await;
            assert_eq!(runs(scene).await, 1);
            let (_, all) = scene.heads(&TARGET.parse().unwrap()).await;
            assert_eq!(all.len(), 2);
        },
    );
}

#[test]
fn a_contract_that_nobody_agrees_to_is_not_made() {
    scenario(
        "a-contract-that-nobody-agrees-to-is-not-made",
        "Maria refuses: nothing is touched and it is not asked for again, until somebody has it asked for.",
        async |scene| {
            outstanding(scene, Behaviour::default()).await;
            let (id, plan) = asked(scene).await;
            scene.decide("maria", &id, false, &plan).await.unwrap();
            let stopped = scene.ends(&id, ExitState::Aborted).await;
            assert!(remedy(&stopped).contains("tidegate contract run"));
            scene.wait(2700).await;
            assert_eq!((runs(scene).await, waits(scene).await), (0, true));
            scene.contract("olaf", "run", TARGET).await.unwrap();
            agreed(scene, ExitState::Completed).await;
            assert_eq!(runs(scene).await, 1);
        },
    );
}

#[test]
fn a_person_has_a_contract_made_only_once_the_code_is_baked() {
    scenario(
        "a-person-has-a-contract-made-only-once-the-code-is-baked",
        "Refused while the deployment can still be taken back; ten minutes later the schedule is not waited for, and finds nothing to do.",
        async |scene| {
            outstanding(scene, Behaviour::default()).await;
            let early = scene.contract("olaf", "run", TARGET).await.unwrap_err();
            assert!(early.contains("can still be taken back"), "{early}");
            scene.wait(700).await;
            scene.contract("olaf", "run", TARGET).await.unwrap();
            let busy = scene.contract("olaf", "cancel", TARGET).await.unwrap_err();
            assert!(busy.contains("is running"), "{busy}");
            agreed(scene, ExitState::Completed).await;
            scene.wait(2700).await;
            assert_eq!(runs(scene).await, 1);
        },
    );
}

#[test]
fn a_contract_that_fails_is_told_and_not_tried_again() {
    scenario(
        "a-contract-that-fails-is-told-and-not-tried-again",
        "The column can't be dropped: traffic stays where it is, its log is kept, and a person decides.",
        async |scene| {
            outstanding(scene, failing("drop-mail")).await;
            let stopped = agreed(scene, ExitState::Aborted).await;
            assert!(remedy(&stopped).contains("it may be half made"));
            scene.wait(2700).await;
            assert_eq!((runs(scene).await, waits(scene).await), (1, true));
            scene.contract("olaf", "cancel", TARGET).await.unwrap();
            assert!(!waits(scene).await);
        },
    );
}

#[test]
fn a_contract_that_only_a_backup_brings_back_takes_one_first() {
    scenario(
        "a-contract-that-only-a-backup-brings-back-takes-one-first",
        "It fails after the backup: a person is paged, and told which backup it is.",
        async |scene| {
            let restore = "prepare: {backups: [{database: web-db}]}\n";
            let with_undo = file().replace(
                "    stage: contract\n",
                "    stage: contract\n    undo: needs-restore\n",
            );
            scene.cloud(|state| {
                let database = Database::default();
                state.fleet.databases.insert("web-db".to_owned(), database);
            });
            scene.given(TARGET, 5, &format!("{with_undo}{restore}")).await;
            scene.people().await;
            scene.push('2', failing("check"));
            scene.runs(TARGET, ExitState::Completed).await;
            let failed = agreed(scene, ExitState::RollbackFailed).await.exit.unwrap();
            assert!(
                failed
                    .remedy
                    .unwrap()
                    .contains("snapshot:tidegate-web-production-2-contract")
            );
            let state = scene.stage.target(TARGET).await.unwrap();
            assert!(state.quarantine.is_empty() && state.stable.is_some());
        },
    );
}

#[test]
fn an_alarm_keeps_a_contract_from_being_made() {
    scenario(
        "an-alarm-keeps-a-contract-from-being-made",
        "While people are asked the service gets into trouble: no time to take something away.",
        async |scene| {
            outstanding(scene, Behaviour::default()).await;
            let (id, _) = asked(scene).await;
            scene.alarm("web-production-green-error-rate", AlarmValue::Alarm);
            scene.ends(&id, ExitState::Aborted).await;
            assert_eq!(runs(scene).await, 0);
        },
    );
}

#[test]
fn after_a_contract_older_code_can_not_come_back_by_itself() {
    scenario(
        "after-a-contract-older-code-can-not-come-back-by-itself",
        "The rollback is refused and says why; the older image needs an override, which is on record.",
        async |scene| {
            let completed = outstanding(scene, Behaviour::default()).await;
            agreed(scene, ExitState::Completed).await;
            let refused = scene.stop("olaf", "rollback", &completed.id).await.unwrap_err();
            assert!(refused.contains("contract drop-mail"), "{refused}");
            scene.deploy("ines", TARGET, FIRST_DIGEST, &[]).await.unwrap();
            let blocked = scene.runs(TARGET, ExitState::Blocked).await.exit.unwrap();
            assert!(
                blocked.reason.contains("contract drop-mail"),
                "{}",
                blocked.reason
            );
            let aside = ["contract"];
            scene.deploy("ines", TARGET, FIRST_DIGEST, &aside).await.unwrap();
            let old = scene.runs(TARGET, ExitState::Completed).await;
            assert!(old.plan.unwrap().contract.is_none());
        },
    );
}

#[test]
fn a_contract_that_waits_for_people_gives_way_to_a_newer_image() {
    scenario(
        "a-contract-that-waits-for-people-gives-way-to-a-newer-image",
        "The file says that newer images come first: it is asked for again after that deployment, and made once.",
        async |scene| {
            let file = format!("{}trigger: {{onNewerPush: supersede}}\n", file());
            scene.given(TARGET, 5, &file).await;
            scene.people().await;
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
            let (id, _) = asked(scene).await;
            scene.push('3', Behaviour::default());
            scene.ends(&id, ExitState::Aborted).await;
            let next = scene.runs(TARGET, ExitState::Completed).await;
            let made = agreed(scene, ExitState::Completed).await;
            assert_eq!(made.revision.digest, next.revision.digest);
            assert_eq!(runs(scene).await, 1);
        },
    );
}
