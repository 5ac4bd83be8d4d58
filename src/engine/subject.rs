//! Whom a fact is about, and where its state lives (DESIGN D2).

use std::sync::Arc;

use super::base::Token;

/// The kinds of subject that have state of their own. The numbers are part of the packed form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum SubjectKind {
    /// A customer of this institution. Accounts, cards and openings live inside the holder's partition.
    Holder = 1,
    /// A bank account, payment account or debit card of a holder.
    Account = 2,
    PhoneCard = 3,
    IotCard = 4,
    /// A request to open something, named by its own reference.
    Opening = 5,
    /// One account and one counterparty of it.
    Pair = 6,
    Device = 7,
    Agent = 8,
    Outlet = 9,
    Terminal = 10,
    PhoneNumber = 11,
    /// An address given with a request to open.
    Address = 12,
    /// The account at the other side of a transfer, when it is ours: what the receiver of money may
    /// be told of its sender on that transfer, and the other way round.
    Counterparty = 13,
    /// The legal representative that a unit names when it asks to open (law.md X9).
    LegalRepresentative = 14,
}

impl SubjectKind {
    pub const ALL: [SubjectKind; 14] = [
        SubjectKind::Holder,
        SubjectKind::Account,
        SubjectKind::PhoneCard,
        SubjectKind::IotCard,
        SubjectKind::Opening,
        SubjectKind::Pair,
        SubjectKind::Device,
        SubjectKind::Agent,
        SubjectKind::Outlet,
        SubjectKind::Terminal,
        SubjectKind::PhoneNumber,
        SubjectKind::Address,
        SubjectKind::Counterparty,
        SubjectKind::LegalRepresentative,
    ];

    /// The name used in configuration and in outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            SubjectKind::Holder => "holder",
            SubjectKind::Account => "account",
            SubjectKind::PhoneCard => "phone_card",
            SubjectKind::IotCard => "iot_card",
            SubjectKind::Opening => "opening",
            SubjectKind::Pair => "pair",
            SubjectKind::Device => "device",
            SubjectKind::Agent => "agent",
            SubjectKind::Outlet => "outlet",
            SubjectKind::Terminal => "terminal",
            SubjectKind::PhoneNumber => "phone_number",
            SubjectKind::Address => "address",
            SubjectKind::Counterparty => "counterparty",
            SubjectKind::LegalRepresentative => "legal_representative",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<SubjectKind> {
        SubjectKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    #[must_use]
    pub fn from_code(code: u8) -> Option<SubjectKind> {
        SubjectKind::ALL.into_iter().find(|kind| *kind as u8 == code)
    }

    /// The kind of subject whose log a signal about this kind asks: a counterparty is asked as an account.
    #[must_use]
    pub fn log_kind(self) -> SubjectKind {
        match self {
            SubjectKind::Counterparty => SubjectKind::Account,
            own => own,
        }
    }

    /// True for subjects that a rule reads directly, in the partition of its own party's holder; the
    /// others are known by reports (a counterparty lives with *its* holder).
    #[must_use]
    pub fn lives_with_holder(self) -> bool {
        !matches!(
            self,
            SubjectKind::Device
                | SubjectKind::Agent
                | SubjectKind::Outlet
                | SubjectKind::Terminal
                | SubjectKind::PhoneNumber
                | SubjectKind::Address
                | SubjectKind::Counterparty
                | SubjectKind::LegalRepresentative
        )
    }
}

/// A subject: its kind and its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    pub kind: SubjectKind,
    pub token: Token,
}

impl Subject {
    #[must_use]
    pub fn new(kind: SubjectKind, token: Token) -> Subject {
        Subject { kind, token }
    }
}

/// The institution's own reference of a party, sealed by intake (deterministic AEAD).
/// The engine carries it and cannot read it; it is opened only where a measure or notice leaves. Whatever names the
/// same party shares it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SealedRef(pub Arc<[u8]>);

impl SealedRef {
    /// Whether there is one: what no institution has a name for bears none.
    #[must_use]
    pub fn is_known(&self) -> bool {
        !self.0.is_empty()
    }
}

/// A party of ours that a measure can act on: an account, a card or an opening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    pub subject: Subject,
    pub sealed: SealedRef,
}
