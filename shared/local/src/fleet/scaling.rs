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

impl ScalableTarget {
    /// What of it is suspended, for people.
    pub fn suspended(&self) -> String {
        format!(
            "suspended: in {}, out {}, scheduled {}",
            self.in_suspended, self.out_suspended, self.scheduled_suspended
        )
    }
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
        self.note_setting(format!("autoscaling:{service}"), Some(target.suspended()));
        self.scalable
            .insert(format!("service/{cluster}/{service}"), target);
    }

    /// From now on nothing that is set of it lasts.
    pub fn pin_scalable(&mut self, cluster: &str, service: &str) {
        self.set_scalable(cluster, service, |target| target.pinned = true);
    }

    /// Changes the scalable target of an ECS service, if it has one.
    pub fn set_scalable(&mut self, cluster: &str, service: &str, set: impl FnOnce(&mut ScalableTarget)) {
        if let Some(target) = self.scalable.get_mut(&format!("service/{cluster}/{service}")) {
            set(target);
            let suspended = target.suspended();
            self.note_setting(format!("autoscaling:{service}"), Some(suspended));
        }
    }

    /// The scalable target of an ECS service.
    pub fn scalable(&self, cluster: &str, service: &str) -> Option<&ScalableTarget> {
        self.scalable.get(&format!("service/{cluster}/{service}"))
    }
}
