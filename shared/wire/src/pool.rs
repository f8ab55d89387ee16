//! Many scripts on all cores.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;

use tidegate_local::cloud::CloudError;

use crate::plan::Survey;
use crate::run::{Run, Setting, play_script};
use crate::script::Script;

/// Plays scripts in the order of the iterator, on `jobs` threads, and hands every run to `done`.
///
/// # Errors
/// Where a local cloud can't be made; the first such error.
pub fn play_all(
    scripts: impl Iterator<Item = Script> + Send,
    survey: &Survey,
    jobs: usize,
    done: impl FnMut(Run) + Send,
) -> Result<(), CloudError> {
    let setting = |script: &Script| survey.setting(script.case);
    each(
        scripts,
        jobs,
        |script| play_script(&script, &setting(&script)),
        done,
    )
}

/// As [`play_all`], each script with a setting of its own.
///
/// # Errors
/// As [`play_all`].
pub fn play_each(
    scripts: impl Iterator<Item = (Script, Setting)> + Send,
    jobs: usize,
    done: impl FnMut(Run) + Send,
) -> Result<(), CloudError> {
    each(
        scripts,
        jobs,
        |(script, setting)| play_script(&script, &setting),
        done,
    )
}

fn each<T: Send>(
    work: impl Iterator<Item = T> + Send,
    jobs: usize,
    play: impl Fn(T) -> Result<Run, CloudError> + Sync,
    done: impl FnMut(Run) + Send,
) -> Result<(), CloudError> {
    let work = Mutex::new(work);
    let done = Mutex::new(done);
    let trouble = Mutex::new(None);
    let next = || work.lock().unwrap_or_else(PoisonError::into_inner).next();
    thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                while let Some(one) = next() {
                    match play(one) {
                        Ok(run) => done.lock().unwrap_or_else(PoisonError::into_inner)(run),
                        Err(error) => {
                            let mut first = trouble.lock().unwrap_or_else(PoisonError::into_inner);
                            first.get_or_insert(error);
                            return;
                        }
                    }
                }
            });
        }
    });
    let trouble = trouble.into_inner().unwrap_or_else(PoisonError::into_inner);
    trouble.map_or(Ok(()), Err)
}
