//! CloudWatch metric math, as far as alarms and Tidegate use it: numbers, ids,
//! `+ - * /`, comparisons, parentheses, `IF(c, a, b)` and `FILL(x, value)`.

use std::collections::BTreeMap;

/// Deepest nesting of an expression that is read.
const MAX_DEPTH: u32 = 32;
/// Longest expression (CloudWatch API reference, `MetricDataQuery`).
const MAX_LENGTH: usize = 2_048;

/// Why an expression can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// It is not well-formed, or uses what is not there.
    #[error("unexpected {found} at character {at} of the expression")]
    Unexpected {
        /// What was found.
        found: String,
        /// Position, from 0.
        at: usize,
    },
    /// It is too long or nested too deeply.
    #[error("the expression is too long or nested too deeply")]
    TooLarge,
}

/// An operator between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
}

impl Operator {
    fn precedence(self) -> u8 {
        match self {
            Self::Multiply | Self::Divide => 3,
            Self::Add | Self::Subtract => 2,
            Self::Greater
            | Self::GreaterOrEqual
            | Self::Less
            | Self::LessOrEqual
            | Self::Equal
            | Self::NotEqual => 1,
        }
    }

    /// A quotient by zero has no value, so that it makes no data point.
    fn apply(self, left: f64, right: f64) -> Option<f64> {
        let truth = |held: bool| Some(if held { 1.0 } else { 0.0 });
        match self {
            Self::Add => Some(left + right),
            Self::Subtract => Some(left - right),
            Self::Multiply => Some(left * right),
            Self::Divide => (right != 0.0).then(|| left / right),
            Self::Greater => truth(left > right),
            Self::GreaterOrEqual => truth(left >= right),
            Self::Less => truth(left < right),
            Self::LessOrEqual => truth(left <= right),
            Self::Equal => truth(left == right),
            Self::NotEqual => truth(left != right),
        }
    }
}

/// A parsed expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression(Node);

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Number(f64),
    Id(String),
    Negative(Box<Node>),
    Binary(Operator, Box<Node>, Box<Node>),
    If(Box<Node>, Box<Node>, Box<Node>),
    Fill(Box<Node>, Box<Node>),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Number(f64),
    Name(String),
    Operator(Operator),
    Open,
    Close,
    Comma,
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    ///
    /// [`ExpressionError`], if it is not well-formed, uses a function that is
    /// not there, or is too large.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        if text.len() > MAX_LENGTH {
            return Err(ExpressionError::TooLarge);
        }
        let mut parser = Parser {
            tokens: tokens(text)?,
            next: 0,
            end: text.len(),
        };
        let node = parser.expression(0, 0)?;
        match parser.peek() {
            None => Ok(Self(node)),
            Some(_) => Err(parser.unexpected()),
        }
    }

    /// Ids that it refers to.
    pub fn ids(&self) -> Vec<&str> {
        let mut ids = Vec::new();
        self.0.collect_ids(&mut ids);
        ids
    }

    /// Its value for one period, given each id's value; `None` where an operand
    /// has none.
    pub fn evaluate(&self, values: &BTreeMap<String, Option<f64>>) -> Option<f64> {
        self.0.evaluate(values).filter(|value| value.is_finite())
    }
}

impl Node {
    fn collect_ids<'n>(&'n self, ids: &mut Vec<&'n str>) {
        match self {
            Self::Number(_) => {}
            Self::Id(id) => ids.push(id),
            Self::Negative(inner) => inner.collect_ids(ids),
            Self::Binary(_, left, right) | Self::Fill(left, right) => {
                left.collect_ids(ids);
                right.collect_ids(ids);
            }
            Self::If(condition, then, otherwise) => {
                condition.collect_ids(ids);
                then.collect_ids(ids);
                otherwise.collect_ids(ids);
            }
        }
    }

    fn evaluate(&self, values: &BTreeMap<String, Option<f64>>) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Id(id) => values.get(id).copied().flatten(),
            Self::Negative(inner) => inner.evaluate(values).map(|value| -value),
            Self::Binary(operator, left, right) => {
                operator.apply(left.evaluate(values)?, right.evaluate(values)?)
            }
            Self::If(condition, then, otherwise) => {
                if condition.evaluate(values)? == 0.0 {
                    otherwise.evaluate(values)
                } else {
                    then.evaluate(values)
                }
            }
            Self::Fill(value, otherwise) => value.evaluate(values).or_else(|| otherwise.evaluate(values)),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<(usize, Token)>, ExpressionError> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        let pair = bytes.get(at + 1) == Some(&b'=');
        let token = match byte {
            b' ' | b'\t' | b'\n' | b'\r' => {
                at += 1;
                continue;
            }
            b'(' => Token::Open,
            b')' => Token::Close,
            b',' => Token::Comma,
            b'+' => Token::Operator(Operator::Add),
            b'-' => Token::Operator(Operator::Subtract),
            b'*' => Token::Operator(Operator::Multiply),
            b'/' => Token::Operator(Operator::Divide),
            b'>' if pair => Token::Operator(Operator::GreaterOrEqual),
            b'>' => Token::Operator(Operator::Greater),
            b'<' if pair => Token::Operator(Operator::LessOrEqual),
            b'<' => Token::Operator(Operator::Less),
            b'=' if pair => Token::Operator(Operator::Equal),
            b'!' if pair => Token::Operator(Operator::NotEqual),
            b'0'..=b'9' | b'.' => {
                let word = word_at(text, at, |byte| byte.is_ascii_digit() || byte == b'.');
                at += word.len();
                let number = word
                    .parse()
                    .map_err(|_| unexpected(&format!("'{word}'"), start))?;
                tokens.push((start, Token::Number(number)));
                continue;
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                let word = word_at(text, at, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
                at += word.len();
                tokens.push((start, Token::Name(word.to_owned())));
                continue;
            }
            other => return Err(unexpected(&format!("'{}'", char::from(other)), start)),
        };
        at += match token {
            Token::Operator(
                Operator::GreaterOrEqual | Operator::LessOrEqual | Operator::Equal | Operator::NotEqual,
            ) => 2,
            Token::Operator(
                Operator::Add
                | Operator::Subtract
                | Operator::Multiply
                | Operator::Divide
                | Operator::Greater
                | Operator::Less,
            )
            | Token::Open
            | Token::Close
            | Token::Comma
            | Token::Number(_)
            | Token::Name(_) => 1,
        };
        tokens.push((start, token));
    }
    Ok(tokens)
}

fn word_at(text: &str, from: usize, belongs: impl Fn(u8) -> bool) -> &str {
    let rest = text.get(from..).unwrap_or_default();
    let end = rest.bytes().position(|byte| !belongs(byte)).unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default()
}

fn unexpected(found: &str, at: usize) -> ExpressionError {
    ExpressionError::Unexpected {
        found: found.to_owned(),
        at,
    }
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    next: usize,
    end: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(_, token)| token)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.next += 1;
        token
    }

    fn unexpected(&self) -> ExpressionError {
        match self.tokens.get(self.next) {
            Some((at, token)) => unexpected(&format!("{token:?}"), *at),
            None => unexpected("end", self.end),
        }
    }

    fn expect(&mut self, wanted: &Token) -> Result<(), ExpressionError> {
        if self.peek() == Some(wanted) {
            self.next += 1;
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    /// Precedence climbing: operators of at least `least` bind here.
    fn expression(&mut self, least: u8, depth: u32) -> Result<Node, ExpressionError> {
        if depth > MAX_DEPTH {
            return Err(ExpressionError::TooLarge);
        }
        let mut left = self.operand(depth)?;
        let mut chained = 0;
        while let Some(Token::Operator(operator)) = self.peek() {
            let operator = *operator;
            if operator.precedence() < least.max(1) {
                break;
            }
            // A long chain nests to the left: bound it as well.
            chained += 1;
            if chained > 4 * MAX_DEPTH {
                return Err(ExpressionError::TooLarge);
            }
            self.next += 1;
            let right = self.expression(operator.precedence() + 1, depth + 1)?;
            left = Node::Binary(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn operand(&mut self, depth: u32) -> Result<Node, ExpressionError> {
        if depth > MAX_DEPTH {
            return Err(ExpressionError::TooLarge);
        }
        let before = self.next;
        match self.take() {
            Some(Token::Number(number)) => Ok(Node::Number(number)),
            Some(Token::Operator(Operator::Subtract)) => {
                Ok(Node::Negative(Box::new(self.operand(depth + 1)?)))
            }
            Some(Token::Open) => {
                let inner = self.expression(0, depth + 1)?;
                self.expect(&Token::Close)?;
                Ok(inner)
            }
            Some(Token::Name(name)) if self.peek() == Some(&Token::Open) => {
                self.next += 1;
                self.call(&name, before, depth)
            }
            Some(Token::Name(name)) => Ok(Node::Id(name)),
            Some(Token::Operator(_) | Token::Close | Token::Comma) | None => {
                self.next = before;
                Err(self.unexpected())
            }
        }
    }

    fn call(&mut self, name: &str, before: usize, depth: u32) -> Result<Node, ExpressionError> {
        let mut arguments = vec![self.expression(0, depth + 1)?];
        while self.peek() == Some(&Token::Comma) {
            self.next += 1;
            arguments.push(self.expression(0, depth + 1)?);
        }
        self.expect(&Token::Close)?;
        let mut arguments = arguments.into_iter().map(Box::new);
        let taken = [
            arguments.next(),
            arguments.next(),
            arguments.next(),
            arguments.next(),
        ];
        match (name.to_ascii_uppercase().as_str(), taken) {
            ("IF", [Some(condition), Some(then), Some(otherwise), None]) => {
                Ok(Node::If(condition, then, otherwise))
            }
            ("FILL", [Some(value), Some(otherwise), None, None]) => Ok(Node::Fill(value, otherwise)),
            _ => {
                self.next = before;
                Err(self.unexpected())
            }
        }
    }
}
