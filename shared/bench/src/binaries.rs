//! Size of the Lambda binaries, and the time from `exec` to the first request for work.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Serialize;
use tidegate_local::names::{FUNCTIONS, variable};

/// One binary.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Binary {
    /// Function's name.
    pub name: &'static str,
    /// Size.
    pub bytes: u64,
    /// Median of the starts, where it started at all.
    pub start_ms: Option<f64>,
}

/// How long a start may take before it counts as none.
const LIMIT: Duration = Duration::from_secs(5);

/// Measures every binary that is there.
pub fn measure(folder: &Path, starts: u32) -> Vec<Binary> {
    let measured = FUNCTIONS.iter().filter_map(|name| {
        let path = folder.join(name);
        let bytes = std::fs::metadata(&path).ok()?.len();
        let mut times: Vec<f64> = (0..starts).filter_map(|_| start(&path)).collect();
        times.sort_by(f64::total_cmp);
        Some(Binary {
            name,
            bytes,
            start_ms: times.get(times.len() / 2).copied(),
        })
    });
    measured.collect()
}

/// Starts a binary against a runtime API that only listens, and waits for `GET .../invocation/next`.
fn start(path: &Path) -> Option<f64> {
    let listener = TcpListener::bind("127.0.0.1:0").ok()?;
    let api = listener.local_addr().ok()?.to_string();
    let began = now();
    let mut child = spawn(path, &api)?;
    let seen = listener
        .accept()
        .ok()
        .and_then(|(stream, _)| first_request(stream));
    let took = now().duration_since(began);
    child.kill().ok();
    child.wait().ok();
    let asked = seen?.starts_with("GET /2018-06-01/runtime/invocation/next");
    (asked && took < LIMIT).then_some(took.as_secs_f64() * 1000.0)
}

fn spawn(path: &Path, api: &str) -> Option<Child> {
    let mut command = Command::new(path);
    command.env_clear();
    for name in [
        "TIDEGATE_TABLE",
        "TIDEGATE_BUS",
        "TIDEGATE_TOPIC",
        "TIDEGATE_DEPLOYMENT_MACHINE",
        "TIDEGATE_ROLLBACK_MACHINE",
        "TIDEGATE_SLACK_WEBHOOK",
    ] {
        command.env(name, variable(name).unwrap_or_default());
    }
    command
        .env("AWS_LAMBDA_RUNTIME_API", api)
        .env("AWS_LAMBDA_FUNCTION_NAME", "bench")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "bench")
        .env("AWS_SECRET_ACCESS_KEY", "bench")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()
}

fn first_request(mut stream: TcpStream) -> Option<String> {
    stream.set_read_timeout(Some(LIMIT)).ok()?;
    let mut start = [0_u8; 256];
    let read = stream.read(&mut start).ok()?;
    // An answer would be work; the child is killed instead.
    stream.flush().ok();
    Some(String::from_utf8_lossy(start.get(..read)?).into_owned())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Instant {
    Instant::now()
}
