//! Openings: every request gets an answer, and the answer follows what is heard later (S10, D23).

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::publish::{Draft, Of};
use super::rules::Scene;
use super::{Active, EngineError, Out, Partition};
use crate::engine::attributes::{Attributes, Field};
use crate::engine::base::{Fingerprint, TimeMs, Token};
use crate::engine::disposition::{DispositionId, EndCause};
use crate::engine::evidence::{CountEvidence, Evidence};
use crate::engine::fact::{Fact, FactBody, Feed, HolderKind, OpeningStep};
use crate::engine::holder::{Answer, Holder, Request, Severity, Step};
use crate::engine::limit::{Demand, Limit, LimitForce, SharedCount};
use crate::engine::measure::{Lane, Measure};
use crate::engine::notice::RuleName;
use crate::engine::purpose::Purpose;
use crate::engine::rule::Trigger;
use crate::engine::state::Finding;
use crate::engine::timer::Timer;
use crate::engine::verifying::Risk;

/// What the limits say to a request.
struct Verdict<'a> {
    severity: Severity,
    /// The limit that says so; none when all are kept.
    limit: Option<&'a Limit>,
    count: Option<CountEvidence>,
    met: Met,
    /// The platform's answer, or an assessment, is still to come.
    awaits_platform: bool,
}

/// Whether a request does what a limit demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Met {
    Yes,
    No,
    /// The answer that it waits for has not come.
    Unknown,
}

/// What a limit demands of a request, and what was counted for it.
fn met(limit: &Limit, request: &Request, state: &Holder) -> (Met, Option<CountEvidence>) {
    let opening = request.party.subject.token;
    let (max, shared) = match &limit.demand {
        Demand::Count { max, shared } => (*max, *shared),
        Demand::Assessment { .. } => {
            let met = match state.assessment(opening) {
                None => Met::Unknown,
                Some(assessment) if assessment.passed => Met::Yes,
                Some(_) => Met::No,
            };
            return (met, None);
        }
    };
    let held = state.count_held(&limit.products, request.at, request.order);
    let elsewhere = match shared {
        SharedCount::NotNeeded => None,
        SharedCount::Needed => state.elsewhere(opening, &limit.products),
    };
    let asked = u64::from(held) + u64::from(elsewhere.unwrap_or(0)) + 1;
    let met = match (shared, elsewhere) {
        (SharedCount::Needed, None) => Met::Unknown,
        _ if asked > u64::from(max) => Met::No,
        _ => Met::Yes,
    };
    (met, Some(CountEvidence { held, elsewhere, count_max: max }))
}

impl Verdict<'_> {
    /// Why, in words that may be told: for want of an assessment, a limit has words of its own.
    fn reason<'l>(&self, limit: &'l Limit) -> &'l str {
        match &limit.demand {
            Demand::Assessment { reason_missing } if self.met == Met::Unknown => reason_missing,
            _ => &limit.reason,
        }
    }

    fn finding(&self) -> Finding {
        let mut evidence = Evidence {
            count: self.count.clone(),
            digest: Sha256::digest([]).into(),
            strength_millionths: 1_000_000,
            ..Evidence::default()
        };
        if let Some(count) = &self.count {
            let asked = u64::from(count.held) + u64::from(count.elsewhere.unwrap_or(0)) + 1;
            evidence.strength_millionths =
                (asked * 1_000_000).checked_div(u64::from(count.count_max)).unwrap_or(1_000_000);
        }
        Finding { evidence, purpose: Purpose::SHARED_COUNT }
    }
}

impl Partition {
    /// Notes a step of an opening, answers a request, and looks at the holder's other requests again.
    pub(super) fn apply_opening(
        &mut self,
        fact: &Fact,
        body: &FactBody,
        at: TimeMs,
        step_event: Fingerprint,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let FactBody::Opening {
            step,
            opening,
            holding,
            product,
            holder_kind,
            co_holder,
            identity_channels,
            outlet,
        } = body
        else {
            return Ok(());
        };
        let holder = fact.route.token;
        let token = opening.subject.token;
        let kept = self.rules.as_ref().filter(|active| active.set.keeps_holder_kinds()).map(|_| *holder_kind);
        let known = Step { event: step_event, step: *step, at, product: *product, holder_kind: kept };
        let state = self.holders.get_or_default(holder);
        if step.is_of_holding() {
            let held = holding.as_ref().unwrap_or(opening);
            state.add_holding_step(held, known);
            if matches!(step, OpeningStep::Opened | OpeningStep::Stated) {
                self.reach_holding(fact.route.token, held, at, out)?;
            }
        }
        let state = self.holders.get_or_default(fact.route.token);
        match step {
            OpeningStep::Requested => {
                let request = Request {
                    party: opening.clone(),
                    product: *product,
                    holder_kind: *holder_kind,
                    identity_channels: *identity_channels,
                    at,
                    order: self.request_count,
                    event: step_event,
                    answer: Answer::Accepted,
                    reserved_until: None,
                    reserved_by: fact.event,
                    lapsed: false,
                    published: false,
                    on_appeal: false,
                };
                let slot = state.opening_or_new(token);
                if slot.request.is_none() {
                    slot.request = Some(request.clone());
                    self.request_count += 1;
                    self.answer(request, fact, (*co_holder, *outlet), out)?;
                }
            }
            OpeningStep::Opened | OpeningStep::Abandoned => {
                let slot = state.opening_or_new(token);
                slot.steps.push(known);
                self.settle_if_over(holder, token, (fact.event, fact.at), out);
            }
            OpeningStep::Closed | OpeningStep::Changed | OpeningStep::Stated => {}
        }
        self.answer_again(holder, fact.event, fact.at, out)
    }

    /// The first answer to a request.
    fn answer(
        &mut self,
        request: Request,
        fact: &Fact,
        (co_holder, outlet): (bool, Option<Token>),
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let Some(active) = self.rules.clone() else { return Ok(()) };
        let holder = fact.route.token;
        let token = request.party.subject.token;
        let until = request.at.plus(active.set.settings.reservation_for);
        if co_holder {
            self.reserve(holder, token, until, fact.event);
            return Ok(());
        }
        if self.live {
            self.change_request(holder, token, |request| request.published = true);
        }
        if self.refuse_listed(holder, &request, &active, out)? {
            self.settle_if_over(holder, token, (fact.event, fact.at), out);
            return Ok(());
        }
        let verdict = self.judge(&request, holder, &active);
        let cause = (fact.event, request.at);
        if verdict.limit.is_none() || !self.live {
            self.reserve(holder, token, until, fact.event);
        }
        match (&verdict.limit, self.live) {
            (Some(limit), true) => {
                self.answer_adversely(&request, holder, &verdict, limit, cause, &active, out)?;
            }
            (Some(limit), false) => {
                let measure = measure_for(verdict.severity);
                self.observe_limit(limit, measure, &request, fact, verdict.finding(), out);
            }
            (None, live) => {
                let scene = Scene {
                    trigger: Trigger::Feed(Feed::OpeningRequestedHolder),
                    party: &request.party,
                    holder,
                    other: None,
                    place: outlet,
                    attributes: self.of_request(&request, holder),
                    event: fact.event,
                    entry: request.event,
                    at: request.at,
                    left_out: None,
                };
                let checked = self.run_opening_rules(&scene, &active, out)?;
                if live && !checked {
                    self.publish_acceptance(&request.party, holder, cause, until, out);
                }
            }
        }
        self.settle_if_over(holder, token, (fact.event, fact.at), out);
        Ok(())
    }

    /// An adverse answer ends when its opening was opened or abandoned, also if the request is heard of later.
    fn settle_if_over(
        &mut self,
        holder: Token,
        token: Token,
        (event, at): (Fingerprint, TimeMs),
        out: Out<'_>,
    ) {
        let opening = self.holders.get(&holder).and_then(|state| state.opening(token));
        let settled = opening.filter(|opening| opening.is_settled());
        let request = settled.and_then(|opening| opening.request.as_ref());
        if let Some((id, asked)) =
            request.and_then(|request| Some((request.answer.disposition()?, request.at)))
        {
            self.end_if_standing(id, EndCause::OpeningSettled, event, at.max(asked), out);
        }
    }

    /// What the limits say to a request, as of its own time.
    fn judge<'a>(&self, request: &Request, holder: Token, active: &'a Active) -> Verdict<'a> {
        let mut verdict = Verdict {
            severity: Severity::Accept,
            limit: None,
            count: None,
            met: Met::Yes,
            awaits_platform: false,
        };
        let nobody = Holder::default();
        let state = self.holders.get(&holder).unwrap_or(&nobody);
        let (product, kind, at) = (request.product, request.holder_kind, request.at);
        let asked = active.set.limits.iter().filter(|limit| limit.applies(product, kind, at));
        for limit in asked.filter(|limit| !self.is_overruled(limit, request)) {
            let (met, count) = met(limit, request, state);
            let severity = match (met, limit.force) {
                (Met::Unknown, _) | (Met::No, LimitForce::CheckFurther) => Severity::CheckFurther,
                (Met::No, LimitForce::Refuse) => Severity::Refuse,
                (Met::Yes, _) => Severity::Accept,
            };
            if severity > verdict.severity {
                let awaits_platform = met == Met::Unknown;
                verdict = Verdict { severity, limit: Some(limit), count, met, awaits_platform };
            }
        }
        verdict
    }

    #[expect(clippy::too_many_arguments, reason = "one answer: who, what, why and when")]
    fn answer_adversely(
        &mut self,
        request: &Request,
        holder: Token,
        verdict: &Verdict<'_>,
        limit: &Limit,
        (event, at): (Fingerprint, TimeMs),
        active: &Active,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let finding = verdict.finding();
        let draft = Draft {
            ground: None,
            rule: RuleName { id: limit.id.clone(), version: limit.version },
            lane: Lane::Limit,
            measure: measure_for(verdict.severity),
            reason: verdict.reason(limit),
            basis: &limit.basis,
            party: &request.party,
            holder,
            event,
            at,
            end: at.plus(active.set.settings.answer_for),
            purpose: finding.purpose,
            evidence: finding.evidence,
            of: Of::First(Risk::Medium),
        };
        let disposition = self.set_measure(draft, active, out)?;
        let answer = Answer::ByLimit {
            severity: verdict.severity,
            disposition,
            awaits_platform: verdict.awaits_platform,
        };
        self.change_request(holder, request.party.subject.token, |request| {
            request.answer = answer;
            request.reserved_until = None;
        });
        Ok(())
    }

    /// Answers the holder's pending requests again, after something about their openings changed.
    pub(super) fn answer_again(
        &mut self,
        holder: Token,
        event: Fingerprint,
        at: TimeMs,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let (Some(active), Some(state)) = (self.rules.clone(), self.holders.get(&holder)) else {
            return Ok(());
        };
        let mut pending: Vec<(TimeMs, u64, Token)> = state
            .openings
            .iter()
            .filter(|opening| opening.is_pending())
            .filter_map(|opening| opening.request.as_ref())
            .filter(|request| !request.on_appeal)
            .map(|request| (request.at, request.order, request.party.subject.token))
            .collect();
        pending.sort_unstable();
        for (_, _, token) in pending {
            let request = self.holders.get(&holder).and_then(|state| state.opening(token)?.request.clone());
            if let Some(request) = request {
                let cause = (event, at.max(request.at));
                self.answer_once_more(&request, holder, cause, &active, out)?;
            }
        }
        Ok(())
    }

    fn answer_once_more(
        &mut self,
        request: &Request,
        holder: Token,
        cause: (Fingerprint, TimeMs),
        active: &Arc<Active>,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let mut verdict = self.judge(request, holder, active);
        let token = request.party.subject.token;
        match request.answer {
            Answer::ByRule { .. } => Ok(()),
            Answer::Accepted => match verdict.limit {
                None => Ok(()),
                Some(limit) => {
                    // Never a refusal after an acceptance (D23).
                    verdict.severity = Severity::CheckFurther;
                    verdict.awaits_platform = false;
                    self.answer_adversely(request, holder, &verdict, limit, cause, active, out)
                }
            },
            Answer::ByLimit { severity, disposition, awaits_platform } => {
                let milder = verdict.severity < severity;
                let platform_came = awaits_platform && !verdict.awaits_platform;
                if !(milder || platform_came && verdict.severity > severity) {
                    if platform_came {
                        let answer = Answer::ByLimit { severity, disposition, awaits_platform: false };
                        self.change_request(holder, token, |request| request.answer = answer);
                    }
                    return Ok(());
                }
                self.end_if_standing(disposition, EndCause::Superseded, cause.0, cause.1, out);
                match verdict.limit {
                    Some(limit) => {
                        self.answer_adversely(request, holder, &verdict, limit, cause, active, out)
                    }
                    None => {
                        self.accept_from(&request.party, holder, cause, active, out);
                        Ok(())
                    }
                }
            }
        }
    }

    /// What conditions may read of a request. Owners are declared of units alone.
    pub(super) fn of_request(&self, request: &Request, holder: Token) -> Attributes {
        let known = Attributes::default()
            .with(Field::Product, Some(request.product as i64))
            .with(Field::IdentityChannels, request.identity_channels.map(i64::from))
            .with(Field::HolderKind, Some(request.holder_kind.code()))
            .with(Field::PartyHolderKind, Some(request.holder_kind.code()));
        if request.holder_kind == HolderKind::Person {
            return known;
        }
        let declared = self.holders.get(&holder).and_then(|state| state.declared.as_ref());
        let (count, share) = declared.map_or((0, 0), |declared| declared.owners_at(request.at));
        known.with(Field::OwnersDeclared, Some(count)).with(Field::OwnersShare, Some(share))
    }

    /// Accepts a pending request from a time on, with a new slot.
    pub(super) fn accept_from(
        &mut self,
        party: &crate::engine::subject::Party,
        holder: Token,
        cause: (Fingerprint, TimeMs),
        active: &Active,
        out: Out<'_>,
    ) {
        let until = cause.1.plus(active.set.settings.reservation_for);
        let token = party.subject.token;
        self.change_request(holder, token, |request| request.answer = Answer::Accepted);
        self.reserve(holder, token, until, cause.0);
        self.publish_acceptance(party, holder, cause, until, out);
    }

    fn reserve(&mut self, holder: Token, opening: Token, until: TimeMs, event: Fingerprint) {
        self.change_request(holder, opening, |request| {
            request.reserved_until = Some(until);
            request.reserved_by = event;
        });
        self.timers.set(until, Timer::ReservationLapses { holder, opening });
    }

    /// A rule checks an opening; its slot stays reserved.
    pub(super) fn check_opening(&mut self, holder: Token, opening: Token, disposition: DispositionId) {
        self.change_request(holder, opening, |request| request.answer = Answer::ByRule { disposition });
    }

    pub(super) fn change_request(
        &mut self,
        holder: Token,
        opening: Token,
        change: impl FnOnce(&mut Request),
    ) {
        if let Some(request) = self.holders.get_mut(&holder).and_then(|state| state.request_mut(opening)) {
            change(request);
        }
    }
}

fn measure_for(severity: Severity) -> Measure {
    match severity {
        Severity::Refuse => Measure::OpeningRefuse,
        Severity::CheckFurther | Severity::Accept => Measure::OpeningCheckFurther,
    }
}
