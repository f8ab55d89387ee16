//! Infrastructure as code: Terraform, planned and applied by tasks of ECS.

use tidegate_core::change::ChangeStage;
use tidegate_core::deployment::Deployment;
use tidegate_core::exit::ExitState;
use tidegate_core::hash::sha256_hex;
use tidegate_local::faults::CallFate;
use tidegate_local::fleet::{Behaviour, FunctionAnswer, Terraform, UserFunction};
use tidegate_tests::Scene;
use tidegate_tests::files::SHORT;

use crate::scenario;

const TARGET: &str = "web/production";
const FAMILY: &str = "web-production-terraform";
const BUCKET: &str = "shop-plans";

const FILE: &str = "\
infrastructure:
  terraform:
    taskDefinition: web-production-terraform
    bucket: shop-plans
    imageVariable: image
    variables: {size: large}
    timeout: 30m
";
const ASKS: &str = "  approvals: [{role: tech-lead}]\n";
const GATE: &str = "gates: [{before: infrastructure, approvals: [{role: tech-lead}]}]\n";

const QUEUE: &[(&str, &[&str])] = &[
    ("aws_sqs_queue.orders", &["create"]),
    ("aws_ecs_cluster.shop", &["no-op"]),
];
const DATABASE: &[(&str, &[&str])] = &[
    ("aws_sqs_queue.orders", &["create"]),
    ("module.shop.aws_db_instance.shop", &["delete", "create"]),
    ("aws_ecs_cluster.shop", &["no-op"]),
];

/// A target whose file, with more in it, has Terraform with something to do.
async fn given(scene: &Scene, more: &str, terraform: Terraform) {
    scene.given(TARGET, 5, &format!("{SHORT}{FILE}{more}")).await;
    scene.cloud(|state| state.fleet.set_terraform(FAMILY, BUCKET, 40, terraform));
}

/// Changes the simulated configuration.
fn now(scene: &Scene, change: impl FnOnce(&mut Terraform)) {
    scene.cloud(|state| change(state.fleet.terraform.get_mut(FAMILY).unwrap()));
}

/// How many plans were applied.
fn applied(scene: &Scene) -> usize {
    scene.cloud(|state| state.fleet.terraform[FAMILY].applied.len())
}

#[test]
fn terraform_applies_what_it_said() {
    scenario(
        "terraform-applies-what-it-said",
        "Nothing is lost, so nobody is asked. The configuration gets the image by its digest.",
        async |scene| {
            given(scene, ASKS, Terraform::planning(QUEUE)).await;
            now(scene, |it| it.drifted.push("aws_ecs_cluster.shop".to_owned()));
            scene.push('2', Behaviour::default());
            let ended = scene.runs(TARGET, ExitState::Completed).await;
            assert_eq!(applied(scene), 1);
            let variables = scene.cloud(|state| state.fleet.terraform[FAMILY].variables.clone());
            assert!(variables["image"].contains("web@sha256:2222") && variables["size"] == "large");
            let proposal = ended.proposals.values().next().unwrap();
            assert!(
                proposal
                    .artifact
                    .starts_with("s3://shop-plans/tidegate/web-production-1")
            );
        },
    );
}

#[test]
fn terraform_replaces_a_database_only_once_people_agreed_to_that_plan() {
    scenario(
        "terraform-replaces-a-database-only-once-people-agreed-to-that-plan",
        "The file has no gate; the plan opens one. The approval is for this very plan file.",
        async |scene| {
            given(scene, ASKS, Terraform::planning(DATABASE)).await;
            scene.people().await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            let asked = scene.gate(&id).await;
            scene.wait(600).await;
            assert_eq!(applied(scene), 0);
            let plan = scene.deployment(&id).await.plan.unwrap().hash.to_string();
            scene.decide("maria", &id, true, &plan).await.unwrap_err();
            scene.decide("maria", &id, true, &asked).await.unwrap();
            scene.ends(&id, ExitState::Completed).await;
            assert_eq!(applied(scene), 1);
        },
    );
}

/// An analyzer whose variables Terraform is planned with.
const ANALYZER: &str = "\
analyzer: {function: web-analyzer, threshold: 0, approvals: [{role: tech-lead}]}
";
const GENERATED: &str = r#"{"cpu": 512}"#;

/// As [`given`], with an analyzer that names the first version of an object with this content.
async fn given_generated(scene: &Scene, content: &str) {
    let file = FILE.replace(
        "    timeout: 30m\n",
        "    generatedVariables: true\n    timeout: 30m\n",
    );
    scene.given(TARGET, 5, &format!("{SHORT}{ANALYZER}{file}")).await;
    scene.people().await;
    let answer = serde_json::json!({
        "variables": {
            "location": "s3://generated/web.tfvars.json",
            "version": "v1",
            "sha256": sha256_hex(GENERATED.as_bytes()),
            "changes": ["cpu"],
        },
    });
    let analyzer = UserFunction::answering(vec![FunctionAnswer::Returns(answer.to_string())]);
    scene.cloud(|state| {
        let fleet = &mut state.fleet;
        fleet.set_terraform(FAMILY, BUCKET, 40, Terraform::planning(QUEUE));
        fleet.functions.insert("web-analyzer".to_owned(), analyzer);
        let bucket = fleet.buckets.entry("generated".to_owned()).or_default();
        bucket.put("web.tfvars.json", content, None);
        bucket.put("web.tfvars.json", r#"{"cpu": 4096}"#, None);
    });
}

#[test]
fn generated_variables_go_into_the_plan_that_people_agree_to() {
    scenario(
        "generated-variables-go-into-the-plan-that-people-agree-to",
        "The analyzer changes one variable: Terraform plans with that very version, and the tech lead sees what comes of it.",
        async |scene| {
            given_generated(scene, GENERATED).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            let asked = scene.gate(&id).await;
            assert_eq!(applied(scene), 0);
            let of = |deployment: &Deployment| -> Vec<String> {
                let lines = deployment.proposals.values().flat_map(|one| one.lines.clone());
                lines.collect()
            };
            let lines = of(&scene.deployment(&id).await);
            let told = "planned with the variables that the analyzer generated (SHA-256";
            assert!(lines.iter().any(|line| line.starts_with(told)), "{lines:?}");
            scene.decide("maria", &id, true, &asked).await.unwrap();
            scene.ends(&id, ExitState::Completed).await;
            assert_eq!(applied(scene), 1);
            let generated = scene.cloud(|state| state.fleet.terraform[FAMILY].generated.clone());
            assert_eq!(generated.as_deref(), Some(GENERATED));
        },
    );
}

#[test]
fn generated_variables_that_are_others_are_refused() {
    scenario(
        "generated-variables-that-are-others-are-refused",
        "Under that version is something else than what the analyzer named: nothing is planned, nothing gets traffic.",
        async |scene| {
            given_generated(scene, r#"{"cpu": 8192}"#).await;
            scene.push('2', Behaviour::default());
            let ended = scene.runs(TARGET, ExitState::Aborted).await;
            let reason = &ended.exit.as_ref().unwrap().reason;
            assert!(reason.contains("not those that the analyzer named"), "{reason}");
            assert_eq!(applied(scene), 0);
        },
    );
}

#[test]
fn without_generated_variables_terraform_plans_without_them() {
    scenario(
        "without-generated-variables-terraform-plans-without-them",
        "The analyzer breaks and is not required: the plan says that it was made without, and an alarm finds it applied.",
        async |scene| {
            given_generated(scene, GENERATED).await;
            let broken = FunctionAnswer::Fails("Runtime.Error".to_owned(), "out of memory".to_owned());
            scene.cloud(|state| {
                let analyzer = UserFunction::answering(vec![broken]);
                state.fleet.functions.insert("web-analyzer".to_owned(), analyzer)
            });
            scene.push('2', Behaviour::failing(20.0, 20));
            let ended = scene.runs(TARGET, ExitState::RolledBack).await;
            let mut lines = ended.proposals.values().flat_map(|one| &one.lines);
            assert!(lines.any(|line| line == "planned without generated variables: the analyzer gave none"));
            let generated = scene.cloud(|state| state.fleet.terraform[FAMILY].generated.clone());
            assert_eq!((generated, applied(scene)), (None, 1));
        },
    );
}

#[test]
fn terraform_with_nothing_to_do_is_not_applied() {
    scenario(
        "terraform-with-nothing-to-do-is-not-applied",
        "One task plans, and none applies. The rollback has nothing to leave.",
        async |scene| {
            given(
                scene,
                "",
                Terraform::planning(&[("aws_ecs_cluster.shop", &["no-op"])]),
            )
            .await;
            scene.push('2', Behaviour::failing(20.0, 20));
            scene.runs(TARGET, ExitState::RolledBack).await;
            assert_eq!(applied(scene), 0);
        },
    );
}

#[test]
fn a_plan_that_terraform_cannot_make_stops_the_deployment() {
    scenario(
        "a-plan-that-terraform-cannot-make-stops-the-deployment",
        "The journal has what Terraform said, without what could be a password in it.",
        async |scene| {
            given(scene, ASKS, Terraform::planning(QUEUE)).await;
            now(scene, |it| {
                let words = "Error: Invalid provider configuration\nError: bad token=terraform-hunter2";
                it.fails.insert("plan".to_owned(), words.to_owned());
            });
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Aborted).await;
        },
    );
}

#[test]
fn a_locked_state_of_terraform_says_who_holds_it() {
    scenario(
        "a-locked-state-of-terraform-says-who-holds-it",
        "Pia is at work on the same state.",
        async |scene| {
            given(scene, ASKS, Terraform::planning(QUEUE)).await;
            now(scene, |it| {
                it.locked_by = Some("pia@laptop since 2026-03-02 08:59:12 (lock 6f1c)".to_owned());
            });
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Aborted).await;
        },
    );
}

#[test]
fn a_plan_of_terraform_that_went_stale_is_not_applied() {
    scenario(
        "a-plan-of-terraform-that-went-stale-is-not-applied",
        "Somebody applies something else while people think: Terraform itself refuses the plan.",
        async |scene| {
            given(scene, GATE, Terraform::planning(QUEUE)).await;
            scene.people().await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            let asked = scene.gate(&id).await;
            now(scene, |it| it.serial += 1);
            scene.decide("maria", &id, true, &asked).await.unwrap();
            scene.ends(&id, ExitState::Aborted).await;
            assert_eq!(applied(scene), 0);
        },
    );
}

#[test]
fn a_plan_file_of_terraform_that_was_overwritten_is_not_applied() {
    scenario(
        "a-plan-file-of-terraform-that-was-overwritten-is-not-applied",
        "What people agreed to is known by its SHA-256, and nothing else is applied.",
        async |scene| {
            given(scene, GATE, Terraform::planning(QUEUE)).await;
            scene.people().await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            let asked = scene.gate(&id).await;
            scene.cloud(|state| {
                let bucket = state.fleet.buckets.get_mut(BUCKET).unwrap();
                bucket.put(&format!("tidegate/{id}/plan.tfplan"), r#"{"serial": 0}"#, None);
            });
            scene.decide("maria", &id, true, &asked).await.unwrap();
            scene.ends(&id, ExitState::Aborted).await;
            assert_eq!(applied(scene), 0);
        },
    );
}

#[test]
fn an_apply_of_terraform_that_fails_is_told_to_be_half_made() {
    scenario(
        "an-apply-of-terraform-that-fails-is-told-to-be-half-made",
        "Terraform takes nothing back of itself: the journal says that somebody should look.",
        async |scene| {
            given(scene, ASKS, Terraform::planning(QUEUE)).await;
            now(scene, |it| {
                let words = "Error: creating SQS Queue (orders): AccessDenied".to_owned();
                it.fails.insert("apply".to_owned(), words);
            });
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Aborted).await;
        },
    );
}

#[test]
fn what_terraform_made_stays_after_a_rollback() {
    scenario(
        "what-terraform-made-stays-after-a-rollback",
        "A way back would be another plan, and nobody is awake to look at it.",
        async |scene| {
            given(scene, ASKS, Terraform::planning(QUEUE)).await;
            scene.push('2', Behaviour::failing(20.0, 20));
            let ended = scene.runs(TARGET, ExitState::RolledBack).await;
            let stages: Vec<_> = ended.changes.values().map(|state| state.stage).collect();
            assert_eq!(stages, [ChangeStage::Held]);
            assert_eq!(applied(scene), 1);
        },
    );
}

#[test]
fn an_abort_in_mid_apply_lets_terraform_end() {
    scenario(
        "an-abort-in-mid-apply-lets-terraform-end",
        "Stopped in the middle, it would leave a lock and half a state.",
        async |scene| {
            given(scene, ASKS, Terraform::planning(QUEUE)).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.waits_for(&id, &format!("terraform:{FAMILY}: task")).await;
            scene.stop("olaf", "abort", &id).await.unwrap();
            scene.ends(&id, ExitState::Aborted).await;
            assert_eq!(applied(scene), 1);
        },
    );
}

#[test]
fn a_function_that_dies_after_starting_terraform_starts_it_once() {
    scenario(
        "a-function-that-dies-after-starting-terraform-starts-it-once",
        "It dies right after each of its tasks was started, before anybody is told.",
        async |scene| {
            given(scene, ASKS, Terraform::planning(QUEUE)).await;
            scene.cloud(|state| {
                let next = &mut state.faults.numbered.next;
                for _ in 0..2 {
                    next.push(("infrastructure", "RunTask", CallFate::KillAfter));
                }
            });
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
            assert_eq!(applied(scene), 1);
        },
    );
}

#[test]
fn a_task_definition_of_terraform_that_is_missing_stops_the_deployment() {
    scenario(
        "a-task-definition-of-terraform-that-is-missing-stops-the-deployment",
        "Nobody registered it.",
        async |scene| {
            scene.given(TARGET, 5, &format!("{SHORT}{FILE}{ASKS}")).await;
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Aborted).await;
        },
    );
}
