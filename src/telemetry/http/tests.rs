//! The endpoint over real sockets.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::*;

/// Knows one subject and one appeal reference.
struct OneMeasure;

const TOKEN: u128 = 0xfeed;

fn appeal() -> AppealRef {
    AppealRef::from_bits(7)
}

impl View for OneMeasure {
    fn in_force(&self, subject: Subject) -> Vec<Vec<u8>> {
        let known = subject == Subject::new(SubjectKind::Account, Token(TOKEN));
        if known { vec![b"{\"a\":1}".to_vec(), b"{\"a\":2}".to_vec()] } else { Vec::new() }
    }

    fn disposition(&self, asked: AppealRef) -> Option<Vec<u8>> {
        (asked == appeal()).then(|| b"{\"measure\":\"account_verify_transaction\"}".to_vec())
    }
}

fn shown(view: Option<Arc<dyn View>>) -> Shown {
    Shown { metrics: Arc::new(Metrics::new().unwrap()), refresh: None, health: Arc::default(), view }
}

fn start(shown: &Shown) -> Server {
    Server::start("127.0.0.1:0", shown.clone()).unwrap()
}

/// Status, head and body of one GET.
fn get(server: &Server, path: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_lowercase(), body.to_owned())
}

#[test]
fn metrics_and_health_are_served_and_follow_the_process() {
    let shown = shown(None);
    let server = start(&shown);
    let (status, head, body) = get(&server, "/metrics");
    assert_eq!(status, 200);
    assert!(head.contains("text/plain; version=0.0.4"), "{head}");
    assert!(body.contains("duecourse_build_info{"), "{body}");

    shown.health.beat();
    assert_eq!(get(&server, "/healthz").0, 200);
    assert_eq!(get(&server, "/readyz").0, 503);
    shown.health.set_ready(true);
    assert_eq!(get(&server, "/readyz").0, 200);
    assert_eq!(get(&server, "/nowhere").0, 404);
}

#[test]
fn a_loop_that_stands_still_is_not_alive() {
    let began = Instant::now().checked_sub(BEAT_AGE_MAX).unwrap();
    let health = Health { began, ..Health::default() };
    assert!(!health.is_alive());
    health.beat();
    assert!(health.is_alive());
    let health = Health { began, ..Health::default() };
    let patient = health.waiting_for_transactions(Duration::from_secs(10));
    assert!(patient.is_alive(), "its transactions may keep it waiting for the brokers");
}

#[test]
fn a_process_has_started_once_it_was_restored_or_was_given_nothing_to_restore() {
    let health = Health::default();
    assert!(!health.is_started(), "nobody knows yet what is to be restored");
    health.set_assigned();
    health.set_restoring(true);
    assert!(!health.is_started());
    health.set_restoring(false);
    assert!(health.is_started());
    health.set_restoring(true);
    assert!(health.is_started(), "what is given to it later is no matter of starting");

    let began = Instant::now().checked_sub(ASSIGNED_WITHIN_MAX).unwrap();
    assert!(Health { began, ..Health::default() }.is_started(), "a spare, or brokers are away");
    let busy = Health { began, ..Health::default() };
    busy.set_assigned();
    busy.set_restoring(true);
    assert!(!busy.is_started());
}

#[test]
fn a_subject_and_an_appeal_reference_are_found() {
    let server = start(&shown(Some(Arc::new(OneMeasure))));
    let (status, head, body) =
        get(&server, &format!("/v1/in-force/account/{TOKEN:032x}?purpose=appeal_review&case=A-1"));
    assert_eq!((status, body.as_str()), (200, "[{\"a\":1},{\"a\":2}]"));
    assert!(head.contains("cache-control: no-store"), "{head}");
    let (status, _, body) = get(&server, &format!("/v1/in-force/holder/{TOKEN:032x}?purpose=appeal_review"));
    assert_eq!((status, body.as_str()), (200, "[]"));

    let as_written = appeal().to_string().to_lowercase();
    let (status, _, body) = get(&server, &format!("/v1/dispositions/{as_written}?purpose=appeal_review"));
    assert_eq!((status, body.as_str()), (200, "{\"measure\":\"account_verify_transaction\"}"));
    let other = AppealRef::from_bits(8);
    assert_eq!(get(&server, &format!("/v1/dispositions/{other}?purpose=appeal_review")).0, 404);
}

#[test]
fn a_query_without_the_right_purpose_is_refused_counted_and_not_repeated() {
    let shown = shown(Some(Arc::new(OneMeasure)));
    let server = start(&shown);
    let path = format!("/v1/in-force/account/{TOKEN:032x}");
    let appeal_path = format!("/v1/dispositions/{}", appeal());
    for (query, status) in [
        ("", 400),
        ("?purpose=", 400),
        ("?purpose=aml_review", 403),
        ("?purpose=marketing", 403),
        ("?reason=appeal_review", 400),
    ] {
        for path in [&path, &appeal_path] {
            let (found, head, body) = get(&server, &format!("{path}{query}"));
            assert_eq!(found, status, "{path}{query}");
            assert!(head.contains("application/problem+json"), "{head}");
            assert!(
                !body.contains("feed") && !body.contains("marketing") && !body.contains("measure"),
                "{body}"
            );
        }
    }
    let text = shown.metrics.text();
    for (purpose, count) in [("none", 6), ("aml_review", 2), ("unknown", 2)] {
        let line = format!("duecourse_purpose_refusals_total{{at=\"query\",purpose=\"{purpose}\"}} {count}");
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
}

#[test]
fn malformed_names_are_refused_without_repeating_them() {
    let server = start(&shown(Some(Arc::new(OneMeasure))));
    for path in [
        "/v1/in-force/account/13812345678",
        "/v1/in-force/person/0000000000000000000000000000feed",
        "/v1/dispositions/0000-0000-0001",
    ] {
        let (status, _, body) = get(&server, &format!("{path}?purpose=appeal_review"));
        assert_eq!(status, 400, "{path}");
        assert!(
            !body.contains("13812345678") && !body.contains("person") && !body.contains("0001"),
            "{body}"
        );
    }
}

#[test]
fn a_process_that_decides_nothing_has_no_view() {
    let server = start(&shown(None));
    assert_eq!(get(&server, &format!("/v1/dispositions/{}?purpose=appeal_review", appeal())).0, 404);
}

#[test]
fn a_stopped_server_lets_its_port_go() {
    let server = start(&shown(None));
    let address = server.address();
    drop(server);
    std::net::TcpListener::bind(address).unwrap();
}
