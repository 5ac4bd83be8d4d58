//! What was decided, as lines a person can read and compare.

use serde_json::Value;

use super::script::Zone;
use crate::codec::keys::Keys;
use crate::codec::output::{OutRecord, Topic};
use crate::engine::appeal::AppealAnswer;
use crate::engine::disposition::{Disposition, Head, HeldBack, MeasureMoved};
use crate::engine::evidence::Evidence;
use crate::engine::input::Effect;
use crate::engine::lead::{LeadNews, Referral};
use crate::engine::life::Word;
use crate::engine::measure::Measure;
use crate::engine::notice::{Answering, Telling};

/// Who tells it: what opens references, and the zone of times.
pub(super) struct Teller<'a> {
    pub keys: &'a Keys,
    pub zone: Zone,
}

/// Appends the lines of one effect.
pub(super) fn effect(effect: &Effect, teller: &Teller<'_>, told: &mut Vec<String>) {
    match effect {
        Effect::Disposed(disposition) => disposed(disposition, teller, told),
        Effect::Observed(observed) => {
            let is_waived = observed.evidence.softened.as_ref().is_some_and(|softened| softened.waived);
            told.push(format!(
                "= {} {} on {}, {}",
                if is_waived { "waived" } else { "would have set" },
                observed.measure.name(),
                party(&observed.head, teller),
                by(&observed.head)
            ));
            evidence(&observed.evidence, told);
        }
        Effect::Unmatched { reason, .. } => told.push(format!("= unmatched: {}", reason.name())),
        Effect::RuleShadowed(shadowed) => {
            let (rule, count) = (&shadowed.rule, &shadowed.count);
            told.push(format!(
                "= rule {} version {} moved itself to shadow: {} measures, {} overturned, {} verified",
                rule.id, rule.version, count.measures, count.overruled, count.verified
            ));
        }
        Effect::Lead(news) => lead(news, teller, told),
        Effect::Reported(_) => told.push("= reported to another partition".to_owned()),
    }
}

fn disposed(disposition: &Disposition, teller: &Teller<'_>, told: &mut Vec<String>) {
    let head = disposition.head();
    let party = party(head, teller);
    match disposition {
        Disposition::OpeningAccepted(accepted) => {
            told.push(format!(
                "= accepted {party}, slot kept until {}",
                teller.zone.told(accepted.reserved_until)
            ));
        }
        Disposition::MeasureSet(set) => {
            let (notice, measure) = (set.notice(), set.measure().name());
            told.push(format!("= {measure} on {party} until {}, {}", teller.zone.told(notice.end), by(head)));
            evidence(set.evidence(), told);
            told.push(match notice.recourse.answering {
                Answering::Within(within) => {
                    format!(
                        "=   appeal {}, answered by {}",
                        notice.appeal,
                        teller.zone.told(head.at.plus(within))
                    )
                }
                Answering::PassedOn => format!("=   appeal {}, passed on to the authority", notice.appeal),
            });
            match set.telling() {
                Telling::Now => {}
                Telling::Deferred { clause, until } => {
                    told.push(format!("=   the person is told at {} ({clause})", teller.zone.told(*until)));
                }
                Telling::ByAuthority => told.push("=   the authority tells the person itself".to_owned()),
            }
        }
        Disposition::MeasureEnded(ended) => {
            let lifted = match ended.override_until {
                Some(until) => {
                    format!("; the rule looks only at what comes after, until {}", teller.zone.told(until))
                }
                None => String::new(),
            };
            told.push(format!(
                "= ended {} on {party} at {}: {}{lifted}",
                ended.measure.name(),
                teller.zone.told(head.at),
                ended.cause.name()
            ));
        }
        Disposition::MeasureMoved(moved) => moved_lines(moved, &party, teller, told),
        Disposition::ReservationLapsed(lapsed) => {
            told.push(format!("= slot of {party} free again at {}", teller.zone.told(lapsed.head.at)));
        }
        Disposition::AppealAnswered(answered) => {
            let due = answered.due.map_or(String::new(), |due| format!(", due {}", teller.zone.told(due)));
            told.push(format!(
                "= appeal {} against {} on {party} at {}{due}",
                answered.answer.name(),
                answered.measure.name(),
                teller.zone.told(head.at)
            ));
            if let Some(reason) = &answered.reason {
                told.push(format!("=   because {}", reason.zh));
            }
            let papers: Vec<&str> = answered.papers.all().map(Word::name).collect();
            if answered.answer == AppealAnswer::PapersAsked {
                told.push(format!("=   papers {}", papers.join(", ")));
            }
        }
        Disposition::MeasureExtended(extended) => {
            let name = extended.measure.name();
            told.push(format!(
                "= extended {name} on {party} until {}",
                teller.zone.told(extended.notice.end)
            ));
        }
        Disposition::NoticeReleased(released) => {
            told.push(format!("= told of {} on {party} now", released.measure.name()));
        }
        Disposition::OrderAnswered(answered) => {
            let (name, at) = (&answered.name, teller.zone.told(head.at));
            let case = answered.case.map_or(String::new(), |case| format!(", {}", case.name()));
            let kind = answered.kind.map_or(String::new(), |kind| format!(" ({}{case})", kind.name()));
            told.push(format!(
                "= answered {} on {}{kind}: {} at {at}",
                name.issuer,
                name.number,
                answered.outcome.name()
            ));
        }
    }
}

fn lead(news: &LeadNews, teller: &Teller<'_>, told: &mut Vec<String>) {
    let head = news.head();
    let about = match (head.holder, teller.keys.open(&head.party.sealed)) {
        (Some(_), Some(reference)) => format!("{} {reference}", head.party.subject.kind.name()),
        _ => format!("a {}", head.party.subject.kind.name()),
    };
    let by = format!("{} version {}", head.rule.id, head.rule.version);
    match news {
        LeadNews::Sent(sent) => {
            told.push(format!(
                "= lead {} about {about} to {}, {by}",
                sent.referral.name(),
                sent.authority.name
            ));
            if let Referral::LinkedAccounts(order) = &sent.referral {
                told.push(format!("=   on the order {} of {}", order.number, order.issuer));
            }
            evidence(&sent.evidence, told);
            let due = teller.zone.told(sent.answer_due);
            told.push(format!("=   reference {}, an answer is due by {due}", sent.reference));
        }
        LeadNews::Observed(observed) => {
            told.push(format!("= would have sent lead {} about {about}, {by}", observed.kind.name()));
            if observed.evidence.braked {
                told.push("=   as many as may wait for an answer do".to_owned());
            }
            let evidence_of = Evidence { braked: false, ..observed.evidence.clone() };
            evidence(&evidence_of, told);
        }
        LeadNews::Moved(moved) => {
            told.push(format!(
                "= lead {} about {about} at {}: {} -> {}",
                moved.kind,
                teller.zone.told(head.at),
                moved.from,
                moved.to
            ));
            if moved.alarm {
                told.push("=   the answer is late: people ask".to_owned());
            }
        }
    }
}

fn moved_lines(moved: &MeasureMoved, party: &str, teller: &Teller<'_>, told: &mut Vec<String>) {
    let due = moved.due.map_or(String::new(), |due| format!(", until {}", teller.zone.told(due)));
    let (from, to) = (&moved.from, &moved.to);
    told.push(format!(
        "= {} on {party} at {}: {from} -> {to}{due}",
        moved.measure.name(),
        teller.zone.told(moved.head.at)
    ));
    if let Some(again) = &moved.told_again {
        told.push(format!("=   told again by {}", again.by.name()));
    }
    match &moved.held_back {
        Some(HeldBack::Protected(by)) => told.push(format!("=   held back: protected by {}", by.id)),
        Some(held_back) => told.push(format!("=   held back: {}", held_back.name())),
        None => {}
    }
    if moved.asks_staff {
        told.push("=   staff take over".to_owned());
    }
}

fn party(head: &Head, teller: &Teller<'_>) -> String {
    let reference = teller.keys.open(&head.party.sealed).unwrap_or_else(|| "(unreadable)".to_owned());
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
    if evidence.shadowed {
        told.push("=   shadowed: the rule moved itself to shadow, so it only observes".to_owned());
    }
    if evidence.braked {
        told.push("=   braked: the rule's harm budget is spent, so it only verifies".to_owned());
    }
    if evidence.follows.is_some() {
        told.push("=   because the verification before was not passed".to_owned());
    }
    for signal in &evidence.signals {
        if let Some(number) = &signal.authorisation {
            told.push(format!("=   {} read under authorisation {number}", signal.name));
        }
    }
    if let Some(softened) = &evidence.softened {
        let asked = Measure::from(softened.asked).name();
        told.push(match softened.waived {
            true => format!("=   waived by {}", softened.by.id),
            false => format!("=   softened from {asked} by {}", softened.by.id),
        });
        for number in &softened.authorisations {
            told.push(format!("=   {} read under authorisation {number}", softened.by.id));
        }
    }
    if let Some(settlement) = &evidence.settlement {
        if settlement.other_differs {
            told.push("=   because it was settled with another than was asked for".to_owned());
        }
        if let Some((asked, settled)) = settlement.amounts {
            told.push(format!("=   because {asked} was asked for and {settled} settled, in minor units"));
        }
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
