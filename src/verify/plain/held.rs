//! What a listed person holds, and the phone line that is kept (S16).

use crate::engine::base::{TimeMs, Token};
use crate::engine::fact::OpeningStep;
use crate::engine::subject::{Party, SealedRef, Subject, SubjectKind};

use super::{Plain, PlainError};

impl Plain {
    /// What a person holds at a time, by the time of its first step, then by subject.
    pub(super) fn held_things(&self, holder: Token, at: TimeMs) -> Vec<(Subject, SealedRef)> {
        let Some(openings) = self.holders.get(&holder) else { return Vec::new() };
        let mut things: Vec<(Subject, SealedRef)> = Vec::new();
        for step in openings.steps.iter().filter(|step| step.kind.is_of_holding()) {
            if things.iter().all(|(known, _)| *known != step.holding) {
                things.push((step.holding, step.sealed.clone()));
            }
        }
        things.retain(|(subject, _)| openings.is_open(*subject, at));
        let first = |subject: Subject| {
            let steps = openings.steps.iter().filter(|step| step.kind.is_of_holding());
            steps.filter(|step| step.holding == subject).map(|step| step.at).min()
        };
        things.sort_by_key(|(subject, _)| (first(*subject), *subject));
        things
    }

    pub(super) fn choose_line(&mut self, holder: Token, at: TimeMs) {
        let lines: Vec<Subject> = self
            .held_things(holder, at)
            .into_iter()
            .map(|(subject, _)| subject)
            .filter(|subject| subject.kind == SubjectKind::PhoneCard)
            .collect();
        let kept = self.kept_lines.get(&holder).copied();
        // Things come by their first step, so the first line is the one held longest.
        let eldest = || lines.first().copied();
        match kept.filter(|kept| lines.contains(kept)).or_else(eldest) {
            Some(line) => self.kept_lines.insert(holder, line),
            None => self.kept_lines.remove(&holder),
        };
    }

    /// What a step of a holding does to a listed person.
    pub(super) fn after_step(
        &mut self,
        holder: Token,
        kind: OpeningStep,
        held: &Party,
        at: TimeMs,
    ) -> Result<(), PlainError> {
        match kind {
            OpeningStep::Opened | OpeningStep::Stated => self.reach_new(holder, held, at),
            _ => Ok(()),
        }
    }
}
