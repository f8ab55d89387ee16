//! Operations of CloudWatch.

mod alarms;
mod dashboards;
mod data;
mod history;
mod queries;

use serde_json::Value;

use super::Fault;
use super::args::Args;
use crate::fleet::Fleet;

/// Answers an operation.
pub(super) fn answer(fleet: &mut Fleet, operation: &str, args: Args<'_>) -> Result<Value, Fault> {
    match operation {
        "DescribeAlarms" => alarms::describe(fleet, args),
        "DescribeAlarmHistory" => history::describe(fleet, args),
        "PutMetricAlarm" => alarms::put(fleet, args),
        "SetAlarmState" => alarms::set_state(fleet, args),
        "DeleteAlarms" => alarms::delete(fleet, args),
        "GetDashboard" => dashboards::get(fleet, args),
        "PutDashboard" => dashboards::put(fleet, args),
        "DeleteDashboards" => dashboards::delete(fleet, args),
        "GetMetricData" => data::get(fleet, args),
        other => Err(Fault::unknown_operation(other)),
    }
}

fn validation(message: impl Into<String>) -> Fault {
    Fault::new("ValidationError", message)
}
