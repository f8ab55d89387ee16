//! Changes of schema and data, made before the new revision gets traffic.

use std::collections::BTreeMap;

use tidegate_core::exit::ExitState;
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

/// A version whose commands that contain these words fail.
fn failing(words: &str) -> Behaviour {
    Behaviour {
        suite_exit_codes: BTreeMap::from([(words.to_owned(), 3)]),
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
