#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::event::Event;
use crate::exit::Exit;
use crate::ids::Epoch;
use crate::target::Quarantine;
use crate::testing::{CANARY, alarm_raised, at, completed_in, digest, plan, requested, spec, tell};

const DAY: i64 = 86_400;

/// Two migrations, one of them with a way back.
const FILE: &str = "\
migrations:
  - {name: add-email, command: [up], down: [down]}
  - {name: backfill-email, command: [fill]}
";

const ASKED: &str = "evidence: {rehearsed: {in: staging, within: 30d}}\n";

/// `web:2` in staging: completed, taken back after 1000 seconds, and completed again; newest first.
fn rehearsed() -> (TargetState, [Deployment; 3]) {
    let (target, first) = completed_in("staging", "2");
    let mut back = first.clone();
    back.id = "web-staging-8-back".parse().unwrap();
    back.kind = Kind::Reversal { of: first.id.clone() };
    back.exit = None;
    back.spec = spec(&format!("{CANARY}{FILE}")).into();
    let plan = plan(&back.spec).into();
    tell(&mut back, 1000, Event::Planned { plan });
    back.requested_at = at(1000);
    let id = ChangeId::of("migration", "add-email");
    let started = Event::ChangeStarted {
        id: id.clone(),
        before: None,
    };
    tell(&mut back, 1000, started);
    let cause = alarm_raised();
    let epoch = Epoch(8);
    tell(&mut back, 1001, Event::RollbackStarted { epoch, cause });
    let quiesced_at = at(1070);
    tell(&mut back, 1004, Event::TrafficReturned { quiesced_at });
    let detail = String::new();
    tell(&mut back, 1080, Event::ChangeUndone { id, detail });
    let exit = |seconds, state| Exit {
        state,
        at: at(seconds),
        reason: String::new(),
        remedy: None,
    };
    back.exit = Some(exit(1100, ExitState::RolledBack));
    let mut again = first.clone();
    again.id = "web-staging-9".parse().unwrap();
    again.requested_at = at(1200);
    again.exit = Some(exit(2000, ExitState::Completed));
    (target, [again, back, first])
}

fn found(change: impl FnOnce(&mut [Deployment; 3])) -> Option<Rehearsal> {
    let (target, mut all) = rehearsed();
    change(&mut all);
    rehearsal(&target, &digest("2"), &all)
}

#[test]
fn completed_taken_back_and_completed_again_is_a_rehearsal() {
    let undone = [(ChangeId::of("migration", "add-email"), vec!["down".to_owned()])];
    let expected = Rehearsal {
        environment: "staging".parse().unwrap(),
        back: "web-staging-8-back".parse().unwrap(),
        again: "web-staging-9".parse().unwrap(),
        at: at(1100),
        safe_after_seconds: 4,
        undone: undone.into(),
    };
    assert_eq!(found(|_| {}), Some(expected.clone()));
    assert_eq!(
        expected.describe(),
        "rehearsed in staging (traffic back after 4 s)"
    );
}

#[test]
fn what_was_not_wholly_gone_shows_nothing() {
    let of = |change: fn(&mut [Deployment; 3])| found(change);
    // Not deployed again, or not to its end.
    assert_eq!(of(|all| all[0].revision.digest = digest("3")), None);
    assert_eq!(of(|all| all[0].exit = None), None);
    assert_eq!(
        of(|all| all[0].exit.as_mut().unwrap().state = ExitState::RolledBack),
        None
    );
    assert_eq!(
        of(|all| all[0].kind = Kind::Contract {
            of: all[2].id.clone(),
            authors: Vec::new()
        }),
        None
    );
    // The other one was asked for before this one was back.
    assert_eq!(of(|all| all[0].requested_at = at(1099)), None);
    assert!(of(|all| all[0].requested_at = at(1100)).is_some());
    // Not taken back, not with success, not after it had completed, or to itself.
    assert_eq!(of(|all| all[1].revision.digest = digest("3")), None);
    assert_eq!(
        of(|all| all[1].exit.as_mut().unwrap().state = ExitState::RollbackFailed),
        None
    );
    assert_eq!(of(|all| all[1].kind = Kind::Forward), None);
    assert_eq!(
        of(|all| all[1].target.environment = "test".parse().unwrap()),
        None
    );
    let to_itself = of(|all| {
        let plan = all[1].plan.as_mut().unwrap();
        plan.stable.as_mut().unwrap().digest = Some(digest("2"));
    });
    assert_eq!(to_itself, None);
    assert_eq!(of(|all| all.swap(0, 1)), None);
}

#[test]
fn what_was_rolled_back_since_shows_nothing() {
    let (mut target, all) = rehearsed();
    let held = Quarantine {
        deployment: all[0].id.clone(),
        at: at(3000),
        reason: "alarm".to_owned(),
    };
    target.quarantine.insert(digest("2"), held);
    assert_eq!(rehearsal(&target, &digest("2"), &all), None);
}

#[test]
fn a_migration_that_stayed_is_not_among_those_that_were_taken_back() {
    let seen = found(|all| {
        for state in all[1].changes.values_mut() {
            state.stage = ChangeStage::Held;
        }
    });
    assert!(seen.is_some_and(|seen| seen.undone.is_empty()));
}

/// What is missing for a file with these sections, at a time.
fn lacking(more: &str, seen: Option<&Rehearsal>, seconds: i64) -> Option<Lacking> {
    let deployment = requested(&format!("{CANARY}{ASKED}{more}"));
    let rule = deployment.spec.evidence.clone().unwrap().rehearsed.unwrap();
    judge(&deployment, "web:v2", &rule, seen, at(seconds)).err()
}

#[test]
fn what_is_missing_is_named_with_the_command_that_does_it() {
    let seen = found(|_| {});
    assert_eq!(lacking(FILE, seen.as_ref(), 2000), None);
    let command = format!("`tidegate rehearse web/staging {}`", digest("2"));
    let told = |seen: Option<&Rehearsal>, more: &str, seconds| {
        let lacking = lacking(more, seen, seconds).unwrap();
        assert!(lacking.remedy.contains(&command), "{}", lacking.remedy);
        lacking.what
    };
    let none = "web:v2 taken back and deployed again in staging, within 30 d";
    assert_eq!(told(None, FILE, 2000), none);
    let mut elsewhere = seen.clone().unwrap();
    elsewhere.environment = "dev".parse().unwrap();
    assert_eq!(told(Some(&elsewhere), FILE, 2000), none);
    assert_eq!(
        told(seen.as_ref(), "", 30 * DAY + 1101),
        "a rehearsal of web:v2 in staging within 30 d (the last one was at 2026-11-20T09:18:20Z)"
    );
    assert_eq!(lacking("", seen.as_ref(), 30 * DAY + 1100), None);
}

#[test]
fn every_migration_that_can_be_taken_back_was_taken_back_there() {
    let seen = found(|_| {});
    let what = |more: &str| lacking(more, seen.as_ref(), 2000).map(|one| one.what);
    let other = what("migrations: [{name: add-fax, command: [up], down: [down]}]\n").unwrap();
    assert!(
        other.contains("that takes back add-fax (that of 2026-11-20T09:18:20Z"),
        "{other}"
    );
    let changed = FILE.replace("down: [down]", "down: [other]");
    assert!(what(&changed).is_some_and(|what| what.contains("takes back add-email")));
    // What stays by its type, and what is made later, is not part of the way back.
    assert_eq!(what("migrations: [{name: fill, command: [up]}]\n"), None);
    let later = "migrations: [{name: drop-fax, stage: contract, after: 7d, command: [up]}]\n";
    let gate = "gates: [{before: contract, approvals: [{role: tech-lead}]}]\n";
    assert_eq!(what(&format!("{later}{gate}")), None);
}
