//! Real time: how long it takes to explore.

use std::time::{Duration, Instant};

/// Ticks of `/proc/self/stat` in a second (proc_pid_stat(5); 100 on every Linux that we build for).
const TICKS: f64 = 100.0;

/// Between two lines of progress.
const SIGN: Duration = Duration::from_secs(5);

/// A stretch of time, by the wall and by the processors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watch {
    began: Instant,
    worked: Option<f64>,
    told: Duration,
}

impl Watch {
    pub(crate) fn start() -> Self {
        Self {
            began: now(),
            worked: processor_seconds(),
            told: Duration::ZERO,
        }
    }

    pub(crate) fn seconds(&self) -> f64 {
        now().duration_since(self.began).as_secs_f64()
    }

    /// How many a second, and how many in a second of one core: that is the same on a busy machine as
    /// on an idle one.
    pub(crate) fn rate(&self, count: u64) -> String {
        let count = count as f64;
        let wall = count / self.seconds().max(0.001);
        let worked = processor_seconds().zip(self.worked).map(|(now, then)| now - then);
        match worked {
            Some(worked) => format!(
                "{wall:.0} a second, {:.0} in a second of one core",
                count / worked.max(0.01)
            ),
            None => format!("{wall:.0} a second"),
        }
    }

    /// Says how far it is, now and then.
    pub(crate) fn sign(&mut self, line: impl FnOnce() -> String) {
        let passed = now().duration_since(self.began);
        if passed >= self.told + SIGN {
            self.told = passed;
            eprintln!("{}", line());
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

#[expect(clippy::disallowed_methods, reason = "rates are measured in real time")]
fn now() -> Instant {
    Instant::now()
}
