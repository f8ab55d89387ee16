//! Start-up only.

use tidegate_aws::http::Web;
use validate::Validate;

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    tidegate_lambda::start::run(
        |sdk, lookup| Validate::new(sdk, lookup, Web::internet()),
        async |function: &Validate, event| function.handle(event).await,
    )
}
