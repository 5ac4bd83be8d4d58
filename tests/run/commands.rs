//! The other commands over output folders, and the exit codes.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use super::support::*;

#[test]
fn each_kind_of_failure_has_its_exit_code() {
    let place = Place::new();
    let input = place.file("events.csv", csv(&rows(10)));
    let empty_rules = place.path("no-rules");
    std::fs::create_dir(&empty_rules).unwrap();
    let header = place.file("header.csv", "event_id,ts_ms\nE1,1\n");
    let key = place.file("key", "not a key");
    let out = place.path("out");
    assert_eq!(ran(duecourse().args(["run", "--no-such-flag"])).code, 2);
    run(&place, &[&input], &out, &["--rules", empty_rules.to_str().unwrap()], 3);
    run(&place, &[&input], &out, &["--key", key.to_str().unwrap()], 3);
    run(&place, &[&place.path("absent.csv")], &out, &[], 4);
    run(&place, &[&input], &out, &["--labels", place.path("absent.csv").to_str().unwrap()], 4);
    assert!(!out.exists(), "nothing was begun");
    run(&place, &[&header], &place.path("header-out"), &[], 4);
    let mut unknown = duecourse();
    unknown.args(["run", "--source", "no-such-source", "--input"]).arg(&input).arg("--out").arg(&out);
    assert_eq!(ran(&mut unknown).code, 3);
}

#[test]
fn a_broker_that_is_not_there_is_exit_6() {
    let nobody = ["--set", "kafka.bootstrap_servers=127.0.0.1:1"];
    let ran = ran(duecourse().args(["topics", "create"]).args(nobody));
    assert_eq!(ran.code, 6, "{}", ran.stderr);
}

#[test]
fn verify_finds_nothing_in_a_run_and_ends_with_1_after_any_change() {
    let place = Place::new();
    let input = place.file("events.csv", csv(&rows(3000)) + "broken\n");
    let out = place.path("out");
    run(&place, &[&input], &out, &[], 5);
    let verify = || ran(duecourse().args(["verify", "--out"]).arg(&out));
    let clean = verify();
    let counts: Value = serde_json::from_str(clean.stdout.trim_end()).unwrap();
    assert_eq!(
        (clean.code, counts["inputs"].as_u64(), counts["covered"].as_u64()),
        (0, Some(3001), Some(3001)),
        "refused lines count too"
    );
    assert!(counts["dispositions"].as_u64().unwrap() > 3);
    for nothing in ["lost", "doubled", "mismatched"] {
        assert_eq!(counts[nothing], 0, "{nothing}");
    }
    for name in
        ["dispositions.ndjson", "notices.ndjson", "shadow.ndjson", "measures.ndjson", "dead-letters.ndjson"]
    {
        let whole = read(&out, name);
        let first = whole.lines().next().unwrap();
        for changed in
            [whole.replacen(first, "", 1), format!("{whole}{first}\n"), whole.replacen("\":\"", "\":\"x", 1)]
        {
            // Over Kafka a dead letter may come twice, so twice is no difference.
            if name == "dead-letters.ndjson" && changed.lines().count() > whole.lines().count() {
                continue;
            }
            std::fs::write(out.join(name), changed.trim_start()).unwrap();
            let found = verify();
            assert_eq!(found.code, 1, "{name}: {}{}", found.stdout, found.stderr);
        }
        std::fs::write(out.join(name), whole).unwrap();
    }
    assert_eq!(verify().code, 0);
    place.file("events.csv", csv(&rows(2999)));
    assert_eq!(verify().code, 4, "an input that is not what it was");
}

#[test]
fn an_empty_input_is_a_run_with_nothing_in_it() {
    let place = Place::new();
    let input = place.file("events.csv", format!("{}\n", HEADER.join(",")));
    run(&place, &[&input], &place.path("out"), &[], 0);
    assert_eq!(report(&place.path("out"))["input"]["events"], 0);
    assert_eq!(read(&place.path("out"), "alerts.csv").lines().count(), 1);
}

#[test]
fn json_prints_the_report_and_nothing_else() {
    let place = Place::new();
    let input = place.file("events.csv", csv(&rows(1500)));
    let out = place.path("out");
    let ran = run(&place, &[&input], &out, &["--json"], 0);
    assert_eq!(ran.stdout.trim_end(), read(&out, "report.json").trim_end());
}

#[test]
fn alerts_have_the_contract_s_columns_and_the_input_s_ids() {
    let place = Place::new();
    let rows = rows(3000);
    let input = place.file("events.csv", csv(&rows));
    let out = place.path("out");
    run(&place, &[&input], &out, &[], 0);
    let alerts = read(&out, "alerts.csv");
    let mut lines = alerts.lines();
    assert_eq!(
        lines.next().unwrap(),
        "event_id,ts_ms,subject_kind,subject_id,side,rule,rule_version,lane,measure,mode,strength"
    );
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let row = rows.iter().find(|row| row.id == cells[0]).unwrap();
        assert_eq!(cells[1], row.ts_ms.to_string());
        let subject = match cells[4] {
            "payer" => &row.from,
            "payee" => &row.to,
            other => panic!("{other}"),
        };
        assert_eq!((cells[2], cells[3]), ("account", subject.as_str()));
        let (whole, decimals) = cells[10].split_once('.').unwrap();
        assert!(whole.parse::<u64>().is_ok() && decimals.len() == 6);
    }
}

#[test]
fn who_is_warned_for_their_own_protection_counts_as_no_suspect() {
    const WARNED: &str = r#"
version = 1
title = { zh = "付款前的提醒", en = "A reminder before a payment" }
status = "shadow"
subject = "account"
triggers = ["transfer_posted.payer"]
condition = "out_sum_1d >= 1000"
measure = "victim_warn"
measure_for = "24h"
purpose = "victim"
basis = "apl_34"
reason = "first_payment_with_care"
source = "these tests"
"#;
    let place = Place::new();
    std::fs::write(place.rules().join("rules/warned.toml"), WARNED).unwrap();
    let input = place.file(
        "events.csv",
        "event_id,ts_ms,amount,from_account,to_account,type\n\
         E1,1700000000000,5.00,DECEIVED,SHOP,transfer\nE2,1700000001000,5.00,DECEIVED,TAKER,transfer\n",
    );
    let labels = place.file("labels.csv", "kind,id,typology,role,start_ts_ms\naccount,TAKER,x,mule,1\n");
    let out = place.path("out");
    run(&place, &[&input], &out, &["--labels", labels.to_str().unwrap()], 0);
    let alerts = read(&out, "alerts.csv");
    assert!(
        alerts
            .ends_with("\nE2,1700000001000,transfer,E2,payer,warned,1,victim,victim_warn,shadow,1.000000\n"),
        "{alerts}"
    );
    let levels = &report(&out)["levels"]["account"];
    assert_eq!((&levels["negatives"], &levels["false"]), (&2.into(), &0.into()));
}

#[test]
fn explain_tells_from_what_was_published() {
    let place = Place::new();
    let input = place.file("events.csv", csv(&rows(3000)));
    let out = place.path("out");
    run(&place, &[&input], &out, &[], 0);
    let notices = read(&out, "notices.ndjson");
    let notice: Value = serde_json::from_str(notices.lines().next().unwrap()).unwrap();
    let appeal = notice["data"]["appeal_reference"].as_str().unwrap();
    let explained = ran(duecourse().args(["explain", appeal, "--out"]).arg(&out));
    assert_eq!(explained.code, 0, "{}", explained.stderr);
    let reason = |lang: &str| notice["data"]["reason"][lang].as_str().unwrap();
    for part in [reason("zh-CN"), reason("en"), "Against which thresholds", "怎样可以解除", appeal] {
        assert!(explained.stdout.contains(part), "{part} in\n{}", explained.stdout);
    }
    let lower = appeal.to_lowercase().replace('-', " ");
    let json = ran(duecourse().args(["explain", &lower, "--json", "--out"]).arg(&out));
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["notices"][0], notice);
    assert_eq!(json["explanation"]["rules_found"], true);
    // One wrong symbol is noticed before anything is looked for.
    let wrong =
        if appeal.starts_with('0') { appeal.replacen('0', "1", 1) } else { format!("0{}", &appeal[1..]) };
    let refused = ran(duecourse().args(["explain", &wrong, "--out"]).arg(&out));
    assert!(refused.code == 2 && refused.stderr.contains("not an appeal reference"), "{}", refused.stderr);
}

#[test]
fn a_token_look_up_is_recorded_and_gives_the_token_of_the_outputs() {
    let place = Place::new();
    let input = place.file("events.csv", csv(&rows(3000)));
    let out = place.path("out");
    run(&place, &[&input], &out, &[], 0);
    let alerts = read(&out, "alerts.csv");
    let alert = alerts.lines().find(|row| row.contains(",shadow,")).unwrap();
    let account = alert.split(',').nth(3).unwrap().to_owned();
    let audit = place.path("audit.ndjson");
    let mut child = duecourse()
        .args(["token", "--kind", "account", "--audit"])
        .arg(&audit)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(format!("{account}\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let token = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    let first: Value = serde_json::from_str(read(&out, "shadow.ndjson").lines().next().unwrap()).unwrap();
    assert_eq!(first["data"]["subject"]["token"], token);
    assert!(String::from_utf8(output.stderr).unwrap().contains("recorded in"));
    let recorded = std::fs::read_to_string(&audit).unwrap();
    assert!(recorded.contains("\"count\":1") && !recorded.contains(&account));
}

#[test]
fn the_demo_leaves_a_folder_that_its_own_lines_give_again() {
    let place = Place::new();
    let (demo, again) = (place.path("demo"), place.path("again"));
    let shown = ran(duecourse().args(["demo", "--speed", "max", "--events", "2000", "--out"]).arg(&demo));
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    for part in
        ["opening_refuse", "overturned on appeal", "A notice, as the person reads it", "duecourse explain"]
    {
        assert!(shown.stdout.contains(part), "{part} in\n{}", shown.stdout);
    }
    let mut run = duecourse();
    run.args(["run", "--source", "native", "--input"])
        .arg(demo.join("made-up-day.ndjson"))
        .arg("--out")
        .arg(&again);
    assert_eq!(ran(&mut run).code, 5, "the day has broken lines in it");
    assert_same(&demo, &again);
    let reasons: Vec<String> = dead_letters(&demo).into_iter().map(|(_, _, reason)| reason).collect();
    assert_eq!(reasons, ["json_malformed", "type_unknown", "time_unreadable", "ref_looks_like_phone"]);
    assert_eq!(report(&demo)["input"]["repeated"], 1);
    // The person behind the appeal has what they asked for, and it is said why.
    let dispositions = read(&demo, "dispositions.ndjson");
    assert!(
        dispositions.contains("\"cause\":\"overturned\"")
            && dispositions.contains("\"cause\":\"superseded\"")
    );
}

/// As in `duecourse rules check | head -1`.
#[test]
fn a_reader_that_has_read_enough_is_no_failure() {
    let mut child = duecourse()
        .args(["rules", "check"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert_eq!((ended.status.code(), stderr.contains("panicked")), (Some(0), false), "{stderr}");
}
