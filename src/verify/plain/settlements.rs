//! Settlements against what was asked for (S14, APL 19).

use sha2::{Digest, Sha256};

use crate::engine::base::{Money, Token};
use crate::engine::evidence::{Evidence, SettlementEvidence};
use crate::engine::fact::FactBody;
use crate::engine::input::{Effect, UnmatchedReason};
use crate::engine::measure::{AccountStep, Lane, Measure};
use crate::engine::notice::RuleName;
use crate::engine::purpose::Purpose;
use crate::engine::verifying::Risk;

use super::measures::{Asked, Name};
use super::retention::Class;
use super::rules::Case;
use super::signals::Entry;
use super::{Cause, Occasion, Plain, PlainError};

impl Plain {
    pub(super) fn compare_settlement(
        &mut self,
        occasion: Occasion,
        body: &FactBody,
    ) -> Result<(), PlainError> {
        let FactBody::SettlementRecorded { feed, account, initiated_by, other, amount } = body else {
            return Ok(());
        };
        let Some(rules) = self.rules.clone() else { return Ok(()) };
        let Some(lasts) = rules.settings.settlement_check_for else { return Ok(()) };
        let aside = self.overrides.get(&("settlement-inconsistent".to_owned(), account.subject));
        let aside = aside.filter(|aside| aside.until > self.horizon(Class::Overrides));
        if aside.is_some_and(|aside| occasion.at < aside.until && occasion.at <= aside.lift) {
            return Ok(());
        }
        let horizon = self.horizon(Class::Log(account.subject.kind));
        let log = self.logs.get(&account.subject).map_or(&[] as &[Entry], Vec::as_slice);
        let asked_for = log
            .iter()
            .find(|entry| entry.event == *initiated_by && entry.feed == *feed && entry.at > horizon);
        let Some(asked_for) = asked_for else {
            let reason = UnmatchedReason::SettlementUnknown;
            self.effects.push(Effect::Unmatched { event: occasion.event, reason });
            return Ok(());
        };
        let Some(differs) = differs(asked_for, *other, *amount) else { return Ok(()) };
        let asked = Asked {
            name: Name {
                rule: RuleName { id: "settlement-inconsistent".to_owned(), version: rules.version },
                lane: Lane::Anomaly,
                purpose: Purpose::ANTI_FRAUD,
            },
            reason: "settlement_inconsistent".to_owned(),
            basis: "apl_19".to_owned(),
            measure: Measure::Account(AccountStep::VerifyTransaction),
            lasts,
            is_of_rule: false,
            risk: Risk::Medium,
            root: None,
        };
        let evidence = Evidence {
            settlement: Some(differs),
            digest: Sha256::digest([]).into(),
            strength_millionths: 1_000_000,
            ..Evidence::default()
        };
        let cause = Cause { event: occasion.event, at: occasion.at };
        let case = Case::of_party(account, occasion.route.token, cause);
        if self.is_live {
            self.set_measure(&asked, case, evidence)?;
        } else {
            self.observe(&asked, case, evidence);
        }
        Ok(())
    }
}

/// In what it says, a settlement is otherwise than was asked for.
fn differs(asked_for: &Entry, other: Option<Token>, amount: Option<Money>) -> Option<SettlementEvidence> {
    let other_differs = matches!(other, Some(other) if other.short() != asked_for.other.short());
    let amounts = match (asked_for.amount, amount) {
        (Some(asked), Some(settled)) => (asked != settled).then_some((asked.minor, settled.minor)),
        _ => None,
    };
    let evidence = SettlementEvidence { initiated_by: asked_for.event, other_differs, amounts };
    if other_differs || amounts.is_some() { Some(evidence) } else { None }
}
