//! One-time schedules of EventBridge Scheduler: each tells the sweep once that something is due, and is gone.

use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::types::{
    ActionAfterCompletion, DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode, Target,
};
use jiff::Timestamp;
use tidegate_core::hash::sha256_hex;
use tidegate_core::ids::DeploymentId;

use crate::error::{AwsError, Kind};

/// Most characters of a schedule's name and of a client token (EventBridge Scheduler API Reference,
/// `CreateSchedule`).
const MAX_NAME: usize = 64;

/// Where schedules are made, and what they reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheduling {
    /// Name of the schedule group.
    pub group: String,
    /// ARN of the function that is told.
    pub function: String,
    /// ARN of the role with which it is told.
    pub role: String,
    /// ARN of the queue for what could not be told.
    pub dead_letters: String,
}

/// The name of the schedule of a deployment's contract: after the deployment and the first migration. Ids and
/// names of changes have only characters that schedules may have.
pub fn name_of(deployment: &DeploymentId, migration: &str) -> String {
    let name = format!("{deployment}-{migration}");
    if name.len() <= MAX_NAME {
        return name;
    }
    let hash = sha256_hex(name.as_bytes());
    let begin: String = name.chars().take(MAX_NAME - 17).collect();
    let end: String = hash.chars().take(16).collect();
    format!("{begin}-{end}")
}

/// Makes a schedule that gives `input` to the function at that time, unless it is there, and reads it back.
///
/// # Errors
/// Where AWS refuses or can't be asked, or has another schedule of that name.
pub async fn schedule(
    client: &Client,
    to: &Scheduling,
    name: &str,
    at: Timestamp,
    input: &str,
) -> Result<(), AwsError> {
    let what = || format!("failed to make schedule {name}");
    let expression = expression(at);
    let target = Target::builder()
        .arn(&to.function)
        .role_arn(&to.role)
        .input(input)
        .dead_letter_config(DeadLetterConfig::builder().arn(&to.dead_letters).build())
        .build()
        .map_err(|error| AwsError::input(what(), error))?;
    let window = FlexibleTimeWindow::builder()
        .mode(FlexibleTimeWindowMode::Off)
        .build()
        .map_err(|error| AwsError::input(what(), error))?;
    let made = client
        .create_schedule()
        .group_name(&to.group)
        .name(name)
        .client_token(name)
        .schedule_expression(&expression)
        .schedule_expression_timezone("UTC")
        .flexible_time_window(window)
        .action_after_completion(ActionAfterCompletion::Delete)
        .target(target)
        .send()
        .await;
    match made {
        Ok(_) => {}
        Err(error) => {
            let error = AwsError::sdk(what(), error);
            // Made before, by a function that died after it: what is there is looked at.
            if error.kind != Kind::Conflict {
                return Err(error);
            }
        }
    }
    let seen = client
        .get_schedule()
        .group_name(&to.group)
        .name(name)
        .send()
        .await
        .map_err(|error| AwsError::sdk(format!("failed to read schedule {name} back"), error))?;
    let same = seen.schedule_expression() == Some(expression.as_str())
        && seen.target().is_some_and(|seen| seen.input() == Some(input));
    match same {
        true => Ok(()),
        false => Err(AwsError::answer(
            what(),
            Kind::Conflict,
            format!(
                "there is another of that name, for {}",
                seen.schedule_expression().unwrap_or("no time")
            ),
        )),
    }
}

/// A time as Scheduler has it: whole seconds, never too early.
fn expression(at: Timestamp) -> String {
    let second = at.as_second() + i64::from(at.subsec_nanosecond() > 0);
    let whole = Timestamp::from_second(second).unwrap_or(at);
    whole.strftime("at(%Y-%m-%dT%H:%M:%S)").to_string()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_and_stays_its_own() {
        let id: DeploymentId = "web-production-7-abcdef12".parse().unwrap();
        assert_eq!(name_of(&id, "drop-email"), "web-production-7-abcdef12-drop-email");
        let (one, other) = ("a".repeat(60), format!("{}b", "a".repeat(59)));
        let names = [name_of(&id, &one), name_of(&id, &other)];
        assert!(names.iter().all(|name| name.len() == MAX_NAME));
        assert_ne!(names[0], names[1]);
    }

    #[test]
    fn a_schedule_is_never_too_early() {
        let at = |text: &str| expression(text.parse().unwrap());
        assert_eq!(at("2026-11-28T10:00:00Z"), "at(2026-11-28T10:00:00)");
        assert_eq!(at("2026-11-28T10:00:00.001Z"), "at(2026-11-28T10:00:01)");
    }
}
