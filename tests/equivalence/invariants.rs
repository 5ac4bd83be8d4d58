//! What must hold of everything a partition publishes, whatever happened: named, and looked at one by one.

use std::collections::{BTreeMap, BTreeSet};

use duecourse::engine::base::{Fingerprint, TimeMs};
use duecourse::engine::disposition::{Disposition, DispositionId, EndCause, MeasureEnded, MeasureSet};
use duecourse::engine::input::Effect;
use duecourse::engine::lead::{LeadHead, LeadNews, LeadRef, Referral};
use duecourse::engine::subject::Subject;

/// A measure as its publications tell it.
struct Told {
    name: &'static str,
    rule: String,
    party: Subject,
    event: Fingerprint,
    start: TimeMs,
    end: TimeMs,
    root: DispositionId,
    is_over: bool,
}

/// One partition's publications so far.
#[derive(Default)]
pub struct Watch {
    measures: BTreeMap<DispositionId, Told>,
    /// By rule and party: from when on a rule may look, and until when that holds.
    lifts: BTreeMap<(String, Subject), (TimeMs, TimeMs)>,
    lifted_events: Vec<(String, Subject, Fingerprint)>,
    /// Rules, with their versions, that said they had moved to shadow.
    shadowed: Vec<(String, u32)>,
    leads_open: BTreeSet<LeadRef>,
    leads_waiting: BTreeSet<(String, Subject)>,
    /// The measure that ended last, if that was because another follows.
    followed: Option<DispositionId>,
}

impl Watch {
    /// One lead of a rule about a subject waits at a time, it is answered once, and only what was sent goes on.
    fn lead(&mut self, news: &LeadNews) {
        let of = |head: &LeadHead| (head.rule.id.clone(), head.party.subject);
        match news {
            LeadNews::Sent(sent) => {
                let named = matches!(sent.referral, Referral::LinkedAccounts(_));
                assert!(named || !self.leads_waiting.contains(&of(&sent.head)), "{sent:?}");
                if !named {
                    self.leads_waiting.insert(of(&sent.head));
                }
                assert!(self.leads_open.insert(sent.reference), "a reference names one lead: {sent:?}");
                assert!(sent.answer_due > sent.head.at && sent.head.id.0 != 0);
            }
            LeadNews::Moved(moved) => {
                assert!(self.leads_open.contains(&moved.reference), "it was sent and waits: {moved:?}");
                // What has ended and is forgotten may be seen anew, by an event that is heard again long after.
                if &*moved.to != "overdue" {
                    self.leads_open.remove(&moved.reference);
                    self.leads_waiting.remove(&of(&moved.head));
                }
            }
            LeadNews::Observed(observed) => assert!(!self.leads_waiting.contains(&of(&observed.head))),
        }
    }

    /// Looks at one effect; what does not hold is a panic that says so.
    pub fn look(&mut self, effect: &Effect) {
        let disposition = match effect {
            Effect::Disposed(disposition) => disposition,
            Effect::RuleShadowed(shadowed) => {
                let rule = (shadowed.rule.id.clone(), shadowed.rule.version);
                assert!(shadowed.quality.is_passed_by(&shadowed.count), "within its bound: {shadowed:?}");
                assert!(!self.shadowed.contains(&rule), "it moved to shadow before: {shadowed:?}");
                self.shadowed.push(rule);
                return;
            }
            Effect::Lead(news) => return self.lead(news),
            _ => return,
        };
        match disposition.as_ref() {
            Disposition::AppealAnswered(answered) => {
                assert!(self.measures.contains_key(&answered.of), "what is answered about was set");
            }
            Disposition::MeasureExtended(extended) => {
                let told = self.measures.get_mut(&extended.extended).expect("what goes on was set");
                assert!(!told.is_over && told.end < extended.notice.end, "{extended:?}");
                told.end = extended.notice.end;
            }
            Disposition::MeasureSet(set) => self.set(set),
            Disposition::MeasureEnded(ended) => self.ended(ended),
            Disposition::MeasureMoved(moved) => {
                let told = self.measures.get(&moved.moved).expect("what moves was set");
                assert!(!told.is_over, "what has ended does not move: {moved:?}");
                assert!(moved.head.at >= told.start && moved.head.at < told.end, "beyond its end: {moved:?}");
                assert!(moved.due.is_none_or(|due| due < told.end), "a deadline after the end: {moved:?}");
                assert!(
                    moved.held_back.is_none() || moved.asks_staff,
                    "held back and nobody looks: {moved:?}"
                );
            }
            _ => {}
        }
    }

    fn set(&mut self, set: &MeasureSet) {
        let (head, notice, name) = (set.head(), set.notice(), set.measure().name());
        assert_eq!((notice.measure, notice.start), (name, head.at), "its notice is another's");
        assert!(notice.start < notice.end, "no measure without end: {set:?}");
        assert!(!notice.reason.zh.is_empty() && !notice.channels.offline.zh.is_empty());
        let before = set.evidence().follows;
        let root = match before {
            None => head.id,
            Some(before) => {
                assert_eq!(self.followed, Some(before), "what it follows did not end for it: {set:?}");
                self.measures[&before].root
            }
        };
        let after = before.map(|before| self.measures[&before].name);
        match name {
            "phone_card_limit" => assert_eq!(after, Some("phone_card_reverify"), "APL 11"),
            "phone_card_suspend" => {
                assert!(matches!(after, Some("phone_card_reverify" | "phone_card_limit")), "APL 11: {set:?}");
            }
            "iot_card_limit" => assert_eq!(after, Some("iot_card_reverify"), "APL 12"),
            "iot_card_pause" => {
                assert!(matches!(after, Some("iot_card_reverify" | "iot_card_limit")), "APL 12: {set:?}");
            }
            _ => {}
        }
        // An event that comes again beyond the duplicate horizon (S4) may set its own measure once more.
        let is_again = self.measures.contains_key(&head.id);
        let stands = self.measures.values().any(|told| told.root == root && !told.is_over);
        assert!(is_again || !stands, "two of one chain stand: {set:?}");
        let key = (head.rule.id.clone(), head.party.subject);
        let same = (key.0.clone(), key.1, head.event);
        assert!(!self.lifted_events.contains(&same), "lifted, and back from the same event: {set:?}");
        if let Some((lift, until)) = self.lifts.get(&key)
            && head.at < *until
        {
            let events = set.evidence().signals.iter().flat_map(|signal| &signal.events);
            for event in events {
                assert!(event.at > *lift, "back from what was set aside: {set:?}");
            }
        }
        if !set.evidence().comparisons.is_empty() {
            let rule = (head.rule.id.clone(), head.rule.version);
            assert!(!self.shadowed.contains(&rule), "set by a rule in shadow: {set:?}");
        }
        let told = Told {
            name,
            rule: head.rule.id.clone(),
            party: head.party.subject,
            event: head.event,
            start: notice.start,
            end: notice.end,
            root,
            is_over: false,
        };
        self.measures.insert(head.id, told);
        self.followed = None;
    }

    fn ended(&mut self, ended: &MeasureEnded) {
        let told = self.measures.get_mut(&ended.ended).expect("what ends was set");
        let is_lift = ended.cause.overrules();
        assert!(!told.is_over || is_lift, "it ended twice: {ended:?}");
        if ended.cause == EndCause::Expired {
            // An entry that is cut short (J3) takes what it set with it; nothing lasts longer than it said.
            let is_cut = told.name.starts_with("listed_") && ended.head.at < told.end;
            assert!(
                is_cut || ended.head.at == told.end,
                "it expired at another time than it said: {ended:?}"
            );
        }
        if matches!(ended.cause, EndCause::Followed | EndCause::Verified) {
            assert!(ended.head.at >= told.start && ended.head.at < told.end, "beyond its end: {ended:?}");
        }
        told.is_over = true;
        self.followed = (ended.cause == EndCause::Followed).then_some(ended.ended);
        let key = (told.rule.clone(), told.party);
        if is_lift {
            self.lifted_events.push((key.0.clone(), key.1, told.event));
        }
        if let Some(until) = ended.override_until {
            self.lifts.insert(key, (ended.head.at, until));
        }
    }
}
