//! What AWS and Slack do to us.

use tidegate_core::exit::ExitState;
use tidegate_local::endpoints::Fault;
use tidegate_local::faults::EventFate;
use tidegate_local::fleet::{AlarmValue, Behaviour};
use tidegate_tests::files::SHORT;

use crate::scenario;

const ALARM: &str = "web-production-green-error-rate";
const TARGET: &str = "web/production";

#[test]
fn ecs_is_throttled_while_tasks_are_started() {
    scenario(
        "ecs-is-throttled-while-tasks-are-started",
        "UpdateService is throttled for longer than one call retries.",
        async |scene| {
            scene.given(TARGET, 5, SHORT).await;
            scene.cloud(|state| state.faults.fail("UpdateService", Fault::throttling(), 8));
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
        },
    );
}

#[test]
fn elb_is_throttled_while_weight_is_raised() {
    scenario(
        "elb-is-throttled-while-weight-is-raised",
        "ModifyRule is throttled: the weight is raised later, once.",
        async |scene| {
            scene.given(TARGET, 5, SHORT).await;
            scene.cloud(|state| {
                state
                    .faults
                    .fail("ModifyRule", Fault::new("Throttling", "Rate exceeded"), 8)
            });
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
        },
    );
}

#[test]
fn cloudwatch_is_throttled_while_a_bake_is_watched() {
    scenario(
        "cloudwatch-is-throttled-while-a-bake-is-watched",
        "GetMetricData is throttled: that is no verdict.",
        async |scene| {
            scene.given(TARGET, 5, SHORT).await;
            scene.cloud(|state| {
                state
                    .faults
                    .fail("GetMetricData", Fault::new("Throttling", "Rate exceeded"), 8)
            });
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
        },
    );
}

#[test]
fn table_is_throttled_in_mid_canary() {
    scenario(
        "table-is-throttled-in-mid-canary",
        "DynamoDB refuses writes for a while: nothing is decided that is not written.",
        async |scene| {
            scene.given(TARGET, 5, SHORT).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.at_weight(&id, 20).await;
            scene.cloud(|state| state.faults.fail("TransactWriteItems", Fault::throttling(), 12));
            scene.ends(&id, ExitState::Completed).await;
        },
    );
}

#[test]
fn elb_is_throttled_during_a_rollback() {
    scenario(
        "elb-is-throttled-during-a-rollback",
        "The way back is throttled too: it is tried until it is done.",
        async |scene| {
            scene.given(TARGET, 5, SHORT).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.at_weight(&id, 20).await;
            scene.cloud(|state| {
                state
                    .faults
                    .fail("ModifyRule", Fault::new("Throttling", "Rate exceeded"), 12)
            });
            scene.alarm(ALARM, AlarmValue::Alarm);
            scene.ends(&id, ExitState::RolledBack).await;
        },
    );
}

#[test]
fn slack_is_down() {
    scenario(
        "slack-is-down",
        "Slack takes nothing: mail, events and the deployment go on, and the log has what Slack should have shown.",
        async |scene| {
            scene.given(TARGET, 5, SHORT).await;
            scene.cloud(|state| state.faults.slack_down = true);
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
        },
    );
}

#[test]
fn lost_alarm_is_found_by_the_sweep() {
    scenario(
        "lost-alarm-is-found-by-the-sweep",
        "The alarm's event never came: the sweep reads the alarms of what is running.",
        async |scene| {
            scene.given(TARGET, 5, SHORT).await;
            scene.cloud(|state| {
                state
                    .faults
                    .event("CloudWatch Alarm State Change", EventFate::Dropped)
            });
            scene.push('2', Behaviour::failing(5.0, 20));
            scene.runs(TARGET, ExitState::RolledBack).await;
        },
    );
}
