//! The local cloud against moto, which someone else wrote: the same calls on both give the same
//! answers in every field that Tidegate reads, error codes included. Most calls are those of
//! `tidegate-aws` itself, so that what is compared is exactly what is read.
//!
//! moto needs Python 3; it is installed once into `.tools/moto`. Where that can't be, the suite says
//! that it was skipped, except in CI, where it fails. Where moto is known to be wrong is in `known`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::io::Write as _;
use std::time::Duration;

#[path = "../moto/balancer.rs"]
mod balancer;
#[path = "../moto/compare.rs"]
mod compare;
#[path = "../moto/containers.rs"]
mod containers;
#[path = "../moto/executions.rs"]
mod executions;
#[path = "../moto/fixture.rs"]
mod fixture;
#[path = "../moto/images.rs"]
mod images;
#[path = "../moto/indexes.rs"]
mod indexes;
#[path = "../moto/keeping.rs"]
mod keeping;
#[path = "../moto/known.rs"]
mod known;
#[path = "../moto/monitoring.rs"]
mod monitoring;
#[expect(dead_code, reason = "the second opinion starts moto behind a gateway")]
#[path = "../moto/server.rs"]
mod server;
#[path = "../moto/stream.rs"]
mod stream;
#[path = "../moto/telling.rs"]
mod telling;
#[path = "../moto/translate.rs"]
mod translate;
#[path = "../moto/watching.rs"]
mod watching;
#[path = "../moto/wire.rs"]
mod wire;
#[path = "../moto/world.rs"]
mod world;

use compare::Comparison;
use server::{NoServer, Server};

/// All calls together; they take some seconds.
const LIMIT: Duration = Duration::from_secs(180);

#[test]
fn the_local_cloud_answers_as_moto_does() {
    let server = match Server::start() {
        Ok(server) => server,
        Err(NoServer::NotInstalled(problem)) if !in_ci() => {
            tell(&format!(
                "SKIPPED: the contract suite against moto, which needs Python 3 and a network once: {problem}"
            ));
            return;
        }
        Err(NoServer::NotInstalled(problem) | NoServer::NotStarted(problem)) => panic!("no moto: {problem}"),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let compared = runtime.block_on(async { tokio::time::timeout(LIMIT, compare_all(server.port)).await });
    let both = compared.unwrap().unwrap();
    tell(&format!(
        "{} calls compared with moto; {} where moto is known to be wrong:",
        both.calls,
        both.known.len()
    ));
    for one in &known::DIFFERS {
        tell(&format!("  {}: {}", one.call, one.reason));
    }
    assert!(
        both.differences.is_empty(),
        "{} of {} calls differ:\n  {}",
        both.differences.len(),
        both.calls,
        both.differences.join("\n  ")
    );
}

#[expect(
    clippy::explicit_write,
    reason = "the test harness keeps to itself what a passing test prints with a macro"
)]
fn tell(line: &str) {
    writeln!(std::io::stderr(), "{line}").unwrap();
}

async fn compare_all(port: u16) -> Result<Comparison, world::Problem> {
    let world = world::make(port).await?;
    let mut both = Comparison::new(world.local, world.moto);
    containers::compare(&mut both, &world.cloud).await;
    balancer::compare(&mut both).await;
    watching::compare(&mut both).await;
    monitoring::compare(&mut both).await;
    images::compare(&mut both).await;
    telling::compare(&mut both).await;
    executions::compare(&mut both, &world.cloud, port).await?;
    keeping::compare(&mut both).await;
    stream::compare(&mut both).await;
    indexes::make(&world.cloud, &both.moto).await?;
    indexes::compare(&mut both, &world.cloud).await;
    both.close();
    Ok(both)
}

#[expect(clippy::disallowed_methods, reason = "a test may ask where it runs")]
fn in_ci() -> bool {
    std::env::var_os("CI").is_some()
}
