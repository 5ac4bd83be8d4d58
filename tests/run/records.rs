//! What is held of people, for how long, and how it is made unlinkable: `retention`, `subject-access`, `keys`, `rekey`.

use std::path::Path;

use duecourse::codec::keys::{KeyFile, Keys};
use duecourse::engine::subject::SubjectKind;
use serde_json::Value;

use super::support::*;

#[test]
fn terms_are_listed_for_a_deployment() {
    let listed = ran(duecourse().args(["retention", "--json"]));
    assert_eq!(listed.code, 0, "{}", listed.stderr);
    let all: Value = serde_json::from_str(&listed.stdout).unwrap();
    let classes: Vec<&str> =
        all["retention"].as_array().unwrap().iter().map(|row| row["class"].as_str().unwrap()).collect();
    for class in ["log of device", "openings", "topic facts", "snapshots", "orders to hold"] {
        assert!(classes.contains(&class), "{class} in {classes:?}");
    }
    let shorter = ran(duecourse().args(["retention", "--json", "--set", "retention.shadow.kept=7d"]));
    assert!(shorter.stdout.contains("604800000"), "{}", shorter.stdout);
    assert_eq!(ran(duecourse().args(["retention", "--set", "retention.shadow.kept=7 days"])).code, 3);
}

fn access(out: &Path, more: &[&str]) -> Ran {
    ran(duecourse().arg("subject-access").arg("--out").arg(out).args(more))
}

#[test]
fn a_person_is_told_what_is_held_of_them_and_every_access_is_recorded() {
    let place = Place::new();
    let input = place.file("events.csv", csv(&rows(2000)));
    let out = place.path("out");
    run(&place, &[&input], &out, &[], 0);
    let journal = out.join("subject-access.ndjson");

    let holder = ["--holder", "A00300"];
    for refused in [
        &["--purpose", "marketing", "--case", "1"][..],
        &["--purpose", "subject_access", "--case", " "][..],
        &["--purpose", "subject_access"][..],
    ] {
        let told = access(&out, &[&holder, refused].concat());
        assert_eq!((told.code, told.stdout.as_str()), (2, ""), "{refused:?}");
    }
    assert!(!journal.exists(), "what is refused reads nothing");

    let asked = ["--purpose", "subject_access", "--case", "SAR-1"];
    let told = access(&out, &[&holder, &asked[..], &["--json"]].concat());
    assert_eq!(told.code, 0, "{}", told.stderr);
    let held: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(held["parties"][0]["ref"], "A00300");
    let transfers = held["facts"].as_array().unwrap().iter().find(|kind| kind["event"] == "transfer_posted");
    assert!(transfers.unwrap()["count"].as_u64().unwrap() > 50, "{held}");
    assert!(!held["decided"].as_array().unwrap().is_empty(), "{held}");
    let token = held["decided"][0]["data"]["holder"].as_str().unwrap();
    assert!(held["decided"].as_array().unwrap().iter().all(|record| record["data"]["holder"] == token));
    assert!(held["measured"].as_array().unwrap().iter().all(|signal| signal["purpose"].is_array()));

    let text = access(&out, &[&holder, &asked[..]].concat()).stdout;
    assert!(text.contains("个人信息查询答复（编号 SAR-1）") && text.contains("account A00300"), "{text}");
    let nobody = access(&out, &[&["--holder", "Z9"], &asked[..]].concat()).stdout;
    assert!(nobody.contains("Nothing is held of you here that this answer can tell."), "{nobody}");

    let lines = std::fs::read_to_string(&journal).unwrap();
    assert_eq!(lines.lines().count(), 3, "{lines}");
    assert!(!lines.contains("A00300"), "the journal names nobody: {lines}");
    std::fs::write(&journal, lines.replacen("SAR-1", "SAR-2", 1)).unwrap();
    let broken = access(&out, &[&holder, &asked[..]].concat());
    assert_eq!((broken.code, broken.stdout.as_str()), (1, ""), "{}", broken.stderr);
}

#[test]
fn a_generation_ends_with_its_key() {
    let place = Place::new();
    let (first, second) = (place.path("g1.key"), place.path("g2.key"));
    let made = ran(duecourse().args(["keys", "new", "--out"]).arg(&first));
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert_eq!(ran(duecourse().args(["keys", "new", "--out"]).arg(&first)).code, 2, "it is not overwritten");
    let next = ran(duecourse().args(["keys", "next", "--key"]).arg(&first).arg("--out").arg(&second));
    assert!(next.stdout.contains("generation 2"), "{}{}", next.stdout, next.stderr);

    let input = place.file("events.csv", csv(&rows(2000)));
    let (out, to) = (place.path("out"), place.path("out-2"));
    run(&place, &[&input], &out, &["--key", first.to_str().unwrap()], 0);
    let rekeyed = |key: &Path, new: &Path, to: &Path, more: &[&str]| {
        let mut command = duecourse();
        command.arg("rekey").arg("--out").arg(&out).arg("--to").arg(to);
        ran(command.arg("--key").arg(key).arg("--new-key").arg(new).args(more))
    };
    assert_eq!(rekeyed(&second, &first, &place.path("no"), &[]).code, 4, "not the key of these facts");
    let done = rekeyed(&first, &second, &to, &[]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(
        done.stdout.contains("generation 2 has") && done.stdout.contains("in 1 partitions"),
        "{}",
        done.stdout
    );
    assert_eq!(rekeyed(&first, &second, &to, &[]).code, 2, "it exists");
    // Keys for another number of facts partitions than there are.
    let spread = place.path("spread.key");
    let next_of = |key: &Path, out: &Path, partitions: &str| {
        let mut command = duecourse();
        command.args(["keys", "next", "--partitions", partitions, "--key"]).arg(key).arg("--out").arg(out);
        ran(&mut command)
    };
    let refused = next_of(&first, &spread, "4");
    assert_eq!(refused.code, 3, "{}", refused.stdout);
    assert!(refused.stderr.contains("for facts partitions: 1"), "{}", refused.stderr);
    let root = place.file("root.key", "5a".repeat(32));
    assert_eq!(next_of(&root, &spread, "4").code, 0);
    let no_such = rekeyed(&root, &spread, &place.path("out-4"), &[]);
    assert_eq!(no_such.code, 3, "{}", no_such.stderr);
    assert!(no_such.stderr.contains("keys next --partitions 1"), "{}", no_such.stderr);
    let third = place.path("third.key");
    let made = ran(duecourse().args(["keys", "next", "--key"]).arg(&spread).arg("--out").arg(&third));
    assert!(made.stdout.contains("generation 3 partitions 4 check"), "{}{}", made.stdout, made.stderr);

    // The notices that people hold: each reference has its new one.
    let names = std::fs::read_to_string(place.path("g2.key.names")).unwrap();
    for line in read(&out, "notices.ndjson").lines() {
        let notice: Value = serde_json::from_str(line).unwrap();
        let reference = notice["data"]["appeal_reference"].as_str().unwrap();
        assert!(names.contains(&format!("appeal {reference} ")), "{reference}");
    }

    // The new facts name nobody by an old token, the old key opens nothing of them, the new key all.
    let (old, new) = (
        std::fs::read(out.join("facts/facts-0.log")).unwrap(),
        std::fs::read(to.join("facts/facts-0.log")).unwrap(),
    );
    let token = |key: &Path| {
        let keys = Keys::from_provider(&KeyFile(key)).unwrap();
        keys.token(SubjectKind::Account, "A00300").0.to_le_bytes()
    };
    let (then, now) = (token(&first), token(&second));
    assert!(has(&old, &then) && !has(&old, &now) && has(&new, &now) && !has(&new, &then));

    let destroyed = |key: &Path, next: &Path| {
        ran(duecourse().args(["keys", "destroy", "--key"]).arg(key).arg("--next").arg(next))
    };
    assert_eq!(destroyed(&second, &first).code, 3, "the present key is not destroyed");
    let key_then = std::fs::read_to_string(&first).unwrap();
    assert_eq!(destroyed(&first, &second).code, 0);
    let left = std::fs::read_to_string(&first).unwrap();
    let secrets = key_then.split_whitespace().filter(|word| word.len() == 64);
    assert!(secrets.into_iter().all(|secret| !left.contains(secret)), "{left}");
    let after = access(
        &out,
        &[
            "--holder",
            "A00300",
            "--purpose",
            "subject_access",
            "--case",
            "1",
            "--key",
            first.to_str().unwrap(),
        ],
    );
    assert_eq!(after.code, 3, "{}", after.stderr);
    assert!(after.stderr.contains("destroyed"), "{}", after.stderr);
}

fn has(log: &[u8], name: &[u8]) -> bool {
    log.windows(name.len()).any(|window| window == name)
}
