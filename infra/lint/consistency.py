"""Compares the template with the code that it deploys, where no linter can.

What it finds would otherwise show only on AWS: a permission that a call needs and its role
lacks, a permission that no code uses, a function without a folder, a variable that nobody sets.
"""

import re
import sys
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"

# Cargo features of tidegate-aws, which are the SDK crates that a function links, and the prefix
# of the IAM actions that go with each.
PREFIX_OF_FEATURE = {
    "appconfig": "appconfig",
    "autoscaling": "application-autoscaling",
    "cloudformation": "cloudformation",
    "cloudwatch": "cloudwatch",
    "costexplorer": "ce",
    "dynamodb": "dynamodb",
    "ecr": "ecr",
    "ecs": "ecs",
    "elbv2": "elasticloadbalancing",
    "lambda": "lambda",
    "logs": "logs",
    "rds": "rds",
    "eventbridge": "events",
    "iam": "iam",
    "s3": "s3",
    "scheduler": "scheduler",
    "sfn": "states",
    "sns": "sns",
    "ssm": "ssm",
}

# Permissions that no SDK call of ours shows: Lambda, ECS and SNS use them on a function's behalf.
ON_BEHALF = {
    "cloudformation:DetectStackResourceDrift",
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
    "ecs:TagResource",
    "iam:PassRole",
    "kms:Decrypt",
    "kms:GenerateDataKey*",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "rds:AddTagsToResource",
    "sqs:SendMessage",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}

# A transaction has no permission of its own; the items in it have.
TRANSACTION_ITEMS = {
    "ConditionCheck::builder()": "dynamodb:ConditionCheckItem",
    "Delete::builder()": "dynamodb:DeleteItem",
    "Put::builder()": "dynamodb:PutItem",
    "Update::builder()": "dynamodb:UpdateItem",
}

# SDK calls by method. `client.query()` and the like; a call that is not here is not looked for.
CALLS = {
    "create_hosted_configuration_version": "appconfig:CreateHostedConfigurationVersion",
    "get_hosted_configuration_version": "appconfig:GetHostedConfigurationVersion",
    "list_applications": "appconfig:ListApplications",
    "list_configuration_profiles": "appconfig:ListConfigurationProfiles",
    "list_deployment_strategies": "appconfig:ListDeploymentStrategies",
    "list_deployments": "appconfig:ListDeployments",
    "list_environments": "appconfig:ListEnvironments",
    "list_hosted_configuration_versions": "appconfig:ListHostedConfigurationVersions",
    "start_deployment": "appconfig:StartDeployment",
    "stop_deployment": "appconfig:StopDeployment",
    "batch_get_item": "dynamodb:BatchGetItem",
    "create_backup": "dynamodb:CreateBackup",
    "delete_item": "dynamodb:DeleteItem",
    "describe_continuous_backups": "dynamodb:DescribeContinuousBackups",
    "describe_table": "dynamodb:DescribeTable",
    "list_backups": "dynamodb:ListBackups",
    "get_item": "dynamodb:GetItem",
    "put_item": "dynamodb:PutItem",
    "query": "dynamodb:Query",
    "scan": "dynamodb:Scan",
    "update_item": "dynamodb:UpdateItem",
    "update_table": "dynamodb:UpdateTable",
    "describe_scalable_targets": "application-autoscaling:DescribeScalableTargets",
    "register_scalable_target": "application-autoscaling:RegisterScalableTarget",
    "cancel_update_stack": "cloudformation:CancelUpdateStack",
    "create_change_set": "cloudformation:CreateChangeSet",
    "describe_change_set": "cloudformation:DescribeChangeSet",
    "describe_stack_events": "cloudformation:DescribeStackEvents",
    "describe_stack_drift_detection_status": "cloudformation:DescribeStackDriftDetectionStatus",
    "describe_stack_resource_drifts": "cloudformation:DescribeStackResourceDrifts",
    "describe_stacks": "cloudformation:DescribeStacks",
    "detect_stack_drift": "cloudformation:DetectStackDrift",
    "execute_change_set": "cloudformation:ExecuteChangeSet",
    "get_template": "cloudformation:GetTemplate",
    "get_template_summary": "cloudformation:GetTemplateSummary",
    "describe_alarm_history": "cloudwatch:DescribeAlarmHistory",
    "describe_alarms": "cloudwatch:DescribeAlarms",
    "delete_alarms": "cloudwatch:DeleteAlarms",
    "delete_dashboards": "cloudwatch:DeleteDashboards",
    "get_dashboard": "cloudwatch:GetDashboard",
    "get_metric_data": "cloudwatch:GetMetricData",
    "put_dashboard": "cloudwatch:PutDashboard",
    "put_metric_alarm": "cloudwatch:PutMetricAlarm",
    "set_alarm_state": "cloudwatch:SetAlarmState",
    "get_anomalies": "ce:GetAnomalies",
    "get_cost_and_usage": "ce:GetCostAndUsage",
    "describe_image_scan_findings": "ecr:DescribeImageScanFindings",
    "describe_images": "ecr:DescribeImages",
    "describe_repositories": "ecr:DescribeRepositories",
    "list_image_referrers": "ecr:ListImageReferrers",
    "describe_clusters": "ecs:DescribeClusters",
    "describe_services": "ecs:DescribeServices",
    "describe_task_definition": "ecs:DescribeTaskDefinition",
    "describe_tasks": "ecs:DescribeTasks",
    "list_task_definitions": "ecs:ListTaskDefinitions",
    "list_tasks": "ecs:ListTasks",
    "register_task_definition": "ecs:RegisterTaskDefinition",
    "run_task": "ecs:RunTask",
    "update_service": "ecs:UpdateService",
    "describe_listeners": "elasticloadbalancing:DescribeListeners",
    "describe_load_balancers": "elasticloadbalancing:DescribeLoadBalancers",
    "describe_rules": "elasticloadbalancing:DescribeRules",
    "describe_target_groups": "elasticloadbalancing:DescribeTargetGroups",
    "describe_target_health": "elasticloadbalancing:DescribeTargetHealth",
    "modify_rule": "elasticloadbalancing:ModifyRule",
    "modify_target_group": "elasticloadbalancing:ModifyTargetGroup",
    "put_events": "events:PutEvents",
    "get_function_configuration": "lambda:GetFunctionConfiguration",
    "invoke": "lambda:InvokeFunction",
    "simulate_principal_policy": "iam:SimulatePrincipalPolicy",
    "delete_retention_policy": "logs:DeleteRetentionPolicy",
    "describe_log_groups": "logs:DescribeLogGroups",
    "get_log_events": "logs:GetLogEvents",
    "put_retention_policy": "logs:PutRetentionPolicy",
    "create_db_cluster_snapshot": "rds:CreateDBClusterSnapshot",
    "create_db_snapshot": "rds:CreateDBSnapshot",
    "describe_db_clusters": "rds:DescribeDBClusters",
    "describe_db_instances": "rds:DescribeDBInstances",
    "describe_db_cluster_snapshots": "rds:DescribeDBClusterSnapshots",
    "describe_db_snapshots": "rds:DescribeDBSnapshots",
    "get_object": "s3:GetObject",
    "head_object": "s3:GetObject",
    "put_object": "s3:PutObject",
    "create_schedule": "scheduler:CreateSchedule",
    "get_schedule": "scheduler:GetSchedule",
    "publish": "sns:Publish",
    "delete_parameter": "ssm:DeleteParameter",
    "get_parameter": "ssm:GetParameter",
    "put_parameter": "ssm:PutParameter",
    "describe_execution": "states:DescribeExecution",
    "send_task_failure": "states:SendTaskFailure",
    "send_task_success": "states:SendTaskSuccess",
    "start_execution": "states:StartExecution",
}


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms: `!Ref X` is read as `{"!Ref": "X"}`."""


def construct_short_form(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {f"!{suffix}": value}


Loader.add_multi_constructor("!", construct_short_form)


def as_list(value):
    return value if isinstance(value, list) else [value]


def statements(resource):
    properties = resource["Properties"]
    documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
    if "PolicyDocument" in properties:
        documents.append(properties["PolicyDocument"])
    return [statement for document in documents for statement in document["Statement"]]


def actions(resource):
    return {action for statement in statements(resource) for action in as_list(statement["Action"])}


def rust(*folders):
    """The code of these folders up to each file's tests."""
    files = sorted(file for folder in folders for file in (ROOT / folder).rglob("*.rs"))
    files = [file for file in files if file.name != "tests.rs" and "tests" not in file.parts[:-1]]
    return "\n".join(file.read_text().split("#[cfg(test)]\nmod ")[0] for file in files)


def calls(code):
    # `.query()` with nothing in it is a call's start; `.describe_rules(x)` would be a function of ours.
    found = {CALLS[name] for name in re.findall(r"\.\s*([a-z_]+)\(\)", code) if name in CALLS}
    # `IndexUpdate::builder()` is no item of a transaction.
    items = TRANSACTION_ITEMS.items()
    return found | {action for text, action in items if re.search(rf"\b{re.escape(text)}", code)}


def functions_of(resources):
    return {
        resource["Properties"]["FunctionName"].removeprefix("tidegate-"): (logical, resource)
        for logical, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def check_folders(functions):
    folders = {manifest.parent.name for manifest in ROOT.glob("functions/*/Cargo.toml")}
    for name in sorted(folders - functions.keys()):
        yield f"functions/{name} is not deployed: the template has no function tidegate-{name}"
    for name in sorted(functions.keys() - folders):
        yield f"function tidegate-{name} has no folder functions/{name}"
    for name, (_, function) in functions.items():
        if function["Properties"]["CodeUri"] != f"../functions/{name}":
            yield f"function tidegate-{name} is built from another folder"


def check_reach(resources, functions):
    """Each function links exactly the SDK crates that its role has permissions for."""
    shared = {action.split(":")[0] for action in actions(resources["StatePolicy"])}
    for name, (_, function) in functions.items():
        manifest = ROOT / "functions" / name / "Cargo.toml"
        if not manifest.exists():
            continue
        dependencies = tomllib.loads(manifest.read_text())["dependencies"]
        features = dependencies.get("tidegate-aws", {}).get("features", [])
        # Pages on the internet are no service of AWS.
        linked = {PREFIX_OF_FEATURE[feature] for feature in features if feature != "http"}
        role = function["Properties"]["Role"]["!GetAtt"].split(".")[0]
        allowed = {action.split(":")[0] for action in actions(resources[role]) - ON_BEHALF} | shared
        for prefix in sorted(linked - allowed):
            yield f"function {name} links {prefix}, but its role may do nothing there"
        for prefix in sorted(allowed - linked - {"xray"}):
            yield f"function {name} may act on {prefix}, but does not link its client"


def check_calls(resources, functions):
    """All calls of all functions are allowed, and nothing else is."""
    roles = [function["Properties"]["Role"]["!GetAtt"].split(".")[0] for _, function in functions.values()]
    allowed = {action for role in [*roles, "StatePolicy"] for action in actions(resources[role])}
    made = calls(rust("functions", "shared/aws/src", "shared/lambda/src"))
    for action in sorted(made - allowed):
        yield f"the code needs {action}, which no role allows"
    for action in sorted(allowed - made - ON_BEHALF):
        yield f"a role allows {action}, which no code uses"


def check_environment(template, functions):
    """Every variable that a function reads is set for it."""
    everywhere = template["Globals"]["Function"]["Environment"]["Variables"].keys()
    for name, (_, function) in functions.items():
        given = function["Properties"].get("Environment", {}).get("Variables", {}).keys()
        read = set(re.findall(r'"(TIDEGATE_[A-Z_]+)"', rust(f"functions/{name}/src")))
        for variable in sorted(read - given - everywhere):
            yield f"function {name} reads {variable}, which the template does not set"


def check_machines(resources):
    """A machine's placeholders are filled in, and its role may invoke exactly its functions."""
    for logical, machine in resources.items():
        if machine["Type"] != "AWS::Serverless::StateMachine":
            continue
        properties = machine["Properties"]
        text = (INFRA / properties["DefinitionUri"]).read_text()
        asked = set(re.findall(r"\$\{(\w+)\}", text))
        given = properties["DefinitionSubstitutions"]
        for name in sorted(asked ^ given.keys()):
            yield f"{logical}: ${{{name}}} is not both in its definition and among its substitutions"
        role = resources[properties["Role"]["!GetAtt"].split(".")[0]]
        invoked = {value["!GetAtt"] for value in given.values() if "!GetAtt" in value}
        allowed = {
            resource["!GetAtt"]
            for statement in statements(role)
            if statement["Action"] == "lambda:InvokeFunction"
            for resource in as_list(statement["Resource"])
        }
        for function in sorted(invoked ^ allowed):
            yield f"{logical}: {function} is not both used and allowed"


def check_timeouts(template, functions):
    """A rollback waits longer than any function of the old epoch can still run."""
    source = (ROOT / "shared/core/src/decision.rs").read_text()
    quiesce = int(re.search(r"QUIESCE_SECONDS: \w+ = (\d+);", source).group(1))
    default = template["Globals"]["Function"]["Timeout"]
    for name, (_, function) in functions.items():
        timeout = function["Properties"].get("Timeout", default)
        if timeout >= quiesce:
            yield f"function {name} may run {timeout} s, longer than a rollback waits ({quiesce} s)"


def main():
    template = yaml.load((INFRA / "template.yaml").read_text(), Loader)  # noqa: S506 (a SafeLoader)
    resources = template["Resources"]
    functions = functions_of(resources)
    problems = [
        *check_folders(functions),
        *check_reach(resources, functions),
        *check_calls(resources, functions),
        *check_environment(template, functions),
        *check_machines(resources),
        *check_timeouts(template, functions),
    ]
    for problem in problems:
        print(f"infra/template.yaml: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
