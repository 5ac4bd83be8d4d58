//! The untyped tree that a parser makes. Positions are byte offsets into the text.

/// An expression and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expr {
    pub node: Node,
    pub offset: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    Int(i64),
    Bool(bool),
    /// A signal, or a field of the event (`event.amount`), dots included.
    Name(String),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    Binary(Operator, Box<Expr>, Box<Expr>),
}

/// Binary operators, loosest first, as in CEL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Or,
    And,
    Lt,
    Le,
    Gt,
    Ge,
    Eq,
    Ne,
    Add,
    Sub,
    Mul,
}

impl Operator {
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Operator::Or => "||",
            Operator::And => "&&",
            Operator::Lt => "<",
            Operator::Le => "<=",
            Operator::Gt => ">",
            Operator::Ge => ">=",
            Operator::Eq => "==",
            Operator::Ne => "!=",
            Operator::Add => "+",
            Operator::Sub => "-",
            Operator::Mul => "*",
        }
    }

    /// How tightly it binds; all are left-associative.
    #[must_use]
    pub fn precedence(self) -> u8 {
        match self {
            Operator::Or => 1,
            Operator::And => 2,
            Operator::Lt | Operator::Le | Operator::Gt | Operator::Ge | Operator::Eq | Operator::Ne => 3,
            Operator::Add | Operator::Sub => 4,
            Operator::Mul => 5,
        }
    }
}
