//! What is held of one person, out of the facts log and what was published.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Value, json};

use super::field;
use crate::codec::keys::Keys;
use crate::codec::output::rfc3339;
use crate::config::bundle::{Loader, written};
use crate::engine::LoadRules as _;
use crate::engine::authorisation::{AuthorisedUse, TraceClass, TraceClasses};
use crate::engine::base::{TimeMs, Token};
use crate::engine::fact::{Fact, FactBody, OpeningStep};
use crate::engine::input::FactsRecord;
use crate::engine::life::Word;
use crate::engine::purpose::Purpose;
use crate::engine::ruleset::RuleSet;
use crate::engine::subject::{Party, SubjectKind};

/// Kinds of facts: name, in Chinese, in English.
type Kind = (&'static str, &'static str, &'static str);

/// One kind of fact that is kept of the person.
#[derive(Debug, Default, Clone)]
struct Kept {
    count: u64,
    first: Option<TimeMs>,
    last: Option<TimeMs>,
    words: (&'static str, &'static str),
}

/// An account or card, and since when it has been known.
#[derive(Debug, Clone)]
struct Own {
    kind: SubjectKind,
    reference: String,
    since: TimeMs,
    closed: Option<TimeMs>,
}

/// An authorisation about data of APL 18(4).
#[derive(Debug, Default, Clone)]
struct Authorised {
    opens: Option<AuthorisedUse>,
    data: TraceClasses,
    since: Option<TimeMs>,
    until: Option<TimeMs>,
    revoked: Option<TimeMs>,
}

/// What is held of one person.
pub(super) struct Held<'k> {
    keys: &'k Keys,
    holder: Token,
    loader: &'k Loader,
    rules: Option<Arc<RuleSet>>,
    kept: BTreeMap<&'static str, Kept>,
    own: BTreeMap<Token, Own>,
    dispositions: Vec<Value>,
    /// What the person authorised, by the number of its record.
    authorised: BTreeMap<Arc<str>, Authorised>,
}

impl<'k> Held<'k> {
    pub fn new(keys: &'k Keys, holder: Token, loader: &'k Loader) -> Held<'k> {
        Held {
            keys,
            holder,
            loader,
            rules: None,
            kept: BTreeMap::new(),
            own: BTreeMap::new(),
            dispositions: Vec::new(),
            authorised: BTreeMap::new(),
        }
    }

    /// Looks at one record of the facts.
    pub fn see(&mut self, record: &FactsRecord) {
        let FactsRecord::Facts(pack) = record else { return };
        for packed in &pack.facts {
            let fact = &packed.fact;
            if let FactBody::RuleSetActivated { bundle, .. } = &fact.body {
                // One that this program cannot compile is for `verify` to complain of.
                self.rules = self.loader.load(bundle).ok().or(self.rules.take());
            } else if is_of(fact, self.holder) {
                self.note(fact);
            }
        }
    }

    fn note(&mut self, fact: &Fact) {
        let (name, zh, en) = kind_of(&fact.body);
        let kept = self.kept.entry(name).or_default();
        kept.words = (zh, en);
        kept.count += 1;
        kept.first = Some(kept.first.map_or(fact.at, |first| first.min(fact.at)));
        kept.last = Some(kept.last.map_or(fact.at, |last| last.max(fact.at)));
        match &fact.body {
            FactBody::AuthorisationGranted { number, opens, data, until } => {
                let known = self.authorised.entry(Arc::clone(number)).or_default();
                (known.opens, known.data) = (Some(*opens), *data);
                (known.since, known.until) = (Some(fact.at), Some(*until));
            }
            FactBody::AuthorisationRevoked { number } => {
                self.authorised.entry(Arc::clone(number)).or_default().revoked = Some(fact.at);
            }
            _ => {}
        }
        if let Some(party) = party_of(&fact.body) {
            let own = self.own.entry(party.subject.token).or_insert_with(|| Own {
                kind: party.subject.kind,
                // Under another key than the one given nothing opens.
                reference: self.keys.open(&party.sealed).unwrap_or_else(|| "?".to_owned()),
                since: fact.at,
                closed: None,
            });
            own.since = own.since.min(fact.at);
            if let FactBody::Opening { step: OpeningStep::Closed, .. } = fact.body {
                own.closed = Some(fact.at);
            }
        }
    }

    /// Looks at one published record.
    pub fn published(&mut self, text: &str) {
        let token = format!("{:?}", self.holder);
        // A cheap look first: most records are about others.
        if !text.contains(&token) {
            return;
        }
        if let Ok(record) = serde_json::from_str::<Value>(text)
            && field(&record, "/data/holder") == Some(&token)
        {
            self.dispositions.push(record);
        }
    }

    /// Signals that measure such parties as the person has: name, purpose, basis, how far back.
    fn signals(&self) -> Vec<Value> {
        let Some(rules) = &self.rules else { return Vec::new() };
        let has = |kind: SubjectKind| match kind {
            SubjectKind::Holder => true,
            SubjectKind::Pair => self.own.values().any(|own| own.kind == SubjectKind::Account),
            kind => self.own.values().any(|own| own.kind == kind),
        };
        let of_person = rules.signals.iter().filter(|signal| has(signal.subject));
        of_person
            .map(|signal| {
                json!({
                    "signal": signal.name, "title": { "zh-CN": signal.title.zh, "en": signal.title.en },
                    "about": signal.subject.name(), "purpose": purpose(signal.purpose), "basis": signal.basis,
                    "kept": written(rules.log_retention(signal.subject.log_kind())),
                })
            })
            .collect()
    }

    /// All of it, for a machine.
    pub fn json(&self, case: &str, for_purpose: &str) -> Value {
        let kept = self.kept.iter().map(|(name, kept)| {
            json!({
                "event": name, "count": kept.count, "first": time(kept.first), "last": time(kept.last),
                "words": { "zh-CN": kept.words.0, "en": kept.words.1 },
            })
        });
        let own = self.own.values().map(|own| {
            json!({
                "kind": own.kind.name(), "ref": own.reference, "known_since": time(Some(own.since)),
                "closed": time(own.closed),
            })
        });
        json!({
            "schema": "duecourse.subject_access/1", "case": case, "purpose": for_purpose,
            "parties": own.collect::<Vec<_>>(), "facts": kept.collect::<Vec<_>>(),
            "decided": self.dispositions, "measured": self.signals(), "authorised": self.authorised(),
        })
    }

    /// The same for the person, Chinese first.
    pub fn text(&self, case: &str) -> String {
        let mut zh = format!("个人信息查询答复（编号 {case}）\n\n");
        let mut en = format!("Answer to a request for personal data (case {case})\n\n");
        // Writing to a string cannot fail.
        if self.kept.is_empty() && self.dispositions.is_empty() {
            zh.push_str("这里没有关于您的记录。\n");
            en.push_str("Nothing is held of you here.\n");
            return format!("{zh}\n{en}");
        }
        zh.push_str("您的账户、卡和申请：\n");
        en.push_str("Your accounts, cards and requests:\n");
        for own in self.own.values() {
            let (since, closed) = (said(Some(own.since)), own.closed.map(|at| said(Some(at))));
            let kind = kind_words(own.kind);
            let _ = write!(zh, "· {} {}，自 {since} 起有记录", kind.0, own.reference);
            let _ = write!(en, "- {} {}, known since {since}", kind.1, own.reference);
            if let Some(closed) = closed {
                let _ = write!(zh, "，{closed} 注销");
                let _ = write!(en, ", closed {closed}");
            }
            zh.push('\n');
            en.push('\n');
        }
        zh.push_str("\n保存的事项（以代号保存，不含姓名、证件号和电话号码）：\n");
        en.push_str("\nWhat is kept (under pseudonyms, without names, identity or phone numbers):\n");
        for kept in self.kept.values() {
            let (first, last) = (said(kept.first), said(kept.last));
            let _ = writeln!(zh, "· {}：{} 条，{first} 至 {last}", kept.words.0, kept.count);
            let _ = writeln!(en, "- {}: {}, from {first} to {last}", kept.words.1, kept.count);
        }
        self.decided(&mut zh, &mut en);
        self.authorised_text(&mut zh, &mut en);
        self.measured(&mut zh, &mut en);
        zh.push_str(
            "\n您认为有误的，可以请求更正：由记录该事项的业务部门更正后，受影响的处理会重新判断。您也可以申诉或者请求人工决定，方式见通知。\n",
        );
        en.push_str(
            "\nIf something is wrong you may ask for it to be corrected: the department that recorded it corrects it, and what it \
             affected is decided again. You may also appeal, or ask for a decision by a person, as your notice says.\n",
        );
        format!("{zh}\n{en}")
    }

    fn decided(&self, zh: &mut String, en: &mut String) {
        zh.push_str("\n作出的处理和答复：\n");
        en.push_str("\nWhat was decided:\n");
        if self.dispositions.is_empty() {
            zh.push_str("· 无\n");
            en.push_str("- nothing\n");
        }
        for record in &self.dispositions {
            let at = field(record, "/data/at").unwrap_or_default();
            let kind = field(record, "/type").unwrap_or_default();
            let kind = kind.trim_start_matches("duecourse.disposition.").trim_end_matches(".v1");
            let measure = field(record, "/data/measure").unwrap_or("-");
            let reference = field(record, "/data/appeal_reference").unwrap_or("-");
            for (text, language) in [(&mut *zh, "zh-CN"), (&mut *en, "en")] {
                let reason = field(record, &format!("/data/reason/{language}")).unwrap_or_default();
                let mark = if language == "en" { "-" } else { "·" };
                let _ = writeln!(text, "{mark} {at} {kind} {measure} {reference} {reason}");
            }
        }
    }

    fn authorised(&self) -> Vec<Value> {
        let said = self.authorised.iter().map(|(number, known)| {
            let data = TraceClass::ALL.iter().filter(|class| known.data.has(**class));
            json!({
                "number": &**number, "opens": known.opens.map(Word::name),
                "data": data.map(|class| class.name()).collect::<Vec<_>>(),
                "granted": time(known.since), "until": time(known.until), "revoked": time(known.revoked),
            })
        });
        said.collect()
    }

    fn authorised_text(&self, zh: &mut String, en: &mut String) {
        if self.authorised.is_empty() {
            return;
        }
        zh.push_str("\n您对设备和位置信息其他用途的授权（可随时撤回）：\n");
        en.push_str(
            "\nWhat you authorised about device and location data (you may take it back at any time):\n",
        );
        for (number, known) in &self.authorised {
            let (since, until) = (said(known.since), said(known.until));
            let (opens_zh, opens_en) = match known.opens {
                Some(AuthorisedUse::Victim) => ("防骗提醒", "warning you of frauds"),
                Some(AuthorisedUse::Protection) => ("减轻处理", "making measures milder"),
                None => ("未收到授权", "no grant was recorded"),
            };
            let _ = write!(zh, "· {number}：{opens_zh}，{since} 至 {until}");
            let _ = write!(en, "- {number}: {opens_en}, from {since} to {until}");
            if known.revoked.is_some() {
                let _ = write!(zh, "，{} 撤回", said(known.revoked));
                let _ = write!(en, ", taken back {}", said(known.revoked));
            }
            zh.push('\n');
            en.push('\n');
        }
    }

    fn measured(&self, zh: &mut String, en: &mut String) {
        zh.push_str("\n据此计算的指标、用途和保存时间：\n");
        en.push_str("\nWhat is measured of it, for which purposes, and how long that is kept:\n");
        for signal in self.signals() {
            let word = |pointer: &str| field(&signal, pointer).unwrap_or_default().to_owned();
            let uses = signal["purpose"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let uses: Vec<&str> = uses.collect();
            let (uses, kept, basis) = (uses.join(", "), word("/kept"), word("/basis"));
            let _ = writeln!(zh, "· {}（{uses}；{basis}；{kept}）", word("/title/zh-CN"));
            let _ = writeln!(en, "- {} ({uses}; {basis}; {kept})", word("/title/en"));
        }
    }
}

fn purpose(purpose: Purpose) -> Vec<&'static str> {
    purpose.uses().map(crate::engine::purpose::Use::name).collect()
}

fn time(at: Option<TimeMs>) -> Option<String> {
    rfc3339(at?, 480)
}

fn said(at: Option<TimeMs>) -> String {
    time(at)
        .map_or_else(|| "-".to_owned(), |text| text.chars().take(16).collect::<String>().replace('T', " "))
}

/// Whether a fact is kept of this person: of their own partition, or of a shared subject that met them.
fn is_of(fact: &Fact, holder: Token) -> bool {
    match &fact.body {
        FactBody::Met { holder: met, .. } => *met == holder,
        _ => fact.route.kind == SubjectKind::Holder && fact.route.token == holder,
    }
}

fn kind_of(body: &FactBody) -> Kind {
    match body {
        FactBody::Transfer { .. } => ("transfer_posted", "转账", "transfers"),
        FactBody::CardPayment { .. } => ("card_payment_posted", "刷卡支付", "card payments"),
        FactBody::CardUsage { .. } => ("card_usage_recorded", "电话卡使用", "uses of phone cards"),
        FactBody::FraudConfirmed { .. } => ("fraud_confirmed", "已确认的诈骗", "confirmed frauds"),
        FactBody::Met { .. } => {
            ("met", "设备、网点、号码等的接触", "meetings with devices, outlets, numbers")
        }
        FactBody::Opening { .. } => ("opening", "开户、开卡及变更", "openings, changes and closings"),
        FactBody::HoldingsAnswered { .. } => {
            ("holdings_answered", "共享平台答复的数量", "counts answered by the shared platform")
        }
        FactBody::AppealDecided { .. } => ("appeal_decided", "申诉结果", "appeals decided"),
        FactBody::Corrected { .. } => ("event_corrected", "更正", "corrections"),
        FactBody::HoldOrdered { .. } | FactBody::HoldReleased { .. } => {
            ("hold", "依法留存的要求", "orders to hold records")
        }
        FactBody::TracesSeen { .. } => (
            "traces_seen",
            "使用的设备和位置（仅在有未了结的异常时留存）",
            "devices and places of use (kept only while an anomaly is open)",
        ),
        FactBody::AuthorisationGranted { .. } | FactBody::AuthorisationRevoked { .. } => {
            ("authorisation", "您的授权及其撤回", "what you authorised and took back")
        }
        _ => ("other", "其他事项", "other events"),
    }
}

/// The account, card or opening that a body is about.
fn party_of(body: &FactBody) -> Option<&Party> {
    match body {
        FactBody::Transfer { account, .. }
        | FactBody::CardPayment { account, .. }
        | FactBody::FraudConfirmed { account, .. } => Some(account),
        FactBody::CardUsage { card, .. } => Some(card),
        FactBody::TracesSeen { party, .. } => Some(party),
        FactBody::Opening { opening, holding, .. } => Some(holding.as_ref().unwrap_or(opening)),
        _ => None,
    }
}

fn kind_words(kind: SubjectKind) -> (&'static str, &'static str) {
    match kind {
        SubjectKind::PhoneCard => ("电话卡", "phone card"),
        SubjectKind::IotCard => ("物联网卡", "IoT card"),
        SubjectKind::Opening => ("申请", "request"),
        _ => ("账户", "account"),
    }
}
