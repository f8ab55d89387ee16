//! The local cloud as a whole.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_lambda::start::base_config;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::clock::CloudClock;
use crate::disk::{self, DiskError};
use crate::dynamo;
use crate::endpoints::{self, Call, Fault, Reply, Request, Service, fault_reply};
use crate::engine::{BadDefinition, Engine};
use crate::faults::{EventFate, Faults};
use crate::fleet::{Fleet, FleetEvent};
use crate::history::History;
use crate::http::InProcess;
use crate::names::{ACCOUNT, REGION};
use crate::table::{Stream, Table, TableKind};

/// How long things take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// A call to AWS, there and back.
    pub call: Duration,
    /// Starting a function.
    pub invoke: Duration,
    /// EventBridge, from the event to the function.
    pub event: Duration,
}

impl Latency {
    /// What one sees within a region: calls of some 15 ms, warm functions, half a second of EventBridge.
    pub const TYPICAL: Self = Self {
        call: Duration::from_millis(16),
        invoke: Duration::from_millis(25),
        event: Duration::from_millis(400),
    };
    /// Nothing added to what the work itself takes.
    pub const NONE: Self = Self {
        call: Duration::ZERO,
        invoke: Duration::ZERO,
        event: Duration::ZERO,
    };
}

/// How to make a local cloud.
#[derive(Debug, Clone)]
pub struct Options {
    /// Decides every id and all noise.
    pub seed: u64,
    /// What the clock shows at the start; a cloud on disk goes on from where it was.
    pub start: Timestamp,
    /// How many times faster than tokio's time.
    pub speed: f64,
    /// How long things take.
    pub latency: Latency,
    /// Where everything is kept; in memory where absent.
    pub data: Option<PathBuf>,
    /// Whether the sweep runs every minute.
    pub sweep: bool,
}

impl Options {
    /// In memory, in virtual time, from a fixed Monday morning.
    pub fn virtual_time(seed: u64) -> Self {
        Self {
            seed,
            // 2026-03-02 09:00 UTC.
            start: Timestamp::constant(1_772_442_000, 0),
            speed: 1.0,
            latency: Latency::TYPICAL,
            data: None,
            sweep: true,
        }
    }
}

/// Why there is no local cloud.
#[derive(Debug, thiserror::Error)]
pub enum CloudError {
    /// The database can't be opened.
    #[error("failed to open the local database: {0}")]
    Database(String),
    /// The state machines can't be loaded.
    #[error(transparent)]
    Machines(#[from] BadDefinition),
    /// What is on disk can't be read or written.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// One call to an AWS endpoint, for coverage and the benchmark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    /// When.
    pub at: Timestamp,
    /// Which function called, or `outside`.
    pub caller: &'static str,
    /// Which service.
    pub service: Service,
    /// Which operation.
    pub operation: String,
    /// HTTP status of the answer.
    pub status: u16,
}

impl Noted {
    /// Whether it may have changed something.
    pub fn writes(&self) -> bool {
        changes(&self.operation)
    }
}

/// One run of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// When it was asked for.
    pub at: Timestamp,
    /// Which function.
    pub function: &'static str,
    /// The error's name, where it failed.
    pub error: Option<String>,
}

/// A function that is to be called without anyone waiting for the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Delivery {
    pub(crate) id: u64,
    pub(crate) function: String,
    pub(crate) payload: Value,
    pub(crate) due: Timestamp,
    pub(crate) attempts: u32,
    /// Being tried right now; tried again after a restart.
    #[serde(skip)]
    pub(crate) underway: bool,
}

/// Everything that changes.
#[derive(Debug, Serialize, Deserialize)]
pub struct State {
    /// Tasks, traffic, alarms, images.
    pub fleet: Fleet,
    /// State machines.
    pub engine: Engine,
    /// What Slack got.
    pub slack: Vec<Value>,
    pub(crate) deliveries: BTreeMap<u64, Delivery>,
    pub(crate) next_delivery: u64,
    pub(crate) stream_checkpoint: Option<String>,
    pub(crate) stream_attempts: u32,
    pub(crate) stream_due: Option<Timestamp>,
    pub(crate) next_sweep: Timestamp,
    /// What goes wrong on purpose.
    #[serde(skip)]
    pub faults: Faults,
    /// Every call that was made.
    #[serde(skip)]
    pub calls: Vec<Noted>,
    /// Every run of a function.
    #[serde(skip)]
    pub runs: Vec<Ran>,
    /// Where a secret of the fleet was met that should not be: one line each.
    #[serde(skip)]
    pub leaks: Vec<String>,
    /// What the fleet went through.
    #[serde(skip)]
    pub history: History,
    #[serde(skip)]
    pub(crate) stream: Stream,
    #[serde(skip)]
    pub(crate) stream_busy: bool,
    /// Whether the batch that is being delivered comes once more.
    #[serde(skip)]
    pub(crate) stream_again: Again,
    /// Deliveries that wait for the next event to overtake them.
    #[serde(skip)]
    pub(crate) overtaken: Vec<u64>,
    /// Functions that run, and calls that are late on their way.
    #[serde(skip)]
    pub(crate) underway: u32,
    #[serde(skip)]
    pub(crate) dirty: bool,
}

/// Whether batches that their function took are handed out again, as a stream does that was not told
/// how far the function is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Again {
    /// Each comes once.
    #[default]
    No,
    /// The one that is being delivered comes again at once.
    Now,
    /// It comes again after the next one.
    AfterNext,
    /// This is the next one: both come again.
    Both,
}

/// A function to call, with someone who waits for the answer.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) function: &'static str,
    pub(crate) payload: Value,
    pub(crate) answer: oneshot::Sender<Result<Value, Failure>>,
}

/// How a function failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// Name, as the state machines match on.
    pub error_type: String,
    /// For people.
    pub error_message: String,
}

/// What connectors, functions and the driver share.
pub(crate) struct Shared {
    pub(crate) clock: CloudClock,
    pub(crate) latency: Latency,
    pub(crate) table: Table,
    pub(crate) wake: Notify,
    pub(crate) data: Option<PathBuf>,
    pub(crate) sweep: bool,
    state: Mutex<State>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("clock", &self.clock)
            .field("data", &self.data)
            .finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves the simulation as it was; there is nothing to protect by failing too.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one request to an AWS endpoint.
    pub(crate) fn answer(&self, caller: &'static str, request: &Request<'_>) -> Reply {
        match endpoints::parse(request) {
            Ok(call) => self.serve(caller, &call),
            Err(reply) => reply,
        }
    }

    /// Answers one call.
    pub(crate) fn serve(&self, caller: &'static str, call: &Call) -> Reply {
        let now = self.clock.now();
        let mut state = self.lock();
        let reply = match state.faults.for_call(call) {
            Some(fault) => fault_reply(call, &fault, "00000000-0000-4000-8000-000000000000"),
            None => self.route(&mut state, call, now),
        };
        if let Some(rise) = returning_rise(&mut state, caller, call) {
            self.route(&mut state, &rise, now);
        }
        note(&mut state, now, caller, call, reply.status);
        if changes(&call.operation) {
            state.stream.more = true;
            state.dirty = true;
            disk::save(self, &mut state);
            drop(state);
            self.wake.notify_one();
        }
        reply
    }

    /// Notes where a secret of the fleet is in what a function sends or answers.
    pub(crate) fn look_for_secrets<T: AsRef<[u8]>>(
        &self,
        text: impl FnOnce() -> T,
        whose: impl FnOnce() -> String,
    ) {
        let mut state = self.lock();
        if state.fleet.secrets().next().is_some() && state.fleet.has_secret(text().as_ref()) {
            let leak = format!("{} has a secret in it", whose());
            state.leaks.push(leak);
        }
    }

    /// Refuses one call: too many of them.
    pub(crate) fn throttle(&self, caller: &'static str, call: &Call) -> Reply {
        let reply = fault_reply(call, &Fault::throttling(), "00000000-0000-4000-8000-000000000000");
        note(&mut self.lock(), self.clock.now(), caller, call, reply.status);
        reply
    }

    fn route(&self, state: &mut State, call: &Call, now: Timestamp) -> Reply {
        match call.service {
            Service::DynamoDb if endpoints::is_of_a_service(call) => {
                endpoints::handle(&mut state.fleet, now, call)
            }
            Service::DynamoDb if state.faults.planted.unconditional => {
                self.table.handle(&dynamo::without_conditions(call), now)
            }
            Service::DynamoDb | Service::DynamoDbStreams => self.table.handle(call, now),
            Service::States => state.engine.handle(call, now),
            Service::Ecs
            | Service::AppConfig
            | Service::AutoScaling
            | Service::CloudFormation
            | Service::Elbv2
            | Service::CloudWatch
            | Service::Ecr
            | Service::Sns
            | Service::CostExplorer
            | Service::Ssm
            | Service::Events
            | Service::Scheduler
            | Service::Logs
            | Service::Rds
            | Service::Iam
            | Service::Sts
            | Service::Lambda
            | Service::S3 => endpoints::handle(&mut state.fleet, now, call),
        }
    }

    /// Slack's incoming webhook.
    pub(crate) fn slack(&self, body: &Bytes) -> Reply {
        let mut state = self.lock();
        let (status, text) = if state.faults.slack_down {
            (503, "service_unavailable")
        } else {
            match serde_json::from_slice(body) {
                Ok(message) => {
                    state.slack.push(message);
                    (200, "ok")
                }
                Err(_) => (400, "invalid_payload"),
            }
        };
        Reply {
            status,
            headers: Vec::new(),
            body: text.as_bytes().to_vec(),
        }
    }
}

/// A planted defect: the candidate's weight comes back behind the rollback's back.
fn returning_rise(state: &mut State, caller: &str, call: &Call) -> Option<Call> {
    let planted = &mut state.faults.planted;
    if !planted.rule_returns {
        return None;
    }
    match (caller, call.operation.as_str()) {
        ("shift", "ModifyRule") => {
            planted.last_rise = Some(call.clone());
            None
        }
        ("rollback", "UpdateService") => planted.last_rise.take(),
        _ => None,
    }
}

fn note(state: &mut State, at: Timestamp, caller: &'static str, call: &Call, status: u16) {
    state.calls.push(Noted {
        at,
        caller,
        service: call.service,
        operation: call.operation.clone(),
        status,
    });
}

/// Whether an operation may change something.
pub(crate) fn changes(operation: &str) -> bool {
    ![
        "Describe", "Get", "Head", "List", "Query", "Scan", "BatchGet", "Simulate",
    ]
    .iter()
    .any(|prefix| operation.starts_with(prefix))
}

impl State {
    /// The schedule of the sweep stands still for so long.
    pub fn rest_sweep(&mut self, seconds: u32) {
        let now = self.fleet.now();
        let rest = SignedDuration::from_secs(seconds.into());
        self.next_sweep = now.checked_add(rest).unwrap_or(now);
    }

    fn new(options: &Options) -> Result<Self, CloudError> {
        let mut fleet = Fleet::new(options.seed, REGION, ACCOUNT);
        fleet.advance(options.start);
        fleet.create_topic("tidegate");
        fleet.create_topic("tidegate-page");
        Ok(Self {
            fleet,
            engine: Engine::new(options.seed)?,
            slack: Vec::new(),
            deliveries: BTreeMap::new(),
            next_delivery: 1,
            stream_checkpoint: None,
            stream_attempts: 0,
            stream_due: None,
            next_sweep: next_minute(options.start),
            faults: Faults::default(),
            calls: Vec::new(),
            runs: Vec::new(),
            leaks: Vec::new(),
            history: History::default(),
            stream: Stream::default(),
            stream_busy: false,
            stream_again: Again::No,
            overtaken: Vec::new(),
            underway: 0,
            dirty: true,
        })
    }

    /// Whether nothing is on its way: no execution or function runs, no event, batch of the stream or
    /// late call is still to come. Only time can change anything then.
    pub fn is_still(&self) -> bool {
        let stream = !self.stream_busy && self.stream_due.is_none() && self.stream_again == Again::No;
        stream && self.underway == 0 && self.deliveries.is_empty() && !self.engine.is_busy()
    }

    /// Hands an event of AWS to the rules of `infra/template.yaml`.
    pub(crate) fn route_event(&mut self, event: &FleetEvent, latency: Duration, now: Timestamp) {
        let function = match event {
            FleetEvent::EcrPushed { .. } => "on-image-push",
            FleetEvent::AlarmStateChanged { alarm, .. } if alarm.state.value.as_str() == "ALARM" => {
                "on-alarm"
            }
            FleetEvent::AlarmStateChanged { .. } => return,
        };
        let event = event.to_eventbridge();
        let detail_type = event["detail-type"].as_str().unwrap_or_default().to_owned();
        self.deliver_event(&detail_type, function, event, latency, now);
    }

    /// Hands an event to a function, as EventBridge would.
    pub(crate) fn deliver_event(
        &mut self,
        detail_type: &str,
        function: &str,
        event: Value,
        latency: Duration,
        now: Timestamp,
    ) {
        let latency = SignedDuration::try_from(latency).unwrap_or_default();
        let on_time = now.checked_add(latency).unwrap_or(now);
        let late = |seconds: u32| {
            now.checked_add(SignedDuration::from_secs(seconds.into()))
                .unwrap_or(now)
        };
        let times = match self.faults.for_event(detail_type) {
            EventFate::Normal => vec![on_time],
            EventFate::Dropped => Vec::new(),
            EventFate::Doubled => vec![on_time, late(3)],
            EventFate::Late(seconds) => vec![late(seconds)],
            EventFate::Overtaken => {
                self.overtaken.push(self.next_delivery);
                vec![late(OVERTAKEN_SECONDS)]
            }
        };
        if let Some(due) = times.first().filter(|due| **due <= late(1)) {
            self.release(*due);
        }
        for due in times {
            self.push_delivery(function, event.clone(), due);
        }
    }

    /// Events that waited to be overtaken follow the one that is due then.
    fn release(&mut self, due: Timestamp) {
        let then = due.checked_add(SignedDuration::from_secs(1)).unwrap_or(due);
        for id in std::mem::take(&mut self.overtaken) {
            if let Some(waiting) = self.deliveries.get_mut(&id).filter(|held| held.attempts == 0) {
                waiting.due = waiting.due.min(then);
            }
        }
    }

    pub(crate) fn push_delivery(&mut self, function: &str, payload: Value, due: Timestamp) {
        let id = self.next_delivery;
        self.next_delivery += 1;
        let function = function.to_owned();
        self.deliveries.insert(
            id,
            Delivery {
                id,
                function,
                payload,
                due,
                attempts: 0,
                underway: false,
            },
        );
        self.dirty = true;
    }
}

/// An event that nothing overtakes comes this late all the same.
const OVERTAKEN_SECONDS: u32 = 1200;

/// The start of the next minute.
pub(crate) fn next_minute(now: Timestamp) -> Timestamp {
    let second = now
        .as_second()
        .div_euclid(60)
        .saturating_add(1)
        .saturating_mul(60);
    Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
}

/// A local cloud. Cheap to clone; all clones are the same one. [`Cloud::drive`] must run for anything
/// to happen by itself.
#[derive(Debug, Clone)]
pub struct Cloud {
    pub(crate) shared: Arc<Shared>,
    pub(crate) invocations: mpsc::UnboundedSender<Invocation>,
}

impl Cloud {
    /// Makes a cloud, or goes on with the one on disk. Must be called within a tokio runtime; the
    /// driver is what makes it live.
    ///
    /// # Errors
    /// Where the data directory can't be used.
    pub fn new(options: &Options) -> Result<(Self, crate::driver::Driver), CloudError> {
        Self::with_table(options, TableKind::Dynoxide)
    }

    /// As [`Cloud::new`], on a table of that kind; on disk it is always dynoxide.
    ///
    /// # Errors
    /// As [`Cloud::new`].
    pub fn with_table(
        options: &Options,
        kind: TableKind,
    ) -> Result<(Self, crate::driver::Driver), CloudError> {
        let table = open_table(options, kind)?;
        let (state, start) = match disk::load(options.data.as_deref())? {
            Some((mut state, at)) => {
                state.engine.load()?;
                state.engine.resume();
                (state, at.max(options.start))
            }
            None => (State::new(options)?, options.start),
        };
        let shared = Arc::new(Shared {
            clock: CloudClock::starting_at(start, options.speed),
            latency: options.latency,
            table,
            wake: Notify::new(),
            data: options.data.clone(),
            sweep: options.sweep,
            state: Mutex::new(state),
        });
        let (invocations, waiting) = mpsc::unbounded_channel();
        let cloud = Self { shared, invocations };
        let driver = crate::driver::Driver::new(&cloud, waiting);
        Ok((cloud, driver))
    }

    /// Its clock.
    pub fn clock(&self) -> CloudClock {
        self.shared.clock
    }

    /// Looks at or changes the state; the driver then sees to what follows.
    pub fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let now = self.shared.clock.now();
        let mut state = self.shared.lock();
        let events = state.fleet.advance(now);
        for event in &events {
            state.route_event(event, self.shared.latency.event, now);
        }
        let result = change(&mut state);
        let State { fleet, history, .. } = &mut *state;
        history.note(fleet);
        state.dirty = true;
        drop(state);
        self.shared.wake.notify_one();
        result
    }

    /// A configuration for SDK clients that talk to this cloud; its calls are noted as `outside`.
    pub fn sdk_config(&self) -> SdkConfig {
        sdk_config(&self.shared, "outside")
    }

    /// Where the quick table did not answer as dynoxide did ([`TableKind::Compared`]).
    pub fn table_differences(&self) -> Vec<String> {
        self.shared.table.differences()
    }

    /// Answers a raw HTTP request to an AWS endpoint.
    pub fn answer(&self, request: &Request<'_>) -> Reply {
        self.shared.answer("outside", request)
    }

    /// Calls a function and waits for its answer.
    ///
    /// # Errors
    /// The function's own failure, or that the cloud is shutting down.
    pub async fn invoke(&self, function: &'static str, payload: Value) -> Result<Value, Failure> {
        let (answer, waiting) = oneshot::channel();
        let gone = || Failure {
            error_type: "ServiceException".to_owned(),
            error_message: "the local cloud is not running".to_owned(),
        };
        self.invocations
            .send(Invocation {
                function,
                payload,
                answer,
            })
            .map_err(|_| gone())?;
        waiting.await.map_err(|_| gone())?
    }
}

fn open_table(options: &Options, kind: TableKind) -> Result<Table, CloudError> {
    let kind = match options.data {
        Some(_) => TableKind::Dynoxide,
        None => kind,
    };
    if kind == TableKind::Quick {
        return Ok(Table::quick());
    }
    let database = disk::open_database(options.data.as_deref())?;
    dynamo::create_table(&database).map_err(|error| CloudError::Database(error.to_string()))?;
    Ok(Table::on(database, kind))
}

/// The configuration of one function's clients.
pub(crate) fn sdk_config(shared: &Arc<Shared>, caller: &'static str) -> SdkConfig {
    let credentials = Credentials::new("LOCAL", "local", None, None, "local cloud");
    base_config()
        .region(Region::new(REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(InProcess::new(Arc::clone(shared), caller))
        .time_source(shared.clock)
        // Nothing stalls half-way in a process, and the watch over it costs on every call.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .build()
}
