//! `tidegate`: the command line of Tidegate, against the local cloud or AWS.
//!
//! One file per verb under [`verbs`]. Verbs ask the `api` function through [`api`], and what they
//! show is made by pure functions under [`render`].

mod api;
mod args;
mod clock;
mod context;
mod demo;
mod env;
mod image;
mod output;
mod people;
mod reference;
mod render;
mod sdk;
mod source;
mod status;
mod transport;
mod up;
mod verbs;
mod watch;

#[cfg(test)]
mod reference_doc;

use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches};

use crate::args::{Cli, Verb};
use crate::context::Context;
use crate::status::{CliError, Status};

fn main() -> ExitCode {
    let matches = Cli::command().get_matches();
    let mut cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    if matches.value_source("endpoint") == Some(ValueSource::CommandLine)
        && matches.value_source("api_url") == Some(ValueSource::EnvVariable)
    {
        // What was typed just now goes before what the shell's profile says.
        cli.global.api_url = None;
    }
    let result = start(cli);
    if let Err(error) = &result
        && let Some(message) = error.message()
    {
        output::note(&format!("error: {message}"));
    }
    result.unwrap_or_else(|error| error.status()).into()
}

fn start(cli: Cli) -> Result<Status, CliError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::Failed(format!("failed to start the async runtime: {error}")))?
        .block_on(run(cli))
}

async fn run(cli: Cli) -> Result<Status, CliError> {
    let cx = Context::new(cli.global)?;
    match cli.verb {
        Verb::Demo(mut args) => {
            args.out = Some(cx.out);
            demo::run(args).await
        }
        Verb::Up(args) => up::run(args).await,
        Verb::Push(args) => verbs::push::run(args, &cx).await,
        Verb::Lint(args) => verbs::lint::run(&args, &cx),
        Verb::Simulate(args) => verbs::simulate::run(&args, &cx),
        Verb::Apply(args) => verbs::apply::run(args, &cx).await,
        Verb::Plan(args) => verbs::plan::run(args, &cx).await,
        Verb::Release(args) => verbs::release::run(args, &cx).await,
        Verb::Deploy(args) => verbs::deploy::run(args, &cx).await,
        Verb::Get(args) => verbs::get::run(args, &cx).await,
        Verb::Approve(args) => verbs::approve::run(args, &cx).await,
        Verb::Reject(args) => verbs::reject::run(args, &cx).await,
        Verb::Abort(args) => verbs::abort::run(args, &cx).await,
        Verb::Contract(args) => verbs::contract::run(args, &cx).await,
        Verb::Rollback(args) => verbs::rollback::run(args, &cx).await,
        Verb::Rehearse(args) => verbs::rehearse::run(args, &cx).await,
        Verb::History(args) => verbs::history::run(args, &cx).await,
        Verb::Report(args) => verbs::report::run(args, &cx).await,
        Verb::Runbook(args) => verbs::runbook::run(args, &cx).await,
        Verb::Metrics(args) => verbs::metrics::run(args, &cx).await,
        Verb::Audit(args) => verbs::audit::run(args, &cx).await,
        Verb::Completions(args) => verbs::completions::run(args, &cx),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
