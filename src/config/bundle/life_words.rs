//! What the words of tables of lives mean to a reader, in Chinese and in English.

/// Each word that may stand in a table: what happens, what must hold, what is done.
pub(super) const WORDS: &[(&str, &str, &str)] = &[
    // What happens.
    ("notice_delivered", "通知送达", "notice delivered"),
    ("notice_undeliverable", "通知无法送达", "notice undeliverable"),
    ("verification_passed", "核验通过", "verification passed"),
    ("verification_failed", "核验未通过", "verification failed"),
    ("cancelled", "付款人撤销", "taken back by the payer"),
    ("due", "期限届满", "deadline reached"),
    ("filed", "提出申诉", "appeal filed"),
    ("accepted", "受理", "accepted"),
    ("papers_asked", "要求补充材料", "papers asked for"),
    ("papers_given", "补充材料送到", "papers given"),
    ("upheld", "复核维持", "upheld"),
    ("overturned", "申诉成立", "overturned"),
    ("human_requested", "要求人工决定", "human decision requested"),
    ("human_confirmed", "人工决定维持", "confirmed by a person"),
    ("human_lifted", "人工决定撤销", "lifted by a person"),
    ("human_milder", "人工决定从轻", "a milder measure decided by a person"),
    ("counted", "各分区统计报到", "counts of all partitions told"),
    ("renewed", "新版本开始使用", "a later version began"),
    ("issued", "收到命令，起始时间未到", "order heard of, its start ahead"),
    ("answered", "机构已办理或者说明原因", "done by the institution, or why not"),
    ("listed", "收到名单条目，起始时间未到", "entry heard of, its start ahead"),
    ("started", "到达起始时间", "start reached"),
    ("extended", "延长", "extended"),
    ("released", "解除", "released"),
    ("revoked", "撤销", "revoked"),
    ("lead_confirmed", "机关反馈：属实", "confirmed by the authority"),
    ("lead_not_confirmed", "机关反馈：不属实", "not confirmed by the authority"),
    ("lead_no_action", "机关反馈：不予处理", "nothing follows, the authority says"),
    ("given_up", "逾期已久仍无反馈", "long late and still not answered"),
    // What must hold.
    ("risk_high", "风险高", "high risk"),
    ("risk_low", "风险低", "low risk"),
    ("of_rule", "由规则而非法定限额作出", "set by a rule, not by a statutory limit"),
    ("channel_left", "还有没试过的通知方式", "a way of delivery is left"),
    ("last_line", "这是其唯一能用的电话卡", "it is the only phone card that works"),
    ("basic_service", "涉及基本服务", "about a basic service"),
    ("of_authority", "由有权机关作出", "an authority's"),
    ("automated", "没有人作出或确认过", "no person set or confirmed it"),
    ("new_evidence", "有新证据", "new evidence"),
    ("beyond_bound", "超出质量界限", "beyond its bound of quality"),
    ("seen_by_rule", "由规则发现", "seen by a rule"),
    ("refers", "要求核查关联账号", "asks that linked accounts are looked into"),
    ("restricts", "限制支付或者冻结", "stops payments or freezes"),
    ("legacy", "依联合惩戒之前的旧规定作出", "made under the rules before the joint sanctions"),
    // What is done.
    ("tell_again", "以下一种方式再次通知", "told again by the next way"),
    ("ask_staff", "由工作人员处理", "staff take over"),
    ("end_verified", "即时恢复", "restored at once"),
    ("end_cancelled", "结束", "ended"),
    ("set_phone_card_limit", "限制电话卡", "phone card limited"),
    ("set_phone_card_suspend", "暂停电话卡", "phone card suspended"),
    ("set_iot_card_limit", "限制物联网卡", "IoT card limited"),
    ("set_iot_card_pause", "暂停物联网卡", "IoT card paused"),
    ("set_reverify_identity", "重新核验身份", "identity verified again"),
    ("set_delay_settlement", "延迟结算", "settlement delayed"),
    ("set_limit_non_counter", "限制非柜面业务", "limited outside the counter"),
    ("set_stop_non_counter", "暂停非柜面业务", "stopped outside the counter"),
    ("tell_received", "告知已收到", "told that it was received"),
    ("tell_accepted", "告知已受理", "told that it was accepted"),
    ("tell_papers", "告知需要的材料", "told which papers are asked for"),
    ("forward", "转交有权机关", "passed on to the authority"),
    ("queue_human", "交由人工决定", "queued for a person"),
    ("confirm", "成为该工作人员的决定", "becomes that person's decision"),
    ("set_milder", "改为较轻措施", "a milder measure takes its place"),
    ("lift", "即时解除并标记为错误", "lifted at once, marked overruled"),
    ("tell_upheld", "告知理由和其他途径", "told reasons and next remedies"),
    ("overdue", "逾期告警", "alarm: late"),
    ("to_shadow", "只观察，并告警", "only observes, with an alarm"),
    ("restore", "恢复", "restored"),
    ("set", "作出", "set"),
    ("count_against", "计入规则的误报", "counts against its rule"),
    ("lead_alarm", "提醒催办", "an alarm: ask for the answer"),
    ("refer", "凭命令文号移送线索", "referred, with the order's number"),
    ("prolong", "延长期限", "prolonged"),
    ("end", "结束", "ended"),
    ("answer", "向有权机关反馈", "the authority is answered"),
];

/// A word as its table writes it, with what it means.
pub(super) fn said(name: &str) -> String {
    match WORDS.iter().find(|(known, ..)| *known == name) {
        Some((_, zh, en)) => format!("`{name}` {zh} · {en}"),
        None => format!("`{name}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::life::{
        AppealAct, AppealEvent, AppealGuard, EntryAct, EntryEvent, EntryGuard, LeadAct, LeadEvent, LeadGuard,
        MeasureAct, MeasureEvent, MeasureGuard, OrderAct, OrderEvent, OrderGuard, RuleAct, RuleEvent,
        RuleGuard, Word,
    };

    fn names<W: Word>() -> impl Iterator<Item = &'static str> {
        W::ALL.iter().map(|word| word.name())
    }

    #[test]
    fn every_word_of_a_table_is_told_once() {
        let all = names::<MeasureEvent>()
            .chain(names::<MeasureGuard>())
            .chain(names::<MeasureAct>())
            .chain(names::<AppealEvent>())
            .chain(names::<AppealGuard>())
            .chain(names::<AppealAct>())
            .chain(names::<RuleEvent>())
            .chain(names::<RuleGuard>())
            .chain(names::<RuleAct>())
            .chain(names::<OrderEvent>())
            .chain(names::<OrderGuard>())
            .chain(names::<OrderAct>())
            .chain(names::<EntryEvent>())
            .chain(names::<EntryGuard>())
            .chain(names::<EntryAct>())
            .chain(names::<LeadEvent>())
            .chain(names::<LeadGuard>())
            .chain(names::<LeadAct>());
        for name in all {
            assert_eq!(WORDS.iter().filter(|(known, ..)| *known == name).count(), 1, "{name}");
        }
    }
}
