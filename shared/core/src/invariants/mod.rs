//! What must never break, as one checker: run at every step of every scenario, crash test and
//! simulation.
//!
//! A [`View`] is what can be seen of one target from outside: its record, the journals, and the
//! history of the things that AWS runs for it. [`check`] holds it against all invariants. Each is
//! a function of its own that says what it can and can't see; [`limits`] are the bounds of those
//! that speak of time.

mod analysis;
mod changes;
mod identity;
mod limits;
mod people;
mod proposals;
mod record;
mod secrets;
mod settings;
mod traffic;
mod view;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;

use std::fmt;

pub use limits::{NOTICE_BOUND_SECONDS, ORPHAN_BOUND_SECONDS, STOP_BOUND_SECONDS};
pub use view::{
    AlarmReading, ChangeRun, Definition, ExecutionSeen, Record, SettingReading, SlotReading, View,
    WeightReading, Writer,
};

/// An invariant that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Its number, 1 to 29.
    pub invariant: u8,
    /// What was seen that must not be.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invariant {}: {}", self.invariant, self.what)
    }
}

type Rule = fn(&View) -> Vec<String>;

/// Every invariant with its number.
const RULES: [(u8, Rule); 29] = [
    (1, record::one_active),
    (2, traffic::weights_are_whole),
    (3, traffic::stable_stays),
    (4, traffic::rises_are_carried),
    (5, traffic::no_rise_after_rollback),
    (6, traffic::old_epochs_leave_nothing),
    (7, record::one_exit),
    (8, traffic::alarms_return_traffic),
    (9, analysis::firing_alarms_block),
    (10, analysis::nothing_passes_unmeasured),
    (11, traffic::rule_is_restored),
    (12, identity::one_digest),
    (13, people::approvals_count_once),
    (14, people::approvers_are_distinct),
    (15, people::denied_moves_nothing),
    (16, identity::one_deployment_per_push),
    (17, analysis::starts_from_zero),
    (18, record::journal_explains_state),
    (19, record::exits_are_told),
    (20, record::locks_are_freed),
    (21, traffic::nothing_is_no_return),
    (22, traffic::freezes_hold_forward_only),
    (23, analysis::smoke_comes_first),
    (24, identity::rolled_back_is_quarantined),
    (25, changes::changes_run_once),
    (26, changes::exits_account_for_changes),
    (27, proposals::applied_is_proposed),
    (28, settings::settings_are_put_back),
    (29, secrets::secrets_stay_where_they_are),
];

/// Everything that is broken in a view; nothing where all is well.
pub fn check(view: &View) -> Vec<Violation> {
    check_where(view, |_| true)
}

/// The same for some of them: whoever checks millions of views leaves out what costs most.
pub fn check_where(view: &View, wanted: impl Fn(u8) -> bool) -> Vec<Violation> {
    RULES
        .iter()
        .filter(|(invariant, _)| wanted(*invariant))
        .flat_map(|(invariant, rule)| {
            rule(view).into_iter().map(|what| Violation {
                invariant: *invariant,
                what,
            })
        })
        .collect()
}
