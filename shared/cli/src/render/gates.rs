//! Gates: who is needed, for which plan, until when.

use jiff::Timestamp;
use tidegate_core::deployment::{Deployment, Phase};
use tidegate_core::gates::{GateState, still_needed};
use tidegate_core::spec::{Gate, GatePhase};

use super::Paint;
use super::phases::Mark;
use super::words::{clean, duration, seconds_between};

/// The gate that waits for people, with its rule.
pub fn open_gate(deployment: &Deployment, before: Option<GatePhase>) -> Option<(GatePhase, &GateState)> {
    if deployment.exit.is_some() || deployment.abort.is_some() {
        return None;
    }
    let fits = |phase: &GatePhase, state: &GateState| {
        state.passed_at.is_none() && before.is_none_or(|before| *phase == before)
    };
    deployment
        .gates
        .iter()
        .find(|(phase, state)| fits(phase, state))
        .map(|(phase, state)| (*phase, state))
}

/// The lines of the gate before a phase, if the file has one there.
pub(super) fn before(deployment: &Deployment, phase: Phase, now: Timestamp, paint: Paint) -> Vec<String> {
    let rule = deployment
        .gate_before(phase)
        .and_then(|before| deployment.gate_rule(before));
    let Some(rule) = rule else { return Vec::new() };
    match deployment.gates.get(&rule.before) {
        None => vec![format!(
            "{} {}",
            Mark::NotBegun.symbol(),
            paint.dim(&format!("gate: {} will be asked", everyone(&rule)))
        )],
        Some(state) => asked(deployment, &rule, state, now, paint),
    }
}

/// Whether people were asked before a phase, and have not let it begin.
pub(super) fn holds(deployment: &Deployment, phase: Phase) -> bool {
    let state = deployment
        .gate_before(phase)
        .and_then(|before| deployment.gates.get(&before));
    state.is_some_and(|state| state.passed_at.is_none())
}

fn asked(
    deployment: &Deployment,
    rule: &Gate,
    state: &GateState,
    now: Timestamp,
    paint: Paint,
) -> Vec<String> {
    let mut lines = Vec::new();
    let waits = open_gate(deployment, Some(rule.before)).is_some();
    if state.passed_at.is_some() {
        lines.push(format!("{} gate: approved", Mark::Done.symbol()));
    } else if waits {
        let needs = format!("gate: needs {}", still_needed(rule, state));
        let left = duration(seconds_between(now, state.expires_at));
        let until = if now < state.expires_at {
            format!("within {left}")
        } else {
            "but is expired".to_owned()
        };
        lines.push(format!(
            "{} {} {until}, for plan {}",
            Mark::Underway.symbol(),
            paint.warn(&needs),
            state.plan_hash.short()
        ));
    } else {
        lines.push(format!("{} gate: not passed", Mark::Failed.symbol()));
    }
    lines.extend(
        state
            .decisions
            .iter()
            .map(|decision| format!("   {}", clean(&decision.describe()))),
    );
    if waits {
        lines.push(format!(
            "   → tidegate approve {} --plan {}",
            deployment.id,
            state.plan_hash.short()
        ));
    }
    lines
}

fn everyone(rule: &Gate) -> String {
    rule.approvals
        .iter()
        .map(|one| format!("{} {}", one.count, one.role))
        .collect::<Vec<_>>()
        .join(", ")
}
