//! Keys of the section `cost`.

use super::cost::percent;
use super::keys::Presence::{Default, Optional, Required};
use super::keys::{Kind, Section, TextRule};
use super::table::{AGREE_WITHIN, APPROVALS, is_account, is_printable, key};

static INCREASE: TextRule = TextRule {
    what: "a percentage such as 20%",
    rule: "a whole number from 0 to 9999 and %",
    pattern: "^[0-9]{1,4}%$",
    accepts: |text| percent(text).is_some(),
};
static TAG_KEY: TextRule = TextRule {
    what: "the key of a cost allocation tag such as service",
    rule: "1 to 128 printable characters (AWS Billing, \"Using user-defined cost allocation tags\")",
    pattern: "^[!-~]([ -~]{0,127})$",
    accepts: |text| is_printable(text, 128),
};
static TAG_VALUE: TextRule = TextRule {
    what: "the value of a cost allocation tag such as web",
    rule: "1 to 256 printable characters",
    pattern: "^[!-~]([ -~]{0,255})$",
    accepts: |text| is_printable(text, 256),
};
static MONITOR: TextRule = TextRule {
    what: "the ARN of a cost anomaly monitor",
    rule: "arn:aws:ce::ACCOUNT:anomalymonitor/ID",
    pattern: "^arn:aws(-[a-z]{1,10}){0,3}:ce::[0-9]{12}:anomalymonitor/[A-Za-z0-9-]{1,64}$",
    accepts: |text| {
        let parts: Vec<&str> = text.split(':').collect();
        let &["arn", partition, "ce", "", account, monitor] = &parts[..] else {
            return false;
        };
        let id = monitor.strip_prefix("anomalymonitor/").unwrap_or_default();
        partition.starts_with("aws")
            && is_account(account)
            && (1..=64).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    },
};

pub(super) static COST: Section = Section {
    doc: "What the tasks of a deployment cost: forecast in its plan, looked at once it has all of the traffic, and compared \
          with the bill after its watch. A forecast is of vCPU and memory alone.",
    keys: &[
        key(
            "maxIncrease",
            Kind::Text(&INCREASE),
            Optional,
            "How much more than what serves now a month may cost. Beyond it people are asked, or the deployment is \
             blocked where neither approvals nor a gate before prepare names anybody. A first deployment has nothing to compare with.",
        ),
        key(
            "maxMonthly",
            Kind::Number { min: 0.01, max: 1e9 },
            Optional,
            "Dollars that a month (730 hours) may cost, beyond which people are asked in the same way.",
        ),
        key(
            "approvals",
            APPROVALS,
            Optional,
            "Who must agree to a forecast beyond a limit, before anything is touched, beside those of a gate before \
             prepare.",
        ),
        AGREE_WITHIN,
        key(
            "onExcess",
            Kind::Choice(&["tell", "rollback"]),
            Default("tell"),
            "What is done where the tasks that run after the last step cost more than was forecast, and more than a \
             limit. tell: people hear of it. rollback: it is taken back.",
        ),
        key(
            "prices",
            Kind::Section(&PRICES),
            Optional,
            "Prices of your own: of another region, with a discount, or of EC2. Without them those that Fargate has for \
             Linux on x86 and ARM on demand in US East (N. Virginia) as of March 2026.",
        ),
        key(
            "explorer",
            Kind::Section(&EXPLORER),
            Optional,
            "Ask Cost Explorer at the end of the watch what a day costs, before and after. AWS takes $0.01 for each \
             request, of which there are at most eight. More than maxIncrease is told, and nothing is taken back.",
        ),
    ],
};

static PRICES: Section = Section {
    doc: "Prices of your own.",
    keys: &[
        key(
            "vcpuHour",
            Kind::Number { min: 0.0, max: 100.0 },
            Required,
            "Dollars for a vCPU and an hour.",
        ),
        key(
            "gbHour",
            Kind::Number { min: 0.0, max: 100.0 },
            Required,
            "Dollars for a GB of memory and an hour.",
        ),
    ],
};

static EXPLORER: Section = Section {
    doc: "What is asked of Cost Explorer.",
    keys: &[
        key(
            "tag",
            Kind::Section(&TAG),
            Required,
            "The cost allocation tag by which the bill knows the service, activated in the payer's account.",
        ),
        key(
            "monitor",
            Kind::Text(&MONITOR),
            Optional,
            "A monitor of Cost Anomaly Detection, whose anomalies since the deployment are told beside it.",
        ),
    ],
};

static TAG: Section = Section {
    doc: "A cost allocation tag.",
    keys: &[
        key("key", Kind::Text(&TAG_KEY), Required, "Its key."),
        key("value", Kind::Text(&TAG_VALUE), Required, "Its value."),
    ],
};
