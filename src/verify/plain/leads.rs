//! Leads: what is referred, answered, late, given up and forgotten (S23).

use std::sync::Arc;

use crate::engine::attributes::{Attributes, Field};
use crate::engine::base::{Fingerprint, Money, TimeMs, Token};
use crate::engine::evidence::Evidence;
use crate::engine::fact::Feed;
use crate::engine::ident::IdKind;
use crate::engine::input::{Effect, UnmatchedReason};
use crate::engine::lead::{
    LeadHead, LeadMoved, LeadNews, LeadObserved, LeadOutcome, LeadRef, LeadRule, LeadSent, LeadTerms,
    Referral,
};
use crate::engine::life::{LeadAct, LeadEvent, LeadGuard};
use crate::engine::notice::RuleName;
use crate::engine::order::OrderName;
use crate::engine::purpose::Purpose;
use crate::engine::rule::RuleStatus;
use crate::engine::ruleset::RuleSet;
use crate::engine::subject::{Party, SealedRef};

use super::conditions::{Sight, mentioned};
use super::retention::Class;
use super::rules::{Case, Firing};
use super::time::Timer;
use super::values::{Asker, Reading};
use super::{Cause, Occasion, Plain, PlainError};

/// A lead that was sent here.
#[derive(Clone)]
pub(super) struct Lead {
    sent: LeadSent,
    state: String,
    /// Nothing follows any more.
    is_over: bool,
    is_forgotten: bool,
}

impl Plain {
    /// A shared subject was met: what is referred about it reads its own log.
    pub(super) fn refer_shared(
        &mut self,
        occasion: Occasion,
        feed: Feed,
        amount: Option<Money>,
    ) -> Result<(), PlainError> {
        let party = Party { subject: occasion.route, sealed: SealedRef::default() };
        let said = Attributes::default().with(Field::Amount, amount.and_then(Money::fen));
        let case = Case {
            event: occasion.event,
            source: occasion.source,
            at: occasion.at,
            holder: Token::default(),
            party: &party,
            other: None,
            place: None,
            amount,
            said,
        };
        self.refer(feed, case, None)
    }

    /// Evaluates the rules that refer, in id order.
    pub(super) fn refer(
        &mut self,
        feed: Feed,
        case: Case<'_>,
        holder: Option<Token>,
    ) -> Result<(), PlainError> {
        let Some(rules) = self.rules.clone() else { return Ok(()) };
        for rule in &rules.leads.rules {
            let is_asked = rule.status != RuleStatus::Off
                && rule.subject == case.party.subject.kind
                && rule.triggers.contains(&feed);
            if !is_asked {
                continue;
            }
            let reading = Reading {
                party: case.party.subject,
                holder: case.holder,
                at: case.at,
                bound: TimeMs::MIN,
                asker: Asker { source: case.source, amount: case.amount, other: case.other },
                without: None,
            };
            let sight = Sight { plain: self, rules: &rules, reading, said: case.said };
            if !sight.is_certain(&rule.condition) || self.looks_away(rule, case) {
                continue;
            }
            let evidence = sight.evidence(&rule.condition);
            self.refer_one(&rules, rule, case, holder, evidence)?;
        }
        Ok(())
    }

    /// Whether a rule was set off by this event before, waits, or is still to look away.
    fn looks_away(&self, rule: &LeadRule, case: Case<'_>) -> bool {
        let subject = case.party.subject;
        let waits = self.leads.iter().any(|lead| {
            let is_same = lead.sent.head.event == case.event && !lead.is_forgotten;
            let head = &lead.sent.head;
            head.rule.id == rule.terms.id && head.party.subject == subject && (!lead.is_over || is_same)
        });
        let last = self.last_firings.get(&(rule.terms.id.clone(), subject));
        let last = last.filter(|last| last.end > self.horizon(Class::Firings));
        waits || last.is_some_and(|last| last.event == case.event || case.at < last.end)
    }

    fn refer_one(
        &mut self,
        rules: &RuleSet,
        rule: &LeadRule,
        case: Case<'_>,
        holder: Option<Token>,
        mut evidence: Evidence,
    ) -> Result<(), PlainError> {
        let (id, version) = (rule.terms.id.clone(), rule.terms.version);
        let would_act = rule.status == RuleStatus::Enforced && rule.precision.is_some() && self.is_live;
        let is_shadowed =
            self.watched.get(&(id.clone(), version)).is_some_and(|(_, is_shadowed)| *is_shadowed);
        evidence.shadowed = would_act && is_shadowed;
        let acts = would_act && !is_shadowed;
        let waiting = self.leads.iter().filter(|lead| lead.sent.head.rule.id == id && !lead.is_over).count();
        evidence.braked = acts && waiting >= rule.open_max as usize;

        let end = case.at.plus(rule.again_after);
        let firing = Firing { event: case.event, end, measure: None };
        self.last_firings.insert((id, case.party.subject), firing);

        let signals = mentioned(&rule.condition).into_iter().filter_map(|number| rules.signals.get(number));
        let purpose = signals.fold(rule.purpose, |joined, signal| joined.join(signal.purpose));
        let referral = Referral::Seen(rule.kind);
        let cause = Cause { event: case.event, at: case.at };
        if acts && !evidence.braked {
            self.send_lead(rules, &rule.terms, referral, case.party, holder, cause, purpose, evidence);
            return self.count_lead(rule);
        }
        let (party, word) = (case.party, referral.name());
        let head = self.lead_head(IdKind::Observed, word, &rule.terms, party, holder, cause, purpose);
        let observed = LeadObserved { head, kind: rule.kind, evidence };
        self.effects.push(Effect::Lead(Box::new(LeadNews::Observed(observed))));
        Ok(())
    }

    /// An order asks for the accounts that are linked to what it names; false where nobody refers them.
    pub(super) fn refer_accounts(
        &mut self,
        order: &OrderName,
        party: &Party,
        holder: Token,
        cause: Cause,
        evidence: Evidence,
    ) -> bool {
        let Some(rules) = self.rules.clone() else { return false };
        let Some(terms) = &rules.leads.linked else { return false };
        let referral = Referral::LinkedAccounts(order.clone());
        let purpose = Purpose::AUTHORITY;
        self.send_lead(&rules, terms, referral, party, Some(holder), cause, purpose, evidence);
        true
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one head")]
    fn lead_head(
        &self,
        kind: IdKind,
        word: &str,
        terms: &LeadTerms,
        party: &Party,
        holder: Option<Token>,
        cause: Cause,
        purpose: Purpose,
    ) -> LeadHead {
        let rule = RuleName { id: terms.id.clone(), version: terms.version };
        let Cause { event, at } = cause;
        let id = self.identity.id_key.disposition(kind, &rule, party.subject, event, at, word);
        LeadHead { id, rule, party: party.clone(), holder, event, at, purpose }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one lead")]
    fn send_lead(
        &mut self,
        rules: &RuleSet,
        terms: &LeadTerms,
        referral: Referral,
        party: &Party,
        holder: Option<Token>,
        cause: Cause,
        purpose: Purpose,
        evidence: Evidence,
    ) {
        let Some(table) = &rules.lives.lead else { return };
        let (Some(first), Some(patience)) = (table.states.get(table.first), table.figures.first()) else {
            return;
        };
        let word = referral.name();
        let head = self.lead_head(IdKind::Referred, word, terms, party, holder, cause, purpose);
        let answer_due = cause.at.plus(terms.answer_within);
        let sent = LeadSent {
            reference: self.identity.id_key.lead(head.id),
            head,
            referral,
            authority: terms.authority.clone(),
            reason: terms.reason.clone(),
            basis: rules.notices.bases.get(&terms.basis).cloned().unwrap_or_default(),
            fields: terms.fields.clone(),
            answer_due,
            evidence,
        };
        let place = self.leads.len();
        self.set_timer(answer_due, Timer::LeadAnswerDue(place));
        self.set_timer(answer_due.plus(*patience), Timer::LeadGivenUp(place));
        self.effects.push(Effect::Lead(Box::new(LeadNews::Sent(sent.clone()))));
        let state = first.name.to_string();
        self.leads.push(Lead { sent, state, is_over: false, is_forgotten: false });
    }

    /// What an authority says of a lead.
    pub(super) fn hear_of_lead(
        &mut self,
        occasion: Occasion,
        reference: LeadRef,
        outcome: LeadOutcome,
    ) -> Result<(), PlainError> {
        let lives_here = |lead: &Lead| match lead.sent.head.holder {
            Some(holder) => occasion.route.token == holder,
            None => occasion.route == lead.sent.head.party.subject,
        };
        let found = self
            .leads
            .iter()
            .position(|lead| !lead.is_forgotten && lead.sent.reference == reference && lives_here(lead));
        let Some(place) = found else {
            let reason = UnmatchedReason::LeadUnknown;
            self.effects.push(Effect::Unmatched { event: occasion.event, reason });
            return Ok(());
        };
        let on = match outcome {
            LeadOutcome::Confirmed => LeadEvent::Confirmed,
            LeadOutcome::NotConfirmed => LeadEvent::NotConfirmed,
            LeadOutcome::NoAction => LeadEvent::NoAction,
        };
        let sent_at = self.leads.get(place).map_or(occasion.at, |lead| lead.sent.head.at);
        let (event, at) = (occasion.event, occasion.at.max(sent_at));
        if !self.move_lead(place, on, Some(outcome), (event, at))? {
            let reason = UnmatchedReason::LeadSettled;
            self.effects.push(Effect::Unmatched { event, reason });
        }
        Ok(())
    }

    pub(super) fn lead_waits_too_long(
        &mut self,
        place: usize,
        on: LeadEvent,
        due: TimeMs,
    ) -> Result<(), PlainError> {
        let Some(lead) = self.leads.get(place) else { return Ok(()) };
        let event = lead.sent.head.event;
        self.move_lead(place, on, None, (event, due)).map(drop)
    }

    pub(super) fn forget_lead(&mut self, place: usize) {
        if let Some(lead) = self.leads.get_mut(place) {
            lead.is_forgotten = true;
        }
    }

    /// Takes the step that the table has; false if it has none.
    fn move_lead(
        &mut self,
        place: usize,
        on: LeadEvent,
        outcome: Option<LeadOutcome>,
        (event, at): (Fingerprint, TimeMs),
    ) -> Result<bool, PlainError> {
        let (Some(rules), Some(lead)) = (self.rules.clone(), self.leads.get(place).cloned()) else {
            return Ok(false);
        };
        let Some(table) = &rules.lives.lead else { return Ok(false) };
        let is_so = |guard: &LeadGuard| match guard {
            LeadGuard::Seen => matches!(lead.sent.referral, Referral::Seen(_)),
        };
        let fits = table.steps.iter().find(|step| {
            let from = table.states.get(step.from);
            step.on == on
                && from.is_some_and(|from| *from.name == *lead.state)
                && step.only_if.iter().all(is_so)
        });
        let Some((step, to)) = fits.and_then(|step| Some((step, table.states.get(step.to)?))) else {
            return Ok(false);
        };
        let is_over = !table.steps.iter().any(|onward| onward.from == step.to);
        if let Some(known) = self.leads.get_mut(place) {
            known.state = to.name.to_string();
            known.is_over = is_over;
        }
        if is_over {
            self.set_timer(at.plus(rules.settings.appeal_window), Timer::LeadForgotten(place));
        }
        let head = lead.sent.head;
        let key = &self.identity.id_key;
        let id = key.disposition(IdKind::Moved, &head.rule, head.party.subject, event, at, &to.name);
        let rule = head.rule.clone();
        let moved = LeadMoved {
            moved: head.id,
            head: LeadHead { id, event, at, ..head },
            reference: lead.sent.reference,
            kind: lead.sent.referral.name(),
            authority: lead.sent.authority.name,
            from: Arc::from(lead.state),
            to: Arc::clone(&to.name),
            outcome,
            alarm: step.acts.contains(&LeadAct::Alarm),
        };
        self.effects.push(Effect::Lead(Box::new(LeadNews::Moved(moved))));
        if step.acts.contains(&LeadAct::CountAgainst) {
            self.count_outcome(&rule, |count| count.overruled += 1)?;
        }
        Ok(true)
    }
}
