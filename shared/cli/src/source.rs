//! Reading what a person points at: a file, or `-` for stdin.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use crate::status::CliError;

/// What stands for stdin.
pub const STDIN: &str = "-";

/// The name of a source, for messages.
pub fn name(path: &Path) -> String {
    if path.as_os_str() == STDIN {
        "stdin".to_owned()
    } else {
        path.display().to_string()
    }
}

/// Reads at most `limit` bytes and one more, by which a reader sees that there is more: a device or a
/// huge file does not fill the memory.
///
/// # Errors
/// What can't be read, and why.
pub fn read(path: &Path, limit: usize) -> Result<Vec<u8>, CliError> {
    let name = name(path);
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => CliError::NotFound(format!("there is no file {name}: check the path")),
        _ => CliError::Failed(format!("failed to read {name}: {error}")),
    };
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    if path.as_os_str() == STDIN {
        std::io::stdin()
            .lock()
            .take(most)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        return Ok(bytes);
    }
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(CliError::Usage(format!(
            "{name} is a directory: name the file in it, or {}",
            all_of(path)
        )));
    }
    file.take(most).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

fn all_of(directory: &Path) -> String {
    format!("all of them with `{}`", directory.join("*.yaml").display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::Status;

    #[test]
    fn directories_and_missing_files_are_told_apart() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let status = |path: &Path| read(path, 10).err().map(|error| error.status());
        assert_eq!(status(here), Some(Status::Usage));
        assert_eq!(status(&here.join("no-such-file")), Some(Status::NotFound));
    }

    #[test]
    fn no_more_is_read_than_shows_that_there_is_more() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        assert_eq!(read(&file, 10).ok().map(|bytes| bytes.len()), Some(11));
    }
}
