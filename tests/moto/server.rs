//! moto's server as a child process: found or installed, started on a free port, ended with the test.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Pinned, dependencies included: another moto may answer otherwise.
const REQUIREMENTS: &str = include_str!("requirements.txt");
const REQUIREMENTS_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/moto/requirements.txt");
/// A Python environment of its own, beside the other tools of this repository.
const ENVIRONMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../.tools/moto");
/// Making the environment downloads some 60 MB.
const INSTALL_LIMIT: Duration = Duration::from_secs(300);
/// Importing moto takes a few seconds on a cold disk.
const START_LIMIT: Duration = Duration::from_secs(60);
/// The port is free when it is chosen, but not held until moto takes it.
const TRIES: usize = 3;
/// Tasks that moto says are running in every ECS service: as many as the blue slot wants.
const RUNNING_TASKS: &str = "3";

/// Why there is no server.
#[derive(Debug)]
pub enum NoServer {
    /// It is not installed and can't be: no Python 3, no `venv` module, or no network.
    NotInstalled(String),
    /// It is installed and does not start.
    NotStarted(String),
}

/// Runs a command until the standard input ends, which it does with this process however that ends:
/// a server that is kept for a whole process is never dropped.
const UNTIL_INPUT_ENDS: &str = r#"exec 3<&0; "$@" </dev/null & read -r _ <&3; kill $!; wait"#;

/// A running server. It ends when this is dropped, also by a panic, and with this process.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Where it listens on the loopback interface.
    pub port: u16,
}

impl Server {
    /// Installs moto where it is missing, and starts it.
    pub fn start() -> Result<Self, NoServer> {
        Self::start_with(None)
    }

    /// The same by a Python script that starts moto; its state machines call everything, functions
    /// included, on this port.
    pub fn start_behind(gateway: u16, script: &str) -> Result<Self, NoServer> {
        Self::start_with(Some((gateway, script)))
    }

    fn start_with(behind: Option<(u16, &str)>) -> Result<Self, NoServer> {
        let programs = installed()?;
        let (gateway, program) = match behind {
            Some((gateway, script)) => (Some(gateway), vec![programs.join("python"), script.into()]),
            None => (None, vec![programs.join("moto_server")]),
        };
        let mut problem = String::new();
        for _ in 0..TRIES {
            match start(&program, gateway) {
                Ok(server) => return Ok(server),
                Err(text) => problem = text,
            }
        }
        Err(NoServer::NotStarted(problem))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The end of its input ends it. It may have ended by itself; then there is nothing left to end.
        drop(self.child.stdin.take());
        self.child.wait().ok();
    }
}

/// The folder of its programs.
fn installed() -> Result<PathBuf, NoServer> {
    let environment = Path::new(ENVIRONMENT);
    let programs = environment.join("bin");
    let stamp = environment.join("installed.txt");
    let failed = |error: std::io::Error| {
        NoServer::NotInstalled(format!("failed to keep {}: {error}", stamp.display()))
    };
    // Written last, so it is missing where an installation was cut short.
    if std::fs::read_to_string(&stamp).is_ok_and(|held| held == REQUIREMENTS) {
        return Ok(programs);
    }
    let mut python = Command::new("python3");
    python.args(["-m", "venv"]).arg(environment);
    run(python)?;
    let mut pip = Command::new(programs.join("pip"));
    pip.args([
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
        REQUIREMENTS_FILE,
    ]);
    run(pip)?;
    std::fs::write(&stamp, REQUIREMENTS).map_err(failed)?;
    Ok(programs)
}

/// Runs a command to its end, within the limit.
fn run(mut command: Command) -> Result<(), NoServer> {
    let shown = format!("{command:?}");
    let child = match command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => return Err(NoServer::NotInstalled(format!("failed to run {shown}: {error}"))),
    };
    let id = child.id();
    let (told, ended) = mpsc::channel();
    thread::spawn(move || told.send(child.wait_with_output()));
    match ended.recv_timeout(INSTALL_LIMIT) {
        Ok(Ok(output)) if output.status.success() => Ok(()),
        Ok(Ok(output)) => Err(NoServer::NotInstalled(format!(
            "{shown} failed: {}",
            String::from_utf8_lossy(&output.stderr)
        ))),
        Ok(Err(error)) => Err(NoServer::NotInstalled(format!(
            "failed to wait for {shown}: {error}"
        ))),
        Err(_) => {
            // The thread owns the child by now; it is known here only by its number.
            Command::new("kill").arg(id.to_string()).status().ok();
            Err(NoServer::NotInstalled(format!(
                "{shown} took more than {INSTALL_LIMIT:?}"
            )))
        }
    }
}

fn start(program: &[PathBuf], gateway: Option<u16>) -> Result<Server, String> {
    let port = free_port().map_err(|error| format!("failed to find a free port: {error}"))?;
    let mut child = Command::new("sh")
        .args(["-c", UNTIL_INPUT_ENDS, "sh"])
        .args(program)
        .args(["-H", "127.0.0.1", "-p", &port.to_string()])
        // Its state machines reach its other services by this.
        .env("MOTO_PORT", gateway.unwrap_or(port).to_string())
        .env("MOTO_ECS_SERVICE_RUNNING", RUNNING_TASKS)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("failed to start moto_server: {error}"))?;
    let lines = child.stderr.take().map(BufReader::new);
    // From here on it is killed on every way out.
    let server = Server { child, port };
    let Some(mut lines) = lines else {
        return Err("moto_server has no output".to_owned());
    };
    let (told, ready) = mpsc::channel();
    // Reads on to the end, for a full pipe would stop the server.
    thread::spawn(move || {
        let mut line = String::new();
        while lines.read_line(&mut line).is_ok_and(|count| count > 0) {
            if line.contains("Running on") {
                told.send(()).ok();
            }
            line.clear();
        }
    });
    match ready.recv_timeout(START_LIMIT) {
        Ok(()) => Ok(server),
        Err(error) => Err(format!("moto_server did not start: {error}")),
    }
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
