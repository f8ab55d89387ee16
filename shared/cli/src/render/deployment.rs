//! One deployment in detail.

use jiff::Timestamp;
use tidegate_core::deployment::{Deployment, Kind, Origin};
use tidegate_core::exit::{Exit, ExitState};
use tidegate_core::spec::Strategy;

use super::words::{ago, clean, duration, seconds_between};
use super::{Paint, phases};

/// One deployment as it stands at `now`: what, how far, why it waits, how it ended.
pub fn deployment(deployment: &Deployment, now: Timestamp, paint: Paint) -> String {
    let mut lines = head(deployment, now, paint);
    lines.push(String::new());
    lines.extend(phases::tree(deployment, now, paint));
    lines.extend(foot(deployment, paint));
    lines.join("\n")
}

fn head(deployment: &Deployment, now: Timestamp, paint: Paint) -> Vec<String> {
    let revision = &deployment.revision;
    let what = match &deployment.kind {
        Kind::Forward => format!(
            "{} {}",
            clean(&revision.label()),
            paint.dim(revision.digest.short())
        ),
        Kind::Reversal { of } => format!("back to before {of}"),
        Kind::Contract { of, .. } => {
            let title = deployment.contract_title().unwrap_or_default();
            format!("{} of {of}", clean(&title))
        }
    };
    let by = match &deployment.origin {
        Origin::Push { .. } => "image push".to_owned(),
        Origin::Watch { alarm } => format!("alarm {}", clean(alarm)),
        Origin::Contract { .. } => "its schedule".to_owned(),
        Origin::Person { person } => clean(person.as_str()),
    };
    let mut lines = vec![
        format!(
            "{}  {what}  {}",
            paint.bold(&deployment.target.to_string()),
            state(deployment, now, paint)
        ),
        paint.dim(&format!(
            "{}, {}, by {by} {}",
            deployment.id,
            strategy(&deployment.spec.strategy),
            ago(deployment.requested_at, now)
        )),
    ];
    lines.extend(deployment.overrides.iter().map(|one| {
        paint.warn(&format!(
            "set aside: {} by {} ({})",
            clean(&one.what),
            clean(one.by.as_str()),
            clean(&one.reason)
        ))
    }));
    lines
}

fn state(deployment: &Deployment, now: Timestamp, paint: Paint) -> String {
    let took = |until: Timestamp| duration(seconds_between(deployment.requested_at, until));
    match &deployment.exit {
        Some(exit) => {
            let words = format!("{} after {}", exit.state.as_str(), took(exit.at));
            if ended_well(deployment, exit) {
                paint.good(&words)
            } else {
                paint.bad(&words)
            }
        }
        None if deployment.abort.is_some() => paint.warn(&format!("stopping, {}", took(now))),
        None => paint.warn(&format!("running for {}", took(now))),
    }
}

/// Whether a deployment ended as it was meant to: a reversal is meant to roll back.
pub fn ended_well(deployment: &Deployment, exit: &Exit) -> bool {
    match exit.state {
        ExitState::Completed => true,
        ExitState::RolledBack => deployment.kind.is_reversal(),
        ExitState::Blocked | ExitState::Aborted | ExitState::RollbackFailed => false,
    }
}

const fn strategy(strategy: &Strategy) -> &'static str {
    match strategy {
        Strategy::Recreate => "recreate",
        Strategy::Rolling => "rolling",
        Strategy::BlueGreen(_) => "bluegreen",
        Strategy::Canary(_) => "canary",
        Strategy::Linear(_) => "linear",
    }
}

/// Why it waits, why it stops, how it ended and what to do next.
fn foot(deployment: &Deployment, paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(exit) = &deployment.exit {
        let mark = if ended_well(deployment, exit) {
            "✅"
        } else {
            "❌"
        };
        lines.push(format!("{mark} {}: {}", exit.state.as_str(), clean(&exit.reason)));
        if exit.state == ExitState::RollbackFailed {
            lines.push(paint.bad("   a person is needed now"));
        }
        lines.extend(
            exit.remedy
                .iter()
                .map(|remedy| format!("   next: {}", clean(remedy))),
        );
    } else {
        if let Some(abort) = &deployment.abort {
            lines.push(paint.warn(&format!("stopping: {}", clean(&abort.cause.describe()))));
        }
        if !deployment.waiting_for.is_empty() {
            lines.push(format!("waiting: {}", clean(&deployment.waiting_for)));
        }
    }
    if !lines.is_empty() {
        lines.insert(0, String::new());
    }
    lines
}
