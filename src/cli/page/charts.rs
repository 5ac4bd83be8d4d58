//! Tables and bars: scores, rules, alerts over time, time to detect.

use super::html::{both, escaped, minute, number, said, section};
use super::rows::{Rows, Truth};
use crate::cli::explain::told::Teller;
use crate::cli::run::{Report, RuleReport};
use crate::cli::score::{Level, TimeToDetect};
use crate::codec::output::rfc3339;
use crate::engine::base::TimeMs;
use crate::engine::ruleset::RuleSet;

/// Rules shown with a bar each; the rest is in `report.json`.
const RULES_SHOWN_MAX: usize = 60;
/// Bars of the chart over time.
const BUCKETS: usize = 48;

/// A mode of alerts, as a person calls it.
fn mode(name: &str) -> String {
    match name {
        "enforced" => both("执行", "enforced"),
        "shadow" => both("影子", "shadow"),
        "braked" => both("刹车", "braked"),
        _ => both("全部", "all"),
    }
}

/// Levels by mode, and schemes.
#[must_use]
pub fn scores(report: &Report) -> String {
    let mut modes = vec![("all", &report.levels)];
    let has_alerts = |name: &str| report.rules.iter().any(|rule| rule.mode == name);
    let by_mode = report.levels_by_mode.iter().filter(|(name, _)| has_alerts(name));
    modes.extend(by_mode.map(|(name, levels)| (name.as_str(), levels)));
    let account: String = modes.iter().map(|(name, levels)| level_row(name, &levels.account)).collect();
    let event: String = modes.iter().map(|(name, levels)| level_row(name, &levels.event)).collect();
    let excluded = report.levels.account.excluded;
    let mut body = level_table(&both("账户", "Accounts"), &account);
    if excluded > 0 {
        body += &format!("<p class=\"note\">{} {}</p>", both("不计入：", "Left out:"), number(excluded));
    }
    body += &level_table(&both("事件", "Events"), &event);
    if report.levels.scheme.total > 0 {
        let row = |(name, levels): &(&str, &crate::cli::score::Levels)| {
            let scheme = levels.scheme;
            format!(
                "<tr><th>{}</th><td>{}</td><td>{}</td><td>{}</td></tr>",
                mode(name),
                number(scheme.total),
                number(scheme.any),
                number(scheme.half)
            )
        };
        let rows: String = modes.iter().map(row).collect();
        body += &format!(
            "<h3>{}</h3><table><thead><tr><th></th><th>{}</th><th>{}</th><th>{}</th></tr></thead>\
             <tbody>{rows}</tbody></table>",
            both("团伙", "Schemes"),
            both("总数", "total"),
            both("触及", "touched"),
            both("过半", "half found"),
        );
    }
    section(&both("得分", "Scores"), &body)
}

/// Few columns, so that all of them stand on a phone: counts stand under what they make up.
fn level_table(title: &str, rows: &str) -> String {
    let heads =
        [both("召回", "recall"), both("误报率", "false-alert rate"), both("每千告警", "alerts per 1,000")];
    let heads: String = heads.iter().map(|head| format!("<th>{head}</th>")).collect();
    format!(
        "<h3>{title}</h3><table><thead><tr><th></th>{heads}</tr></thead>\
         <tbody>{rows}</tbody></table>"
    )
}

fn level_row(name: &str, level: &Level) -> String {
    format!(
        "<tr><th>{}</th><td>{:.1}%<small>{} / {}</small></td><td>{:.3}%<small>{} / {}</small></td><td>{:.2}</td></tr>",
        mode(name),
        level.recall * 100.0,
        number(level.hit),
        number(level.positives),
        level.fpr * 100.0,
        number(level.false_count),
        number(level.negatives),
        level.alerts_per_1000,
    )
}

/// How long it took from the first labelled event of an account to its first alert.
#[must_use]
pub fn time_to_detect(time: &TimeToDetect, delays_ms: &[i64]) -> String {
    /// Upper ends in milliseconds, not included.
    const BUCKETS: [(i64, &str, &str); 7] = [
        (60_000, "1 分钟内", "under 1 min"),
        (600_000, "10 分钟内", "under 10 min"),
        (3_600_000, "1 小时内", "under 1 h"),
        (21_600_000, "6 小时内", "under 6 h"),
        (86_400_000, "1 天内", "under 1 day"),
        (604_800_000, "7 天内", "under 7 days"),
        (i64::MAX, "更久", "longer"),
    ];
    let mut counts = [0_u64; BUCKETS.len()];
    for delay in delays_ms {
        let bucket = BUCKETS.iter().position(|(end, ..)| delay < end).unwrap_or(BUCKETS.len() - 1);
        if let Some(count) = counts.get_mut(bucket) {
            *count += 1;
        }
    }
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let bars: String = BUCKETS
        .iter()
        .zip(counts)
        .map(|((_, zh, en), count)| {
            let width = count * 100 / most;
            format!(
                "<div class=\"bar\"><span>{}</span><span class=\"track\"><i class=\"t\" style=\"width:{width}%\"></i></span>\
                 <b>{}</b></div>",
                both(zh, en),
                number(count)
            )
        })
        .collect();
    let seconds = |s: f64| {
        // Seconds of a run fit an i128 many times over.
        said(&crate::cli::explain::words::Unit::Duration.say((s * 1000.0) as i128))
    };
    let line = if time.n == 0 {
        both("没有被报出的账户。", "No labelled account was alerted.")
    } else {
        format!(
            "{} <b>{}</b> · {} <b>{}</b> · n {}",
            both("中位", "median"),
            seconds(time.median),
            both("九成以内", "p90"),
            seconds(time.p90),
            number(time.n)
        )
    };
    section(&both("多久发现", "Time to detect"), &format!("<p>{line}</p>{bars}"))
}

/// One bar a rule and mode: alerts that were right, wrong, and of which nothing is known.
#[must_use]
pub fn rules(report: &Report, rules: Option<&RuleSet>, is_judged: bool) -> String {
    let mut all: Vec<&RuleReport> = report.rules.iter().collect();
    all.sort_by(|a, b| b.alerts.cmp(&a.alerts).then_with(|| (&a.id, &a.mode).cmp(&(&b.id, &b.mode))));
    let most = all.first().map_or(1, |rule| rule.alerts.max(1));
    let bars: String =
        all.iter().take(RULES_SHOWN_MAX).map(|rule| rule_bar(rule, rules, most, is_judged)).collect();
    let more = all.len().saturating_sub(RULES_SHOWN_MAX);
    let more = if more > 0 {
        format!("<p class=\"note\">{} {more}</p>", both("其余见 report.json：", "More in report.json:"))
    } else {
        String::new()
    };
    let none = if all.is_empty() {
        format!("<p>{}</p>", both("没有规则告警。", "No rule alerted."))
    } else {
        String::new()
    };
    section(&both("规则", "Rules"), &format!("{}{bars}{more}{none}", legend(is_judged)))
}

fn rule_bar(rule: &RuleReport, rules: Option<&RuleSet>, most: u64, is_judged: bool) -> String {
    let title = Teller { rules }.rule(&rule.id, 0).title;
    let unknown = rule.alerts.saturating_sub(rule.true_count + rule.false_count);
    let piece = |class: &str, count: u64| {
        format!("<i class=\"{class}\" style=\"width:{:.2}%\"></i>", count as f64 * 100.0 / most as f64)
    };
    let track = piece("t", rule.true_count) + &piece("f", rule.false_count) + &piece("u", unknown);
    let judged = if is_judged {
        let hours = rule.restricted_hours_per_true.map_or_else(String::new, |hours| {
            format!(" · {hours:.1} {}", both("限制小时/真", "restricted h per true"))
        });
        format!(
            "{} {} · {} {}{hours}",
            number(rule.true_count),
            both("真", "true"),
            number(rule.false_count),
            both("误", "false")
        )
    } else {
        format!("{:.1} {}", rule.restricted_hours, both("限制小时", "restricted h"))
    };
    format!(
        "<div class=\"rule\"><p><b>{}</b> <code>{}</code> <em class=\"{}\">{}</em></p>\
         <span class=\"track\">{track}</span><p class=\"note\">{} {} · {judged}</p></div>",
        said(&title),
        escaped(&rule.id),
        escaped(&rule.mode),
        mode(&rule.mode),
        number(rule.alerts),
        both("次告警", "alerts"),
    )
}

fn legend(is_judged: bool) -> String {
    if !is_judged {
        return String::new();
    }
    format!(
        "<p class=\"legend\"><i class=\"t\"></i>{} <i class=\"f\"></i>{} <i class=\"u\"></i>{}</p>",
        both("真", "true"),
        both("误", "false"),
        both("不计", "not scored")
    )
}

/// How many alerts fell into each stretch of the run.
#[must_use]
pub fn over_time(rows: &Rows, offset_minutes: i32) -> String {
    let Some((first, last)) = rows.span() else { return String::new() };
    let mut buckets = [[0_u64; 3]; BUCKETS];
    let length = (i128::from(last) - i128::from(first) + 1).max(1);
    for row in &rows.all {
        let place = (i128::from(row.at_ms) - i128::from(first)) * BUCKETS as i128 / length;
        let kind = match row.truth {
            Truth::True => 0,
            Truth::False => 1,
            Truth::Unknown => 2,
        };
        let bucket = usize::try_from(place).ok().and_then(|place| buckets.get_mut(place));
        if let Some(count) = bucket.and_then(|bucket| bucket.get_mut(kind)) {
            *count += 1;
        }
    }
    let most = buckets.iter().map(|bucket| bucket.iter().sum::<u64>()).max().unwrap_or(0).max(1);
    let mut bars = String::new();
    for (place, bucket) in buckets.iter().enumerate() {
        let mut top = 100.0;
        for (class, count) in ["t", "f", "u"].iter().zip(bucket).filter(|(_, count)| **count > 0) {
            let height = *count as f64 * 100.0 / most as f64;
            top -= height;
            bars += &format!(
                "<rect class=\"{class}\" x=\"{place}.1\" y=\"{top:.2}\" width=\"0.8\" height=\"{height:.2}\"/>"
            );
        }
    }
    let written = |at: i64| rfc3339(TimeMs(at), offset_minutes).map_or_else(String::new, |at| minute(&at));
    let label = format!("{} {}", both("最多", "at most"), number(most));
    section(
        &both("各时段告警", "Alerts over time"),
        &format!(
            "<p class=\"note\">{label}</p><svg class=\"chart\" viewBox=\"0 0 {BUCKETS} 100\" preserveAspectRatio=\"none\" \
             role=\"img\" aria-label=\"alerts over time\">{bars}</svg>\
             <p class=\"ends note\"><span>{}</span><span>{}</span></p>",
            written(first),
            written(last)
        ),
    )
}
