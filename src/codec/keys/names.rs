//! What measures of earlier generations are called now: a person may hold a notice of then, and the institution
//! a measure's id. `rekey` writes it beside the key of the new generation, as `<file>.names`.
//!
//! ```text
//! appeal <reference then> <reference now>
//! lead <reference then> <reference now>
//! measure <id then, 32 hexadecimal digits> <id now>
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::KeyError;
use crate::codec::hex::id_hex;
use crate::engine::disposition::{AppealRef, DispositionId};
use crate::engine::lead::LeadRef;

/// Names of then, with those of now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// By the reference's number.
    pub appeals: BTreeMap<u64, AppealRef>,
    pub measures: BTreeMap<DispositionId, DispositionId>,
    /// By the reference's number.
    pub leads: BTreeMap<u64, LeadRef>,
}

impl Names {
    /// The reference now; of one that is of now, itself.
    #[must_use]
    pub fn appeal(&self, then: AppealRef) -> AppealRef {
        self.appeals.get(&then.number()).copied().unwrap_or(then)
    }

    /// The id now; of one that is of now, itself.
    #[must_use]
    pub fn measure(&self, then: DispositionId) -> DispositionId {
        self.measures.get(&then).copied().unwrap_or(then)
    }

    /// The reference of a lead now; of one that is of now, itself.
    #[must_use]
    pub fn lead(&self, then: LeadRef) -> LeadRef {
        self.leads.get(&then.number()).copied().unwrap_or(then)
    }

    /// These names, and those of the generations before: what they led to then leads on to now.
    #[must_use]
    pub fn after(&self, earlier: &Names) -> Names {
        let appeals = earlier.appeals.iter().map(|(old, then)| (*old, self.appeal(*then)));
        let measures = earlier.measures.iter().map(|(old, then)| (*old, self.measure(*then)));
        let leads = earlier.leads.iter().map(|(old, then)| (*old, self.lead(*then)));
        Names {
            leads: leads.chain(self.leads.iter().map(|(old, new)| (*old, *new))).collect(),
            appeals: appeals.chain(self.appeals.iter().map(|(old, new)| (*old, *new))).collect(),
            measures: measures.chain(self.measures.iter().map(|(old, new)| (*old, *new))).collect(),
        }
    }

    /// Where they stand beside a key file.
    #[must_use]
    pub fn path(key: &Path) -> PathBuf {
        let mut path = key.as_os_str().to_owned();
        path.push(".names");
        PathBuf::from(path)
    }

    /// # Errors
    /// `MalformedNames`.
    pub fn parse(text: &str) -> Result<Names, KeyError> {
        let mut names = Names::default();
        let mut line = |line: &str| {
            let mut words = line.split(' ');
            let (kind, then, now) = (words.next()?, words.next()?, words.next()?);
            match kind {
                "appeal" => {
                    names.appeals.insert(AppealRef::parse(then)?.number(), AppealRef::parse(now)?);
                }
                "lead" => {
                    names.leads.insert(LeadRef::parse(then)?.number(), LeadRef::parse(now)?);
                }
                "measure" => {
                    names.measures.insert(id(then)?, id(now)?);
                }
                _ => return None,
            }
            words.next().is_none().then_some(())
        };
        text.lines().try_for_each(|one| line(one).ok_or(KeyError::MalformedNames))?;
        Ok(names)
    }

    /// The text that `parse` reads.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        for (then, now) in &self.appeals {
            let _ = writeln!(text, "appeal {} {now}", AppealRef::from_bits(*then));
        }
        for (then, now) in &self.leads {
            let _ = writeln!(text, "lead {} {now}", LeadRef::from_bits(*then));
        }
        for (then, now) in &self.measures {
            let _ = writeln!(text, "measure {} {}", id_hex(*then), id_hex(*now));
        }
        text
    }
}

fn id(text: &str) -> Option<DispositionId> {
    u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32).map(DispositionId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_lead_on() {
        let mut first = Names::default();
        first.appeals.insert(1, AppealRef::from_bits(2));
        first.measures.insert(DispositionId(1), DispositionId(2));
        first.leads.insert(1, LeadRef::from_bits(2));
        assert_eq!(Names::parse(&first.text()).unwrap(), first);
        let mut second = Names::default();
        second.appeals.insert(2, AppealRef::from_bits(3));
        second.measures.insert(DispositionId(2), DispositionId(3));
        second.leads.insert(2, LeadRef::from_bits(3));
        let both = second.after(&first);
        for then in [1, 2] {
            assert_eq!(both.appeal(AppealRef::from_bits(then)), AppealRef::from_bits(3));
            assert_eq!(both.measure(DispositionId(u128::from(then))), DispositionId(3));
            assert_eq!(both.lead(LeadRef::from_bits(then)), LeadRef::from_bits(3));
        }
        assert_eq!(both.appeal(AppealRef::from_bits(9)), AppealRef::from_bits(9));
        for wrong in ["appeal 1 2", "lead 1 2", "measure 1 2", "x", "measure"] {
            assert_eq!(Names::parse(wrong), Err(KeyError::MalformedNames), "{wrong}");
        }
    }
}
