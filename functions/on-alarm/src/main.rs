//! Start-up only.

use on_alarm::OnAlarm;

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    tidegate_lambda::start::run(OnAlarm::new, async |function: &OnAlarm, event| {
        function.handle(event).await
    })
}
