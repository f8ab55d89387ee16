//! What the new revision is configured with: set before it gets traffic, and taken back with it.

use tidegate_core::exit::ExitState;
use tidegate_core::ids::DeploymentId;
use tidegate_local::faults::CallFate;
use tidegate_local::fleet::{Behaviour, ParameterKind};
use tidegate_tests::Scene;
use tidegate_tests::files::SHORT;

use crate::scenario;

const TARGET: &str = "web/production";
const TIMEOUT: &str = "/web/production/timeout";
const BANNER: &str = "/web/production/banner";

const PARAMETERS: &str = "\
configuration:
  parameters:
    - {name: /web/production/timeout, value: \"30\"}
    - {name: /web/production/banner, value: Try the new checkout}
";

fn file() -> String {
    format!("{SHORT}{PARAMETERS}")
}

/// The timeout is 20 in its second version; there is no banner.
async fn given(scene: &Scene) {
    scene.given(TARGET, 5, &file()).await;
    scene.cloud(|state| {
        state.fleet.set_parameter(TIMEOUT, "10", ParameterKind::Text);
        state.fleet.set_parameter(TIMEOUT, "20", ParameterKind::Text);
    });
}

/// Value and version.
fn parameter(scene: &Scene, name: &str) -> Option<(String, i64)> {
    scene.cloud(|state| {
        let last = state.fleet.parameter(name)?.last()?;
        Some((last.value.clone(), last.version))
    })
}

fn is(value: &str, version: i64) -> Option<(String, i64)> {
    Some((value.to_owned(), version))
}

fn assert_set(scene: &Scene) {
    assert_eq!(parameter(scene, TIMEOUT), is("30", 3));
    assert_eq!(parameter(scene, BANNER), is("Try the new checkout", 1));
}

fn assert_put_back(scene: &Scene) {
    assert_eq!(parameter(scene, TIMEOUT), is("20", 4));
    assert_eq!(parameter(scene, BANNER), None);
}

#[test]
fn parameters_are_set_before_the_candidate_gets_traffic() {
    scenario(
        "parameters-are-set-before-the-candidate-gets-traffic",
        "One after the other, each read back; a person agrees before the first one is touched.",
        async |scene| {
            given(scene).await;
            scene.people().await;
            let gate = "gates:\n  - before: configure\n    approvals: [{role: tech-lead}]\n    expires: 1h\n";
            scene.apply(TARGET, &format!("{}{gate}", file())).await.unwrap();
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            let plan = scene.gate(&id).await;
            assert_eq!(parameter(scene, TIMEOUT), is("20", 2));
            scene.decide("maria", &id, true, &plan).await.unwrap();
            scene.at_weight(&id, 20).await;
            assert_set(scene);
            scene.ends(&id, ExitState::Completed).await;
            assert_set(scene);
        },
    );
}

#[test]
fn an_alarm_puts_parameters_back() {
    scenario(
        "an-alarm-puts-parameters-back",
        "Traffic first. Then the value of the version before, and what was not there is deleted.",
        async |scene| {
            given(scene).await;
            scene.push('2', Behaviour::failing(20.0, 20));
            scene.runs(TARGET, ExitState::RolledBack).await;
            assert_put_back(scene);
        },
    );
}

#[test]
fn a_function_that_dies_after_setting_a_parameter_sets_it_once() {
    scenario(
        "a-function-that-dies-after-setting-a-parameter-sets-it-once",
        "The next attempt looks first, and finds it set.",
        async |scene| {
            given(scene).await;
            scene.cloud(|state| {
                let next = &mut state.faults.numbered.next;
                next.push(("configure", "PutParameter", CallFate::KillAfter));
            });
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
            assert_set(scene);
        },
    );
}

#[test]
fn a_function_that_dies_before_deleting_a_parameter_deletes_it_later() {
    scenario(
        "a-function-that-dies-before-deleting-a-parameter-deletes-it-later",
        "What it was about to do is written down, so the next attempt does it.",
        async |scene| {
            given(scene).await;
            scene.cloud(|state| {
                let next = &mut state.faults.numbered.next;
                next.push(("configure", "DeleteParameter", CallFate::KillBefore));
            });
            scene.push('2', Behaviour::failing(20.0, 20));
            scene.runs(TARGET, ExitState::RolledBack).await;
            assert_put_back(scene);
        },
    );
}

#[test]
fn rollback_by_hand_after_completion_puts_parameters_back() {
    scenario(
        "rollback-by-hand-after-completion-puts-parameters-back",
        "The completed deployment's journal has the versions that were there before it.",
        async |scene| {
            given(scene).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.ends(&id, ExitState::Completed).await;
            scene.wait(300).await;
            let back = scene.stop("olaf", "rollback", &id).await.unwrap();
            scene.ends(&back, ExitState::RolledBack).await;
            assert_put_back(scene);
        },
    );
}

#[test]
fn a_parameter_that_somebody_else_has_set_is_left_to_a_person() {
    scenario(
        "a-parameter-that-somebody-else-has-set-is-left-to-a-person",
        "The rollback does not overwrite what it did not write; traffic is safe, and someone must look.",
        async |scene| {
            given(scene).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.at_weight(&id, 20).await;
            scene.cloud(|state| state.fleet.set_parameter(TIMEOUT, "45", ParameterKind::Text));
            scene.stop("olaf", "abort", &id).await.unwrap();
            scene.ends(&id, ExitState::RollbackFailed).await;
            assert_eq!(parameter(scene, TIMEOUT), is("45", 4));
            assert_eq!(parameter(scene, BANNER), None);
        },
    );
}

const CONTAINER: &str = "\
configuration:
  environment: {LOG_LEVEL: debug}
  secrets: {DB_PASSWORD: /web/production/db-password-2}
";

/// Variables and references of the task definition that a slot runs.
fn variables(scene: &Scene, slot: &str) -> (serde_json::Value, serde_json::Value) {
    scene.cloud(|state| {
        let service = state
            .fleet
            .ecs_service("production", &format!("web-{slot}"))
            .unwrap();
        let definition = state.fleet.task_definition(service.task_definition()).unwrap();
        let container = &definition.body["containerDefinitions"][0];
        (container["environment"].clone(), container["secrets"].clone())
    })
}

#[test]
fn variables_come_with_the_new_revision_and_go_with_it() {
    scenario(
        "variables-come-with-the-new-revision-and-go-with-it",
        "Its task definition has them and all others of stable's; a rollback returns to stable, which never had them.",
        async |scene| {
            scene.given(TARGET, 5, &format!("{SHORT}{CONTAINER}")).await;
            scene.cloud(|state| {
                let next = &mut state.faults.numbered.next;
                next.push(("prepare", "RegisterTaskDefinition", CallFate::KillAfter));
            });
            let before = variables(scene, "blue");
            scene.push('2', Behaviour::failing(20.0, 20));
            let id = scene.started(TARGET).await;
            scene.at_weight(&id, 20).await;
            let (environment, secrets) = variables(scene, "green");
            let set = serde_json::json!([
                {"name": "ENVIRONMENT", "value": "production"},
                {"name": "LOG_LEVEL", "value": "debug"},
            ]);
            assert_eq!(environment, set);
            let place = "/web/production/db-password-2";
            let referred = serde_json::json!([{"name": "DB_PASSWORD", "valueFrom": place}]);
            assert_eq!(secrets, referred);
            let plan = scene.stage.deployment(&id).await.unwrap().plan.unwrap();
            let lines: Vec<String> = plan.container.iter().map(|one| one.describe()).collect();
            assert_eq!(
                lines,
                [
                    "LOG_LEVEL: set it to `debug` (new)".to_owned(),
                    format!("DB_PASSWORD: take it from {place} (new)"),
                ]
            );
            scene.ends(&id, ExitState::RolledBack).await;
            assert_eq!(variables(scene, "blue"), before);
            let registered = scene.cloud(|state| {
                let calls = state.calls.iter();
                calls
                    .filter(|call| call.operation == "RegisterTaskDefinition")
                    .count()
            });
            assert_eq!(registered, 1);
        },
    );
}

#[test]
fn a_parameter_that_is_a_secret_is_neither_read_nor_set() {
    scenario(
        "a-parameter-that-is-a-secret-is-neither-read-nor-set",
        "The deployment stops before it touches it, and nothing that is stored or sent has its value.",
        async |scene| {
            const SECRET: &str = "hunter2-hunter2";
            scene.given(TARGET, 5, &file()).await;
            scene.cloud(|state| {
                state.fleet.set_parameter(TIMEOUT, SECRET, ParameterKind::Secure);
            });
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.ends(&id, ExitState::Aborted).await;
            assert_eq!(parameter(scene, TIMEOUT), is(SECRET, 1));
            let told = everything_told(scene, &id).await;
            assert!(told.contains("SecureString"));
            assert!(!told.contains(SECRET));
            assert!(!told.contains("AQICAH"), "not even as it is stored");
        },
    );
}

/// All that was stored of a deployment or sent.
async fn everything_told(scene: &Scene, id: &DeploymentId) -> String {
    let head = scene.stage.deployment(id).await.unwrap();
    let journal = scene.stage.journal(id).await;
    let sent = scene.cloud(|state| format!("{:?} {:?} {:?}", state.slack, state.fleet.outbox, state.runs));
    format!(
        "{} {} {sent}",
        serde_json::to_string(&head).unwrap(),
        serde_json::to_string(&journal).unwrap()
    )
}

const FLAGS: (&str, &str, &str) = ("web", "production", "flags");
const SECRET_NOTE: &str = "hunter2-hunter2";

/// A banner that is on, with a note that nobody shall see, and a flag that somebody else looks after.
const CONTENT: &str = r#"{"version":"1",
    "flags":{"banner":{"name":"Banner","attributes":{"note":{"constraints":{"type":"string"}}}},"beta":{"name":"Beta"}},
    "values":{"banner":{"enabled":true,"note":"hunter2-hunter2"},"beta":{"enabled":true}}}"#;

fn flags(strategy: &str) -> String {
    let set = "{banner: off, new-checkout: {enabled: off, limit: 5}}";
    format!(
        "{SHORT}configuration:\n  flags: {{application: web, environment: production, profile: flags, \
         strategy: {strategy}, set: {set}}}\n"
    )
}

async fn given_flags(scene: &Scene, strategy: &str) {
    scene.given(TARGET, 5, &flags(strategy)).await;
    scene.cloud(|state| {
        state.fleet.create_flags(FLAGS.0, FLAGS.1, FLAGS.2, CONTENT);
        state.fleet.keep_secret(SECRET_NOTE);
    });
}

/// The number of the version that everybody has, and its flags.
fn flags_now(scene: &Scene) -> (usize, serde_json::Value) {
    let (version, content) = scene.cloud(|state| state.fleet.flags(FLAGS).unwrap());
    (version, serde_json::from_str(&content).unwrap())
}

fn assert_flags_set(scene: &Scene) {
    let (version, now) = flags_now(scene);
    assert_eq!(version, 2, "one version was stored");
    let values = &now["values"];
    assert_eq!(values["banner"]["enabled"], false);
    assert_eq!(values["banner"]["note"], SECRET_NOTE);
    assert_eq!(values["beta"]["enabled"], true);
    assert_eq!(values["new-checkout"]["enabled"], false);
    assert_eq!(values["new-checkout"]["limit"], 5);
}

/// The very version that was there.
fn assert_flags_back(scene: &Scene) {
    let (version, now) = flags_now(scene);
    assert_eq!(version, 1);
    assert_eq!(now, serde_json::from_str::<serde_json::Value>(CONTENT).unwrap());
}

/// How often AppConfig was asked for something.
fn asked(scene: &Scene, operation: &str) -> usize {
    scene.cloud(|state| {
        state
            .calls
            .iter()
            .filter(|call| call.operation == operation)
            .count()
    })
}

#[test]
fn flags_are_set_before_the_candidate_gets_traffic() {
    scenario(
        "flags-are-set-before-the-candidate-gets-traffic",
        "A version with the file's flags and all others as they were; the shift waits until AppConfig has deployed it and \
         watched its alarms.",
        async |scene| {
            given_flags(scene, "AppConfig.Linear50PercentEvery30Seconds").await;
            scene.people().await;
            let gate = "gates:\n  - before: configure\n    approvals: [{role: tech-lead}]\n    expires: 1h\n";
            let file = format!("{}{gate}", flags("AppConfig.Linear50PercentEvery30Seconds"));
            scene.apply(TARGET, &file).await.unwrap();
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            let plan = scene.gate(&id).await;
            assert_flags_back(scene);
            scene.decide("maria", &id, true, &plan).await.unwrap();
            scene.at_weight(&id, 20).await;
            assert_flags_set(scene);
            scene.ends(&id, ExitState::Completed).await;
            assert_flags_set(scene);
            assert!(!everything_told(scene, &id).await.contains(SECRET_NOTE));
        },
    );
}

#[test]
fn an_alarm_brings_flags_back() {
    scenario(
        "an-alarm-brings-flags-back",
        "Traffic first. Then AppConfig takes back what it has deployed, whatever its own alarms say.",
        async |scene| {
            given_flags(scene, "AppConfig.AllAtOnce").await;
            scene.push('2', Behaviour::failing(20.0, 20));
            let id = scene.started(TARGET).await;
            scene.ends(&id, ExitState::RolledBack).await;
            assert_flags_back(scene);
            assert!(!everything_told(scene, &id).await.contains(SECRET_NOTE));
        },
    );
}

#[test]
fn a_stop_while_flags_are_being_deployed_stops_that_too() {
    scenario(
        "a-stop-while-flags-are-being-deployed-stops-that-too",
        "AppConfig returns everybody to the version before at any time, so it is not waited for.",
        async |scene| {
            given_flags(scene, "AppConfig.Canary10Percent20Minutes").await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.waits_for(&id, "AppConfig deploys version 2").await;
            scene.stop("olaf", "abort", &id).await.unwrap();
            scene.ends(&id, ExitState::Aborted).await;
            assert_flags_back(scene);
            assert_eq!(asked(scene, "StartDeployment"), 1);
        },
    );
}

#[test]
fn a_function_that_dies_after_storing_flags_deploys_them_once() {
    scenario(
        "a-function-that-dies-after-storing-flags-deploys-them-once",
        "The next attempt finds the version that this deployment has stored, and has it deployed.",
        async |scene| {
            given_flags(scene, "AppConfig.AllAtOnce").await;
            scene.cloud(|state| {
                let next = &mut state.faults.numbered.next;
                next.push((
                    "configure",
                    "CreateHostedConfigurationVersion",
                    CallFate::KillAfter,
                ));
                next.push(("configure", "StartDeployment", CallFate::KillAfter));
            });
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
            assert_flags_set(scene);
            assert_eq!(asked(scene, "StartDeployment"), 1);
        },
    );
}

#[test]
fn a_function_that_dies_before_taking_flags_back_takes_them_back_later() {
    scenario(
        "a-function-that-dies-before-taking-flags-back-takes-them-back-later",
        "What it was about to do is written down, so the next attempt does it.",
        async |scene| {
            given_flags(scene, "AppConfig.AllAtOnce").await;
            scene.cloud(|state| {
                let next = &mut state.faults.numbered.next;
                next.push(("configure", "StopDeployment", CallFate::KillBefore));
            });
            scene.push('2', Behaviour::failing(20.0, 20));
            scene.runs(TARGET, ExitState::RolledBack).await;
            assert_flags_back(scene);
        },
    );
}

#[test]
fn rollback_by_hand_after_completion_brings_flags_back() {
    scenario(
        "rollback-by-hand-after-completion-brings-flags-back",
        "The completed deployment's journal has the number of the version that was deployed before it.",
        async |scene| {
            given_flags(scene, "AppConfig.AllAtOnce").await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.ends(&id, ExitState::Completed).await;
            scene.wait(300).await;
            let back = scene.stop("olaf", "rollback", &id).await.unwrap();
            scene.ends(&back, ExitState::RolledBack).await;
            assert_flags_back(scene);
        },
    );
}

#[test]
fn flags_that_appconfig_takes_back_no_more_are_deployed_once_more() {
    scenario(
        "flags-that-appconfig-takes-back-no-more-are-deployed-once-more",
        "It takes a deployment back for 72 hours. After that the version that was there is deployed again, by its number.",
        async |scene| {
            given_flags(scene, "AppConfig.AllAtOnce").await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.ends(&id, ExitState::Completed).await;
            scene.cloud(|state| state.fleet.age_flags(73 * 3600));
            let back = scene.stop("olaf", "rollback", &id).await.unwrap();
            scene.ends(&back, ExitState::RolledBack).await;
            assert_flags_back(scene);
            assert_eq!(asked(scene, "StartDeployment"), 2);
        },
    );
}

#[test]
fn a_new_flag_that_would_start_on_stops_the_deployment_before_anything_is_touched() {
    scenario(
        "a-new-flag-that-would-start-on-stops-the-deployment-before-anything-is-touched",
        "The plan reads what is there: nobody gets a feature in the moment in which it is first known.",
        async |scene| {
            given_flags(scene, "AppConfig.AllAtOnce").await;
            let file = flags("AppConfig.AllAtOnce").replace("{enabled: off, limit: 5}", "on");
            scene.apply(TARGET, &file).await.unwrap();
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            let ended = scene.ends(&id, ExitState::Blocked).await;
            let reason = ended.exit.unwrap().reason;
            assert!(reason.contains("a new flag starts off"), "{reason}");
            assert_flags_back(scene);
        },
    );
}

#[test]
fn flags_that_somebody_else_has_deployed_since_are_left_to_a_person() {
    scenario(
        "flags-that-somebody-else-has-deployed-since-are-left-to-a-person",
        "The rollback does not take back what it did not deploy; traffic is safe, and someone must look.",
        async |scene| {
            given_flags(scene, "AppConfig.AllAtOnce").await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.at_weight(&id, 20).await;
            scene.cloud(|state| state.fleet.deploy_flags(FLAGS, CONTENT));
            scene.stop("olaf", "abort", &id).await.unwrap();
            scene.ends(&id, ExitState::RollbackFailed).await;
            assert_eq!(flags_now(scene).0, 3);
        },
    );
}

#[test]
fn flags_that_appconfig_takes_back_by_itself_stop_the_deployment() {
    scenario(
        "flags-that-appconfig-takes-back-by-itself-stop-the-deployment",
        "An alarm of AppConfig's environment has spoken: the candidate gets no traffic.",
        async |scene| {
            given_flags(scene, "AppConfig.AllAtOnce").await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.waits_for(&id, "watches its alarms").await;
            scene.cloud(|state| state.fleet.stop_flags(FLAGS));
            scene.ends(&id, ExitState::Aborted).await;
            assert_flags_back(scene);
        },
    );
}
