//! The demo: a healthy image to production, then a faulty one and back, from the events in `events/`.

pub mod full;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_core::deployment::Deployment;
use tidegate_core::exit::{AbortCause, ExitState};
use tidegate_core::ids::Slot;

use crate::cloud::{CloudError, Options};
use crate::fleet::{Behaviour, WeightChange};
use crate::stage::{Stage, play};

/// The deployment file: the seeds' production file, as it stands.
const FILE: &str = include_str!("../../../.deploy/production-config.yaml");
const HEALTHY: &str = include_str!("../../../events/image-push-healthy.json");
const FAULTY: &str = include_str!("../../../events/image-push-faulty.json");

/// Errors of the faulty image, percent of its requests.
const ERROR_PERCENT: f64 = 5.0;
/// It fails only once it has this share of the traffic.
const ERRORS_FROM_WEIGHT: u8 = 25;
/// Longer than any deployment of this file takes (seconds).
const LIMIT_SECONDS: u64 = 3 * 3600;

/// What the demo showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The healthy image, then the faulty one.
    pub deployments: Vec<Told>,
    /// From CloudWatch's alarm to the last change of the listener rule, milliseconds of virtual time.
    pub alarm_to_traffic_back_ms: Option<i64>,
    /// What did not go as it should.
    pub problems: Vec<String>,
}

/// One deployment's story.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// What it is about.
    pub title: String,
    /// Its id.
    pub deployment: String,
    /// A line for each thing that a manager would want to know.
    pub timeline: Vec<String>,
    /// How it ended.
    pub exit: Option<ExitState>,
    /// Why.
    pub reason: String,
    /// From the push to the end, seconds of virtual time.
    pub seconds: i64,
    /// Weights that the candidate really had, in order.
    pub candidate_weights: Vec<u16>,
    /// State transitions of its executions.
    pub transitions: u64,
}

/// Why the demo could not be played.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The cloud.
    #[error(transparent)]
    Cloud(#[from] CloudError),
    /// The story.
    #[error("the demo stopped: {0}")]
    Stopped(String),
}

/// Plays the demo in virtual time.
///
/// # Errors
/// Where it can't be played to its end. Whether it went as it should is in the report.
pub fn run(seed: u64) -> Result<Report, DemoError> {
    play(&Options::virtual_time(seed), async |stage: Stage| {
        tell(&stage).await
    })
}

async fn tell(stage: &Stage) -> Result<Report, DemoError> {
    stage.golden("web", "production", 10);
    // Some minutes of ordinary traffic first.
    stage.wait(300).await;
    stage
        .apply("web/production", FILE)
        .await
        .map_err(DemoError::Stopped)?;
    let healthy = one(stage, "A healthy image", HEALTHY, Behaviour::default()).await?;
    stage.wait(600).await;
    let faulty_behaviour = Behaviour::failing(ERROR_PERCENT, ERRORS_FROM_WEIGHT);
    let title = format!("An image whose errors start at {ERRORS_FROM_WEIGHT} % of the traffic");
    let faulty = one(stage, &title, FAULTY, faulty_behaviour).await?;
    let back = traffic_back(stage, &faulty.1);
    let problems = problems(&healthy.0, &faulty, back);
    Ok(Report {
        deployments: vec![healthy.0, faulty.0],
        alarm_to_traffic_back_ms: back.map(|time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX)),
        problems,
    })
}

/// Pushes the image of an event, delivers the event as EventBridge would, and waits for the end.
async fn one(
    stage: &Stage,
    title: &str,
    event: &str,
    behaviour: Behaviour,
) -> Result<(Told, Deployment), DemoError> {
    let event: Value = serde_json::from_str(event).map_err(|error| DemoError::Stopped(error.to_string()))?;
    let detail = |name: &str| event["detail"][name].as_str().unwrap_or_default().to_owned();
    let (repository, tag, digest) = (
        detail("repository-name"),
        detail("image-tag"),
        detail("image-digest"),
    );
    let start = stage.now();
    let latency = crate::cloud::Latency::TYPICAL.event;
    stage.cloud.with(|state| {
        state
            .fleet
            .store_image(&repository, &tag, Some(&digest), behaviour);
        state.deliver_event("ECR Image Action", "on-image-push", event.clone(), latency, start);
    });
    let id = stage
        .until_running("web/production")
        .await
        .ok_or_else(|| DemoError::Stopped(format!("the push of {repository}:{tag} started no deployment")))?;
    let ended = stage.until_exit(&id, LIMIT_SECONDS).await;
    let ended = ended.ok_or_else(|| DemoError::Stopped(format!("deployment {id} is gone")))?;
    let told = told_of(stage, format!("{title}: {repository}:{tag}"), &ended, start).await;
    Ok((told, ended))
}

/// The story of a deployment that began at `start`.
async fn told_of(stage: &Stage, title: String, ended: &Deployment, start: Timestamp) -> Told {
    let exit = ended.exit.clone();
    Told {
        title,
        deployment: ended.id.to_string(),
        timeline: stage.timeline(&ended.id).await,
        seconds: exit
            .as_ref()
            .map_or(0, |exit| exit.at.duration_since(start).as_secs()),
        reason: exit.as_ref().map_or_else(String::new, |exit| exit.reason.clone()),
        exit: exit.map(|exit| exit.state),
        candidate_weights: weights_since(stage, ended, start),
        transitions: stage.cloud.with(|state| state.engine.transitions_since(start)),
    }
}

/// What the listener rule really gave the candidate.
fn weights_since(stage: &Stage, deployment: &Deployment, since: Timestamp) -> Vec<u16> {
    let Some(candidate) = deployment.plan.as_ref().map(|plan| plan.candidate) else {
        return Vec::new();
    };
    stage.cloud.with(|state| {
        let changes = state.fleet.weights_log.iter().filter(|change| change.at >= since);
        let weight = |change: &WeightChange| match candidate {
            Slot::Blue => change.blue,
            Slot::Green => change.green,
        };
        changes.map(weight).collect()
    })
}

/// From the alarm's own time to the change that took the candidate's weight away.
fn traffic_back(stage: &Stage, deployment: &Deployment) -> Option<SignedDuration> {
    let abort = deployment.abort.as_ref()?;
    let AbortCause::AlarmRaised {
        raised_at: Some(raised_at),
        ..
    } = &abort.cause
    else {
        return None;
    };
    let last = stage
        .cloud
        .with(|state| state.fleet.weights_log.last().map(|change| change.at))?;
    Some(last.duration_since(*raised_at))
}

fn problems(healthy: &Told, faulty: &(Told, Deployment), back: Option<SignedDuration>) -> Vec<String> {
    let mut problems = Vec::new();
    let mut expect = |holds: bool, what: &str| {
        if !holds {
            problems.push(what.to_owned());
        }
    };
    expect(
        healthy.exit == Some(ExitState::Completed),
        "the healthy image was not completed",
    );
    expect(
        healthy.candidate_weights == [5, 25, 50, 100],
        "the healthy image did not go through 5/25/50/100",
    );
    expect(
        faulty.0.exit == Some(ExitState::RolledBack),
        "the faulty image was not rolled back",
    );
    expect(
        faulty.0.candidate_weights == [5, 25, 0],
        "the faulty image's weights were not 5/25/0",
    );
    expect(back.is_some(), "no alarm took the faulty image back");
    problems
}
