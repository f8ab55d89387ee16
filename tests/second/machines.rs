//! The shipped definitions, as moto gets them: byte for byte, with the names filled in as `sam deploy`
//! does. No wait, path or retry in them is touched; how long moto waits is said by the answers that
//! it gets, see [`super::recording`].

use std::collections::BTreeMap;

use serde_json::Value;
use tidegate_local::names::{FUNCTIONS, function_arn, machine_arn};
use tidegate_states::{LoadError, substitute};

/// The machines by their short names, in the order in which they can be made.
pub const SHIPPED: [(&str, &str); 2] = [
    (
        "rollback",
        include_str!("../../infra/statemachines/rollback.asl.json"),
    ),
    (
        "deployment",
        include_str!("../../infra/statemachines/deployment.asl.json"),
    ),
];

/// The machine's own line of states; a lane of a Parallel state is called by its first state.
pub const TOP: &str = "(top)";

/// Which lane each state of a machine belongs to. State names are unique within a machine (Amazon
/// States Language, "States"), so a state's name tells its lane on any interpreter.
#[derive(Debug, Clone)]
pub struct Lanes(BTreeMap<String, String>);

impl Lanes {
    /// The lanes of a shipped machine; none where there is no such machine.
    pub fn of(machine: &str) -> Self {
        let mut lanes = Self(BTreeMap::new());
        let text = SHIPPED.iter().find(|(name, _)| *name == machine);
        let definition = text.and_then(|(_, text)| serde_json::from_str::<Value>(text).ok());
        lanes.read(definition.as_ref().unwrap_or(&Value::Null), TOP);
        lanes
    }

    fn read(&mut self, machine: &Value, lane: &str) {
        for (name, state) in machine["States"].as_object().into_iter().flatten() {
            self.0.insert(name.clone(), lane.to_owned());
            for branch in state["Branches"].as_array().into_iter().flatten() {
                self.read(branch, branch["StartAt"].as_str().unwrap_or("(a lane)"));
            }
        }
    }

    /// The lane of a state.
    pub fn lane(&self, state: &str) -> &str {
        self.0.get(state).map_or("(unknown)", String::as_str)
    }
}

/// One scenario's copy of everything that has a name on moto, so that scenarios do not meet there.
#[derive(Debug, Clone)]
pub struct Copy {
    suffix: String,
}

impl Copy {
    /// The copy of this number.
    pub fn numbered(number: usize) -> Self {
        Self {
            suffix: format!("-s{number}"),
        }
    }

    /// The name of a function or a machine in this copy.
    pub fn name(&self, name: &str) -> String {
        format!("{name}{}", self.suffix)
    }

    /// ARN of a machine in this copy.
    pub fn machine_arn(&self, machine: &str) -> String {
        machine_arn(&self.name(machine))
    }

    /// A text of moto in our names.
    pub fn ours(&self, text: &str) -> String {
        // What follows keeps `-s1` from being found in `-s12`.
        let mut text = text.to_owned();
        for machine in SHIPPED.map(|(name, _)| name) {
            let named = format!("tidegate-{machine}");
            text = text.replace(&format!("{}:", self.name(&named)), &format!("{named}:"));
        }
        text
    }

    /// A definition with the names of this copy filled in.
    ///
    /// # Errors
    /// A name in it that nobody knows.
    pub fn fill(&self, definition: &str) -> Result<String, LoadError> {
        let functions = FUNCTIONS.iter().map(|name| {
            (
                format!("{}Function", pascal(name)),
                self.name(&function_arn(name)),
            )
        });
        let machines = [("RollbackMachine".to_owned(), self.machine_arn("rollback"))];
        let used = functions
            .chain(machines)
            .filter(|(key, _)| definition.contains(&format!("${{{key}}}")))
            .collect();
        substitute(definition, &used)
    }
}

/// `abort-handle` as `AbortHandle`.
fn pascal(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_uppercase() + rest
    });
    words.collect()
}
