//! Gates: invariants 13 to 15.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::event::Event;
use crate::exit::AbortCause;
use crate::gates::GateDecision;
use crate::spec::{Gate, GatePhase};

use super::view::{Record, View, Writer};

fn rule(record: &Record, before: GatePhase) -> Option<Gate> {
    record.deployment.gate_rule(before)
}

/// 13. An approval is honoured once, before it expires, and only for the plan (by hash) that it was
///     given for.
///
/// Sees every decision that was taken down; a decision that was refused leaves no trace, as it should.
pub(super) fn approvals_count_once(view: &View) -> Vec<String> {
    let mut found = Vec::new();
    for record in &view.deployments {
        let mut passed = BTreeSet::new();
        for entry in &record.journal {
            if let Event::Decided { before, decision } = &entry.event {
                let late = passed.contains(before);
                found.extend(wrong_decision(record, *before, decision, entry.at, late));
            } else if let Event::GatePassed { before } = &entry.event {
                let gate = before.as_str();
                if !passed.insert(*before) {
                    found.push(record.says(format!("the gate before {gate} was passed twice")));
                }
                if !enough(record, *before) {
                    found.push(record.says(format!("the gate before {gate} was passed by too few")));
                }
            }
        }
    }
    found
}

fn wrong_decision(
    record: &Record,
    before: GatePhase,
    decision: &GateDecision,
    at: Timestamp,
    late: bool,
) -> Vec<String> {
    let by = &decision.by;
    let other_plan = record.deployment.asked_hash(before).as_ref() != Some(&decision.plan_hash);
    let gate = record.deployment.gates.get(&before);
    let out_of_time = gate.is_none_or(|gate| at >= gate.expires_at || at < gate.opened_at);
    let faults = [
        (other_plan, "decided about another plan"),
        (out_of_time, "decided out of time"),
        (late, "decided after the gate was passed"),
    ];
    let seen = faults.into_iter().filter(|(seen, _)| *seen);
    seen.map(|(_, what)| record.says(format!("{by} {what}")))
        .collect()
}

fn enough(record: &Record, before: GatePhase) -> bool {
    let state = record.deployment.gates.get(&before);
    rule(record, before)
        .zip(state)
        .is_some_and(|(rule, state)| crate::gates::satisfied(&rule, state))
}

/// 14. Approvers are distinct, hold the role asked for, and are not the author of the change.
///
/// Sees the `people` file as it is now; that two names are one person is for that file to say.
pub(super) fn approvers_are_distinct(view: &View) -> Vec<String> {
    let mut found = Vec::new();
    for record in &view.deployments {
        let mut seen = BTreeSet::new();
        for entry in &record.journal {
            let Event::Decided { before, decision } = &entry.event else {
                continue;
            };
            let by = &decision.by;
            if !seen.insert((*before, by.clone())) {
                found.push(record.says(format!("{by} decided twice")));
            }
            if record.deployment.authors().any(|author| author == by) {
                found.push(record.says(format!("{by} decided about an own change")));
            }
            let asked = rule(record, *before)
                .is_some_and(|rule| rule.approvals.iter().any(|one| one.role == decision.role));
            let held = view
                .people
                .identify(by.as_str())
                .is_some_and(|(_, entry)| entry.roles.contains(&decision.role));
            if !asked || !held {
                found.push(record.says(format!("{by} decided as {}", decision.role)));
            }
        }
    }
    found
}

/// 15. A denied or expired approval moves no traffic.
///
/// Sees decisions and rises of the rule after the denial.
pub(super) fn denied_moves_nothing(view: &View) -> Vec<String> {
    let mut found = Vec::new();
    for record in &view.deployments {
        let mut denied = None;
        for entry in &record.journal {
            let refused = matches!(&entry.event, Event::Decided { decision, .. } if !decision.approve);
            let stopped = matches!(
                &entry.event,
                Event::AbortRequested {
                    cause: AbortCause::ApprovalExpired { .. } | AbortCause::Rejected { .. }
                }
            );
            if let Event::WeightDecided { weight, .. } = &entry.event
                && denied.is_some()
            {
                found.push(record.says(format!("{weight} was decided after it was denied")));
            }
            if refused || stopped {
                denied.get_or_insert(entry.at);
            }
        }
        let (Some(denied), Some(plan)) = (denied, record.plan()) else {
            continue;
        };
        for change in view.changes() {
            let rises = change.slot == plan.candidate && change.to > change.from;
            let ours = change.by == Writer::Tidegate && record.active_at(change.at);
            if rises && ours && change.at > denied {
                found.push(record.says("the candidate's weight rose after it was denied"));
            }
        }
    }
    found
}
