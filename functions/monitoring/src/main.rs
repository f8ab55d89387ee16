//! Start-up only.

use monitoring::Monitoring;

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    tidegate_lambda::start::run(Monitoring::new, async |function: &Monitoring, event| {
        function.handle(event).await
    })
}
