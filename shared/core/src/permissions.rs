//! What the functions of Tidegate must be allowed to do for a plan, and what AWS says to that, before
//! anything is touched.
//!
//! Only what changes or starts something is in it: what can't be read shows in the plan phase.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::change::flags::FlagsPlace;
use crate::change::{Change, Monitored, Source, StackWork, Work};
use crate::deployment::{Deployment, Plan, Traffic};
use crate::exit::Missing;
use crate::phases::SMOKE;
use crate::place::Place;

/// ECS's tasks, as the service to which roles are given (IAM's service principals).
const TASKS: &str = "ecs-tasks.amazonaws.com";
const PREPARE: &str = "prepare";
const SHIFT: &str = "shift";
const ROLLBACK: &str = "rollback";
const COMPLETE: &str = "complete";
const NOTIFY: &str = "notify";
const SWEEP: &str = "sweep";
/// AppConfig's strategy with which flags are taken back: an id of a strategy that AWS has made.
const ALL_AT_ONCE: &str = "AppConfig.AllAtOnce";
/// So many denials are told at once.
const MOST_TOLD: usize = 5;

/// One thing that one function must be allowed to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// Whose: `shift`. Its role is asked about.
    pub function: &'static str,
    /// Action of IAM, such as `ecs:UpdateService`.
    pub action: &'static str,
    /// ARN.
    pub resource: String,
    /// Key and value of what the request will say besides, where policies look at it.
    pub context: Option<(&'static str, String)>,
}

/// Why a permission is not there (IAM API Reference, `EvaluationResult`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// No policy allows it.
    Implicit,
    /// A policy denies it.
    Explicit,
    /// A service control policy of the organization does not let it through.
    Organization,
    /// The role's permissions boundary does not let it through.
    Boundary,
}

impl Denial {
    const fn words(self) -> &'static str {
        match self {
            Self::Implicit => "no policy allows it",
            Self::Explicit => "a policy denies it",
            Self::Organization => "a service control policy of the organization does not allow it",
            Self::Boundary => "the role's permissions boundary does not allow it",
        }
    }
}

/// Roles that are given to tasks, by the task definition that names them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskRoles(pub BTreeMap<String, BTreeSet<String>>);

/// What only AWS and Tidegate's own stack can tell of what a plan needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Known {
    /// Roles of the tasks that will run.
    pub roles: TaskRoles,
    /// Where the flags of the file are: their ARNs have ids of AppConfig's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flags: Option<FlagsPlace>,
    /// Where contracts are scheduled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedules: Option<Schedules>,
}

/// Where schedules of EventBridge Scheduler are made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedules {
    /// Name of their group.
    pub group: String,
    /// ARN of the role that Scheduler gets.
    pub role: String,
}

/// The task definitions whose tasks a plan starts: their roles are given to them.
pub fn task_definitions<'a>(
    deployment: &Deployment,
    running: impl Iterator<Item = &'a str>,
) -> BTreeSet<String> {
    let suites = deployment.spec.task_suites().into_iter();
    let suites = suites.map(|suite| suite.family(&deployment.target));
    let terraform = deployment.spec.infrastructure.iter();
    let terraform = terraform.filter_map(|one| one.terraform.as_ref());
    let terraform = terraform.map(|one| one.work.task_definition.clone());
    suites
        .chain(terraform)
        .chain(running.map(str::to_owned))
        .collect()
}

/// Everything that the functions must be allowed for a plan, each once and in order; nothing where no ARN
/// says in which account it is.
pub fn needed(deployment: &Deployment, plan: &Plan, known: &Known) -> BTreeSet<Permission> {
    let Some(place) = place(plan) else {
        return BTreeSet::new();
    };
    let mut needs = Needs {
        deployment,
        plan,
        known,
        place,
        found: BTreeSet::new(),
    };
    needs.revision();
    needs.traffic();
    needs.suites();
    for change in &plan.changes {
        needs.change(change);
    }
    needs.afterwards();
    needs.found
}

/// Where the target is, by its rule or by what runs there.
pub fn place(plan: &Plan) -> Option<Place> {
    let stable = plan.stable.as_ref().map(|stable| stable.task_definition.as_str());
    let rule = plan.wiring.balancer.as_ref().map(|one| one.rule_arn.as_str());
    [rule, stable].into_iter().flatten().find_map(Place::of)
}

struct Needs<'a> {
    deployment: &'a Deployment,
    plan: &'a Plan,
    known: &'a Known,
    place: Place,
    found: BTreeSet<Permission>,
}

impl Needs<'_> {
    fn add(&mut self, function: &'static str, action: &'static str, resource: String) {
        self.add_with(function, action, resource, None);
    }

    fn add_with(
        &mut self,
        function: &'static str,
        action: &'static str,
        resource: String,
        context: Option<(&'static str, String)>,
    ) {
        self.found.insert(Permission {
            function,
            action,
            resource,
            context,
        });
    }

    /// The candidate's task definition is stable's with another image.
    fn revision(&mut self) {
        if let Some(stable) = &self.plan.stable {
            let copy = self.place.task_definition(&stable.task_definition);
            self.add(PREPARE, "ecs:RegisterTaskDefinition", copy.clone());
            // It says on it which deployment has registered it.
            let registering = ("ecs:CreateAction", "RegisterTaskDefinition".to_owned());
            self.add_with(PREPARE, "ecs:TagResource", copy, Some(registering));
            self.pass_roles(PREPARE, &stable.task_definition);
        }
    }

    /// Forward and back: what may not be taken back is not begun.
    fn traffic(&mut self) {
        let plan = self.plan;
        for name in plan.wiring.services.values() {
            let service = self.place.ecs_service(&plan.wiring.cluster, name);
            for function in [SHIFT, ROLLBACK] {
                self.add(function, "ecs:UpdateService", service.clone());
            }
            // The old tasks are stopped once nothing returns to them.
            if plan.wiring.services.len() > 1 {
                self.add(SWEEP, "ecs:UpdateService", service);
            }
        }
        if let Some(stable) = &plan.stable {
            for function in [SHIFT, ROLLBACK] {
                self.pass_roles(function, &stable.task_definition);
            }
        }
        let Some(balancer) = &plan.wiring.balancer else {
            return;
        };
        if plan.traffic == Traffic::Weighted {
            for function in [SHIFT, ROLLBACK] {
                let rule = balancer.rule_arn.clone();
                self.add(function, "elasticloadbalancing:ModifyRule", rule);
            }
        }
        if let Some(group) = balancer.target_groups.get(&plan.candidate) {
            let group = group.clone();
            self.add(PREPARE, "elasticloadbalancing:ModifyTargetGroup", group);
        }
    }

    fn suites(&mut self) {
        let deployment = self.deployment;
        for suite in &deployment.spec.post_deployment_tests {
            let function = match suite.0 == SMOKE {
                true => SHIFT,
                false => "validate",
            };
            match deployment.spec.suite_functions.get(suite) {
                Some(called) => {
                    let called = self.place.function(&called.function);
                    self.add(function, "lambda:InvokeFunction", called);
                }
                None => self.run(function, &suite.family(&deployment.target)),
            }
        }
    }

    fn change(&mut self, change: &Change) {
        let (function, place) = (change.phase.as_str(), self.place.clone());
        match &change.work {
            Work::Run { .. } => {
                if let Some(stable) = &self.plan.stable {
                    self.run(function, &stable.task_definition);
                }
            }
            Work::Index { index, .. } => {
                self.add(function, "dynamodb:UpdateTable", place.table(&index.table))
            }
            Work::Backup { source } => self.backup(function, source),
            Work::SuspendScaling { .. } => self.add_with(
                function,
                "application-autoscaling:RegisterScalableTarget",
                place.scalable_target(),
                Some(("application-autoscaling:service-namespace", "ecs".to_owned())),
            ),
            Work::SetParameter { name, .. } => {
                for action in ["ssm:PutParameter", "ssm:DeleteParameter"] {
                    self.add(function, action, place.parameter(name));
                }
            }
            Work::Stack { stack } => self.stack(function, stack),
            Work::Terraform { terraform } => self.run(function, &terraform.task_definition),
            Work::Analyze { analyzer } => {
                let called = place.function(&analyzer.function);
                self.add(function, "lambda:InvokeFunction", called);
            }
            Work::Monitor { name, wanted } => {
                let (actions, resource) = match wanted {
                    Monitored::Dashboard { .. } => (
                        ["cloudwatch:PutDashboard", "cloudwatch:DeleteDashboards"],
                        place.dashboard_arn(name),
                    ),
                    Monitored::Alarm { .. } => (
                        ["cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"],
                        place.alarm(name),
                    ),
                    Monitored::Retention { .. } => (
                        ["logs:PutRetentionPolicy", "logs:DeleteRetentionPolicy"],
                        place.log_group_arn(name),
                    ),
                };
                for action in actions {
                    self.add(function, action, resource.clone());
                }
            }
            Work::TestAlarm { name, .. } => {
                for action in [
                    "cloudwatch:DeleteAlarms",
                    "cloudwatch:PutMetricAlarm",
                    "cloudwatch:SetAlarmState",
                ] {
                    self.add(function, action, place.alarm(name));
                }
            }
            Work::SetFlags { .. } => self.flags(function),
            Work::Verify { .. } => {}
        }
    }

    /// A snapshot is a resource of its own, and says on it which deployment has taken it.
    fn backup(&mut self, function: &'static str, source: &Source) {
        let name = source.backup_name(self.deployment.id.as_str(), self.deployment.requested_at);
        let place = self.place.clone();
        let (action, of, snapshot) = match source {
            Source::Table(name) => {
                return self.add(function, "dynamodb:CreateBackup", place.table(name));
            }
            Source::Database(database) => {
                let snapshot = place.snapshot(&name);
                ("rds:CreateDBSnapshot", place.database(database), snapshot)
            }
            Source::Cluster(cluster) => {
                let of = place.cluster_of_databases(cluster);
                let snapshot = place.cluster_snapshot(&name);
                ("rds:CreateDBClusterSnapshot", of, snapshot)
            }
        };
        for resource in [of, snapshot.clone()] {
            self.add(function, action, resource);
        }
        self.add(function, "rds:AddTagsToResource", snapshot);
    }

    fn stack(&mut self, function: &'static str, stack: &StackWork) {
        let drift = stack.drift.then_some("cloudformation:DetectStackDrift");
        let always = [
            "cloudformation:CancelUpdateStack",
            "cloudformation:CreateChangeSet",
            "cloudformation:ExecuteChangeSet",
        ];
        for action in always.into_iter().chain(drift) {
            self.add(function, action, self.place.stack(&stack.name));
        }
        if let Some(role) = &stack.role {
            self.pass(function, role, "cloudformation.amazonaws.com");
        }
    }

    /// Resources by action are those of the Service Authorization Reference, "AWS AppConfig".
    fn flags(&mut self, function: &'static str) {
        let known = self.known;
        let Some(flags) = &known.flags else {
            return;
        };
        let application = self.place.flags(&flags.application);
        let environment = format!("{application}/environment/{}", flags.environment);
        let profile = format!("{application}/configurationprofile/{}", flags.profile);
        for resource in [&application, &profile] {
            self.add(
                function,
                "appconfig:CreateHostedConfigurationVersion",
                resource.clone(),
            );
        }
        let strategy = self.place.flags_strategy(&flags.strategy);
        // The way back is by this one.
        let back = self.place.flags_strategy(ALL_AT_ONCE);
        for resource in [&application, &environment, &profile, &strategy, &back] {
            self.add(function, "appconfig:StartDeployment", resource.clone());
        }
        // The number of the deployment says nothing.
        let deployment = format!("{environment}/deployment/1");
        for resource in [application, environment, deployment] {
            self.add(function, "appconfig:StopDeployment", resource);
        }
    }

    /// What follows once the deployment is over.
    fn afterwards(&mut self) {
        let (deployment, known) = (self.deployment, self.known);
        if let (Some(_), Some(schedules)) = (&self.plan.contract, &known.schedules) {
            // What else is in the name says nothing.
            let schedule = self.place.schedule(&schedules.group, deployment.id.as_str());
            self.add(COMPLETE, "scheduler:CreateSchedule", schedule);
            self.pass(COMPLETE, &schedules.role, "scheduler.amazonaws.com");
        }
        if let Some(store) = &deployment.spec.report {
            let report = format!("{}report.md", store.prefix_of(deployment));
            let report = self.place.object(&store.bucket, &report);
            self.add(NOTIFY, "s3:PutObject", report);
        }
    }

    /// A task, with the roles that it gets.
    fn run(&mut self, function: &'static str, definition: &str) {
        let cluster = self.place.cluster(&self.plan.wiring.cluster);
        let task = self.place.task_definition(definition);
        self.add_with(function, "ecs:RunTask", task, Some(("ecs:cluster", cluster)));
        self.pass_roles(function, definition);
    }

    fn pass_roles(&mut self, function: &'static str, definition: &str) {
        let known = self.known;
        let roles = known.roles.0.get(definition);
        for role in roles.into_iter().flatten() {
            self.pass(function, role, TASKS);
        }
    }

    fn pass(&mut self, function: &'static str, role: &str, to: &str) {
        let to = Some(("iam:PassedToService", to.to_owned()));
        self.add_with(function, "iam:PassRole", role.to_owned(), to);
    }
}

/// What is missing where roles are not known.
pub fn unknown(functions: &BTreeSet<&str>) -> Vec<Missing> {
    let one = |function: &&str| {
        Missing::new(
            format!("the role of the function `{function}`, which `checkPermissions` asks IAM about"),
            "update Tidegate's stack, whose function `plan` does not know it".to_owned(),
        )
    };
    functions.iter().map(one).collect()
}

/// What is missing, with what to do about it.
pub fn missing(denied: &[(Permission, Denial)]) -> Vec<Missing> {
    let told = denied.iter().take(MOST_TOLD).map(|(permission, denial)| {
        let Permission {
            function,
            action,
            resource,
            context: _,
        } = permission;
        let remedy = match denial {
            Denial::Implicit => match widened_by(action, function) {
                Some(parameter) => format!("widen the parameter `{parameter}` of Tidegate's stack, or name in the file what it covers"),
                None => "add it to the role".to_owned(),
            },
            Denial::Explicit | Denial::Organization | Denial::Boundary => {
                "ask whoever keeps that policy, or deploy what does not need it".to_owned()
            }
        };
        Missing::new(
            format!(
                "the permission {action} on {resource} for the function `{}`: {}",
                function,
                denial.words()
            ),
            remedy,
        )
    });
    let mut missing: Vec<Missing> = told.collect();
    if let Some(more) = denied.len().checked_sub(MOST_TOLD).filter(|more| *more > 0) {
        missing.push(Missing::new(
            format!("{more} permissions more"),
            "mend those first".to_owned(),
        ));
    }
    missing
}

/// The parameter of `infra/template.yaml` whose pattern the resource of an action must fit.
fn widened_by(action: &str, function: &str) -> Option<&'static str> {
    Some(match (action, function) {
        ("ecs:RunTask", "infrastructure") => "TerraformPattern",
        // The families of suites are by the rule of their names.
        ("ecs:RunTask", SHIFT | "validate") => return None,
        ("ecs:UpdateService" | "ecs:RegisterTaskDefinition" | "ecs:RunTask" | "ecs:TagResource", _) => {
            "ServicePattern"
        }
        ("elasticloadbalancing:ModifyRule", _) => "LoadBalancerPattern",
        ("elasticloadbalancing:ModifyTargetGroup", _) => "TargetGroupPattern",
        ("dynamodb:CreateBackup", _) => "TablePattern",
        ("dynamodb:UpdateTable", _) => "IndexTablePattern",
        ("rds:CreateDBSnapshot" | "rds:CreateDBClusterSnapshot", _) => "DatabasePattern",
        ("ssm:PutParameter" | "ssm:DeleteParameter", _) => "ParameterPattern",
        (
            "cloudformation:CancelUpdateStack"
            | "cloudformation:CreateChangeSet"
            | "cloudformation:DetectStackDrift"
            | "cloudformation:ExecuteChangeSet",
            _,
        ) => "StackPattern",
        (
            "appconfig:CreateHostedConfigurationVersion"
            | "appconfig:StartDeployment"
            | "appconfig:StopDeployment",
            _,
        ) => "FlagApplicationPattern",
        ("s3:PutObject", _) => "ReportPattern",
        // Tidegate's stack makes the role that Scheduler gets.
        ("iam:PassRole", COMPLETE) => return None,
        ("iam:PassRole", "infrastructure") => "TerraformRolePattern` or `StackRolePattern",
        ("iam:PassRole", _) => "TaskRolePattern` or `ExecutionRolePattern",
        ("lambda:InvokeFunction", "infrastructure") => "AnalyzerPattern",
        ("lambda:InvokeFunction", _) => "SuiteFunctionPattern",
        _ => return None,
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::contract::ContractPlan;
    use crate::testing::{CANARY, planned};

    fn asked(file: &str) -> BTreeSet<Permission> {
        let deployment = planned(file);
        let mut plan = deployment.plan.clone().unwrap();
        plan.contract = deployment
            .spec
            .contract_after_seconds()
            .map(|after_seconds| ContractPlan {
                changes: Vec::new(),
                after_seconds,
            });
        let definition = plan.stable.as_ref().unwrap().task_definition.clone();
        let role = "arn:aws:iam::123456789012:role/web-task".to_owned();
        let known = Known {
            roles: TaskRoles([(definition, [role].into())].into()),
            flags: Some(FlagsPlace {
                application: "app1".to_owned(),
                environment: "env1".to_owned(),
                profile: "prof1".to_owned(),
                strategy: "quick".to_owned(),
            }),
            schedules: Some(Schedules {
                group: "tidegate".to_owned(),
                role: "arn:aws:iam::123456789012:role/schedules".to_owned(),
            }),
        };
        needed(&deployment, &plan, &known)
    }

    fn lines(asked: &BTreeSet<Permission>) -> Vec<String> {
        let line = |one: &Permission| {
            let resource = one.resource.rsplit(':').next().unwrap_or_default();
            format!("{} {} {resource}", one.function, one.action)
        };
        asked.iter().map(line).collect()
    }

    #[test]
    fn a_plain_canary_needs_the_way_forward_and_the_way_back() {
        let asked = asked(CANARY);
        let lines = lines(&asked);
        for function in ["rollback", "shift"] {
            let of = |line: &&String| line.starts_with(function);
            let own: Vec<&str> = lines
                .iter()
                .filter(of)
                .map(|line| &line[function.len() + 1..])
                .collect();
            assert_eq!(own.len(), 4, "{own:?}");
            assert!(own[0].starts_with("ecs:UpdateService service/"));
            assert!(own[2].starts_with("elasticloadbalancing:ModifyRule listener-rule/"));
            assert_eq!(own[3], "iam:PassRole role/web-task");
        }
        let passed = asked.iter().filter(|one| one.action == "iam:PassRole");
        let context = ("iam:PassedToService", TASKS.to_owned());
        assert!(
            passed
                .into_iter()
                .all(|one| one.context.as_ref() == Some(&context))
        );
    }

    #[test]
    fn every_kind_of_change_asks_for_what_makes_it_and_what_takes_it_back() {
        let file = format!(
            "{CANARY}\
             prepare: {{suspendAutoscaling: true, backups: [{{table: orders}}, {{database: web-db}}, {{cluster: web-cluster}}]}}\n\
             migrations: [{{name: a, command: [up]}}, {{name: b, table: orders, addIndex: {{name: by-b, partitionKey: {{b: S}}}}}}, {{name: c, stage: contract, after: 7d, command: [up]}}]\n\
             configuration: {{parameters: [{{name: /web/size, value: \"3\"}}], flags: {{application: web, environment: production, profile: flags, strategy: Quick, set: {{banner: off}}}}}}\n\
             gates: [{{before: contract, approvals: [{{role: tech-lead}}]}}]\n\
             report: {{bucket: shop-records}}\n\
             infrastructure: {{stack: {{name: shop, template: \"https://templates.s3.amazonaws.com/shop.yaml\", role: \"arn:aws:iam::123456789012:role/shop\", drift: true}}}}\n"
        );
        let lines = lines(&asked(&file));
        for line in [
            "prepare application-autoscaling:RegisterScalableTarget scalable-target/0",
            "configure ssm:PutParameter parameter/web/size",
            "configure ssm:DeleteParameter parameter/web/size",
            "infrastructure cloudformation:CreateChangeSet stack/shop/0",
            "infrastructure cloudformation:ExecuteChangeSet stack/shop/0",
            "infrastructure cloudformation:DetectStackDrift stack/shop/0",
            "prepare dynamodb:CreateBackup table/orders",
            "prepare rds:CreateDBSnapshot web-db",
            "prepare rds:CreateDBClusterSnapshot web-cluster",
            "configure appconfig:CreateHostedConfigurationVersion application/app1",
            "configure appconfig:CreateHostedConfigurationVersion application/app1/configurationprofile/prof1",
            "configure appconfig:StartDeployment application/app1/environment/env1",
            "configure appconfig:StartDeployment deploymentstrategy/quick",
            "configure appconfig:StartDeployment deploymentstrategy/AppConfig.AllAtOnce",
            "configure appconfig:StopDeployment application/app1/environment/env1/deployment/1",
            "complete iam:PassRole role/schedules",
            "sweep ecs:UpdateService service/production/web-blue",
            "infrastructure iam:PassRole role/shop",
            "migrate iam:PassRole role/web-task",
            "migrate dynamodb:UpdateTable table/orders",
        ] {
            assert!(lines.iter().any(|one| one == line), "{line} in {lines:#?}");
        }
        for begin in [
            "migrate ecs:RunTask 1",
            "prepare rds:CreateDBSnapshot tidegate-",
            "prepare rds:CreateDBClusterSnapshot tidegate-",
            "prepare ecs:TagResource 1",
            "complete scheduler:CreateSchedule schedule/tidegate/web-production-",
            "notify s3:PutObject shop-records/",
        ] {
            assert!(
                lines.iter().any(|one| one.starts_with(begin)),
                "{begin} in {lines:#?}"
            );
        }
        let snapshots = lines
            .iter()
            .filter(|one| one.starts_with("prepare rds:AddTagsToResource tidegate-"));
        assert_eq!(snapshots.count(), 2);
    }

    #[test]
    fn the_first_denials_are_told_and_the_others_counted() {
        let denied: Vec<_> = asked(CANARY)
            .into_iter()
            .map(|one| (one, Denial::Implicit))
            .collect();
        let told = missing(&denied);
        assert_eq!(told.len(), MOST_TOLD + 1);
        assert_eq!(
            told[MOST_TOLD].what,
            format!("{} permissions more", denied.len() - MOST_TOLD)
        );
        assert_eq!(missing(&denied[..MOST_TOLD]).len(), MOST_TOLD);
        assert_eq!(missing(&[]), []);
    }

    #[test]
    fn the_remedy_is_where_the_permission_is_kept() {
        let remedy = |denial| {
            let one = Permission {
                function: PREPARE,
                action: "elasticloadbalancing:ModifyTargetGroup",
                resource: "arn".to_owned(),
                context: None,
            };
            missing(&[(one, denial)])[0].remedy.clone()
        };
        assert!(remedy(Denial::Implicit).contains("`TargetGroupPattern`"));
        for denial in [Denial::Explicit, Denial::Organization, Denial::Boundary] {
            assert!(remedy(denial).contains("whoever keeps that policy"));
        }
        assert_eq!(
            unknown(&["shift"].into())[0].what,
            "the role of the function `shift`, which `checkPermissions` asks IAM about"
        );
    }
}
