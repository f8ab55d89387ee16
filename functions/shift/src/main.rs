//! Start-up only.

use shift::Shift;
use tidegate_aws::http::Web;

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    tidegate_lambda::start::run(
        |sdk, lookup| Shift::new(sdk, lookup, Web::internet()),
        async |function: &Shift, event| function.handle(event).await,
    )
}
