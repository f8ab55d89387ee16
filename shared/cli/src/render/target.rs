//! What is to be known of a target beside its deployment.

use tidegate_core::target::TargetState;

use super::words::clean;

/// Lines about what waits and what may not be deployed; none where all is plain.
pub fn notes(state: &TargetState) -> Vec<String> {
    let queued = state.queue.iter().map(|push| {
        let tag = push.tag.as_deref().unwrap_or_else(|| push.digest.short());
        format!("queued: {}", clean(&format!("{}:{tag}", push.repository)))
    });
    let held = state.quarantine.iter().map(|(digest, held)| {
        format!(
            "in quarantine: {} since {} ({:.0}): {}",
            digest.short(),
            held.deployment,
            held.at,
            clean(&held.reason)
        )
    });
    let contract = state.contract.iter().map(|contract| match &contract.tried {
        None => format!(
            "{} of {}: asked for at {:.0}",
            clean(&contract.title()),
            contract.deployment,
            contract.due_at
        ),
        Some(tried) => format!(
            "{} of {}: tried by {tried}, and not again by itself",
            clean(&contract.title()),
            contract.deployment
        ),
    });
    queued.chain(contract).chain(held).collect()
}
