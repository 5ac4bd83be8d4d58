//! `rules/*.toml`: a condition over signals and the measure it asks for, with every check that keeps
//! a rule lawful, explainable and able to fire.

use super::condition::reads_amount;
use super::files::{PrecisionDecl, RuleFile};
use super::load::Bundle;
use super::notices::{check_key, title};
use super::purposes::{joined, purpose};
use super::signals::feeds_of;
use super::values::{date, named, span_within};
use crate::config::expression;
use crate::engine::base::SpanMs;
use crate::engine::fact::Feed;
use crate::engine::measure::{Measure, MeasureKind};
use crate::engine::notice::NoticeTexts;
use crate::engine::rule::{Condition, PrecisionRecord, Rule, RuleOrigin, RuleStatus, Trigger};
use crate::engine::signal::Signal;
use crate::engine::subject::SubjectKind;

const MEASURE_FOR_MIN: SpanMs = SpanMs(60_000);
/// No measure of a rule outlasts a quarter without being set anew (D26).
const MEASURE_FOR_MAX: SpanMs = SpanMs::days(92);

/// All rules by id.
pub(super) fn rules(bundle: &mut Bundle, signals: &[Signal], notices: Option<&NoticeTexts>) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (path, id, file) in bundle.folder::<RuleFile>("rules") {
        bundle.check_name(&path, "", &id);
        check_key(bundle, &path, "reason", notices.map(|texts| &texts.reasons), &file.reason);
        check_key(bundle, &path, "basis", notices.map(|texts| &texts.bases), &file.basis);
        rules.extend(rule(bundle, &path, id, file, signals));
    }
    rules.sort_by(|a, b| a.id.cmp(&b.id));
    rules
}

fn rule(bundle: &mut Bundle, path: &str, id: String, file: RuleFile, signals: &[Signal]) -> Option<Rule> {
    let subjects = [SubjectKind::Account, SubjectKind::PhoneCard, SubjectKind::Opening];
    let statuses =
        [("enforced", RuleStatus::Enforced), ("shadow", RuleStatus::Shadow), ("off", RuleStatus::Off)];
    let measures = MeasureKind::ALL.map(|kind| (Measure::from(kind).name(), kind));
    let names: Vec<&str> = signals.iter().map(|signal| signal.name.as_str()).collect();

    let subject = named("subject of a rule", &file.subject, subjects.map(|kind| (kind.name(), kind)));
    let subject = bundle.note(path, "subject", subject);
    let status = bundle.note(path, "status", named("status", &file.status, statuses));
    let measure = bundle.note(path, "measure", named("measure", &file.measure, measures));
    let measure_for =
        bundle.note(path, "measure_for", span_within(&file.measure_for, MEASURE_FOR_MIN, MEASURE_FOR_MAX));
    let own_purpose = bundle.note(path, "purpose", purpose(&file.purpose));
    let condition = expression::compile(&file.condition, &names).map_err(|error| error.to_string());
    let condition = bundle.note(path, "condition", condition);
    let precision = precision(bundle, path, file.precision);
    if file.version == 0 {
        bundle.problems.add(path, "version", "versions count from 1");
    }
    let title = title(bundle, path, "title", file.title);
    let (subject, measure) = (subject?, measure?);
    let fits = bundle.note(path, "measure", fits(measure, subject));
    let triggers = triggers(bundle, path, subject, &file.triggers, signals)?;
    let condition = condition?;
    reads(bundle, path, subject, measure, &triggers, &condition, signals);

    let mut read: Vec<&Signal> = Vec::new();
    condition.signals(&mut |number| read.extend(signals.get(number)));
    read.extend(triggers.iter().filter_map(|trigger| match trigger {
        Trigger::Report(number) => signals.get(*number),
        Trigger::Feed(_) => None,
    }));
    fits?;
    let sources = read.iter().map(|signal| (signal.name.as_str(), signal.purpose));
    let purpose = bundle.note(path, "purpose", joined(own_purpose?, sources, measure.lane()))?;
    if status == Some(RuleStatus::Enforced) && precision.is_none() {
        bundle.warnings.add(
            path,
            "status",
            "has no record of measured precision, so it only observes; measure it and add [precision]",
        );
    }
    Some(Rule {
        id,
        version: file.version,
        title,
        status: status?,
        subject,
        triggers,
        condition,
        measure,
        measure_for: measure_for?,
        purpose,
        basis: file.basis,
        reason: file.reason,
        origin: RuleOrigin::Measured(precision),
        harm_budget: None,
    })
}

fn precision(bundle: &mut Bundle, path: &str, decl: Option<PrecisionDecl>) -> Option<PrecisionRecord> {
    let decl = decl?;
    if decl.data.trim().is_empty() {
        bundle.problems.add(path, "precision.data", "is empty; name the data it was measured on");
    }
    if decl.per_mille > 1_000 {
        bundle.problems.add(path, "precision.per_mille", "is true alerts per thousand alerts: at most 1000");
    }
    bundle.note(path, "precision.date", date(&decl.date, 0))?;
    Some(PrecisionRecord { data: decl.data, date: decl.date, per_mille: decl.per_mille })
}

/// A measure acts on one kind of subject (D24), and a rule never refuses an opening (D22).
fn fits(measure: MeasureKind, subject: SubjectKind) -> Result<(), String> {
    let fitting = match measure {
        MeasureKind::OpeningRefuse => {
            return Err(
                "no rule may refuse an opening: only a statutory limit can; use `opening_check_further`"
                    .to_owned(),
            );
        }
        MeasureKind::OpeningCheckFurther => SubjectKind::Opening,
        MeasureKind::PhoneCardReverify => SubjectKind::PhoneCard,
        MeasureKind::IotCardReverify => SubjectKind::IotCard,
        MeasureKind::Account(_) | MeasureKind::Victim(_) => SubjectKind::Account,
    };
    if fitting == subject {
        return Ok(());
    }
    Err(format!("acts on `{}`, and this rule is about `{}`", fitting.name(), subject.name()))
}

/// The feeds that can trigger a rule about a kind of party (ARCHITECTURE S7).
fn feeds_triggering(subject: SubjectKind) -> &'static [Feed] {
    match subject {
        SubjectKind::Opening => &[Feed::OpeningRequestedHolder],
        other => feeds_of(other),
    }
}

fn triggers(
    bundle: &mut Bundle,
    path: &str,
    subject: SubjectKind,
    written: &[String],
    signals: &[Signal],
) -> Option<Vec<Trigger>> {
    if written.is_empty() {
        bundle.problems.add(path, "triggers", "is empty; name an event, or `report:` and a signal");
    }
    let mut triggers = Vec::new();
    for text in written {
        let trigger = match text.strip_prefix("report:") {
            Some(name) => report(name, subject, signals),
            None => {
                let known = feeds_triggering(subject).iter().map(|feed| (feed.name(), *feed));
                named(&format!("trigger of a rule about `{}`", subject.name()), text, known)
                    .map(Trigger::Feed)
            }
        };
        let trigger = bundle.note(path, "triggers", trigger)?;
        if triggers.contains(&trigger) {
            bundle.problems.add(path, "triggers", format!("`{text}` stands twice"));
        }
        triggers.push(trigger);
    }
    (!triggers.is_empty()).then_some(triggers)
}

fn report(name: &str, subject: SubjectKind, signals: &[Signal]) -> Result<Trigger, String> {
    let known = signals.iter().map(|signal| signal.name.as_str());
    let Some((number, signal)) = signals.iter().enumerate().find(|(_, signal)| signal.name == name) else {
        return Err(match crate::config::nearest::nearest(name, known) {
            Some(near) => format!("unknown signal `{name}`; did you mean `{near}`?"),
            None => format!("unknown signal `{name}`; declare it under config/signals"),
        });
    };
    if signal.report.is_none() {
        return Err(format!("signal `{name}` has no report_level, so it is never reported"));
    }
    let reaches =
        Feed::ALL.into_iter().any(|feed| {
            target(feed) == Some(subject) && signal.questions(signals).any(|question| question.reads(feed))
        });
    if !reaches {
        return Err(format!("reports of `{name}` never name a party of kind `{}`", subject.name()));
    }
    Ok(Trigger::Report(number))
}

/// The kind of party that a report caused by this feed may act on.
fn target(feed: Feed) -> Option<SubjectKind> {
    match feed {
        Feed::OpeningRequestedAgent
        | Feed::OpeningRequestedDevice
        | Feed::OpeningRequestedPhoneNumber
        | Feed::OpeningRequestedOutlet
        | Feed::OpeningRequestedAddress => Some(SubjectKind::Opening),
        Feed::TransferDevice | Feed::CardPaymentTerminal | Feed::FraudConfirmedTerminal => {
            Some(SubjectKind::Account)
        }
        Feed::CardUsageDevice => Some(SubjectKind::PhoneCard),
        Feed::TransferPayer
        | Feed::TransferPayee
        | Feed::CardPaymentCard
        | Feed::OpeningRequestedHolder
        | Feed::CardUsageCard
        | Feed::CallPlacedCard
        | Feed::CallReceivedCard
        | Feed::MessageSentCard
        | Feed::LivelihoodPayee
        | Feed::FraudConfirmedPayer
        | Feed::FraudConfirmedPayee => None,
    }
}

/// What is there to read depends on what triggers the rule.
fn reads(
    bundle: &mut Bundle,
    path: &str,
    subject: SubjectKind,
    measure: MeasureKind,
    triggers: &[Trigger],
    condition: &Condition,
    signals: &[Signal],
) {
    let is_transaction = |trigger: &Trigger| {
        matches!(trigger, Trigger::Feed(Feed::TransferPayer | Feed::TransferPayee | Feed::CardPaymentCard))
    };
    let all_transactions = triggers.iter().all(is_transaction);
    if reads_amount(condition) && !all_transactions {
        bundle.problems.add(
            path,
            "condition",
            "reads event.amount, and a trigger of this rule has no amount",
        );
    }
    let own_transaction =
        |trigger: &Trigger| matches!(trigger, Trigger::Feed(Feed::TransferPayer | Feed::CardPaymentCard));
    if measure.is_per_event() && !triggers.iter().all(own_transaction) {
        // D2: the payer's side disposes of a transfer; a report names no transfer at all.
        bundle.problems.add(path, "measure", "is about one payment, so only the payer's side may trigger it: `transfer_posted.payer` or `card_payment_posted.card`");
    }
    let mut seen = Vec::new();
    condition.signals(&mut |number| seen.extend(signals.get(number).map(|signal| (number, signal))));
    seen.sort_by_key(|(number, _)| *number);
    seen.dedup_by_key(|(number, _)| *number);
    for (_, signal) in seen {
        let name = &signal.name;
        if signal.subject == SubjectKind::Pair && !all_transactions {
            let message = format!("reads `{name}` of a pair, and a trigger of this rule names no other side");
            bundle.problems.add(path, "condition", message);
        } else if !signal.subject.lives_with_holder() && signal.report.is_none() {
            let message = format!(
                "reads `{name}` of another subject, which is known by reports only; give it a report_level"
            );
            bundle.problems.add(path, "condition", message);
        } else if signal.subject.lives_with_holder()
            && !matches!(signal.subject, SubjectKind::Holder | SubjectKind::Pair)
            && signal.subject != subject
        {
            let message = format!(
                "reads `{name}` of `{}`, and this rule is about `{}`",
                signal.subject.name(),
                subject.name()
            );
            bundle.problems.add(path, "condition", message);
        }
    }
}
