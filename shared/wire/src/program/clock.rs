//! Real time: how long it takes to play.

use std::time::{Duration, Instant};

/// Ticks of `/proc/self/stat` in a second (proc_pid_stat(5); 100 on every Linux that we build for).
const TICKS: f64 = 100.0;

/// A stretch of time, by the wall and by the processors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watch {
    began: Instant,
    worked: Option<f64>,
}

impl Watch {
    pub(crate) fn start() -> Self {
        Self {
            began: now(),
            worked: processor_seconds(),
        }
    }

    pub(crate) fn passed(&self) -> Duration {
        now().duration_since(self.began)
    }

    /// How many a second; and, where the system tells it, how many in a second of one processor,
    /// which is the same on a busy machine as on an idle one.
    pub(crate) fn rate(&self, count: usize) -> String {
        let count = count as f64;
        let wall = count / self.passed().as_secs_f64().max(0.001);
        let worked = processor_seconds().zip(self.worked).map(|(now, then)| now - then);
        match worked {
            Some(worked) => format!(
                "{wall:.1} a second, {:.1} in a second of one core",
                count / worked.max(0.01)
            ),
            None => format!("{wall:.1} a second"),
        }
    }
}

/// What this process has worked, on all cores.
fn processor_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The program's name comes second and may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut ticks = fields.split_whitespace().skip(11).take(2);
    let user: f64 = ticks.next()?.parse().ok()?;
    let system: f64 = ticks.next()?.parse().ok()?;
    Some((user + system) / TICKS)
}

#[expect(
    clippy::disallowed_methods,
    reason = "measures how many deployments it plays in real time"
)]
fn now() -> Instant {
    Instant::now()
}
