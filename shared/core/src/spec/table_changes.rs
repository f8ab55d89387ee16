//! Keys of the sections that change something besides the image.

use super::keys::Presence::{Default, Optional, Required};
use super::keys::{Kind, Section, TextRule};
use super::table::{is_label, is_printable, key, name};
use super::table_indexes::{ADD_INDEX, REMOVE_INDEX};

static CHANGE_NAME: TextRule = name("the name of a change such as add-email");
static WORD: TextRule = TextRule {
    what: "a word of a command",
    rule: "1 to 1000 printable characters",
    pattern: "^[!-~]([ -~]{0,999})$",
    accepts: |text| is_printable(text, 1000),
};
pub(super) static TABLE: TextRule = TextRule {
    what: "the name of a DynamoDB table",
    rule: "3 to 255 letters, digits, dots, dashes and underscores",
    pattern: "^[A-Za-z0-9_.-]{3,255}$",
    accepts: |text| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        (3..=255).contains(&text.len()) && text.chars().all(plain)
    },
};
pub(super) static DATABASE: TextRule = TextRule {
    what: "the identifier of a database instance or a cluster of RDS",
    rule: "lowercase letters, digits and dashes, starting with a letter, at most 63 characters",
    pattern: "^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$",
    accepts: |text| is_label(text, 63),
};
pub(super) static PREPARE: Section = Section {
    doc: "What is done before anything else is touched.",
    keys: &[
        key(
            "backups",
            Kind::List {
                of: &Kind::Section(&BACKUP),
                min: 1,
                max: 10,
            },
            Optional,
            "Backups, each taken and seen complete before anything is changed. Where one fails, the \
             deployment stops there. Tidegate never deletes a backup.",
        ),
        key(
            "suspendAutoscaling",
            Kind::Flag,
            Default("false"),
            "Suspend Application Auto Scaling of the target's ECS services while the deployment runs. Every \
             end puts back what was there.",
        ),
    ],
};
static BACKUP: Section = Section {
    doc: "One backup: of a table, a database or a cluster.",
    keys: &[
        key(
            "table",
            Kind::Text(&TABLE),
            Optional,
            "A DynamoDB table: an on-demand backup.",
        ),
        key(
            "database",
            Kind::Text(&DATABASE),
            Optional,
            "A database instance of RDS: a snapshot.",
        ),
        key(
            "cluster",
            Kind::Text(&DATABASE),
            Optional,
            "A database cluster, of Aurora or of several zones: a cluster snapshot.",
        ),
        key(
            "timeout",
            Kind::Duration { min: 60, max: 21_600 },
            Default("1h"),
            "How long it may take.",
        ),
    ],
};
pub(super) static MIGRATION: Section = Section {
    doc: "A change of schema or data. The revision before must work with it, but for a contract.",
    keys: &[
        key(
            "name",
            Kind::Text(&CHANGE_NAME),
            Required,
            "What the journal calls it.",
        ),
        key(
            "command",
            Kind::List {
                of: &Kind::Text(&WORD),
                min: 1,
                max: 50,
            },
            Optional,
            "Command of the new revision's image, as a list of words. A migration has this, addIndex or removeIndex.",
        ),
        key(
            "table",
            Kind::Text(&TABLE),
            Optional,
            "The DynamoDB table that addIndex or removeIndex is about.",
        ),
        ADD_INDEX,
        REMOVE_INDEX,
        key(
            "verify",
            Kind::List {
                of: &Kind::Text(&WORD),
                min: 1,
                max: 50,
            },
            Optional,
            "Command that fails where the migration did not do what it should.",
        ),
        key(
            "down",
            Kind::List {
                of: &Kind::Text(&WORD),
                min: 1,
                max: 50,
            },
            Optional,
            "Command that takes it back when the deployment is rolled back.",
        ),
        key(
            "undo",
            Kind::Choice(&["revertible", "forward-only", "needs-restore"]),
            Optional,
            "What a rollback does. revertible: runs down, or removes the index that was added. forward-only: leaves it. \
             needs-restore: calls a person. (default: revertible with down and of addIndex, forward-only otherwise)",
        ),
        key(
            "stage",
            Kind::Choice(&["expand", "backfill", "contract"]),
            Optional,
            "When it is made. expand and backfill: before the new revision gets traffic. contract: it takes away what \
             older code needs, so it is made in a deployment of its own, once, when this revision has served for the \
             time of `after` and people agree at the gate before `contract`. (default: expand)",
        ),
        key(
            "after",
            Kind::Duration {
                min: 600,
                max: 90 * 86_400,
            },
            Optional,
            "Of a contract: how long after the deployment's completion it is asked for. Several contracts of a file \
             are made together, after the longest time.",
        ),
        key(
            "timeout",
            Kind::Duration { min: 10, max: 86_400 },
            Optional,
            "How long each of its commands may run, at most 50m, or how long DynamoDB may take for the index, at most 1d. \
             (default: 15m, and 2h for an index)",
        ),
        key(
            "logTail",
            Kind::Flag,
            Default("true"),
            "Keep the last 20 lines that each of its tasks writes in the journal. What looks like a password \
             or a key is masked, but nobody can promise that all of them are: false for one that prints secrets.",
        ),
    ],
};
