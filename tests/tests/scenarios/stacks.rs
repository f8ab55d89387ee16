//! Infrastructure as code: a stack of CloudFormation, whose change set is shown before it is executed.

use serde_json::{Value, json};
use tidegate_core::change::ChangeStage;
use tidegate_core::exit::ExitState;
use tidegate_local::faults::CallFate;
use tidegate_local::fleet::Behaviour;
use tidegate_tests::Scene;
use tidegate_tests::files::SHORT;

use crate::scenario;

const TARGET: &str = "web/production";
const NEW: &str = "https://templates.s3.us-east-1.amazonaws.com/shop/8.json";

const STACK: &str = "\
infrastructure:
  stack:
    name: shop
    template: https://templates.s3.us-east-1.amazonaws.com/shop/8.json
    parameters: [{name: Retention, value: '14'}]
    role: arn:aws:iam::123456789012:role/shop-stack
    timeout: 30m
";
const ASKS: &str = "  approvals: [{role: tech-lead}]\n";

fn file(more: &str) -> String {
    format!("{SHORT}{STACK}{more}")
}

fn template(resources: Value) -> Value {
    json!({
        "Parameters": {
            "Retention": {"Type": "Number", "Default": "4"},
            "Password": {"Type": "String", "NoEcho": true, "Default": "unset"},
        },
        "Resources": resources,
    })
}

fn queue(name: &str) -> Value {
    json!({"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name, "Retention": {"Ref": "Retention"}}})
}

fn database(class: &str) -> Value {
    json!({"Type": "AWS::RDS::DBInstance", "Properties": {
        "DBInstanceIdentifier": "shop", "Class": class, "Password": {"Ref": "Password"},
    }})
}

/// What the file's template says: one queue more, and a larger database.
fn grown() -> Value {
    template(json!({"Db": database("large"), "Mails": queue("mails"), "Orders": queue("orders")}))
}

/// The stack as somebody made it once, with a password that nobody can read any more.
fn made(scene: &Scene) {
    scene.cloud(|state| {
        let before = template(json!({"Db": database("small"), "Orders": queue("orders")}));
        let parameters = [("Retention", "4"), ("Password", "hunter2")];
        state.fleet.set_stack("shop", &before, &parameters);
    });
}

fn new_template(scene: &Scene, template: &Value) {
    scene.cloud(|state| state.fleet.put_template(NEW, template));
}

/// A target whose file, with more in it, has a stack that is there and asks for a template.
async fn given(scene: &Scene, more: &str, asked: &Value) {
    scene.given(TARGET, 5, &file(more)).await;
    made(scene);
    new_template(scene, asked);
}

/// The stack's status and its database's class.
fn shop(scene: &Scene) -> (String, String) {
    scene.cloud(|state| {
        let stack = state.fleet.stack("shop").unwrap();
        let template: Value = serde_json::from_str(&stack.template).unwrap_or_default();
        let class = template["Resources"]["Db"]["Properties"]["Class"].as_str();
        assert_eq!(
            stack.parameters.get("Password").map_or("hunter2", |it| it),
            "hunter2"
        );
        (stack.status.clone(), class.unwrap_or_default().to_owned())
    })
}

fn is(status: &str, class: &str) -> (String, String) {
    (status.to_owned(), class.to_owned())
}

#[test]
fn a_stack_is_updated_as_its_change_set_said() {
    scenario(
        "a-stack-is-updated-as-its-change-set-said",
        "Nothing of it is lost, so nobody is asked; a parameter that the file does not name keeps its value.",
        async |scene| {
            given(scene, ASKS, &grown()).await;
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
            assert_eq!(shop(scene), is("UPDATE_COMPLETE", "large"));
        },
    );
}

#[test]
fn a_resource_that_would_be_replaced_is_agreed_to_first() {
    scenario(
        "a-resource-that-would-be-replaced-is-agreed-to-first",
        "The file has no gate; the change set opens one. The approval is for this very change set: one for \
         the plan alone does not count.",
        async |scene| {
            scene.given(TARGET, 5, &file(ASKS)).await;
            scene.people().await;
            made(scene);
            let renamed = template(json!({"Db": database("small"), "Orders": queue("all-orders")}));
            new_template(scene, &renamed);
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            let asked = scene.gate(&id).await;
            scene.wait(600).await;
            assert_eq!(shop(scene), is("CREATE_COMPLETE", "small"));
            let plan = scene.deployment(&id).await.plan.unwrap().hash.to_string();
            assert_ne!(plan, asked);
            scene.decide("maria", &id, true, &plan).await.unwrap_err();
            scene.decide("tom", &id, true, &asked).await.unwrap_err();
            scene.decide("maria", &id, true, &asked).await.unwrap();
            scene.ends(&id, ExitState::Completed).await;
        },
    );
}

#[test]
fn a_deletion_that_is_refused_deletes_nothing() {
    scenario(
        "a-deletion-that-is-refused-deletes-nothing",
        "Maria sees in time that the database would go.",
        async |scene| {
            scene.given(TARGET, 5, &file(ASKS)).await;
            scene.people().await;
            made(scene);
            new_template(scene, &template(json!({"Orders": queue("orders")})));
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            let asked = scene.gate(&id).await;
            scene.decide("maria", &id, false, &asked).await.unwrap();
            scene.ends(&id, ExitState::Aborted).await;
            assert_eq!(shop(scene), is("CREATE_COMPLETE", "small"));
        },
    );
}

#[test]
fn a_deletion_that_nobody_may_agree_to_stops_the_deployment() {
    scenario(
        "a-deletion-that-nobody-may-agree-to-stops-the-deployment",
        "The file names nobody: the journal says what to add to it.",
        async |scene| {
            given(scene, "", &template(json!({"Orders": queue("orders")}))).await;
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Aborted).await;
            assert_eq!(shop(scene), is("CREATE_COMPLETE", "small"));
        },
    );
}

#[test]
fn a_stack_that_is_as_the_template_says_is_left_alone() {
    scenario(
        "a-stack-that-is-as-the-template-says-is-left-alone",
        "The change set has no changes: there is nothing to execute, to ask about, or to take back.",
        async |scene| {
            scene.given(TARGET, 5, &file("")).await;
            let same = template(json!({"Db": database("small"), "Orders": queue("orders")}));
            scene.cloud(|state| {
                let parameters = [("Retention", "14"), ("Password", "hunter2")];
                state.fleet.set_stack("shop", &same, &parameters);
            });
            new_template(scene, &same);
            scene.push('2', Behaviour::failing(20.0, 20));
            scene.runs(TARGET, ExitState::RolledBack).await;
            assert_eq!(shop(scene), is("CREATE_COMPLETE", "small"));
        },
    );
}

#[test]
fn an_update_that_fails_stops_the_deployment() {
    scenario(
        "an-update-that-fails-stops-the-deployment",
        "CloudFormation takes it back itself; the journal has the first resource that failed, and why.",
        async |scene| {
            given(scene, ASKS, &grown()).await;
            scene.cloud(|state| {
                let reason = "The requested DB instance class is not available in this zone.";
                state.fleet.fail_resource("Db", Some(reason));
            });
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Aborted).await;
            assert_eq!(shop(scene), is("UPDATE_ROLLBACK_COMPLETE", "small"));
        },
    );
}

#[test]
fn a_stack_that_was_changed_after_it_was_proposed_is_not_touched() {
    scenario(
        "a-stack-that-was-changed-after-it-was-proposed-is-not-touched",
        "Somebody updates it while people think: what they agreed to is not what would happen now.",
        async |scene| {
            let gate = "gates: [{before: infrastructure, approvals: [{role: tech-lead}]}]\n";
            scene.given(TARGET, 5, &file(gate)).await;
            scene.people().await;
            made(scene);
            new_template(scene, &grown());
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            let asked = scene.gate(&id).await;
            scene.cloud(|state| {
                let other = template(json!({"Db": database("medium"), "Orders": queue("orders")}));
                state.fleet.set_stack("shop", &other, &[("Retention", "4")]);
            });
            scene.decide("maria", &id, true, &asked).await.unwrap();
            scene.ends(&id, ExitState::Aborted).await;
            assert_eq!(shop(scene), is("UPDATE_COMPLETE", "medium"));
        },
    );
}

#[test]
fn an_alarm_takes_the_stack_back() {
    scenario(
        "an-alarm-takes-the-stack-back",
        "Traffic first. Then a change set of its own returns to the template and the parameters from before.",
        async |scene| {
            given(scene, ASKS, &grown()).await;
            scene.push('2', Behaviour::failing(20.0, 20));
            let id = scene.started(TARGET).await;
            scene.at_weight(&id, 20).await;
            assert_eq!(shop(scene), is("UPDATE_COMPLETE", "large"));
            scene.ends(&id, ExitState::RolledBack).await;
            assert_eq!(shop(scene), is("UPDATE_COMPLETE", "small"));
        },
    );
}

#[test]
fn a_stack_that_somebody_else_updated_since_is_not_taken_back() {
    scenario(
        "a-stack-that-somebody-else-updated-since-is-not-taken-back",
        "Their update is not overwritten: traffic is safe on stable, and a person looks at the stack.",
        async |scene| {
            given(scene, ASKS, &grown()).await;
            scene.push('2', Behaviour::failing(20.0, 20));
            let id = scene.started(TARGET).await;
            scene.at_weight(&id, 20).await;
            scene.cloud(|state| {
                let other = template(json!({"Db": database("medium"), "Orders": queue("orders")}));
                state.fleet.set_stack("shop", &other, &[("Retention", "4")]);
            });
            scene.ends(&id, ExitState::RollbackFailed).await;
            assert_eq!(shop(scene), is("UPDATE_COMPLETE", "medium"));
        },
    );
}

#[test]
fn a_stack_that_was_made_stays_after_a_rollback() {
    scenario(
        "a-stack-that-was-made-stays-after-a-rollback",
        "It did not exist before. What is in it may be somebody's data already: a rollback deletes nothing.",
        async |scene| {
            scene.given(TARGET, 5, &file(ASKS)).await;
            let made = template(json!({"Mails": queue("mails")}));
            new_template(scene, &made);
            scene.push('2', Behaviour::failing(20.0, 20));
            let ended = scene.runs(TARGET, ExitState::RolledBack).await;
            let stages: Vec<_> = ended.changes.values().map(|state| state.stage).collect();
            assert_eq!(stages, [ChangeStage::Held]);
            let status = scene.cloud(|state| state.fleet.stack("shop").unwrap().status.clone());
            assert_eq!(status, "CREATE_COMPLETE");
        },
    );
}

#[test]
fn an_abort_in_mid_update_lets_it_end_before_it_is_taken_back() {
    scenario(
        "an-abort-in-mid-update-lets-it-end-before-it-is-taken-back",
        "Stopped in the middle, an update could be neither kept nor taken back.",
        async |scene| {
            given(scene, ASKS, &grown()).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.waits_for(&id, "UPDATE_IN_PROGRESS").await;
            scene.stop("olaf", "abort", &id).await.unwrap();
            scene.ends(&id, ExitState::Aborted).await;
            assert_eq!(shop(scene), is("UPDATE_COMPLETE", "small"));
        },
    );
}

#[test]
fn an_update_that_takes_too_long_is_cancelled() {
    scenario(
        "an-update-that-takes-too-long-is-cancelled",
        "The file gives it half an hour. Then it is cancelled, and CloudFormation takes it back.",
        async |scene| {
            given(scene, ASKS, &grown()).await;
            scene.cloud(|state| state.fleet.cloudformation.slow.insert("Db".to_owned(), 4000));
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Aborted).await;
            assert_eq!(shop(scene), is("UPDATE_ROLLBACK_COMPLETE", "small"));
        },
    );
}

#[test]
fn rollback_by_hand_after_completion_takes_the_stack_back() {
    scenario(
        "rollback-by-hand-after-completion-takes-the-stack-back",
        "The completed deployment's record has what was there before.",
        async |scene| {
            given(scene, ASKS, &grown()).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.ends(&id, ExitState::Completed).await;
            scene.wait(300).await;
            let back = scene.stop("olaf", "rollback", &id).await.unwrap();
            scene.ends(&back, ExitState::RolledBack).await;
            assert_eq!(shop(scene), is("UPDATE_COMPLETE", "small"));
        },
    );
}

#[test]
fn a_stack_is_updated_although_cloudformation_is_throttled() {
    scenario(
        "a-stack-is-updated-although-cloudformation-is-throttled",
        "The function fails until CloudFormation answers, and goes on where it was: one change set, one \
         execution.",
        async |scene| {
            given(scene, ASKS, &grown()).await;
            scene.cloud(|state| {
                for operation in ["CreateChangeSet", "ExecuteChangeSet", "DescribeStackEvents"] {
                    let fault = tidegate_local::endpoints::Fault::throttling();
                    state.faults.fail(operation, fault, 6);
                }
            });
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
            let executed = scene.cloud(|state| state.fleet.cloudformation.executed.len());
            assert_eq!(executed, 1);
        },
    );
}

const LOOKS_FOR_DRIFT: &str = "    drift: true\n";

#[test]
fn a_stack_that_was_changed_by_hand_is_agreed_to_first() {
    scenario(
        "a-stack-that-was-changed-by-hand-is-agreed-to-first",
        "Nothing of it would be lost. But somebody set a property by hand and deleted a queue, and maria should \
         know before CloudFormation goes over it.",
        async |scene| {
            given(scene, &format!("{LOOKS_FOR_DRIFT}{ASKS}"), &grown()).await;
            scene.people().await;
            scene.cloud(|state| {
                state
                    .fleet
                    .drift("shop", "Db", &["/Password", "/AllocatedStorage"]);
                state.fleet.drift("shop", "Orders", &[]);
            });
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            let asked = scene.gate(&id).await;
            scene.wait(300).await;
            assert_eq!(shop(scene), is("CREATE_COMPLETE", "small"));
            scene.decide("maria", &id, true, &asked).await.unwrap();
            let ended = scene.ends(&id, ExitState::Completed).await;
            assert!(ended.proposals.values().all(|proposal| proposal.drifted == 2));
        },
    );
}

#[test]
fn a_stack_that_nobody_changed_by_hand_asks_nobody() {
    scenario(
        "a-stack-that-nobody-changed-by-hand-asks-nobody",
        "Drift is looked for, and there is none.",
        async |scene| {
            given(scene, &format!("{LOOKS_FOR_DRIFT}{ASKS}"), &grown()).await;
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
            assert_eq!(shop(scene), is("UPDATE_COMPLETE", "large"));
        },
    );
}

#[test]
fn drift_that_cannot_be_seen_is_not_taken_for_none() {
    scenario(
        "drift-that-cannot-be-seen-is-not-taken-for-none",
        "Tidegate's role may not read the database, so CloudFormation can't compare it. The file names nobody \
         to ask.",
        async |scene| {
            given(scene, LOOKS_FOR_DRIFT, &grown()).await;
            scene.cloud(|state| {
                let why = "Failed to detect drift on resource [Db]: User is not authorized to perform \
                           rds:DescribeDBInstances";
                state.fleet.cloudformation.blind = Some(why.to_owned());
            });
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Aborted).await;
            assert_eq!(shop(scene), is("CREATE_COMPLETE", "small"));
        },
    );
}

#[test]
fn a_function_that_dies_after_looking_for_drift_looks_once_more() {
    scenario(
        "a-function-that-dies-after-looking-for-drift-looks-once-more",
        "Nobody knows the id of the look that was begun, so it is waited out.",
        async |scene| {
            given(scene, &format!("{LOOKS_FOR_DRIFT}{ASKS}"), &grown()).await;
            scene.cloud(|state| {
                let next = &mut state.faults.numbered.next;
                next.push(("infrastructure", "DetectStackDrift", CallFate::KillAfter));
            });
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
            let looks = scene.cloud(|state| state.fleet.cloudformation.detections.len());
            assert_eq!(looks, 2);
        },
    );
}
