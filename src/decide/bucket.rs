//! Snapshots in a bucket of an S3-compatible object store, as one does in a cluster.
//!
//! The credentials are a file in the form of an AWS credentials file, read again for each request, so
//! that a rotated secret needs no restart.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder, AwsCredential};
use object_store::{BackoffConfig, ClientOptions, CredentialProvider, RetryConfig};

/// Requests that fail are tried again this often; after that the next snapshot is the next try.
const RETRIES_MAX: usize = 2;
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// Where a bucket is and how it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// `https://host:port`, or `http://` inside a cluster.
    pub endpoint: String,
    pub name: String,
    /// Part of the signature; many stores take any.
    pub region: String,
    pub credentials: PathBuf,
    /// What one request may take.
    pub timeout: Duration,
}

impl Bucket {
    /// A client for it. Nothing is asked of the store yet; the credentials are looked at once.
    ///
    /// # Errors
    /// When the endpoint or the credentials file cannot be used.
    pub fn open(&self) -> Result<AmazonS3, object_store::Error> {
        read_credentials(&self.credentials)?;
        let client = ClientOptions::new()
            .with_allow_http(self.endpoint.starts_with("http://"))
            .with_connect_timeout(CONNECT_MAX)
            .with_timeout(self.timeout);
        AmazonS3Builder::new()
            .with_endpoint(self.endpoint.trim_end_matches('/'))
            .with_bucket_name(&self.name)
            .with_region(&self.region)
            .with_credentials(Arc::new(CredentialsFile(self.credentials.clone())))
            .with_client_options(client)
            .with_retry(RetryConfig {
                backoff: BackoffConfig::default(),
                max_retries: RETRIES_MAX,
                retry_timeout: self.timeout,
            })
            .build()
    }
}

#[derive(Debug)]
struct CredentialsFile(PathBuf);

#[async_trait::async_trait]
impl CredentialProvider for CredentialsFile {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> Result<Arc<AwsCredential>, object_store::Error> {
        read_credentials(&self.0).map(Arc::new)
    }
}

fn read_credentials(path: &Path) -> Result<AwsCredential, object_store::Error> {
    let unusable = |source: Box<dyn std::error::Error + Send + Sync>| object_store::Error::Generic {
        store: "S3 credentials file",
        source,
    };
    let text = std::fs::read_to_string(path).map_err(|error| unusable(error.into()))?;
    parse_credentials(&text).map_err(|missing| unusable(missing.into()))
}

/// The section `[default]` of an AWS credentials file, or its lines before any section.
fn parse_credentials(text: &str) -> Result<AwsCredential, String> {
    let mut in_default = true;
    let (mut key_id, mut secret_key, mut token) = (None, None, None);
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            in_default = section.trim_end_matches(']').trim() == "default";
        }
        let Some((name, value)) = line.split_once('=').filter(|_| in_default) else { continue };
        let place = match name.trim() {
            "aws_access_key_id" => &mut key_id,
            "aws_secret_access_key" => &mut secret_key,
            "aws_session_token" => &mut token,
            _ => continue,
        };
        *place = Some(value.trim().to_owned()).filter(|value| !value.is_empty());
    }
    // The message names what is missing and never what is there.
    let missing = |name: &str| format!("`{name}` is missing from it, or from its section [default]");
    Ok(AwsCredential {
        key_id: key_id.ok_or_else(|| missing("aws_access_key_id"))?,
        secret_key: secret_key.ok_or_else(|| missing("aws_secret_access_key"))?,
        token,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_those_of_the_default_section() {
        let text = "# ours\n[other]\naws_access_key_id = no\n[default]\naws_access_key_id=ID\n aws_secret_access_key = a=b/c \n";
        let found = parse_credentials(text).unwrap();
        assert_eq!((found.key_id.as_str(), found.secret_key.as_str(), found.token), ("ID", "a=b/c", None));
        let found = parse_credentials("aws_access_key_id=A\naws_secret_access_key=B\naws_session_token=C");
        assert_eq!(found.unwrap().token.as_deref(), Some("C"));
    }

    #[test]
    fn what_is_missing_is_named_and_what_is_there_is_not() {
        let missing = parse_credentials("[default]\naws_access_key_id = VISIBLE\naws_secret_access_key =\n");
        let why = missing.unwrap_err();
        assert!(why.contains("aws_secret_access_key") && !why.contains("VISIBLE"), "{why}");
        assert!(parse_credentials("[prod]\naws_access_key_id=A\naws_secret_access_key=B").is_err());
    }
}
