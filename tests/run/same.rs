//! The same events give the same decisions, however they are written down.

use super::support::*;

#[test]
fn two_runs_are_byte_identical_and_gzip_is_plain() {
    let place = Place::new();
    let rows = rows(3000);
    let plain = place.file("events.csv", csv(&rows));
    let packed = place.gzip("events.csv.gz", csv(&rows));
    run(&place, &[&plain], &place.path("a"), &[], 0);
    run(&place, &[&plain], &place.path("b"), &[], 0);
    run(&place, &[&packed], &place.path("c"), &[], 0);
    assert_alerts(&place.path("a"));
    assert_same(&place.path("a"), &place.path("b"));
    assert_same(&place.path("a"), &place.path("c"));
}

#[test]
fn a_rule_without_measured_precision_observes_and_acts_on_nobody() {
    let place = Place::new();
    let input = place.file("events.csv", csv(&rows(3000)));
    let out = place.path("out");
    run(&place, &[&input], &out, &[], 0);
    assert_alerts(&out);
    let alerts = read(&out, "alerts.csv");
    let of =
        |mode: &str| alerts.lines().filter(|row| row.split(',').nth(9) == Some(mode)).collect::<Vec<_>>();
    assert!(of("shadow").iter().all(|row| row.contains(",spender,1,anomaly,account_verify_transaction,")));
    assert!(of("enforced").iter().all(|row| row.contains(",fan_in,3,anomaly,account_reverify_identity,")));
    assert_eq!(read(&out, "shadow.ndjson").lines().count(), of("shadow").len());
    let set = read(&out, "dispositions.ndjson").matches("disposition.measure_set").count();
    assert_eq!(set, of("enforced").len());
    // Each begins with a notice, and each that has ended has one for its end.
    assert_eq!(
        read(&out, "notices.ndjson").lines().count(),
        read(&out, "dispositions.ndjson").lines().count()
    );
    let ended = read(&out, "dispositions.ndjson").matches("disposition.measure_ended").count();
    assert_eq!(read(&out, "measures.ndjson").lines().count(), set - ended);
    assert!(!read(&out, "dispositions.ndjson").contains("spender"));
}

#[test]
fn the_order_of_columns_does_not_matter() {
    let place = Place::new();
    let rows = rows(1500);
    let input = place.file("a.csv", csv(&rows));
    let order = [5, 2, 0, 4, 1, 3];
    let shuffled = |cells: [String; 6]| order.map(|column| cells[column].clone()).join(",");
    let mut text = shuffled(HEADER.map(str::to_owned)) + "\n";
    text.extend(rows.iter().map(|row| shuffled(row.cells()) + "\n"));
    let shuffled = place.file("b.csv", text);
    run(&place, &[&input], &place.path("a"), &[], 0);
    run(&place, &[&shuffled], &place.path("b"), &[], 0);
    assert_alerts(&place.path("a"));
    assert_same(&place.path("a"), &place.path("b"));
}

#[test]
fn undeclared_columns_are_dropped_and_counted_and_change_nothing() {
    let place = Place::new();
    let rows = rows(1500);
    let with = |columns: &[(&str, &str)]| {
        let names: String = columns.iter().map(|(name, _)| format!(",{name}")).collect();
        let values: String = columns.iter().map(|(_, value)| format!(",{value}")).collect();
        let lines: String = rows.iter().map(|row| row.line() + &values + "\n").collect();
        format!("{}{names}\n{lines}", HEADER.join(","))
    };
    let none = place.file("none.csv", csv(&rows));
    let some = place.file("some.csv", with(&[("age", "71"), ("city", "x"), ("terminal", "T1")]));
    let permuted = place.file("permuted.csv", with(&[("terminal", "T1"), ("city", "y"), ("age", "17")]));
    run(&place, &[&none], &place.path("none"), &[], 0);
    run(&place, &[&some], &place.path("some"), &[], 0);
    run(&place, &[&permuted], &place.path("permuted"), &[], 0);
    assert_alerts(&place.path("none"));
    assert_same(&place.path("some"), &place.path("permuted"));
    assert_same_decisions(&place.path("none"), &place.path("some"));
    let undeclared = &report(&place.path("some"))["input"]["undeclared"];
    assert_eq!((undeclared["age"].as_u64(), undeclared["city"].as_u64()), (Some(1500), Some(1500)));
    assert!(undeclared["terminal"].is_null(), "a declared optional column is not undeclared");
    assert!(report(&place.path("none"))["input"]["undeclared"].as_object().unwrap().is_empty());
}

#[test]
fn renamed_identifiers_give_the_same_alerts_under_the_new_names() {
    let place = Place::new();
    let rows = rows(3000);
    let renamed = |id: &str| match id {
        "" | "EXT_IN" | "EXT_OUT" => id.to_owned(),
        other => format!("客户,{}", other.bytes().rev().map(char::from).collect::<String>()),
    };
    let quoted = |id: &str| if id.contains(',') { format!("\"{id}\"") } else { id.to_owned() };
    let other: String = rows
        .iter()
        .map(|row| {
            let [_, ts, _, _, amount, kind] = row.cells();
            let (from, to) = (quoted(&renamed(&row.from)), quoted(&renamed(&row.to)));
            format!("N-{},{ts},{from},{to},{amount},{kind}\n", row.id)
        })
        .collect();
    let a = place.file("a.csv", csv(&rows));
    let b = place.file("b.csv", format!("{}\n{other}", HEADER.join(",")));
    run(&place, &[&a], &place.path("a"), &[], 0);
    run(&place, &[&b], &place.path("b"), &[], 0);
    assert_alerts(&place.path("a"));
    let expected: String = read(&place.path("a"), "alerts.csv")
        .lines()
        .enumerate()
        .map(|(number, row)| {
            if number == 0 {
                return format!("{row}\n");
            }
            let mut cells: Vec<String> = row.split(',').map(str::to_owned).collect();
            cells[0] = format!("N-{}", cells[0]);
            cells[3] = quoted(&renamed(&cells[3]));
            cells.join(",") + "\n"
        })
        .collect();
    assert!(read(&place.path("b"), "alerts.csv") == expected, "alerts differ by more than names");
}

#[test]
fn labels_score_and_never_affect_the_run() {
    let place = Place::new();
    let rows = rows(3000);
    let input = place.file("events.csv", csv(&rows));
    let fraud = rows.iter().find(|row| row.amount == "9000").unwrap();
    let labels = format!(
        "kind,id,typology,role,start_ts_ms,scheme_id\nevent,{},x,,{},S1\naccount,A00300,x,mule,{START_MS},S1\n\
         account,A00301,x,endpoint,-1,\naccount,A00302,x,dormant_pool_mule,-1,\naccount,NOBODY,x,mule,1,S2\n\
         terminal,T1,x,,1,\n",
        fraud.id, fraud.ts_ms
    );
    let labels = place.gzip("labels.csv.gz", labels);
    let (with, without) = (place.path("with"), place.path("without"));
    run(&place, &[&input], &with, &["--labels", labels.to_str().unwrap()], 0);
    run(&place, &[&input], &without, &[], 0);
    assert_same_decisions(&with, &without);
    let account = &report(&with)["levels"]["account"];
    assert_eq!((account["positives"].as_u64(), account["hit"].as_u64()), (Some(1), Some(1)));
    assert_eq!(account["excluded"], 1);
    assert_eq!(account["negatives"], 302);
    assert_eq!(report(&with)["levels"]["scheme"], serde_json::json!({"total": 1, "any": 1, "half": 1}));
    let by_mode = &report(&with)["levels_by_mode"];
    assert_eq!(by_mode["enforced"]["account"]["positives"], 1);
    assert_eq!(by_mode["shadow"]["account"]["negatives"], 302);
    let scored = rows.iter().filter(|row| matches!(row.kind, "transfer" | "card_payment")).count();
    let event = &report(&with)["levels"]["event"];
    assert_eq!(event["positives"], 1);
    assert_eq!(event["negatives"].as_u64().unwrap() as usize, scored - 1);
    assert!(report(&without)["labels_sha256"].is_null());

    // Scored afterwards, from what the folder remembers of its inputs: the same report.
    let scored = |more: &[&str]| {
        ran(duecourse().args(["score", "--labels"]).arg(&labels).arg("--out").arg(&without).args(more))
    };
    let whole = scored(&[]);
    assert_eq!(whole.code, 0, "{}", whole.stderr);
    assert_same(&with, &without);
    assert!(whole.stdout.contains("accounts  1 of 1 found"), "{}", whole.stdout);
    assert!(whole.stdout.contains("1 accounts have no accepted event"), "{}", whole.stdout);
    assert!(whole.stdout.contains("1 of kind `terminal`"), "{}", whole.stdout);
    // The account is labelled from the first moment, so the later half has nobody to find.
    let split = scored(&["--split", "50"]);
    assert_same(&with, &without);
    let (first, rest) = split.stdout.split_once("the other 50 %").unwrap();
    assert!(first.contains("the first 50 % of the time line"), "{first}");
    assert!(rest.contains("accounts  0 of 0 found"), "{rest}");
}

#[test]
fn a_profile_decides_by_its_own_thresholds() {
    let place = Place::new();
    let input = place.file("events.csv", csv(&rows(1500)));
    let file = place.rules().join("rules/fan_in.toml");
    let rule = std::fs::read_to_string(&file).unwrap();
    let rule = rule.replace("payers_distinct_1d >= 5", "payers_distinct_1d >= threshold.payers");
    std::fs::write(&file, rule + "\n[thresholds]\npayers = { strict = 12, wide = 5 }\n").unwrap();
    let dispositions = |profile: &str| {
        run(&place, &[&input], &place.path(profile), &["--profile", profile], 0);
        assert_eq!(report(&place.path(profile))["profile"], profile);
        read(&place.path(profile), "dispositions.ndjson").lines().count()
    };
    let (strict, wide) = (dispositions("strict"), dispositions("wide"));
    assert!(0 < strict && strict < wide, "{strict} at strict, {wide} at wide");
}
