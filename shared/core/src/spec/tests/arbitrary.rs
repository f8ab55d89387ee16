//! Nothing that a stranger writes makes the parser panic or lie about places.

use proptest::prelude::*;

use super::super::{Document, SpecErrors, parse_bytes, parse_document};

/// Every problem points into the text, at whole characters, and has words.
fn is_sound(text: &str, result: Result<Document, SpecErrors>) -> Result<(), TestCaseError> {
    let Err(errors) = result else { return Ok(()) };
    prop_assert!(!errors.problems().is_empty());
    for problem in errors.problems() {
        prop_assert!(problem.line >= 1 && problem.column >= 1);
        prop_assert!(!problem.message.is_empty());
        prop_assert!(problem.offset <= text.len() + 3, "{problem:?}");
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        prop_assert!(
            text.get(problem.offset..problem.offset + problem.length)
                .is_some(),
            "{problem:?}"
        );
    }
    let mut printed = String::new();
    prop_assert!(
        miette::NarratableReportHandler::new()
            .render_report(&mut printed, &errors)
            .is_ok()
    );
    Ok(())
}

/// Words of the format and of YAML, in any order.
fn any_soup() -> impl Strategy<Value = String> {
    let words = [
        "environment",
        "strategy",
        "canary",
        "steps",
        "weight",
        "pause",
        "analysis",
        "metrics",
        "name",
        "regions",
        "gates",
        ": ",
        ":\n",
        "\n",
        "\n  ",
        "\n    ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "10m",
        "100",
        "5",
        "rolling",
        "'",
        "\"",
        "#",
        "|",
        ">",
        "&a",
        "*a",
        "!!x",
        "---",
        "...",
        "\t",
        "? ",
        "%",
        "\r",
        "é",
        "\u{2028}",
        "\u{feff}",
        "\0",
        "~",
        "<<",
        "\\",
        "@",
        "`",
        "1e9",
        "error_rate > 1%",
    ];
    proptest::collection::vec(proptest::sample::select(words.to_vec()), 0..60)
        .prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_text(text in any::<String>()) {
        is_sound(&text, parse_document("f", &text))?;
    }

    #[test]
    fn any_soup_of_words(text in any_soup()) {
        is_sound(&text, parse_document("f", &text))?;
    }

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Err(errors) = parse_bytes("f", &bytes) {
            prop_assert!(!errors.problems().is_empty());
        }
        is_sound(&text, parse_document("f", &text))?;
    }

    /// A good file with one stretch of it replaced.
    #[test]
    fn any_slip_of_the_hand(start in 0_usize..660, length in 0_usize..12, with in "[ -~\\n\\t]{0,6}") {
        let mut text = include_str!("../../../../../.deploy/production-config.yaml").to_owned();
        let start = start.min(text.len());
        let end = (start + length).min(text.len());
        if text.is_char_boundary(start) && text.is_char_boundary(end) {
            text.replace_range(start..end, &with);
        }
        is_sound(&text, parse_document("f", &text))?;
    }
}
