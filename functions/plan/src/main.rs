//! Start-up only.

use plan::Plan;

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    tidegate_lambda::start::run(Plan::new, async |function: &Plan, event| {
        function.handle(event).await
    })
}
