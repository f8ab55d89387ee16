//! `tidegate demo`: two deployments in virtual time, without network.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use tidegate_local::demo::full::{self, Page};
use tidegate_local::demo::{self, Report, Told};

use crate::args::DemoArgs;
use crate::output::note;
use crate::status::{CliError, Status};

/// Runs the verb.
///
/// # Errors
/// Where the demo can't be played to its end, or a report can't be written.
pub async fn run(args: DemoArgs) -> Result<Status, CliError> {
    let (seed, full) = (args.seed, args.full);
    let play = move || match full {
        true => full::run(seed),
        false => demo::run(seed).map(|report| (report, Vec::new())),
    };
    // The local cloud brings a runtime of its own, with time that stands still between events.
    let (report, pages) = tokio::task::spawn_blocking(play)
        .await
        .map_err(|error| CliError::Failed(format!("the demo broke off: {error}")))?
        .map_err(|error| CliError::Failed(error.to_string()))?;
    if let Some(out) = &args.out {
        out.show(&report, || text(&report, full))?;
    }
    if let Some(directory) = &args.reports {
        for page in &pages {
            let file = write(directory, page)?;
            note(&format!(
                "the report of {} is in {}",
                page.deployment,
                file.display()
            ));
        }
    }
    Ok(if report.problems.is_empty() {
        Status::Ok
    } else {
        Status::Failed
    })
}

fn write(directory: &Path, page: &Page) -> Result<PathBuf, CliError> {
    let file = directory.join(format!("{}.html", page.deployment));
    std::fs::create_dir_all(directory)
        .and_then(|()| std::fs::write(&file, &page.html))
        .map_err(|error| {
            CliError::Failed(format!(
                "failed to write {}: {error}; choose another --reports",
                file.display()
            ))
        })?;
    Ok(file)
}

fn text(report: &Report, full: bool) -> String {
    let file = match full {
        true => "every section of a deployment file on, and people who do their part",
        false => ".deploy/production-config.yaml as it stands",
    };
    let mut text = format!(
        "Tidegate demo: service web in production, {file}.\n\
         The real functions and state machines on the local cloud, in virtual time.\n"
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
