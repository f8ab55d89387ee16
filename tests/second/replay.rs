//! Plays a recorded scenario on moto: the same definition, the same answers in the same order. What
//! moto's interpreter asks the functions for is compared with what ours asked them for, and the path
//! of states with ours.
//!
//! ```text
//! recording:  Plan answers ── Shift answers ── the handle's token fails ── ...
//!                  │               │                    │
//! moto:       asks for Plan   asks for Shift   has entered as many states as ours had
//! ```
//!
//! Whatever comes from outside is held back until moto is as far as our interpreter was, so that two
//! lanes can't overtake each other here and not there.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::gateway::{Gateway, Held};
use super::known::{self, Known};
use super::machines::{Copy, Lanes, SHIPPED};
use super::paths::{Path, entered_states};
use super::recording::{Answer, Call, Move, Run, What};
use super::wire;

/// Between two looks at what moto does; there is no call that waits for it.
const LOOK: Duration = Duration::from_millis(20);

/// What came of a replay.
#[derive(Debug, Default)]
pub struct Replayed {
    /// Executions that were compared.
    pub executions: usize,
    /// States that moto entered.
    pub entered: usize,
    /// Answers that moto's interpreter got from the functions.
    pub answers: usize,
    /// Where the two differ, for people.
    pub differences: Vec<String>,
    /// Lines of the table of what moto is known to do otherwise, that were met.
    pub known: Vec<&'static Known>,
}

/// A scenario that is being replayed.
pub struct Replay<'a> {
    gateway: &'a Gateway,
    moto: u16,
    limit: Duration,
    copy: Copy,
    runs: &'a [Run],
    /// The executions that were met, by moto's ARN.
    met: BTreeMap<String, String>,
    /// moto's tokens, by ours.
    tokens: BTreeMap<String, String>,
    told: Replayed,
}

impl<'a> Replay<'a> {
    /// Makes the machines of a copy, each definition after a change (none but where a test of this
    /// suite plants a difference), and replays all runs on them. Nothing is waited for longer than
    /// the limit.
    pub fn play(
        gateway: &'a Gateway,
        moto: u16,
        copy: Copy,
        runs: &'a [Run],
        limit: Duration,
        change: impl Fn(&str) -> String,
    ) -> Replayed {
        let mut replay = Self {
            gateway,
            moto,
            limit,
            copy,
            runs,
            met: BTreeMap::new(),
            tokens: BTreeMap::new(),
            told: Replayed::default(),
        };
        if let Err(problem) = replay.all(change) {
            replay.told.differences.push(problem);
        }
        let left = gateway.drop_all(|held| replay.is_ours(held));
        drop(left);
        replay.told
    }

    fn all(&mut self, change: impl Fn(&str) -> String) -> Result<(), String> {
        for (name, definition) in SHIPPED {
            let definition = self
                .copy
                .fill(&change(definition))
                .map_err(|error| error.to_string())?;
            let machine = json!({
                "name": self.copy.name(&format!("tidegate-{name}")),
                "definition": definition,
                "roleArn": "arn:aws:iam::123456789012:role/tidegate",
            });
            self.call("CreateStateMachine", &machine)?;
        }
        for run in self.runs.iter().filter(|run| run.parent.is_none()) {
            let asked = json!({
                "stateMachineArn": self.copy.machine_arn(&run.machine),
                "name": run.name,
                "input": run.input.to_string(),
            });
            let started = self.call("StartExecution", &asked)?;
            let arn = started["executionArn"].as_str().unwrap_or_default().to_owned();
            self.meet(run, &arn);
            self.finish(run, &arn);
        }
        Ok(())
    }

    fn meet(&mut self, run: &Run, arn: &str) {
        self.met.insert(arn.to_owned(), run.arn.clone());
    }

    fn call(&self, operation: &str, body: &Value) -> Result<Value, String> {
        let answer = wire::json(self.moto, "states", "AWSStepFunctions", operation, body)?;
        if answer.status == 200 {
            return serde_json::from_str(&answer.body).map_err(|error| format!("{operation}: {error}"));
        }
        Err(format!(
            "{operation} is answered with {} {}",
            answer.status, answer.body
        ))
    }

    fn is_ours(&self, held: &Held) -> bool {
        held.function.ends_with(&self.copy.name(""))
    }

    /// Follows a run to its end, and compares.
    fn finish(&mut self, run: &Run, arn: &str) {
        let label = format!("{} {}", run.machine, run.name);
        let followed = self.follow(run, arn).and_then(|()| self.end(run, arn));
        let path = self.path(run, arn);
        let stuck = followed.err().or_else(|| path.as_ref().err().cloned());
        if let Ok(path) = &path {
            self.told.executions += 1;
            self.told.entered += path.len();
            if let Some(line) = known::end(&run.path, path) {
                return self.told.known.push(line);
            }
            if let Some(difference) = run.path.difference(path) {
                let failed = self.last_failure(arn);
                let told = format!("{label} takes another path:{difference}{failed}");
                self.told.differences.push(told);
            }
        }
        if let Some(stuck) = stuck {
            self.told.differences.push(format!("{label}: {stuck}"));
        }
    }

    fn describe(&self, arn: &str) -> Result<Value, String> {
        self.call("DescribeExecution", &json!({ "executionArn": arn }))
    }

    fn path(&mut self, run: &Run, arn: &str) -> Result<Path, String> {
        let described = self.describe(arn)?;
        let lanes = Lanes::of(&run.machine);
        Ok(Path::of(&lanes, &self.history(arn)?, &described))
    }

    /// What moto's interpreter says of the last task that failed, for people.
    fn last_failure(&self, arn: &str) -> String {
        let history = self.history(arn).unwrap_or_default();
        let failed = history
            .iter()
            .rev()
            .find(|event| event["taskFailedEventDetails"].is_object());
        failed.map_or_else(String::new, |event| {
            format!("\n  moto's last failed task: {}", event["taskFailedEventDetails"])
        })
    }

    fn history(&self, arn: &str) -> Result<Vec<Value>, String> {
        // moto gives the whole history at once.
        let answer = self.call("GetExecutionHistory", &json!({ "executionArn": arn }))?;
        Ok(answer["events"].as_array().cloned().unwrap_or_default())
    }

    fn follow(&mut self, run: &Run, arn: &str) -> Result<(), String> {
        for one in &run.moves {
            match &one.what {
                What::Answer { call, answer } => self.answer(arn, call, answer)?,
                What::Token {
                    call,
                    answer,
                    early: false,
                } => {
                    self.reach(arn, one.entered)?;
                    self.token(&call.payload, answer)?;
                }
                What::Token {
                    call,
                    answer,
                    early: true,
                } => {
                    let held = self.asked(arn, call)?;
                    self.token(&call.payload, answer)?;
                    held.answer(&Answer::Good(Value::Null));
                }
                What::Child { arn: child } => self.child(child)?,
                What::Stop(details) => {
                    self.reach(arn, one.entered)?;
                    let stop = json!({ "executionArn": arn, "error": details.error, "cause": details.cause });
                    self.call("StopExecution", &stop)?;
                }
            }
        }
        Ok(())
    }

    fn answer(&mut self, arn: &str, call: &Call, answer: &Answer) -> Result<(), String> {
        let held = self.asked(arn, call)?;
        self.told.answers += 1;
        held.answer(answer);
        Ok(())
    }

    /// The call of moto's interpreter that ours made as well, with its input compared.
    fn asked(&mut self, arn: &str, call: &Call) -> Result<Held, String> {
        let function = self.copy.name(&call.function);
        let wanted = |held: &Held| held.function == function && held.execution() == arn;
        let held = self.gateway.take(self.limit, wanted);
        let Some(held) = held else {
            return Err(format!(
                "{} does not call {} within {:?}",
                call.state,
                short(&call.function),
                self.limit
            ));
        };
        let mut payload = self.ours(&held.payload);
        if let (Some(ours), Some(token)) = (call.payload["token"].as_str(), held.payload["token"].as_str()) {
            self.tokens.insert(ours.to_owned(), token.to_owned());
            payload["token"] = ours.into();
        }
        if !known::alike(&call.payload, &payload) {
            self.differing_input(call, &payload);
        }
        Ok(held)
    }

    fn differing_input(&mut self, call: &Call, moto: &Value) {
        self.told.differences.push(format!(
            "{} calls {} with another input:\n    ours: {}\n    moto: {moto}",
            call.state,
            short(&call.function),
            call.payload
        ));
    }

    /// What moto says, in the names of our interpreter.
    fn ours(&self, value: &Value) -> Value {
        let mut text = value.to_string();
        for (moto, ours) in &self.met {
            text = text.replace(moto, ours);
        }
        serde_json::from_str(&self.copy.ours(&text)).unwrap_or(Value::Null)
    }

    fn token(&self, payload: &Value, answer: &Answer) -> Result<(), String> {
        let ours = payload["token"].as_str().unwrap_or_default();
        let token = self.tokens.get(ours).ok_or("moto has handed out no token")?;
        let (operation, asked) = match answer {
            Answer::Good(output) => (
                "SendTaskSuccess",
                json!({ "taskToken": token, "output": output.to_string() }),
            ),
            Answer::Bad { error, cause } => (
                "SendTaskFailure",
                json!({ "taskToken": token, "error": error, "cause": cause }),
            ),
        };
        // moto walks through its executions while others start, and then answers 500 without having
        // looked at the token.
        let taken = || match self.call(operation, &asked) {
            Ok(_) => Ok(true),
            Err(problem) if problem.contains(" 500 ") => Ok(false),
            Err(problem) => Err(problem),
        };
        self.patiently(&format!("{operation} is not taken"), taken)
    }

    /// A child begins with a function's call, which says under which name it runs.
    fn child(&mut self, ours: &str) -> Result<(), String> {
        let run = self.runs.iter().find(|run| run.arn == ours);
        let run = run.ok_or_else(|| format!("{ours} was not recorded"))?;
        let new = |held: &Held| self.is_ours(held) && !self.met.contains_key(held.execution());
        let asks = self.gateway.asks(self.limit, new);
        let arn = asks.ok_or_else(|| format!("no child calls within {:?}", self.limit))?;
        self.meet(run, &arn);
        let described = self.describe(&arn)?;
        let input: Value =
            serde_json::from_str(described["input"].as_str().unwrap_or_default()).unwrap_or_default();
        let input = self.ours(&input);
        if input != run.input {
            let call = Call {
                state: "the parent".to_owned(),
                function: run.machine.clone(),
                payload: run.input.clone(),
            };
            self.differing_input(&call, &input);
        }
        self.finish(run, &arn);
        Ok(())
    }

    /// Waits until moto has entered as many states as ours had.
    fn reach(&self, arn: &str, entered: usize) -> Result<(), String> {
        let there = || Ok(entered_states(&self.history(arn)?).count() >= entered);
        self.patiently(&format!("it never enters {entered} states"), there)
    }

    fn end(&self, run: &Run, arn: &str) -> Result<(), String> {
        let stopped = matches!(
            run.moves.last(),
            Some(Move {
                what: What::Stop(_),
                ..
            })
        );
        if stopped && run.path.lanes.len() > 1 {
            // Known not to end; whether it did is seen in its status.
            return Ok(());
        }
        let ended = || Ok(self.describe(arn)?["status"] != "RUNNING");
        self.patiently("it does not end", ended)
    }

    fn patiently(&self, otherwise: &str, holds: impl Fn() -> Result<bool, String>) -> Result<(), String> {
        let looks = self.limit.as_millis() / LOOK.as_millis();
        for _ in 0..looks {
            if holds()? {
                return Ok(());
            }
            std::thread::park_timeout(LOOK);
        }
        Err(format!("{otherwise} within {:?}", self.limit))
    }
}

/// `shift` of `arn:...:function:tidegate-shift`.
fn short(function: &str) -> &str {
    let name = function.rsplit(':').next().unwrap_or(function);
    name.strip_prefix("tidegate-").unwrap_or(name)
}
