//! Start-up only.

use on_image_push::OnImagePush;

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    tidegate_lambda::start::run(OnImagePush::new, async |function: &OnImagePush, event| {
        function.handle(event).await
    })
}
