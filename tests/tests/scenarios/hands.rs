//! What people and others do while a deployment runs, and after it.

use tidegate_core::exit::ExitState;
use tidegate_core::ids::DeploymentId;
use tidegate_local::fleet::Behaviour;
use tidegate_local::names::{execution_arn, machine_arn};
use tidegate_tests::Scene;
use tidegate_tests::files::{PRODUCTION, SHORT};

use crate::scenario;

const TARGET: &str = "web/production";

#[test]
fn abort_by_hand_in_mid_canary() {
    scenario(
        "abort-by-hand-in-mid-canary",
        "A person has seen enough.",
        async |scene| {
            scene.given(TARGET, 5, SHORT).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.at_weight(&id, 20).await;
            scene.stop("olaf", "abort", &id).await.unwrap();
            scene.ends(&id, ExitState::RolledBack).await;
        },
    );
}

#[test]
fn rollback_by_hand_after_completion() {
    scenario(
        "rollback-by-hand-after-completion",
        "Within the rollback window the old tasks are warm: back within seconds.",
        async |scene| {
            scene.given(TARGET, 5, SHORT).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.ends(&id, ExitState::Completed).await;
            scene.wait(600).await;
            let back = scene.stop("olaf", "rollback", &id).await.unwrap();
            scene.ends(&back, ExitState::RolledBack).await;
            scene.stop("olaf", "rollback", &id).await.unwrap_err();
        },
    );
}

#[test]
fn what_is_rehearsed_is_taken_back_and_deployed_again() {
    scenario(
        "what-is-rehearsed-is-taken-back-and-deployed-again",
        "As `tidegate rehearse` does: the same image completes, is rolled back, and completes once more.",
        async |scene| {
            const STAGING: &str = "web/staging";
            scene
                .given(STAGING, 5, &SHORT.replace("production", "staging"))
                .await;
            scene.push('2', Behaviour::default());
            let id = scene.started(STAGING).await;
            scene.ends(&id, ExitState::Completed).await;
            let back = scene.stop("olaf", "rollback", &id).await.unwrap();
            scene.ends(&back, ExitState::RolledBack).await;
            scene.deploy("olaf", STAGING, "v2", &[]).await.unwrap_err();
            scene
                .deploy("olaf", STAGING, "v2", &["quarantine"])
                .await
                .unwrap();
            assert_eq!(scene.started(STAGING).await, back);
            scene.runs(STAGING, ExitState::Completed).await;
        },
    );
}

#[test]
fn rollback_by_hand_after_a_later_deployment_failed() {
    scenario(
        "rollback-by-hand-after-a-later-deployment-failed",
        "The old slot was used by the one that failed: it gets the old revision again, and all its tasks, first.",
        async |scene| {
            scene.given(TARGET, 5, SHORT).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.ends(&id, ExitState::Completed).await;
            scene.push('3', Behaviour::failing(5.0, 20));
            scene.runs(TARGET, ExitState::RolledBack).await;
            scene.wait(60).await;
            let back = scene.stop("olaf", "rollback", &id).await.unwrap();
            scene.ends(&back, ExitState::RolledBack).await;
        },
    );
}

#[test]
fn rollback_by_hand_after_the_window_is_refused() {
    scenario(
        "rollback-by-hand-after-the-window-is-refused",
        "After the window the old slot is scaled in; what to do instead is said.",
        async |scene| {
            let file = format!("{SHORT}autoRollback:\n  window: 10m\n");
            scene.given(TARGET, 5, &file).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.ends(&id, ExitState::Completed).await;
            scene.wait(900).await;
            scene.stop("olaf", "rollback", &id).await.unwrap_err();
        },
    );
}

#[test]
fn listener_rule_changed_by_hand_rolls_back() {
    scenario(
        "listener-rule-changed-by-hand-rolls-back",
        "Someone takes traffic away in the console: the hand wins, and the deployment goes all the way back.",
        async |scene| {
            scene.given(TARGET, 10, PRODUCTION).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.at_weight(&id, 25).await;
            scene.wait(60).await;
            by_hand(scene, &id, 10).await;
            scene.ends(&id, ExitState::RolledBack).await;
        },
    );
}

#[test]
fn killed_execution_is_rescued_by_the_sweep() {
    scenario(
        "killed-execution-is-rescued-by-the-sweep",
        "The execution is stopped from outside, with a quarter of the traffic on the candidate.",
        async |scene| {
            scene.given(TARGET, 10, PRODUCTION).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.at_weight(&id, 25).await;
            kill(scene, &id).await;
            scene.ends(&id, ExitState::RolledBack).await;
        },
    );
}

/// Sets the candidate's weight as a person with a console does.
async fn by_hand(scene: &Scene, id: &DeploymentId, percent: u32) {
    use aws_sdk_elasticloadbalancingv2::types::{
        Action, ActionTypeEnum, ForwardActionConfig, TargetGroupTuple,
    };
    let plan = scene.stage.deployment(id).await.unwrap().plan.unwrap();
    let balancer = plan.wiring.balancer.clone().unwrap();
    let tuples = balancer.target_groups.iter().map(|(slot, arn)| {
        let share = if *slot == plan.candidate {
            percent
        } else {
            100 - percent
        };
        TargetGroupTuple::builder()
            .target_group_arn(arn)
            .weight(i32::try_from(share).unwrap())
            .build()
    });
    let forward = ForwardActionConfig::builder().set_target_groups(Some(tuples.collect()));
    let action = Action::builder()
        .r#type(ActionTypeEnum::Forward)
        .forward_config(forward.build())
        .build();
    aws_sdk_elasticloadbalancingv2::Client::new(&scene.stage.cloud.sdk_config())
        .modify_rule()
        .rule_arn(&balancer.rule_arn)
        .actions(action)
        .send()
        .await
        .unwrap();
}

/// Stops a deployment's execution as `aws stepfunctions stop-execution` does.
async fn kill(scene: &Scene, id: &DeploymentId) {
    aws_sdk_sfn::Client::new(&scene.stage.cloud.sdk_config())
        .stop_execution()
        .execution_arn(execution_arn(&machine_arn("deployment"), id.as_str()))
        .send()
        .await
        .unwrap();
}
