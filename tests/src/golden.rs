//! Golden files.

use std::fmt::Write as _;
use std::path::PathBuf;

/// Compares with the golden file, or writes it where `UPDATE_GOLDENS` is set.
pub(crate) fn compare(name: &str, told: &str) {
    compare_file(&format!("{name}.txt"), told);
}

/// As [`compare`], with a file under `tests/goldens` by its whole name.
///
/// # Panics
/// Where it differs, or is not there.
pub fn compare_file(file: &str, told: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("goldens")
        .join(file);
    #[expect(clippy::disallowed_methods, reason = "how a person asks for new goldens")]
    let update = std::env::var_os("UPDATE_GOLDENS").is_some();
    if update {
        std::fs::write(&path, told).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; UPDATE_GOLDENS=1 writes it:\n{told}", path.display()));
    assert!(
        expected == told,
        "{} differs (UPDATE_GOLDENS=1 writes it anew, for you to review):\n{}",
        path.display(),
        difference(&expected, told)
    );
}

/// Lines that two texts do not share, in place.
pub(crate) fn difference(before: &str, after: &str) -> String {
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let mut told = String::new();
    for index in 0..before.len().max(after.len()) {
        let (old, new) = (before.get(index), after.get(index));
        if old != new {
            let show =
                |line: Option<&&str>| line.map_or_else(|| "(nothing)".to_owned(), |line| (*line).to_owned());
            writeln!(told, "line {}\n- {}\n+ {}", index + 1, show(old), show(new)).unwrap();
        }
    }
    told
}
