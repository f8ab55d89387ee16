//! Several things at once, in one task: a function is one task, and its calls are counted by it.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

enum Part<F: Future> {
    Underway(Pin<Box<F>>),
    Over(Option<F::Output>),
}

/// All outputs, in order, once the last one is there.
pub(super) async fn all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let futures = futures.into_iter().map(|future| Part::Underway(Box::pin(future)));
    let mut parts: Vec<Part<F>> = futures.collect();
    poll_fn(|context| {
        let mut over = true;
        for part in &mut parts {
            if let Part::Underway(future) = part {
                match future.as_mut().poll(context) {
                    Poll::Ready(output) => *part = Part::Over(Some(output)),
                    Poll::Pending => over = false,
                }
            }
        }
        if over { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    let outputs = parts.iter_mut().filter_map(|part| match part {
        Part::Over(output) => output.take(),
        Part::Underway(_) => None,
    });
    outputs.collect()
}
