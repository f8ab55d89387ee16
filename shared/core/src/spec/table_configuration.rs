//! Keys of the section `configuration`.

use super::keys::Presence::{Optional, Required};
use super::keys::{Kind, Section, TextRule};
use super::table::key;

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

fn is_parameter_name(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('/') else {
        return false;
    };
    let level = |level: &str| {
        (1..=64).contains(&level.len())
            && level
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
    };
    let reserved = |prefix: &str| {
        rest.get(..3)
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    rest.split('/').count() <= 15 && rest.split('/').all(level) && !reserved("aws") && !reserved("ssm")
}

pub(super) static CONFIGURATION: Section = Section {
    doc: "What the new revision is configured with.",
    keys: &[key(
        "parameters",
        Kind::List {
            of: &Kind::Section(&PARAMETER),
            min: 0,
            max: 50,
        },
        Optional,
        "Parameters of Systems Manager that are set before the candidate gets traffic. A rollback puts back \
         what was there.",
    )],
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
