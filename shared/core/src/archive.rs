//! What is kept of a deployment after its end, outside of Tidegate's own table: its report and the target's runbook,
//! for people, and its record with the whole journal, for whoever wants to check or count.

use serde::Serialize;

use crate::deployment::Deployment;
use crate::event::Event;
use crate::journal::Entry;
use crate::report::{html, markdown, report};
use crate::runbook::runbook;
use crate::spec::ReportStore;

/// An object to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its key in the bucket.
    pub key: String,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// What is in it.
    pub body: String,
}

/// Head and journal as they are stored: the file's settings, the plan and what was there before are in
/// the head.
#[derive(Serialize)]
struct Record<'a> {
    deployment: &'a Deployment,
    journal: &'a [Entry],
}

impl Deployment {
    /// Where its report is to be kept once an entry is written: at its end, and again where its watch
    /// has ended and its costs were compared, since the report tells of that.
    pub fn kept_after(&self, event: &Event) -> Option<&ReportStore> {
        let over = matches!(
            event,
            Event::Exited { .. } | Event::WatchEnded { .. } | Event::CostCompared { .. }
        );
        self.spec.report.as_ref().filter(|_| over)
    }
}

impl ReportStore {
    /// All keys of a deployment begin so.
    pub fn prefix_of(&self, deployment: &Deployment) -> String {
        format!("{}/{}/{}/", self.prefix, deployment.target, deployment.id)
    }

    /// Where a person finds them: `s3://bucket/tidegate/web/production/web-production-7/`.
    pub fn place_of(&self, deployment: &Deployment) -> String {
        format!("s3://{}/{}", self.bucket, self.prefix_of(deployment))
    }
}

/// What is kept, by what is in the journal now.
///
/// # Errors
/// Where the record can't be written as JSON.
pub fn objects(
    store: &ReportStore,
    deployment: &Deployment,
    journal: &[Entry],
) -> Result<Vec<Object>, serde_json::Error> {
    let page = report(deployment, journal);
    let record = serde_json::to_string_pretty(&Record { deployment, journal })?;
    let prefix = store.prefix_of(deployment);
    let object = |name: &str, content_type, body| Object {
        key: format!("{prefix}{name}"),
        content_type,
        body,
    };
    Ok(vec![
        object("record.json", "application/json", record),
        object(
            "report.md",
            "text/markdown; charset=utf-8",
            markdown::render(&page),
        ),
        object("report.html", "text/html; charset=utf-8", html::render(&page)),
        // For the night in which Tidegate itself can't be asked for it.
        object(
            "runbook.html",
            "text/html; charset=utf-8",
            html::render(&runbook(deployment)),
        ),
    ])
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::exit::{Exit, ExitState};
    use crate::journal;
    use crate::testing::{CANARY, at, requested};

    #[test]
    fn a_deployment_that_has_ended_is_kept_whole_under_its_name() {
        let mut deployment = requested(&format!("{CANARY}report: {{bucket: shop-records}}\n"));
        let exit = Exit {
            state: ExitState::Blocked,
            at: at(3),
            reason: "no image".to_owned(),
            remedy: None,
        };
        let event = Event::Exited { exit };
        let journal = journal::append(&mut deployment, vec![event.clone()], "plan", at(3));
        let store = deployment.kept_after(&event).unwrap();
        let objects = objects(store, &deployment, &journal).unwrap();
        let keys: Vec<&str> = objects.iter().map(|one| one.key.as_str()).collect();
        let prefix = format!("tidegate/web/production/{}", deployment.id);
        assert_eq!(
            keys,
            ["record.json", "report.md", "report.html", "runbook.html"]
                .map(|name| format!("{prefix}/{name}"))
        );
        assert_eq!(
            store.place_of(&deployment),
            format!("s3://shop-records/{prefix}/")
        );
        let record: serde_json::Value = serde_json::from_str(&objects[0].body).unwrap();
        let read: Deployment = serde_json::from_value(record["deployment"].clone()).unwrap();
        assert_eq!(read, deployment);
        assert_eq!(record["journal"][0]["event"]["event"], "exited");
        assert!(objects[1].body.contains("no image") && objects[2].body.contains("no image"));
        assert!(objects[2].content_type.starts_with("text/html"));
        assert!(objects[3].body.contains("Runbook of web/production"));
    }

    #[test]
    fn nothing_is_kept_before_the_end_or_where_the_file_does_not_say_where() {
        let over = Event::WatchEnded {
            trend: None,
            replaced_by: None,
        };
        let with = requested(&format!(
            "{CANARY}report: {{bucket: shop-records, prefix: a/b}}\n"
        ));
        assert!(with.kept_after(&over).is_some_and(|store| store.prefix == "a/b"));
        assert_eq!(with.kept_after(&Event::ShiftDone), None);
        assert_eq!(requested(CANARY).kept_after(&over), None);
    }
}
