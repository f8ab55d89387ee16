#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

const CONTENT: &str = r#"{"version":"1",
    "flags":{"banner":{"name":"Banner","attributes":{"limit":{"constraints":{"type":"number"}}}},"beta":{"name":"Beta"},
             "shades":{"name":"Shades"}},
    "values":{"banner":{"enabled":false,"limit":3,"_updatedAt":"x"},"beta":{"enabled":true},
              "shades":{"_variants":[{"name":"default","enabled":true}]}}}"#;

fn work(set: &[(&str, Option<bool>)]) -> FlagsWork {
    let to = |enabled| FlagTo {
        enabled,
        ..FlagTo::default()
    };
    FlagsWork {
        application: "web".to_owned(),
        environment: "production".to_owned(),
        profile: "flags".to_owned(),
        strategy: "AppConfig.AllAtOnce".to_owned(),
        set: set
            .iter()
            .map(|(name, on)| ((*name).to_owned(), to(*on)))
            .collect(),
    }
}

fn deployed(number: i32, version: i32, stage: DeployedStage) -> Deployed {
    Deployed {
        number,
        version,
        stage,
        percent: 40,
    }
}

/// Version 3 was deployed by deployment 7; then came these, newest first, and ours is version 4.
fn now(since: &[Deployed], ours: Option<i32>, content: &str) -> FlagsNow {
    let place = FlagsPlace {
        application: "app0001".to_owned(),
        environment: "env0001".to_owned(),
        profile: "pro0001".to_owned(),
        strategy: "AppConfig.AllAtOnce".to_owned(),
    };
    let mut deployments = since.to_vec();
    deployments.push(deployed(7, 3, DeployedStage::Complete));
    FlagsNow {
        place,
        newest_deployment: deployments[0].number,
        deployments,
        newest_version: 4,
        ours,
        content: content.as_bytes().to_vec(),
    }
}

fn before() -> Before {
    let held = now(&[], None, CONTENT).before().unwrap();
    Before::Flags { held }
}

/// Of making and of undoing.
fn both(since: &[Deployed], ours: Option<i32>, work: &FlagsWork) -> (Progress, Progress) {
    let content = merged(CONTENT.as_bytes(), work).unwrap();
    let done = since
        .first()
        .is_some_and(|one| one.stage == DeployedStage::Complete && Some(one.version) == ours);
    let content = if done { &content } else { CONTENT };
    let seen = seen(&now(since, ours, content), Some(&before()), work);
    (seen.made, seen.undone)
}

fn says(progress: &Progress) -> String {
    match progress {
        Progress::NotBegun => "not begun".to_owned(),
        Progress::Waiting { note } => format!("waiting: {note}"),
        Progress::Running { note } => format!("running: {note}"),
        Progress::Done { detail, .. } => format!("done: {detail}"),
        Progress::Failed { reason, .. } => format!("failed: {reason}"),
    }
}

#[test]
fn the_flags_of_the_file_are_set_and_all_others_stay_as_they_are() {
    let mut work = work(&[("banner", Some(true)), ("new-checkout", Some(false))]);
    let new = work.set.get_mut("new-checkout").unwrap();
    new.attributes
        .insert("limit".to_owned(), Attribute::written("5", true));
    new.attributes
        .insert("colour".to_owned(), Attribute::written("5", false));
    new.attributes
        .insert("fast".to_owned(), Attribute::written("true", true));
    assert!(!holds(CONTENT.as_bytes(), &work));
    let text = merged(CONTENT.as_bytes(), &work).unwrap();
    assert!(holds(text.as_bytes(), &work));
    let (was, is): (Value, Value) = (
        serde_json::from_str(CONTENT).unwrap(),
        serde_json::from_str(&text).unwrap(),
    );
    assert_eq!(
        is["values"]["banner"],
        json!({"enabled": true, "limit": 3, "_updatedAt": "x"})
    );
    for same in ["beta", "shades"] {
        assert_eq!(is["values"][same], was["values"][same]);
        assert_eq!(is["flags"][same], was["flags"][same]);
    }
    assert_eq!(is["flags"]["banner"], was["flags"]["banner"]);
    assert_eq!(
        is["values"]["new-checkout"],
        json!({"enabled": false, "limit": 5, "colour": "5", "fast": true})
    );
    assert_eq!(
        is["flags"]["new-checkout"]["attributes"]["colour"],
        json!({"constraints": {"type": "string"}})
    );
    assert_eq!(merged(text.as_bytes(), &work).unwrap(), text, "twice is once");
    assert_eq!(
        work.told(),
        "banner on, new-checkout off with colour \"5\" and fast true and limit 5"
    );
}

#[test]
fn a_new_flag_starts_off_and_one_with_variants_is_left_to_a_person() {
    let refused = |set: &[(&str, Option<bool>)]| refused(&now(&[], None, CONTENT), &work(set));
    let new = refused(&[("new-checkout", Some(true))]).unwrap();
    assert!(
        new.starts_with("the flag new-checkout is not there yet, and a new flag starts off"),
        "{new}"
    );
    assert_eq!(refused(&[("new-checkout", Some(false))]), None);
    assert_eq!(refused(&[("new-checkout", None)]), None, "off as well");
    assert!(
        refused(&[("shades", Some(true))])
            .unwrap()
            .contains("has variants")
    );
    assert_eq!(refused(&[("beta", Some(false))]), None);
}

#[test]
fn what_is_deployed_must_be_flags_of_a_bounded_size_with_nothing_underway() {
    let flags = work(&[("beta", Some(false))]);
    for strange in [
        "",
        "[]",
        "{}",
        r#"{"version":"2"}"#,
        r#"{"version":"1","flags":[]}"#,
    ] {
        let reason = refused(&now(&[], None, strange), &flags).unwrap();
        assert_eq!(
            reason, "what is deployed is no feature flag configuration of version 1",
            "{strange}"
        );
    }
    let large = format!("{CONTENT}{}", " ".repeat(MAX_CONTENT_BYTES));
    assert!(
        refused(&now(&[], None, &large), &flags)
            .unwrap()
            .contains("more than")
    );
    let going = [deployed(8, 5, DeployedStage::Baking)];
    let reason = refused(&now(&going, None, CONTENT), &flags).unwrap();
    assert!(
        reason.contains("deployment 8 of web/production/flags is underway"),
        "{reason}"
    );
    let mut none = now(&[], None, CONTENT);
    none.deployments.clear();
    assert!(refused(&none, &flags).unwrap().contains("nothing to return to"));
    assert_eq!(none.before(), None);
}

#[test]
fn what_is_recorded_before_is_numbers_and_a_hash_and_never_the_content() {
    let first = seen(&now(&[], None, CONTENT), None, &work(&[("beta", Some(false))]));
    let text = serde_json::to_string(&first).unwrap();
    assert!(text.contains("\"version\":3") && text.contains("\"deployment\":7"));
    assert!(!text.contains("banner") && !text.contains("beta"), "{text}");
    assert_eq!(first.made, Progress::NotBegun);
}

#[test]
fn a_version_is_stored_deployed_watched_and_read_back() {
    let flags = work(&[("beta", Some(false))]);
    let ours = Some(4);
    assert_eq!(both(&[], None, &flags).0, Progress::NotBegun);
    assert_eq!(
        both(&[], ours, &flags).0,
        Progress::NotBegun,
        "stored, not deployed"
    );
    let at = |stage| both(&[deployed(8, 4, stage)], ours, &flags);
    let (made, undone) = at(DeployedStage::Deploying);
    assert_eq!(says(&made), "running: AppConfig deploys version 4, 40 % have it");
    assert_eq!(undone, Progress::NotBegun, "it can be stopped");
    let (made, undone) = at(DeployedStage::Baking);
    assert!(says(&made).starts_with("running: AppConfig has deployed version 4"));
    assert_eq!(undone, Progress::NotBegun);
    let (made, undone) = at(DeployedStage::Complete);
    assert_eq!(says(&made), "done: version 4 (before: 3)");
    assert_eq!(undone, Progress::NotBegun);
    for stage in [DeployedStage::RolledBack, DeployedStage::Reverted] {
        let (made, undone) = at(stage);
        assert!(says(&made).starts_with("failed: version 4 was taken back"));
        assert_eq!(says(&undone), "done: version 3 is deployed again");
    }
    let (made, undone) = at(DeployedStage::RollingBack);
    assert_eq!(says(&made), "running: AppConfig takes version 4 back");
    assert_eq!(says(&undone), "running: AppConfig takes version 4 back");
    let strange = now(&[deployed(8, 4, DeployedStage::Complete)], ours, CONTENT);
    let seen = seen(&strange, Some(&before()), &flags);
    assert!(says(&seen.made).starts_with("failed: version 4 is deployed, and its flags are not"));
}

#[test]
fn flags_that_are_so_already_are_neither_set_nor_brought_back() {
    let (made, undone) = both(&[], None, &work(&[("beta", Some(true))]));
    assert_eq!(says(&made), "done: they were so already (version 3)");
    assert_eq!(says(&undone), "done: version 3 is still deployed");
}

#[test]
fn what_was_there_may_be_deployed_once_more_and_is_waited_for() {
    let flags = work(&[("beta", Some(false))]);
    let ours = deployed(8, 4, DeployedStage::Complete);
    let again = |stage| both(&[deployed(9, 3, stage), ours], Some(4), &flags).1;
    assert_eq!(
        says(&again(DeployedStage::Deploying)),
        "running: AppConfig deploys version 3 again, 40 % have it"
    );
    assert_eq!(
        says(&again(DeployedStage::Complete)),
        "done: version 3 is deployed again"
    );
    assert_eq!(
        again(DeployedStage::RolledBack),
        Progress::NotBegun,
        "then it is tried again"
    );
}

#[test]
fn what_somebody_else_has_deployed_is_told_and_left() {
    let flags = work(&[("beta", Some(false))]);
    let left = "failed: somebody else has deployed version 9 meanwhile; it is left as it is";
    let ours = deployed(8, 4, DeployedStage::Complete);
    for stage in [
        DeployedStage::Deploying,
        DeployedStage::Baking,
        DeployedStage::Complete,
    ] {
        for since in [vec![deployed(9, 9, stage)], vec![deployed(9, 9, stage), ours]] {
            let (made, undone) = both(&since, Some(4), &flags);
            assert_eq!((says(&made).as_str(), says(&undone).as_str()), (left, left));
        }
    }
    // What they have taken back themselves is no matter.
    let gone = [deployed(9, 9, DeployedStage::RolledBack), ours];
    assert_eq!(says(&both(&gone, Some(4), &flags).1), "not begun");
}
