//! Settlements: who and how much, as asked for and as settled (S14, APL 19, law.md L8).

use sha2::{Digest, Sha256};

use super::publish::{Draft, Of};
use super::{Active, EngineError, Out, Partition};
use crate::engine::base::{Money, SpanMs, TimeMs, Token};
use crate::engine::evidence::{Evidence, SettlementEvidence};
use crate::engine::fact::{Fact, FactBody};
use crate::engine::input::{Effect, UnmatchedReason};
use crate::engine::measure::{AccountStep, Lane, Measure};
use crate::engine::notice::RuleName;
use crate::engine::purpose::Purpose;
use crate::engine::state::Finding;
use crate::engine::subject::Party;
use crate::engine::verifying::Risk;
use crate::engine::window::Entry;

/// The rule name of the comparison; it is no rule of a file, so none can have it.
pub const SETTLEMENT: &str = "settlement-inconsistent";
/// Keys into the tables of disclosable reasons and of legal bases.
pub const REASON: &str = "settlement_inconsistent";
pub const BASIS: &str = "apl_19";

impl Partition {
    /// Compares a settlement with the initiation that this account's log holds.
    pub(super) fn compare_settlement(&mut self, fact: &Fact, out: Out<'_>) -> Result<(), EngineError> {
        let FactBody::SettlementRecorded { feed, account, initiated_by, other, amount } = &fact.body else {
            return Ok(());
        };
        let Some(active) = self.rules.clone() else { return Ok(()) };
        let Some(lasts) = active.set.settings.settlement_check_for else { return Ok(()) };
        if self.is_lifted(account, fact.at) {
            return Ok(());
        }
        let horizon = self.horizons.log(account.subject.kind);
        let log = self.logs.get(&account.subject);
        let initiation = log.and_then(|log| {
            log.entries(&self.store)
                .find(|entry| entry.event == *initiated_by && entry.feed == *feed && entry.at > horizon)
        });
        let Some(initiation) = initiation else {
            let reason = UnmatchedReason::SettlementUnknown;
            out.push(Effect::Unmatched { event: fact.event, reason });
            return Ok(());
        };
        match difference(&initiation, *other, *amount) {
            Some(difference) => self.ask_about(fact, account, difference, lasts, &active, out),
            None => Ok(()),
        }
    }

    /// Whether a lift on appeal set what happened by then aside (D26).
    fn is_lifted(&self, account: &Party, at: TimeMs) -> bool {
        let of_party = self.overrides.get(&account.subject).into_iter().flatten();
        let mut of_rule = of_party.filter(|(rule, _)| **rule == *SETTLEMENT);
        of_rule.any(|(_, lifted)| {
            at < lifted.until && at <= lifted.lift && lifted.until > self.horizons.overrides
        })
    }

    fn ask_about(
        &mut self,
        fact: &Fact,
        account: &Party,
        difference: SettlementEvidence,
        lasts: SpanMs,
        active: &Active,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let rule = RuleName { id: SETTLEMENT.to_owned(), version: active.set.version };
        let measure = Measure::Account(AccountStep::VerifyTransaction);
        let evidence = Evidence {
            settlement: Some(difference),
            digest: Sha256::digest([]).into(),
            strength_millionths: 1_000_000,
            ..Evidence::default()
        };
        if !self.live {
            let finding = Finding { evidence, purpose: Purpose::ANTI_FRAUD };
            let (holder, cause) = (fact.route.token, (fact.event, fact.at));
            self.push_observation(rule, Lane::Anomaly, measure, account, holder, cause, finding, out);
            return Ok(());
        }
        let draft = Draft {
            rule,
            lane: Lane::Anomaly,
            measure,
            reason: REASON,
            basis: BASIS,
            party: account,
            holder: fact.route.token,
            event: fact.event,
            at: fact.at,
            end: fact.at.plus(lasts),
            purpose: Purpose::ANTI_FRAUD,
            evidence,
            ground: None,
            of: Of::First(Risk::Medium),
        };
        self.set_measure(draft, active, out)?;
        Ok(())
    }
}

/// How a settlement differs from what was asked for, in what it says.
fn difference(initiation: &Entry, other: Option<Token>, amount: Option<Money>) -> Option<SettlementEvidence> {
    let other_differs = other.is_some_and(|other| other.short() != initiation.other);
    let amounts = match (initiation.amount, amount) {
        (Some(asked), Some(settled)) if asked != settled => Some((asked.minor, settled.minor)),
        _ => None,
    };
    (other_differs || amounts.is_some()).then_some(SettlementEvidence {
        initiated_by: initiation.event,
        other_differs,
        amounts,
    })
}
