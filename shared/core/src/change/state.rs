//! Where changes stand, as recorded and as seen.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Before, Change, Stays, Undo};
use crate::deployment::{Deployment, Kind, Phase};
use crate::ids::{ChangeId, DeploymentId};

/// Where a change stands by the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeState {
    /// What was recorded last.
    pub stage: ChangeStage,
    /// When.
    pub since: Timestamp,
    /// What was there before it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Before>,
    /// Whether the event of a test was heard.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub heard: bool,
    /// Whether a person was asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asked: bool,
    /// What it keeps for a restore: of a backup, where it is and how large.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<String>,
    /// The last lines that it wrote, of a change that went wrong or could not be undone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
    /// What a person must do, of a change that could not be undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// What a rollback chose of a change that stays, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stays: Option<Stays>,
}

/// How far a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeStage {
    /// It was begun, or is about to be.
    Making,
    /// It was read back as made.
    Made,
    /// It went wrong, and may be half made.
    Failed,
    /// Undoing it was begun, or is about to be.
    Undoing,
    /// It was read back as undone.
    Undone,
    /// It stays.
    Held,
}

/// What AWS says of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// What is there now, of a change that replaces something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Before>,
    /// How making it stands.
    pub made: Progress,
    /// How undoing it stands.
    pub undone: Progress,
}

impl Seen {
    /// There is no trace of it, and nothing to bring back.
    pub const NOTHING: Self = Self {
        before: None,
        made: Progress::NotBegun,
        undone: Progress::NotBegun,
    };
}

/// How something that may take a while stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "progress")]
pub enum Progress {
    /// There is no trace of it.
    NotBegun,
    /// There is no trace of it, and it can't begin before something else is over.
    Waiting {
        /// What it waits for.
        note: String,
    },
    /// It goes on.
    Running {
        /// What a person on call wants to know of it.
        note: String,
    },
    /// It ended well.
    Done {
        /// What came of it.
        detail: String,
        /// The last lines that it wrote.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        log: Vec<String>,
    },
    /// It ended badly.
    Failed {
        /// How.
        reason: String,
        /// The last lines that it wrote.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        log: Vec<String>,
    },
}

impl Progress {
    /// It goes on.
    pub fn running(note: impl Into<String>) -> Self {
        let note = note.into();
        Self::Running { note }
    }

    /// It ended well, and wrote no log.
    pub fn done(detail: impl Into<String>) -> Self {
        let (detail, log) = (detail.into(), Vec::new());
        Self::Done { detail, log }
    }

    /// It ended badly, and wrote no log.
    pub fn failed(reason: impl Into<String>) -> Self {
        let (reason, log) = (reason.into(), Vec::new());
        Self::Failed { reason, log }
    }
}

/// What the state machine does after a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Next {
    /// The next phase.
    Phase(Phase),
    /// What this phase changed is undone.
    Undo(Phase),
}

impl Next {
    /// As the Choice states of `infra/statemachines/*.asl.json` know it.
    pub fn word(self) -> String {
        match self {
            Self::Phase(phase) => phase.as_str().to_owned(),
            Self::Undo(phase) => format!("undo-{}", phase.as_str()),
        }
    }
}

/// Phases that make changes, in their order.
const CHANGING: [Phase; 5] = [
    Phase::Prepare,
    Phase::Migrate,
    Phase::Infrastructure,
    Phase::Configure,
    Phase::Monitoring,
];

impl Deployment {
    /// What the plan changes besides the image, in the order in which it is made.
    pub fn planned_changes(&self) -> &[Change] {
        self.plan.as_ref().map_or(&[][..], |plan| &plan.changes)
    }

    /// The changes of one phase.
    pub fn changes_of(&self, phase: Phase) -> impl DoubleEndedIterator<Item = &Change> {
        let changes = self.planned_changes().iter();
        changes.filter(move |change| change.phase == phase)
    }

    /// The last phase of which a change was begun.
    pub fn last_changing(&self) -> Option<Phase> {
        let changes = self.planned_changes().iter();
        let begun = changes.filter(|change| self.changes.contains_key(&change.id));
        begun.map(|change| change.phase).max()
    }

    /// The deployment that made what this one takes back: itself, unless it reverses a completed one.
    pub fn maker(&self) -> &DeploymentId {
        match &self.kind {
            Kind::Forward | Kind::Contract { .. } => &self.id,
            Kind::Reversal { of } => of,
        }
    }

    /// What was there before a change, where that is recorded.
    pub fn before_of(&self, id: &ChangeId) -> Option<&Before> {
        self.changes.get(id)?.before.as_ref()
    }

    /// How far a change is; nothing where it was not begun.
    pub fn change_stage(&self, id: &ChangeId) -> Option<ChangeStage> {
        self.changes.get(id).map(|state| state.stage)
    }

    /// The first change of a phase that is still to be made.
    pub fn change_to_make(&self, phase: Phase) -> Option<&Change> {
        self.changes_of(phase)
            .find(|change| match self.change_stage(&change.id) {
                None | Some(ChangeStage::Making | ChangeStage::Failed) => true,
                Some(ChangeStage::Made | ChangeStage::Undoing | ChangeStage::Undone | ChangeStage::Held) => {
                    false
                }
            })
    }

    /// The last change of a phase that is still to be undone: all that was begun where the deployment is
    /// rolled back, what is temporary where it goes on.
    pub fn change_to_undo(&self, phase: Phase) -> Option<&Change> {
        let back = self.rollback.is_some();
        self.changes_of(phase).rev().find(|change| {
            let meant = change.undo != Undo::Nothing && (back || change.temporary);
            meant
                && match self.change_stage(&change.id) {
                    Some(
                        ChangeStage::Making | ChangeStage::Made | ChangeStage::Failed | ChangeStage::Undoing,
                    ) => true,
                    None | Some(ChangeStage::Undone | ChangeStage::Held) => false,
                }
        })
    }

    /// The forward phases that this deployment goes through, in order.
    pub fn phases(&self) -> impl Iterator<Item = Phase> {
        std::iter::successors(Some(Phase::Plan), |phase| self.phase_after(*phase))
    }

    fn phase_after(&self, phase: Phase) -> Option<Phase> {
        match phase {
            Phase::Plan => Some(Phase::Prepare),
            // Phases without work are left out, so that they cost nothing.
            Phase::Prepare
            | Phase::Migrate
            | Phase::Infrastructure
            | Phase::Configure
            | Phase::Monitoring => {
                let mut later = CHANGING.into_iter().filter(|one| *one > phase);
                let working = later.find(|one| self.changes_of(*one).next().is_some());
                Some(working.unwrap_or(if self.kind.is_contract() {
                    Phase::Complete
                } else {
                    Phase::Shift
                }))
            }
            Phase::Shift => Some(Phase::Validate),
            Phase::Validate => Some(Phase::Complete),
            Phase::Complete | Phase::Rollback => None,
        }
    }

    /// What follows a phase that is done: what is temporary is undone before the deployment completes.
    pub fn after(&self, phase: Phase) -> Option<Next> {
        match self.phase_after(phase)? {
            Phase::Complete if self.change_to_undo(Phase::Prepare).is_some() => {
                Some(Next::Undo(Phase::Prepare))
            }
            next => Some(Next::Phase(next)),
        }
    }

    /// What follows when the changes of a phase are undone, or nothing was yet: in a rollback the
    /// changes of the phases before it, then the end.
    pub fn after_undo(&self, undone: Option<Phase>) -> Option<Next> {
        if self.rollback.is_none() {
            return Some(Next::Phase(Phase::Complete));
        }
        let earlier = |one: &Phase| undone.is_none_or(|undone| *one < undone);
        let mut left = CHANGING.into_iter().rev().filter(earlier);
        left.find(|one| self.change_to_undo(*one).is_some())
            .map(Next::Undo)
    }
}
