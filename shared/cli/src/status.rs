//! What the shell is told, and why.

use std::process::ExitCode;

/// The exit codes. Scripts may rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It came out well.
    Ok,
    /// What was asked for did not come out well: a file with problems, a broken chain, a plan that
    /// lacks something, a deployment that ended otherwise than it should.
    Failed,
    /// The command line makes no sense.
    Usage,
    /// There is no such thing.
    NotFound,
    /// Tidegate refused it: not allowed, or not as things stand.
    Refused,
    /// Tidegate or AWS can't be reached, or answers what can't be read.
    Unreachable,
    /// Ctrl-C.
    Interrupted,
}

/// The table of exit codes, shown by `--help` and in the reference.
pub const EXIT_CODES: &str = "\
Exit codes:
  0    it came out well
  1    it did not: problems in a file, a broken chain, a plan that lacks something,
       a watched deployment that ended otherwise than it should
  2    the command line makes no sense
  3    there is no such deployment, target, image or file
  4    refused: not allowed (403), or not possible as things stand (409)
  5    Tidegate or AWS can't be reached
  130  interrupted with Ctrl-C";

impl Status {
    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Refused => 4,
            Self::Unreachable => 5,
            Self::Interrupted => 130,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status.code())
    }
}

/// Why a verb ended early. Every message ends with what to do next.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// Exit code 1.
    #[error("{0}")]
    Failed(String),
    /// Exit code 2.
    #[error("{0}")]
    Usage(String),
    /// Exit code 3.
    #[error("{0}")]
    NotFound(String),
    /// Exit code 4.
    #[error("{0}")]
    Refused(String),
    /// Exit code 5.
    #[error("{0}")]
    Unreachable(String),
    /// Exit code 130.
    #[error("interrupted")]
    Interrupted,
    /// Who read our output went away, as `head` does: no error of ours.
    #[error("nobody reads the output any more")]
    ReaderGone,
}

impl CliError {
    /// The exit code that it leads to.
    pub const fn status(&self) -> Status {
        match self {
            Self::Failed(_) => Status::Failed,
            Self::Usage(_) => Status::Usage,
            Self::NotFound(_) => Status::NotFound,
            Self::Refused(_) => Status::Refused,
            Self::Unreachable(_) => Status::Unreachable,
            Self::Interrupted => Status::Interrupted,
            Self::ReaderGone => Status::Ok,
        }
    }

    /// What to print, where there is something to say.
    pub fn message(&self) -> Option<String> {
        match self {
            Self::Failed(_)
            | Self::Usage(_)
            | Self::NotFound(_)
            | Self::Refused(_)
            | Self::Unreachable(_) => Some(self.to_string()),
            Self::Interrupted | Self::ReaderGone => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_in_the_help_names_every_code() {
        let all = [
            Status::Ok,
            Status::Failed,
            Status::Usage,
            Status::NotFound,
            Status::Refused,
            Status::Unreachable,
            Status::Interrupted,
        ];
        for status in all {
            let start = format!("  {:<5}", status.code());
            assert!(
                EXIT_CODES.lines().any(|line| line.starts_with(&start)),
                "{status:?}"
            );
        }
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure() {
        assert_eq!(CliError::ReaderGone.status(), Status::Ok);
        assert_eq!(CliError::ReaderGone.message(), None);
    }
}
