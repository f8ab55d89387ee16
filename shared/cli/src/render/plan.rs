//! What will be done, as people see it before they approve it.

use tidegate_core::deployment::{Plan, Revision, Traffic};
use tidegate_core::exit::Missing;
use tidegate_core::ids::{Role, Target};

use super::words::{clean, duration};
use super::{Paint, changes};

/// A plan, line by line. The hash is shown where it can be approved: a dry run's can't.
pub fn plan(target: &Target, revision: &Revision, plan: &Plan, with_hash: bool, paint: Paint) -> String {
    let mut lines = vec![
        format!(
            "{}  {}",
            paint.bold(&target.to_string()),
            clean(&revision.label())
        ),
        format!("  image     {}", clean(&plan.image)),
    ];
    // A contract has no candidate of which to tell.
    lines.extend(match plan.moves_traffic() {
        true => moves(plan),
        false => vec!["  traffic   stays as it is".to_owned()],
    });
    lines.extend([
        format!("  alarms    {}", alarms(plan)),
        format!(
            "  takes     about {}, without waiting for people",
            duration(i64::try_from(plan.expected_seconds).unwrap_or(i64::MAX))
        ),
    ]);
    if let Some(evidence) = &plan.evidence {
        lines.push(format!("  evidence  {}", clean(&evidence.summary())));
    }
    if let Some(permitted) = plan.permitted() {
        lines.push(format!("  allowed   {permitted}"));
    }
    if let Some(cost) = &plan.cost {
        let asked = if cost.beyond.is_empty() {
            ""
        } else {
            "; people are asked"
        };
        lines.push(format!("  cost      {}{asked}", cost.summary()));
        lines.push(format!("            {}", clean(&cost.basis())));
    }
    lines.extend(changes::planned(plan));
    lines.extend(changes::contract(plan));
    if with_hash {
        lines.push(format!("  plan      {}", plan.hash.short()));
    }
    lines.join("\n")
}

/// How traffic is moved to the candidate.
fn moves(plan: &Plan) -> Vec<String> {
    vec![
        format!("  traffic   {}", traffic(plan.traffic)),
        format!(
            "  slot      {}, {} tasks at full traffic",
            plan.candidate, plan.capacity
        ),
        format!("  stable    {}", stable(plan)),
        format!("  steps     {}", steps(plan)),
    ]
}

const fn traffic(traffic: Traffic) -> &'static str {
    match traffic {
        Traffic::Weighted => "by weights of the listener rule",
        Traffic::Tasks => "by share of tasks",
        Traffic::Rolling => "by ECS, as a rolling update",
        Traffic::Recreate => "by ECS, all stopped before all are started (downtime)",
    }
}

fn stable(plan: &Plan) -> String {
    match &plan.stable {
        None => "none: this is the first deployment, and there is nothing to roll back to".to_owned(),
        Some(stable) => {
            let arn = &stable.task_definition;
            let name = clean(arn.rsplit('/').next().unwrap_or(arn));
            format!(
                "{name} in {}, {} tasks: a rollback returns to it",
                stable.slot, stable.desired
            )
        }
    }
}

fn steps(plan: &Plan) -> String {
    let words = plan.steps.iter().map(|step| match step.bake_seconds {
        0 => step.weight.to_string(),
        seconds => format!("{} for {}", step.weight, duration(seconds.into())),
    });
    words.collect::<Vec<_>>().join(", then ")
}

fn alarms(plan: &Plan) -> String {
    if plan.alarms.is_empty() {
        return "none is watched".to_owned();
    }
    plan.alarms
        .iter()
        .map(|name| clean(name))
        .collect::<Vec<_>>()
        .join(", ")
}

/// What is missing, each with what to do about it.
pub fn missing(target: &Target, missing: &[Missing], paint: Paint) -> String {
    let mut lines = vec![format!(
        "{}  can't be deployed now; missing:",
        paint.bold(&target.to_string())
    )];
    for one in missing {
        lines.push(format!("❌ {}", clean(&one.what)));
        lines.push(format!("   next: {}", clean(&one.remedy)));
        if !one.notify.is_empty() {
            let roles: Vec<&str> = one.notify.iter().map(Role::as_str).collect();
            lines.push(format!("   concerns: {}", roles.join(", ")));
        }
    }
    lines.join("\n")
}
