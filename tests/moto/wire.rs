//! HTTP to moto where there is no SDK client: a few calls of EC2 and SQS for the set-up, moto's own
//! switches, and CloudWatch in a protocol that moto speaks.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// Longer than the longest poll of the set-up.
const LIMIT: Duration = Duration::from_secs(20);

/// An answer over HTTP.
#[derive(Debug)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// The status line and the headers.
    head: String,
    /// The body.
    pub body: String,
}

impl Answer {
    /// A header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (held, value) = line.split_once(':')?;
            (held.to_ascii_lowercase() == name).then(|| value.trim())
        })
    }

    fn good(self) -> Result<String, String> {
        if self.status == 200 {
            Ok(self.body)
        } else {
            Err(format!("moto answers {} {}", self.status, self.body))
        }
    }
}

/// moto tells its services apart by the scope of the signature, and does not check it.
fn signed(service: &str, content: &str) -> String {
    format!(
        "Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, \
         SignedHeaders=host, Signature=none\r\nContent-Type: {content}"
    )
}

/// Posts a call in the query protocol. The answer's body.
pub fn query(port: u16, service: &str, form: &str) -> Result<String, String> {
    let headers = signed(service, "application/x-www-form-urlencoded");
    post(port, "/", &headers, form)?.good()
}

/// Posts a call in AWS JSON.
pub fn json(port: u16, service: &str, target: &str, operation: &str, body: &Value) -> Result<Answer, String> {
    let headers = signed(service, "application/x-amz-json-1.0");
    let headers = format!("{headers}\r\nX-Amz-Target: {target}.{operation}");
    post(port, "/", &headers, &body.to_string())
}

/// Lets moto run state machines, rather than only remember their executions.
pub fn run_state_machines(port: u16) -> Result<(), String> {
    let body = r#"{"stepfunctions":{"execute_state_machine":true}}"#;
    let answer = post(port, "/moto-api/config", "Content-Type: application/json", body)?;
    match answer.status {
        200..=299 => Ok(()),
        other => Err(format!(
            "moto does not take its configuration: {other} {}",
            answer.body
        )),
    }
}

/// The texts of every element of this name, in their order.
pub fn elements<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(&open)
        .skip(1)
        .filter_map(|rest| rest.split(&close).next())
        .collect()
}

fn post(port: u16, path: &str, headers: &str, body: &str) -> Result<Answer, String> {
    let failed = |error: std::io::Error| format!("failed to post {body} to {path}: {error}");
    let mut stream = TcpStream::connect(("127.0.0.1", port)).map_err(failed)?;
    stream.set_read_timeout(Some(LIMIT)).map_err(failed)?;
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n{headers}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .map_err(failed)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(failed)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok(Answer {
        status: status.ok_or_else(|| format!("moto answers {head}"))?,
        head: head.to_owned(),
        body: body.to_owned(),
    })
}
