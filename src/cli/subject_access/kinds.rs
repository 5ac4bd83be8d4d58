//! Kinds of facts that are kept of a person, in their own words.

use crate::engine::base::Token;
use crate::engine::fact::{Fact, FactBody};
use crate::engine::subject::{Party, SubjectKind};

/// A kind of fact: name, in Chinese, in English.
pub(super) type Kind = (&'static str, &'static str, &'static str);

/// Whether a fact is kept of this person: of their own partition, or of a shared subject that met them.
pub(super) fn is_of(fact: &Fact, holder: Token) -> bool {
    match &fact.body {
        FactBody::Met { holder: met, .. } => *met == holder,
        _ => fact.route.kind == SubjectKind::Holder && fact.route.token == holder,
    }
}

/// `None` of what is about no person, and of what authorities order, hold and answer: whether, when and of what a
/// person is told is theirs to say (PIPL 18, 45). What was told stands among the notices.
pub(super) fn kind_of(body: &FactBody) -> Option<Kind> {
    Some(match body {
        FactBody::Transfer { .. } => ("transfer_posted", "转账", "transfers"),
        FactBody::CardPayment { .. } => ("card_payment_posted", "刷卡支付", "card payments"),
        FactBody::CardUsage { .. } => {
            ("card_usage_recorded", "电话卡或物联网卡使用", "uses of phone and IoT cards")
        }
        FactBody::FraudConfirmed { .. } => ("fraud_confirmed", "已确认的诈骗", "confirmed frauds"),
        FactBody::Met { .. } => {
            ("met", "设备、网点、号码等的接触", "meetings with devices, outlets, numbers")
        }
        FactBody::Opening { .. } => ("opening", "开户、开卡及变更", "openings, changes and closings"),
        FactBody::HoldingsAnswered { .. } => {
            ("holdings_answered", "共享平台答复的数量", "counts answered by the shared platform")
        }
        FactBody::AppealDecided { .. } => ("appeal_decided", "申诉结果", "appeals decided"),
        FactBody::Appeal { .. } => (
            "appeal",
            "申诉、补充材料和人工决定请求的记录",
            "steps of appeals and of requests for a decision by a person",
        ),
        FactBody::MeasureHappened { .. } => (
            "measure_happened",
            "通知送达、身份核验和撤销付款的记录",
            "notices delivered, verifications, payments taken back",
        ),
        FactBody::Corrected { .. } => ("event_corrected", "更正", "corrections"),
        FactBody::SharingExplained { .. } => {
            ("sharing_explained", "对多人共用号码的说明", "explanations of a shared phone number")
        }
        FactBody::SettlementRecorded { .. } => ("settlement_recorded", "结算记录", "settlements"),
        FactBody::CardProfiled { .. } => {
            ("iot_card_profiled", "物联网卡约定用途", "what was agreed for IoT cards")
        }
        FactBody::RiskAssessed { .. } => ("risk_assessed", "办卡前风险评估", "assessments before a sale"),
        FactBody::OwnersDeclared { .. } => {
            ("beneficial_owners_declared", "受益所有人申报", "declarations of beneficial owners")
        }
        FactBody::TracesSeen { .. } => (
            "traces_seen",
            "使用的设备和位置（仅在有未了结的异常时留存）",
            "devices and places of use (kept only while an anomaly is open)",
        ),
        FactBody::AuthorisationGranted { .. } | FactBody::AuthorisationRevoked { .. } => {
            ("authorisation", "您的授权及其撤回", "what you authorised and took back")
        }
        FactBody::Order(_)
        | FactBody::Entry(_)
        | FactBody::HoldOrdered { .. }
        | FactBody::HoldReleased { .. }
        | FactBody::LeadAnswered { .. }
        | FactBody::Special(_)
        | FactBody::StockReported { .. }
        | FactBody::RuleSetActivated { .. }
        | FactBody::WentLive => return None,
    })
}

/// The account, card or opening that a body is about.
pub(super) fn party_of(body: &FactBody) -> Option<&Party> {
    match body {
        FactBody::Transfer { account, .. }
        | FactBody::CardPayment { account, .. }
        | FactBody::FraudConfirmed { account, .. }
        | FactBody::SettlementRecorded { account, .. } => Some(account),
        FactBody::CardUsage { card, .. } | FactBody::CardProfiled { card, .. } => Some(card),
        FactBody::TracesSeen { party, .. } => Some(party),
        FactBody::Opening { opening, holding, .. } => Some(holding.as_ref().unwrap_or(opening)),
        _ => None,
    }
}

/// What a person calls such a party.
pub(super) fn kind_words(kind: SubjectKind) -> (&'static str, &'static str) {
    match kind {
        SubjectKind::PhoneCard => ("电话卡", "phone card"),
        SubjectKind::IotCard => ("物联网卡", "IoT card"),
        SubjectKind::Opening => ("申请", "request"),
        _ => ("账户", "account"),
    }
}

/// What a person calls what was published, by its type: Chinese, English.
pub(super) fn published_words(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "duecourse.disposition.measure_set.v1" => ("采取", "set"),
        "duecourse.disposition.measure_moved.v1" => ("进入下一步", "went on"),
        "duecourse.disposition.measure_extended.v1" => ("延长", "extended"),
        "duecourse.disposition.measure_ended.v1" => ("解除", "ended"),
        "duecourse.disposition.appeal_answered.v1" => ("答复申诉或人工决定请求", "answered"),
        "duecourse.disposition.opening_accepted.v1" => ("同意办理", "request accepted"),
        "duecourse.disposition.reservation_lapsed.v1" => ("保留期满未办理", "acceptance lapsed"),
        _ => ("记录", "recorded"),
    }
}
