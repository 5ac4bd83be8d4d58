//! Tokens of SASL OAUTHBEARER out of a file (DESIGN section 10): Kubernetes or an agent keeps it fresh.
//!
//! librdkafka wants the token with its end and the name it stands for. Both are claims of the token, which
//! is a JWT; its signature is the broker's business and is not checked here.

use std::error::Error;
use std::ffi::{CStr, CString, c_char};
use std::path::{Path, PathBuf};

use rdkafka::bindings::{rd_kafka_oauthbearer_set_token, rd_kafka_t};
use rdkafka::client::OAuthToken;
use rdkafka::types::RDKafkaRespErr;
use serde_json::Value;

use crate::log::LogError;

/// Where a client's tokens come from; nowhere without OAUTHBEARER.
#[derive(Clone, Debug, Default)]
pub(super) struct Tokens(pub Option<PathBuf>);

impl Tokens {
    /// For `ClientContext::generate_oauth_token`: called from the client's polls, in good time before the
    /// end of the token before.
    pub(super) fn next(&self) -> Result<OAuthToken, Box<dyn Error>> {
        let path = self.0.as_deref().ok_or("kafka.oauth_token_file is empty")?;
        match read_token(path) {
            Ok(token) => {
                tracing::debug!(until_ms = token.lifetime_ms, "a new token was read");
                Ok(token)
            }
            Err(error) => {
                tracing::warn!(%error, "no new token; the one before holds until its end");
                Err(error.into())
            }
        }
    }

    /// Gives a client that was just made its first token. Without it the first question to the brokers
    /// would wait for a poll, and a client for administration is never polled.
    ///
    /// # Errors
    /// When the file has no token, or the client takes none.
    pub(super) fn begin(&self, client: *mut rd_kafka_t) -> Result<(), LogError> {
        let Some(path) = self.0.as_deref() else { return Ok(()) };
        let refused = |why: String| LogError::Refused(why);
        let read = read_token(path).map_err(|error| refused(error.to_string()))?;
        let text = |text: String| CString::new(text).map_err(|error| refused(error.to_string()));
        let (token, name) = (text(read.token)?, text(read.principal_name)?);
        let mut said = [0 as c_char; 512];
        // SAFETY: the caller takes the pointer from a client that it holds; the strings and the buffer
        // outlive the call; without extensions their array may be null.
        let code = unsafe {
            rd_kafka_oauthbearer_set_token(
                client,
                token.as_ptr(),
                read.lifetime_ms,
                name.as_ptr(),
                std::ptr::null_mut(),
                0,
                said.as_mut_ptr(),
                said.len(),
            )
        };
        if code == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Ok(());
        }
        // SAFETY: librdkafka writes a C string into the buffer, which was zeroed.
        let said = unsafe { CStr::from_ptr(said.as_ptr()) }.to_string_lossy().into_owned();
        Err(refused(format!("the token of kafka.oauth_token_file `{}`: {said}", path.display())))
    }
}

/// Why a file gives no token. Nothing of the token is ever told.
#[derive(Debug, thiserror::Error)]
enum TokenError {
    #[error("kafka.oauth_token_file `{}` cannot be read: {error}", path.display())]
    Unreadable { path: PathBuf, error: std::io::Error },
    #[error("kafka.oauth_token_file `{}` holds no JSON web token with the claims `exp` and `sub`", path.display())]
    Malformed { path: PathBuf },
}

struct Claims {
    /// The end of its life, in seconds since 1970 (RFC 7519 section 4.1.4).
    exp: f64,
    sub: String,
}

/// Reads the file's token as it is now.
///
/// # Errors
/// When there is none that librdkafka could use.
fn read_token(path: &Path) -> Result<OAuthToken, TokenError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| TokenError::Unreadable { path: path.to_owned(), error })?;
    let token = text.trim();
    let claims = claims(token).ok_or_else(|| TokenError::Malformed { path: path.to_owned() })?;
    Ok(OAuthToken {
        token: token.to_owned(),
        principal_name: claims.sub,
        lifetime_ms: (claims.exp * 1e3) as i64,
    })
}

fn claims(token: &str) -> Option<Claims> {
    let mut parts = token.split('.');
    let (_header, claims, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    let claims: Value = serde_json::from_slice(&base64_url(claims)?).ok()?;
    Some(Claims { exp: claims.get("exp")?.as_f64()?, sub: claims.get("sub")?.as_str()?.to_owned() })
}

/// Base64 with the url-safe alphabet and no padding (RFC 4648 section 5).
fn base64_url(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut held, mut bits) = (0_u32, 0);
    for symbol in text.bytes() {
        let value = match symbol {
            b'A'..=b'Z' => symbol - b'A',
            b'a'..=b'z' => symbol - b'a' + 26,
            b'0'..=b'9' => symbol - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        held = (held << 6) | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<OAuthToken, TokenError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, text).unwrap();
        read_token(&path)
    }

    #[test]
    fn a_token_tells_its_end_and_its_name() {
        // {"alg":"none"} . {"sub":"duecourse","exp":1796000000.5}
        let text = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJkdWVjb3Vyc2UiLCJleHAiOjE3OTYwMDAwMDAuNX0.\n";
        let token = read(text).unwrap();
        assert_eq!((token.principal_name.as_str(), token.lifetime_ms), ("duecourse", 1_796_000_000_500));
        assert_eq!(token.token, text.trim());
    }

    #[test]
    fn what_is_no_token_is_refused_without_being_told() {
        for text in ["", "hunter2", "a.b", "a.%%.c", "eyJhbGciOiJub25lIn0.e30.", "a.eyJleHAiOjF9."] {
            let error = read(text).err().unwrap().to_string();
            assert!(error.contains("no JSON web token"), "{error}");
            assert!(text.is_empty() || !error.contains(text), "{error}");
        }
        assert!(read_token(Path::new("/nowhere/token")).is_err());
    }
}
