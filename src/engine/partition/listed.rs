//! What a listed person opens or asks for while an entry acts (S16).

use super::entries::Which;
use super::{Active, EngineError, Out, Partition};
use crate::engine::base::{Fingerprint, TimeMs, Token};
use crate::engine::entry::Reach;
use crate::engine::holder::{Answer, Request};
use crate::engine::input::Effect;
use crate::engine::subject::Party;

impl Partition {
    /// Something that a listed person holds was opened or stated: the entries that act then reach it.
    pub(super) fn reach_holding(
        &mut self,
        holder: Token,
        party: &Party,
        at: TimeMs,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let authority = self.holders.get(&holder).and_then(|state| state.authority.as_ref());
        let entries = authority.iter().flat_map(|authority| &authority.entries);
        let acting: Vec<(Fingerprint, TimeMs)> = entries
            .filter_map(|entry| {
                let listed = entry.listed.as_ref()?;
                // News of an opening may come later than the entry's start.
                let when = at.max(listed.since?);
                listed.acts_at(when).then_some((entry.heard, when))
            })
            .collect();
        let Some(active) = self.rules.clone().filter(|_| !acting.is_empty()) else { return Ok(()) };
        for (heard, when) in acting {
            let holding = self.holders.get(&holder).and_then(|state| {
                let mut holdings = state.holdings.iter();
                holdings.find(|holding| holding.subject == party.subject && holding.is_open_at(when))
            });
            let Some(product) = holding.and_then(|holding| holding.product_at(when)) else { continue };
            self.keep_a_line(holder, when);
            self.restrict(Which { holder, heard }, (party, product), when, &active, out)?;
        }
        Ok(())
    }

    /// Refuses a request of a listed person for what no listed person may open; gives whether it did.
    pub(super) fn refuse_listed(
        &mut self,
        holder: Token,
        request: &Request,
        active: &Active,
        out: Out<'_>,
    ) -> Result<bool, EngineError> {
        if !Reach::refuses(request.product) {
            return Ok(false);
        }
        let first = self.holders.get(&holder).and_then(|state| state.listed_at(request.at).next());
        let Some(which) = first.map(|heard| Which { holder, heard }) else { return Ok(false) };
        let until = self.listed(which).map_or(request.at, |listed| listed.until);
        let end = until.min(request.at.plus(active.set.settings.answer_for));
        let term = (request.at, end);
        let set = self.make_entry_measure(which, Reach::Opening, &request.party, term, active)?;
        let Some((disposition, set)) = set else { return Ok(false) };
        out.push(Effect::Disposed(Box::new(set)));
        self.change_request(holder, request.party.subject.token, |request| {
            request.answer = Answer::ByRule { disposition };
            request.reserved_until = None;
        });
        Ok(true)
    }
}
