//! What to say about text that is not YAML, or more of YAML than a deployment file may use.

use saphyr_parser::ScanError;

use super::problem::{Draft, ProblemCode, Span};
use super::tree::{MAX_BYTES, MAX_DEPTH};

/// The anchor, alias or tag itself: a node's own place starts after it.
pub(super) fn mark_before(text: &str, span: Span, marks: &[char]) -> Span {
    let here = text
        .get(span.start..)
        .and_then(|rest| rest.chars().next())
        .map_or(0, char::len_utf8);
    let before = text.get(..span.start + here).unwrap_or_default();
    let Some(last) = before.rfind(marks) else {
        return span;
    };
    // A tag may start with two of them.
    let start = before
        .get(..=last)
        .map_or(last, |mark| mark.trim_end_matches(marks).len());
    let word = text.get(start..).unwrap_or_default();
    let ends = |c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}');
    Span {
        start,
        end: start + word.find(ends).unwrap_or(word.len()),
    }
}

pub(super) fn too_large() -> Draft {
    let span = Span {
        start: MAX_BYTES,
        end: MAX_BYTES,
    };
    let message = format!("the file is too large; a deployment file has at most {MAX_BYTES} bytes (256 KiB)");
    Draft::new(ProblemCode::TooLarge, span, message)
        .help("is this the right file? a deployment file is usually below 4 KiB")
}

pub(super) fn duplicate_key(name: &str, again: Span, first: Span) -> Draft {
    Draft::new(
        ProblemCode::DuplicateKey,
        again,
        format!("`{name}` is given twice"),
    )
    .also(first, "first given here")
    .help("keep one of the two")
}

pub(super) fn alias(span: Span) -> Draft {
    Draft::new(
        ProblemCode::Alias,
        span,
        "anchors (`&`) and aliases (`*`) are not accepted",
    )
    .help("write the value out; a text that starts with `*` or `&` goes into quotes")
}

pub(super) fn tagged(span: Span) -> Draft {
    Draft::new(ProblemCode::Tag, span, "YAML tags (`!`) are not accepted")
        .help("remove the tag; a text that starts with `!` goes into quotes")
}

pub(super) fn several_documents(span: Span) -> Draft {
    Draft::new(
        ProblemCode::SeveralDocuments,
        span,
        "the file holds more than one YAML document",
    )
    .help("one file describes one target: split it at `---`")
}

pub(super) fn too_deep(span: Span) -> Draft {
    let message = format!("nested more than {MAX_DEPTH} levels deep");
    Draft::new(ProblemCode::TooDeep, span, message).help("a deployment file needs 5 levels at most")
}

/// The scanner's error at byte `at`, in words for somebody who does not know YAML by heart.
pub(super) fn explain(text: &str, at: usize, error: &ScanError) -> Draft {
    if let Some(tab) = tab_near(text, at) {
        return Draft::new(
            ProblemCode::Tab,
            Span {
                start: tab,
                end: tab + 1,
            },
            "a tab indents this line; YAML takes spaces only",
        )
        .help("use two spaces for each level");
    }
    // The scanner's words for an alias without an anchor; the reader would refuse it anyway.
    if error.info().contains("anchor") || error.info().contains("alias") {
        return alias(mark_before(text, Span { start: at, end: at }, &['&', '*']));
    }
    // The scanner looks ahead and has a limit of its own.
    if error.info().contains("recursion limit") {
        return too_deep(Span { start: at, end: at });
    }
    Draft::new(
        ProblemCode::Syntax,
        Span { start: at, end: at },
        format!("this is not valid YAML: {}", error.info()),
    )
    .help("check the indentation, the colons and the quotes on this line and the one before it")
}

/// The first tab in the indentation of the line at `offset` or of the line before it.
fn tab_near(text: &str, offset: usize) -> Option<usize> {
    let mut lines = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        lines.push((start, line));
        start += line.len();
        if start > offset {
            break;
        }
    }
    lines.iter().rev().take(2).rev().find_map(|(start, line)| {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        line.get(..indent)
            .and_then(|indent| indent.find('\t'))
            .map(|tab| start + tab)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tab_is_looked_for_in_the_line_and_in_the_one_before() {
        for (text, offset, found) in [
            ("a:\n\tb: 1\n", 3, Some(3)),
            ("a:\n  \tb: 1\n", 5, Some(5)),
            ("a:\n\tb: 1\nc: 2\n", 9, Some(3)),
            ("\ta: 1\nb: 2\nc: 3\nd: 4\n", 1, Some(0)),
            ("\ta: 1\nb: 2\nc: 3\n", 13, None),
            ("a: 1\tx\n", 0, None),
        ] {
            assert_eq!(tab_near(text, offset), found, "{text:?} at {offset}");
        }
    }
}
