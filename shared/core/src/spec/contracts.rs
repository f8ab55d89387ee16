//! Contracts in a deployment file: when, who agrees, and what can't be.

use super::fields::{Fields, Items};
use super::model::{Gate, GatePhase, MigrationStage};
use super::problem::{Draft, ProblemCode, Problems};
use super::scalar::show_duration;
use crate::change::Undo;

/// `stage` of a migration, with `after`.
pub(super) fn stage(section: &Fields, undo: Undo, problems: &mut Problems) -> Option<MigrationStage> {
    let mut refuse = |key: &str, message: &str, help: &str| {
        let draft = Draft::new(ProblemCode::Contradiction, section.key_span(key), message);
        problems.push(draft.help(help));
    };
    let early = match section.text("stage") {
        Some("contract") => {
            if undo == Undo::Revertible {
                let message = "a contract can't be taken back: what older code needs is gone";
                refuse(
                    "stage",
                    message,
                    "take `down` out, and write `undo: needs-restore` where only a backup helps",
                );
            }
            if !section.is_given("after") {
                let message =
                    "a contract is never made in the deployment that brings the code which does without it";
                refuse(
                    "stage",
                    message,
                    "say how long that code serves before: `after: 7d`",
                );
                return None;
            }
            let after_seconds = section.whole("after")?;
            return Some(MigrationStage::Contract { after_seconds });
        }
        Some("backfill") => MigrationStage::Backfill,
        // The table knows these three words only.
        Some(_) | None => MigrationStage::Expand,
    };
    if section.is_given("after") {
        let message = "only a contract waits: this is made before the new revision gets traffic";
        refuse("after", message, "write `stage: contract`, or take `after` out");
    }
    Some(early)
}

/// People are asked before every contract, and not while the deployment can still be taken back.
pub(super) fn check(fields: &Fields, gates: &[Gate], baked_seconds: u32, problems: &mut Problems) {
    let asked = gates.iter().any(|gate| gate.before == GatePhase::Contract);
    let sections = || fields.list("migrations").into_iter().flat_map(Items::sections);
    let mut contracts = sections().filter(|section| section.text("stage") == Some("contract"));
    if asked && contracts.next().is_none() {
        let message = "a gate before `contract` is never asked: no migration has `stage: contract`";
        let draft = Draft::new(ProblemCode::NoEffect, fields.value_span("gates"), message);
        problems.push(draft.help("put the gate before `migrate`, or give a migration that stage"));
    }
    for section in sections().filter(|section| section.text("stage") == Some("contract")) {
        if !asked {
            let message = "nobody is asked before this contract";
            let draft = Draft::new(ProblemCode::Contradiction, section.value_span("stage"), message);
            let help = "add to `gates`: `- {before: contract, approvals: [{role: tech-lead}]}`";
            problems.push(draft.help(help));
        }
        let after = section.whole("after").filter(|_| section.is_given("after"));
        if after.is_some_and(|after: u32| after < baked_seconds) {
            let shown = show_duration(baked_seconds);
            let message = format!(
                "the deployment can still be taken back, or is watched, for {shown}: this contract would be too early"
            );
            let draft = Draft::new(ProblemCode::Contradiction, section.value_span("after"), message);
            problems.push(draft.help(format!("write `after: {shown}` or more")));
        }
    }
}
