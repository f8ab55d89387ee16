//! The runbook of a target, for whoever is called at night: how to stop and go back, what each alarm
//! means, where to look, whom to ask.
//!
//! Made of a deployment's plan and file alone, which are kept with it for good: so it is about what was
//! really deployed, needs no one to keep it up to date, and no question to AWS.

use crate::change::{Change, Monitored, terraform_way_back};
use crate::deployment::{Deployment, Origin, Plan};
use crate::exit::ExitState;
use crate::ids::Slot;
use crate::links::{dashboard, log_groups};
use crate::messages::text::{clean, duration};
use crate::permissions::place;
use crate::place::Place;
use crate::report::page::{Block, Cell, Page, Section, Table};
use crate::wiring::Forward;

/// More alarms than people read.
const MOST_ALARMS: usize = 100;

/// The runbook of a deployment's target; without a plan it has only what the file says.
pub fn runbook(deployment: &Deployment) -> Page {
    let plan = deployment.plan.as_deref();
    let place = plan.and_then(place);
    let place = place.as_ref();
    let sections = [
        Some(going_back(deployment)),
        plan.map(|plan| by_hand(plan, place)),
        plan.map(returns_to),
        terraform(deployment),
        plan.map(|plan| alarms(deployment, plan)),
        plan.map(|plan| look(deployment, plan, place)),
        Some(troubles(deployment)),
        Some(people(deployment)),
    ];
    Page {
        title: format!("Runbook of {}", deployment.target),
        facts: facts(deployment),
        sections: sections.into_iter().flatten().collect(),
    }
}

/// What it is about, and where to look first.
fn facts(deployment: &Deployment) -> Vec<(&'static str, Cell)> {
    let mut facts = vec![
        ("As of deployment", Cell::code(deployment.id.as_str())),
        ("Image", Cell::text(&deployment.revision.label())),
        ("Digest", Cell::code(deployment.revision.digest.as_str())),
    ];
    if let Some(plan) = &deployment.plan {
        facts.push(("Cluster", Cell::code(&plan.wiring.cluster)));
    }
    if let Some(link) = dashboard(deployment) {
        facts.push(("Dashboard", Cell::link(&link)));
    }
    facts
}

fn section(heading: &'static str, blocks: Vec<Block>) -> Section {
    Section { heading, blocks }
}

fn table(head: Vec<&'static str>, rows: Vec<Vec<Cell>>) -> Block {
    Block::Table(Table { head, rows })
}

fn words(text: &str) -> Cell {
    Cell::text(text)
}

fn going_back(deployment: &Deployment) -> Section {
    let target = &deployment.target;
    let window = i64::from(deployment.spec.auto_rollback.window_seconds);
    let row = |when: &str, command: String| vec![words(when), Cell::code(&command)];
    let rows = vec![
        row("See what runs", format!("tidegate get {target}")),
        row(
            "A deployment runs and must stop",
            format!("tidegate abort {target} --reason \"...\""),
        ),
        row(
            &format!("It has completed, at most {} ago", duration(window)),
            format!("tidegate rollback {target} --reason \"...\""),
        ),
        row(
            "It completed longer ago: deploy the image from before",
            format!("tidegate deploy {target} IMAGE"),
        ),
        row(
            "See what happened, with times and causes",
            format!("tidegate history {target}"),
        ),
        row("Write the incident's report", format!("tidegate report {target}")),
    ];
    section(
        "Stop it, take it back",
        vec![
            table(vec!["When", "Command"], rows),
            Block::Text(
                "Neither needs an approval, and freezes hold neither up. Traffic goes first; everything \
                 else that was changed follows, the last change first."
                    .to_owned(),
            ),
        ],
    )
}

/// For the night in which Tidegate itself does not answer.
fn by_hand(plan: &Plan, place: Option<&Place>) -> Section {
    let region = place.map_or_else(String::new, |place| format!(" --region {}", place.region()));
    let mut rows = Vec::new();
    let mut row = |what: String, command: String| rows.push(vec![Cell::text(&what), Cell::code(&command)]);
    if let Some(stable) = &plan.stable {
        let service = plan.wiring.services.get(&stable.slot);
        row(
            format!("Let stable ({}) run as it did", stable.slot),
            format!(
                "aws ecs update-service{region} --cluster {} --service {} --task-definition {} --desired-count {}",
                plan.wiring.cluster,
                service.map_or("SERVICE", String::as_str),
                stable.task_definition,
                stable.desired
            ),
        );
    }
    if let (Some(balancer), Some(forward)) = (&plan.wiring.balancer, &plan.forward_before) {
        row(
            "Once its targets are healthy, give it all traffic".to_owned(),
            format!(
                "aws elbv2 modify-rule{region} --rule-arn {} --actions '{}'",
                balancer.rule_arn,
                action(forward)
            ),
        );
    }
    let mut blocks = vec![Block::Text(
        "Only where Tidegate does not answer. First stop its executions in Step Functions (tidegate-deployment, \
         tidegate-rollback), so that nobody sets it otherwise again."
            .to_owned(),
    )];
    match rows.is_empty() {
        true => blocks.push(Block::Text(
            "There was no stable revision to go back to.".to_owned(),
        )),
        false => blocks.push(table(vec!["What", "Command"], rows)),
    }
    section("By hand", blocks)
}

/// A forward action as the AWS command line takes it.
fn action(forward: &Forward) -> String {
    let groups = forward.target_groups.iter();
    let groups = groups.map(|(arn, weight)| serde_json::json!({"TargetGroupArn": arn, "Weight": weight}));
    let mut config = serde_json::json!({ "TargetGroups": groups.collect::<Vec<_>>() });
    if let (Some((enabled, seconds)), Some(members)) = (forward.stickiness, config.as_object_mut()) {
        let mut sticky = serde_json::json!({ "Enabled": enabled });
        if let (Some(seconds), Some(members)) = (seconds, sticky.as_object_mut()) {
            members.insert("DurationSeconds".to_owned(), seconds.into());
        }
        members.insert("TargetGroupStickinessConfig".to_owned(), sticky);
    }
    serde_json::json!([{ "Type": "forward", "ForwardConfig": config }]).to_string()
}

fn returns_to(plan: &Plan) -> Section {
    let mut blocks = Vec::new();
    match &plan.stable {
        None => blocks.push(Block::Text(
            "Nothing: it was the first deployment. A person decides what serves instead.".to_owned(),
        )),
        Some(stable) => {
            let definition = stable.task_definition.rsplit('/').next();
            blocks.push(Block::Text(format!(
                "The {} slot with {} tasks of {}.",
                stable.slot,
                stable.desired,
                definition.unwrap_or_default()
            )));
        }
    }
    if !plan.changes.is_empty() {
        let row = |change: &Change| vec![Cell::text(change.id.as_str()), words(&change.in_a_rollback())];
        let rows = plan.changes.iter().map(row).collect();
        blocks.push(table(vec!["Change", "In a rollback"], rows));
    }
    section("What a rollback returns to", blocks)
}

/// A rollback leaves what Terraform made: a person looks at the way back before it is gone.
fn terraform(deployment: &Deployment) -> Option<Section> {
    let commands = terraform_way_back(deployment);
    let what = [
        "Where its configuration is, as it was before if it was changed, too",
        "Plan with stable's image",
        "Look at everything that it would do",
        "Do exactly that",
    ];
    let rows = what.iter().zip(&commands);
    let rows: Vec<_> = rows
        .map(|(what, command)| vec![words(what), Cell::code(command)])
        .collect();
    let text = "A rollback leaves what Terraform made, and the next deployment plans it anew. To go back before that, with \
                the role that may change it:";
    (!rows.is_empty()).then(|| {
        section(
            "Terraform by hand",
            vec![Block::Text(text.to_owned()), table(vec!["What", "Command"], rows)],
        )
    })
}

/// The slot that serves since a deployment has ended; nothing while it runs.
fn serving(deployment: &Deployment, plan: &Plan) -> Option<Slot> {
    let exit = deployment.exit.as_ref()?;
    match (exit.state, &plan.stable) {
        (ExitState::Completed, _) => Some(plan.candidate),
        (ExitState::Blocked | ExitState::Aborted | ExitState::RolledBack, Some(stable)) => Some(stable.slot),
        // A person was called, and nobody knows it from here.
        (ExitState::RollbackFailed, _) | (_, None) => None,
    }
}

fn alarms(deployment: &Deployment, plan: &Plan) -> Section {
    let serving = serving(deployment, plan);
    let row = |name: &String| {
        vec![
            Cell::code(name),
            Cell::Text(meaning(deployment, name)),
            words(to_do(serving, name)),
        ]
    };
    let rows: Vec<_> = plan.alarms.iter().take(MOST_ALARMS).map(row).collect();
    let mut blocks = vec![Block::Text(match rows.is_empty() {
        true => "None is watched: nothing stops a deployment by itself but its own checks.".to_owned(),
        false => "While a deployment runs, each of them takes it back by itself, within seconds. One that fires already \
                  keeps a deployment from starting."
            .to_owned(),
    })];
    if !rows.is_empty() {
        blocks.push(table(vec!["Alarm", "What it means", "At any other time"], rows));
    }
    section("Alarms", blocks)
}

/// What the deployment file says of an alarm, where it made it.
fn meaning(deployment: &Deployment, name: &str) -> String {
    let mut changes = deployment.planned_changes().iter();
    let made = changes.find_map(|change| match change.monitored()? {
        (of, Monitored::Alarm { alarm }) if of == name => Some(clean(&alarm.description)),
        (_, Monitored::Alarm { .. } | Monitored::Dashboard { .. } | Monitored::Retention { .. }) => None,
    });
    made.unwrap_or_else(|| "see its description in CloudWatch".to_owned())
}

fn to_do(serving: Option<Slot>, name: &str) -> &'static str {
    let of = |slot: Slot| name.contains(&format!("-{slot}-"));
    match serving.map(|slot| (of(slot), of(slot.other()))) {
        Some((true, false)) => "this slot serves: take the deployment back, or look at its lines",
        Some((false, true)) => "this slot is at rest: no customer has to do with it",
        Some((true, true) | (false, false)) | None => "look at the dashboard, then decide about a rollback",
    }
}

fn look(deployment: &Deployment, plan: &Plan, place: Option<&Place>) -> Section {
    let mut rows = Vec::new();
    let mut row = |what: String, link: Option<String>, name: &str| {
        let cell = link.map_or_else(|| Cell::code(name), |link| Cell::link(&link));
        rows.push(vec![Cell::text(&what), cell]);
    };
    for (slot, service) in &plan.wiring.services {
        let link = place.map(|place| place.service(&plan.wiring.cluster, service));
        row(format!("Tasks and events of the {slot} slot"), link, service);
    }
    for (name, link) in log_groups(deployment) {
        row(format!("Lines in {name}"), link, &name);
    }
    row(
        "Lines of Tidegate itself".to_owned(),
        place.map(|place| place.log_group("/aws/lambda/tidegate-shift")),
        "/aws/lambda/tidegate-shift",
    );
    row(
        "Every step of this deployment".to_owned(),
        None,
        &format!("tidegate history {}", deployment.id),
    );
    section("Where to look", vec![table(vec!["What", "Where"], rows)])
}

/// What goes wrong most often, and what to do about it.
fn troubles(deployment: &Deployment) -> Section {
    let target = &deployment.target;
    let row = |seen: &str, todo: String| vec![words(seen), Cell::text(&todo)];
    let rows = vec![
        row(
            "Blocked before anything was touched",
            "the end says what is missing and how to get it; repair that, or set it aside with --override, which is on \
             record"
                .to_owned(),
        ),
        row(
            "Tasks do not become healthy",
            format!(
                "look at the stopped tasks' reasons and lines; after {} the deployment goes back by itself",
                duration(deployment.spec.timeouts.healthy_seconds.into())
            ),
        ),
        row(
            "An alarm can't be read",
            "nothing moves on while it can't; give Tidegate's role the permission, or repair the alarm".to_owned(),
        ),
        row(
            "It waits for an approval",
            format!("tidegate get {target} shows the gate; who may decides with tidegate approve or reject"),
        ),
        row(
            "The image is in quarantine",
            "it was taken back before; push a repaired one, or deploy it with --override quarantine".to_owned(),
        ),
        row(
            "Rollback failed",
            "the end says what is left to do, and who is paged; traffic is looked at first: see By hand".to_owned(),
        ),
    ];
    section("Common troubles", vec![table(vec!["Seen", "What to do"], rows)])
}

fn people(deployment: &Deployment) -> Section {
    let spec = &deployment.spec;
    let mut rows = Vec::new();
    let mut row = |what: &str, who: Cell| rows.push(vec![words(what), who]);
    if let Some(channel) = &spec.notifications.slack_channel {
        row("Slack", Cell::text(channel));
    }
    if let Some(topic) = spec.monitoring.as_ref().and_then(|one| one.topic.as_ref()) {
        row("Told by its alarms", Cell::code(topic));
    }
    for gate in &spec.gates {
        let roles = gate.approvals.iter();
        let roles: Vec<String> = roles
            .map(|rule| format!("{} ({})", rule.role, rule.count))
            .collect();
        row(
            &format!("Decide before {}", gate.before.as_str()),
            Cell::text(&roles.join(", ")),
        );
    }
    if let Some(evidence) = spec.evidence.as_ref().filter(|one| !one.notify.is_empty()) {
        let roles: Vec<&str> = evidence.notify.iter().map(crate::ids::Role::as_str).collect();
        row("Concerned by missing evidence", Cell::text(&roles.join(", ")));
    }
    for author in deployment.authors() {
        row("Knows this change", Cell::text(author.as_str()));
    }
    if let Origin::Push { .. } = deployment.origin {
        row("Asked for it", words("an image push"));
    }
    section("People", vec![table(vec!["What", "Who"], rows)])
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::report::markdown;
    use crate::testing::{CANARY, planned, requested, two_steps};

    const WATCHED: &str = two_steps!(
        "
notifications: {slackChannel: \"#shop\"}
gates:
  - before: shift
    approvals: [{role: tech-lead}]
prepare: {suspendAutoscaling: true}
migrations:
  - {name: drop-column, command: [up]}
monitoring:
  alarms: [{name: errors, when: error_rate > 1%, for: 3m}]
  topic: \"arn:aws:sns:us-east-1:123456789012:page\"
"
    );

    fn text(file: &str) -> String {
        markdown::render(&runbook(&planned(file)))
    }

    #[test]
    fn it_says_how_to_go_back_with_and_without_tidegate() {
        let text = text(CANARY);
        for words in [
            "# Runbook of web/production",
            "`tidegate abort web/production --reason \"...\"`",
            "at most 30 min ago | `tidegate rollback web/production",
            "aws elbv2 modify-rule --region us-east-1 --rule-arn",
            "--service web-blue --task-definition web:1 --desired-count 4",
        ] {
            assert!(text.contains(words), "{words}\n{text}");
        }
    }

    #[test]
    fn a_forward_action_by_hand_gives_all_to_stable() {
        let deployment = planned(CANARY);
        let forward = deployment.plan.as_ref().unwrap().forward_before.clone().unwrap();
        let json: serde_json::Value = serde_json::from_str(&action(&forward)).unwrap();
        let groups = json[0]["ForwardConfig"]["TargetGroups"].as_array().unwrap();
        let weights: Vec<_> = groups
            .iter()
            .map(|group| group["Weight"].as_u64().unwrap())
            .collect();
        assert_eq!(weights.iter().sum::<u64>(), 100);
        assert_eq!(groups.len(), 2);
    }

    #[test]
    fn it_says_what_each_change_does_in_a_rollback_what_alarms_mean_and_whom_to_ask() {
        let mut deployment = planned(WATCHED);
        let plan = deployment.plan.as_mut().unwrap();
        plan.alarms.push("web-production-green-errors".to_owned());
        let text = markdown::render(&runbook(&deployment));
        for words in [
            "| migration:drop-column | hold: stable works with it; half made, roll forward: the next deployment makes it to its end |",
            "| autoscaling:web-blue | revert: it is taken back |",
            "error\\_rate &gt; 1% for 3m in the green slot",
            "look at the dashboard, then decide about a rollback",
            "see its description in CloudWatch",
            "| Slack | \\#shop |",
            "| Decide before shift | tech-lead (1) |",
            "| Told by its alarms | `arn:aws:sns:us-east-1:123456789012:page` |",
        ] {
            assert!(text.contains(words), "{words}\n{text}");
        }
    }

    #[test]
    fn which_slot_serves_depends_on_how_it_ended() {
        let mut deployment = planned(CANARY);
        let plan = deployment.plan.clone().unwrap();
        assert_eq!(serving(&deployment, &plan), None);
        for (state, slot) in [
            (ExitState::Completed, Some(Slot::Green)),
            (ExitState::RolledBack, Some(Slot::Blue)),
            (ExitState::RollbackFailed, None),
        ] {
            deployment.exit = Some(crate::exit::Exit {
                state,
                at: crate::testing::at(900),
                reason: String::new(),
                remedy: None,
            });
            assert_eq!(serving(&deployment, &plan), slot, "{state:?}");
        }
        assert!(to_do(Some(Slot::Green), "web-production-green-slow").contains("serves"));
        assert!(to_do(Some(Slot::Green), "web-production-blue-slow").contains("at rest"));
        assert!(to_do(Some(Slot::Green), "web-orders").contains("dashboard"));
    }

    #[test]
    fn without_a_plan_it_still_says_how_to_stop_and_whom_to_ask() {
        let text = markdown::render(&runbook(&requested(WATCHED)));
        assert!(text.contains("tidegate abort") && text.contains("## People"));
        assert!(!text.contains("## Alarms"));
    }

    #[test]
    fn it_begins_with_what_runs_where_and_ends_with_who_knows_it() {
        let mut deployment = planned(&format!(
            "{CANARY}notifications: {{dashboard: \"https://example.com/board\"}}\nevidence: {{notify: [product]}}\n"
        ));
        let text = |deployment: &Deployment| markdown::render(&runbook(deployment));
        let named = text(&deployment);
        for words in [
            &*format!("`{}`", deployment.id.as_str()),
            &*format!("`{}`", deployment.revision.digest.as_str()),
            "web:v2",
            "`production`",
            "<https://example.com/board>",
            "| Concerned by missing evidence | product |",
        ] {
            assert!(named.contains(words), "{words}\n{named}");
        }
        assert!(!text(&planned(CANARY)).contains("Concerned by missing evidence"));
        deployment.spec.notifications.dashboard = None;
        assert!(!text(&deployment).contains("Dashboard"));
    }
}
