#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::deployment::Phase;
use crate::testing::{CANARY, at, requested};

/// A deployment with three entries: the first alone, the others together.
fn kept() -> (Deployment, Vec<Entry>) {
    let mut deployment = requested(CANARY);
    let waiting = |reason: &str| Event::Waiting {
        reason: reason.to_owned(),
    };
    let phase = Phase::Prepare;
    let mut entries = append(
        &mut deployment,
        vec![Event::PhaseEntered { phase }],
        "prepare",
        at(1),
    );
    let two = vec![waiting("tasks start"), waiting("a freeze holds")];
    entries.extend(append(&mut deployment, two, "shift", at(2)));
    (deployment, entries)
}

#[test]
fn entries_are_numbered_from_one_and_hold_who_when_and_what() {
    let (deployment, entries) = kept();
    let told: Vec<_> = entries
        .iter()
        .map(|entry| (entry.seq, entry.by.as_str(), entry.at, entry.epoch))
        .collect();
    let epoch = deployment.epoch;
    assert_eq!(
        told,
        [
            (1, "prepare", at(1), epoch),
            (2, "shift", at(2), epoch),
            (3, "shift", at(2), epoch)
        ]
    );
    assert!(entries.iter().all(|entry| entry.deployment == deployment.id));
    assert_eq!(
        entries[2].event,
        Event::Waiting {
            reason: "a freeze holds".to_owned()
        }
    );
}

#[test]
fn appending_folds_the_events_in_and_moves_the_head_to_the_last_entry() {
    let (deployment, entries) = kept();
    assert_eq!(deployment.phase, Phase::Prepare);
    assert_eq!(deployment.waiting_for, "a freeze holds");
    assert_eq!(deployment.seq, 3);
    assert_eq!(deployment.journal_head, entries[2].hash);
}

#[test]
fn appending_nothing_changes_nothing() {
    let (mut deployment, _) = kept();
    let before = deployment.clone();
    assert_eq!(append(&mut deployment, Vec::new(), "shift", at(3)), []);
    assert_eq!(deployment, before);
}

#[test]
fn an_entry_is_written_under_the_epoch_that_its_event_gives() {
    let (mut deployment, _) = kept();
    let epoch = deployment.epoch.next();
    let cause = crate::exit::AbortCause::TimedOut;
    let started = vec![Event::RollbackStarted { epoch, cause }];
    let entries = append(&mut deployment, started, "rollback", at(3));
    assert_eq!(entries[0].epoch, epoch);
}

#[test]
fn a_hash_is_that_of_the_entrys_json_with_an_empty_hash() {
    let (_, entries) = kept();
    let mut previous = String::new();
    for entry in entries {
        let bare = Entry {
            hash: String::new(),
            ..entry.clone()
        };
        let json = serde_json::to_vec(&bare).unwrap();
        assert_eq!(entry.hash, sha256_hex(&json));
        assert_eq!(entry.previous, previous);
        previous = entry.hash;
    }
}

#[test]
fn a_chain_as_it_was_kept_verifies_and_so_does_its_beginning() {
    let (deployment, entries) = kept();
    assert_eq!(verify(&deployment.id, &entries), Ok(()));
    assert_eq!(verify(&deployment.id, &entries[..2]), Ok(()));
    assert_eq!(verify(&deployment.id, &[]), Ok(()));
    assert_eq!(verify_with_head(&deployment, &entries), Ok(()));
    assert_eq!(verify_with_head(&requested(CANARY), &[]), Ok(()));
}

#[test]
fn an_entry_of_another_deployment_is_found() {
    let (deployment, entries) = kept();
    let other: DeploymentId = "web-production-8".parse().unwrap();
    let foreign = |seq, found: &DeploymentId| BrokenChain::Foreign {
        seq,
        found: found.clone(),
    };
    assert_eq!(verify(&other, &entries), Err(foreign(1, &deployment.id)));
    let mut mixed = entries;
    mixed[1].deployment = other.clone();
    assert_eq!(verify(&deployment.id, &mixed), Err(foreign(2, &other)));
    assert_eq!(
        foreign(2, &other).to_string(),
        "entry 2 belongs to deployment web-production-8"
    );
}

#[test]
fn a_missing_and_a_doubled_entry_are_found() {
    let (deployment, entries) = kept();
    let missing = [entries[0].clone(), entries[2].clone()];
    let gap = |expected, found| Err(BrokenChain::Gap { expected, found });
    assert_eq!(verify(&deployment.id, &missing), gap(2, 3));
    assert_eq!(verify(&deployment.id, &entries[1..]), gap(1, 2));
    let doubled = [entries[0].clone(), entries[0].clone()];
    assert_eq!(verify(&deployment.id, &doubled), gap(2, 1));
}

#[test]
fn an_entry_that_does_not_continue_the_one_before_is_found() {
    let (deployment, mut entries) = kept();
    entries[1].previous = sha256_hex(b"elsewhere");
    entries[1].hash = entries[1].content_hash();
    assert_eq!(
        verify(&deployment.id, &entries),
        Err(BrokenChain::Unlinked { seq: 2 })
    );
}

#[test]
fn a_changed_entry_is_found_whatever_was_changed() {
    let (deployment, entries) = kept();
    let changes: [fn(&mut Entry); 5] = [
        |entry| entry.at = at(7),
        |entry| entry.by.push('x'),
        |entry| entry.epoch = entry.epoch.next(),
        |entry| {
            entry.event = Event::Waiting {
                reason: String::new(),
            };
        },
        |entry| entry.hash = sha256_hex(b"elsewhere"),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut changed = entries.clone();
        change(&mut changed[1]);
        assert_eq!(
            verify(&deployment.id, &changed),
            Err(BrokenChain::Changed { seq: 2 }),
            "change {number}"
        );
    }
}

#[test]
fn the_head_shows_a_cut_off_end_and_a_replaced_one() {
    let (deployment, entries) = kept();
    let cut = |last| Err(BrokenChain::Cut { last, head: 3 });
    assert_eq!(verify_with_head(&deployment, &entries[..2]), cut(2));
    assert_eq!(verify_with_head(&deployment, &[]), cut(0));
    // As long as it should be, and whole in itself, but another history.
    let mut replaced = entries;
    replaced[2].by = "mallory".to_owned();
    replaced[2].hash = replaced[2].content_hash();
    assert_eq!(verify(&deployment.id, &replaced), Ok(()));
    assert_eq!(verify_with_head(&deployment, &replaced), cut(3));
}

#[test]
fn the_head_checks_the_entries_too() {
    let (deployment, mut entries) = kept();
    entries[2].by = "mallory".to_owned();
    assert_eq!(
        verify_with_head(&deployment, &entries),
        Err(BrokenChain::Changed { seq: 3 })
    );
}

#[test]
fn a_head_of_another_length_with_the_same_last_hash_is_found() {
    let (mut deployment, entries) = kept();
    deployment.seq = 4;
    assert_eq!(
        verify_with_head(&deployment, &entries),
        Err(BrokenChain::Cut { last: 3, head: 4 })
    );
}
