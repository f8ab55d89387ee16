//! Pages of the new revision, asked as a customer would.

use tidegate_core::event::Event;
use tidegate_core::exit::ExitState;
use tidegate_core::ids::DeploymentId;
use tidegate_local::faults::CallFate;
use tidegate_local::fleet::{Behaviour, PageFault};
use tidegate_tests::files::SHORT;
use tidegate_tests::{Scene, reason};

use crate::scenario;

const TARGET: &str = "web/production";
const HOST: &str = "web.production.example.com";

const PAGES: &str = "\
validate:
  http:
    - name: candidate
      url: \"https://${slot}.web.production.example.com/health\"
      when: before-traffic
      version: {header: x-version}
    - name: health
      url: \"https://web.production.example.com/health\"
      body: \"status\"
      json: {path: /status, equals: ok}
    - name: version
      url: \"https://web.production.example.com/version\"
      version: {json: /version}
      retries: 2
      every: 10s
";

const BOUNDS: &str = "\
validate:
  performance: {errorRate: 1%, p99: 800ms, for: 5m}
";

async fn given(scene: &Scene) {
    scene.given(TARGET, 5, &format!("{SHORT}{PAGES}")).await;
}

fn always(scene: &Scene, host: &str, fault: PageFault) {
    scene.cloud(|state| state.fleet.sites.entry(host.to_owned()).or_default().always = Some(fault));
}

/// Tries of a test that are on record, with those that failed.
async fn tries(scene: &Scene, id: &DeploymentId, test: &str) -> (usize, usize) {
    let journal = scene.stage.journal(id).await;
    let tried = journal.iter().filter_map(|entry| match &entry.event {
        Event::HttpTested { test: of, tried } if of == test => Some(tried.passed()),
        _ => None,
    });
    let tried: Vec<bool> = tried.collect();
    (tried.len(), tried.iter().filter(|passed| !**passed).count())
}

#[test]
fn pages_of_the_new_revision_are_tested_before_it_completes() {
    scenario(
        "pages-of-the-new-revision-are-tested-before-it-completes",
        "One on the candidate's own address before it gets traffic, two on the public one when it has all of it.",
        async |scene| {
            given(scene).await;
            scene.push('2', Behaviour::default());
            let done = scene.runs(TARGET, ExitState::Completed).await;
            for test in ["candidate", "health", "version"] {
                assert_eq!(tries(scene, &done.id, test).await, (1, 0), "{test}");
            }
        },
    );
}

#[test]
fn a_page_of_another_version_rolls_back() {
    scenario(
        "a-page-of-another-version-rolls-back",
        "All traffic is on the candidate, but a cache still answers with the version before: tried three times, then back.",
        async |scene| {
            given(scene).await;
            always(scene, HOST, PageFault::Version("v1".to_owned()));
            scene.push('2', Behaviour::default());
            let done = scene.runs(TARGET, ExitState::RolledBack).await;
            assert_eq!(tries(scene, &done.id, "version").await, (3, 3));
            assert!(
                reason(&done).contains("it says that it is v1, not v2"),
                "{}",
                reason(&done)
            );
        },
    );
}

#[test]
fn a_name_that_leads_to_metadata_is_not_asked() {
    scenario(
        "a-name-that-leads-to-metadata-is-not-asked",
        "The file's URL looks like any other, but its name resolves to where credentials are given out: nothing is asked there.",
        async |scene| {
            given(scene).await;
            scene.cloud(|state| {
                let site = state.fleet.sites.entry(HOST.to_owned()).or_default();
                site.addresses = vec!["169.254.169.254".parse().unwrap()];
            });
            scene.push('2', Behaviour::default());
            let done = scene.runs(TARGET, ExitState::RolledBack).await;
            assert_eq!(tries(scene, &done.id, "health").await, (4, 4));
            assert!(
                reason(&done).contains("gives out credentials"),
                "{}",
                reason(&done)
            );
        },
    );
}

#[test]
fn a_page_that_fails_at_first_is_tried_again() {
    scenario(
        "a-page-that-fails-at-first-is-tried-again",
        "Twice it is not there yet, once it is too slow; then it is as it should be.",
        async |scene| {
            given(scene).await;
            scene.cloud(|state| {
                let host = format!("green.{HOST}");
                let site = state.fleet.sites.entry(host).or_default();
                let text = "starting, token=abc123".to_owned();
                site.next.push_back(PageFault::Status(503, text.clone()));
                site.next.push_back(PageFault::Status(404, text));
                site.next.push_back(PageFault::Slow(7));
            });
            scene.push('2', Behaviour::default());
            let done = scene.runs(TARGET, ExitState::Completed).await;
            assert_eq!(tries(scene, &done.id, "candidate").await, (4, 3));
            let journal = serde_json::to_string(&scene.stage.journal(&done.id).await).unwrap();
            assert!(!journal.contains("abc123"));
        },
    );
}

#[test]
fn a_candidate_whose_page_fails_gets_no_traffic() {
    scenario(
        "a-candidate-whose-page-fails-gets-no-traffic",
        "Its own address sends whoever asks to another host, which is not followed.",
        async |scene| {
            given(scene).await;
            let to = "http://169.254.169.254/latest/meta-data/".to_owned();
            always(scene, &format!("green.{HOST}"), PageFault::Redirect(to));
            scene.push('2', Behaviour::default());
            let done = scene.runs(TARGET, ExitState::Aborted).await;
            assert_eq!(tries(scene, &done.id, "candidate").await, (4, 4));
            assert!(
                reason(&done).contains("to another host: 169.254.169.254"),
                "{}",
                reason(&done)
            );
            assert!(!done.took_traffic());
        },
    );
}

#[test]
fn a_function_that_dies_while_it_tests_pages_counts_no_try_twice() {
    scenario(
        "a-function-that-dies-while-it-tests-pages-counts-no-try-twice",
        "A page that always fails, and a function that dies after asking for it, twice: four tries are on record, as the file says.",
        async |scene| {
            given(scene).await;
            always(scene, HOST, PageFault::Status(500, "out of memory".to_owned()));
            scene.cloud(|state| {
                let next = &mut state.faults.numbered.next;
                // It asks for both pages at once.
                let fates = [CallFate::KillAfter, CallFate::KillBefore];
                next.extend(fates.map(|fate| [("validate", "GetPage", fate); 2]).concat());
            });
            scene.push('2', Behaviour::default());
            let done = scene.runs(TARGET, ExitState::RolledBack).await;
            assert_eq!(tries(scene, &done.id, "health").await, (4, 4));
            let killed = scene.cloud(|state| {
                let runs = state.runs.iter().filter(|run| run.function == "validate");
                runs.filter(|run| {
                    run.error
                        .as_deref()
                        .is_some_and(|error| error != "AbortRequested")
                })
                .count()
            });
            assert_eq!(killed, 2);
        },
    );
}

#[test]
fn performance_is_measured_before_it_completes() {
    scenario(
        "performance-is-measured-before-it-completes",
        "Five minutes with all of the traffic, within the file's bounds.",
        async |scene| {
            scene.given(TARGET, 5, &format!("{SHORT}{BOUNDS}")).await;
            scene.push('2', Behaviour::default());
            let done = scene.runs(TARGET, ExitState::Completed).await;
            assert!(done.performance.is_some());
        },
    );
}

#[test]
fn a_version_that_is_slow_under_all_of_the_traffic_rolls_back() {
    scenario(
        "a-version-that-is-slow-under-all-of-the-traffic-rolls-back",
        "At a fifth of the traffic it was as quick as ever; nothing but the bound of its performance sees it.",
        async |scene| {
            scene.given(TARGET, 5, &format!("{SHORT}{BOUNDS}")).await;
            let slow = Behaviour {
                latency_p99_ms: 900.0,
                latency_from_weight: 100,
                ..Behaviour::default()
            };
            scene.push('2', slow);
            let done = scene.runs(TARGET, ExitState::RolledBack).await;
            assert!(reason(&done).contains("latency_p99"), "{}", reason(&done));
        },
    );
}

#[test]
fn security_is_looked_at_before_the_candidate_gets_traffic() {
    scenario(
        "security-is-looked-at-before-the-candidate-gets-traffic",
        "Its containers, its network and its listeners are as the file asks.",
        async |scene| {
            let checks =
                "validate:\n  security: [notPrivileged, noPlainSecrets, noPublicIp, httpsOnly, modernTls]\n";
            scene.given(TARGET, 5, &format!("{SHORT}{checks}")).await;
            scene.cloud(|state| {
                state
                    .fleet
                    .set_policy(443, Some("ELBSecurityPolicy-TLS13-1-2-2021-06"))
            });
            scene.push('2', Behaviour::default());
            let done = scene.runs(TARGET, ExitState::Completed).await;
            assert_eq!(done.security, Some(Vec::new()));
        },
    );
}

#[test]
fn a_listener_of_plain_http_is_found_before_traffic() {
    scenario(
        "a-listener-of-plain-http-is-found-before-traffic",
        "Two things are not as the file asks: each is told, and no traffic is moved.",
        async |scene| {
            let checks = "validate:\n  security: [readOnlyRoot, httpsOnly]\n";
            scene.given(TARGET, 5, &format!("{SHORT}{checks}")).await;
            scene.push('2', Behaviour::default());
            let done = scene.runs(TARGET, ExitState::Aborted).await;
            assert_eq!(done.security.as_ref().map(Vec::len), Some(2));
            assert!(!done.took_traffic());
        },
    );
}
