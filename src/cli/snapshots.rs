//! Where a configuration keeps snapshots: a folder, or a bucket.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow};

use super::Failure;
use crate::config::Config;
use crate::decide::bucket::Bucket;
use crate::decide::snapshot::SnapshotStore;

/// The store, made if it is a folder that is not there.
pub(super) fn open(config: &Config) -> Result<SnapshotStore, Failure> {
    let (facts, kept) = (&config.topics.facts.name, config.snapshots.kept as usize);
    let s3 = &config.snapshots.s3;
    if s3.bucket.is_empty() {
        let folder = Path::new(&config.snapshots.dir);
        return SnapshotStore::in_folder(folder, facts, kept).map_err(Failure::unreachable);
    }
    let bucket = Bucket {
        endpoint: s3.endpoint.clone(),
        name: s3.bucket.clone(),
        region: s3.region.clone(),
        credentials: PathBuf::from(&s3.credentials_file),
        timeout: Duration::from_millis(s3.timeout_ms),
    };
    SnapshotStore::in_bucket(&bucket, facts, kept).context("snapshots.s3").map_err(Failure::configuration)
}

/// The store, to be looked at: a folder must be there.
pub(super) fn look(config: &Config) -> Result<SnapshotStore, Failure> {
    let folder = &config.snapshots.dir;
    if config.snapshots.s3.bucket.is_empty() && !Path::new(folder).is_dir() {
        return Err(Failure::unreachable(anyhow!("snapshots.dir `{folder}` is not to be seen from here")));
    }
    open(config)
}
