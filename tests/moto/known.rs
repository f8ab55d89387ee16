//! Where moto is known to answer otherwise than AWS documents, or can't answer at all. These calls
//! are made, but the local cloud is held to AWS's documentation rather than to moto's answer. A line
//! that is no longer true fails the suite.
//!
//! What is not asked at all, because moto has nothing to compare with:
//!
//! | what | why |
//! | --- | --- |
//! | how a service converges, its circuit breaker, targets that register and drain | moto runs no tasks |
//! | suites that end by themselves | the same; a task runs until it is stopped |
//! | alarms that go off by themselves | moto does not evaluate alarms |
//! | metric expressions of the deployment file | moto's metric math knows a few forms only |
//! | what our state machines do | another suite: `second_opinion` plays every scenario on moto |
//! | throttling, lost answers, `TransactionConflictException` | moto never fails by itself |

/// A call whose answers differ.
#[derive(Debug)]
pub struct Differs {
    /// The call, as [`super::compare::Comparison::same`] names it.
    pub call: &'static str,
    /// What the local cloud's answer has to contain, as AWS documents it.
    pub aws: &'static str,
    /// What AWS does and moto does not, and where that is said; printed with the figures.
    pub reason: &'static str,
}

const fn differs(call: &'static str, aws: &'static str, reason: &'static str) -> Differs {
    Differs { call, aws, reason }
}

/// One line for each.
pub const DIFFERS: [Differs; 12] = [
    differs(
        "read an empty slot",
        "running: 0",
        "moto never starts or stops a service's tasks; it says of every service that as many run as it was started with",
    ),
    differs(
        "read a service's deployments after it was set",
        "task-definition/web-production:2\"), Some(\"arn:aws:ecs:us-east-1:123456789012:task-definition/web-production:2\")",
        "UpdateService makes a new primary deployment (ECS Developer Guide, rolling update); moto keeps the first one",
    ),
    differs(
        "start a suite again under the same client token",
        "(), 1 tasks",
        "RunTask with a used clientToken starts nothing; moto does not look at the token",
    ),
    differs(
        "read the 99th percentile of every minute",
        "latency_p99_ms: Some(",
        "moto has no percentiles (GetMetricData takes p0.0 to p100)",
    ),
    differs(
        "start with an input that is no JSON",
        "Some(\"InvalidExecutionInput\")",
        "StartExecution answers InvalidExecutionInput; moto's own exception has another name when it runs machines",
    ),
    differs(
        "succeed a token again",
        "Gone",
        "SendTaskSuccess of a task that has ended is TaskTimedOut; moto takes a token as long as its execution runs",
    ),
    differs(
        "fail a token that was answered",
        "Gone",
        "SendTaskFailure of a task that has ended is TaskTimedOut; moto takes a token as long as its execution runs",
    ),
    differs(
        "write again under the same client token",
        "(), None",
        "TransactWriteItems with a ClientRequestToken is idempotent for ten minutes; moto does not look at the token",
    ),
    differs(
        "refuse a bad condition",
        "Some(\"ValidationException\")",
        "a condition with an undefined value is a ValidationException; moto answers 500",
    ),
    differs(
        "query an unknown index",
        "Some(\"ValidationException\")",
        "Query on an index that is not there is a ValidationException; moto says that the table is not there",
    ),
    differs(
        "add an index that is there",
        "Some(\"ValidationException\")",
        "UpdateTable refuses to create an index that already exists; moto answers 500",
    ),
    differs(
        "remove an index that is not there",
        "Some(\"ResourceNotFoundException\")",
        "UpdateTable of an index that does not exist is a ResourceNotFoundException; moto answers 500",
    ),
];
