//! What the demo shows: the day going by, dispositions as they are committed, and one notice in full.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::Ordering;

use anyhow::Context;

use super::desk::Desk;
use super::feed::Source;
use super::style::Style;
use crate::cli::Failure;
use crate::cli::explain::Published;
use crate::cli::generate::DAY_START;
use crate::cli::run::{Decided, Progress, Report, Watch};
use crate::cli::screen::{Screen, thousands};
use crate::codec::keys::Keys;
use crate::config::bundle;
use crate::engine::base::TimeMs;
use crate::engine::disposition::{AppealRef, Disposition, EndCause, MeasureEnded, MeasureSet, Observation};
use crate::engine::input::{Effect, Tally};
use crate::engine::ruleset::RuleSet;

/// Observations of one rule beyond this many are counted and not shown.
const OBSERVED_SHOWN_MAX: u32 = 2;
const BAR: &str = "{msg}  {bar:24} {percent:>3} %";
/// China, where the made-up institution is.
const ZONE_MINUTES: i64 = 480;

/// Before it starts.
///
/// # Errors
/// When the rules do not load.
pub fn welcome(style: &Style, source: &Source, rules: &str) -> Result<String, Failure> {
    let rules = bundle::compile(rules).context("the embedded rules").map_err(Failure::configuration)?;
    let what = match source {
        Source::Generated { .. } => {
            "A made-up day at a small institution that keeps bank accounts and sells phone cards.".to_owned()
        }
        Source::File { path, .. } => format!("The events of {}.", path.display()),
    };
    Ok(format!(
        "{}\n{what}\nThe same intake and decide as over Kafka, here over a log in a folder. \
         {} limits, {} rules, {} signals.\n",
        style.bold("duecourse demo"),
        rules.limits.len(),
        rules.rules.len(),
        rules.signals.len(),
    ))
}

/// The running show.
pub struct Stage<'a> {
    style: Style,
    keys: &'a Keys,
    desk: &'a Desk,
    progress: &'a Progress,
    screen: Screen,
    is_day: bool,
    counts: Counts,
    observed: BTreeMap<String, u32>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    accepted: u64,
    set: u64,
    ended: u64,
    observed: u64,
}

impl Watch for Stage<'_> {
    fn committed(&mut self, effects: &[Effect], rules: &RuleSet) {
        for effect in effects {
            match effect {
                Effect::Disposed(disposition) => {
                    self.tell(disposition.head().at);
                    self.disposed(disposition, rules);
                }
                Effect::Observed(observed) => {
                    self.tell(observed.head.at);
                    self.observed(observed, rules);
                }
                Effect::Unmatched { .. }
                | Effect::Reported(_)
                | Effect::RuleShadowed(_)
                | Effect::Lead(_) => {}
            }
        }
    }

    fn tick(&mut self, tally: Tally, newest: TimeMs) {
        self.tell(newest);
        let (bytes, total) = (&self.progress.bytes, &self.progress.bytes_total);
        let (mut done, mut total) = (bytes.load(Ordering::Relaxed), total.load(Ordering::Relaxed));
        let lines = self.progress.lines.load(Ordering::Relaxed);
        if total == 0 {
            (done, total) = (lines, self.progress.lines_total.load(Ordering::Relaxed));
        }
        if lines == 0 {
            return;
        }
        let (counts, time) = (self.counts, TimeMs(self.progress.time_ms.load(Ordering::Relaxed)));
        self.screen.show(done, total, || {
            format!(
                "{}  {} events  {} facts  {} accepted  {} measures  {} ended  {} in shadow",
                date_and_clock(time),
                thousands(lines),
                thousands(tally.facts_applied),
                thousands(counts.accepted),
                thousands(counts.set),
                thousands(counts.ended),
                thousands(counts.observed),
            )
        });
    }
}

impl<'a> Stage<'a> {
    #[must_use]
    pub fn new(style: Style, keys: &'a Keys, desk: &'a Desk, progress: &'a Progress) -> Stage<'a> {
        Stage {
            style,
            keys,
            desk,
            progress,
            screen: Screen::new(1, BAR, false),
            is_day: false,
            counts: Counts::default(),
            observed: BTreeMap::new(),
        }
    }

    /// Whatever the story says up to then.
    fn tell(&mut self, now: TimeMs) {
        if !self.is_day && now >= DAY_START && self.progress.lines_total.load(Ordering::Relaxed) > 0 {
            self.is_day = true;
            self.screen.line(
                &self.style.dim("       a quiet month has filled the windows; the day begins").to_string(),
            );
        }
        while let Some((at, text)) = self.progress.told(now) {
            let line = format!("{}  {text}", clock(at));
            self.screen.line(&self.style.dim(line));
        }
    }

    fn disposed(&mut self, disposition: &Disposition, rules: &RuleSet) {
        match disposition {
            // Most requests are simply accepted: they are counted.
            Disposition::OpeningAccepted(_) => self.counts.accepted += 1,
            Disposition::ReservationLapsed(_)
            | Disposition::AppealAnswered(_)
            | Disposition::MeasureMoved(_)
            // The demo has no authority that could order anything.
            | Disposition::MeasureExtended(_)
            | Disposition::NoticeReleased(_)
            | Disposition::OrderAnswered(_) => {}
            Disposition::MeasureSet(set) => self.set(set, rules),
            Disposition::MeasureEnded(ended) => self.ended(ended),
        }
    }

    fn set(&mut self, set: &MeasureSet, rules: &RuleSet) {
        self.counts.set += 1;
        let (head, notice) = (set.head(), set.notice());
        let party = self.keys.open(&head.party.sealed).unwrap_or_default();
        self.desk.notice(party.clone(), notice.appeal);
        let what = format!("{:<25} {party:<9}", set.measure().name());
        self.screen.line(&format!(
            "{}  {} {}  {}",
            clock(head.at),
            self.style.measure(format!("▲ {what}")),
            title(rules, &head.rule.id),
            self.style.dim(format!("[notice sent; appeal {}]", notice.appeal)),
        ));
    }

    fn ended(&mut self, ended: &MeasureEnded) {
        self.counts.ended += 1;
        // A measure that runs out was announced with its end; only the others are news.
        let why = match ended.cause {
            EndCause::Expired => return,
            EndCause::Overturned => "overturned on appeal, and marked overruled",
            EndCause::Superseded => "the reason went away: answered anew",
            EndCause::OpeningSettled => "the request is settled",
            EndCause::LiftedByPerson => "lifted by a person on request, and marked overruled",
            EndCause::Replaced => "a person chose a milder measure",
            EndCause::Corrected => "what it rested on was corrected by its source",
            EndCause::Followed => "not verified: what follows is set",
            EndCause::Verified => "verified, and restored at once",
            EndCause::Cancelled => "taken back by the payer",
            EndCause::Released => "released by the authority that ordered it",
        };
        let party = self.keys.open(&ended.head.party.sealed).unwrap_or_default();
        self.screen.line(&format!(
            "{}  {} {why}  {}",
            clock(ended.head.at),
            self.style.eased(format!("▽ {:<25} {party:<9}", ended.measure.name())),
            self.style.dim(format!("[appeal {}]", ended.appeal)),
        ));
    }

    fn observed(&mut self, observed: &Observation, rules: &RuleSet) {
        self.counts.observed += 1;
        let seen = self.observed.entry(observed.head.rule.id.clone()).or_default();
        *seen += 1;
        if *seen > OBSERVED_SHOWN_MAX {
            return;
        }
        let party = self.keys.open(&observed.head.party.sealed).unwrap_or_default();
        self.screen.line(&format!(
            "{}  {} {}  {}",
            clock(observed.head.at),
            self.style.shadow(format!("· {:<25} {party:<9}", observed.measure.name())),
            title(rules, &observed.head.rule.id),
            self.style.dim("[only observed: nobody has measured this rule's precision yet]"),
        ));
    }

    /// The show is over: what it came to.
    pub fn close(&mut self, report: &Report, decided: &Decided) {
        self.tell(TimeMs(i64::MAX));
        self.screen.finish();
        let lines = &report.input.lines;
        println!(
            "\n{} {} events ({} refused, {} repeated) and {} facts in {:.1} s, {:.2} s of it work",
            self.style.bold("Done."),
            thousands(lines.events),
            lines.refused.values().sum::<u64>(),
            lines.repeated,
            thousands(decided.tally.facts_applied),
            report.wall_s,
            report.cpu.user_s + report.cpu.sys_s,
        );
        for (reason, count) in &lines.refused {
            println!("  {:<9} {reason:<28} {:>5}", "refused", thousands(*count));
        }
        for rule in &report.rules {
            println!("  {:<9} {:<28} {:>5}", rule.mode, rule.id, thousands(rule.alerts));
        }
    }

    /// One notice, as the person gets it.
    pub fn notice(&self, published: &Published, appeal: AppealRef, out: &Path) {
        let Some((zh, en)) = published.notice_texts() else { return };
        println!("\n{}", self.style.bold("A notice, as the person reads it"));
        for text in [zh, en] {
            println!();
            for line in text.lines() {
                println!("  {}", if line.is_empty() { String::new() } else { format!("│ {line}") });
            }
        }
        println!(
            "\n{}",
            self.style.dim(format!(
                "Why, and on what evidence:  duecourse explain {appeal} --out {}",
                out.display()
            ))
        );
    }

    /// What is left behind.
    pub fn farewell(&self, out: &Path) {
        let files = [
            ("dispositions.ndjson", "every decision, by token, with its evidence"),
            ("notices.ndjson", "what each person is told, when a measure begins and when it ends"),
            ("measures.ndjson", "what is in force at the end"),
            ("leads.ndjson", "what was referred to an authority, and what became of it"),
            ("shadow.ndjson", "what rules without measured precision would have done"),
            ("dead-letters.ndjson", "lines that were refused: where and why, never what they said"),
            ("alerts.csv", "one row a measure, under the input's own ids"),
            ("report.json", "counts and costs"),
            ("facts/", "the log: everything above can be recomputed from it"),
        ];
        println!("\n{} {}", self.style.bold("Left in"), self.style.bold(out.display()));
        for (name, what) in files {
            println!("  {name:<21} {}", self.style.dim(what));
        }
        println!(
            "\n{}",
            self.style.dim(format!("Recompute it all:  duecourse verify --out {}", out.display()))
        );
    }
}

/// The title of a rule or limit.
fn title<'r>(rules: &'r RuleSet, id: &'r str) -> &'r str {
    let rule = rules.rules.iter().find(|rule| rule.id == id).map(|rule| &rule.title);
    let limit = rules.limits.iter().find(|limit| limit.id == id).map(|limit| &limit.title);
    rule.or(limit).map_or(id, |title| title.en.as_str())
}

fn civil(at: TimeMs) -> jiff::civil::DateTime {
    let shifted = jiff::Timestamp::from_millisecond(at.0.saturating_add(ZONE_MINUTES * 60_000));
    // Only times that intake accepted come here.
    shifted.map(|time| jiff::tz::Offset::UTC.to_datetime(time)).unwrap_or_default()
}

/// 14:05 in the institution's zone.
fn clock(at: TimeMs) -> String {
    let civil = civil(at);
    format!("{:02}:{:02}", civil.hour(), civil.minute())
}

fn date_and_clock(at: TimeMs) -> String {
    format!("{} {}", civil(at).date(), clock(at))
}
