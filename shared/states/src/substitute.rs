//! The `DefinitionSubstitutions` of an AWS SAM template.

use std::collections::BTreeMap;

use crate::error::LoadError;

/// Replaces each `${Name}` of a definition by the value of that name, as
/// CloudFormation does before Step Functions sees the text (AWS page
/// "AWS::StepFunctions::StateMachine", `DefinitionSubstitutions`).
///
/// The value is put in as it is. Values that the text does not use are no
/// error: one set of values serves several machines.
///
/// # Errors
///
/// [`LoadError::UnknownSubstitution`] for a name without a value, and
/// [`LoadError::MalformedSubstitution`] for a `${` that is not one.
pub fn substitute(text: &str, values: &BTreeMap<String, String>) -> Result<String, LoadError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let malformed = || LoadError::MalformedSubstitution {
            offset: text.len() - after.len() - 2,
        };
        let (name, tail) = after.split_once('}').ok_or_else(malformed)?;
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(malformed());
        }
        let value = values.get(name).ok_or_else(|| LoadError::UnknownSubstitution {
            name: name.to_owned(),
        })?;
        out.push_str(before);
        out.push_str(value);
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}
