//! What a story can do, with the invariants checked at every step of the way.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use tidegate_core::deployment::Deployment;
use tidegate_core::exit::ExitState;
use tidegate_core::gates::People;
use tidegate_core::ids::{DeploymentId, Target};
use tidegate_core::invariants::{View, check};
use tidegate_core::journal::Entry;
use tidegate_local::cloud::State;
use tidegate_local::fleet::{AlarmValue, Behaviour, GoldenSpec};
use tidegate_local::stage::{FIRST_DIGEST, Stage, logs_of_suites};

use crate::files::{PEOPLE, digest};
use tidegate_local::view::{self, Stored};

/// Seconds between two looks while a story waits.
const LOOK_SECONDS: u64 = 5;

/// Longer than any deployment of a story takes, seconds.
const LONG_SECONDS: u64 = 4 * 3600;

/// After the last end, everything that was promised within a bound has happened, seconds.
const SETTLE_SECONDS: u64 = 400;

/// A local cloud on which a story is told.
pub struct Scene {
    /// The cloud with its helpers.
    pub stage: Stage,
    checked: bool,
    targets: RefCell<Vec<Target>>,
    journals: RefCell<BTreeMap<DeploymentId, Vec<Entry>>>,
    people: RefCell<People>,
    looked_at: Cell<(usize, usize, usize)>,
    said: RefCell<Vec<String>>,
    met: RefCell<BTreeSet<DeploymentId>>,
}

impl Scene {
    pub(crate) fn on(stage: Stage, checked: bool) -> Self {
        stage.cloud.with(|state| state.history.on = true);
        Self {
            stage,
            checked,
            targets: RefCell::default(),
            journals: RefCell::default(),
            people: RefCell::default(),
            looked_at: Cell::default(),
            said: RefCell::default(),
            met: RefCell::default(),
        }
    }

    /// Puts a golden-path service of two slots there that has served for a while, and applies its file.
    pub async fn given(&self, target: &str, replicas: u32, file: &str) {
        let (service, environment) = target.split_once('/').unwrap();
        self.stage.golden(service, environment, replicas);
        self.settled(target, file).await;
    }

    /// Puts one ECS service there, as `recreate` and `rolling` have it, and applies its file.
    pub async fn given_one(&self, target: &str, replicas: u32, file: &str) {
        self.given_service(target, replicas, file, true, false, true)
            .await;
    }

    /// As [`Scene::given`], with the shape of the service spelled out.
    pub async fn given_service(
        &self,
        target: &str,
        replicas: u32,
        file: &str,
        balanced: bool,
        slots: bool,
        runs: bool,
    ) {
        let (service, environment) = target.split_once('/').unwrap();
        self.stage.service(&GoldenSpec {
            service,
            environment,
            replicas,
            repository: service,
            image_digest: runs.then_some(FIRST_DIGEST),
            with_load_balancer: balanced,
            slots,
        });
        self.settled(target, file).await;
    }

    async fn settled(&self, target: &str, file: &str) {
        self.stage.wait(120).await;
        self.stage.apply(target, file).await.unwrap();
        self.targets.borrow_mut().push(target.parse().unwrap());
    }

    /// Registers a test suite of service `web` that ends with an exit code.
    pub fn suite(&self, environment: &str, suite: &str, exit_code: i64) {
        self.suite_writing(environment, suite, exit_code, &[]);
    }

    /// As [`Scene::suite`], and writes these lines.
    pub fn suite_writing(&self, environment: &str, suite: &str, exit_code: i64, lines: &[&str]) {
        let seconds = Behaviour::default().suite_seconds;
        self.suite_lasting(environment, suite, exit_code, lines, seconds);
    }

    /// As [`Scene::suite`], writes these lines, and does not end for a day.
    pub fn suite_hanging(&self, environment: &str, suite: &str, lines: &[&str]) {
        self.suite_lasting(environment, suite, 0, lines, 86_400);
    }

    fn suite_lasting(&self, environment: &str, suite: &str, exit_code: i64, lines: &[&str], seconds: u32) {
        let family = format!("web-{environment}-test-{suite}");
        let behaviour = Behaviour {
            suite_seconds: seconds,
            suite_exit_codes: BTreeMap::from([(suite.to_owned(), exit_code)]),
            suite_lines: BTreeMap::from([(
                suite.to_owned(),
                lines.iter().map(|line| (*line).to_owned()).collect(),
            )]),
            ..Behaviour::default()
        };
        self.cloud(|state| {
            // One image for each suite.
            let digits = ['a', 'b', 'c', 'd', 'e', 'f'];
            let image = digest(digits[suite.bytes().map(usize::from).sum::<usize>() % digits.len()]);
            state.fleet.store_image("suites", suite, Some(&image), behaviour);
            let definition = serde_json::json!({
                "containerDefinitions": [{
                    "name": "suite",
                    "image": format!("{}/suites@{image}", state.fleet.registry()),
                    "command": [suite],
                    "logConfiguration": logs_of_suites(&state.fleet.region),
                }],
                "requiresCompatibilities": ["FARGATE"],
                "networkMode": "awsvpc",
                "cpu": "256",
                "memory": "512",
            });
            let members = definition.as_object().cloned().unwrap_or_default();
            state.fleet.register_task_definition(&family, members);
        });
    }

    /// Applies another file to a target.
    ///
    /// # Errors
    /// Why it is refused.
    pub async fn apply(&self, target: &str, file: &str) -> Result<(), String> {
        let answer = self.stage.apply(target, file).await;
        self.note(&format!("platform applies a file to {target}"), &answer);
        answer
    }

    fn note<T: std::fmt::Debug>(&self, who: &str, answer: &Result<T, String>) {
        let answer = match answer {
            Ok(answer) => format!("{answer:?}").replace(['"', '(', ')'], ""),
            Err(refused) => format!("refused: {refused}"),
        };
        self.said.borrow_mut().push(format!("{who}: {answer}"));
    }

    /// Makes the people of [`PEOPLE`] known.
    pub async fn people(&self) {
        self.stage
            .ask("platform", "PUT", "/people", PEOPLE)
            .await
            .unwrap();
        *self.people.borrow_mut() = serde_json::from_str(PEOPLE).unwrap();
    }

    /// Pushes image `web:v{digit}` with the digest of that digit.
    pub fn push(&self, digit: char, behaviour: Behaviour) {
        self.push_to("web", digit, behaviour);
    }

    /// Pushes an image to a repository.
    pub fn push_to(&self, repository: &str, digit: char, behaviour: Behaviour) {
        let tag = format!("v{digit}");
        self.stage.push(repository, &tag, &digest(digit), behaviour);
    }

    /// Looks at or changes the cloud.
    pub fn cloud<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        self.stage.cloud.with(change)
    }

    /// Sets an alarm, as `aws cloudwatch set-alarm-state` does.
    pub fn alarm(&self, name: &str, value: AlarmValue) {
        let known = self.cloud(|state| state.fleet.set_alarm_state(name, value, "set by hand"));
        assert!(known, "no alarm {name}");
    }

    /// Lets time pass.
    pub async fn wait(&self, seconds: u64) {
        let mut left = seconds;
        while left > 0 {
            let step = left.min(LOOK_SECONDS);
            self.stage.wait(step).await;
            self.look(false).await;
            left -= step;
        }
    }

    /// Waits until something holds.
    ///
    /// # Panics
    /// Where it never does.
    pub async fn until(&self, what: &str, holds: impl AsyncFn(&Stage) -> bool) {
        let mut seen = None;
        for _ in 0..LONG_SECONDS / LOOK_SECONDS {
            // What a story waits for is in the table: without a write there is nothing new to read.
            let now = self.traces();
            if seen.replace(now) != Some(now) && holds(&self.stage).await {
                return;
            }
            self.wait(LOOK_SECONDS).await;
        }
        self.explain();
        panic!("never came to it: {what}");
    }

    /// The next deployment of a target that the story has not met, once there is one.
    pub async fn started(&self, target: &str) -> DeploymentId {
        let target: Target = target.parse().unwrap();
        let next = async || {
            let (_, all) = self.heads(&target).await;
            let met = self.met.borrow();
            all.into_iter()
                .map(|deployment| deployment.id)
                .find(|id| !met.contains(id))
        };
        self.until(&format!("a deployment of {target}"), async |_| {
            next().await.is_some()
        })
        .await;
        let id = next().await.unwrap();
        self.met.borrow_mut().insert(id.clone());
        id
    }

    /// A deployment as it stands.
    pub async fn deployment(&self, id: &DeploymentId) -> Deployment {
        self.stage.deployment(id).await.unwrap()
    }

    /// Waits until a deployment has ended.
    pub async fn ended(&self, id: &DeploymentId) -> Deployment {
        self.until(&format!("the end of {id}"), async |stage| {
            stage.deployment(id).await.is_some_and(|d| d.exit.is_some())
        })
        .await;
        self.wait(LOOK_SECONDS).await;
        self.stage.deployment(id).await.unwrap()
    }

    /// Waits until a deployment has ended as it should.
    pub async fn ends(&self, id: &DeploymentId, state: ExitState) -> Deployment {
        let deployment = self.ended(id).await;
        let exit = deployment.exit.as_ref().unwrap();
        if exit.state != state {
            self.explain();
        }
        assert_eq!(exit.state, state, "{}", exit.reason);
        deployment
    }

    /// The next deployment of a target from its beginning to the end that it should have.
    pub async fn runs(&self, target: &str, state: ExitState) -> Deployment {
        let id = self.started(target).await;
        self.ends(&id, state).await
    }

    /// Waits until the candidate was read back at a weight.
    pub async fn at_weight(&self, id: &DeploymentId, percent: u8) {
        self.until(&format!("{id} at {percent} %"), async |stage| {
            stage
                .deployment(id)
                .await
                .is_some_and(|d| d.shift.weight.percent() == percent)
        })
        .await;
    }

    /// Waits until a deployment explains itself with these words.
    pub async fn waits_for(&self, id: &DeploymentId, words: &str) {
        self.until(&format!("{id} waiting: {words}"), async |stage| {
            stage
                .deployment(id)
                .await
                .is_some_and(|d| d.waiting_for.contains(words))
        })
        .await;
    }

    /// Waits until a gate is open, and gives the hash of what is to be approved.
    pub async fn gate(&self, id: &DeploymentId) -> String {
        self.until(&format!("a gate of {id}"), async |stage| {
            stage
                .deployment(id)
                .await
                .is_some_and(|d| d.gates.values().any(|gate| gate.passed_at.is_none()))
        })
        .await;
        let gates = self.deployment(id).await.gates;
        let mut open = gates.into_values().filter(|gate| gate.passed_at.is_none());
        open.next().unwrap().plan_hash.to_string()
    }

    /// Decides at the open gate.
    ///
    /// # Errors
    /// Why it does not count.
    pub async fn decide(
        &self,
        who: &str,
        id: &DeploymentId,
        approve: bool,
        plan: &str,
    ) -> Result<String, String> {
        let answer = self.stage.decide(who, id, approve, plan, "looked at it").await;
        let answer = answer.map(|answer| outcome(&answer));
        let verb = if approve { "approves" } else { "rejects" };
        self.note(&format!("{who} {verb}"), &answer);
        answer
    }

    /// Deploys by hand.
    ///
    /// # Errors
    /// Why not.
    pub async fn deploy(
        &self,
        who: &str,
        target: &str,
        image: &str,
        aside: &[&str],
    ) -> Result<String, String> {
        let target: Target = target.parse().unwrap();
        let body = serde_json::json!({
            "target": target, "image": image, "overrides": aside,
            "reason": if aside.is_empty() { "" } else { "agreed with the on-call" },
        });
        let answer = self
            .stage
            .ask(who, "POST", "/deployments", &body.to_string())
            .await
            .map(|answer| outcome(&answer));
        self.note(&format!("{who} deploys {image}"), &answer);
        answer
    }

    /// Deploys by hand as a hotfix.
    ///
    /// # Errors
    /// Why not.
    pub async fn hotfix(&self, who: &str, target: &str, image: &str, reason: &str) -> Result<String, String> {
        let target: Target = target.parse().unwrap();
        let body = serde_json::json!({
            "target": target, "image": image, "hotfix": true, "reason": reason,
        });
        let answer = self
            .stage
            .ask(who, "POST", "/deployments", &body.to_string())
            .await
            .map(|answer| outcome(&answer));
        self.note(&format!("{who} deploys {image} as a hotfix"), &answer);
        answer
    }

    /// Records a part of the release of an image of repository `web`.
    ///
    /// # Errors
    /// Why not.
    pub async fn release(&self, who: &str, image: &str, record: serde_json::Value) -> Result<(), String> {
        let what = record
            .as_object()
            .map(|members| members.keys().cloned().collect::<Vec<_>>().join(", "))
            .unwrap_or_default();
        let body = serde_json::json!({ "repository": "web", "image": image, "record": record });
        let answer = self.stage.ask(who, "PUT", "/releases", &body.to_string()).await;
        let answer = answer.map(|_| "recorded".to_owned());
        self.note(&format!("{who} records {what} of {image}"), &answer);
        answer.map(|_| ())
    }

    /// Stops a deployment (`abort`) or takes it back (`rollback`) by hand.
    ///
    /// # Errors
    /// Why not.
    pub async fn stop(&self, who: &str, verb: &str, id: &DeploymentId) -> Result<DeploymentId, String> {
        let path = format!("/deployments/{id}/{verb}");
        let body = r#"{"reason": "customers complain"}"#;
        let answer = self.stage.ask(who, "POST", &path, body).await;
        let said = answer.as_ref().map(outcome).map_err(Clone::clone);
        self.note(&format!("{who} asks for {verb}"), &said);
        Ok(answer?["deployment"]
            .as_str()
            .unwrap_or_default()
            .parse()
            .unwrap())
    }

    /// Has the contract of a target made now (`run`), or drops it (`cancel`), by hand.
    ///
    /// # Errors
    /// Why not.
    pub async fn contract(&self, who: &str, verb: &str, target: &str) -> Result<String, String> {
        let path = format!("/targets/{target}/contract/{verb}");
        let body = r#"{"reason": "the old column is read by a report"}"#;
        let answer = self.stage.ask(who, "POST", &path, body).await;
        let answer = answer.map(|answer| outcome(&answer));
        self.note(&format!("{who} asks for contract {verb}"), &answer);
        answer
    }

    /// Prints what is known, for whoever reads why a story failed.
    fn explain(&self) {
        self.cloud(|state| {
            for run in state.runs.iter().filter(|run| run.error.is_some()) {
                eprintln!("{} {} failed: {:?}", run.at, run.function, run.error);
            }
            for (arn, execution) in state.engine.executions() {
                let (status, cause) = (execution.status(), execution.cause());
                eprintln!("{arn} {status:?} in {:?} {cause:?}", execution.current_states());
            }
        });
        for (id, journal) in self.journals.borrow().iter() {
            for entry in journal {
                eprintln!("{id} {} {}: {}", entry.at, entry.by, entry.event.describe());
            }
        }
    }

    /// Grows with everything that a checker could see: writes to the table, weights, services.
    fn traces(&self) -> (usize, usize, usize) {
        self.stage.cloud.with(|state| {
            let writes = state
                .calls
                .iter()
                .filter(|call| call.operation == "TransactWriteItems");
            (
                writes.count(),
                state.fleet.weights_log.len(),
                state.history.services.len(),
            )
        })
    }

    /// Checks every invariant of every target, if anything has changed since the last look.
    async fn look(&self, over: bool) {
        let seen = self.traces();
        if !over && self.looked_at.replace(seen) == seen {
            return;
        }
        let targets = self.targets.borrow().clone();
        for target in targets {
            let view = self.view(&target, over).await;
            if !self.checked {
                continue;
            }
            let broken = check(&view);
            if let Some(first) = broken.first() {
                self.explain();
                panic!(
                    "{target} at {}: {first} (and {} more)",
                    view.now,
                    broken.len() - 1
                );
            }
        }
    }

    /// Reads until nothing was written meanwhile, so that one instant is seen.
    async fn view(&self, target: &Target, over: bool) -> View {
        loop {
            let before = self.traces();
            let (state, heads) = self.heads(target).await;
            let mut deployments = Vec::new();
            for head in heads {
                let journal = self.journal(&head).await;
                deployments.push((head, journal));
            }
            if before == self.traces() {
                let stored = Stored {
                    target: state.unwrap_or_else(|| panic!("no target {target}")),
                    people: self.people.borrow().clone(),
                    deployments,
                };
                let now = self.stage.now();
                return self.cloud(|state| view::of(state, stored, now, over));
            }
        }
    }

    /// A target and its deployments, as they are stored.
    pub async fn heads(
        &self,
        target: &Target,
    ) -> (Option<tidegate_core::target::TargetState>, Vec<Deployment>) {
        let state = self.stage.target(&target.to_string()).await;
        let mut all = self.stage.deployments(target.environment.as_str()).await;
        all.retain(|deployment| deployment.target == *target);
        (state, all)
    }

    /// A journal, read again only where it has grown.
    async fn journal(&self, head: &Deployment) -> Vec<Entry> {
        let held = self.journals.borrow().get(&head.id).cloned().unwrap_or_default();
        if held.last().is_some_and(|last| last.seq == head.seq) {
            return held;
        }
        let read = self.stage.journal(&head.id).await;
        self.journals.borrow_mut().insert(head.id.clone(), read.clone());
        read
    }

    /// Lets everything come to rest, looks a last time, and tells what came of it.
    pub(crate) async fn close(&self) -> String {
        self.wait(SETTLE_SECONDS).await;
        self.look(true).await;
        let mut told = String::new();
        let targets = self.targets.borrow().clone();
        for target in targets {
            self.tell(&target, &mut told).await;
        }
        let said = self.said.borrow();
        if !said.is_empty() {
            writeln!(told, "Asked and answered:\n  {}\n", said.join("\n  ")).unwrap();
        }
        self.tell_messages(&mut told);
        told
    }

    async fn tell(&self, target: &Target, told: &mut String) {
        let view = self.view(target, true).await;
        for record in &view.deployments {
            let id = &record.deployment.id;
            writeln!(told, "{target}, deployment {id}").unwrap();
            for line in self.stage.timeline(id).await {
                writeln!(told, "{line}").unwrap();
            }
            told.push('\n');
        }
        writeln!(told, "In the end, {target}:").unwrap();
        for record in &view.deployments {
            let (id, exit) = (&record.deployment.id, record.deployment.exit.as_ref());
            let state = exit.map_or("running", |exit| exit.state.as_str());
            writeln!(told, "  {id} {state}").unwrap();
            if let Some(remedy) = exit.and_then(|exit| exit.remedy.as_ref()) {
                writeln!(told, "    next: {remedy}").unwrap();
            }
        }
        for (slot, group) in &view.groups {
            let weight = view.weights.last().and_then(|reading| reading.weights.get(group));
            writeln!(told, "  {slot} has {} % of the traffic", weight.unwrap_or(&0)).unwrap();
        }
        let slots: BTreeSet<_> = view.slots.iter().map(|reading| reading.slot).collect();
        for slot in slots {
            let last = view.slots.iter().rev().find(|reading| reading.slot == slot);
            let (healthy, desired) = last.map_or((0, 0), |last| (last.healthy, last.desired));
            writeln!(told, "  {slot} runs {healthy} of {desired} tasks").unwrap();
        }
        for digest in view.target.quarantine.keys() {
            writeln!(told, "  {} is in quarantine", digest.short()).unwrap();
        }
        told.push('\n');
    }

    fn tell_messages(&self, told: &mut String) {
        self.cloud(|state| {
            writeln!(told, "Messages:").unwrap();
            for published in &state.fleet.outbox {
                writeln!(told, "  {}", published.subject.as_deref().unwrap_or("(none)")).unwrap();
            }
            writeln!(told, "Events:").unwrap();
            for entry in &state.history.bus {
                writeln!(told, "  {}", entry.detail_type).unwrap();
            }
            writeln!(told, "Slack: {} messages", state.slack.len()).unwrap();
        });
    }
}

fn outcome(answer: &serde_json::Value) -> String {
    answer["outcome"].as_str().unwrap_or_default().to_owned()
}

/// Why a deployment ended as it did.
pub fn reason(deployment: &Deployment) -> &str {
    &deployment.exit.as_ref().unwrap().reason
}

/// What its end says to do next.
pub fn remedy(deployment: &Deployment) -> &str {
    deployment.exit.as_ref().unwrap().remedy.as_deref().unwrap()
}
