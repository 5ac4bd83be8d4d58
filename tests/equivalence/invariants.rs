//! What must hold of a partition's effects, whatever happened: named, so that a failure says which.

use std::collections::BTreeMap;

use duecourse::engine::base::TimeMs;
use duecourse::engine::disposition::{Disposition, DispositionId, EndCause, MeasureSet};
use duecourse::engine::input::Effect;
use duecourse::engine::subject::Subject;

/// What was published of a measure.
struct Known {
    start: TimeMs,
    end: TimeMs,
    ended: Option<EndCause>,
}

/// What a partition has published so far.
#[derive(Default)]
pub struct Invariants {
    measures: BTreeMap<DispositionId, Known>,
    /// The last lift of a rule on a party, and until when the rule looks only beyond it.
    lifts: BTreeMap<(String, Subject), (TimeMs, TimeMs)>,
    /// Rules that said they had moved to shadow.
    shadowed: Vec<(String, u32)>,
    checked: BTreeMap<&'static str, u64>,
}

impl Invariants {
    pub fn see(&mut self, effect: &Effect) {
        match effect {
            Effect::Disposed(disposition) => self.see_disposition(disposition),
            Effect::RuleShadowed(shadowed) => {
                let rule = (shadowed.rule.id.clone(), shadowed.rule.version);
                self.holds("a version of a rule goes to shadow once", !self.shadowed.contains(&rule));
                self.holds("no rule goes to shadow within its bound", {
                    shadowed.quality.is_passed_by(&shadowed.count)
                });
                self.shadowed.push(rule);
            }
            _ => {}
        }
    }

    fn see_disposition(&mut self, disposition: &Disposition) {
        match disposition {
            Disposition::MeasureSet(set) => self.see_set(set),
            Disposition::MeasureEnded(ended) => {
                let known = self.measures.get(&ended.ended).map(|known| (known.end, known.ended));
                self.holds("what ends was set", known.is_some());
                let Some((end, before)) = known else { return };
                self.holds("a measure ends once, and after that only by a decision for the person", {
                    before.is_none() || ended.cause.overrules()
                });
                self.holds("what expires does so at its end", {
                    ended.cause != EndCause::Expired || ended.head.at == end
                });
                if let Some(until) = ended.override_until {
                    let key = (ended.head.rule.id.clone(), ended.head.party.subject);
                    self.lifts.insert(key, (ended.head.at, until));
                }
                if let Some(known) = self.measures.get_mut(&ended.ended) {
                    known.ended = Some(ended.cause);
                }
            }
            Disposition::AppealAnswered(answered) => {
                self.holds("what is answered about was set", self.measures.contains_key(&answered.of));
            }
            _ => {}
        }
    }

    fn see_set(&mut self, set: &MeasureSet) {
        let (head, notice) = (set.head(), set.notice());
        self.holds("no measure without an end after its start", notice.start < notice.end);
        self.holds("a measure is set once", !self.measures.contains_key(&head.id));
        // What takes another's place or follows it rests on no comparison of its own.
        let fired = !set.evidence().comparisons.is_empty();
        if let Some((lift, until)) = self.lifts.get(&(head.rule.id.clone(), head.party.subject)).copied()
            && fired
            && head.at < until
        {
            let own = set.evidence().signals.iter().filter(|signal| signal.reported_of.is_none());
            let all_after = own.flat_map(|signal| &signal.events).all(|event| event.at > lift);
            self.holds("a lifted measure never returns from the same evidence", head.at > lift && all_after);
        }
        if fired {
            let rule = (head.rule.id.clone(), head.rule.version);
            self.holds("a rule in shadow sets nothing", !self.shadowed.contains(&rule));
        }
        let known = Known { start: notice.start, end: notice.end, ended: None };
        self.measures.insert(head.id, known);
    }

    fn holds(&mut self, what: &'static str, is_so: bool) {
        assert!(is_so, "broken: {what}");
        *self.checked.entry(what).or_default() += 1;
    }
}
