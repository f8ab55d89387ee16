//! Start-up only.

use abort_handle::AbortHandle;

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    tidegate_lambda::start::run(AbortHandle::new, async |function: &AbortHandle, event| {
        function.handle(event).await
    })
}
