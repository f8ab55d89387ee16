//! AppConfig, asked by the SDK's client and by hand.

use aws_sdk_appconfig::primitives::Blob;

use super::*;

const OF: (&str, &str, &str) = ("web", "production", "flags");
const CONTENT: &str = r#"{"version":"1","flags":{"a":{"name":"a"}},"values":{"a":{"enabled":true}}}"#;
const PROFILE: &str = "/applications/app0001/configurationprofiles/pro0001/hostedconfigurationversions";
const ENVIRONMENT: &str = "/applications/app0001/environments/env0001/deployments";

fn furnished() -> InProcess {
    let (fleet, _) = InProcess::new();
    fleet.with(|fleet| fleet.create_flags(OF.0, OF.1, OF.2, CONTENT));
    fleet
}

fn version(fleet: &InProcess) -> usize {
    fleet.with(|fleet| fleet.flags(OF).unwrap().0)
}

#[tokio::test]
async fn appconfig_is_read_and_written_by_the_sdk() {
    let fleet = furnished();
    fleet.with(|fleet| fleet.create_flag_strategy("Slow", 100, 50));
    let client = client!(aws_sdk_appconfig, fleet);
    let applications = client.list_applications().send().await.unwrap();
    assert_eq!(applications.items()[0].name(), Some("web"));
    let strategies = client.list_deployment_strategies().send().await.unwrap();
    assert_eq!(strategies.items()[0].name(), Some("Slow"));
    let profiles = client.list_configuration_profiles().application_id("app0001");
    let profiles = profiles.send().await.unwrap();
    assert_eq!(profiles.items()[0].r#type(), Some("AWS.AppConfig.FeatureFlags"));
    let read = client
        .get_hosted_configuration_version()
        .application_id("app0001");
    let read = read
        .configuration_profile_id("pro0001")
        .version_number(1)
        .send()
        .await
        .unwrap();
    assert_eq!(read.content().unwrap().as_ref(), CONTENT.as_bytes());
    assert_eq!(read.version_number(), 1);
    let store = || {
        let call = client
            .create_hosted_configuration_version()
            .application_id("app0001");
        let call = call.configuration_profile_id("pro0001").description("ours");
        call.content_type("application/json")
            .content(Blob::new(CONTENT))
            .latest_version_number(1)
    };
    assert_eq!(store().send().await.unwrap().version_number(), 2);
    assert!(store().send().await.is_err(), "there is a newer one");
    let versions = client
        .list_hosted_configuration_versions()
        .application_id("app0001");
    let versions = versions.configuration_profile_id("pro0001").send().await.unwrap();
    assert_eq!(versions.items()[0].description(), Some("ours"));
    let start = || {
        let call = client
            .start_deployment()
            .application_id("app0001")
            .environment_id("env0001");
        let call = call
            .configuration_profile_id("pro0001")
            .configuration_version("2");
        call.deployment_strategy_id("str0001").latest_deployment_number(1)
    };
    assert_eq!(start().send().await.unwrap().deployment_number(), 2);
    assert!(start().send().await.is_err(), "one is underway");
    fleet.pass(50);
    let listed = || async {
        let call = client
            .list_deployments()
            .application_id("app0001")
            .environment_id("env0001");
        let page = call.send().await.unwrap();
        let one = &page.items()[0];
        let percent = one.percentage_complete().unwrap();
        (one.state().unwrap().as_str().to_owned(), percent.to_string())
    };
    assert_eq!(listed().await, ("DEPLOYING".to_owned(), "50".to_owned()));
    fleet.pass(60);
    assert_eq!(listed().await.0, "BAKING");
    fleet.pass(60);
    assert_eq!(listed().await.0, "COMPLETE");
    let stop = |revert| {
        let call = client
            .stop_deployment()
            .application_id("app0001")
            .environment_id("env0001");
        call.deployment_number(2).allow_revert(revert).send()
    };
    assert!(stop(false).await.is_err());
    stop(true).await.unwrap();
    assert_eq!(listed().await.0, "REVERTED");
    assert_eq!(version(&fleet), 1);
}

#[tokio::test]
async fn appconfig_takes_nothing_back_after_72_hours() {
    let fleet = furnished();
    fleet.with(|fleet| fleet.deploy_flags(OF, CONTENT));
    let client = client!(aws_sdk_appconfig, fleet);
    let stop = || {
        let call = client
            .stop_deployment()
            .application_id("app0001")
            .environment_id("env0001");
        call.deployment_number(2).allow_revert(true).send()
    };
    fleet.pass(72 * 3600 + 1);
    assert!(stop().await.is_err());
    assert_eq!(version(&fleet), 2);
}

#[test]
fn appconfig_refuses_as_on_aws() {
    let fleet = furnished();
    let signed = "AWS4-HMAC-SHA256 Credential=a/20260105/eu-west-1/appconfig/aws4_request, Signature=b";
    let ask = |method: &str, path: &str, body: &str| {
        let reply = fleet.request(method, path, &[("authorization", signed)], body.as_bytes());
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        (
            reply.status,
            body["__type"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let refused = |status: u16, code: &str| (status, code.to_owned());
    let missing = refused(404, "ResourceNotFoundException");
    assert_eq!(ask("GET", "/applications/app0009/environments", ""), missing);
    assert_eq!(ask("GET", &format!("{PROFILE}/7"), ""), missing);
    assert_eq!(ask("DELETE", &format!("{ENVIRONMENT}/7"), ""), missing);
    for strange in [
        "",
        "{}",
        r#"{"version":"1","flags":{},"values":{"a":{"enabled":true}}}"#,
    ] {
        assert_eq!(
            ask("POST", PROFILE, strange),
            refused(400, "BadRequestException"),
            "{strange}"
        );
    }
    let undefined = CONTENT.replace("\"enabled\"", "\"limit\":5,\"enabled\"");
    assert_eq!(
        ask("POST", PROFILE, &undefined),
        refused(400, "BadRequestException")
    );
    let start = |version: &str, strategy: &str| {
        let body = json!({
            "ConfigurationProfileId": "pro0001",
            "ConfigurationVersion": version,
            "DeploymentStrategyId": strategy,
        });
        ask("POST", ENVIRONMENT, &body.to_string())
    };
    assert_eq!(start("7", "AppConfig.AllAtOnce"), missing);
    assert_eq!(start("1", "AppConfig.Never"), missing);
}
