//! Start-up only.

use migrate::Migrate;

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    tidegate_lambda::start::run(Migrate::new, async |function: &Migrate, event| {
        function.handle(event).await
    })
}
