//! Text to words, each with its byte offset.

use super::tree::Operator;
use super::{CONSTANT_MAX, ExpressionError};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Int(i64),
    Name(String),
    Operator(Operator),
    Not,
    Open,
    Close,
}

/// All words of a text, in order.
///
/// # Errors
/// At the first character that begins no word.
pub(super) fn words(text: &str) -> Result<Vec<(Word, usize)>, ExpressionError> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let offset = text.len() - rest.len();
        let (word, length) = match first {
            '0'..='9' => integer(text, rest, offset)?,
            'a'..='z' | 'A'..='Z' | '_' => name(rest),
            _ => symbol(text, rest, offset, first)?,
        };
        found.push((word, offset));
        rest = rest.get(length..).unwrap_or("").trim_start();
    }
    Ok(found)
}

fn span(rest: &str, belongs: impl Fn(char) -> bool) -> usize {
    rest.find(|letter| !belongs(letter)).unwrap_or(rest.len())
}

fn integer(text: &str, rest: &str, offset: usize) -> Result<(Word, usize), ExpressionError> {
    let length = span(rest, |letter| letter.is_ascii_digit());
    if rest.get(length..).is_some_and(|after| after.starts_with('.')) {
        return Err(ExpressionError::at(
            text,
            offset,
            "only integers are used; amounts are in minor units, and a share is written as `a * 100 >= b * 90`",
        ));
    }
    rest.get(..length)
        .and_then(|digits| digits.parse::<i64>().ok())
        .filter(|value| *value <= CONSTANT_MAX)
        .map(|value| (Word::Int(value), length))
        .ok_or_else(|| {
            ExpressionError::at(
                text,
                offset,
                format!("the largest constant is {CONSTANT_MAX}; use a smaller one"),
            )
        })
}

fn name(rest: &str) -> (Word, usize) {
    let length = span(rest, |letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.'));
    (Word::Name(rest.get(..length).unwrap_or("").to_owned()), length)
}

fn symbol(text: &str, rest: &str, offset: usize, first: char) -> Result<(Word, usize), ExpressionError> {
    const SYMBOLS: [(&str, Word); 14] = [
        ("&&", Word::Operator(Operator::And)),
        ("||", Word::Operator(Operator::Or)),
        ("<=", Word::Operator(Operator::Le)),
        (">=", Word::Operator(Operator::Ge)),
        ("==", Word::Operator(Operator::Eq)),
        ("!=", Word::Operator(Operator::Ne)),
        ("<", Word::Operator(Operator::Lt)),
        (">", Word::Operator(Operator::Gt)),
        ("+", Word::Operator(Operator::Add)),
        ("-", Word::Operator(Operator::Sub)),
        ("*", Word::Operator(Operator::Mul)),
        ("!", Word::Not),
        ("(", Word::Open),
        (")", Word::Close),
    ];
    if let Some((sign, word)) = SYMBOLS.into_iter().find(|(sign, _)| rest.starts_with(sign)) {
        return Ok((word, sign.len()));
    }
    let hint = match first {
        '=' => "write `==` to compare".to_owned(),
        '&' => "write `&&` for and".to_owned(),
        '|' => "write `||` for or".to_owned(),
        '/' | '%' => "there is no division; multiply the other side instead".to_owned(),
        '"' | '\'' => "there are no texts here; a condition compares integers".to_owned(),
        other => format!("`{other}` has no meaning here"),
    };
    Err(ExpressionError::at(text, offset, hint))
}
