//! From checked fields to a [`Spec`]: the rules that need more than one value.
//!
//! A function returns `None` only where something that it needs was refused already, so that the file's
//! problems are all reported, each once.

use std::collections::{BTreeMap, BTreeSet};

use super::analyzer;
use super::changes;
use super::configuration;
use super::contracts;
use super::cost;
use super::evidence;
use super::fields::{Fields, Items, Value, defaults};
use super::infrastructure;
use super::keys::{Kind, Section};
use super::model::{
    ApprovalRule, AutoRollback, Consent, Freeze, Gate, GatePhase, HealthCheck, NewerPush, Notifications,
    OnAlarm, Quantity, ReportStore, Resources, Spec, SuiteName, Timeouts, Trigger, Watch,
};
use super::monitoring;
use super::problem::{Draft, ProblemCode, Problems, Span};
use super::scalar::{Scalar, show_duration};
use super::strategy;
use super::table;
use super::validation;
use crate::ids::Role;
use crate::suite::SuiteFunction;

/// Builds the spec of one target.
pub(super) fn spec(fields: &Fields, problems: &mut Problems) -> Option<Spec> {
    // Everything is built before anything is given up, so that all problems are found.
    let strategy = strategy::build(fields, problems);
    let resources = resources(fields, problems);
    let health_check = health_check(fields, problems);
    let auto_rollback = auto_rollback(fields, problems);
    let gates = gates(fields, problems);
    let freezes = freezes(fields, problems);
    let suites = suites(fields, problems);
    let trigger = trigger(fields, problems);
    let evidence = evidence::evidence(fields, problems);
    let hotfix = evidence::hotfix(fields, evidence.as_ref(), problems);
    let prepare = changes::prepare(fields, problems);
    let migrations = changes::migrations(fields, &prepare, problems);
    let watch = watch(fields, problems);
    let analyzer = analyzer::analyzer(fields, problems);
    let infrastructure = infrastructure::infrastructure(fields, problems);
    let configuration = configuration::configuration(fields, problems);
    let monitoring = monitoring::monitoring(fields, problems);
    let validate = validation::validation(fields, problems);
    changes::gates_have_work(fields, &gates, problems);
    let window = auto_rollback.as_ref().map_or(0, |one| one.window_seconds);
    let baked = window.max(watch.map_or(0, |one| one.for_seconds));
    contracts::check(fields, &gates, baked, problems);
    Some(Spec {
        service: fields.name("service"),
        environment: fields.name("environment")?,
        strategy: strategy?,
        replicas: fields.whole("replicas")?,
        resources,
        auto_deploy: fields.flag("autoDeploy")?,
        check_permissions: fields.flag("checkPermissions")?,
        account: fields.text("account").map(str::to_owned),
        trigger: trigger?,
        cluster: fields.text("cluster").map(str::to_owned),
        load_balancer: fields.flag("loadBalancer")?,
        health_check,
        auto_rollback: auto_rollback?,
        gates,
        freezes,
        post_deployment_tests: suites.names,
        suite_functions: suites.functions,
        silent_suites: suites.silent,
        validate,
        watch,
        report: report(fields),
        prepare,
        migrations,
        analyzer,
        infrastructure,
        configuration,
        monitoring,
        cost: cost::cost(fields, problems),
        notifications: notifications(fields),
        timeouts: timeouts(fields)?,
        evidence,
        hotfix,
    })
}

/// Calls `read` with a section, or with its defaults where the file does not have it.
pub(super) fn with_section<T>(
    fields: &Fields,
    parent: &'static Section,
    key: &str,
    read: impl FnOnce(&Fields) -> T,
) -> Option<T> {
    if let Some(section) = fields.section(key) {
        return Some(read(section));
    }
    if fields.is_given(key) {
        return None;
    }
    match parent.key(key).map(|key| &key.kind) {
        Some(Kind::Section(section)) => Some(read(&defaults(section))),
        Some(_) | None => None,
    }
}

fn resources(fields: &Fields, problems: &mut Problems) -> Resources {
    let Some(section) = fields.section("resources") else {
        return Resources::default();
    };
    let quantity = |key: &str| {
        section
            .section(key)
            .map_or_else(Quantity::default, |quantity| Quantity {
                cpu_millis: quantity.whole("cpu"),
                memory_mib: quantity.whole("memory"),
            })
    };
    let (limits, requests) = (quantity("limits"), quantity("requests"));
    let pairs = [
        ("cpu", requests.cpu_millis, limits.cpu_millis),
        ("memory", requests.memory_mib, limits.memory_mib),
    ];
    for (key, request, limit) in pairs {
        let (Some(request), Some(limit)) = (request, limit) else {
            continue;
        };
        if request > limit {
            let place = |section_key: &str| {
                section
                    .section(section_key)
                    .map_or(section.span, |quantity| quantity.value_span(key))
            };
            let message = format!("`resources.requests.{key}` is above `resources.limits.{key}`");
            let draft = Draft::new(ProblemCode::Contradiction, place("requests"), message);
            problems.push(
                draft
                    .also(place("limits"), "the limit")
                    .help("raise the limit or lower the request"),
            );
        }
    }
    Resources { limits, requests }
}

fn trigger(fields: &Fields, problems: &mut Problems) -> Option<Trigger> {
    let read = |section: &Fields| {
        let tags = section.list("tags").map(|tags| distinct(tags, "tag", problems));
        Some(Trigger {
            repository: section.text("repository").map(str::to_owned),
            tags: tags.unwrap_or_else(|| vec!["*".to_owned()]),
            on_newer_push: match section.text("onNewerPush")? {
                "supersede" => NewerPush::Supersede,
                // The table knows these two words only.
                _ => NewerPush::Queue,
            },
        })
    };
    with_section(fields, &table::TARGET, "trigger", read)?
}

/// Room between `timeout` and the interval that follows from it.
const INTERVAL_ABOVE_TIMEOUT_SECONDS: u32 = 5;
/// The interval where the file gives none (ELB's own default).
const DEFAULT_INTERVAL_SECONDS: u32 = 30;

fn health_check(fields: &Fields, problems: &mut Problems) -> Option<HealthCheck> {
    let section = fields.section("healthCheck")?;
    if fields.flag("loadBalancer") == Some(false) {
        let message = "`healthCheck` has no effect without a load balancer";
        let draft = Draft::new(ProblemCode::NoEffect, fields.key_span("healthCheck"), message);
        let help = "tasks are checked by the container health check of the task definition";
        problems.push(draft.help(help).warning());
    }
    let timeout_seconds = section.whole("timeout")?;
    let follows = timeout_seconds.saturating_add(INTERVAL_ABOVE_TIMEOUT_SECONDS);
    let interval_seconds = section.whole("interval").or_else(|| {
        let left_out = !section.is_given("interval");
        left_out.then_some(DEFAULT_INTERVAL_SECONDS.max(follows))
    })?;
    if interval_seconds <= timeout_seconds {
        let (timeout, interval) = (show_duration(timeout_seconds), show_duration(interval_seconds));
        let message = format!("`healthCheck.interval` is {interval}, not above the timeout of {timeout}");
        problems.push(
            Draft::new(
                ProblemCode::Contradiction,
                section.value_span("interval"),
                message,
            )
            .also(section.value_span("timeout"), "the timeout")
            .help(format!(
                "a limit of ELB: write `interval: {}` or more",
                show_duration(follows)
            )),
        );
    }
    Some(HealthCheck {
        path: section.text("path")?.to_owned(),
        initial_delay_seconds: section.whole("initialDelay")?,
        timeout_seconds,
        interval_seconds,
        failure_threshold: section.whole("failureThreshold")?,
    })
}

fn auto_rollback(fields: &Fields, problems: &mut Problems) -> Option<AutoRollback> {
    let load_balancer = fields.flag("loadBalancer") != Some(false);
    let read = |section: &Fields| {
        let mut conditions = Vec::new();
        let mut seen: BTreeMap<String, Span> = BTreeMap::new();
        for (span, scalar) in section.list("conditions").into_iter().flat_map(Items::scalars) {
            let Scalar::Condition(condition) = scalar else {
                continue;
            };
            let text = condition.to_string();
            if !load_balancer {
                problems.push(needs_load_balancer(span, &text));
            }
            if let Some(first) = seen.insert(text.clone(), span) {
                problems.push(duplicate(span, first, &format!("the condition `{text}`")));
            }
            conditions.push(*condition);
        }
        Some(AutoRollback {
            enabled: section.flag("enabled")?,
            conditions,
            alarms: section
                .list("alarms")
                .map(|alarms| distinct(alarms, "alarm", problems)),
            window_seconds: section.whole("window")?,
            bake_seconds: section.whole("bake").filter(|seconds| *seconds > 0),
        })
    };
    with_section(fields, &table::TARGET, "autoRollback", read)?
}

fn report(fields: &Fields) -> Option<ReportStore> {
    let section = fields.section("report")?;
    Some(ReportStore {
        bucket: section.text("bucket")?.to_owned(),
        prefix: section.text("prefix")?.to_owned(),
    })
}

fn watch(fields: &Fields, problems: &mut Problems) -> Option<Watch> {
    let section = fields.section("watch")?;
    let for_seconds = section.whole("for")?;
    let on_alarm = match section.text("onAlarm")? {
        "rollback" => OnAlarm::Rollback,
        // The table knows these two words only.
        _ => OnAlarm::Tell,
    };
    let window = with_section(fields, &table::TARGET, "autoRollback", |rollback| {
        rollback.whole("window")
    });
    if let Some(window) = window.flatten().filter(|window| *window < for_seconds)
        && on_alarm == OnAlarm::Rollback
    {
        let shown = show_duration(window);
        let message = format!(
            "an alarm later than {shown} after completion takes nothing back: the old revision is gone"
        );
        let draft = Draft::new(ProblemCode::NoEffect, section.value_span("onAlarm"), message);
        let help = format!(
            "to keep it as long as it is watched, write `autoRollback: {{window: {}}}`",
            show_duration(for_seconds)
        );
        problems.push(draft.help(help).warning());
    }
    Some(Watch {
        for_seconds,
        on_alarm,
    })
}

/// `approvals` and `expires` of a section that asks people only where its proposal needs it.
pub(super) fn consent(section: &Fields, problems: &mut Problems) -> Option<Consent> {
    section.is_given("approvals").then_some(())?;
    Some(Consent {
        approvals: approvals(section, problems),
        expires_seconds: section.whole("expires")?,
    })
}

/// Whether the file has a gate before a phase.
pub(super) fn is_gated(fields: &Fields, phase: &str) -> bool {
    let gates = fields.list("gates");
    gates.is_some_and(|gates| gates.sections().any(|gate| gate.text("before") == Some(phase)))
}

fn gates(fields: &Fields, problems: &mut Problems) -> Vec<Gate> {
    let mut seen: BTreeMap<GatePhase, Span> = BTreeMap::new();
    let mut gates = Vec::new();
    for section in fields.list("gates").into_iter().flat_map(Items::sections) {
        let approvals = approvals(section, problems);
        let Some(before) = section.text("before").and_then(GatePhase::named) else {
            continue;
        };
        let span = section.value_span("before");
        if let Some(first) = seen.insert(before, span) {
            let what = format!("a gate before `{}`", before.as_str());
            problems.push(duplicate(span, first, &what));
        }
        let Some(expires_seconds) = section.whole("expires") else {
            continue;
        };
        gates.push(Gate {
            before,
            approvals,
            expires_seconds,
        });
    }
    gates
}

pub(super) fn approvals(gate: &Fields, problems: &mut Problems) -> Vec<ApprovalRule> {
    let mut seen: BTreeMap<Role, Span> = BTreeMap::new();
    let mut approvals = Vec::new();
    for section in gate.list("approvals").into_iter().flat_map(Items::sections) {
        let Some(role) = section.name::<Role>("role") else {
            continue;
        };
        let span = section.value_span("role");
        if let Some(first) = seen.insert(role.clone(), span) {
            problems.push(duplicate(span, first, &format!("the role `{role}`")));
        }
        let Some(count) = section.whole("count") else {
            continue;
        };
        approvals.push(ApprovalRule { role, count });
    }
    approvals
}

fn freezes(fields: &Fields, problems: &mut Problems) -> Vec<Freeze> {
    let mut freezes = Vec::new();
    for section in fields.list("freezes").into_iter().flat_map(Items::sections) {
        let (Some(from), Some(until)) = (section.instant("from"), section.instant("until")) else {
            continue;
        };
        if until <= from {
            let draft = Draft::new(
                ProblemCode::Contradiction,
                section.value_span("until"),
                "the freeze ends before it starts",
            );
            let help = format!("`until` must be later than {from}");
            problems.push(draft.also(section.value_span("from"), "the start").help(help));
        }
        let Some(reason) = section.text("reason") else {
            continue;
        };
        freezes.push(Freeze {
            from,
            until,
            reason: reason.to_owned(),
        });
    }
    freezes
}

/// `postDeploymentTests`.
#[derive(Default)]
struct Suites {
    /// In the order of the file.
    names: Vec<SuiteName>,
    /// Those of them that are functions.
    functions: BTreeMap<SuiteName, SuiteFunction>,
    /// Those that are tasks of which nothing is quoted.
    silent: BTreeSet<SuiteName>,
}

fn suites(fields: &Fields, problems: &mut Problems) -> Suites {
    let mut seen: BTreeMap<SuiteName, Span> = BTreeMap::new();
    let mut suites = Suites::default();
    for (span, value) in fields
        .list("postDeploymentTests")
        .into_iter()
        .flat_map(|list| &list.items)
    {
        let (span, name) = match value {
            Value::Scalar(Scalar::Text(name)) => (*span, name.as_str()),
            Value::Section(item) => match item.text("name") {
                Some(name) => (item.value_span("name"), name),
                None => continue,
            },
            Value::Scalar(_) | Value::List(_) | Value::Map(_) => continue,
        };
        let suite = SuiteName(name.to_owned());
        if let Some(first) = seen.insert(suite.clone(), span) {
            problems.push(duplicate(span, first, &format!("the suite `{name}`")));
        }
        if let Value::Section(item) = value {
            if let Some(function) = suite_function(item) {
                suites.functions.insert(suite.clone(), function);
            } else if !item.is_given("lambda") {
                refuse_keys_of_functions(item, problems);
                if item.flag("logTail") == Some(false) {
                    suites.silent.insert(suite.clone());
                }
            }
        }
        suites.names.push(suite);
    }
    suites
}

/// What only means something of a suite that is a function.
fn refuse_keys_of_functions(item: &Fields, problems: &mut Problems) {
    for key in ["timeout", "retries"] {
        if item.is_given(key) {
            let message = format!("`{key}` is of a suite that is a Lambda function");
            let draft = Draft::new(ProblemCode::Contradiction, item.key_span(key), message);
            problems
                .push(draft.help(
                    "name the function as `lambda`, or set `timeouts.suite` for suites that are tasks",
                ));
        }
    }
}

fn suite_function(item: &Fields) -> Option<SuiteFunction> {
    Some(SuiteFunction {
        function: item.text("lambda")?.to_owned(),
        timeout_seconds: item.whole("timeout")?,
        retries: item.whole("retries")?,
        silent: item.flag("logTail") == Some(false),
    })
}

fn notifications(fields: &Fields) -> Notifications {
    let text = |key: &str| fields.section("notifications")?.text(key).map(str::to_owned);
    Notifications {
        dashboard: text("dashboard"),
        slack_channel: text("slackChannel"),
    }
}

fn timeouts(fields: &Fields) -> Option<Timeouts> {
    let read = |section: &Fields| {
        Some(Timeouts {
            healthy_seconds: section.whole("healthy")?,
            suite_seconds: section.whole("suite")?,
        })
    };
    with_section(fields, &table::TARGET, "timeouts", read)?
}

/// The texts of a list; each may be there once.
pub(super) fn distinct(items: &Items, what: &str, problems: &mut Problems) -> Vec<String> {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    let mut texts = Vec::new();
    for (span, text) in items.texts() {
        if let Some(first) = seen.insert(text, span) {
            problems.push(duplicate(span, first, &format!("the {what} `{text}`")));
        }
        texts.push(text.to_owned());
    }
    texts
}

pub(super) fn duplicate(again: Span, first: Span, what: &str) -> Draft {
    Draft::new(
        ProblemCode::DuplicateValue,
        again,
        format!("{what} is given twice"),
    )
    .also(first, "first given here")
    .help("keep one of the two")
}

pub(super) fn needs_load_balancer(span: Span, what: &str) -> Draft {
    let message = format!("`{what}` is read from the load balancer, and `loadBalancer` is false");
    Draft::new(ProblemCode::NeedsLoadBalancer, span, message)
        .help("use a metric with an `expression` of its own, or a CloudWatch alarm")
}
