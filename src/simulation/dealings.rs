//! What customers and authorities say beside measures, as events of the source topic: answers to leads,
//! authorisations granted and taken back, special measures with an end, orders to hold what is kept.

use std::collections::BTreeSet;

use serde_json::Value;

use super::dice::Dice;
use super::events::{INSTITUTION, own, time};
use super::lives::{ISSUER, Said, signed};
use super::rules::SPECIAL;
use crate::codec::keys::Keys;
use crate::engine::subject::SubjectKind;

/// Devices of the simulated customers.
pub const DEVICES: u64 = 3;
/// Outlets where they ask for cards.
pub const OUTLETS: u64 = 2;

/// Something with an end that was said of a holder, or of an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Term {
    number: u64,
    holder: u64,
    until_ms: i64,
}

/// What was said so far and is not taken back.
#[derive(Debug, Default)]
pub struct Dealings {
    /// References of leads that were answered.
    answered: BTreeSet<String>,
    authorisations: Vec<Term>,
    specials: Vec<Term>,
    holds: Vec<Term>,
    at_crash: AtCrash,
    /// How many of what a crash had found undone were done afterwards.
    pub after: Undone,
}

#[derive(Debug, Default)]
struct AtCrash {
    leads: BTreeSet<String>,
    terms: BTreeSet<Term>,
}

/// Counts of what waits, stands or holds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Undone {
    pub leads: u64,
    pub authorisations: u64,
    pub specials: u64,
    pub holds: u64,
}

impl Dealings {
    /// Notes what is undone as a process dies, beside the leads that left until then.
    pub fn crash<'a>(&mut self, now_ms: i64, leads: impl Iterator<Item = &'a [u8]>) -> Undone {
        let waiting = leads.filter_map(|value| Referred::of(value).map(|lead| lead.reference));
        let waiting: Vec<String> = waiting.filter(|reference| !self.answered.contains(reference)).collect();
        let stand = |terms: &[Term]| -> Vec<Term> {
            terms.iter().filter(|term| now_ms < term.until_ms).copied().collect()
        };
        let all = [&self.authorisations, &self.specials, &self.holds].map(|terms| stand(terms));
        let [authorisations, specials, holds] = all.each_ref().map(|terms| terms.len() as u64);
        let leads = waiting.len() as u64;
        self.at_crash.leads.extend(waiting);
        self.at_crash.terms.extend(all.into_iter().flatten());
        Undone { leads, authorisations, specials, holds }
    }

    /// An authority answers a lead that was published, sometimes once more.
    pub fn answer(&mut self, lead: Option<Vec<u8>>, keys: &Keys, dice: &mut Dice) -> Option<Said> {
        let Referred { reference, about } = Referred::of(&lead?)?;
        let is_new = self.answered.insert(reference.clone());
        self.after.leads += u64::from(is_new && self.at_crash.leads.contains(&reference));
        let about = match about {
            About::Account { holder, reference } => {
                format!(r#""party":{}"#, own(holder, &reference, "account"))
            }
            About::Device { token } => {
                let is_it = |number: &u64| {
                    let bits = keys.token(SubjectKind::Device, &format!("d{number}")).0;
                    format!("{bits:032x}") == token
                };
                let device = (0..DEVICES).find(is_it)?;
                format!(r#""subject_kind":"device","subject":"d{device}""#)
            }
        };
        let outcome = dice.pick(&["confirmed", "not_confirmed", "no_action"]);
        let data = format!(
            r#"{{"institution":"{INSTITUTION}","lead_ref":"{reference}","outcome":"{outcome}",{about}}}"#
        );
        Some(("lead_answered", data))
    }

    /// Somebody opens a use of their data that serves themselves, or takes it back.
    pub fn authorise(&mut self, number: u64, at_ms: i64, dice: &mut Dice) -> Said {
        if let Some(Term { number, holder, .. }) = taken(&mut self.authorisations, dice, 2) {
            self.after.authorisations += self.was_at_crash(number);
            let party = own(holder, &format!("a{holder}"), "account");
            return ("authorisation_revoked", format!(r#"{{"party":{party},"number":"A{number}"}}"#));
        }
        let term = Term { number, holder: dice.below(6), until_ms: at_ms + dice.pick(&[10_000, 60_000]) };
        self.authorisations.push(term);
        let party = own(term.holder, &format!("a{}", term.holder), "account");
        let (purpose, until) = (dice.pick(&["victim", "victim", "protection"]), time(term.until_ms));
        let data = format!(
            r#"{{"party":{party},"number":"A{number}","purpose":"{purpose}","data":["location"],"until":"{until}"}}"#
        );
        ("authorisation_granted", data)
    }

    /// What the national mechanism approved for an area or a class of product, or its release.
    pub fn special(&mut self, number: u64, at_ms: i64, dice: &mut Dice) -> Said {
        let named = |number: u64| {
            format!(r#""institution":"{INSTITUTION}","number":"S{number}","issuer":"{ISSUER}""#)
        };
        if let Some(Term { number, .. }) = taken(&mut self.specials, dice, 3) {
            self.after.specials += self.was_at_crash(number);
            return signed("special_measure_released", &format!("{{{},SIGNATURE}}", named(number)));
        }
        let start_ms = at_ms + dice.pick(&[-5_000, 0, 3_000]);
        let until_ms = start_ms + dice.pick(&[10_000, 30_000, 90_000]);
        self.specials.push(Term { number, holder: 0, until_ms });
        let reaches = match dice.below(2) {
            0 => format!(r#""outlets":["s{}"]"#, dice.below(OUTLETS)),
            _ => r#""products":["phone_card"]"#.to_owned(),
        };
        let (named, start, end) = (named(number), time(start_ms), time(until_ms));
        let data = format!(
            r#"{{{named},"level":"prefecture","approval":"G{number}","measure":"{SPECIAL}","start":"{start}","end":"{end}",{reaches},SIGNATURE}}"#
        );
        signed("special_measure_ordered", &data)
    }

    /// What is kept of somebody is held beyond its term, or no longer.
    pub fn hold(&mut self, number: u64, at_ms: i64, dice: &mut Dice) -> Said {
        if let Some(Term { number, holder, .. }) = taken(&mut self.holds, dice, 2) {
            self.after.holds += self.was_at_crash(number);
            let party = own(holder, &format!("a{holder}"), "account");
            let data = format!(r#"{{"party":{party},"number":"H{number}","issuer":"{ISSUER}",SIGNATURE}}"#);
            return signed("hold_released", &data);
        }
        let term = Term { number, holder: dice.below(6), until_ms: at_ms + dice.pick(&[10_000, 60_000]) };
        self.holds.push(term);
        let party = own(term.holder, &format!("a{}", term.holder), "account");
        let (class, until) = (dice.pick(&["all", "aml"]), time(term.until_ms));
        let data = format!(
            r#"{{"party":{party},"number":"H{number}","issuer":"{ISSUER}","class":"{class}","until":"{until}","basis":"b",SIGNATURE}}"#
        );
        signed("hold_ordered", &data)
    }

    fn was_at_crash(&self, number: u64) -> u64 {
        u64::from(self.at_crash.terms.iter().any(|term| term.number == number))
    }
}

/// Once in `sides` one of what stands is taken back.
fn taken(from: &mut Vec<Term>, dice: &mut Dice, sides: u64) -> Option<Term> {
    if from.is_empty() || !dice.once_in(sides) {
        return None;
    }
    let place = dice.below(from.len() as u64) as usize;
    Some(from.swap_remove(place))
}

/// A lead as it left.
struct Referred {
    reference: String,
    about: About,
}

enum About {
    Account { holder: u64, reference: String },
    Device { token: String },
}

impl Referred {
    /// Of a value of the topic `leads`; none of what became of one.
    fn of(value: &[u8]) -> Option<Referred> {
        let value: Value = serde_json::from_slice(value).ok()?;
        let text = |path: &str| value.pointer(path).and_then(Value::as_str);
        let about = match (text("/data/party/ref"), text("/data/subject/token")) {
            (Some(reference), _) => {
                let holder = reference.strip_prefix('a')?.parse().ok()?;
                About::Account { holder, reference: reference.to_owned() }
            }
            (None, Some(token)) => About::Device { token: token.to_owned() },
            (None, None) => return None,
        };
        Some(Referred { reference: text("/data/reference")?.to_owned(), about })
    }
}
