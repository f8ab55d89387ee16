//! Clients that most invocations do without.

use std::sync::OnceLock;

use aws_types::SdkConfig;

/// A client that is made when it is first asked for: a section that a file does not have costs no start-up.
#[derive(Debug)]
pub struct OnDemand<C> {
    sdk: SdkConfig,
    make: fn(&SdkConfig) -> C,
    client: OnceLock<C>,
}

impl<C> OnDemand<C> {
    /// With nothing made yet; `make` is the client's `new`.
    pub fn new(sdk: &SdkConfig, make: fn(&SdkConfig) -> C) -> Self {
        Self {
            sdk: sdk.clone(),
            make,
            client: OnceLock::new(),
        }
    }

    /// The client.
    pub fn get(&self) -> &C {
        self.client.get_or_init(|| (self.make)(&self.sdk))
    }
}
