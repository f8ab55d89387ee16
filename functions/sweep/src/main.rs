//! Start-up only.

use sweep::Sweep;

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    tidegate_lambda::start::run(Sweep::new, async |function: &Sweep, event| {
        function.handle(event).await
    })
}
