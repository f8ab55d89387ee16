//! `tidegate release`: what CI knows of an image, recorded by its digest; without anything to record,
//! what is recorded.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use api::model::ReleaseRequest;
use clap::Args;
use jiff::Timestamp;
use tidegate_core::hash::sha256_hex;
use tidegate_core::ids::{Commit, Person, Ticket};
use tidegate_core::junit;
use tidegate_core::release::{Findings, ReleasePart, Sbom, SuiteCounts};
use tidegate_core::spec::SuiteName;

use crate::context::Context;
use crate::image::ImageName;
use crate::status::{CliError, Status};
use crate::{render, source};

/// The largest SBOM that is hashed.
const MAX_SBOM_BYTES: usize = 64 * 1024 * 1024;

/// What to record.
#[derive(Debug, Args)]
pub struct ReleaseArgs {
    /// The image, such as `web:v2` or `web@sha256:...`. Everything is kept for its digest.
    #[arg(value_name = "IMAGE")]
    pub image: ImageName,
    /// Commit that it was built from.
    #[arg(long, value_name = "HASH")]
    pub commit: Option<Commit>,
    /// Who wrote that: a name of the people file, or what stands there among a person's principals,
    /// such as an address. Where people approve, the author can't.
    #[arg(long, value_name = "NAME")]
    pub author: Option<Person>,
    /// When it was committed (RFC 3339): lead times are counted from there.
    #[arg(long, value_name = "TIME")]
    pub committed_at: Option<Timestamp>,
    /// Ticket, or a link to it.
    #[arg(long, value_name = "ID")]
    pub ticket: Option<Ticket>,
    /// A test suite with its tests, such as `unit=120/120`. May be repeated. It counts where all
    /// passed and there was one.
    #[arg(long = "suite", value_name = "NAME=PASSED/TOTAL")]
    pub suites: Vec<SuiteGiven>,
    /// A test suite with its JUnit report. May be repeated; several reports of one suite add up.
    #[arg(long = "junit", value_name = "NAME=FILE")]
    pub reports: Vec<ReportGiven>,
    /// Software bill of materials. Its hash and its name are recorded.
    #[arg(long, value_name = "FILE")]
    pub sbom: Option<PathBuf>,
    /// Where the bill of materials is kept, recorded in place of its name.
    #[arg(long, value_name = "URL", requires = "sbom")]
    pub sbom_at: Option<String>,
    /// What CI's own scanner found, such as `critical=0,high=3`, for people to compare: gates go by
    /// ECR's scan.
    #[arg(long, value_name = "COUNTS", value_parser = findings)]
    pub scan: Option<Findings>,
    /// Where a signature is, for people to follow: gates go by what is in ECR.
    #[arg(long, value_name = "REFERENCE")]
    pub signature: Option<String>,
}

/// `unit=120/120`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuiteGiven {
    name: SuiteName,
    counts: SuiteCounts,
}

/// `integration=report.xml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportGiven {
    name: SuiteName,
    file: PathBuf,
}

fn suite_name(text: &str) -> Result<SuiteName, String> {
    let name = SuiteName(text.to_owned());
    let rule = "lowercase letters, digits and dashes, starting with a letter, at most 40 characters";
    if name.is_valid() {
        Ok(name)
    } else {
        Err(format!("`{text}` is not the name of a suite: {rule}"))
    }
}

impl FromStr for SuiteGiven {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "a suite is written NAME=PASSED/TOTAL, such as unit=120/120".to_owned();
        let (name, counts) = text.split_once('=').ok_or_else(form)?;
        let (passed, total) = counts.split_once('/').ok_or_else(form)?;
        let number = |text: &str| text.parse::<u32>().map_err(|_| form());
        let (passed, total) = (number(passed)?, number(total)?);
        let failed = total
            .checked_sub(passed)
            .ok_or_else(|| format!("{passed} of {total} tests can't have passed"))?;
        let counts = SuiteCounts {
            passed,
            failed,
            skipped: 0,
        };
        let name = suite_name(name)?;
        Ok(Self { name, counts })
    }
}

impl FromStr for ReportGiven {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, file) = text
            .split_once('=')
            .filter(|(_, file)| !file.is_empty())
            .ok_or_else(|| "a report is written NAME=FILE, such as integration=report.xml".to_owned())?;
        Ok(Self {
            name: suite_name(name)?,
            file: file.into(),
        })
    }
}

fn findings(text: &str) -> Result<Findings, String> {
    let mut found = Findings::default();
    for part in text.split(',') {
        let count = part
            .split_once('=')
            .and_then(|(name, count)| Some((name, count.parse().ok()?)));
        let place = match count {
            Some(("critical", count)) => (&mut found.critical, count),
            Some(("high", count)) => (&mut found.high, count),
            Some(("medium", count)) => (&mut found.medium, count),
            Some(("low", count)) => (&mut found.low, count),
            Some(_) | None => {
                return Err("findings are written critical=0,high=3; also medium and low".to_owned());
            }
        };
        *place.0 = place.1;
    }
    Ok(found)
}

/// Records, or shows.
///
/// # Errors
/// A report that can't be read, no such image, refused, or Tidegate can't be asked.
pub async fn run(args: ReleaseArgs, cx: &Context) -> Result<Status, CliError> {
    let repository = args.image.repository.clone();
    let image = match (&args.image.digest, &args.image.tag) {
        (Some(digest), _) => digest.to_string(),
        (None, Some(tag)) => tag.clone(),
        (None, None) => {
            return Err(CliError::Usage(format!(
                "which image of {repository}? Add a tag or a digest, such as `{repository}:v2`"
            )));
        }
    };
    let record = part(args)?;
    let api = cx.api().await?;
    let release = if record == ReleasePart::default() {
        api.release(&repository, &image).await?
    } else {
        let request = ReleaseRequest {
            repository,
            image,
            record,
        };
        api.record_release(&request).await?
    };
    cx.out
        .show(&release, || render::release(&release, cx.out.paint))?;
    Ok(Status::Ok)
}

fn part(args: ReleaseArgs) -> Result<ReleasePart, CliError> {
    let mut suites: BTreeMap<SuiteName, SuiteCounts> = BTreeMap::new();
    for report in &args.reports {
        let name = source::name(&report.file);
        let bytes = source::read(&report.file, junit::MAX_BYTES)?;
        if bytes.len() > junit::MAX_BYTES {
            return Err(CliError::Failed(format!(
                "{name} has more than {} bytes",
                junit::MAX_BYTES
            )));
        }
        let text = String::from_utf8(bytes).map_err(|_| CliError::Failed(format!("{name} is not UTF-8")))?;
        let counts = junit::counts(&name, &text).map_err(CliError::Failed)?;
        let sum = suites.entry(report.name.clone()).or_default();
        sum.passed = sum.passed.saturating_add(counts.passed);
        sum.failed = sum.failed.saturating_add(counts.failed);
        sum.skipped = sum.skipped.saturating_add(counts.skipped);
    }
    for given in args.suites {
        if suites.insert(given.name.clone(), given.counts).is_some() {
            return Err(CliError::Usage(format!(
                "suite {} is given twice: once is enough",
                given.name.0
            )));
        }
    }
    let sbom = args.sbom.map(|file| sbom(&file, args.sbom_at)).transpose()?;
    Ok(ReleasePart {
        commit: args.commit,
        author: args.author,
        committed_at: args.committed_at,
        ticket: args.ticket,
        suites,
        sbom,
        scan: args.scan,
        signature: args.signature,
    })
}

fn sbom(file: &std::path::Path, place: Option<String>) -> Result<Sbom, CliError> {
    let name = source::name(file);
    let bytes = source::read(file, MAX_SBOM_BYTES)?;
    if bytes.is_empty() || bytes.len() > MAX_SBOM_BYTES {
        return Err(CliError::Failed(format!(
            "{name} is empty, or larger than {MAX_SBOM_BYTES} bytes"
        )));
    }
    Ok(Sbom {
        sha256: sha256_hex(&bytes),
        place: place.unwrap_or(name),
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use clap::Parser;

    use crate::args::{Cli, Verb};

    fn parsed(options: &[&str]) -> Result<ReleaseArgs, String> {
        let line = ["tidegate", "release", "web:v2"].iter().chain(options);
        let cli = Cli::try_parse_from(line).map_err(|error| error.to_string())?;
        let Verb::Release(args) = cli.verb else {
            unreachable!("release was parsed")
        };
        Ok(args)
    }

    #[test]
    fn options_become_a_part_of_a_release() {
        let options = [
            "--commit",
            "0a1b2c3d",
            "--author",
            "m@example.com",
            "--ticket",
            "SHOP-7",
            "--suite",
            "unit=118/120",
            "--suite",
            "load=3/3",
            "--scan",
            "critical=0,high=3",
            "--committed-at",
            "2026-03-02T08:00:00Z",
        ];
        let part = part(parsed(&options).unwrap()).unwrap();
        let unit = part.suites[&SuiteName("unit".to_owned())];
        assert_eq!((unit.passed, unit.failed), (118, 2));
        assert_eq!(part.suites.len(), 2);
        assert_eq!(part.scan.unwrap().shown(), "0 critical, 3 high");
        assert_eq!(part.ticket.unwrap().as_str(), "SHOP-7");
        assert_eq!(part.committed_at.unwrap().to_string(), "2026-03-02T08:00:00Z");
        assert_eq!(part.sbom, None);
    }

    #[test]
    fn files_are_counted_and_hashed() {
        let folder = std::env::temp_dir().join(format!("tidegate-release-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let one = write("one.xml", "<testsuite><testcase name='a'/></testsuite>");
        let two = write(
            "two.xml",
            "<testsuite><testcase name='b'><failure/></testcase></testsuite>",
        );
        let bill = write("sbom.json", "{}");
        let given = [
            format!("--junit=api={one}"),
            format!("--junit=api={two}"),
            format!("--sbom={bill}"),
        ];
        let options: Vec<&str> = given.iter().map(String::as_str).collect();
        let part = part(parsed(&options).unwrap()).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        let api = part.suites[&SuiteName("api".to_owned())];
        assert_eq!((api.passed, api.failed), (1, 1));
        let sbom = part.sbom.unwrap();
        assert_eq!((sbom.sha256, sbom.place), (sha256_hex(b"{}"), bill));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for options in [
            ["--suite", "unit"].as_slice(),
            &["--suite", "unit=3"],
            &["--suite", "unit=4/3"],
            &["--suite", "Unit=3/3"],
            &["--junit", "unit="],
            &["--scan", "severe=1"],
            &["--commit", "HEAD"],
            &["--sbom-at", "s3://bucket/key"],
        ] {
            assert!(parsed(options).is_err(), "{options:?}");
        }
        let twice = parsed(&["--suite", "unit=3/3", "--suite", "unit=4/4"]).unwrap();
        assert!(matches!(part(twice), Err(CliError::Usage(_))));
    }
}
