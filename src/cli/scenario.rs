//! Scenarios: what happens, as short lines, and what is decided, written beneath by the program.
//!
//! ```text
//! # A sixth phone card is refused.
//! show notices
//!
//! 2026-03-02T09:00 opening_requested opening=anna/R6 product=phone_card holder_kind=person
//!   = opening_refuse on R6 until 2026-04-01T09:00, limit, phone_cards_per_carrier 1, ..
//! ```
//!
//! An event line is a time (or a span since the line before, such as `+10m`, and `x6` to do it six
//! times), an event type and its fields. A party of ours is `holder/ref`; its kind follows from the
//! field and the product, or is written behind a colon. `{n}` counts, `@last` is the newest appeal
//! reference, or as `disposition_id` (short `on`) the newest measure, `@phone_card_limit` the newest of that
//! name, `@phone_card_limit/SIM-1` on that party, and amounts and balances are in yuan. An `event_corrected` has `original_event_id`,
//! `original_type`, and the fields of its two forms as `before.time`, `before.amount`, `after.amount`.
//! Lines that begin with two spaces are the program's and are written anew each time. The events take
//! the whole road: intake's classifier, packed facts, the engine, the encoders.
//!
//! Fields are those of the event type (`config/schemas/events/`); another name is an error. `id` names
//! the event. Short words, and flags that need no value:
//!
//! ```text
//! transfer_posted      payer= payee= counterparty= amount= device= region=
//!                      channel=counter|online|mobile|self_service_machine|point_of_sale
//!                      essential=salary|pension|tax|social_insurance|utility|medical, protected
//!                      bound, own, cash, strong_auth, remote_control, after_loan, agreed=
//!                      payer_balance= payee_balance=; balance= of our side (of two, the payer's)
//! card_payment_posted  card= amount= terminal=
//! card_usage_recorded  card= device= usage=call_placed|call_placed_altered|call_received|message_sent|data peer= month_mb= region=
//! opening_requested    opening= product= holder_kind= co_holders=a,b agent= device= phone_number=
//!                      outlet= address= legal_representative= channels=
//! iot_card_profiled    card= data, voice, sms, device= region= traffic=directed|open scene= risk=
//! risk_assessed        opening= outcome=passed|failed assessor=
//! device_sale_reported reseller= reseller_kind=agent|outlet card=; device_stock_reported in_stock=
//! beneficial_owners_declared  party= source= owners=person:thousandths,..
//! fraud_confirmed      payer= payee= counterparty= terminal= amount=, of= (the event's id)
//! order_issued         number= kind= or code= party= start= end= notice=now|deferred|by_authority clause=
//!                      notice_until=; order_extended: number= party= end=; order_released: number= party=
//! entry_listed         number= holder= category=a|b test= approval= start= end= regime=legacy; entry_revoked
//! authorisation_granted party= number= purpose=victim|protection data=device,location until=;
//!                      authorisation_revoked: party= number=
//! special_measure_ordered  number= approval= measure= start= end= outlets=a,b terminals= regions= products=;
//!                      special_measure_released: number=
//! lead_answered        lead_ref=@last outcome=confirmed|not_confirmed|no_action party=, or subject_kind= subject=
//! order_answered       number= party= answer=done|account_unknown|account_closed|..
//! ```
//!
//! What an authority says is signed by it: by the city police unless `issuer=` and `key=` say otherwise
//! (`city-police` signs by SM2, `province-police` by Ed25519), with `level=` theirs. `signature=bad` spoils it.
//!
//! Directives: `zone +05:45` (the institution's, and of all times in the scenario; before all else; Beijing's without
//! it), `rules since DATE` (60 days before the first event), `enforce RULE` (as if its
//! precision had been measured), `enable LIMIT` (or a life), `off RULE`, `budget RULE HOURS` (person-hours a day),
//! `risk RULE low|medium|high`, `measure RULE MEASURE 48h` (what it asks for instead), `sources A B ..` (with a broker's clock: an event comes by the first, or by
//! the one that `via=` names, and what worsens a position waits until the slowest has come so far),
//! `abnormal devices` (the source holds devices as data of abnormal customers alone), `before go-live` (everything
//! only observes until the event `went_live`), `show notices`.

mod play;
mod police;
mod removal;
mod script;
mod tell;
mod words;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

pub use removal::Removal;
use script::{Directive, Script};

use crate::config::bundle::Example;

/// Plays a scenario under a bundle and returns its text with what was decided written beneath.
///
/// # Errors
/// A line that cannot be read, with its number, or an engine that refuses to go on.
pub fn played(text: &str, bundle: &str) -> anyhow::Result<String> {
    written(&script::read(text)?, bundle)
}

/// As `played`, with a rule or limit switched off.
///
/// # Errors
/// As `played`.
pub fn played_without(text: &str, bundle: &str, id: &str) -> anyhow::Result<String> {
    let mut script = script::read(text)?;
    script.directives.push(Directive::Off(id.to_owned()));
    written(&script, bundle)
}

/// The text of a script with what was decided beneath each line.
fn written(script: &Script, bundle: &str) -> anyhow::Result<String> {
    let mut stage = play::Stage::new(script, bundle)?;
    let mut out = String::new();
    for line in &script.lines {
        out.push_str(&line.text);
        out.push('\n');
        for event in script::events(line)? {
            for told in stage.happen(&event).with_context(|| format!("line {}", line.number))? {
                out.push_str("  ");
                out.push_str(&told);
                // Empty lines of notices keep their two spaces out.
                while out.ends_with(' ') {
                    out.pop();
                }
                out.push('\n');
            }
        }
    }
    Ok(out)
}

/// Plays a scenario; each reference that people or authorities were given in it, with what `explain` says of it.
///
/// # Errors
/// As `played`.
pub fn explained(text: &str, bundle: &str) -> anyhow::Result<Vec<(String, Option<String>)>> {
    Ok(after(text, bundle)?.explained())
}

/// Plays a scenario; the ids of the rules and limits that fired in it, enforced or observed.
///
/// # Errors
/// As `played`.
pub fn fired(text: &str, bundle: &str) -> anyhow::Result<BTreeSet<String>> {
    Ok(after(text, bundle)?.fired)
}

/// The stage after all of a scenario.
fn after(text: &str, bundle: &str) -> anyhow::Result<play::Stage> {
    let script = script::read(text)?;
    let mut stage = play::Stage::new(&script, bundle)?;
    for line in &script.lines {
        for event in script::events(line)? {
            stage.happen(&event).with_context(|| format!("line {}", line.number))?;
        }
    }
    Ok(stage)
}

/// Whether an example's own rule or limit fires in it. A limit that is kept off is switched on for it.
///
/// # Errors
/// As `played`.
pub fn example_fires(example: &Example, bundle: &str) -> anyhow::Result<bool> {
    Ok(fired(&script_of(example), bundle)?.contains(&example.rule))
}

/// An example as a scenario of its own.
#[must_use]
pub fn script_of(example: &Example) -> String {
    let enable = if example.is_limit { format!("enable {}\n", example.rule) } else { String::new() };
    enable + &example.events
}

/// How a scenario came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Same,
    /// The first line that differs: its number, what the file says, what was played.
    Differs {
        line: usize,
        written: String,
        played: String,
    },
}

/// Plays the scenario in a file and compares; with `update`, writes it anew instead.
///
/// # Errors
/// When the file cannot be read or written, or its scenario cannot be played.
pub fn compare(path: &Path, bundle: &str, update: bool) -> anyhow::Result<Outcome> {
    let written = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let played = played(&written, bundle).with_context(|| path.display().to_string())?;
    if update && played != written {
        std::fs::write(path, &played).with_context(|| path.display().to_string())?;
    }
    if update || played == written {
        return Ok(Outcome::Same);
    }
    let (mut ours, mut theirs) = (written.lines(), played.lines());
    let mut line = 0;
    loop {
        line += 1;
        let (a, b) = (ours.next(), theirs.next());
        if a != b || (a.is_none() && b.is_none()) {
            let text = |side: Option<&str>| side.unwrap_or("(the end)").to_owned();
            return Ok(Outcome::Differs { line, written: text(a), played: text(b) });
        }
    }
}

/// The scenarios that a path means: a file, or the `.txt` files of a folder, by name.
///
/// # Errors
/// When there are none.
pub fn files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).with_context(|| path.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "txt") {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(anyhow!("{}: holds no scenario (`.txt`)", path.display()));
    }
    Ok(files)
}
