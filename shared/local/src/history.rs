//! What the fleet went through, for those who check it afterwards: every change of a service and of
//! an alarm, as it was when time stood still for it. Written only where someone asked for it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::fleet::{AlarmValue, BusEntry, Fleet};

/// Everything noted so far. In memory only: a restart begins anew.
#[derive(Debug, Default)]
pub struct History {
    /// Whether services and alarms are noted; they cost time.
    pub on: bool,
    /// Changes of ECS services, oldest first.
    pub services: Vec<ServiceSeen>,
    /// Changes of alarms, oldest first.
    pub alarms: Vec<AlarmSeen>,
    /// Everything that was put on the bus.
    pub bus: Vec<BusEntry>,
    /// What CloudWatch found in the logs: lines of the embedded metric format.
    pub metrics: Vec<String>,
    last_services: BTreeMap<(String, String), usize>,
    last_alarms: BTreeMap<String, AlarmValue>,
}

/// An ECS service from an instant on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSeen {
    /// When.
    pub at: Timestamp,
    /// Its cluster.
    pub cluster: String,
    /// Its name.
    pub name: String,
    /// Tasks wanted.
    pub desired: u32,
    /// Tasks that serve.
    pub healthy: u32,
    /// Digests of those.
    pub digests: BTreeSet<String>,
    /// ARN of its task definition.
    pub task_definition: String,
}

impl ServiceSeen {
    fn same(&self, other: &Self) -> bool {
        let at = self.at;
        *self == Self { at, ..other.clone() }
    }
}

/// An alarm from an instant on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmSeen {
    /// When.
    pub at: Timestamp,
    /// Its name.
    pub name: String,
    /// Its state.
    pub value: AlarmValue,
}

impl History {
    /// Notes what has changed since the last time.
    pub(crate) fn note(&mut self, fleet: &Fleet) {
        if !self.on {
            return;
        }
        let at = fleet.now();
        for service in fleet.ecs_services() {
            let seen = look(fleet, at, &service.cluster, &service.name);
            let key = (service.cluster.clone(), service.name.clone());
            let last = self.last_services.get(&key).and_then(|at| self.services.get(*at));
            if last.is_none_or(|last| !last.same(&seen)) {
                self.last_services.insert(key, self.services.len());
                self.services.push(seen);
            }
        }
        for alarm in fleet.alarms() {
            let value = alarm.state.value;
            if self.last_alarms.insert(alarm.name.clone(), value) != Some(value) {
                let name = alarm.name.clone();
                self.alarms.push(AlarmSeen { at, name, value });
            }
        }
    }
}

fn look(fleet: &Fleet, at: Timestamp, cluster: &str, name: &str) -> ServiceSeen {
    let key = format!("{cluster}/{name}");
    let serving: Vec<_> = fleet
        .tasks()
        .filter(|task| task.service.as_deref() == Some(&key) && fleet.is_serving(task))
        .collect();
    let service = fleet.ecs_service(cluster, name);
    ServiceSeen {
        at,
        cluster: cluster.to_owned(),
        name: name.to_owned(),
        desired: service.map_or(0, |service| service.desired),
        healthy: u32::try_from(serving.len()).unwrap_or(u32::MAX),
        digests: serving
            .iter()
            .filter_map(|task| Some(task.image.as_ref()?.digest.clone()))
            .collect(),
        task_definition: service.map_or_else(String::new, |service| service.task_definition().to_owned()),
    }
}
