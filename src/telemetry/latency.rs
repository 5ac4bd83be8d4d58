//! Exact percentiles for reports and benches, by a high dynamic range histogram.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;

/// Longer is recorded as this.
const LONGEST: Duration = Duration::from_secs(3600);
/// Relative error of any percentile is below one in a thousand.
const SIGNIFICANT_DIGITS: u8 = 3;

/// Latencies in nanoseconds, from 1 ns to one hour.
#[derive(Clone, Debug)]
pub struct Latencies {
    histogram: Option<Histogram<u64>>,
}

impl Default for Latencies {
    fn default() -> Latencies {
        let longest = u64::try_from(LONGEST.as_nanos()).unwrap_or(u64::MAX);
        Latencies { histogram: Histogram::new_with_bounds(1, longest, SIGNIFICANT_DIGITS).ok() }
    }
}

impl Latencies {
    pub fn record(&mut self, latency: Duration) {
        self.record_many(latency, 1);
    }

    /// Records the same latency for `count` things at once.
    pub fn record_many(&mut self, latency: Duration, count: u64) {
        if let Some(histogram) = &mut self.histogram {
            histogram.saturating_record_n(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX), count);
        }
    }

    /// Adds what another thread recorded.
    pub fn add(&mut self, other: &Latencies) {
        if let (Some(histogram), Some(other)) = (&mut self.histogram, &other.histogram) {
            // Both have the same bounds, so nothing can fall outside.
            let _ = histogram.add(other);
        }
    }

    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram.as_ref().map_or(0, Histogram::len)
    }

    /// The latency that `percent` of all stayed at or below; zero when nothing was recorded.
    #[must_use]
    pub fn percentile(&self, percent: f64) -> Duration {
        self.histogram
            .as_ref()
            .map_or(Duration::ZERO, |histogram| Duration::from_nanos(histogram.value_at_percentile(percent)))
    }

    #[must_use]
    pub fn longest(&self) -> Duration {
        self.histogram.as_ref().map_or(Duration::ZERO, |histogram| Duration::from_nanos(histogram.max()))
    }
}

/// One line: count, median, 99th, 99.9th, 99.99th percentile and the longest.
impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p99, p999, p9999] = [50.0, 99.0, 99.9, 99.99].map(|percent| self.percentile(percent));
        write!(
            f,
            "n {} p50 {p50:.1?} p99 {p99:.1?} p99.9 {p999:.1?} p99.99 {p9999:.1?} max {:.1?}",
            self.count(),
            self.longest()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_a_sorted_list() {
        let mut latencies = Latencies::default();
        for micros in (1..=10_000_u64).rev() {
            latencies.record(Duration::from_micros(micros));
        }
        for (percent, micros) in [(50.0, 5_000), (99.0, 9_900), (99.9, 9_990), (100.0, 10_000)] {
            let found = latencies.percentile(percent).as_nanos() as f64;
            let exact = f64::from(micros) * 1000.0;
            assert!((found - exact).abs() / exact < 0.001, "p{percent}: {found} and not {exact}");
        }
        assert_eq!(latencies.count(), 10_000);
    }

    #[test]
    fn what_two_threads_recorded_adds_up_and_nothing_is_too_long() {
        let (mut one, mut other) = (Latencies::default(), Latencies::default());
        one.record(Duration::from_millis(1));
        other.record(Duration::from_secs(100_000));
        one.add(&other);
        assert_eq!(one.count(), 2);
        assert!(one.longest() >= Duration::from_secs(3599));
        assert!(one.to_string().starts_with("n 2 p50 1.0ms"), "{one}");
    }

    #[test]
    fn nothing_recorded_is_zero() {
        assert_eq!(Latencies::default().percentile(99.0), Duration::ZERO);
    }
}
