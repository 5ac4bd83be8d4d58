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
        let before = text.get(..offset.min(text.len())).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        ExpressionError { line, column, message: message.into() }
    }
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
mod tests {
    use super::*;
    use crate::engine::rule::Interval;

    const NAMES: [&str; 3] = ["in_sum_6h", "out_sum_6h", "payer_count_1d"];

    fn message(text: &str) -> String {
        compile(text, &NAMES).expect_err(text).to_string()
    }

    /// A plain evaluator of the untyped tree, over points: what CEL would say.
    fn plain(expr: &Expr, values: &[i128; 3], amount: i128) -> i128 {
        let number = |x: &Expr| plain(x, values, amount);
        match &expr.node {
            Node::Int(value) => i128::from(*value),
            Node::Bool(value) => i128::from(*value),
            Node::Name(name) if name == "event.amount" => amount,
            Node::Name(name) => values[NAMES.iter().position(|known| known == name).unwrap()],
            Node::Not(inner) => 1 - number(inner),
            Node::Negate(inner) => -number(inner),
            Node::Binary(op, a, b) => {
                let (a, b) = (number(a), number(b));
                match op {
                    Operator::Add => a + b,
                    Operator::Sub => a - b,
                    Operator::Mul => a * b,
                    Operator::And => a & b,
                    Operator::Or => a | b,
                    Operator::Lt => i128::from(a < b),
                    Operator::Le => i128::from(a <= b),
                    Operator::Gt => i128::from(a > b),
                    Operator::Ge => i128::from(a >= b),
                    Operator::Eq => i128::from(a == b),
                    Operator::Ne => i128::from(a != b),
                }
            }
        }
    }

    fn holds(condition: &Condition, values: &[i128; 3], amount: i64) -> bool {
        let mut read = |number: usize| Interval::point(values[number]);
        match condition {
            Condition::All(parts) => parts.iter().all(|part| holds(part, values, amount)),
            Condition::Any(parts) => parts.iter().any(|part| holds(part, values, amount)),
            Condition::Not(part) => !holds(part, values, amount),
            Condition::Compare { left, op, right } => {
                left.eval(&mut read, amount).compare(*op, right.eval(&mut read, amount)).unwrap()
            }
        }
    }

    #[test]
    fn lowering_keeps_the_meaning_of_the_tree() {
        let texts = [
            "in_sum_6h >= 5 && (out_sum_6h * 2 < payer_count_1d || !(event.amount == 1))",
            "in_sum_6h - out_sum_6h - payer_count_1d > 0",
            "in_sum_6h - (out_sum_6h - payer_count_1d) > 0",
            "in_sum_6h + out_sum_6h * 3 != event.amount",
            "in_sum_6h > 1 || out_sum_6h > 1 && payer_count_1d > 1",
            "!(in_sum_6h > 1) && !!(out_sum_6h <= -1 + 2)",
        ];
        for text in texts {
            let tree = parse(text).unwrap();
            let condition = lower(text, &tree, &NAMES).unwrap();
            for round in 0..343_i64 {
                let values = [round % 7, round / 7 % 7, round / 49].map(i128::from);
                let amount = (round * 3) % 5;
                assert_eq!(
                    holds(&condition, &values, amount),
                    plain(&tree, &values, i128::from(amount)) == 1,
                    "{text} with {values:?} and {amount}"
                );
            }
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        let text = "in_sum_6h > 1 &&\n  out_sum_6 > 2";
        assert_eq!(message(text), "line 2, column 3: unknown signal `out_sum_6`; did you mean `out_sum_6h`?");
        assert!(message("event.amont > 1").contains("did you mean `event.amount`?"));
        assert!(message("qqqqqqqqqqqqq > 1").contains("declare it under config/signals"));
    }

    #[test]
    fn types_are_checked() {
        assert!(message("in_sum_6h").contains("compare it with something"));
        assert!(message("in_sum_6h && out_sum_6h > 1").contains("needs a comparison"));
        assert!(message("1 < in_sum_6h < 5").contains("write `a < b && b < c`"));
        assert!(message("!in_sum_6h").contains("needs a comparison"));
        assert!(message("(in_sum_6h > 1) + 2 > 3").contains("needs an integer"));
        assert!(message("true").contains("true or false whatever happens"));
        assert!(message("1 < 2").contains("reads nothing"));
    }

    #[test]
    fn syntax_errors_point_at_the_place() {
        assert!(message("in_sum_6h >= ").contains("line 1, column 14"));
        assert!(message("in_sum_6h = 5").contains("write `==`"));
        assert!(message("in_sum_6h > 1 & out_sum_6h > 1").contains("write `&&`"));
        assert!(message("(in_sum_6h > 1").contains("`)` is missing"));
        assert!(message("in_sum_6h > 1.5").contains("only integers"));
        assert!(message("in_sum_6h / 2 > 1").contains("there is no division"));
        assert!(message("in_sum_6h > 1 1").contains("not expected here"));
        assert!(message("in_sum_6h > 金").contains("column 13"));
        assert!(message("").contains("is empty"));
    }

    #[test]
    fn bounds_are_held() {
        assert!(message("in_sum_6h > 1000000000000001").contains("largest constant"));
        assert!(message("in_sum_6h > 99999999999999999999").contains("largest constant"));
        assert!(message("in_sum_6h * out_sum_6h > 1").contains("both sides of `*` read signals"));
        assert!(message("in_sum_6h * (0 - 3) > 1").contains("could be negative"));
        assert!(message("in_sum_6h * (1 - event.amount) > 1").contains("could be negative"));
        assert!(compile("in_sum_6h * 3 > event.amount * 2", &NAMES).is_ok());
        let large = "in_sum_6h * 1000000000000000 * event.amount > 1";
        assert!(message(large).contains("overflow"));
        let deep = format!("{}in_sum_6h > 1{}", "(".repeat(60), ")".repeat(60));
        assert!(message(&deep).contains("nested"));
        let nots = format!("{}(in_sum_6h > 1)", "!".repeat(60));
        assert!(message(&nots).contains("nested"));
        let many = vec!["in_sum_6h > 1"; 33].join(" && ");
        assert!(message(&many).contains("comparisons"));
        assert!(message(&" ".repeat(2_001)).contains("too long"));
    }

    #[test]
    fn no_text_makes_the_parser_panic() {
        let words =
            ["(", ")", "!", "&&", "||", "-", "*", "5", "in_sum_6h", ".", "event", ">", "=", "金", "\n", "&"];
        let mut seed: u64 = 7;
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..seed % 12 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                text.push_str(words[(seed >> 33) as usize % words.len()]);
            }
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            if let Ok(tree) = parse(&text) {
                let _ = lower(&text, &tree, &NAMES);
            }
        }
    }
}
