//! Rule conditions: CEL's syntax, types and an evaluation of our own.
//!
//! ```text
//! in_sum_6h >= threshold.sum && out_sum_6h * 100 >= in_sum_6h * 90 && !event.cash
//! opened_for < duration("720h") && event.channel != "counter"
//! ```
//!
//! `parse` reads text into an untyped tree, with the `cel` crate's parser; `lower` makes it an
//! `engine::rule::Condition` and checks names, types and bounds on the way. Evaluation is the engine's,
//! over intervals (D16); where everything is known it agrees with CEL's (a test holds it to that).

mod bounds;
mod lower;
mod parser;
mod tree;
mod value_type;

pub use lower::lower;
pub use parser::parse;
pub use tree::{Expr, Node, Operator};
pub use value_type::ValueType;

use crate::engine::rule::Condition;
use crate::engine::signal::Signal;

/// The longest condition, in bytes.
pub const TEXT_BYTES_MAX: usize = 2_000;
/// The deepest nesting of a condition; keeps parser and evaluator off the end of the stack.
pub const DEPTH_MAX: usize = 24;
/// The largest constant: ten trillion yuan in fen, and far from where products could overflow.
pub const CONSTANT_MAX: i64 = 1_000_000_000_000_000;
/// How many different signals one rule may read, so that its evidence stays readable (D30).
pub const SIGNALS_MAX: usize = 12;
/// How many comparisons one condition may hold.
pub const COMPARISONS_MAX: usize = 32;

/// What is wrong with a condition, and where. `line` and `column` count from 1, within the condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct ExpressionError {
    pub line: usize,
    pub column: usize,
    pub message: String,
}

impl ExpressionError {
    /// An error at a byte offset of `text`.
    fn at(text: &str, offset: usize, message: impl Into<String>) -> ExpressionError {
        let (line, column) = place(text, offset);
        ExpressionError { line, column, message: message.into() }
    }
}

/// Line and column, from 1, of a byte offset of `text`.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    (line, before.rsplit('\n').next().unwrap_or("").chars().count() + 1)
}

/// Where a condition first reads a name: line and column, from 1. Of what is no expression, nowhere.
#[must_use]
pub fn place_of(text: &str, name: &str) -> Option<(usize, usize)> {
    let mut first = None;
    parse(text).ok()?.names(&mut |known, offset| {
        if known == name && first.is_none() {
            first = Some(offset);
        }
    });
    first.map(|offset| place(text, offset))
}

/// What a condition may name.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// In the order of their numbers.
    pub signals: &'a [Signal],
    pub constants: &'a [Constant],
}

/// A figure that stands outside of the condition: `threshold.NAME`, `limit.value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constant {
    /// As the condition names it, with its prefix.
    pub name: String,
    pub value: i64,
    /// Its type; `None` fits whatever it is compared with, as a bare number does.
    pub kind: Option<ValueType>,
}

/// Parses, checks and lowers a condition.
///
/// # Errors
/// The first thing wrong, with line, column and what to do.
pub fn compile(text: &str, scope: Scope<'_>) -> Result<Condition, ExpressionError> {
    lower(text, &parse(text)?, scope)
}

#[cfg(test)]
mod tests;
