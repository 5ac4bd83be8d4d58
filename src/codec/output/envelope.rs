//! The CloudEvents envelope, and the words every output is written in: ids, times, names.

use std::fmt::Write as _;

use jiff::tz::Offset;
use schemars::JsonSchema;
use serde::Serialize;

use crate::codec::hex::{event_hex, push_hex, token_hex};
use crate::engine::base::{Bilingual, TimeMs};
use crate::engine::disposition::{DispositionId, Head};
use crate::engine::notice::RuleName;
use crate::engine::purpose::Purpose;
use crate::engine::subject::Subject;

use super::{OutRecord, OutputContext, OutputError, Topic};

/// A structured CloudEvent 1.0.
#[derive(Serialize, JsonSchema)]
pub(super) struct CloudEvent<T> {
    /// Always `1.0`.
    specversion: &'static str,
    /// Deterministic: the same on every replay, so consumers can deduplicate.
    id: String,
    /// What kind of record this is, with its version.
    #[serde(rename = "type")]
    event_type: &'static str,
    /// `/institutions/` name `/` topic.
    source: String,
    /// Event time of the cause.
    time: Moment,
    /// Always `application/json`.
    datacontenttype: &'static str,
    data: T,
}

/// What most records take at most.
const RECORD_BYTES: usize = 4 << 10;

/// An envelope before its data: what differs between records.
pub(super) struct Envelope {
    pub topic: Topic,
    pub event_type: &'static str,
    pub id: String,
    pub key: String,
    pub at: TimeMs,
}

impl Envelope {
    /// Wraps the data into a record.
    pub(super) fn wrap<T: Serialize>(
        self,
        data: T,
        ctx: &OutputContext<'_>,
    ) -> Result<OutRecord, OutputError> {
        let event = CloudEvent {
            specversion: "1.0",
            id: self.id,
            event_type: self.event_type,
            source: source(ctx.institution, self.topic),
            time: time_of("time", self.at, ctx)?,
            datacontenttype: "application/json",
            data,
        };
        // Most records fit, and memory that grows step by step costs more than to give some of it back.
        let mut value = Vec::with_capacity(RECORD_BYTES);
        serde_json::to_writer(&mut value, &event)?;
        value.shrink_to_fit();
        Ok(OutRecord { topic: self.topic, key: self.key.into_bytes(), value: Some(value) })
    }
}

/// A URI reference; whatever the institution's name holds besides unreserved characters is escaped.
pub(super) fn source(institution: &str, topic: Topic) -> String {
    let mut source = String::from("/institutions/");
    for byte in institution.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            source.push(char::from(byte));
        } else {
            // Writing into a String does not fail.
            let _ = write!(source, "%{byte:02X}");
        }
    }
    source.push('/');
    source.push_str(topic.name());
    source
}

/// The id of the notice of a disposition.
pub(super) fn notice_id(id: DispositionId) -> String {
    let mut text = String::from("notice-");
    push_hex(&mut text, &id.0.to_be_bytes());
    text
}

/// RFC 3339 with milliseconds, at an offset from UTC in minutes. `None` outside the years 1 to 9999.
#[must_use]
pub fn rfc3339(at: TimeMs, utc_offset_minutes: i32) -> Option<String> {
    let civil = civil(at, utc_offset_minutes)?;
    let sign = if utc_offset_minutes < 0 { "-" } else { "+" };
    let (hours, minutes) = offset_parts(utc_offset_minutes);
    // Each number with what stands before it and how many digits it has. They are written one by one, for
    // outputs are full of times and `format!` took ten times as long for one.
    let parts: [(&str, u32, u32); 9] = [
        ("", civil.year().unsigned_abs().into(), 4),
        ("-", civil.month().unsigned_abs().into(), 2),
        ("-", civil.day().unsigned_abs().into(), 2),
        ("T", civil.hour().unsigned_abs().into(), 2),
        (":", civil.minute().unsigned_abs().into(), 2),
        (":", civil.second().unsigned_abs().into(), 2),
        (".", civil.millisecond().unsigned_abs().into(), 3),
        (sign, hours, 2),
        (":", minutes, 2),
    ];
    let mut text = String::with_capacity("2026-01-01T00:00:00.000+08:00".len());
    for (before, number, digits) in parts {
        text.push_str(before);
        for place in (0..digits).rev() {
            let digit = number / 10_u32.pow(place) % 10;
            text.push(char::from(b'0' + digit as u8));
        }
    }
    Some(text)
}

/// The civil date and time at an offset.
pub(super) fn civil(at: TimeMs, utc_offset_minutes: i32) -> Option<jiff::civil::DateTime> {
    let offset = Offset::from_seconds(utc_offset_minutes.checked_mul(60)?).ok()?;
    let instant = jiff::Timestamp::from_millisecond(at.0).ok()?;
    let civil = offset.to_datetime(instant);
    (civil.year() > 0).then_some(civil)
}

/// Hours and minutes of an offset, without its sign.
pub(super) fn offset_parts(utc_offset_minutes: i32) -> (u32, u32) {
    let minutes = utc_offset_minutes.unsigned_abs();
    (minutes / 60, minutes % 60)
}

/// A text in both languages.
#[derive(Serialize, JsonSchema)]
pub(super) struct BilingualText<'a> {
    #[serde(rename = "zh-CN")]
    zh: &'a str,
    en: &'a str,
}

impl<'a> From<&'a Bilingual> for BilingualText<'a> {
    fn from(text: &'a Bilingual) -> BilingualText<'a> {
        BilingualText { zh: &text.zh, en: &text.en }
    }
}

/// A rule or limit, and its version.
#[derive(Serialize, JsonSchema)]
pub(super) struct RuleText<'a> {
    id: &'a str,
    version: u32,
}

impl<'a> From<&'a RuleName> for RuleText<'a> {
    fn from(rule: &'a RuleName) -> RuleText<'a> {
        RuleText { id: &rule.id, version: rule.version }
    }
}

/// What the data may be used for.
#[derive(Serialize, JsonSchema)]
pub(super) struct PurposeText {
    /// The permitted uses, in a fixed order.
    uses: Vec<&'static str>,
    /// W3C Data Privacy Vocabulary.
    dpv: &'static str,
}

impl From<Purpose> for PurposeText {
    fn from(purpose: Purpose) -> PurposeText {
        PurposeText { uses: use_names(purpose), dpv: dpv_term(purpose) }
    }
}

pub(super) fn use_names(purpose: Purpose) -> Vec<&'static str> {
    purpose.uses().map(|permitted| permitted.name()).collect()
}

/// The term of the same named purpose, or of the narrowest named one that contains this purpose.
fn dpv_term(purpose: Purpose) -> &'static str {
    if purpose == Purpose::AUTHORITY {
        return "dpv:LegalCompliance";
    }
    Purpose::NAMED
        .iter()
        .filter(|(_, named, _)| purpose.join(*named) == purpose)
        .min_by_key(|(_, named, _)| named.uses().count())
        .map_or("dpv:Purpose", |(_, _, term)| *term)
}

/// What every disposition and observation says of itself. It names people by token only.
#[derive(Serialize, JsonSchema)]
pub(super) struct HeadData<'a> {
    /// `limit`, `anomaly`, `authority` or `victim`.
    lane: &'static str,
    rule: RuleText<'a>,
    /// Version of the rule set that was in force.
    rules_version: u32,
    subject: SubjectData,
    /// Token of the holder.
    holder: String,
    /// Keyed fingerprint of the event that caused it; for a timer, of the event that set the timer.
    event: String,
    /// Event time of the cause; for a timer, when it was due.
    at: Moment,
    purpose: PurposeText,
}

/// What a record is about, by kind and token.
#[derive(Serialize, JsonSchema)]
pub(super) struct SubjectData {
    kind: &'static str,
    /// 32 hexadecimal digits.
    token: String,
}

impl SubjectData {
    pub(super) fn of(subject: Subject) -> SubjectData {
        SubjectData { kind: subject.kind.name(), token: token_hex(subject.token) }
    }
}

impl<'a> HeadData<'a> {
    pub(super) fn of(head: &'a Head, ctx: &OutputContext<'_>) -> Result<HeadData<'a>, OutputError> {
        Ok(HeadData {
            lane: head.lane.name(),
            rule: (&head.rule).into(),
            rules_version: ctx.rules_version,
            subject: SubjectData::of(head.party.subject),
            holder: token_hex(head.holder),
            event: event_hex(head.event),
            at: time_of("at", head.at, ctx)?,
            purpose: head.purpose.into(),
        })
    }
}

/// A time as a field of an output: RFC 3339 with milliseconds, at the institution's offset.
#[derive(Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("format" = "date-time"))]
pub(super) struct Moment(String);

/// Writes a time, or names the field that holds one that cannot be written.
pub(super) fn time_of(
    field: &'static str,
    at: TimeMs,
    ctx: &OutputContext<'_>,
) -> Result<Moment, OutputError> {
    rfc3339(at, ctx.utc_offset_minutes).map(Moment).ok_or(OutputError::TimeUnwritable(field))
}
