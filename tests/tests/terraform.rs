//! Terraform itself, as far as Tidegate relies on it: what it shows of a plan is read as it is meant, and the
//! script of its task (`infra/terraform/run.sh`) applies exactly the plan that was proposed, or says why not.
//!
//! ```text
//! run.sh ── terraform (built-in resources) ── state and lock in S3 ──┐
//!    └───── aws, or curl where there is none ── plans in S3 ─────────┴── moto
//! ```
//!
//! Nothing is downloaded: the only provider is the one that is built in. Where Terraform or moto is missing,
//! the suite says what was skipped.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use tidegate_core::change::{
    EXIT_LOCKED, EXIT_OTHER_PLAN, EXIT_OTHER_VARIABLES, EXIT_STALE, EffectKind, Proposal, TerraformPlan,
    TerraformWork, why_it_failed,
};
use tidegate_core::hash::sha256_hex;
use tidegate_core::ids::DeploymentId;

#[expect(dead_code, reason = "the second opinion starts moto behind a gateway")]
#[path = "../moto/server.rs"]
mod server;

use server::{NoServer, Server};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/terraform/run.sh");
/// Has `aws`, where the machine has none.
const STAND_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/terraform");

#[expect(
    clippy::explicit_write,
    reason = "the test harness keeps to itself what a passing test prints with a macro"
)]
fn tell(line: &str) {
    writeln!(std::io::stderr(), "{line}").unwrap();
}

#[expect(
    clippy::disallowed_methods,
    reason = "whether it is CI that runs it, and where programs are found, is known from nowhere else"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output();
    found.is_ok_and(|output| output.status.success())
}

/// Whether there is a Terraform to test with; says so where there is none.
fn has_terraform() -> bool {
    let found = has("terraform");
    if !found {
        tell("SKIPPED: a test of Terraform itself, because `terraform` is not installed");
    }
    found
}

/// moto, unless it can't be had; says so.
fn moto() -> Option<Server> {
    match Server::start() {
        Ok(server) => Some(server),
        Err(NoServer::NotInstalled(problem)) if variable("CI").is_none() => {
            tell(&format!(
                "SKIPPED: the task of Terraform, which needs moto: {problem}"
            ));
            None
        }
        Err(NoServer::NotInstalled(problem) | NoServer::NotStarted(problem)) => panic!("no moto: {problem}"),
    }
}

/// A configuration in a folder of its own.
struct Folder {
    path: PathBuf,
    environment: BTreeMap<String, String>,
}

impl Folder {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        std::fs::remove_dir_all(&path).ok();
        std::fs::create_dir_all(&path).unwrap();
        let environment = [("CHECKPOINT_DISABLE".to_owned(), "1".to_owned())].into();
        Self { path, environment }
    }

    fn write(&self, text: &str) {
        std::fs::write(self.path.join("main.tf"), text).unwrap();
    }

    fn command(&self, program: &str, arguments: &[&str], more: &[(&str, &str)]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.path);
        // What a person has set up for their own Terraform.
        command.env_remove("TF_CLI_CONFIG_FILE").stdin(Stdio::null());
        command.envs(&self.environment).envs(more.iter().copied());
        command
    }

    /// Runs what must end well, and gives what it wrote.
    fn good(&self, program: &str, arguments: &[&str], more: &[(&str, &str)]) -> String {
        let output = self.command(program, arguments, more).output().unwrap();
        assert!(
            output.status.success(),
            "{program} {arguments:?}: {}",
            text(&output)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    fn terraform(&self, arguments: &[&str]) -> String {
        self.good("terraform", arguments, &[])
    }

    /// Plans, and reads what is shown of it.
    fn plan(&self, file: &str) -> TerraformPlan {
        self.terraform(&["plan", "-input=false", "-no-color", &format!("-out={file}")]);
        let shown = self.terraform(&["show", "-json", "-no-color", file]);
        let sha256 = sha256_hex(&std::fs::read(self.path.join(file)).unwrap());
        TerraformPlan::read(format!(r#"{{"sha256":"{sha256}","plan":{shown}}}"#).as_bytes()).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.path).ok();
    }
}

fn text(output: &Output) -> String {
    let part = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", part(&output.stdout), part(&output.stderr))
}

fn effects(plan: TerraformPlan) -> Vec<(EffectKind, String)> {
    let effects = plan.effects.into_iter().map(|one| (one.kind, one.what));
    let mut effects: Vec<_> = effects.collect();
    effects.sort();
    effects
}

fn effect(kind: EffectKind, what: &str) -> (EffectKind, String) {
    (kind, what.to_owned())
}

fn resource(name: &str, input: &str, triggers: &str) -> String {
    format!(
        "resource \"terraform_data\" \"{name}\" {{\n  input = \"{input}\"\n  triggers_replace = \"{triggers}\"\n}}\n"
    )
}

#[test]
fn what_terraform_shows_of_a_plan_is_read_as_it_is_meant() {
    if !has_terraform() {
        return;
    }
    let folder = Folder::new("terraform-plans");
    let first = [
        resource("keeps", "hunter2", "1"),
        resource("goes", "1", "1"),
        resource("turns", "1", "1"),
        resource("old", "1", "1"),
        resource("forgets", "1", "1"),
    ];
    folder.write(&first.concat());
    folder.terraform(&["init", "-input=false", "-no-color"]);
    let plan = folder.plan("first.tfplan");
    assert_eq!(plan.effects.len(), 5);
    assert!(plan.effects.iter().all(|effect| effect.kind == EffectKind::Add));
    folder.terraform(&["apply", "-input=false", "-no-color", "first.tfplan"]);
    assert_eq!(effects(folder.plan("nothing.tfplan")), []);

    let second = [
        resource("keeps", "hunter3", "1"),
        resource("turns", "1", "2"),
        resource("new", "1", "1"),
        resource("comes", "1", "1"),
        "moved {\n  from = terraform_data.old\n  to = terraform_data.new\n}\n".to_owned(),
        "removed {\n  from = terraform_data.forgets\n  lifecycle { destroy = false }\n}\n".to_owned(),
        "output \"url\" { value = \"https://hunter2\" }\n".to_owned(),
    ];
    folder.write(&second.concat());
    let plan = folder.plan("second.tfplan");
    let proposal = Proposal::new("second".to_owned(), plan.effects.clone(), plan.notes.clone());
    assert!(proposal.needs_consent(None));
    assert!(!format!("{proposal:?}").contains("hunter"));
    let mut expected = vec![
        effect(EffectKind::Delete, "terraform_data.goes"),
        effect(
            EffectKind::Delete,
            "terraform_data.forgets (left as it is, and forgotten)",
        ),
        effect(EffectKind::Replace, "terraform_data.turns"),
        effect(EffectKind::Change, "output.url"),
        effect(EffectKind::Change, "terraform_data.keeps"),
        effect(
            EffectKind::Change,
            "terraform_data.new (it was terraform_data.old)",
        ),
        effect(EffectKind::Add, "terraform_data.comes"),
    ];
    expected.sort();
    assert_eq!(effects(plan), expected);
}

/// A configuration whose state is in moto's S3, and the task that plans and applies it.
struct InS3 {
    folder: Folder,
    work: TerraformWork,
    deployment: DeploymentId,
    server: Server,
}

const BACKEND: &str = "terraform {\n  backend \"s3\" {\n    bucket = \"shop-plans\"\n    key = \"state\"\n    \
    region = \"us-east-1\"\n    use_lockfile = true\n    use_path_style = true\n    \
    skip_credentials_validation = true\n    skip_requesting_account_id = true\n    \
    skip_region_validation = true\n    skip_metadata_api_check = true\n  }\n}\n\
    variable \"image\" { type = string }\noutput \"image\" { value = terraform_data.service.output }\n";

impl InS3 {
    fn new(name: &str, configuration: &str) -> Option<Self> {
        let server = has_terraform().then(moto)??;
        let mut folder = Folder::new(name);
        let deployment: DeploymentId = "web-production-1".parse().unwrap();
        let work = TerraformWork {
            task_definition: "web-terraform".to_owned(),
            container: None,
            bucket: "shop-plans".to_owned(),
            prefix: "tidegate".to_owned(),
            generated: false,
            image_variable: Some("image".to_owned()),
            variables: BTreeMap::new(),
        };
        let endpoint = format!("http://127.0.0.1:{}", server.port);
        let path = variable("PATH").unwrap_or_default();
        let path = if has("aws") {
            path
        } else {
            format!("{STAND_IN}:{path}")
        };
        let told = [
            ("PATH", path),
            ("AWS_ENDPOINT_URL", endpoint.clone()),
            ("AWS_ENDPOINT_URL_S3", endpoint),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_DEFAULT_REGION", "us-east-1".to_owned()),
            ("TIDEGATE_PLACE", work.place(&deployment)),
            ("TIDEGATE_LOCK_TIMEOUT", "0s".to_owned()),
        ];
        folder
            .environment
            .extend(told.map(|(name, value)| (name.to_owned(), value)));
        folder.write(&format!("{BACKEND}{configuration}"));
        let made = Self {
            folder,
            work,
            deployment,
            server,
        };
        made.s3(&["--request", "PUT"], "");
        Some(made)
    }

    /// Asks S3 by hand; nothing where it refuses.
    fn s3(&self, how: &[&str], key: &str) -> Option<String> {
        let url = format!("http://127.0.0.1:{}/shop-plans/{key}", self.server.port);
        let signed = ["--aws-sigv4", "aws:amz:us-east-1:s3", "--user", "test:test"];
        // A form would not be kept as it is.
        let plain = ["--silent", "--fail", "--header", "content-type: text/plain"];
        let arguments = [&plain[..], &signed[..], how, &[url.as_str()]].concat();
        let output = self.folder.command("curl", &arguments, &[]).output().unwrap();
        output.status.success().then(|| text(&output))
    }

    fn put(&self, key: &str, body: &str) {
        self.s3(&["--request", "PUT", "--data-binary", body], key)
            .unwrap();
    }

    fn task(&self, more: &[(&str, &str)]) -> Command {
        let image = [("TF_VAR_image", "web@sha256:1111")];
        self.folder.command(SCRIPT, &[], &[&image[..], more].concat())
    }

    /// Plans with success, and gives what was left of it.
    fn plans(&self) -> TerraformPlan {
        let output = self.task(&[("TIDEGATE_STEP", "plan")]).output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        let shown = self.s3(&[], &self.work.shown_key(&self.deployment)).unwrap();
        TerraformPlan::read(shown.as_bytes()).unwrap()
    }

    fn apply(&self, sha256: &str) -> Command {
        self.task(&[("TIDEGATE_STEP", "apply"), ("TIDEGATE_PLAN_SHA256", sha256)])
    }

    /// With what a step ends that goes wrong, and how Tidegate tells it.
    fn fails(&self, mut task: Command, step: &str) -> (i32, String) {
        let output = task.output().unwrap();
        let code = output.status.code().unwrap();
        assert_ne!(code, 0, "{}", text(&output));
        let written = self
            .s3(&[], &self.work.error_key(&self.deployment, step))
            .unwrap();
        (code, why_it_failed(code, &written))
    }

    fn image(&self) -> String {
        self.folder.terraform(&["output", "-no-color", "-raw", "image"])
    }
}

const SERVICE: &str = "resource \"terraform_data\" \"service\" { input = var.image }\n";

#[test]
fn the_task_applies_exactly_the_plan_that_was_proposed() {
    let Some(it) = InS3::new("terraform-applies", SERVICE) else {
        return;
    };
    let plan = it.plans();
    let sha256 = plan.sha256.clone();
    let added = [
        effect(EffectKind::Change, "output.image"),
        effect(EffectKind::Add, "terraform_data.service"),
    ];
    assert_eq!(effects(plan), added);

    // Somebody puts another plan in its place: a good one, but not this one.
    let file = format!("tidegate/{}/plan.tfplan", it.deployment);
    let url = it.work.artifact(&it.deployment, &sha256);
    assert!(url.starts_with(&format!("s3://shop-plans/{file}#")));
    let other = it.task(&[("TIDEGATE_STEP", "plan"), ("TF_VAR_image", "web@sha256:2222")]);
    let other = { other }.output().unwrap();
    assert!(other.status.success(), "{}", text(&other));
    let (code, why) = it.fails(it.apply(&sha256), "apply");
    assert!(
        code == EXIT_OTHER_PLAN && why.contains("not the plan file that was proposed"),
        "{why}"
    );

    let sha256 = it.plans().sha256;
    let output = it.apply(&sha256).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(it.image(), "web@sha256:1111");
    assert_eq!(effects(it.plans()), []);
    assert_eq!(it.s3(&[], "state.tflock"), None);
}

/// A configuration with a variable that is generated, and one that the deployment file gives.
const SIZED: &str = "variable \"cpu\" {\n  type = number\n  default = 256\n}\nvariable \"size\" { type = string }\n\
    resource \"terraform_data\" \"service\" { input = \"${var.image} ${var.size} ${var.cpu}\" }\n";

#[test]
fn the_task_plans_with_exactly_the_variables_that_were_generated() {
    let Some(it) = InS3::new("terraform-generated", SIZED) else {
        return;
    };
    // Somebody who may generate variables would have another image deployed, and another size.
    let generated = r#"{"cpu": 512, "image": "web@sha256:9999", "size": "huge"}"#;
    it.s3(
        &[
            "--request",
            "PUT",
            "--data-binary",
            "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
        ],
        "?versioning",
    )
    .unwrap();
    it.put("web.tfvars.json", generated);
    let versions = it.s3(&[], "?versions").unwrap();
    let version = versions.split("<VersionId>").nth(1).unwrap();
    let version = version.split('<').next().unwrap().to_owned();
    // What is there now is something else.
    it.put("web.tfvars.json", r#"{"cpu": 4096}"#);
    let sha256 = sha256_hex(generated.as_bytes());
    let told = |version: &str, sha256: &str| {
        it.task(&[
            ("TIDEGATE_STEP", "plan"),
            ("TF_VAR_size", "large"),
            ("TIDEGATE_VAR_FILE_S3", "s3://shop-plans/web.tfvars.json"),
            ("TIDEGATE_VAR_FILE_VERSION", version),
            ("TIDEGATE_VAR_FILE_SHA256", sha256),
            ("TIDEGATE_VARIABLES", "size image"),
        ])
    };
    let (code, why) = it.fails(told("", &sha256), "plan");
    assert!(
        code == EXIT_OTHER_VARIABLES && why.contains("nothing was planned"),
        "{code} {why}"
    );
    assert_eq!(it.s3(&[], &it.work.shown_key(&it.deployment)), None);
    let (code, why) = it.fails(told("none-of-them", &sha256), "plan");
    assert!(code == 1 && why.contains("can't be fetched"), "{code} {why}");
    let output = told(&version, &sha256).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let shown = it.s3(&[], &it.work.shown_key(&it.deployment)).unwrap();
    let plan = TerraformPlan::read(shown.as_bytes()).unwrap();
    let mut apply = it.apply(&plan.sha256);
    let output = apply.env("TF_VAR_size", "large").output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(it.image(), "web@sha256:1111 large 512");
}

#[test]
fn a_plan_of_another_state_is_refused() {
    let Some(it) = InS3::new("terraform-stale", SERVICE) else {
        return;
    };
    let sha256 = it.plans().sha256;
    let by_hand = [
        "apply",
        "-input=false",
        "-no-color",
        "-auto-approve",
        "-var=image=by-hand",
    ];
    it.folder.terraform(&by_hand);
    let (code, why) = it.fails(it.apply(&sha256), "apply");
    assert!(
        code == EXIT_STALE && why.contains("deploy again for a new plan"),
        "{code} {why}"
    );
    assert_eq!(it.image(), "by-hand");
}

#[test]
fn a_lock_says_who_holds_it() {
    let Some(it) = InS3::new("terraform-locked", SERVICE) else {
        return;
    };
    let lock = r#"{"ID":"6f1c","Operation":"OperationTypeApply","Info":"","Who":"pia@laptop","Version":"1.11.4",
        "Created":"2026-01-05T10:00:00Z","Path":"shop-plans/state"}"#;
    it.put("state.tflock", lock);
    let (code, why) = it.fails(it.task(&[("TIDEGATE_STEP", "plan")]), "plan");
    assert_eq!(code, EXIT_LOCKED);
    assert!(
        why.contains("locked by pia@laptop since 2026-01-05 10:00:00 +0000 UTC (lock 6f1c)"),
        "{why}"
    );
    // Whoever holds it, holds it still.
    assert!(it.s3(&[], "state.tflock").unwrap().contains("pia@laptop"));
}

#[test]
fn what_terraform_says_of_a_mistake_is_told_without_the_line_that_has_it() {
    let wrong = "resource \"terraform_data\" \"service\" {\n  input = hunter2.password\n}\n";
    let Some(it) = InS3::new("terraform-wrong", wrong) else {
        return;
    };
    let (code, why) = it.fails(it.task(&[("TIDEGATE_STEP", "plan")]), "plan");
    assert_eq!(
        (code, why.as_str()),
        (1, "Error: Reference to undeclared resource (exit code 1)")
    );
    let (code, _) = it.fails(it.task(&[("TIDEGATE_STEP", "destroy")]), "destroy");
    assert_eq!(code, 2);
}

/// Ends the child, whatever happens to the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn a_task_that_is_stopped_lets_terraform_write_its_state_and_free_the_lock() {
    let slow = "resource \"terraform_data\" \"service\" {\n  input = var.image\n  provisioner \"local-exec\" {\n    \
                command = \"touch begun; sleep 60\"\n  }\n}\n";
    let Some(it) = InS3::new("terraform-stopped", slow) else {
        return;
    };
    let sha256 = it.plans().sha256;
    let begun = it.folder.path.join("begun");
    let mut task = it.apply(&sha256);
    let mut task = Ended(task.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    // The file comes as soon as Terraform is at work; a minute is for a machine with much else to do.
    let looks = "for look in $(seq 600); do [ -e begun ] && exit; sleep 0.1; done; exit 1";
    it.folder.good("sh", &["-c", looks], &[]);
    assert!(begun.exists() && it.s3(&[], "state.tflock").is_some());
    it.folder.good("kill", &["-TERM", &task.0.id().to_string()], &[]);
    let code = task.0.wait().unwrap().code().unwrap();
    assert_ne!(code, 0);
    assert_eq!(it.s3(&[], "state.tflock"), None);
    // What it had made is in the state, so the next plan knows of it.
    assert!(it.s3(&[], "state").unwrap().contains("terraform_data"));
    assert!(effects(it.plans()).contains(&effect(EffectKind::Replace, "terraform_data.service")));
}
