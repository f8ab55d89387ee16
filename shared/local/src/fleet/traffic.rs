//! Traffic: requests by weight to the healthy targets of each slot, what they
//! answer, and the metrics that follow from it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::elb::TargetState;
use super::metrics::{Dimensions, MINUTE, Point};
use super::{Fleet, Settings, random};

/// Response times of a version as parts of its 99th percentile, and the share
/// of the requests that takes each. The cumulative share reaches 99 % within
/// the last band, so that p99 is exactly what the behaviour says.
const LATENCY_BANDS: [(f64, f64); 4] = [(0.25, 0.5), (0.45, 0.4), (0.75, 0.08), (1.0, 0.02)];

/// What was served since a minute began.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Window {
    /// Requests that reached a target.
    pub(crate) requests: u64,
    /// Answers 2xx.
    pub(crate) ok: u64,
    /// Answers 5xx of targets.
    pub(crate) errors: u64,
    /// Answers 503 of the load balancer itself.
    pub(crate) refused: u64,
    /// Response times in seconds, with how many requests took them.
    pub(crate) latency: Vec<(f64, f64)>,
    /// Healthy targets, once per step.
    pub(crate) healthy: Vec<f64>,
    /// Unhealthy targets, once per step.
    pub(crate) unhealthy: Vec<f64>,
}

impl Window {
    fn add_latency(&mut self, seconds: f64, requests: f64) {
        match self.latency.iter_mut().find(|(value, _)| *value == seconds) {
            Some((_, weight)) => *weight += requests,
            None => self.latency.push((seconds, requests)),
        }
    }
}

/// What a version has served since the fleet began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Served {
    /// Requests.
    pub requests: u64,
    /// Of these, answered with a 5xx.
    pub errors: u64,
}

/// Versions, each with how many targets it has; `None` is an image of another registry.
pub(super) type Versions = Vec<(Option<super::ImageId>, u64)>;

/// Requests for one target group within a step.
struct Batch {
    target_group: String,
    /// Its share of the rule's traffic, in percent.
    share: f64,
    requests: u64,
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn float(count: u64) -> f64 {
    count as f64
}

/// The whole part of a count that is not negative.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the range of a count"
)]
fn whole(value: f64) -> u64 {
    value.clamp(0.0, 1e15) as u64
}

impl Fleet {
    /// Serves the traffic between two instants, during which nothing changes.
    pub(crate) fn serve_traffic(&mut self, from: Timestamp, to: Timestamp) {
        let seconds = to.duration_since(from).as_secs_f64();
        let rules: Vec<String> = self
            .rules
            .iter()
            .filter(|(_, rule)| !rule.forwards().is_empty())
            .map(|(arn, _)| arn.clone())
            .collect();
        for arn in rules {
            let (load_balancer, batches) = self.split_requests(&arn, seconds);
            for batch in batches {
                self.serve_batch(load_balancer.as_deref(), &batch, from);
            }
        }
        for group in self.target_groups.values_mut() {
            let healthy = float(group.healthy_count() as u64);
            let unhealthy = float(group.count(TargetState::Unhealthy) as u64);
            group.window.healthy.push(healthy);
            group.window.unhealthy.push(unhealthy);
        }
    }

    /// Splits a rule's requests of some seconds by weight. What is less than a
    /// request is carried over, so that the split is exact in the long run.
    fn split_requests(&mut self, arn: &str, seconds: f64) -> (Option<String>, Vec<Batch>) {
        let Some(rule) = self.rules.get_mut(arn) else {
            return (None, Vec::new());
        };
        let load_balancer = self
            .listeners
            .get(&rule.listener)
            .map(|listener| listener.load_balancer.clone());
        let rate = rule.requests_per_second;
        let super::elb::RuleAction::Forward { targets, .. } = &mut rule.action else {
            return (load_balancer, Vec::new());
        };
        let total: f64 = targets.iter().map(|forward| f64::from(forward.weight)).sum();
        let batches = targets
            .iter_mut()
            .map(|forward| {
                let part = if total > 0.0 {
                    f64::from(forward.weight) / total
                } else {
                    0.0
                };
                let exact = rate * seconds * part + forward.carry;
                let requests = whole(exact + 1e-9);
                forward.carry = if part > 0.0 {
                    (exact - float(requests)).max(0.0)
                } else {
                    0.0
                };
                Batch {
                    target_group: forward.target_group.clone(),
                    share: part * 100.0,
                    requests,
                }
            })
            .collect();
        (load_balancer, batches)
    }

    fn serve_batch(&mut self, load_balancer: Option<&str>, batch: &Batch, at: Timestamp) {
        if batch.requests == 0 && batch.share <= 0.0 {
            if let Some(group) = self.target_groups.get_mut(&batch.target_group) {
                group.exposed.clear();
            }
            return;
        }
        let versions = self.versions_behind(&batch.target_group);
        let healthy: u64 = versions.iter().map(|(_, targets)| *targets).sum();
        if healthy == 0 {
            if let Some(found) = load_balancer.and_then(|arn| self.load_balancers.get_mut(arn)) {
                found.window.refused += batch.requests;
            }
            return;
        }
        let mut left = batch.requests;
        let mut targets_left = healthy;
        for (image, targets) in versions {
            let digest = image.as_ref().map_or("elsewhere", |id| id.digest.as_str());
            let requests = left * targets / targets_left.max(1);
            left -= requests;
            targets_left -= targets;
            let behaviour = self.behaviour(image.as_ref());
            let share = batch.share * float(targets) / float(healthy);
            let exposed = self.exposure(
                &batch.target_group,
                digest,
                share > 0.0 && share >= f64::from(behaviour.error_from_weight),
                at,
            );
            let errors = if behaviour.errs(share, exposed) {
                let luck = random::noise(
                    self.seed,
                    &batch.target_group,
                    at.as_millisecond().wrapping_add(targets_left.cast_signed()),
                );
                whole(float(requests) * behaviour.error_percent / 100.0 + luck).min(requests)
            } else {
                0
            };
            let p99 = self.noisy_p99(&batch.target_group, behaviour.p99_ms(share), at);
            self.count_answers(&batch.target_group, digest, requests, errors, p99);
        }
    }

    /// Versions with healthy targets in a group, each with how many; in the
    /// order of their digests. `None` is an image of another registry.
    pub(super) fn versions_behind(&self, target_group: &str) -> Versions {
        let mut versions = Versions::new();
        let Some(group) = self.target_groups.get(target_group) else {
            return versions;
        };
        for target in group.targets.values() {
            if target.state != TargetState::Healthy {
                continue;
            }
            let image = self.tasks.get(&target.task).and_then(|task| task.image.as_ref());
            match versions.iter_mut().find(|(held, _)| held.as_ref() == image) {
                Some((_, count)) => *count += 1,
                None => versions.push((image.cloned(), 1)),
            }
        }
        versions.sort();
        versions
    }

    /// Seconds since a version has had the share from which on it errs.
    fn exposure(&mut self, target_group: &str, digest: &str, exposed: bool, at: Timestamp) -> Option<i64> {
        let group = self.target_groups.get_mut(target_group)?;
        if !exposed {
            group.exposed.remove(digest);
            return None;
        }
        let since = group.exposed.entry(digest.to_owned()).or_insert(at);
        Some(at.duration_since(*since).as_secs())
    }

    /// A percentile with up to 4 percent of noise, the same for a whole minute.
    fn noisy_p99(&self, target_group: &str, p99_ms: f64, at: Timestamp) -> f64 {
        let minute = at.as_second().div_euclid(MINUTE);
        let noise = random::noise(self.seed, target_group, minute);
        ((p99_ms * (0.98 + 0.04 * noise)) * 10.0).round() / 10.0
    }

    fn count_answers(&mut self, target_group: &str, digest: &str, requests: u64, errors: u64, p99_ms: f64) {
        if requests == 0 {
            return;
        }
        let served = match self.served.get_mut(digest) {
            Some(served) => served,
            None => self.served.entry(digest.to_owned()).or_default(),
        };
        served.requests += requests;
        served.errors += errors;
        let Some(group) = self.target_groups.get_mut(target_group) else {
            return;
        };
        let window = &mut group.window;
        window.requests += requests;
        window.ok += requests - errors;
        window.errors += errors;
        for (part, share) in LATENCY_BANDS {
            window.add_latency(p99_ms * part / 1000.0, float(requests) * share);
        }
    }

    /// Writes the minute that ended at a Unix second to the metrics.
    pub(crate) fn flush_minute(&mut self, ended: i64) {
        let minute = ended - MINUTE;
        let mut windows: BTreeMap<String, Window> = self
            .load_balancers
            .iter_mut()
            .map(|(arn, balancer)| (arn.clone(), std::mem::take(&mut balancer.window)))
            .collect();
        let groups: Vec<(String, String, Window)> = self
            .target_groups
            .iter_mut()
            .map(|(arn, group)| {
                (
                    arn.clone(),
                    group.dimension.clone(),
                    std::mem::take(&mut group.window),
                )
            })
            .collect();
        if self.settings.metrics_missing {
            return;
        }
        for (arn, dimension, window) in groups {
            for balancer_arn in self.load_balancers_of(&arn) {
                let Some(balancer) = self.load_balancers.get(&balancer_arn) else {
                    continue;
                };
                let dimensions = Dimensions::from([
                    ("LoadBalancer".to_owned(), balancer.dimension.clone()),
                    ("TargetGroup".to_owned(), dimension.clone()),
                ]);
                self.record_window(&dimensions, minute, &window);
                let total = windows.entry(balancer_arn).or_default();
                total.requests += window.requests;
                total.ok += window.ok;
                total.errors += window.errors;
                for (seconds, requests) in &window.latency {
                    total.add_latency(*seconds, *requests);
                }
            }
        }
        for (arn, window) in windows {
            let Some(balancer) = self.load_balancers.get(&arn) else {
                continue;
            };
            let dimensions = Dimensions::from([("LoadBalancer".to_owned(), balancer.dimension.clone())]);
            self.record_window(&dimensions, minute, &window);
        }
        self.metrics.prune(ended);
    }

    /// Writes one minute's metrics. Counts of zero are not reported (Elastic
    /// Load Balancing user guide, "CloudWatch metrics for your Application Load
    /// Balancer": reporting criteria "there is a nonzero value").
    fn record_window(&mut self, dimensions: &Dimensions, minute: i64, window: &Window) {
        let counts = [
            ("RequestCount", window.requests),
            ("HTTPCode_Target_2XX_Count", window.ok),
            ("HTTPCode_Target_5XX_Count", window.errors),
            ("HTTPCode_ELB_5XX_Count", window.refused),
            ("HTTPCode_ELB_503_Count", window.refused),
        ];
        for (name, count) in counts {
            if count > 0 {
                let point = Point::counted(float(count));
                self.metrics.record(ALB, name, dimensions, minute, &point);
            }
        }
        let gauges = [
            ("HealthyHostCount", &window.healthy),
            ("UnHealthyHostCount", &window.unhealthy),
        ];
        for (name, values) in gauges {
            let samples = values.iter().map(|value| (*value, 1.0)).collect();
            if let Some(mut point) = Point::from_samples(samples) {
                // Percentiles of host counts are nothing that anyone asks for.
                point.samples.clear();
                self.metrics.record(ALB, name, dimensions, minute, &point);
            }
        }
        if let Some(point) = Point::from_samples(window.latency.clone()) {
            self.metrics
                .record(ALB, "TargetResponseTime", dimensions, minute, &point);
        }
    }

    /// Records a value of one's own metric, in the minute under way.
    pub fn put_metric(&mut self, namespace: &str, name: &str, dimensions: &Dimensions, value: f64) {
        let minute = self.now().as_second().div_euclid(MINUTE) * MINUTE;
        if !self.settings.metrics_missing {
            self.metrics
                .record(namespace, name, dimensions, minute, &Point::of(value));
        }
    }
}

/// Namespace of an application load balancer's metrics.
pub(crate) const ALB: &str = "AWS/ApplicationELB";

impl Settings {
    /// The Unix second before which metrics are visible, at an instant.
    pub(crate) fn visible_until(&self, now: Timestamp) -> i64 {
        let seconds = now
            .as_second()
            .saturating_sub(i64::from(self.metrics_delay_seconds));
        seconds.div_euclid(MINUTE) * MINUTE
    }
}
