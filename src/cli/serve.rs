//! `duecourse serve`: intake, decide and the HTTP endpoint in one process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;

use super::deployment::{ConfigArguments, stop_flag};
use super::endpoint::Endpoint;
use super::{Exit, Failure, decide, intake};
use crate::decide::view::ReadView;
use crate::intake::desk::Tally;
use crate::telemetry::logging;

/// Run intake and decide in one process, with metrics, health and the read view over HTTP.
///
/// For a small institution, or to try it out. When one part ends, by failure or SIGTERM, the other
/// drains, commits and leaves its group too.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Exit once what was present at the start is decided.
    #[arg(long)]
    until_end: bool,
}

/// # Errors
/// As `intake` and `decide`; the first to fail is told.
pub fn execute(arguments: Arguments) -> Result<Exit, Failure> {
    logging::start();
    let config = arguments.config.load()?;
    let view = Arc::new(ReadView::default());
    let endpoint = Endpoint::open(&config, Some(Arc::clone(&view)))?;
    let stop = stop_flag()?;
    let read =
        |until_end| intake::work(&config, until_end, &stop, &mut |tally| endpoint.intake_turned(tally));
    let decide = |until_end| decide::work(&config, until_end, &stop, Arc::clone(&view), endpoint.observer());
    if arguments.until_end {
        // The end of the facts is known only when intake has written them all.
        let tally = read(true)?;
        decide(true)?;
        return Ok(intake::exit(&tally));
    }
    together(&stop, || read(false), || decide(false)).map(|tally| intake::exit(&tally))
}

/// Runs both until both have ended; the first to end stops the other.
fn together(
    stop: &AtomicBool,
    read: impl FnOnce() -> Result<Tally, Failure> + Send,
    decide: impl FnOnce() -> Result<(), Failure>,
) -> Result<Tally, Failure> {
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let read = read();
            stop.store(true, Ordering::SeqCst);
            read
        });
        let decided = decide();
        stop.store(true, Ordering::SeqCst);
        let read = reading.join().unwrap_or_else(|_| {
            Err(Failure::unreachable(anyhow::anyhow!("intake ended in a panic; what it sent stands")))
        });
        decided.and(read)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn until_stopped(stop: &AtomicBool) {
        while !stop.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
    }

    #[test]
    fn when_one_part_fails_the_other_stops_and_the_failure_is_told() {
        let failure = || Failure::configuration(anyhow::anyhow!("no"));
        let stop = AtomicBool::new(false);
        let outcome = together(
            &stop,
            || Err(failure()),
            || {
                until_stopped(&stop);
                Ok(())
            },
        );
        assert_eq!(outcome.unwrap_err().exit(), Exit::Configuration);
        let stop = AtomicBool::new(false);
        let outcome = together(
            &stop,
            || {
                until_stopped(&stop);
                Ok(Tally::default())
            },
            || Err(failure()),
        );
        assert_eq!(outcome.unwrap_err().exit(), Exit::Configuration);
    }

    #[test]
    fn both_parts_done_is_done() {
        let stop = AtomicBool::new(false);
        let outcome = together(
            &stop,
            || Ok(Tally::default()),
            || {
                until_stopped(&stop);
                Ok(())
            },
        );
        assert_eq!(outcome.unwrap(), Tally::default());
    }
}
