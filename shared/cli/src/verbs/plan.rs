//! `tidegate plan`: what a deployment would do. Reads only, with the caller's own credentials.

use aws_types::SdkConfig;
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use tidegate_aws::call::{Functions, functions};
use tidegate_aws::change::index::Tables;
use tidegate_aws::error::AwsError;
use tidegate_aws::observe;
use tidegate_aws::on_demand::OnDemand;
use tidegate_aws::planning::Planning;
use tidegate_core::decision::Outcome;
use tidegate_core::deployment::{Deployment, Origin, Plan, Revision};
use tidegate_core::event::Event;
use tidegate_core::evidence::{Author, EvidenceSeen, proof};
use tidegate_core::exit::Missing;
use tidegate_core::ids::{Digest, EnvironmentName, Person, ServiceName, Target};
use tidegate_core::observation::{ImageState, Observation};
use tidegate_core::phases::make_plan;
use tidegate_core::rehearsal::rehearsal;
use tidegate_core::shared::Shared;
use tidegate_core::spec::Evidence;
use tidegate_core::target::{Admission, Push, TargetState};
use tidegate_core::wiring::Wiring;

use crate::api::{Api, Filter, MAX_LIMIT};
use crate::context::Context;
use crate::status::{CliError, Status};
use crate::{image, render};

/// What would be deployed, and where.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Where: SERVICE/ENVIRONMENT.
    #[arg(value_name = "TARGET")]
    pub target: Target,
    /// A tag or digest in the target's repository, such as `v2`, `web:v2` or `sha256:...`.
    #[arg(value_name = "IMAGE")]
    pub image: String,
}

/// What came of a dry run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DryRun {
    target: Target,
    revision: Revision,
    /// Absent where something is missing.
    plan: Option<Shared<Plan>>,
    missing: Vec<Missing>,
    /// What is known only once it is deployed, though before anything is touched.
    later: Vec<String>,
    /// What would become of the wish as things stand: it starts, waits, or is refused.
    admission: String,
}

/// Clients that read.
struct Clients {
    appconfig: OnDemand<aws_sdk_appconfig::Client>,
    cloudwatch: aws_sdk_cloudwatch::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    ecr: aws_sdk_ecr::Client,
    functions: Functions,
    ecs: aws_sdk_ecs::Client,
    elb: aws_sdk_elasticloadbalancingv2::Client,
}

impl Clients {
    fn new(sdk: &SdkConfig) -> Self {
        Self {
            appconfig: OnDemand::new(sdk, aws_sdk_appconfig::Client::new),
            cloudwatch: aws_sdk_cloudwatch::Client::new(sdk),
            dynamodb: aws_sdk_dynamodb::Client::new(sdk),
            ecr: aws_sdk_ecr::Client::new(sdk),
            functions: functions(sdk),
            ecs: aws_sdk_ecs::Client::new(sdk),
            elb: aws_sdk_elasticloadbalancingv2::Client::new(sdk),
        }
    }

    /// What the plan function would read, with the caller's credentials.
    async fn read(&self, deployment: &Deployment, wiring: &Wiring) -> Result<Observation, AwsError> {
        let planning = Planning {
            appconfig: &self.appconfig,
            cloudwatch: &self.cloudwatch,
            ecr: &self.ecr,
            ecs: &self.ecs,
            elb: &self.elb,
            functions: &self.functions,
            // Which table is Tidegate's own only its functions know.
            tables: Tables {
                client: &self.dynamodb,
                own: None,
            },
        };
        let alarms = planning.alarms(deployment, wiring).await?;
        Ok(planning.read(deployment, wiring, &alarms).await?.observation)
    }
}

/// Plans.
///
/// # Errors
/// No such target or image, or Tidegate or AWS can't be asked.
pub async fn run(args: PlanArgs, cx: &Context) -> Result<Status, CliError> {
    let api = cx.api().await?;
    let state = api.target(&args.target).await?;
    let now = api.now();
    let sdk = cx.sdk().await;
    let clients = Clients::new(&sdk);
    let push = find_image(&clients, &state, &args.image, person(cx)?).await?;
    let evidence = match &state.spec.evidence {
        Some(asked) => Some(evidence(&clients, &api, &state, asked, &push).await?),
        None => None,
    };
    let dry_run = plan(&clients, &state, push, evidence, now).await?;
    cx.out.show(&dry_run, || words(&dry_run, cx))?;
    Ok(if dry_run.missing.is_empty() {
        Status::Ok
    } else {
        Status::Failed
    })
}

fn person(cx: &Context) -> Result<Person, CliError> {
    cx.identity()
        .parse()
        .map_err(|error| CliError::Usage(format!("{error}; use --as")))
}

/// The image as a push that a person would make of it.
async fn find_image(
    clients: &Clients,
    state: &TargetState,
    text: &str,
    person: Person,
) -> Result<Push, CliError> {
    let repository = image::repository_of(state);
    let reference = image::within(text, &state.target, repository)?;
    let missing = || {
        CliError::NotFound(format!(
            "repository {repository} has no image `{reference}`: push it, or name another tag"
        ))
    };
    let (digest, tag, pushed_at) = match reference.parse::<Digest>() {
        Ok(digest) => match observe::image(&clients.ecr, repository, &digest)
            .await
            .map_err(unreadable)?
        {
            ImageState::Found { pushed_at, .. } => (digest, None, pushed_at),
            ImageState::Missing => return Err(missing()),
        },
        Err(_) => {
            let found = observe::image_by_tag(&clients.ecr, repository, reference)
                .await
                .map_err(unreadable)?;
            let (digest, pushed_at) = found.ok_or_else(missing)?;
            (digest, Some(reference.to_owned()), pushed_at)
        }
    };
    let origin = Origin::Person { person };
    Ok(Push {
        repository: repository.to_owned(),
        digest,
        tag,
        pushed_at,
        origin,
        overrides: Vec::new(),
    })
}

async fn plan(
    clients: &Clients,
    state: &TargetState,
    push: Push,
    evidence: Option<EvidenceSeen>,
    now: Timestamp,
) -> Result<DryRun, CliError> {
    let (deployment, mut missing, admission) = imagine(state, push, now)?;
    if let Some(lock) = &state.lock {
        // In mid-deployment the weights are on their way, so nothing that is read now would hold then.
        let running = &lock.deployment;
        let missing = vec![Missing {
            what: format!("a target at rest: {running} is running"),
            remedy: format!(
                "plan again after it: `tidegate get {running} --watch`; deployed now, {admission}"
            ),
            notify: Vec::new(),
        }];
        let (target, revision) = (deployment.target, deployment.revision);
        return Ok(DryRun {
            target,
            revision,
            plan: None,
            missing,
            later: Vec::new(),
            admission,
        });
    }
    let found = observe::find_wiring(&clients.ecs, &clients.elb, &deployment.target, &deployment.spec)
        .await
        .map_err(unreadable)?;
    let mut plan = None;
    if found.missing.is_empty() {
        let mut observation = clients
            .read(&deployment, &found.wiring)
            .await
            .map_err(unreadable)?;
        observation.evidence = evidence;
        observation.contracts = state.contracts();
        let decision = make_plan(&deployment, found.wiring, &observation, now);
        match decision.outcome {
            Outcome::Blocked(more) => missing.extend(more),
            Outcome::Wait { reason, .. } => missing.push(Missing::new(
                reason,
                "plan again when it is over; a deployment waits for it".to_owned(),
            )),
            Outcome::Continue
            | Outcome::Done
            | Outcome::AwaitingApproval { .. }
            | Outcome::Abort(_)
            | Outcome::RollbackFailed { .. } => {}
        }
        plan = decision.events.into_iter().find_map(|event| {
            let Event::Planned { plan } = event else {
                return None;
            };
            Some(plan)
        });
    } else {
        missing.extend(found.missing);
    }
    let plan = plan.filter(|_| missing.is_empty());
    let later = plan
        .as_ref()
        .map_or_else(Vec::new, |plan| known_later(&deployment, plan));
    let (target, revision) = (deployment.target, deployment.revision);
    Ok(DryRun {
        target,
        revision,
        plan,
        later,
        missing,
        admission,
    })
}

/// What a dry run can't find out: it is no function of Tidegate, and it starts nothing.
fn known_later(deployment: &Deployment, plan: &Plan) -> Vec<String> {
    let mut later = Vec::new();
    if deployment.spec.check_permissions {
        later.push("IAM is asked whether Tidegate's functions may do this when it is deployed".to_owned());
    }
    let proposing = plan.changes.iter().filter(|change| change.work.proposes());
    later.extend(proposing.map(|change| {
        format!(
            "{}: what it would do is known, and asked about, before anything is touched",
            change.id
        )
    }));
    later
}

/// What is known of the image, as far as the file asks. Who is who only Tidegate's function knows, so
/// the release's author counts as known.
async fn evidence(
    clients: &Clients,
    api: &Api,
    state: &TargetState,
    asked: &Evidence,
    push: &Push,
) -> Result<EvidenceSeen, CliError> {
    let (repository, digest) = (push.repository.as_str(), &push.digest);
    let mut seen = EvidenceSeen::nothing(digest.clone());
    seen.release = found(api.release(repository, digest.as_str()).await)?;
    let author = seen.release.as_ref().and_then(|release| release.author.clone());
    seen.author = author.map(Author::Known);
    if asked.scan.is_some() {
        let scan = observe::scan(&clients.ecr, repository, digest).await;
        seen.scan = Some(scan.map_err(unreadable)?);
    }
    if asked.signature {
        let signature = observe::signature(&clients.ecr, repository, digest).await;
        seen.signature = signature.map_err(unreadable)?;
    }
    let service = &state.target.service;
    if let Some(environment) = &asked.proven_in
        && let Some((held, newest)) = elsewhere(api, service, environment).await?
    {
        seen.proven = proof(&held, digest, &newest);
    }
    if let Some(rule) = &asked.rehearsed
        && let Some((held, newest)) = elsewhere(api, service, &rule.environment).await?
    {
        seen.rehearsed = rehearsal(&held, digest, &newest);
    }
    Ok(seen)
}

/// The service in another environment, and its newest deployments there; nothing where no file was applied.
async fn elsewhere(
    api: &Api,
    service: &ServiceName,
    environment: &EnvironmentName,
) -> Result<Option<(TargetState, Vec<Deployment>)>, CliError> {
    let target = Target {
        service: service.clone(),
        environment: environment.clone(),
    };
    let Some(held) = found(api.target(&target).await)? else {
        return Ok(None);
    };
    let filter = Filter {
        service: Some(target.service),
        environment: Some(target.environment),
        limit: MAX_LIMIT,
        before: None,
    };
    Ok(Some((held, api.deployments(&filter).await?)))
}

fn found<T>(answer: Result<T, CliError>) -> Result<Option<T>, CliError> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(CliError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The deployment that would start if the target were free, and what stands in its way.
fn imagine(
    state: &TargetState,
    push: Push,
    now: Timestamp,
) -> Result<(Deployment, Vec<Missing>, String), CliError> {
    let mut missing = Vec::new();
    let admission = match state.clone().admit(push.clone(), now) {
        Admission::Start(_) => "it would start at once".to_owned(),
        Admission::Queued { behind } => format!("it would wait for {behind}"),
        Admission::Superseding { running, .. } => format!("{running} would be stopped first"),
        Admission::Refused(refusal) => {
            let remedy = "repair what is named, or set it aside with `tidegate deploy --override`".to_owned();
            missing.push(Missing {
                what: refusal.to_string(),
                remedy,
                notify: Vec::new(),
            });
            "it would be refused".to_owned()
        }
    };
    let mut free = state.clone();
    free.lock = None;
    free.quarantine.clear();
    match free.admit(push, now) {
        Admission::Start(request) => Ok((Deployment::new(*request, now), missing, admission)),
        Admission::Queued { .. } | Admission::Superseding { .. } => Err(CliError::Failed(
            "a free target does not start: report this as a bug".to_owned(),
        )),
        Admission::Refused(refusal) => Err(CliError::Refused(refusal.to_string())),
    }
}

/// AWS said no, or nothing.
fn unreadable(error: AwsError) -> CliError {
    let next = if error.is_retryable() {
        "try again in a moment"
    } else {
        "check that your credentials may read ECS, ELB, CloudWatch and ECR, and the tables, functions and flags that the file names"
    };
    CliError::Unreachable(format!("{error}: {next}"))
}

fn words(dry_run: &DryRun, cx: &Context) -> String {
    let paint = cx.out.paint;
    match &dry_run.plan {
        Some(plan) => {
            let plan = render::plan(&dry_run.target, &dry_run.revision, plan, false, paint);
            let later = dry_run.later.iter().map(|what| format!("\n{what}"));
            let later: String = later.collect();
            format!("{plan}{later}\nnothing was touched; {}", dry_run.admission)
        }
        None => render::missing(&dry_run.target, &dry_run.missing, paint),
    }
}
