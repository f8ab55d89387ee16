//! Terraform: what the file wants of it, what it says that a plan would do, and how its task ended.
//!
//! A plan is read as the task's script leaves it: what `terraform show -json` says, beside the SHA-256 of the
//! very plan file that it is of. Only addresses and actions are read. The values, among which are secrets in
//! clear, are skipped over and never become values here.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::proposal::{Effect, EffectKind};
use super::tail;
use crate::analyzer::Generated;
use crate::ids::{DeploymentId, is_sha256_hex};

/// Terraform as the file wants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TerraformWork {
    /// `taskDefinition`: family of the task that plans and applies.
    pub task_definition: String,
    /// `container`: which of its containers runs Terraform; nothing where it has only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// `bucket`: where that task leaves its plans.
    pub bucket: String,
    /// `prefix`: below what key.
    pub prefix: String,
    /// `imageVariable`: the variable that is given the image, by its digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_variable: Option<String>,
    /// `variables`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    /// `generatedVariables`: whether it is planned with what the analyzer generated, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub generated: bool,
}

/// Why a rollback leaves what Terraform made.
pub(super) const NO_WAY_BACK: &str = "the way back would be another plan, which nobody has seen";

/// The largest plan that is read, bytes: some ten thousand resources.
pub const MAX_PLAN_BYTES: usize = 16 << 20;

/// Addresses of drifted resources that are named.
const MAX_DRIFTED: usize = 5;

/// Exit code of the task's script: the plan file is not the one that was proposed.
pub const EXIT_OTHER_PLAN: i32 = 20;
/// Exit code of the task's script: the state was changed after the plan was made.
pub const EXIT_STALE: i32 = 21;
/// Exit code of the task's script: somebody else holds the lock of the state.
pub const EXIT_LOCKED: i32 = 22;
/// Exit code of the task's script: the generated variables are not those that the analyzer named.
pub const EXIT_OTHER_VARIABLES: i32 = 23;

/// Why a plan can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// It is too large.
    #[error("the plan has {0} bytes, more than the {MAX_PLAN_BYTES} that are read")]
    TooLarge(usize),
    /// It is not what the task's script writes. The place is told, never the text.
    #[error("the plan is not what infra/terraform/run.sh writes (line {line}, column {column})")]
    NotAPlan {
        /// Where.
        line: usize,
        /// Where in the line.
        column: usize,
    },
    /// It does not say which plan file it is of.
    #[error("the plan does not name its plan file by SHA-256")]
    OfNoFile,
    /// Another major version of the format.
    #[error("the plan has format {0}, and 1 is known")]
    OtherFormat(String),
    /// Terraform could not make it whole.
    #[error("terraform could not make the plan whole; its own log says why")]
    Errored,
}

/// A plan as far as it matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerraformPlan {
    /// SHA-256 of the plan file, in hexadecimal.
    pub sha256: String,
    /// What becomes of each resource that does not stay as it is.
    pub effects: Vec<Effect>,
    /// What else people should know.
    pub notes: Vec<String>,
}

#[derive(Deserialize)]
struct Left {
    sha256: String,
    plan: Shown,
}

#[derive(Deserialize)]
struct Shown {
    format_version: String,
    #[serde(default)]
    errored: bool,
    /// Since Terraform 1.8; whether applying it would do anything.
    #[serde(default)]
    applyable: Option<bool>,
    /// Since Terraform 1.8; whether something is left for another plan.
    #[serde(default)]
    complete: Option<bool>,
    #[serde(default)]
    resource_changes: Vec<Resource>,
    #[serde(default)]
    resource_drift: Vec<Resource>,
    #[serde(default)]
    output_changes: BTreeMap<String, Actions>,
}

#[derive(Deserialize)]
struct Resource {
    address: String,
    #[serde(default)]
    previous_address: Option<String>,
    #[serde(default)]
    deposed: Option<IgnoredAny>,
    change: Actions,
}

#[derive(Deserialize)]
struct Actions {
    actions: Vec<String>,
    #[serde(default)]
    importing: Option<IgnoredAny>,
}

impl TerraformWork {
    /// Key below which the plans of a deployment lie.
    fn folder(&self, deployment: &DeploymentId) -> String {
        format!("{}/{deployment}", self.prefix)
    }

    /// Where they lie, as the task's script is told.
    pub fn place(&self, deployment: &DeploymentId) -> String {
        format!("s3://{}/{}", self.bucket, self.folder(deployment))
    }

    /// Key of what the plan would do.
    pub fn shown_key(&self, deployment: &DeploymentId) -> String {
        format!("{}/plan.json", self.folder(deployment))
    }

    /// Key of what went wrong with a step (`plan`, `apply`).
    pub fn error_key(&self, deployment: &DeploymentId, step: &str) -> String {
        format!("{}/{step}-error.txt", self.folder(deployment))
    }

    /// A plan file by its content: a name that nothing else ever has.
    pub fn artifact(&self, deployment: &DeploymentId, sha256: &str) -> String {
        format!("{}/plan.tfplan#sha256={sha256}", self.place(deployment))
    }

    /// The SHA-256 of the plan file that an artifact of this deployment names.
    pub fn sha256_of<'a>(&self, deployment: &DeploymentId, artifact: &'a str) -> Option<&'a str> {
        let sha256 = artifact.strip_prefix(&self.artifact(deployment, ""))?;
        is_sha256_hex(sha256).then_some(sha256)
    }

    /// The variables that it is given for an image.
    pub fn variables_for(&self, image: &str) -> BTreeMap<String, String> {
        let image = self
            .image_variable
            .iter()
            .map(|name| (name.clone(), image.to_owned()));
        self.variables.clone().into_iter().chain(image).collect()
    }

    /// The names of the variables that hold whatever is generated, the image's among them.
    pub fn own_variables(&self) -> Vec<&str> {
        let image = self.image_variable.iter();
        let names = self.variables.keys().chain(image);
        names.map(String::as_str).collect()
    }

    /// What people are told of the variables that a plan was made with, beside those of the file.
    pub fn told_of(&self, generated: Option<Generated<'_>>) -> Option<String> {
        if !self.generated {
            return None;
        }
        Some(match generated {
            Some(Generated { sha256, .. }) => {
                let short: String = sha256.chars().take(12).collect();
                format!("planned with the variables that the analyzer generated (SHA-256 {short})")
            }
            None => "planned without generated variables: the analyzer gave none".to_owned(),
        })
    }

    /// As a line of a plan.
    pub(super) fn describe(&self) -> String {
        let image = self
            .image_variable
            .iter()
            .map(|name| format!("{name} = the image"));
        let given = self
            .variables
            .iter()
            .map(|(name, value)| format!("{name} = {value}"));
        let generated = self.generated.then(|| "what the analyzer generates".to_owned());
        let variables: Vec<String> = image.chain(given).chain(generated).collect();
        let with = match variables.is_empty() {
            true => String::new(),
            false => format!(" with {}", super::shortened(&variables.join(", "))),
        };
        format!("apply what a task of {} plans{with}", self.task_definition)
    }
}

impl TerraformPlan {
    /// Reads what the task's script left.
    ///
    /// # Errors
    /// It is no plan, or not a whole one.
    pub fn read(json: &[u8]) -> Result<Self, PlanError> {
        if json.len() > MAX_PLAN_BYTES {
            return Err(PlanError::TooLarge(json.len()));
        }
        let left: Left = serde_json::from_slice(json).map_err(|error| PlanError::NotAPlan {
            line: error.line(),
            column: error.column(),
        })?;
        let shown = left.plan;
        if !(shown.format_version == "1" || shown.format_version.starts_with("1.")) {
            let version = shown.format_version.chars().filter(char::is_ascii_graphic);
            return Err(PlanError::OtherFormat(version.take(20).collect()));
        }
        if shown.errored {
            return Err(PlanError::Errored);
        }
        if !is_sha256_hex(&left.sha256) {
            return Err(PlanError::OfNoFile);
        }
        Ok(Self {
            sha256: left.sha256,
            effects: shown.effects(),
            notes: shown.notes(),
        })
    }
}

impl Shown {
    fn effects(&self) -> Vec<Effect> {
        let resources = self.resource_changes.iter().filter_map(effect);
        let outputs = self
            .output_changes
            .iter()
            .filter_map(|(name, change)| output(name, change));
        let effects: Vec<Effect> = resources.chain(outputs).collect();
        // What is not known here must not be taken for nothing.
        let unknown = effects.is_empty() && self.applyable == Some(true);
        let unknown = unknown.then(|| Effect {
            kind: EffectKind::Change,
            what: "the state (its task's log says what of it)".to_owned(),
        });
        effects.into_iter().chain(unknown).collect()
    }

    fn notes(&self) -> Vec<String> {
        let later =
            (self.complete == Some(false)).then(|| "another plan will be needed after this one".to_owned());
        drift(&self.resource_drift).into_iter().chain(later).collect()
    }
}

/// What becomes of a resource; nothing where it stays, or is only read. An action that is not known counts
/// as the worst.
fn effect(resource: &Resource) -> Option<Effect> {
    let actions: Vec<&str> = resource.change.actions.iter().map(String::as_str).collect();
    let (kind, how) = match (&actions[..], &resource.previous_address) {
        (["no-op"], _) if resource.change.importing.is_some() => (EffectKind::Add, " (imported)".to_owned()),
        (["no-op"], Some(from)) => (EffectKind::Change, format!(" (it was {from})")),
        (["no-op"], None) | (["read"], _) => return None,
        (["create"], _) => (EffectKind::Add, String::new()),
        (["update"], _) => (EffectKind::Change, String::new()),
        (["delete"], _) => (EffectKind::Delete, String::new()),
        (["forget"], _) => (EffectKind::Delete, " (left as it is, and forgotten)".to_owned()),
        (["create", "delete"], _) => (EffectKind::Replace, " (the new one is made first)".to_owned()),
        (["delete", "create"] | ["create", "forget"], _) => (EffectKind::Replace, String::new()),
        _ => (EffectKind::Replace, " (in a way that is not known)".to_owned()),
    };
    let deposed = if resource.deposed.is_some() {
        " (deposed)"
    } else {
        ""
    };
    Some(Effect {
        kind,
        what: format!("{}{deposed}{how}", resource.address),
    })
}

/// An output has no data to be lost, but others read it.
fn output(name: &str, change: &Actions) -> Option<Effect> {
    let actions: Vec<&str> = change.actions.iter().map(String::as_str).collect();
    let how = match actions[..] {
        ["no-op"] => return None,
        ["delete"] => " (removed)",
        _ => "",
    };
    Some(Effect {
        kind: EffectKind::Change,
        what: format!("output.{name}{how}"),
    })
}

/// What differs from what Terraform made last.
fn drift(drifted: &[Resource]) -> Option<String> {
    let changed = drifted
        .iter()
        .filter(|one| one.change.actions.iter().any(|action| action != "no-op"));
    let names: Vec<&str> = changed.map(|one| one.address.as_str()).collect();
    let more = if names.len() > MAX_DRIFTED { ", ..." } else { "" };
    let shown: Vec<&str> = names.iter().take(MAX_DRIFTED).copied().collect();
    let told = || format!("changed outside of Terraform: {}{more}", shown.join(", "));
    (!names.is_empty()).then(told)
}

/// Why its task failed, by the exit code of the script, and by what the script wrote of it.
pub fn why_it_failed(exit_code: i32, written: &str) -> String {
    let said = tail([written]).join("; ");
    match exit_code {
        EXIT_OTHER_PLAN => {
            "it is not the plan file that was proposed, so nothing was applied; look who else writes to \
                            the bucket, and deploy again"
                .to_owned()
        }
        EXIT_OTHER_VARIABLES => {
            "the generated variables are not those that the analyzer named, by their SHA-256, so nothing was planned; \
             look who else writes to their place, and deploy again"
                .to_owned()
        }
        EXIT_STALE => {
            "the state was changed after the plan was made, so nothing was applied; deploy again for a new \
                       plan"
                .to_owned()
        }
        EXIT_LOCKED if said.is_empty() => why_it_failed(EXIT_LOCKED, "by somebody"),
        EXIT_LOCKED => {
            format!("the state is locked {said}; wait for whoever holds the lock, and deploy again")
        }
        code if said.is_empty() => format!("it ended with exit code {code}"),
        code => format!("{said} (exit code {code})"),
    }
}

/// Whether an apply that ended so has touched nothing.
pub const fn nothing_was_applied(exit_code: i32) -> bool {
    matches!(exit_code, EXIT_OTHER_PLAN | EXIT_STALE | EXIT_LOCKED)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::change::Proposal;

    const SHA256: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    fn work() -> TerraformWork {
        TerraformWork {
            task_definition: "web-terraform".to_owned(),
            container: None,
            bucket: "shop-plans".to_owned(),
            prefix: "tidegate".to_owned(),
            generated: false,
            image_variable: Some("image".to_owned()),
            variables: [("size".to_owned(), "3".to_owned())].into(),
        }
    }

    fn changed(address: &str, actions: &[&str]) -> Value {
        json!({
            "address": address, "mode": "managed", "type": "aws_db_instance", "name": "db",
            "change": {"actions": actions, "before": {"password": "hunter2"}, "after": {"password": "hunter3"}},
        })
    }

    /// As the script leaves it.
    fn left(shown: &Value) -> Vec<u8> {
        json!({"sha256": SHA256, "plan": shown}).to_string().into_bytes()
    }

    fn plan(changes: Vec<Value>) -> Vec<u8> {
        left(&json!({"format_version": "1.2", "terraform_version": "1.11.4",
                     "variables": {"token": {"value": "hunter2"}}, "resource_changes": changes}))
    }

    fn effects(plan: &[u8]) -> Vec<(EffectKind, String)> {
        let effects = TerraformPlan::read(plan).unwrap().effects.into_iter();
        effects.map(|effect| (effect.kind, effect.what)).collect()
    }

    #[test]
    fn actions_are_told_apart_and_an_unknown_one_counts_as_the_worst() {
        let of = |actions: &[&str]| {
            let effects = effects(&plan(vec![changed("a.b", actions)]));
            effects.first().map(|(kind, _)| *kind)
        };
        assert_eq!(of(&["no-op"]), None);
        assert_eq!(of(&["read"]), None);
        assert_eq!(of(&["create"]), Some(EffectKind::Add));
        assert_eq!(of(&["update"]), Some(EffectKind::Change));
        assert_eq!(of(&["delete"]), Some(EffectKind::Delete));
        assert_eq!(of(&["forget"]), Some(EffectKind::Delete));
        assert_eq!(of(&["delete", "create"]), Some(EffectKind::Replace));
        assert_eq!(of(&["create", "delete"]), Some(EffectKind::Replace));
        assert_eq!(of(&["create", "forget"]), Some(EffectKind::Replace));
        assert_eq!(of(&["transmute"]), Some(EffectKind::Replace));
        assert_eq!(of(&[]), Some(EffectKind::Replace));
    }

    #[test]
    fn what_changes_only_the_state_is_not_taken_for_nothing() {
        let mut moved = changed("a.new", &["no-op"]);
        moved["previous_address"] = json!("a.old");
        let mut imported = changed("a.there", &["no-op"]);
        imported["change"]["importing"] = json!({"id": "i-1"});
        let mut old = changed("a.b", &["delete"]);
        old["deposed"] = json!("00000001");
        assert_eq!(
            effects(&plan(vec![moved, imported, old])),
            [
                (EffectKind::Change, "a.new (it was a.old)".to_owned()),
                (EffectKind::Add, "a.there (imported)".to_owned()),
                (EffectKind::Delete, "a.b (deposed)".to_owned()),
            ]
        );
        let outputs = json!({"format_version": "1.2", "output_changes": {
            "gone": {"actions": ["delete"]}, "same": {"actions": ["no-op"]}, "url": {"actions": ["update"]},
        }});
        assert_eq!(
            effects(&left(&outputs)),
            [
                (EffectKind::Change, "output.gone (removed)".to_owned()),
                (EffectKind::Change, "output.url".to_owned()),
            ]
        );
        let of =
            |applyable: bool| effects(&left(&json!({"format_version": "1.2", "applyable": applyable}))).len();
        assert_eq!((of(true), of(false)), (1, 0));
    }

    #[test]
    fn no_value_of_a_plan_is_kept() {
        let secret = plan(vec![changed("aws_db_instance.shop", &["delete", "create"])]);
        let read = TerraformPlan::read(&secret).unwrap();
        let proposal = Proposal::new("s3://bucket/plan".to_owned(), read.effects, read.notes);
        assert!(!format!("{proposal:?}").contains("hunter"));
        // Nor where it can't be read.
        let broken = br#"{"sha256": "", "plan": {"format_version": "1.2", "resource_changes": "hunter2"}}"#;
        let error = TerraformPlan::read(broken).unwrap_err().to_string();
        assert!(!error.contains("hunter") && error.contains("column"), "{error}");
    }

    #[test]
    fn what_is_no_whole_plan_is_refused() {
        let of = |value: Value| TerraformPlan::read(&left(&value)).unwrap_err();
        assert_eq!(
            of(json!({"format_version": "2.0"})),
            PlanError::OtherFormat("2.0".to_owned())
        );
        assert_eq!(
            of(json!({"format_version": "1.2", "errored": true})),
            PlanError::Errored
        );
        assert!(matches!(of(json!([])), PlanError::NotAPlan { .. }));
        assert!(matches!(
            of(json!({"resource_changes": []})),
            PlanError::NotAPlan { .. }
        ));
        for sha256 in ["", "9F86", &"g".repeat(64)] {
            let nameless = json!({"sha256": sha256, "plan": {"format_version": "1.2"}}).to_string();
            assert_eq!(TerraformPlan::read(nameless.as_bytes()), Err(PlanError::OfNoFile));
        }
        let large = vec![b' '; MAX_PLAN_BYTES + 1];
        assert_eq!(
            TerraformPlan::read(&large),
            Err(PlanError::TooLarge(MAX_PLAN_BYTES + 1))
        );
    }

    #[test]
    fn drift_and_what_is_left_for_later_are_notes() {
        let drifted: Vec<Value> = (0..7)
            .map(|at| changed(&format!("a.b[{at}]"), &["update"]))
            .collect();
        let shown = json!({"format_version": "1.2", "resource_drift": drifted, "complete": false});
        let read = TerraformPlan::read(&left(&shown)).unwrap();
        assert_eq!(
            read.notes,
            [
                "changed outside of Terraform: a.b[0], a.b[1], a.b[2], a.b[3], a.b[4], ...",
                "another plan will be needed after this one"
            ]
        );
        assert!(read.effects.is_empty());
    }

    #[test]
    fn an_artifact_names_a_plan_file_of_this_deployment_by_its_content() {
        let (work, id) = (work(), "web-production-7-abc".parse().unwrap());
        let artifact = work.artifact(&id, SHA256);
        let file = "s3://shop-plans/tidegate/web-production-7-abc/plan.tfplan";
        assert_eq!(artifact, format!("{file}#sha256={SHA256}"));
        assert_eq!(work.sha256_of(&id, &artifact), Some(SHA256));
        let other = "web-production-8-abc".parse().unwrap();
        assert_eq!(work.sha256_of(&other, &artifact), None);
        assert_eq!(work.sha256_of(&id, &format!("{file}#sha256=$(reboot)")), None);
        assert_eq!(work.variables_for("web@sha256:1")["image"], "web@sha256:1");
    }

    #[test]
    fn people_are_told_whether_a_plan_was_made_with_generated_variables() {
        let sha256 = "ab".repeat(32);
        let generated = Generated {
            location: "s3://generated/web.tfvars.json",
            version: None,
            sha256: &sha256,
        };
        let mut work = work();
        assert_eq!(work.told_of(Some(generated)), None);
        work.generated = true;
        let told = |generated| work.told_of(generated).unwrap();
        assert!(told(Some(generated)).ends_with("generated (SHA-256 abababababab)"));
        assert!(told(None).starts_with("planned without generated variables"));
        assert!(work.describe().contains("what the analyzer generates"));
        assert_eq!(work.own_variables().last(), Some(&"image"));
        let why = why_it_failed(EXIT_OTHER_VARIABLES, "");
        assert!(why.contains("nothing was planned"), "{why}");
        assert!(!nothing_was_applied(EXIT_OTHER_VARIABLES));
    }

    #[test]
    fn a_failure_is_told_by_its_exit_code_and_by_what_the_script_wrote() {
        let locked = why_it_failed(EXIT_LOCKED, "by pia@laptop since 2026-01-05");
        assert_eq!(
            locked,
            "the state is locked by pia@laptop since 2026-01-05; wait for whoever holds the lock, and deploy again"
        );
        assert!(why_it_failed(EXIT_STALE, "").contains("deploy again for a new plan"));
        assert!(why_it_failed(EXIT_OTHER_PLAN, "").contains("not the plan file that was proposed"));
        let masked = why_it_failed(1, "Error: no such thing\npassword=hunter2\n");
        assert_eq!(masked, "Error: no such thing; password=*** (exit code 1)");
        assert!(nothing_was_applied(EXIT_STALE) && !nothing_was_applied(1));
        assert_eq!(why_it_failed(137, ""), "it ended with exit code 137");
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = TerraformPlan::read(&bytes);
        }

        #[test]
        fn every_resource_that_does_not_stay_is_counted_once(
            actions in proptest::collection::vec(
                proptest::sample::select(vec![
                    vec!["no-op"], vec!["create"], vec!["update"], vec!["delete"], vec!["delete", "create"],
                ]),
                0..60,
            )
        ) {
            let staying = actions.iter().filter(|one| one[0] == "no-op").count();
            let changes = actions.iter().enumerate().map(|(at, one)| changed(&format!("a.b[{at}]"), one));
            let read = TerraformPlan::read(&plan(changes.collect())).unwrap();
            let proposal = Proposal::new(String::new(), read.effects, read.notes);
            prop_assert_eq!(proposal.total() as usize, actions.len() - staying);
        }
    }
}
