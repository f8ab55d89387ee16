//! What the table says of a service's deliveries, asked through the `api` function.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tidegate_aws::store::{Commit, Store};
use tidegate_core::deployment::{Deployment, Kind, Origin, Request, Revision};
use tidegate_core::event::Event;
use tidegate_core::exit::{Exit, ExitState};
use tidegate_core::ids::{Epoch, SpecHash};
use tidegate_core::journal;
use tidegate_core::measures::{Answer, Measures, Rate};
use tidegate_local::fleet::{AlarmValue, Behaviour};
use tidegate_local::names::TABLE;
use tidegate_tests::files::{SHORT, digest};
use tidegate_tests::{Scene, play_once};

const TARGET: &str = "web/production";

async fn measures(scene: &Scene, query: &str) -> Measures {
    let path = format!("/measures?{query}");
    let answer = scene.stage.ask("maria", "GET", &path, "").await.unwrap();
    serde_json::from_value(answer).unwrap()
}

#[test]
fn three_deployments_and_what_they_say_of_the_service() {
    let story = async |scene: &Scene| {
        scene.given(TARGET, 5, SHORT).await;
        // One that completes, one that its alarm takes back, one that a person takes back later.
        scene.push('2', Behaviour::default());
        scene.runs(TARGET, ExitState::Completed).await;
        scene.wait(600).await;
        scene.push('3', Behaviour::default());
        let id = scene.started(TARGET).await;
        scene.at_weight(&id, 20).await;
        scene.wait(30).await;
        scene.alarm("web-production-green-error-rate", AlarmValue::Alarm);
        scene.alarm("web-production-blue-error-rate", AlarmValue::Alarm);
        scene.ends(&id, ExitState::RolledBack).await;
        scene.alarm("web-production-green-error-rate", AlarmValue::Ok);
        scene.alarm("web-production-blue-error-rate", AlarmValue::Ok);
        scene.wait(600).await;
        scene.push('4', Behaviour::default());
        let id = scene.started(TARGET).await;
        scene.ends(&id, ExitState::Completed).await;
        let back = scene.stop("olaf", "rollback", &id).await.unwrap();
        scene.ends(&back, ExitState::RolledBack).await;

        let told = measures(scene, "service=web&environment=production&since=7d").await;
        let all = &told.all;
        assert_eq!(all.success, Rate { part: 2, whole: 3 });
        assert_eq!(all.change_failure, Rate { part: 2, whole: 3 });
        assert_eq!(all.rollback, Rate { part: 2, whole: 3 });
        assert_eq!(all.ended.reversed, 1);
        assert_eq!(all.unrecovered, 0);
        let recovery = all.recovery.as_ref().unwrap();
        assert_eq!(recovery.count, 2);
        assert!(recovery.max_seconds < 60.0, "{recovery:?}");
        assert_eq!(all.recovery_target.answer, Answer::NotEnoughData);
        assert_eq!(all.success_target.answer, Answer::Missed);
        let lead = all.lead_time.as_ref().unwrap();
        assert!((400.0..900.0).contains(&lead.median_seconds), "{lead:?}");
        assert_eq!(all.lead_times_from_commit, 0);
        assert_eq!(told.targets.len(), 1);

        assert!(measures(scene, "service=shop").await.targets.is_empty());
        let refused = scene.stage.ask("maria", "GET", "/measures?since=soon", "").await;
        assert!(refused.unwrap_err().starts_with("400: `since`: "));
    };
    play_once(story, |state| {
        let lines: Vec<Value> = state
            .history
            .metrics
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let sum = |name: &str| lines.iter().filter_map(|line| line[name].as_i64()).sum::<i64>();
        assert_eq!(lines.len(), 4, "one line for each end");
        assert_eq!(sum("Deployments"), 3);
        assert_eq!(sum("Reversals"), 1);
        assert_eq!((sum("Completed"), sum("RolledBack")), (2, 2));
        assert_eq!(sum("FailedChanges"), 2);
        assert_eq!(lines[0]["_aws"]["CloudWatchMetrics"][0]["Namespace"], "Tidegate");
    });
}

/// A deployment that was asked for at an instant and completed ten minutes later.
fn completed(number: u32, service: &str, asked: Timestamp) -> (Deployment, Vec<journal::Entry>) {
    let revision = Revision {
        repository: service.to_owned(),
        digest: digest('2').parse().unwrap(),
        tag: None,
        pushed_at: asked,
        spec_hash: SpecHash::of(SHORT.as_bytes()),
        task_definition: None,
    };
    let origin = Origin::Push {
        event_id: format!("event-{number}"),
    };
    let request = Request {
        id: format!("{service}-production-{number}").parse().unwrap(),
        target: format!("{service}/production").parse().unwrap(),
        kind: Kind::Forward,
        epoch: Epoch(number.into()),
        revision: revision.clone(),
        spec: tidegate_core::spec::parse("file", SHORT).unwrap().spec.into(),
        origin: origin.clone(),
        overrides: Vec::new(),
    };
    let mut head = Deployment::new(request, asked);
    let ended = asked + SignedDuration::from_mins(10);
    let exit = Exit {
        state: ExitState::Completed,
        at: ended,
        reason: "done".to_owned(),
        remedy: None,
    };
    let events = vec![
        Event::DeploymentRequested {
            revision,
            origin,
            epoch: head.epoch,
            overrides: Vec::new(),
        },
        Event::Exited { exit },
    ];
    let entries = journal::append(&mut head, events, "test", ended);
    (head, entries)
}

#[test]
fn more_deployments_than_a_page_are_all_counted_and_listed() {
    let story = async |scene: &Scene| {
        scene.given(TARGET, 5, SHORT).await;
        let cloud = &scene.stage.cloud;
        let store = Store::new(aws_sdk_dynamodb::Client::new(&cloud.sdk_config()), TABLE);
        let now = scene.stage.now();
        // Every fifth is of another service of the environment.
        for number in 0..230_u32 {
            let service = if number % 5 == 0 { "shop" } else { "web" };
            let asked = now - SignedDuration::from_mins(60 + i64::from(number) * 30);
            let (head, entries) = completed(number, service, asked);
            store
                .commit(Commit::new().deployment(&head, &entries))
                .await
                .unwrap();
        }
        let told = measures(scene, "since=30d").await;
        assert_eq!(told.all.ended.completed, 230);
        assert_eq!(told.targets.len(), 2);
        assert_eq!(told.all.success_target.answer, Answer::Met);
        assert_eq!(
            measures(scene, "service=shop&since=30d")
                .await
                .all
                .ended
                .completed,
            46
        );
        // Those that ended within the last day: one each half hour since an hour before now.
        assert_eq!(measures(scene, "since=24h").await.all.ended.completed, 47);

        assert_eq!(listed(scene, "environment=production").await, 230);
        assert_eq!(listed(scene, "service=shop").await, 46);
    };
    play_once(story, |_| ());
}

/// How many there are in the list, read 200 at a time until it ends; none comes twice.
async fn listed(scene: &Scene, query: &str) -> usize {
    let mut seen = Vec::new();
    let mut before = String::new();
    loop {
        let path = format!("/deployments?limit=200&{query}{before}");
        let page = scene.stage.ask("maria", "GET", &path, "").await.unwrap();
        let ids: Vec<String> = page
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect();
        let Some(last) = ids.last() else {
            let all = seen.len();
            seen.sort();
            seen.dedup();
            assert_eq!(seen.len(), all, "something was listed twice");
            return all;
        };
        before = format!("&before={last}");
        seen.extend(ids);
    }
}
