//! The names of things. Every id is its own type, so that a digest can't be passed for a tag.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Why a text is not a valid name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a valid {kind}: {rule}")]
pub struct InvalidName {
    /// What it should have been.
    pub kind: &'static str,
    /// What was given.
    pub text: String,
    /// The rule that it breaks.
    pub rule: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $kind:literal, $rule:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(Arc<str>);

        impl $type {
            /// The text of it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = InvalidName;
            fn from_str(text: &str) -> Result<Self, InvalidName> {
                let check: fn(&str) -> bool = $check;
                if check(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(InvalidName { kind: $kind, text: text.chars().take(120).collect(), rule: $rule })
                }
            }
        }

        impl TryFrom<String> for $type {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                String::from(&*name.0)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

fn is_label(text: &str, max: usize) -> bool {
    !text.is_empty()
        && text.len() <= max
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !text.ends_with('-')
}

name!(
    /// The name of a service, such as `web`.
    ServiceName,
    "service name",
    "lowercase letters, digits and dashes, starting with a letter, at most 32 characters",
    |t| is_label(t, 32)
);
name!(
    /// The name of an environment, such as `production`.
    EnvironmentName,
    "environment name",
    "lowercase letters, digits and dashes, starting with a letter, at most 24 characters",
    |t| is_label(t, 24)
);
name!(
    /// An image digest, `sha256:` and 64 hexadecimal digits. The only identity of an image.
    Digest,
    "image digest",
    "`sha256:` followed by 64 lowercase hexadecimal digits",
    |t| t.strip_prefix("sha256:").is_some_and(is_sha256_hex)
);
name!(
    /// The SHA-256 of a deployment file's bytes, in hexadecimal.
    SpecHash,
    "spec hash",
    "64 lowercase hexadecimal digits",
    is_sha256_hex
);
name!(
    /// The SHA-256 of a plan, in hexadecimal. Approvals are given for it.
    PlanHash,
    "plan hash",
    "64 lowercase hexadecimal digits",
    is_sha256_hex
);
name!(
    /// The SHA-256 of what a change would do, in hexadecimal.
    ProposalHash,
    "proposal hash",
    "64 lowercase hexadecimal digits",
    is_sha256_hex
);
name!(
    /// The name of a change within a deployment, such as `migration:add-email`.
    ChangeId,
    "change id",
    "1 to 300 printable characters without spaces",
    |t| !t.is_empty() && t.len() <= 300 && t.chars().all(|c| c.is_ascii_graphic())
);
name!(
    /// A deployment's id. It is the name of its Step Functions execution too, hence the 80 characters.
    DeploymentId,
    "deployment id",
    "letters, digits, dashes and underscores, at most 80 characters",
    |t| !t.is_empty()
        && t.len() <= 80
        && t.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
);
name!(
    /// A person in the `people` file, or a machine such as `ecr` or `sweep`.
    Person,
    "person",
    "1 to 120 printable characters",
    |t| !t.trim().is_empty() && t.len() <= 120 && !t.chars().any(char::is_control)
);
name!(
    /// What a person may approve for, such as `tech-lead`.
    Role,
    "role",
    "lowercase letters, digits and dashes, starting with a letter, at most 40 characters",
    |t| is_label(t, 40)
);

name!(
    /// A commit in version control, by its hash.
    Commit,
    "commit",
    "7 to 64 lowercase hexadecimal digits",
    |t| (7..=64).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
);
name!(
    /// A ticket, such as `SHOP-142`, or a link to one.
    Ticket,
    "ticket",
    "1 to 200 visible ASCII characters without a space",
    |t| (1..=200).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_graphic())
);

/// Whether a text is a SHA-256 as it is written everywhere here: 64 lowercase hexadecimal digits.
pub(crate) fn is_sha256_hex(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

impl Digest {
    /// The first 12 hexadecimal digits: enough for a person to tell versions apart.
    pub fn short(&self) -> &str {
        self.0.get(7..19).unwrap_or(&self.0)
    }
}

impl Commit {
    /// The first 12 digits.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl ProposalHash {
    /// The hash of all that a proposal says.
    pub fn of(bytes: &[u8]) -> Self {
        Self(crate::hash::sha256_hex(bytes).into())
    }
}

impl PlanHash {
    /// The first 12 hexadecimal digits, as shown to the people who approve.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl ChangeId {
    /// The name of one change of a kind. What an id can't hold becomes a dash, and of a name that is too
    /// long for it a hash tells the rest.
    pub fn of(kind: &str, name: &str) -> Self {
        /// Kind and hash have their place beside it.
        const MOST: usize = 250;
        let graphic = |c: char| if c.is_ascii_graphic() { c } else { '-' };
        let mut shown: String = name.chars().take(MOST).map(graphic).collect();
        if name.chars().nth(MOST).is_some() {
            let hash = crate::hash::sha256_hex(name.as_bytes());
            shown.push('-');
            shown.extend(hash.chars().take(16));
        }
        Self(format!("{kind}:{shown}").into())
    }
}

impl SpecHash {
    /// The hash of a deployment file.
    pub fn of(bytes: &[u8]) -> Self {
        Self(crate::hash::sha256_hex(bytes).into())
    }
}

impl PlanHash {
    /// The hash of a plan's canonical JSON.
    pub fn of(bytes: &[u8]) -> Self {
        Self(crate::hash::sha256_hex(bytes).into())
    }
}

/// What is deployed, and where: `web` in `production`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Target {
    /// What.
    pub service: ServiceName,
    /// Where.
    pub environment: EnvironmentName,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.service, self.environment)
    }
}

impl FromStr for Target {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let Some((service, environment)) = text.split_once('/') else {
            return Err(InvalidName {
                kind: "target",
                text: text.to_owned(),
                rule: "`service/environment`, such as `web/production`",
            });
        };
        Ok(Self {
            service: service.parse()?,
            environment: environment.parse()?,
        })
    }
}

/// Fencing number of a target. Only the holder of the current one may change anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Epoch(pub u64);

impl Epoch {
    /// The epoch after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A share of traffic in percent, 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(try_from = "u8", into = "u8")]
pub struct Weight(u8);

impl Weight {
    /// No traffic.
    pub const ZERO: Self = Self(0);
    /// All traffic.
    pub const FULL: Self = Self(100);

    /// A weight, or nothing where the number is above 100.
    pub const fn new(percent: u8) -> Option<Self> {
        if percent <= 100 { Some(Self(percent)) } else { None }
    }

    /// In percent.
    pub const fn percent(self) -> u8 {
        self.0
    }

    /// What is left for the other slot.
    #[must_use]
    pub const fn rest(self) -> Self {
        Self(100 - self.0)
    }
}

impl TryFrom<u8> for Weight {
    type Error = String;
    fn try_from(percent: u8) -> Result<Self, String> {
        Self::new(percent).ok_or_else(|| format!("a weight of {percent} is above 100"))
    }
}

impl From<Weight> for u8 {
    fn from(weight: Weight) -> u8 {
        weight.0
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.0)
    }
}

/// One of the two ECS services of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Slot {
    /// The first.
    Blue,
    /// The second.
    Green,
}

impl Slot {
    /// The other slot.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Blue => Self::Green,
            Self::Green => Self::Blue,
        }
    }

    /// `blue` or `green`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::Green => "green",
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
#[path = "ids_tests.rs"]
mod tests;
