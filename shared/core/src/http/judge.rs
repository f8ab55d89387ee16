//! Whether an answer is as its test says, in words that are fit to keep.

use serde_json::Value;

use super::{HttpTest, VersionPlace};
use crate::change::tail;

/// So much of a body is read, bytes.
pub const BODY_LIMIT: usize = 64 * 1024;

/// The fewest digits of a commit by which a service may call itself.
const SHORT_COMMIT: usize = 7;

/// Most characters that are kept of one text.
const CHARS: usize = 200;

/// By what a service may call the revision that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity<'a> {
    /// Its tag, where it came with one.
    pub tag: Option<&'a str>,
    /// Its digest, `sha256:...`.
    pub digest: &'a str,
    /// The commit that it was built from, where a release record says.
    pub commit: Option<&'a str>,
}

impl Identity<'_> {
    /// Whether that is what it is called: exactly its tag or digest, or its commit in at least seven
    /// digits.
    pub fn is(&self, said: &str) -> bool {
        let bare = self.digest.strip_prefix("sha256:").unwrap_or(self.digest);
        let commit = self.commit.is_some_and(|commit| {
            let said = said.to_ascii_lowercase();
            said.len() >= SHORT_COMMIT && commit.to_ascii_lowercase().starts_with(&said)
        });
        self.tag == Some(said) || said == self.digest || said == bare || commit
    }

    fn names(&self) -> String {
        let digest: String = self.digest.chars().take(19).collect();
        let commit = self.commit.map(|commit| commit.chars().take(12).collect());
        let names = [self.tag.map(str::to_owned), commit, Some(digest)];
        names.into_iter().flatten().collect::<Vec<_>>().join(" or ")
    }
}

/// An answer.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// Its status.
    pub status: u16,
    /// The header that the test asks for, where it is there.
    pub header: Option<&'a str>,
    /// The body, at most [`BODY_LIMIT`].
    pub body: &'a [u8],
    /// Whether there was more of it.
    pub cut: bool,
}

/// Holds an answer against its test.
///
/// # Errors
/// What is not as it should be, fit to keep.
pub fn judge(test: &HttpTest, identity: Identity<'_>, page: Page<'_>) -> Result<(), String> {
    if page.status != test.status {
        let said = excerpt(page.body);
        let said = if said.is_empty() {
            said
        } else {
            format!(": {said}")
        };
        return Err(fit(&format!(
            "its status is {}, not {}{said}",
            page.status, test.status
        )));
    }
    if let Some(text) = &test.body
        && !String::from_utf8_lossy(page.body).contains(text)
    {
        let cut = if page.cut {
            " (its first 64 KB were read)"
        } else {
            ""
        };
        return Err(fit(&format!("the body does not contain \"{text}\"{cut}")));
    }
    if let Some(expected) = &test.json {
        let said = said_at(page, &expected.path)?;
        if said != expected.equals {
            return Err(fit(&format!(
                "{}: {said} is what the body says, not {}",
                expected.path, expected.equals
            )));
        }
    }
    match &test.version {
        Some(place) => version(place, identity, page),
        None => Ok(()),
    }
}

fn version(place: &VersionPlace, identity: Identity<'_>, page: Page<'_>) -> Result<(), String> {
    let said = match place {
        VersionPlace::Json(path) => said_at(page, path)?,
        VersionPlace::Header(name) => match page.header {
            Some(said) => said.to_owned(),
            None => return Err(fit(&format!("the answer has no header {name}"))),
        },
    };
    if identity.is(said.trim()) {
        return Ok(());
    }
    Err(fit(&format!(
        "it says that it is {}, not {}",
        shorten(&said, 60),
        identity.names()
    )))
}

/// What the body says at a place, as text.
fn said_at(page: Page<'_>, path: &str) -> Result<String, String> {
    if page.cut {
        return Err("the body is longer than 64 KB, too long to be read as JSON".to_owned());
    }
    let body: Value = serde_json::from_slice(page.body).map_err(|_| "the body is no JSON".to_owned())?;
    match body.pointer(path) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Null) | None => Err(fit(&format!("the body has nothing at {path}"))),
        Some(value @ (Value::Bool(_) | Value::Number(_))) => Ok(value.to_string()),
        Some(Value::Array(_) | Value::Object(_)) => Err(fit(&format!(
            "what the body has at {path} is no text, number or flag"
        ))),
    }
}

/// The beginning of a body, on one line, with what looks like a secret masked.
fn excerpt(body: &[u8]) -> String {
    let head = body.get(..2048).unwrap_or(body);
    let text = String::from_utf8_lossy(head);
    let lines = tail(text.lines().take(20));
    shorten(&lines.join(" "), 120)
}

/// A text as it may be kept: one line, at most 200 characters, without control characters, and with what
/// looks like a secret masked.
pub fn fit(text: &str) -> String {
    shorten(&tail([text]).join(" "), CHARS)
}

fn shorten(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most - 1).collect();
    short.push('…');
    short
}
