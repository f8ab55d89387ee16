//! Security: looked at once, before traffic where there is a time before.

use super::*;
use crate::deployment::Phase;
use crate::observation::Question;
use crate::phases::security::run_security;
use crate::security::{ListenerSeen, SecurityCheck, SecuritySeen};
use crate::testing::*;

const CHECKS: &str = "validate: {security: [noPublicIp, httpsOnly]}\n";

fn seen(public_ip: bool, plain: bool) -> Observation {
    let listener = ListenerSeen {
        port: 80,
        tls: !plain,
        ..ListenerSeen::default()
    };
    Observation {
        security: Some(SecuritySeen {
            public_ip,
            listeners: vec![listener],
            ..SecuritySeen::default()
        }),
        ..Observation::default()
    }
}

#[test]
fn it_is_asked_for_once_and_only_where_the_file_says() {
    let mut deployment = testing(&format!("{BLUE_GREEN}{CHECKS}"));
    assert!(Question::of(&deployment, at(400)).security());
    assert!(!Question::of(&testing(BLUE_GREEN), at(400)).security());
    assert_eq!(run_security(&testing(BLUE_GREEN), &seen(true, true)), None);
    let decision = run_security(&deployment, &seen(false, false)).unwrap();
    assert_eq!(
        decision,
        record(vec![Event::SecurityChecked {
            checks: vec![SecurityCheck::NoPublicIp, SecurityCheck::HttpsOnly],
            findings: Vec::new(),
        }])
    );
    for event in decision.events {
        tell(&mut deployment, 400, event);
    }
    assert_eq!(run_security(&deployment, &Observation::default()), None);
    assert!(!Question::of(&deployment, at(401)).security());
}

#[test]
fn what_is_found_stops_the_deployment_with_its_remedy() {
    for phase in [Phase::Shift, Phase::Validate] {
        let mut deployment = shifted(&format!("{BLUE_GREEN}{CHECKS}"), phase);
        for event in run_security(&deployment, &seen(true, true)).unwrap().events {
            tell(&mut deployment, 900, event);
        }
        let decision = run_security(&deployment, &Observation::default()).unwrap();
        let Outcome::Abort(AbortCause::SuiteFailed { reason }) = decision.outcome else {
            panic!("{decision:?}");
        };
        assert!(
            reason.starts_with("security: its tasks get public addresses and 1 more; set"),
            "{reason}"
        );
    }
}

#[test]
fn without_a_reading_it_is_waited_for() {
    let deployment = testing(&format!("{BLUE_GREEN}{CHECKS}"));
    let decision = run_security(&deployment, &Observation::default());
    assert_eq!(decision, Some(wait(1, "security is about to be looked at")));
}
