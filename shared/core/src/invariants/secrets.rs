//! What nobody may read: invariant 29.

use super::view::View;

/// 29. No secret value is stored or sent: not in a journal, not in a deployment's head, not in a request,
///     a message or an answer of a function.
///
/// Sees the values that a world has as its secrets, and where that world met them on their way. A world
/// without secrets shows nothing here.
pub(super) fn secrets_stay_where_they_are(view: &View) -> Vec<String> {
    let mut found = view.leaks.clone();
    if view.secrets.is_empty() {
        return found;
    }
    let has = |text: &str| view.secrets.iter().any(|secret| text.contains(secret.as_str()));
    for record in &view.deployments {
        for entry in &record.journal {
            // What can't be written as text is in no journal.
            if serde_json::to_string(entry).is_ok_and(|text| has(&text)) {
                found.push(record.says(format!("entry {} has a secret in it", entry.seq)));
            }
        }
        if serde_json::to_string(&record.deployment).is_ok_and(|text| has(&text)) {
            found.push(record.says("its head has a secret in it".to_owned()));
        }
    }
    found
}
