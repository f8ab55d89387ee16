//! The shipped state machines on an interpreter that no one here wrote: every scenario's path of
//! states, function inputs and ends are the same on moto's Step Functions as on ours.
//!
//! ```text
//! scenario ── our interpreter, our functions, virtual time ──> [recording]
//!                                                                 │ answers, in order
//! shipped definitions ── moto ── tasks over HTTP ──> [gateway] <── [replay] ── [paths] compared
//! ```
//!
//! moto waits in real time, and a canary takes an hour. So a scenario is played on the local cloud
//! first, and what the functions answered there is what moto's tasks are answered with, each only
//! after its input was found to be the same. The one thing in an answer that is changed is
//! `waitSeconds`, from which the machines take how long they wait: none where our interpreter saw the
//! wait end, no end where something came before. The definitions are those that are shipped.
//!
//! A scenario is a test of two suites: whatever is written into `scenarios/` is played here as well.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::io::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tidegate_tests::{Scene, play_once};

#[path = "scenarios/analysis.rs"]
mod analysis;
#[path = "scenarios/analyzer.rs"]
mod analyzer;
#[path = "scenarios/archive.rs"]
mod archive;
#[path = "scenarios/backups.rs"]
mod backups;
#[path = "scenarios/bluegreen.rs"]
mod bluegreen;
#[path = "scenarios/canary.rs"]
mod canary;
#[path = "scenarios/configuration.rs"]
mod configuration;
#[path = "scenarios/contracts.rs"]
mod contracts;
#[path = "scenarios/cost.rs"]
mod cost;
#[path = "scenarios/dry_run.rs"]
mod dry_run;
#[path = "scenarios/evidence.rs"]
mod evidence;
#[path = "scenarios/faults.rs"]
mod faults;
#[path = "scenarios/found.rs"]
mod found;
#[path = "scenarios/functions.rs"]
mod functions;
#[path = "scenarios/gates.rs"]
mod gates;
#[path = "scenarios/hands.rs"]
mod hands;
#[path = "scenarios/indexes.rs"]
mod indexes;
#[path = "scenarios/infrastructure.rs"]
mod infrastructure;
#[path = "scenarios/migrations.rs"]
mod migrations;
#[path = "scenarios/monitoring.rs"]
mod monitoring;
#[path = "scenarios/no_balancer.rs"]
mod no_balancer;
#[path = "scenarios/one_service.rs"]
mod one_service;
#[path = "scenarios/pages.rs"]
mod pages;
#[path = "scenarios/permissions.rs"]
mod permissions;
#[path = "scenarios/pushes.rs"]
mod pushes;
#[path = "scenarios/settings.rs"]
mod settings;
#[path = "scenarios/stacks.rs"]
mod stacks;
#[path = "scenarios/starting.rs"]
mod starting;
#[path = "scenarios/terraform.rs"]
mod terraform;
#[path = "scenarios/watch.rs"]
mod watch;

#[path = "../second/gateway.rs"]
mod gateway;
#[path = "../second/known.rs"]
mod known;
#[path = "../second/machines.rs"]
mod machines;
#[path = "../second/paths.rs"]
mod paths;
#[path = "../second/recording.rs"]
mod recording;
#[path = "../second/replay.rs"]
mod replay;
#[expect(dead_code, reason = "the contract suite starts moto as it is")]
#[path = "../moto/server.rs"]
mod server;
#[path = "../second/total.rs"]
mod total;
#[expect(dead_code, reason = "the contract suite speaks to more of moto")]
#[path = "../moto/wire.rs"]
mod wire;

#[path = "../second/planted.rs"]
mod planted;

use gateway::Gateway;
use machines::Copy;
use recording::Run;
use replay::{Replay, Replayed};
use server::{NoServer, Server};

/// Longer than any pause between two calls of moto's: the longest retry waits thirty seconds.
const LIMIT: Duration = Duration::from_secs(60);

/// moto's server with what it needs to run our machines at all; what that is, it says itself.
const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/second/moto_server.py");

/// moto with the gateway before it; one for all tests of this process.
struct Moto {
    gateway: Gateway,
    server: Server,
}

fn moto() -> Option<&'static Moto> {
    static MOTO: OnceLock<Option<Moto>> = OnceLock::new();
    MOTO.get_or_init(|| {
        let gateway = Gateway::start().unwrap();
        let server = match Server::start_behind(gateway.port, SERVER) {
            Ok(server) => server,
            Err(NoServer::NotInstalled(problem)) if !in_ci() => {
                tell(&format!(
                    "SKIPPED: the scenarios on moto, which needs Python 3 and a network once: {problem}"
                ));
                return None;
            }
            Err(NoServer::NotInstalled(problem) | NoServer::NotStarted(problem)) => {
                panic!("no moto: {problem}")
            }
        };
        gateway.pass_on_to(server.port);
        wire::run_state_machines(server.port).unwrap();
        Some(Moto { gateway, server })
    })
    .as_ref()
}

/// Plays a scenario on our interpreter and then on moto's, and compares. It has the name of the
/// function that plays scenarios against their goldens, so that the same scenarios call it.
pub(crate) fn scenario(name: &str, _: &str, story: impl AsyncFn(&Scene)) {
    let Some(moto) = moto() else {
        return;
    };
    let runs = play_once(story, |state| recording::record(&state.engine));
    let replayed = replay(moto, &runs, LIMIT, str::to_owned);
    assert!(
        replayed.differences.is_empty(),
        "{name} is not on moto what it is here:\n  {}",
        replayed.differences.join("\n  ")
    );
    total::add(name, &replayed);
}

fn replay(moto: &Moto, runs: &[Run], limit: Duration, change: impl Fn(&str) -> String) -> Replayed {
    static COPIES: AtomicUsize = AtomicUsize::new(1);
    let copy = Copy::numbered(COPIES.fetch_add(1, Ordering::Relaxed));
    Replay::play(&moto.gateway, moto.server.port, copy, runs, limit, change)
}

#[expect(
    clippy::explicit_write,
    reason = "the test harness keeps to itself what a passing test prints with a macro"
)]
fn tell(line: &str) {
    writeln!(std::io::stderr(), "{line}").unwrap();
}

#[expect(clippy::disallowed_methods, reason = "a test may ask where it runs")]
fn in_ci() -> bool {
    std::env::var_os("CI").is_some()
}
