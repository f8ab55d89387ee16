//! What `tidegate plan` reads and decides before anybody deploys.

use tidegate_aws::call::functions;
use tidegate_aws::change::index::Tables;
use tidegate_aws::observe::find_wiring;
use tidegate_aws::on_demand::OnDemand;
use tidegate_aws::planning::Planning;
use tidegate_core::decision::{Decision, Outcome};
use tidegate_core::deployment::{Deployment, Origin};
use tidegate_core::event::Event;
use tidegate_core::exit::ExitState;
use tidegate_core::ids::Target;
use tidegate_core::phases::make_plan;
use tidegate_core::target::{Admission, Push};
use tidegate_local::fleet::Behaviour;
use tidegate_tests::Scene;
use tidegate_tests::files::{SHORT, digest};

use crate::scenario;

const TARGET: &str = "web/production";

/// Each of these asks something of AWS before it can be planned.
const SECTIONS: &str = "\
monitoring:
  dashboard: true
  alarms:
    - {name: few-errors, when: error_rate > 0.2%, for: 2m}
  logRetention: 30d
configuration:
  environment: {LOG_LEVEL: debug}
  secrets: {DB_PASSWORD: /web/production/db-password-2}
";

/// What a push of that image would be planned as, now.
async fn dry_run(scene: &Scene, digit: char) -> Decision {
    let target: Target = TARGET.parse().unwrap();
    let state = scene.stage.target(TARGET).await.unwrap();
    let now = scene.stage.now();
    let push = Push {
        repository: "web".to_owned(),
        digest: digest(digit).parse().unwrap(),
        tag: None,
        pushed_at: now,
        origin: Origin::Person {
            person: "maria".parse().unwrap(),
        },
        overrides: Vec::new(),
    };
    let admission = state.clone().admit(push, now);
    let starts = match admission {
        Admission::Start(request) => Some(*request),
        Admission::Queued { .. } | Admission::Superseding { .. } | Admission::Refused(_) => None,
    };
    let deployment = Deployment::new(starts.unwrap(), now);
    let sdk = scene.stage.cloud.sdk_config();
    let (appconfig, functions) = (
        OnDemand::new(&sdk, aws_sdk_appconfig::Client::new),
        functions(&sdk),
    );
    let dynamodb = aws_sdk_dynamodb::Client::new(&sdk);
    let (ecs, elb) = (
        aws_sdk_ecs::Client::new(&sdk),
        aws_sdk_elasticloadbalancingv2::Client::new(&sdk),
    );
    let planning = Planning {
        appconfig: &appconfig,
        cloudwatch: &aws_sdk_cloudwatch::Client::new(&sdk),
        ecr: &aws_sdk_ecr::Client::new(&sdk),
        ecs: &ecs,
        elb: &elb,
        functions: &functions,
        tables: Tables {
            client: &dynamodb,
            own: None,
        },
    };
    let found = find_wiring(&ecs, &elb, &target, &deployment.spec).await.unwrap();
    let alarms = planning.alarms(&deployment, &found.wiring).await.unwrap();
    let read = planning.read(&deployment, &found.wiring, &alarms).await.unwrap();
    make_plan(&deployment, found.wiring, &read.observation, now)
}

#[test]
fn a_dry_run_shows_the_plan_that_is_made() {
    scenario(
        "a-dry-run-shows-the-plan-that-is-made",
        "What a person sees before the push is what is done after it: each section's changes, alarms and types.",
        async |scene| {
            let file = format!("{SHORT}{SECTIONS}");
            scene.given(TARGET, 5, &file).await;
            // Only an image that is there can be planned; this one is of nobody's push.
            scene.cloud(|state| {
                state
                    .fleet
                    .store_image("web", "candidate", Some(&digest('2')), Behaviour::default());
            });
            let decision = dry_run(scene, '2').await;
            let shown = decision.events.iter().find_map(Event::planned).unwrap().clone();
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            let deployment = scene.ends(&id, ExitState::Completed).await;
            let made = deployment.plan.unwrap();
            assert_eq!(shown.changes, made.changes);
            assert_eq!(made.changes.len(), 4, "two alarms, a dashboard, a retention");
            assert_eq!((&shown.alarms, &shown.container), (&made.alarms, &made.container));
            assert_eq!(made.container.len(), 2);
            assert_eq!(shown.steps, made.steps);
            // And what can't be planned is said before anybody pushes.
            scene.cloud(|state| state.fleet.put_dashboard("web-production", "{\"widgets\": []}"));
            let outcome = dry_run(scene, '3').await.outcome;
            let missing = match &outcome {
                Outcome::Blocked(missing) => missing.as_slice(),
                _ => &[],
            };
            let lacks = |words: &str| missing.iter().any(|one| one.what.contains(words));
            assert!(
                lacks("dashboard web-production") && lacks("in ECR"),
                "{outcome:?}"
            );
            assert_eq!(missing.len(), 2, "{missing:?}");
        },
    );
}
