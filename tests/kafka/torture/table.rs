//! What the rounds gave, as the table that stands in the documentation.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::counts::{InFlight, Settled};
use super::faults;

/// What one fault did in one round.
pub struct Struck {
    pub fault: &'static str,
    /// How long its cause was there.
    pub lasted: Duration,
    /// The longest time in which some partition's dispositions did not flow.
    pub silence: Duration,
    /// From the end of the fault until everything written before that end was decided.
    pub caught_up: Duration,
    pub in_flight: InFlight,
}

/// A round that came out clean.
pub struct Outcome {
    pub inputs: u64,
    pub dispositions: u64,
    pub restarts: u32,
    pub settled: Settled,
    pub struck: Vec<Struck>,
}

#[derive(Default)]
pub struct Table {
    rounds: u32,
    inputs: u64,
    dispositions: u64,
    restarts: u32,
    in_flight: InFlight,
    settled: Settled,
    struck: BTreeMap<&'static str, Vec<Struck>>,
}

impl Table {
    pub fn add(&mut self, outcome: Outcome) {
        self.rounds += 1;
        self.inputs += outcome.inputs;
        self.dispositions += outcome.dispositions;
        self.restarts += outcome.restarts;
        self.settled += outcome.settled;
        for struck in outcome.struck {
            self.in_flight += struck.in_flight;
            self.struck.entry(struck.fault).or_default().push(struck);
        }
    }
}

impl Table {
    /// Rounds in which nothing was in flight when something struck, or in which nothing came of it, would prove
    /// nothing of it.
    pub fn assert_rich(&self) {
        let Settled { verified, overturned, orders_ended, appeals_answered, leads_answered } = self.settled;
        let settled = [verified, overturned, orders_ended, appeals_answered, leads_answered];
        assert!(
            self.rounds < 3 || (self.in_flight.is_rich() && settled.iter().all(|count| *count > 0)),
            "{:?} {:?}",
            self.in_flight,
            self.settled
        );
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} rounds, {} inputs, {} dispositions: lost 0, doubled 0, mismatched 0. {} processes ended by themselves and were started again.\n",
            self.rounds, self.inputs, self.dispositions, self.restarts
        )?;
        let [orders, appeals, verifications, leads, authorisations] = self.in_flight.counts();
        let Settled { verified, overturned, orders_ended, appeals_answered, leads_answered } = self.settled;
        writeln!(
            f,
            "In flight when something struck, summed up: {orders} orders, {appeals} appeals, {verifications} verifications, {leads} leads, {authorisations} authorisations. In the end {orders_ended} measures of orders had ended, {verified} measures by a passed verification, {overturned} by an appeal; {appeals_answered} appeals and {leads_answered} leads were answered.\n"
        )?;
        writeln!(
            f,
            "| fault | what a reader of the dispositions sees | times | lasts, s | flow again after, s | caught up after, s |"
        )?;
        writeln!(f, "| --- | --- | --- | --- | --- | --- |")?;
        for fault in faults::ALL {
            let Some(struck) = self.struck.get(fault.name) else { continue };
            let lasted = spread(struck.iter().map(|struck| struck.lasted));
            let silence = spread(struck.iter().map(|struck| struck.silence));
            let caught_up = spread(struck.iter().map(|struck| struck.caught_up));
            writeln!(
                f,
                "| {} | {} | {} | {lasted} | {silence} | {caught_up} |",
                fault.what,
                fault.seen,
                struck.len()
            )?;
        }
        Ok(())
    }
}

/// The median, and the longest if there are several.
fn spread(times: impl Iterator<Item = Duration>) -> String {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    let (median, longest) = (times[times.len() / 2], times[times.len() - 1]);
    match times.len() {
        1 => format!("{:.1}", median.as_secs_f64()),
        _ => format!("{:.1}, at most {:.1}", median.as_secs_f64(), longest.as_secs_f64()),
    }
}
