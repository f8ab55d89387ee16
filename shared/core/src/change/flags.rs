//! Feature flags in AppConfig: what AWS has of a hosted configuration, against what was recorded before
//! flags of it were set.
//!
//! The configuration that is deployed is one document with all of its flags. Those of the file are set in
//! it and all others stay as they are; it becomes a version of its own, and AppConfig deploys that. A
//! version never changes, so an undo brings back exactly what was there: by its number.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value, json};

use super::{Before, Progress, Seen};
use crate::hash::sha256_hex;

/// Largest configuration that is read and written. AppConfig takes 2 MB by default (Service Quotas).
pub const MAX_CONTENT_BYTES: usize = 2 * 1024 * 1024;
/// How many deployments of an environment are looked through for those of one configuration.
pub const MOST_DEPLOYMENTS: usize = 200;
/// Why a content can't be read.
const STRANGE: &str = "what is deployed is no feature flag configuration of version 1";

/// Flags of one configuration, and what they shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlagsWork {
    /// `application`, by name.
    pub application: String,
    /// `environment`, by name.
    pub environment: String,
    /// `profile`, by name.
    pub profile: String,
    /// `strategy`: how AppConfig deploys it, by name.
    pub strategy: String,
    /// `set`: flags by name.
    pub set: BTreeMap<String, FlagTo>,
}

/// What a flag shall be. What is not named of it stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FlagTo {
    /// On or off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Its attributes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, Attribute>,
}

/// The value of an attribute. Lists are left to AppConfig's console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Attribute {
    /// `true` or `false`.
    Truth(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(String),
}

/// Where a configuration is, by AppConfig's own ids; and what was deployed of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlagsBefore {
    /// Where.
    pub place: FlagsPlace,
    /// The version that was deployed.
    pub version: i32,
    /// By which deployment of AppConfig's.
    pub deployment: i32,
    /// SHA-256 of its content. The content stays in AppConfig, and only there.
    pub content_hash: String,
}

/// AppConfig's ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlagsPlace {
    /// Of the application.
    pub application: String,
    /// Of the environment.
    pub environment: String,
    /// Of the configuration profile.
    pub profile: String,
    /// Of the deployment strategy.
    pub strategy: String,
}

/// A deployment of AppConfig's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Deployed {
    /// Its number in the environment.
    pub number: i32,
    /// The version that it deploys.
    pub version: i32,
    /// Where it stands.
    pub stage: DeployedStage,
    /// How much of the environment has it.
    pub percent: u32,
}

/// Where a deployment of AppConfig's stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeployedStage {
    /// `VALIDATING` or `DEPLOYING`.
    Deploying,
    /// `BAKING`: everybody has it, and alarms are watched.
    Baking,
    /// `COMPLETE`.
    Complete,
    /// `ROLLING_BACK`.
    RollingBack,
    /// `ROLLED_BACK`: it was stopped, or an alarm of the environment stopped it.
    RolledBack,
    /// `REVERTED`: it was complete, and was taken back.
    Reverted,
}

/// A configuration as AppConfig has it. No `Debug`, so that no flag of others gets into a log by itself.
#[expect(missing_debug_implementations, reason = "its content is not to be printed")]
#[derive(Clone)]
pub struct FlagsNow {
    /// Where it is.
    pub place: FlagsPlace,
    /// Its deployments to the environment, newest first, as far as they were looked through.
    pub deployments: Vec<Deployed>,
    /// The number of the newest deployment to the environment, of whatever configuration.
    pub newest_deployment: i32,
    /// The number of the newest version that is stored.
    pub newest_version: i32,
    /// The version that this deployment has stored.
    pub ours: Option<i32>,
    /// The content of the version that is deployed.
    pub content: Vec<u8>,
}

impl Attribute {
    /// A value as it is written in a file: bare numbers and truths are none of text.
    pub fn written(text: &str, plain: bool) -> Self {
        match text {
            "true" if plain => Self::Truth(true),
            "false" if plain => Self::Truth(false),
            _ => match serde_json::from_str(text).ok().filter(|_| plain) {
                Some(number) => Self::Number(number),
                None => Self::Text(text.to_owned()),
            },
        }
    }

    fn value(&self) -> Value {
        match self {
            Self::Truth(truth) => json!(truth),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Text(text) => json!(text),
        }
    }

    /// `type` of its constraints.
    const fn type_name(&self) -> &'static str {
        match self {
            Self::Truth(_) => "boolean",
            Self::Number(_) => "number",
            Self::Text(_) => "string",
        }
    }
}

impl FlagsWork {
    /// `web/production/flags`.
    pub fn title(&self) -> String {
        format!("{}/{}/{}", self.application, self.environment, self.profile)
    }

    /// How long the strategy takes until everybody has it and alarms are watched no more, seconds: of the
    /// predefined ones (User Guide of AppConfig, "Predefined deployment strategies"); none of the others.
    pub fn strategy_seconds(&self) -> u64 {
        match self.strategy.as_str() {
            "AppConfig.AllAtOnce" => 600,
            "AppConfig.Linear50PercentEvery30Seconds" => 120,
            "AppConfig.Canary10Percent20Minutes" => 1800,
            "AppConfig.Linear20PercentEvery6Minutes" => 3600,
            _ => 0,
        }
    }

    /// What is done, for a plan: `new-checkout off, banner on with limit 5`.
    pub fn told(&self) -> String {
        let flags = self.set.iter().map(|(name, to)| {
            let state = to.enabled.map(|on| if on { " on" } else { " off" });
            let attributes = to.attributes.iter();
            let attributes: Vec<String> = attributes
                .map(|(name, value)| format!("{name} {}", value.value()))
                .collect();
            let with = match attributes.is_empty() {
                true => String::new(),
                false => format!(" with {}", attributes.join(" and ")),
            };
            format!("{name}{}{with}", state.unwrap_or_default())
        });
        flags.collect::<Vec<_>>().join(", ")
    }
}

impl FlagsNow {
    /// The newest deployment, if it has not ended.
    fn going(&self) -> Option<&Deployed> {
        self.deployments.first().filter(|one| match one.stage {
            DeployedStage::Deploying | DeployedStage::Baking | DeployedStage::RollingBack => true,
            DeployedStage::Complete | DeployedStage::RolledBack | DeployedStage::Reverted => false,
        })
    }

    /// What is deployed, apart from what is on its way: what was stopped or taken back left no trace.
    pub fn deployed(&self) -> Option<&Deployed> {
        let mut all = self.deployments.iter();
        all.find(|one| one.stage == DeployedStage::Complete)
    }

    /// The newest deployment of the version that this deployment has stored.
    fn our_deployment(&self) -> Option<&Deployed> {
        self.deployments.iter().find(|one| Some(one.version) == self.ours)
    }

    /// A deployment since the one that was recorded that is neither ours nor brings back what was there.
    fn of_others(&self, before: &FlagsBefore) -> Option<&Deployed> {
        let since = self
            .deployments
            .iter()
            .take_while(|one| one.number > before.deployment);
        let mut others = since.filter(|one| Some(one.version) != self.ours && one.version != before.version);
        others.find(|one| match one.stage {
            DeployedStage::Deploying | DeployedStage::Baking | DeployedStage::Complete => true,
            DeployedStage::RollingBack | DeployedStage::RolledBack | DeployedStage::Reverted => false,
        })
    }

    /// What to record before anything is touched.
    pub fn before(&self) -> Option<FlagsBefore> {
        self.deployed().map(|deployed| FlagsBefore {
            place: self.place.clone(),
            version: deployed.version,
            deployment: deployed.number,
            content_hash: sha256_hex(&self.content),
        })
    }

    /// Our deployment of AppConfig's that an undo has to stop or take back.
    pub fn to_stop(&self) -> Option<i32> {
        self.our_deployment().map(|one| one.number)
    }
}

/// How setting flags stands, and bringing back what was there.
pub fn seen(now: &FlagsNow, before: Option<&Before>, work: &FlagsWork) -> Seen {
    let Some(Before::Flags { held }) = before else {
        return Seen {
            before: now.before().map(|held| Before::Flags { held }),
            made: match refused(now, work) {
                Some(reason) => Progress::failed(reason),
                None => Progress::NotBegun,
            },
            undone: Progress::NotBegun,
        };
    };
    Seen {
        before: None,
        made: made(now, held, work),
        undone: undone(now, held),
    }
}

/// Why the flags can't be set as the file asks; nothing where they can.
pub fn refused(now: &FlagsNow, work: &FlagsWork) -> Option<String> {
    let of = work.title();
    if let Some(going) = now.going() {
        return Some(format!(
            "AppConfig's deployment {} of {of} is underway; deploy again once it has ended",
            going.number
        ));
    }
    if now.deployed().is_none() {
        return Some(format!(
            "no version of {of} is deployed, so there is nothing to return to: deploy a first one by hand"
        ));
    }
    merged(&now.content, work).err()
}

fn made(now: &FlagsNow, before: &FlagsBefore, work: &FlagsWork) -> Progress {
    if let Some(other) = now.of_others(before) {
        return others(other);
    }
    let Some(ours) = now.our_deployment() else {
        return match now.deployed().filter(|one| one.version == before.version) {
            None => Progress::failed(format!("version {} is not deployed any more", before.version)),
            Some(_) if now.ours.is_none() && holds(&now.content, work) => {
                Progress::done(format!("they were so already (version {})", before.version))
            }
            Some(_) => Progress::NotBegun,
        };
    };
    match ours.stage {
        DeployedStage::Deploying => Progress::running(format!(
            "AppConfig deploys version {}, {} % have it",
            ours.version, ours.percent
        )),
        DeployedStage::Baking => Progress::running(format!(
            "AppConfig has deployed version {} and watches its alarms",
            ours.version
        )),
        DeployedStage::Complete if holds(&now.content, work) => {
            Progress::done(format!("version {} (before: {})", ours.version, before.version))
        }
        DeployedStage::Complete => Progress::failed(format!(
            "version {} is deployed, and its flags are not as the file asks",
            ours.version
        )),
        DeployedStage::RollingBack => {
            Progress::running(format!("AppConfig takes version {} back", ours.version))
        }
        DeployedStage::RolledBack | DeployedStage::Reverted => Progress::failed(format!(
            "version {} was taken back: by an alarm of AppConfig's environment, or by a person",
            ours.version
        )),
    }
}

fn undone(now: &FlagsNow, before: &FlagsBefore) -> Progress {
    if let Some(other) = now.of_others(before) {
        return others(other);
    }
    if let Some(going) = now.going() {
        return match going.stage {
            _ if Some(going.version) != now.ours => Progress::running(format!(
                "AppConfig deploys version {} again, {} % have it",
                going.version, going.percent
            )),
            DeployedStage::RollingBack => {
                Progress::running(format!("AppConfig takes version {} back", going.version))
            }
            DeployedStage::Deploying
            | DeployedStage::Baking
            | DeployedStage::Complete
            | DeployedStage::RolledBack
            | DeployedStage::Reverted => Progress::NotBegun,
        };
    }
    match now.deployed() {
        Some(is) if is.version == before.version => {
            let same = is.number == before.deployment && now.our_deployment().is_none();
            let how = if same { "still deployed" } else { "deployed again" };
            Progress::done(format!("version {} is {how}", before.version))
        }
        Some(is) if Some(is.version) == now.ours => Progress::NotBegun,
        Some(is) => others(is),
        None => Progress::failed(format!("version {} is not deployed any more", before.version)),
    }
}

fn others(other: &Deployed) -> Progress {
    Progress::failed(format!(
        "somebody else has deployed version {} meanwhile; it is left as it is",
        other.version
    ))
}

/// The content with the flags as the file asks.
///
/// # Errors
/// Why that can't be, in words that hold nothing of the content.
pub fn merged(content: &[u8], work: &FlagsWork) -> Result<String, String> {
    let mut document = read(content)?;
    for (name, to) in &work.set {
        set(&mut document, name, to)?;
    }
    let text = Value::Object(document).to_string();
    match text.len() <= MAX_CONTENT_BYTES {
        true => Ok(text),
        false => Err(format!(
            "with these flags it has more than {MAX_CONTENT_BYTES} bytes"
        )),
    }
}

/// Whether every flag is as the file asks.
pub fn holds(content: &[u8], work: &FlagsWork) -> bool {
    let Ok(document) = read(content) else {
        return false;
    };
    work.set.iter().all(|(name, to)| {
        let value = document.get("values").and_then(|values| values.get(name));
        let defined = document
            .get("flags")
            .is_some_and(|flags| flags.get(name).is_some());
        let is = |key: &str| value.and_then(|value| value.get(key));
        let on = is("enabled").and_then(Value::as_bool).unwrap_or(false);
        let attributes = to.attributes.iter();
        defined
            && is("_variants").is_none()
            && to.enabled.is_none_or(|wanted| wanted == on)
            && attributes
                .into_iter()
                .all(|(name, to)| is(name) == Some(&to.value()))
    })
}

fn read(content: &[u8]) -> Result<Map<String, Value>, String> {
    let strange = || STRANGE.to_owned();
    if content.len() > MAX_CONTENT_BYTES {
        return Err(format!("it has more than {MAX_CONTENT_BYTES} bytes"));
    }
    let document: Map<String, Value> = serde_json::from_slice(content).map_err(|_| strange())?;
    let objects = ["flags", "values"]
        .iter()
        .all(|key| document.get(*key).is_none_or(Value::is_object));
    match document.get("version").and_then(Value::as_str) {
        Some("1") if objects => Ok(document),
        Some(_) | None => Err(strange()),
    }
}

fn set(document: &mut Map<String, Value>, name: &str, to: &FlagTo) -> Result<(), String> {
    let new = document
        .get("flags")
        .is_none_or(|flags| flags.get(name).is_none());
    if new && to.enabled == Some(true) {
        return Err(format!(
            "the flag {name} is not there yet, and a new flag starts off: set it to off now, and turn it on with a \
             later deployment"
        ));
    }
    let attributes = below(below(document, "flags")?, name)?;
    if new {
        attributes.insert("name".to_owned(), json!(name));
    }
    for (attribute, to) in &to.attributes {
        let defined = below(attributes, "attributes")?;
        let constraints = || json!({ "constraints": { "type": to.type_name() } });
        defined.entry(attribute.as_str()).or_insert_with(constraints);
    }
    let value = below(below(document, "values")?, name)?;
    if value.contains_key("_variants") {
        return Err(format!(
            "the flag {name} has variants: set it by hand, and take it out of the file"
        ));
    }
    let enabled = to.enabled.or_else(|| value.get("enabled")?.as_bool());
    value.insert("enabled".to_owned(), json!(enabled.unwrap_or(false)));
    for (attribute, to) in &to.attributes {
        value.insert(attribute.clone(), to.value());
    }
    Ok(())
}

fn below<'a>(of: &'a mut Map<String, Value>, key: &str) -> Result<&'a mut Map<String, Value>, String> {
    let held = of.entry(key).or_insert_with(|| Value::Object(Map::new()));
    held.as_object_mut().ok_or_else(|| STRANGE.to_owned())
}

#[cfg(test)]
#[path = "flags_tests.rs"]
mod tests;
