//! Stories on the local cloud, each with a golden timeline. A name says what happens; the sentence
//! beside it, why that is right.
#![expect(clippy::unwrap_used, reason = "tests")]

// Scenarios take it from here, so that `second_opinion.rs` can play the same ones in its own way.
use tidegate_tests::scenario;

mod analysis;
mod analyzer;
mod archive;
mod backups;
mod bluegreen;
mod canary;
mod configuration;
mod contracts;
mod cost;
mod dry_run;
mod evidence;
mod faults;
mod found;
mod functions;
mod gates;
mod hands;
mod indexes;
mod infrastructure;
mod measures;
mod migrations;
mod monitoring;
mod no_balancer;
mod one_service;
mod pages;
mod permissions;
mod pushes;
mod reports;
mod settings;
mod stacks;
mod starting;
mod terraform;
mod watch;
