//! Start-up only.

use validate::Validate;

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    tidegate_lambda::start::run(Validate::new, async |function: &Validate, event| {
        function.handle(event).await
    })
}
