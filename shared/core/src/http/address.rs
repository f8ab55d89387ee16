//! Which addresses a URL of a deployment file may lead to.
//!
//! The ranges are those of IANA's special-purpose registries for IPv4 and IPv6; whatever is not plainly
//! an address of the public internet is of another kind.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of address one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AddressKind {
    /// Of the public internet.
    Public,
    /// Of a private network: RFC 1918, shared address space (RFC 6598), unique local (RFC 4193).
    Private,
    /// This machine.
    Loopback,
    /// This link.
    LinkLocal,
    /// Where a cloud gives credentials to its machines and tasks.
    Metadata,
    /// Many machines at once.
    Multicast,
    /// No machine.
    Unspecified,
    /// Of no ordinary machine: documentation, benchmarks, future use, or one address within another.
    Reserved,
}

impl AddressKind {
    /// The kind of an address.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => v4(address),
            IpAddr::V6(address) => v6(address),
        }
    }

    /// As words after the address.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Public => "is a public address",
            Self::Private => "is in a private network",
            Self::Loopback => "is the function's own machine",
            Self::LinkLocal => "is on the function's own link",
            Self::Metadata => "gives out credentials (metadata)",
            Self::Multicast => "is a multicast address",
            Self::Unspecified => "is no machine's address",
            Self::Reserved => "is a reserved address",
        }
    }

    /// Whether a test may go there. `allow_private` opens private networks and nothing else: whatever
    /// listens on the function's own machine or gives out credentials is never what a file may read.
    pub const fn is_allowed(self, allow_private: bool) -> bool {
        match self {
            Self::Public => true,
            Self::Private => allow_private,
            Self::Loopback
            | Self::LinkLocal
            | Self::Metadata
            | Self::Multicast
            | Self::Unspecified
            | Self::Reserved => false,
        }
    }
}

/// Why an address may not be dialled, if it may not.
pub fn refusal(address: IpAddr, allow_private: bool) -> Option<String> {
    let kind = AddressKind::of(address);
    if kind.is_allowed(allow_private) {
        return None;
    }
    let remedy = if kind == AddressKind::Private {
        "; `allowPrivate: true` would allow it"
    } else {
        ""
    };
    Some(format!("{address} {}{remedy}", kind.words()))
}

fn v4(address: Ipv4Addr) -> AddressKind {
    let [a, b, c, d] = address.octets();
    match (a, b, c, d) {
        // EC2, ECS tasks, EKS pods.
        (169, 254, 169, 254) | (169, 254, 170, 2 | 23) => AddressKind::Metadata,
        (169, 254, ..) => AddressKind::LinkLocal,
        (0, ..) => AddressKind::Unspecified,
        (127, ..) => AddressKind::Loopback,
        (10, ..) | (172, 16..=31, ..) | (192, 168, ..) | (100, 64..=127, ..) => AddressKind::Private,
        (224..=239, ..) => AddressKind::Multicast,
        (192, 0, 0 | 2, _)
        | (192, 88, 99, _)
        | (198, 18..=19, ..)
        | (198, 51, 100, _)
        | (203, 0, 113, _)
        | (240..=255, ..) => AddressKind::Reserved,
        (1..=223, ..) => AddressKind::Public,
    }
}

fn v6(address: Ipv6Addr) -> AddressKind {
    if address.is_unspecified() {
        return AddressKind::Unspecified;
    }
    if address.is_loopback() {
        return AddressKind::Loopback;
    }
    let [a, b, c, d, e, f, g, h] = address.segments();
    let inner = |high: u16, low: u16| {
        let ([w, x], [y, z]) = (high.to_be_bytes(), low.to_be_bytes());
        v4(Ipv4Addr::new(w, x, y, z))
    };
    match (a, b) {
        // NAT64 (RFC 6052): how a network without IPv4 reaches it.
        (0x64, 0xff9b) if (c, d, e, f) == (0, 0, 0, 0) => inner(g, h),
        // Mapped and compatible: no name resolves to these honestly.
        (0, 0) if (c, d, e) == (0, 0, 0) && (f == 0xffff || f == 0) => hidden(inner(g, h)),
        // 6to4.
        (0x2002, _) => hidden(inner(b, c)),
        (0xfd00, 0x0ec2) => AddressKind::Metadata,
        (0xfc00..=0xfdff, _) => AddressKind::Private,
        (0xfe80..=0xfebf, _) => AddressKind::LinkLocal,
        (0xff00..=0xffff, _) => AddressKind::Multicast,
        // IETF protocols (Teredo and ORCHID among them), documentation.
        (0x2001, 0..=0x01ff | 0x0db8) | (0x3fff, 0..=0x0fff) => AddressKind::Reserved,
        (0x2000..=0x3fff, _) => AddressKind::Public,
        _ => AddressKind::Reserved,
    }
}

/// The kind of an IPv4 address within an IPv6 address; a public one has no business there.
fn hidden(kind: AddressKind) -> AddressKind {
    match kind {
        AddressKind::Public => AddressKind::Reserved,
        AddressKind::Private
        | AddressKind::Loopback
        | AddressKind::LinkLocal
        | AddressKind::Metadata
        | AddressKind::Multicast
        | AddressKind::Unspecified
        | AddressKind::Reserved => kind,
    }
}
