//! `tidegate demo`: two deployments in virtual time, without network.

use std::fmt::Write;

use tidegate_local::demo::{self, Report, Told};

use crate::args::DemoArgs;
use crate::status::{CliError, Status};

/// Runs the verb.
///
/// # Errors
/// Where the demo can't be played to its end.
pub async fn run(args: DemoArgs) -> Result<Status, CliError> {
    let seed = args.seed;
    // The local cloud brings a runtime of its own, with time that stands still between events.
    let report = tokio::task::spawn_blocking(move || demo::run(seed))
        .await
        .map_err(|error| CliError::Failed(format!("the demo broke off: {error}")))?
        .map_err(|error| CliError::Failed(error.to_string()))?;
    if let Some(out) = &args.out {
        out.show(&report, || text(&report))?;
    }
    Ok(if report.problems.is_empty() {
        Status::Ok
    } else {
        Status::Failed
    })
}

fn text(report: &Report) -> String {
    let mut text = String::from(
        "Tidegate demo: service web in production, .deploy/production-config.yaml as it stands.\n\
         The real functions and state machines on the local cloud, in virtual time.\n",
    );
    for (number, told) in (1..).zip(&report.deployments) {
        write_story(&mut text, number, told);
    }
    if let Some(ms) = report.alarm_to_traffic_back_ms {
        // Writing to a String can't fail.
        let _ = writeln!(
            text,
            "\nFrom the alarm until all traffic was back on stable: {:.1} s.",
            ms as f64 / 1000.0
        );
    }
    if report.problems.is_empty() {
        text.push_str("Both went as they should.\n");
    } else {
        let _ = writeln!(
            text,
            "This did not go as it should:\n  {}",
            report.problems.join("\n  ")
        );
    }
    text
}

fn write_story(text: &mut String, number: usize, told: &Told) {
    let _ = writeln!(text, "\n{number}. {} ({})", told.title, told.deployment);
    for line in &told.timeline {
        let _ = writeln!(text, "   {line}");
    }
    let end = told.exit.map_or("no end", |exit| exit.as_str());
    let _ = writeln!(
        text,
        "   => {end} after {} min {} s, {} state transitions.",
        told.seconds / 60,
        told.seconds % 60,
        told.transitions
    );
}
