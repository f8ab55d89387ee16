//! Start-up only.

use gate::Gate;

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    tidegate_lambda::start::run(Gate::new, async |function: &Gate, event| {
        function.handle(event).await
    })
}
