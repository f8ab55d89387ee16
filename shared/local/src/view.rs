//! What the checker sees of a local cloud.

use std::collections::{BTreeMap, BTreeSet};

use crate::cloud::State;
use crate::fleet::{AlarmValue, RuleAction, plan_file};
use jiff::Timestamp;
use tidegate_aws::naming::change_token;
use tidegate_core::change::{Direction, Work};
use tidegate_core::deployment::Deployment;
use tidegate_core::gates::People;
use tidegate_core::ids::{Digest, Slot};
use tidegate_core::invariants::{
    AlarmReading, ChangeRun, Definition, ExecutionSeen, Record, SettingReading, SlotReading, View,
    WeightReading, Writer,
};
use tidegate_core::journal::Entry;
use tidegate_core::target::TargetState;
use tidegate_core::wiring::Forward;

/// What was read of the table for one target.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The target's record.
    pub target: TargetState,
    /// Who may decide what.
    pub people: People,
    /// Heads with their journals, oldest first.
    pub deployments: Vec<(Deployment, Vec<Entry>)>,
}

/// The view of one target. Needs a [`crate::history::History`] that was on from the start.
pub fn of(state: &State, stored: Stored, now: Timestamp, over: bool) -> View {
    let names = names(&stored.target);
    let deployments: Vec<Record> = stored
        .deployments
        .into_iter()
        .map(|(deployment, journal)| Record {
            executions: executions(state, &deployment),
            deployment,
            journal,
        })
        .collect();
    let rule = names.rule(state);
    View {
        now,
        over,
        people: stored.people,
        groups: names.groups(state),
        weights: rule.as_deref().map_or_else(Vec::new, |rule| weights(state, rule)),
        forward: rule.as_deref().and_then(|rule| forward(state, rule)),
        slots: names.slots(state),
        definitions: definitions(state, &deployments),
        alarms: alarms(state),
        runs: change_runs(state, &deployments),
        settings: settings(state),
        secrets: state.fleet.secrets().map(str::to_owned).collect(),
        leaks: state.leaks.clone(),
        notices: notices(state),
        deployments,
        target: stored.target,
    }
}

/// What a target's things are called, as `infra/service.yaml` names them.
struct Names {
    cluster: String,
    service: String,
    prefix: String,
}

fn names(target: &TargetState) -> Names {
    let id = &target.target;
    let cluster = target.spec.cluster.clone();
    Names {
        cluster: cluster.unwrap_or_else(|| id.environment.to_string()),
        service: id.service.to_string(),
        prefix: format!("{}-{}", id.service, id.environment),
    }
}

impl Names {
    fn groups(&self, state: &State) -> BTreeMap<Slot, String> {
        let two = [Slot::Blue, Slot::Green].map(|slot| (slot, format!("{}-{slot}", self.prefix)));
        // One ECS service has one target group.
        let one = (Slot::Blue, self.prefix.clone());
        two.into_iter()
            .chain([one])
            .filter(|(_, name)| state.fleet.target_group_arn(name).is_some())
            .collect()
    }

    fn rule(&self, state: &State) -> Option<String> {
        let groups = self.groups(state);
        let group = state.fleet.target_group_arn(groups.get(&Slot::Blue)?)?;
        state.fleet.rule_of_target_group(group).map(str::to_owned)
    }

    fn slot(&self, service: &str) -> Option<Slot> {
        match service.strip_prefix(&self.service)? {
            "" | "-blue" => Some(Slot::Blue),
            "-green" => Some(Slot::Green),
            _ => None,
        }
    }

    fn slots(&self, state: &State) -> Vec<SlotReading> {
        let seen = state
            .history
            .services
            .iter()
            .filter(|seen| seen.cluster == self.cluster);
        seen.filter_map(|seen| {
            Some(SlotReading {
                at: seen.at,
                slot: self.slot(&seen.name)?,
                desired: seen.desired,
                healthy: seen.healthy,
                digests: seen.digests.iter().filter_map(|text| text.parse().ok()).collect(),
                task_definition: seen.task_definition.clone(),
            })
        })
        .collect()
    }
}

fn executions(state: &State, deployment: &Deployment) -> Vec<ExecutionSeen> {
    let all = state.engine.executions();
    let ours = all
        .into_iter()
        .filter(|(_, execution)| execution.input()["deployment"].as_str() == Some(deployment.id.as_str()));
    ours.map(|(_, execution)| ExecutionSeen {
        started: execution.started(),
        ended: execution.stopped(),
    })
    .collect()
}

/// Tasks that were started and change sets that were executed for changes, by the token that each has.
fn change_runs(state: &State, deployments: &[Record]) -> Vec<ChangeRun> {
    let planned = deployments.iter().flat_map(|record| {
        let changes = record.deployment.planned_changes().iter();
        changes.map(move |change| (&record.deployment.id, &change.id))
    });
    let mut runs = Vec::new();
    for (deployment, change) in planned {
        for direction in [Direction::Make, Direction::Undo] {
            let token = change_token(deployment, change, direction);
            let ours = state
                .fleet
                .tasks()
                .filter(|task| task.started_by.as_deref() == Some(&*token));
            runs.extend(ours.map(|task| ChangeRun {
                at: task.created_at,
                deployment: deployment.clone(),
                change: change.clone(),
                direction,
                artifact: plan_file(&task.overrides),
            }));
            // An update that is cancelled takes itself back.
            let cancelled = state.fleet.cloudformation.cancelled.iter();
            let own = change_token(deployment, change, Direction::Make);
            let taken_back =
                cancelled.filter(|one| direction == Direction::Undo && one.token.as_deref() == Some(&*own));
            runs.extend(taken_back.map(|one| ChangeRun {
                at: one.at,
                deployment: deployment.clone(),
                change: change.clone(),
                direction,
                artifact: None,
            }));
            let executed = state.fleet.cloudformation.executed.iter();
            let ours = executed.filter(|one| one.token.as_deref() == Some(&*token));
            runs.extend(ours.map(|one| ChangeRun {
                at: one.at,
                deployment: deployment.clone(),
                change: change.clone(),
                direction,
                artifact: Some(one.change_set.clone()),
            }));
        }
    }
    runs.extend(deployments.iter().flat_map(|record| index_runs(state, record)));
    runs.sort_by_key(|run| run.at);
    runs
}

/// Changes of indexes that DynamoDB took while a deployment went on that has them in its plan.
fn index_runs<'a>(state: &'a State, record: &'a Record) -> impl Iterator<Item = ChangeRun> + 'a {
    let deployment = &record.deployment;
    let indexes = deployment.planned_changes().iter();
    let indexes = indexes.filter_map(|change| {
        let Work::Index { index, .. } = &change.work else {
            return None;
        };
        Some((change, index))
    });
    let ended = deployment.exit.as_ref().map_or(Timestamp::MAX, |exit| exit.at);
    indexes.flat_map(move |(change, index)| {
        let name = format!("index:{}", index.title());
        let log = state.fleet.settings_log.iter();
        let own = log.filter(move |seen| seen.name == name);
        let own = own.filter(move |seen| (deployment.requested_at..=ended).contains(&seen.at));
        own.map(move |seen| ChangeRun {
            at: seen.at,
            deployment: deployment.id.clone(),
            change: change.id.clone(),
            direction: match seen.value.is_none() == index.removes() {
                true => Direction::Make,
                false => Direction::Undo,
            },
            artifact: None,
        })
    })
}

/// Operations that set what a deployment puts back.
const SETTING: [&str; 12] = [
    "RegisterScalableTarget",
    "StartDeployment",
    "StopDeployment",
    "PutParameter",
    "DeleteParameter",
    "PutMetricAlarm",
    "DeleteAlarms",
    "PutDashboard",
    "DeleteDashboards",
    "PutRetentionPolicy",
    "DeleteRetentionPolicy",
    "UpdateTable",
];

/// Settings as they were set. What no function has called for, somebody else has set.
fn settings(state: &State) -> Vec<SettingReading> {
    let ours: BTreeSet<Timestamp> = state
        .calls
        .iter()
        .filter(|call| call.caller != "outside")
        .filter(|call| SETTING.contains(&call.operation.as_str()))
        .map(|call| call.at)
        .collect();
    let log = &state.fleet.settings_log;
    let names: BTreeSet<&str> = log.iter().map(|seen| seen.name.as_str()).collect();
    let none = names.into_iter().map(|name| SettingReading {
        at: Timestamp::MIN,
        name: name.to_owned(),
        value: None,
        by: Writer::Outside,
    });
    let set = log.iter().map(|seen| SettingReading {
        at: seen.at,
        name: seen.name.clone(),
        value: seen.value.clone(),
        by: if ours.contains(&seen.at) {
            Writer::Tidegate
        } else {
            Writer::Outside
        },
    });
    none.chain(set).collect()
}

fn weights(state: &State, rule: &str) -> Vec<WeightReading> {
    let hands: BTreeSet<Timestamp> = state
        .calls
        .iter()
        .filter(|call| call.caller == "outside" && call.operation == "ModifyRule")
        .map(|call| call.at)
        .collect();
    let changes = state
        .fleet
        .weights_log
        .iter()
        .filter(|change| change.rule == rule);
    changes
        .map(|change| WeightReading {
            at: change.at,
            weights: change
                .weights
                .iter()
                .map(|(group, weight)| (group.clone(), u32::from(*weight)))
                .collect(),
            by: if hands.contains(&change.at) {
                Writer::Outside
            } else {
                Writer::Tidegate
            },
        })
        .collect()
}

fn forward(state: &State, rule: &str) -> Option<Forward> {
    match &state.fleet.rule(rule)?.action {
        RuleAction::Forward {
            targets,
            sticky,
            sticky_seconds,
        } => Some(Forward {
            target_groups: targets
                .iter()
                .map(|target| (target.target_group.clone(), u32::from(target.weight)))
                .collect(),
            stickiness: Some((
                *sticky,
                sticky_seconds.and_then(|seconds| i32::try_from(seconds).ok()),
            )),
        }),
        RuleAction::Fixed(_) => None,
    }
}

fn definitions(state: &State, deployments: &[Record]) -> BTreeMap<String, Definition> {
    let arns = deployments.iter().flat_map(|record| {
        let stable = record
            .deployment
            .plan
            .as_ref()
            .and_then(|plan| plan.stable.as_ref());
        let ours = record.deployment.revision.task_definition.clone();
        ours.into_iter()
            .chain(stable.map(|stable| stable.task_definition.clone()))
    });
    arns.filter_map(|arn| {
        let definition = state.fleet.task_definition(&arn)?;
        let digest = definition
            .images()
            .find_map(|image| image.rsplit_once('@')?.1.parse::<Digest>().ok());
        let active = definition.active;
        Some((arn, Definition { digest, active }))
    })
    .collect()
}

fn alarms(state: &State) -> Vec<AlarmReading> {
    let seen = state.history.alarms.iter();
    seen.map(|seen| AlarmReading {
        at: seen.at,
        name: seen.name.clone(),
        firing: seen.value == AlarmValue::Alarm,
    })
    .collect()
}

fn notices(state: &State) -> BTreeSet<String> {
    let sent = state.fleet.outbox.iter();
    sent.filter_map(|published| Some(published.attributes.get("messageId")?.1.clone()))
        .collect()
}
