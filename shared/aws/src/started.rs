//! Tasks of Tidegate's own, found again by what they were started with.

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{DesiredStatus, Task};

use crate::error::AwsError;

/// Every task that was started with a name, running or stopped; ECS forgets those that stopped an hour ago.
pub(crate) async fn tasks_started_by(
    ecs: &Client,
    cluster: &str,
    started_by: &str,
) -> Result<Vec<Task>, AwsError> {
    let mut arns = Vec::new();
    // `ListTasks` answers with one desired status at a time, and a task that ends goes from one to the
    // other: asked in this order, it is seen at least once.
    for desired in [DesiredStatus::Running, DesiredStatus::Stopped] {
        let answer = ecs
            .list_tasks()
            .cluster(cluster)
            .started_by(started_by)
            .desired_status(desired)
            .send()
            .await
            .map_err(|error| AwsError::sdk(format!("failed to list tasks in cluster {cluster}"), error))?;
        arns.extend(answer.task_arns.unwrap_or_default());
    }
    arns.sort();
    arns.dedup();
    if arns.is_empty() {
        return Ok(Vec::new());
    }
    let answer = ecs
        .describe_tasks()
        .cluster(cluster)
        .set_tasks(Some(arns))
        .send()
        .await
        .map_err(|error| AwsError::sdk(format!("failed to describe tasks in cluster {cluster}"), error))?;
    Ok(answer.tasks.unwrap_or_default())
}

/// The one that counts of those that were started with one token: two only where the token had expired.
pub(crate) fn newest(tasks: Vec<Task>) -> Option<Task> {
    tasks
        .into_iter()
        .max_by_key(|task| task.created_at().map(|at| at.as_nanos()))
}

/// The last part of its ARN, as the console shows it.
pub(crate) fn id_of(task: &Task) -> &str {
    let arn = task.task_arn().unwrap_or_default();
    arn.rsplit('/').next().unwrap_or(arn)
}
