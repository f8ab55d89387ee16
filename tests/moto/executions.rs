//! Step Functions: executions by name, and task tokens. On moto the machine is another one of the same
//! name, for its tasks can't be answered by our functions: it hands out a token and waits.

use serde_json::json;
use tidegate_aws::executions::{self, ExecutionStatus};
use tidegate_local::Cloud;
use tidegate_local::names::{execution_arn, machine_arn};
use tidegate_states::{Command, Delivery};

use super::compare::{Comparison, Side, answer, raw};
use super::wire;
use super::world::Problem;

const QUEUE: &str = "http://127.0.0.1/123456789012/tokens";
const INPUT: &str = r#"{"deployment":"web-1"}"#;

/// All of it.
pub async fn compare(both: &mut Comparison, cloud: &Cloud, port: u16) -> Result<(), Problem> {
    make_machine(&both.moto, port).await?;
    names(both).await;
    both.local.token = local_token(cloud, "web-1").ok_or("the local cloud hands out no token")?;
    both.moto.token = moto_token(port)?;
    tokens(both).await;
    ends(both).await;
    Ok(())
}

async fn start(side: &Side, name: &str, input: &str) -> String {
    answer(executions::start(&side.sfn, &machine_arn("deployment"), name, input).await)
}

async fn status(side: &Side, name: &str) -> String {
    answer(executions::status(&side.sfn, &machine_arn("deployment"), name).await)
}

async fn names(both: &mut Comparison) {
    both.same("start an execution", async |side| {
        start(side, "web-1", INPUT).await
    })
    .await;
    both.same("start the running execution again", async |side| {
        start(side, "web-1", INPUT).await
    })
    .await;
    both.same("start a running name with another input", async |side| {
        start(side, "web-1", "{}").await
    })
    .await;
    both.same("read a running execution", async |side| {
        status(side, "web-1").await
    })
    .await;
    both.same("read an unknown execution", async |side| {
        status(side, "web-9").await
    })
    .await;
    both.same("start with an input that is no JSON", async |side| {
        start(side, "web-2", "{").await
    })
    .await;
    both.same("start an unknown machine", async |side| {
        answer(executions::start(&side.sfn, &machine_arn("ghost"), "web-3", INPUT).await)
    })
    .await;
    both.same("read an execution of an unknown machine", async |side| {
        answer(executions::status(&side.sfn, &machine_arn("ghost"), "web-3").await)
    })
    .await;
}

async fn tokens(both: &mut Comparison) {
    both.same("succeed an invalid token", async |side| {
        raw(side
            .sfn
            .send_task_success()
            .task_token("ghost")
            .output("{}")
            .send()
            .await
            .map(|_| ()))
    })
    .await;
    both.same("fail an invalid token", async |side| {
        answer(executions::fail_token(&side.sfn, "ghost", "Aborted", "by hand").await)
    })
    .await;
    both.same("succeed a token", async |side| {
        answer(executions::succeed_token(&side.sfn, &side.token, "{}").await)
    })
    .await;
    both.same("succeed a token again", async |side| {
        answer(executions::succeed_token(&side.sfn, &side.token, "{}").await)
    })
    .await;
    both.same("fail a token that was answered", async |side| {
        answer(executions::fail_token(&side.sfn, &side.token, "Aborted", "too late").await)
    })
    .await;
}

async fn ends(both: &mut Comparison) {
    for side in [&both.local, &both.moto] {
        let arn = execution_arn(&machine_arn("deployment"), "web-1");
        // On moto it may have ended by the token already.
        side.sfn.stop_execution().execution_arn(arn).send().await.ok();
    }
    both.same("read an execution that has ended", async |side| {
        let status = executions::status(&side.sfn, &machine_arn("deployment"), "web-1").await;
        answer(status.map(|status| status == Some(ExecutionStatus::Ended)))
    })
    .await;
    both.same("start the name of an execution that has ended", async |side| {
        start(side, "web-1", INPUT).await
    })
    .await;
    both.same("succeed the token of an execution that has ended", async |side| {
        answer(executions::succeed_token(&side.sfn, &side.token, "{}").await)
    })
    .await;
}

async fn make_machine(moto: &Side, port: u16) -> Result<(), Problem> {
    wire::run_state_machines(port)?;
    wire::query(
        port,
        "sqs",
        "Action=CreateQueue&Version=2012-11-05&QueueName=tokens",
    )?;
    let definition = json!({ "StartAt": "Wait", "States": { "Wait": {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": { "QueueUrl": QUEUE, "MessageBody.$": "$$.Task.Token" },
        "Next": "Linger",
    }, "Linger": { "Type": "Wait", "Seconds": 600, "End": true } } });
    moto.sfn
        .create_state_machine()
        .name("tidegate-deployment")
        .role_arn("arn:aws:iam::123456789012:role/tidegate")
        .definition(definition.to_string())
        .send()
        .await?;
    Ok(())
}

/// The token arrives in the queue; the queue is asked for up to ten seconds.
fn moto_token(port: u16) -> Result<String, Problem> {
    let form = format!(
        "Action=ReceiveMessage&Version=2012-11-05&WaitTimeSeconds=10&QueueUrl={}",
        QUEUE.replace(':', "%3A").replace('/', "%2F")
    );
    let answer = wire::query(port, "sqs", &form)?;
    let token = wire::elements(&answer, "Body")
        .first()
        .map(|body| (*body).to_owned());
    token.ok_or_else(|| format!("moto hands out no token: {answer}").into())
}

/// Answers the plan phase as its function would, up to the task that hands out a token.
fn local_token(cloud: &Cloud, name: &str) -> Option<String> {
    let arn = execution_arn(&machine_arn("deployment"), name);
    let now = cloud.clock().now();
    cloud.with(|state| {
        // Plan, then both lanes: the token is there after one answer, and never later than this.
        for _ in 0..4 {
            for (_, command) in state.engine.take_outbox() {
                let Command::Invoke { task, token, .. } = command else {
                    continue;
                };
                if let Some(token) = token {
                    return Some(token.as_str().to_owned());
                }
                let output = json!({ "status": "Done", "waitSeconds": 1, "reason": "", "next": "" });
                state
                    .engine
                    .deliver(&arn, Delivery::TaskSucceeded { task, output }, now)
                    .ok();
            }
        }
        None
    })
}
