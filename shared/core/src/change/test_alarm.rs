//! A test of the way that an alarm takes: one that stands for nothing is set to `ALARM`, and its event has
//! to arrive before traffic depends on that others do.
//!
//! CloudWatch may take the state back by itself within a minute, and EventBridge may lose an event: so the
//! alarm is set once more until its event was heard or the time is over.

use jiff::{SignedDuration, Timestamp};

use super::alarm::{AlarmDefinition, AlarmMetric, Exact, mark};
use super::{Before, Change, ChangeStage, ChangeState, Progress, Seen, Work};
use crate::deployment::Deployment;
use crate::event::Event;
use crate::ids::Target;
use crate::observation::AlarmState;

/// An event comes within seconds; one that has not come by then is lost.
const AGAIN_SECONDS: i64 = 60;
/// How far AWS's clock may be behind that of a function.
const LEEWAY_SECONDS: i64 = 30;

/// The alarm of a test as AWS has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestAlarm {
    /// Its state.
    pub state: AlarmState,
    /// When its state last became another one.
    pub changed_at: Option<Timestamp>,
}

/// What is done about a test next, where it is not to be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestStep {
    /// The alarm is made and set.
    Raise,
    /// It has served its purpose.
    Delete,
}

/// The name of a target's test alarm. No service's alarms begin with it, so that none who watches by
/// prefix takes it for one of them.
pub(super) fn name_of(target: &Target) -> String {
    format!("tidegate_test_{}_{}", target.service, target.environment)
}

/// It is about a metric that nobody sends.
pub fn definition(target: &Target, topic: Option<&str>) -> AlarmDefinition {
    let metric = AlarmMetric {
        namespace: "Tidegate".to_owned(),
        name: "AlarmTest".to_owned(),
        dimensions: [
            ("Service".to_owned(), target.service.to_string()),
            ("Environment".to_owned(), target.environment.to_string()),
        ]
        .into(),
        statistic: "Sum".to_owned(),
        period_seconds: 60,
        unit: None,
    };
    let topics: Vec<String> = topic.map(str::to_owned).into_iter().collect();
    AlarmDefinition {
        description: format!(
            "A test of the way that alarms take; nothing is wrong. {}",
            mark(target)
        ),
        actions_enabled: true,
        ok_actions: topics.clone(),
        alarm_actions: topics,
        metric: Some(metric),
        evaluation_periods: 1,
        datapoints_to_alarm: Some(1),
        threshold: Some(Exact(0.0)),
        comparison: "GreaterThanThreshold".to_owned(),
        treat_missing: Some("ignore".to_owned()),
        ..AlarmDefinition::default()
    }
}

/// How a test stands.
pub fn seen(alarm: Option<&TestAlarm>, deployment: &Deployment, change: &Change, now: Timestamp) -> Seen {
    let state = deployment.changes.get(&change.id);
    Seen {
        before: Some(Before::Absent),
        made: match (state, alarm) {
            (None, _) => Progress::NotBegun,
            // There is a trace of it, and it is not gone on with.
            (Some(_), Some(_)) if deployment.rollback.is_some() => {
                Progress::failed("the deployment was stopped in the middle of it")
            }
            (Some(state), _) => made(alarm, state, change.timeout_seconds, now),
        },
        undone: match alarm {
            None => Progress::done("its alarm is deleted"),
            Some(_) => Progress::NotBegun,
        },
    }
}

fn made(alarm: Option<&TestAlarm>, state: &ChangeState, timeout_seconds: u32, now: Timestamp) -> Progress {
    let late = now >= after(state.since, timeout_seconds.into());
    match (state.heard, alarm) {
        (true, None) => Progress::done("its event arrived, and its alarm is deleted"),
        // It is left to be deleted.
        (true, Some(_)) => Progress::NotBegun,
        (false, _) if late => Progress::failed(format!(
            "its event did not arrive within {timeout_seconds} s, so that no other alarm would stop a deployment \
                 in time: see whether the EventBridge rule tidegate-alarm-raised is enabled and may invoke \
                 tidegate-on-alarm, and look into the log of that function"
        )),
        (false, Some(alarm)) if is_underway(alarm, state, now) => {
            Progress::running("its alarm is set, and its event has not arrived yet")
        }
        (false, Some(_) | None) => Progress::NotBegun,
    }
}

/// Whether the alarm was set for this test, not long ago. One that an older test has left behind is not.
fn is_underway(alarm: &TestAlarm, state: &ChangeState, now: Timestamp) -> bool {
    let fresh = |at: Timestamp| at >= after(state.since, -LEEWAY_SECONDS) && now < after(at, AGAIN_SECONDS);
    match alarm.state {
        AlarmState::Alarm => alarm.changed_at.is_some_and(fresh),
        AlarmState::Ok | AlarmState::InsufficientData | AlarmState::Unreadable => false,
    }
}

/// What is to be done about a test that has not begun, by what was seen of it.
pub fn next_step(made: &Progress, state: Option<&ChangeState>) -> Option<TestStep> {
    match (made, state) {
        (Progress::NotBegun, Some(state)) if state.heard => Some(TestStep::Delete),
        (Progress::NotBegun, Some(_)) => Some(TestStep::Raise),
        (Progress::NotBegun, None)
        | (
            Progress::Waiting { .. }
            | Progress::Running { .. }
            | Progress::Done { .. }
            | Progress::Failed { .. },
            _,
        ) => None,
    }
}

impl Deployment {
    /// The name of its test alarm, where the plan has a test. It stops nothing.
    pub fn test_alarm(&self) -> Option<&str> {
        let mut changes = self.planned_changes().iter();
        changes.find_map(|change| match &change.work {
            Work::TestAlarm { name, .. } => Some(name.as_str()),
            Work::Run { .. }
            | Work::Index { .. }
            | Work::Verify { .. }
            | Work::Backup { .. }
            | Work::SuspendScaling { .. }
            | Work::SetParameter { .. }
            | Work::Analyze { .. }
            | Work::SetFlags { .. }
            | Work::Stack { .. }
            | Work::Terraform { .. }
            | Work::Monitor { .. } => None,
        })
    }

    /// What to record of an alarm that went to `ALARM`: that the test which is underway was heard, once.
    pub fn hears(&self, alarm: &str, raised_at: Option<Timestamp>) -> Option<Event> {
        let mut changes = self.planned_changes().iter();
        let change = changes.find(|change| {
            let name = self.test_alarm().filter(|name| *name == alarm);
            name.is_some() && matches!(change.work, Work::TestAlarm { .. })
        })?;
        let state = self.changes.get(&change.id)?;
        let ours = raised_at.is_none_or(|at| at >= after(state.since, -LEEWAY_SECONDS));
        let open = state.stage == ChangeStage::Making && !state.heard && self.exit.is_none();
        (open && ours).then(|| Event::TestAlarmHeard {
            id: change.id.clone(),
            raised_at,
        })
    }
}

fn after(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(at)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::testing::{at, planned, tell};

    const FILE: &str = "environment: production\nstrategy: rolling\nreplicas: 4\nmonitoring: {test: {}}\n";
    const NAME: &str = "tidegate_test_web_production";

    fn begun() -> (Deployment, crate::ids::ChangeId) {
        let mut deployment = planned(FILE);
        let id = deployment.planned_changes()[0].id.clone();
        let started = Event::ChangeStarted {
            id: id.clone(),
            before: Some(Before::Absent),
        };
        tell(&mut deployment, 100, started);
        (deployment, id)
    }

    fn alarm(state: AlarmState, second: i64) -> TestAlarm {
        TestAlarm {
            state,
            changed_at: Some(at(second)),
        }
    }

    #[test]
    fn a_test_is_a_change_that_a_rollback_takes_back() {
        let (deployment, _) = begun();
        let change = &deployment.planned_changes()[0];
        assert_eq!(
            change.describe(),
            "test:alarm: set an alarm that stands for nothing and see its event arrive (revertible)"
        );
        assert_eq!(deployment.test_alarm(), Some(NAME));
        assert_eq!(planned(crate::testing::CANARY).test_alarm(), None);
    }

    #[test]
    fn an_alarm_is_set_waited_for_and_set_again() {
        let (deployment, id) = begun();
        let state = deployment.changes.get(&id);
        let change = &deployment.planned_changes()[0];
        let made = |alarm: Option<TestAlarm>, second: i64| {
            seen(alarm.as_ref(), &deployment, change, at(second)).made
        };
        let firing = Some(alarm(AlarmState::Alarm, 101));
        assert_eq!(made(None, 101), Progress::NotBegun);
        assert!(matches!(made(firing, 120), Progress::Running { .. }));
        assert_eq!(made(firing, 161), Progress::NotBegun, "its event is lost");
        assert_eq!(
            made(Some(alarm(AlarmState::InsufficientData, 110)), 120),
            Progress::NotBegun,
            "taken back by CloudWatch"
        );
        assert_eq!(
            made(Some(alarm(AlarmState::Alarm, 20)), 120),
            Progress::NotBegun,
            "left behind by another test"
        );
        for left in [None, firing] {
            let Progress::Failed { reason, .. } = made(left, 400) else {
                unreachable!("it is late");
            };
            assert!(reason.contains("tidegate-alarm-raised"), "{reason}");
        }
        assert_eq!(next_step(&made(None, 101), state), Some(TestStep::Raise));
        assert_eq!(next_step(&made(firing, 120), state), None);
        let before = planned(FILE);
        assert_eq!(
            seen(firing.as_ref(), &before, change, at(100)).made,
            Progress::NotBegun
        );
        assert_eq!(next_step(&Progress::NotBegun, None), None);
    }

    #[test]
    fn it_is_made_once_its_event_was_heard_and_its_alarm_is_gone() {
        let (mut deployment, id) = begun();
        let event = deployment.hears(NAME, Some(at(101))).unwrap();
        tell(&mut deployment, 103, event);
        let state = deployment.changes.get(&id);
        let change = &deployment.planned_changes()[0];
        let seen = |alarm: Option<&TestAlarm>| seen(alarm, &deployment, change, at(900));
        let firing = alarm(AlarmState::Alarm, 101);
        // However late it is.
        let made = seen(Some(&firing)).made;
        assert_eq!(next_step(&made, state), Some(TestStep::Delete));
        let gone = seen(None);
        assert!(matches!(gone.made, Progress::Done { .. }));
        assert!(matches!(gone.undone, Progress::Done { .. }));
        assert_eq!(seen(Some(&firing)).undone, Progress::NotBegun);
    }

    #[test]
    fn a_test_that_is_stopped_in_the_middle_is_no_test_that_had_not_begun() {
        let deployment = crate::testing::rolling_back(begun().0);
        let change = &deployment.planned_changes()[0];
        let made = |alarm: Option<TestAlarm>| seen(alarm.as_ref(), &deployment, change, at(200)).made;
        for state in [AlarmState::Alarm, AlarmState::Ok] {
            assert!(matches!(made(Some(alarm(state, 101))), Progress::Failed { .. }));
        }
        assert_eq!(made(None), Progress::NotBegun);
    }

    #[test]
    fn only_the_event_of_this_test_is_heard_and_once() {
        let (mut deployment, id) = begun();
        assert_eq!(deployment.hears("web-production-errors", Some(at(101))), None);
        assert_eq!(deployment.hears(NAME, Some(at(20))), None, "of an older test");
        assert_eq!(planned(FILE).hears(NAME, Some(at(101))), None, "not begun");
        let event = deployment.hears(NAME, None);
        assert_eq!(event, Some(Event::TestAlarmHeard { id, raised_at: None }));
        tell(&mut deployment, 103, event.unwrap());
        assert_eq!(deployment.hears(NAME, Some(at(104))), None);
    }

    #[test]
    fn its_alarm_stands_for_nothing_and_says_so() {
        let target: Target = "web/production".parse().unwrap();
        let made = serde_json::to_value(definition(&target, Some("arn:topic"))).unwrap();
        let expected = serde_json::json!({
            "description": "A test of the way that alarms take; nothing is wrong. Made by Tidegate for web/production.",
            "actionsEnabled": true,
            "okActions": ["arn:topic"],
            "alarmActions": ["arn:topic"],
            "metric": {
                "namespace": "Tidegate",
                "name": "AlarmTest",
                "dimensions": { "Service": "web", "Environment": "production" },
                "statistic": "Sum",
                "periodSeconds": 60,
            },
            "evaluationPeriods": 1,
            "datapointsToAlarm": 1,
            "threshold": 0.0,
            "comparison": "GreaterThanThreshold",
            "treatMissing": "ignore",
        });
        assert_eq!(made, expected);
        assert!(definition(&target, None).alarm_actions.is_empty());
    }
}
