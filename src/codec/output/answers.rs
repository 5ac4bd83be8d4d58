//! The ready text of what a person is told about an appeal, or about a request for a human decision, in plain
//! words, Chinese first (APL 32, AML 39, PIPL 24).

use crate::engine::appeal::{AppealAnswer, AppealAnswered, Paper};

use super::text::{Text, Words, moment, party, title, words, zone};

/// `None` when a time lies outside the calendar.
pub(super) fn of(answered: &AppealAnswered) -> Option<Text> {
    let (title, party) = (title(&answered.measure), party(answered.head.party.subject.kind));
    let said = said(answered.answer);
    let (due_zh, due_en) = match answered.due.filter(|_| promises(answered.answer)) {
        Some(due) => {
            let (due, zone) = (moment(due, answered.utc_offset_minutes)?, zone(answered.utc_offset_minutes));
            (
                format!("\n最迟答复时间：{}（{}）。", due.zh, zone.zh),
                format!("\nYou will have an answer by {} ({}) at the latest.", due.en, zone.en),
            )
        }
        None => (String::new(), String::new()),
    };
    let (reason_zh, reason_en) = match &answered.reason {
        Some(reason) => (format!("\n理由：{}", reason.zh), format!("\nReason: {}", reason.en)),
        None => (String::new(), String::new()),
    };
    let papers: Vec<Words> = answered.papers.all().map(paper).collect();
    let (papers_zh, papers_en) = if papers.is_empty() || answered.answer != AppealAnswer::PapersAsked {
        (String::new(), String::new())
    } else {
        let zh: Vec<&str> = papers.iter().map(|paper| paper.zh).collect();
        let en: Vec<&str> = papers.iter().map(|paper| paper.en).collect();
        (format!("\n需要的材料：{}。", zh.join("、")), format!("\nWhat we need: {}.", en.join(", ")))
    };
    let (remedies_zh, remedies_en) = if names_remedies(answered.answer) {
        let remedies = &answered.remedies;
        (format!("\n其他途径：{}", remedies.zh), format!("\nOther remedies: {}", remedies.en))
    } else {
        (String::new(), String::new())
    };
    let (appeal, measure_zh, measure_en) = (answered.appeal, title.zh, title.en);
    Some(Text {
        zh: format!(
            "【申诉进展】{said}\n\n\
             您好！关于您的{party}的“{measure_zh}”：{sentence}\
             {reason_zh}{papers_zh}{due_zh}{remedies_zh}\n\
             申诉编号：{appeal}（如有疑问，请提供此编号）",
            said = said.title.zh,
            party = party.zh,
            sentence = said.sentence.zh,
        ),
        en: format!(
            "About your appeal: {said}\n\n\
             Hello. About your {party} ({measure_en}): {sentence}\
             {reason_en}{papers_en}{due_en}{remedies_en}\n\
             Appeal reference: {appeal} (please quote it if you have a question)",
            said = said.title.en,
            party = party.en,
            sentence = said.sentence.en,
        ),
    })
}

/// Whether a time is promised with it.
fn promises(answer: AppealAnswer) -> bool {
    matches!(
        answer,
        AppealAnswer::Received
            | AppealAnswer::Accepted
            | AppealAnswer::PapersAsked
            | AppealAnswer::HumanDecisionDue
    )
}

/// Whether the person is told where else to turn.
fn names_remedies(answer: AppealAnswer) -> bool {
    matches!(
        answer,
        AppealAnswer::Upheld | AppealAnswer::Forwarded | AppealAnswer::Overdue | AppealAnswer::Confirmed
    )
}

struct Said {
    title: Words,
    sentence: Words,
}

fn said(answer: AppealAnswer) -> Said {
    let (title, sentence) = match answer {
        AppealAnswer::Received => (
            words("已收到", "received"),
            words(
                "我们已经收到您的申诉，会由工作人员复核并答复您。",
                "we have received your appeal. A member of staff will review it and answer you.",
            ),
        ),
        AppealAnswer::Accepted => (
            words("已受理", "accepted"),
            words(
                "您的申诉已经受理，工作人员正在复核。",
                "your appeal has been accepted, and a member of staff is reviewing it.",
            ),
        ),
        AppealAnswer::PapersAsked => (
            words("需要补充材料", "more papers needed"),
            words(
                "为了作出公正的决定，还需要您补充以下材料。有什么带什么即可；确有困难的，请告诉我们。",
                "to decide fairly, we still need the following from you. Bring what you have, and tell us if \
                 something is hard to get.",
            ),
        ),
        AppealAnswer::Upheld => (
            words("复核结果：维持", "the measure stands"),
            words(
                "工作人员已经复核，原处理维持不变。如果您有新的材料，可以再次申诉。",
                "a member of staff has reviewed it, and the measure stands. If you have something new to show, \
                 you can appeal again.",
            ),
        ),
        AppealAnswer::Forwarded => (
            words("已转交有权机关", "passed on to the authority"),
            words(
                "这项处理由有权机关决定，我们无权改变。您的申诉已转交，您也可以直接向该机关提出。",
                "this was decided by an authority, and we cannot change it. Your appeal has been passed on, and \
                 you can also turn to the authority yourself.",
            ),
        ),
        AppealAnswer::Overdue => (
            words("答复延误", "our answer is late"),
            words(
                "我们没有在承诺的时间内答复您，非常抱歉。您的申诉已经提到最前面处理。",
                "we have not answered you in the time we promised, and we are sorry. Your appeal now comes first.",
            ),
        ),
        AppealAnswer::HumanDecisionDue => (
            words("由人工决定", "a person will decide"),
            words(
                "您要求由人工作出决定，我们已经安排。在作出决定之前，不会自动采取更严的措施。",
                "you asked that a person decide, and that is arranged. Until then nothing stricter will follow \
                 automatically.",
            ),
        ),
        AppealAnswer::Confirmed => (
            words("人工决定：维持", "a person decided: the measure stands"),
            words(
                "工作人员已经亲自审查，原处理维持不变。如果您不同意，可以申诉，由另一位工作人员复核。",
                "a member of staff has looked into it, and the measure stands. If you disagree, you can appeal, \
                 and another member of staff will review it.",
            ),
        ),
    };
    Said { title, sentence }
}

fn paper(paper: Paper) -> Words {
    match paper {
        Paper::IdentityDocument => words("本人身份证件", "your identity document"),
        Paper::TransactionExplanation => words("对交易情况的说明", "what the payments were for"),
        Paper::ContractOrInvoice => words("合同、发票或订单", "a contract, invoice or order"),
        Paper::BusinessLicence => words("营业执照", "a business licence"),
        Paper::IncomeProof => words("收入证明", "proof of income"),
        Paper::RelationshipProof => words("与对方关系的说明", "how you know the other side"),
        Paper::DeviceOrCardProof => words("设备或者卡的使用说明", "how the device or card is used"),
        Paper::PoliceReceipt => words("公安机关的受理回执", "the receipt of a police report"),
        Paper::Other => words("其他能说明情况的材料", "anything else that explains it"),
    }
}
