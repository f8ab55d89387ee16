//! How a person takes back by hand what Terraform made: the commands, as they are run where its configuration is.

use super::{Change, TerraformWork};
use crate::deployment::{Deployment, Plan};

/// The file that the plan of the way back is written to.
const PLAN_FILE: &str = "back.tfplan";

/// Where stable's image is not known by its digest.
const IMAGE: &str = "IMAGE";

/// The commands that take Terraform back to stable, of a deployment that has it; the first goes first.
pub fn terraform_way_back(deployment: &Deployment) -> Vec<String> {
    let mut changes = deployment.planned_changes().iter();
    let terraform = changes.find_map(Change::terraform);
    let (Some(terraform), Some(plan)) = (terraform, &deployment.plan) else {
        return Vec::new();
    };
    vec![
        "terraform init -input=false".to_owned(),
        terraform.plan_back(plan),
        format!("terraform show {PLAN_FILE}"),
        format!("terraform apply {PLAN_FILE}"),
    ]
}

impl TerraformWork {
    fn plan_back(&self, plan: &Plan) -> String {
        let image = stable_image(plan).unwrap_or_else(|| IMAGE.to_owned());
        let variables = self.variables_for(&image);
        let given = variables.iter();
        let given: String = given
            .map(|(name, value)| format!(" -var={}", quoted(&format!("{name}={value}"))))
            .collect();
        format!("terraform plan{given} -out={PLAN_FILE}")
    }

    /// What is to do where a rollback leaves what it made.
    pub(super) fn advice(&self, deployment: &Deployment) -> String {
        let commands = deployment.plan.as_ref().map_or_else(String::new, |plan| {
            format!(
                "`{}`, look at what it would do, then `terraform apply {PLAN_FILE}`",
                self.plan_back(plan)
            )
        });
        let was = match self.image_variable {
            Some(_) => format!(
                "Terraform's state keeps {} until the next deployment; to go back to stable's image before that",
                deployment.revision.label()
            ),
            None => "the next deployment plans anew; to go back before that, put its configuration back"
                .to_owned(),
        };
        format!("{was}, run where its configuration is: {commands}")
    }
}

/// The image of stable as Terraform gets it, where it is known by its digest.
fn stable_image(plan: &Plan) -> Option<String> {
    let digest = plan.stable.as_ref()?.digest.as_ref()?;
    let (repository, _) = plan.image.split_once('@')?;
    Some(format!("{repository}@{digest}"))
}

/// As a shell takes it literally.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::testing::{CANARY, digest, planned};

    fn terraformed(more: &str) -> Deployment {
        let mut deployment = planned(&format!(
            "{CANARY}infrastructure: {{terraform: {{taskDefinition: shop, bucket: plans{more}}}}}\n"
        ));
        let plan = deployment.plan.as_mut().unwrap();
        plan.image = format!("123.dkr.ecr.eu-west-1.amazonaws.com/web@{}", digest("2"));
        plan.stable.as_mut().unwrap().digest = Some(digest("1"));
        deployment
    }

    #[test]
    fn the_way_back_is_planned_with_stables_image_and_looked_at_before_it_is_applied() {
        let deployment = terraformed(", imageVariable: image, variables: {note: \"it's\"}");
        let image = format!("123.dkr.ecr.eu-west-1.amazonaws.com/web@{}", digest("1"));
        let plan = format!(r"terraform plan -var='image={image}' -var='note=it'\''s' -out=back.tfplan");
        assert_eq!(
            terraform_way_back(&deployment),
            [
                "terraform init -input=false",
                &plan,
                "terraform show back.tfplan",
                "terraform apply back.tfplan"
            ]
        );
        let change = &deployment.planned_changes()[0];
        let advice = change.advice_where_held(&deployment).unwrap();
        assert!(
            advice.starts_with("Terraform's state keeps web:v2 until the next deployment")
                && advice.contains(&plan),
            "{advice}"
        );
        assert!(change.advice_where_half_made(&deployment).contains(&advice));
    }

    #[test]
    fn what_is_not_known_is_left_to_whoever_runs_it() {
        let mut deployment = terraformed(", imageVariable: image");
        deployment.plan.as_mut().unwrap().stable.as_mut().unwrap().digest = None;
        assert_eq!(
            terraform_way_back(&deployment)[1],
            "terraform plan -var='image=IMAGE' -out=back.tfplan"
        );
        let plain = terraformed("");
        assert_eq!(terraform_way_back(&plain)[1], "terraform plan -out=back.tfplan");
        let advice = plain.planned_changes()[0].advice_where_held(&plain).unwrap();
        assert!(advice.contains("put its configuration back"), "{advice}");
        assert_eq!(terraform_way_back(&planned(CANARY)), Vec::<String>::new());
    }
}
