//! What must be true in the end: every invariant, and that exactly one version serves.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use tidegate_core::deployment::Deployment;
use tidegate_core::exit::ExitState;
use tidegate_core::ids::{Digest, Slot};
use tidegate_core::invariants::{View, check};
use tidegate_core::journal::Entry;
use tidegate_core::target::TargetState;
use tidegate_local::cloud::{Noted, State};
use tidegate_local::history::ServiceSeen;
use tidegate_local::stage::FIRST_DIGEST;
use tidegate_local::view::{self, Stored};

use crate::files;
use crate::run::DIGEST;
use crate::script::{Case, Way};
use crate::strategy::Strategy;

/// Everything that is wrong at the end of a run.
pub fn problems(
    state: &State,
    case: Case,
    target: TargetState,
    deployments: Vec<(Deployment, Vec<Entry>)>,
    now: Timestamp,
) -> Vec<String> {
    let mut found = Vec::new();
    let contracts = deployments.iter().filter(|(head, _)| head.kind.is_contract());
    let contracts = contracts.count();
    match deployments.len() - contracts {
        0 => found.push("the push was forgotten".to_owned()),
        1 => found.extend(deployments.iter().find_map(|(head, _)| wrong_end(head, case.way))),
        more => found.push(format!("one push made {more} deployments")),
    }
    let exit = exit_of(&deployments);
    let due = case.strategy == Strategy::Contract && exit == Some(ExitState::Completed);
    match contracts {
        0 if due => found.push("its contract was never asked for".to_owned()),
        0 => {}
        1 if due => {}
        more => found.push(format!("{more} deployments made its contract")),
    }
    if target.lock.is_some() {
        found.push("the target is still held".to_owned());
    }
    let stored = Stored {
        target,
        people: files::people(case.strategy)
            .and_then(|people| serde_json::from_str(people).ok())
            .unwrap_or_default(),
        deployments,
    };
    let view = view::of(state, stored, now, true);
    found.extend(check(&view).iter().map(ToString::to_string));
    found.extend(wrong_server(&view, case.strategy, exit));
    found
}

/// How the deployment of the push ended: one that makes a contract moves no traffic.
pub fn exit_of(deployments: &[(Deployment, Vec<Entry>)]) -> Option<ExitState> {
    let mut of_pushes = deployments
        .iter()
        .rev()
        .filter(|(head, _)| !head.kind.is_contract());
    of_pushes.next()?.0.exit.as_ref().map(|exit| exit.state)
}

/// Nothing that was done here calls for a person, and nothing was missing, unless a fault delayed the
/// start until the alarm was there first.
fn wrong_end(head: &Deployment, way: Way) -> Option<String> {
    let exit = head.exit.as_ref()?;
    let right = match exit.state {
        ExitState::Completed | ExitState::Aborted | ExitState::RolledBack => true,
        ExitState::Blocked => way == Way::Back,
        ExitState::RollbackFailed => false,
    };
    (!right).then(|| format!("it ended as {}: {}", exit.state.as_str(), exit.reason))
}

/// Whoever should serve after that end does, alone and with all its tasks.
fn wrong_server(view: &View, strategy: Strategy, exit: Option<ExitState>) -> Vec<String> {
    let should = match exit {
        Some(ExitState::Completed) => DIGEST,
        Some(ExitState::Aborted | ExitState::RolledBack | ExitState::Blocked) | None => FIRST_DIGEST,
        // Said already.
        Some(ExitState::RollbackFailed) => return Vec::new(),
    };
    let mut found = Vec::new();
    let mut full = false;
    for slot in [Slot::Blue, Slot::Green] {
        let last = view.slots.iter().rev().find(|reading| reading.slot == slot);
        let Some(last) = last else { continue };
        let weight = if strategy.weighted() {
            let group = view.groups.get(&slot);
            let now = view.weights.last();
            now.zip(group)
                .and_then(|(now, group)| now.weights.get(group).copied())
                .unwrap_or(0)
        } else if last.healthy > 0 {
            100
        } else {
            0
        };
        if weight == 0 {
            continue;
        }
        let serves: BTreeSet<&str> = last.digests.iter().map(Digest::as_str).collect();
        if weight != 100 {
            found.push(format!("{slot} has {weight} % of the traffic"));
        } else if serves != BTreeSet::from([should]) {
            found.push(format!("{slot} serves {serves:?}, it should be {should}"));
        } else if last.healthy < strategy.replicas() {
            found.push(format!(
                "{slot} serves with {} tasks of {}",
                last.healthy,
                strategy.replicas()
            ));
        } else {
            full = true;
        }
    }
    if found.is_empty() && !full {
        found.push("nobody serves".to_owned());
    }
    found
}

/// When the listener rule last took the candidate's weight away after an instant; the instant itself
/// where the candidate had none.
pub fn weights_back(state: &State, since: Timestamp) -> Option<Timestamp> {
    let log = &state.fleet.weights_log;
    let last = log.last()?;
    if last.green != 0 {
        return None;
    }
    let mut back = None;
    for pair in log.windows(2) {
        if let [before, after] = pair
            && before.green != 0
            && after.green == 0
            && after.at >= since
        {
            back = Some(after.at);
        }
    }
    back
}

/// When a rollback last gave ECS an order after an instant.
pub fn tasks_ordered_back(state: &State, since: Timestamp) -> Option<Timestamp> {
    let orders = state
        .calls
        .iter()
        .filter(|call| call.caller == "rollback" && call.operation == "UpdateService" && call.status == 200);
    // The first one brings tasks back; later ones scale the candidate in.
    orders.map(|call| call.at).find(|at| *at >= since)
}

/// From when on, after an instant, the old version served alone and with all its tasks, up to the end.
/// With a listener rule the other tasks may still be there: they get nothing.
pub fn old_serves_alone(state: &State, strategy: Strategy, since: Timestamp) -> Option<Timestamp> {
    if strategy.weighted() {
        return weights_back(state, since);
    }
    let mut now: BTreeMap<&str, &ServiceSeen> = BTreeMap::new();
    let mut alone_since = None;
    for seen in &state.history.services {
        now.insert(&seen.name, seen);
        let old = |seen: &&&ServiceSeen| seen.digests.iter().all(|digest| digest == FIRST_DIGEST);
        let healthy: u32 = now.values().map(|seen| seen.healthy).sum();
        let alone = now.values().filter(old).count() == now.len() && healthy >= strategy.replicas();
        alone_since = match alone_since {
            held @ Some(_) if alone => held,
            Some(_) | None => alone.then_some(seen.at.max(since)),
        };
    }
    alone_since
}

/// Whether a call is one that a reader of a story wants to see.
pub fn changes_fleet(call: &Noted) -> bool {
    matches!(
        call.operation.as_str(),
        "ModifyRule"
            | "UpdateService"
            | "RegisterTaskDefinition"
            | "RunTask"
            | "StartExecution"
            | "SendTaskSuccess"
            | "SendTaskFailure"
    ) || call.status >= 400
}
