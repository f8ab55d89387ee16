//! `tidegate deploy`.

use api::model::{DeployAnswer, DeployRequest};
use clap::Args;
use tidegate_core::ids::Target;

use crate::context::Context;
use crate::image;
use crate::output::note;
use crate::status::{CliError, Status};
use crate::watch;

/// What to deploy, and where.
#[derive(Debug, Args)]
pub struct DeployArgs {
    /// Where: SERVICE/ENVIRONMENT.
    #[arg(value_name = "TARGET")]
    pub target: Target,
    /// A tag or digest in the target's repository, such as `v2`, `web:v2` or `sha256:...`.
    #[arg(value_name = "IMAGE")]
    pub image: String,
    /// A requirement to set aside: `alarm:NAME`, `contract`, `index-quota`, `quarantine`, `stable-image`
    /// or `stable-task-definition`. May be repeated.
    #[arg(long = "override", value_name = "WHAT", requires = "reason")]
    pub overrides: Vec<String>,
    /// It is urgent: leave out what the file's `hotfix` section allows, with the approvals that it asks
    /// for instead.
    #[arg(long, requires = "reason")]
    pub hotfix: bool,
    /// Why; it goes into the journal, and an override or a hotfix needs it.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Follow it until it ends; then the exit code says whether it completed.
    #[arg(long)]
    pub watch: bool,
}

/// Deploys.
///
/// # Errors
/// No such target or image, refused, or Tidegate can't be asked.
pub async fn run(args: DeployArgs, cx: &Context) -> Result<Status, CliError> {
    let api = cx.api().await?;
    let state = api.target(&args.target).await?;
    let image = image::within(&args.image, &args.target, image::repository_of(&state))?.to_owned();
    let request = DeployRequest {
        target: args.target.clone(),
        image,
        overrides: args.overrides,
        hotfix: args.hotfix,
        reason: args.reason.unwrap_or_default(),
    };
    let answer = api.deploy(&request).await?;
    if !args.watch {
        cx.out.show(&answer, || words(&args.target, &answer))?;
        return Ok(Status::Ok);
    }
    note(&words(&args.target, &answer));
    match &answer.deployment {
        Some(id) => watch::follow(cx, &api, id).await,
        None => Ok(Status::Ok),
    }
}

fn words(target: &Target, answer: &DeployAnswer) -> String {
    match (&answer.deployment, &answer.behind) {
        (Some(id), _) => format!(
            "{}: {id}\nfollow it with `tidegate get {id} --watch`",
            answer.outcome
        ),
        (None, Some(behind)) => format!(
            "{}: {} waits for {behind}\nsee it with `tidegate get {target}`",
            answer.outcome,
            answer.digest.short()
        ),
        (None, None) => answer.outcome.clone(),
    }
}
