//! `tidegate report`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Serialize;
use tidegate_core::deployment::Deployment;
use tidegate_core::ids::DeploymentId;
use tidegate_core::journal::Entry;
use tidegate_core::report::{html, markdown, report};

use crate::context::Context;
use crate::output::note;
use crate::reference::{self, Reference};
use crate::status::{CliError, Status};

/// Of which deployment, and in which form.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Which: an id, the beginning of one, or SERVICE/ENVIRONMENT for the running or newest one there.
    #[arg(value_name = "DEPLOYMENT")]
    pub deployment: Reference,
    /// Markdown, or one HTML page that needs nothing else [default: what the file's name ends with,
    /// else md].
    #[arg(long, value_enum, value_name = "FORM")]
    pub format: Option<ReportFormat>,
    /// Write it to this file, over what was there, and not to stdout.
    #[arg(long, value_name = "FILE")]
    pub output_file: Option<PathBuf>,
}

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// Markdown.
    Md,
    /// HTML.
    Html,
}

/// A report as JSON has it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    deployment: &'a DeploymentId,
    /// `md` or `html`.
    format: &'static str,
    /// Where it was written, with `--output-file`.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a Path>,
    /// The report itself, where it was not written to a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<&'a str>,
}

/// Makes the report.
///
/// # Errors
/// No such deployment, a file that can't be written, or Tidegate can't be asked.
pub async fn run(args: ReportArgs, cx: &Context) -> Result<Status, CliError> {
    let api = cx.api().await?;
    let deployment = reference::find(&api, &args.deployment).await?;
    let journal = api.journal(&deployment.id).await?.entries;
    let format = form(args.format, args.output_file.as_deref());
    let text = render(&deployment, &journal, format);
    let file = args.output_file.as_deref();
    if let Some(file) = file {
        write(file, &text)?;
    }
    let told = Told {
        deployment: &deployment.id,
        format: match format {
            ReportFormat::Md => "md",
            ReportFormat::Html => "html",
        },
        file,
        report: file.is_none().then_some(text.as_str()),
    };
    match file {
        Some(file) if !cx.wants_json() => note(&format!(
            "the report of {} is in {}",
            deployment.id,
            file.display()
        )),
        Some(_) | None => cx.out.show(&told, || text.clone())?,
    }
    Ok(Status::Ok)
}

fn form(asked: Option<ReportFormat>, file: Option<&Path>) -> ReportFormat {
    let ending = file.and_then(Path::extension).and_then(|ending| ending.to_str());
    asked.unwrap_or_else(|| {
        if ending.is_some_and(|ending| ["html", "htm"].contains(&ending.to_ascii_lowercase().as_str())) {
            ReportFormat::Html
        } else {
            ReportFormat::Md
        }
    })
}

fn render(deployment: &Deployment, journal: &[Entry], format: ReportFormat) -> String {
    // A deployment that went on while its journal was read has a head that is behind, so the head
    // is read first and the journal ends where it says.
    let known: Vec<Entry> = journal
        .iter()
        .filter(|entry| entry.seq <= deployment.seq)
        .cloned()
        .collect();
    let page = report(deployment, &known);
    match format {
        ReportFormat::Md => markdown::render(&page),
        ReportFormat::Html => html::render(&page),
    }
}

fn write(file: &Path, text: &str) -> Result<(), CliError> {
    std::fs::write(file, text).map_err(|error| {
        CliError::Failed(format!(
            "failed to write {}: {error}; choose another --output-file",
            file.display()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples::{Story, baking_with_journal};

    #[test]
    fn the_form_is_what_was_asked_for_or_what_the_file_is_called() {
        let file = |name: &'static str| Some(Path::new(name));
        assert_eq!(form(None, None), ReportFormat::Md);
        assert_eq!(form(None, file("r.html")), ReportFormat::Html);
        assert_eq!(form(None, file("r.HTM")), ReportFormat::Html);
        assert_eq!(form(None, file("r.txt")), ReportFormat::Md);
        assert_eq!(form(Some(ReportFormat::Md), file("r.html")), ReportFormat::Md);
    }

    #[test]
    fn entries_that_came_after_the_head_do_not_break_the_chain() {
        let (deployment, _) = baking_with_journal();
        let later = Story::new().rolled_back().entries;
        assert!(later.len() > usize::try_from(deployment.seq).unwrap_or(usize::MAX));
        let text = render(&deployment, &later, ReportFormat::Md);
        assert!(text.contains("verified: every entry as it was written"), "{text}");
        assert!(!text.contains("ROLLED BACK"), "{text}");
    }

    #[test]
    fn both_forms_tell_of_the_same_deployment() {
        let story = Story::new().rolled_back();
        let of = |format| render(&story.deployment, &story.entries, format);
        let (md, html) = (of(ReportFormat::Md), of(ReportFormat::Html));
        for words in [
            "web/production: web:v2 was rolled back",
            "Root cause",
            "To fill in",
        ] {
            assert!(md.contains(words) && html.contains(words), "{words}");
        }
        assert!(html.starts_with("<!doctype html>") && md.starts_with("# "));
    }
}
