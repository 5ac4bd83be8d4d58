//! What the endpoint makes of what deciding tells.

use super::*;
use crate::decide::view::Change;
use crate::engine::base::Token;
use crate::engine::disposition::{DispositionId, EndCause};
use crate::engine::measure::Lane;
use crate::engine::subject::SubjectKind;

fn endpoint() -> Endpoint {
    let config = Config::load(None, &["http.listen=\"\"".to_owned()]).unwrap();
    Endpoint::open(&config, None).unwrap()
}

fn standing(partition: u32) -> Standing {
    let tally = Tally { facts_applied: 9, ..Tally::default() };
    Standing {
        partition,
        next_offset: 4,
        partition_time: TimeMs(1_000),
        newest_time: TimeMs(2_000),
        next_timer: Some(TimeMs(1_500)),
        is_live: true,
        tally,
    }
}

#[test]
fn a_process_is_ready_when_all_that_is_assigned_is_restored() {
    let endpoint = endpoint();
    let observer = endpoint.observer();
    assert!(!endpoint.health.is_ready());
    observer.assigned(0);
    observer.assigned(1);
    observer.restored(0, 0, 0, Duration::ZERO);
    assert!(!endpoint.health.is_ready());
    observer.restored(1, 0, 0, Duration::ZERO);
    assert!(endpoint.health.is_ready());
    observer.failed(1);
    assert!(!endpoint.health.is_ready());
}

#[test]
fn outcomes_latencies_and_standings_reach_the_metrics() {
    let endpoint = endpoint();
    let observer = endpoint.observer();
    observer.assigned(2);
    observer.advanced(standing(2), None);
    observer.settled(2, Outcome::Committed, 5, &[(TimeMs(0), 3), (TimeMs(0), 1)]);
    observer.settled(2, Outcome::Resent, 0, &[]);
    observer.transaction(Duration::from_millis(3));
    observer.snapshot(2, Some(100));
    let text = endpoint.metrics.text();
    for line in [
        "duecourse_facts_total{outcome=\"applied\"} 9",
        "duecourse_transactions_total{outcome=\"committed\"} 1",
        "duecourse_transactions_total{outcome=\"resent\"} 1",
        "duecourse_end_to_end_latency_seconds_count 2",
        "duecourse_transaction_duration_seconds_count 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(text.contains("duecourse_snapshot_timestamp_seconds{partition=\"2\"}"));
    observer.released(2);
    assert!(!endpoint.metrics.text().contains("partition=\"2\""));
}

fn measure(appeal: u64, purpose: Purpose) -> Measure {
    Measure {
        id: DispositionId(u128::from(appeal)),
        subject: Subject::new(SubjectKind::Account, Token(5)),
        holder: Token(6),
        appeal: AppealRef::from_bits(appeal),
        lane: Lane::Anomaly,
        purpose,
        rule: "pass_through_hours".to_owned(),
        rule_version: 1,
        measure: "account_verify_transaction",
        at: TimeMs(0),
        disposition: format!("{{\"n\":{appeal}}}").into_bytes().into(),
        ended: None,
    }
}

#[test]
fn the_view_shows_what_may_be_reviewed_and_how_it_ended() {
    let view = Arc::new(ReadView::default());
    let set = |appeal, purpose| Change::Set(Box::new(measure(appeal, purpose)));
    view.publish(0, vec![set(1, Purpose::ANTI_FRAUD), set(2, Purpose::AML)]);
    let reviewed = Reviewed(Arc::clone(&view));
    let subject = Subject::new(SubjectKind::Account, Token(5));
    assert_eq!(reviewed.in_force(subject), vec![b"{\"n\":1}".to_vec()]);
    assert_eq!(reviewed.disposition(AppealRef::from_bits(2)), None);
    let open = reviewed.disposition(AppealRef::from_bits(1)).unwrap();
    assert_eq!(open, b"{\"disposition\":{\"n\":1},\"ended\":null}");

    let disposition = b"{\"e\":1}".as_slice().into();
    let ended = Change::Ended { appeal: AppealRef::from_bits(1), cause: EndCause::Overturned, disposition };
    view.publish(0, vec![ended]);
    assert!(reviewed.in_force(subject).is_empty());
    let open = reviewed.disposition(AppealRef::from_bits(1)).unwrap();
    assert_eq!(open, b"{\"disposition\":{\"n\":1},\"ended\":{\"e\":1}}");
}

#[test]
fn an_address_in_use_is_no_reason_not_to_work() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let set = format!("http.listen=\"{}\"", taken.local_addr().unwrap());
    let config = Config::load(None, &[set]).unwrap();
    assert!(Endpoint::open(&config, None).unwrap()._server.is_none());
}
