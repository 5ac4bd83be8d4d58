//! Random tables of appeals and of rules: steps of the shipped ones, some of them left out, and short deadlines.

use std::sync::Arc;

use duecourse::engine::base::SpanMs;
use duecourse::engine::life::{
    AppealAct as Do, AppealEvent as On, AppealGuard as If, Due, Life, Lives, OfAppeal, OfRule, RuleAct,
    RuleEvent, RuleGuard, State, Step,
};

use super::dice::Dice;
use super::measures::random_measure_lives;
use super::rulesets::text;

type Line<'a> = (&'a [&'a str], On, &'a [If], &'a str, &'a [Do]);

const OPEN: &[&str] = &["filed", "accepted", "papers_asked", "first", "overdue"];
const WAITING: &[&str] = &["filed", "accepted", "papers_asked", "first", "overdue", "person", "late"];
const ALL: &[&str] =
    &["none", "filed", "accepted", "papers_asked", "first", "overdue", "person", "late", "upheld"];

const APPEAL: &[Line<'_>] = &[
    (&["none"], On::Filed, &[If::OfAuthority], "forwarded", &[Do::Forward]),
    (&["none", "person", "confirmed"], On::Filed, &[If::BasicService], "first", &[Do::TellReceived]),
    (&["none", "person", "confirmed"], On::Filed, &[], "filed", &[Do::TellReceived]),
    (&["upheld"], On::Filed, &[If::NewEvidence], "filed", &[Do::TellReceived]),
    (&["filed"], On::Accepted, &[], "accepted", &[Do::TellAccepted]),
    (&["first"], On::Accepted, &[], "first", &[Do::TellAccepted]),
    (&["filed", "accepted"], On::PapersAsked, &[], "papers_asked", &[Do::TellPapers]),
    (&["papers_asked", "overdue"], On::PapersGiven, &[], "accepted", &[Do::TellAccepted]),
    (&["filed", "accepted", "papers_asked", "first"], On::Due, &[], "overdue", &[Do::Overdue]),
    (OPEN, On::Upheld, &[], "upheld", &[Do::TellUpheld]),
    (&["none"], On::Upheld, &[], "none", &[]),
    (ALL, On::Overturned, &[], "overturned", &[Do::Lift]),
    (&["none"], On::HumanRequested, &[If::Automated], "person", &[Do::QueueHuman]),
    (OPEN, On::HumanRequested, &[If::Automated], "first", &[Do::QueueHuman]),
    (&["person"], On::Due, &[], "late", &[Do::Overdue]),
    (&["person", "late"], On::HumanConfirmed, &[], "confirmed", &[Do::Confirm]),
    (WAITING, On::HumanLifted, &[], "overturned", &[Do::Lift]),
    (WAITING, On::HumanMilder, &[], "replaced", &[Do::SetMilder]),
];

/// None, one or both of the tables.
pub fn random_lives(dice: &mut Dice) -> Lives {
    Lives {
        appeal: dice.chance(80).then(|| appeal(dice)),
        rule: dice.chance(80).then(rule),
        measures: random_measure_lives(dice),
        ..super::orders::lives(dice)
    }
}

fn appeal(dice: &mut Dice) -> Life<OfAppeal> {
    let mut names: Vec<&str> =
        APPEAL.iter().flat_map(|(from, _, _, to, _)| from.iter().chain([to])).copied().collect();
    names.sort_unstable();
    names.dedup();
    let number = |name: &str| names.iter().position(|known| *known == name).unwrap();
    let mut steps = Vec::new();
    for (from, on, only_if, to, acts) in APPEAL {
        if dice.chance(4) {
            continue;
        }
        steps.extend(from.iter().map(|from| Step {
            from: number(from),
            on: *on,
            only_if: only_if.to_vec(),
            to: number(to),
            acts: acts.to_vec(),
        }));
    }
    let mut states = Vec::new();
    for name in &names {
        let waits = ["filed", "accepted", "papers_asked", "first", "person"].contains(name);
        let after = SpanMs(*dice.pick(&[2_000, 10_000, 40_000]));
        let due = waits.then_some(Due { after, worsens: dice.chance(70) });
        states.push(State { name: Arc::from(*name), title: text(name), due, is_last: false });
    }
    Life {
        id: "appeal".to_owned(),
        version: 1,
        title: text("appeal"),
        basis: "b".to_owned(),
        first: number("none"),
        states,
        steps,
        terms: std::collections::BTreeMap::new(),
        figures: Vec::new(),
    }
}

fn rule() -> Life<OfRule> {
    let state = |name: &str| State { name: Arc::from(name), title: text(name), due: None, is_last: false };
    Life {
        id: "rule".to_owned(),
        version: 1,
        title: text("rule"),
        basis: "b".to_owned(),
        first: 0,
        states: vec![state("acting"), state("shadowed")],
        steps: vec![Step {
            from: 0,
            on: RuleEvent::Counted,
            only_if: vec![RuleGuard::BeyondBound],
            to: 1,
            acts: vec![RuleAct::ToShadow],
        }],
        terms: std::collections::BTreeMap::new(),
        figures: Vec::new(),
    }
}
