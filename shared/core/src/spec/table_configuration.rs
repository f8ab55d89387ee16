//! Keys of the section `configuration`.

use super::keys::Presence::{Default, Optional, Required};
use super::keys::{Kind, Section, TextRule};
use super::table::{is_account, is_printable, key};

/// What Parameter Store takes as a name (User Guide, "Requirements and constraints for parameter
/// names"): up to 15 levels, and neither `aws` nor `ssm` in front. The leading slash is asked for, so that
/// the name is the same in a policy and in a call.
pub(super) static PARAMETER_NAME: TextRule = TextRule {
    what: "the name of a parameter such as /web/production/timeout",
    rule: "it starts with /, has 1 to 15 levels of 1 to 64 letters, digits and . _ - each, and begins with \
           neither aws nor ssm",
    pattern: "^/([B-RT-Zb-rt-z0-9._-][A-Za-z0-9._-]{0,63}|[Aa]([A-VX-Za-vx-z0-9._-][A-Za-z0-9._-]{0,62})\
              ?|[Aa][Ww]([A-RT-Za-rt-z0-9._-][A-Za-z0-9._-]{0,61})?|[Ss]([A-RT-Za-rt-z0-9._-][A-Za-z0-9.\
              _-]{0,62})?|[Ss][Ss]([A-LN-Za-ln-z0-9._-][A-Za-z0-9._-]{0,61})?)(/[A-Za-z0-9._-]{1,64}){0,\
              14}$",
    accepts: is_parameter_name,
};

/// A parameter of the standard tier has at most 4 KB, and `{{` would refer to another parameter
/// (API reference of PutParameter).
static PARAMETER_VALUE: TextRule = TextRule {
    what: "the value of a parameter",
    rule: "1 to 4096 bytes of printable characters, without {{",
    pattern: "^[!-z|}~]([ -z|}~]{0,4095})$",
    accepts: |text| {
        !text.trim().is_empty()
            && text.len() <= 4096
            && !text.chars().any(char::is_control)
            && !text.contains("{{")
    },
};

/// A name that every shell can read.
static VARIABLE: TextRule = TextRule {
    what: "the name of an environment variable such as LOG_LEVEL",
    rule: "letters, digits and underscores, not beginning with a digit, at most 100 characters",
    pattern: "^[A-Za-z_][A-Za-z0-9_]{0,99}$",
    accepts: |text| {
        text.len() <= 100
            && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    },
};
static VARIABLE_VALUE: TextRule = TextRule {
    what: "the value of an environment variable",
    rule: "at most 4096 bytes, without line breaks and other control characters",
    pattern: "^[ -~]{0,4096}$",
    accepts: |text| text.len() <= 4096 && !text.chars().any(char::is_control),
};
/// What ECS takes as `valueFrom` (Developer Guide, "Pass sensitive data to an Amazon ECS container"), but
/// for a bare parameter name, which could be a secret itself.
static REFERENCE: TextRule = TextRule {
    what: "where a secret is kept, and never the secret itself",
    rule: "the ARN of a secret of Secrets Manager (in quotes, with :json-key:: behind it, if need be), or the ARN or the \
           path (/web/production/password) of a parameter of Systems Manager",
    pattern: "^(/[A-Za-z0-9._-]{1,64}(/[A-Za-z0-9._-]{1,64}){0,14}|arn:aws:ssm:[a-z0-9-]{1,30}:[0-9]{12}:\
              parameter/[A-Za-z0-9._/-]{1,900}|arn:aws:secretsmanager:[a-z0-9-]{1,30}:[0-9]{12}:secret:\
              [A-Za-z0-9/_+=.@-]{1,500}(:[A-Za-z0-9_.-]{0,100}:[A-Za-z0-9_.-]{0,100}:[A-Za-z0-9_.-]{0,100})?)$",
    accepts: is_reference,
};

fn is_reference(text: &str) -> bool {
    if text.starts_with('/') {
        return is_path(text);
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let &["arn", partition, service, region, account, resource] = &parts[..] else {
        return false;
    };
    let word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let kept = match service {
        "secretsmanager" => resource.strip_prefix("secret:"),
        "ssm" => resource.strip_prefix("parameter/"),
        _ => None,
    };
    partition.starts_with("aws")
        && word(region)
        && is_account(account)
        && text.len() <= 2048
        && kept.is_some_and(|kept| !kept.is_empty() && kept.chars().all(|c| c.is_ascii_graphic()))
}

fn is_path(text: &str) -> bool {
    let level = |level: &str| {
        (1..=64).contains(&level.len())
            && level
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
    };
    text.strip_prefix('/')
        .is_some_and(|rest| rest.split('/').count() <= 15 && rest.split('/').all(level))
}

fn is_parameter_name(text: &str) -> bool {
    let start = text.get(1..4).unwrap_or_default();
    is_path(text) && !["aws", "ssm"].iter().any(|word| start.eq_ignore_ascii_case(word))
}

pub(super) static CONFIGURATION: Section = Section {
    doc: "What the new revision is configured with.",
    keys: &[
        key(
            "parameters",
            Kind::List {
                of: &Kind::Section(&PARAMETER),
                min: 0,
                max: 50,
            },
            Optional,
            "Parameters of Systems Manager that are set before the candidate gets traffic. A rollback puts back \
         what was there.",
        ),
        key(
            "environment",
            Kind::Map {
                names: &VARIABLE,
                of: &VARIABLE_VALUE,
                within: None,
                min: 0,
                max: 100,
            },
            Optional,
            "Environment variables of the application's container, set in the new revision's task definition; all \
         others stay as they are. Never a secret.",
        ),
        key(
            "secrets",
            Kind::Map {
                names: &VARIABLE,
                of: &REFERENCE,
                within: None,
                min: 0,
                max: 100,
            },
            Optional,
            "Environment variables that ECS fills in from Secrets Manager or Systems Manager: name, and where the \
         secret is kept.",
        ),
        key(
            "flags",
            Kind::Section(&FLAGS),
            Optional,
            "Feature flags in AppConfig that are set before the candidate gets traffic. A rollback brings back the \
         version that was deployed.",
        ),
    ],
};

static PARAMETER: Section = Section {
    doc: "A parameter of Systems Manager, String or StringList. Never a secret: those are referred to.",
    keys: &[
        key(
            "name",
            Kind::Text(&PARAMETER_NAME),
            Required,
            "Its name, with its whole path.",
        ),
        key(
            "value",
            Kind::Text(&PARAMETER_VALUE),
            Required,
            "Its value from this deployment on.",
        ),
    ],
};

static FLAGS: Section = Section {
    doc: "Feature flags of a hosted configuration of AppConfig that exists. All other flags of it stay as they are.",
    keys: &[
        key(
            "application",
            Kind::Text(&NAME),
            Required,
            "The application of AppConfig, by name.",
        ),
        key(
            "environment",
            Kind::Text(&NAME),
            Required,
            "Its environment, by name.",
        ),
        key(
            "profile",
            Kind::Text(&NAME),
            Required,
            "Its configuration profile of type AWS.AppConfig.FeatureFlags, by name.",
        ),
        key(
            "strategy",
            Kind::Text(&NAME),
            Default("AppConfig.AllAtOnce"),
            "AppConfig's deployment strategy, by name; the predefined ones begin with AppConfig. .",
        ),
        key(
            "set",
            Kind::Map {
                names: &FLAG,
                of: &FLAG_STATE,
                within: Some(&ATTRIBUTE),
                min: 1,
                max: 50,
            },
            Required,
            "Each flag with on or off, or with `enabled` and its attributes. One that is not there yet starts off.",
        ),
        key(
            "timeout",
            Kind::Duration { min: 60, max: DAY },
            Default("30m"),
            "How long AppConfig may take until the version is deployed, with the strategy's time of watching.",
        ),
    ],
};

const DAY: u32 = 86_400;

/// AppConfig takes more; these are what people give (API reference of AppConfig: 1 to 64 characters).
static NAME: TextRule = TextRule {
    what: "a name in AppConfig",
    rule: "1 to 64 printable characters",
    pattern: "^[!-~]([ -~]{0,63})$",
    accepts: |text| is_printable(text, 64),
};
/// Type reference of AWS.AppConfig.FeatureFlags (User Guide of AppConfig).
static FLAG: TextRule = TextRule {
    what: "the name of a flag or of an attribute, such as new-checkout",
    rule: "letters, digits, _ and -, beginning with a small letter, at most 64 characters",
    pattern: "^[a-z][A-Za-z0-9_-]{0,63}$",
    accepts: |text| {
        text.len() <= 64
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    },
};
static FLAG_STATE: TextRule = TextRule {
    what: "`on` or `off`",
    rule: "or names below it: `enabled` with on or off, and attributes with their values",
    pattern: "^(on|off)$",
    accepts: |text| matches!(text, "on" | "off"),
};
static ATTRIBUTE: TextRule = TextRule {
    what: "the value of an attribute",
    rule: "a number, true or false, or a text of at most 1024 bytes without control characters",
    pattern: "^[!-~]([ -~]{0,1023})$",
    accepts: |text| !text.is_empty() && text.len() <= 1024 && !text.chars().any(char::is_control),
};
