//! Order and refusals: what a row moves, and what a refused one does not.

use super::support::*;

/// 2000-01-01 and 2100-01-01, in epoch milliseconds.
const EARLIEST_MS: i64 = 946_684_800_000;
const LATEST_MS: i64 = 4_102_444_800_000;
const DAY_MS: i64 = 24 * HOUR_MS;

fn transfer(id: &str, ts_ms: i64) -> Row {
    Row::new(id, ts_ms, "A1", "A2", "5", "transfer")
}

/// Runs rows and gives the dead letters' lines and reasons.
fn refused(rows: &[Row]) -> Vec<(u64, String)> {
    let place = Place::new();
    let input = place.file("events.csv", csv(rows));
    run_with(&place, &[&input], &place.path("out"), &[]);
    dead_letters(&place.path("out")).into_iter().map(|(_, line, reason)| (line, reason)).collect()
}

#[test]
fn garbage_is_refused_line_by_line_and_changes_nothing_else() {
    let place = Place::new();
    let rows = rows(2000);
    let ts = rows[500].ts_ms;
    let long = "x".repeat(65);
    let huge = format!("E-HUGE,{ts},A1,A2,5,{}", "t".repeat(1 << 20));
    let garbage: Vec<(&str, Vec<u8>)> = vec![
        ("event_id_missing", format!(",{ts},A1,A2,5,transfer").into()),
        ("parties_incomplete", format!("G1,{ts},,A2,5,transfer").into()),
        ("parties_incomplete", format!("G2,{ts},A1,,5,transfer").into()),
        ("id_too_long", format!("G3,{ts},{long},A2,5,transfer").into()),
        ("time_unreadable", "G4,yesterday,A1,A2,5,transfer".into()),
        ("time_unreadable", "G5,,A1,A2,5,transfer".into()),
        ("time_out_of_range", format!("G6,{},A1,A2,5,transfer", EARLIEST_MS - 1).into()),
        ("time_out_of_range", format!("G7,{LATEST_MS},A1,A2,5,transfer").into()),
        ("time_jump", format!("G8,{},A1,A2,5,transfer", ts + 500 * DAY_MS).into()),
        ("amount_unreadable", format!("G9,{ts},A1,A2,much,transfer").into()),
        ("field_missing", format!("G10,{ts},A1,A2,,transfer").into()),
        ("amount_negative", format!("G11,{ts},A1,A2,-5,transfer").into()),
        ("amount_over_precise", format!("G12,{ts},A1,A2,5.001,transfer").into()),
        ("amount_overflow", format!("G13,{ts},A1,A2,99999999999999999999,transfer").into()),
        ("type_unknown", format!("G14,{ts},A1,A2,5,gift").into()),
        ("csv_column_count", format!("G15,{ts},A1,A2,5").into()),
        ("csv_column_count", format!("G16,{ts},A1,A2,5,transfer,more").into()),
        ("csv_quote_open", format!("G17,{ts},A1,\"A2,5,transfer").into()),
        ("not_utf8", [format!("G18,{ts},A1,").as_bytes(), b"\xff\xfe", b",5,transfer"].concat()),
        ("record_too_large", huge.into()),
    ];
    let mut mixed = format!("{}\n", HEADER.join(",")).into_bytes();
    let mut expected = Vec::new();
    let mut line = 1;
    for (number, row) in rows.iter().enumerate() {
        if number >= 500 && (number - 500) % 50 == 0 && (number - 500) / 50 < garbage.len() {
            let (reason, bytes) = &garbage[(number - 500) / 50];
            mixed.extend_from_slice(bytes);
            mixed.push(b'\n');
            line += 1;
            expected.push((0, line, (*reason).to_owned()));
        }
        mixed.extend_from_slice(row.line().as_bytes());
        mixed.push(b'\n');
        line += 1;
    }
    assert_eq!(expected.len(), garbage.len());
    let clean = place.file("clean.csv", csv(&rows));
    let mixed = place.file("mixed.csv", mixed);
    run(&place, &[&clean], &place.path("clean"), &[], 0);
    run(&place, &[&mixed], &place.path("mixed"), &[], 5);
    assert_alerts(&place.path("clean"));
    assert_same_decisions(&place.path("clean"), &place.path("mixed"));
    assert_eq!(dead_letters(&place.path("mixed")), expected);
    let input = &report(&place.path("mixed"))["input"];
    assert_eq!(input["events"].as_u64().unwrap() as usize, rows.len() + garbage.len());
    assert_eq!(input["accepted"].as_u64().unwrap() as usize, rows.len());
    assert_eq!(input["refused"]["parties_incomplete"], 2);
}

#[test]
fn a_repeated_event_is_counted_and_is_no_dead_letter() {
    let place = Place::new();
    let rows = rows(1000);
    let mut twice = rows.clone();
    // Once at once, once later with another time and amount: it is the id that counts.
    twice.insert(400, rows[399].clone());
    twice.insert(900, Row { ts_ms: rows[880].ts_ms, amount: "77777".to_owned(), ..rows[100].clone() });
    let once = place.file("once.csv", csv(&rows));
    let twice = place.file("twice.csv", csv(&twice));
    run(&place, &[&once], &place.path("once"), &[], 0);
    run(&place, &[&twice], &place.path("twice"), &[], 0);
    assert_same_decisions(&place.path("once"), &place.path("twice"));
    let input = &report(&place.path("twice"))["input"];
    assert_eq!((input["repeated"].as_u64(), input["accepted"].as_u64()), (Some(2), Some(1000)));
    assert!(dead_letters(&place.path("twice")).is_empty());
}

#[test]
fn a_row_may_be_400_days_past_the_newest_and_no_more() {
    let jump = |ms: i64| refused(&[transfer("E1", START_MS), transfer("E2", START_MS + 400 * DAY_MS + ms)]);
    assert_eq!(jump(0), []);
    assert_eq!(jump(1), [(3, "time_jump".to_owned())]);
    // The first row is exempt, and what was refused is not the newest.
    let rows = [
        transfer("E1", START_MS + 10_000 * DAY_MS),
        transfer("E2", START_MS),
        transfer("E3", START_MS + 10_401 * DAY_MS),
        transfer("E4", START_MS + 10_402 * DAY_MS),
        transfer("E5", START_MS + 10_400 * DAY_MS),
        transfer("E6", START_MS + 10_402 * DAY_MS),
    ];
    let jumped = |line| (line, "time_jump".to_owned());
    assert_eq!(refused(&rows), [jumped(4), jumped(5)]);
}

#[test]
fn times_from_2000_up_to_2100_are_accepted() {
    for (ts_ms, accepted) in
        [(EARLIEST_MS - 1, false), (EARLIEST_MS, true), (LATEST_MS - 1, true), (LATEST_MS, false)]
    {
        let expected = if accepted { vec![] } else { vec![(2, "time_out_of_range".to_owned())] };
        assert_eq!(refused(&[transfer("E1", ts_ms)]), expected, "{ts_ms}");
    }
}

#[test]
fn ids_have_1_to_64_bytes_and_amounts_up_to_two_decimals() {
    let place = Place::new();
    let of =
        |id: &str, account: &str, amount: &str| Row::new(id, START_MS, account, "A2", amount, "transfer");
    let rows = [
        of(&"e".repeat(64), &"a".repeat(64), "0"),
        of("E2", "A", "0.00"),
        of("E3", "13800138000", "1.1"),
        of("E4", "6222021234567890128", "1.10"),
        of("E5", "11010519491231002X", "90071992547409.91"),
    ];
    let input = place.file("events.csv", csv(&rows));
    // Ids of such sets are opaque: the look-alike test is for native refs.
    run(&place, &[&input], &place.path("out"), &[], 0);
}

#[test]
fn a_line_may_have_one_mebibyte_and_not_a_byte_more() {
    let place = Place::new();
    let header = format!("{},note", HEADER.join(","));
    let line = |id: &str, bytes: usize| {
        let start = format!("{id},{START_MS},A1,A2,5,transfer,");
        format!("{start}{}", "n".repeat(bytes - start.len()))
    };
    let text = format!("{header}\n{}\n{}\n", line("E1", 1 << 20), line("E2", (1 << 20) + 1));
    let input = place.file("events.csv", text);
    run(&place, &[&input], &place.path("out"), &[], 5);
    assert_eq!(dead_letters(&place.path("out")), [(0, 3, "record_too_large".to_owned())]);
}

#[test]
fn inputs_merge_by_time_then_input_then_line() {
    let place = Place::new();
    let rows = rows(2000);
    let whole = place.file("whole.csv", csv(&rows));
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for (number, row) in rows.iter().enumerate() {
        // Rows of one millisecond stay in one file: there the files' order would count.
        let shares = |other: Option<&Row>| other.is_some_and(|other| other.ts_ms == row.ts_ms);
        let tied = shares(rows.get(number + 1)) || shares(number.checked_sub(1).and_then(|n| rows.get(n)));
        if number % 3 == 0 || tied { first.push(row.clone()) } else { second.push(row.clone()) }
    }
    let first = place.file("first.csv", csv(&first));
    let second = place.gzip("second.csv.gz", csv(&second));
    run(&place, &[&whole], &place.path("whole"), &[], 0);
    run(&place, &[&first, &second], &place.path("parts"), &[], 0);
    run(&place, &[&second, &first], &place.path("other"), &[], 0);
    assert_alerts(&place.path("whole"));
    assert_same_decisions(&place.path("whole"), &place.path("parts"));
    assert_same_decisions(&place.path("whole"), &place.path("other"));
}

#[test]
fn a_dead_letter_names_its_input_and_a_refused_line_follows_the_line_before_it() {
    let place = Place::new();
    let a = place.file("a.csv", format!("{}\nE1,{START_MS},A1,A2,5,transfer\nbroken\n", HEADER.join(",")));
    let b =
        place.file("b.csv", format!("{}\nbroken\nE2,{},A1,A2,5,transfer\n", HEADER.join(","), START_MS + 1));
    run(&place, &[&a, &b], &place.path("out"), &[], 5);
    let mut letters = dead_letters(&place.path("out"));
    letters.sort();
    let column_count = "csv_column_count".to_owned();
    assert_eq!(letters, [(0, 3, column_count.clone()), (1, 2, column_count)]);
}

#[test]
fn accounts_are_stated_first_and_only_their_declared_columns_are_read() {
    let place = Place::new();
    let rows = rows(1500);
    let input = place.file("events.csv", csv(&rows));
    let plain: String = (0..304).map(|n| format!("A{n:05},b,1\n")).collect();
    let rich: String = (0..304).map(|n| format!("{n},A{n:05},b,1,x\n")).collect();
    let plain = place.file("plain.csv", format!("account_id,bank,opening_balance\n{plain}"));
    let rich = place.file("rich.csv", format!("age,account_id,bank,opening_balance,city\n{rich}"));
    run(&place, &[&input], &place.path("plain"), &["--accounts", plain.to_str().unwrap()], 0);
    run(&place, &[&input], &place.path("rich"), &["--accounts", rich.to_str().unwrap()], 0);
    assert_alerts(&place.path("plain"));
    assert_same_decisions(&place.path("plain"), &place.path("rich"));
    let input = &report(&place.path("rich"))["input"];
    assert_eq!((input["accounts"]["accepted"].as_u64(), input["events"].as_u64()), (Some(304), Some(1500)));
    assert_eq!(input["undeclared"]["age"], 304);
}

/// Says at once that a fraud was confirmed; observes only.
const CONFIRMED_SIGNAL: &str = r#"
[confirmed_1d]
title = { zh = "一天内确认的涉诈", en = "frauds confirmed in a day" }
subject = "account"
feeds = ["fraud_confirmed.payer", "fraud_confirmed.payee"]
aggregate = "sum"
window = "1d"
currency = "CNY"
purpose = "anti_fraud"
basis = "apl_18"
"#;
const CONFIRMED_RULE: &str = r#"
version = 1
title = { zh = "已确认涉诈", en = "Fraud confirmed" }
status = "enforced"
subject = "account"
triggers = ["fraud_confirmed.payer", "fraud_confirmed.payee"]
condition = "confirmed_1d >= 1"
measure = "account_reverify_identity"
measure_for = "1d"
purpose = "anti_fraud"
basis = "apl_18"
source = "made up for these tests"
reason = "paid_to_many"
"#;

#[test]
fn feedback_becomes_known_at_its_time_and_without_the_flag_no_label_does() {
    let place = Place::new();
    std::fs::write(place.rules().join("signals/confirmed.toml"), CONFIRMED_SIGNAL).unwrap();
    std::fs::write(place.rules().join("rules/confirmed.toml"), CONFIRMED_RULE).unwrap();
    let rows = rows(1500);
    let input = place.file("events.csv", csv(&rows));
    let late = rows[1400].ts_ms;
    let fraud = rows.iter().find(|row| row.kind == "transfer" && row.from != row.to).unwrap();
    let other = rows.iter().find(|row| row.id != fraud.id).unwrap();
    let feedback = format!(
        "kind,id,typology,role,start_ts_ms,label_available_ts_ms\nevent,{},x,,{},{late}\naccount,A00300,x,mule,1,{late}\n\
         event,{},x,,{},\nevent,NOBODY,x,,1,{late}\n",
        fraud.id, fraud.ts_ms, other.id, other.ts_ms
    );
    let feedback = place.file("labels.csv", feedback);
    run(&place, &[&input], &place.path("without"), &[], 0);
    let ran = run_with(&place, &[&input], &place.path("with"), &["--feedback", feedback.to_str().unwrap()]);
    assert_eq!(report(&place.path("with"))["input"]["feedback"]["accepted"], 1);
    // One label names an event that is not there.
    assert_eq!((ran.code, dead_letters(&place.path("with")).len()), (5, 1));
    // It reaches both sides of the transfer when it became known, not before, under no row's name,
    // and changes nothing else.
    let (with, without) =
        (read(&place.path("with"), "alerts.csv"), read(&place.path("without"), "alerts.csv"));
    let (confirmed, rest): (Vec<&str>, Vec<&str>) = with.lines().partition(|row| row.contains(",confirmed,"));
    let starts: Vec<String> =
        [&fraud.from, &fraud.to].map(|account| format!(",{late},account,{account},")).to_vec();
    assert_eq!(confirmed.len(), 2, "{confirmed:?}");
    assert!(confirmed.iter().zip(&starts).all(|(row, start)| row.starts_with(start)), "{confirmed:?}");
    assert_eq!(rest, without.lines().collect::<Vec<_>>());
    assert_alerts(&place.path("without"));
}
