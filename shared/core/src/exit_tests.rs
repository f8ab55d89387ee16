#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn text(text: &str) -> String {
    text.to_owned()
}

fn maria() -> Person {
    "maria".parse().unwrap()
}

/// Every cause, with the line that a person reads.
fn causes() -> Vec<(AbortCause, &'static str)> {
    let reason = || text("because");
    let alarm = |reason: &str| AbortCause::AlarmRaised {
        alarm: text("web-errors"),
        raised_at: None,
        reason: text(reason),
    };
    vec![
        (alarm(""), "alarm web-errors went to ALARM"),
        (alarm("5 of 5"), "alarm web-errors went to ALARM: 5 of 5"),
        (
            AbortCause::AskedFor {
                by: maria(),
                reason: reason(),
            },
            "maria asked for it: because",
        ),
        (
            AbortCause::Superseded {
                by: None,
                digest: text("0123456789ab"),
            },
            "superseded by the newer image 0123456789ab",
        ),
        (
            AbortCause::Rejected {
                by: maria(),
                reason: reason(),
            },
            "maria rejected it: because",
        ),
        (
            AbortCause::ApprovalExpired {
                expired_at: "2026-11-20T09:00:00.75Z".parse().unwrap(),
            },
            "nobody approved it before 2026-11-20T09:00:00Z",
        ),
        (
            AbortCause::AnalysisFailed { reason: reason() },
            "analysis failed: because",
        ),
        (
            AbortCause::AnalysisInconclusive { reason: reason() },
            "analysis came to no conclusion: because",
        ),
        (
            AbortCause::ConditionMet {
                condition: text("error_rate > 1%"),
            },
            "rollback condition met: error_rate > 1%",
        ),
        (
            AbortCause::CandidateUnhealthy { reason: reason() },
            "the candidate is not healthy: because",
        ),
        (
            AbortCause::SuiteFailed { reason: reason() },
            "tests failed: because",
        ),
        (
            AbortCause::ChangedOutside { reason: reason() },
            "changed from outside: because",
        ),
        (
            AbortCause::NotApplied {
                change: ChangeId::of("verify", "infrastructure"),
                what: text("ecrRepository web does not exist"),
                waited_seconds: 3600,
            },
            "verify:infrastructure was not applied within 1 h: ecrRepository web does not exist",
        ),
        (
            AbortCause::PhaseFailed { reason: reason() },
            "a phase failed: because",
        ),
        (AbortCause::TimedOut, "it took longer than a deployment may"),
    ]
}

#[test]
fn every_cause_is_told_in_one_line() {
    for (cause, line) in causes() {
        assert_eq!(cause.describe(), line);
    }
}

#[test]
fn only_a_newer_push_does_not_blame_the_image() {
    for (cause, line) in causes() {
        assert_eq!(cause.blameless(), line.starts_with("superseded"), "{line}");
    }
}

#[test]
fn exit_states_are_named_as_they_are_stored() {
    for state in [
        ExitState::Completed,
        ExitState::Blocked,
        ExitState::Aborted,
        ExitState::RolledBack,
        ExitState::RollbackFailed,
    ] {
        assert_eq!(
            serde_json::to_string(&state).unwrap(),
            format!("\"{}\"", state.as_str())
        );
        assert_eq!(format!("{state:?}"), state.as_str());
    }
}

fn lacks(what: &str, remedy: &str, notify: &[&str]) -> Missing {
    Missing {
        what: text(what),
        remedy: text(remedy),
        notify: notify.iter().map(|role| role.parse().unwrap()).collect(),
    }
}

fn next_of(missing: &[Missing], deployment: &Deployment) -> String {
    let exit = Exit::blocked(missing, deployment, crate::testing::at(1));
    exit.remedy.unwrap()
}

#[test]
fn what_is_missing_says_whom_it_concerns() {
    let gates = "gates: [{before: shift, approvals: [{role: tech-lead}, {role: product}]}, \
                 {before: validate, approvals: [{role: tech-lead}]}]\n";
    let pushed = crate::testing::requested(&format!("{}{gates}", crate::testing::CANARY));
    let image = lacks("the image", "push it", &[]);
    let signature = lacks("a signature", "sign it", &["security", "devops-lead"]);
    assert_eq!(
        next_of(std::slice::from_ref(&image), &pushed),
        "push it. This concerns whoever pushed web:v2, tech-lead, product"
    );
    assert_eq!(
        next_of(std::slice::from_ref(&signature), &pushed),
        "sign it. This concerns devops-lead, security"
    );
    assert_eq!(
        next_of(&[image.clone(), signature, image.clone()], &pushed),
        "push it (concerns whoever pushed web:v2, tech-lead, product); sign it (concerns devops-lead, security)"
    );
    let mut asked = crate::testing::requested(crate::testing::CANARY);
    asked.origin = Origin::Person { person: maria() };
    assert_eq!(
        next_of(&[image], &asked),
        "push it. This concerns maria (who asked for it)"
    );
}

#[test]
fn what_concerns_nobody_by_name_names_nobody() {
    let mut contract = crate::testing::requested(crate::testing::CANARY);
    contract.origin = Origin::Contract {
        of: "web-production-6".parse().unwrap(),
    };
    let next = next_of(&[lacks("people", "add the gate", &[])], &contract);
    assert_eq!(next, "add the gate");
}
