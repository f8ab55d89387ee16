//! The benchmark: `cargo run --profile bench-run -p tidegate-bench`.
//!
//! Measures size and start of every Lambda binary that `cargo build --release` made, then plays every
//! strategy on the local cloud and counts. Prints a table, or JSON with `--json`.

mod binaries;
mod strategies;

use clap::Parser;
use serde::Serialize;

/// What to measure.
#[derive(Debug, Parser)]
#[command(about = "Measures what the README claims")]
struct Args {
    /// JSON instead of tables.
    #[arg(long)]
    json: bool,
    /// Deployments to play for the rate of the demo path.
    #[arg(long, default_value_t = 20)]
    deployments: u32,
    /// Where the release binaries are.
    #[arg(long, default_value = "target/lambda/x86_64-unknown-linux-gnu/release")]
    binaries: std::path::PathBuf,
    /// Starts of each binary; the median counts.
    #[arg(long, default_value_t = 15)]
    starts: u32,
}

/// Everything that was measured.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    binaries: Vec<binaries::Binary>,
    strategies: Vec<strategies::Played>,
    demo_deployments_per_second: f64,
}

fn main() {
    let args = Args::parse();
    let report = Report {
        binaries: binaries::measure(&args.binaries, args.starts),
        strategies: strategies::play_all(),
        demo_deployments_per_second: strategies::rate(args.deployments),
    };
    if args.json {
        // Our own plain types always serialise.
        println!("{}", serde_json::to_string_pretty(&report).unwrap_or_default());
        return;
    }
    print(&report);
}

fn print(report: &Report) {
    println!("| function | stripped, KiB | exec to first /next, ms (median) |\n| --- | --- | --- |");
    for binary in &report.binaries {
        let start = binary
            .start_ms
            .map_or_else(|| "did not start".to_owned(), |ms| format!("{ms:.1}"));
        println!("| {} | {} | {start} |", binary.name, binary.bytes / 1024);
    }
    if report.binaries.is_empty() {
        println!("(no binaries: build them first, see README)");
    }
    println!(
        "\n| strategy | state transitions | function runs | AWS calls | DynamoDB writes | alarm to traffic back, ms | functions on that way |\n| --- | --- | --- | --- | --- | --- | --- |"
    );
    for played in &report.strategies {
        let back = played
            .alarm_to_back_ms
            .map_or_else(|| "-".to_owned(), |ms| ms.to_string());
        let runs = played
            .runs_on_the_way
            .map_or_else(|| "-".to_owned(), |runs| runs.to_string());
        println!(
            "| {} | {} | {} | {} | {} | {back} | {runs} |",
            played.name, played.transitions, played.runs, played.calls, played.writes
        );
    }
    println!(
        "\nDeployments per second of the demo path, one core: {:.1}",
        report.demo_deployments_per_second
    );
}
