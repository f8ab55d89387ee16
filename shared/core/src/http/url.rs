//! The addresses of pages, as strictly as a test needs them: what is read here is written again from
//! its parts, so that nobody downstream reads another host in it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpUrl {
    /// Whether it is HTTPS.
    pub https: bool,
    /// The machine.
    pub host: Host,
    /// The port.
    pub port: u16,
    /// Path and query; begins with a slash.
    pub rest: String,
}

/// The machine of a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// To be resolved.
    Name(String),
    /// As it stands.
    Address(IpAddr),
}

/// What is wrong with a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlProblem {
    /// Another scheme.
    #[error("it must start with https:// or http://")]
    Scheme,
    /// A user or a password.
    #[error("it must not have a user or a password: this file is no place for them")]
    Credentials,
    /// No machine.
    #[error("its host must be a name such as web.example.com, or an address")]
    Host,
    /// Digits that some programs read as an address.
    #[error("its host is an address in an unusual notation")]
    OddAddress,
    /// No port.
    #[error("its port must be a number from 1 to 65535")]
    Port,
    /// Something in the path or after it.
    #[error("its path must be of printable characters, without spaces, backslashes and #")]
    Path,
    /// Too long.
    #[error("it is longer than 2000 characters")]
    Long,
}

impl HttpUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, UrlProblem> {
        if text.len() > 2000 {
            return Err(UrlProblem::Long);
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlProblem::Scheme)?;
        let https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(UrlProblem::Scheme),
        };
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        if authority.contains('@') {
            return Err(UrlProblem::Credentials);
        }
        let (host, port) = split_port(authority)?;
        let port = match port {
            None => default_port(https),
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                let port = port.parse().ok().filter(|port| *port > 0);
                port.ok_or(UrlProblem::Port)?
            }
            Some(_) => return Err(UrlProblem::Port),
        };
        Ok(Self {
            https,
            host: host_of(host)?,
            port,
            rest: path_of(rest)?,
        })
    }

    /// Where an answer sends whoever asked here.
    ///
    /// # Errors
    /// Why that is not followed.
    pub fn redirect(&self, location: &str) -> Result<Self, String> {
        // What a server adds for a browser stays there.
        let location = location.split('#').next().unwrap_or_default();
        let scheme = if self.https { "https" } else { "http" };
        let text = if location.contains("://") {
            location.to_owned()
        } else if location.starts_with("//") {
            format!("{scheme}:{location}")
        } else if location.starts_with('/') {
            format!("{}{location}", self.origin())
        } else {
            let path = self.rest.split('?').next().unwrap_or_default();
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            format!("{}{folder}/{location}", self.origin())
        };
        let to =
            Self::parse(&text).map_err(|problem| format!("it redirects to no good address: {problem}"))?;
        if to.host != self.host {
            return Err(format!("it redirects to another host: {}", to.host));
        }
        let secured = !self.https && self.port == 80 && to.https && to.port == 443;
        if (to.https, to.port) != (self.https, self.port) && !secured {
            return Err(format!("it redirects to another port or scheme: {}", to.origin()));
        }
        Ok(to)
    }

    fn origin(&self) -> String {
        let scheme = if self.https { "https" } else { "http" };
        let port = match self.port {
            port if port == default_port(self.https) => String::new(),
            port => format!(":{port}"),
        };
        format!("{scheme}://{}{port}", self.host)
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.rest)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

const fn default_port(https: bool) -> u16 {
    if https { 443 } else { 80 }
}

/// Host and port; an address of IPv6 keeps its brackets.
fn split_port(authority: &str) -> Result<(&str, Option<&str>), UrlProblem> {
    if !authority.starts_with('[') {
        let parts = authority.split_once(':');
        return Ok(parts.map_or((authority, None), |(host, port)| (host, Some(port))));
    }
    let end = authority.find(']').ok_or(UrlProblem::Host)?;
    let (host, rest) = authority.split_at(end + 1);
    match rest.strip_prefix(':') {
        Some(port) => Ok((host, Some(port))),
        None if rest.is_empty() => Ok((host, None)),
        None => Err(UrlProblem::Host),
    }
}

fn host_of(text: &str) -> Result<Host, UrlProblem> {
    if let Some(inner) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        let address = inner.parse::<Ipv6Addr>().map_err(|_| UrlProblem::Host)?;
        return Ok(Host::Address(address.into()));
    }
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Ok(Host::Address(address.into()));
    }
    let name = text.to_ascii_lowercase();
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if name.len() > 253 || !name.split('.').all(label) {
        return Err(UrlProblem::Host);
    }
    // `2130706433`, `0x7f.1` and the like are addresses to some resolvers.
    let last = name.rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x") {
        return Err(UrlProblem::OddAddress);
    }
    Ok(Host::Name(name))
}

fn path_of(text: &str) -> Result<String, UrlProblem> {
    let good =
        |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#' | b'"' | b'<' | b'>' | b'`');
    if !text.bytes().all(good) {
        return Err(UrlProblem::Path);
    }
    let slash = if text.starts_with('/') { "" } else { "/" };
    Ok(format!("{slash}{text}"))
}
