//! How people name an image.

use std::fmt;
use std::str::FromStr;

use tidegate_core::ids::{Digest, Target};
use tidegate_core::target::TargetState;

use crate::status::CliError;

/// `repository:tag`, `repository@digest` or `repository:tag@digest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageName {
    /// The repository.
    pub repository: String,
    /// The label.
    pub tag: Option<String>,
    /// The identity.
    pub digest: Option<Digest>,
}

impl FromStr for ImageName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (
                name,
                Some(digest.parse::<Digest>().map_err(|error| error.to_string())?),
            ),
            None => (text, None),
        };
        let (repository, tag) = match name.split_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (name, None),
        };
        let plain = |text: &str, more: &str| {
            !text.is_empty()
                && text.len() <= 128
                && text
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || more.contains(c))
        };
        if !plain(repository, "-_./") || tag.is_some_and(|tag| !plain(tag, "-_.")) {
            return Err("an image is written `web:v2`, with a digest `web:v2@sha256:...`".to_owned());
        }
        Ok(Self {
            repository: repository.to_owned(),
            tag: tag.map(str::to_owned),
            digest,
        })
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repository)?;
        match &self.tag {
            Some(tag) => write!(f, ":{tag}"),
            None => Ok(()),
        }
    }
}

/// The repository that a target takes its images from.
pub fn repository_of(state: &TargetState) -> &str {
    state
        .spec
        .trigger
        .repository
        .as_deref()
        .unwrap_or(state.target.service.as_str())
}

/// The tag or digest in a target's repository that is meant by `v2`, `web:v2`, `sha256:...` or
/// `web@sha256:...`.
///
/// # Errors
/// An image of another repository.
pub fn within<'a>(text: &'a str, target: &Target, repository: &str) -> Result<&'a str, CliError> {
    if text.parse::<Digest>().is_ok() {
        return Ok(text);
    }
    if let Some(rest) = text.strip_prefix(repository)
        && let Some(reference) = rest.strip_prefix(':').or_else(|| rest.strip_prefix('@'))
        && !reference.is_empty()
    {
        return Ok(reference.split_once('@').map_or(reference, |(_, digest)| digest));
    }
    if text.contains([':', '/', '@']) {
        return Err(CliError::Usage(format!(
            "{target} takes images of repository {repository}: give a tag or a digest of it, such as `{repository}:v2`"
        )));
    }
    Ok(text)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";

    #[test]
    fn an_image_has_a_repository_and_maybe_a_tag_and_a_digest() {
        let name: ImageName = "team/web:v2".parse().unwrap();
        assert_eq!(
            (name.repository.as_str(), name.tag.as_deref(), name.digest),
            ("team/web", Some("v2"), None)
        );
        let name: ImageName = format!("web@{DIGEST}").parse().unwrap();
        assert_eq!((name.tag, name.digest.unwrap().as_str()), (None, DIGEST));
    }

    #[test]
    fn what_is_no_image_is_refused() {
        for text in ["", ":v2", "web:", "web:v 2", "web@sha256:12", "web:v2:v3"] {
            assert!(text.parse::<ImageName>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_image_may_be_given_with_its_repository() {
        let target: Target = "web/production".parse().unwrap();
        for text in ["v2", "web:v2"] {
            assert_eq!(within(text, &target, "web").unwrap(), "v2");
        }
        for text in [
            DIGEST.to_owned(),
            format!("web@{DIGEST}"),
            format!("web:v2@{DIGEST}"),
        ] {
            assert_eq!(within(&text, &target, "web").unwrap(), DIGEST);
        }
        assert!(matches!(
            within("shop:v2", &target, "web"),
            Err(CliError::Usage(_))
        ));
    }
}
