//! The changes of a plan, for those who are asked to agree to it: what can't be taken back comes first.

use super::text::{clean, shorten};
use crate::change::{Change, Undo};
use crate::deployment::{Deployment, Plan};

/// Characters of all changes together: a field of Slack takes 2000, and other facts want to be read, too.
const MOST: usize = 900;

/// Characters of one change.
const MOST_OF_ONE: usize = 160;

/// Each with its type, as far as they fit; nothing where there are none.
pub(super) fn listed(deployment: &Deployment, plan: &Plan) -> Option<String> {
    let mut changes: Vec<&Change> = plan.changes.iter().collect();
    changes.sort_by_key(|change| risk(change.undo));
    let (mut shown, mut length) = (Vec::new(), 0);
    for change in &changes {
        let line = line(change);
        length += line.chars().count() + 2;
        if length > MOST {
            break;
        }
        shown.push(line);
    }
    let more = changes.len() - shown.len();
    if more > 0 {
        shown.push(format!(
            "and {more} more: `tidegate get {}` shows all",
            deployment.id
        ));
    }
    (!shown.is_empty()).then(|| shown.join("; "))
}

fn line(change: &Change) -> String {
    let line = format!("{} ({}): {}", change.id, change.undo.as_str(), change.what());
    shorten(&clean(&line), MOST_OF_ONE)
}

const fn risk(undo: Undo) -> u8 {
    match undo {
        Undo::NeedsRestore => 0,
        Undo::ForwardOnly => 1,
        Undo::Revertible => 2,
        Undo::Nothing => 3,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::testing::{CANARY, planned};

    fn of(migrations: &str) -> String {
        let deployment = planned(&format!(
            "{CANARY}prepare: {{backups: [{{table: orders}}]}}\nmigrations:\n{migrations}"
        ));
        listed(&deployment, deployment.plan.as_ref().unwrap()).unwrap()
    }

    #[test]
    fn what_cannot_be_taken_back_comes_first_and_each_has_its_type() {
        let told = of(
            "  - {name: a, command: [up], down: [down]}\n  - {name: b, command: [up, b]}\n\
            \x20 - {name: c, command: [up], undo: needs-restore}\n",
        );
        assert_eq!(
            told,
            "migration:c (needs-restore): run `up`; migration:b (forward-only): run `up b`; \
             migration:a (revertible): run `up`; backup:table:orders (nothing to undo): back up table orders"
        );
    }

    #[test]
    fn what_does_not_fit_is_counted_and_the_command_that_shows_it_is_named() {
        let long = "x".repeat(200);
        let many: String = (0..9)
            .map(|at| format!("  - {{name: m{at}, command: [{long}]}}\n"))
            .collect();
        let told = of(&many);
        assert!(told.chars().count() < MOST + 100, "{told}");
        assert!(told.contains("migration:m4 (forward-only): run `xxx"), "{told}");
        assert!(
            told.ends_with("…; and 5 more: `tidegate get web-production-7` shows all"),
            "{told}"
        );
    }

    #[test]
    fn a_plan_without_changes_lists_none() {
        let deployment = planned(CANARY);
        assert_eq!(listed(&deployment, deployment.plan.as_ref().unwrap()), None);
    }
}
