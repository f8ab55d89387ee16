//! Global secondary indexes of DynamoDB tables: one is added before the candidate gets traffic, or taken
//! away by a contract.
//!
//! An index has no tag that says who made it. So what was there is recorded before anything is asked for, and only
//! once nothing is in the way of asking: an index is ours where there was none by that record, and its keys are those
//! of the file. One that somebody makes with the same name and keys after that, while DynamoDB refuses ours, can't be
//! told from it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Before, Progress, Seen, size};
use crate::exit::Missing;

/// So many global secondary indexes a table has, unless AWS has raised that quota (Amazon DynamoDB Developer
/// Guide, "Quotas").
pub const MOST_INDEXES: usize = 20;
/// So many attributes all indexes of a table list beside their keys, together (Amazon DynamoDB API Reference,
/// `Projection`).
pub const MOST_PROJECTED: usize = 100;
/// What a deployment says to go beyond [`MOST_INDEXES`].
pub const OVERRIDE: &str = "index-quota";
/// Why an index that was taken away stays away.
pub(super) const NO_WAY_BACK: &str =
    "DynamoDB would build it anew; how it was stands in the journal, and `addIndex` makes it again";

/// What happens to an index of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IndexWork {
    /// Name of the table.
    pub table: String,
    /// Name of the index.
    pub name: String,
    /// What it shall be.
    #[serde(flatten)]
    pub to: IndexTo,
}

/// What an index shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "to")]
pub enum IndexTo {
    /// There.
    Added {
        /// As this says.
        definition: IndexDefinition,
        /// Its own throughput, on a table that has provisioned throughput.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        capacity: Option<Capacity>,
    },
    /// Gone.
    Removed,
}

/// Keys and projection of an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IndexDefinition {
    /// Attributes of the partition key; most often one.
    pub partition_key: Vec<KeyAttribute>,
    /// Attributes of the sort key; none, or most often one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sort_key: Vec<KeyAttribute>,
    /// What it has beside the keys.
    pub projection: Projection,
}

/// An attribute of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyAttribute {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: AttributeType,
}

/// Type of an attribute that is part of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttributeType {
    /// Text.
    S,
    /// A number.
    N,
    /// Bytes.
    B,
}

/// What an index has of each item beside the keys of the index and of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Projection {
    /// Everything.
    All,
    /// Nothing.
    KeysOnly,
    /// These attributes.
    Only(BTreeSet<String>),
}

/// Provisioned throughput.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    /// Read capacity units.
    pub read: u32,
    /// Write capacity units.
    pub write: u32,
}

/// What a plan has seen of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TableSize {
    /// About how many items it has: DynamoDB counts every six hours.
    pub items: u64,
    /// About how large it is, bytes.
    pub bytes: u64,
    /// Whether the index is as it shall be already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub done: bool,
}

/// What was found where a table should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "found")]
pub enum TableFound {
    /// Nothing.
    Absent,
    /// Tidegate's own table, which has the journals.
    Own,
    /// A table.
    Table(TableNow),
}

/// A table as DynamoDB describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TableNow {
    /// Whether anything can be asked of it.
    pub status: TableStatus,
    /// Whether it is paid for by request, not by provisioned throughput.
    pub on_demand: bool,
    /// Attributes that are part of a key of the table or of an index.
    pub attributes: BTreeMap<String, AttributeType>,
    /// Attributes that local indexes list beside their keys.
    pub projected_locally: usize,
    /// Its global secondary indexes by name.
    pub indexes: BTreeMap<String, IndexNow>,
    /// About how many items it has.
    pub items: u64,
    /// About how large it is, bytes.
    pub bytes: u64,
}

/// `TableStatus`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TableStatus {
    /// `ACTIVE`.
    Active,
    /// `UPDATING`: nothing else can be asked for.
    Updating,
    /// Any other, by DynamoDB's name of it.
    Other(String),
}

/// A global secondary index as DynamoDB describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IndexNow {
    /// Keys and projection; nothing where DynamoDB does not tell all of it, as of one that is being deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<IndexDefinition>,
    /// Where it stands.
    pub stage: IndexStage,
}

/// `IndexStatus`, with `Backfilling`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum IndexStage {
    /// Resources are being made ready for it. It can't be deleted now (Amazon DynamoDB API Reference,
    /// `GlobalSecondaryIndexDescription`).
    Allocating,
    /// It is being filled with the items that are there. It can be deleted.
    Backfilling,
    /// Its throughput is being changed.
    Updating,
    /// It is being deleted.
    Deleting,
    /// It is ready.
    Active,
}

impl IndexStage {
    /// What goes on with an index of that name, where that keeps others of its table from being changed.
    fn going(self, name: &str) -> Option<String> {
        match self {
            Self::Allocating | Self::Backfilling => Some(format!("index {name} is being made")),
            Self::Deleting => Some(format!("index {name} is being deleted")),
            Self::Updating | Self::Active => None,
        }
    }
}

impl AttributeType {
    /// The type of that name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "S" => Self::S,
            "N" => Self::N,
            "B" => Self::B,
            _ => return None,
        })
    }

    /// DynamoDB's name of it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::S => "S",
            Self::N => "N",
            Self::B => "B",
        }
    }
}

impl IndexDefinition {
    /// Every attribute of its keys.
    pub fn keys(&self) -> impl Iterator<Item = &KeyAttribute> {
        self.partition_key.iter().chain(&self.sort_key)
    }
}

impl IndexNow {
    fn is(&self, definition: &IndexDefinition) -> bool {
        self.definition.as_ref() == Some(definition)
    }

    /// What it has, in words.
    fn told(&self) -> String {
        let definition = self.definition.as_ref();
        definition.map_or_else(|| "keys of another kind".to_owned(), IndexDefinition::to_string)
    }

    fn listed(&self) -> usize {
        let definition = self.definition.as_ref();
        definition.map_or(0, |one| one.projection.listed())
    }
}

impl Projection {
    fn listed(&self) -> usize {
        match self {
            Self::All | Self::KeysOnly => 0,
            Self::Only(attributes) => attributes.len(),
        }
    }
}

/// `partition key customer (S), sort key placed (N), all attributes`.
impl fmt::Display for IndexDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = |attributes: &[KeyAttribute]| {
            let one = |one: &KeyAttribute| format!("{} ({})", one.name, one.kind.as_str());
            attributes.iter().map(one).collect::<Vec<_>>().join(" and ")
        };
        write!(f, "partition key {}, ", key(&self.partition_key))?;
        if !self.sort_key.is_empty() {
            write!(f, "sort key {}, ", key(&self.sort_key))?;
        }
        match &self.projection {
            Projection::All => f.write_str("all attributes"),
            Projection::KeysOnly => f.write_str("keys only"),
            Projection::Only(listed) => {
                let listed: Vec<&str> = listed.iter().map(String::as_str).collect();
                write!(f, "with {}", listed.join(", "))
            }
        }
    }
}

impl IndexWork {
    /// `orders/by-customer`.
    pub fn title(&self) -> String {
        format!("{}/{}", self.table, self.name)
    }

    /// Whether it takes the index away.
    pub const fn removes(&self) -> bool {
        matches!(self.to, IndexTo::Removed)
    }

    /// What is done, for a plan.
    pub fn describe(&self, planned: Option<&TableSize>) -> String {
        let Self { table, name, to } = self;
        let (what, already) = match to {
            IndexTo::Added { definition, capacity } => {
                let capacity = capacity.map_or_else(String::new, |one| {
                    format!(", {} read and {} write capacity units", one.read, one.write)
                });
                (
                    format!("add index {name} to DynamoDB table {table}: {definition}{capacity}"),
                    "it is there already",
                )
            }
            IndexTo::Removed => (
                format!("remove index {name} of DynamoDB table {table}"),
                "there is none",
            ),
        };
        match planned {
            Some(planned) if planned.done => format!("{what}; {already}"),
            Some(planned) => format!("{what}; {}", planned.describe()),
            None => what,
        }
    }
}

impl TableSize {
    fn describe(&self) -> String {
        format!(
            "the table has about {} items, {}",
            grouped(self.items),
            size(self.bytes)
        )
    }
}

/// `1,200,000`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

impl TableNow {
    /// Why DynamoDB would refuse another change of an index now, but for one of `name`: it makes or deletes one index
    /// of a table at a time.
    fn busy(&self, name: &str) -> Option<String> {
        let mut others = self.indexes.iter().filter(|(other, _)| *other != name);
        let going = others.find_map(|(other, index)| index.stage.going(other));
        match &self.status {
            TableStatus::Active => going,
            TableStatus::Updating => Some(going.unwrap_or_else(|| "the table is being changed".to_owned())),
            TableStatus::Other(status) => Some(format!("the table is {status}")),
        }
    }

    /// How it would be with the work done.
    fn after(&mut self, work: &IndexWork) {
        match &work.to {
            IndexTo::Added { definition, .. } => {
                let keys = definition.keys();
                self.attributes
                    .extend(keys.map(|key| (key.name.clone(), key.kind)));
                let index = IndexNow {
                    definition: Some(definition.clone()),
                    stage: IndexStage::Active,
                };
                self.indexes.insert(work.name.clone(), index);
            }
            IndexTo::Removed => drop(self.indexes.remove(&work.name)),
        }
    }

    fn projected(&self) -> usize {
        let listed = self.indexes.values().map(IndexNow::listed);
        self.projected_locally + listed.sum::<usize>()
    }

    /// What a plan tells of it.
    pub fn size(&self, work: &IndexWork) -> TableSize {
        let is = self.indexes.get(&work.name);
        TableSize {
            items: self.items,
            bytes: self.bytes,
            done: match &work.to {
                IndexTo::Added { definition, .. } => is.is_some_and(|one| one.is(definition)),
                IndexTo::Removed => is.is_none(),
            },
        }
    }
}

/// What stands in the way of changes of indexes, before anything is touched; each seen with those before it done.
pub fn refusals<'a>(
    found: &BTreeMap<String, TableFound>,
    works: impl Iterator<Item = &'a IndexWork>,
    beyond_quota: bool,
) -> Vec<Missing> {
    let mut found = found.clone();
    let mut missing = Vec::new();
    for work in works {
        let Some(table) = found.get_mut(&work.table) else {
            continue;
        };
        match refusal(table, work, beyond_quota) {
            Some(one) => missing.push(one),
            None => {
                if let TableFound::Table(table) = table {
                    table.after(work);
                }
            }
        }
    }
    missing
}

fn refusal(found: &TableFound, work: &IndexWork, beyond_quota: bool) -> Option<Missing> {
    let table = &work.table;
    match found {
        TableFound::Absent => Some(Missing::new(
            format!(
                "DynamoDB table {table}, of which the file changes index {}",
                work.name
            ),
            "create the table, or mend `table` in `migrations`".to_owned(),
        )),
        TableFound::Own => Some(Missing::new(
            format!("a table of the service: {table} is Tidegate's own"),
            "name the service's table in `migrations`".to_owned(),
        )),
        TableFound::Table(now) => resting(now, work).or_else(|| match &work.to {
            IndexTo::Added { definition, capacity } => {
                addable(now, work, definition, *capacity, beyond_quota)
            }
            IndexTo::Removed => removable(now, work),
        }),
    }
}

/// How it was must be known, so that a person can make it again.
fn removable(now: &TableNow, work: &IndexWork) -> Option<Missing> {
    let unknown = now.indexes.get(&work.name)?.definition.is_none();
    unknown.then(|| {
        Missing::new(
            format!("keys of index {} that Tidegate can keep a record of", work.name),
            "remove it by hand, and take its contract out of the file".to_owned(),
        )
    })
}

/// A plan is made for a table at rest: what somebody else is doing to it could be anything.
fn resting(now: &TableNow, work: &IndexWork) -> Option<Missing> {
    let own = || now.indexes.get(&work.name)?.stage.going(&work.name);
    let going = now.busy(&work.name).or_else(own)?;
    Some(Missing::new(
        format!("DynamoDB table {} at rest: {going}", work.table),
        "deploy again once that is over".to_owned(),
    ))
}

fn addable(
    now: &TableNow,
    work: &IndexWork,
    definition: &IndexDefinition,
    capacity: Option<Capacity>,
    beyond_quota: bool,
) -> Option<Missing> {
    let table = &work.table;
    if let Some(is) = now.indexes.get(&work.name) {
        return (!is.is(definition)).then(|| other_index(work, is));
    }
    if let Some((key, is)) = wrong_type(now, definition) {
        return Some(Missing::new(
            format!(
                "attribute {} as type {}: it is a key of table {table} as type {}",
                key.name,
                key.kind.as_str(),
                is.as_str()
            ),
            "mend the type in `addIndex`; one attribute has one type in all keys of a table".to_owned(),
        ));
    }
    let lacks = |what: String, remedy: &str| Some(Missing::new(what, remedy.to_owned()));
    if now.indexes.len() >= MOST_INDEXES && !beyond_quota {
        let remedy = format!(
            "remove one that nothing reads any more with `removeIndex`; where AWS has raised your quota, deploy with \
             `--override {OVERRIDE}`"
        );
        let what = format!(
            "room for index {}: table {table} has {} indexes",
            work.name,
            now.indexes.len()
        );
        return lacks(what, &remedy);
    }
    if now.projected() + definition.projection.listed() > MOST_PROJECTED {
        return lacks(
            format!(
                "room for the attributes of index {}: all indexes of table {table} list more than {MOST_PROJECTED} \
                 together with it",
                work.name
            ),
            "list fewer `attributes`, or write `project: all`",
        );
    }
    match (now.on_demand, capacity) {
        (true, Some(_)) => lacks(
            format!(
                "index {} without `capacity`: table {table} is paid for by request",
                work.name
            ),
            "take `capacity` out of `addIndex`",
        ),
        (false, None) => lacks(
            format!(
                "`capacity` of index {}: table {table} has provisioned throughput",
                work.name
            ),
            "add it to `addIndex`, such as `capacity: {read: 5, write: 5}`: enough writes for those of the table and \
             for filling the index",
        ),
        (true, None) | (false, Some(_)) => None,
    }
}

fn other_index(work: &IndexWork, is: &IndexNow) -> Missing {
    Missing::new(
        format!(
            "index {} as the file asks: table {} has one of that name with {}",
            work.name,
            work.table,
            is.told()
        ),
        "an index can't be changed: give the new one another name, and remove the old one with a contract once nothing \
         reads it"
            .to_owned(),
    )
}

fn wrong_type<'a>(
    now: &TableNow,
    definition: &'a IndexDefinition,
) -> Option<(&'a KeyAttribute, AttributeType)> {
    let mut keys = definition.keys();
    keys.find_map(|key| {
        let is = *now.attributes.get(&key.name)?;
        (is != key.kind).then_some((key, is))
    })
}

/// How a change of an index stands, and taking it back.
pub fn seen(found: &TableFound, before: Option<&Before>, work: &IndexWork) -> Seen {
    let TableFound::Table(now) = found else {
        let reason = refusal(found, work, true).map_or_else(String::new, |missing| missing.what);
        return Seen {
            before: Some(Before::Absent),
            made: Progress::failed(reason),
            undone: Progress::done("the table is gone, and the index with it"),
        };
    };
    let is = now.indexes.get(&work.name);
    let made = match (&work.to, before) {
        // What can't work is not begun; and what is in the way now may be over by then.
        (IndexTo::Added { definition, capacity }, None) => {
            match addable(now, work, definition, *capacity, true) {
                Some(missing) => Progress::failed(missing.what),
                None => added(now, is, before, (work, definition)),
            }
        }
        (IndexTo::Added { definition, .. }, Some(_)) => added(now, is, before, (work, definition)),
        (IndexTo::Removed, None) => match removable(now, work) {
            Some(missing) => Progress::failed(missing.what),
            None => removed(now, is, before, work),
        },
        (IndexTo::Removed, Some(_)) => removed(now, is, before, work),
    };
    let held = is.and_then(|index| index.definition.clone());
    Seen {
        before: Some(held.map_or(Before::Absent, |held| Before::Index { held })),
        made,
        undone: taken_back(now, is, before, work),
    }
}

fn added(
    now: &TableNow,
    is: Option<&IndexNow>,
    before: Option<&Before>,
    (work, definition): (&IndexWork, &IndexDefinition),
) -> Progress {
    let was_there = before.and_then(Before::index).is_some();
    let Some(is) = is else {
        return match now.busy(&work.name) {
            _ if was_there => Progress::failed("it was there, and somebody has deleted it meanwhile"),
            Some(note) => Progress::Waiting { note },
            None => Progress::NotBegun,
        };
    };
    let ready = || format!("it is active: {definition}");
    match is.stage {
        IndexStage::Deleting => Progress::failed("somebody is deleting it"),
        _ if !is.is(definition) => Progress::failed(format!(
            "index {} of table {} has {}: somebody else has made it",
            work.name,
            work.table,
            is.told()
        )),
        IndexStage::Allocating => Progress::running("DynamoDB makes room for it"),
        IndexStage::Backfilling => Progress::running(format!(
            "DynamoDB fills it from the table's {} items",
            grouped(now.items)
        )),
        IndexStage::Updating => Progress::running("its throughput is being changed"),
        IndexStage::Active if was_there => Progress::done("it was there already"),
        IndexStage::Active => Progress::done(ready()),
    }
}

fn removed(now: &TableNow, is: Option<&IndexNow>, before: Option<&Before>, work: &IndexWork) -> Progress {
    let was = before.and_then(Before::index);
    let Some(is) = is else {
        return Progress::done(was.map_or_else(
            || "there was none".to_owned(),
            |was| format!("it is gone; it had {was}"),
        ));
    };
    let other = before.is_some() && !was.is_some_and(|was| is.is(was));
    match is.stage {
        IndexStage::Deleting => Progress::running("DynamoDB deletes it"),
        _ if other => Progress::failed(format!(
            "somebody has made another index {} meanwhile, with {}",
            work.name,
            is.told()
        )),
        IndexStage::Allocating | IndexStage::Backfilling => {
            let note = "somebody is making it".to_owned();
            Progress::Waiting { note }
        }
        IndexStage::Updating | IndexStage::Active => match now.busy(&work.name) {
            Some(note) => Progress::Waiting { note },
            None => Progress::NotBegun,
        },
    }
}

fn taken_back(now: &TableNow, is: Option<&IndexNow>, before: Option<&Before>, work: &IndexWork) -> Progress {
    let IndexTo::Added { definition, .. } = &work.to else {
        return Progress::NotBegun;
    };
    let Some(is) = is else {
        return Progress::done("it is gone");
    };
    if before.and_then(Before::index).is_some() {
        return Progress::done("it was there before, and stays");
    }
    if before != Some(&Before::Absent) {
        return Progress::failed("what was there before is not on record");
    }
    match (is.stage, now.busy(&work.name)) {
        (IndexStage::Deleting, _) => Progress::running("DynamoDB deletes it"),
        _ if !is.is(definition) => Progress::done(format!(
            "the index of that name is somebody else's, with {}: it stays",
            is.told()
        )),
        (IndexStage::Allocating, _) => {
            Progress::running("DynamoDB still makes room for it, and deletes nothing meanwhile")
        }
        (IndexStage::Backfilling | IndexStage::Updating | IndexStage::Active, Some(busy)) => {
            Progress::running(format!("it waits: {busy}"))
        }
        (IndexStage::Backfilling | IndexStage::Updating | IndexStage::Active, None) => Progress::NotBegun,
    }
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
