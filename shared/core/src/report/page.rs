//! What a report says, without a form.

use jiff::Timestamp;

use crate::analysis::{Unit, Verdict};
use crate::messages::text::clean;

/// A report. All texts are on one line, without control characters.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// What happened.
    pub title: String,
    /// Name and value.
    pub facts: Vec<(&'static str, Cell)>,
    /// In the order in which a reader wants them.
    pub sections: Vec<Section>,
}

/// A part with a heading.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Its heading.
    pub heading: &'static str,
    /// Its content.
    pub blocks: Vec<Block>,
}

/// A piece of content.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// Short items.
    List(Vec<String>),
    /// Rows under headings; every row has as many cells as there are headings.
    Table(Table),
    /// What a person still has to write.
    ToFillIn(Vec<(&'static str, &'static str)>),
    /// Values over time.
    Plot(Box<Plot>),
    /// Lines that are set as they are.
    Lines(Vec<String>),
}

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Headings.
    pub head: Vec<&'static str>,
    /// Rows.
    pub rows: Vec<Vec<Cell>>,
}

/// What stands in a table or beside a name.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Words.
    Text(String),
    /// A digest, a command, an ARN: to be copied, not read.
    Code(String),
    /// An address.
    Link(String),
}

/// Values over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Plot {
    /// What is shown.
    pub title: String,
    /// The same in a sentence, for whoever can't see it.
    pub said: String,
    /// The time that the axis covers.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
    /// In what values are.
    pub unit: Unit,
    /// Whether a value holds until the next one, as a weight does.
    pub steps: bool,
    /// The values, by time.
    pub points: Vec<Point>,
    /// Horizontal lines with their names.
    pub bounds: Vec<(f64, String)>,
    /// Vertical lines with their names.
    pub events: Vec<(Timestamp, &'static str)>,
}

/// One value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When.
    pub at: Timestamp,
    /// How much.
    pub value: f64,
    /// What was concluded, where something was.
    pub verdict: Option<Verdict>,
}

impl Cell {
    /// Words that may be someone else's.
    pub fn text(text: &str) -> Self {
        Self::Text(clean(text))
    }

    /// Something to copy, which may be someone else's.
    pub fn code(text: &str) -> Self {
        Self::Code(clean(text))
    }

    /// An address where it is one of the web, else just what it says.
    pub fn link(text: &str) -> Self {
        let address = clean(text);
        let web = address.starts_with("https://") || address.starts_with("http://");
        if web && !address.contains(char::is_whitespace) {
            Self::Link(address)
        } else {
            Self::Code(address)
        }
    }
}

/// To the second, in UTC.
pub(super) fn when(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The name of a verdict.
pub(super) const fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "Pass",
        Verdict::Fail => "Fail",
        Verdict::Inconclusive => "Inconclusive",
    }
}
