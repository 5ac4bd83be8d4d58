//! The figures in a limit's reason are those that decide: the text has places, and the dated figure and
//! the measure's term fill them. A figure written out would stay behind when the law changes.

use super::load::Bundle;
use crate::config::expression::{Constant, ValueType};
use crate::engine::base::{Bilingual, SpanMs};
use crate::engine::notice::NoticeTexts;

/// `limit.value` as a sum of money (it is in fen).
const YUAN: &str = "{value_yuan}";
/// `limit.value` as it stands.
const COUNT: &str = "{value}";
/// `limit.value`, a span of time, in days.
const DAYS: &str = "{value_days}";
/// How long the measure lasts.
const HOURS: &str = "{measure_hours}";
const PLACES: [&str; 4] = [YUAN, COUNT, DAYS, HOURS];

/// A text with its places left out: what is checked as words.
pub(super) fn without_places(text: &str) -> String {
    PLACES.iter().fold(text.to_owned(), |text, place| text.replace(place, ""))
}

/// Whether a reason is filled by a limit's figures, and so says nothing by itself.
pub(super) fn has_places(reason: &Bilingual) -> bool {
    PLACES.iter().any(|place| reason.zh.contains(place) || reason.en.contains(place))
}

/// Notes a reason with places where no dated figure fills them.
pub(super) fn fills_nothing(bundle: &mut Bundle, path: &str, notices: Option<&NoticeTexts>, key: &str) {
    if notices.and_then(|texts| texts.reasons.get(key)).is_some_and(has_places) {
        let message =
            format!("`{key}` states a figure of a limit with a condition; only such a limit fills it in");
        bundle.problems.add(path, "reason", message);
    }
}

/// The reason with its figures.
///
/// # Errors
/// A figure written out, a place that the limit cannot fill, or a figure that does not fit its place.
pub(super) fn filled(
    reason: &Bilingual,
    value: Option<&Constant>,
    measure_for: SpanMs,
) -> Result<Bilingual, String> {
    let fill = |text: &str, digits: fn(i64) -> String| {
        if let Some(figure) =
            without_places(text).split(|c: char| !c.is_ascii_digit()).find(|n| !n.is_empty())
        {
            return Err(format!(
                "its text writes out `{figure}`; put {} there, so that it is the figure in force",
                PLACES.join(", ")
            ));
        }
        let mut text = text.to_owned();
        for place in PLACES.into_iter().filter(|place| reason.zh.contains(place) || reason.en.contains(place))
        {
            text = text.replace(place, &figure(place, value, measure_for, digits)?);
        }
        Ok(text)
    };
    Ok(Bilingual { zh: fill(&reason.zh, |figure| figure.to_string())?, en: fill(&reason.en, grouped)? })
}

fn figure(
    place: &str,
    value: Option<&Constant>,
    measure_for: SpanMs,
    digits: fn(i64) -> String,
) -> Result<String, String> {
    let unfit = |why: &str| format!("its text has a place {place}, and {why}");
    if place == HOURS {
        return whole(measure_for.0, SpanMs::HOUR.0)
            .map(digits)
            .ok_or_else(|| unfit("`measure_for` is not in whole hours"));
    }
    let value = value.ok_or_else(|| unfit("this dated figure has no `value`"))?;
    let is_span = value.kind == Some(ValueType::Duration);
    match place {
        DAYS if is_span => {
            whole(value.value, SpanMs::DAY.0).map(digits).ok_or_else(|| unfit("`value` is not in whole days"))
        }
        DAYS => Err(unfit("`value` is no span of time")),
        _ if is_span => Err(unfit("`value` is a span of time")),
        YUAN => whole(value.value, 100).map(digits).ok_or_else(|| unfit("`value` is not in whole yuan")),
        _ => Ok(digits(value.value)),
    }
}

fn whole(value: i64, unit: i64) -> Option<i64> {
    (value % unit == 0).then_some(value / unit)
}

/// As English writes it: `20,000`.
fn grouped(figure: i64) -> String {
    let digits = figure.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(zh: &str, en: &str) -> Bilingual {
        Bilingual { zh: zh.to_owned(), en: en.to_owned() }
    }

    fn value(value: i64, kind: Option<ValueType>) -> Constant {
        Constant { name: "limit.value".to_owned(), value, kind }
    }

    #[test]
    fn the_dated_figure_is_what_a_person_reads() {
        let text = reason(
            "每天最多{value_yuan}元，{measure_hours}小时",
            "at most {value_yuan} yuan, {measure_hours} hours",
        );
        let told = filled(&text, Some(&value(20_000_000, None)), SpanMs::DAY).unwrap();
        assert_eq!(told, reason("每天最多200000元，24小时", "at most 200,000 yuan, 24 hours"));
        let days = reason("满{value_days}天", "{value_days} days");
        let half = value(SpanMs::days(180).0, Some(ValueType::Duration));
        assert_eq!(filled(&days, Some(&half), SpanMs::DAY).unwrap(), reason("满180天", "180 days"));
    }

    #[test]
    fn a_figure_written_out_or_not_there_is_refused() {
        let error = |zh: &str, en: &str, value: Option<&Constant>| {
            filled(&reason(zh, en), value, SpanMs(90_000)).unwrap_err()
        };
        let sum = value(200_050, None);
        assert!(
            error("最多{value_yuan}元", "at most 2,000 yuan", Some(&value(200_000, None)))
                .contains("writes out `2`")
        );
        assert!(error("{value_yuan}元", "{value_yuan}", Some(&sum)).contains("not in whole yuan"));
        assert!(error("{value_yuan}元", "{value_yuan}", None).contains("has no `value`"));
        assert!(error("{value_days}天", "{value_days}", Some(&sum)).contains("no span of time"));
        assert!(error("{measure_hours}小时", "{measure_hours}", None).contains("whole hours"));
    }
}
