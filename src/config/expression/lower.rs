//! Untyped tree to the engine's condition: names, types and bounds are checked here.

use std::collections::BTreeSet;

use super::bounds::Range;
use super::tree::{Expr, Node, Operator};
use super::value_type::{Kind, ValueType};
use super::{COMPARISONS_MAX, ExpressionError, SIGNALS_MAX, Scope};
use crate::config::nearest::nearest;
use crate::engine::attributes::{Field, FieldType};
use crate::engine::rule::{Condition, Op, Term};

/// Checks a tree and lowers it.
///
/// # Errors
/// An unknown name, a clash of types, or a bound that is passed.
pub fn lower(text: &str, tree: &Expr, scope: Scope<'_>) -> Result<Condition, ExpressionError> {
    let mut lowering = Lowering { text, scope, read: BTreeSet::new(), event_read: false, comparisons: 0 };
    let condition = lowering.condition(tree)?;
    if lowering.read.is_empty() && !lowering.event_read {
        return Err(lowering.error(tree, "reads nothing: it compares only constants; name a signal"));
    }
    if lowering.read.len() > SIGNALS_MAX {
        let message = format!(
            "reads {} signals; at most {SIGNALS_MAX}, so that a person can follow the evidence",
            lowering.read.len()
        );
        return Err(lowering.error(tree, message));
    }
    Ok(condition)
}

struct Lowering<'a> {
    text: &'a str,
    scope: Scope<'a>,
    read: BTreeSet<usize>,
    event_read: bool,
    comparisons: usize,
}

/// A value with its type and the range of what it can be.
struct Typed {
    term: Term,
    kind: Kind,
    range: Range,
    /// Of a word in quotes.
    quoted: Option<String>,
}

impl Typed {
    fn new(term: Term, kind: Kind, range: Range) -> Typed {
        Typed { term, kind, range, quoted: None }
    }
}

impl Lowering<'_> {
    fn error(&self, at: &Expr, message: impl Into<String>) -> ExpressionError {
        ExpressionError::at(self.text, at.offset, message)
    }

    fn condition(&mut self, expr: &Expr) -> Result<Condition, ExpressionError> {
        match &expr.node {
            Node::Binary(operator @ (Operator::And | Operator::Or), left, right) => {
                let mut parts = Vec::new();
                self.chain(*operator, left, &mut parts)?;
                self.chain(*operator, right, &mut parts)?;
                Ok(if *operator == Operator::And { Condition::All(parts) } else { Condition::Any(parts) })
            }
            Node::Not(inner) => Ok(Condition::Not(Box::new(self.condition(inner)?))),
            Node::Binary(operator, left, right) => match comparison(*operator) {
                Some(op) => self.compare(expr, op, left, right),
                None => Err(self.error(expr, "this is a number; a condition needs a comparison here")),
            },
            Node::If(condition, first, second) => {
                let condition = self.condition(condition)?;
                let (first, second) = (self.condition(first)?, self.condition(second)?);
                let not = Condition::Not(Box::new(condition.clone()));
                Ok(Condition::Any(vec![
                    Condition::All(vec![condition, first]),
                    Condition::All(vec![not, second]),
                ]))
            }
            Node::Bool(_) => Err(self.error(expr, "is true or false whatever happens; leave it out")),
            Node::Name(name) => {
                let value = self.name(expr, name)?;
                if value.kind != Kind::Flag {
                    let message = format!(
                        "`{name}` is {}; a condition needs a comparison here: compare it with something, such as `>= 5`",
                        value.kind.name()
                    );
                    return Err(self.error(expr, message));
                }
                self.count_comparison(expr)?;
                Ok(Condition::Compare { left: value.term, op: Op::Eq, right: Term::Constant(1) })
            }
            Node::Int(_) | Node::Negate(_) | Node::Duration(_) | Node::Text(_) => {
                Err(self.error(expr, "this is no condition; a condition needs a comparison here"))
            }
        }
    }

    /// Flattens `a && b && c`, however it was nested, into one list.
    fn chain(
        &mut self,
        of: Operator,
        expr: &Expr,
        parts: &mut Vec<Condition>,
    ) -> Result<(), ExpressionError> {
        match &expr.node {
            Node::Binary(operator, left, right) if *operator == of => {
                self.chain(of, left, parts)?;
                self.chain(of, right, parts)
            }
            _ => {
                parts.push(self.condition(expr)?);
                Ok(())
            }
        }
    }

    fn count_comparison(&mut self, expr: &Expr) -> Result<(), ExpressionError> {
        self.comparisons += 1;
        if self.comparisons > COMPARISONS_MAX {
            let message = format!("holds more than {COMPARISONS_MAX} comparisons; make two rules of it");
            return Err(self.error(expr, message));
        }
        Ok(())
    }

    fn compare(
        &mut self,
        expr: &Expr,
        op: Op,
        left_expr: &Expr,
        right_expr: &Expr,
    ) -> Result<Condition, ExpressionError> {
        self.count_comparison(expr)?;
        let chained = [left_expr, right_expr].into_iter().any(|side| match &side.node {
            Node::Binary(operator, ..) => comparison(*operator).is_some(),
            _ => false,
        });
        if chained {
            return Err(
                self.error(expr, "a comparison gives true or false, not a number; write `a < b && b < c`")
            );
        }
        let (left, right) = (self.value(left_expr)?, self.value(right_expr)?);
        let (left, right) = match (left.kind, right.kind) {
            (Kind::Word(field), Kind::Quoted) => {
                let right = self.word(right_expr, field, &right)?;
                (left, right)
            }
            (Kind::Quoted, Kind::Word(field)) => (self.word(left_expr, field, &left)?, right),
            _ => (left, right),
        };
        let Some(kind) = self.unified(expr, &left, &right)?.filter(|kind| *kind != Kind::Quoted) else {
            let message = format!(
                "compares {} with {}; both sides of `{}` must be of one type",
                left.kind.name(),
                right.kind.name(),
                op.symbol()
            );
            return Err(self.error(expr, message));
        };
        if matches!(kind, Kind::Flag | Kind::Word(_)) && !matches!(op, Op::Eq | Op::Ne) {
            let message = format!("{} has no order; compare with `==` or `!=`", kind.name());
            return Err(self.error(expr, message));
        }
        Ok(Condition::Compare { left: left.term, op, right: right.term })
    }

    /// The type of both sides, if they fit together. A duration says its unit: beside it a bare number would
    /// be milliseconds, which nobody means who writes 20.
    fn unified(&self, at: &Expr, left: &Typed, right: &Typed) -> Result<Option<Kind>, ExpressionError> {
        let is_duration = |side: &Typed| side.kind == Kind::Number(ValueType::Duration);
        let is_unitless = |side: &Typed| side.kind == Kind::Bare && !side.range.is_zero();
        if is_duration(left) && is_unitless(right) || is_unitless(left) && is_duration(right) {
            let message = "puts a bare number beside a duration; write it with its unit, such as \
                           `duration(\"480h\")`, and a figure outside of the condition as a span, such as `\"20d\"`";
            return Err(self.error(at, message));
        }
        Ok(left.kind.unified(right.kind))
    }

    /// A quoted word as its number in the field's list.
    fn word(&self, expr: &Expr, field: Field, quoted: &Typed) -> Result<Typed, ExpressionError> {
        let text = quoted.quoted.as_deref().unwrap_or("");
        let FieldType::Word(known) = field.value_type() else {
            return Err(self.error(expr, format!("{} has no words", field.name())));
        };
        if let Some((_, number)) = known.iter().find(|(word, _)| *word == text) {
            return Ok(Typed::new(Term::Constant(*number), Kind::Word(field), Range::constant(*number)));
        }
        let names = || known.iter().map(|(word, _)| *word);
        let message = match nearest(text, names()) {
            Some(near) => format!("{} is never \"{text}\"; did you mean \"{near}\"?", field.name()),
            None => format!(
                "{} is never \"{text}\"; known: {}",
                field.name(),
                names().collect::<Vec<_>>().join(", ")
            ),
        };
        Err(self.error(expr, message))
    }

    /// An expression that is compared: an integer of some type, a flag or a word.
    fn value(&mut self, expr: &Expr) -> Result<Typed, ExpressionError> {
        let constant = |value: i64, kind| Typed::new(Term::Constant(value), kind, Range::constant(value));
        match &expr.node {
            Node::Int(value) => Ok(constant(*value, Kind::Bare)),
            Node::Duration(span) => Ok(constant(*span, Kind::Number(ValueType::Duration))),
            Node::Bool(value) => Ok(constant(i64::from(*value), Kind::Flag)),
            Node::Text(text) => Ok(Typed { quoted: Some(text.clone()), ..constant(0, Kind::Quoted) }),
            Node::Negate(inner) => self.negated(expr, inner),
            Node::Name(name) => self.name(expr, name),
            Node::Binary(operator, left, right) => self.arithmetic(expr, *operator, left, right),
            Node::If(condition, first, second) => {
                let condition = self.condition(condition)?;
                let (first, second) = (self.value(first)?, self.value(second)?);
                let Some(kind) = self.unified(expr, &first, &second)?.filter(|kind| *kind != Kind::Quoted)
                else {
                    let message = format!(
                        "gives {} or {}; both sides of `:` must be of one type",
                        first.kind.name(),
                        second.kind.name()
                    );
                    return Err(self.error(expr, message));
                };
                let range = first.range.hull(second.range);
                let term = Term::If(Box::new(condition), Box::new(first.term), Box::new(second.term));
                Ok(Typed::new(term, kind, range))
            }
            Node::Not(_) => {
                Err(self.error(expr, "this is true or false; an operator beside it needs a number"))
            }
        }
    }

    fn negated(&mut self, expr: &Expr, inner: &Expr) -> Result<Typed, ExpressionError> {
        match &inner.node {
            // Constants are at most 10^15, so they can always be negated.
            Node::Int(value) => Ok(Typed::new(Term::Constant(-value), Kind::Bare, Range::constant(-value))),
            _ => Err(self.error(expr, "`-` before a name is not used here; write `0 - name`")),
        }
    }

    fn name(&mut self, expr: &Expr, name: &str) -> Result<Typed, ExpressionError> {
        if let Some(field) = Field::from_name(name) {
            self.event_read = true;
            return Ok(Typed::new(Term::Field(field), Kind::of_field(field), Range::field(field)));
        }
        if let Some(constant) = self.scope.constants.iter().find(|constant| constant.name == name) {
            let kind = constant.kind.map_or(Kind::Bare, Kind::Number);
            return Ok(Typed::new(Term::Constant(constant.value), kind, Range::constant(constant.value)));
        }
        let signals = self.scope.signals;
        if let Some((number, signal)) = signals.iter().enumerate().find(|(_, known)| known.name == name) {
            self.read.insert(number);
            let kind = Kind::Number(ValueType::of(signal, signals));
            return Ok(Typed::new(Term::Signal(number), kind, Range::signal(signal)));
        }
        Err(self.error(expr, self.unknown(name)))
    }

    fn unknown(&self, name: &str) -> String {
        let what = match name.split_once('.').map(|(before, _)| before) {
            Some("event" | "party") => "field of the event",
            Some("threshold") => "threshold",
            Some("limit") => "figure of the limit",
            _ => "signal",
        };
        let signals = self.scope.signals.iter().map(|signal| signal.name.as_str());
        let constants = self.scope.constants.iter().map(|constant| constant.name.as_str());
        match (nearest(name, signals.chain(constants).chain(Field::ALL.map(Field::name))), what) {
            (Some(near), _) => format!("unknown {what} `{name}`; did you mean `{near}`?"),
            (None, "signal") => format!("unknown signal `{name}`; declare it under config/signals"),
            (None, "threshold") => format!("unknown threshold `{name}`; declare it under [thresholds]"),
            (None, "figure of the limit") => {
                format!("unknown figure of the limit `{name}`; every [[dated]] entry needs it")
            }
            (None, _) => {
                let known = Field::ALL.map(Field::name).join(", ");
                format!("unknown {what} `{name}`; known: {known}")
            }
        }
    }

    fn arithmetic(
        &mut self,
        expr: &Expr,
        operator: Operator,
        left: &Expr,
        right: &Expr,
    ) -> Result<Typed, ExpressionError> {
        if !matches!(operator, Operator::Add | Operator::Sub | Operator::Mul) {
            let message = format!("`{}` gives true or false; a number is needed here", operator.symbol());
            return Err(self.error(expr, message));
        }
        let (left, right) = (self.value(left)?, self.value(right)?);
        let kind = self.arithmetic_kind(expr, operator, &left, &right)?;
        let range = match operator {
            Operator::Add => left.range.add(right.range),
            Operator::Sub => left.range.sub(right.range),
            _ => left.range.mul(right.range).map_err(|why| self.error(expr, why))?,
        };
        let range = range.ok_or_else(|| self.error(expr, "this could overflow; use smaller constants"))?;
        let (a, b) = (Box::new(left.term), Box::new(right.term));
        let term = match operator {
            Operator::Add => Term::Add(a, b),
            Operator::Sub => Term::Sub(a, b),
            _ => Term::Mul(a, b),
        };
        Ok(Typed::new(term, kind, range))
    }

    fn arithmetic_kind(
        &self,
        expr: &Expr,
        operator: Operator,
        left: &Typed,
        right: &Typed,
    ) -> Result<Kind, ExpressionError> {
        let is_number = |side: &Typed| matches!(side.kind, Kind::Bare | Kind::Number(_));
        let numbers = is_number(left) && is_number(right);
        let kind = match operator {
            _ if !numbers => None,
            Operator::Mul => left.kind.product(right.kind),
            _ => self.unified(expr, left, right)?,
        };
        kind.ok_or_else(|| {
            let (sign, left, right) = (operator.symbol(), left.kind.name(), right.kind.name());
            self.error(
                expr,
                match operator {
                    _ if !numbers => format!("`{sign}` needs two numbers, and these are {left} and {right}"),
                    Operator::Mul => format!(
                        "multiplies {left} by {right}; a count, a ratio or a bare number can multiply"
                    ),
                    _ => format!(
                        "puts together {left} and {right}; both sides of `{sign}` must be of one type"
                    ),
                },
            )
        })
    }
}

fn comparison(operator: Operator) -> Option<Op> {
    match operator {
        Operator::Lt => Some(Op::Lt),
        Operator::Le => Some(Op::Le),
        Operator::Gt => Some(Op::Gt),
        Operator::Ge => Some(Op::Ge),
        Operator::Eq => Some(Op::Eq),
        Operator::Ne => Some(Op::Ne),
        Operator::Or | Operator::And | Operator::Add | Operator::Sub | Operator::Mul => None,
    }
}
