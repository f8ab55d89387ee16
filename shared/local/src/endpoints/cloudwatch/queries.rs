//! Metric data queries, as `GetMetricData` and `PutMetricAlarm` take them.

use serde_json::{Map, Value, json};

use super::super::Fault;
use super::super::args::{Args, object};
use super::validation;
use crate::fleet::{Dimensions, Expression, MetricStat, Query, Source, Stat};

/// Longest period in seconds (CloudWatch API reference: one day).
const MAX_PERIOD: u32 = 86_400;

/// Reads the queries of a call and checks that each id is there once.
pub(super) fn read(args: Args<'_>, list: &str) -> Result<Vec<(Query, Option<u32>)>, Fault> {
    let mut queries: Vec<(Query, Option<u32>)> = Vec::new();
    for given in args.structures(list) {
        let query = read_one(given)?;
        if queries.iter().any(|(held, _)| held.id == query.0.id) {
            return Err(validation(format!(
                "The values for parameter id in {list} are not unique: {}",
                query.0.id
            )));
        }
        queries.push(query);
    }
    for (query, _) in &queries {
        let Source::Math(text) = &query.source else {
            continue;
        };
        let expression = parse(&query.id, text)?;
        for id in expression.ids() {
            if !queries.iter().any(|(held, _)| held.id == id) {
                return Err(validation(format!(
                    "Error in expression '{}' [Unknown identifier: {id}]",
                    query.id
                )));
            }
        }
    }
    Ok(queries)
}

fn parse(id: &str, text: &str) -> Result<Expression, Fault> {
    Expression::parse(text).map_err(|error| validation(format!("Error in expression '{id}' [{error}]")))
}

/// A query and the period that an expression gives for itself.
fn read_one(given: Args<'_>) -> Result<(Query, Option<u32>), Fault> {
    let id = given.filled("Id").unwrap_or_default();
    let well_formed = id.starts_with(|letter: char| letter.is_ascii_lowercase())
        && id.len() <= 255
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !well_formed {
        return Err(validation(format!(
            "The value '{id}' for parameter Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$."
        )));
    }
    let source = match (given.structure("MetricStat"), given.filled("Expression")) {
        (Some(stat), None) => Source::Metric(read_metric_stat(stat)?),
        (None, Some(expression)) => Source::Math(expression.to_owned()),
        (Some(_), Some(_)) | (None, None) => {
            return Err(validation(format!(
                "The query {id} must have exactly one of MetricStat and Expression."
            )));
        }
    };
    let period = read_period(given)?;
    let query = Query {
        id: id.to_owned(),
        source,
        label: given.owned("Label"),
        return_data: given.truth("ReturnData").unwrap_or(true),
    };
    Ok((query, period))
}

pub(super) fn read_period(given: Args<'_>) -> Result<Option<u32>, Fault> {
    let period = given.count("Period", 1..=MAX_PERIOD, "ValidationError")?;
    match period {
        Some(period) if period % 60 != 0 => Err(validation(format!(
            "Period must be a multiple of 60 for standard resolution metrics, not {period}."
        ))),
        Some(_) | None => Ok(period),
    }
}

fn read_metric_stat(given: Args<'_>) -> Result<MetricStat, Fault> {
    let metric = given
        .structure("Metric")
        .ok_or_else(|| validation("The parameter MetricStat.Metric is required."))?;
    let stat = given
        .filled("Stat")
        .and_then(Stat::parse)
        .ok_or_else(|| validation("The value for parameter MetricStat.Stat is not supported."))?;
    let period =
        read_period(given)?.ok_or_else(|| validation("The parameter MetricStat.Period is required."))?;
    read_metric(metric, stat, period, given.owned("Unit"))
}

/// Reads namespace, name and dimensions.
pub(super) fn read_metric(
    metric: Args<'_>,
    stat: Stat,
    period_seconds: u32,
    unit: Option<String>,
) -> Result<MetricStat, Fault> {
    let needed = |name: &str| {
        metric
            .filled(name)
            .map(str::to_owned)
            .ok_or_else(|| validation(format!("The parameter {name} is required.")))
    };
    let mut dimensions = Dimensions::new();
    for dimension in metric.structures("Dimensions") {
        match (dimension.filled("Name"), dimension.filled("Value")) {
            (Some(name), Some(value)) => {
                dimensions.insert(name.to_owned(), value.to_owned());
            }
            (Some(_), None) | (None, _) => {
                return Err(validation("A dimension must have a name and a value."));
            }
        }
    }
    Ok(MetricStat {
        namespace: needed("Namespace")?,
        name: needed("MetricName")?,
        dimensions,
        period_seconds,
        stat,
        unit,
    })
}

pub(super) fn write_dimensions(dimensions: &Dimensions) -> Value {
    dimensions
        .iter()
        .map(|(name, value)| json!({"Name": name, "Value": value}))
        .collect()
}

/// A query as `DescribeAlarms` writes it.
pub(super) fn write(query: &Query, period: u32) -> Value {
    let mut value = Map::from_iter([
        ("Id".to_owned(), json!(query.id)),
        ("ReturnData".to_owned(), json!(query.return_data)),
    ]);
    if let Some(label) = &query.label {
        value.insert("Label".to_owned(), json!(label));
    }
    match &query.source {
        Source::Metric(stat) => {
            let mut metric_stat = Map::from_iter([
                (
                    "Metric".to_owned(),
                    object([
                        ("Namespace", json!(stat.namespace)),
                        ("MetricName", json!(stat.name)),
                        ("Dimensions", write_dimensions(&stat.dimensions)),
                    ]),
                ),
                ("Period".to_owned(), json!(stat.period_seconds)),
                ("Stat".to_owned(), json!(stat.stat.text())),
            ]);
            if let Some(unit) = &stat.unit {
                metric_stat.insert("Unit".to_owned(), json!(unit));
            }
            value.insert("MetricStat".to_owned(), Value::Object(metric_stat));
        }
        Source::Math(expression) => {
            value.insert("Expression".to_owned(), json!(expression));
            value.insert("Period".to_owned(), json!(period));
        }
    }
    Value::Object(value)
}
