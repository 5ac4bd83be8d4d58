//! An explanation as text: first in Chinese, then the same in English.

use std::fmt::Write;

use super::told::{CountSaid, Explanation, FactSaid, ThresholdSaid};
use super::words::{Both, moment};
use crate::engine::evidence::ENTRIES_MAX;

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
        let authorised = fact.authorisation.as_ref().map_or_else(String::new, |number| match self.lang {
            Lang::Zh => format!("（经客户授权，编号 {number}）"),
            Lang::En => format!(" (under the customer's authorisation {number})"),
        });
        let mut line = format!("{title}{colon}{value}{cold}{authorised}");
        if fact.events_count > 0 && !fact.events.is_empty() {
            let is_cut = fact.events_count == ENTRIES_MAX as u64;
            line += &match self.lang {
                Lang::Zh if is_cut => format!("，最近的 {} 笔中：", fact.events_count),
                Lang::En if is_cut => format!(", among the newest {} events:", fact.events_count),
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
                let mut line = match self.lang {
                    Lang::Zh => format!("规则要求“{asked}”，因保护条款“{by}”减轻（{}）", softened.by.id),
                    Lang::En => {
                        format!("The rule asked for \"{asked}\"; softened by \"{by}\" ({})", softened.by.id)
                    }
                };
                if !softened.authorisations.is_empty() {
                    let numbers = softened.authorisations.join(", ");
                    line += &match self.lang {
                        Lang::Zh => format!("；经客户授权，编号 {numbers}"),
                        Lang::En => format!("; under the customer's authorisation {numbers}"),
                    };
                }
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
                let (words, left) = (self.pick(&said.shown.words), self.pick(&said.shown.left));
                let remark = said.remark();
                let remark = self.pick(&remark);
                let line = match self.lang {
                    Lang::Zh => format!("    差在：{words}；当时 {left}{remark}"),
                    Lang::En => format!("    missed: {words}; it was {left}{remark}"),
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
        let due = if appeal.is_passed_on {
            Both::new("转交作出决定的机关，由其答复", "passed on to the authority, which answers it")
        } else {
            moment(&appeal.answer_due)
        };
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
#[path = "text_tests.rs"]
mod tests;
