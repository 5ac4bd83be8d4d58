//! Holdings whose reference is not known, because a snapshot of earlier semantics kept none (D13): an entry could not
//! tell anybody what it reaches (S16). Measures and standings that bear it give it back at once, the holding's next
//! event then. A state that came from facts has all of them.

use std::collections::{BTreeMap, BTreeSet};

use super::{EngineError, Out, Partition};
use crate::engine::base::{TimeMs, Token};
use crate::engine::fact::FactBody;
use crate::engine::holder::Holder;
use crate::engine::subject::{SealedRef, Subject};

/// Holders with a holding whose reference is not known.
pub(super) type Unreferenced = BTreeSet<Token>;

/// Whether an account or card of theirs is known without its reference.
pub(super) fn lacks_a_reference(holder: &Holder) -> bool {
    holder.holdings.iter().any(|holding| !holding.sealed.is_known())
}

impl Partition {
    /// After a restore: what the rest of the state bears is known again.
    pub(super) fn recall_references(&mut self) {
        if self.unreferenced.is_empty() {
            return;
        }
        let parties = self.measures.values().map(|measure| &measure.party);
        let known: BTreeMap<Subject, SealedRef> = parties
            .filter(|party| party.sealed.is_known())
            .map(|party| (party.subject, party.sealed.clone()))
            .collect();
        let mut left = Unreferenced::new();
        for token in std::mem::take(&mut self.unreferenced) {
            let Some(holder) = self.holders.get_mut(&token) else { continue };
            let targets = holder.standings.iter().map(|standing| &standing.target);
            let told: BTreeMap<Subject, SealedRef> =
                targets.map(|target| (target.subject, target.sealed.clone())).collect();
            for holding in holder.holdings.iter_mut().filter(|holding| !holding.sealed.is_known()) {
                let found = known.get(&holding.subject).or_else(|| told.get(&holding.subject));
                holding.sealed = found.cloned().unwrap_or_default();
            }
            if lacks_a_reference(holder) {
                left.insert(token);
            }
        }
        self.unreferenced = left;
    }

    /// An event names an account or card whose reference was not known: it is from here on, and the entries that act
    /// reach it.
    pub(super) fn recall_by(
        &mut self,
        holder: Token,
        body: &FactBody,
        at: TimeMs,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let (FactBody::Transfer { account: party, .. }
        | FactBody::CardPayment { account: party, .. }
        | FactBody::FraudConfirmed { account: party, .. }
        | FactBody::CardUsage { card: party, .. }) = body
        else {
            return Ok(());
        };
        if self.unreferenced.is_empty() || !self.unreferenced.contains(&holder) {
            return Ok(());
        }
        let Some(state) = self.holders.get_mut(&holder) else { return Ok(()) };
        if !state.learn_reference(party) {
            return Ok(());
        }
        if !lacks_a_reference(state) {
            self.unreferenced.remove(&holder);
        }
        self.reach_holding(holder, party, at, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::base::Fingerprint;
    use crate::engine::fact::{OpeningStep, Product};
    use crate::engine::holder::Step;
    use crate::engine::ident::IdKey;
    use crate::engine::input::TimeMode;
    use crate::engine::partition::Identity;
    use crate::engine::report::Standing;
    use crate::engine::subject::{Party, SubjectKind};

    const ANNA: Token = Token(7);

    fn card(number: u128, reference: &[u8]) -> Party {
        let subject = Subject::new(SubjectKind::PhoneCard, Token(number));
        Party { subject, sealed: SealedRef(reference.into()) }
    }

    fn standing(target: Party) -> Standing {
        Standing {
            signal: "s".into(),
            about: Subject::new(SubjectKind::Device, Token(1)),
            holder: ANNA,
            target,
            value: 1,
            until: TimeMs(9),
            event: Fingerprint(1),
            at: TimeMs(1),
            reply: true,
            amount: None,
            untold_count: 0,
        }
    }

    fn partition() -> Partition {
        let id_key = IdKey::new([7; 32]);
        let mut partition =
            Partition::new(Identity { partition: 0, partitions: 1, id_key, time: TimeMode::Event });
        let holder = partition.holders.get_or_default(ANNA);
        for number in 1..=3 {
            let (event, at) = (Fingerprint(number), TimeMs(0));
            let step =
                Step { event, step: OpeningStep::Stated, at, product: Product::PhoneCard, holder_kind: None };
            holder.add_holding_step(&card(number.into(), b""), step);
        }
        partition.unreferenced.insert(ANNA);
        partition
    }

    fn references(partition: &Partition) -> Vec<&[u8]> {
        let holder = partition.holders.get(&ANNA).unwrap();
        holder.holdings.iter().map(|holding| &*holding.sealed.0).collect()
    }

    #[test]
    fn what_standings_bear_is_known_again_and_the_rest_with_its_next_event() {
        let mut partition = partition();
        partition.holders.get_mut(&ANNA).unwrap().standings.push(standing(card(2, b"two")));
        partition.recall_references();
        assert_eq!(references(&partition), [b"".as_slice(), b"two", b""]);
        let used = |card: Party| FactBody::CardUsage {
            card,
            device: Token::default(),
            usage: crate::engine::fact::UsageKind::Unstated,
            peer: None,
            open_mb: None,
            region: None,
        };
        let mut out = Vec::new();
        partition.recall_by(ANNA, &used(card(1, b"one")), TimeMs(5), &mut out).unwrap();
        assert_eq!(references(&partition), [b"one".as_slice(), b"two", b""]);
        assert!(partition.unreferenced.contains(&ANNA), "one is still unknown");
        // One that is known stays as it is, and a step tells it, too.
        partition.recall_by(ANNA, &used(card(1, b"other")), TimeMs(5), &mut out).unwrap();
        let (event, at) = (Fingerprint(4), TimeMs(6));
        let step =
            Step { event, step: OpeningStep::Changed, at, product: Product::PhoneCard, holder_kind: None };
        partition.holders.get_mut(&ANNA).unwrap().add_holding_step(&card(3, b"three"), step);
        assert_eq!(references(&partition), [b"one".as_slice(), b"two", b"three"]);
        partition.recall_references();
        assert!(partition.unreferenced.is_empty() && out.is_empty());
    }
}
