//! Terraform, planned and applied by tasks of ECS: Tidegate reads what a plan would do, and has exactly that
//! plan file applied, by its SHA-256. The state and its lock are Terraform's own.
//!
//! What the tasks' container runs is `infra/terraform/run.sh`.

use aws_sdk_ecs::types::{ContainerDefinition, ContainerOverride, KeyValuePair, Task};
use tidegate_core::change::{
    Before, Change, ChangeStage, Direction, MAX_PLAN_BYTES, Progress, Proposal, Proposed, Seen,
    TerraformPlan, TerraformWork, nothing_was_applied, why_it_failed,
};
use tidegate_core::deployment::Deployment;

use super::task::candidate_service;
use crate::error::{AwsError, Kind};
use crate::naming::{change_token, proposal_token};
use crate::observe::task_definitions::describe_task_definition;
use crate::started::{id_of, newest, tasks_started_by};
use crate::task::{NewTask, run_beside};

/// Bytes of what the script writes of a failure.
const MAX_ERROR_BYTES: usize = 16_384;

/// Whom to ask.
#[derive(Debug, Clone, Copy)]
pub struct Clients<'a> {
    /// ECS, for the tasks.
    pub ecs: &'a aws_sdk_ecs::Client,
    /// S3, for the plans.
    pub s3: &'a aws_sdk_s3::Client,
}

/// What a task is to do.
#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Plan,
    Apply {
        /// SHA-256 of the plan file.
        sha256: &'a str,
    },
}

impl Step<'_> {
    const fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Apply { .. } => "apply",
        }
    }
}

/// Starts the task that plans. The client token makes a second start none.
///
/// # Errors
/// Where AWS refuses or can't be asked.
pub async fn propose(
    clients: Clients<'_>,
    deployment: &Deployment,
    change: &Change,
    work: &TerraformWork,
) -> Result<(), AwsError> {
    let token = proposal_token(&deployment.id, &change.id);
    start(clients.ecs, deployment, change, work, &token, Step::Plan).await
}

/// How the plan stands.
///
/// # Errors
/// Where AWS can't be asked.
pub async fn observe_proposal(
    clients: Clients<'_>,
    deployment: &Deployment,
    change: &Change,
    work: &TerraformWork,
) -> Result<Proposed, AwsError> {
    let token = proposal_token(&deployment.id, &change.id);
    Ok(
        match progress(clients, deployment, change, work, &token, Step::Plan.name()).await? {
            Progress::NotBegun => match cannot_run(clients.ecs, work).await? {
                Some(reason) => Proposed::Failed { reason },
                None => Proposed::NotBegun,
            },
            Progress::Waiting { note } | Progress::Running { note } => Proposed::Running {
                note: format!("terraform plans, {note}"),
            },
            Progress::Failed { reason, .. } => Proposed::Failed { reason },
            Progress::Done { .. } => read_plan(clients.s3, deployment, work).await?,
        },
    )
}

/// How applying it stands.
///
/// # Errors
/// Where AWS can't be asked.
pub async fn observe(
    clients: Clients<'_>,
    deployment: &Deployment,
    change: &Change,
    work: &TerraformWork,
) -> Result<Seen, AwsError> {
    let mut seen = Seen::NOTHING;
    match deployment.change_stage(&change.id) {
        None => seen.before = Some(Before::TerraformState),
        Some(ChangeStage::Making) => {
            let token = change_token(&deployment.id, &change.id, Direction::Make);
            seen.made = progress(clients, deployment, change, work, &token, "apply").await?;
        }
        Some(ChangeStage::Failed) => {
            let token = change_token(&deployment.id, &change.id, Direction::Make);
            if refused(clients.ecs, deployment, change, work, &token).await? {
                seen.undone = Progress::done("nothing of it was applied");
            }
        }
        Some(ChangeStage::Made | ChangeStage::Undoing | ChangeStage::Undone | ChangeStage::Held) => {}
    }
    Ok(seen)
}

/// Has exactly the plan file applied that was proposed. The client token makes a second start none.
///
/// # Errors
/// Where AWS refuses or can't be asked.
pub async fn make(
    clients: Clients<'_>,
    deployment: &Deployment,
    change: &Change,
    work: &TerraformWork,
) -> Result<(), AwsError> {
    let proposal = deployment.proposals.get(&change.id);
    let sha256 = proposal.and_then(|one| work.sha256_of(&deployment.id, &one.artifact));
    let Some(sha256) = sha256 else {
        let what = format!("failed to apply {} for {}", change.id, deployment.target);
        return Err(AwsError::answer(
            what,
            Kind::Invalid,
            "no plan of this deployment was proposed",
        ));
    };
    let token = change_token(&deployment.id, &change.id, Direction::Make);
    let step = Step::Apply { sha256 };
    start(clients.ecs, deployment, change, work, &token, step).await
}

async fn read_plan(
    s3: &aws_sdk_s3::Client,
    deployment: &Deployment,
    work: &TerraformWork,
) -> Result<Proposed, AwsError> {
    let read = fetch(s3, &work.bucket, &work.shown_key(&deployment.id), MAX_PLAN_BYTES).await?;
    let plan = read.and_then(|bytes| TerraformPlan::read(&bytes).map_err(|error| error.to_string()));
    Ok(match plan {
        Ok(mut plan) => {
            let artifact = work.artifact(&deployment.id, &plan.sha256);
            plan.notes.extend(work.told_of(deployment.generated_variables()));
            Proposed::Ready {
                proposal: Box::new(Proposal::new(artifact, plan.effects, plan.notes)),
            }
        }
        Err(reason) => Proposed::Failed { reason },
    })
}

/// An object; or why it can't be had, where asking again won't help.
async fn fetch(
    s3: &aws_sdk_s3::Client,
    bucket: &str,
    key: &str,
    most_bytes: usize,
) -> Result<Result<Vec<u8>, String>, AwsError> {
    let what = || format!("failed to read s3://{bucket}/{key}");
    let answer = s3.get_object().bucket(bucket).key(key).send().await;
    let answer = match answer.map_err(|error| AwsError::sdk(what(), error)) {
        Ok(answer) => answer,
        Err(error) if error.is_retryable() => return Err(error),
        Err(error) => return Ok(Err(error.to_string())),
    };
    let bytes = answer
        .content_length()
        .and_then(|length| usize::try_from(length).ok());
    if bytes.is_none_or(|bytes| bytes > most_bytes) {
        let reason = format!("{}: it has more than {most_bytes} bytes", what());
        return Ok(Err(reason));
    }
    match answer.body.collect().await {
        Ok(body) => Ok(Ok(body.to_vec())),
        Err(error) => Err(AwsError::answer(what(), Kind::Transient, error.to_string())),
    }
}

/// Why no task can be started; nothing where one can.
async fn cannot_run(ecs: &aws_sdk_ecs::Client, work: &TerraformWork) -> Result<Option<String>, AwsError> {
    match describe_task_definition(ecs, &work.task_definition).await {
        Ok(described) => Ok(runner(described.definition.container_definitions(), work).err()),
        Err(error) if error.is_retryable() => Err(error),
        Err(error) => Ok(Some(error.to_string())),
    }
}

/// The container that runs Terraform.
fn runner<'a>(containers: &'a [ContainerDefinition], work: &TerraformWork) -> Result<&'a str, String> {
    let names: Vec<&str> = containers.iter().filter_map(|one| one.name()).collect();
    let family = &work.task_definition;
    match (&work.container, &names[..]) {
        (None, [only]) => Ok(only),
        (Some(name), names) => names.iter().copied().find(|one| one == name).ok_or_else(|| {
            let others = names.join(", ");
            format!("task definition {family} has no container {name}, only {others}")
        }),
        (None, _) => Err(format!(
            "task definition {family} has the containers {}: name one as `container`",
            names.join(", ")
        )),
    }
}

async fn start(
    ecs: &aws_sdk_ecs::Client,
    deployment: &Deployment,
    change: &Change,
    work: &TerraformWork,
    token: &str,
    step: Step<'_>,
) -> Result<(), AwsError> {
    let plan = super::plan(deployment, change)?;
    let what = || {
        let step = step.name();
        format!(
            "failed to start the task of {} for {} ({step})",
            change.id, deployment.target
        )
    };
    let service = candidate_service(ecs, plan, what).await?;
    let described = describe_task_definition(ecs, &work.task_definition).await?;
    let containers = described.definition.container_definitions();
    let container =
        runner(containers, work).map_err(|reason| AwsError::answer(what(), Kind::Invalid, reason))?;
    let container = ContainerOverride::builder()
        .name(container)
        .set_environment(Some(environment(deployment, work, &plan.image, step)));
    let task = NewTask {
        cluster: &plan.wiring.cluster,
        task_definition: &work.task_definition,
        containers: vec![container.build()],
        started_by: token,
        client_token: token,
    };
    run_beside(ecs, service, task, what).await
}

/// What the script is told, and the variables. Both steps get the same ones: Terraform compares them.
fn environment(
    deployment: &Deployment,
    work: &TerraformWork,
    image: &str,
    step: Step<'_>,
) -> Vec<KeyValuePair> {
    let pair = |name: &str, value: &str| KeyValuePair::builder().name(name).value(value).build();
    let of_step = match step {
        Step::Plan => generated(deployment, work),
        // A plan file has its variables in it.
        Step::Apply { sha256 } => vec![("TIDEGATE_PLAN_SHA256", sha256.to_owned())],
    };
    let of_step = of_step.into_iter().map(|(name, value)| pair(name, &value));
    let variables = work.variables_for(image).into_iter();
    let variables = variables.map(|(name, value)| pair(&format!("TF_VAR_{name}"), &value));
    let told = [
        pair("TIDEGATE_STEP", step.name()),
        pair("TIDEGATE_PLACE", &work.place(&deployment.id)),
        pair("TIDEGATE_DEPLOYMENT", deployment.id.as_str()),
    ];
    told.into_iter().chain(of_step).chain(variables).collect()
}

/// What the script is told of generated variables; nothing where there are none, or none are wanted.
fn generated(deployment: &Deployment, work: &TerraformWork) -> Vec<(&'static str, String)> {
    let Some(generated) = deployment.generated_variables().filter(|_| work.generated) else {
        return Vec::new();
    };
    let version = generated.version;
    let version = version.map(|version| ("TIDEGATE_VAR_FILE_VERSION", version.to_owned()));
    [
        ("TIDEGATE_VAR_FILE_S3", generated.location.to_owned()),
        ("TIDEGATE_VAR_FILE_SHA256", generated.sha256.to_owned()),
        ("TIDEGATE_VARIABLES", work.own_variables().join(" ")),
    ]
    .into_iter()
    .chain(version)
    .collect()
}

/// Whether applying failed before anything was touched.
async fn refused(
    ecs: &aws_sdk_ecs::Client,
    deployment: &Deployment,
    change: &Change,
    work: &TerraformWork,
    token: &str,
) -> Result<bool, AwsError> {
    let task = started(ecs, deployment, change, token).await?;
    Ok(task.is_some_and(|task| match ended(&task, work) {
        End::Code(code) => nothing_was_applied(code),
        End::Not(_) | End::Unknown(_) => false,
    }))
}

/// The task that was started with a token.
async fn started(
    ecs: &aws_sdk_ecs::Client,
    deployment: &Deployment,
    change: &Change,
    token: &str,
) -> Result<Option<Task>, AwsError> {
    let plan = super::plan(deployment, change)?;
    let tasks = tasks_started_by(ecs, &plan.wiring.cluster, token).await?;
    Ok(newest(tasks))
}

/// How the task of a step stands.
async fn progress(
    clients: Clients<'_>,
    deployment: &Deployment,
    change: &Change,
    work: &TerraformWork,
    token: &str,
    step: &str,
) -> Result<Progress, AwsError> {
    let Some(task) = started(clients.ecs, deployment, change, token).await? else {
        return Ok(Progress::NotBegun);
    };
    let id = id_of(&task);
    Ok(match ended(&task, work) {
        End::Not(status) => Progress::running(format!("task {id} is {status}")),
        End::Code(0) => {
            let sum = deployment.proposals.get(&change.id).map(Proposal::summary);
            Progress::done(format!("{} (task {id})", sum.unwrap_or_default()))
        }
        End::Code(code) => {
            let key = work.error_key(&deployment.id, step);
            let written = fetch(clients.s3, &work.bucket, &key, MAX_ERROR_BYTES).await?;
            let written = written.unwrap_or_default();
            let why = why_it_failed(code, &String::from_utf8_lossy(&written));
            Progress::failed(format!("{why} (task {id})"))
        }
        End::Unknown(why) => Progress::failed(format!("it stopped without an exit code: {why} (task {id})")),
    })
}

#[derive(Debug, PartialEq, Eq)]
enum End {
    /// Its status.
    Not(String),
    /// The exit code of the container that runs Terraform.
    Code(i32),
    /// Why there is none.
    Unknown(String),
}

fn ended(task: &Task, work: &TerraformWork) -> End {
    if task.last_status() != Some("STOPPED") {
        return End::Not(task.last_status().unwrap_or("starting").to_lowercase());
    }
    let containers = task.containers();
    let own = match &work.container {
        Some(name) => containers.iter().find(|one| one.name() == Some(name)),
        None => containers.first(),
    };
    match own.and_then(|one| one.exit_code()) {
        Some(code) => End::Code(code),
        None => End::Unknown(task.stopped_reason().unwrap_or("no reason given").to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ecs::types::Container;

    fn work(container: Option<&str>) -> TerraformWork {
        TerraformWork {
            task_definition: "web-terraform".to_owned(),
            container: container.map(str::to_owned),
            bucket: "shop-plans".to_owned(),
            prefix: "tidegate".to_owned(),
            generated: false,
            image_variable: None,
            variables: [].into(),
        }
    }

    fn task(status: &str, codes: &[(&str, Option<i32>)]) -> Task {
        let container = |(name, code): &(&str, Option<i32>)| {
            Container::builder().name(*name).set_exit_code(*code).build()
        };
        Task::builder()
            .last_status(status)
            .set_containers(Some(codes.iter().map(container).collect()))
            .build()
    }

    #[test]
    fn the_container_that_runs_terraform_decides() {
        let both = [("proxy", Some(0)), ("terraform", Some(21))];
        let named = work(Some("terraform"));
        assert_eq!(ended(&task("STOPPED", &both), &named), End::Code(21));
        assert_eq!(
            ended(&task("RUNNING", &both), &named),
            End::Not("running".to_owned())
        );
        let only = [("terraform", Some(0))];
        assert_eq!(ended(&task("STOPPED", &only), &work(None)), End::Code(0));
        for never_ran in [&[("terraform", None)][..], &[("proxy", Some(0))], &[]] {
            assert!(matches!(
                ended(&task("STOPPED", never_ran), &named),
                End::Unknown(_)
            ));
        }
    }

    #[test]
    fn a_task_definition_whose_container_is_not_clear_is_told_what_to_name() {
        let of = |names: &[&str]| -> Vec<ContainerDefinition> {
            let one = |name: &&str| ContainerDefinition::builder().name(*name).build();
            names.iter().map(one).collect()
        };
        assert_eq!(runner(&of(&["a"]), &work(None)), Ok("a"));
        assert_eq!(runner(&of(&["a", "b"]), &work(Some("b"))), Ok("b"));
        assert!(
            runner(&of(&["a", "b"]), &work(None)).is_err_and(|why| why.contains("name one as `container`"))
        );
        assert!(runner(&of(&["a"]), &work(Some("b"))).is_err_and(|why| why.contains("has no container b")));
    }
}
