//! A release, in a few lines.

use tidegate_core::release::Release;

use super::Paint;
use super::words::clean;

/// What is recorded of an image.
pub fn release(release: &Release, paint: Paint) -> String {
    let mut lines = vec![format!(
        "{}  {}",
        paint.bold(&clean(&release.repository)),
        release.digest
    )];
    let mut line = |name: &str, value: Option<String>| {
        lines.extend(value.map(|value| format!("{name:<10} {}", clean(&value))));
    };
    let committed = release.committed_at.map(|at| format!(", {at:.0}"));
    let commit = release.commit.as_ref();
    line(
        "commit",
        commit.map(|commit| format!("{}{}", commit.short(), committed.unwrap_or_default())),
    );
    line("author", release.author.as_ref().map(ToString::to_string));
    line("ticket", release.ticket.as_ref().map(ToString::to_string));
    for (suite, result) in &release.suites {
        let counts = result.counts;
        let skipped = match counts.skipped {
            0 => String::new(),
            some => format!(", {some} not run"),
        };
        let mark = if counts.proves() { "✅" } else { "❌" };
        line(
            "suite",
            Some(format!("{mark} {} {}{skipped}", suite.0, counts.shown())),
        );
    }
    let sbom = release.sbom.as_ref();
    line(
        "SBOM",
        sbom.map(|sbom| {
            format!(
                "{} (sha256 {})",
                sbom.place,
                sbom.sha256.get(..12).unwrap_or_default()
            )
        }),
    );
    line(
        "scan",
        release
            .scan
            .map(|found| format!("{} (as CI says)", found.shown())),
    );
    line("signature", release.signature.clone());
    line(
        "recorded",
        Some(format!("{:.0} by {}", release.at, release.recorded_by)),
    );
    lines.join("\n")
}
