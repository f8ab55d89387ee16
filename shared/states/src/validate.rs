//! What can only be seen over all states: that each can be reached, and can
//! reach an end.

use std::collections::BTreeSet;

use crate::error::LoadError;
use crate::machine::Machine;

/// Checks the machine's graph.
pub(crate) fn check(machine: &Machine) -> Result<(), LoadError> {
    let reached: BTreeSet<&str> = machine.states().into_iter().map(|view| view.name).collect();
    if let Some(state) = machine
        .states
        .keys()
        .find(|name| !reached.contains(name.as_str()))
    {
        return Err(LoadError::UnreachableState { state: state.clone() });
    }
    let ending = ending_states(machine);
    match machine.states.keys().find(|name| !ending.contains(name.as_str())) {
        None => Ok(()),
        Some(state) => Err(LoadError::EndlessState { state: state.clone() }),
    }
}

/// The states from which an end can be reached, found from the ends backwards.
fn ending_states(machine: &Machine) -> BTreeSet<&str> {
    let ends = machine.states.iter().filter(|(_, state)| state.kind.is_end());
    let mut ending: BTreeSet<&str> = ends.map(|(name, _)| name.as_str()).collect();
    let views = machine.states();
    loop {
        let before = ending.len();
        for view in &views {
            if view.nexts.iter().any(|edge| ending.contains(edge.to)) {
                ending.insert(view.name);
            }
        }
        if ending.len() == before {
            return ending;
        }
    }
}
