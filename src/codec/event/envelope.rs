//! CloudEvents 1.0 on Kafka and in files: attributes as headers (binary) or around the data (structured).

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::fault::Fault;
use super::field::{EventTime, Text};
use super::object::object;
use super::registry::Event;
use super::undeclared::Undeclared;

/// The version of CloudEvents that we read and write.
pub const SPEC_VERSION: &str = "1.0";

/// Attributes of an event, and where its data stands.
#[derive(Debug)]
pub struct Envelope<'a> {
    pub spec_version: Text<'a>,
    pub id: Text<'a>,
    pub event_type: Text<'a>,
    pub time: Text<'a>,
    /// The JSON text of the data.
    pub data: &'a str,
}

/// The structured form. Attributes that CloudEvents knows and nothing here uses are declared, so
/// that they do not count as undeclared.
#[derive(Deserialize)]
struct Structured<'a> {
    #[serde(borrow)]
    specversion: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow, rename = "type")]
    event_type: Option<Text<'a>>,
    #[serde(borrow)]
    time: Option<Text<'a>>,
    #[serde(borrow)]
    source: Option<Text<'a>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow, rename = "datacontenttype")]
    _content_type: Option<&'a RawValue>,
    #[serde(borrow, rename = "dataschema")]
    _schema: Option<&'a RawValue>,
    #[serde(borrow, rename = "subject")]
    _subject: Option<&'a RawValue>,
    #[serde(borrow, rename = "partitionkey")]
    _partition_key: Option<&'a RawValue>,
    #[serde(borrow, rename = "traceparent")]
    _trace_parent: Option<&'a RawValue>,
    #[serde(borrow, rename = "tracestate")]
    _trace_state: Option<&'a RawValue>,
}

impl<'a> Envelope<'a> {
    /// Takes an event apart: binary if the record has a `ce_` header, structured otherwise.
    ///
    /// # Errors
    /// `EnvelopeAttributeMissing` when a required attribute or the data is absent, `JsonMalformed`
    /// or `FieldInvalid` when the structured form cannot be read.
    pub fn open(
        text: &'a str,
        headers: &'a [(&'a str, &'a [u8])],
        undeclared: &mut Undeclared,
    ) -> Result<Envelope<'a>, Fault> {
        if headers.iter().any(|(name, _)| name.starts_with("ce_")) {
            Envelope::binary(text, headers)
        } else {
            Envelope::structured(text, undeclared)
        }
    }

    fn binary(text: &'a str, headers: &'a [(&'a str, &'a [u8])]) -> Result<Envelope<'a>, Fault> {
        let attribute = |wanted: &str| {
            let (_, value) =
                headers.iter().find(|(name, _)| *name == wanted).ok_or(Fault::EnvelopeAttributeMissing)?;
            std::str::from_utf8(value).map(Text::from).map_err(|_| Fault::FieldInvalid)
        };
        attribute("ce_source")?;
        Ok(Envelope {
            spec_version: attribute("ce_specversion")?,
            id: attribute("ce_id")?,
            event_type: attribute("ce_type")?,
            time: attribute("ce_time")?,
            data: text,
        })
    }

    fn structured(text: &'a str, undeclared: &mut Undeclared) -> Result<Envelope<'a>, Fault> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let mut ignore = |path: serde_ignored::Path<'_>| undeclared.add_ignored("", &path);
        let whole: Structured<'a> = object(serde_ignored::Deserializer::new(&mut reader, &mut ignore))
            .and_then(|whole| reader.end().map(|()| whole))
            .map_err(|error| Fault::of_json(&error))?;
        let missing = Fault::EnvelopeAttributeMissing;
        whole.source.ok_or(missing)?;
        Ok(Envelope {
            spec_version: whole.specversion.ok_or(missing)?,
            id: whole.id.ok_or(missing)?,
            event_type: whole.event_type.ok_or(missing)?,
            time: whole.time.ok_or(missing)?,
            data: whole.data.ok_or(missing)?.get(),
        })
    }
}

/// Writes an event in the structured form: one line, without its line feed.
#[must_use]
pub fn to_structured(id: &str, source: &str, time: EventTime, event: &Event<'_>) -> String {
    #[derive(Serialize)]
    struct Written<'a> {
        specversion: &'a str,
        id: &'a str,
        source: &'a str,
        #[serde(rename = "type")]
        event_type: &'a str,
        time: EventTime,
        data: &'a Event<'a>,
    }
    let event_type = event.event_type().name();
    let written = Written { specversion: SPEC_VERSION, id, source, event_type, time, data: event };
    // Fails only for a time beyond the year 9999, which intake refuses anyway: an empty line.
    serde_json::to_string(&written).unwrap_or_default()
}
