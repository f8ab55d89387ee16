//! The deployment file: text in, a validated [`Spec`] or an explanation out.
//!
//! In order: `tree` reads YAML into a small tree with places, `check` holds it against the `table` of
//! keys, `build` and `strategy` look at what values mean together. All problems of a file come
//! together, each with its place and the nearest right thing. The JSON Schema comes from the same table.

mod analyzer;
mod build;
mod changes;
mod check;
mod configuration;
mod contracts;
mod cost;
mod evidence;
mod fields;
mod indexes;
mod infrastructure;
mod keys;
mod model;
mod monitoring;
pub(crate) mod nearest;
mod problem;
mod regions;
mod scalar;
mod schema;
mod strategy;
mod syntax;
mod table;
mod table_analyzer;
mod table_changes;
mod table_configuration;
mod table_cost;
mod table_indexes;
mod table_infrastructure;
mod table_monitoring;
mod table_validation;
mod tree;
mod validation;

pub use analyzer::Analyzer;
pub use configuration::looks_secret;
pub use cost::{Cost, Explorer, OnExcess};
pub use evidence::{Evidence, EvidenceKind, Hotfix, RehearsalRule, ScanRule};
pub use model::*;
pub use monitoring::{AlarmRule, AlarmTest, Monitoring};
pub use problem::{MAX_PROBLEMS, Place, Problem, ProblemCode, SpecErrors};
pub use regions::{FailurePolicy, Region, RegionRole, RegionsFile};
pub use schema::json_schema;
pub use tree::{MAX_BYTES, MAX_DEPTH};

use crate::ids::SpecHash;
use problem::{Draft, Problems, Span};
use tree::{Node, Tree};

/// A deployment file that was understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// What it means.
    pub spec: Spec,
    /// The hash of its text, byte by byte: another comment is another hash.
    pub hash: SpecHash,
    /// What is allowed but probably not meant.
    pub warnings: Vec<Problem>,
}

/// What a deployment file describes.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, and never in a collection"
)]
pub enum Document {
    /// One target.
    Target(Parsed),
    /// A rollout over several regions.
    Regions(RegionsFile),
}

/// Reads the deployment file of one target. `source_name` is how errors call the file.
///
/// # Errors
///
/// All problems of the file, at most [`MAX_PROBLEMS`]. A multi-region file is one of them: it can be
/// read with [`parse_document`], but not be deployed yet.
pub fn parse(source_name: &str, text: &str) -> Result<Parsed, SpecErrors> {
    match parse_document(source_name, text)? {
        Document::Target(parsed) => Ok(parsed),
        Document::Regions(_) => Err(regions_not_built(source_name, text)),
    }
}

/// Reads a deployment file of either kind: one with `regions` is a multi-region file.
///
/// # Errors
///
/// All problems of the file, at most [`MAX_PROBLEMS`].
pub fn parse_document(source_name: &str, text: &str) -> Result<Document, SpecErrors> {
    let hash = SpecHash::of(text.as_bytes());
    // A byte order mark is allowed by YAML and would be counted as a column.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut problems = Problems::default();
    let Some(tree) = tree::read(text, &mut problems) else {
        return Err(problems.refuse(source_name, text));
    };
    if has_regions(&tree) {
        let fields = check::check_file(&table::REGIONS, tree, text, &mut problems);
        let file = fields.and_then(|fields| regions::build(&fields, &mut problems));
        let (file, _) = problems.finish(source_name, text, file)?;
        return Ok(Document::Regions(file));
    }
    let fields = check::check_file(&table::TARGET, tree, text, &mut problems);
    let spec = fields.and_then(|fields| build::spec(&fields, &mut problems));
    let (spec, warnings) = problems.finish(source_name, text, spec)?;
    Ok(Document::Target(Parsed { spec, hash, warnings }))
}

/// Reads a deployment file of either kind from bytes.
///
/// # Errors
///
/// All problems of the file, at most [`MAX_PROBLEMS`]; one that says where it stops being UTF-8.
pub fn parse_bytes(source_name: &str, bytes: &[u8]) -> Result<Document, SpecErrors> {
    match std::str::from_utf8(bytes) {
        Ok(text) => parse_document(source_name, text),
        Err(error) => {
            let at = error.valid_up_to();
            // The good part in front keeps lines and columns right; what follows can't be shown.
            let text = String::from_utf8_lossy(bytes.get(..at.min(MAX_BYTES)).unwrap_or_default());
            let mut problems = Problems::default();
            let span = Span { start: at, end: at };
            let draft = Draft::new(ProblemCode::NotUtf8, span, "the file is not UTF-8 from here on");
            problems.push(draft.help("save it as UTF-8"));
            Err(problems.refuse(source_name, &text))
        }
    }
}

/// Why a multi-region file is not deployed.
pub const REGIONS_NOT_BUILT: &str = "deploying to regions in waves is not built yet: deploy each \
                                     region from a file of its own";

fn regions_not_built(source_name: &str, text: &str) -> SpecErrors {
    let mut problems = Problems::default();
    let start = text.find("regions").unwrap_or_default();
    let span = Span { start, end: start };
    problems.push(
        Draft::new(ProblemCode::NotBuiltYet, span, REGIONS_NOT_BUILT)
            .help("the file itself is in order; keep it for a later release"),
    );
    problems.refuse(source_name, text)
}

fn has_regions(tree: &Tree) -> bool {
    match &tree.node {
        Node::Mapping(entries) => entries.iter().any(|entry| entry.key == "regions"),
        Node::Scalar { .. } | Node::Sequence(_) => false,
    }
}

#[cfg(test)]
mod tests;
