//! The master key of a command: a file, or the published development key, which says so.

use std::path::Path;
use std::sync::Arc;

use super::Failure;
use crate::codec::keys::{KeyFile, Keys};

/// Reads a key file; without one, takes the development key and warns on standard error.
///
/// # Errors
/// `Configuration` when the file cannot be read or holds no key. The text never shows the key.
pub fn load_keys(path: Option<&Path>) -> Result<Arc<Keys>, Failure> {
    let Some(path) = path else {
        eprintln!("note: using the fixed development key, which anybody can read; give --key for real data");
        return Ok(Arc::new(Keys::development()));
    };
    let keys = Keys::from_provider(&KeyFile(path)).map_err(Failure::configuration)?;
    if keys.is_development() {
        eprintln!("note: {} holds the fixed development key, which anybody can read", path.display());
    }
    Ok(Arc::new(keys))
}
