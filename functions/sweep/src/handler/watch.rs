//! Completed deployments that are watched: their alarms, and how they went.

use tidegate_aws::store::{Commit, Loaded, StoreError};
use tidegate_aws::{executions, observe};
use tidegate_core::deployment::{Deployment, Origin};
use tidegate_core::event::Event;
use tidegate_core::journal;
use tidegate_core::observation::Alarm;
use tidegate_core::spec::OnAlarm;
use tidegate_core::target::{ReversalRefusal, TargetState};
use tidegate_core::watch::{End, Figures, Trend, Watching, cause_of, compared_from};
use tidegate_lambda::FunctionError;
use tidegate_lambda::open::{ExecutionInput, store_new};

use super::{Output, Sweep};

impl Sweep {
    /// Looks after the watches of a target that nobody holds, and says whether it wrote something: then
    /// the target is not as it was read any more.
    pub(super) async fn watch(
        &self,
        held: &Loaded<TargetState>,
        output: &mut Output,
    ) -> Result<bool, FunctionError> {
        for (index, watching) in held.value.watching.iter().enumerate() {
            let Some(deployment) = self.opener.store.deployment(&watching.deployment).await? else {
                continue;
            };
            let now = self.opener.clock.now();
            let wrote = match watching.end(&held.value, now) {
                Some(end) => self.end_watch(held, index, deployment, end, output).await?,
                None => self.look_at_watched(held, index, deployment, output).await?,
            };
            if wrote {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn look_at_watched(
        &self,
        held: &Loaded<TargetState>,
        index: usize,
        deployment: Deployment,
        output: &mut Output,
    ) -> Result<bool, FunctionError> {
        let (Some(watching), Some(plan)) = (held.value.watching.get(index), &deployment.plan) else {
            return Ok(false);
        };
        let since = watching.since(&held.value);
        let alarms = observe::alarms_since(&self.cloudwatch, &plan.alarms, since).await?;
        let Some(alarm) = watching.alarm(&deployment, &alarms, since) else {
            return Ok(false);
        };
        output.findings.push(format!(
            "{}: alarm {} fired while it is watched",
            deployment.id, alarm.name
        ));
        let remedy = match watching.acts(&held.value) {
            OnAlarm::Rollback => match self.take_back(held, &deployment, alarm).await? {
                Taken::Back | Taken::Later => return Ok(true),
                Taken::Not(why) => format!("it was not taken back: {why}"),
            },
            OnAlarm::Tell => remedy(&held.value, &deployment),
        };
        let told = Event::WatchAlarmed {
            alarm: alarm.name.clone(),
            fired_at: alarm.fired_at,
            reason: alarm.reason.clone(),
            remedy,
        };
        let name = alarm.name.clone();
        self.write(held, deployment, vec![told], |state| {
            if let Some(watching) = state.watching.get_mut(index) {
                watching.told.insert(name);
                watching.wrote_at = Some(self.opener.clock.now());
            }
        })
        .await
    }

    /// Opens the deployment that takes the watched one back, and starts it. Whoever dies in between leaves
    /// one that the next sweep rescues.
    async fn take_back(
        &self,
        held: &Loaded<TargetState>,
        completed: &Deployment,
        alarm: &Alarm,
    ) -> Result<Taken, FunctionError> {
        let now = self.opener.clock.now();
        let cause = cause_of(alarm);
        let mut target = held.clone();
        let origin = Origin::Watch {
            alarm: alarm.name.clone(),
        };
        let request = match target.value.reverse(completed, origin, now) {
            Ok(request) => request,
            // What is in the way now is gone at a later sweep.
            Err(ReversalRefusal::Busy(_) | ReversalRefusal::Resting(_)) => return Ok(Taken::Later),
            Err(
                refusal @ (ReversalRefusal::NotStable(_)
                | ReversalRefusal::WindowOver(_)
                | ReversalRefusal::Contracted { .. }
                | ReversalRefusal::NothingBefore(_)),
            ) => return Ok(Taken::Not(refusal.to_string())),
        };
        let (id, events) = (request.id.clone(), completed.reversal(cause.clone()));
        match store_new(&self.opener.store, &target, request, events, None, "sweep", now).await {
            Ok(_) => {}
            Err(StoreError::Conflict { .. }) => return Ok(Taken::Later),
            Err(error) => return Err(error.into()),
        }
        let input = ExecutionInput::back(id.clone(), "AlarmRaised", &cause.describe()).to_json();
        executions::start(&self.opener.sfn, &self.rollback_machine, id.as_str(), &input).await?;
        Ok(Taken::Back)
    }

    async fn end_watch(
        &self,
        held: &Loaded<TargetState>,
        index: usize,
        deployment: Deployment,
        end: End,
        output: &mut Output,
    ) -> Result<bool, FunctionError> {
        let Some(watching) = held.value.watching.get(index) else {
            return Ok(false);
        };
        let now = self.opener.clock.now();
        let (event, bill) = match end {
            End::Over => {
                let trend = self.trend(watching, &deployment).await?;
                let replaced_by = None;
                let bill = self.first_bill(&deployment, watching.from, now).await;
                (Event::WatchEnded { trend, replaced_by }, bill)
            }
            End::Replaced(by) => {
                let replaced_by = Some(by);
                let trend = None;
                (Event::WatchEnded { trend, replaced_by }, None)
            }
        };
        let (compared, next) = bill.unzip();
        let compared = compared.map(Box::new);
        let compared = compared.map(|compared| Event::CostCompared { compared });
        let events: Vec<Event> = std::iter::once(event).chain(compared).collect();
        for event in &events {
            output
                .findings
                .push(format!("{}: {}", deployment.id, event.describe()));
        }
        self.write(held, deployment, events, |state| {
            state.watching.remove(index);
            state.costs.extend(next.flatten());
        })
        .await
    }

    /// The watched time against the time before it.
    async fn trend(
        &self,
        watching: &Watching,
        deployment: &Deployment,
    ) -> Result<Option<Trend>, FunctionError> {
        let Some(plan) = deployment
            .plan
            .as_ref()
            .filter(|plan| plan.wiring.balancer.is_some())
        else {
            return Ok(None);
        };
        let journal = self
            .opener
            .store
            .whole(&deployment.id)
            .await?
            .map(|whole| whole.journal);
        let before = compared_from(&journal.unwrap_or_default(), watching.from).unwrap_or(watching.from);
        let (wiring, until) = (&plan.wiring, watching.until);
        let samples = observe::samples(&self.cloudwatch, wiring, &deployment.spec, before, until).await?;
        let minutes = samples.get(&plan.candidate).map_or(&[][..], Vec::as_slice);
        Ok(Some(Trend {
            before: Figures::of(minutes, before, watching.from),
            during: Figures::of(minutes, watching.from, until),
        }))
    }

    /// Writes what was seen into the deployment's journal together with what it means for the target; a
    /// target that somebody has written meanwhile is looked at again by the next sweep.
    pub(super) async fn write(
        &self,
        held: &Loaded<TargetState>,
        mut deployment: Deployment,
        events: Vec<Event>,
        change: impl FnOnce(&mut TargetState),
    ) -> Result<bool, FunctionError> {
        let now = self.opener.clock.now();
        let entries = journal::append(&mut deployment, events, "sweep", now);
        let mut target = held.clone();
        change(&mut target.value);
        let commit = Commit::new().deployment(&deployment, &entries).target(&target);
        match self.opener.store.commit(commit).await {
            Ok(()) | Err(StoreError::Conflict { .. }) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }
}

/// What became of the wish to take a deployment back.
enum Taken {
    /// It is on its way back.
    Back,
    /// Something is in the way for now.
    Later,
    /// It can't be.
    Not(String),
}

/// What a person can do about an alarm.
fn remedy(state: &TargetState, deployment: &Deployment) -> String {
    let id = &deployment.id;
    match &state.stable {
        Some(stable) => format!(
            "take it back with `tidegate rollback {id}` until {:.0}",
            stable.warm_until
        ),
        None => format!("look at it with `tidegate get {id}`"),
    }
}
