//! The HTTP endpoint: metrics, health, and the read view for reviewers (issue item 9, DESIGN D19).
//!
//! It runs on a thread of its own with a runtime of its own, so that no query ever waits for, or
//! holds up, deciding. `GET /metrics`, `/startupz`, `/livez` (also `/healthz`), `/readyz`,
//! `/v1/in-force/{kind}/{token}?purpose=appeal_review`, `/v1/dispositions/{appeal_ref}?purpose=...`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::oneshot;

use super::metrics::Metrics;
use super::query::{self, Refused};
use crate::engine::base::Token;
use crate::engine::disposition::AppealRef;
use crate::engine::purpose::Purpose;
use crate::engine::subject::{Subject, SubjectKind};

/// A loop that has not come round for this long is not alive, besides two times of a transaction. It may
/// wait for brokers that are away, and their absence is no death of ours, so this is longer than what one
/// turn can wait for them in all: to end a transaction, to make a new producer (60 s) and to read the
/// committed offsets (30 s), or to have reports acknowledged (30 s).
const BEAT_AGE_MAX: Duration = Duration::from_secs(150);
/// A member to whom the group gives nothing for this long has nothing to restore.
const ASSIGNED_WITHIN_MAX: Duration = Duration::from_secs(30);
/// Open requests are given this long when the server stops.
const CLOSE_WITHIN_MAX: Duration = Duration::from_secs(2);

/// What a reviewer may look up. The deciding threads publish into it after each commit.
pub trait View: Send + Sync {
    /// The measures in force for a subject, each as its JSON document; empty when there are none.
    fn in_force(&self, subject: Subject) -> Vec<Vec<u8>>;

    /// The disposition with this appeal reference, as its JSON document.
    fn disposition(&self, appeal: AppealRef) -> Option<Vec<u8>>;
}

/// How a process is, as its loops say. None of it tells of the brokers' health: restarting us mends no broker.
#[derive(Debug)]
pub struct Health {
    began: Instant,
    beat_age_max: Duration,
    beat_ms: AtomicU64,
    ready: AtomicBool,
    assigned: AtomicBool,
    restoring: AtomicBool,
    started: AtomicBool,
}

impl Default for Health {
    fn default() -> Health {
        Health {
            began: Instant::now(),
            beat_age_max: BEAT_AGE_MAX,
            beat_ms: AtomicU64::new(0),
            ready: AtomicBool::new(false),
            assigned: AtomicBool::new(false),
            restoring: AtomicBool::new(false),
            started: AtomicBool::new(false),
        }
    }
}

impl Health {
    /// Of a loop whose transactions may take this long.
    #[must_use]
    pub fn waiting_for_transactions(self, transaction_max: Duration) -> Health {
        Health { beat_age_max: BEAT_AGE_MAX + 2 * transaction_max, ..self }
    }

    /// The poll loop came round.
    pub fn beat(&self) {
        let elapsed = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.beat_ms.store(elapsed, Ordering::Relaxed);
    }

    /// The group has given this process something to do.
    pub fn set_assigned(&self) {
        self.assigned.store(true, Ordering::Relaxed);
    }

    /// Whether something of what is assigned is still on its way back.
    pub fn set_restoring(&self, restoring: bool) {
        self.restoring.store(restoring, Ordering::Relaxed);
    }

    /// Whether every assigned partition is back where its last commit was.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }

    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    #[must_use]
    pub fn is_alive(&self) -> bool {
        let beat = Duration::from_millis(self.beat_ms.load(Ordering::Relaxed));
        self.began.elapsed().saturating_sub(beat) < self.beat_age_max
    }

    /// Has this process come back once? From then on it has, whatever it is given to restore later. A member
    /// that is given nothing, or whose brokers are away, has nothing to restore and is not restarted for it.
    #[must_use]
    pub fn is_started(&self) -> bool {
        let waited = self.began.elapsed() >= ASSIGNED_WITHIN_MAX && !self.assigned.load(Ordering::Relaxed);
        let restored = self.is_ready()
            || (self.assigned.load(Ordering::Relaxed) && !self.restoring.load(Ordering::Relaxed));
        if waited || restored {
            self.started.store(true, Ordering::Relaxed);
        }
        self.started.load(Ordering::Relaxed)
    }
}

/// Brings gauges that depend on the clock up to date.
pub type Refresh = Arc<dyn Fn() + Send + Sync>;

/// What the server shows.
#[derive(Clone)]
pub struct Shown {
    pub metrics: Arc<Metrics>,
    /// Called before the metrics are shown: a loop that waits for its brokers refreshes nothing, and lag is
    /// what one wants to see then.
    pub refresh: Option<Refresh>,
    pub health: Arc<Health>,
    /// `None` in a process that decides nothing.
    pub view: Option<Arc<dyn View>>,
}

/// A running server. It stops when this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens on `address` (port 0 takes a free one) and serves on a thread of its own.
    ///
    /// # Errors
    /// When the address cannot be listened on, or no thread can be made.
    pub fn start(address: &str, shown: Shown) -> std::io::Result<Server> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("http".to_owned()).spawn(move || {
            runtime.block_on(serve(listener, shown, stopped));
            runtime.shutdown_timeout(CLOSE_WITHIN_MAX);
        })?;
        Ok(Server { address, stop: Some(stop), thread: Some(thread) })
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // Fails only when the server has ended by itself.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(listener: std::net::TcpListener, shown: Shown, stopped: oneshot::Receiver<()>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "the HTTP endpoint cannot be served");
            return;
        }
    };
    tokio::select! {
        ended = axum::serve(listener, routes(shown)).into_future() => {
            if let Err(error) = ended {
                tracing::error!(%error, "the HTTP endpoint ended");
            }
        }
        _ = stopped => {}
    }
}

fn routes(shown: Shown) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/startupz", get(startupz))
        .route("/livez", get(livez))
        .route("/healthz", get(livez))
        .route("/readyz", get(readyz))
        .route("/v1/in-force/{kind}/{token}", get(in_force))
        .route("/v1/dispositions/{appeal_ref}", get(disposition))
        .with_state(shown)
}

async fn metrics(State(shown): State<Shown>) -> Response {
    if let Some(refresh) = &shown.refresh {
        refresh();
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], shown.metrics.text())
        .into_response()
}

async fn startupz(State(shown): State<Shown>) -> Response {
    said(shown.health.is_started(), "started", "not restored yet")
}

async fn livez(State(shown): State<Shown>) -> Response {
    said(shown.health.is_alive(), "alive", "the poll loop has not come round")
}

async fn readyz(State(shown): State<Shown>) -> Response {
    said(shown.health.is_ready(), "ready", "not restored yet")
}

fn said(yes: bool, good: &'static str, bad: &'static str) -> Response {
    if yes {
        (StatusCode::OK, good).into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, bad).into_response()
    }
}

async fn in_force(
    State(shown): State<Shown>,
    Path((kind, token)): Path<(String, String)>,
    RawQuery(parameters): RawQuery,
) -> Response {
    let view = match admit(&shown, parameters.as_deref()) {
        Ok(view) => view,
        Err(refusal) => return *refusal,
    };
    let token = (token.len() == 32).then(|| u128::from_str_radix(&token, 16).ok()).flatten();
    let (Some(kind), Some(token)) = (SubjectKind::from_name(&kind), token) else {
        let detail = "a subject is named by its kind and its token of 32 hexadecimal digits";
        return problem(StatusCode::BAD_REQUEST, "subject-malformed", detail);
    };
    let found = view.in_force(Subject::new(kind, Token(token)));
    let mut body = b"[".to_vec();
    body.extend_from_slice(&found.join(&b','));
    body.push(b']');
    json(body)
}

async fn disposition(
    State(shown): State<Shown>,
    Path(appeal_ref): Path<String>,
    RawQuery(parameters): RawQuery,
) -> Response {
    let view = match admit(&shown, parameters.as_deref()) {
        Ok(view) => view,
        Err(refusal) => return *refusal,
    };
    let Some(appeal) = AppealRef::parse(&appeal_ref) else {
        let detail = "an appeal reference has twelve symbols, and its check digit does not match here";
        return problem(StatusCode::BAD_REQUEST, "appeal-reference-malformed", detail);
    };
    match view.disposition(appeal) {
        Some(document) => json(document),
        None => problem(StatusCode::NOT_FOUND, "appeal-reference-unknown", "no disposition bears it here"),
    }
}

/// Gives the view, or says why the query is refused. A refusal is counted and logged, without what
/// was asked for.
fn admit<'a>(shown: &'a Shown, parameters: Option<&str>) -> Result<&'a dyn View, Box<Response>> {
    // Names of purposes need no escaping, so nothing has to be unescaped.
    let stated = parameters.unwrap_or("").split('&').find_map(|pair| pair.strip_prefix("purpose="));
    if let Err(refused) = query::admit(stated, Purpose::APPEAL) {
        shown.metrics.query_refused(refused);
        tracing::warn!(purpose = refused.name(), "a query was refused");
        let status = match refused {
            Refused::NoPurpose => StatusCode::BAD_REQUEST,
            Refused::UnknownPurpose | Refused::OtherPurpose(_) => StatusCode::FORBIDDEN,
        };
        return Err(Box::new(problem(status, "purpose-refused", &refused.to_string())));
    }
    shown.view.as_deref().ok_or_else(|| {
        let detail = "this process decides nothing; ask one that does";
        Box::new(problem(StatusCode::NOT_FOUND, "no-view", detail))
    })
}

fn json(body: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], body).into_response()
}

/// RFC 9457 problem details. `detail` is our own text and holds nothing of the request.
fn problem(status: StatusCode, kind: &str, detail: &str) -> Response {
    let body = serde_json::json!({
        "type": format!("urn:duecourse:problem:{kind}"), "status": status.as_u16(), "detail": detail,
    });
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}

#[cfg(test)]
mod tests;
