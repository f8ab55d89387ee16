//! AppConfig: applications with environments and hosted configurations, their versions, and deployments of
//! those. Where a deployment stands follows from when it began; nothing has to happen for it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Fleet;

/// AppConfig takes a deployment back for so long after it was complete, seconds: 72 hours (API reference of
/// `StopDeployment`).
const REVERTIBLE_SECONDS: i64 = 72 * 3600;

/// An application.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FlagApplication {
    /// Its name.
    pub name: String,
    /// Environments by id.
    pub environments: BTreeMap<String, FlagEnvironment>,
    /// Configuration profiles by id.
    pub profiles: BTreeMap<String, FlagProfile>,
}

/// An environment with all deployments to it, oldest first; the first has number 1.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FlagEnvironment {
    /// Its name.
    pub name: String,
    /// Deployments.
    pub deployments: Vec<FlagDeployment>,
}

/// A configuration profile with its versions, oldest first; the first has number 1.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FlagProfile {
    /// Its name.
    pub name: String,
    /// Its type, such as `AWS.AppConfig.FeatureFlags`.
    pub kind: String,
    /// Versions.
    pub versions: Vec<FlagVersion>,
}

/// A version of a hosted configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlagVersion {
    /// What it says.
    pub content: String,
    /// What it is described as.
    pub description: Option<String>,
}

/// A deployment of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlagDeployment {
    /// Id of the profile.
    pub profile: String,
    /// Number of the version.
    pub version: usize,
    /// What it is described as.
    pub description: Option<String>,
    /// Id of its strategy.
    pub strategy: String,
    /// When it began.
    pub started: Timestamp,
    /// Until everybody has it, seconds.
    pub deploy_seconds: i64,
    /// And until alarms are watched no more, seconds.
    pub bake_seconds: i64,
    /// When it was taken back.
    pub taken_back: Option<Timestamp>,
}

/// How a version is deployed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlagStrategy {
    /// Its name.
    pub name: String,
    /// Until everybody has it, seconds.
    pub deploy_seconds: i64,
    /// And until alarms are watched no more, seconds.
    pub bake_seconds: i64,
}

/// Where a deployment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlagStage {
    /// So many percent have it.
    Deploying(u32),
    /// Alarms are watched.
    Baking,
    /// It is over.
    Complete,
    /// It was stopped.
    RolledBack,
    /// It was complete, and was taken back.
    Reverted,
}

impl FlagDeployment {
    /// When it is over by itself.
    pub fn completes(&self) -> Timestamp {
        super::after(self.started, self.deploy_seconds + self.bake_seconds)
    }

    /// Where it stands.
    pub fn stage(&self, now: Timestamp) -> FlagStage {
        if let Some(at) = self.taken_back {
            return match at < self.completes() {
                true => FlagStage::RolledBack,
                false => FlagStage::Reverted,
            };
        }
        let passed = now.duration_since(self.started).as_secs();
        if passed < self.deploy_seconds {
            let percent = u32::try_from(passed * 100 / self.deploy_seconds.max(1)).unwrap_or(0);
            return FlagStage::Deploying(percent);
        }
        match now < self.completes() {
            true => FlagStage::Baking,
            false => FlagStage::Complete,
        }
    }

    /// Whether it has not ended.
    pub fn is_going(&self, now: Timestamp) -> bool {
        match self.stage(now) {
            FlagStage::Deploying(_) | FlagStage::Baking => true,
            FlagStage::Complete | FlagStage::RolledBack | FlagStage::Reverted => false,
        }
    }

    /// Whether it can still be taken back.
    pub fn is_revertible(&self, now: Timestamp) -> bool {
        self.taken_back.is_none() && now <= super::after(self.completes(), REVERTIBLE_SECONDS)
    }
}

impl Fleet {
    /// Feature flags of which a first version was deployed a day ago, in an application, an environment and
    /// a profile that are made where they are not there.
    pub fn create_flags(&mut self, application: &str, environment: &str, profile: &str, content: &str) {
        let number = self.applications.len() + 1;
        let held = self.applications.iter().find(|(_, one)| one.name == application);
        let id = held.map_or_else(|| format!("app{number:04}"), |(id, _)| id.clone());
        let held = self.applications.entry(id).or_default();
        held.name = application.to_owned();
        let number = held.environments.len() + 1;
        held.environments
            .entry(format!("env{number:04}"))
            .or_default()
            .name = environment.to_owned();
        let number = held.profiles.len() + 1;
        let made = held.profiles.entry(format!("pro{number:04}")).or_default();
        made.name = profile.to_owned();
        made.kind = "AWS.AppConfig.FeatureFlags".to_owned();
        let day_ago = super::after(self.now(), -86_400);
        self.deploy_flags_at((application, environment, profile), content, day_ago);
    }

    /// A strategy of its own.
    pub fn create_flag_strategy(&mut self, name: &str, deploy_seconds: i64, bake_seconds: i64) {
        let strategy = FlagStrategy {
            name: name.to_owned(),
            deploy_seconds,
            bake_seconds,
        };
        let number = self.flag_strategies.len() + 1;
        self.flag_strategies.insert(format!("str{number:04}"), strategy);
    }

    /// Stores a version and deploys it at once, as a person with a console does.
    pub fn deploy_flags(&mut self, of: (&str, &str, &str), content: &str) {
        self.deploy_flags_at(of, content, self.now());
    }

    fn deploy_flags_at(&mut self, of: (&str, &str, &str), content: &str, at: Timestamp) {
        let Some((_, environment, (profile_id, profile))) = self.flags_parts(of) else {
            return;
        };
        profile.versions.push(FlagVersion {
            content: content.to_owned(),
            description: None,
        });
        let version = profile.versions.len();
        environment.deployments.push(FlagDeployment {
            profile: profile_id,
            version,
            description: None,
            strategy: "AppConfig.AllAtOnce".to_owned(),
            started: at,
            deploy_seconds: 0,
            bake_seconds: 0,
            taken_back: None,
        });
        let (application, environment, profile) = of;
        let name = format!("flags:{application}/{environment}/{profile}");
        self.note_setting(name, Some(version.to_string()));
    }

    /// Everything that was deployed was deployed so many seconds earlier.
    pub fn age_flags(&mut self, seconds: i64) {
        let applications = self.applications.values_mut();
        let environments = applications.flat_map(|one| one.environments.values_mut());
        for one in environments.flat_map(|one| &mut one.deployments) {
            one.started = super::after(one.started, -seconds);
        }
    }

    /// An alarm of the environment stops what AppConfig deploys there, if it does.
    pub fn stop_flags(&mut self, of: (&str, &str, &str)) {
        let now = self.now();
        if let Some((_, environment, _)) = self.flags_parts(of) {
            let going = environment.deployments.iter_mut().filter(|one| one.is_going(now));
            going.for_each(|one| one.taken_back = Some(now));
        }
        self.note_flags(of);
    }

    /// The number and the content of the version that everybody has, or is about to have.
    pub fn flags(&mut self, of: (&str, &str, &str)) -> Option<(usize, String)> {
        let (_, environment, (id, profile)) = self.flags_parts(of)?;
        let mut deployments = environment.deployments.iter().rev();
        let last = deployments.find(|one| one.profile == id && one.taken_back.is_none())?;
        let version = profile.versions.get(last.version.checked_sub(1)?)?;
        Some((last.version, version.content.clone()))
    }

    pub(crate) fn note_flags(&mut self, of: (&str, &str, &str)) {
        let version = self.flags(of).map(|(version, _)| version.to_string());
        let (application, environment, profile) = of;
        self.note_setting(format!("flags:{application}/{environment}/{profile}"), version);
    }

    /// The names of a profile and an environment, by their ids.
    pub(crate) fn flags_names(
        &self,
        application: &str,
        environment: &str,
        profile: &str,
    ) -> Option<(String, String, String)> {
        let held = self.applications.get(application)?;
        Some((
            held.name.clone(),
            held.environments.get(environment)?.name.clone(),
            held.profiles.get(profile)?.name.clone(),
        ))
    }

    fn flags_parts(
        &mut self,
        (application, environment, profile): (&str, &str, &str),
    ) -> Option<(String, &mut FlagEnvironment, (String, &mut FlagProfile))> {
        let mut all = self.applications.iter_mut();
        let (id, held) = all.find(|(_, one)| one.name == application)?;
        let mut environments = held.environments.values_mut();
        let environment = environments.find(|one| one.name == environment)?;
        let mut profiles = held.profiles.iter_mut();
        let (profile_id, profile) = profiles.find(|(_, one)| one.name == profile)?;
        Some((id.clone(), environment, (profile_id.clone(), profile)))
    }
}
