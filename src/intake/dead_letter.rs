//! Dead letters of intake: a pointer, a reason and a version; never content (DESIGN D5).

use crate::engine::cover::SourceId;

/// A refused source record, as it goes to the topic `dead-letters`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter<'a> {
    pub source: &'a SourceId,
    pub offset: i64,
    /// A code of `intake::refusal`.
    pub reason: &'a str,
    /// Version of the intake configuration that refused it.
    pub version: u32,
}

impl DeadLetter<'_> {
    /// The same for the same record, so that one sent twice after a crash is recognised.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/{}/{}/{}", self.source.name, self.source.generation, self.source.partition, self.offset)
    }

    /// One JSON object. Source names are checked by configuration and reasons are codes: nothing to escape.
    #[must_use]
    pub fn json(&self) -> String {
        format!(
            r#"{{"source":"{}","generation":{},"partition":{},"offset":{},"reason":"{}","intake_version":{}}}"#,
            self.source.name,
            self.source.generation,
            self.source.partition,
            self.offset,
            self.reason,
            self.version
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_json_and_points_without_content() {
        let source = SourceId { name: "bank.transfers".into(), generation: 2, partition: 3 };
        let letter = DeadLetter { source: &source, offset: 41, reason: "not_utf8", version: 5 };
        let value: serde_json::Value = serde_json::from_str(&letter.json()).unwrap();
        assert_eq!(
            value,
            serde_json::json!({"source": "bank.transfers", "generation": 2, "partition": 3, "offset": 41,
                "reason": "not_utf8", "intake_version": 5})
        );
        assert_eq!(letter.key(), "bank.transfers/2/3/41");
    }
}
