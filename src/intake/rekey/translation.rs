//! How what one generation of the facts says is said in the next: tokens, fingerprints, references, names.

use std::cell::RefCell;
use std::sync::Arc;

use super::RekeyError;
use crate::codec::keys::Keys;
use crate::codec::keys::cache::Cache;
use crate::codec::keys::names::Names;
use crate::engine::appeal::AppealStep;
use crate::engine::base::Token;
use crate::engine::declared::{CardProfile, Owner};
use crate::engine::disposition::Disposition;
use crate::engine::fact::{Dated, Fact, FactBody, OtherParty};
use crate::engine::ident::IdKind;
use crate::engine::input::{Effect, FactsPack, FactsRecord, PackedFact};
use crate::engine::lead::LeadNews;
use crate::engine::order::OrderFact;
use crate::engine::report::{Report, ReportBody, Standing};
use crate::engine::special::{SpecialFact, SpecialSays, SpecialTerms};
use crate::engine::subject::{Party, Subject};

/// How what one generation says is said in the next.
pub struct Translation {
    pub(super) old: Arc<Keys>,
    pub(super) new: Arc<Keys>,
    pub(super) partitions: u32,
    /// How the measures of the old generation are called in the new one.
    names: Names,
    /// Hot tokens of the old generation with those of the new one: a permutation undone and another done cost up to
    /// thirty-two MACs on average.
    tokens: RefCell<Cache>,
}

impl Translation {
    /// Between two generations of a deployment with so many facts partitions.
    ///
    /// # Errors
    /// `OtherRoot`, `SameGeneration`; `OldKeyOfOthers` and `NewKeyOfOthers` where subjects would not stay in their
    /// partitions.
    pub fn new(old: Arc<Keys>, new: Arc<Keys>, partitions: u32) -> Result<Translation, RekeyError> {
        if !old.has_root_of(&new) {
            return Err(RekeyError::OtherRoot);
        }
        if old.check() == new.check() {
            return Err(RekeyError::SameGeneration);
        }
        let of_others = |keys: &Keys| keys.partitions().filter(|keeps| keeps.get() != partitions);
        if let Some(keeps) = of_others(&old) {
            return Err(RekeyError::OldKeyOfOthers { keeps, partitions });
        }
        if let Some(keeps) = of_others(&new) {
            return Err(RekeyError::NewKeyOfOthers { keeps, partitions });
        }
        let tokens = RefCell::new(Cache::new(old.cache_entries()));
        Ok(Translation { old, new, partitions, names: Names::default(), tokens })
    }

    /// Learns from what the old generation decided under which reference a measure is known in the new one.
    pub fn learn(&mut self, effect: &Effect) {
        let disposition = match effect {
            Effect::Disposed(disposition) => disposition,
            Effect::Lead(news) => return self.learn_lead(news),
            _ => return,
        };
        let Disposition::MeasureSet(set) = &**disposition else { return };
        let head = set.head();
        let party = self.subject(head.party.subject);
        let event = self.old.fingerprint_in(head.event, &self.new);
        let key = self.new.id_key();
        let id = key.disposition(IdKind::Set, &head.rule, party, event, head.at, set.measure().name());
        self.names.appeals.insert(set.notice().appeal.number(), key.appeal(id));
        self.names.measures.insert(head.id, id);
    }

    fn learn_lead(&mut self, news: &LeadNews) {
        let LeadNews::Sent(sent) = news else { return };
        let head = &sent.head;
        let party = self.subject(head.party.subject);
        let event = self.old.fingerprint_in(head.event, &self.new);
        let key = self.new.id_key();
        let kind = sent.referral.name();
        let id = key.disposition(IdKind::Referred, &head.rule, party, event, head.at, kind);
        self.names.leads.insert(sent.reference.number(), key.lead(id));
    }

    /// How the measures of the old generation are called in the new one.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    fn step(&self, step: &AppealStep) -> AppealStep {
        match step {
            AppealStep::Filed { reason, papers, evidence } => AppealStep::Filed {
                reason: *reason,
                papers: *papers,
                evidence: evidence.map(|one| self.old.fingerprint_in(one, &self.new)),
            },
            AppealStep::HumanDecided { decision, decider, reason } => AppealStep::HumanDecided {
                decision: *decision,
                decider: self.token(*decider),
                reason: reason.clone(),
            },
            AppealStep::Accepted
            | AppealStep::PapersAsked(_)
            | AppealStep::PapersGiven(_)
            | AppealStep::HumanRequested => step.clone(),
        }
    }

    fn token(&self, token: Token) -> Token {
        // What names nobody, and the tag of an empty place, stays.
        if token == Token::default() {
            return token;
        }
        self.tokens.borrow_mut().token(token.0, || self.old.token_in(token, &self.new))
    }

    fn subject(&self, subject: Subject) -> Subject {
        Subject::new(subject.kind, self.token(subject.token))
    }

    fn party(&self, party: &Party) -> Result<Party, RekeyError> {
        let sealed = match party.sealed.0.is_empty() {
            true => party.sealed.clone(),
            false => self.new.seal(&self.old.open(&party.sealed).ok_or(RekeyError::NotOpened)?),
        };
        Ok(Party { subject: self.subject(party.subject), sealed })
    }

    fn fact(&self, fact: &Fact) -> Result<Fact, RekeyError> {
        let event = self.old.fingerprint_in(fact.event, &self.new);
        Ok(Fact { event, at: fact.at, route: self.subject(fact.route), body: self.body(&fact.body)? })
    }

    /// A record of a partition: what its packs and reports say, each in its place.
    ///
    /// # Errors
    /// `NotOpened`.
    pub fn record(&self, record: &FactsRecord) -> Result<FactsRecord, RekeyError> {
        Ok(match record {
            FactsRecord::Facts(pack) => {
                let fact = |packed: &PackedFact| {
                    self.fact(&packed.fact).map(|fact| PackedFact { fact, ..packed.clone() })
                };
                let facts = pack.facts.iter().map(fact).collect::<Result<_, _>>()?;
                FactsRecord::Facts(FactsPack { version: pack.version, ranges: pack.ranges.clone(), facts })
            }
            FactsRecord::Reports(reports) => {
                let reports = reports.iter().map(|report| self.report(report)).collect::<Result<_, _>>()?;
                FactsRecord::Reports(reports)
            }
            FactsRecord::VersionAnnounced(_) | FactsRecord::SourceSkipped(_) => record.clone(),
        })
    }

    /// A report, from the same place of its origin.
    ///
    /// # Errors
    /// `NotOpened`.
    pub fn report(&self, report: &Report) -> Result<Report, RekeyError> {
        let event = |event| self.old.fingerprint_in(event, &self.new);
        let body = match &report.body {
            ReportBody::Standing(standing) => ReportBody::Standing(Standing {
                about: self.subject(standing.about),
                holder: self.token(standing.holder),
                target: self.party(&standing.target)?,
                event: event(standing.event),
                ..standing.clone()
            }),
            ReportBody::Fallen { signal, about, holder, event: of, at } => ReportBody::Fallen {
                signal: Arc::clone(signal),
                about: self.subject(*about),
                holder: self.token(*holder),
                event: event(*of),
                at: *at,
            },
            // What a rule did names nobody.
            ReportBody::RuleCounted { .. } | ReportBody::RuleTotalled { .. } => report.body.clone(),
        };
        Ok(Report { body, ..report.clone() })
    }

    fn dated(&self, dated: Option<&Dated>) -> Result<Option<Dated>, RekeyError> {
        let body = |dated: &Dated| Ok(Dated { at: dated.at, body: Box::new(self.body(&dated.body)?) });
        dated.map(body).transpose()
    }

    /// Every kind of body by name: one that is added must say here what of it is a token.
    fn body(&self, body: &FactBody) -> Result<FactBody, RekeyError> {
        Ok(match body {
            FactBody::Transfer { side, account, counterparty, amount, details, other_side } => {
                let other = |other: &OtherParty| -> Result<Box<OtherParty>, RekeyError> {
                    let holder = self.token(other.holder);
                    Ok(Box::new(OtherParty { holder, account: self.party(&other.account)? }))
                };
                FactBody::Transfer {
                    side: *side,
                    account: self.party(account)?,
                    counterparty: self.token(*counterparty),
                    amount: *amount,
                    details: *details,
                    other_side: other_side.as_deref().map(other).transpose()?,
                }
            }
            FactBody::CardPayment { account, terminal, amount } => FactBody::CardPayment {
                account: self.party(account)?,
                terminal: self.token(*terminal),
                amount: *amount,
            },
            FactBody::CardUsage { card, device, usage, peer, open_mb, region } => FactBody::CardUsage {
                card: self.party(card)?,
                device: self.token(*device),
                usage: *usage,
                peer: peer.map(|peer| self.token(peer)),
                open_mb: *open_mb,
                region: region.map(|region| self.token(region)),
            },
            FactBody::FraudConfirmed { feed, account, other, amount } => FactBody::FraudConfirmed {
                feed: *feed,
                account: self.party(account)?,
                other: self.token(*other),
                amount: *amount,
            },
            FactBody::Met { feed, holder, target, amount } => FactBody::Met {
                feed: *feed,
                holder: self.token(*holder),
                target: self.party(target)?,
                amount: *amount,
            },
            FactBody::Opening {
                step,
                opening,
                holding,
                product,
                holder_kind,
                co_holder,
                identity_channels,
                outlet,
            } => FactBody::Opening {
                outlet: outlet.map(|outlet| self.token(outlet)),
                step: *step,
                opening: self.party(opening)?,
                holding: holding.as_ref().map(|holding| self.party(holding)).transpose()?,
                product: *product,
                holder_kind: *holder_kind,
                co_holder: *co_holder,
                identity_channels: *identity_channels,
            },
            FactBody::HoldingsAnswered { opening, product, elsewhere_count } => FactBody::HoldingsAnswered {
                opening: self.token(*opening),
                product: *product,
                elsewhere_count: *elsewhere_count,
            },
            // One that names no measure names none in the new generation either.
            FactBody::AppealDecided { appeal, outcome, override_for, decider, reason } => {
                FactBody::AppealDecided {
                    appeal: self.names.appeal(*appeal),
                    outcome: *outcome,
                    override_for: *override_for,
                    decider: decider.map(|decider| self.token(decider)),
                    reason: reason.clone(),
                }
            }
            FactBody::Appeal { appeal, step } => {
                FactBody::Appeal { appeal: self.names.appeal(*appeal), step: self.step(step) }
            }
            FactBody::Special(said) => FactBody::Special(Box::new(match &said.says {
                SpecialSays::Ordered(terms) => SpecialFact {
                    name: said.name.clone(),
                    says: SpecialSays::Ordered(SpecialTerms {
                        places: terms.places.iter().map(|place| self.token(*place)).collect(),
                        ..terms.clone()
                    }),
                },
                SpecialSays::Released => (**said).clone(),
            })),
            FactBody::LeadAnswered { lead, outcome } => {
                FactBody::LeadAnswered { lead: self.names.lead(*lead), outcome: *outcome }
            }
            FactBody::MeasureHappened { measure, news } => {
                FactBody::MeasureHappened { measure: self.names.measure(*measure), news: *news }
            }
            FactBody::SharingExplained { number } => {
                FactBody::SharingExplained { number: self.token(*number) }
            }
            FactBody::SettlementRecorded { feed, account, initiated_by, other, amount } => {
                FactBody::SettlementRecorded {
                    feed: *feed,
                    account: self.party(account)?,
                    initiated_by: self.old.fingerprint_in(*initiated_by, &self.new),
                    other: other.map(|other| self.token(other)),
                    amount: *amount,
                }
            }
            FactBody::Corrected { original, before, after } => FactBody::Corrected {
                original: self.old.fingerprint_in(*original, &self.new),
                before: self.dated(before.as_ref())?,
                after: self.dated(after.as_ref())?,
            },
            FactBody::CardProfiled { card, profile } => FactBody::CardProfiled {
                card: self.party(card)?,
                profile: Box::new(CardProfile {
                    device: profile.device.map(|device| self.token(device)),
                    region: profile.region.map(|region| self.token(region)),
                    ..**profile
                }),
            },
            FactBody::RiskAssessed { opening, passed, assessor } => FactBody::RiskAssessed {
                opening: self.token(*opening),
                passed: *passed,
                assessor: self.token(*assessor),
            },
            FactBody::OwnersDeclared { owners, source } => FactBody::OwnersDeclared {
                owners: owners
                    .iter()
                    .map(|owner| Owner { person: self.token(owner.person), ..*owner })
                    .collect(),
                source: *source,
            },
            FactBody::Order(said) => {
                FactBody::Order(Box::new(OrderFact { party: self.party(&said.party)?, ..(**said).clone() }))
            }
            FactBody::TracesSeen { party, device, location } => FactBody::TracesSeen {
                party: self.party(party)?,
                device: device.map(|device| self.token(device)),
                location: location.map(|location| self.token(location)),
            },
            // An entry and an authorisation name their holder by the route alone.
            FactBody::AuthorisationGranted { .. }
            | FactBody::AuthorisationRevoked { .. }
            | FactBody::Entry(_)
            | FactBody::StockReported { .. }
            | FactBody::RuleSetActivated { .. }
            | FactBody::WentLive
            | FactBody::HoldOrdered { .. }
            | FactBody::HoldReleased { .. } => body.clone(),
        })
    }
}
