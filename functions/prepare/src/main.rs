//! Start-up only.

use prepare::Prepare;

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    tidegate_lambda::start::run(Prepare::new, async |function: &Prepare, event| {
        function.handle(event).await
    })
}
