//! `tidegate push`: an image for the local cloud, and how its version behaves there.

use clap::Args;
use serde::Serialize;

use crate::context::Context;
use crate::image::ImageName;
use crate::status::{CliError, Status};

/// What to push.
#[derive(Debug, Args)]
pub struct PushArgs {
    /// Repository and tag, such as `web:v2`; with `@sha256:...` that digest instead of a new one.
    #[arg(value_name = "IMAGE")]
    pub image: ImageName,
    /// It answers this share of its requests with a 5xx, percent.
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub errors: Option<f64>,
    /// It does so only from this share of the traffic on, percent.
    #[arg(long, value_name = "WEIGHT", requires = "errors", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub errors_from: Option<u8>,
    /// 99th percentile of its response time, milliseconds.
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u32).range(1..=600_000))]
    pub latency: Option<u32>,
    /// Its tasks exit a few seconds after they started.
    #[arg(long, group = "start")]
    pub crash: bool,
    /// Its tasks run but never pass a health check.
    #[arg(long, group = "start")]
    pub never_healthy: bool,
    /// Its tasks become healthy only after this long.
    #[arg(long, value_name = "SECONDS", group = "start")]
    pub slow: Option<u32>,
    /// ECR's scan finds so many of severity CRITICAL in it.
    #[arg(long, value_name = "N")]
    pub critical: Option<u32>,
    /// ECR's scan finds so many of severity HIGH in it.
    #[arg(long, value_name = "N")]
    pub high: Option<u32>,
    /// ECR's scan is over this long after the push.
    #[arg(long, value_name = "SECONDS")]
    pub scan_takes: Option<u32>,
    /// ECR does not scan it.
    #[arg(long, conflicts_with_all = ["critical", "high", "scan_takes"])]
    pub unscanned: bool,
    /// Nobody has signed it.
    #[arg(long)]
    pub unsigned: bool,
}

/// `POST /_local/push`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct PushRequest {
    repository: String,
    tag: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    behaviour: Behaviour,
}

/// What differs from a healthy version: the fields of the local cloud's `Behaviour`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Behaviour {
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<Start>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_percent: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_from_weight: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_p99_ms: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scan: Option<Scan>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed: Option<Signed>,
}

/// What ECR's scan makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Scan {
    seconds: u32,
    end: ScanEnd,
    critical: u32,
    high: u32,
}

/// How the scan ends.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
enum ScanEnd {
    Complete,
    Never,
}

/// Who signed it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Signed {
    No,
}

/// How its tasks start.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Start {
    Crash,
    NeverHealthy,
    Slow { seconds: u32 },
}

/// Pushes.
///
/// # Errors
/// On AWS, where `docker push` does this; or the local cloud can't be reached.
pub async fn run(args: PushArgs, cx: &Context) -> Result<Status, CliError> {
    if cx.global.api_url.is_some() {
        return Err(CliError::Usage(
            "push is for the local cloud; on AWS push to ECR with `docker push`, and Tidegate hears of it"
                .to_owned(),
        ));
    }
    let name = args.image.to_string();
    let answer = cx.api().await?.push(&request(args)).await?;
    cx.out.show(&answer, || {
        let digest = answer.get("digest").and_then(serde_json::Value::as_str);
        let digest = digest.map(|digest| format!(" as {digest}")).unwrap_or_default();
        format!("pushed {name}{digest}\nwatch what becomes of it with `tidegate get --watch`")
    })?;
    Ok(Status::Ok)
}

fn request(args: PushArgs) -> PushRequest {
    let start = if args.crash {
        Some(Start::Crash)
    } else if args.never_healthy {
        Some(Start::NeverHealthy)
    } else {
        args.slow.map(|seconds| Start::Slow { seconds })
    };
    let scanned =
        args.unscanned || args.critical.is_some() || args.high.is_some() || args.scan_takes.is_some();
    let scan = scanned.then(|| Scan {
        seconds: args.scan_takes.unwrap_or(0),
        end: if args.unscanned {
            ScanEnd::Never
        } else {
            ScanEnd::Complete
        },
        critical: args.critical.unwrap_or(0),
        high: args.high.unwrap_or(0),
    });
    PushRequest {
        repository: args.image.repository,
        tag: args.image.tag.unwrap_or_else(|| "latest".to_owned()),
        digest: args.image.digest.map(|digest| digest.to_string()),
        behaviour: Behaviour {
            start,
            error_percent: args.errors,
            error_from_weight: args.errors_from,
            latency_p99_ms: args.latency,
            scan,
            signed: args.unsigned.then_some(Signed::No),
        },
    }
}

fn percent(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.trim_end_matches('%').parse().ok();
    number
        .filter(|n| (0.0..=100.0).contains(n))
        .ok_or_else(|| "a share is a number from 0 to 100".to_owned())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use clap::Parser;
    use tidegate_local::fleet;

    use crate::args::{Cli, Verb};

    fn behaviour(options: &[&str]) -> fleet::Behaviour {
        let line = ["tidegate", "push", "web:v2"].iter().chain(options);
        let Verb::Push(args) = Cli::try_parse_from(line).unwrap().verb else {
            unreachable!("push was parsed")
        };
        serde_json::from_value(serde_json::to_value(request(args).behaviour).unwrap()).unwrap()
    }

    #[test]
    fn the_local_cloud_reads_what_the_options_say() {
        assert_eq!(behaviour(&[]), fleet::Behaviour::default());
        assert_eq!(
            behaviour(&["--errors", "5%", "--errors-from", "25"]),
            fleet::Behaviour::failing(5.0, 25)
        );
        assert_eq!(
            behaviour(&["--crash"]),
            fleet::Behaviour::starting(fleet::Start::Crash)
        );
        assert_eq!(
            behaviour(&["--never-healthy"]),
            fleet::Behaviour::starting(fleet::Start::NeverHealthy)
        );
        assert_eq!(
            behaviour(&["--slow", "40"]),
            fleet::Behaviour::starting(fleet::Start::Slow { seconds: 40 })
        );
        assert_eq!(behaviour(&["--latency", "900"]).latency_p99_ms, 900.0);
        let found = behaviour(&["--critical", "2", "--scan-takes", "90", "--unsigned"]);
        assert_eq!(
            found.scan,
            fleet::Scan {
                seconds: 90,
                critical: 2,
                ..fleet::Scan::default()
            }
        );
        assert_eq!(found.signed, fleet::Signed::No);
        assert_eq!(behaviour(&["--unscanned"]).scan.end, fleet::ScanEnd::Never);
    }

    #[test]
    fn contradictions_are_refused() {
        for options in [
            ["--crash", "--never-healthy"].as_slice(),
            &["--errors", "101"],
            &["--errors-from", "5"],
        ] {
            let line = ["tidegate", "push", "web:v2"].iter().chain(options);
            assert!(Cli::try_parse_from(line).is_err(), "{options:?}");
        }
    }
}
