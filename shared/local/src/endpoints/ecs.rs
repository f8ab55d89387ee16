//! Operations of Elastic Container Service.

mod describe;
mod tasks;
mod update;

use serde_json::{Value, json};

use super::Fault;
use super::args::{Args, object};
use crate::fleet::{Fleet, service_key};

/// Most names that `DescribeServices` takes.
const MAX_SERVICES: usize = 10;

/// Answers an operation.
pub(super) fn answer(fleet: &mut Fleet, operation: &str, args: Args<'_>) -> Result<Value, Fault> {
    match operation {
        "DescribeClusters" => Ok(describe_clusters(fleet, args)),
        "ListClusters" => Ok(list_clusters(fleet, args)),
        "DescribeServices" => describe_services(fleet, args),
        "ListServices" => list_services(fleet, args),
        "UpdateService" => update::update_service(fleet, args),
        "RegisterTaskDefinition" => update::register(fleet, args),
        "DeregisterTaskDefinition" => update::deregister(fleet, args),
        "DescribeTaskDefinition" => update::describe(fleet, args),
        "ListTasks" => tasks::list(fleet, args),
        "DescribeTasks" => tasks::describe(fleet, args),
        "RunTask" => tasks::run(fleet, args),
        "StopTask" => tasks::stop(fleet, args),
        other => Err(Fault::unknown_operation(other)),
    }
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("InvalidParameterException", message)
}

fn client(message: impl Into<String>) -> Fault {
    Fault::new("ClientException", message)
}

/// The last part of an ARN, or the name itself.
fn short(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or(reference)
}

/// The cluster that a call names; `default`, if none.
fn cluster(fleet: &Fleet, args: Args<'_>) -> Result<String, Fault> {
    let name = short(args.filled("cluster").unwrap_or("default"));
    if fleet.clusters.contains(name) {
        Ok(name.to_owned())
    } else {
        Err(Fault::new("ClusterNotFoundException", "Cluster not found."))
    }
}

/// The key of a service in a cluster, given by name or ARN.
fn service(fleet: &Fleet, cluster: &str, reference: &str) -> Option<String> {
    let key = service_key(cluster, short(reference));
    fleet.services.contains_key(&key).then_some(key)
}

fn required_service(fleet: &Fleet, cluster: &str, reference: &str) -> Result<String, Fault> {
    service(fleet, cluster, reference)
        .ok_or_else(|| Fault::new("ServiceNotFoundException", "Service not found."))
}

fn cluster_arn(fleet: &Fleet, name: &str) -> String {
    format!("arn:aws:ecs:{}:{}:cluster/{name}", fleet.region, fleet.account)
}

fn missing(arn: String) -> Value {
    json!({"arn": arn, "reason": "MISSING"})
}

fn describe_clusters(fleet: &Fleet, args: Args<'_>) -> Value {
    let asked = args.texts("clusters");
    let asked = if asked.is_empty() { vec!["default"] } else { asked };
    let (mut clusters, mut failures) = (Vec::new(), Vec::new());
    for name in asked.into_iter().map(short) {
        if fleet.clusters.contains(name) {
            clusters.push(describe::cluster(fleet, name));
        } else {
            failures.push(missing(cluster_arn(fleet, name)));
        }
    }
    json!({"clusters": clusters, "failures": failures})
}

fn list_clusters(fleet: &Fleet, args: Args<'_>) -> Value {
    let arns = fleet
        .clusters
        .iter()
        .map(|name| cluster_arn(fleet, name))
        .collect();
    let (arns, next) = args.page(arns, "nextToken", "maxResults", 100);
    super::args::without_nulls(json!({"clusterArns": arns, "nextToken": next}))
}

fn describe_services(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let cluster = cluster(fleet, args)?;
    let asked = args.texts("services");
    if asked.is_empty() {
        return Err(invalid("Services cannot be empty."));
    }
    if asked.len() > MAX_SERVICES {
        return Err(invalid("Too many services: at most 10 can be described at once."));
    }
    let (mut services, mut failures) = (Vec::new(), Vec::new());
    for reference in asked {
        let found = service(fleet, &cluster, reference)
            .and_then(|key| Some((key.clone(), fleet.services.get(&key)?)));
        match found {
            Some((key, found)) => services.push(describe::service(fleet, &key, found)),
            None => failures.push(missing(format!(
                "arn:aws:ecs:{}:{}:service/{cluster}/{}",
                fleet.region,
                fleet.account,
                short(reference)
            ))),
        }
    }
    Ok(object([
        ("services", services.into()),
        ("failures", failures.into()),
    ]))
}

fn list_services(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let cluster = cluster(fleet, args)?;
    let arns = fleet
        .services
        .values()
        .filter(|service| service.cluster == cluster)
        .map(|service| service.arn.clone())
        .collect();
    // Ten are the default of ListServices.
    let limit = if args.value("maxResults").is_some() {
        100
    } else {
        10
    };
    let (arns, next) = args.page(arns, "nextToken", "maxResults", limit);
    Ok(super::args::without_nulls(
        json!({"serviceArns": arns, "nextToken": next}),
    ))
}
