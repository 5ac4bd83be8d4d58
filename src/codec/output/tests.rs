//! Outputs: their shape, the bound on evidence, the purpose gate, and who sees which name.

mod answers;
mod evidence;

use std::sync::Arc;

use serde_json::Value;

use super::{Deciding, DecidingRules, decode_decided, encode_decided, encode_effect, rfc3339};
use super::{OutRecord, OutputContext, OutputError, Topic, gate};
use crate::codec::keys::Keys;
use crate::engine::base::{Bilingual, Fingerprint, SpanMs, TimeMs, Token};
use crate::engine::cover::{ConfigVersion, Coverage, Covered, SourceId};
use crate::engine::disposition::{
    AppealRef, Disposition, DispositionId, EndCause, Head, MeasureEnded, MeasureSet, Observation,
    OpeningAccepted, ReservationLapsed,
};
use crate::engine::evidence::{ComparisonEvidence, CountEvidence, EventRef, Evidence, SignalEvidence};
use crate::engine::input::{Effect, UnmatchedReason};
use crate::engine::measure::{AccountStep, Lane, Measure, MeasureKind, Order, VerificationLapse};
use crate::engine::notice::{Answering, Channels, Notice, Recourse, RuleName};
use crate::engine::order::CaseKind;
use crate::engine::purpose::{Purpose, Use};
use crate::engine::reached::Destination;
use crate::engine::rule::Op;
use crate::engine::signal::Window;
use crate::engine::subject::{Party, Subject, SubjectKind};
use crate::engine::verifying::HowToVerify;

/// 2025-10-09T16:53:20.123+08:00.
const AT: TimeMs = TimeMs(1_760_000_000_123);
const REF: &str = "acct-ref-0001";

fn both(text: &str) -> Bilingual {
    Bilingual { zh: format!("{text}（中文）"), en: format!("{text} (English)") }
}

fn head(keys: &Keys, lane: Lane, kind: SubjectKind, purpose: Purpose) -> Head {
    Head {
        id: DispositionId(0xabc),
        lane,
        rule: RuleName { id: "pass-through".to_owned(), version: 2 },
        party: Party { subject: Subject::new(kind, Token(0x77)), sealed: keys.seal(REF) },
        holder: Token(0x88),
        event: Fingerprint(0x99),
        at: AT,
        purpose,
    }
}

fn notice(measure: &Measure) -> Notice {
    Notice {
        reason: both("reason"),
        basis: both("basis"),
        rule: RuleName { id: "pass-through".to_owned(), version: 2 },
        measure: measure.name(),
        scope: both("scope"),
        start: AT,
        end: AT.plus(SpanMs::days(3)),
        still_works: both("still works"),
        channels: Channels { offline: both("counter"), online: both("app") },
        papers: both("papers"),
        verify: HowToVerify::NotAsked,
        recourse: Recourse { answering: Answering::Within(SpanMs::days(15)), person_on_request: true },
        remedies: both("remedies"),
        appeal: AppealRef::from_bits(42),
        utc_offset_minutes: 480,
    }
}

fn signal(name: &str, events: usize) -> SignalEvidence {
    let event = |n: usize| EventRef { event: Fingerprint(n as u64), at: AT, amount: 5_000 };
    SignalEvidence {
        authorisation: None,
        name: name.to_owned(),
        subject: SubjectKind::Account,
        reported_of: None,
        value: 12,
        cold: false,
        window: Some(Window::Sliding(SpanMs::DAY)),
        purpose: Purpose::ANTI_FRAUD,
        events_count: 400,
        events: (0..events).map(event).collect(),
    }
}

fn evidence(signals: Vec<SignalEvidence>) -> Evidence {
    let held = ComparisonEvidence { text: "out_1d >= 10".to_owned(), left: 12, op: Op::Ge, right: 10 };
    Evidence {
        comparisons: vec![held],
        signs: Vec::new(),
        signals,
        count: Some(CountEvidence { held: 1, elsewhere: None, count_max: 1 }),
        near_misses: Vec::new(),
        cleared_without: vec![Fingerprint(3)],
        softened: None,
        braked: false,
        shadowed: false,
        follows: None,
        settlement: None,
        digest: [7; 32],
        strength_millionths: 1_200_000,
    }
}

fn set_with(head: Head, measure: Measure, evidence: Evidence) -> Effect {
    let notice = notice(&measure);
    Effect::Disposed(Box::new(Disposition::MeasureSet(MeasureSet::new(head, measure, notice, evidence))))
}

fn set(keys: &Keys) -> Effect {
    let head = head(keys, Lane::Anomaly, SubjectKind::Account, Purpose::ANTI_FRAUD);
    set_with(head, Measure::Account(AccountStep::LimitNonCounter), evidence(vec![signal("out_1d", 8)]))
}

fn ended(keys: &Keys, cause: EndCause, override_until: Option<TimeMs>) -> Effect {
    Effect::Disposed(Box::new(Disposition::MeasureEnded(MeasureEnded {
        head: head(keys, Lane::Anomaly, SubjectKind::Account, Purpose::ANTI_FRAUD),
        ended: DispositionId(0xdef),
        measure: Measure::Account(AccountStep::LimitNonCounter),
        appeal: AppealRef::from_bits(42),
        cause,
        override_until,
        utc_offset_minutes: 480,
        is_told: true,
    })))
}

/// As the shipped table says of one.
fn case_code(case: CaseKind) -> Option<&'static str> {
    (case == CaseKind::VictimReport).then_some("3002")
}

fn encoded(keys: &Keys, effect: &Effect) -> Result<Vec<OutRecord>, OutputError> {
    let ctx =
        OutputContext { keys, institution: "bank 0", rules_version: 9, utc_offset_minutes: 480, case_code };
    let mut out = Vec::new();
    encode_effect(effect, &ctx, &mut out).map(|()| out)
}

fn json(record: &OutRecord) -> Value {
    serde_json::from_slice(record.value.as_deref().unwrap()).unwrap()
}

fn text(record: &OutRecord) -> &str {
    std::str::from_utf8(record.value.as_deref().unwrap()).unwrap()
}

#[test]
fn a_measure_gives_a_disposition_a_notice_and_an_entry_in_force() {
    let keys = Keys::development();
    let records = encoded(&keys, &set(&keys)).unwrap();
    let topics: Vec<Topic> = records.iter().map(|record| record.topic).collect();
    assert_eq!(topics, [Topic::Dispositions, Topic::Notices, Topic::Measures]);
    let (disposition, notice, measure) = (json(&records[0]), json(&records[1]), json(&records[2]));
    assert!(text(&records[0]).starts_with(
        "{\"specversion\":\"1.0\",\"id\":\"00000000000000000000000000000abc\",\
         \"type\":\"duecourse.disposition.measure_set.v1\",\"source\":\"/institutions/bank%200/dispositions\",\
         \"time\":\"2025-10-09T16:53:20.123+08:00\",\"datacontenttype\":\"application/json\",\
         \"data\":{\"lane\":\"anomaly\",\"rule\":{\"id\":\"pass-through\",\"version\":2},\"rules_version\":9,"
    ));
    assert_eq!(disposition["data"]["notice"], notice["id"]);
    assert_eq!(disposition["data"]["purpose"]["dpv"], "dpv:FraudPreventionAndDetection");
    assert_eq!(disposition["data"]["evidence"]["signals"][0]["events"].as_array().unwrap().len(), 8);
    assert_eq!(notice["data"]["disposition"], disposition["id"]);
    assert_eq!(measure["data"]["end"], "2025-10-12T16:53:20.123+08:00");
    assert_eq!(measure["data"]["measure"], "account_limit_non_counter");
    let appeal = AppealRef::from_bits(42).to_string();
    for record in [&disposition, &notice, &measure] {
        assert_eq!(record["data"]["appeal_reference"], appeal.as_str());
    }
}

#[test]
fn tokens_join_and_references_address() {
    let keys = Keys::development();
    let records = encoded(&keys, &set(&keys)).unwrap();
    let holder = crate::codec::hex::token_hex(Token(0x88));
    assert!(!text(&records[0]).contains(REF));
    assert!(text(&records[0]).contains(&holder));
    for record in &records[1..] {
        assert_eq!(json(record)["data"]["party"]["ref"], REF);
        assert!(!text(record).contains(&holder), "{} joins token and reference", record.topic.name());
    }
}

#[test]
fn a_notice_has_every_part_in_both_languages() {
    let keys = Keys::development();
    let records = encoded(&keys, &set(&keys)).unwrap();
    let notice = json(&records[1]);
    let data = &notice["data"];
    for (place, language) in [("zh-CN", "（中文）"), ("en", " (English)")] {
        let ready = data["text"][place].as_str().unwrap();
        for part in ["reason", "basis", "scope", "still works", "counter", "app", "papers", "remedies"] {
            assert!(ready.contains(&format!("{part}{language}")), "{place} lacks {part}:\n{ready}");
        }
        assert!(ready.contains(&AppealRef::from_bits(42).to_string()));
        assert!(ready.contains("pass-through"));
    }
    let zh = data["text"]["zh-CN"].as_str().unwrap();
    assert!(zh.contains("自2025年10月9日16:53起，至2025年10月12日16:54止（北京时间）"), "{zh}");
    assert!(zh.contains("收到申诉后15日内") && zh.contains("最迟2025年10月24日16:53答复"), "{zh}");
    let en = data["text"]["en"].as_str().unwrap();
    assert!(en.contains("From 9 October 2025, 16:53 until 12 October 2025, 16:54 (Beijing time)"), "{en}");
}

#[test]
fn a_likely_victim_is_told_that_they_are_no_suspect() {
    let keys = Keys::development();
    let head = head(&keys, Lane::Victim, SubjectKind::Account, Purpose::VICTIM);
    let warn = Measure::from(MeasureKind::from_name("victim_warn").unwrap());
    let records = encoded(&keys, &set_with(head, warn, evidence(Vec::new()))).unwrap();
    let data = &json(&records[1])["data"];
    assert!(data["text"]["zh-CN"].as_str().unwrap().contains("不代表对您有任何怀疑"));
    assert!(data["text"]["en"].as_str().unwrap().contains("not under suspicion"));
}

#[test]
fn an_end_gives_a_disposition_a_notice_and_a_tombstone() {
    let keys = Keys::development();
    let until = Some(AT.plus(SpanMs::days(90)));
    let records = encoded(&keys, &ended(&keys, EndCause::Overturned, until)).unwrap();
    let disposition = json(&records[0]);
    assert_eq!(disposition["type"], "duecourse.disposition.measure_ended.v1");
    assert_eq!(disposition["data"]["overruled"], true);
    assert_eq!(disposition["data"]["ended"], "00000000000000000000000000000def");
    assert_eq!(records[2].topic, Topic::Measures);
    assert_eq!(records[2].value, None);
    assert_eq!(records[2].key, b"00000000000000000000000000000def");
    // The notices of one measure share its id as their key, so that they arrive in order.
    assert_eq!(records[1].key, records[2].key);
    let ready = &json(&records[1])["data"]["text"];
    let (zh, en) = (ready["zh-CN"].as_str().unwrap(), ready["en"].as_str().unwrap());
    assert!(zh.contains("自2025年10月9日16:53（北京时间）起解除") && zh.contains("申诉成立"), "{zh}");
    assert!(zh.contains("在2026年1月7日16:53之前") && zh.contains("无需再办理任何手续"), "{zh}");
    assert!(en.contains("lifted from 9 October 2025, 16:53") && en.contains("nothing more for you to do"));
}

#[test]
fn every_cause_of_an_end_has_words_of_its_own() {
    let keys = Keys::development();
    let mut seen = std::collections::BTreeSet::new();
    for cause in EndCause::ALL {
        let records = encoded(&keys, &ended(&keys, cause, None)).unwrap();
        let notice = json(&records[1]);
        assert_eq!(notice["data"]["cause"], cause.name());
        assert_eq!(notice["data"]["overruled"], cause.overrules());
        assert!(seen.insert(notice["data"]["text"].to_string()));
    }
}

#[test]
fn answers_that_restrict_nobody_give_one_record() {
    let keys = Keys::development();
    let head = head(&keys, Lane::Limit, SubjectKind::Opening, Purpose::SHARED_COUNT);
    let accepted = OpeningAccepted { head: head.clone(), reserved_until: AT.plus(SpanMs::DAY) };
    let lapsed = ReservationLapsed { head };
    for (disposition, event_type) in [
        (Disposition::OpeningAccepted(accepted), "duecourse.disposition.opening_accepted.v1"),
        (Disposition::ReservationLapsed(lapsed), "duecourse.disposition.reservation_lapsed.v1"),
    ] {
        let records = encoded(&keys, &Effect::Disposed(Box::new(disposition))).unwrap();
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].topic, Topic::Dispositions);
        assert_eq!(json(&records[0])["type"], event_type);
    }
}

#[test]
fn an_observation_goes_to_shadow_alone_and_addresses_nobody() {
    let keys = Keys::development();
    let observed = Observation {
        head: head(&keys, Lane::Victim, SubjectKind::Account, Purpose::VICTIM),
        measure: Measure::from(MeasureKind::from_name("victim_call").unwrap()),
        evidence: evidence(vec![signal("out_1d", 1)]),
    };
    let records = encoded(&keys, &Effect::Observed(Box::new(observed))).unwrap();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].topic, Topic::Shadow);
    let value = json(&records[0]);
    assert_eq!(value["type"], "duecourse.observation.v1");
    assert!(!text(&records[0]).contains(REF));
    for absent in ["notice", "appeal_reference", "party"] {
        assert!(value["data"].get(absent).is_none());
    }
}

#[test]
fn harder_steps_name_their_witness() {
    let keys = Keys::development();
    let card = head(&keys, Lane::Anomaly, SubjectKind::PhoneCard, Purpose::ANTI_FRAUD);
    let lapse = VerificationLapse::of(&Measure::PhoneCardReverify, Fingerprint(5), AT).unwrap();
    let suspended = set_with(card, Measure::PhoneCardSuspend(lapse), evidence(Vec::new()));
    let measure = json(&encoded(&keys, &suspended).unwrap()[2]);
    assert_eq!(measure["data"]["verification_lapse"]["event"], "0000000000000005");

    let account = head(&keys, Lane::Authority, SubjectKind::Account, Purpose::AUTHORITY);
    let order = Order::new("X-1".to_owned(), "公安局".to_owned(), AT, AT.plus(SpanMs::DAY)).unwrap();
    let frozen = set_with(account, Measure::AuthorityFreeze(order), evidence(Vec::new()));
    let notice = json(&encoded(&keys, &frozen).unwrap()[1]);
    assert_eq!(notice["data"]["order"]["number"], "X-1");
    assert!(notice["data"]["text"]["zh-CN"].as_str().unwrap().contains("指令：公安局，文号 X-1"));
}

#[test]
fn an_unmatched_event_becomes_a_dead_letter_without_content() {
    let keys = Keys::development();
    let effect = Effect::Unmatched { event: Fingerprint(1), reason: UnmatchedReason::AppealUnknown };
    let records = encoded(&keys, &effect).unwrap();
    assert_eq!(records[0].topic, Topic::DeadLetters);
    assert_eq!(
        text(&records[0]),
        r#"{"event":"0000000000000001","reason":"appeal_unknown","rules_version":9}"#
    );
}

#[test]
fn a_purpose_that_permits_nothing_served_stops_everything() {
    let keys = Keys::development();
    let account = Measure::Account(AccountStep::LimitNonCounter);
    for (lane, purpose) in [
        (Lane::Anomaly, Purpose::VICTIM),
        (Lane::Anomaly, Purpose::SHARED_COUNT),
        (Lane::Anomaly, Purpose::AML),
        (Lane::Limit, Purpose::AML),
        (Lane::Victim, Purpose::DEVICE_DATA),
    ] {
        let effect =
            set_with(head(&keys, lane, SubjectKind::Account, purpose), account.clone(), evidence(vec![]));
        match encoded(&keys, &effect) {
            Err(OutputError::PurposeRefused { topic, purpose: refused }) => {
                assert_eq!((topic, refused), (Topic::Dispositions, purpose));
            }
            other => panic!("{lane:?} with {purpose:?}: {other:?}"),
        }
    }
    let observed = Observation {
        head: head(&keys, Lane::Anomaly, SubjectKind::Account, Purpose::AML),
        measure: account,
        evidence: evidence(Vec::new()),
    };
    let refused = encoded(&keys, &Effect::Observed(Box::new(observed)));
    assert!(matches!(refused, Err(OutputError::PurposeRefused { topic: Topic::Shadow, .. })));
}

#[test]
fn a_refusal_leaves_nothing_behind_and_names_uses_only() {
    let keys = Keys::development();
    let ctx =
        OutputContext { keys: &keys, institution: "b", rules_version: 1, utc_offset_minutes: 480, case_code };
    let before = OutRecord { topic: Topic::Decided, key: b"0".to_vec(), value: None };
    let mut out = vec![before.clone()];
    let mut foreign = head(&keys, Lane::Anomaly, SubjectKind::Account, Purpose::ANTI_FRAUD);
    foreign.party.sealed = Keys::derive(&[9; 32]).seal(REF);
    let effect = set_with(foreign, Measure::Account(AccountStep::LimitNonCounter), evidence(Vec::new()));
    assert!(matches!(encode_effect(&effect, &ctx, &mut out), Err(OutputError::RefUnreadable)));
    assert_eq!(out, [before]);
    let error = OutputError::PurposeRefused { topic: Topic::Notices, purpose: Purpose::AML };
    assert_eq!(
        error.to_string(),
        "purpose refused: `notices` serves none of the permitted uses (aml_review)"
    );
}

#[test]
fn no_topic_serves_review_of_money_laundering() {
    for topic in Topic::ALL {
        for lane in Lane::ALL {
            for kind in SubjectKind::ALL {
                assert!(!gate::uses_served(topic, lane, kind).contains(&Use::AmlReview));
            }
        }
    }
}

#[test]
fn times_are_written_at_the_offset() {
    assert_eq!(rfc3339(TimeMs(0), 0).unwrap(), "1970-01-01T00:00:00.000+00:00");
    assert_eq!(rfc3339(TimeMs(-1), -210).unwrap(), "1969-12-31T20:29:59.999-03:30");
    assert_eq!(rfc3339(TimeMs::MIN, 480), None);
    assert_eq!(rfc3339(TimeMs(0), i32::MAX), None);
}

#[test]
fn progress_is_read_as_it_was_written() {
    let mut coverage = Coverage::default();
    let id = |name: &str| SourceId { name: Arc::from(name), generation: 2, partition: 1 };
    coverage.sources.insert(id("transfers"), Covered::new(77, AT));
    coverage.sources.insert(id("openings"), Covered::new(-1, TimeMs::MIN));
    coverage.announce(ConfigVersion { from: TimeMs::MIN, number: 1 });
    coverage.announce(ConfigVersion { from: AT, number: 2 });
    let deciding = Deciding {
        rules: Some(DecidingRules {
            version: 7,
            sha256: "ab".to_owned(),
            profile: Some("wide".to_owned()),
            activated: (12, AT),
        }),
        live_since: Some(AT),
        next_timer: Some(AT),
        shadowed: vec![("fan_in".to_owned(), 3)],
        persons: vec![(2026, Destination::Leads, 12), (2027, Destination::Notices, 1)],
        speaks: Some(3),
    };
    let record = encode_decided(3, 901, &coverage, TimeMs::MIN, &deciding);
    assert_eq!((record.topic, record.key.as_slice()), (Topic::Decided, b"3".as_slice()));
    let value = record.value.unwrap();
    let progress = decode_decided(&value).unwrap();
    assert_eq!((progress.facts_partition, progress.next_offset), (3, 901));
    assert_eq!((progress.partition_time, &progress.coverage), (TimeMs::MIN, &coverage));
    assert_eq!(progress.deciding, deciding);
    let early = encode_decided(3, 901, &coverage, TimeMs::MIN, &Deciding::default()).value.unwrap();
    assert_eq!(decode_decided(&early).unwrap().deciding, Deciding::default());

    let more = format!("{{\"later\":1,{}", std::str::from_utf8(&value[1..]).unwrap());
    assert_eq!(decode_decided(more.as_bytes()).unwrap(), progress, "what a later program says besides");
    let newer = String::from_utf8(value.clone()).unwrap().replace("decided/1", "decided/2");
    assert!(decode_decided(newer.as_bytes()).unwrap_err().to_string().contains("decided/2"));
    for cut in 0..value.len() {
        assert!(decode_decided(&value[..cut]).is_err());
    }
}
