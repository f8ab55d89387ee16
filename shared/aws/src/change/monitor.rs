//! What watches a target: dashboards and alarms of CloudWatch, and how long a log group keeps its lines.
//! Each write looks first, so that nothing that somebody else has put there is replaced.

use std::collections::BTreeMap;

use crate::time::from_sdk;
use aws_sdk_cloudwatch::operation::describe_alarms::DescribeAlarmsOutput;
use aws_sdk_cloudwatch::types::{
    AlarmType, ComparisonOperator, Dimension, Metric, MetricAlarm, MetricDataQuery, MetricStat, StandardUnit,
    StateValue, Statistic,
};
use jiff::Timestamp;
use tidegate_core::change::test_alarm::{self, TestAlarm, TestStep};
use tidegate_core::change::{
    AlarmDefinition, AlarmMetric, AlarmQuery, Before, Change, Exact, Monitored, Progress, Seen, StoredText,
    monitored,
};
use tidegate_core::deployment::Deployment;
use tidegate_core::observation::AlarmState;

use crate::error::{AwsError, Kind};

/// Where such things are.
#[derive(Debug, Clone)]
pub struct Clients {
    /// Dashboards and alarms.
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    /// Log groups.
    pub logs: aws_sdk_cloudwatchlogs::Client,
}

impl Clients {
    /// How a change stands.
    ///
    /// # Errors
    /// Where AWS can't be asked.
    pub async fn observe(
        &self,
        deployment: &Deployment,
        change: &Change,
        name: &str,
        wanted: &Monitored,
    ) -> Result<Seen, AwsError> {
        let before = deployment.changes.get(&change.id);
        let before = before.and_then(|state| state.before.as_ref());
        let now = self.read(name, wanted).await?;
        Ok(monitored::seen(now.as_ref(), before, wanted))
    }

    /// Puts it there, where nobody else has put something there since.
    ///
    /// # Errors
    /// Where AWS refuses or can't be asked.
    pub async fn make(
        &self,
        name: &str,
        wanted: &Monitored,
        before: Option<&Before>,
    ) -> Result<(), AwsError> {
        let now = self.read(name, wanted).await?;
        let seen = monitored::seen(now.as_ref(), before, wanted);
        // Without a record of what was there nothing could be brought back.
        if seen.made == Progress::NotBegun && before.is_some() {
            self.put(name, wanted).await?;
        }
        Ok(())
    }

    /// Brings back what was there, or deletes what was not.
    ///
    /// # Errors
    /// Where AWS refuses or can't be asked.
    pub async fn undo(
        &self,
        name: &str,
        wanted: &Monitored,
        before: Option<&Before>,
    ) -> Result<(), AwsError> {
        let now = self.read(name, wanted).await?;
        let seen = monitored::seen(now.as_ref(), before, wanted);
        match (seen.undone, before) {
            (Progress::NotBegun, Some(Before::Monitored { held })) => self.put(name, held).await,
            (Progress::NotBegun, Some(Before::Absent)) => self.delete(name, wanted).await,
            (
                Progress::NotBegun
                | Progress::Waiting { .. }
                | Progress::Running { .. }
                | Progress::Done { .. }
                | Progress::Failed { .. },
                _,
            ) => Ok(()),
        }
    }

    /// How a test of an alarm's way stands.
    ///
    /// # Errors
    /// Where AWS can't be asked.
    pub async fn observe_test(
        &self,
        deployment: &Deployment,
        change: &Change,
        name: &str,
        now: Timestamp,
    ) -> Result<Seen, AwsError> {
        let alarm = self.read_test(name).await?;
        Ok(test_alarm::seen(alarm.as_ref(), deployment, change, now))
    }

    /// Sets the alarm, or deletes it where its event was heard.
    ///
    /// # Errors
    /// Where AWS refuses or can't be asked.
    pub async fn make_test(
        &self,
        deployment: &Deployment,
        change: &Change,
        (name, topic): (&str, Option<&str>),
        now: Timestamp,
    ) -> Result<(), AwsError> {
        let seen = self.observe_test(deployment, change, name, now).await?;
        match test_alarm::next_step(&seen.made, deployment.changes.get(&change.id)) {
            None => Ok(()),
            Some(TestStep::Delete) => self.delete_test(name).await,
            Some(TestStep::Raise) => {
                let definition = test_alarm::definition(&deployment.target, topic);
                self.put_alarm(name, &definition).await?;
                // A state that it has already would be no event.
                self.set_state(name, StateValue::Ok).await?;
                self.set_state(name, StateValue::Alarm).await
            }
        }
    }

    /// Deletes the alarm, so that nobody wonders what it stands for. Whom it told hears that it is over.
    ///
    /// # Errors
    /// Where AWS refuses or can't be asked.
    pub async fn delete_test(&self, name: &str) -> Result<(), AwsError> {
        if self.read_test(name).await?.is_none() {
            return Ok(());
        }
        match self.set_state(name, StateValue::Ok).await {
            Err(error) if error.kind == Kind::NotFound => return Ok(()),
            other => other?,
        }
        self.delete_alarm(name).await
    }

    async fn set_state(&self, name: &str, state: StateValue) -> Result<(), AwsError> {
        let what = format!("failed to set alarm {name} to {}", state.as_str());
        let call = self.cloudwatch.set_alarm_state().alarm_name(name);
        let call = call.state_reason("a test of the way that alarms take; nothing is wrong");
        let set = call.state_value(state).send().await;
        set.map(|_| ()).map_err(|error| AwsError::sdk(what, error))
    }

    async fn read_test(&self, name: &str) -> Result<Option<TestAlarm>, AwsError> {
        let found = self.describe(name).await?;
        Ok(found.metric_alarms().first().map(|alarm| TestAlarm {
            state: match alarm.state_value() {
                Some(StateValue::Alarm) => AlarmState::Alarm,
                Some(StateValue::Ok) => AlarmState::Ok,
                Some(StateValue::InsufficientData) => AlarmState::InsufficientData,
                Some(_) | None => AlarmState::Unreadable,
            },
            changed_at: alarm.state_transitioned_timestamp().and_then(from_sdk),
        }))
    }

    async fn describe(&self, name: &str) -> Result<DescribeAlarmsOutput, AwsError> {
        self.cloudwatch
            .describe_alarms()
            .alarm_names(name)
            .alarm_types(AlarmType::MetricAlarm)
            .alarm_types(AlarmType::CompositeAlarm)
            .send()
            .await
            .map_err(|error| AwsError::sdk(format!("failed to read alarm {name}"), error))
    }

    async fn delete_alarm(&self, name: &str) -> Result<(), AwsError> {
        let call = self.cloudwatch.delete_alarms().alarm_names(name);
        let sent = call.send().await.map(|_| ());
        let sent = sent.map_err(|error| AwsError::sdk(format!("failed to delete alarm {name}"), error));
        match sent {
            Err(error) if error.kind == Kind::NotFound => Ok(()),
            other => other,
        }
    }

    /// What there is of that name and kind.
    ///
    /// # Errors
    /// Where AWS can't be asked.
    pub async fn read(&self, name: &str, kind: &Monitored) -> Result<Option<Monitored>, AwsError> {
        match kind {
            Monitored::Dashboard { .. } => self.read_dashboard(name).await,
            Monitored::Alarm { .. } => self.read_alarm(name).await,
            Monitored::Retention { .. } => self.read_group(name).await,
        }
    }

    async fn read_dashboard(&self, name: &str) -> Result<Option<Monitored>, AwsError> {
        let what = || format!("failed to read dashboard {name}");
        let answer = self.cloudwatch.get_dashboard().dashboard_name(name).send().await;
        let answer = match answer.map_err(|error| AwsError::sdk(what(), error)) {
            Ok(answer) => answer,
            Err(error) if error.kind == Kind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let body = answer.dashboard_body().map(str::to_owned);
        let body = body.ok_or_else(|| AwsError::answer(what(), Kind::Other, "the answer lacks its body"))?;
        Ok(Some(Monitored::Dashboard {
            body: StoredText(body),
        }))
    }

    async fn read_alarm(&self, name: &str) -> Result<Option<Monitored>, AwsError> {
        let answer = self.describe(name).await?;
        // One of another kind, which is somebody else's.
        let other = answer
            .composite_alarms()
            .first()
            .map(|_| AlarmDefinition::default());
        let alarm = answer.metric_alarms().first().map(definition).or(other);
        Ok(alarm.map(|alarm| Monitored::Alarm {
            alarm: Box::new(alarm),
        }))
    }

    async fn read_group(&self, name: &str) -> Result<Option<Monitored>, AwsError> {
        let mut pages = self
            .logs
            .describe_log_groups()
            .log_group_name_prefix(name)
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page =
                page.map_err(|error| AwsError::sdk(format!("failed to read log group {name}"), error))?;
            let mut groups = page.log_groups().iter();
            if let Some(group) = groups.find(|group| group.log_group_name() == Some(name)) {
                let days = group
                    .retention_in_days()
                    .and_then(|days| u32::try_from(days).ok());
                return Ok(Some(Monitored::Retention { days }));
            }
        }
        Ok(None)
    }

    async fn put(&self, name: &str, wanted: &Monitored) -> Result<(), AwsError> {
        match wanted {
            Monitored::Dashboard { body } => self.put_dashboard(name, &body.0).await,
            Monitored::Alarm { alarm } => self.put_alarm(name, alarm).await,
            Monitored::Retention { days } => self.put_retention(name, *days).await,
        }
    }

    async fn put_dashboard(&self, name: &str, body: &str) -> Result<(), AwsError> {
        let call = self.cloudwatch.put_dashboard().dashboard_name(name);
        let put = call.dashboard_body(body).send().await;
        let put = put.map_err(|error| AwsError::sdk(format!("failed to put dashboard {name}"), error))?;
        for said in put.dashboard_validation_messages() {
            tracing::warn!(dashboard = name, at = said.data_path(), "{:?}", said.message());
        }
        Ok(())
    }

    async fn put_alarm(&self, name: &str, alarm: &AlarmDefinition) -> Result<(), AwsError> {
        let some = |list: &Vec<String>| (!list.is_empty()).then(|| list.clone());
        let mut call = self
            .cloudwatch
            .put_metric_alarm()
            .alarm_name(name)
            .set_alarm_description((!alarm.description.is_empty()).then(|| alarm.description.clone()))
            .actions_enabled(alarm.actions_enabled)
            .set_ok_actions(some(&alarm.ok_actions))
            .set_alarm_actions(some(&alarm.alarm_actions))
            .set_insufficient_data_actions(some(&alarm.insufficient_data_actions))
            .evaluation_periods(alarm.evaluation_periods)
            .set_datapoints_to_alarm(alarm.datapoints_to_alarm)
            .set_threshold(alarm.threshold.map(|number| number.0))
            .set_threshold_metric_id(alarm.threshold_metric.clone())
            .comparison_operator(ComparisonOperator::from(alarm.comparison.as_str()))
            .set_treat_missing_data(alarm.treat_missing.clone())
            .set_evaluate_low_sample_count_percentile(alarm.low_samples.clone());
        if let Some(metric) = &alarm.metric {
            let (statistic, extended) = match Statistic::try_parse(&metric.statistic) {
                Ok(statistic) => (Some(statistic), None),
                Err(_) => (None, Some(metric.statistic.clone())),
            };
            call = call
                .namespace(&metric.namespace)
                .metric_name(&metric.name)
                .set_dimensions(Some(dimensions(&metric.dimensions)))
                .set_statistic(statistic)
                .set_extended_statistic(extended)
                .period(metric.period_seconds)
                .set_unit(metric.unit.as_deref().map(StandardUnit::from));
        }
        for query in &alarm.queries {
            call = call.metrics(to_query(query));
        }
        let put = call.send().await;
        put.map(|_| ())
            .map_err(|error| AwsError::sdk(format!("failed to put alarm {name}"), error))
    }

    async fn put_retention(&self, name: &str, days: Option<u32>) -> Result<(), AwsError> {
        let what = || format!("failed to set how long log group {name} keeps its lines");
        match days {
            Some(days) => {
                let days = i32::try_from(days).unwrap_or(i32::MAX);
                let call = self.logs.put_retention_policy().log_group_name(name);
                let put = call.retention_in_days(days).send().await;
                put.map(|_| ()).map_err(|error| AwsError::sdk(what(), error))
            }
            None => {
                let call = self.logs.delete_retention_policy().log_group_name(name);
                let deleted = call.send().await;
                deleted.map(|_| ()).map_err(|error| AwsError::sdk(what(), error))
            }
        }
    }

    async fn delete(&self, name: &str, kind: &Monitored) -> Result<(), AwsError> {
        let deleted = match kind {
            Monitored::Dashboard { .. } => {
                let call = self.cloudwatch.delete_dashboards().dashboard_names(name);
                let sent = call.send().await.map(|_| ());
                sent.map_err(|error| AwsError::sdk(format!("failed to delete dashboard {name}"), error))
            }
            Monitored::Alarm { .. } => self.delete_alarm(name).await,
            // A log group is nobody's to delete, and none is ever made.
            Monitored::Retention { .. } => Ok(()),
        };
        match deleted {
            Err(error) if error.kind == Kind::NotFound => Ok(()),
            other => other,
        }
    }
}

/// An alarm as AWS has it. One that has what a definition can't hold is taken for somebody else's.
fn definition(alarm: &MetricAlarm) -> AlarmDefinition {
    let beyond = alarm.evaluation_criteria().is_some()
        || alarm.evaluation_window().is_some()
        || alarm.warm_up_configuration().is_some()
        || alarm.action_configuration().is_some();
    if beyond {
        return AlarmDefinition::default();
    }
    let statistic = alarm
        .statistic()
        .map(Statistic::as_str)
        .or(alarm.extended_statistic());
    let metric = alarm.metric_name().map(|name| AlarmMetric {
        namespace: alarm.namespace().unwrap_or_default().to_owned(),
        name: name.to_owned(),
        dimensions: from_dimensions(alarm.dimensions()),
        statistic: statistic.unwrap_or_default().to_owned(),
        period_seconds: alarm.period().unwrap_or_default(),
        unit: alarm.unit().map(|unit| unit.as_str().to_owned()),
    });
    AlarmDefinition {
        description: alarm.alarm_description().unwrap_or_default().to_owned(),
        actions_enabled: alarm.actions_enabled() != Some(false),
        ok_actions: alarm.ok_actions().to_vec(),
        alarm_actions: alarm.alarm_actions().to_vec(),
        insufficient_data_actions: alarm.insufficient_data_actions().to_vec(),
        metric,
        queries: alarm.metrics().iter().map(from_query).collect(),
        evaluation_periods: alarm.evaluation_periods().unwrap_or_default(),
        datapoints_to_alarm: alarm.datapoints_to_alarm(),
        threshold: alarm.threshold().map(Exact),
        threshold_metric: alarm.threshold_metric_id().map(str::to_owned),
        comparison: alarm
            .comparison_operator()
            .map_or_else(String::new, |operator| operator.as_str().to_owned()),
        treat_missing: alarm.treat_missing_data().map(str::to_owned),
        low_samples: alarm.evaluate_low_sample_count_percentile().map(str::to_owned),
    }
}

fn from_query(query: &MetricDataQuery) -> AlarmQuery {
    let metric = query.metric_stat().map(|stat| AlarmMetric {
        namespace: text(stat.metric().and_then(Metric::namespace)),
        name: text(stat.metric().and_then(Metric::metric_name)),
        dimensions: from_dimensions(stat.metric().map_or(&[][..], Metric::dimensions)),
        statistic: text(stat.stat()),
        period_seconds: stat.period().unwrap_or_default(),
        unit: stat.unit().map(|unit| unit.as_str().to_owned()),
    });
    AlarmQuery {
        id: text(query.id()),
        label: query.label().map(str::to_owned),
        expression: query.expression().map(str::to_owned),
        metric,
        period_seconds: query.period(),
        returns: query.return_data() != Some(false),
        account: query.account_id().map(str::to_owned),
    }
}

fn to_query(query: &AlarmQuery) -> MetricDataQuery {
    let stat = query.metric.as_ref().map(|metric| {
        let of = Metric::builder()
            .namespace(&metric.namespace)
            .metric_name(&metric.name)
            .set_dimensions(Some(dimensions(&metric.dimensions)));
        MetricStat::builder()
            .metric(of.build())
            .stat(&metric.statistic)
            .period(metric.period_seconds)
            .set_unit(metric.unit.as_deref().map(StandardUnit::from))
            .build()
    });
    MetricDataQuery::builder()
        .id(&query.id)
        .set_label(query.label.clone())
        .set_expression(query.expression.clone())
        .set_metric_stat(stat)
        .set_period(query.period_seconds)
        .return_data(query.returns)
        .set_account_id(query.account.clone())
        .build()
}

fn text(text: Option<&str>) -> String {
    text.unwrap_or_default().to_owned()
}

fn dimensions(named: &BTreeMap<String, String>) -> Vec<Dimension> {
    let build = |(name, value)| Dimension::builder().name(name).value(value).build();
    named.iter().map(build).collect()
}

fn from_dimensions(dimensions: &[Dimension]) -> BTreeMap<String, String> {
    let pairs = dimensions.iter();
    pairs.map(|one| (text(one.name()), text(one.value()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_comes_back_as_it_was_sent() {
        let metric = AlarmMetric {
            namespace: "AWS/ApplicationELB".to_owned(),
            name: "RequestCount".to_owned(),
            dimensions: BTreeMap::from([("TargetGroup".to_owned(), "targetgroup/web/1".to_owned())]),
            statistic: "p99.9".to_owned(),
            period_seconds: 60,
            unit: Some("Seconds".to_owned()),
        };
        let input = AlarmQuery {
            id: "requests".to_owned(),
            label: None,
            expression: None,
            metric: Some(metric),
            period_seconds: None,
            returns: false,
            account: Some("123456789012".to_owned()),
        };
        let expression = AlarmQuery {
            id: "rate".to_owned(),
            label: Some("in percent".to_owned()),
            expression: Some("100*requests".to_owned()),
            metric: None,
            period_seconds: Some(60),
            returns: true,
            account: None,
        };
        for query in [input, expression] {
            assert_eq!(from_query(&to_query(&query)), query);
        }
    }

    #[test]
    fn an_alarm_that_has_more_than_a_definition_holds_is_somebody_elses() {
        let window = aws_sdk_cloudwatch::types::WarmUpConfiguration::builder().build();
        let plain = MetricAlarm::builder().alarm_description("Made by Tidegate for web/production.");
        assert!(!definition(&plain.clone().build()).description.is_empty());
        let beyond = plain.warm_up_configuration(window).build();
        assert_eq!(definition(&beyond), AlarmDefinition::default());
    }
}
