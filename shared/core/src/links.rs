//! Where people look at a target: addresses of AWS's console, as far as a deployment knows them.

use crate::change::{ChangeStage, Monitored};
use crate::deployment::Deployment;
use crate::permissions::place;
use crate::place::Place;

/// Where the target is, by its plan.
pub(crate) fn place_of(deployment: &Deployment) -> Option<Place> {
    deployment.plan.as_deref().and_then(place)
}

/// The dashboard that the file names, or the one that the deployment makes.
pub(crate) fn dashboard(deployment: &Deployment) -> Option<String> {
    let named = deployment.spec.notifications.dashboard.clone();
    let made = || Some(place_of(deployment)?.dashboard(dashboard_made(deployment)?.0));
    named.or_else(made)
}

/// The same, as far as it is there: one that was not made yet, or was taken back, leads nowhere.
pub(crate) fn dashboard_there(deployment: &Deployment) -> Option<String> {
    let named = deployment.spec.notifications.dashboard.is_some();
    let there = dashboard_made(deployment).is_some_and(|(_, made)| made);
    (named || there).then(|| dashboard(deployment))?
}

/// Log groups of its tasks that the plan knows, each with its address.
pub(crate) fn log_groups(deployment: &Deployment) -> Vec<(String, Option<String>)> {
    let place = place_of(deployment);
    let changes = deployment.planned_changes().iter();
    let groups = changes.filter_map(|change| match change.monitored()? {
        (name, Monitored::Retention { .. }) => Some(name),
        (_, Monitored::Alarm { .. } | Monitored::Dashboard { .. }) => None,
    });
    groups
        .map(|name| (name.to_owned(), place.as_ref().map(|place| place.log_group(name))))
        .collect()
}

/// Name of the dashboard of the plan, and whether it was made and is there.
fn dashboard_made(deployment: &Deployment) -> Option<(&str, bool)> {
    let mut changes = deployment.planned_changes().iter();
    changes.find_map(|change| match change.monitored()? {
        (name, Monitored::Dashboard { .. }) => Some((
            name,
            deployment.change_stage(&change.id) == Some(ChangeStage::Made),
        )),
        (_, Monitored::Alarm { .. } | Monitored::Retention { .. }) => None,
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::event::Event;
    use crate::testing::{CANARY, planned, tell};

    fn monitored(file: &str) -> Deployment {
        let mut deployment = planned(&format!("{CANARY}prepare: {{suspendAutoscaling: true}}\n{file}"));
        let plan = deployment.plan.as_mut().unwrap();
        plan.wiring.balancer.as_mut().unwrap().rule_arn =
            "arn:aws:elasticloadbalancing:eu-west-1:1:x".to_owned();
        plan.changes.truncate(1);
        let mut group = plan.changes[0].clone();
        plan.changes[0].work = crate::change::Work::Monitor {
            name: "web-production".to_owned(),
            wanted: Monitored::Dashboard {
                body: crate::change::StoredText("{}".to_owned()),
            },
        };
        group.id = crate::ids::ChangeId::of("retention", "/ecs/web");
        group.work = crate::change::Work::Monitor {
            name: "/ecs/web".to_owned(),
            wanted: Monitored::Retention { days: Some(30) },
        };
        plan.changes.push(group);
        deployment
    }

    #[test]
    fn a_dashboard_that_the_deployment_makes_is_linked_to_once_it_is_there() {
        let mut deployment = monitored("");
        let link = place_of(&deployment).unwrap().dashboard("web-production");
        assert!(link.contains("eu-west-1"), "{link}");
        assert_eq!(dashboard(&deployment), Some(link.clone()));
        assert_eq!(dashboard_there(&deployment), None);
        let id = deployment.planned_changes()[0].id.clone();
        let before = None;
        tell(
            &mut deployment,
            10,
            Event::ChangeStarted {
                id: id.clone(),
                before,
            },
        );
        assert_eq!(dashboard_there(&deployment), None);
        let (detail, log) = (String::new(), Vec::new());
        tell(
            &mut deployment,
            11,
            Event::ChangeMade {
                id: id.clone(),
                detail,
                log,
            },
        );
        assert_eq!(dashboard_there(&deployment), Some(link));
        let detail = String::new();
        tell(&mut deployment, 12, Event::ChangeUndone { id, detail });
        assert_eq!(dashboard_there(&deployment), None);
    }

    #[test]
    fn the_dashboard_that_the_file_names_goes_before_it() {
        let deployment = monitored("notifications: {dashboard: \"https://example.com/board\"}\n");
        let named = Some("https://example.com/board".to_owned());
        assert_eq!(dashboard(&deployment), named);
        assert_eq!(dashboard_there(&deployment), named);
        assert_eq!(dashboard_there(&planned(CANARY)), None);
    }

    #[test]
    fn log_groups_are_linked_to_where_the_plan_knows_the_region() {
        let mut deployment = monitored("");
        let link = place_of(&deployment).unwrap().log_group("/ecs/web");
        assert_eq!(log_groups(&deployment), [("/ecs/web".to_owned(), Some(link))]);
        let plan = deployment.plan.as_mut().unwrap();
        plan.wiring.balancer = None;
        assert_eq!(log_groups(&deployment), [("/ecs/web".to_owned(), None)]);
        assert_eq!(log_groups(&planned(CANARY)), []);
    }
}
