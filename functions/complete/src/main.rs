//! Start-up only.

use complete::Complete;

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    tidegate_lambda::start::run(Complete::new, async |function: &Complete, event| {
        function.handle(event).await
    })
}
