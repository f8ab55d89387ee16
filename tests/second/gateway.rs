//! What stands between moto's interpreter and everything that it calls: invocations of functions are
//! held until they are answered from the recording, all else is passed on to moto itself.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::recording::Answer;

/// Where `Invoke` of Lambda's API is asked for.
const FUNCTIONS: &str = "/2015-03-31/functions/";

/// An invocation that waits for its answer.
#[derive(Debug)]
pub struct Held {
    /// ARN of the function, or its name.
    pub function: String,
    /// Its input.
    pub payload: Value,
    connection: TcpStream,
}

impl Held {
    /// The execution that asks, as its payload says.
    pub fn execution(&self) -> &str {
        self.payload["execution"].as_str().unwrap_or_default()
    }

    /// Answers as Lambda does: a function that failed is a call that succeeded.
    pub fn answer(mut self, answer: &Answer) {
        let (mark, body) = match answer {
            Answer::Good(output) => ("", output.to_string()),
            // The Cause is the payload, and names the error itself.
            Answer::Bad { error: _, cause } => ("X-Amz-Function-Error: Unhandled\r\n", cause.clone()),
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Amz-Executed-Version: $LATEST\r\n{mark}\
             Connection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        // Who asked may have been stopped meanwhile.
        self.connection.write_all((head + &body).as_bytes()).ok();
    }
}

#[derive(Debug, Default)]
struct Waiting {
    held: Mutex<Vec<Held>>,
    came: Condvar,
}

/// The gateway.
#[derive(Debug)]
pub struct Gateway {
    /// Where it listens on the loopback interface.
    pub port: u16,
    waiting: Arc<Waiting>,
    moto: Arc<Mutex<u16>>,
}

impl Gateway {
    /// Listens on a free port; it lives as long as the process.
    ///
    /// # Errors
    /// Where it can't listen.
    pub fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let gateway = Self {
            port: listener.local_addr()?.port(),
            waiting: Arc::default(),
            moto: Arc::default(),
        };
        let (waiting, moto) = (Arc::clone(&gateway.waiting), Arc::clone(&gateway.moto));
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (waiting, moto) = (Arc::clone(&waiting), Arc::clone(&moto));
                thread::spawn(move || {
                    let port = *lock(&moto);
                    // A connection that breaks is noticed by whoever waits for its answer.
                    serve(connection, &waiting, port).ok();
                });
            }
        });
        Ok(gateway)
    }

    /// Says where moto listens, for all that is passed on.
    pub fn pass_on_to(&self, port: u16) {
        *lock(&self.moto) = port;
    }

    /// The next invocation like this, once there is one; none where none comes within the limit.
    pub fn take(&self, limit: Duration, wanted: impl Fn(&Held) -> bool) -> Option<Held> {
        let mut held = self.wait(limit, &wanted);
        let at = held.iter().position(wanted)?;
        Some(held.remove(at))
    }

    /// Who asks for the next invocation like this, once there is one, which stays held.
    pub fn asks(&self, limit: Duration, wanted: impl Fn(&Held) -> bool) -> Option<String> {
        let held = self.wait(limit, &wanted);
        held.iter()
            .find(|one| wanted(one))
            .map(|one| one.execution().to_owned())
    }

    /// Invocations like this that nobody took; their connections are closed.
    pub fn drop_all(&self, wanted: impl Fn(&Held) -> bool) -> Vec<Held> {
        let mut held = lock(&self.waiting.held);
        let (dropped, kept) = held.drain(..).partition(|one| wanted(one));
        *held = kept;
        dropped
    }

    fn wait(&self, limit: Duration, wanted: &impl Fn(&Held) -> bool) -> MutexGuard<'_, Vec<Held>> {
        let held = lock(&self.waiting.held);
        let missing = |held: &mut Vec<Held>| !held.iter().any(wanted);
        let waited = self.waiting.came.wait_timeout_while(held, limit, missing);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// A test that failed with the lock in hand has left nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(mut connection: TcpStream, waiting: &Waiting, moto: u16) -> std::io::Result<()> {
    let (head, body) = read(&mut connection)?;
    let path = head.split(' ').nth(1).unwrap_or_default();
    let function = path
        .strip_prefix(FUNCTIONS)
        .and_then(|rest| rest.strip_suffix("/invocations"));
    let Some(function) = function else {
        return pass_on(connection, &head, &body, moto);
    };
    let held = Held {
        function: function.replace("%3A", ":"),
        payload: serde_json::from_slice(&body).unwrap_or(Value::Null),
        connection,
    };
    lock(&waiting.held).push(held);
    waiting.came.notify_all();
    Ok(())
}

/// The head of a request, without the empty line, and its body.
fn read(connection: &mut TcpStream) -> std::io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 16 * 1024];
    loop {
        let count = connection.read(&mut chunk)?;
        bytes.extend_from_slice(chunk.get(..count).unwrap_or_default());
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned();
            let body = bytes.get(end + 4..).unwrap_or_default();
            if body.len() >= length(&head) || count == 0 {
                return Ok((head, body.to_vec()));
            }
        } else if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}

fn length(head: &str) -> usize {
    let header = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim())
    });
    header.and_then(|value| value.parse().ok()).unwrap_or(0)
}

/// One request for each connection, so that the end of the answer is the end of the connection.
fn pass_on(mut connection: TcpStream, head: &str, body: &[u8], moto: u16) -> std::io::Result<()> {
    let kept = head
        .lines()
        .filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    let head: Vec<&str> = kept.chain(["Connection: close", "", ""]).collect();
    let mut behind = TcpStream::connect(("127.0.0.1", moto))?;
    behind.write_all(head.join("\r\n").as_bytes())?;
    behind.write_all(body)?;
    let mut answer = Vec::new();
    behind.read_to_end(&mut answer)?;
    connection.write_all(&answer)
}
