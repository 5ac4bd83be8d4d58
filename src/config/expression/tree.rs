//! The untyped tree that a condition is read into. Positions are byte offsets into the text.

/// An expression and where it stands: a name or literal where it begins, an operator where its sign is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expr {
    pub node: Node,
    pub offset: usize,
}

impl Expr {
    /// Calls `f` with each name that it reads and where that stands, left to right.
    pub fn names(&self, f: &mut dyn FnMut(&str, usize)) {
        match &self.node {
            Node::Name(name) => f(name, self.offset),
            Node::Not(inner) | Node::Negate(inner) => inner.names(f),
            Node::Binary(_, left, right) => {
                left.names(f);
                right.names(f);
            }
            Node::If(condition, first, second) => {
                condition.names(f);
                first.names(f);
                second.names(f);
            }
            Node::Int(_) | Node::Bool(_) | Node::Text(_) | Node::Duration(_) => {}
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    Int(i64),
    Bool(bool),
    /// A quoted word.
    Text(String),
    /// A signal, a figure, or a field of the event (`event.amount`), dots included.
    Name(String),
    /// `duration("24h")`, in milliseconds.
    Duration(i64),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    Binary(Operator, Box<Expr>, Box<Expr>),
    /// `condition ? first : second`.
    If(Box<Expr>, Box<Expr>, Box<Expr>),
}

/// Binary operators.
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
}
