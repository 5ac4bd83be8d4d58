//! What a lane keeps of its entries beside count and sum, for the questions that need it (R6 of `running`).

use super::as_of::{Alike, Other};
use super::ordered::Ordered;
use super::packed::Packed;
use super::returned::Returned;
use super::shares::Shares;
use crate::engine::signal::{OtherSide, Question};

/// Each from the first question for it on; of paid entries, but for `returned`.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    /// The sum of their squares, where a deviation is asked for.
    pub squares: Option<i128>,
    /// Their amounts, by size.
    amounts: Option<Ordered<i64>>,
    /// Their amounts, by other side and size.
    amounts_by_other: Option<Box<Ordered<(u64, i64)>>>,
    /// What each other side has of their sum.
    pub shares: Option<Box<Shares>>,
    /// Which other sides were met in both directions.
    pub returned: Option<Box<Returned>>,
}

impl Kept {
    /// Of no entry yet, for a deviation.
    pub fn of_squares() -> Kept {
        Kept { squares: Some(0), ..Kept::default() }
    }

    pub fn add(&mut self, entry: &Packed, is_paid: bool) {
        if let Some(returned) = &mut self.returned {
            returned.add(entry);
        }
        if !is_paid {
            return;
        }
        let minor = entry.minor();
        if let Some(squares) = &mut self.squares {
            *squares = squares.saturating_add(i128::from(minor) * i128::from(minor));
        }
        if let Some(amounts) = &mut self.amounts {
            amounts.insert(minor);
        }
        if let Some(amounts) = &mut self.amounts_by_other {
            amounts.insert((entry.other(), minor));
        }
        if let Some(shares) = &mut self.shares {
            shares.add(entry);
        }
    }

    /// Takes out an entry that is there.
    pub fn remove(&mut self, entry: &Packed, is_paid: bool) {
        if let Some(returned) = &mut self.returned {
            returned.remove(entry);
        }
        if !is_paid {
            return;
        }
        let minor = entry.minor();
        if let Some(squares) = &mut self.squares {
            *squares = squares.saturating_sub(i128::from(minor) * i128::from(minor));
        }
        if let Some(amounts) = &mut self.amounts {
            amounts.remove(minor);
        }
        if let Some(amounts) = &mut self.amounts_by_other {
            amounts.remove((entry.other(), minor));
        }
        if let Some(shares) = &mut self.shares {
            shares.remove(entry);
        }
    }

    /// Puts the amounts of a lane's paid entries in the orders that counting those of a question needs.
    pub fn order<'a>(&mut self, question: &Question, paid: impl Iterator<Item = &'a Packed> + Clone) {
        let Some(wanted) = question.resembling else { return };
        if wanted.other != OtherSide::Same && self.amounts.is_none() {
            self.amounts = Some(Ordered::of(paid.clone().map(Packed::minor)));
        }
        if wanted.other != OtherSide::Any && self.amounts_by_other.is_none() {
            let keys = paid.map(|entry| (entry.other(), entry.minor()));
            self.amounts_by_other = Some(Box::new(Ordered::of(keys)));
        }
    }

    /// How many paid entries are alike; none if they are not in the order that it takes.
    pub fn alike(&self, alike: &Alike) -> Option<usize> {
        let (low, high) = (alike.low, alike.high);
        let of_all = || Some(self.amounts.as_ref()?.count(low, high));
        let of_one = |other| Some(self.amounts_by_other.as_ref()?.count((other, low), (other, high)));
        match alike.other {
            _ if low > high => Some(0),
            Other::Any => of_all(),
            Other::Only(other) => of_one(other),
            Other::AllBut(other) => Some(of_all()? - of_one(other)?),
        }
    }

    /// Asks for the memory of what is in order.
    pub fn expect(&self) {
        self.amounts.iter().for_each(Ordered::expect);
        self.amounts_by_other.iter().for_each(|amounts| amounts.expect());
    }
}
