//! The bill as Cost Explorer shows it: days with their costs, known only a while after each, and anomalies.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::Fleet;

const DAY_SECONDS: i64 = 86_400;

/// What is billed under one tag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bill {
    /// Key and value of the cost allocation tag.
    pub tag: (String, String),
    /// Micro-dollars of a day, from that day on, until the next one here.
    pub daily: BTreeMap<Date, i64>,
    /// So many seconds after a day its costs are known.
    pub late_seconds: i64,
    /// Anomalies, each since a day, of a service, with what it costs more, dollars.
    pub anomalies: Vec<(Date, String, f64)>,
    /// Requests so far; AWS takes a cent for each.
    pub requests: u32,
}

impl Default for Bill {
    /// Nothing billed, and a day late.
    fn default() -> Self {
        Self {
            tag: ("service".to_owned(), "web".to_owned()),
            daily: BTreeMap::new(),
            late_seconds: DAY_SECONDS,
            anomalies: Vec::new(),
            requests: 0,
        }
    }
}

impl Bill {
    /// What a day costs, as far as it is known at `now`.
    pub(crate) fn of(&self, day: Date, now: Timestamp) -> i64 {
        let over = day.tomorrow().and_then(|next| next.to_zoned(TimeZone::UTC));
        let known =
            over.is_ok_and(|over| now.duration_since(over.timestamp()).as_secs() >= self.late_seconds);
        let (_, cost) = self.daily.range(..=day).next_back().unwrap_or((&day, &0));
        if known { *cost } else { 0 }
    }
}

impl Fleet {
    /// Bills so many dollars a day from so many days after today on; before that what was said before.
    pub fn bill_daily(&mut self, days_from_today: i64, dollars: i64) {
        let today = self.now().to_zoned(TimeZone::UTC).date();
        let day = today.saturating_add(jiff::Span::new().days(days_from_today));
        self.bill.daily.insert(day, dollars.saturating_mul(1_000_000));
    }

    /// AWS finds that a service costs so many dollars more than expected, since today.
    pub fn find_anomaly(&mut self, service: &str, dollars: f64) {
        let today = self.now().to_zoned(TimeZone::UTC).date();
        self.bill.anomalies.push((today, service.to_owned(), dollars));
    }
}
