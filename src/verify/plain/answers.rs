//! Answers to requests to open: the first, the later ones, and how they end (S10).

use sha2::{Digest, Sha256};

use crate::engine::base::{TimeMs, Token};
use crate::engine::disposition::{Disposition, EndCause, Head, OpeningAccepted, ReservationLapsed};
use crate::engine::evidence::Evidence;
use crate::engine::fact::{FactBody, Feed};
use crate::engine::ident::IdKind;
use crate::engine::input::Effect;
use crate::engine::measure::{Lane, MeasureKind};
use crate::engine::notice::RuleName;
use crate::engine::purpose::Purpose;
use crate::engine::rule::{Rule, Trigger};
use crate::engine::ruleset::RuleSet;

use super::measures::Asked;
use super::openings::{Adverse, Answer, Request};
use super::rules::Case;
use super::time::Timer;
use super::{Cause, Occasion, Plain, PlainError};

impl Plain {
    /// A request to open: recorded, answered, and its rules evaluated.
    pub(super) fn request(&mut self, occasion: Occasion, body: &FactBody) -> Result<(), PlainError> {
        let FactBody::Opening { opening, product, holder_kind, co_holder, .. } = body else { return Ok(()) };
        let Some(rules) = self.rules.clone() else { return Ok(()) };
        let holder = occasion.route.token;
        let token = opening.subject.token;
        if self.openings_mut(holder).place_of(token).is_some() {
            return Ok(());
        }
        let is_published = self.is_live && !co_holder;
        let reserved_until = (!is_published).then(|| occasion.at.plus(self.reservation_for()));
        let request = Request {
            opening: opening.clone(),
            product: *product,
            holder_kind: *holder_kind,
            co_holder: *co_holder,
            event: occasion.event,
            at: occasion.at,
            is_published,
            answer: Answer::Accepted,
            reserved_until,
            accepted: None,
            lapsed: false,
        };
        let openings = self.openings_mut(holder);
        openings.requests.push(request.clone());
        if *co_holder {
            return Ok(());
        }
        let place = openings.requests.len() - 1;
        let case =
            Case { event: occasion.event, at: occasion.at, holder, party: opening, other: None, amount: 0 };
        let adverse = openings.by_limits(&rules, place);

        let trigger = Trigger::Feed(Feed::OpeningRequestedHolder);
        let mut fired: Vec<(&Rule, Evidence)> = Vec::new();
        for rule in &rules.rules {
            if let Some(evidence) = self.fires(&rules, rule, trigger, case) {
                fired.push((rule, evidence));
            }
        }
        let enforced = fired.iter().position(|(rule, _)| self.is_enforced(rule));

        match (adverse, enforced) {
            (Some(adverse), _) => {
                let purpose = self.answer_purpose(&rules, holder, place);
                self.give_adverse(&rules, place, &adverse, purpose, case)?;
            }
            (None, Some(first)) => {
                if let Some((rule, evidence)) = fired.get(first) {
                    let measure = self.fire(rule, case, evidence.clone())?;
                    self.set_answer(holder, place, Answer::ByRule { measure });
                }
            }
            (None, None) if is_published => self.accept(holder, place, Cause::of(case), Answer::Accepted),
            (None, None) => {}
        }
        for (rule, evidence) in fired {
            if !self.is_enforced(rule) {
                self.observe_firing(rule, case, evidence);
            }
        }
        Ok(())
    }

    /// An enforced rule on a report may turn a pending acceptance into check further; the slot stays.
    pub(super) fn fire_on_opening(
        &mut self,
        rule: &Rule,
        case: Case<'_>,
        evidence: Evidence,
    ) -> Result<(), PlainError> {
        if !self.is_enforced(rule) {
            self.observe_firing(rule, case, evidence);
            return Ok(());
        }
        let place = self.openings_mut(case.holder).place_of(case.party.subject.token);
        let Some(place) = place.filter(|place| self.is_pending(case.holder, *place)) else {
            return Ok(());
        };
        let request = self.openings_mut(case.holder).requests.get(place);
        if request
            .is_some_and(|request| matches!(request.answer, Answer::Accepted | Answer::AcceptedOnAppeal))
        {
            let measure = self.fire(rule, case, evidence)?;
            self.set_answer(case.holder, place, Answer::ByRule { measure });
        }
        Ok(())
    }

    /// After any change to a holder's openings (S10, second paragraph).
    pub(super) fn answer_again(&mut self, holder: Token, cause: Cause) -> Result<(), PlainError> {
        let Some(rules) = self.rules.clone() else { return Ok(()) };
        let order = self.openings_mut(holder).requests_in_order();
        for (at, place) in &order {
            let openings = self.openings_mut(holder);
            let Some(request) = openings.requests.get(*place) else { continue };
            let standing = request.measure();
            if let (Some(id), true) =
                (standing, openings.is_settled(request.opening.subject.token, TimeMs(i64::MAX)))
            {
                if self.stands(id) {
                    self.end_measure(id, EndCause::OpeningSettled, cause.not_before(*at), None);
                }
            }
        }
        for (at, place) in &order {
            if self.is_pending(holder, *place) {
                self.answer_one_again(&rules, holder, *place, cause.not_before(*at))?;
            }
        }
        Ok(())
    }

    fn answer_one_again(
        &mut self,
        rules: &RuleSet,
        holder: Token,
        place: usize,
        cause: Cause,
    ) -> Result<(), PlainError> {
        let purpose = self.answer_purpose(rules, holder, place);
        let openings = self.openings_mut(holder);
        let adverse = openings.by_limits(rules, place);
        let Some(request) = openings.requests.get(place).cloned() else { return Ok(()) };
        let case = Case {
            event: cause.event,
            at: cause.at,
            holder,
            party: &request.opening,
            other: None,
            amount: 0,
        };
        match (&request.answer, adverse) {
            (Answer::Accepted, Some(harsher)) => {
                let check = Adverse { kind: MeasureKind::OpeningCheckFurther, ..harsher };
                self.give_adverse(rules, place, &check, purpose, case)?;
            }
            (Answer::ByLimit { .. }, None) => {
                self.supersede(&request, cause);
                self.accept(holder, place, cause, Answer::Accepted);
            }
            (Answer::ByLimit { kind, wants_platform, .. }, Some(adverse)) => {
                let is_milder = adverse.kind < *kind;
                let may_refuse = *wants_platform && adverse.kind > *kind;
                if is_milder || may_refuse {
                    self.supersede(&request, cause);
                    self.give_adverse(rules, place, &adverse, purpose, case)?;
                }
            }
            (Answer::Accepted, None) | (Answer::AcceptedOnAppeal | Answer::ByRule { .. }, _) => {}
        }
        Ok(())
    }

    /// Not opened, not abandoned, not lapsed, and answered to somebody.
    pub(super) fn is_pending(&self, holder: Token, place: usize) -> bool {
        let Some(openings) = self.holders.get(&holder) else { return false };
        openings.requests.get(place).is_some_and(|request| {
            let settled = openings.is_settled(request.opening.subject.token, TimeMs(i64::MAX));
            request.is_published && !request.lapsed && !settled
        })
    }

    /// Ends the answer of a request that another takes the place of, if it still stands.
    pub(super) fn supersede(&mut self, request: &Request, cause: Cause) {
        if let Some(id) = request.measure().filter(|id| self.stands(*id)) {
            self.end_measure(id, EndCause::Superseded, cause, None);
        }
    }

    /// Gives a limit's adverse answer, or shows it if the request came before go-live.
    fn give_adverse(
        &mut self,
        rules: &RuleSet,
        place: usize,
        adverse: &Adverse<'_>,
        purpose: Purpose,
        case: Case<'_>,
    ) -> Result<(), PlainError> {
        let asked = Asked::by_limit(adverse.limit, adverse.kind, purpose, rules.settings.answer_for);
        let total = u64::from(adverse.count.held) + u64::from(adverse.count.elsewhere.unwrap_or(0));
        let evidence = Evidence {
            count: Some(adverse.count.clone()),
            digest: Sha256::digest([]).into(),
            strength_millionths: (total + 1) * 1_000_000 / u64::from(adverse.count.count_max.max(1)),
            ..Evidence::default()
        };
        let is_published =
            self.openings_mut(case.holder).requests.get(place).is_some_and(|request| request.is_published);
        if !is_published {
            self.observe(&asked, case, evidence);
            return Ok(());
        }
        let measure = Some(self.set_measure(&asked, case, evidence)?);
        let wants_platform = adverse.wants_platform;
        let answer = Answer::ByLimit { kind: adverse.kind, measure, wants_platform };
        if let Some(request) = self.openings_mut(case.holder).requests.get_mut(place) {
            request.answer = answer;
            request.reserved_until = None;
        }
        Ok(())
    }

    /// Accepts a request and keeps its slot from the cause's time.
    pub(super) fn accept(&mut self, holder: Token, place: usize, cause: Cause, answer: Answer) {
        let Some(rules) = self.rules.clone() else { return };
        let purpose = self.answer_purpose(&rules, holder, place);
        let reserved_until = cause.at.plus(rules.settings.reservation_for);
        let Some(request) = self.holders.get(&holder).and_then(|openings| openings.requests.get(place))
        else {
            return;
        };
        let rule = RuleName { id: "opening-request".to_owned(), version: rules.version };
        let party = request.opening.clone();
        let opening = party.subject;
        let id = self.identity.id_key.disposition(
            IdKind::Accepted,
            &rule,
            opening,
            cause.event,
            cause.at,
            "opening_accepted",
        );
        let (event, at) = (cause.event, cause.at);
        let head = Head { id, lane: Lane::Limit, rule, party, holder, event, at, purpose };
        if let Some(request) = self.openings_mut(holder).requests.get_mut(place) {
            request.answer = answer;
            request.reserved_until = Some(reserved_until);
            request.accepted = Some(head.clone());
        }
        let accepted = OpeningAccepted { head, reserved_until };
        self.effects.push(Effect::Disposed(Box::new(Disposition::OpeningAccepted(accepted))));
        self.set_timer(reserved_until, Timer::ReservationLapses { holder, opening: opening.token });
    }

    /// A reservation ran out: the slot is free again, and what was asked is settled.
    pub(super) fn lapse(&mut self, holder: Token, opening: Token, due: TimeMs) {
        let Some(place) = self.openings_mut(holder).place_of(opening) else { return };
        if !self.is_pending(holder, place) {
            return;
        }
        let Some(request) = self.openings_mut(holder).requests.get_mut(place) else { return };
        if request.reserved_until != Some(due) {
            return;
        }
        request.lapsed = true;
        let standing = request.measure();
        let Some(accepted) = request.accepted.clone() else { return };
        let head = self.head_after(IdKind::Lapsed, &accepted, accepted.event, due, "reservation_lapsed");
        let lapsed = Disposition::ReservationLapsed(ReservationLapsed { head });
        self.effects.push(Effect::Disposed(Box::new(lapsed)));
        if let Some(id) = standing.filter(|id| self.stands(*id)) {
            let cause = Cause { event: accepted.event, at: due };
            self.end_measure(id, EndCause::OpeningSettled, cause, None);
        }
    }

    fn set_answer(&mut self, holder: Token, place: usize, answer: Answer) {
        if let Some(request) = self.openings_mut(holder).requests.get_mut(place) {
            request.answer = answer;
        }
    }

    /// Anti-fraud, and as strict as the platform's count where a limit reads it.
    fn answer_purpose(&self, rules: &RuleSet, holder: Token, place: usize) -> Purpose {
        let reads_platform = self.holders.get(&holder).is_some_and(|openings| {
            openings.requests.get(place).is_some_and(|request| openings.reads_platform(rules, request))
        });
        let own = Purpose::ANTI_FRAUD;
        if reads_platform { own.join(Purpose::SHARED_COUNT) } else { own }
    }
}

impl Cause {
    fn of(case: Case<'_>) -> Cause {
        Cause { event: case.event, at: case.at }
    }

    fn not_before(self, at: TimeMs) -> Cause {
        Cause { at: self.at.max(at), ..self }
    }
}
