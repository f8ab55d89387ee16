//! Start-up only.

use configure::Configure;

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    tidegate_lambda::start::run(Configure::new, async |function: &Configure, event| {
        function.handle(event).await
    })
}
