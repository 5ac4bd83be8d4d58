//! Parties to tokens and sealed refs: the last place where an identifier is seen.

use super::facts::Maker;
use super::look_alike;
use crate::codec::event::{OwnParty, PartyKind, Text};
use crate::config::source::Format;
use crate::engine::base::Token;
use crate::engine::fact::Product;
use crate::engine::subject::{Party, Subject, SubjectKind};
use crate::intake::refusal::RefusalCode;

/// The longest address.
const ADDRESS_BYTES_MAX: usize = 512;

/// A party of ours: where its facts go, and what they carry of it.
pub struct Own {
    pub holder: Token,
    pub party: Party,
}

/// The kind of party that a holding of this product is.
pub fn kind_of(product: Product) -> PartyKind {
    match product {
        Product::PhoneCard => PartyKind::PhoneCard,
        Product::IotCard => PartyKind::IotCard,
        _ => PartyKind::Account,
    }
}

impl Maker<'_> {
    /// A party of ours, of one of the `allowed` kinds. What a native event must say, a mapped row
    /// may leave to its configuration; its kind is then the first allowed.
    pub fn own(&self, own: &OwnParty<'_>, allowed: &[PartyKind]) -> Result<Own, RefusalCode> {
        let mapped = self.mapping.format != Format::Native;
        match &own.institution {
            Some(institution) if **institution == *self.settings.institution => {}
            None if mapped => {}
            None => return Err(RefusalCode::FieldMissing),
            Some(_) => return Err(RefusalCode::InstitutionUnknown),
        }
        let kind = match own.kind {
            Some(kind) => {
                Some(kind).filter(|kind| allowed.contains(kind)).ok_or(RefusalCode::PartyKindMismatch)?
            }
            None if mapped => *allowed.first().ok_or(RefusalCode::PartyKindMismatch)?,
            None => return Err(RefusalCode::FieldMissing),
        };
        let reference = given(&own.reference).ok_or(RefusalCode::RefMissing)?;
        self.bounded(reference)?;
        if self.mapping.refs_checked {
            look_alike::tested(reference)?;
        }
        let holder = match given(&own.holder) {
            Some(holder) => self.bounded(holder)?,
            None if self.mapping.holder_from_account => reference,
            None => return Err(RefusalCode::HolderMissing),
        };
        let kind = kind.subject_kind();
        let (token, sealed, holder) = self.keys.party_of(kind, reference, holder);
        let party = Party { subject: Subject::new(kind, token), sealed };
        Ok(Own { holder, party })
    }

    /// A subject that is nobody's own. Without a recorded basis it is dropped and counted (D18).
    pub fn shared(
        &mut self,
        kind: SubjectKind,
        id: &Option<Text<'_>>,
    ) -> Result<Option<Subject>, RefusalCode> {
        let id = self.shared_id(kind, id)?;
        Ok(id.map(|id| Subject::new(kind, self.keys.token(kind, id))))
    }

    /// The identifier of such a subject, if there is a basis for it.
    pub fn shared_id<'t>(
        &mut self,
        kind: SubjectKind,
        id: &'t Option<Text<'_>>,
    ) -> Result<Option<&'t str>, RefusalCode> {
        let Some(id) = given(id) else {
            return Ok(None);
        };
        if self.mapping.shared_subjects.basis(kind).is_none() {
            self.undeclared.add(kind.name());
            return Ok(None);
        }
        // An address may stand as text, and a text of them is longer than a reference.
        let fits = kind == SubjectKind::Address && id.len() <= ADDRESS_BYTES_MAX;
        Ok(Some(if fits { id } else { self.bounded(id)? }))
    }

    /// An identifier within the source's bound.
    pub fn bounded<'t>(&self, id: &'t str) -> Result<&'t str, RefusalCode> {
        if id.len() <= self.mapping.id_bytes_max { Ok(id) } else { Err(RefusalCode::IdTooLong) }
    }
}

/// A text that is there and not empty.
pub fn given<'t>(text: &'t Option<Text<'_>>) -> Option<&'t str> {
    text.as_deref().filter(|text| !text.is_empty())
}
