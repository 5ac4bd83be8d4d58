//! Statutory limits on how much one person may hold, as dated data (law.md B1, B3, B8, T1, T2).

use super::base::{Bilingual, TimeMs};
use super::fact::{HolderKind, Product};

/// How well the figure is established; see the status words of `law.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitStatus {
    /// The statute or full official document was read.
    VerifiedText,
    /// Press, vendor or exam page only.
    Unconfirmed,
}

/// What happens to a request that would exceed the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitForce {
    /// The law says "no more than": refuse.
    Refuse,
    /// The law says "in principle": check further.
    CheckFurther,
}

/// Whether the count needs the lawful platform's answer (Art. 16) besides our own count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SharedCount {
    NotNeeded,
    /// A missing answer means check further, never refuse (D23).
    Needed,
}

/// What a limit asks of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demand {
    /// That no more than so many are held with this one. Counts are for persons.
    Count { max: u32, shared: SharedCount },
    /// That a person assessed its risk before the sale (APL 12), whoever asks. One that was not passed
    /// meets the limit's force; while none is recorded the request is checked further, for a reason of
    /// its own.
    Assessment { reason_missing: String },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    pub id: String,
    pub version: u32,
    pub title: Bilingual,
    /// Products it is about; counted together.
    pub products: Vec<Product>,
    pub demand: Demand,
    /// What a request meets that does not do what is demanded.
    pub force: LimitForce,
    /// In force from this time on, and until that time if there is one.
    pub effective_from: TimeMs,
    pub effective_to: Option<TimeMs>,
    pub basis: String,
    pub status: LimitStatus,
    /// Key into the table of disclosable reasons.
    pub reason: String,
}

impl Limit {
    /// Whether this limit is about a request for such a product, by such a holder, at that time.
    #[must_use]
    pub fn applies(&self, product: Product, holder: HolderKind, at: TimeMs) -> bool {
        let is_for_holder = match self.demand {
            Demand::Count { .. } => holder == HolderKind::Person,
            Demand::Assessment { .. } => true,
        };
        is_for_holder
            && self.products.contains(&product)
            && self.effective_from <= at
            && self.effective_to.is_none_or(|to| at < to)
    }
}
