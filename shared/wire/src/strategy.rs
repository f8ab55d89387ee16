//! The strategies, each with a short deployment file.

use std::time::Duration;

use tidegate_local::fleet::{Fleet, GoldenSpec};
use tidegate_local::stage::FIRST_DIGEST;

use crate::files;

/// How a candidate is brought in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strategy {
    /// Stop the old tasks, start the new ones.
    Recreate,
    /// ECS replaces tasks one after the other.
    Rolling,
    /// All traffic at once, after a test.
    BlueGreen,
    /// Some traffic, then more, then all.
    Canary,
    /// Equal steps.
    Linear,
    /// A canary by share of tasks, without a load balancer.
    Tasks,
    /// Blue-green with a change of every kind that is made and undone: autoscaling, a migration, a
    /// parameter, flags, an alarm and a retention.
    Changes,
    /// Blue-green with all that is asked and built before the candidate is there: permissions, a forecast
    /// of the cost, a backup, an analyzer, a stack, Terraform, and resources that are looked at.
    Foundations,
    /// Blue-green with all that is looked at once it is there: pages, security, a suite that is a function,
    /// performance, the cost, a watch and a report that is kept.
    Checks,
    /// A rolling deployment, and then one that makes its contract, once people agree.
    Contract,
    /// What makes the fewest calls to AWS of all strategies and files, so that all pairs of its faults
    /// can be played: rolling, one task, no load balancer. 112 calls until all is at rest; with a load
    /// balancer 134; recreate of the same size makes 14 more.
    Shortest,
}

impl Strategy {
    /// All that differ; [`Strategy::Shortest`] is one of them in small.
    pub const ALL: [Self; 10] = [
        Self::Recreate,
        Self::Rolling,
        Self::BlueGreen,
        Self::Canary,
        Self::Linear,
        Self::Tasks,
        Self::Changes,
        Self::Foundations,
        Self::Checks,
        Self::Contract,
    ];

    /// Name, as scripts write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Recreate => "recreate",
            Self::Rolling => "rolling",
            Self::BlueGreen => "bluegreen",
            Self::Canary => "canary",
            Self::Linear => "linear",
            Self::Tasks => "tasks",
            Self::Changes => "changes",
            Self::Foundations => "foundations",
            Self::Checks => "checks",
            Self::Contract => "contract",
            Self::Shortest => "shortest",
        }
    }

    /// The strategy of a name.
    pub fn of(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter().chain([Self::Shortest]);
        all.find(|strategy| strategy.name() == name)
    }

    /// The deployment file: as few and as short steps as show everything.
    pub const fn file(self) -> &'static str {
        match self {
            Self::Recreate => "environment: production\nstrategy: recreate\nreplicas: 2\n",
            Self::Rolling => "environment: production\nstrategy: rolling\nreplicas: 3\n",
            Self::Shortest => {
                "environment: production\nstrategy: rolling\nreplicas: 1\nloadBalancer: false\n"
            }
            Self::BlueGreen => {
                "environment: production\nstrategy: bluegreen\nreplicas: 3\ntrafficSwitch:\n  testDuration: 2m\n"
            }
            Self::Changes => files::CHANGES,
            Self::Foundations => files::FOUNDATIONS,
            Self::Checks => files::CHECKS,
            Self::Contract => files::CONTRACT,
            Self::Canary => {
                "environment: production\nstrategy: canary\nreplicas: 4\ncanary:\n  steps:\n    - weight: 25\n      pause: 2m\n    - weight: 100\n  analysis:\n    interval: 1m\n    threshold: 2\n    metrics:\n      - name: error_rate\n        max: 1\n"
            }
            Self::Linear => {
                "environment: production\nstrategy: linear\nreplicas: 3\nlinear:\n  increment: 50\n  pause: 2m\n"
            }
            Self::Tasks => {
                "environment: production\nstrategy: canary\nreplicas: 4\nloadBalancer: false\ncanary:\n  steps:\n    - weight: 25\n      pause: 2m\n    - weight: 100\n"
            }
        }
    }

    /// Tasks that serve.
    pub const fn replicas(self) -> u32 {
        match self {
            Self::Shortest => 1,
            Self::Recreate | Self::Contract => 2,
            Self::Rolling
            | Self::BlueGreen
            | Self::Linear
            | Self::Changes
            | Self::Foundations
            | Self::Checks => 3,
            Self::Canary | Self::Tasks => 4,
        }
    }

    /// Service, which is also the repository.
    pub const fn service(self) -> &'static str {
        match self {
            Self::Tasks | Self::Shortest => "worker",
            Self::Recreate
            | Self::Rolling
            | Self::BlueGreen
            | Self::Canary
            | Self::Linear
            | Self::Changes
            | Self::Foundations
            | Self::Checks
            | Self::Contract => "web",
        }
    }

    /// The target.
    pub fn target(self) -> String {
        format!("{}/production", self.service())
    }

    /// Whether it has two slots.
    pub const fn slots(self) -> bool {
        match self {
            Self::Recreate | Self::Rolling | Self::Contract | Self::Shortest => false,
            Self::BlueGreen
            | Self::Canary
            | Self::Linear
            | Self::Tasks
            | Self::Changes
            | Self::Foundations
            | Self::Checks => true,
        }
    }

    /// Whether a listener rule divides the traffic between the slots.
    pub const fn weighted(self) -> bool {
        match self {
            Self::Recreate | Self::Rolling | Self::Contract | Self::Shortest | Self::Tasks => false,
            Self::BlueGreen
            | Self::Canary
            | Self::Linear
            | Self::Changes
            | Self::Foundations
            | Self::Checks => true,
        }
    }

    /// The alarm of the candidate; without a load balancer there is none, and a person stops it.
    pub const fn alarm(self) -> Option<&'static str> {
        match self {
            Self::Recreate | Self::Rolling | Self::Contract => Some("web-production-error-rate"),
            Self::BlueGreen
            | Self::Canary
            | Self::Linear
            | Self::Changes
            | Self::Foundations
            | Self::Checks => Some("web-production-green-error-rate"),
            Self::Tasks | Self::Shortest => None,
        }
    }

    /// What is there before.
    pub fn golden(self) -> GoldenSpec<'static> {
        GoldenSpec {
            service: self.service(),
            environment: "production",
            replicas: self.replicas(),
            repository: self.service(),
            image_digest: Some(FIRST_DIGEST),
            with_load_balancer: !matches!(self, Self::Tasks | Self::Shortest),
            slots: self.slots(),
        }
    }

    /// What its file finds there besides.
    pub fn furnish(self, fleet: &mut Fleet) {
        files::furnish(self, fleet);
    }

    /// From the candidate's first weight (without weights: its first tasks) to the moment at which it
    /// is turned back.
    pub const fn turned_after(self) -> Duration {
        match self {
            // Its new tasks are just starting.
            Self::Recreate | Self::Rolling | Self::Contract | Self::Shortest => Duration::from_secs(25),
            Self::BlueGreen
            | Self::Canary
            | Self::Linear
            | Self::Changes
            | Self::Foundations
            | Self::Checks => Duration::from_secs(15),
            Self::Tasks => Duration::from_secs(70),
        }
    }
}
