//! Ranges of integer expressions, so that `i128` cannot overflow and every product has a known factor.

use crate::engine::attributes::{Field, FieldType};
use crate::engine::signal::{Reads, Signal};

/// A sum of a million of the largest amounts still fits below.
const SIGNAL_MAX: i128 = (i64::MAX as i128) << 20;

/// What values an expression can take, and whether it reads a signal (which may be cold, and then is
/// known from one side only).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    low: i128,
    high: i128,
    reads_signal: bool,
}

impl Range {
    pub(super) fn constant(value: i64) -> Range {
        Range { low: i128::from(value), high: i128::from(value), reads_signal: false }
    }

    /// Whether it is 0 whatever happens.
    pub(super) fn is_zero(self) -> bool {
        self.low == 0 && self.high == 0
    }

    /// Amounts and counts are never negative; a balance may be.
    pub(super) fn field(field: Field) -> Range {
        let (low, high) = match field.value_type() {
            FieldType::Money if field == Field::BalanceAfter => (i64::MIN, i64::MAX),
            FieldType::Money | FieldType::Count => (0, i64::MAX),
            FieldType::Flag => (0, 1),
            FieldType::Word(_) => (0, i64::from(u8::MAX)),
        };
        Range { low: low.into(), high: high.into(), reads_signal: false }
    }

    /// Only a difference can be negative.
    pub(super) fn signal(signal: &Signal) -> Range {
        let low = if matches!(signal.reads, Reads::Difference { .. }) { -SIGNAL_MAX } else { 0 };
        Range { low, high: SIGNAL_MAX, reads_signal: true }
    }

    /// What either of two can be.
    pub(super) fn hull(self, other: Range) -> Range {
        Range {
            low: self.low.min(other.low),
            high: self.high.max(other.high),
            reads_signal: self.reads_signal || other.reads_signal,
        }
    }

    pub(super) fn add(self, other: Range) -> Option<Range> {
        Some(Range {
            low: self.low.checked_add(other.low)?,
            high: self.high.checked_add(other.high)?,
            reads_signal: self.reads_signal || other.reads_signal,
        })
    }

    pub(super) fn sub(self, other: Range) -> Option<Range> {
        Some(Range {
            low: self.low.checked_sub(other.high)?,
            high: self.high.checked_sub(other.low)?,
            reads_signal: self.reads_signal || other.reads_signal,
        })
    }

    /// The product; the inner `None` means it could overflow.
    ///
    /// # Errors
    /// When both factors read signals, or the one that does not could be negative: a cold signal
    /// times such a factor would be unknown on both sides, and the rule could never fire on it.
    pub(super) fn mul(self, other: Range) -> Result<Option<Range>, &'static str> {
        if self.reads_signal && other.reads_signal {
            return Err("both sides of `*` read signals; one must be a constant or `event.amount`");
        }
        let reads_signal = self.reads_signal || other.reads_signal;
        let factor = if self.reads_signal { other } else { self };
        if reads_signal && factor.low < 0 {
            return Err("what a signal is multiplied by could be negative; move it to the other side");
        }
        let corners =
            [(self.low, other.low), (self.low, other.high), (self.high, other.low), (self.high, other.high)]
                .map(|(a, b)| a.checked_mul(b));
        let known: Option<Vec<i128>> = corners.into_iter().collect();
        Ok(known.and_then(|values| {
            Some(Range { low: *values.iter().min()?, high: *values.iter().max()?, reads_signal })
        }))
    }
}
