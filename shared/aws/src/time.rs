//! Between the SDK's instants and ours.

use aws_smithy_types::DateTime;
use jiff::Timestamp;

/// Ours as the SDK's, to the millisecond: no API that we call takes a finer one.
#[cfg(any(feature = "cloudwatch", feature = "eventbridge"))]
pub(crate) fn to_sdk(at: Timestamp) -> DateTime {
    DateTime::from_millis(at.as_millisecond())
}

/// The SDK's as ours; nothing where it is outside the years -9999 to 9999.
#[cfg(any(feature = "cloudwatch", feature = "ecr"))]
pub(crate) fn from_sdk(at: &DateTime) -> Option<Timestamp> {
    let nanos = i32::try_from(at.subsec_nanos()).ok()?;
    Timestamp::new(at.secs(), nanos).ok()
}
