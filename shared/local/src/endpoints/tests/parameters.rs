//! Parameter Store, asked by the SDK's client and by what Tidegate does with it.

use tidegate_aws::change::parameter;
use tidegate_core::change::Before;

use super::*;
use crate::fleet::ParameterKind;

const NAME: &str = "/web/timeout";

fn last(fleet: &InProcess) -> Option<(String, i64)> {
    fleet.with(|fleet| {
        let last = fleet.parameter(NAME)?.last()?;
        Some((last.value.clone(), last.version))
    })
}

#[tokio::test]
async fn a_parameter_is_put_back_by_its_version_and_a_new_one_deleted() {
    let (fleet, _) = InProcess::new();
    let ssm = client!(aws_sdk_ssm, fleet);
    let absent = Some(&Before::Absent);
    for _ in 0..2 {
        parameter::make(&ssm, NAME, "30", absent).await.unwrap();
        assert_eq!(last(&fleet), Some(("30".to_owned(), 1)));
    }
    let first = Some(&Before::Parameter { version: 1 });
    for _ in 0..2 {
        parameter::make(&ssm, NAME, "60", first).await.unwrap();
        assert_eq!(last(&fleet), Some(("60".to_owned(), 2)));
    }
    for _ in 0..2 {
        parameter::undo(&ssm, NAME, "60", first).await.unwrap();
        assert_eq!(last(&fleet), Some(("30".to_owned(), 3)));
    }
    for _ in 0..2 {
        parameter::undo(&ssm, NAME, "30", absent).await.unwrap();
        assert_eq!(last(&fleet), None);
    }
}

#[tokio::test]
async fn what_somebody_else_has_set_and_what_is_a_secret_is_never_written() {
    let (fleet, _) = InProcess::new();
    let ssm = client!(aws_sdk_ssm, fleet);
    fleet.with(|fleet| fleet.set_parameter(NAME, "theirs", ParameterKind::List));
    for before in [
        None,
        Some(&Before::Absent),
        Some(&Before::Parameter { version: 7 }),
    ] {
        parameter::make(&ssm, NAME, "ours", before).await.unwrap();
        parameter::undo(&ssm, NAME, "ours", before).await.unwrap();
        assert_eq!(last(&fleet), Some(("theirs".to_owned(), 1)));
    }
    fleet.with(|fleet| fleet.delete_parameter(NAME));
    fleet.with(|fleet| fleet.set_parameter(NAME, "word", ParameterKind::Secure));
    let shown = ssm.get_parameter().name(NAME).send().await.unwrap();
    assert_ne!(shown.parameter().unwrap().value(), Some("word"));
    let first = Some(&Before::Parameter { version: 1 });
    parameter::make(&ssm, NAME, "ours", first).await.unwrap();
    assert_eq!(last(&fleet), Some(("word".to_owned(), 1)));
}

#[test]
fn parameter_store_refuses_as_on_aws() {
    let (fleet, _) = InProcess::new();
    let ask = |operation: &str, input: Value| {
        let (status, body) = fleet.json(&format!("AmazonSSM.{operation}"), &input);
        (status, body["__type"].as_str().map(str::to_owned))
    };
    let refused = |code: &str| (400, Some(code.to_owned()));
    assert_eq!(
        ask("GetParameter", json!({"Name": NAME})),
        refused("ParameterNotFound")
    );
    assert_eq!(
        ask("PutParameter", json!({"Name": NAME, "Value": "a"})),
        refused("ValidationException")
    );
    let new = json!({"Name": NAME, "Value": "a", "Type": "String"});
    assert_eq!(ask("PutParameter", new.clone()), (200, None));
    assert_eq!(ask("PutParameter", new), refused("ParameterAlreadyExists"));
    let other = json!({"Name": NAME, "Value": "a", "Type": "SecureString", "Overwrite": true});
    assert_eq!(
        ask("PutParameter", other),
        refused("HierarchyTypeMismatchException")
    );
    assert_eq!(
        ask("GetParameter", json!({"Name": "/web/timeout:2"})),
        refused("ParameterVersionNotFound")
    );
    let (_, read) = fleet.json("AmazonSSM.GetParameter", &json!({"Name": "/web/timeout:1"}));
    assert_eq!(read["Parameter"]["Selector"], ":1");
    assert_eq!(ask("DeleteParameter", json!({"Name": NAME})), (200, None));
    assert_eq!(
        ask("DeleteParameter", json!({"Name": NAME})),
        refused("ParameterNotFound")
    );
}
