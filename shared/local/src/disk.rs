//! Keeping a local cloud over a restart, also after `kill -9`.

use std::fs;
use std::path::{Path, PathBuf};

use dynoxide::Database;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cloud::{CloudError, Shared, State};

/// Version of the file; another one is refused rather than misread.
const VERSION: u32 = 1;

/// Why the data directory can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// It can't be read or written.
    #[error("failed to use {path}: {source}")]
    Io {
        /// What.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It can't be understood.
    #[error("failed to read {path}: {reason}; move the directory away to start afresh")]
    Unreadable {
        /// What.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

#[derive(Serialize)]
struct Saving<'a> {
    version: u32,
    at: Timestamp,
    state: &'a State,
}

#[derive(Deserialize)]
struct Saved {
    version: u32,
    at: Timestamp,
    state: State,
}

fn state_file(data: &Path) -> PathBuf {
    data.join("cloud.json")
}

/// Opens the database of a data directory, or one in memory.
pub(crate) fn open_database(data: Option<&Path>) -> Result<Database, CloudError> {
    let Some(data) = data else {
        return Database::memory().map_err(|error| CloudError::Database(error.to_string()));
    };
    fs::create_dir_all(data).map_err(|source| DiskError::Io {
        path: data.to_owned(),
        source,
    })?;
    let path = data.join("dynamodb.sqlite");
    Database::new(&path.to_string_lossy()).map_err(|error| CloudError::Database(error.to_string()))
}

/// The state that was saved last, with the time that it was.
pub(crate) fn load(data: Option<&Path>) -> Result<Option<(State, Timestamp)>, DiskError> {
    let Some(path) = data.map(state_file).filter(|path| path.exists()) else {
        return Ok(None);
    };
    let text = fs::read(&path).map_err(|source| DiskError::Io {
        path: path.clone(),
        source,
    })?;
    let unreadable = |reason: String| DiskError::Unreadable {
        path: path.clone(),
        reason,
    };
    let saved: Saved = serde_json::from_slice(&text).map_err(|error| unreadable(error.to_string()))?;
    if saved.version != VERSION {
        return Err(unreadable(format!(
            "it is of version {}, this is version {VERSION}",
            saved.version
        )));
    }
    Ok(Some((saved.state, saved.at)))
}

/// Saves the state if it changed: written beside and renamed, so that a crash leaves the old or the new.
pub(crate) fn save(shared: &Shared, state: &mut State) {
    let Some(data) = shared.data.as_deref().filter(|_| state.dirty) else {
        return;
    };
    match write(data, state, shared.clock.now()) {
        Ok(()) => state.dirty = false,
        Err(error) => tracing::error!(%error, "the local cloud's state is not saved"),
    }
}

fn write(data: &Path, state: &State, at: Timestamp) -> Result<(), DiskError> {
    let path = state_file(data);
    let beside = data.join("cloud.json.new");
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| DiskError::Io { path, source }
    };
    let text = serde_json::to_vec(&Saving {
        version: VERSION,
        at,
        state,
    })
    .map_err(|error| DiskError::Unreadable {
        path: path.clone(),
        reason: error.to_string(),
    })?;
    fs::write(&beside, text).map_err(io(&beside))?;
    fs::rename(&beside, &path).map_err(io(&path))
}
