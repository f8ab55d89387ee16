//! Reading, putting and deleting dashboards.

use serde_json::{Value, json};

use super::super::Fault;
use super::super::args::{Args, object};
use crate::fleet::Fleet;

fn not_found(name: &str) -> Fault {
    let message = format!("Dashboard {name} does not exist");
    Fault::new("ResourceNotFound", message).with_status(404)
}

fn name(args: Args<'_>) -> Result<&str, Fault> {
    let plain = |name: &&str| {
        name.len() <= 255
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    args.filled("DashboardName").filter(plain).ok_or_else(|| {
        Fault::new(
            "InvalidParameterInput",
            "The dashboard name must be 1 to 255 letters, digits, dashes and underscores",
        )
    })
}

pub(super) fn get(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let name = name(args)?;
    let body = fleet.dashboard(name).ok_or_else(|| not_found(name))?;
    let arn = format!("arn:aws:cloudwatch::{}:dashboard/{name}", fleet.account);
    Ok(object([
        ("DashboardArn", arn.into()),
        ("DashboardBody", body.into()),
        ("DashboardName", name.into()),
    ]))
}

pub(super) fn put(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let name = name(args)?;
    let body = args.filled("DashboardBody").unwrap_or_default();
    let widgets = serde_json::from_str::<Value>(body).ok();
    let widgets = widgets.as_ref().and_then(|body| body["widgets"].as_array());
    if !widgets.is_some_and(|widgets| widgets.iter().all(is_widget)) {
        return Err(Fault::new(
            "InvalidParameterInput",
            "The field DashboardBody must be a valid JSON object",
        ));
    }
    fleet.put_dashboard(name, body);
    Ok(json!({ "DashboardValidationMessages": [] }))
}

/// What every kind of widget needs ("Dashboard body structure and syntax").
fn is_widget(widget: &Value) -> bool {
    let properties = &widget["properties"];
    let placed = ["x", "y", "width", "height"];
    let fits = widget["x"].as_u64().unwrap_or(99) + widget["width"].as_u64().unwrap_or(99) <= 24;
    let whole = match widget["type"].as_str() {
        Some("text") => properties["markdown"].is_string(),
        Some("alarm") => properties["alarms"]
            .as_array()
            .is_some_and(|alarms| (1..=100).contains(&alarms.len())),
        Some("metric") => properties["region"].is_string() && properties["metrics"].is_array(),
        Some(_) | None => false,
    };
    whole && fits && placed.iter().all(|key| widget[*key].is_u64())
}

pub(super) fn delete(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let names = args.texts("DashboardNames");
    // All or nothing, as on AWS.
    if let Some(missing) = names.iter().find(|name| fleet.dashboard(name).is_none()) {
        return Err(not_found(missing));
    }
    for name in names {
        fleet.delete_dashboard(name);
    }
    Ok(json!({}))
}
