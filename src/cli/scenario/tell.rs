//! What was decided, as lines a person can read and compare.

use serde_json::Value;

use crate::codec::keys::Keys;
use crate::codec::output::{OutRecord, Topic, rfc3339};
use crate::engine::base::TimeMs;
use crate::engine::disposition::{Disposition, Head};
use crate::engine::evidence::Evidence;
use crate::engine::input::Effect;
use crate::engine::notice::Telling;

/// Appends the lines of one effect.
pub(super) fn effect(effect: &Effect, keys: &Keys, told: &mut Vec<String>) {
    match effect {
        Effect::Disposed(disposition) => disposed(disposition, keys, told),
        Effect::Observed(observed) => {
            told.push(format!(
                "= would have set {} on {}, {}",
                observed.measure.name(),
                party(&observed.head, keys),
                by(&observed.head)
            ));
            evidence(&observed.evidence, told);
        }
        Effect::Unmatched { reason, .. } => told.push(format!("= unmatched: {}", reason.name())),
        Effect::Reported(_) => told.push("= reported to another partition".to_owned()),
    }
}

fn disposed(disposition: &Disposition, keys: &Keys, told: &mut Vec<String>) {
    let head = disposition.head();
    let party = party(head, keys);
    match disposition {
        Disposition::OpeningAccepted(accepted) => {
            told.push(format!("= accepted {party}, slot kept until {}", time(accepted.reserved_until)));
        }
        Disposition::MeasureSet(set) => {
            let (notice, measure) = (set.notice(), set.measure().name());
            told.push(format!("= {measure} on {party} until {}, {}", time(notice.end), by(head)));
            evidence(set.evidence(), told);
            told.push(format!("=   appeal {}, answered by {}", notice.appeal, time(notice.answer_due)));
            match set.telling() {
                Telling::Now => {}
                Telling::Deferred { clause, until } => {
                    told.push(format!("=   the person is told at {} ({clause})", time(*until)));
                }
                Telling::ByAuthority => told.push("=   the authority tells the person itself".to_owned()),
            }
        }
        Disposition::MeasureEnded(ended) => {
            let lifted = match ended.override_until {
                Some(until) => format!("; the rule looks only at what comes after, until {}", time(until)),
                None => String::new(),
            };
            told.push(format!(
                "= ended {} on {party} at {}: {}{lifted}",
                ended.measure.name(),
                time(head.at),
                ended.cause.name()
            ));
        }
        Disposition::ReservationLapsed(lapsed) => {
            told.push(format!("= slot of {party} free again at {}", time(lapsed.head.at)));
        }
        Disposition::MeasureExtended(extended) => {
            let name = extended.measure.name();
            told.push(format!("= extended {name} on {party} until {}", time(extended.notice.end)));
        }
        Disposition::NoticeReleased(released) => {
            told.push(format!("= told of {} on {party} now", released.measure.name()));
        }
        Disposition::OrderAnswered(answered) => {
            let (name, at) = (&answered.name, time(head.at));
            let kind = answered.kind.map_or(String::new(), |kind| format!(" ({})", kind.name()));
            told.push(format!(
                "= answered {} on {}{kind}: {} at {at}",
                name.issuer,
                name.number,
                answered.outcome.name()
            ));
        }
    }
}

fn party(head: &Head, keys: &Keys) -> String {
    let reference = keys.open(&head.party.sealed).unwrap_or_else(|| "(unreadable)".to_owned());
    format!("{} {reference}", head.party.subject.kind.name())
}

fn by(head: &Head) -> String {
    format!("lane {}, {} version {}", head.lane.name(), head.rule.id, head.rule.version)
}

fn evidence(evidence: &Evidence, told: &mut Vec<String>) {
    if let Some(count) = &evidence.count {
        let elsewhere = count.elsewhere.map_or(String::new(), |count| format!(", elsewhere {count}"));
        told.push(format!("=   because {} held{elsewhere}, at most {}", count.held, count.count_max));
    }
    if evidence.braked {
        told.push("=   braked: the rule's harm budget is spent, so it only verifies".to_owned());
    }
    for comparison in &evidence.comparisons {
        let (left, right) = (comparison.left, comparison.right);
        told.push(format!("=   because {}: {left} {} {right}", comparison.text, comparison.op.symbol()));
    }
    for sign in &evidence.signs {
        let (left, right) = (sign.left, sign.right);
        told.push(format!("=     sign {}: {left} {} {right}", sign.text, sign.op.symbol()));
    }
}

/// Appends the text of a notice in both languages, as it leaves.
pub(super) fn notice(record: &OutRecord, told: &mut Vec<String>) -> anyhow::Result<()> {
    if record.topic != Topic::Notices {
        return Ok(());
    }
    let value: Value = serde_json::from_slice(record.value.as_deref().unwrap_or_default())?;
    for language in ["zh-CN", "en"] {
        let text = value.pointer(&format!("/data/text/{language}")).and_then(Value::as_str).unwrap_or("");
        told.extend(text.lines().map(|line| format!("| {line}")));
        told.push("|".to_owned());
    }
    Ok(())
}

/// To the minute, or to the second where it matters, in Beijing time.
fn time(at: TimeMs) -> String {
    let full = rfc3339(at, 480).unwrap_or_default();
    let seconds = full.get(16..19).filter(|seconds| *seconds != ":00").unwrap_or("");
    format!("{}{seconds}", full.get(..16).unwrap_or(""))
}
