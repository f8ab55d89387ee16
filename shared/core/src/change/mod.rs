//! Changes besides the image itself: migrations, backups, settings. Each says how it can be undone,
//! is part of the plan and its hash, and is made and undone by the same decisions as all others.

mod alarm;
mod backup;
mod container;
mod dashboard;
mod expected;
pub mod flags;
pub mod index;
pub mod monitored;
mod monitoring;
pub mod parameter;
mod plan;
mod proposal;
mod stack;
mod state;
mod stays;
mod tail;
mod terraform;
mod terraform_back;
pub mod test_alarm;

use serde::{Deserialize, Serialize};

pub use alarm::{AlarmDefinition, AlarmMetric, AlarmQuery, Exact};
pub(crate) use backup::taken;
pub use backup::{Source, size};
pub use container::{ContainerSetting, SettingNow, SettingTo, container_settings};
pub use expected::{Expected, ResourceKind, Setting, Settings};
pub use monitored::{MAX_KEPT_ALARM_BYTES, MAX_KEPT_DASHBOARD_BYTES, Monitored, is_ours};
pub use monitoring::{Names, alarm_tested, alarms_made};
pub use plan::{Around, contracting, contracts, indexes, planned};
pub use proposal::{Effect, EffectKind, Proposal, Proposed};
pub use stack::{MAX_KEPT_TEMPLATE_BYTES, StackBefore, StackWork, StoredText};
pub use state::{ChangeStage, ChangeState, Next, Progress, Seen};
pub(crate) use stays::in_brackets;
pub use stays::{Choice, Stays};
pub use tail::{LINES, tail};
pub use terraform::{
    EXIT_LOCKED, EXIT_OTHER_PLAN, EXIT_OTHER_VARIABLES, EXIT_STALE, MAX_PLAN_BYTES, PlanError, TerraformPlan,
    TerraformWork, nothing_was_applied, why_it_failed,
};

pub use terraform_back::terraform_way_back;

use crate::analyzer::AnalyzerWork;
use crate::decision::POLL_SECONDS;
use crate::deployment::Phase;
use crate::ids::ChangeId;

/// One change that a deployment makes, fixed in its plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Its name within the deployment, such as `migration:add-email`.
    pub id: ChangeId,
    /// The phase that makes it.
    pub phase: Phase,
    /// How it can be undone.
    pub undo: Undo,
    /// Whether it is undone at every exit, the good one too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub temporary: bool,
    /// What is done.
    pub work: Work,
    /// How long making it may take, and undoing it, seconds.
    pub timeout_seconds: u32,
}

/// How a change can be undone. A rollback reads this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Undo {
    /// There is nothing to undo: it only looked, or it keeps something safe.
    Nothing,
    /// It is taken back.
    Revertible,
    /// It stays; the revision before works with it.
    ForwardOnly,
    /// Only a backup brings back what was: a person decides.
    NeedsRestore,
}

/// What a change does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "work")]
pub enum Work {
    /// A task of the candidate's own task definition, with another command.
    Run {
        /// The command that makes the change.
        command: Vec<String>,
        /// The command that takes it back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        down: Option<Vec<String>>,
        /// Whether the lines that it writes are left where it writes them.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        silent: bool,
    },
    /// A look at what a person makes: it waits until everything is as expected.
    Verify {
        /// How it shall be.
        expected: Vec<Expected>,
    },
    /// A global secondary index of a DynamoDB table is added or taken away.
    Index {
        /// Which, and what it shall be.
        index: index::IndexWork,
        /// What the plan has seen of its table.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        planned: Option<index::TableSize>,
    },
    /// A backup is taken and seen complete. Tidegate never deletes one.
    Backup {
        /// Of what.
        source: Source,
    },
    /// Application Auto Scaling leaves an ECS service alone.
    SuspendScaling {
        /// Name of the ECS service.
        service: String,
    },
    /// A parameter of Systems Manager gets a value. The file is not secret, so neither is the value.
    SetParameter {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
    /// Flags of a configuration in AppConfig. The file is not secret, so neither is what they shall be.
    SetFlags {
        /// Which, and to what.
        flags: flags::FlagsWork,
    },
    /// A change set of a CloudFormation stack.
    Stack {
        /// What the stack shall be.
        stack: StackWork,
    },
    /// A plan of Terraform, made and applied by tasks.
    Terraform {
        /// What it shall be planned with.
        terraform: TerraformWork,
    },
    /// A function of the user looks at the revision and recommends. What it says is its proposal.
    Analyze {
        /// Which, and how long it may take.
        analyzer: AnalyzerWork,
    },
    /// Something that watches the target is put into CloudWatch.
    Monitor {
        /// Name of the dashboard, the alarm or the log group.
        name: String,
        /// What it shall be.
        wanted: Monitored,
    },
    /// An alarm that stands for nothing is set, and its event seen to arrive.
    TestAlarm {
        /// Its name.
        name: String,
        /// ARN of an SNS topic that it tells, too.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        topic: Option<String>,
    },
}

/// What was there before, for an undo to bring back exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "was")]
pub enum Before {
    /// It did not exist.
    Absent,
    /// A scalable target of Application Auto Scaling.
    Scaling {
        /// What of it was suspended.
        suspended: Suspended,
        /// Fewest tasks that it scales to; never changed, for people to compare.
        min: i32,
        /// Most tasks that it scales to; never changed.
        max: i32,
    },
    /// A parameter of Systems Manager. Its old value stays there, and only there.
    Parameter {
        /// Its version.
        version: i64,
    },
    /// A configuration in AppConfig. The flags of it stay there, and only there.
    Flags {
        /// Which version of it was deployed.
        held: flags::FlagsBefore,
    },
    /// An index of a DynamoDB table.
    Index {
        /// As it was.
        held: index::IndexDefinition,
    },
    /// A CloudFormation stack.
    Stack {
        /// As it was.
        stack: Box<StackBefore>,
    },
    /// What Terraform knows in its own state, which Tidegate does not read.
    TerraformState,
    /// Something that watches the target.
    Monitored {
        /// As it was.
        held: Monitored,
    },
}

/// Which ways of scaling are suspended: `SuspendedState` of a scalable target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Suspended {
    /// Scaling in by a policy.
    pub scale_in: bool,
    /// Scaling out by a policy.
    pub scale_out: bool,
    /// Scaling at a time.
    pub scheduled: bool,
}

impl Suspended {
    /// All of them.
    pub const ALL: Self = Self {
        scale_in: true,
        scale_out: true,
        scheduled: true,
    };
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Made.
    Make,
    /// Undone.
    Undo,
}

impl Undo {
    /// Its name in files, plans and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing to undo",
            Self::Revertible => "revertible",
            Self::ForwardOnly => "forward-only",
            Self::NeedsRestore => "needs-restore",
        }
    }
}

impl Direction {
    /// As part of a client token.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Make => "make",
            Self::Undo => "undo",
        }
    }
}

impl Before {
    /// The index that was there.
    pub fn index(&self) -> Option<&index::IndexDefinition> {
        if let Self::Index { held } = self {
            Some(held)
        } else {
            None
        }
    }

    /// What was there, for whoever must bring it back by hand.
    pub fn describe(&self) -> String {
        match self {
            Self::Absent => "there was nothing".to_owned(),
            Self::Scaling { suspended, min, max } => {
                let is = |suspended| if suspended { "suspended" } else { "on" };
                format!(
                    "scaling in was {}, scaling out {}, scheduled scaling {}, from {min} to {max} tasks",
                    is(suspended.scale_in),
                    is(suspended.scale_out),
                    is(suspended.scheduled)
                )
            }
            Self::Parameter { version } => format!("version {version} was there"),
            Self::Flags { held } => format!(
                "version {} was deployed in AppConfig (SHA-256 {})",
                held.version, held.content_hash
            ),
            Self::Index { held } => format!("the index had {held}"),
            Self::Stack { stack } => format!("the template with SHA-256 {}", stack.template_hash),
            Self::TerraformState => "the versions of Terraform's state have what was there".to_owned(),
            Self::Monitored { held } => held.describe(),
        }
    }
}

impl Work {
    /// The command that goes this way, of work that is a task.
    pub fn command(&self, direction: Direction) -> Option<&[String]> {
        match (self, direction) {
            (Self::Run { command, .. }, Direction::Make) => Some(command),
            (Self::Run { down, .. }, Direction::Undo) => down.as_deref(),
            (
                Self::Verify { .. }
                | Self::Index { .. }
                | Self::Backup { .. }
                | Self::SuspendScaling { .. }
                | Self::SetParameter { .. }
                | Self::SetFlags { .. }
                | Self::Stack { .. }
                | Self::Terraform { .. }
                | Self::Analyze { .. }
                | Self::Monitor { .. }
                | Self::TestAlarm { .. },
                Direction::Make | Direction::Undo,
            ) => None,
        }
    }

    /// Whether it says what it would do before it is made.
    pub const fn proposes(&self) -> bool {
        match self {
            Self::Stack { .. } | Self::Terraform { .. } | Self::Analyze { .. } => true,
            Self::Run { .. }
            | Self::Index { .. }
            | Self::Verify { .. }
            | Self::Backup { .. }
            | Self::SuspendScaling { .. }
            | Self::SetParameter { .. }
            | Self::SetFlags { .. }
            | Self::Monitor { .. }
            | Self::TestAlarm { .. } => false,
        }
    }

    /// Whether a person makes it, and Tidegate only looks.
    pub const fn is_by_hand(&self) -> bool {
        matches!(self, Self::Verify { .. })
    }

    /// Whether it can be taken back while it is still going on.
    pub const fn is_stopped(&self) -> bool {
        match self {
            // AppConfig stops a deployment at any time, and returns everybody to the version before.
            Self::SetFlags { .. } => true,
            // DynamoDB deletes an index while it fills it, but ends every deletion.
            Self::Index { index, .. } => !index.removes(),
            Self::Run { .. }
            | Self::Verify { .. }
            | Self::Backup { .. }
            | Self::SuspendScaling { .. }
            | Self::SetParameter { .. }
            | Self::Stack { .. }
            | Self::Terraform { .. }
            | Self::Analyze { .. }
            | Self::Monitor { .. }
            | Self::TestAlarm { .. } => false,
        }
    }
}

impl Change {
    /// What it makes to watch the service, and its name, where it is about that.
    pub fn monitored(&self) -> Option<(&str, &Monitored)> {
        if let Work::Monitor { name, wanted } = &self.work {
            Some((name, wanted))
        } else {
            None
        }
    }

    /// Between two looks at it, seconds.
    pub fn poll_seconds(&self) -> u32 {
        match self.work {
            Work::Run { .. }
            | Work::SuspendScaling { .. }
            | Work::SetParameter { .. }
            | Work::Stack { .. }
            | Work::Analyze { .. }
            | Work::Monitor { .. }
            | Work::TestAlarm { .. } => POLL_SECONDS,
            // A person is slower than a task, and may take hours.
            Work::Verify { .. } => 60,
            // Its tasks may take hours, too, and so does a large table.
            Work::Terraform { .. } | Work::Index { .. } => (self.timeout_seconds / 240).max(POLL_SECONDS),
            // Few enough looks that even hours of them fit an execution's history.
            Work::Backup { .. } => (self.timeout_seconds / 120).max(30),
            Work::SetFlags { .. } => (self.timeout_seconds / 120).max(POLL_SECONDS),
        }
    }

    /// About how long it takes, seconds.
    pub fn expected_seconds(&self) -> u64 {
        /// A short task, or a setting that is read back.
        const SHORT: u64 = 60;
        match &self.work {
            // Some minutes even of a small table; nobody knows how many of a large one.
            Work::Index {
                planned: Some(planned),
                ..
            } if planned.done => SHORT,
            Work::Index { .. } => 5 * SHORT,
            Work::SetFlags { flags } => SHORT + flags.strategy_seconds(),
            Work::Run { .. }
            | Work::Verify { .. }
            | Work::Backup { .. }
            | Work::SuspendScaling { .. }
            | Work::SetParameter { .. }
            | Work::Stack { .. }
            | Work::Terraform { .. }
            | Work::Analyze { .. }
            | Work::Monitor { .. }
            | Work::TestAlarm { .. } => SHORT,
        }
    }

    /// Between two looks at what it would do, seconds.
    pub fn proposal_poll_seconds(&self) -> u32 {
        match self.is_terraform() {
            true => self.poll_seconds(),
            false => POLL_SECONDS / 2,
        }
    }

    /// Within how long it says what it would do, seconds, or never will.
    pub fn proposal_seconds(&self) -> u32 {
        match self.is_terraform() {
            true => self.timeout_seconds,
            false => 900,
        }
    }

    const fn is_terraform(&self) -> bool {
        self.terraform().is_some()
    }

    /// What Terraform is to do, of a change that is Terraform's.
    const fn terraform(&self) -> Option<&TerraformWork> {
        if let Work::Terraform { terraform } = &self.work {
            Some(terraform)
        } else {
            None
        }
    }

    /// Why it stays, of a kind of change that never has a way back.
    pub const fn has_no_way_back(&self) -> Option<&'static str> {
        if self.is_terraform() {
            return Some(terraform::NO_WAY_BACK);
        }
        if let Work::Index { index, .. } = &self.work
            && index.removes()
        {
            return Some(index::NO_WAY_BACK);
        }
        None
    }

    /// How it can be undone, now that it is known what was there.
    pub fn undo_from(&self, before: Option<&Before>) -> Undo {
        match self.kept_because(before) {
            Some(_) => Undo::ForwardOnly,
            None => self.undo,
        }
    }

    /// Why a change that is revertible by its kind stays, by what was there before it.
    pub fn kept_because(&self, before: Option<&Before>) -> Option<String> {
        match (&self.work, before?) {
            (Work::Stack { stack }, Before::Absent) => Some(format!(
                "stack {} did not exist before, and a rollback deletes nobody's data",
                stack.name
            )),
            (Work::Stack { stack }, Before::Stack { stack: was }) => was.is_lost(stack),
            (
                Work::Stack { .. },
                Before::Scaling { .. }
                | Before::Parameter { .. }
                | Before::Index { .. }
                | Before::TerraformState
                | Before::Flags { .. }
                | Before::Monitored { .. },
            )
            | (
                Work::Run { .. }
                | Work::Index { .. }
                | Work::Verify { .. }
                | Work::Backup { .. }
                | Work::SuspendScaling { .. }
                | Work::SetParameter { .. }
                | Work::Terraform { .. }
                | Work::Analyze { .. }
                | Work::SetFlags { .. }
                | Work::Monitor { .. }
                | Work::TestAlarm { .. },
                _,
            ) => None,
        }
    }

    /// What is done.
    pub fn what(&self) -> String {
        match &self.work {
            Work::Run { command, .. } => format!("run `{}`", command.join(" ")),
            Work::Verify { expected } => {
                let resources: Vec<String> = expected.iter().map(Expected::describe).collect();
                format!("a person sees to {}", resources.join("; "))
            }
            Work::Index { index, planned } => index.describe(planned.as_ref()),
            Work::Backup { source } => format!("back up {}", source.title()),
            Work::SuspendScaling { service } => format!("suspend autoscaling of ECS service {service}"),
            Work::SetParameter { value, .. } => format!("set it to `{}`", shortened(value)),
            Work::Analyze { analyzer } => {
                let required = if analyzer.required {
                    ", which is required"
                } else {
                    ""
                };
                format!(
                    "ask Lambda function {} for its analysis{required}",
                    analyzer.function
                )
            }
            Work::SetFlags { flags } => format!("turn {} ({})", flags.told(), flags.strategy),
            Work::Monitor { wanted, .. } => wanted.told(),
            Work::TestAlarm { .. } => {
                "set an alarm that stands for nothing and see its event arrive".to_owned()
            }
            Work::Terraform { terraform } => terraform.describe(),
            Work::Stack { stack } => format!(
                "update CloudFormation stack {} to {}, as its change set says",
                stack.name, stack.template
            ),
        }
    }

    /// One line of the plan.
    pub fn describe(&self) -> String {
        let because = self
            .has_no_way_back()
            .map_or_else(String::new, |why| format!(": {why}"));
        let undo = match (self.undo, self.work.command(Direction::Undo)) {
            (Undo::Revertible, Some(down)) => format!("revertible with `{}`", down.join(" ")),
            (Undo::Revertible, None) if self.temporary => "put back at the end".to_owned(),
            (undo, _) => format!("{}{because}", undo.as_str()),
        };
        format!("{}: {} ({undo})", self.id, self.what())
    }
}

/// As much of a value as a line of a plan has room for; the file has all of it.
fn shortened(value: &str) -> String {
    const MOST: usize = 80;
    match value.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", value.get(..end).unwrap_or(value)),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::Direction;

    #[test]
    fn making_and_undoing_have_tokens_of_their_own() {
        // Tasks that run are found again by it, so it never changes.
        assert_eq!(
            [Direction::Make, Direction::Undo].map(Direction::as_str),
            ["make", "undo"]
        );
    }
}
