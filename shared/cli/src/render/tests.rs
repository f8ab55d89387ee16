//! What people see, as goldens in `goldens/`. `UPDATE_GOLDENS=1 cargo test -p tidegate` writes them.

use std::path::Path;

use super::samples::{Story, after};
use super::{Paint, any_missed, deployment, list, measures, missing, open_gate, plan};
use jiff::SignedDuration;
use tidegate_core::event::Event;
use tidegate_core::exit::{ExitState, Missing};
use tidegate_core::measures::outcome::Lead;
use tidegate_core::measures::{LeadFrom, LeftOut, Measures, Outcome, Since, measure};
use tidegate_core::spec::SuiteName;

const PLAIN: Paint = Paint::new(false);

#[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
fn golden(name: &str, shown: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/render/goldens")
        .join(format!("{name}.txt"));
    if std::env::var("UPDATE_GOLDENS").is_ok() {
        std::fs::write(&path, format!("{shown}\n")).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        format!("{shown}\n"),
        wanted,
        "{name}: if this is better, run with UPDATE_GOLDENS=1 and review"
    );
}

#[test]
fn a_deployment_at_its_gate_says_who_is_needed() {
    let story = Story::new().at_gate();
    golden("at-gate", &deployment(&story.deployment, after(620), PLAIN));
}

#[test]
fn a_bake_shows_weight_checks_and_the_time_left() {
    let story = Story::new().baking();
    golden("baking", &deployment(&story.deployment, after(1000), PLAIN));
}

#[test]
fn a_suite_that_failed_shows_its_last_lines() {
    let suite = SuiteName("smoke".to_owned());
    let log = vec![
        "12 pages loaded".to_owned(),
        "FAILED \u{1b}[31mcheckout".to_owned(),
    ];
    let story = Story::new()
        .baking()
        .then(1000, Event::SuiteStarted { suite: suite.clone() })
        .then(
            1010,
            Event::SuiteEnded {
                suite,
                exit_code: 3,
                log,
            },
        );
    let shown = deployment(&story.deployment, after(1010), PLAIN);
    let at = shown.find("suite smoke failed with exit code 3").unwrap();
    let after_it: Vec<&str> = shown[at..].lines().skip(1).take(2).map(str::trim).collect();
    assert_eq!(after_it[0], "| 12 pages loaded", "{shown}");
    assert!(
        after_it[1].starts_with("| FAILED") && !shown.contains('\u{1b}'),
        "{shown}"
    );
}

#[test]
fn a_rolled_back_deployment_says_why_and_what_next() {
    let story = Story::new().rolled_back();
    golden("rolled-back", &deployment(&story.deployment, after(5000), PLAIN));
}

#[test]
fn a_list_has_one_line_each() {
    let all = [
        Story::new().baking(),
        Story::new().at_gate(),
        Story::new().rolled_back(),
        Story::new(),
    ];
    let all: Vec<_> = all.into_iter().map(|story| story.deployment).collect();
    golden("list", &list(&all, after(5000), PLAIN));
    assert_eq!(list(&[], after(0), PLAIN), "no deployments yet");
}

#[test]
fn a_plan_shows_what_is_approved() {
    let story = Story::new().planned();
    let made = story.deployment.plan.as_ref().unwrap();
    golden(
        "plan",
        &plan(
            &story.deployment.target,
            &story.deployment.revision,
            made,
            true,
            PLAIN,
        ),
    );
}

#[test]
fn a_plan_beyond_its_cost_says_that_people_are_asked() {
    use tidegate_core::cost::{Fleet, Forecast, Money, TaskSize};
    let mut story = Story::new().planned();
    let size = TaskSize {
        cpu_units: 512,
        memory_mib: 1024,
    };
    let after = Fleet {
        tasks: 4,
        size,
        arm: true,
        monthly: Money::dollars(57.67),
    };
    let made = story.deployment.plan.as_mut().unwrap();
    made.cost = Some(Forecast {
        before: None,
        after,
        meanwhile: Money::dollars(0.02),
        prices: "prices of the deployment file".to_owned(),
        beyond: vec!["beyond the $50.00 that it may".to_owned()],
    });
    let (target, revision) = (&story.deployment.target, &story.deployment.revision);
    let shown = plan(target, revision, made, false, PLAIN);
    let lines: Vec<&str> = shown.lines().rev().take(2).collect();
    assert_eq!(
        lines,
        [
            "            4 tasks of 0.5 vCPU and 1 GB (ARM); vCPU and memory alone, at prices of the deployment file",
            "  cost      $57.67 a month, beyond the $50.00 that it may; the deployment itself about $0.02; people are asked",
        ]
    );
}

#[test]
fn what_is_missing_comes_with_what_to_do() {
    let one = Missing {
        what: "alarm x out of ALARM".to_owned(),
        remedy: "repair it".to_owned(),
        notify: Vec::new(),
    };
    let shown = missing(&"web/production".parse().unwrap(), &[one], PLAIN);
    assert_eq!(
        shown,
        "web/production  can't be deployed now; missing:\n❌ alarm x out of ALARM\n   next: repair it"
    );
}

#[test]
fn colour_adds_nothing_but_colour() {
    let story = Story::new().rolled_back();
    let colored = deployment(&story.deployment, after(5000), Paint::new(true));
    let mut bare = String::new();
    let mut rest = colored.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        bare.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    bare.push_str(rest);
    assert_eq!(bare, deployment(&story.deployment, after(5000), PLAIN));
}

#[test]
fn a_gate_is_open_until_it_is_passed_or_the_deployment_stops() {
    assert!(open_gate(&Story::new().planned().deployment, None).is_none());
    assert!(open_gate(&Story::new().at_gate().deployment, None).is_some());
    assert!(open_gate(&Story::new().baking().deployment, None).is_none());
    assert!(open_gate(&Story::new().rolled_back().deployment, None).is_none());
}

#[test]
fn what_others_wrote_can_not_draw_on_the_screen() {
    let mut story = Story::new().rolled_back();
    if let Some(exit) = &mut story.deployment.exit {
        exit.reason = "\u{1b}[2Jgone".to_owned();
    }
    assert!(!deployment(&story.deployment, after(5000), PLAIN).contains('\u{1b}'));
}

/// So many days before an instant, as one deployment of web ended then.
fn ended_days_ago(number: usize, days: i64, state: ExitState) -> Outcome {
    Outcome {
        deployment: format!("web-production-{number}").parse().unwrap(),
        target: "web/production".parse().unwrap(),
        reverses: None,
        state,
        ended: after(0) - SignedDuration::from_hours(24 * days),
        duration_seconds: 2400,
        took_traffic: state != ExitState::Blocked,
        left_out: (state == ExitState::Blocked).then_some(LeftOut::Blocked),
        lead: (state == ExitState::Completed).then_some(Lead {
            seconds: 2400 + 60 * days,
            from: LeadFrom::Push,
        }),
        to_safe_seconds: (state == ExitState::RolledBack).then_some(75),
        interrupts: Some(false),
    }
}

/// A month of a service: 24 that completed, one that was rolled back, one that was blocked.
fn month() -> Measures {
    let mut outcomes: Vec<Outcome> = (1..25)
        .map(|number| ended_days_ago(number, i64::try_from(number).unwrap(), ExitState::Completed))
        .collect();
    outcomes.push(ended_days_ago(30, 3, ExitState::RolledBack));
    outcomes.push(ended_days_ago(31, 4, ExitState::Blocked));
    measure(&outcomes, Since::default().until(after(0)))
}

#[test]
fn a_month_of_a_service_shows_measures_targets_and_weeks() {
    golden("measures", &measures(&month(), 100, PLAIN));
}

#[test]
fn a_narrow_terminal_gets_the_same_in_less_room() {
    let shown = measures(&month(), 72, PLAIN);
    golden("measures-narrow", &shown);
    assert!(shown.lines().all(|line| line.chars().count() <= 72));
}

#[test]
fn colours_change_nothing_but_colours() {
    let (plain, painted) = (
        measures(&month(), 100, PLAIN),
        measures(&month(), 100, Paint::new(true)),
    );
    let mut bare = painted.clone();
    for code in ["1", "2", "32", "33", "1;31", "0"] {
        bare = bare.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_ne!(painted, plain);
    // Where a line ends in a coloured nothing, a space may stay.
    let ends = |text: &str| text.lines().map(|l| l.trim_end().to_owned()).collect::<Vec<_>>();
    assert_eq!(ends(&bare), ends(&plain));
}

#[test]
fn several_targets_are_shown_apart_and_together() {
    let other = Outcome {
        target: "web/staging".parse().unwrap(),
        ..ended_days_ago(1, 1, ExitState::RolledBack)
    };
    let outcomes = [other, ended_days_ago(2, 2, ExitState::Completed)];
    let told = measure(&outcomes, Since::Hours(24 * 7).until(after(0)));
    golden("measures-of-two-targets", &measures(&told, 100, PLAIN));
    assert!(any_missed(&told));
    let good = measure(&outcomes[1..], Since::default().until(after(0)));
    assert!(!any_missed(&good), "too few is no miss");
}

#[test]
fn a_time_without_deployments_says_so() {
    let none = measure(&[], Since::default().until(after(0)));
    assert!(measures(&none, 100, PLAIN).starts_with("no deployment ended from 2026-01-31"));
}
