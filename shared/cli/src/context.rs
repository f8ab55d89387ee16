//! What every verb is given: the options, where results go, and the way to Tidegate.

use crate::api::Api;
use crate::args::Global;
use crate::output::{Format, Output};
use crate::render::Paint;
use crate::status::CliError;
use crate::transport::Transport;
use crate::{env, sdk};

/// What every verb is given.
#[derive(Debug)]
pub struct Context {
    /// The options.
    pub global: Global,
    /// Where results go.
    pub out: Output,
    /// Whether colours are wanted at all.
    pub color: bool,
}

impl Context {
    /// From the options.
    ///
    /// # Errors
    /// Options that contradict each other.
    pub fn new(global: Global) -> Result<Self, CliError> {
        if global.api_url.is_some() && global.identity.is_some() {
            return Err(CliError::Usage(
                "--as is for the local cloud; on AWS your credentials say who you are: leave it out, or choose \
                 another --profile"
                    .to_owned(),
            ));
        }
        if global.api_url.is_none() && (global.profile.is_some() || global.region.is_some()) {
            return Err(CliError::Usage(
                "--profile and --region are for AWS; add --api-url or set TIDEGATE_API_URL".to_owned(),
            ));
        }
        let color = !global.no_color && !env::no_color();
        Ok(Self {
            out: Output::new(global.output, color),
            global,
            color,
        })
    }

    /// Colours of stderr.
    pub fn stderr_paint(&self) -> Paint {
        Paint::new(self.color && std::io::IsTerminal::is_terminal(&std::io::stderr()))
    }

    /// Whether results shall be JSON.
    pub fn wants_json(&self) -> bool {
        self.out.format == Format::Json
    }

    /// The way to Tidegate: the local cloud, or AWS where `--api-url` is given.
    ///
    /// # Errors
    /// An address that is none, or missing AWS credentials.
    pub async fn api(&self) -> Result<Api, CliError> {
        let transport = match &self.global.api_url {
            None => Transport::local(&self.global.endpoint, &self.identity())?,
            Some(url) => {
                let region = self.global.region.clone().or_else(|| sdk::region_of(url));
                let config = sdk::aws(self.global.profile.as_deref(), region).await;
                Transport::aws(url, &config)?
            }
        };
        Ok(Api::new(transport))
    }

    /// The name that the local cloud is given.
    pub fn identity(&self) -> String {
        self.global
            .identity
            .as_ref()
            .map_or_else(env::user_name, ToString::to_string)
    }

    /// Configuration of SDK clients that read AWS, or the local cloud.
    pub async fn sdk(&self) -> aws_types::SdkConfig {
        match &self.global.api_url {
            None => sdk::local(&self.global.endpoint),
            Some(url) => {
                let region = self.global.region.clone().or_else(|| sdk::region_of(url));
                sdk::aws(self.global.profile.as_deref(), region).await
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::Cli;

    fn context(options: &[&str]) -> Result<Context, CliError> {
        let line = ["tidegate", "get"].iter().chain(options);
        Context::new(Cli::try_parse_from(line).unwrap().global)
    }

    #[test]
    fn a_name_is_for_the_local_cloud_and_a_profile_for_aws() {
        let aws = "--api-url=https://x.lambda-url.eu-west-1.on.aws";
        assert!(matches!(context(&["--as", "sam", aws]), Err(CliError::Usage(_))));
        assert!(context(&["--profile", "dev", "--region", "eu-west-1", aws]).is_ok());
        assert_eq!(
            context(&["--as", "sam", "--endpoint", "http://127.0.0.1:1"])
                .unwrap()
                .identity(),
            "sam"
        );
    }
}
