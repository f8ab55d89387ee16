//! The multi-region file: read and checked, not acted on yet.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::build::{duplicate, with_section};
use super::fields::{Fields, Items};
use super::problem::{Draft, ProblemCode, Problems, Span};
use super::table;
use crate::ids::{EnvironmentName, ServiceName, Weight};

/// A validated file that rolls out region by region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionsFile {
    /// `service`: given in the file, or beside it.
    pub service: Option<ServiceName>,
    /// `environment`.
    pub environment: Option<EnvironmentName>,
    /// `regions`, in the order of the rollout. Their weights add up to 100.
    pub regions: Vec<Region>,
    /// `failurePolicy`.
    pub failure_policy: FailurePolicy,
}

/// `regions[]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Region {
    /// `name`: an AWS region.
    pub name: String,
    /// `role`.
    pub role: RegionRole,
    /// `weight`: share of all traffic.
    pub weight: Weight,
    /// `waitTime`, seconds: how long to watch before the next region (default 0).
    pub wait_seconds: u32,
}

/// What part a region plays in the rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegionRole {
    /// Tried first.
    Canary,
    /// In between.
    Secondary,
    /// The one with the most at stake.
    Primary,
}

/// `failurePolicy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailurePolicy {
    /// `stopOnRegionFailure` (default true).
    pub stop_on_region_failure: bool,
    /// `rollbackFailedRegion` (default true).
    pub rollback_failed_region: bool,
}

pub(super) fn build(fields: &Fields, problems: &mut Problems) -> Option<RegionsFile> {
    let regions = fields
        .list("regions")
        .map(|items| regions(fields, items, problems));
    let policy = |section: &Fields| {
        Some(FailurePolicy {
            stop_on_region_failure: section.flag("stopOnRegionFailure")?,
            rollback_failed_region: section.flag("rollbackFailedRegion")?,
        })
    };
    Some(RegionsFile {
        service: fields.name("service"),
        environment: fields.name("environment"),
        regions: regions?,
        failure_policy: with_section(fields, &table::REGIONS, "failurePolicy", policy)??,
    })
}

fn regions(fields: &Fields, items: &Items, problems: &mut Problems) -> Vec<Region> {
    let mut seen: BTreeMap<String, Span> = BTreeMap::new();
    let mut canary: Option<Span> = None;
    let mut regions = Vec::new();
    for section in items.sections() {
        let Some(region) = region(section) else { continue };
        let span = section.value_span("name");
        if let Some(first) = seen.insert(region.name.clone(), span) {
            problems.push(duplicate(span, first, &format!("the region `{}`", region.name)));
        }
        if region.role == RegionRole::Canary {
            let span = section.value_span("role");
            match canary {
                Some(first) => problems.push(duplicate(span, first, "the canary region")),
                None if !regions.is_empty() => problems.push(late_canary(span)),
                None => {}
            }
            canary = canary.or(Some(span));
        }
        regions.push(region);
    }
    if items.complete && regions.len() == items.items.len() {
        check_sum(fields.key_span("regions"), &regions, problems);
    }
    regions
}

fn region(section: &Fields) -> Option<Region> {
    Some(Region {
        name: section.text("name")?.to_owned(),
        role: match section.text("role")? {
            "canary" => RegionRole::Canary,
            "primary" => RegionRole::Primary,
            // The table knows these three words only.
            _ => RegionRole::Secondary,
        },
        weight: Weight::new(u8::try_from(section.whole("weight")?).ok()?)?,
        wait_seconds: section.whole("waitTime")?,
    })
}

fn late_canary(span: Span) -> Draft {
    Draft::new(
        ProblemCode::Contradiction,
        span,
        "the canary region is not the first",
    )
    .help("move it to the top: regions are rolled out in the order of the file")
}

fn check_sum(span: Span, regions: &[Region], problems: &mut Problems) {
    let sum: u32 = regions
        .iter()
        .map(|region| u32::from(region.weight.percent()))
        .sum();
    let help = match sum.cmp(&100) {
        Ordering::Equal => return,
        Ordering::Less => format!("{} % are missing", 100 - sum),
        Ordering::Greater => format!("{} % are too many", sum - 100),
    };
    let message = format!("the weights of the regions add up to {sum} %, not to 100 %");
    problems.push(Draft::new(ProblemCode::WeightsIncomplete, span, message).help(help));
}
