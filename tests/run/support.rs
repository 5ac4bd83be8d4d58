//! Small inputs made up here, and the program run over them.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// 2024-01-01T00:00:00Z.
pub const START_MS: i64 = 1_704_067_200_000;
pub const HOUR_MS: i64 = 3_600_000;
pub const HEADER: [&str; 6] = ["event_id", "ts_ms", "from_account", "to_account", "amount", "type"];
/// Files that must not differ; `facts/` and costs may.
pub const OUTPUTS: [&str; 7] = [
    "dispositions.ndjson",
    "notices.ndjson",
    "measures.ndjson",
    "shadow.ndjson",
    "leads.ndjson",
    "dead-letters.ndjson",
    "alerts.csv",
];

/// One row of a labelled set.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: String,
    pub ts_ms: i64,
    pub from: String,
    pub to: String,
    pub amount: String,
    pub kind: &'static str,
}

impl Row {
    pub fn new(
        id: impl Into<String>,
        ts_ms: i64,
        from: &str,
        to: &str,
        amount: &str,
        kind: &'static str,
    ) -> Row {
        Row { id: id.into(), ts_ms, from: from.into(), to: to.into(), amount: amount.into(), kind }
    }

    pub fn cells(&self) -> [String; 6] {
        let Row { id, ts_ms, from, to, amount, kind } = self.clone();
        [id, ts_ms.to_string(), from, to, amount, kind.to_owned()]
    }

    pub fn line(&self) -> String {
        self.cells().join(",")
    }
}

/// A few days of ordinary payments, with a fan-in, a fan-out and money passed on, many times over.
pub fn rows(count: usize) -> Vec<Row> {
    let mut seed = 12345_u64;
    let mut below = |bound: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % bound
    };
    let mut rows = Vec::new();
    let mut ts_ms = START_MS;
    while rows.len() < count {
        ts_ms += below(60_000) as i64;
        let number = rows.len();
        let id = format!("E{number:07}");
        let account = |n: u64| format!("A{n:05}");
        let row = match below(10) {
            0 => Row::new(id, ts_ms, &account(below(300)), "EXT_OUT", "12.5", "spend"),
            1 => Row::new(id, ts_ms, "EXT_IN", &account(below(300)), "8000", "salary"),
            2 => Row::new(id, ts_ms, &account(below(300)), "", "35.10", "card_payment"),
            // A few accounts are paid by many and pay many, in large sums.
            3 => Row::new(id, ts_ms, &account(below(300)), &account(300 + below(4)), "9000", "transfer"),
            4 => Row::new(id, ts_ms, &account(300 + below(4)), &account(below(300)), "8800.01", "transfer"),
            _ => Row::new(id, ts_ms, &account(below(300)), &account(below(300)), "20.00", "transfer"),
        };
        rows.push(row);
    }
    rows
}

pub fn csv(rows: &[Row]) -> String {
    let lines: Vec<String> = rows.iter().map(Row::line).collect();
    format!("{}\n{}\n", HEADER.join(","), lines.join("\n"))
}

/// A folder of inputs and outputs that is gone after the test.
pub struct Place(tempfile::TempDir);

impl Place {
    pub fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub fn gzip(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        let file = std::fs::File::create(&path).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        encoder.write_all(content.as_ref()).unwrap();
        encoder.finish().unwrap();
        path
    }

    /// Two rules of these tests' own, so that tuning the shipped ones changes nothing here: `fan_in`
    /// acts, `spender` only observes. Limits on holdings and wording are the
    /// shipped ones.
    pub fn rules(&self) -> PathBuf {
        let folder = self.path("rules");
        if folder.exists() {
            return folder;
        }
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
        for room in ["signals", "rules", "limits", "notices", "protections"] {
            std::fs::create_dir_all(folder.join(room)).unwrap();
        }
        for file in ["settings.toml", "calendar.toml"] {
            std::fs::copy(shipped.join(file), folder.join(file)).unwrap();
        }
        for room in ["limits", "notices"] {
            for entry in std::fs::read_dir(shipped.join(room)).unwrap() {
                let from = entry.unwrap().path();
                // A limit with a condition reads signals of the shipped set.
                if std::fs::read_to_string(&from).unwrap().contains("\ncondition = ") {
                    continue;
                }
                std::fs::copy(&from, folder.join(room).join(from.file_name().unwrap())).unwrap();
            }
        }
        std::fs::write(folder.join("signals/flow.toml"), SIGNALS).unwrap();
        std::fs::write(folder.join("rules/fan_in.toml"), FAN_IN).unwrap();
        std::fs::write(folder.join("rules/spender.toml"), SPENDER).unwrap();
        folder
    }
}

const SIGNALS: &str = r#"
[in_sum_1d]
title = { zh = "一天内转入", en = "received in a day" }
subject = "account"
feeds = ["transfer_posted.payee"]
aggregate = "sum"
window = "1d"
currency = "CNY"
purpose = "anti_fraud"
basis = "apl_18"

[payers_distinct_1d]
title = { zh = "一天内付款人", en = "payers in a day" }
subject = "account"
feeds = ["transfer_posted.payee"]
aggregate = "distinct"
window = "1d"
purpose = "anti_fraud"
basis = "apl_18"

[out_sum_1d]
title = { zh = "一天内转出", en = "paid in a day" }
subject = "account"
feeds = ["transfer_posted.payer"]
aggregate = "sum"
window = "1d"
currency = "CNY"
purpose = "anti_fraud"
basis = "apl_18"
"#;

const FAN_IN: &str = r#"
version = 3
title = { zh = "多人转入", en = "Many payers" }
status = "enforced"
subject = "account"
triggers = ["transfer_posted.payee"]
condition = "payers_distinct_1d >= 5 && in_sum_1d >= 4000000"
measure = "account_reverify_identity"
measure_for = "2h"
purpose = "anti_fraud"
basis = "apl_18"
reason = "received_from_many"
source = "these tests"

[precision]
data = "made up for these tests"
date = "2026-11-23"
per_mille = 500
"#;

const SPENDER: &str = r#"
version = 1
title = { zh = "大额转出", en = "Pays much" }
status = "enforced"
subject = "account"
triggers = ["transfer_posted.payer"]
condition = "out_sum_1d >= 10000000"
measure = "account_verify_transaction"
measure_for = "1d"
purpose = "anti_fraud"
basis = "apl_18"
reason = "paid_to_many"
source = "these tests"
"#;

/// Copies the files of a folder and of the folders in it.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

pub fn duecourse() -> Command {
    Command::new(env!("CARGO_BIN_EXE_duecourse"))
}

pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

pub fn ran(command: &mut Command) -> Ran {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: status.code().unwrap_or(-1), stdout: text(stdout), stderr: text(stderr) }
}

/// `run` over labelled CSV with these tests' own rules and further arguments.
pub fn run_with(place: &Place, inputs: &[&Path], out: &Path, more: &[&str]) -> Ran {
    let mut command = duecourse();
    command.arg("run").arg("--input").args(inputs).args(["--source", "labelled-csv", "--out"]).arg(out);
    if !more.contains(&"--rules") {
        command.arg("--rules").arg(place.rules());
    }
    ran(command.args(more))
}

/// `run` that must be done with that code.
#[track_caller]
pub fn run(place: &Place, inputs: &[&Path], out: &Path, more: &[&str], code: i32) -> Ran {
    let ran = run_with(place, inputs, out, more);
    assert_eq!(ran.code, code, "{}{}", ran.stdout, ran.stderr);
    ran
}

pub fn read(out: &Path, name: &str) -> String {
    std::fs::read_to_string(out.join(name)).unwrap()
}

/// The report without what may differ.
pub fn report(out: &Path) -> Value {
    let mut report: Value = serde_json::from_str(&read(out, "report.json")).unwrap();
    for cost in ["cpu", "rss_bytes_max", "wall_s"] {
        report.as_object_mut().unwrap().remove(cost);
    }
    report
}

/// Every output file and the report without costs.
pub fn outputs(out: &Path) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> =
        OUTPUTS.iter().map(|name| ((*name).to_owned(), read(out, name))).collect();
    all.insert("report.json".to_owned(), report(out).to_string());
    all
}

/// The files that do not depend on how the input was written down.
pub fn decisions(out: &Path) -> Vec<String> {
    ["dispositions.ndjson", "notices.ndjson", "measures.ndjson", "shadow.ndjson", "alerts.csv"]
        .map(|name| read(out, name))
        .to_vec()
}

/// Input, line and reason of each dead letter.
pub fn dead_letters(out: &Path) -> Vec<(u64, u64, String)> {
    let text = read(out, "dead-letters.ndjson");
    text.lines()
        .map(|line| {
            let letter: Value = serde_json::from_str(line).unwrap();
            assert_eq!(letter.as_object().unwrap().len(), 3, "a pointer and a reason, never content: {line}");
            let number = |name: &str| letter[name].as_u64().unwrap();
            (number("input"), number("line"), letter["reason"].as_str().unwrap().to_owned())
        })
        .collect()
}

#[track_caller]
pub fn assert_same(a: &Path, b: &Path) {
    for (name, content) in outputs(a) {
        assert!(outputs(b)[&name] == content, "{name} differs");
    }
}

#[track_caller]
pub fn assert_same_decisions(a: &Path, b: &Path) {
    assert!(decisions(a) == decisions(b), "decisions differ");
}

/// Some alerts of both modes, or a comparison would say nothing.
#[track_caller]
pub fn assert_alerts(out: &Path) {
    let alerts = read(out, "alerts.csv");
    for mode in [",enforced,", ",shadow,"] {
        let count = alerts.lines().filter(|row| row.contains(mode)).count();
        assert!(count > 3, "{count} alerts with {mode}");
    }
}
