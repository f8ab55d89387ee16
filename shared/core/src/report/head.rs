//! What, who, when.

use super::page::{Cell, when};
use crate::deployment::{Deployment, Kind, Origin, Plan};
use crate::exit::ExitState;
use crate::links::{dashboard_there, log_groups};
use crate::messages::text::{clean, duration};

pub(super) fn title(deployment: &Deployment) -> String {
    let what = clean(&deployment.revision.label());
    let news = match (&deployment.exit, &deployment.kind) {
        (None, _) => format!("{what} is on its way"),
        (Some(exit), Kind::Forward) => match exit.state {
            ExitState::Completed => format!("{what} is live"),
            ExitState::Blocked => format!("{what} was blocked"),
            ExitState::Aborted => format!("{what} was aborted before it took traffic"),
            ExitState::RolledBack => format!("{what} was rolled back"),
            ExitState::RollbackFailed => format!("the rollback of {what} failed"),
        },
        (Some(exit), Kind::Contract { .. }) => {
            let title = clean(&deployment.contract_title().unwrap_or_default());
            match exit.state {
                ExitState::Completed => format!("{title} of {what} was made"),
                ExitState::Blocked => format!("{title} of {what} was blocked"),
                ExitState::Aborted | ExitState::RolledBack => format!("{title} of {what} was stopped"),
                ExitState::RollbackFailed => format!("{title} of {what} needs a person"),
            }
        }
        (Some(exit), Kind::Reversal { .. }) => match exit.state {
            ExitState::RolledBack | ExitState::Completed => format!("{what} was taken back"),
            ExitState::RollbackFailed => format!("taking {what} back failed"),
            ExitState::Blocked | ExitState::Aborted => format!("{what} was not taken back"),
        },
    };
    format!("{}: {news}", deployment.target)
}

pub(super) fn facts(deployment: &Deployment) -> Vec<(&'static str, Cell)> {
    let mut facts = Vec::new();
    if let Some(exit) = &deployment.exit {
        facts.push((
            "Result",
            Cell::text(&format!("{}: {}", exit.state.as_str(), exit.reason)),
        ));
        if let Some(remedy) = &exit.remedy {
            facts.push(("Next", Cell::text(remedy)));
        }
    } else if !deployment.waiting_for.is_empty() {
        facts.push(("Waits", Cell::text(&deployment.waiting_for)));
    }
    facts.push(("Deployment", Cell::code(deployment.id.as_str())));
    if let Kind::Reversal { of } = &deployment.kind {
        facts.push(("Takes back", Cell::code(of.as_str())));
    }
    if let Kind::Contract { of, .. } = &deployment.kind {
        facts.push(("Contract of", Cell::code(of.as_str())));
    }
    facts.push(("Image", Cell::text(&deployment.revision.label())));
    facts.push(("Digest", Cell::code(deployment.revision.digest.as_str())));
    facts.push(("Started by", Cell::text(&origin(&deployment.origin))));
    facts.push(("Asked for", Cell::Text(when(deployment.requested_at))));
    if let Some(exit) = &deployment.exit {
        let took = exit.at.duration_since(deployment.requested_at).as_secs();
        let text = format!("{}, after {}", when(exit.at), duration(took));
        facts.push(("Ended", Cell::Text(text)));
    }
    if let Some(plan) = &deployment.plan {
        facts.push(("Plan", Cell::Text(planned(plan))));
        if let Some(known) = &plan.evidence {
            facts.extend(
                known
                    .commit
                    .as_ref()
                    .map(|commit| ("Commit", Cell::code(commit.as_str()))),
            );
            facts.extend(
                known
                    .author
                    .as_ref()
                    .map(|author| ("Author", Cell::text(author.as_str()))),
            );
            facts.push(("Known of it", Cell::text(&known.summary())));
        }
    }
    facts.push((
        "Deployment file",
        Cell::code(deployment.revision.spec_hash.as_str()),
    ));
    if deployment.spec.monitoring.is_some() {
        let command = format!("tidegate runbook {}", deployment.id);
        facts.push(("Runbook", Cell::code(&command)));
    }
    if let Some(store) = &deployment.spec.report {
        facts.push(("Kept at", Cell::code(&store.place_of(deployment))));
    }
    if let Some(link) = dashboard_there(deployment) {
        facts.push(("Dashboard", Cell::link(&link)));
    }
    for (name, link) in log_groups(deployment) {
        let cell = link.map_or_else(|| Cell::code(&name), |link| Cell::link(&link));
        facts.push(("Logs of its tasks", cell));
    }
    facts
}

fn origin(origin: &Origin) -> String {
    match origin {
        Origin::Push { event_id } if event_id == "sweep" => "an image push that the sweep found".to_owned(),
        Origin::Push { .. } => "an image push".to_owned(),
        Origin::Watch { alarm } => format!("alarm {alarm}, which fired while it was watched"),
        Origin::Contract { of } => format!("the time of the contract of {of}"),
        Origin::Person { person } => person.to_string(),
    }
}

fn planned(plan: &Plan) -> String {
    let expected = i64::try_from(plan.expected_seconds).unwrap_or(i64::MAX);
    if !plan.moves_traffic() {
        return format!(
            "no traffic moved, about {}, plan {}",
            duration(expected),
            plan.hash.short()
        );
    }
    format!(
        "{} %, about {}, plan {}",
        plan.weights(),
        duration(expected),
        plan.hash.short()
    )
}
