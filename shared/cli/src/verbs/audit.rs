//! `tidegate audit verify`.

use std::path::Path;

use api::model::JournalAnswer;
use clap::{Args, Subcommand};
use serde::Serialize;
use tidegate_core::ids::DeploymentId;
use tidegate_core::journal::{self, BrokenChain, Entry};

use super::history::Export;
use crate::context::Context;
use crate::reference::{self, Reference};
use crate::source;
use crate::status::{CliError, Status};

/// Largest journal that is read from a file, bytes: some 100,000 entries.
const MAX_BYTES: usize = 256 * 1024 * 1024;

/// What to audit.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// How.
    #[command(subcommand)]
    pub verb: AuditVerb,
}

/// How to audit.
#[derive(Debug, Subcommand)]
pub enum AuditVerb {
    /// Check a journal's hash chain: numbers without gaps, every entry as it was written, the end
    /// where the deployment's head says.
    Verify(VerifyArgs),
}

/// Whose journal.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// A file made with `tidegate history DEPLOYMENT --output json`, checked without asking anyone
    /// (`-` for stdin); or a deployment, fetched and checked.
    #[arg(value_name = "FILE|DEPLOYMENT")]
    pub what: String,
}

/// What came of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Verdict {
    deployment: Option<DeploymentId>,
    entries: usize,
    head: String,
    /// Whether the end was compared with what the deployment's head says.
    against_head: bool,
    problem: Option<String>,
}

/// Checks.
///
/// # Errors
/// No such file or deployment, or a file that is no journal.
pub async fn run(args: AuditArgs, cx: &Context) -> Result<Status, CliError> {
    let AuditVerb::Verify(VerifyArgs { what }) = args.verb;
    let path = Path::new(&what);
    let verdict = if what == source::STDIN || path.exists() {
        offline(&source::name(path), &source::read(path, MAX_BYTES)?)?
    } else {
        let reference: Reference = what.parse().map_err(|error| {
            CliError::NotFound(format!("there is no file {what}, and as a deployment: {error}"))
        })?;
        let api = cx.api().await?;
        let deployment = reference::find(&api, &reference).await?;
        let entries = api.journal(&deployment.id).await?.entries;
        let checked = journal::verify_with_head(&deployment, &entries);
        verdict(Some(deployment.id), &entries, true, checked)
    };
    cx.out.show(&verdict, || words(&verdict))?;
    Ok(if verdict.problem.is_none() {
        Status::Ok
    } else {
        Status::Failed
    })
}

/// Checks what a file says of itself: an export with its head, the function's own answer, or entries.
fn offline(name: &str, bytes: &[u8]) -> Result<Verdict, CliError> {
    if bytes.len() > MAX_BYTES {
        return Err(CliError::Usage(format!(
            "{name} is larger than {} MiB: no journal is",
            MAX_BYTES / 1024 / 1024
        )));
    }
    let no_journal = |error: serde_json::Error| {
        CliError::Usage(format!(
            "{name} is no journal ({error}): make one with `tidegate history ID --output json`"
        ))
    };
    let value: serde_json::Value = serde_json::from_slice(bytes).map_err(no_journal)?;
    if value.get("head").is_some() {
        let export: Export = serde_json::from_value(value).map_err(no_journal)?;
        let checked = verify_export(&export);
        return Ok(verdict(Some(export.deployment), &export.entries, true, checked));
    }
    let entries = match value {
        serde_json::Value::Array(_) => serde_json::from_value(value).map_err(no_journal)?,
        other => {
            serde_json::from_value::<JournalAnswer>(other)
                .map_err(no_journal)?
                .entries
        }
    };
    let id = entries.first().map(|entry: &Entry| entry.deployment.clone());
    let checked = id.as_ref().map_or(Ok(()), |id| journal::verify(id, &entries));
    Ok(verdict(id, &entries, false, checked))
}

fn verify_export(export: &Export) -> Result<(), BrokenChain> {
    journal::verify(&export.deployment, &export.entries)?;
    let last = export.entries.last().map_or(0, |entry| entry.seq);
    let hash = export.entries.last().map_or("", |entry| entry.hash.as_str());
    if last == export.head.seq && hash == export.head.hash {
        Ok(())
    } else {
        Err(BrokenChain::Cut {
            last,
            head: export.head.seq,
        })
    }
}

fn verdict(
    deployment: Option<DeploymentId>,
    entries: &[Entry],
    against_head: bool,
    checked: Result<(), BrokenChain>,
) -> Verdict {
    Verdict {
        deployment,
        entries: entries.len(),
        head: entries.last().map(|entry| entry.hash.clone()).unwrap_or_default(),
        against_head,
        problem: checked.err().map(|error| error.to_string()),
    }
}

fn words(verdict: &Verdict) -> String {
    let id = verdict
        .deployment
        .as_ref()
        .map_or("nothing", DeploymentId::as_str);
    match &verdict.problem {
        Some(problem) => {
            format!(
                "❌ {id}: {problem}\n   next: keep this file, and look who could write to the table (CloudTrail)"
            )
        }
        None => {
            let end = if verdict.against_head {
                ""
            } else {
                "\n   its end was not compared with the deployment's head"
            };
            format!(
                "✅ {id}: {} entries, the chain holds\n   head {}{end}",
                verdict.entries, verdict.head
            )
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::render::samples;

    fn export() -> Export {
        let (deployment, entries) = samples::baking_with_journal();
        Export::new(&deployment, entries)
    }

    fn check(export: &Export) -> Verdict {
        offline("file", &serde_json::to_vec(export).unwrap()).unwrap()
    }

    #[test]
    fn a_whole_journal_holds() {
        let export = export();
        let verdict = check(&export);
        assert_eq!(verdict.problem, None);
        assert_eq!(
            (verdict.entries, verdict.head.as_str()),
            (export.entries.len(), export.head.hash.as_str())
        );
    }

    #[test]
    fn a_changed_a_missing_and_a_cut_entry_are_found() {
        let mut changed = export();
        changed.entries.get_mut(1).unwrap().by = "someone else".to_owned();
        assert!(check(&changed).problem.unwrap().contains("entry 2 was changed"));
        let mut gap = export();
        gap.entries.remove(1);
        assert!(
            check(&gap)
                .problem
                .unwrap()
                .contains("entry 3 stands where entry 2")
        );
        let mut cut = export();
        cut.entries.pop();
        assert!(check(&cut).problem.unwrap().contains("head says"));
    }

    #[test]
    fn the_functions_own_answer_is_taken_too() {
        let entries = export().entries;
        let verdict = offline("file", &serde_json::to_vec(&JournalAnswer { entries }).unwrap()).unwrap();
        assert_eq!((verdict.problem, verdict.against_head), (None, false));
    }

    #[test]
    fn what_is_no_journal_is_a_usage_error() {
        for text in ["", "{}", "[1]", "people: []"] {
            assert!(
                matches!(offline("file", text.as_bytes()), Err(CliError::Usage(_))),
                "{text}"
            );
        }
    }
}
