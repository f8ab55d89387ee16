//! What completed deployments cost by the bill, once their watch is over.

use jiff::Timestamp;
use tidegate_aws::billing;
use tidegate_aws::store::Loaded;
use tidegate_core::cost::{CostCompared, CostRead, CostWatch, compare, days_of};
use tidegate_core::deployment::Deployment;
use tidegate_core::event::Event;
use tidegate_core::target::TargetState;
use tidegate_lambda::FunctionError;

use super::{Output, Sweep};

impl Sweep {
    /// Asks for the costs that are due, and says whether something was written.
    pub(super) async fn compare_costs(
        &self,
        held: &Loaded<TargetState>,
        output: &mut Output,
    ) -> Result<bool, FunctionError> {
        let now = self.opener.clock.now();
        for (index, watch) in held.value.costs.iter().enumerate() {
            let replaced = held.value.came_after(&watch.deployment);
            if replaced.is_none() && now < watch.due_at {
                continue;
            }
            let Some(deployment) = self.opener.store.deployment(&watch.deployment).await? else {
                continue;
            };
            let asked = watch.asked + 1;
            let compared = match replaced {
                Some(by) => CostCompared::replaced(by.clone()),
                None => self.ask_bill(&deployment, watch.completed_at, asked, now).await,
            };
            let next = CostWatch::next(&deployment, watch.completed_at, &compared, asked, now);
            let compared = Box::new(compared);
            let event = Event::CostCompared { compared };
            output
                .findings
                .push(format!("{}: {}", deployment.id, event.describe()));
            let keep = move |state: &mut TargetState| {
                state.costs.remove(index);
                state.costs.extend(next);
            };
            return self.write(held, deployment, vec![event], keep).await;
        }
        Ok(false)
    }

    /// What a deployment whose watch is over costs, where its file asks, and whether to ask again.
    pub(super) async fn first_bill(
        &self,
        deployment: &Deployment,
        completed_at: Timestamp,
        now: Timestamp,
    ) -> Option<(CostCompared, Option<CostWatch>)> {
        deployment.spec.explorer()?;
        let compared = self.ask_bill(deployment, completed_at, 1, now).await;
        let next = CostWatch::next(deployment, completed_at, &compared, 1, now);
        Some((compared, next))
    }

    async fn ask_bill(
        &self,
        deployment: &Deployment,
        completed_at: Timestamp,
        asked: u32,
        now: Timestamp,
    ) -> CostCompared {
        let read = match deployment.spec.explorer() {
            Some(explorer) => {
                let days = days_of(deployment, completed_at, now);
                billing::read(self.ce.get(), explorer, days).await
            }
            None => CostRead::default(),
        };
        compare(deployment, completed_at, read, asked, now)
    }
}
