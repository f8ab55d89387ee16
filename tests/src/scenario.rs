//! Playing a scenario.

use tidegate_local::Options;
use tidegate_local::cloud::{CloudError, State};
use tidegate_local::stage::{Stage, play};

use crate::golden;
use crate::scene::Scene;

/// Decides every id and all noise of a scenario.
const SEED: u64 = 7;

/// Plays a scenario twice with one seed, checks that nothing is ever broken and that both runs are the
/// same, and compares what came of it with `tests/goldens/{name}.txt` (written anew where
/// `UPDATE_GOLDENS` is set).
///
/// # Panics
/// Where anything of that does not hold.
pub fn scenario(name: &str, sentence: &str, story: impl AsyncFn(&Scene)) {
    let first = run(true, &story);
    let again = run(false, &story);
    let told = format!("{name}\n{sentence}\n\n{first}");
    assert!(
        first == again,
        "two runs differ:\n{}",
        golden::difference(&first, &again)
    );
    golden::compare(name, &told);
}

fn run(checked: bool, story: &impl AsyncFn(&Scene)) -> String {
    let played = play(&Options::virtual_time(SEED), async |stage: Stage| {
        let scene = Scene::on(stage, checked);
        story(&scene).await;
        let told = scene.close().await;
        Ok::<String, CloudError>(told)
    });
    played.unwrap()
}

/// Plays a scenario once, without judging it, and looks at the cloud that it leaves behind.
///
/// # Panics
/// Where the story itself does.
pub fn play_once<T>(story: impl AsyncFn(&Scene), look: impl FnOnce(&State) -> T) -> T {
    let played = play(&Options::virtual_time(SEED), async |stage: Stage| {
        let scene = Scene::on(stage, false);
        story(&scene).await;
        scene.close().await;
        Ok::<T, CloudError>(scene.cloud(|state| look(state)))
    });
    played.unwrap()
}
