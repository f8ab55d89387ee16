//! What happened and what it means, in words, before it is given a form.
//!
//! Everything in a [`Story`] has passed through [`clean`]; a form only has to escape it.

use jiff::Timestamp;

use super::text::{clean, duration};
use super::{Severity, cause, changes, severity};
use crate::analysis::Verdict;
use crate::cost::{CostCheck, CostCompared, CostFound, Forecast};
use crate::deployment::{Deployment, Kind, Origin, Override, Plan, Stage, Traffic};
use crate::event::Event;
use crate::exit::{AbortCause, Exit, ExitState};
use crate::gates::{GateDecision, still_needed};
use crate::ids::{ChangeId, DeploymentId, Weight};
use crate::journal::Entry;
use crate::spec::{Gate, GatePhase, OnExcess};
use crate::watch::Trend;

/// What people should hear of an entry.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Story {
    /// How much it matters.
    pub severity: Severity,
    /// What happened: a sentence without its full stop, the news first.
    pub headline: String,
    /// Name and value; at most 10, as Slack shows no more.
    pub facts: Vec<(&'static str, String)>,
    /// Why it happened.
    pub why: Option<String>,
    /// What happens now, or what to do.
    pub next: Option<String>,
}

/// The story of an entry; none where nobody needs to hear of it.
pub(super) fn tell(deployment: &Deployment, entry: &Entry) -> Option<Story> {
    let scene = Scene { deployment, entry };
    match &entry.event {
        Event::DeploymentRequested {
            origin, overrides, ..
        } => Some(scene.requested(origin, overrides)),
        Event::GateOpened {
            before,
            expires_at,
            plan_hash,
        } => {
            let expires = format!(
                "{expires_at:.0}, in {}",
                duration(expires_at.duration_since(entry.at).as_secs())
            );
            Some(scene.gate_opened(*before, expires, plan_hash.short()))
        }
        Event::Decided { before, decision } => Some(scene.decided(*before, decision)),
        Event::WeightReached { step, weight } => Some(scene.weight_reached(*step, *weight)),
        Event::AbortRequested { cause } => Some(scene.abort_requested(cause)),
        // Where no traffic was moved, none comes back, and the stop has been told.
        Event::RollbackStarted { cause, .. } => {
            scene.traffic_to_return().then(|| scene.rollback_started(cause))
        }
        Event::TrafficReturned { .. } => scene.traffic_to_return().then(|| scene.traffic_returned()),
        Event::PersonNeeded { id, what, until } => Some(scene.person_needed(id, what, *until)),
        Event::WatchAlarmed {
            alarm,
            reason,
            remedy,
            ..
        } => Some(scene.watch_alarmed(alarm, reason, remedy)),
        Event::WatchEnded { trend, replaced_by } => scene.watch_ended(trend.as_ref(), replaced_by.as_ref()),
        Event::CostChecked { check } => scene.cost_checked(check),
        Event::CostCompared { compared } => scene.cost_compared(compared),
        Event::ContractDropped {
            migrations,
            reason,
            remedy,
        } => Some(scene.contract_dropped(migrations, reason, remedy)),
        Event::Exited { exit } => Some(scene.exited(exit)),
        Event::PhaseEntered { .. }
        | Event::Waiting { .. }
        | Event::Planned { .. }
        | Event::GatePassed { .. }
        | Event::TaskDefinitionRegistered { .. }
        | Event::ScalingStarted { .. }
        | Event::TestingStarted { .. }
        | Event::SuiteStarted { .. }
        | Event::SuiteCalled { .. }
        | Event::SuiteNotRun { .. }
        | Event::SuiteOverdue { .. }
        | Event::SuiteAnswered { .. }
        | Event::SuiteEnded { .. }
        | Event::HttpTested { .. }
        | Event::PerformanceMeasured { .. }
        | Event::SecurityChecked { .. }
        | Event::WeightDecided { .. }
        | Event::Checked { .. }
        | Event::ShiftDone
        | Event::ForwardActionRestored { .. }
        | Event::TrafficReasserted
        | Event::CandidateScaledIn
        | Event::StableBakeStarted { .. }
        | Event::StableBaked { .. }
        | Event::ChangeProposed { .. }
        | Event::ChangeStarted { .. }
        | Event::TestAlarmHeard { .. }
        | Event::ChangeMade { .. }
        | Event::ChangeFailed { .. }
        | Event::UndoStarted { .. }
        | Event::ChangeUndone { .. }
        | Event::ChangeHeld { .. }
        | Event::ContractScheduled { .. }
        | Event::ChangesTakenOver { .. } => None,
    }
}

/// One entry and where the deployment stood with it.
struct Scene<'a> {
    deployment: &'a Deployment,
    entry: &'a Entry,
}

impl Scene<'_> {
    fn requested(&self, origin: &Origin, overrides: &[Override]) -> Story {
        let headline = match &self.deployment.kind {
            Kind::Forward if self.deployment.hotfix().is_some() => {
                format!("{} is on its way as a hotfix", self.version())
            }
            Kind::Forward => format!("{} is on its way", self.version()),
            Kind::Reversal { of } => format!("going back to before deployment {of}"),
            Kind::Contract { .. } => format!("{} is asked for", self.subject()),
        };
        let why = match origin {
            Origin::Push { .. } => "the image was pushed to ECR".to_owned(),
            Origin::Watch { alarm } => format!("alarm {} fired while it was watched", clean(alarm)),
            Origin::Contract { of } => format!("{of} has served for the time that the file says"),
            Origin::Person { person } => format!("{} asked for it", clean(person.as_str())),
        };
        // Someone set a requirement aside: others should know while it can still be stopped.
        let severity = if overrides.is_empty() {
            Severity::Info
        } else {
            Severity::Attention
        };
        let next = format!("watch it with `tidegate get {}`", self.deployment.id);
        let mut story = self.story(severity, headline).why(why).next(next);
        if !overrides.is_empty() {
            let aside = |o: &Override| clean(&format!("{} by {} ({})", o.what, o.by, o.reason));
            story.facts.push((
                "Set aside",
                clean(&overrides.iter().map(aside).collect::<Vec<_>>().join("; ")),
            ));
        }
        story
    }

    fn gate_opened(&self, before: GatePhase, expires: String, plan_hash: &str) -> Story {
        let id = &self.deployment.id;
        let headline = if before == GatePhase::Contract {
            format!("approval needed for {}", self.subject())
        } else {
            format!("approval needed before {} of {}", before.as_str(), self.version())
        };
        let needed = self
            .rule(before)
            .map_or_else(|| "see the deployment file".to_owned(), |rule| asked(&rule));
        let mut authors: Vec<String> = self.deployment.authors().map(|one| clean(one.as_str())).collect();
        authors.dedup();
        let author = match authors.as_slice() {
            [] => String::new(),
            [author] => format!("; {author} is the author and can't"),
            several => format!("; {} are the authors and can't", several.join(" and ")),
        };
        let otherwise = if self.traffic_to_return() {
            "traffic goes back to stable"
        } else {
            "it ends, with no traffic moved"
        };
        let next = format!(
            "approve with `tidegate approve {id}` or refuse with `tidegate reject {id}`{author}. \
             Without enough approvals in time {otherwise}"
        );
        let mut story = self.story(Severity::Attention, headline).next(next);
        story.facts.push(("Needed", needed));
        story.facts.push(("Expires", expires));
        if let Some(plan) = &self.deployment.plan {
            story
                .facts
                .push(("For plan", format!("{plan_hash}: {}", summary(plan))));
            let changes = changes::listed(self.deployment, plan);
            story.facts.extend(changes.map(|changes| ("Changes", changes)));
            let known = plan.evidence.as_ref().map(|evidence| clean(&evidence.summary()));
            story.facts.extend(known.map(|known| ("Known of it", known)));
            let cost = plan.cost.as_ref().map(Forecast::describe);
            story.facts.extend(cost.map(|cost| ("Cost", cost)));
            story.facts.extend(self.would_do(before));
        }
        story
    }

    fn decided(&self, before: GatePhase, decision: &GateDecision) -> Story {
        let (verb, severity) = if decision.approve {
            ("approved", Severity::Info)
        } else {
            ("rejected", Severity::Attention)
        };
        let by = clean(decision.by.as_str());
        let headline = if before == GatePhase::Contract {
            format!("{by} {verb} {}", self.subject())
        } else {
            format!("{by} {verb} {} of {}", before.as_str(), self.version())
        };
        let next = if decision.approve {
            self.after_approval(before)
        } else {
            "the deployment stops".to_owned()
        };
        let mut story = self
            .story(severity, headline)
            .why(clean(&decision.reason))
            .next(next);
        story.facts.push(("Decided as", decision.role.to_string()));
        story
            .facts
            .push(("For plan", decision.plan_hash.short().to_owned()));
        story
    }

    fn after_approval(&self, before: GatePhase) -> String {
        let (Some(rule), Some(gate)) = (self.rule(before), self.deployment.gates.get(&before)) else {
            return format!("{} begins when enough have approved", before.as_str());
        };
        // Decisions after this one have messages of their own.
        let mut gate = gate.clone();
        gate.decisions.retain(|decision| decision.at <= self.entry.at);
        let missing = still_needed(&rule, &gate);
        if missing.is_empty() {
            format!("that was the last one needed: {} begins", before.as_str())
        } else {
            format!(
                "still needed: {missing}, with `tidegate approve {}`",
                self.deployment.id
            )
        }
    }

    fn weight_reached(&self, step: usize, weight: Weight) -> Story {
        let headline = format!("{} has {weight} of the traffic", self.version());
        let steps = self
            .deployment
            .plan
            .as_ref()
            .map_or(&[][..], |plan| plan.steps.as_slice());
        let then = match steps.get(step + 1) {
            Some(following) => format!("then {}", following.weight),
            None => "then the validation".to_owned(),
        };
        let next = match steps.get(step).map(|step| step.bake_seconds) {
            Some(seconds) if seconds > 0 => format!("watched for {}, {then}", duration(seconds.into())),
            Some(_) | None => then,
        };
        let mut story = self.story(Severity::Info, headline).next(next);
        story
            .facts
            .push(("Step", format!("{} of {}", step + 1, steps.len().max(step + 1))));
        story
    }

    fn abort_requested(&self, stop: &AbortCause) -> Story {
        let next = if self.traffic_to_return() {
            self.way_back()
        } else {
            "no production traffic was moved, so there is none to take back"
        };
        let matters = if stop.blameless() {
            Severity::Info
        } else {
            Severity::Attention
        };
        self.story(matters, format!("stopping: {}", cause::headline(stop)))
            .first("Severity", severity::so_far(self.deployment, self.entry.at))
            .why(clean(&stop.describe()))
            .next(next)
    }

    fn rollback_started(&self, stop: &AbortCause) -> Story {
        self.story(
            Severity::Attention,
            format!("rolling back: {}", cause::headline(stop)),
        )
        .first("Severity", severity::so_far(self.deployment, self.entry.at))
        .why(clean(&stop.describe()))
        .next(self.way_back())
    }

    fn way_back(&self) -> &'static str {
        let first = self
            .deployment
            .plan
            .as_ref()
            .is_some_and(|plan| plan.stable.is_none());
        if first {
            "this is a first deployment: there is no stable revision to return to, so a person will have to act"
        } else {
            "traffic goes back to the stable revision by itself; a message follows when it is there"
        }
    }

    fn traffic_returned(&self) -> Story {
        let rollback = self.deployment.rollback.as_ref();
        let again = rollback
            .and_then(|r| r.traffic_back_at)
            .is_some_and(|first| first < self.entry.at);
        let next = "the candidate is scaled in once nothing can write to the listener rule any more";
        if again {
            let why = "a late write had changed it; it was set back, and read back";
            return self
                .story(Severity::Attention, "all traffic is on stable again".to_owned())
                .why(why)
                .next(next);
        }
        let after = self
            .since_abort()
            .map_or_else(String::new, |span| format!(", {span}"));
        let mut story = self
            .story(
                Severity::Attention,
                format!("all traffic is back on stable{after}"),
            )
            .first("Severity", severity::over(self.deployment))
            .next(next);
        if let Some(AbortCause::AlarmRaised {
            raised_at: Some(raised),
            ..
        }) = self.cause()
        {
            let seconds = self.entry.at.duration_since(*raised).as_secs();
            story.facts.push(("After alarm", format!("{seconds} s")));
        }
        story.why_from(self.cause())
    }

    /// In seconds even where it is minutes: this is the number by which a rollback is judged.
    fn since_abort(&self) -> Option<String> {
        let abort = self.deployment.abort.as_ref()?;
        let seconds = self.entry.at.duration_since(abort.at).as_secs().max(0);
        Some(format!("{seconds} s after the stop"))
    }

    fn person_needed(&self, change: &ChangeId, what: &str, until: Timestamp) -> Story {
        let headline = format!("{change} of {} needs a person", self.version());
        let left = duration(until.duration_since(self.entry.at).as_secs());
        let next = format!(
            "apply what differs: it is looked at every minute, and the deployment goes on by itself. After \
             {until:.0}, in {left}, it ends, with no traffic moved"
        );
        self.story(Severity::Attention, headline)
            .why(clean(what))
            .next(next)
    }

    fn watch_alarmed(&self, alarm: &str, reason: &str, remedy: &str) -> Story {
        let headline = format!("alarm {} fired while {} is watched", clean(alarm), self.version());
        self.story(Severity::Attention, headline)
            .why(clean(reason))
            .next(clean(remedy))
    }

    /// That another deployment took its place is told of that one.
    fn watch_ended(&self, trend: Option<&Trend>, replaced_by: Option<&DeploymentId>) -> Option<Story> {
        let headline = format!("{} was watched to its end", self.version());
        let story = || self.story(Severity::Info, headline);
        replaced_by.is_none().then(|| match trend {
            Some(trend) => story().why(trend.describe()),
            None => story(),
        })
    }

    /// Where it is taken back for it, that is told.
    fn cost_checked(&self, check: &CostCheck) -> Option<Story> {
        let told = self.deployment.spec.cost.as_ref()?.on_excess == OnExcess::Tell;
        let headline = match check.verdict {
            Verdict::Pass => return None,
            Verdict::Fail => format!("{} costs more than it may", self.version()),
            Verdict::Inconclusive => format!("what {} costs is not known", self.version()),
        };
        let story = || {
            self.story(Severity::Attention, headline)
                .why(clean(&check.reason))
        };
        told.then(story)
    }

    /// That nothing is known yet is told once nothing more is asked.
    fn cost_compared(&self, compared: &CostCompared) -> Option<Story> {
        let severity = match compared.is_unusual() {
            true => Severity::Attention,
            false if compared.again_at().is_some() || compared.is_replaced() => return None,
            false => Severity::Info,
        };
        let version = self.version();
        let headline = match &compared.found {
            CostFound::Days { beyond: Some(_), .. } => {
                format!("{version} costs more by the bill than it may")
            }
            CostFound::Days { .. } | CostFound::NoData { .. } | CostFound::Replaced { .. }
                if compared.is_unusual() =>
            {
                format!("AWS finds the costs since {version} unusual")
            }
            CostFound::NoData { .. } => format!("what {version} costs by the bill is not known"),
            CostFound::Days { .. } | CostFound::Replaced { .. } => {
                format!("what {version} costs by the bill")
            }
        };
        Some(self.story(severity, headline).why(clean(&compared.describe())))
    }

    fn contract_dropped(&self, migrations: &[String], reason: &str, remedy: &str) -> Story {
        let headline = format!(
            "contract {} of {} is not made",
            clean(&migrations.join(", ")),
            self.version()
        );
        self.story(Severity::Attention, headline)
            .why(clean(reason))
            .next(clean(remedy))
    }

    fn exited(&self, exit: &Exit) -> Story {
        let (severity, headline) = match exit.state {
            ExitState::Completed if self.deployment.kind.is_contract() => {
                (Severity::Info, format!("{} was made", self.subject()))
            }
            ExitState::Completed => (Severity::Info, format!("{} is live", self.version())),
            ExitState::Blocked => (
                Severity::Attention,
                format!("{} is blocked, nothing was touched", self.subject()),
            ),
            ExitState::Aborted if self.deployment.kind.is_contract() => {
                (Severity::Attention, format!("{} was stopped", self.subject()))
            }
            ExitState::Aborted if self.cause().is_some_and(AbortCause::blameless) => (
                Severity::Info,
                format!("{} gave way to a newer image", self.version()),
            ),
            ExitState::Aborted => (
                Severity::Attention,
                format!("{} was aborted before it took traffic", self.version()),
            ),
            ExitState::RolledBack => (Severity::Attention, format!("{} was rolled back", self.version())),
            ExitState::RollbackFailed => (
                Severity::Page,
                format!("ROLLBACK FAILED, a person is needed now ({})", self.version()),
            ),
        };
        let took = self
            .entry
            .at
            .duration_since(self.deployment.requested_at)
            .as_secs();
        let mut story = self
            .story(severity, headline)
            .first("Severity", self.severity_at(exit))
            .why(clean(&exit.reason))
            .next(self.after_exit(exit));
        story.facts.push(("Took", duration(took)));
        if let Some(store) = &self.deployment.spec.report {
            story.facts.push(("Report", store.place_of(self.deployment)));
        }
        story
    }

    fn severity_at(&self, exit: &Exit) -> Option<String> {
        match exit.state {
            ExitState::Aborted | ExitState::RolledBack | ExitState::RollbackFailed => {
                severity::over(self.deployment)
            }
            ExitState::Completed | ExitState::Blocked => None,
        }
    }

    fn after_exit(&self, exit: &Exit) -> String {
        let id = &self.deployment.id;
        let remedy = exit.remedy.as_deref().map(clean);
        match exit.state {
            ExitState::Completed => remedy.unwrap_or_else(|| self.warm()),
            ExitState::Blocked | ExitState::Aborted | ExitState::RolledBack => {
                remedy.unwrap_or_else(|| format!("see `tidegate history {id}`"))
            }
            ExitState::RollbackFailed => {
                let remedy = remedy.unwrap_or_else(|| "look at the weights of the listener rule".to_owned());
                format!("{remedy}. `tidegate get {id}` shows where traffic is")
            }
        }
    }

    fn warm(&self) -> String {
        let plan = self.deployment.plan.as_ref();
        let window = self.deployment.spec.auto_rollback.window_seconds;
        let two_slots = plan.is_some_and(|plan| match plan.traffic {
            Traffic::Weighted | Traffic::Tasks => plan.stable.is_some(),
            Traffic::Rolling | Traffic::Recreate => false,
        });
        if two_slots && window > 0 {
            format!(
                "nothing; for {} the old revision stays warm for `tidegate rollback`",
                duration(window.into())
            )
        } else {
            "nothing".to_owned()
        }
    }

    /// What every story has: version, who, traffic.
    fn story(&self, severity: Severity, headline: String) -> Story {
        let who = match &self.deployment.origin {
            Origin::Push { .. } => "an image push".to_owned(),
            Origin::Watch { .. } => "an alarm".to_owned(),
            Origin::Contract { .. } => "its schedule".to_owned(),
            Origin::Person { person } => clean(person.as_str()),
        };
        let facts = vec![
            ("Version", self.version()),
            ("Started by", who),
            ("Traffic", self.traffic()),
        ];
        Story {
            severity,
            headline,
            facts,
            why: None,
            next: None,
        }
    }

    fn version(&self) -> String {
        clean(&self.deployment.revision.label())
    }

    /// What it is about: the version, or the contract of one.
    fn subject(&self) -> String {
        match self.deployment.contract_title() {
            Some(title) => format!("{} of {}", clean(&title), self.version()),
            None => self.version(),
        }
    }

    fn traffic(&self) -> String {
        if self.deployment.kind.is_contract() {
            return "stays as it is".to_owned();
        }
        // What the entry itself says goes before the fold.
        if let Event::WeightReached { weight, .. } = &self.entry.event {
            return self.share(*weight);
        }
        if let Event::TrafficReturned { .. } = &self.entry.event {
            return self.share(Weight::ZERO);
        }
        let (shift, peak) = (&self.deployment.shift, self.deployment.peak_weight);
        let way_back = self.deployment.rollback.as_ref();
        let back = way_back.is_some_and(|rollback| rollback.traffic_back_at.is_some());
        if !back && self.deployment.kind.is_reversal() {
            return "as it was when this began".to_owned();
        }
        // Between a wish and its reading the truth is one of the two: say so.
        let raising = shift.stage == Stage::Raising && shift.weight < peak;
        if !back && self.by_ecs() && shift.weight < peak {
            "moving with the tasks, as ECS replaces them".to_owned()
        } else if !back && raising {
            format!(
                "{} to the candidate when last read; {peak} was asked for since",
                shift.weight
            )
        } else if self.rollback_failed() || (way_back.is_some() && !back) {
            format!("{}, when last read", self.share(shift.weight))
        } else {
            self.share(shift.weight)
        }
    }

    fn share(&self, weight: Weight) -> String {
        let first = self
            .deployment
            .plan
            .as_ref()
            .is_some_and(|plan| plan.stable.is_none());
        if first {
            return format!("{weight} to the candidate, there is no stable revision");
        }
        format!("{weight} to the candidate, {} to stable", weight.rest())
    }

    fn rollback_failed(&self) -> bool {
        match &self.deployment.exit {
            Some(exit) => exit.state == ExitState::RollbackFailed,
            None => false,
        }
    }

    fn by_ecs(&self) -> bool {
        self.deployment
            .plan
            .as_ref()
            .is_some_and(|plan| match plan.traffic {
                Traffic::Rolling | Traffic::Recreate => true,
                Traffic::Weighted | Traffic::Tasks => false,
            })
    }

    /// Whether there is anything to take back: the candidate was to have traffic, or a completed
    /// deployment is undone.
    fn traffic_to_return(&self) -> bool {
        match self.deployment.kind {
            Kind::Forward | Kind::Contract { .. } => self.deployment.took_traffic(),
            Kind::Reversal { .. } => true,
        }
    }

    fn cause(&self) -> Option<&AbortCause> {
        self.deployment.abort.as_ref().map(|abort| &abort.cause)
    }

    fn rule(&self, before: GatePhase) -> Option<Gate> {
        self.deployment.gate_rule(before)
    }

    /// What people agree to, as far as it fits: what is lost comes first.
    fn would_do(&self, before: GatePhase) -> Option<(&'static str, String)> {
        let told = self.deployment.proposed(before).map(|(change, proposal)| {
            let lines = proposal.lines.iter().map(|line| format!("; {line}"));
            format!(
                "{}: {}{}",
                change.id,
                proposal.summary(),
                lines.collect::<String>()
            )
        });
        let told: Vec<String> = told.collect();
        (!told.is_empty()).then(|| ("It would do", clean(&told.join(". "))))
    }
}

impl Story {
    /// Before all other facts, where it is known.
    fn first(mut self, name: &'static str, value: Option<String>) -> Self {
        if let Some(value) = value {
            self.facts.insert(0, (name, value));
        }
        self
    }

    fn why(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into()).filter(|why| !why.is_empty());
        self
    }

    fn why_from(self, cause: Option<&AbortCause>) -> Self {
        let why = cause.map_or_else(String::new, |cause| clean(&cause.describe()));
        self.why(why)
    }

    fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

/// Who is asked: `2 tech-lead, 1 product`.
fn asked(rule: &Gate) -> String {
    rule.approvals
        .iter()
        .map(|a| format!("{} {}", a.count, a.role))
        .collect::<Vec<_>>()
        .join(", ")
}

/// A plan for those who approve it.
fn summary(plan: &Plan) -> String {
    let alarms = match plan.alarms.len() {
        0 => "no alarm watched".to_owned(),
        1 => "1 alarm watched".to_owned(),
        many => format!("{many} alarms watched"),
    };
    let seconds = i64::try_from(plan.expected_seconds).unwrap_or(i64::MAX);
    if !plan.moves_traffic() {
        return format!("no traffic moved, about {}, {alarms}", duration(seconds));
    }
    format!(
        "{} % in the {} slot, about {}, {alarms}",
        plan.weights(),
        plan.candidate,
        duration(seconds)
    )
}
