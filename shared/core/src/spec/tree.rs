//! YAML to a small tree that remembers where everything stood.
//!
//! The file comes from strangers, so the reader is narrower than YAML: bounded in size and depth, one
//! document, no anchors, aliases or tags. Without aliases the tree can't be larger than the text.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

use super::problem::{Draft, ProblemCode, Problems, Span};
use super::syntax::{
    alias, duplicate_key, explain, mark_before, several_documents, tagged, too_deep, too_large,
};

/// Largest deployment file, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;
/// Deepest nesting of lists and mappings.
pub const MAX_DEPTH: usize = 32;

/// A node and its place.
#[derive(Debug)]
pub(super) struct Tree {
    pub span: Span,
    pub node: Node,
}

/// What a node is.
#[derive(Debug)]
pub(super) enum Node {
    /// `plain` is false where it was quoted or a block.
    Scalar {
        text: String,
        plain: bool,
    },
    Sequence(Vec<Tree>),
    Mapping(Vec<Entry>),
}

/// `key: value`.
#[derive(Debug)]
pub(super) struct Entry {
    pub key: String,
    pub key_span: Span,
    pub value: Tree,
}

impl Node {
    /// What it is, for messages. Where there is nothing, that is told before anyone asks.
    pub(super) fn describe(&self) -> &'static str {
        match self {
            Self::Scalar { text, plain: true } if text.parse::<f64>().is_ok() => "a number",
            Self::Scalar { text, plain: true } if matches!(text.as_str(), "true" | "false") => {
                "true or false"
            }
            Self::Scalar { .. } => "a text",
            Self::Sequence(_) => "a list",
            Self::Mapping(_) => "a section of keys",
        }
    }
}

/// Whether a plain scalar is YAML's null.
pub(super) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// Reads the one document of `text`. `None` means that a problem ended the reading.
pub(super) fn read(text: &str, problems: &mut Problems) -> Option<Tree> {
    if text.len() > MAX_BYTES {
        problems.push(too_large());
        return None;
    }
    let offsets = CharOffsets::of(text);
    match build(text, &offsets, problems) {
        Ok(Some(tree)) => Some(tree),
        Ok(None) => {
            let draft = Draft::new(ProblemCode::Empty, Span::default(), "the file is empty");
            problems.push(draft.help("start with `environment: ...` and `strategy: ...`"));
            None
        }
        Err(draft) => {
            problems.push(*draft);
            None
        }
    }
}

/// From the parser's positions, in characters, to bytes.
struct CharOffsets {
    bytes: Vec<usize>,
    end: usize,
}

impl CharOffsets {
    fn of(text: &str) -> Self {
        Self {
            bytes: text.char_indices().map(|(byte, _)| byte).collect(),
            end: text.len(),
        }
    }

    fn byte(&self, marker: &Marker) -> usize {
        self.bytes.get(marker.index()).copied().unwrap_or(self.end)
    }

    fn span(&self, span: &saphyr_parser::Span) -> Span {
        let start = self.byte(&span.start);
        Span {
            start,
            end: self.byte(&span.end).max(start),
        }
    }
}

/// A list or mapping that has not ended.
enum Open {
    Sequence {
        start: Span,
        items: Vec<Tree>,
    },
    Mapping {
        start: Span,
        entries: Vec<Entry>,
        seen: BTreeMap<String, Span>,
        key: Option<(String, Span)>,
    },
}

/// What one event means for the tree.
enum Token {
    Scalar(Tree),
    OpenSequence,
    OpenMapping,
    Close,
    Other,
}

fn build(text: &str, offsets: &CharOffsets, problems: &mut Problems) -> Result<Option<Tree>, Box<Draft>> {
    let mut parser = Parser::new_from_str(text);
    let mut stack: Vec<Open> = Vec::new();
    let mut root: Option<Tree> = None;
    let mut documents = 0_usize;
    while let Some(next) = parser.next_event() {
        let (event, span) =
            next.map_err(|error| Box::new(explain(text, offsets.byte(error.marker()), &error)))?;
        let span = offsets.span(&span);
        if matches!(event, Event::DocumentStart(_)) {
            documents += 1;
            if documents > 1 {
                return Err(Box::new(several_documents(span)));
            }
        }
        let done = match token(event, text, span)? {
            Token::Scalar(tree) => Some(tree),
            Token::OpenSequence => {
                stack.push(Open::Sequence {
                    start: span,
                    items: Vec::new(),
                });
                None
            }
            Token::OpenMapping => {
                stack.push(Open::Mapping {
                    start: span,
                    entries: Vec::new(),
                    seen: BTreeMap::new(),
                    key: None,
                });
                None
            }
            Token::Close => stack.pop().map(close),
            Token::Other => None,
        };
        if stack.len() > MAX_DEPTH {
            return Err(Box::new(too_deep(span)));
        }
        if let Some(tree) = done {
            match stack.last_mut() {
                Some(open) => place(open, tree, problems)?,
                None => root = Some(tree),
            }
        }
    }
    Ok(root.filter(|tree| !matches!(&tree.node, Node::Scalar { text, plain: true } if is_null(text))))
}

fn token(event: Event<'_>, text: &str, span: Span) -> Result<Token, Box<Draft>> {
    let (anchor, tag) = match &event {
        Event::Scalar(_, _, anchor, tag) => (*anchor, tag.is_some()),
        Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) => (*anchor, tag.is_some()),
        // An alias always names an anchor, and is refused the same way.
        Event::Alias(_) => (1, false),
        Event::Nothing
        | Event::StreamStart
        | Event::StreamEnd
        | Event::DocumentStart(_)
        | Event::DocumentEnd
        | Event::SequenceEnd
        | Event::MappingEnd => (0, false),
    };
    if anchor != 0 {
        return Err(Box::new(alias(mark_before(text, span, &['&', '*']))));
    }
    if tag {
        return Err(Box::new(tagged(mark_before(text, span, &['!']))));
    }
    Ok(match event {
        Event::Scalar(value, style, _, _) => Token::Scalar(Tree {
            span: trimmed(text, span),
            node: Node::Scalar {
                text: value.into_owned(),
                plain: matches!(style, ScalarStyle::Plain),
            },
        }),
        Event::SequenceStart(_, _) => Token::OpenSequence,
        Event::MappingStart(_, _) => Token::OpenMapping,
        Event::SequenceEnd | Event::MappingEnd => Token::Close,
        Event::Nothing
        | Event::StreamStart
        | Event::StreamEnd
        | Event::DocumentStart(_)
        | Event::DocumentEnd
        | Event::Alias(_) => Token::Other,
    })
}

/// Without the white space that the scanner counts to the end of a scalar.
fn trimmed(text: &str, span: Span) -> Span {
    let length = text
        .get(span.start..span.end)
        .map_or(0, |slice| slice.trim_end().len());
    Span {
        start: span.start,
        end: span.start + length,
    }
}

fn close(open: Open) -> Tree {
    match open {
        Open::Sequence { start, items } => {
            let end = items.last().map_or(start.end, |item| item.span.end);
            Tree {
                span: Span {
                    start: start.start,
                    end,
                },
                node: Node::Sequence(items),
            }
        }
        Open::Mapping { start, entries, .. } => {
            // The first key stands for the whole: a label over many lines is hard to read.
            let span = entries.first().map_or(start, |entry| entry.key_span);
            Tree {
                span,
                node: Node::Mapping(entries),
            }
        }
    }
}

fn place(open: &mut Open, tree: Tree, problems: &mut Problems) -> Result<(), Box<Draft>> {
    match open {
        Open::Sequence { items, .. } => items.push(tree),
        Open::Mapping {
            entries, seen, key, ..
        } => match key.take() {
            None => *key = Some(scalar_key(tree)?),
            Some((name, key_span)) => match seen.get(&name) {
                Some(first) => problems.push(duplicate_key(&name, key_span, *first)),
                None => {
                    seen.insert(name.clone(), key_span);
                    entries.push(Entry {
                        key: name,
                        key_span,
                        value: tree,
                    });
                }
            },
        },
    }
    Ok(())
}

fn scalar_key(tree: Tree) -> Result<(String, Span), Box<Draft>> {
    match tree.node {
        Node::Scalar { text, .. } => Ok((text, tree.span)),
        Node::Sequence(_) | Node::Mapping(_) => Err(Box::new(
            Draft::new(
                ProblemCode::Syntax,
                tree.span,
                "a key must be a word, not a list or a mapping",
            )
            .help("`${...}` and `{{...}}` are not filled in; values are written out"),
        )),
    }
}
