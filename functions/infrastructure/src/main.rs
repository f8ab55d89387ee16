//! Start-up only.

use infrastructure::Infrastructure;

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    tidegate_lambda::start::run(Infrastructure::new, async |function: &Infrastructure, event| {
        function.handle(event).await
    })
}
