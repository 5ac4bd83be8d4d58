//! `serve`: intake, decide and HTTP in one process, from the first event to SIGTERM.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use duecourse::log::kafka::read_topic;

use crate::deployment::Deployment;
use crate::events::Events;

const EVENTS: usize = 3_000;
pub const WITHIN_MAX: Duration = Duration::from_secs(60);

#[test]
fn one_process_reads_decides_shows_and_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let events = Events::generated(folder.path(), EVENTS);
    let deployment = Deployment::prepare(folder.path(), 2);
    let address = free_address();
    let mut serve = deployment.start("serve", &["--set", &format!("http.listen={address}")]);
    deployment.feed(&events.path, None).finish(WITHIN_MAX);
    wait_for("healthy and ready", || {
        assert!(serve.is_running(), "{}", serve.log());
        ["/healthz", "/readyz"]
            .iter()
            .all(|path| get(&address, path).is_some_and(|(status, _)| status == 200))
    });
    let accepted = format!("duecourse_events_total{{outcome=\"accepted\"}} {EVENTS}\n");
    let mut appeal = None;
    wait_for("everything accepted and something decided", || {
        let metrics = get(&address, "/metrics").map(|(_, body)| body).unwrap_or_default();
        appeal = appeal.take().or_else(|| first_appeal(&deployment));
        metrics.contains(&accepted) && metrics.contains("duecourse_dispositions_total{") && appeal.is_some()
    });
    let path = format!("/v1/dispositions/{}", appeal.unwrap());
    assert_eq!(get(&address, &path).unwrap().0, 400, "no purpose, no answer");
    let (status, body) = get(&address, &format!("{path}?purpose=appeal_review")).unwrap();
    assert!(status == 200 && body.contains("\"rule\""), "{status} {body}");

    serve.terminate();
    assert!(get(&address, "/healthz").is_none(), "it has left");
    deployment.start("decide", &["--until-end"]).finish(WITHIN_MAX);
    let counts = deployment.verify();
    assert_eq!(counts["covered"], EVENTS, "{counts}");
    for nothing in ["lost", "doubled", "mismatched"] {
        assert_eq!(counts[nothing], 0, "{nothing}");
    }
}

pub fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[track_caller]
pub fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + WITHIN_MAX;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}: not within {WITHIN_MAX:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// The first appeal reference that was published.
fn first_appeal(deployment: &Deployment) -> Option<String> {
    let mut found = None;
    read_topic(&deployment.connection, &deployment.topic("notices"), &mut |record| {
        let notice: serde_json::Value = serde_json::from_slice(record.value.unwrap_or_default()).unwrap();
        found = notice["data"]["appeal_reference"].as_str().map(str::to_owned);
        if found.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .unwrap();
    found
}

/// Status and body; `None` while nobody answers.
pub fn get(address: &str, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}
