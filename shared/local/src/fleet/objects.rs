//! Buckets of S3 and what is in them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// Objects by key, each with its versions, oldest first.
    pub objects: BTreeMap<String, Vec<Object>>,
}

/// A version of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Its id; all buckets here are versioned.
    pub version: String,
    /// What is in it. Only text is kept here.
    pub body: String,
    /// What kind of content it is said to be.
    pub content_type: Option<String>,
    /// Its metadata `tidegate-entries`: how much of a journal it tells of.
    pub entries: Option<String>,
}

impl Bucket {
    /// Puts a text above what is there. Gives the version's id.
    pub fn put(&mut self, key: &str, body: &str, content_type: Option<&str>) -> String {
        let object = Object {
            body: body.to_owned(),
            content_type: content_type.map(str::to_owned),
            ..Object::default()
        };
        self.add(key, object)
    }

    /// Puts a version of an object above those that are there. Gives its id.
    pub fn add(&mut self, key: &str, object: Object) -> String {
        let versions = self.objects.entry(key.to_owned()).or_default();
        let version = format!("v{}", versions.len() + 1);
        versions.push(Object {
            version: version.clone(),
            ..object
        });
        version
    }

    /// The version that is asked for, else the last.
    pub fn get(&self, key: &str, version: Option<&str>) -> Option<&Object> {
        let versions = self.objects.get(key)?;
        match version {
            Some(version) => versions.iter().find(|held| held.version == version),
            None => versions.last(),
        }
    }
}

impl Object {
    /// What changes with the content, in quotes. S3's is an MD5 of it; here it is FNV-1a.
    pub fn etag(&self) -> String {
        let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let hash = self.body.bytes().fold(0xcbf2_9ce4_8422_2325, fold);
        format!("\"{hash:032x}\"")
    }
}
