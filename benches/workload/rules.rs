//! A rules folder with four subjects, six windows of four aggregates each, and 100 rules: 25 for each
//! subject, each of three comparisons. Wording, calendar and settings are the shipped ones.
//!
//! 24 rules of each subject read all of its signals and hardly ever fire. The last one of account, holder
//! and pair asks for an amount in a band of its own and fires on each adverse event, so that about one
//! event in a hundred has a disposition.
//!
//! With `Rare::Far` the 24 rules compare with levels that most logs as a whole do not reach, as rules for
//! the few do; with `Rare::Asked` every comparison but the last holds, so that each window of the own
//! subjects is evaluated for every event: the worst that a rule set can do.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use duecourse::config::bundle::{self, Profile};

/// The six windows, and how long a measure lasts: measures that are set end while a row is timed, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    spans: [&'static str; 6],
    measure_for: &'static str,
}

impl Windows {
    pub const MINUTE: Windows = Windows { spans: ["1m", "2m", "3m", "4m", "5m", "6m"], measure_for: "1m" };
    pub const HALF_YEAR: Windows =
        Windows { spans: ["30d", "60d", "90d", "120d", "150d", "180d"], measure_for: "24h" };
}

/// How the rules that hardly ever fire compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rare {
    Far,
    Asked,
}

/// Subject, what feeds it, and its purpose.
const SUBJECTS: [(&str, &str, &str); 4] = [
    ("account", "transfer_posted.payer", "anti_fraud"),
    ("holder", "transfer_posted.payer", "anti_fraud"),
    ("pair", "transfer_posted.payer", "anti_fraud"),
    ("device", "transfer_posted.device", "shared_subject"),
];
/// Aggregate, and a value that hardly any window reaches, that of an account with half of the traffic included:
/// rows whose windows retain more would otherwise fire more rules.
const AGGREGATES: [(&str, u64); 4] =
    [("count", 250_000), ("sum", 400_000_000_000), ("max", 2_799_900), ("distinct", 400)];
const RULES_PER_SUBJECT: usize = 25;
/// Amounts in fen that nothing but an adverse event has: a band for each own subject.
pub const ADVERSE_FIRST: i64 = 2_500_000;
pub const ADVERSE_BAND: i64 = 100_000;

/// The bundle's text. A repeated event id is recognised for `duplicate_horizon`, such as `1d`.
pub fn bundle(windows: Windows, rare: Rare, duplicate_horizon: &str) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    for name in ["signals", "rules", "limits", "protections", "notices"] {
        fs::create_dir(folder.path().join(name)).expect("a new folder");
    }
    for file in fs::read_dir(shipped.join("notices")).expect("the shipped wording") {
        let file = file.expect("a readable folder");
        fs::copy(file.path(), folder.path().join("notices").join(file.file_name())).expect("a copy");
    }
    fs::copy(shipped.join("calendar.toml"), folder.path().join("calendar.toml")).expect("a copy");
    let settings = fs::read_to_string(shipped.join("settings.toml")).expect("the shipped settings");
    let settings = settings.replacen(r#"value = "400d""#, &format!("value = \"{duplicate_horizon}\""), 1);
    fs::write(folder.path().join("settings.toml"), settings).expect("a written file");
    for (subject, feed, purpose) in SUBJECTS {
        let signals = signals(windows, subject, feed, purpose);
        fs::write(folder.path().join(format!("signals/{subject}.toml")), signals).expect("a written file");
        for number in 0..RULES_PER_SUBJECT {
            let file = folder.path().join(format!("rules/{subject}_{number:02}.toml"));
            let band = SUBJECTS[..3].iter().position(|(own, ..)| *own == subject);
            let condition = match band {
                Some(band) if number + 1 == RULES_PER_SUBJECT => adverse(windows, subject, band),
                _ if rare == Rare::Asked && subject != "device" => asked(windows, subject, number),
                _ => far(windows, subject, number),
            };
            fs::write(file, rule(windows, subject, number, &condition)).expect("a written file");
        }
    }
    bundle::from_dir(folder.path(), Profile::Strict).expect("generated rules gather")
}

fn signals(windows: Windows, subject: &str, feed: &str, purpose: &str) -> String {
    let mut text = String::new();
    for window in windows.spans {
        for (aggregate, level) in AGGREGATES {
            let report = if subject == "device" {
                format!("report_level = {level}\nreport = \"event\"\n")
            } else {
                String::new()
            };
            let money = if matches!(aggregate, "sum" | "max") { "currency = \"CNY\"\n" } else { "" };
            write!(
                text,
                "[{subject}_{aggregate}_{window}]\n\
                 title = {{ zh = \"量{subject} {aggregate} {window}\", en = \"{subject} {aggregate} {window}\" }}\n\
                 subject = \"{subject}\"\nfeeds = [\"{feed}\"]\naggregate = \"{aggregate}\"\n\
                 window = \"{window}\"\n{money}purpose = \"{purpose}\"\nbasis = \"apl_18\"\n{report}\n"
            )
            .expect("a string can be written to");
        }
    }
    text
}

/// The signal at a place among a subject's, with the level that few windows reach.
fn signal(windows: Windows, subject: &str, place: usize) -> (String, u64) {
    let place = place % (windows.spans.len() * AGGREGATES.len());
    let (aggregate, level) = AGGREGATES[place % AGGREGATES.len()];
    (format!("{subject}_{aggregate}_{}", windows.spans[place / AGGREGATES.len()]), level)
}

/// The n-th condition on a subject: its first comparison reads the n-th signal, so that all are read.
fn far(windows: Windows, subject: &str, number: usize) -> String {
    let compared = |offset: usize| {
        let (name, level) = signal(windows, subject, number + offset);
        format!("{name} >= {level}")
    };
    [compared(0), compared(7), compared(14)].join(" && ")
}

/// The same of a condition whose comparisons hold but for the last, for which every window is too full.
fn asked(windows: Windows, subject: &str, number: usize) -> String {
    let name = |offset: usize| signal(windows, subject, number + offset).0;
    format!("{} >= 1 && {} >= 1 && {} <= 0", name(0), name(7), name(14))
}

/// The condition that holds on an adverse event.
fn adverse(windows: Windows, subject: &str, band: usize) -> String {
    let low = ADVERSE_FIRST + ADVERSE_BAND * band as i64;
    let (window, high) = (windows.spans[0], low + ADVERSE_BAND);
    format!(
        "{subject}_count_{window} >= 1 && {subject}_distinct_{window} >= 1 && \
         event.amount >= {low} && event.amount < {high}"
    )
}

fn rule(windows: Windows, subject: &str, number: usize, condition: &str) -> String {
    let measure_for = windows.measure_for;
    format!(
        "version = 1\n\
         title = {{ zh = \"量{subject} {number}\", en = \"{subject} {number}\" }}\n\
         status = \"enforced\"\nsubject = \"account\"\ntriggers = [\"transfer_posted.payer\"]\n\
         condition = \"{condition}\"\n\
         measure = \"account_verify_transaction\"\nmeasure_for = \"{measure_for}\"\npurpose = \"anti_fraud\"\n\
         basis = \"apl_18\"\nreason = \"paid_to_many\"\nsource = \"generated for benches/engine.rs\"\n\
         [precision]\ndata = \"generated\"\ndate = \"2026-11-25\"\nper_mille = 500\n"
    )
}
