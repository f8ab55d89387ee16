#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

const OPENED: &str = "2026-11-20T09:00:00Z";
const EXPIRES: &str = "2026-11-20T10:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn person(name: &str) -> Person {
    name.parse().unwrap()
}

fn role(name: &str) -> Role {
    name.parse().unwrap()
}

fn roles(names: &[&str]) -> BTreeSet<Role> {
    names.iter().map(|name| role(name)).collect()
}

fn plan(text: &str) -> PlanHash {
    PlanHash::of(text.as_bytes())
}

/// A gate that asks for so many of each role.
fn rule(approvals: &[(&str, u32)]) -> Gate {
    Gate {
        before: GatePhase::Shift,
        approvals: approvals
            .iter()
            .map(|(name, count)| ApprovalRule {
                role: role(name),
                count: *count,
            })
            .collect(),
        expires_seconds: 3600,
    }
}

fn said(by: &str, as_role: &str, approve: bool, reason: &str) -> GateDecision {
    GateDecision {
        by: person(by),
        role: role(as_role),
        approve,
        reason: reason.to_owned(),
        plan_hash: plan("plan"),
        at: at(OPENED),
    }
}

fn state(decisions: Vec<GateDecision>) -> GateState {
    GateState {
        decisions,
        ..GateState::open(at(OPENED), at(EXPIRES), plan("plan"))
    }
}

/// What Maria's decision at nine thirty comes to, where she has these roles.
fn admits(rule: &Gate, state: &GateState, held: &[&str]) -> Result<Role, GateRefusal> {
    admit_decision(
        rule,
        Some(state),
        Some(&person("author")),
        &person("maria"),
        &roles(held),
        &plan("plan"),
        at("2026-11-20T09:30:00Z"),
    )
}

#[test]
fn phases_with_a_gate_are_named_as_in_the_file() {
    let names = GatePhase::ALL.map(GatePhase::as_str);
    assert_eq!(
        names,
        [
            "prepare",
            "migrate",
            "infrastructure",
            "configure",
            "shift",
            "validate",
            "complete",
            "contract"
        ]
    );
    for phase in GatePhase::ALL {
        assert_eq!(GatePhase::named(phase.as_str()), Some(phase));
    }
    assert_eq!(GatePhase::named("plan"), None);
}

#[test]
fn a_gate_opens_with_no_decision_and_not_passed() {
    let opened = GateState::open(at(OPENED), at(EXPIRES), plan("plan"));
    assert_eq!(
        opened,
        GateState {
            opened_at: at(OPENED),
            expires_at: at(EXPIRES),
            plan_hash: plan("plan"),
            decisions: Vec::new(),
            passed_at: None,
        }
    );
}

#[test]
fn a_decision_is_told_with_its_reason_where_one_was_given() {
    assert_eq!(
        said("maria", "tech-lead", true, "").describe(),
        "maria approved as tech-lead"
    );
    assert_eq!(
        said("tom", "product", false, "not today").describe(),
        "tom rejected as product: not today"
    );
}

const PEOPLE: &str = r#"{"people": {
    "maria": {"roles": ["tech-lead"], "principals": ["arn:aws:iam::1:user/maria"], "slack": "U1"},
    "tom": {"roles": ["product", "on-call"], "principals": ["role/dev/tom", "arn:tom"]},
    "   ": {"roles": ["product"], "slack": "U9"}
}}"#;

#[test]
fn a_person_is_one_through_every_door() {
    let people: People = serde_json::from_str(PEOPLE).unwrap();
    let doors = [
        ("maria", "maria"),
        ("arn:aws:iam::1:user/maria", "maria"),
        ("U1", "maria"),
        ("tom", "tom"),
        ("role/dev/tom", "tom"),
        ("arn:tom", "tom"),
    ];
    for (door, name) in doors {
        let (found, entry) = people.identify(door).unwrap();
        assert_eq!(found, person(name), "through {door}");
        assert_eq!(Some(entry), people.people.get(name), "through {door}");
    }
    assert_eq!(people.identify("maria").unwrap().1.roles, roles(&["tech-lead"]));
}

#[test]
fn nobody_is_found_for_an_unknown_identity_or_a_name_that_is_none() {
    let people: People = serde_json::from_str(PEOPLE).unwrap();
    for identity in ["", "U2", "Maria", "arn:aws:iam::1:user/tom", "U9"] {
        assert_eq!(people.identify(identity), None, "`{identity}`");
    }
    assert_eq!(People::default().identify("maria"), None);
}

#[test]
fn a_decision_counts_in_the_role_that_is_asked_for() {
    let one = rule(&[("tech-lead", 1)]);
    assert_eq!(
        admits(&one, &state(Vec::new()), &["tech-lead"]),
        Ok(role("tech-lead"))
    );
    assert_eq!(
        admits(&one, &state(Vec::new()), &["on-call", "tech-lead"]),
        Ok(role("tech-lead"))
    );
}

#[test]
fn no_decision_counts_where_no_gate_is_open() {
    let one = rule(&[("tech-lead", 1)]);
    let mut passed = state(Vec::new());
    passed.passed_at = Some(at(OPENED));
    assert_eq!(admits(&one, &passed, &["tech-lead"]), Err(GateRefusal::NotOpen));
    let unopened = admit_decision(
        &one,
        None,
        None,
        &person("maria"),
        &roles(&["tech-lead"]),
        &plan("plan"),
        at(OPENED),
    );
    assert_eq!(unopened, Err(GateRefusal::NotOpen));
}

#[test]
fn a_decision_counts_up_to_the_last_instant_before_the_gate_expires() {
    let one = rule(&[("tech-lead", 1)]);
    let open = state(Vec::new());
    let decide = |now: &str| {
        admit_decision(
            &one,
            Some(&open),
            None,
            &person("maria"),
            &roles(&["tech-lead"]),
            &plan("plan"),
            at(now),
        )
    };
    assert_eq!(decide("2026-11-20T09:59:59.999Z"), Ok(role("tech-lead")));
    for late in [EXPIRES, "2026-11-20T10:00:01Z"] {
        assert_eq!(decide(late), Err(GateRefusal::Expired(at(EXPIRES))), "{late}");
    }
    assert_eq!(
        GateRefusal::Expired(at(EXPIRES)).to_string(),
        "the approval expired at 2026-11-20T10:00:00Z; deploy again to ask anew"
    );
}

#[test]
fn an_approval_of_another_plan_does_not_count() {
    let refused = admit_decision(
        &rule(&[("tech-lead", 1)]),
        Some(&state(Vec::new())),
        None,
        &person("maria"),
        &roles(&["tech-lead"]),
        &plan("older"),
        at(OPENED),
    );
    let stale = GateRefusal::StalePlan {
        given: plan("older").short().to_owned(),
        current: plan("plan").short().to_owned(),
    };
    assert_eq!(refused, Err(stale));
}

#[test]
fn the_author_does_not_approve_even_with_the_role() {
    let one = rule(&[("tech-lead", 1)]);
    let decide = |author: Option<&Person>| {
        admit_decision(
            &one,
            Some(&state(Vec::new())),
            author,
            &person("maria"),
            &roles(&["tech-lead"]),
            &plan("plan"),
            at(OPENED),
        )
    };
    assert_eq!(
        decide(Some(&person("maria"))),
        Err(GateRefusal::Author(person("maria")))
    );
    assert_eq!(decide(Some(&person("tom"))), Ok(role("tech-lead")));
    assert_eq!(decide(None), Ok(role("tech-lead")));
}

#[test]
fn one_decision_per_person_counts() {
    let two = rule(&[("tech-lead", 2)]);
    let own = state(vec![said("maria", "tech-lead", true, "")]);
    assert_eq!(
        admits(&two, &own, &["tech-lead"]),
        Err(GateRefusal::Again(person("maria")))
    );
    let anothers = state(vec![said("tom", "tech-lead", true, "")]);
    assert_eq!(admits(&two, &anothers, &["tech-lead"]), Ok(role("tech-lead")));
}

#[test]
fn a_person_without_the_role_is_told_which_ones_are_asked_for() {
    let both = rule(&[("tech-lead", 1), ("product", 1)]);
    let refused = GateRefusal::WrongRole {
        person: person("maria"),
        wanted: "tech-lead, product".to_owned(),
    };
    assert_eq!(
        admits(&both, &state(Vec::new()), &["on-call"]),
        Err(refused.clone())
    );
    assert_eq!(admits(&both, &state(Vec::new()), &[]), Err(refused));
}

#[test]
fn who_has_two_roles_counts_for_the_one_that_is_still_short() {
    let both = rule(&[("tech-lead", 1), ("product", 2)]);
    let held = ["tech-lead", "product"];
    let lead = || said("ada", "tech-lead", true, "");
    let product = |by: &str| said(by, "product", true, "");
    assert_eq!(admits(&both, &state(Vec::new()), &held), Ok(role("tech-lead")));
    assert_eq!(admits(&both, &state(vec![lead()]), &held), Ok(role("product")));
    assert_eq!(
        admits(&both, &state(vec![lead(), product("bo")]), &held),
        Ok(role("product"))
    );
    // Nothing is short any more: the first that is held.
    assert_eq!(
        admits(&both, &state(vec![lead(), product("bo"), product("cy")]), &held),
        Ok(role("tech-lead"))
    );
    // More than enough for one role does not make it short again.
    let over = state(vec![lead(), said("di", "tech-lead", true, "")]);
    assert_eq!(admits(&both, &over, &held), Ok(role("product")));
}

#[test]
fn a_rejection_fills_no_role() {
    let both = rule(&[("tech-lead", 1), ("product", 1)]);
    let rejected = state(vec![said("ada", "tech-lead", false, "no")]);
    assert_eq!(
        admits(&both, &rejected, &["tech-lead", "product"]),
        Ok(role("tech-lead"))
    );
    assert!(!satisfied(&both, &rejected));
    assert_eq!(still_needed(&both, &rejected), "1 tech-lead, 1 product");
}

#[test]
fn a_gate_is_satisfied_by_as_many_of_each_role_as_it_asks_for() {
    let both = rule(&[("tech-lead", 1), ("product", 2)]);
    let lead = || said("ada", "tech-lead", true, "");
    let product = |by: &str| said(by, "product", true, "");
    let steps: [(Vec<GateDecision>, bool, &str); 6] = [
        (Vec::new(), false, "1 tech-lead, 2 product"),
        (vec![lead()], false, "2 product"),
        (vec![product("bo"), product("cy")], false, "1 tech-lead"),
        (vec![lead(), product("bo")], false, "1 product"),
        (vec![lead(), product("bo"), product("cy")], true, ""),
        (
            vec![lead(), product("bo"), product("cy"), product("di")],
            true,
            "",
        ),
    ];
    for (decisions, enough, needed) in steps {
        let state = state(decisions);
        assert_eq!(satisfied(&both, &state), enough, "{needed}");
        assert_eq!(still_needed(&both, &state), needed);
    }
}
