//! What of a stack was changed outside of CloudFormation. Only names of resources and of their properties are
//! told: the values may be secret.
//!
//! CloudFormation looks with the permissions of whoever asks, so that it sees what that role may read.

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::types::{
    DifferenceType, StackDriftDetectionStatus, StackResourceDrift, StackResourceDriftStatus,
};
use tidegate_core::change::StackWork;

use crate::error::AwsError;

/// Pages of drifted resources that are read: far above the 500 resources of a stack.
const MAX_PAGES: usize = 20;

/// Drifted resources that are named.
const MAX_NAMED: usize = 10;

/// Properties of one resource that are named.
const MAX_PROPERTIES: usize = 5;

/// Stands before the id of the detection in a change set's description, which keeps it until it is asked for.
const MARK: &str = "; drift detection ";

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Drift {
    /// Resources.
    pub count: u32,
    /// Whether more of them may have.
    pub unknown: bool,
    /// Which, and what of them.
    pub notes: Vec<String>,
}

impl Drift {
    /// Not known is not none.
    fn unknown(why: &str) -> Self {
        Self {
            count: 0,
            unknown: true,
            notes: vec![format!("drift is not known: {why}")],
        }
    }
}

/// The description of a change set before which drift was looked for.
pub(super) fn description(text: &str, detection: Option<&str>) -> String {
    match detection {
        Some(id) => format!("{text}{MARK}{id}"),
        None => text.to_owned(),
    }
}

/// Begins to look; nothing where somebody else does, or where the stack can't be looked at now.
///
/// # Errors
/// Where AWS refuses or can't be asked.
pub(super) async fn detect(client: &Client, stack: &StackWork) -> Result<Option<String>, AwsError> {
    let answer = client.detect_stack_drift().stack_name(&stack.name).send().await;
    let what = || format!("failed to look for drift of stack {}", stack.name);
    match answer.map_err(|error| AwsError::sdk(what(), error)) {
        Ok(answer) => Ok(answer.stack_drift_detection_id().map(str::to_owned)),
        // The next attempt comes when that is over.
        Err(error) if error.code.as_deref() == Some("ValidationError") => Ok(None),
        Err(error) => Err(error),
    }
}

/// What was found before a change set was made; nothing while it is still looked for.
///
/// # Errors
/// Where AWS can't be asked.
pub(super) async fn found(
    client: &Client,
    stack: &StackWork,
    description: &str,
) -> Result<Option<Drift>, AwsError> {
    // A stack that does not exist was not looked at.
    let Some((_, id)) = description.split_once(MARK) else {
        return Ok(Some(Drift {
            count: 0,
            unknown: false,
            notes: Vec::new(),
        }));
    };
    let what = || format!("failed to read the drift of stack {}", stack.name);
    let answer = client
        .describe_stack_drift_detection_status()
        .stack_drift_detection_id(id)
        .send()
        .await;
    let answer = match answer.map_err(|error| AwsError::sdk(what(), error)) {
        Ok(answer) => answer,
        Err(error) if error.is_retryable() => return Err(error),
        Err(error) => return Ok(Some(Drift::unknown(&error.to_string()))),
    };
    let failed = match answer.detection_status() {
        Some(StackDriftDetectionStatus::DetectionInProgress) => return Ok(None),
        Some(StackDriftDetectionStatus::DetectionComplete) => None,
        Some(_) | None => Some(answer.detection_status_reason().unwrap_or("no reason given")),
    };
    let drifted = drifted(client, stack).await?;
    let mut seen = told(&drifted);
    if let Some(why) = failed {
        seen.unknown = true;
        seen.notes.extend(Drift::unknown(why).notes);
    }
    Ok(Some(seen))
}

async fn drifted(client: &Client, stack: &StackWork) -> Result<Vec<StackResourceDrift>, AwsError> {
    let (mut all, mut next) = (Vec::new(), None);
    for _ in 0..MAX_PAGES {
        let answer = client
            .describe_stack_resource_drifts()
            .stack_name(&stack.name)
            .stack_resource_drift_status_filters(StackResourceDriftStatus::Modified)
            .stack_resource_drift_status_filters(StackResourceDriftStatus::Deleted)
            .set_next_token(next.take())
            .send()
            .await
            .map_err(|error| {
                AwsError::sdk(format!("failed to read the drift of stack {}", stack.name), error)
            })?;
        all.extend(answer.stack_resource_drifts().iter().cloned());
        next = answer.next_token().map(str::to_owned);
        if next.is_none() {
            break;
        }
    }
    Ok(all)
}

fn told(drifted: &[StackResourceDrift]) -> Drift {
    let mut notes: Vec<String> = drifted.iter().take(MAX_NAMED).map(line).collect();
    if let Some(more @ 1..) = drifted.len().checked_sub(MAX_NAMED) {
        notes.push(format!("... and {more} more have drifted"));
    }
    Drift {
        count: u32::try_from(drifted.len()).unwrap_or(u32::MAX),
        unknown: false,
        notes,
    }
}

fn line(drift: &StackResourceDrift) -> String {
    let logical = drift.logical_resource_id().unwrap_or_default();
    let kind = drift.resource_type().unwrap_or("resource");
    let physical = drift.physical_resource_id().filter(|id| *id != logical);
    let physical = physical.map_or_else(String::new, |id| format!(" ({id})"));
    let how = match drift.stack_resource_drift_status() {
        Some(StackResourceDriftStatus::Deleted) => "it is deleted".to_owned(),
        Some(_) | None => properties(drift),
    };
    format!("drift: {kind} {logical}{physical}: {how}")
}

fn properties(drift: &StackResourceDrift) -> String {
    let all = drift.property_differences();
    let named = all.iter().take(MAX_PROPERTIES).map(|one| {
        let path = one.property_path().unwrap_or("a property");
        match one.difference_type() {
            Some(DifferenceType::Add) => format!("{path} was added"),
            Some(DifferenceType::Remove) => format!("{path} was removed"),
            Some(_) | None => format!("{path} differs"),
        }
    });
    let more = if all.len() > MAX_PROPERTIES { ", ..." } else { "" };
    format!("{}{more}", named.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_cloudformation::primitives::DateTime;
    use aws_sdk_cloudformation::types::PropertyDifference;

    fn drift(status: StackResourceDriftStatus, paths: &[(&str, DifferenceType)]) -> StackResourceDrift {
        let difference = |(path, kind): &(&str, DifferenceType)| {
            PropertyDifference::builder()
                .property_path(*path)
                .expected_value("hunter2")
                .actual_value("hunter3")
                .difference_type(kind.clone())
                .build()
        };
        StackResourceDrift::builder()
            .stack_id("arn")
            .logical_resource_id("Db")
            .physical_resource_id("shop-db")
            .resource_type("AWS::RDS::DBInstance")
            .stack_resource_drift_status(status)
            .set_property_differences(Some(paths.iter().map(difference).collect()))
            .timestamp(DateTime::from_secs(0))
            .build()
    }

    #[test]
    fn drift_is_told_by_names_and_never_by_values() {
        let paths = [
            ("/MasterUserPassword", DifferenceType::NotEqual),
            ("/Tags/0", DifferenceType::Add),
            ("/Port", DifferenceType::Remove),
        ];
        let seen = told(&[
            drift(StackResourceDriftStatus::Modified, &paths),
            drift(StackResourceDriftStatus::Deleted, &[]),
        ]);
        let db = "drift: AWS::RDS::DBInstance Db (shop-db)";
        assert_eq!(
            seen.notes,
            [
                format!("{db}: /MasterUserPassword differs, /Tags/0 was added, /Port was removed"),
                format!("{db}: it is deleted"),
            ]
        );
        assert_eq!(seen.count, 2);
        let many = vec![drift(StackResourceDriftStatus::Deleted, &[]); 12];
        let many = told(&many);
        assert_eq!((many.count, many.notes.len()), (12, 11));
        assert_eq!(
            many.notes.last().map(String::as_str),
            Some("... and 2 more have drifted")
        );
        assert_eq!(
            told(&vec![drift(StackResourceDriftStatus::Deleted, &[]); 10])
                .notes
                .len(),
            10
        );
    }

    #[test]
    fn a_change_set_keeps_which_detection_belongs_to_it() {
        let kept = description("Tidegate's deployment web-1", Some("b78ac9b0-dec1"));
        assert_eq!(kept.split_once(MARK).map(|(_, id)| id), Some("b78ac9b0-dec1"));
        assert_eq!(
            description("Tidegate's deployment web-1", None).split_once(MARK),
            None
        );
    }
}
