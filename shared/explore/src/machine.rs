//! The state machines: `deployment.asl.json` with its two lanes and `rollback.asl.json`, as small
//! machines on the virtual time line. A test compares their numbers with the shipped files.

use tidegate_core::change::Next;
use tidegate_core::deployment::Phase;
use tidegate_core::exit::ExitState;
use tidegate_core::phases::RollbackStep;
use tidegate_core::spec::GatePhase;

use crate::function::{Caller, Job, Output, Status};
use crate::plant::Plant;
use crate::setting::Ms;
use crate::world::{Tick, World};

/// Attempts after errors of Lambda itself, after errors that ask for another try, and after
/// time-outs: `Retry` of every task.
pub const RETRIES: [u8; 2] = [6, 8];

/// `IntervalSeconds` and `MaxDelaySeconds` of each.
pub const DELAYS: [(Ms, Ms); 2] = [(1, 20), (2, 30)];

/// Name of an error, as Retry, Catch and the rollback see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Failure(pub &'static str);

impl Failure {
    /// The function died, or its answer was lost.
    pub const LAMBDA: Self = Self("Lambda.Unknown");
    /// The forward path must stop.
    pub const ABORT: Self = Self("AbortRequested");
    /// Another one holds the target.
    pub const STALE: Self = Self("StaleEpoch");
    /// Others kept writing first.
    pub const CONFLICT: Self = Self("Conflict");
    /// Too many calls.
    pub const THROTTLED: Self = Self("Throttled");
    /// An answer was lost on the way.
    pub const TRANSIENT: Self = Self("Transient");
    /// A task took too long.
    pub const TIMEOUT: Self = Self("TimedOut");
    /// Nothing failed.
    pub const NONE: Self = Self("");

    /// Which `Retry` takes it.
    fn retrier(self) -> Option<usize> {
        match self {
            Self::LAMBDA => Some(0),
            Self::THROTTLED | Self::TRANSIENT | Self::CONFLICT => Some(1),
            _ => None,
        }
    }
}

/// Which machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Machine {
    /// `deployment.asl.json`.
    Deployment,
    /// `rollback.asl.json`.
    Rollback,
}

/// A task that is being tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Task {
    /// The function that was started for it.
    pub function: u32,
    /// Attempts by retrier.
    pub tries: [u8; 2],
    /// Its retry that is due.
    pub stamp: u32,
}

/// Where the rollout lane is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// A phase is asked.
    Call(Phase, Task),
    /// As long as the phase asked for.
    Wait(Phase, u32),
    /// People are asked: phase, gate, token, time limit.
    Gate(Phase, GatePhase, Task, u32, u32),
    /// What was changed for the time of the deployment is put back.
    Undo(Phase, Task),
    /// A wait before another look at that.
    UndoWait(Phase, u32),
    /// `Rolled out`.
    Done,
}

/// Where the handle's lane is: its token, and whether it was released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Handle {
    /// Registers the token.
    pub task: Task,
    /// The token.
    pub token: u32,
    /// `Handle released`.
    pub released: bool,
}

/// Where an execution is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum At {
    /// `Plan`.
    Plan(Task),
    /// `Roll out`.
    Lanes(Lane, Handle),
    /// `Roll back`: waits for another execution.
    Child(usize),
    /// `Record failed rollback`, `Record failure`.
    Record(Task),
    /// A state of the rollback.
    Back(RollbackStep, Task),
    /// A wait before a state of the rollback.
    BackWait(RollbackStep, u32),
    /// What a phase changed is undone.
    Undo(Phase, Task),
    /// A wait before another look at that.
    UndoWait(Phase, u32),
    /// An end.
    Over,
}

/// One execution.
#[derive(Debug, Clone)]
pub struct Execution {
    /// Of which deployment.
    pub deployment: usize,
    /// Of which machine.
    pub machine: Machine,
    /// Started by the sweep, the how many-th time.
    pub rescue: u32,
    /// When it began.
    pub started: Ms,
    /// When it ended.
    pub ended: Option<Ms>,
    /// Where it is.
    pub at: At,
    /// What was caught.
    pub failure: Failure,
    /// Who waits for it.
    pub parent: Option<usize>,
    /// What its end hands on.
    pub exit: Option<ExitState>,
}

const fn back_after(step: RollbackStep) -> Option<RollbackStep> {
    match step {
        RollbackStep::Traffic => Some(RollbackStep::Reassert),
        RollbackStep::Reassert => Some(RollbackStep::Restore),
        RollbackStep::Restore | RollbackStep::Fail => None,
    }
}

impl World {
    /// Starts an execution, unless one of that name was started before.
    pub fn start_execution(&mut self, deployment: usize, machine: Machine, rescue: u32, failure: Failure) {
        let taken = self.executions.iter().any(|one| {
            one.deployment == deployment
                && one.machine == machine
                && one.rescue == rescue
                && one.parent.is_none()
        });
        if !taken {
            self.begin_execution(deployment, machine, rescue, failure, None);
        }
    }

    fn begin_execution(
        &mut self,
        deployment: usize,
        machine: Machine,
        rescue: u32,
        failure: Failure,
        parent: Option<usize>,
    ) {
        let index = self.executions.len();
        self.executions.push(Execution {
            deployment,
            machine,
            rescue,
            started: self.now,
            ended: None,
            at: At::Over,
            failure,
            parent,
            exit: None,
        });
        self.tell(|| format!("execution {index} ({machine:?}) starts"));
        match machine {
            Machine::Deployment => {
                let task = self.ask(index, Job::Plan, [0; 2]);
                self.enter(index, At::Plan(task));
            }
            Machine::Rollback => {
                self.lead_back(deployment);
                self.enter_back(index, RollbackStep::Traffic, [0; 2]);
            }
        }
    }

    fn enter(&mut self, execution: usize, at: At) {
        self.counts.transitions += 1;
        self.covered.transition(&self.executions[execution].at, &at);
        self.executions[execution].at = at;
    }

    fn ask(&mut self, execution: usize, job: Job, tries: [u8; 2]) -> Task {
        let deployment = self.executions[execution].deployment;
        let function = self.call(job, Caller::Execution(execution), Some(deployment));
        Task {
            function,
            tries,
            stamp: 0,
        }
    }

    /// The first state of each lane.
    fn enter_lanes(&mut self, execution: usize) {
        let token = self.next_number();
        let handle = self.ask(execution, Job::Handle { token }, [0; 2]);
        let lane = Lane::Call(
            Phase::Prepare,
            self.ask(execution, Job::Phase(Phase::Prepare), [0; 2]),
        );
        let handle = Handle {
            task: handle,
            token,
            released: false,
        };
        self.enter(execution, At::Lanes(lane, handle));
    }

    fn enter_back(&mut self, execution: usize, step: RollbackStep, tries: [u8; 2]) {
        let failure = self.executions[execution].failure;
        let task = self.ask(execution, Job::Rollback { step, failure }, tries);
        let at = match step {
            RollbackStep::Fail => At::Record(task),
            RollbackStep::Traffic | RollbackStep::Reassert | RollbackStep::Restore => At::Back(step, task),
        };
        self.enter(execution, at);
    }

    /// The Catch of everything: to the rollback.
    fn roll_back(&mut self, execution: usize, failure: Failure) {
        self.executions[execution].failure = failure;
        let deployment = self.executions[execution].deployment;
        let child = self.executions.len();
        self.enter(execution, At::Child(child));
        self.begin_execution(deployment, Machine::Rollback, 0, failure, Some(execution));
    }

    fn end_execution(&mut self, execution: usize, exit: Option<ExitState>) {
        self.enter(execution, At::Over);
        self.executions[execution].ended = Some(self.now);
        self.executions[execution].exit = exit;
        self.tell(|| format!("execution {execution} ends: {exit:?}"));
        let parent = self.executions[execution].parent;
        let Some(parent) = parent.filter(|parent| self.executions[*parent].ended.is_none()) else {
            return;
        };
        match exit {
            // Its `Back on stable` hands the exit on.
            Some(exit) => self.end_execution(parent, Some(exit)),
            None => self.enter_back(parent, RollbackStep::Fail, [0; 2]),
        }
    }

    /// A person stops whatever runs, in the console of Step Functions.
    pub fn stop_execution(&mut self) {
        let Some(execution) = self.executions.iter().rposition(|one| one.ended.is_none()) else {
            return;
        };
        // What it would have done is for the sweep to find.
        self.counts.faults += 1;
        let parent = self.executions[execution].parent;
        for one in [Some(execution), parent].into_iter().flatten() {
            self.executions[one].at = At::Over;
            self.executions[one].ended = Some(self.now);
        }
    }

    /// Every execution of a deployment ends where it is: nobody rolls anything back.
    pub fn abandon(&mut self, deployment: usize) {
        let now = self.now;
        let of_it = |one: &&mut Execution| one.deployment == deployment && one.ended.is_none();
        for one in self.executions.iter_mut().filter(of_it) {
            one.at = At::Over;
            one.ended = Some(now);
        }
    }

    /// A function's answer reaches the execution that asked, if it still waits for it.
    pub fn answered(&mut self, execution: usize, function: u32, result: Result<Output, Failure>) {
        if self.executions[execution].ended.is_some() {
            return;
        }
        match self.executions[execution].at {
            At::Plan(task) if task.function == function => match result {
                Ok(output) if output.status == Status::Blocked => {
                    self.end_execution(execution, Some(ExitState::Blocked));
                }
                Ok(_) => self.enter_lanes(execution),
                Err(failure) => match self.retry(execution, task, failure) {
                    Some(task) => self.executions[execution].at = At::Plan(task),
                    None => self.roll_back(execution, failure),
                },
            },
            At::Lanes(lane, handle) => self.lane_answered(execution, lane, handle, function, result),
            At::Record(task) if task.function == function => match result {
                Err(failure) => match self.retry(execution, task, failure) {
                    Some(task) => self.executions[execution].at = At::Record(task),
                    None => self.end_execution(execution, None),
                },
                Ok(_) => self.end_execution(execution, None),
            },
            At::Back(step, task) if task.function == function => {
                self.back_answered(execution, step, task, result)
            }
            At::Undo(phase, task) if task.function == function => {
                self.undo_answered(execution, phase, task, result);
            }
            At::Plan(_)
            | At::Child(_)
            | At::Record(_)
            | At::Back(..)
            | At::BackWait(..)
            | At::Undo(..)
            | At::UndoWait(..)
            | At::Over => {}
        }
    }

    fn lane_answered(
        &mut self,
        execution: usize,
        lane: Lane,
        mut handle: Handle,
        function: u32,
        result: Result<Output, Failure>,
    ) {
        if handle.task.function == function {
            if let Err(failure) = result {
                match self.retry(execution, handle.task, failure) {
                    Some(task) => {
                        handle.task = task;
                        self.executions[execution].at = At::Lanes(lane, handle);
                    }
                    None => self.roll_back(execution, failure),
                }
            }
            return;
        }
        match lane {
            Lane::Call(phase, task) if task.function == function => match result {
                Ok(output) => self.phase_answered(execution, phase, handle, output),
                Err(failure) => match self.retry(execution, task, failure) {
                    Some(task) => {
                        self.executions[execution].at = At::Lanes(Lane::Call(phase, task), handle);
                    }
                    None => self.roll_back(execution, failure),
                },
            },
            Lane::Gate(phase, before, task, token, limit) if task.function == function => {
                if let Err(failure) = result {
                    match self.retry(execution, task, failure) {
                        Some(task) => {
                            let lane = Lane::Gate(phase, before, task, token, limit);
                            self.executions[execution].at = At::Lanes(lane, handle);
                        }
                        None if self.plant == Some(Plant::LostTokenHangs) => {}
                        None => self.roll_back(execution, failure),
                    }
                }
            }
            Lane::Undo(phase, task) if task.function == function => match result {
                Ok(output) => self.put_back_answered(execution, phase, handle, output),
                Err(failure) => match self.retry(execution, task, failure) {
                    Some(task) => {
                        self.executions[execution].at = At::Lanes(Lane::Undo(phase, task), handle);
                    }
                    None => self.roll_back(execution, failure),
                },
            },
            Lane::Call(..)
            | Lane::Gate(..)
            | Lane::Wait(..)
            | Lane::Undo(..)
            | Lane::UndoWait(..)
            | Lane::Done => {}
        }
    }

    /// `... done?`
    fn phase_answered(&mut self, execution: usize, phase: Phase, handle: Handle, output: Output) {
        match (output.status, phase.gate()) {
            (Status::Done, _) => match output.next {
                Some(Next::Phase(next)) => self.enter_phase(execution, next, handle),
                Some(Next::Undo(changed)) => self.enter_put_back(execution, changed, handle),
                None => {
                    self.enter(execution, At::Lanes(Lane::Done, handle));
                    self.join(execution);
                }
            },
            (Status::AwaitingApproval, Some(before)) => {
                self.enter_gate(execution, phase, before, handle, [0; 2], output.wait_seconds);
            }
            (Status::AwaitingApproval | Status::InProgress | Status::Blocked | Status::Failed, _) => {
                let stamp = self.wait(execution, output.wait_seconds);
                self.enter(execution, At::Lanes(Lane::Wait(phase, stamp), handle));
            }
        }
    }

    /// `Restore settings done?`
    fn put_back_answered(&mut self, execution: usize, phase: Phase, handle: Handle, output: Output) {
        match output.status {
            Status::Done => self.enter_phase(execution, Phase::Complete, handle),
            Status::InProgress | Status::AwaitingApproval | Status::Blocked | Status::Failed => {
                let stamp = self.wait(execution, output.wait_seconds);
                self.enter(execution, At::Lanes(Lane::UndoWait(phase, stamp), handle));
            }
        }
    }

    fn enter_put_back(&mut self, execution: usize, phase: Phase, handle: Handle) {
        let task = self.ask(execution, Job::Undo(phase), [0; 2]);
        self.enter(execution, At::Lanes(Lane::Undo(phase, task), handle));
    }

    fn enter_phase(&mut self, execution: usize, phase: Phase, handle: Handle) {
        let task = self.ask(execution, Job::Phase(phase), [0; 2]);
        self.enter(execution, At::Lanes(Lane::Call(phase, task), handle));
    }

    fn enter_gate(
        &mut self,
        execution: usize,
        phase: Phase,
        before: GatePhase,
        handle: Handle,
        tries: [u8; 2],
        seconds: u32,
    ) {
        let token = self.next_number();
        let task = self.ask(execution, Job::Gate { before, token }, tries);
        let limit = match self.plant {
            Some(Plant::LostTokenHangs) => 0,
            _ => self.wait(execution, seconds),
        };
        self.enter(
            execution,
            At::Lanes(Lane::Gate(phase, before, task, token, limit), handle),
        );
    }

    /// Both lanes are done.
    fn join(&mut self, execution: usize) {
        if let At::Lanes(Lane::Done, handle) = self.executions[execution].at
            && handle.released
        {
            self.end_execution(execution, Some(ExitState::Completed));
        }
    }

    fn back_answered(
        &mut self,
        execution: usize,
        step: RollbackStep,
        task: Task,
        result: Result<Output, Failure>,
    ) {
        let output = match result {
            Ok(output) => output,
            Err(failure) => {
                match self.retry(execution, task, failure) {
                    Some(task) => self.executions[execution].at = At::Back(step, task),
                    None => self.enter_back(execution, RollbackStep::Fail, [0; 2]),
                }
                return;
            }
        };
        match (output.status, back_after(step)) {
            (Status::Done, Some(RollbackStep::Reassert)) => {
                let stamp = self.wait(execution, output.wait_seconds);
                self.enter(execution, At::BackWait(RollbackStep::Reassert, stamp));
            }
            (Status::Done, Some(next)) => match output.next {
                Some(Next::Undo(phase)) => self.enter_undo(execution, phase, [0; 2]),
                Some(Next::Phase(_)) | None => self.enter_back(execution, next, [0; 2]),
            },
            (Status::Done, None) => self.end_execution(execution, output.exit),
            (Status::Failed, _) => self.end_execution(execution, None),
            (Status::InProgress | Status::AwaitingApproval | Status::Blocked, _) => {
                let stamp = self.wait(execution, output.wait_seconds);
                self.enter(execution, At::BackWait(step, stamp));
            }
        }
    }

    fn enter_undo(&mut self, execution: usize, phase: Phase, tries: [u8; 2]) {
        let task = self.ask(execution, Job::Undo(phase), tries);
        self.enter(execution, At::Undo(phase, task));
    }

    fn undo_answered(&mut self, execution: usize, phase: Phase, task: Task, result: Result<Output, Failure>) {
        let output = match result {
            Ok(output) => output,
            Err(failure) => {
                match self.retry(execution, task, failure) {
                    Some(task) => self.executions[execution].at = At::Undo(phase, task),
                    None => self.enter_back(execution, RollbackStep::Fail, [0; 2]),
                }
                return;
            }
        };
        match (output.status, output.next) {
            (Status::Done, Some(Next::Undo(next))) => self.enter_undo(execution, next, [0; 2]),
            (Status::Done, Some(Next::Phase(_)) | None) => {
                self.enter_back(execution, RollbackStep::Restore, [0; 2]);
            }
            (Status::InProgress | Status::AwaitingApproval | Status::Blocked | Status::Failed, _) => {
                let stamp = self.wait(execution, output.wait_seconds);
                self.enter(execution, At::UndoWait(phase, stamp));
            }
        }
    }

    fn wait(&mut self, execution: usize, seconds: u32) -> u32 {
        let stamp = self.next_number();
        let at = self.now + Ms::from(seconds) * 1000;
        self.at(at, Tick::Machine { execution, stamp });
        stamp
    }

    /// Makes another attempt due, where Retry allows one. Half of the delay: the middle of the jitter.
    fn retry(&mut self, execution: usize, mut task: Task, failure: Failure) -> Option<Task> {
        let retrier = failure.retrier()?;
        let (interval, most) = DELAYS[retrier];
        let done = task.tries[retrier];
        if done >= RETRIES[retrier] {
            return None;
        }
        task.tries[retrier] += 1;
        task.stamp = self.next_number();
        let delay = (interval << done).min(most) * 500;
        let stamp = task.stamp;
        self.at(self.now + delay, Tick::Machine { execution, stamp });
        Some(task)
    }

    /// A wait is over, a retry or a time limit is due.
    pub fn machine_goes_on(&mut self, execution: usize, stamp: u32) {
        match self.executions[execution].at {
            At::Plan(task) if task.stamp == stamp => {
                let task = self.ask(execution, Job::Plan, task.tries);
                self.executions[execution].at = At::Plan(task);
            }
            At::Record(task) if task.stamp == stamp => {
                self.enter_again(execution, RollbackStep::Fail, task);
            }
            At::Back(step, task) if task.stamp == stamp => self.enter_again(execution, step, task),
            At::BackWait(step, due) if due == stamp => self.enter_back(execution, step, [0; 2]),
            At::Lanes(lane, handle) => self.lane_goes_on(execution, lane, handle, stamp),
            At::Undo(phase, task) if task.stamp == stamp => {
                self.counts.transitions -= 1;
                self.enter_undo(execution, phase, task.tries);
            }
            At::UndoWait(phase, due) if due == stamp => self.enter_undo(execution, phase, [0; 2]),
            At::Plan(_)
            | At::Child(_)
            | At::Record(_)
            | At::Back(..)
            | At::BackWait(..)
            | At::Undo(..)
            | At::UndoWait(..)
            | At::Over => {}
        }
    }

    fn enter_again(&mut self, execution: usize, step: RollbackStep, task: Task) {
        self.counts.transitions -= 1;
        self.enter_back(execution, step, task.tries);
    }

    fn lane_goes_on(&mut self, execution: usize, lane: Lane, mut handle: Handle, stamp: u32) {
        if handle.task.stamp == stamp {
            handle.token = self.next_number();
            let job = Job::Handle { token: handle.token };
            handle.task = self.ask(execution, job, handle.task.tries);
            self.executions[execution].at = At::Lanes(lane, handle);
            return;
        }
        match lane {
            Lane::Call(phase, task) if task.stamp == stamp => {
                let task = self.ask(execution, Job::Phase(phase), task.tries);
                self.executions[execution].at = At::Lanes(Lane::Call(phase, task), handle);
            }
            Lane::Wait(phase, due) if due == stamp => self.enter_phase(execution, phase, handle),
            Lane::Undo(phase, task) if task.stamp == stamp => {
                let task = self.ask(execution, Job::Undo(phase), task.tries);
                self.executions[execution].at = At::Lanes(Lane::Undo(phase, task), handle);
            }
            Lane::UndoWait(phase, due) if due == stamp => self.enter_put_back(execution, phase, handle),
            Lane::Gate(phase, before, task, _, limit) if task.stamp == stamp => {
                let token = self.next_number();
                let task = self.ask(execution, Job::Gate { before, token }, task.tries);
                let lane = Lane::Gate(phase, before, task, token, limit);
                self.executions[execution].at = At::Lanes(lane, handle);
            }
            Lane::Gate(_, _, _, _, limit) if limit == stamp => self.roll_back(execution, Failure::TIMEOUT),
            Lane::Call(..)
            | Lane::Wait(..)
            | Lane::Gate(..)
            | Lane::Undo(..)
            | Lane::UndoWait(..)
            | Lane::Done => {}
        }
    }

    /// Someone succeeds or fails a token. One that is gone changes nothing.
    pub fn use_token(&mut self, token: u32, success: bool) {
        let waits = |one: &Execution| match one.at {
            At::Lanes(Lane::Gate(_, _, _, gate, _), _) if gate == token => true,
            At::Lanes(_, handle) => handle.token == token && !handle.released,
            _ => false,
        };
        let Some(execution) = self.executions.iter().position(waits) else {
            return;
        };
        let At::Lanes(lane, mut handle) = self.executions[execution].at else {
            return;
        };
        if handle.token == token {
            if success {
                handle.released = true;
                self.enter(execution, At::Lanes(lane, handle));
                self.join(execution);
            } else {
                self.roll_back(execution, Failure::ABORT);
            }
            return;
        }
        match (lane, success) {
            (Lane::Gate(phase, ..), true) => self.enter_phase(execution, phase, handle),
            (_, _) => self.roll_back(execution, Failure::ABORT),
        }
    }

    /// Whether an execution of a name runs, has ended, or never was.
    pub fn execution_status(&self, deployment: usize, machine: Machine, rescue: u32) -> Option<bool> {
        self.executions
            .iter()
            .find(|one| {
                one.deployment == deployment
                    && one.machine == machine
                    && one.rescue == rescue
                    && one.parent.is_none()
            })
            .map(|one| one.ended.is_none())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::Value;

    fn shipped(name: &str) -> Value {
        let path = format!("{}/../../infra/statemachines/{name}", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    fn states(of: &Value) -> Vec<(String, Value)> {
        let states = of["States"].as_object().unwrap();
        states
            .iter()
            .map(|(name, state)| (name.clone(), state.clone()))
            .collect()
    }

    #[test]
    fn every_lambda_task_of_the_shipped_machines_retries_as_modelled() {
        let (deployment, rollback) = (shipped("deployment.asl.json"), shipped("rollback.asl.json"));
        let mut all = states(&deployment);
        for branch in deployment["States"]["Roll out"]["Branches"].as_array().unwrap() {
            all.extend(states(branch));
        }
        all.extend(states(&rollback));
        let lambda = |state: &Value| {
            state["Resource"]
                .as_str()
                .is_some_and(|r| r.contains("lambda:invoke"))
        };
        let tasks: Vec<_> = all.into_iter().filter(|(_, state)| lambda(state)).collect();
        assert_eq!(tasks.len(), 28);
        for (name, task) in tasks {
            for at in 0..2 {
                let retry = &task["Retry"][at];
                assert_eq!(retry["MaxAttempts"], RETRIES[at], "{name}");
                assert_eq!(retry["IntervalSeconds"], DELAYS[at].0, "{name}");
                assert_eq!(retry["MaxDelaySeconds"], DELAYS[at].1, "{name}");
                assert_eq!(retry["BackoffRate"], 2, "{name}");
            }
        }
    }

    #[test]
    fn every_failure_of_the_shipped_machines_ends_where_it_is_modelled() {
        let (deployment, rollback) = (shipped("deployment.asl.json"), shipped("rollback.asl.json"));
        let all = |state: &Value| state["Catch"][0]["ErrorEquals"][0] == "States.ALL";
        for name in ["Plan", "Roll out"] {
            assert!(all(&deployment["States"][name]), "{name}");
        }
        let is_task = |state: &Value| state["Type"] == "Task";
        for (name, state) in states(&rollback).iter().filter(|(_, state)| is_task(state)) {
            assert!(all(state), "{name}");
        }
        // What fails in a lane fails `Roll out`; what takes too long does so under a name of its own.
        for lane in deployment["States"]["Roll out"]["Branches"].as_array().unwrap() {
            for (name, state) in states(lane).iter().filter(|(_, state)| is_task(state)) {
                let catches = state["Catch"].as_array();
                for catch in catches.into_iter().flatten() {
                    assert_eq!(catch["ErrorEquals"][0], "States.Timeout", "{name}");
                    let end = &lane["States"][catch["Next"].as_str().unwrap()];
                    assert_eq!(end["Error"], Failure::TIMEOUT.0, "{name}");
                }
            }
        }
    }

    #[test]
    fn the_phases_of_the_shipped_machine_follow_each_other_as_modelled() {
        let lane = shipped("deployment.asl.json")["States"]["Roll out"]["Branches"][0].clone();
        assert_eq!(lane["StartAt"], "Prepare");
        let order = [Phase::Prepare, Phase::Shift, Phase::Validate, Phase::Complete];
        for pair in order.windows(2) {
            let (phase, next) = (pair[0], pair[1]);
            let name = |phase: Phase| {
                let text = phase.as_str();
                format!("{}{}", text[..1].to_uppercase(), &text[1..])
            };
            // A phase with work of its own comes in between where there is some.
            let state = &lane["States"][format!("{} done?", name(phase))];
            let choices = state["Choices"].as_array().unwrap();
            let done = |choice: &&Value| choice["StringEquals"] == "Done";
            assert_eq!(choices.iter().find(done).unwrap()["Next"], name(next).as_str());
            for choice in choices
                .iter()
                .filter(|choice| choice["Variable"] == "$.step.next")
            {
                let word = choice["StringEquals"].as_str().unwrap();
                let expected = match word {
                    "undo-prepare" => "restore settings",
                    phase => phase,
                };
                assert_eq!(choice["Next"].as_str().unwrap().to_lowercase(), expected);
            }
        }
    }
}
