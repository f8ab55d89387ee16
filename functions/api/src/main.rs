//! Start-up only.

use api::Api;

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    tidegate_lambda::start::run(Api::new, async |function: &Api, event| {
        function.handle(event).await
    })
}
