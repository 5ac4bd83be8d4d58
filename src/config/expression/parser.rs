//! CEL text to our untyped tree: the `cel` crate reads the syntax, and what conditions do not use is
//! refused here. Nothing else names that crate.

use cel::common::ast::{CallExpr, Expr as Parsed, IdedExpr, LiteralValue, SourceInfo, operators};
use cel::parser::{ParseErrors, Parser};

use super::tree::{Expr, Node, Operator};
use super::{CONSTANT_MAX, DEPTH_MAX, ExpressionError, TEXT_BYTES_MAX};

/// Levels of the grammar that the crate may descend; our own depth is checked on the tree.
const NESTING_MAX: u16 = 32;

/// Parses a condition.
///
/// # Errors
/// The first place that is not an expression, or is one that conditions do not use.
pub fn parse(text: &str) -> Result<Expr, ExpressionError> {
    if text.len() > TEXT_BYTES_MAX {
        let message = format!("too long; at most {TEXT_BYTES_MAX} bytes, so make two rules of it");
        return Err(ExpressionError::at(text, 0, message));
    }
    if text.trim().is_empty() {
        return Err(ExpressionError::at(text, 0, "is empty; write a comparison such as `in_count_1d >= 5`"));
    }
    if let Some(offset) = too_deep(text) {
        return Err(ExpressionError::at(text, offset, nested()));
    }
    let parser = Parser::new().max_recursion_depth(NESTING_MAX).error_recovery_limit(1);
    let (parsed, places) = parser.parse_with_source_info(text).map_err(|errors| syntax(text, &errors))?;
    Reading { text, places }.expr(&parsed, 0)
}

fn nested() -> String {
    format!("nested more than {DEPTH_MAX} deep; make two rules of it")
}

fn too_large() -> String {
    format!("the largest constant is {CONSTANT_MAX}, without a suffix; use a smaller one")
}

/// Where brackets and signs stand deeper than a person could follow: the crate's parser descends
/// through a dozen functions for each, and is not to meet the end of the stack.
fn too_deep(text: &str) -> Option<usize> {
    let (mut brackets, mut signs) = (0_usize, 0_usize);
    for (offset, letter) in text.char_indices() {
        match letter {
            '(' | '[' | '{' => brackets += 1,
            ')' | ']' | '}' => brackets = brackets.saturating_sub(1),
            '!' | '-' | '?' => signs += 1,
            letter if letter.is_whitespace() => {}
            _ => signs = 0,
        }
        if brackets > DEPTH_MAX || signs > DEPTH_MAX {
            return Some(offset);
        }
    }
    None
}

/// The crate's first complaint, at its place, in words that help.
fn syntax(text: &str, errors: &ParseErrors) -> ExpressionError {
    let Some(error) = errors.errors.first() else {
        return ExpressionError::at(text, 0, "is no expression");
    };
    let (line, column) =
        (usize::try_from(error.pos.0).unwrap_or(1), usize::try_from(error.pos.1).unwrap_or(1));
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = text.get(before..).unwrap_or("");
    let offset = before + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at);
    // The crate points at the letter after a lone sign, or at the sign itself.
    let tail = text.get(offset..).unwrap_or("");
    let before = text.get(..offset).unwrap_or("").trim_end();
    let lone_sign_before = before.strip_suffix('=').is_some_and(|rest| !rest.ends_with(['<', '>', '=', '!']));
    let message = match tail.trim_start().chars().next() {
        None => "ends too early; a signal, a number or `)` must follow".to_owned(),
        Some(_) if tail.starts_with('=') || lone_sign_before => {
            "is no comparison; write `==` to compare".to_owned()
        }
        Some('&') => "write `&&` for and".to_owned(),
        Some('|') => "write `||` for or".to_owned(),
        Some(letter) => {
            let word: String =
                tail.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
            let is_number = word.bytes().all(|byte| byte.is_ascii_digit()) && !word.is_empty();
            if is_number && word.parse::<i64>().is_err() {
                too_large()
            } else {
                let found = if word.is_empty() { letter.to_string() } else { word };
                format!("`{found}` is not expected here")
            }
        }
    };
    ExpressionError::at(text, offset, message)
}

struct Reading<'a> {
    text: &'a str,
    places: SourceInfo,
}

impl Reading<'_> {
    /// The byte offset of a node; the crate counts letters.
    fn offset(&self, of: &IdedExpr) -> usize {
        let letters = self.places.offset_for(of.id).map_or(0, |(start, _)| start as usize);
        self.text.char_indices().nth(letters).map_or(self.text.len(), |(at, _)| at)
    }

    fn refuse<T>(&self, at: usize, message: impl Into<String>) -> Result<T, ExpressionError> {
        Err(ExpressionError::at(self.text, at, message))
    }

    fn expr(&self, parsed: &IdedExpr, depth: usize) -> Result<Expr, ExpressionError> {
        let offset = self.offset(parsed);
        if depth > DEPTH_MAX {
            return self.refuse(offset, nested());
        }
        let node = match &parsed.expr {
            Parsed::Literal(literal) => self.literal(literal, offset)?,
            Parsed::Ident(_) | Parsed::Select(_) => return self.name(parsed),
            Parsed::Call(call) => self.call(call, offset, depth)?,
            Parsed::List(_) | Parsed::Map(_) | Parsed::Struct(_) => {
                return self.refuse(
                    offset,
                    "there are no lists, maps or messages here; write comparisons joined by `||`",
                );
            }
            Parsed::Comprehension(_) => {
                return self.refuse(offset, "there are no macros here; measure it as a signal instead");
            }
            Parsed::Unspecified => return self.refuse(offset, "is no expression"),
        };
        Ok(Expr { node, offset })
    }

    fn literal(&self, literal: &LiteralValue, offset: usize) -> Result<Node, ExpressionError> {
        match literal {
            LiteralValue::Int(value) if value.inner().unsigned_abs() <= CONSTANT_MAX.unsigned_abs() => {
                Ok(Node::Int(*value.inner()))
            }
            LiteralValue::Int(_) | LiteralValue::UInt(_) => self.refuse(offset, too_large()),
            LiteralValue::Boolean(value) => Ok(Node::Bool(*value.inner())),
            LiteralValue::String(value) => Ok(Node::Text(value.inner().to_owned())),
            LiteralValue::Double(_) => self.refuse(
                offset,
                "only integers are used; amounts are in minor units, and a share is written as `a * 100 >= b * 90`",
            ),
            LiteralValue::Bytes(_) | LiteralValue::Null => {
                self.refuse(offset, "there are no bytes and no null here; what is not known never holds")
            }
        }
    }

    /// A name with its dots, such as `event.amount`. It stands where it begins.
    fn name(&self, parsed: &IdedExpr) -> Result<Expr, ExpressionError> {
        let mut parts = Vec::new();
        let mut at = parsed;
        loop {
            match &at.expr {
                Parsed::Ident(name) => {
                    parts.push(name.as_str());
                    break;
                }
                Parsed::Select(select) if !select.test => {
                    parts.push(select.field.as_str());
                    at = &select.operand;
                }
                Parsed::Select(_) => {
                    return self.refuse(
                        self.offset(parsed),
                        "there is no `has`; compare the field itself: what an event does not say never holds",
                    );
                }
                _ => {
                    return self.refuse(self.offset(parsed), "`.` follows a name only, as in `event.amount`");
                }
            }
        }
        parts.reverse();
        Ok(Expr { node: Node::Name(parts.join(".")), offset: self.offset(at) })
    }

    fn call(&self, call: &CallExpr, offset: usize, depth: usize) -> Result<Node, ExpressionError> {
        let part = |place: usize| match call.args.get(place) {
            Some(argument) => self.expr(argument, depth + 1).map(Box::new),
            None => self.refuse(offset, "something is missing beside this"),
        };
        if let Some(operator) = binary(&call.func_name) {
            // The crate balances chains of `&&` and `||`; only the others deepen the tree.
            return Ok(Node::Binary(operator, part(0)?, part(1)?));
        }
        match call.func_name.as_str() {
            operators::LOGICAL_NOT => Ok(Node::Not(part(0)?)),
            operators::NEGATE => Ok(Node::Negate(part(0)?)),
            operators::CONDITIONAL => Ok(Node::If(part(0)?, part(1)?, part(2)?)),
            operators::DIVIDE => self.refuse(offset, "there is no division; multiply the other side instead"),
            operators::MODULO => {
                self.refuse(offset, "there is no `%`, the remainder of a division; compare with bounds instead")
            }
            operators::IN => self.refuse(offset, "there is no `in`; write `a == \"x\" || a == \"y\"`"),
            "duration" if call.target.is_none() && call.args.len() == 1 => match part(0)?.node {
                Node::Text(text) => match duration(&text) {
                    Some(span) => Ok(Node::Duration(span)),
                    None => self.refuse(offset, format!("`{text}` is no duration; write hours, minutes and seconds, such as `duration(\"24h\")` or `duration(\"1h30m\")`")),
                },
                _ => self.refuse(offset, "a duration is written in quotes, such as `duration(\"24h\")`"),
            },
            other => self.refuse(offset, format!("there is no function `{other}`; conditions use `duration(\"24h\")` and no other")),
        }
    }
}

fn binary(function: &str) -> Option<Operator> {
    Some(match function {
        operators::LOGICAL_OR => Operator::Or,
        operators::LOGICAL_AND => Operator::And,
        operators::LESS => Operator::Lt,
        operators::LESS_EQUALS => Operator::Le,
        operators::GREATER => Operator::Gt,
        operators::GREATER_EQUALS => Operator::Ge,
        operators::EQUALS => Operator::Eq,
        operators::NOT_EQUALS => Operator::Ne,
        operators::ADD => Operator::Add,
        operators::SUBSTRACT => Operator::Sub,
        operators::MULTIPLY => Operator::Mul,
        _ => return None,
    })
}

/// Milliseconds of CEL's `24h`, `1h30m`, `90s`; no fractions.
fn duration(text: &str) -> Option<i64> {
    let mut total: i64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let count: i64 = rest.get(..digits)?.parse().ok()?;
        let unit = rest.get(digits..)?;
        let (unit_ms, length) = if unit.starts_with("ms") {
            (1, 2)
        } else {
            (
                match unit.chars().next()? {
                    'h' => 3_600_000,
                    'm' => 60_000,
                    's' => 1_000,
                    _ => return None,
                },
                1,
            )
        };
        total = total.checked_add(count.checked_mul(unit_ms)?)?;
        rest = unit.get(length..)?;
    }
    (!text.is_empty() && total <= CONSTANT_MAX).then_some(total)
}
