//! An explanation: what a measure rests on, put together from what was published about it and from the
//! rule set that decided. One value, for the text and for `--json`.

use serde::Serialize;
use serde_json::Value;

use super::Published;
use super::evidence::{Comparison, Event, Evidence, Missed, Signal};
use super::history::{Step, step};
use super::words::{self, Both, Unit};
use crate::codec::output::measure_title;
use crate::engine::measure::{AccountStep, MeasureKind};
use crate::engine::rule::Condition;
use crate::engine::ruleset::RuleSet;

#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    pub measure: Named,
    pub lane: String,
    pub rule: RuleSaid,
    pub rules_version: u64,
    pub subject_kind: String,
    pub reason: Both,
    pub basis: Both,
    /// RFC 3339, as published.
    pub start: String,
    pub end: String,
    pub facts: Vec<FactSaid>,
    pub thresholds: Vec<ThresholdSaid>,
    /// Where a threshold is a number of signs: those that held.
    pub signs: Vec<ThresholdSaid>,
    /// Of a limit: what was counted.
    pub count: Option<CountSaid>,
    /// The protection that softened the measure, and what the rule had asked for.
    pub softened: Option<SoftenedSaid>,
    /// The rule's harm budget was spent: the measure is the verification of its ladder.
    pub braked: bool,
    pub near_misses: Vec<NearMissSaid>,
    pub clears: Clears,
    pub appeal: Appeal,
    /// Everything published about the measure, in order.
    pub history: Vec<Step>,
    /// False when the log holds the activation of these rules no more: then names stand for titles.
    pub rules_found: bool,
}

/// A name out of a closed list, and what a person calls it.
#[derive(Clone, Debug, Serialize)]
pub struct Named {
    pub name: String,
    pub title: Both,
}

#[derive(Clone, Debug, Serialize)]
pub struct RuleSaid {
    pub id: String,
    pub version: u64,
    pub title: Both,
}

#[derive(Clone, Debug, Serialize)]
pub struct FactSaid {
    pub signal: String,
    pub title: Both,
    pub subject_kind: String,
    pub window: Option<String>,
    pub value: i64,
    pub value_text: Both,
    /// History had not been seen for a full window: the true value may be larger.
    pub cold: bool,
    /// Number of the customer's authorisation it was read under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorisation: Option<String>,
    pub events_count: u64,
    pub events: Vec<EventSaid>,
}

#[derive(Clone, Debug, Serialize)]
pub struct EventSaid {
    pub event: String,
    pub at: String,
    /// Minor units; 0 when it has no amount.
    pub amount: i64,
    #[serde(skip)]
    pub text: Both,
}

#[derive(Clone, Debug, Serialize)]
pub struct ThresholdSaid {
    /// As written in the rule.
    pub text: String,
    pub words: Both,
    pub left: Both,
    pub operator: String,
    pub right: Both,
}

impl ThresholdSaid {
    /// Whether it counts signs, which are told one by one.
    #[must_use]
    pub fn is_points(&self) -> bool {
        self.text.contains(" ? ")
    }
}

#[derive(Clone, Copy, Debug, Serialize)]
pub struct CountSaid {
    pub held: u32,
    pub elsewhere: Option<u32>,
    pub count_max: u32,
}

#[derive(Clone, Debug, Serialize)]
pub struct SoftenedSaid {
    pub by: RuleSaid,
    pub asked: Named,
    /// Numbers of the customer's authorisations under which the protection was read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorisations: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct NearMissSaid {
    pub rule: RuleSaid,
    pub missed: Vec<MissedSaid>,
}

/// A comparison that did not hold for certain.
#[derive(Clone, Debug, Serialize)]
pub struct MissedSaid {
    #[serde(flatten)]
    pub shown: ThresholdSaid,
    /// History not yet complete: it may have held.
    pub uncertain: bool,
}

impl MissedSaid {
    /// What has to be said of its value.
    #[must_use]
    pub fn remark(&self) -> Both {
        if self.uncertain {
            Both::new("（历史尚不完整，不能确定）", " (history not yet complete, so it is not certain)")
        } else {
            Both::default()
        }
    }
}

/// What would clear it.
#[derive(Clone, Debug, Serialize)]
pub struct Clears {
    /// What the person may pass; none for a refusal at a limit and for an authority's order.
    pub verification: Option<Both>,
    /// One of these values on the other side of its threshold would have been enough.
    pub instead: Vec<Both>,
    /// One of these events taken out would have been enough.
    pub without: Vec<EventSaid>,
}

/// How to appeal, from the notice.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Appeal {
    pub reference: String,
    pub offline: Both,
    pub online: Both,
    pub papers: Both,
    /// Empty where there is no date to promise.
    pub answer_due: String,
    /// An appeal is passed on to the authority that ordered the measure.
    pub is_passed_on: bool,
    pub remedies: Both,
    pub still_works: Both,
}

impl Explanation {
    /// From what was published; `None` when the setting of the measure is not among it.
    #[must_use]
    pub fn of(published: &Published, rules: Option<&RuleSet>) -> Option<Explanation> {
        let set = published.dispositions.iter().find(|record| record.pointer("/data/evidence").is_some())?;
        let evidence = Evidence::of(set);
        let teller = Teller { rules };
        let id = text(set, "/data/rule/id");
        let measure = text(set, "/data/measure");
        Some(Explanation {
            measure: named(measure),
            lane: text(set, "/data/lane").to_owned(),
            rule: teller.rule(id, number(set, "/data/rule/version")),
            rules_version: number(set, "/data/rules_version"),
            subject_kind: text(set, "/data/subject/kind").to_owned(),
            reason: both(set, "/data/reason"),
            basis: both(set, "/data/basis"),
            start: text(set, "/data/start").to_owned(),
            end: text(set, "/data/end").to_owned(),
            facts: evidence.signals.iter().map(|signal| teller.fact(signal)).collect(),
            thresholds: teller.thresholds(id, &evidence.comparisons),
            signs: teller.thresholds(id, &evidence.signs),
            count: evidence.count.map(|count| CountSaid {
                held: count.held,
                elsewhere: count.elsewhere,
                count_max: count.count_max,
            }),
            softened: evidence.softened.as_ref().map(|softened| SoftenedSaid {
                by: teller.rule(&softened.by.id, softened.by.version.into()),
                asked: named(&softened.asked),
                authorisations: softened.authorisations.clone(),
            }),
            braked: evidence.braked,
            near_misses: teller.near_misses(&evidence),
            clears: teller.clears(id, measure, &evidence),
            appeal: appeal(published, text(set, "/data/appeal_reference")),
            history: published.dispositions.iter().map(step).collect(),
            rules_found: rules.is_some(),
        })
    }
}

/// Says things in the words of the rule set that decided, as far as it is known.
#[derive(Clone, Copy)]
pub struct Teller<'a> {
    pub rules: Option<&'a RuleSet>,
}

impl Teller<'_> {
    /// A rule, limit or protection by its id.
    #[must_use]
    pub fn rule(self, id: &str, version: u64) -> RuleSaid {
        let title = self.rules.and_then(|rules| {
            let rule = rules.rules.iter().find(|rule| rule.id == id).map(|rule| &rule.title);
            let limit = || rules.limits.iter().find(|limit| limit.id == id).map(|limit| &limit.title);
            let protection = || rules.protections.iter().find(|one| one.id == id).map(|one| &one.title);
            let order = || rules.lives.order.as_ref().filter(|life| life.id == id).map(|life| &life.title);
            let entry = || rules.lives.entry.as_ref().filter(|life| life.id == id).map(|life| &life.title);
            rule.or_else(limit).or_else(protection).or_else(order).or_else(entry)
        });
        let title = title.map_or_else(|| Both::same(id), Both::from);
        RuleSaid { id: id.to_owned(), version, title }
    }

    fn condition(&self, rule: &str) -> Option<(&RuleSet, &Condition)> {
        let rules = self.rules?;
        Some((rules, &rules.rules.iter().find(|one| one.id == rule)?.condition))
    }

    /// Comparisons of a rule, with the words and units of its signals.
    #[must_use]
    pub fn thresholds(self, rule: &str, comparisons: &[Comparison]) -> Vec<ThresholdSaid> {
        comparisons.iter().map(|comparison| self.threshold(rule, comparison)).collect()
    }

    fn threshold(&self, rule: &str, comparison: &Comparison) -> ThresholdSaid {
        let found = self
            .condition(rule)
            .and_then(|(rules, condition)| words::comparison(rules, condition, &comparison.text));
        let (words, unit) = found.unwrap_or_else(|| (Both::same(&comparison.text), Unit::Count));
        ThresholdSaid {
            text: comparison.text.clone(),
            words,
            left: unit.say(comparison.left()),
            operator: comparison.operator.clone(),
            right: unit.say(comparison.right()),
        }
    }

    /// A signal's value and the events it lists.
    #[must_use]
    pub fn fact(self, signal: &Signal) -> FactSaid {
        let known = self.rules.and_then(|rules| {
            let number = rules.signals.iter().position(|one| one.name == signal.name)?;
            Some((Both::from(&rules.signals.get(number)?.title), Unit::of_signal(rules, number)))
        });
        let (title, unit) = known.unwrap_or_else(|| (Both::same(&signal.name), Unit::Count));
        FactSaid {
            signal: signal.name.clone(),
            title,
            subject_kind: signal.subject.clone(),
            window: signal.window.clone(),
            value: signal.value,
            value_text: unit.say(signal.value.into()),
            cold: signal.cold,
            authorisation: signal.authorisation.clone(),
            events_count: signal.events_count,
            events: signal.events.iter().map(event).collect(),
        }
    }

    /// Other rules that came near, and what each of them missed.
    #[must_use]
    pub fn near_misses(self, evidence: &Evidence) -> Vec<NearMissSaid> {
        let said = |miss: &super::evidence::NearMiss| NearMissSaid {
            rule: self.rule(&miss.rule.id, miss.rule.version.into()),
            missed: miss.missed.iter().map(|missed| self.missed(&miss.rule.id, missed)).collect(),
        };
        evidence.near_misses.iter().map(said).collect()
    }

    fn missed(self, rule: &str, missed: &Missed) -> MissedSaid {
        MissedSaid { shown: self.threshold(rule, &missed.shown), uncertain: missed.uncertain }
    }

    fn clears(self, rule: &str, measure: &str, evidence: &Evidence) -> Clears {
        let mut instead = Vec::new();
        if let Some(count) = evidence.count {
            let fewer = count.held.saturating_add(count.elsewhere.unwrap_or(0)).min(count.count_max);
            instead.push(Both::new(
                format!("申请时已有数量少于 {}", fewer.max(1)),
                format!("fewer than {} held at the time of the request", fewer.max(1)),
            ));
        }
        for said in self.thresholds(rule, &evidence.comparisons) {
            let needed = words::otherwise(&said.operator);
            instead.push(Both::new(
                format!("“{}”：{} {}，而不是 {}", said.words.zh, needed.zh, said.right.zh, said.left.zh),
                format!("\"{}\": {} {} instead of {}", said.words.en, needed.en, said.right.en, said.left.en),
            ));
        }
        let without = evidence.cleared_without.iter().filter_map(|id| evidence.event(id)).map(event);
        Clears { verification: verification(measure), instead, without: without.collect() }
    }
}

/// What the person may pass so that the measure is not needed any more.
fn verification(measure: &str) -> Option<Both> {
    let said = match MeasureKind::from_name(measure)? {
        MeasureKind::OpeningRefuse => return None,
        MeasureKind::OpeningCheckFurther => {
            Both::new("开户（开卡）前的进一步核实", "the further check before opening")
        }
        MeasureKind::PhoneCardReverify => {
            Both::new("电话卡实名核验", "verification of the phone card's holder")
        }
        MeasureKind::IotCardReverify => Both::new("物联网卡用途核验", "confirmation of the IoT card's use"),
        MeasureKind::Account(AccountStep::VerifyTransaction) => {
            Both::new("对该笔交易的核实", "verification of this transaction")
        }
        MeasureKind::Account(AccountStep::ReverifyIdentity) => {
            Both::new("重新核验身份", "renewed verification of identity")
        }
        MeasureKind::Account(_) => Both::new(
            "重新核验身份，并核实有关交易",
            "renewed verification of identity, and of the transactions above",
        ),
        MeasureKind::Victim(_) => {
            Both::new("听取提示后本人确认该笔转账", "the customer's own confirmation after the warning")
        }
    };
    Some(said)
}

fn named(measure: &str) -> Named {
    let title = measure_title(measure).as_ref().map_or_else(|| Both::same(measure), Both::from);
    Named { name: measure.to_owned(), title }
}

/// An event by its time, and its amount if it has one.
fn event(event: &Event) -> EventSaid {
    let at = words::moment(&event.at);
    let amount = match event.amount {
        0 => Both::default(),
        amount => Unit::Money(crate::engine::base::Currency::CNY).say(amount.into()),
    };
    let joined = |at: &str, amount: &str| format!("{at}  {amount}").trim_end().to_owned();
    EventSaid {
        event: event.event.clone(),
        at: event.at.clone(),
        amount: event.amount,
        text: Both::new(joined(&at.zh, &amount.zh), joined(&at.en, &amount.en)),
    }
}

fn appeal(published: &Published, reference: &str) -> Appeal {
    let notice = published.notices.iter().find(|notice| notice.pointer("/data/how_to_appeal").is_some());
    let Some(notice) = notice else { return Appeal { reference: reference.to_owned(), ..Appeal::default() } };
    Appeal {
        reference: reference.to_owned(),
        offline: both(notice, "/data/how_to_appeal/offline"),
        online: both(notice, "/data/how_to_appeal/online"),
        papers: both(notice, "/data/papers"),
        answer_due: text(notice, "/data/answer_due").to_owned(),
        is_passed_on: notice.pointer("/data/answer_within_ms").is_some_and(Value::is_null),
        remedies: both(notice, "/data/remedies"),
        still_works: both(notice, "/data/still_works"),
    }
}

pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

fn number(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

pub(super) fn both(value: &Value, pointer: &str) -> Both {
    Both::new(text(value, &format!("{pointer}/zh-CN")), text(value, &format!("{pointer}/en")))
}
