//! List entries to facts: signed, decided high enough, with the test that was met, or refused.

use std::sync::Arc;

use super::facts::{Facts, Maker};
use super::order::{When, is_named, signed};
use super::party::given;
use super::row::in_range;
use crate::codec::authority::Canonical;
use crate::codec::event::EventType;
use crate::codec::event::entry::{EntryListed, EntryRevoked};
use crate::engine::base::{TimeMs, Token};
use crate::engine::entry::{EntryFact, EntrySays, EntryTerms, ListingTest, Regime};
use crate::engine::fact::FactBody;
use crate::engine::order::{Level, OrderName};
use crate::engine::subject::SubjectKind;
use crate::intake::refusal::RefusalCode;

impl Maker<'_> {
    pub fn entry_listed(&self, event: &EntryListed<'_>, when: When) -> Result<Facts, RefusalCode> {
        let (holder, name) =
            self.listed(&event.institution, &event.holder, (&event.issuer, &event.number))?;
        if event.level.0 < Level::Prefecture {
            return Err(RefusalCode::EntryLevelTooLow);
        }
        let test = event.test.map(|test| test.0).ok_or(RefusalCode::EntryTestMissing)?;
        let approval = given(&event.approval).map(Arc::from);
        let is_approved = (test == ListingTest::BelowCount) == approval.is_some();
        if test.category() != event.category.0 || !is_approved {
            return Err(RefusalCode::EntryTestMissing);
        }
        let start = in_range(event.start.0)?;
        let end = in_range(event.end.ok_or(RefusalCode::OrderWithoutEnd)?.0)?;
        if end <= start {
            return Err(RefusalCode::OrderTermInvalid);
        }
        let by = signed(&event.issuer, &event.signing_key, &event.signature);
        let level = self.settings.orders.tested(by, &listed(event), when.signed_at)?;
        if level != event.level.0 {
            return Err(RefusalCode::OrderKeyOfAnother);
        }
        let regime = event.regime.map_or(Regime::Current, |regime| regime.0);
        let terms = EntryTerms { test, level, start, end, regime, approval };
        Ok(self.entry(holder, EntryFact { name, says: EntrySays::Listed(terms) }, when.at))
    }

    pub fn entry_revoked(&self, event: &EntryRevoked<'_>, when: When) -> Result<Facts, RefusalCode> {
        let (holder, name) =
            self.listed(&event.institution, &event.holder, (&event.issuer, &event.number))?;
        let by = signed(&event.issuer, &event.signing_key, &event.signature);
        self.settings.orders.tested(by, &revoked(event), when.signed_at)?;
        Ok(self.entry(holder, EntryFact { name, says: EntrySays::Revoked }, when.at))
    }

    fn entry(&self, holder: Token, said: EntryFact, at: TimeMs) -> Facts {
        vec![self.to_holder(holder, at, FactBody::Entry(Box::new(said)))]
    }

    /// Whom it names, and which entry it is.
    fn listed(
        &self,
        institution: &str,
        holder: &str,
        (issuer, number): (&str, &str),
    ) -> Result<(Token, OrderName), RefusalCode> {
        if *institution != *self.settings.institution {
            return Err(RefusalCode::InstitutionUnknown);
        }
        if holder.is_empty() {
            return Err(RefusalCode::HolderMissing);
        }
        is_named(issuer, number)?;
        let holder = self.keys.token(SubjectKind::Holder, self.bounded(holder)?);
        Ok((holder, self.order_name(issuer, number)?))
    }
}

/// What an authority signs of an entry.
#[must_use]
pub fn listed(event: &EntryListed<'_>) -> Canonical {
    let mut canonical = Canonical::new(EventType::EntryListed.name(), &event.institution);
    let test = event.test.map_or("", |test| test.0.name());
    let approval = given(&event.approval).unwrap_or_default();
    let category = event.category.0.name();
    for part in
        [&*event.number, &*event.issuer, event.level.0.name(), &*event.holder, category, test, approval]
    {
        canonical.text(part);
    }
    canonical.time(Some(event.start.0));
    canonical.time(event.end.map(|end| end.0));
    canonical.text(event.regime.map_or("", |regime| regime.name()));
    canonical
}

/// What an authority signs of a revocation.
#[must_use]
pub fn revoked(event: &EntryRevoked<'_>) -> Canonical {
    let mut canonical = Canonical::new(EventType::EntryRevoked.name(), &event.institution);
    for part in [&*event.number, &*event.issuer, "", &*event.holder, "", "", "", "", "", ""] {
        canonical.text(part);
    }
    canonical
}
