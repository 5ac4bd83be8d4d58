//! What became of a measure, record by record.

use serde::Serialize;
use serde_json::Value;

use super::told::{both, text};
use super::words::{self, Both};

#[derive(Clone, Debug, Serialize)]
pub struct Step {
    pub at: String,
    pub what: Both,
}

/// One published record about the measure, in words.
#[must_use]
pub fn step(record: &Value) -> Step {
    let what = match text(record, "/data/cause") {
        "" if record.pointer("/data/answer").is_some() => answer(record),
        "" if record.pointer("/data/moved").is_some() => moved(record),
        "" if record.pointer("/data/extended").is_some() => {
            Both::new("由机关延期", "extended by the authority")
        }
        "" => Both::new("作出", "set"),
        "expired" => Both::new("到期结束", "ended: its term was over"),
        "overturned" => Both::new("申诉成立，撤销", "ended: overturned on appeal, marked as overruled"),
        "superseded" => Both::new("由新的答复取代", "ended: superseded by a newer answer"),
        "opening_settled" => Both::new("申请已办结", "ended: the request was settled"),
        "lifted_by_person" => Both::new("人工决定撤销", "ended: lifted by a person, marked as overruled"),
        "replaced" => Both::new("人工决定改为较轻措施", "ended: a person chose a milder measure"),
        "followed" => {
            Both::new("核验未通过或未完成，改为后续处理", "ended: not verified, what follows was set")
        }
        "verified" => Both::new("核验通过，即时恢复", "ended: verified, restored at once"),
        "cancelled" => Both::new("付款人撤销", "ended: taken back by the payer"),
        "corrected" => Both::new("所依据的信息已更正，解除", "ended: what it rested on was corrected"),
        "released" => Both::new("机关已解除", "ended: released by the authority"),
        other => Both::new(format!("结束：{other}"), format!("ended: {other}")),
    };
    Step { at: text(record, "/time").to_owned(), what }
}

/// A step in the measure's life, by the states of its table, and who has to act.
fn moved(record: &Value) -> Both {
    let (from, to) = (text(record, "/data/from"), text(record, "/data/to"));
    let mut said = Both::new(format!("进展：{from} → {to}"), format!("went on: {from} -> {to}"));
    let mut add = |zh: String, en: String| {
        said.zh += &zh;
        said.en += &en;
    };
    if let Some(due) = record.pointer("/data/due").and_then(Value::as_str) {
        let due = words::moment(due);
        add(format!("，期限{}", due.zh), format!(", until {}", due.en));
    }
    match text(record, "/data/tell_again_by") {
        "" => {}
        by => add(format!("，再次通知（{by}）"), format!(", told again by {by}")),
    }
    match text(record, "/data/held_back") {
        "" => {}
        why => add(format!("，未作进一步处理（{why}）"), format!(", and nothing harder followed ({why})")),
    }
    if record.pointer("/data/asks_staff").and_then(Value::as_bool) == Some(true) {
        add("，由工作人员处理".to_owned(), ", staff take over".to_owned());
    }
    said
}

/// What was said about an appeal or a request, and why.
fn answer(record: &Value) -> Both {
    let said = match text(record, "/data/answer") {
        "received" => Both::new("收到申诉", "appeal received"),
        "accepted" => Both::new("受理申诉", "appeal accepted"),
        "papers_asked" => Both::new("要求补充材料", "more papers asked for"),
        "upheld" => Both::new("复核维持", "upheld after review"),
        "forwarded" => Both::new("转交有权机关", "passed on to the authority"),
        "overdue" => Both::new("答复逾期", "the answer is late"),
        "human_decision_due" => Both::new("要求人工决定", "a person is to decide"),
        "confirmed" => Both::new("人工决定维持", "confirmed by a person"),
        other => Both::same(other),
    };
    match both(record, "/data/reason") {
        reason if reason.zh.is_empty() => said,
        reason => Both::new(format!("{}：{}", said.zh, reason.zh), format!("{}: {}", said.en, reason.en)),
    }
}
