//! Every strategy on the local cloud: what a deployment costs, and how fast an alarm takes it back.

use std::time::Instant;

use serde::Serialize;
use tidegate_core::ids::DeploymentId;
use tidegate_local::cloud::CloudError;
use tidegate_local::endpoints::Service;
use tidegate_local::fleet::{AlarmValue, Behaviour, GoldenSpec};
use tidegate_local::stage::{FIRST_DIGEST, Stage, play};
use tidegate_local::{Options, demo};

/// Longer than any deployment takes (seconds).
const LIMIT_SECONDS: u64 = 3 * 3600;

/// The image that is deployed.
const DIGEST: &str = "sha256:2222222222222222222222222222222222222222222222222222222222222222";

/// What one deployment took.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Played {
    /// Strategy.
    pub name: &'static str,
    /// State transitions of all its executions.
    pub transitions: u64,
    /// Runs of functions, sweeps left out.
    pub runs: usize,
    /// Calls of those functions to AWS.
    pub calls: usize,
    /// Items written to DynamoDB: transactions and puts.
    pub writes: usize,
    /// From the alarm to the last change of the listener rule, virtual milliseconds.
    pub alarm_to_back_ms: Option<i64>,
    /// Functions that ran between the two.
    pub runs_on_the_way: Option<usize>,
}

struct Strategy {
    name: &'static str,
    file: &'static str,
    slots: bool,
    /// Whether an alarm can be raised in the middle of it: it has a bake.
    bakes: bool,
}

const STRATEGIES: [Strategy; 5] = [
    Strategy {
        name: "canary (seeds' production file, 5/25/50/100)",
        file: include_str!("../../../.deploy/production-config.yaml"),
        slots: true,
        bakes: true,
    },
    Strategy {
        name: "linear (25 % every 5 min)",
        file: "environment: production\nstrategy: linear\nreplicas: 4\nlinear:\n  increment: 25\n  pause: 5m\n",
        slots: true,
        bakes: true,
    },
    Strategy {
        name: "bluegreen (5 min test, 5 min watch)",
        file: "environment: production\nstrategy: bluegreen\nreplicas: 4\ntrafficSwitch:\n  testDuration: 5m\n",
        slots: true,
        bakes: true,
    },
    Strategy {
        name: "rolling",
        file: "environment: production\nstrategy: rolling\nreplicas: 4\n",
        slots: false,
        bakes: false,
    },
    Strategy {
        name: "recreate",
        file: "environment: production\nstrategy: recreate\nreplicas: 1\n",
        slots: false,
        bakes: false,
    },
];

/// Plays every strategy once to its end, and once more with an alarm in its first bake.
pub fn play_all() -> Vec<Played> {
    let one = |strategy: &Strategy| {
        let mut played = play(&options(), async |stage: Stage| measure(&stage, strategy).await).ok()?;
        if strategy.bakes {
            let back = play(&options(), async |stage: Stage| {
                Ok::<_, CloudError>(raise(&stage, strategy).await)
            });
            let back = back.ok().flatten();
            played.alarm_to_back_ms = back.map(|(ms, _)| ms);
            played.runs_on_the_way = back.map(|(_, runs)| runs);
        }
        Some(played)
    };
    STRATEGIES.iter().filter_map(one).collect()
}

fn options() -> Options {
    Options::virtual_time(1)
}

async fn begin(stage: &Stage, strategy: &Strategy) -> Option<DeploymentId> {
    stage.service(&GoldenSpec {
        service: "web",
        environment: "production",
        replicas: 4,
        repository: "web",
        image_digest: Some(FIRST_DIGEST),
        with_load_balancer: true,
        slots: strategy.slots,
    });
    stage.wait(300).await;
    stage.apply("web/production", strategy.file).await.ok()?;
    stage.cloud.with(|state| {
        state.calls.clear();
        state.runs.clear();
    });
    stage.push("web", "v2", DIGEST, Behaviour::default());
    stage.until_running("web/production").await
}

async fn measure(stage: &Stage, strategy: &Strategy) -> Result<Played, CloudError> {
    let start = stage.now();
    if let Some(id) = begin(stage, strategy).await {
        stage.until_exit(&id, LIMIT_SECONDS).await;
    }
    Ok(stage.cloud.with(|state| {
        let ours = |caller: &str| caller != "outside" && caller != "sweep" && caller != "api";
        let calls: Vec<_> = state.calls.iter().filter(|call| ours(call.caller)).collect();
        let writes = calls.iter().filter(|call| {
            call.service == Service::DynamoDb
                && matches!(call.operation.as_str(), "TransactWriteItems" | "PutItem")
        });
        Played {
            name: strategy.name,
            transitions: state.engine.transitions_since(start),
            runs: state.runs.iter().filter(|run| ours(run.function)).count(),
            calls: calls.len(),
            writes: writes.count(),
            alarm_to_back_ms: None,
            runs_on_the_way: None,
        }
    }))
}

/// Raises an alarm two minutes into the first bake.
async fn raise(stage: &Stage, strategy: &Strategy) -> Option<(i64, usize)> {
    let id = begin(stage, strategy).await?;
    let has_weight = async |stage: &Stage| {
        stage
            .deployment(&id)
            .await
            .is_some_and(|deployment| deployment.shift.weight.percent() > 0)
    };
    stage.until(3600, has_weight).await;
    stage.wait(120).await;
    let candidate = stage.deployment(&id).await?.plan?.candidate;
    let alarm = format!("web-production-{candidate}-error-rate");
    let raised = stage.now();
    stage.cloud.with(|state| {
        state.runs.clear();
        state
            .fleet
            .set_alarm_state(&alarm, AlarmValue::Alarm, "raised by the benchmark");
    });
    stage.until_exit(&id, LIMIT_SECONDS).await;
    stage.cloud.with(|state| {
        let back = state.fleet.weights_log.last()?.at;
        let on_the_way =
            |run: &&tidegate_local::cloud::Ran| run.at <= back && !matches!(run.function, "notify" | "sweep");
        let runs = state.runs.iter().filter(on_the_way).count();
        Some((i64::try_from(back.duration_since(raised).as_millis()).ok()?, runs))
    })
}

/// Deployments a second of the demo path: two in each demo.
pub fn rate(deployments: u32) -> f64 {
    let demos = deployments.div_ceil(2).max(1);
    let began = now();
    let played = (0..demos)
        .filter(|seed| demo::run(u64::from(*seed)).is_ok())
        .count();
    let seconds = now().duration_since(began).as_secs_f64();
    if seconds > 0.0 {
        2.0 * played as f64 / seconds
    } else {
        0.0
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Instant {
    Instant::now()
}
