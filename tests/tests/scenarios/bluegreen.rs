//! Everything at once, after a test.

use tidegate_core::exit::ExitState;
use tidegate_core::report::{markdown, report};
use tidegate_core::spec::SuiteName;
use tidegate_local::endpoints::Fault;
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

/// What a suite writes that fails.
const LINES: [&str; 3] = [
    "12 pages loaded",
    "retrying with postgres://web:hunter2@db/shop",
    "\u{1b}[31mFAILED\u{1b}[0m checkout: expected 200, got 503",
];

#[test]
fn what_a_suite_wrote_before_it_failed_is_told() {
    scenario(
        "what-a-suite-wrote-before-it-failed-is-told",
        "Nobody has to look for its task first: the last lines are in the journal and the report, a password in them is not.",
        async |scene| {
            scene.given(STAGE, 2, STAGING).await;
            scene.cloud(|state| state.fleet.keep_secret("hunter2"));
            for suite in ["integration", "load"] {
                scene.suite("staging", suite, 0);
            }
            scene.suite_writing("staging", "smoke", 1, &LINES);
            scene.push('2', Behaviour::default());
            let ended = scene.runs(STAGE, ExitState::Aborted).await;
            let log = &ended.suite_logs[&SuiteName("smoke".to_owned())];
            assert_eq!(log.len(), 3);
            let page = report(&ended, &scene.stage.journal(&ended.id).await);
            let text = markdown::render(&page);
            assert!(text.contains("FAILED checkout: expected 200, got 503"), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
        },
    );
}

#[test]
fn a_suite_that_hangs_shows_what_it_wrote_last() {
    scenario(
        "a-suite-that-hangs-shows-what-it-wrote-last",
        "Its time is over while its task still runs: where it stands is told, and its password is not.",
        async |scene| {
            let short = format!("{STAGING}timeouts: {{suite: 2m}}\n");
            scene.given(STAGE, 2, &short).await;
            scene.cloud(|state| state.fleet.keep_secret("hunter2"));
            for suite in ["integration", "load"] {
                scene.suite("staging", suite, 0);
            }
            scene.suite_hanging("staging", "smoke", &LINES);
            scene.push('2', Behaviour::default());
            let ended = scene.runs(STAGE, ExitState::Aborted).await;
            assert_eq!(ended.suite_logs[&SuiteName("smoke".to_owned())].len(), 3);
            let page = report(&ended, &scene.stage.journal(&ended.id).await);
            let text = markdown::render(&page);
            assert!(text.contains("did not end within 120 s"), "{text}");
            assert!(text.contains("FAILED checkout: expected 200, got 503"), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
        },
    );
}

#[test]
fn a_suite_that_is_said_to_print_secrets_is_not_read() {
    scenario(
        "a-suite-that-is-said-to-print-secrets-is-not-read",
        "With `logTail: false` not a line of it leaves the log group.",
        async |scene| {
            let silent = STAGING.replace("- integration\n", "- {name: integration, logTail: false}\n");
            assert_ne!(silent, STAGING);
            scene.given(STAGE, 2, &silent).await;
            for suite in ["smoke", "load"] {
                scene.suite("staging", suite, 0);
            }
            scene.suite_writing("staging", "integration", 1, &LINES);
            scene.push('2', Behaviour::default());
            let ended = scene.runs(STAGE, ExitState::RolledBack).await;
            let text = serde_json::to_string(&ended).unwrap();
            assert!(!text.contains("checkout") && !text.contains("lines"), "{text}");
        },
    );
}

#[test]
fn lines_of_a_suite_that_can_not_be_read_change_nothing() {
    scenario(
        "lines-of-a-suite-that-can-not-be-read-change-nothing",
        "CloudWatch Logs refuses: that the suite failed is what counts, and the reason stands in the place of its lines.",
        async |scene| {
            scene.given(STAGE, 2, STAGING).await;
            for suite in ["integration", "load"] {
                scene.suite("staging", suite, 0);
            }
            scene.suite_writing("staging", "smoke", 1, &LINES);
            let denied = Fault::new(
                "AccessDeniedException",
                "not authorized to perform: logs:GetLogEvents",
            );
            scene.cloud(|state| state.faults.fail("GetLogEvents", denied, 9));
            scene.push('2', Behaviour::default());
            scene.runs(STAGE, ExitState::Aborted).await;
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
