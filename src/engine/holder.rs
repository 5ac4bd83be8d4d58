//! What one holder has and has asked for: holdings, openings, standings (ARCHITECTURE S9, S10).

mod holding;

pub use holding::{Holding, Step};

use super::attributes::{Attributes, Field};
use super::authorisation::Traces;
use super::base::{Fingerprint, TimeMs, Token};
use super::declared::{Assessment, CardProfile, Declared};
use super::disposition::DispositionId;
use super::entry::EntryState;
use super::fact::{HolderKind, OpeningStep, Product};
use super::order::{OrderName, OrderState};
use super::report::Standing;
use super::subject::{Party, Subject, SubjectKind};

/// The state of one holder, apart from logs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holder {
    pub holdings: Vec<Holding>,
    pub openings: Vec<Opening>,
    /// The lawful platform's answers, in order of application.
    pub answers: Vec<PlatformAnswer>,
    pub standings: Vec<Standing>,
    /// What was declared of the holder and their cards; few have any.
    pub declared: Option<Box<Declared>>,
    /// Orders of authorities about the holder's accounts; few have any.
    pub authority: Option<Box<Authority>>,
    /// The open anomaly and the authorisations of the holder (S22); few have any.
    pub traces: Option<Box<Traces>>,
}

/// What authorities have laid down about one holder (S15).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authority {
    /// In the order in which they were first heard of.
    pub orders: Vec<OrderState>,
    /// In the order in which they were first heard of.
    pub entries: Vec<EntryState>,
    /// The phone line that is kept for a listed person.
    pub kept_line: Option<Subject>,
}

/// Which standing of a signal is asked for.
#[derive(Clone, Copy, Debug)]
pub struct AskedOf {
    /// About one subject only.
    pub of: Option<Token>,
    pub at: TimeMs,
    /// Told later than this, under an override.
    pub bound: Option<TimeMs>,
    /// What held until then or less long is forgotten.
    pub out: TimeMs,
}

/// How many of a product the person holds elsewhere, as answered for one opening (Art. 16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlatformAnswer {
    pub event: Fingerprint,
    pub opening: Token,
    pub product: Product,
    pub at: TimeMs,
    pub count: u32,
}

/// A request to open, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Token of the opening's own reference.
    pub token: Token,
    pub request: Option<Request>,
    /// Opened and abandoned steps.
    pub steps: Vec<Step>,
}

impl Opening {
    #[must_use]
    pub fn step_at(&self, step: OpeningStep) -> Option<TimeMs> {
        self.steps.iter().filter(|known| known.step == step).map(|known| known.at).min()
    }

    /// Opened or abandoned.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        !self.steps.is_empty()
    }

    /// Waits for its opening and may be answered again.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        !self.is_settled()
            && self.request.as_ref().is_some_and(|request| request.published && !request.lapsed)
    }

    /// Whether its slot is reserved at a time.
    #[must_use]
    pub fn is_reserved_at(&self, at: TimeMs) -> bool {
        let before = |time: Option<TimeMs>| time.is_none_or(|time| at < time);
        self.request.as_ref().and_then(|request| request.reserved_until).is_some_and(|until| at < until)
            && before(self.step_at(OpeningStep::Opened))
            && before(self.step_at(OpeningStep::Abandoned))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub party: Party,
    pub product: Product,
    pub holder_kind: HolderKind,
    /// Independent channels by which the identity was verified (law.md B9), if the event says.
    pub identity_channels: Option<u8>,
    pub at: TimeMs,
    /// Order of application among the holder's requests.
    pub order: u64,
    pub event: Fingerprint,
    pub answer: Answer,
    pub reserved_until: Option<TimeMs>,
    /// The event that reserved the slot.
    pub reserved_by: Fingerprint,
    pub lapsed: bool,
    /// Answered while live; others hold their slot and are not answered again.
    pub published: bool,
    /// Accepted on appeal: not answered again.
    pub on_appeal: bool,
}

/// The present answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Accepted,
    /// Checked or refused by a limit.
    ByLimit {
        severity: Severity,
        disposition: DispositionId,
        awaits_platform: bool,
    },
    /// Checked by a rule.
    ByRule {
        disposition: DispositionId,
    },
}

impl Answer {
    /// The disposition of an adverse answer.
    #[must_use]
    pub fn disposition(self) -> Option<DispositionId> {
        match self {
            Answer::Accepted => None,
            Answer::ByLimit { disposition, .. } | Answer::ByRule { disposition } => Some(disposition),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Accept,
    CheckFurther,
    Refuse,
}

impl Holder {
    #[must_use]
    pub fn opening(&self, token: Token) -> Option<&Opening> {
        self.openings.iter().find(|opening| opening.token == token)
    }

    pub fn opening_mut(&mut self, token: Token) -> Option<&mut Opening> {
        self.openings.iter_mut().find(|opening| opening.token == token)
    }

    /// The request of an opening, if it was heard of.
    pub fn request_mut(&mut self, token: Token) -> Option<&mut Request> {
        self.opening_mut(token)?.request.as_mut()
    }

    /// The opening with that token, made if it was not known.
    pub fn opening_or_new(&mut self, token: Token) -> &mut Opening {
        let place = match self.openings.iter().position(|opening| opening.token == token) {
            Some(place) => place,
            None => {
                self.openings.push(Opening { token, request: None, steps: Vec::new() });
                self.openings.len() - 1
            }
        };
        // The place was found or made just above.
        &mut self.openings[place]
    }

    /// What conditions may read of an account or card at a time besides the event: its class, and whose it is.
    #[must_use]
    pub fn said_of(holder: Option<&Holder>, subject: Subject, at: TimeMs, said: Attributes) -> Attributes {
        let its = |holding: &&Holding| holding.subject == subject;
        let told = holder.and_then(|holder| holder.holdings.iter().find(its)?.told_at(at));
        let kind = told.and_then(|told| told.holder_kind).map(HolderKind::code);
        said.with(Field::Product, told.map(|told| told.product as i64)).with(Field::PartyHolderKind, kind)
    }

    /// The accounts or cards of a kind that are held at a time, but for one.
    pub fn others_held(
        &self,
        kind: SubjectKind,
        but: Subject,
        at: TimeMs,
    ) -> impl Iterator<Item = Subject> + '_ {
        let held = self.holdings.iter().filter(move |holding| holding.subject.kind == kind);
        held.filter(move |holding| holding.subject != but && holding.is_open_at(at)).map(|h| h.subject)
    }

    /// Whether an account or card is known and not open at a time.
    #[must_use]
    pub fn is_closed_at(&self, subject: Subject, at: TimeMs) -> bool {
        let holding = self.holdings.iter().find(|holding| holding.subject == subject);
        holding.is_some_and(|holding| holding.is_closed_at(at))
    }

    /// Since when an account or card has been held, and whether its opening was seen: else it is older.
    #[must_use]
    pub fn held_since(&self, subject: Subject) -> Option<(TimeMs, bool)> {
        let holding = self.holdings.iter().find(|holding| holding.subject == subject)?;
        let stated = || holding.times(OpeningStep::Stated).min().map(|at| (at, false));
        holding.opened_at().map(|at| (at, true)).or_else(stated)
    }

    /// When an account or card was opened, if that was seen.
    #[must_use]
    pub fn opened_at(&self, subject: Subject) -> Option<TimeMs> {
        self.holdings.iter().find(|holding| holding.subject == subject)?.opened_at()
    }

    /// An order by the event that it was first heard of by.
    #[must_use]
    pub fn order(&self, heard: Fingerprint) -> Option<&OrderState> {
        self.authority.as_ref()?.orders.iter().find(|order| order.heard == heard)
    }

    pub fn order_mut(&mut self, heard: Fingerprint) -> Option<&mut OrderState> {
        self.authority.as_mut()?.orders.iter_mut().find(|order| order.heard == heard)
    }

    /// The event by which an order about a party was first heard of.
    #[must_use]
    pub fn order_named(&self, name: &OrderName, party: Subject) -> Option<Fingerprint> {
        let mut orders = self.authority.iter().flat_map(|authority| &authority.orders);
        orders.find(|order| order.name == *name && order.party.subject == party).map(|order| order.heard)
    }

    /// Notes a step of a holding.
    pub fn add_holding_step(&mut self, party: &Party, step: Step) {
        match self.holdings.iter_mut().find(|holding| holding.subject == party.subject) {
            Some(holding) => {
                holding.learn_reference(party);
                holding.steps.push(step);
            }
            None => {
                let (subject, sealed) = (party.subject, party.sealed.clone());
                self.holdings.push(Holding { subject, sealed, steps: vec![step] });
            }
        }
    }

    /// Notes the reference of a holding that is known without one; gives whether that was so.
    pub fn learn_reference(&mut self, party: &Party) -> bool {
        let holding = self.holdings.iter_mut().find(|holding| holding.subject == party.subject);
        holding.is_some_and(|holding| holding.learn_reference(party))
    }

    /// An entry by the event that it was first heard of by.
    #[must_use]
    pub fn entry(&self, heard: Fingerprint) -> Option<&EntryState> {
        self.authority.as_ref()?.entries.iter().find(|entry| entry.heard == heard)
    }

    pub fn entry_mut(&mut self, heard: Fingerprint) -> Option<&mut EntryState> {
        self.authority.as_mut()?.entries.iter_mut().find(|entry| entry.heard == heard)
    }

    /// The entries that act at a time, by the events that they were first heard of by.
    pub fn listed_at(&self, at: TimeMs) -> impl Iterator<Item = Fingerprint> + '_ {
        let entries = self.authority.iter().flat_map(|authority| &authority.entries);
        let acting = move |entry: &&EntryState| entry.listed.as_ref().is_some_and(|one| one.acts_at(at));
        entries.filter(acting).map(|entry| entry.heard)
    }

    /// The open anomaly and the authorisations, to be added to.
    pub fn traces_mut(&mut self) -> &mut Traces {
        self.traces.get_or_insert_default()
    }

    /// Lets go of the place for them when nothing stands there.
    pub fn trim_traces(&mut self) {
        self.traces.take_if(|traces| traces.is_empty());
    }

    /// Lets go of the line that was kept when no entry stands there, and of the place when nothing does.
    pub fn trim_authority(&mut self) {
        if let Some(authority) = self.authority.as_mut().filter(|authority| authority.entries.is_empty()) {
            authority.kept_line = None;
        }
        self.authority.take_if(|authority| **authority == Authority::default());
    }

    /// Whether the sharing of a phone number was explained: what is told of it counts no more (law.md B17).
    fn explains(&self, number: Token) -> bool {
        self.declared.as_ref().is_some_and(|declared| declared.explains(number))
    }

    /// What was declared, to be added to.
    pub fn declared_mut(&mut self) -> &mut Declared {
        self.declared.get_or_insert_default()
    }

    /// The agreed use of an IoT card as of a time.
    #[must_use]
    pub fn profile(&self, card: Subject, at: TimeMs) -> Option<&CardProfile> {
        self.declared.as_ref()?.profile(card, at)
    }

    /// The last assessment of a request.
    #[must_use]
    pub fn assessment(&self, opening: Token) -> Option<&Assessment> {
        self.declared.as_ref()?.assessment(opening)
    }

    /// Takes the steps and the platform's answers of an event out again.
    pub fn undo(&mut self, event: Fingerprint) {
        for holding in &mut self.holdings {
            holding.steps.retain(|step| step.event != event);
        }
        self.holdings.retain(|holding| !holding.steps.is_empty());
        for opening in &mut self.openings {
            opening.steps.retain(|step| step.event != event);
        }
        self.answers.retain(|answer| answer.event != event);
    }

    /// How many a limit counts at the time of a request: open holdings, and slots reserved by
    /// requests before it.
    #[must_use]
    pub fn count_held(&self, products: &[Product], at: TimeMs, order: u64) -> u32 {
        let open = self.holdings.iter().filter(|holding| {
            holding.is_open_at(at)
                && holding.product_at(at).is_some_and(|product| products.contains(&product))
        });
        let reserved = self.openings.iter().filter(|opening| {
            opening.request.as_ref().is_some_and(|request| {
                (request.at, request.order) < (at, order) && products.contains(&request.product)
            }) && opening.is_reserved_at(at)
        });
        // A person does not hold four thousand million accounts.
        (open.count() + reserved.count()) as u32
    }

    /// The platform's count for an opening: the sum over products of the last answer to each; `None`
    /// while no product was answered.
    #[must_use]
    pub fn elsewhere(&self, opening: Token, products: &[Product]) -> Option<u32> {
        let last = |product: &Product| {
            let of_product = self.answers.iter().filter(|a| a.opening == opening && a.product == *product);
            of_product.max_by_key(|answer| answer.at).map(|answer| answer.count)
        };
        products.iter().filter_map(last).reduce(u32::saturating_add)
    }

    /// Notes what is told: it takes the place of what was told of the same signal and subject. What holds
    /// no longer, and no event could come too late for, is forgotten first.
    pub fn stand(&mut self, told: Standing, forgotten: TimeMs) {
        let same = |known: &Standing| known.signal == told.signal && known.about == told.about;
        self.standings.retain(|known| known.until > forgotten);
        match self.standings.iter_mut().find(|known| same(known)) {
            Some(known) => *known = told,
            None => {
                // Most holders have one or two; a vector that grows by itself begins with room for four.
                self.standings.reserve_exact(self.standings.len() / 4 + 1);
                self.standings.push(told);
            }
        }
    }

    /// The largest value told of a signal that stands at a time; of one subject only, if that is given.
    #[must_use]
    pub fn standing(&self, signal: &str, asked: AskedOf) -> Option<&Standing> {
        let AskedOf { of, at, bound, out } = asked;
        self.standings
            .iter()
            .filter(|standing| standing.holds_at(at) && &*standing.signal == signal)
            .filter(|standing| standing.until > out)
            .filter(|standing| of.is_none_or(|of| standing.about.token == of))
            .filter(|standing| !self.explains(standing.about.token))
            .filter(|standing| bound.is_none_or(|bound| bound < standing.at))
            .max_by(|a, b| a.value.cmp(&b.value).then(std::cmp::Ordering::Greater))
    }
}
