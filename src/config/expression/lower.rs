//! Untyped tree to the engine's condition: names, types and bounds are checked here.

use std::collections::BTreeSet;

use super::bounds::Range;
use super::tree::{Expr, Node, Operator};
use super::{COMPARISONS_MAX, ExpressionError, SIGNALS_MAX, Scope};
use crate::config::nearest::nearest;
use crate::engine::attributes::Field;
use crate::engine::rule::{Condition, Op, Term};

/// Checks a tree and lowers it. `signals` are the readable names in the order of their numbers.
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
            Node::Binary(operator, left, right) => {
                let Some(op) = comparison(*operator) else {
                    return Err(self.error(expr, "this is an integer; a condition needs a comparison here"));
                };
                self.compare(expr, op, left, right)
            }
            Node::Bool(_) => Err(self.error(expr, "is true or false whatever happens; leave it out")),
            Node::Name(_) => Err(self.error(expr, "this is an integer; compare it with something, such as `>= 5`; a condition needs a comparison here")),
            Node::Int(_) | Node::Negate(_) => {
                Err(self.error(expr, "this is an integer; a condition needs a comparison here"))
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

    fn compare(
        &mut self,
        expr: &Expr,
        op: Op,
        left: &Expr,
        right: &Expr,
    ) -> Result<Condition, ExpressionError> {
        self.comparisons += 1;
        if self.comparisons > COMPARISONS_MAX {
            return Err(self.error(
                expr,
                format!("holds more than {COMPARISONS_MAX} comparisons; make two rules of it"),
            ));
        }
        let chained = [left, right].into_iter().any(|side| match &side.node {
            Node::Binary(operator, ..) => comparison(*operator).is_some(),
            _ => false,
        });
        if chained {
            return Err(
                self.error(expr, "a comparison gives true or false, not a number; write `a < b && b < c`")
            );
        }
        let (left, _) = self.term(left)?;
        let (right, _) = self.term(right)?;
        Ok(Condition::Compare { left, op, right })
    }

    /// An integer expression and the range of its possible values.
    fn term(&mut self, expr: &Expr) -> Result<(Term, Range), ExpressionError> {
        match &expr.node {
            Node::Int(value) => Ok((Term::Constant(*value), Range::constant(*value))),
            Node::Negate(inner) => self.negated(expr, inner),
            Node::Name(name) => self.name(expr, name),
            Node::Binary(operator, left, right) => self.arithmetic(expr, *operator, left, right),
            Node::Bool(_) | Node::Not(_) => {
                Err(self.error(expr, "this is true or false; an operator beside it needs an integer"))
            }
        }
    }

    fn negated(&mut self, expr: &Expr, inner: &Expr) -> Result<(Term, Range), ExpressionError> {
        match &inner.node {
            // Constants are at most 10^15, so they can always be negated.
            Node::Int(value) => Ok((Term::Constant(-value), Range::constant(-value))),
            _ => Err(self.error(expr, "`-` before a name is not used here; write `0 - name`")),
        }
    }

    fn name(&mut self, expr: &Expr, name: &str) -> Result<(Term, Range), ExpressionError> {
        if let Some(field) = Field::from_name(name) {
            self.event_read = true;
            return Ok((Term::Field(field), Range::amount()));
        }
        if let Some(constant) = self.scope.constants.iter().find(|constant| constant.name == name) {
            return Ok((Term::Constant(constant.value), Range::constant(constant.value)));
        }
        if let Some(number) = self.scope.signals.iter().position(|known| known.name == name) {
            self.read.insert(number);
            return Ok((Term::Signal(number), Range::signal()));
        }
        let known = self.scope.signals.iter().map(|signal| signal.name.as_str());
        let known = known.chain(self.scope.constants.iter().map(|constant| constant.name.as_str()));
        let message = match nearest(name, known.chain(Field::ALL.map(Field::name))) {
            Some(near) => format!("unknown signal `{name}`; did you mean `{near}`?"),
            None => format!("unknown signal `{name}`; declare it under config/signals"),
        };
        Err(self.error(expr, message))
    }

    fn arithmetic(
        &mut self,
        expr: &Expr,
        operator: Operator,
        left: &Expr,
        right: &Expr,
    ) -> Result<(Term, Range), ExpressionError> {
        if !matches!(operator, Operator::Add | Operator::Sub | Operator::Mul) {
            let message =
                format!("`{}` gives true or false; an integer needs an integer here", operator.symbol());
            return Err(self.error(expr, message));
        }
        let (left_term, left_range) = self.term(left)?;
        let (right_term, right_range) = self.term(right)?;
        let range = match operator {
            Operator::Add => left_range.add(right_range),
            Operator::Sub => left_range.sub(right_range),
            _ => left_range.mul(right_range).map_err(|why| self.error(expr, why))?,
        };
        let range = range.ok_or_else(|| self.error(expr, "this could overflow; use smaller constants"))?;
        let (a, b) = (Box::new(left_term), Box::new(right_term));
        let term = match operator {
            Operator::Add => Term::Add(a, b),
            Operator::Sub => Term::Sub(a, b),
            _ => Term::Mul(a, b),
        };
        Ok((term, range))
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
