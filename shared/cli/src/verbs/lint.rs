//! `tidegate lint`.

use std::path::{Path, PathBuf};

use clap::Args;
use miette::{GraphicalReportHandler, GraphicalTheme};
use serde::Serialize;
use tidegate_core::spec::{self, Document, MAX_BYTES, Problem, SpecErrors};

use crate::context::Context;
use crate::output::note;
use crate::source;
use crate::status::{CliError, Status};

/// Which files.
#[derive(Debug, Args)]
pub struct LintArgs {
    /// Deployment files, or `-` for stdin.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
}

/// What was found in one file.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    file: String,
    valid: bool,
    /// Errors and warnings, in the order of the file.
    problems: Vec<Problem>,
    /// Errors that were only counted.
    omitted: usize,
}

/// Checks files. One that can't be read does not keep the others from being checked.
///
/// # Errors
/// A file that can't be read.
pub fn run(args: &LintArgs, cx: &Context) -> Result<Status, CliError> {
    let mut reports = Vec::new();
    let mut unread: Option<CliError> = None;
    for path in &args.files {
        let bytes = match source::read(path, MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(error) => {
                if let Some(before) = unread.replace(error) {
                    note(&format!("error: {before}"));
                }
                continue;
            }
        };
        let checked = spec::parse_bytes(&source::name(path), &bytes);
        if !cx.wants_json() {
            explain(path, &bytes, &checked, cx);
        }
        reports.push(report(&source::name(path), checked));
    }
    let valid = reports.iter().all(|report| report.valid);
    cx.out.show(&reports, || {
        reports
            .iter()
            .filter(|report| report.valid)
            .map(|one| format!("✅ {}", one.file))
            .collect::<Vec<_>>()
            .join("\n")
    })?;
    match unread {
        Some(error) => Err(error),
        None if valid => Ok(Status::Ok),
        None => Ok(Status::Failed),
    }
}

fn report(file: &str, checked: Result<Document, SpecErrors>) -> Report {
    let file = file.to_owned();
    match checked {
        Ok(Document::Target(parsed)) => Report {
            file,
            valid: true,
            problems: parsed.warnings,
            omitted: 0,
        },
        Ok(Document::Regions(_)) => Report {
            file,
            valid: true,
            problems: Vec::new(),
            omitted: 0,
        },
        Err(errors) => Report {
            file,
            valid: false,
            problems: errors.problems().to_vec(),
            omitted: errors.omitted(),
        },
    }
}

/// Tells on stderr what is wrong or odd.
fn explain(path: &Path, bytes: &[u8], checked: &Result<Document, SpecErrors>, cx: &Context) {
    let name = source::name(path);
    match checked {
        Err(errors) => note(&errors_text(errors, cx)),
        Ok(Document::Regions(_)) => note(&format!("{name}: {}", spec::REGIONS_NOT_BUILT)),
        Ok(Document::Target(parsed)) => {
            let text = String::from_utf8_lossy(bytes);
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
            for warning in &parsed.warnings {
                note(&warning_text(&name, text, warning, cx));
            }
        }
    }
}

/// A longer line is not drawn: nobody could read the picture, and miette panics where a label stands
/// further right than a format width may be (65,535).
const LONGEST_DRAWN_LINE: usize = 1000;

fn can_be_drawn(source: &str) -> bool {
    source.lines().all(|line| line.len() <= LONGEST_DRAWN_LINE)
}

/// All errors of a file, each with its place in it.
pub fn errors_text(errors: &SpecErrors, cx: &Context) -> String {
    if !can_be_drawn(errors.source_text()) {
        return errors.plain();
    }
    let mut text = String::new();
    match handler(cx).render_report(&mut text, errors) {
        Ok(()) => text,
        Err(std::fmt::Error) => errors.plain(),
    }
}

/// A warning with its place in the file.
pub fn warning_text(name: &str, file: &str, warning: &Problem, cx: &Context) -> String {
    if !can_be_drawn(file) {
        return warning.plain(name);
    }
    let source = miette::NamedSource::new(name, file.to_owned());
    let report = miette::Report::new(warning.clone()).with_source_code(source);
    let mut text = String::new();
    match handler(cx).render_report(&mut text, report.as_ref()) {
        Ok(()) => text,
        Err(std::fmt::Error) => warning.plain(name),
    }
}

/// Frames and colours on a terminal; plain characters elsewhere, so that logs stay readable.
fn handler(cx: &Context) -> GraphicalReportHandler {
    let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let theme = match (terminal, cx.color) {
        (true, true) => GraphicalTheme::unicode(),
        (true, false) => GraphicalTheme::unicode_nocolor(),
        (false, _) => GraphicalTheme::none(),
    };
    GraphicalReportHandler::new_themed(theme)
        .with_links(false)
        .with_width(100)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use clap::Parser;

    use crate::args::Cli;

    #[test]
    fn a_line_of_a_megabyte_is_told_and_not_drawn() {
        let text = format!("environment: production\nx: {}\n", "a".repeat(100_000));
        let errors = spec::parse("long.yaml", &text).unwrap_err();
        let told = errors_text(&errors, &context());
        assert!(told.contains("long.yaml:2:1"), "{told}");
        assert!(told.len() < 5_000, "{}", told.len());
    }

    fn context() -> Context {
        Context::new(
            Cli::try_parse_from(["tidegate", "get", "--no-color"])
                .unwrap()
                .global,
        )
        .unwrap()
    }

    #[test]
    fn a_mistake_is_shown_with_its_line_and_the_nearest_right_word() {
        let text = "environment: dev\nstrategy: roling\nreplicas: 2\n";
        let errors = spec::parse_bytes("dev.yaml", text.as_bytes()).unwrap_err();
        let shown = errors_text(&errors, &context());
        for part in ["dev.yaml:2:11", "strategy: roling", "rolling"] {
            assert!(shown.contains(part), "{part} in:\n{shown}");
        }
    }

    #[test]
    fn empty_and_huge_files_have_a_report_each() {
        for bytes in [Vec::new(), vec![b'#'; MAX_BYTES + 1]] {
            let report = report("file", spec::parse_bytes("file", &bytes));
            assert!(!report.valid);
            assert_eq!(report.problems.len(), 1);
        }
    }
}
