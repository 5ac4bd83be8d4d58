//! What is held of one person, out of the facts log and what was published.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Value, json};

use super::field;
use super::kinds::{is_of, kind_of, kind_words, party_of, published_words};
use crate::codec::keys::Keys;
use crate::codec::output::{measure_title, rfc3339};
use crate::config::bundle::{Loader, written};
use crate::engine::LoadRules as _;
use crate::engine::authorisation::{AuthorisedUse, TraceClass, TraceClasses};
use crate::engine::base::{TimeMs, Token};
use crate::engine::fact::{Fact, FactBody, OpeningStep};
use crate::engine::life::Word;
use crate::engine::measure::Lane;
use crate::engine::purpose::Purpose;
use crate::engine::ruleset::RuleSet;
use crate::engine::subject::SubjectKind;

const APPEAL: &str = "/data/appeal_reference";

/// What no answer tells, whether there is any or not: Chinese, English.
const LEFT_OUT: (&str, &str) = (
    "依法应当保密、暂不告知或者由主管机关告知的事项，不在本答复之内（《中华人民共和国个人信息保护法》第十八条、第四十五条）；本答复不表示有无此类事项。其他人的信息也不在内。",
    "What the law keeps secret, or what an authority tells you itself or later, is not part of this answer (Personal \
     Information Protection Law, Articles 18 and 45); that says nothing of whether there is any. Nor is what concerns others.",
);

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
    /// As published records write it.
    holder_text: String,
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
            holder_text: format!("{holder:?}"),
            loader,
            rules: None,
            kept: BTreeMap::new(),
            own: BTreeMap::new(),
            dispositions: Vec::new(),
            authorised: BTreeMap::new(),
        }
    }

    /// Looks at one fact. Rule sets stand in every partition; what is of the holder in their own, and with the
    /// devices, outlets and numbers that met them.
    pub fn see(&mut self, is_own_partition: bool, fact: &Fact) {
        if let FactBody::RuleSetActivated { bundle, .. } = &fact.body {
            if is_own_partition {
                // One that this program cannot compile is for `verify` to complain of.
                self.rules = self.loader.load(bundle).ok().or(self.rules.take());
            }
        } else if is_of(fact, self.holder) {
            self.note(fact);
        }
    }

    fn note(&mut self, fact: &Fact) {
        let Some((name, zh, en)) = kind_of(&fact.body) else { return };
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

    /// Looks at one published disposition.
    pub fn published(&mut self, text: &str) {
        // A cheap look first: most records are about others.
        if !text.contains(&self.holder_text) {
            return;
        }
        if let Ok(mut record) = serde_json::from_str::<Value>(text)
            && field(&record, "/data/holder") == Some(&self.holder_text)
        {
            without_others(&mut record);
            self.dispositions.push(record);
        }
    }

    /// References of measures that an authority ordered: only a notice says that the person was told of one.
    pub fn ordered(&self) -> BTreeSet<String> {
        let of_authority = self.dispositions.iter().filter(|record| is_ordered(record));
        of_authority.filter_map(|record| field(record, APPEAL)).map(str::to_owned).collect()
    }

    /// Puts what was decided in order of time, and leaves out what the person is not to be told of yet, or not by us:
    /// authorities' measures but those whose references were on a notice (PIPL 18, 45).
    pub fn settle(&mut self, told: &BTreeSet<String>) {
        let is_told =
            |record: &Value| field(record, APPEAL).is_some_and(|reference| told.contains(reference));
        self.dispositions.retain(|record| !is_ordered(record) || is_told(record));
        self.dispositions.sort_by_key(|record| field(record, "/time").map(str::to_owned));
    }

    /// Signals that measure such parties as the person has: name, purpose, basis, how far back.
    /// `None` where the rules in force are no longer retained.
    fn signals(&self) -> Option<Vec<Value>> {
        let rules = self.rules.as_ref()?;
        let has = |kind: SubjectKind| match kind {
            SubjectKind::Holder => true,
            SubjectKind::Pair => self.own.values().any(|own| own.kind == SubjectKind::Account),
            kind => self.own.values().any(|own| own.kind == kind),
        };
        let of_person = rules.signals.iter().filter(|signal| has(signal.subject));
        let said = of_person.map(|signal| {
            json!({
                "signal": signal.name, "title": { "zh-CN": signal.title.zh, "en": signal.title.en },
                "about": signal.subject.name(), "purpose": purpose(signal.purpose), "basis": signal.basis,
                "kept": written(rules.log_retention(signal.subject.log_kind())),
            })
        });
        Some(said.collect())
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
            "left_out": { "zh-CN": LEFT_OUT.0, "en": LEFT_OUT.1 },
        })
    }

    /// The same for the person, Chinese first.
    pub fn text(&self, case: &str) -> String {
        let mut zh = format!("个人信息查询答复（编号 {case}）\n\n");
        let mut en = format!("Answer to a request for personal data (case {case})\n\n");
        // Writing to a string cannot fail.
        if self.kept.is_empty() && self.dispositions.is_empty() {
            let _ = writeln!(zh, "这里没有可以在本答复中告知您的记录。\n\n{}", LEFT_OUT.0);
            let _ = writeln!(en, "Nothing is held of you here that this answer can tell.\n\n{}", LEFT_OUT.1);
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
        let _ = writeln!(zh, "\n{}", LEFT_OUT.0);
        let _ = writeln!(en, "\n{}", LEFT_OUT.1);
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
            let at: String = at.chars().take(16).collect::<String>().replace('T', " ");
            let kind = published_words(field(record, "/type").unwrap_or_default());
            let measure = field(record, "/data/measure").unwrap_or_default();
            let title = measure_title(measure).unwrap_or_default();
            let reference = field(record, APPEAL).unwrap_or_default();
            let reason = |language| field(record, &format!("/data/reason/{language}")).unwrap_or_default();
            line(zh, "·", &[&at, kind.0, &title.zh, reference, reason("zh-CN")]);
            line(en, "-", &[&at, kind.1, &title.en, reference, reason("en")]);
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
        let Some(signals) = self.signals() else {
            zh.push_str("· 现行规则的启用记录已超过保存期，请向我们索取指标清单\n");
            en.push_str(
                "- when the present rules began is no longer retained; please ask us for their list\n",
            );
            return;
        };
        for signal in signals {
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

/// One line of what is there.
fn line(text: &mut String, mark: &str, words: &[&str]) {
    let words: Vec<&str> = words.iter().copied().filter(|word| !word.is_empty()).collect();
    let _ = writeln!(text, "{mark} {}", words.join(" "));
}

fn is_ordered(record: &Value) -> bool {
    field(record, "/data/lane") == Some(Lane::Authority.name())
}

/// Takes out whom else a disposition names: the device, number or account of another that a report told of.
fn without_others(record: &mut Value) {
    let signals = record.pointer_mut("/data/evidence/signals").and_then(Value::as_array_mut);
    for signal in signals.into_iter().flatten().filter_map(Value::as_object_mut) {
        signal.remove("reported_of");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::base::Fingerprint;
    use crate::engine::fact::Feed;
    use crate::engine::order::{OrderFact, OrderName, OrderSays};
    use crate::engine::subject::{Party, Subject};

    const HOLDER: Token = Token(7);

    fn disposition(holder: Token, lane: &str, reference: &str, hour: u32) -> String {
        json!({
            "type": "duecourse.disposition.measure_set.v1", "time": format!("2026-03-02T{hour:02}:00:00.000+08:00"),
            "data": {
                "holder": format!("{holder:?}"), "lane": lane, "appeal_reference": reference,
                "evidence": { "signals": [{ "name": "s", "reported_of": "another" }] },
            },
        })
        .to_string()
    }

    fn decided(told: &[&str]) -> Vec<(String, String)> {
        let (keys, loader) = (Keys::development(), Loader::new());
        let mut held = Held::new(&keys, HOLDER, &loader);
        held.published(&disposition(HOLDER, "authority", "ORDER", 11));
        held.published(&disposition(HOLDER, "anomaly", "OWN", 10));
        held.published(&disposition(Token(8), "anomaly", "OTHERS", 9));
        assert_eq!(held.ordered(), BTreeSet::from(["ORDER".to_owned()]));
        held.settle(&told.iter().map(|reference| (*reference).to_owned()).collect());
        let (said, text) = (held.json("1", "subject_access"), held.text("1"));
        assert!(!said.to_string().contains("another") && text.contains(LEFT_OUT.0), "{said} {text}");
        let decided = said["decided"].as_array().unwrap().iter();
        let field = |record: &Value, pointer| field(record, pointer).unwrap().to_owned();
        decided.map(|record| (field(record, "/time"), field(record, APPEAL))).collect()
    }

    #[test]
    fn what_an_authority_ordered_is_told_once_a_notice_has_told_it() {
        let references = |told| decided(told).into_iter().map(|(_, reference)| reference).collect::<Vec<_>>();
        assert_eq!(references(&[]), ["OWN"]);
        assert_eq!(references(&["ORDER"]), ["OWN", "ORDER"], "in order of time");
    }

    #[test]
    fn facts_of_the_person_count_wherever_they_stand_and_orders_are_not_among_them() {
        let (keys, loader) = (Keys::development(), Loader::new());
        let mut held = Held::new(&keys, HOLDER, &loader);
        let party = |kind| Party { subject: Subject::new(kind, Token(9)), sealed: keys.seal("ACC-1") };
        let fact = |kind, token, body| Fact {
            event: Fingerprint(1),
            at: TimeMs(1_780_000_000_000),
            route: Subject::new(kind, token),
            body,
        };
        let met = |holder| {
            let target = party(SubjectKind::Account);
            FactBody::Met { feed: Feed::TransferDevice, holder, target, amount: None }
        };
        held.see(false, &fact(SubjectKind::Device, Token(3), met(HOLDER)));
        held.see(false, &fact(SubjectKind::Device, Token(3), met(Token(8))));
        let name = OrderName { issuer: Arc::from("city-police"), number: Arc::from("ZF-1") };
        let order = OrderFact { name, party: party(SubjectKind::Account), says: OrderSays::Released };
        held.see(true, &fact(SubjectKind::Holder, HOLDER, FactBody::Order(Box::new(order))));
        let said = held.json("1", "subject_access");
        let facts = said["facts"].as_array().unwrap();
        assert_eq!((facts.len(), &facts[0]["event"], &facts[0]["count"]), (1, &json!("met"), &json!(1)));
        assert!(said["measured"].is_null(), "no rule set is retained");
        assert!(!said.to_string().contains("ZF-1"));
    }
}
