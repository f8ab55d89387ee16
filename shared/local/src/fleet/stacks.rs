//! Stacks of CloudFormation: templates, change sets, and updates that take time or fail.
//!
//! A template is JSON with `Parameters` and `Resources`; of intrinsic functions only `Ref` to a parameter is
//! known. A resource is replaced where a property that names it changes, else it is changed in place.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Fleet, after};

/// Seconds until a change set is made.
const PROPOSING_SECONDS: i64 = 5;

/// Seconds that one resource takes.
const RESOURCE_SECONDS: i64 = 30;

/// Seconds that looking for drift takes.
const DRIFT_SECONDS: i64 = 20;

/// What somebody set a property to by hand.
pub(crate) const SET_BY_HAND: &str = "by-hand-hunter2";

/// Properties that can't be changed without another resource.
const NAMING: [&str; 4] = ["QueueName", "BucketName", "TableName", "DBInstanceIdentifier"];

/// Everything that CloudFormation has.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Stacks {
    /// Templates in S3, by URL.
    pub templates: BTreeMap<String, String>,
    /// Stacks by name.
    pub stacks: BTreeMap<String, Stack>,
    /// Change sets that were executed, oldest first.
    pub executed: Vec<Executed>,
    /// Updates that were cancelled, oldest first.
    pub cancelled: Vec<Executed>,
    /// Resources that take so many seconds.
    pub slow: BTreeMap<String, i64>,
    /// Resources that can't be made or changed, with the reason.
    pub failing: BTreeMap<String, String>,
    /// What was changed outside of CloudFormation, by stack and resource: the paths of its properties. None of
    /// them: the resource was deleted.
    #[serde(default)]
    pub drifted: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    /// Why drift can't be seen.
    #[serde(default)]
    pub blind: Option<String>,
    /// Looks for drift, by their id: stack, and when it is over.
    #[serde(default)]
    pub detections: BTreeMap<String, (String, Timestamp)>,
}

/// A stack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stack {
    /// ARN.
    pub id: String,
    /// `StackStatus`.
    pub status: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its template; empty under review.
    pub template: String,
    /// Its parameters.
    pub parameters: BTreeMap<String, String>,
    /// What happened, oldest first.
    pub events: Vec<StackEvent>,
    /// Its change sets, by name.
    pub change_sets: BTreeMap<String, ChangeSet>,
    /// What is going on.
    pub operation: Option<Operation>,
}

/// One event of a stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackEvent {
    /// When.
    pub at: Timestamp,
    /// Logical name of the resource; the stack's own name for itself.
    pub resource: String,
    /// `AWS::...`.
    pub kind: String,
    /// `ResourceStatus`.
    pub status: String,
    /// Why.
    pub reason: Option<String>,
    /// `ClientRequestToken`.
    pub token: Option<String>,
}

/// A change set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangeSet {
    /// ARN.
    pub id: String,
    /// When it is made.
    pub ready_at: Timestamp,
    /// The template that it brings.
    pub template: String,
    /// Its parameters.
    pub parameters: BTreeMap<String, String>,
    /// What it would do.
    pub changes: Vec<ResourceChange>,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Whether the stack was changed since.
    pub obsolete: bool,
    /// Whether it is being executed.
    pub executing: bool,
}

/// What becomes of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceChange {
    /// Logical name.
    pub resource: String,
    /// `AWS::...`.
    pub kind: String,
    /// `Add`, `Modify` or `Remove`.
    pub action: String,
    /// Whether it is made anew.
    pub replaced: bool,
}

/// An update that goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// Whether the stack is being made.
    creates: bool,
    /// `ClientRequestToken`.
    token: Option<String>,
    /// Events that are still to come.
    coming: Vec<StackEvent>,
    /// What holds at the end, unless it fails.
    template: String,
    parameters: BTreeMap<String, String>,
}

/// A change set that was executed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Executed {
    /// When.
    pub at: Timestamp,
    /// `ClientRequestToken`.
    pub token: Option<String>,
    /// ARN of the change set.
    pub change_set: String,
}

impl ChangeSet {
    /// Whether it is made and would do nothing.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

impl Stack {
    /// Whether it is more than a name under review.
    pub fn is_made(&self) -> bool {
        self.status != "REVIEW_IN_PROGRESS"
    }

    fn settle(&mut self, name: &str, now: Timestamp) {
        let Some(operation) = &mut self.operation else {
            return;
        };
        let due = operation.coming.partition_point(|event| event.at <= now);
        for event in operation.coming.drain(..due) {
            if event.resource == name {
                self.status.clone_from(&event.status);
            }
            self.events.push(event);
        }
        if !operation.coming.is_empty() {
            return;
        }
        if matches!(self.status.as_str(), "CREATE_COMPLETE" | "UPDATE_COMPLETE") {
            self.template = std::mem::take(&mut operation.template);
            self.parameters = std::mem::take(&mut operation.parameters);
        }
        self.operation = None;
        // CloudFormation deletes every change set of a stack that was updated.
        self.change_sets.retain(|_, set| !set.executing && !set.obsolete);
    }
}

impl Fleet {
    /// Puts a template into S3.
    pub fn put_template(&mut self, url: &str, template: &Value) {
        self.cloudformation
            .templates
            .insert(url.to_owned(), template.to_string());
    }

    /// A stack as it is now.
    pub fn stack(&mut self, name: &str) -> Option<&Stack> {
        self.settle_stacks();
        self.cloudformation.stacks.get(name)
    }

    /// Somebody else makes or updates a stack, at once. Change sets of it are worthless from now on.
    pub fn set_stack(&mut self, name: &str, template: &Value, parameters: &[(&str, &str)]) {
        let now = self.now();
        let id = self.stack_arn(name);
        let held = self.cloudformation.stacks.entry(name.to_owned());
        let stack = held.or_insert_with(|| Stack::under_review(id, now));
        let was_made = stack.is_made();
        stack.template = template.to_string();
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        stack.parameters = parameters.iter().map(owned).collect();
        let hidden = |name: &str| template["Parameters"][name]["NoEcho"].as_bool() == Some(true);
        let secret = parameters
            .iter()
            .filter(|(name, value)| hidden(name) && !value.is_empty());
        self.secrets.extend(secret.map(|(_, value)| (*value).to_owned()));
        stack.status = if was_made {
            "UPDATE_COMPLETE"
        } else {
            "CREATE_COMPLETE"
        }
        .to_owned();
        let status = stack.status.clone();
        stack.events.push(StackEvent {
            at: now,
            resource: name.to_owned(),
            kind: STACK.to_owned(),
            status,
            reason: None,
            token: Some("Console-UpdateStack".to_owned()),
        });
        for set in stack.change_sets.values_mut() {
            set.obsolete = true;
        }
    }

    /// Somebody changes properties of a resource by hand, or deletes it. What they set it to, nobody may see.
    pub fn drift(&mut self, stack: &str, resource: &str, paths: &[&str]) {
        self.keep_secret(SET_BY_HAND);
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        let drifted = self.cloudformation.drifted.entry(stack.to_owned()).or_default();
        drifted.insert(resource.to_owned(), paths);
    }

    /// Begins to look for drift, unless somebody does already.
    pub(crate) fn detect_drift(&mut self, stack: &str) -> Option<String> {
        let now = self.now();
        let detections = &mut self.cloudformation.detections;
        let underway = detections.values().any(|(of, until)| of == stack && *until > now);
        let id = format!("00000000-0000-4000-9000-{:012x}", detections.len() + 1);
        (!underway).then(|| {
            detections.insert(id.clone(), (stack.to_owned(), after(now, DRIFT_SECONDS)));
            id
        })
    }

    /// A resource can't be made or changed from now on, or can again.
    pub fn fail_resource(&mut self, resource: &str, reason: Option<&str>) {
        let failing = &mut self.cloudformation.failing;
        match reason {
            Some(reason) => failing.insert(resource.to_owned(), reason.to_owned()),
            None => failing.remove(resource),
        };
    }

    pub(crate) fn stack_arn(&self, name: &str) -> String {
        format!(
            "arn:aws:cloudformation:{}:{}:stack/{name}/0a1b2c3d",
            self.region, self.account
        )
    }

    /// Lets happen what should have by now.
    pub(crate) fn settle_stacks(&mut self) {
        let now = self.now();
        for (name, stack) in &mut self.cloudformation.stacks {
            stack.settle(name, now);
        }
    }

    /// Makes a change set of a stack that is not being updated.
    pub(crate) fn create_change_set(
        &mut self,
        stack_name: &str,
        name: &str,
        template: String,
        parameters: BTreeMap<String, String>,
    ) -> String {
        let now = self.now();
        let (stack_id, id) = (self.stack_arn(stack_name), self.change_set_arn(name));
        let held = self.cloudformation.stacks.entry(stack_name.to_owned());
        let stack = held.or_insert_with(|| Stack::under_review(stack_id, now));
        let changes = difference((&stack.template, &stack.parameters), (&template, &parameters));
        stack.change_sets.insert(
            name.to_owned(),
            ChangeSet {
                id: id.clone(),
                ready_at: after(now, PROPOSING_SECONDS),
                template,
                parameters,
                changes,
                description: String::new(),
                obsolete: false,
                executing: false,
            },
        );
        id
    }

    fn change_set_arn(&mut self, name: &str) -> String {
        self.calls = self.calls.wrapping_add(1);
        format!(
            "arn:aws:cloudformation:{}:{}:changeSet/{name}/{:08x}",
            self.region, self.account, self.calls
        )
    }

    /// Begins to execute a change set that can be.
    pub(crate) fn execute_change_set(&mut self, stack_name: &str, name: &str, token: Option<String>) {
        let now = self.now();
        let (failing, slow) = (
            self.cloudformation.failing.clone(),
            self.cloudformation.slow.clone(),
        );
        let Some(stack) = self.cloudformation.stacks.get_mut(stack_name) else {
            return;
        };
        let creates = !stack.is_made();
        for (held, set) in &mut stack.change_sets {
            set.executing |= held == name;
            set.obsolete |= held != name;
        }
        let Some(set) = stack.change_sets.get(name) else {
            return;
        };
        self.cloudformation.executed.push(Executed {
            at: now,
            token: token.clone(),
            change_set: set.id.clone(),
        });
        let writer = Writer {
            stack: stack_name,
            token: token.clone(),
            creates,
        };
        stack.operation = Some(Operation {
            creates,
            coming: writer.coming(now, &set.changes, &failing, &slow),
            token,
            template: set.template.clone(),
            parameters: set.parameters.clone(),
        });
        stack.settle(stack_name, now);
    }

    /// Cancels an update that goes on.
    pub(crate) fn cancel_update(&mut self, stack_name: &str) {
        let now = self.now();
        let Some(stack) = self.cloudformation.stacks.get_mut(stack_name) else {
            return;
        };
        if let Some(operation) = &mut stack.operation {
            self.cloudformation.cancelled.push(Executed {
                at: now,
                token: operation.token.clone(),
                change_set: String::new(),
            });
            let writer = Writer {
                stack: stack_name,
                token: operation.token.clone(),
                creates: operation.creates,
            };
            operation.coming = writer.back(now, Some("User Initiated"));
        }
        stack.settle(stack_name, now);
    }
}

const STACK: &str = "AWS::CloudFormation::Stack";

impl Stack {
    fn under_review(id: String, now: Timestamp) -> Self {
        Self {
            id,
            status: "REVIEW_IN_PROGRESS".to_owned(),
            created_at: now,
            template: String::new(),
            parameters: BTreeMap::new(),
            events: Vec::new(),
            change_sets: BTreeMap::new(),
            operation: None,
        }
    }
}

/// Writes down what will happen.
struct Writer<'a> {
    stack: &'a str,
    token: Option<String>,
    creates: bool,
}

impl Writer<'_> {
    fn coming(
        &self,
        now: Timestamp,
        changes: &[ResourceChange],
        failing: &BTreeMap<String, String>,
        slow: &BTreeMap<String, i64>,
    ) -> Vec<StackEvent> {
        let verb = if self.creates { "CREATE" } else { "UPDATE" };
        let mut coming = vec![self.own(now, &format!("{verb}_IN_PROGRESS"), Some("User Initiated"))];
        let mut at = now;
        for change in changes {
            let verb = match change.action.as_str() {
                "Add" => "CREATE",
                "Remove" => "DELETE",
                _ => "UPDATE",
            };
            coming.push(self.of(at, change, &format!("{verb}_IN_PROGRESS"), None));
            at = after(
                at,
                slow.get(&change.resource).copied().unwrap_or(RESOURCE_SECONDS),
            );
            if let Some(reason) = failing.get(&change.resource) {
                coming.push(self.of(at, change, &format!("{verb}_FAILED"), Some(reason)));
                coming.extend(self.back(
                    at,
                    Some(&format!(
                        "The following resource(s) failed: [{}]",
                        change.resource
                    )),
                ));
                return coming;
            }
            coming.push(self.of(at, change, &format!("{verb}_COMPLETE"), None));
        }
        if !self.creates {
            coming.push(self.own(at, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", None));
        }
        coming.push(self.own(after(at, 1), &format!("{verb}_COMPLETE"), None));
        coming
    }

    fn back(&self, now: Timestamp, reason: Option<&str>) -> Vec<StackEvent> {
        let verb = if self.creates {
            "ROLLBACK"
        } else {
            "UPDATE_ROLLBACK"
        };
        vec![
            self.own(now, &format!("{verb}_IN_PROGRESS"), reason),
            self.own(after(now, RESOURCE_SECONDS), &format!("{verb}_COMPLETE"), None),
        ]
    }

    fn own(&self, at: Timestamp, status: &str, reason: Option<&str>) -> StackEvent {
        StackEvent {
            at,
            resource: self.stack.to_owned(),
            kind: STACK.to_owned(),
            status: status.to_owned(),
            reason: reason.map(str::to_owned),
            token: self.token.clone(),
        }
    }

    fn of(&self, at: Timestamp, change: &ResourceChange, status: &str, reason: Option<&str>) -> StackEvent {
        StackEvent {
            resource: change.resource.clone(),
            kind: change.kind.clone(),
            ..self.own(at, status, reason)
        }
    }
}

type Held<'a> = (&'a str, &'a BTreeMap<String, String>);

/// What becomes of each resource from one template to another.
fn difference(from: Held<'_>, to: Held<'_>) -> Vec<ResourceChange> {
    let (from, to) = (resources(from), resources(to));
    let names: BTreeSet<&String> = from.keys().chain(to.keys()).collect();
    let change = |name: &String| {
        let (old, new) = (from.get(name), to.get(name));
        let (action, kind, replaced) = match (old, new) {
            (None, Some(new)) => ("Add", &new["Type"], false),
            (Some(old), None) => ("Remove", &old["Type"], false),
            (Some(old), Some(new)) if old != new => {
                let renamed = |key: &&str| old["Properties"][*key] != new["Properties"][*key];
                let replaced = old["Type"] != new["Type"] || NAMING.iter().any(renamed);
                ("Modify", &new["Type"], replaced)
            }
            (Some(_) | None, Some(_) | None) => return None,
        };
        Some(ResourceChange {
            resource: name.clone(),
            kind: kind.as_str().unwrap_or("AWS::Unknown").to_owned(),
            action: action.to_owned(),
            replaced,
        })
    };
    names.into_iter().filter_map(change).collect()
}

/// The resources of a template with its parameters put in.
fn resources((template, parameters): Held<'_>) -> BTreeMap<String, Value> {
    let template: Value = serde_json::from_str(template).unwrap_or_default();
    let resources = template["Resources"].as_object().cloned().unwrap_or_default();
    resources
        .into_iter()
        .map(|(name, resource)| (name, resolved(resource, parameters)))
        .collect()
}

fn resolved(value: Value, parameters: &BTreeMap<String, String>) -> Value {
    match value {
        Value::Object(members) => {
            let named = members.get("Ref").and_then(Value::as_str);
            if let Some(value) = named.and_then(|name| parameters.get(name)) {
                return Value::String(value.clone());
            }
            let members = members.into_iter();
            Value::Object(
                members
                    .map(|(key, value)| (key, resolved(value, parameters)))
                    .collect(),
            )
        }
        Value::Array(items) => items.into_iter().map(|item| resolved(item, parameters)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}
