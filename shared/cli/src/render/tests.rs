//! What people see, as goldens in `goldens/`. `UPDATE_GOLDENS=1 cargo test -p tidegate` writes them.

use std::path::Path;

use super::samples::{Story, after};
use super::{Paint, deployment, list, missing, open_gate, plan};
use tidegate_core::exit::Missing;

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
fn what_is_missing_comes_with_what_to_do() {
    let one = Missing {
        what: "alarm x out of ALARM".to_owned(),
        remedy: "repair it".to_owned(),
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
