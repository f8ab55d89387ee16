#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::testing::{CANARY, RECREATE, ROLLING, at, digest, plan, request};

const SUPERSEDE: &str = "trigger:\n  onNewerPush: supersede\n";

/// A target whose file was just applied.
fn fresh(file: &str) -> TargetState {
    let spec = crate::testing::spec(file);
    TargetState::new(
        "web/production".parse().unwrap(),
        spec,
        SpecHash::of(file.as_bytes()),
        at(0),
    )
}

fn by_event() -> Origin {
    Origin::Push {
        event_id: "event".to_owned(),
    }
}

fn by_maria() -> Origin {
    Origin::Person {
        person: "maria".parse().unwrap(),
    }
}

/// A push of the image of that digit, so many seconds in.
fn push(digit: &str, pushed: i64) -> Push {
    Push {
        repository: "web".to_owned(),
        digest: digest(digit),
        tag: Some(format!("v{digit}")),
        pushed_at: at(pushed),
        origin: by_event(),
        overrides: Vec::new(),
    }
}

fn by_hand(digit: &str, pushed: i64) -> Push {
    Push {
        origin: by_maria(),
        ..push(digit, pushed)
    }
}

fn with_override(push: Push, what: &str) -> Push {
    let set_aside = Override {
        what: what.to_owned(),
        by: "maria".parse().unwrap(),
        reason: "known".to_owned(),
    };
    Push {
        overrides: vec![set_aside],
        ..push
    }
}

#[track_caller]
fn started(admission: Admission) -> Request {
    let Admission::Start(request) = admission else {
        unreachable!("not started: {admission:?}");
    };
    *request
}

/// A target in which a push was taken and its deployment runs.
fn running(file: &str) -> (TargetState, Deployment) {
    let mut target = fresh(file);
    let request = started(target.admit(push("1", 10), at(20)));
    (target, Deployment::new(request, at(20)))
}

fn exit(state: ExitState, seconds: i64) -> Exit {
    Exit {
        state,
        at: at(seconds),
        reason: "alarm web-errors went to ALARM".to_owned(),
        remedy: None,
    }
}

/// A target whose first deployment ended so, a thousand seconds in.
fn after(file: &str, state: ExitState) -> (TargetState, Deployment) {
    let (mut target, mut deployment) = running(file);
    deployment.plan = Some(plan(&deployment.spec).into());
    target.release(&deployment, &exit(state, 1000));
    (target, deployment)
}

fn newest(digit: &str, pushed: i64) -> Option<Newest> {
    Some(Newest {
        pushed_at: at(pushed),
        digest: digest(digit),
    })
}

mod patterns {
    use super::*;

    #[track_caller]
    fn fits(cases: &[(&str, &str, bool)]) {
        for (pattern, text, fits) in cases {
            assert_eq!(glob(pattern, text), *fits, "`{pattern}` on `{text}`");
        }
    }

    #[test]
    fn a_pattern_without_signs_is_the_text_itself() {
        fits(&[
            ("", "", true),
            ("", "a", false),
            ("a", "", false),
            ("a", "a", true),
            ("a", "b", false),
            ("a", "aa", false),
            ("aa", "a", false),
            ("main", "main", true),
            ("main", "mail", false),
            ("é", "é", true),
        ]);
    }

    #[test]
    fn a_question_mark_is_one_character() {
        fits(&[
            ("?", "", false),
            ("?", "a", true),
            ("?", "é", true),
            ("?", "ab", false),
            ("v?.?", "v1.2", true),
            ("v?.?", "v1.", false),
            ("v?.?", "v12.3", false),
        ]);
    }

    #[test]
    fn a_star_is_any_run_of_characters() {
        fits(&[
            ("*", "", true),
            ("*", "anything", true),
            ("**", "", true),
            ("**", "ab", true),
            ("a*", "a", true),
            ("a*", "abc", true),
            ("a*", "ba", false),
            ("*a", "a", true),
            ("*a", "bca", true),
            ("*a", "ab", false),
            ("a*c", "ac", true),
            ("a*c", "abbc", true),
            ("a*c", "abb", false),
            ("a*c", "abcd", false),
            ("*?", "", false),
            ("*?", "a", true),
            ("a?*", "a", false),
            ("a?*", "ab", true),
            ("a*b*", "acb", true),
            ("a*b*d", "abcd", true),
        ]);
    }

    #[test]
    fn a_star_gives_characters_back_until_the_rest_fits() {
        fits(&[
            ("*ab", "aab", true),
            ("*ab", "aaab", true),
            ("*abc", "ababc", true),
            ("*aab", "aaaaab", true),
            ("a*bc", "abbbc", true),
            ("x*ab*cd", "xaabccd", true),
            ("x*ab*cd", "xaabccde", false),
            ("*a*b", "aaaa", false),
            ("release-*-rc?", "release-1.2-rc-rc1", true),
            ("release-*-rc?", "release-1.2-rc", false),
        ]);
    }

    #[test]
    fn many_stars_that_never_fit_are_refused_in_no_time() {
        let text = "a".repeat(2_000);
        assert!(!glob("*a*a*a*a*a*a*a*a*b", &text));
    }

    fn trigger(repository: Option<&str>, tags: &[&str]) -> Trigger {
        Trigger {
            repository: repository.map(str::to_owned),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            on_newer_push: NewerPush::Queue,
        }
    }

    #[test]
    fn a_trigger_takes_the_repository_of_its_service_unless_it_names_another() {
        let target: Target = "web/production".parse().unwrap();
        let any = trigger(None, &["*"]);
        assert!(takes(&any, &target, "web", Some("v1")));
        assert!(!takes(&any, &target, "shop", Some("v1")));
        let other = trigger(Some("team/web"), &["*"]);
        assert!(takes(&other, &target, "team/web", Some("v1")));
        assert!(!takes(&other, &target, "web", Some("v1")));
    }

    #[test]
    fn a_trigger_takes_tags_that_fit_one_of_its_patterns_and_no_image_without_a_tag() {
        let target: Target = "web/production".parse().unwrap();
        let two = trigger(None, &["v*", "main-?"]);
        assert!(takes(&two, &target, "web", Some("v1")));
        assert!(takes(&two, &target, "web", Some("main-1")));
        assert!(!takes(&two, &target, "web", Some("main-12")));
        assert!(!takes(&two, &target, "web", Some("")));
        assert!(!takes(&two, &target, "web", None));
        assert!(!takes(&trigger(None, &[]), &target, "web", Some("v1")));
    }
}

mod admission {
    use super::*;

    #[test]
    fn a_new_target_is_free_and_knows_of_nothing() {
        let target = fresh(CANARY);
        assert_eq!(
            target,
            TargetState {
                contract: None,
                contracted: BTreeMap::new(),
                target: "web/production".parse().unwrap(),
                spec: crate::testing::spec(CANARY).into(),
                spec_hash: SpecHash::of(CANARY.as_bytes()),
                applied_at: at(0),
                epoch: Epoch(0),
                lock: None,
                queue: None,
                newest: None,
                stable: None,
                tidying_until: None,
                ended: None,
                watching: Vec::new(),
                costs: Vec::new(),
                quarantine: BTreeMap::new(),
            }
        );
    }

    #[test]
    fn a_push_to_a_free_target_starts_a_deployment_that_holds_the_lock() {
        let mut target = fresh(CANARY);
        let sent = with_override(push("1", 10), "alarm:web-errors");
        let request = started(target.admit(sent.clone(), at(20)));
        let expected = Request {
            id: "web-production-1-11111111".parse().unwrap(),
            target: target.target.clone(),
            kind: Kind::Forward,
            epoch: Epoch(1),
            revision: Revision {
                repository: "web".to_owned(),
                digest: digest("1"),
                tag: Some("v1".to_owned()),
                pushed_at: at(10),
                spec_hash: SpecHash::of(CANARY.as_bytes()),
                task_definition: None,
            },
            spec: crate::testing::spec(CANARY).into(),
            origin: by_event(),
            overrides: sent.overrides,
        };
        assert_eq!(request, expected);
        assert_eq!(target.epoch, Epoch(1));
        assert_eq!(
            target.lock,
            Some(Lock {
                deployment: request.id,
                epoch: Epoch(1),
                since: at(20),
            })
        );
        assert_eq!(target.newest, newest("1", 10));
        assert_eq!(target.queue, None);
    }

    #[test]
    fn an_id_that_would_be_too_long_is_made_of_the_epoch_alone() {
        let mut target = fresh(CANARY);
        target.target = format!("{}/{}", "s".repeat(32), "e".repeat(24)).parse().unwrap();
        target.epoch = Epoch(999_999_999_998);
        // 32 + 24 + 12 + 8 and three dashes are 79.
        let request = started(target.admit(push("1", 10), at(20)));
        assert_eq!(request.id.as_str().len(), 79);
        target.lock = None;
        target.epoch = Epoch(u64::MAX - 1);
        let request = started(target.admit(push("2", 11), at(20)));
        assert_eq!(request.id.as_str(), "deployment-18446744073709551615");
        assert!(!target.fences(&request.id, Epoch(u64::MAX)));
    }

    #[test]
    fn the_same_push_again_is_refused() {
        let (mut target, _) = running(CANARY);
        let before = target.clone();
        let again = target.admit(push("1", 10), at(30));
        assert_eq!(again, Admission::Refused(Refusal::Duplicate));
        assert_eq!(target, before);
    }

    #[test]
    fn the_same_image_pushed_once_more_is_a_push_of_its_own() {
        let (mut target, deployment) = running(CANARY);
        let again = target.admit(push("1", 11), at(30));
        assert_eq!(
            again,
            Admission::Queued {
                behind: deployment.id
            }
        );
    }

    #[test]
    fn an_older_push_never_replaces_a_newer_one() {
        let (mut target, _) = running(CANARY);
        let before = target.clone();
        let older = Refusal::Older {
            newest: digest("1"),
            newest_at: at(10),
        };
        for (digit, pushed) in [("2", 9), ("0", 9), ("1", 9), ("0", 10)] {
            let refused = target.admit(push(digit, pushed), at(30));
            assert_eq!(refused, Admission::Refused(older.clone()), "{digit} at {pushed}");
        }
        assert_eq!(target, before);
    }

    #[test]
    fn of_two_images_of_one_second_the_one_with_the_greater_digest_is_the_newer() {
        let (mut target, deployment) = running(CANARY);
        let queued = target.admit(push("2", 10), at(30));
        assert_eq!(
            queued,
            Admission::Queued {
                behind: deployment.id
            }
        );
        assert_eq!(target.newest, newest("2", 10));
    }

    #[test]
    fn a_newer_push_waits_and_takes_the_place_of_one_that_waits() {
        let (mut target, deployment) = running(CANARY);
        for (digit, pushed) in [("2", 11), ("3", 12)] {
            let queued = target.admit(push(digit, pushed), at(30));
            let behind = deployment.id.clone();
            assert_eq!(queued, Admission::Queued { behind });
            assert_eq!(target.queue, Some(push(digit, pushed)));
            assert_eq!(target.newest, newest(digit, pushed));
        }
        assert_eq!(target.epoch, Epoch(1));
    }

    #[test]
    fn a_newer_push_asks_the_running_deployment_to_stop_where_the_file_says_so() {
        let (mut target, deployment) = running(&format!("{CANARY}{SUPERSEDE}"));
        let superseding = target.admit(push("2", 11), at(30));
        let expected = Admission::Superseding {
            running: deployment.id,
            cause: AbortCause::Superseded {
                by: None,
                digest: "222222222222".to_owned(),
            },
        };
        assert_eq!(superseding, expected);
        assert_eq!(target.queue, Some(push("2", 11)));
    }

    #[test]
    fn a_person_may_go_back_to_an_older_image_and_events_do_not_undo_it() {
        let (mut target, _) = after(CANARY, ExitState::Completed);
        started(target.admit(push("2", 20), at(2000)));
        target.lock = None;
        let request = started(target.admit(by_hand("1", 10), at(3000)));
        assert_eq!(request.origin, by_maria());
        assert_eq!(target.newest, newest("2", 20));
        let again = target.admit(push("2", 20), at(3010));
        assert_eq!(again, Admission::Refused(Refusal::Duplicate));
    }

    #[test]
    fn a_person_may_deploy_the_newest_image_once_more() {
        let (mut target, _) = after(CANARY, ExitState::Completed);
        let request = started(target.admit(by_hand("1", 10), at(2000)));
        assert_eq!(request.id.as_str(), "web-production-2-11111111");
    }

    #[test]
    fn what_serves_already_is_not_deployed_by_an_event() {
        let (mut target, _) = after(CANARY, ExitState::Completed);
        let again = target.admit(push("1", 11), at(2000));
        assert_eq!(again, Admission::Refused(Refusal::AlreadyStable(digest("1"))));
        assert!(matches!(
            target.admit(push("2", 12), at(2000)),
            Admission::Start(_)
        ));
    }

    #[test]
    fn what_serves_may_wait_behind_a_deployment_that_would_replace_it() {
        let (mut target, _) = after(CANARY, ExitState::Completed);
        let request = started(target.admit(push("2", 12), at(2000)));
        let back = target.admit(push("1", 13), at(2010));
        assert_eq!(back, Admission::Queued { behind: request.id });
    }

    #[test]
    fn a_quarantined_image_is_refused_whoever_brings_it() {
        let (mut target, _) = after(CANARY, ExitState::RolledBack);
        let held = Refusal::Quarantined {
            digest: digest("1"),
            at: at(1000),
            reason: "alarm web-errors went to ALARM".to_owned(),
        };
        for sent in [
            push("1", 11),
            by_hand("1", 11),
            with_override(by_hand("1", 11), "stable-image"),
        ] {
            assert_eq!(target.admit(sent, at(2000)), Admission::Refused(held.clone()));
        }
        assert!(matches!(
            target.admit(push("2", 12), at(2000)),
            Admission::Start(_)
        ));
    }

    #[test]
    fn a_quarantine_is_set_aside_by_its_name() {
        let (mut target, _) = after(CANARY, ExitState::RolledBack);
        let sent = with_override(by_hand("1", 11), "quarantine");
        let request = started(target.admit(sent.clone(), at(2000)));
        assert_eq!(request.overrides, sent.overrides);
        assert!(target.quarantine.contains_key(&digest("1")), "until it completes");
    }

    #[test]
    fn an_override_of_the_quarantine_does_not_let_an_event_bring_an_older_push() {
        let (mut target, _) = after(CANARY, ExitState::RolledBack);
        let sent = with_override(push("1", 10), "quarantine");
        assert_eq!(
            target.admit(sent, at(2000)),
            Admission::Refused(Refusal::Duplicate)
        );
    }
}

mod queue {
    use super::*;

    #[test]
    fn nothing_starts_while_the_lock_is_held() {
        let (mut target, _) = running(CANARY);
        target.admit(push("2", 11), at(30));
        let before = target.clone();
        assert_eq!(target.next_in_queue(at(40)), None);
        assert_eq!(target, before);
    }

    #[test]
    fn what_waits_starts_once_the_lock_is_free() {
        let (mut target, deployment) = running(CANARY);
        target.admit(push("2", 11), at(30));
        target.release(&deployment, &exit(ExitState::Aborted, 1000));
        let request = target.next_in_queue(at(1001)).unwrap();
        assert_eq!(request.revision.digest, digest("2"));
        assert_eq!(request.id.as_str(), "web-production-2-22222222");
        assert_eq!(target.lock.as_ref().unwrap().since, at(1001));
        assert_eq!(target.queue, None);
        assert_eq!(target.next_in_queue(at(1002)), None);
    }

    #[test]
    fn an_empty_queue_starts_nothing() {
        let (mut target, _) = after(CANARY, ExitState::Aborted);
        assert_eq!(target.next_in_queue(at(1001)), None);
        assert_eq!(target.lock, None);
    }

    #[test]
    fn what_was_quarantined_while_it_waited_is_dropped() {
        let (mut target, deployment) = running(CANARY);
        target.admit(push("1", 11), at(30));
        target.release(&deployment, &exit(ExitState::RolledBack, 1000));
        assert_eq!(target.next_in_queue(at(1001)), None);
        assert_eq!((target.queue, target.lock), (None, None));
    }

    #[test]
    fn what_waits_with_its_quarantine_set_aside_starts() {
        let (mut target, deployment) = running(CANARY);
        target.admit(with_override(by_hand("1", 11), "quarantine"), at(30));
        target.release(&deployment, &exit(ExitState::RolledBack, 1000));
        let request = target.next_in_queue(at(1001)).unwrap();
        assert_eq!(request.revision.digest, digest("1"));
    }

    #[test]
    fn another_images_quarantine_holds_nothing_up() {
        let (mut target, deployment) = running(CANARY);
        target.admit(push("2", 11), at(30));
        target.release(&deployment, &exit(ExitState::RolledBack, 1000));
        assert!(target.quarantine.contains_key(&digest("1")));
        assert!(target.next_in_queue(at(1001)).is_some());
    }

    #[test]
    fn a_newer_push_that_finds_the_lock_free_drops_what_waited() {
        let (mut target, deployment) = running(CANARY);
        target.admit(push("2", 11), at(30));
        target.release(&deployment, &exit(ExitState::Completed, 1000));
        let request = started(target.admit(push("3", 12), at(1001)));
        assert_eq!(request.revision.digest, digest("3"));
        assert_eq!(target.queue, None);
    }
}

mod rest {
    use super::*;

    #[test]
    fn a_target_rests_after_a_failed_rollback_until_old_functions_are_gone() {
        let (target, deployment) = after(CANARY, ExitState::RollbackFailed);
        for seconds in [1000, 1000 + QUIESCE_SECONDS - 1] {
            assert_eq!(
                target.resting(at(seconds)),
                Some(deployment.id.clone()),
                "{seconds}"
            );
        }
        for seconds in [1000 + QUIESCE_SECONDS, 1001 + QUIESCE_SECONDS] {
            assert_eq!(target.resting(at(seconds)), None, "{seconds}");
        }
    }

    #[test]
    fn no_other_end_makes_a_target_rest() {
        for state in [
            ExitState::Completed,
            ExitState::Blocked,
            ExitState::Aborted,
            ExitState::RolledBack,
        ] {
            let (target, deployment) = after(CANARY, state);
            assert_eq!(target.resting(at(1000)), None, "{state:?}");
            let ended = Ended {
                deployment: deployment.id,
                at: at(1000),
                state,
            };
            assert_eq!(target.ended, Some(ended));
        }
        assert_eq!(fresh(CANARY).resting(at(0)), None);
    }

    #[test]
    fn a_push_to_a_resting_target_waits_and_starts_when_the_rest_is_over() {
        let (mut target, deployment) = after(CANARY, ExitState::RollbackFailed);
        let over = 1000 + QUIESCE_SECONDS;
        let queued = target.admit(push("2", 11), at(over - 1));
        assert_eq!(
            queued,
            Admission::Queued {
                behind: deployment.id
            }
        );
        assert_eq!(target.lock, None);
        assert_eq!(target.newest, newest("2", 11));
        assert_eq!(target.next_in_queue(at(over - 1)), None);
        assert_eq!(target.queue, Some(push("2", 11)));
        let request = target.next_in_queue(at(over)).unwrap();
        assert_eq!(request.revision.digest, digest("2"));
    }

    #[test]
    fn a_push_after_the_rest_starts_at_once() {
        let (mut target, _) = after(CANARY, ExitState::RollbackFailed);
        let request = started(target.admit(push("2", 11), at(1000 + QUIESCE_SECONDS)));
        assert_eq!(request.epoch, Epoch(2));
    }

    #[test]
    fn idle_tasks_are_tidied_until_the_instant_that_was_set() {
        let mut target = fresh(CANARY);
        assert_eq!(target.tidying(at(0)), None);
        target.tidying_until = Some(at(100));
        for (now, seconds) in [
            (0, Some(100)),
            (60, Some(40)),
            (99, Some(1)),
            (100, None),
            (101, None),
        ] {
            assert_eq!(target.tidying(at(now)), seconds, "{now} s");
        }
    }

    #[test]
    fn after_a_failed_rollback_the_sweep_stops_no_tasks() {
        for (state, stops) in [
            (ExitState::RollbackFailed, false),
            (ExitState::Aborted, true),
            (ExitState::Blocked, true),
        ] {
            let (mut target, completed) = after(CANARY, ExitState::Completed);
            let late = target.stable.clone().unwrap().warm_until;
            let second = started(target.admit(push("2", 11), at(1100)));
            target.release(&Deployment::new(second, at(1100)), &exit(state, 1200));
            let found = crate::sweep::window_over(&target, late);
            assert_eq!(found, stops.then_some(completed.id), "{state:?}");
        }
    }

    #[test]
    fn nothing_is_taken_back_while_the_target_rests() {
        let (mut target, completed) = after(CANARY, ExitState::Completed);
        let request = started(target.admit(push("2", 11), at(1100)));
        let second = Deployment::new(request, at(1100));
        target.release(&second, &exit(ExitState::RollbackFailed, 1200));
        let mut reverse = |seconds| target.reverse(&completed, by_maria(), at(seconds));
        let over = 1200 + QUIESCE_SECONDS;
        assert_eq!(reverse(over - 1), Err(ReversalRefusal::Resting(second.id)));
        assert!(reverse(over).is_ok());
    }
}

mod fence {
    use super::*;

    #[test]
    fn only_the_holder_of_the_current_epoch_may_act() {
        let (target, deployment) = running(CANARY);
        let other: DeploymentId = "web-production-9".parse().unwrap();
        assert!(!target.fences(&deployment.id, Epoch(1)));
        assert!(target.fences(&deployment.id, Epoch(0)));
        assert!(target.fences(&deployment.id, Epoch(2)));
        assert!(target.fences(&other, Epoch(1)));
        assert!(target.fences(&other, Epoch(2)));
        assert!(fresh(CANARY).fences(&deployment.id, Epoch(0)));
    }

    #[test]
    fn a_raised_epoch_fences_off_what_acts_under_the_old_one() {
        let (mut target, deployment) = running(CANARY);
        assert_eq!(target.raise_epoch(&deployment.id), Some(Epoch(2)));
        assert_eq!(target.epoch, Epoch(2));
        assert!(target.fences(&deployment.id, Epoch(1)));
        assert!(!target.fences(&deployment.id, Epoch(2)));
        assert_eq!(target.lock.as_ref().unwrap().since, at(20));
    }

    #[test]
    fn nobody_but_the_holder_raises_the_epoch() {
        let (mut target, _) = running(CANARY);
        let before = target.clone();
        let other: DeploymentId = "web-production-9".parse().unwrap();
        assert_eq!(target.raise_epoch(&other), None);
        assert_eq!(target, before);
        assert_eq!(fresh(CANARY).raise_epoch(&other), None);
    }
}

mod release {
    use super::*;

    #[test]
    fn an_end_frees_the_lock_of_its_own_deployment_only() {
        let (mut target, deployment) = running(CANARY);
        let mut other = deployment.clone();
        other.id = "web-production-9".parse().unwrap();
        target.release(&other, &exit(ExitState::Aborted, 1000));
        assert_eq!(target.lock.as_ref().unwrap().deployment, deployment.id);
        target.release(&deployment, &exit(ExitState::Aborted, 1001));
        assert_eq!(target.lock, None);
        assert_eq!(target.epoch, Epoch(1));
    }

    #[test]
    fn a_completed_deployment_makes_its_revision_stable_and_keeps_the_other_warm() {
        let (target, deployment) = after(CANARY, ExitState::Completed);
        let window = i64::from(target.spec.auto_rollback.window_seconds);
        let stable = StableRecord {
            deployment: deployment.id,
            slot: Slot::Green,
            digest: digest("1"),
            warm_until: at(1000 + window),
            other_scaled_in: false,
        };
        assert_eq!(target.stable, Some(stable));
        assert!(window > 0);
    }

    #[test]
    fn with_one_service_there_is_no_other_slot_to_scale_in() {
        for file in [ROLLING, RECREATE] {
            let (target, _) = after(file, ExitState::Completed);
            assert!(target.stable.unwrap().other_scaled_in);
        }
    }

    #[test]
    fn a_deployment_that_never_had_a_plan_makes_nothing_stable() {
        let (mut target, deployment) = running(CANARY);
        target.release(&deployment, &exit(ExitState::Completed, 1000));
        assert_eq!(target.stable, None);
    }

    #[test]
    fn completing_lifts_the_quarantine_of_its_image_and_of_no_other() {
        let (mut target, mut deployment) = after(CANARY, ExitState::RolledBack);
        let entry = target.quarantine.get(&digest("1")).unwrap().clone();
        target.quarantine.insert(digest("5"), entry);
        deployment.plan = Some(plan(&deployment.spec).into());
        target.release(&deployment, &exit(ExitState::Completed, 2000));
        let held: Vec<_> = target.quarantine.keys().cloned().collect();
        assert_eq!(held, [digest("5")]);
    }

    #[test]
    fn a_rollback_quarantines_its_image_whether_it_went_well_or_not() {
        for state in [ExitState::RolledBack, ExitState::RollbackFailed] {
            let (target, deployment) = after(CANARY, state);
            let entry = Quarantine {
                deployment: deployment.id,
                at: at(1000),
                reason: "alarm web-errors went to ALARM".to_owned(),
            };
            assert_eq!(target.quarantine, BTreeMap::from([(digest("1"), entry)]));
            assert_eq!(target.stable, None);
        }
    }

    #[test]
    fn an_end_before_traffic_blames_no_image() {
        for state in [ExitState::Blocked, ExitState::Aborted] {
            let (target, _) = after(CANARY, state);
            assert_eq!(target.quarantine, BTreeMap::new(), "{state:?}");
        }
    }

    #[test]
    fn an_image_that_was_superseded_is_not_quarantined() {
        let abort = |cause| Some(crate::deployment::Abort { cause, at: at(900) });
        let superseded = AbortCause::Superseded {
            by: None,
            digest: "222222222222".to_owned(),
        };
        for (cause, quarantined) in [(superseded, false), (AbortCause::TimedOut, true)] {
            let (mut target, mut deployment) = running(CANARY);
            deployment.abort = abort(cause);
            target.release(&deployment, &exit(ExitState::RolledBack, 1000));
            assert_eq!(target.quarantine.contains_key(&digest("1")), quarantined);
        }
    }

    #[test]
    fn a_failed_forward_deployment_leaves_what_serves_as_it_was() {
        let (mut target, _) = after(CANARY, ExitState::Completed);
        let stable = target.stable.clone();
        for state in [ExitState::Blocked, ExitState::Aborted, ExitState::RolledBack] {
            let second = Deployment::new(request(CANARY), at(1100));
            target.release(&second, &exit(state, 1200));
            assert_eq!(target.stable, stable, "{state:?}");
        }
        let second = Deployment::new(request(CANARY), at(1300));
        target.release(&second, &exit(ExitState::RollbackFailed, 1400));
        let left_alone = stable.map(|stable| StableRecord {
            other_scaled_in: true,
            ..stable
        });
        assert_eq!(target.stable, left_alone);
    }
}

mod reversal {
    use super::*;

    #[test]
    fn what_serves_is_taken_back_under_a_new_epoch() {
        let (mut target, completed) = after(CANARY, ExitState::Completed);
        let request = target.reverse(&completed, by_maria(), at(1100)).unwrap();
        let expected = Request {
            id: "web-production-2-back-11111111".parse().unwrap(),
            target: completed.target.clone(),
            kind: Kind::Reversal { of: completed.id },
            epoch: Epoch(2),
            revision: completed.revision,
            spec: completed.spec,
            origin: by_maria(),
            overrides: Vec::new(),
        };
        assert_eq!(request, expected);
        let lock = Lock {
            deployment: request.id,
            epoch: Epoch(2),
            since: at(1100),
        };
        assert_eq!(target.lock, Some(lock));
    }

    #[test]
    fn a_reversal_that_went_well_leaves_nothing_that_tidegate_brought() {
        let (mut target, completed) = after(CANARY, ExitState::Completed);
        let request = target.reverse(&completed, by_maria(), at(1100)).unwrap();
        let reversal = Deployment::new(request, at(1100));
        for (state, left) in [(ExitState::RollbackFailed, true), (ExitState::RolledBack, false)] {
            target.release(&reversal, &exit(state, 1200));
            assert_eq!(target.stable.is_some(), left, "{state:?}");
            assert!(target.quarantine.contains_key(&digest("1")), "{state:?}");
        }
    }

    #[test]
    fn nothing_is_taken_back_while_a_deployment_runs() {
        let (mut target, completed) = after(CANARY, ExitState::Completed);
        let running = started(target.admit(push("2", 11), at(1100)));
        let before = target.clone();
        let refused = target.reverse(&completed, by_maria(), at(1110));
        assert_eq!(refused, Err(ReversalRefusal::Busy(running.id)));
        assert_eq!(target, before);
    }

    #[test]
    fn only_what_serves_can_be_taken_back() {
        let (mut target, completed) = after(CANARY, ExitState::Completed);
        let mut older = completed.clone();
        older.id = "web-production-0".parse().unwrap();
        let refused = |id: &DeploymentId| Err(ReversalRefusal::NotStable(id.clone()));
        assert_eq!(target.reverse(&older, by_maria(), at(1100)), refused(&older.id));
        target.stable = None;
        assert_eq!(
            target.reverse(&completed, by_maria(), at(1100)),
            refused(&completed.id)
        );
        assert_eq!(target.lock, None);
    }

    #[test]
    fn the_window_is_over_at_its_last_instant() {
        let (target, completed) = after(CANARY, ExitState::Completed);
        let over = target.stable.as_ref().unwrap().warm_until;
        let reverse = |now| target.clone().reverse(&completed, by_maria(), now);
        assert!(reverse(later(over, -1)).is_ok());
        for late in [over, later(over, 1)] {
            assert_eq!(reverse(late), Err(ReversalRefusal::WindowOver(over)));
        }
    }

    /// Found by exploration (bluegreen-with-checks): the sweep's stop came late, and the clock of whoever took
    /// the deployment back was two minutes slow, so that traffic went to tasks that were then stopped.
    #[test]
    fn the_window_is_over_once_the_old_tasks_are_being_stopped_whatever_the_clock_says() {
        let (mut target, completed) = after(CANARY, ExitState::Completed);
        let over = target.stable.as_ref().unwrap().warm_until;
        target.tidying_until = Some(later(over, 75));
        let early = target.clone().reverse(&completed, by_maria(), later(over, -60));
        assert_eq!(early, Err(ReversalRefusal::WindowOver(over)));
        // What was marked before this deployment completed says nothing of its window.
        target.tidying_until = Some(at(1000));
        assert!(target.reverse(&completed, by_maria(), later(over, -60)).is_ok());
    }

    #[test]
    fn a_first_deployment_has_nothing_before_it_to_go_back_to() {
        let (mut target, mut completed) = after(CANARY, ExitState::Completed);
        let nothing = Err(ReversalRefusal::NothingBefore(completed.id.clone()));
        completed.plan.as_mut().unwrap().stable = None;
        assert_eq!(target.reverse(&completed, by_maria(), at(1100)), nothing);
        completed.plan = None;
        assert_eq!(target.reverse(&completed, by_maria(), at(1100)), nothing);
        assert_eq!((target.lock, target.epoch), (None, Epoch(1)));
    }
}

#[test]
fn refusals_tell_what_to_do_next() {
    let held = Refusal::Quarantined {
        digest: digest("1"),
        at: at(0),
        reason: "it failed".to_owned(),
    };
    let text = held.to_string();
    assert!(
        text.contains("in quarantine since 2026-11-20T09:00:00Z: it failed"),
        "{text}"
    );
    assert!(text.contains("--override quarantine"), "{text}");
}
