#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[test]
fn a_service_name_is_lowercase_letters_digits_and_dashes() {
    for good in ["w", "web", "web-2", "a-b-c", "a0", "w--b"] {
        assert_eq!(good.parse::<ServiceName>().unwrap().as_str(), good);
    }
    for bad in [
        "", "-web", "web-", "2web", "Web", "weB", "w_b", "w b", "wéb", "-", "web/x",
    ] {
        assert!(bad.parse::<ServiceName>().is_err(), "`{bad}`");
    }
}

#[test]
fn each_label_has_its_own_greatest_length() {
    let label = |length: usize| "a".repeat(length);
    assert!(label(32).parse::<ServiceName>().is_ok());
    assert!(label(33).parse::<ServiceName>().is_err());
    assert!(label(24).parse::<EnvironmentName>().is_ok());
    assert!(label(25).parse::<EnvironmentName>().is_err());
    assert!(label(40).parse::<Role>().is_ok());
    assert!(label(41).parse::<Role>().is_err());
}

#[test]
fn environments_and_roles_follow_the_rule_of_labels() {
    for bad in ["", "9a", "A", "a-", "a_b"] {
        assert!(bad.parse::<EnvironmentName>().is_err(), "`{bad}`");
        assert!(bad.parse::<Role>().is_err(), "`{bad}`");
    }
    assert!("production".parse::<EnvironmentName>().is_ok());
    assert!("tech-lead".parse::<Role>().is_ok());
}

#[test]
fn a_digest_is_sha256_and_64_lowercase_hexadecimal_digits() {
    assert!(format!("sha256:{HEX}").parse::<Digest>().is_ok());
    for bad in [
        HEX.to_owned(),
        format!("sha512:{HEX}"),
        format!("sha256:{}", &HEX[1..]),
        format!("sha256:{HEX}0"),
        format!("sha256:{}", HEX.to_uppercase()),
        format!("sha256:g{}", &HEX[1..]),
        format!("sha256:/{}", &HEX[1..]),
        format!("sha256::{}", &HEX[1..]),
        format!("sha256:`{}", &HEX[1..]),
        "sha256:".to_owned(),
    ] {
        assert!(bad.parse::<Digest>().is_err(), "`{bad}`");
    }
}

#[test]
fn hashes_are_64_lowercase_hexadecimal_digits() {
    assert!(HEX.parse::<SpecHash>().is_ok());
    assert!(HEX.parse::<PlanHash>().is_ok());
    for bad in [&HEX[1..], "", "xyzzy"] {
        assert!(bad.parse::<SpecHash>().is_err(), "`{bad}`");
        assert!(bad.parse::<PlanHash>().is_err(), "`{bad}`");
    }
    let too_long = format!("{HEX}0");
    assert!(too_long.parse::<SpecHash>().is_err());
    assert!(too_long.parse::<PlanHash>().is_err());
}

#[test]
fn a_deployment_id_fits_an_execution_name() {
    for good in [
        "a",
        "Z",
        "0",
        "-",
        "_",
        "web-production-7-1f2e3d4c",
        &"x".repeat(80),
    ] {
        assert!(good.parse::<DeploymentId>().is_ok(), "`{good}`");
    }
    for bad in ["", "a b", "a/b", "a.b", "é", &"x".repeat(81)] {
        assert!(bad.parse::<DeploymentId>().is_err(), "`{bad}`");
    }
}

#[test]
fn a_person_is_any_printable_text() {
    for good in ["m", "Maria Lund", "ecr", &"x".repeat(120)] {
        assert!(good.parse::<Person>().is_ok(), "`{good}`");
    }
    for bad in ["", "   ", "a\nb", "a\u{7}", &"x".repeat(121)] {
        assert!(bad.parse::<Person>().is_err(), "`{bad}`");
    }
}

#[test]
fn a_refused_name_is_told_with_its_rule_and_cut_short() {
    let refused = "Web".parse::<ServiceName>().unwrap_err();
    assert_eq!(
        refused.to_string(),
        "`Web` is not a valid service name: lowercase letters, digits and dashes, starting with a \
         letter, at most 32 characters"
    );
    let long = "X".repeat(500).parse::<Role>().unwrap_err();
    assert_eq!(long.kind, "role");
    assert_eq!(long.text.len(), 120);
}

#[test]
fn names_go_through_json_as_texts_and_are_checked_on_the_way_in() {
    let name: ServiceName = serde_json::from_str("\"web\"").unwrap();
    assert_eq!(serde_json::to_string(&name).unwrap(), "\"web\"");
    assert!(serde_json::from_str::<ServiceName>("\"Web\"").is_err());
    assert_eq!(format!("{name:>5}|{name:<5}|"), "  web|web  |");
}

#[test]
fn the_short_forms_are_the_first_twelve_digits() {
    let digest: Digest = format!("sha256:{HEX}").parse().unwrap();
    assert_eq!(digest.short(), "0123456789ab");
    let plan: PlanHash = HEX.parse().unwrap();
    assert_eq!(plan.short(), "0123456789ab");
}

#[test]
fn hashes_are_the_sha256_of_the_bytes() {
    // The known answer for "abc" of FIPS 180-2, appendix B.1.
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(SpecHash::of(b"abc").as_str(), abc);
    assert_eq!(PlanHash::of(b"abc").as_str(), abc);
}

#[test]
fn a_target_reads_back_as_it_is_written() {
    let target: Target = "web/production".parse().unwrap();
    assert_eq!(target.service.as_str(), "web");
    assert_eq!(target.environment.as_str(), "production");
    assert_eq!(target.to_string(), "web/production");
}

#[test]
fn a_target_without_its_two_parts_is_refused_by_the_part_that_is_wrong() {
    let kind = |text: &str| text.parse::<Target>().unwrap_err().kind;
    assert_eq!(kind("web"), "target");
    assert_eq!(kind("/production"), "service name");
    assert_eq!(kind("web/"), "environment name");
    assert_eq!(kind("web/production/eu"), "environment name");
}

#[test]
fn epochs_go_up_by_one_and_stay_at_the_last() {
    assert_eq!(Epoch::default(), Epoch(0));
    assert_eq!(Epoch(0).next(), Epoch(1));
    assert_eq!(Epoch(41).next(), Epoch(42));
    assert_eq!(Epoch(u64::MAX).next(), Epoch(u64::MAX));
    assert_eq!(Epoch(42).to_string(), "42");
}

#[test]
fn a_weight_is_at_most_a_hundred() {
    for percent in [0, 1, 99, 100] {
        let weight = Weight::new(percent).unwrap();
        assert_eq!(weight.percent(), percent);
        assert_eq!(u8::from(weight), percent);
        assert_eq!(Weight::try_from(percent), Ok(weight));
    }
    assert_eq!(Weight::new(101), None);
    assert_eq!(
        Weight::try_from(101),
        Err("a weight of 101 is above 100".to_owned())
    );
    assert_eq!(Weight::new(0), Some(Weight::ZERO));
    assert_eq!(Weight::new(100), Some(Weight::FULL));
}

#[test]
fn a_weight_and_its_rest_make_a_hundred() {
    for (percent, rest) in [(0, 100), (1, 99), (25, 75), (50, 50), (100, 0)] {
        assert_eq!(Weight::new(percent).unwrap().rest().percent(), rest);
    }
}

#[test]
fn weights_go_through_json_as_numbers_and_are_checked_on_the_way_in() {
    let weight: Weight = serde_json::from_str("25").unwrap();
    assert_eq!(serde_json::to_string(&weight).unwrap(), "25");
    assert!(serde_json::from_str::<Weight>("101").is_err());
    assert_eq!(weight.to_string(), "25 %");
}

#[test]
fn the_slots_are_each_others_other() {
    assert_eq!(Slot::Blue.other(), Slot::Green);
    assert_eq!(Slot::Green.other(), Slot::Blue);
    assert_eq!(Slot::Blue.as_str(), "blue");
    assert_eq!(Slot::Green.as_str(), "green");
    assert_eq!(format!("{:<6}|{}", Slot::Blue, Slot::Green), "blue  |green");
}

#[test]
fn a_commit_is_shown_by_its_first_twelve_digits() {
    let commit: Commit = "8c5d1f0a3b7e9d2c4f6a8b0c1d2e3f4a5b6c7d8e".parse().unwrap();
    assert_eq!(commit.short(), "8c5d1f0a3b7e");
    let short: Commit = "8c5d1f0".parse().unwrap();
    assert_eq!(short.short(), "8c5d1f0");
}
