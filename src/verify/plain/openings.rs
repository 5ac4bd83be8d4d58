//! What a holder has and has asked for, and how much of it a limit counts (S10).

use crate::engine::base::{Fingerprint, TimeMs, Token};
use crate::engine::disposition::DispositionId;
use crate::engine::evidence::CountEvidence;
use crate::engine::fact::{HolderKind, OpeningStep, Product};
use crate::engine::limit::{Demand, Limit, LimitForce, SharedCount};
use crate::engine::measure::MeasureKind;
use crate::engine::ruleset::RuleSet;
use crate::engine::subject::{Party, SealedRef, Subject};

use super::appeals::Override;
use super::retention::{Class, is_of_opening};
use super::{Occasion, Plain};

/// All that has been heard of one holder's openings.
#[derive(Default)]
pub(super) struct Openings {
    /// Steps that are not requests, in order of application.
    pub steps: Vec<Step>,
    /// In order of application.
    pub requests: Vec<Request>,
    /// The lawful platform's answers, in order of application.
    pub answers: Vec<PlatformAnswer>,
}

pub(super) struct Step {
    pub kind: OpeningStep,
    pub opening: Token,
    pub holding: Subject,
    /// How the institution calls the holding.
    pub sealed: SealedRef,
    pub product: Product,
    /// Under rules of earlier semantics nobody noted it.
    pub holder_kind: Option<HolderKind>,
    pub at: TimeMs,
    pub event: Fingerprint,
    /// Whether it still tells something of its opening, and of its holding: each is forgotten by itself.
    pub is_of_opening: bool,
    pub is_of_holding: bool,
}

pub(super) struct PlatformAnswer {
    pub opening: Token,
    pub product: Product,
    pub elsewhere_count: u32,
    pub at: TimeMs,
    pub event: Fingerprint,
}

/// A request to open, and the answer it has now.
#[derive(Clone)]
pub(super) struct Request {
    pub opening: Party,
    pub product: Product,
    pub holder_kind: HolderKind,
    pub event: Fingerprint,
    pub at: TimeMs,
    pub identity_channels: Option<u8>,
    /// Whether it was answered to somebody, or came before go-live and was only observed.
    pub is_published: bool,
    pub answer: Answer,
    /// Its slot is kept until then.
    pub reserved_until: Option<TimeMs>,
    /// The event by which the slot is kept; none while nothing of it is published.
    pub reserved_by: Option<Fingerprint>,
    pub lapsed: bool,
}

/// The present answer to a request.
#[derive(Clone)]
pub(super) enum Answer {
    Accepted,
    AcceptedOnAppeal,
    ByLimit { kind: MeasureKind, measure: Option<DispositionId>, wants_platform: bool },
    ByRule { measure: DispositionId },
}

impl Request {
    pub fn measure(&self) -> Option<DispositionId> {
        match self.answer {
            Answer::ByLimit { measure, .. } => measure,
            Answer::ByRule { measure } => Some(measure),
            Answer::Accepted | Answer::AcceptedOnAppeal => None,
        }
    }

    pub fn answered_by(&self, measure: DispositionId) -> bool {
        self.measure() == Some(measure)
    }
}

/// An adverse answer that a limit gives.
pub(super) struct Adverse<'a> {
    pub limit: &'a Limit,
    pub kind: MeasureKind,
    /// It is a check for want of the platform's answer, or of an assessment.
    pub wants_platform: bool,
    /// Key into the table of reasons.
    pub reason: &'a str,
    pub count: Option<CountEvidence>,
}

impl Openings {
    fn steps_of_holding(&self, holding: Subject) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(move |step| step.holding == holding && step.is_of_holding)
    }

    pub fn holdings(&self) -> Vec<Subject> {
        let mut holdings: Vec<Subject> =
            self.steps.iter().filter(|step| step.is_of_holding).map(|step| step.holding).collect();
        holdings.sort_unstable();
        holdings.dedup();
        holdings
    }

    /// When a holding was opened first; `None` if it was stated or its opening was never seen.
    pub fn opened_at(&self, holding: Subject) -> Option<TimeMs> {
        let is = |kind| move |step: &&Step| step.kind == kind;
        if self.steps_of_holding(holding).any(|step| step.kind == OpeningStep::Stated) {
            return None;
        }
        self.steps_of_holding(holding).filter(is(OpeningStep::Opened)).map(|step| step.at).min()
    }

    /// By the last of its steps until then; without one it has been open since ever, unless an
    /// opening of it is known.
    pub fn is_open(&self, holding: Subject, at: TimeMs) -> bool {
        let last = self
            .steps_of_holding(holding)
            .filter(|step| step.kind != OpeningStep::Changed && step.at <= at)
            .max_by_key(|step| step.at);
        match last {
            Some(step) => step.kind != OpeningStep::Closed,
            None => self.steps_of_holding(holding).all(|step| step.kind != OpeningStep::Opened),
        }
    }

    /// What is open at a time.
    pub fn open_at(&self, at: TimeMs) -> Vec<Subject> {
        self.holdings().into_iter().filter(|holding| self.is_open(*holding, at)).collect()
    }

    /// Closed by the last of its steps until then. One of which none is known is not.
    pub fn is_closed(&self, holding: Subject, at: TimeMs) -> bool {
        let known = |step: &&Step| step.kind != OpeningStep::Changed && step.at <= at;
        let last = self.steps_of_holding(holding).filter(known).max_by_key(|step| step.at);
        last.is_some_and(|step| step.kind == OpeningStep::Closed)
    }

    /// The first step of a kind.
    pub fn first_step(&self, holding: Subject, kind: OpeningStep) -> Option<TimeMs> {
        self.steps_of_holding(holding).filter(|step| step.kind == kind).map(|step| step.at).min()
    }

    /// By the last step until then that tells it, else by its first step.
    pub fn product(&self, holding: Subject, at: TimeMs) -> Option<Product> {
        self.telling(holding, at).map(|step| step.product)
    }

    /// Who has it at a time.
    pub fn holder_kind(&self, holding: Subject, at: TimeMs) -> Option<HolderKind> {
        self.telling(holding, at).and_then(|step| step.holder_kind)
    }

    /// The step that says of a holding what it is at a time.
    fn telling(&self, holding: Subject, at: TimeMs) -> Option<&Step> {
        // Of equal times the later applied: `max_by_key` gives the last of equals.
        let told = self
            .steps_of_holding(holding)
            .filter(|step| step.kind != OpeningStep::Closed && step.at <= at)
            .max_by_key(|step| step.at);
        told.or(self.steps_of_holding(holding).next())
    }

    /// Whether an opening was opened or abandoned at or before a time.
    pub fn is_settled(&self, opening: Token, at: TimeMs) -> bool {
        self.steps.iter().any(|step| step.opening == opening && step.is_of_opening && step.at <= at)
    }

    /// Places of the requests in order: by request time, then application.
    pub fn requests_in_order(&self) -> Vec<(TimeMs, usize)> {
        let mut order: Vec<(TimeMs, usize)> =
            self.requests.iter().enumerate().map(|(place, request)| (request.at, place)).collect();
        order.sort_unstable();
        order
    }

    pub fn place_of(&self, opening: Token) -> Option<usize> {
        self.requests.iter().position(|request| request.opening.subject.token == opening)
    }

    /// How many a limit counts at the time of the request in that place, without this one.
    fn held(&self, limit: &Limit, place: usize) -> u32 {
        let Some(asking) = self.requests.get(place) else { return 0 };
        let at = asking.at;
        let is_counted = |product: Option<Product>| product.is_some_and(|p| limit.products.contains(&p));
        let holdings = self
            .holdings()
            .into_iter()
            .filter(|holding| self.is_open(*holding, at) && is_counted(self.product(*holding, at)))
            .count();
        let reserved = self
            .requests
            .iter()
            .enumerate()
            .filter(|(other, request)| (request.at, *other) < (at, place))
            .filter(|(_, request)| is_counted(Some(request.product)))
            .filter(|(_, request)| request.reserved_until.is_some_and(|until| at < until))
            .filter(|(_, request)| !self.is_settled(request.opening.subject.token, at))
            .count();
        u32::try_from(holdings + reserved).unwrap_or(u32::MAX)
    }

    /// The platform's count for an opening: the last answer for each product of the limit, summed.
    fn elsewhere(&self, limit: &Limit, opening: Token) -> Option<u32> {
        let last_of = |product: &Product| {
            let answers = self.answers.iter().filter(|a| a.opening == opening && a.product == *product);
            answers.max_by_key(|answer| answer.at).map(|answer| answer.elsewhere_count)
        };
        let answered: Vec<u32> = limit.products.iter().filter_map(last_of).collect();
        (!answered.is_empty()).then(|| answered.iter().fold(0u32, |sum, count| sum.saturating_add(*count)))
    }

    fn applicable<'a>(&self, rules: &'a RuleSet, request: &Request) -> Vec<&'a Limit> {
        let applies = |limit: &&Limit| {
            let is_person = request.holder_kind == HolderKind::Person;
            (is_person || matches!(limit.demand, Demand::Assessment { .. }))
                && limit.products.contains(&request.product)
                && limit.effective_from <= request.at
                && limit.effective_to.is_none_or(|to| request.at < to)
        };
        rules.limits.iter().filter(applies).collect()
    }

    /// What a limit answers to the request in a place; `None` is accept. `assessed` is how its last
    /// assessment came out.
    fn by_limit<'a>(&self, limit: &'a Limit, place: usize, assessed: Option<bool>) -> Option<Adverse<'a>> {
        let request = self.requests.get(place)?;
        let full = match limit.force {
            LimitForce::Refuse => MeasureKind::OpeningRefuse,
            LimitForce::CheckFurther => MeasureKind::OpeningCheckFurther,
        };
        let adverse = |kind, wants_platform, reason: &'a str, count| {
            Some(Adverse { limit, kind, wants_platform, reason, count })
        };
        let check = MeasureKind::OpeningCheckFurther;
        match &limit.demand {
            Demand::Assessment { reason_missing } => match assessed {
                Some(true) => None,
                Some(false) => adverse(full, false, &limit.reason, None),
                None => adverse(check, true, reason_missing, None),
            },
            Demand::Count { max, shared } => {
                let held = self.held(limit, place);
                let elsewhere = match shared {
                    SharedCount::NotNeeded => None,
                    SharedCount::Needed => self.elsewhere(limit, request.opening.subject.token),
                };
                let count = Some(CountEvidence { held, elsewhere, count_max: *max });
                if *shared == SharedCount::Needed && elsewhere.is_none() {
                    return adverse(check, true, &limit.reason, count);
                }
                let total = held.saturating_add(elsewhere.unwrap_or(0)).saturating_add(1);
                if total > *max { adverse(full, false, &limit.reason, count) } else { None }
            }
        }
    }

    /// What the limits answer to the request in a place, as of its own time: the severest, by the
    /// first limit; `None` is accept. Those of `overruled` were appealed against and say nothing.
    pub fn by_limits<'a>(
        &self,
        rules: &'a RuleSet,
        place: usize,
        assessed: Option<bool>,
        overruled: &[String],
    ) -> Option<Adverse<'a>> {
        let request = self.requests.get(place)?;
        let adverse = |limit: &'a Limit| self.by_limit(limit, place, assessed);
        let mut asked = self.applicable(rules, request);
        asked.retain(|limit| !overruled.contains(&limit.id));
        let all: Vec<Adverse<'a>> = asked.into_iter().filter_map(adverse).collect();
        let severest = all.iter().map(|adverse| adverse.kind).max()?;
        all.into_iter().find(|adverse| adverse.kind == severest)
    }
}

impl Plain {
    /// The limits (and rules) that an appeal keeps from a request of a time.
    pub(super) fn overruled_on(&self, opening: Subject, at: TimeMs) -> Vec<String> {
        let known = self.horizon(Class::Overrides);
        let keeps = |lifted: &&Override| at <= lifted.lift && at < lifted.until && lifted.until > known;
        let of_opening = self.overrides.iter().filter(|((_, party), _)| *party == opening);
        of_opening.filter(|(_, lifted)| keeps(lifted)).map(|((rule, _), _)| rule.clone()).collect()
    }

    pub(super) fn openings_mut(&mut self, holder: Token) -> &mut Openings {
        self.holders.entry(holder).or_default()
    }

    pub(super) fn note_step(
        &mut self,
        occasion: Occasion,
        kind: OpeningStep,
        opening: &Party,
        held: &Party,
        (product, kind_said): (Product, HolderKind),
    ) {
        let known = Step {
            kind,
            opening: opening.subject.token,
            holding: held.subject,
            sealed: held.sealed.clone(),
            product,
            holder_kind: self.rules.as_ref().and_then(|rules| (rules.semantics > 2).then_some(kind_said)),
            at: occasion.at,
            event: occasion.source,
            is_of_opening: is_of_opening(kind),
            is_of_holding: kind.is_of_holding(),
        };
        self.openings_mut(occasion.route.token).steps.push(known);
    }

    /// Whether a party of a holder was opened (not stated) at or after a time.
    pub(super) fn opened_since(&self, holder: Token, party: Subject, since: TimeMs) -> bool {
        let opened = self.holders.get(&holder).and_then(|openings| openings.opened_at(party));
        opened.is_some_and(|opened| since <= opened)
    }
}
