//! Deterministic ids: keyed MACs of what caused a disposition (ARCHITECTURE S12, DESIGN D11, D29).

use hmac::{Hmac, Mac};
use sm3::Sm3;

use super::base::{Fingerprint, TimeMs, Token};
use super::disposition::{AppealRef, DispositionId};
use super::lead::LeadRef;
use super::notice::RuleName;
use super::subject::Subject;

/// The key of ids and appeal references. Wiped from memory when dropped; never printed.
#[derive(Clone, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
pub struct IdKey([u8; 32]);

impl std::fmt::Debug for IdKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdKey(..)")
    }
}

/// What kind of thing an id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKind {
    Accepted,
    Set,
    Ended,
    Lapsed,
    Observed,
    Answered,
    Moved,
    Extended,
    Referred,
}

impl IdKind {
    fn name(self) -> &'static str {
        match self {
            IdKind::Accepted => "accepted",
            IdKind::Set => "set",
            IdKind::Ended => "ended",
            IdKind::Lapsed => "lapsed",
            IdKind::Observed => "observed",
            IdKind::Answered => "answered",
            IdKind::Moved => "moved",
            IdKind::Extended => "extended",
            IdKind::Referred => "referred",
        }
    }
}

impl IdKey {
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> IdKey {
        IdKey(bytes)
    }

    fn mac(&self) -> Hmac<Sm3> {
        // HMAC takes a key of any length, so this cannot fail for 32 bytes.
        <Hmac<Sm3> as Mac>::new_from_slice(&self.0).unwrap_or_else(|_| unreachable!("HMAC takes any key"))
    }

    /// The id of a disposition.
    #[must_use]
    pub fn disposition(
        &self,
        kind: IdKind,
        rule: &RuleName,
        party: Subject,
        event: Fingerprint,
        at: TimeMs,
        measure: &str,
    ) -> DispositionId {
        let mut mac = self.mac();
        for text in ["duecourse.disposition/1", kind.name(), &rule.id] {
            mac.update(text.as_bytes());
            mac.update(&[0]);
        }
        mac.update(&rule.version.to_be_bytes());
        mac.update(&[party.kind as u8]);
        mac.update(&party.token.0.to_be_bytes());
        mac.update(&event.0.to_be_bytes());
        mac.update(&at.0.to_be_bytes());
        mac.update(measure.as_bytes());
        let full: [u8; 32] = mac.finalize().into_bytes().into();
        DispositionId(first_bytes(&full).map_or(0, u128::from_be_bytes))
    }

    /// The appeal reference of a disposition: unguessable, and the same on every replay.
    #[must_use]
    pub fn appeal(&self, id: DispositionId) -> AppealRef {
        let mut mac = self.mac();
        mac.update(b"duecourse.appeal/1\0");
        mac.update(&id.0.to_be_bytes());
        let full: [u8; 32] = mac.finalize().into_bytes().into();
        AppealRef::from_bits(first_bytes(&full).map_or(0, u64::from_be_bytes))
    }

    /// By which a holder is counted (S24): it names nobody without the key.
    #[must_use]
    pub fn mark(&self, holder: Token) -> Token {
        let mut mac = self.mac();
        mac.update(b"duecourse.person/1\0");
        mac.update(&holder.0.to_be_bytes());
        let full: [u8; 32] = mac.finalize().into_bytes().into();
        Token(first_bytes(&full).map_or(0, u128::from_be_bytes))
    }

    /// The reference of a lead, as unguessable, and never an appeal reference's number.
    #[must_use]
    pub fn lead(&self, id: DispositionId) -> LeadRef {
        let mut mac = self.mac();
        mac.update(b"duecourse.lead/1\0");
        mac.update(&id.0.to_be_bytes());
        let full: [u8; 32] = mac.finalize().into_bytes().into();
        LeadRef::from_bits(first_bytes(&full).map_or(0, u64::from_be_bytes))
    }
}

fn first_bytes<const N: usize>(full: &[u8; 32]) -> Option<[u8; N]> {
    full.get(..N)?.try_into().ok()
}
