//! Start-up only.

use shift::Shift;

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    tidegate_lambda::start::run(Shift::new, async |function: &Shift, event| {
        function.handle(event).await
    })
}
