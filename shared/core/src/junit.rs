//! Counts out of a JUnit report. Every test case is counted itself: the sums that tools write beside
//! them are often absent, and sometimes wrong.

use roxmltree::Node;

use crate::release::SuiteCounts;

/// The largest report that is read.
pub const MAX_BYTES: usize = 32 * 1024 * 1024;

/// What a report says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Its tests.
    pub counts: SuiteCounts,
    /// Tests that failed, each with its message where it has one.
    pub failures: Vec<String>,
}

/// Counts the test cases of a report.
///
/// # Errors
/// What is wrong with it, and where.
pub fn counts(name: &str, text: &str) -> Result<SuiteCounts, String> {
    read(name, text).map(|report| report.counts)
}

/// Reads the test cases of a report.
///
/// # Errors
/// What is wrong with it, and where.
pub fn read(name: &str, text: &str) -> Result<Report, String> {
    let document =
        roxmltree::Document::parse(text).map_err(|error| format!("{name} is not a JUnit report: {error}"))?;
    let root = document.root_element().tag_name().name();
    if root != "testsuites" && root != "testsuite" {
        return Err(format!(
            "{name} is not a JUnit report: it begins with <{root}>, not with <testsuites> or <testsuite>"
        ));
    }
    let mut counts = SuiteCounts::default();
    let mut failures = Vec::new();
    for case in document
        .descendants()
        .filter(|node| node.has_tag_name("testcase"))
    {
        let has = |tag: &str| case.children().find(|child| child.tag_name().name() == tag);
        let count = if let Some(failure) = has("failure").or_else(|| has("error")) {
            failures.push(failed(case, failure.attribute("message")));
            &mut counts.failed
        } else if has("skipped").is_some() {
            &mut counts.skipped
        } else {
            &mut counts.passed
        };
        *count = count.saturating_add(1);
    }
    // A suite that broke before its first test has no case to show for it.
    let broken = document.descendants().any(|node| {
        let suite = node.has_tag_name("testsuites") || node.has_tag_name("testsuite");
        let fails = |name: &str| {
            node.attribute(name)
                .is_some_and(|count| count.trim() != "0" && !count.is_empty())
        };
        suite && (fails("failures") || fails("errors"))
    });
    if broken && counts.failed == 0 {
        counts.failed = 1;
    }
    Ok(Report { counts, failures })
}

/// `class.name: message`.
fn failed(case: Node<'_, '_>, message: Option<&str>) -> String {
    let name = case.attribute("name").unwrap_or("a test without a name");
    let class = case.attribute("classname").filter(|class| !class.is_empty());
    let name = class.map_or_else(|| name.to_owned(), |class| format!("{class}.{name}"));
    match message.filter(|message| !message.is_empty()) {
        Some(message) => format!("{name}: {message}"),
        None => name,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn tests_that_failed_are_named() {
        let report = r#"<testsuite>
  <testcase classname="shop.Basket" name="buys"><failure message="no stock">at line 3</failure></testcase>
  <testcase name="pays"><error/></testcase>
  <testcase><failure message=""/></testcase>
</testsuite>"#;
        let failures = read("report.xml", report).unwrap().failures;
        assert_eq!(
            failures,
            ["shop.Basket.buys: no stock", "pays", "a test without a name"]
        );
    }

    fn counted(text: &str) -> (u32, u32, u32) {
        let counts = counts("report.xml", text).unwrap();
        (counts.passed, counts.failed, counts.skipped)
    }

    #[test]
    fn cases_are_counted_and_not_the_sums_beside_them() {
        let report = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="99">
  <testsuite name="a" tests="99">
    <testcase name="one"/>
    <testcase name="two"><system-out>text</system-out></testcase>
    <testcase name="three"><failure message="no">at line 3</failure></testcase>
  </testsuite>
  <testsuite name="b">
    <testcase name="four"><error/></testcase>
    <testcase name="five"><skipped/></testcase>
    <testsuite name="inner"><testcase name="six"/></testsuite>
  </testsuite>
</testsuites>"#;
        assert_eq!(counted(report), (3, 2, 1));
        assert_eq!(counted("<testsuite/>"), (0, 0, 0));
    }

    #[test]
    fn a_suite_that_broke_before_its_first_test_failed() {
        assert_eq!(
            counted(r#"<testsuite errors="1"><testcase name="one"/></testsuite>"#),
            (1, 1, 0)
        );
        assert_eq!(
            counted(r#"<testsuites failures="0" errors=""><testcase name="one"/></testsuites>"#),
            (1, 0, 0)
        );
    }

    #[test]
    fn what_is_no_report_is_refused() {
        for text in ["", "{}", "<testsuite>", "<html/>", "<testsuite/><testsuite/>"] {
            assert!(counts("report.xml", text).is_err(), "{text}");
        }
    }

    #[test]
    fn entities_can_not_blow_a_report_up() {
        let bomb =
            r#"<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><testsuite>&b;</testsuite>"#;
        assert!(counts("report.xml", bomb).unwrap_err().contains("DTD"));
    }
}
