//! What AWS says of a deployed service that concerns its security, and what a file asks of it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// One of `validate.security`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SecurityCheck {
    /// No container runs privileged.
    NotPrivileged,
    /// No container can write to its root file system.
    ReadOnlyRoot,
    /// No variable of a container looks like a secret with its value in the task definition.
    NoPlainSecrets,
    /// Tasks get no public address.
    NoPublicIp,
    /// The load balancer serves plain HTTP to nobody, but redirects.
    HttpsOnly,
    /// The load balancer takes no TLS older than 1.2.
    ModernTls,
}

impl SecurityCheck {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::NotPrivileged,
        Self::ReadOnlyRoot,
        Self::NoPlainSecrets,
        Self::NoPublicIp,
        Self::HttpsOnly,
        Self::ModernTls,
    ];

    /// Its name in a deployment file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotPrivileged => "notPrivileged",
            Self::ReadOnlyRoot => "readOnlyRoot",
            Self::NoPlainSecrets => "noPlainSecrets",
            Self::NoPublicIp => "noPublicIp",
            Self::HttpsOnly => "httpsOnly",
            Self::ModernTls => "modernTls",
        }
    }

    /// The check of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|check| check.as_str() == name)
    }

    /// Whether it looks at the load balancer.
    pub const fn needs_balancer(self) -> bool {
        match self {
            Self::HttpsOnly | Self::ModernTls => true,
            Self::NotPrivileged | Self::ReadOnlyRoot | Self::NoPlainSecrets | Self::NoPublicIp => false,
        }
    }
}

/// What was read of AWS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SecuritySeen {
    /// Containers of the candidate's task definition.
    pub containers: Vec<ContainerSeen>,
    /// Whether the candidate's tasks get public addresses.
    pub public_ip: bool,
    /// Listeners of the load balancer.
    pub listeners: Vec<ListenerSeen>,
}

/// A container, without any value of its variables.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerSeen {
    /// Its name.
    pub name: String,
    /// `privileged`.
    pub privileged: bool,
    /// `readonlyRootFilesystem`.
    pub read_only_root: bool,
    /// Names of variables that look like secrets.
    pub plain_secrets: BTreeSet<String>,
}

/// A listener.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ListenerSeen {
    /// Its port.
    pub port: u16,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// Whether it only redirects to HTTPS: its default action does, and the rule of the service is not its.
    pub redirects: bool,
    /// Its security policy, where it speaks TLS.
    pub policy: Option<String>,
}

/// Something that is not as the file asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// By which check.
    pub check: SecurityCheck,
    /// What.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

/// Everything that is not as it should be, in the order of the checks.
pub fn findings(checks: &[SecurityCheck], seen: &SecuritySeen) -> Vec<Finding> {
    let found = checks.iter().flat_map(|check| {
        let (whats, remedy) = look(*check, seen);
        whats.into_iter().map(|what| Finding {
            check: *check,
            what,
            remedy: remedy.to_owned(),
        })
    });
    found.collect()
}

fn look(check: SecurityCheck, seen: &SecuritySeen) -> (Vec<String>, &'static str) {
    let containers = |bad: fn(&ContainerSeen) -> bool, words: &str| {
        let bad = seen.containers.iter().filter(|one| bad(one));
        bad.map(|one| format!("container {} {words}", one.name)).collect()
    };
    let listeners = |bad: fn(&ListenerSeen) -> bool, words: fn(&ListenerSeen) -> String| {
        let bad = seen.listeners.iter().filter(|one| bad(one));
        bad.map(|one| format!("listener {} {}", one.port, words(one)))
            .collect()
    };
    match check {
        SecurityCheck::NotPrivileged => (
            containers(|one| one.privileged, "runs privileged"),
            "take `privileged` out of the task definition",
        ),
        SecurityCheck::ReadOnlyRoot => (
            containers(|one| !one.read_only_root, "can write to its root file system"),
            "set `readonlyRootFilesystem` and mount a volume where it has to write",
        ),
        SecurityCheck::NoPlainSecrets => (
            plain_secrets(seen),
            "keep it in Secrets Manager and refer to it under `configuration.secrets`",
        ),
        SecurityCheck::NoPublicIp => (
            seen.public_ip
                .then(|| "its tasks get public addresses".to_owned())
                .into_iter()
                .collect(),
            "set `assignPublicIp: DISABLED` and reach the internet through a NAT gateway or endpoints",
        ),
        SecurityCheck::HttpsOnly => (
            listeners(
                |one| !one.tls && !one.redirects,
                |_| "serves plain HTTP".to_owned(),
            ),
            "let it redirect to HTTPS, and put the service's rule on the HTTPS listener",
        ),
        SecurityCheck::ModernTls => (
            listeners(
                |one| one.tls && !one.policy.as_deref().is_some_and(is_modern),
                |one| format!("takes old TLS ({})", one.policy.as_deref().unwrap_or("no policy")),
            ),
            "set a policy such as ELBSecurityPolicy-TLS13-1-2-2021-06",
        ),
    }
}

fn plain_secrets(seen: &SecuritySeen) -> Vec<String> {
    let named = seen.containers.iter().filter(|one| !one.plain_secrets.is_empty());
    named
        .map(|one| {
            let names: Vec<&str> = one.plain_secrets.iter().map(String::as_str).collect();
            format!(
                "container {} has secrets in plain text: {}",
                one.name,
                names.join(", ")
            )
        })
        .collect()
}

/// Whether a predefined policy takes nothing older than TLS 1.2 (Elastic Load Balancing, "Security policies
/// for your Application Load Balancer": their names say the oldest version).
fn is_modern(policy: &str) -> bool {
    let rest = policy.strip_prefix("ELBSecurityPolicy-").unwrap_or(policy);
    let modern = ["TLS13-1-2", "TLS13-1-3", "TLS-1-2", "FS-1-2"];
    modern.iter().any(|oldest| rest.starts_with(oldest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(checks: &[SecurityCheck], seen: &SecuritySeen) -> Vec<String> {
        findings(checks, seen).into_iter().map(|one| one.what).collect()
    }

    fn bad() -> SecuritySeen {
        SecuritySeen {
            containers: vec![ContainerSeen {
                name: "web".to_owned(),
                privileged: true,
                read_only_root: false,
                plain_secrets: BTreeSet::from(["API_KEY".to_owned(), "DB_PASSWORD".to_owned()]),
            }],
            public_ip: true,
            listeners: vec![
                ListenerSeen {
                    port: 80,
                    ..ListenerSeen::default()
                },
                ListenerSeen {
                    port: 8080,
                    redirects: true,
                    ..ListenerSeen::default()
                },
                ListenerSeen {
                    port: 443,
                    tls: true,
                    policy: Some("ELBSecurityPolicy-2016-08".to_owned()),
                    ..ListenerSeen::default()
                },
            ],
        }
    }

    #[test]
    fn each_check_says_what_it_finds_and_what_to_do() {
        for (check, expected) in [
            (SecurityCheck::NotPrivileged, "container web runs privileged"),
            (
                SecurityCheck::ReadOnlyRoot,
                "container web can write to its root file system",
            ),
            (
                SecurityCheck::NoPlainSecrets,
                "container web has secrets in plain text: API_KEY, DB_PASSWORD",
            ),
            (SecurityCheck::NoPublicIp, "its tasks get public addresses"),
            (SecurityCheck::HttpsOnly, "listener 80 serves plain HTTP"),
            (
                SecurityCheck::ModernTls,
                "listener 443 takes old TLS (ELBSecurityPolicy-2016-08)",
            ),
        ] {
            assert_eq!(words(&[check], &bad()), [expected], "{check:?}");
            assert_eq!(SecurityCheck::named(check.as_str()), Some(check));
            assert!(
                findings(&[check], &bad())
                    .iter()
                    .all(|one| !one.remedy.is_empty())
            );
        }
        assert_eq!(words(&SecurityCheck::ALL, &bad()).len(), 6);
        assert_eq!(words(&[], &bad()), [""; 0]);
    }

    #[test]
    fn what_is_as_it_should_be_has_no_findings() {
        let good = SecuritySeen {
            containers: vec![ContainerSeen {
                name: "web".to_owned(),
                read_only_root: true,
                ..ContainerSeen::default()
            }],
            public_ip: false,
            listeners: vec![ListenerSeen {
                port: 443,
                tls: true,
                policy: Some("ELBSecurityPolicy-TLS13-1-2-2021-06".to_owned()),
                ..ListenerSeen::default()
            }],
        };
        assert_eq!(words(&SecurityCheck::ALL, &good), [""; 0]);
    }

    #[test]
    fn policies_are_told_by_their_oldest_version() {
        for (policy, modern) in [
            ("ELBSecurityPolicy-TLS13-1-2-2021-06", true),
            ("ELBSecurityPolicy-TLS13-1-2-Res-2021-06", true),
            ("ELBSecurityPolicy-TLS13-1-3-2021-06", true),
            ("ELBSecurityPolicy-TLS-1-2-2017-01", true),
            ("ELBSecurityPolicy-TLS-1-2-Ext-2018-06", true),
            ("ELBSecurityPolicy-FS-1-2-Res-2020-10", true),
            ("ELBSecurityPolicy-TLS13-1-1-2021-06", false),
            ("ELBSecurityPolicy-TLS13-1-0-2021-06", false),
            ("ELBSecurityPolicy-TLS-1-1-2017-01", false),
            ("ELBSecurityPolicy-FS-1-1-2019-08", false),
            ("ELBSecurityPolicy-FS-2018-06", false),
            ("ELBSecurityPolicy-2016-08", false),
            ("ELBSecurityPolicy-2015-05", false),
            ("mine", false),
        ] {
            assert_eq!(is_modern(policy), modern, "{policy}");
        }
    }
}
