//! What a Lambda function brings along, and which events reach it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What belongs to the local cloud and to tests.
const NOT_ON_AWS: [&str; 11] = [
    "tidegate-local",
    "tidegate-states",
    "tidegate-tests",
    "dynoxide",
    "rusqlite",
    "libsqlite3-sys",
    "axum",
    "proptest",
    "insta",
    "stateright",
    "moto",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn functions() -> Vec<String> {
    let mut found: Vec<String> = std::fs::read_dir(root().join("functions"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    found
}

/// Names of all packages that a function is built of.
fn tree(function: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "-p", function, "-e", "normal"])
        .args(["--prefix", "none", "--format", "{p}"])
        .current_dir(root())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo tree -p {function}: {errors}");
    let text = String::from_utf8(output.stdout).unwrap();
    let names = text.lines().filter_map(|line| line.split_whitespace().next());
    names.map(str::to_owned).collect()
}

/// The SDK crates that a function's own manifest lists, and those that its features of
/// `tidegate-aws` stand for.
fn listed(function: &str) -> String {
    let manifest = root().join("functions").join(function).join("Cargo.toml");
    std::fs::read_to_string(manifest).unwrap()
}

#[test]
fn no_function_brings_the_local_cloud_along() {
    for function in functions() {
        let packages = tree(&function);
        assert!(packages.len() > 20, "{function}: {packages:?}");
        let unwanted: Vec<&String> = packages
            .iter()
            .filter(|name| NOT_ON_AWS.iter().any(|bad| name.starts_with(bad)))
            .collect();
        assert_eq!(unwanted, [""; 0], "{function}");
    }
}

#[test]
fn every_function_reaches_only_the_services_in_its_manifest() {
    for function in functions() {
        let manifest = listed(&function);
        for package in tree(&function) {
            if package.starts_with("aws-sdk-") {
                // `tidegate-aws` has one feature for each service.
                let service = package.trim_start_matches("aws-sdk-");
                let feature = match service {
                    "elasticloadbalancingv2" => "elbv2",
                    other => other,
                };
                let by_feature = manifest
                    .lines()
                    .any(|line| line.starts_with("tidegate-aws") && line.contains(&format!("\"{feature}\"")));
                let named = by_feature
                    || manifest.lines().any(|line| {
                        line.starts_with(&format!("{package}.")) || line.starts_with(&format!("{package} "))
                    });
                assert!(
                    named,
                    "{function} brings {package} along, but its Cargo.toml does not name it"
                );
            }
        }
    }
}

/// The function that an example event is for.
fn function_of(file: &str) -> String {
    let stem = file.strip_suffix(".json").unwrap();
    match stem {
        "alarm-state-change" => "on-alarm".to_owned(),
        push if push.starts_with("image-push-") => "on-image-push".to_owned(),
        named => named.to_owned(),
    }
}

fn events() -> Vec<(String, Value)> {
    let mut found: Vec<(String, Value)> = std::fs::read_dir(root().join("events"))
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let text = std::fs::read_to_string(entry.path()).unwrap();
            let name = entry.file_name().into_string().unwrap();
            let event = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, event)
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

#[test]
fn every_function_has_an_event_that_it_can_read() {
    use tidegate_local::Options;
    use tidegate_local::cloud::CloudError;
    use tidegate_local::stage::{Stage, play};

    let mut without: BTreeSet<String> = functions().into_iter().collect();
    for (file, event) in events() {
        let name = function_of(&file);
        assert!(
            without.remove(&name) || file.starts_with("image-push-"),
            "{file} is for no function"
        );
        let function = tidegate_local::names::function_of(&name).unwrap();
        let played = play(&Options::virtual_time(1), async |stage: Stage| {
            Ok::<_, CloudError>(stage.cloud.invoke(function, event.clone()).await)
        });
        // That there is no such deployment is for the function to say: then it has read the event.
        if let Err(failure) = played.unwrap() {
            let unread = failure.error_type == "Runtime.UserCodeError";
            assert!(!unread, "{file}: {}", failure.error_message);
        }
    }
    assert_eq!(
        without,
        BTreeSet::new(),
        "functions without an event to try them with"
    );
}

/// One line of an event pattern: the path of keys, and the values of which one must match.
type Wanted = (Vec<String>, Vec<String>);

/// The event pattern below a resource of `infra/template.yaml`. Reads the one form that is used there:
/// nested keys, each with a list, on one line or on one line for each value.
fn pattern(template: &str, resource: &str) -> Vec<Wanted> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut lines = template
        .lines()
        .skip_while(|line| line.trim() != format!("{resource}:"));
    let mut lines = lines.by_ref().skip_while(|line| line.trim() != "Pattern:");
    let base = indent(
        lines
            .next()
            .unwrap_or_else(|| panic!("no pattern below {resource}")),
    );
    let mut path: Vec<(usize, String)> = Vec::new();
    let mut found = Vec::new();
    for line in lines.take_while(|line| indent(line) > base) {
        if let Some(value) = line.trim().strip_prefix("- ") {
            let last: &mut Wanted = found.last_mut().unwrap();
            last.1.push(value.to_owned());
            continue;
        }
        let (key, values) = line.trim().split_once(':').unwrap();
        path.retain(|(depth, _)| *depth < indent(line));
        path.push((indent(line), key.to_owned()));
        let values = values.trim();
        let keys = path.iter().map(|(_, key)| key.clone()).collect();
        if values.is_empty() {
            found.push((keys, Vec::new()));
        } else {
            let inner = values
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'))
                .unwrap();
            found.push((keys, inner.split(", ").map(str::to_owned).collect()));
        }
    }
    // Keys that only hold other keys.
    found.retain(|(_, values)| !values.is_empty());
    found
}

/// Whether EventBridge hands an event on. Parameters with a wildcard are `*` by default.
fn takes(pattern: &[Wanted], event: &Value) -> bool {
    assert!(pattern.len() >= 2, "{pattern:?}");
    pattern.iter().all(|(keys, values)| {
        let found = keys.iter().try_fold(event, |value, key| value.get(key));
        let found = found.and_then(Value::as_str);
        let any = values.iter().any(|value| value.starts_with("{ wildcard: !Ref "));
        found.is_some_and(|found| any || values.iter().any(|value| value == found))
    })
}

#[test]
fn the_rules_of_the_template_take_the_events_that_aws_sends() {
    let template = std::fs::read_to_string(root().join("infra/template.yaml")).unwrap();
    let pushed = pattern(&template, "ImagePushed");
    let raised = pattern(&template, "AlarmRaised");
    for (file, event) in events() {
        assert_eq!(takes(&pushed, &event), file.starts_with("image-push-"), "{file}");
        assert_eq!(
            takes(&raised, &event),
            file == "alarm-state-change.json",
            "{file}"
        );
        let mut other = event.clone();
        if let Some(result) = other.pointer_mut("/detail/result") {
            *result = Value::from("FAILURE");
            assert!(!takes(&pushed, &other), "a push that failed is no push");
        }
        if let Some(state) = other.pointer_mut("/detail/state/value") {
            *state = Value::from("OK");
            assert!(!takes(&raised, &other), "an alarm that is over stops nothing");
        }
    }
}

#[test]
fn the_sweep_hears_of_every_end() {
    use tidegate_core::exit::ExitState;
    use tidegate_core::messages::DetailType;

    let template = std::fs::read_to_string(root().join("infra/template.yaml")).unwrap();
    let ended = pattern(&template, "DeploymentEnded");
    let heard = |detail_type: DetailType| {
        let event = serde_json::json!({ "source": "tidegate", "detail-type": detail_type.as_str() });
        takes(&ended, &event)
    };
    let ends = [
        ExitState::Completed,
        ExitState::Blocked,
        ExitState::Aborted,
        ExitState::RolledBack,
        ExitState::RollbackFailed,
    ];
    assert!(ends.into_iter().all(|state| heard(DetailType::from(state))));
    assert!(!heard(DetailType::DeploymentExecuted));
}
