//! Everything at once, after a test.

use tidegate_core::exit::ExitState;
use tidegate_local::fleet::Behaviour;
use tidegate_tests::files::STAGING;

use crate::scenario;

const STAGE: &str = "web/staging";

#[test]
fn bluegreen_as_the_staging_file_says() {
    scenario(
        "bluegreen-as-the-staging-file-says",
        "The staging file as it stands: smoke test and five minutes without traffic, all at once, five minutes of watching, the other suites.",
        async |scene| {
            scene.given(STAGE, 2, STAGING).await;
            for suite in ["integration", "smoke", "load"] {
                scene.suite("staging", suite, 0);
            }
            scene.push('2', Behaviour::default());
            scene.runs(STAGE, ExitState::Completed).await;
        },
    );
}

#[test]
fn bluegreen_without_its_suites_is_blocked() {
    scenario(
        "bluegreen-without-its-suites-is-blocked",
        "The file names suites that nobody registered: said before anything is touched.",
        async |scene| {
            scene.given(STAGE, 2, STAGING).await;
            scene.push('2', Behaviour::default());
            scene.runs(STAGE, ExitState::Blocked).await;
        },
    );
}

#[test]
fn smoke_test_fails_before_any_weight() {
    scenario(
        "smoke-test-fails-before-any-weight",
        "The candidate fails its smoke test: it never sees a customer.",
        async |scene| {
            scene.given(STAGE, 2, STAGING).await;
            for suite in ["integration", "smoke", "load"] {
                scene.suite("staging", suite, i64::from(suite == "smoke"));
            }
            scene.push('2', Behaviour::default());
            scene.runs(STAGE, ExitState::Aborted).await;
        },
    );
}

#[test]
fn suite_fails_after_the_switch() {
    scenario(
        "suite-fails-after-the-switch",
        "The integration suite fails with all traffic on the candidate: all of it goes back.",
        async |scene| {
            scene.given(STAGE, 2, STAGING).await;
            for suite in ["integration", "smoke", "load"] {
                scene.suite("staging", suite, i64::from(suite == "integration"));
            }
            scene.push('2', Behaviour::default());
            scene.runs(STAGE, ExitState::RolledBack).await;
        },
    );
}

#[test]
fn bluegreen_alarm_while_it_is_watched_rolls_back() {
    scenario(
        "bluegreen-alarm-while-it-is-watched-rolls-back",
        "The candidate fails under all the traffic: back to the slot that is still there.",
        async |scene| {
            scene.given(STAGE, 2, STAGING).await;
            for suite in ["integration", "smoke", "load"] {
                scene.suite("staging", suite, 0);
            }
            scene.push('2', Behaviour::failing(5.0, 100));
            scene.runs(STAGE, ExitState::RolledBack).await;
        },
    );
}
