//! Who may ask, and for what: every query states its purpose and is refused when that is not the
//! review of an appeal (DESIGN D19).

use crate::engine::purpose::{Purpose, Use};

/// Why a query is not answered. Nothing of what was asked is repeated: it may hold an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("a query states its purpose: add `purpose=appeal_review`")]
    NoPurpose,
    #[error("the purpose is not one that data is held for")]
    UnknownPurpose,
    #[error("the read view serves the review of appeals and no other purpose")]
    OtherPurpose(Use),
}

impl Refused {
    /// The name in metrics and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Refused::NoPurpose => "none",
            Refused::UnknownPurpose => "unknown",
            Refused::OtherPurpose(stated) => stated.name(),
        }
    }
}

/// Decides about a stated purpose. `held_for` is what the data asked for may be used for.
///
/// # Errors
/// When none, an unknown one, or any other than the review of an appeal is stated.
pub fn admit(stated: Option<&str>, held_for: Purpose) -> Result<(), Refused> {
    let stated = stated.filter(|text| !text.is_empty()).ok_or(Refused::NoPurpose)?;
    let wanted = Use::ALL.into_iter().find(|known| known.name() == stated).ok_or(Refused::UnknownPurpose)?;
    if wanted != Use::AppealReview || !held_for.permits(wanted) {
        return Err(Refused::OtherPurpose(wanted));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_review_of_an_appeal_is_answered() {
        assert_eq!(admit(Some("appeal_review"), Purpose::APPEAL), Ok(()));
        assert_eq!(admit(None, Purpose::APPEAL), Err(Refused::NoPurpose));
        assert_eq!(admit(Some(""), Purpose::APPEAL), Err(Refused::NoPurpose));
        assert_eq!(admit(Some("marketing"), Purpose::APPEAL), Err(Refused::UnknownPurpose));
        for wanted in Use::ALL.into_iter().filter(|wanted| *wanted != Use::AppealReview) {
            assert_eq!(admit(Some(wanted.name()), Purpose::ANTI_FRAUD), Err(Refused::OtherPurpose(wanted)));
        }
        assert!(admit(Some("appeal_review"), Purpose::AML).is_err());
    }
}
