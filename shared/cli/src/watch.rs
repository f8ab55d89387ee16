//! Following a deployment until its end: a live tree on a terminal, appended lines elsewhere.

use std::time::Duration;

use tidegate_core::deployment::Deployment;
use tidegate_core::ids::DeploymentId;
use tidegate_core::messages::timeline;

use crate::api::Api;
use crate::context::Context;
use crate::output::{Format, note};
use crate::render;
use crate::status::{CliError, Status};

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);

/// Looks in a row that may fail before giving up: a local cloud that is started again is back by then.
const LOST_LOOKS: u32 = 60;

/// Follows a deployment until it ends; Ctrl-C leaves it running.
///
/// # Errors
/// Interrupted, or Tidegate can't be reached for a while.
pub async fn follow(cx: &Context, api: &Api, id: &DeploymentId) -> Result<Status, CliError> {
    interruptible(look_until_end(View::new(cx), cx, api, id)).await
}

/// The same, and shows nothing.
///
/// # Errors
/// As [`follow`].
pub async fn until_end(cx: &Context, api: &Api, id: &DeploymentId) -> Result<Status, CliError> {
    interruptible(look_until_end(View::Nothing, cx, api, id)).await
}

/// Waits for work, or for Ctrl-C.
///
/// # Errors
/// Interrupted, or those of the work.
pub async fn interruptible<T>(work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    tokio::select! {
        biased;
        pressed = tokio::signal::ctrl_c() => match pressed {
            Ok(()) => Err(CliError::Interrupted),
            Err(error) => Err(CliError::Failed(format!("failed to listen for Ctrl-C: {error}"))),
        },
        done = work => done,
    }
}

/// Waits a moment before looking again.
pub async fn pause() {
    tokio::time::sleep(LOOK).await;
}

async fn look_until_end(
    mut view: View,
    cx: &Context,
    api: &Api,
    id: &DeploymentId,
) -> Result<Status, CliError> {
    let mut lost = 0;
    loop {
        match view.look(cx, api, id).await {
            Ok(Some(status)) => return Ok(status),
            Ok(None) => lost = 0,
            Err(CliError::Unreachable(message)) if lost < LOST_LOOKS => {
                if lost == 0 {
                    note(&format!("lost contact, trying again ({message})"));
                    view.contact_lost();
                }
                lost += 1;
            }
            Err(error) => return Err(error),
        }
        pause().await;
    }
}

/// How a deployment ended, as an exit code: nothing while it runs.
pub fn status_of(deployment: &Deployment) -> Option<Status> {
    let exit = deployment.exit.as_ref()?;
    Some(if render::ended_well(deployment, exit) {
        Status::Ok
    } else {
        Status::Failed
    })
}

/// What was shown so far.
enum View {
    /// A tree that is drawn anew in place.
    Tree { drawn: usize },
    /// Lines of the timeline, by the journal's last entry that they tell of.
    Lines { told: usize, seq: u64 },
    /// The deployment on one line of JSON, whenever it has changed.
    Json { seq: u64 },
    /// Whoever asked shows it.
    Nothing,
}

impl View {
    const fn new(cx: &Context) -> Self {
        match cx.out.format {
            Format::Json => Self::Json { seq: 0 },
            Format::Text if cx.out.terminal => Self::Tree { drawn: 0 },
            Format::Text => Self::Lines { told: 0, seq: 0 },
        }
    }

    /// What stands on the screen was pushed up by a note: it stays, and the next tree goes below.
    const fn contact_lost(&mut self) {
        if let Self::Tree { drawn } = self {
            *drawn = 0;
        }
    }

    async fn look(&mut self, cx: &Context, api: &Api, id: &DeploymentId) -> Result<Option<Status>, CliError> {
        let deployment = api.deployment(id).await?;
        match self {
            Self::Tree { drawn } => {
                let text = render::deployment(&deployment, api.now(), cx.out.paint);
                cx.out.raw(&redraw(&text, *drawn))?;
                *drawn = text.lines().count();
            }
            Self::Lines { told, seq } if *seq < deployment.seq => {
                let entries = api.journal(id).await?.entries;
                let start = entries.first().map_or(deployment.requested_at, |entry| entry.at);
                let lines = timeline::lines(start, &entries);
                for line in lines.iter().skip(*told) {
                    cx.out.print(line)?;
                }
                *told = lines.len();
                *seq = deployment.seq;
            }
            Self::Json { seq } if *seq < deployment.seq => {
                cx.out.json_line(&deployment)?;
                *seq = deployment.seq;
            }
            Self::Lines { .. } | Self::Json { .. } | Self::Nothing => {}
        }
        Ok(status_of(&deployment))
    }
}

/// Goes up over what was drawn, clears it, and draws again. Lines are cut at the screen's edge
/// instead of wrapped, so that their number stays known.
fn redraw(text: &str, drawn: usize) -> String {
    let up = if drawn > 0 {
        format!("\u{1b}[{drawn}A\r")
    } else {
        String::new()
    };
    format!("{up}\u{1b}[J\u{1b}[?7l{text}\n\u{1b}[?7h")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples::Story;

    #[test]
    fn the_end_of_what_is_watched_is_the_exit_code() {
        assert_eq!(status_of(&Story::new().baking().deployment), None);
        let mut deployment = Story::new().rolled_back().deployment;
        assert_eq!(status_of(&deployment), Some(Status::Failed));
        // A reversal is meant to roll back.
        deployment.kind = tidegate_core::deployment::Kind::Reversal {
            of: deployment.id.clone(),
        };
        assert_eq!(status_of(&deployment), Some(Status::Ok));
    }

    #[test]
    fn a_tree_is_drawn_over_the_one_before() {
        assert_eq!(redraw("a\nb", 0), "\u{1b}[J\u{1b}[?7la\nb\n\u{1b}[?7h");
        assert!(redraw("a\nb", 2).starts_with("\u{1b}[2A\r\u{1b}[J"));
    }
}
