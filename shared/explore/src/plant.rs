//! Deliberate breaks, one or more for each invariant, and the published bugs of other tools as naive
//! variants of ours. A check that cannot fail is a defect: for each of these the checker must find a
//! run that breaks, and the same run without the break must be clean.

use std::fmt;
use std::str::FromStr;

/// A deliberate break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Plant {
    /// A push starts a deployment although one runs.
    AdmitsWhileLocked,
    /// Raising sets the candidate's weight and leaves stable's.
    SharesMoreThanAll,
    /// Stable is scaled in as soon as the candidate has everything.
    ScalesStableInEarly,
    /// The sweep's late call stops the tasks of a deployment that began meanwhile.
    ScalesInLate,
    /// Weight is raised without counting healthy targets.
    RaisesWithoutHealth,
    /// Functions write without the fence and without the version that they read.
    WritesUnconditionally,
    /// The rollback does not read the weights back after the quiesce time.
    DoesNotReassert,
    /// The rollback does not wait out old functions.
    DoesNotQuiesce,
    /// How long old functions are waited out is told by the clock of one function to another.
    QuiescesByItsClock,
    /// The sweep rescues nobody.
    RescuesNobody,
    /// Nobody listens to alarms, neither events nor phases nor the sweep.
    IgnoresAlarms,
    /// Alarms are listened to only through their event.
    TrustsAlarmEvents,
    /// Alarms are looked at as they are: one that has cleared again, and whose event was lost, is missed.
    ForgetsClearedAlarms,
    /// An alarm that fires already at the start is not looked at.
    StartsUnderAlarm,
    /// A window without data counts as a pass.
    PassesMissingData,
    /// A window that failed counts as a pass as long as no limit is exceeded.
    PassesOnErrors,
    /// A bake that is over before anything was measured counts as a pass.
    BakesUnmeasured,
    /// The rollback restores weights but not stickiness.
    RestoresWeightsOnly,
    /// The rollback scales the candidate in and leaves the weights.
    AbortLeavesWeights,
    /// The rollback leaves the candidate a share for the tasks that it keeps.
    AbortKeepsAFloor,
    /// The last weight counts as reached once it was asked for, and the tidying goes by that.
    CompletesUnconverged,
    /// The rollback goes by the weight that it believes in.
    BelievesItsWeights,
    /// The rollback returns to what the slot of the candidate held.
    ReturnsToCandidate,
    /// The tag is looked up again when the task definition is registered.
    RegistersByTag,
    /// Approvals count after they have expired, and for any plan.
    ApprovalsBindNothing,
    /// Authors may approve their own changes, and one person counts twice.
    AuthorsApprove,
    /// A refusal is written down, and the deployment goes on.
    RefusalStopsNothing,
    /// Older and repeated pushes are taken.
    TakesOlderPushes,
    /// Counters of the analysis survive into the next bake.
    KeepsCounters,
    /// Journal and head are two writes; the first may be lost.
    JournalsApart,
    /// Nobody is told how it ended.
    TellsNobody,
    /// A rollback's end does not free the target.
    KeepsTheLock,
    /// A first deployment that fails is said to be rolled back.
    RollsBackToNothing,
    /// Freezes are not looked at.
    IgnoresFreezes,
    /// The smoke test is not run.
    SkipsSmoke,
    /// Rolled back images are not quarantined.
    ForgetsQuarantine,
    /// A change that was begun is begun again: nothing tells its tasks apart.
    MigratesAgain,
    /// A rollback writes down that changes are undone, and undoes none.
    UndoesOnPaper,
    /// What is applied is found by the name of the stack, not by what was approved.
    AppliesAnother,
    /// A parameter that shall be put back is said to be, and never written.
    BelievesItsUndo,
    /// Flags that shall be brought back are said to be, and AppConfig is never asked to.
    BelievesFlagsAreBack,
    /// An index that shall be removed again is said to be, and DynamoDB is never asked to.
    LeavesTheIndex,
    /// An index that a deployment has found there is removed with it.
    TakesAwayWhatWasThere,
    /// Dashboards and alarms that shall be brought back are said to be, and CloudWatch is never asked to.
    LeavesTheDashboard,
    /// The alarm of a test is said to be deleted, and is not.
    LeavesTheTestAlarm,
    /// What a migration has written is kept as it is, with the password in it.
    KeepsWhatIsWritten,
    /// A task token that was lost is waited for without a time limit.
    LostTokenHangs,
    /// A queued push is never started.
    QueueWedges,
    /// What a newer push replaces is left where it is, neither rolled back nor ended.
    SupersededStays,
}

/// A bug that another tool has published, and the break that is its naive variant here.
#[derive(Debug, Clone, Copy)]
pub struct Published {
    /// Where it is published.
    pub reference: &'static str,
    /// What goes wrong.
    pub what: &'static str,
    /// Our naive variant.
    pub naive: Plant,
}

/// The published bugs of this family, each with a naive variant of its own.
pub const PUBLISHED: [Published; 14] = [
    published(
        "argoproj/argo-rollouts#4841",
        "an abort leaves the canary the weight of its least number of pods, for ever",
        Plant::AbortKeepsAFloor,
    ),
    published(
        "pipe-cd/pipecd#5280",
        "a rollback restores the ECS service and leaves the listener rule at 80 and 20",
        Plant::AbortLeavesWeights,
    ),
    published(
        "argoproj/argo-rollouts#3333",
        "a rollout completes and scales the old version in while that still has the traffic",
        Plant::CompletesUnconverged,
    ),
    published(
        "argoproj/argo-rollouts#3926",
        "the weight that is believed decides, not the one that is there",
        Plant::BelievesItsWeights,
    ),
    published(
        "argoproj/argo-rollouts#4595",
        "a stale weight outlives the abort, because nobody reads it back",
        Plant::DoesNotReassert,
    ),
    published(
        "argoproj/argo-rollouts#1372",
        "a push in mid-canary is never rolled out",
        Plant::QueueWedges,
    ),
    published(
        "argoproj/argo-rollouts#3331",
        "a rollout that is superseded is not taken down, and both are stuck",
        Plant::SupersededStays,
    ),
    published(
        "fluxcd/flagger#1898",
        "the rollback sends all traffic to the broken copy",
        Plant::ReturnsToCandidate,
    ),
    published(
        "argoproj/argo-rollouts#4479",
        "an analysis whose measurements all failed or errored is successful",
        Plant::PassesOnErrors,
    ),
    published(
        "argoproj/argo-rollouts#4393",
        "an analysis passes before any data came",
        Plant::BakesUnmeasured,
    ),
    published(
        "pipe-cd/pipecd#3663",
        "a comparison of two empty samples passes",
        Plant::PassesMissingData,
    ),
    published(
        "Amazon ECS deployment alarms",
        "alarms that fire already are ignored",
        Plant::StartsUnderAlarm,
    ),
    published(
        "Powertools idempotency",
        "a zombie's completion overwrites its successor",
        Plant::WritesUnconditionally,
    ),
    published(
        "Step Functions callbacks",
        "a lost task token hangs for ever",
        Plant::LostTokenHangs,
    ),
];

const fn published(reference: &'static str, what: &'static str, naive: Plant) -> Published {
    Published {
        reference,
        what,
        naive,
    }
}

/// How many invariants there are.
pub const INVARIANTS: u8 = 29;

/// The table of invariants, each with the breaks that it must find.
pub fn by_invariant() -> impl Iterator<Item = (u8, Vec<Plant>)> {
    (1..=INVARIANTS).map(|invariant| {
        let of_it = |plant: &Plant| plant.invariant() == invariant;
        (invariant, Plant::ALL.into_iter().filter(of_it).collect())
    })
}

/// No break of this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no break called {0:?}; `plants` lists them")]
pub struct UnknownPlant(String);

impl FromStr for Plant {
    type Err = UnknownPlant;

    fn from_str(name: &str) -> Result<Self, UnknownPlant> {
        let named = |plant: &Self| plant.to_string() == name;
        let found = Self::ALL.into_iter().find(named);
        found.ok_or_else(|| UnknownPlant(name.to_owned()))
    }
}

impl fmt::Display for Plant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl Plant {
    /// Every break.
    pub const ALL: [Self; 49] = [
        Self::AdmitsWhileLocked,
        Self::SharesMoreThanAll,
        Self::ScalesStableInEarly,
        Self::ScalesInLate,
        Self::RaisesWithoutHealth,
        Self::WritesUnconditionally,
        Self::DoesNotReassert,
        Self::DoesNotQuiesce,
        Self::QuiescesByItsClock,
        Self::RescuesNobody,
        Self::IgnoresAlarms,
        Self::TrustsAlarmEvents,
        Self::ForgetsClearedAlarms,
        Self::StartsUnderAlarm,
        Self::PassesMissingData,
        Self::PassesOnErrors,
        Self::BakesUnmeasured,
        Self::RestoresWeightsOnly,
        Self::AbortLeavesWeights,
        Self::AbortKeepsAFloor,
        Self::CompletesUnconverged,
        Self::BelievesItsWeights,
        Self::ReturnsToCandidate,
        Self::RegistersByTag,
        Self::ApprovalsBindNothing,
        Self::AuthorsApprove,
        Self::RefusalStopsNothing,
        Self::TakesOlderPushes,
        Self::KeepsCounters,
        Self::JournalsApart,
        Self::TellsNobody,
        Self::KeepsTheLock,
        Self::RollsBackToNothing,
        Self::IgnoresFreezes,
        Self::SkipsSmoke,
        Self::ForgetsQuarantine,
        Self::MigratesAgain,
        Self::UndoesOnPaper,
        Self::AppliesAnother,
        Self::BelievesItsUndo,
        Self::BelievesFlagsAreBack,
        Self::LeavesTheIndex,
        Self::TakesAwayWhatWasThere,
        Self::LeavesTheDashboard,
        Self::LeavesTheTestAlarm,
        Self::KeepsWhatIsWritten,
        Self::LostTokenHangs,
        Self::QueueWedges,
        Self::SupersededStays,
    ];

    /// The invariant that it breaks first of all.
    pub const fn invariant(self) -> u8 {
        match self {
            Self::AdmitsWhileLocked => 1,
            Self::SharesMoreThanAll => 2,
            Self::ScalesStableInEarly | Self::ScalesInLate | Self::CompletesUnconverged => 3,
            Self::RaisesWithoutHealth => 4,
            Self::WritesUnconditionally => 5,
            Self::DoesNotReassert
            | Self::DoesNotQuiesce
            | Self::QuiescesByItsClock
            | Self::AbortLeavesWeights
            | Self::AbortKeepsAFloor
            | Self::BelievesItsWeights
            | Self::ReturnsToCandidate => 6,
            Self::LostTokenHangs | Self::SupersededStays => 7,
            Self::IgnoresAlarms | Self::TrustsAlarmEvents | Self::ForgetsClearedAlarms => 8,
            Self::StartsUnderAlarm => 9,
            Self::PassesMissingData | Self::PassesOnErrors | Self::BakesUnmeasured => 10,
            Self::RestoresWeightsOnly => 11,
            Self::RegistersByTag => 12,
            Self::ApprovalsBindNothing => 13,
            Self::AuthorsApprove => 14,
            Self::RefusalStopsNothing => 15,
            Self::TakesOlderPushes => 16,
            Self::KeepsCounters => 17,
            Self::JournalsApart => 18,
            Self::TellsNobody => 19,
            Self::KeepsTheLock | Self::RescuesNobody | Self::QueueWedges => 20,
            Self::RollsBackToNothing => 21,
            Self::IgnoresFreezes => 22,
            Self::SkipsSmoke => 23,
            Self::ForgetsQuarantine => 24,
            Self::MigratesAgain => 25,
            Self::UndoesOnPaper | Self::LeavesTheTestAlarm => 26,
            Self::AppliesAnother => 27,
            Self::BelievesItsUndo
            | Self::BelievesFlagsAreBack
            | Self::LeavesTheIndex
            | Self::TakesAwayWhatWasThere
            | Self::LeavesTheDashboard => 28,
            Self::KeepsWhatIsWritten => 29,
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_invariant_has_a_break_that_it_must_find() {
        let table: Vec<_> = by_invariant().collect();
        assert_eq!(table.len(), usize::from(INVARIANTS));
        for (invariant, plants) in &table {
            assert!(!plants.is_empty(), "invariant {invariant}");
        }
        let listed: usize = table.iter().map(|(_, plants)| plants.len()).sum();
        assert_eq!(listed, Plant::ALL.len());
    }

    #[test]
    fn every_published_bug_has_a_naive_variant_of_its_own() {
        let variants: BTreeSet<Plant> = PUBLISHED.iter().map(|one| one.naive).collect();
        assert_eq!(variants.len(), PUBLISHED.len());
        assert!(variants.len() >= 12);
        let references: BTreeSet<&str> = PUBLISHED.iter().map(|one| one.reference).collect();
        assert_eq!(references.len(), PUBLISHED.len());
    }

    #[test]
    fn a_break_is_found_by_its_name_and_no_name_is_taken_twice() {
        for plant in Plant::ALL {
            assert_eq!(plant.to_string().parse::<Plant>().unwrap(), plant);
        }
        let all: BTreeSet<Plant> = Plant::ALL.into_iter().collect();
        assert_eq!(all.len(), Plant::ALL.len());
        assert!("Nothing".parse::<Plant>().is_err());
    }
}
