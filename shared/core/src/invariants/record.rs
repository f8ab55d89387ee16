//! Locks, exits, journals and messages: invariants 1, 7, 18, 19 and 20.

use crate::decision::QUIESCE_SECONDS;
use crate::deployment::{Deployment, Request};
use crate::event::Event;
use crate::journal::{self, Entry};
use crate::messages::MessageId;

use super::limits::{NOTICE_BOUND_SECONDS, ORPHAN_BOUND_SECONDS};
use super::view::{Record, View, seconds_between};

/// 1. At most one active deployment per target.
///
/// Sees heads at this instant, and the whole past through the times of first and last entries. Two
/// that overlapped for less than the clock's resolution stay unseen.
pub(super) fn one_active(view: &View) -> Vec<String> {
    let active: Vec<&Record> = view
        .deployments
        .iter()
        .filter(|record| record.deployment.active())
        .collect();
    let mut found = Vec::new();
    if active.len() > 1 {
        let ids: Vec<&str> = active.iter().map(|r| r.deployment.id.as_str()).collect();
        found.push(format!("{} are active together", ids.join(" and ")));
    }
    for one in &active {
        let holds = view
            .target
            .lock
            .as_ref()
            .is_some_and(|lock| lock.deployment == one.deployment.id);
        if !holds {
            found.push(one.says("it is active but does not hold the target"));
        }
    }
    for pair in view.deployments.windows(2) {
        let [before, after] = pair else { continue };
        let ended = before.exited_at();
        if ended.is_some_and(|ended| after.deployment.requested_at < ended) {
            found.push(after.says("it began before the one before it had ended"));
        }
    }
    found
}

/// 7. Every execution ends, and every deployment reaches exactly one exit state; exit states are final.
///
/// Sees exits in the journal and on the head. That an execution will end can't be seen before it
/// has: once the view is over, every execution has ended and every deployment has its exit.
pub(super) fn one_exit(view: &View) -> Vec<String> {
    let mut found = Vec::new();
    for record in &view.deployments {
        let exits = record
            .journal
            .iter()
            .filter(|entry| matches!(entry.event, Event::Exited { .. }))
            .count();
        if exits > 1 {
            found.push(record.says(format!("it ended {exits} times")));
        }
        let after = record.after(|event| matches!(event, Event::Exited { .. }));
        // What is seen of a completed deployment while it is watched changes nothing of its end.
        let seen = |entry: &Entry| {
            matches!(
                entry.event,
                Event::WatchAlarmed { .. }
                    | Event::WatchEnded { .. }
                    | Event::CostCompared { .. }
                    | Event::ContractScheduled { .. }
                    | Event::ContractDropped { .. }
            )
        };
        if !after.iter().all(seen) {
            found.push(record.says("something was written after its end"));
        }
        if (exits == 1) != record.deployment.exit.is_some() {
            found.push(record.says("its head and its journal disagree about its end"));
        }
        if view.over && record.deployment.exit.is_none() {
            found.push(record.says("it never ended"));
        }
        if view.over
            && record
                .executions
                .iter()
                .any(|execution| execution.ended.is_none())
        {
            found.push(record.says("an execution of it never ended"));
        }
    }
    found
}

/// 18. Every journal entry commits together with the state that it explains; sequence numbers have
///     no gaps; the hash chain verifies.
///
/// Sees the stored entries and the stored head: the chain is verified up to the head, and the head
/// must be what the entries fold to. A write that was lost together with its entry leaves no trace.
pub(super) fn journal_explains_state(view: &View) -> Vec<String> {
    let mut found = Vec::new();
    for record in &view.deployments {
        if let Err(broken) = journal::verify_with_head(&record.deployment, &record.journal) {
            found.push(record.says(broken));
        } else if folded(record).is_none_or(|folded| folded != record.deployment) {
            found.push(record.says("its head is not what its journal folds to"));
        }
    }
    found
}

/// The head as its journal tells it.
fn folded(record: &Record) -> Option<Deployment> {
    let first = record.journal.first()?;
    let Event::DeploymentRequested {
        revision,
        origin,
        epoch,
        overrides,
    } = &first.event
    else {
        return None;
    };
    let head = &record.deployment;
    let request = Request {
        id: head.id.clone(),
        target: head.target.clone(),
        kind: head.kind.clone(),
        epoch: *epoch,
        revision: revision.clone(),
        spec: head.spec.clone(),
        origin: origin.clone(),
        overrides: overrides.clone(),
    };
    let mut folded = Deployment::new(request, first.at);
    for entry in &record.journal {
        folded.apply(&entry.event, entry.at);
        folded.seq = entry.seq;
        folded.journal_head.clone_from(&entry.hash);
    }
    Some(folded)
}

/// 19. Every exit state is notified at least once, under one id that receivers can dedupe on.
///
/// Sees what SNS took, by the message's id. Whether a subscriber read it can't be seen.
pub(super) fn exits_are_told(view: &View) -> Vec<String> {
    let mut found = Vec::new();
    for record in &view.deployments {
        for entry in &record.journal {
            let late = view.over || seconds_between(entry.at, view.now) > NOTICE_BOUND_SECONDS;
            let told = view.notices.contains(MessageId::of(entry).as_str());
            if matches!(entry.event, Event::Exited { .. }) && late && !told {
                found.push(record.says("nobody was told how it ended"));
            }
        }
    }
    found
}

/// 20. A lock is freed within a bound after its execution ends, however it ended; takeover raises
///     the epoch.
///
/// Sees when executions began and ended: a holder of the lock has one that runs, or had one within
/// the bound; and whether a push that waited for the lock got it. Epochs are those of the journals and
/// of the target's record.
pub(super) fn locks_are_freed(view: &View) -> Vec<String> {
    let mut found: Vec<String> = waits_for_nothing(view).into_iter().collect();
    if let Some(lock) = &view.target.lock {
        match view
            .deployments
            .iter()
            .find(|r| r.deployment.id == lock.deployment)
        {
            None => found.push(format!("{} holds the target but does not exist", lock.deployment)),
            Some(holder) if holder.deployment.exit.is_some() => {
                found.push(holder.says("it has ended and still holds the target"));
            }
            Some(holder) => {
                let idle = idle_seconds(holder, view);
                if idle > ORPHAN_BOUND_SECONDS {
                    found.push(holder.says(format!("nothing has run for it for {idle} s")));
                }
            }
        }
    }
    let mut newest = 0;
    for record in &view.deployments {
        for entry in &record.journal {
            let (Event::DeploymentRequested { epoch: taken, .. }
            | Event::RollbackStarted { epoch: taken, .. }) = &entry.event
            else {
                continue;
            };
            if taken.0 <= newest {
                found.push(record.says(format!("epoch {taken} was taken again")));
            }
            newest = newest.max(taken.0);
        }
    }
    if view.target.epoch.0 < newest {
        found.push(format!("the target's epoch {} is behind", view.target.epoch));
    }
    found
}

/// A push that waits although nothing is left that it could wait for: no deployment holds the target,
/// and the functions of the last one are waited out. Nothing can begin to wait after that.
fn waits_for_nothing(view: &View) -> Option<String> {
    let push = view.target.queue.as_ref()?;
    let last = view.deployments.iter().filter_map(Record::exited_at).max();
    let free = view.target.lock.is_none();
    let idle = last.map_or(0, |last| seconds_between(last, view.now) - QUIESCE_SECONDS);
    let forgotten = view.over || (free && idle > ORPHAN_BOUND_SECONDS);
    forgotten.then(|| format!("the push of {} waits, and nothing starts it", push.digest.short()))
}

/// Seconds for which no execution has run for a deployment.
fn idle_seconds(record: &Record, view: &View) -> i64 {
    let mut since = record.deployment.requested_at;
    for execution in &record.executions {
        match execution.ended {
            None => return 0,
            Some(ended) => since = since.max(ended),
        }
    }
    seconds_between(since, view.now)
}
