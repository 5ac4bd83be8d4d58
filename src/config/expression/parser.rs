//! Words to an untyped tree, by precedence climbing.

use super::lexer::{Word, words};
use super::tree::{Expr, Node, Operator};
use super::{DEPTH_MAX, ExpressionError, TEXT_BYTES_MAX};

/// Parses a condition. This is the seam: a CEL parser gives the same tree for the same text.
///
/// # Errors
/// The first place that is not an expression.
pub fn parse(text: &str) -> Result<Expr, ExpressionError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(ExpressionError::at(
            text,
            0,
            format!("too long; at most {TEXT_BYTES_MAX} bytes, so make two rules of it"),
        ));
    }
    let words = words(text)?;
    if words.is_empty() {
        return Err(ExpressionError::at(text, 0, "is empty; write a comparison such as `in_count_1d >= 5`"));
    }
    let mut parser = Parser { text, words, place: 0 };
    let tree = parser.binary(1, 0)?;
    match parser.words.get(parser.place) {
        None => Ok(tree),
        Some((_, offset)) => {
            Err(parser.error(*offset, "this is not expected here; an operator is missing before it"))
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    words: Vec<(Word, usize)>,
    place: usize,
}

impl Parser<'_> {
    fn error(&self, offset: usize, message: impl Into<String>) -> ExpressionError {
        ExpressionError::at(self.text, offset, message)
    }

    fn next(&mut self) -> Option<(Word, usize)> {
        let word = self.words.get(self.place).cloned();
        self.place += 1;
        word
    }

    /// The operator that comes next, if it binds at least as tightly as `loosest`.
    fn operator(&self, loosest: u8) -> Option<Operator> {
        match self.words.get(self.place) {
            Some((Word::Operator(operator), _)) if operator.precedence() >= loosest => Some(*operator),
            _ => None,
        }
    }

    fn binary(&mut self, loosest: u8, depth: usize) -> Result<Expr, ExpressionError> {
        let mut left = self.unary(depth)?;
        let mut chain = depth;
        while let Some(operator) = self.operator(loosest) {
            self.place += 1;
            // A chain of equal operators leans left: `&&` and `||` are flattened later, so only the
            // others deepen the tree.
            if !matches!(operator, Operator::And | Operator::Or) {
                chain += 1;
            }
            let right = self.binary(operator.precedence() + 1, chain + 1)?;
            let offset = left.offset;
            left = Expr { node: Node::Binary(operator, Box::new(left), Box::new(right)), offset };
        }
        Ok(left)
    }

    fn unary(&mut self, depth: usize) -> Result<Expr, ExpressionError> {
        let Some((word, offset)) = self.next() else {
            return Err(self.error(self.text.len(), "ends too early; a signal, a number or `(` must follow"));
        };
        if depth > DEPTH_MAX {
            return Err(
                self.error(offset, format!("nested more than {DEPTH_MAX} deep; make two rules of it"))
            );
        }
        let node = match word {
            Word::Int(value) => Node::Int(value),
            Word::Name(name) if name == "true" => Node::Bool(true),
            Word::Name(name) if name == "false" => Node::Bool(false),
            Word::Name(name) => Node::Name(name),
            Word::Not => Node::Not(Box::new(self.unary(depth + 1)?)),
            Word::Operator(Operator::Sub) => Node::Negate(Box::new(self.unary(depth + 1)?)),
            Word::Open => return self.parenthesised(offset, depth),
            Word::Close => return Err(self.error(offset, "nothing stands before this `)`")),
            Word::Operator(operator) => {
                let message = format!("`{}` needs something on its left", operator.symbol());
                return Err(self.error(offset, message));
            }
        };
        Ok(Expr { node, offset })
    }

    fn parenthesised(&mut self, offset: usize, depth: usize) -> Result<Expr, ExpressionError> {
        let inner = self.binary(1, depth + 1)?;
        match self.next() {
            Some((Word::Close, _)) => Ok(inner),
            Some((_, other)) => Err(self.error(other, "a `)` is missing before this")),
            None => Err(self.error(offset, "the closing `)` is missing")),
        }
    }
}
