//! Terraform in tasks of ECS: what a plan would do is given, everything else follows from it, as with the
//! script in `infra/terraform`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tidegate_core::change::{EXIT_LOCKED, EXIT_OTHER_PLAN, EXIT_OTHER_VARIABLES, EXIT_STALE};
use tidegate_core::hash::sha256_hex;

use super::{Behaviour, Fleet};

/// What every plan of it has in clear, and nobody may see.
const PASSWORD: &str = "terraform-hunter2";

/// A configuration with its state.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Terraform {
    /// What a plan would do: addresses with their actions. Nothing, once it was applied.
    pub changes: Vec<(String, Vec<String>)>,
    /// What was changed outside of it, by address.
    pub drifted: Vec<String>,
    /// Who holds the lock of its state.
    pub locked_by: Option<String>,
    /// What goes wrong with a step (`plan`, `apply`), and how it is told.
    pub fails: BTreeMap<String, String>,
    /// How often its state was changed.
    pub serial: u64,
    /// Plan files that were applied, by their SHA-256.
    pub applied: Vec<String>,
    /// The variables that it was given last.
    pub variables: BTreeMap<String, String>,
    /// The file with generated variables that it was planned with last.
    pub generated: Option<String>,
}

/// How a step went wrong: exit code and words.
type Failure = (i64, String);

impl Terraform {
    /// One whose plan would do this.
    pub fn planning(changes: &[(&str, &[&str])]) -> Self {
        let mut new = Self::default();
        new.set_changes(changes);
        new
    }

    /// Makes the next plan do this.
    pub fn set_changes(&mut self, changes: &[(&str, &[&str])]) {
        let owned = |actions: &[&str]| actions.iter().map(|action| (*action).to_owned()).collect();
        self.changes = changes
            .iter()
            .map(|(address, actions)| ((*address).to_owned(), owned(actions)))
            .collect();
    }

    /// The plan file, and what is shown of it.
    fn plan(&self) -> (String, Value) {
        let mut file = json!({"serial": self.serial, "changes": self.changes, "variables": self.variables});
        if let (Some(generated), Some(members)) = (&self.generated, file.as_object_mut()) {
            members.insert("generated".to_owned(), generated.as_str().into());
        }
        let file = file.to_string();
        let change = |(address, actions): &(String, Vec<String>)| json!({"address": address, "change": {"actions": actions, "after": {"password": PASSWORD}}});
        let drift = |address: &String| json!({"address": address, "change": {"actions": ["update"]}});
        let does_something = self.changes.iter().any(|(_, actions)| actions != &["no-op"]);
        let changes: Vec<Value> = self.changes.iter().map(change).collect();
        let drifted: Vec<Value> = self.drifted.iter().map(drift).collect();
        let shown = json!({
            "format_version": "1.2", "terraform_version": "1.11.4", "errored": false, "complete": true,
            "applyable": does_something, "resource_changes": changes, "resource_drift": drifted,
        });
        let left = json!({"sha256": sha256_hex(file.as_bytes()), "plan": shown});
        (file, left)
    }

    fn failure(&self, step: &str) -> Option<Failure> {
        let locked = self.locked_by.as_ref();
        let locked = locked.map(|who| (EXIT_LOCKED.into(), format!("by {who}")));
        let fails = self.fails.get(step).map(|words| (1, words.clone()));
        locked.or(fails)
    }

    fn apply(&mut self, file: Option<&str>, sha256: &str) -> Result<(), Failure> {
        let file = file.filter(|file| sha256_hex(file.as_bytes()) == sha256);
        let Some(file) = file else {
            return Err((EXIT_OTHER_PLAN.into(), String::new()));
        };
        let planned: Value = serde_json::from_str(file).unwrap_or_default();
        if planned["serial"].as_u64() != Some(self.serial) {
            return Err((EXIT_STALE.into(), String::new()));
        }
        if let Some(failure) = self.failure("apply") {
            return Err(failure);
        }
        self.serial += 1;
        self.changes.clear();
        self.drifted.clear();
        self.applied.push(sha256.to_owned());
        Ok(())
    }
}

impl Fleet {
    /// Makes a configuration, with the task definition that runs it and the bucket that its plans go to.
    pub fn set_terraform(&mut self, family: &str, bucket: &str, seconds: u32, terraform: Terraform) {
        self.keep_secret(PASSWORD);
        self.buckets.entry(bucket.to_owned()).or_default();
        let digest = format!("sha256:{}", "e".repeat(64));
        let behaviour = Behaviour {
            suite_seconds: seconds,
            ..Behaviour::default()
        };
        self.store_image("terraform", "v1", Some(&digest), behaviour);
        let image = format!("{}/terraform@{digest}", self.registry());
        let definition = json!({
            "containerDefinitions": [{"name": "terraform", "image": image}],
            "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512",
        });
        let members = definition.as_object().cloned().unwrap_or_default();
        self.register_task_definition(family, members);
        self.terraform.insert(family.to_owned(), terraform);
    }

    /// With what a task of Terraform exits, and what it has done by then; nothing of any other task.
    pub(super) fn terraform_exit(&mut self, arn: &str) -> Option<i64> {
        let task = self.tasks.get(arn)?;
        let told = told(&task.overrides);
        let family = self.task_definition(&task.task_definition)?.family.clone();
        let (bucket, folder) = told
            .get("TIDEGATE_PLACE")?
            .strip_prefix("s3://")?
            .split_once('/')?;
        let step = told.get("TIDEGATE_STEP")?.as_str();
        let generated = self.generated_for(&told);
        let terraform = self.terraform.get_mut(&family)?;
        let bucket = self.buckets.get_mut(bucket)?;
        let variables = told.iter();
        let variables = variables.filter_map(|(name, value)| Some((name.strip_prefix("TF_VAR_")?, value)));
        terraform.variables = variables
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .collect();
        let (plan_key, shown_key) = (format!("{folder}/plan.tfplan"), format!("{folder}/plan.json"));
        let ended = match told.get("TIDEGATE_PLAN_SHA256") {
            Some(sha256) => {
                let file = bucket.get(&plan_key, None).map(|object| object.body.clone());
                terraform.apply(file.as_deref(), sha256)
            }
            None => generated.and_then(|generated| {
                terraform.generated = generated;
                terraform.failure("plan").map_or(Ok(()), Err)
            }),
        };
        match ended {
            Ok(()) if step == "plan" => {
                let (file, left) = terraform.plan();
                bucket.put(&plan_key, &file, None);
                bucket.put(&shown_key, &left.to_string(), None);
            }
            Ok(()) => {}
            Err((code, words)) => {
                bucket.put(&format!("{folder}/{step}-error.txt"), &words, None);
                return Some(code);
            }
        }
        Some(0)
    }
}

impl Fleet {
    /// The file with generated variables that a task was told of, if it is what its hash says.
    fn generated_for(&self, told: &BTreeMap<String, String>) -> Result<Option<String>, Failure> {
        let Some(location) = told.get("TIDEGATE_VAR_FILE_S3") else {
            return Ok(None);
        };
        let version = told.get("TIDEGATE_VAR_FILE_VERSION").map(String::as_str);
        let place = location
            .strip_prefix("s3://")
            .and_then(|rest| rest.split_once('/'));
        let object = place.and_then(|(bucket, key)| self.buckets.get(bucket)?.get(key, version));
        let Some(object) = object else {
            let words = format!("Error: the generated variables can't be fetched from {location}");
            return Err((1, words));
        };
        match told.get("TIDEGATE_VAR_FILE_SHA256") {
            Some(sha256) if *sha256 == sha256_hex(object.body.as_bytes()) => Ok(Some(object.body.clone())),
            Some(_) | None => Err((EXIT_OTHER_VARIABLES.into(), String::new())),
        }
    }
}

/// The environment that a task was given.
fn told(overrides: &Value) -> BTreeMap<String, String> {
    let containers = overrides["containerOverrides"].as_array().into_iter().flatten();
    let pairs = containers.filter_map(|container| container["environment"].as_array());
    pairs
        .flatten()
        .filter_map(|pair| {
            let text = |member: &str| pair[member].as_str().map(str::to_owned);
            Some((text("name")?, text("value")?))
        })
        .collect()
}

/// The plan file that a task was told to apply, as its proposal names it.
pub(crate) fn plan_file(overrides: &Value) -> Option<String> {
    let told = told(overrides);
    let (place, sha256) = (told.get("TIDEGATE_PLACE")?, told.get("TIDEGATE_PLAN_SHA256")?);
    Some(format!("{place}/plan.tfplan#sha256={sha256}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_applied_once_and_only_as_it_was_made() {
        let mut terraform = Terraform::planning(&[("a.b", &["create"])]);
        let (file, left) = terraform.plan();
        let sha256 = left["sha256"].as_str().unwrap_or_default().to_owned();
        let other = terraform.apply(Some("{}"), &sha256);
        assert!(other.is_err_and(|(code, _)| code == i64::from(EXIT_OTHER_PLAN)));
        assert_eq!(terraform.apply(Some(&file), &sha256), Ok(()));
        assert_eq!((terraform.serial, terraform.changes.len()), (1, 0));
        let again = terraform.apply(Some(&file), &sha256);
        assert!(again.is_err_and(|(code, _)| code == i64::from(EXIT_STALE)));
    }
}
