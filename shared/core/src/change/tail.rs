//! The last lines that a task wrote, made fit to keep: few, short, without control characters, and with
//! what looks like a credential masked.
//!
//! The masking is a net with holes: it knows names such as `password` and the shapes of common keys, and
//! nothing else. A migration that prints secrets should be given `logTail: false`.

use crate::secrets::begins_as_key;

/// Most lines that are kept.
pub const LINES: usize = 20;
/// Most characters of a line.
const CHARS: usize = 200;
/// What stands where something was masked.
const MASK: &str = "***";
/// Names whose values are masked, without dashes, dots and underscores.
const SECRET_NAMES: [&str; 14] = [
    "accesskey",
    "apikey",
    "authorization",
    "connectionstring",
    "cookie",
    "credential",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "pwd",
    "secret",
    "token",
    "signature",
];
/// Names whose values are more than one word.
const WHOLE_LINE: [&str; 2] = ["authorization", "cookie"];

/// The last lines of what a task wrote, in its order.
pub fn tail<'a>(messages: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut in_key = false;
    let mut lines: Vec<String> = Vec::new();
    for line in messages
        .into_iter()
        .flat_map(|message| message.split(['\n', '\r']))
    {
        let line = visible(line);
        if line.is_empty() {
            continue;
        }
        let begins = line.contains("-----BEGIN") && line.contains("PRIVATE KEY");
        let masked = in_key || begins;
        in_key = masked && !line.contains("-----END");
        lines.push(match masked {
            true => MASK.to_owned(),
            // What is cut off must not decide what is masked.
            false => shorten(&mask(&line)),
        });
    }
    let extra = lines.len().saturating_sub(LINES);
    lines.split_off(extra)
}

fn shorten(line: &str) -> String {
    if line.chars().count() <= CHARS {
        return line.to_owned();
    }
    let mut short: String = line.chars().take(CHARS - 1).collect();
    short.push('…');
    short
}

/// Without colours and control characters.
fn visible(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' if rest.peek() == Some(&'[') => {
                rest.next();
                // A control sequence ends with its first letter.
                let _ = rest.by_ref().find(|c| ('@'..='~').contains(c));
            }
            '\t' => text.push(' '),
            // These make a text show as another than it is.
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => {}
            c if c.is_control() => {}
            c => text.push(c),
        }
    }
    text.trim_end().to_owned()
}

/// Masks what looks like a credential in one line.
fn mask(line: &str) -> String {
    mask_keys(&mask_addresses(&mask_named(line)))
}

fn is_secret_name(name: &str, names: &[&str]) -> bool {
    let plain: String = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric())
        .map(|c| c.to_ascii_lowercase())
        .collect();
    names.iter().any(|secret| plain.contains(secret))
}

/// `password=...`, `"apiKey": "..."`, `--token ...`.
fn mask_named(line: &str) -> String {
    let mut done = String::new();
    let mut rest = line;
    while let Some((name, after)) = next_name(rest) {
        let at = rest.len() - after.len();
        done.push_str(rest.get(..at).unwrap_or_default());
        rest = after;
        if is_secret_name(name, &SECRET_NAMES) {
            let whole = is_secret_name(name, &WHOLE_LINE);
            let (before, value) = value_of(rest, whole);
            if !value.is_empty() {
                done.push_str(before);
                done.push_str(MASK);
                rest = rest.get(before.len() + value.len()..).unwrap_or_default();
            }
        }
    }
    done.push_str(rest);
    done
}

/// The next word that may name a value, and what follows the sign between the two.
fn next_name(text: &str) -> Option<(&str, &str)> {
    let mut from = 0;
    loop {
        let at = text.get(from..)?.find(['=', ':', ' '])? + from;
        let after = text.get(at + 1..)?;
        let head = text.get(..at)?.trim_end_matches(['"', '\'', ' ']);
        let part = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let name = head.rsplit(|c: char| !part(c)).next().unwrap_or_default();
        // A space is such a sign only after an option of a command.
        let names = match text.as_bytes().get(at) {
            Some(b' ') => name.starts_with("--"),
            Some(_) | None => !name.is_empty(),
        };
        if names {
            return Some((name, after));
        }
        from = at + 1;
    }
}

/// What stands before a value, such as a quote, and the value.
fn value_of(text: &str, whole: bool) -> (&str, &str) {
    let value = text.trim_start_matches([' ', '=', ':', '>']);
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let start = text.len() - value.len() + quote.map_or(0, char::len_utf8);
    let (before, value) = text.split_at(start);
    let end = match (quote, whole) {
        (Some(quote), _) => value.find(quote),
        (None, true) => None,
        (None, false) => {
            // `Bearer` is no secret, but what follows it is.
            let scheme = ["bearer ", "basic "].into_iter().find(|scheme| {
                let head = value.get(..scheme.len());
                head.is_some_and(|head| head.eq_ignore_ascii_case(scheme))
            });
            let skip = scheme.map_or(0, str::len);
            let word = value.get(skip..).unwrap_or_default();
            let ends = |c: char| c.is_whitespace() || ",;&\"')}]".contains(c);
            word.find(ends).map(|at| at + skip)
        }
    };
    (before, end.and_then(|end| value.get(..end)).unwrap_or(value))
}

/// `postgres://user:password@host`.
fn mask_addresses(line: &str) -> String {
    let mut done = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("://") {
        done.push_str(before);
        done.push_str("://");
        let end = after
            .find(|c: char| c.is_whitespace() || "/\"'".contains(c))
            .unwrap_or(after.len());
        let (place, tail) = after.split_at(end);
        match place
            .rsplit_once('@')
            .and_then(|(who, host)| Some((who.split_once(':')?.0, host)))
        {
            Some((user, host)) => done.push_str(&format!("{user}:{MASK}@{host}")),
            None => done.push_str(place),
        }
        rest = tail;
    }
    done.push_str(rest);
    done
}

/// Words that are keys by their shape.
fn mask_keys(line: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_-+/.".contains(c);
    let mut done = String::new();
    let mut word = String::new();
    for c in line.chars().map(Some).chain(std::iter::once(None)) {
        match c.filter(|c| is_part(*c)) {
            Some(c) => word.push(c),
            None => {
                done.push_str(if is_key(&word) { MASK } else { &word });
                word.clear();
                done.extend(c);
            }
        }
    }
    done
}

fn is_key(word: &str) -> bool {
    let known = (begins_as_key(word) || word.starts_with("eyJ")) && word.len() >= 16;
    // Base64 of at least thirty bytes; a digest in hexadecimal digits has no capital letters.
    let has = |test: fn(&char) -> bool| word.chars().any(|c| test(&c));
    let random = word.len() >= 40
        && !word.contains('.')
        && has(char::is_ascii_uppercase)
        && has(char::is_ascii_lowercase)
        && has(char::is_ascii_digit);
    known || random
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, prop_assert, proptest};

    use super::*;

    fn one(line: &str) -> String {
        tail([line]).concat()
    }

    #[test]
    fn the_last_twenty_lines_are_kept_in_order() {
        let written: Vec<String> = (0..50).map(|number| format!("line {number}")).collect();
        let kept = tail(written.iter().map(String::as_str));
        assert_eq!(kept.len(), LINES);
        assert_eq!((kept[0].as_str(), kept[19].as_str()), ("line 30", "line 49"));
        assert_eq!(tail(["a\nb\r\n\n", "c"]), ["a", "b", "c"]);
        assert_eq!(tail([""; 3]), [""; 0]);
    }

    #[test]
    fn lines_are_short_and_show_as_what_they_are() {
        assert_eq!(one(&"x".repeat(201)).chars().count(), 200);
        assert_eq!(one(&"x".repeat(200)), "x".repeat(200));
        assert_eq!(
            one("\u{1b}[1;31mERROR\u{1b}[0m no\tsuch\u{7} \u{202e}table"),
            "ERROR no such table"
        );
    }

    #[test]
    fn values_of_secret_names_are_masked() {
        for (line, masked) in [
            ("password=hunter2", "password=***"),
            (
                "connecting with PASSWORD=hunter2 as web",
                "connecting with PASSWORD=*** as web",
            ),
            (
                "DB_PASSWORD: hunter2, DB_USER: web",
                "DB_PASSWORD: ***, DB_USER: web",
            ),
            (
                r#"{"apiKey": "a b c", "user": "web"}"#,
                r#"{"apiKey": "***", "user": "web"}"#,
            ),
            (
                "aws_secret_access_key = abc/def+ghi",
                "aws_secret_access_key = ***",
            ),
            ("migrate --token abc --dry-run", "migrate --token *** --dry-run"),
            ("migrate --db-password='a b' up", "migrate --db-password='***' up"),
            ("Authorization: Bearer abc.def and more", "Authorization: ***"),
            ("token: Bearer abc.def, next", "token: ***, next"),
            ("client.secret => abc", "client.secret => ***"),
            ("a=1 b=2 pwd=3", "a=1 b=2 pwd=***"),
        ] {
            assert_eq!(one(line), masked);
        }
    }

    #[test]
    fn keys_are_masked_by_their_shape() {
        for (line, masked) in [
            ("key AKIAIOSFODNN7EXAMPLE was used", "key *** was used"),
            (
                "postgres://web:hunter2@db:5432/shop ok",
                "postgres://web:***@db:5432/shop ok",
            ),
            (
                "https://example.com:8080/a?b=c@d",
                "https://example.com:8080/a?b=c@d",
            ),
            ("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "got ***"),
            ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "***"),
        ] {
            assert_eq!(one(line), masked);
        }
        let key = [
            "-----BEGIN RSA PRIVATE KEY-----",
            "short",
            "-----END RSA PRIVATE KEY-----",
            "after",
        ];
        assert_eq!(tail(key), ["***", "***", "***", "after"]);
    }

    #[test]
    fn what_helps_to_understand_a_failure_stays() {
        let digest = format!("image sha256:{}", "0a".repeat(32));
        for line in [
            "ERROR: relation \"orders\" does not exist at line 3: SELECT * FROM orders",
            "2026-03-02T09:00:00Z INFO applied 20260302_add_email in 1.2 s",
            "org.postgresql.util.PSQLException: duplicate key value violates unique constraint",
            digest.as_str(),
        ] {
            assert_eq!(one(line), line);
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_it_and_no_named_secret_survives(
            before in ".{0,60}",
            secret in "[a-z0-9]{6,20}".prop_filter("it is no part of what is masked", |s| !"password".contains(s.as_str())),
            after in ".{0,60}",
        ) {
            let line = format!("{before} password={secret} {after}");
            for kept in tail([line.as_str()]) {
                prop_assert!(kept.chars().count() <= CHARS);
                prop_assert!(!kept.contains(&format!("password={secret}")), "{kept}");
                prop_assert!(!kept.chars().any(char::is_control));
            }
        }
    }

    #[test]
    fn only_private_keys_hide_their_lines_and_only_sequences_are_skipped() {
        assert_eq!(one("-----BEGIN CERTIFICATE-----"), "-----BEGIN CERTIFICATE-----");
        assert_eq!(one("it is a PRIVATE KEY"), "it is a PRIVATE KEY");
        assert_eq!(one("\u{1b}no such table"), "no such table");
    }
}
