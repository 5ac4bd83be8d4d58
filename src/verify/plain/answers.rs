//! Answers to requests to open: the first, the later ones, and how they end (S10).

use sha2::{Digest, Sha256};

use crate::engine::attributes::{Attributes, Field};
use crate::engine::base::{Money, TimeMs, Token};
use crate::engine::disposition::{Disposition, EndCause, Head, OpeningAccepted, ReservationLapsed};
use crate::engine::evidence::Evidence;
use crate::engine::fact::{FactBody, Feed, Product};
use crate::engine::ident::IdKind;
use crate::engine::input::Effect;
use crate::engine::measure::{Lane, MeasureKind};
use crate::engine::notice::RuleName;
use crate::engine::purpose::Purpose;
use crate::engine::rule::{Rule, Trigger};
use crate::engine::ruleset::RuleSet;
use crate::engine::subject::Party;

use super::measures::{Asked, Name};
use super::openings::{Adverse, Answer, Request};
use super::rules::Case;
use super::time::Timer;
use super::{Cause, Occasion, Plain, PlainError};

impl Plain {
    /// A request to open: recorded, answered, and its rules evaluated.
    pub(super) fn request(&mut self, occasion: Occasion, body: &FactBody) -> Result<(), PlainError> {
        let FactBody::Opening { opening, product, holder_kind, co_holder, identity_channels, outlet, .. } =
            body
        else {
            return Ok(());
        };
        let holder = occasion.route.token;
        let token = opening.subject.token;
        let assessed = self.is_assessed(holder, token);
        if self.openings_mut(holder).place_of(token).is_some() {
            return Ok(());
        }
        // Before the first activation a request is noted and never answered.
        let rules = self.rules.clone();
        let is_published = self.is_live && !co_holder && rules.is_some();
        // What is not answered to anybody keeps a slot as if accepted.
        let kept = rules.as_ref().filter(|_| !is_published).map(|rules| rules.settings.reservation_for);
        let request = Request {
            opening: opening.clone(),
            product: *product,
            holder_kind: *holder_kind,
            identity_channels: *identity_channels,
            event: occasion.source,
            at: occasion.at,
            is_published,
            answer: Answer::Accepted,
            reserved_until: kept.map(|span| occasion.at.plus(span)),
            reserved_by: None,
            lapsed: false,
        };
        // It lapses unpublished; but an event that is corrected after going live may find the timer set.
        if let Some(until) = request.reserved_until {
            self.set_timer(until, Timer::ReservationLapses { holder, opening: token });
        }
        let openings = self.openings_mut(holder);
        openings.requests.push(request);
        let (Some(rules), false) = (rules, *co_holder) else { return Ok(()) };
        let place = openings.requests.len() - 1;
        if self.refuse_to_listed(holder, place, (opening, *product), occasion.at)? {
            return Ok(());
        }
        let overruled = self.overruled_on(opening.subject, occasion.at);
        let openings = self.openings_mut(holder);
        let cause = Cause { event: occasion.event, at: occasion.at };
        let adverse = openings.by_limits(&rules, place, assessed, &overruled);
        let said = said_of_request(*product, *identity_channels);
        let said = self.with_holder(said, holder, *holder_kind, occasion.at);
        let asked = Case::of_opening(opening, holder, cause);
        let case = Case { said, source: occasion.source, place: *outlet, ..asked };

        if let Some(adverse) = adverse {
            return self.give_adverse(&rules, place, &adverse, case);
        }
        if is_published {
            self.reserve(holder, place, cause);
        }
        let fired = self.all_that_fire(&rules, Trigger::Feed(Feed::OpeningRequestedHolder), case);
        if !self.check_by_rules(fired, place, case)? && is_published {
            self.publish_acceptance(holder, place, cause);
        }
        Ok(())
    }

    /// Rules that fired on an opening: the first enforced one may check it further, the others
    /// enforced do nothing, those in shadow are observed. Gives whether one checks it.
    fn check_by_rules(
        &mut self,
        fired: Vec<(&Rule, Evidence)>,
        place: usize,
        case: Case<'_>,
    ) -> Result<bool, PlainError> {
        let mut is_checked = false;
        for (rule, evidence) in fired {
            if is_checked && self.is_enforced(rule) {
                continue;
            }
            if let Some(measure) = self.fire(rule, case, evidence)? {
                self.set_answer(case.holder, place, Answer::ByRule { measure });
                is_checked = true;
            }
        }
        Ok(is_checked)
    }

    /// Rules on a report about an opening: only while it is a pending acceptance; its slot stays.
    pub(super) fn evaluate_on_opening(&mut self, trigger: Trigger, case: Case<'_>) -> Result<(), PlainError> {
        let openings = self.openings_mut(case.holder);
        let Some(place) = openings.place_of(case.party.subject.token) else { return Ok(()) };
        let accepted = openings
            .requests
            .get(place)
            .filter(|request| matches!(request.answer, Answer::Accepted | Answer::AcceptedOnAppeal))
            .map(|request| (request.product, request.identity_channels, request.holder_kind, request.at));
        if let Some((product, channels, kind, asked_at)) = accepted
            && self.is_pending(case.holder, place)
        {
            let Some(rules) = self.rules.clone() else { return Ok(()) };
            let asked = said_of_request(product, channels);
            let asked = self.with_holder(asked, case.holder, kind, asked_at);
            let said = asked.with(Field::Amount, case.amount.and_then(Money::fen));
            let case = Case { said, ..case };
            let fired = self.all_that_fire(&rules, trigger, case);
            self.check_by_rules(fired, place, case)?;
        }
        Ok(())
    }

    fn all_that_fire<'a>(
        &self,
        rules: &'a RuleSet,
        trigger: Trigger,
        case: Case<'_>,
    ) -> Vec<(&'a Rule, Evidence)> {
        let fires = |rule: &'a Rule| Some((rule, self.fires(rules, rule, trigger, case)?));
        rules.rules.iter().filter_map(fires).collect()
    }

    /// After any change to a holder's openings (S10, second paragraph).
    pub(super) fn answer_again(&mut self, holder: Token, cause: Cause) -> Result<(), PlainError> {
        let Some(rules) = self.rules.clone() else { return Ok(()) };
        let order = self.openings_mut(holder).requests_in_order();
        for (at, place) in &order {
            let openings = self.openings_mut(holder);
            let Some(request) = openings.requests.get(*place) else { continue };
            let standing = request.measure();
            let is_settled = openings.is_settled(request.opening.subject.token, TimeMs(i64::MAX));
            if let Some(id) = standing.filter(|_| is_settled)
                && self.stands(id)
            {
                self.end_measure(id, EndCause::OpeningSettled, cause.not_before(*at), None);
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
        let Some(request) = self.openings_mut(holder).requests.get(place).cloned() else { return Ok(()) };
        let assessed = self.is_assessed(holder, request.opening.subject.token);
        let overruled = self.overruled_on(request.opening.subject, request.at);
        let adverse = self.openings_mut(holder).by_limits(rules, place, assessed, &overruled);
        let case = Case::of_opening(&request.opening, holder, cause);
        match (&request.answer, adverse) {
            (Answer::Accepted, Some(harsher)) => {
                // Never a refusal after an acceptance, now or later (D23).
                let kind = MeasureKind::OpeningCheckFurther;
                let check = Adverse { kind, wants_platform: false, ..harsher };
                self.give_adverse(rules, place, &check, case)?;
            }
            (Answer::ByLimit { .. }, None) => {
                self.supersede(&request, cause);
                self.accept(holder, place, cause, Answer::Accepted);
            }
            (Answer::ByLimit { kind, measure, wants_platform }, Some(adverse)) => {
                let is_milder = adverse.kind < *kind;
                let platform_came = *wants_platform && !adverse.wants_platform;
                if is_milder || (platform_came && adverse.kind > *kind) {
                    self.supersede(&request, cause);
                    self.give_adverse(rules, place, &adverse, case)?;
                } else if platform_came {
                    let answer = Answer::ByLimit { kind: *kind, measure: *measure, wants_platform: false };
                    self.set_answer(holder, place, answer);
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
        case: Case<'_>,
    ) -> Result<(), PlainError> {
        let asked = Asked::by_limit(adverse, rules.settings.answer_for);
        let strength_millionths = adverse.count.as_ref().map_or(1_000_000, |count| {
            let total = u64::from(count.held) + u64::from(count.elsewhere.unwrap_or(0));
            (total + 1) * 1_000_000 / u64::from(count.count_max.max(1))
        });
        let evidence = Evidence {
            count: adverse.count.clone(),
            digest: Sha256::digest([]).into(),
            strength_millionths,
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
        self.set_answer(holder, place, answer);
        self.reserve(holder, place, cause);
        self.publish_acceptance(holder, place, cause);
    }

    fn publish_acceptance(&mut self, holder: Token, place: usize, cause: Cause) {
        let Some(request) = self.openings_mut(holder).requests.get(place).cloned() else { return };
        let Some(reserved_until) = request.reserved_until else { return };
        let case = Case::of_opening(&request.opening, holder, cause);
        let head = self.opening_head(IdKind::Accepted, case);
        let accepted = OpeningAccepted { head, reserved_until };
        self.effects.push(Effect::Disposed(Box::new(Disposition::OpeningAccepted(accepted))));
    }

    fn set_answer(&mut self, holder: Token, place: usize, answer: Answer) {
        if let Some(request) = self.openings_mut(holder).requests.get_mut(place) {
            request.answer = answer;
        }
    }

    /// Keeps the slot of a request from the cause's time.
    fn reserve(&mut self, holder: Token, place: usize, cause: Cause) {
        let Some(rules) = self.rules.clone() else { return };
        let until = cause.at.plus(rules.settings.reservation_for);
        let Some(request) = self.openings_mut(holder).requests.get_mut(place) else { return };
        request.reserved_until = Some(until);
        request.reserved_by = Some(cause.event);
        let opening = request.opening.subject.token;
        self.set_timer(until, Timer::ReservationLapses { holder, opening });
    }

    /// The head of an acceptance or a lapse: it asks for nothing, so it names the request itself.
    fn opening_head(&self, kind: IdKind, case: Case<'_>) -> Head {
        let version = self.rules.as_ref().map_or(0, |rules| rules.version);
        let name = Name {
            rule: RuleName { id: "opening-request".to_owned(), version },
            lane: Lane::Limit,
            purpose: Purpose::SHARED_COUNT,
        };
        self.head(kind, &name, "", case)
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
        let Some(event) = request.reserved_by else { return };
        let party = request.opening.clone();
        let case = Case::of_opening(&party, holder, Cause { event, at: due });
        let head = self.opening_head(IdKind::Lapsed, case);
        let lapsed = Disposition::ReservationLapsed(ReservationLapsed { head });
        self.effects.push(Effect::Disposed(Box::new(lapsed)));
        if let Some(id) = standing.filter(|id| self.stands(*id)) {
            let cause = Cause { event, at: due };
            self.end_measure(id, EndCause::OpeningSettled, cause, None);
        }
    }
}

/// What conditions may read of a request.
fn said_of_request(product: Product, identity_channels: Option<u8>) -> Attributes {
    Attributes::default()
        .with(Field::Product, Some(product as i64))
        .with(Field::IdentityChannels, identity_channels.map(i64::from))
}

impl<'a> Case<'a> {
    pub(super) fn of_opening(opening: &'a Party, holder: Token, cause: Cause) -> Case<'a> {
        Case {
            event: cause.event,
            source: cause.event,
            at: cause.at,
            holder,
            party: opening,
            other: None,
            place: None,
            amount: None,
            said: Attributes::default(),
        }
    }
}

impl Cause {
    pub(super) fn not_before(self, at: TimeMs) -> Cause {
        Cause { at: self.at.max(at), ..self }
    }
}
