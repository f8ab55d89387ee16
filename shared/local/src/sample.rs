//! What `tidegate up` puts on a fresh local cloud, so that there is something to push to.

use crate::cloud::Cloud;
use crate::fleet::GoldenSpec;
use crate::stage::{FIRST_DIGEST, ask};

/// A target with its deployment file.
struct Sample {
    environment: &'static str,
    file: &'static str,
    replicas: u32,
    slots: bool,
}

/// The seeds' three environments of one service.
const SAMPLES: [Sample; 3] = [
    Sample {
        environment: "development",
        file: include_str!("../../../.deploy/dev-config.yaml"),
        replicas: 1,
        slots: false,
    },
    Sample {
        environment: "staging",
        file: include_str!("../../../.deploy/staging-config.yaml"),
        replicas: 2,
        slots: true,
    },
    Sample {
        environment: "production",
        file: include_str!("../../../.deploy/production-config.yaml"),
        replicas: 10,
        slots: true,
    },
];

/// Puts service `web` in three environments on the cloud, unless something is there already.
///
/// # Errors
/// What the `api` function says.
pub async fn put(cloud: &Cloud) -> Result<bool, String> {
    if cloud.with(|state| state.fleet.ecs_services().next().is_some()) {
        return Ok(false);
    }
    for sample in &SAMPLES {
        cloud.with(|state| {
            state.fleet.create_golden_service(&GoldenSpec {
                service: "web",
                environment: sample.environment,
                replicas: sample.replicas,
                repository: "web",
                image_digest: Some(FIRST_DIGEST),
                with_load_balancer: true,
                slots: sample.slots,
            });
        });
        let file = trigger(sample);
        let path = format!("/targets/web/{}/spec", sample.environment);
        let (status, body) = ask(cloud, "tidegate-up", "PUT", &path, &file)
            .await
            .map_err(|failure| failure.error_message)?;
        if status != 200 {
            return Err(format!("{}: {body}", sample.environment));
        }
    }
    for suite in ["integration", "smoke", "load"] {
        crate::stage::Stage::on(cloud.clone()).suite("web", "staging", suite);
    }
    Ok(true)
}

/// One push shall not go everywhere at once: each environment takes its own tags, as the seeds'
/// pipelines name them.
fn trigger(sample: &Sample) -> String {
    let tags = match sample.environment {
        "development" => "dev-*",
        "staging" => "staging-*",
        _ => "v*",
    };
    format!("{}\ntrigger:\n  tags: [\"{tags}\"]\n", sample.file.trim_end())
}
