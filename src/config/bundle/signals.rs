//! `signals/*.toml`: what is measured, with purpose and basis (D16).

use super::files::{SignalDecl, SignalsFile};
use super::load::Bundle;
use super::notices::{check_key, title};
use super::purposes::{Relabelled, purpose, relabel};
use super::values::{date, named, span_within};
use crate::engine::base::{Currency, SpanMs};
use crate::engine::fact::Feed;
use crate::engine::notice::NoticeTexts;
use crate::engine::signal::{Aggregate, Question, Reads, ReportLevel, Signal, Tell};
use crate::engine::subject::SubjectKind;

const WINDOW_MIN: SpanMs = SpanMs(60_000);
const WINDOW_MAX: SpanMs = SpanMs::days(30);

/// All signals by name, and the relabellings among them.
pub(super) fn signals(bundle: &mut Bundle, notices: Option<&NoticeTexts>) -> (Vec<Signal>, Vec<Relabelled>) {
    let mut found: Vec<(String, Signal)> = Vec::new();
    let mut relabelled = Vec::new();
    for (path, _, file) in bundle.folder::<SignalsFile>("signals") {
        for (name, decl) in file {
            bundle.check_name(&path, &name, &name);
            if let Some((other, _)) = found.iter().find(|(_, signal)| signal.name == name) {
                let message = format!("`{name}` is declared in {other} too; keep one");
                bundle.problems.add(&path, &name, message);
                continue;
            }
            check_key(
                bundle,
                &path,
                &format!("{name}.basis"),
                notices.map(|texts| &texts.bases),
                &decl.basis,
            );
            if let Some(signal) = signal(bundle, &path, &name, decl, &mut relabelled) {
                found.push((path.clone(), signal));
            }
        }
    }
    let mut signals: Vec<Signal> = found.into_iter().map(|(_, signal)| signal).collect();
    signals.sort_by(|a, b| a.name.cmp(&b.name));
    (signals, relabelled)
}

fn signal(
    bundle: &mut Bundle,
    path: &str,
    name: &str,
    decl: SignalDecl,
    relabelled: &mut Vec<Relabelled>,
) -> Option<Signal> {
    let key = |part: &str| format!("{name}.{part}");
    let title = title(bundle, path, &key("title"), decl.title.clone());
    let kinds = SubjectKind::ALL.map(|kind| (kind.name(), kind));
    let subject = bundle.note(path, &key("subject"), named("subject", &decl.subject, kinds));
    let aggregate = bundle.note(path, &key("aggregate"), named("aggregate", &decl.aggregate, Aggregate::ALL));
    let window = bundle.note(path, &key("window"), span_within(&decl.window, WINDOW_MIN, WINDOW_MAX));
    let purpose = signal_purpose(bundle, path, name, &decl, relabelled);
    let feeds = subject.and_then(|subject| feeds(bundle, path, name, subject, &decl.feeds));
    let currency = aggregate.and_then(|aggregate| {
        bundle.note(path, &key("currency"), currency(aggregate, decl.currency.as_deref()))
    });
    if let (Some(level), Some(subject), Some(aggregate)) = (decl.report_level, subject, aggregate) {
        bundle.note(path, &key("report_level"), report_level(level, subject, aggregate));
    }
    Some(Signal {
        name: name.to_owned(),
        subject: subject?,
        reads: Reads::Log(Question { currency: currency?, ..Question::sliding(feeds?, aggregate?, window?) }),
        purpose: purpose?,
        basis: decl.basis,
        report: decl.report_level.map(|level| ReportLevel { level, tell: Tell::Holders }),
        title,
    })
}

fn signal_purpose(
    bundle: &mut Bundle,
    path: &str,
    name: &str,
    decl: &SignalDecl,
    relabelled: &mut Vec<Relabelled>,
) -> Option<crate::engine::purpose::Purpose> {
    let from = bundle.note(path, &format!("{name}.purpose"), purpose(&decl.purpose))?;
    let Some(change) = &decl.relabel else {
        return Some(from);
    };
    let to = bundle.note(path, &format!("{name}.relabel.to"), purpose(&change.to))?;
    bundle.note(path, &format!("{name}.relabel.decided_on"), date(&change.decided_on, 0))?;
    let made = relabel(name, from, to, &change.authorisation, &change.decided_on);
    let made = bundle.note(path, &format!("{name}.relabel"), made)?;
    relabelled.push(made);
    Some(to)
}

fn currency(aggregate: Aggregate, written: Option<&str>) -> Result<Currency, String> {
    match written {
        Some(code) if aggregate.reads_amount() => {
            Currency::parse(code).ok_or_else(|| format!("`{code}` is no currency; write it as `CNY`"))
        }
        Some(_) => Err("counts and distincts read no amounts; leave the currency out".to_owned()),
        None if aggregate.reads_amount() => {
            Err("amounts are read in one currency; add `currency = \"CNY\"`".to_owned())
        }
        None => Ok(Currency::CNY),
    }
}

fn report_level(level: u64, subject: SubjectKind, aggregate: Aggregate) -> Result<(), String> {
    if subject.lives_with_holder() {
        return Err("only shared subjects (device, agent, outlet, terminal, phone number) report; a rule reads the others directly".to_owned());
    }
    if aggregate.reads_amount() {
        return Err("only count and distinct can report".to_owned());
    }
    // A level of one would tell every holder of every meeting.
    if !(2..=100_000).contains(&level) {
        return Err("is out of bounds: at least 2, at most 100000".to_owned());
    }
    Ok(())
}

/// The feeds that reach the log of a kind of subject (ARCHITECTURE S5).
pub(super) fn feeds_of(kind: SubjectKind) -> &'static [Feed] {
    const TRANSACTIONS: [Feed; 3] = [Feed::TransferPayer, Feed::TransferPayee, Feed::CardPaymentCard];
    match kind {
        SubjectKind::Account | SubjectKind::Pair => &TRANSACTIONS,
        SubjectKind::Holder => &[
            Feed::TransferPayer,
            Feed::TransferPayee,
            Feed::CardPaymentCard,
            Feed::CardUsageCard,
            Feed::OpeningRequestedHolder,
        ],
        SubjectKind::PhoneCard => &[Feed::CardUsageCard],
        SubjectKind::Device => &[Feed::OpeningRequestedDevice, Feed::TransferDevice, Feed::CardUsageDevice],
        SubjectKind::Agent => &[Feed::OpeningRequestedAgent],
        SubjectKind::Outlet => &[Feed::OpeningRequestedOutlet],
        SubjectKind::Terminal => &[Feed::CardPaymentTerminal],
        SubjectKind::PhoneNumber => &[Feed::OpeningRequestedPhoneNumber],
        SubjectKind::Counterparty => &TRANSACTIONS,
        SubjectKind::Address => &[Feed::OpeningRequestedAddress],
        SubjectKind::IotCard | SubjectKind::Opening => &[],
    }
}

fn feeds(
    bundle: &mut Bundle,
    path: &str,
    name: &str,
    subject: SubjectKind,
    written: &[String],
) -> Option<u32> {
    let key = format!("{name}.feeds");
    if feeds_of(subject).is_empty() {
        let message = format!("nothing is logged of `{}`; measure its holder instead", subject.name());
        bundle.problems.add(path, &format!("{name}.subject"), message);
        return None;
    }
    if written.is_empty() {
        bundle.problems.add(path, &key, "is empty; name what it reads");
        return None;
    }
    let mut bits = 0;
    for feed in written {
        let known = feeds_of(subject).iter().map(|feed| (feed.name(), *feed));
        let what = format!("feed of `{}`", subject.name());
        let feed = bundle.note(path, &key, named(&what, feed, known))?;
        if bits & feed.bit() != 0 {
            bundle.problems.add(path, &key, format!("`{}` stands twice", feed.name()));
        }
        bits |= feed.bit();
    }
    Some(bits)
}
