//! An object store that tears what it is given and what it gives back, is away now and then, shows lists of
//! yesterday, does not know yet what it was given, and drops what it should later than it says.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result,
};

use super::dice::Dice;

#[derive(Debug)]
pub struct LyingStore(Mutex<State>);

#[derive(Debug)]
struct State {
    objects: Arc<InMemory>,
    dice: Dice,
    lies: bool,
    told: u64,
    yesterday: Option<Yesterday>,
}

/// A list, and of what folder.
type Yesterday = (Option<Path>, Vec<ObjectMeta>);

impl LyingStore {
    pub fn new() -> LyingStore {
        LyingStore(Mutex::new(State {
            objects: Arc::new(InMemory::new()),
            dice: Dice::new(0),
            lies: false,
            told: 0,
            yesterday: None,
        }))
    }

    /// Empty, for another seed.
    pub fn begin(&self, seed: u64, lies: bool) {
        let objects = Arc::new(InMemory::new());
        *self.state() = State { objects, dice: Dice::new(seed ^ 0x5707), lies, told: 0, yesterday: None };
    }

    pub fn is_honest_now(&self) {
        self.state().lies = false;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn objects(&self) -> Arc<InMemory> {
        Arc::clone(&self.state().objects)
    }

    fn lie(&self, sides: u64) -> bool {
        let mut state = self.state();
        let lie = state.lies && state.dice.once_in(sides);
        state.told += u64::from(lie);
        lie
    }

    /// How often it lied in this world.
    pub fn told(&self) -> u64 {
        self.state().told
    }

    /// The beginning of what there is: a connection that broke off.
    async fn torn(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let whole = self.objects().get(location).await?.bytes().await?;
        let kept = self.state().dice.below(whole.len() as u64 + 1) as usize;
        let torn = InMemory::new();
        torn.put(location, PutPayload::from(whole.slice(..kept))).await?;
        torn.get_opts(location, options).await
    }
}

fn away() -> Error {
    Error::Generic { store: "lying", source: "away".into() }
}

impl fmt::Display for LyingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("lying store")
    }
}

#[async_trait]
impl ObjectStore for LyingStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        if self.lie(8) {
            return Err(away());
        }
        let payload = if self.lie(6) {
            let bytes: Vec<u8> = payload.iter().flat_map(|part| part.iter().copied()).collect();
            let kept = self.state().dice.below(bytes.len() as u64 + 1) as usize;
            PutPayload::from(bytes[..kept].to_vec())
        } else {
            payload
        };
        let stored = self.objects().put_opts(location, payload, opts).await;
        if self.lie(10) { Err(away()) } else { stored }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.objects().put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if self.lie(60) {
            return Err(away());
        }
        if self.lie(60) {
            let source = "it is not to be seen here yet".into();
            return Err(Error::NotFound { path: location.to_string(), source });
        }
        if self.lie(60) {
            return self.torn(location, options).await;
        }
        self.objects().get_opts(location, options).await
    }

    async fn delete(&self, location: &Path) -> Result<()> {
        if self.lie(8) {
            return Err(away());
        }
        // It is done at some later time, or never.
        if self.lie(8) {
            return Ok(());
        }
        let deleted = self.objects().delete(location).await;
        if self.lie(8) { Err(away()) } else { deleted }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.objects().list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        if self.lie(60) {
            return Err(away());
        }
        let mut found = self.objects().list_with_delimiter(prefix).await?;
        let stale = self.lie(4);
        let mut state = self.state();
        match &state.yesterday {
            Some((folder, objects)) if stale && folder.as_ref() == prefix => found.objects = objects.clone(),
            _ => state.yesterday = Some((prefix.cloned(), found.objects.clone())),
        }
        Ok(found)
    }

    async fn copy(&self, from: &Path, to: &Path) -> Result<()> {
        self.objects().copy(from, to).await
    }

    async fn copy_if_not_exists(&self, from: &Path, to: &Path) -> Result<()> {
        self.objects().copy_if_not_exists(from, to).await
    }
}
