//! What is wrong with a deployment file, where, and what to write instead.

use std::fmt;

use miette::{Diagnostic, LabeledSpan, NamedSource, Severity};
use serde::{Deserialize, Serialize};

/// No more than this many problems of one file are reported; the rest is counted.
pub const MAX_PROBLEMS: usize = 20;

/// Half-open range of bytes in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Span {
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

/// What kind of problem it is. The text of a code is stable; messages may be reworded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// The file is above the size limit.
    TooLarge,
    /// The file is not UTF-8.
    NotUtf8,
    /// The file is not YAML.
    Syntax,
    /// A tab indents a line.
    Tab,
    /// Nested too deeply.
    TooDeep,
    /// An anchor or an alias.
    Alias,
    /// A YAML tag.
    Tag,
    /// More than one YAML document.
    SeveralDocuments,
    /// Nothing is in the file.
    Empty,
    /// A key is given twice.
    DuplicateKey,
    /// A key that Tidegate does not know.
    UnknownKey,
    /// A section that a later release will act on.
    NotBuiltYet,
    /// A key that must be there is not.
    MissingKey,
    /// A value of the wrong type.
    WrongType,
    /// A value without a unit, or with one that does not fit.
    WrongUnit,
    /// A number outside its range, or a list that is too short or too long.
    OutOfRange,
    /// Not one of the words that are possible.
    UnknownChoice,
    /// A name or text that breaks its rule.
    InvalidText,
    /// An `autoRollback` condition that can't be read.
    InvalidCondition,
    /// A weight that is not above the one before it.
    WeightNotRising,
    /// Weights that don't end at, or add up to, 100.
    WeightsIncomplete,
    /// A section of another strategy.
    SectionDoesNotFit,
    /// The same thing twice in a list.
    DuplicateValue,
    /// A metric that Tidegate can't measure by itself.
    UnknownMetric,
    /// Two values that can't both hold.
    Contradiction,
    /// Something that only a load balancer can measure, where there is none.
    NeedsLoadBalancer,
    /// A warning: nothing is measured while traffic moves.
    MeasuresNothing,
    /// A warning: a setting has no effect here.
    NoEffect,
    /// A warning: what only a backup brings back, and no backup is taken.
    NoBackup,
    /// A warning: a value that should be kept secret, probably.
    LooksSecret,
}

impl ProblemCode {
    /// The code as it is printed, such as `spec::unknown_key`.
    pub const fn as_str(self) -> &'static str {
        self.texts().0
    }

    /// The words put at the place in the file.
    const fn label(self) -> &'static str {
        self.texts().1
    }

    const fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::TooLarge => ("spec::too_large", "the limit is reached here"),
            Self::NotUtf8 => ("spec::not_utf8", "this byte"),
            Self::Syntax => ("spec::syntax", "here"),
            Self::Tab => ("spec::tab", "a tab"),
            Self::TooDeep => ("spec::too_deep", "too deep"),
            Self::Alias => ("spec::alias", "not accepted"),
            Self::Tag => ("spec::tag", "not accepted"),
            Self::SeveralDocuments => ("spec::several_documents", "a second document starts here"),
            Self::Empty => ("spec::empty", "nothing here"),
            Self::DuplicateKey => ("spec::duplicate_key", "given again"),
            Self::UnknownKey => ("spec::unknown_key", "not known here"),
            Self::NotBuiltYet => ("spec::not_built_yet", "not built yet"),
            Self::MissingKey => ("spec::missing_key", "missing in here"),
            Self::WrongType => ("spec::wrong_type", "wrong type"),
            Self::WrongUnit => ("spec::wrong_unit", "wrong or missing unit"),
            Self::OutOfRange => ("spec::out_of_range", "out of range"),
            Self::UnknownChoice => ("spec::unknown_choice", "not one of these"),
            Self::InvalidText => ("spec::invalid_text", "not valid"),
            Self::InvalidCondition => ("spec::invalid_condition", "can't be read"),
            Self::WeightNotRising => ("spec::weight_not_rising", "does not rise"),
            Self::WeightsIncomplete => ("spec::weights_incomplete", "does not reach 100"),
            Self::SectionDoesNotFit => ("spec::section_does_not_fit", "does not fit the strategy"),
            Self::DuplicateValue => ("spec::duplicate_value", "given again"),
            Self::UnknownMetric => ("spec::unknown_metric", "can't be measured"),
            Self::Contradiction => ("spec::contradiction", "contradicts another value"),
            Self::NeedsLoadBalancer => ("spec::needs_load_balancer", "needs a load balancer"),
            Self::MeasuresNothing => ("spec::measures_nothing", "nothing is measured"),
            Self::NoEffect => ("spec::no_effect", "has no effect"),
            Self::NoBackup => ("spec::no_backup", "no backup to restore"),
            Self::LooksSecret => ("spec::looks_secret", "a secret?"),
        }
    }
}

impl fmt::Display for ProblemCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One problem of a deployment file, as plain data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// What kind.
    pub code: ProblemCode,
    /// Whether it only warns.
    pub warning: bool,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// First byte in the file, from 0.
    pub offset: usize,
    /// Length in bytes.
    pub length: usize,
    /// A second place that belongs to it, such as the first of two equal keys.
    pub also: Option<Place>,
}

/// A second place of a problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// What is there.
    pub label: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// First byte in the file, from 0.
    pub offset: usize,
    /// Length in bytes.
    pub length: usize,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code))
    }

    fn severity(&self) -> Option<Severity> {
        Some(if self.warning {
            Severity::Warning
        } else {
            Severity::Error
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help
            .as_deref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let here = LabeledSpan::new_primary_with_span(
            Some(self.code.label().to_owned()),
            (self.offset, self.length),
        );
        let also = self
            .also
            .as_ref()
            .map(|place| LabeledSpan::new(Some(place.label.clone()), place.offset, place.length));
        Some(Box::new(std::iter::once(here).chain(also)))
    }
}

/// All problems of one deployment file. As a miette diagnostic, each problem is a related one that
/// shows its place in the file.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.title())]
pub struct SpecErrors {
    source_code: NamedSource<String>,
    problems: Vec<Problem>,
    omitted: usize,
}

impl SpecErrors {
    /// The problems in the order of the file, at most [`MAX_PROBLEMS`].
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// How many more there are than [`Self::problems`] gives.
    pub fn omitted(&self) -> usize {
        self.omitted
    }

    /// The name of the file, as it was given to the parser.
    pub fn source_name(&self) -> &str {
        self.source_code.name()
    }

    /// The file's text.
    pub fn source_text(&self) -> &str {
        self.source_code.inner()
    }

    /// One line for each problem, `file:line:column: message (help)`: for logs and plain terminals.
    pub fn plain(&self) -> String {
        let mut lines: Vec<String> = self
            .problems
            .iter()
            .map(|problem| problem.plain(self.source_name()))
            .collect();
        if self.omitted > 0 {
            lines.push(format!("and {} more", self.omitted));
        }
        lines.join("\n")
    }

    fn title(&self) -> String {
        let count = self.problems.len() + self.omitted;
        let noun = if count == 1 { "problem" } else { "problems" };
        let shown = if self.omitted > 0 {
            format!(", the first {} are shown", self.problems.len())
        } else {
            String::new()
        };
        format!("{} has {count} {noun}{shown}", self.source_name())
    }
}

impl Diagnostic for SpecErrors {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new("spec"))
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(&self.source_code)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(
            self.problems.iter().map(|problem| problem as &dyn Diagnostic),
        ))
    }
}

impl Problem {
    /// `file:line:column: message (help)`.
    pub fn plain(&self, source_name: &str) -> String {
        let Self {
            line,
            column,
            message,
            ..
        } = self;
        let help = self
            .help
            .as_ref()
            .map(|help| format!(" ({help})"))
            .unwrap_or_default();
        format!("{source_name}:{line}:{column}: {message}{help}")
    }
}

/// A problem that is still being described.
#[derive(Debug)]
pub(super) struct Draft {
    code: ProblemCode,
    warning: bool,
    span: Span,
    message: String,
    help: Option<String>,
    also: Option<(Span, String)>,
}

impl Draft {
    pub(super) fn new(code: ProblemCode, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            warning: false,
            span,
            message: message.into(),
            help: None,
            also: None,
        }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn also(mut self, span: Span, label: impl Into<String>) -> Self {
        self.also = Some((span, label.into()));
        self
    }

    pub(super) fn warning(mut self) -> Self {
        self.warning = true;
        self
    }

    fn locate(self, text: &str) -> Problem {
        let (line, column) = line_and_column(text, self.span.start);
        Problem {
            code: self.code,
            warning: self.warning,
            message: self.message,
            help: self.help,
            line,
            column,
            offset: self.span.start,
            length: self.span.end.saturating_sub(self.span.start),
            also: self.also.map(|(span, label)| {
                let (line, column) = line_and_column(text, span.start);
                let length = span.end.saturating_sub(span.start);
                Place {
                    label,
                    line,
                    column,
                    offset: span.start,
                    length,
                }
            }),
        }
    }
}

/// Line and column, both from 1, of a byte. A byte inside a character counts as that character.
fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..text.floor_char_boundary(offset)).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// Collects the problems of one file.
#[derive(Debug, Default)]
pub(super) struct Problems {
    drafts: Vec<Draft>,
    omitted: usize,
    warnings: Vec<Draft>,
}

impl Problems {
    pub(super) fn push(&mut self, draft: Draft) {
        let list = if draft.warning {
            &mut self.warnings
        } else {
            &mut self.drafts
        };
        if list.len() < MAX_PROBLEMS {
            list.push(draft);
        } else if !draft.warning {
            self.omitted += 1;
        }
    }

    /// Whether further errors would only be counted. Then they need no words.
    pub(super) fn is_full(&self) -> bool {
        self.drafts.len() >= MAX_PROBLEMS
    }

    /// Counts an error without words.
    pub(super) fn omit(&mut self) {
        self.omitted += 1;
    }

    /// The value with the warnings, or all errors where there is any.
    pub(super) fn finish<T>(
        self,
        source_name: &str,
        text: &str,
        value: Option<T>,
    ) -> Result<(T, Vec<Problem>), SpecErrors> {
        match value {
            Some(value) if self.drafts.is_empty() => Ok((value, locate_all(self.warnings, text))),
            Some(_) | None => Err(self.refuse(source_name, text)),
        }
    }

    /// All errors.
    pub(super) fn refuse(self, source_name: &str, text: &str) -> SpecErrors {
        SpecErrors {
            problems: locate_all(self.drafts, text),
            source_code: NamedSource::new(source_name, text.to_owned()),
            omitted: self.omitted,
        }
    }
}

fn locate_all(drafts: Vec<Draft>, text: &str) -> Vec<Problem> {
    let mut problems: Vec<Problem> = drafts.into_iter().map(|draft| draft.locate(text)).collect();
    problems.sort_by_key(|problem| problem.offset);
    problems
}
