//! Indexes of DynamoDB tables, added before the new revision gets traffic and removed by a contract.

use jiff::{SignedDuration, Timestamp};
use tidegate_core::change::index::{AttributeType, KeyAttribute};
use tidegate_core::deployment::Deployment;
use tidegate_core::exit::ExitState;
use tidegate_core::ids::DeploymentId;
use tidegate_local::endpoints::Fault;
use tidegate_local::faults::CallFate;
use tidegate_local::fleet::{AlarmValue, Behaviour, ServiceIndex, ServiceTable};
use tidegate_tests::files::SHORT;
use tidegate_tests::{Scene, reason, remedy};

use crate::scenario;

const TARGET: &str = "web/production";

const ADDS: &str = "\
migrations:
  - name: orders-by-customer
    table: orders
    addIndex: {name: by-customer, partitionKey: {customer: S}, sortKey: {placed: N}, project: all}
";

/// An index that nothing reads any more, removed forty minutes later.
const REMOVES: &str = "\
migrations:
  - {name: drop-by-mail, table: orders, removeIndex: by-mail, stage: contract, after: 40m}
autoRollback: {window: 10m}
gates:
  - before: contract
    approvals: [{role: tech-lead}]
    expires: 1h
";

/// Three million items, of which an index is filled in a good quarter of an hour.
fn orders() -> ServiceTable {
    ServiceTable {
        on_demand: true,
        items: 3_012_400,
        bytes: 8 << 30,
        ..ServiceTable::default()
    }
}

async fn given(scene: &Scene, file: &str, table: ServiceTable) {
    scene.given(TARGET, 5, &format!("{SHORT}{file}")).await;
    scene.cloud(|state| state.fleet.service_tables.insert("orders".to_owned(), table));
}

/// Changes what the table is.
fn change(scene: &Scene, change: impl FnOnce(&mut ServiceTable, Timestamp)) {
    scene.cloud(|state| {
        let now = state.fleet.now();
        change(state.fleet.service_tables.get_mut("orders").unwrap(), now);
    });
}

/// What DynamoDB has made of Tidegate's calls.
fn asked(scene: &Scene) -> Vec<String> {
    scene.cloud(|state| state.fleet.service_tables["orders"].asked.clone())
}

/// The deployment of the second image, taken back by an alarm at a fifth of the traffic.
async fn alarmed(scene: &Scene) -> Deployment {
    scene.push('2', Behaviour::default());
    let id = scene.started(TARGET).await;
    scene.at_weight(&id, 20).await;
    scene.alarm("web-production-green-error-rate", AlarmValue::Alarm);
    scene.ends(&id, ExitState::RolledBack).await
}

/// A deployment whose table somebody changes for five minutes once its plan is made.
async fn busy_after_its_plan(scene: &Scene) -> DeploymentId {
    let file = format!("prepare: {{backups: [{{table: orders}}]}}\n{ADDS}");
    given(scene, &file, orders()).await;
    scene.push('2', Behaviour::default());
    let id = scene.started(TARGET).await;
    scene.waits_for(&id, "backup:table:orders").await;
    change(scene, |table, now| {
        table.updating_until = Some(now + SignedDuration::from_mins(5));
    });
    id
}

#[test]
fn an_index_is_active_before_the_candidate_gets_traffic() {
    scenario(
        "an-index-is-active-before-the-candidate-gets-traffic",
        "The plan says how large the table is; DynamoDB makes room, fills the index, and only then traffic moves.",
        async |scene| {
            given(scene, ADDS, orders()).await;
            scene.push('2', Behaviour::default());
            let done = scene.runs(TARGET, ExitState::Completed).await;
            assert_eq!(asked(scene), ["add by-customer"]);
            let line = done.planned_changes()[0].describe();
            assert!(
                line.contains("about 3,012,400 items, 8 GiB (revertible)"),
                "{line}"
            );
            // The next deployment of the file finds it there.
            scene.push('3', Behaviour::default());
            let next = scene.runs(TARGET, ExitState::Completed).await;
            let line = next.planned_changes()[0].describe();
            assert!(line.contains("; it is there already"), "{line}");
            assert_eq!(asked(scene).len(), 1);
        },
    );
}

#[test]
fn an_alarm_removes_the_index_that_was_added() {
    scenario(
        "an-alarm-removes-the-index-that-was-added",
        "Traffic first; then DynamoDB deletes the index, and the deployment ends when it is gone.",
        async |scene| {
            given(scene, ADDS, orders()).await;
            alarmed(scene).await;
            assert_eq!(asked(scene), ["add by-customer", "remove by-customer"]);
        },
    );
}

#[test]
fn an_index_that_is_forward_only_stays_after_a_rollback() {
    scenario(
        "an-index-that-is-forward-only-stays-after-a-rollback",
        "The next try would fill it again for an hour: the file lets it stay.",
        async |scene| {
            given(scene, &format!("{ADDS}    undo: forward-only\n"), orders()).await;
            alarmed(scene).await;
            assert_eq!(asked(scene), ["add by-customer"]);
        },
    );
}

#[test]
fn an_index_that_was_there_already_outlives_a_rollback() {
    scenario(
        "an-index-that-was-there-already-outlives-a-rollback",
        "It is as the file asks, so nothing is made; and what was there before is not taken away.",
        async |scene| {
            let file = ADDS.replace(", sortKey: {placed: N}", "");
            let mut table = orders();
            table
                .indexes
                .insert("by-customer".to_owned(), ServiceIndex::by("customer"));
            given(scene, &file, table).await;
            alarmed(scene).await;
            assert_eq!(asked(scene), [""; 0]);
        },
    );
}

#[test]
fn a_table_with_all_its_indexes_gets_one_more_where_its_quota_was_raised() {
    scenario(
        "a-table-with-all-its-indexes-gets-one-more-where-its-quota-was-raised",
        "Twenty indexes block, and say how to go on for whoever has had the quota raised; a wrong word is refused.",
        async |scene| {
            let mut table = orders();
            for at in 0..20 {
                table
                    .indexes
                    .insert(format!("other-{at}"), ServiceIndex::by("customer"));
            }
            table.index_quota = Some(25);
            given(scene, ADDS, table).await;
            scene.push('2', Behaviour::default());
            let blocked = scene.runs(TARGET, ExitState::Blocked).await;
            assert!(remedy(&blocked).contains("--override index-quota"));
            let wrong = scene.deploy("maria", TARGET, "v2", &["indexquota"]).await;
            assert!(
                wrong
                    .unwrap_err()
                    .contains("what can: alarm:NAME, contract, index-quota")
            );
            scene
                .deploy("maria", TARGET, "v2", &["index-quota"])
                .await
                .unwrap();
            scene.runs(TARGET, ExitState::Completed).await;
            assert_eq!(asked(scene), ["add by-customer"]);
        },
    );
}

#[test]
fn a_rollback_by_hand_removes_the_index_that_was_added() {
    scenario(
        "a-rollback-by-hand-removes-the-index-that-was-added",
        "The completed deployment's journal says that there was none before it.",
        async |scene| {
            given(scene, ADDS, orders()).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.ends(&id, ExitState::Completed).await;
            scene.wait(300).await;
            let back = scene.stop("olaf", "rollback", &id).await.unwrap();
            scene.ends(&back, ExitState::RolledBack).await;
            assert_eq!(asked(scene), ["add by-customer", "remove by-customer"]);
        },
    );
}

#[test]
fn a_function_that_dies_makes_an_index_once() {
    scenario(
        "a-function-that-dies-makes-an-index-once",
        "It dies once DynamoDB has begun, on the way forward and on the way back: the next run finds it by its name.",
        async |scene| {
            given(scene, ADDS, orders()).await;
            scene.cloud(|state| {
                let next = &mut state.faults.numbered.next;
                next.push(("migrate", "UpdateTable", CallFate::KillAfter));
                next.push(("migrate", "UpdateTable", CallFate::KillAfter));
            });
            alarmed(scene).await;
            assert_eq!(asked(scene), ["add by-customer", "remove by-customer"]);
            scene.cloud(|state| assert_eq!(state.faults.numbered.next, []));
        },
    );
}

#[test]
fn a_table_that_is_busy_is_waited_for_and_people_read_why() {
    scenario(
        "a-table-that-is-busy-is-waited-for-and-people-read-why",
        "Somebody changes the table after the plan, then the account has too many changes underway.",
        async |scene| {
            let id = busy_after_its_plan(scene).await;
            let limit = Fault::new(
                "LimitExceededException",
                "Up to 500 simultaneous table operations are allowed",
            );
            scene.cloud(|state| state.faults.fail("UpdateTable", limit, 2));
            scene
                .waits_for(
                    &id,
                    "migration:orders-by-customer waits: the table is being changed",
                )
                .await;
            scene.ends(&id, ExitState::Completed).await;
            assert_eq!(asked(scene), ["add by-customer"]);
        },
    );
}

#[test]
fn an_index_that_somebody_else_makes_with_other_keys_fails_and_stays() {
    scenario(
        "an-index-that-somebody-else-makes-with-other-keys-fails-and-stays",
        "It has our name and other keys: nothing reads from it, and it is not ours to delete.",
        async |scene| {
            let id = busy_after_its_plan(scene).await;
            scene.waits_for(&id, "migration:orders-by-customer waits").await;
            change(scene, |table, _| {
                table
                    .indexes
                    .insert("by-customer".to_owned(), ServiceIndex::by("mail"));
            });
            let ended = scene.ends(&id, ExitState::Aborted).await;
            let told = reason(&ended);
            assert!(
                told.contains("table orders has one of that name with partition key mail (S)"),
                "{told}"
            );
            assert_eq!(asked(scene), [""; 0]);
        },
    );
}

#[test]
fn an_index_that_somebody_else_makes_while_ours_waits_is_not_taken_back() {
    scenario(
        "an-index-that-somebody-else-makes-while-ours-waits-is-not-taken-back",
        "It has our name and our keys, but Tidegate never asked for it: an alarm takes back everything else.",
        async |scene| {
            let id = busy_after_its_plan(scene).await;
            scene.waits_for(&id, "migration:orders-by-customer waits").await;
            let mut theirs = ServiceIndex::by("customer");
            let placed = KeyAttribute {
                name: "placed".to_owned(),
                kind: AttributeType::N,
            };
            theirs.definition.sort_key.push(placed);
            change(scene, |table, _| {
                table.indexes.insert("by-customer".to_owned(), theirs);
            });
            scene.at_weight(&id, 20).await;
            scene.alarm("web-production-green-error-rate", AlarmValue::Alarm);
            scene.ends(&id, ExitState::RolledBack).await;
            assert_eq!(asked(scene), [""; 0]);
            let stays = scene.cloud(|state| state.fleet.service_tables["orders"].indexes.len());
            assert_eq!(stays, 1);
        },
    );
}

#[test]
fn an_index_that_takes_too_long_is_removed_while_it_is_filled() {
    scenario(
        "an-index-that-takes-too-long-is-removed-while-it-is-filled",
        "Ten minutes are over, and nothing got traffic: DynamoDB deletes what it has not filled yet.",
        async |scene| {
            given(scene, &format!("{ADDS}    timeout: 10m\n"), orders()).await;
            scene.push('2', Behaviour::default());
            let ended = scene.runs(TARGET, ExitState::Aborted).await;
            assert!(
                reason(&ended).contains("it took longer than 600 s"),
                "{}",
                reason(&ended)
            );
            assert_eq!(asked(scene), ["add by-customer", "remove by-customer"]);
        },
    );
}

#[test]
fn an_index_that_tidegate_may_not_add_stops_the_deployment_with_awss_answer() {
    scenario(
        "an-index-that-tidegate-may-not-add-stops-the-deployment-with-awss-answer",
        "The stack's pattern leaves the table out: nothing was made, so nothing is to be removed.",
        async |scene| {
            given(scene, ADDS, orders()).await;
            let denied = Fault::new(
                "AccessDeniedException",
                "not authorized to perform: dynamodb:UpdateTable",
            );
            scene.cloud(|state| state.faults.fail("UpdateTable", denied, 99));
            scene.push('2', Behaviour::default());
            let ended = scene.runs(TARGET, ExitState::Aborted).await;
            assert!(reason(&ended).contains("not authorized"), "{}", reason(&ended));
            assert_eq!(asked(scene), [""; 0]);
        },
    );
}

#[test]
fn an_abort_while_room_is_made_for_an_index_waits_before_it_deletes() {
    scenario(
        "an-abort-while-room-is-made-for-an-index-waits-before-it-deletes",
        "DynamoDB deletes no index before it fills it.",
        async |scene| {
            given(scene, ADDS, orders()).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.waits_for(&id, "DynamoDB makes room for it").await;
            // Longer than a rollback waits for functions of before.
            change(scene, |table, now| {
                let index = table.indexes.get_mut("by-customer").unwrap();
                index.filled_from = now + SignedDuration::from_mins(4);
            });
            scene.stop("olaf", "abort", &id).await.unwrap();
            scene.waits_for(&id, "DynamoDB still makes room for it").await;
            scene.ends(&id, ExitState::Aborted).await;
            assert_eq!(asked(scene), ["add by-customer", "remove by-customer"]);
        },
    );
}

#[test]
fn indexes_of_one_table_are_made_one_after_the_other() {
    scenario(
        "indexes-of-one-table-are-made-one-after-the-other",
        "The second waits for nothing but the first, and a rollback takes them away in the reverse order.",
        async |scene| {
            let second = "  - {name: orders-by-day, table: orders, addIndex: {name: by-day, partitionKey: {day: S}, attributes: [total]}}\n";
            given(scene, &format!("{ADDS}{second}"), orders()).await;
            alarmed(scene).await;
            let both = [
                "add by-customer",
                "add by-day",
                "remove by-day",
                "remove by-customer",
            ];
            assert_eq!(asked(scene), both);
        },
    );
}

#[test]
fn what_dynamodb_would_refuse_blocks_before_anything_is_touched() {
    scenario(
        "what-dynamodb-would-refuse-blocks-before-anything-is-touched",
        "Other keys, provisioned throughput, a table that is missing: each with what to do, and mended the image goes out.",
        async |scene| {
            let mut table = orders();
            table
                .indexes
                .insert("by-customer".to_owned(), ServiceIndex::by("mail"));
            given(scene, ADDS, table).await;
            scene.push('2', Behaviour::default());
            let blocked = scene.runs(TARGET, ExitState::Blocked).await;
            assert!(
                remedy(&blocked).contains("give the new one another name"),
                "{}",
                remedy(&blocked)
            );

            change(scene, |table, _| {
                table.indexes.clear();
                table.on_demand = false;
            });
            scene.deploy("maria", TARGET, "v2", &[]).await.unwrap();
            let blocked = scene.runs(TARGET, ExitState::Blocked).await;
            assert!(
                remedy(&blocked).contains("capacity: {read: 5, write: 5}"),
                "{}",
                remedy(&blocked)
            );

            let held = scene.cloud(|state| state.fleet.service_tables.remove("orders"));
            scene.deploy("maria", TARGET, "v2", &[]).await.unwrap();
            let blocked = scene.runs(TARGET, ExitState::Blocked).await;
            assert!(
                reason(&blocked).contains("DynamoDB table orders"),
                "{}",
                reason(&blocked)
            );

            scene.cloud(|state| {
                state
                    .fleet
                    .service_tables
                    .insert("orders".to_owned(), held.unwrap())
            });
            let capacity = ADDS.replace("project: all", "capacity: {read: 5, write: 20}");
            scene.apply(TARGET, &format!("{SHORT}{capacity}")).await.unwrap();
            scene.deploy("maria", TARGET, "v2", &[]).await.unwrap();
            scene.runs(TARGET, ExitState::Completed).await;
            assert_eq!(asked(scene), ["add by-customer"]);
        },
    );
}

#[test]
fn a_contract_removes_an_index_once_and_keeps_how_it_was() {
    scenario(
        "a-contract-removes-an-index-once-and-keeps-how-it-was",
        "Forty minutes after completion, when people agree; its function dies once DynamoDB has begun.",
        async |scene| {
            let mut table = orders();
            table
                .indexes
                .insert("by-mail".to_owned(), ServiceIndex::by("mail"));
            given(scene, REMOVES, table).await;
            scene.people().await;
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
            assert_eq!(asked(scene), [""; 0]);
            let id = scene.started(TARGET).await;
            let plan = scene.gate(&id).await;
            assert_eq!(asked(scene), [""; 0]);
            scene.cloud(|state| {
                let killed = ("migrate", "UpdateTable", CallFate::KillAfter);
                state.faults.numbered.next.push(killed);
            });
            scene.decide("maria", &id, true, &plan).await.unwrap();
            scene.ends(&id, ExitState::Completed).await;
            assert_eq!(asked(scene), ["remove by-mail"]);
            let journal = scene.stage.journal(&id).await;
            let text = serde_json::to_string(&journal).unwrap();
            assert!(
                text.contains("it is gone; it had partition key mail (S), all attributes"),
                "{text}"
            );
        },
    );
}
