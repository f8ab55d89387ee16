//! What a rollback does about each change, by its type, and what is to do about one that it leaves.

use serde::{Deserialize, Serialize};

use super::{Change, ChangeStage, Undo, Work};
use crate::deployment::{Deployment, Kind};

/// What a rollback does about a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// It is taken back.
    Revert,
    /// It stays as it is, and stable works with it.
    Hold,
    /// It is half made, and nothing takes it back: it is made to its end by what comes next.
    RollForward,
}

/// Why a change stays, as a rollback has chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stays {
    /// What was chosen; nothing where it was to be reverted, and could not be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<Choice>,
    /// Why.
    pub reason: String,
    /// What a person should do, where traffic is well without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl Choice {
    /// As people know it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revert => "revert",
            Self::Hold => "hold",
            Self::RollForward => "roll forward",
        }
    }
}

/// ` (hold)`, or nothing.
pub(crate) fn in_brackets(choice: Option<Choice>) -> String {
    choice.map_or_else(String::new, |choice| format!(" ({})", choice.as_str()))
}

impl Stays {
    /// `hold: it is forward-only, and stable works with it`.
    fn told(&self) -> String {
        match self.choice {
            Some(choice) => format!("{}: {}", choice.as_str(), self.reason),
            None => self.reason.clone(),
        }
    }
}

impl Change {
    /// What a rollback does about it, for whoever reads of it before there is one.
    pub fn in_a_rollback(&self) -> String {
        match (self.undo, self.has_no_way_back()) {
            (Undo::Nothing, _) => "nothing to undo".to_owned(),
            (Undo::Revertible, _) => "revert: it is taken back".to_owned(),
            (Undo::ForwardOnly, Some(why)) => format!("hold: {why}; {HALF}"),
            (Undo::ForwardOnly, None) => format!("hold: stable works with it; {HALF}"),
            (Undo::NeedsRestore, _) => "hold: a person decides whether its backup is restored".to_owned(),
        }
    }

    /// What is to do about it where a rollback holds it.
    pub(crate) fn advice_where_held(&self, deployment: &Deployment) -> Option<String> {
        if let Some(terraform) = self.terraform() {
            return Some(terraform.advice(deployment));
        }
        let Work::Stack { stack } = &self.work else {
            return None;
        };
        Some(format!(
            "the next deployment goes on from there; what stable must not have, take out of stack {} yourself",
            stack.name
        ))
    }

    /// What is to do about it where it may be half made.
    pub(crate) fn advice_where_half_made(&self, deployment: &Deployment) -> String {
        let look = "look at its log before that";
        match self.advice_where_held(deployment) {
            Some(advice) => format!("{look}; {advice}"),
            None => look.to_owned(),
        }
    }
}

/// What follows on a change that goes on only forward.
const HALF: &str = "half made, roll forward: the next deployment makes it to its end";

impl Deployment {
    /// Why a change that is half made stays, and what makes it to its end.
    pub(crate) fn why_it_goes_forward(&self) -> &'static str {
        match self.kind {
            Kind::Forward | Kind::Reversal { .. } => {
                "it may be half made, and goes on only forward: the next deployment that has it makes it again"
            }
            Kind::Contract { .. } => {
                "it may be half made, and goes on only forward: the contract makes it again, when it is asked for"
            }
        }
    }

    /// The changes that a rollback has left, in the order of the plan.
    pub fn left(&self) -> impl Iterator<Item = &Change> {
        let changes = self.planned_changes().iter();
        changes.filter(|change| self.change_stage(&change.id) == Some(ChangeStage::Held))
    }

    /// What a rollback has left, why, and what is to do about it; nothing where it left nothing, or where a person must
    /// act now, which is told apart.
    pub(crate) fn told_of_left(&self) -> Option<String> {
        let (mut whys, mut advice) = (Vec::new(), Vec::new());
        for change in self.left() {
            let Some(state) = self
                .changes
                .get(&change.id)
                .filter(|state| state.remedy.is_none())
            else {
                continue;
            };
            let stays = state.stays.as_ref();
            let why = stays.map_or_else(|| "see its journal".to_owned(), Stays::told);
            whys.push(format!("{} ({why})", change.id));
            let more = stays.and_then(|stays| stays.advice.as_ref());
            advice.extend(more.map(|advice| format!(". {}: {advice}", change.id)));
        }
        (!whys.is_empty()).then(|| format!("not taken back: {}{}", whys.join("; "), advice.concat()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_stored_and_told_in_its_own_words() {
        let told: Vec<(String, &str)> = [Choice::Revert, Choice::Hold, Choice::RollForward]
            .map(|choice| {
                (
                    serde_json::to_string(&choice).unwrap_or_default(),
                    choice.as_str(),
                )
            })
            .to_vec();
        let expected = [
            ("\"revert\"", "revert"),
            ("\"hold\"", "hold"),
            ("\"roll-forward\"", "roll forward"),
        ];
        assert_eq!(told, expected.map(|(stored, word)| (stored.to_owned(), word)));
        assert_eq!(in_brackets(Some(Choice::RollForward)), " (roll forward)");
        assert_eq!(in_brackets(None), "");
    }
}
