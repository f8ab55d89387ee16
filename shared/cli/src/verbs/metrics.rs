//! `tidegate metrics`.

use clap::Args;
use tidegate_core::ids::{EnvironmentName, Target};
use tidegate_core::measures::Since;

use crate::api::Scope;
use crate::context::Context;
use crate::render;
use crate::status::{CliError, Status};

/// Of what, and how far back.
#[derive(Debug, Args)]
pub struct MetricsArgs {
    /// One target, SERVICE/ENVIRONMENT. Without it, all of them, each for itself and together.
    #[arg(value_name = "TARGET", conflicts_with = "environment")]
    pub target: Option<Target>,
    /// All targets of this environment.
    #[arg(long, value_name = "NAME")]
    pub environment: Option<EnvironmentName>,
    /// Deployments that ended since then: a span such as 24h, 30d or 12w, or an instant such as
    /// 2026-11-20T09:00:00Z.
    #[arg(long, value_name = "WHEN", default_value_t)]
    pub since: Since,
    /// Exit with 1 where a target is missed. Too little data is no miss.
    #[arg(long)]
    pub fail_on_missed: bool,
}

/// Asks and shows.
///
/// # Errors
/// Tidegate can't be asked.
pub async fn run(args: MetricsArgs, cx: &Context) -> Result<Status, CliError> {
    let (service, environment) = match args.target {
        Some(target) => (Some(target.service), Some(target.environment)),
        None => (None, args.environment),
    };
    let scope = Scope {
        service,
        environment,
        since: args.since,
    };
    let measures = cx.api().await?.measures(&scope).await?;
    cx.out.show(&measures, || {
        render::measures(&measures, cx.out.columns(), cx.out.paint)
    })?;
    Ok(if args.fail_on_missed && render::any_missed(&measures) {
        Status::Failed
    } else {
        Status::Ok
    })
}
