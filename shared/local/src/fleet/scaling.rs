//! Application Auto Scaling: what is registered, and what of it is suspended. The simulated traffic asks
//! for no other number of tasks, so nothing is ever scaled.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Fleet;

/// The scalable target of an ECS service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScalableTarget {
    /// Fewest tasks.
    pub min: u32,
    /// Most tasks.
    pub max: u32,
    /// Whether policies may not scale in.
    pub in_suspended: bool,
    /// Whether policies may not scale out.
    pub out_suspended: bool,
    /// Whether nothing is scaled at a time.
    pub scheduled_suspended: bool,
    /// What is set of it does not last: something else sets it, too.
    pub pinned: bool,
    /// When it was registered.
    pub created_at: Timestamp,
}

impl Fleet {
    /// Registers the scalable target of an ECS service; nothing of it is suspended.
    pub fn register_scalable(&mut self, cluster: &str, service: &str, min: u32, max: u32) {
        let target = ScalableTarget {
            min,
            max,
            in_suspended: false,
            out_suspended: false,
            scheduled_suspended: false,
            pinned: false,
            created_at: self.now(),
        };
        self.scalable
            .insert(format!("service/{cluster}/{service}"), target);
    }

    /// From now on nothing that is set of it lasts.
    pub fn pin_scalable(&mut self, cluster: &str, service: &str) {
        if let Some(target) = self.scalable(cluster, service) {
            target.pinned = true;
        }
    }

    /// The scalable target of an ECS service, to look at or to change.
    pub fn scalable(&mut self, cluster: &str, service: &str) -> Option<&mut ScalableTarget> {
        self.scalable.get_mut(&format!("service/{cluster}/{service}"))
    }
}
