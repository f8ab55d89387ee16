//! A bounded part of what the program plays in full: a seeded sample of single faults of every case,
//! every event, scripts that once found something, and defects that must be found.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::OnceLock;

use tidegate_core::exit::ExitState;
use tidegate_local::TableKind;
use tidegate_wire::coverage::Coverage;
use tidegate_wire::pairs::print;
use tidegate_wire::plan::{Survey, sample};
use tidegate_wire::plant::Plant;
use tidegate_wire::run::Setting;
use tidegate_wire::{Case, Kind, Run, Script, Strategy, Upset, Way, play_script, pool, story};

/// Decides what is drawn.
const SEED: u64 = 3;

/// Single faults of each case.
const SINGLES: usize = 4;

fn survey() -> &'static Survey {
    static SURVEY: OnceLock<Survey> = OnceLock::new();
    SURVEY.get_or_init(|| Survey::make().unwrap())
}

fn play(script: &Script, plant: Option<Plant>) -> Run {
    let setting = Setting {
        plant,
        story: true,
        ..survey().setting(script.case)
    };
    play_script(script, &setting).unwrap()
}

fn case(strategy: Strategy, way: Way) -> Case {
    Case { strategy, way }
}

/// The numbers of the calls of a clean run that a function makes to an operation.
fn calls(case: Case, caller: &str, operation: &str) -> Vec<u64> {
    let sites = &survey().clean(case).unwrap().sites;
    let found = sites.iter().zip(0..);
    found
        .filter(|(site, _)| site.caller == caller && site.operation == operation)
        .map(|(_, number)| number)
        .collect()
}

fn with(case: Case, upsets: Vec<Upset>) -> Script {
    Script { case, upsets }
}

#[test]
fn clean_runs_end_as_they_should() {
    for run in survey().runs() {
        assert!(run.problems.is_empty(), "{}", story::tell(run));
        let should = match run.script.case.way {
            Way::Forward => ExitState::Completed,
            Way::Back => ExitState::RolledBack,
        };
        assert_eq!(run.exit, Some(should), "{}", run.script);
    }
}

/// The table that makes this suite quick must answer every call as dynoxide does: in clean runs, and
/// where calls come twice, late or to a loser.
#[test]
fn the_quick_table_answers_as_dynoxide_does() {
    let mut scripts: Vec<Script> = Case::all().into_iter().map(Script::clean).collect();
    scripts.extend(survey().drawn_pairs(12, SEED));
    for script in scripts {
        let setting = Setting {
            table: TableKind::Compared,
            ..survey().setting(script.case)
        };
        let run = play_script(&script, &setting).unwrap();
        assert!(run.problems.is_empty(), "{}", story::tell(&run));
    }
}

#[test]
fn the_same_script_is_the_same_run() {
    let script: Script = "canary+alarm/120/lose-reply".parse().unwrap();
    assert_eq!(
        story::tell(&play(&script, None)),
        story::tell(&play(&script, None))
    );
}

/// What makes the pairs fewer: see `tidegate_wire::pairs`. The program compares every read.
#[test]
fn dying_before_a_read_and_after_it_is_one() {
    let survey = Survey::of(&[Strategy::Shortest]).unwrap();
    let case = case(Strategy::Shortest, Way::Forward);
    let played = |number, kind| {
        let setting = Setting {
            story: true,
            ..survey.setting(case)
        };
        print(&play_script(&with(case, vec![Upset::Call(number, kind)]), &setting).unwrap())
    };
    let sites = survey.clean(case).unwrap().before_rest();
    let reads = sites.iter().zip(0_u64..).filter(|(site, _)| site.reads());
    let reads: Vec<u64> = reads.map(|(_, number)| number).collect();
    for number in reads.iter().copied().step_by(16) {
        assert_eq!(
            played(number, Kind::KillBefore),
            played(number, Kind::KillAfter),
            "{number}"
        );
    }
    // The comparison can fail: after a write the two differ.
    let writes = sites.iter().zip(0_u64..).find(|(site, _)| !site.reads());
    let (_, write) = writes.unwrap();
    assert_ne!(
        played(write, Kind::KillBefore),
        played(write, Kind::KillAfter),
        "{write}"
    );
}

#[test]
fn single_faults_strand_no_traffic() {
    let mut scripts = Vec::new();
    for case in Case::all() {
        scripts.extend(sample(survey().singles(case), SINGLES, SEED));
    }
    let mut coverage = Coverage::default();
    let mut failed = Vec::new();
    pool::play_all(scripts.into_iter(), survey(), 1, |run| {
        coverage.take(&run);
        if !run.problems.is_empty() {
            failed.push(story::tell(&run));
        }
    })
    .unwrap();
    println!("{}", coverage.table());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Found by this suite: every one of these once ended with `RollbackFailed` and a page to a person.
#[test]
fn a_rollback_outlives_the_death_of_its_own_function() {
    let case = case(Strategy::Canary, Way::Back);
    let weights = calls(case, "rollback", "ModifyRule");
    let first = *weights.first().unwrap();
    for kind in [Kind::KillBefore, Kind::KillAfter, Kind::Stall] {
        let run = play(&with(case, vec![Upset::Call(first, kind)]), None);
        assert!(run.problems.is_empty(), "{}", story::tell(&run));
        assert_eq!(run.exit, Some(ExitState::RolledBack), "{}", story::tell(&run));
    }
}

/// Found by this suite: a healthy image was rolled back and quarantined because one function died.
#[test]
fn a_healthy_image_outlives_the_death_of_a_function() {
    let case = case(Strategy::Canary, Way::Forward);
    let raise = *calls(case, "shift", "ModifyRule").first().unwrap();
    for kind in [Kind::KillBefore, Kind::KillAfter, Kind::Stall] {
        let run = play(&with(case, vec![Upset::Call(raise, kind)]), None);
        assert!(run.problems.is_empty(), "{}", story::tell(&run));
        assert_eq!(run.exit, Some(ExitState::Completed), "{}", story::tell(&run));
    }
}

#[test]
fn a_lost_push_and_a_lost_alarm_are_found_by_the_sweep() {
    for (strategy, number) in [(Strategy::Rolling, 0), (Strategy::Canary, 1)] {
        let script: Script = format!("{}+alarm/event-{number}/drop", strategy.name())
            .parse()
            .unwrap();
        let run = play(&script, None);
        assert!(run.problems.is_empty(), "{}", story::tell(&run));
    }
}

#[test]
fn planted_weight_that_returns_after_the_rollback_is_found() {
    let run = play(
        &Script::clean(case(Strategy::Canary, Way::Back)),
        Some(Plant::RuleReturns),
    );
    let found = |number: u8| {
        run.problems
            .iter()
            .any(|p| p.starts_with(&format!("invariant {number}:")))
    };
    assert!(found(6) && found(11), "{}", story::tell(&run));
}

#[test]
fn planted_ghost_that_outlives_the_quiesce_time_is_found() {
    let case = case(Strategy::Canary, Way::Back);
    let raise = *calls(case, "shift", "ModifyRule").first().unwrap();
    let run = play(&with(case, vec![Upset::Call(raise, Kind::Ghost)]), None);
    let found = run.problems.iter().any(|p| p.starts_with("invariant 6:"));
    assert!(found, "{}", story::tell(&run));
}

#[test]
fn planted_table_without_conditions_is_found() {
    let case = case(Strategy::Canary, Way::Back);
    let writes = calls(case, "shift", "TransactWriteItems");
    let rollback = *calls(case, "rollback", "GetItem").first().unwrap();
    let last = *writes.iter().rfind(|write| **write < rollback).unwrap();
    // A write that was stuck on its way lands on what others wrote meanwhile.
    let script = with(case, vec![Upset::Call(last, Kind::Straggle)]);
    let sound = play(&script, None);
    assert!(sound.problems.is_empty(), "{}", story::tell(&sound));
    let broken = play(&script, Some(Plant::TableWithoutConditions));
    let found = broken.problems.iter().any(|p| p.starts_with("invariant 18:"));
    assert!(found, "{}", story::tell(&broken));
}

#[test]
fn planted_lack_of_a_sweep_is_found() {
    let script: Script = "canary+alarm/event-0/drop".parse().unwrap();
    let run = play(&script, Some(Plant::NoSweep));
    assert!(
        run.problems.iter().any(|p| p == "the push was forgotten"),
        "{}",
        story::tell(&run)
    );
}
