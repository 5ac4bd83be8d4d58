//! An S3-compatible object store over HTTP, as far as snapshots need one: put, put if absent, get, list
//! of a folder, delete. Its objects are files. It can be away, in two ways.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

const BUCKET: &str = "snapshots-of-tests";
const KEY_ID: &str = "TORTURE";

/// How the store answers.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Mood {
    Well = 0,
    /// 503 to everything.
    Refuses = 1,
    /// Takes requests and never answers.
    Hangs = 2,
}

pub struct BucketServer {
    inner: Arc<Inner>,
    address: String,
    runtime: Option<tokio::runtime::Runtime>,
}

struct Inner {
    root: PathBuf,
    mood: AtomicU8,
    /// Requests answered while well.
    served: AtomicU64,
}

impl BucketServer {
    pub fn start(root: &Path) -> BucketServer {
        std::fs::create_dir_all(root).unwrap();
        let inner =
            Arc::new(Inner { root: root.to_owned(), mood: AtomicU8::new(0), served: AtomicU64::new(0) });
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        // Snapshots may be larger than what axum takes by itself.
        let limit = axum::extract::DefaultBodyLimit::disable();
        let router = Router::new().fallback(answer).layer(limit).with_state(Arc::clone(&inner));
        runtime.spawn(async move { axum::serve(listener, router).await });
        BucketServer { inner, address, runtime: Some(runtime) }
    }

    /// The settings that lead to it; the credentials are written into `folder`.
    pub fn configuration(&self, folder: &Path) -> String {
        let secret = folder.join("s3-credentials");
        std::fs::write(
            &secret,
            format!("[default]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = s\n"),
        )
        .unwrap();
        format!(
            "[snapshots.s3]\nbucket = \"{BUCKET}\"\nendpoint = \"http://{}\"\ncredentials_file = \"{}\"\ntimeout_ms = 3_000\n",
            self.address,
            secret.display()
        )
    }

    pub fn set(&self, mood: Mood) {
        self.inner.mood.store(mood as u8, Ordering::SeqCst);
    }

    pub fn served(&self) -> u64 {
        self.inner.served.load(Ordering::SeqCst)
    }
}

impl Drop for BucketServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn answer(
    State(inner): State<Arc<Inner>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match inner.mood.load(Ordering::SeqCst) {
        mood if mood == Mood::Refuses as u8 => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        mood if mood == Mood::Hangs as u8 => std::future::pending().await,
        _ => {}
    }
    inner.served.fetch_add(1, Ordering::SeqCst);
    let signed_by = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !signed_by.contains(&format!("Credential={KEY_ID}/")) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let Some(key) = uri.path().strip_prefix(&format!("/{BUCKET}")) else {
        return (StatusCode::NOT_FOUND, "<Error><Code>NoSuchBucket</Code></Error>").into_response();
    };
    let key = key.trim_start_matches('/');
    let file = inner.root.join(key);
    match method {
        Method::GET if key.is_empty() => list(&inner.root, uri.query().unwrap_or_default()),
        Method::GET => match std::fs::read(&file) {
            Ok(bytes) => ([("etag", "\"1\""), ("last-modified", LAST_MODIFIED)], bytes).into_response(),
            Err(_) => (StatusCode::NOT_FOUND, "<Error><Code>NoSuchKey</Code></Error>").into_response(),
        },
        Method::PUT if headers.contains_key("if-none-match") && file.exists() => {
            StatusCode::PRECONDITION_FAILED.into_response()
        }
        Method::PUT => {
            put(&file, &body);
            [("etag", "\"1\"")].into_response()
        }
        Method::DELETE => {
            // Deleting what is not there is no error in S3.
            let _ = std::fs::remove_file(&file);
            StatusCode::NO_CONTENT.into_response()
        }
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

const LAST_MODIFIED: &str = "Mon, 02 Nov 2026 00:00:00 GMT";

/// Whole or not at all.
fn put(file: &Path, body: &[u8]) {
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let part = file.with_extension(format!("part{}", uuid::Uuid::new_v4().simple()));
    std::fs::write(&part, body).unwrap();
    std::fs::rename(part, file).unwrap();
}

/// `ListObjectsV2` of one folder.
fn list(root: &Path, query: &str) -> Response {
    let prefix = query.split('&').find_map(|pair| pair.strip_prefix("prefix=")).unwrap_or_default();
    let prefix = prefix.replace("%2F", "/");
    let mut contents = String::new();
    for entry in std::fs::read_dir(root.join(&prefix)).into_iter().flatten().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if name.ends_with(".snapshot") {
            let size = entry.metadata().map_or(0, |data| data.len());
            contents += &format!(
                "<Contents><Key>{prefix}{name}</Key><LastModified>2026-11-02T00:00:00.000Z</LastModified><ETag>\"1\"</ETag><Size>{size}</Size></Contents>"
            );
        }
    }
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult><Name>{BUCKET}</Name><Prefix>{prefix}</Prefix><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"
    );
    ([("content-type", "application/xml")], body).into_response()
}
