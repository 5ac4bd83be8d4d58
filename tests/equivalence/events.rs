//! Random events of a very small institution, as the facts they become.

use std::sync::{Arc, OnceLock};

use duecourse::codec::keys::Keys;
use duecourse::engine::base::{Currency, Fingerprint, Money, SpanMs, TimeMs, Token};
use duecourse::engine::disposition::{AppealRef, DispositionId};
use duecourse::engine::fact::{
    Channel, Essential, Fact, FactBody, Feed, HolderKind, OpeningStep, OtherParty, Product, Release, Side,
    TransferDetails, UsageKind,
};
use duecourse::engine::kept::HoldClass;
use duecourse::engine::lead::LeadRef;
use duecourse::engine::order::OrderName;
use duecourse::engine::subject::{Party, Subject, SubjectKind};

use super::dice::Dice;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum To {
    Partition(u32),
    All,
}

#[derive(Clone, Debug)]
pub struct Event {
    pub id: Fingerprint,
    pub facts: Vec<(To, Fact)>,
}

/// What has happened so far, for events that refer to others.
pub struct Town {
    pub partitions: u32,
    pub history: Vec<Event>,
    /// Appeal references that measures bore, and their holders.
    pub appeals: Vec<(AppealRef, Token)>,
    /// Appeals and requests for a human decision that were begun.
    pub cases: Vec<(AppealRef, Token)>,
    /// Measures that a person decided about.
    pub decided: Vec<(AppealRef, Token)>,
    /// Measures that were set, and their holders.
    pub measures: Vec<(DispositionId, Token)>,
    /// What was referred, and where its facts go.
    pub leads: Vec<(LeadRef, Subject)>,
    pub openings: Vec<(Token, Party, Product, HolderKind)>,
    /// Whether it holds data of abnormal customers.
    pub has_traces: bool,
    /// Corrections of authorisations, that are still to come.
    pub corrected: Vec<Event>,
    holdings: Vec<(Token, Party, Product)>,
    next_id: u64,
}

/// The keys that seal references and make ids.
pub fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(Keys::development)
}

/// Tokens that differ in all parts, and route to different partitions.
pub fn token(kind: SubjectKind, number: u64) -> Token {
    let seed = (kind as u64) << 32 | number;
    let low = Dice::new(seed).next();
    let high = Dice::new(seed ^ 0xabcd).next();
    Token(u128::from(high) << 64 | u128::from(low))
}

pub fn party(kind: SubjectKind, number: u64) -> Party {
    let subject = Subject::new(kind, token(kind, number));
    Party { subject, sealed: keys().seal(&format!("ref-{number}")) }
}

const HOLDERS: usize = 4;

impl Town {
    pub fn new(partitions: u32) -> Town {
        Town {
            partitions,
            history: Vec::new(),
            appeals: Vec::new(),
            cases: Vec::new(),
            decided: Vec::new(),
            measures: Vec::new(),
            leads: Vec::new(),
            openings: Vec::new(),
            has_traces: false,
            corrected: Vec::new(),
            holdings: Vec::new(),
            next_id: 1,
        }
    }

    fn fresh(&mut self) -> Fingerprint {
        self.next_id += 1;
        Fingerprint(Dice::new(self.next_id).next())
    }

    pub fn to(&self, subject: Token) -> To {
        To::Partition(subject.partition(self.partitions))
    }

    pub fn of_holder(&self, holder: Token, event: Fingerprint, at: TimeMs, body: FactBody) -> (To, Fact) {
        let route = Subject::new(SubjectKind::Holder, holder);
        (self.to(holder), Fact { event, at, route, body })
    }

    pub fn broadcast(&mut self, at: TimeMs, body: FactBody) -> Event {
        let id = self.fresh();
        let route = Subject::new(SubjectKind::Holder, Token(0));
        Event { id, facts: vec![(To::All, Fact { event: id, at, route, body })] }
    }

    pub fn activation(&mut self, at: TimeMs, bundle: &str, is_rollback: bool) -> Event {
        let release = Release { rollback: is_rollback.then(|| Arc::from("back")), ..Release::default() };
        self.broadcast(at, FactBody::RuleSetActivated { bundle: Arc::from(bundle), release })
    }

    /// Some event at a time; kept, so that later ones can refer to it.
    pub fn happen(&mut self, dice: &mut Dice, at: TimeMs) -> Event {
        let id = self.fresh();
        if dice.fork(0x35).chance(5) {
            let mut own = dice.fork(0x350);
            dice.next();
            let body = super::specials::said(&mut own, at);
            let event = self.broadcast(at, body);
            self.history.push(event.clone());
            return event;
        }
        if self.answers_lead(dice) {
            dice.next();
            let facts = self.lead_answer(dice, id, at);
            let event = Event { id, facts };
            self.history.push(event.clone());
            return event;
        }
        let facts = match dice.weighted(&[26, 8, 9, 20, 11, 4, 6, 10, 4, 5, 14, 16, 1, 3, 6, 6, 3, 11]) {
            0 => self.transfer(dice, id, at),
            1 => self.card_payment(dice, id, at),
            2 => self.card_usage(dice, id, at),
            3 => self.request(dice, id, at),
            4 => self.step(dice, id, at),
            5 => self.platform(dice, id, at),
            6 => self.appeal(dice, id, at),
            7 => self.correction(dice, id, at),
            9 => self.fraud(dice, id, at),
            10 => self.step_of_appeal(dice, id, at),
            11 => self.of_measure(dice, id, at),
            12 => self.sharing(dice, id, at),
            13 => self.settlement(dice, id, at),
            14 => self.hold(dice, id, at),
            15 => self.declaration(dice, id, at),
            16 => self.reseller(dice, id, at),
            17 => self.by_authority(dice, id, at),
            _ => {
                // An event heard of twice: the same id, perhaps with other contents.
                let mut again = self.history.get(self.history.len().wrapping_sub(1 + dice.below(8)));
                again = again.or(self.history.last());
                match again.cloned() {
                    Some(event) => return event,
                    None => self.transfer(dice, id, at),
                }
            }
        };
        let event = Event { id, facts };
        self.history.push(event.clone());
        event
    }

    pub fn holder(dice: &mut Dice) -> (u64, Token) {
        let number = dice.below(HOLDERS) as u64;
        (number, token(SubjectKind::Holder, number))
    }

    pub fn account(dice: &mut Dice, holder: u64) -> Party {
        party(SubjectKind::Account, holder * 10 + dice.below(2) as u64)
    }

    pub fn amount(dice: &mut Dice) -> Money {
        let currency = if dice.chance(93) { Currency::CNY } else { Currency::parse("USD").unwrap() };
        Money { minor: *dice.pick(&[0, 1, 50, 50, 100, 100, 300, 1000]), currency }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one fact")]
    pub fn met(
        &self,
        event: Fingerprint,
        at: TimeMs,
        feed: Feed,
        about: Subject,
        holder: Token,
        target: &Party,
        amount: Option<Money>,
    ) -> (To, Fact) {
        let body = FactBody::Met { feed, holder, target: target.clone(), amount };
        (self.to(about.token), Fact { event, at, route: about, body })
    }

    pub fn transfer(&mut self, dice: &mut Dice, id: Fingerprint, at: TimeMs) -> Vec<(To, Fact)> {
        let amount = Town::amount(dice);
        let (payer_number, payer) = Town::holder(dice);
        let (payee_number, payee) = Town::holder(dice);
        let from = Town::account(dice, payer_number);
        let to = Town::account(dice, payee_number);
        let outside =
            Subject::new(SubjectKind::Account, token(SubjectKind::Account, 900 + dice.below(3) as u64));
        let which = dice.below(4);
        let (payer_own, payee_own) = (which != 0, which != 1);
        let essential = if dice.chance(90) { Essential::No } else { *dice.pick(&Essential::ALL) };
        let details = TransferDetails { essential, ..Town::details(dice) };
        // Each side is told of the other when both are ours, unless the transfer is essential.
        let of_other = |holder: Token, account: &Party| {
            let is_told = payer_own && payee_own && essential == Essential::No;
            is_told.then(|| Box::new(OtherParty { holder, account: account.clone() }))
        };
        let mut facts = Vec::new();
        if payer_own {
            facts.extend(self.traced(id, at, payer, &from));
            let counterparty = if payee_own { to.subject.token } else { outside.token };
            let account = from.clone();
            let other_side = of_other(payee, &to);
            let side = Side::Payer;
            let body = FactBody::Transfer { side, account, counterparty, amount, details, other_side };
            facts.push(self.of_holder(payer, id, at, body));
        }
        if payee_own {
            let counterparty = if payer_own { from.subject.token } else { outside.token };
            let account = to;
            let other_side = of_other(payer, &from);
            let side = Side::Payee;
            let details = TransferDetails { balance_after: None, ..details };
            let body = FactBody::Transfer { side, account, counterparty, amount, details, other_side };
            facts.push(self.of_holder(payee, id, at, body));
        }
        if payer_own && dice.chance(50) {
            let device = Subject::new(SubjectKind::Device, token(SubjectKind::Device, dice.below(2) as u64));
            facts.push(self.met(id, at, Feed::TransferDevice, device, payer, &from, Some(amount)));
        }
        facts
    }

    pub fn details(dice: &mut Dice) -> TransferDetails {
        TransferDetails {
            channel: if dice.chance(50) { Channel::Unstated } else { *dice.pick(&Channel::ALL) },
            essential: Essential::No,
            to_bound_account: dice.chance(20),
            to_own_account: dice.chance(20),
            cash: dice.chance(20),
            strong_auth: dice.chance(20),
            remote_control: dice.chance(10),
            after_loan: dice.chance(10),
            balance_after: dice.chance(40).then(|| *dice.pick(&[0, 50, 100, 5_000])),
            agreed_daily_sum: dice.chance(20).then(|| *dice.pick(&[100, 500])),
        }
    }

    /// A transfer or payment that happened turns out to be part of a fraud.
    fn fraud(&mut self, dice: &mut Dice, id: Fingerprint, at: TimeMs) -> Vec<(To, Fact)> {
        let recent = self.history.len().saturating_sub(15);
        let paid: Vec<Fact> = self.history[recent..]
            .iter()
            .flat_map(|event| &event.facts)
            .map(|(_, fact)| fact)
            .filter(|fact| matches!(fact.body, FactBody::Transfer { .. } | FactBody::CardPayment { .. }))
            .cloned()
            .collect();
        if paid.is_empty() {
            return self.card_payment(dice, id, at);
        }
        let of = dice.pick(&paid);
        let holder = of.route.token;
        match &of.body {
            FactBody::Transfer { side, account, counterparty, amount, .. } => {
                let feed = match side {
                    Side::Payer => Feed::FraudConfirmedPayer,
                    Side::Payee => Feed::FraudConfirmedPayee,
                };
                let amount = dice.chance(80).then_some(*amount);
                let (account, other) = (account.clone(), *counterparty);
                vec![self.of_holder(
                    holder,
                    id,
                    at,
                    FactBody::FraudConfirmed { feed, account, other, amount },
                )]
            }
            FactBody::CardPayment { account, terminal, amount } => {
                let feed = Feed::FraudConfirmedPayer;
                let amount = dice.chance(80).then_some(*amount);
                let about = Subject::new(SubjectKind::Terminal, *terminal);
                let met = self.met(id, at, Feed::FraudConfirmedTerminal, about, holder, account, amount);
                let (account, other) = (account.clone(), *terminal);
                let body = FactBody::FraudConfirmed { feed, account, other, amount };
                vec![self.of_holder(holder, id, at, body), met]
            }
            _ => unreachable!("only transfers and payments were kept"),
        }
    }

    /// Records of somebody are to be held, or no more. Of one number there are two orders, by two issuers.
    fn hold(&mut self, dice: &mut Dice, id: Fingerprint, at: TimeMs) -> Vec<(To, Fact)> {
        let (_, holder) = Town::holder(dice);
        let number: Arc<str> = Arc::from(*dice.pick(&["one", "two"]));
        let issuer = Arc::from(if id.0.is_multiple_of(4) { "other" } else { "issuer" });
        let name = OrderName { issuer, number };
        let class = *dice.pick(&HoldClass::ALL);
        let until = at.plus(SpanMs(*dice.pick(&[-1, 0, 60_000, 400_000])));
        let body = match dice.chance(60) {
            true => FactBody::HoldOrdered { name, class, until },
            false => FactBody::HoldReleased { name },
        };
        vec![self.of_holder(holder, id, at, body)]
    }

    fn card_payment(&mut self, dice: &mut Dice, id: Fingerprint, at: TimeMs) -> Vec<(To, Fact)> {
        let (number, holder) = Town::holder(dice);
        let account = Town::account(dice, number);
        let amount = Town::amount(dice);
        let terminal =
            Subject::new(SubjectKind::Terminal, token(SubjectKind::Terminal, dice.below(2) as u64));
        let body = FactBody::CardPayment { account: account.clone(), terminal: terminal.token, amount };
        vec![
            self.of_holder(holder, id, at, body),
            self.met(id, at, Feed::CardPaymentTerminal, terminal, holder, &account, Some(amount)),
        ]
    }

    fn card_usage(&mut self, dice: &mut Dice, id: Fingerprint, at: TimeMs) -> Vec<(To, Fact)> {
        let (number, holder) = Town::holder(dice);
        let kind = if dice.chance(75) { SubjectKind::PhoneCard } else { SubjectKind::IotCard };
        let card = party(kind, number * 10 + dice.below(2) as u64);
        let usage = *dice.pick(&UsageKind::ALL);
        let peer = dice.chance(70).then(|| token(SubjectKind::PhoneNumber, dice.below(3) as u64));
        let device = Subject::new(SubjectKind::Device, token(SubjectKind::Device, dice.below(2) as u64));
        let open_mb = (number % 3 > 0).then_some(number as u32 % 4);
        let region = dice.chance(50).then(|| token(SubjectKind::Address, dice.below(2) as u64));
        let body =
            FactBody::CardUsage { card: card.clone(), device: device.token, usage, peer, open_mb, region };
        let mut facts: Vec<(To, Fact)> = self.traced(id, at, holder, &card).into_iter().collect();
        facts.push(self.of_holder(holder, id, at, body));
        facts.push(self.met(id, at, Feed::CardUsageDevice, device, holder, &card, None));
        facts
    }

    fn request(&mut self, dice: &mut Dice, id: Fingerprint, at: TimeMs) -> Vec<(To, Fact)> {
        let (number, holder) = Town::holder(dice);
        let product = *dice.pick(&[
            Product::PhoneCard,
            Product::PhoneCard,
            Product::BankAccountI,
            Product::BankAccountI,
            Product::BankAccountII,
            Product::PaymentAccountI,
            Product::IotCard,
        ]);
        let holder_kind = if dice.chance(92) { HolderKind::Person } else { HolderKind::Unit };
        let reused = dice.chance(6).then(|| self.openings.last().cloned()).flatten();
        let opening = match reused {
            Some((_, opening, ..)) => opening,
            None => party(SubjectKind::Opening, id.0),
        };
        self.openings.push((holder, opening.clone(), product, holder_kind));
        let step = OpeningStep::Requested;
        let identity_channels = dice.chance(50).then(|| dice.below(4) as u8);
        let mut own = dice.fork(0x351);
        let outlet = own.chance(60).then(|| token(SubjectKind::Outlet, own.below(2) as u64));
        let body = |co_holder| FactBody::Opening {
            step,
            opening: opening.clone(),
            holding: None,
            product,
            holder_kind,
            co_holder,
            identity_channels,
            outlet,
        };
        let mut facts = vec![self.of_holder(holder, id, at, body(false))];
        if dice.chance(12) {
            let co_holder = token(SubjectKind::Holder, (number + 1) % HOLDERS as u64);
            facts.push(self.of_holder(co_holder, id, at, body(true)));
        }
        let shared = [
            (Feed::OpeningRequestedLegalRepresentative, SubjectKind::LegalRepresentative),
            (Feed::OpeningRequestedAgent, SubjectKind::Agent),
            (Feed::OpeningRequestedDevice, SubjectKind::Device),
            (Feed::OpeningRequestedPhoneNumber, SubjectKind::PhoneNumber),
            (Feed::OpeningRequestedOutlet, SubjectKind::Outlet),
            (Feed::OpeningRequestedAddress, SubjectKind::Address),
        ];
        for (feed, kind) in shared {
            if dice.chance(35) {
                let about = Subject::new(kind, token(kind, dice.below(2) as u64));
                facts.push(self.met(id, at, feed, about, holder, &opening, None));
            }
        }
        facts
    }

    /// A step of an opening or holding that is mostly known.
    fn step(&mut self, dice: &mut Dice, id: Fingerprint, at: TimeMs) -> Vec<(To, Fact)> {
        use OpeningStep::{Abandoned, Changed, Closed, Opened, Stated};
        let step = *dice.pick(&[Opened, Opened, Abandoned, Closed, Closed, Changed, Stated]);
        let changed = *dice.pick(&[Product::BankAccountI, Product::BankAccountII, Product::PhoneCard]);
        let known_holding =
            !self.holdings.is_empty() && !matches!(step, OpeningStep::Opened | OpeningStep::Abandoned);
        let (holder, opening, holding, product) = if known_holding && dice.chance(70) {
            let (holder, holding, product) = dice.pick(&self.holdings).clone();
            let opening = party(SubjectKind::Opening, dice.next());
            (holder, opening, holding, product)
        } else if !self.openings.is_empty() && dice.chance(85) {
            let (holder, opening, product, _) = dice.pick(&self.openings).clone();
            let kind =
                if product == Product::PhoneCard { SubjectKind::PhoneCard } else { SubjectKind::Account };
            (holder, opening, party(kind, dice.below(45) as u64), product)
        } else {
            let (number, holder) = Town::holder(dice);
            let account = Town::account(dice, number);
            (holder, party(SubjectKind::Opening, dice.next()), account, changed)
        };
        let product = if step == OpeningStep::Changed { changed } else { product };
        if step != OpeningStep::Abandoned {
            self.holdings.push((holder, holding.clone(), product));
        }
        let holding = (step != OpeningStep::Abandoned || dice.chance(30)).then_some(holding);
        let co_holder = dice.chance(10);
        let holder_kind = HolderKind::Person;
        let body = FactBody::Opening {
            step,
            opening,
            holding,
            product,
            holder_kind,
            co_holder,
            identity_channels: None,
            outlet: None,
        };
        vec![self.of_holder(holder, id, at, body)]
    }

    fn platform(&mut self, dice: &mut Dice, id: Fingerprint, at: TimeMs) -> Vec<(To, Fact)> {
        if self.openings.is_empty() {
            return self.card_usage(dice, id, at);
        }
        let recent = self.openings.len().saturating_sub(4);
        let (holder, opening, product, _) = dice.pick(&self.openings[recent..]).clone();
        let product = if dice.chance(85) { product } else { Product::PhoneCard };
        let elsewhere_count = dice.below(4) as u32;
        let body = FactBody::HoldingsAnswered { opening: opening.subject.token, product, elsewhere_count };
        vec![self.of_holder(holder, id, at, body)]
    }
}
