//! Start-up only.

use notify::{Notify, metrics, slack};

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    tidegate_lambda::start::run(
        |sdk, lookup| Notify::new(sdk, lookup, slack::Connection::https(), metrics::Lines::stdout()),
        async |function: &Notify, event| function.handle(event).await,
    )
}
