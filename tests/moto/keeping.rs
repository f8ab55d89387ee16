//! DynamoDB: the store's own operations, and the answers that they rest on.

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use jiff::{SignedDuration, Timestamp};
use tidegate_aws::store::{Commit, Fence, Loaded, StoreError};
use tidegate_core::deployment::Deployment;
use tidegate_core::event::Event;
use tidegate_core::gates::{People, PersonEntry};
use tidegate_core::ids::{Epoch, SpecHash};
use tidegate_core::journal::{Entry, append, verify_with_head};
use tidegate_core::messages::Channel;
use tidegate_core::target::{Lock, TargetState};
use tidegate_local::names::TABLE;

use super::compare::{Comparison, Side, raw, stored};
use super::fixture::{NOW, bare, id, spec, target};

/// All of it.
pub async fn compare(both: &mut Comparison) {
    heads(both).await;
    fences(both).await;
    small_items(both).await;
    links(both).await;
    long_journal(both).await;
    lists(both).await;
    answers(both).await;
}

/// Deployment `web-<number>` after these reasons to wait, with the entries that say so.
fn waiting(number: u64, reasons: &[&str]) -> (Deployment, Vec<Entry>) {
    let mut deployment = bare(number);
    let events = reasons.iter().map(|reason| Event::Waiting {
        reason: (*reason).to_owned(),
    });
    let entries = append(&mut deployment, events.collect(), "test", NOW);
    (deployment, entries)
}

/// The target's record, held by deployment `web-<number>`.
fn held(number: u64, version: u64) -> Loaded<TargetState> {
    let mut value = TargetState::new(target("web/production"), spec(""), SpecHash::of(b"spec"), NOW);
    value.epoch = Epoch(number);
    value.lock = Some(Lock {
        deployment: id(number),
        epoch: Epoch(number),
        since: NOW,
    });
    Loaded { value, version }
}

async fn admit(side: &Side) -> String {
    let (head, entries) = waiting(1, &["first"]);
    let commit = Commit::new().target(&held(1, 0)).deployment(&head, &entries);
    stored(side.store.commit(commit.unseen("event-1", NOW)).await)
}

async fn heads(both: &mut Comparison) {
    both.same("read a deployment that is not there", async |side| {
        stored(side.store.deployment(&id(1)).await)
    })
    .await;
    both.same("read a target that is not there", async |side| {
        stored(side.store.target(&target("web/production")).await)
    })
    .await;
    both.same("look for an event that was not taken", async |side| {
        stored(side.store.seen("event-1").await)
    })
    .await;
    both.same("write a target, a deployment and an event", admit)
        .await;
    both.same("write them again", admit).await;
    both.same("look for an event that was taken", async |side| {
        stored(side.store.seen("event-1").await)
    })
    .await;
    both.same("read the deployment", async |side| {
        stored(side.store.deployment(&id(1)).await)
    })
    .await;
    both.same("read the target", async |side| {
        stored(side.store.target(&target("web/production")).await)
    })
    .await;
    both.same("read its journal", async |side| {
        stored(side.store.journal(&id(1)).await)
    })
    .await;
    both.same("write a deployment that someone else has written", async |side| {
        let (head, entries) = waiting(1, &["again"]);
        stored(side.store.commit(Commit::new().deployment(&head, &entries)).await)
    })
    .await;
    both.same("write a target of an old version", async |side| {
        stored(side.store.commit(Commit::new().target(&held(1, 7))).await)
    })
    .await;
    both.same("write nothing where one of two conditions fails", async |side| {
        let commit = Commit::new().target(&held(1, 7)).unseen("event-2", NOW);
        let first = stored(side.store.commit(commit).await);
        format!("{first}; {}", stored(side.store.seen("event-2").await))
    })
    .await;
}

/// The second entry of `web-1`, under a fence.
fn second(epoch: u64) -> Commit {
    let (head, entries) = waiting(1, &["first", "second"]);
    let fence = Fence {
        epoch: Epoch(epoch),
        ..Fence::of(&head)
    };
    Commit::new()
        .deployment(&head, entries.get(1..).unwrap_or_default())
        .fenced(&fence)
}

async fn fences(both: &mut Comparison) {
    both.same("write under an older epoch", async |side| {
        stored(side.store.commit(second(0)).await)
    })
    .await;
    both.same("write under the epoch that holds", async |side| {
        stored(side.store.commit(second(1)).await)
    })
    .await;
    both.same("write the same under the same epoch", async |side| {
        stored(side.store.commit(second(1)).await)
    })
    .await;
    both.same("take the target over", async |side| {
        stored(side.store.commit(Commit::new().target(&held(2, 1))).await)
    })
    .await;
    both.same("write after the target was taken over", async |side| {
        stored(side.store.commit(second(1)).await)
    })
    .await;
    both.same("write under the fence of an unknown target", async |side| {
        let fence = Fence {
            target: target("ghost/production"),
            deployment: id(1),
            epoch: Epoch(1),
        };
        stored(
            side.store
                .commit(Commit::new().fenced(&fence).unseen("event-3", NOW))
                .await,
        )
    })
    .await;
}

async fn small_items(both: &mut Comparison) {
    let later = NOW + SignedDuration::from_secs(5);
    let keep = async |side: &Side, token: &str, at: Timestamp| {
        stored(side.store.put_token(&id(1), "abort", token, at).await)
    };
    let read = async |side: &Side| stored(side.store.token(&id(1), "abort").await);
    both.same("read a token that is not there", read).await;
    both.same("keep a token", async |side| keep(side, "one", NOW).await)
        .await;
    both.same("replace a token", async |side| keep(side, "two", later).await)
        .await;
    both.same("leave a newer token", async |side| keep(side, "three", NOW).await)
        .await;
    both.same("read the newest token", read).await;
    let delivered = async |side: &Side| stored(side.store.told(&id(1)).await);
    let mark = async |side: &Side| stored(side.store.mark_delivered(&id(1), 1, Channel::Sns, NOW).await);
    both.same("look for a delivery that was not made", delivered)
        .await;
    both.same("mark a delivery", mark).await;
    both.same("mark a delivery again", mark).await;
    both.same("look for a delivery that was made", delivered).await;
    both.same("read no people", async |side| stored(side.store.people().await))
        .await;
    let mut people = People::default();
    people.people.insert("maria".to_owned(), PersonEntry::default());
    both.same("keep the people", async |side| {
        stored(side.store.put_people(&people).await)
    })
    .await;
    both.same("replace the people", async |side| {
        stored(side.store.put_people(&people).await)
    })
    .await;
    both.same("read the people", async |side| stored(side.store.people().await))
        .await;
}

async fn links(both: &mut Comparison) {
    let alarms = ["high".to_owned(), "slow".to_owned()];
    let watch = async |side: &Side, number: u64| {
        stored(
            side.store
                .commit(Commit::new().watches(&id(number), &alarms, NOW))
                .await,
        )
    };
    both.same("watch two alarms", async |side| watch(side, 1).await)
        .await;
    both.same("watch them again", async |side| watch(side, 1).await)
        .await;
    both.same("watch them for another deployment", async |side| {
        watch(side, 2).await
    })
    .await;
    both.same("read who watches", async |side| {
        stored(side.store.watchers("high", NOW).await)
    })
    .await;
    both.same("read who watches an unknown alarm", async |side| {
        stored(side.store.watchers("ghost", NOW).await)
    })
    .await;
    both.same("read who watches after a month", async |side| {
        let later = NOW + SignedDuration::from_hours(24 * 30);
        stored(side.store.watchers("high", later).await)
    })
    .await;
    for (what, hash) in [
        ("apply a file", "one"),
        ("apply it again", "one"),
        ("apply another", "two"),
    ] {
        both.same(what, async |side| {
            let commit = Commit::new().spec(
                &target("web/production"),
                SpecHash::of(hash.as_bytes()).as_str(),
                hash,
            );
            stored(side.store.commit(commit).await)
        })
        .await;
    }
    both.same("read a file", async |side| {
        stored(
            side.store
                .spec_text(&target("web/production"), &SpecHash::of(b"two"))
                .await,
        )
    })
    .await;
    both.same("list the targets", async |side| {
        stored(side.store.targets().await)
    })
    .await;
}

/// Entries of a journal that needs three pages of one megabyte.
const LONG: usize = 16;

async fn write_long(side: &Side) -> Result<(), StoreError> {
    let reason = "r".repeat(150_000);
    for count in 1..=LONG {
        let (head, entries) = waiting(3, &vec![reason.as_str(); count]);
        let newest = entries.get(count - 1..).unwrap_or_default();
        side.store.commit(Commit::new().deployment(&head, newest)).await?;
    }
    Ok(())
}

async fn long_journal(both: &mut Comparison) {
    both.same("write a journal of some megabytes", async |side| {
        stored(write_long(side).await)
    })
    .await;
    both.same("read it over several pages", async |side| {
        let journal = side.store.journal(&id(3)).await;
        let head = side.store.deployment(&id(3)).await;
        let whole = match (&journal, head) {
            (Ok(entries), Ok(Some(head))) => verify_with_head(&head, entries).is_ok(),
            (Ok(_) | Err(_), Ok(_) | Err(_)) => false,
        };
        format!("{}, whole: {whole}", stored(journal.map(|entries| entries.len())))
    })
    .await;
    both.same("count the pages", async |side| {
        let call = side
            .dynamodb
            .query()
            .table_name(TABLE)
            .key_condition_expression("pk = :pk AND begins_with(sk, :sk)");
        let call = call.expression_attribute_values(":pk", text("DEPLOYMENT#web-3"));
        let call = call.expression_attribute_values(":sk", text("JOURNAL#"));
        let mut pages = call.into_paginator().send();
        let mut count = 0;
        while let Some(page) = pages.next().await {
            if let Err(error) = page {
                return raw::<(), _>(Err(error));
            }
            count += 1;
        }
        format!("{count}")
    })
    .await;
}

async fn lists(both: &mut Comparison) {
    for (what, environment, limit) in [
        ("list an environment's deployments", "production", 10),
        ("list one of them", "production", 1),
        ("list an unknown environment's deployments", "nowhere", 10),
    ] {
        both.same(what, async |side| {
            let found = side.store.deployments(&environment.parse().unwrap(), limit).await;
            stored(found.map(|all| all.iter().map(|one| one.id.clone()).collect::<Vec<_>>()))
        })
        .await;
    }
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn put(pk: &str, condition: Option<&str>) -> TransactWriteItem {
    let put = Put::builder()
        .table_name(TABLE)
        .item("pk", text(pk))
        .item("sk", text("HEAD"));
    let put = put
        .set_condition_expression(condition.map(str::to_owned))
        .build()
        .unwrap();
    TransactWriteItem::builder().put(put).build()
}

async fn transact(side: &Side, items: Vec<TransactWriteItem>) -> String {
    transact_as(side, items, None).await
}

async fn transact_as(side: &Side, items: Vec<TransactWriteItem>, token: Option<&str>) -> String {
    let call = side
        .dynamodb
        .transact_write_items()
        .set_transact_items(Some(items));
    let sent = call
        .set_client_request_token(token.map(str::to_owned))
        .send()
        .await;
    let reasons = sent.as_ref().err().and_then(|error| error.as_service_error()).and_then(|error| match error {
        aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(
            canceled,
        ) => Some(canceled.cancellation_reasons().iter().map(|one| one.code.clone()).collect::<Vec<_>>()),
        _ => None,
    });
    format!("{}, {reasons:?}", raw(sent.map(|_| ())))
}

async fn answers(both: &mut Comparison) {
    const NEW: Option<&str> = Some("attribute_not_exists(pk)");
    both.same("put two new items in a transaction", async |side| {
        transact(side, vec![put("A", NEW), put("B", NEW)]).await
    })
    .await;
    both.same("tell which of three conditions failed", async |side| {
        transact(side, vec![put("C", NEW), put("A", NEW), put("D", None)]).await
    })
    .await;
    both.same("refuse one item twice in a transaction", async |side| {
        transact(side, vec![put("E", None), put("E", NEW)]).await
    })
    .await;
    for what in [
        "write under a client token",
        "write again under the same client token",
    ] {
        both.same(what, async |side| {
            transact_as(side, vec![put("G", NEW)], Some("token-1")).await
        })
        .await;
    }
    both.same("put an item whose condition fails", async |side| {
        let call = side
            .dynamodb
            .put_item()
            .table_name(TABLE)
            .item("pk", text("A"))
            .item("sk", text("HEAD"));
        raw(call
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await
            .map(|_| ()))
    })
    .await;
    both.same("refuse an item above 400 KB", async |side| {
        let call = side
            .dynamodb
            .put_item()
            .table_name(TABLE)
            .item("pk", text("F"))
            .item("sk", text("HEAD"));
        raw(call
            .item("doc", text(&"d".repeat(410 * 1024)))
            .send()
            .await
            .map(|_| ()))
    })
    .await;
    both.same("refuse a bad condition", async |side| {
        let call = side
            .dynamodb
            .put_item()
            .table_name(TABLE)
            .item("pk", text("A"))
            .item("sk", text("HEAD"));
        raw(call
            .condition_expression("version = :missing")
            .send()
            .await
            .map(|_| ()))
    })
    .await;
    both.same("read from an unknown table", async |side| {
        let call = side
            .dynamodb
            .get_item()
            .table_name("ghost")
            .key("pk", text("A"))
            .key("sk", text("HEAD"));
        raw(call.send().await.map(|_| ()))
    })
    .await;
    both.same("query an unknown index", async |side| {
        let call = side.dynamodb.query().table_name(TABLE).index_name("ghost");
        let call = call
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text("A"));
        raw(call.send().await.map(|_| ()))
    })
    .await;
}
