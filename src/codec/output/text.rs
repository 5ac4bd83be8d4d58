//! The ready text of notices, in plain words, Chinese first (DESIGN D25).
//!
//! What is particular (reason, basis, scope, what still works, channels, papers, remedies) comes
//! from the rule set's table of disclosable wording. What is the same for everybody (greeting,
//! labels, names of measures) stands here. Nothing else can reach a person (law.md A4).

mod answering;
mod times;
mod verifying;

use times::span;
pub(super) use times::{moment, zone};

use crate::engine::base::{Bilingual, SpanMs, TimeMs};
use crate::engine::disposition::{EndCause, Head, MeasureEnded};
use crate::engine::measure::{AccountStep, Lane, Measure, MeasureKind, VictimStep};
use crate::engine::notice::Notice;
use crate::engine::subject::SubjectKind;

/// A notice in both languages, ready to be sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub zh: String,
    pub en: String,
}

/// Two words for one thing.
pub(super) struct Words {
    pub zh: &'static str,
    pub en: &'static str,
}

pub(super) const fn words(zh: &'static str, en: &'static str) -> Words {
    Words { zh, en }
}

/// The notice of a measure that begins. `said_at`: when it is said, where that is known. `None` when a time lies
/// outside the calendar.
pub(super) fn of_set(
    head: &Head,
    measure: &Measure,
    notice: &Notice,
    said_at: Option<TimeMs>,
) -> Option<Text> {
    begun(head, measure, notice, &title(measure), said_at)
}

/// The notice of a measure whose authority extended it.
pub(super) fn of_extended(head: &Head, measure: &Measure, notice: &Notice) -> Option<Text> {
    let title = match measure {
        Measure::AuthorityStopPayment(_) => words("紧急止付延期", "payment stopped by order, extended"),
        _ => words("冻结延期", "frozen by order, extended"),
    };
    begun(head, measure, notice, &title, Some(head.at))
}

fn begun(
    head: &Head,
    measure: &Measure,
    notice: &Notice,
    title: &Words,
    said_at: Option<TimeMs>,
) -> Option<Text> {
    let party = party(head.party.subject.kind);
    let opening = opening(head.lane, head.party.subject.kind);
    let when = Moments::of(notice, said_at)?;
    Some(Text {
        zh: zh_set(notice, measure, title.zh, party.zh, opening.zh, &when),
        en: en_set(notice, measure, title.en, party.en, opening.en, &when),
    })
}

fn zh_set(
    notice: &Notice,
    measure: &Measure,
    title: &str,
    party: &str,
    opening: &str,
    when: &Moments,
) -> String {
    let order =
        order(measure).map_or(String::new(), |(issuer, number)| format!("指令：{issuer}，文号 {number}\n"));
    format!(
        "【{title}】通知\n\n\
         您好！{opening}我们对您的{party}作出如下处理，特此告知。\n\n\
         原因：{reason}\n\
         依据：{basis}\n\
         {order}\
         处理内容：{scope}\n\
         起止时间：自{start}起，至{end}止（{zone}）。到期自动结束，无需您办理手续。\n\
         您仍然可以：{still_works}\n\
         {verify}\n\
         {appealing}\n\
         · 线下：{offline}\n\
         · 线上：{online}\n\
         · 请准备：{papers}\n\
         · {answer}\n\
         {person}\
         · 其他途径：{remedies}\n\
         · 申诉编号：{appeal}（申诉时请提供此编号）\n\n\
         适用规则：{rule}，第 {version} 版",
        reason = notice.reason.zh,
        basis = notice.basis.zh,
        scope = notice.scope.zh,
        start = when.start.zh,
        end = when.end.zh,
        zone = when.zone.zh,
        still_works = notice.still_works.zh,
        verify = when.verify.zh,
        offline = notice.channels.offline.zh,
        online = notice.channels.online.zh,
        papers = notice.papers.zh,
        appealing = when.answer.appealing.zh,
        answer = when.answer.when.zh,
        person = when.answer.person.zh,
        remedies = notice.remedies.zh,
        appeal = notice.appeal,
        rule = notice.rule.id,
        version = notice.rule.version,
    )
}

fn en_set(
    notice: &Notice,
    measure: &Measure,
    title: &str,
    party: &str,
    opening: &str,
    when: &Moments,
) -> String {
    let order =
        order(measure).map_or(String::new(), |(issuer, number)| format!("Order: {issuer}, no. {number}\n"));
    format!(
        "Notice: {title}\n\n\
         Hello. {opening}we have done the following about your {party}, and this is to tell you why and \
         what you can do.\n\n\
         Reason: {reason}\n\
         Legal basis: {basis}\n\
         {order}\
         What is asked or limited: {scope}\n\
         From {start} until {end} ({zone}). It then ends by itself; there is nothing you need to file.\n\
         What still works: {still_works}\n\
         {verify}\n\
         {appealing}\n\
         - Offline: {offline}\n\
         - Online: {online}\n\
         - Please bring: {papers}\n\
         - {answer}\n\
         {person}\
         - Other remedies: {remedies}\n\
         - Appeal reference: {appeal} (please quote it)\n\n\
         Rule: {rule}, version {version}",
        reason = notice.reason.en,
        basis = notice.basis.en,
        scope = notice.scope.en,
        start = when.start.en,
        end = when.end.en,
        zone = when.zone.en,
        still_works = notice.still_works.en,
        verify = when.verify.en,
        offline = notice.channels.offline.en,
        online = notice.channels.online.en,
        papers = notice.papers.en,
        appealing = when.answer.appealing.en,
        answer = when.answer.when.en,
        person = when.answer.person.en,
        remedies = notice.remedies.en,
        appeal = notice.appeal,
        rule = notice.rule.id,
        version = notice.rule.version,
    )
}

/// The notice of a measure that ended. `None` when a time lies outside the calendar.
pub(super) fn of_ended(ended: &MeasureEnded) -> Option<Text> {
    let title = title(&ended.measure);
    let party = party(ended.head.party.subject.kind);
    let cause = cause(ended.cause);
    let offset = ended.utc_offset_minutes;
    let from = moment(ended.head.at, offset)?;
    let zone = zone(offset);
    let promise = match ended.override_until {
        Some(until) => promise(&moment(until, offset)?),
        None => Bilingual::default(),
    };
    let (heading, over, nothing_more) = if ended.cause == EndCause::Followed {
        (
            words("变更通知", "changed"),
            words("变更为另一项处理", "is changed into something else"),
            words("", ""),
        )
    } else {
        let nothing_more =
            words("就此事，您无需再办理任何手续。\n", "There is nothing more for you to do about it.\n");
        (words("解除通知", "lifted"), words("解除", "is lifted"), nothing_more)
    };
    let zh = format!(
        "【{title}】{heading}\n\n\
         您好！此前对您的{party}作出的“{title}”，自{from}（{zone}）起{over}。\n\n\
         原因：{cause}\n\
         {promise}\
         {nothing_more}\
         申诉编号：{appeal}（如有疑问，请提供此编号）",
        title = title.zh,
        party = party.zh,
        from = from.zh,
        zone = zone.zh,
        cause = cause.zh,
        promise = promise.zh,
        nothing_more = nothing_more.zh,
        heading = heading.zh,
        over = over.zh,
        appeal = ended.appeal,
    );
    let en = format!(
        "Notice: {heading}: {title}\n\n\
         Hello. What we had done about your {party} ({title}) {over} from {from} ({zone}).\n\n\
         Reason: {cause}\n\
         {promise}\
         {nothing_more}\
         Appeal reference: {appeal} (please quote it if you have a question)",
        title = title.en,
        party = party.en,
        from = from.en,
        zone = zone.en,
        cause = cause.en,
        promise = promise.en,
        nothing_more = nothing_more.en,
        heading = heading.en,
        over = over.en,
        appeal = ended.appeal,
    );
    Some(Text { zh, en })
}

/// What a successful appeal promises (DESIGN D26).
fn promise(until: &Bilingual) -> Bilingual {
    Bilingual {
        zh: format!("在{}之前，我们不会再依同一规则、以解除前的事项对您作出处理。\n", until.zh),
        en: format!(
            "Until {} we will not act under the same rule on anything from before the lift.\n",
            until.en
        ),
    }
}

/// Issuer and number of the order behind a measure of an authority.
fn order(measure: &Measure) -> Option<(&str, &str)> {
    match measure {
        Measure::AuthorityStopPayment(order) | Measure::AuthorityFreeze(order) => {
            Some((order.issuer(), order.number()))
        }
        Measure::ListedLimitOutflow(listing)
        | Measure::ListedStopPaymentAccount(listing)
        | Measure::ListedLimitCard(listing)
        | Measure::ListedRefuseOpening(listing) => Some((listing.issuer(), listing.number())),
        _ => None,
    }
}

/// What a person calls a measure that a rule, limit or order may ask for, by its name in outputs.
#[must_use]
pub fn measure_title(name: &str) -> Option<Bilingual> {
    let Words { zh, en } = match name {
        "authority_stop_payment" => STOP_PAYMENT,
        "authority_freeze" => FREEZE,
        "listed_limit_outflow" => LISTED_OUTFLOW,
        "listed_stop_payment_account" => LISTED_PAYMENT,
        "listed_limit_card" => LISTED_CARD,
        "listed_refuse_opening" => LISTED_OPENING,
        name => title(&MeasureKind::from_name(name)?.into()),
    };
    Some(Bilingual { zh: zh.to_owned(), en: en.to_owned() })
}

const STOP_PAYMENT: Words = words("紧急止付", "payment stopped by order");
const FREEZE: Words = words("冻结", "frozen by order");
const LISTED_OUTFLOW: Words =
    words("联合惩戒：限制非柜面出金", "joint sanctions: payments outside the counter limited");
const LISTED_PAYMENT: Words = words("联合惩戒：暂停支付账户", "joint sanctions: payment account stopped");
const LISTED_CARD: Words = words("联合惩戒：限制电话卡业务", "joint sanctions: phone card limited");
const LISTED_OPENING: Words = words("联合惩戒：暂不新办", "joint sanctions: nothing new is opened");

/// The name of a measure as a person reads it.
pub(super) fn title(measure: &Measure) -> Words {
    match measure {
        Measure::OpeningCheckFurther => words("开户（开卡）前进一步核实", "further checks before opening"),
        Measure::OpeningRefuse => words("暂不办理开户（开卡）", "opening not possible for now"),
        Measure::PhoneCardReverify => words("电话卡重新实名核验", "phone card to be verified again"),
        Measure::IotCardReverify => words("物联网卡使用核验", "use of an IoT card to be confirmed"),
        Measure::PhoneCardLimit(_) => words("电话卡部分功能受限", "phone card limited"),
        Measure::PhoneCardSuspend(_) => words("电话卡暂停服务", "phone card suspended"),
        Measure::Account(AccountStep::VerifyTransaction) => words("交易核实", "transaction to be verified"),
        Measure::Account(AccountStep::ReverifyIdentity) => {
            words("重新核验身份", "identity to be verified again")
        }
        Measure::Account(AccountStep::DelaySettlement) => words("延迟结算", "settlement delayed"),
        Measure::Account(AccountStep::LimitNonCounter) => {
            words("限制非柜面业务", "business outside the counter limited")
        }
        Measure::Account(AccountStep::StopNonCounter) => {
            words("暂停非柜面业务", "business outside the counter stopped")
        }
        Measure::Victim(VictimStep::Warn) => words("防骗提示", "fraud warning"),
        Measure::Victim(VictimStep::Call) => words("防骗来电提醒", "warning call"),
        Measure::Victim(VictimStep::CoolOff) => words("转账冷静期", "cooling-off period"),
        Measure::AuthorityStopPayment(_) => STOP_PAYMENT,
        Measure::AuthorityFreeze(_) => FREEZE,
        Measure::ListedLimitOutflow(_) => LISTED_OUTFLOW,
        Measure::ListedStopPaymentAccount(_) => LISTED_PAYMENT,
        Measure::ListedLimitCard(_) => LISTED_CARD,
        Measure::ListedRefuseOpening(_) => LISTED_OPENING,
        Measure::IotCardLimit(_) => words("物联网卡部分功能受限", "IoT card limited"),
        Measure::IotCardPause(_) => words("物联网卡暂停使用", "IoT card paused"),
    }
}

pub(super) fn party(kind: SubjectKind) -> Words {
    match kind {
        SubjectKind::Account => words("账户", "account"),
        SubjectKind::PhoneCard => words("电话卡", "phone card"),
        SubjectKind::IotCard => words("物联网卡", "IoT card"),
        SubjectKind::Opening => words("开户（开卡）申请", "request to open"),
        _ => words("业务", "business with us"),
    }
}

/// The first words: who acts and why. A likely victim is no suspect, and is told so (APL 34).
fn opening(lane: Lane, party: SubjectKind) -> Words {
    match lane {
        Lane::Limit => match party {
            SubjectKind::Opening => words(
                "按照国家对开户（开卡）的规定，",
                "Under the national rules on opening accounts and cards, ",
            ),
            SubjectKind::PhoneCard | SubjectKind::IotCard => words(
                "按照国家对电话卡、物联网卡管理的规定，",
                "Under the national rules on phone and IoT cards, ",
            ),
            _ => words(
                "按照国家对账户和支付结算的规定，",
                "Under the national rules on accounts and payments, ",
            ),
        },
        Lane::Anomaly => words("为防范电信网络诈骗，", "To prevent telecom and online fraud, "),
        Lane::Authority => words("按照有权机关的指令，", "As ordered by an authority, "),
        Lane::Victim => words(
            "为保护您的资金安全（这不代表对您有任何怀疑，也不影响您的信用记录），",
            "To protect your money (you are not under suspicion, and your credit record is not touched), ",
        ),
    }
}

fn cause(cause: EndCause) -> Words {
    match cause {
        EndCause::Expired => words("期限已到，自动解除。", "its term has ended."),
        EndCause::Overturned => words(
            "您的申诉成立，原处理不应作出，现予撤销。由此给您带来不便，我们深表歉意。",
            "your appeal was decided for you: it should not have been done and is withdrawn. We are sorry.",
        ),
        EndCause::Superseded => words(
            "同一申请已有新的答复，请以新的答复为准。",
            "there is a newer answer to the same request, which counts instead.",
        ),
        EndCause::OpeningSettled => {
            words("该申请已经办结或撤回。", "the request has been settled or withdrawn.")
        }
        EndCause::LiftedByPerson => words(
            "您要求人工决定，工作人员审查后认为原处理不应作出，现予撤销。由此给您带来不便，我们深表歉意。",
            "you asked that a person decide, and the person found that it should not have been done. We are sorry.",
        ),
        EndCause::Replaced => words(
            "您要求人工决定，工作人员审查后改为较轻的措施，请以新的通知为准。",
            "you asked that a person decide, and a milder measure takes its place; the new notice counts.",
        ),
        EndCause::Corrected => words(
            "原处理所依据的信息已由提供方更正，不再成立。由此给您带来不便，我们深表歉意。",
            "the information it rested on was corrected by its source, so it no longer stands. We are sorry.",
        ),
        EndCause::Followed => words(
            "核验未通过或未完成，已改为另一项处理，详见另一份通知。",
            "the verification was not passed or not done; what follows is in a notice of its own.",
        ),
        EndCause::Verified => words(
            "核验已通过，本项处理即时解除，感谢您的配合。",
            "you were verified, so it is lifted at once. Thank you for your help.",
        ),
        EndCause::Cancelled => words("您已撤销这笔转账。", "you took this transfer back."),
        EndCause::Released => {
            words("作出决定的机关已经解除。", "the authority that ordered it has released it.")
        }
    }
}

/// The times of a notice as a person reads them.
struct Moments {
    start: Bilingual,
    end: Bilingual,
    answer: answering::Said,
    /// How to be verified: a paragraph, or nothing.
    verify: Bilingual,
    zone: Bilingual,
}

impl Moments {
    /// `said_at`: from when on the answer to an appeal is counted, where that is known.
    fn of(notice: &Notice, said_at: Option<TimeMs>) -> Option<Moments> {
        let offset = notice.utc_offset_minutes;
        Some(Moments {
            start: moment(notice.start, offset)?,
            // Minutes are shown: a part of one counts as whole, so that the end is never early.
            end: moment(notice.end.plus(SpanMs(59_999)), offset)?,
            answer: answering::said(notice.recourse, said_at, offset)?,
            verify: verifying::paragraph(&notice.verify, offset)?,
            zone: zone(offset),
        })
    }
}
