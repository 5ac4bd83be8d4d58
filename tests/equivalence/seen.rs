//! What was seen over all cases.

use std::collections::BTreeMap;

use duecourse::engine::appeal::AppealAnswer;
use duecourse::engine::disposition::{Disposition, EndCause};
use duecourse::engine::evidence::{ComparisonEvidence, Evidence, SignalEvidence};
use duecourse::engine::input::Effect;
use duecourse::engine::lead::LeadNews;
use duecourse::engine::life::Word;
use duecourse::engine::measure::Lane as Remedies;
use duecourse::engine::report::ReportBody;
use duecourse::engine::rule::Interval;
use duecourse::engine::subject::SubjectKind;

/// How often each kind of effect was seen over all cases: a test that never sees one proves nothing.
#[derive(Debug, Default)]
pub struct Seen(BTreeMap<String, u64>);

impl Seen {
    pub fn count(&mut self, effect: &Effect) {
        let name = match effect {
            Effect::Disposed(disposition) => match disposition.as_ref() {
                Disposition::OpeningAccepted(_) => "accepted".to_owned(),
                Disposition::MeasureSet(set) => format!("set {}", set.measure().name()),
                Disposition::MeasureEnded(ended) => format!("ended {}", ended.cause.name()),
                Disposition::ReservationLapsed(_) => "lapsed".to_owned(),
                Disposition::MeasureMoved(moved) => match (&moved.held_back, &moved.told_again) {
                    (Some(why), _) => format!("held back {}", why.name()),
                    (None, Some(_)) => "told again".to_owned(),
                    (None, None) => "moved".to_owned(),
                },
                Disposition::MeasureExtended(_) => "measure extended".to_owned(),
                Disposition::NoticeReleased(_) => "notice released".to_owned(),
                Disposition::OrderAnswered(answered) => format!("order {}", answered.outcome.name()),
                Disposition::AppealAnswered(answered) => format!("answered {}", answered.answer.name()),
            },
            Effect::Observed(observation) => format!("observed {}", observation.measure.name()),
            Effect::Unmatched { reason, .. } => reason.name().to_owned(),
            Effect::RuleShadowed(_) => "rule shadowed".to_owned(),
            Effect::Lead(news) => match &**news {
                LeadNews::Sent(sent) => format!("lead {}", sent.referral.name()),
                LeadNews::Observed(_) => "lead observed".to_owned(),
                LeadNews::Moved(moved) => format!("lead {}", moved.to),
            },
            Effect::Reported(report) => match &report.body {
                ReportBody::Standing(standing) if standing.reply => "reply".to_owned(),
                ReportBody::Standing(_) => "crossing".to_owned(),
                ReportBody::Fallen { .. } => "fallen".to_owned(),
                ReportBody::RuleCounted { .. } => "counted".to_owned(),
                ReportBody::RuleTotalled { .. } => "totalled".to_owned(),
            },
        };
        *self.0.entry(name).or_default() += 1;
        match effect {
            Effect::Disposed(disposition) => {
                if let Disposition::MeasureSet(set) = disposition.as_ref() {
                    self.note_evidence(set.evidence());
                    let is_of_limit = set.head().lane == Remedies::Limit;
                    let has_no_count = set.evidence().count.is_none() && set.evidence().signals.is_empty();
                    let is_answer = set.measure().name().starts_with("opening");
                    self.note("not assessed", is_of_limit && is_answer && has_no_count);
                    self.note(
                        "limit on an account",
                        is_of_limit && set.measure().name().starts_with("account"),
                    );
                }
            }
            Effect::Observed(observation) => {
                self.note("shadowed", observation.evidence.shadowed);
                let softened = observation.evidence.softened.as_ref();
                self.note("waived", softened.is_some_and(|by| by.waived));
                self.note("softened, had it acted", softened.is_some_and(|by| !by.waived));
                self.note_evidence(&observation.evidence);
            }
            Effect::Reported(report) => {
                if let ReportBody::Standing(standing) = &report.body {
                    self.note("counterparty reply", standing.about.kind == SubjectKind::Counterparty);
                }
            }
            Effect::Lead(news) => {
                let evidence = match &**news {
                    LeadNews::Sent(sent) => {
                        self.note("lead of a shared subject", sent.head.holder.is_none());
                        Some(&sent.evidence)
                    }
                    LeadNews::Observed(observed) => Some(&observed.evidence),
                    LeadNews::Moved(_) => None,
                };
                let says = |of: fn(&Evidence) -> bool| evidence.is_some_and(of);
                self.note("lead braked", says(|evidence| evidence.braked));
                self.note("lead shadowed", says(|evidence| evidence.shadowed));
            }
            Effect::Unmatched { .. } | Effect::RuleShadowed(_) => {}
        }
    }

    fn note_evidence(&mut self, evidence: &Evidence) {
        self.note("braked", evidence.braked);
        let by = |signal: &SignalEvidence| signal.authorisation.is_some();
        self.note("read as authorised", evidence.signals.iter().any(by));
        let softened = evidence.softened.as_ref();
        self.note("softened as authorised", softened.is_some_and(|by| !by.authorisations.is_empty()));
        let trace = |signal: &SignalEvidence| signal.name.starts_with("trace_");
        self.note("trace read", evidence.signals.iter().any(|one| trace(one) && one.value > 0));
        self.note("trace closed", evidence.signals.iter().any(|one| trace(one) && one.value == 0));
        self.note("softened", evidence.softened.is_some());
        self.note("settled otherwise", evidence.settlement.is_some());
        self.note("sign", !evidence.signs.is_empty());
        self.note("near miss", !evidence.near_misses.is_empty());
        for missed in evidence.near_misses.iter().flat_map(|miss| &miss.missed) {
            let ComparisonEvidence { text, left, op, right } = &missed.shown;
            let holds = Interval::point(*left).compare(*op, Interval::point(*right)) == Some(true);
            assert!(missed.uncertain || !holds, "missed, although it holds: {text}: {left}, {right}");
            self.note("near miss for want of history", missed.uncertain && holds);
        }
        self.note("cleared without", !evidence.cleared_without.is_empty());
        let shown = |text: &str| evidence.comparisons.iter().any(|shown| shown.text.contains(text));
        self.note("use held against a profile", shown("event.outside_"));
        self.note("owners of a unit", shown("event.owners_"));
        let read = |ending: &str| {
            let is_so = |signal: &SignalEvidence| signal.name.ends_with(ending) && signal.value > 0;
            evidence.signals.iter().any(is_so)
        };
        let (measures, warned) = (read("_measures"), read("_warned"));
        self.note("standing measures", measures);
        self.note("warned before", warned);
        self.note("received what was passed on", read("_passed_on"));
    }

    pub fn note(&mut self, what: &str, is_so: bool) {
        if is_so {
            *self.0.entry(what.to_owned()).or_default() += 1;
        }
    }

    pub fn assert_rich(&self) {
        let usual = [
            "accepted",
            "lapsed",
            "appeal_unknown",
            "appeal_settled",
            "reply",
            "crossing",
            "fallen",
            "counted",
            "totalled",
            "set opening_refuse",
            "set opening_check_further",
            "set phone_card_reverify",
            "set account_limit_non_counter",
            "set victim_warn",
            "observed opening_refuse",
            "observed opening_check_further",
            "limit on an account",
            "waived",
            "softened, had it acted",
            "softened",
            "braked",
            "near miss",
            "sign",
            "cleared without",
            "counterparty reply",
            "holding_closed",
            "authorisation_known",
            "trace read",
            "trace closed",
            "read as authorised",
            "lead sim_box_device",
            "lead observed",
            "lead overdue",
            "lead of a shared subject",
            "skipped",
        ];
        // Long ways lead to these, and few random logs go them to their end.
        let rare = [
            "near miss for want of history",
            "softened as authorised",
            "authorisation_over",
            "not assessed",
            "standing measures",
            "use held against a profile",
            "owners of a unit",
            "warned before",
            "received what was passed on",
            "hold_over",
            "hold_unknown",
            "appeal_open",
            "appeal_no_new_evidence",
            "appeal_step_unknown",
            "appeal_decider_is_setter",
            "appeal_reason_unknown",
            "human_decision_not_milder",
            "measure_unknown",
            "measure_step_unknown",
            "verification_method_weak",
            "settlement_unknown",
            "settled otherwise",
            "moved",
            "told again",
            "held back protected",
            "held back budget_spent",
            "held back rule_silent",
            "held back awaits_human",
            "set phone_card_limit",
            "set phone_card_suspend",
            "set iot_card_limit",
            "set iot_card_pause",
            "set account_stop_non_counter",
            "lead caller_spoofing",
            "lead internet_account",
            "lead confirmed",
            "lead not_confirmed",
            "lead no_action",
            "lead given_up",
            "lead braked",
            "lead shadowed",
            "lead_unknown",
            "lead_settled",
            "rule shadowed",
            "shadowed",
        ];
        let ends = EndCause::ALL.map(|cause| format!("ended {}", cause.name()));
        let (usual_ends, rare_ends) = ends.split_at(4);
        let answers = AppealAnswer::ALL.iter().filter(|answer| **answer != AppealAnswer::Forwarded);
        let answers = answers.map(|answer| format!("answered {}", answer.name()));
        let usual = usual.into_iter().map(str::to_owned).chain(usual_ends.iter().cloned());
        let rare = rare.into_iter().map(str::to_owned).chain(rare_ends.iter().cloned()).chain(answers);
        for (name, count_min) in usual.map(|name| (name, 20)).chain(rare.map(|name| (name, 1))) {
            let count = self.0.get(&name).copied().unwrap_or(0);
            assert!(count >= count_min, "`{name}` was seen too seldom: {self:?}");
        }
    }
}
