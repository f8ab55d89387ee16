//! Changes of schema and data, made before the new revision gets traffic.

use std::collections::BTreeMap;

use tidegate_core::exit::ExitState;
use tidegate_core::ids::ChangeId;
use tidegate_local::endpoints::Fault;
use tidegate_local::fleet::Behaviour;
use tidegate_tests::files::SHORT;

use crate::scenario;

const TARGET: &str = "web/production";

/// An index that can be taken back, then data that stays, each looked at afterwards.
const MIGRATIONS: &str = "\
migrations:
  - name: add-email
    command: [bin/migrate, up, add-email]
    verify: [bin/migrate, check, add-email]
    down: [bin/migrate, down, add-email]
  - name: backfill-email
    command: [bin/migrate, up, backfill-email]
";

fn file() -> String {
    format!("{SHORT}{MIGRATIONS}")
}

/// A version whose commands that contain these words fail, and say why.
fn failing(words: &str) -> Behaviour {
    let lines = [
        "0001: connected to db:5432/shop as web",
        "ERROR: deadlock detected",
    ];
    Behaviour {
        suite_exit_codes: BTreeMap::from([(words.to_owned(), 3)]),
        suite_lines: BTreeMap::from([(words.to_owned(), lines.map(str::to_owned).to_vec())]),
        ..Behaviour::default()
    }
}

#[test]
fn migrations_run_before_the_candidate_gets_traffic() {
    scenario(
        "migrations-run-before-the-candidate-gets-traffic",
        "Each as a task of the new revision, in order, the first one looked at before the second begins.",
        async |scene| {
            scene.given(TARGET, 5, &file()).await;
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
        },
    );
}

#[test]
fn a_migration_that_fails_is_taken_back_and_nothing_gets_traffic() {
    scenario(
        "a-migration-that-fails-is-taken-back-and-nothing-gets-traffic",
        "The look at the index fails: the index is dropped again, the data was never touched.",
        async |scene| {
            scene.given(TARGET, 5, &file()).await;
            scene.push('2', failing("check"));
            scene.runs(TARGET, ExitState::Aborted).await;
        },
    );
}

#[test]
fn an_alarm_takes_back_what_can_be_and_says_what_stays() {
    scenario(
        "an-alarm-takes-back-what-can-be-and-says-what-stays",
        "Traffic first. Then the index is dropped; the backfilled data stays, and stable works with it.",
        async |scene| {
            scene.given(TARGET, 5, &file()).await;
            scene.push('2', Behaviour::failing(20.0, 20));
            scene.runs(TARGET, ExitState::RolledBack).await;
        },
    );
}

#[test]
fn a_migration_that_cannot_be_taken_back_pages_a_person() {
    scenario(
        "a-migration-that-cannot-be-taken-back-pages-a-person",
        "The index can't be dropped: traffic is safe on stable, but someone must look at the database.",
        async |scene| {
            scene.given(TARGET, 5, &file()).await;
            scene.push('2', failing("down"));
            let id = scene.started(TARGET).await;
            scene.at_weight(&id, 20).await;
            scene.stop("olaf", "abort", &id).await.unwrap();
            scene.ends(&id, ExitState::RollbackFailed).await;
        },
    );
}

#[test]
fn an_abort_in_mid_migration_lets_it_end_before_it_is_taken_back() {
    scenario(
        "an-abort-in-mid-migration-lets-it-end-before-it-is-taken-back",
        "Stopped in the middle, a migration could be neither kept nor taken back.",
        async |scene| {
            scene.given(TARGET, 5, &file()).await;
            let slow = Behaviour {
                suite_seconds: 240,
                ..Behaviour::default()
            };
            scene.push('2', slow);
            let id = scene.started(TARGET).await;
            scene.waits_for(&id, "migration:add-email").await;
            scene.stop("olaf", "abort", &id).await.unwrap();
            scene.ends(&id, ExitState::Aborted).await;
        },
    );
}

#[test]
fn rollback_by_hand_after_completion_takes_migrations_back() {
    scenario(
        "rollback-by-hand-after-completion-takes-migrations-back",
        "The completed deployment's journal says what was changed, so its rollback knows what to undo.",
        async |scene| {
            scene.given(TARGET, 5, &file()).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.ends(&id, ExitState::Completed).await;
            scene.wait(300).await;
            let back = scene.stop("olaf", "rollback", &id).await.unwrap();
            scene.ends(&back, ExitState::RolledBack).await;
        },
    );
}

#[test]
fn what_a_migration_wrote_before_it_failed_is_told() {
    scenario(
        "what-a-migration-wrote-before-it-failed-is-told",
        "Its last twenty lines are kept, a password in them is not; the timeline shows the last five.",
        async |scene| {
            scene.given(TARGET, 5, &file()).await;
            let mut lines: Vec<String> = (1..=30).map(|row| format!("row {row} of 30 done")).collect();
            lines.push("retrying with postgres://web:hunter2@db/shop".to_owned());
            lines.push("\u{1b}[31mERROR\u{1b}[0m: null value in column \"email\"".to_owned());
            let mut behaviour = failing("backfill");
            behaviour.suite_lines.insert("backfill".to_owned(), lines);
            scene.cloud(|state| state.fleet.keep_secret("hunter2"));
            scene.push('2', behaviour);
            let ended = scene.runs(TARGET, ExitState::Aborted).await;
            let text = serde_json::to_string(&ended).unwrap();
            assert!(!text.contains("hunter2"), "{text}");
            let log = &ended.changes[&ChangeId::of("migration", "backfill-email")].log;
            assert_eq!(log.len(), 20);
        },
    );
}

#[test]
fn lines_that_can_not_be_read_change_nothing() {
    scenario(
        "lines-that-can-not-be-read-change-nothing",
        "CloudWatch Logs refuses: the migration's end is what counts, and the reason stands in its place.",
        async |scene| {
            scene.given(TARGET, 5, &file()).await;
            let denied = Fault::new(
                "AccessDeniedException",
                "not authorized to perform: logs:GetLogEvents",
            );
            scene.cloud(|state| state.faults.fail("GetLogEvents", denied, 9));
            scene.push('2', failing("check"));
            scene.runs(TARGET, ExitState::Aborted).await;
        },
    );
}

#[test]
fn a_migration_that_is_said_to_print_secrets_is_not_read() {
    scenario(
        "a-migration-that-is-said-to-print-secrets-is-not-read",
        "With `logTail: false` not a line of it leaves the log group.",
        async |scene| {
            let silent = file().replace(
                "command: [bin/migrate, up, add-email]",
                "logTail: false\n    command: [bin/migrate, up, add-email]",
            );
            scene.given(TARGET, 5, &silent).await;
            scene.push('2', failing("check"));
            let ended = scene.runs(TARGET, ExitState::Aborted).await;
            let text = serde_json::to_string(&ended).unwrap();
            assert!(!text.contains("deadlock") && !text.contains("lines"), "{text}");
        },
    );
}
