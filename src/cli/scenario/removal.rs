//! What a scenario would lose without one rule: its own dispositions, and whatever follows from them.

use std::collections::{BTreeMap, BTreeSet};

/// What removing one rule changes in some scenarios.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removal {
    /// Scenarios in which anything changes.
    pub scenarios: usize,
    /// Measures and observations of the rule that are gone.
    pub lost: usize,
    /// Dispositions of others that come or go: an opening accepted where it was checked, a measure's end.
    pub others: usize,
    /// Other rules that act or observe on an event where this one did.
    pub still: BTreeSet<String>,
    /// Events (lines of a scenario) that no rule acts on or observes any more.
    pub unseen: usize,
}

impl Removal {
    /// Adds what one scenario loses, from its text as played with and without the rule.
    pub fn add(&mut self, id: &str, with: &str, without: &str) {
        let (with, without) = (heads(with), heads(without));
        if with == without {
            return;
        }
        self.scenarios += 1;
        for (place, before) in &with {
            let after = without.get(place).map_or(&[] as &[&str], Vec::as_slice);
            let own = before.iter().filter(|head| rule_of(head) == Some(id)).count();
            self.lost += own;
            self.others += differing(before, after).filter(|head| rule_of(head) != Some(id)).count();
            let others: BTreeSet<String> =
                after.iter().filter_map(|head| rule_of(head)).map(str::to_owned).collect();
            if own > 0 && others.is_empty() {
                self.unseen += 1;
            } else if own > 0 {
                self.still.extend(others);
            }
        }
        let only_after = without.iter().filter(|(place, _)| !with.contains_key(place));
        self.others += only_after.map(|(_, heads)| heads.len()).sum::<usize>();
    }
}

/// The first line of each disposition, by the number of the line that caused it.
fn heads(played: &str) -> BTreeMap<usize, Vec<&str>> {
    let mut heads: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    let mut place = 0;
    for line in played.lines() {
        match line.strip_prefix("  = ") {
            Some(head) if !head.starts_with(' ') => heads.entry(place).or_default().push(head),
            Some(_) => {}
            None if line.starts_with("  ") => {}
            None => place += 1,
        }
    }
    heads
}

/// Heads that stand in one list and not in the other, as often as they do.
fn differing<'a>(before: &[&'a str], after: &[&'a str]) -> impl Iterator<Item = &'a str> {
    let mut gone: Vec<&str> = before.to_vec();
    let mut come = Vec::new();
    for head in after {
        match gone.iter().position(|known| known == head) {
            Some(place) => drop(gone.swap_remove(place)),
            None => come.push(*head),
        }
    }
    gone.into_iter().chain(come)
}

/// The rule or limit that a measure or an observation names.
fn rule_of(head: &str) -> Option<&str> {
    let (before, _) = head.rsplit_once(" version ")?;
    before.rsplit_once(", ").map(|(_, id)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WITH: &str = "\
2026-03-02T09:00 transfer_posted
  = a on account X until T, lane anomaly, one version 1
  =   because b
  = would have set c on account X, lane victim, two version 1
+1h opening_requested
  = opening_check_further on opening O until T, lane anomaly, one version 1
";
    const WITHOUT: &str = "\
2026-03-02T09:00 transfer_posted
  = would have set c on account X, lane victim, two version 1
+1h opening_requested
  = accepted opening O, slot kept until T
";

    #[test]
    fn what_is_lost_and_what_comes_instead_is_counted() {
        let mut removal = Removal::default();
        removal.add("one", WITH, WITHOUT);
        let still = BTreeSet::from(["two".to_owned()]);
        assert_eq!(removal, Removal { scenarios: 1, lost: 2, others: 1, still, unseen: 1 });
        let before = removal.clone();
        removal.add("three", WITH, WITH);
        assert_eq!(removal, before, "nothing changes without a rule that did nothing");
    }
}
