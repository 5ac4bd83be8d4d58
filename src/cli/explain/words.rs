//! Values with their units, and conditions in words, in Chinese and in English.

use serde::{Serialize, Serializer};

use super::fields::field;
use crate::engine::attributes::{Field, FieldType};
use crate::engine::base::{Bilingual, Currency};
use crate::engine::rule::{Condition, Op, Term};
use crate::engine::ruleset::RuleSet;
use crate::engine::signal::{Aggregate, Reads};

/// A text in both languages, as outputs write it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Both {
    pub zh: String,
    pub en: String,
}

impl Both {
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Both {
        Both { zh: zh.into(), en: en.into() }
    }

    /// The same in both languages: a name, a number.
    pub fn same(text: impl Into<String>) -> Both {
        let text = text.into();
        Both { en: text.clone(), zh: text }
    }
}

impl From<&Bilingual> for Both {
    fn from(text: &Bilingual) -> Both {
        Both::new(&text.zh, &text.en)
    }
}

impl Serialize for Both {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("zh-CN", &self.zh)?;
        map.serialize_entry("en", &self.en)?;
        map.end()
    }
}

/// What a number measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Count,
    /// Minor units of a currency.
    Money(Currency),
    /// Thousandths of a whole.
    PerMille,
    /// Milliseconds.
    Duration,
    /// So many parts of one: a ratio.
    Parts(u32),
    Flag,
    /// The number of a word out of a closed list.
    Word(&'static [(&'static str, i64)]),
}

impl Unit {
    /// Of a signal's values.
    #[must_use]
    pub fn of_signal(rules: &RuleSet, number: usize) -> Unit {
        match rules.signals.get(number).map(|signal| signal.reads) {
            Some(Reads::Log(question)) => match question.aggregate {
                Aggregate::Count | Aggregate::Distinct | Aggregate::Returned => Unit::Count,
                Aggregate::Sum
                | Aggregate::Max
                | Aggregate::Min
                | Aggregate::Last
                | Aggregate::Average
                | Aggregate::Deviation
                    if question.currency == Currency::NONE =>
                {
                    Unit::Count
                }
                Aggregate::Sum
                | Aggregate::Max
                | Aggregate::Min
                | Aggregate::Last
                | Aggregate::Average
                | Aggregate::Deviation => Unit::Money(question.currency),
                Aggregate::LargestShare => Unit::PerMille,
                Aggregate::SinceLast | Aggregate::SinceFirst => Unit::Duration,
            },
            Some(Reads::Ratio { scale, .. }) => Unit::Parts(scale),
            // Both parts of a difference measure the same; the loader holds them to it. A part is a
            // question or a ratio, never the difference itself.
            Some(Reads::Difference { of, .. }) if of < number => Unit::of_signal(rules, of),
            Some(Reads::Difference { .. } | Reads::MeasuresStanding) | None => Unit::Count,
            Some(Reads::SinceOpened) => Unit::Duration,
        }
    }

    fn of_field(field: Field) -> Unit {
        match field.value_type() {
            FieldType::Money => Unit::Money(Currency::CNY),
            FieldType::Count => Unit::Count,
            FieldType::Flag => Unit::Flag,
            FieldType::Word(words) => Unit::Word(words),
        }
    }

    /// Of a term; `None` of a bare number, which takes the unit of what it is compared with.
    fn of_term(rules: &RuleSet, term: &Term) -> Option<Unit> {
        match term {
            Term::Constant(_) => None,
            Term::Signal(number) => Some(Unit::of_signal(rules, *number)),
            Term::Field(field) => Some(Unit::of_field(*field)),
            Term::Add(a, b) | Term::Sub(a, b) | Term::Mul(a, b) | Term::If(_, a, b) => {
                Unit::of_term(rules, a).or_else(|| Unit::of_term(rules, b))
            }
        }
    }

    /// A value in this unit.
    #[must_use]
    pub fn say(self, value: i128) -> Both {
        match self {
            Unit::Count => Both::same(grouped(value)),
            Unit::Money(currency) if currency == Currency::CNY => {
                let amount = hundredths(value);
                Both::new(format!("{amount} 元"), format!("{amount} yuan"))
            }
            Unit::Money(currency) => Both::same(format!("{} {}", currency.as_str(), hundredths(value))),
            Unit::PerMille => Both::same(format!("{}{}.{}%", sign(value), abs(value) / 10, abs(value) % 10)),
            Unit::Duration => duration(value),
            Unit::Parts(scale) => parts(value, scale),
            Unit::Flag if value == 0 => Both::new("否", "no"),
            Unit::Flag => Both::new("是", "yes"),
            Unit::Word(words) => {
                let word = words.iter().find(|(_, number)| i128::from(*number) == value);
                Both::same(word.map_or_else(|| value.to_string(), |(word, _)| (*word).to_owned()))
            }
        }
    }
}

fn abs(value: i128) -> u128 {
    value.unsigned_abs()
}

fn sign(value: i128) -> &'static str {
    if value < 0 { "-" } else { "" }
}

/// Thousands apart by commas.
fn grouped(value: i128) -> String {
    let digits = abs(value).to_string();
    let mut text = String::from(sign(value));
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn hundredths(value: i128) -> String {
    let whole = grouped(i128::try_from(abs(value) / 100).unwrap_or(i128::MAX));
    format!("{}{whole}.{:02}", sign(value), abs(value) % 100)
}

/// A ratio as a decimal of as many places as its scale has zeros; another scale as a fraction.
fn parts(value: i128, scale: u32) -> Both {
    let places = scale.to_string().len() - 1;
    if scale > 1 && 10_u32.checked_pow(u32::try_from(places).unwrap_or(0)) == Some(scale) {
        let scale = u128::from(scale);
        return Both::same(format!("{}{}.{:0places$}", sign(value), abs(value) / scale, abs(value) % scale));
    }
    Both::same(if scale == 1 { grouped(value) } else { format!("{}/{scale}", grouped(value)) })
}

/// Milliseconds in the two largest units that say something.
fn duration(ms: i128) -> Both {
    const UNITS: [(u128, &str, &str); 4] = [
        (86_400_000, "天", "day"),
        (3_600_000, "小时", "hour"),
        (60_000, "分钟", "minute"),
        (1_000, "秒", "second"),
    ];
    let mut rest = abs(ms);
    let (mut zh, mut en) = (Vec::new(), Vec::new());
    for (unit, zh_name, en_name) in UNITS {
        let count = rest / unit;
        rest %= unit;
        if count > 0 && zh.len() < 2 {
            zh.push(format!("{count}{zh_name}"));
            en.push(format!("{count} {en_name}{}", if count == 1 { "" } else { "s" }));
        }
    }
    if zh.is_empty() {
        return Both::new(format!("{ms} 毫秒"), format!("{ms} ms"));
    }
    Both::new(format!("{}{}", sign(ms), zh.concat()), format!("{}{}", sign(ms), en.join(" ")))
}

fn term(rules: &RuleSet, term: &Term, unit: Option<Unit>) -> Both {
    let inner = |part: &Term| {
        let said = self::term(rules, part, unit);
        match part {
            Term::Add(..) | Term::Sub(..) => Both::new(format!("（{}）", said.zh), format!("({})", said.en)),
            _ => said,
        }
    };
    let joined = |a: Both, by: &str, b: Both| {
        Both::new(format!("{} {by} {}", a.zh, b.zh), format!("{} {by} {}", a.en, b.en))
    };
    match term {
        sum @ Term::Add(..) if is_points(sum) => Both::new("成立的迹象得分", "points of the signs that hold"),
        Term::Constant(value) => unit.unwrap_or(Unit::Count).say(i128::from(*value)),
        Term::Signal(number) => rules.signals.get(*number).map_or_else(Both::default, |s| (&s.title).into()),
        Term::Field(named) => field(*named),
        Term::Add(a, b) => joined(self::term(rules, a, unit), "+", inner(b)),
        Term::Sub(a, b) => joined(self::term(rules, a, unit), "−", inner(b)),
        Term::Mul(a, b) => {
            // A factor is a bare number, whatever the product measures.
            let factor = |part: &Term| match part {
                Term::Constant(value) => Both::same(grouped(i128::from(*value))),
                other => inner(other),
            };
            joined(factor(a), "×", factor(b))
        }
        Term::If(condition, a, b) => {
            let (when, a, b) =
                (self::condition(rules, condition), self::term(rules, a, unit), self::term(rules, b, unit));
            Both::new(
                format!("（若{}则 {}，否则 {}）", when.zh, a.zh, b.zh),
                format!("({} if {}, else {})", a.en, when.en, b.en),
            )
        }
    }
}

fn condition(rules: &RuleSet, condition: &Condition) -> Both {
    let joined = |parts: &[Condition], zh: &str, en: &str| {
        let said: Vec<Both> = parts.iter().map(|part| self::condition(rules, part)).collect();
        let zh_all: Vec<&str> = said.iter().map(|part| part.zh.as_str()).collect();
        let en_all: Vec<&str> = said.iter().map(|part| part.en.as_str()).collect();
        Both::new(zh_all.join(zh), en_all.join(en))
    };
    match condition {
        Condition::All(parts) => joined(parts, "且", " and "),
        Condition::Any(parts) => joined(parts, "或", " or "),
        Condition::Not(part) => {
            let said = self::condition(rules, part);
            Both::new(format!("并非（{}）", said.zh), format!("not ({})", said.en))
        }
        Condition::Compare { left, op, right } => compare(rules, left, *op, right),
    }
}

/// An operator between two things.
fn operator(op: Op) -> Both {
    match op {
        Op::Lt => Both::new("低于", "is less than"),
        Op::Le => Both::new("不超过", "is at most"),
        Op::Gt => Both::new("超过", "is more than"),
        Op::Ge => Both::new("不低于", "is at least"),
        Op::Eq => Both::new("等于", "is"),
        Op::Ne => Both::new("不等于", "is not"),
    }
}

fn compare(rules: &RuleSet, left: &Term, op: Op, right: &Term) -> Both {
    let unit = Unit::of_term(rules, left).or_else(|| Unit::of_term(rules, right));
    let (a, by, b) = (term(rules, left, unit), operator(op), term(rules, right, unit));
    Both::new(format!("{} {} {}", a.zh, by.zh, b.zh), format!("{} {} {}", a.en, by.en, b.en))
}

/// What keeps a comparison that holds from holding: the other side of its threshold.
#[must_use]
pub fn otherwise(operator: &str) -> Both {
    match operator {
        "<" => Both::new("不低于", "at least"),
        "<=" => Both::new("超过", "more than"),
        ">" => Both::new("不超过", "at most"),
        ">=" => Both::new("低于", "less than"),
        "==" => Both::new("不等于", "anything but"),
        _ => Both::new("等于", "exactly"),
    }
}

/// A comparison of a condition by its text: in words, and what its sides measure.
#[must_use]
pub fn comparison(rules: &RuleSet, condition: &Condition, text: &str) -> Option<(Both, Unit)> {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => {
            parts.iter().find_map(|part| comparison(rules, part, text))
        }
        Condition::Not(part) => comparison(rules, part, text),
        Condition::Compare { left, op, right } => {
            if condition.text(&rules.signals) == text {
                let unit = Unit::of_term(rules, left).or_else(|| Unit::of_term(rules, right));
                return Some((compare(rules, left, *op, right), unit.unwrap_or(Unit::Count)));
            }
            // A sign stands inside of a choice.
            let mut choices = Vec::new();
            left.choices(&mut |choice| choices.push(choice));
            right.choices(&mut |choice| choices.push(choice));
            choices.into_iter().find_map(|choice| comparison(rules, choice, text))
        }
    }
}

/// Whether a term adds up points: `(a ? 1 : 0) + (b ? 2 : 0)`.
fn is_points(term: &Term) -> bool {
    match term {
        Term::Add(a, b) => is_points(a) && is_points(b),
        Term::If(_, a, b) => matches!((&**a, &**b), (Term::Constant(_), Term::Constant(_))),
        _ => false,
    }
}

/// A written time (RFC 3339, at the institution's offset) as a person reads it, to the second.
#[must_use]
pub fn moment(written: &str) -> Both {
    let read = || {
        let civil: jiff::civil::DateTime = written.get(..19)?.parse().ok()?;
        let said = |form| civil.strftime(form).to_string();
        Some(Both::new(said("%Y年%-m月%-d日 %H:%M:%S"), said("%-d %B %Y, %H:%M:%S")))
    };
    read().unwrap_or_else(|| Both::same(written))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_bear_their_units() {
        let cases = [
            (Unit::Money(Currency::CNY), 123_456_789, "1,234,567.89 元", "1,234,567.89 yuan"),
            (Unit::Money(Currency::CNY), -5, "-0.05 元", "-0.05 yuan"),
            (Unit::Count, 1_000, "1,000", "1,000"),
            (Unit::PerMille, 985, "98.5%", "98.5%"),
            (Unit::Duration, 90_061_000, "1天1小时", "1 day 1 hour"),
            (Unit::Duration, 60_500, "1分钟", "1 minute"),
            (Unit::Duration, 7, "7 毫秒", "7 ms"),
            (Unit::Parts(1000), 1_050, "1.050", "1.050"),
            (Unit::Parts(1), 3, "3", "3"),
            (Unit::Flag, 1, "是", "yes"),
        ];
        for (unit, value, zh, en) in cases {
            assert_eq!(unit.say(value), Both::new(zh, en), "{unit:?}");
        }
    }

    #[test]
    fn comparisons_are_said_in_the_words_of_their_signals() {
        let rules = crate::config::bundle::compile(
            &crate::config::bundle::embedded(crate::config::bundle::Profile::Strict).unwrap(),
        )
        .unwrap();
        let mut said = 0;
        for rule in &rules.rules {
            let mut all = vec![&rule.condition];
            while let Some(part) = all.pop() {
                match part {
                    Condition::All(parts) | Condition::Any(parts) => all.extend(parts),
                    Condition::Not(part) => all.push(part),
                    Condition::Compare { .. } => {
                        let text = part.text(&rules.signals);
                        let (words, _) = comparison(&rules, &rule.condition, &text).unwrap();
                        let names_a_signal = rules.signals.iter().any(|s| words.en.contains(&s.name));
                        assert!(!names_a_signal && !words.zh.is_empty(), "{text}: {words:?}");
                        said += 1;
                    }
                }
            }
        }
        assert!(said >= rules.rules.len());
        assert_eq!(comparison(&rules, &rules.rules[0].condition, "no such text"), None);
    }

    #[test]
    fn a_sum_of_points_is_a_number_of_signs_and_each_sign_has_its_words() {
        use crate::config::bundle::{Profile, compile, embedded};
        let rules = compile(&embedded(Profile::Strict).unwrap()).unwrap();
        let rule = rules.rules.iter().find(|rule| rule.id == "pass_through").unwrap();
        let Condition::All(parts) = &rule.condition else { panic!("{:?}", rule.condition) };
        let sum = parts.iter().find(|part| part.text(&rules.signals).contains(" ? ")).unwrap();
        let (words, unit) = comparison(&rules, &rule.condition, &sum.text(&rules.signals)).unwrap();
        assert!(words.en.starts_with("points of the signs that hold is at least "), "{words:?}");
        assert!(words.zh.starts_with("成立的迹象得分 不低于"), "{words:?}");
        assert_eq!(unit, Unit::Count);
        let (sign, unit) = comparison(&rules, &rule.condition, "payers_distinct_14d >= 8").unwrap();
        assert!(sign.en.ends_with("is at least 8") && !sign.en.contains('_'), "{sign:?}");
        assert_eq!(unit, Unit::Count);
    }

    #[test]
    fn times_are_read_as_they_were_written() {
        assert_eq!(
            moment("2025-10-09T16:53:20.123+08:00"),
            Both::new("2025年10月9日 16:53:20", "9 October 2025, 16:53:20")
        );
        assert_eq!(moment("soon"), Both::same("soon"));
    }
}
