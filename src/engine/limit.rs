//! Statutory limits on how much one person may hold, as dated data (law.md B1, B3, B8, T1, T2).

use super::base::{Bilingual, TimeMs};
use super::fact::Product;

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

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    pub id: String,
    pub version: u32,
    pub title: Bilingual,
    /// Products counted together.
    pub products: Vec<Product>,
    /// How many one person may hold; the request that would make it more meets `force`.
    pub count_max: u32,
    pub force: LimitForce,
    pub shared: SharedCount,
    /// In force from this time on, and until that time if there is one.
    pub effective_from: TimeMs,
    pub effective_to: Option<TimeMs>,
    pub basis: String,
    pub status: LimitStatus,
    /// Key into the table of disclosable reasons.
    pub reason: String,
}

impl Limit {
    /// Whether this limit counts such a product at that time. Counts are for persons.
    #[must_use]
    pub fn applies(&self, product: Product, at: TimeMs) -> bool {
        self.products.contains(&product)
            && self.effective_from <= at
            && self.effective_to.is_none_or(|to| at < to)
    }
}
