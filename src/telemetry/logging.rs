//! Logs: one line an event, text or JSON, on standard error, through the masking writer.

use std::io::Write;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::redact::MaskingWriter;

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    Json,
}

/// Chooses which lines are written, such as `warn,duecourse=debug`.
const FILTER_VARIABLE: &str = "DUECOURSE_LOG";
/// `json` writes each line as a JSON object.
const FORMAT_VARIABLE: &str = "DUECOURSE_LOG_FORMAT";
/// Without a choice: ours from `info`, libraries' from `warn`.
const FILTER: &str = "warn,duecourse=info";

/// Starts to log to standard error, as the environment chooses. A second call changes nothing.
pub fn start() {
    let filter = EnvFilter::try_from_env(FILTER_VARIABLE).unwrap_or_else(|_| EnvFilter::new(FILTER));
    let is_json = std::env::var(FORMAT_VARIABLE).is_ok_and(|format| format == "json");
    let format = if is_json { Format::Json } else { Format::Text };
    // Fails only when a subscriber is there already, which then goes on.
    let _ = tracing::subscriber::set_global_default(subscriber(format, filter, std::io::stderr));
}

/// The subscriber of `start` over any writer; tests read what it wrote.
pub fn subscriber<W>(format: Format, filter: EnvFilter, to: W) -> Box<dyn tracing::Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(Masked(to)).with_ansi(false);
    match format {
        Format::Text => Box::new(lines.finish()),
        Format::Json => Box::new(lines.json().flatten_event(true).finish()),
    }
}

/// Makes masking writers out of another maker's.
struct Masked<W>(W);

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Masked<W>
where
    W::Writer: Write,
{
    type Writer = MaskingWriter<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        MaskingWriter(self.0.make_writer())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::redact::{MASK, Redacted};
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: Format, log: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = subscriber(format, EnvFilter::new("trace"), move || writer.clone());
        tracing::subscriber::with_default(subscriber, log);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn identifiers_do_not_reach_a_line_in_either_format() {
        for format in [Format::Text, Format::Json] {
            let text = logged(format, || {
                tracing::info!(phone = "13812345678", partition = 3, "seen {}", "6222021234567890128");
                tracing::info!(holder = ?Redacted("holder-77"), "kept");
                tracing::info_span!("case", id = "110105194912310021").in_scope(|| tracing::warn!("inside"));
            });
            assert_eq!(text.lines().count(), 3, "{text}");
            // JSON names a span twice.
            assert!(text.matches(MASK).count() >= 4, "{text}");
            for hidden in ["13812345678", "6222021234567890128", "holder-77", "110105194912310021"] {
                assert!(!text.contains(hidden), "{text}");
            }
            assert!(text.contains("partition"), "{text}");
        }
    }

    #[test]
    fn json_lines_are_json() {
        let text = logged(Format::Json, || tracing::warn!(reason = "time_jump", "refused"));
        let line: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!((line["level"].as_str(), line["reason"].as_str()), (Some("WARN"), Some("time_jump")));
    }
}
