//! Names that follow from other names. One place, so that what is made is also found.

use tidegate_core::change::Direction;
use tidegate_core::hash::sha256_hex;
use tidegate_core::ids::{ChangeId, DeploymentId, Slot, Target};
use tidegate_core::spec::SuiteName;

/// Key of the tag by which a task definition is known to belong to a deployment.
pub const DEPLOYMENT_TAG: &str = "tidegate:deployment";

/// The ECS service of a slot where a target has two.
pub fn slot_service(target: &Target, slot: Slot) -> String {
    format!("{}-{slot}", target.service)
}

/// The prefix of the alarms that are watched where the file names none.
pub fn alarm_prefix(target: &Target) -> String {
    format!("{}-{}-", target.service, target.environment)
}

/// `startedBy` of a suite's task, by which it is found again.
///
/// ECS takes 36 characters (Amazon ECS API Reference, `RunTask`), so it is the beginning of a hash.
pub fn suite_started_by(deployment: &DeploymentId, suite: &SuiteName) -> String {
    let mut hash = sha256_hex(format!("{deployment}/{}", suite.0).as_bytes());
    hash.truncate(36);
    hash
}

/// `startedBy` and client token of a change's task; 36 characters, as [`suite_started_by`].
pub fn change_token(deployment: &DeploymentId, change: &ChangeId, direction: Direction) -> String {
    let text = format!("{deployment}/{change}/{}", direction.as_str());
    let mut hash = sha256_hex(text.as_bytes());
    hash.truncate(36);
    hash
}

/// Client token of what says what a change would do; 36 characters, as [`suite_started_by`].
pub fn proposal_token(deployment: &DeploymentId, change: &ChangeId) -> String {
    let mut hash = sha256_hex(format!("{deployment}/{change}/propose").as_bytes());
    hash.truncate(36);
    hash
}

/// Description of the version of a configuration that a deployment stores in AppConfig, by which it is
/// found again.
pub fn flags_version(deployment: &DeploymentId, change: &ChangeId) -> String {
    let token = change_token(deployment, change, Direction::Make);
    format!("Made by Tidegate for {deployment} ({token})")
}

/// The change set of a deployment, or the one that takes it back. CloudFormation knows letters, digits and
/// dashes in such names, at most 128 (API Reference, `CreateChangeSet`).
pub fn change_set(deployment: &DeploymentId, direction: Direction) -> String {
    let id = deployment.as_str().replace('_', "-");
    match direction {
        Direction::Make => format!("tidegate-{id}"),
        Direction::Undo => format!("tidegate-{id}-undo"),
    }
}

/// The `LoadBalancer` dimension of CloudWatch metrics (`app/name/id`) from a load balancer's ARN.
/// Nothing where the ARN is not one of a load balancer.
pub fn load_balancer_dimension(arn: &str) -> Option<&str> {
    arn.split_once(":loadbalancer/")
        .map(|(_, rest)| rest)
        .filter(|rest| !rest.is_empty())
}

/// Family and revision of a task definition's ARN or `family:revision`; a plain family has no
/// revision.
pub fn family_and_revision(name: &str) -> (&str, Option<u32>) {
    let name = name.rsplit_once('/').map_or(name, |(_, last)| last);
    match name.rsplit_once(':') {
        Some((family, revision)) => (family, revision.parse().ok()),
        None => (name, None),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_load_balancer_arn_ends_with_its_metric_dimension() {
        let arn =
            "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188";
        assert_eq!(load_balancer_dimension(arn), Some("app/web/50dc6c495c0c9188"));
        assert_eq!(load_balancer_dimension("arn:aws:s3:::bucket"), None);
    }

    #[test]
    fn a_suite_is_started_under_36_characters_that_differ_by_deployment_and_suite() {
        let one: DeploymentId = "web-production-7-abc".parse().unwrap();
        let two: DeploymentId = "web-production-8-abc".parse().unwrap();
        let smoke = SuiteName("smoke".to_owned());
        assert_eq!(suite_started_by(&one, &smoke).len(), 36);
        assert_ne!(suite_started_by(&one, &smoke), suite_started_by(&two, &smoke));
        assert_ne!(
            suite_started_by(&one, &smoke),
            suite_started_by(&one, &SuiteName("load".to_owned()))
        );
    }

    #[test]
    fn a_task_definition_is_named_by_family_and_revision() {
        let arn = "arn:aws:ecs:eu-central-1:123456789012:task-definition/web:12";
        assert_eq!(family_and_revision(arn), ("web", Some(12)));
        assert_eq!(family_and_revision("web:12"), ("web", Some(12)));
        assert_eq!(family_and_revision("web"), ("web", None));
    }
}
