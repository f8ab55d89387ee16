//! Which container of a task definition is the application, and what image it has.

use std::collections::BTreeMap;

#[cfg(feature = "elbv2")]
use aws_sdk_ecs::types::KeyValuePair;
use aws_sdk_ecs::types::{ContainerDefinition, Secret};
use tidegate_core::change::SettingNow;
#[cfg(feature = "elbv2")]
use tidegate_core::ids::Digest;
use tidegate_core::spec::ContainerConfiguration;

/// An image name without tag and digest: `123456789012.dkr.ecr.eu-central-1.amazonaws.com/web`.
pub(crate) fn repository_of(image: &str) -> &str {
    let name = image.split_once('@').map_or(image, |(name, _)| name);
    // A colon before the last slash belongs to a port of the registry.
    let after_slash = name.rfind('/').map_or(0, |at| at + 1);
    let tag = name.get(after_slash..).and_then(|last| last.find(':'));
    tag.and_then(|at| name.get(..after_slash + at)).unwrap_or(name)
}

/// The digest by which an image is named; nothing where it is named by tag.
#[cfg(feature = "elbv2")]
pub(crate) fn digest_of(image: &str) -> Option<Digest> {
    image.split_once('@').and_then(|(_, digest)| digest.parse().ok())
}

/// The application's container: the one that has an image of `repository`, else the one with a
/// port mapping, else the only one.
///
/// # Errors
/// Why it can't be told, for a person.
pub(crate) fn application_container<'a>(
    containers: &'a [ContainerDefinition],
    repository: Option<&str>,
) -> Result<&'a ContainerDefinition, String> {
    let of_repository: Vec<&ContainerDefinition> = containers
        .iter()
        .filter(|one| repository.is_some() && one.image().map(repository_of) == repository)
        .collect();
    let among = if of_repository.is_empty() {
        containers.iter().collect()
    } else {
        of_repository
    };
    if let [only] = among.as_slice() {
        return Ok(only);
    }
    let with_port: Vec<_> = among
        .iter()
        .filter(|one| !one.port_mappings().is_empty())
        .collect();
    match with_port.as_slice() {
        [only] => Ok(only),
        several => Err(format!(
            "can't tell the application's container: of {} containers {} have a port mapping{}",
            among.len(),
            several.len(),
            repository
                .map(|name| format!(" (looked for an image of {name})"))
                .unwrap_or_default()
        )),
    }
}

/// Sets variables of a container; all others stay, and those that are there keep their place.
#[cfg(feature = "elbv2")]
pub(crate) fn configure(container: &mut ContainerDefinition, asked: &ContainerConfiguration) {
    if asked.is_empty() {
        return;
    }
    let mut environment = container.environment.take().unwrap_or_default();
    let mut secrets = container.secrets.take().unwrap_or_default();
    // A name is one or the other: ECS refuses both.
    environment.retain(|held| !held.name().is_some_and(|name| asked.secrets.contains_key(name)));
    secrets.retain(|held| !asked.environment.contains_key(held.name()));
    for (name, value) in &asked.environment {
        let set = KeyValuePair::builder().name(name).value(value).build();
        match environment.iter_mut().find(|held| held.name() == Some(name)) {
            Some(held) => *held = set,
            None => environment.push(set),
        }
    }
    for (name, place) in &asked.secrets {
        match secrets.iter_mut().find(|held| held.name() == name) {
            Some(held) => held.value_from = place.clone(),
            None => secrets.extend(Secret::builder().name(name).value_from(place).build().ok()),
        }
    }
    container.environment = (!environment.is_empty()).then_some(environment);
    container.secrets = (!secrets.is_empty()).then_some(secrets);
}

/// How the variables that are asked for stand in a container.
pub(crate) fn configured(
    container: &ContainerDefinition,
    asked: &ContainerConfiguration,
) -> BTreeMap<String, SettingNow> {
    let value = |name: &str| {
        let held = container.environment().iter();
        held.filter(|held| held.name() == Some(name))
            .find_map(|held| held.value())
    };
    let place = |name: &str| {
        let held = container.secrets().iter().find(|held| held.name() == name);
        held.map(Secret::value_from)
    };
    let stands = |same: bool, there: bool| match (same, there) {
        (true, _) => SettingNow::Same,
        (false, true) => SettingNow::Other,
        (false, false) => SettingNow::Absent,
    };
    let is_there = |name: &str| value(name).is_some() || place(name).is_some();
    let values = asked.environment.iter().map(|(name, to)| {
        let same = value(name) == Some(to) && place(name).is_none();
        (name.clone(), stands(same, is_there(name)))
    });
    let places = asked.secrets.iter().map(|(name, to)| {
        let same = place(name) == Some(to) && value(name).is_none();
        (name.clone(), stands(same, is_there(name)))
    });
    values.chain(places).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use aws_sdk_ecs::types::PortMapping;

    const WEB: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/web";

    fn container(name: &str, image: &str, port: Option<i32>) -> ContainerDefinition {
        let ports = port.map(|port| vec![PortMapping::builder().container_port(port).build()]);
        ContainerDefinition::builder()
            .name(name)
            .image(image)
            .set_port_mappings(ports)
            .build()
    }

    fn chosen(containers: &[ContainerDefinition]) -> Option<&str> {
        application_container(containers, Some(WEB))
            .ok()
            .and_then(ContainerDefinition::name)
    }

    #[test]
    fn tag_and_digest_are_no_part_of_the_repository() {
        assert_eq!(repository_of("localhost:5000/web"), "localhost:5000/web");
        assert_eq!(repository_of("localhost:5000/web:1.2"), "localhost:5000/web");
        assert_eq!(repository_of("nginx:alpine"), "nginx");
        let digest = format!("sha256:{}", "a".repeat(64));
        assert_eq!(repository_of(&format!("{WEB}:1@{digest}")), WEB);
        assert_eq!(digest_of(&format!("{WEB}@{digest}")).unwrap().as_str(), digest);
        assert_eq!(digest_of("nginx:alpine"), None);
    }

    #[test]
    fn the_image_of_the_same_repository_wins_over_a_port() {
        let both = [
            container("proxy", "envoy:1", Some(80)),
            container("web", &format!("{WEB}:1"), None),
        ];
        assert_eq!(chosen(&both), Some("web"));
    }

    #[test]
    fn of_two_with_the_same_image_the_one_with_a_port_is_the_application() {
        let image = format!("{WEB}:1");
        let both = [
            container("migrate", &image, None),
            container("web", &image, Some(80)),
        ];
        assert_eq!(chosen(&both), Some("web"));
    }

    #[test]
    fn without_that_repository_the_one_with_a_port_is_the_application() {
        let both = [
            container("logs", "fluentbit:1", None),
            container("web", "nginx:1", Some(80)),
        ];
        assert_eq!(chosen(&both), Some("web"));
        assert_eq!(chosen(&[container("worker", "busybox", None)]), Some("worker"));
    }

    #[test]
    fn two_with_ports_and_other_images_are_an_error_and_so_is_none() {
        let both = [container("a", "x", Some(80)), container("b", "y", Some(81))];
        assert!(
            application_container(&both, Some(WEB))
                .unwrap_err()
                .contains("2 containers 2")
        );
        assert!(application_container(&[], Some(WEB)).is_err());
    }
}
