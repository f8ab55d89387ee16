//! From the section `monitoring` to the changes that a plan has.

use super::monitored::Monitored;
use super::plan::{Around, SETTING_SECONDS};
use super::stack::StoredText;
use super::{Change, Undo, Work, alarm, dashboard, test_alarm};
use crate::deployment::Phase;
use crate::ids::{ChangeId, Target};
use crate::spec::Spec;
use crate::wiring::Wiring;

/// The alarms that the file's section makes: they are watched by the deployment that makes them.
pub fn alarms_made(target: &Target, spec: &Spec, wiring: &Wiring) -> Vec<String> {
    let mut names = Vec::new();
    let Some(monitoring) = spec.monitoring.as_ref().filter(|_| wiring.balancer.is_some()) else {
        return names;
    };
    for rule in &monitoring.alarms {
        names.extend(
            wiring
                .services
                .keys()
                .map(|slot| alarm::name_of(target, *slot, rule)),
        );
    }
    names
}

/// What a deployment will make, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// CloudWatch alarms.
    pub alarms: Vec<String>,
    /// A CloudWatch dashboard.
    pub dashboard: Option<String>,
}

impl Names {
    /// Of what the file's section makes.
    pub fn of(target: &Target, spec: &Spec, wiring: &Wiring) -> Self {
        let monitoring = spec.monitoring.as_ref();
        let board = monitoring.is_some_and(|monitoring| monitoring.dashboard);
        Self {
            alarms: alarms_made(target, spec, wiring),
            dashboard: board.then(|| dashboard::name_of(target)),
        }
    }
}

/// The name of the alarm with which the file's section tests their way; it is heard, and not watched.
pub fn alarm_tested(target: &Target, spec: &Spec) -> Option<String> {
    let test = spec.monitoring.as_ref()?.test.as_ref();
    test.map(|_| test_alarm::name_of(target))
}

/// Alarms first, so that the dashboard shows them from the start.
pub(super) fn planned(spec: &Spec, around: &Around<'_>) -> Vec<Change> {
    let Some(monitoring) = &spec.monitoring else {
        return Vec::new();
    };
    let (target, wiring) = (around.target, around.wiring);
    let mut changes = Vec::new();
    if let Some(balancer) = &wiring.balancer {
        for rule in &monitoring.alarms {
            let slots = wiring.services.keys();
            changes.extend(slots.filter_map(|slot| {
                let topic = monitoring.topic.as_deref();
                let wanted = alarm::definition(target, balancer, *slot, rule, topic)?;
                let name = alarm::name_of(target, *slot, rule);
                Some(change(
                    "alarm",
                    name,
                    Monitored::Alarm {
                        alarm: Box::new(wanted),
                    },
                ))
            }));
        }
    }
    if let Some(days) = monitoring.log_retention_days {
        let groups = around.observation.log_groups.iter();
        changes.extend(groups.map(|group| {
            let wanted = Monitored::Retention { days: Some(days) };
            change("logs", group.clone(), wanted)
        }));
    }
    if let Some(place) = around.place().filter(|_| monitoring.dashboard) {
        let body = dashboard::body(target, wiring, &around.alarms(), &place);
        let wanted = Monitored::Dashboard {
            body: StoredText(body),
        };
        changes.push(change("dashboard", dashboard::name_of(target), wanted));
    }
    if let Some(test) = &monitoring.test {
        changes.push(Change {
            id: ChangeId::of("test", "alarm"),
            phase: Phase::Monitoring,
            undo: Undo::Revertible,
            temporary: false,
            work: Work::TestAlarm {
                name: test_alarm::name_of(target),
                topic: test.topic.clone(),
            },
            timeout_seconds: test.timeout_seconds,
        });
    }
    changes
}

fn change(kind: &str, name: String, wanted: Monitored) -> Change {
    Change {
        id: ChangeId::of(kind, &name),
        phase: Phase::Monitoring,
        undo: Undo::Revertible,
        temporary: false,
        work: Work::Monitor { name, wanted },
        timeout_seconds: SETTING_SECONDS,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::change::Exact;
    use crate::observation::Observation;
    use crate::testing::{at_rest, spec, wiring};

    const FILE: &str = "environment: production\nstrategy: canary\nreplicas: 4\ncanary: {steps: [{weight: \
                        100}]}\nmonitoring:\n  dashboard: true\n  alarms: [{name: errors, when: error_rate > \
                        1%, for: 3m}, {name: slow, when: latency_p99 > 800ms}, {name: up, when: availability \
                        < 99.9%}]\n  topic: \"arn:aws:sns:us-east-1:1:page\"\n  logRetention: 30d\n";

    fn world(spec: &Spec) -> Observation {
        let mut world = at_rest(spec);
        for slot in world.slots.values_mut() {
            slot.task_definition = "arn:aws-cn:ecs:cn-north-1:1:task-definition/web:1".to_owned();
        }
        world.log_groups = vec!["/ecs/web".to_owned()];
        world
    }

    fn changes(file: &str) -> Vec<Change> {
        let spec = spec(&file.replace(":1:page", ":123456789012:page"));
        let (wiring, observation) = (wiring(&spec), world(&spec));
        let around = Around {
            target: &"web/production".parse().unwrap(),
            wiring: &wiring,
            observation: &observation,
        };
        planned(&spec, &around)
    }

    fn alarm_of<'a>(changes: &'a [Change], id: &str) -> &'a super::super::AlarmDefinition {
        let change = changes.iter().find(|one| one.id.as_str() == id).unwrap();
        match &change.work {
            Work::Monitor {
                wanted: Monitored::Alarm { alarm },
                ..
            } => alarm,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_plan_says_what_will_watch_each_slot() {
        let lines: Vec<String> = changes(FILE).iter().map(Change::describe).collect();
        assert_eq!(
            lines,
            [
                "alarm:web-production-blue-errors: make or update the alarm: error_rate > 1% for 3m in the blue slot (revertible)",
                "alarm:web-production-green-errors: make or update the alarm: error_rate > 1% for 3m in the green slot (revertible)",
                "alarm:web-production-blue-slow: make or update the alarm: latency_p99 > 800ms for 1m in the blue slot (revertible)",
                "alarm:web-production-green-slow: make or update the alarm: latency_p99 > 800ms for 1m in the green slot (revertible)",
                "alarm:web-production-blue-up: make or update the alarm: availability < 99.9% for 1m in the blue slot (revertible)",
                "alarm:web-production-green-up: make or update the alarm: availability < 99.9% for 1m in the green slot (revertible)",
                "logs:/ecs/web: keep its lines for 30 days (revertible)",
                "dashboard:web-production: make or update the CloudWatch dashboard (revertible)",
            ]
        );
    }

    #[test]
    fn an_alarm_has_the_metrics_unit_and_periods_of_its_rule() {
        let changes = changes(FILE);
        let slow = alarm_of(&changes, "alarm:web-production-green-slow");
        assert_eq!(slow.threshold, Some(Exact(0.8)), "AWS measures seconds");
        assert_eq!(
            (slow.evaluation_periods, slow.comparison.as_str()),
            (1, "GreaterThanThreshold")
        );
        let metric = slow.metric.as_ref().unwrap();
        assert_eq!(
            (metric.name.as_str(), metric.statistic.as_str()),
            ("TargetResponseTime", "p99")
        );
        let errors = alarm_of(&changes, "alarm:web-production-blue-errors");
        assert_eq!(
            (errors.evaluation_periods, errors.datapoints_to_alarm),
            (3, Some(3))
        );
        assert_eq!(errors.queries.iter().filter(|query| query.returns).count(), 1);
        assert_eq!(errors.alarm_actions, ["arn:aws:sns:us-east-1:123456789012:page"]);
        assert_eq!(errors.alarm_actions, errors.ok_actions);
        let up = alarm_of(&changes, "alarm:web-production-blue-up");
        assert_eq!(
            (up.comparison.as_str(), up.threshold),
            ("LessThanThreshold", Some(Exact(99.9)))
        );
    }

    #[test]
    fn no_two_widgets_of_a_dashboard_overlap_and_its_alarms_are_where_the_target_is() {
        let changes = changes(FILE);
        let Work::Monitor {
            wanted: Monitored::Dashboard { body },
            ..
        } = &changes.last().unwrap().work
        else {
            panic!("{changes:?}")
        };
        let body: Value = serde_json::from_str(&body.0).unwrap();
        let widgets = body["widgets"].as_array().unwrap();
        assert_eq!(widgets.len(), 2 + 2 * 5);
        let mut taken = std::collections::BTreeSet::new();
        for widget in widgets {
            let at = |key: &str| widget[key].as_u64().unwrap();
            for x in at("x")..at("x") + at("width") {
                assert!(x < 24 && taken.insert((x, at("y"))), "{widget}");
            }
        }
        let arns = &widgets[1]["properties"]["alarms"];
        assert_eq!(
            arns[0],
            "arn:aws-cn:cloudwatch:cn-north-1:1:alarm:web-production-errors"
        );
        assert_eq!(widgets[2]["properties"]["region"], "cn-north-1");
        assert!(
            body.to_string().len() < 8_000,
            "small enough to be part of a plan"
        );
    }

    #[test]
    fn all_that_a_file_may_ask_for_fits_into_one_record_with_what_was_there_before() {
        use crate::change::{MAX_KEPT_ALARM_BYTES, MAX_KEPT_DASHBOARD_BYTES};
        let alarms: Vec<String> = (0..20)
            .map(|index| format!("{{name: {}-{index}, when: availability < 99.9%}}", "x".repeat(36)))
            .collect();
        let head = FILE.split("  alarms:").next().unwrap();
        let all = changes(&format!("{head}  alarms: [{}]\n", alarms.join(", ")));
        assert_eq!(all.len(), 41);
        let planned = serde_json::to_string(&all).unwrap().len();
        let kept = 40 * MAX_KEPT_ALARM_BYTES + MAX_KEPT_DASHBOARD_BYTES;
        // An item of DynamoDB ends at 400 KB, and the file has other sections.
        assert!(planned + kept < 330_000, "{planned} + {kept}");
    }

    #[test]
    fn a_file_without_the_section_plans_nothing() {
        assert_eq!(changes(crate::testing::CANARY), []);
        let spec = spec(crate::testing::CANARY);
        assert_eq!(
            alarms_made(&"web/production".parse().unwrap(), &spec, &wiring(&spec)),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_target_has_the_names_of_what_its_file_makes() {
        let target = "web/production".parse().unwrap();
        let all = spec(&format!(
            "{}  test: {{}}\n",
            FILE.replace(":1:page", ":123456789012:page")
        ));
        let names = Names::of(&target, &all, &wiring(&all));
        assert_eq!(names.alarms.len(), 6);
        assert_eq!(names.dashboard.as_deref(), Some("web-production"));
        assert_eq!(
            alarm_tested(&target, &all).as_deref(),
            Some("tidegate_test_web_production")
        );
        let none = spec(
            "environment: production\nstrategy: rolling\nreplicas: 4\nmonitoring: {logRetention: 30d}\n",
        );
        let names = Names::of(&target, &none, &wiring(&none));
        assert_eq!((names.alarms.len(), names.dashboard), (0, None));
        assert_eq!(alarm_tested(&target, &none), None);
    }

    #[test]
    fn a_dashboard_puts_its_graphs_side_by_side_and_below_each_other() {
        let changes = changes(FILE);
        let board = changes.last().unwrap();
        let Work::Monitor {
            wanted: Monitored::Dashboard { body },
            ..
        } = &board.work
        else {
            panic!("{board:?}")
        };
        let body: Value = serde_json::from_str(&body.0).unwrap();
        let widgets = body["widgets"].as_array().unwrap();
        let mut rows = std::collections::BTreeMap::<u64, Vec<(u64, u64)>>::new();
        for widget in widgets {
            let number = |name: &str| widget[name].as_u64().unwrap();
            rows.entry(number("y"))
                .or_default()
                .push((number("x"), number("width")));
            for metric in widget["properties"]["metrics"].as_array().into_iter().flatten() {
                let named = metric[0].as_str().is_some_and(|name| name.starts_with("AWS/"));
                assert!(
                    named || metric[0].is_object() || metric[0] == "ECS/ContainerInsights",
                    "{metric}"
                );
            }
        }
        assert!(rows.len() > 1, "{rows:?}");
        for row in rows.values() {
            assert_eq!(row.iter().map(|(_, width)| width).sum::<u64>(), 24, "{rows:?}");
            let mut next = 0;
            for (x, width) in row {
                assert_eq!(*x, next);
                next += width;
            }
        }
    }
}
