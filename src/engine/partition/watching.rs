//! Asks of what is published whether a promise is broken, and counts: for an alarm, never for a decision.

use super::publish::Draft;
use super::readings::Readings;
use super::rules::Scene;
use super::{Active, Partition};
use crate::engine::disposition::{DispositionId, MeasureEnded, MeasureSet};
use crate::engine::fact::Feed;
use crate::engine::holder::Holder;
use crate::engine::invariant::{Before, Invariant, broken_by_end, broken_by_set};
use crate::engine::measure::Lane;
use crate::engine::rule::Trigger;
use crate::engine::state::Override;

impl Partition {
    /// Whether a protection certainly holds against a measure of ours that nothing softened. Asked of what is
    /// about to be set, by whatever road it came, and not of what the law's own figures or persons set.
    pub(super) fn is_carved_out(&mut self, draft: &Draft<'_>, active: &Active) -> bool {
        let (Some(ground), Some(kind)) = (draft.ground.as_deref(), draft.measure.kind()) else {
            return false;
        };
        let follows = draft.evidence.follows.is_some();
        let is_figure = draft.lane == Lane::Limit && !follows && !kind.denies();
        if draft.is_by_person() || is_figure || draft.evidence.softened.is_some() || draft.evidence.braked {
            return false;
        }
        let party = draft.party.subject;
        let now = Holder::said_of(self.holders.get(&draft.holder), party, draft.at, ground.attributes);
        let scene = Scene {
            trigger: Trigger::Feed(Feed::TransferPayer),
            party: draft.party,
            holder: draft.holder,
            other: ground.other,
            place: None,
            attributes: if follows { now } else { ground.attributes },
            event: draft.event,
            entry: if follows { draft.event } else { ground.entry },
            at: draft.at,
            left_out: None,
        };
        let bound = ground.bound.filter(|_| !follows);
        let mut readings = Readings::default();
        active.set.protections.iter().any(|protection| {
            let meets =
                protection.softening.changes(kind) && protection.meets(party.kind, kind, &draft.rule.id);
            meets && self.holds(&protection.condition, &scene, bound, active, &mut readings)
        })
    }

    /// Before a measure is set.
    pub(super) fn watch_set(&mut self, set: &MeasureSet, before: Before) {
        let head = set.head();
        let of_party = self.overrides.get(&head.party.subject).into_iter().flatten();
        let known = |lifted: &Override| lifted.until > self.horizons.overrides;
        let of_rule = of_party.filter(|(rule, lifted)| **rule == *head.rule.id && known(lifted));
        let lifted: Option<Override> = of_rule.map(|(_, lifted)| *lifted).next();
        let broken: Vec<Invariant> = broken_by_set(set, Before { lifted, ..before }).collect();
        broken.into_iter().for_each(|invariant| self.tally.breaks(invariant));
    }

    /// Before the end of a measure is published.
    pub(super) fn watch_end(&mut self, id: DispositionId, end: &MeasureEnded) {
        let broken: Vec<Invariant> = broken_by_end(end, self.measures.get(&id)).collect();
        broken.into_iter().for_each(|invariant| self.tally.breaks(invariant));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::base::{Bilingual, Fingerprint, SpanMs, TimeMs, Token};
    use crate::engine::disposition::{AppealRef, EndCause, Head};
    use crate::engine::evidence::Evidence;
    use crate::engine::ident::IdKey;
    use crate::engine::input::TimeMode;
    use crate::engine::measure::{AccountStep, Measure, Order, VerificationLapse};
    use crate::engine::notice::{Answering, Channels, Notice, Recourse, RuleName};
    use crate::engine::partition::Identity;
    use crate::engine::purpose::Purpose;
    use crate::engine::state::MeasureState;
    use crate::engine::subject::{Party, SealedRef, Subject, SubjectKind};
    use crate::engine::verifying::Risk;

    const START: TimeMs = TimeMs(1_000_000);

    fn partition() -> Partition {
        let id_key = IdKey::new([7; 32]);
        Partition::new(Identity { partition: 0, partitions: 1, id_key, time: TimeMode::Event })
    }

    fn head(lane: Lane) -> Head {
        Head {
            id: DispositionId(1),
            lane,
            rule: RuleName { id: "r".to_owned(), version: 1 },
            party: Party {
                subject: Subject::new(SubjectKind::Account, Token(7)),
                sealed: SealedRef::default(),
            },
            holder: Token(8),
            event: Fingerprint(9),
            at: START,
            purpose: Purpose::ANTI_FRAUD,
        }
    }

    fn notice(measure: &Measure, end: TimeMs) -> Notice {
        let text = || Bilingual { zh: "说明".to_owned(), en: "words".to_owned() };
        Notice {
            reason: text(),
            basis: text(),
            rule: head(Lane::Anomaly).rule,
            measure: measure.name(),
            scope: text(),
            start: START,
            end,
            still_works: text(),
            channels: Channels { offline: text(), online: text() },
            papers: text(),
            verify: crate::engine::verifying::HowToVerify::NotAsked,
            recourse: Recourse { answering: Answering::Within(SpanMs::DAY), person_on_request: true },
            remedies: text(),
            appeal: AppealRef::from_bits(1),
            utc_offset_minutes: 480,
        }
    }

    fn set(lane: Lane, measure: Measure, end: TimeMs, change: impl FnOnce(&mut Notice)) -> MeasureSet {
        let mut notice = notice(&measure, end);
        change(&mut notice);
        MeasureSet::new(head(lane), measure, notice, Evidence::default())
    }

    fn broken(partition: &Partition) -> Vec<Invariant> {
        let counted = Invariant::ALL.into_iter().zip(partition.tally().broken);
        counted.filter(|(_, count)| *count > 0).map(|(invariant, _)| invariant).collect()
    }

    #[test]
    fn each_promise_that_a_set_measure_breaks_is_counted() {
        let (stop, end) = (Measure::Account(AccountStep::StopNonCounter), START.plus(SpanMs::DAY));
        let lapse = VerificationLapse::of(&Measure::PhoneCardReverify, Fingerprint(1), START).unwrap();
        let order = Order::new("1".to_owned(), "police".to_owned(), START, end).unwrap();
        let whole = |_: &mut Notice| {};
        let cases = [
            (set(Lane::Anomaly, stop.clone(), end, whole), None),
            (
                set(Lane::Anomaly, stop.clone(), end, |notice| notice.remedies.zh.clear()),
                Some(Invariant::Notice),
            ),
            (
                set(Lane::Anomaly, stop.clone(), end, |notice| {
                    notice.recourse.answering = Answering::PassedOn
                }),
                Some(Invariant::Notice),
            ),
            (set(Lane::Anomaly, stop.clone(), START, whole), Some(Invariant::End)),
            (
                set(Lane::Anomaly, Measure::PhoneCardSuspend(lapse), end, whole),
                Some(Invariant::VerifiedFirst),
            ),
            (set(Lane::Authority, stop.clone(), end, whole), Some(Invariant::Authority)),
            (set(Lane::Authority, Measure::AuthorityFreeze(order), end, whole), None),
        ];
        for (set, expected) in cases {
            let mut partition = partition();
            partition.watch_set(&set, Before::default());
            assert_eq!(broken(&partition), expected.into_iter().collect::<Vec<_>>(), "{set:?}");
        }
    }

    #[test]
    fn what_was_lifted_may_come_back_only_from_what_came_after() {
        let set =
            set(Lane::Anomaly, Measure::Account(AccountStep::StopNonCounter), TimeMs(2_000_000), |_| {});
        for (lift, expected) in [(START, vec![Invariant::Lifted]), (START.minus(SpanMs(1)), vec![])] {
            let mut partition = partition();
            let lifted = Override { lift, until: TimeMs(9_000_000) };
            let party = set.head().party.subject;
            partition.overrides.get_or_default(party).push(("r".into(), lifted));
            partition.watch_set(&set, Before::default());
            assert_eq!(broken(&partition), expected);
        }
    }

    fn expired() -> MeasureEnded {
        MeasureEnded {
            head: head(Lane::Anomaly),
            ended: DispositionId(5),
            measure: Measure::PhoneCardReverify,
            appeal: AppealRef::from_bits(1),
            cause: EndCause::Expired,
            override_until: None,
            utc_offset_minutes: 480,
            is_told: true,
        }
    }

    #[test]
    fn the_end_of_something_unknown_is_counted() {
        let mut partition = partition();
        partition.watch_end(DispositionId(5), &expired());
        assert_eq!(broken(&partition), [Invariant::Known]);
    }

    #[test]
    fn what_is_carved_out_or_stands_already_is_counted() {
        let measure = Measure::Account(AccountStep::StopNonCounter);
        let set = set(Lane::Anomaly, measure, START.plus(SpanMs::DAY), |_| {});
        let of = |is_carved_out, stands| Before { lifted: None, is_carved_out, stands };
        for (before, expected) in [
            (of(false, false), vec![]),
            (of(true, false), vec![Invariant::CarvedOut]),
            (of(false, true), vec![Invariant::Once]),
        ] {
            let mut partition = partition();
            partition.watch_set(&set, before);
            assert_eq!(broken(&partition), expected);
        }
    }

    #[test]
    fn only_its_authority_or_its_time_ends_what_an_authority_laid_down() {
        let order = Order::new("1".to_owned(), "police".to_owned(), START, TimeMs(2_000_000)).unwrap();
        let (freeze, own) = (Measure::AuthorityFreeze(order), Measure::PhoneCardReverify);
        for (lane, measure, cause, is_broken) in [
            (Lane::Authority, &freeze, EndCause::Released, false),
            (Lane::Authority, &freeze, EndCause::Expired, false),
            (Lane::Authority, &freeze, EndCause::Overturned, true),
            (Lane::Authority, &freeze, EndCause::Corrected, true),
            (Lane::Authority, &freeze, EndCause::OpeningSettled, true),
            (Lane::Anomaly, &own, EndCause::Released, true),
            (Lane::Anomaly, &own, EndCause::Overturned, false),
        ] {
            let mut partition = partition();
            let measure = measure.clone();
            let ended = MeasureEnded { head: head(lane), measure, cause, ..expired() };
            partition.watch_end(DispositionId(5), &ended);
            let counted = broken(&partition).contains(&Invariant::Precedence);
            assert_eq!(counted, is_broken, "{cause:?} {lane:?}");
        }
    }

    #[test]
    fn an_expiry_after_the_end_is_counted() {
        for (end, expected) in [(START, vec![]), (START.minus(SpanMs(1)), vec![Invariant::BeyondEnd])] {
            let mut partition = partition();
            let Head { rule, party, holder, event, purpose, .. } = head(Lane::Anomaly);
            let measure = MeasureState {
                appeal: AppealRef::from_bits(1),
                lane: Lane::Anomaly,
                rule,
                party,
                holder,
                event,
                measure: Measure::PhoneCardReverify,
                purpose,
                end,
                ended: false,
                corrected: false,
                overruled: false,
                utc_offset_minutes: 480,
                decided_by: None,
                awaits_human: false,
                case: None,
                ground: None,
                start: end,
                root: DispositionId(5),
                root_event: event,
                risk: Risk::Medium,
                reason: "r".into(),
                basis: "b".into(),
                living: None,
            };
            partition.measures.insert(DispositionId(5), measure);
            partition.watch_end(DispositionId(5), &expired());
            assert_eq!(broken(&partition), expected);
        }
    }
}
