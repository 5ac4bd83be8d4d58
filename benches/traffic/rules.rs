//! A rules folder for the generated events, and the same rules as a table for programs that do not read it.

use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Six windows of every subject.
#[derive(Clone, Copy, Debug)]
pub struct Windows {
    /// As signal files write them.
    pub spans: [&'static str; 6],
    /// What a device has to reach, in times of what few reach in a month.
    device_levels: u64,
    /// How long a payment stays verified: as rule files write it, and in milliseconds.
    verified_for: (&'static str, u64),
}

#[allow(dead_code, reason = "each bench uses some")]
impl Windows {
    /// What a bank would ask: ten minutes to a month.
    pub const MONTH: Windows = Windows {
        spans: ["10m", "1h", "6h", "1d", "7d", "30d"],
        device_levels: 1,
        verified_for: ("92d", 92 * 86_400_000),
    };
    /// Minutes, and as many months: of the same events at 1:`SPED_UP` of the pace the one says what the other
    /// says. In months most devices reach what few reach in one, so here it is out of reach.
    pub const MINUTE: Windows = Windows {
        spans: ["60s", "120s", "180s", "240s", "300s", "360s"],
        device_levels: 100,
        verified_for: ("184s", 184_000),
    };
    pub const HALF_YEAR: Windows = Windows {
        spans: ["30d", "60d", "90d", "120d", "150d", "180d"],
        device_levels: 100,
        verified_for: ("92d", 184_000 * Windows::SPED_UP),
    };
    /// Minutes in a month of 30 days.
    pub const SPED_UP: u64 = 30 * 24 * 60;
}

/// Amounts in fen. Each rule on a payment asks for an amount in its own band.
pub const BAND_FIRST: u64 = 500_000;
pub const BAND: u64 = 10_000;
pub const BANDS: u64 = 76;
/// The few that a device's sums and maxima are told of.
pub const LARGE_FIRST: u64 = 2_000_000;
pub const LARGE_SPAN: u64 = 1_200_000;

const OWN_SUBJECTS: [&str; 3] = ["account", "holder", "pair"];
const AGGREGATES: [&str; 4] = ["count", "sum", "max", "distinct"];
const SIGNALS_EACH: usize = 24;

/// A rule: on a payment it reads two subjects and the amount, on a device one signal.
struct RuleLine {
    id: String,
    comparisons: Vec<(String, u64)>,
    band: Option<(u64, u64)>,
}

impl RuleLine {
    /// A payment is verified each time; an account that shares a device is asked once a minute at most,
    /// for what is about the party is not set again while it stands.
    fn measure(&self, windows: Windows) -> (&'static str, (&'static str, u64)) {
        match self.band {
            Some(_) => ("account_verify_transaction", windows.verified_for),
            None => ("account_reverify_identity", ("1m", 60_000)),
        }
    }
}

/// Writes `rules/` (the folder that `--rules` takes) and `rules.tsv` below `folder`.
///
/// Wording, calendar and settings are the shipped ones, but that a repeated event is recognised for
/// `duplicate_horizon`.
pub fn write_folder(folder: &Path, windows: Windows, duplicate_horizon: &str) {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let bundle = folder.join("rules");
    for name in ["signals", "rules", "limits", "protections", "notices"] {
        fs::create_dir_all(bundle.join(name)).expect("a new folder");
    }
    for file in fs::read_dir(shipped.join("notices")).expect("the shipped wording") {
        let file = file.expect("a readable folder");
        fs::copy(file.path(), bundle.join("notices").join(file.file_name())).expect("a copy");
    }
    fs::copy(shipped.join("calendar.toml"), bundle.join("calendar.toml")).expect("a copy");
    let settings = fs::read_to_string(shipped.join("settings.toml")).expect("the shipped settings");
    let settings = settings.replacen(r#"value = "400d""#, &format!("value = \"{duplicate_horizon}\""), 1);
    fs::write(bundle.join("settings.toml"), settings).expect("a written file");
    for subject in OWN_SUBJECTS {
        fs::write(bundle.join(format!("signals/{subject}.toml")), signals(windows, subject))
            .expect("a written file");
    }
    fs::write(bundle.join("signals/device.toml"), signals(windows, "device")).expect("a written file");
    let mut table = String::from(
        "# id, comparisons (signal>=value), least and largest amount in fen (0 0: any), measure, for how many ms\n",
    );
    for rule in rules(windows) {
        fs::write(bundle.join(format!("rules/{}.toml", rule.id)), text(windows, &rule))
            .expect("a written file");
        let comparisons: Vec<String> =
            rule.comparisons.iter().map(|(name, least)| format!("{name}>={least}")).collect();
        let (low, high) = rule.band.unwrap_or((0, 0));
        let (measure, (_, span_ms)) = rule.measure(windows);
        writeln!(table, "{}\t{}\t{low}\t{high}\t{measure}\t{span_ms}", rule.id, comparisons.join(","))
            .expect("text grows");
    }
    fs::write(folder.join("rules.tsv"), table).expect("a written file");
}

fn name(windows: Windows, subject: &str, place: usize) -> String {
    let (window, aggregate) =
        (windows.spans[place / AGGREGATES.len() % 6], AGGREGATES[place % AGGREGATES.len()]);
    format!("{subject}_{aggregate}_{window}")
}

fn rules(windows: Windows) -> Vec<RuleLine> {
    let own = (0..BANDS as usize).map(|number| {
        let place = number / OWN_SUBJECTS.len();
        let compared = |subject: usize, place: usize| {
            let least = match AGGREGATES[place % AGGREGATES.len()] {
                "count" => 1 + number as u64 % 2,
                "distinct" => 1,
                "sum" => 300_000,
                _ => 200_000,
            };
            (name(windows, OWN_SUBJECTS[subject % OWN_SUBJECTS.len()], place), least)
        };
        let low = BAND_FIRST + number as u64 * BAND;
        RuleLine {
            id: format!("own_{number:02}"),
            comparisons: vec![
                compared(number, place % SIGNALS_EACH),
                compared(number + 1, (place + 5) % SIGNALS_EACH),
            ],
            band: Some((low, low + BAND - 1)),
        }
    });
    let device = (0..SIGNALS_EACH).map(|place| RuleLine {
        id: format!("device_{place:02}"),
        comparisons: vec![(name(windows, "device", place), device_level(windows, place))],
        band: None,
    });
    own.chain(device).collect()
}

/// What few devices reach: of the windows in order, and of money in steps that few payments reach alone.
fn device_level(windows: Windows, place: usize) -> u64 {
    let window = place / AGGREGATES.len();
    let in_a_month = match AGGREGATES[place % AGGREGATES.len()] {
        "count" | "distinct" => [2, 3, 4, 5, 6, 8][window],
        _ => LARGE_FIRST + 100_000 * (place as u64 / 2),
    };
    in_a_month * windows.device_levels
}

fn signals(windows: Windows, subject: &str) -> String {
    let (feed, purpose) = match subject {
        "device" => ("transfer_posted.device", "shared_subject"),
        _ => ("transfer_posted.payer", "anti_fraud"),
    };
    let mut text = String::new();
    for place in 0..SIGNALS_EACH {
        let (name, aggregate) = (name(windows, subject, place), AGGREGATES[place % AGGREGATES.len()]);
        let (window, words) = (windows.spans[place / AGGREGATES.len()], name.replace('_', " "));
        let money = if matches!(aggregate, "sum" | "max") { "currency = \"CNY\"\n" } else { "" };
        let report = match subject {
            "device" => format!("report_level = {}\nreport = \"event\"\n", device_level(windows, place)),
            _ => String::new(),
        };
        write!(
            text,
            "[{name}]\ntitle = {{ zh = \"压测信号 {words}\", en = \"Generated signal {words}\" }}\nsubject = \"{subject}\"\n\
             feeds = [\"{feed}\"]\naggregate = \"{aggregate}\"\nwindow = \"{window}\"\n{money}\
             purpose = \"{purpose}\"\nbasis = \"apl_18\"\n{report}\n"
        )
        .expect("text grows");
    }
    text
}

fn text(windows: Windows, rule: &RuleLine) -> String {
    let mut parts: Vec<String> =
        rule.comparisons.iter().map(|(name, least)| format!("{name} >= {least}")).collect();
    let trigger = match rule.band {
        Some((low, high)) => {
            parts.push(format!("event.amount >= {low} && event.amount <= {high}"));
            "transfer_posted.payer".to_owned()
        }
        None => format!("report:{}", rule.comparisons[0].0),
    };
    let (measure, (span, _)) = rule.measure(windows);
    format!(
        "version = 1\ntitle = {{ zh = \"压测规则 {words}\", en = \"Generated rule {words}\" }}\nstatus = \"enforced\"\nsubject = \"account\"\n\
         triggers = [\"{trigger}\"]\ncondition = \"{}\"\nmeasure = \"{measure}\"\n\
         measure_for = \"{span}\"\npurpose = \"anti_fraud\"\nbasis = \"apl_18\"\nreason = \"paid_to_many\"\n\
         source = \"generated for benches\"\n[precision]\ndata = \"generated\"\ndate = \"2026-11-25\"\nper_mille = 500\n",
        parts.join(" && "),
        words = rule.id.replace('_', " "),
    )
}
