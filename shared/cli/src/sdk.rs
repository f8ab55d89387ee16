//! Configuration of SDK clients: AWS with the caller's own credentials, or the local cloud.

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_types::SdkConfig;

/// AWS, with the standard chain: variables, profile, container, instance. A profile of `aws sso login`
/// is read through `aws configure export-credentials`.
pub async fn aws(profile: Option<&str>, region: Option<String>) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(
        Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https(),
    );
    if let Some(profile) = profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = region {
        loader = loader.region(Region::new(region));
    }
    loader.load().await
}

/// The local cloud, which takes any credentials.
pub fn local(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new("local", "local", None, None, "local cloud");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(Region::from_static("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        // No TLS on this machine, and so no need for its root certificates.
        .http_client(Builder::new().build_http())
        .sleep_impl(TokioSleep::new())
        .build()
}

/// The region in a function URL, `https://{id}.lambda-url.{region}.on.aws`.
pub fn region_of(url: &str) -> Option<String> {
    let (_, rest) = url.split_once(".lambda-url.")?;
    let (region, _) = rest.split_once(".on.aws")?;
    (!region.is_empty() && !region.contains('/')).then(|| region.to_owned())
}

#[cfg(test)]
mod tests {
    use super::region_of;

    #[test]
    fn a_function_url_names_its_region() {
        assert_eq!(
            region_of("https://abc123.lambda-url.eu-west-1.on.aws/"),
            Some("eu-west-1".to_owned())
        );
        assert_eq!(region_of("https://tidegate.example.com"), None);
    }
}
