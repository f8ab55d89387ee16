//! Start-up only.

use rollback::Rollback;

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    tidegate_lambda::start::run(Rollback::new, async |function: &Rollback, event| {
        function.handle(event).await
    })
}
