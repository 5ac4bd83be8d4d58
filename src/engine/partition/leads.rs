//! Leads: what is referred to an authority, and what came of it (S23). No measure is set here, and nobody is
//! restricted by anything here.

use std::sync::Arc;

use super::happens::order_evidence;
use super::readings::Readings;
use super::rules::{Scene, signals_of};
use super::{Active, EngineError, Out, Partition};
use crate::engine::base::{Fingerprint, TimeMs, Token};
use crate::engine::disposition::DispositionId;
use crate::engine::evidence::Evidence;
use crate::engine::fact::{Fact, Feed};
use crate::engine::ident::IdKind;
use crate::engine::input::{Effect, UnmatchedReason};
use crate::engine::lead::{
    LeadHead, LeadMoment, LeadMoved, LeadNews, LeadObserved, LeadOutcome, LeadRef, LeadRule, LeadSent,
    LeadState, LeadTerms, Referral, route_of,
};
use crate::engine::life::{LeadAct, LeadEvent, LeadGuard, OfLead};
use crate::engine::order::OrderName;
use crate::engine::purpose::Purpose;
use crate::engine::rule::Trigger;
use crate::engine::state::Firing;
use crate::engine::subject::{Party, Subject};
use crate::engine::timer::Timer;

/// What is to be referred.
struct Draft<'a> {
    referral: Referral,
    party: &'a Party,
    holder: Option<Token>,
    cause: (Fingerprint, TimeMs),
    purpose: Purpose,
    evidence: Evidence,
}

impl Partition {
    /// Evaluates the rules that refer what a scene shows, in id order. `holder` is none for a shared subject.
    pub(super) fn run_leads(
        &mut self,
        scene: &Scene<'_>,
        holder: Option<Token>,
        active: &Arc<Active>,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let Trigger::Feed(feed) = scene.trigger else { return Ok(()) };
        let kind = scene.party.subject.kind;
        for rule in active.set.leads.rules.iter().filter(|rule| rule.is_set_off_by(feed, kind)) {
            let mut readings = self.take_readings();
            let holds = self.holds(&rule.condition, scene, None, active, &mut readings)
                && !self.is_referred(&rule.terms.id, scene, holder);
            if holds {
                self.refer_seen(rule, scene, holder, active, &mut readings, out)?;
            }
            self.keep_readings(readings);
        }
        Ok(())
    }

    /// Whether the rule looks away from the subject, was set off by this very event, or waits for an answer.
    fn is_referred(&self, rule: &str, scene: &Scene<'_>, holder: Option<Token>) -> bool {
        let subject = scene.party.subject;
        let firings = self.firings.get(&subject).into_iter().flatten();
        let mut last =
            firings.filter(|(name, firing)| **name == *rule && firing.until > self.horizons.firings);
        let looks_away = last.any(|(_, firing)| firing.event == scene.event || scene.at < firing.until);
        let leads = self.leads.get(&route_of(subject, holder)).into_iter().flatten();
        looks_away
            || leads.into_iter().any(|lead| {
                let concerns = lead.is_open || lead.event == scene.event;
                concerns && lead.rule.id == rule && lead.party.subject == subject
            })
    }

    fn refer_seen(
        &mut self,
        rule: &LeadRule,
        scene: &Scene<'_>,
        holder: Option<Token>,
        active: &Arc<Active>,
        readings: &mut Readings,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let name = rule.terms.name();
        let wanted = signals_of(&rule.condition, &active.set);
        let mut finding = self.find(&rule.condition, rule.purpose, &wanted, scene, None, active, readings);
        let may_act = rule.may_act() && self.live;
        finding.evidence.shadowed = may_act && self.is_version_shadowed(&name.id, name.version);
        let acts = may_act && !finding.evidence.shadowed;
        finding.evidence.braked = acts && self.open_leads(&name.id) >= u64::from(rule.open_max);

        let firing = Firing { until: scene.at.plus(rule.again_after), is_over: false, event: scene.event };
        let of_party = self.firings.get_or_default(scene.party.subject);
        of_party.retain(|(known, _)| **known != *name.id);
        of_party.push((Arc::from(name.id.as_str()), firing));

        let cause = (scene.event, scene.at);
        if !acts || finding.evidence.braked {
            let word = Referral::Seen(rule.kind).name();
            let id = (IdKind::Observed, word);
            let head = self.lead_head(id, &rule.terms, scene.party, holder, cause, finding.purpose);
            let (kind, evidence) = (rule.kind, finding.evidence);
            let observed = LeadObserved { head, kind, evidence };
            out.push(Effect::Lead(Box::new(LeadNews::Observed(observed))));
            return Ok(());
        }
        let draft = Draft {
            referral: Referral::Seen(rule.kind),
            party: scene.party,
            holder,
            cause,
            purpose: finding.purpose,
            evidence: finding.evidence,
        };
        self.send_lead(&rule.terms, draft, active, out);
        self.count_lead(rule, out)
    }

    /// Refers the internet accounts that are linked to what an order names. Gives whether that is done at all.
    pub(super) fn refer_linked(
        &mut self,
        order: &OrderName,
        party: &Party,
        holder: Token,
        cause: (Fingerprint, TimeMs),
        active: &Active,
        out: Out<'_>,
    ) -> bool {
        let Some(terms) = &active.set.leads.linked else { return false };
        let referral = Referral::LinkedAccounts(order.clone());
        let (purpose, evidence) = (Purpose::AUTHORITY, order_evidence());
        let draft = Draft { referral, party, holder: Some(holder), cause, purpose, evidence };
        self.send_lead(terms, draft, active, out);
        true
    }

    /// How many leads of a rule wait here.
    fn open_leads(&self, rule: &str) -> u64 {
        self.leads_open.get(rule).copied().unwrap_or(0)
    }

    /// After a restore.
    pub(super) fn count_open_leads(&mut self) {
        self.leads_open.clear();
        // Sums, so map order cannot show.
        for lead in self.leads.values().flatten().filter(|lead| lead.is_open) {
            *self.leads_open.entry(lead.rule.id.clone()).or_default() += 1;
        }
    }

    fn lead_head(
        &self,
        (kind, word): (IdKind, &str),
        terms: &LeadTerms,
        party: &Party,
        holder: Option<Token>,
        (event, at): (Fingerprint, TimeMs),
        purpose: Purpose,
    ) -> LeadHead {
        let rule = terms.name();
        let id = self.identity.id_key.disposition(kind, &rule, party.subject, event, at, word);
        LeadHead { id, rule, party: party.clone(), holder, event, at, purpose }
    }

    fn send_lead(&mut self, terms: &LeadTerms, draft: Draft<'_>, active: &Active, out: Out<'_>) {
        let Some(life) = &active.set.lives.lead else { return };
        let (Some(first), Some(given_up_after)) =
            (life.beginning(), life.figures.get(OfLead::GIVEN_UP_AFTER))
        else {
            return;
        };
        let Draft { referral, party, holder, cause, purpose, evidence } = draft;
        let id = (IdKind::Referred, referral.name());
        let head = self.lead_head(id, terms, party, holder, cause, purpose);
        let reference = self.identity.id_key.lead(head.id);
        let answer_due = head.at.plus(terms.answer_within);
        let route = route_of(party.subject, holder);
        let lead = head.id;
        self.timers.set(answer_due, Timer::Lead { route, lead, moment: LeadMoment::AnswerDue });
        let given_up = answer_due.plus(*given_up_after);
        self.timers.set(given_up, Timer::Lead { route, lead, moment: LeadMoment::GivenUp });
        self.leads.get_or_default(route).push(LeadState {
            id: head.id,
            reference,
            referral: referral.clone(),
            rule: head.rule.clone(),
            party: head.party.clone(),
            holder,
            event: head.event,
            at: head.at,
            answer_due,
            purpose,
            authority: Arc::clone(&terms.authority.name),
            state: Arc::clone(&first.name),
            is_open: true,
        });
        *self.leads_open.entry(terms.id.clone()).or_default() += 1;
        let basis = active.set.notices.bases.get(&terms.basis).cloned().unwrap_or_default();
        let sent = LeadSent {
            head,
            referral,
            reference,
            authority: terms.authority.clone(),
            reason: terms.reason.clone(),
            basis,
            fields: terms.fields.clone(),
            answer_due,
            evidence,
        };
        out.push(Effect::Lead(Box::new(LeadNews::Sent(sent))));
    }

    /// An authority says what became of a lead.
    pub(super) fn lead_answered(
        &mut self,
        fact: &Fact,
        reference: LeadRef,
        outcome: LeadOutcome,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let mut leads = self.leads.get(&fact.route).into_iter().flatten();
        let Some(lead) = leads.find(|lead| lead.reference == reference) else {
            out.push(Effect::Unmatched { event: fact.event, reason: UnmatchedReason::LeadUnknown });
            return Ok(());
        };
        let on = match outcome {
            LeadOutcome::Confirmed => LeadEvent::Confirmed,
            LeadOutcome::NotConfirmed => LeadEvent::NotConfirmed,
            LeadOutcome::NoAction => LeadEvent::NoAction,
        };
        let cause = (fact.event, fact.at.max(lead.at));
        if !self.live_lead(fact.route, lead.id, on, Some(outcome), cause, out)? {
            out.push(Effect::Unmatched { event: fact.event, reason: UnmatchedReason::LeadSettled });
        }
        Ok(())
    }

    /// Something is due in the life of a lead.
    pub(super) fn lead_due(
        &mut self,
        (route, id, moment): (Subject, DispositionId, LeadMoment),
        due: TimeMs,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let on = match moment {
            LeadMoment::AnswerDue => LeadEvent::Due,
            LeadMoment::GivenUp => LeadEvent::GivenUp,
            LeadMoment::Forgotten => {
                self.forget_lead(route, id);
                return Ok(());
            }
        };
        let Some(event) = self.lead(route, id).map(|lead| lead.event) else { return Ok(()) };
        self.live_lead(route, id, on, None, (event, due), out).map(drop)
    }

    fn lead(&self, route: Subject, id: DispositionId) -> Option<&LeadState> {
        self.leads.get(&route)?.iter().find(|lead| lead.id == id)
    }

    fn forget_lead(&mut self, route: Subject, id: DispositionId) {
        let Some(leads) = self.leads.get_mut(&route) else { return };
        leads.retain(|lead| lead.id != id);
        if leads.is_empty() {
            self.leads.remove(&route);
        }
    }

    /// Takes the step of the table, if there is one, and does what it says.
    fn live_lead(
        &mut self,
        route: Subject,
        id: DispositionId,
        on: LeadEvent,
        outcome: Option<LeadOutcome>,
        (event, at): (Fingerprint, TimeMs),
        out: Out<'_>,
    ) -> Result<bool, EngineError> {
        let (Some(active), Some(lead)) = (self.rules.clone(), self.lead(route, id).cloned()) else {
            return Ok(false);
        };
        let Some(life) = &active.set.lives.lead else { return Ok(false) };
        let step = life.next(&lead.state, on, |guard| match guard {
            LeadGuard::Seen => matches!(lead.referral, Referral::Seen(_)),
        });
        let Some((step, to)) = step.and_then(|step| Some((step, life.state(step.to)?))) else {
            return Ok(false);
        };
        let leads = self.leads.get_mut(&route).into_iter().flatten();
        for known in leads.filter(|known| known.id == id) {
            known.state = Arc::clone(&to.name);
            known.is_open = !to.is_last;
        }
        if to.is_last {
            if let Some(open) = self.leads_open.get_mut(&lead.rule.id) {
                *open = open.saturating_sub(1);
            }
            let forgotten = at.plus(active.set.settings.appeal_window);
            let moment = LeadMoment::Forgotten;
            self.timers.set(forgotten, Timer::Lead { route, lead: id, moment });
        }
        let key = &self.identity.id_key;
        let subject = lead.party.subject;
        let moved = key.disposition(IdKind::Moved, &lead.rule, subject, event, at, &to.name);
        let head = LeadHead {
            id: moved,
            rule: lead.rule.clone(),
            party: lead.party,
            holder: lead.holder,
            event,
            at,
            purpose: lead.purpose,
        };
        let moved = LeadMoved {
            head,
            moved: id,
            reference: lead.reference,
            kind: lead.referral.name(),
            authority: lead.authority,
            from: lead.state,
            to: Arc::clone(&to.name),
            outcome,
            alarm: step.acts.contains(&LeadAct::Alarm),
        };
        out.push(Effect::Lead(Box::new(LeadNews::Moved(moved))));
        if step.acts.contains(&LeadAct::CountAgainst) {
            self.count_outcome(&lead.rule, |count| count.overruled += 1, out)?;
        }
        Ok(true)
    }

    /// The scene of a shared subject that was met: it has no holder, and no past beside its own log.
    pub(super) fn shared_scene<'a>(
        &self,
        feed: Feed,
        party: &'a Party,
        attributes: crate::engine::attributes::Attributes,
        (event, entry): (Fingerprint, Fingerprint),
        at: TimeMs,
    ) -> Scene<'a> {
        Scene {
            trigger: Trigger::Feed(feed),
            party,
            holder: Token::default(),
            other: None,
            place: None,
            attributes,
            event,
            entry,
            at,
            left_out: None,
        }
    }
}
