//! `REFERENCE.md` is made from the command line itself, and this test keeps it so.

use std::fmt::Write;
use std::path::Path;

use clap::{Command, CommandFactory};

use crate::args::Cli;

const HEAD: &str = "\
# The `tidegate` command

<!-- Made by `UPDATE_DOCS=1 cargo test -p tidegate reference`. Do not edit by hand. -->

`TARGET` is `SERVICE/ENVIRONMENT`, such as `web/production`. `DEPLOYMENT` is an id, the beginning of \
one, or a target: then its running deployment is meant, or else its newest. Results go to stdout, \
everything else to stderr; `--output json` gives results as JSON.

";

#[test]
fn reference_is_up_to_date() {
    let mut cli = Cli::command().term_width(100);
    cli.build();
    let made = document(&cli);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("REFERENCE.md");
    if update_wanted() {
        assert!(
            std::fs::write(&path, &made).is_ok(),
            "failed to write {}",
            path.display()
        );
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == made,
        "run `UPDATE_DOCS=1 cargo test -p tidegate reference` and commit REFERENCE.md"
    );
}

#[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
fn update_wanted() -> bool {
    std::env::var("UPDATE_DOCS").is_ok()
}

fn document(cli: &Command) -> String {
    let mut text = HEAD.to_owned();
    section(&mut text, cli, "tidegate");
    text
}

fn section(text: &mut String, command: &Command, path: &str) {
    let help = command.clone().term_width(100).render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    // Global options stand once, at the top; writing to a String can't fail.
    let shown = match help.iter().position(|line| *line == "Global options:") {
        Some(at) if path != "tidegate" => help.get(..at).unwrap_or_default(),
        Some(_) | None => help.as_slice(),
    };
    let _ = write!(
        text,
        "## `{path}`\n\n```text\n{}\n```\n\n",
        shown.join("\n").trim_end()
    );
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        section(text, verb, &format!("{path} {}", verb.get_name()));
    }
    text.truncate(text.trim_end().len());
    text.push_str("\n\n");
    if path == "tidegate" {
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
}
