//! The types of values in conditions.

use crate::engine::attributes::{Field, FieldType};
use crate::engine::base::Currency;
use crate::engine::signal::{Aggregate, Question, Reads, Signal};

/// What an integer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    Count,
    /// Minor units.
    Money,
    /// Thousandths, or whatever a ratio is scaled by.
    Ratio,
    /// Milliseconds.
    Duration,
}

impl ValueType {
    /// As errors name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ValueType::Count => "a count",
            ValueType::Money => "money",
            ValueType::Ratio => "a ratio",
            ValueType::Duration => "a duration",
        }
    }

    /// The type of a signal's value. The parts of a made signal are of one type, which the loader checks.
    #[must_use]
    pub fn of(signal: &Signal, all: &[Signal]) -> ValueType {
        match signal.reads {
            Reads::Log(question) => ValueType::of_question(&question),
            Reads::Ratio { .. } => ValueType::Ratio,
            Reads::Difference { of, .. } => {
                all.get(of).and_then(Signal::question).map_or(ValueType::Count, ValueType::of_question)
            }
            Reads::SinceOpened => ValueType::Duration,
            Reads::MeasuresStanding => ValueType::Count,
        }
    }

    fn of_question(question: &Question) -> ValueType {
        match question.aggregate {
            Aggregate::Count | Aggregate::Distinct | Aggregate::Returned => ValueType::Count,
            // Pieces, not money.
            aggregate
                if aggregate.reads_amount()
                    && aggregate != Aggregate::LargestShare
                    && question.currency == Currency::NONE =>
            {
                ValueType::Count
            }
            Aggregate::Sum
            | Aggregate::Max
            | Aggregate::Min
            | Aggregate::Last
            | Aggregate::Average
            | Aggregate::Deviation => ValueType::Money,
            Aggregate::LargestShare => ValueType::Ratio,
            Aggregate::SinceLast | Aggregate::SinceFirst => ValueType::Duration,
        }
    }
}

/// The type of anything that a comparison can compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A bare number fits every type; beside a duration only 0 does, which needs no unit.
    Bare,
    Number(ValueType),
    Flag,
    /// Out of a closed list; the field that has it.
    Word(Field),
    /// A word in quotes, until the list is known.
    Quoted,
}

impl Kind {
    pub(super) fn of_field(field: Field) -> Kind {
        match field.value_type() {
            FieldType::Money => Kind::Number(ValueType::Money),
            FieldType::Count => Kind::Number(ValueType::Count),
            FieldType::Flag => Kind::Flag,
            FieldType::Word(_) => Kind::Word(field),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Bare => "a number",
            Kind::Number(value) => value.name(),
            Kind::Flag => "true or false",
            Kind::Word(_) | Kind::Quoted => "a word",
        }
    }

    /// The type of both, if they fit together.
    pub(super) fn unified(self, other: Kind) -> Option<Kind> {
        match (self, other) {
            (a, b) if a == b => Some(a),
            (Kind::Bare, number @ Kind::Number(_)) | (number @ Kind::Number(_), Kind::Bare) => Some(number),
            _ => None,
        }
    }

    /// The type of a product, if it has one: counts, ratios and bare numbers only multiply.
    pub(super) fn product(self, other: Kind) -> Option<Kind> {
        let is_factor = |kind| matches!(kind, Kind::Bare | Kind::Number(ValueType::Count | ValueType::Ratio));
        match (self, other) {
            (Kind::Bare, number @ (Kind::Bare | Kind::Number(_))) => Some(number),
            (number @ Kind::Number(_), Kind::Bare) => Some(number),
            (Kind::Number(ValueType::Ratio), number @ Kind::Number(_)) => Some(number),
            (number @ Kind::Number(_), factor) if is_factor(factor) => Some(number),
            (factor, number @ Kind::Number(_)) if is_factor(factor) => Some(number),
            _ => None,
        }
    }
}
