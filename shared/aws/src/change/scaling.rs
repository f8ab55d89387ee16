//! Autoscaling that is suspended for the time of a deployment. Only `SuspendedState` is written: the
//! least and most numbers of tasks stay whoever's they are.

use aws_sdk_applicationautoscaling::Client;
use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace, SuspendedState};
use tidegate_core::change::{Before, Change, Progress, Seen, Suspended};
use tidegate_core::deployment::{Deployment, Plan};

use crate::error::AwsError;

/// What is suspended of an ECS service's autoscaling now.
///
/// # Errors
/// Where AWS can't be asked.
pub async fn observe(
    client: &Client,
    deployment: &Deployment,
    change: &Change,
    service: &str,
) -> Result<Seen, AwsError> {
    let plan = super::plan(deployment, change)?;
    let found = read(client, plan, service).await?;
    let before = deployment.before_of(&change.id);
    Ok(seen(found, before))
}

/// What is there now against what was there before, as recorded.
fn seen(found: Option<Scalable>, before: Option<&Before>) -> Seen {
    let Some(found) = found else {
        return Seen {
            before: Some(Before::Absent),
            made: Progress::done("none is registered"),
            undone: Progress::done("none is registered"),
        };
    };
    let bounds = format!("{} to {} tasks", found.min, found.max);
    let made = match (found.suspended, before) {
        // It was registered meanwhile, by somebody who wants it so.
        (_, Some(Before::Absent)) => Progress::done("none was registered"),
        (Suspended::ALL, _) => Progress::done(format!("suspended ({bounds})")),
        (_, _) => Progress::NotBegun,
    };
    let undone = match before {
        Some(Before::Scaling { suspended, .. }) if *suspended == found.suspended => {
            Progress::done(format!("as it was before ({bounds})"))
        }
        Some(Before::Absent) => Progress::done("none was registered"),
        Some(
            Before::Scaling { .. }
            | Before::Index { .. }
            | Before::Stack { .. }
            | Before::TerraformState
            | Before::Parameter { .. }
            | Before::Flags { .. }
            | Before::Monitored { .. },
        )
        | None => Progress::NotBegun,
    };
    Seen {
        before: Some(Before::Scaling {
            suspended: found.suspended,
            min: found.min,
            max: found.max,
        }),
        made,
        undone,
    }
}

/// Suspends it all.
///
/// # Errors
/// Where AWS refuses or can't be asked.
pub async fn make(
    client: &Client,
    deployment: &Deployment,
    change: &Change,
    service: &str,
    before: Option<&Before>,
) -> Result<(), AwsError> {
    write(client, deployment, change, service, before, |_| Suspended::ALL).await
}

/// Puts back exactly what was there.
///
/// # Errors
/// Where AWS refuses or can't be asked.
pub async fn undo(
    client: &Client,
    deployment: &Deployment,
    change: &Change,
    service: &str,
    before: Option<&Before>,
) -> Result<(), AwsError> {
    write(client, deployment, change, service, before, |was| was).await
}

async fn write(
    client: &Client,
    deployment: &Deployment,
    change: &Change,
    service: &str,
    before: Option<&Before>,
    to: impl Fn(Suspended) -> Suspended,
) -> Result<(), AwsError> {
    let plan = super::plan(deployment, change)?;
    // Without a record of what was there nothing could be put back.
    let Some(Before::Scaling { suspended, .. }) = before else {
        return Ok(());
    };
    let to = to(*suspended);
    let state = SuspendedState::builder()
        .dynamic_scaling_in_suspended(to.scale_in)
        .dynamic_scaling_out_suspended(to.scale_out)
        .scheduled_scaling_suspended(to.scheduled)
        .build();
    client
        .register_scalable_target()
        .service_namespace(ServiceNamespace::Ecs)
        .resource_id(resource(plan, service))
        .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
        .suspended_state(state)
        .send()
        .await
        .map_err(|error| {
            let what = format!(
                "failed to set autoscaling of service {service} in cluster {}",
                plan.wiring.cluster
            );
            AwsError::sdk(what, error)
        })?;
    Ok(())
}

/// A scalable target.
#[derive(Debug, Clone, Copy)]
struct Scalable {
    suspended: Suspended,
    min: i32,
    max: i32,
}

async fn read(client: &Client, plan: &Plan, service: &str) -> Result<Option<Scalable>, AwsError> {
    let answer = client
        .describe_scalable_targets()
        .service_namespace(ServiceNamespace::Ecs)
        .resource_ids(resource(plan, service))
        .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
        .send()
        .await
        .map_err(|error| {
            let what = format!(
                "failed to read autoscaling of service {service} in cluster {}",
                plan.wiring.cluster
            );
            AwsError::sdk(what, error)
        })?;
    Ok(answer.scalable_targets().first().map(|target| {
        let state = target.suspended_state();
        let is = |part: fn(&SuspendedState) -> Option<bool>| state.and_then(part) == Some(true);
        Scalable {
            suspended: Suspended {
                scale_in: is(SuspendedState::dynamic_scaling_in_suspended),
                scale_out: is(SuspendedState::dynamic_scaling_out_suspended),
                scheduled: is(SuspendedState::scheduled_scaling_suspended),
            },
            min: target.min_capacity(),
            max: target.max_capacity(),
        }
    }))
}

/// The most tasks that autoscaling may make of an ECS service; nothing where none is registered.
///
/// # Errors
/// Where AWS can't be asked.
pub(crate) async fn most_tasks(client: &Client, plan: &Plan, service: &str) -> Result<Option<u32>, AwsError> {
    let found = read(client, plan, service).await?;
    Ok(found.and_then(|found| u32::try_from(found.max).ok()))
}

fn resource(plan: &Plan, service: &str) -> String {
    format!("service/{}/{service}", plan.wiring.cluster)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUT_ONLY: Suspended = Suspended {
        scale_in: false,
        scale_out: true,
        scheduled: false,
    };

    fn scalable(suspended: Suspended) -> Option<Scalable> {
        Some(Scalable {
            suspended,
            min: 2,
            max: 8,
        })
    }

    fn is_done(progress: &Progress) -> bool {
        matches!(progress, Progress::Done { .. })
    }

    #[test]
    fn autoscaling_is_suspended_once_all_of_it_is_and_back_once_it_is_as_it_was() {
        let first = seen(scalable(OUT_ONLY), None);
        assert_eq!(first.made, Progress::NotBegun);
        assert_eq!(first.undone, Progress::NotBegun);
        let before = first.before;
        let held = seen(scalable(Suspended::ALL), before.as_ref());
        assert!(is_done(&held.made));
        assert_eq!(held.undone, Progress::NotBegun);
        assert!(is_done(&seen(scalable(OUT_ONLY), before.as_ref()).undone));
    }

    #[test]
    fn where_none_is_registered_there_is_nothing_to_do_even_if_one_is_later() {
        let none = seen(None, None);
        assert_eq!(none.before, Some(Before::Absent));
        assert!(is_done(&none.made) && is_done(&none.undone));
        let later = seen(scalable(OUT_ONLY), none.before.as_ref());
        assert!(is_done(&later.made) && is_done(&later.undone));
    }
}
