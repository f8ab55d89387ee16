//! The last lines that a task wrote, from CloudWatch Logs. Whatever is in the way is told in their place:
//! a change or a suite is as it is, whether its lines can be read or not.

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_ecs::types::{ContainerDefinition, LogDriver};
use tidegate_core::change::{LINES, tail};

use crate::error::AwsError;

/// Where a container's lines are.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    group: String,
    stream: String,
}

/// The last lines of a task's container, or one line that says why there are none.
pub(crate) async fn read(logs: &Client, container: &ContainerDefinition, task: &str) -> Vec<String> {
    let region = logs.config().region().map(|region| region.as_ref());
    let found = match place(container, task, region) {
        Ok(place) => messages(logs, &place).await.map_err(|error| error.to_string()),
        Err(why) => Err(why.to_owned()),
    };
    match found {
        Ok(messages) => match tail(messages.iter().map(String::as_str)) {
            lines if lines.is_empty() => vec![note("it wrote none")],
            lines => lines,
        },
        Err(why) => tail([note(&why).as_str()]),
    }
}

pub(crate) fn note(why: &str) -> String {
    format!("(no lines: {why})")
}

/// By the settings of the `awslogs` driver (Amazon ECS Developer Guide, "Send Amazon ECS logs to
/// CloudWatch"): a stream is named `prefix/container/task`.
fn place(container: &ContainerDefinition, task: &str, region: Option<&str>) -> Result<Place, &'static str> {
    let settings = container.log_configuration();
    let Some(settings) = settings.filter(|settings| settings.log_driver() == &LogDriver::Awslogs) else {
        return Err("its container does not log to CloudWatch (awslogs)");
    };
    let option = |name: &str| settings.options().and_then(|options| options.get(name));
    if option("awslogs-region").map(String::as_str) != region {
        return Err("they are in another region");
    }
    match (option("awslogs-group"), option("awslogs-stream-prefix")) {
        (Some(group), Some(prefix)) => Ok(Place {
            group: group.clone(),
            stream: format!("{prefix}/{}/{task}", container.name().unwrap_or_default()),
        }),
        (Some(_), None) => Err("awslogs-stream-prefix is not set, so nobody can tell which are its own"),
        (None, _) => Err("awslogs-group is not set"),
    }
}

async fn messages(logs: &Client, place: &Place) -> Result<Vec<String>, AwsError> {
    let limit = i32::try_from(LINES).unwrap_or(i32::MAX);
    let answer = logs
        .get_log_events()
        .log_group_name(&place.group)
        .log_stream_name(&place.stream)
        .start_from_head(false)
        .limit(limit)
        .send()
        .await
        .map_err(|error| {
            AwsError::sdk(
                format!("failed to read {} in {}", place.stream, place.group),
                error,
            )
        })?;
    let events = answer.events().iter();
    Ok(events
        .filter_map(|event| event.message().map(str::to_owned))
        .collect())
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::LogConfiguration;

    use super::*;

    fn container(options: &[(&str, &str)]) -> ContainerDefinition {
        let mut settings = LogConfiguration::builder().log_driver(LogDriver::Awslogs);
        for (name, value) in options {
            settings = settings.options(*name, *value);
        }
        ContainerDefinition::builder()
            .name("web")
            .set_log_configuration(settings.build().ok())
            .build()
    }

    const HERE: (&str, &str) = ("awslogs-region", "eu-west-1");
    const GROUP: (&str, &str) = ("awslogs-group", "/ecs/web");
    const PREFIX: (&str, &str) = ("awslogs-stream-prefix", "app");

    #[test]
    fn a_stream_is_named_after_prefix_container_and_task() {
        let found = place(&container(&[HERE, GROUP, PREFIX]), "f00", Some("eu-west-1"));
        let expected = Place {
            group: "/ecs/web".to_owned(),
            stream: "app/web/f00".to_owned(),
        };
        assert_eq!(found, Ok(expected));
    }

    #[test]
    fn where_lines_can_not_be_found_it_says_why() {
        let why = |options: &[(&str, &str)]| place(&container(options), "f00", Some("eu-west-1")).err();
        assert_eq!(why(&[GROUP, PREFIX]), Some("they are in another region"));
        assert_eq!(
            why(&[("awslogs-region", "us-east-1"), GROUP, PREFIX]),
            Some("they are in another region")
        );
        assert_eq!(why(&[HERE, PREFIX]), Some("awslogs-group is not set"));
        assert!(why(&[HERE, GROUP]).is_some_and(|why| why.contains("stream-prefix")));
        let none = ContainerDefinition::builder().name("web").build();
        assert!(place(&none, "f00", None).is_err_and(|why| why.contains("awslogs")));
    }
}
