//! The command line as clap sees it.

use clap::{Args, Parser, Subcommand};
use tidegate_core::ids::Person;

use crate::output::{Format, Output};
use crate::status::EXIT_CODES;
use crate::verbs;

/// Where `tidegate up` listens.
pub const LOCAL_ENDPOINT: &str = "http://127.0.0.1:4577";

/// Brings container images to production on Amazon ECS, step by step, and takes them back when an
/// alarm says so.
#[derive(Debug, Parser)]
#[command(name = "tidegate", version, propagate_version = true, after_help = EXIT_CODES, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// What holds for every verb.
    #[command(flatten)]
    pub global: Global,
}

/// What holds for every verb.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Address of the local cloud (`tidegate up`).
    #[arg(long, global = true, value_name = "URL", env = "TIDEGATE_ENDPOINT", hide_env_values = true, default_value = LOCAL_ENDPOINT)]
    pub endpoint: String,
    /// Tidegate on AWS: the URL of its `api` function (the stack's output `ApiUrl`). Requests are
    /// signed with your AWS credentials. An `--endpoint` on the command line goes before the
    /// variable.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "TIDEGATE_API_URL",
        hide_env_values = true
    )]
    pub api_url: Option<String>,
    /// Profile of the AWS configuration files, with `--api-url`.
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// AWS region, with `--api-url` [default: the URL's, then the profile's].
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// Who you are, in the local cloud only [default: your user name].
    #[arg(long = "as", global = true, value_name = "NAME")]
    pub identity: Option<Person>,
    /// The form of results. They go to stdout, everything else to stderr.
    #[arg(long, global = true, value_enum, value_name = "FORM", default_value = "text")]
    pub output: Format,
    /// No colours. So does the variable NO_COLOR, and a stdout that is no terminal.
    #[arg(long, global = true)]
    pub no_color: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show a good and a faulty deployment in virtual time, in seconds, with no network.
    Demo(DemoArgs),
    /// Run the local cloud: AWS endpoints, a simulated fleet and all of Tidegate in one process.
    Up(UpArgs),
    /// Push an image to the local cloud.
    Push(verbs::push::PushArgs),
    /// Check deployment files, without asking anyone.
    Lint(verbs::lint::LintArgs),
    /// Say what a deployment file leads to: how long it takes, and what an alarm in each step does.
    Simulate(verbs::simulate::SimulateArgs),
    /// Put a deployment file, or the people file, in force.
    Apply(verbs::apply::ApplyArgs),
    /// Say what a deployment would do, or what is missing. Nothing is touched.
    Plan(verbs::plan::PlanArgs),
    /// Record what CI knows of an image (commit, author, tests, SBOM), or show what is recorded.
    Release(verbs::release::ReleaseArgs),
    /// Deploy an image by hand.
    Deploy(verbs::deploy::DeployArgs),
    /// List deployments, show one, or watch it.
    Get(verbs::get::GetArgs),
    /// Approve what a deployment asks for.
    Approve(verbs::approve::ApproveArgs),
    /// Refuse what a deployment asks for: it stops, and what it did is taken back.
    Reject(verbs::reject::RejectArgs),
    /// Stop a running deployment; traffic goes back to what served before.
    Abort(verbs::abort::AbortArgs),
    /// Take a deployment back, running or completed.
    Rollback(verbs::rollback::RollbackArgs),
    /// Make or drop the contract of a completed deployment: what takes away what only older code needs.
    Contract(verbs::contract::ContractArgs),
    /// Show in a test environment that going back works: deploy, take back, deploy again.
    Rehearse(verbs::rehearse::RehearseArgs),
    /// Tell what happened to a deployment.
    History(verbs::history::HistoryArgs),
    /// Write the report of a deployment, for a wiki or a browser.
    Report(verbs::report::ReportArgs),
    /// Write the runbook of a target: how to go back, what its alarms mean, where to look, whom to ask.
    Runbook(verbs::runbook::RunbookArgs),
    /// Say how well services are delivered: frequency, lead time, recovery, failures, and the targets.
    Metrics(verbs::metrics::MetricsArgs),
    /// Check that a journal is whole and unchanged.
    Audit(verbs::audit::AuditArgs),
    /// Print completions for a shell.
    Completions(verbs::completions::CompletionsArgs),
}

/// `tidegate demo`.
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// Seed of the simulation: the same seed gives the same run.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Play the one with every section of a deployment file on, and people who do their part.
    #[arg(long)]
    pub full: bool,
    /// Write the HTML report of each deployment into this directory.
    #[arg(long, value_name = "DIR", requires = "full")]
    pub reports: Option<std::path::PathBuf>,
    /// Where results go; filled in from the global options.
    #[arg(skip)]
    pub out: Option<Output>,
}

/// `tidegate up`.
#[derive(Debug, Clone, Args)]
pub struct UpArgs {
    /// Directory that the local cloud keeps everything in. Started again on it, it goes on.
    #[arg(long, value_name = "DIR", default_value = ".tidegate")]
    pub data: std::path::PathBuf,
    /// Port on 127.0.0.1.
    #[arg(long, value_name = "N", default_value_t = 4577)]
    pub port: u16,
    /// How many times faster than real time it runs: with 60, a minute takes a second.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub speed: u32,
}
