//! `tidegate get`.

use clap::Args;
use tidegate_core::deployment::Deployment;
use tidegate_core::ids::{DeploymentId, EnvironmentName, ServiceName};

use crate::api::{Api, Filter, MAX_LIMIT};
use crate::context::Context;
use crate::output::note;
use crate::reference::{self, Reference};
use crate::render;
use crate::status::{CliError, Status};
use crate::watch;

/// Which deployments.
#[derive(Debug, Args)]
pub struct GetArgs {
    /// One in detail: an id, the beginning of one, or SERVICE/ENVIRONMENT for the running or newest
    /// one there. Without it, a list.
    #[arg(value_name = "DEPLOYMENT", conflicts_with_all = ["environment", "service", "limit", "before"])]
    pub deployment: Option<Reference>,
    /// List those in this environment.
    #[arg(long, value_name = "NAME")]
    pub environment: Option<EnvironmentName>,
    /// List those of this service.
    #[arg(long, value_name = "NAME")]
    pub service: Option<ServiceName>,
    /// List this many, the newest first.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_LIMIT)))]
    pub limit: u32,
    /// List those that were asked for before this deployment: the next page of a long list.
    #[arg(long, value_name = "ID")]
    pub before: Option<DeploymentId>,
    /// Follow it until it ends; then the exit code says whether it came out well. Without a
    /// DEPLOYMENT, follow what runs, or wait for what comes next.
    #[arg(long)]
    pub watch: bool,
}

/// Lists, shows or follows.
///
/// # Errors
/// No such deployment, or Tidegate can't be asked.
pub async fn run(args: GetArgs, cx: &Context) -> Result<Status, CliError> {
    let api = cx.api().await?;
    match (&args.deployment, args.watch) {
        (Some(reference), true) => {
            let id = reference::find(&api, reference).await?.id;
            watch::follow(cx, &api, &id).await
        }
        (Some(reference), false) => show(cx, &api, reference).await,
        (None, true) => {
            let id = watch::interruptible(next(&api, &filter(&args))).await?;
            watch::follow(cx, &api, &id).await
        }
        (None, false) => {
            let deployments = api.deployments(&filter(&args)).await?;
            cx.out.show(&deployments, || {
                render::list(&deployments, api.now(), cx.out.paint)
            })?;
            Ok(Status::Ok)
        }
    }
}

fn filter(args: &GetArgs) -> Filter {
    Filter {
        service: args.service.clone(),
        environment: args.environment.clone(),
        limit: args.limit,
        before: args.before.clone(),
    }
}

async fn show(cx: &Context, api: &Api, reference: &Reference) -> Result<Status, CliError> {
    let deployment = reference::find(api, reference).await?;
    let notes = match reference {
        Reference::Target(target) if !cx.wants_json() => render::notes(&api.target(target).await?),
        Reference::Target(_) | Reference::Id(_) => Vec::new(),
    };
    cx.out.show(&deployment, || {
        let mut text = render::deployment(&deployment, api.now(), cx.out.paint);
        for line in notes {
            text = format!("{text}\n{line}");
        }
        text
    })?;
    Ok(Status::Ok)
}

/// What runs now, the newest first; else what is asked for from now on.
async fn next(api: &Api, filter: &Filter) -> Result<DeploymentId, CliError> {
    let before = api.deployments(filter).await?;
    if let Some(running) = before.iter().find(|one| one.active()) {
        return Ok(running.id.clone());
    }
    note("nothing runs; waiting for the next deployment (Ctrl-C to leave)");
    loop {
        watch::pause().await;
        let now = api.deployments(filter).await?;
        let is_new = |one: &&Deployment| before.iter().all(|old| old.id != one.id);
        if let Some(new) = now.iter().find(is_new) {
            return Ok(new.id.clone());
        }
    }
}
