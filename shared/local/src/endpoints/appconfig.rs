//! Operations of AppConfig.

use serde_json::{Map, Value, json};

use super::Fault;
use super::args::{Args, without_nulls};
use crate::fleet::{
    FlagApplication, FlagDeployment, FlagEnvironment, FlagProfile, FlagStage, FlagVersion, Fleet,
};

/// The predefined strategies: until everybody has it and until alarms are watched no more, seconds (User
/// Guide of AppConfig, "Predefined deployment strategies").
const STRATEGIES: [(&str, i64, i64); 4] = [
    ("AppConfig.AllAtOnce", 0, 600),
    ("AppConfig.Linear50PercentEvery30Seconds", 60, 60),
    ("AppConfig.Canary10Percent20Minutes", 1200, 600),
    ("AppConfig.Linear20PercentEvery6Minutes", 1800, 1800),
];

/// Answers an operation.
pub(super) fn answer(fleet: &mut Fleet, operation: &str, args: Args<'_>) -> Result<Value, Fault> {
    match operation {
        "ListApplications" => {
            let named = fleet.applications.iter();
            Ok(listed(
                args,
                named.map(|(id, one)| json!({ "Id": id, "Name": one.name })),
            ))
        }
        "ListDeploymentStrategies" => {
            let own = fleet.flag_strategies.iter();
            let own = own.map(|(id, one)| json!({ "Id": id, "Name": one.name }));
            let known = STRATEGIES.iter().map(|(id, ..)| json!({ "Id": id, "Name": id }));
            Ok(listed(args, own.chain(known)))
        }
        "ListEnvironments" => {
            let named = application(fleet, args)?.environments.iter();
            Ok(listed(
                args,
                named.map(|(id, one)| json!({ "Id": id, "Name": one.name })),
            ))
        }
        "ListConfigurationProfiles" => {
            let named = application(fleet, args)?.profiles.iter();
            let shown = |(id, one): (&String, &FlagProfile)| json!({ "Id": id, "Name": one.name, "Type": one.kind, "LocationUri": "hosted" });
            Ok(listed(args, named.map(shown)))
        }
        "ListHostedConfigurationVersions" => {
            let versions = profile(fleet, args)?.versions.iter().enumerate().rev();
            let shown = |(at, one): (usize, &FlagVersion)| {
                without_nulls(json!({
                    "VersionNumber": at + 1,
                    "Description": one.description,
                    "ContentType": "application/json",
                }))
            };
            Ok(listed(args, versions.map(shown)))
        }
        "GetHostedConfigurationVersion" => version(fleet, args),
        "CreateHostedConfigurationVersion" => create(fleet, args),
        "ListDeployments" => deployments(fleet, args),
        "StartDeployment" => start(fleet, args),
        "StopDeployment" => stop(fleet, args),
        other => Err(Fault::unknown_operation(other)),
    }
}

fn bad(message: impl Into<String>) -> Fault {
    Fault::new("BadRequestException", message)
}

fn missing(what: &str) -> Fault {
    let message = format!("The {what} could not be found.");
    Fault::new("ResourceNotFoundException", message).with_status(404)
}

fn conflict(message: &str) -> Fault {
    Fault::new("ConflictException", message).with_status(409)
}

fn listed(args: Args<'_>, items: impl Iterator<Item = Value>) -> Value {
    let (items, next) = args.page(items.collect(), "next_token", "max_results", 50);
    without_nulls(json!({ "Items": items, "NextToken": next }))
}

fn id<'a>(args: Args<'a>, key: &str) -> Result<&'a str, Fault> {
    args.filled(key).ok_or_else(|| bad(format!("{key} is missing")))
}

fn number(args: Args<'_>, key: &str) -> Result<Option<usize>, Fault> {
    let count = args.count(key, 0..=u32::MAX, "BadRequestException")?;
    Ok(count.and_then(|count| usize::try_from(count).ok()))
}

fn application<'a>(fleet: &'a mut Fleet, args: Args<'_>) -> Result<&'a mut FlagApplication, Fault> {
    let id = id(args, "ApplicationId")?;
    fleet
        .applications
        .get_mut(id)
        .ok_or_else(|| missing("application"))
}

fn profile<'a>(fleet: &'a mut Fleet, args: Args<'_>) -> Result<&'a mut FlagProfile, Fault> {
    let held = application(fleet, args)?
        .profiles
        .get_mut(id(args, "ConfigurationProfileId")?);
    held.ok_or_else(|| missing("configuration profile"))
}

fn environment<'a>(fleet: &'a mut Fleet, args: Args<'_>) -> Result<&'a mut FlagEnvironment, Fault> {
    let held = application(fleet, args)?
        .environments
        .get_mut(id(args, "EnvironmentId")?);
    held.ok_or_else(|| missing("environment"))
}

fn version(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let number = number(args, "VersionNumber")?.unwrap_or(0);
    let held = number
        .checked_sub(1)
        .and_then(|at| profile(fleet, args).ok()?.versions.get(at));
    let held = held.ok_or_else(|| missing("version"))?;
    Ok(without_nulls(json!({
        "VersionNumber": number,
        "ContentType": "application/json",
        "Description": held.description,
        "Content": held.content,
    })))
}

/// The number of the newest version may be given as a condition.
fn create(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let at = fleet.now().to_string();
    let held = profile(fleet, args)?;
    if let Some(newest) = number(args, "LatestVersionNumber")?
        && newest != held.versions.len()
    {
        return Err(conflict("The latest version number does not match."));
    }
    let content = stamped(args.text("Content").unwrap_or_default(), &at)?;
    held.versions.push(FlagVersion {
        content,
        description: args.owned("Description"),
    });
    let content = held.versions.last().map(|one| one.content.clone());
    Ok(json!({
        "VersionNumber": held.versions.len(),
        "ContentType": "application/json",
        "Content": content,
    }))
}

/// AppConfig takes flags with a definition each, whose attributes are all defined, and writes beside
/// each when it was made.
fn stamped(content: &str, at: &str) -> Result<String, Fault> {
    let invalid = || bad("Invalid feature flag configuration.");
    let mut document: Map<String, Value> = serde_json::from_str(content).map_err(|_| invalid())?;
    if document.get("version") != Some(&json!("1")) {
        return Err(invalid());
    }
    let flags = document.get("flags").cloned().unwrap_or_default();
    for part in ["flags", "values"] {
        let Some(Value::Object(named)) = document.get_mut(part) else {
            return Err(invalid());
        };
        for (name, one) in named {
            let one = one.as_object_mut().ok_or_else(invalid)?;
            let definition = flags.get(name).ok_or_else(invalid)?;
            let known = |key: &str| {
                key == "enabled" || key.starts_with('_') || definition["attributes"].get(key).is_some()
            };
            if part == "values" && !one.keys().all(|key| known(key)) {
                return Err(bad("An attribute is not defined."));
            }
            one.entry("_createdAt").or_insert_with(|| json!(at));
            one.entry("_updatedAt").or_insert_with(|| json!(at));
        }
    }
    Ok(Value::Object(document).to_string())
}

fn deployments(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let now = fleet.now();
    let names = application(fleet, args)?.profiles.clone();
    let held = environment(fleet, args)?.deployments.iter().enumerate().rev();
    let shown = |(at, one): (usize, &FlagDeployment)| {
        let (state, percent) = match one.stage(now) {
            FlagStage::Deploying(percent) => ("DEPLOYING", percent),
            FlagStage::Baking => ("BAKING", 100),
            FlagStage::Complete => ("COMPLETE", 100),
            FlagStage::RolledBack => ("ROLLED_BACK", 0),
            FlagStage::Reverted => ("REVERTED", 0),
        };
        json!({
            "DeploymentNumber": at + 1,
            "ConfigurationProfileId": one.profile,
            "ConfigurationName": names.get(&one.profile).map(|profile| &profile.name),
            "ConfigurationVersion": one.version.to_string(),
            "State": state,
            "PercentageComplete": percent,
            "StartedAt": one.started.to_string(),
        })
    };
    Ok(listed(args, held.map(shown)))
}

/// One at a time in an environment; the number of the newest one may be given as a condition.
fn start(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let now = fleet.now();
    let strategy = id(args, "DeploymentStrategyId")?;
    let mut known = STRATEGIES.iter();
    let own = fleet.flag_strategies.get(strategy);
    let (deploy_seconds, bake_seconds) = own
        .map(|own| (own.deploy_seconds, own.bake_seconds))
        .or_else(|| {
            known
                .find(|(name, ..)| *name == strategy)
                .map(|(_, deploy, bake)| (*deploy, *bake))
        })
        .ok_or_else(|| missing("deployment strategy"))?;
    let text = id(args, "ConfigurationVersion")?;
    let version: usize = text.parse().map_err(|_| missing("version"))?;
    if !(1..=profile(fleet, args)?.versions.len()).contains(&version) {
        return Err(missing("version"));
    }
    let newest = number(args, "LatestDeploymentNumber")?;
    let held = environment(fleet, args)?;
    if newest.is_some_and(|newest| newest != held.deployments.len()) {
        return Err(conflict("The latest deployment number does not match."));
    }
    if held.deployments.iter().any(|one| one.is_going(now)) {
        return Err(conflict("There is an ongoing deployment in the environment."));
    }
    held.deployments.push(FlagDeployment {
        profile: id(args, "ConfigurationProfileId")?.to_owned(),
        version,
        description: args.owned("Description"),
        strategy: strategy.to_owned(),
        started: now,
        deploy_seconds,
        bake_seconds,
        taken_back: None,
    });
    let number = held.deployments.len();
    note(fleet, args, id(args, "ConfigurationProfileId")?)?;
    Ok(json!({ "DeploymentNumber": number, "State": "DEPLOYING" }))
}

fn stop(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let now = fleet.now();
    let number = number(args, "DeploymentNumber")?.unwrap_or(0);
    let held = &mut environment(fleet, args)?.deployments;
    let one = number.checked_sub(1).and_then(|at| held.get_mut(at));
    let one = one.ok_or_else(|| missing("deployment"))?;
    let allowed = match one.stage(now) {
        FlagStage::Deploying(_) => true,
        FlagStage::Baking => args.truth("AllowRevert") == Some(true),
        FlagStage::Complete => args.truth("AllowRevert") == Some(true) && one.is_revertible(now),
        FlagStage::RolledBack | FlagStage::Reverted => false,
    };
    if !allowed {
        return Err(bad("The deployment can not be stopped in its state."));
    }
    one.taken_back = Some(now);
    let profile = one.profile.clone();
    note(fleet, args, &profile)?;
    Ok(json!({ "DeploymentNumber": number, "State": "ROLLING_BACK" }))
}

fn note(fleet: &mut Fleet, args: Args<'_>, profile: &str) -> Result<(), Fault> {
    let (application, environment) = (id(args, "ApplicationId")?, id(args, "EnvironmentId")?);
    if let Some((application, environment, profile)) = fleet.flags_names(application, environment, profile) {
        fleet.note_flags((&application, &environment, &profile));
    }
    Ok(())
}
