//! The names by which executions, tasks and task tokens are known.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What identifies one execution of one machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionId {
    /// `arn:aws:states:<region>:<account>:execution:<machine>:<name>`.
    pub arn: String,
    /// The name that the execution was started under.
    pub name: String,
    /// ARN of the state machine that runs.
    pub machine_arn: String,
}

impl ExecutionId {
    /// The machine's name: what follows the last colon of its ARN.
    #[must_use]
    pub fn machine_name(&self) -> &str {
        last_segment(&self.machine_arn)
    }

    /// The region in the machine's ARN, or an empty text where it has none.
    pub(crate) fn region(&self) -> &str {
        self.machine_arn.split(':').nth(3).unwrap_or_default()
    }
}

fn last_segment(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}

/// One attempt of one Task state, unique within its execution. A retry is a
/// new task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskId(pub(crate) u64);

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task-{}", self.0)
    }
}

/// The text that a `waitForTaskToken` task hands out, and that answers it.
///
/// It is derived from the execution's ARN and the task, so the same run gives
/// the same tokens. It is long enough never to collide, and is not a secret:
/// this interpreter serves local runs only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskToken(String);

impl TaskToken {
    /// Takes a text from outside for a token; [`crate::Execution::deliver`]
    /// says whether it is one.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The token as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn derive(execution_arn: &str, task: TaskId) -> Self {
        Self(format!(
            "{}{}",
            digest("token", execution_arn, task),
            digest("check", execution_arn, task)
        ))
    }
}

impl fmt::Display for TaskToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a child execution whose state gives none. AWS makes up a random
/// one; a derived one keeps a repeated start idempotent.
pub(crate) fn child_name(execution_arn: &str, task: TaskId) -> String {
    let hex = digest("child", execution_arn, task);
    let (head, tail) = hex.split_at(16);
    let (variant, node) = tail.split_at(4);
    format!("{}-{}-{}-{variant}-{node}", &head[..8], &head[8..12], &head[12..])
}

/// 32 hexadecimal digits from a purpose, an ARN and a task.
fn digest(purpose: &str, arn: &str, task: TaskId) -> String {
    let halves = [0xcbf2_9ce4_8422_2325_u64, 0x9e37_79b9_7f4a_7c15].map(|basis| {
        let text = purpose.bytes().chain(arn.bytes());
        // FNV-1a, then mixed so that near inputs share no digits.
        let hash = text.fold(basis, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        mix(mix(hash) ^ task.0.wrapping_mul(0xd134_2543_de82_ef95))
    });
    format!("{:016x}{:016x}", halves[0], halves[1])
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014): every input bit
/// reaches every output bit.
pub(crate) fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
