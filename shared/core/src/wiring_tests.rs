#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn weight(percent: u8) -> Weight {
    Weight::new(percent).unwrap()
}

fn forward(groups: &[(&str, u32)]) -> Forward {
    Forward {
        target_groups: groups.iter().map(|(arn, w)| ((*arn).to_owned(), *w)).collect(),
        stickiness: Some((true, Some(60))),
    }
}

#[test]
fn a_file_for_another_account_is_told_from_what_was_found() {
    let arn = "arn:aws:ecs:us-east-1:123456789012:service/production/web-blue";
    assert_eq!(wrong_account(None, arn), None);
    assert_eq!(wrong_account(Some("123456789012"), arn), None);
    let missing = wrong_account(Some("210987654321"), arn).unwrap();
    assert_eq!(
        missing.what,
        "AWS account 210987654321, which the file is for: this is account 123456789012"
    );
    // What is no ARN is not the account that was asked for.
    assert!(wrong_account(Some("123456789012"), "web-blue").is_some());
}

#[test]
fn the_metrics_dimension_of_a_slot_is_the_last_part_of_its_target_groups_arn() {
    let arn = "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/web-green/9".to_owned();
    let balancer = Balancer {
        rule_arn: "rule".to_owned(),
        target_groups: BTreeMap::from([(Slot::Green, arn)]),
        load_balancer_dimension: "app/web/1".to_owned(),
    };
    assert_eq!(
        balancer.target_group_dimension(Slot::Green),
        Some("targetgroup/web-green/9")
    );
    assert_eq!(balancer.target_group_dimension(Slot::Blue), None);
}

#[test]
fn a_text_that_is_no_arn_has_no_dimension() {
    let balancer = Balancer {
        rule_arn: String::new(),
        target_groups: BTreeMap::from([(Slot::Blue, "targetgroup".to_owned())]),
        load_balancer_dimension: String::new(),
    };
    assert_eq!(balancer.target_group_dimension(Slot::Blue), None);
}

#[test]
fn the_share_of_a_target_group_is_read_where_the_weights_make_a_hundred() {
    let action = forward(&[("blue", 75), ("green", 25)]);
    assert_eq!(action.weight_of("blue"), Some(weight(75)));
    assert_eq!(action.weight_of("green"), Some(weight(25)));
    assert_eq!(action.weight_of("red"), None);
    assert_eq!(forward(&[("blue", 100)]).weight_of("blue"), Some(Weight::FULL));
}

#[test]
fn weights_that_do_not_make_a_hundred_have_no_share() {
    for other in [24, 26] {
        let action = forward(&[("blue", 75), ("green", other)]);
        assert_eq!(action.weight_of("blue"), None, "75 and {other}");
    }
    assert_eq!(forward(&[]).weight_of("blue"), None);
}

#[test]
fn setting_a_weight_gives_the_rest_to_the_other_and_keeps_order_and_stickiness() {
    let action = forward(&[("blue", 100), ("green", 0)]);
    let quarter = forward(&[("blue", 75), ("green", 25)]);
    assert_eq!(
        action.with_weight("green", "blue", weight(25)),
        Some(quarter.clone())
    );
    assert_eq!(action.with_weight("blue", "green", weight(75)), Some(quarter));
}

#[test]
fn an_action_that_names_anything_but_the_two_is_not_changed() {
    for groups in [
        &[("blue", 100)][..],
        &[("blue", 100), ("red", 0)],
        &[("red", 100), ("green", 0)],
        &[("red", 100), ("pink", 0)],
        &[("blue", 50), ("green", 25), ("red", 25)],
        &[],
    ] {
        assert_eq!(
            forward(groups).with_weight("green", "blue", weight(25)),
            None,
            "{groups:?}"
        );
    }
}
