//! Reports. Payload: names of signals and rules; varint count; then each, in this order:
//!
//! ```text
//! origin, destination, offset, ordinal       varint each
//! option of the preceding position           offset, ordinal: varint each
//! kind of body                               1 byte, then:
//!   1 standing     signal (place of name), about (subject), holder (token), target (party),
//!                  value (varint), at (zigzag), until (delta to at), event (fingerprint),
//!                  reply (0 or 1), untold (varint), option of money
//!   2 fallen       signal (place of name), about (subject), holder (token), event (fingerprint),
//!                  at (zigzag)
//!   5 rule counted, 6 rule totalled          rule (place of name), version, measures, overruled, appeals,
//!                  verified, failed, restricted milliseconds (varint each), interval (zigzag), harm in
//!                  milliseconds (varint)
//!   3 and 4 are the same without what is between overruled and interval, and without a version: read
//!   as of version 0
//! ```

use std::sync::Arc;

use crate::engine::base::TimeMs;
use crate::engine::report::{Report, ReportBody, ReportPos, Standing};
use crate::engine::state::RuleCount;

use super::DecodeError;
use super::bytes::{Names, Reader, Writer};

const STANDING: u8 = 1;
const FALLEN: u8 = 2;
const RULE_COUNTED_ONCE: u8 = 3;
const RULE_TOTALLED_ONCE: u8 = 4;
const RULE_COUNTED: u8 = 5;
const RULE_TOTALLED: u8 = 6;

/// Origin, destination, offset, ordinal, preceding, kind, and the smallest body: a rule's counts.
const REPORT_BYTES_MIN: usize = 9;

pub(super) fn write(writer: &mut Writer<'_>, reports: &[Report]) {
    let names = Names::gather(reports.iter().map(|report| name_of(&report.body)));
    writer.names(&names);
    writer.count(reports.len());
    for report in reports {
        writer.varint(u64::from(report.origin));
        writer.varint(u64::from(report.destination));
        write_pos(writer, report.pos);
        writer.option(report.previous, write_pos);
        write_body(writer, &names, &report.body);
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> Result<Vec<Report>, DecodeError> {
    let names = reader.names()?;
    let count = reader.count("the reports", REPORT_BYTES_MIN)?;
    let mut reports = Vec::with_capacity(count);
    for _ in 0..count {
        reports.push(Report {
            origin: reader.u32("the origin of a report")?,
            destination: reader.u32("the destination of a report")?,
            pos: read_pos(reader)?,
            previous: reader.option("the report before a report", read_pos)?,
            body: read_body(reader, &names)?,
        });
    }
    Ok(reports)
}

fn name_of(body: &ReportBody) -> &Arc<str> {
    match body {
        ReportBody::Standing(standing) => &standing.signal,
        ReportBody::Fallen { signal, .. } => signal,
        ReportBody::RuleCounted { rule, .. } | ReportBody::RuleTotalled { rule, .. } => rule,
    }
}

fn write_pos(writer: &mut Writer<'_>, pos: ReportPos) {
    writer.varint(pos.offset);
    writer.varint(u64::from(pos.ordinal));
}

fn read_pos(reader: &mut Reader<'_>) -> Result<ReportPos, DecodeError> {
    Ok(ReportPos {
        offset: reader.varint("the offset of a report")?,
        ordinal: reader.u32("the ordinal of a report")?,
    })
}

fn write_body(writer: &mut Writer<'_>, names: &Names, body: &ReportBody) {
    match body {
        ReportBody::Standing(standing) => {
            writer.byte(STANDING);
            names.cite(writer, &standing.signal);
            writer.subject(standing.about);
            writer.token(standing.holder);
            writer.party(&standing.target);
            writer.varint(standing.value);
            writer.zigzag(standing.at.0);
            writer.delta(standing.until.0, standing.at.0);
            writer.fingerprint(standing.event);
            writer.flag(standing.reply);
            writer.varint(u64::from(standing.untold_count));
            writer.option(standing.amount, Writer::money);
        }
        ReportBody::Fallen { signal, about, holder, event, at } => {
            writer.byte(FALLEN);
            names.cite(writer, signal);
            writer.subject(*about);
            writer.token(*holder);
            writer.fingerprint(*event);
            writer.zigzag(at.0);
        }
        ReportBody::RuleCounted { rule, count } => {
            writer.byte(RULE_COUNTED);
            write_count(writer, names, rule, count);
        }
        ReportBody::RuleTotalled { rule, count } => {
            writer.byte(RULE_TOTALLED);
            write_count(writer, names, rule, count);
        }
    }
}

fn write_count(writer: &mut Writer<'_>, names: &Names, rule: &str, count: &RuleCount) {
    names.cite(writer, rule);
    writer.varint(u64::from(count.version));
    for number in
        [count.measures, count.overruled, count.appeals, count.verified, count.failed, count.restricted_ms]
    {
        writer.varint(number);
    }
    writer.zigzag(count.interval);
    writer.varint(count.harm_ms);
}

fn read_body(reader: &mut Reader<'_>, names: &Names) -> Result<ReportBody, DecodeError> {
    match reader.byte("the kind of a report")? {
        STANDING => read_standing(reader, names).map(ReportBody::Standing),
        FALLEN => Ok(ReportBody::Fallen {
            signal: names.cited(reader)?,
            about: reader.subject("the subject of a fall")?,
            holder: reader.token("the holder of a fall")?,
            event: reader.fingerprint("the event of a fall")?,
            at: reader.time("the time of a fall")?,
        }),
        kind @ (RULE_COUNTED | RULE_COUNTED_ONCE) => {
            let (rule, count) = read_count(reader, names, kind == RULE_COUNTED)?;
            Ok(ReportBody::RuleCounted { rule, count })
        }
        kind @ (RULE_TOTALLED | RULE_TOTALLED_ONCE) => {
            let (rule, count) = read_count(reader, names, kind == RULE_TOTALLED)?;
            Ok(ReportBody::RuleTotalled { rule, count })
        }
        _ => Err(DecodeError::Malformed("the kind of a report")),
    }
}

fn read_standing(reader: &mut Reader<'_>, names: &Names) -> Result<Standing, DecodeError> {
    let signal = names.cited(reader)?;
    let about = reader.subject("the subject of a standing")?;
    let holder = reader.token("the holder of a standing")?;
    let target = reader.party("the target of a standing")?;
    let value = reader.varint("the value of a standing")?;
    let at = reader.time("the time of a standing")?;
    let until = TimeMs(reader.delta("the end of a standing", at.0)?);
    let event = reader.fingerprint("the event of a standing")?;
    let reply = reader.flag("the reply of a standing")?;
    let untold_count = reader.u32("the untold of a standing")?;
    let amount = reader.option("the amount of a standing", |reader| reader.money("an amount"))?;
    Ok(Standing { signal, about, holder, target, value, until, event, at, reply, amount, untold_count })
}

fn read_count(
    reader: &mut Reader<'_>,
    names: &Names,
    is_whole: bool,
) -> Result<(Arc<str>, RuleCount), DecodeError> {
    let rule = names.cited(reader)?;
    let mut count = RuleCount::default();
    if is_whole {
        count.version = reader.u32("the version of a rule")?;
    }
    count.measures = reader.varint("the measures of a rule")?;
    count.overruled = reader.varint("the overruled measures of a rule")?;
    if is_whole {
        count.appeals = reader.varint("the appeals against a rule")?;
        count.verified = reader.varint("the passed verifications of a rule")?;
        count.failed = reader.varint("the failed verifications of a rule")?;
        count.restricted_ms = reader.varint("the restricted time of a rule")?;
    }
    count.interval = reader.zigzag("the interval of a rule")?;
    count.harm_ms = reader.varint("the harm of a rule")?;
    Ok((rule, count))
}
