//! What an event says, as a person calls it.

use super::words::Both;
use crate::engine::attributes::Field;

/// A field as a person calls it.
pub(super) fn field(field: Field) -> Both {
    match field {
        Field::Amount => Both::new("本笔金额", "amount of this event"),
        Field::Channel => Both::new("办理渠道", "channel"),
        Field::Bound => Both::new("对方为绑定账户", "to the bound account"),
        Field::OwnAccount => Both::new("对方为本人账户", "to the person's own account"),
        Field::Cash => Both::new("现金", "in cash"),
        Field::StrongAuth => Both::new("强身份认证", "strongly authenticated"),
        Field::BalanceAfter => Both::new("交易后余额", "balance after the event"),
        Field::Product => Both::new("产品类别", "kind of account or card"),
        Field::Usage => Both::new("用卡方式", "kind of use"),
        Field::IdentityChannels => {
            Both::new("身份核验渠道数量", "channels by which the identity was verified")
        }
        Field::AgreedDailySum => Both::new("约定的日累计限额", "agreed daily sum"),
        Field::MonthOpenMegabytes => {
            Both::new("本月非定向流量（兆字节）", "open traffic this month, in megabytes")
        }
        Field::RemoteControl => {
            Both::new("付款设备被远程控制", "the payer's device was under remote control")
        }
        Field::AfterLoan => Both::new("刚刚借款后付款", "paid just after a loan"),
        Field::CardProfiled => Both::new("已约定用途", "its use was agreed"),
        Field::OutsideFunctions => Both::new("超出约定功能", "used for a function that was not agreed"),
        Field::OutsideDevice => Both::new("不在绑定设备上", "in another device than it is bound to"),
        Field::OutsideRegion => {
            Both::new("不在约定区域或接入点", "outside of the agreed region or access point")
        }
        Field::ProfileRisk => Both::new("约定用途的风险等级", "risk of the agreed use"),
        Field::ProfileTraffic => Both::new("约定的流量类型", "agreed kind of traffic"),
        Field::ProfileScene => Both::new("约定的使用场景", "agreed scene of use"),
        Field::PartyHolderKind => {
            Both::new("账户或卡由个人还是单位持有", "whether a person or a unit has it")
        }
        Field::HolderKind => Both::new("申请人类型", "kind of applicant"),
        Field::OwnersDeclared => Both::new("已申报的受益所有人数量", "beneficial owners declared"),
        Field::OwnersShare => Both::new(
            "已申报受益所有人的份额合计（千分之）",
            "shares of the declared beneficial owners, in thousandths",
        ),
    }
}
