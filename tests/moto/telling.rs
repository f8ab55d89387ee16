//! SNS and EventBridge: what is told to the outside.

use std::collections::BTreeMap;

use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use serde_json::json;
use tidegate_aws::notify;

use super::compare::{Comparison, answer, raw};
use super::fixture::NOW;

const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:tidegate";

/// All of it.
pub async fn compare(both: &mut Comparison) {
    let attributes = BTreeMap::from([
        ("service".to_owned(), "web".to_owned()),
        ("empty".to_owned(), String::new()),
    ]);
    for (what, topic) in [
        ("publish a message", TOPIC.to_owned()),
        ("publish to an unknown topic", TOPIC.replace("tidegate", "ghost")),
    ] {
        both.same(what, async |side| {
            answer(notify::publish(&side.sns, &topic, "✅ web: Completed", "done", &attributes).await)
        })
        .await;
    }
    both.same("refuse a subject of 101 characters", async |side| {
        let call = side
            .sns
            .publish()
            .topic_arn(TOPIC)
            .message("text")
            .subject("s".repeat(101));
        raw(call.send().await.map(|_| ()))
    })
    .await;
    both.same("put an event", async |side| {
        let detail = json!({ "id": "web-1" });
        answer(notify::put_event(&side.eventbridge, "tidegate", "Deployment executed", &detail, NOW).await)
    })
    .await;
    refused_events(both).await;
}

async fn refused_events(both: &mut Comparison) {
    let whole = PutEventsRequestEntry::builder()
        .event_bus_name("tidegate")
        .source("tidegate")
        .detail_type("Ready for validation")
        .detail("{}");
    for (what, entry) in [
        (
            "refuse an event whose detail is no JSON",
            whole.clone().detail("{"),
        ),
        ("refuse an event without a source", whole.clone().set_source(None)),
        (
            "refuse an event without a detail type",
            whole.clone().set_detail_type(None),
        ),
        ("refuse an event without a detail", whole.clone().set_detail(None)),
    ] {
        both.same(what, async |side| {
            let sent = side
                .eventbridge
                .put_events()
                .entries(entry.clone().build())
                .send()
                .await;
            raw(sent.map(|sent| {
                let codes: Vec<_> = sent.entries().iter().map(|one| one.error_code.clone()).collect();
                (sent.failed_entry_count, codes)
            }))
        })
        .await;
    }
}
