//! What a change would do, said by who makes it before it is made: a change set, a plan of Terraform.
//! People approve it, and exactly it is made.

use serde::{Deserialize, Serialize};

use super::Change;
use crate::deployment::{Deployment, Phase};
use crate::ids::{PlanHash, ProposalHash};
use crate::spec::{ApprovalRule, Consent, Gate, GatePhase};

/// Lines of a proposal that are kept; its hash covers all.
const MAX_LINES: usize = 50;

/// Of what is lost, so many are named in one line.
const MAX_TOLD: usize = 3;

/// Characters of a line that are kept.
const MAX_CHARS: usize = 200;

/// What a change would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proposal {
    /// Exactly what is executed, by a name that is never given to anything else, such as the ARN of a
    /// change set.
    pub artifact: String,
    /// Covers the artifact and every line, also those that are not kept.
    pub hash: ProposalHash,
    /// Resources that are made.
    pub adds: u32,
    /// Resources that are changed where they are.
    pub changes: u32,
    /// Resources that are, or may be, deleted and made again.
    pub replaces: u32,
    /// Resources that are deleted.
    pub deletes: u32,
    /// Resources that are not as they were made last, where that was looked for.
    #[serde(default, skip_serializing_if = "is_none")]
    pub drifted: u32,
    /// Whether that was looked for, and could not be seen of all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drift_unknown: bool,
    /// A line for each resource, what is lost first; then what else people should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    /// What it comes to in one line, where that is not how many resources it touches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
}

/// What becomes of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// Made, changed, replaced or deleted.
    pub kind: EffectKind,
    /// Which resource, and what of it.
    pub what: String,
}

/// What can become of a resource, what is lost first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EffectKind {
    /// It is deleted.
    Delete,
    /// It is, or may be, deleted and made again.
    Replace,
    /// It is changed where it is.
    Change,
    /// It is made.
    Add,
}

/// How the making of a proposal stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "proposed")]
pub enum Proposed {
    /// Nobody was asked for it, as far as one can see.
    NotBegun,
    /// It is being made.
    Running {
        /// What a person on call wants to know of it.
        note: String,
    },
    /// Here it is.
    Ready {
        /// All of it.
        proposal: Box<Proposal>,
    },
    /// It can't be made.
    Failed {
        /// Why.
        reason: String,
    },
}

impl EffectKind {
    /// As people who read plans know it.
    const fn sign(self) -> &'static str {
        match self {
            Self::Delete => "-",
            Self::Replace => "-/+",
            Self::Change => "~",
            Self::Add => "+",
        }
    }
}

impl Proposal {
    /// From everything that would happen, and notes that are no resource's.
    pub fn new(artifact: String, mut effects: Vec<Effect>, notes: Vec<String>) -> Self {
        effects.sort_by_key(|effect| effect.kind);
        let count = |kind| {
            let of_it = effects.iter().filter(|effect| effect.kind == kind);
            u32::try_from(of_it.count()).unwrap_or(u32::MAX)
        };
        let lines = effects
            .iter()
            .map(|effect| format!("{} {}", effect.kind.sign(), effect.what));
        let lines: Vec<String> = lines.chain(notes).collect();
        let hash = ProposalHash::of(&serde_json::to_vec(&(&artifact, &lines)).unwrap_or_default());
        Self {
            hash,
            adds: count(EffectKind::Add),
            changes: count(EffectKind::Change),
            replaces: count(EffectKind::Replace),
            deletes: count(EffectKind::Delete),
            drifted: 0,
            drift_unknown: false,
            lines: kept(&lines),
            artifact,
            said: None,
        }
    }

    /// The same, where so many resources are not as they were made last, as far as is known; notes tell which.
    pub fn with_drift(self, drifted: u32, drift_unknown: bool) -> Self {
        Self {
            drifted,
            drift_unknown,
            ..self
        }
    }

    /// The same, with what it comes to in words.
    #[must_use]
    pub fn saying(mut self, said: String) -> Self {
        self.said = Some(said);
        self
    }

    /// How many resources it touches.
    pub const fn total(&self) -> u32 {
        self.adds
            .saturating_add(self.changes)
            .saturating_add(self.replaces)
            .saturating_add(self.deletes)
    }

    /// Whether there is nothing to do.
    pub const fn is_empty(&self) -> bool {
        self.total() == 0
    }

    /// Whether people must agree to it, whatever else the file says.
    pub fn needs_consent(&self, threshold: Option<u32>) -> bool {
        let lost = self.replaces > 0 || self.deletes > 0;
        lost || self.drifted > 0 || self.drift_unknown || threshold.is_some_and(|most| self.total() > most)
    }

    /// The sum, and the first of what is lost: `1 to delete, 2 to add (- AWS::S3::Bucket Logs)`.
    pub fn told(&self) -> String {
        let lost = usize::try_from(self.deletes.saturating_add(self.replaces)).unwrap_or(usize::MAX);
        let lines = self.lines.iter().map(String::as_str);
        let lines: Vec<&str> = lines.take(lost.min(MAX_TOLD)).collect();
        let more = if lost > lines.len() { ", ..." } else { "" };
        match lines.is_empty() {
            true => self.summary(),
            false => format!("{} ({}{more})", self.summary(), lines.join(", ")),
        }
    }

    /// `1 to delete, 2 to add`.
    pub fn summary(&self) -> String {
        if let Some(said) = &self.said {
            return said.clone();
        }
        let parts = [
            (self.deletes, "to delete"),
            (self.replaces, "to replace"),
            (self.changes, "to change"),
            (self.adds, "to add"),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        let drifted = (self.drifted > 0).then(|| format!("{} drifted", self.drifted));
        let unknown = self.drift_unknown.then(|| "drift not known".to_owned());
        let drift = drifted.into_iter().chain(unknown);
        let all: Vec<String> = match parts.is_empty() {
            true => std::iter::once("nothing to change".to_owned())
                .chain(drift)
                .collect(),
            false => parts.into_iter().chain(drift).collect(),
        };
        all.join(", ")
    }
}

const fn is_none(count: &u32) -> bool {
    *count == 0
}

fn kept(lines: &[String]) -> Vec<String> {
    let mut kept: Vec<String> = lines.iter().take(MAX_LINES).map(|line| cut(line)).collect();
    if lines.len() > MAX_LINES {
        kept.truncate(MAX_LINES - 1);
        kept.push(format!("... and {} more", lines.len() - kept.len()));
    }
    kept
}

/// Names of resources are somebody else's text.
fn cut(line: &str) -> String {
    let clean = line.chars().map(|c| if c.is_control() { ' ' } else { c });
    clean.take(MAX_CHARS).collect()
}

impl Deployment {
    /// The first change of a phase that says what it would do before it is made, and has not yet.
    pub fn change_to_propose(&self, phase: Phase) -> Option<&Change> {
        let mut changes = self.changes_of(phase);
        changes.find(|change| change.work.proposes() && !self.proposals.contains_key(&change.id))
    }

    /// What the changes behind a gate would do, in their order.
    pub fn proposed(&self, before: GatePhase) -> impl Iterator<Item = (&Change, &Proposal)> {
        let behind = move |change: &&Change| change.phase.gate() == Some(before);
        let changes = self.planned_changes().iter().filter(behind);
        changes.filter_map(|change| Some((change, self.proposals.get(&change.id)?)))
    }

    /// What an approval at a gate is for: the plan, with the proposals behind that gate.
    pub fn asked_hash(&self, before: GatePhase) -> Option<PlanHash> {
        let plan = &self.plan.as_ref()?.hash;
        let proposed = self.proposed(before);
        let hashes: Vec<_> = proposed
            .map(|(change, proposal)| (&change.id, &proposal.hash))
            .collect();
        match hashes.is_empty() {
            true => Some(plan.clone()),
            false => Some(PlanHash::of(
                &serde_json::to_vec(&(plan, hashes)).unwrap_or_default(),
            )),
        }
    }

    /// The change behind a gate to which people must agree, whatever else the file says.
    pub fn needs_consent(&self, before: GatePhase) -> Option<(&Change, &Proposal)> {
        self.need_consent(before).next()
    }

    /// Who must agree to what it costs: people are asked before anything is touched.
    fn cost_to_agree_to(&self, before: GatePhase) -> Option<&Consent> {
        let beyond = !self.plan.as_ref()?.cost.as_ref()?.beyond.is_empty();
        let consent = self.spec.cost.as_ref()?.consent.as_ref();
        consent.filter(|_| beyond && before == GatePhase::Prepare)
    }

    fn need_consent(&self, before: GatePhase) -> impl Iterator<Item = (&Change, &Proposal)> {
        let proposed = self.proposed(before);
        proposed.filter(|(change, proposal)| proposal.needs_consent(self.threshold_of(change)))
    }

    /// The first change behind a gate to which people must agree, and of whom the file names none.
    pub fn nobody_agrees_to(&self, before: GatePhase) -> Option<(&Change, &Proposal)> {
        let gated = self.spec.gate(before).is_some();
        let mut needing = self.need_consent(before).filter(|_| !gated);
        needing.find(|(change, _)| self.consent_of(change).is_none())
    }

    /// Who must approve before a phase: whom the file names there, and whom it names for proposals that
    /// need consent, or a cost beyond a limit. Nothing where nobody is asked.
    pub fn gate_rule(&self, before: GatePhase) -> Option<Gate> {
        let mut asked = self.spec.gate(before).cloned();
        let needed = self.need_consent(before);
        let needed = needed.filter_map(|(change, _)| self.consent_of(change));
        for consent in needed.chain(self.cost_to_agree_to(before)) {
            let gate = asked.get_or_insert_with(|| Gate {
                before,
                approvals: Vec::new(),
                expires_seconds: consent.expires_seconds,
            });
            ask_too(&mut gate.approvals, &consent.approvals);
        }
        asked
    }
}

/// Of each role at least so many; who is asked for both reasons decides once.
fn ask_too(asked: &mut Vec<ApprovalRule>, more: &[ApprovalRule]) {
    for one in more {
        match asked.iter_mut().find(|rule| rule.role == one.role) {
            Some(rule) => rule.count = rule.count.max(one.count),
            None => asked.push(one.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effect(kind: EffectKind, what: &str) -> Effect {
        Effect {
            kind,
            what: what.to_owned(),
        }
    }

    #[test]
    fn what_is_lost_comes_first_and_all_of_it_is_counted() {
        let effects = vec![
            effect(EffectKind::Add, "queue orders"),
            effect(EffectKind::Change, "service web"),
            effect(EffectKind::Delete, "bucket logs"),
            effect(EffectKind::Replace, "database shop"),
        ];
        let proposal = Proposal::new("arn".to_owned(), effects, vec!["drift: none".to_owned()]);
        assert_eq!(
            proposal.lines,
            [
                "- bucket logs",
                "-/+ database shop",
                "~ service web",
                "+ queue orders",
                "drift: none"
            ]
        );
        assert_eq!(
            proposal.summary(),
            "1 to delete, 1 to replace, 1 to change, 1 to add"
        );
        assert!(proposal.needs_consent(None));
        let lost = "(- bucket logs, -/+ database shop)";
        assert_eq!(proposal.told(), format!("{} {lost}", proposal.summary()));
        let many = (0..4).map(|at| effect(EffectKind::Delete, &at.to_string()));
        let many = Proposal::new("arn".to_owned(), many.collect(), Vec::new());
        assert_eq!(many.told(), "4 to delete (- 0, - 1, - 2, ...)");
    }

    #[test]
    fn only_what_is_lost_or_much_needs_consent() {
        let of = |kind, count: usize| {
            let effects = (0..count).map(|at| effect(kind, &at.to_string())).collect();
            Proposal::new("arn".to_owned(), effects, Vec::new())
        };
        assert!(!of(EffectKind::Add, 3).needs_consent(None));
        assert!(!of(EffectKind::Add, 3).needs_consent(Some(3)));
        assert!(of(EffectKind::Change, 4).needs_consent(Some(3)));
        assert!(of(EffectKind::Delete, 1).needs_consent(Some(3)));
        assert!(of(EffectKind::Replace, 1).needs_consent(Some(3)));
        assert!(of(EffectKind::Add, 0).is_empty());
        let drifted = of(EffectKind::Add, 0).with_drift(2, false);
        assert!(drifted.needs_consent(None) && drifted.is_empty());
        assert_eq!(drifted.summary(), "nothing to change, 2 drifted");
        assert_eq!(
            of(EffectKind::Add, 3).with_drift(1, false).summary(),
            "3 to add, 1 drifted"
        );
        let unknown = of(EffectKind::Add, 3).with_drift(0, true);
        assert!(unknown.needs_consent(None));
        assert_eq!(unknown.summary(), "3 to add, drift not known");
    }

    #[test]
    fn the_hash_covers_what_is_not_shown() {
        let of = |last: &str| {
            let mut effects: Vec<Effect> = (0..80)
                .map(|at| effect(EffectKind::Add, &format!("queue {at}")))
                .collect();
            effects.push(effect(EffectKind::Add, &format!("{}{last}", "x".repeat(300))));
            Proposal::new("arn".to_owned(), effects, Vec::new())
        };
        let (one, other) = (of("a"), of("b"));
        assert_eq!(one.lines, other.lines);
        assert_eq!(one.lines.len(), MAX_LINES);
        assert_eq!(one.lines.last().map(String::as_str), Some("... and 32 more"));
        assert_ne!(one.hash, other.hash);
        assert_eq!(one.adds, 81);
        let long = Proposal::new("arn".to_owned(), Vec::new(), vec!["y\n".repeat(300)]);
        assert!(long.lines.iter().all(|line| line.chars().count() == MAX_CHARS));
        assert!(!long.lines.concat().contains('\n'));
    }

    #[test]
    fn as_many_lines_are_kept_as_fit() {
        let lines = |count: usize| {
            let all: Vec<String> = (0..count).map(|at| at.to_string()).collect();
            kept(&all)
        };
        assert_eq!(lines(MAX_LINES).len(), MAX_LINES);
        assert_eq!(lines(MAX_LINES).last().map(String::as_str), Some("49"));
        let cut = lines(MAX_LINES + 1);
        assert_eq!(cut.len(), MAX_LINES);
        assert_eq!(cut.last().map(String::as_str), Some("... and 2 more"));
    }
}
