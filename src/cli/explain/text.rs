//! An explanation as text: first in Chinese, then the same in English.

use std::fmt::Write;

use super::told::{CountSaid, Explanation, FactSaid, ThresholdSaid};
use super::words::{Both, moment};

/// The whole explanation.
#[must_use]
pub fn explanation(told: &Explanation) -> String {
    let zh = Writer { lang: Lang::Zh, out: String::new() }.tell(told);
    let en = Writer { lang: Lang::En, out: String::new() }.tell(told);
    format!("{zh}\n{}\n\n{en}", "=".repeat(72))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lang {
    Zh,
    En,
}

/// Events shown for one signal; `--json` has all that are listed.
const EVENTS_SHOWN_MAX: usize = 5;

struct Writer {
    lang: Lang,
    out: String,
}

impl Writer {
    /// One of two fixed texts.
    fn say(&self, zh: &'static str, en: &'static str) -> &'static str {
        match self.lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }

    fn pick<'a>(&self, both: &'a Both) -> &'a str {
        match self.lang {
            Lang::Zh => &both.zh,
            Lang::En => &both.en,
        }
    }

    fn line(&mut self, text: impl AsRef<str>) {
        // Writing into a String does not fail.
        let _ = writeln!(self.out, "{}", text.as_ref());
    }

    fn section(&mut self, zh: &'static str, en: &'static str) {
        let title = self.say(zh, en);
        // A Chinese character is twice as wide as a dash.
        let width: usize = title.chars().map(|letter| if letter.is_ascii() { 1 } else { 2 }).sum();
        self.line(format!("\n{title}\n{}", "-".repeat(width)));
    }

    fn row(&mut self, zh: &'static str, en: &'static str, value: impl AsRef<str>) {
        if !value.as_ref().is_empty() {
            let colon = self.say("：", ": ");
            let name = self.say(zh, en);
            self.line(format!("{name}{colon}{}", value.as_ref()));
        }
    }

    fn tell(mut self, told: &Explanation) -> String {
        let reference = &told.appeal.reference;
        self.line(format!("{} {reference}", self.say("处理说明，编号", "Explanation of measure")));
        if !told.rules_found {
            self.line(self.say(
                "（日志中已没有当时生效的规则集，以下以名称代替标题）",
                "(The log no longer holds the rule set that decided; names stand for titles.)",
            ));
        }
        self.done(told);
        self.section("依据的事实", "On which facts");
        told.facts.iter().for_each(|fact| self.fact(fact));
        if told.facts.is_empty() && told.count.is_none() {
            self.line(self.say("本规则只看触发它的这一笔事项。", "The rule looks only at the event itself."));
        }
        if let Some(count) = told.count {
            self.count(count);
        }
        if !told.thresholds.is_empty() {
            self.section("对照的门槛", "Against which thresholds");
            told.thresholds.iter().for_each(|said| self.threshold(said));
        }
        if !told.signs.is_empty() {
            self.section("其中成立的迹象", "Which signs held");
            told.signs.iter().for_each(|said| self.threshold(said));
        }
        self.softening(told);
        self.near_misses(told);
        self.clears(told);
        self.appeal(told);
        self.section("经过", "What happened since");
        for step in &told.history {
            let (at, what) = (moment(&step.at), self.pick(&step.what).to_owned());
            self.line(format!("{}  {what}", self.pick(&at)));
        }
        self.out
    }

    fn done(&mut self, told: &Explanation) {
        self.section("作出的处理", "What was done");
        let (measure, reason) = (self.pick(&told.measure.title), self.pick(&told.reason));
        let (rule, basis) = (self.pick(&told.rule.title), self.pick(&told.basis));
        let named = format!(
            "{rule} ({} v{}, {} {})",
            told.rule.id,
            told.rule.version,
            self.say("规则集", "rule set"),
            told.rules_version
        );
        let (measure, reason, basis) = (measure.to_owned(), reason.to_owned(), basis.to_owned());
        self.row("处理", "Measure", format!("{measure} ({})", told.measure.name));
        self.row("原因", "Reason", reason);
        self.row("规则", "Rule", named);
        self.row("法律依据", "Legal basis", basis);
        let (start, end) = (moment(&told.start), moment(&told.end));
        let (from, to) = (self.pick(&start), self.pick(&end));
        let term = match self.lang {
            Lang::Zh => format!("自{from}至{to}，到期自动结束"),
            Lang::En => format!("from {from} until {to}; it then ends by itself"),
        };
        self.row("期限", "How long", term);
        let still_works = self.pick(&told.appeal.still_works).to_owned();
        self.row("不受影响", "What still works", still_works);
    }

    fn fact(&mut self, fact: &FactSaid) {
        let colon = self.say("：", ": ");
        let (title, value) = (self.pick(&fact.title), self.pick(&fact.value_text));
        let cold = if fact.cold {
            self.say("（历史尚不完整，实际可能更多）", " (history not yet complete; it may be more)")
        } else {
            ""
        };
        let mut line = format!("{title}{colon}{value}{cold}");
        if fact.events_count > 0 && !fact.events.is_empty() {
            line += &match self.lang {
                Lang::Zh => format!("，共 {} 笔，其中：", fact.events_count),
                Lang::En if fact.events_count == 1 => ", over 1 event:".to_owned(),
                Lang::En => format!(", over {} events, among them:", fact.events_count),
            };
        }
        self.line(line);
        for event in fact.events.iter().take(EVENTS_SHOWN_MAX) {
            let text = self.pick(&event.text).to_owned();
            self.line(format!("    {text}  [{}]", event.event));
        }
        let more = fact.events.len().saturating_sub(EVENTS_SHOWN_MAX);
        if more > 0 {
            self.line(match self.lang {
                Lang::Zh => format!("    另列出 {more} 笔，见 --json"),
                Lang::En => format!("    {more} more are listed with --json"),
            });
        }
    }

    fn count(&mut self, count: CountSaid) {
        let text = match (self.lang, count.elsewhere) {
            (Lang::Zh, None) => format!("已有或已预留 {}，上限 {}", count.held, count.count_max),
            (Lang::Zh, Some(elsewhere)) => {
                format!("已有或已预留 {}，其他机构 {elsewhere}，上限 {}", count.held, count.count_max)
            }
            (Lang::En, None) => {
                format!("held or reserved {}; the limit allows {}", count.held, count.count_max)
            }
            (Lang::En, Some(elsewhere)) => format!(
                "held or reserved {}, {elsewhere} elsewhere; the limit allows {}",
                count.held, count.count_max
            ),
        };
        self.line(text);
    }

    fn threshold(&mut self, said: &ThresholdSaid) {
        let (words, left, right) = (self.pick(&said.words), self.pick(&said.left), self.pick(&said.right));
        // A sum of points is told by its signs; its text would fill half a page (`--json` has it).
        let text = if said.is_points() { String::new() } else { format!("    [{}]", said.text) };
        let line = match self.lang {
            Lang::Zh => format!("{words}\n    当时 {left}，对照 {right}{text}"),
            Lang::En => format!("{words}\n    it was {left}, against {right}{text}"),
        };
        self.line(line);
    }

    fn softening(&mut self, told: &Explanation) {
        if told.count.is_some() {
            return; // limits are the law's: nothing softens or brakes them
        }
        self.section("保护与刹车", "Protections and brake");
        match &told.softened {
            Some(softened) => {
                let (by, asked) = (self.pick(&softened.by.title), self.pick(&softened.asked.title));
                let line = match self.lang {
                    Lang::Zh => format!("规则要求“{asked}”，因保护条款“{by}”减轻（{}）", softened.by.id),
                    Lang::En => {
                        format!("The rule asked for \"{asked}\"; softened by \"{by}\" ({})", softened.by.id)
                    }
                };
                self.line(line);
            }
            None => self.line(self.say("没有保护条款减轻本处理。", "No protection softened it.")),
        }
        self.line(if told.braked {
            self.say(
                "该规则的影响预算已用完，因此只要求核实。",
                "The rule's harm budget was spent, so that it only asks for verification.",
            )
        } else {
            self.say("该规则的影响预算未用完。", "The rule's harm budget was not spent.")
        });
    }

    fn near_misses(&mut self, told: &Explanation) {
        self.section("接近而未触发的其他规则", "Which other rules came near");
        if told.near_misses.is_empty() {
            self.line(self.say("没有。", "None."));
        }
        for miss in &told.near_misses {
            let title = self.pick(&miss.rule.title).to_owned();
            self.line(format!("{title} ({} v{})", miss.rule.id, miss.rule.version));
            for said in &miss.missed {
                let (words, left) = (self.pick(&said.words), self.pick(&said.left));
                let line = match self.lang {
                    Lang::Zh => format!("    差在：{words}；当时 {left}"),
                    Lang::En => format!("    missed: {words}; it was {left}"),
                };
                self.line(line);
            }
        }
    }

    fn clears(&mut self, told: &Explanation) {
        self.section("怎样可以解除", "What would clear it");
        if let Some(verification) = &told.clears.verification {
            let pass = self.pick(verification).to_owned();
            self.row("通过", "Passing", pass);
        }
        if !told.clears.instead.is_empty() {
            self.line(
                self.say("或者，以下任一情况与当时不同：", "Or any one of these having been otherwise:"),
            );
        }
        for instead in &told.clears.instead {
            let text = self.pick(instead).to_owned();
            self.line(format!("    {text}"));
        }
        if !told.clears.without.is_empty() {
            self.line(self.say("以下任一笔事项被更正：", "Any one of these events being corrected:"));
        }
        for event in &told.clears.without {
            let text = self.pick(&event.text).to_owned();
            self.line(format!("    {text}  [{}]", event.event));
        }
    }

    fn appeal(&mut self, told: &Explanation) {
        self.section("如何申诉", "How to appeal");
        let appeal = &told.appeal;
        let due = moment(&appeal.answer_due);
        let rows = [
            ("线下", "Offline", self.pick(&appeal.offline).to_owned()),
            ("线上", "Online", self.pick(&appeal.online).to_owned()),
            ("请准备", "Please bring", self.pick(&appeal.papers).to_owned()),
            (
                "现在申诉的最迟答复时间",
                "Answer at the latest, if appealed at once",
                self.pick(&due).to_owned(),
            ),
            ("其他途径", "Other remedies", self.pick(&appeal.remedies).to_owned()),
            ("申诉编号", "Appeal reference", appeal.reference.clone()),
        ];
        for (zh, en, value) in rows {
            self.row(zh, en, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cli::explain::Published;
    use crate::config::bundle;
    use crate::engine::base::{Bilingual, SpanMs};
    use crate::engine::fact::Feed;
    use crate::engine::purpose::Purpose;
    use crate::engine::rule::{Condition, Op, Rule, Term};
    use crate::engine::ruleset::RuleSet;
    use crate::engine::signal::{Aggregate, Question, Reads, Signal};
    use crate::engine::subject::SubjectKind;

    /// A measure by `fan_in` as it is published, with that evidence.
    fn published(evidence: &Value) -> Published {
        let texts = |text: &str| json!({"zh-CN": format!("{text}（中文）"), "en": text});
        Published {
            dispositions: vec![
                json!({"id": "d1", "type": "set", "time": "2025-10-09T16:53:20.123+08:00", "data": {
                    "lane": "anomaly", "rule": {"id": "fan_in", "version": 1}, "rules_version": 1,
                    "subject": {"kind": "account", "token": "00"}, "measure": "account_verify_transaction",
                    "reason": texts("a reason"), "basis": texts("a basis"),
                    "start": "2025-10-09T16:53:20.123+08:00", "end": "2025-10-12T16:53:20.123+08:00",
                    "appeal_reference": "0000-0000-0000", "evidence": evidence}}),
                json!({"time": "2025-10-10T08:00:00.000+08:00",
                    "data": {"cause": "overturned", "overruled": true, "appeal_reference": "0000-0000-0000"}}),
            ],
            notices: vec![
                json!({"data": {"how_to_appeal": {"offline": texts("the counter"), "online": texts("the app")},
                "papers": texts("papers"), "answer_due": "2025-10-24T16:53:20.123+08:00",
                "remedies": texts("remedies"), "still_works": texts("the rest")}}),
            ],
        }
    }

    fn evidence() -> Value {
        let event =
            json!({"event": "00000000000000aa", "at": "2025-10-09T16:00:00.000+08:00", "amount": 150_000});
        json!({
            "strength_millionths": 1_400_000,
            "comparisons": [{"text": "payers_distinct_1d >= 5", "left": 7, "operator": ">=", "right": 5}],
            "signals": [{"name": "in_sum_1d", "subject": "account", "value": 412_345, "cold": true, "window": "1d",
                "events_count": 7, "events": [event]}],
            "softened": {"by": {"id": "some_protection", "version": 1}, "asked": "account_stop_non_counter"},
            "braked": true,
            "near_misses": [{"rule": {"id": "fan_out", "version": 1},
                "missed": [{"text": "payees_distinct_1d >= 5", "left": 4, "operator": ">=", "right": 5}]}],
            "cleared_without": ["00000000000000aa"],
            "digest": "ab", "shortened": false
        })
    }

    fn told(evidence: &Value) -> Explanation {
        Explanation::of(&published(evidence), Some(&rules())).unwrap()
    }

    /// Two rules over three signals, whatever the shipped ones are.
    fn rules() -> RuleSet {
        let mut rules = bundle::compile(&bundle::embedded(bundle::Profile::Strict).unwrap()).unwrap();
        let signal = |name: &str, aggregate: Aggregate, zh: &str, en: &str| Signal {
            name: name.to_owned(),
            subject: SubjectKind::Account,
            reads: Reads::Log(Question::sliding(Feed::TransferPayee.bit(), aggregate, SpanMs::DAY)),
            purpose: Purpose::ANTI_FRAUD,
            basis: "apl_18".to_owned(),
            report: None,
            title: Bilingual { zh: zh.to_owned(), en: en.to_owned() },
        };
        rules.signals = vec![
            signal(
                "payers_distinct_1d",
                Aggregate::Distinct,
                "一天内不同付款人数量",
                "Different payers in a day",
            ),
            signal(
                "payees_distinct_1d",
                Aggregate::Distinct,
                "一天内不同收款人数量",
                "Different payees in a day",
            ),
            signal("in_sum_1d", Aggregate::Sum, "一天内转入金额", "Sum received in a day"),
        ];
        let rule = |id: &str, signal: usize| Rule {
            id: id.to_owned(),
            condition: Condition::Compare {
                left: Term::Signal(signal),
                op: Op::Ge,
                right: Term::Constant(5),
            },
            ..rules.rules[0].clone()
        };
        rules.rules = vec![rule("fan_in", 0), rule("fan_out", 1)];
        rules
    }

    #[test]
    fn an_explanation_answers_each_question_in_both_languages() {
        let text = explanation(&told(&evidence()));
        let (zh, en) = text.split_once("====").unwrap();
        let parts = [
            // What was done, on which facts, in their units.
            ("处理：交易核实", "Measure: transaction to be verified"),
            ("4,123.45 元（历史尚不完整", "4,123.45 yuan (history not yet complete"),
            ("2025年10月9日 16:00:00  1,500.00 元", "9 October 2025, 16:00:00  1,500.00 yuan"),
            // Against which thresholds, in the words of the signal.
            ("一天内不同付款人数量 不低于 5", "Different payers in a day is at least 5"),
            ("当时 7，对照 5", "it was 7, against 5"),
            // Protections and brake.
            ("规则要求“暂停非柜面业务”", "The rule asked for \"business outside the counter stopped\""),
            ("影响预算已用完", "harm budget was spent"),
            // What came near.
            (
                "差在：一天内不同收款人数量 不低于 5；当时 4",
                "missed: Different payees in a day is at least 5; it was 4",
            ),
            // What would clear it.
            ("通过：对该笔交易的核实", "Passing: verification of this transaction"),
            ("低于 5，而不是 7", "less than 5 instead of 7"),
            (
                "以下任一笔事项被更正：\n    2025年10月9日",
                "Any one of these events being corrected:\n    9 October",
            ),
            // How long, how to appeal, and what came of it.
            ("至2025年10月12日 16:53:20", "until 12 October 2025, 16:53:20"),
            ("线下：the counter（中文）", "Offline: the counter\n"),
            ("申诉成立，撤销", "overturned on appeal"),
        ];
        for (in_zh, in_en) in parts {
            assert!(zh.contains(in_zh), "{in_zh} in\n{zh}");
            assert!(en.contains(in_en), "{in_en} in\n{en}");
        }
        assert!(!en.contains("payers_distinct_1d is"), "signals are said by their titles");
    }

    #[test]
    fn without_the_rules_of_then_names_stand_for_titles() {
        let told = Explanation::of(&published(&evidence()), None).unwrap();
        let text = explanation(&told);
        assert!(
            text.contains("names stand for titles") && text.contains("payers_distinct_1d >= 5"),
            "{text}"
        );
    }

    #[test]
    fn a_limit_says_what_was_counted_and_has_nothing_to_pass() {
        let mut published = published(&json!({"count": {"held": 5, "elsewhere": null, "count_max": 5}}));
        published.dispositions[0]["data"]["measure"] = json!("opening_refuse");
        let text = explanation(&Explanation::of(&published, None).unwrap());
        for part in ["held or reserved 5; the limit allows 5", "已有或已预留 5，上限 5", "fewer than 5 held"]
        {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        assert!(!text.contains("Passing") && !text.contains("harm budget"));
    }

    #[test]
    fn what_only_ended_here_is_not_explained() {
        let mut published = published(&evidence());
        published.dispositions.remove(0);
        assert!(Explanation::of(&published, None).is_none());
    }
}
