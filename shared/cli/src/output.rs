//! Results to stdout, everything else to stderr; text for people or JSON for programs.

use std::io::{self, ErrorKind, IsTerminal, Write};

use clap::ValueEnum;
use serde::Serialize;

use crate::render::Paint;
use crate::status::CliError;

/// Columns of a stdout that is no terminal.
const COLUMNS: usize = 100;

/// The form of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// Where results go, and how.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// The form of results.
    pub format: Format,
    /// Colours of stdout.
    pub paint: Paint,
    /// Whether stdout is a terminal.
    pub terminal: bool,
}

impl Output {
    /// From the options and what stdout is.
    pub fn new(format: Format, color: bool) -> Self {
        let terminal = io::stdout().is_terminal();
        Self {
            format,
            paint: Paint::new(color && terminal),
            terminal,
        }
    }

    /// How many columns a line may take: the terminal's, within reason.
    pub fn columns(&self) -> usize {
        let seen = if self.terminal {
            terminal_size::terminal_size()
        } else {
            None
        };
        seen.map_or(COLUMNS, |(width, _)| usize::from(width.0))
            .clamp(40, 160)
    }

    /// A result as JSON where that is wanted, else as the text that `render` makes.
    ///
    /// # Errors
    /// Where stdout is closed or broken.
    pub fn show<T: Serialize>(&self, value: &T, render: impl FnOnce() -> String) -> Result<(), CliError> {
        match self.format {
            Format::Text => self.print(&render()),
            Format::Json => self.json(value),
        }
    }

    /// Indented JSON on stdout.
    ///
    /// # Errors
    /// Where stdout is closed or broken.
    pub fn json<T: Serialize>(&self, value: &T) -> Result<(), CliError> {
        let text = serde_json::to_string_pretty(value).map_err(unwritable)?;
        self.print(&text)
    }

    /// JSON on one line of stdout.
    ///
    /// # Errors
    /// Where stdout is closed or broken.
    pub fn json_line<T: Serialize>(&self, value: &T) -> Result<(), CliError> {
        let text = serde_json::to_string(value).map_err(unwritable)?;
        self.print(&text)
    }

    /// Text on stdout, ended with a newline.
    ///
    /// # Errors
    /// Where stdout is closed or broken.
    pub fn print(&self, text: &str) -> Result<(), CliError> {
        let newline = if text.is_empty() || text.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        self.raw(&format!("{text}{newline}"))
    }

    /// Bytes on stdout as they are, at once.
    ///
    /// # Errors
    /// Where stdout is closed or broken.
    pub fn raw(&self, text: &str) -> Result<(), CliError> {
        let mut stdout = io::stdout().lock();
        stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush())
            .map_err(|error| match error.kind() {
                ErrorKind::BrokenPipe => CliError::ReaderGone,
                _ => CliError::Failed(format!("failed to write the result: {error}")),
            })
    }
}

/// A word to the person, on stderr. That nobody hears it changes nothing.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", text.trim_end());
}

fn unwritable(error: serde_json::Error) -> CliError {
    CliError::Failed(format!("failed to put the result into JSON: {error}"))
}
