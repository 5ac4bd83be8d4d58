//! Authority orders: what the police ask, stop or freeze, and what they are told of it (APL 20, ARCHITECTURE S15).
//!
//! An order rests on its signature alone, which intake has tested. No signal, rule or score is named here.

use std::sync::Arc;

use super::base::{Fingerprint, TimeMs};
use super::disposition::DispositionId;
use super::measure::{Measure, Order};
use super::notice::{Notice, Telling};
use super::subject::Party;

/// The level of the authority that decides, lowest first. The numbers are part of the packed form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    County = 1,
    /// 设区的市级 (APL 31).
    Prefecture = 2,
    Provincial = 3,
    National = 4,
}

impl Level {
    pub const ALL: [Level; 4] = [Level::County, Level::Prefecture, Level::Provincial, Level::National];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Level::County => "county",
            Level::Prefecture => "prefecture",
            Level::Provincial => "provincial",
            Level::National => "national",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Level> {
        Level::ALL.into_iter().find(|level| level.name() == name)
    }

    #[must_use]
    pub fn from_code(code: u8) -> Option<Level> {
        Level::ALL.into_iter().find(|level| *level as u8 == code)
    }
}

/// What an order asks for. The numbers are part of the packed form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum OrderKind {
    Query = 1,
    /// 紧急止付.
    StopPayment = 2,
    Freeze = 3,
    /// 资金返还.
    ReturnOfFunds = 4,
    /// That internet accounts linked to a card or account are looked into (APL 22).
    LinkedAccounts = 5,
}

impl OrderKind {
    pub const ALL: [OrderKind; 5] = [
        OrderKind::Query,
        OrderKind::StopPayment,
        OrderKind::Freeze,
        OrderKind::ReturnOfFunds,
        OrderKind::LinkedAccounts,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            OrderKind::Query => "query",
            OrderKind::StopPayment => "stop_payment",
            OrderKind::Freeze => "freeze",
            OrderKind::ReturnOfFunds => "return_of_funds",
            OrderKind::LinkedAccounts => "linked_accounts",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<OrderKind> {
        OrderKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    #[must_use]
    pub fn from_code(code: u8) -> Option<OrderKind> {
        OrderKind::ALL.into_iter().find(|kind| *kind as u8 == code)
    }

    /// The measure that carries it out, for those that restrict.
    #[must_use]
    pub fn measure(self, order: Order) -> Option<Measure> {
        match self {
            OrderKind::StopPayment => Some(Measure::AuthorityStopPayment(order)),
            OrderKind::Freeze => Some(Measure::AuthorityFreeze(order)),
            OrderKind::Query | OrderKind::ReturnOfFunds | OrderKind::LinkedAccounts => None,
        }
    }

    #[must_use]
    pub fn restricts(self) -> bool {
        matches!(self, OrderKind::StopPayment | OrderKind::Freeze)
    }

    /// The key of its reason in the table of disclosable wording.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            OrderKind::StopPayment => "order_stop_payment",
            OrderKind::Freeze => "order_freeze",
            OrderKind::Query | OrderKind::ReturnOfFunds | OrderKind::LinkedAccounts => "",
        }
    }
}

/// By what an order is known, together with its party.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderName {
    pub issuer: Arc<str>,
    pub number: Arc<str>,
}

/// The case that an order rests on, as the police-bank platform tells cases apart (law.md X5). It is said again in
/// answers and decides nothing. The numbers are part of the packed form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum CaseKind {
    AttemptedFraud = 1,
    VictimReport = 2,
    BankReport = 3,
    PayeeInCase = 4,
    PayerInCase = 5,
    Other = 6,
}

impl CaseKind {
    pub const ALL: [CaseKind; 6] = [
        CaseKind::AttemptedFraud,
        CaseKind::VictimReport,
        CaseKind::BankReport,
        CaseKind::PayeeInCase,
        CaseKind::PayerInCase,
        CaseKind::Other,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            CaseKind::AttemptedFraud => "attempted_fraud",
            CaseKind::VictimReport => "victim_report",
            CaseKind::BankReport => "bank_report",
            CaseKind::PayeeInCase => "payee_in_case",
            CaseKind::PayerInCase => "payer_in_case",
            CaseKind::Other => "other",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<CaseKind> {
        CaseKind::ALL.into_iter().find(|case| case.name() == name)
    }

    #[must_use]
    pub fn from_code(code: u8) -> Option<CaseKind> {
        CaseKind::ALL.into_iter().find(|case| *case as u8 == code)
    }
}

/// What is said of an order, about one party of the routing holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderFact {
    pub name: OrderName,
    pub party: Party,
    pub says: OrderSays,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderSays {
    Issued(OrderTerms),
    /// Its end moves.
    Extended {
        end: TimeMs,
    },
    Released,
    /// The institution has done what a query or return of funds asks, or could not.
    Answered(OrderAnswer),
}

/// What an order lays down. Its end is always its own: no term is made up (law.md B20).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderTerms {
    pub kind: OrderKind,
    pub level: Level,
    pub start: TimeMs,
    pub end: TimeMs,
    pub telling: Telling,
    /// If the order says.
    pub case: Option<CaseKind>,
}

/// The institution's own answer. The numbers are part of the packed form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum OrderAnswer {
    Done = 1,
    /// Why it could not be done.
    AccountUnknown = 2,
    AccountClosed = 3,
    FundsMissing = 4,
    /// The papers that the order has to come with are missing or do not fit.
    PapersMissing = 5,
}

impl OrderAnswer {
    pub const ALL: [OrderAnswer; 5] = [
        OrderAnswer::Done,
        OrderAnswer::AccountUnknown,
        OrderAnswer::AccountClosed,
        OrderAnswer::FundsMissing,
        OrderAnswer::PapersMissing,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            OrderAnswer::Done => "done",
            OrderAnswer::AccountUnknown => "account_unknown",
            OrderAnswer::AccountClosed => "account_closed",
            OrderAnswer::FundsMissing => "funds_missing",
            OrderAnswer::PapersMissing => "papers_missing",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<OrderAnswer> {
        OrderAnswer::ALL.into_iter().find(|answer| answer.name() == name)
    }

    #[must_use]
    pub fn from_code(code: u8) -> Option<OrderAnswer> {
        OrderAnswer::ALL.into_iter().find(|answer| *answer as u8 == code)
    }
}

/// What the authority is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Its start lies ahead.
    Waits,
    /// The measure is set.
    Set,
    /// Staff were asked to do it.
    HandedOver,
    /// What it asks for was referred.
    Referred,
    Extended,
    Released,
    /// Its end was reached.
    Expired,
    /// Its end was reached before staff had answered.
    Overdue,
    Answered(OrderAnswer),
    /// An extension or release came before its order and is kept for it.
    Remembered,
    /// The same order was heard of before.
    Known,
    /// The extension does not end later than the order.
    NotLater,
    /// The order was over before.
    Over,
    /// An entry is not one that may act here; it is kept as history.
    HistoryOnly,
}

impl Outcome {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Waits => "waits",
            Outcome::Set => "set",
            Outcome::HandedOver => "handed_over",
            Outcome::Referred => "referred",
            Outcome::Extended => "extended",
            Outcome::Released => "released",
            Outcome::Expired => "expired",
            Outcome::Overdue => "overdue",
            Outcome::Answered(answer) => answer.name(),
            Outcome::Remembered => "remembered",
            Outcome::Known => "known",
            Outcome::NotLater => "not_later",
            Outcome::Over => "over",
            Outcome::HistoryOnly => "history_only",
        }
    }
}

/// An order as a holder's state knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderState {
    /// The event by which it was first heard of: its name in timers.
    pub heard: Fingerprint,
    pub name: OrderName,
    pub party: Party,
    pub issued: Option<IssuedOrder>,
    /// The latest time that was heard of it before its text.
    pub last_heard: TimeMs,
    /// The latest end of extensions that came before the order.
    pub extended_to: Option<TimeMs>,
    /// A release came before the order.
    pub released: bool,
}

impl OrderState {
    /// From when on its term counts: its end, or the last that was heard of it without its text.
    #[must_use]
    pub fn last_of(&self) -> TimeMs {
        self.issued.as_ref().map_or(self.last_heard, |issued| issued.terms.end)
    }

    /// Whether a measure was set to carry it out.
    #[must_use]
    pub fn has_measure(&self) -> bool {
        self.issued.as_ref().is_some_and(|issued| issued.measure.is_some())
    }
}

/// An order whose text is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedOrder {
    pub terms: OrderTerms,
    pub event: Fingerprint,
    /// Event time of the order.
    pub at: TimeMs,
    /// The state of its table that it is in.
    pub state: Arc<str>,
    /// Its start was reached before anything ended it.
    pub begun: bool,
    /// The measure that carries it out, and since when.
    pub measure: Option<(DispositionId, TimeMs)>,
    /// Of a deferred notice, until it leaves.
    pub held: Option<Notice>,
}

/// What becomes due in an order's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderMoment {
    Starts,
    Ends,
    /// A deferred notice leaves.
    Tells,
}
