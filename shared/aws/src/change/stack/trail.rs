//! The events of a stack, as far as one operation goes.

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::types::StackEvent;
use jiff::Timestamp;
use tidegate_core::change::Progress;

use crate::error::AwsError;
use crate::time::from_sdk;

/// Pages of events that are read, newest first.
const MAX_PAGES: usize = 10;

/// Resources whose failure is told.
const MAX_FAILURES: usize = 5;

/// What an operation left among the events of its stack.
pub(super) struct Trail {
    /// Its events, newest first.
    ours: Vec<StackEvent>,
    /// Whether the newest event of all is one of them.
    newest: bool,
    /// Whether everything was read that could be of it.
    pub complete: bool,
}

impl Trail {
    /// Reads the events of an operation by its client request token. No event of it is older than `since`.
    ///
    /// # Errors
    /// Where AWS can't be asked.
    pub async fn read(
        client: &Client,
        stack: &str,
        token: &str,
        since: Option<Timestamp>,
    ) -> Result<Self, AwsError> {
        let mut trail = Self {
            ours: Vec::new(),
            newest: false,
            complete: false,
        };
        let (mut next, mut first) = (None, true);
        for _ in 0..MAX_PAGES {
            let answer = client
                .describe_stack_events()
                .stack_name(stack)
                .set_next_token(next.take())
                .send()
                .await;
            let what = || format!("failed to read the events of stack {stack}");
            let answer = match answer.map_err(|error| AwsError::sdk(what(), error)) {
                Ok(answer) => answer,
                // There is no such stack.
                Err(error) if error.code.as_deref() == Some("ValidationError") => {
                    trail.complete = true;
                    return Ok(trail);
                }
                Err(error) => return Err(error),
            };
            for event in answer.stack_events() {
                let is_ours = event.client_request_token() == Some(token);
                trail.newest |= first && is_ours;
                first = false;
                let old = since.is_some_and(|since| {
                    let at = event.timestamp().and_then(from_sdk);
                    at.is_some_and(|at| at < since)
                });
                if old || (!is_ours && !trail.ours.is_empty()) {
                    trail.complete = true;
                    return Ok(trail);
                }
                if is_ours {
                    trail.ours.push(event.clone());
                }
            }
            match answer.next_token() {
                Some(token) => next = Some(token.to_owned()),
                None => {
                    trail.complete = true;
                    return Ok(trail);
                }
            }
        }
        Ok(trail)
    }

    /// Whether nothing was done to the stack since.
    pub fn is_newest(&self) -> bool {
        self.newest
    }

    /// How the operation stands; nothing where there is no event of it.
    pub fn progress(&self) -> Option<Progress> {
        let status = self.status()?;
        Some(match status {
            "CREATE_COMPLETE" | "UPDATE_COMPLETE" => Progress::done(format!("the stack is in {status}")),
            ended if ended.ends_with("_COMPLETE") || ended.ends_with("_FAILED") => Progress::Failed {
                reason: self.why(ended),
                log: self.failures().take(MAX_FAILURES).collect(),
            },
            underway => Progress::running(format!("the stack is in {underway}{}", self.latest())),
        })
    }

    /// Whether it failed, and the stack is as it was before.
    pub fn rolled_back(&self) -> bool {
        self.status() == Some("UPDATE_ROLLBACK_COMPLETE")
    }

    /// Whether CloudFormation is taking it back.
    pub fn is_rolling_back(&self) -> bool {
        self.status().is_some_and(|status| status.contains("ROLLBACK"))
    }

    /// The newest status of the stack itself.
    fn status(&self) -> Option<&str> {
        let own = |event: &&StackEvent| event.physical_resource_id() == event.stack_id();
        let newest = self.ours.iter().find(own).or_else(|| self.ours.first())?;
        newest.resource_status().map(|status| status.as_str())
    }

    /// The resource that something was last heard of.
    fn latest(&self) -> String {
        let resource = |event: &&StackEvent| event.physical_resource_id() != event.stack_id();
        let newest = self.ours.iter().find(resource);
        newest.map_or_else(String::new, |event| {
            let status = event.resource_status().map_or("", |status| status.as_str());
            format!(", {} {status}", event.logical_resource_id().unwrap_or_default())
        })
    }

    /// What went wrong first, and where the stack is now.
    fn why(&self, status: &str) -> String {
        let is = match status {
            "UPDATE_ROLLBACK_COMPLETE" => "CloudFormation took the update back".to_owned(),
            "ROLLBACK_COMPLETE" => "CloudFormation took back what it had made of the stack".to_owned(),
            other => format!("the stack is left in {other}"),
        };
        match self.failures().next() {
            Some(first) => format!("{first}; {is}"),
            None => is,
        }
    }

    /// Failures of resources, the first one first; those that followed from it come later.
    fn failures(&self) -> impl Iterator<Item = String> {
        let events = self.ours.iter().rev();
        events.filter_map(|event| {
            let status = event.resource_status()?.as_str();
            if !status.ends_with("_FAILED") || event.physical_resource_id() == event.stack_id() {
                return None;
            }
            let reason: String = event
                .resource_status_reason()
                .unwrap_or("no reason given")
                .chars()
                .take(300)
                .collect();
            Some(format!(
                "{} {}: {reason}",
                event.resource_type().unwrap_or("resource"),
                event.logical_resource_id().unwrap_or_default()
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_cloudformation::types::ResourceStatus;

    const STACK: &str = "arn:aws:cloudformation:eu-west-1:123456789012:stack/shop/1";

    /// Events in the order in which they happened: logical name, status, reason.
    fn trail(events: &[(&str, &str, &str)]) -> Trail {
        let event = |(name, status, reason): &(&str, &str, &str)| {
            StackEvent::builder()
                .stack_id(STACK)
                .physical_resource_id(if *name == "shop" { STACK } else { name })
                .logical_resource_id(*name)
                .resource_type("AWS::SQS::Queue")
                .resource_status(ResourceStatus::from(*status))
                .resource_status_reason(*reason)
                .build()
        };
        Trail {
            ours: events.iter().rev().map(event).collect(),
            newest: true,
            complete: true,
        }
    }

    #[test]
    fn an_operation_ends_with_the_status_of_the_stack_itself() {
        assert_eq!(trail(&[]).progress(), None);
        let mut events = vec![
            ("shop", "UPDATE_IN_PROGRESS", ""),
            ("Orders", "UPDATE_COMPLETE", ""),
        ];
        assert!(matches!(
            trail(&events).progress(),
            Some(Progress::Running { note }) if note.contains("Orders UPDATE_COMPLETE")
        ));
        events.push(("shop", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", ""));
        assert!(matches!(
            trail(&events).progress(),
            Some(Progress::Running { .. })
        ));
        events.push(("shop", "UPDATE_COMPLETE", ""));
        assert!(matches!(trail(&events).progress(), Some(Progress::Done { .. })));
    }

    #[test]
    fn a_failure_is_told_by_the_resource_that_failed_first() {
        let mut events = vec![
            ("shop", "UPDATE_IN_PROGRESS", ""),
            ("Db", "UPDATE_FAILED", "the class is not available"),
            ("Orders", "CREATE_FAILED", "Resource creation cancelled"),
            ("shop", "UPDATE_ROLLBACK_IN_PROGRESS", ""),
        ];
        let going = trail(&events);
        assert!(going.is_rolling_back() && !going.rolled_back());
        assert!(matches!(going.progress(), Some(Progress::Running { .. })));
        events.push(("shop", "UPDATE_ROLLBACK_COMPLETE", ""));
        let ended = trail(&events);
        assert!(ended.rolled_back());
        let Some(Progress::Failed { reason, log }) = ended.progress() else {
            unreachable!("it failed");
        };
        assert!(reason.starts_with("AWS::SQS::Queue Db: the class is not available"));
        assert_eq!(log.len(), 2);
        events.push(("shop", "UPDATE_ROLLBACK_FAILED", ""));
        assert!(!trail(&events).rolled_back());
    }
}
