//! Stories on the local cloud, each with a golden timeline. A name says what happens; the sentence
//! beside it, why that is right.
#![expect(clippy::unwrap_used, reason = "tests")]

mod canary;
