//! What is told to the outside: messages on an SNS topic, events on an EventBridge bus.

#[cfg(feature = "sns")]
pub use topic::publish;

#[cfg(feature = "eventbridge")]
pub use bus::{SOURCE, put_event};

#[cfg(feature = "sns")]
mod topic {
    use std::collections::BTreeMap;

    use aws_sdk_sns::Client;
    use aws_sdk_sns::types::MessageAttributeValue;

    use crate::error::AwsError;

    /// Publishes a message. Subscribers filter by `attributes`; the subject is cut down to what SNS
    /// takes.
    ///
    /// # Errors
    /// Where SNS refuses or can't be asked.
    pub async fn publish(
        sns: &Client,
        topic_arn: &str,
        subject: &str,
        text: &str,
        attributes: &BTreeMap<String, String>,
    ) -> Result<(), AwsError> {
        let what = || format!("failed to publish to topic {topic_arn}");
        let mut call = sns
            .publish()
            .topic_arn(topic_arn)
            .set_subject(subject_line(subject))
            .message(text);
        // SNS refuses an attribute without a value.
        for (name, value) in attributes.iter().filter(|(_, value)| !value.is_empty()) {
            let value = MessageAttributeValue::builder()
                .data_type("String")
                .string_value(value)
                .build()
                .map_err(|error| AwsError::input(what(), error))?;
            call = call.message_attributes(name, value);
        }
        call.send().await.map_err(|error| AwsError::sdk(what(), error))?;
        Ok(())
    }

    /// At most 100 printable ASCII characters that start with a letter, a digit or punctuation
    /// (Amazon SNS API Reference, `Publish`); nothing where none is left.
    fn subject_line(text: &str) -> Option<String> {
        let printable: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .filter(char::is_ascii)
            .collect();
        let words: Vec<&str> = printable.split_whitespace().collect();
        let line: String = words.join(" ").chars().take(100).collect();
        let line = line.trim_end();
        (!line.is_empty()).then(|| line.to_owned())
    }

    #[cfg(test)]
    mod tests {
        use super::subject_line;

        #[test]
        fn a_subject_is_one_short_line_of_ascii() {
            assert_eq!(
                subject_line("✅ web/production:\nCompleted").as_deref(),
                Some("web/production: Completed")
            );
            assert_eq!(subject_line(&"long ".repeat(40)).map(|line| line.len()), Some(99));
            assert_eq!(subject_line("⏳\n"), None);
        }
    }
}

#[cfg(feature = "eventbridge")]
mod bus {
    use aws_sdk_eventbridge::Client;
    use aws_sdk_eventbridge::types::PutEventsRequestEntry;
    use jiff::Timestamp;

    use crate::error::{AwsError, Kind};
    use crate::time::to_sdk;

    /// `source` of every event of ours.
    pub const SOURCE: &str = "tidegate";

    /// Puts an event on a bus.
    ///
    /// # Errors
    /// Where EventBridge refuses the event or can't be asked.
    pub async fn put_event(
        eventbridge: &Client,
        bus: &str,
        detail_type: &str,
        detail: &serde_json::Value,
        time: Timestamp,
    ) -> Result<(), AwsError> {
        let what = || format!("failed to put event `{detail_type}` on bus {bus}");
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(bus)
            .source(SOURCE)
            .detail_type(detail_type)
            .detail(detail.to_string())
            .time(to_sdk(time))
            .build();
        let answer = eventbridge
            .put_events()
            .entries(entry)
            .send()
            .await
            .map_err(|error| AwsError::sdk(what(), error))?;
        // The call as a whole succeeds even where the entry was not taken.
        if let Some((code, entry)) = answer
            .entries()
            .iter()
            .find_map(|one| Some((one.error_code()?, one)))
        {
            return Err(AwsError::reported(
                what(),
                code,
                entry.error_message().unwrap_or_default(),
            ));
        }
        if answer.failed_entry_count() > 0 {
            return Err(AwsError::answer(
                what(),
                Kind::Other,
                "the entry failed without a code",
            ));
        }
        Ok(())
    }
}
