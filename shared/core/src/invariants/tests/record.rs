//! Both sides of each edge of the rules about locks, exits, journals and messages, and of those about
//! images.

use super::*;
use crate::decision::QUIESCE_SECONDS;
use crate::deployment::Override;
use crate::target::Push;

const ID: &str = "web-production-1";

fn lock(deployment: &str) -> Option<Lock> {
    Some(Lock {
        deployment: deployment.parse().unwrap(),
        epoch: Epoch(1),
        since: at(0),
    })
}

/// One deployment that runs and holds its target.
fn going() -> View {
    let mut view = with(way_up());
    view.target.lock = lock(ID);
    view
}

#[track_caller]
fn fine(invariant: u8, view: &View) {
    assert_eq!(said(invariant, view), Vec::<String>::new());
}

#[test]
fn a_deployment_that_goes_on_is_fine_with_every_rule() {
    assert_eq!(check(&going()), []);
}

#[test]
fn i1_the_one_active_deployment_holds_its_target() {
    let mut view = going();
    fine(1, &view);
    let bare = [format!("{ID}: it is active but does not hold the target")];
    view.target.lock = lock("web-production-9");
    assert_eq!(said(1, &view), bare);
    view.target.lock = None;
    assert_eq!(said(1, &view), bare);
}

#[test]
fn i1_two_that_are_active_are_named() {
    let mut view = going();
    view.deployments.push(record(2, 400, 500, way_up()));
    view.target.lock = lock("web-production-2");
    let expected = [
        "web-production-1 and web-production-2 are active together",
        "web-production-1: it is active but does not hold the target",
    ];
    assert_eq!(said(1, &view), expected);
}

#[test]
fn i1_the_next_deployment_may_begin_as_the_last_one_ends() {
    // The first one ends at 463.
    for (begins, found) in [(462, 1), (463, 0), (464, 0)] {
        let mut view = completed();
        view.deployments.push(record(2, 400, begins, completing()));
        assert_eq!(said(1, &view).len(), found, "{begins} s");
    }
}

#[test]
fn i7_a_deployment_that_goes_on_has_no_end_yet() {
    fine(7, &going());
    let mut view = going();
    view.over = true;
    assert_eq!(
        said(7, &view),
        [
            format!("{ID}: it never ended"),
            format!("{ID}: an execution of it never ended")
        ]
    );
}

#[test]
fn i7_each_fault_of_an_end_is_told_apart() {
    let mut events = completing();
    events.push((470, exited(ExitState::Aborted, 470)));
    let twice = [
        format!("{ID}: it ended 2 times"),
        format!("{ID}: something was written after its end"),
        format!("{ID}: its head and its journal disagree about its end"),
    ];
    assert_eq!(said(7, &with(events)), twice);

    let mut view = completed();
    view.over = false;
    view.deployments[0].deployment.exit = None;
    let differ = format!("{ID}: its head and its journal disagree about its end");
    assert_eq!(said(7, &view), [differ]);

    let mut view = completed();
    view.deployments[0].executions[0].ended = None;
    assert_eq!(said(7, &view), [format!("{ID}: an execution of it never ended")]);
    view.over = false;
    fine(7, &view);
}

#[test]
fn i18_a_head_beside_its_journal_is_told_apart_from_a_broken_chain() {
    let mut view = completed();
    view.deployments[0].deployment.waiting_for = "nothing".to_owned();
    let folded = [format!("{ID}: its head is not what its journal folds to")];
    assert_eq!(said(18, &view), folded);
    // A journal that does not begin with the request explains nothing.
    let mut view = going();
    let mut bare = record(1, -5, 0, Vec::new());
    bare.journal.clear();
    (bare.deployment.seq, bare.deployment.journal_head) = (0, String::new());
    view.deployments[0] = bare;
    assert_eq!(said(18, &view), folded);
}

#[test]
fn i19_an_end_is_told_within_its_bound() {
    let untold = |now: i64, over: bool| {
        let mut view = completed();
        view.notices.clear();
        (view.now, view.over) = (at(now), over);
        said(19, &view)
    };
    let expected = [format!("{ID}: nobody was told how it ended")];
    assert!(untold(463 + NOTICE_BOUND_SECONDS, false).is_empty());
    assert_eq!(untold(464 + NOTICE_BOUND_SECONDS, false), expected);
    assert_eq!(untold(464, true), expected);
}

#[test]
fn i19_only_ends_must_be_told() {
    let mut view = completed();
    let end = view.deployments[0].journal.last().unwrap();
    view.notices = BTreeSet::from([MessageId::of(end).to_string()]);
    fine(19, &view);
}

#[test]
fn i20_a_lock_is_held_by_one_that_exists_and_goes_on() {
    let mut view = completed();
    view.target.lock = lock("web-production-9");
    let unknown = "web-production-9 holds the target but does not exist";
    assert_eq!(said(20, &view), [unknown]);
    view.target.lock = lock(ID);
    let ended = format!("{ID}: it has ended and still holds the target");
    assert_eq!(said(20, &view), [ended]);
    fine(20, &going());
}

#[test]
fn i20_a_holder_may_be_idle_for_the_bound() {
    let idle = |ended: Vec<Option<i64>>| {
        let mut view = going();
        view.deployments[0].executions = ended
            .into_iter()
            .map(|ended| ExecutionSeen {
                started: at(0),
                ended: ended.map(at),
            })
            .collect();
        said(20, &view)
    };
    let bound = 1000 - ORPHAN_BOUND_SECONDS;
    let late = |seconds: i64| vec![format!("{ID}: nothing has run for it for {seconds} s")];
    assert!(idle(vec![Some(bound)]).is_empty());
    assert_eq!(idle(vec![Some(bound - 1)]), late(ORPHAN_BOUND_SECONDS + 1));
    assert!(
        idle(vec![Some(bound), Some(100)]).is_empty(),
        "the last that ended counts"
    );
    assert!(idle(vec![Some(100), None]).is_empty(), "one still runs");
    assert_eq!(idle(Vec::new()), late(1000), "none ever ran");
}

/// A push that waits for its turn.
fn waiting() -> Option<Push> {
    Some(Push {
        repository: "web".to_owned(),
        digest: digest("3"),
        tag: None,
        pushed_at: at(300),
        origin: Origin::Push {
            event_id: "event-3".to_owned(),
        },
        overrides: Vec::new(),
    })
}

#[test]
fn i20_a_push_waits_only_for_something() {
    let mut view = going();
    view.target.queue = waiting();
    fine(20, &view);
    let forgotten = ["the push of 333333333333 waits, and nothing starts it"];
    view.over = true;
    assert_eq!(said(20, &view), forgotten);

    // The deployment ends at 463, and its functions are waited out.
    let bound = 463 + QUIESCE_SECONDS + ORPHAN_BOUND_SECONDS;
    let after = |seconds: i64| {
        let mut view = completed();
        view.target.queue = waiting();
        (view.now, view.over) = (at(seconds), false);
        said(20, &view)
    };
    assert!(after(bound).is_empty());
    assert_eq!(after(bound + 1), forgotten);
    let mut held = completed();
    (held.target.queue, held.over) = (waiting(), false);
    held.deployments.push(record(2, 400, 900, way_up()));
    held.target.lock = lock("web-production-2");
    held.target.epoch = Epoch(2);
    fine(20, &held);
}

#[test]
fn i20_epochs_rise_and_the_target_knows_the_newest() {
    let mut view = rolled_back();
    assert_eq!(view.target.epoch, Epoch(2));
    view.target.epoch = Epoch(3);
    fine(20, &view);
    view.target.epoch = Epoch(1);
    assert_eq!(said(20, &view), ["the target's epoch 1 is behind"]);

    let mut view = rolled_back();
    view.deployments.push(record(2, 400, 500, Vec::new()));
    assert_eq!(said(20, &view), ["web-production-2: epoch 2 was taken again"]);
}

#[test]
fn i12_images_are_looked_at_only_where_they_serve_the_candidates_traffic() {
    let mut view = completed();
    view.slots[0].digests.insert(digest("3"));
    fine(12, &view);
    view.slots[2].digests.insert(digest("3"));
    let other = format!("{ID}: 333333333333 served in the candidate's slot");
    assert_eq!(said(12, &view), [other]);
    // In one service, ECS drains the old tasks while the new ones serve.
    view.deployments[0].deployment.plan.as_mut().unwrap().traffic = Traffic::Rolling;
    fine(12, &view);
}

#[test]
fn i16_the_sweep_may_find_more_than_one_push() {
    let mut view = completed();
    view.deployments.push(record(2, 800, 800, Vec::new()));
    for record in &mut view.deployments {
        record.deployment.origin = Origin::Push {
            event_id: "sweep".to_owned(),
        };
    }
    fine(16, &view);
}

#[test]
fn i16_a_push_replaces_only_older_ones() {
    let pushed = |seconds: i64, image: &str, origin: Option<Origin>| {
        let mut view = completed();
        let mut second = record(2, seconds, 800, Vec::new());
        second.deployment.revision.digest = digest(image);
        if let Some(origin) = origin {
            second.deployment.origin = origin;
        }
        view.deployments.push(second);
        said(16, &view)
    };
    let found = ["web-production-2: a push that was not newer replaced a newer one"];
    // The first was image 2, pushed five seconds before the deployment.
    assert_eq!(pushed(-6, "3", None), found);
    assert_eq!(pushed(-5, "1", None), found);
    assert_eq!(pushed(-5, "2", None), found);
    assert!(pushed(-5, "3", None).is_empty());
    assert!(pushed(-4, "1", None).is_empty());
    let person = "maria".parse().unwrap();
    assert!(pushed(-6, "1", Some(Origin::Person { person })).is_empty());
}

fn with_override(mut record: Record) -> Record {
    record.deployment.overrides.push(Override {
        what: "quarantine".to_owned(),
        by: "maria".parse().unwrap(),
        reason: "repaired".to_owned(),
    });
    record
}

#[test]
fn i24_a_deployment_that_gave_way_is_not_to_blame() {
    let mut view = rolled_back();
    view.target.quarantine.clear();
    let untold = format!("{ID}: its image was rolled back but is not in quarantine");
    assert_eq!(said(24, &view), [untold]);
    view.deployments[0].deployment.abort.as_mut().unwrap().cause = AbortCause::Superseded {
        by: None,
        digest: "333333333333".to_owned(),
    };
    fine(24, &view);
}

#[test]
fn i24_other_images_and_reversals_need_no_override() {
    let mut view = rolled_back();
    let mut other = record(3, 800, 800, Vec::new());
    other.deployment.revision.digest = digest("3");
    view.deployments.push(other);
    let mut reversal = record(4, 900, 900, Vec::new());
    reversal.deployment.kind = Kind::Reversal {
        of: ID.parse().unwrap(),
    };
    view.deployments.push(reversal);
    fine(24, &view);
    // Nor do they lift the quarantine.
    view.target.quarantine.clear();
    assert_eq!(said(24, &view).len(), 1);
}

#[test]
fn i24_an_override_that_completed_lifts_the_quarantine() {
    let again = |events: Vec<(i64, Event)>| {
        let mut view = rolled_back();
        view.target.quarantine.clear();
        view.deployments.push(with_override(record(3, 800, 800, events)));
        view.deployments.push(record(4, 1800, 1800, Vec::new()));
        said(24, &view)
    };
    assert!(again(completing()).is_empty());
    let aborted = vec![(20, exited(ExitState::Aborted, 820))];
    let expected = ["web-production-4: it deployed a quarantined image without an override"];
    assert_eq!(again(aborted), expected);
    assert_eq!(again(Vec::new()), expected);
}
