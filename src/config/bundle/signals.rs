//! `signals/*.toml`: what is measured, with purpose and basis (D16).

use super::files::{ResemblingDecl, SignalDecl, SignalsFile};
use super::load::Bundle;
use super::made;
use super::notices::{check_key, title};
use super::purposes::{CUSTOMER, Relabelled, purpose, relabel};
use super::triggers::feeds_of;
use super::values::{date, named, span_within, window};
use crate::engine::base::{Currency, SpanMs};
use crate::engine::fact::Feed;
use crate::engine::notice::NoticeTexts;
use crate::engine::purpose::Purpose;
use crate::engine::signal::{
    Aggregate, Mark, OtherSide, Question, Reads, ReportLevel, Resembling, Signal, Tell, Window,
};
use crate::engine::subject::SubjectKind;

pub(super) const WINDOW_MIN: SpanMs = SpanMs(60_000);
pub(super) const WINDOW_MAX: SpanMs = SpanMs::days(180);
/// A payment a hundred times as large resembles nothing.
const RESEMBLING_MAX: u32 = 100_000;
/// Levels of sums are in minor units.
const LEVEL_MAX: u64 = 1_000_000_000_000_000;

/// All signals by name, and the relabellings among them.
pub(super) fn signals(bundle: &mut Bundle, notices: Option<&NoticeTexts>) -> (Vec<Signal>, Vec<Relabelled>) {
    let mut declared: Vec<Declared> = Vec::new();
    let mut relabelled = Vec::new();
    for (path, _, file) in bundle.folder::<SignalsFile>("signals") {
        for (name, decl) in file {
            bundle.check_name(&path, &name, &name);
            if let Some(other) = declared.iter().find(|other| other.name == name) {
                let message = format!("`{name}` is declared in {} too; keep one", other.path);
                bundle.problems.add(&path, &name, message);
                continue;
            }
            let bases = notices.map(|texts| &texts.bases);
            check_key(bundle, &path, &format!("{name}.basis"), bases, &decl.basis);
            declared.push(Declared { path: path.clone(), name, decl });
        }
    }
    let mut signals: Vec<Signal> = Vec::new();
    let mut made = Vec::new();
    for one in declared {
        match one.decl.aggregate.as_str() {
            "ratio" | "difference" => made.push(one),
            _ => signals.extend(one.signal(bundle, &mut relabelled)),
        }
    }
    // Numbers are places in the order of names, those of made signals among them.
    let mut names: Vec<String> =
        signals.iter().map(|s| s.name.clone()).chain(made.iter().map(|one| one.name.clone())).collect();
    names.sort();
    let whole: Vec<Signal> =
        made.iter().filter_map(|one| made::signal(one, bundle, &signals, &names, &mut relabelled)).collect();
    signals.extend(whole);
    signals.sort_by(|a, b| a.name.cmp(&b.name));
    (signals, relabelled)
}

/// A signal as it stands in its file.
pub(super) struct Declared {
    pub path: String,
    pub name: String,
    pub decl: SignalDecl,
}

impl Declared {
    pub(super) fn key(&self, part: &str) -> String {
        format!("{}.{part}", self.name)
    }

    pub(super) fn note<T>(&self, bundle: &mut Bundle, part: &str, result: Result<T, String>) -> Option<T> {
        bundle.note(&self.path, &self.key(part), result)
    }

    pub(super) fn subject(&self, bundle: &mut Bundle) -> Option<SubjectKind> {
        let kinds = SubjectKind::ALL.map(|kind| (kind.name(), kind));
        self.note(bundle, "subject", named("subject", &self.decl.subject, kinds))
    }

    /// A problem for each of these keys that is there and has no use.
    pub(super) fn useless(&self, bundle: &mut Bundle, keys: &[(&str, bool)], why: &str) {
        for (key, _) in keys.iter().filter(|(_, written)| *written) {
            bundle.problems.add(&self.path, &self.key(key), format!("{why}; leave `{key}` out"));
        }
    }

    /// The keys that only a question of a log has.
    pub(super) fn question_keys(&self) -> [(&'static str, bool); 11] {
        let decl = &self.decl;
        [
            ("feeds", !decl.feeds.is_empty()),
            ("returned_by", !decl.returned_by.is_empty()),
            ("window", decl.window.is_some()),
            ("delay", decl.delay.is_some()),
            ("currency", decl.currency.is_some()),
            ("amount_min", decl.amount_min.is_some()),
            ("amount_max", decl.amount_max.is_some()),
            ("resembling", decl.resembling.is_some()),
            ("only", !decl.only.is_empty()),
            ("without", !decl.without.is_empty()),
            ("without_event", decl.without_event),
        ]
    }

    fn signal(&self, bundle: &mut Bundle, relabelled: &mut Vec<Relabelled>) -> Option<Signal> {
        let title = title(bundle, &self.path, &self.key("title"), self.decl.title.clone());
        let subject = self.subject(bundle);
        let purpose = self.purpose(bundle, relabelled);
        let made = [("of", !self.decl.of.is_empty()), ("scale", self.decl.scale.is_some())];
        self.useless(bundle, &made, "only `ratio` and `difference` are made of two signals");
        let reads = if self.decl.aggregate == "measures_standing" {
            self.useless(bundle, &self.question_keys(), "standing measures are read from no log");
            self.note(bundle, "subject", protects_payer(subject?, purpose?)).map(|()| Reads::MeasuresStanding)
        } else if self.decl.aggregate == "since_opened" {
            self.useless(bundle, &self.question_keys(), "the time since the opening is read from no log");
            self.note(bundle, "subject", opened(subject?)).map(|()| Reads::SinceOpened)
        } else {
            self.question(bundle, subject?, purpose).map(Reads::Log)
        };
        let reads = reads?;
        let report = self.report(bundle, subject?, &reads);
        Some(Signal {
            name: self.name.clone(),
            subject: subject?,
            reads,
            purpose: purpose?,
            basis: self.decl.basis.clone(),
            report,
            title,
        })
    }

    fn question(
        &self,
        bundle: &mut Bundle,
        subject: SubjectKind,
        purpose: Option<Purpose>,
    ) -> Option<Question> {
        let decl = &self.decl;
        let made =
            [("ratio", None), ("difference", None), ("since_opened", None), ("measures_standing", None)];
        let known = Aggregate::ALL.map(|(name, aggregate)| (name, Some(aggregate))).into_iter().chain(made);
        let aggregate = self.note(bundle, "aggregate", named("aggregate", &decl.aggregate, known)).flatten();
        let window = match &decl.window {
            Some(text) => self.note(bundle, "window", window(text, WINDOW_MIN, WINDOW_MAX)),
            None => self.note(
                bundle,
                "window",
                Err("is missing; write a span such as `6h`, or `day`, `month`, `year`, `5 working days`"
                    .to_owned()),
            ),
        };
        let delay = match &decl.delay {
            Some(text) => self.note(bundle, "delay", span_within(text, WINDOW_MIN, WINDOW_MAX)),
            None => Some(SpanMs(0)),
        };
        let feeds = self.feeds(bundle, "feeds", subject, &decl.feeds);
        let aggregate = aggregate?;
        let returned_by = match (aggregate, decl.returned_by.as_slice()) {
            (Aggregate::Returned, written) => self.feeds(bundle, "returned_by", subject, written),
            (_, []) => Some(0),
            (..) => self.note(
                bundle,
                "returned_by",
                Err("only the aggregate `returned` has feeds that answer; leave it out".to_owned()),
            ),
        };
        let resembling = match &decl.resembling {
            Some(written) => Some(self.note(bundle, "resembling", resembling(written, subject))?),
            None => None,
        };
        let question = Question {
            feeds: feeds?,
            returned_by: returned_by?,
            aggregate,
            window: window?,
            delay: delay?,
            currency: Currency::CNY,
            amount_min: decl.amount_min,
            amount_max: decl.amount_max,
            resembling,
            only: self.marks(bundle, "only", &decl.only)?,
            without: self.marks(bundle, "without", &decl.without)?,
            without_event: decl.without_event,
        };
        if question.only & question.without != 0 {
            bundle.problems.add(
                &self.path,
                &self.key("without"),
                "names a mark that `only` asks for, so no entry counts",
            );
        }
        if question.only | question.without != 0
            && !question.reads(Feed::TransferPayer)
            && !question.reads(Feed::TransferPayee)
        {
            bundle.problems.add(&self.path, &self.key("only"), "asks for marks, which only transfers bear; read `transfer_posted.payer` or `.payee`, or leave it out");
        }
        self.bounds(bundle);
        if question.feeds & question.returned_by != 0 {
            bundle.problems.add(
                &self.path,
                &self.key("returned_by"),
                "names a feed that `feeds` has too, which would answer itself",
            );
        }
        const PROTECTS: &str = "may only protect (D27); give the signal the purpose `protection`";
        const WARNS: &str = "may only protect likely victims (APL 34); give the signal the purpose `victim`";
        for (feed, only, why) in [
            (Feed::LivelihoodPayee, Purpose::PROTECTION, PROTECTS),
            (Feed::EssentialPosted, Purpose::PROTECTION, PROTECTS),
            (Feed::VictimWarnedPayer, Purpose::VICTIM, WARNS),
        ] {
            if question.reads(feed) && purpose.is_some_and(|purpose| purpose != only) {
                let message = format!("reads `{}`, which {why}", feed.name());
                bundle.problems.add(&self.path, &self.key("feeds"), message);
            }
        }
        self.of_abnormal(bundle, &question);
        let currency = currency(&question, decl.currency.as_deref());
        let currency = self.note(bundle, "currency", currency)?;
        if question.resembling.is_some() && currency != Currency::CNY {
            bundle.problems.add(
                &self.path,
                &self.key("resembling"),
                "compares with the event's amount, which is known in yuan only; use `currency = \"CNY\"`",
            );
        }
        Some(Question { currency, ..question })
    }

    /// Data of abnormal customers is declared for anomalies, and only the customer opens another use (S22).
    fn of_abnormal(&self, bundle: &mut Bundle, question: &Question) {
        let by_customer = self.is_by_customer();
        let is_of_abnormal = question.is_of_abnormal();
        if is_of_abnormal && Some(Purpose::DEVICE_DATA) != Purpose::from_name(&self.decl.purpose) {
            bundle.problems.add(&self.path, &self.key("feeds"), "reads data of abnormal customers, which serves fraud prevention alone (APL 18(4)); give the signal the purpose `device_data`, and for another use `relabel` it under the customer's authorisation");
        }
        if by_customer && !is_of_abnormal {
            bundle.problems.add(&self.path, &self.key("relabel"), "asks for the customer's authorisation, which is of `device_seen.customer` and `location_seen.customer` alone; read one of these");
        }
    }

    /// Whether it serves another use under each customer's authorisation.
    pub(super) fn is_by_customer(&self) -> bool {
        self.decl.relabel.as_ref().is_some_and(|change| change.authorisation == CUSTOMER)
    }

    fn marks(&self, bundle: &mut Bundle, key: &str, written: &[String]) -> Option<u8> {
        let mut bits = 0;
        for text in written {
            bits |= self.note(bundle, key, named("mark of a transfer", text, Mark::ALL))?.bit();
        }
        Some(bits)
    }

    fn bounds(&self, bundle: &mut Bundle) {
        for (key, bound) in [("amount_min", self.decl.amount_min), ("amount_max", self.decl.amount_max)] {
            if bound.is_some_and(|bound| !(0..=LEVEL_MAX.cast_signed()).contains(&bound)) {
                bundle.problems.add(
                    &self.path,
                    &self.key(key),
                    format!("is out of bounds: minor units, at least 0, at most {LEVEL_MAX}"),
                );
            }
        }
        if let (Some(low), Some(high)) = (self.decl.amount_min, self.decl.amount_max)
            && low > high
        {
            bundle.problems.add(
                &self.path,
                &self.key("amount_min"),
                "is above amount_max, so no entry counts",
            );
        }
    }

    fn feeds(&self, bundle: &mut Bundle, key: &str, subject: SubjectKind, written: &[String]) -> Option<u32> {
        let (known, key) = (feeds_of(subject), self.key(key));
        if known.is_empty() {
            let message = format!("nothing is logged of `{}`; measure its holder instead", subject.name());
            bundle.problems.add(&self.path, &self.key("subject"), message);
            return None;
        }
        if written.is_empty() {
            bundle.problems.add(&self.path, &key, "is empty; name what it reads");
            return None;
        }
        let mut bits = 0;
        for feed in written {
            let what = format!("feed of `{}`", subject.name());
            let names = known.iter().map(|feed| (feed.name(), *feed));
            let feed = bundle.note(&self.path, &key, named(&what, feed, names))?;
            if bits & feed.bit() != 0 {
                bundle.problems.add(&self.path, &key, format!("`{}` stands twice", feed.name()));
            }
            bits |= feed.bit();
        }
        Some(bits)
    }

    pub(super) fn purpose(&self, bundle: &mut Bundle, relabelled: &mut Vec<Relabelled>) -> Option<Purpose> {
        let from = self.note(bundle, "purpose", purpose(&self.decl.purpose))?;
        let Some(change) = &self.decl.relabel else {
            return Some(from);
        };
        let to = self.note(bundle, "relabel.to", purpose(&change.to))?;
        self.note(bundle, "relabel.decided_on", date(&change.decided_on, 0))?;
        let made = relabel(&self.name, from, to, &change.authorisation, &change.decided_on);
        relabelled.push(self.note(bundle, "relabel", made)?);
        Some(to)
    }

    /// The declared level and whom it tells.
    pub(super) fn report(
        &self,
        bundle: &mut Bundle,
        subject: SubjectKind,
        reads: &Reads,
    ) -> Option<ReportLevel> {
        let Some(level) = self.decl.report_level else {
            self.useless(bundle, &[("report", self.decl.report.is_some())], "there is no report_level");
            return None;
        };
        let usual = match (subject, reads) {
            (_, Reads::MeasuresStanding) => "payer",
            (SubjectKind::Counterparty, _) => "event",
            _ => "holders",
        };
        let tell = self.decl.report.as_deref().unwrap_or(usual);
        let receivers = [
            ("holders", Tell::Holders),
            ("event", Tell::Event),
            ("payer", Tell::Payer),
            ("payee", Tell::Payee),
        ];
        let tell = named("receiver of reports", tell, receivers);
        let tell = self.note(bundle, "report", tell)?;
        self.note(bundle, "report_level", report_level(level, tell, subject, reads))?;
        Some(ReportLevel { level, tell })
    }
}

/// Only what is opened by a request has a time since then.
fn opened(subject: SubjectKind) -> Result<(), String> {
    if matches!(subject, SubjectKind::Account | SubjectKind::PhoneCard | SubjectKind::IotCard) {
        return Ok(());
    }
    Err(format!(
        "`{}` is not opened; `since_opened` is of an account, a phone_card or an iot_card",
        subject.name()
    ))
}

/// Standing measures are told of the payee alone, and only to protect who pays them.
fn protects_payer(subject: SubjectKind, purpose: Purpose) -> Result<(), String> {
    if subject != SubjectKind::Counterparty {
        return Err("`measures_standing` is of a `counterparty`: a measure is no evidence for another one on the same account".to_owned());
    }
    if purpose != Purpose::VICTIM {
        return Err(
            "`measures_standing` may only protect likely victims (APL 34); give it the purpose `victim`"
                .to_owned(),
        );
    }
    Ok(())
}

fn currency(question: &Question, written: Option<&str>) -> Result<Currency, String> {
    match written {
        Some(code) if question.reads_amount() => {
            Currency::parse(code).ok_or_else(|| format!("`{code}` is no currency; write it as `CNY`"))
        }
        Some(_) => Err("this reads no amounts; leave the currency out".to_owned()),
        None if question.reads_amount() => {
            Err("amounts are read in one currency; add `currency = \"CNY\"`".to_owned())
        }
        None => Ok(Currency::CNY),
    }
}

fn resembling(written: &ResemblingDecl, subject: SubjectKind) -> Result<Resembling, String> {
    let sides = [("any", OtherSide::Any), ("same", OtherSide::Same), ("different", OtherSide::Different)];
    let other = named("other side", &written.other, sides)?;
    if written.low > written.high || written.high > RESEMBLING_MAX {
        return Err(format!(
            "bounds are thousandths of the event's amount, low not above high, at most {RESEMBLING_MAX}"
        ));
    }
    if other != OtherSide::Any && !subject.lives_with_holder() && subject != SubjectKind::Counterparty {
        return Err(format!(
            "a `{}` is met by an event that names no other side there; write `other = \"any\"`",
            subject.name()
        ));
    }
    Ok(Resembling { low_per_mille: written.low, high_per_mille: written.high, other })
}

fn report_level(level: u64, tell: Tell, subject: SubjectKind, reads: &Reads) -> Result<(), String> {
    if subject.lives_with_holder() {
        return Err("only shared subjects (device, agent, outlet, terminal, phone number, address) and counterparties report; a rule reads the others directly".to_owned());
    }
    if *reads == Reads::MeasuresStanding && tell != Tell::Payer {
        return Err("is told to the payer of a transfer alone; write `report = \"payer\"`".to_owned());
    }
    let least = match tell {
        Tell::Payer | Tell::Payee if subject != SubjectKind::Counterparty => {
            return Err("only a counterparty has a payer or payee; write `report = \"event\"`".to_owned());
        }
        Tell::Event | Tell::Payer | Tell::Payee => 1,
        Tell::Holders if subject == SubjectKind::Counterparty => {
            return Err(
                "a counterparty's signal is told to the event alone; write `report = \"event\"`".to_owned()
            );
        }
        Tell::Holders if !tells_holders(reads) => {
            return Err("only a count or distinct over a sliding window, without delay, bounds or resemblance, can tell `holders`; write `report = \"event\"`".to_owned());
        }
        // A level of one would tell every holder of every meeting.
        Tell::Holders => 2,
    };
    let most = if tell == Tell::Holders { 100_000 } else { LEVEL_MAX };
    if !(least..=most).contains(&level) {
        return Err(format!("is out of bounds: at least {least}, at most {most}"));
    }
    Ok(())
}

/// Whether it can be said until when such a signal stands, and who was behind it (S9).
fn tells_holders(reads: &Reads) -> bool {
    let Reads::Log(question) = reads else {
        return false;
    };
    matches!(question.aggregate, Aggregate::Count | Aggregate::Distinct)
        && matches!(question.window, Window::Sliding(_))
        && question.delay == SpanMs(0)
        && !question.reads_amount()
        && !question.without_event
        // A report of stock is no meeting with anybody.
        && !question.reads(Feed::DeviceStockAgent)
        && !question.reads(Feed::DeviceStockOutlet)
}
