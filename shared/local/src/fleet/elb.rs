//! Elastic Load Balancing v2: load balancers, listeners, rules with weighted
//! forward actions, target groups and the health of their targets.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::traffic::Window;
use super::{Fleet, after};

/// The largest weight of a target group in a forward action (ELBv2 API
/// reference, `TargetGroupTuple`).
pub const MAX_WEIGHT: u16 = 999;

/// An application load balancer; its key in the fleet is its ARN.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadBalancer {
    /// Its name.
    pub name: String,
    /// Its dimension in CloudWatch (`app/name/id`).
    pub dimension: String,
    /// Its host name.
    pub dns_name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// What it answered by itself in the minute under way.
    pub(crate) window: Window,
}

/// A listener; its key in the fleet is its ARN.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listener {
    /// ARN of its load balancer.
    pub load_balancer: String,
    /// Its port.
    pub port: u16,
    /// Its security policy, where it speaks HTTPS.
    #[serde(default)]
    pub policy: Option<String>,
}

/// One target group of a forward action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Forward {
    /// ARN of the target group.
    pub target_group: String,
    /// Its weight, 0 to [`MAX_WEIGHT`].
    pub weight: u16,
    /// Fraction of a request that the last step left over.
    pub(crate) carry: f64,
}

/// What a rule does with a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum RuleAction {
    /// Forwards it, by weight.
    Forward {
        /// Where to.
        targets: Vec<Forward>,
        /// `Enabled` of the group stickiness.
        sticky: bool,
        /// `DurationSeconds` of the group stickiness, if it was given.
        sticky_seconds: Option<u32>,
    },
    /// Answers by itself with this HTTP status.
    Fixed(u16),
}

/// A rule of a listener; its key in the fleet is its ARN.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// ARN of its listener.
    pub listener: String,
    /// Its priority; `None` for the default rule.
    pub priority: Option<u32>,
    /// Path patterns that it matches.
    pub paths: Vec<String>,
    /// What it does.
    pub action: RuleAction,
    /// Requests that it matches, per second.
    pub requests_per_second: f64,
}

impl Rule {
    /// Its target groups with their weights; none where it does not forward.
    pub fn forwards(&self) -> &[Forward] {
        match &self.action {
            RuleAction::Forward { targets, .. } => targets,
            RuleAction::Fixed(_) => &[],
        }
    }
}

/// A change of the weights between two slots, for checkers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightChange {
    /// When it was made.
    pub at: Timestamp,
    /// ARN of the rule.
    pub rule: String,
    /// Weight of the target group whose name ends in `-blue`.
    pub blue: u16,
    /// Weight of the target group whose name ends in `-green`.
    pub green: u16,
    /// Every weight by the name of its target group.
    pub weights: BTreeMap<String, u16>,
}

/// Health check settings of a target group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// Path that is asked for.
    pub path: String,
    /// Seconds between two checks.
    pub interval_seconds: u32,
    /// Seconds that an answer may take.
    pub timeout_seconds: u32,
    /// Good checks in a row that make a target healthy.
    pub healthy_threshold: u32,
    /// Bad checks in a row that make a target unhealthy.
    pub unhealthy_threshold: u32,
    /// HTTP codes that count as good.
    pub matcher: String,
}

impl Default for HealthCheck {
    fn default() -> Self {
        Self {
            path: "/health".to_owned(),
            interval_seconds: 10,
            timeout_seconds: 5,
            healthy_threshold: 2,
            unhealthy_threshold: 2,
            matcher: "200".to_owned(),
        }
    }
}

/// Health of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TargetState {
    /// Registered; not enough checks yet.
    Initial,
    /// Takes requests.
    Healthy,
    /// Fails its checks.
    Unhealthy,
    /// Deregistered; finishing its requests.
    Draining,
}

impl TargetState {
    /// AWS's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::Draining => "draining",
        }
    }
}

/// A target; its key in the target group is its address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Its port.
    pub port: u16,
    /// ARN of the task behind it.
    pub task: String,
    /// Its health.
    pub state: TargetState,
    /// When its checks pass: from this instant on. `None`: never.
    pub(crate) answers_from: Option<Timestamp>,
    /// When the present run of equal checks began.
    pub(crate) streak_from: Timestamp,
    /// Whether that run is of good checks.
    pub(crate) streak_passes: bool,
}

/// A target group; its key in the fleet is its ARN.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetGroup {
    /// Its name.
    pub name: String,
    /// Its dimension in CloudWatch (`targetgroup/name/id`).
    pub dimension: String,
    /// Its port.
    pub port: u16,
    /// How its targets are checked.
    pub health_check: HealthCheck,
    /// Seconds that a deregistered target is given to finish.
    pub drain_seconds: u32,
    /// Its targets by address.
    pub targets: BTreeMap<String, Target>,
    /// Since when each version (by digest) has had the share of the traffic
    /// from which on it errs.
    pub(crate) exposed: BTreeMap<String, Timestamp>,
    /// What it served in the minute under way.
    pub(crate) window: Window,
}

impl TargetGroup {
    /// How many of its targets are healthy.
    pub fn healthy_count(&self) -> usize {
        self.count(TargetState::Healthy)
    }

    /// How many of its targets are in a state.
    pub(crate) fn count(&self, state: TargetState) -> usize {
        self.targets
            .values()
            .filter(|target| target.state == state)
            .count()
    }
}

impl HealthCheck {
    /// Instant at which a run of equal checks changes a target's state.
    fn decided_at(&self, target: &Target) -> Timestamp {
        let checks = if target.streak_passes {
            self.healthy_threshold
        } else {
            self.unhealthy_threshold
        };
        after(
            target.streak_from,
            i64::from(checks) * i64::from(self.interval_seconds),
        )
    }
}

impl Target {
    /// Whether its checks pass at an instant.
    fn passes(&self, now: Timestamp) -> bool {
        self.answers_from.is_some_and(|from| now >= from)
    }

    /// The state that its present run of checks leads to.
    fn heading(&self) -> TargetState {
        if self.streak_passes {
            TargetState::Healthy
        } else {
            TargetState::Unhealthy
        }
    }

    /// The next instant at which its health may change.
    fn next_change(&self, check: &HealthCheck, now: Timestamp) -> Option<Timestamp> {
        if self.state == TargetState::Draining {
            return None;
        }
        let turn = self.answers_from.filter(|from| *from > now);
        let decided = (self.heading() != self.state).then(|| check.decided_at(self));
        [turn, decided].into_iter().flatten().min()
    }
}

impl TargetGroup {
    /// Brings the health of its targets up to an instant and returns those that
    /// changed: address, task and new state.
    pub(crate) fn check_targets(&mut self, now: Timestamp) -> Vec<(String, TargetState)> {
        let mut changed = Vec::new();
        for target in self.targets.values_mut() {
            if target.state == TargetState::Draining {
                continue;
            }
            let passes = target.passes(now);
            if passes != target.streak_passes {
                target.streak_passes = passes;
                target.streak_from = now;
            }
            let heading = target.heading();
            if heading != target.state && now >= self.health_check.decided_at(target) {
                target.state = heading;
                changed.push((target.task.clone(), heading));
            }
        }
        changed
    }

    /// The next instant at which one of its targets may change.
    pub(crate) fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        self.targets
            .values()
            .filter_map(|target| target.next_change(&self.health_check, now))
            .min()
    }
}

impl Fleet {
    /// Sets the requests per second of every rule that forwards.
    pub fn set_traffic(&mut self, requests_per_second: f64) {
        for rule in self.rules.values_mut() {
            if !rule.forwards().is_empty() {
                rule.requests_per_second = requests_per_second.clamp(0.0, 1e6);
            }
        }
    }

    /// Sets the requests per second of one rule. Returns `false` where there is
    /// no such rule.
    pub fn set_rule_traffic(&mut self, rule: &str, requests_per_second: f64) -> bool {
        match self.rules.get_mut(rule) {
            Some(rule) => {
                rule.requests_per_second = requests_per_second.clamp(0.0, 1e6);
                true
            }
            None => false,
        }
    }

    /// Sets port and security policy of every listener: with a policy it speaks HTTPS.
    pub fn set_policy(&mut self, port: u16, policy: Option<&str>) {
        for listener in self.listeners.values_mut() {
            listener.port = port;
            listener.policy = policy.map(str::to_owned);
        }
    }

    /// ARN of the target group with a name.
    pub fn target_group_arn(&self, name: &str) -> Option<&str> {
        self.target_groups
            .iter()
            .find(|(_, group)| group.name == name)
            .map(|(arn, _)| arn.as_str())
    }

    /// ARN of the first rule that forwards to a target group.
    pub fn rule_of_target_group(&self, target_group: &str) -> Option<&str> {
        self.rules
            .iter()
            .find(|(_, rule)| {
                rule.forwards()
                    .iter()
                    .any(|forward| forward.target_group == target_group)
            })
            .map(|(arn, _)| arn.as_str())
    }

    /// ARNs of the load balancers whose rules name a target group.
    pub(crate) fn load_balancers_of(&self, target_group: &str) -> Vec<String> {
        let mut arns: Vec<String> = self
            .rules
            .values()
            .filter(|rule| {
                rule.forwards()
                    .iter()
                    .any(|forward| forward.target_group == target_group)
            })
            .filter_map(|rule| Some(self.listeners.get(&rule.listener)?.load_balancer.clone()))
            .collect();
        arns.sort();
        arns.dedup();
        arns
    }

    /// Replaces what a rule does and logs its weights.
    pub(crate) fn set_rule_action(&mut self, arn: &str, action: RuleAction) {
        if let Some(rule) = self.rules.get_mut(arn) {
            rule.action = action;
        }
        self.log_weights(arn);
    }

    /// Writes a rule's present weights to the log.
    pub(crate) fn log_weights(&mut self, arn: &str) {
        let Some(rule) = self.rules.get(arn) else {
            return;
        };
        let weights: BTreeMap<String, u16> = rule
            .forwards()
            .iter()
            .filter_map(|forward| {
                let group = self.target_groups.get(&forward.target_group)?;
                Some((group.name.clone(), forward.weight))
            })
            .collect();
        let of = |suffix: &str| {
            weights
                .iter()
                .find(|(name, _)| name.ends_with(suffix))
                .map_or(0, |(_, weight)| *weight)
        };
        self.weights_log.push(WeightChange {
            at: self.now(),
            rule: arn.to_owned(),
            blue: of("-blue"),
            green: of("-green"),
            weights,
        });
    }
}
