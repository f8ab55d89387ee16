//! Deliberate breaks, one or more for each invariant, and the published bugs of other tools as naive
//! variants of ours. A check that cannot fail is a defect: for each of these the checker must find a
//! run that breaks, and the same run without the break must be clean.

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
    /// The rollback restores weights but not stickiness.
    RestoresWeightsOnly,
    /// The rollback scales the candidate in and leaves the weights.
    AbortLeavesWeights,
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
    /// A task token that was lost is waited for without a time limit.
    LostTokenHangs,
    /// A queued push is never started.
    QueueWedges,
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

/// The published bugs of this family.
pub const PUBLISHED: [Published; 13] = [
    published(
        "argoproj/argo-rollouts#4841",
        "an abort leaves the weights mid-way",
        Plant::AbortLeavesWeights,
    ),
    published(
        "pipe-cd/pipecd#5280",
        "traffic stays on the canary after a cancel",
        Plant::AbortLeavesWeights,
    ),
    published(
        "argoproj/argo-rollouts#3333",
        "believed weights differ from real ones",
        Plant::BelievesItsWeights,
    ),
    published(
        "argoproj/argo-rollouts#3926",
        "weights are believed without being read back",
        Plant::BelievesItsWeights,
    ),
    published(
        "argoproj/argo-rollouts#4595",
        "a stale controller's weight outlives the abort",
        Plant::DoesNotReassert,
    ),
    published(
        "argoproj/argo-rollouts#1372",
        "a push in mid-rollout wedges it",
        Plant::QueueWedges,
    ),
    published(
        "argoproj/argo-rollouts#3331",
        "a rollout stays locked after being replaced",
        Plant::KeepsTheLock,
    ),
    published(
        "fluxcd/flagger#1898",
        "the rollback goes towards the broken copy",
        Plant::ReturnsToCandidate,
    ),
    published(
        "argoproj/argo-rollouts#4479",
        "analysis passes on missing data",
        Plant::PassesMissingData,
    ),
    published(
        "argoproj/argo-rollouts#4393",
        "analysis passes before any data came",
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

impl Plant {
    /// Every break.
    pub const ALL: [Self; 34] = [
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
        Self::RestoresWeightsOnly,
        Self::AbortLeavesWeights,
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
        Self::LostTokenHangs,
        Self::QueueWedges,
    ];

    /// The invariant that it breaks first of all.
    pub const fn invariant(self) -> u8 {
        match self {
            Self::AdmitsWhileLocked => 1,
            Self::SharesMoreThanAll => 2,
            Self::ScalesStableInEarly | Self::ScalesInLate => 3,
            Self::RaisesWithoutHealth => 4,
            Self::WritesUnconditionally => 5,
            Self::DoesNotReassert
            | Self::DoesNotQuiesce
            | Self::QuiescesByItsClock
            | Self::AbortLeavesWeights
            | Self::BelievesItsWeights
            | Self::ReturnsToCandidate => 6,
            Self::LostTokenHangs | Self::QueueWedges => 7,
            Self::IgnoresAlarms | Self::TrustsAlarmEvents | Self::ForgetsClearedAlarms => 8,
            Self::StartsUnderAlarm => 9,
            Self::PassesMissingData => 10,
            Self::RestoresWeightsOnly => 11,
            Self::RegistersByTag => 12,
            Self::ApprovalsBindNothing => 13,
            Self::AuthorsApprove => 14,
            Self::RefusalStopsNothing => 15,
            Self::TakesOlderPushes => 16,
            Self::KeepsCounters => 17,
            Self::JournalsApart => 18,
            Self::TellsNobody => 19,
            Self::KeepsTheLock | Self::RescuesNobody => 20,
            Self::RollsBackToNothing => 21,
            Self::IgnoresFreezes => 22,
            Self::SkipsSmoke => 23,
            Self::ForgetsQuarantine => 24,
        }
    }
}
