//! The tree of the file against the table of keys.
//!
//! What comes out holds only known keys with values of the right type, unit and range. What those
//! values mean together is for `build`.

use super::fields::{Fields, Items, Named, Value, fill_in};
use super::keys::{Key, Kind, MOST_WITHIN, Presence, Section, TextRule};
use super::problem::{Draft, ProblemCode, Problems, Span};
use super::scalar::{self, Scalar};
use super::tree::{Entry, Node, Tree, is_null};

/// Checks the whole file.
pub(super) fn check_file(
    section: &'static Section,
    tree: Tree,
    text: &str,
    problems: &mut Problems,
) -> Option<Fields> {
    let mut checker = Checker {
        root: section,
        text,
        problems,
    };
    match tree.node {
        Node::Mapping(_) => checker.section(section, tree, ""),
        Node::Scalar { .. } | Node::Sequence(_) => {
            let message = format!(
                "a deployment file is a section of keys, not {}",
                tree.node.describe()
            );
            let draft = Draft::new(ProblemCode::WrongType, tree.span, message);
            checker
                .problems
                .push(draft.help("start with `environment: ...` and `strategy: ...`"));
            None
        }
    }
}

/// What a map takes.
struct MapRules {
    names: &'static TextRule,
    of: &'static TextRule,
    within: Option<&'static TextRule>,
}

struct Checker<'a> {
    root: &'static Section,
    text: &'a str,
    problems: &'a mut Problems,
}

impl Checker<'_> {
    fn section(&mut self, section: &'static Section, tree: Tree, path: &str) -> Option<Fields> {
        let Node::Mapping(entries) = tree.node else {
            self.wrong_type(&Kind::Section(section), &tree, path);
            return None;
        };
        let mut fields = Fields::at(tree.span);
        for entry in entries {
            let Some(key) = section.key(&entry.key) else {
                self.unknown(section, &entry.key, entry.key_span, path);
                continue;
            };
            let below = join(path, key.name);
            let value_span = entry.value.span;
            match self.value(&key.kind, entry.value, &below, entry.key_span) {
                Some(value) => fields.give(key.name, entry.key_span, value_span, value),
                None => fields.refuse(key.name),
            }
        }
        self.require(section, &fields, path);
        fill_in(section, &mut fields);
        Some(fields)
    }

    fn require(&mut self, section: &'static Section, fields: &Fields, path: &str) {
        for key in section
            .keys
            .iter()
            .filter(|key| key.presence == Presence::Required)
        {
            if fields.is_given(key.name) {
                continue;
            }
            let place = if path.is_empty() {
                "the file".to_owned()
            } else {
                format!("`{path}`")
            };
            let message = format!("{place} has no `{}`", key.name);
            let draft = Draft::new(ProblemCode::MissingKey, fields.span, message);
            self.problems
                .push(draft.help(format!("add `{}:` with {}", key.name, key.kind.takes())));
        }
    }

    fn value(&mut self, kind: &'static Kind, tree: Tree, path: &str, key_span: Span) -> Option<Value> {
        if matches!(&tree.node, Node::Scalar { text, plain: true } if is_null(text)) {
            self.nothing(kind, path, key_span);
            return None;
        }
        match kind {
            Kind::Section(section) => {
                let mut fields = self.section(section, tree, path)?;
                fields.span = if path.ends_with(']') {
                    fields.span
                } else {
                    key_span
                };
                Some(Value::Section(fields))
            }
            Kind::TextOrSection(rule, section) => match &tree.node {
                Node::Mapping(_) => self.section(section, tree, path).map(Value::Section),
                Node::Scalar { text, .. } if (rule.accepts)(text) => {
                    Some(Value::Scalar(Scalar::Text(text.clone())))
                }
                Node::Scalar { .. } | Node::Sequence(_) => self.scalar(kind, &tree, path).map(Value::Scalar),
            },
            Kind::List { of, min, max } => self
                .list(kind, (of, *min, *max), tree, path, key_span)
                .map(Value::List),
            Kind::Map {
                names,
                of,
                within,
                min,
                max,
            } => {
                let rules = MapRules {
                    names,
                    of,
                    within: *within,
                };
                self.map(kind, (&rules, *min, *max), tree, path, key_span)
                    .map(Value::Map)
            }
            Kind::Flag
            | Kind::Integer { .. }
            | Kind::Number { .. }
            | Kind::Duration { .. }
            | Kind::Share
            | Kind::Cpu
            | Kind::Memory
            | Kind::Instant
            | Kind::Condition
            | Kind::Choice(_)
            | Kind::Text(_) => self.scalar(kind, &tree, path).map(Value::Scalar),
        }
    }

    fn list(
        &mut self,
        kind: &Kind,
        (of, min, max): (&'static Kind, usize, usize),
        tree: Tree,
        path: &str,
        key_span: Span,
    ) -> Option<Items> {
        let Node::Sequence(trees) = tree.node else {
            self.wrong_type(kind, &tree, path);
            return None;
        };
        if !(min..=max).contains(&trees.len()) {
            let message = format!("`{path}` has {} items; it takes {min} to {max}", trees.len());
            let draft = Draft::new(ProblemCode::OutOfRange, key_span, message);
            let help = if trees.len() < min {
                "add one, or remove the key"
            } else {
                "remove some"
            };
            self.problems.push(draft.help(help));
            return None;
        }
        let mut items = Items {
            items: Vec::new(),
            complete: true,
        };
        for (index, tree) in trees.into_iter().enumerate() {
            let span = tree.span;
            match self.value(of, tree, &format!("{path}[{index}]"), span) {
                Some(value) => items.items.push((span, value)),
                None => items.complete = false,
            }
        }
        Some(items)
    }

    fn map(
        &mut self,
        kind: &Kind,
        (rules, min, max): (&MapRules, usize, usize),
        tree: Tree,
        path: &str,
        key_span: Span,
    ) -> Option<Vec<Named>> {
        let Node::Mapping(entries) = tree.node else {
            self.wrong_type(kind, &tree, path);
            return None;
        };
        if entries.len() > max || entries.len() < min {
            let (bound, help) = match entries.len() > max {
                true => (format!("at most {max}"), "remove some"),
                false => (format!("at least {min}"), "add one, or remove the key"),
            };
            let message = format!("`{path}` has {} names; it takes {bound}", entries.len());
            self.problems
                .push(Draft::new(ProblemCode::OutOfRange, key_span, message).help(help));
            return None;
        }
        let mut named = Vec::new();
        for entry in entries {
            let below = join(path, &entry.key);
            match (rules.within, entry.value.node) {
                (Some(of), Node::Mapping(inner)) if (rules.names.accepts)(&entry.key) => {
                    let within = MapRules {
                        names: rules.names,
                        of,
                        within: None,
                    };
                    let tree = Tree {
                        span: entry.value.span,
                        node: Node::Mapping(inner),
                    };
                    let inner = self.map(kind, (&within, 1, MOST_WITHIN), tree, &below, entry.key_span);
                    named.extend(inner.into_iter().flatten().map(|one| Named {
                        name: format!("{}.{}", entry.key, one.name),
                        ..one
                    }));
                }
                (_, node) => {
                    let value = Tree {
                        span: entry.value.span,
                        node,
                    };
                    named.extend(self.named(rules, Entry { value, ..entry }, path));
                }
            }
        }
        Some(named)
    }

    /// One name with its text.
    fn named(&mut self, rules: &MapRules, entry: Entry, path: &str) -> Option<Named> {
        let (names, of) = (rules.names, rules.of);
        if !(names.accepts)(&entry.key) {
            let shown = scalar::shortened(&entry.key);
            let message = format!("`{path}` takes {}, not `{shown}`", names.what);
            self.problems
                .push(Draft::new(ProblemCode::InvalidText, entry.key_span, message).help(names.rule));
            return None;
        }
        let below = join(path, &entry.key);
        let Node::Scalar { text, plain } = entry.value.node else {
            self.wrong_type(&Kind::Text(of), &entry.value, &below);
            return None;
        };
        if plain && is_null(&text) {
            self.nothing(&Kind::Text(of), &below, entry.key_span);
            return None;
        }
        if (of.accepts)(&text) {
            return Some(Named {
                name: entry.key,
                name_span: entry.key_span,
                text,
                text_span: entry.value.span,
                plain,
            });
        }
        // Without what stands there: a secret may stand there by mistake.
        let message = format!("`{below}` takes {}", of.what);
        self.problems
            .push(Draft::new(ProblemCode::InvalidText, entry.value.span, message).help(of.rule));
        None
    }

    fn scalar(&mut self, kind: &Kind, tree: &Tree, path: &str) -> Option<Scalar> {
        let Node::Scalar { text, plain } = &tree.node else {
            self.wrong_type(kind, tree, path);
            return None;
        };
        match scalar::read(kind, path, text, *plain) {
            Ok(scalar) => Some(scalar),
            Err(refusal) => {
                let span = self.part_of(tree.span, text, refusal.part);
                let draft = Draft::new(refusal.code, span, refusal.message);
                self.problems.push(draft.help(refusal.help));
                None
            }
        }
    }

    /// The place of a part of a scalar, where the scalar stands in the file as it is; its whole place
    /// otherwise (escapes, folded lines).
    fn part_of(&self, span: Span, text: &str, part: Option<(usize, usize)>) -> Span {
        let written = self.text.get(span.start..span.end).unwrap_or_default();
        match (part, written.find(text)) {
            (Some((offset, length)), Some(start)) => {
                let start = span.start + start + offset;
                Span {
                    start,
                    end: start + length,
                }
            }
            (Some(_), None) | (None, _) => span,
        }
    }

    fn wrong_type(&mut self, kind: &Kind, tree: &Tree, path: &str) {
        let message = format!("`{path}` takes {}, not {}", kind.takes(), tree.node.describe());
        let help = match kind {
            Kind::List { .. } => {
                format!("write each item on a line of its own below `{path}`, after `- `")
            }
            Kind::Section(_) | Kind::Map { .. } => {
                format!("write the keys below `{path}`, indented by two spaces")
            }
            Kind::Flag
            | Kind::Integer { .. }
            | Kind::Number { .. }
            | Kind::Duration { .. }
            | Kind::Share
            | Kind::Cpu
            | Kind::Memory
            | Kind::Instant
            | Kind::Condition
            | Kind::Choice(_)
            | Kind::TextOrSection(..)
            | Kind::Text(_) => format!("write `{path}: ` and the value on the same line"),
        };
        self.problems
            .push(Draft::new(ProblemCode::WrongType, tree.span, message).help(help));
    }

    /// A key without a value.
    fn nothing(&mut self, kind: &Kind, path: &str, key_span: Span) {
        let line = self
            .text
            .get(key_span.end..)
            .and_then(|rest| rest.lines().next())
            .unwrap_or_default();
        let help = if line.contains('#') {
            "in YAML a `#` starts a comment: put the value into quotes, \"#...\"".to_owned()
        } else {
            format!("write {}, or remove the key", kind.takes())
        };
        let draft = Draft::new(ProblemCode::WrongType, key_span, format!("`{path}` has no value"));
        self.problems.push(draft.help(help));
    }

    fn unknown(&mut self, section: &'static Section, name: &str, span: Span, path: &str) {
        if self.problems.is_full() {
            // Looking for the nearest key is the one costly thing here: not for a file of thousands.
            self.problems.omit();
            return;
        }
        let shown = scalar::shortened(name);
        let place = if path.is_empty() {
            String::new()
        } else {
            format!(" in `{path}`")
        };
        let draft = Draft::new(
            ProblemCode::UnknownKey,
            span,
            format!("`{shown}` is not a key{place}"),
        );
        self.problems.push(draft.help(self.advice(section, name)));
    }

    /// The nearest known key, where the key belongs if it is one, or else all that are known here.
    fn advice(&self, section: &'static Section, name: &str) -> String {
        let homes = self.homes(name);
        let belongs = (!homes.is_empty()).then(|| format!("`{name}` belongs in {}", homes.join(", ")));
        let meant = section.nearest(name).map(|key| format!("did you mean `{key}`?"));
        match (meant, belongs) {
            (Some(meant), Some(belongs)) => format!("{meant} ({belongs})"),
            (Some(meant), None) => meant,
            (None, Some(belongs)) => belongs,
            (None, None) => {
                let known: Vec<&str> = section.keys.iter().map(|key: &Key| key.name).collect();
                format!("the keys here are {}", known.join(", "))
            }
        }
    }

    /// Sections that have a key of that name.
    fn homes(&self, name: &str) -> Vec<String> {
        let mut homes = Vec::new();
        self.root.walk("", &mut |path, key| {
            if key.name == name {
                homes.push(if path.is_empty() {
                    "the top level".to_owned()
                } else {
                    format!("`{path}`")
                });
            }
        });
        homes
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
