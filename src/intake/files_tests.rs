//! Order and refusals of CONTRACT, with a judge that reads `id,time` lines.

use std::io::Write;

use proptest::prelude::*;

use super::*;

#[derive(Debug, PartialEq, Eq, Clone)]
struct Row(String);

struct Plain;

impl Judge for Plain {
    type Item = Row;
    type Refusal = &'static str;

    fn header(&mut self, _: u32, line: &[u8]) -> Result<(), &'static str> {
        if line == b"id,time" { Ok(()) } else { Err("header") }
    }

    fn row(&mut self, _: u32, line: &[u8]) -> Result<Accepted<Row>, &'static str> {
        let text = std::str::from_utf8(line).map_err(|_| "utf8")?;
        let (id, time) = text.split_once(',').ok_or("columns")?;
        let at = TimeMs(time.parse().map_err(|_| "time")?);
        Ok(Accepted { at, item: Row(id.into()) })
    }

    fn account(&mut self, _: u32, line: &[u8], at: TimeMs) -> Result<Accepted<Row>, &'static str> {
        Ok(Accepted { at, item: Row(String::from_utf8_lossy(line).into()) })
    }

    fn label(&mut self, input: u32, line: &[u8]) -> Result<Option<Label>, &'static str> {
        let accepted = self.row(input, line)?;
        Ok((accepted.at.0 > 0).then_some(Label { event_id: accepted.item.0, available_at: accepted.at }))
    }

    fn confirmed(
        &mut self,
        input: u32,
        line: &[u8],
        row: &Row,
        at: TimeMs,
    ) -> Result<Accepted<Row>, &'static str> {
        // The line is still the row's own.
        assert_eq!(self.row(input, line)?.item, *row);
        Ok(Accepted { at, item: Row(format!("fraud {}", row.0)) })
    }

    fn event_id<'a>(&self, item: &'a Row) -> &'a str {
        &item.0
    }

    fn order_refusal(&self, refusal: OrderRefusal) -> &'static str {
        match refusal {
            OrderRefusal::LineTooLong => "line_too_long",
            OrderRefusal::TimeLeap => "time_leap",
            OrderRefusal::FeedbackUnmatched => "feedback_unmatched",
        }
    }
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, lines: &[&str]) -> PathBuf {
        let path = self.0.path().join(name);
        let mut file = std::fs::File::create(&path).unwrap();
        for line in lines {
            writeln!(file, "{line}").unwrap();
        }
        path
    }
}

/// What came out, one text a line: `input:line id@time` or `input:line !reason`.
fn merged(files: &InputFiles) -> Vec<String> {
    let mut merge = Files::open(files, Plain).unwrap();
    let mut out = Vec::new();
    while let Some(merged) = merge.next().unwrap() {
        let what = match merged.outcome {
            Ok(accepted) => format!("{}@{}", accepted.item.0, accepted.at.0),
            Err(reason) => format!("!{reason}"),
        };
        out.push(format!("{}:{} {what}", merged.input, merged.line));
    }
    out
}

#[test]
fn rows_merge_by_time_then_input_then_line() {
    let folder = Folder::new();
    let rows = vec![
        folder.file("a", &["a,10", "b,20", "c,15", "d,30"]),
        folder.file("b", &["e,10", "f,10", "g,20", "h,29"]),
    ];
    let files = InputFiles { rows, ..InputFiles::default() };
    assert_eq!(
        merged(&files),
        ["0:1 a@10", "1:1 e@10", "1:2 f@10", "0:2 b@20", "0:3 c@15", "1:3 g@20", "1:4 h@29", "0:4 d@30"]
    );
}

#[test]
fn a_refused_line_follows_the_line_before_it_and_changes_no_order() {
    let folder = Folder::new();
    let day_ms = 86_400_000_i64;
    let wild = format!("w,{}", 10 + 401 * day_ms);
    let rows = vec![
        folder.file("a", &["nonsense", "a,10", "x", &wild, "b,20"]),
        folder.file("b", &["e,15", "f,25", "y"]),
    ];
    let files = InputFiles { rows, ..InputFiles::default() };
    assert_eq!(
        merged(&files),
        [
            "0:1 !columns",
            "0:2 a@10",
            "0:3 !columns",
            "0:4 !time_leap",
            "1:1 e@15",
            "0:5 b@20",
            "1:2 f@25",
            "1:3 !columns"
        ]
    );
}

#[test]
fn the_first_row_may_leap_and_exactly_400_days_may_be_leapt() {
    let folder = Folder::new();
    let leap = LEAP_MAX.0;
    let lines = [format!("a,{}", leap * 9), format!("b,{}", leap * 10), format!("c,{}", leap * 11 + 1)];
    let rows = vec![folder.file("a", &lines.each_ref().map(String::as_str))];
    let out = merged(&InputFiles { rows, ..InputFiles::default() });
    assert_eq!(out.len(), 3);
    assert!(out[0].ends_with(&format!("a@{}", leap * 9)));
    assert!(out[1].ends_with(&format!("b@{}", leap * 10)));
    assert_eq!(out[2], "0:3 !time_leap");
}

#[test]
fn accounts_come_first_at_the_first_rows_time_and_feedback_after_its_millisecond() {
    let folder = Folder::new();
    let files = InputFiles {
        rows: vec![folder.file("a", &["id,time", "a,10", "b,20", "c,20", "d,21"])],
        accounts: Some(folder.file("accounts", &["id,time", "A1", "A2"])),
        feedback: Some(folder.file("labels", &["id,time", "b,20", "a,5", "z,20", "c,0", "d,99", "?"])),
        rows_have_header: true,
    };
    assert_eq!(
        merged(&files),
        [
            "1:2 A1@10",
            "1:3 A2@10",
            "0:2 a@10",
            "2:3 fraud a@5",
            "0:3 b@20",
            "0:4 c@20",
            "2:2 fraud b@20",
            "0:5 d@21",
            "2:6 fraud d@99",
            "2:4 !feedback_unmatched",
            "2:7 !columns"
        ]
    );
}

#[test]
fn a_line_over_the_bound_is_refused_and_a_wrong_header_is_an_error() {
    let folder = Folder::new();
    let long = "x".repeat(crate::intake::lines::LINE_BYTES_MAX + 1);
    let rows = vec![folder.file("a", &["a,1", &long, "b,2"])];
    assert_eq!(
        merged(&InputFiles { rows: rows.clone(), ..InputFiles::default() }),
        ["0:1 a@1", "0:2 !line_too_long", "0:3 b@2"]
    );
    let files = InputFiles { rows, rows_have_header: true, ..InputFiles::default() };
    assert!(matches!(Files::open(&files, Plain), Err(FilesError::Header { refusal: "header", .. })));
}

proptest! {
    /// Sorted inputs come out sorted, each line once, whatever garbage stands between.
    #[test]
    fn sorted_inputs_merge_into_one_sorted_row(
        mut times in proptest::collection::vec(proptest::collection::vec(0_i64..50, 0..20), 1..4),
        garbage in proptest::collection::vec((0_usize..4, 0_usize..20), 0..10),
    ) {
        let folder = Folder::new();
        let mut clean = Vec::new();
        let mut dirty = Vec::new();
        for (index, times) in times.iter_mut().enumerate() {
            times.sort_unstable();
            let lines: Vec<String> = times.iter().enumerate().map(|(n, t)| format!("{index}-{n},{t}")).collect();
            clean.push(folder.file(&format!("clean{index}"), &lines.iter().map(String::as_str).collect::<Vec<_>>()));
            let mut mixed = lines;
            for (_, place) in garbage.iter().filter(|(input, _)| *input == index) {
                mixed.insert((*place).min(mixed.len()), "garbage".into());
            }
            dirty.push(folder.file(&format!("dirty{index}"), &mixed.iter().map(String::as_str).collect::<Vec<_>>()));
        }
        let accepted = |rows| -> Vec<String> {
            let out = merged(&InputFiles { rows, ..InputFiles::default() });
            out.iter().filter(|line| !line.contains('!')).filter_map(|line| Some(line.split_once(' ')?.1.into())).collect()
        };
        let order = accepted(clean);
        let at: Vec<i64> = order.iter().map(|line| line.split_once('@').unwrap().1.parse().unwrap()).collect();
        prop_assert!(at.is_sorted());
        prop_assert_eq!(order.len(), times.iter().map(Vec::len).sum::<usize>());
        prop_assert_eq!(order, accepted(dirty));
    }
}
