//! What a condition reads besides signals.

use crate::engine::rule::{Condition, Term};

/// Whether a condition reads the event's amount.
pub(super) fn reads_amount(condition: &Condition) -> bool {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().any(reads_amount),
        Condition::Not(part) => reads_amount(part),
        Condition::Compare { left, right, .. } => term_reads_amount(left) || term_reads_amount(right),
    }
}

fn term_reads_amount(term: &Term) -> bool {
    match term {
        Term::Field(field) => *field == crate::engine::attributes::Field::Amount,
        Term::Add(a, b) | Term::Sub(a, b) | Term::Mul(a, b) => term_reads_amount(a) || term_reads_amount(b),
        Term::If(c, a, b) => reads_amount(c) || term_reads_amount(a) || term_reads_amount(b),
        Term::Constant(_) | Term::Signal(_) => false,
    }
}
