//! What AWS does by itself: time passes, events and streams reach functions, state machines go on.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tidegate_core::exit::ExitState;
use tidegate_core::messages::DetailType;
use tidegate_states::{Command, Delivery as Report, TaskId};
use tokio::sync::mpsc;
use tokio::task::spawn_local;

use crate::cloud::{Again, Cloud, Delivery, Failure, Invocation, Ran, Shared, State, next_minute};
use crate::disk;
use crate::faults::EventFate;
use crate::fleet::FleetEvent;
use crate::functions::{self, Function};
use crate::names::function_of;
use crate::running::{Cut, Running};

/// `Timeout` of every function in `infra/template.yaml`.
pub(crate) const FUNCTION_TIMEOUT: Duration = Duration::from_secs(60);

/// How faults call what a schedule of EventBridge Scheduler sends.
const SCHEDULED: &str = "Scheduled Event";

/// Tries of an asynchronous invocation (Lambda Developer Guide, "How Lambda handles errors and
/// retries with asynchronous invocation": two more, one and two minutes later).
const ASYNC_TRIES: u32 = 3;

/// Tries of a batch of the stream, as the event source mapping in `infra/template.yaml` says.
const STREAM_TRIES: u32 = 10;

/// Runs the cloud. Lives on a [`tokio::task::LocalSet`], because handlers' futures stay on one thread.
pub struct Driver {
    shared: Arc<Shared>,
    functions: Rc<BTreeMap<&'static str, Function>>,
    waiting: mpsc::UnboundedReceiver<Invocation>,
}

impl Driver {
    pub(crate) fn new(cloud: &Cloud, waiting: mpsc::UnboundedReceiver<Invocation>) -> Self {
        let shared = Arc::clone(&cloud.shared);
        let functions = Rc::new(functions::build(&shared));
        Self {
            shared,
            functions,
            waiting,
        }
    }

    /// Runs until every [`Cloud`] is gone.
    pub async fn run(mut self) {
        loop {
            let next = self.step();
            let clock = self.shared.clock;
            tokio::select! {
                biased;
                asked = self.waiting.recv() => match asked {
                    Some(invocation) => self.answer(invocation),
                    None => return,
                },
                () = self.shared.wake.notified() => {}
                () = clock.sleep_until(next) => {}
            }
        }
    }

    /// Does everything that is due, and says when something will be due next.
    fn step(&self) -> Timestamp {
        let now = self.shared.clock.now();
        let mut state = self.shared.lock();
        self.pass_time(&mut state, now);
        let commands = state.engine.take_outbox();
        let (due, batch) = (take_due(&mut state, now), self.take_batch(&mut state, now));
        if !commands.is_empty() || !due.is_empty() || batch.is_some() {
            state.dirty = true;
        }
        disk::save(&self.shared, &mut state);
        let next = self.next(&state, now);
        drop(state);
        for (arn, command) in commands {
            self.carry_out(arn, command);
        }
        for delivery in due {
            self.deliver(delivery);
        }
        if let Some(batch) = batch {
            self.deliver_batch(batch);
        }
        next
    }

    fn pass_time(&self, state: &mut State, now: Timestamp) {
        let events: Vec<FleetEvent> = state.fleet.advance(now);
        for event in &events {
            state.route_event(event, self.shared.latency.event, now);
        }
        let State { fleet, history, .. } = &mut *state;
        history.note(fleet);
        let told = std::mem::take(&mut fleet.bus_outbox);
        history.bus.extend(told.iter().cloned());
        for entry in told {
            // The rule `DeploymentEnded` of the template: whatever waits in a queue can go on.
            if self.shared.sweep && is_end(&entry.detail_type) {
                let latency = self.shared.latency.event;
                state.deliver_event(&entry.detail_type, "sweep", json!({}), latency, now);
            }
        }
        for schedule in state.fleet.take_due_schedules(now) {
            let input = serde_json::from_str(&schedule.input).unwrap_or_default();
            let latency = self.shared.latency.event;
            state.deliver_event(SCHEDULED, &schedule.function, input, latency, now);
        }
        if self.shared.sweep && now >= state.next_sweep {
            state.next_sweep = next_minute(now);
            state.push_delivery("sweep", json!({}), now);
        }
        state.engine.tick(now);
        state.engine.start_children(now);
    }

    fn next(&self, state: &State, now: Timestamp) -> Timestamp {
        let deliveries = state
            .deliveries
            .values()
            .filter(|d| !d.underway)
            .map(|d| d.due)
            .min();
        let sweep = self.shared.sweep.then_some(state.next_sweep);
        let stream = state.stream_due.filter(|_| !state.stream_busy);
        let parts = [
            state.fleet.next_event(),
            state.fleet.next_schedule(),
            state.engine.next_wake(),
            deliveries,
            sweep,
            stream,
        ];
        // Never longer than a day, so that a clock that jumps is noticed.
        let latest = now
            .checked_add(SignedDuration::from_hours(24))
            .unwrap_or(Timestamp::MAX);
        parts.into_iter().flatten().min().unwrap_or(latest).min(latest)
    }

    fn carry_out(&self, arn: String, command: Command) {
        match command {
            Command::Invoke {
                task,
                function,
                payload,
                token: _,
            } => self.run_task(arn, task, &function, payload),
            // Children were started in `pass_time`; a cancelled function keeps running, as on AWS.
            Command::StartExecution { .. } | Command::Cancelled { .. } => {}
        }
    }

    fn run_task(&self, arn: String, task: TaskId, function: &str, payload: Value) {
        let shared = Arc::clone(&self.shared);
        let Some(name) = function_of(function) else {
            let report = Report::TaskFailed {
                task,
                error: "Lambda.ResourceNotFoundException".to_owned(),
                cause: format!("Function not found: {function}"),
            };
            shared
                .lock()
                .engine
                .deliver(&arn, report, shared.clock.now())
                .ok();
            shared.wake.notify_one();
            return;
        };
        let call = self.call(name, payload);
        spawn_local(async move {
            let report = match call.await {
                Ok(output) => Report::TaskSucceeded { task, output },
                Err(failure) => Report::TaskFailed {
                    task,
                    cause: error_payload(&failure.error_type, &failure.error_message),
                    error: failure.error_type,
                },
            };
            let mut state = shared.lock();
            // An answer that comes too late is nobody's.
            state.engine.deliver(&arn, report, shared.clock.now()).ok();
            state.dirty = true;
            drop(state);
            shared.wake.notify_one();
        });
    }

    /// Calls a function with Lambda's time limit.
    fn call(
        &self,
        name: &'static str,
        payload: Value,
    ) -> impl Future<Output = Result<Value, Failure>> + use<> {
        let function = self.functions.get(name).cloned();
        let shared = Arc::clone(&self.shared);
        async move {
            let missing = || Failure {
                error_type: "Lambda.ResourceNotFoundException".to_owned(),
                error_message: format!("Function not found: {name}"),
            };
            let at = shared.clock.now();
            shared.lock().underway += 1;
            shared.clock.sleep(shared.latency.invoke).await;
            let answer = match function {
                Some(function) => {
                    let running = Running::since(shared.clock.now());
                    limited(&running, function(payload)).await
                }
                None => Err(missing()),
            };
            let told = || match &answer {
                Ok(value) => value.to_string(),
                Err(failure) => failure.error_message.clone(),
            };
            shared.look_for_secrets(told, || format!("the answer of {name}"));
            let error = answer.as_ref().err().map(|failure| failure.error_type.clone());
            let mut state = shared.lock();
            state.underway = state.underway.saturating_sub(1);
            state.runs.push(Ran {
                at,
                function: name,
                error,
            });
            drop(state);
            answer
        }
    }

    fn answer(&self, invocation: Invocation) {
        let call = self.call(invocation.function, invocation.payload);
        spawn_local(async move {
            // Whoever asked may be gone.
            invocation.answer.send(call.await).ok();
        });
    }

    fn deliver(&self, delivery: Delivery) {
        let shared = Arc::clone(&self.shared);
        let Some(name) = function_of(&delivery.function) else {
            return;
        };
        let call = self.call(name, delivery.payload);
        spawn_local(async move {
            let answer = call.await;
            let mut state = shared.lock();
            match answer {
                Ok(_) => {
                    state.deliveries.remove(&delivery.id);
                }
                Err(failure) => retry(&mut state, delivery.id, &failure, shared.clock.now()),
            }
            state.dirty = true;
            drop(state);
            shared.wake.notify_one();
        });
    }

    fn take_batch(&self, state: &mut State, now: Timestamp) -> Option<Vec<Value>> {
        if state.stream_busy || state.stream_due.is_some_and(|due| due > now) {
            return None;
        }
        let checkpoint = state.stream_checkpoint.clone();
        let records = match state.stream.next(&self.shared.table, checkpoint.as_deref()) {
            Ok(records) => records,
            Err(error) => {
                tracing::error!(%error, "failed to read the table's stream");
                return None;
            }
        };
        state.stream_due = None;
        if records.is_empty() {
            return None;
        }
        if self.stays_away(state, &records, now) {
            return None;
        }
        state.stream_busy = true;
        Some(records)
    }

    /// A batch that does not reach its function, at least not now.
    fn stays_away(&self, state: &mut State, records: &[Value], now: Timestamp) -> bool {
        match state.faults.numbered.batch() {
            EventFate::Normal => false,
            EventFate::Dropped => {
                state.stream_checkpoint = numbers(records).pop().or(state.stream_checkpoint.take());
                state.stream_due = Some(now);
                true
            }
            EventFate::Doubled => {
                state.stream_again = Again::Now;
                false
            }
            EventFate::Overtaken => {
                state.stream_again = Again::AfterNext;
                false
            }
            EventFate::Late(seconds) => {
                state.stream.rewind();
                state.stream_due = now.checked_add(SignedDuration::from_secs(seconds.into())).ok();
                true
            }
        }
    }

    fn deliver_batch(&self, records: Vec<Value>) {
        let shared = Arc::clone(&self.shared);
        let numbers = numbers(&records);
        let call = self.call("notify", json!({ "Records": records }));
        spawn_local(async move {
            let answer = call.await;
            let mut state = shared.lock();
            take_up(&mut state, &numbers, answer, shared.clock.now());
            state.stream_busy = false;
            state.dirty = true;
            drop(state);
            shared.wake.notify_one();
        });
    }
}

/// Runs a function until it answers, its time is over, or something cuts it.
async fn limited(
    running: &Running,
    work: impl Future<Output = Result<Value, Failure>>,
) -> Result<Value, Failure> {
    let timed_out = || Failure {
        error_type: "Sandbox.Timedout".to_owned(),
        error_message: format!("Task timed out after {} seconds", FUNCTION_TIMEOUT.as_secs()),
    };
    let limit = tokio::time::Instant::now() + FUNCTION_TIMEOUT;
    let cut = tokio::select! {
        biased;
        how = running.was_cut() => how,
        answer = tokio::time::timeout_at(limit, running.carry(work)) => {
            return answer.unwrap_or_else(|_| Err(timed_out()));
        }
    };
    match cut {
        Cut::Crashed => Err(Failure {
            error_type: "Runtime.ExitError".to_owned(),
            error_message: "RequestId: 0 Error: Runtime exited with error: signal: killed".to_owned(),
        }),
        Cut::Stalled => {
            tokio::time::sleep_until(limit).await;
            Err(timed_out())
        }
    }
}

/// How Lambda tells Step Functions of a function's failure: the Cause is the payload as text.
fn error_payload(kind: &str, message: &str) -> String {
    json!({ "errorType": kind, "errorMessage": message }).to_string()
}

/// Whether an event on the bus tells that a deployment has ended.
fn is_end(detail_type: &str) -> bool {
    let ends = [
        ExitState::Completed,
        ExitState::Blocked,
        ExitState::Aborted,
        ExitState::RolledBack,
        ExitState::RollbackFailed,
    ];
    ends.into_iter()
        .any(|state| DetailType::from(state).as_str() == detail_type)
}

fn take_due(state: &mut State, now: Timestamp) -> Vec<Delivery> {
    let due = state
        .deliveries
        .values_mut()
        .filter(|delivery| !delivery.underway && delivery.due <= now);
    due.map(|delivery| {
        delivery.underway = true;
        delivery.attempts += 1;
        delivery.clone()
    })
    .collect()
}

fn retry(state: &mut State, id: u64, failure: &Failure, now: Timestamp) {
    let Some(delivery) = state.deliveries.get_mut(&id) else {
        return;
    };
    tracing::warn!(
        function = delivery.function,
        error = failure.error_message,
        "an event's function failed"
    );
    if delivery.attempts >= ASYNC_TRIES {
        state.deliveries.remove(&id);
        return;
    }
    let pause = SignedDuration::from_mins(i64::from(delivery.attempts));
    delivery.due = now.checked_add(pause).unwrap_or(now);
    delivery.underway = false;
}

fn numbers(records: &[Value]) -> Vec<String> {
    records
        .iter()
        .filter_map(|r| r["dynamodb"]["SequenceNumber"].as_str().map(str::to_owned))
        .collect()
}

/// Goes on with the stream after a batch, unless the batch is to come again: then its function did
/// the work, and the stream does not know it.
fn take_up(state: &mut State, numbers: &[String], answer: Result<Value, Failure>, now: Timestamp) {
    match std::mem::take(&mut state.stream_again) {
        Again::AfterNext if took_all(&answer) => state.stream_again = Again::Both,
        Again::Now | Again::Both => state.stream.rewind(),
        Again::No | Again::AfterNext => checkpoint(state, numbers, answer, now),
    }
}

fn took_all(answer: &Result<Value, Failure>) -> bool {
    answer
        .as_ref()
        .is_ok_and(|answer| answer["batchItemFailures"][0].is_null())
}

/// Moves the stream on past what was dealt with; the rest is delivered again.
fn checkpoint(state: &mut State, numbers: &[String], answer: Result<Value, Failure>, now: Timestamp) {
    let failed = match &answer {
        Ok(answer) => answer["batchItemFailures"][0]["itemIdentifier"]
            .as_str()
            .map(str::to_owned),
        Err(_) => numbers.first().cloned(),
    };
    let Some(failed) = failed else {
        state.stream_checkpoint = numbers.last().cloned().or_else(|| state.stream_checkpoint.take());
        state.stream_attempts = 0;
        return;
    };
    let done = numbers.iter().take_while(|number| **number != failed).last();
    if let Some(done) = done {
        state.stream_checkpoint = Some(done.clone());
        state.stream_attempts = 0;
    }
    state.stream_attempts += 1;
    if state.stream_attempts >= STREAM_TRIES {
        tracing::error!("a record of the stream was given up; on AWS it would be in the dead-letter queue");
        state.stream_checkpoint = Some(failed);
        state.stream_attempts = 0;
    }
    state.stream.rewind();
    let pause = SignedDuration::from_secs(1 << state.stream_attempts.min(6));
    state.stream_due = now.checked_add(pause).ok();
}
