//! Resolving names, with a guard around it.

use std::net::IpAddr;

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError, SharedDnsResolver};
use tidegate_core::http::refusal;

/// A name leads to an address that may not be dialled.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct RefusedAddress(String);

/// A resolver that gives away only addresses that may be dialled.
#[derive(Debug, Clone)]
pub struct Guarded {
    resolver: SharedDnsResolver,
    allow_private: bool,
}

impl Guarded {
    /// A guard around a resolver.
    pub const fn new(resolver: SharedDnsResolver, allow_private: bool) -> Self {
        Self {
            resolver,
            allow_private,
        }
    }
}

impl ResolveDns for Guarded {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move {
            let addresses = self.resolver.resolve_dns(name).await?;
            // One that is refused refuses them all: a name that leads to two places is asked for neither.
            let refused = addresses.iter().find_map(|one| refusal(*one, self.allow_private));
            match refused {
                Some(reason) => Err(ResolveDnsError::new(RefusedAddress(reason))),
                None => Ok(addresses),
            }
        })
    }
}

/// The system's resolver.
#[derive(Debug, Clone, Copy)]
pub struct System;

impl ResolveDns for System {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move {
            let found = tokio::net::lookup_host((name, 0)).await;
            let found = found.map_err(ResolveDnsError::new)?;
            let addresses: Vec<IpAddr> = found.map(|one| one.ip()).collect();
            Ok(addresses)
        })
    }
}
