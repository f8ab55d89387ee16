//! `tidegate apply`.

use std::path::{Path, PathBuf};

use api::model::ApplyAnswer;
use clap::Args;
use tidegate_core::ids::{ServiceName, Target};
use tidegate_core::spec::{self, MAX_BYTES, Parsed};

use super::lint;
use crate::context::Context;
use crate::output::note;
use crate::status::{CliError, Status};
use crate::{people, source};

/// What to put in force.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// A deployment file, or `-` for stdin.
    #[arg(
        value_name = "FILE",
        required_unless_present = "people",
        conflicts_with = "people"
    )]
    pub file: Option<PathBuf>,
    /// The service that it is for [default: the file's `service`].
    #[arg(long, value_name = "NAME", conflicts_with = "people")]
    pub service: Option<ServiceName>,
    /// Put this people file in force instead: who is who through every door, and who may approve what
    /// (YAML or JSON).
    #[arg(long, value_name = "FILE")]
    pub people: Option<PathBuf>,
}

/// Applies.
///
/// # Errors
/// A file with problems, refused, or Tidegate can't be asked.
pub async fn run(args: ApplyArgs, cx: &Context) -> Result<Status, CliError> {
    match (args.file, args.people) {
        (Some(file), _) => apply_spec(&file, args.service, cx).await,
        (None, Some(file)) => apply_people(&file, cx).await,
        (None, None) => Err(CliError::Usage(
            "name a deployment file, or --people FILE".to_owned(),
        )),
    }
}

async fn apply_people(file: &Path, cx: &Context) -> Result<Status, CliError> {
    let bytes = source::read(file, people::MAX_BYTES)?;
    let people = people::parse(&source::name(file), &bytes).map_err(CliError::Failed)?;
    let answer = cx.api().await?.apply_people(&people).await?;
    cx.out
        .show(&answer, || format!("{} people in force", answer.people))?;
    Ok(Status::Ok)
}

async fn apply_spec(file: &Path, service: Option<ServiceName>, cx: &Context) -> Result<Status, CliError> {
    let name = source::name(file);
    let bytes = source::read(file, MAX_BYTES)?;
    let Some((text, parsed)) = checked(&name, &bytes, cx) else {
        return Err(CliError::Failed(format!(
            "{name} is not applied: repair it, and check it with `tidegate lint`"
        )));
    };
    let target = target_of(&name, service, &parsed)?;
    let answer = cx.api().await?.apply_spec(&target, text).await?;
    if !cx.wants_json() {
        for warning in &answer.warnings {
            note(&lint::warning_text(&name, text, warning, cx));
        }
    }
    cx.out.show(&answer, || words(&answer))?;
    Ok(Status::Ok)
}

/// The file's text and meaning; nothing where it has problems, which then were told.
fn checked<'a>(name: &str, bytes: &'a [u8], cx: &Context) -> Option<(&'a str, Parsed)> {
    let told = |errors: &spec::SpecErrors| note(&lint::errors_text(errors, cx));
    let Ok(text) = std::str::from_utf8(bytes) else {
        if let Err(errors) = spec::parse_bytes(name, bytes) {
            told(&errors);
        }
        return None;
    };
    spec::parse(name, text)
        .map_err(|errors| told(&errors))
        .ok()
        .map(|parsed| (text, parsed))
}

fn target_of(name: &str, service: Option<ServiceName>, parsed: &Parsed) -> Result<Target, CliError> {
    let service = service.or_else(|| parsed.spec.service.clone()).ok_or_else(|| {
        CliError::Usage(format!(
            "{name} does not say which service it is for: add --service NAME"
        ))
    })?;
    Ok(Target {
        service,
        environment: parsed.spec.environment.clone(),
    })
}

fn words(answer: &ApplyAnswer) -> String {
    let hash: String = answer.spec_hash.chars().take(12).collect();
    format!("{} {} (file {hash})", answer.target, answer.outcome)
}
