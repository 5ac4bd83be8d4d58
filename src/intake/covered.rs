//! Where reading of a source begins: at the lowest offset that any destination has covered (DESIGN D7, D8).

use crate::codec::output::{DecidedProgress, GenerationMark, Topic, decode_decided};
use crate::engine::base::TimeMs;
use crate::engine::cover::{Coverage, SourceId};
use crate::engine::planted::{Planted, is_planted};
use crate::log::LogError;
use crate::log::kafka::{Connection, read_latest};

use super::pack::Start;
use super::versions::Versions;

/// What `decided` says of each facts partition; `None` where nothing has been decided yet.
#[derive(Clone, Debug, Default)]
pub struct Decided(Vec<Option<DecidedProgress>>);

/// Why a source cannot be read on (DESIGN D8).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    #[error(
        "source `{name}` partition {partition} ends at offset {high}, but offset {covered} has been covered: the topic \
         was recreated or truncated; if that was meant, give the source the next `generation`"
    )]
    Rewound { name: String, partition: u32, covered: i64, high: i64 },
    #[error(
        "source `{name}` partition {partition} begins at offset {low}, but only offset {covered} has been covered by \
         all: its retention overtook the intake, and the events between are gone; to go on without them, put that on \
         record: duecourse sources skip --config FILE --source {name} --partition {partition} --to {low} --reason TEXT"
    )]
    Overtaken { name: String, partition: u32, covered: i64, low: i64 },
}

impl Decided {
    /// Reads the topic `decided` to its end.
    ///
    /// # Errors
    /// When brokers do not answer, or a value is not a progress record.
    pub fn read(connection: &Connection, topic: &str, facts_partitions: u32) -> Result<Decided, LogError> {
        Decided::of(read_latest(connection, topic)?.into_values(), topic, facts_partitions)
    }

    /// What the latest values of that topic say.
    ///
    /// # Errors
    /// When one is not a progress record, or is of a partition that there is not; or when a mark says that this
    /// generation of the facts is not whole, or that another one goes on.
    pub fn of(
        values: impl IntoIterator<Item = Vec<u8>>,
        topic: &str,
        facts_partitions: u32,
    ) -> Result<Decided, LogError> {
        let mut partitions = vec![None; facts_partitions as usize];
        for value in values {
            match GenerationMark::read(&value) {
                None => {}
                Some(GenerationMark::Open(_)) => continue,
                Some(GenerationMark::Unfinished { from }) => {
                    return Err(LogError::Refused(format!(
                        "topic `{topic}` says that the generation of facts that is being made of topic `{from}` is not \
                         whole: give the same `duecourse rekey` again, it goes on where it stopped"
                    )));
                }
                Some(GenerationMark::Closed { next }) => {
                    return Err(LogError::Refused(format!(
                        "topic `{topic}` says that this generation of facts is closed and goes on in topic `{next}`: \
                         use the configuration of that generation"
                    )));
                }
            }
            let progress = decode_decided(&value).map_err(|error| {
                LogError::Damaged(format!("topic `{topic}` ({:?}): {error}", Topic::Decided))
            })?;
            match partitions.get_mut(progress.facts_partition as usize) {
                Some(place) => *place = Some(progress),
                None => {
                    return Err(LogError::Refused(format!(
                        "topic `{topic}` knows of facts partition {}, but there are {facts_partitions}: their number \
                         never changes under live state",
                        progress.facts_partition
                    )));
                }
            }
        }
        Ok(Decided(partitions))
    }

    /// Progress of each facts partition, in their order.
    #[must_use]
    pub fn partitions(&self) -> &[Option<DecidedProgress>] {
        &self.0
    }

    /// Coverage of each facts partition, in their order.
    fn coverages(&self) -> impl Iterator<Item = Option<&Coverage>> {
        self.0.iter().map(|progress| progress.as_ref().map(|progress| &progress.coverage))
    }

    /// Where to read a source from, whose partition now holds the offsets `low..high`.
    ///
    /// # Errors
    /// When what the destinations need is no longer there, or was never in this topic.
    pub fn start(
        &self,
        source: &SourceId,
        (low, high): (i64, i64),
        versions: &Versions,
    ) -> Result<Start, StartError> {
        let mut lowest: Option<(i64, TimeMs)> = None;
        let mut baseline = self.0.is_empty();
        for coverage in self.coverages() {
            let Some(covered) = coverage.and_then(|coverage| coverage.sources.get(source)) else {
                baseline = true;
                continue;
            };
            if covered.last >= high && !is_planted(Planted::RewoundSource) {
                return Err(StartError::Rewound {
                    name: source.name.to_string(),
                    partition: source.partition,
                    covered: covered.last,
                    high,
                });
            }
            let (last, time) = lowest.unwrap_or((covered.last, covered.time));
            lowest = Some(match is_planted(Planted::LowestStart) {
                true => (last.max(covered.last), time.max(covered.time)),
                false => (last.min(covered.last), time.min(covered.time)),
            });
        }
        let lost = lowest.filter(|(covered, _)| *covered < low - 1);
        if let Some((covered, _)) = lost.filter(|_| !is_planted(Planted::SilentLoss)) {
            return Err(StartError::Overtaken {
                name: source.name.to_string(),
                partition: source.partition,
                covered,
                low,
            });
        }
        // A destination that has covered nothing gets all there is; the others skip what they have.
        let (previous, time) = match lowest {
            Some(lowest) if !baseline && lost.is_none() => lowest,
            _ => (low - 1, TimeMs::MIN),
        };
        Ok(Start { previous, baseline, version: versions.in_force(time), time })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::cover::{Covered, Range};

    fn source() -> SourceId {
        SourceId { name: "s".into(), generation: 1, partition: 0 }
    }

    fn decided(lasts: &[Option<i64>]) -> Decided {
        let progress = |last: &Option<i64>| {
            let mut coverage = Coverage::default();
            if let Some(last) = *last {
                coverage.sources.insert(source(), Covered::new(last, TimeMs(last * 10)));
            }
            Some(DecidedProgress {
                facts_partition: 0,
                next_offset: 0,
                partition_time: TimeMs::MIN,
                coverage,
                deciding: crate::codec::output::Deciding::default(),
            })
        };
        Decided(lasts.iter().map(progress).collect())
    }

    fn start(lasts: &[Option<i64>], low: i64, high: i64) -> Result<(i64, bool, i64), StartError> {
        let start = decided(lasts).start(&source(), (low, high), &Versions::single(1))?;
        Ok((start.previous, start.baseline, start.time.0))
    }

    #[test]
    fn reading_begins_at_the_lowest_covered_offset() {
        assert_eq!(start(&[Some(7), Some(4), Some(9)], 0, 20), Ok((4, false, 40)));
        assert_eq!(start(&[Some(9)], 10, 10), Ok((9, false, 90)));
    }

    #[test]
    fn the_first_coverage_is_a_baseline_at_the_low_watermark() {
        assert_eq!(start(&[None, None], 3, 20), Ok((2, true, i64::MIN)));
        assert_eq!(
            start(&[Some(9), None], 3, 20),
            Ok((2, true, i64::MIN)),
            "one destination has nothing yet"
        );
        let unknown = Decided(vec![None]).start(&source(), (0, 0), &Versions::single(1)).unwrap();
        assert_eq!((unknown.previous, unknown.baseline), (-1, true));
    }

    #[test]
    fn a_source_that_lies_is_refused() {
        assert!(matches!(start(&[Some(20)], 0, 20), Err(StartError::Rewound { covered: 20, high: 20, .. })));
        assert!(matches!(
            start(&[Some(4), Some(9)], 6, 20),
            Err(StartError::Overtaken { covered: 4, low: 6, .. })
        ));
        assert!(matches!(start(&[Some(4), None], 6, 20), Err(StartError::Overtaken { .. })));
    }

    /// A destination that has the baseline in its log, not decided yet, sees a later baseline as a gap
    /// instead of skipping over what retention took.
    #[test]
    fn a_second_baseline_never_skips() {
        let range = |previous, last| Range {
            source: source(),
            baseline: true,
            previous,
            last,
            timestamps: (TimeMs(0), TimeMs(0)),
            through: TimeMs(0),
        };
        let mut coverage = Coverage::default();
        coverage.announce(crate::engine::cover::ConfigVersion { from: TimeMs::MIN, number: 1 });
        coverage.advance(&range(-1, 5));
        assert_eq!(coverage.admit(1, &range(9, 12)), crate::engine::cover::Admission::Gap);
        assert_eq!(coverage.admit(1, &range(-1, 12)), crate::engine::cover::Admission::Apply { after: 5 });
    }
}
