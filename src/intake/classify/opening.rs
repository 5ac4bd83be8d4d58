//! Openings and holdings to facts: one for the routing holder, one for each co-holder, and what the
//! request met.

use super::facts::{Facts, Maker};
use super::party::{Own, given, kind_of};
use crate::codec::event::opening::OpeningRequested;
use crate::codec::event::{Event, OwnParty, PartyKind, Text};
use crate::engine::base::{TimeMs, Token};
use crate::engine::fact::{FactBody, Feed, HolderKind, OpeningStep, Product};
use crate::engine::subject::{Party, Subject, SubjectKind};
use crate::intake::refusal::RefusalCode;

/// Holders beside the routing one; more are a mistake.
const CO_HOLDERS_MAX: usize = 32;
const OPENING: [PartyKind; 1] = [PartyKind::Opening];

/// What the steps of an opening have in common.
struct Step<'e, 'a> {
    step: OpeningStep,
    opening: Option<&'e OwnParty<'a>>,
    holding: Option<&'e OwnParty<'a>>,
    product: Product,
    holder_kind: HolderKind,
    co_holders: &'e [Text<'a>],
    identity_channels: Option<u8>,
    /// Of a request: where it was made.
    outlet: Option<Token>,
}

impl Maker<'_> {
    /// The facts of an event of an opening or holding.
    pub fn opening(&mut self, event: &Event<'_>, at: TimeMs) -> Result<Facts, RefusalCode> {
        let step = match event {
            Event::OpeningRequested(e) => return self.requested(e, at),
            Event::HoldingsAnswered(e) => {
                let own = self.own(&e.opening, &OPENING)?;
                let (product, elsewhere_count) = (e.product.0, e.elsewhere_count);
                let body =
                    FactBody::HoldingsAnswered { opening: own.party.subject.token, product, elsewhere_count };
                return Ok(vec![self.to_holder(own.holder, at, body)]);
            }
            Event::OpeningOpened(e) => Step {
                step: OpeningStep::Opened,
                opening: Some(&e.opening),
                holding: Some(&e.holding),
                product: e.product.0,
                holder_kind: e.holder_kind.0,
                co_holders: &e.co_holders,
                identity_channels: None,
                outlet: None,
            },
            Event::OpeningAbandoned(e) => Step {
                step: OpeningStep::Abandoned,
                opening: Some(&e.opening),
                holding: None,
                product: e.product.0,
                holder_kind: e.holder_kind.0,
                co_holders: &e.co_holders,
                identity_channels: None,
                outlet: None,
            },
            Event::OpeningClosed(e) => Step {
                step: OpeningStep::Closed,
                opening: e.opening.as_ref(),
                holding: Some(&e.holding),
                product: e.product.0,
                holder_kind: e.holder_kind.0,
                co_holders: &e.co_holders,
                identity_channels: None,
                outlet: None,
            },
            Event::OpeningChanged(e) => Step {
                step: OpeningStep::Changed,
                opening: e.opening.as_ref(),
                holding: Some(&e.holding),
                product: e.product.0,
                holder_kind: e.holder_kind.0,
                co_holders: &e.co_holders,
                identity_channels: None,
                outlet: None,
            },
            Event::HoldingStated(e) => Step {
                step: OpeningStep::Stated,
                opening: None,
                holding: Some(&e.holding),
                product: e.product.0,
                holder_kind: e.holder_kind.0,
                co_holders: &e.co_holders,
                identity_channels: None,
                outlet: None,
            },
            _ => return Err(RefusalCode::TypeUnknown),
        };
        self.step(&step, at).map(|(facts, _)| facts)
    }

    fn requested(&mut self, requested: &OpeningRequested<'_>, at: TimeMs) -> Result<Facts, RefusalCode> {
        let step = Step {
            step: OpeningStep::Requested,
            opening: Some(&requested.opening),
            holding: None,
            product: requested.product.0,
            holder_kind: requested.holder_kind.0,
            co_holders: &requested.co_holders,
            identity_channels: requested.identity_channels,
            outlet: self.outlet(&requested.outlet)?,
        };
        let (mut facts, own) = self.step(&step, at)?;
        for (feed, kind, id) in [
            (Feed::OpeningRequestedDevice, SubjectKind::Device, &requested.device),
            (Feed::OpeningRequestedAgent, SubjectKind::Agent, &requested.agent),
            (Feed::OpeningRequestedPhoneNumber, SubjectKind::PhoneNumber, &requested.phone_number),
            (Feed::OpeningRequestedOutlet, SubjectKind::Outlet, &requested.outlet),
            (Feed::OpeningRequestedAddress, SubjectKind::Address, &requested.address),
            (
                Feed::OpeningRequestedLegalRepresentative,
                SubjectKind::LegalRepresentative,
                // A person represents nobody by law here.
                if requested.holder_kind.0 == HolderKind::Unit {
                    &requested.legal_representative
                } else {
                    &None
                },
            ),
        ] {
            if let Some(subject) = self.shared(kind, id)? {
                facts.push(self.met(feed, subject, &own, None, at));
            }
        }
        Ok(facts)
    }

    /// Where a request was made, if there is a basis for outlets; what is dropped is counted below, once.
    fn outlet(&self, id: &Option<Text<'_>>) -> Result<Option<Token>, RefusalCode> {
        let known = given(id).filter(|_| self.mapping.shared_subjects.basis(SubjectKind::Outlet).is_some());
        known.map(|id| Ok(self.keys.token(SubjectKind::Outlet, self.bounded(id)?))).transpose()
    }

    /// The facts of the holders, and the opening with its routing holder.
    fn step(&mut self, step: &Step<'_, '_>, at: TimeMs) -> Result<(Facts, Own), RefusalCode> {
        let holding = step.holding.map(|party| self.own_holding(party, step.product)).transpose()?;
        let opening = match (step.opening, step.holding, &holding) {
            (Some(party), _, _) => self.own(party, &OPENING)?,
            // What was stated never had a request: its holding's ref names the opening too.
            (None, Some(party), Some(holding)) => self.opening_of(party, holding),
            _ => return Err(RefusalCode::FieldMissing),
        };
        if holding.as_ref().is_some_and(|holding| holding.holder != opening.holder) {
            return Err(RefusalCode::HolderMismatch);
        }
        let body = |co_holder| FactBody::Opening {
            step: step.step,
            opening: opening.party.clone(),
            holding: holding.as_ref().map(|holding| holding.party.clone()),
            product: step.product,
            holder_kind: step.holder_kind,
            co_holder,
            identity_channels: step.identity_channels,
            outlet: step.outlet,
        };
        let mut facts = vec![self.to_holder(opening.holder, at, body(false))];
        for co_holder in self.co_holders(step.co_holders, opening.holder)? {
            facts.push(self.to_holder(co_holder, at, body(true)));
        }
        Ok((facts, opening))
    }

    fn own_holding(&self, party: &OwnParty<'_>, product: Product) -> Result<Own, RefusalCode> {
        if party.reference.as_deref().is_some_and(|reference| self.mapping.is_outside(reference)) {
            return Err(RefusalCode::OwnPartyMissing);
        }
        self.own(party, &[kind_of(product)])
    }

    fn opening_of(&self, party: &OwnParty<'_>, holding: &Own) -> Own {
        let reference = party.reference.as_deref().unwrap_or_default();
        let (token, sealed) = self.keys.party(SubjectKind::Opening, reference);
        let subject = Subject::new(SubjectKind::Opening, token);
        Own { holder: holding.holder, party: Party { subject, sealed } }
    }

    /// Tokens of the co-holders, each once and never the routing holder again.
    fn co_holders(&self, ids: &[Text<'_>], holder: Token) -> Result<Vec<Token>, RefusalCode> {
        if ids.len() > CO_HOLDERS_MAX {
            return Err(RefusalCode::FieldInvalid);
        }
        let mut tokens = Vec::with_capacity(ids.len());
        for id in ids {
            if id.is_empty() {
                return Err(RefusalCode::HolderMissing);
            }
            let token = self.keys.token(SubjectKind::Holder, self.bounded(id)?);
            if token != holder && !tokens.contains(&token) {
                tokens.push(token);
            }
        }
        Ok(tokens)
    }
}
