//! The body of a target's dashboard ("Dashboard body structure and syntax", CloudWatch API reference).

use serde_json::{Value, json};

use super::alarm::{BALANCER, PERIOD_SECONDS, mark};
use crate::ids::{Slot, Target};
use crate::place::Place;
use crate::wiring::Wiring;

/// The most alarms of one widget.
const MOST_ALARMS: usize = 100;
/// A dashboard is 24 columns wide.
const WIDTH: u32 = 24;
const HEIGHT: u32 = 6;

/// The name of a target's dashboard.
pub(super) fn name_of(target: &Target) -> String {
    format!("{}-{}", target.service, target.environment)
}

/// What a target's dashboard shows: how to take it back, its alarms, and for each slot its traffic, its
/// latency and its tasks.
pub(super) fn body(target: &Target, wiring: &Wiring, alarms: &[String], place: &Place) -> String {
    let mut board = Board {
        place,
        widgets: Vec::new(),
        row: 0,
    };
    board.head(target, wiring, alarms);
    for slot in wiring.services.keys() {
        board.slot(wiring, *slot);
    }
    json!({ "widgets": board.widgets }).to_string()
}

struct Board<'a> {
    place: &'a Place,
    widgets: Vec<Value>,
    row: u32,
}

impl Board<'_> {
    fn head(&mut self, target: &Target, wiring: &Wiring, alarms: &[String]) {
        let text = format!(
            "# {target}\n{} Changes by hand are replaced by the next deployment; take this line out to keep \
             them.\n\nCluster `{}`. Back to the revision before: `tidegate rollback {target}`. What runs: \
             `tidegate get {target}`.",
            mark(target),
            wiring.cluster
        );
        self.row_of([("text", json!({ "markdown": text }))]);
        if !alarms.is_empty() {
            let arns: Vec<String> = alarms
                .iter()
                .take(MOST_ALARMS)
                .map(|name| self.place.alarm(name))
                .collect();
            self.row_of([("alarm", json!({ "title": "Alarms", "alarms": arns }))]);
        }
    }

    fn slot(&mut self, wiring: &Wiring, slot: Slot) {
        let balancer = wiring.balancer.as_ref();
        let group = balancer.and_then(|one| Some((one, one.target_group_dimension(slot)?)));
        if let Some((balancer, group)) = group {
            let of = |name: &str, statistic: &str, label: &str| {
                let dimension = &balancer.load_balancer_dimension;
                metric(
                    BALANCER,
                    name,
                    [("LoadBalancer", dimension), ("TargetGroup", group)],
                    (statistic, label),
                )
            };
            let traffic = [
                of("RequestCount", "Sum", "requests"),
                of("HTTPCode_Target_5XX_Count", "Sum", "5xx"),
                of("TargetConnectionErrorCount", "Sum", "refused"),
            ];
            let latency = [
                of("TargetResponseTime", "p50", "p50"),
                of("TargetResponseTime", "p95", "p95"),
                of("TargetResponseTime", "p99", "p99"),
            ];
            let hosts = [
                of("HealthyHostCount", "Minimum", "healthy"),
                of("UnHealthyHostCount", "Maximum", "unhealthy"),
            ];
            let graphs = [
                self.graph(&format!("{slot}: requests a minute"), &traffic),
                self.graph(&format!("{slot}: latency in seconds"), &latency),
                self.graph(&format!("{slot}: targets"), &hosts),
            ];
            self.row_of(graphs.map(|graph| ("metric", graph)));
        }
        let Some(service) = wiring.services.get(&slot) else {
            return;
        };
        let of = |name: &str, statistic: &str, label: &str| {
            metric(
                "AWS/ECS",
                name,
                [("ClusterName", &wiring.cluster), ("ServiceName", service)],
                (statistic, label),
            )
        };
        // Each running task sends one sample a minute (Amazon ECS Developer Guide, "Service RUNNING task
        // count").
        let tasks = [of("CPUUtilization", "SampleCount", "running tasks")];
        let load = [
            of("CPUUtilization", "Average", "CPU"),
            of("MemoryUtilization", "Average", "memory"),
        ];
        let graphs = [
            self.graph(&format!("{slot}: running tasks of {service}"), &tasks),
            self.graph(&format!("{slot}: CPU and memory in percent"), &load),
        ];
        self.row_of(graphs.map(|graph| ("metric", graph)));
    }

    fn graph(&self, title: &str, metrics: &[Value]) -> Value {
        json!({
            "title": title,
            "region": self.place.region(),
            "view": "timeSeries",
            "stacked": false,
            "period": PERIOD_SECONDS,
            "metrics": metrics,
        })
    }

    /// Widgets side by side.
    fn row_of<const N: usize>(&mut self, widgets: [(&str, Value); N]) {
        let width = WIDTH / u32::try_from(N.max(1)).unwrap_or(1);
        let mut column = 0;
        for (kind, properties) in widgets {
            self.widgets.push(json!({
                "type": kind,
                "x": column,
                "y": self.row,
                "width": width,
                "height": HEIGHT,
                "properties": properties,
            }));
            column += width;
        }
        self.row += HEIGHT;
    }
}

fn metric(
    namespace: &str,
    name: &str,
    dimensions: [(&str, &str); 2],
    (statistic, label): (&str, &str),
) -> Value {
    let [(first, one), (second, other)] = dimensions;
    json!([namespace, name, first, one, second, other, { "stat": statistic, "label": label }])
}
