//! The one clock: the SDK's time source, so that signatures, retries and decisions agree, and the
//! local cloud can give all of them its own time.

use aws_smithy_async::time::{SharedTimeSource, SystemTimeSource};
use aws_types::SdkConfig;
use jiff::Timestamp;

/// Tells the time.
#[derive(Debug, Clone)]
pub struct Clock(SharedTimeSource);

impl Clock {
    /// The clock of a configuration; the system's where it has none.
    pub fn of(sdk: &SdkConfig) -> Self {
        Self(
            sdk.time_source()
                .unwrap_or_else(|| SharedTimeSource::new(SystemTimeSource::new())),
        )
    }

    /// Now. Times outside of what a timestamp can hold (year 9999) become the nearest that it can.
    pub fn now(&self) -> Timestamp {
        Timestamp::try_from(self.0.now()).unwrap_or(Timestamp::MAX)
    }
}
