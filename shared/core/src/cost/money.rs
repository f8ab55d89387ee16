//! Amounts of money, whole micro-dollars.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

const MICROS: i64 = 1_000_000;

const HALF_A_CENT: i128 = 5_000;

/// US dollars in whole millionths. Below zero where a bill gives something back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Money(i64);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many millionths of a dollar.
    pub const fn micros(micros: i64) -> Self {
        Self(micros)
    }

    /// So many millionths of a dollar.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Of a number of dollars, to the nearest millionth; the bounds of an `i64` where it is beyond them.
    #[expect(clippy::cast_possible_truncation, reason = "such a cast ends at the bounds")]
    pub fn dollars(dollars: f64) -> Self {
        Self((dollars * 1e6).round() as i64)
    }

    /// From a decimal number such as `12.3456789012`, as Cost Explorer writes amounts; what is below a millionth is
    /// rounded towards zero.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        // `4.2E-8` is how it writes what is next to nothing.
        let (digits, exponent) = match digits.split_once(['E', 'e']) {
            Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
            None => (digits, 0),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let all = format!("{whole}{part}");
        if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let places = i32::try_from(part.len()).ok()?;
        let shift = exponent.checked_add(6)?.checked_sub(places)?;
        let mut micros: i128 = all.parse().ok()?;
        for _ in 0..shift.unsigned_abs().min(40) {
            micros = match shift > 0 {
                true => micros.checked_mul(10)?,
                false => micros / 10,
            };
        }
        let micros = i64::try_from(micros).ok()?;
        Some(Self(if negative { -micros } else { micros }))
    }

    pub(super) fn times(self, count: u64) -> Self {
        self.scaled(count, 1)
    }

    /// `numerator / denominator` of it, to the nearest millionth.
    pub(super) fn scaled(self, numerator: u64, denominator: u64) -> Self {
        let (top, bottom) = (
            i128::from(self.0) * i128::from(numerator),
            i128::from(denominator.max(1)),
        );
        let half = if top < 0 { -bottom / 2 } else { bottom / 2 };
        let rounded = (top + half) / bottom;
        Self(i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX }))
    }

    /// By how many tenths of a percent it is above `before`; nothing where that is not above zero.
    pub(super) fn increase(self, before: Self) -> Option<i64> {
        let base = i128::from(before.0);
        let more = i128::from(self.0) - base;
        (base > 0).then(|| i64::try_from(more * 1000 / base).unwrap_or(i64::MAX))
    }

    /// Whether it is more than so many percent above `before`; less than half a cent is rounding.
    pub(super) fn is_beyond(self, before: Self, percent: u32) -> bool {
        (i128::from(self.0) - HALF_A_CENT) * 100 > i128::from(before.0) * (100 + i128::from(percent))
    }

    /// How it compares: `12.5 % more`, `3 % less`, `the same`.
    pub(super) fn against(self, before: Self) -> Option<String> {
        let tenths = self.increase(before)?;
        let shown = |tenths: u64| match tenths % 10 {
            0 => format!("{} %", tenths / 10),
            rest => format!("{}.{rest} %", tenths / 10),
        };
        Some(match self.cmp(&before) {
            _ if tenths == 0 => "the same".to_owned(),
            std::cmp::Ordering::Equal => "the same".to_owned(),
            std::cmp::Ordering::Greater => format!("{} more", shown(tenths.unsigned_abs())),
            std::cmp::Ordering::Less => format!("{} less", shown(tenths.unsigned_abs())),
        })
    }
}

impl Add for Money {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Money {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::ZERO, Add::add)
    }
}

/// `$1234.57`, to the nearest cent; what is less than half of one shows four places.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let micros = self.0.unsigned_abs();
        let (unit, places) = match micros {
            1..5_000 => (100, 4),
            _ => (10_000, 2),
        };
        let rounded = (micros + unit / 2) / unit;
        let per_dollar = MICROS.unsigned_abs() / unit;
        write!(
            f,
            "{sign}${}.{:0places$}",
            rounded / per_dollar,
            rounded % per_dollar
        )
    }
}
