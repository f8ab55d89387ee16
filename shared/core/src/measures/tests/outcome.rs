use crate::deployment::{Deployment, Kind, Phase};
use crate::event::Event;
use crate::exit::{AbortCause, Exit, ExitState};
use crate::measures::{LeadFrom, LeftOut, Outcome};
use crate::testing::{
    ALARM, CANARY, RECREATE, ROLLBACK_BEGINS, at, baking, planned, requested, rolling_back, shifted, tell,
};

fn end(deployment: &mut Deployment, seconds: i64, state: ExitState) {
    let exit = Exit {
        state,
        at: at(seconds),
        reason: "because".to_owned(),
        remedy: None,
    };
    tell(deployment, seconds, Event::Exited { exit });
}

fn stop(deployment: &mut Deployment, seconds: i64, cause: AbortCause) {
    tell(deployment, seconds, Event::AbortRequested { cause });
}

fn back(deployment: &mut Deployment, seconds: i64) {
    let quiesced_at = at(seconds + 75);
    tell(deployment, seconds, Event::TrafficReturned { quiesced_at });
}

fn superseded() -> AbortCause {
    AbortCause::Superseded {
        by: None,
        digest: "sha256:3".to_owned(),
    }
}

#[test]
fn one_that_runs_has_no_outcome() {
    assert_eq!(Outcome::of(&baking(CANARY), None), None);
}

#[test]
fn a_completed_one_has_a_lead_time_from_the_push_or_else_the_commit() {
    let mut deployment = shifted(CANARY, Phase::Complete);
    end(&mut deployment, 900, ExitState::Completed);
    let outcome = Outcome::of(&deployment, None).unwrap();
    let lead = outcome.lead.unwrap();
    // The image was pushed 10 s before it was asked for.
    assert_eq!((lead.seconds, lead.from), (910, LeadFrom::Push));
    assert_eq!(outcome.duration_seconds, 900);
    assert!(outcome.took_traffic && !outcome.failed() && outcome.interrupts == Some(false));

    let lead = Outcome::of(&deployment, Some(at(-3600))).unwrap().lead.unwrap();
    assert_eq!((lead.seconds, lead.from), (4500, LeadFrom::Commit));
    // A commit that is younger than its own deployment is a clock that is off, not a negative time.
    assert_eq!(
        Outcome::of(&deployment, Some(at(950)))
            .unwrap()
            .lead
            .unwrap()
            .seconds,
        0
    );
}

#[test]
fn recovery_counts_from_the_alarm_until_traffic_was_read_back() {
    let mut deployment = baking(CANARY);
    let cause = AbortCause::AlarmRaised {
        alarm: ALARM.to_owned(),
        raised_at: Some(at(ROLLBACK_BEGINS - 30)),
        reason: String::new(),
    };
    stop(&mut deployment, ROLLBACK_BEGINS, cause);
    let mut deployment = rolling_back(deployment);
    back(&mut deployment, ROLLBACK_BEGINS + 15);
    // Read back a second time, after a late function: the first time counts.
    back(&mut deployment, ROLLBACK_BEGINS + 90);
    end(&mut deployment, ROLLBACK_BEGINS + 100, ExitState::RolledBack);
    let outcome = Outcome::of(&deployment, None).unwrap();
    assert_eq!(outcome.to_safe_seconds, Some(45));
    assert!(outcome.failed() && outcome.taken_back() && outcome.lead.is_none());
}

#[test]
fn an_alarm_time_outside_of_the_deployment_is_not_believed() {
    for raised in [-500, ROLLBACK_BEGINS + 1] {
        let mut deployment = baking(CANARY);
        let cause = AbortCause::AlarmRaised {
            alarm: ALARM.to_owned(),
            raised_at: Some(at(raised)),
            reason: String::new(),
        };
        stop(&mut deployment, ROLLBACK_BEGINS, cause);
        let mut deployment = rolling_back(deployment);
        back(&mut deployment, ROLLBACK_BEGINS + 15);
        end(&mut deployment, ROLLBACK_BEGINS + 100, ExitState::RolledBack);
        assert_eq!(Outcome::of(&deployment, None).unwrap().to_safe_seconds, Some(15));
    }
}

#[test]
fn a_superseded_one_is_left_out_but_its_traffic_was_taken_back() {
    let mut deployment = baking(CANARY);
    stop(&mut deployment, ROLLBACK_BEGINS, superseded());
    let mut deployment = rolling_back(deployment);
    end(&mut deployment, 1100, ExitState::RolledBack);
    let outcome = Outcome::of(&deployment, None).unwrap();
    assert_eq!(outcome.left_out, Some(LeftOut::Superseded));
    assert!(outcome.taken_back() && !outcome.failed());
}

#[test]
fn a_failed_rollback_is_never_left_out() {
    let mut deployment = baking(CANARY);
    stop(&mut deployment, ROLLBACK_BEGINS, superseded());
    let mut deployment = rolling_back(deployment);
    end(&mut deployment, 1100, ExitState::RollbackFailed);
    let outcome = Outcome::of(&deployment, None).unwrap();
    assert_eq!(outcome.left_out, None);
    assert!(outcome.failed());
    assert_eq!((outcome.to_safe_seconds, outcome.interrupts), (None, Some(true)));
}

#[test]
fn what_people_did_not_approve_is_left_out_only_while_nobody_saw_it() {
    let rejected = || AbortCause::Rejected {
        by: "maria".parse().unwrap(),
        reason: "not today".to_owned(),
    };
    let expired = AbortCause::ApprovalExpired { expired_at: at(50) };
    for cause in [rejected(), expired] {
        let mut unseen = planned(CANARY);
        stop(&mut unseen, 60, cause);
        end(&mut unseen, 100, ExitState::Aborted);
        let outcome = Outcome::of(&unseen, None).unwrap();
        assert_eq!(outcome.left_out, Some(LeftOut::NotApproved));
    }
    let mut seen = shifted(CANARY, Phase::Complete);
    stop(&mut seen, 900, rejected());
    let mut seen = rolling_back(seen);
    end(&mut seen, 1100, ExitState::RolledBack);
    assert!(Outcome::of(&seen, None).unwrap().failed());
}

#[test]
fn a_blocked_one_is_left_out_and_an_aborted_one_is_not() {
    let mut blocked = requested(CANARY);
    end(&mut blocked, 3, ExitState::Blocked);
    assert_eq!(
        Outcome::of(&blocked, None).unwrap().left_out,
        Some(LeftOut::Blocked)
    );

    let mut aborted = planned(CANARY);
    let reason = "crashes".to_owned();
    stop(&mut aborted, 60, AbortCause::CandidateUnhealthy { reason });
    end(&mut aborted, 100, ExitState::Aborted);
    let outcome = Outcome::of(&aborted, None).unwrap();
    assert_eq!(outcome.left_out, None);
    assert!(!outcome.took_traffic && !outcome.failed());
}

#[test]
fn recreate_interrupts_and_a_first_deployment_has_nothing_to_interrupt() {
    let mut recreate = shifted(RECREATE, Phase::Complete);
    end(&mut recreate, 900, ExitState::Completed);
    assert_eq!(Outcome::of(&recreate, None).unwrap().interrupts, Some(true));

    let mut first = shifted(RECREATE, Phase::Complete);
    first.plan.as_mut().unwrap().stable = None;
    end(&mut first, 900, ExitState::Completed);
    assert_eq!(Outcome::of(&first, None).unwrap().interrupts, None);
}

#[test]
fn a_reversal_names_what_it_takes_back_and_has_no_lead_time() {
    let mut deployment = shifted(CANARY, Phase::Complete);
    let of = "web-production-6".parse().unwrap();
    deployment.kind = Kind::Reversal { of };
    end(&mut deployment, 900, ExitState::RolledBack);
    let outcome = Outcome::of(&deployment, None).unwrap();
    assert_eq!(outcome.reverses.unwrap().as_str(), "web-production-6");
    assert_eq!(outcome.lead, None);
}
