//! What was referred under a lead's reference, and what came of it, for a person in both languages.
//!
//! A lead says little, because little goes along; what it rests on is told by its comparisons, and its digest
//! stands for the rest.

use serde_json::Value;

/// The text of a lead's records, in the order in which they were published; none without the first.
#[must_use]
pub fn text(records: &[Value]) -> Option<String> {
    let sent = records.iter().find(|record| record["type"] == "duecourse.lead.sent.v1")?.get("data")?;
    let of = |pointer: &str| sent.pointer(pointer).and_then(Value::as_str).unwrap_or("-");
    let about = match (sent.get("party"), sent.get("subject")) {
        (Some(party), _) => {
            let part = |name: &str| party.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
            format!("{} {}", part("kind"), part("ref"))
        }
        (None, Some(_)) => format!("{} {}", of("/subject/kind"), of("/subject/token")),
        (None, None) => "-".to_owned(),
    };
    let facts: Vec<String> = sent
        .get("comparisons")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|shown| {
            let text = shown.get("text").and_then(Value::as_str).unwrap_or("-");
            let side = |name: &str| shown.get(name).and_then(Value::as_i64).unwrap_or(0);
            let op = shown.get("op").and_then(Value::as_str).unwrap_or("-");
            format!("{text}: {} {op} {}", side("left"), side("right"))
        })
        .collect();
    let came: Vec<String> = records
        .iter()
        .filter(|record| record["type"] == "duecourse.lead.moved.v1")
        .filter_map(|record| record.get("data"))
        .map(|moved| {
            let part = |name: &str| moved.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
            format!("{}: {} -> {}", part("at"), part("from"), part("to"))
        })
        .collect();
    let order = sent.get("order").map(|_| format!("{} {}", of("/order/issuer"), of("/order/number")));
    let rule =
        format!("{} {}", of("/rule/id"), sent.pointer("/rule/version").and_then(Value::as_u64).unwrap_or(0));
    let list = |title: &str, rows: &[String], none: &str| {
        let mut text = format!("{title}\n");
        if rows.is_empty() {
            text += &format!("  {none}\n");
        }
        rows.iter().for_each(|row| text += &format!("  {row}\n"));
        text
    };
    let mut zh = format!(
        "线索 {}（{}）\n  对象：{about}\n  原因：{}\n  依据：{}\n  移送：{}（{}）\n  规则：{rule}\n  \
         反馈期限：{}\n  任何人都不因这条线索受限。\n",
        of("/reference"),
        of("/kind"),
        of("/reason/zh-CN"),
        of("/basis/zh-CN"),
        of("/authority/title/zh-CN"),
        of("/authority/name"),
        of("/answer_due"),
    );
    let mut en = format!(
        "Lead {} ({})\n  About: {about}\n  Why: {}\n  Basis: {}\n  Referred to: {} ({})\n  Rule: {rule}\n  \
         Answer due: {}\n  Nobody is restricted by it.\n",
        of("/reference"),
        of("/kind"),
        of("/reason/en"),
        of("/basis/en"),
        of("/authority/title/en"),
        of("/authority/name"),
        of("/answer_due"),
    );
    if let Some(order) = order {
        zh += &format!("  命令：{order}\n");
        en += &format!("  On the order: {order}\n");
    }
    zh += &list("事实：", &facts, "见证据摘要");
    en += &list("Facts:", &facts, "by the digest of its evidence");
    zh += &list("后来：", &came, "尚无反馈");
    en += &list("What came of it:", &came, "no answer yet");
    let digest = of("/evidence_sha256");
    Some(format!("{zh}证据摘要：{digest}\n\n{en}Evidence: {digest}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_lead_is_told_in_both_languages_with_what_came_of_it() {
        let sent = json!({ "type": "duecourse.lead.sent.v1", "data": {
            "reference": "L-0000-0000-0000", "kind": "sim_box_device",
            "authority": { "name": "police", "title": { "zh-CN": "公安", "en": "Police" }, "level": "prefecture" },
            "reason": { "zh-CN": "多卡", "en": "many cards" }, "basis": { "zh-CN": "第十四条", "en": "Article 14" },
            "rule": { "id": "sim_box_device", "version": 1 },
            "subject": { "kind": "device", "token": "00" },
            "comparisons": [{ "text": "holders >= 10", "left": 11, "op": ">=", "right": 10 }],
            "evidence_sha256": "ab", "answer_due": "2026-04-01T09:00:00.000+08:00" } });
        let moved = json!({ "type": "duecourse.lead.moved.v1", "data": {
            "at": "2026-03-05", "from": "sent", "to": "confirmed" } });
        let told = text(&[sent.clone(), moved]).unwrap();
        for part in
            ["多卡", "many cards", "公安", "device 00", "holders >= 10: 11 >= 10", "sent -> confirmed"]
        {
            assert!(told.contains(part), "{part} is not in\n{told}");
        }
        assert!(text(&[sent]).unwrap().contains("尚无反馈"));
        assert_eq!(text(&[]), None);
    }
}
