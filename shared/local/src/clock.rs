//! Time of the local cloud: tokio's, from a given start, at a given speed.
//!
//! On a runtime that was started paused, tokio moves its time to the next timer whenever nothing
//! else can run: a 60-minute canary takes as long as its work, and is the same every time.

use std::time::{Duration, SystemTime};

use aws_smithy_async::time::TimeSource;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// The clock. Cheap to copy; all copies tell the same time.
#[derive(Debug, Clone, Copy)]
pub struct CloudClock {
    epoch: Timestamp,
    start: Instant,
    speed: f64,
}

impl CloudClock {
    /// A clock that shows `epoch` now and runs `speed` times as fast as tokio's.
    pub fn starting_at(epoch: Timestamp, speed: f64) -> Self {
        let speed = if speed.is_finite() && speed > 0.0 {
            speed
        } else {
            1.0
        };
        Self {
            epoch,
            start: Instant::now(),
            speed,
        }
    }

    /// Now, in whole milliseconds, which is the precision of tokio's timers.
    pub fn now(&self) -> Timestamp {
        let passed = self.start.elapsed().mul_f64(self.speed);
        let millis = i64::try_from(passed.as_millis()).unwrap_or(i64::MAX);
        self.epoch
            .checked_add(SignedDuration::from_millis(millis))
            .unwrap_or(Timestamp::MAX)
    }

    /// Sleeps until then.
    pub async fn sleep_until(&self, then: Timestamp) {
        let left = then.duration_since(self.now());
        if let Ok(left) = Duration::try_from(left) {
            self.sleep(left).await;
        }
    }

    /// Sleeps for so long on this clock.
    pub async fn sleep(&self, time: Duration) {
        if !time.is_zero() {
            tokio::time::sleep(time.div_f64(self.speed)).await;
        }
    }
}

impl TimeSource for CloudClock {
    fn now(&self) -> SystemTime {
        SystemTime::from(CloudClock::now(self))
    }
}
