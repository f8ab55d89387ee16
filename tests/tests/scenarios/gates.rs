//! People decide.

use tidegate_core::exit::ExitState;
use tidegate_local::fleet::{AlarmValue, Behaviour};
use tidegate_tests::files::{SHORT, digest};

use crate::scenario;

const ALARM: &str = "web-production-green-error-rate";
const TARGET: &str = "web/production";

#[test]
fn two_roles_approve() {
    scenario(
        "two-roles-approve",
        "Two people of two roles: the second approval lets it go on.",
        async |scene| {
            let file = format!(
                "{SHORT}gates:\n  - before: shift\n    approvals:\n      - role: tech-lead\n      - role: product\n    expires: 1h\n"
            );
            scene.given(TARGET, 5, &file).await;
            scene.people().await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            let plan = scene.gate(&id).await;
            scene.wait(300).await;
            scene.decide("maria", &id, true, &plan).await.unwrap();
            scene.decide("maria", &id, true, &plan).await.unwrap_err();
            scene.decide("olaf", &id, true, &plan).await.unwrap_err();
            scene.wait(300).await;
            scene.decide("tom", &id, true, &plan).await.unwrap();
            scene.ends(&id, ExitState::Completed).await;
        },
    );
}

#[test]
fn nobody_approves_in_time() {
    scenario(
        "nobody-approves-in-time",
        "The gate expires: nothing was moved, and nothing will be.",
        async |scene| {
            let file = format!(
                "{SHORT}gates:\n  - before: shift\n    approvals:\n      - role: tech-lead\n      - role: product\n    expires: 1h\n"
            );
            scene.given(TARGET, 5, &file).await;
            scene.people().await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            let plan = scene.gate(&id).await;
            scene.decide("maria", &id, true, &plan).await.unwrap();
            scene.ends(&id, ExitState::Aborted).await;
            scene.decide("tom", &id, true, &plan).await.unwrap_err();
        },
    );
}

#[test]
fn the_author_may_not_approve() {
    scenario(
        "the-author-may-not-approve",
        "Ines deploys and holds both roles: her own approval does not count.",
        async |scene| {
            let file = format!(
                "{SHORT}gates:\n  - before: shift\n    approvals:\n      - role: tech-lead\n      - role: product\n    expires: 1h\n"
            );
            scene.given(TARGET, 5, &file).await;
            scene.people().await;
            scene.cloud(|state| {
                state
                    .fleet
                    .store_image("web", "v2", Some(&digest('2')), Behaviour::default());
            });
            scene.deploy("ines", TARGET, "v2", &[]).await.unwrap();
            let id = scene.started(TARGET).await;
            let plan = scene.gate(&id).await;
            scene.decide("ines", &id, true, &plan).await.unwrap_err();
            scene.decide("maria", &id, true, &plan).await.unwrap();
            scene.decide("tom", &id, true, &plan).await.unwrap();
            scene.ends(&id, ExitState::Completed).await;
        },
    );
}

#[test]
fn approval_of_another_plan_is_refused() {
    scenario(
        "approval-of-another-plan-is-refused",
        "Maria looked at the plan of the deployment before: hers is not an approval of this one.",
        async |scene| {
            let file = format!(
                "{SHORT}gates:\n  - before: shift\n    approvals:\n      - role: tech-lead\n      - role: product\n    expires: 1h\n"
            );
            scene.given(TARGET, 5, &file).await;
            scene.people().await;
            scene.push('2', Behaviour::default());
            let first = scene.started(TARGET).await;
            let old = scene.gate(&first).await;
            scene.decide("tom", &first, false, &old).await.unwrap();
            scene.ends(&first, ExitState::Aborted).await;
            scene.push('3', Behaviour::default());
            let id = scene.started(TARGET).await;
            let plan = scene.gate(&id).await;
            scene.decide("maria", &id, true, &old).await.unwrap_err();
            scene.decide("maria", &id, true, &plan).await.unwrap();
            scene.decide("tom", &id, true, &plan).await.unwrap();
            scene.ends(&id, ExitState::Completed).await;
        },
    );
}

#[test]
fn one_person_rejects() {
    scenario(
        "one-person-rejects",
        "One refusal is enough to stop it, before any traffic.",
        async |scene| {
            let file = format!(
                "{SHORT}gates:\n  - before: shift\n    approvals:\n      - role: tech-lead\n      - role: product\n    expires: 1h\n"
            );
            scene.given(TARGET, 5, &file).await;
            scene.people().await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            let plan = scene.gate(&id).await;
            scene.decide("maria", &id, true, &plan).await.unwrap();
            scene.decide("tom", &id, false, &plan).await.unwrap();
            scene.ends(&id, ExitState::Aborted).await;
        },
    );
}

#[test]
fn alarm_during_an_approval_stops_it() {
    scenario(
        "alarm-during-an-approval-stops-it",
        "The service gets into trouble while people are asked: there is nothing to approve any more.",
        async |scene| {
            let file = format!(
                "{SHORT}gates:\n  - before: shift\n    approvals:\n      - role: tech-lead\n      - role: product\n    expires: 1h\n"
            );
            scene.given(TARGET, 5, &file).await;
            scene.people().await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            let plan = scene.gate(&id).await;
            scene.decide("maria", &id, true, &plan).await.unwrap();
            scene.alarm(ALARM, AlarmValue::Alarm);
            scene.ends(&id, ExitState::Aborted).await;
            scene.decide("tom", &id, true, &plan).await.unwrap_err();
        },
    );
}

#[test]
fn approval_after_the_shift_expires() {
    scenario(
        "approval-after-the-shift-expires",
        "The last gate, with all traffic on the candidate: without an approval it goes back.",
        async |scene| {
            let file = format!(
                "{SHORT}gates:\n  - before: complete\n    approvals:\n      - role: product\n    expires: 30m\n"
            );
            scene.given(TARGET, 5, &file).await;
            scene.people().await;
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::RolledBack).await;
        },
    );
}
