#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod accepted;
mod arbitrary;
mod changes;
mod contracts;
mod edges;
mod functions;
mod indexes;
mod limits;
mod refused;
mod validation;

use super::*;

/// A target file with `extra` lines after the three that every file needs.
fn target(strategy: &str, extra: &str) -> String {
    format!("environment: staging\nstrategy: {strategy}\nreplicas: 2\n{extra}")
}

fn errors(text: &str) -> SpecErrors {
    match parse_document("deploy.yaml", text) {
        Ok(document) => panic!("should have been refused, but means {document:?}"),
        Err(errors) => errors,
    }
}

fn accept(text: &str) -> Parsed {
    parse("deploy.yaml", text).unwrap_or_else(|errors| panic!("{}", errors.plain()))
}
