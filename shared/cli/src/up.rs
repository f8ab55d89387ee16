//! `tidegate up`: the local cloud in this process, until Ctrl-C.

use std::net::{Ipv4Addr, SocketAddr};

use tidegate_local::cloud::Latency;
use tidegate_local::{Cloud, Options, sample, server};
use tokio::net::TcpListener;
use tokio::task::LocalSet;

use crate::args::UpArgs;
use crate::output::note;
use crate::status::{CliError, Status};

/// Runs the verb.
///
/// # Errors
/// Where the port is taken or the data directory can't be used.
pub async fn run(args: UpArgs) -> Result<Status, CliError> {
    LocalSet::new().run_until(live(args)).await
}

async fn live(args: UpArgs) -> Result<Status, CliError> {
    // Only this machine: the local cloud believes whoever asks.
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let listener = TcpListener::bind(address).await.map_err(|error| {
        CliError::Failed(format!(
            "failed to listen on {address}: {error}; another one may be up, or choose --port"
        ))
    })?;
    let options = Options {
        seed: 1,
        start: crate::clock::now(),
        speed: f64::from(args.speed),
        latency: Latency::NONE,
        data: Some(args.data.clone()),
        sweep: true,
    };
    let failed = |error: &dyn std::fmt::Display| CliError::Failed(error.to_string());
    let (cloud, driver) = Cloud::new(&options).map_err(|error| failed(&error))?;
    tokio::task::spawn_local(driver.run());
    let fresh = sample::put(&cloud).await.map_err(|error| failed(&error))?;
    greet(&args, address, fresh);
    tokio::select! {
        served = server::serve(cloud, listener) => served.map_err(|error| failed(&error))?,
        _ = tokio::signal::ctrl_c() => note("stopped; `tidegate up` goes on from here"),
    }
    Ok(Status::Ok)
}

fn greet(args: &UpArgs, address: SocketAddr, fresh: bool) {
    let state = if fresh { "fresh" } else { "going on from before" };
    note(&format!(
        "Tidegate's local cloud is up on http://{address} ({state}; data in {}).\n\
         Service web runs in development, staging and production. From a second terminal:\n\
         \n\
         \x20 cargo run -- push web:v2                     a healthy image to production\n\
         \x20 cargo run -- push web:v3 --errors 5 --errors-from 25\n\
         \x20                                              one whose errors start at 25 %\n\
         \x20 cargo run -- get web/production --watch      watch it\n\
         \x20 cargo run -- abort web/production            stop it\n\
         \x20 aws --endpoint-url http://{address} stepfunctions list-executions --state-machine-arn {}\n\
         \n\
         Ctrl-C stops it.{}",
        args.data.display(),
        tidegate_local::names::machine_arn("deployment"),
        if args.speed > 1 {
            format!(" It runs {} times as fast as real time.", args.speed)
        } else {
            String::new()
        }
    ));
}
