//! Reads of AWS, turned into what `tidegate-core` decides on.

#[cfg(feature = "cloudwatch")]
mod alarms;
#[cfg(all(feature = "ecs", feature = "elbv2"))]
pub(crate) mod cost;
#[cfg(feature = "ecr")]
mod evidence;
#[cfg(feature = "elbv2")]
pub(crate) mod forward;
#[cfg(feature = "ecr")]
mod images;
#[cfg(feature = "cloudwatch")]
mod monitoring;
#[cfg(feature = "cloudwatch")]
mod samples;
#[cfg(all(feature = "ecs", feature = "elbv2"))]
mod security;
#[cfg(feature = "ecs")]
pub(crate) mod services;
#[cfg(all(feature = "ecs", feature = "elbv2"))]
mod slots;
#[cfg(all(feature = "ecs", feature = "logs"))]
mod suite_runs;
#[cfg(feature = "ecs")]
mod suites;
#[cfg(feature = "ecs")]
pub(crate) mod task_definitions;
#[cfg(all(feature = "ecs", feature = "elbv2"))]
mod wiring;

#[cfg(feature = "cloudwatch")]
pub use alarms::{alarms, alarms_since, watched_alarms};
#[cfg(all(feature = "ecs", feature = "elbv2"))]
pub use cost::cost_planned;
#[cfg(all(feature = "autoscaling", feature = "ecs", feature = "elbv2"))]
pub use cost::cost_running;
#[cfg(feature = "ecr")]
pub use evidence::{scan, signature};
#[cfg(feature = "elbv2")]
pub use forward::forward;
#[cfg(all(feature = "ecs", feature = "elbv2"))]
pub(crate) use forward::rule_of;
#[cfg(feature = "ecr")]
pub use images::{PushedImage, image, image_by_tag, images_since};
#[cfg(feature = "cloudwatch")]
pub use monitoring::taken;
#[cfg(feature = "cloudwatch")]
pub use samples::{samples, samples_asked};
#[cfg(all(feature = "ecs", feature = "elbv2"))]
pub use security::security;
#[cfg(all(feature = "ecs", feature = "elbv2"))]
pub use slots::{KnownImages, slots};
#[cfg(all(feature = "ecs", feature = "logs"))]
pub use suite_runs::{SuiteClients, suites};
#[cfg(feature = "ecs")]
pub use suites::unknown_suites;
#[cfg(feature = "ecs")]
pub use task_definitions::{
    Configured, container_settings, log_group, registered_task_definition, task_roles,
};
#[cfg(all(feature = "ecs", feature = "elbv2"))]
pub use wiring::{WiringFound, find_wiring};
