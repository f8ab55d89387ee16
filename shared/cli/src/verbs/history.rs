//! `tidegate history`.

use clap::Args;
use serde::{Deserialize, Serialize};
use tidegate_core::deployment::Deployment;
use tidegate_core::ids::DeploymentId;
use tidegate_core::journal::Entry;
use tidegate_core::messages::timeline;

use crate::context::Context;
use crate::reference::{self, Reference};
use crate::render::clean;
use crate::status::{CliError, Status};

/// Whose journal.
#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// Which: an id, the beginning of one, or SERVICE/ENVIRONMENT for the running or newest one there.
    #[arg(value_name = "DEPLOYMENT")]
    pub deployment: Reference,
    /// Every entry, not only those that a manager would want. JSON always has every entry.
    #[arg(long)]
    pub all: bool,
}

/// A journal as `tidegate audit verify` takes it back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Export {
    /// Whose.
    pub deployment: DeploymentId,
    /// The end of the chain as the deployment's head says, at the time of the export.
    pub head: Head,
    /// In order.
    pub entries: Vec<Entry>,
}

/// The end of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Number of the last entry.
    pub seq: u64,
    /// Its hash.
    pub hash: String,
}

impl Export {
    /// Of a deployment with its journal.
    pub fn new(deployment: &Deployment, entries: Vec<Entry>) -> Self {
        let head = Head {
            seq: deployment.seq,
            hash: deployment.journal_head.clone(),
        };
        Self {
            deployment: deployment.id.clone(),
            head,
            entries,
        }
    }
}

/// Tells what happened.
///
/// # Errors
/// No such deployment, or Tidegate can't be asked.
pub async fn run(args: HistoryArgs, cx: &Context) -> Result<Status, CliError> {
    let api = cx.api().await?;
    let deployment = reference::find(&api, &args.deployment).await?;
    let entries = api.journal(&deployment.id).await?.entries;
    let export = Export::new(&deployment, entries);
    cx.out.show(&export, || {
        if args.all {
            every(&export.entries)
        } else {
            told(&deployment, &export.entries)
        }
    })?;
    Ok(Status::Ok)
}

fn told(deployment: &Deployment, entries: &[Entry]) -> String {
    let start = entries.first().map_or(deployment.requested_at, |entry| entry.at);
    timeline::lines(start, entries).join("\n")
}

fn every(entries: &[Entry]) -> String {
    let line = |entry: &Entry| {
        let Entry {
            seq, at, epoch, by, ..
        } = entry;
        format!(
            "{seq:>4}  {at:.0}  epoch {epoch}  {:<14}  {}",
            clean(by),
            clean(&entry.event.describe())
        )
    };
    entries.iter().map(line).collect::<Vec<_>>().join("\n")
}
