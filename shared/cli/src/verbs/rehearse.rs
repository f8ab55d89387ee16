//! `tidegate rehearse`.

use api::model::{DeployRequest, StopRequest};
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use tidegate_core::deployment::Deployment;
use tidegate_core::ids::{DeploymentId, EnvironmentName, Target};
use tidegate_core::target::{StableRecord, TargetState};

use crate::api::Api;
use crate::context::Context;
use crate::image;
use crate::output::note;
use crate::render::words::{duration, seconds_between};
use crate::status::{CliError, Status};
use crate::watch;

/// What is written into the journals.
const REASON: &str = "rehearsal of the rollback";

/// Where to rehearse, and with what.
#[derive(Debug, Args)]
pub struct RehearseArgs {
    /// Where: SERVICE/ENVIRONMENT, a test environment.
    #[arg(value_name = "TARGET")]
    pub target: Target,
    /// A tag or digest to deploy first; without it, or where it serves already, what serves now is taken back and
    /// deployed again.
    #[arg(value_name = "IMAGE")]
    pub image: Option<String>,
}

/// A deployment of the rehearsal that came out as it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Leg {
    deployment: DeploymentId,
    /// From the wish to its end.
    seconds: i64,
    /// From the wish to all traffic on what was stable, of one that takes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    safe_after_seconds: Option<i64>,
}

impl Leg {
    fn of(deployment: &Deployment) -> Self {
        let since = |at: Timestamp| seconds_between(deployment.requested_at, at);
        let back = deployment.rollback.as_ref();
        Self {
            deployment: deployment.id.clone(),
            seconds: deployment.exit.as_ref().map_or(0, |exit| since(exit.at)),
            safe_after_seconds: back.and_then(|one| one.traffic_back_at).map(since),
        }
    }
}

/// What was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Rehearsal {
    target: Target,
    /// Nothing where it served already.
    #[serde(skip_serializing_if = "Option::is_none")]
    deployed: Option<Leg>,
    back: Leg,
    again: Leg,
}

/// Deploys, takes it back, and deploys again.
///
/// # Errors
/// A production environment, nothing that could be taken back, a step that Tidegate refuses, or
/// Tidegate can't be asked.
pub async fn run(args: RehearseArgs, cx: &Context) -> Result<Status, CliError> {
    let target = &args.target;
    if is_production(&target.environment) {
        return Err(CliError::Usage(format!(
            "{target} is production, and a rehearsal takes what serves back on purpose; rehearse in a test \
             environment that has the same deployment file, such as {}/staging",
            target.service
        )));
    }
    let api = cx.api().await?;
    let state = api.target(target).await?;
    let deployed = match &args.image {
        None => None,
        Some(given) => {
            let image = image::within(given, target, image::repository_of(&state))?;
            match serves(&api, &state, image).await? {
                true => None,
                false => Some(deploy(cx, &api, target, image, &[], "1 of 3: deploy").await?),
            }
        }
    };
    let stable = match (&deployed, &state.stable) {
        (Some(deployment), _) => deployment.id.clone(),
        (None, Some(stable)) => stable.deployment.clone(),
        (None, None) => {
            return Err(CliError::Refused(format!(
                "Tidegate has deployed nothing to {target} yet, so there is nothing to take back; name an image: \
                 `tidegate rehearse {target} IMAGE`"
            )));
        }
    };
    let first = api.deployment(&stable).await?;
    let digest = first.revision.digest.to_string();
    let reason = REASON.to_owned();
    let answer = api.rollback(&stable, &StopRequest { reason }).await?;
    let back = step(cx, &api, &answer.deployment, "2 of 3: take it back").await?;
    let overrides = ["quarantine".to_owned()];
    let again = deploy(cx, &api, target, &digest, &overrides, "3 of 3: deploy it again").await?;
    let rehearsal = Rehearsal {
        target: target.clone(),
        deployed: deployed.as_ref().map(Leg::of),
        back: Leg::of(&back),
        again: Leg::of(&again),
    };
    cx.out.show(&rehearsal, || words(&rehearsal))?;
    Ok(Status::Ok)
}

/// Whether an image serves already, and can be taken back at once. Deployed beside itself, it would be taken back
/// to itself, which shows nothing.
async fn serves(api: &Api, state: &TargetState, image: &str) -> Result<bool, CliError> {
    let Some(stable) = &state.stable else {
        return Ok(false);
    };
    let tag = api.deployment(&stable.deployment).await?.revision.tag;
    can_go_back(&state.target, stable, tag.as_deref(), image, api.now())
}

/// The same, of what serves under a tag.
fn can_go_back(
    target: &Target,
    stable: &StableRecord,
    tag: Option<&str>,
    image: &str,
    now: Timestamp,
) -> Result<bool, CliError> {
    if stable.digest.as_str() != image && tag != Some(image) {
        return Ok(false);
    }
    if now < stable.warm_until {
        return Ok(true);
    }
    Err(CliError::Refused(format!(
        "{image} serves {target} already, and what served before it is gone since {:.0}, so there is nothing to go \
         back to; deploy another image there, and rehearse then: `tidegate deploy {target} IMAGE`",
        stable.warm_until
    )))
}

/// By its name: there is no other sign of it that every team has.
fn is_production(environment: &EnvironmentName) -> bool {
    let name = environment.as_str();
    name.split('-')
        .any(|part| matches!(part, "production" | "prod" | "live"))
}

async fn deploy(
    cx: &Context,
    api: &Api,
    target: &Target,
    image: &str,
    overrides: &[String],
    what: &str,
) -> Result<Deployment, CliError> {
    let request = DeployRequest {
        target: target.clone(),
        image: image.to_owned(),
        overrides: overrides.to_vec(),
        hotfix: false,
        reason: REASON.to_owned(),
    };
    let answer = api.deploy(&request).await?;
    let Some(id) = &answer.deployment else {
        return Err(CliError::Refused(format!(
            "{target} is busy, and the image waits now; rehearse when nothing runs there: `tidegate get {target}`"
        )));
    };
    step(cx, api, id, what).await
}

/// Follows one step to its end; the rehearsal ends with one that does not come out well.
async fn step(cx: &Context, api: &Api, id: &DeploymentId, what: &str) -> Result<Deployment, CliError> {
    note(&format!("{what}: {id}"));
    let status = match cx.wants_json() {
        // Only the result is for a program.
        true => watch::until_end(cx, api, id).await,
        false => watch::follow(cx, api, id).await,
    };
    let status = status.inspect_err(|error| {
        if matches!(error, CliError::Interrupted) {
            note(&format!(
                "the rehearsal ends here; {id} goes on: `tidegate get {id} --watch`"
            ));
        }
    })?;
    let deployment = api.deployment(id).await?;
    if status == Status::Ok {
        return Ok(deployment);
    }
    let exit = deployment.exit.as_ref();
    let how = exit.map_or_else(String::new, |exit| {
        format!("{}: {}", exit.state.as_str(), exit.reason)
    });
    Err(CliError::Failed(format!(
        "the rehearsal failed at step {what}: {how}; `tidegate history {id}` tells more"
    )))
}

fn words(rehearsal: &Rehearsal) -> String {
    let Rehearsal {
        target, back, again, ..
    } = rehearsal;
    let safe = back.safe_after_seconds.unwrap_or(back.seconds);
    let mut lines = vec![format!("the rollback of {target} was rehearsed")];
    if let Some(leg) = &rehearsal.deployed {
        lines.push(format!(
            "  deployed    {} in {}",
            leg.deployment,
            duration(leg.seconds)
        ));
    }
    lines.push(format!(
        "  taken back  {}: all traffic on what served before after {}, over after {}",
        back.deployment,
        duration(safe),
        duration(back.seconds)
    ));
    lines.push(format!(
        "  again       {} in {}",
        again.deployment,
        duration(again.seconds)
    ));
    lines.join("\n")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn production_is_known_by_its_name() {
        for (name, is) in [
            ("production", true),
            ("prod-eu", true),
            ("eu-live", true),
            ("staging", false),
            ("product-tests", false),
        ] {
            assert_eq!(is_production(&name.parse().unwrap()), is, "{name}");
        }
    }

    #[test]
    fn what_serves_is_taken_back_and_not_deployed_beside_itself() {
        let digest = format!("sha256:{}", "2".repeat(64));
        let stable: StableRecord = serde_json::from_value(serde_json::json!({
            "deployment": "web-staging-4", "slot": "green", "digest": digest,
            "warmUntil": "2026-03-02T10:00:00Z", "otherScaledIn": false,
        }))
        .unwrap();
        let target: Target = "web/staging".parse().unwrap();
        let asked =
            |image: &str, now: &str| can_go_back(&target, &stable, Some("v2"), image, now.parse().unwrap());
        let (warm, cold) = ("2026-03-02T09:59:59Z", "2026-03-02T10:00:00Z");
        for image in ["v2", digest.as_str()] {
            assert!(matches!(asked(image, warm), Ok(true)));
            let refused = asked(image, cold).unwrap_err().to_string();
            assert!(refused.contains("deploy another image there"), "{refused}");
        }
        assert!(matches!(asked("v3", cold), Ok(false)));
    }

    #[test]
    fn what_was_shown_is_told_with_its_times() {
        let leg = |id: &str, seconds, safe_after_seconds| Leg {
            deployment: id.parse().unwrap(),
            seconds,
            safe_after_seconds,
        };
        let rehearsal = Rehearsal {
            target: "web/staging".parse().unwrap(),
            deployed: None,
            back: leg("web-staging-2-abcdefab", 80, Some(4)),
            again: leg("web-staging-3-abcdefab", 720, None),
        };
        let text = words(&rehearsal);
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.contains("after 4s, over after 1m 20s"), "{text}");
        let with = Rehearsal {
            deployed: Some(leg("web-staging-1-abcdefab", 600, None)),
            ..rehearsal
        };
        assert!(words(&with).contains("deployed    web-staging-1-abcdefab in 10m"));
    }
}
