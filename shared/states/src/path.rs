//! Reference paths: `$`, `$.a.b`, `$.a[0]`, `$['a b']`, and the same into the
//! context object after `$$`.

use serde_json::{Map, Value};

/// What a path is applied to.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) data: &'a Value,
    pub(crate) context: &'a Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Root {
    Data,
    Context,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Field(String),
    Index(usize),
}

/// A path to exactly one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    root: Root,
    steps: Vec<Step>,
    text: String,
}

/// The part of the context object that our machines may read.
const CONTEXT_FIELDS: [(&str, &[&str]); 4] = [
    ("Execution", &["Id", "Name", "Input", "StartTime"]),
    ("State", &["Name", "EnteredTime", "RetryCount"]),
    ("StateMachine", &["Id", "Name"]),
    ("Task", &["Token"]),
];

impl Path {
    /// `$`: everything.
    pub(crate) fn whole() -> Self {
        Self {
            root: Root::Data,
            steps: Vec::new(),
            text: "$".to_owned(),
        }
    }

    /// Reads a path. The error is the rest of a sentence about the text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("has the path `{text}`, {why}");
        let (root, rest) = match (text.strip_prefix("$$"), text.strip_prefix('$')) {
            (Some(rest), _) => (Root::Context, rest),
            (None, Some(rest)) => (Root::Data, rest),
            (None, None) => return Err(wrong("which does not begin with `$`")),
        };
        let steps = parse_steps(rest).map_err(|why| wrong(&why))?;
        if root == Root::Context && !is_known_context(&steps) {
            return Err(wrong("which is not a supported part of the context object"));
        }
        Ok(Self {
            root,
            steps,
            text: text.to_owned(),
        })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_context(&self) -> bool {
        self.root == Root::Context
    }

    /// Whether this is `$$.Task.Token`.
    pub(crate) fn is_token(&self) -> bool {
        self.root == Root::Context && self.steps.first() == Some(&Step::Field("Task".to_owned()))
    }

    /// The node, or `None` where the path leads nowhere.
    pub(crate) fn get<'a>(&self, scope: Scope<'a>) -> Option<&'a Value> {
        let root = match self.root {
            Root::Data => scope.data,
            Root::Context => scope.context,
        };
        self.steps.iter().try_fold(root, |node, step| match step {
            Step::Field(name) => node.as_object()?.get(name),
            Step::Index(index) => node.as_array()?.get(*index),
        })
    }

    /// `target` with the node replaced by `value`. Fields that are missing on
    /// the way are made; list items are only replaced. `None` where the path
    /// does not fit `target`.
    pub(crate) fn put(&self, mut target: Value, value: Value) -> Option<Value> {
        let mut node = &mut target;
        let mut made = false;
        for step in &self.steps {
            if made {
                *node = Value::Object(Map::new());
                made = false;
            }
            node = match step {
                Step::Field(name) => {
                    let fields = node.as_object_mut()?;
                    made = !fields.contains_key(name);
                    fields.entry(name.clone()).or_insert(Value::Null)
                }
                Step::Index(index) => node.as_array_mut()?.get_mut(*index)?,
            };
        }
        *node = value;
        Some(target)
    }
}

fn is_known_context(steps: &[Step]) -> bool {
    let [Step::Field(section), Step::Field(field), deeper @ ..] = steps else {
        return false;
    };
    let known = CONTEXT_FIELDS
        .iter()
        .any(|(name, fields)| name == section && fields.contains(&field.as_str()));
    known && (deeper.is_empty() || field == "Input")
}

fn parse_steps(mut rest: &str) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (step, tail) = if let Some(after) = rest.strip_prefix('.') {
            parse_dotted(after)?
        } else if let Some(after) = rest.strip_prefix("['") {
            let (name, tail) = after.split_once("']").ok_or("whose bracket is not closed")?;
            (Step::Field(name.to_owned()), tail)
        } else if let Some(after) = rest.strip_prefix('[') {
            let (index, tail) = after.split_once(']').ok_or("whose bracket is not closed")?;
            let index = index
                .parse()
                .map_err(|_| "whose index is not a whole number: only paths to one node are supported")?;
            (Step::Index(index), tail)
        } else {
            return Err("which does not go on with `.name` or `[0]`".to_owned());
        };
        steps.push(step);
        rest = tail;
    }
    Ok(steps)
}

fn parse_dotted(after: &str) -> Result<(Step, &str), String> {
    let end = after
        .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'))
        .unwrap_or(after.len());
    if end == 0 {
        return Err("which has no name after a `.`: only paths to one node are supported".to_owned());
    }
    let (name, tail) = after.split_at(end);
    Ok((Step::Field(name.to_owned()), tail))
}
