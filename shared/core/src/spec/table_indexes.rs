//! Keys of a migration that changes an index of a DynamoDB table.

use super::keys::Presence::{Optional, Required};
use super::keys::{Key, Kind, Section, TextRule};
use super::table::key;
use super::table_changes::TABLE;

/// Amazon DynamoDB API Reference, `CreateGlobalSecondaryIndexAction`.
static INDEX: TextRule = TextRule {
    what: "the name of an index",
    ..TABLE
};
/// What DynamoDB takes as the name of an attribute in a key: up to 255 bytes of UTF-8 (Amazon DynamoDB Developer Guide,
/// "Naming rules"). Only what can be read in a file.
static ATTRIBUTE: TextRule = TextRule {
    what: "the name of an attribute",
    rule: "1 to 255 bytes of printable characters",
    pattern: "^[!-~]([ -~]{0,254})$",
    accepts: |text| !text.trim().is_empty() && text.len() <= 255 && !text.chars().any(char::is_control),
};
static TYPE: TextRule = TextRule {
    what: "its type: S, N or B",
    rule: "S for text, N for a number, B for bytes",
    pattern: "^(S|N|B)$",
    accepts: |text| matches!(text, "S" | "N" | "B"),
};

pub(super) const REMOVE_INDEX: Key = key(
    "removeIndex",
    Kind::Text(&INDEX),
    Optional,
    "Removes this global secondary index of the table. Only in a contract: older code may read it.",
);
pub(super) const ADD_INDEX: Key = key(
    "addIndex",
    Kind::Section(&ADDED),
    Optional,
    "Adds a global secondary index to the table, and waits until DynamoDB has filled it. A rollback removes it again.",
);

static ADDED: Section = Section {
    doc: "A global secondary index of a DynamoDB table. One that is there already, with the same keys and attributes, \
          is left as it is.",
    keys: &[
        key("name", Kind::Text(&INDEX), Required, "Its name."),
        key(
            "partitionKey",
            attribute(),
            Required,
            "The attribute of its partition key, with its type: {customer: S}. Items without it are not in the index; \
             once it is there, DynamoDB refuses to write an item that has it in another type.",
        ),
        key(
            "sortKey",
            attribute(),
            Optional,
            "The attribute of its sort key, with its type: {placed: N}.",
        ),
        key(
            "project",
            Kind::Choice(&["all", "keysOnly"]),
            Optional,
            "What it has beside the keys of the index and of the table: everything or nothing. (default: all, or what \
             attributes lists)",
        ),
        key(
            "attributes",
            Kind::List {
                of: &Kind::Text(&ATTRIBUTE),
                min: 1,
                max: 20,
            },
            Optional,
            "The attributes that it has beside the keys, instead of project.",
        ),
        key(
            "capacity",
            Kind::Section(&CAPACITY),
            Optional,
            "Its own throughput, where the table has provisioned throughput.",
        ),
    ],
};

/// One name with its type.
const fn attribute() -> Kind {
    Kind::Map {
        names: &ATTRIBUTE,
        of: &TYPE,
        within: None,
        min: 1,
        max: 1,
    }
}

static CAPACITY: Section = Section {
    doc: "Provisioned throughput of an index.",
    keys: &[
        key(
            "read",
            Kind::Integer { min: 1, max: 40_000 },
            Required,
            "Read capacity units.",
        ),
        key(
            "write",
            Kind::Integer { min: 1, max: 40_000 },
            Required,
            "Write capacity units: those of the table's writes, and more while it is filled.",
        ),
    ],
};
