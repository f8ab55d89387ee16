//! Keys of the section `analyzer`.

use super::keys::Presence::{Default, Optional, Required};
use super::keys::{Kind, Section};
use super::table::{AGREE_WITHIN, APPROVALS, key};
use super::table_validation::FUNCTION;
use crate::suite::LONGEST_SECONDS;

pub(super) static ANALYZER: Section = Section {
    doc: "A Lambda function that looks at the revision before people are asked about the infrastructure. It gets a \
          JSON with deployment, service, environment, repository, digest, tag and commit, and answers \
          {\"recommendations\": [{\"severity\": \"high\", \"text\": \"...\"}], \"variables\": {\"location\": \
          \"s3://BUCKET/KEY\", \"sha256\": \"...\", \"changes\": [\"names of variables\"]}}.",
    keys: &[
        key(
            "function",
            Kind::Text(&FUNCTION),
            Required,
            "The function, with an alias or a version where it has one.",
        ),
        key(
            "timeout",
            Kind::Duration {
                min: 1,
                max: LONGEST_SECONDS,
            },
            Default("40s"),
            "How long it may take.",
        ),
        key(
            "required",
            Kind::Flag,
            Default("false"),
            "Whether the deployment stops without its answer.",
        ),
        key(
            "threshold",
            Kind::Integer { min: 0, max: 200 },
            Default("0"),
            "With more changed variables than this, people are asked.",
        ),
        key(
            "approvals",
            APPROVALS,
            Optional,
            "Who must agree to changed variables; those of infrastructure where it is absent.",
        ),
        AGREE_WITHIN,
        key(
            "pricePerGbSecond",
            Kind::Number { min: 0.0, max: 1.0 },
            Default("0.0000166667"),
            "What a GB-second of Lambda costs, dollars. The default is the list price of 2024 for x86 in US East (N. \
             Virginia), first tier; another region, architecture or contract has its own.",
        ),
    ],
};
