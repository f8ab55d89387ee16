//! Lambda functions of the users, not of Tidegate: what each answers, and what it was asked.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserFunction {
    /// How its calls end, in order; the last one holds from then on.
    pub answers: Vec<FunctionAnswer>,
    /// What it writes, before Lambda's own lines.
    pub lines: Vec<String>,
    /// Aliases and versions that it has, beside `$LATEST`.
    pub aliases: Vec<String>,
    /// Seconds that a call takes.
    pub seconds: u32,
    /// Memory in MB.
    pub memory_mb: u32,
    /// What it was asked, in order.
    pub asked: Vec<Value>,
}

/// How a call of a function ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FunctionAnswer {
    /// It returns this text.
    Returns(String),
    /// It ends with an error: type and message.
    Fails(String, String),
    /// Lambda does not take the call.
    Throttled,
}

impl UserFunction {
    /// A function with these answers that takes two seconds.
    pub fn answering(answers: Vec<FunctionAnswer>) -> Self {
        Self {
            answers,
            lines: Vec::new(),
            aliases: Vec::new(),
            seconds: 2,
            memory_mb: 512,
            asked: Vec::new(),
        }
    }

    /// Whether it has an alias or a version.
    pub fn has(&self, qualifier: Option<&str>) -> bool {
        qualifier.is_none_or(|name| name == "$LATEST" || self.aliases.iter().any(|alias| alias == name))
    }

    /// Takes a call and says how it ends.
    pub(crate) fn take(&mut self, payload: Value) -> FunctionAnswer {
        let last = FunctionAnswer::Returns("null".to_owned());
        let answer = self.answers.get(self.asked.len()).or(self.answers.last());
        let answer = answer.cloned().unwrap_or(last);
        self.asked.push(payload);
        answer
    }
}
