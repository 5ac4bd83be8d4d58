//! Signals: what is measured about a subject, declared as data (DESIGN D15, D16).

use super::authorisation::AuthorisedUse;
use super::base::{Bilingual, Currency, SpanMs, TimeMs};
use super::calendar::{Calendar, CalendarUnit};
use super::fact::{Channel, Feed, TransferDetails};
use super::purpose::Purpose;
use super::subject::SubjectKind;

/// What a window adds up. All are exact, in integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Aggregate {
    /// Entries in the window.
    Count,
    /// Sum of their amounts in minor units.
    Sum,
    /// Largest amount; 0 when the window is empty.
    Max,
    /// Smallest amount; 0 when the window is empty.
    Min,
    /// Number of different `other`s.
    Distinct,
    /// Amount of the newest entry; 0 when the window is empty.
    Last,
    /// Sum divided by count, rounded down; 0 when the window is empty.
    Average,
    /// Standard deviation of the amounts (of the population), rounded down: the integer square root of
    /// (n * sum of squares - square of the sum), divided by n.
    Deviation,
    /// The largest sum of one `other`, in thousandths of the sum of all, rounded down; 0 when that is 0.
    LargestShare,
    /// Number of different `other`s with an entry of `feeds` and one of `returned_by`, in any order.
    Returned,
    /// Milliseconds since the newest entry; the window's length when it is empty.
    SinceLast,
    /// Milliseconds since the oldest entry of the window; 0 when it is empty.
    SinceFirst,
}

impl Aggregate {
    pub const ALL: [(&'static str, Aggregate); 12] = [
        ("count", Aggregate::Count),
        ("sum", Aggregate::Sum),
        ("max", Aggregate::Max),
        ("min", Aggregate::Min),
        ("distinct", Aggregate::Distinct),
        ("last", Aggregate::Last),
        ("average", Aggregate::Average),
        ("deviation", Aggregate::Deviation),
        ("largest_share", Aggregate::LargestShare),
        ("returned", Aggregate::Returned),
        ("since_last", Aggregate::SinceLast),
        ("since_first", Aggregate::SinceFirst),
    ];

    /// Aggregates over amounts need the entries of one currency.
    #[must_use]
    pub fn reads_amount(self) -> bool {
        matches!(
            self,
            Aggregate::Sum
                | Aggregate::Max
                | Aggregate::Min
                | Aggregate::Last
                | Aggregate::Average
                | Aggregate::Deviation
                | Aggregate::LargestShare
        )
    }
}

/// How far back a signal looks; half-open, `(lower end, t]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Window {
    /// `(t - span, t]`.
    Sliding(SpanMs),
    /// From the beginning of the unit that `t` lies in.
    Calendar(CalendarUnit),
}

impl Window {
    /// The open lower end as of a time.
    #[must_use]
    pub fn begin(self, at: TimeMs, calendar: &Calendar) -> TimeMs {
        match self {
            Window::Sliding(span) => at.minus(span),
            Window::Calendar(unit) => calendar.before(unit, at),
        }
    }

    /// As it is written in signal files and evidence: `6h`, `30d`, `day`, `month`, `year`, `5 working days`.
    #[must_use]
    pub fn name(self) -> String {
        const UNITS: [(i64, char); 4] = [(86_400_000, 'd'), (3_600_000, 'h'), (60_000, 'm'), (1_000, 's')];
        match self {
            Window::Sliding(SpanMs(span)) => UNITS
                .into_iter()
                .find(|(unit_ms, _)| span % unit_ms == 0)
                .map_or_else(|| format!("{span} ms"), |(unit_ms, unit)| format!("{}{unit}", span / unit_ms)),
            Window::Calendar(CalendarUnit::Day) => "day".to_owned(),
            Window::Calendar(CalendarUnit::Month) => "month".to_owned(),
            Window::Calendar(CalendarUnit::Year) => "year".to_owned(),
            Window::Calendar(CalendarUnit::WorkingDays(count)) => format!("{count} working days"),
        }
    }

    /// The longest it can be.
    #[must_use]
    pub fn span_max(self) -> SpanMs {
        match self {
            Window::Sliding(span) => span,
            Window::Calendar(unit) => unit.span_max(),
        }
    }
}

/// Which counterparties count beside the triggering event's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OtherSide {
    Any,
    /// The same `other` as the event's.
    Same,
    /// Any but the event's.
    Different,
}

/// Only entries that resemble the event the rule is evaluated on: round trips, repeated sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resembling {
    /// Bounds on the entry's amount, in thousandths of the event's amount, both included.
    pub low_per_mille: u32,
    pub high_per_mille: u32,
    pub other: OtherSide,
}

/// What an entry keeps of its transfer besides the amount, for sums that leave such transfers out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Mark {
    /// The other side is the account bound to this one (law.md B4).
    Bound = 0,
    /// The other side is the same customer's (law.md B13).
    Own = 1,
    Cash = 2,
    /// Asked for at a counter.
    Counter = 3,
}

impl Mark {
    pub const ALL: [(&'static str, Mark); 4] =
        [("bound", Mark::Bound), ("own", Mark::Own), ("cash", Mark::Cash), ("counter", Mark::Counter)];

    /// This mark's bit in a set of marks.
    #[must_use]
    pub fn bit(self) -> u8 {
        1 << (self as u8)
    }

    /// The marks of a transfer.
    #[must_use]
    pub fn of(details: &TransferDetails) -> u8 {
        let mark = |set: bool, mark: Mark| if set { mark.bit() } else { 0 };
        mark(details.to_bound_account, Mark::Bound)
            | mark(details.to_own_account, Mark::Own)
            | mark(details.cash, Mark::Cash)
            | mark(details.channel == Channel::Counter, Mark::Counter)
    }
}

/// What is asked of a subject's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Question {
    /// The set of feeds it reads, one bit each (`Feed::bit`).
    pub feeds: u32,
    /// Of `Returned` only: the feeds that answer.
    pub returned_by: u32,
    pub aggregate: Aggregate,
    pub window: Window,
    /// The window ends this long before the event: what was known only later is compared with what
    /// happened then (delayed confirmations of fraud).
    pub delay: SpanMs,
    /// Currency of the amounts it reads; entries in another do not count.
    pub currency: Currency,
    /// Only entries with an amount within these bounds (minor units, both included) count.
    pub amount_min: Option<i64>,
    pub amount_max: Option<i64>,
    pub resembling: Option<Resembling>,
    /// Only entries that bear all of these marks and none of those count (`Mark::bit`).
    pub only: u8,
    pub without: u8,
    /// The event the rule is evaluated on does not count: "my usual payment" is not this one.
    pub without_event: bool,
}

impl Question {
    /// A plain sliding window over some feeds, in yuan.
    #[must_use]
    pub fn sliding(feeds: u32, aggregate: Aggregate, span: SpanMs) -> Question {
        Question {
            feeds,
            returned_by: 0,
            aggregate,
            window: Window::Sliding(span),
            delay: SpanMs(0),
            currency: Currency::CNY,
            amount_min: None,
            amount_max: None,
            resembling: None,
            only: 0,
            without: 0,
            without_event: false,
        }
    }

    /// All feeds whose entries it can see.
    #[must_use]
    pub fn feeds_read(&self) -> u32 {
        self.feeds | self.returned_by
    }

    /// Whether it reads data of abnormal customers (S22).
    #[must_use]
    pub fn is_of_abnormal(&self) -> bool {
        self.feeds_read() & Feed::OF_ABNORMAL != 0
    }

    #[must_use]
    pub fn reads(&self, feed: Feed) -> bool {
        self.feeds_read() & feed.bit() != 0
    }

    /// Whether only entries with an amount of its currency count.
    #[must_use]
    pub fn reads_amount(&self) -> bool {
        self.aggregate.reads_amount()
            || self.amount_min.is_some()
            || self.amount_max.is_some()
            || self.resembling.is_some()
    }

    /// How far back an entry can matter.
    #[must_use]
    pub fn reach(&self) -> SpanMs {
        SpanMs(self.window.span_max().0.saturating_add(self.delay.0))
    }
}

/// Where a signal's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// A window over the subject's log.
    Log(Question),
    /// Two other signals of the same subject, by number: `of * scale / to`, rounded down; 0 when `to`
    /// is not positive.
    Ratio { of: usize, to: usize, scale: u32 },
    /// Two other signals of the same subject, by number: `of - to`.
    Difference { of: usize, to: usize },
    /// Milliseconds since the party was opened.
    SinceOpened,
    /// Measures of the lanes anomaly and authority that stand on a counterparty's account (S21).
    MeasuresStanding,
}

/// Who is told when a signal stands at its level (D3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tell {
    /// The holder of the event, and at a crossing the holders in the window; it stands on until it
    /// falls by itself or by a correction.
    Holders,
    /// Only the holder of the event, and for that event only.
    Event,
    /// Only the payer of a transfer, and for that transfer only: what protects who pays (S21).
    Payer,
    /// Only the payee of a transfer, whose account notes it of that transfer (S21).
    Payee,
}

/// A signal of one subject that others are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportLevel {
    pub level: u64,
    pub tell: Tell,
}

/// A declared signal. Its place in `RuleSet::signals` is its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    pub name: String,
    /// The kind of subject it is about.
    pub subject: SubjectKind,
    pub reads: Reads,
    pub purpose: Purpose,
    /// Legal basis, such as `apl-18`.
    pub basis: String,
    /// Of a shared subject only: at this level and above holders are told (D3).
    pub report: Option<ReportLevel>,
    pub title: Bilingual,
}

impl Signal {
    /// The use of data of abnormal customers for which the holder's authorisation must hold: their own use,
    /// fraud prevention, needs none (APL 18(4)). Only the customer opens another purpose for such data, so it
    /// follows from the purpose.
    #[must_use]
    pub fn authorised_use(&self) -> Option<AuthorisedUse> {
        self.question().filter(|question| question.is_of_abnormal())?;
        AuthorisedUse::of_purpose(self.purpose)
    }

    /// The question it asks of a log, if it asks one itself.
    #[must_use]
    pub fn question(&self) -> Option<&Question> {
        match &self.reads {
            Reads::Log(question) => Some(question),
            Reads::Ratio { .. } | Reads::Difference { .. } | Reads::SinceOpened | Reads::MeasuresStanding => {
                None
            }
        }
    }

    /// Its window; the longer one of a signal made of two others.
    #[must_use]
    pub fn window_longest(&self, all: &[Signal]) -> Option<Window> {
        self.questions(all).map(|question| question.window).max_by_key(|window| window.span_max())
    }

    /// Whether it measures the same as a signal of another rule set, whatever it is called in words.
    #[must_use]
    pub fn measures_alike(&self, all: &[Signal], other: &Signal, its: &[Signal]) -> bool {
        let reads_alike = match (self.reads, other.reads) {
            (Reads::Ratio { scale, .. }, Reads::Ratio { scale: its_scale, .. }) => scale == its_scale,
            (own, its) => std::mem::discriminant(&own) == std::mem::discriminant(&its),
        };
        reads_alike
            && self.questions(all).eq(other.questions(its))
            && (self.subject, self.purpose, self.report) == (other.subject, other.purpose, other.report)
            && self.basis == other.basis
    }

    /// The questions behind it: its own, or those of the two signals it is made of.
    pub fn questions<'a>(&'a self, all: &'a [Signal]) -> impl Iterator<Item = &'a Question> {
        let (first, second) = match self.reads {
            Reads::Log(_) => (Some(self), None),
            Reads::Ratio { of, to, .. } | Reads::Difference { of, to } => (all.get(of), all.get(to)),
            Reads::SinceOpened | Reads::MeasuresStanding => (None, None),
        };
        first.into_iter().chain(second).filter_map(Signal::question)
    }
}
