//! The types of values in conditions.

/// What an integer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    Count,
    /// Minor units.
    Money,
    /// Thousandths, or whatever a ratio is scaled by.
    Ratio,
    /// Milliseconds.
    Duration,
}
